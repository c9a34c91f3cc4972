"""The Dash component of the contact-points screen; its scripts are in `assets/contact/`.

The class only names its properties. They go one way, in: the screen asks the ledger by itself,
since a decision must be sent once and kept until it is answered, which a callback cannot promise.
"""

# ruff: noqa: RUF012 -- Dash declares these lists on its base class as variables of instances

from __future__ import annotations

from typing import Any

from dash.development.base_component import Component

from dashboard.portal_components import part
from geodata import words


class AtlasContact(Component):
    """The map of contact points and the panel beside it.

    Properties in
    -------------
    id
    title : of the atlas. demo : whether its data are invented.
    nav : links to the pages: `href`, `label`, `current`; `own` for the one to oneself, which
        stands in the menu behind one's name.
    words : the catalogue's section `contact`; map_words : section `map`; search_words and
        look_words : tables of the section `portal`.
    """

    _children_props = []
    _base_nodes = ["children"]
    _namespace = "bangfu"
    _type = "AtlasContact"
    _valid_wildcard_attributes = []
    available_wildcard_properties = []
    _prop_names = [
        "id",
        "title",
        "demo",
        "nav",
        "words",
        "map_words",
        "search_words",
        "look_words",
    ]
    available_properties = _prop_names

    def __init__(self, **properties: Any) -> None:
        properties.setdefault("words", words.section("contact"))
        properties.setdefault("map_words", words.section("map"))
        properties.setdefault("search_words", part("search"))
        properties.setdefault("look_words", part("look"))
        super().__init__(**properties)

"""The phone's Dash component; its script is `assets/remote/70-remote.js`.

The class only names its properties. They go one way, in: a phone asks the server by itself, and
what it may do hangs on the token it was given when it was paired, not on a callback.
"""

# ruff: noqa: RUF012 -- Dash declares these lists on its base class as variables of instances

from __future__ import annotations

from typing import Any

from dash.development.base_component import Component

from geodata import words


class AtlasRemote(Component):
    """The remote control of a wall: pairs by code, then steers it.

    Properties in
    -------------
    id
    title : what stands above the field for the code.
    words : the catalogue's section `remote`.
    """

    _children_props = []
    _base_nodes = ["children"]
    _namespace = "bangfu"
    _type = "AtlasRemote"
    _valid_wildcard_attributes = []
    available_wildcard_properties = []
    _prop_names = ["id", "title", "words"]
    available_properties = _prop_names

    def __init__(self, **properties: Any) -> None:
        properties.setdefault("words", words.section("remote"))
        super().__init__(**properties)

"""The wall's Dash component; its scripts are in `assets/wall/`.

The class only names its properties: what they do is in `assets/wall/57-director.js` (what is
shown when) and `60-wall.js` (the page). All properties are plain JSON and go one way, in: a wall
asks the server by itself, so that no callback has to answer for its picture to stay.
"""

# ruff: noqa: RUF012 -- Dash declares these lists on its base class as variables of instances

from __future__ import annotations

from typing import Any

from dash.development.base_component import Component

from geodata import words


class AtlasWall(Component):
    """A briefing that runs by itself on a screen of its own.

    Properties in
    -------------
    id
    title : what the waiting screen says before there is a scene.
    words : the catalogue's section `wall`; scene_words : section `scene`; map_words : section
        `map`.
    """

    _children_props = []
    _base_nodes = ["children"]
    _namespace = "bangfu"
    _type = "AtlasWall"
    _valid_wildcard_attributes = []
    available_wildcard_properties = []
    _prop_names = ["id", "title", "words", "scene_words", "map_words"]
    available_properties = _prop_names

    def __init__(self, **properties: Any) -> None:
        for name, section in (("words", "wall"), ("scene_words", "scene"), ("map_words", "map")):
            properties.setdefault(name, words.section(section))
        super().__init__(**properties)

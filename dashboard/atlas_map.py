"""The map, its legend and its time bar as Dash components; their scripts are in `assets/`.

Each class only names its properties: what they do is in `assets/20-atlas-map.js`,
`30-legend.js` and `40-time.js`, React function components on `window.bangfu`. Properties are
plain JSON. `words` defaults to the catalogue's section `map`.
"""

# ruff: noqa: RUF012 -- Dash declares these lists on its base class as variables of instances

from __future__ import annotations

from typing import Any

from dash.development.base_component import Component

from geodata import words


class _Bangfu(Component):
    """What the three have in common: words from the catalogue.

    Dash reads `_namespace` and `_children_props` off each class's own body, so they stand there.
    """

    _children_props = []
    _base_nodes = ["children"]
    _namespace = "bangfu"
    _valid_wildcard_attributes = []
    available_wildcard_properties = []

    def __init__(self, **properties: Any) -> None:
        properties.setdefault("words", words.section("map"))
        super().__init__(**properties)


class AtlasMap(_Bangfu):
    """A choropleth of one picture (`layers.picture`), coloured in the browser.

    Properties in
    -------------
    id, className
    picture : the dict of `layers.picture.picture`; a new one moves the camera if its region or
        camera changed, and never reloads tiles of the same edition.
    period : index into `picture.periods`; None takes `picture.period`.
    off : indices of classes filtered out. hide : ids of hidden layers: `line-<level>`, `labels`,
        `underlay`. Both None: as the picture says.
    dark : True, False, or None to follow the system.
    highlight : index of the class to bring forward (255 no data, 254 out of scope), or None.
    pointed : `{level, position}` to outline (a row of the ranked list), or None.
    padding : `{top, right, bottom, left}` pixels that panels cover, or None.
    playing : while True, and as far out as the mesh is exact, months fade into one another
        (`assets/15-mesh.js`); the mesh is fetched at the first play.
    flight : milliseconds of camera moves (default 650); over 1000 they rise and fall in an arc.
    still : nobody steers this map: no pointer, keys, buttons, scale, list of layers, notices or
        messages. Not to be changed later.
    keep_snapshot : keep a copy of the last painted picture, and show it (`.atlas-snapshot`) while
        the graphics card is away or the map is being made anew.
    words : the catalogue's section `map`.

    Properties out
    --------------
    clicked : `{code, level, position, n}`; n counts, so that a second click on the same region
        is news, too.
    hovered : `{code, level, position, n}` or None.
    camera : `[zoom, lat, lon]` after the reader (not the program) moved the map.
    level : id of the active level, which follows the zoom when `picture.follow` is set.
    hide : after a tick in the list of layers.
    up : counts Escape on the map.
    painted : `{edition, measure, round, level, region, period, n}` once the map is idle and
        shows this; while playing, once for every whole period.
    trouble : "context_lost", "no_webgl" or None; the map mends itself and then says None.
    """

    _children_props = []
    _namespace = "bangfu"
    _type = "AtlasMap"
    _prop_names = [
        "id",
        "className",
        "picture",
        "period",
        "off",
        "hide",
        "dark",
        "highlight",
        "pointed",
        "padding",
        "playing",
        "flight",
        "still",
        "keep_snapshot",
        "words",
        "clicked",
        "hovered",
        "camera",
        "level",
        "up",
        "painted",
        "trouble",
    ]
    available_properties = _prop_names


class AtlasLegend(_Bangfu):
    """Swatches with the count in each class, inside the current region and period.

    Properties in: id, className, picture, period, off, dark, words as for `AtlasMap`; `map`: id of
    the map whose level it follows (None: any).

    Properties out
    --------------
    off : ascending class indices after a click.
    highlight : class index under the pointer or the focus (255 no data, 254 out of scope), or None.
    """

    _children_props = []
    _namespace = "bangfu"
    _type = "AtlasLegend"
    _prop_names = [
        "id",
        "className",
        "picture",
        "period",
        "off",
        "dark",
        "highlight",
        "map",
        "words",
    ]
    available_properties = _prop_names


class AtlasTime(_Bangfu):
    """Play button and slider over the periods, with the plan's points; nothing for one period.

    Properties in: id, className, picture, words; `period` (index) and `playing` go both ways;
    `pace`: milliseconds a period stays while playing (default 700).
    """

    _children_props = []
    _namespace = "bangfu"
    _type = "AtlasTime"
    _prop_names = [
        "id",
        "className",
        "picture",
        "period",
        "playing",
        "pace",
        "words",
    ]
    available_properties = _prop_names

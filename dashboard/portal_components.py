"""The portal's own Dash components; their scripts are `assets/50-address.js` to `53-gallery.js`.

Each class only names its properties; what they do is in the scripts. `words` is a part of the
catalogue's section `portal`, and defaults to the part named by the class.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from dash.development.base_component import Component

from geodata import words


def part(*names: str) -> dict[str, str]:
    """The words of some tables of the section `portal`, their keys without the table."""
    found: dict[str, str] = {}
    for key, text in words.section("portal").items():
        table, _, name = key.rpartition(".")
        if table in names:
            found[name] = text
    return found


class _Portal(Component):
    """What they have in common: namespace, plain JSON properties, words."""

    # Dash declares these as instance variables, so they cannot be marked as the class's here.
    _children_props = []  # noqa: RUF012
    _base_nodes = ["children"]  # noqa: RUF012
    _namespace = "bangfu"
    _valid_wildcard_attributes = []  # noqa: RUF012
    available_wildcard_properties = []  # noqa: RUF012
    _tables: ClassVar[Iterable[str]] = ()

    def __init__(self, **properties: Any) -> None:
        properties.setdefault("words", part(*self._tables))
        super().__init__(**properties)


def _component(name: str, properties: str, tables: tuple[str, ...], doc: str) -> type[_Portal]:
    """A component class; Dash reads these attributes when it writes the layout."""
    names = ["id", "words", *properties.split()]
    return type(
        name,
        (_Portal,),
        {
            "__doc__": doc,
            "__module__": __name__,
            "_namespace": "bangfu",
            "_children_props": [],
            "_base_nodes": ["children"],
            "_type": name,
            "_prop_names": names,
            "available_properties": names,
            "_tables": tables,
        },
    )


AtlasAddress = _component(
    "AtlasAddress",
    "asked picture problem details poll_seconds health",
    ("notice",),
    """The address of the view. Out: `asked` {search, n}, when the server has to draw; `details`
    {search, key}, when the slow panels are due. In: `picture`; `problem` {message, cure} or None;
    `poll_seconds`; `health`, the URL that names the current edition.""",
)
AtlasBrand = _component(
    "AtlasBrand", "picture title demo", ("", "brand"), """Title and the 演示数据 badge."""
)
AtlasSearch = _component(
    "AtlasSearch", "picture url", ("search",), """Combobox over the region search."""
)
AtlasToolbar = _component(
    "AtlasToolbar",
    "picture url",
    ("toolbar", "theme"),
    """Themes, measure, round and level; reads the catalogue of measures from `url`.""",
)
AtlasActions = _component(
    "AtlasActions",
    "picture table about_words",
    ("actions", "export"),
    """Table, save and export, copy the link, help. Out: `table`, whether it stands for the map.""",
)
AtlasLook = _component("AtlasLook", "", ("look",), """Light, dark or automatic.""")
AtlasCrumbs = _component("AtlasCrumbs", "picture", ("crumbs",), """The path of regions.""")
AtlasFigures = _component(
    "AtlasFigures", "picture period", ("figures", "status"), """Headline figures and plan."""
)
AtlasRanking = _component(
    "AtlasRanking",
    "picture period wide shown pointed",
    ("status", "ranking"),
    """The ranked table of children; `wide` in place of the map. Out: `pointed`.""",
)
AtlasSheet = _component(
    "AtlasSheet", "panel", ("panel",), """The handle of the panel on a phone."""
)
AtlasFold = _component("AtlasFold", "target", ("legend",), """Folds the legend on a phone.""")
AtlasGallery = _component(
    "AtlasGallery",
    "cards rounds asked poll_seconds health",
    ("gallery", "theme"),
    """Filters the cards by theme and round. Out: `asked` {n}, when there are cards to draw.""",
)

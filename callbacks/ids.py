"""The ids of all components: layouts place them, callbacks wire them, tests look for them."""

from __future__ import annotations

ADDRESS = "address"
"""AtlasAddress: asks the server when the URL changes and holds the picture that it answers."""
BRAND = "brand"
SEARCH = "search"
TOOLBAR = "toolbar"
ACTIONS = "actions"
LOOK = "look"

MAP = "map"
LEGEND = "legend"
LEGEND_BOX = "legend-box"
LEGEND_FOLD = "legend-fold"
TIME = "time"
CRUMBS = "crumbs"
TABLE = "table"

PANEL = "panel"
SHEET = "sheet"
FIGURES = "figures"
RANKING = "ranking"
DETAILS = "details"
"""Filled by the second callback, after the map: charts, profile, provenance."""
STAGE = "stage"

GALLERY = "gallery"

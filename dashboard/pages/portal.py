"""The portal's layout: bars, map, panel. All that it shows comes by callback; nothing waits."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from callbacks import ids
from callbacks.aria import aria
from callbacks.services import Services
from dashboard import access
from dashboard.account_menu import account_menu, account_pages
from dashboard.atlas_map import AtlasLegend, AtlasMap, AtlasTime
from dashboard.portal_components import (
    AtlasActions,
    AtlasAddress,
    AtlasBrand,
    AtlasCrumbs,
    AtlasFigures,
    AtlasFold,
    AtlasLook,
    AtlasRanking,
    AtlasSearch,
    AtlasSheet,
    AtlasToolbar,
    part,
)
from geodata.errors import AtlasError
from geodata.words import say


def layout(services: Services) -> Component:
    """The page before its first picture.

    No dcc.Graph is in it: Dash would load plotly.js, larger than all else together, before the
    map. The charts bring it with the second callback.
    """
    title, demo = headings(services)
    return html.Div(
        className="portal",
        children=[
            html.A(say("portal.skip"), href=f"#{ids.PANEL}", className="skip"),
            html.Header(
                className="topbar",
                children=[
                    AtlasBrand(id=ids.BRAND, title=title, demo=demo),
                    AtlasSearch(id=ids.SEARCH),
                    navigation("map"),
                    AtlasActions(id=ids.ACTIONS, table=False, about_words=part("about")),
                    AtlasLook(id=ids.LOOK),
                ],
            ),
            html.Div(className="toolbar", children=AtlasToolbar(id=ids.TOOLBAR)),
            html.Main(
                className="stage",
                id=ids.STAGE,
                children=[
                    html.Section(
                        className="map-pane",
                        **aria(label=say("portal.map.label")),
                        children=[
                            AtlasMap(id=ids.MAP),
                            AtlasCrumbs(id=ids.CRUMBS),
                            html.Div(
                                className="legend-dock",
                                children=[
                                    AtlasFold(id=ids.LEGEND_FOLD, target=ids.LEGEND_BOX),
                                    html.Div(
                                        id=ids.LEGEND_BOX,
                                        children=AtlasLegend(id=ids.LEGEND, map=ids.MAP),
                                    ),
                                ],
                            ),
                            html.Div(className="time-dock", children=AtlasTime(id=ids.TIME)),
                            AtlasRanking(id=ids.TABLE, wide=True, shown=False),
                        ],
                    ),
                    html.Aside(
                        id=ids.PANEL,
                        className="panel",
                        tabIndex=-1,
                        **aria(label=say("portal.panel.label")),
                        children=[
                            AtlasSheet(id=ids.SHEET, panel=ids.PANEL),
                            AtlasFigures(id=ids.FIGURES),
                            AtlasRanking(id=ids.RANKING),
                            html.Div(id=ids.DETAILS, className="details"),
                        ],
                    ),
                    AtlasAddress(id=ids.ADDRESS, poll_seconds=services.poll_seconds),
                ],
            ),
        ],
    )


def headings(services: Services) -> tuple[str, bool]:
    """Title and whether the data are invented, for a page that has no picture yet."""
    try:
        notices = services.edition().notices()
    except AtlasError:
        return "", False  # No edition yet: the page says so.
    return str(notices["title"]), bool(notices["demo"])


def navigation(current: str) -> Component:
    """Links to the pages that the reader may open, the current one marked; and who that is."""
    pages = {"map": "/", "gallery": "/maps"}
    asker = access.principal()
    return html.Nav(
        className="pages",
        **aria(label=say("portal.nav.label")),
        children=[
            *(
                html.A(
                    say(f"portal.nav.{name}"),
                    href=path,
                    **(aria(current="page") if name == current else {}),
                )
                for name, path in pages.items()
            ),
            *account_pages(asker),
            account_menu(asker),
        ],
    )

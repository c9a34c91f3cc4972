"""The gallery's layout: a heading, and the cards under their filter."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from callbacks import ids
from callbacks.services import Services
from dashboard.pages.portal import headings, navigation
from dashboard.portal_components import AtlasBrand, AtlasGallery, AtlasLook
from geodata.words import say


def layout(services: Services) -> Component:
    """The page before its cards."""
    title, demo = headings(services)
    return html.Div(
        className="gallery-page",
        children=[
            html.A(say("portal.gallery.skip"), href=f"#{ids.GALLERY}", className="skip"),
            html.Header(
                className="topbar",
                children=[
                    AtlasBrand(id=ids.BRAND, title=title, demo=demo),
                    navigation("gallery"),
                    AtlasLook(id=ids.LOOK),
                ],
            ),
            html.Main(
                className="gallery",
                children=[
                    html.Header(
                        className="gallery-head",
                        children=[
                            html.H2(say("portal.gallery.title")),
                            html.P(say("portal.gallery.intro")),
                        ],
                    ),
                    AtlasGallery(id=ids.GALLERY, poll_seconds=services.poll_seconds),
                ],
            ),
        ],
    )

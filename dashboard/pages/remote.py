"""The remote control's layout: one component, that pairs with a wall and steers it."""

from __future__ import annotations

from dash.development.base_component import Component

from callbacks.services import Services
from dashboard.pages.portal import headings
from dashboard.remote_components import AtlasRemote

PATH = "/remote"
SCREEN = "remote"


def layout(services: Services) -> Component:
    """The page before it is paired. The component asks for everything else itself."""
    title, _ = headings(services)
    return AtlasRemote(id=SCREEN, title=title)

"""The contact-points screen's layout: one component, that asks the ledger and draws the rest."""

from __future__ import annotations

from dash.development.base_component import Component

from callbacks.services import Services
from dashboard import access
from dashboard.account_menu import entries
from dashboard.contact_components import AtlasContact
from dashboard.pages.portal import headings
from geodata.words import say

PATH = "/contact-points"
SCREEN = "contact"


def layout(services: Services) -> Component:
    """The page before the ledger has answered."""
    title, demo = headings(services)
    told = entries(access.principal())
    links = [
        {"href": "/", "label": say("portal.nav.map"), "current": False},
        {"href": "/maps", "label": say("portal.nav.gallery"), "current": False},
        *(
            {"href": one.href, "label": one.label, "current": one.href == PATH}
            for one in told["pages"]
        ),
        {"href": told["me"].href, "label": say("signin.menu.me"), "current": False, "own": True},
    ]
    return AtlasContact(id=SCREEN, title=title, demo=demo, nav=links)

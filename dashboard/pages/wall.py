"""The wall's layout: one component; and the calm screen that stands until it has a picture."""

from __future__ import annotations

import html

from dash.development.base_component import Component

from callbacks.services import Services
from dashboard.pages.portal import headings
from dashboard.wall_components import AtlasWall
from geodata.words import say

PATH = "/wall"
SCREEN = "wall"
WAITING = "wall-waiting"
"""Id of the waiting screen, which the component takes away."""
RETRY_SECONDS = 5


def layout(services: Services) -> Component:
    """The page before its first scene. The component asks for everything else itself."""
    title, _ = headings(services)
    return AtlasWall(id=SCREEN, title=title)


def waiting(title: str) -> str:
    """HTML that covers the page until the first scene is there.

    It stands in the page itself and not in a script: whatever fails to come, this is on the
    screen, and neither a white page nor the framework's own words. Its colours are inline, since
    the stylesheet may be what fails.
    """
    style = (
        "position:fixed;top:0;right:0;bottom:0;left:0;z-index:1000;display:flex;"
        "flex-direction:column;align-items:center;justify-content:center;text-align:center;"
        "background:#12171b;color:#eef2f4;font-family:sans-serif"
    )
    return (
        f'<div id="{WAITING}" style="{style}">'
        f'<p style="margin:0;font-size:2.2rem;font-weight:600">{html.escape(title)}</p>'
        f'<p style="margin:1.2rem 0 0;font-size:1.1rem;color:#b9c3ca">'
        f"{html.escape(say('wall.waiting'))}</p></div>"
    )


def without_answer() -> str:
    """The whole page while there is nothing to show or to ask: it asks again by itself."""
    title = html.escape(say("wall.title"))
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        f'<meta http-equiv="refresh" content="{RETRY_SECONDS}"><title>{title}</title></head>'
        f'<body style="margin:0;background:#12171b">{waiting(say("wall.title"))}</body></html>\n'
    )

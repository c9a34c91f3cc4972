"""Which page a path shows, when the server could not tell at first or the path changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dash import Dash, Input, Output, State
from dash.exceptions import PreventUpdate

from geodata.ledger.roles import Right

ADDRESS = "page-address"
PAGE = "page"
SHOWN = "page-shown"


def page_of(pathname: str | None, pages: Mapping[str, Any], default: str = "/") -> str:
    """The page of a path; whatever has none of its own shows the first."""
    path = "/" + (pathname or "").strip("/")
    return path if path in pages else default


def register(app: Dash, layouts: Mapping[str, Callable[[], Any]]) -> None:
    """Change the page when the path asks for another one than is shown."""

    @app.callback(
        Output(PAGE, "children"),
        Output(SHOWN, "data"),
        Input(ADDRESS, "pathname"),
        State(SHOWN, "data"),
        prevent_initial_call=False,
        access=Right.ANYONE,  # each layout asks for the right of its own page
    )
    def turn(pathname: str | None, shown: str | None) -> tuple[Any, Any]:
        wanted = page_of(pathname, layouts)
        if wanted == shown:
            raise PreventUpdate
        return layouts[wanted](), wanted

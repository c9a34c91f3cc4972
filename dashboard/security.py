"""What every response carries so that a page can do no more than it must, and who may post."""

from __future__ import annotations

from urllib.parse import urlsplit

from dash import Dash
from flask import Response, request

from dashboard.errors import respond
from geodata.words import say

TIANDITU = "https://*.tianditu.gov.cn"


def policy(script_hashes: list[str], *, underlay: bool) -> str:
    """The Content-Security-Policy: this host only, no eval; 天地图 when its underlay is set.

    `script_hashes` are the inline scripts that Dash writes. MapLibre's worker is a blob. Dash,
    plotly and MapLibre set inline styles, so styles alone may be inline.
    """
    outside = f" {TIANDITU}" if underlay else ""
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' {' '.join(script_hashes)}".rstrip(),
            "style-src 'self' 'unsafe-inline'",
            f"img-src 'self' data: blob:{outside}",
            f"connect-src 'self'{outside}",
            "worker-src blob:",
            "font-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        ]
    )


def register(app: Dash, *, underlay: bool) -> None:
    """Add the headers to every response of `app`, and refuse posts from foreign pages.

    To be called when all callbacks are registered, since their inline scripts are hashed here.
    """
    csp = policy(list(app.csp_hashes()), underlay=underlay)

    @app.server.before_request
    def _own_pages_only() -> Response | None:
        # A page elsewhere could otherwise make a reader's browser post here in their name.
        origin = request.headers.get("Origin")
        if request.method not in {"GET", "HEAD", "OPTIONS"} and origin is not None:
            site = request.headers.get("Sec-Fetch-Site", "same-origin")
            if urlsplit(origin).netloc != request.host or site in {"cross-site", "same-site"}:
                return respond(403, say("api.status_403"))
        return None

    @app.server.after_request
    def _headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", csp)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        # Within the host the whole address, so that the layout knows the page; elsewhere nothing.
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("X-Frame-Options", "SAMEORIGIN")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        return response

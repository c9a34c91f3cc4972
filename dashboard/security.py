"""What every response carries so that a page can do no more than it must, and who may write."""

from __future__ import annotations

from urllib.parse import urlsplit

from dash import Dash
from flask import Response, request

from dashboard.access import SAFE, Guard, carries_ours
from dashboard.errors import respond
from geodata.words import say

TIANDITU = "https://*.tianditu.gov.cn"

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Within the host the whole address, so that the layout knows the page; elsewhere nothing.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


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
            "frame-ancestors 'none'",
        ]
    )


def is_foreign(method: str, *, write: bool) -> bool:
    """Whether the request in hand would change something here for a page that is not ours.

    A page elsewhere could otherwise make a reader's browser write here in the reader's name.
    Browsers tell where a request comes from, and pages cannot make them lie. Programs tell
    nothing: they may ask for what needs neither cookie nor right.
    """
    if method in SAFE:
        return False
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site in {"cross-site", "same-site"}:
        return True
    if origin is not None:
        return not _is_ours(origin)
    return (write or carries_ours()) and site != "same-origin"


def _is_ours(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    # Without TLS here there may be some in front of us that we are not told of.
    return parts.netloc == request.host and (not request.is_secure or parts.scheme == "https")


def register(app: Dash, guard: Guard, *, underlay: bool) -> None:
    """Add the headers to every response of `app`, and refuse writes from foreign pages.

    To be called when all callbacks are registered, since their inline scripts are hashed here,
    and before the guard: a foreign page's request is not looked at any further.
    """
    csp = policy(list(app.csp_hashes()), underlay=underlay)

    @app.server.before_request
    def _own_pages_only() -> Response | None:
        access = guard.declared(request.endpoint)
        if is_foreign(request.method, write=access is not None and access.write):
            return respond(403, say("api.status_403"))
        return None

    @app.server.after_request
    def _headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", csp)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        return response

"""What the public server answers with: JSON made once and kept compressed, errors, headers."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import logging
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brotli
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from dashboard import answers
from geodata.errors import AtlasError, EditionError
from geodata.words import catalogue, say

log = logging.getLogger(__name__)

API = "/api/"
HEALTH = "/healthz"
EMBED = "/embed.html"
MINUTES = "public, max-age=300"
MOST_BYTES = 64 * 2**20
"""What one worker keeps of answers: all of a city's values for a year are a tenth of it."""
LEAST = 1000
"""Bytes under which compressing saves no packet."""


@dataclass(frozen=True)
class Body:
    """A JSON answer and its twins, as a CDN would keep them."""

    plain: bytes
    gzip: bytes
    br: bytes
    tag: str

    @classmethod
    def of(cls, value: Any) -> Body:
        """`value` as JSON; raises on NaN, which no browser reads."""
        text = answers.compact(value)
        small = len(text) < LEAST
        return cls(
            text,
            b"" if small else gzip.compress(text, 6, mtime=0),
            b"" if small else brotli.compress(text, quality=5),
            hashlib.sha256(text).hexdigest()[:20],
        )

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self.plain) + len(self.gzip) + len(self.br) + 500

    def answer(self) -> Response:
        """The answer to the request in hand, in the form that it takes; 304 for who has it."""
        told = request.accept_encodings
        best = next((n for n in ("br", "gzip") if getattr(self, n) and told.quality(n) > 0), "")
        response = Response(getattr(self, best or "plain"), mimetype="application/json")
        if best:
            response.headers["Content-Encoding"] = best
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = MINUTES
        response.set_etag(self.tag, weak=True)
        response.make_conditional(request)
        return response


class Bodies:
    """Answers that were made, the longest unused gone first; safe to use from many threads."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._held: OrderedDict[tuple[object, ...], Body] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[object, ...], making: threading.Lock, make: Callable[[], Any]) -> Body:
        """The answer under a key; made while `making` is held, when there is none yet."""
        found = self._take(key)
        if found is not None:
            return found
        with making:
            found = self._take(key)  # somebody else may have made it meanwhile
            if found is None:
                found = Body.of(make())
                self._keep(key, found)
        return found

    def _take(self, key: tuple[object, ...]) -> Body | None:
        with self._lock:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
            return found

    def _keep(self, key: tuple[object, ...], body: Body) -> None:
        with self._lock:
            self._held[key] = body
            self._size += body.size
            while self._size > self._most:
                self._size -= self._held.popitem(last=False)[1].size


# ---- errors ----

CSP = "Content-Security-Policy"
_STYLE = (
    ":root{color-scheme:light dark;background:Canvas}"
    "body{font:1.125rem/1.7 system-ui,sans-serif;max-width:40rem;"
    "margin:15vh auto;padding:0 1.5rem;overflow-wrap:anywhere}"
)
_ERROR_POLICY = (
    "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none';"
    "style-src 'sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode() + "'"
)
"""Of the page that tells of an error: its style is in it, so that it needs no other file."""


def explain(error: Exception) -> tuple[int, str]:
    """Status and sentence of an error; what nobody foresaw is a 500 that gives nothing away."""
    if isinstance(error, FileNotFoundError):
        error = EditionError(say("public_server.broken"))
    if isinstance(error, EditionError):
        # Where the folder lies, and what is wrong with it, is for the log.
        key = "none" if error.message == say("public_server.none") else "broken"
        return 503, f"{say(f'public_server.{key}')}。{say('public_server.cure')}"
    if isinstance(error, AtlasError):
        return error.http_status, str(error)
    if isinstance(error, HTTPException):
        status = error.code or 500
        key = f"api.status_{status}"
        return status, say(key if key in catalogue() else "api.status_other", status=status)
    return 500, say("api.status_500")


def respond(status: int, sentence: str, error: Exception | None = None) -> Response:
    """A status and a sentence: JSON for the API, a page for all others; never kept."""
    # It may name a value of a stranger's: half a character ends every encoding.
    sentence = sentence.encode("utf-8", "replace").decode()
    if request.path.startswith(API) or request.path == HEALTH:
        response = answers.as_json({"error": sentence}, answers.NEVER, status)
    else:
        response = Response(_page(sentence), status=status, mimetype="text/html")
        response.headers[CSP] = _ERROR_POLICY
    if isinstance(error, HTTPException):
        # What the protocol wants beside the body, as `Allow` of a 405.
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                response.headers[name] = value
    if status == 503:
        response.headers["Retry-After"] = "10"
    response.headers["Cache-Control"] = answers.NEVER
    return response


def register_errors(server: Flask) -> None:
    """Answer every error of `server` with a sentence."""

    @server.errorhandler(Exception)
    def _answer(error: Exception) -> Response:
        if isinstance(error, HTTPException) and isinstance(error.response, Response):
            return error.response
        status, sentence = explain(error)
        if status >= 500 and not isinstance(error, EditionError):
            log.error("%s %r", request.method, request.path, exc_info=sys.exc_info())
        elif status >= 500:
            log.warning("%r: %s", request.path[:200], error)
        return respond(status, sentence, error)


def _page(sentence: str) -> str:
    title = html.escape(say("api.page_title"))
    return (
        "<!doctype html>\n"
        '<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<title>{title}</title>"
        f"<style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1><p>{html.escape(sentence)}</p>"
        f'<p><a href="/">{html.escape(say("api.page_back"))}</a></p></main></body></html>\n'
    )


# ---- headers ----

NOBODY = "'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


POLICY = (
    "default-src 'self';img-src 'self' data: blob:;worker-src blob:;child-src blob:;"
    "connect-src 'self' data: blob:;object-src 'none';base-uri 'none';form-action 'none'"
)
"""What the pages of the bundle say of themselves: no inline script, no eval, this host only.
MapLibre's worker is a blob."""


def policy(ancestors: tuple[str, ...] = ()) -> str:
    """The Content-Security-Policy, with who may show the page in a frame: by default nobody."""
    return f"{POLICY};frame-ancestors {' '.join(ancestors) or NOBODY}"


def register_headers(server: Flask, embedders: Callable[[], tuple[str, ...]]) -> None:
    """Add to every answer what it carries; `embedders` are asked for the page to be embedded."""
    alone = policy()

    @server.after_request
    def _headers(response: Response) -> Response:
        allowed = embedders() if request.path == EMBED else ()
        response.headers.setdefault(CSP, policy(allowed) if allowed else alone)
        if not allowed:
            # For browsers that do not know frame-ancestors; it cannot name a site.
            response.headers["X-Frame-Options"] = "DENY"
        if request.path.startswith(API):
            # What is public is public in everybody's page: there is no cookie that it could use.
            response.headers["Access-Control-Allow-Origin"] = "*"
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

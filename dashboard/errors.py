"""Errors explained once, at the edge: one table from exceptions to a status and a sentence."""

from __future__ import annotations

import html
import logging
from typing import Any

from dash.exceptions import DependencyException, InvalidResourceError, PreventUpdate
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from geodata.errors import AtlasError, EditionError
from geodata.ledger.troubles import LedgerError
from geodata.words import catalogue, say

log = logging.getLogger(__name__)

MACHINES = (
    "/api/",
    "/data/",
    "/tiles/",
    "/pictures/",
    "/briefings/",
    "/steer/",
    "/ledger/",
    "/live/",
    "/healthz",
    "/_dash",
    "/assets/",
)
"""Paths that programs ask: they get JSON whatever they say they accept."""

LEDGER = "/ledger/"
PARTS = ("breaches", "by", "near")
"""What an error of the ledger may know beside its sentence: rules, who was first, what is free."""


def explain(error: Exception) -> tuple[int, str]:
    """Status and sentence of an error; what nobody foresaw is a 500 that gives nothing away."""
    if isinstance(error, FileNotFoundError):
        # A file of the edition is gone: the office's fault, and the office can mend it.
        error = EditionError(say("edition.gone"), cure=say("edition.rebuild"))
    if isinstance(error, EditionError):
        # Where the workspace lies on the server is for its log alone.
        return error.http_status, f"{error.message}。{error.cure}"
    if isinstance(error, AtlasError):
        return error.http_status, str(error)
    if isinstance(error, HTTPException):
        status = error.code or 500
        key = f"api.status_{status}"
        return status, say(key if key in catalogue() else "api.status_other", status=status)
    if isinstance(error, DependencyException | InvalidResourceError):
        return 404, say("api.status_404")  # a script of a package that Dash does not serve
    return 500, say("api.status_500")


def register(server: Flask) -> None:
    """Answer every error of `server` with a sentence: JSON, or a page for a person's browser."""

    def answer(error: Exception) -> Any:
        if isinstance(error, PreventUpdate):
            return Response(status=204)
        if isinstance(error, HTTPException) and error.response is not None:
            return error.response
        if isinstance(error, HTTPException) and error.code and error.code < 400:
            return error  # a redirect
        status, sentence = explain(error)
        if isinstance(error, LedgerError):
            # The database is away, which every request would tell again at length.
            log.warning("%s %s: %s", request.method, request.path, error.__cause__ or error)
        elif status >= 500:
            log.exception("%s %s", request.method, request.path)
        return respond(status, sentence, error)

    server.register_error_handler(Exception, answer)
    # Dash brings handlers of its own for these, which would come first.
    for kind in (PreventUpdate, InvalidResourceError):
        server.register_error_handler(kind, answer)


def respond(status: int, sentence: str, error: Exception | None = None) -> Response:
    """The response for a status and a sentence, never cached."""
    sentence = _whole(sentence)
    response = _page(sentence) if is_reader() else jsonify(_told(sentence, error))
    response.status_code = status
    if isinstance(error, HTTPException):
        # What the protocol wants beside the body, as `Allow` of a 405.
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                response.headers[name] = value
    if status == 503:
        response.headers["Retry-After"] = "10"
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Session realm="bangfu"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _told(sentence: str, error: Exception | None) -> dict[str, Any]:
    """The body for a program: the sentence; of the ledger also the parts that its screen shows."""
    if not isinstance(error, AtlasError) or not request.path.startswith(LEDGER):
        return {"error": sentence}
    told = {name: getattr(error, name) for name in PARTS if hasattr(error, name)}
    head = AtlasError(error.message, place=error.place, value=error.value)
    said = _whole(str(head))
    if error.field:
        told["fields"] = {_whole(error.field): said}  # so that the form can mark it
    return {"breaches": [], **told, "error": said, "cure": _whole(error.cure)}


def _whole(text: str) -> str:
    """A text that may name a value of a stranger's: half a character ends every encoding."""
    return text.encode("utf-8", "replace").decode()


def is_reader() -> bool:
    """Whether a person's browser asks for a page, and no script or program for data."""
    if request.path.startswith(MACHINES):
        return False
    accepted = request.accept_mimetypes
    return accepted.accept_html and accepted["text/html"] > accepted["application/json"]


def _page(sentence: str) -> Response:
    return Response(
        "<!doctype html>\n"
        '<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(say('api.page_title'))}</title>"
        "<style>body{font:1.125rem/1.7 system-ui,sans-serif;max-width:40rem;margin:15vh auto;"
        "padding:0 1.5rem}</style></head>"
        f"<body><main><h1>{html.escape(say('api.page_title'))}</h1><p>{html.escape(sentence)}</p>"
        f'<p><a href="/">{html.escape(say("api.page_back"))}</a></p></main></body></html>\n',
        mimetype="text/html",
    )

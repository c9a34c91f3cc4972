"""Dash's callback route, for callers that are not our own pages: bad bodies are 400, never 500."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from dash import Dash
from flask import request

from geodata.errors import AtlasError, BadRequest
from geodata.words import say

log = logging.getLogger(__name__)

ENDPOINT = "/_dash-update-component"

UNUSABLE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What code raises when it is handed a value of another kind than it was written for."""


def register(app: Dash) -> None:
    """Put a check in front of the callback route of `app`."""
    run = app.server.view_functions[ENDPOINT]

    def checked() -> Any:
        try:
            body = request.get_json()
        except RecursionError as error:
            raise _malformed() from error
        check(body, app.callback_map)
        try:
            return run()
        except AtlasError:
            raise
        except UNUSABLE as error:
            # Anyone can call a callback with any value. Our own pages send usable ones, so this
            # is either a stranger's experiment or our bug: the log keeps the whole story.
            log.exception("callback %s", body["output"])
            raise _malformed() from error

    app.server.view_functions[ENDPOINT] = checked


def check(body: Any, declared: Mapping[str, Any]) -> None:
    """Hold a callback's body against what was declared.

    Raises
    ------
    BadRequest : when it names no server callback, or its inputs, states and outputs are not the
        declared ones.
    """
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        raise _malformed()
    callback = declared.get(body["output"])
    # A clientside callback is in the map, too, and has no function here.
    if callback is None or "callback" not in callback:
        raise _malformed()
    changed = body.get("changedPropIds", [])
    if not (isinstance(changed, list) and all(isinstance(name, str) for name in changed)):
        raise _malformed()
    for key, of_key in (("inputs", "inputs"), ("state", "state")):
        given, wanted = body.get(key, []), callback[of_key]
        if not isinstance(given, list) or len(given) != len(wanted):
            raise _malformed()
        for one, declaration in zip(given, wanted, strict=True):
            _check_property(one, declaration)
    _check_outputs(body)


def _check_property(one: Any, declaration: Mapping[str, str]) -> None:
    """One input: `{id, property, value}`, or a list of them where the id is a pattern."""
    pattern = declaration["id"].startswith("{")
    parts = one if pattern and isinstance(one, list) else [one]
    for part in parts:
        if not isinstance(part, dict) or part.get("property") != declaration["property"]:
            raise _malformed()
        name = part.get("id")
        fits = isinstance(name, dict) if pattern else name == declaration["id"]
        if not fits:
            raise _malformed()


def _check_outputs(body: Mapping[str, Any]) -> None:
    """`outputs` must be there and spell `output`, which Dash takes on trust."""
    output, given = body["output"], body.get("outputs")
    several = output.startswith("..") and output.endswith("..")
    parts = given if several and isinstance(given, list) else [given]
    names = output[2:-2].split("...") if several else [output]
    if output and len(parts) != len(names):
        raise _malformed()
    for part, name in zip(parts, names, strict=False):
        nested = part if isinstance(part, list) else [part]
        for one in nested:
            if not isinstance(one, dict) or not isinstance(one.get("property"), str):
                raise _malformed()
            if isinstance(one.get("id"), str) and f"{one['id']}.{one['property']}" != name:
                raise _malformed()
            if not isinstance(one.get("id"), str | dict):
                raise _malformed()


def _malformed() -> BadRequest:
    return BadRequest(say("api.callback_form"), cure=say("api.callback_cure"))

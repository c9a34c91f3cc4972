"""Dash's callback route, for callers that are not our own pages: bad bodies are 400, never 500."""

from __future__ import annotations

import inspect
import json
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_type_hints

from dash import Dash
from flask import request
from pydantic import ConfigDict, TypeAdapter, ValidationError

from dashboard import access
from geodata.errors import AtlasError, BadRequest
from geodata.ledger.roles import Right
from geodata.ledger.troubles import Forbidden
from geodata.words import say

log = logging.getLogger(__name__)

ENDPOINT = "/_dash-update-component"
ACCESS, KINDS = "access", "kinds"
"""What our app adds to a callback in Dash's map of them: its right, and its values' kinds."""

UNUSABLE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What code raises when it is handed a value of another kind than it was written for."""

Kinds = tuple[TypeAdapter[Any], ...]


def kinds_of(function: Callable[..., Any]) -> Kinds:
    """What a callback takes for each of its inputs and states: its annotations, read strictly.

    Raises
    ------
    TypeError : when a parameter is not annotated.
    """
    hints = get_type_hints(function)
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD or name not in hints:
            raise TypeError(f"{function.__qualname__}({name}): to be annotated, and positional")
        found.append(TypeAdapter(hints[name], config=ConfigDict(strict=True)))
    return tuple(found)


def register(app: Dash) -> None:
    """Put a check in front of the callback route of `app`."""
    run = app.server.view_functions[ENDPOINT]

    def checked() -> Any:
        body = _body()
        callback = find(body, app.callback_map)
        right = callback.get(ACCESS)
        if not isinstance(right, Right):
            log.warning("callback %s declares no right and is refused", body["output"])
            raise Forbidden(say("access.undeclared"))
        access.demand(right)
        check(body, callback)
        try:
            return run()
        except AtlasError:
            raise
        except UNUSABLE as error:
            # Anyone can call a callback with any value. What its kinds do not tell apart shows
            # only now: a stranger's experiment, which is worth a line, or our bug, and then the
            # line says where.
            last = traceback.extract_tb(error.__traceback__)[-1]
            log.warning(
                "callback %s refused its values: %s at %s:%d",
                body["output"],
                type(error).__name__,
                last.filename,
                last.lineno or 0,
            )
            log.debug("callback %s", body["output"], exc_info=True)
            raise _malformed() from error

    app.server.view_functions[ENDPOINT] = checked


def _body() -> Any:
    """The request's JSON. Python reads more than others write, and we may have to pass it on."""
    try:
        body = request.get_json()
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:  # no number, half a character, a thousand deep
        raise _malformed() from error
    return body


def find(body: Any, declared: Mapping[str, Any]) -> Mapping[str, Any]:
    """The callback that a body names.

    Raises
    ------
    BadRequest : when it names none that runs on the server.
    """
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        raise _malformed()
    callback = declared.get(body["output"])
    # A clientside callback is in the map, too, and has no function here.
    if callback is None or "callback" not in callback:
        raise _malformed()
    found: Mapping[str, Any] = callback
    return found


def check(body: Mapping[str, Any], callback: Mapping[str, Any]) -> None:
    """Hold a body against what its callback declared.

    Raises
    ------
    BadRequest : when its inputs, states and outputs are not the declared ones, or a value is of
        another kind than the callback takes.
    """
    changed = body.get("changedPropIds", [])
    if not (isinstance(changed, list) and all(isinstance(name, str) for name in changed)):
        raise _malformed()
    values: list[Any] = []
    for key in ("inputs", "state"):
        given, wanted = body.get(key, []), callback[key]
        if not isinstance(given, list) or len(given) != len(wanted):
            raise _malformed()
        for one, declaration in zip(given, wanted, strict=True):
            values.append(_value(one, declaration))
    _check_kinds(values, callback.get(KINDS))
    if not callback.get("no_output"):
        _check_outputs(body)


def _value(one: Any, declaration: Mapping[str, str]) -> Any:
    """Value of one input: of `{id, property, value}`, or of a list of them for a pattern."""
    pattern = declaration["id"].startswith("{")
    several = pattern and isinstance(one, list)
    parts = one if several else [one]
    for part in parts:
        if not isinstance(part, dict) or part.get("property") != declaration["property"]:
            raise _malformed()
        name = part.get("id")
        if not (_is_pattern_id(name) if pattern else name == declaration["id"]):
            raise _malformed()
    return [part.get("value") for part in parts] if several else one.get("value")


def _check_kinds(values: Sequence[Any], kinds: Kinds | None) -> None:
    if kinds is None or len(kinds) != len(values):
        return  # values are grouped before the callback is given them
    for value, kind in zip(values, kinds, strict=True):
        try:
            kind.validate_python(value)
        except (ValidationError, RecursionError) as error:
            raise _malformed() from error


def _check_outputs(body: Mapping[str, Any]) -> None:
    """`outputs` must be there and spell `output`, which Dash takes on trust."""
    output, given = body["output"], body.get("outputs")
    several = output.startswith("..") and output.endswith("..")
    parts = given if several and isinstance(given, list) else [given]
    names = output[2:-2].split("...") if several else [output]
    if len(parts) != len(names):
        raise _malformed()
    for part, name in zip(parts, names, strict=True):
        pattern = name.startswith("{")
        for one in part if pattern and isinstance(part, list) else [part]:
            if not isinstance(one, dict) or not isinstance(one.get("property"), str):
                raise _malformed()
            place = one.get("id")
            if pattern:
                fits = _is_pattern_id(place) and name.endswith(f"}}.{one['property']}")
            else:
                fits = isinstance(place, str) and f"{place}.{one['property']}" == name
            if not fits:
                raise _malformed()


def _is_pattern_id(name: Any) -> bool:
    return isinstance(name, dict) and all(
        isinstance(value, str | int | float) for value in name.values()
    )


def _malformed() -> BadRequest:
    return BadRequest(say("api.callback_form"), cure=say("api.callback_cure"))

"""What routes are asked: a JSON object of names that are allowed, and text that can be shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from geodata.errors import BadRequest
from geodata.words import say


def body(*allowed: str, largest: int) -> dict[str, Any]:
    """The request's JSON object of at most `largest` bytes, each of its names allowed.

    Raises
    ------
    UnsupportedMediaType, BadRequest
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    request.max_content_length = largest
    try:
        given = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        raise BadRequest(say("steer.body")) from error
    if not isinstance(given, dict):
        raise BadRequest(say("steer.body"))
    refuse_others(given, allowed)
    return given


def refuse_others(given: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    """Pass an object whose names are all allowed; raises `BadRequest` and names the others."""
    for name in given:
        if name not in allowed:
            raise BadRequest(
                say("steer.unknown"),
                value=clean(name, 80),
                cure=say("steer.unknown_cure", names="、".join(allowed)),
            )


def clean(text: str, most: int) -> str:
    """Without what no screen shows: control characters, halves of a character."""
    return "".join(c for c in text if c.isprintable() and not "\ud800" <= c <= "\udfff")[:most]


def arguments(*allowed: str) -> dict[str, str]:
    """The request's query, each name allowed and given once.

    Raises
    ------
    BadRequest : for any other; a mistyped name would otherwise be ignored in silence.
    """
    for name, given in request.args.lists():
        if name not in allowed:
            raise BadRequest(
                say("api.argument_unknown"),
                value=name[:80],
                cure=say("api.argument_unknown_cure", names="、".join(allowed))
                if allowed
                else say("api.argument_none"),
            )
        if len(given) > 1:
            raise BadRequest(say("api.argument_twice", name=name), cure=say("api.argument_once"))
    return request.args.to_dict()

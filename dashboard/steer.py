"""A phone steers a wall: the routes under `/steer/`, JSON in and out, polled and never held open.

A wall asks a few times a second and a phone once; most answers are an empty 304 that costs two
short queries. A request that waited for news would hold one of the few threads a worker has.
"""

from __future__ import annotations

import base64
import io
import re
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

import segno
from flask import Flask, Response, jsonify, request
from segno.encoder import DataOverflowError

from dashboard import access
from dashboard.access import needs
from dashboard.answers import holds, tag_of
from dashboard.asked import body, clean, refuse_others
from dashboard.errors import respond
from geodata.errors import BadRequest
from geodata.ledger.roles import Right
from geodata.steering import NotPaired, Steering, TooManyTries, Wall
from geodata.words import say

Json = dict[str, Any]

LARGEST = 8192
"""Bytes of a body: a command is a hundred, what a wall shows is a title and a few names."""
DEFAULT = "default"
"""The briefing of a wall that names none."""

_NAME = re.compile(r"[a-z0-9-]{1,64}")
_IDENTIFIER = re.compile(r"[0-9A-Za-z_-]{8,64}")
_SWITCHES = ("hold", "play", "blank")
_PLAIN = ("next", "previous", "first", "return")
_SHOWING: dict[str, int | bool | tuple[int, int]] = {
    "scene": 128,
    "index": (0, 9999),
    "total": (0, 9999),
    "title": 200,
    "hold": True,
    "blank": True,
    "playing": True,
    "period_label": 64,
    "edition": 64,
    "fingerprint": 64,
    "region": 64,
}
"""What a wall tells: most characters of a text, bounds of a number, or a switch."""


class Briefings(Protocol):
    """What steering asks about briefings (`dashboard.briefings`); all of the current edition.

    Asked at every poll, `fingerprint` must be quick. An id that is not there (any more) means the
    built-in briefing: a wall never stands without one.
    """

    def fingerprint(self, briefing: str, /) -> tuple[str, str, str]:
        """Id of the edition, of the briefing that is really used, and its fingerprint."""

    def scenes(self, briefing: str, /) -> Json:
        """What `scenes.json` of the briefing says."""

    def notes(self, briefing: str, /) -> dict[str, str]:
        """The presenter's notes by a scene's id; none for a scene without."""


def register(
    server: Flask, steering: Steering, briefings: Briefings, *, public_url: str = ""
) -> None:
    """Add the routes to `server`. `public_url` is how phones reach it; empty: as the wall does."""

    def remote_url(code: str) -> str:
        return f"{public_url.rstrip('/') or request.host_url.rstrip('/')}/remote#{code}"

    def invitation(wall: Wall) -> Json:
        url = remote_url(wall.code)
        return {
            "code": wall.code,
            "code_expires": wall.code_expires,
            "remote_url": url,
            "qr": qr(url),
        }

    def briefing_of(wall: Wall) -> Json:
        edition, briefing, fingerprint = briefings.fingerprint(wall.briefing)
        return {"edition": edition, "briefing": briefing, "fingerprint": fingerprint}

    # Who pairs with a wall may read. So only who may read sets up a wall, and no phone does, or
    # one that was let in once could let itself in for ever.

    @server.post("/steer/walls")
    @needs(Right.READ, phones=False)
    def enrol() -> Response:
        given = body("wall", "secret", "briefing", largest=LARGEST)
        briefing = given.get("briefing") or DEFAULT
        if not isinstance(briefing, str) or not _NAME.fullmatch(briefing):
            raise BadRequest(say("steer.text", name="briefing", most=64))
        known = [_text(given, name, 64) or "" for name in ("wall", "secret")]
        briefings.fingerprint(briefing)  # without an edition there is nothing to steer: 503
        wall, secret = steering.register(known[0], known[1], briefing)
        return _json(
            {
                "wall": wall.id,
                "secret": secret,
                "name": wall.name,
                # Where the wall begins to listen: what was pressed before it stood there is past.
                "seq": wall.seq,
                **invitation(wall),
            }
        )

    @server.get("/steer/walls/<wall>")
    @needs(Right.READ, background=True, phones=False)
    def poll(wall: str) -> Response:
        found = steering.wall(wall[:64], _secret())
        after = _after(request.args.get("after"), found.seq)
        now = briefing_of(found)
        lit = found.pointer
        tag = tag_of(
            found.seq,
            found.paired,
            remote_url(found.code),
            (lit.lon, lit.lat, lit.at) if lit else None,
            sorted(now.items()),
        )
        if after >= found.seq and holds(tag):
            return _unchanged(tag)
        pointer = None
        if lit:
            age = max(0, round((time.time() - lit.at) * 1000))
            pointer = {"lon": lit.lon, "lat": lit.lat, "age_ms": age}
        return _json(
            {
                "seq": found.seq,
                "commands": steering.commands(found, after),
                "pointer": pointer,
                "paired": found.paired,
                "name": found.name,
                **invitation(found),
                **now,
            },
            tag,
        )

    @server.put("/steer/walls/<wall>/showing")
    @needs(Right.READ, background=True, phones=False)
    def show(wall: str) -> Response:
        steering.show(wall[:64], _secret(), showing(body(*_SHOWING, largest=LARGEST)))
        return Response(status=204, headers={"Cache-Control": "no-store"})

    @server.post("/steer/pair")
    @needs(Right.ANYONE)
    def pair() -> Response:
        code = body("code", largest=LARGEST).get("code")
        # Spaces, as people group six digits. What is no code at all still counts as a wrong one.
        text = re.sub(r"\s", "", code)[:16] if isinstance(code, str) else ""
        try:
            pairing = steering.pair(text, request.remote_addr or "")
        except TooManyTries as error:
            response = respond(error.http_status, str(error))
            response.headers["Retry-After"] = str(error.wait)
            return response
        told = {
            "token": pairing.token,
            "wall": pairing.wall,
            "name": pairing.name,
            "expires": pairing.expires,
        }
        return _let_read(_json(told), pairing.token, pairing.expires)

    @server.get("/steer/remote")
    @needs(Right.ANYONE, background=True)
    def look() -> Response:
        wall, expires = steering.steered(_token())
        told = {
            "name": wall.name,
            "showing": wall.showing,
            "alive": wall.alive,
            "expires": expires,
            **briefing_of(wall),
        }
        tag = tag_of(told)
        # Asked again and again: the cookie of a phone that had none gets there, too.
        response = _unchanged(tag) if holds(tag) else _json(told, tag)
        return _let_read(response, _token(), expires)

    @server.get("/steer/remote/scenes")
    @needs(Right.ANYONE)
    def scenes() -> Response:
        wall, _ = steering.steered(_token())
        told = briefings.scenes(wall.briefing)
        notes = briefings.notes(wall.briefing)
        return _json(
            {
                "title": told["title"],
                "edition": told["edition"],
                "fingerprint": told["fingerprint"],
                "scenes": [
                    {**scene, "notes": notes.get(scene["id"], "")} for scene in told["scenes"]
                ],
            }
        )

    @server.post("/steer/remote/commands")
    @needs(Right.ANYONE)
    def press() -> Response:
        token = _token()
        steering.steered(token)  # who may not steer learns nothing about how commands look
        identifier, order = command(
            body("id", "do", "scene", "on", "code", "lon", "lat", largest=LARGEST)
        )
        if order["do"] == "pointer":
            spot = (order["lon"], order["lat"]) if "lon" in order else None
            return _json({"seq": steering.point(token, spot)})
        return _json({"seq": steering.command(token, identifier, order)})

    @server.delete("/steer/remote")
    @needs(Right.ANYONE)
    def leave() -> Response:
        steering.leave(_token())
        response = Response(status=204, headers={"Cache-Control": "no-store"})
        access.drop(response, access.PHONE)
        return response

    @server.errorhandler(NotPaired)
    def not_paired(error: NotPaired) -> Response:
        response = respond(error.http_status, str(error))
        response.headers["WWW-Authenticate"] = "Bearer"
        return response


@lru_cache(maxsize=128)
def qr(url: str) -> str:
    """A QR code as an SVG data URI, dark on light with its quiet zone; empty for a text too long.

    Light lies under it in the picture itself: on a dark wall the margin is part of the code.
    """
    try:
        made = segno.make(url, error="m", micro=False)
    except DataOverflowError:
        return ""
    drawn = io.BytesIO()
    made.save(
        drawn,
        kind="svg",
        border=4,
        dark="#000000",
        light="#ffffff",
        xmldecl=False,
        svgclass=None,
        lineclass=None,
        nl=False,
        omitsize=True,  # a view box in its place: it grows with the screen it stands on
    )
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.getvalue()).decode()


def command(given: Mapping[str, Any]) -> tuple[str, Json]:
    """Id and order of a command: `{"do", ...}` with the arguments that this one takes, no other.

    Raises
    ------
    BadRequest : an unknown `do`, or an argument that is missing, too many or of a wrong form.
    """
    identifier, do = given.get("id"), given.get("do")
    if not isinstance(identifier, str) or not _IDENTIFIER.fullmatch(identifier):
        raise BadRequest(say("steer.text", name="id", most=64))
    order: Json = {"do": do}
    if do in _SWITCHES:
        order["on"] = _switch(given, "on")
    elif do == "go":
        order["scene"] = _named(given, "scene", 128)
    elif do == "region":
        order["code"] = _named(given, "code", 64)
    elif do == "pointer":
        if given.get("lon") is not None or given.get("lat") is not None:
            order["lon"] = _number(given, "lon", -180, 180)
            order["lat"] = _number(given, "lat", -90, 90)
    elif do not in _PLAIN:
        allowed = (*_PLAIN, "go", *_SWITCHES, "region", "pointer")
        raise BadRequest(
            say("steer.do"),
            value=do if isinstance(do, str) else "",
            cure=say("steer.unknown_cure", names="、".join(allowed)),
        )
    refuse_others(given, ("id", *order, *(("lon", "lat") if do == "pointer" else ())))
    return identifier, order


def showing(given: Mapping[str, Any]) -> Json:
    """What a wall says it shows, checked; what it leaves out is None.

    Raises
    ------
    BadRequest : a value of a wrong form.
    """
    found: Json = {}
    for name, form in _SHOWING.items():
        if given.get(name) is None:
            found[name] = None
        elif isinstance(form, bool):
            found[name] = _switch(given, name)
        elif isinstance(form, tuple):
            found[name] = int(_number(given, name, *form))
        else:
            found[name] = _text(given, name, form)
    return found


# ---- what a request brings ----------------------------------------------------------------------


def _text(given: Mapping[str, Any], name: str, most: int) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most:
        raise BadRequest(say("steer.text", name=name, most=most))
    return clean(value, most)


def _named(given: Mapping[str, Any], name: str, most: int) -> str:
    text = _text(given, name, most)
    if not text:
        raise BadRequest(say("steer.missing", name=name))
    return text


def _switch(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name)
    if not isinstance(value, bool):
        raise BadRequest(say("steer.switch", name=name))
    return value


def _number(given: Mapping[str, Any], name: str, low: int, high: int) -> float:
    value = given.get(name)
    # The bounds first: a whole number may be too long to be turned into a float. NaN has none.
    if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise BadRequest(say("steer.number", name=name, low=low, high=high))


def _let_read(response: Response, token: str, expires: float) -> Response:
    """Let the phone see what its wall shows: pictures are asked for without the token."""
    if access.held(access.PHONE) != token:
        access.keep(response, access.PHONE, token, max(0, int(expires - time.time())))
    return response


def _after(text: str | None, last: int) -> int:
    """The number after which commands are wanted; not given: none of those there are."""
    if text is None:
        return last
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise BadRequest(say("steer.after"), value=text[:80])
    return int(text)


def _secret() -> str:
    return request.headers.get("X-Wall-Secret", "")[:64]


def _token() -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip()[:64] if kind.lower() == "bearer" else ""


# ---- what it gets -------------------------------------------------------------------------------


def _unchanged(tag: str) -> Response:
    response = Response(status=304)
    response.set_etag(tag, weak=True)
    return response


def _json(value: Json, tag: str = "") -> Response:
    response = jsonify(value)
    # Secrets and codes stay out of every cache; the one who polls keeps the tag himself.
    response.headers["Cache-Control"] = "no-store"
    if tag:
        response.set_etag(tag, weak=True)
    return response

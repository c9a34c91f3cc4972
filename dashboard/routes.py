"""Everything over HTTP besides Dash: health, the API, arrays, tiles, pictures, saved maps."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, request

from dashboard import answers, api
from dashboard.access import needs
from dashboard.asked import arguments
from dashboard.library import Library
from dashboard.services import Drawn
from dashboard.tiles import Archives
from geodata.edition import Edition
from geodata.errors import AtlasError, BadRequest, UnknownName
from geodata.ledger.roles import Right
from geodata.words import say
from layers.view import View

PENS = 2
"""Maps for saving that one worker draws at a time: each is a second's work and of a view of its
own, so that a few readers pressing the button could otherwise take all threads."""
_TILE = "application/vnd.mapbox-vector-tile"
LOOKS = ("light", "dark")
HOUR = "public, max-age=3600"
"""For pictures: the edition stays the same, the way we draw may not."""


class Busy(AtlasError):
    """Too many ask for the same costly thing at once."""

    http_status = 503


def register(
    server: Flask,
    library: Library,
    drawn: Drawn,
) -> None:
    """Add the routes to `server`; `drawn` are the memoised functions behind them."""
    archives = Archives()
    pens = BoundedSemaphore(PENS)

    @server.get("/healthz")
    @needs(Right.ANYONE, background=True)
    def healthz() -> Response:
        try:
            now = library.current()
        except AtlasError as error:
            return answers.as_json(
                {"status": "no edition", "error": str(error)}, answers.NEVER, status=503
            )
        return answers.as_json(
            {"status": "ok", "edition": now.edition.id, "built_at": now.built_at}, answers.NEVER
        )

    @server.get("/api/v1/edition")
    @needs(Right.READ)
    def edition() -> Response:
        arguments()
        return answers.as_json(drawn.edition(library.current().edition))

    @server.get("/api/v1/regions")
    @needs(Right.READ)
    def regions() -> Response:
        asked = arguments("parent")
        return answers.as_json(api.regions(library.current().edition, asked.get("parent")))

    @server.get("/api/v1/regions/<code>")
    @needs(Right.READ)
    def region(code: str) -> Response:
        asked = arguments("measure", "round", "period")
        return answers.as_json(api.profile(library.current().edition, code, asked, drawn.profile))

    @server.get("/api/v1/values/<measure>")
    @needs(Right.READ)
    def values(measure: str) -> Response:
        asked = arguments("level", "period", "round")
        book = library.current().edition
        return answers.as_json(
            api.values(book, measure, asked.get("level"), asked.get("period"), asked.get("round"))
        )

    @server.get("/api/v1/search")
    @needs(Right.READ)
    def search() -> Response:
        asked = arguments("q")
        if "q" not in asked:
            raise BadRequest(
                say("api.argument_missing", name="q"), cure=say("api.search_missing_cure")
            )
        return answers.as_json({"results": api.search(library.current().edition, asked["q"])})

    @server.get("/data/<edition>/<round>/<measure>/<level>.bin")
    @needs(Right.READ)
    def array(edition: str, round: str, measure: str, level: str) -> Response:
        book = library.edition(edition)
        _declared(book, round, measure)
        return _file(book.array_path(measure, round, book.space.level(level).id))

    @server.get("/data/<edition>/mesh.bin")
    @needs(Right.READ)
    def mesh(edition: str) -> Response:
        return _file(library.edition(edition).mesh_path())

    @server.get("/tiles/<edition>/<level>/<int:z>/<int:x>/<int:y>.pbf")
    @needs(Right.READ)
    def tile(edition: str, level: str, z: int, x: int, y: int) -> Response:
        book = library.edition(edition)
        archive = archives.at(book.tiles_path(book.space.level(level).id))
        data = archive.tile(z, x, y)
        if data is None:
            # With a type of its own, so that nothing is not compressed.
            return Response(status=204, mimetype=_TILE, headers={"Cache-Control": answers.FOREVER})
        if request.accept_encodings.quality("gzip") > 0:
            return _forever(_TILE, lambda: data, packed=True)
        plain = gzip.decompress(data)
        return _forever(_TILE, lambda: plain, packed=False)

    @server.get("/pictures/<edition>/<round>/<measure>.svg")
    @needs(Right.READ)
    def picture(edition: str, round: str, measure: str) -> Response:
        asked = arguments("look", "period", "region")
        look = asked.get("look", LOOKS[0])
        if look not in LOOKS:
            raise BadRequest(
                say("api.look"), value=look[:80], cure=say("error.allowed", names="、".join(LOOKS))
            )
        book = library.edition(edition)
        _declared(book, round, measure)
        period, region = asked.get("period"), asked.get("region")
        image = drawn.thumbnail(book, measure, round, look, period, region).encode()
        kept = answers.ASK if book.live(measure) else HOUR
        return answers.tagged(Response(image, mimetype="image/svg+xml"), image, kept)

    @server.get("/save")
    @needs(Right.READ)
    def save_map() -> Response:
        view = View.from_query(request.query_string.decode("ascii", "replace"))
        book = library.current().edition
        if not pens.acquire(blocking=False):
            raise Busy(say("api.busy"), cure=say("api.busy_cure"))
        try:
            response = Response(drawn.page(book, view), mimetype="text/html")
        finally:
            pens.release()
        response.headers["Cache-Control"] = answers.NEVER
        response.headers["Content-Disposition"] = _attachment(drawn.picture(book, view))
        return response


def _declared(book: Edition, round_id: str, measure: str) -> None:
    """Both are names of the edition: only then may they become part of a path."""
    named, one = book.space.measure(measure), book.space.round(round_id)
    if not book.has(named.id, one.id):
        raise UnknownName(say("api.no_values", measure=named.label, round=one.label))


def _forever(mimetype: str, content: Callable[[], bytes], *, packed: bool) -> Response:
    """Immutable bytes: their address says it all, so who has them already costs no read."""
    known = answers.known_already(mimetype)
    if known is not None:
        return known
    response = answers.forever(content(), mimetype)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


def _file(path: Path) -> Response:
    """An edition's own binary file, as it is or as the `.gz` beside it."""
    packed = path.with_name(path.name + ".gz")
    if request.accept_encodings.quality("gzip") > 0:
        return _forever("application/octet-stream", packed.read_bytes, packed=True)
    return _forever("application/octet-stream", path.read_bytes, packed=False)


def _attachment(picture: dict[str, Any]) -> str:
    """A Content-Disposition with a Chinese file name: title, place, measure, period."""
    parts = [picture["title"], picture["region"]["name"]]
    if picture["measure"]:
        parts.append(picture["measure"]["label"])
    if picture["periods"]:
        parts.append(picture["periods"][picture["period"]]["label"])
    name = answers.file_name(*(str(part) for part in parts if part), suffix="html")
    return f"attachment; filename=\"map.html\"; filename*=UTF-8''{quote(name, safe='')}"

"""Photographs of visits and problems: recognised, made smaller, rid of place and device.

What is kept is a new JPEG that was drawn from the pixels alone: nothing that a camera or a phone
wrote into the file (EXIF with its position, XMP, comments, colour profiles, thumbnails) is in it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from PIL import Image, ImageOps, UnidentifiedImageError

from geodata.errors import BadRequest
from geodata.ledger import lookup, tables, written
from geodata.ledger.people import is_id
from geodata.ledger.roles import Actor, Right, Role
from geodata.ledger.store import Decision, Json, Ledger
from geodata.ledger.troubles import Conflict, Forbidden, Refused
from geodata.words import say

MOST_BYTES = 12 * 2**20
"""Of a file that is sent in."""
MOST_PIXELS = 50_000_000
"""Of a picture that is sent in; a phone's largest is 50 million."""
SIDE = 1600
"""Longer side of what is kept, in pixels."""
QUALITY = 82
MOST = 6
"""Photographs of one visit, and of one problem."""
CAPTION = 60
REASON = 200

_FORMATS = ("JPEG", "PNG", "WEBP")
_APPLE = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
"""Brands of HEIC, which phones write and few programs read."""


def clean(data: bytes) -> tuple[bytes, int, int]:
    """A photograph as it is kept.

    Parameters
    ----------
    data : a JPEG, PNG or WebP, known by its content whatever it is called.

    Returns
    -------
    A progressive JPEG without metadata, upright, its width and its height.

    Raises
    ------
    Refused : too large, too many pixels, another format, or damaged.
    """
    if not data:
        raise Refused(say("visit.photo.empty"), cure=say("visit.photo.empty_cure"))
    if len(data) > MOST_BYTES:
        raise Refused(
            say("visit.photo.large", most=MOST_BYTES // 2**20), cure=say("visit.photo.large_cure")
        )
    if data[4:8] == b"ftyp" and data[8:12] in _APPLE:
        raise Refused(say("visit.photo.heic"), cure=say("visit.photo.heic_cure"))
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            # The size stands in the header: nothing was unpacked yet.
            if picture.width * picture.height > MOST_PIXELS:
                raise _many_pixels()
            return _drawn(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _many_pixels() from error
    except UnidentifiedImageError as error:
        raise Refused(say("visit.photo.other"), cure=say("visit.photo.other_cure")) from error
    except Refused:
        raise
    # A file that was made to break a decoder breaks it in many ways.
    except Exception as error:
        raise Refused(say("visit.photo.damaged"), cure=say("visit.photo.damaged_cure")) from error


def add(
    ledger: Ledger,
    actor: Actor,
    data: bytes,
    *,
    visit: str = "",
    problem: str = "",
    caption: str = "",
    key: str = "",
) -> Json:
    """Keep a photograph of a visit, of a problem, or of a problem seen during a visit.

    Returns
    -------
    `id`, `visit`, `problem`, `caption`, `width`, `height`, `bytes`, `seq`.

    Raises
    ------
    Forbidden : neither somebody who was there nor the office; of a problem also the officer of
        its district.
    UnknownName : no such visit or problem.
    Refused : `clean`'s reasons, or there are `MOST` already.
    """
    words = written.text({"caption": caption}, "caption", CAPTION)
    asked = written.asked_for("photo.add", visit, problem, words, hashlib.sha256(data).hexdigest())
    if not (actor.may(Right.VISIT) or actor.may(Right.ANSWER)):
        raise Forbidden(say("visit.photo.forbidden"), cure=say("visit.forbidden_cure"))
    # Drawn before the ledger is held: it takes a second, and others decide meanwhile.
    image, width, height = clean(data)

    def work(decision: Decision) -> Json:
        _subject(decision, visit, problem)
        photo = tables.photo.c
        for column, wanted in ((photo.visit, visit), (photo.problem, problem)):
            if wanted and _count(decision, column == wanted) >= MOST:
                raise Refused(say("visit.photo.many", most=MOST), cure=say("visit.photo.many_cure"))
        made = decision.add(
            tables.photo,
            "photo.added",
            visit=visit,
            problem=problem,
            caption=words,
            width=width,
            height=height,
            image=image,
            withdrawn=False,
        )
        return {
            "id": made,
            "visit": visit,
            "problem": problem,
            "caption": words,
            "width": width,
            "height": height,
            "bytes": len(image),
            "seq": decision.seq,
        }

    return ledger.decide(actor, work, key=key, asked=asked)


def withdraw(ledger: Ledger, actor: Actor, identifier: str, reason: str, *, key: str = "") -> Json:
    """Take back a photograph: who may add one to its visit or problem may, with a reason.

    Its pixels are deleted, for it may show whom it should not; that it was there stays known.

    Raises
    ------
    Forbidden, UnknownName, Refused
    """
    why = written.text({"reason": reason}, "reason", REASON, required=True)

    def work(decision: Decision) -> Json:
        row = lookup.row(decision, tables.photo, identifier)
        visit = decision.row(tables.visit, row["visit"]) if row["visit"] else None
        problem = decision.row(tables.problem, row["problem"]) if row["problem"] else None
        if not may_add(actor, visit, problem):
            raise Forbidden(say("visit.photo.forbidden"), cure=say("visit.not_author_cure"))
        decision.change(tables.photo, identifier, "photo.withdrawn", why, withdrawn=True, image=b"")
        return {"id": identifier, "seq": decision.seq}

    asked = written.asked_for("photo.withdraw", identifier, why)
    return ledger.decide(actor, work, key=key, asked=asked)


def image(ledger: Ledger, identifier: str) -> bytes:
    """The JPEG of a photograph; raises `UnknownName`, also for one that was withdrawn."""
    photo = tables.photo.c
    query = sa.select(photo.image).where(photo.id == identifier, photo.withdrawn.is_(False))
    found = ledger.rows(query) if is_id(identifier) else []
    if not found:
        raise lookup.unknown(tables.photo, identifier)
    return bytes(found[0]["image"])


def of(ledger: Ledger, *, visit: str = "", problem: str = "") -> list[Json]:
    """The photographs of a visit or a problem, the oldest first, without their pixels.

    Returns
    -------
    Rows `id`, `visit`, `problem`, `caption`, `width`, `height`, `created_at`.
    """
    with ledger.reading() as connection:
        return among(
            connection,
            visits=[written.cleaned(visit)] if visit else [],
            problems=[written.cleaned(problem)] if problem else [],
        )


def among(
    connection: sa.Connection, *, visits: Sequence[str] = (), problems: Sequence[str] = ()
) -> list[Json]:
    """The photographs of several visits and problems, as `of`."""
    photo = tables.photo.c
    columns = [one for one in tables.photo.columns if one.name not in ("image", "withdrawn")]
    query = (
        sa.select(*columns)
        .where(
            photo.withdrawn.is_(False),
            sa.or_(photo.visit.in_(list(visits)), photo.problem.in_(list(problems))),
        )
        .order_by(photo.created_at, photo.id)
    )
    return [{**row} for row in connection.execute(query).mappings()]


def may_add(
    actor: Actor, visit: Mapping[str, Any] | None, problem: Mapping[str, Any] | None
) -> bool:
    """Whether somebody may add a photograph to a visit or a problem (its row; None for none)."""
    if actor.may(Right.DIRECT):
        return True
    if visit is not None:
        there = actor.id == visit["author"] or f'"{actor.id}"' in visit["members"]
        return actor.may(Right.VISIT) and there and not visit["withdrawn"]
    if problem is None or problem["state"] == "struck_off":
        return False
    if actor.role is Role.DISTRICT:
        return bool(problem["district"] == actor.district)
    return actor.may(Right.VISIT)


def _subject(decision: Decision, visit: str, problem: str) -> None:
    """Check that there is what is shown, and that the photographer may show it."""
    if not visit and not problem:
        raise BadRequest(say("visit.photo.of_nothing"), cure=say("visit.photo.of_nothing_cure"))
    shown = lookup.row(decision, tables.visit, visit) if visit else None
    wrong = lookup.row(decision, tables.problem, problem) if problem else None
    if shown is not None and shown["withdrawn"]:
        raise Conflict(say("visit.already_withdrawn"), cure=say("visit.already_withdrawn_cure"))
    if shown is not None and wrong is not None and wrong["visit"] != visit:
        raise BadRequest(say("visit.photo.elsewhere"), cure=say("visit.photo.of_nothing_cure"))
    if not may_add(decision.actor, shown, wrong):
        raise Forbidden(say("visit.photo.forbidden"), cure=say("visit.photo.forbidden_cure"))


def _count(decision: Decision, condition: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count().label("many")).where(
        condition, tables.photo.c.withdrawn.is_(False)
    )
    return int(decision.rows(query)[0]["many"])


def _drawn(picture: Image.Image) -> tuple[bytes, int, int]:
    # A JPEG can be unpacked at a fraction of its size; others ignore it.
    picture.draft("RGB", (SIDE, SIDE))
    upright = _upright(picture)
    upright.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    # A new picture: one that was read carries its comment and profile into what is saved.
    fresh = Image.new("RGB", upright.size, "white")
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        fresh.paste(upright, mask=upright.getchannel("A"))
    else:
        fresh.paste(upright.convert("RGB"))
    stream = io.BytesIO()
    fresh.save(stream, "JPEG", quality=QUALITY, progressive=True, optimize=True)
    return stream.getvalue(), fresh.width, fresh.height


def _upright(picture: Image.Image) -> Image.Image:
    """Turned as the camera was held; a copy that may be changed."""
    picture.load()
    try:
        return ImageOps.exif_transpose(picture)
    # EXIF is written by anybody and read by nobody: damaged, it says nothing about the pixels.
    except Exception:
        return picture.copy()


def _many_pixels() -> Refused:
    return Refused(
        say("visit.photo.pixels", most=MOST_PIXELS // 1_000_000),
        cure=say("visit.photo.large_cure"),
    )

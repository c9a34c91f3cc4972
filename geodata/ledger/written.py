"""What people type into the ledger, made fit to keep: texts of a length, days of the calendar.

A day is a day in China, whatever the server's clock is set to. Texts are kept as they were typed,
without the control characters that a database or a spreadsheet chokes on: `<script>` stays a word
and is escaped where it is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from typing import Any

from geodata import periods
from geodata.edition import Edition
from geodata.errors import AtlasError, BadRequest
from geodata.ledger.troubles import Refused
from geodata.words import say

CHINA = timezone(timedelta(hours=8))
"""Asia/Shanghai: no summer time since 1991, so that no database of time zones is needed."""

# Control characters but tab and newline; marks that turn the reading direction; halves of a
# character and what Unicode says is none.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def cleaned(text: str) -> str:
    """A text without control characters and otherwise as it was typed."""
    return _CONTROL.sub("", text)


def text(asked: Mapping[str, Any], name: str, most: int, *, required: bool = False) -> str:
    """The text called `name` out of what was asked, "" when it is not there.

    Raises
    ------
    BadRequest : it is no text.
    Refused : it is longer than `most` characters, or blank although it is required.
    """
    found = asked.get(name)
    if found is None:
        found = ""
    if not isinstance(found, str):
        raise BadRequest(
            say("visit.not_text"),
            place=field(name),
            field=name,
            value=found,
            cure=say("visit.not_text_cure"),
        )
    found = cleaned(found)
    if len(found) > most:
        raise Refused(
            say("visit.too_long", most=most, count=len(found)),
            place=field(name),
            field=name,
            cure=say("visit.too_long_cure"),
        )
    if not found.strip():
        if required:
            raise Refused(
                say("visit.blank"), place=field(name), field=name, cure=say("visit.blank_cure")
            )
        return ""
    return found


def rows(asked: Mapping[str, Any], name: str, most: int) -> list[Mapping[str, Any]]:
    """The list of tables called `name` out of what was asked; none when it is not there.

    Raises
    ------
    BadRequest : it is no such list.
    Refused : it is longer than `most`.
    """
    found = asked.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise BadRequest(
            say("visit.not_list"), place=field(name), field=name, cure=say("visit.not_list_cure")
        )
    if len(found) > most:
        raise Refused(
            say("visit.too_many", most=most, count=len(found)),
            place=field(name),
            field=name,
            cure=say("visit.too_many_cure"),
        )
    return found


def table(asked: object) -> Mapping[str, Any]:
    """What was asked, which must be a table of names and values; raises `BadRequest`."""
    if not isinstance(asked, Mapping):
        raise BadRequest(say("visit.not_table"), cure=say("visit.not_table_cure"))
    return asked


def day(asked: Mapping[str, Any], name: str, default: str = "") -> str:
    """The day called `name` out of what was asked, as `YYYY-MM-DD`.

    Raises
    ------
    BadRequest : it is no day of the calendar; or it is missing and has no default.
    """
    found = asked.get(name) or default
    if isinstance(found, str) and _DAY.fullmatch(found):
        try:
            return date.fromisoformat(found).isoformat()
        except ValueError:
            pass
    raise BadRequest(
        say("visit.not_day"),
        place=field(name),
        field=name,
        value=found,
        cure=say("visit.not_day_cure"),
    )


def possible_day(
    edition: Edition, asked: Mapping[str, Any], name: str, moment: str, default: str = ""
) -> str:
    """A day on which something can have been seen: of the round, and not in the future.

    Raises
    ------
    BadRequest : no day of the calendar.
    Refused : in the future, or before the round began.
    """
    found, today, first = day(asked, name, default), day_of(moment), first_day(edition)
    if found > today:
        raise Refused(
            say("visit.future"),
            place=field(name),
            field=name,
            value=found,
            cure=say("visit.future_cure", today=day_words(today)),
        )
    if found < first:
        raise Refused(
            say("visit.before_round", round=edition.space.contact_round.label),
            place=field(name),
            field=name,
            value=found,
            cure=say("visit.before_round_cure", first=day_words(first)),
        )
    return found


def first_day(edition: Edition) -> str:
    """The first day of the round that visits belong to; "" for a round without a beginning."""
    start = edition.space.contact_round.start
    if start is None:
        return ""
    found = periods.parse(start)
    first = found.end - {"year": 11, "quarter": 2, "month": 0}[found.step]
    return f"{first // 12:04d}-{first % 12 + 1:02d}-01"


def asked_for(what: str, *parts: object) -> str:
    """What was asked, as text that can always be hashed: half characters are spelled out."""
    return json.dumps([what, *parts], sort_keys=True, default=str)


def day_of(moment: str) -> str:
    """The day in China of a moment as the tables spell it."""
    at = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return at.astimezone(CHINA).date().isoformat()


def days_between(first: str, last: str) -> int:
    """How many days lie between two days; negative when the second is the earlier one."""
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def after(first: str, days: int) -> str:
    """The day that lies so many days after another."""
    return (date.fromisoformat(first) + timedelta(days=days)).isoformat()


def day_words(found: str) -> str:
    """A day as people read it: 2024年5月8日; "" for none."""
    if not found:
        return ""
    at = date.fromisoformat(found)
    return say("visit.day", year=at.year, month=at.month, day=at.day)


def moment_words(moment: str) -> str:
    """A moment as people read it, in China's time: 2024年5月8日 14:05."""
    at = datetime.fromisoformat(moment.replace("Z", "+00:00")).astimezone(CHINA)
    return say("visit.moment", year=at.year, month=at.month, day=at.day, clock=at.strftime("%H:%M"))


@contextmanager
def within(row: str) -> Iterator[None]:
    """What goes wrong in a row of a form is about a field of that row: "problems.0"."""
    try:
        yield
    except AtlasError as error:
        error.field = f"{row}.{error.field}" if error.field else row
        raise


def field(name: str) -> str:
    """What people call a field."""
    return say(f"visit.field.{name}")


def shortened(found: str, most: int) -> str:
    """A text on one line, cut with an ellipsis where it is longer than `most`."""
    line = " ".join(found.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def joined(names: Sequence[str]) -> str:
    """Names in a row, as Chinese separates them."""
    return "、".join(names)

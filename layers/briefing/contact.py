"""The scene of contact points and problems: its sentence, figures and months, from the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from geodata import periods
from geodata.edition import Contact, Edition
from geodata.live_measures import CONTACT_VISIT_DAYS, CONTACT_VISITED_SHARE
from geodata.vocabulary import Status
from geodata.words import say
from layers.briefing.reading import Reading, joined, noun, read
from layers.numbers import figure

Json = dict[str, Any]

MONTHS = 12
"""Of problems found and put right; more are too narrow for a wall."""
ROWS = 6
"""Months of the table: a slide has a chart beside it."""
_NAMED = 4
"""Regions without a contact point that are named before the rest is counted."""


def told(edition: Edition, own: Reading, children: Sequence[Reading]) -> Json:
    """What a contact scene says in its own words: parts of `content.content`.

    Parameters
    ----------
    own, children : `contact_point_share` at the root and at the level below it.
    """
    contact = edition.contact
    assert contact is not None, "there is such a scene only where the ledger holds something"
    last = len(own.there) - 1
    days, visits = (
        read(edition, edition.space.measure(name), own.round, own.region, last)
        for name in (CONTACT_VISIT_DAYS, CONTACT_VISITED_SHARE)
    )
    points, visited = round(visits.denominator), round(visits.numerator)
    if visits.status is Status.OUT_OF_SCOPE:
        points = visited = 0
    problems = contact.problems
    parts = (_reached(edition, own, points), _visited(own, points, visited))
    first = "，".join(part for part in parts if part)
    return {
        "sentence": "；".join((first, _problems(problems))),
        "detail": [
            "；".join(part for part in (_days(days, points), _lacking(edition, children)) if part),
            _open(problems),
        ],
        "headline": _figure("points", points),
        "figures": [
            _figure("visited", visited, now=_now(own)),
            *(
                _figure(name, problems[key])
                for name, key in (
                    ("found", "found"),
                    ("fixed", "put_right"),
                    ("struck_off", "struck_off"),
                    ("overdue", "overdue"),
                )
            ),
        ],
        "problems": _months(contact),
        "table": _table(contact),
    }


def _reached(edition: Edition, own: Reading, points: int) -> str:
    """How many of the targets are somebody's contact point; those that are no target as well."""
    reached, targets = round(own.numerator), round(own.denominator)
    words = {"count": figure(targets), "noun": noun(edition, own.measure, own.round)}
    key = "none" if not reached else "all" if reached == targets else "some"
    said = say(f"briefing.contact.{key}", **words, points=figure(reached))
    if points != reached:
        said += "，" + say("briefing.contact.apart", points=figure(points))
    return said


def _visited(own: Reading, points: int, visited: int) -> str:
    if not points:
        return ""
    key = "_none" if not visited else "_all" if visited == points else ""
    return say(f"briefing.contact.visited{key}", now=_now(own), visited=figure(visited))


def _now(own: Reading) -> str:
    """What people call the present period: 本月."""
    step = "always" if own.there[-1] == periods.ALWAYS else periods.parse(own.there[-1]).step
    return say(f"briefing.contact.now_{step}")


def _problems(problems: Mapping[str, Any]) -> str:
    found, fixed = problems["found"], problems["put_right"]
    if not found:
        return say("briefing.contact.no_problem")
    key = "_none" if not fixed else "_all" if fixed == found else ""
    return say(f"briefing.contact.problems{key}", found=figure(found), fixed=figure(fixed))


def _days(days: Reading, points: int) -> str:
    """How long ago the visits were, and how many have none."""
    if not points:
        return ""
    never = points - days.reported if days.current is not None else points
    said = []
    if days.current is not None:
        said.append(say("briefing.contact.days", days=figure(days.current)))
    if never:
        said.append(say("briefing.contact.never", count=figure(never)))
    return "，".join(said)


def _lacking(edition: Edition, children: Sequence[Reading]) -> str:
    """Which children have targets and no contact point; empty where all have or none has."""
    without = [one.name for one in children if not one.numerator]
    if not without or len(without) == len(children):
        return ""
    level = edition.space.level(children[0].region.level).label
    return say("briefing.contact.reached_none", level=level, names=joined(without, _NAMED, level))


def _open(problems: Mapping[str, Any]) -> str:
    """What became of the problems; empty where there are none."""
    if not problems["found"]:
        return ""
    keys = ("struck_off", "open", "overdue", "sent_back")
    return "，".join(
        say(f"briefing.contact.{key}", **{key: figure(problems[key])})
        for key in keys
        if problems[key]
    )


def _figure(key: str, value: int, **words: str) -> Json:
    return {
        "label": say(f"briefing.contact.figure.{key}", **words),
        "value": value,
        "text": figure(value),
        "unit": say("briefing.contact.figure.unit"),
        "note": "",
    }


def _months(contact: Contact) -> list[Json] | None:
    """The last months: how many were found, put right and struck off; None without problems.

    Where nothing happened in all of them, those up to the last in which something did.
    """
    if not contact.problems["found"]:
        return None
    months = contact.problems["months"]
    busy = [n for n, one in enumerate(months, 1) if one["found"] or one["fixed"]]
    if busy and busy[-1] <= len(months) - MONTHS:
        months = months[: busy[-1]]
    return [
        {
            "id": one["month"],
            "label": one["label"],
            "found": one["found"],
            "fixed": one["fixed"],
            "struck_off": one["struck_off"],
        }
        for one in months[-MONTHS:]
    ]


def _table(contact: Contact) -> Json | None:
    """The last of these months as rows of text, the newest first."""
    months = _months(contact)
    if not months:
        return None
    keys = ("found", "fixed", "struck_off")
    labels = [say("briefing.contact.month")]
    labels += [say(f"briefing.contact.figure.{key}") for key in keys]
    return {
        "caption": say("briefing.contact.table"),
        "columns": [
            {"label": label, "align": "right" if number else "left"}
            for number, label in enumerate(labels)
        ],
        "rows": [
            [one["label"], *(figure(one[key]) for key in keys)] for one in reversed(months[-ROWS:])
        ],
    }

"""Sheets on paper: one page a village to take along, and the list of a member's villages.

`village` and `member` gather what a sheet says; `village_html` and `member_html` lay it out for a
browser's printer, `sheet_xlsx` for a spreadsheet. Who may see people may print them:
`Right.LEDGER`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import sqlalchemy as sa

from geodata.edition import Edition, Region
from geodata.errors import UnknownName
from geodata.ledger import lookup, observations, problems, tables, visits, where, written
from geodata.ledger.people import is_id
from geodata.ledger.points import needs
from geodata.ledger.roles import Actor, Right
from geodata.ledger.rules import ACTIVE
from geodata.ledger.store import Ledger
from geodata.words import say, section
from layers import leaf
from layers.contact.why import income
from layers.deck.compose import ems
from layers.numbers import figure, with_unit

Json = dict[str, Any]

VISITS = 3
PROBLEMS = 6
AGAINST = 3
HELPERS = 4
ITEMS = 20
"""Most of each on a village's page; the rest is counted."""
LINES = 40
"""Lines to write on; those that do not fit are cut off by the page."""


def village(ledger: Ledger, edition: Edition, actor: Actor, code: str) -> Json:
    """What the page of a village says.

    Returns
    -------
    `title`, `name`, `path`, `code`, `target_text`, `holders` (text), `income` (as `why.income`,
    with `spark`; None without one), `items` (`sentence`, `lines`; None without any), `against`
    (sentences of observations that contradict a report), `helpers` (`label`, `names`),
    `visits`, `visits_more`, `problems`, `problems_more`, `notices`, `printed`.

    Raises
    ------
    Forbidden, UnknownName, BadRequest
    """
    needs(actor, Right.LEDGER)
    region = where.village(edition, code)
    item = edition.space.contact_round
    seen = [
        one
        for one in observations.of(ledger, edition, region.code, people=False)
        if one["latest"] and one["round"] == item.id
    ]
    went = visits.of(ledger, edition, actor, village=region.code, most=100)
    wrong = problems.of(ledger, edition, actor, region.code, open_only=True)
    target = leaf.is_target(edition, item, region)
    return {
        "title": say("sheet.village_title", name=region.name),
        "name": written.shortened(region.name, 40),
        "path": written.shortened(where.path(edition, region.code), 50),
        "code": region.code,
        "target_text": say(f"sheet.{'target' if target else 'no_target'}", round=item.label),
        "holders": _holders(ledger, item.id, region.code),
        "income": _income(edition, region),
        "items": _items(edition, region, seen),
        "against": [one["sentence"] for one in seen if one["stands"]][:AGAINST],
        "helpers": _helpers(edition, region),
        "visits": [
            {
                "day": one["day_text"],
                "who": written.shortened(_who(one), 22),
                "seen": written.shortened(one["seen"], 90),
            }
            for one in went[:VISITS]
        ],
        "visits_more": max(0, len(went) - VISITS),
        "problems": [_problem(one) for one in wrong[:PROBLEMS]],
        "problems_more": max(0, len(wrong) - PROBLEMS),
        **_foot(ledger, edition),
    }


def member(ledger: Ledger, edition: Edition, actor: Actor, identifier: str) -> Json:
    """What the list of a member's contact points says.

    Returns
    -------
    `title`, `name` (of the member), `villages` (rows `name`, `path`, `code`, `state`, `since`,
    `income`, `lacking`, `last`, `open`, `overdue`, `problems`), `open`, `overdue`, `sentence`,
    `notices`, `printed`.

    Raises
    ------
    Forbidden, UnknownName
    """
    needs(actor, Right.LEDGER)
    pick, item = tables.pick.c, edition.space.contact_round
    with ledger.reading() as connection:
        labels = lookup.labels(connection, [identifier]) if is_id(identifier) else {}
        if identifier not in labels:
            raise UnknownName(say("sheet.unknown_member"), value=identifier)
        query = (
            sa.select(pick.village, pick.state, pick.created_at)
            .where(pick.round == item.id, pick.member == identifier, pick.state.in_(ACTIVE))
            .order_by(pick.village, pick.id)
        )
        held = [{**row} for row in connection.execute(query).mappings()]
    last = visits.last(ledger, item.id)
    today = written.day_of(ledger.clock())
    rows = [_line(ledger, edition, actor, row, last, today) for row in held]
    open_, late = sum(one["open"] for one in rows), sum(one["overdue"] for one in rows)
    return {
        "title": say("sheet.member_title", name=labels[identifier]),
        "name": labels[identifier],
        "villages": rows,
        "open": open_,
        "overdue": late,
        "sentence": say("sheet.total", count=len(rows), open=open_, overdue=late)
        if rows
        else say("sheet.no_villages"),
        **_foot(ledger, edition),
    }


def village_html(content: Mapping[str, Any]) -> str:
    """The page of a village, self-contained, without a script; exactly one sheet of A4."""
    page = _page("village.html")
    return page.render(**fitted(content), words=section("sheet"), lines=range(LINES))


def member_html(content: Mapping[str, Any]) -> str:
    """The list of a member, self-contained, without a script; A4, as many sheets as it needs."""
    return _page("member.html").render(**content, words=section("sheet"))


def fitted(content: Mapping[str, Any]) -> Json:
    """A village's content with no more on it than one sheet holds, with room to write.

    What matters least goes first, one at a time: older visits, later problems, what visitors saw
    and was reported so, further contradictions. What is left out of a list is counted in it.
    """
    found = dict(content)
    while _height(found) > _PAPER:
        if len(found["visits"]) > 1:
            found |= {"visits": found["visits"][:-1], "visits_more": found["visits_more"] + 1}
        elif len(found["problems"]) > 3:
            found = _fewer_problems(found)
        elif any(one["seen"] and not one["against"] for one in _lines(found)):
            found["items"] = _unseen(found["items"], keep_against=True)
        elif len(found["against"]) > 1:
            found["against"] = found["against"][:1]
        elif any(one["seen"] for one in _lines(found)):
            found["items"] = _unseen(found["items"], keep_against=False)
        elif any(len(one["seen"]) > 30 for one in found["visits"]):
            found["visits"] = [
                one | {"seen": written.shortened(one["seen"], 30)} for one in found["visits"]
            ]
        elif len(found["problems"]) > 1:
            found = _fewer_problems(found)
        else:
            break
    return found


_PAPER = 272.0
"""Millimetres between the margins of A4, as in `sheet.css`."""


def _height(content: Mapping[str, Any]) -> float:
    """How high a page becomes at most, in millimetres."""

    def rows(text: str, wide: float) -> int:
        return max(1, math.ceil(ems(text) / wide))

    earned, listed = content["income"], _lines(content)
    held = 6 + 5.5 * rows(content["holders"], 18 if earned else 40)
    held += sum(5.5 * rows(one["names"], 17 if earned else 38) for one in content["helpers"])
    income_ = 32 + sum(4.8 * rows(one, 26) for one in earned["sentences"]) if earned else 0.0
    height = 11 + 8.6 * min(2, rows(content["name"], 14)) + 5.2 * rows(content["path"], 28)
    height += max(held, income_) + 3
    for n in range(0, len(listed), 3):
        some = listed[n : n + 3]
        height += 5.2 * max(rows(one["label"], 10) for one in some) + 0.8
        height += 4.5 * any(one["seen"] for one in some)
    height += 13 * bool(listed)
    height += sum(5.4 * rows(one, 46) for one in content["against"]) + 9 * bool(content["against"])
    height += 15.5 + sum(
        1.8 + 5 * max(rows(one["seen"], 31), rows(one["who"], 11), rows(one["day"], 8.5))
        for one in content["visits"]
    )
    height += 15.5 + sum(
        1.8
        + 5
        * max(
            rows(one["said"], 21),
            rows(one["owner"], 7),
            rows(one["category"], 6),
            1 + bool(one["when"]),
        )
        for one in content["problems"]
    )
    height += 4.5 * (bool(content["visits_more"]) + bool(content["problems_more"]))
    # To write on, and the source.
    return height + 28 + 3 + 4.5 * min(3, 1 + rows("".join(content["notices"]), 56))


def _lines(content: Mapping[str, Any]) -> list[Json]:
    return content["items"]["lines"] if content["items"] else []


def _fewer_problems(content: Json) -> Json:
    return content | {
        "problems": content["problems"][:-1],
        "problems_more": content["problems_more"] + 1,
    }


def _unseen(items: Json, *, keep_against: bool) -> Json:
    """Items without what visitors saw, but for what contradicts a report."""
    lines = [
        one if keep_against and one["against"] else one | {"seen": ""} for one in items["lines"]
    ]
    return items | {"lines": lines}


def _line(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    row: Mapping[str, Any],
    last: Mapping[str, str],
    today: str,
) -> Json:
    """One contact point of a member."""
    code = str(row["village"])
    wrong = problems.of(ledger, edition, actor, code, open_only=True)
    day = last.get(code, "")
    found: Json = {
        "name": where.name(edition, code),
        "path": where.path(edition, code),
        "code": code,
        "state": say(f"sheet.{row['state']}"),
        "since": written.day_words(written.day_of(row["created_at"])),
        "income": "",
        "lacking": "",
        "last": say(
            "sheet.days_ago",
            day=written.day_words(day),
            days=written.days_between(day, today),
        )
        if day
        else say("sheet.never"),
        "open": len(wrong),
        "overdue": sum(one["overdue"] for one in wrong),
        "problems": [_problem(one) for one in wrong[:PROBLEMS]],
    }
    try:
        region = where.village(edition, code)
    except UnknownName:
        return found
    earned = income(edition, region)
    found["income"] = earned["text"] if earned else ""
    listed = _items(edition, region, [])
    if listed:
        lacks = [one["label"] for one in listed["lines"] if one["state"] == "lacks"]
        silent = all(one["state"] == "unknown" for one in listed["lines"])
        found["lacking"] = (
            say("sheet.unknown")
            if silent
            else say("sheet.lacking_text", count=len(lacks), names=written.joined(lacks))
            if lacks
            else say("sheet.none")
        )
    return found


def _holders(ledger: Ledger, round_id: str, code: str) -> str:
    pick, account = tables.pick.c, tables.account.c
    query = (
        sa.select(account.label, pick.member)
        .select_from(tables.pick.outerjoin(tables.account, account.id == pick.member))
        .where(pick.round == round_id, pick.village == code, pick.state.in_(ACTIVE))
        .order_by(pick.created_at, pick.id)
    )
    names = [row["label"] or row["member"] for row in ledger.rows(query)]
    return written.joined(names) if names else say("sheet.no_holder")


def _income(edition: Edition, region: Region) -> Json | None:
    found = income(edition, region)
    if found is None:
        return None
    goal = found["goal"]
    amount = None
    if goal:
        digits = 0 if float(goal["value"]).is_integer() else found["digits"]
        amount = with_unit(figure(goal["value"], digits), found["unit"])
    return {
        **found,
        "sentences": found["sentences"][1:3],
        "goal_text": say("sheet.goal", value=amount) if amount else "",
        "spark": spark([one["value"] for one in found["points"]], goal["value"] if goal else None),
    }


def spark(values: Sequence[float | None], goal: float | None) -> Json | None:
    """A curve as SVG: the path of what was reported (with gaps), the last point, the goal's height.

    Units of a drawing of 200 x 40; None for fewer than two values.
    """
    known = [one for one in values if one is not None and math.isfinite(one)]
    if len(known) < 2:
        return None
    low, high = min([0.0, *known]), max([*known, *([goal] if goal is not None else [])])
    span = (high - low) or 1.0
    step = 196 / (len(values) - 1)
    path, pen, last = [], False, (0.0, 0.0)
    for at, value in enumerate(values):
        if value is None or not math.isfinite(value):
            pen = False
            continue
        last = (2 + at * step, 37 - 34 * (value - low) / span)
        path.append(f"{'L' if pen else 'M'}{last[0]:.1f} {last[1]:.1f}")
        pen = True
    height = None if goal is None else f"{37 - 34 * (goal - low) / span:.1f}"
    return {"path": "".join(path), "x": f"{last[0]:.1f}", "y": f"{last[1]:.1f}", "goal": height}


def _items(edition: Edition, region: Region, seen: Sequence[Json]) -> Json | None:
    """The round's items, and beside each what a visitor saw last."""
    item = edition.space.contact_round
    found = leaf.items(edition, item, region, leaf.reports(edition, region.code))
    if found is None:
        return None
    looked = {one["indicator"]: one for one in seen}
    lines = []
    for line in found["items"][:ITEMS]:
        one = looked.get(line["id"])
        words = say("sheet.seen", day=one["day_text"], text=one["seen_text"]) if one else ""
        lines.append(
            {key: line[key] for key in ("label", "state", "state_label")}
            | {"seen": words, "against": bool(one and one["stands"])}
        )
    return {"sentence": found["sentence"], "lines": lines}


def _helpers(edition: Edition, region: Region) -> list[Json]:
    found = []
    for kind in leaf.entities(edition, edition.space.contact_round, region):
        names = [written.shortened(one["name"], 24) for one in kind["items"]]
        text = written.joined(names[:HELPERS])
        if len(names) > HELPERS:
            text += say("sheet.and_more", count=len(names))
        found.append({"label": kind["label"], "names": text})
    return found[:HELPERS]


def _who(row: Mapping[str, Any]) -> str:
    people = [one["label"] for one in row["members"]]
    return written.joined([*people, *([row["people"]] if row["people"] else [])])


def _problem(row: Mapping[str, Any]) -> Json:
    return {
        "category": row["category_label"],
        "said": written.shortened(row["said"], 60),
        "owner": written.shortened(row["owner_label"], 14) or say("sheet.not_assigned"),
        "deadline": row["deadline_text"],
        "when": row["when"],
        "state": row["state_label"],
        "overdue": row["overdue"],
    }


def _foot(ledger: Ledger, edition: Edition) -> Json:
    """What every sheet must say: whose data, until when, invented or not."""
    known = edition.notices()
    said = [
        say("sheet.source", source=known["source"]) if known["source"] else "",
        say("sheet.cutoff", cutoff=known["cutoff"]) if known["cutoff"] else "",
        say("sheet.approval", number=known["approval_number"]) if known["approval_number"] else "",
    ]
    return {
        "heading": known["title"],
        "programme": known["programme"],
        "demo": say("sheet.demo") if known["demo"] else "",
        "notices": [one for one in said if one],
        "printed": say("sheet.printed", day=written.day_words(written.day_of(ledger.clock()))),
    }


@cache
def _page(name: str) -> jinja2.Template:
    pages = jinja2.Environment(
        loader=jinja2.DictLoader(
            {
                one: files("layers.contact").joinpath(one).read_text("utf-8")
                for one in ("head.html", "village.html", "member.html", "sheet.css")
            }
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template(name)

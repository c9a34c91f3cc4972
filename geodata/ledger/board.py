"""The board of problems: how many stand where, how fast they are put right, and which they are.

Problems are counted by the database, in a number of queries that does not grow with them. What
happened in a month is read from the audit, so that a month that is over never changes: a problem
counts as put right from the day on which that was said, until it is sent back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from geodata import periods
from geodata.edition import Edition
from geodata.errors import BadRequest
from geodata.ledger import lookup, problems, tables, where, written
from geodata.ledger.roles import Actor, Role
from geodata.ledger.store import Json, Ledger
from geodata.ledger.visits import HELD
from geodata.words import say

PAGE = 50
"""Rows of a page, unless another number is asked for."""
LARGEST_PAGE = 200

NUMBERS = (*problems.STATES, "all", "open", "overdue", "sent_back")
"""What is counted of a group of problems: how many are in each state; `open` (not struck off);
`overdue` (assigned, deadline past); `sent_back` (assigned again because of a re-check)."""

Condition = sa.ColumnElement[bool]

HAPPENED = {
    "problem.found": "found",
    "problem.fixed": "fixed",
    "problem.sent_back": "sent_back",
    "problem.struck_off": "struck_off",
}


def board(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    *,
    state: str = "",
    district: str = "",
    owner_kind: str = "",
    owner: str = "",
    category: str = "",
    village: str = "",
    overdue: bool = False,
    sent_back: bool = False,
    mine: bool = False,
    page: int = 1,
    size: int = PAGE,
) -> Json:
    """The board of the round, everything from one moment of the ledger.

    Parameters
    ----------
    state : of the rows: one of `problems.STATES`, or `open`; "" for all.
    district, village : codes; `owner_kind`, `owner` and `category` as a row has them.
    overdue, sent_back : only such rows.
    mine : only rows that concern the person: found by them, in a contact point of theirs, of
        their district, or owned by their unit.

    What is counted follows `district`, `village`, owner and category, and nothing else that rows
    are chosen by; but `districts` do not follow `district`, nor `owners` the owner: whoever has
    chosen one still compares it with the others, and chooses another. A visit has neither owner
    nor category: those of a month are told all the same, and then left out of the sentence.

    Returns
    -------
    `counts` (`NUMBERS` of all), `districts` (rows `code`, `name` and `NUMBERS`), `owners` (rows
    `kind`, `owner`, `label`, `kind_label` and `NUMBERS`; most overdue first), `months` (as
    `totals`), `rows` (as `problems.tell`, overdue first, then by deadline), `total` (rows on all
    pages), `page`, `pages`, `size`, `today`, `seq`, `sentence`.

    Raises
    ------
    BadRequest : a state or a page that cannot be.
    """
    if state not in ("", "open", *problems.STATES):
        raise BadRequest(
            say("board.state"),
            value=state,
            cure=say("error.allowed", names=written.joined(["open", *problems.STATES])),
        )
    if page < 1 or not 1 <= size <= LARGEST_PAGE:
        raise BadRequest(say("board.page"), cure=say("board.page_cure", most=LARGEST_PAGE))
    round_id = edition.space.contact_round.id
    today = written.day_of(ledger.clock())
    problem = tables.problem.c
    wanted = {
        name: getattr(problem, name) == written.cleaned(value)
        for name, value in (
            ("district", district),
            ("village", village),
            ("owner_kind", owner_kind),
            ("owner", owner),
            ("category", category),
        )
        if value
    }

    def without(*names: str) -> list[Condition]:
        chosen = [one for name, one in wanted.items() if name not in names]
        return [problem.round == round_id, *chosen]

    scope = without()
    conditions = [*scope]
    if state == "open":
        conditions.append(problem.state != problems.STRUCK_OFF)
    elif state:
        conditions.append(problem.state == state)
    if overdue:
        conditions.append(_late(today))
    if sent_back:
        conditions.append(_again())
    if mine:
        conditions.append(_mine(actor, round_id))

    with ledger.reading() as connection:
        groups = _groups(connection, scope, today)
        near = _groups(connection, without("district"), today) if district else groups
        held = without("owner_kind", "owner")
        rivals = _groups(connection, held, today) if owner_kind or owner else groups
        visited = _visited(edition, round_id, district, village)
        months = _months(connection, scope, visited, today)
        total = connection.execute(
            sa.select(sa.func.count()).select_from(tables.problem).where(*conditions)
        ).scalar_one()
        late = sa.case((_late(today), 0), (problem.state == problems.STRUCK_OFF, 2), else_=1)
        query = (
            sa.select(tables.problem)
            .where(*conditions)
            .order_by(
                late,
                # A problem without a deadline waits for one: after those that have theirs.
                sa.case((problem.deadline == "", 1), else_=0),
                problem.deadline,
                problem.found_on,
                problem.id,
            )
            .limit(size)
            .offset((page - 1) * size)
        )
        rows = [{**row} for row in connection.execute(query).mappings()]
        labels = lookup.labels(connection, problems.people(rows))
        seq = connection.execute(sa.select(tables.head.c.seq)).scalar() or 0
    counts = _numbers(groups)
    return {
        "counts": counts,
        "districts": _districts(edition, near),
        "owners": _owners(edition, rivals),
        "months": months,
        "rows": [problems.tell(edition, actor, row, labels, today) for row in rows],
        "total": total,
        "page": page,
        "pages": max(1, -(-total // size)),
        "size": size,
        "today": today,
        "seq": seq,
        "sentence": _sentence(counts, months, with_visits=not (owner_kind or owner or category)),
    }


def totals(ledger: Ledger, edition: Edition) -> Json:
    """The board's numbers alone: no row, no name of a person; for a wall and for everybody.

    Returns
    -------
    `round`, `visits` (that were not withdrawn), `found` (in all), `put_right` (said to be put right
    and not sent back since: fixed, rechecked and struck off), `struck_off`, `open`, `overdue`,
    `sent_back`, `rate` (`put_right` in percent of `found`; None while nothing was found), `states`
    (how many are in each state), `districts` (as `board`), `months`, `today`, `seq`, `sentence`.

    `months` has one row a month from the first visit or problem to today: `month`, `label`,
    `visits` (by their day), `found`, `fixed`, `sent_back`, `struck_off` (that happened in it), and
    at its end `found_so_far`, `put_right_so_far`, `struck_off_so_far`, `rate`, `struck_off_rate`.
    """
    round_id = edition.space.contact_round.id
    today = written.day_of(ledger.clock())
    with ledger.reading() as connection:
        scope = [tables.problem.c.round == round_id]
        groups = _groups(connection, scope, today)
        months = _months(connection, scope, _visited(edition, round_id), today)
        seq = connection.execute(sa.select(tables.head.c.seq)).scalar() or 0
    counts = _numbers(groups)
    put_right = counts["fixed"] + counts["rechecked"] + counts["struck_off"]
    return {
        "round": round_id,
        **{name: counts[name] for name in ("struck_off", "open", "overdue", "sent_back")},
        "states": {name: counts[name] for name in problems.STATES},
        "visits": sum(one["visits"] for one in months),
        "found": counts["all"],
        "put_right": put_right,
        "rate": _rate(put_right, counts["all"]),
        "districts": _districts(edition, groups),
        "months": months,
        "today": today,
        "seq": seq,
        "sentence": _sentence(counts, months),
    }


def villages(ledger: Ledger, edition: Edition) -> dict[str, Json]:
    """`NUMBERS` of each village that has a problem in the round, by code: for a map."""
    round_id = edition.space.contact_round.id
    today = written.day_of(ledger.clock())
    with ledger.reading() as connection:
        problem = tables.problem.c
        rows = _counted(connection, [problem.village], [problem.round == round_id], today)
    found: dict[str, list[Json]] = {}
    for row in rows:
        found.setdefault(row["village"], []).append(row)
    return {code: _numbers(some) for code, some in sorted(found.items())}


# ---- counting ----


def _late(today: str) -> sa.ColumnElement[bool]:
    """`problems.overdue`, for the database."""
    problem = tables.problem.c
    return sa.and_(
        problem.state == problems.ASSIGNED, problem.deadline != "", problem.deadline < today
    )


def _again() -> sa.ColumnElement[bool]:
    problem = tables.problem.c
    return sa.and_(problem.state == problems.ASSIGNED, problem.sent_back > 0)


def _mine(actor: Actor, round_id: str) -> sa.ColumnElement[bool]:
    problem, pick = tables.problem.c, tables.pick.c
    held = sa.select(pick.village).where(
        pick.round == round_id, pick.member == actor.id, pick.state.in_(HELD)
    )
    own = [problem.found_by == actor.id, problem.village.in_(held)]
    if actor.role is Role.DISTRICT:
        own.append(problem.district == actor.district)
    if actor.unit:
        own.append(sa.and_(problem.owner_kind == "unit", problem.owner == actor.unit))
    return sa.or_(*own)


def _visited(
    edition: Edition, round_id: str, district: str = "", village: str = ""
) -> list[Condition]:
    """Which visits count: those of the round that were not withdrawn, in a place if one is said."""
    visit = tables.visit.c
    found = [visit.round == round_id, visit.withdrawn.is_(False)]
    if district:
        found.append(visit.village.in_(_leaves(edition, district)))
    if village:
        found.append(visit.village == written.cleaned(village))
    return found


def _leaves(edition: Edition, district: str) -> list[str]:
    """Codes of the leaves of a district; none of one that the edition does not know."""
    if district not in edition.regions(edition.space.district.id)["code"].tolist():
        return []
    leaves = edition.nesting.codes[-1]
    return [str(leaves[at]) for at in edition.descendants(district, edition.levels[-1].id)]


def _counted(
    connection: Connection, by: list[sa.Column[str]], scope: list[Condition], today: str
) -> list[Json]:
    """How many problems there are of each group, state, lateness and return."""
    problem = tables.problem.c
    late = sa.case((_late(today), 1), else_=0).label("late")
    again = sa.case((_again(), 1), else_=0).label("again")
    inner = sa.select(*by, problem.state, late, again).where(*scope).subquery()
    columns = list(inner.c)
    query = sa.select(*columns, sa.func.count().label("many")).group_by(*columns)
    return [{**row} for row in connection.execute(query).mappings()]


def _groups(connection: Connection, scope: list[Condition], today: str) -> list[Json]:
    problem = tables.problem.c
    by = [problem.district, problem.owner_kind, problem.owner]
    return _counted(connection, by, scope, today)


def _numbers(groups: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    found = dict.fromkeys(NUMBERS, 0)
    for row in groups:
        many = row["many"]
        found[row["state"]] += many
        found["all"] += many
        found["open"] += many * (row["state"] != problems.STRUCK_OFF)
        found["overdue"] += many * row["late"]
        found["sent_back"] += many * row["again"]
    return found


def _districts(edition: Edition, groups: list[Json]) -> list[Json]:
    """All districts in code order, those without a problem among them; then unknown codes."""
    level = edition.space.district.id
    codes = [str(code) for code in edition.regions(level)["code"]]
    codes += sorted({row["district"] for row in groups} - set(codes))
    return [
        {
            "code": code,
            "name": where.name(edition, code),
            **_numbers(row for row in groups if row["district"] == code),
        }
        for code in codes
    ]


def _owners(edition: Edition, groups: list[Json]) -> list[Json]:
    some: dict[tuple[str, str], list[Json]] = {}
    for row in groups:
        if row["owner_kind"]:
            some.setdefault((row["owner_kind"], row["owner"]), []).append(row)
    found = [
        {
            "kind": kind,
            "owner": owner,
            "label": problems.owner_label(edition, kind, owner),
            "kind_label": say(f"problem.owner.{kind}"),
            **_numbers(rows),
        }
        for (kind, owner), rows in some.items()
    ]
    return sorted(found, key=lambda one: (-one["overdue"], -one["open"], one["kind"], one["label"]))


# ---- months ----


def _months(
    connection: Connection, scope: list[Condition], visited: list[Condition], today: str
) -> list[Json]:
    problem, event, visit = tables.problem.c, tables.event.c, tables.visit.c
    # A month of China begins at 16 o'clock of the day before: grouped by hour, put together here.
    hour = sa.func.substr(event.at, 1, 13).label("hour")
    events = (
        sa.select(event.kind, hour)
        .join(tables.problem, event.subject == sa.literal("problem:") + problem.id)
        .where(*scope, event.kind.in_(sorted(HAPPENED)))
        .subquery()
    )
    happened = connection.execute(
        sa.select(events.c.kind, events.c.hour, sa.func.count().label("many")).group_by(
            events.c.kind, events.c.hour
        )
    ).mappings()
    month = sa.func.substr(visit.day, 1, 7).label("month")
    written_down = sa.select(month).where(*visited).subquery()
    counted = connection.execute(
        sa.select(written_down.c.month, sa.func.count().label("many")).group_by(
            written_down.c.month
        )
    )
    tally: dict[str, dict[str, int]] = {}

    def count(in_month: str, what: str, many: int) -> None:
        empty = dict.fromkeys(("visits", *HAPPENED.values()), 0)
        tally.setdefault(in_month, empty)[what] += many

    for row in happened:
        count(written.day_of(f"{row['hour']}:00:00Z")[:7], HAPPENED[row["kind"]], row["many"])
    for at, many in counted:
        count(at, "visits", many)
    if not tally:
        return []
    last = max(today[:7], *tally)
    found: list[Json] = []
    so_far = dict.fromkeys(("found", "fixed", "sent_back", "struck_off"), 0)
    for one in periods.span(min(tally), last, "month"):
        here = tally.get(one.id, dict.fromkeys(("visits", *HAPPENED.values()), 0))
        so_far = {name: so_far[name] + here[name] for name in so_far}
        # Whatever was sent back had been said to be put right once before.
        put_right = so_far["fixed"] - so_far["sent_back"]
        found.append(
            {
                "month": one.id,
                "label": one.label,
                **here,
                "found_so_far": so_far["found"],
                "put_right_so_far": put_right,
                "struck_off_so_far": so_far["struck_off"],
                "rate": _rate(put_right, so_far["found"]),
                "struck_off_rate": _rate(so_far["struck_off"], so_far["found"]),
            }
        )
    return found


def _rate(part: int, whole: int) -> float | None:
    """Percent with one digit; never 100 before all are."""
    if not whole:
        return None
    return 100.0 if part == whole else min(99.9, round(100.0 * part / whole, 1))


def _sentence(counts: Mapping[str, int], months: list[Json], *, with_visits: bool = True) -> str:
    """What the numbers come to: inspections, found, put right, struck off."""
    put_right = counts["fixed"] + counts["rechecked"] + counts["struck_off"]
    visits = sum(one["visits"] for one in months)
    said = say("board.visits", visits=visits) if with_visits else ""
    said += say(
        "board.sentence",
        found=counts["all"],
        put_right=put_right,
        struck_off=counts["struck_off"],
    )
    if counts["overdue"]:
        said += say("board.overdue", count=counts["overdue"])
    return said

"""Problems from found to struck off: each step by a role that may, none without the one before.

found -> assigned -> fixed -> rechecked -> struck_off; what is said to be put right, or was
re-checked already, can be sent back: then it is assigned again. Whoever says that a problem is put
right never re-checks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from geodata.edition import Edition, Region
from geodata.errors import AtlasError, BadRequest, UnknownName
from geodata.ledger import lookup, photos, tables, where, written
from geodata.ledger.people import is_id
from geodata.ledger.roles import Actor, Right, Role
from geodata.ledger.store import Decision, Json, Ledger
from geodata.ledger.troubles import Conflict, Forbidden, Refused
from geodata.words import say
from geodata.workspace import Workspace

FOUND: Final = "found"
ASSIGNED: Final = "assigned"
FIXED: Final = "fixed"
RECHECKED: Final = "rechecked"
STRUCK_OFF: Final = "struck_off"
STATES = (FOUND, ASSIGNED, FIXED, RECHECKED, STRUCK_OFF)

SAID = 300
REASON = 200
OWNER = 200
YEARS = 3
"""A deadline lies at most so far ahead: a year that was mistyped is noticed."""

OWNER_KINDS = ("unit", "town", "district")
OTHER_CATEGORIES = ("team", "funds", "project", "conduct", "other")
ITEM = "item."
"""Before the name of an indicator: a category that is one of the round's items."""


@dataclass(frozen=True)
class Step:
    """One way on from a state."""

    id: str
    before: tuple[str, ...]
    """States that it can be made from."""
    after: str
    """State that it leads to; "" for one that leaves it."""
    right: Right
    kind: str
    """Of its event."""
    reason: bool
    """Whether a reason (what was done, why it is sent back) must be given."""


STEPS = {
    one.id: one
    for one in (
        Step("assign", (FOUND,), ASSIGNED, Right.DIRECT, "problem.assigned", False),
        Step("fix", (ASSIGNED,), FIXED, Right.ANSWER, "problem.fixed", True),
        Step("recheck", (FIXED,), RECHECKED, Right.CHECK, "problem.rechecked", False),
        Step("send_back", (FIXED, RECHECKED), ASSIGNED, Right.CHECK, "problem.sent_back", True),
        Step("strike_off", (RECHECKED,), STRUCK_OFF, Right.DIRECT, "problem.struck_off", False),
        Step("change", (FOUND, ASSIGNED), "", Right.DIRECT, "problem.changed", True),
    )
}
"""The whole of who may do what when; two rules more are in `barrier`."""


def barrier(actor: Actor, row: Mapping[str, Any], step: str) -> AtlasError | None:
    """What stands between somebody and a step of a problem; None when nothing does.

    `Forbidden` for what the person may never do, `Conflict` for what the state does not allow.
    """
    known = STEPS[step]
    if not actor.may(known.right):
        return Forbidden(say(f"problem.forbidden.{step}"), cure=say("problem.forbidden.cure"))
    if actor.role is Role.DISTRICT and row["district"] != actor.district:
        return Forbidden(say("problem.other_district"), cure=say("problem.other_district_cure"))
    if row["state"] not in known.before:
        return Conflict(
            say("problem.state", state=state_label(row["state"]), step=say(f"problem.step.{step}")),
            cure=say("problem.state_cure"),
        )
    if step in ("recheck", "send_back") and row["fixed_by"] == actor.id:
        return Forbidden(say("problem.own_fix"), cure=say("problem.own_fix_cure"))
    return None


def steps(actor: Actor, row: Mapping[str, Any]) -> list[str]:
    """The steps that somebody may take with a problem now."""
    return [step for step in STEPS if barrier(actor, row, step) is None]


def state_label(state: str) -> str:
    """What people call a state."""
    return say(f"problem.states.{state}")


# ---- what can be chosen ----


def categories(space: Workspace) -> list[Json]:
    """What a problem can be about: rows `id`, `label`; the round's items first."""
    items = [
        {"id": f"{ITEM}{name}", "label": space.indicator(name).label}
        for name in space.contact_round.items
    ]
    return items + [
        {"id": one, "label": say(f"problem.category.{one}")} for one in OTHER_CATEGORIES
    ]


def category_label(space: Workspace, category: str) -> str:
    """What people call a category; the bare name of one that is no longer declared."""
    if category in OTHER_CATEGORIES:
        return say(f"problem.category.{category}")
    name = category.removeprefix(ITEM)
    return next((one.label for one in space.indicators if one.id == name), category)


def owners(edition: Edition, village: str) -> list[Json]:
    """Who can be made to answer for a village's problems.

    Returns
    -------
    Rows `kind` (unit, town, district), `owner` (name of the unit, code of the region), `label`,
    `kind_label`: the units at work in the village, then the region above it and its district.
    """
    space, region = edition.space, where.village(edition, village)
    found: list[Json] = []
    if space.unit_kind:
        frame = edition.entities(space.unit_kind, space.contact_round.id, region.code)
        found += [
            {"kind": "unit", "owner": name, "label": name, "kind_label": say("problem.owner.unit")}
            for name in dict.fromkeys(str(name) for name in frame["name"])
        ]
    district = where.district(edition, region)
    above = edition.ancestors(region.code)[-1]
    for kind, one in (("town", above), ("district", district)):
        if kind == "district" or one.code != district.code:
            found.append(
                {
                    "kind": kind,
                    "owner": one.code,
                    "label": one.name,
                    "kind_label": space.level(one.level).label,
                }
            )
    return found


def owner_label(edition: Edition, kind: str, owner: str) -> str:
    """What an owner is called; "" while there is none."""
    return where.name(edition, owner) if kind in ("town", "district") else owner


# ---- steps ----


def find(
    ledger: Ledger, edition: Edition, actor: Actor, asked: Mapping[str, Any], *, key: str = ""
) -> Json:
    """Write down a problem.

    Parameters
    ----------
    asked : `village` (code), `category` (an id of `categories`), `said` (what is wrong), `day`
        (when it was found; today by default), `visit` (id, when it was found during one; then the
        visit's village and day hold).

    Returns
    -------
    The problem as a row of `board`, and `seq`.

    Raises
    ------
    Forbidden, UnknownName, BadRequest, Refused
    """
    if not actor.may(Right.VISIT):
        raise Forbidden(say("problem.forbidden.find"), cure=say("problem.forbidden.cure"))
    asked = written.table(asked)

    def work(decision: Decision) -> Json:
        visit = asked.get("visit") or ""
        if visit:
            row = lookup.row(decision, tables.visit, visit)
            village, day = where.village(edition, row["village"]), row["day"]
        else:
            village = where.village(edition, asked.get("village"))
            day = written.possible_day(
                edition, asked, "day", decision.at, default=written.day_of(decision.at)
            )
        made = begin(decision, edition, village, asked, day=day, visit=visit)
        return _answer(decision, edition, made["id"])

    return ledger.decide(actor, work, key=key, asked=written.asked_for("problem.find", asked))


def begin(
    decision: Decision,
    edition: Edition,
    village: Region,
    asked: Mapping[str, Any],
    *,
    day: str,
    visit: str = "",
) -> Json:
    """A new problem, as part of another decision; returns its `id` and category.

    Raises
    ------
    UnknownName, BadRequest, Refused
    """
    category = _category(edition, asked)
    made = decision.add(
        tables.problem,
        "problem.found",
        round=edition.space.contact_round.id,
        village=village.code,
        district=where.district(edition, village).code,
        visit=visit,
        category=category,
        said=written.text(asked, "said", SAID, required=True),
        owner_kind="",
        owner="",
        deadline="",
        state=FOUND,
        sent_back=0,
        found_by=decision.actor.id,
        found_on=day,
        fixed_by="",
        rechecked_by="",
    )
    return {"id": made, "category": category}


def assign(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    identifier: str,
    asked: Mapping[str, Any],
    *,
    state: str = "",
    key: str = "",
) -> Json:
    """Say who answers for a problem, and until when.

    Parameters
    ----------
    asked : `owner_kind` and `owner` (as `owners` gives them), `deadline` (a day, not before the
        problem was found), `reason` (may be left out).
    state : the state that the person saw; when the problem has moved on, nothing is done.

    Returns
    -------
    The problem as a row of `board`, and `seq`; so do all steps.

    Raises
    ------
    Forbidden, UnknownName, BadRequest, Refused
    Conflict : the problem has moved on; the message says who did what and when.
    """

    def values(decision: Decision, row: Json) -> Json:
        return _owner(edition, row, asked) | {"deadline": _deadline(decision, row, asked)}

    return _step(ledger, edition, actor, identifier, "assign", asked, state, key, values)


def fix(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    identifier: str,
    reason: str,
    *,
    state: str = "",
    key: str = "",
) -> Json:
    """Say that a problem is put right; `reason` is what was done. Otherwise as `assign`."""
    asked = {"reason": reason}
    return _step(ledger, edition, actor, identifier, "fix", asked, state, key, fixed_by=actor.id)


def recheck(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    identifier: str,
    reason: str = "",
    *,
    state: str = "",
    key: str = "",
) -> Json:
    """Confirm that a problem is put right; never by who said so. Otherwise as `assign`."""
    asked = {"reason": reason}
    return _step(
        ledger, edition, actor, identifier, "recheck", asked, state, key, rechecked_by=actor.id
    )


def send_back(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    identifier: str,
    reason: str,
    *,
    deadline: str = "",
    state: str = "",
    key: str = "",
) -> Json:
    """Say that a problem is not put right: assigned again, with a reason. Otherwise as `assign`.

    Parameters
    ----------
    deadline : a new day; "" leaves the one that there was.
    """
    asked = {"reason": reason, **({"deadline": deadline} if deadline else {})}

    def values(decision: Decision, row: Json) -> Json:
        found = {"sent_back": row["sent_back"] + 1, "fixed_by": "", "rechecked_by": ""}
        return found | ({"deadline": _deadline(decision, row, asked)} if deadline else {})

    return _step(ledger, edition, actor, identifier, "send_back", asked, state, key, values)


def strike_off(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    identifier: str,
    reason: str = "",
    *,
    state: str = "",
    key: str = "",
) -> Json:
    """Strike a re-checked problem off the list. Otherwise as `assign`."""
    asked = {"reason": reason}
    return _step(ledger, edition, actor, identifier, "strike_off", asked, state, key)


def change(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    identifier: str,
    asked: Mapping[str, Any],
    *,
    state: str = "",
    key: str = "",
) -> Json:
    """Change a problem's category, or, once it is assigned, its owner or deadline; with a reason.

    Parameters
    ----------
    asked : any of `category`, `owner_kind` with `owner`, `deadline`; and `reason`.
    """

    def values(decision: Decision, row: Json) -> Json:
        found: Json = {}
        if asked.get("category"):
            found["category"] = _category(edition, asked)
        if asked.get("owner_kind") or asked.get("deadline"):
            if row["state"] != ASSIGNED:
                raise Conflict(say("problem.not_assigned"), cure=say("problem.not_assigned_cure"))
            if asked.get("owner_kind"):
                found |= _owner(edition, row, asked)
            if asked.get("deadline"):
                found["deadline"] = _deadline(decision, row, asked)
        if not found:
            raise BadRequest(say("problem.no_change"), cure=say("problem.no_change_cure"))
        return found

    return _step(ledger, edition, actor, identifier, "change", asked, state, key, values)


# ---- reading ----


def one(ledger: Ledger, edition: Edition, actor: Actor, identifier: str) -> Json:
    """One problem as a row of `board`, with its `history` and `photos`.

    `history` has rows `at`, `at_text`, `kind`, `what`, `actor_label`, `reason`, `sentence`, the
    oldest first.

    Raises
    ------
    UnknownName
    """
    if not is_id(identifier):
        raise lookup.unknown(tables.problem, identifier)
    with ledger.reading() as connection:
        found = connection.execute(
            sa.select(tables.problem).where(tables.problem.c.id == identifier)
        ).mappings()
        rows = [{**row} for row in found]
        if not rows:
            raise lookup.unknown(tables.problem, identifier)
        event = tables.event.c
        query = (
            sa.select(event.at, event.kind, event.actor_label, event.reason)
            .where(event.subject == f"problem:{identifier}")
            .order_by(event.seq)
        )
        history = [_happened({**row}) for row in connection.execute(query).mappings()]
        shown = photos.among(connection, problems=[identifier])
        labels = lookup.labels(connection, people(rows))
    today = written.day_of(ledger.clock())
    told = tell(edition, actor, rows[0], labels, today)
    return told | {"history": history, "photos": shown}


def of(
    ledger: Ledger, edition: Edition, actor: Actor, village: str, *, open_only: bool = False
) -> list[Json]:
    """The problems of a village as rows of `board`: open ones first, by deadline."""
    problem = tables.problem.c
    query = sa.select(tables.problem).where(problem.village == written.cleaned(village))
    if open_only:
        query = query.where(problem.state != STRUCK_OFF)
    with ledger.reading() as connection:
        rows = [{**row} for row in connection.execute(query).mappings()]
        labels = lookup.labels(connection, people(rows))
    rows.sort(
        key=lambda row: (
            row["state"] == STRUCK_OFF,
            row["deadline"] or "9999",
            row["found_on"],
            row["id"],
        )
    )
    today = written.day_of(ledger.clock())
    return [tell(edition, actor, row, labels, today) for row in rows]


def people(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Ids of the accounts that problems speak of."""
    return {row[name] for row in rows for name in ("found_by", "fixed_by", "rechecked_by")} - {""}


def overdue(row: Mapping[str, Any], today: str) -> bool:
    """Whether the deadline is past and nobody has said that it is put right."""
    return row["state"] == ASSIGNED and bool(row["deadline"]) and row["deadline"] < today


def tell(
    edition: Edition,
    actor: Actor,
    row: Mapping[str, Any],
    labels: Mapping[str, str],
    today: str,
) -> Json:
    """A problem as people read it, with the steps that somebody may take."""
    late = overdue(row, today)
    names = ("id", "round", "village", "district", "visit", "category", "said", "owner_kind")
    rest = ("owner", "deadline", "state", "sent_back", "found_by", "found_on", "changed_at")
    days = written.days_between(today, row["deadline"]) if row["deadline"] else None
    return {
        **{name: row[name] for name in (*names, *rest)},
        "name": where.name(edition, row["village"]),
        "path": where.path(edition, row["village"]),
        "district_name": where.name(edition, row["district"]),
        "category_label": category_label(edition.space, row["category"]),
        "owner_label": owner_label(edition, row["owner_kind"], row["owner"]),
        "state_label": state_label(row["state"]),
        "found_by_label": labels.get(row["found_by"], ""),
        "fixed_by_label": labels.get(row["fixed_by"], ""),
        "rechecked_by_label": labels.get(row["rechecked_by"], ""),
        "found_on_text": written.day_words(row["found_on"]),
        "deadline_text": written.day_words(row["deadline"]),
        "overdue": late,
        "days": days,
        "when": _when(row, late, days),
        "can": steps(actor, row),
    }


def _when(row: Mapping[str, Any], late: bool, days: int | None) -> str:
    """How a problem stands to its deadline, in words; "" where that says nothing."""
    if row["state"] != ASSIGNED or days is None:
        return ""
    if late:
        return say("problem.when.late", days=-days)
    return say("problem.when.today") if days == 0 else say("problem.when.left", days=days)


def _happened(row: Json) -> Json:
    what = say(f"problem.did.{row['kind'].partition('.')[2]}")
    when = written.moment_words(row["at"])
    told = say("problem.happened", when=when, who=row["actor_label"], what=what)
    if row["reason"]:
        told += say("problem.because", reason=row["reason"])
    return row | {"at_text": when, "what": what, "sentence": told}


def _step(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    identifier: str,
    step: str,
    asked: Mapping[str, Any],
    state: str,
    key: str,
    values: Callable[[Decision, Json], Json] | None = None,
    **plain: str,
) -> Json:
    """The frame of every step: who may, from which state, and what is written into the row.

    That is the state after the step, `plain`, and what `values` makes of the row.
    """
    known, asked = STEPS[step], written.table(asked)

    def work(decision: Decision) -> Json:
        row = lookup.row(decision, tables.problem, identifier)
        against = barrier(actor, row, step)
        if isinstance(against, Forbidden):
            raise against
        if (state and state != row["state"]) or against is not None:
            raise _moved_on(decision, row)
        reason = written.text(asked, "reason", REASON, required=known.reason)
        found: Json = {**plain, **(values(decision, row) if values else {})}
        if known.after:
            found["state"] = known.after
        decision.change(tables.problem, identifier, known.kind, reason, **found)
        return _answer(decision, edition, identifier)

    question = written.asked_for(f"problem.{step}", identifier, asked, state)
    return ledger.decide(actor, work, key=key, asked=question)


def _answer(decision: Decision, edition: Edition, identifier: str) -> Json:
    row = decision.row(tables.problem, identifier)
    assert row is not None, "it was written in this transaction"
    labels = lookup.labels(decision.connection, people([row]))
    today = written.day_of(decision.at)
    return tell(edition, decision.actor, row, labels, today) | {"seq": decision.seq}


def _moved_on(decision: Decision, row: Json) -> Conflict:
    """The problem is no longer as it was read: who did what, and when."""
    event = tables.event.c
    query = (
        sa.select(event.at, event.kind, event.actor_label, event.reason)
        .where(event.subject == f"problem:{row['id']}")
        .order_by(event.seq.desc())
        .limit(1)
    )
    last = _happened({**decision.rows(query)[0]})
    return Conflict(
        say("problem.moved_on", state=state_label(row["state"]), last=last["sentence"]),
        cure=say("problem.moved_on_cure"),
        breaches=[
            {
                "rule": "state",
                "sentence": last["sentence"],
                "can_override": False,
                "state": row["state"],
                "by": last["actor_label"],
                "at": last["at"],
            }
        ],
    )


def _category(edition: Edition, asked: Mapping[str, Any]) -> str:
    category, known = asked.get("category"), categories(edition.space)
    if category not in [one["id"] for one in known]:
        raise UnknownName(
            say("problem.unknown_category"),
            field="category",
            value=category,
            cure=say("error.allowed", names=written.joined([one["label"] for one in known])),
        )
    return str(category)


def _owner(edition: Edition, row: Json, asked: Mapping[str, Any]) -> Json:
    kind, owner = asked.get("owner_kind"), asked.get("owner")
    known = owners(edition, row["village"])
    if not any(one["kind"] == kind and one["owner"] == owner for one in known):
        raise UnknownName(
            say("problem.unknown_owner"),
            field="owner",
            value=owner,
            cure=say("error.allowed", names=written.joined([one["label"] for one in known])),
        )
    return {"owner_kind": kind, "owner": owner}


def _deadline(decision: Decision, row: Json, asked: Mapping[str, Any]) -> str:
    found = written.day(asked, "deadline")
    last = written.after(written.day_of(decision.at), 366 * YEARS)
    if found < row["found_on"] or found > last:
        raise Refused(
            say("problem.deadline", found=written.day_words(row["found_on"])),
            place=written.field("deadline"),
            field="deadline",
            value=found,
            cure=say(
                "problem.deadline_cure",
                first=written.day_words(row["found_on"]),
                last=written.day_words(last),
            ),
        )
    return found

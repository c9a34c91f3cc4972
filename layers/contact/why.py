"""Why a village matters: what a member reads before picking it, every sentence computed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from geodata import periods
from geodata.edition import Edition, Region
from geodata.errors import BadRequest
from geodata.ledger import rules, tables
from geodata.ledger.places import places
from geodata.ledger.points import Moment, described, is_own_step, last_steps, needs, standing
from geodata.ledger.roles import Actor, Right
from geodata.ledger.rules import Breach, Standing
from geodata.ledger.store import Ledger
from geodata.ledger.written import day_of, day_words, days_between
from geodata.vocabulary import Direction
from geodata.words import say
from geodata.workspace import Measure, Round
from layers import leaf
from layers.briefing.pace import stillness
from layers.numbers import amount, figure, plain, with_unit

Json = dict[str, Any]

MOST_CHANGES = 5


def reported(edition: Edition, village: str) -> Json:
    """What files say of a village: `income`, `missing`, and `changes`, a few sentences.

    A card's costly part, and the same for every reader until another edition comes.

    Raises
    ------
    UnknownName : no such region.
    BadRequest : a region above the leaves.
    """
    region = _leaf(edition, village)
    earned = income(edition, region)
    lacks, gained = missing(edition, edition.space.contact_round, region)
    changes = [*_income_changes(earned), *gained][:MOST_CHANGES]
    return {"income": earned, "missing": lacks, "changes": changes}


def why(
    edition: Edition,
    ledger: Ledger,
    village: str,
    actor: Actor,
    *,
    since: str = "",
    today: str = "",
    files: Callable[[Edition, str], Json] = reported,
) -> Json:
    """The card of a village, JSON-able.

    Parameters
    ----------
    since : when the reader's session began; what was done since can be taken back.
    today : day from which visits and deadlines are counted; by default the ledger's.
    files : `reported`, or one that remembers what it said.

    Raises
    ------
    Forbidden : for who may not see the ledger.
    UnknownName : no such region.
    BadRequest : a region above the leaves.
    """
    needs(actor, Right.LEDGER)
    region = _leaf(edition, village)
    today = today or day_of(ledger.clock())
    known, item = places(edition), edition.space.contact_round
    with ledger.reading() as connection:
        moment = Moment(connection)
        now = standing(moment, edition)
        visits = _visits(moment, region.code)
        problems = _problems(moment, region.code, today)
        steps = last_steps(moment, since) if since else {}
    visit, visit_sentence = _last_visit(visits, now, today)
    person = now.people.get(actor.id)
    against: tuple[Breach, ...] = ()
    if person is not None and person.member:
        against = rules.breaches(region.code, actor.id, now, known.rules, edition)
    target = bool(known.target[region.position])
    mine = [one for one in now.picks if one.village == region.code]
    return {
        "code": region.code,
        "name": region.name,
        "level_label": edition.space.leaf.label,
        "position": region.position,
        "lon": region.lon,
        "lat": region.lat,
        "path": [
            {"code": one.code, "name": one.name, "level": one.level}
            for one in edition.ancestors(region.code)
        ],
        "round": {"id": item.id, "label": item.label},
        "target": target,
        "target_label": say(f"why.{'target' if target else 'no_target'}", round=item.label),
        **files(edition, region.code),
        "visit": visit,
        "visit_sentence": visit_sentence,
        "units": sorted(known.units.get(region.code, ())),
        "picks": [
            described(one, now, known, actor, undoable=is_own_step(steps.get(one.id), actor))
            for one in mine
        ],
        "holder_sentence": _holders(region, now, actor, known.rules.members_per_village),
        "need": None,
        "problems": problems,
        "observations": [],
        "breaches": [one.as_dict() for one in against],
        "can": _can(actor, against, places_=person is not None and person.member),
        "near": rules.near(region.code, actor.id, now, edition),
    }


def _leaf(edition: Edition, village: str) -> Region:
    region = edition.region(village)
    if region.level != edition.space.leaf.id:
        raise BadRequest(say("edition.not_leaf"), value=village, cure=say("edition.not_leaf_cure"))
    return region


# ---- income --------------------------------------------------------------------------------


def income(edition: Edition, region: Region) -> Json | None:
    """What the village earns over the round; None when no measure is named, or none has values.

    `value` is the latest that was reported, whenever that was: `sentence` says when.
    """
    name, item = edition.space.contact_points.income, edition.space.contact_round
    if name is None or not edition.has(name, item.id):
        return None
    measure = edition.space.measure(name)
    values = edition.values(name, item.id, region.level)
    series = [float(one) for one in values.value[:, region.position]]
    sentences = _income_sentences(measure, item, values.periods, series)
    known = [one for one in series if not math.isnan(one)]
    return {
        "measure": measure.id,
        "label": measure.label,
        "unit": measure.unit,
        "digits": measure.digits,
        "value": plain(known[-1]) if known else None,
        "text": amount(known[-1], measure.digits, measure.unit) if known else say("why.unreported"),
        "sentence": sentences[0],
        "sentences": sentences,
        "points": [
            {"period": period, "label": periods.label(period), "value": plain(value)}
            for period, value in zip(values.periods, series, strict=True)
        ],
        "goal": _goal(edition, measure, item),
    }


def _income_sentences(
    measure: Measure, item: Round, there: Sequence[str], series: Sequence[float]
) -> list[str]:
    """The latest value; the way from the first to it; standstill; silence."""
    both = zip(there, series, strict=True)
    known = [(name, value) for name, value in both if not math.isnan(value)]
    if not known:
        return [say("why.income.none", label=measure.label, round=item.label)]
    (first, start), (last, end) = known[0], known[-1]

    def text(value: float) -> str:
        return with_unit(figure(value, measure.digits, trim=True), measure.unit)

    found = [
        say("why.income.now", label=measure.label, period=periods.label(last), value=text(end))
    ]
    if len(known) == 1:
        found.append(say("why.income.once"))
    else:
        found.append(
            say(
                f"why.income.{_way(start, end)}",
                first=periods.label(first),
                start=text(start),
                last=periods.label(last),
                end=text(end),
                change=text(abs(end - start)),
                share=_share(start, end),
            )
        )
    still = stillness(measure.direction, there, series)
    if still is not None and still.stuck:
        found.append(say("why.income.still", since=periods.label(still.since), months=still.months))
    silent = there[list(there).index(last) + 1 :]
    if silent:
        found.append(say("why.income.silent", since=periods.label(silent[0]), count=len(silent)))
    return found


def _way(start: float, end: float) -> str:
    if end == start:
        return "same"
    return "more" if end > start else "less"


def _share(start: float, end: float) -> str:
    """By how much of the start it changed, in words; of nothing and of debts there is no share."""
    if start <= 0:
        return ""
    share = abs(end - start) / start
    if end > start and share >= 2:
        return say("why.income.times", times=figure(end / start, 1, trim=True))
    return say("why.income.percent", percent=figure(100 * share, 1, trim=True))


def _goal(edition: Edition, measure: Measure, item: Round) -> Json | None:
    """What the income is to reach: the last plan point, else what a share of the round asks for."""
    plan = edition.plan(measure.id, item.id)
    if plan:
        return {"value": plan[-1].value, "label": plan[-1].label or measure.label}
    for other in edition.measures:
        test = other.where
        if (
            test is not None
            and test.indicator == measure.value
            and test.at_least
            and item.id in other.rounds
            and other.direction is not Direction.LESS
        ):
            return {"value": test.at_least, "label": other.label}
    return None


def _income_changes(earned: Json | None) -> list[str]:
    return list(earned["sentences"][1:]) if earned else []


# ---- what is missing -----------------------------------------------------------------------


def missing(edition: Edition, item: Round, region: Region) -> tuple[Json, list[str]]:
    """The round's items that the village lacks; and, newest first, those that it got meanwhile.

    `count` is None while not one item was reported: nobody knows is not none.
    """
    if not item.items:
        return {"count": None, "total": 0, "sentence": "", "items": []}, []
    known = leaf.reports(edition, region.code, *item.items)
    listed = leaf.items(edition, item, region, known)
    lines = [
        {"id": name, "label": edition.space.indicator(name).label, "state": "unknown"}
        for name in item.items
    ]
    if listed is not None:
        lines = [{key: one[key] for key in ("id", "label", "state")} for one in listed["items"]]
    lacks = [one["label"] for one in lines if one["state"] == "lacks"]
    unknown = [one["label"] for one in lines if one["state"] == "unknown"]
    total = len(lines)
    if len(unknown) == total:
        sentence = say("why.missing.unknown", total=total)
    elif lacks:
        sentence = say("why.missing.some", total=total, count=len(lacks), names="、".join(lacks))
    else:
        sentence = say("why.missing.none", total=total - len(unknown))
    if unknown and len(unknown) < total:
        sentence += say("why.missing.and_unknown", count=len(unknown), names="、".join(unknown))
    found = {
        "count": None if len(unknown) == total else len(lacks),
        "total": total,
        "sentence": sentence,
        "items": lines,
    }
    return found, _gained(edition, item, known)


def _gained(edition: Edition, item: Round, known: leaf.Reports) -> list[str]:
    """Items that were lacking in one report of the round and there in the next, newest first."""
    inside = set(item.periods)
    found: list[tuple[int, str]] = []
    for name in item.items:
        # Of one period the last stands: a round's own value after the common one.
        facts = {
            one.period: one
            for one in known.get(name, ())
            if one.period in inside and one.round in (item.id, "")
        }
        for before, after in pairwise(facts.values()):
            if before.value != after.value:
                key = "gained" if after.value == 1 else "lost"
                sentence = say(
                    f"why.missing.{key}",
                    period=periods.label(after.period),
                    name=edition.space.indicator(name).label,
                )
                found.append((periods.parse(after.period).end, sentence))
    return [sentence for _, sentence in sorted(found, key=lambda one: -one[0])]


# ---- the ledger ----------------------------------------------------------------------------

_visit, _problem = tables.visit.c, tables.problem.c
_late = sa.and_(
    _problem.state == "assigned", _problem.deadline != "", _problem.deadline < sa.bindparam("today")
)
# Put together once: that costs more than asking them.
_LAST_VISITS = (
    sa.select(_visit.day, _visit.author, _visit.members)
    .where(_visit.village == sa.bindparam("village"), _visit.withdrawn == sa.false())
    .order_by(_visit.day.desc(), _visit.created_at.desc())
    .limit(10)
)
_PROBLEMS = sa.select(
    sa.func.count().label("open"),
    sa.func.coalesce(sa.func.sum(sa.case((_late, 1), else_=0)), 0).label("overdue"),
).where(_problem.village == sa.bindparam("village"), _problem.state != "struck_off")


def _visits(moment: Moment, code: str) -> list[RowMapping]:
    """The visits of the last day on which anybody was there; the one written last first."""
    found = moment.rows(_LAST_VISITS.params(village=code))
    return [one for one in found if one["day"] == found[0]["day"]]


def _last_visit(visits: Sequence[RowMapping], now: Standing, today: str) -> tuple[Json | None, str]:
    """When it was last visited and by whom: the members who were there, else who wrote it down."""
    if not visits:
        return None, say("why.visit.never")
    day = visits[0]["day"]
    who: dict[str, None] = {}
    for one in visits:
        for name in [*json.loads(one["members"] or "[]")] or [one["author"]]:
            who.setdefault(name)
    by = [now.label(name) for name in who]
    days = days_between(day, today)
    key = "today" if days == 0 else "ago"
    sentence = say(
        f"why.visit.{key}", day=day_words(day), days=days, who=rules.listed(by) if by else ""
    )
    return {"day": day, "days": days, "by": by, "sentence": sentence}, sentence


def _problems(moment: Moment, code: str, today: str) -> Json:
    found = moment.rows(_PROBLEMS.params(village=code, today=today))[0]
    count, overdue = int(found["open"]), int(found["overdue"])
    key = "none" if not count else "overdue" if overdue else "open"
    return {
        "open": count,
        "overdue": overdue,
        "sentence": say(f"why.problems.{key}", count=count, overdue=overdue),
    }


def _holders(region: Region, now: Standing, actor: Actor, most: int) -> str:
    """Whose contact point it is, in words."""
    held = now.by_village.get(region.code, ())
    if not held:
        return say("why.holder.none")
    names = rules.listed(
        [say("pick.you") if one.member == actor.id else now.label(one.member) for one in held]
    )
    key = "room" if len(held) < most else "some"
    return say(f"why.holder.{key}", names=names, left=most - len(held))


def _can(actor: Actor, against: Sequence[Breach], *, places_: bool) -> list[str]:
    """What the reader can do here; picking stays while a reason is all that it needs."""
    can: Mapping[str, bool] = {
        "pick": places_ and actor.may(Right.PICK) and all(one.can_override for one in against),
        "assign": actor.may(Right.DIRECT),
        "visit": actor.may(Right.VISIT),
        "problem": actor.may(Right.VISIT),
    }
    return [name for name, may in can.items() if may]

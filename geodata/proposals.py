"""Proposals: which villages members should take up, an exact assignment by integer programming.

Pure: a `Problem` goes in, a `Solution` comes out, both JSON-able and the same whatever the order of
the input. Solved in stages, each with its gap: the villages are chosen (most need, under the rules,
districts by their share of need), then shared out (no member has much less need than another could
spare), then so that members travel least. Where the second is impossible for the villages of the
first, both are solved as one program. No rule is ever broken: what cannot be is named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from geodata.assignment import (
    Choice,
    Held,
    Lot,
    Member,
    NextBest,
    Obstacle,
    Part,
    Problem,
    Reach,
    Rules,
    Shadow,
    Solution,
    Stage,
    Village,
    Wish,
)
from geodata.choosing import Chosen, choose_villages
from geodata.combining import choose_shareable
from geodata.dealing import FAIR, share_out, shareable
from geodata.desk import Desk, Whole, kilometres
from geodata.progress import SILENT, Progress
from geodata.words import say

__all__ = [
    "FAIR",
    "RULES",
    "Choice",
    "Held",
    "Lot",
    "Member",
    "NextBest",
    "Obstacle",
    "Part",
    "Problem",
    "Reach",
    "Rules",
    "Shadow",
    "Solution",
    "Stage",
    "Village",
    "Wish",
    "next_best",
    "solve",
]

RULES = ("pins", "forbidden", "every_district", "per_district", "own_unit", "travel")
"""What can stand in the way, in the order in which it is tried."""


def solve(problem: Problem, *, progress: Progress = SILENT, shadows: bool = True) -> Solution:
    """The best proposal under the rules.

    Parameters
    ----------
    shadows : whether to say what each rule costs (a quick solve for each).
    """
    desk = Desk(problem)
    with progress.step(say("propose.step.solve"), 4) as advance:
        plan = _settle(desk, advance)
        if plan is None:
            return Solution("infeasible", places=desk.places, obstacles=_obstacles(problem, None))
        done = _told(desk, plan)
        obstacles: tuple[Obstacle, ...] = ()
        if len(done.choices) < desk.places:
            obstacles = _obstacles(problem, len(done.choices))
        costs = _shadows(problem, desk, done) if shadows else ()
        advance(1)
    return replace(done, obstacles=obstacles, shadows=costs)


def next_best(problem: Problem, solution: Solution, village: str, member: str = "") -> NextBest:
    """The best proposal without a village (or without it at one member), and what it costs.

    Found by solving again with the village forbidden; a pin of it is taken out.
    """
    pins = tuple(
        pin
        for pin in problem.pins
        if pin.village != village or (member and pin.member not in ("", member))
    )
    other = solve(
        replace(problem, pins=pins, forbidden=(*problem.forbidden, Wish(village, member))),
        shadows=False,
    )
    before = {choice.village for choice in solution.choices}
    after = {choice.village for choice in other.choices}
    return NextBest(
        village=village,
        member=member,
        solution=other,
        need=solution.need - other.need,
        least=solution.least - other.least,
        km=other.km - solution.km,
        instead=tuple(sorted(after - before)),
        dropped=tuple(sorted(before - after)),
    )


@dataclass(frozen=True)
class _Plan:
    """Everything decided."""

    chosen: Chosen
    owner: tuple[tuple[int, ...], ...]
    """Positions of the villages of each member (of the desk)."""
    stages: tuple[Stage, ...]


def _settle(desk: Desk, advance: Callable[[int], None]) -> _Plan | None:
    """Choose and share out; None when no proposal fulfils the rules."""
    if desk.places == 0 or not desk.villages:
        impossible = desk.pins or (
            desk.rules.every_district and len(desk.open) > desk.rules.reserve
        )
        nothing = Chosen(np.zeros(len(desk.villages), np.int64), 0.0, ())
        return None if impossible else _Plan(nothing, ((),) * len(desk.members), ())
    chosen = choose_villages(desk)
    advance(1)
    if chosen is None:
        return None
    shared = share_out(desk, chosen.times, advance)
    stages = chosen.stages
    if shared is None:
        together = choose_shareable(desk, chosen)
        if together is None:
            return None
        chosen, lots = together
        stages = (*stages, *chosen.stages)
        shared = share_out(desk, chosen.times, advance, lots)
        if shared is None:
            return None
    owner, more = shared
    return _Plan(chosen, owner, (*stages, *more))


# --- what is told ----------------------------------------------------------------------------


def _told(desk: Desk, plan: _Plan) -> Solution:
    """The plan with codes, reasons and sums."""
    low, high = desk.bounds
    chosen = np.zeros(len(desk.codes), np.int64)
    np.add.at(chosen, desk.district, plan.chosen.times)
    order = np.argsort(-desk.need, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    choices, lots = [], []
    for m, member in enumerate(desk.members):
        own = list(plan.owner[m])
        held = [one for one in desk.problem.held if one.member == member.id]
        lon = np.array([*desk.lon[own], *(one.lon for one in held)])
        lat = np.array([*desk.lat[own], *(one.lat for one in held)])
        km = kilometres(lon[:, None], lat[:, None], lon, lat)
        need = float(desk.base[m] + desk.need[own].sum())
        lots.append(
            Lot(
                member.id,
                len(lon),
                need,
                float(km.sum() / 2.0),
                float(km.max(initial=0.0)),
            )
        )
        for n, row in zip(own, km, strict=False):
            choices.append(
                Choice(
                    member.id,
                    desk.villages[n].code,
                    float(desk.need[n]),
                    int(rank[n]),
                    float(row.max()),
                    _reason(desk, n, member.id, plan.chosen.times, chosen, rank),
                )
            )
    names = {code for code, _ in desk.problem.districts} or set(desk.codes)
    return Solution(
        "solved",
        choices=tuple(sorted(choices, key=lambda one: (one.member, one.village))),
        lots=tuple(lots),
        reached=tuple(
            Reach(
                code,
                int(desk.existing[d]),
                int(chosen[d]),
                float(desk.fair[d]),
                int(low[d]),
                int(high[d]),
            )
            for d, code in enumerate(desk.codes)
            if code in names or desk.existing[d] or chosen[d]
        ),
        stages=plan.stages,
        places=desk.places,
        need=float(desk.need @ plan.chosen.times),
        least=min((lot.need for lot in lots), default=0.0),
        km=sum(lot.km for lot in lots),
        off=round(plan.chosen.off, 4),
    )


def _reason(desk: Desk, n: int, member: str, times: Whole, chosen: Whole, rank: Whole) -> str:
    """Why a village is among the chosen."""
    d, code = int(desk.district[n]), desk.villages[n].code
    if any(pin == code and who in ("", member) for pin, who in desk.pins):
        return "pinned"
    if int(rank[n]) <= int(times.sum()):
        return "need"
    if desk.rules.every_district and d in desk.open and int(chosen[d]) == 1:
        return "every_district"
    low, _ = desk.bounds
    if int(chosen[d]) + int(desk.existing[d]) <= int(low[d]):
        return "districts"
    return "rules"


# --- what stands in the way ------------------------------------------------------------------


def _without(problem: Problem, rule: str) -> Problem:
    """The same problem without one rule."""
    rules = problem.rules
    if rule == "pins":
        return replace(problem, pins=())
    if rule == "forbidden":
        return replace(problem, forbidden=())
    if rule == "own_unit":
        return replace(problem, members=tuple(replace(one, barred=()) for one in problem.members))
    if rule == "every_district":
        return replace(problem, rules=replace(rules, every_district=False))
    if rule == "per_district":
        return replace(problem, rules=replace(rules, per_district=0))
    if rule == "travel":
        return replace(problem, rules=replace(rules, travel_km=0.0))
    assert rule == "districts", rule
    return replace(problem, rules=replace(rules, district_tolerance=1e6))


def _filled(problem: Problem) -> int | None:
    """How many places can be filled; None when the rules cannot be fulfilled."""
    desk = Desk(problem)
    if desk.places == 0 or not desk.villages:
        return None if _settle(desk, _forget) is None else 0
    chosen = choose_villages(desk)
    if chosen is not None and not shareable(desk, chosen.times):
        together = choose_shareable(desk, chosen)
        chosen = together[0] if together else None
    return None if chosen is None else int(chosen.times.sum())


def _forget(units: int = 1) -> None:
    """Nobody waits for a step of this."""


def _obstacles(problem: Problem, filled: int | None) -> tuple[Obstacle, ...]:
    """Rules that stand in the way, each found by solving without it.

    Parameters
    ----------
    filled : how many places are filled with all rules; None: there is no solution at all.
    """
    desk = Desk(problem)
    found: list[Obstacle] = []
    for rule in RULES:
        other = _without(problem, rule)
        if other == problem:
            continue
        places = _filled(other)
        if places is not None and (filled is None or places > filled):
            found.append(_obstacle(desk, rule))
    if found:
        return tuple(found)
    if filled is None:
        return (Obstacle("several", say("propose.obstacle.several"), say("propose.cure.several")),)
    words = {"places": desk.places, "filled": filled, "leaf": desk.problem.leaf_label}
    said = say("propose.obstacle.villages", **words)
    return (Obstacle("villages", said, say("propose.cure.villages")),)


def _obstacle(desk: Desk, rule: str) -> Obstacle:
    names = dict(desk.problem.districts)
    places = {
        "pins": "、".join(_name(desk, code) for code, _ in desk.pins[:5]),
        "open": "、".join(names.get(desk.codes[d], desk.codes[d]) for d in desk.open[:10]),
        "count": len(desk.open),
        "level": desk.problem.level_label,
        "leaf": desk.problem.leaf_label,
        "places": desk.places,
        "most": desk.rules.per_district,
        "km": f"{desk.rules.travel_km:g}",
        "forbidden": len(desk.problem.forbidden),
    }
    return Obstacle(
        rule, say(f"propose.obstacle.{rule}", **places), say(f"propose.cure.{rule}", **places)
    )


def _name(desk: Desk, code: str) -> str:
    n = desk.at.get(code)
    return desk.villages[n].name if n is not None else code


def _shadows(problem: Problem, desk: Desk, done: Solution) -> tuple[Shadow, ...]:
    """What each rule of the choice costs; those that cost nothing are not told."""
    found: list[Shadow] = []
    if not done.choices:
        return ()
    for rule in ("pins", "forbidden", "every_district", "districts"):
        other = _without(problem, rule)
        if other == problem:
            continue
        chosen = choose_villages(Desk(other))
        if chosen is None or int(chosen.times.sum()) != len(done.choices):
            continue
        need = float(desk.need @ chosen.times)
        alone = next(stage.objective for stage in done.stages if stage.name == "choose")
        if need - alone > 1e-6:
            found.append(Shadow(rule, need - alone))
    combined = [stage.objective for stage in done.stages if stage.name == "combine"]
    if combined:
        alone = next(stage.objective for stage in done.stages if stage.name == "choose")
        if alone - combined[-1] > 1e-6:
            found.append(Shadow("sharing", alone - combined[-1]))
    return tuple(found)

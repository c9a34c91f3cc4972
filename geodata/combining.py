"""Both stages of a proposal as one program, where the second is impossible for the first."""

from __future__ import annotations

import time

import numpy as np

from geodata.assignment import Stage
from geodata.choosing import CHOOSE, Chosen, Extension, choose_villages, demanded, variables
from geodata.dealing import Lots, groups_of, owners, share_somehow
from geodata.desk import Desk, Whole
from geodata.pricing import Column, Demand, Field, packed, reach
from geodata.programs import LIMIT, OPTIMAL, Effort, Program, gap
from geodata.sharing import Group, bundles, facts, usable

COMBINE = Effort(gap=0.002, seconds=20.0)
"""What this is asked for; it is seldom needed, and may take long."""
_TRIES = (8, 3, 1000)
"""Ways to give bundles away, for `packed`: quick ones first."""
MOST_COMBINED = 10_000
"""Columns of the combined program under a travel limit."""


def choose_shareable(desk: Desk, alone: Chosen) -> tuple[Chosen, Lots | None] | None:
    """Choose only what can be shared out; with a sharing, where one was found on the way."""
    if not desk.rules.travel_km:
        found = choose_villages(desk, COMBINE, _flow(desk), "combine")
        return None if found is None else (found, None)
    every = np.arange(len(desk.villages))
    whole = desk.like(every)
    for like in (desk.like(every, barred=False), whole):
        columns = _columns(desk, like)
        if columns is None:
            priced = _priced(desk, like)
            if priced is not None:
                return priced
            continue
        if len(like) < len(whole) and _columns(desk, whole) is not None:
            continue  # with few enough columns the exact groups come first
        found = choose_villages(desk, COMBINE, _packing(desk, like, columns), "combine")
        if found is None:
            continue
        lots = share_somehow(desk, np.flatnonzero(found.times), found.times)
        if lots is not None:
            return found, lots
    return None


def _priced(desk: Desk, like: list[list[int]]) -> tuple[Chosen, Lots] | None:
    """Choose and share out by what villages and members are worth."""
    begun = time.perf_counter()
    every, count = np.arange(len(desk.villages)), len(desk.villages)
    groups = groups_of(desk, every, like, None, False)
    field = Field(desk.km <= desk.rules.travel_km, desk.need, desk.district)
    # A place is worth more than all need, and a district that is missed less than a place.
    place = 1.0 + float(np.sort(desk.need)[::-1][: desk.places].sum())
    missed = place / 4.0
    demand = _demand(desk, place, missed)
    until = begun + COMBINE.seconds
    best: tuple[float, Lots, Whole, float] | None = None
    bound, columns = np.inf, tuple(_start(desk, groups))
    for at_once in _TRIES:
        found = packed(demand, groups, field, columns, until=until, at_once=at_once)
        bound, columns = min(bound, found.bound), found.columns
        lots = owners(desk, like, found.bundles, every)
        if lots is not None:
            times = np.bincount([n for some in lots for n in some], minlength=count)
            off = _missed(desk, times)
            if off is not None and (best is None or found.value - missed * off > best[0]):
                best = found.value - missed * off, lots, times, off
        if best and bound - best[0] <= COMBINE.gap * float(desk.need @ best[2]):
            break
        if time.perf_counter() > begun + COMBINE.seconds / 5:
            break
    if best is None:
        return None
    _, lots, times, off = best
    filled = int(times.sum())
    need = float(desk.need @ times)
    spent = time.perf_counter() - begun
    stages = []
    if filled < desk.places:
        most = float(max(filled, int(bound / place)))
        stages.append(_stage("places", float(filled), most, 0.0))
    if off:
        stages.append(_stage("districts", off, 0.0, 0.0))
    if off:
        # What districts miss counts for so much that it says little: once more without it.
        demand = _demand(desk, place, 0.0)
        bound, _ = reach(demand, groups, field, columns, enough=-np.inf, until=until)
        missed = 0.0
    top = max(need, bound - place * filled + missed * off)
    stages.append(_stage("combine", need, top, spent))
    return Chosen(times, off, tuple(stages)), lots


def _missed(desk: Desk, times: Whole) -> float | None:
    """By how much a choice misses the districts' numbers; None when it breaks a rule."""
    judged = demanded(desk, (float(times.sum()),) * 2, np.inf, variables(desk))
    judged.upper[: len(times)] = times
    judged.cost[-1] = -1.0
    answer = judged.solve(CHOOSE)
    return None if answer.values is None else round(-answer.objective, 6)


def _stage(name: str, objective: float, bound: float, seconds: float) -> Stage:
    distance = gap(objective, bound)
    status = OPTIMAL if distance <= COMBINE.gap else LIMIT
    return Stage(name, objective, bound, distance, seconds, status)


def _start(desk: Desk, groups: list[Group]) -> list[Column]:
    """Short bundles of needy villages: of each village some."""
    own = np.sort(np.argsort(-desk.need, kind="stable")[: 2 * desk.places])
    found: list[Column] = []
    for size in sorted({group.size for group in groups}):
        listed = bundles(desk.km[np.ix_(own, own)], size, longest=desk.rules.travel_km)
        rows = own[listed.rows]
        known = facts(rows, desk.need, desk.district)
        order = np.argsort(listed.km, kind="stable")
        for g, group in enumerate(groups):
            if group.size != size:
                continue
            fine = np.zeros(len(rows), np.bool_)
            fine[usable(group, rows, *known, desk.district)] = True
            seen = [0] * len(desk.villages)
            for row in rows[order[fine[order]]].tolist():
                if min(seen[v] for v in row) < 8:
                    for v in row:
                        seen[v] += 1
                    found.append((g, tuple(row)))
    return found


def _demand(desk: Desk, place: float, missed: float) -> Demand:
    """What a choice is asked for: places before districts before need."""
    program = demanded(desk, (0.0, float(desk.places)), np.inf, variables(desk))
    count = len(desk.villages)
    rows, low, high = program.demands()
    value = np.zeros(program.count)
    value[:count] = desk.need + place
    value[-1] = -missed
    return Demand(rows, low, high, value, program.upper)


def _flow(desk: Desk) -> Extension:
    """Every member's villages as a flow: without a travel limit, that is all there is to it."""
    pairs = np.full(desk.allowed.shape, -1, np.int64)
    pairs[desk.allowed] = np.arange(int(desk.allowed.sum()))

    def add(program: Program, first: int) -> None:
        for n in range(len(desk.villages)):
            mine = pairs[desk.allowed[:, n], n]
            if len(mine):
                program.row([*(first + mine), n], [*np.ones(len(mine)), -1.0], 0.0, 0.0)
        for m in range(len(desk.members)):
            program.row(first + pairs[m, desk.allowed[m]], 1.0, -np.inf, float(desk.free[m]))
            for n in desk.must[m]:
                program.row([first + pairs[m, n]], 1.0, 1.0)
            for d in range(len(desk.codes)) if desk.rules.per_district else ():
                inside = pairs[m, desk.allowed[m] & (desk.district == d)]
                if len(inside) > desk.caps[m, d]:
                    program.row(first + inside, 1.0, -np.inf, float(desk.caps[m, d]))

    return Extension(int(desk.allowed.sum()), add)


def _columns(desk: Desk, like: list[list[int]]) -> list[Column] | None:
    """All bundles that members may have, by group; None when there are too many."""
    groups = groups_of(desk, np.arange(len(desk.villages)), like, None, False)
    found: list[Column] = []
    for size in range(1, max(group.size for group in groups) + 1):
        listed = bundles(desk.km, size, longest=desk.rules.travel_km, most=MOST_COMBINED)
        if listed.beyond < np.inf:
            return None
        known = facts(listed.rows, desk.need, desk.district)
        for number, group in enumerate(groups):
            if size <= group.size:
                rows = listed.rows[usable(group, listed.rows, *known, desk.district)]
                found += [(number, tuple(row)) for row in rows.tolist()]
        if len(found) > MOST_COMBINED:
            return None
    return sorted(found)


def _packing(desk: Desk, like: list[list[int]], columns: list[Column]) -> Extension:
    """Every member's villages as one bundle."""

    def add(program: Program, first: int) -> None:
        program.upper[first:] = float(max(len(group) for group in like))
        with_village: list[list[int]] = [[] for _ in desk.villages]
        of_group: list[list[int]] = [[] for _ in like]
        for number, (group, villages) in enumerate(columns):
            of_group[group].append(first + number)
            for v in villages:
                with_village[v].append(first + number)
        for n, mine in enumerate(with_village):
            program.row([*mine, n], [*np.ones(len(mine)), -1.0], 0.0, 0.0)
        for group, mine in enumerate(of_group):
            least = 1.0 if desk.must[like[group][0]] else 0.0
            program.row(mine, 1.0, least, float(len(like[group])))

    return Extension(len(columns), add)

"""Both stages of a proposal as one program, where the second is impossible for the first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geodata.choosing import Chosen, Extension, choose_villages
from geodata.dealing import TRAVEL, groups_of, share_shortly
from geodata.desk import Bools, Desk, Floats, Whole
from geodata.programs import Effort, Program, gap
from geodata.sharing import Bundles, bundles, facts, usable

COMBINE = Effort(gap=0.002, seconds=20.0)
"""What this is asked for; it is seldom needed, and may take long."""
MOST_COMBINED = 40_000
"""Columns of the combined program under a travel limit."""


def choose_shareable(desk: Desk, alone: Chosen) -> Chosen | None:
    """Choose only what can be shared out."""
    if not desk.rules.travel_km:
        return choose_villages(desk, COMBINE, _flow(desk), "combine")
    every = np.arange(len(desk.villages))
    whole = desk.like(every)
    for like in (desk.like(every, barred=False), whole):
        if len(like) < len(whole) and _columns(desk, whole)[1]:
            continue  # with few enough columns the exact groups come first
        columns, complete = _columns(desk, like)
        found = choose_villages(desk, COMBINE, _packing(desk, like, columns), "combine")
        if found is None:
            continue
        if not complete:
            found = _measured(found, alone)
        if (
            share_shortly(desk, np.flatnonzero(found.times), found.times, None, None, TRAVEL)
            is not None
        ):
            return found
    return None


def _measured(found: Chosen, alone: Chosen) -> Chosen:
    """With the choice that need not be shared out as the bound: some bundles were left out."""
    top = alone.stages[-1].bound
    stages = [
        replace(stage, bound=max(top, stage.objective), gap=gap(stage.objective, top))
        if stage.name == "combine" and top > stage.objective
        else stage
        for stage in found.stages
    ]
    return replace(found, stages=tuple(stages))


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


def _columns(desk: Desk, like: list[list[int]]) -> tuple[list[tuple[int, tuple[int, ...]]], bool]:
    """Bundles of the combined program by group, and whether they are all that there are."""
    own = np.arange(len(desk.villages))
    groups = groups_of(desk, own, like, None, False)
    lists: dict[int, Bundles] = {
        size: bundles(desk.km, size, longest=desk.rules.travel_km)
        for size in sorted({size for group in groups for size in range(1, group.size + 1)})
    }
    known = {size: facts(one.rows, desk.need, desk.district) for size, one in lists.items()}
    complete = all(one.beyond == np.inf for one in lists.values())
    share_of = max(1, MOST_COMBINED // max(1, sum(group.size for group in groups)))
    found: list[tuple[int, tuple[int, ...]]] = []
    for number, group in enumerate(groups):
        for size in range(1, group.size + 1):
            rows = lists[size].rows
            rows = rows[usable(group, rows, *known[size], desk.district)]
            if len(rows) > share_of:
                complete = False
                rows = rows[_varied(rows, desk.need[rows].sum(axis=1), share_of)]
            found += [(number, tuple(int(v) for v in row)) for row in rows]
    return found, complete


def _varied(rows: Whole, need: Floats, most: int) -> Whole:
    """The bundles of most need, and of every village its best, so that each can be had."""
    order = np.argsort(-need, kind="stable")
    held = rows[order].ravel()
    by_village = np.argsort(held, kind="stable")
    start = np.searchsorted(held[by_village], np.arange(int(held.max()) + 1))
    place = np.empty(len(held), np.int64)
    place[by_village] = np.arange(len(held)) - start[held[by_village]]
    each = max(1, (most // 2) // max(1, len(np.unique(held))))
    keep: Bools = np.logical_or.reduce(place.reshape(rows.shape) < each, axis=1)
    keep[: most // 2] = True
    return np.sort(order[keep])


def _packing(
    desk: Desk, like: list[list[int]], columns: list[tuple[int, tuple[int, ...]]]
) -> Extension:
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

"""The second stage of a proposal: who gets which village, fair first, then with short ways."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from geodata.assignment import Stage
from geodata.choosing import stage_of
from geodata.desk import Bools, Desk, Floats, Whole
from geodata.pricing import Column, Demand, Field, Packed, packed, reach
from geodata.programs import INFEASIBLE, LIMIT, OPTIMAL, Effort, Program, gap
from geodata.sharing import Group, share

FAIR = Effort(gap=0.005, seconds=1.5)
"""What the first step is asked for."""
LIMITED = Effort(gap=FAIR.gap, seconds=3.0)
"""The same where a limit on travel holds: it mostly ends by itself in one."""
TRAVEL = Effort(gap=0.01, seconds=2.5)
"""What the last step is asked for."""
OFFICE = 40
"""Members for whom the seconds of travel are meant; they grow with the square of more."""

Shared = tuple[tuple[tuple[int, ...], ...], tuple[Stage, ...]]


Lots = list[tuple[int, ...]]


def share_out(
    desk: Desk, times: Whole, advance: Callable[[int], None], start: Lots | None = None
) -> Shared | None:
    """Share the chosen villages out: fair first, then with the least travel.

    Parameters
    ----------
    start : a sharing that is known.
    """
    own = np.flatnonzero(times)
    if _limited(desk, own):
        # With a limit it is hard to find any sharing.
        start = start or share_somehow(desk, own, times)
        if start is None:
            return None
    fair = _within_limit(desk, own, times, start) if start else share_fairly(desk, own, times)
    advance(1)
    if fair is None:
        return None
    lots, least, stage = fair
    if len(own) == 0:
        return tuple(lots), (stage,)
    floor = least * (1.0 - desk.rules.fairness_slack)
    short = share_shortly(desk, own, times, floor, lots, TRAVEL)
    advance(1)
    if short is None:
        return tuple(lots), (stage,)
    better, moved = short
    return tuple(better), (stage, moved)


def share_somehow(desk: Desk, own: Whole, times: Whole) -> Lots | None:
    """Any sharing; None when there is none."""
    demand, enough = _all_of(times[own]), float(times.sum()) - 0.5
    until = time.perf_counter() + _seconds(desk, LIMITED)
    groups = _alike(desk, own, times, None)
    found = packed(demand, groups, _field(desk, own), (), enough=enough, until=until)
    if found.bound < enough:
        return None
    lots = _complete(desk, own, demand, found)
    if lots is None:
        short = share_shortly(desk, own, times, None, None, TRAVEL)
        lots = short[0] if short else None
    return lots


def shareable(desk: Desk, times: Whole) -> bool:
    """Whether a sharing of the chosen villages is found."""
    own = np.flatnonzero(times)
    if _limited(desk, own):
        return share_somehow(desk, own, times) is not None
    return share_fairly(desk, own, times) is not None


def _limited(desk: Desk, own: Whole) -> bool:
    """Whether the limit on travel keeps any two villages apart."""
    limit = desk.rules.travel_km
    return bool(limit) and bool((desk.km[np.ix_(own, own)] > limit).any())


def _seconds(desk: Desk, effort: Effort) -> float:
    """What an effort may take; more than an office needs more."""
    return effort.seconds * max(1.0, len(desk.members) / OFFICE) ** 2


def _all_of(times: Whole) -> Demand:
    """Every village as often as it is to be had."""
    wanted = times.astype(float)
    rows = csr_array(np.eye(len(times)))
    return Demand(rows, wanted, wanted, np.ones(len(times)), wanted)


def _field(desk: Desk, own: Whole) -> Field:
    near = desk.km[np.ix_(own, own)] <= (desk.rules.travel_km or np.inf)
    return Field(near, desk.need[own], desk.district[own])


def _alike(desk: Desk, own: Whole, times: Whole, floor: float | None) -> list[Group]:
    full = int(times.sum()) == desk.places
    return groups_of(desk, own, desk.like(own, barred=False), floor, full)


def _complete(desk: Desk, own: Whole, demand: Demand, found: Packed) -> Lots | None:
    """Who gets what, if everything is shared out."""
    if found.value < demand.low.sum() - 0.5:
        return None
    like = desk.like(own, barred=False)
    return owners(desk, like, found.bundles, own)


def _within_limit(
    desk: Desk, own: Whole, times: Whole, start: Lots
) -> tuple[Lots, float, Stage] | None:
    """Give the member with the least need as much as can be, from a sharing that is known.

    Halving: linear programs say which least cannot be had, then what can be is looked for.
    """
    begun = time.perf_counter()
    lots = _evened(desk, start)
    known = _least(desk, lots)
    bound = float((desk.base.sum() + desk.need @ times) / len(desk.members))
    demand, field = _all_of(times[own]), _field(desk, own)
    enough = float(demand.low.sum()) - 0.5
    columns: tuple[Column, ...] = ()

    until = begun + _seconds(desk, LIMITED)

    def goes_on(known: float, top: float) -> bool:
        return (
            gap(known, bound) > FAIR.gap
            and top - known > FAIR.gap / 2 * top
            and (time.perf_counter() < until)
        )

    under = known
    while goes_on(under, bound):
        middle = (under + bound) / 2
        groups = _alike(desk, own, times, middle)
        top, more = reach(demand, groups, field, columns, enough=enough, until=until)
        columns = tuple(sorted({*columns, *more}))
        under, bound = (under, middle) if top < enough else (middle, bound)
    above = bound
    while goes_on(known, above):
        middle = (known + above) / 2 if above < bound else max(known, bound * (1 - FAIR.gap))
        groups = _alike(desk, own, times, middle)
        found = packed(demand, groups, field, columns, enough=enough, until=until)
        columns = tuple(sorted({*columns, *found.columns}))
        better = _complete(desk, own, demand, found)
        if better is None:
            above = middle
        else:
            lots, known = better, max(middle, _least(desk, better))
    known = _least(desk, lots)
    bound = max(bound, known)
    distance = gap(known, bound)
    status = OPTIMAL if distance <= FAIR.gap else LIMIT
    return lots, known, Stage("fair", known, bound, distance, time.perf_counter() - begun, status)


def share_fairly(desk: Desk, own: Whole, times: Whole) -> tuple[Lots, float, Stage] | None:
    """Give the member with the least need as much as can be."""
    members, width = len(desk.members), len(own)
    mean = float((desk.base.sum() + desk.need @ times) / members)
    begun = time.perf_counter()
    start = even = _even(desk, times)
    if even is not None:
        known = _least(desk, even)
        if gap(known, mean) <= FAIR.gap:
            spent = time.perf_counter() - begun
            return even, known, Stage("fair", known, mean, gap(known, mean), spent, OPTIMAL)
    allowed = desk.allowed[:, own]
    pairs = np.full((members, width), -1, np.int64)
    pairs[allowed] = np.arange(int(allowed.sum()))
    count = int(allowed.sum())
    program = Program(count + 1)
    program.whole[count] = False
    need = desk.need[own]
    program.upper[count] = float(desk.base.max(initial=0.0) + need.sum() + 1.0)
    program.cost[count] = 1.0
    for v in range(width):
        wanted = float(times[own[v]])
        program.row(pairs[allowed[:, v], v], 1.0, wanted, wanted)
    full = int(times.sum()) == desk.places
    far = desk.km[np.ix_(own, own)] > desk.rules.travel_km if desk.rules.travel_km else None
    district = desk.district[own]
    for m in range(members):
        mine = pairs[m, allowed[m]]
        places = float(desk.free[m])
        program.row(mine, 1.0, places if full else 0.0, places)
        program.row([*mine, count], [*need[allowed[m]], -1.0], -float(desk.base[m]))
        for n in desk.must[m]:
            program.row([pairs[m, int(np.searchsorted(own, n))]], 1.0, 1.0)
        for d in np.unique(district[allowed[m]]) if desk.rules.per_district else ():
            inside = pairs[m, allowed[m] & (district == d)]
            if len(inside) > desk.caps[m, d]:
                program.row(inside, 1.0, -np.inf, float(desk.caps[m, d]))
        if far is not None:
            for one in np.flatnonzero(allowed[m] & far.any(axis=1)):
                others = pairs[m, allowed[m] & far[one]]
                if len(others):
                    program.row(
                        [*others, pairs[m, one]], [*np.ones(len(others)), places], -np.inf, places
                    )
    known = _least(desk, start) if start is not None else 0.0
    if start is not None:
        program.row([count], 1.0, known)
    answer = program.solve(FAIR)
    if answer.values is not None:
        taken = answer.values[:count] > 0.5
        lots = [tuple(int(n) for n in own[allowed[m] & taken[pairs[m]]]) for m in range(members)]
        lots = _evened(desk, lots)
        least = _least(desk, lots)
        top = max(least, min(mean, answer.bound))
        done = replace(answer, objective=least, bound=top)
        return lots, least, stage_of("fair", done)
    if start is None:
        return None
    top = max(known, min(mean, answer.bound))
    return start, known, Stage("fair", known, top, gap(known, top), answer.seconds, LIMIT)


def _even(desk: Desk, times: Whole) -> list[tuple[int, ...]] | None:
    """A fair sharing found by hand: the neediest village to whom has least, then exchanges.

    None where that leads into a corner; then the integer program has to find one. Where it comes
    as near to the mean as was asked for, no program could do better.
    """
    if desk.rules.travel_km or any(desk.must):
        return None
    total, free = desk.base.copy(), desk.free.copy()
    lots: list[list[int]] = [[] for _ in desk.members]
    caps = desk.caps.copy()
    # Large districts first: where a member may have few of one, they are the hardest to place.
    size = np.bincount(desk.district, weights=times, minlength=len(desk.codes))
    order_of = sorted(
        np.flatnonzero(times).tolist(),
        key=lambda n: (-size[desk.district[n]], desk.district[n], -desk.need[n], n),
    )
    for n in order_of:
        d = desk.district[n]
        can = np.flatnonzero(desk.allowed[:, n] & (free > 0) & (caps[:, d] > 0))
        if len(can) < times[n]:
            return None
        # Who has many places left comes first: each is to end with all of them filled.
        order = can[np.lexsort((can, total[can], -free[can]))]
        for m in order[: times[n]]:
            lots[m].append(int(n))
            total[m] += desk.need[n]
            free[m] -= 1
            caps[m, d] -= 1
    return _evened(desk, lots)


def _evened(desk: Desk, given: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """A sharing after exchanges that help the member with the least need, as far as they go."""
    lots = [list(villages) for villages in given]
    total, caps = desk.base.copy(), desk.caps.copy()
    for m, villages in enumerate(lots):
        for n in villages:
            total[m] += desk.need[n]
            caps[m, desk.district[n]] -= 1
    for _ in range(40 * len(lots)):
        if not _exchange(desk, lots, total, caps):
            break
    return [tuple(sorted(villages)) for villages in lots]


def _exchange(desk: Desk, lots: list[list[int]], total: Floats, caps: Whole) -> bool:
    """One exchange of villages that helps the member with the least need; False: there is none."""
    poor = int(np.argmin(total))
    rows = [
        (m, n)
        for m, villages in enumerate(lots)
        if m != poor
        for n in villages
        if n not in desk.must[m]
    ]
    if not rows or not lots[poor]:
        return False
    other = np.array([m for m, _ in rows])
    theirs = np.array([n for _, n in rows])
    best, found = float(total[poor]) + 1e-9, None
    for mine in (n for n in lots[poor] if n not in desk.must[poor]):
        gain = desk.need[theirs] - desk.need[mine]
        after = np.minimum(total[poor] + gain, total[other] - gain)
        same = desk.district[theirs] == desk.district[mine]
        fine = desk.allowed[poor, theirs] & desk.allowed[other, mine]
        fine &= same | (
            (caps[poor, desk.district[theirs]] > 0) & (caps[other, desk.district[mine]] > 0)
        )
        if (times_shared := np.isin(theirs, lots[poor])).any():
            fine &= ~times_shared
        fine &= np.array([mine not in lots[m] for m in other])
        if desk.rules.travel_km:
            far = desk.km > desk.rules.travel_km
            rest = np.array([n for n in lots[poor] if n != mine], np.int64)
            fine &= ~far[np.ix_(theirs, rest)].any(axis=1)
            fine &= np.array([not far[mine, [v for v in lots[m] if v != n]].any() for m, n in rows])
        if fine.any():
            n = int(np.argmax(np.where(fine, after, -np.inf)))
            if after[n] > best:
                best, found = float(after[n]), (mine, int(other[n]), int(theirs[n]))
    if found is None:
        return False
    mine, m, theirs_one = found
    for who, out, come in ((poor, mine, theirs_one), (m, theirs_one, mine)):
        lots[who][lots[who].index(out)] = come
        total[who] += desk.need[come] - desk.need[out]
        caps[who, desk.district[out]] += 1
        caps[who, desk.district[come]] -= 1
    return True


def _least(desk: Desk, lots: Sequence[tuple[int, ...]]) -> float:
    """The smallest need that a member has."""
    return min(
        float(desk.base[m] + desk.need[list(villages)].sum()) for m, villages in enumerate(lots)
    )


def groups_of(
    desk: Desk, own: Whole, like: list[list[int]], floor: float | None, full: bool
) -> list[Group]:
    """Members who are alike, as `sharing` wants them; positions are those within `own`."""
    found = []
    for members in like:
        m = members[0]
        least = -np.inf if floor is None else floor - float(desk.base[m])
        allowed: Bools = np.logical_or.reduce(desk.allowed[members][:, own], axis=0)
        must = tuple(int(np.searchsorted(own, n)) for n in desk.must[m])
        found.append(
            Group(
                count=len(members),
                size=int(min(desk.free[m], len(own))),
                fewer=not full,
                none=not full and least <= 0 and not must,
                extra=desk.extra[m][own],
                allowed=allowed,
                must=must,
                least=least,
                room=desk.caps[m] if desk.rules.per_district else None,
            )
        )
    return found


def share_shortly(
    desk: Desk,
    own: Whole,
    times: Whole,
    floor: float | None,
    start: list[tuple[int, ...]] | None,
    effort: Effort,
) -> tuple[list[tuple[int, ...]], Stage] | None:
    """Share out with the least travel, no member's need under a floor."""
    full = int(times.sum()) == desk.places
    if full and int(desk.free.max()) > len(own):
        return None
    effort = replace(effort, seconds=_seconds(desk, effort))
    place = {int(n): v for v, n in enumerate(own)}
    exact = desk.like(own)
    alike = desk.like(own, barred=False)
    # Members differ mostly in the few villages that their units support: at first as if they did
    # not, which is quick and the bound holds; seldom nobody is left whom a bundle suits.
    for like in (alike, exact) if len(alike) < len(exact) else (exact,):
        known = []
        if start is not None:
            known = [
                (g, tuple(place[n] for n in sorted(start[m])))
                for g, members in enumerate(like)
                for m in members
            ]
        found = share(
            desk.km[np.ix_(own, own)],
            desk.need[own],
            desk.district[own],
            times[own],
            groups_of(desk, own, like, floor, full),
            known,
            effort,
            longest=desk.rules.travel_km or np.inf,
        )
        if found.status == INFEASIBLE:
            return None
        lots = owners(desk, like, found.bundles, own) if found.bundles or known else None
        if lots is not None:
            distance = gap(found.km, found.bound)
            return lots, Stage(
                "travel", found.km, found.bound, distance, found.seconds, found.status
            )
    return None


def owners(
    desk: Desk, like: list[list[int]], bundles: Sequence[Column], own: Whole
) -> list[tuple[int, ...]] | None:
    """Within each group bundles go to members who may have them; None when that is impossible.

    Of several ways the one that keeps code order and id order together most.
    """
    lots: list[tuple[int, ...]] = [()] * len(desk.members)
    for number, group in enumerate(like):
        mine = sorted(villages for g, villages in bundles if g == number and villages)
        if not mine:
            continue
        barred = np.array(
            [[not desk.allowed[m, own[list(bundle)]].all() for m in group] for bundle in mine]
        )
        apart = np.abs(np.arange(len(mine))[:, None] - np.arange(len(group)))
        rows, columns = linear_sum_assignment(barred * 1e6 + apart)
        if barred[rows, columns].any():
            return None
        for row, column in zip(rows, columns, strict=True):
            lots[group[column]] = tuple(int(own[v]) for v in mine[row])
    return lots

"""The first stage of a proposal: which villages, with the most need, districts by their share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from geodata.assignment import Stage
from geodata.desk import Desk, Floats, Whole
from geodata.programs import LIMIT, OPTIMAL, Answer, Effort, Program

CHOOSE = Effort(gap=0.0, seconds=2.0, presolve=False)
"""What this stage is asked for: exact."""


@dataclass(frozen=True)
class Extension:
    """Variables and rows that tie the choice to what can be shared out."""

    count: int
    add: Callable[[Program, int], None]
    """Given the program and the first of its variables."""


@dataclass(frozen=True)
class Chosen:
    """How often each village is chosen."""

    times: Whole
    off: float
    stages: tuple[Stage, ...]
    rest: Floats | None = None
    """Variables of the extension."""


def choose_villages(
    desk: Desk, effort: Effort = CHOOSE, extension: Extension | None = None, name: str = "choose"
) -> Chosen | None:
    """Most need for all places, districts near their fair numbers; None when it cannot be.

    In this order: fill as many places as can be, miss the districts' fair numbers as little as
    can be, then need.
    """
    if desk.lost_pins or (desk.least > desk.most).any():
        return None
    stages: list[Stage] = []
    count = len(desk.villages)
    off = variables(desk) - 1
    first = off + 1
    total = first + (extension.count if extension else 0)

    def program(places: tuple[float, float], most_off: float) -> Program:
        made = demanded(desk, places, most_off, total)
        if extension:
            made.upper[first:] = 1.0
            extension.add(made, first)
        return made

    def solved(kind: str, made: Program, sign: float = 1.0) -> Floats | None:
        answer = made.solve(effort)
        if answer.values is not None:
            stages.append(stage_of(kind, answer, sign))
        return answer.values

    def most_need(places: float, most_off: float) -> Program:
        made = program((places, places), most_off)
        made.cost[:count] = desk.need
        return made

    most_off = 0.0
    values = solved(name, most_need(desk.places, most_off))
    if values is None:
        widest = program((0.0, float(desk.places)), np.inf)
        widest.cost[:count] = 1.0
        values = solved("places", widest)
        if values is None:
            return None
        filled = float(values[:count].sum())
        nearest = program((filled, filled), np.inf)
        nearest.cost[off] = -1.0
        values = solved("districts", nearest, -1.0)
        most_off = float(np.round(values[off])) if values is not None else np.inf
        values = solved(name, most_need(filled, most_off))
        if values is None:
            return None
    times = np.round(values[:count]).astype(np.int64)
    if extension is None:
        times = _canonical(desk, times)
    return Chosen(times, most_off, tuple(stages), values[first:])


def variables(desk: Desk) -> int:
    """How many variables the choice has.

    Villages; then for each district whether it stays open, what it lacks, what it has too much; at
    last by how much all districts together miss what is near enough.
    """
    return len(desk.villages) + 3 * len(desk.codes) + 1


def demanded(desk: Desk, places: tuple[float, float], most_off: float, total: int) -> Program:
    """The rules of the choice, with nothing to be wished for yet.

    Parameters
    ----------
    places : fewest and most villages.
    most_off : by how much districts may miss their numbers.
    total : how many variables there are, those of the choice first.
    """
    count, first = len(desk.villages), variables(desk)
    villages = np.arange(count)
    made = Program(total)
    made.upper[:count] = desk.most
    made.upper[count:first] = _most_missed(desk)
    made.upper[first - 1] = min(most_off, _most_missed(desk))
    made.row(villages, 1.0, *places)
    for n in np.flatnonzero(desk.least):
        made.row([n], 1.0, float(desk.least[n]))
    _district_rows(desk, made, villages)
    return made


def _most_missed(desk: Desk) -> float:
    """No district, nor all together, can miss more contact points than that."""
    low, _ = desk.bounds
    return float(desk.places + desk.existing.sum() + low.sum() + 1)


def _district_rows(desk: Desk, made: Program, villages: Whole) -> None:
    """Every district reached, and near its fair number; variables as `variables` says."""
    low, high = desk.bounds
    count, width = len(desk.villages), len(desk.codes)
    off = count + 3 * width
    if desk.rules.every_district and len(desk.open):
        for open_one in desk.open:
            reaching = villages[desk.district == open_one]
            made.row([*reaching, count + int(open_one)], 1.0, 1.0)
        made.row(count + desk.open, 1.0, -np.inf, float(desk.rules.reserve))
    for d in range(width):
        own = villages[desk.district == d]
        held = int(desk.existing[d])
        if low[d] > held:
            made.row([*own, count + width + d], 1.0, float(low[d] - held))
        if len(own):
            values = [*np.ones(len(own)), -1.0]
            made.row([*own, count + 2 * width + d], values, -np.inf, max(0.0, high[d] - held))
            if desk.rules.per_district:
                fits = np.minimum(desk.free, desk.caps[:, d]).sum()
                made.row(own, 1.0, -np.inf, float(fits))
    # What lacks can still come from the places of others; what is too much cannot go.
    lacks, much = np.arange(count + width, count + 2 * width), np.arange(off - width, off)
    made.row([*much, off], [*np.ones(width), -1.0], -np.inf, 0.0)
    both = [*np.ones(2 * width), -1.0]
    made.row([*lacks, *much, off], both, -np.inf, float(desk.rules.reserve))


def _canonical(desk: Desk, times: Whole) -> Whole:
    """Of villages between which nothing decides, those with the smallest codes."""
    alike: dict[object, list[int]] = {}
    for n in range(len(times)):
        key = (
            int(desk.district[n]), round(float(desk.need[n]), 9), int(desk.most[n]),
            int(desk.least[n]), desk.allowed[:, n].tobytes(),
        )  # fmt: skip
        alike.setdefault(key, []).append(n)
    found = times.copy()
    for group in alike.values():
        if len(group) > 1:
            found[group] = sorted(times[group].tolist(), reverse=True)
    return found


def stage_of(name: str, answer: Answer, sign: float = 1.0) -> Stage:
    """What a program's answer says about a stage; `sign` -1 for what was minimised."""
    return Stage(
        name,
        sign * answer.objective,
        sign * answer.bound,
        answer.gap,
        answer.seconds,
        OPTIMAL if answer.status == OPTIMAL else LIMIT,
    )

"""Which cells to hide so that the least is lost: a mixed-integer program, cut by an attacker.

The master program knows of each group whether it is hidden. Within one tree of sums it is exact: a
published sum over hidden ones must leave at least two of them, and enough between them. What else
follows from linked trees (months that share a weight, values that are published by another
measure, series that never fall) comes from the attacker: as long as it can tell too much, its
proof becomes a demand on the next solution (M. Fischetti, J. J. Salazar-González, "Models and
algorithms for optimizing cell suppression in tabular data with linear constraints", JASA 95,
2000).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from geodata.programs import LIMIT, OPTIMAL, Effort, Program
from geodata.publish.disclosure import result
from geodata.publish.disclosure.attack import Attacker, Component, Cut, need
from geodata.publish.disclosure.result import Pattern, Solved
from geodata.publish.disclosure.sums import Sums, find
from geodata.publish.disclosure.tables import Bools, Ints, Tables

_SMALL = 400
"""Programs with fewer groups are solved without presolve (see `programs.Effort`)."""
_MANY = 2000
"""Forms up to which products are in the program from the start."""
_GAP = 1e-6
_LARGE, _WIDE_GAP = 2000, 1e-2
"""Groups from which on a program need not be solved closer than that; the gap is told."""
WORK = 5e8
"""Entries of programs times nodes of their search trees: a few minutes of one core."""
GUARD = 3600.0
"""Seconds after which even a slow machine gives up."""
_LEAST = 0.05
"""Part of the work under which no other program is begun."""
_TESTS = 10
"""What an entry of the attacker's programs costs, in entries of a node."""
_NODES = 1_000_000
"""More than any work is enough for."""
_PATCHES, _WIDENED = 60, 60
"""Rounds of patching, then of widening; after these all is hidden that can be."""


class Overtime(Exception):
    """The pattern was not found in time; another one would depend on the machine."""

    def __init__(self, measures: tuple[str, ...]) -> None:
        super().__init__(", ".join(measures))
        self.measures = measures
        """Ids of those that were being protected."""


@dataclass
class Clock:
    """The last guard: never decides what comes out, only that nothing does."""

    end: float
    measures: tuple[str, ...] = field(default=())

    @property
    def left(self) -> float:
        """Seconds."""
        return self.end - time.perf_counter()

    def check(self) -> None:
        """Pass while there is time; raises `Overtime`."""
        if self.left <= 0:
            raise Overtime(self.measures)


def suppress(tables: Tables, *, work: float = WORK, seconds: float = GUARD) -> Pattern:
    """The pattern that loses the least and gives nothing away.

    What is lost with a cell is the number of leaves of its region, so that upper levels go last.
    The same tables give the same pattern on every machine, however quick it is. What readers have
    from earlier publications stays in sight of the attacker, so that a pattern that was published
    is kept as long as its figures are the same.

    Parameters
    ----------
    work : for all components together. One whose work is done keeps the best safe pattern found,
        or hides whole groups of siblings; `Pattern.components` says so, with the gap.
    seconds : a last guard.

    Raises
    ------
    Overtime : when the guard is reached.
    """
    sums = find(tables)
    hidden = np.zeros(sums.count, np.bool_)
    solved: list[Solved] = []
    clock = Clock(time.perf_counter() + seconds)
    told = 0
    parts = list(components(sums))
    for left, component in zip(range(len(parts), 0, -1), parts, strict=True):
        # What earlier ones did not use is shared by those to come.
        share = min(work, 10.0 * work / left)
        clock.measures = _measures(component)
        own, how, spent, forgiven = solve(component, share, clock)
        work = max(work - spent, 0.0)
        hidden[component.groups] = own
        solved.append(how)
        told += forgiven
    return _pattern(sums, hidden, tuple(solved), told)


def _measures(component: Component) -> tuple[str, ...]:
    sums = component.sums
    sheets = np.unique(sums.origin[component.groups, 0]).tolist()
    return tuple(dict.fromkeys(sums.tables.sheets[sheet].measure for sheet in sheets))


def components(sums: Sums) -> Iterator[Component]:
    """The components in which something is small."""
    wanted = np.unique(sums.component[sums.sensitive()])
    owner = sums.component[sums.group]
    parent = owner[sums.sums[:, 0]] if len(sums.sums) else np.zeros(0, np.int64)
    rising = sums.tables.rising
    of_variable = _of_variables(sums)
    for number in wanted.tolist():
        below: dict[int, list[list[int]]] = {}
        previous = (-1, -1)
        for form, level, child in sums.sums[parent == number].tolist():
            if (form, level) != previous:
                below.setdefault(form, []).append([])
                previous = (form, level)
            below[form][-1].append(child)
        yield Component(
            sums,
            np.flatnonzero(sums.component == number),
            np.flatnonzero(owner == number),
            below,
            rising[of_variable[rising[:, 0]] == number],
        )


def _of_variables(sums: Sums) -> Ints:
    """[V]: the component of each variable; -1 for those of products."""
    tables = sums.tables
    found = np.full(len(tables.truth), -1, np.int64)
    for (index, level), grid in sums.of.items():
        variable = tables.sheets[index].base.variable
        known = variable >= 0
        found[variable[known]] = sums.component[grid[:, tables.above(level)][known]]
    return found


def solve(component: Component, work: float, clock: Clock) -> tuple[Bools, Solved, float, int]:
    """The best pattern of a component ([groups], hidden), how good it is, what it cost, and how
    many hidden numbers readers can tell whatever is hidden now.
    """
    start = time.perf_counter()
    sums, groups = component.sums, component.groups
    loss = sums.loss[groups]
    known = _wholly_known(component)
    # What is not published needs no decision, and hides others like what is kept back.
    fixed = (sums.sensitive()[groups] | sums.gone[groups]) & ~known
    attacker = Attacker(component)
    forgiven: dict[int, float] = {}
    if sums.known[component.forms].any():
        forgiven = attacker.exposed(np.ones(len(groups), np.bool_))
        attacker.forgive(forgiven)
    master = Master(component, fixed, known, attacker)
    bound, status = float(loss[fixed].sum()), result.OPTIMAL
    hidden: Bools | None = None
    begun: Bools | None = None
    while True:
        clock.check()
        left = work - master.work - _TESTS * attacker.work
        answer = master.solve(left / 2, clock) if left > _LEAST * work else None
        if answer is None:
            break
        found, lower, exact = answer
        if found is None:
            break
        bound = max(bound, lower)
        cuts = attacker.cuts(found)
        if not cuts:
            hidden = found
            status = result.OPTIMAL if exact else result.WITHIN
            break
        if begun is None or loss[found].sum() < loss[begun].sum():
            # A program that was cut short may answer anything safe enough for what it knew.
            begun = found
        master.demand(cuts)
    if hidden is None:
        hidden, status = (
            patch(component, attacker, fixed if begun is None else begun, clock),
            result.FALLBACK,
        )
    lost = float(loss[hidden].sum())
    if status == result.OPTIMAL:
        bound = lost
    how = Solved(
        int(sums.cells[groups].sum()),
        int(sums.cells[groups[hidden]].sum()),
        lost,
        min(bound, lost),
        status,
        time.perf_counter() - start,
    )
    return hidden, how, master.work + _TESTS * attacker.work, len(forgiven)


def _wholly_known(component: Component) -> Bools:
    """[groups]: those of which readers have all that there is; hiding them hides nothing."""
    sums, place = component.sums, component.local()
    found = np.ones(len(component.groups), np.bool_)
    found[[place[int(form)] for form in component.forms if not sums.known[form]]] = False
    return found


def patch(component: Component, attacker: Attacker, begun: Bools, clock: Clock) -> Bools:
    """A safe pattern from one that is nearly safe: what the attacker asks for, the cheapest first.

    What does not come to an end so is hidden by whole groups of siblings.
    """
    loss = component.sums.loss[component.groups]
    known = _wholly_known(component)
    hidden = begun.copy()
    for _ in range(_PATCHES):
        clock.check()
        cuts = attacker.cuts(hidden)
        if not cuts:
            return hidden
        for cut in cuts:
            order = np.argsort(loss[cut.groups] / np.maximum(cut.share, 1e-12), kind="stable")
            for place in order.tolist():
                if cut.amount(hidden) >= 1.0:
                    break
                hidden[cut.groups[place]] = not known[cut.groups[place]]
    return widen(component, attacker, hidden, clock)


def widen(component: Component, attacker: Attacker, small: Bools, clock: Clock) -> Bools:
    """A safe pattern without a program: whole groups of siblings, then what is above them, at last
    everything: then nothing bounds anything but what readers have already.
    """
    place = component.local()
    known = _wholly_known(component)
    hidden = small.copy()
    for _ in range(_WIDENED):
        clock.check()
        cuts = attacker.cuts(hidden)
        if not cuts:
            return hidden
        told = {cut.of for cut in cuts}
        before = int(hidden.sum())
        for form, sets in component.below.items():
            for children in sets:
                own = [place[child] for child in children]
                if told & {*own, place[form]}:
                    # Siblings first; when they are hidden and it does not do, their parent.
                    done = bool(hidden[own].all())
                    hidden[own] = True
                    hidden[place[form]] |= done
        hidden &= ~known
        if int(hidden.sum()) == before:
            for cut in cuts:
                hidden[cut.groups] = True
            hidden &= ~known
        if int(hidden.sum()) == before:
            break
    return ~known


class Master:
    """The program of a component: what is known of it so far."""

    def __init__(
        self, component: Component, fixed: Bools, known: Bools, attacker: Attacker
    ) -> None:
        sums = component.sums
        self.work = 0.0
        """Entries times nodes so far."""
        self._groups = len(component.groups)
        place = component.local()
        within = len(component.forms) <= _MANY
        held = [form for form in place if within or form < sums.count]
        sets = [
            (form, children)
            for form, all_sets in component.below.items()
            for children in all_sets
            # Products of many months would make the program large; then the attacker asks for
            # what they lack, which is rarely anything.
            if within or form < sums.count
        ]
        spare = {form: self._groups + n for n, form in enumerate(held)}
        turned = {n: self._groups + len(spare) + n for n in range(len(sets))}
        self._program = program = Program(self._groups + len(spare) + len(turned))
        loss = sums.loss[component.groups]
        # Among equal losses the first groups go: the same tables give the same pattern.
        tie = np.arange(self._groups) / max(1, self._groups) ** 2
        program.cost[: self._groups] = -(loss + 1e-3 * tie)
        program.whole[self._groups :] = False
        for group in np.flatnonzero(fixed).tolist():
            program.row([group], 1.0, low=1.0)
        program.upper[: self._groups][known] = 0.0
        demanded = attacker.guarded
        parents = set(component.below)
        least = {form: need(float(sums.width[form])) * (1 + 1e-6) for form in place}
        # What can be taken from a hidden sum is told in units of the most that is ever needed.
        unit = [
            max((one for form, one in least.items() if (form < sums.count) == base), default=1.0)
            for base in (False, True)
        ]
        for form in held:
            group = place[form]
            limit = 1.0
            if form not in parents:
                names, factor = sums.variables(form)
                signed = bool(sums.tables.signed[names].any()) or bool((factor < 0).any())
                own_unit = unit[form < sums.count]
                limit = 1.0 if signed else min(1.0, float(sums.value[form]) / own_unit)
            program.row([spare[form], group], [1.0, -limit], high=0.0)
        for number, (form, children) in enumerate(sets):
            group = place[form]
            own = [place[child] for child in children]
            inner = [spare[child] for child in children]
            program.row([spare[form], *inner], [1.0, *[-1.0] * len(inner)], high=0.0)
            asked = [child for child in children if child in demanded]
            part = min((least[child] for child in asked), default=0.0) / unit[form < sums.count]
            for one in (place[child] for child in asked):
                # Something hidden under something published.
                program.row([turned[number], one, group], [1.0, -1.0, 1.0], low=0.0)
            program.row([*inner, turned[number]], [*[1.0] * len(inner), -part], low=0.0)
            if form < sums.count:
                program.row([*own, turned[number]], [*[1.0] * len(own), -2.0], low=0.0)
                if form in demanded:
                    program.row([*own, group], [*[1.0] * len(own), -1.0], low=0.0)

    def demand(self, cuts: list[Cut]) -> None:
        """More that must hold."""
        for cut in cuts:
            self._program.row([*cut.groups, cut.of], [*cut.share, -1.0], low=0.0)

    def solve(self, work: float, clock: Clock) -> tuple[Bools | None, float, bool]:
        """Hidden groups (None without a solution), a bound of the loss, whether it is exact.

        Raises
        ------
        Overtime : when time was up before the work was done.
        """
        gap = _GAP if self._groups <= _LARGE else _WIDE_GAP
        size = max(self._program.size, 1)
        nodes = min(int(work / size), _NODES)
        if nodes < 1:
            return None, 0.0, False
        clock.check()
        effort = Effort(gap, clock.left, presolve=self._groups > _SMALL, nodes=nodes)
        answer = self._program.solve(effort)
        self.work += size * (1.0 + answer.nodes)
        if answer.status == LIMIT and answer.nodes < nodes:
            raise Overtime(clock.measures)
        if answer.values is None or answer.status not in (OPTIMAL, LIMIT):
            return None, 0.0, False
        bound = -answer.bound - 1e-3
        return answer.values[: self._groups] > 0.5, bound, answer.status == OPTIMAL and gap == _GAP


def _pattern(sums: Sums, hidden: Bools, solved: tuple[Solved, ...], told: int) -> Pattern:
    small = sums.sensitive()
    cells, primary, suppressed = {}, {}, {}
    for (index, level), grid in sums.of.items():
        sheet = sums.tables.sheets[index]
        key = (sheet.measure, sheet.round, level)
        if key in sums.tables.before.gone:
            continue
        there = grid >= 0
        cells[key] = there
        primary[key] = there & small[grid]
        # What is small is kept back even where readers have it: it is not said again.
        suppressed[key] = there & (hidden | small)[grid]
    return Pattern(cells, primary, suppressed, solved, told)

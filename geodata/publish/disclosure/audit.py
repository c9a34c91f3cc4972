"""The attacker that has the last word: what can be said of every hidden number, from arrays alone.

It knows nothing of how the pattern was found. Each leaf's number is put under the lowest published
region around it; what that region publishes, less what is published inside, is the sum of the
leaves so put. Together with what is known of the numbers (none is below zero, series that never
fall) that is everything that was published. Equations that share no number bound it apart from
each other: alone, by hand; together, by a linear program.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from geodata.nesting import Gather
from geodata.publish.disclosure.blocks import System, largest
from geodata.publish.disclosure.result import Exposed, Intervals, Pattern
from geodata.publish.disclosure.tables import Bools, Floats, Ints, Part, Sheet, Tables

_SLACK = 1e-7
_FAR = 1e6
_SAME = 1e-3
"""Of two widths: what solvers may make different of the same."""


def audit(tables: Tables, pattern: Pattern) -> Intervals:
    """What an attacker who does all the arithmetic can say of every hidden number.

    Where readers have something already, what they can tell from that alone is not held against
    the pattern: the same attacker is sent against a publication that shows nothing.
    """
    start = time.perf_counter()
    found = _Auditor(tables, pattern).run(start)
    if not found.exposed or not any(known.any() for known in tables.before.known.values()):
        return found
    told = _Auditor(tables, replace(pattern, suppressed=pattern.cells)).run(start)
    old = {one.place: one.high - one.low for one in told.exposed}
    return replace(
        found,
        exposed=tuple(
            one
            for one in found.exposed
            # Nor may it be told any closer. What is not a number proves nothing.
            if not one.high - one.low >= old.get(one.place, np.inf) * (1 - _SAME) - _SAME
        ),
        seconds=time.perf_counter() - start,
    )


@dataclass(frozen=True)
class _Seen:
    """One part of a sheet under a pattern."""

    sheet: Sheet
    part: Part
    under: Ints
    """[P, N]: how many published levels lie below the lowest published region around a leaf,
    counted from the root level of the sheet; -1: none is published around it."""


class _Auditor:
    def __init__(self, tables: Tables, pattern: Pattern) -> None:
        self._tables, self._pattern = tables, pattern
        self._seen = [
            _Seen(sheet, part, self._under(sheet))
            for sheet in tables.sheets
            for part in sheet.parts
        ]
        count = len(tables.truth)
        matrix = self._equations()
        self._known = np.zeros(count, np.bool_)
        while True:
            # An equation with one number in it tells that number.
            alone = np.flatnonzero(np.diff(matrix.indptr) == 1)
            told = np.unique(matrix.indices[matrix.indptr[alone]])
            if not len(told):
                break
            self._known[told] = True
            matrix = matrix @ _only(~self._known)
            matrix.eliminate_zeros()
            matrix = matrix[np.diff(matrix.indptr) > 0]
        self._matrix = _distinct(matrix)
        self._blocks()

    def _under(self, sheet: Sheet) -> Ints:
        known = sheet.known
        found = np.full(known.shape, -1, np.int64)
        for number, level in enumerate(sheet.levels):
            key = (sheet.measure, sheet.round, level)
            shown = self._tables.before.knows(key, self._tables.shape(sheet, level))
            if key in self._pattern.cells:
                shown = shown | (self._pattern.cells[key] & ~self._pattern.suppressed[key])
            found = np.where(shown[:, self._tables.above(level)] & known, number, found)
        return found

    def _equations(self) -> csr_array:
        """[equations, variables]: one for each published region that is the lowest around some."""
        tables = self._tables
        rows, columns, factors = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
        first = 0
        for seen in self._seen:
            for number, level in enumerate(seen.sheet.levels):
                period, leaf = np.nonzero(seen.under == number)
                regions = tables.count(level)
                rows.append(first + period * regions + tables.above(level)[leaf])
                columns.append(seen.part.variable[period, leaf])
                factors.append(
                    np.ones(len(leaf))
                    if seen.part.factor is None
                    else seen.part.factor[period, leaf]
                )
                first += len(seen.sheet.periods) * regions
        _, row = np.unique(np.concatenate(rows), return_inverse=True)
        shape = (int(row.max(initial=-1)) + 1, len(tables.truth))
        made = coo_array((np.concatenate(factors), (row, np.concatenate(columns))), shape=shape)
        found = made.tocsr()
        found.eliminate_zeros()
        return found

    def _blocks(self) -> None:
        """Which numbers hang together by equations and by never falling."""
        tables, matrix = self._tables, self._matrix.tocoo()
        count, rows = len(tables.truth), matrix.shape[0]
        pairs = tables.rising
        # A pair with one known end bounds the other, a pair of known ones says nothing.
        self._pairs = pairs[~(self._known[pairs[:, 0]] & self._known[pairs[:, 1]])]
        joined = self._pairs[~self._known[self._pairs].any(axis=1)]
        one = np.concatenate([matrix.col.astype(np.int64), joined[:, 0]])
        two = np.concatenate([matrix.row.astype(np.int64) + count, joined[:, 1]])
        graph = coo_array(
            (np.ones(len(one), np.int8), (one, two)), shape=(count + rows, count + rows)
        )
        blocks, label = connected_components(graph, directed=False)
        self._block = label[:count].astype(np.int64)
        self._row_block = label[count:].astype(np.int64)
        self._equations_in = np.bincount(self._row_block, minlength=blocks)
        self._size = np.bincount(self._block[~self._known], minlength=blocks)
        whole = np.ones(blocks, np.bool_)
        whole[self._row_block[matrix.row[matrix.data != 1.0]]] = False
        whole[self._block[tables.signed]] = False
        bound_pair = np.zeros(blocks, np.bool_)
        for side in (0, 1):
            ends = self._pairs[:, side]
            bound_pair[self._block[ends[~self._known[ends]]]] = True
        self._loose = (self._equations_in == 0) & ~bound_pair
        self._simple = (self._equations_in == 1) & whole & ~bound_pair
        self._total = np.bincount(
            self._block[~self._known], tables.truth[~self._known], minlength=blocks
        )

    def _hidden(self, sheet: Sheet, level: str) -> Bools:
        """[P, R]: what must not be told: what is kept back now, or was at a level that is not
        published any more; not what readers have.
        """
        tables, key = self._tables, (sheet.measure, sheet.round, level)
        shape = tables.shape(sheet, level)
        add = Gather.into(tables.above(level), tables.count(level)).add
        hidden = self._pattern.suppressed.get(key, add(sheet.known.astype(np.int64)) > 0)
        return hidden & tables.promised(sheet, level) & ~tables.before.knows(key, shape)

    # --- intervals --------------------------------------------------------------------------

    def run(self, start: float) -> Intervals:
        low: dict[tuple[str, str, str, str], Floats] = {}
        high: dict[tuple[str, str, str, str], Floats] = {}
        asked: list[tuple[tuple[str, str, str, str], int, int, Ints, Floats]] = []
        exposed: list[Exposed] = []
        hidden_count = 0
        for seen in self._seen:
            for number, level in enumerate(seen.sheet.levels):
                key = (seen.sheet.measure, seen.sheet.round, level, seen.part.name)
                hidden = self._hidden(seen.sheet, level)
                hidden_count += int(hidden.sum())
                low[key], high[key], more = self._level(seen, number, level, hidden)
                asked += [(key, *one) for one in more]
        self._solve(asked, low, high)
        for seen in self._seen:
            for level in seen.sheet.levels:
                key = (seen.sheet.measure, seen.sheet.round, level, seen.part.name)
                exposed += self._exposed(seen, level, low[key], high[key])
        return Intervals(low, high, hidden_count, tuple(exposed), time.perf_counter() - start)

    def _level(
        self, seen: _Seen, number: int, level: str, hidden: Bools
    ) -> tuple[Floats, Floats, list[tuple[int, int, Ints, Floats]]]:
        """Bounds of one level [P, R], NaN where nothing is hidden; and what needs a program."""
        tables, part = self._tables, seen.part
        add = Gather.into(tables.above(level), tables.count(level)).add
        there = part.variable >= 0
        at = np.where(there, part.variable, 0)
        factor = np.where(there, 1.0 if part.factor is None else part.factor, 0.0)
        truth = np.where(there, tables.truth[at] * factor, 0.0)
        # Published below the hidden region, or told by other equations.
        fixed = there & (self._known[at] | (seen.under > number) | (factor == 0.0))
        free = there & ~fixed
        constant = add(np.where(fixed, truth, 0.0))
        block = self._block[at]
        kind = np.where(self._loose[block], 2, np.where(self._simple[block], 0, 1))
        plain = free & (factor == 1.0)
        odd = add(((free & (kind == 1)) | (free & ~plain & (kind == 0))).astype(np.int64)) > 0
        loose = add((free & (kind == 2)).astype(np.int64)) > 0
        some = add((free & (kind == 0)).astype(np.int64))
        signed = add((free & tables.signed[at]).astype(np.int64)) > 0
        # Free numbers of a hidden region all lie under the same published one: in one block, when
        # that equation is alone in it.
        own = np.full(some.shape, -1, np.int64)
        period, leaf = np.nonzero(free & (kind == 0))
        own[period, tables.above(level)[leaf]] = block[period, leaf]
        whole = (own >= 0) & (some == self._size[own])
        total = np.where(own >= 0, self._total[own], 0.0)
        low = np.where(whole, constant + total, constant)
        high = np.where(own >= 0, constant + total, constant)
        low = np.where(loose & signed, -np.inf, low)
        high = np.where(loose, np.inf, high)
        nothing = ~hidden
        low, high = np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)
        several = self._several(seen, level, free & (kind == 0), block, own)
        more = []
        for row, region in np.argwhere(hidden & (odd | several) & ~(loose & signed)).tolist():
            inside = np.flatnonzero((tables.above(level) == region) & free[row])
            more.append((row, region, part.variable[row, inside], factor[row, inside]))
            low[row, region] = high[row, region] = constant[row, region]
        return low, high, more

    def _several(self, seen: _Seen, level: str, here: Bools, block: Ints, own: Ints) -> Bools:
        """[P, R]: regions whose free numbers lie in more than one block."""
        period, leaf = np.nonzero(here)
        region = self._tables.above(level)[leaf]
        found = np.zeros(own.shape, np.bool_)
        other = block[period, leaf] != own[period, region]
        found[period[other], region[other]] = True
        return found

    def _solve(
        self,
        asked: list[tuple[tuple[str, str, str, str], int, int, Ints, Floats]],
        low: dict[tuple[str, str, str, str], Floats],
        high: dict[tuple[str, str, str, str], Floats],
    ) -> None:
        """Adds to the bounds what programs say of the numbers in common blocks."""
        systems: dict[int, tuple[Ints, System]] = {}
        place: dict[tuple[int, bytes], int] = {}
        tasks: list[tuple[System, Floats]] = []
        uses: list[tuple[tuple[str, str, str, str], int, int, int]] = []
        for key, row, region, names, factors in asked:
            blocks = self._block[names]
            for block in np.unique(blocks).tolist():
                mine = names[blocks == block]
                if block not in systems:
                    systems[block] = self._system(block)
                inside, system = systems[block]
                objective = np.zeros(len(inside))
                objective[np.searchsorted(inside, mine)] = factors[blocks == block]
                if self._loose[block]:
                    high[key][row, region] = np.inf
                    if self._tables.signed[mine].any():
                        low[key][row, region] = -np.inf
                    continue
                name = (block, objective.tobytes())
                if name not in place:
                    place[name] = len(tasks)
                    tasks += [(system, objective), (system, -objective)]
                uses.append((key, row, region, place[name]))
        answers = largest(tasks)
        for key, row, region, task in uses:
            top, bottom = answers[task].value, answers[task + 1].value
            if not (np.isfinite(top) and np.isfinite(bottom)):
                # Nothing was proved either way: taken for told, and so refused.
                top = bottom = np.nan
            far = _FAR / 2
            high[key][row, region] += np.inf if top > far else top
            low[key][row, region] -= np.inf if bottom > far else bottom

    def _system(self, block: int) -> tuple[Ints, System]:
        tables = self._tables
        inside = np.flatnonzero((self._block == block) & ~self._known)
        truth, signed = tables.truth[inside], tables.signed[inside]
        equal = self._matrix[np.flatnonzero(self._row_block == block)][:, inside].tocsr()
        scale = _FAR + np.abs(truth).sum()
        low, high = np.where(signed, -scale, 0.0), np.full(len(inside), scale)
        pairs = self._pairs
        first, second = pairs[:, 0], pairs[:, 1]
        # A known end is a bound of the other.
        own = np.isin(second, inside) & self._known[first]
        np.maximum.at(low, np.searchsorted(inside, second[own]), tables.truth[first[own]])
        own = np.isin(first, inside) & self._known[second]
        np.minimum.at(high, np.searchsorted(inside, first[own]), tables.truth[second[own]])
        both = np.isin(first, inside) & np.isin(second, inside)
        number = np.arange(int(both.sum()))
        columns = [np.searchsorted(inside, end[both]) for end in (first, second)]
        ones = np.ones(len(number))
        less = coo_array(
            (
                np.concatenate([ones, -ones]),
                (np.concatenate([number, number]), np.concatenate(columns)),
            ),
            shape=(len(number), len(inside)),
        ).tocsr()
        whole = tables.whole[inside]
        limit = np.zeros(len(number))
        return inside, System(equal, equal @ truth, less, limit, low, high, whole)

    def _exposed(self, seen: _Seen, level: str, low: Floats, high: Floats) -> list[Exposed]:
        tables, sheet, part = self._tables, seen.sheet, seen.part
        hidden = self._hidden(sheet, level)
        add = Gather.into(tables.above(level), tables.count(level)).add
        # Where another measure tells all values of a region, its product is the base again.
        open_ = add((sheet.known & ~part.guarded).astype(np.int64)) > 0
        least = (part.width + _SLACK * np.maximum(1.0, part.width))[:, None]
        with np.errstate(invalid="ignore"):
            wide = high - low > least
        return [
            Exposed(
                sheet.measure,
                sheet.round,
                level,
                region,
                sheet.periods[row],
                part.name,
                float(low[row, region]),
                float(high[row, region]),
                float(part.width[row]),
            )
            for row, region in np.argwhere(hidden & ~open_ & ~wide).tolist()
        ]


def _only(keep: Bools) -> csr_array:
    """Diagonal: takes away the columns that are not kept."""
    count = len(keep)
    numbers = np.arange(count)
    return coo_array((keep.astype(np.float64), (numbers, numbers)), shape=(count, count)).tocsr()


def _distinct(matrix: csr_array) -> csr_array:
    """The matrix without rows that repeat another."""
    matrix.sort_indices()
    first: dict[tuple[bytes, bytes], int] = {}
    for row in range(matrix.shape[0]):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        first.setdefault((matrix.indices[part].tobytes(), matrix.data[part].tobytes()), row)
    return matrix[np.array(sorted(first.values()), np.int64)]

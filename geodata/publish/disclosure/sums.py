"""Cells as sums of variables, each sum once: which are equal, which make up another.

Cells of several measures or months that are the same sum form a *group* and are hidden together:
one that is published gives all of them away. A *form* is a sum that a group shows: the base, which
makes the group, and the products of its cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geodata.nesting import Gather
from geodata.publish.disclosure.tables import Bools, Floats, Ints, Part, Tables

Words = NDArray[np.uint64]


_FACTOR = np.uint64(0x6C62272E07BB0142)


@dataclass(frozen=True)
class Sums:
    """All groups and forms of tables. Forms 0 to G - 1 are the bases of the groups."""

    tables: Tables
    of: dict[tuple[int, str], Ints]
    """(sheet, level) -> [P, R]: the group of each cell; -1 where there is none."""
    loss: Floats
    """[G]: leaves whose numbers are lost with a group, added up over its cells."""
    cells: Ints
    """[G]: number of its cells."""
    known: Bools
    """[F]: readers have it from an earlier publication; it cannot be hidden from them."""
    gone: Bools
    """[G]: no cell of it is published any more."""
    component: Ints
    """[G]: groups of different components have no variable in common."""
    group: Ints
    """[F]: the group that shows a form."""
    value: Floats
    """[F]."""
    size: Ints
    """[F]: number of variables."""
    width: Floats
    """[F]: what the interval must exceed while the form is hidden."""
    guarded: Bools
    """[F]: forms of which that is demanded."""
    origin: Ints
    """[F, 5]: where a form is found: sheet, part (0 base, 1 product), level (of the nesting),
    period, region."""
    sums: Ints
    """[E, 3]: parent form, level of the children, child form, sorted: a parent is the sum of its
    children at a level."""

    @property
    def count(self) -> int:
        """Number of groups."""
        return len(self.loss)

    def sensitive(self) -> Bools:
        """[G]: groups whose base is small."""
        value = self.value[: self.count]
        return (value > 0) & (value < self.tables.small_number)

    def variables(self, form: int) -> tuple[Ints, Floats]:
        """The variables of a form and how often each counts."""
        sheet, part, level, period, region = (int(n) for n in self.origin[form])
        nesting = self.tables.nesting
        leaf = level == len(nesting.levels) - 1
        leaves = (
            np.array([region])
            if leaf
            else nesting.below(nesting.levels[level], region, self.tables.leaf)
        )
        found = self.tables.sheets[sheet].parts[part]
        row = found.variable[period, leaves]
        some = row >= 0
        if found.factor is None:
            return row[some], np.ones(int(some.sum()))
        return row[some], found.factor[period, leaves][some]


def find(tables: Tables) -> Sums:
    """Every sum that tables would publish."""
    return _Finder(tables).find()


@dataclass
class _Shown:
    """One part of one sheet at one level, flat over its cells."""

    sheet: int
    part: int
    level: int
    at: NDArray[np.intp]
    """Places of the cells in [P, R], flat."""
    shape: tuple[int, int]
    key: Words
    check: Words
    size: Ints
    value: Floats
    width: Floats
    guarded: Bools


class _Finder:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        numbers = np.arange(len(tables.truth), dtype=np.uint64)
        self._keys = _mix(numbers), _mix(numbers ^ np.uint64(0xA5A5A5A5A5A5A5A5))
        self._gathers = {
            level: Gather.into(tables.above(level), tables.count(level))
            for level in tables.nesting.levels
        }

    def find(self) -> Sums:
        tables = self._tables
        bases = list(self._shown(0))
        products = list(self._shown(1))
        first, number = _numbered(bases)
        extra_first, extra = _numbered(products)
        count = len(first)
        of: dict[tuple[int, str], Ints] = {}
        loss, cells = np.zeros(count), np.zeros(count, np.int64)
        start = 0
        for shown in bases:
            own = number[start : start + len(shown.at)]
            start += len(shown.at)
            grid = np.full(shown.shape, -1, np.int64)
            grid.ravel()[shown.at] = own
            level = tables.nesting.levels[shown.level]
            of[shown.sheet, level] = grid
            sheet = tables.sheets[shown.sheet]
            key = (sheet.measure, sheet.round, level)
            if key in tables.before.gone:
                continue
            leaves = self._gathers[level].add(np.ones((1, len(tables.above(level)))))[0]
            loss += np.bincount(own, leaves[shown.at % shown.shape[1]], count)
            cells += np.bincount(own, minlength=count)
        group = np.concatenate([np.arange(count), self._groups_of(products, of)[extra_first]])
        every = [(bases, first), (products, extra_first)]
        forms: dict[tuple[int, int, str], Ints] = {
            (sheet, 0, level): grid for (sheet, level), grid in of.items()
        }
        start = 0
        for shown in products:
            grid = np.full(shown.shape, -1, np.int64)
            grid.ravel()[shown.at] = extra[start : start + len(shown.at)] + count
            forms[shown.sheet, 1, tables.nesting.levels[shown.level]] = grid
            start += len(shown.at)
        return Sums(
            tables,
            of,
            loss,
            cells,
            np.concatenate([self._known(bases, number), self._known(products, extra)]),
            cells == 0,
            self._components(of, count),
            group.astype(np.int64),
            _pick(every, "value"),
            _pick(every, "size").astype(np.int64),
            _pick(every, "width"),
            np.concatenate([_any(bases, number), _any(products, extra)]),
            np.concatenate([_origins(parts)[where] for parts, where in every]),
            self._sums(forms),
        )

    def _shown(self, number: int) -> Iterator[_Shown]:
        tables = self._tables
        for index, sheet in enumerate(tables.sheets):
            if number >= len(sheet.parts):
                continue
            part = sheet.parts[number]
            known = sheet.known
            at = np.where(known, part.variable, 0)
            signed = known & tables.signed[at]
            if number and part.factor is None and signed[known].all():
                # Numbers that may be negative are bounded only where equations settle them, and
                # then they settle the base, too, which is guarded.
                continue
            yield from self._levels(index, number, part, known, signed)

    def _levels(
        self, index: int, number: int, part: Part, known: Bools, signed: Bools
    ) -> Iterator[_Shown]:
        tables = self._tables
        at = np.where(known, part.variable, 0)
        keys = [key[at] for key in self._keys]
        value = tables.truth[at] if len(tables.truth) else np.zeros(at.shape)
        if part.factor is not None:
            value = value * part.factor
            # The same variable counted otherwise is another sum.
            bits = _mix(np.ascontiguousarray(part.factor).view(np.uint64) ^ _FACTOR)
            keys = [np.where(part.factor == 1.0, key, _mix(key ^ bits)) for key in keys]
        keys = [np.where(known, key, np.uint64(0)) for key in keys]
        value = np.where(known, value, 0.0)
        # Beside values that are told, an equation may bound even what could be negative.
        open_ = known & (~part.guarded | (signed & bool(number) & (part.factor is None)))
        for level in tables.sheets[index].levels:
            add = self._gathers[level].add
            size = add(known.astype(np.int64))
            shape = size.shape
            places = np.flatnonzero(size)
            promised = tables.promised(tables.sheets[index], level)
            guarded = (add(open_.astype(np.int64)) == 0) & promised
            yield _Shown(
                index,
                number,
                tables.nesting.depth(level),
                places,
                shape,
                add(keys[0]).ravel()[places],
                add(keys[1]).ravel()[places],
                size.ravel()[places],
                add(value).ravel()[places],
                np.broadcast_to(part.width[:, None], shape).ravel()[places],
                guarded.ravel()[places],
            )

    def _known(self, parts: list[_Shown], number: Ints) -> Bools:
        """Of each different sum: whether readers have it."""
        tables, seen = self._tables, [np.zeros(0, np.bool_)]
        for one in parts:
            sheet = tables.sheets[one.sheet]
            key = (sheet.measure, sheet.round, tables.nesting.levels[one.level])
            seen.append(tables.before.knows(key, one.shape).ravel()[one.at])
        return _or(np.concatenate(seen), number)

    def _groups_of(self, products: list[_Shown], of: dict[tuple[int, str], Ints]) -> Ints:
        levels = self._tables.nesting.levels
        parts = [of[one.sheet, levels[one.level]].ravel()[one.at] for one in products]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def _components(self, of: dict[tuple[int, str], Ints], count: int) -> Ints:
        tables = self._tables
        ends: list[tuple[Ints, Ints]] = [(tables.rising[:, 0], tables.rising[:, 1])]
        total = len(tables.truth)
        for (index, level), grid in of.items():
            variable = tables.sheets[index].base.variable
            known = variable >= 0
            groups = grid[:, tables.above(level)]
            pairs = np.unique(np.column_stack([variable[known], groups[known]]), axis=0)
            ends.append((pairs[:, 0], pairs[:, 1] + total))
        one = np.concatenate([first for first, _ in ends])
        two = np.concatenate([second for _, second in ends])
        graph = coo_array(
            (np.ones(len(one), np.int8), (one, two)), shape=(total + count, total + count)
        )
        _, label = connected_components(graph, directed=False)
        _, found = np.unique(label[total:], return_inverse=True)
        return found.astype(np.int64)

    def _sums(self, forms: dict[tuple[int, int, str], Ints]) -> Ints:
        tables = self._tables
        found = [np.zeros((0, 3), np.int64)]
        for (index, part, level), grid in forms.items():
            levels = tables.sheets[index].levels
            place = levels.index(level)
            if place == 0:
                continue
            upper = levels[place - 1]
            above = forms[index, part, upper][:, tables.nesting.above(level, upper)]
            some = (grid >= 0) & (above != grid)
            depth = np.full(int(some.sum()), tables.nesting.depth(level), np.int64)
            found.append(np.unique(np.column_stack([above[some], depth, grid[some]]), axis=0))
        return np.unique(np.concatenate(found), axis=0)


def _mix(numbers: Words) -> Words:
    """Well spread words of 64 bits (splitmix64): their sums tell sets of numbers apart."""
    with np.errstate(over="ignore"):
        x = numbers + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def _numbered(parts: list[_Shown]) -> tuple[Ints, Ints]:
    """Where each different sum stands first, and the number of each: equal sums have the same."""
    key = np.concatenate([np.zeros(0, np.uint64), *(one.key for one in parts)])
    check = np.concatenate([np.zeros(0, np.uint64), *(one.check for one in parts)])
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    assert (check[first][number] == check).all(), "two sums have the same key"
    return first.astype(np.int64), number.astype(np.int64)


def _pick(every: list[tuple[list[_Shown], Ints]], name: str) -> Floats:
    return np.concatenate(
        [np.concatenate([np.zeros(0), *(getattr(one, name) for one in parts)])[where]
         for parts, where in every]
    )  # fmt: skip


def _any(parts: list[_Shown], number: Ints) -> Bools:
    """Of each different sum: whether it is guarded anywhere."""
    return _or(np.concatenate([np.zeros(0, np.bool_), *(one.guarded for one in parts)]), number)


def _or(flags: Bools, number: Ints) -> Bools:
    return np.bincount(number[flags], minlength=int(number.max(initial=-1)) + 1) > 0


def _origins(parts: list[_Shown]) -> Ints:
    rows = [np.zeros((0, 5), np.int64)]
    for one in parts:
        period, region = np.divmod(one.at, one.shape[1])
        fixed = np.full(len(one.at), 0, np.int64)
        rows.append(
            np.column_stack(
                [fixed + one.sheet, fixed + one.part, fixed + one.level, period, region]
            )
        )
    return np.concatenate(rows)

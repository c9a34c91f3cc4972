"""Worlds of counts, and an attacker of its own: plain sums over leaves, one program a number.

Nothing here is taken from the code under test but the shape of its input (`Column`) and of its
answer (`Pattern`): variables, cells and equations are put together anew, as slowly and as simply
as can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from geodata.nesting import Nesting
from geodata.publish.disclosure import Before, Column, Pattern, Tables, assemble

Variable = tuple[str, int, int]
"""Quantity, fact, leaf."""
Cell = tuple[int, int, str, int]
"""Number of the column, period, level, region."""
Sum = dict[Variable, float]


@dataclass(frozen=True)
class World:
    """A tree, and what was counted in it."""

    nesting: Nesting
    columns: tuple[Column, ...]
    small: float = 10
    protection: float = 10
    before: Before = field(default_factory=Before)

    def tables(self) -> Tables:
        return assemble(
            self.nesting,
            self.columns,
            small_number=self.small,
            protection=self.protection,
            before=self.before,
        )

    def truth(self) -> dict[Variable, float]:
        found: dict[Variable, float] = {}
        for column in self.columns:
            for period, leaf in np.argwhere(column.known).tolist():
                fact = int(column.fact[period, leaf])
                found[column.quantity, fact, leaf] = float(column.base[period, leaf])
                if column.product is not None:
                    name = product_of(column, period, leaf)
                    found[name] = float(column.product[period, leaf])
        return found

    def cells(self) -> Iterator[Cell]:
        for number, column in enumerate(self.columns):
            for level in column.levels:
                for region in range(len(self.nesting.codes[self.nesting.depth(level)])):
                    for period in range(len(column.periods)):
                        if self.base(number, period, level, region):
                            yield number, period, level, region

    def leaves(self, level: str, region: int) -> list[int]:
        found = []
        for leaf in range(len(self.nesting.codes[-1])):
            at = leaf
            for depth in range(len(self.nesting.levels) - 1, self.nesting.depth(level), -1):
                at = int(self.nesting.parents[depth][at])
            if at == region:
                found.append(leaf)
        return found

    def base(self, number: int, period: int, level: str, region: int) -> Sum:
        column = self.columns[number]
        return {
            (column.quantity, int(column.fact[period, leaf]), leaf): 1.0
            for leaf in self.leaves(level, region)
            if column.known[period, leaf]
        }

    def product(self, number: int, period: int, level: str, region: int) -> Sum:
        """Values that are published elsewhere are factors of the base."""
        column = self.columns[number]
        found: Sum = {}
        for leaf in self.leaves(level, region):
            if not column.known[period, leaf]:
                continue
            if self.told(number, period, leaf):
                value = float(column.product[period, leaf] / column.base[period, leaf])
                found[column.quantity, int(column.fact[period, leaf]), leaf] = value
            else:
                found[product_of(column, period, leaf)] = 1.0
        return found

    def told(self, number: int, period: int, leaf: int) -> bool:
        told = self.columns[number].told
        return told is not None and bool(told[period, leaf])

    def width(self, number: int, period: int) -> float:
        """What the interval of a hidden product must exceed."""
        column = self.columns[number]
        known = column.known[period]
        people = float(column.base[period][known].sum())
        size = float(np.abs(column.product[period][known]).sum())
        return self.protection * size / people if people else 0.0

    def loss(self, cell: Cell) -> int:
        return len(self.leaves(cell[2], cell[3]))


def product_of(column: Column, period: int, leaf: int) -> Variable:
    assert column.product_fact is not None
    return column.product_quantity, int(column.product_fact[period, leaf]), leaf


def hidden_cells(world: World, pattern: Pattern) -> set[Cell]:
    found = set()
    for cell in world.cells():
        number, period, level, region = cell
        column = world.columns[number]
        if pattern.suppressed[column.measure, column.round, level][period, region]:
            found.add(cell)
    return found


@dataclass(frozen=True)
class Told:
    """What the attacker can say of a hidden number."""

    cell: Cell
    part: str
    low: float
    high: float
    needed: float

    @property
    def safe(self) -> bool:
        return self.high - self.low > self.needed * (1 + 1e-9) + 1e-7


class Attacker:
    """Does the arithmetic: the least and the most that each hidden number can be."""

    def __init__(self, world: World, hidden: set[Cell]) -> None:
        self.world, self.hidden = world, hidden
        truth = world.truth()
        self.names = sorted(truth)
        self.place = {name: number for number, name in enumerate(self.names)}
        self.truth = np.array([truth[name] for name in self.names])
        below_zero = {name[0] for name, value in truth.items() if value < 0}
        self.bounds = [(None, None) if name[0] in below_zero else (0, None) for name in self.names]
        broken = {name[0] for name, value in truth.items() if value != round(value)}
        self.whole = np.array([name[0] not in broken for name in self.names])
        rows, right = [], []
        for cell in world.cells():
            if cell in hidden:
                continue
            for found in self.sums(cell):
                row = self.row(found[1])
                rows.append(row)
                right.append(float(row @ self.truth))
        self.equal = np.array(rows).reshape(-1, len(self.names))
        self.right = np.array(right)
        self.less = np.array(list(self.never_falls())).reshape(-1, len(self.names))
        self.known: dict[bytes, tuple[float, float]] = {}

    def sums(self, cell: Cell) -> list[tuple[str, Sum]]:
        found = [("base", self.world.base(*cell))]
        if self.world.columns[cell[0]].product is not None:
            found.append(("product", self.world.product(*cell)))
        return found

    def row(self, of: Sum) -> np.ndarray[Any, Any]:
        row = np.zeros(len(self.names))
        for name, factor in of.items():
            row[self.place[name]] = factor
        return row

    def never_falls(self) -> Iterator[np.ndarray[Any, Any]]:
        for column in self.world.columns:
            if not column.rising:
                continue
            for leaf in range(column.known.shape[1]):
                there = np.flatnonzero(column.known[:, leaf]).tolist()
                for before, after in pairwise(there):
                    one = self.place[column.quantity, int(column.fact[before, leaf]), leaf]
                    two = self.place[column.quantity, int(column.fact[after, leaf]), leaf]
                    if one != two and self.truth[one] <= self.truth[two]:
                        row = np.zeros(len(self.names))
                        row[one], row[two] = 1.0, -1.0
                        yield row

    def interval(self, of: Sum) -> tuple[float, float]:
        row = self.row(of)
        key = row.tobytes()
        if key not in self.known:
            self.known[key] = -self.most(-row), self.most(row)
        return self.known[key]

    def most(self, row: np.ndarray[Any, Any]) -> float:
        answer = linprog(
            -row,
            A_eq=self.equal if len(self.equal) else None,
            b_eq=self.right if len(self.equal) else None,
            A_ub=self.less if len(self.less) else None,
            b_ub=np.zeros(len(self.less)) if len(self.less) else None,
            bounds=self.bounds,
            method="highs",
        )
        if answer.status in (3, 4):
            # HiGHS cannot always tell "unbounded" from "infeasible"; the truth is feasible.
            return np.inf
        assert answer.status == 0, answer.message
        if (np.abs(answer.x - np.round(answer.x)) <= 1e-6)[self.whole].all():
            return float(-answer.fun)
        return self.most_in_whole(row)

    def most_in_whole(self, row: np.ndarray[Any, Any]) -> float:
        rows = [LinearConstraint(self.equal, self.right, self.right)] if len(self.equal) else []
        if len(self.less):
            rows.append(LinearConstraint(self.less, -np.inf, 0.0))
        low = [-np.inf if pair[0] is None else 0.0 for pair in self.bounds]
        answer = milp(
            -row,
            integrality=self.whole.astype(int),
            bounds=Bounds(low, np.inf),
            constraints=rows,
            options={"mip_rel_gap": 0.0, "presolve": False},
        )
        assert answer.status == 0, answer.message
        return float(-answer.fun)

    def all(self) -> Iterator[Told]:
        for cell in sorted(self.hidden):
            number, period, _, _ = cell
            for part, of in self.sums(cell):
                needed = self.world.protection
                if part == "product":
                    if any(self.world.told(number, period, leaf) for leaf in
                           self.world.leaves(cell[2], cell[3])):  # fmt: skip
                        continue
                    needed = self.world.width(number, period)
                yield Told(cell, part, *self.interval(of), needed)

    def safe(self) -> bool:
        return all(told.safe for told in self.all())


def recovered(world: World, pattern: Pattern) -> list[Told]:
    """What a pattern gives away, and what it left open though it is small."""
    hidden = hidden_cells(world, pattern)
    truth = world.truth()
    for cell in world.cells():
        total = sum(truth[name] for name in world.base(*cell))
        assert cell in hidden or not 0 < total < world.small, f"{cell} is {total}"
    return [told for told in Attacker(world, hidden).all() if not told.safe]


def least_loss(world: World) -> int:
    """The smallest loss of any safe pattern, by trying them all, cheapest first."""
    truth = world.truth()
    groups: dict[frozenset[Variable], list[Cell]] = {}
    for cell in world.cells():
        groups.setdefault(frozenset(world.base(*cell)), []).append(cell)
    must, may = [], []
    for names, cells in groups.items():
        total = sum(truth[name] for name in names)
        (must if 0 < total < world.small else may).append(cells)
    if len(may) > 11:
        raise OverflowError("too many to try")
    first = {cell for cells in must for cell in cells}
    cost = [sum(world.loss(cell) for cell in cells) for cells in may]
    choices = [
        (sum(cost[n] for n in chosen), chosen)
        for size in range(len(may) + 1)
        for chosen in combinations(range(len(may)), size)
    ]
    for more, chosen in sorted(choices):
        hidden = first | {cell for n in chosen for cell in may[n]}
        if Attacker(world, hidden).safe():
            return more + sum(world.loss(cell) for cell in first)
    raise AssertionError("hiding everything is safe")


def lost(world: World, pattern: Pattern) -> int:
    return sum(world.loss(cell) for cell in hidden_cells(world, pattern))


# --- worlds ---------------------------------------------------------------------------------


def tree(*parents: list[int]) -> Nesting:
    """A root, and under it levels whose regions name their parents by position."""
    sizes = [1, *(len(level) for level in parents)]
    return Nesting(
        tuple(f"l{depth}" for depth in range(len(sizes))),
        tuple(
            np.array([f"{depth}-{n:03d}" for n in range(size)], dtype=object)
            for depth, size in enumerate(sizes)
        ),
        (np.zeros(1, np.int32), *(np.array(level, np.int32) for level in parents)),
    )


def counted(
    nesting: Nesting,
    rows: list[list[float | None]],
    *,
    measure: str = "houses",
    quantity: str = "houses",
    levels: tuple[str, ...] | None = None,
    fact: list[int] | None = None,
    rising: bool = False,
) -> Column:
    """A count: a row a period, None where a leaf did not report."""
    known = np.array([[value is not None for value in row] for row in rows])
    base = np.array([[0.0 if value is None else value for value in row] for row in rows], float)
    facts = np.arange(len(rows)) if fact is None else np.array(fact)
    return Column(
        measure,
        "r",
        tuple(f"2021-{n + 1:02d}" for n in range(len(rows))),
        levels or nesting.levels,
        known,
        base,
        quantity,
        np.repeat(facts[:, None], known.shape[1], axis=1).astype(np.int64),
        rising=rising,
    )


def weighted(
    nesting: Nesting,
    people: list[list[float | None]],
    values: list[list[float]],
    *,
    measure: str = "income",
    fact: list[int] | None = None,
    told: list[list[bool]] | None = None,
    levels: tuple[str, ...] | None = None,
) -> Column:
    """A mean of values weighted by people; `fact`: which census each period uses."""
    plain = counted(nesting, people, measure=measure, quantity="people", fact=fact, levels=levels)
    product = plain.base * np.array(values, float)
    return Column(
        plain.measure,
        plain.round,
        plain.periods,
        plain.levels,
        plain.known,
        plain.base,
        plain.quantity,
        plain.fact,
        product,
        f"{measure} x people",
        np.repeat(np.arange(len(people))[:, None], product.shape[1], axis=1),
        None if told is None else np.array(told),
    )


def random_world(seed: int, most: int = 14) -> World:
    """Any world: a tree of two to four levels, one to three measures, linked in some way."""
    rng = np.random.default_rng(seed)
    sizes = [1]
    depth = int(rng.integers(1, 4))
    for level in range(depth):
        low = sizes[-1] if level else 2
        high = most if level == depth - 1 else max(low, most // 3)
        sizes.append(int(rng.integers(low, max(low, high) + 1)))
    nesting = tree(
        *(
            sorted([*range(above), *rng.integers(0, above, size - above).tolist()])
            for above, size in pairwise(sizes)
        )
    )
    leaves = sizes[-1]
    columns = [
        _random_column(rng, nesting, leaves, number) for number in range(int(rng.integers(1, 4)))
    ]
    protection = float(rng.choice([3, 5, 10, 10, 15]))
    return World(nesting, tuple(_agreed(columns)), 10, protection)


def _random_column(rng: np.random.Generator, nesting: Nesting, leaves: int, number: int) -> Column:
    months = int(rng.integers(1, 4))
    scale = float(rng.choice([3, 8, 20, 60]))
    levels = nesting.levels
    if rng.random() < 0.3:
        levels = tuple(level for level in levels if rng.random() < 0.7) or levels[:1]
    reported = rng.random((months, leaves)) < rng.choice([1.0, 0.9, 0.7])
    reported[:, rng.integers(leaves)] = True

    def shown(value: np.ndarray[Any, Any]) -> list[list[float | None]]:
        return [
            [float(v) if r else None for v, r in zip(row, there, strict=True)]
            for row, there in zip(value, reported, strict=True)
        ]

    if rng.random() < 0.5:
        count = rng.poisson(scale, (months, leaves)) * (rng.random((months, leaves)) < 0.8)
        rising = bool(rng.random() < 0.3)
        if rising:
            count = np.maximum.accumulate(count, axis=0)
        name = str(rng.choice(["houses", "people"]))
        return counted(
            nesting, shown(count), measure=f"m{number}", quantity=name, levels=levels,
            fact=list(range(months)) if name == "houses" else sorted(
                rng.integers(0, 2, months).tolist()), rising=rising,
        )  # fmt: skip
    people = rng.poisson(scale, (months, leaves)) + 1.0
    values = rng.integers(-3 if rng.random() < 0.4 else 0, 8, (months, leaves)).astype(float)
    told = (rng.random((months, leaves)) < 0.5).tolist() if rng.random() < 0.3 else None
    return weighted(
        nesting, shown(people), values.tolist(), measure=f"m{number}",
        fact=sorted(rng.integers(0, 2, months).tolist()), told=told, levels=levels,
    )  # fmt: skip


def _agreed(columns: list[Column]) -> Iterator[Column]:
    """The same fact is the same number, whichever measure shows it."""
    numbers: dict[tuple[str, int, int], float] = {}
    for column in columns:
        base = column.base.copy()
        for period, leaf in np.ndindex(*base.shape):
            name = column.quantity, int(column.fact[period, leaf]), leaf
            value = base[period, leaf]
            if column.product is not None:
                # A weight is over zero, or its leaf does not take part.
                value = max(value, 1.0)
            base[period, leaf] = numbers.setdefault(name, value)
        known, product = column.known, column.product
        if product is not None:
            known = known & (base > 0)
            with np.errstate(divide="ignore", invalid="ignore"):
                value = np.where(column.base > 0, product / column.base, 0.0)
            product = value * base
        yield Column(
            column.measure, column.round, column.periods, column.levels, known, base,
            column.quantity, column.fact, product, column.product_quantity, column.product_fact,
            column.told, column.rising,
        )  # fmt: skip


FLAT = tree([0, 0, 0, 0])


# --- a second publication ---------------------------------------------------------------------


class second_world:
    """Pairs of worlds: the same tree, measures at other levels, some numbers corrected."""

    @staticmethod
    def first(seed: int) -> World:
        world = random_world(seed, most=8)
        rng = np.random.default_rng([seed, 1])
        return replace(world, columns=tuple(_thinned(rng, one) for one in world.columns))

    @staticmethod
    def after(seed: int, first: World, pattern: Pattern) -> World:
        whole = random_world(seed, most=8)
        rng = np.random.default_rng([seed, 2])
        shown = [_thinned(rng, one).levels for one in whole.columns]
        columns = list(whole.columns)
        if rng.random() < 0.5:
            columns = list(_corrected(rng, columns))
        every, gone = [], set()
        for column, old, own in zip(columns, first.columns, shown, strict=True):
            union = tuple(one for one in whole.nesting.levels if one in {*own, *old.levels})
            gone |= {(column.measure, column.round, one) for one in union if one not in own}
            every.append(replace(column, levels=union))
        found = replace(whole, columns=tuple(every), before=Before(gone=frozenset(gone)))
        cells, kept = second_world.known(first, pattern, found)
        masks: list[dict[tuple[str, str, str], np.ndarray[Any, Any]]] = []
        for part in (cells, kept):
            grids: dict[tuple[str, str, str], np.ndarray[Any, Any]] = {}
            for number, period, level, region in part:
                column = every[number]
                shape = len(column.periods), len(whole.nesting.codes[whole.nesting.depth(level)])
                key = (column.measure, column.round, level)
                grid = grids.setdefault(key, np.zeros(shape, np.bool_))
                grid[period, region] = True
            masks.append(grids)
        return replace(found, before=Before(masks[0], masks[1], frozenset(gone)))

    @staticmethod
    def known(first: World, pattern: Pattern, second: World) -> tuple[set[Cell], set[Cell]]:
        """Cells that were shown with the figures of now; those that were kept back."""
        truth, now = first.truth(), second.truth()
        hidden = hidden_cells(first, pattern)
        known, there = set(), set(second.cells())
        for cell in first.cells():
            if cell in hidden or cell not in there:
                continue
            same = True
            for make in (World.base, World.product):
                if make is World.product and first.columns[cell[0]].product is None:
                    continue
                one, other = make(first, *cell), make(second, *cell)
                same &= (
                    one.keys() == other.keys()
                    and abs(
                        sum(truth[name] * factor for name, factor in one.items())
                        - sum(now[name] * factor for name, factor in other.items())
                    )
                    < 1e-9
                )
            if same:
                known.add(cell)
        return known, hidden & there


def _thinned(rng: np.random.Generator, column: Column) -> Column:
    levels = tuple(level for level in column.levels if rng.random() < 0.7)
    return replace(column, levels=levels or column.levels[-1:])


def _corrected(rng: np.random.Generator, columns: list[Column]) -> Iterator[Column]:
    """Some facts are another number."""
    moved: dict[tuple[str, int, int], float] = {}
    for column in columns:
        base = column.base.copy()
        for period, leaf in np.ndindex(*base.shape):
            name = column.quantity, int(column.fact[period, leaf]), leaf
            if name not in moved:
                more = float(rng.integers(1, 6)) if rng.random() < 0.1 else 0.0
                moved[name] = base[period, leaf] + more
            base[period, leaf] = moved[name]
        product = column.product
        if product is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                value = np.where(column.base > 0, product / column.base, 0.0)
            product = value * base
        yield replace(column, base=base, product=product)

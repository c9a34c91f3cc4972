"""What is to be published of counts, as cells over the variables that an attacker does not know.

A *variable* is one reported fact: so many unsafe houses in this village this month. A *cell* is
what would be published: a measure's numbers at a region in a period, each the sum of the variables
of the region's leaves that reported. Cells of several measures, levels and months may be sums of
the same variables; that is how one gives another away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from geodata.edition import Edition
from geodata.errors import BadRequest
from geodata.measures import Reported
from geodata.nesting import Gather, Nesting
from geodata.vocabulary import Rule
from geodata.words import say
from geodata.workspace import Measure, Workspace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Key = tuple[str, str, str]
"""Measure, round, level."""

BASE, PRODUCT = "base", "product"
SUM, WEIGHTED = "sum", "weighted"


@dataclass(frozen=True)
class Column:
    """A measure in a round as it is known at the leaves; arrays are [P, N]."""

    measure: str
    round: str
    periods: tuple[str, ...]
    levels: tuple[str, ...]
    """Levels at which it would be published."""
    known: Bools
    """Leaves that reported; this stays public."""
    base: Floats
    """What is counted at each leaf: the numerator of a sum or mean, the weight of a weighted
    mean. Only read where known."""
    quantity: str
    """What that is: equal words mean the same quantity, whichever measure shows it."""
    fact: Ints
    """Which fact it is (not negative): the same quantity, leaf and fact is the same variable."""
    product: Floats | None = None
    """The numerator of a weighted mean: value times weight."""
    product_quantity: str = ""
    product_fact: Ints | None = None
    told: Bools | None = None
    """Leaves whose value (the product divided by the base) is published elsewhere."""
    rising: bool = False
    """Whether the base never falls from one period to the next."""


@dataclass(frozen=True)
class Part:
    """One of the numbers in each cell of a sheet."""

    name: str
    """`base` or `product`."""
    variable: Ints
    """[P, N]: number of the variable; -1 where the leaf is not known."""
    factor: Floats | None
    """[P, N]: what the variable counts times; None: once."""
    width: Floats
    """[P]: the interval of a hidden number must be wider than this."""
    guarded: Bools
    """[P, N]: leaves whose share in the number is not public by the base alone."""


@dataclass(frozen=True)
class Sheet:
    """All cells of a measure in a round."""

    measure: str
    round: str
    periods: tuple[str, ...]
    levels: tuple[str, ...]
    """Levels that would be published, root first."""
    base: Part
    product: Part | None = None

    @property
    def known(self) -> Bools:
        """[P, N]: leaves that reported."""
        return self.base.variable >= 0

    @property
    def parts(self) -> tuple[Part, ...]:
        """Base, and product where there is one."""
        return (self.base,) if self.product is None else (self.base, self.product)


@dataclass(frozen=True)
class Before:
    """What earlier publications showed of the same cells.

    Cells of a level that was published and is not any more are part of the tables: readers have
    what stood there, and may lack what was kept back there.
    """

    known: Mapping[Key, Bools] = field(default_factory=dict)
    """[P, R]: cells whose numbers were published and are still the same."""
    hidden: Mapping[Key, Bools] = field(default_factory=dict)
    """[P, R]: cells that were kept back the last time."""
    gone: frozenset[Key] = frozenset()
    """Those of which nothing is published any more."""

    def knows(self, key: Key, shape: tuple[int, ...]) -> Bools:
        """[P, R]: what readers know at a level; nothing where nothing was published."""
        return self.known.get(key, np.zeros(shape, np.bool_))

    def levels(self, measure: str, round: str) -> tuple[str, ...]:
        """Levels of which nothing is published any more."""
        return tuple(sorted(one[2] for one in self.gone if one[:2] == (measure, round)))


NOTHING = Before()
"""A first publication."""


@dataclass(frozen=True)
class Tables:
    """Everything that would be published of counts."""

    nesting: Nesting
    sheets: tuple[Sheet, ...]
    truth: Floats
    """[V]: what each variable is."""
    signed: Bools
    """[V]: variables that may be negative; of all others everybody knows that they are not."""
    rising: Ints
    """[M, 2]: pairs of variables of which the first is not larger than the second."""
    small_number: float
    """A base over 0 and under this is hidden."""
    protection: float
    """The interval of every hidden base must be wider than this."""
    whole: Bools
    """[V]: variables that everybody knows to be whole numbers."""
    before: Before
    """What readers have already."""
    _above: dict[str, NDArray[np.int32]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def leaf(self) -> str:
        """The lowest level."""
        return self.nesting.levels[-1]

    def above(self, level: str) -> NDArray[np.int32]:
        """[N]: position at `level` of what each leaf lies in."""
        found = self._above.get(level)
        if found is None:
            found = self._above[level] = self.nesting.above(self.leaf, level)
        return found

    def count(self, level: str) -> int:
        """Number of regions of a level."""
        return len(self.nesting.codes[self.nesting.depth(level)])

    def promised(self, sheet: Sheet, level: str) -> Bools:
        """[P, R]: cells that must stay unknown while they are not shown: of a level that is
        published, all; of another, those that were kept back the last time and are still small.
        """
        key, shape = (sheet.measure, sheet.round, level), self.shape(sheet, level)
        if key not in self.before.gone:
            return np.ones(shape, np.bool_)
        hidden = self.before.hidden.get(key, np.zeros(shape, np.bool_))
        value = np.where(sheet.known, self.truth[np.where(sheet.known, sheet.base.variable, 0)], 0)
        total = Gather.into(self.above(level), self.count(level)).add(value)
        return hidden & (total > 0) & (total < self.small_number)

    def shape(self, sheet: Sheet, level: str) -> tuple[int, int]:
        """Periods and regions."""
        return len(sheet.periods), self.count(level)


def assemble(
    nesting: Nesting,
    columns: Iterable[Column],
    *,
    small_number: float = 10,
    protection: float | None = None,
    before: Before = NOTHING,
) -> Tables:
    """Tables of columns: gives equal facts one variable.

    Parameters
    ----------
    small_number : a base over 0 and under this is hidden.
    protection : width that the interval of every hidden base must exceed; by default
        `small_number`. That of a product is the protection times the mean size of the measure's
        values in that period, so that both hide as many people.
    """
    width = float(small_number if protection is None else protection)
    columns = tuple(columns)
    books = _Variables(len(nesting.codes[-1]))
    for column in columns:
        books.gather(column.quantity, column.fact, column.known, column.base)
        if column.product is not None:
            assert column.product_fact is not None, "a product is a fact of its own"
            books.gather(column.product_quantity, column.product_fact, column.known, column.product)
    books.settle()
    sheets = tuple(_sheet(nesting, column, books, width) for column in columns)
    pairs = [
        _rising(sheet.base.variable, books.truth)
        for sheet, column in zip(sheets, columns, strict=True)
        if column.rising
    ]
    rising = np.unique(np.concatenate([np.zeros((0, 2), np.int64), *pairs]), axis=0)
    return Tables(
        nesting,
        sheets,
        books.truth,
        books.signed,
        rising,
        float(small_number),
        width,
        books.whole,
        before,
    )


class _Variables:
    """Gives numbers to facts: first all are gathered, then they are looked up."""

    def __init__(self, leaves: int) -> None:
        self._leaves = leaves
        self._keys: dict[str, list[Ints]] = {}
        self._values: dict[str, list[Floats]] = {}
        self._sorted: dict[str, tuple[Ints, int]] = {}
        self.truth = np.zeros(0)
        self.signed = np.zeros(0, np.bool_)
        self.whole = np.zeros(0, np.bool_)

    def _key(self, fact: Ints) -> Ints:
        return fact.astype(np.int64) * self._leaves + np.arange(self._leaves)

    def gather(self, quantity: str, fact: Ints, known: Bools, value: Floats) -> None:
        self._keys.setdefault(quantity, []).append(self._key(fact)[known])
        self._values.setdefault(quantity, []).append(value[known])

    def settle(self) -> None:
        truth, first = [np.zeros(0)], 0
        signed, whole = [np.zeros(0, np.bool_)], [np.zeros(0, np.bool_)]
        for quantity, parts in self._keys.items():
            keys, where = np.unique(np.concatenate(parts), return_index=True)
            values = np.concatenate(self._values[quantity])[where]
            self._sorted[quantity] = (keys, first)
            first += len(keys)
            truth.append(values)
            # That nothing is below zero, or all is whole, is taken for known wherever it is true.
            signed.append(np.full(len(keys), bool((values < 0).any())))
            whole.append(np.full(len(keys), bool((values == np.round(values)).all())))
        self.truth = np.concatenate(truth)
        self.signed, self.whole = np.concatenate(signed), np.concatenate(whole)

    def find(self, quantity: str, fact: Ints, known: Bools) -> Ints:
        keys, first = self._sorted[quantity]
        found = np.full(known.shape, -1, np.int64)
        found[known] = np.searchsorted(keys, self._key(fact)[known]) + first
        return found


def _sheet(nesting: Nesting, column: Column, books: _Variables, width: float) -> Sheet:
    levels = tuple(level for level in nesting.levels if level in column.levels)
    count = len(column.periods)
    base = Part(
        BASE,
        books.find(column.quantity, column.fact, column.known),
        None,
        np.full(count, width),
        column.known,
    )
    product = None
    if column.product is not None and column.product_fact is not None:
        variable = books.find(column.product_quantity, column.product_fact, column.known)
        known = column.known
        told = known & column.told if column.told is not None else np.zeros_like(known)
        factor = np.where(known, 1.0, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            factor[told] = (column.product / column.base)[told]
        people = np.where(known, column.base, 0.0).sum(axis=1)
        size = np.abs(np.where(known, column.product, 0.0)).sum(axis=1)
        mean = np.divide(size, people, out=np.zeros(count), where=people > 0)
        product = Part(
            PRODUCT,
            # Of a published value and a hidden weight, only the weight is unknown.
            np.where(told, base.variable, variable),
            factor if told.any() else None,
            width * mean,
            known & ~told,
        )
    return Sheet(column.measure, column.round, column.periods, levels, base, product)


def _rising(variable: Ints, truth: Floats) -> Ints:
    """[M, 2]: each variable and the next one of the same leaf.

    A fall that was reported all the same is left out: it is a finding, and to an attacker only a
    sign that the rule does not hold there.
    """
    pairs = [np.zeros((0, 2), np.int64)]
    last = np.full(variable.shape[1], -1, np.int64)
    for row in variable:
        both = (row >= 0) & (last >= 0) & (row != last)
        first, second = last[both], row[both]
        fine = truth[first] <= truth[second]
        pairs.append(np.column_stack([first, second])[fine])
        last = np.where(row >= 0, row, last)
    return np.concatenate(pairs)


# --- from an edition ------------------------------------------------------------------------


def kinds(space: Workspace) -> dict[str, str]:
    """Measures that count people or households, and how: `sum` or `weighted`.

    Raises
    ------
    BadRequest : when a share is declared to count people: its parts count villages.
    """
    found: dict[str, str] = {}
    for measure in space.measures:
        if getattr(measure, "counts", ""):
            found[measure.id] = kind(measure)
    return found


def kind(measure: Measure) -> str:
    """How a measure counts: `sum` (its numerator does) or `weighted` (its denominator does).

    Raises
    ------
    BadRequest : for a share: its parts count villages.
    """
    if measure.rule.is_share:
        raise BadRequest(
            say("publish.share_counts"), value=measure.id, cure=say("publish.share_counts_cure")
        )
    return WEIGHTED if measure.rule is Rule.WEIGHTED_MEAN else SUM


def from_edition(
    edition: Edition,
    counted: Mapping[str, str],
    levels: Mapping[str, Collection[str]],
    *,
    small_number: float = 10,
    protection: float | None = None,
    before: Before = NOTHING,
) -> Tables:
    """The tables of a private edition: which cells are sums of the same facts is read from them.

    Parameters
    ----------
    counted : measure -> `sum` or `weighted` (`kinds`), for those that are to be published.
    levels : measure -> levels at which it is to be published, for *all* measures that are, also
        those that count no people: their values may be factors of what is hidden. A counted
        measure without levels is left out, unless it was published before.
    before : what readers have from earlier publications.

    Raises
    ------
    UnknownName : when a measure is not declared.
    EditionError : when the edition cannot be read.
    """
    own = {
        (measure, item.id): found
        for measure in counted
        for item in edition.rounds
        if edition.has(measure, item.id)
        and (found := (*levels.get(measure, ()), *before.levels(measure, item.id)))
    }
    names = _Names(edition, sorted({measure for measure, _ in own}))
    columns = [
        _column(edition, edition.space.measure(name), counted[name], round_id, found, levels, names)
        for (name, round_id), found in own.items()
    ]
    return assemble(
        edition.nesting, columns, small_number=small_number, protection=protection, before=before
    )


class _Names:
    """Which fact stands at each leaf and period: the roll-up run on row numbers, not values."""

    def __init__(self, edition: Edition, measures: list[str]) -> None:
        self._space = edition.space
        wanted = {
            name
            for one in measures
            for name in (self._space.measure(one).value, self._space.measure(one).weight)
            if name
        }
        table = pq.read_table(
            edition.folder / "facts.parquet",
            columns=["code", "round", "indicator", "period", "value", "status"],
            filters=[("indicator", "in", sorted(wanted) or [""])],
        ).to_pandas(ignore_metadata=True)
        table = table[table["value"].notna()].reset_index(drop=True)
        numbered = table.assign(value=np.arange(1.0, len(table) + 1.0))
        links = pd.DataFrame({"kind": [], "round": [], "id": [], "code": [], "since": []})
        self._reported = Reported(self._space, edition.nesting.codes[-1], numbered, links)
        # Facts of one file, period and round differ by leaf anyway; what tells variables apart is
        # round and period.
        codes, _ = pd.factorize(table["round"].astype(str) + "\n" + table["period"].astype(str))
        self._fact = np.concatenate([[0], codes + 1]).astype(np.int64)
        self._weights = lru_cache(maxsize=None)(self._find_weights)

    def value(self, indicator: str, round_id: str, wanted: tuple[str, ...]) -> tuple[str, Ints]:
        """Quantity, and [P, N] facts."""
        if self._space.indicator(indicator).derive is None:
            grid = self._reported.grid(indicator, round_id)
            assert grid is not None, "the measure has values"
            place = {name: number for number, name in enumerate(grid.periods)}
            rows = grid.value[[place[name] for name in wanted]]
            return indicator, self._numbers(rows)
        # What is computed is another number each period, even where its parts are not.
        count = self._reported.count
        facts = np.repeat(np.arange(len(wanted), dtype=np.int64)[:, None], count, axis=1)
        return f"{indicator}\n{round_id}", facts

    def weights(self, indicator: str, round_id: str, wanted: tuple[str, ...]) -> tuple[str, Ints]:
        """Quantity, and [P, N] facts of what weighs a weighted mean."""
        if self._space.indicator(indicator).derive is not None:
            return self.value(indicator, round_id, wanted)
        return indicator, self._weights(indicator, round_id, wanted)

    def _find_weights(self, indicator: str, round_id: str, wanted: tuple[str, ...]) -> Ints:
        return self._numbers(self._reported.weights(indicator, round_id, wanted))

    def _numbers(self, rows: Floats) -> Ints:
        numbers: Ints = self._fact[np.nan_to_num(rows).astype(np.int64)]
        return numbers


def _column(
    edition: Edition,
    measure: Measure,
    how: str,
    round_id: str,
    own: tuple[str, ...],
    levels: Mapping[str, Collection[str]],
    names: _Names,
) -> Column:
    leaf = edition.space.leaf.id
    found = edition.values(measure.id, round_id, leaf)
    known = np.asarray(found.reported > 0)
    assert measure.value is not None, "the workspace was validated"
    quantity, fact = names.value(measure.value, round_id, found.periods)
    declared = edition.space.indicator(measure.value)
    if how == SUM:
        return Column(
            measure.id, round_id, found.periods, own, known, found.numerator, quantity, fact,
            rising=declared.cumulative,
        )  # fmt: skip
    assert measure.weight is not None, "the workspace was validated"
    weight, weight_fact = names.weights(measure.weight, round_id, found.periods)
    return Column(
        measure.id,
        round_id,
        found.periods,
        own,
        known,
        found.denominator,
        weight,
        weight_fact,
        found.numerator,
        f"{quantity}\n{weight}",
        fact * (int(weight_fact.max(initial=0)) + 1) + weight_fact,
        _told(edition, measure, round_id, found.periods, levels),
    )


def _told(
    edition: Edition,
    measure: Measure,
    round_id: str,
    wanted: tuple[str, ...],
    levels: Mapping[str, Collection[str]],
) -> Bools | None:
    """[P, N]: leaves whose value another published measure shows by itself."""
    leaf = edition.space.leaf.id
    told = np.zeros((len(wanted), edition.count(leaf)), np.bool_)
    for other in edition.measures:
        if (
            other.id == measure.id
            or other.value != measure.value
            or leaf not in levels.get(other.id, ())
            or not edition.has(other.id, round_id)
        ):
            continue
        found = edition.values(other.id, round_id, leaf)
        place = {name: number for number, name in enumerate(found.periods)}
        for number, period in enumerate(wanted):
            if period in place:
                told[number] |= found.reported[place[period]] > 0
    return told if told.any() else None

"""Every published figure of a level, read once as columns; pages only look up positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geodata import periods
from geodata.edition import Edition, Region
from geodata.vocabulary import Direction, Rule, Status
from geodata.words import say
from geodata.workspace import Measure, Round
from layers.classify import leaf_word
from layers.numbers import amount, figure, with_unit
from layers.picture import name_of
from layers.plan import Point, standing
from layers.public.facts import first_measure, published

_WORDS = {int(one): one.word for one in Status}


@dataclass(frozen=True)
class Column:
    """A measure of a round at a level in its latest period; lists by region position."""

    measure: Measure
    round: Round
    leaf: bool
    leaf_label: str
    period: str
    """Label of the period."""
    there: tuple[str, ...]
    """Ids of all periods."""
    series: NDArray[np.float64]
    """[P, R]."""
    value: list[float]
    status: list[int]
    numerator: list[float]
    denominator: list[float]
    reported: list[int]
    expected: list[int]
    rank: list[int]
    """Rank among siblings, best first, from 1; 0 for none."""
    ranked: list[int]
    """How many siblings have a rank."""
    shared: list[bool]
    """Whether another sibling has the same rank."""

    def state(self, at: int) -> str:
        """Word of the status."""
        return _WORDS[self.status[at]]

    def known(self, at: int) -> bool:
        """Whether there is a value."""
        value = self.value[at]
        return value == value  # noqa: PLR0124  NaN is not itself; quicker than math.isnan

    def yes(self, at: int) -> bool:
        """Of a share at a leaf: whether the leaf is counted."""
        return self.value[at] >= 50

    @property
    def flag(self) -> bool:
        """Whether values are yes or no: a share, at a leaf."""
        return self.leaf and self.measure.rule.is_share

    def text(self, at: int) -> str:
        """The value in words; the status where there is none."""
        if not self.known(at):
            return say(f"pages.status.{self.state(at)}")
        if self.flag:
            word = leaf_word(self.measure)
            return say(f"layers.class.{word}") if self.yes(at) else say(f"layers.class.not_{word}")
        return amount(self.value[at], self.measure.digits, self.measure.unit)

    def basis(self, at: int) -> str:
        """What the value rests on, as `218 / 310 个村`; "" where that says nothing."""
        numerator, denominator = self.numerator[at], self.denominator[at]
        # NaN is not itself: a suppressed cell has no parts either.
        if not self.known(at) or numerator != numerator or denominator != denominator:  # noqa: PLR0124
            return ""
        rule = self.measure.rule
        if rule.is_share:
            return say(
                "pages.basis.share",
                numerator=_number(numerator, 0),
                denominator=_number(denominator, 0),
                leaf=self.leaf_label,
            )
        if rule is Rule.MEAN:
            return say(
                "pages.basis.mean",
                numerator=with_unit(_number(numerator, self.measure.digits), self.measure.unit),
                denominator=_number(denominator, 0),
                leaf=self.leaf_label,
            )
        if rule is Rule.WEIGHTED_MEAN and self.measure.denominator_label:
            return say(
                "pages.basis.weighted",
                label=self.measure.denominator_label,
                denominator=_number(denominator, 0),
            )
        return ""

    def state_text(self, at: int) -> str:
        """The status in words, with how many reported where some did not."""
        word = say(f"pages.status.{self.state(at)}")
        if self.leaf or not 0 < self.reported[at] < self.expected[at]:
            return word
        return say(
            "pages.basis.partial",
            status=word,
            reported=figure(self.reported[at]),
            expected=figure(self.expected[at]),
            leaf=self.leaf_label,
        )

    def plan(self, at: int, root: bool) -> tuple[Point, ...]:
        """The plan points against the region's series, as `layers.profile.progress` holds them:
        a leaf of a share is yes or no, and a promised sum is the whole's.
        """
        if self.flag or (not root and self.measure.rule is Rule.SUM):
            return ()
        points = [one for one in self.measure.plan if one.round == self.round.id]
        if not points or not self.known(at):
            return ()
        return standing(points, self.measure.direction, self.there, self.series[:, at].tolist())


class Reading:
    """An edition's figures for pages; columns are read at the first wish and kept."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self._columns: dict[str, tuple[Column, ...]] = {}
        self._names: dict[str, list[str]] = {}
        self._codes: dict[str, list[str]] = {}
        self._children: dict[str, list[NDArray[np.int64]]] = {}
        self.leaf = edition.levels[-1].id

    def columns(self, level: str) -> tuple[Column, ...]:
        """All that is published at a level, the last round first, measures as declared."""
        if level not in self._columns:
            self._columns[level] = tuple(
                self._column(measure, one, level)
                for one in reversed(self.edition.rounds)
                for measure in self.edition.measures
                if published(self.edition, measure.id, one.id, level)
            )
        return self._columns[level]

    def column(self, measure: str, round: str, level: str) -> Column | None:
        """One column; None where the measure is not published at the level."""
        for one in self.columns(level):
            if one.measure.id == measure and one.round.id == round:
                return one
        return None

    def names(self, level: str) -> list[str]:
        """Names of the level's regions by position."""
        if level not in self._names:
            self._names[level] = [str(one) for one in self.edition.regions(level)["name"]]
        return self._names[level]

    def codes(self, level: str) -> list[str]:
        """Codes of the level's regions by position."""
        if level not in self._codes:
            self._codes[level] = [str(one) for one in self.edition.regions(level)["code"]]
        return self._codes[level]

    def children(self, region: Region) -> tuple[str | None, list[int]]:
        """The level below and the positions of the region's children there."""
        order = [level.id for level in self.edition.levels]
        depth = order.index(region.level) + 1
        if depth == len(order):
            return None, []
        if region.level not in self._children:
            parents = self.edition.nesting.parents[depth]
            places = np.argsort(parents, kind="stable")
            edges = np.searchsorted(parents[places], np.arange(self.edition.count(region.level)))
            self._children[region.level] = np.split(places, edges[1:])
        return order[depth], [int(one) for one in self._children[region.level][region.position]]

    def name(self, region: Region) -> str:
        """What the region is called on a page: the root by the workspace's word for the whole."""
        return name_of(self.edition, region)

    @cached_property
    def first(self) -> tuple[str, str] | None:
        """Round and measure of the first map."""
        return first_measure(self.edition)

    def _column(self, measure: Measure, round: Round, level: str) -> Column:
        values = self.edition.values(measure.id, round.id, level)
        value = values.value[-1]
        leaf = level == self.leaf
        rank, ranked, shared = self._ranks(measure, level, value, leaf)
        return Column(
            measure,
            round,
            leaf,
            self.edition.levels[-1].label,
            periods.label(values.periods[-1]),
            values.periods,
            values.value,
            value.tolist(),
            values.status[-1].tolist(),
            values.numerator[-1].tolist(),
            values.denominator[-1].tolist(),
            values.reported[-1].tolist(),
            values.expected[-1].tolist(),
            rank,
            ranked,
            shared,
        )

    def _ranks(
        self, measure: Measure, level: str, value: NDArray[np.float64], leaf: bool
    ) -> tuple[list[int], list[int], list[bool]]:
        """Ranks among siblings, of all regions of a level at once (see `layers.ranking.ranks`)."""
        count = len(value)
        rank, ranked = np.zeros(count, np.int64), np.zeros(count, np.int64)
        shared = np.zeros(count, np.bool_)
        depth = [one.id for one in self.edition.levels].index(level)
        meant = measure.direction is not Direction.NONE and not (leaf and measure.rule.is_share)
        if meant and depth > 0:
            parents = np.asarray(self.edition.nesting.parents[depth])
            known = np.flatnonzero(~np.isnan(value))
            signed = value if measure.direction is Direction.LESS else -value
            order = known[np.lexsort((signed[known], parents[known]))]
            parent, mark = parents[order], signed[order]
            first = np.searchsorted(parent, parent, side="left")
            last = np.searchsorted(parent, parent, side="right")
            fresh = np.ones(len(order), np.bool_)
            fresh[1:] = (parent[1:] != parent[:-1]) | (mark[1:] != mark[:-1])
            heads = np.flatnonzero(fresh)
            run = np.cumsum(fresh) - 1
            sizes = np.diff(np.append(heads, len(order)))
            rank[order] = heads[run] - first + 1
            ranked[order] = last - first
            shared[order] = sizes[run] > 1
        return rank.tolist(), ranked.tolist(), shared.tolist()


def _number(value: float, digits: int) -> str:
    """A part of a value: whole where it is whole."""
    return figure(value, 0 if float(value).is_integer() else max(digits, 1))


def groups(columns: Sequence[Column], key: Any) -> list[tuple[Any, list[Column]]]:
    """Columns that share a key, keys in the order in which they first occur."""
    found: dict[Any, list[Column]] = {}
    for one in columns:
        found.setdefault(key(one), []).append(one)
    return list(found.items())

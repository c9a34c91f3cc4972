"""Classes of a measure: fixed bounds, labels and colours, the same for every period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geodata.edition import Edition
from geodata.vocabulary import Direction, Rule, Status
from geodata.words import say
from geodata.workspace import Measure
from layers import palette
from layers.numbers import figure, with_unit
from layers.remember import per_edition

MISSING = 255
"""What `assign` gives a region that should have reported and did not."""
OUT_OF_SCOPE = 254
"""What `assign` gives a region that the measure does not speak about."""
SUPPRESSED = 252
"""What `assign` gives a region whose value is known and not published: it counts too few people."""


@dataclass(frozen=True)
class Class:
    """One class: `lower` <= rounded value < `upper`; None is open."""

    index: int
    label: str
    lower: float | None
    upper: float | None
    light: str
    """Colour on a light ground, `#rrggbb`."""
    dark: str
    """Colour on a dark ground."""

    def as_dict(self) -> dict[str, object]:
        """For JSON; its index is its place in the list."""
        return {
            "label": self.label,
            "lower": self.lower,
            "upper": self.upper,
            "light": self.light,
            "dark": self.dark,
        }


@per_edition(512)
def classes(edition: Edition, measure: str, round: str, level: str) -> tuple[Class, ...]:
    """The classes of a measure at a level of a round, fixed over all its periods.

    Shares at the leaf level are yes or no. Declared breaks are used at every other level, so
    that a colour means the same amount from the root to the leaf; otherwise quantiles of all
    regions and periods of the level. More is always the stronger colour, whether it is better
    or worse; a diverging ramp turns at the measure's midpoint. Where a measure was not published
    there are no classes.
    """
    declared = edition.space.measure(measure)
    if not edition.shows(measure, level):
        return ()
    leaf = edition.levels[-1].id
    if declared.rule.is_share and level == leaf:
        return yes_or_no(declared)
    if declared.breaks:
        # Whether anything lies under the first break is asked of all levels at once, so that
        # drilling down does not shift the colours.
        lowest = min(
            (
                _lowest(edition.values(measure, round, one.id).value)
                for one in edition.levels
                if edition.shows(measure, one.id)
                and not (declared.rule.is_share and one.id == leaf)
            ),
            default=np.inf,
        )
        return from_breaks(declared, lowest)
    pooled = [level]
    levels = [one.id for one in edition.levels]
    if level in levels[:2] and not (declared.rule.is_share and levels[1] == leaf):
        # One region alone makes no classes: the root is classed with its children, and the
        # same colour says the same of both. A sum grows with the level and stays by itself.
        pooled = [level] if declared.rule is Rule.SUM else levels[:2]
    values = [
        edition.values(measure, round, one).value.ravel()
        for one in pooled
        if edition.shows(measure, one)
    ]
    return from_values(declared, np.concatenate(values))


def assign(
    values: ArrayLike, classes: Sequence[Class], status: ArrayLike | None = None
) -> NDArray[np.uint8]:
    """The class index of each value; `MISSING` where there is none, `OUT_OF_SCOPE` and `SUPPRESSED`
    by status.

    The rule, which the browser repeats: with v the rounded value (the array file's integer
    divided by 10 ** digits) the class is the last i with v >= lower of i; what is smaller than
    every bound is in class 0. Both sides divide an integer by a power of ten, and so get the
    same float as the bound's decimal.
    """
    given = np.asarray(values, dtype=np.float64)
    lowers = np.array([-np.inf if c.lower is None else c.lower for c in classes], dtype=np.float64)
    place = np.searchsorted(lowers, np.nan_to_num(given, nan=-np.inf), side="right") - 1
    found = np.clip(place, 0, max(len(classes) - 1, 0)).astype(np.uint8)
    found[np.isnan(given)] = MISSING
    if status is not None:
        state = np.asarray(status)
        found[state == Status.MISSING] = MISSING
        found[state == Status.OUT_OF_SCOPE] = OUT_OF_SCOPE
        found[state == Status.SUPPRESSED] = SUPPRESSED
    if not classes:
        found[found < SUPPRESSED] = MISSING
    return found


def yes_or_no(measure: Measure) -> tuple[Class, ...]:
    """The two classes of a share's leaves: 0 (false) and 100 (true)."""
    word = leaf_word(measure)
    bounds = [0.0, 100.0]
    colours = palette.ramp(_ramp(measure), 2)
    labels = [say(f"layers.class.not_{word}"), say(f"layers.class.{word}")]
    return _assemble(bounds, labels, colours)


def leaf_word(measure: Measure) -> str:
    """What a share says of a leaf: `met` or `true`. Who has no condition meets none."""
    return "met" if measure.direction is Direction.MORE and measure.where else "true"


def from_breaks(measure: Measure, lowest: float) -> tuple[Class, ...]:
    """Classes from declared lower bounds; one more, `< first`, if `lowest` lies under them."""
    bounds: list[float | None] = list(_with_zero(measure, set(measure.breaks)))
    if bounds and bounds[0] is not None and lowest < bounds[0]:
        bounds.insert(0, None)
    return _dressed(measure, bounds)


def from_values(measure: Measure, values: ArrayLike) -> tuple[Class, ...]:
    """Statistical classes of all `values` (NaN is left out); none for no value at all.

    Few distinct values become a class each. Otherwise quantiles, moved to round numbers where
    that keeps them apart; on both sides of a midpoint separately.
    """
    given = np.asarray(values, dtype=np.float64)
    given = given[np.isfinite(given)]
    if not given.size:
        return ()
    distinct = np.unique(given)
    if len(distinct) <= measure.classes:
        return _dressed(measure, [float(value) for value in distinct], unique=True)
    wanted = measure.classes
    if measure.midpoint is not None:
        middle = measure.midpoint
        below, above = given[given < middle], given[given >= middle]
        # Each side gets classes by its size, and at least one where it has anything.
        under = min(max(round(wanted * below.size / given.size), 1), wanted - 1)
        if not below.size or not above.size:
            under = wanted if below.size else 0
        inner = set(_quantiles(below, under, measure.digits))
        inner |= set(_quantiles(above, wanted - under, measure.digits))
        if below.size and above.size:
            inner.add(middle)
        inner = {bound for bound in inner if distinct[0] < bound <= distinct[-1]}
        return _dressed(measure, [None, *sorted(inner)])
    bounds: list[float | None]
    if measure.zero_class and distinct[0] <= 0 <= distinct[-1]:
        rest = given[given > 0]
        bounds = list(
            _with_zero(measure, set(_quantiles(rest, max(1, wanted - 1), measure.digits)))
        )
        if distinct[0] < 0:
            bounds.insert(0, None)
        return _dressed(measure, bounds)
    start = 0.0 if measure.rule.is_share else None
    return _dressed(measure, [start, *_quantiles(given, wanted, measure.digits)])


def _with_zero(measure: Measure, bounds: set[float]) -> list[float]:
    """The bounds in order; with a zero class also 0 and the smallest amount above it."""
    if measure.zero_class:
        step = 1 / 10**measure.digits
        # A break between 0 and the smallest amount that is shown could never be reached.
        bounds = {bound for bound in bounds if not 0 < bound <= step} | {0.0, step}
    return sorted(bounds)


def _quantiles(values: NDArray[np.float64], count: int, digits: int) -> list[float]:
    """Inner lower bounds of at most `count` classes, ascending, each above the smallest value."""
    distinct = np.unique(values)
    if len(distinct) < 2 or count < 2:
        return []
    if len(distinct) <= count:
        return [float(value) for value in distinct[1:]]
    inner = _inner(values, count, distinct)
    if len(inner) < count - 1:
        # Many equal values swallow quantiles; those of the distinct values tell more apart.
        inner = _inner(distinct, count, distinct)
    unit = 10.0**-digits
    width = (distinct[-1] - distinct[0]) / count
    step = max(unit, 10.0 ** np.floor(np.log10(width)) / 2)
    for rounding in (step, unit):
        nice = sorted({round(round(bound / rounding) * rounding, digits) for bound in inner})
        nice = [bound for bound in nice if distinct[0] < bound <= distinct[-1]]
        if len(nice) == len(inner):
            return nice
    return inner


def _inner(values: NDArray[np.float64], count: int, distinct: NDArray[np.float64]) -> list[float]:
    """Quantiles as lower bounds: of equal values all are in one class, the upper one.

    mapclassify finds the same edges, but warns where ties leave fewer classes.
    """
    edges = np.quantile(values, np.arange(1, count) / count)
    places = np.unique(np.searchsorted(distinct, edges, side="left"))
    return [float(distinct[place]) for place in places if 0 < place < len(distinct)]


def _dressed(
    measure: Measure, bounds: Sequence[float | None], *, unique: bool = False
) -> tuple[Class, ...]:
    """Bounds with labels and colours."""
    labels = _labels(measure, bounds, unique)
    colours = _colours(measure, bounds, unique)
    return _assemble(bounds, labels, colours)


def _assemble(
    bounds: Sequence[float | None],
    labels: Sequence[str],
    colours: Sequence[palette.Looks],
) -> tuple[Class, ...]:
    uppers = [*bounds[1:], None]
    return tuple(
        Class(index, label, lower, upper, light, dark)
        for index, (label, lower, upper, (light, dark)) in enumerate(
            zip(labels, bounds, uppers, colours, strict=True)
        )
    )


def _labels(measure: Measure, bounds: Sequence[float | None], unique: bool) -> list[str]:
    def number(value: float) -> str:
        return figure(value, measure.digits, trim=True)

    def between(lower: float, upper: float) -> str:
        # A dash beside a minus sign cannot be read.
        if lower < 0:
            return say("layers.class.range", lower=number(lower), upper=number(upper))
        return f"{number(lower)}–{number(upper)}"

    unit = 1 / 10**measure.digits
    labels = []
    for place, lower in enumerate(bounds):
        upper = bounds[place + 1] if place + 1 < len(bounds) else None
        if lower is None:
            text = f"< {number(upper)}" if upper is not None else say("layers.class.all")
        elif unique:
            text = number(lower)
        elif upper is None:
            whole = measure.rule.is_share and lower == 100
            text = number(lower) if whole else f"≥ {number(lower)}"
        elif measure.zero_class and lower == 0:
            text = number(0)
        elif measure.digits == 0:
            last = upper - 1
            text = number(lower) if last <= lower else between(lower, last)
        else:
            # Above a zero class the amounts begin at nothing: 0–5 reads better than 0.1–5.
            shown = 0.0 if measure.zero_class and lower == unit else lower
            text = between(shown, upper)
        last_one = place == len(bounds) - 1
        labels.append(with_unit(text, measure.unit) if last_one and lower is not None else text)
    return labels


def _colours(
    measure: Measure, bounds: Sequence[float | None], unique: bool
) -> tuple[palette.Looks, ...]:
    middle = measure.midpoint
    if middle is None:
        if measure.palette != "diverging":
            return palette.ramp(measure.palette, len(bounds))
        middle = 0.0
    sides = []
    for place, lower in enumerate(bounds):
        upper = bounds[place + 1] if place + 1 < len(bounds) else None
        if unique and lower is not None:
            sides.append(int(lower > middle) - int(lower < middle))
        elif measure.zero_class and lower == middle == 0:
            sides.append(0)
        elif upper is not None and upper <= middle:
            sides.append(-1)
        elif lower is not None and lower >= middle:
            sides.append(1)
        else:
            sides.append(0)
    return palette.diverging(sides.count(-1), 0 in sides, sides.count(1))


def _ramp(measure: Measure) -> str:
    return "blue" if measure.palette == "diverging" else measure.palette


def _lowest(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.min()) if finite.size else float("inf")

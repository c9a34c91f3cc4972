"""How many of everything: the programme's published figures, and their share in other worlds.

Source of the figures: the published reports of rounds 2 (2017-2020) and 3 (2021-2024). At 3520
villages they come out as published; for any other number of villages each is scaled, so that a
world ten times as large has ten times as many targets, teams and people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from math import ceil

VILLAGES = 3520
"""Administrative villages that the published figures speak about."""

URBAN = ("120111", "120112", "120113", "120116")
"""环城四区 (东丽 has no village left here) and 滨海新区: at least 10 % of their villages are in
round 2, everywhere else about 30 %."""

URBAN_WEIGHT, RURAL_WEIGHT = 14, 31
LEAST_PERCENT = 10


@dataclass(frozen=True)
class Counts:
    """The counts that a demo world comes out with, exactly."""

    villages: int
    targets2: int
    branch: int
    below20: int
    below10: int
    below5: int
    zero: int
    below_average: int
    infrastructure: int
    conflict: int
    teams2: int
    people2: int
    units2: int
    municipal2: int
    district2: int
    stationed2: int
    private2: int
    targets3: int
    teams3: int
    people3: int
    units3: int

    @property
    def pairs2(self) -> int:
        """Teams of round 2 that live in two villages."""
        return self.targets2 - self.teams2

    @property
    def pairs3(self) -> int:
        """Teams of round 3 that live in two villages."""
        return self.targets3 - self.teams3


PUBLISHED = Counts(
    villages=VILLAGES,
    targets2=1000,
    branch=55,
    below20=952,
    below10=710,
    below5=548,
    zero=312,
    below_average=841,
    infrastructure=508,
    conflict=22,
    teams2=684,
    people2=2062,
    units2=790,
    municipal2=220,
    district2=460,
    stationed2=89,
    private2=21,
    targets3=800,
    teams3=450,
    people3=1364,
    units3=554,
)


def scaled(villages: int) -> Counts:
    """The published figures for a world of ``villages`` villages, kept possible.

    Possible means: a team lives in one or two villages, every team has a unit and somebody in it,
    parts don't exceed wholes, and the four kinds of units sum to all units.
    """
    if villages == VILLAGES:
        return PUBLISHED

    def share(count: int, least: int = 1) -> int:
        return max(least, round(Fraction(count * villages, VILLAGES)))

    targets2, targets3 = share(PUBLISHED.targets2), share(PUBLISHED.targets3)
    teams2 = min(targets2, share(PUBLISHED.teams2, ceil(targets2 / 2)))
    teams3 = min(targets3, share(PUBLISHED.teams3, ceil(targets3 / 2)))
    units2, units3 = share(PUBLISHED.units2, teams2), share(PUBLISHED.units3, teams3)
    kinds = apportion(
        units2,
        [
            PUBLISHED.municipal2,
            PUBLISHED.district2,
            PUBLISHED.stationed2,
            PUBLISHED.private2,
        ],
    )
    return Counts(
        villages=villages,
        targets2=targets2,
        branch=share(PUBLISHED.branch, 0),
        below20=min(targets2, share(PUBLISHED.below20, 0)),
        below10=share(PUBLISHED.below10, 0),
        below5=share(PUBLISHED.below5, 0),
        zero=share(PUBLISHED.zero, 0),
        below_average=min(targets2, share(PUBLISHED.below_average, 0)),
        infrastructure=share(PUBLISHED.infrastructure, 0),
        conflict=share(PUBLISHED.conflict, 0),
        teams2=teams2,
        people2=share(PUBLISHED.people2, 2 * teams2),
        units2=units2,
        municipal2=kinds[0],
        district2=kinds[1],
        stationed2=kinds[2],
        private2=kinds[3],
        targets3=targets3,
        teams3=teams3,
        people3=share(PUBLISHED.people3, 2 * teams3),
        units3=units3,
    )


def apportion(
    total: int,
    weights: Sequence[int],
    least: Sequence[int] | None = None,
    most: Sequence[int] | None = None,
) -> list[int]:
    """Share ``total`` in proportion to whole ``weights`` by largest remainder.

    Nobody gets less than ``least`` or more than ``most``; ties go to the first. Raises
    ``ValueError`` when the bounds leave no way.
    """
    low = list(least) if least is not None else [0] * len(weights)
    high = list(most) if most is not None else [total] * len(weights)
    whole = sum(weights)
    shares = [
        min(max(total * weight // whole, low[k]), high[k]) for k, weight in enumerate(weights)
    ]
    step = 1 if sum(shares) < total else -1
    # How far a share is from its exact part, times `whole`: whole numbers, so no rounding.
    waiting = [
        (-step * (total * weight - shares[k] * whole), k) for k, weight in enumerate(weights)
    ]
    heapify(waiting)
    left = abs(total - sum(shares))
    while left:
        if not waiting:
            raise ValueError(f"{total} cannot be shared within {low} .. {high}")
        distance, k = heappop(waiting)
        if shares[k] == (high[k] if step > 0 else low[k]):
            continue
        shares[k] += step
        left -= 1
        heappush(waiting, (distance + whole, k))
    return shares

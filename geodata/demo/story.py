"""Tell one story a village: a single history from 2016 to 2024 that every file is an excerpt of.

The heart is the monthly collective operating income. Years are its sums, `collective_income` is
its trailing twelve months, round 3's targets are ranked from it, and a team's arrival changes how
it goes on. Items, projects and houses follow from who arrived when. Nothing is drawn a second
time for another round: what differs between the rounds is only which part of the story is told.

Places matter: wealth and works are smooth fields over the map plus a little of each village's own,
so that neighbours are alike and districts differ.

Everything here is invented, but calibrated: the counts of round 2's start (:mod:`counts`) come out
exactly, because starting values are read from quantile curves by rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.demo import counts as published
from geodata.demo.counts import Counts, apportion
from geodata.demo.geography import Geography
from geodata.demo.rosters import settle
from geodata.measures import rank_lowest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

YEARS = tuple(range(2016, 2025))
MONTHS = 12 * len(YEARS)
CENT = 0.01
"""万元 in one unit of :attr:`Story.monthly`: a hundred yuan, so that files round nothing."""

AVERAGE = {
    2016: 20076,
    2017: 21754,
    2018: 23065,
    2019: 24804,
    2020: 25691,
    2021: 27955,
    2022: 29018,
    2023: 30851,
    2024: 32500,
}
"""Disposable income a head of Tianjin's rural residents, yuan a year, as the statistical
communiqués published it; 2024 is this demo's estimate."""

ITEMS2 = (
    "roads_paved",
    "street_lights",
    "safe_waste",
    "clean_energy",
    "greening",
    "healthy_living",
    "party_room",
    "library",
    "culture_room",
    "shop",
    "clinic",
    "post_station",
)
"""六化六有, in the order of the published standard."""

ITEMS3 = ("road", "water", "power", "digital", "sewage", "environment", "service_centre")

_RARITY2 = np.array([1.0, 1.0, 1.5, 2.2, 1.3, 1.8, 0.5, 0.8, 1.2, 0.7, 0.9, 1.6])
_RARITY3 = np.array([1.0, 0.6, 0.5, 1.8, 2.2, 1.4, 1.1])
LAGGING = 5
"""A village that lacks so many of the twelve items at the start is listed for infrastructure."""

_WEALTH = {"120116": 0.72, "120111": 0.6, "120113": 0.65, "120112": 0.6, "120114": 0.15,
           "120118": -0.1, "120115": -0.15, "120117": -0.2, "120119": -0.3}  # fmt: skip
_LUCK = {"120113": 0.6, "120114": 0.8, "120116": 0.3, "120111": 0.4, "120115": 0.3,
         "120112": 0.2, "120117": -0.1, "120118": -0.7, "120119": -0.3}  # fmt: skip
"""Which districts get ahead of the plan and which fall behind it."""
_DELAY = {"120119": 2}
"""Months by which a district's projects of round 3 begin later than elsewhere."""

_HILLS_NORTHING = 4_434_000.0  # about 40.04° N, where the hills of 蓟州 begin


def month(year: int, number: int) -> int:
    """Position of a month in the story: January 2016 is 0."""
    return (year - YEARS[0]) * 12 + number - 1


START2, END2 = month(2017, 7), month(2020, 12)
START3, END3 = month(2021, 7), month(2024, 12)
NEVER = MONTHS + 1


@dataclass(frozen=True)
class Assisted:
    """The villages of one round and what was done in them; months are positions, T targets."""

    rows: Ints
    """Positions of the targets in `Story.villages`, ascending."""
    team: Ints
    """Team of each target, 0 .. teams - 1; a team has one target or two."""
    arrival: Ints
    """Month in which the team moved in."""
    built: Ints
    """(T, items) month from which an item is there; before the round when it always was."""
    houses: Ints
    """Unsafe houses (grade C or D) at the start."""
    houses_done: Ints
    """Month by which the last of them is dealt with."""
    started: Ints
    """Month in which the industry project started."""
    done: Ints
    """Month in which it was finished, always after it started."""

    def unsafe(self, at: int) -> Ints:
        """Unsafe houses of each target left at month ``at``; never more than before."""
        share = np.clip((at - self.arrival) / np.maximum(self.houses_done - self.arrival, 1), 0, 1)
        left: Ints = self.houses - np.floor(self.houses * share).astype(np.int64)
        return left


@dataclass(frozen=True)
class Story:
    """What happened in every village. N villages in code order."""

    villages: pd.DataFrame
    """`code`, `name`, `town`, `district` (codes), `x`, `y` (metres) of each village."""
    monthly: Ints
    """(N, 108) own-source collective operating income of each month, in hundreds of yuan."""
    disposable: Ints
    """(N, 9) disposable income a head, yuan a year."""
    people: Ints
    """(N, 9) registered people at the end of each year."""
    civilised: Ints
    """Month from which a village is 文明村."""
    safe: Ints
    """Month from which it is 平安村庄."""
    round2: Assisted
    round3: Assisted
    branch: Bools
    """Of round 2's targets: listed for a weak party branch."""
    infrastructure: Bools
    """Listed for lagging infrastructure."""
    conflict: Bools
    """Listed for conflict, petitions or public security."""

    def annual(self, year: int) -> Ints:
        """(N,) income of a year, in hundreds of yuan."""
        first = month(year, 1)
        total: Ints = self.monthly[:, first : first + 12].sum(axis=1)
        return total

    def trailing(self, at: int) -> Ints:
        """(N,) income of the twelve months up to ``at``, in hundreds of yuan."""
        total: Ints = self.monthly[:, at - 11 : at + 1].sum(axis=1)
        return total


def tell(geography: Geography, counts: Counts, seed: int) -> Story:
    """Tell the story of all villages of ``geography``; the same seed tells the same."""
    rng = [np.random.default_rng(part) for part in np.random.SeedSequence((seed, 2)).spawn(12)]
    points = geography.villages.geometry.representative_point()
    villages = pd.DataFrame(geography.villages.drop(columns="geometry")).assign(
        x=points.x.to_numpy(), y=points.y.to_numpy()
    )
    x, y = villages["x"].to_numpy(), villages["y"].to_numpy()
    district = villages["district"].str[:6]
    luck = district.map(_LUCK).to_numpy(float)

    wealth = _standard(
        district.map(_WEALTH).to_numpy(float)
        + 0.75 * _field(x, y, rng[0], 12_000, 60_000)
        - 0.45 * np.clip((y - _HILLS_NORTHING) / 12_000, 0, 1.2)
        + 0.35 * rng[0].standard_normal(len(x))
    )
    works = _standard(
        0.45 * wealth
        + 0.7 * _field(x, y, rng[1], 8_000, 40_000)
        + 0.4 * rng[1].standard_normal(len(x))
    )
    effort = _standard(
        luck + 0.55 * _field(x, y, rng[2], 10_000, 40_000) + 0.4 * rng[2].standard_normal(len(x))
    )

    rows2 = _choose_2(wealth + 0.3 * works, district, counts)
    start = _starting_income(wealth, rows2, counts, rng[3])
    disposable = _disposable(wealth, effort, rows2, start, counts, rng[4])
    branch, lagging, conflict = _reasons(
        works[rows2], start[rows2], disposable[rows2, 0], counts, rng[5]
    )
    team2 = settle(x[rows2], y[rows2], villages["district"].to_numpy()[rows2], counts.pairs2)
    round2 = _assist_2(rows2, team2, effort, lagging, wealth, rng[6])
    level = _income_to_2020(start, round2, wealth, effort, rng[7])
    texture = _texture(len(x), rng[8])
    before = _months(level[:, : month(2021, 1)], texture, start)
    lowest, before = _choose_3(before, villages["code"].to_numpy(), counts)
    rows3 = np.flatnonzero(villages["code"].isin(lowest).to_numpy())
    team3 = settle(x[rows3], y[rows3], villages["district"].to_numpy()[rows3], counts.pairs3)
    round3 = _assist_3(rows3, team3, effort, works, round2, rng[9])
    delay = district.map(_DELAY).fillna(0).to_numpy(np.int64)
    level = _income_from_2021(level, round2, round3, effort, delay, rng[10])
    monthly = np.concatenate([before, _months(level, texture, start)[:, before.shape[1] :]], axis=1)
    return Story(
        villages=villages,
        monthly=monthly,
        disposable=_disposable_later(disposable, round2, round3, effort, rng[4]),
        people=_people(len(x), rng[11]),
        civilised=_titles(effort, round2, round3, (0.22, 0.62, 0.955), 0.45, rng[5]),
        safe=_titles(effort, round2, round3, (0.36, 0.715, 0.975), 0.6, rng[5]),
        round2=round2,
        round3=round3,
        branch=branch,
        infrastructure=lagging,
        conflict=conflict,
    )


# --- Fields and ranks ------------------------------------------------------------------------


def _field(
    x: Floats, y: Floats, rng: np.random.Generator, shortest: float, longest: float
) -> Floats:
    """A smooth random field with mean 0 and variance about 1, waves of so many metres."""
    waves = 24
    lengths = np.exp(rng.uniform(np.log(shortest), np.log(longest), waves))
    bearing, phase = rng.uniform(0, 2 * np.pi, (2, waves))
    field = np.zeros(len(x))
    for k in range(waves):
        along = x * np.cos(bearing[k]) + y * np.sin(bearing[k])
        field += np.cos(2 * np.pi * along / lengths[k] + phase[k])
    scaled: Floats = field * np.sqrt(2 / waves)
    return scaled


def _standard(values: Floats) -> Floats:
    standard: Floats = (values - values.mean()) / max(float(values.std()), 1e-9)
    return standard


def _ranks(values: Floats) -> Floats:
    """Where each value stands among all, 0 (lowest) to 1, evenly; ties by position."""
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = (np.arange(len(values)) + 0.5) / max(len(values), 1)
    return ranks


def _lowest(values: Floats, count: int) -> Bools:
    """Marks the ``count`` lowest; ties by position."""
    chosen = np.zeros(len(values), dtype=bool)
    chosen[np.argsort(values, kind="stable")[:count]] = True
    return chosen


def _spread(values: Floats, count: int, low: float, high: float, power: float = 1.0) -> Floats:
    """``count`` amounts between ``low`` and ``high`` in the order of ``values``' ranks."""
    return low + (high - low) * _ranks(values[:count]) ** power


# --- Round 2's start -------------------------------------------------------------------------


def _choose_2(score: Floats, district: pd.Series, counts: Counts) -> Ints:
    """The neediest of each district: a share of its villages, smaller around the city."""
    sizes = district.value_counts().sort_index()
    urban = [code in published.URBAN for code in sizes.index]
    shares = apportion(
        counts.targets2,
        [
            int(size) * (published.URBAN_WEIGHT if near else published.RURAL_WEIGHT)
            for size, near in zip(sizes, urban, strict=True)
        ],
        least=[
            -(-int(size) * published.LEAST_PERCENT // 100) if near else 0
            for size, near in zip(sizes, urban, strict=True)
        ],
        most=[int(size) for size in sizes],
    )
    chosen = []
    for code, share in zip(sizes.index, shares, strict=True):
        here = np.flatnonzero((district == code).to_numpy())
        chosen.append(here[np.argsort(score[here], kind="stable")[:share]])
    return np.sort(np.concatenate(chosen))


def _choose_3(before: Ints, codes: NDArray[np.object_], counts: Counts) -> tuple[pd.Index, Ints]:
    """The codes of the lowest mean incomes of 2018-2020, and the months up to 2020 again.

    Whoever stands just above the last one chosen earns a little more if the two are level: rank
    and count then don't hang on how a mean is rounded.
    """
    before = before.copy()
    recent = before[:, month(2018, 1) :].sum(axis=1)
    order = np.lexsort((codes, recent))
    inside, outside = order[: counts.targets3], order[counts.targets3 :]
    level = outside[recent[outside] <= recent[inside[-1]] + 1]
    before[level, -1] += 3
    means = pd.Series(before[:, month(2018, 1) :].sum(axis=1) / 3, index=codes)
    return rank_lowest(means, counts.targets3), before


def _starting_income(wealth: Floats, rows2: Ints, counts: Counts, rng: np.random.Generator) -> Ints:
    """Income of 2016 in hundreds of yuan; among round 2's targets with the published counts."""
    rank = np.argsort(wealth[rows2] + 0.35 * rng.standard_normal(len(rows2)), kind="stable")
    edges = (counts.zero, counts.below5, counts.below10, counts.below20, len(rows2))
    bands = ((0.4, 4.9), (5.1, 9.9), (10.1, 19.7), (20.4, 48.0))
    ordered = np.zeros(len(rows2))
    for (low, high), first, last in zip(bands, edges[:-1], edges[1:], strict=True):
        step = (np.arange(last - first) + 0.5) / max(last - first, 1)
        ordered[first:last] = low + (high - low) * step**1.15
    income = np.empty(len(wealth))
    others = np.setdiff1d(np.arange(len(wealth)), rows2)
    share = _ranks(wealth[others] + 0.45 * rng.standard_normal(len(others)))
    income[others] = np.exp(
        np.interp(
            share,
            [0.0, 0.04, 0.15, 0.3, 0.5, 0.75, 0.92, 1.0],
            np.log([2.5, 5.0, 9.0, 14.5, 32.0, 75.0, 170.0, 620.0]),
        )
    )
    income[rows2[rank]] = ordered
    return np.rint(income / CENT).astype(np.int64)


def _disposable(
    wealth: Floats,
    effort: Floats,
    rows2: Ints,
    start: Ints,
    counts: Counts,
    rng: np.random.Generator,
) -> Floats:
    """(N, 9) with 2016 filled in: disposable income a head, yuan."""
    table = np.zeros((len(wealth), len(YEARS)))
    average = AVERAGE[YEARS[0]]
    table[:, 0] = average * np.exp(0.06 + 0.13 * wealth + 0.07 * rng.standard_normal(len(wealth)))
    order = np.argsort(
        wealth[rows2] + 0.02 * start[rows2] * CENT + 0.6 * rng.standard_normal(len(rows2)),
        kind="stable",
    )
    ordered = np.empty(len(rows2))
    below = counts.below_average
    ordered[:below] = 0.72 + (0.994 - 0.72) * ((np.arange(below) + 0.5) / max(below, 1)) ** 0.7
    above = len(rows2) - below
    ordered[below:] = 1.006 + 0.2 * ((np.arange(above) + 0.5) / max(above, 1)) ** 1.6
    table[rows2[order], 0] = average * ordered
    return np.rint(table)


def _reasons(
    works: Floats,
    start: Ints,
    disposable: Floats,
    counts: Counts,
    rng: np.random.Generator,
) -> tuple[Bools, Bools, Bools]:
    """Why a target was listed besides income: branch, infrastructure, conflict.

    Whoever is neither short of income nor below the average is listed for infrastructure first,
    so that every target has a reason.
    """
    unexplained = (start >= 20 / CENT) & (disposable >= AVERAGE[YEARS[0]])
    lagging = _lowest(works - 100.0 * unexplained, counts.infrastructure)
    branch = _lowest(rng.random(len(works)) + 0.15 * works, counts.branch)
    conflict = _lowest(rng.random(len(works)) + 0.3 * branch, counts.conflict)
    return branch, lagging, conflict


# --- What teams do ---------------------------------------------------------------------------


def _assist_2(
    rows: Ints,
    team: Ints,
    effort: Floats,
    lagging: Bools,
    wealth: Floats,
    rng: np.random.Generator,
) -> Assisted:
    """Round 2: teams move in from August 2017; half have all twelve items by the end of 2018."""
    size = len(rows)
    here = effort[rows]
    arrival = _arrivals(team, month(2017, 8), (0.45, 0.3, 0.15, 0.07, 0.03), rng)
    lacking = np.where(lagging, rng.integers(LAGGING, 10, size), rng.integers(0, LAGGING, size))
    # A tenth was complete from the start: no more than that, so that the plan has work to do.
    lacking = np.maximum(lacking, (rng.random(size) < 0.55).astype(np.int64))
    need = 0.16 * lacking - 0.55 * here + 0.6 * rng.standard_normal(size)
    finished = _by_rank(
        np.where(lacking == 0, -np.inf, need),
        ((0, START2 - 1), (0.09, START2), (0.2, month(2018, 3)), (0.515, month(2018, 12)),
         (0.83, month(2019, 12)), (0.965, month(2020, 11)), (1.0, month(2022, 6))),
    )  # fmt: skip
    built = _items(lacking, arrival, finished, _RARITY2, rng)

    pace = _standard(0.9 * here + 0.9 * rng.standard_normal(size))
    started = _by_rank(
        -pace,
        ((0, START2), (0.06, month(2017, 9)), (0.735, month(2018, 12)), (0.97, month(2019, 12)),
         (0.996, month(2020, 8)), (1.0, NEVER)),
    )  # fmt: skip
    started = np.maximum(started, arrival)
    done = _by_rank(
        -pace - 0.25 * rng.standard_normal(size),
        ((0, month(2017, 10)), (0.385, month(2018, 12)), (0.8, month(2019, 12)),
         (0.955, month(2020, 11)), (1.0, month(2022, 1))),
    )  # fmt: skip
    houses = rng.poisson(np.clip(3.2 - 1.1 * wealth[rows], 0.4, 9.0))
    return Assisted(
        rows=rows,
        team=team,
        arrival=arrival,
        built=built,
        houses=houses,
        houses_done=arrival + rng.integers(5, 36, size) + np.where(here < -1.2, 12, 0),
        started=started,
        done=np.maximum(done, np.minimum(started + 2, NEVER)),
    )


def _assist_3(
    rows: Ints,
    team: Ints,
    effort: Floats,
    works: Floats,
    round2: Assisted,
    rng: np.random.Generator,
) -> Assisted:
    """Round 3: teams move in from July 2021; seven items, the last ones ready in 2024."""
    size = len(rows)
    here = effort[rows]
    arrival = _arrivals(team, month(2021, 7), (0.55, 0.3, 0.12, 0.03), rng)
    helped = np.isin(rows, round2.rows)
    # What round 2 built is there: its villages lack less of what round 3 asks for.
    lacking = np.clip(
        np.rint(3.1 - 1.1 * helped - 0.9 * works[rows] + 1.1 * rng.standard_normal(size)), 0, 7
    ).astype(np.int64)
    need = 0.3 * lacking - 0.6 * here + 0.6 * rng.standard_normal(size)
    finished = _by_rank(
        np.where(lacking == 0, -np.inf, need),
        ((0, START3 - 1), (0.1, month(2021, 10)), (0.3, month(2022, 9)), (0.56, month(2023, 6)),
         (0.78, month(2024, 4)), (0.9, month(2024, 11)), (1.0, month(2027, 6))),
    )  # fmt: skip
    pace = _standard(0.9 * here + 0.9 * rng.standard_normal(size))
    started = _by_rank(
        -pace,
        ((0, month(2021, 8)), (0.45, month(2022, 3)), (0.82, month(2023, 3)),
         (0.975, month(2024, 8)), (1.0, NEVER)),
    )  # fmt: skip
    started = np.maximum(started, arrival)
    done = _by_rank(
        -pace - 0.25 * rng.standard_normal(size),
        ((0, month(2021, 12)), (0.3, month(2022, 10)), (0.64, month(2023, 9)),
         (0.88, month(2024, 11)), (1.0, month(2026, 1))),
    )  # fmt: skip
    houses = rng.poisson(np.where(helped, 0.5, np.clip(2.4 - 0.8 * works[rows], 0.5, 6.0)))
    return Assisted(
        rows=rows,
        team=team,
        arrival=arrival,
        built=_items(lacking, arrival, finished, _RARITY3, rng),
        houses=houses,
        houses_done=arrival + rng.integers(6, 36, size) + np.where(here < -0.8, 14, 0),
        started=started,
        done=np.maximum(done, np.minimum(started + 3, NEVER)),
    )


def _arrivals(team: Ints, first: int, shares: tuple[float, ...], rng: np.random.Generator) -> Ints:
    """Month in which each target's team moves in: most at once, some months later."""
    number = int(team.max()) + 1 if len(team) else 0
    late = np.searchsorted(np.cumsum(shares)[:-1], rng.random(number), side="right")
    arrival: Ints = first + late[team]
    return arrival


def _by_rank(score: Floats, curve: tuple[tuple[float, int], ...]) -> Ints:
    """Months along a curve of (share, month): the lowest score comes first."""
    share, months = zip(*curve, strict=True)
    at: Ints = np.ceil(np.interp(_ranks(score), share, months)).astype(np.int64)
    return at


def _items(
    lacking: Ints, arrival: Ints, finished: Ints, rarity: Floats, rng: np.random.Generator
) -> Ints:
    """(T, items) month from which each item is there.

    ``lacking`` of them are not there at the start; the last is ready at ``finished``, the others
    between the team's arrival and then. Rare items are lacking more often and come later.
    """
    size, number = len(lacking), len(rarity)
    draw = rng.gumbel(size=(size, number)) * 0.6 + np.log(rarity)
    place = np.argsort(np.argsort(-draw, axis=1, kind="stable"), axis=1, kind="stable")
    missing = place < lacking[:, None]
    # Place 0 is the hardest: it is the last to be built. Works begin slowly and then quicken.
    share = np.where(lacking[:, None] > 0, 1 - place / np.maximum(lacking, 1)[:, None], 0.0)
    share = np.clip(share + 0.08 * rng.standard_normal(share.shape) * (place > 0), 0.05, 1.0)
    last = np.maximum(finished, arrival + 1)
    built = arrival[:, None] + np.ceil((last - arrival)[:, None] * np.sqrt(share))
    built = np.where(built > MONTHS, NEVER, built)
    return np.where(missing, built, 0).astype(np.int64)


def _titles(
    effort: Floats,
    round2: Assisted,
    round3: Assisted,
    shares: tuple[float, float, float],
    elsewhere: float,
    rng: np.random.Generator,
) -> Ints:
    """Month from which each village holds a title (文明村, 平安村庄), once and for all rounds.

    ``shares`` of round 2's targets hold it when the round starts, at the end of 2018 and at the
    end of 2020; ``elsewhere`` is the share of the other villages that hold it in 2016.
    """
    score = -0.7 * effort + 0.8 * rng.standard_normal(len(effort))
    held = _by_rank(
        score,
        ((0, 0), (elsewhere, 0), (elsewhere + 0.15, month(2021, 6)), (1.0, month(2032, 1))),
    )  # fmt: skip
    others = np.setdiff1d(round3.rows, round2.rows)
    held[others] = np.minimum(
        held[others],
        _by_rank(
            score[others],
            ((0, 0), (elsewhere, START3 - 1), (0.7, month(2022, 6)), (0.9, month(2024, 8)),
             (1.0, month(2026, 6))),
        ),
    )  # fmt: skip
    start, middle, end = shares
    held[round2.rows] = _by_rank(
        score[round2.rows],
        ((0, 0), (start, START2 + 1), (middle, month(2018, 12)), (end, END2), (1.0, NEVER)),
    )
    return held


# --- Income ----------------------------------------------------------------------------------


def _smooth(at: Ints | Floats, begin: Ints | Floats, length: Ints | Floats) -> Floats:
    """An S from 0 to 1: starts at month ``begin`` and takes ``length`` months."""
    share = np.clip((at - begin) / np.maximum(length, 1), 0, 1)
    curve: Floats = share * share * (3 - 2 * share)
    return curve


def _income_to_2020(
    start: Ints, round2: Assisted, wealth: Floats, effort: Floats, rng: np.random.Generator
) -> Floats:
    """(N, 108) income level in 万元 a year, right up to the end of 2020 and carried on after it.

    Before a team: slow growth, some stagnate or decline. After it: a rise to a new level, sooner
    where the district is quick, that reaches 20 万元 by 2020 in nearly every target.
    """
    at = np.arange(MONTHS)
    base: Floats = (start * CENT).astype(np.float64)
    growth = 0.03 + 0.02 * effort + 0.02 * rng.standard_normal(len(start))
    level = base[:, None] * np.exp(growth[:, None] * (at - 5.5)[None, :] / 12)
    # A few that no round helped yet lose the lease that they lived on, and earn nothing after it.
    poor = np.setdiff1d(np.flatnonzero(base < 9), round2.rows)
    lost = poor[rng.random(len(poor)) < 0.04]
    ended = rng.integers(month(2018, 3), month(2020, 1), (len(lost), 1))
    level[lost] *= at < ended
    rows, size = round2.rows, len(round2.rows)
    ability = _standard(0.5 * wealth[rows] + 0.6 * effort[rows] + 0.8 * rng.standard_normal(size))
    goal = np.maximum(_goals(ability, 0.065, rng), 1.12 * base[rows])
    eager = 0.09 * base[rows] + 0.5 * effort[rows] + 0.45 * rng.standard_normal(size)
    early = ~_lowest(eager, round(0.69 * size))
    begin = round2.arrival + np.where(early, rng.integers(0, 3, size), rng.integers(3, 13, size))
    length = np.where(early, rng.integers(5, 9, size), rng.integers(10, 24, size))
    # No target earns nothing by the end of 2018, says the plan: all but a few keep it.
    begin = np.where(early, begin, np.minimum(begin, month(2018, 8)))
    empty = np.flatnonzero(base[rows] == 0)
    latest = empty[np.argsort(eager[empty], kind="stable")[: max(round(0.004 * size), 0)]]
    begin[latest] = month(2019, 3)
    length = np.minimum(length, month(2020, 1) - begin)
    rise = _smooth(at[None, :], begin[:, None], length[:, None])
    level[rows] += (np.maximum(goal[:, None] - level[rows], 0)) * rise
    return level


def _income_from_2021(
    level: Floats,
    round2: Assisted,
    round3: Assisted,
    effort: Floats,
    delay: Ints,
    rng: np.random.Generator,
) -> Floats:
    """Go on after 2020: some fall back when round 2's team leaves, round 3's team lifts its own."""
    level = level.copy()
    at = np.arange(MONTHS)
    rows, size = round2.rows, len(round2.rows)
    weak = np.isin(rows, round3.rows)
    falls = weak & (rng.random(size) < 0.9)
    kept = np.where(falls, rng.uniform(0.35, 0.75, size), rng.uniform(0.95, 1.04, size))
    leaving = np.full((size, 1), month(2020, 11))
    after = _smooth(at[None, :], leaving, rng.integers(3, 7, (size, 1)))
    level[rows] *= 1 + (kept[:, None] - 1) * after

    rows, size = round3.rows, len(round3.rows)
    ability = _standard(1.2 * effort[rows] + 0.75 * rng.standard_normal(size))
    now = level[rows, month(2021, 6)]
    goal = _goals(ability, 0.16, rng)
    goal = np.maximum(goal, now * rng.uniform(1.02, 1.25, size))
    eager = 0.18 * ability + 0.05 * now + 0.6 * rng.standard_normal(size)
    begin = round3.arrival + np.floor(1 + 23 * (1 - _ranks(eager))).astype(np.int64)
    begin += delay[rows]
    # Whoever begins late is not ready when the round ends.
    length = np.minimum(rng.integers(8, 22, size), month(2024, 9) - begin)
    level[rows] += np.maximum(goal[:, None] - level[rows], 0) * _smooth(
        at[None, :], begin[:, None], length[:, None]
    )
    return level


def _goals(ability: Floats, stuck: float, rng: np.random.Generator) -> Floats:
    """What each target's income rises to, in 万元 a year: a share stays under 20.

    Most end in the twenties and thirties; one in eighty finds something large, such as a
    market hall or a solar field, and ends between 50 and 120.
    """
    size = len(ability)
    goal = 21.2 + np.exp(np.log(4.2) + 0.9 * rng.standard_normal(size) + 0.25 * ability)
    goal = np.minimum(goal, 75.0)
    large = (rng.random(size) < 1 / 80) & (ability > 0)
    goal[large] = _spread(rng.random(size), int(large.sum()), 52.0, 120.0, 1.6)
    below = _lowest(ability, round(stuck * size))
    goal[below] = _spread(rng.random(size), int(below.sum()), 4.0, 18.8, 0.5)
    return goal


def _texture(villages: int, rng: np.random.Generator) -> Floats:
    """(N, 108) share of a year's level that each month brings; 12 over each year.

    Rents come in spring and at the year's end; spring 2020 was thin everywhere.
    """
    season = np.array([0.8, 0.7, 1.1, 1.0, 0.9, 0.95, 0.9, 0.9, 1.0, 1.1, 1.05, 1.6])
    noise = np.exp(0.16 * rng.standard_normal((villages, len(YEARS), 12)))
    texture = season * noise
    texture *= 12 / texture.sum(axis=2, keepdims=True)
    # The year as a whole goes well or badly, a little.
    texture *= np.exp(0.025 * rng.standard_normal((villages, len(YEARS), 1)))
    texture[:, YEARS.index(2020), 1:4] *= 0.9
    whole: Floats = texture.reshape(villages, MONTHS)
    return whole


def _months(level: Floats, texture: Floats, start: Ints) -> Ints:
    """Income of each month in hundreds of yuan; 2016 sums to ``start`` exactly."""
    share = level / 12 * texture[:, : level.shape[1]]
    scale = start * CENT / np.maximum(share[:, :12].sum(axis=1), 1e-9)
    monthly = np.rint(share / CENT).astype(np.int64)
    monthly[:, :12] = np.floor(share[:, :12] * scale[:, None] / CENT)
    monthly[:, 11] += start - monthly[:, :12].sum(axis=1)
    return monthly


# --- People ----------------------------------------------------------------------------------


def _disposable_later(
    table: Floats, round2: Assisted, round3: Assisted, effort: Floats, rng: np.random.Generator
) -> Ints:
    """(N, 9) disposable income a head: the municipal growth, and more where a team works."""
    table = table.copy()
    for k, year in enumerate(YEARS[1:], start=1):
        growth = AVERAGE[year] / AVERAGE[year - 1] - 1
        extra = 0.008 * effort + 0.011 * rng.standard_normal(len(table))
        for assisted, first, last, gain in (
            (round2, 2018, 2020, 0.052),
            (round3, 2022, 2024, 0.018),
        ):
            if first - 1 <= year <= last:
                extra[assisted.rows] += gain * (0.5 if year < first else 1.0)
        table[:, k] = np.rint(table[:, k - 1] * (1 + growth + extra))
    return table.astype(np.int64)


def _people(villages: int, rng: np.random.Generator) -> Ints:
    """(N, 9) registered people, slowly fewer or more."""
    first = np.clip(np.exp(rng.normal(6.75, 0.55, villages)), 90, 6500)
    drift = rng.normal(-0.004, 0.006, villages)
    years = np.arange(len(YEARS))
    people: Ints = np.rint(first[:, None] * np.exp(drift[:, None] * years)).astype(np.int64)
    return people

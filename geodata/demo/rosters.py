"""Who helps: teams of one village or two, their people, and the units that send them.

No real person, department or firm is named: a unit is called by its kind, its field of work and a
number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geodata.demo.counts import apportion
from geodata.words import say

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS = ("municipal", "district", "stationed", "private")
FIELDS = ("party", "justice", "works", "economy", "farming", "education", "health", "culture")
_FIELDS_OF = {
    "municipal": FIELDS,
    "district": FIELDS,
    "stationed": ("economy", "works", "education"),
    "private": ("economy", "farming"),
}
_NEIGHBOURS = 12


@dataclass(frozen=True)
class Roster:
    """Teams and units of one round."""

    teams: pd.DataFrame
    """`id`, `name`, `people`, `villages` (tuple of one or two codes), `since` (`2017-08`)."""
    units: pd.DataFrame
    """`id`, `name`, `kind` and `field` (in words), `teams` (tuple of one or two ids)."""


def settle(x: Floats, y: Floats, district: NDArray[np.object_], pairs: int) -> Ints:
    """Team of each village: ``pairs`` teams of two near villages, all others of one.

    Two villages of a team lie in one district as long as that is possible. Teams are numbered in
    the order of their first village. Raises ``ValueError`` for more pairs than villages give.
    """
    size = len(x)
    if 2 * pairs > size:
        raise ValueError(f"{size} villages cannot make {pairs} pairs")
    partner = np.full(size, -1)
    made = 0
    for first, second in chain(_near(x, y, district), _leftovers(district)):
        if made == pairs:
            break
        if partner[first] < 0 and partner[second] < 0:
            partner[first], partner[second] = second, first
            made += 1
    free = np.flatnonzero(partner < 0)
    for first, second in zip(free[::2], free[1::2], strict=False):
        if made == pairs:
            break
        partner[first], partner[second] = second, first
        made += 1
    leader = np.where(partner >= 0, np.minimum(np.arange(size), partner), np.arange(size))
    team: Ints = np.unique(leader, return_inverse=True)[1].astype(np.int64)
    return team


def _near(x: Floats, y: Floats, district: NDArray[np.object_]) -> list[tuple[int, int]]:
    """Pairs of near neighbours in one district, nearest first."""
    found = []
    for code in np.unique(district):
        here = np.flatnonzero(district == code)
        if len(here) < 2:
            continue
        points = np.column_stack([x[here], y[here]])
        far, near = cKDTree(points).query(points, k=min(_NEIGHBOURS, len(here)))
        for k in range(len(here)):
            found += [
                (float(d), int(here[k]), int(here[n]))
                for d, n in zip(far[k][1:], near[k][1:], strict=True)
                if k < n
            ]
    return [(first, second) for _, first, second in sorted(found)]


def _leftovers(district: NDArray[np.object_]) -> Iterator[tuple[int, int]]:
    """All pairs of one district, neighbours in code order first."""
    for code in np.unique(district):
        here = np.flatnonzero(district == code)
        for gap in range(1, len(here)):
            yield from ((int(here[k]), int(here[k + gap])) for k in range(len(here) - gap))


def enrol(
    prefix: str,
    codes: NDArray[np.object_],
    districts: dict[str, str],
    team: Ints,
    arrival: Ints,
    need: NDArray[np.object_],
    people: int,
    units: dict[str, int],
    rng: np.random.Generator,
) -> Roster:
    """Name the teams and send units to them.

    ``codes``, ``team``, ``arrival`` (months since January 2016) and ``need`` (a field of
    :data:`FIELDS`: what the village lacks most, 因村派人) speak of each target; ``districts`` maps
    six digits to a name; ``units`` is how many there are of each kind. Every team has a unit;
    those left over join a team that has one, and one in twelve units takes part in a second team.
    """
    number = int(team.max()) + 1
    members: list[list[int]] = [[] for _ in range(number)]
    for position, which in enumerate(team):
        members[which].append(position)
    home = [codes[rows[0]][:6] for rows in members]
    sizes = _people(people, [len(rows) for rows in members], rng)
    ids = [f"{prefix}D{k + 1:0{max(4, len(str(number)))}d}" for k in range(number)]
    turn: dict[str, int] = {}
    names = []
    for code in home:
        turn[code] = turn.get(code, 0) + 1
        names.append(say("demo.team", district=districts[code], number=turn[code]))
    since = [int(arrival[rows[0]]) for rows in members]
    teams = pd.DataFrame(
        {
            "id": ids,
            "name": names,
            "people": sizes,
            "villages": [tuple(codes[row] for row in rows) for rows in members],
            "since": [f"{2016 + at // 12}-{at % 12 + 1:02d}" for at in since],
        }
    )
    wanted = [need[rows[0]] for rows in members]
    return Roster(teams, _units(prefix, ids, home, wanted, districts, units, rng))


def _people(total: int, villages: list[int], rng: np.random.Generator) -> list[int]:
    """Share ``total`` people among the teams: two or more each, more for two villages."""
    weights = [int(20 + 8 * count + rng.integers(0, 10)) for count in villages]
    least = min(2, total // max(len(villages), 1))
    return apportion(total, weights, least=[least] * len(villages))


def _units(
    prefix: str,
    teams: list[str],
    home: list[str],
    wanted: list[str],
    districts: dict[str, str],
    units: dict[str, int],
    rng: np.random.Generator,
) -> pd.DataFrame:
    total = sum(units.values())
    # District units stay in their own district: first share them by its teams, then fill up.
    kinds = [kind for kind in KINDS for _ in range(units.get(kind, 0))]
    order = rng.permutation(len(teams))
    leaders = [kinds[k] for k in rng.permutation(total)]
    rows = []
    turn: dict[tuple[str, ...], int] = {}
    joint = set(rng.permutation(total)[: total // 12].tolist())
    by_district: dict[str, list[int]] = {}
    for k, code in enumerate(home):
        by_district.setdefault(code, []).append(k)
    for k in range(total):
        # The first round over all teams gives each its leading unit; the rest are joint ones.
        first = int(order[k % len(teams)])
        kind = leaders[k]
        fields = _FIELDS_OF[kind]
        field = wanted[first] if wanted[first] in fields else fields[rng.integers(len(fields))]
        district = home[first] if kind == "district" else ""
        key = (kind, field, district)
        turn[key] = turn.get(key, 0) + 1
        joined = [teams[first]]
        others = [other for other in by_district[home[first]] if other != first]
        if k in joint and others:
            joined.append(teams[others[rng.integers(len(others))]])
        rows.append(
            (
                f"{prefix}U{k + 1:0{max(4, len(str(total)))}d}",
                say(
                    f"demo.unit.{kind}",
                    district=districts.get(district, ""),
                    field=say(f"demo.field.{field}"),
                    number=turn[key],
                ),
                say(f"demo.kind.{kind}"),
                say(f"demo.field.{field}"),
                tuple(joined),
            )
        )
    return pd.DataFrame(rows, columns=["id", "name", "kind", "field", "teams"])

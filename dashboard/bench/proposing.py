"""Proposals for a whole office, measured: the demo's villages, and a larger invented programme."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from geodata.edition import Edition
from geodata.ledger.places import places
from geodata.need import need
from geodata.proposals import Member, Part, Problem, Rules, Village, solve
from geodata.words import say

MEMBERS, FREE = 40, 3
LARGE = (100, 2000)
"""Members and villages of the invented programme."""
LIMITED = (40, 800)
TRAVEL_KM = 20.0
"""The same with a limit on travel."""


def measure(edition: Edition) -> list[dict[str, Any]]:
    """Rows of stage, seconds and gap (%): the edition's villages among 40 members, then 100 x 2000.

    Last 40 x 800 with a limit on travel (`travel_km`; other rows have none there). The first row is
    reading the figures; the last of each problem is all that a solve takes.
    """
    start = time.perf_counter()
    problem = of_edition(edition, MEMBERS)
    read = time.perf_counter() - start
    size = len(problem.villages)
    rows = [
        {
            "members": MEMBERS,
            "villages": size,
            "stage": say("propose.step.read"),
            "seconds": round(read, 2),
        }
    ]
    limited = invented(*LIMITED)
    limited = replace(limited, rules=replace(limited.rules, travel_km=TRAVEL_KM))
    return rows + _solved(problem) + _solved(invented(*LARGE)) + _solved(limited)


def _solved(problem: Problem) -> list[dict[str, Any]]:
    start = time.perf_counter()
    found = solve(problem)
    whole = time.perf_counter() - start
    head: dict[str, Any] = {"members": len(problem.members), "villages": len(problem.villages)}
    if problem.rules.travel_km:
        head["travel_km"] = problem.rules.travel_km
    rows: list[dict[str, Any]] = [
        {
            **head,
            "stage": say(f"propose.stage.{stage.name}"),
            "seconds": round(stage.seconds, 2),
            "gap_percent": round(100 * float(stage.gap), 2) if np.isfinite(stage.gap) else None,
        }
        for stage in found.stages
    ]
    return [*rows, {**head, "stage": say("bench.whole"), "seconds": round(whole, 2)}]


def of_edition(edition: Edition, members: int) -> Problem:
    """The problem of an edition whose members have nothing yet; each belongs to a support unit."""
    known, rules = places(edition), edition.space.contact_points
    wanted = need(edition, rules, {}, date(2000, 1, 1))
    codes = [code for code, _ in known.districts]
    supported: dict[str, list[str]] = {}
    for code, units in sorted(known.units.items()):
        for unit in sorted(units):
            supported.setdefault(unit, []).append(code)
    units_in_order = sorted(supported)
    villages = tuple(
        Village(
            code,
            known.names[at],
            codes[known.district[at]],
            float(known.lon[at]),
            float(known.lat[at]),
            tuple(
                Part(name, float(wanted.parts[name][n]), weight)
                for name, weight in wanted.weights.items()
            ),
        )
        for n, (code, at) in enumerate(zip(wanted.codes, wanted.positions.tolist(), strict=True))
    )
    people = tuple(
        Member(
            f"m{n:03d}",
            f"{n}",
            min(FREE, rules.per_member),
            tuple(supported[units_in_order[n % len(units_in_order)]]) if units_in_order else (),
        )
        for n in range(members)
    )
    every = known.wanted_districts()
    return Problem(
        people,
        villages,
        rules=Rules(
            every_district=rules.every_district and bool(every),
            per_district=rules.per_district,
            travel_km=rules.travel_km,
        ),
        districts=tuple(known.districts[n] for n in every),
    )


def invented(members: int, villages: int, seed: int = 1) -> Problem:
    """Villages in sixteen districts about 100 km across; every member is barred from three."""
    random = np.random.default_rng(seed)
    middles = random.uniform(0, 1, (16, 2))
    where = random.choice(16, villages, p=random.dirichlet(np.full(16, 2.0)))
    at = middles[where] + random.normal(0, 0.12, (villages, 2))
    found = tuple(
        Village(
            f"{n:06d}",
            f"{n}",
            f"d{where[n]:02d}",
            117 + float(at[n, 0]),
            39 + float(at[n, 1]),
            (Part("gap", round(float(random.beta(2, 2)), 3), 1.0),),
        )
        for n in range(villages)
    )
    problem = Problem(
        tuple(
            Member(
                f"m{n:03d}",
                f"{n}",
                FREE,
                tuple(found[v].code for v in random.choice(villages, 3, replace=False)),
            )
            for n in range(members)
        ),
        found,
        districts=tuple((f"d{n:02d}", f"{n}") for n in range(16)),
    )
    return replace(problem, rules=Rules(per_district=2))

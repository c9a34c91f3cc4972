"""Small invented problems for proposals, and their optima found by trying everything."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
from hypothesis import strategies as st

from geodata.proposals import Held, Member, Part, Problem, Rules, Solution, Village, Wish

DISTRICTS = ("东", "西", "北")


def village(code: str, need: float, district: str, x: float, y: float, room: int = 1) -> Village:
    """A village of one part; x and y in about 10 km."""
    return Village(
        code, f"{code}村", district, 117 + x * 0.116, 39 + y * 0.09, (Part("gap", need, 1.0),), room
    )


def km(one: Village | Held, other: Village | Held) -> float:
    """Great-circle distance."""
    a, b = math.radians(one.lat), math.radians(other.lat)
    half = math.sin((b - a) / 2) ** 2
    half += math.cos(a) * math.cos(b) * math.sin(math.radians(other.lon - one.lon) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(half))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """A few villages and members, and rules of every kind."""
    count = draw(st.integers(3, 7))
    shared = draw(st.booleans())
    villages = tuple(
        village(
            f"{n:02d}",
            draw(st.integers(0, 20)) / 20,
            draw(st.sampled_from(DISTRICTS)),
            draw(st.integers(0, 4)),
            draw(st.integers(0, 4)),
            draw(st.integers(1, 2)) if shared else 1,
        )
        for n in range(count)
    )
    codes = st.sampled_from([one.code for one in villages])
    members = tuple(
        Member(
            f"m{n}", f"成员{n}", draw(st.integers(0, 2)), tuple(draw(st.sets(codes, max_size=1)))
        )
        for n in range(draw(st.integers(1, 3)))
    )
    who = st.sampled_from(["", *(one.id for one in members)])
    held = tuple(
        Held(
            draw(st.sampled_from([one.id for one in members] + ["other"])),
            f"h{n}",
            draw(st.sampled_from(DISTRICTS)),
            117 + draw(st.integers(0, 4)) * 0.116,
            39.0,
            0.5,
        )
        for n in range(draw(st.integers(0, 2)))
    )
    wish = st.builds(Wish, codes, who)
    return Problem(
        members=members,
        villages=villages,
        held=held,
        rules=Rules(
            every_district=draw(st.booleans()),
            per_district=draw(st.sampled_from([0, 0, 1])),
            travel_km=draw(st.sampled_from([0.0, 0.0, 15.0, 25.0])),
            reserve=draw(st.integers(0, 2)),
            district_tolerance=draw(st.sampled_from([0.25, 1e6])),
        ),
        pins=tuple(draw(st.lists(wish, max_size=1))),
        forbidden=tuple(draw(st.lists(wish, max_size=1))),
        districts=tuple((name, f"{name}区") for name in DISTRICTS),
    )


def broken(problem: Problem, shares: dict[str, tuple[str, ...]]) -> list[str]:
    """The rules that a sharing (villages by member) breaks."""
    found, rules = [], problem.rules
    known = {one.code: one for one in problem.villages}
    used = Counter(code for codes in shares.values() for code in codes)
    found += ["room" for code, times in used.items() if times > known[code].room]
    for member in problem.members:
        codes = shares.get(member.id, ())
        mine = [one for one in problem.held if one.member == member.id]
        if len(codes) > member.free or len(set(codes)) < len(codes):
            found.append("quota")
        if set(codes) & set(member.barred):
            found.append("own_unit")
        if set(codes) & {one.code for one in mine}:
            found.append("own")
        inside = Counter(one.district for one in mine)
        for code in codes:
            inside[known[code].district] += 1
            if rules.per_district and inside[known[code].district] > rules.per_district:
                found.append("per_district")
        if rules.travel_km:
            every: list[Village | Held] = [known[code] for code in codes]
            pairs = [*itertools.combinations(every, 2), *itertools.product(every, mine)]
            if any(km(a, b) > rules.travel_km for a, b in pairs):
                found.append("travel")
        for wish in problem.forbidden:
            if wish.village in codes and wish.member in ("", member.id):
                found.append("forbidden")
    for pin in problem.pins:
        if not any(pin.village in shares.get(m, ()) for m in shares if pin.member in ("", m)):
            found.append("pins")
    there = {one.district for one in problem.held}
    there |= {known[code].district for codes in shares.values() for code in codes}
    wanted = {one.district for one in problem.villages}
    if rules.every_district and len(wanted - there) > rules.reserve:
        found.append("every_district")
    return found


def shares_of(solution: Solution) -> dict[str, tuple[str, ...]]:
    """Villages by member."""
    found: dict[str, list[str]] = {}
    for choice in solution.choices:
        found.setdefault(choice.member, []).append(choice.village)
    return {member: tuple(codes) for member, codes in found.items()}


def every_sharing(problem: Problem) -> Iterator[dict[str, tuple[str, ...]]]:
    """All sharings that break no rule, by trying everything."""
    codes = [one.code for one in problem.villages]
    members = [one for one in problem.members if one.free]
    options = [
        [
            subset
            for size in range(one.free + 1)
            for subset in itertools.combinations(codes, size)
            if not set(broken(problem, {one.id: subset})) - {"pins", "every_district"}
        ]
        for one in members
    ]
    for chosen in itertools.product(*options):
        shares = {one.id: subset for one, subset in zip(members, chosen, strict=True)}
        if not broken(problem, shares):
            yield shares


def off(problem: Problem, shares: dict[str, tuple[str, ...]]) -> float:
    """By how many contact points districts miss what is near enough to their fair number."""
    known = {one.code: one for one in problem.villages}
    need: Counter[str] = Counter()
    for one in [*problem.villages, *problem.held]:
        need[one.district] += one.need  # type: ignore[assignment]
    places = sum(one.free for one in problem.members)
    total = len(problem.held) + places + problem.rules.reserve
    held = Counter(one.district for one in problem.held)
    now = held + Counter(known[c].district for codes in shares.values() for c in codes)
    lacks = much = 0.0
    for district in need | now:
        fair = need[district] / sum(need.values()) * total if sum(need.values()) else 0.0
        slack = max(1.0, problem.rules.district_tolerance * fair)
        low, high = max(0, math.ceil(fair - slack - 1e-9)), math.floor(fair + slack + 1e-9)
        lacks += max(0, low - now[district])
        much += max(0, now[district] - max(high, held[district]))
    return max(0.0, much, lacks + much - problem.rules.reserve)


def total(problem: Problem, shares: dict[str, tuple[str, ...]]) -> float:
    """Need of all that is shared out."""
    known = {one.code: one for one in problem.villages}
    return sum(known[code].need for codes in shares.values() for code in codes)


def best(problem: Problem) -> tuple[int, float, float] | None:
    """Places filled, what districts miss, need: the lexicographic optimum; None without any."""
    found = [
        (sum(map(len, shares.values())), -off(problem, shares), total(problem, shares))
        for shares in every_sharing(problem)
    ]
    if not found:
        return None
    filled, missed, need = max((a, round(b, 6), round(c, 9)) for a, b, c in found)
    return filled, -missed, need


def city(members: int, villages: int, seed: int = 1, **rules: float) -> Problem:
    """A larger invented problem: villages in nine clusters, everybody barred from three."""
    random = np.random.default_rng(seed)
    middles = random.uniform(0, 10, (9, 2))
    where = random.choice(9, villages, p=random.dirichlet(np.ones(9) * 2))
    at = middles[where] + random.normal(0, 1.2, (villages, 2))
    found = tuple(
        village(f"{n:06d}", round(float(random.beta(2, 2)), 3), f"d{where[n]}", *at[n].tolist())
        for n in range(villages)
    )
    codes = [one.code for one in found]
    return Problem(
        members=tuple(
            Member(f"m{n:03d}", f"成员{n}", 3, tuple(random.choice(codes, 3, replace=False)))
            for n in range(members)
        ),
        villages=found,
        rules=Rules(**rules),  # type: ignore[arg-type]
        districts=tuple((f"d{n}", f"第{n}区") for n in range(9)),
    )

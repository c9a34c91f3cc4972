"""A proposal's problem as arrays, in one order whatever the order of the input."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from geodata.assignment import Problem

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Bools = NDArray[np.bool_]

EARTH_KM = 6371.0088
"""Mean radius (IUGG)."""


class Desk:
    """A problem as arrays: villages in code order, members with free places in id order."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.rules = problem, problem.rules
        self.villages = sorted(problem.villages, key=lambda one: one.code)
        self.members = sorted((one for one in problem.members if one.free > 0), key=lambda m: m.id)
        self.at = {village.code: n for n, village in enumerate(self.villages)}
        self.codes = sorted(
            {one.district for one in self.villages}
            | {one.district for one in problem.held}
            | {code for code, _ in problem.districts}
        )
        number = {code: n for n, code in enumerate(self.codes)}
        self.need = np.array([one.need for one in self.villages])
        self.room = np.array([one.room for one in self.villages], np.int64)
        self.district = np.array([number[one.district] for one in self.villages], np.int64)
        self.lon = np.array([one.lon for one in self.villages], float)
        self.lat = np.array([one.lat for one in self.villages], float)
        self.free = np.array([one.free for one in self.members], np.int64)
        self.places = int(self.free.sum())
        self.existing = np.bincount(
            np.array([number[one.district] for one in problem.held], np.int64),
            minlength=len(self.codes),
        )
        here = np.bincount(self.district, minlength=len(self.codes))
        self.open = np.flatnonzero((self.existing == 0) & (here > 0))
        """Districts without a contact point that have a village to choose."""
        self.pins = sorted({(pin.village, pin.member) for pin in problem.pins})
        self._members(number)

    def _members(self, number: dict[str, int]) -> None:
        problem, rules = self.problem, self.rules
        shape = (len(self.members), len(self.villages))
        order = {member.id: m for m, member in enumerate(self.members)}
        self.allowed = np.ones(shape, np.bool_) & (self.room > 0)
        self.extra = np.zeros(shape)
        self.base = np.zeros(len(self.members))
        """Need of what each member holds."""
        most = rules.per_district or 10**6
        self.caps = np.full((len(self.members), len(self.codes)), most, np.int64)
        for held in problem.held:
            m = order.get(held.member)
            if m is None:
                continue
            self.base[m] += held.need
            self.caps[m, number[held.district]] -= 1
            if held.code in self.at:
                self.allowed[m, self.at[held.code]] = False
            km = kilometres(held.lon, held.lat, self.lon, self.lat)
            self.extra[m] += km
            if rules.travel_km:
                self.allowed[m] &= km <= rules.travel_km
        self.caps = np.maximum(self.caps, 0)
        if rules.per_district:
            self.allowed &= self.caps[:, self.district] > 0
        for m, member in enumerate(self.members):
            self.allowed[m, [self.at[code] for code in member.barred if code in self.at]] = False
        for wish in problem.forbidden:
            if wish.village not in self.at:
                continue
            if not wish.member:
                self.allowed[:, self.at[wish.village]] = False
            elif wish.member in order:
                self.allowed[order[wish.member], self.at[wish.village]] = False
        self.must: list[tuple[int, ...]] = [
            tuple(self.at[code] for code, who in self.pins if who == member.id and code in self.at)
            for member in self.members
        ]
        self.lost_pins = [
            (code, who)
            for code, who in self.pins
            if code not in self.at
            or (who and (who not in order or not self.allowed[order[who], self.at[code]]))
        ]
        self.least = np.zeros(len(self.villages), np.int64)
        """How often each village must be chosen."""
        for code in {code for code, _ in self.pins if code in self.at}:
            named = {who for other, who in self.pins if other == code and who in order}
            self.least[self.at[code]] = max(1, len(named))
        self.most = np.minimum(self.room, self.allowed.sum(axis=0))
        """How often each can be."""

    @cached_property
    def km(self) -> Floats:
        """Distances of all villages."""
        return kilometres(self.lon[:, None], self.lat[:, None], self.lon, self.lat)

    @cached_property
    def fair(self) -> Floats:
        """Each district's fair number of contact points in the end."""
        seen = {one.code: (one.district, one.need) for one in self.problem.held}
        seen |= {one.code: (one.district, one.need) for one in self.villages}
        number = {code: n for n, code in enumerate(self.codes)}
        need = np.zeros(len(self.codes))
        for district, amount in seen.values():
            need[number[district]] += amount
        total = self.existing.sum() + self.places + self.rules.reserve
        return need / need.sum() * total if need.sum() > 0 else np.zeros(len(need))

    @cached_property
    def bounds(self) -> tuple[Whole, Whole]:
        """The numbers of contact points that are near enough to the fair one."""
        slack = np.maximum(1.0, self.rules.district_tolerance * self.fair)
        low = np.maximum(0, np.ceil(self.fair - slack - 1e-9)).astype(np.int64)
        return low, np.floor(self.fair + slack + 1e-9).astype(np.int64)

    def like(self, own: Whole, *, barred: bool = True) -> list[list[int]]:
        """Members who are alike, as far as some villages go.

        `barred` False: apart from what they may not have.
        """
        groups: dict[object, list[int]] = {}
        for m in range(len(self.members)):
            allowed = self.allowed[m, own].tobytes() if barred else b""
            key = (
                int(self.free[m]), allowed, self.extra[m, own].tobytes(), float(self.base[m]),
                self.caps[m].tobytes(), self.must[m], m if self.must[m] else -1,
            )  # fmt: skip
            groups.setdefault(key, []).append(m)
        return list(groups.values())


def kilometres(lon: Floats | float, lat: Floats | float, lons: Floats, lats: Floats) -> Floats:
    """Great-circle distances (haversine; degrees in, km out)."""
    a, b = np.radians(lat), np.radians(lats)
    half = np.sin((b - a) / 2) ** 2
    half = half + np.cos(a) * np.cos(b) * np.sin(np.radians(lons - np.asarray(lon)) / 2) ** 2
    found: Floats = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return found

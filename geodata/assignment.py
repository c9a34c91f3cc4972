"""What a proposal is asked and what it answers: a problem and its solution, both JSON-able."""

from __future__ import annotations

from dataclasses import dataclass

DISTRICT_TOLERANCE = 0.25
"""How far a district may be from its fair number of contact points (its share of the need), as a
part of that number; one contact point is always within it."""
FAIRNESS_SLACK = 0.05
"""How much less need than the fairest sharing gives, a member may have so that all travel less."""


@dataclass(frozen=True)
class Part:
    """One part of a village's need."""

    name: str
    value: float
    """0 to 1."""
    weight: float
    """The weights of all parts add up to 1."""
    estimated: bool = False
    """Not reported: the median of the district stands in for it."""
    raw: float | None = None
    """What it was made of (items, income, months, days); None where nobody knows."""
    unit: str = ""
    """Of an income, as its measure declares it."""


@dataclass(frozen=True)
class Village:
    """A village that can be proposed."""

    code: str
    name: str
    district: str
    lon: float
    lat: float
    parts: tuple[Part, ...]
    room: int = 1
    """How many members may still take it."""

    @property
    def need(self) -> float:
        """0 to 1."""
        return sum(part.value * part.weight for part in self.parts)


@dataclass(frozen=True)
class Held:
    """A contact point that there is; it stays."""

    member: str
    code: str
    district: str
    lon: float
    lat: float
    need: float


@dataclass(frozen=True)
class Member:
    """Somebody for whom villages are proposed."""

    id: str
    label: str
    free: int
    """Places that are not taken."""
    barred: tuple[str, ...] = ()
    """Villages that the own unit supports."""


@dataclass(frozen=True)
class Wish:
    """A village that is pinned or forbidden."""

    village: str
    member: str = ""
    """For whom; "" for anybody."""


@dataclass(frozen=True)
class Rules:
    """The rules, as the workspace declares them."""

    every_district: bool = True
    per_district: int = 0
    """Most contact points of one member in one district; 0: no limit."""
    travel_km: float = 0.0
    """Largest distance between two villages of one member; 0: no limit."""
    reserve: int = 0
    """Places of members who are not in this problem: they can still reach districts."""
    district_tolerance: float = DISTRICT_TOLERANCE
    fairness_slack: float = FAIRNESS_SLACK


@dataclass(frozen=True)
class Problem:
    """All that a proposal depends on."""

    members: tuple[Member, ...]
    villages: tuple[Village, ...]
    held: tuple[Held, ...] = ()
    """Contact points of all members, also of those who are not in the problem."""
    rules: Rules = Rules()
    pins: tuple[Wish, ...] = ()
    forbidden: tuple[Wish, ...] = ()
    districts: tuple[tuple[str, str], ...] = ()
    """Code and name of the districts that are to be reached."""
    level_label: str = "区"
    """What people call a district."""
    leaf_label: str = "村"
    """What people call a village."""


@dataclass(frozen=True)
class Choice:
    """A village that is proposed to a member."""

    member: str
    village: str
    need: float
    rank: int
    """Place of its need among all that could be chosen, from 1."""
    km: float
    """To the farthest other village of the member; 0 when it has no other."""
    reason: str
    """Why it is chosen: `pinned`, `need`, `every_district`, `districts` or `rules`."""


@dataclass(frozen=True)
class Lot:
    """What a member has in the end: contact points that there are, and proposed ones."""

    member: str
    villages: int
    need: float
    km: float
    """Sum of the distances between all pairs: of three villages, the way round."""
    farthest: float
    """Largest distance between two, km."""


@dataclass(frozen=True)
class Reach:
    """What a district has in the end."""

    district: str
    held: int
    chosen: int
    fair: float
    """Its share of the need, times all contact points."""
    low: int
    high: int
    """The numbers that are near enough."""


@dataclass(frozen=True)
class Stage:
    """A step of the solution and how exact it is."""

    name: str
    """`places`, `districts`, `choose`, `combine`, `fair`, `travel`."""
    objective: float
    bound: float
    """Nothing better than this is possible."""
    gap: float
    """Relative."""
    seconds: float
    status: str
    """`optimal`: within the gap that was asked for; `limit`: the time was up."""


@dataclass(frozen=True)
class Obstacle:
    """A rule that stands in the way, found by leaving it out."""

    rule: str
    sentence: str
    cure: str


@dataclass(frozen=True)
class Shadow:
    """What a rule costs: how much more need could be reached without it."""

    rule: str
    need: float


@dataclass(frozen=True)
class Solution:
    """A proposal, or why there is none."""

    status: str
    """`solved` or `infeasible`."""
    choices: tuple[Choice, ...] = ()
    lots: tuple[Lot, ...] = ()
    reached: tuple[Reach, ...] = ()
    stages: tuple[Stage, ...] = ()
    places: int = 0
    """How many were to be filled."""
    need: float = 0.0
    """Of all that is chosen."""
    least: float = 0.0
    """The smallest need that a member has."""
    km: float = 0.0
    """Travel of all members, as in `Lot.km`."""
    off: float = 0.0
    """Contact points by which districts miss what is near enough to their fair number."""
    obstacles: tuple[Obstacle, ...] = ()
    """Why there is no solution, or why places stay empty."""
    shadows: tuple[Shadow, ...] = ()

    @property
    def solved(self) -> bool:
        """Whether there is a proposal."""
        return self.status == "solved"


@dataclass(frozen=True)
class NextBest:
    """The best proposal without one village, and what it costs."""

    village: str
    member: str
    solution: Solution
    need: float
    """Need that is lost; never negative, but for the gap of a combined program."""
    least: float
    km: float
    """Travel that is added; may be negative."""
    instead: tuple[str, ...]
    """Villages that come in."""
    dropped: tuple[str, ...]
    """Villages that go."""

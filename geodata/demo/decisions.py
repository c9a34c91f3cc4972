"""Tell what invented people decided in the demo: contact points, visits and problems of a year.

The year ends on the day before it is told, so that the screens show something that is due and
something that is late. What happens is planned first, from a seed and a day alone, and then
decided as anybody decides: by the ledger's own functions, under its rules, in one transaction.

The proportions are those that Suining published for 2017: 808 inspections found 1632 problems, of
which 1607 were put right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial

import numpy as np
import sqlalchemy as sa

from geodata.demo.people import DAYS, NAMES
from geodata.edition import Edition
from geodata.ledger import accounts, observations, picks, problems, rules, tables, visits, where
from geodata.ledger.places import Places, places
from geodata.ledger.roles import TERMINAL, Actor, Role
from geodata.ledger.rules import Person, Pick, Standing
from geodata.ledger.store import Ledger
from geodata.ledger.written import CHINA, after, day_of, days_between, first_day
from geodata.need import need
from geodata.progress import SILENT, Progress
from geodata.words import say, section

INSPECTIONS, FOUND, PUT_RIGHT = 808, 1632, 1607
MEMBERS = 40
TARGETS_A_MEMBER = 8
"""A small demo has fewer members: most of its targets stay free to pick."""
ISSUER = "https://demo.invalid"
"""Who vouches for invented people: a name that can never be anybody's, so that they stay members
and nobody can sign in as one of them."""
SEED = 2021
SHORTEST = 120
"""Days that a history takes at least; a round that has only begun gets none."""

_FIRST_WEEKS = 84
"""Days in which the members pick."""
_BETWEEN = (60, 88)
"""Days from one visit to the next."""
_NEGLECTED = 0.08
"""Share of contact points that nobody has visited lately."""
_OBSERVED = 0.1
"""Share of visits that compare something with what is reported."""
_SENT_BACK = 0.05
"""Share of problems that are sent back once before they are struck off."""
_OWNERS = {"unit": 0.35, "town": 0.45, "district": 0.2}
_OTHERS = ("team", "funds", "project", "conduct", "other")


@dataclass
class Point:
    """A contact point, from its pick on."""

    member: int
    village: str
    picked: datetime
    confirmed: datetime | None = None
    released: datetime | None = None


@dataclass
class Trouble:
    """A problem that is found during a visit."""

    category: str
    said: str
    owner: float
    """Which of those who can answer for it: 0 to 1 over `_OWNERS`."""
    deadline: int
    """Days after it is assigned."""
    steps: list[tuple[str, datetime, str]] = field(default_factory=list)
    """What became of it: step, moment, reason."""


@dataclass
class Visit:
    """A visit to a contact point."""

    point: int
    at: datetime
    by_office: bool
    seen: str
    people: str
    observed: float | None
    """Not None: something is compared, chosen by this number from 0 to 1."""
    contradicts: bool
    troubles: list[Trouble] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What will have happened. Members are numbers; the demo's own member is the last."""

    members: tuple[str, ...]
    """Unit of each invented member."""
    points: tuple[Point, ...]
    proposed: tuple[str, ...]
    """Villages that wait for the demo's own member to accept them."""
    visits: tuple[Visit, ...]


def fill(
    ledger: Ledger,
    edition: Edition,
    *,
    seed: int = SEED,
    moment: str = "",
    progress: Progress = SILENT,
) -> bool:
    """Tell the year in the ledger of a demo that has its accounts and no decision yet.

    All of it or, whatever happens, none. Nothing is done where there is no such ledger.

    Parameters
    ----------
    moment : at which it is told, as the tables spell it; by default the ledger's clock.

    Returns
    -------
    Whether it was told.

    Raises
    ------
    LedgerError : when the ledger cannot be written.
    """
    if not edition.space.atlas.demo or edition.space.contact_round.target is None:
        return False
    today = day_of(moment or ledger.clock())
    if days_between(first_day(edition) or today, today) < SHORTEST:
        return False
    with ledger.together() as whole:
        own = {role: _named(whole, NAMES[role]) for role in (Role.MEMBER, Role.OFFICE)}
        member, office = own[Role.MEMBER], own[Role.OFFICE]
        if member is None or office is None or _is_used(whole):
            return False
        told = plan(edition, today, seed, unit=member.unit)
        _Teller(whole, edition, told, member, office).tell(progress)
    return True


def _named(ledger: Ledger, name: str) -> Actor | None:
    found = accounts.named(ledger, name)
    return found.actor if found is not None and not found.disabled else None


def _is_used(ledger: Ledger) -> bool:
    return any(
        ledger.rows(sa.select(table.c.id).limit(1))
        for table in (tables.pick, tables.visit, tables.problem)
    )


# ---- the plan ----


def plan(edition: Edition, today: str, seed: int = SEED, *, unit: str = "") -> Plan:
    """Plan the year that ends the day before `today`; the same arguments give the same plan.

    Parameters
    ----------
    unit : of the demo's own member.
    """
    rng = [np.random.default_rng(one) for one in np.random.SeedSequence((seed, 4)).spawn(4)]
    known = places(edition)
    first = max(after(today, -DAYS), first_day(edition))
    begin, end = _moment(first), _moment(today)
    units = _units(edition)
    count = min(MEMBERS, max(2, int(known.target.sum()) // TARGETS_A_MEMBER))
    members = tuple(
        units[n] if n < len(units) else "" for n in rng[0].permutation(max(len(units), count))
    )[:count]
    points, proposed = _points(edition, known, (*members, unit), begin, end, rng[1])
    visits = _visits(points, end, rng[2])
    _troubles(visits, [f"item.{one}" for one in known.round.items], end, rng[3])
    return Plan(members, tuple(points), tuple(proposed), tuple(visits))


def _units(edition: Edition) -> list[str]:
    kind = edition.space.unit_kind
    if kind is None:
        return []
    frame = edition.entities(kind, edition.space.contact_round.id, edition.root.code)
    return sorted({str(name) for name in frame["name"]})


def _points(
    edition: Edition,
    known: Places,
    units: tuple[str, ...],
    begin: datetime,
    end: datetime,
    rng: np.random.Generator,
) -> tuple[list[Point], list[str]]:
    """Who picks what when, as the rules allow: two near each other, a third somewhere else."""
    settings = edition.space.contact_points
    own = len(units) - 1
    people = {str(n): Person(str(n), "", unit, True) for n, unit in enumerate(units)}
    now = Standing((), people)
    held = need(edition, settings, {}, end.date())
    order = [held.codes[n] for n in np.argsort(-held.total - 2.0 * rng.random(len(held.codes)))]
    points: list[Point] = []

    def pick(member: int, candidates: Iterator[str] | list[str], at: datetime) -> str:
        nonlocal now
        for code in candidates:
            if not rules.breaches(code, str(member), now, settings, edition):
                now = now.having(Pick(code, code, str(member), rules.PICKED))
                points.append(Point(member, code, at))
                return code
        return ""

    span = (end - begin).days
    weeks = min(_FIRST_WEEKS, span // 4)
    # Some have only just come: the office has yet to confirm what they picked.
    late = own - max(1, own // 14)
    days = [
        *np.sort(rng.integers(3, weeks, late)),
        *np.sort(rng.integers(span - 8, span - 2, own - late)),
    ]
    at = begin
    for member in range(own):
        # One after the other, as the rules were held against them here.
        at = max(
            at + timedelta(minutes=20), _working(begin + timedelta(days=int(days[member])), rng)
        )
        unreached = {known.districts[one][0] for one in rules.unreached(now, known)}
        begun = pick(member, sorted(order, key=lambda code: _far(known, code, unreached)), at)
        near = (code for code, _ in known.nearest(begun)) if begun else iter(())
        pick(member, near, at + timedelta(minutes=4))
        if rng.random() < 0.88:
            pick(member, order, at + timedelta(minutes=11))
    pick(own, order, _working(begin + timedelta(days=weeks // 2), rng))

    for one in points:
        if one.member < late or one.member == own:
            one.confirmed = _working(one.picked + timedelta(days=int(rng.integers(3, 8))), rng)
    # Some are given back in the course of the year, and another one is picked instead.
    settled = [one for one in points if one.confirmed and one.member != own]
    for n in rng.choice(len(settled), max(1, len(settled) // 40), replace=False):
        gone = settled[int(n)]
        gone.released = _working(
            begin + timedelta(days=int(rng.integers(span // 2, span - 60))), rng
        )
        now = now.without(gone.village)
        again = gone.released + timedelta(days=int(rng.integers(4, 10)))
        others = [code for code in order if code != gone.village]
        if pick(gone.member, others, _working(again, rng)):
            points[-1].confirmed = _working(again + timedelta(days=4), rng)
    proposed: list[str] = []
    for code in order:
        # Both can be accepted, one after the other.
        if len(proposed) < 2 and not rules.breaches(code, str(own), now, settings, edition):
            now = now.having(Pick(code, code, str(own), rules.PICKED))
            proposed.append(code)
    return points, proposed


def _far(known: Places, code: str, unreached: set[str]) -> bool:
    district = known.district_of(code)
    return district is None or known.districts[district][0] not in unreached


def _visits(points: list[Point], end: datetime, rng: np.random.Generator) -> list[Visit]:
    """Who goes where when, in the order of time."""
    seen = _texts("seen")
    checked = _texts("checked")
    found: list[Visit] = []
    for n, point in enumerate(points):
        if point.confirmed is None:
            continue
        last = point.released or end
        if point.released is None and rng.random() < _NEGLECTED:
            last = end - timedelta(days=int(rng.integers(100, 160)))
        at = point.confirmed + timedelta(days=int(rng.integers(6, 31)))
        while (when := _working(at, rng)) < last:
            by_office = bool(rng.random() < 0.12)
            texts = checked if by_office else seen
            found.append(
                Visit(
                    point=n,
                    at=when,
                    by_office=by_office,
                    seen=texts[rng.integers(len(texts))],
                    people=say("demo.decisions.team") if by_office else _company(rng),
                    observed=float(rng.random()) if rng.random() < _OBSERVED else None,
                    contradicts=bool(rng.random() < 0.4),
                )
            )
            at += timedelta(days=int(rng.integers(*_BETWEEN)))
    found.sort(key=lambda one: (one.at, one.point))
    return found


def _company(rng: np.random.Generator) -> str:
    texts = ["", "", *_texts("people")]
    return texts[rng.integers(len(texts))]


def _troubles(
    visits: list[Visit], items: list[str], end: datetime, rng: np.random.Generator
) -> None:
    """What is found, and what becomes of it, in Suining's proportions."""
    total = round(len(visits) * FOUND / INSPECTIONS)
    if not total:
        return
    counts = np.bincount(rng.integers(len(visits), size=total), minlength=len(visits))
    every: list[tuple[Visit, Trouble]] = []
    categories = [*items, *items, *_OTHERS]
    for visit, count in zip(visits, np.minimum(counts, 9), strict=True):
        for _ in range(int(count)):
            category = categories[rng.integers(len(categories))]
            said = _texts(f"said.{category.removeprefix('item.')}") or _texts("said.other")
            trouble = Trouble(
                category,
                said[rng.integers(len(said))],
                float(rng.random()),
                int(rng.integers(15, 46)),
            )
            visit.troubles.append(trouble)
            every.append((visit, trouble))
    left = max(3, len(every) - round(len(every) * PUT_RIGHT / FOUND))
    age = [(end - visit.at).days for visit, _ in every]
    # Not put right: the newest, of course, and some of long ago, which are late.
    old = [n for n, days in enumerate(age) if 50 <= days <= 130]
    stuck = set(rng.choice(old, min(len(old), max(2, left // 2)), replace=False).tolist())
    newest = [n for n in range(len(every) - 1, -1, -1) if n not in stuck][: left - len(stuck)]
    waiting = set(newest) - stuck
    resolved = [n for n in range(len(every)) if n not in stuck and n not in waiting]
    fixed = set(resolved[-max(2, len(every) // 30) :])
    rechecked = set(resolved[-max(4, len(every) // 18) :]) - fixed
    for turn, n in enumerate(sorted(stuck)):
        visit, trouble = every[n]
        _assign(trouble, visit, end, rng, again=turn % 3 == 0)
    for turn, n in enumerate(sorted(waiting)):
        if turn % 3:
            _assign(every[n][1], every[n][0], end, rng)
    for n in resolved:
        upto = "fix" if n in fixed else "recheck" if n in rechecked else "strike_off"
        _solve(every[n][1], every[n][0], upto, end, rng)


def _assign(
    trouble: Trouble, visit: Visit, end: datetime, rng: np.random.Generator, *, again: bool = False
) -> None:
    """Somebody is to put it right, and has not; `again`: it was said once, and sent back."""
    steps = ["assign", *(("fix", "send_back") if again else ())]
    _spread(trouble, visit, steps, end, rng)


def _solve(
    trouble: Trouble, visit: Visit, upto: str, end: datetime, rng: np.random.Generator
) -> None:
    """Put right: said so, re-checked, struck off, as far as it has come."""
    steps = ["assign", "fix"]
    if (end - visit.at).days > 45 and rng.random() < _SENT_BACK:
        steps += ["send_back", "fix"]
    steps += {"fix": [], "recheck": ["recheck"], "strike_off": ["recheck", "strike_off"]}[upto]
    _spread(trouble, visit, steps, end, rng)


_TAKES = {
    "assign": (0, 4),
    "fix": (3, 24),
    "recheck": (1, 9),
    "send_back": (1, 7),
    "strike_off": (1, 7),
}
"""Days that a step takes."""


def _spread(
    trouble: Trouble, visit: Visit, steps: list[str], end: datetime, rng: np.random.Generator
) -> None:
    """Moments for steps, in their order and all before the end."""
    takes = [float(rng.uniform(*_TAKES[step])) for step in steps]
    left = (end - visit.at) / timedelta(days=1)
    squeeze = min(1.0, 0.9 * left / sum(takes))
    at, last = visit.at, visit.at
    for step, days in zip(steps, takes, strict=True):
        at += timedelta(days=days * squeeze)
        when = max(_working(at, rng) if squeeze == 1.0 else at, last + timedelta(minutes=5))
        last = min(when, end - timedelta(minutes=1))
        reasons = _texts(f"reason.{step}")
        reason = reasons[rng.integers(len(reasons))] if reasons else ""
        trouble.steps.append((step, last, reason))


def _moment(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), CHINA)


def _working(at: datetime, rng: np.random.Generator) -> datetime:
    """Between nine and six on the same day, or on the Friday before a weekend."""
    day = at.date() - timedelta(days=max(0, at.weekday() - 4))
    minutes = int(rng.integers(9 * 60, 18 * 60))
    start = datetime.combine(day, datetime.min.time(), CHINA)
    return start + timedelta(minutes=minutes, seconds=int(rng.integers(60)))


@cache
def _texts(kind: str) -> list[str]:
    """Sentences of one kind, in the order of the catalogue."""
    prefix = f"decisions.{kind}."
    return [text for key, text in section("demo").items() if key.startswith(prefix)]


# ---- telling it ----

Act = tuple[datetime, Callable[[], object]]


class _Teller:
    """Decides what a plan says, in the order of time, with the clock at each moment."""

    def __init__(
        self, ledger: Ledger, edition: Edition, told: Plan, member: Actor, office: Actor
    ) -> None:
        self.ledger, self.edition, self.plan = ledger, edition, told
        self.own, self.office = member, office
        self.members: list[Actor] = []
        self.officers: dict[str, Actor] = {}
        self.picks: dict[int, str] = {}
        self.troubles: dict[int, str] = {}
        self.owners = cache(partial(problems.owners, edition))
        self.compared = cache(self._compared)

    def tell(self, progress: Progress) -> None:
        """All of it, the accounts first."""
        # A stable order: what follows from something comes after it, even at the same moment.
        acts = sorted(self._acts(), key=lambda one: one[0])
        self._at(acts[0][0] - timedelta(days=2))
        self._enrol()
        with progress.step(say("demo.step.decisions"), len(acts)) as advance:
            for moment, act in acts:
                self._at(moment)
                act()
                advance(1)
        if self.plan.proposed:
            choices = [(self.own.id, code) for code in self.plan.proposed]
            picks.propose(self.ledger, self.edition, self.office, choices)

    def _at(self, moment: datetime) -> None:
        at = moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        self.ledger.clock = lambda: at

    def _enrol(self) -> None:
        surnames = say("demo.decisions.surnames")
        for number, unit in enumerate(self.plan.members, start=1):
            # A mark on the map shows the first character: it should tell people apart.
            surname = surnames[(number - 1) % len(surnames)]
            label = say("demo.decisions.member", surname=surname, number=f"{number:02d}")
            self.members.append(
                self._account(f"yanshi-{number:02d}", label, Role.MEMBER, unit=unit)
            )
        self.members.append(self.own)
        demos = _named(self.ledger, NAMES[Role.DISTRICT])
        if demos is not None:
            self.officers[demos.district] = demos
        known = places(self.edition)
        for n in known.wanted_districts():
            code, name = known.districts[n]
            if code not in self.officers:
                label = say("demo.decisions.officer", district=name)
                self.officers[code] = self._account(
                    f"yanshi-{code[:6]}", label, Role.DISTRICT, district=code
                )

    def _account(
        self, name: str, label: str, role: Role, *, district: str = "", unit: str = ""
    ) -> Actor:
        made, _ = accounts.create(
            self.ledger, TERMINAL, name=name, label=label, role=role, district=district,
            unit=unit, issuer=ISSUER, subject=name,
        )  # fmt: skip
        return made.actor

    def _acts(self) -> Iterator[Act]:
        for n, point in enumerate(self.plan.points):
            yield point.picked, partial(self._pick, n)
            if point.confirmed is not None:
                yield point.confirmed, partial(self._confirm, n)
            if point.released is not None:
                yield point.released, partial(self._release, n)
        for visit in self.plan.visits:
            yield visit.at, partial(self._visit, visit)
            for trouble in visit.troubles:
                for step, moment, reason in trouble.steps:
                    yield moment, partial(self._step, visit, trouble, step, reason)

    def _pick(self, n: int) -> None:
        point = self.plan.points[n]
        actor = self.members[point.member]
        self.picks[n] = picks.pick(self.ledger, self.edition, actor, point.village)["pick"]["id"]

    def _confirm(self, n: int) -> None:
        picks.confirm(self.ledger, self.edition, self.office, self.picks[n])

    def _release(self, n: int) -> None:
        reason = say("demo.decisions.released")
        picks.release(self.ledger, self.edition, self.office, self.picks[n], reason=reason)

    def _visit(self, visit: Visit) -> None:
        point = self.plan.points[visit.point]
        actor = self.office if visit.by_office else self.members[point.member]
        asked = {
            "village": point.village,
            "day": visit.at.date().isoformat(),
            "members": [] if visit.by_office else [actor.id],
            "people": visit.people,
            "seen": visit.seen,
            "observations": self._observed(visit, point.village),
            "problems": [{"category": one.category, "said": one.said} for one in visit.troubles],
        }
        made = visits.write(self.ledger, self.edition, actor, asked)
        for trouble, identifier in zip(visit.troubles, made["problems"], strict=True):
            self.troubles[id(trouble)] = identifier

    def _observed(self, visit: Visit, village: str) -> list[dict[str, object]]:
        known = self.compared(village) if visit.observed is not None else []
        if visit.observed is None or not known:
            return []
        name, value = known[int(visit.observed * len(known))]
        # A report that something is there is what a visitor can find to be otherwise.
        against = visit.contradicts and value
        note = say("demo.decisions.otherwise") if against else ""
        return [{"indicator": name, "value": value and not against, "note": note}]

    def _compared(self, village: str) -> list[tuple[str, bool]]:
        """The round's items that somebody reported of a village."""
        region = where.village(self.edition, village)
        found = observations.reported(self.edition, region)
        return [
            (name, value)
            for name in self.edition.space.contact_round.items
            if name in found and isinstance(value := found[name].value, bool)
        ]

    def _step(self, visit: Visit, trouble: Trouble, step: str, reason: str) -> None:
        point = self.plan.points[visit.point]
        ledger, edition, problem = self.ledger, self.edition, self.troubles[id(trouble)]
        district = where.district(edition, where.village(edition, point.village)).code
        officer = self.officers.get(district, self.office)
        # Who found it looks again; what the office found, whose contact point it is.
        checker = self.members[point.member]
        if step == "assign":
            owner = self._owner(point.village, trouble.owner)
            deadline = after(day_of(ledger.clock()), trouble.deadline)
            problems.assign(ledger, edition, self.office, problem, {**owner, "deadline": deadline})
        elif step == "fix":
            problems.fix(ledger, edition, officer, problem, reason)
        elif step == "recheck":
            problems.recheck(ledger, edition, checker, problem, reason)
        elif step == "send_back":
            problems.send_back(ledger, edition, checker, problem, reason)
        else:
            problems.strike_off(ledger, edition, self.office, problem, reason)

    def _owner(self, village: str, chosen: float) -> dict[str, str]:
        known = self.owners(village)
        shares = np.array([_OWNERS[one["kind"]] for one in known])
        at = int(np.searchsorted(np.cumsum(shares / shares.sum()), chosen))
        one = known[min(at, len(known) - 1)]
        return {"owner_kind": one["kind"], "owner": one["owner"]}

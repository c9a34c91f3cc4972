"""Live measures: at every level and in every period what a plain count over the history says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geodata import periods
from geodata.arrays import decode
from geodata.edition import Edition
from geodata.errors import UnknownName
from geodata.ledger import Actor, Ledger, Role, tables
from geodata.ledger.live import Record, chosen_periods, read
from geodata.live_edition import LiveEdition, Snapshot
from geodata.live_measures import (
    CONTACT_POINT_SHARE,
    CONTACT_VISIT_DAYS,
    CONTACT_VISITED_SHARE,
)
from geodata.vocabulary import Status
from tests.worlds import build_small

ROUND = "r3"
START = date(2021, 5, 20)
"""Before the round begins (2021-07): what was picked then stands from its first month."""
MEMBER = Actor("m1", "成员", Role.MEMBER)
STATES = ("proposed", "picked", "confirmed", "released", "declined")
ACTIVE = ("picked", "confirmed")


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    return build_small(tmp_path_factory.mktemp("live"))


def spelt(day: date) -> str:
    """Noon in China on a day, as the tables spell it."""
    at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass
class Act:
    """One decision: of a pick or of a visit."""

    day: date
    pick: int = -1
    """Number of the pick that it changes; a new one starts at its village."""
    state: str = ""
    village: str = ""
    visit: int = -1
    on: date | None = None
    withdrawn: bool = False


@dataclass
class History:
    """Acts in the order of their days, and the day on which somebody looks."""

    acts: list[Act] = field(default_factory=list)
    today: date = START

    def write(self, into: Ledger, moment: list[str]) -> None:
        """Decide all of it; `moment` is what the ledger's clock reads."""
        picks: dict[int, str] = {}
        visits: dict[int, str] = {}
        for act in self.acts:
            moment[0] = spelt(act.day)
            into.decide(MEMBER, lambda decision, act=act: self._do(decision, act, picks, visits))

    @staticmethod
    def _do(
        decision: Any, act: Act, picks: dict[int, str], visits: dict[int, str]
    ) -> dict[str, Any]:
        if act.pick >= 0 and act.pick not in picks:
            picks[act.pick] = decision.add(
                tables.pick,
                "pick.picked",
                round=ROUND,
                village=act.village,
                member=f"m{act.pick}",
                state=act.state,
                override="",
                by="m1",
            )
        elif act.pick >= 0:
            decision.change(tables.pick, picks[act.pick], f"pick.{act.state}", state=act.state)
        elif act.visit not in visits:
            assert act.on is not None
            visits[act.visit] = decision.add(
                tables.visit,
                "visit.written",
                round=ROUND,
                village=act.village,
                day=act.on.isoformat(),
                author="m1",
                members="[]",
                people="",
                seen="看到",
                withdrawn=False,
            )
        else:
            identifier = visits[act.visit]
            decision.change(tables.visit, identifier, "visit.withdrawn", withdrawn=act.withdrawn)
        return {}


@st.composite
def histories(draw: Any, codes: list[str]) -> History:
    """Random picks that come and go, visits that are written late and withdrawn."""
    days = st.integers(0, 400)
    acts: list[Act] = []
    for number in range(draw(st.integers(0, 7))):
        village, day = draw(st.sampled_from(codes)), draw(days)
        for state in draw(st.lists(st.sampled_from(STATES), min_size=1, max_size=4)):
            acts.append(Act(START + timedelta(day), pick=number, state=state, village=village))
            day += draw(st.integers(0, 90))
    for number in range(draw(st.integers(0, 8))):
        village, on = draw(st.sampled_from(codes)), START + timedelta(draw(days))
        day = on + timedelta(draw(st.integers(0, 40)))
        acts.append(Act(day, visit=number, village=village, on=on))
        if draw(st.booleans()):
            withdrawn = Act(day + timedelta(draw(st.integers(0, 40))), visit=number)
            withdrawn.withdrawn = True
            acts.append(withdrawn)
    order = sorted(range(len(acts)), key=lambda n: (acts[n].day, n))
    last = max((act.day for act in acts), default=START)
    return History([acts[n] for n in order], last + timedelta(draw(st.integers(0, 70))))


class Plain:
    """The same numbers counted the long way: village by village, day by day."""

    def __init__(self, edition: Edition, history: History) -> None:
        self.edition, self.history = edition, history
        self.targets = edition.targets(ROUND)
        self.codes = [str(code) for code in edition.nesting.codes[-1]]

    def periods(self) -> list[str]:
        first = None
        states: dict[int, str] = {}
        for act in self.history.acts:
            if act.pick >= 0 and act.state in ACTIVE and first is None:
                first = act.day
            states[act.pick] = act.state
        today = self.history.today
        now = f"{today:%Y-%m}"
        begin = now if first is None else max(f"{first:%Y-%m}", "2021-07")
        begin = min(begin, now)
        year, month = int(begin[:4]), int(begin[5:])
        found = []
        while f"{year:04d}-{month:02d}" <= now:
            found.append(f"{year:04d}-{month:02d}")
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        return found

    def is_point(self, code: str, day: date) -> bool:
        """Whether any pick of the village was active at the end of a day."""
        states: dict[int, str] = {}
        villages: dict[int, str] = {}
        for act in self.history.acts:
            if act.pick >= 0 and act.day <= day:
                states[act.pick] = act.state
                villages.setdefault(act.pick, act.village)
        return any(villages[n] == code and state in ACTIVE for n, state in states.items())

    def last_visit(self, code: str, day: date) -> date | None:
        """The last visit up to a day, of those that stand today."""
        stands: dict[int, Act] = {}
        for act in self.history.acts:
            if act.visit >= 0 and act.withdrawn:
                stands.pop(act.visit, None)
            elif act.visit >= 0:
                stands[act.visit] = act
        days = [a.on for a in stands.values() if a.village == code and a.on and a.on <= day]
        return max(days, default=None)

    def sums(
        self, measure: str, level: str, position: int, period: str
    ) -> tuple[int, int, int, int]:
        """Numerator, denominator, reported, expected."""
        end = date.fromordinal(
            date(int(period[:4]) + (period[5:] == "12"), int(period[5:]) % 12 + 1, 1).toordinal()
            - 1
        )
        end = min(end, self.history.today)
        first = date(int(period[:4]), int(period[5:]), 1)
        place = self.edition.at(level, position)
        top = bottom = reported = expected = 0
        for leaf in self.edition.descendants(place.code, "village"):
            code, point = self.codes[leaf], self.is_point(self.codes[leaf], end)
            visit = self.last_visit(code, end)
            if measure == CONTACT_POINT_SHARE:
                base, counted, known = bool(self.targets[leaf]), int(point), True
            elif measure == CONTACT_VISITED_SHARE:
                base, known = point, True
                counted = int(visit is not None and visit >= first)
            else:
                base, known = point, visit is not None
                counted = (end - visit).days if visit is not None else 0
            if base:
                expected += 1
            if base and known:
                reported += 1
                top += counted
                bottom += 1
        return top, bottom, reported, expected


@given(data=st.data())
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_level_and_period_is_what_a_plain_count_says(
    data: st.DataObject, edition: Edition, tmp_path_factory: pytest.TempPathFactory
) -> None:
    codes = [str(code) for code in edition.nesting.codes[-1][:14]]
    history = data.draw(histories(codes))
    moment = [spelt(START)]
    book = Ledger.of(tmp_path_factory.mktemp("history"))
    book.clock = lambda: moment[0]
    book.prepare()
    history.write(book, moment)
    live = LiveEdition(edition, Snapshot(read(book), history.today))
    book.dispose()
    plain = Plain(edition, history)

    for measure in (CONTACT_POINT_SHARE, CONTACT_VISITED_SHARE, CONTACT_VISIT_DAYS):
        assert list(live.periods(measure, ROUND)) == plain.periods()
        for level in edition.levels:
            found = live.values(measure, ROUND, level.id)
            assert found.periods == live.periods(measure, ROUND)
            for row, period in enumerate(found.periods):
                for position in range(edition.count(level.id)):
                    expected = plain.sums(measure, level.id, position, period)
                    got = (
                        found.numerator[row, position],
                        found.denominator[row, position],
                        found.reported[row, position],
                        found.expected[row, position],
                    )
                    assert got == expected, (measure, level.id, position, period)
                    value = found.value[row, position]
                    top, bottom, _, base = expected
                    if not bottom:
                        assert np.isnan(value)
                        gone = Status.MISSING if base else Status.OUT_OF_SCOPE
                        assert found.status[row, position] == gone
                    elif measure == CONTACT_VISIT_DAYS:
                        assert value == np.round(top / bottom)
                    else:
                        assert value == np.round(100 * top / bottom, 1)


Book = tuple[Ledger, list[str]]


@pytest.fixture
def book(ledger: Ledger) -> Iterator[Book]:
    moment = [spelt(date(2021, 8, 3))]
    ledger.clock = lambda: moment[0]
    yield ledger, moment


def pick(into: Ledger, village: str, state: str = "picked", round: str = ROUND) -> str:
    def work(decision: Any) -> dict[str, Any]:
        return {
            "id": decision.add(
                tables.pick,
                "pick.picked",
                round=round,
                village=village,
                member="m1",
                state=state,
                override="",
                by="m1",
            )
        }

    return str(into.decide(MEMBER, work)["id"])


def change(into: Ledger, identifier: str, state: str) -> None:
    def work(decision: Any) -> dict[str, Any]:
        decision.change(tables.pick, identifier, f"pick.{state}", state=state)
        return {}

    into.decide(MEMBER, work)


def test_a_past_month_keeps_what_was_true_at_its_end(book: Book, edition: Edition) -> None:
    ledger, moment = book
    identifier = pick(ledger, "990001901001")
    moment[0] = spelt(date(2021, 10, 5))
    change(ledger, identifier, "released")

    live = LiveEdition(edition, Snapshot(read(ledger), date(2021, 11, 20)))
    found = live.values(CONTACT_POINT_SHARE, ROUND, "city")
    assert found.periods == ("2021-08", "2021-09", "2021-10", "2021-11")
    assert found.numerator[:, 0].tolist() == [1, 1, 0, 0]


def test_only_what_followed_is_read_and_no_news_is_the_same_record(
    book: Book, edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, _ = book
    identifier = pick(ledger, "990001901001")
    first = read(ledger)
    assert read(ledger, first) is first

    seen: list[int] = []
    whole = Record.after

    def counted(self: Record, events: Any, seq: int, last: str) -> Record:
        events = list(events)
        seen.extend(int(event["seq"]) for event in events)
        return whole(self, events, seq, last)

    monkeypatch.setattr(Record, "after", counted)
    change(ledger, identifier, "confirmed")
    second = read(ledger, first)
    assert seen == [2] and second.changed == 2
    assert second == read(ledger)


def test_another_history_under_the_same_numbers_is_read_from_its_beginning(
    book: Book, tmp_path: Path
) -> None:
    ledger, _ = book
    pick(ledger, "990001901001")
    known = read(ledger)
    other = Ledger.of(tmp_path / "other")
    (tmp_path / "other").mkdir()
    other.clock = ledger.clock
    other.prepare()
    for village in ("990001901002", "990001901003"):
        pick(other, village)
    found = read(other, known)
    today = date(2021, 8, 3)
    same = Record().after([], 0, "")
    assert Snapshot(found, today).revision != Snapshot(same, today).revision
    assert {row["village"] for row in found.picks.values()} == {"990001901002", "990001901003"}
    other.dispose()


def test_what_is_not_about_contact_points_moves_no_revision(book: Book) -> None:
    ledger, _ = book
    pick(ledger, "990001901001")
    before = Snapshot(read(ledger), date(2021, 8, 3)).revision

    def work(decision: Any) -> dict[str, Any]:
        decision.add(tables.screen, "screen.added", label="大厅", digest="d", revoked=False)
        return {}

    ledger.decide(MEMBER, work)
    record = read(ledger)
    assert record.seq == 2
    assert Snapshot(record, date(2021, 8, 3)).revision == before
    assert Snapshot(record, date(2021, 8, 4)).revision != before


def test_other_rounds_and_villages_that_the_edition_does_not_know_count_nowhere(
    book: Book, edition: Edition
) -> None:
    ledger, _ = book
    pick(ledger, "990001901001", round="r2")
    pick(ledger, "110101001001")
    live = LiveEdition(edition, Snapshot(read(ledger), date(2021, 8, 20)))
    assert live.values(CONTACT_POINT_SHARE, ROUND, "city").numerator.tolist() == [[0.0]]
    assert live.contact is not None


def test_a_ledger_without_any_pick_shows_the_present_month_alone(edition: Edition) -> None:
    live = LiveEdition(edition, Snapshot(Record(), date(2026, 11, 22)))
    assert live.periods(CONTACT_POINT_SHARE, ROUND) == ("2026-11",)
    assert live.values(CONTACT_POINT_SHARE, ROUND, "city").value.tolist() == [[0.0]]
    visited = live.values(CONTACT_VISITED_SHARE, ROUND, "city")
    assert np.isnan(visited.value).all() and visited.status.tolist() == [[Status.OUT_OF_SCOPE]]
    assert live.contact is None


def test_periods_are_those_of_the_rounds_step(edition: Edition) -> None:
    item = edition.space.round("r2")  # quarters from 2018-Q1
    began = date(2018, 6, 30).toordinal()
    assert chosen_periods(item, began, date(2018, 10, 1)) == ("2018-Q2", "2018-Q3", "2018-Q4")
    early = date(2016, 1, 1).toordinal()
    assert chosen_periods(item, early, date(2018, 4, 1)) == ("2018-Q1", "2018-Q2")
    assert chosen_periods(item, early, date(2017, 4, 1)) == ("2017-Q2",)
    always = edition.space.round("r1")
    assert chosen_periods(always, None, date(2018, 4, 1)) == (periods.ALWAYS,)


def test_ordinary_measures_are_the_editions_own(edition: Edition) -> None:
    live = LiveEdition(edition, Snapshot(Record(), date(2026, 11, 22)))
    assert live.id == edition.id
    for measure in edition.measures:
        for item in edition.rounds:
            if edition.has(measure.id, item.id):
                one = edition.values(measure.id, item.id, "town")
                assert live.values(measure.id, item.id, "town") is one
                assert live.array_path(measure.id, item.id, "town").is_file()
        assert not live.live(measure.id)
    assert live.revision("income_met") == live.revision() != live.revision(CONTACT_POINT_SHARE)
    assert edition.revision("income_met") == "" == edition.revision(CONTACT_POINT_SHARE)
    assert not edition.has(CONTACT_POINT_SHARE, ROUND)


def test_a_measure_that_the_workspace_declares_itself_is_the_workspaces(edition: Edition) -> None:
    own = edition.space.measure("income_met").model_copy(update={"id": CONTACT_POINT_SHARE})
    plain = edition.__class__.__new__(edition.__class__)
    plain.__dict__.update(vars(edition))
    plain.space = edition.space.model_copy(update={"measures": (*edition.measures, own)})
    live = LiveEdition(plain, Snapshot(Record(), date(2026, 11, 22)))
    assert not live.live(CONTACT_POINT_SHARE) and live.live(CONTACT_VISITED_SHARE)


def test_the_array_says_what_the_values_say(book: Book, edition: Edition) -> None:
    ledger, _ = book
    pick(ledger, "990001901001")
    live = LiveEdition(edition, Snapshot(read(ledger), date(2021, 9, 20)))
    told = decode(live.array(CONTACT_POINT_SHARE, ROUND, "district"))
    values = live.values(CONTACT_POINT_SHARE, ROUND, "district")
    np.testing.assert_array_equal(told.value, values.value)
    np.testing.assert_array_equal(told.status, values.status)
    assert told.periods == ("2021-08", "2021-09")


@pytest.mark.parametrize(
    "ask",
    [
        lambda live: live.array("income_met", ROUND, "city"),
        lambda live: live.array(CONTACT_POINT_SHARE, "r2", "city"),
        lambda live: live.array(CONTACT_POINT_SHARE, ROUND, "street"),
        lambda live: live.values(CONTACT_POINT_SHARE, "r2", "city"),
        lambda live: live.array_path(CONTACT_POINT_SHARE, ROUND, "city"),
    ],
)
def test_what_there_is_not_is_an_unknown_name(
    ask: Callable[[LiveEdition], object], edition: Edition
) -> None:
    live = LiveEdition(edition, Snapshot(Record(), date(2026, 11, 22)))
    with pytest.raises(UnknownName):
        ask(live)

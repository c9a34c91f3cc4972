"""The board's numbers are what anybody would count by hand from the same history."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import BadRequest
from geodata.ledger import Ledger, board, problems, tables, verify, visits
from tests.geodata.ledger.visiting import (
    COLLEAGUE,
    EAST,
    MEMBER,
    MIDDLE,
    OFFICE,
    OFFICER,
    OTHER,
    PEOPLE,
    STRANGER,
    VIEWER,
    Clock,
    bring,
    enrol,
    hold,
    office,
    problem,
    small,
    turn,
    village,
    visit,
)

__all__ = ["office", "small"]


def china(moment: str) -> str:
    """Day in China, in another way than the code's."""
    at = datetime.fromisoformat(moment) + timedelta(hours=8)
    return at.strftime("%Y-%m-%d")


class Book:
    """A history of problems as a clerk would keep it on paper, made beside the ledger's."""

    def __init__(self, ledger: Ledger, edition, chance: random.Random) -> None:
        self.ledger, self.edition, self.chance = ledger, edition, chance
        self.moment = datetime(2021, 8, 28, tzinfo=UTC)
        self.rows: list[dict] = []
        self.happened: list[tuple[str, str]] = []
        self.visits: list[str] = []

    def live(self, steps: int) -> None:
        for _ in range(steps):
            self.moment += timedelta(hours=self.chance.choice([1, 5, 30, 200]))
            self.ledger.clock.moment = self.moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
            getattr(self, "_" + self.chance.choice(["found", "found", "visit", *["on"] * 6]))()

    def month(self) -> str:
        return china(self.ledger.clock.moment)[:7]

    def today(self) -> str:
        return china(self.ledger.clock.moment)

    def _visit(self) -> None:
        made = visit(self.ledger, self.edition, day=self.today(), village=village(self.edition, 8))
        if self.chance.random() < 0.2:
            visits.withdraw(self.ledger, MEMBER, made["id"], "记错了")
        else:
            self.visits.append(self.month())

    def _found(self) -> None:
        n = self.chance.choice([0, 4, 16, 28])
        made = problem(self.ledger, self.edition, self.chance.choice([MEMBER, OTHER]), n)
        district = problems.one(self.ledger, self.edition, OFFICE, made)["district"]
        self.rows.append(
            {"id": made, "state": "found", "district": district, "owner": None, "deadline": "",
             "back": 0, "village": village(self.edition, n)}
        )  # fmt: skip
        self.happened.append(("found", self.month()))

    def _on(self) -> None:
        if not self.rows:
            return
        row = self.chance.choice(self.rows)
        ways = {
            "found": ["assign"],
            "assigned": ["fix"],
            "fixed": ["recheck", "recheck", "send_back"],
            "rechecked": ["strike_off", "strike_off", "send_back"],
            "struck_off": [],
        }[row["state"]]
        if not ways:
            return
        step = self.chance.choice(ways)
        if step == "assign":
            owner = self.chance.choice(problems.owners(self.edition, row["village"]))
            later = self.moment + timedelta(days=self.chance.choice([1, 10, 40]))
            asked = {"owner_kind": owner["kind"], "owner": owner["owner"],
                     "deadline": later.strftime("%Y-%m-%d")}  # fmt: skip
            problems.assign(self.ledger, self.edition, OFFICE, row["id"], asked)
            row |= {"owner": (owner["kind"], owner["owner"]), "deadline": asked["deadline"]}
            row["state"] = "assigned"
            return
        actor = COLLEAGUE if step == "fix" else OFFICE
        getattr(problems, step)(self.ledger, self.edition, actor, row["id"], "说明")
        row["state"] = problems.STEPS[step].after
        row["back"] += step == "send_back"
        if step != "recheck":
            name = {"fix": "fixed", "send_back": "sent_back", "strike_off": "struck_off"}[step]
            self.happened.append((name, self.month()))

    def numbers(self, rows) -> dict[str, int]:
        rows = list(rows)
        states = Counter(row["state"] for row in rows)
        return {
            **{state: states[state] for state in problems.STATES},
            "all": len(rows),
            "open": len(rows) - states["struck_off"],
            "overdue": sum(self.late(row) for row in rows),
            "sent_back": sum(row["state"] == "assigned" and row["back"] > 0 for row in rows),
        }

    def late(self, row) -> bool:
        return row["state"] == "assigned" and row["deadline"] < self.today()


def agrees(book: Book) -> None:
    """The board, counted by hand."""
    ledger, edition = book.ledger, book.edition
    found = board.board(ledger, edition, OFFICE, size=200)
    assert found["counts"] == book.numbers(book.rows)
    for one in found["districts"]:
        mine = [row for row in book.rows if row["district"] == one["code"]]
        assert {name: one[name] for name in board.NUMBERS} == book.numbers(mine)
    owners = {row["owner"] for row in book.rows if row["owner"]}
    assert {(one["kind"], one["owner"]) for one in found["owners"]} == owners
    for one in found["owners"]:
        mine = [row for row in book.rows if row["owner"] == (one["kind"], one["owner"])]
        assert {name: one[name] for name in board.NUMBERS} == book.numbers(mine)
    assert {one["id"] for one in found["rows"]} == {row["id"] for row in book.rows}
    assert {one["id"] for one in found["rows"] if one["overdue"]} == {
        row["id"] for row in book.rows if book.late(row)
    }
    for code, numbers in board.villages(ledger, edition).items():
        assert numbers == book.numbers(row for row in book.rows if row["village"] == code)

    # Months: what happened up to the end of each.
    months = found["months"]
    assert all(one["month"] < after["month"] for one, after in itertools.pairwise(months))
    for one in months:
        here = Counter(what for what, month in book.happened if month == one["month"])
        until = Counter(what for what, month in book.happened if month <= one["month"])
        assert (one["found"], one["fixed"], one["sent_back"], one["struck_off"]) == (
            here["found"], here["fixed"], here["sent_back"], here["struck_off"],
        )  # fmt: skip
        assert one["visits"] == book.visits.count(one["month"])
        assert one["put_right_so_far"] == until["fixed"] - until["sent_back"]
        assert one["found_so_far"] == until["found"]
        if until["found"]:
            share = 100 * one["put_right_so_far"] / until["found"]
            assert one["rate"] == pytest.approx(share, abs=0.1)
            assert (one["rate"] == 100) == (one["put_right_so_far"] == until["found"])
        else:
            assert one["rate"] is None
    whole = board.totals(ledger, edition)
    counts = book.numbers(book.rows)
    assert whole["found"] == len(book.rows)
    assert whole["put_right"] == counts["fixed"] + counts["rechecked"] + counts["struck_off"]
    assert whole["visits"] == len(book.visits)
    if months:
        assert months[-1]["put_right_so_far"] == whole["put_right"]
        assert months[-1]["struck_off_so_far"] == whole["struck_off"]
        assert months[-1]["month"] == book.month()
        assert whole["months"] == months


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), steps=st.integers(0, 60))
def test_any_history_counts_as_by_hand(small, seed, steps):
    with TemporaryDirectory() as folder:
        ledger = Ledger(f"sqlite:///{Path(folder) / 'ledger.sqlite'}", clock=Clock())
        ledger.prepare()
        enrol(ledger, *PEOPLE)
        book = Book(ledger, small, random.Random(seed))
        book.live(steps)
        agrees(book)
        ledger.dispose()


def test_a_long_history_counts_as_by_hand_on_both_databases(office, small):
    book = Book(office, small, random.Random(20211220))
    book.live(150)
    assert len(book.rows) > 10
    assert {what for what, _ in book.happened} == {"found", "fixed", "sent_back", "struck_off"}
    agrees(book)
    assert verify.verify(office).whole, "the audit adds up to what the tables hold"


def test_a_month_ends_at_midnight_in_china(office, small):
    turn(office, "2021-11-30T15:59")
    problem(office, small)
    turn(office, "2021-11-30T16:00")
    problem(office, small)
    months = board.totals(office, small)["months"]
    assert [(one["month"], one["found"]) for one in months] == [("2021-11", 1), ("2021-12", 1)]
    assert months[0]["label"] == "2021年11月"


def test_a_month_that_is_over_does_not_change_when_a_problem_is_sent_back(office, small):
    turn(office, "2021-10-10T00:00")
    made = bring(office, small, "rechecked", deadline="2021-10-20")
    turn(office, "2021-12-10T00:00")
    before = board.totals(office, small)["months"][0]
    assert before["rate"] == 100
    problems.send_back(office, small, MEMBER, made, "又坏了")
    months = board.totals(office, small)["months"]
    assert months[0] == before
    assert [one["rate"] for one in months] == [100, 100, 0]


def test_nothing_yet_is_no_error(office, small):
    found = board.board(office, small, VIEWER)
    assert (found["rows"], found["months"], found["total"], found["pages"]) == ([], [], 0, 1)
    assert [one["name"] for one in found["districts"]] == ["东岭区", "中洲区", "西川区"]
    assert board.totals(office, small)["rate"] is None
    assert board.villages(office, small) == {}


def test_it_is_said_in_the_shape_that_is_published(office, small):
    visit(office, small)
    bring(office, small, "struck_off")
    bring(office, small, "assigned", deadline="2021-12-21")
    turn(office, "2022-01-05T00:00")
    assert board.totals(office, small)["sentence"] == (
        "走访 1 次，发现问题 2 个，整改 1 个，销号 1 个。1 个超期未整改。"
    )


def test_the_wall_is_told_numbers_and_no_names(office, small):
    visit(office, small, problems=[{"category": "team", "said": "队员不在村"}])
    bring(office, small, "assigned")
    text = json.dumps(board.totals(office, small), ensure_ascii=False)
    for person in PEOPLE:
        assert person.id not in text
        assert person.label not in text
    assert "队员不在村" not in text


def test_rows_are_filtered_and_paged(office, small):
    turn(office, "2021-12-01T00:00")
    late = bring(office, small, "assigned", deadline="2021-12-05")
    far = bring(office, small, "assigned", n=16, deadline="2022-06-01")
    done = bring(office, small, "struck_off", n=16)
    fresh = problem(office, small, OTHER)
    turn(office, "2021-12-20T00:00")

    def ids(actor=OFFICE, **filters):
        return [one["id"] for one in board.board(office, small, actor, **filters)["rows"]]

    assert ids() == [late, far, fresh, done]
    assert ids(state="open") == [late, far, fresh]
    assert ids(state="struck_off") == [done]
    assert ids(district=MIDDLE) == [far, done]
    assert ids(owner_kind="district", owner=EAST) == [late]
    assert ids(overdue=True) == [late]
    assert ids(sent_back=True) == []
    assert ids(village=village(small, 16), state="assigned") == [far]
    assert ids(OFFICER, mine=True) == [late, fresh]
    assert ids(STRANGER, mine=True) == [far, done]
    assert ids(OTHER, mine=True) == [fresh]
    hold(office, OTHER, village(small, 16))
    assert ids(OTHER, mine=True) == [far, fresh, done]
    assert ids(VIEWER, mine=True) == []
    assert ids(district="\x00") == []
    pages = [board.board(office, small, OFFICE, size=3, page=page) for page in (1, 2, 3)]
    assert [len(one["rows"]) for one in pages] == [3, 1, 0]
    assert {(one["total"], one["pages"]) for one in pages} == {(4, 2)}
    assert pages[2]["counts"]["all"] == 4


def test_an_officer_sees_all_and_may_act_in_the_own_district_alone(office, small):
    bring(office, small, "assigned")
    bring(office, small, "assigned", n=16)
    found = board.board(office, small, OFFICER)["rows"]
    assert {one["district"]: one["can"] for one in found} == {EAST: ["fix"], MIDDLE: []}


@pytest.mark.parametrize("wrong", [{"state": "lost"}, {"page": 0}, {"size": 0}, {"size": 201}])
def test_what_cannot_be_asked(office, small, wrong):
    with pytest.raises(BadRequest):
        board.board(office, small, OFFICE, **wrong)


def test_a_unit_sees_what_it_answers_for(office, small):
    unit = problems.owners(small, village(small))[0]
    made = problem(office, small)
    asked = {"owner_kind": "unit", "owner": unit["owner"], "deadline": "2022-01-10"}
    problems.assign(office, small, OFFICE, made, asked)
    (owner,) = board.board(office, small, OFFICE)["owners"]
    assert (owner["label"], owner["kind_label"], owner["open"]) == (unit["label"], "帮扶单位", 1)


def test_the_number_of_queries_does_not_grow_with_the_problems(office, small):
    said, counts = [], []

    def heard(*told):
        said.append(told[2])

    sa.event.listen(sa.Engine, "before_cursor_execute", heard)
    for _ in range(2):
        for n in (0, 4, 16):
            bring(office, small, "rechecked", n=n)
        said.clear()
        board.board(office, small, OFFICE)
        counts.append(len(said))
    sa.event.remove(sa.Engine, "before_cursor_execute", heard)
    assert counts[0] == counts[1] <= 8


def test_a_problem_of_a_village_that_is_gone_is_still_counted(office, small):
    bring(office, small, "assigned")
    with office.noting() as connection:
        connection.execute(
            sa.update(tables.problem).values(village="990009909009", district="990009000000")
        )
    found = board.board(office, small, OFFICE)
    assert found["rows"][0]["name"] == "990009909009"
    assert found["districts"][-1]["open"] == 1


def test_what_is_counted_follows_place_owner_and_category_and_no_other_filter(office, small):
    turn(office, "2021-11-01T00:00")
    bring(office, small, "struck_off")
    late = bring(office, small, "assigned", deadline="2021-11-20")
    bring(office, small, "fixed", n=16)
    turn(office, "2021-12-01T00:00")
    asked = {"village": village(small, 16), "category": "team", "said": "队员不在村"}
    other = problems.find(office, small, MEMBER, asked)["id"]
    turn(office, "2021-12-20T00:00")
    visit(office, small)
    visit(office, small, village=village(small, 16))

    def told(**filters):
        return board.board(office, small, OFFICE, **filters)

    def counts(found):
        counted = found["counts"]
        by_month = {one["month"][5:]: one["found"] for one in found["months"]}
        return counted["all"], counted["open"], counted["overdue"], by_month

    def by_district(found):
        return [one["all"] for one in found["districts"]]

    def owners(found):
        return [(one["owner"], one["all"]) for one in found["owners"]]

    whole = told()
    assert counts(whole) == (4, 3, 1, {"11": 3, "12": 1})
    assert by_district(whole) == [2, 2, 0]

    east = told(district=EAST)
    assert counts(east) == (2, 1, 1, {"11": 2, "12": 0})
    # The other districts stay, so that the chosen one can be compared and another one chosen.
    assert (by_district(east), owners(east)) == ([2, 2, 0], [(EAST, 2)])
    assert [one["visits"] for one in east["months"]] == [0, 1]
    assert east["sentence"] == ("走访 1 次，发现问题 2 个，整改 1 个，销号 1 个。1 个超期未整改。")

    owned = told(owner_kind="district", owner=MIDDLE)
    assert counts(owned) == (1, 1, 0, {"11": 1, "12": 0})
    assert (by_district(owned), owners(owned)) == ([0, 1, 0], owners(whole))
    assert len(owners(whole)) == 2
    both = told(district=EAST, owner_kind="district", owner=EAST)
    assert (by_district(both), owners(both)) == ([2, 0, 0], [(EAST, 2)])
    assert owned["sentence"] == "发现问题 1 个，整改 1 个，销号 0 个。"

    team = told(category="team")
    assert counts(team) == (1, 1, 0, {"12": 1})
    assert (by_district(team), owners(team)) == ([0, 1, 0], [])
    assert [one["id"] for one in team["rows"]] == [other]
    assert counts(told(category="team", district=EAST))[:3] == (0, 0, 0)
    assert counts(told(village=village(small, 16)))[:3] == (2, 2, 0)

    for unheard in ("item.nothing", "\x00", "\ud800"):
        assert counts(told(category=unheard)) == (0, 0, 0, {"12": 0})
        assert told(district=unheard)["counts"]["all"] == 0
        assert by_district(told(district=unheard)) == by_district(whole)
        assert told(district=unheard)["months"] == []

    for rows_only in ({"state": "struck_off"}, {"overdue": True}, {"mine": True}, {"page": 2}):
        same = told(**rows_only)
        for name in ("counts", "districts", "owners", "months", "sentence"):
            assert same[name] == whole[name], (rows_only, name)
    assert [one["id"] for one in told(overdue=True, category="item.paved")["rows"]] == [late]
    assert told(category="team", state="struck_off")["counts"]["all"] == 1

"""Proposals out of the ledger and back: problems of what there is, picks of a solution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from geodata.errors import BadRequest, UnknownName
from geodata.ledger import Decision, Forbidden, Ledger, Refused, picks, suggest, tables
from geodata.ledger.verify import verify
from geodata.proposals import Wish, solve
from tests.pickers import OFFICE, TARGETS, VIEWER, disable, join, small, village

TODAY = date(2022, 1, 31)


@pytest.fixture(autouse=True)
def chain_is_whole(ledger: Ledger) -> Iterator[None]:
    """Whatever happens in a test, the audit adds up to the rows afterwards."""
    yield
    assert verify(ledger).whole


def seen(ledger: Ledger, code: str, day: str, *, withdrawn: bool = False) -> None:
    def work(decision: Decision) -> dict[str, object]:
        decision.add(
            tables.visit, "visit.written",
            round="r3", village=code, day=day, author="x", members="[]", people="", seen="",
            withdrawn=withdrawn,
        )  # fmt: skip
        return {}

    ledger.decide(OFFICE, work)


def test_the_problem_is_what_there_is(ledger: Ledger) -> None:
    one, two, gone = join(ledger, "王一", "李二", "赵三")
    join(ledger, "钱四", unit="甲单位")
    disable(ledger, gone)
    edition = small(per_member=2, per_district=1, travel_km=40)
    picks.pick(ledger, edition, two, village(0))
    found = suggest.problem(ledger, edition, OFFICE, "all", today=TODAY)
    assert [(m.label, m.free) for m in found.members] == [("李二", 1), ("王一", 2), ("钱四", 2)]
    assert found.members[2].barred == (village(0), village(24))
    assert found.members[0].barred == ()
    assert [(h.member, h.code) for h in found.held] == [("李二", village(0))]
    assert {v.code: v.room for v in found.villages}[village(0)] == 0
    assert len(found.villages) == len(TARGETS)
    assert (found.rules.per_district, found.rules.travel_km, found.rules.reserve) == (1, 40.0, 0)
    assert len(found.districts) == 3
    mine = suggest.problem(ledger, edition, one, "me", pins=(Wish(village(4)),), today=TODAY)
    assert [m.id for m in mine.members] == ["王一"]
    assert mine.rules.reserve == 3
    assert mine.pins == (Wish(village(4), "王一"),)
    assert len(mine.held) == 1


def test_visits_count_unless_withdrawn(ledger: Ledger) -> None:
    join(ledger, "王一")
    for day in ("2021-12-01", "2022-01-31", "2021-11-01"):
        seen(ledger, village(0), day)
    seen(ledger, village(4), "2022-01-31", withdrawn=True)
    assert suggest.last_visits(ledger, "r3") == {village(0): date(2022, 1, 31)}
    found = suggest.problem(ledger, small(), OFFICE, "all", today=TODAY)
    visit = {
        one.code: part.value for one in found.villages for part in one.parts if part.name == "visit"
    }
    assert (visit[village(0)], visit[village(4)]) == (0.0, 1.0)


def test_for_all_is_the_offices_and_for_me_a_members(ledger: Ledger) -> None:
    (one,) = join(ledger, "王一")
    for actor, who in ((one, "all"), (OFFICE, "me"), (VIEWER, "me"), (VIEWER, "all")):
        with pytest.raises(Forbidden):
            suggest.problem(ledger, small(), actor, who)
        with pytest.raises(Forbidden):
            suggest.accept(ledger, small(), actor, who, solve(problem(ledger)))
    with pytest.raises(BadRequest):
        suggest.problem(ledger, small(), one, "us")


def problem(ledger: Ledger) -> suggest.Problem:
    return suggest.problem(ledger, small(), OFFICE, "all", today=TODAY)


def test_names_that_are_none_are_told(ledger: Ledger) -> None:
    join(ledger, "王一")
    for wish in (Wish("nowhere"), Wish(village(0), "nobody")):
        with pytest.raises(UnknownName):
            suggest.problem(ledger, small(), OFFICE, "all", pins=(wish,))
        with pytest.raises(UnknownName):
            suggest.problem(ledger, small(), OFFICE, "all", forbidden=(wish,))
    with pytest.raises(BadRequest, match="太多"):
        suggest.problem(ledger, small(), OFFICE, "all", pins=(Wish(village(0)),) * 1001)


def test_without_a_free_place_there_is_nothing_to_propose(ledger: Ledger) -> None:
    (one,) = join(ledger, "王一")
    edition = small(per_member=1, every_district=False)
    picks.pick(ledger, edition, one, village(0))
    with pytest.raises(Refused, match="名额已经用满"):
        suggest.problem(ledger, edition, one, "me")


def test_what_is_accepted_for_oneself_is_picked(ledger: Ledger) -> None:
    one, _ = join(ledger, "王一", "李二")
    edition = small()
    asked = suggest.problem(ledger, edition, one, "me", today=TODAY)
    found = solve(asked)
    before = ledger.seq()
    answer = suggest.accept(ledger, edition, one, "me", found, key="k")
    assert answer["refused"] == []
    assert suggest.accept(ledger, edition, one, "me", found, key="k") == answer
    assert ledger.seq() == before + 3
    held = picks.standing(ledger, edition).by_member["王一"]
    assert {one.village for one in held} == {choice.village for choice in found.choices}


def test_what_is_accepted_for_all_is_proposed_and_breaks_no_rule(ledger: Ledger) -> None:
    join(ledger, "王一", "李二")
    join(ledger, "钱四", unit="甲单位")
    edition = small(per_district=2)
    found = solve(suggest.problem(ledger, edition, OFFICE, "all", today=TODAY))
    assert len(found.choices) == 9
    answer = suggest.accept(ledger, edition, OFFICE, "all", found)
    assert answer["refused"] == []
    now = picks.standing(ledger, edition)
    assert {(one.member, one.village) for one in now.proposed} == {
        (choice.member, choice.village) for choice in found.choices
    }


def test_a_part_can_be_accepted_and_nothing_is_told(ledger: Ledger) -> None:
    join(ledger, "王一", "李二")
    found = solve(problem(ledger))
    first = found.choices[0]
    answer = suggest.accept(ledger, small(), OFFICE, "all", found, only=[first.village])
    assert [one["village"] for one in answer["picks"]] == [first.village]
    with pytest.raises(Refused, match="没有可以采用"):
        suggest.accept(ledger, small(), OFFICE, "all", replace(found, choices=()))


def test_what_somebody_took_meanwhile_is_left_out_and_told(ledger: Ledger) -> None:
    one, two = join(ledger, "王一", "李二")
    edition = small(every_district=False)
    found = solve(suggest.problem(ledger, edition, one, "me", today=TODAY))
    lost = found.choices[0].village
    picks.pick(ledger, edition, two, lost)
    answer = suggest.accept(ledger, edition, one, "me", found)
    assert [row["village"] for row in answer["refused"]] == [lost]
    assert len(picks.standing(ledger, edition).by_member["王一"]) == 2

"""A problem goes from found to struck off, each step by a role that may, none skipped."""

from __future__ import annotations

import itertools

import pytest
import sqlalchemy as sa

from geodata.errors import AtlasError, BadRequest, UnknownName
from geodata.ledger import Conflict, Forbidden, Refused, problems, tables
from geodata.ledger.roles import TERMINAL
from tests.geodata.ledger.visiting import (
    ADMINISTRATOR,
    COLLEAGUE,
    EAST,
    MEMBER,
    MIDDLE,
    OFFICE,
    OFFICER,
    OTHER,
    STRANGER,
    VIEWER,
    bring,
    kinds,
    office,
    problem,
    small,
    turn,
    village,
    visit,
)

__all__ = ["office", "small"]

MAY = """
step       | found          | assigned               | fixed                | rechecked            | struck_off
assign     | OFFICE FIXER   | -                      | -                    | -                    | -
fix        | -              | OFFICE FIXER OFFICER   | -                    | -                    | -
recheck    | -              | -                      | OFFICE MEMBER OTHER  | -                    | -
send_back  | -              | -                      | OFFICE MEMBER OTHER  | OFFICE MEMBER OTHER  | -
strike_off | -              | -                      | -                    | OFFICE FIXER         | -
change     | OFFICE FIXER   | OFFICE FIXER           | -                    | -                    | -
"""  # noqa: E501
"""Who may take which step from which state. FIXER is of the office, and the one who said that the
problem is put right; OFFICER is the officer of its district, STRANGER of another."""

PEOPLE = {
    "OFFICE": OFFICE,
    "FIXER": COLLEAGUE,
    "MEMBER": MEMBER,
    "OTHER": OTHER,
    "OFFICER": OFFICER,
    "STRANGER": STRANGER,
    "VIEWER": VIEWER,
    "ADMINISTRATOR": ADMINISTRATOR,
    "TERMINAL": TERMINAL,
}

OWNER = {"owner_kind": "district", "owner": EAST, "deadline": "2022-01-10"}


def allowed() -> dict[tuple[str, str], set[str]]:
    heads, *lines = [[cell.strip() for cell in line.split("|")] for line in MAY.strip().split("\n")]
    return {
        (line[0], state): set(cell.split()) - {"-"}
        for line in lines
        for state, cell in zip(heads[1:], line[1:], strict=True)
    }


def take(office, small, actor, step, identifier, **options):
    """A step as it is ordinarily taken."""
    if step == "assign":
        return problems.assign(office, small, actor, identifier, OWNER, **options)
    if step == "change":
        asked = {"category": "other", "reason": "重新归类"}
        return problems.change(office, small, actor, identifier, asked, **options)
    return getattr(problems, step)(office, small, actor, identifier, "说明", **options)


def in_state(office, small, state):
    """A problem put into a state by hand, said to be put right by FIXER where anybody did."""
    made = ""
    beyond = problems.STATES.index(state) >= problems.STATES.index("fixed")

    def work(decision):
        nonlocal made
        made = decision.add(
            tables.problem,
            "problem.found",
            round="r3",
            village=village(small),
            district=EAST,
            visit="",
            category="item.paved",
            said="泥路",
            owner_kind="" if state == "found" else "district",
            owner="" if state == "found" else EAST,
            deadline="" if state == "found" else "2022-01-10",
            state=state,
            sent_back=0,
            found_by=MEMBER.id,
            found_on="2021-12-18",
            fixed_by=COLLEAGUE.id if beyond else "",
            rechecked_by="",
        )
        return {}

    office.decide(MEMBER, work)
    return made


@pytest.mark.parametrize("state", problems.STATES)
def test_the_whole_table_of_who_may_do_what(office, small, state):
    expected = allowed()
    assert set(expected) == set(itertools.product(problems.STEPS, problems.STATES))
    for (step, before), names in expected.items():
        if before != state:
            continue
        for name, actor in PEOPLE.items():
            made = in_state(office, small, state)
            row = office.rows(sa.select(tables.problem).where(tables.problem.c.id == made))[0]
            offered = step in problems.steps(actor, row)
            try:
                done = take(office, small, actor, step, made, state=state)
            except AtlasError as error:
                assert isinstance(error, (Forbidden, Conflict)), (name, step, state)
                done = None
            assert (done is not None) == offered == (name in names), (name, step, state)
            if done:
                assert done["state"] == (problems.STEPS[step].after or state)


def test_a_problem_is_found_by_members_and_the_office_alone(office, small):
    for actor in (MEMBER, OFFICE):
        assert problem(office, small, actor)
    for actor in (VIEWER, OFFICER, ADMINISTRATOR, TERMINAL):
        with pytest.raises(Forbidden):
            problem(office, small, actor)


def test_the_way_of_a_problem_and_its_history_in_words(office, small):
    made = problem(office, small)
    turn(office, "2021-12-21T01:00")
    problems.assign(office, small, OFFICE, made, OWNER | {"reason": "请一周内答复"})
    turn(office, "2021-12-22T01:00")
    done = problems.fix(office, small, OFFICER, made, "已铺混凝土")
    assert done["fixed_by_label"] == "东岭区专员"
    turn(office, "2021-12-23T01:00")
    back = problems.send_back(office, small, MEMBER, made, "路肩还是土的")
    assert (back["state"], back["sent_back"], back["fixed_by_label"]) == ("assigned", 1, "")
    problems.fix(office, small, OFFICER, made, "路肩已硬化")
    problems.recheck(office, small, OTHER, made)
    last = problems.strike_off(office, small, OFFICE, made)
    assert last["state_label"] == "已销号"
    found = problems.one(office, small, VIEWER, made)
    assert found["can"] == []
    assert [one["kind"] for one in found["history"]] == [
        "problem.found",
        "problem.assigned",
        "problem.fixed",
        "problem.sent_back",
        "problem.fixed",
        "problem.rechecked",
        "problem.struck_off",
    ]
    assert (
        found["history"][3]["sentence"] == "2021年12月23日 09:00，王成员退回重新整改：路肩还是土的"
    )
    assert kinds(office) == [one["kind"] for one in found["history"]]


def test_who_says_fixed_never_checks_it_however_often_it_comes_back(office, small):
    made = bring(office, small, "assigned")
    problems.fix(office, small, OFFICE, made, "已处理")
    for step in (problems.recheck, problems.send_back):
        with pytest.raises(Forbidden, match="不能由您复查"):
            step(office, small, OFFICE, made, "理由")
    problems.send_back(office, small, COLLEAGUE, made, "没有处理")
    problems.fix(office, small, COLLEAGUE, made, "这次处理了")
    with pytest.raises(Forbidden):
        problems.recheck(office, small, COLLEAGUE, made)
    problems.recheck(office, small, OFFICE, made)
    with pytest.raises(Forbidden):
        problems.send_back(office, small, COLLEAGUE, made, "理由")


def test_a_step_from_a_state_that_is_past_says_who_did_what_and_when(office, small):
    made = bring(office, small, "fixed")
    turn(office, "2021-12-21T02:30")
    problems.recheck(office, small, OTHER, made)
    with pytest.raises(Conflict, match="李成员复查通过") as caught:
        problems.send_back(office, small, MEMBER, made, "还是土路", state="fixed")
    assert "2021年12月21日 10:30" in str(caught.value)
    assert caught.value.breaches[0]["state"] == "rechecked"
    assert caught.value.breaches[0]["by"] == "李成员"
    # Whoever has read the present state may.
    problems.send_back(office, small, MEMBER, made, "还是土路", state="rechecked")
    with pytest.raises(Conflict, match="王成员退回重新整改：还是土路"):
        problems.strike_off(office, small, OFFICE, made)


def test_reasons_are_asked_for_where_they_matter(office, small):
    made = bring(office, small, "assigned")
    with pytest.raises(Refused, match="理由"):
        problems.fix(office, small, OFFICER, made, "  ")
    problems.fix(office, small, OFFICER, made, "已铺")
    with pytest.raises(Refused, match="理由"):
        problems.send_back(office, small, MEMBER, made, "")
    with pytest.raises(Refused, match="最多 200 个字"):
        problems.send_back(office, small, MEMBER, made, "长" * 201)
    problems.recheck(office, small, MEMBER, made)
    problems.strike_off(office, small, OFFICE, made)


def test_categories_are_the_items_of_the_round_and_five_more(small):
    found = problems.categories(small.space)
    assert [one["label"] for one in found] == [
        "道路硬化", "饮水安全", "驻村队伍", "帮扶资金", "产业项目", "工作作风", "其他",
    ]  # fmt: skip
    assert problems.category_label(small.space, "item.gone") == "item.gone"


@pytest.mark.parametrize("category", ["", None, "item.lights", "paved", ["team"], 5])
def test_a_category_that_is_none(office, small, category):
    with pytest.raises(UnknownName):
        problems.find(
            office, small, MEMBER, {"village": village(small), "category": category, "said": "x"}
        )


def test_owners_are_the_villages_units_its_town_and_its_district(small):
    found = problems.owners(small, village(small))
    assert [one["kind"] for one in found] == ["unit"] * (len(found) - 2) + ["town", "district"]
    units = small.entities("unit", "r3", village(small))
    assert {one["label"] for one in found if one["kind"] == "unit"} == set(units["name"])
    assert [one["label"] for one in found[-2:]] == ["青禾镇", "东岭区"]
    assert [one["kind_label"] for one in found[-2:]] == ["镇", "区"]


@pytest.mark.parametrize(
    "owner",
    [
        {"owner_kind": "district", "owner": MIDDLE},
        {"owner_kind": "unit", "owner": "没有的单位"},
        {"owner_kind": "town", "owner": EAST},
        {"owner_kind": "", "owner": ""},
        {"owner_kind": ["unit"], "owner": None},
        {},
    ],
)
def test_only_they_can_be_made_to_answer(office, small, owner):
    made = problem(office, small)
    with pytest.raises(UnknownName, match="东岭区"):
        problems.assign(office, small, OFFICE, made, {"deadline": "2022-01-10"} | owner)


@pytest.mark.parametrize("deadline", ["2021-12-17", "2031-01-01"])
def test_a_deadline_that_cannot_be(office, small, deadline):
    made = problems.find(
        office,
        small,
        MEMBER,
        {"village": village(small), "category": "team", "said": "x", "day": "2021-12-18"},
    )["id"]
    with pytest.raises(Refused, match="期限不能早于发现的日子"):
        problems.assign(office, small, OFFICE, made, OWNER | {"deadline": deadline})
    with pytest.raises(BadRequest):
        problems.assign(office, small, OFFICE, made, OWNER | {"deadline": "月底"})
    assert problems.assign(office, small, OFFICE, made, OWNER | {"deadline": "2021-12-18"})


def test_overdue_is_what_is_past_its_deadline_and_not_said_to_be_fixed(office, small):
    made = bring(office, small, "assigned", deadline="2021-12-22")
    for moment, late, words in (
        ("2021-12-22T15:00", False, "今天到期"),
        ("2021-12-22T16:00", True, "超期 1 天"),
        ("2021-12-20T04:00", False, "还有 2 天"),
    ):
        turn(office, moment)
        found = problems.one(office, small, OFFICE, made)
        assert (found["overdue"], found["when"]) == (late, words)
    turn(office, "2022-01-20T00:00")
    found = problems.fix(office, small, OFFICER, made, "已铺")
    assert (found["overdue"], found["when"]) == (False, "")


def test_the_office_moves_a_deadline_with_a_reason_and_the_history_keeps_both(office, small):
    made = bring(office, small, "assigned")
    with pytest.raises(Refused, match="理由"):
        problems.change(office, small, OFFICE, made, {"deadline": "2022-02-01"})
    found = problems.change(
        office, small, OFFICE, made, {"deadline": "2022-02-01", "reason": "冬季停工"}
    )
    assert found["deadline_text"] == "2022年2月1日"
    event = tables.event.c
    rows = office.rows(sa.select(event.before, event.after).where(event.kind == "problem.changed"))
    assert "2022-01-10" in rows[0]["before"]
    assert "2022-02-01" in rows[0]["after"]
    with pytest.raises(BadRequest):
        problems.change(office, small, OFFICE, made, {"reason": "没有要改的"})
    fresh = problem(office, small)
    with pytest.raises(Conflict):
        problems.change(
            office, small, OFFICE, fresh, {"deadline": "2022-02-01", "reason": "还没有交办"}
        )


def test_found_during_a_visit_it_takes_the_visits_village_and_day(office, small):
    made = visit(office, small, village=village(small, 4), day="2021-12-05")["id"]
    found = problems.find(
        office,
        small,
        OTHER,
        {"visit": made, "village": village(small), "category": "team", "said": "队员不在"},
    )
    assert (found["village"], found["found_on"]) == (village(small, 4), "2021-12-05")
    with pytest.raises(UnknownName):
        problems.find(office, small, OTHER, {"visit": "\x00", "category": "team", "said": "x"})


@pytest.mark.parametrize("wrong", ["", "none", "\x00", "\ud800"])
def test_a_problem_that_is_not_there(office, small, wrong):
    with pytest.raises(UnknownName):
        problems.one(office, small, OFFICE, wrong)
    for step in problems.STEPS:
        with pytest.raises((UnknownName, Forbidden)):
            take(office, small, OFFICE, step, wrong)


def test_a_step_asked_twice_with_one_key_is_taken_once(office, small):
    made = bring(office, small, "assigned")
    first = problems.fix(office, small, OFFICER, made, "已铺", state="assigned", key="f1")
    assert problems.fix(office, small, OFFICER, made, "已铺", state="assigned", key="f1") == first
    assert kinds(office).count("problem.fixed") == 1


def test_what_was_typed_stays_what_it_was(office, small):
    typed = "<img src=x onerror=alert(1)> =HYPERLINK(1) \u202e'; drop table problem; --"
    made = problems.find(
        office, small, MEMBER, {"village": village(small), "category": "other", "said": typed}
    )["id"]
    assert problems.one(office, small, MEMBER, made)["said"] == typed.replace("\u202e", "")


def test_the_problems_of_a_village_open_ones_first_by_deadline(office, small):
    closed = bring(office, small, "struck_off")
    late = bring(office, small, "assigned", deadline="2022-03-01")
    soon = bring(office, small, "assigned", deadline="2022-01-01")
    fresh = problem(office, small)
    bring(office, small, "found", n=4)
    found = [one["id"] for one in problems.of(office, small, OFFICE, village(small))]
    assert found == [soon, late, fresh, closed]
    found = problems.of(office, small, OFFICE, village(small), open_only=True)
    assert closed not in [one["id"] for one in found]

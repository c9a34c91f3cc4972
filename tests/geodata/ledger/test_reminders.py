"""Who signs in is told what is due: the own contact points, the own district, or all of it."""

from __future__ import annotations

import pytest

from geodata.ledger import problems, reminders
from tests.geodata.ledger.visiting import (
    ADMINISTRATOR,
    COLLEAGUE,
    MEMBER,
    OFFICE,
    OFFICER,
    OTHER,
    PEOPLE,
    STRANGER,
    VIEWER,
    bring,
    hold,
    office,
    problem,
    small,
    turn,
    village,
    visit,
)

__all__ = ["office", "small"]


def due(office, small, actor):
    return {one["kind"]: one for one in reminders.due(office, small, actor)}


def test_who_only_reads_is_told_nothing(office, small):
    bring(office, small, "found")
    bring(office, small, "fixed")
    for actor in (VIEWER, ADMINISTRATOR):
        assert reminders.due(office, small, actor) == []


def test_a_contact_point_is_due_after_ninety_days_without_its_own_member(office, small):
    turn(office, "2021-07-10T00:00")
    hold(office, MEMBER, village(small))
    assert reminders.due(office, small, MEMBER) == []
    turn(office, "2021-10-09T00:00")
    found = due(office, small, MEMBER)["visit"]
    assert found["sentence"] == "1 个联系点很久没有走访"
    assert found["items"][0]["sentence"].endswith("：定为联系点 91 天，您还没有走访")
    # Somebody else's visit is not the member's.
    visit(office, small, OTHER, day="2021-10-01")
    assert "visit" in due(office, small, MEMBER)
    visit(office, small, MEMBER, day="2021-10-02")
    assert reminders.due(office, small, MEMBER) == []
    turn(office, "2021-12-31T15:00")
    assert reminders.due(office, small, MEMBER) == []
    turn(office, "2021-12-31T16:00")
    item = due(office, small, MEMBER)["visit"]["items"][0]
    assert "您上次走访是2021年10月2日，已过 91 天" in item["sentence"]
    assert due(office, small, OTHER) == {}
    assert "王成员" in due(office, small, OFFICE)["visit"]["items"][0]["sentence"]


def test_a_visit_that_others_wrote_down_counts_for_who_was_there(office, small):
    turn(office, "2021-07-10T00:00")
    hold(office, MEMBER, village(small))
    turn(office, "2021-12-20T00:00")
    visit(office, small, OFFICE, day="2021-12-01", members=[MEMBER.id])
    assert reminders.due(office, small, MEMBER) == []


@pytest.mark.parametrize("state", ["proposed", "released", "declined"])
def test_what_is_nobodys_contact_point_is_not_due(office, small, state):
    turn(office, "2021-07-10T00:00")
    hold(office, MEMBER, village(small), state)
    turn(office, "2021-12-31T00:00")
    assert "visit" not in due(office, small, MEMBER)


def test_a_member_is_reminded_to_answer_what_the_office_proposed(office, small):
    hold(office, MEMBER, village(small), "proposed")
    (item,) = due(office, small, MEMBER)["proposed"]["items"]
    assert item["village"] == village(small)
    assert due(office, small, OTHER) == {}
    assert "proposed" not in due(office, small, OFFICE)


def test_an_officer_is_told_of_the_own_districts_deadlines(office, small):
    late = bring(office, small, "assigned", deadline="2021-12-21")
    soon = bring(office, small, "assigned", deadline="2021-12-30")
    bring(office, small, "assigned", deadline="2022-02-01")
    bring(office, small, "assigned", n=16, deadline="2021-12-21")
    turn(office, "2021-12-23T01:00")
    found = due(office, small, OFFICER)
    assert list(found) == ["overdue", "soon"]
    assert [one["problem"] for one in found["overdue"]["items"]] == [late]
    assert "超期 2 天（期限2021年12月21日）" in found["overdue"]["items"][0]["sentence"]
    assert [one["problem"] for one in found["soon"]["items"]] == [soon]
    assert "还有 7 天到期" in found["soon"]["items"][0]["sentence"]
    assert found["overdue"]["pressing"]
    assert due(office, small, STRANGER)["overdue"]["count"] == 1
    assert due(office, small, OFFICE)["overdue"]["count"] == 2
    turn(office, "2021-12-30T01:00")
    assert "今天到期" in due(office, small, OFFICER)["soon"]["items"][0]["sentence"]


def test_the_office_is_told_what_waits_for_it(office, small):
    fresh = problem(office, small)
    checked = bring(office, small, "rechecked")
    fixed = bring(office, small, "fixed")
    found = due(office, small, OFFICE)
    assert [one["problem"] for one in found["assign"]["items"]] == [fresh]
    assert [one["problem"] for one in found["strike_off"]["items"]] == [checked]
    assert [one["problem"] for one in found["recheck"]["items"]] == [fixed]
    assert "assign" not in due(office, small, OFFICER)


def test_a_member_rechecks_the_own_findings_and_contact_points(office, small):
    bring(office, small, "fixed")
    assert due(office, small, MEMBER)["recheck"]["count"] == 1
    assert due(office, small, OTHER) == {}
    hold(office, OTHER, village(small))
    assert due(office, small, OTHER)["recheck"]["count"] == 1


def test_who_said_that_it_is_fixed_is_not_asked_to_check_it(office, small):
    made = bring(office, small, "assigned")
    problems.fix(office, small, OFFICE, made, "已处理")
    assert "recheck" not in due(office, small, OFFICE)
    assert due(office, small, COLLEAGUE)["recheck"]["count"] == 1


def test_a_long_list_is_counted_whole_and_shown_in_part(office, small):
    for _ in range(reminders.SHOWN + 3):
        problem(office, small)
    found = due(office, small, OFFICE)["assign"]
    assert (found["count"], len(found["items"])) == (reminders.SHOWN + 3, reminders.SHOWN)


def test_what_is_counted_is_what_is_told(office, small):
    turn(office, "2021-07-10T00:00")
    hold(office, MEMBER, village(small))
    hold(office, OTHER, village(small, 5))
    hold(office, OTHER, village(small, 6), "proposed")
    hold(office, OTHER, village(small, 7), "released")
    for n, state in enumerate(("found", "fixed", "rechecked", "struck_off", "assigned")):
        bring(office, small, state, n)
    bring(office, small, "assigned", deadline="2021-08-01")
    bring(office, small, "assigned", deadline="2021-10-14")
    turn(office, "2021-10-12T00:00")
    seen = {}
    for actor in PEOPLE:
        told = reminders.due(office, small, actor)
        with office.reading() as connection:
            seen[actor.id] = reminders.count(connection, small, actor, "2021-10-12")
        assert seen[actor.id] == sum(one["count"] for one in told), actor.label
    assert seen[VIEWER.id] == 0 < seen[MEMBER.id] < seen[OFFICE.id]
    kinds = {one["kind"] for actor in PEOPLE for one in reminders.due(office, small, actor)}
    assert kinds == set(reminders.PRESSING), "each group is counted here"


def test_counting_puts_nothing_into_words(office, small, monkeypatch):
    for _ in range(3):
        problem(office, small)

    def words(*_, **__):
        raise AssertionError("nobody reads a sentence of what is only counted")

    for place in (reminders, problems):
        monkeypatch.setattr(place, "say", words)
    with office.reading() as connection:
        assert reminders.count(connection, small, OFFICE, "2021-10-12") == 3

"""Picking, directing and taking back; what the screen is told; history for ever."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from geodata.errors import UnknownName
from geodata.ledger import Actor, Conflict, Decision, Forbidden, Ledger, Refused, Role, tables
from geodata.ledger import picks as act
from geodata.ledger.verify import verify
from tests.pickers import OFFICE, VIEWER, disable, join, name, ruled, small, tiny, village

START = "2000-01-01T00:00:00.000000Z"


@pytest.fixture(autouse=True)
def chain_is_whole(ledger: Ledger) -> Iterator[None]:
    """Whatever happens in a test, the audit adds up to the rows afterwards."""
    yield
    assert verify(ledger).whole


def rows(ledger: Ledger) -> list[dict[str, Any]]:
    query = sa.select(tables.pick).order_by(tables.pick.c.created_at, tables.pick.c.village)
    return [{**row} for row in ledger.rows(query)]


def held(ledger: Ledger, edition: Any = None) -> dict[str, str]:
    """Village: who has it, of what counts."""
    now = act.standing(ledger, edition or small())
    return {one.village: one.member for one in now.picks if one.active}


def last(ledger: Ledger) -> dict[str, Any]:
    query = sa.select(tables.event).order_by(tables.event.c.seq.desc()).limit(1)
    return {**ledger.rows(query)[0]}


# ---- a member ------------------------------------------------------------------------------


def test_a_pick_is_there_with_its_event(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    answer = act.pick(ledger, small(), me, village(0))
    (row,) = rows(ledger)
    assert (row["village"], row["member"], row["state"], row["round"]) == (
        village(0), me.id, "picked", "r3",
    )  # fmt: skip
    assert answer["pick"]["id"] == row["id"]
    assert answer["sentence"] == f"已选{name(0)}"
    assert answer["pick"]["can"] == ["release", "undo"]
    assert answer["seq"] == ledger.seq()
    event = last(ledger)
    assert (event["kind"], event["village"], event["actor_label"]) == (
        "pick.picked", village(0), "王一",
    )  # fmt: skip


def test_the_same_key_picks_once(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    first = act.pick(ledger, small(), me, village(0), key="k1")
    assert act.pick(ledger, small(), me, village(0), key="k1") == first
    assert len(rows(ledger)) == 1
    with pytest.raises(Conflict):
        act.pick(ledger, small(), me, village(12), key="k1")


def test_what_is_taken_says_by_whom_and_what_is_near(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    act.pick(ledger, small(), other, village(0))
    with pytest.raises(act.Taken) as caught:
        act.pick(ledger, small(), me, village(0))
    error = caught.value
    assert error.http_status == 409
    assert error.message == f"{name(0)}已由李二选作联系点"
    assert error.by == {"id": "李二", "label": "李二"}
    assert len(error.near) == 3
    assert error.near[0]["name"] in error.cure
    assert error.breaches[0]["rule"] == "taken"
    assert held(ledger) == {village(0): "李二"}


def test_who_has_no_place_left_is_not_sent_elsewhere(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    world = small(per_member=1)
    act.pick(ledger, world, other, village(0))
    act.pick(ledger, world, me, village(12))
    with pytest.raises(act.Taken) as caught:
        act.pick(ledger, world, me, village(0))
    assert caught.value.near == []
    assert "名额已满" in caught.value.message


def test_a_refusal_holds_all_breaches_and_changes_nothing(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一", unit="甲单位")
    before = ledger.seq()
    with pytest.raises(Refused) as caught:
        act.pick(ledger, small(), me, "999999999999")
    assert [one["rule"] for one in caught.value.breaches] == ["unknown"]
    with pytest.raises(Refused) as caught:
        act.pick(ledger, small(override=[]), me, village(0), override="领导小组已经同意")
    assert [one["rule"] for one in caught.value.breaches] == ["own_unit"]
    assert ledger.seq() == before


def test_a_rule_is_set_aside_with_a_reason_of_four_characters(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一", unit="甲单位")
    for reason in ("", "  同 意 ", "三个字", "\x00\x01\x02\x03"):
        with pytest.raises(Refused) as caught:
            act.pick(ledger, small(), me, village(0), override=reason)
        assert "请写明理由（至少 4 个字）" in caught.value.message
        assert caught.value.breaches[0]["can_override"]
    act.pick(ledger, small(), me, village(0), override="  组长\x00\ud800同意\n")
    (row,) = rows(ledger)
    assert row["override"] == last(ledger)["reason"] == "组长同意"


def test_a_reason_that_was_not_needed_is_not_kept(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    act.pick(ledger, small(), me, village(0), override="没有必要的理由")
    assert rows(ledger)[0]["override"] == ""


def test_a_reason_has_a_length(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    with pytest.raises(Refused, match="最多 300 个字"):
        act.pick(ledger, small(), me, village(0), override="长" * 301)


def test_taken_can_be_set_aside_only_where_that_is_declared(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    world = small(override=["taken"])
    act.pick(ledger, world, other, village(0))
    with pytest.raises(Refused, match="请写明理由"):
        act.pick(ledger, world, me, village(0))
    act.pick(ledger, world, me, village(0), override="两位组长商定")
    assert len(rows(ledger)) == 2


def test_only_members_in_use_pick(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    join(ledger, "马五", role=Role.VIEWER)
    for actor in (VIEWER, OFFICE, Actor("d", "区", Role.DISTRICT, district="990001000000")):
        with pytest.raises(Forbidden):
            act.pick(ledger, small(), actor, village(0))
    with pytest.raises(Forbidden, match="不是在用的成员账号"):
        act.pick(ledger, small(), Actor("马五", "马五", Role.MEMBER), village(0))
    with pytest.raises(Forbidden):
        act.pick(ledger, small(), Actor("nobody", "无名", Role.MEMBER), village(0))
    disable(ledger, me)
    with pytest.raises(Forbidden, match="王一不是在用的成员账号"):
        act.pick(ledger, small(), me, village(0))
    assert rows(ledger) == []


def test_a_member_lets_go_of_the_own_until_it_is_confirmed(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    one = act.pick(ledger, small(), me, village(0))["pick"]["id"]
    with pytest.raises(Forbidden, match=f"{name(0)}是王一的联系点"):
        act.release(ledger, small(), other, one)
    answer = act.release(ledger, small(), me, one)
    assert answer["pick"] is None
    assert answer["sentence"] == f"已放下{name(0)}"
    assert held(ledger) == {}
    two = act.pick(ledger, small(), me, village(0))["pick"]["id"]
    assert two != one
    act.confirm(ledger, small(), OFFICE, two)
    with pytest.raises(Forbidden, match="已由办公室确认"):
        act.release(ledger, small(), me, two)


def test_what_has_changed_meanwhile_is_told(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    join(ledger, "主任", role=Role.OFFICE)
    office = Actor("主任", "主任", Role.OFFICE)
    one = act.pick(ledger, small(), me, village(0))["pick"]["id"]
    act.release(ledger, small(), office, one, reason="另有安排")
    with pytest.raises(Conflict) as caught:
        act.release(ledger, small(), me, one)
    assert caught.value.message == f"{name(0)}这一条刚由主任改过，现在是「已放下」，这一步没有做"


@pytest.mark.parametrize("identifier", ["", "nothing", "x" * 80, "a\x00b", "\ud800", "王"])
def test_a_contact_point_that_there_is_not(ledger: Ledger, identifier: str) -> None:
    (me,) = join(ledger, "王一")
    for what in (act.release, act.accept, act.decline):
        with pytest.raises(UnknownName):
            what(ledger, small(), me, identifier)
    with pytest.raises(UnknownName):
        act.confirm(ledger, small(), OFFICE, identifier)
    with pytest.raises(UnknownName):
        act.undo(ledger, small(), me, identifier, since=START)


def test_odd_codes_are_refused_and_reach_no_database(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    for code in ("a\x00b", "\ud800", "'; DROP TABLE pick; --", "x" * 10_000):
        with pytest.raises(Refused) as caught:
            act.pick(ledger, small(), me, code)
        assert caught.value.breaches[0]["rule"] == "unknown"
        for member in (me.id, code):
            answer = act.propose(
                ledger, small(), OFFICE, [(member, code)], key=str(len(member + code))
            )
            assert len(answer["refused"]) == 1
        assert act.history(ledger, code) == []
        assert act.history_of(ledger, code) == []


# ---- the office ----------------------------------------------------------------------------


def test_the_office_proposes_and_the_member_accepts(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    answer = act.propose(ledger, small(), OFFICE, [(me.id, village(0)), (other.id, village(12))])
    assert (len(answer["picks"]), answer["refused"]) == (2, [])
    assert answer["sentence"] == "已推荐 2 个村"
    assert held(ledger) == {}
    one, two = (row["id"] for row in answer["picks"])
    with pytest.raises(Forbidden):
        act.accept(ledger, small(), me, two)
    accepted = act.accept(ledger, small(), me, one)
    assert accepted["pick"]["state"] == "picked"
    assert act.decline(ledger, small(), other, two, reason="太远了")["pick"] is None
    assert [row["state"] for row in rows(ledger)] == ["picked", "declined"]
    assert (last(ledger)["kind"], last(ledger)["reason"]) == ("pick.declined", "太远了")


def test_nothing_is_proposed_twice_or_against_the_rules(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    join(ledger, "赵四", disabled=True)
    act.propose(ledger, small(), OFFICE, [(me.id, village(0))])
    answer = act.propose(
        ledger, small(), OFFICE,
        [(me.id, village(0)), (me.id, village(1)), ("赵四", village(4)), ("nobody", village(4))],
    )  # fmt: skip
    assert [one["village"] for one in answer["refused"]] == [village(1), village(4), village(4)]
    assert answer["refused"][1]["sentence"] == "赵四不是在用的成员账号，不能有联系点"
    assert len(rows(ledger)) == 1
    # Of what is proposed in one go, one village goes to one member.
    (other,) = join(ledger, "李二")
    answer = act.propose(ledger, small(), OFFICE, [(me.id, village(12)), (other.id, village(12))])
    assert len(answer["refused"]) == 1


def test_accepting_checks_the_rules_anew(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    (one,) = act.propose(ledger, small(), OFFICE, [(me.id, village(0))])["picks"]
    act.pick(ledger, small(), other, village(0))
    with pytest.raises(act.Taken, match="李二"):
        act.accept(ledger, small(), me, one["id"])
    assert [row["state"] for row in rows(ledger)] == ["proposed", "picked"]


def test_picking_what_was_proposed_to_oneself_makes_no_second_row(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    act.propose(ledger, small(), OFFICE, [(me.id, village(0))])
    act.pick(ledger, small(), me, village(0))
    (row,) = rows(ledger)
    assert (row["state"], row["by"]) == ("picked", me.id)


def test_several_are_picked_as_far_as_the_rules_allow(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    act.pick(ledger, small(), other, village(12))
    answer = act.take(ledger, small(), me, [village(n) for n in (0, 12, 24, 16, 28)])
    assert [one["village"] for one in answer["picks"]] == [village(n) for n in (0, 24, 16)]
    assert [one["village"] for one in answer["refused"]] == [village(12), village(28)]
    assert answer["sentence"] == "已选 3 个村，2 个没有办成"
    with pytest.raises(Refused, match="没有选任何村"):
        act.take(ledger, small(), me, [])


def test_the_office_assigns_by_the_same_rules(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二", unit="甲单位")
    answer = act.assign(ledger, small(), OFFICE, me.id, village(4))
    assert answer["pick"]["state"] == "confirmed"
    assert answer["sentence"] == f"已把{name(4)}定为王一的联系点"
    with pytest.raises(act.Taken):
        act.assign(ledger, small(), OFFICE, other.id, village(4))
    with pytest.raises(Refused, match="甲单位正在帮扶"):
        act.assign(ledger, small(), OFFICE, me.id, village(0))
    act.assign(ledger, small(), OFFICE, me.id, village(0), override="组长指定")
    act.assign(ledger, small(), OFFICE, me.id, village(12))
    with pytest.raises(Refused, match="王一已有 3 个联系点"):
        act.assign(ledger, small(), OFFICE, me.id, village(16))
    with pytest.raises(Refused, match="nobody不是在用的成员账号"):
        act.assign(ledger, small(), OFFICE, "nobody", village(16))


def test_the_office_says_why_it_takes_something_away(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    one = act.assign(ledger, small(), OFFICE, me.id, village(0))["pick"]["id"]
    with pytest.raises(Refused, match="要写明理由"):
        act.release(ledger, small(), OFFICE, one, reason="调整")
    act.release(ledger, small(), OFFICE, one, reason="成员调离天津")
    assert last(ledger)["reason"] == "成员调离天津"
    (two,) = act.propose(ledger, small(), OFFICE, [(me.id, village(0))])["picks"]
    act.release(ledger, small(), OFFICE, two["id"])
    assert [row["state"] for row in rows(ledger)] == ["released", "released"]


def test_what_is_the_offices_is_nobody_elses(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    one = act.pick(ledger, small(), me, village(0))["pick"]["id"]
    two = act.pick(ledger, small(), other, village(12))["pick"]["id"]
    for actor in (me, VIEWER, Actor("a", "管理员", Role.ADMINISTRATOR)):
        with pytest.raises(Forbidden):
            act.confirm(ledger, small(), actor, one)
        with pytest.raises(Forbidden):
            act.assign(ledger, small(), actor, me.id, village(4))
        with pytest.raises(Forbidden):
            act.swap(ledger, small(), actor, one, two)
        with pytest.raises(Forbidden):
            act.propose(ledger, small(), actor, [(me.id, village(4))])
    with pytest.raises(Forbidden):
        act.release(ledger, small(), VIEWER, one)
    with pytest.raises(Forbidden):
        act.undo(ledger, small(), VIEWER, one, since=START)


def test_two_members_exchange_villages(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    world = small(per_member=1)
    one = act.pick(ledger, world, me, village(0))["pick"]["id"]
    two = act.pick(ledger, world, other, village(12))["pick"]["id"]
    answer = act.swap(ledger, world, OFFICE, one, two, reason="路近一些")
    assert [(row["village"], row["member"]) for row in answer["picks"]] == [
        (village(0), "李二"), (village(12), "王一"),
    ]  # fmt: skip
    assert held(ledger, world) == {village(0): "李二", village(12): "王一"}
    assert answer["sentence"] == f"已对调：{name(0)}、{name(12)}"


def test_an_exchange_is_held_against_the_rules_for_both(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一", unit="戊单位")
    (other,) = join(ledger, "李二")
    world = small(per_district=1, override=["own_unit"])
    one = act.pick(ledger, world, me, village(0))["pick"]["id"]
    act.pick(ledger, world, me, village(12))
    two = act.pick(ledger, world, other, village(16))["pick"]["id"]
    with pytest.raises(Refused, match="王一在中洲区已有 1 个联系点") as caught:
        act.swap(ledger, world, OFFICE, one, two)
    # The first rule that stands is told for whom it stands.
    assert not caught.value.breaches[0]["can_override"]
    loose = small(override=["own_unit"])
    with pytest.raises(Refused, match="戊单位正在帮扶"):
        act.swap(ledger, loose, OFFICE, one, two)
    act.swap(ledger, loose, OFFICE, one, two, reason="办公室研究决定")
    kept = {row["village"]: row["override"] for row in rows(ledger)}
    assert kept[village(16)] == "办公室研究决定"
    assert kept[village(0)] == ""


def test_an_exchange_needs_two_of_two_members(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    one = act.pick(ledger, small(), me, village(0))["pick"]["id"]
    two = act.pick(ledger, small(), me, village(12))["pick"]["id"]
    three = act.pick(ledger, small(), other, village(24))["pick"]["id"]
    with pytest.raises(Refused, match="同属一人"):
        act.swap(ledger, small(), OFFICE, one, two)
    with pytest.raises(Refused, match="两个不同"):
        act.swap(ledger, small(), OFFICE, one, one)
    disable(ledger, other)
    with pytest.raises(Refused, match="李二不是在用"):
        act.swap(ledger, small(), OFFICE, one, three)
    act.release(ledger, small(), me, one)
    with pytest.raises(Conflict):
        act.swap(ledger, small(), OFFICE, one, two)


def test_an_exchange_never_robs_a_district_of_its_only_one(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    world = small(per_member=1)
    one = act.pick(ledger, world, me, village(0))["pick"]["id"]
    two = act.pick(ledger, world, other, village(12))["pick"]["id"]
    # The third district has none and no place is left; an exchange changes nothing about it.
    act.swap(ledger, world, OFFICE, one, two)
    assert set(held(ledger, world)) == {village(0), village(12)}


# ---- taking back ---------------------------------------------------------------------------


def test_a_pick_is_taken_back(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    one = act.pick(ledger, small(), me, village(0))["pick"]["id"]
    answer = act.undo(ledger, small(), me, one, since=START, key="k")
    assert answer["pick"] is None
    assert answer["sentence"] == f"已撤销，{name(0)}现在是「已放下」"
    assert last(ledger)["kind"] == "pick.undone"
    again = act.undo(ledger, small(), me, one, since="2999-01-01", key="k")
    assert again == answer
    with pytest.raises(Conflict, match="已经撤销过了"):
        act.undo(ledger, small(), me, one, since=START)


def test_letting_go_is_taken_back_when_the_village_is_still_free(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    one = act.pick(ledger, small(), me, village(0))["pick"]["id"]
    act.release(ledger, small(), me, one)
    assert act.undo(ledger, small(), me, one, since=START)["pick"]["state"] == "picked"
    act.release(ledger, small(), me, one)
    act.pick(ledger, small(), other, village(0))
    with pytest.raises(act.Taken, match="李二"):
        act.undo(ledger, small(), me, one, since=START)
    assert held(ledger) == {village(0): "李二"}


def test_what_somebody_changed_after_is_not_taken_back(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    one = act.pick(ledger, small(), me, village(0))["pick"]["id"]
    act.confirm(ledger, small(), OFFICE, one)
    with pytest.raises(Conflict, match="最近一次是办公室 甲改的"):
        act.undo(ledger, small(), me, one, since=START)
    assert act.undo(ledger, small(), OFFICE, one, since=START)["pick"]["state"] == "picked"


def test_what_was_done_before_the_session_stays(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    one = act.pick(ledger, small(), me, village(0))["pick"]["id"]
    later = ledger.clock()
    with pytest.raises(Conflict, match="在这次登录以前"):
        act.undo(ledger, small(), me, one, since=later)


def test_answers_to_proposals_are_taken_back(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    choices = [(me.id, village(0)), (me.id, village(12))]
    one, two = (row["id"] for row in act.propose(ledger, small(), OFFICE, choices)["picks"])
    act.accept(ledger, small(), me, one)
    act.decline(ledger, small(), me, two)
    for name_ in (one, two):
        assert act.undo(ledger, small(), me, name_, since=START)["pick"]["state"] == "proposed"


def test_an_exchange_is_taken_back_whole(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    world = small(per_member=1)
    one = act.pick(ledger, world, me, village(0))["pick"]["id"]
    two = act.pick(ledger, world, other, village(12))["pick"]["id"]
    act.swap(ledger, world, OFFICE, one, two)
    answer = act.undo(ledger, world, OFFICE, two, since=START)
    assert len(answer["picks"]) == 2
    assert held(ledger, world) == {village(0): "王一", village(12): "李二"}
    act.swap(ledger, world, OFFICE, one, two)
    act.release(ledger, world, other, one)
    with pytest.raises(Conflict, match="后来又改过"):
        act.undo(ledger, world, OFFICE, two, since=START)


def test_a_reason_comes_back_with_what_it_was_for(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一", unit="甲单位")
    one = act.pick(ledger, small(), me, village(0), override="组长同意")["pick"]["id"]
    act.release(ledger, small(), me, one)
    act.undo(ledger, small(), me, one, since=START)
    assert rows(ledger)[0]["override"] == "组长同意"


# ---- reading -------------------------------------------------------------------------------


def test_the_state_tells_mine_from_others(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    act.pick(ledger, small(), me, village(0))
    act.assign(ledger, small(), OFFICE, other.id, village(12))
    act.propose(ledger, small(), OFFICE, [(me.id, village(24))])
    found = act.state(ledger, small(), me, since=START)
    json.dumps(found)
    assert found["seq"] == ledger.seq()
    assert found["round"] == {"id": "r3", "label": "第三轮"}
    assert (found["me"]["places"], found["me"]["used"]) == (3, 1)
    assert found["me"]["can"] == ["pick", "propose", "visit", "check"]
    assert found["office"] == {"places": 6, "used": 2, "left": 4}
    assert [(one["name"], one["reached"]) for one in found["districts"]] == [
        ("东岭区", True), ("中洲区", True), ("西川区", False),
    ]  # fmt: skip
    told = [(one["name"], one["state"], one["mine"], one["can"]) for one in found["picks"]]
    assert told == [
        (name(0), "picked", True, ["release", "undo"]),
        (name(12), "confirmed", False, []),
        (name(24), "proposed", True, ["accept", "decline"]),
    ]
    assert found["picks"][0]["position"] == 0
    assert found["picks"][1]["member_label"] == "李二"
    assert "每人最多 3 个联系点" in found["rules"]["sentences"]


def test_the_office_is_told_what_it_can_do(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    act.pick(ledger, small(), me, village(0))
    found = act.state(ledger, small(), OFFICE, since=START)
    assert found["picks"][0]["can"] == ["confirm", "release", "swap"]
    assert (found["me"]["places"], found["me"]["used"]) == (0, 0)
    assert found["me"]["can"] == ["propose_all", "direct", "visit", "answer", "check"]


def test_who_may_not_see_the_ledger_sees_no_state(ledger: Ledger) -> None:
    class Nobody(Actor):
        def may(self, right: object) -> bool:
            return False

    with pytest.raises(Forbidden):
        act.state(ledger, small(), Nobody("x", "x", Role.VIEWER))
    assert act.state(ledger, small(), VIEWER)["picks"] == []


def test_what_a_disabled_member_had_stays_and_is_listed_as_such(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    one = act.pick(ledger, small(), me, village(0))["pick"]["id"]
    disable(ledger, me)
    found = act.state(ledger, small(), OFFICE)
    assert [(row["member_label"], row["disabled"]) for row in found["picks"]] == [("王一", True)]
    assert found["office"]["places"] == 3
    with pytest.raises(act.Taken, match="王一"):
        act.pick(ledger, small(), other, village(0))
    act.release(ledger, small(), OFFICE, one, reason="成员已离任")
    act.pick(ledger, small(), other, village(0))


def test_a_village_that_the_edition_no_longer_knows_breaks_no_list(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")

    def work(decision: Decision) -> dict[str, Any]:
        for member in (me, other):
            decision.add(
                tables.pick, "pick.picked", round="r3", village=f"99000190199{member.id}",
                member=member.id, state="picked", override="", by=member.id,
            )  # fmt: skip
        return {}

    ledger.decide(OFFICE, work)
    found = act.state(ledger, small(), me, since=START)
    first = next(row for row in found["picks"] if row["mine"])
    assert first["name"] == first["village"] == "99000190199王一"
    assert (first["position"], first["lon"], first["district"]) == (None, None, "")
    # It occupies a place, and can be let go, exchanged and taken back.
    assert found["me"]["used"] == 1
    other_id = next(row["id"] for row in found["picks"] if not row["mine"])
    with pytest.raises(Refused, match="没有代码为"):
        act.swap(ledger, small(), OFFICE, first["id"], other_id)
    act.release(ledger, small(), me, first["id"])
    with pytest.raises(Refused, match="没有代码为"):
        act.undo(ledger, small(), me, first["id"], since=START)
    assert [one["name"] for one in act.history_of(ledger, me.id, small())] == [
        first["village"], first["village"],
    ]  # fmt: skip


def test_visits_and_problems_are_counted_for_the_marks(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    for actor, n in ((me, 0), (me, 12), (other, 24)):
        act.pick(ledger, small(), actor, village(n))

    def work(decision: Decision) -> dict[str, Any]:
        for n, day, withdrawn in ((0, "2024-03-01", False), (0, "2024-05-01", True),
                                  (12, "2024-01-05", False)):  # fmt: skip
            decision.add(
                tables.visit, "visit.written", round="r3", village=village(n), day=day,
                author=me.id, members="[]", people="", seen="", withdrawn=withdrawn,
            )  # fmt: skip
        states = {"found": "", "assigned": "2024-05-31", "struck_off": "2024-01-01"}
        for state, deadline in [*states.items(), ("assigned", "2024-06-01")]:
            decision.add(
                tables.problem, "problem.found", round="r3", village=village(0), district="",
                visit="", category="", said="", owner_kind="", owner="", deadline=deadline,
                state=state, sent_back=0, found_by="", found_on="", fixed_by="", rechecked_by="",
            )  # fmt: skip
        return {}

    ledger.decide(OFFICE, work)
    found = act.state(ledger, small(visit_days=92), me, today="2024-06-01")
    assert found["visits"] == {village(0): "2024-03-01", village(12): "2024-01-05"}
    assert sorted(found["due"]) == [village(0), village(12), village(24)]
    assert found["problems"] == {village(0): {"open": 3, "overdue": 1}}
    later = act.state(ledger, small(visit_days=93), me, today="2024-06-01")
    assert sorted(later["due"]) == [village(12), village(24)]


def test_two_levels_are_picked_as_well(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二", unit="甲公司")
    world = tiny(unit="firm", per_district=2)
    act.pick(ledger, world, me, "NC")
    with pytest.raises(Refused, match="甲公司正在帮扶甲村"):
        act.pick(ledger, world, me, "NA")
    with pytest.raises(act.Taken):
        act.pick(ledger, world, other, "NC")
    found = act.state(ledger, world, me)
    assert [(one["code"], one["picks"]) for one in found["districts"]] == [("N", 1)]
    assert found["picks"][0]["name"] == "丙村"


def test_history_of_a_village_and_of_a_member_for_ever(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    world = small()
    one = act.pick(ledger, world, me, village(0))["pick"]["id"]
    act.release(ledger, world, me, one)
    two = act.pick(ledger, world, other, village(0))["pick"]["id"]
    act.confirm(ledger, world, OFFICE, two)
    three = act.pick(ledger, world, me, village(12))["pick"]["id"]
    act.swap(ledger, world, OFFICE, two, three, reason="路近")
    act.undo(ledger, world, OFFICE, two, since=START)
    told = [row["sentence"] for row in act.history(ledger, village(0), world)]
    assert told[::-1] == [
        f"王一选了{name(0)}",
        f"王一放下了{name(0)}",
        f"李二选了{name(0)}",
        f"办公室 甲确认{name(0)}为李二的联系点",
        f"办公室 甲把{name(0)}由李二换给王一",
        f"办公室 甲撤销了{name(0)}的上一步，现在是「已确认」",
    ]
    mine = [row["sentence"] for row in act.history_of(ledger, me.id, world)]
    assert len(mine) == 7  # two of the first village, three of the second, two of the exchange
    assert act.history(ledger, village(0))[0]["name"] == village(0)
    assert act.history(ledger, village(4)) == []


def test_another_round_is_another_standing(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    one = act.pick(ledger, small(), me, village(0))["pick"]["id"]
    earlier = ruled(small(), round="r2")
    assert act.state(ledger, earlier, me)["picks"] == []
    with pytest.raises(UnknownName):
        act.release(ledger, earlier, me, one)
    act.pick(ledger, earlier, me, village(0))
    assert {row["round"] for row in rows(ledger)} == {"r2", "r3"}


@pytest.mark.parametrize("seed", range(4))
def test_whatever_people_do_the_rules_hold(ledger: Ledger, seed: int) -> None:
    dice, world = random.Random(seed), small()
    members = join(ledger, "王一", "李二", "张三")

    def any_pick() -> str:
        found = rows(ledger)
        return str(dice.choice(found)["id"]) if found else "none"

    def any_village() -> str:
        return village(dice.choice([*range(0, 36, 4), 1]))

    def step() -> None:
        who = dice.choice(members)
        actor = dice.choice([who, OFFICE])
        what = dice.randrange(9)
        if what <= 2:
            act.pick(ledger, world, who, any_village())
        elif what == 3:
            act.release(ledger, world, actor, any_pick(), reason="另有安排")
        elif what == 4:
            act.swap(ledger, world, OFFICE, any_pick(), any_pick())
        elif what == 5:
            act.undo(ledger, world, actor, any_pick(), since=START)
        elif what == 6:
            act.propose(ledger, world, OFFICE, [(who.id, any_village()) for _ in range(3)])
        elif what == 7:
            dice.choice([act.accept, act.decline])(ledger, world, who, any_pick())
        else:
            act.confirm(ledger, world, OFFICE, any_pick())

    done = 0
    for _ in range(80):
        before = ledger.seq()
        try:
            step()
            done += 1
        except (Refused, Forbidden, UnknownName):
            assert ledger.seq() == before
        now = act.standing(ledger, world)
        assert all(len(found) <= 3 for found in now.by_member.values())
        assert all(len(found) == 1 for found in now.by_village.values())
        assert all(found[0].village != village(1) for found in now.by_village.values())
    assert done > 20
    for member in members:
        act.state(ledger, world, member, since=START)
        assert act.history_of(ledger, member.id, world)

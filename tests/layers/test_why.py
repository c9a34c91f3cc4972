"""The card of a village: every sentence computed, and nothing made up where nothing is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from geodata.errors import BadRequest, UnknownName
from geodata.ledger import Actor, Decision, Forbidden, Ledger, Role, picks, tables
from layers.contact.why import reported, why
from tests.ledgers import ledger
from tests.pickers import OFFICE, VIEWER, join, name, small, tiny, village

__all__ = ["ledger"]

TODAY = "2024-06-10"


def visited(ledger: Ledger, code: str, day: str, author: str, *members: str, **more: Any) -> None:
    def work(decision: Decision) -> dict[str, Any]:
        decision.add(
            tables.visit, "visit.written", round="r3", village=code, day=day, author=author,
            members=json.dumps(members), people="", seen="",
            **{"withdrawn": False, **more},
        )  # fmt: skip
        return {}

    ledger.decide(OFFICE, work)


def found(ledger: Ledger, code: str, state: str, deadline: str = "") -> None:
    def work(decision: Decision) -> dict[str, Any]:
        decision.add(
            tables.problem, "problem.found", round="r3", village=code, district="", visit="",
            category="", said="", owner_kind="", owner="", deadline=deadline, state=state,
            sent_back=0, found_by="", found_on="", fixed_by="", rechecked_by="",
        )  # fmt: skip
        return {}

    ledger.decide(OFFICE, work)


def test_a_village_with_everything(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    picks.pick(ledger, small(), other, village(4))
    visited(ledger, village(4), "2024-05-01", "office-1", "李二", "王一")
    visited(ledger, village(4), "2024-06-09", "王一", withdrawn=True)
    found(ledger, village(4), "found")
    found(ledger, village(4), "assigned", "2024-06-01")
    found(ledger, village(4), "struck_off", "2024-06-01")
    card = why(small(), ledger, village(4), me, today=TODAY)
    json.dumps(card, allow_nan=False)
    assert (card["name"], card["target"], card["target_label"]) == (
        name(4), True, "第三轮：在名单里",
    )  # fmt: skip
    assert [one["name"] for one in card["path"]] == ["云泽市", "东岭区", "青禾镇"]
    values = small().values("collective_income", "r3", "village").value[:, 4]
    earned = card["income"]
    assert earned["points"][0]["period"] == "2021-07"
    assert [one["value"] for one in earned["points"]][:5] == [round(v, 2) for v in values[:5]]
    assert earned["goal"] == {"value": 20.0, "label": "年底达20万元"}
    # It reported nothing in December: the latest figure is November's, and that is said.
    assert earned["points"][-1]["value"] is None
    assert earned["value"] == round(float(values[4]), 2)
    assert earned["sentence"].startswith("集体收入：2021年11月 ")
    assert any(one.startswith("从2021年7月的 ") and "增加" in one for one in card["changes"])
    assert "2021年12月起 1 期没有报数" in card["changes"]
    assert card["visit"] == {
        "day": "2024-05-01",
        "days": 40,
        "by": ["李二", "王一"],
        "sentence": "上次走访：2024年5月1日，40 天前，李二、王一",
    }
    assert card["problems"] == {
        "open": 2,
        "overdue": 1,
        "sentence": "2 个问题未销号，其中 1 个超过期限",
    }
    assert card["holder_sentence"] == "李二的联系点"
    assert [one["member_label"] for one in card["picks"]] == ["李二"]
    assert [one["rule"] for one in card["breaches"]] == ["taken"]
    assert card["can"] == ["visit", "problem"]
    assert len(card["near"]) == 3
    assert card["units"]


def test_a_village_with_nothing(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    card = why(small(only_targets=False), ledger, village(1), me, today=TODAY)
    json.dumps(card, allow_nan=False)
    assert card["target_label"] == "第三轮：不在名单里"
    earned = card["income"]
    assert (earned["value"], earned["text"]) == (None, "未上报")
    assert earned["sentence"] == "集体收入：第三轮里还没有报过"
    assert {one["value"] for one in earned["points"]} == {None}
    assert card["missing"]["count"] is None
    assert card["missing"]["sentence"] == "2 项都还没有报过"
    assert {one["state"] for one in card["missing"]["items"]} == {"unknown"}
    assert card["changes"] == []
    assert (card["visit"], card["visit_sentence"]) == (None, "还没有走访记录")
    assert card["problems"] == {"open": 0, "overdue": 0, "sentence": "没有未销号的问题"}
    assert card["holder_sentence"] == "还不是谁的联系点"
    assert (card["picks"], card["breaches"], card["units"]) == ([], [], [])
    assert card["can"] == ["pick", "visit", "problem"]


def test_a_target_that_never_reported_is_not_one_that_lacks_nothing(ledger: Ledger) -> None:
    # Village 12 is a target and silent.
    card = why(small(), ledger, village(12), OFFICE, today=TODAY)
    assert card["target"]
    assert card["income"]["value"] is None
    assert card["missing"]["count"] is None


def test_no_measure_named_no_word_of_income(ledger: Ledger) -> None:
    card = why(small(income=None), ledger, village(0), OFFICE, today=TODAY)
    assert card["income"] is None
    assert not any("收入" in one for one in card["changes"])
    assert card["missing"]["total"] == 2


def test_items_that_were_got_meanwhile_are_changes(ledger: Ledger) -> None:
    cards = [why(small(), ledger, village(n), OFFICE, today=TODAY) for n in range(0, 36, 4)]
    gained = [one for card in cards for one in card["changes"] if "起有了" in one]
    assert gained
    for card in cards:
        states = [one["state"] for one in card["missing"]["items"]]
        if card["missing"]["count"] is not None:
            assert card["missing"]["count"] == states.count("lacks")


def test_who_is_no_member_is_told_of_no_breach(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    picks.pick(ledger, small(), me, village(0))
    card = why(small(), ledger, village(0), VIEWER, today=TODAY)
    assert (card["breaches"], card["can"]) == ([], [])
    assert why(small(), ledger, village(0), OFFICE, today=TODAY)["can"] == [
        "assign", "visit", "problem",
    ]  # fmt: skip
    mine = why(small(), ledger, village(0), me, today=TODAY)
    assert mine["holder_sentence"] == "您的联系点"
    assert mine["breaches"][0]["rule"] == "own"
    assert mine["picks"][0]["can"] == ["release"]
    again = why(small(), ledger, village(0), me, since="2000-01-01", today=TODAY)
    assert again["picks"][0]["can"] == ["release", "undo"]


def test_picking_stays_while_a_reason_is_all_that_it_needs(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一", unit="甲单位")
    card = why(small(), ledger, village(0), me, today=TODAY)
    assert [one["rule"] for one in card["breaches"]] == ["own_unit"]
    assert "pick" in card["can"]
    assert "pick" not in why(small(override=[]), ledger, village(0), me, today=TODAY)["can"]


def test_a_shared_village_has_room(ledger: Ledger) -> None:
    me, other = join(ledger, "王一", "李二")
    world = small(members_per_village=2)
    picks.pick(ledger, world, other, village(0))
    card = why(world, ledger, village(0), me, today=TODAY)
    assert card["holder_sentence"] == "李二的联系点，还可以再有 1 名成员"


def test_a_visit_of_today(ledger: Ledger) -> None:
    join(ledger, "王一")
    visited(ledger, village(0), TODAY, "王一")
    card = why(small(), ledger, village(0), OFFICE, today=TODAY)
    assert card["visit_sentence"] == "今天王一走访过"


def test_another_programme_with_two_levels(ledger: Ledger) -> None:
    (me,) = join(ledger, "王一")
    world = tiny(income="harvest_mean", gap="gap_items", unit="firm")
    card = why(world, ledger, "NB", me, today=TODAY)
    assert [one["name"] for one in card["path"]] == ["北境"]
    assert card["income"]["sentence"] == "村均收成：2021年第4季度 24 吨"
    assert card["changes"] == [
        "从2021年第1季度的 21 吨，到2021年第4季度的 24 吨，增加 3 吨（14.3%）",
        "2021年第3季度起有了水井",
    ]
    assert card["missing"]["sentence"] == "报过的 2 项都已具备"
    assert card["units"] == ["乙机关", "甲公司"]
    assert [one["name"] for one in card["near"]] == ["甲村", "丙村"]
    poor = why(world, ledger, "NC", me, today=TODAY)
    assert poor["missing"]["sentence"] == "2 项中缺 2 项：水井、道路"


def test_who_may_not_see_and_what_there_is_not(ledger: Ledger) -> None:
    class Nobody(Actor):
        def may(self, right: object) -> bool:
            return False

    with pytest.raises(Forbidden):
        why(small(), ledger, village(0), Nobody("x", "x", Role.VIEWER))
    with pytest.raises(UnknownName):
        why(small(), ledger, "nowhere", OFFICE)
    with pytest.raises(BadRequest):
        why(small(), ledger, small().root.code, OFFICE)


def test_a_card_needs_no_ledger_entry_to_be_drawn(tmp_path: Path) -> None:
    empty = Ledger.of(tmp_path)
    card = why(small(), empty, village(0), OFFICE)
    assert card["picks"] == []


def test_what_files_say_is_one_part_that_can_be_remembered(ledger: Ledger) -> None:
    card = why(small(), ledger, village(4), OFFICE, today=TODAY)
    told = reported(small(), village(4))
    assert {name: card[name] for name in told} == told
    assert set(told) == {"income", "missing", "changes"}
    assert json.loads(json.dumps(told, allow_nan=False)) == told, "a store gives back the same"
    asked = []

    def remembered(edition: Any, code: str) -> dict[str, Any]:
        asked.append(code)
        return {"income": None, "missing": told["missing"], "changes": ["记得的"]}

    card = why(small(), ledger, village(4), OFFICE, today=TODAY, files=remembered)
    assert (card["changes"], asked) == (["记得的"], [village(4)])
    with pytest.raises(BadRequest):
        reported(small(), small().root.code)

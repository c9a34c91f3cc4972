"""The rules of picking, each with its words and at its boundary; no database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.edition import Edition
from geodata.ledger.places import distances, places, spelled
from geodata.ledger.rules import (
    Breach,
    Person,
    Pick,
    Standing,
    breaches,
    near,
    sentences,
    unreached,
)
from tests.pickers import TARGETS, name, small, tiny, village

ME, OTHER, THIRD = "王一", "李二", "张三"


def people(*members: str, unit: str = "", former: tuple[str, ...] = ()) -> dict[str, Person]:
    known = {one: Person(one, one, unit if one == ME else "", True) for one in members}
    return known | {one: Person(one, one, "", False) for one in former}


def stands(
    *held: tuple[str, int],
    members: tuple[str, ...] = (ME, OTHER, THIRD),
    unit: str = "",
    former: tuple[str, ...] = (),
    state: str = "picked",
) -> Standing:
    """Who (first) holds which village (second)."""
    picks = [Pick(f"p{n}", village(at), who, state) for n, (who, at) in enumerate(held)]
    return Standing(tuple(picks), people(*members, unit=unit, former=former))


def against(at: int | str, now: Standing, edition: Edition, **more: Any) -> tuple[Breach, ...]:
    code = at if isinstance(at, str) else village(at)
    return breaches(code, ME, now, edition.space.contact_points, edition, **more)


def said(found: tuple[Breach, ...]) -> dict[str, str]:
    return {one.rule: one.sentence for one in found}


def test_nothing_stands_against_a_free_target() -> None:
    assert against(0, stands(), small()) == ()


@pytest.mark.parametrize("code", ["999999999999", "", "990001000000", "不是代码", "x" * 500])
def test_a_village_that_there_is_not_is_told_alone(code: str) -> None:
    (found,) = against(code, stands((ME, 0), (ME, 4), (ME, 8)), small())
    assert found.rule == "unknown"
    assert not found.can_override
    assert found.sentence.startswith("现在的数据里没有代码为「")
    assert len(found.sentence) < 80


def test_what_is_mine_already_is_told_alone() -> None:
    (found,) = against(0, stands((ME, 0), (ME, 4), (ME, 8)), small())
    assert (found.rule, found.sentence) == ("own", f"{name(0)}已经是您的联系点")
    assert not found.can_override


def test_only_targets_may_be_picked_unless_any_village_may() -> None:
    assert 1 not in TARGETS
    assert said(against(1, stands(), small())) == {
        "target": f"{name(1)}不在“第三轮”的名单里，联系点只从名单里选"
    }
    assert against(1, stands(), small(only_targets=False)) == ()


def test_what_is_taken_is_told_with_the_name() -> None:
    assert said(against(0, stands((OTHER, 0)), small())) == {
        "taken": f"{name(0)}已由{OTHER}选作联系点"
    }


def test_what_was_let_go_declined_or_only_proposed_is_free() -> None:
    for state in ("proposed", "released", "declined"):
        assert against(0, stands((OTHER, 0), state=state), small()) == ()
    assert against(0, stands((OTHER, 0), state="confirmed"), small())


def test_a_shared_village_has_room_up_to_its_number() -> None:
    shared = small(members_per_village=2)
    assert against(0, stands((OTHER, 0)), shared) == ()
    assert said(against(0, stands((OTHER, 0), (THIRD, 0)), shared)) == {
        "taken": f"{name(0)}已有 2 名成员（{OTHER}、{THIRD}），最多 2 名"
    }


def test_the_places_of_a_member_end_exactly_at_their_number() -> None:
    two = stands((ME, 0), (ME, 12))
    assert against(24, two, small()) == ()
    three = stands((ME, 0), (ME, 12), (ME, 24))
    (found,) = against(4, three, small())
    assert found.sentence == "您已有 3 个联系点，名额已满；先放下一个再选"
    assert against(4, three, small(per_member=4)) == ()


def test_what_is_proposed_occupies_no_place() -> None:
    full = stands((ME, 0), (ME, 12), (ME, 24), state="proposed")
    assert against(4, full, small()) == ()


def test_others_read_the_members_name() -> None:
    three = stands((ME, 0), (ME, 12), (ME, 24))
    (found,) = against(4, three, small(), reader="office-1")
    assert found.sentence == f"{ME}已有 3 个联系点，名额已满；先放下一个再选"


def test_a_spread_counts_within_the_district() -> None:
    spread = small(per_district=2)
    assert against(8, stands((ME, 0)), spread) == ()
    two = stands((ME, 0), (ME, 4))
    assert said(against(8, two, spread)) == {
        "spread": "您在东岭区已有 2 个联系点，一人在同一个区最多 2 个"
    }
    assert against(12, two, spread) == ()
    assert against(8, two, small(per_district=0)) == ()
    # Others' count for them.
    assert against(8, stands((OTHER, 0), (THIRD, 4)), spread) == ()


@pytest.mark.parametrize("unit", ["甲单位", " 甲单位　", "甲单位\n"])
def test_nobody_picks_what_the_own_unit_supports_through_a_team(unit: str) -> None:
    now = stands(unit=unit)
    assert said(against(0, now, small())) == {
        "own_unit": f"甲单位正在帮扶{name(0)}，成员不选本单位帮扶的村"
    }
    assert against(4, stands(unit="丁单位"), small()) == ()
    assert against(0, now, small(own_unit=True)) == ()


def test_names_of_units_are_compared_in_one_spelling() -> None:
    assert spelled(" Ａ单位（一） ") == spelled("A单位(一)") == "A单位(一)"


def test_a_member_without_a_unit_supports_nothing() -> None:
    assert against(0, stands(unit="  "), small()) == ()


def test_a_direct_link_counts_as_well() -> None:
    world = tiny(unit="crew", every_district=False)
    now = Standing((), people(ME, unit="第一队"))
    assert said(against("NA", now, world)) == {
        "own_unit": "第一队正在帮扶甲村，成员不选本单位帮扶的村"
    }
    assert against("NC", now, world) == ()


def test_the_last_places_are_kept_for_districts_without_any() -> None:
    alone = stands((ME, 0), members=(ME,))
    (found,) = against(4, alone, small())
    assert found.rule == "every_district"
    assert found.sentence == (
        "还有 2 个区没有联系点（中洲区、西川区），全体成员只剩 2 个名额，要先留给这些区"
    )
    assert against(12, alone, small()) == ()
    assert against(4, alone, small(every_district=False)) == ()


def test_a_place_may_go_anywhere_while_as_many_are_left_as_districts() -> None:
    # Two members, six places: after this pick two are left for two districts.
    held = ((OTHER, 0), (OTHER, 4), (OTHER, 8))
    world = small(members_per_village=2)
    assert against(4, stands(*held, members=(ME, OTHER)), world) == ()
    # One more is gone: one would be left for two.
    (found,) = against(4, stands(*held, (ME, 0), members=(ME, OTHER)), world)
    assert found.rule == "every_district"
    assert "只剩 2 个名额" in found.sentence


def test_where_places_can_never_suffice_a_district_without_any_is_always_right() -> None:
    world = small(per_member=1)
    assert against(0, stands(members=(ME,)), world) == ()
    both = stands((OTHER, 0), members=(ME, OTHER))
    assert [one.rule for one in against(4, both, world)] == ["every_district"]
    assert against(12, both, world) == ()


def test_places_of_disabled_members_are_no_places() -> None:
    now = stands((OTHER, 0), members=(ME,), former=(OTHER,))
    assert now.left(small().space.contact_points) == 3
    assert [one.label for one in now.members] == [ME]
    # What they had is still taken, and their district is reached.
    assert said(against(0, now, small()))["taken"] == f"{name(0)}已由{OTHER}选作联系点"
    assert against(4, now, small()) == ()


def test_all_that_stands_against_a_pick_is_told_at_once() -> None:
    now = stands((ME, 0), (ME, 4), (ME, 12), (OTHER, 8), members=(ME, OTHER), unit="丙单位")
    found = against(8, now, small(per_district=2))
    assert [one.rule for one in found] == ["taken", "quota", "spread", "own_unit"]


def test_only_declared_rules_can_be_set_aside() -> None:
    now = stands((ME, 0), (ME, 4), (ME, 12), (OTHER, 8), members=(ME, OTHER), unit="丙单位")
    found = against(8, now, small(per_district=2))
    assert [one.rule for one in found if one.can_override] == ["spread", "own_unit"]
    found = against(8, now, small(per_district=2, override=["taken", "quota"]))
    assert [one.rule for one in found if one.can_override] == ["taken", "quota"]


def test_two_levels_have_no_districts_to_reach() -> None:
    world = tiny(per_member=1)
    now = Standing((Pick("p", "NA", OTHER, "picked"),), people(ME, OTHER))
    assert against("NB", now, world) == ()
    assert "every_district" not in sentences(places(world))
    assert said(against("NA", now, world)) == {"taken": f"甲村已由{OTHER}选作联系点"}
    assert said(against("ND", now, world)) == {
        "target": "丁村不在“第二轮”的名单里，联系点只从名单里选"
    }


def test_the_rules_are_said_beforehand() -> None:
    assert sentences(places(small())) == {
        "quota": "每人最多 3 个联系点",
        "target": "只从“第三轮”的名单里选",
        "taken": "一个村只归一名成员",
        "every_district": "每个区至少一个联系点",
        "own_unit": "不选本单位帮扶的村",
    }
    loose = small(
        only_targets=False,
        members_per_village=2,
        every_district=False,
        per_district=1,
        own_unit=True,
    )
    assert sentences(places(loose)) == {
        "quota": "每人最多 3 个联系点",
        "taken": "一个村最多 2 名成员",
        "spread": "一人在同一个区最多 1 个",
    }


def test_what_is_near_is_free_mine_to_have_and_nearest_first() -> None:
    now = stands((OTHER, 4), (ME, 8), (ME, 12), (ME, 24), unit="甲单位")
    found = near(village(0), ME, now, small())
    codes = [one["code"] for one in found]
    assert len(found) == 3
    assert not {village(n) for n in (0, 4, 8, 12, 24)} & set(codes)
    assert [one["km"] for one in found] == sorted(one["km"] for one in found)
    assert all(one["name"] for one in found)
    assert near("999999999999", ME, now, small()) == []


def test_distances_are_great_circle_kilometres() -> None:
    known = places(small())
    one = distances(117.0, 39.0, known.lon[:1] * 0 + 117.0, known.lat[:1] * 0 + 40.0)
    assert one[0] == pytest.approx(111.195, abs=0.01)
    assert distances(117.0, 39.0, known.lon[:1] * 0 + 117.0, known.lat[:1] * 0 + 39.0)[0] == 0


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(TARGETS)), max_size=60),
    st.integers(1, 3),
    st.integers(0, 2),
)
def test_whoever_keeps_to_the_rules_never_wastes_the_last_places(
    tries: list[tuple[int, int]], per_member: int, per_district: int
) -> None:
    world = small(per_member=per_member, per_district=per_district)
    rules, known = world.space.contact_points, places(world)
    names = (ME, OTHER, THIRD, "赵四")
    now = Standing((), people(*names))
    for turn, (who, at) in enumerate(tries):
        if not breaches(village(at), names[who], now, rules, world):
            now = now.having(Pick(f"p{turn}", village(at), names[who], "picked"))
        held = now.by_member.values()
        assert all(len(picks) <= per_member for picks in held)
        assert all(len(picks) == 1 for picks in now.by_village.values())
        # As many places are left as districts wait for one.
        assert now.left(rules) >= len(unreached(now, known))

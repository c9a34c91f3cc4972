"""`[contact_points]`: what it declares, what it says by default, what it cannot mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geodata.errors import WorkspaceError
from geodata.workspace import Workspace, load
from tests.demo_worlds import SMALL, workspace
from tests.tiny import ATLAS, write_tiny
from tests.worlds import small_space


def declared(folder: Path, table: str) -> Workspace:
    write_tiny(folder)
    (folder / "atlas.toml").write_text(f"{ATLAS}\n[contact_points]\n{table}\n", "utf-8")
    return load(folder)


def test_a_workspace_without_it_has_the_defaults() -> None:
    space = small_space()
    rules = space.contact_points
    assert (rules.per_member, rules.members_per_village, rules.visit_days) == (3, 1, 90)
    assert rules.only_targets
    assert rules.override == ("spread", "own_unit")
    assert (rules.income, rules.gap) == (None, None)
    assert space.contact_round.id == "r3"
    assert space.unit_kind == "unit"
    assert space.district.id == "district"


def test_an_edition_of_before_opens_as_before() -> None:
    held = small_space().model_dump(mode="json", by_alias=True)
    del held["contact_points"]
    assert Workspace.model_validate(held) == small_space()
    again = small_space().model_dump(mode="json", by_alias=True)
    assert Workspace.model_validate(again) == small_space()


def test_the_last_round_with_targets_is_picked_in(tmp_path: Path) -> None:
    assert declared(tmp_path, "").contact_round.id == "second"
    held: dict[str, Any] = small_space().model_dump(mode="json", by_alias=True)
    held["rounds"][-1]["target"] = None
    assert Workspace.model_validate(held).contact_round.id == "r2"


def test_two_levels_have_the_root_for_their_only_district(tmp_path: Path) -> None:
    assert declared(tmp_path, "").district.id == "land"
    assert declared(tmp_path, "").unit_kind is None
    assert declared(tmp_path, 'unit = "firm"').unit_kind == "firm"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('round = "third"', "contact_points.round 用了「third」"),
        ('unit = "firms"', "是不是想写 firm"),
        ('income = "harvest"', "contact_points.income 用了「harvest」"),
        ('gap = "gaps"', "是不是想写 gap_items"),
        ('gap = "well_share"', "它是占比"),
        ('round = "first"\nincome = "harvest_mean"', "不属于轮次 first"),
        ('override = ["unknown"]', "只能是 quota"),
        ('override = ["own"]', "只能是 quota"),
        ("per_member = 0", "不能小于 1"),
        ("members_per_village = 0", "不能小于 1"),
        ("travel_km = -1", "不能小于 0"),
        ("need = { gap = -1 }", "不能小于 0"),
        ("need = { gap = 0, income = 0, stagnation = 0, visit = 0 }", "不能都是 0"),
        ("need = { rain = 1 }", "没有 contact_points.need.rain 这个键"),
        ("per_members = 3", "是不是想写 per_member"),
    ],
)
def test_what_cannot_be_meant_is_said(tmp_path: Path, table: str, words: str) -> None:
    with pytest.raises(WorkspaceError) as caught:
        declared(tmp_path, table)
    assert words in str(caught.value)


def test_the_demo_declares_its_own() -> None:
    space = load(workspace(SMALL))
    rules = space.contact_points
    assert (space.contact_round.id, space.unit_kind) == ("r3", "unit")
    assert (rules.income, rules.gap) == ("collective_income", "gap_items")

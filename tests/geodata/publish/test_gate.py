"""The publish gate: each refusal, each reason to hold back, and what changed since last time."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geodata.edition import Edition
from geodata.publish.gate import (
    Gate,
    Mark,
    Published,
    Unsafe,
    Withdrawal,
    examine,
    fingerprint,
)
from geodata.publish.protect import protector
from geodata.workspace import Measure
from tests import published_worlds as worlds
from tests.published_worlds import COUNTED, OPEN, protect


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """The tiny world, all in order. Nobody may change it."""
    return worlds.edition(
        tmp_path_factory.mktemp("gate") / "world", worlds.atlas(counts={COUNTED: "people"})
    )


def other(edition: Edition, table: str = "atlas", **values: Any) -> Edition:
    """The same with another declaration."""
    found = copy.copy(edition)
    one = getattr(edition.space, table).model_copy(update=values)
    found.space = edition.space.model_copy(update={table: one})
    return found


def redeclared(edition: Edition, name: str, **values: Any) -> Edition:
    """The same with another declaration of a measure."""
    found = copy.copy(edition)
    found.space = edition.space.model_copy(
        update={
            "measures": tuple(
                one.model_copy(update=values) if one.id == name else one for one in edition.measures
            )
        }
    )
    return found


def before(gate: Gate, **known: Mark) -> Published:
    """A publication of what a gate let through."""
    marks = {one.id: one.mark for one in gate.measures}
    return Published("1", "p", "e", "", "", False, marks, {**known, **marks}, {})


def codes(gate: Gate) -> list[str]:
    return [one.code for one in gate.refusals]


def test_what_is_in_order_is_let_through(plain: Edition) -> None:
    gate = examine(plain, None, protect=protect)
    assert gate.allowed and not gate.refusals and not gate.held
    assert [one.id for one in gate.measures] == list(OPEN)
    well = next(one for one in gate.measures if one.id == "well_share")
    assert (well.rounds, well.levels, well.periods) == (("second",), ("land", "parish"), 4)
    assert well.latest == "2021年第4季度" and well.verified == 0 and well.cells == 0
    assert gate.changes == ("第一次公布，共 3 个指标",)
    assert not gate.demo and json.loads(json.dumps(gate.as_dict()))["allowed"] is True


def test_what_is_not_meant_for_the_public_is_not_spoken_of(plain: Edition) -> None:
    told = json.dumps(examine(plain, None, protect=protect).as_dict(), ensure_ascii=False)
    for one in plain.measures:
        if not one.public:
            assert one.id not in told and one.label not in told


@pytest.mark.parametrize(
    ("table", "values", "code", "words"),
    [
        ("atlas", {"licence": " "}, "licence", "没有写明数据的使用许可。.*licence"),
        ("atlas", {"source": ""}, "source", "没有写明数据来源。.*source"),
        ("atlas", {"approval_number": ""}, "approval_number", "没有审图号。.*不会代编"),
        ("atlas", {"demo": True}, "demo", "这是演示数据。.*--demo"),
        ("publication", {"boundaries": ()}, "boundaries", "没有声明哪些边界可以公开。"),
        ("publication", {"boundary_label": ""}, "boundaries", "由谁公布或批准。.*boundary_label"),
        ("publication", {"boundaries": ("names",)}, "boundaries", "没有获准.*「村界」.*names"),
        ("publication", {"crs": ("EPSG:4490",)}, "crs", "坐标系.*「EPSG:32633」.*EPSG:4490"),
    ],
)
def test_a_workspace_that_is_not_ready_is_refused(
    plain: Edition, table: str, values: dict[str, Any], code: str, words: str
) -> None:
    gate = examine(other(plain, table, **values), None, protect=protect)
    assert codes(gate) == [code] and not gate.allowed
    assert re.search(words, str(gate.refusals[0])), str(gate.refusals[0])


def test_boundaries_must_say_their_coordinate_system(plain: Edition) -> None:
    sources = tuple(
        one.model_copy(update={"crs": ""}) if one.id == "borders" else one
        for one in plain.space.sources
    )
    found = copy.copy(plain)
    found.space = plain.space.model_copy(update={"sources": sources})
    assert "没有写明坐标系" in str(examine(found, None, protect=protect).refusals[0])


def test_two_spellings_of_a_coordinate_system_are_one(plain: Edition) -> None:
    spelled = other(plain, "publication", crs=("urn:ogc:def:crs:EPSG::32633",))
    assert examine(spelled, None, protect=protect).allowed


def test_a_demo_needs_no_number_but_a_flag_that_says_so(plain: Edition) -> None:
    demo = other(plain, demo=True, approval_number="")
    assert codes(examine(demo, None, protect=protect)) == ["demo", "approval_number"]
    gate = examine(demo, None, accept_demo=True, protect=protect)
    assert gate.allowed and gate.demo


def test_the_flag_of_a_demo_does_not_help_a_workspace_that_is_none(plain: Edition) -> None:
    gate = examine(other(plain, approval_number=""), None, accept_demo=True, protect=protect)
    assert codes(gate) == ["approval_number"] and not gate.demo


def test_without_any_public_measure_there_is_nothing_to_publish(plain: Edition) -> None:
    found = plain
    for name in OPEN:
        found = redeclared(found, name, public=False)
    gate = examine(found, None, protect=protect)
    assert codes(gate) == ["nothing"] and gate.changes == ()


# ---- held back ----


def held(gate: Gate) -> dict[str, str]:
    return {one.measure: one.code for one in gate.held}


def test_too_few_verified_leaves(plain: Edition) -> None:
    gate = examine(other(plain, "publication", verified_bar=0.5), None, protect=protect)
    assert held(gate) == {"well_share": "verified_bar", COUNTED: "verified_bar"}
    assert "已核实 0.0%，不到要求的 50.0%" in gate.held[0].sentence
    assert [one.id for one in gate.measures] == ["chosen_share"], "all of its list is verified"


def test_a_measure_without_values(plain: Edition) -> None:
    found = redeclared(plain, "well_share", id="nothing_yet")
    assert held(examine(found, None, protect=protect)) == {"nothing_yet": "no_values"}


def test_a_withdrawn_measure_leaves_a_sentence(plain: Edition) -> None:
    taken = Withdrawal("well_share", "有水井的村", "数错了一口井。", "2026-03-05")
    gate = examine(plain, None, withdrawn={"well_share": taken}, protect=protect)
    assert held(gate) == {"well_share": "withdrawn"}
    assert gate.withdrawn[0].sentence == "“有水井的村”已于2026年3月5日撤回：数错了一口井"


def test_a_withdrawn_measure_that_was_never_public_is_not_named(plain: Edition) -> None:
    taken = Withdrawal("below_share", "低于平均的村", "x", "2026-03-05")
    gate = examine(plain, None, withdrawn={"below_share": taken}, protect=protect)
    assert gate.withdrawn == () and "低于平均的村" not in str(gate.as_dict())


def test_all_too_small(plain: Edition) -> None:
    gate = examine(other(plain, "publication", small_number=10**6), None, protect=protect)
    assert held(gate) == {COUNTED: "small_numbers"}
    assert not any(place[0] == COUNTED for place in gate.hidden)


def test_what_counts_people_stays_inside_without_protection(plain: Edition) -> None:
    gate = examine(plain, None)
    assert held(gate) == {COUNTED: "unprotected"} and gate.losses is None


def test_a_protection_that_fails_refuses_all(plain: Edition) -> None:
    def fail(*_: object) -> Any:
        raise Unsafe("有 2 个不公布的数能被算出来")

    gate = examine(plain, None, protect=fail)
    assert codes(gate) == ["disclosure"] and "能被算出来" in str(gate.refusals[0])


def test_a_protection_that_takes_too_long_refuses_and_names_the_measures(plain: Edition) -> None:
    gate = examine(plain, None, protect=protector(seconds=0))
    assert gate.allowed, "nothing is small: there is nothing to solve"
    few = other(plain, "publication", small_number=25)
    gate = examine(few, None, protect=protector(seconds=0))
    assert codes(gate) == ["disclosure"]
    assert re.search("限定的时间.*「总收成」.*public_levels", str(gate.refusals[0]))


def test_losses_are_counted(plain: Edition) -> None:
    gate = examine(other(plain, "publication", small_number=25), None, protect=protect)
    assert gate.losses is not None
    # NA and NB in four quarters, of ten regions in four quarters less NI in the last.
    assert (gate.losses.cells, gate.losses.suppressed, gate.losses.primary) == (39, 8, 8)
    assert gate.losses.share == pytest.approx(8 / 39, abs=1e-6)


def test_protection_is_asked_for_what_is_published_and_no_other_level(plain: Edition) -> None:
    asked: dict[str, Any] = {}

    def note(edition: Edition, measures: Mapping[str, tuple[str, ...]], *rest: float) -> Any:
        asked.update(measures=dict(measures), rest=rest)
        return worlds.Mask({}, {})

    examine(redeclared(plain, COUNTED, public_levels=("land",)), None, protect=note)
    assert asked["measures"] == {
        "chosen_share": ("land", "parish"),
        "well_share": ("land", "parish"),
        COUNTED: ("land",),
    }
    assert asked["rest"] == (10, 10.0)


# ---- since last time ----


@pytest.mark.parametrize(
    "change",
    [
        {"label": "有井村"},
        {"definition": "另一个说法"},
        {"unit": "‰"},
        {"digits": 2},
        {"base": "villages", "rule": "share_of_villages"},
    ],
)
def test_a_changed_definition_is_refused_until_someone_says_why(
    plain: Edition, change: dict[str, Any]
) -> None:
    last = before(examine(plain, None, protect=protect))
    declared = plain.space.measure("well_share").model_dump(by_alias=True) | change
    found = redeclared(plain, "well_share", **dict(Measure.model_validate(declared)))
    gate = examine(found, last, protect=protect)
    assert codes(gate) == ["definition_changed"]
    assert "--accept well_share=理由" in str(gate.refusals[0])
    assert codes(examine(found, last, accepted={"well_share": " "}, protect=protect)) == [
        "definition_changed"
    ]
    meant = examine(found, last, accepted={"well_share": "说得更清楚"}, protect=protect)
    assert meant.allowed and meant.accepted == {"well_share": "说得更清楚"}
    assert any("口径变了" in one and "说得更清楚" in one for one in meant.changes)


def test_a_definition_is_remembered_beyond_a_withdrawal(plain: Edition) -> None:
    first = examine(plain, None, protect=protect)
    known = {one.id: one.mark for one in first.measures}
    without = {name: mark for name, mark in known.items() if name != "well_share"}
    last = Published("2", "p", "e", "", "", False, without, known, {})
    gate = examine(redeclared(plain, "well_share", label="井"), last, protect=protect)
    assert codes(gate) == ["definition_changed"]


def test_how_it_looks_is_no_definition(plain: Edition) -> None:
    one = plain.space.measure("well_share")
    assert fingerprint(one) == fingerprint(
        one.model_copy(update={"palette": "red", "breaks": (5,)})
    )


def test_nothing_changed(plain: Edition) -> None:
    last = before(examine(plain, None, protect=protect))
    assert examine(plain, last, protect=protect).changes == ("与上次公布的数完全一样",)


def test_new_gone_held_back_and_other_values_are_said(plain: Edition) -> None:
    gate = examine(plain, None, protect=protect)
    marks = {one.id: one.mark for one in gate.measures}
    old = marks["chosen_share"]
    marks["chosen_share"] = Mark(old.label, old.definition, "other", old.periods)
    late = marks["well_share"]
    marks["well_share"] = Mark(late.label, late.definition, "other", {"second": "2021-Q3"})
    marks["gone_share"] = Mark("老指标", "d", "v", {})
    harvest = marks.pop(COUNTED)
    last = Published("1", "p", "e", "", "", False, marks, {**marks, COUNTED: harvest}, {})
    assert examine(plain, last, protect=protect).changes == (
        "“帮扶村占比”的数有改动",
        "“有水井的村”有新的时期，最近到 2021年第4季度",
        "“总收成”恢复公布",
        "“老指标”不再公布",
    )
    del last.known[COUNTED]  # type: ignore[attr-defined]
    assert "“总收成”是新公布的" in examine(plain, last, protect=protect).changes
    bar = other(plain, "publication", verified_bar=0.5)
    assert "“有水井的村”这次暂不公布" in examine(bar, last, protect=protect).changes


def test_what_is_kept_back_is_no_part_of_the_fingerprint_of_values(plain: Edition) -> None:
    few = other(plain, "publication", small_number=25)
    one, same = (examine(few, None, protect=protect) for _ in range(2))
    assert one.measures[-1].mark == same.measures[-1].mark
    assert one.measures[-1].mark != examine(plain, None, protect=protect).measures[-1].mark


def test_looking_changes_nothing(tmp_path: Path, plain: Edition) -> None:
    files = {path: path.read_bytes() for path in plain.folder.rglob("*") if path.is_file()}
    values = plain.values(COUNTED, "second", "parish").value.copy()
    examine(plain, None, protect=protect)
    assert {path: path.read_bytes() for path in files} == files
    assert np.array_equal(values, plain.values(COUNTED, "second", "parish").value, equal_nan=True)

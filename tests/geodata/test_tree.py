"""Regions form a tree, or it is said why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata import tree
from geodata.workspace import Workspace
from tests import tiny

NAMED = ["level", "code", "name", "parent"]


def space(lengths: tuple[int, ...] = (1, 2), pad: str = "", **codes: Any) -> Workspace:
    levels = [{"id": f"l{n}", "label": f"级{n}", "code_length": k} for n, k in enumerate(lengths)]
    return Workspace.model_validate(
        {
            "atlas": {"title": "t"},
            "codes": {"pattern": ".*", "pad": pad, **codes},
            "geometry": {"work_crs": tiny.CRS},
            "levels": levels,
            "rounds": [{"id": "r", "label": "r"}],
            "indicators": [{"id": "x", "label": "x", "type": "flag"}],
            "measures": [
                {"id": "m", "theme": "gaps", "label": "m", "rule": "share_of_villages",
                 "where": {"indicator": "x", "equals": True}, "rounds": ["r"]}
            ],
            "sources": [{"id": "b", "kind": "boundaries", "files": ["b.gpkg"]}],
        }
    )  # fmt: skip


def leaves(codes: list[str], parents: list[str] | None = None) -> pd.DataFrame:
    held = {"code": codes, "name": [f"村{code}" for code in codes]}
    if parents is not None:
        held["parent"] = parents
    return pd.DataFrame(held, dtype="str")


def named(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=NAMED, dtype="str")


def kinds(troubles: tuple[tree.Trouble, ...]) -> list[tuple[str, str]]:
    return [(trouble.kind, trouble.code) for trouble in troubles]


def test_prefixes_are_padded_to_the_leaf_length() -> None:
    world = space((2, 6, 9, 12), "0")
    grown, troubles = tree.grow(leaves(["120119901002", "120119901001"]), named(), world)
    assert not troubles
    assert grown.frames["l0"]["code"].tolist() == ["120000000000"]
    assert grown.frames["l2"]["parent"].tolist() == ["120119000000"]
    assert grown.frames["l3"]["code"].tolist() == ["120119901001", "120119901002"]
    assert grown.ancestors("l1").tolist() == [0, 0]
    assert grown.frames["l0"]["parent"].tolist() == [""]


def test_upper_codes_are_known_bare_and_padded() -> None:
    world = space((2, 6, 9, 12), "0")
    leaf, district = world.leaf, world.level("l1")
    for code in ("120119", "120119000000"):
        assert tree.canonical(code, district, leaf, world.codes) == "120119000000"
    for code in ("120119901000", "1201", ""):
        assert tree.canonical(code, district, leaf, world.codes) == ""


def test_names_come_from_the_file_and_else_from_the_code() -> None:
    grown, troubles = tree.grow(leaves(["NA", "NB"]), named(("l0", "N", "北境", "")), space())
    assert not troubles
    assert grown.frames["l0"]["name"].tolist() == ["北境"]
    grown, _ = tree.grow(leaves(["NA", "NB"]), named(), space())
    assert grown.frames["l0"]["name"].tolist() == ["N"]


def test_a_parent_that_its_file_does_not_list_makes_orphans() -> None:
    world = space((1, 2, 3))
    rows = named(("l1", "NA", "甲镇", ""), ("l0", "N", "北境", ""))
    _, troubles = tree.grow(leaves(["NAA", "NBA", "NBB"]), rows, world)
    assert kinds(troubles) == [("orphan", "NBA")]
    assert (troubles[0].value, troubles[0].count) == ("NB", 2)


def test_a_region_without_leaves_is_told() -> None:
    rows = named(("l0", "N", "北境", ""), ("l0", "S", "南境", ""))
    _, troubles = tree.grow(leaves(["NA"]), rows, space())
    assert kinds(troubles) == [("childless", "S")]


def test_two_roots_are_an_error() -> None:
    _, troubles = tree.grow(leaves(["NA", "SA"]), named(), space())
    assert kinds(troubles) == [("roots", "S")]


def test_a_parent_column_that_contradicts_the_code_is_told() -> None:
    _, troubles = tree.grow(leaves(["NA", "NB"], ["N", "S"]), named(), space())
    assert kinds(troubles) == [("parent_differs", "NB")]


def column(*more: tuple[str, str, str, str]) -> tuple[tree.Tree, tuple[tree.Trouble, ...]]:
    rows = named(("", "root", "根", ""), ("", "x", "西", "root"), ("", "y", "东", "root"), *more)
    own = leaves(["p", "q", "r"], ["x", "", "y"])
    return tree.grow(own, rows, space((0, 0, 0), parents="column"))


def test_a_column_of_parents_makes_a_tree() -> None:
    grown, troubles = column(("", "q", "", "y"))
    assert not troubles
    assert grown.frames["l2"]["parent"].tolist() == ["x", "y", "y"]
    assert grown.ancestors("l1").tolist() == [0, 1, 1]
    assert grown.frames["l1"]["name"].tolist() == ["西", "东"]


@pytest.mark.parametrize(
    ("rows", "trouble"),
    [
        ([("", "q", "", "")], ("orphan", "q")),
        ([("", "q", "", "nowhere")], ("orphan", "q")),
        ([("", "q", "", "root")], ("depth", "q")),
        ([("", "q", "", "b"), ("", "b", "", "c"), ("", "c", "", "b")], ("loop", "b")),
        ([("", "q", "", "q")], ("loop", "q")),
        ([("", "q", "", "b"), ("", "b", "", "top"), ("", "top", "", "")], ("roots", "top")),
        ([("", "q", "", "y"), ("", "z", "", "root")], ("childless", "z")),
        ([("", "q", "", "z"), ("l2", "z", "", "root")], ("level_differs", "z")),
    ],
)
def test_what_is_no_tree_is_named(
    rows: list[tuple[str, str, str, str]], trouble: tuple[str, str]
) -> None:
    grown, troubles = column(*rows)
    assert kinds(troubles) == [trouble]
    for level in ("l1", "l2"):
        assert (grown.parents(level) >= 0).all()


def test_a_loop_is_told_all_the_way_round() -> None:
    _, troubles = column(("", "q", "", "b"), ("", "b", "", "c"), ("", "c", "", "b"))
    assert troubles[0].value == "b → c → b"


@given(st.integers(1, 40), st.data())
def test_any_parent_column_gives_a_tree_and_names_every_leaf_left_out(
    size: int, data: st.DataObject
) -> None:
    codes = [f"n{n}" for n in range(size)]
    parents = [data.draw(st.sampled_from(["", "n0", "nowhere", *codes])) for _ in codes]
    split = data.draw(st.integers(0, size - 1))
    rows = named(*[("", code, "", up) for code, up in zip(codes[:split], parents, strict=False)])
    own = leaves(codes[split:], parents[split:])
    grown, troubles = tree.grow(own, rows, space((0, 0, 0), parents="column"))
    assert set(grown.frames) == {"l0", "l1", "l2"}
    for level in ("l1", "l2"):
        assert (grown.parents(level) >= 0).all()
    kept = set(grown.frames["l2"]["code"])
    if kept != set(own["code"]):
        assert {trouble.kind for trouble in troubles} - {"childless"}
    walked = dict(zip(codes, parents, strict=True))
    for code in kept:
        middle = walked[code]
        assert walked[walked[middle]] == ""


@given(st.sets(st.text("0123", min_size=4, max_size=4), min_size=1, max_size=60))
def test_every_leaf_has_the_ancestors_that_its_code_says(codes: set[str]) -> None:
    world = space((1, 2, 4), "0")
    own = leaves(["9" + code[1:] for code in sorted({"9" + c[1:] for c in codes})])
    grown, troubles = tree.grow(own, named(), world)
    assert not troubles
    leaf = grown.frames["l2"]["code"]
    for level, length in (("l0", 1), ("l1", 2)):
        above = grown.frames[level]["code"].to_numpy(dtype=object)[grown.ancestors(level)]
        assert [code[:length].ljust(4, "0") for code in leaf] == list(above)
    assert np.array_equal(np.sort(leaf), leaf)


def test_changed_codes_follow_the_longest_prefix() -> None:
    codes = space(changed={"510922": "510981", "51092201": "51098109"}).codes
    assert tree.replaced("510922003", codes) == "510981003"
    assert tree.replaced("510922019", codes) == "510981099"
    assert tree.replaced("510903001", codes) == "510903001"

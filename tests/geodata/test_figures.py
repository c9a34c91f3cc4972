"""Headline figures: each way to get one, at the root and below."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from geodata.figures import FigureValue, Staff, evaluate, number, pack, unpack
from geodata.workspace import Figure

CODES = np.array(["a", "b", "c"], dtype=object)
ENTITIES = pd.DataFrame(
    {
        "kind": ["team", "team", "team", "unit", "team"],
        "round": ["r", "r", "", "r", "other"],
        "id": ["t1", "t2", "t3", "u1", "t9"],
        "name": ["一", "二", "三", "甲", "九"],
        "attributes": [
            {"people": "3", "rank": "市级"},
            {"people": "1,204"},
            {"people": "未定", "rank": "市级"},
            {},
            {"people": "7"},
        ],
        "file": "t.csv",
        "row": range(5),
    }
)
LINKS = pd.DataFrame(
    [
        ("team", "r", "t1", "a", "", ""),
        ("team", "r", "t1", "b", "", ""),
        ("team", "", "t3", "b", "", ""),
        ("team", "r", "t2", "nowhere", "", ""),
        ("team", "r", "ghost", "a", "", ""),
    ],
    columns=["kind", "round", "id", "code", "since", "via"],
)


def figure(inside: str, **declared: Any) -> FigureValue | None:
    return evaluate(
        Figure(label="f", **declared),
        root=inside == "abc",
        inside=np.array([code in inside for code in CODES]),
        targets=np.array([True, False, True]),
        staff=lambda kind: Staff.of(kind, "r", ENTITIES, LINKS, CODES),
        measure=lambda *_: (12.5, 1),
    )


@pytest.mark.parametrize(
    ("inside", "declared", "value"),
    [
        ("abc", {"count": "team"}, 3),  # the team without a home counts at the root
        ("ab", {"count": "team"}, 2),
        ("b", {"count": "team"}, 2),
        ("c", {"count": "team"}, 0),
        ("abc", {"count": "team", "where": {"rank": "市级"}}, 2),
        ("a", {"count": "team", "where": {"rank": "市级"}}, 1),
        ("abc", {"sum": "team.people"}, 1207),
        ("ab", {"sum": "team.people"}, 3),  # two homes, counted once
        ("ab", {"leaves": "villages"}, 2),
        ("ab", {"leaves": "targets"}, 1),
        ("ab", {"measure": "m"}, 12.5),
        ("abc", {"value": 500}, 500),
    ],
)
def test_what_a_figure_says(inside: str, declared: dict[str, Any], value: float) -> None:
    found = figure(inside, **declared)
    assert found is not None and found.value == value


def test_a_published_number_is_shown_at_the_root_only() -> None:
    assert figure("ab", value=500) is None
    below, root = (figure(inside, leaves="villages", published=4) for inside in ("ab", "abc"))
    assert below is not None and below.published is None
    assert root is not None and root.published == 4


def test_attributes_survive_a_file_and_odd_numbers_are_no_numbers() -> None:
    assert unpack(pd.Series(pack(ENTITIES["attributes"]))) == ENTITIES["attributes"].tolist()
    assert [number(text) for text in ("1,204", " 3 ", "", None, "未定", "nan", "inf")] == [
        1204.0,
        3.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
    ]

"""Who lies in whom: up, down, and adding children up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.errors import AtlasError
from geodata.nesting import Gather, Nesting


def frames(last_parent: str = "B") -> dict[str, pd.DataFrame]:
    return {
        "land": pd.DataFrame({"code": ["L"], "parent": [""]}),
        "shire": pd.DataFrame({"code": ["A", "B"], "parent": ["L", "L"]}),
        "farm": pd.DataFrame({"code": ["a", "b", "c"], "parent": ["B", "A", last_parent]}),
    }


def test_up_and_down() -> None:
    nesting = Nesting.of(frames())
    assert nesting.above("farm", "shire").tolist() == [1, 0, 1]
    assert nesting.above("farm", "land").tolist() == [0, 0, 0]
    assert nesting.above("farm", "farm").tolist() == [0, 1, 2]
    assert nesting.below("shire", 1, "farm").tolist() == [0, 2]
    assert nesting.below("land", 0, "shire").tolist() == [0, 1]


def test_an_orphan_is_named() -> None:
    with pytest.raises(AtlasError, match="farm 中有地区找不到上级「c」"):
        Nesting.of(frames("nowhere"))


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=30),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_gathering_equals_adding_one_by_one(owners: list[int], rows: int, random: Any) -> None:
    parents = np.array(owners, np.int32)
    values = np.array([[random.randint(-9, 9) for _ in owners] for _ in range(rows)])
    wanted = np.zeros((rows, 6), values.dtype)
    for child, owner in enumerate(owners):
        wanted[:, owner] += values[:, child]
    np.testing.assert_array_equal(Gather.into(parents, 6).add(values), wanted)

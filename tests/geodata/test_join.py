"""Rows find their region by code, by name only where the code is missing."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata import join

REGIONS = pd.DataFrame(
    {
        "code": ["a1", "a2", "b1", "b2"],
        "name": ["张庄", "李庄", "张庄", "王 庄"],
        "town": ["甲镇", "甲镇", "乙镇", "乙镇"],
    },
    dtype="str",
)


def rows(*given: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(given), columns=["code", "name", "town"], dtype="str")


def test_a_code_decides_and_a_name_never_overrules_it() -> None:
    found = join.match(rows(("a1", "李庄", "乙镇"), ("a1", "张庄", "")), REGIONS)
    assert found.position.tolist() == [0, 0]
    assert not found.by_name.any()


def test_an_unknown_code_is_not_replaced_by_its_name() -> None:
    found = join.match(rows(("zz", "李庄", "甲镇")), REGIONS)
    assert found.position.tolist() == [join.NOBODY]
    assert found.unknown.all()


def test_a_missing_code_is_found_by_a_name_that_only_one_bears() -> None:
    found = join.match(rows(("", "李 庄", ""), ("", "王庄", "乙镇"), ("", "张庄", "乙镇")), REGIONS)
    assert found.position.tolist() == [1, 3, 2]
    assert found.by_name.all()


def test_an_ambiguous_name_is_not_guessed() -> None:
    found = join.match(rows(("", "张庄", "")), REGIONS)
    assert found.position.tolist() == [join.NOBODY]
    assert found.ambiguous.all()


def test_a_name_in_another_town_is_a_stranger() -> None:
    found = join.match(rows(("", "李庄", "乙镇"), ("", "", ""), ("", "赵庄", "")), REGIONS)
    assert found.nameless.all()


def test_regions_with_a_code_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="unique"):
        join.match(rows(("a1", "", "")), pd.concat([REGIONS, REGIONS]))


_TEXTS = st.tuples(
    st.sampled_from(["", "a1", "b2", "zz"]),
    st.sampled_from(["", "张庄", "李庄", "王庄", "赵庄"]),
    st.sampled_from(["", "甲镇", "乙镇"]),
)


@given(st.lists(_TEXTS, max_size=30))
def test_every_row_has_exactly_one_fate(given: list[tuple[str, str, str]]) -> None:
    table = rows(*given)
    found = join.match(table, REGIONS)
    matched = found.position != join.NOBODY
    fates = matched.astype(int) + found.unknown + found.ambiguous + found.nameless
    assert len(found.position) == len(given)
    assert (fates == 1).all()
    codes = REGIONS["code"].to_numpy(dtype=object)
    for n, (code, name, town) in enumerate(given):
        if matched[n] and code:
            assert codes[found.position[n]] == code
        if matched[n] and not code:
            region = REGIONS.iloc[found.position[n]]
            assert region["name"].replace(" ", "") == name
            assert town in ("", region["town"])
    once = join.match(table.iloc[::-1].reset_index(drop=True), REGIONS)
    assert once.position[::-1].tolist() == found.position.tolist()

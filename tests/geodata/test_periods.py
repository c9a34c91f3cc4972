"""Periods order, span and label."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata import periods
from geodata.errors import BadRequest


def test_a_quarter_round_spans_from_its_first_to_its_last_quarter() -> None:
    ids = [p.id for p in periods.span("2017-Q3", "2020", "quarter")]
    assert ids[0] == "2017-Q3" and ids[-1] == "2020-Q4" and len(ids) == 14


def test_months_of_a_round_are_all_there() -> None:
    ids = [p.id for p in periods.span("2021-07", "2024-12", "month")]
    assert len(ids) == 42 and ids[6] == "2022-01"


def test_a_year_spans_its_twelve_months() -> None:
    assert len(periods.span("2018", "2018", "month")) == 12


def test_labels_are_what_people_read() -> None:
    assert [periods.label(p) for p in ("2018", "2018-Q4", "2018-02", "all")] == [
        "2018年",
        "2018年第4季度",
        "2018年2月",
        "整轮",
    ]


@pytest.mark.parametrize("text", ["", "2018-13", "2018-Q5", "18", "2018-1", "２０１８"])
def test_what_is_no_period_is_refused_with_the_cure(text: str) -> None:
    with pytest.raises(BadRequest, match="2018-Q4"):
        periods.parse(text)


@given(st.integers(1900, 2100), st.integers(1, 12))
def test_a_period_ends_with_its_last_month(year: int, month: int) -> None:
    quarter = periods.parse(f"{year}-Q{(month - 1) // 3 + 1}")
    assert periods.parse(f"{year}-{month:02d}") <= quarter or month % 3 == 0
    assert quarter.end <= periods.parse(str(year)).end

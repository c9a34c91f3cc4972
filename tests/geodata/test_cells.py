"""What cells mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata import cells


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("120119901001", "120119901001"),
        (" 120119 901001\u3000", "120119901001"),
        ("'120119901001", "120119901001"),
        ("１２０１１９９０１００１", "120119901001"),
        ("120119901001.0", "120119901001"),
        ("1.20119901001E+11", "120119901001"),
        ("1.20119901001e11", "120119901001"),
        ("\ufeff120119901001\u200b", "120119901001"),
        ("NA", "NA"),
        ("12E5", "12E5"),
        ("", ""),
    ],
)
def test_a_code_is_read_however_it_was_stored(text: str, code: str) -> None:
    assert cells.code(text) == code


def test_an_exponent_that_lost_digits_is_not_made_into_a_code() -> None:
    assert cells.code("1.2012E+11") == "1.2012E+11"


@given(st.integers(10**11, 10**12 - 1))
def test_every_code_survives_being_stored_as_a_number(number: int) -> None:
    for text in (str(number), f"{number}.0", f"{number / 1e11:.11f}E+11", f" {number}"):
        assert cells.code(text) == str(number)


def test_numbers_are_read_with_separators_and_full_width_digits() -> None:
    written = ["1,234.5", "１２", " 7 ", "-3", "12%", "1e3", "", "—", "无数据"]
    texts = pd.Series(written, dtype="str")
    values, wrong = cells.numbers(texts)
    assert values[:6].tolist() == [1234.5, 12, 7, -3, 12, 1000]
    assert np.isnan(values[6:]).all()
    assert not wrong.any()


def test_what_is_no_number_is_wrong_and_not_guessed() -> None:
    texts = pd.Series(["12万", "约5", "1,23", "nan", "inf", "1e999", "0x10", "#REF!"], dtype="str")
    values, wrong = cells.numbers(texts)
    assert wrong.all()
    assert np.isnan(values).all()


def test_flags_know_their_words_only() -> None:
    texts = pd.Series(["是", "无", "√", "TRUE", "", "/", "大概"], dtype="str")
    values, wrong = cells.flags(texts, ("是", "√", "true"), ("无",))
    assert values[:4].tolist() == [1, 0, 1, 1]
    assert np.isnan(values[4:]).all()
    assert wrong.tolist() == [False] * 6 + [True]


@pytest.mark.parametrize(
    ("text", "step", "period"),
    [
        ("2021-07", None, "2021-07"),
        ("2021年7月", None, "2021-07"),
        ("2021 年 7 月份", None, "2021-07"),
        ("202107", None, "2021-07"),
        ("2021.7", None, "2021-07"),
        ("2021/07", None, "2021-07"),
        ("2021-07-31 00:00:00", "month", "2021-07"),
        ("2021-07-31", "quarter", "2021-Q3"),
        ("2021年7月31日", "year", "2021"),
        ("2021Q3", None, "2021-Q3"),
        ("2021-Q3", None, "2021-Q3"),
        ("2021年第三季度", None, "2021-Q3"),
        ("2021年", None, "2021"),
        ("2021年度", None, "2021"),
        ("all", None, "all"),
        ("2021-13", None, None),
        ("2021-02-30", None, None),
        ("去年", None, None),
        ("", None, None),
    ],
)
def test_a_period_is_read_as_people_write_it(
    text: str, step: str | None, period: str | None
) -> None:
    assert cells.period(text, step) == period


def test_headings_are_compared_without_line_breaks_and_widths() -> None:
    assert cells.heading("集体收入\n（万元）") == cells.heading("集体 收入(万元)")


@pytest.mark.parametrize("text", ["1 2", "12 5", "#N/A", "#REF!"])
def test_two_numbers_and_spreadsheet_errors_are_wrong_and_not_missing(text: str) -> None:
    values, wrong = cells.numbers(pd.Series([text]))
    assert np.isnan(values[0])
    assert wrong[0]


def test_a_percent_sign_is_read_only_where_the_unit_is_percent() -> None:
    assert cells.numbers(pd.Series(["12%"]))[0].tolist() == [12.0]
    assert cells.numbers(pd.Series(["12%"]), percent=False)[1].tolist() == [True]


def test_a_month_that_may_have_lost_its_zero_is_not_guessed() -> None:
    # 2021.10 typed as a number is 2021.1.
    assert cells.period("2021.1") is None
    assert cells.period("2021.10") == "2021-10"
    assert cells.period("2021.2") == "2021-02"
    assert cells.period("2021-1") == "2021-01"

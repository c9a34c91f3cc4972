"""On plan or not: said in months and amounts."""

from __future__ import annotations

import math

import pytest

from geodata.vocabulary import Direction
from geodata.workspace import Plan
from layers.plan import Standing, standing

MONTHS = ("2021-01", "2021-02", "2021-03", "2021-04")


def judge(values, *, value=10.0, period="2021-02", direction=Direction.MORE, there=MONTHS):
    point = Plan(round="r", period=period, value=value)
    return standing([point], direction, there, values)[0]


def test_reached_in_time():
    found = judge([10, 11, 12, 13])
    assert (found.standing, found.months, found.gap) == (Standing.MET, 1, 0)
    assert found.reached == "2021-01"
    assert found.sentence("万元", 1) == "2021年2月应达到 10 万元，已按时达到。"


def test_reached_late():
    found = judge([1, 9, 9.9, 10])
    assert (found.standing, found.months, found.reached) == (Standing.LATE, 2, "2021-04")
    assert "晚了 2 个月" in found.sentence("万元", 1)


def test_still_behind():
    found = judge([1, 2, 3, 4])
    assert (found.standing, found.months, found.gap) == (Standing.BEHIND, 2, 6)
    assert found.value == 2
    assert "还差 6 万元，已过期 2 个月" in found.sentence("万元", 1)
    assert "还差 6 个百分点" in found.sentence("%", 1)


def test_missed_just_now_is_not_overdue_by_nothing():
    assert "过期" not in judge([1, 2], there=MONTHS[:2]).sentence("%", 1)


def test_lost_before_the_day_is_not_kept():
    found = judge([12, 9, 9, 9])
    assert found.standing is Standing.BEHIND


def test_early_counts_from_when_it_stayed():
    found = judge([12, 9, 11, 12], period="2021-04")
    assert (found.standing, found.reached, found.months) == (Standing.MET, "2021-03", 1)


def test_still_to_come():
    found = judge([1, 2, 3, 4], period="2021-12")
    assert (found.standing, found.months, found.gap) == (Standing.DUE, 8, 6)
    assert judge([1, 2, 3, 11], period="2021-12").standing is Standing.AHEAD


def test_less_is_better_turns_it_round():
    assert judge([30, 10, 9, 9], direction=Direction.LESS).standing is Standing.MET
    found = judge([30, 20, 12, 12], direction=Direction.LESS)
    assert (found.standing, found.gap) == (Standing.BEHIND, 2)


def test_a_missing_report_is_not_zero():
    assert judge([math.nan] * 4).standing is Standing.UNKNOWN
    assert judge([10, math.nan, math.nan, math.nan]).standing is Standing.AHEAD
    assert judge([10, math.nan, 12, 12]).standing is Standing.MET


def test_a_year_is_due_at_its_end():
    found = judge([1, 2, 3, 12], period="2021")
    assert (found.standing, found.months) == (Standing.AHEAD, 8)


@pytest.mark.parametrize("values", [[1, 2, 3, 4], [10, 10, 10, 10], [math.nan] * 4])
def test_every_standing_has_a_sentence_and_is_json(values):
    found = judge(values)
    assert "{" not in found.sentence("%", 1)
    assert found.as_dict("%", 1)["standing"] == found.standing.value

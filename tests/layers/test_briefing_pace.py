"""Months ahead of and behind plan, held against lines drawn by hand; and what stands still."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata import periods
from geodata.vocabulary import Direction
from geodata.workspace import Plan
from layers.briefing.pace import Course, index, pace, plan_line, stillness

YEAR = tuple(f"2021-{month:02d}" for month in range(1, 13))
LESS, MORE = Direction.LESS, Direction.MORE


def points(*given: tuple[str, float]) -> list[Plan]:
    return [Plan(round="r", period=period, value=value) for period, value in given]


def judge(values, *plan, direction=MORE, there=YEAR):
    return pace(points(*plan), direction, there[: len(values)], values)


def test_behind_is_the_time_since_the_line_was_there():
    # From 0 in January to 110 in December the line rises 10 a month: it had 30 in April.
    found = judge([0, 10, 20, 25, 28, 30], ("2021-12", 110))
    assert found.course is Course.BEHIND
    assert found.months == pytest.approx(-2)
    assert found.expected == pytest.approx(50)
    assert found.left == 6


def test_ahead_is_the_time_until_the_line_will_be_there():
    found = judge([0, 20, 45], ("2021-12", 110))
    assert found.course is Course.AHEAD
    assert found.months == pytest.approx(2.5)
    assert found.whole == 3


def test_on_the_line_is_on_plan():
    found = judge([0, 10.0, 20.0 + 1e-12], ("2021-12", 110))
    assert (found.course, found.months) == (Course.ON_PLAN, 0)


def test_a_line_bends_at_each_plan_point():
    # 0 in January, 30 in April (10 a month), 38 in December (1 a month).
    plan = (("2021-04", 30), ("2021-12", 38))
    assert plan_line(points(*plan), MORE, YEAR[:5], [0, 1, 1, 1, 1]) == [0, 10, 20, 30, 31]
    assert judge([0, 0, 0, 0, 10], *plan).months == pytest.approx(-3)
    assert judge([0, 0, 0, 0, 33], *plan).months == pytest.approx(2)


def test_less_is_better_counts_down():
    found = judge([110, 100, 95], ("2021-12", 0), direction=LESS)
    assert (found.course, found.expected, found.target) == (Course.BEHIND, 90, 0)
    assert found.months == pytest.approx(-0.5)
    assert judge([110, 60], ("2021-12", 0), direction=LESS).months == pytest.approx(4)


def test_reached_early_is_ahead_until_the_last_day_and_no_longer():
    early = judge([0, 50, 120], ("2021-12", 110))
    assert (early.course, early.months) == (Course.REACHED, 9)
    late = judge([0, 50, 120, 120, 120], ("2021-03", 110))
    assert (late.course, late.months) == (Course.REACHED, 0)


def test_overdue_goes_on_counting():
    # Due in March at 20; the line had 10 in February, and six months have gone by since.
    found = judge([0, 5, 8, 9, 9, 10, 10, 10], ("2021-03", 20))
    assert (found.course, found.left) == (Course.BEHIND, -5)
    assert found.months == pytest.approx(-6)


def test_below_the_start_is_behind_since_the_start_and_not_longer():
    assert judge([50, 40, 30], ("2021-12", 100)).months == -2


def test_a_plan_never_asks_to_fall_back():
    # Began at 60 with 30 promised for March: level, then up to 100.
    plan = (("2021-03", 30), ("2021-11", 100))
    line = plan_line(points(*plan), MORE, YEAR[:4], [60, 60, 60, 60])
    assert line == [60, 60, 60, 65]
    assert judge([60, 60], *plan).course is Course.ON_PLAN


def test_a_plan_that_was_due_before_the_first_report_counts_from_its_own_day():
    found = judge([math.nan, math.nan, math.nan, 5, 6], ("2021-02", 10))
    assert (found.course, found.months, found.expected) == (Course.BEHIND, -3, 10)


def test_a_single_value_starts_the_line():
    assert judge([5], ("2021-12", 10)).course is Course.ON_PLAN
    due = judge([5], ("2021-01", 10))
    assert (due.course, due.months) == (Course.BEHIND, 0)
    assert judge([12], ("2021-01", 10)).course is Course.REACHED


def test_without_plan_or_value_there_is_no_pace():
    assert judge([1, 2]) is None
    assert judge([math.nan, math.nan], ("2021-12", 10)) is None
    assert pace(points(("all", 10)), MORE, YEAR[:2], [1, 2]) is None
    assert pace(points(("2021-12", 10)), MORE, ("all",), [1]) is None
    assert plan_line([], MORE, YEAR[:2], [1, 2]) == [None, None]


def test_missing_reports_stand_nowhere_on_the_line():
    assert judge([0, math.nan, 20, math.nan], ("2021-12", 110)).course is Course.ON_PLAN
    line = plan_line(points(("2021-12", 110)), MORE, YEAR[:4], [math.nan, 0, math.nan, 20])
    assert line == [None, 0, 11, 22]


def test_quarters_and_years_are_counted_in_months():
    quarters = ("2021-Q1", "2021-Q2", "2021-Q3", "2021-Q4")
    assert pace(points(("2021-Q4", 90)), MORE, quarters, [0, 0, 30, 60]).months == pytest.approx(-3)
    years = ("2019", "2020", "2021")
    assert pace(points(("2021", 20)), MORE, years, [0, 5, 10]).months == pytest.approx(-12)


def test_places_on_the_axis_go_beyond_its_ends():
    assert index(YEAR, "2021-04") == 3
    assert index(YEAR[:3], "2021-05") == 4
    assert index(("2021-02", "2021-03"), "2021-01") == -1
    assert index(("2019", "2021"), "2020") == 0.5
    assert index(("2021",), "2021") == 0 and index(("2021",), "2022") is None
    assert index(("all",), "2021") is None and index((), "2021") is None


values = st.lists(
    st.one_of(st.floats(-1e6, 1e6), st.just(math.nan)), min_size=1, max_size=len(YEAR)
)
plans = st.lists(
    st.tuples(
        st.integers(0, 30).map(lambda n: f"{2020 + n // 12}-{n % 12 + 1:02d}"),
        st.floats(-1e6, 1e6),
    ),
    min_size=1,
    max_size=4,
)
directions = st.sampled_from([MORE, LESS, Direction.NONE])


@given(values, plans, directions)
def test_the_sign_says_on_which_side_of_the_line(series, plan, direction):
    found = judge(series, *plan, direction=direction)
    if found is None:
        assert all(math.isnan(one) for one in series)
        return
    sign = -1 if direction is LESS else 1
    assert math.isfinite(found.months)
    above = sign * (found.value - found.expected)
    if found.months > 0:
        assert above > -1e-6
    if found.months < 0:
        assert above < 0
    if found.course is Course.BEHIND:
        assert above < 0 and found.months <= 0
    if found.course is Course.REACHED:
        assert sign * (found.value - found.target) >= 0
    first = next(n for n, one in enumerate(series) if math.isfinite(one))
    known = [n for n, one in enumerate(series) if math.isfinite(one)]
    start = min(periods.parse(YEAR[first]).end, *(periods.parse(period).end for period, _ in plan))
    assert -found.months <= periods.parse(YEAR[known[-1]]).end - start + 1e-9


@given(values, plans, directions, st.floats(0, 1e6))
def test_a_better_value_is_never_further_behind(series, plan, direction, more):
    known = [n for n, one in enumerate(series) if math.isfinite(one)]
    if len(known) < 2:
        return
    better = list(series)
    better[known[-1]] += -more if direction is LESS else more
    before, after = (judge(one, *plan, direction=direction) for one in (series, better))
    assert after.months >= before.months - 1e-6


@given(values, plans, directions)
def test_the_line_never_falls_back(series, plan, direction):
    line = [
        one
        for one in plan_line(points(*plan), direction, YEAR[: len(series)], series)
        if one is not None
    ]
    sign = -1 if direction is LESS else 1
    assert all(sign * (b - a) >= -1e-6 for a, b in itertools.pairwise(line))


def test_still_since_the_best_value():
    found = stillness(MORE, YEAR[:10], [1, 2, 5, 4, 5, 3, 4, 4, 4, 5])
    assert (found.since, found.months, found.periods, found.stuck) == ("2021-03", 7, 7, True)


def test_a_new_best_ends_stillness():
    found = stillness(MORE, YEAR[:10], [1, 2, 5, 4, 4, 4, 4, 4, 4, 5.1])
    assert (found.since, found.months, found.stuck) == ("2021-10", 0, False)


def test_less_is_better_makes_lows_the_best():
    assert stillness(LESS, YEAR[:3], [5, 3, 4]).since == "2021-02"


def test_silence_is_not_stillness():
    found = stillness(MORE, YEAR, [1, 2, *[math.nan] * 10])
    assert (found.months, found.stuck) == (0, False)
    assert stillness(MORE, YEAR[:1], [math.nan]) is None
    assert stillness(MORE, ("all",), [1]) is None


def test_one_weak_year_is_not_stuck_and_two_are():
    assert not stillness(MORE, ("2019", "2020"), [5, 5]).stuck
    assert stillness(MORE, ("2019", "2020", "2021"), [5, 5, 4]).stuck
    quarters = ("2021-Q1", "2021-Q2", "2021-Q3")
    assert not stillness(MORE, quarters[:2], [5, 5]).stuck
    assert stillness(MORE, quarters, [5, 5, 5]).stuck

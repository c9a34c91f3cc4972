"""Which cells are hidden: tables that can be drawn on paper, with the least loss that is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from geodata.publish.disclosure import Overtime, Pattern, audit, suppress
from geodata.publish.disclosure.result import FALLBACK, OPTIMAL
from tests.geodata.publish.disclosure_worlds import (
    FLAT,
    World,
    counted,
    least_loss,
    lost,
    random_world,
    recovered,
    tree,
    weighted,
)

TWO = tree([0, 0], [0, 0, 0, 1, 1, 1])


def solved(world: World) -> Pattern:
    """The pattern, after both attackers failed."""
    tables = world.tables()
    pattern = suppress(tables)
    assert all(one.status == OPTIMAL and one.gap == 0 for one in pattern.components)
    assert recovered(world, pattern) == []
    assert audit(tables, pattern).passed
    return pattern


def hidden(pattern: Pattern, level: str, measure: str = "houses") -> list[list[int]]:
    rows = pattern.suppressed[measure, "r", level]
    return [np.flatnonzero(row).tolist() for row in rows]


def test_nothing_small_hides_nothing() -> None:
    pattern = solved(World(FLAT, (counted(FLAT, [[10, 0, 300, 41]]),)))
    assert pattern.losses().suppressed == 0
    assert pattern.losses().cells == 5
    assert pattern.components == ()


def test_a_small_number_takes_one_sibling_along() -> None:
    pattern = solved(World(FLAT, (counted(FLAT, [[3, 0, 300, 41]]),)))
    (row,) = hidden(pattern, "l1")
    assert 0 in row and len(row) == 2
    assert 1 not in row, "3 and 0 under a total that tells 3 would be no secret"
    assert hidden(pattern, "l0") == [[]]
    losses = pattern.losses(level="l1")
    assert (losses.primary, losses.complementary, losses.share) == (1, 1, 0.5)


def test_nine_is_small_ten_and_zero_are_not() -> None:
    pattern = solved(World(FLAT, (counted(FLAT, [[9, 10, 0, 500]]),)))
    primary = pattern.primary["houses", "r", "l1"]
    assert primary.tolist() == [[True, False, False, False]]


def test_two_hidden_under_a_total_that_is_too_small_take_more() -> None:
    # 0 and 2 under 2: hiding the zero helps nobody, nor would a third.
    world = World(FLAT, (counted(FLAT, [[1, 4, 0, 300]]),))
    (row,) = hidden(solved(world), "l1")
    assert row == [0, 1, 3]


def test_a_zero_goes_where_it_is_enough() -> None:
    # Eight and seven are wide enough together; nobody else has to go.
    world = World(FLAT, (counted(FLAT, [[8, 7, 0, 0]]),))
    assert hidden(solved(world), "l1") == [[0, 1]]
    # Three numbers of which one is zero: the root may stay only if the zero cannot be spared.
    alone = World(FLAT, (counted(FLAT, [[0, 0, 0, 15]]),))
    assert solved(alone).losses().suppressed == 0


def test_the_root_goes_where_all_is_tiny() -> None:
    pattern = solved(World(FLAT, (counted(FLAT, [[1, 0, 2, 1]]),)))
    assert hidden(pattern, "l0") == [[0]]
    assert pattern.primary["houses", "r", "l0"].all()
    # The root is 14: no small number itself, but nothing less protects a 4 from 10 - 4 - 0.
    pattern = solved(World(FLAT, (counted(FLAT, [[4, 4, 0, 2]]),), protection=12))
    assert hidden(pattern, "l0") == [[0]]
    assert not pattern.primary["houses", "r", "l0"].any()


def test_one_hidden_town_is_given_away_by_its_district() -> None:
    # The first town is 6 in all; its total goes, and so must one more town.
    nesting = tree([0, 0, 0], [0, 0, 1, 1, 2, 2])
    pattern = solved(World(nesting, (counted(nesting, [[2, 4, 50, 60, 70, 80]]),)))
    towns = hidden(pattern, "l1")[0]
    assert 0 in towns and len(towns) == 2
    assert hidden(pattern, "l0") == [[]]


def test_upper_levels_go_last() -> None:
    pattern = solved(World(TWO, (counted(TWO, [[3, 50, 60, 70, 80, 90]]),)))
    assert hidden(pattern, "l0") == [[]]
    assert hidden(pattern, "l1") == [[]]
    assert len(hidden(pattern, "l2")[0]) == 2


def test_an_only_child_is_its_parent() -> None:
    # Town 0 has one village: its total is the same number, and hidden with it.
    nesting = tree([0, 0, 0], [0, 1, 1, 2, 2])
    pattern = solved(World(nesting, (counted(nesting, [[4, 30, 40, 50, 60]]),)))
    assert 0 in hidden(pattern, "l1")[0]
    assert 0 in hidden(pattern, "l2")[0]


def test_a_level_that_is_not_public_is_no_cell() -> None:
    column = counted(TWO, [[3, 50, 60, 70, 80, 90]], levels=("l0", "l1"))
    pattern = solved(World(TWO, (column,)))
    assert pattern.losses().suppressed == 0
    assert ("houses", "r", "l2") not in pattern.cells


def test_months_are_alike_without_being_linked() -> None:
    column = counted(FLAT, [[3, 20, 300, 41], [30, 20, 300, 41]])
    pattern = solved(World(FLAT, (column,)))
    assert len(hidden(pattern, "l1")[0]) == 2
    assert hidden(pattern, "l1")[1] == []


def test_a_report_that_is_missing_gives_away_by_difference() -> None:
    # A census that serves both months; in February the smallest village did not report, so that
    # the totals of the two months differ by just its people.
    people = [[4, 200, 300, 400], [None, 200, 300, 400]]
    column = weighted(FLAT, people, [[1, 2, 3, 4], [1, 2, 3, 4]], fact=[0, 0])
    pattern = solved(World(FLAT, (column,)))
    roots = hidden(pattern, "l0", "income")
    villages = hidden(pattern, "l1", "income")
    assert roots != [[], []] or any(len(row) for row in villages[1:])
    # Without the link, February would be published whole.
    apart = weighted(FLAT, people, [[1, 2, 3, 4], [1, 2, 3, 4]], fact=[0, 1])
    assert hidden(solved(World(FLAT, (apart,))), "l1", "income")[1] == []


def test_measures_that_share_a_denominator_hide_it_together() -> None:
    people = [[5, 200, 300, 400]]
    one = weighted(FLAT, people, [[1, 2, 3, 4]], measure="income")
    two = weighted(FLAT, people, [[9, 9, 1, 1]], measure="pension")
    pattern = solved(World(FLAT, (one, two)))
    assert hidden(pattern, "l1", "income") == hidden(pattern, "l1", "pension")


def test_targets_and_all_villages_are_two_views_of_one_number() -> None:
    # Every village counts in the second measure, two only in the first: the totals of the first
    # are sums that the second takes apart.
    one = counted(FLAT, [[3, 40, None, None]], measure="of_targets")
    two = counted(FLAT, [[3, 40, 50, 60]], measure="of_all")
    pattern = solved(World(FLAT, (one, two)))
    assert 0 in hidden(pattern, "l1", "of_targets")[0]
    assert hidden(pattern, "l1", "of_targets")[0] == [
        n for n in hidden(pattern, "l1", "of_all")[0] if n < 2
    ]


def test_a_series_that_never_falls_bounds_a_month_by_its_neighbours() -> None:
    rows = [[12, 30, 40, 50], [13, 3 + 30, 40, 50], [13, 40, 50, 60]]
    base = [[9, 30, 40, 50], *rows[1:]]
    free = solved(World(FLAT, (counted(FLAT, base),)))
    rising = solved(World(FLAT, (counted(FLAT, base, rising=True),)))
    # 9 lies under 13 of the next month: more has to go than for months that know nothing of
    # each other.
    assert rising.losses().suppressed >= free.losses().suppressed
    tight = [[9, 30, 40, 50], [11, 31, 41, 51]]
    world = World(FLAT, (counted(FLAT, tight, rising=True),), protection=11)
    assert (
        solved(world).losses().suppressed
        > solved(World(FLAT, (counted(FLAT, tight),), protection=11)).losses().suppressed
    )


def test_a_value_that_is_published_elsewhere_is_an_equation_more() -> None:
    # Two hidden villages: people and income add up to published totals. Who knows both incomes
    # solves two equations for two unknowns.
    people = [[4, 200, 300]]
    nesting = tree([0, 0, 0])
    values = [[1, 7, 3]]
    closed = solved(World(nesting, (weighted(nesting, people, values),)))
    assert closed.losses(level="l1").suppressed == 2
    told = weighted(nesting, people, values, told=[[True, True, True]])
    assert solved(World(nesting, (told,))).losses().suppressed > 2


def test_a_mean_of_nothing_is_told_by_a_sum_of_nothing() -> None:
    # Nobody in the two smallest earns anything: a published sum of 0 would say so of both.
    column = weighted(FLAT, [[4, 20, 300, 400]], [[0, 0, 5, 5]])
    pattern = solved(World(FLAT, (column,)))
    assert hidden(pattern, "l1", "income")[0] != [0, 1]


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_nothing_safe_loses_less(first: int) -> None:
    tried = 0
    for seed in range(first, first + 20):
        world = random_world(seed, most=5)
        pattern = suppress(world.tables())
        if not pattern.losses().suppressed:
            continue
        try:
            best = least_loss(world)
        except OverflowError:
            continue
        tried += 1
        assert lost(world, pattern) == best, f"seed {seed}"
        assert sum(one.loss for one in pattern.components) == best
    assert tried >= 5


def test_the_same_tables_give_the_same_pattern() -> None:
    world = random_world(7)
    first, second = suppress(world.tables()), suppress(world.tables())
    for key, rows in first.suppressed.items():
        assert np.array_equal(rows, second.suppressed[key])


@pytest.mark.parametrize("seed", range(12))
def test_without_work_the_pattern_is_patched_and_it_says_so(seed: int) -> None:
    world = random_world(seed)
    pattern = suppress(world.tables(), work=0)
    assert recovered(world, pattern) == []
    assert audit(world.tables(), pattern).passed
    for one in pattern.components:
        assert one.status == FALLBACK
        assert one.bound <= one.loss
        assert 0 <= one.gap <= 1
    assert pattern.as_dict()["fallbacks"] == len(pattern.components)
    exact = suppress(world.tables())
    assert lost(world, exact) <= lost(world, pattern)


def test_time_never_decides_what_is_hidden_only_that_nothing_is_published() -> None:
    world = World(FLAT, (counted(FLAT, [[3, 20, 300, 41]]),))
    with pytest.raises(Overtime) as caught:
        suppress(world.tables(), seconds=0)
    assert caught.value.measures == ("houses",)


def test_a_slow_machine_hides_what_a_quick_one_hides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any clock gives the same pattern, with work for all, for some and for nothing."""
    for seed, work in ((3, 0.0), (5, 2_000.0), (7, 20_000.0), (8, 5e8)):
        tables = random_world(seed).tables()
        quick = suppress(tables, work=work)
        with monkeypatch.context() as patch:
            ticks = iter(float(n) for n in range(10**9))
            patch.setattr("time.perf_counter", lambda ticks=ticks: next(ticks))
            slow = suppress(tables, work=work, seconds=1e6)
        assert [one.status for one in quick.components] == [one.status for one in slow.components]
        for key, hidden in quick.suppressed.items():
            assert np.array_equal(hidden, slow.suppressed[key]), f"seed {seed}"


def test_whole_numbers_say_more_than_sums() -> None:
    # Three hidden villages whose values another measure tells: people add up to 12, people times
    # values to 4 x 1 + 3 x 4.1 + 5 x 9.7. Fractions leave room on that line; of whole numbers there
    # is one answer, and any pattern must be wider than that.
    nesting = tree([0, 0, 0, 0, 0])
    people, values = [[4, 3, 5, 60, 70]], [[1.0, 4.1, 9.7, 2.3, 3.9]]
    told = weighted(nesting, people, values, told=[[True] * 5])
    world = World(nesting, (told,), protection=3)
    tables = world.tables()
    pattern = solved(world)
    bare = {key: rows.copy() for key, rows in pattern.suppressed.items()}
    bare["income", "r", "l1"][:] = [[True, True, True, False, False]]
    bare["income", "r", "l0"][:] = False
    careless = replace(pattern, suppressed=bare)
    assert not audit(tables, careless).passed
    assert recovered(world, careless) != []


@pytest.mark.parametrize("seed", range(4))
def test_that_a_share_is_at_most_one_tells_nothing_more_of_hidden_sums(seed: int) -> None:
    """Of two hidden villages under a published mean: the numerator is anything from nothing to
    all, with and without the knowledge that no village has more than its people.
    """
    rng = np.random.default_rng(seed)
    people = rng.integers(5, 30, 2).astype(float)
    part = people * rng.random(2)
    equal = np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    right = np.array([people.sum(), part.sum()])
    least = np.array([[-1.0, 0.0, 1.0, 0.0], [0.0, -1.0, 0.0, 1.0]])
    for row in np.eye(4):
        for way in (1.0, -1.0):
            free, bound = (
                linprog(way * row, less, limit, equal, right)
                for less, limit in ((None, None), (least, np.zeros(2)))
            )
            assert bound.fun == pytest.approx(free.fun)

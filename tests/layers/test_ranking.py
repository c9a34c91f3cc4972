"""Ranks: ties shared, the unreported unranked."""

import math

from hypothesis import given
from hypothesis import strategies as st

from geodata.vocabulary import Direction
from layers.ranking import order, ranks


def test_ties_share_the_better_rank():
    assert list(ranks([5, 9, 5, math.nan, 1], Direction.MORE)) == [2, 1, 2, 0, 4]
    assert list(ranks([5, 9, 5, math.nan, 1], Direction.LESS)) == [2, 4, 2, 0, 1]


def test_the_list_is_stable_by_code_and_ends_with_the_unreported():
    assert order([math.nan, 3, 7, 3], Direction.MORE, ["a", "d", "c", "b"]) == [2, 3, 1, 0]


@given(st.lists(st.floats(-100, 100) | st.just(math.nan)))
def test_a_rank_is_how_many_are_better_plus_one(values):
    for value, rank in zip(values, ranks(values, Direction.MORE), strict=True):
        expected = 0 if math.isnan(value) else 1 + sum(other > value for other in values)
        assert rank == expected

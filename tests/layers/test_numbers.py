"""Numbers read the same everywhere."""

import math

import pytest

from layers.numbers import amount, figure, plain, with_unit


@pytest.mark.parametrize(
    "value, digits, trim, text",
    [
        (1364, 0, False, "1,364"),
        (20, 1, False, "20.0"),
        (20, 1, True, "20"),
        (2.5, 2, True, "2.5"),
        (-2.5, 1, False, "−2.5"),
        (-0.04, 1, False, "0.0"),
        (100, 0, True, "100"),
    ],
)
def test_figures(value, digits, trim, text):
    assert figure(value, digits, trim=trim) == text


def test_units_stand_apart_but_percent_does_not():
    assert with_unit("20", "万元") == "20 万元"
    assert with_unit("45", "%") == "45%"
    assert with_unit("3", "") == "3"


def test_nothing_is_a_dash_not_zero():
    assert amount(None, 1, "%") == amount(math.nan, 1, "%") == "—"
    assert plain(math.nan) is None
    assert plain(math.inf) is None
    assert str(plain(-0.0)) == "0.0"

"""Classes: fixed bounds, honest labels, and one rule that the browser can repeat."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.arrays import decode
from geodata.vocabulary import Status
from geodata.workspace import Measure
from layers.classify import (
    MISSING,
    OUT_OF_SCOPE,
    assign,
    classes,
    from_breaks,
    from_values,
    yes_or_no,
)


def measure(**more):
    declared = {
        "id": "m",
        "theme": "progress",
        "label": "收入",
        "unit": "万元",
        "rule": "mean",
        "value": "v",
        "rounds": ["r"],
    }
    return Measure.model_validate(declared | more)


def share(**more):
    return measure(
        rule="share_of_targets", where={"indicator": "v", "equals": True}, unit="%", **more
    )


def labels(found):
    return [one.label for one in found]


def test_policy_thresholds_come_with_a_class_for_none():
    found = from_breaks(measure(breaks=[0, 5, 10, 20], zero_class=True), 0.0)
    assert labels(found) == ["0", "0–5", "5–10", "10–20", "≥ 20 万元"]
    assert [one.lower for one in found] == [0, 0.1, 5, 10, 20]
    assert list(assign([0, 0.1, 4.9, 5, 19.9, 20, 1e6], found)) == [0, 1, 1, 2, 3, 4, 4]


def test_what_lies_under_the_first_threshold_has_a_class_of_its_own():
    found = from_breaks(measure(breaks=[5, 10]), -3.0)
    assert labels(found) == ["< 5", "5–10", "≥ 10 万元"]
    assert list(assign([-3, 4.9, 5, 12], found)) == [0, 0, 1, 2]


def test_whole_numbers_say_the_last_that_belongs():
    found = from_breaks(measure(breaks=[1, 3, 6], zero_class=True, digits=0, unit="项"), 0.0)
    assert labels(found) == ["0", "1–2", "3–5", "≥ 6 项"]


def test_a_dash_never_stands_beside_a_minus():
    found = from_breaks(measure(breaks=[-5, -2, 3]), -9.0)
    assert labels(found) == ["< −5", "−5 至 −2", "−2 至 3", "≥ 3 万元"]


def test_a_share_of_one_leaf_is_yes_or_no():
    assert labels(yes_or_no(share(direction="more"))) == ["未达到", "达到"]
    lacks = yes_or_no(share(direction="less"))
    assert labels(lacks) == ["否", "是"]
    assert list(assign([0.0, 100.0, np.nan], lacks)) == [0, 1, MISSING]


def test_no_value_no_class():
    assert from_values(measure(), [np.nan, np.nan]) == ()
    assert list(assign([1.0, np.nan], ())) == [MISSING, MISSING]


def test_all_equal_is_one_class():
    found = from_values(measure(), [7.0] * 9)
    assert labels(found) == ["7 万元"]
    assert set(assign([7.0] * 9, found)) == {0}


def test_few_values_are_a_class_each():
    found = from_values(measure(digits=0, classes=5), [1, 1, 4, 9, 9, 9])
    assert labels(found) == ["1", "4", "9 万元"]
    assert list(assign([1, 4, 9], found)) == [0, 1, 2]


def test_negative_values_are_classed():
    values = np.arange(-50, 50) / 2
    found = from_values(measure(), values)
    assert len(found) == 5
    assert found[0].lower is None
    assert np.bincount(assign(values, found)).min() >= 15


def test_a_meaningful_middle_is_a_border_and_parts_the_colours():
    found = from_values(
        measure(midpoint=0, palette="diverging", classes=6), np.arange(-90, 31) / 10
    )
    assert 0.0 in [one.lower for one in found]
    below = [one for one in found if one.upper is not None and one.upper <= 0]
    above = [one for one in found if one.lower is not None and one.lower >= 0]
    assert len(below) + len(above) == len(found)
    for one in below:
        assert int(one.light[1:3], 16) > int(one.light[5:7], 16), "below is orange"
    for one in above:
        assert int(one.light[1:3], 16) < int(one.light[5:7], 16), "above is blue"


def test_many_zeros_do_not_swallow_the_classes():
    values = [0.0] * 500 + [float(n) for n in range(1, 101)]
    found = from_values(measure(zero_class=True, digits=0), values)
    assert len(found) == 5
    assert found[0].label == "0"
    assert len(set(assign(values, found))) == 5


@given(
    st.lists(st.integers(-(10**6), 10**6) | st.none(), max_size=80),
    st.integers(0, 3),
    st.integers(2, 9),
    st.booleans(),
    st.sampled_from([None, 0.0, 12.5]),
)
def test_statistical_classes_hold_every_value_where_their_bounds_say(
    whole, digits, count, zero, middle
):
    values = np.array([np.nan if n is None else n / 10**digits for n in whole])
    palette = "diverging" if middle is not None else "blue"
    declared = measure(
        digits=digits, classes=count, zero_class=zero, midpoint=middle, palette=palette
    )
    found = from_values(declared, values)
    bounds = [one.lower for one in found]
    assert None not in bounds[1:]
    assert all(a is None or a < b for a, b in itertools.pairwise(bounds))
    assert [one.upper for one in found] == [*bounds[1:], None][: len(found)]
    assert len(set(labels(found))) == len(found)
    assert len({one.light for one in found}) == len(found) == len({one.dark for one in found})
    for value, place in zip(values, assign(values, found), strict=True):
        if np.isnan(value):
            assert place == MISSING
        else:
            one = found[place]
            assert one.lower is None or one.lower <= value
            assert one.upper is None or value < one.upper


def test_out_of_scope_is_not_missing():
    known = from_breaks(measure(breaks=[0]), 0.0)
    status = [Status.OUT_OF_SCOPE, Status.MISSING, Status.PARTIAL, Status.VERIFIED]
    assert list(assign([np.nan, np.nan, 1, 1], known, status)) == [OUT_OF_SCOPE, MISSING, 0, 0]


def test_classes_are_the_same_in_every_period_and_at_every_level(small):
    levels = [level.id for level in small.levels]
    found = {classes(small, "collective_income", "r3", level) for level in levels}
    assert len(found) == 1, "thresholds keep their colours on the way down"


@pytest.mark.parametrize("level", ["city", "district", "town", "village"])
def test_the_browser_finds_the_same_classes_in_the_array_file(small, level):
    for declared in small.measures:
        for item in small.rounds:
            if not small.has(declared.id, item.id):
                continue
            known = classes(small, declared.id, item.id, level)
            values = small.values(declared.id, item.id, level)
            file = decode(small.array_path(declared.id, item.id, level).read_bytes())
            ours = assign(values.value, known, values.status)
            # The browser's own arithmetic, step by step.
            for at in np.ndindex(ours.shape):
                if file.status[at] == Status.OUT_OF_SCOPE:
                    theirs = OUT_OF_SCOPE
                elif np.isnan(file.value[at]):
                    theirs = MISSING
                else:
                    v = round(float(file.value[at]) * 10**file.digits) / 10**file.digits
                    theirs = 0
                    for one in known:
                        if one.lower is None or v >= one.lower:
                            theirs = one.index
                assert theirs == ours[at]


def test_two_levels_and_other_measures_are_classed_as_well(tiny):
    assert labels(classes(tiny, "chosen_share", "second", "parish")) == ["否", "是"]
    assert labels(classes(tiny, "harvest_mean", "second", "land")) == ["0–15", "15–25", "≥ 25 吨"]

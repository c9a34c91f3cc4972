"""How much a village needs a contact point: four parts, and missing is not zero."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.need import months_without_growth, need
from tests.pickers import TARGETS, small, tiny, village

TODAY = date(2022, 1, 31)


def test_every_target_has_four_parts_between_nothing_and_one() -> None:
    edition = small(need={"gap": 2, "income": 1, "stagnation": 1, "visit": 0})
    found = need(edition, edition.space.contact_points, {}, TODAY)
    assert found.codes == tuple(village(n) for n in TARGETS)
    assert set(found.parts) == {"gap", "income", "stagnation", "visit"}
    assert found.weights == {"gap": 0.5, "income": 0.25, "stagnation": 0.25}
    for part in found.parts.values():
        assert ((part >= 0) & (part <= 1)).all()
    assert ((found.total >= 0) & (found.total <= 1)).all()
    by_hand = sum(found.weights[name] * found.parts[name] for name in found.weights)
    assert found.total == pytest.approx(by_hand)


def test_income_is_held_against_the_plan_and_gaps_against_the_items() -> None:
    edition = small()
    found = need(edition, edition.space.contact_points, {}, TODAY)
    known = ~np.isnan(found.raw["income"])
    assert known.any()
    wanted = np.clip((20 - found.raw["income"][known]) / 20, 0, 1)
    assert found.parts["income"][known] == pytest.approx(wanted)
    gaps = ~np.isnan(found.raw["gap"])
    assert found.parts["gap"][gaps] == pytest.approx(found.raw["gap"][gaps] / 2)


def test_missing_takes_the_median_of_the_district_and_is_marked() -> None:
    edition = small()
    found = need(edition, edition.space.contact_points, {}, TODAY)
    for name in ("gap", "income", "stagnation"):
        unknown = np.isnan(found.raw[name])
        assert (found.estimated[name] == unknown).all()
        for n in np.flatnonzero(unknown):
            here = (found.districts == found.districts[n]) & ~unknown
            others = found.parts[name][here] if here.any() else found.parts[name][~unknown]
            assert found.parts[name][n] == pytest.approx(np.median(others))
    assert any(part.any() for part in found.estimated.values()), "the world has gaps"


def test_who_was_never_visited_needs_it_most() -> None:
    edition = small(visit_days=100)
    seen = {village(0): date(2022, 1, 31), village(4): date(2021, 12, 12), village(8): TODAY}
    found = need(
        edition, edition.space.contact_points, {**seen, village(12): date(2021, 1, 1)}, TODAY
    )
    assert found.parts["visit"][:5] == pytest.approx([0.0, 0.5, 0.0, 1.0, 1.0])
    assert np.isnan(found.raw["visit"][4])
    assert not found.estimated["visit"].any()


def test_without_figures_only_visits_count() -> None:
    edition = tiny()
    found = need(edition, edition.space.contact_points, {}, TODAY)
    assert found.codes == ("NA", "NB", "NC")
    assert found.weights == {"visit": 1.0}
    assert found.total == pytest.approx([1.0, 1.0, 1.0])


def test_any_village_may_be_picked_where_the_rules_say_so() -> None:
    edition = small(only_targets=False)
    found = need(edition, edition.space.contact_points, {}, TODAY)
    assert len(found.codes) == 36
    assert found.estimated["income"].sum() >= 27, "no village but a target reports"


def test_growth_is_a_new_height() -> None:
    nothing = np.nan
    value = np.array(
        [
            [1.0, 5.0, 1.0, nothing, 2.0],
            [2.0, 4.0, 1.0, nothing, nothing],
            [3.0, 5.0, 1.0, 7.0, 3.0],
            [3.0, 4.9, nothing, nothing, nothing],
        ]
    )
    ends = np.array([10, 11, 12, 15])
    found = months_without_growth(value, ends)
    assert found[:3] == pytest.approx([3.0, 5.0, 2.0])
    assert np.isnan(found[3]), "one value says nothing about growth"
    assert found[4] == 0.0
    assert np.isnan(months_without_growth(value[:0], ends[:0])).all()


@given(st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=1, max_size=8))
def test_months_without_growth_by_hand(series: list[int | None]) -> None:
    value = np.array([[np.nan if one is None else float(one)] for one in series])
    found = months_without_growth(value, np.arange(len(series)))[0]
    known = [(n, one) for n, one in enumerate(series) if one is not None]
    if len(known) < 2:
        assert np.isnan(found)
        return
    last, best = known[0]
    for n, one in known:
        if one > best:
            last, best = n, one
    assert found == known[-1][0] - last

"""The demo's story: published counts exactly, one history a village, neighbours alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.demo.counts import PUBLISHED, URBAN, apportion, scaled
from geodata.demo.rosters import settle
from geodata.demo.story import (
    AVERAGE,
    CENT,
    END2,
    END3,
    LAGGING,
    MONTHS,
    START2,
    START3,
    YEARS,
    Story,
    month,
    tell,
)
from geodata.measures import rank_lowest
from tests import demo_worlds


@pytest.fixture(scope="module")
def story() -> Story:
    return demo_worlds.story()


def test_round_2_starts_with_the_published_counts(story: Story) -> None:
    rows = story.round2.rows
    income = story.annual(2016)[rows]
    assert len(rows) == len(set(rows)) == 1000
    assert (income == 0).sum() == 312
    assert (income < 5 / CENT).sum() == 548
    assert (income < 10 / CENT).sum() == 710
    assert (income < 20 / CENT).sum() == 952
    assert (story.disposable[rows, 0] < AVERAGE[2016]).sum() == 841
    assert story.infrastructure.sum() == 508
    assert story.branch.sum() == 55
    assert story.conflict.sum() == 22


def test_every_village_of_round_2_has_a_reason_to_be_listed(story: Story) -> None:
    rows = story.round2.rows
    reasons = (
        (story.annual(2016)[rows] < 20 / CENT)
        | (story.disposable[rows, 0] < AVERAGE[2016])
        | story.infrastructure
        | story.branch
        | story.conflict
    )
    assert reasons.all()


def test_lagging_villages_are_those_that_lack_many_of_the_twelve_items(story: Story) -> None:
    lacking = (story.round2.built > START2).sum(axis=1)
    np.testing.assert_array_equal(lacking >= LAGGING, story.infrastructure)


def test_round_2_takes_a_share_of_each_district(story: Story) -> None:
    district = story.villages["district"].str[:6]
    share = district.iloc[story.round2.rows].value_counts() / district.value_counts()
    urban = share.index.isin(URBAN)
    assert share[urban].between(0.10, 0.20).all()
    assert share[~urban].between(0.29, 0.33).all()


def test_round_3_is_the_lowest_mean_of_2018_to_2020_in_the_whole_city(story: Story) -> None:
    means = pd.Series(
        sum(story.annual(year) for year in (2018, 2019, 2020)) * CENT / 3,
        index=story.villages["code"].to_numpy(),
    )
    lowest = rank_lowest(means, 800)
    assert set(lowest) == set(story.villages["code"].iloc[story.round3.rows])
    chosen = means.index.isin(lowest)
    assert means[chosen].max() < means[~chosen].min(), "the cut must not hang on a tie"


def test_a_december_trailing_sum_is_the_year(story: Story) -> None:
    for year in YEARS:
        np.testing.assert_array_equal(story.trailing(month(year, 12)), story.annual(year))


def test_nobody_earns_less_than_nothing(story: Story) -> None:
    assert story.monthly.shape == (3520, MONTHS)
    assert (story.monthly >= 0).all()


def test_a_team_shows_in_what_follows(story: Story) -> None:
    for assisted, before, after in (
        (story.round2, (2016, 2017), (2017, 2019)),
        (story.round3, (2020, 2021), (2021, 2024)),
    ):
        rest = np.setdiff1d(
            np.arange(len(story.villages)), np.union1d(story.round2.rows, story.round3.rows)
        )

        def growth(years: tuple[int, int], rows: np.ndarray) -> float:
            old, new = (story.annual(year)[rows].sum() for year in years)
            return float((new / old) ** (1 / (years[1] - years[0])))

        assert growth(after, assisted.rows) > growth(before, assisted.rows) + 0.05
        assert growth(after, assisted.rows) > growth(after, rest) + 0.05


def test_some_villages_stagnate_and_a_few_stand_out(story: Story) -> None:
    for assisted, begin, end, met in (
        (story.round2, START2, END2, (0.9, 0.95)),
        (story.round3, START3, END3, (0.8, 0.86)),
    ):
        before, after = (story.trailing(at)[assisted.rows] for at in (begin, end))
        assert (before >= 20 / CENT).mean() < 0.08
        assert met[0] < (after >= 20 / CENT).mean() < met[1]
        assert 10 <= (after >= 50 / CENT).sum() <= 40
        assert after.max() > 80 / CENT


def test_districts_end_round_3_ahead_of_the_plan_and_behind_it(story: Story) -> None:
    rows = story.round3.rows
    met = pd.Series(story.trailing(END3)[rows] >= 20 / CENT)
    district = story.villages["district"].str[:6].to_numpy()[rows]
    share = met.groupby(district).mean()[met.groupby(district).size() >= 30]
    assert share.max() > 0.94 and share.min() < 0.72


def test_a_few_villages_of_round_3_begin_with_nothing(story: Story) -> None:
    rows = story.round3.rows
    assert 5 <= (story.trailing(START3)[rows] == 0).sum() <= 25
    assert (story.trailing(END3)[rows] > 0).all()


@pytest.mark.parametrize("number", [2, 3])
def test_items_stay_built_and_houses_never_come_back(story: Story, number: int) -> None:
    assisted, first, last = (
        (story.round2, START2, END2) if number == 2 else (story.round3, START3, END3)
    )
    earlier = assisted.unsafe(first)
    for at in range(first, last + 1):
        now = assisted.unsafe(at)
        assert (now <= earlier).all() and (now >= 0).all()
        earlier = now
    finished = assisted.done <= last
    assert (assisted.done > assisted.started)[finished].all()
    assert (assisted.built[assisted.built > 0] > first - 1).all()


def test_results_of_round_2_come_near_its_plan_of_2018(story: Story) -> None:
    end, two = month(2018, 12), story.round2
    share = {
        "income": (story.trailing(end)[two.rows] >= 20 / CENT).mean(),
        "zero": (story.trailing(end)[two.rows] == 0).mean(),
        "items": ((two.built > end).sum(axis=1) == 0).mean(),
        "started": (two.started <= end).mean(),
        "done": (two.done <= end).mean(),
        "civilised": (story.civilised[two.rows] <= end).mean(),
        "safe": (story.safe[two.rows] <= end).mean(),
    }
    plan = {
        "income": 0.3,
        "zero": 0.0,
        "items": 0.5,
        "started": 0.7,
        "done": 0.4,
        "civilised": 0.6,
        "safe": 0.7,
    }
    assert share == pytest.approx(plan, abs=0.05)


def test_districts_differ_and_neighbours_are_alike(story: Story) -> None:
    villages = story.villages
    income = pd.Series(np.log1p(story.annual(2019)))
    medians = income.groupby(villages["district"].str[:6]).median()
    assert medians["120116"] > medians["120119"] + 1
    town = income.groupby(villages["town"])
    within = (income - town.transform("mean")).std()
    assert within < 0.8 * income.std()


def test_every_team_lives_in_one_village_or_two_of_one_district(story: Story) -> None:
    district = story.villages["district"].to_numpy()
    for assisted, teams, pairs in ((story.round2, 684, 316), (story.round3, 450, 350)):
        frame = pd.DataFrame({"team": assisted.team, "district": district[assisted.rows]})
        sizes = frame.groupby("team").size()
        assert len(sizes) == teams
        assert (sizes == 2).sum() == pairs and sizes.isin([1, 2]).all()
        assert (frame.groupby("team")["district"].nunique() == 1).all()


def test_the_same_seed_tells_the_same_and_another_another() -> None:
    world = demo_worlds.geography(demo_worlds.SMALL)
    counts = scaled(demo_worlds.SMALL)
    one, two, other = (tell(world, counts, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.monthly, two.monthly)
    np.testing.assert_array_equal(one.round3.built, two.round3.built)
    assert (one.monthly != other.monthly).any()


@given(villages=st.integers(60, 60_000))
def test_counts_of_any_world_are_possible(villages: int) -> None:
    counts = scaled(villages)
    zero_up = [counts.zero, counts.below5, counts.below10, counts.below20, counts.targets2]
    assert zero_up == sorted(zero_up)
    for pairs, teams, people, units in (
        (counts.pairs2, counts.teams2, counts.people2, counts.units2),
        (counts.pairs3, counts.teams3, counts.people3, counts.units3),
    ):
        assert 0 <= pairs <= teams <= units
        assert people >= 2 * teams
    kinds = counts.municipal2, counts.district2, counts.stationed2, counts.private2
    assert sum(kinds) == counts.units2


def test_a_world_ten_times_as_large_has_ten_times_as_many() -> None:
    assert scaled(35_200).targets3 == 8000
    assert scaled(35_200).people2 == 20_620
    assert scaled(PUBLISHED.villages) is PUBLISHED


@given(total=st.integers(0, 500), weights=st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_shares_sum_and_are_never_a_whole_unit_off(total: int, weights: list[int]) -> None:
    shares = apportion(total, weights)
    assert sum(shares) == total
    exact = [total * weight / sum(weights) for weight in weights]
    assert all(abs(share - part) < 1 for share, part in zip(shares, exact, strict=True))


def test_shares_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be shared"):
        apportion(5, [1, 1], most=[2, 2])


@given(size=st.integers(2, 40), data=st.data())
def test_settling_makes_exactly_as_many_pairs(size: int, data: st.DataObject) -> None:
    pairs = data.draw(st.integers(0, size // 2))
    seed = data.draw(st.integers(0, 9))
    rng = np.random.default_rng(seed)
    x, y = rng.random((2, size))
    district = rng.integers(0, 4, size).astype(str).astype(object)
    sizes = np.bincount(settle(x, y, district, pairs))
    assert (sizes == 2).sum() == pairs and (sizes == 1).sum() == size - 2 * pairs

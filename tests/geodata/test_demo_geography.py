"""The demo's invented geography: counts, codes, names, and borders that fit."""

from __future__ import annotations

import re

import numpy as np
import pytest
import shapely

from geodata.demo import geography, names
from geodata.demo.geography import Geography, apportion, district_outlines, invent

VILLAGES = 120


@pytest.fixture(scope="module")
def city() -> Geography:
    return invent(VILLAGES, seed=7)


def _bytes(city: Geography) -> list[object]:
    parts: list[object] = []
    for frame in (city.districts, city.towns, city.villages):
        parts += [frame.geometry.to_wkb().tolist(), frame.drop(columns="geometry").to_csv()]
    return parts


def test_3520_villages_are_the_2023_list_and_nine_more() -> None:
    counts = apportion(3520)
    more = {code: counts[code] - n for code, n in geography.VILLAGES_2023.items()}
    assert sum(counts.values()) == 3520
    assert sum(more.values()) == 9
    assert more["120119"] == 3  # the largest district takes the most of them
    assert min(more.values()) == 0


@pytest.mark.parametrize("villages", [9, 10, 25, 60, 3511, 3520, 35_200])
def test_apportion_gives_all_and_leaves_no_district_empty(villages: int) -> None:
    counts = apportion(villages)
    assert sum(counts.values()) == villages
    assert min(counts.values()) >= 1
    assert list(counts) == sorted(geography.VILLAGES_2023)


def test_too_few_and_too_many_villages_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"villages=8: each of the 9 districts needs one"):
        invent(8)
    with pytest.raises(ValueError, match=r"ask for at most 90000"):
        invent(200_000)


def test_counts_are_exact(city: Geography) -> None:
    assert len(city.districts) == 9
    assert city.villages["district"].str[:6].value_counts().to_dict() == apportion(VILLAGES)
    assert set(city.villages["town"]) == set(city.towns["code"])
    assert set(city.towns["district"]) == set(city.districts["code"])


def test_codes_are_unique_sorted_and_prefixes_of_their_parts(city: Geography) -> None:
    for frame in (city.districts, city.towns, city.villages):
        assert frame["code"].str.fullmatch(r"\d{12}").all()
        assert frame["code"].is_unique
        assert frame["code"].is_monotonic_increasing
    villages = city.villages
    assert (villages["code"].str[:9] + "000" == villages["town"]).all()
    assert (villages["code"].str[:6] + "000000" == villages["district"]).all()
    assert (city.towns["code"].str[:6] + "000000" == city.towns["district"]).all()


def test_no_code_can_be_a_real_one(city: Geography) -> None:
    assert city.towns["code"].str[6:9].astype(int).between(900, 999).all()
    assert city.villages["code"].str[9:].astype(int).min() == 1


def test_each_level_is_a_valid_coverage_of_single_polygons(city: Geography) -> None:
    for frame in (city.districts, city.towns, city.villages):
        shapes = frame.geometry.to_numpy()
        assert shapely.is_valid(shapes).all()
        assert shapely.coverage_is_valid(shapes)
        assert (frame.geom_type == "Polygon").all()
        assert frame.crs == "EPSG:4527"


def test_villages_fill_towns_and_towns_fill_the_real_outlines(city: Geography) -> None:
    by_town = city.villages.area.groupby(city.villages["town"].to_numpy()).sum()
    np.testing.assert_allclose(by_town, city.towns.area, rtol=1e-9)
    by_district = city.towns.area.groupby(city.towns["district"].to_numpy()).sum()
    np.testing.assert_allclose(by_district, city.districts.area, rtol=1e-9)
    outlines = district_outlines()
    np.testing.assert_allclose(city.districts.area, outlines.area, rtol=1e-6)
    assert city.districts.geometry.hausdorff_distance(outlines.geometry).max() < 0.02


def test_every_village_lies_in_its_town(city: Geography) -> None:
    town = city.towns.set_index("code").geometry.loc[city.villages["town"]].to_numpy()
    assert shapely.contains(town, city.villages.representative_point().to_numpy()).all()


def test_coordinates_lie_on_the_grid(city: Geography) -> None:
    xy = shapely.get_coordinates(city.villages.geometry.to_numpy())
    assert (xy == np.round(xy, 2)).all()


def test_borders_are_not_straight(city: Geography) -> None:
    """A bare Voronoi cell has some six corners and is convex; a village has a hundred and isn't."""
    shapes = city.villages.geometry
    assert 70 < shapely.get_num_coordinates(shapes.to_numpy()).mean() < 140
    assert (shapes.area / shapes.convex_hull.area).median() < 0.93


def test_names_are_not_repeated_where_that_would_confuse(city: Geography) -> None:
    assert city.towns["name"].is_unique
    assert not city.villages.duplicated(["town", "name"]).any()
    assert city.towns["name"].str.fullmatch(r"[\u4e00-\u9fff]{2,4}[镇乡]").all()
    assert city.villages["name"].str.fullmatch(r"[\u4e00-\u9fff]{2,6}村").all()
    assert city.districts["name"].str.endswith("区").all()


def test_the_same_seed_gives_the_same_bytes_and_another_one_another_city(city: Geography) -> None:
    assert _bytes(invent(VILLAGES, seed=7)) == _bytes(city)
    assert _bytes(invent(VILLAGES, seed=8)) != _bytes(city)


@pytest.mark.parametrize("villages", [9, 23, 61])
@pytest.mark.parametrize("seed", [0, 2021])
def test_small_cities_hold_together(villages: int, seed: int) -> None:
    small = invent(villages, seed)
    assert len(small.villages) == villages
    for frame in (small.districts, small.towns, small.villages):
        assert shapely.coverage_is_valid(frame.geometry.to_numpy())


def test_crossing_borders_are_found() -> None:
    lines = shapely.from_wkt(
        [
            "LINESTRING (0 0, 4 0)",
            "LINESTRING (4 0, 8 0)",  # end to end with the first: as it should be
            "LINESTRING (1 -1, 1 1)",  # crosses the first
            "LINESTRING (6 0, 6 5)",  # ends in the middle of the second
            "LINESTRING (20 0, 22 2, 22 0, 20 2)",  # crosses itself
            "LINESTRING (40 0, 41 0)",
        ]
    )
    assert geography._touching(lines, np.arange(6)).tolist() == [0, 1, 2, 3, 4]


def test_members_on_a_thread_are_pulled_in_and_roots_are_not() -> None:
    """Nodes 0-1-2 in a row, 3 beside 2: 2 hangs on 1 by one metre and borders 3 by ten."""
    neighbours = geography._Neighbours(
        low=np.array([0, 1, 2]),
        high=np.array([1, 2, 3]),
        shared=np.array([5.0, 1.0, 10.0]),
        cost=np.array([1.0, 1.0, 9.0]),
    )
    grown = np.array([0, 0, 0, 1])
    assert geography._pull_in(neighbours, grown, np.array([0, 3])).tolist() == [0, 0, 1, 1]
    assert geography._pull_in(neighbours, grown, np.array([2, 3])).tolist() == [0, 0, 0, 1]
    assert grown.tolist() == [0, 0, 0, 1]


def test_town_names_leave_out_real_ones_and_say_when_they_run_out() -> None:
    many = names.town_names(900, np.random.default_rng(1))
    stems = {name[:-1] for name in many}
    assert len(stems) == 900
    assert stems.isdisjoint(names.KNOWN)
    with pytest.raises(ValueError, match="100000 town names were asked for"):
        names.town_names(100_000, np.random.default_rng(1))


def test_a_town_of_999_villages_can_be_named_and_pairs_tell_the_truth() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 9_000, (2, 999))
    area = rng.uniform(1e5, 9e5, 999)
    given = names.village_names(x, y, area, np.zeros(999, dtype=bool), rng)
    assert len(set(given)) == 999
    assert all(re.fullmatch(r"\D{1,5}[^村]村", name) for name in given), "one 村, at the end"
    assert not [name for name in given if any(odd in name[:-1] for odd in names._ODD)]
    at = {name: i for i, name in enumerate(given)}
    pairs = [(at[n], at["西" + n[1:]]) for n in given if n[0] == "东" and "西" + n[1:] in at]
    neighbours = [(east, west) for east, west in pairs if abs(east - west) == 1]
    assert len(neighbours) > 20
    assert all(x[east] > x[west] for east, west in neighbours)

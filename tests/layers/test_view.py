"""A URL holds the whole view: what goes in comes out, and what is wrong is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.errors import BadRequest, UnknownName
from layers.view import (
    ZOOM,
    View,
    inside,
    resolve,
    snap,
    with_measure,
    with_region,
    with_round,
)

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=80)
PERIODS = st.one_of(
    st.just("all"),
    st.builds("{:04d}".format, st.integers(0, 9999)),
    st.builds("{:04d}-Q{}".format, st.integers(1990, 2100), st.integers(1, 4)),
    st.builds("{:04d}-{:02d}".format, st.integers(1990, 2100), st.integers(1, 12)),
)
VIEWS = st.builds(
    View,
    round=st.none() | NAMES,
    measure=st.none() | NAMES,
    period=st.none() | PERIODS,
    region=st.none() | NAMES,
    level=st.none() | NAMES | st.just(ZOOM),
    off=st.frozensets(st.integers(0, 255)),
    hide=st.frozensets(st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,39}", fullmatch=True), max_size=40),
    camera=st.none() | st.tuples(st.floats(0, 24), st.floats(-90, 90), st.floats(-180, 180)),
    look=st.sampled_from(["", "light", "dark"]),
)


@given(VIEWS)
def test_every_view_survives_its_url(view):
    assert View.from_query(view.to_query()) == view
    assert View.from_query("?" + view.to_query()) == view


@given(VIEWS)
def test_a_view_has_one_spelling(view):
    assert View.from_query(view.to_query()).to_query() == view.to_query()


@given(st.text(max_size=200))
def test_no_query_is_anything_but_a_view_or_a_sentence(text):
    try:
        View.from_query(text)
    except BadRequest as error:
        assert error.cure


def test_a_url_can_be_read_by_people():
    view = View(
        round="r3",
        measure="collective_income",
        period="2021-09",
        region="990001901001",
        off=frozenset({4, 0}),
        hide=frozenset({"labels"}),
        camera=(9.25, 39.3, 117.2),
        look="dark",
    )
    assert view.to_query() == (
        "round=r3&measure=collective_income&period=2021-09&region=990001901001"
        "&off=0,4&hide=labels&camera=9.25/39.3/117.2&look=dark"
    )


def test_a_camera_near_zero_is_written_out():
    view = View(camera=(0.0, 1e-05, -1e-05))
    assert view.to_query() == "camera=0/0.00001/-0.00001"
    assert View.from_query(view.to_query()) == view


def test_no_query_is_the_first_view():
    assert View.from_query("") == View() == View.from_query("?round=&off=&camera=")
    assert View().to_query() == ""


def test_what_portals_and_messengers_append_is_left_alone():
    assert View.from_query("from=singlemessage&round=r3&utm_source=x") == View(round="r3")


@pytest.mark.parametrize(
    "query, word",
    [
        ("period=2021-13", "2021-13"),
        ("period=last", "last"),
        ("off=a", "off"),
        ("off=1,,2", "off"),
        ("off=256", "256"),
        ("off=٣", "off"),
        ("hide=<b>", "hide"),
        ("look=pink", "pink"),
        ("camera=1/2", "camera"),
        ("camera=1/91/2", "camera"),
        ("camera=nan/1/2", "camera"),
        ("camera=1e3/1/2", "camera"),
        ("round=r3&round=r2", "round"),
        ("region=a%20b", "region"),
        ("region=%00", "region"),
        ("region=" + "9" * 81, "region"),
        ("region=%ff", "字符"),
        ("round=" + "x" * 9000, "太长"),
    ],
)
def test_a_malformed_query_is_a_bad_request_that_says_what_to_write(query, word):
    with pytest.raises(BadRequest) as caught:
        View.from_query(query)
    assert word in str(caught.value)
    assert caught.value.cure
    assert caught.value.http_status == 400


def test_nothing_said_is_the_latest_of_the_default_measure_in_the_whole(small):
    found = resolve(View(), small)
    assert (found.round.id, found.measure.id) == ("r3", "collective_income")
    assert found.region == small.root
    assert (found.level, found.child_level, found.follow) == ("district", "district", False)
    assert found.period_id == "2021-12"
    assert found.view.to_query() == "round=r3&measure=collective_income"


def test_another_programme_needs_no_change_here(tiny):
    found = resolve(View(), tiny)
    assert (found.round.id, found.measure.id) == ("second", "chosen_share")
    assert (found.level, found.period_id) == ("parish", "all")
    assert resolve(View(region="NE"), tiny).leaf


def test_without_a_round_the_last_one_with_the_measure_is_taken(small):
    assert resolve(View(measure="mean_disposable"), small).round.id == "r2"


def test_the_level_follows_the_region_unless_it_is_named(small):
    district = small.children(small.root.code)[0].code
    assert resolve(View(region=district), small).level == "town"
    assert resolve(View(region=district, level="village"), small).level == "village"
    following = resolve(View(region=district, level=ZOOM), small)
    assert following.follow
    assert following.level == "town"


def test_a_leaf_is_shown_at_its_own_level_among_its_neighbours(small):
    leaf = small.regions("village")["code"].iloc[7]
    found = resolve(View(region=leaf), small)
    assert found.leaf
    assert found.level == "village"
    assert list(inside(small, found)) == list(range(6, 12))


def test_a_bare_prefix_is_the_padded_code(small):
    assert resolve(View(region="990001"), small).view.region == "990001000000"
    assert resolve(View(region=small.root.code), small).view.region is None


@pytest.mark.parametrize(
    "asked, shown",
    [
        ("2021-09", "2021-09"),
        ("2021-Q3", "2021-09"),
        ("2021", "2021-12"),
        ("2030-01", "2021-12"),
        ("1999-01", "2021-07"),
        ("all", "2021-12"),
    ],
)
def test_a_period_becomes_the_nearest_that_is_not_later(small, asked, shown):
    found = resolve(View(period=asked), small)
    assert found.period_id == shown == found.view.period


def test_a_measure_for_the_whole_round_has_one_period(small):
    found = resolve(View(round="r3", measure="target_share", period="2021-09"), small)
    assert found.periods == ("all",)
    assert found.period == 0


def test_snap_of_nothing_is_the_first():
    assert snap((), "2021") == 0


@pytest.mark.parametrize("key", ["round", "measure", "region", "level"])
def test_an_unknown_name_is_an_error_never_a_fallback(small, key):
    with pytest.raises(UnknownName) as caught:
        resolve(replace(View(), **{key: "nowhere"}), small)
    assert "nowhere" in str(caught.value)
    assert caught.value.http_status == 404


def test_a_measure_that_the_round_lacks_is_an_error_that_names_those_there(small):
    with pytest.raises(UnknownName) as caught:
        resolve(View(round="r3", measure="mean_disposable"), small)
    assert "第三轮" in str(caught.value)
    assert "collective_income" in caught.value.cure


def test_a_round_known_by_totals_has_no_measure(small):
    found = resolve(View(round="r1"), small)
    assert found.measure is None
    assert found.periods == ()
    with pytest.raises(UnknownName) as caught:
        resolve(View(round="r1", measure="collective_income"), small)
    assert "总数" in caught.value.cure


def test_changing_the_round_keeps_the_measure_where_it_can(small):
    view = View(round="r3", measure="gap_items", region="990001000000", off=frozenset({1}))
    assert resolve(with_round(view, "r2", small), small).measure.id == "gap_items"
    alone = View(round="r2", measure="mean_disposable")
    assert resolve(with_round(alone, "r3", small), small).measure.id == "collective_income"
    assert resolve(with_round(alone, "r1", small), small).measure is None


def test_changing_the_measure_keeps_the_round_where_it_can(small):
    view = View(round="r3", measure="gap_items", period="2021-09", off=frozenset({1}))
    other = with_measure(view, "income_met", small)
    assert (other.round, other.period, other.off) == ("r3", "2021-09", frozenset())
    assert resolve(with_measure(view, "mean_disposable", small), small).round.id == "r2"


def test_going_somewhere_fits_the_camera_anew(small):
    view = View(level="village", camera=(9, 39, 117))
    assert with_region(view, "990001") == View(region="990001")
    assert with_region(View(level=ZOOM), None).level == ZOOM

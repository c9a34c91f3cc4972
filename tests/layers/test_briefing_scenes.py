"""From declaration to scenes: selectors, names, defaults, and what an edition does not have."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from geodata.build import write
from geodata.edition import Edition
from geodata.errors import UnknownName
from layers.briefing import Briefing, BriefingError, content, default, notes, region_scene, scenes
from layers.briefing.scenes import item_measures
from tests.worlds import small_world


def briefing(*items: dict[str, object], **top: object) -> Briefing:
    return Briefing.model_validate({"title": "汇报", "scenes": items, **top})


def refused(edition: Edition, *items: dict[str, object]) -> str:
    with pytest.raises(BriefingError) as caught:
        scenes(edition, briefing(*items))
    return str(caught.value)


def kinds(edition: Edition) -> list[str]:
    return [scene.kind.value for scene in scenes(edition, default())]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Edition]:
    """The small world with less and less in it."""
    world = small_world()
    facts = world.facts
    always = facts["period"] == "all"
    made = {
        "one period": facts[always | (facts["period"] == "2021-07")],
        "only a list": facts[facts["indicator"] == "target"],
        "nothing": facts[:0],
    }
    found = {}
    for name, left in made.items():
        folder = tmp_path_factory.mktemp("world")
        kept = world.entities if len(left) else world.entities[:0]
        links = world.links if len(left) else world.links[:0]
        cut = replace(world, facts=left, entities=kept, links=links)
        found[name] = Edition.open(folder, write(cut, folder))
    return found


def test_the_built_in_shows_all_that_there_is(small: Edition) -> None:
    regions = ["region"] * 3
    assert kinds(small) == ["overview", "map", "gaps", "progress", *regions, "standings"]


def test_the_built_in_works_for_a_world_of_two_levels_and_letters(tiny: Edition) -> None:
    found = scenes(tiny, default())
    # Only the targets: the measure does not speak about the other six.
    assert [one.id for one in found if one.kind == "region"] == [
        "region-NA",
        "region-NB",
        "region-NC",
    ]
    assert {one.kind for one in found} >= {"overview", "map", "gaps", "progress", "standings"}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        ("one period", {"overview", "map", "gaps", "progress", "region", "standings"}),
        ("only a list", {"overview", "map", "region"}),
        ("nothing", {"overview"}),
    ],
)
def test_the_built_in_leaves_out_what_has_no_data(
    worlds: dict[str, Edition], world: str, expected: set[str]
) -> None:
    edition = worlds[world]
    assert set(kinds(edition)) == expected
    for scene in scenes(edition, default()):
        found = content(edition, scene)
        assert json.dumps(found, allow_nan=False)
        assert found["sentence"] and "{" not in found["sentence"]
        assert found["play"] is None


def test_selectors_pick_the_first_of_a_theme_with_a_plan_first(small: Edition) -> None:
    items = [{"kind": "map", "measure": f"theme:{name}"} for name in ("coverage", "gaps")]
    items += [
        {"kind": "progress", "measure": "theme:progress"},
        {"kind": "progress", "measure": "theme:progress", "round": "r2"},
    ]
    found = scenes(small, briefing(*items))
    assert [one.view.measure for one in found] == [
        "target_share",
        "gap_items",
        "collective_income",  # the only one of r3 with a plan point
        "income_met",  # of r2, where collective_income has none
    ]
    assert [one.view.round for one in found] == ["r3", "r3", "r3", "r2"]


def test_a_measure_that_only_an_older_round_has_brings_its_round(small: Edition) -> None:
    (found,) = scenes(small, briefing({"kind": "map", "measure": "mean_disposable"}))
    assert found.view.round == "r2"


def test_ids_are_kinds_numbered_and_declared_ones_are_kept(small: Edition) -> None:
    found = scenes(
        small,
        briefing(
            {"kind": "map"},
            {"kind": "map"},
            {"kind": "map", "id": "map-2"},
            {"kind": "region", "regions": ["990001", "990002"]},
            {"kind": "region", "regions": ["990001"], "id": "east"},
            {"kind": "gaps", "regions": ["990001", "990002"], "id": "gaps-of"},
        ),
    )
    assert [one.id for one in found] == [
        "map",
        "map-3",
        "map-2",
        "region-990001000000",
        "region-990002000000",
        "east",
        "gaps-of-990001000000",
        "gaps-of-990002000000",
    ]


def test_titles_and_notes_of_several_regions(small: Edition) -> None:
    told = briefing(
        {
            "kind": "region",
            "title": "各区",
            "notes": " 念 ",
            "notes_by_region": {"990002": "多看两眼"},
        },
        {"kind": "overview"},
    )
    found = scenes(small, told)
    assert [one.title for one in found[:2]] == ["各区 · 东岭区", "各区 · 中洲区"]
    assert notes(small, told) == {
        "region-990001000000": "念",
        "region-990002000000": "多看两眼",
        "region-990003000000": "念",
    }


def test_views_are_the_portals_and_say_no_more_than_they_must(small: Edition) -> None:
    found = scenes(
        small,
        briefing(
            {"kind": "overview", "dwell": 9},
            {"kind": "region", "regions": ["990001"], "period": "2021-09"},
            {"kind": "map", "level": "village"},
            dwell=33,
        ),
    )
    assert [one.view.to_query() for one in found] == [
        "round=r3&measure=collective_income&level=town",
        "round=r3&measure=collective_income&period=2021-09&region=990001000000",
        "round=r3&measure=collective_income&level=village",
    ]
    assert [one.dwell for one in found] == [9, 33, 33]


def test_small_multiples_follow_the_rounds_items(small: Edition, tiny: Edition) -> None:
    assert item_measures(small, small.space.round("r3")) == ("lacks_paved",)
    assert item_measures(tiny, tiny.space.round("second")) == ()
    assert item_measures(small, small.space.round("r1")) == ()


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"measure": "nothing"}, ("scenes[1].measure", "「nothing」", "target_share")),
        ({"round": "r9"}, ("scenes[1].round", "「r9」", "r3")),
        ({"round": "r1"}, ("scenes[1]", "第一轮", "只有总数")),
        (
            {"round": "r3", "measure": "mean_disposable"},
            ("mean_disposable", "这一轮有", "gap_items"),
        ),
        ({"regions": ["123"]}, ("scenes[1].regions[1]", "「123」")),
        ({"level": "street"}, ("scenes[1].level", "「street」", "village")),
        ({"period": "2020-01"}, ("scenes[1].period", "2021-07", "2021-12")),
        ({"notes_by_region": {"990001": "x"}}, ("notes_by_region", "990001", "regions")),
        ({"notes_by_region": {"x": "x"}}, ("notes_by_region", "「x」")),
        (
            {"kind": "gaps", "measures": ["lacks_paved", "lacks"]},
            ("scenes[1].measures[2]", "「lacks」"),
        ),
        (
            {"kind": "gaps", "measures": ["mean_disposable"]},
            ("scenes[1].measures[1]", "mean_disposable"),
        ),
        ({"kind": "standings", "measure": "target_share"}, ("target_share", "more", "less")),
    ],
)
def test_what_the_edition_does_not_have_is_named_with_what_it_has(
    small: Edition, item: dict[str, object], expected: tuple[str, ...]
) -> None:
    message = refused(small, {"kind": "map", **item})
    for part in expected:
        assert part in message


def test_all_problems_are_said_together(small: Edition) -> None:
    message = refused(
        small, {"kind": "map", "measure": "one"}, {"kind": "map", "id": "x", "measure": "two"}
    )
    assert "scenes[1].measure" in message and "scenes[2 x].measure" in message


def test_a_region_that_the_measure_does_not_count_is_an_error_if_named(tiny: Edition) -> None:
    told = {"kind": "region", "measure": "well_share"}
    assert "ND" in refused(tiny, {**told, "regions": ["NA", "ND"]})
    assert len(scenes(tiny, briefing({**told, "regions": "children"}))) == 3


def test_any_region_has_a_scene_of_its_own(small: Edition) -> None:
    for code in ("990001", "990001901", "990001901001", "99"):
        scene = region_scene(small, code)
        found = content(small, scene)
        assert found["region"]["code"] == small.region(code).code
        assert found["kind"] == "region" and found["sentence"]
    with pytest.raises(UnknownName):
        region_scene(small, "123")


def test_scenes_do_not_change_from_call_to_call(small: Edition) -> None:
    assert scenes(small, default()) == scenes(small, default())

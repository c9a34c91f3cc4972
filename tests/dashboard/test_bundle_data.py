"""The bundle's data: all of the edition that a browser needs, under names that are there."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pmtiles.reader import MmapSource, all_tiles

from dashboard import bundle
from dashboard.bundle import budget, data
from dashboard.bundle.manifest import compact
from geodata.arrays import decode, decode_numbers
from geodata.edition import Edition
from geodata.errors import EditionError
from geodata.search import Entry, Index
from layers.classify import classes
from layers.public.facts import Facts, Suppression, Withdrawn
from tests.dashboard.bundles import MARKUP, ODD, Made, odd, small, texts, tiny, urls
from tests.worlds import build_small

WORLDS = pytest.mark.parametrize("make", [small, tiny, odd], ids=["small", "tiny", "odd"])
Make = Callable[[], Made]


@WORLDS
def test_every_file_that_a_json_names_is_there(make: Make) -> None:
    made = make()
    named = set()
    for path in made.out.rglob("*.json"):
        if path.name != "bundle.json":
            named |= set(urls(json.loads(path.read_bytes())))
    assert named, "the catalogue names its files"
    assert [one for one in sorted(named) if not (made.out / one).is_file()] == []


@WORLDS
def test_nothing_is_named_absolutely(make: Make) -> None:
    made = make()
    for path in made.out.rglob("*.json"):
        if path.name.startswith("search"):
            continue
        for text in texts(json.loads(path.read_bytes())):
            assert not text.startswith(("/", "http:", "https:", "file:")), (path.name, text)
    for path in (made.out / "index.html", *made.out.glob("d/atlas.*.json")):
        assert str(made.edition.folder) not in path.read_text("utf-8")


@WORLDS
def test_values_and_numbers_are_those_of_the_edition(make: Make) -> None:
    made = make()
    edition, seen = made.edition, 0
    for measure in made.atlas["measures"]:
        for round_id, own in measure["rounds"].items():
            names = [one["id"] for one in own["periods"]]
            assert tuple(names) == edition.periods(measure["id"], round_id)
            for level, files in own["levels"].items():
                truth = edition.values(measure["id"], round_id, level)
                found = decode(made.read(files["values"]))
                np.testing.assert_array_equal(found.value, truth.value)
                np.testing.assert_array_equal(found.status, truth.status)
                numbers = decode_numbers(made.read(files["numbers"]))
                for name, part in numbers.parts.items():
                    np.testing.assert_allclose(part, getattr(truth, name), atol=1e-6)
                drawn = [one.as_dict() for one in classes(edition, measure["id"], round_id, level)]
                assert files["classes"] == drawn
                seen += 1
    values = edition.folder / "values"
    assert seen == len(list(values.rglob("*.npz"))), "every array of the edition"


@WORLDS
def test_each_region_is_told_once_and_after_its_parent(make: Make) -> None:
    made = make()
    atlas, edition = made.atlas, made.edition
    told: list[dict[str, object]] = []
    known = {""}
    for columns in (atlas["regions"], *map(made.json, atlas["chunks"].values())):
        assert set(columns) == set(data.COLUMNS)
        for n, code in enumerate(columns["code"]):
            assert columns["parent"][n] in known
            known.add(code)
            told.append({name: columns[name][n] for name in columns})
    assert len(told) == sum(edition.count(level.id) for level in edition.levels) == len(known) - 1
    for one in told:
        region = edition.region(str(one["code"]))
        assert edition.levels[int(str(one["level"]))].id == region.level
        assert one["position"] == region.position and one["name"] == region.name
        assert one["bounds"] == [round(side, 5) for side in region.bounds]
        assert one["leaves"] == region.leaves


def test_a_chunk_holds_what_lies_below_its_region_and_nothing_else() -> None:
    made = small()
    for code, url in made.atlas["chunks"].items():
        assert all(parent.startswith(code[:6]) for parent in made.json(url)["parent"])


def test_a_tree_of_two_levels_needs_no_chunks() -> None:
    made = tiny()
    assert made.atlas["chunks"] == {}
    assert made.atlas["regions"]["code"] == ["N", *(f"N{letter}" for letter in "ABCDEFGHI")]
    assert list(made.atlas["shapes"]) == ["N"]
    assert set(made.json(made.atlas["shapes"]["N"])) == {"parish"}


@pytest.mark.parametrize("text", ["zhao", "赵", "9900", "990001", "青禾", "qhz", "村", "N", "na"])
@WORLDS
def test_the_search_finds_what_the_edition_finds(make: Make, text: str) -> None:
    made = make()
    rows = searched(made)
    index = Index(
        [Entry(row[1], row[2], row[3], row[6] if len(row) > 6 else row[0]) for row in rows]
    )
    found = [rows[number][0] for number in index.find(text)]
    assert found == [one.code for one in made.edition.search(text)]


def test_a_search_entry_knows_the_names_above() -> None:
    made = small()
    rows = searched(made)
    for code, _, _, _, level, parent, *_ in rows:
        region = made.edition.region(code)
        assert made.edition.levels[level].id == region.level
        names, above = [], parent
        while above >= 0:
            names.insert(0, rows[above][1])
            above = rows[above][5]
        assert names == [one.name for one in made.edition.ancestors(code)]


def searched(made: Made) -> list[list[Any]]:
    """The rows of the search index."""
    return [row for url in made.atlas["search"] for row in made.json(url)["entries"]]


def test_a_large_search_index_comes_in_pieces_that_a_screen_may_load() -> None:
    names = [f"一个名字很长的村子第{n}号" for n in range(35_200)]
    rows = [
        compact([f"9900{n:08d}", name, "yigemingzihenchangdecunzi" * 2, "ygmzhcdcz", 3, n % 300])
        for n, name in enumerate(names)
    ]
    parts = [json.loads(b"[" + piece + b"]") for piece in data.pieces(rows)]
    assert len(parts) > 3
    assert all(len(piece) <= data.PIECE < budget.LARGEST for piece in data.pieces(rows))
    assert [row[1] for part in parts for row in part] == names
    assert list(data.pieces([])) == []
    assert list(data.pieces([b"x" * 20, b"y"], 10)) == [b"x" * 20, b"y"]


@WORLDS
def test_every_tile_is_a_file_and_holes_are_empty_tiles(make: Make) -> None:
    made = make()
    for level in made.edition.levels:
        with made.edition.tiles_path(level.id).open("rb") as stream:
            own = dict(all_tiles(MmapSource(stream)))
        for (z, x, y), tile in own.items():
            url = made.atlas["tiles"].format(level=level.id, z=z, x=x, y=y)
            assert made.read(url) == gzip.decompress(tile)
        for z in {z for z, _, _ in own}:
            xs, ys = ({place[axis] for place in own if place[0] == z} for axis in (1, 2))
            for x, y in product(range(min(xs), max(xs) + 1), range(min(ys), max(ys) + 1)):
                url = made.atlas["tiles"].format(level=level.id, z=z, x=x, y=y)
                assert made.read(url) == gzip.decompress(own.get((z, x, y), gzip.compress(b"")))


def test_scattered_tiles_are_not_filled_up() -> None:
    apart = {(9, 0, 0): b"", (9, 400, 400): b""}
    assert list(data._holes(apart)) == []
    assert len(list(data._holes({(9, 0, 0): b"", (9, 1, 1): b""}))) == 2


@WORLDS
def test_the_shapes_for_downloads_hold_every_region_but_the_root(make: Make) -> None:
    made = make()
    found: dict[str, str] = {}
    for url in made.atlas["shapes"].values():
        for collection in made.json(url).values():
            for feature in collection["features"]:
                found[feature["properties"]["code"]] = feature["properties"]["name"]
                shape = shapely.geometry.shape(feature["geometry"])
                region = made.edition.region(feature["properties"]["code"])
                assert shape.area > 0
                assert np.allclose(shape.bounds, region.bounds, atol=1e-3)
    lower = [level.id for level in made.edition.levels[1:]]
    assert len(found) == sum(made.edition.count(level) for level in lower)
    for code, name in found.items():
        assert made.edition.region(code).name == name


@WORLDS
def test_the_mesh_is_the_edition_s(make: Make) -> None:
    made = make()
    mesh = made.atlas["mesh"]
    assert made.read(mesh["url"]) == made.edition.mesh_path().read_bytes()
    assert mesh["until"] == (made.edition.mesh_zoom or 0) + 1


def test_names_come_through_as_they_are() -> None:
    made = odd()
    told = {
        text
        for path in made.out.glob("d/**/*.json")
        for text in texts(json.loads(path.read_bytes()))
    }
    assert {MARKUP, ODD} <= told
    for path in made.out.rglob("*.html"):
        assert "<script>alert" not in path.read_text("utf-8"), path.name


def public(folder: Path, measure: str, levels: list[str]) -> Edition:
    """The small world's edition as one that may show a measure at some levels only: what a public
    edition says of itself, and no file for the other levels.
    """
    edition = build_small(folder)
    path = edition.folder / "manifest.json"
    told = json.loads(path.read_text("utf-8"))
    told["audience"] = "public"
    for one in told["workspace"]["measures"]:
        every = [level.id for level in edition.levels]
        one["public_levels"] = levels if one["id"] == measure else every
    path.write_text(json.dumps(told), "utf-8")
    for file in (edition.folder / "values").glob(f"*/{measure}/*"):
        if file.name.partition(".")[0] not in levels:
            file.unlink()
    return Edition.open(folder)


@pytest.mark.parametrize("levels", [["city", "district"], ["town", "village"], ["city"]])
@pytest.mark.parametrize("measure", ["collective_income", "projects_started", "income_met"])
def test_a_measure_has_no_entry_at_a_level_that_is_not_public(
    tmp_path: Path, measure: str, levels: list[str]
) -> None:
    edition = public(tmp_path, measure, levels)
    manifest = bundle.write(edition, tmp_path / "site", twins=False)
    made = Made(edition, tmp_path / "site", manifest)
    told = {one["id"]: one for one in made.atlas["measures"]}[measure]
    assert told["public_levels"] == levels
    for own in told["rounds"].values():
        assert list(own["levels"]) == levels
    others = {one.id for one in edition.levels} - set(levels)
    assert not any(f"/{measure}/{level}." in path for path in manifest.files for level in others)


def test_what_the_gate_knows_is_in_the_catalogue(tmp_path: Path) -> None:
    facts = Facts(
        withdrawn=(Withdrawn("gap_items", "缺项数", "数字有误", "2021-12-01"),),
        suppression=Suppression(10, 100, 7, 0.07),
        contact="办公室",
        site_url="https://example.gov/map",
        embed=("https://example.gov",),
        watermark="演示数据 DEMO",
        batches={"collective_income": ("第三批",)},
    )
    manifest = bundle.write(small().edition, tmp_path / "site", facts=facts, twins=False)
    made = Made(small().edition, tmp_path / "site", manifest)
    atlas = made.atlas
    assert atlas["withdrawn"][0]["id"] == "gap_items"
    assert "缺项数" in atlas["withdrawn"][0]["sentence"]
    assert atlas["suppression"] == {
        "threshold": 10, "cells": 100, "suppressed": 7, "share": 0.07,
    }  # fmt: skip
    measures = {one["id"]: one for one in atlas["measures"]}
    assert measures["collective_income"]["batches"] == ["第三批"]
    assert measures["gap_items"]["batches"] == []
    assert atlas["site_url"] == "https://example.gov/map"
    assert atlas["embed"] == ["https://example.gov"]
    assert atlas["notices"]["contact"] == "办公室"
    assert atlas["notices"]["watermark"] == "演示数据 DEMO"
    assert set(atlas["notices"]) == {
        "demo", "source", "cutoff", "approval_number", "licence", "contact", "watermark",
    }  # fmt: skip


@pytest.mark.parametrize("code", ["a/b", "..", "a b", 'a"b', "a?b", "a%2fb", "a\\b", "a#b", "a."])
def test_a_code_that_cannot_name_a_page_is_refused(code: str) -> None:
    assert data._UNFIT.search(code)


def test_common_codes_can_name_pages(tmp_path: Path) -> None:
    for code in ("120110001001", "NA", "DE-BY", "FR.75", "津01"):
        assert not data._UNFIT.search(code)


def test_an_unfit_code_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edition = build_small(tmp_path)
    frame = edition.regions("village").copy()
    frame.loc[0, "code"] = "a/b"
    real = edition.regions
    monkeypatch.setattr(
        edition, "regions", lambda level: frame if level == "village" else real(level)
    )
    with pytest.raises(EditionError, match="a/b"):
        bundle.write(edition, tmp_path / "site", twins=False)
    assert not (tmp_path / "site").exists()

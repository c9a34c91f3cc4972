"""Building: the same inputs give the same bytes, and a killed build changes nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geodata import build, state
from geodata.build import exact, seal, sweep, write
from geodata.edition import EDITIONS, Edition
from geodata.errors import AtlasError, EditionError
from geodata.findings import Finding
from geodata.vocabulary import Severity
from geodata.workspace import Workspace
from tests import tiny
from tests.worlds import TARGETS, build_small, small_space, small_world

ROOT = Path(__file__).parents[2]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_world_gives_the_same_id_and_bytes(tmp_path: Path) -> None:
    # Another process: another hash seed, other temporary names.
    command = [sys.executable, "-m", "tests.worlds", str(tmp_path / "other")]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    edition = build_small(tmp_path / "own")
    assert told.stdout.split() == [edition.id]
    other = tmp_path / "other" / EDITIONS / edition.id
    assert contents(other) == contents(edition.folder)
    assert edition.id == seal(edition.folder)


def test_shuffled_rows_give_the_same_id(tmp_path: Path) -> None:
    world = small_world()

    def mixed(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.sample(frac=1.0, random_state=5)

    again = replace(
        world,
        facts=mixed(world.facts),
        entities=mixed(world.entities),
        links=mixed(world.links),
    )
    assert write(again, tmp_path) == write(world, tmp_path)


def test_other_data_give_another_id_and_both_stay(tmp_path: Path) -> None:
    world = small_world()
    first = write(world, tmp_path)
    changed = world.facts.assign(value=world.facts["value"].where(world.facts.index != 5, 99.0))
    second = write(replace(world, facts=changed), tmp_path)
    assert first != second
    assert Edition.open(tmp_path).id == second
    assert Edition.open(tmp_path, first).id == first
    # Back to the first inputs: nothing is written, the pointer moves.
    before = (tmp_path / EDITIONS / first / "manifest.json").stat().st_mtime_ns
    assert write(world, tmp_path) == first
    assert Edition.open(tmp_path).id == first
    assert (tmp_path / EDITIONS / first / "manifest.json").stat().st_mtime_ns == before
    assert sorted(one.name for one in (tmp_path / EDITIONS).iterdir()) == sorted([first, second])


def test_nothing_inside_tells_when_or_where_it_was_built(tmp_path: Path) -> None:
    edition = build_small(tmp_path)
    for name, data in contents(edition.folder).items():
        assert str(tmp_path).encode() not in data, name
        assert b".building-" not in data, name


def test_a_world_is_not_changed_by_building_it(tmp_path: Path) -> None:
    world, fresh = small_world(), small_world()
    write(world, tmp_path)
    for name in ("facts", "entities", "links"):
        pd.testing.assert_frame_equal(getattr(world, name), getattr(fresh, name))
    for level, frame in world.regions.items():
        assert frame.geom_equals_exact(fresh.regions[level], 0).all()
        assert frame.columns.tolist() == fresh.regions[level].columns.tolist()


def test_a_parent_equals_its_children_in_the_edition(tmp_path: Path) -> None:
    edition = build_small(tmp_path)
    seen = 0
    for item in edition.rounds:
        for measure in edition.measures:
            if not edition.has(measure.id, item.id):
                continue
            for upper, lower in zip(edition.levels, edition.levels[1:], strict=False):
                parents = edition.values(measure.id, item.id, upper.id)
                children = edition.values(measure.id, item.id, lower.id)
                owners = edition.nesting.above(lower.id, upper.id)
                for name in ("numerator", "denominator", "reported", "expected", "verified"):
                    for position in range(edition.count(upper.id)):
                        np.testing.assert_allclose(
                            getattr(parents, name)[:, position],
                            getattr(children, name)[:, owners == position].sum(axis=1),
                            rtol=1e-12,
                        )
                        seen += 1
    assert seen == 18 * (1 + 3 + 6) * 5


def test_a_value_leads_back_to_its_file_and_row(tmp_path: Path) -> None:
    world = small_world()
    edition = build_small(tmp_path)
    values = edition.values("collective_income", "r3", "village")
    for position in TARGETS["r3"]:
        code = edition.at("village", position).code
        told = edition.facts(code)
        for number, period in enumerate(values.periods):
            rows = told[
                (told["indicator"] == "income")
                & (told["round"] == "r3")
                & (told["period"] == period)
            ]
            if np.isnan(values.value[number, position]):
                assert rows.empty
                continue
            (row,) = rows.itertuples()
            assert row.value == pytest.approx(values.value[number, position])
            sent = world.facts[(world.facts["file"] == row.file) & (world.facts["row"] == row.row)]
            assert (sent["code"].item(), sent["value"].item()) == (code, row.value)
            assert row.batch == "r3月报"


# Stops at a step of the build, says so, and waits to be killed.
_STALLING = """
import sys, time
from contextlib import contextmanager
from pathlib import Path
from dataclasses import replace
from geodata.build import write
from tests import tiny
from tests.worlds import small_world

class Stall:
    steps = 0
    @contextmanager
    def step(self, label, total=None):
        Stall.steps += 1
        if Stall.steps == int(sys.argv[2]):
            print("here", flush=True)
            time.sleep(600)
        yield lambda advance=1: None

world = small_world()
other = replace(world, facts=world.facts.assign(value=world.facts["value"] + 1))
write(other, Path(sys.argv[1]), Stall())
"""


@pytest.mark.parametrize("step", [2, 3, 5])
def test_a_killed_build_leaves_the_last_edition_serving(tmp_path: Path, step: int) -> None:
    edition = build_small(tmp_path)
    before = state.current(tmp_path)
    command = [sys.executable, "-c", _STALLING, str(tmp_path), str(step)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "here\n"
        left = [one.name for one in (tmp_path / EDITIONS).iterdir() if one.name != edition.id]
        assert len(left) == 1 and left[0].startswith(f".building-{victim.pid}-")
        # Another build beside it leaves the running one's folder alone.
        sweep(tmp_path / EDITIONS)
        assert (tmp_path / EDITIONS / left[0]).is_dir()
        victim.send_signal(signal.SIGKILL)
        victim.wait(30)
    assert state.current(tmp_path) == before
    again = Edition.open(tmp_path)
    assert again.id == edition.id == seal(again.folder)
    assert again.values("income_met", "r3", "city").value.size
    # The next build cleans up.
    write(small_world(), tmp_path)
    assert [one.name for one in (tmp_path / EDITIONS).iterdir()] == [edition.id]


def test_a_build_that_fails_midway_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition = build_small(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build, "_write_tables", full)
    with pytest.raises(EditionError, match="写不了版本文件夹"):
        write(small_world(), tmp_path)
    assert [one.name for one in (tmp_path / EDITIONS).iterdir()] == [edition.id]
    assert Edition.open(tmp_path).id == edition.id


def test_build_reads_checks_and_writes(tmp_path: Path) -> None:
    tiny.write_tiny(tmp_path)
    edition_id = build.build(tmp_path)
    edition = Edition.open(tmp_path)
    assert edition.id == edition_id
    assert [edition.count(level.id) for level in edition.levels] == [1, 9]
    # What is drawn on the page of the tiny world: three of nine are chosen.
    assert edition.values("chosen_share", "second", "land").value.tolist() == [[33.3]]
    assert all(one.rows == one.used + one.reported for one in edition.inputs())
    assert build.build(tmp_path) == edition_id


def test_a_workspace_that_cannot_be_read_leaves_the_edition_alone(tmp_path: Path) -> None:
    tiny.write_tiny(tmp_path)
    edition_id = build.build(tmp_path)
    (tmp_path / "atlas.toml").write_text("[atlas", "utf-8")
    with pytest.raises(AtlasError, match=r"atlas\.toml"):
        build.build(tmp_path)
    assert Edition.open(tmp_path).id == edition_id


def test_errors_stop_the_build_and_are_named(tmp_path: Path) -> None:
    edition = build_small(tmp_path)
    wrong = tuple(
        Finding(Severity.ERROR, "bad_code", "raw/a.csv", f"第 {n} 行", "12X", "代码不对", "改正")
        for n in range(12)
    )
    with pytest.raises(AtlasError) as caught:
        write(replace(small_world(), findings=wrong), tmp_path)
    told = str(caught.value)
    assert "12 处错误" in told and "另有 2 处" in told
    assert "raw/a.csv 第 0 行：代码不对「12X」" in told
    assert Edition.open(tmp_path).id == edition.id


def test_a_figure_that_differs_from_the_published_one_is_a_warning(tmp_path: Path) -> None:
    edition = build_small(tmp_path)
    found = [one for one in edition.findings() if one.code == "figure_differs"]
    assert [one.severity for one in found] == [Severity.WARNING]
    assert found[0].message == "第三轮 的「队员」：公布 99，算得 21"
    assert found[0].place == "rounds.r3.figures[4]"


def test_the_manifest_says_what_it_was_made_of(tmp_path: Path) -> None:
    edition = build_small(tmp_path)
    told = json.loads((edition.folder / "manifest.json").read_text("utf-8"))
    assert told["format"] == 1
    assert told["cutoff_period"] == "2021-12"
    assert [(one["file"], one["rows"], one["used"], one["reported"]) for one in told["inputs"]] == [
        ("raw/villages.gpkg", 36, 36, 0),
        ("raw/r3.csv", 10, 9, 1),
    ]
    assert Workspace.model_validate(told["workspace"]) == small_space()


def test_steps_are_told_as_they_begin(tmp_path: Path) -> None:
    told: dict[str, list[int]] = {}

    class Listener:
        @contextmanager
        def step(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
            told[label] = []
            yield told[label].append
            assert sum(told[label]) == (total or 1)

    write(small_world(), tmp_path, Listener())
    assert list(told) == [
        "写出地区",
        "切瓦片",
        "剖成三角形",
        "汇总指标",
        "写出来源",
        "封存版本",
    ]


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        ([0, 1, -128], "int8"),
        ([0, 128], "int16"),
        ([40_000], "int32"),
        ([0.5], "float32"),
        ([0.1], "float64"),
        ([2.0**40], "float32"),
        ([2.0**40 + 1], "float64"),
    ],
)
def test_sums_are_stored_in_the_smallest_exact_type(numbers: list[float], kind: str) -> None:
    wide = np.array(numbers, np.float64)
    assert exact(wide).dtype == kind
    np.testing.assert_array_equal(exact(wide), wide)


@pytest.mark.parametrize("surroundings", [("UTC", "0", 0o022), ("Asia/Shanghai", "77", 0o077)])
def test_the_same_files_give_the_same_id_wherever_they_are_built(
    tmp_path: Path, surroundings: tuple[str, str, int]
) -> None:
    """From the files on: another folder, time zone, hash seed, umask, language and file times."""
    zone, seed, mask = surroundings
    here = tiny.write_tiny(tmp_path / "here")
    there = tiny.write_tiny(tmp_path / "elsewhere, 别处" / "there")
    for number, path in enumerate(sorted(there.rglob("*"))):
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
    command = f"umask {mask:03o} && exec '{sys.executable}' -m dashboard.cli build '{there}'"
    surrounding = os.environ | {"TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": "C.UTF-8"}
    told = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=ROOT, env=surrounding, capture_output=True, text=True, check=True,
    )  # fmt: skip
    own = build.build(here)
    assert told.stdout.split() == [own]
    assert contents(there / EDITIONS / own) == contents(here / EDITIONS / own)

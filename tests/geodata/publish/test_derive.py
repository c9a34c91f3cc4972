"""The public edition: reads as every edition, and holds nothing but what was published."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dashboard import bundle
from geodata import arrays
from geodata.edition import Edition
from geodata.errors import UnknownName
from geodata.ledger import Ledger
from geodata.publish.derive import derive, public_workspace
from geodata.publish.gate import Gate, Withdrawal, examine
from geodata.publish.protect import protector
from geodata.vocabulary import Status
from geodata.workspace import Workspace
from layers.classify import SUPPRESSED, assign, classes
from layers.legend import legend
from layers.picture import picture
from layers.view import View
from tests import demo_worlds, published_worlds, tiny
from tests.ledgers import fill
from tests.public_bytes import deny, scan
from tests.published_worlds import COUNTED, PUBLICATION, protect

FEW = PUBLICATION + "small_number = 25\n"
TAKEN = Withdrawal("gap_items", "缺项", "数错了", "2026-03-05")


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """The tiny world: harvests count people, wells are told for the land alone."""
    text = published_worlds.atlas(
        public=("chosen_share", "well_share", "gap_items", COUNTED),
        counts={COUNTED: "people"},
        levels={"well_share": ["land"]},
        publication=FEW,
    )
    return published_worlds.edition(tmp_path_factory.mktemp("derive") / "world", text)


@pytest.fixture(scope="module")
def gate(inside: Edition) -> Gate:
    return examine(inside, None, withdrawn={"gap_items": TAKEN}, protect=protect)


@pytest.fixture(scope="module")
def outside(
    inside: Edition, gate: Gate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Edition]:
    """Its public edition, moved away from the workspace."""
    folder = tmp_path_factory.mktemp("public") / "edition"
    found = derive(inside, gate, folder)
    yield Edition.of_folder(folder, found)


def test_it_says_that_it_is_public(inside: Edition, outside: Edition) -> None:
    assert outside.public and not inside.public
    assert len(outside.id) == 16
    assert [one.id for one in outside.measures] == ["chosen_share", "well_share", COUNTED]
    assert outside.inputs() == () and outside.findings() == () and outside.space.sources == ()


def test_the_same_again_has_the_same_bytes(
    inside: Edition, gate: Gate, outside: Edition, tmp_path: Path
) -> None:
    assert derive(inside, gate, tmp_path / "again") == outside.id


def test_regions_tiles_and_mesh_are_those_of_the_edition(inside: Edition, outside: Edition) -> None:
    for level in inside.levels:
        assert outside.regions(level.id).equals(inside.regions(level.id))
        assert outside.tiles_path(level.id).read_bytes() == inside.tiles_path(level.id).read_bytes()
    assert outside.mesh_path().read_bytes() == inside.mesh_path().read_bytes()
    assert [one.code for one in outside.search("甲")] == ["NA"]


def test_what_is_published_is_what_was_known(inside: Edition, outside: Edition) -> None:
    for level in ("land", "parish"):
        one, other = (book.values("chosen_share", "second", level) for book in (inside, outside))
        assert np.array_equal(one.value, other.value, equal_nan=True)
        assert np.array_equal(one.status, other.status)
        assert np.array_equal(one.numerator, other.numerator)


def test_small_numbers_have_no_number_and_a_status_of_their_own(
    inside: Edition, outside: Edition
) -> None:
    known = inside.values(COUNTED, "second", "parish")
    told = outside.values(COUNTED, "second", "parish")
    small = known.numerator < 25
    small &= known.reported > 0
    assert small[:, :2].all() and not small[:, 2:].any()
    for part in (told.value, told.numerator, told.denominator):
        assert np.isnan(part[small]).all()
    assert (told.status[small] == Status.SUPPRESSED).all()
    assert np.array_equal(told.status[~small], known.status[~small])
    assert np.array_equal(told.value[~small], known.value[~small], equal_nan=True)
    for name in ("reported", "expected", "verified"):
        assert np.array_equal(getattr(told, name), getattr(known, name)), "these count villages"
    packed = arrays.decode(outside.array_path(COUNTED, "second", "parish").read_bytes())
    assert np.isnan(packed.value[small]).all() and (packed.status[small] == 5).all()


def test_a_level_that_is_not_public_is_not_there(outside: Edition) -> None:
    assert outside.shows("well_share", "land") and not outside.shows("well_share", "parish")
    with pytest.raises(UnknownName, match=r"“有水井的村”没有公布到这一级「parish」。.*land"):
        outside.values("well_share", "second", "parish")
    assert not [*outside.folder.glob("values/*/well_share/parish*")]
    assert classes(outside, "well_share", "second", "parish") == ()
    found = picture(outside, View(measure="well_share"))
    values = {one["id"]: one["values"] for one in found["levels"]}
    assert values["land"] and values["parish"] is None
    below = picture(outside, View(measure="well_share", region="NA"))
    assert below["series"]["value"] == []


def test_a_map_says_what_is_kept_back(outside: Edition) -> None:
    lines = {one.index: one for one in legend(outside, COUNTED, "second", "parish", 0)}
    assert (lines[SUPPRESSED].label, lines[SUPPRESSED].count) == ("人数过少，不公布", 2)
    values = outside.values(COUNTED, "second", "parish")
    known = classes(outside, COUNTED, "second", "parish")
    assert (assign(values.value, known, values.status)[:, :2] == SUPPRESSED).all()
    assert sum(one.count for one in lines.values()) == 9


def test_indicators_rounds_and_rules_that_nobody_needs_stay_inside(outside: Edition) -> None:
    space = outside.space
    assert [one.id for one in space.indicators] == ["chosen", "harvest", "well"]
    assert [one.id for one in space.rounds] == ["second"], "the first has no public figure"
    assert space.rounds[0].items == () and space.rounds[0].selection is None
    assert space.references == () and space.publication.boundaries == ()
    assert outside.targets("second").tolist() == [True] * 3 + [False] * 6


def test_targets_stay_inside_when_no_measure_tells_them(inside: Edition) -> None:
    gate = examine(inside, None, protect=protect)
    only = Gate(
        **{**vars(gate), "measures": tuple(one for one in gate.measures if one.id == COUNTED)}
    )
    space = public_workspace(inside, only)
    assert space.rounds[0].target is None
    assert [one.id for one in space.indicators] == ["harvest"]


def test_only_public_figures_of_the_root(outside: Edition) -> None:
    (figure,) = outside.figures("second", "N")
    assert (figure.label, figure.value, figure.published) == ("帮扶村", 3, 3)
    assert outside.figures("second", "NA") == ()


def test_a_withdrawn_measure_leaves_a_sentence_and_no_value(outside: Edition) -> None:
    assert outside.manifest["withdrawn"] == [
        {"id": "gap_items", "label": "缺项", "reason": "数错了", "at": "2026-03-05"}
    ]
    assert not [*outside.folder.rglob("*gap_items*")]


def test_batches_are_those_of_what_is_published(outside: Edition) -> None:
    assert outside.manifest["batches"] == {
        "chosen_share": [{"name": "帮扶村名单", "status": "verified"}],
        "well_share": [{"name": "季报", "status": "partial"}],
        COUNTED: [{"name": "季报", "status": "partial"}],
    }


def test_nothing_is_known_of_files_teams_and_units(outside: Edition) -> None:
    for name in ("facts", "entities", "links"):
        assert pq.read_table(outside.folder / f"{name}.parquet").num_rows == 0
    assert outside.facts("NA").empty


def test_a_file_by_hand_must_still_name_its_sources(outside: Edition, tmp_path: Path) -> None:
    assert Workspace.model_validate(outside.manifest["workspace"]).sources == ()
    from geodata import workspace
    from geodata.errors import WorkspaceError

    text = tiny.ATLAS[: tiny.ATLAS.index("[[sources]]")]
    (tmp_path / "atlas.toml").write_text(text, "utf-8")
    with pytest.raises(WorkspaceError, match="缺少 sources；请补上"):
        workspace.load(tmp_path)
    (tmp_path / "atlas.toml").write_text("sources = []\n" + text, "utf-8")
    with pytest.raises(WorkspaceError, match="至少要有 1 项"):
        workspace.load(tmp_path)


# ---- every byte ----


def test_no_private_byte_of_the_tiny_world(inside: Edition, outside: Edition) -> None:
    folder = inside.folder.parent.parent
    ledger = Ledger.of(folder)
    ledger.prepare()
    fill(ledger)
    published = ("chosen_share", "well_share", COUNTED, "gap_items")
    words = deny(folder, inside, ledger, published, ("帮扶村名单", "季报"))
    ledger.dispose()
    assert {"crews.csv", "第一队", "乙机关", "人口加权收成", "harvest_weighted", "below_average",
            "2019年收成", "crew_share", "said 1 村", "户口"} <= words  # fmt: skip
    assert scan(outside.folder, words) == []


def test_the_scan_finds_what_lies_in_any_kind_of_file(
    inside: Edition, outside: Edition, tmp_path: Path
) -> None:
    assert {name for name, _ in scan(inside.folder, ["第一队"])} == {"entities.parquet"}
    named = {name for name, _ in scan(inside.folder, ["parishes.geojson"])}
    assert named == {"findings.json", "manifest.json"}
    copied = tmp_path / "copy"
    shutil.copytree(outside.folder, copied)
    packed = arrays.compress(json.dumps({"a": "第一队"}).encode())
    (copied / "values" / "x.bin.gz").write_bytes(packed)
    assert scan(copied, ["第一队"]) == [("values/x.bin.gz", "第一队")]
    tile = inside.tiles_path("parish")
    assert scan(tile.parent, ["parish"]), "inside of tiles"


def test_no_private_byte_of_the_demo(tmp_path: Path) -> None:
    folder = demo_worlds.edition_folder(demo_worlds.SMALL)
    edition = Edition.open(folder)
    gate = examine(edition, None, accept_demo=True, protect=protector())
    assert gate.allowed, gate.refusals
    found = derive(edition, gate, tmp_path / "edition")
    published = [one.id for one in gate.measures]
    ledger = Ledger.of(folder)
    ledger.prepare()
    # Reports and inspections by the names that they give themselves; lists and yearbooks have no
    # other than their file's, and so go by what their source is called.
    facts = pq.read_table(edition.folder / "facts.parquet", columns=["batch", "file"]).to_pandas()
    stems = {Path(file).stem for file in facts["file"].unique()}
    batches = {"第二轮困难村名单", "第三轮经济薄弱村名单", "各区村集体经济年报"}
    batches |= set(facts["batch"].unique()) - stems
    words = deny(folder, edition, ledger, published, batches)
    ledger.dispose()
    assert len(words) > 100
    assert {"entry_branch", "工作队花名册.xlsx", "2016年户籍人口（人）", "困难村名单.xlsx"} <= words
    assert scan(tmp_path / "edition", words) == []
    assert found == Edition.of_folder(tmp_path / "edition", found).id


def test_nothing_that_is_published_depends_on_a_number_that_is_not(
    inside: Edition, gate: Gate, outside: Edition, tmp_path: Path
) -> None:
    """Two worlds that differ in hidden harvests alone, with the same sums, give the same bytes:
    edition, class breaks, legends, sentences, pages, search, all.
    """
    folder = tmp_path / "world"
    shutil.copytree(inside.folder.parent.parent, folder, ignore=shutil.ignore_patterns("ledger*"))
    for path in (folder / "reports").iterdir():
        lines = path.read_text("utf-8").splitlines()
        for number, line in enumerate(lines):
            cells = line.split(",")
            for code, more in (("NA", 3), ("NB", -3)):
                if cells[0] == code:
                    column = lines[1].split(",").index("收成")
                    cells[column] = str(int(cells[column]) + more)
                    lines[number] = ",".join(cells)
        path.write_text("\n".join(lines) + "\n", "utf-8")
    other = published_worlds.edition(folder, (folder / "atlas.toml").read_text("utf-8"))
    assert other.id != inside.id
    numbers = [one.values(COUNTED, "second", "parish").numerator for one in (inside, other)]
    hidden = gate.hidden[COUNTED, "second", "parish"]
    assert (numbers[0] != numbers[1])[hidden].all()
    assert np.array_equal(numbers[0][~hidden], numbers[1][~hidden], equal_nan=True)
    told = examine(other, None, withdrawn={"gap_items": TAKEN}, protect=protect)
    same = derive(other, told, tmp_path / "edition")
    assert same == outside.id
    again = Edition.of_folder(tmp_path / "edition", same)
    sites = [bundle.write(one, tmp_path / name, twins=False)
             for one, name in ((outside, "one"), (again, "two"))]  # fmt: skip
    assert sites[0].files == sites[1].files and len(sites[0].files) > 20

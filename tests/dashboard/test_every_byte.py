"""No byte that the public can get says anything of what is inside: the demo with a full ledger.

In the ordinary run of a small demo, in `make soak` of the whole one: every file of the bundle with
what is packed in it, every address of the public server, every number that is kept back.
"""

from __future__ import annotations

import atexit
import base64
import gzip
import io
import json
import logging
import shutil
import tempfile
import zipfile
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import brotli
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from dashboard import bundle, public_answers
from dashboard.bundle import compress
from dashboard.publishing import Outcome, Wished, publish
from geodata import arrays
from geodata.demo import decisions, people
from geodata.edition import Edition, Values
from geodata.ledger import Decision, Ledger, tables
from geodata.publish import record
from geodata.publish.derive import derive
from geodata.publish.gate import examine
from geodata.publish.protect import protector
from geodata.vocabulary import Status
from tests import demo_worlds, published_worlds
from tests.dashboard import published
from tests.ledgers import OFFICE, invented
from tests.public_bytes import Scanner, deny, pictures, plain_text
from tests.public_walk import every

log = logging.getLogger(__name__)

SIZES = [
    pytest.param(demo_worlds.SMALL, id="a small demo"),
    pytest.param(3520, id="the whole demo", marks=pytest.mark.soak),
]
PHOTOGRAPH = b"\xff\xd8" + np.random.default_rng(7).bytes(4000)
WITHDRAWN, WHY = "lacks_shop", "有两个区把在建的也算进去了，正在核对"
REASON = "不能说的理由：有人打电话来问过"
BATCHES = ("第二轮困难村名单", "第三轮经济薄弱村名单", "各区村集体经济年报")
"""What lists and yearbooks go by that have no name but their file's."""


@dataclass(frozen=True)
class Sent:
    """A demo with everything in its ledger that a ledger can hold, published."""

    folder: Path
    inside: Edition
    outcome: Outcome
    words: frozenset[str | bytes]
    """That nobody may find."""
    ours: frozenset[str]
    """Taken off the list, since the bundle of quite another world says them, too."""

    @property
    def home(self) -> Path:
        assert self.outcome.folder is not None
        return self.outcome.folder

    @property
    def outside(self) -> Edition:
        return Edition.of_folder(self.home / "edition", self.outcome.public)


@pytest.fixture(scope="module")
def sent(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """The world of a size. Nobody may change it."""
    if request.param == demo_worlds.SMALL:
        return request.getfixturevalue("small")
    return made(request.param, tmp_path_factory.mktemp("sent") / "workspace")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    with pytest.MonkeyPatch.context() as patch:
        # How small the twins become is no question here, and takes longer than all the rest.
        patch.setattr(compress, "twins", _quickly)
        return made(demo_worlds.SMALL, tmp_path_factory.mktemp("small") / "workspace")


def _quickly(data: bytes) -> dict[str, bytes]:
    return {".gz": gzip.compress(data, 1, mtime=0), ".br": brotli.compress(data, quality=1)}


def made(villages: int, folder: Path) -> Sent:
    shutil.copytree(demo_worlds.edition_folder(villages), folder)
    inside = Edition.open(folder)
    ledger = Ledger.of(folder)
    secrets = {word for row in people.enrol(folder, ledger) for word in row[1:]}
    decisions.fill(ledger, inside)
    ledger.decide(OFFICE, _confide)
    with ledger.noting() as connection:
        for table in (tables.session, tables.guard, tables.request):
            row = {"created_at": "2026-01-01"} if "created_at" in table.c else {}
            connection.execute(sa.insert(table).values(**invented(table, 7), **row))
    # Published once before, so that there is something to take back.
    gate = examine(inside, None, accept_demo=True, protect=protector())
    record.record(ledger, OFFICE, inside, gate, "0" * 16)
    asked = Wished(accept_demo=True, pages=("unsafe_houses",), withdraw=WITHDRAWN, why=WHY)
    outcome = publish(folder, ledger, OFFICE, asked, protect=protector())
    assert outcome.public, outcome.gate.refusals
    told = [one.id for one in outcome.gate.measures]
    words = deny(folder, inside, ledger, [*told, WITHDRAWN], _may_be_told(inside))
    words |= {one for one in secrets if len(one) > 8}
    words.discard(outcome.public)
    ours = {word for _, word in Scanner(words).folder(_another_site())}
    photographs = pictures(ledger)
    ledger.dispose()
    assert photographs
    return Sent(
        folder, inside, outcome, frozenset({*(words - ours), *photographs}), frozenset(ours)
    )


def _confide(decision: Decision) -> dict[str, Any]:
    """Something in every table of the ledger that is no publication."""
    for table in tables.DECIDED:
        if table not in (tables.publication, tables.withdrawal):
            values = invented(table, 7)
            values |= {"image": PHOTOGRAPH} if table is tables.photo else {}
            decision.add(table, f"{table.name}.made", REASON, **values)
    return {}


def _may_be_told(inside: Edition) -> set[str]:
    """Batches by the names that they give themselves, and why a measure was taken back."""
    facts = pq.read_table(inside.folder / "facts.parquet", columns=["batch", "file"]).to_pandas()
    stems = {Path(file).stem for file in facts["file"].unique()}
    return {*BATCHES, WHY, *(set(facts["batch"].unique()) - stems)}


@cache
def _another_site() -> Path:
    """The bundle of a world that knows nothing of the demo; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="bangfu-other-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    edition = published_worlds.edition(folder / "world")
    bundle.write(edition, folder / "site", twins=False)
    return folder / "site"


# ---- words ----


@pytest.mark.parametrize("sent", SIZES, indirect=True)
def test_no_private_word_in_any_file(sent: Sent) -> None:
    scanner = Scanner(sent.words)
    assert scanner.folder(sent.home) == []
    assert plain_text(sent.home) == []
    assert {path.suffix for path in sent.home.rglob("*")} >= {".html", ".br", ".gz", ".pmtiles"}
    log.info("%d words in %d forms; %d files, %d bytes",
             len(sent.words), scanner.needles.count, scanner.files, scanner.bytes)  # fmt: skip


@pytest.mark.parametrize("sent", SIZES, indirect=True)
def test_no_private_word_in_any_answer(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_answers, "LEAST", 1 << 40)  # packing is not what is looked at
    app = published.app(sent.folder)
    scanner, statuses = Scanner(sent.words), Counter[int]()
    whole = len(sent.inside.regions(sent.inside.levels[-1].id)) > demo_worlds.SMALL
    shown = {one.id: one for one in sent.outside.measures}
    for told in every(app, sent.home / "site", sent.inside, series=whole):
        statuses[told.status] += 1
        # Who asks for something by its name is told that name again, and nothing else.
        asked = unquote(told.path)
        found = {word for word in scanner.found(told.whole) if word not in asked}
        assert not found, (told.path, told.status, found)
        name = told.path.partition("/values/")[2].partition("?")[0]
        if name and name not in shown:
            assert told.status == (410 if name == WITHDRAWN else 404), told.path
    assert set(statuses) == {200, 400, 404, 405, 410, 414}
    assert statuses[200] > 500 and statuses[404] > 20
    log.info("%d answers, %d bytes: %s", statuses.total(), scanner.bytes, dict(statuses))


def test_the_list_names_what_is_private(small: Sent) -> None:
    ledger = Ledger.of(small.folder)
    accounts = ledger.rows(sa.select(tables.account))
    events = ledger.rows(sa.select(tables.event))
    visits = ledger.rows(sa.select(tables.visit))
    ledger.dispose()
    assert len(accounts) > 5 and len(events) > 20 and visits
    for row in accounts:
        assert {row["id"], row["password"]} - {""} <= small.words
    assert {row["label"] for row in accounts if "演示" in row["label"]} <= small.words
    for row in events:
        assert {row["hash"], row["previous"]} - {""} <= small.words | {"0" * 64}
    assert {row["seen"] for row in visits} <= small.words
    assert {REASON, "entry_branch", "工作队花名册.xlsx", "困难村名单.xlsx", str(small.folder)} <= (
        small.words
    )
    teams = pq.read_table(small.inside.folder / "entities.parquet").to_pandas()
    named = set(teams["name"]) & small.words
    assert len(named) > len(set(teams["name"])) * 0.9


def test_words_that_are_no_secret_are_few_and_short(small: Sent) -> None:
    """`office`, `说明`: words of every bundle, which the demo took for a name or a cell."""
    assert len(small.ours) < 25, sorted(small.ours)
    assert all(len(word) < (5 if not word.isascii() else 12) for word in small.ours), small.ours


# ---- numbers ----


@pytest.mark.parametrize("sent", SIZES, indirect=True)
def test_what_is_kept_back_has_no_number_in_any_cell(sent: Sent) -> None:
    site, outside = sent.home / "site", sent.outside
    client = published.app(sent.folder).test_client()
    catalogue = json.loads(next((site / "d").glob("atlas.*.json")).read_text("utf-8"))
    paths = {one["id"]: one["rounds"] for one in catalogue["measures"]}
    cells = 0
    for (name, round_id, level), mask in sent.outcome.gate.hidden.items():
        if not mask.any():
            continue
        cells += int(mask.sum())
        read = outside.values(name, round_id, level)
        for part in (read.value, read.numerator, read.denominator):
            assert np.isnan(part[mask]).all()
        assert (read.status[mask] == Status.SUPPRESSED).all()
        files = paths[name][round_id]["levels"][level]
        values = arrays.decode(gzip.decompress((site / files["values"]).read_bytes()))
        assert np.isnan(values.value[mask]).all()
        numbers = arrays.decode_numbers(gzip.decompress((site / files["numbers"]).read_bytes()))
        for part in ("numerator", "denominator"):
            assert np.isnan(numbers.parts[part][mask]).all()
        codes = outside.regions(level)["code"].astype(str).tolist()
        for place in np.flatnonzero(mask.any(0)).tolist():
            told = client.get(f"/api/v1/regions/{codes[place]}?measure={name}&round={round_id}")
            (series,) = told.json["measures"]
            for part in ("value", "numerator", "denominator"):
                assert {series[part][at] for at in np.flatnonzero(mask[:, place])} == {None}
        for at in np.flatnonzero(mask.any(1)).tolist():
            asked = f"level={level}&round={round_id}&period={read.periods[at]}"
            rows = client.get(f"/api/v1/values/{name}?{asked}").json["rows"]
            for place in np.flatnonzero(mask[at]).tolist():
                row = {key: rows[place].get(key) for key in ("value", "numerator", "denominator")}
                assert set(row.values()) == {None}, rows[place]
                assert rows[place]["status"] == "suppressed"
    assert cells


@pytest.mark.parametrize("sent", SIZES, indirect=True)
def test_no_byte_depends_on_a_number_that_is_kept_back(
    sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other numbers where nothing is told: the public edition is the same to the last byte, and so
    is the site that is made from it where there is no workspace.
    """
    other = Edition.open(sent.folder)
    monkeypatch.setattr(other, "values", _with_other_numbers(other, sent.outcome))
    assert derive(other, sent.outcome.gate, tmp_path / "edition") == sent.outcome.public
    assert contents(tmp_path / "edition") == contents(sent.home / "edition")
    alone = Edition.of_folder(tmp_path / "edition", sent.outcome.public)
    bundle.write(alone, tmp_path / "site", twins=False)
    before, after = contents(sent.home / "site"), contents(tmp_path / "site")
    for name in after.keys() - {"bundle.json"}:
        assert after[name] == before[name], name
    assert {name for name in before if not name.endswith((".gz", ".br"))} == set(after)


def _with_other_numbers(edition: Edition, outcome: Outcome) -> Any:
    """`values` of an edition with other numbers in every cell that is kept back, and in all of a
    measure or level that is not published.
    """
    real, levels = edition.values, {one.id: one.levels for one in outcome.gate.measures}
    hidden = outcome.gate.hidden

    def values(measure: str, round: str, level: str) -> Values:
        found = real(measure, round, level)
        if level in levels.get(measure, ()):
            mask = hidden.get((measure, round, level), np.zeros(found.value.shape, np.bool_))
        else:
            mask = np.ones(found.value.shape, np.bool_)
        changed = {
            name: np.where(mask, getattr(found, name) * 3 + 977, getattr(found, name))
            for name in ("value", "numerator", "denominator")
        }
        return replace(found, **changed)

    return values


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# ---- the scanner ----

PLANTED = "赵某某的电话"
SEAL = b"\xff\xd8" + bytes(range(40))


def _workbook() -> bytes:
    book, made = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["x", PLANTED])
    book.save(made)
    return made.getvalue()


def _zipped(**parts: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return made.getvalue()


def _tiles() -> bytes:
    made = io.BytesIO()
    writer = Writer(made)
    writer.write_tile(zxy_to_tileid(0, 0, 0), gzip.compress(PLANTED.encode()))
    told = {"tile_type": TileType.MVT, "tile_compression": Compression.GZIP}
    place = {"min_lon_e7": 0, "min_lat_e7": 0, "max_lon_e7": 1, "max_lat_e7": 1}
    writer.finalize({**told, **place, "center_zoom": 0, "center_lon_e7": 0, "center_lat_e7": 0}, {})
    return made.getvalue()


def _table() -> bytes:
    made = io.BytesIO()
    pd.DataFrame({"x": pd.Categorical([PLANTED, "y"]), "n": [1, 2]}).to_parquet(made)
    return made.getvalue()


TEXT = PLANTED.encode()
KINDS = {
    "page.html": b"<p>" + TEXT,
    "page.html.br": brotli.compress(b"<p>" + TEXT),
    "page.html.gz": gzip.compress(b"<p>" + TEXT),
    "twice.bin": gzip.compress(gzip.compress(TEXT)),
    "book.xlsx": _workbook(),
    "in-a-zip.zip": _zipped(book=_workbook(), note=b"x"),
    "a-name-in-it.zip": _zipped(**{PLANTED: b"x"}),
    "table.parquet": _table(),
    "tiles.pmtiles": _tiles(),
    "escaped.json": json.dumps({"a": PLANTED}).encode(),
    "upper.js": PLANTED.encode("ascii", "backslashreplace").upper().replace(b"\\U", b"\\u"),
    "references.html": PLANTED.encode("ascii", "xmlcharrefreplace"),
    "percent.html": f'<a href="{quote(PLANTED)}">'.encode(),
    "gb.bin": PLANTED.encode("gb18030"),
    "windows.bin": PLANTED.encode("utf-16"),
    "network.bin": PLANTED.encode("utf-16-be"),
    "traditional.html": "趙某某的電話".encode(),
    "picture.svg": b'<image href="data:text/plain;base64,' + base64.b64encode(TEXT) + b'"/>',
    "deep.bin": bytes(3 * (4 << 20) - 7) + TEXT,
}


@pytest.mark.parametrize("name", KINDS)
def test_the_scanner_finds_a_planted_word(tmp_path: Path, name: str) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / name).write_bytes(KINDS[name])
    scanner = Scanner({PLANTED, "钱某某的电话", "没有这个词"})
    assert scanner.folder(tmp_path) == [(f"d/{name}", PLANTED)]


def test_the_scanner_finds_names_of_files_and_bytes(tmp_path: Path) -> None:
    (tmp_path / f"{PLANTED}.txt").write_bytes(b"x" + SEAL)
    words = [word for _, word in Scanner({PLANTED, SEAL}).folder(tmp_path)]
    assert len(words) == 2 and PLANTED in words


def test_the_scanner_finds_a_word_that_is_planted_in_a_real_bundle(
    small: Sent, tmp_path: Path
) -> None:
    """Any word of the list, in any page."""
    copied = Path(shutil.copytree(small.home / "site", tmp_path / "site"))
    words = sorted(one for one in small.words if isinstance(one, str))
    some = words[:: len(words) // 20]
    pages = sorted(copied.rglob("*.html.br"))
    for word, page in zip(some, pages, strict=False):
        inner = brotli.decompress(page.read_bytes())
        page.write_bytes(brotli.compress(inner + escape(word).encode(), quality=1))
    found = set(Scanner(small.words).folder(copied))
    for word, page in zip(some, pages, strict=False):
        assert (page.relative_to(copied).as_posix(), word) in found

"""`bangfu ledger`: exit codes, Chinese sentences, and what the commands leave behind."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from openpyxl import load_workbook

from geodata.ledger import Ledger
from geodata.ledger.verify import verify
from tests.dashboard.typed import run
from tests.ledgers import OFFICE, fill, picking, postgres_database


@pytest.fixture
def space(tmp_path: Path) -> Path:
    """A workspace's folder with a ledger: the commands need no more of it."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    ledger = Ledger.of(folder)
    fill(ledger)
    ledger.dispose()
    return folder


def seq(folder: Path) -> int:
    ledger = Ledger.of(folder)
    try:
        assert verify(ledger).whole
        return ledger.seq()
    finally:
        ledger.dispose()


def test_a_whole_ledger_is_0_and_tells_its_last_hash(
    space: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger.of(space)
    report = verify(ledger)
    ledger.dispose()
    code, out, err = run("ledger", "verify", space, capsys=capsys)
    assert (code, out) == (0, "")
    assert "台账完好" in err and report.hash in err


def test_an_altered_ledger_is_1_and_every_place_is_named(
    space: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(space / "ledger.sqlite")) as base:
        (identifier,) = base.execute("SELECT min(id) FROM pick").fetchone()
        base.execute("UPDATE pick SET member = 'x' WHERE id = ?", (identifier,))
        base.execute("UPDATE event SET reason = 'x' WHERE seq = 4")
        base.commit()
    code, out, err = run("ledger", "verify", space, capsys=capsys)
    assert code == 1
    assert f"pick:{identifier}" in out and "member" in out
    assert "event 4" in out
    assert "2 处" in err and "restore" in err


def test_back_up_lose_and_restore(
    space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, was = tmp_path / "backups" / "monday.sqlite", seq(space)
    code, out, err = run("ledger", "backup", space, "--out", copy, capsys=capsys)
    assert (code, out) == (0, "")
    assert str(copy) in err and "核对" in err
    ledger = Ledger.of(space)
    ledger.decide(OFFICE, picking)
    ledger.dispose()
    code, _, err = run("ledger", "restore", space, copy, capsys=capsys)
    assert code == 1
    assert "--replace" in err
    assert seq(space) == was + 1
    code, _, err = run("ledger", "restore", space, copy, "--replace", capsys=capsys)
    assert code == 0
    assert "重新登录" in err
    assert seq(space) == was
    (space / "ledger.sqlite").unlink()
    assert run("ledger", "restore", space, copy, capsys=capsys)[0] == 0
    assert seq(space) == was


def test_moving_to_postgresql_is_a_backup_and_a_restore(
    space: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copy, was = tmp_path / "move.sqlite", seq(space)
    assert run("ledger", "backup", space, "--out", copy, capsys=capsys)[0] == 0
    with postgres_database() as url:
        monkeypatch.setenv("BANGFU_LEDGER", url)
        assert run("ledger", "verify", space, capsys=capsys)[0] == 1, "there is none yet"
        assert run("ledger", "restore", space, copy, capsys=capsys)[0] == 0
        assert run("ledger", "verify", space, capsys=capsys)[0] == 0
        ledger = Ledger(url)
        assert ledger.seq() == was
        ledger.dispose()
        # And back again.
        assert run("ledger", "backup", space, "--out", copy, capsys=capsys)[0] == 0
    monkeypatch.delenv("BANGFU_LEDGER")
    assert run("ledger", "restore", space, copy, "--replace", capsys=capsys)[0] == 0
    assert seq(space) == was


def test_a_damaged_ledger_is_moved_aside_and_the_place_told(
    space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, was = tmp_path / "copy.sqlite", seq(space)
    run("ledger", "backup", space, "--out", copy, capsys=capsys)
    (space / "ledger.sqlite").write_bytes(b"what was it?" * 5000)
    code, _, err = run("ledger", "verify", space, capsys=capsys)
    assert code == 1 and "损坏" in err
    code, _, err = run("ledger", "restore", space, copy, "--replace", capsys=capsys)
    assert code == 0
    (aside,) = [path for path in space.iterdir() if "damaged" in path.name]
    assert aside.name in err
    assert seq(space) == was


@pytest.mark.parametrize("name", ["all.xlsx", "all.json", "ALL.XLSX"])
def test_export(space: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / name
    code, out, err = run("ledger", "export", space, "--out", file, capsys=capsys)
    assert (code, out) == (0, "")
    assert str(file) in err
    if name.endswith("json"):
        assert len(json.loads(file.read_text("utf-8"))["event"]) == seq(space)
    else:
        book = load_workbook(file, read_only=True)
        assert "联系点" in book.sheetnames
        book.close()


def test_another_kind_of_file_is_refused_before_the_work(
    space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run("ledger", "export", space, "--out", tmp_path / "all.csv", capsys=capsys)
    assert code == 1
    assert ".xlsx" in err and ".json" in err


@pytest.mark.parametrize(
    "arguments",
    [["verify"], ["backup", "--out", "x"], ["export", "--out", "x.json"]],
    ids=lambda one: one[0],
)
def test_without_a_ledger_nothing_is_made(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *rest = arguments
    code, _, err = run("ledger", command, tmp_path, *rest, capsys=capsys)
    assert code == 1
    assert "还没有台账" in err
    assert list(tmp_path.iterdir()) == []
    code, _, err = run("ledger", command, tmp_path / "nowhere", *rest, capsys=capsys)
    assert code == 1
    assert "不存在" in err


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["verify"], ["backup", "x"], ["restore", "x"], ["export", "x"],
     ["restore", "x", "y", "--fast"]],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_command_line_is_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run("ledger", *arguments, capsys=capsys)
    assert (code, out) == (2, "")
    assert err


@pytest.mark.parametrize("command", [[], ["verify"], ["backup"], ["restore"], ["export"]])
def test_help_is_chinese(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("ledger", *command, "--help", capsys=capsys)
    assert code == 0
    assert out.startswith("用法：bangfu ledger")
    for english in ("Usage", "Options", "Commands", "Show this", "OPTIONS", "COMMAND", "FOLDER"):
        assert english not in out

"""The pointer to the current edition: agreed on by all processes, whoever writes meanwhile."""

from __future__ import annotations

import multiprocessing
import os
import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from geodata import jobs, kept, state
from geodata.errors import EditionError
from geodata.steering import Steering


def test_nothing_is_current_before_the_first_build_and_asking_leaves_no_file(
    tmp_path: Path,
) -> None:
    assert state.current(tmp_path) is None
    assert state.current(tmp_path / "nowhere") is None
    assert list(tmp_path.iterdir()) == []


def test_the_last_one_set_is_current(tmp_path: Path) -> None:
    state.set_current(tmp_path, "a" * 16)
    state.set_current(tmp_path, "b" * 16)
    found = state.current(tmp_path)
    assert found is not None and found[0] == "b" * 16
    age = datetime.now(UTC) - datetime.fromisoformat(found[1])
    assert 0 <= age.total_seconds() < 60


def test_an_edition_keeps_the_time_of_its_first_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        year_now = 2030

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(cls.year_now, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(state, "datetime", Clock)
    first = state.set_current(tmp_path, "a")
    Clock.year_now = 2031
    state.set_current(tmp_path, "b")
    assert state.set_current(tmp_path, "a") == first == "2030-01-01T00:00:00+00:00"
    assert state.current(tmp_path) == ("a", first)
    assert state.built_at(tmp_path, "b").startswith("2031")
    assert state.built_at(tmp_path, "never") == ""


def test_readers_are_not_disturbed_by_a_writer_in_the_middle(tmp_path: Path) -> None:
    state.set_current(tmp_path, "a")
    writer = sqlite3.connect(tmp_path / state.FILE, isolation_level=None)
    try:
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM pointer")
        found = state.current(tmp_path)
        assert found is not None and found[0] == "a"
    finally:
        writer.close()


def _set(folder: Path, name: str) -> None:
    for _ in range(10):
        state.set_current(folder, name)
        found = state.current(folder)
        assert found is not None and len(found[0]) == 2


def test_many_processes_may_write_and_read_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_set, args=(tmp_path, f"e{n}")) for n in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0] * 4
    found = state.current(tmp_path)
    assert found is not None and found[0] in {"e0", "e1", "e2", "e3"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_workspace_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    state.set_current(tmp_path, "a")
    tmp_path.chmod(0o500)
    try:
        found = state.current(tmp_path)
    finally:
        tmp_path.chmod(0o700)
    assert found is not None and found[0] == "a"


def test_a_reader_without_the_right_to_write_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.set_current(tmp_path, "a")
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = state.current(tmp_path)
    assert found is not None and found[0] == "a"


def test_a_broken_record_is_said_to_be_broken(tmp_path: Path) -> None:
    (tmp_path / state.FILE).write_bytes(b"no database at all, and long enough to be read" * 100)
    with pytest.raises(EditionError, match="读不了当前版本的记录"):
        state.current(tmp_path)
    with pytest.raises(EditionError, match="写不了当前版本的记录"):
        state.set_current(tmp_path, "a")


def test_an_empty_record_means_that_nothing_was_built(tmp_path: Path) -> None:
    (tmp_path / state.FILE).touch()
    assert state.current(tmp_path) is None


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: state.set_current(folder, "e" * 16),
        lambda folder: jobs.ask(folder, "a", {}, most=1),
        lambda folder: kept.keep(folder, "kind", "name", "said"),
        lambda folder: Steering(folder).register(),
    ],
    ids=["state", "jobs", "kept", "steering"],
)
def test_whoever_writes_first_makes_it_a_file_that_can_be_read_meanwhile(
    tmp_path: Path, write: Callable[[Path], object]
) -> None:
    write(tmp_path)
    with state.opened(tmp_path, reading=True) as base:
        assert base.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert base.execute("PRAGMA query_only").fetchone() == (1,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            base.execute("CREATE TABLE x (y)")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        base.execute("SELECT 1")


def test_the_file_is_opened_in_one_place() -> None:
    """Who opens it elsewhere forgets a pragma, or how to read where nothing may be written."""
    places = {
        path.name: path.read_text("utf-8").replace(":memory:", "")
        for path in Path(state.__file__).parent.glob("*.py")
    }
    for name in ("jobs.py", "kept.py", "steering.py"):
        assert "from geodata.state import FILE" in places[name]
    found = [
        name for name, text in places.items() if re.search(r"sqlite3\.connect\((?!\s*\"\")", text)
    ]
    assert found == ["state.py"]

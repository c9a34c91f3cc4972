"""Backups: of one moment, while others write, in one file; restored into either database."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from geodata.errors import AtlasError
from geodata.ledger import Ledger, LedgerError, NoLedger, tables
from geodata.ledger.copies import backup, restore
from geodata.ledger.troubles import Refused
from geodata.ledger.verify import verify
from geodata.progress import Silent
from tests.ledgers import BACKENDS, OFFICE, counts, fill, invented, ledger_url, picking


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A backup of a filled ledger, and what was in that."""
    with closing_ledger(f"sqlite:///{tmp_path / 'source.sqlite'}") as source:
        fill(source)
        backup(source, tmp_path / "copy.sqlite")
        yield tmp_path / "copy.sqlite", contents(source)


@contextmanager
def closing_ledger(url: str) -> Iterator[Ledger]:
    found = Ledger(url)
    try:
        found.prepare()
        yield found
    finally:
        found.dispose()


def contents(ledger: Ledger) -> dict[str, Any]:
    """Every row that lasts."""
    return {
        table.name: sorted(
            [{**row} for row in ledger.rows(sa.select(table))], key=lambda row: str([*row.values()])
        )
        for table in tables.LASTING
    }


def note(ledger: Ledger) -> None:
    """A session, a guard and a request: what must not come back to life."""
    with ledger.noting() as connection:
        for table in (tables.session, tables.guard, tables.request):
            values = invented(table, 1)
            if "created_at" in table.c:
                values["created_at"] = "2026"
            connection.execute(sa.insert(table).values(**values))


def noted(ledger: Ledger) -> int:
    return sum(
        len(ledger.rows(sa.select(table)))
        for table in (tables.session, tables.guard, tables.request)
    )


@pytest.mark.parametrize("into", BACKENDS)
def test_a_backup_restores_into_either_database(ledger: Ledger, into: str, tmp_path: Path) -> None:
    fill(ledger)
    note(ledger)
    report = backup(ledger, tmp_path / "copy.sqlite")
    assert report == verify(ledger)
    (tmp_path / "into").mkdir()
    with ledger_url(into, tmp_path / "into") as url, closing_ledger(url) as other:
        done = restore(other, tmp_path / "copy.sqlite")
        assert done.aside is None
        assert done.report == report == verify(other)
        assert contents(other) == contents(ledger)
        assert noted(other) == 0
        # And it goes on from there.
        assert other.decide(OFFICE, picking)["seq"] == report.events + 1
        assert verify(other).whole


def test_a_backup_is_one_file_for_its_owner_without_sessions(
    ledger: Ledger, tmp_path: Path
) -> None:
    fill(ledger)
    note(ledger)
    folder = tmp_path / "new" / "folder"
    backup(ledger, folder / "copy.sqlite")
    assert [path.name for path in folder.iterdir()] == ["copy.sqlite"]
    assert stat.S_IMODE((folder / "copy.sqlite").stat().st_mode) == 0o600
    with closing(sqlite3.connect(f"file:{folder / 'copy.sqlite'}?immutable=1", uri=True)) as base:
        for table in ("session", "guard", "request"):
            assert base.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        assert base.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_backup_while_writers_write_is_of_one_moment(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:
        while not stop.is_set():
            written.append(ledger.decide(OFFICE, picking)["seq"])

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        reports = []
        for number in range(5):
            before = len(written)
            while len(written) < before + 5:
                stop.wait(0.001)
            reports.append(backup(ledger, tmp_path / f"{number}.sqlite"))
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert all(report.whole for report in reports)
    assert [report.events for report in reports] == sorted({one.events for one in reports})
    events = [{**row} for row in ledger.rows(sa.select(tables.event).order_by(tables.event.c.seq))]
    for number, report in enumerate(reports):
        with closing_ledger(f"sqlite:///{tmp_path / f'{number}.sqlite'}") as held:
            assert contents(held)["event"] == sorted(
                events[: report.events], key=lambda row: str([*row.values()])
            )
            assert verify(held) == report
    assert verify(ledger).whole


def test_an_empty_ledger_can_be_backed_up_and_restored(ledger: Ledger, tmp_path: Path) -> None:
    assert backup(ledger, tmp_path / "copy.sqlite").events == 0
    fill(ledger)
    restore(ledger, tmp_path / "copy.sqlite", replace=True)
    assert ledger.seq() == 0
    assert set(counts(ledger).values()) == {0}


def test_what_holds_something_is_replaced_only_when_told(
    ledger: Ledger, copy: tuple[Path, dict[str, Any]]
) -> None:
    file, held = copy
    ledger.decide(OFFICE, picking)
    note(ledger)
    before = contents(ledger)
    with pytest.raises(Refused, match="已经有内容") as caught:
        restore(ledger, file)
    assert "--replace" in caught.value.cure
    assert contents(ledger) == before and noted(ledger) == 3
    restore(ledger, file, replace=True)
    assert contents(ledger) == held
    assert noted(ledger) == 0


def test_readers_see_the_old_state_until_the_new_one_is_whole(
    ledger: Ledger, copy: tuple[Path, dict[str, Any]]
) -> None:
    file, held = copy
    ledger.decide(OFFICE, picking)
    seen: set[int] = set()

    class Watching(Silent):
        @contextmanager
        def step(self, label: str, total: int | None = None) -> Iterator[Any]:
            def advance(units: int = 1) -> None:
                seen.add(ledger.seq())

            yield advance

    restore(ledger, file, replace=True, progress=Watching())
    assert seen == {1}
    assert ledger.seq() == held["head"][0]["seq"]


def test_a_restoration_that_fails_half_way_changes_nothing(
    ledger: Ledger, copy: tuple[Path, dict[str, Any]]
) -> None:
    file, _ = copy
    ledger.decide(OFFICE, picking)
    before = contents(ledger)
    steps = 0

    class Cut(Exception):
        """The power, say."""

    class Failing(Silent):
        @contextmanager
        def step(self, label: str, total: int | None = None) -> Iterator[Any]:
            nonlocal steps
            steps += 1
            number = steps

            def advance(units: int = 1) -> None:
                if number == 4:  # check, chain, rows, then writing back
                    raise Cut

            yield advance

    with pytest.raises(Cut):
        restore(ledger, file, replace=True, progress=Failing())
    assert contents(ledger) == before
    assert verify(ledger).whole


def altered(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as base:
        base.execute(statement)
        base.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pick SET member = 'somebody else' WHERE rowid = 1",
        "DELETE FROM event WHERE seq = 3",
        "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)",
        "UPDATE account SET role = 'administrator'",
        "DELETE FROM head",
        "DROP TABLE visit",
        "ALTER TABLE visit DROP COLUMN seen",
        "DELETE FROM alembic_version",
        "UPDATE alembic_version SET version_num = '9999'",
    ],
)
def test_a_backup_that_was_altered_is_refused_before_anything_is_touched(
    ledger: Ledger, copy: tuple[Path, dict[str, Any]], statement: str
) -> None:
    file, _ = copy
    altered(file, statement)
    fill(ledger, 1)
    before, content = contents(ledger), file.read_bytes()
    with pytest.raises(NoLedger) as caught:
        restore(ledger, file, replace=True)
    assert "台账没有改动" in caught.value.cure
    assert contents(ledger) == before
    assert file.read_bytes() == content, "the backup is never written to"


@pytest.mark.parametrize("damage", ["cut", "middle", "text", "empty", "absent"])
def test_a_file_that_is_no_backup_is_refused(
    ledger: Ledger, copy: tuple[Path, dict[str, Any]], damage: str
) -> None:
    file, _ = copy
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "middle":
        file.write_bytes(content[:5000] + b"\xff" * 30_000 + content[35_000:])
    elif damage == "text":
        file.write_text("台账" * 5000)
    elif damage == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()
    fill(ledger, 1)
    before = contents(ledger)
    with pytest.raises(AtlasError, match="没有这个备份文件" if damage == "absent" else "备份"):
        restore(ledger, file, replace=True)
    assert contents(ledger) == before


def test_an_older_backup_is_brought_up_to_date_on_a_copy(
    ledger: Ledger, copy: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # There is one step so far; a made-up one before it stands for an older program's backup.
    file, held = copy
    altered(file, "DROP INDEX ix_pick_member")
    altered(file, "UPDATE alembic_version SET version_num = '0000'")
    content = file.read_bytes()
    taken = []

    def upgrade(connection: sa.Connection) -> None:
        from geodata.ledger import migrations

        if migrations.standing(connection) == "0000":
            taken.append(str(connection.engine.url))
            connection.execute(sa.text("CREATE INDEX ix_pick_member ON pick (member)"))
            connection.execute(sa.text("UPDATE alembic_version SET version_num = :v"),
                               {"v": migrations.newest()})  # fmt: skip

    monkeypatch.setattr("geodata.ledger.migrations.upgrade", upgrade)
    monkeypatch.setattr("geodata.ledger.migrations.known", lambda step: True)
    restore(ledger, file)
    assert contents(ledger) == held
    assert len(taken) == 1 and str(file) not in taken[0]
    assert file.read_bytes() == content


def test_a_ledger_s_own_file_copied_by_hand_with_its_log_can_be_restored(
    ledger: Ledger, tmp_path: Path
) -> None:
    with closing_ledger(f"sqlite:///{tmp_path / 'own.sqlite'}") as own:
        fill(own)
        (tmp_path / "by hand").mkdir()
        for path in tmp_path.glob("own.sqlite*"):
            shutil.copyfile(path, tmp_path / "by hand" / path.name)
        restore(ledger, tmp_path / "by hand" / "own.sqlite")
        assert contents(ledger) == contents(own)


def test_a_damaged_ledger_is_moved_aside_and_replaced(
    copy: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    file, held = copy
    place = tmp_path / "workspace"
    place.mkdir()
    with closing_ledger(f"sqlite:///{place / 'ledger.sqlite'}") as own:
        fill(own)
    content = (place / "ledger.sqlite").read_bytes()
    broken = content[:4096] + b"\xff" * 60_000 + content[64_096:]
    (place / "ledger.sqlite").write_bytes(broken)
    serving = Ledger.of(place)
    with pytest.raises(LedgerError):
        restore(serving, file)
    done = restore(Ledger.of(place), file, replace=True)
    assert done.aside is not None and done.aside.read_bytes() == broken
    assert contents(serving) == held
    assert {path.name for path in place.iterdir() if "-" not in path.name} == {"ledger.sqlite"}
    serving.decide(OFFICE, picking)
    assert verify(serving).whole
    serving.dispose()


def test_a_ledger_that_is_not_whole_is_not_backed_up_over_a_good_backup(
    ledger: Ledger, tmp_path: Path
) -> None:
    fill(ledger)
    file = tmp_path / "copy.sqlite"
    backup(ledger, file)
    content = file.read_bytes()
    with ledger.replacing() as connection:
        connection.execute(sa.update(tables.pick).values(member="somebody else"))
    with pytest.raises(LedgerError, match="pick:"):
        backup(ledger, file)
    assert file.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_backup_replaces_a_backup_and_nothing_else(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    file = tmp_path / "copy.sqlite"
    backup(ledger, file)
    ledger.decide(OFFICE, picking)
    assert backup(ledger, file).events == ledger.seq()
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(AtlasError, match="别的文件"):
        backup(ledger, tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "mine"
    with pytest.raises(AtlasError, match="别的文件"):
        backup(ledger, tmp_path)
    if ledger.embedded is not None:
        with pytest.raises(AtlasError, match="台账自己"):
            backup(ledger, ledger.embedded)
    with pytest.raises(AtlasError):
        backup(ledger, tmp_path / "notes.txt" / "copy.sqlite")
    assert verify(ledger).whole

"""Disk full, read-only, locked, gone: nothing by half, a sentence with a cure, and on by itself.

The troubles are real ones. What a machine does not allow (mounting, a table space of one's own)
is skipped by name.
"""

from __future__ import annotations

import os
import re
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from geodata.errors import AtlasError
from geodata.ledger import Decision, Ledger, LedgerError, tables
from geodata.ledger.copies import backup
from geodata.ledger.verify import verify
from tests.ledgers import OFFICE, counts, fill, picking, postgres_database, postgres_url

PATIENCE = 0.5
RECOVERY = 10.0
"""Seconds after the end of a trouble within which everything goes on by itself."""
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def impatient(ledger: Ledger) -> Iterator[Ledger]:
    """The ledger with something in it, through a door that waits half a second."""
    fill(ledger)
    ledger.dispose()
    found = Ledger(ledger.url.render_as_string(hide_password=False), patience=PATIENCE)
    found.prepare()
    yield found
    found.dispose()


def heavy(decision: Decision) -> dict[str, Any]:
    """A decision of a megabyte, in several rows."""
    picking(decision)
    for number in range(4):
        decision.add(
            tables.photo, "photo.added", visit="v", problem="", caption=str(number), width=1,
            height=1, image=secrets.token_bytes(250_000), withdrawn=False,
        )  # fmt: skip
    return {}


def refused(ledger: Ledger, words: str, work: Callable[[Decision], Any] = picking) -> AtlasError:
    """That a decision fails with a sentence and a cure in Chinese that tell no internals."""
    with pytest.raises(AtlasError, match=words) as caught:
        ledger.decide(OFFICE, work, key="asked once")
    error = caught.value
    assert error.http_status == 503
    assert CHINESE.search(error.message) and CHINESE.search(error.cure)
    for internal in ("sqlite", "psycopg", "INSERT", "SELECT", "Error", "ledger.sqlite"):
        assert internal not in str(error)
    return error


def recovers(ledger: Ledger) -> None:
    """That the same request is done now, once, and that the ledger is whole."""
    began, before = time.monotonic(), None
    while before is None:
        try:
            before = counts(ledger)
            first = ledger.decide(OFFICE, picking, key="asked once")
        except LedgerError:
            before = None
            assert time.monotonic() - began < RECOVERY, "it does not come back by itself"
            time.sleep(0.05)
    assert ledger.decide(OFFICE, picking, key="asked once") == first
    assert counts(ledger)["pick"] == before["pick"] + 1
    assert verify(ledger).whole


def unchanged(ledger: Ledger, before: dict[str, int]) -> None:
    """That reading goes on, and finds what was there."""
    assert counts(ledger) == before
    assert verify(ledger).whole


def root() -> None:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting needs root")


@contextmanager
def opened(url: str) -> Iterator[Ledger]:
    """A ledger that is closed at the end: nothing can be unmounted while it is open."""
    found = Ledger(url, patience=PATIENCE)
    try:
        yield found
    finally:
        found.dispose()


@contextmanager
def mounted(*arguments: str) -> Iterator[Path]:
    """A mount of its own, outside pytest's folders: a database's own user must reach it."""
    root()
    place = Path(tempfile.mkdtemp(prefix="bangfu-mount-"))
    place.chmod(0o755)
    done = subprocess.run(
        ["mount", *arguments, str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        place.rmdir()
        pytest.skip(f"this machine does not let us mount: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()


def fill_up(folder: Path) -> Path:
    """Leave no room on a disk."""
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as stream:
            while True:
                stream.write(b"x" * 4096)
    except OSError:
        return filler


# ---- no room ----


def test_a_full_disk_under_sqlite() -> None:
    with (
        mounted("-t", "tmpfs", "-o", "size=6m", "tmpfs") as disk,
        opened(f"sqlite:///{disk / 'ledger.sqlite'}") as ledger,
    ):
        fill(ledger)
        before = counts(ledger)
        filler = fill_up(disk)
        refused(ledger, "磁盘空间不够", heavy)
        unchanged(ledger, before)
        with pytest.raises(AtlasError, match="空间"):
            backup(ledger, disk / "copy.sqlite")
        assert {path.name.split("-")[0] for path in disk.iterdir()} == {"filler", "ledger.sqlite"}
        # Whoever starts now, without a log to lean on, reads as well.
        ledger.dispose()
        unchanged(ledger, before)
        refused(ledger, "磁盘空间不够", heavy)
        unchanged(ledger, before)
        filler.unlink()
        recovers(ledger)


def test_a_full_disk_under_postgresql() -> None:
    home = sa.make_url(postgres_url())
    if home.host not in ("127.0.0.1", "localhost"):
        pytest.skip("a table space of our own needs a PostgreSQL on this machine")
    with mounted("-t", "tmpfs", "-o", "size=40m", "tmpfs") as disk, postgres_database() as url:
        own = disk / "space"
        own.mkdir()
        try:
            shutil.chown(own, "postgres", "postgres")
        except LookupError:
            pytest.skip("PostgreSQL runs here as another user than postgres")
        engine = sa.create_engine(home, isolation_level="AUTOCOMMIT")
        name, space = sa.make_url(url).database, f"bangfu_{secrets.token_hex(6)}"
        with engine.connect() as server:
            try:
                server.execute(sa.text(f"CREATE TABLESPACE {space} LOCATION '{own}'"))
            except sa.exc.DBAPIError as error:
                engine.dispose()
                pytest.skip(f"no table space for us: {error.orig}")
            try:
                server.execute(sa.text(f'ALTER DATABASE "{name}" SET TABLESPACE {space}'))
                ledger = Ledger(url, patience=PATIENCE)
                fill(ledger)
                before = counts(ledger)
                filler = fill_up(disk)
                refused(ledger, "磁盘空间不够", heavy)
                unchanged(ledger, before)
                filler.unlink()
                recovers(ledger)
                ledger.dispose()
            finally:
                server.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
                server.execute(sa.text(f"DROP TABLESPACE {space}"))
        engine.dispose()


def test_a_file_that_may_not_grow(impatient: Ledger) -> None:
    """The same without root: the system refuses every write beyond a size (RLIMIT_FSIZE)."""
    if impatient.embedded is None:
        pytest.skip("a limit of this process does not reach a server's")
    before = counts(impatient)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = Path(f"{impatient.embedded}-wal")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 100_000, hard))
        refused(impatient, "磁盘", heavy)
        unchanged(impatient, before)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    recovers(impatient)


# ---- read-only ----


def test_a_read_only_disk_under_sqlite(tmp_path: Path) -> None:
    """Where a server starts: nothing can be written, not even the log that SQLite reads by."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    maker = Ledger(url)
    fill(maker)
    before = counts(maker)
    maker.dispose()
    with mounted("--bind", str(tmp_path)) as view:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(view)], check=True)
        with opened(f"sqlite:///{view / 'ledger.sqlite'}") as ledger:
            unchanged(ledger, before)
            refused(ledger, "只能读")
            unchanged(ledger, before)
            subprocess.run(["mount", "-o", "remount,rw,bind", str(view)], check=True)
            recovers(ledger)


def test_a_file_that_became_read_only(impatient: Ledger) -> None:
    """While a server runs; root writes to what has no write bits, so the file is immutable."""
    own = impatient.embedded
    if own is None:
        pytest.skip("PostgreSQL has its own test below")
    if os.geteuid() == 0:
        done = subprocess.run(["chattr", "+i", str(own)], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("this file system has no immutable files")
    else:
        own.chmod(0o400)
    try:
        impatient.dispose()  # a connection that is open may go on writing: that is the system's say
        before = counts(impatient)
        refused(impatient, "只能读")
        unchanged(impatient, before)
    finally:
        if os.geteuid() == 0:
            subprocess.run(["chattr", "-i", str(own)], check=True)
        own.chmod(0o600)
    recovers(impatient)


@contextmanager
def server(ledger: Ledger) -> Iterator[tuple[sa.Connection, str]]:
    """A connection to the maintenance database, and the name of the ledger's."""
    if ledger.embedded is not None:
        pytest.skip("about a server")
    engine = sa.create_engine(postgres_url(), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection, str(ledger.url.database)
    finally:
        engine.dispose()


def terminate(connection: sa.Connection, name: str) -> None:
    """End every connection to a database."""
    connection.execute(
        sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
        {"name": name},
    )


def test_a_server_that_became_read_only(impatient: Ledger) -> None:
    with server(impatient) as (connection, name):
        before = counts(impatient)
        try:
            connection.execute(
                sa.text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
            )
            terminate(connection, name)
            refused(impatient, "只能读")
            unchanged(impatient, before)
            fresh = Ledger(impatient.url.render_as_string(hide_password=False))
            unchanged(fresh, before)
            fresh.dispose()
        finally:
            connection.execute(
                sa.text(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
            )
        terminate(connection, name)
        recovers(impatient)


# ---- locked ----

HOLDER = """
import sqlite3, sys
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
base.execute("ROLLBACK")
"""


@contextmanager
def held(ledger: Ledger) -> Iterator[None]:
    """Somebody else writes all the while."""
    if ledger.embedded is not None:
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(ledger.embedded)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdin is not None and process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield
            process.communicate("\n")
    else:
        other = Ledger(ledger.url.render_as_string(hide_password=False))
        with other.noting():
            yield
        other.dispose()


def test_a_ledger_that_somebody_else_writes_to(impatient: Ledger) -> None:
    before = counts(impatient)
    with held(impatient):
        refused(impatient, "正忙")
        unchanged(impatient, before)
    recovers(impatient)


def test_threads_of_one_process_wait_no_longer_either(impatient: Ledger) -> None:
    def work(decision: Decision) -> dict[str, Any]:
        refused(impatient, "正忙")
        return picking(decision)

    impatient.decide(OFFICE, work)
    recovers(impatient)


# ---- gone and back ----


def test_a_file_that_is_moved_away_and_back(impatient: Ledger, tmp_path: Path) -> None:
    own = impatient.embedded
    if own is None:
        pytest.skip("PostgreSQL has its own tests below")
    before = counts(impatient)
    away = tmp_path / "away"
    away.mkdir()
    parts = [path for path in own.parent.iterdir() if path.name.startswith(own.name)]
    for path in parts:
        path.rename(away / path.name)
    for _ in range(2):
        refused(impatient, "连不上")
        with pytest.raises(LedgerError, match="连不上"):
            impatient.seq()
    assert not own.exists(), "no new and empty ledger in its place"
    for path in parts:
        (away / path.name).rename(path)
    unchanged(impatient, before)
    recovers(impatient)


def test_another_file_in_its_place_is_read_and_written(impatient: Ledger, tmp_path: Path) -> None:
    own = impatient.embedded
    if own is None:
        pytest.skip("about files")
    before = counts(impatient)
    backup(impatient, tmp_path / "copy.sqlite")
    impatient.decide(OFFICE, picking)
    for path in (own, Path(f"{own}-wal"), Path(f"{own}-shm")):
        path.unlink()
    shutil.copyfile(tmp_path / "copy.sqlite", own)
    unchanged(impatient, before)
    recovers(impatient)


def test_a_server_that_is_gone_and_back(impatient: Ledger) -> None:
    with server(impatient) as (connection, name):
        before = counts(impatient)
        try:
            connection.execute(sa.text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
            terminate(connection, name)
            for _ in range(2):
                refused(impatient, "连不上")
                with pytest.raises(LedgerError, match="连不上"):
                    impatient.seq()
        finally:
            connection.execute(sa.text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
        unchanged(impatient, before)
        recovers(impatient)


def test_connections_that_were_cut_are_made_anew_unnoticed(impatient: Ledger) -> None:
    with server(impatient) as (connection, name):
        for _ in range(3):
            counts(impatient)
            terminate(connection, name)
            impatient.decide(OFFICE, picking)
            terminate(connection, name)
            impatient.seq()
    assert verify(impatient).whole


def test_a_server_that_goes_in_the_middle_of_a_decision(impatient: Ledger) -> None:
    with server(impatient) as (connection, name):
        before = counts(impatient)

        def work(decision: Decision) -> dict[str, Any]:
            picking(decision)
            terminate(connection, name)
            return picking(decision)

        refused(impatient, "没有写入", work)
        unchanged(impatient, before)
        recovers(impatient)


@pytest.mark.parametrize("committed", [False, True])
def test_a_server_that_goes_while_it_commits_leaves_no_lie(
    impatient: Ledger, committed: bool
) -> None:
    """Nobody can know what became of it; asking again with the same key settles it, done once."""
    with server(impatient) as (connection, name):
        before = counts(impatient)["pick"]
        engine = impatient._database.engine

        @sa.event.listens_for(engine, "commit", once=True)
        def cut(committing: sa.Connection) -> None:
            if committed:
                raw: Any = committing.connection.driver_connection
                raw.commit()
                raw.execute("SELECT 1")
            terminate(connection, name)

        error = refused(impatient, "不能确定")
        assert "没有写入" not in str(error) and "再提交一次" in error.cure
        impatient.decide(OFFICE, picking, key="asked once")
        assert counts(impatient)["pick"] == before + 1
        assert verify(impatient).whole


def test_nothing_is_left_open_at_exit(ledger: Ledger) -> None:
    """A program that forgets to close a ledger ends without a warning."""
    program = (
        "import sys; from geodata.ledger import Ledger; from tests.ledgers import OFFICE, picking\n"
        "ledger = Ledger(sys.argv[1]); ledger.decide(OFFICE, picking); ledger.seq()"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-X", "dev", "-c", program,
         ledger.url.render_as_string(hide_password=False)],
        cwd=Path(__file__).resolve().parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert "ResourceWarning" not in done.stderr
    assert ledger.seq() == 1


@pytest.mark.parametrize("held_open", [True, False])
def test_a_child_that_was_forked_makes_its_own_connections(ledger: Ledger, held_open: bool) -> None:
    """As a server's workers do; a connection that two processes share would mix their words."""
    program = """
import os, sys
from geodata.ledger import Ledger
from geodata.ledger.verify import verify
from tests.ledgers import OFFICE, picking
ledger = Ledger(sys.argv[1], patience=60)
if sys.argv[2] == "True":
    ledger.decide(OFFICE, picking)
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        for _ in range(20):
            ledger.decide(OFFICE, picking)
        os._exit(0)
    children.append(child)
    ledger.decide(OFFICE, picking)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
assert verify(ledger).whole
print(ledger.seq())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, ledger.url.render_as_string(hide_password=False),
         str(held_open)],
        cwd=Path(__file__).resolve().parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert int(done.stdout) == 63 + held_open
    assert verify(ledger).whole

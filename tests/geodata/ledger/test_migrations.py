"""The steps make the declared tables on both databases; taking them again does nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from geodata.ledger import Ledger, NoLedger, tables
from geodata.ledger.migrations import known, newest, standing, upgrade
from tests.ledgers import BACKENDS, OFFICE, ledger_url, picking


def test_the_steps_make_what_is_declared(ledger: Ledger) -> None:
    with ledger.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_columns_may_not_be_empty_on_both(ledger: Ledger) -> None:
    with ledger.reading() as connection:
        found = sa.inspect(connection)
        for name, table in tables.metadata.tables.items():
            held = {column["name"]: column["nullable"] for column in found.get_columns(name)}
            assert held == {column.name: False for column in table.c}, name


def test_taking_the_steps_again_changes_nothing(ledger: Ledger) -> None:
    ledger.decide(OFFICE, picking)
    with ledger.replacing() as connection:
        assert standing(connection) == newest()
        upgrade(connection)
        upgrade(connection)
        assert standing(connection) == newest()
    ledger.prepare()
    assert ledger.seq() == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_empty_database_twice(backend: str, tmp_path: Path) -> None:
    with ledger_url(backend, tmp_path) as url:
        for _ in range(2):
            found = Ledger(url)
            found.prepare()
            assert found.seq() == 0
            found.dispose()


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_tables_there_is_no_ledger_to_check(backend: str, tmp_path: Path) -> None:
    with ledger_url(backend, tmp_path) as url:
        found = Ledger(url)
        with pytest.raises(NoLedger, match="还没有台账"):
            found.prepare(create=False)
        found.dispose()


def test_an_upgrade_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The last thing of all: the version that Alembic writes down.
    def fail(*_: object, **__: object) -> None:
        raise KeyError("power cut")

    found = Ledger.of(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("alembic.runtime.migration.HeadMaintainer._insert_version", fail)
        with pytest.raises(KeyError, match="power cut"):
            found.prepare()
    assert found.seq() == 0, "the next start begins anew"
    found.dispose()


def test_a_ledger_of_a_newer_program_is_left_alone(ledger: Ledger) -> None:
    assert known("") and known(newest()) and not known("9999")
    with ledger.replacing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    other = Ledger(ledger.url.render_as_string(hide_password=False))
    with pytest.raises(NoLedger, match="更新版本的程序"):
        other.seq()
    other.dispose()

"""Ledgers for tests: each test its own, on SQLite and, where one runs, on a real PostgreSQL."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from geodata.ledger import Actor, Decision, Ledger, Role, tables

BACKENDS = ("sqlite", "postgresql")

OFFICE = Actor("office-1", "办公室 甲", Role.OFFICE)
ADMINISTRATOR = Actor("administrator-1", "管理员", Role.ADMINISTRATOR)


def postgres_url() -> str:
    """Where the server for tests listens, as a URL of its maintenance database."""
    return os.environ.get(
        "TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
    )


@contextmanager
def postgres_database() -> Iterator[str]:
    """URL of a new and empty database, dropped afterwards; skips without a server, fails in CI."""
    home = sa.make_url(postgres_url())
    engine = sa.create_engine(
        home, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3}
    )
    name = f"bangfu_{secrets.token_hex(6)}"
    try:
        with engine.connect() as connection:
            connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    except sa.exc.OperationalError as error:
        engine.dispose()
        text = f"no PostgreSQL at {home.host}:{home.port}: {error.orig}"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(text)
        pytest.skip(text)
    try:
        yield home.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        engine.dispose()


@contextmanager
def ledger_url(backend: str, folder: Path) -> Iterator[str]:
    """URL of an empty ledger of a backend."""
    if backend == "sqlite":
        yield f"sqlite:///{folder / 'ledger.sqlite'}"
    else:
        with postgres_database() as url:
            yield url


@pytest.fixture(params=BACKENDS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger, prepared; once on SQLite and once on PostgreSQL."""
    with ledger_url(request.param, tmp_path) as url:
        found = Ledger(url)
        found.prepare()
        yield found
        found.dispose()


def picking(
    decision: Decision, village: str = "120111001001", member: str = "member-1"
) -> dict[str, Any]:
    """A `work` without rules: one pick and its event."""
    identifier = decision.add(
        tables.pick,
        "pick.picked",
        round="r3",
        village=village,
        member=member,
        state="picked",
        override="",
        by=decision.actor.id,
    )
    return {"id": identifier, "seq": decision.seq}


def fill(ledger: Ledger, rows: int = 3) -> None:
    """Some rows in every table that is decided, each changed once after it was added."""

    def work(decision: Decision) -> dict[str, Any]:
        for table in tables.DECIDED:
            for number in range(rows):
                values = invented(table, number)
                identifier = decision.add(table, f"{table.name}.made", "因为", **values)
                texts = ("label", "seen", "caption", "note", "said", "override", "accepted")
                name = next(one for one in texts if one in values)
                decision.change(table, identifier, f"{table.name}.changed", **{name: "改过的 ✓"})
        return {}

    ledger.decide(OFFICE, work)


def invented(table: sa.Table, number: int) -> dict[str, Any]:
    """Values for a row of a table, different for each number."""
    values: dict[str, Any] = {}
    for column in table.c:
        if column.name in ("id", "created_at", "changed_at"):
            continue
        if isinstance(column.type, sa.Boolean):
            values[column.name] = bool(number % 2)
        elif isinstance(column.type, sa.Integer):
            values[column.name] = number
        elif isinstance(column.type, sa.LargeBinary):
            values[column.name] = b"\xff\xd8" + bytes([number]) * 50
        else:
            values[column.name] = f"{column.name} {number} 村"
    return values


def counts(ledger: Ledger) -> dict[str, int]:
    """Rows of each table that lasts."""
    with ledger.reading() as connection:
        return {
            table.name: connection.execute(
                sa.select(sa.func.count()).select_from(table)
            ).scalar_one()
            for table in tables.LASTING
        }

"""Whatever somebody changes in the database by other means than a decision is found and named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from geodata.ledger import Ledger, chain, tables
from geodata.ledger.verify import MOST, Report, verify, verify_connection
from geodata.progress import Silent
from tests.ledgers import OFFICE, fill, picking

ROWS = 3


class Undo(Exception):
    """Leaves a transaction without a trace."""


@contextmanager
def tampering(ledger: Ledger) -> Iterator[Connection]:
    """A connection past the ledger's rules; what is done there is undone at the end."""
    try:
        with ledger.replacing() as connection:
            yield connection
            raise Undo
    except Undo:
        pass


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    fill(ledger, ROWS)
    return ledger


def named(report: Report) -> set[str]:
    return {fault.where for fault in report.faults}


def other(value: Any) -> Any:
    """Nearly the same value."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1_000_000  # past every other one: some are unique
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    return value[:-1] + ("x" if value[-1:] != "x" else "y")


def keyed(table: sa.Table, row: dict[str, Any]) -> sa.ColumnElement[bool]:
    """The condition that finds one row."""
    (key,) = table.primary_key
    return key == row[key.name]


def all_rows(ledger: Ledger) -> list[tuple[sa.Table, dict[str, Any]]]:
    return [(table, {**row}) for table in tables.LASTING for row in ledger.rows(sa.select(table))]


def name_of(table: sa.Table, row: dict[str, Any]) -> str:
    if table is tables.event:
        return f"event {row['seq']}"
    return "head" if table is tables.head else f"{table.name}:{row['id']}"


def test_an_untouched_ledger_is_whole(filled: Ledger) -> None:
    report = verify(filled)
    assert report.whole and report.faults == ()
    assert report.rows == ROWS * len(tables.DECIDED)
    assert report.events == 2 * report.rows
    assert report.hash == filled.rows(sa.select(tables.head.c.hash))[0]["hash"]


def test_an_empty_ledger_is_whole(ledger: Ledger) -> None:
    assert verify(ledger) == Report(0, 0, chain.GENESIS, (), 0)


def test_any_column_of_any_row_that_is_altered_is_found_and_named(filled: Ledger) -> None:
    rows = all_rows(filled)
    assert len(rows) == 3 * ROWS * len(tables.DECIDED) + 1
    missed = []
    for table, row in rows:
        for column in table.c:
            with tampering(filled) as connection:
                altered = {column.name: other(row[column.name])}
                connection.execute(sa.update(table).where(keyed(table, row)).values(altered))
                report = verify_connection(connection)
            key = name_of(table, row | altered)
            if not {name_of(table, row), key} & named(report):
                missed.append((name_of(table, row), column.name, report.faults))
    assert missed == []
    assert verify(filled).whole


def test_any_row_that_is_removed_is_found_and_named(filled: Ledger) -> None:
    for table, row in all_rows(filled):
        with tampering(filled) as connection:
            connection.execute(sa.delete(table).where(keyed(table, row)))
            report = verify_connection(connection)
        assert not report.whole, name_of(table, row)
        if table is tables.event:
            told = " ".join(fault.sentence for fault in report.faults)
            assert f"缺第 {row['seq']} 条" in told or "末尾不符" in told
        else:
            assert name_of(table, row) in named(report)
    assert verify(filled).whole


def test_any_row_that_is_added_is_found_and_named(filled: Ledger) -> None:
    for table, row in all_rows(filled):
        (key,) = table.primary_key
        added = {name: value for name, value in row.items() if name != key.name}
        for column in table.c:
            if column.unique:
                added[column.name] = other(added[column.name])
        added[key.name] = row[key.name] + (1000 if isinstance(row[key.name], int) else "0")
        with tampering(filled) as connection:
            connection.execute(sa.insert(table).values(**added))
            report = verify_connection(connection)
        assert {name_of(table, row), name_of(table, added)} & named(report)


def test_cutting_the_end_off_is_found_even_with_the_head_set_back(filled: Ledger) -> None:
    events = filled.rows(sa.select(tables.event).order_by(tables.event.c.seq))
    last, before = events[-1], events[-2]
    with tampering(filled) as connection:
        connection.execute(sa.delete(tables.event).where(tables.event.c.seq == last["seq"]))
        assert named(verify_connection(connection)) >= {"head"}
        connection.execute(sa.update(tables.head).values(seq=before["seq"], hash=before["hash"]))
        assert named(verify_connection(connection)) == {last["subject"]}


def test_emptying_everything_but_the_head_is_found(filled: Ledger) -> None:
    with tampering(filled) as connection:
        for table in (*tables.DECIDED, tables.event):
            connection.execute(sa.delete(table))
        assert named(verify_connection(connection)) == {"head"}


def test_an_event_with_a_hash_made_anew_does_not_fit_the_next(filled: Ledger) -> None:
    event = {**filled.rows(sa.select(tables.event).where(tables.event.c.seq == 5))[0]}
    event["reason"] = "另一个理由"
    event["hash"] = chain.hash_of(event)
    with tampering(filled) as connection:
        connection.execute(sa.update(tables.event).where(tables.event.c.seq == 5).values(**event))
        assert named(verify_connection(connection)) == {"event 6"}


def test_a_chain_rewritten_to_its_end_has_another_last_hash(filled: Ledger) -> None:
    was = verify(filled)
    with tampering(filled) as connection:
        previous = chain.GENESIS
        for found in connection.execute(sa.select(tables.event).order_by(tables.event.c.seq)):
            event = {**found._mapping, "actor_label": "别人", "previous": previous}
            event["hash"] = previous = chain.hash_of(event)
            connection.execute(
                sa.update(tables.event).where(tables.event.c.seq == event["seq"]).values(**event)
            )
        connection.execute(sa.update(tables.head).values(hash=previous))
        report = verify_connection(connection)
    assert report.whole, "nothing inside can tell; the hash that was written down elsewhere does"
    assert report.hash != was.hash


def test_two_events_that_changed_places_are_found(filled: Ledger) -> None:
    seq = tables.event.c.seq
    with tampering(filled) as connection:
        for old, new in ((3, 999), (4, 3), (999, 4)):
            connection.execute(sa.update(tables.event).where(seq == old).values(seq=new))
        assert {"event 3", "event 4"} <= named(verify_connection(connection))


@pytest.mark.parametrize("after", ["", "[]", "{", '"text"'])
def test_an_event_that_cannot_be_understood_is_named_and_the_rest_is_read(
    filled: Ledger, after: str
) -> None:
    event = {**filled.rows(sa.select(tables.event).where(tables.event.c.seq == 1))[0]}
    event["after"] = after
    event["hash"] = chain.hash_of(event)
    with tampering(filled) as connection:
        connection.execute(sa.update(tables.event).where(tables.event.c.seq == 1).values(**event))
        report = verify_connection(connection)
    assert {"event 1", "event 2", event["subject"]} <= named(report)


@pytest.mark.parametrize(
    "value", ["7", "'x'", "CAST('x' AS BLOB)", "X'C328'", "1.5", "CAST(X'C328' AS TEXT)"]
)
def test_what_only_sqlite_would_hold_is_found(filled: Ledger, value: str) -> None:
    if filled.embedded is None:
        pytest.skip("PostgreSQL refuses values of another type by itself")
    for column in ("account.disabled", "account.label", "account.password", "pick.round",
                   "photo.width", "photo.image", "event.seq", "event.subject", "event.after",
                   "event.hash", "head.hash", "head.seq"):  # fmt: skip
        table, name = column.split(".")
        with tampering(filled) as connection:
            try:
                connection.exec_driver_sql(
                    f"UPDATE {table} SET {name} = {value} WHERE rowid = "
                    f"(SELECT max(rowid) FROM {table})"
                )
            except sa.exc.IntegrityError:
                continue  # SQLite itself wants whole numbers as keys of rows
            assert not verify_connection(connection).whole, column


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_any_text_in_the_place_of_another_is_found(filled: Ledger, data: st.DataObject) -> None:
    rows = all_rows(filled)
    table, row = data.draw(st.sampled_from(rows))
    texts = [column.name for column in table.c if isinstance(column.type, sa.Text)]
    name = data.draw(st.sampled_from(texts))
    plain = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
    value = data.draw(plain.filter(lambda text: text != row[name]))
    with tampering(filled) as connection:
        connection.execute(sa.update(table).where(keyed(table, row)).values({name: value}))
        assert not verify_connection(connection).whole


def test_a_report_names_some_and_counts_all(ledger: Ledger) -> None:
    def work(decision: Any) -> dict[str, Any]:
        for number in range(MOST + 50):
            picking(decision, village=str(number))
        return {}

    ledger.decide(OFFICE, work)
    with tampering(ledger) as connection:
        connection.execute(sa.update(tables.pick).values(state="released"))
        report = verify_connection(connection)
    assert len(report.faults) == MOST
    assert report.count == MOST + 50
    assert "state" in report.faults[0].sentence


def test_it_says_how_far_it_is(filled: Ledger) -> None:
    told: list[tuple[str, int]] = []

    class Told(Silent):
        @contextmanager
        def step(self, label: str, total: int | None = None) -> Iterator[Any]:
            done = []
            yield lambda units=1: done.append(units)
            told.append((label, sum(done)))
            assert sum(done) == total

    report = verify(filled, Told())
    assert [units for _, units in told] == [report.events, report.rows]


def test_deciding_goes_on_while_it_runs(filled: Ledger) -> None:
    with filled.reading() as connection:
        connection.execute(sa.select(tables.head)).all()
        filled.decide(OFFICE, picking)
        report = verify_connection(connection)
    assert report.whole
    assert verify(filled).events == report.events + 1


def test_events_hold_json_objects(filled: Ledger) -> None:
    for row in filled.rows(sa.select(tables.event)):
        assert isinstance(json.loads(row["after"]), dict)

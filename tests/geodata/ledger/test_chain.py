"""The audit's chain: one spelling, one hash, and events that add up to rows."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from geodata.ledger import Decision, Ledger, chain, tables
from tests.ledgers import OFFICE, fill, picking

EVENT = {
    "seq": 1,
    "at": "2026-01-02T03:04:05.000006Z",
    "actor": "a",
    "actor_label": "甲",
    "kind": "pick.picked",
    "subject": "pick:1",
    "village": "120111001001",
    "before": "{}",
    "after": '{"state":"picked"}',
    "reason": "",
    "previous": chain.GENESIS,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    st.lists,
    max_leaves=5,
)


def test_a_hash_is_sha256_of_the_columns_in_order() -> None:
    written = json.dumps(list(EVENT.values()), ensure_ascii=False, separators=(",", ":"))
    assert chain.hash_of(EVENT) == hashlib.sha256(written.encode()).hexdigest()


def test_every_column_of_an_event_but_its_hash_is_hashed() -> None:
    assert {*chain.HASHED} == {column.name for column in tables.event.c} - {"hash"}
    for name in chain.HASHED:
        other = EVENT | {name: 2 if name == "seq" else f"{EVENT[name]}x"}
        assert chain.hash_of(other) != chain.hash_of(EVENT), name


def test_values_cannot_move_between_columns_unnoticed() -> None:
    one = EVENT | {"actor": "ab", "actor_label": "c"}
    other = EVENT | {"actor": "a", "actor_label": "bc"}
    assert chain.hash_of(one) != chain.hash_of(other)


@given(st.dictionaries(st.text(), JSON))
def test_json_has_one_spelling(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))
    assert chain.canonical(value) == chain.canonical(turned)
    assert json.loads(chain.canonical(value)) == value


def test_secrets_and_photos_are_told_by_their_digest() -> None:
    row = {column.name: "x" for column in tables.account.c} | {"password": "$argon2id$secret"}
    shown = chain.shown(tables.account, row)
    assert shown["password"] == "sha256:" + hashlib.sha256(b"$argon2id$secret").hexdigest()
    assert chain.shown(tables.account, row | {"password": ""})["password"] == ""
    assert shown["name"] == "x"
    for secret in tables.SECRET:
        table, column = secret.split(".")
        assert column in tables.metadata.tables[table].c, "a secret that is no column"


def test_no_secret_stands_in_an_event(ledger: Ledger) -> None:
    fill(ledger)
    told = "".join(row["before"] + row["after"] for row in ledger.rows(sa.select(tables.event)))
    for secret in tables.SECRET - {"photo.image"}:
        table, column = secret.split(".")
        for row in ledger.rows(sa.select(tables.metadata.tables[table].c[column])):
            assert row[column] and row[column] not in told


def test_a_change_tells_only_what_differs(ledger: Ledger) -> None:
    made = ledger.decide(OFFICE, picking)

    def release(decision: Decision) -> dict[str, Any]:
        decision.change(tables.pick, made["id"], "pick.released", "看错了", state="released")
        return {}

    ledger.decide(OFFICE, release)
    event = ledger.rows(sa.select(tables.event).order_by(tables.event.c.seq.desc()))[0]
    assert json.loads(event["before"]).keys() == {"state", "changed_at"}
    assert json.loads(event["after"])["state"] == "released"
    assert (event["village"], event["reason"]) == ("120111001001", "看错了")


def test_events_add_up_to_the_rows(ledger: Ledger) -> None:
    fill(ledger)
    events = [{**row} for row in ledger.rows(sa.select(tables.event).order_by(tables.event.c.seq))]
    told = chain.folded(events)
    rows = {
        f"{table.name}:{row['id']}": chain.shown(table, {**row})
        for table in tables.DECIDED
        for row in ledger.rows(sa.select(table))
    }
    assert told == rows


def test_each_event_names_the_hash_before_it_and_the_head_the_last(ledger: Ledger) -> None:
    fill(ledger)
    ledger.decide(OFFICE, picking)
    previous = chain.GENESIS
    events = ledger.rows(sa.select(tables.event).order_by(tables.event.c.seq))
    for number, event in enumerate(events, start=1):
        assert (event["seq"], event["previous"]) == (number, previous)
        assert event["hash"] == chain.hash_of({**event})
        previous = event["hash"]
    (head,) = ledger.rows(sa.select(tables.head))
    assert (head["seq"], head["hash"]) == (len(events), previous)

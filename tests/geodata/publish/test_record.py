"""Publications and withdrawals in the ledger: audited, for whoever may, on both databases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from geodata.edition import Edition
from geodata.errors import BadRequest, UnknownName
from geodata.ledger import Actor, Conflict, Forbidden, Ledger, Role, copies, tables
from geodata.ledger.roles import TERMINAL
from geodata.ledger.verify import verify
from geodata.publish import record
from geodata.publish.gate import Gate, Refusal, examine
from tests import published_worlds
from tests.ledgers import ADMINISTRATOR, OFFICE, ledger
from tests.published_worlds import protect

__all__ = ["ledger"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """The tiny world. Nobody may change it."""
    return published_worlds.edition(tmp_path_factory.mktemp("record") / "world")


@pytest.fixture(scope="module")
def gate(plain: Edition) -> Gate:
    return examine(plain, None, protect=protect)


def kinds(book: Ledger) -> list[str]:
    event = tables.event.c
    return [row["kind"] for row in book.rows(sa.select(event.kind).order_by(event.seq))]


def test_an_empty_ledger_knows_of_no_publication(ledger: Ledger) -> None:
    assert record.published(ledger) is None and record.withdrawals(ledger) == {}


def test_a_publication_is_an_event_of_the_chain(ledger: Ledger, plain: Edition, gate: Gate) -> None:
    record.record(ledger, OFFICE, plain, gate, "0123456789abcdef")
    assert kinds(ledger) == ["publication.published"] and verify(ledger).whole
    last = record.published(ledger)
    assert last is not None
    assert (last.public, last.edition, last.by) == ("0123456789abcdef", plain.id, OFFICE.id)
    assert last.measures == {one.id: one.mark for one in gate.measures} == last.known
    assert not last.demo and last.losses == {}
    assert examine(plain, last, protect=protect).changes == ("与上次公布的数完全一样",)


def test_whoever_changes_it_by_hand_is_found(ledger: Ledger, plain: Edition, gate: Gate) -> None:
    record.record(ledger, OFFICE, plain, gate, "0123456789abcdef")
    with ledger.replacing() as connection:
        connection.execute(sa.update(tables.publication).values(measures="{}"))
    (fault,) = verify(ledger).faults
    assert "measures 与记录不符" in fault.sentence


def test_measures_of_earlier_times_are_remembered(
    ledger: Ledger, plain: Edition, gate: Gate
) -> None:
    record.record(ledger, OFFICE, plain, gate, "a" * 16)
    fewer = replace(gate, measures=gate.measures[:1])
    record.record(ledger, OFFICE, plain, fewer, "b" * 16)
    last = record.published(ledger)
    assert last is not None and last.public == "b" * 16
    assert list(last.measures) == ["chosen_share"]
    assert set(last.known) == {one.id for one in gate.measures}


def test_accepted_definitions_are_reasons_of_the_event(
    ledger: Ledger, plain: Edition, gate: Gate
) -> None:
    record.record(ledger, OFFICE, plain, replace(gate, accepted={"well_share": "改了"}), "a" * 16)
    (row,) = ledger.rows(sa.select(tables.event.c.reason))
    assert row["reason"] == "well_share：改了"


def test_what_the_gate_refused_is_never_recorded(
    ledger: Ledger, plain: Edition, gate: Gate
) -> None:
    refused = gate.refused(Refusal("licence", "没有许可", "", "写上"))
    with pytest.raises(Conflict, match="没有许可"):
        record.record(ledger, OFFICE, plain, refused, "a" * 16)
    assert ledger.seq() == 0


def test_withdrawing_and_lifting(ledger: Ledger, plain: Edition, gate: Gate) -> None:
    record.record(ledger, OFFICE, plain, gate, "a" * 16)
    taken = record.withdraw(ledger, ADMINISTRATOR, "well_share", "  数错了  一口井 ")
    assert (taken.label, taken.why) == ("有水井的村", "数错了 一口井")
    assert record.withdrawals(ledger) == {"well_share": taken}
    with pytest.raises(Conflict, match=r"已经撤回了「有水井的村」。要恢复用 --lift well_share"):
        record.withdraw(ledger, OFFICE, "well_share", "再说一遍")
    record.lift(ledger, OFFICE, "well_share", "改好了")
    assert record.withdrawals(ledger) == {}
    with pytest.raises(UnknownName, match="没有撤回「well_share」。现在没有撤回的指标"):
        record.lift(ledger, OFFICE, "well_share")
    record.withdraw(ledger, OFFICE, "well_share", "又错了")
    assert kinds(ledger) == [
        "publication.published",
        "withdrawal.withdrawn",
        "withdrawal.lifted",
        "withdrawal.withdrawn",
    ]
    assert verify(ledger).whole


def test_only_what_was_published_can_be_taken_back(
    ledger: Ledger, plain: Edition, gate: Gate
) -> None:
    with pytest.raises(UnknownName, match="还没有公布过任何指标"):
        record.withdraw(ledger, OFFICE, "well_share", "数错了")
    record.record(ledger, OFFICE, plain, gate, "a" * 16)
    with pytest.raises(UnknownName, match=r"没有公布过这个指标「below_share」。.*well_share"):
        record.withdraw(ledger, OFFICE, "below_share", "数错了")


@pytest.mark.parametrize("why", ["", "  ", "错", "长" * 400, "一行\x07"])
def test_a_withdrawal_says_why(ledger: Ledger, plain: Edition, gate: Gate, why: str) -> None:
    record.record(ledger, OFFICE, plain, gate, "a" * 16)
    with pytest.raises(BadRequest):
        record.withdraw(ledger, OFFICE, "well_share", why)
    assert record.withdrawals(ledger) == {}


def test_a_measure_taken_back_meanwhile_is_not_published(
    ledger: Ledger, plain: Edition, gate: Gate
) -> None:
    record.record(ledger, OFFICE, plain, gate, "a" * 16)
    record.withdraw(ledger, OFFICE, "well_share", "数错了")
    with pytest.raises(Conflict, match="有人撤回了这个指标「有水井的村」。再公布一次"):
        record.record(ledger, OFFICE, plain, gate, "b" * 16)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER, Role.DISTRICT])
def test_only_the_office_and_the_administrator_publish(
    ledger: Ledger, plain: Edition, gate: Gate, role: Role
) -> None:
    actor = Actor("someone", "某人", role)
    for act in (
        lambda: record.record(ledger, actor, plain, gate, "a" * 16),
        lambda: record.withdraw(ledger, actor, "well_share", "数错了"),
        lambda: record.lift(ledger, actor, "well_share"),
    ):
        with pytest.raises(Forbidden, match="你的身份不能公布"):
            act()
    record.record(ledger, TERMINAL, plain, gate, "a" * 16)


def test_a_backup_holds_publications(
    ledger: Ledger, plain: Edition, gate: Gate, tmp_path: Path
) -> None:
    record.record(ledger, OFFICE, plain, gate, "a" * 16)
    record.withdraw(ledger, OFFICE, "well_share", "数错了")
    copies.backup(ledger, tmp_path / "backup.sqlite")
    other = Ledger(f"sqlite:///{tmp_path / 'other.sqlite'}")
    copies.restore(other, tmp_path / "backup.sqlite")
    assert record.published(other) == record.published(ledger)
    assert record.withdrawals(other) == record.withdrawals(ledger)
    other.dispose()


def test_a_ledger_from_before_gets_the_tables(tmp_path: Path) -> None:
    book = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    book.prepare()
    with book.replacing() as connection:
        for name in ("publication", "withdrawal"):
            connection.execute(sa.text(f"DROP TABLE {name}"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    book.dispose()
    again = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    again.prepare(create=False)
    assert record.published(again) is None
    again.dispose()

"""Decisions: whole or not at all, once for a key, one after the other; reading sees one state."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from geodata.errors import AtlasError, BadRequest
from geodata.ledger import Conflict, Decision, Ledger, LedgerError, NoLedger, tables
from geodata.ledger.verify import verify
from tests.ledgers import ADMINISTRATOR, OFFICE, counts, fill, invented, picking

ROOT = Path(__file__).resolve().parents[3]


class Thrown(Exception):
    """What a test's own work raises."""


def test_a_decision_is_there_with_its_event_when_it_returns(ledger: Ledger) -> None:
    made = ledger.decide(OFFICE, picking)
    (row,) = ledger.rows(sa.select(tables.pick))
    (event,) = ledger.rows(sa.select(tables.event))
    assert row["id"] == made["id"]
    assert (event["subject"], event["actor_label"]) == (f"pick:{made['id']}", OFFICE.label)
    assert row["created_at"] == row["changed_at"] == event["at"]


def test_whatever_work_raises_undoes_everything(ledger: Ledger) -> None:
    fill(ledger)
    before = counts(ledger)

    def work(decision: Decision) -> dict[str, Any]:
        made = picking(decision)
        decision.change(tables.pick, made["id"], "pick.released", state="released")
        raise Thrown

    with pytest.raises(Thrown):
        ledger.decide(OFFICE, work, key="once")
    assert counts(ledger) == before
    assert ledger.rows(sa.select(tables.request)) == []
    assert verify(ledger).whole
    assert ledger.decide(OFFICE, picking, key="once")["seq"] == before["event"] + 1


def test_work_that_breaks_the_database_undoes_everything(ledger: Ledger) -> None:
    fill(ledger)
    before = counts(ledger)
    (taken, *_) = ledger.rows(sa.select(tables.screen.c.digest))

    def work(decision: Decision) -> dict[str, Any]:
        picking(decision)
        decision.add(
            tables.screen, "screen.added", label="二", digest=taken["digest"], revoked=False
        )
        return {}

    with pytest.raises(LedgerError) as caught:
        ledger.decide(OFFICE, work)
    assert "UNIQUE" not in str(caught.value) and "digest" not in str(caught.value)
    assert counts(ledger) == before
    assert verify(ledger).whole


def test_what_is_decided_is_seen_inside_the_decision_and_by_nobody_else(ledger: Ledger) -> None:
    def work(decision: Decision) -> dict[str, Any]:
        picking(decision)
        inside = len(decision.rows(sa.select(tables.pick)))
        return {"inside": inside, "outside": counts(ledger)["pick"]}

    assert ledger.decide(OFFICE, work) == {"inside": 1, "outside": 0}


def test_a_change_of_nothing_leaves_no_event(ledger: Ledger) -> None:
    made = ledger.decide(OFFICE, picking)
    was = ledger.rows(sa.select(tables.pick))

    def same(decision: Decision) -> dict[str, Any]:
        decision.change(tables.pick, made["id"], "pick.picked", state="picked")
        return {}

    ledger.decide(OFFICE, same)
    assert ledger.seq() == 1
    assert ledger.rows(sa.select(tables.pick)) == was


def test_changing_what_is_not_there_is_a_conflict(ledger: Ledger) -> None:
    def work(decision: Decision) -> dict[str, Any]:
        decision.change(tables.pick, "no such", "pick.released", state="released")
        return {}

    with pytest.raises(Conflict, match="已经不在台账里"):
        ledger.decide(OFFICE, work)


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"], ids=["NUL", "half a surrogate"])
def test_text_that_a_database_cannot_hold_is_the_request_s_fault(ledger: Ledger, text: str) -> None:
    with pytest.raises(AtlasError, match="不能保存的字符") as caught:
        ledger.decide(OFFICE, lambda decision: picking(decision, village=text))
    assert caught.value.http_status == 400
    assert ledger.seq() == 0


def test_odd_text_comes_back_as_it_was(ledger: Ledger) -> None:
    odd = "𠮷\u200b'\"\\; DROP TABLE pick; -- %s :name \r\n\t é é"
    made = ledger.decide(OFFICE, lambda decision: picking(decision, member=odd))
    (row,) = ledger.rows(sa.select(tables.pick).where(tables.pick.c.id == made["id"]))
    assert row["member"] == odd
    assert verify(ledger).whole


# ---- once for a key ----


def test_the_same_key_gives_the_same_answer_and_does_nothing(ledger: Ledger) -> None:
    asked = {"village": "1", "override": ""}
    first = ledger.decide(OFFICE, picking, key="k", asked=asked)
    again = ledger.decide(OFFICE, picking, key="k", asked=dict(reversed(asked.items())))
    assert again == first
    assert counts(ledger)["pick"] == ledger.seq() == 1


def test_the_same_key_survives_the_process(ledger: Ledger) -> None:
    first = ledger.decide(OFFICE, picking, key="k")
    other = Ledger(ledger.url.render_as_string(hide_password=False))
    assert other.decide(OFFICE, picking, key="k") == first
    other.dispose()


def test_a_key_that_was_used_for_something_else_is_a_conflict(ledger: Ledger) -> None:
    ledger.decide(OFFICE, picking, key="k", asked={"village": "1"})
    with pytest.raises(Conflict, match="另一件事") as caught:
        ledger.decide(OFFICE, picking, key="k", asked={"village": "2"})
    assert caught.value.cure
    assert ledger.seq() == 1


def test_another_person_s_key_is_another_key(ledger: Ledger) -> None:
    ledger.decide(OFFICE, picking, key="k", asked=1)
    ledger.decide(ADMINISTRATOR, picking, key="k", asked=2)
    assert ledger.seq() == 2


def test_one_key_asked_by_many_at_once_is_done_once(ledger: Ledger) -> None:
    ready = threading.Barrier(12)

    def ask(_: int) -> dict[str, Any]:
        ready.wait()
        return ledger.decide(OFFICE, picking, key="k", asked={"village": "1"})

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(12)))
    assert all(answer == answers[0] for answer in answers)
    assert counts(ledger)["pick"] == ledger.seq() == 1


# ---- one after the other ----


def test_many_threads_write_one_chain(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ledger.decide(OFFICE, picking), range(120)))
    assert sorted(answer["seq"] for answer in answers) == [*range(1, 121)]
    assert verify(ledger).whole


WRITER = """
import sys
from geodata.ledger import Ledger
from tests.ledgers import OFFICE, picking
ledger = Ledger(sys.argv[1], patience=60)
for _ in range(60):
    print(ledger.decide(OFFICE, picking)["seq"])
ledger.dispose()
"""


def test_several_processes_write_one_chain(ledger: Ledger) -> None:
    url = ledger.url.render_as_string(hide_password=False)
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WRITER, url], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]  # fmt: skip
    told = [process.communicate() for process in running]
    assert [one[1] for one in told] == ["", "", ""]
    seqs = sorted(int(line) for out, _ in told for line in out.split())
    assert seqs == [*range(1, 181)]
    assert verify(ledger).whole


def test_two_processes_that_open_a_new_ledger_at_once_make_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, url], cwd=ROOT, stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    found = Ledger(url)
    assert found.seq() == 180
    assert verify(found).whole
    found.dispose()


# ---- reading ----


def test_reading_sees_one_state_while_others_decide(ledger: Ledger) -> None:
    ledger.decide(OFFICE, picking)
    count = sa.select(sa.func.count()).select_from(tables.pick)
    with ledger.reading() as connection:
        before = connection.execute(count).scalar_one()
        ledger.decide(OFFICE, picking)
        assert connection.execute(count).scalar_one() == before == 1
    assert counts(ledger)["pick"] == 2


def test_seq_is_the_number_of_the_last_event(ledger: Ledger) -> None:
    assert ledger.seq() == 0
    fill(ledger, 1)
    assert ledger.seq() == 2 * len(tables.DECIDED)


def test_noting_is_kept_and_is_no_event(ledger: Ledger) -> None:
    row = invented(tables.guard, 1)
    with ledger.noting() as connection:
        connection.execute(sa.insert(tables.guard).values(**row))
    assert [{**one} for one in ledger.rows(sa.select(tables.guard))] == [row]
    with pytest.raises(Thrown), ledger.noting() as connection:
        connection.execute(sa.delete(tables.guard))
        raise Thrown
    assert len(ledger.rows(sa.select(tables.guard))) == 1
    assert ledger.seq() == 0


# ---- the file ----


def test_a_ledger_that_is_not_there_is_made_only_when_it_should_be(tmp_path: Path) -> None:
    found = Ledger.of(tmp_path)
    with pytest.raises(NoLedger, match="还没有台账"):
        found.prepare(create=False)
    assert list(tmp_path.iterdir()) == []
    assert found.seq() == 0
    assert found.embedded is not None and found.embedded.is_file()
    found.dispose()
    missing = Ledger.of(tmp_path / "no such folder")
    with pytest.raises(NoLedger, match="文件夹不存在"):
        missing.prepare()


def test_its_file_is_for_its_owner_alone_and_one_file_when_closed(tmp_path: Path) -> None:
    found = Ledger.of(tmp_path)
    found.decide(OFFICE, picking)
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    found.dispose()
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]
    assert found.seq() == 1, "it can be used again"
    found.dispose()


def test_what_is_acknowledged_is_on_the_disk(ledger: Ledger) -> None:
    with ledger.replacing() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        else:
            assert connection.exec_driver_sql("SHOW fsync").scalar_one() == "on"
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() != "off"


@pytest.mark.parametrize("content", [b"not a database, but long enough to look like one" * 40])
def test_a_file_that_is_no_ledger_is_named_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(content)
    found = Ledger.of(tmp_path)
    with pytest.raises(NoLedger, match="损坏") as caught:
        found.seq()
    assert "restore" in caught.value.cure
    assert (tmp_path / "ledger.sqlite").read_bytes() == content


# ---- texts that no database keeps ----

UNSTORABLE = pytest.mark.parametrize("text", ["a\0b", "a\ud800b"], ids=["NUL", "half a character"])


@UNSTORABLE
def test_no_row_has_an_id_that_cannot_be_kept(ledger: Ledger, text: str) -> None:
    def work(decision: Decision) -> dict[str, Any]:
        assert decision.row(tables.pick, text) is None
        with pytest.raises(Conflict):
            decision.change(tables.pick, text, "pick.released", state="released")
        return picking(decision)  # the transaction goes on

    assert ledger.decide(OFFICE, work)["seq"] == 1


@UNSTORABLE
def test_a_key_that_cannot_be_kept_is_refused_before_anything_is_done(
    ledger: Ledger, text: str
) -> None:
    with pytest.raises(BadRequest, match="不能保存的字符"):
        ledger.decide(OFFICE, picking, key=text)
    assert ledger.seq() == 0


@UNSTORABLE
def test_whatever_was_asked_is_told_from_everything_else(ledger: Ledger, text: str) -> None:
    first = ledger.decide(OFFICE, picking, key="once", asked={"reason": text})
    assert ledger.decide(OFFICE, picking, key="once", asked={"reason": text}) == first
    spelled = text.encode("unicode_escape").decode()
    for other in (spelled, "a\N{REPLACEMENT CHARACTER}b", "ab"):
        with pytest.raises(Conflict):
            ledger.decide(OFFICE, picking, key="once", asked={"reason": other})
    assert ledger.seq() == 1


def test_an_answer_that_cannot_be_kept_undoes_what_was_decided(ledger: Ledger) -> None:
    def work(decision: Decision) -> dict[str, Any]:
        return picking(decision) | {"said": "a\ud800b"}

    with pytest.raises(BadRequest):
        ledger.decide(OFFICE, work, key="once")
    assert ledger.seq() == 0

"""Proposals off the request thread: asked for, waited for, kept to oneself, accepted."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from dashboard import errands, proposer, proposing
from dashboard.library import Library
from dashboard.proposing import Proposals
from dashboard.routes import Busy
from geodata import jobs
from geodata.edition import Edition
from geodata.errors import BadRequest, UnknownName
from geodata.jobs import Standing
from geodata.ledger import Forbidden, Ledger, picks
from geodata.proposals import Problem, Solution
from tests.pickers import OFFICE, join, village
from tests.worlds import build_small

PATIENCE = 90.0
"""Seconds for a proposal on a busy machine."""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    build_small(folder)
    return folder


@pytest.fixture
def ledger(own: Path) -> Ledger:
    found = Ledger.of(own)
    found.prepare()
    return found


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """No process is started; where one would have been."""
    started: list[Path] = []
    monkeypatch.setattr(proposing, "start", lambda folder, lock: started.append(folder))
    return started


@pytest.fixture
def proposals(own: Path, ledger: Ledger, tmp_path: Path) -> Proposals:
    return Proposals(Library(own), ledger, lock=tmp_path / "machine.lock")


def ended(look: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
    """All that was told until a job ended."""
    told = []
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        told.append(look())
        if told[-1]["status"] in {"done", "failed"}:
            return told
        time.sleep(0.05)
    raise AssertionError(told[-1])


def test_from_beginning_to_end_in_a_process(
    own: Path, ledger: Ledger, proposals: Proposals
) -> None:
    one, two = join(ledger, "王一", "李二")
    asked = proposals.start(OFFICE, "all", pins=[{"village": village(0), "member": two.id}])
    told = ended(lambda: proposals.status(OFFICE, asked["id"]))
    assert told[-1]["status"] == "done", told[-1]
    result = told[-1]["result"]
    assert result["status"] == "solved"
    held = {one["id"]: {v["code"] for v in one["villages"]} for one in result["members"]}
    assert village(0) in held[two.id]
    assert all(len(codes) == 3 for codes in held.values())
    assert {stage["name"] for stage in result["stages"]} >= {"choose", "fair", "travel"}
    assert json.loads(json.dumps(result, ensure_ascii=False)) == result

    free = next(code for code in held[two.id] if code != village(0))
    following = proposals.start_next(OFFICE, asked["id"], free)
    after = ended(lambda: proposals.status(OFFICE, following["id"]))[-1]
    assert after["status"] == "done", after
    assert after["result"]["village"] == free
    assert after["result"]["need"] >= -1e-9
    assert free not in after["result"]["instead"]

    answer = proposals.accept(OFFICE, asked["id"], key="k")
    assert len(answer["picks"]) == 6
    assert proposals.accept(OFFICE, asked["id"], key="k") == answer
    now = picks.standing(ledger, Edition.open(own))
    assert {(p.member, p.village) for p in now.proposed} == {
        (member, code) for member, codes in held.items() for code in codes
    }
    with pytest.raises(UnknownName):
        proposals.accept(OFFICE, following["id"])
    assert one.id in held


def test_a_job_is_ones_own(ledger: Ledger, proposals: Proposals, idle: list[Path]) -> None:
    one, two = join(ledger, "王一", "李二")
    asked = proposals.start(one, "me")
    assert proposals.status(one, asked["id"])["status"] == "waiting"
    for other in (two, OFFICE):
        with pytest.raises(UnknownName):
            proposals.status(other, asked["id"])
        with pytest.raises(UnknownName):
            proposals.accept(other, asked["id"])
    for name in ("", "0" * 20, "../atlas.sqlite", "A" * 20, asked["id"] + "0"):
        with pytest.raises(UnknownName):
            proposals.status(one, name)
    assert proposals.start(two, "me")["id"] != asked["id"]


def test_the_same_question_is_the_same_job_until_the_ledger_goes_on(
    own: Path, ledger: Ledger, proposals: Proposals, idle: list[Path]
) -> None:
    one, two = join(ledger, "王一", "李二")
    first = proposals.start(one, "me")["id"]
    assert proposals.start(one, "me")["id"] == first
    assert proposals.start(one, "me", forbidden=[village(0)])["id"] != first
    picks.pick(ledger, Edition.open(own), two, village(4))
    assert proposals.start(one, "me")["id"] != first


def test_a_new_question_ends_the_older_one_of_the_same_person(
    own: Path, ledger: Ledger, proposals: Proposals, idle: list[Path]
) -> None:
    one, two = join(ledger, "王一", "李二")
    other = proposals.start(two, "me")["id"]
    first = proposals.start(one, "me")["id"]
    with pytest.raises(BadRequest):
        proposals.start(one, "me", pins=[5])
    assert proposals.status(one, first)["status"] == "waiting", "a wrong question ends nothing"
    second = proposals.start(one, "me", forbidden=[village(0)])["id"]
    with pytest.raises(UnknownName):
        proposals.status(one, first)
    assert {job.id for job in jobs.unfinished(own / "proposals")} == {other, second}


def test_work_on_a_job_that_is_not_wanted_any_more_ends_at_once(
    own: Path,
    ledger: Ledger,
    proposals: Proposals,
    idle: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (one,) = join(ledger, "王一")
    first = proposals.start(one, "me")["id"]
    asked, left = [], Event()
    real = proposer.solve

    def slow(problem: Problem, **told: Any) -> Solution:
        if not asked:
            asked.append(proposals.start(one, "me", forbidden=[village(0)])["id"])
            assert left.wait(PATIENCE), "the solver holds the process"
        return real(problem, **told)

    monkeypatch.setattr(proposer, "solve", slow)
    proposer.work(own / "proposals", leave=lambda code: left.set())
    assert proposals.status(one, asked[0])["status"] == "done"
    assert jobs.find(own / "proposals", first) is None


def test_a_stopped_job_is_gone(
    own: Path, ledger: Ledger, proposals: Proposals, idle: list[Path]
) -> None:
    (one,) = join(ledger, "王一")
    for claimed in (False, True):
        asked = proposals.start(one, "me")["id"]
        if claimed:
            jobs.claim(own / "proposals", os.getpid())
        proposals.stop(one, asked)
        assert jobs.unfinished(own / "proposals") == []


def test_what_is_not_done_cannot_be_accepted(
    ledger: Ledger, proposals: Proposals, idle: list[Path]
) -> None:
    (one,) = join(ledger, "王一")
    asked = proposals.start(one, "me")["id"]
    for ask in (
        lambda: proposals.accept(one, asked),
        lambda: proposals.start_next(one, asked, village(0)),
    ):
        with pytest.raises(UnknownName, match="还没有算好"):
            ask()


def test_what_cannot_be_proposed_says_why(
    own: Path, ledger: Ledger, proposals: Proposals, idle: list[Path]
) -> None:
    (one,) = join(ledger, "王一")
    pins = [village(n) for n in (0, 4, 8, 12)]
    asked = proposals.start(one, "me", pins=pins)["id"]
    proposer.work(own / "proposals")
    said = proposals.status(one, asked)
    assert said["status"] == "done"
    assert said["result"]["status"] == "infeasible"
    assert any(row["rule"] == "pins" and row["cure"] for row in said["result"]["obstacles"])
    with pytest.raises(Exception, match="没有可以采用"):
        proposals.accept(one, asked)


@pytest.mark.parametrize("pins", ["x", [5], [None], [{"village": 5}], [{"town": "x"}], {"a": 1}])
def test_wishes_of_another_form_are_told(
    ledger: Ledger, proposals: Proposals, idle: list[Path], pins: Any
) -> None:
    (one,) = join(ledger, "王一")
    with pytest.raises(BadRequest):
        proposals.start(one, "me", pins=pins)
    with pytest.raises(Forbidden):
        proposals.start(one, "all")
    assert idle == []


def test_a_full_queue_says_so(
    ledger: Ledger, proposals: Proposals, idle: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = join(ledger, "王一", "李二")
    monkeypatch.setattr(proposing, "MOST_WAITING", 1)
    proposals.start(one, "me")
    with pytest.raises(Busy, match="太多"):
        proposals.start(two, "me")


def test_an_error_of_ours_is_a_sentence(
    own: Path,
    ledger: Ledger,
    proposals: Proposals,
    idle: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("/srv/secret")

    (one,) = join(ledger, "王一")
    monkeypatch.setattr(proposer, "solve", broken)
    asked = proposals.start(one, "me")["id"]
    proposer.work(own / "proposals")
    said = proposals.status(one, asked)
    assert said["status"] == "failed"
    assert "已记入日志" in said["error"] and "secret" not in said["error"]
    monkeypatch.undo()
    monkeypatch.setattr(proposing, "start", lambda folder, lock: None)
    assert proposals.start(one, "me")["status"] == "waiting", "it is tried anew"


def test_a_killed_process_loses_nothing(
    own: Path, ledger: Ledger, proposals: Proposals, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = join(ledger, "王一")
    monkeypatch.setattr(proposing, "start", lambda folder, lock: None)
    asked = proposals.start(one, "me")["id"]
    folder = own / "proposals"
    taken = jobs.claim(folder, os.getpid())
    assert taken is not None and taken.id == asked
    monkeypatch.undo()
    process = None
    held = errands.take(own / "other.lock")
    assert held is not None
    process = proposing.start(folder, held)
    os.close(held)
    told = ended(lambda: proposals.status(one, asked))
    assert told[-1]["status"] == "done"
    job = jobs.find(folder, asked)
    assert job is not None and job.status is Standing.DONE and job.tries == 2
    process.send_signal(signal.SIGTERM)


def test_old_ones_are_cleared_away_and_waiting_ones_are_not(
    own: Path, ledger: Ledger, proposals: Proposals, idle: list[Path]
) -> None:
    (one,) = join(ledger, "王一")
    folder = own / "proposals"
    done = proposals.start(one, "me")["id"]
    proposer.work(folder)
    os.utime(folder / f"{done}.result.json", (1, 1))
    os.utime(folder / f"{done}.problem.json", (1, 1))
    waiting = proposals.start(one, "me", forbidden=[village(0)])["id"]
    proposing.prune(folder, most=0)
    with pytest.raises(UnknownName):
        proposals.status(one, done)
    assert proposals.status(one, waiting)["status"] == "waiting"
    assert proposals.start(one, "me")["status"] == "waiting"

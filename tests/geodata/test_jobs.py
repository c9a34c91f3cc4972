"""The record of long work: one job for one request, taken once, and none lost in silence."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
from pathlib import Path

import pytest

from geodata import jobs, state
from geodata.jobs import JobError, Standing

WISH = {"what": "view", "query": "measure=收入"}


def asked(folder: Path, name: str = "a", most: int = 8) -> jobs.Job:
    job = jobs.ask(folder, name, WISH, most=most)
    assert job is not None
    return job


def claimed(folder: Path, pid: int = 1) -> jobs.Job:
    job = jobs.claim(folder, pid)
    assert job is not None
    return job


def test_nothing_is_there_before_somebody_asks_and_looking_leaves_no_file(tmp_path: Path) -> None:
    assert jobs.find(tmp_path, "a") is None
    assert jobs.unfinished(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    state.set_current(tmp_path, "e" * 16)
    assert jobs.find(tmp_path, "a") is None
    assert jobs.claim(tmp_path, 1) is None


def test_it_lies_beside_the_pointer_and_leaves_it_alone(tmp_path: Path) -> None:
    state.set_current(tmp_path, "e" * 16)
    asked(tmp_path)
    found = state.current(tmp_path)
    assert found is not None and found[0] == "e" * 16
    assert jobs.find(tmp_path, "a") == asked(tmp_path)


def test_who_asks_for_the_same_gets_the_same_job(tmp_path: Path) -> None:
    first = asked(tmp_path)
    assert (first.status, first.request, first.done, first.total) == (Standing.WAITING, WISH, 0, 0)
    assert asked(tmp_path) == first
    working = claimed(tmp_path)
    assert asked(tmp_path) == working
    jobs.finish(tmp_path, working)
    assert asked(tmp_path).status is Standing.DONE
    assert jobs.claim(tmp_path, 2) is None


def test_the_longest_waiting_is_taken_first(tmp_path: Path) -> None:
    for name in "cab":
        asked(tmp_path, name)
        time.sleep(0.002)
    assert [claimed(tmp_path).id for _ in range(3)] == ["c", "a", "b"]
    assert jobs.claim(tmp_path, 1) is None
    assert [job.id for job in jobs.unfinished(tmp_path)] == ["c", "a", "b"]


def test_a_full_queue_takes_no_more_and_knows_those_it_has(tmp_path: Path) -> None:
    for name in "ab":
        asked(tmp_path, name, most=2)
    assert jobs.ask(tmp_path, "c", WISH, most=2) is None
    assert asked(tmp_path, "a", most=2).id == "a"
    claimed(tmp_path)
    assert asked(tmp_path, "c", most=2).status is Standing.WAITING


def test_progress_never_goes_back(tmp_path: Path) -> None:
    asked(tmp_path)
    job = claimed(tmp_path)
    for done, shown in ((3, 3), (2, 3), (12, 12)):
        time.sleep(0.002)
        assert jobs.report(tmp_path, job, done, 12, "画图")
        found = jobs.find(tmp_path, "a")
        assert found is not None
        assert found.beat > job.beat, "it lives"
        assert (found.done, found.total, found.label) == (shown, 12, "画图")


def test_one_that_failed_says_why_and_is_tried_anew_when_asked_for(tmp_path: Path) -> None:
    asked(tmp_path)
    job = claimed(tmp_path)
    jobs.fail(tmp_path, job, "磁盘满了")
    found = jobs.find(tmp_path, "a")
    assert found is not None
    assert (found.status, found.error) == (Standing.FAILED, "磁盘满了")
    again = asked(tmp_path)
    assert (again.status, again.error, again.tries) == (Standing.WAITING, "", 0)


def test_a_lost_one_is_begun_once_more_and_then_failed(tmp_path: Path) -> None:
    asked(tmp_path)
    first = claimed(tmp_path, pid=11)
    assert jobs.recover(tmp_path, lambda job: False) == 0
    assert jobs.recover(tmp_path, lambda job: job.pid == 11) == 1
    # Its first process was only slow: what it says now is about nobody's job.
    assert not jobs.report(tmp_path, first, 5, 12, "迟到")
    jobs.finish(tmp_path, first)
    waiting = jobs.find(tmp_path, "a")
    assert waiting is not None and waiting.status is Standing.WAITING
    claimed(tmp_path, pid=12)
    assert jobs.recover(tmp_path, lambda job: True) == 1
    failed = jobs.find(tmp_path, "a")
    assert failed is not None and failed.status is Standing.FAILED
    assert "两次" in failed.error
    assert jobs.recover(tmp_path, lambda job: True) == 0


def test_what_ended_is_forgotten_and_what_runs_is_not(tmp_path: Path) -> None:
    for name in "ab":
        asked(tmp_path, name)
    jobs.finish(tmp_path, claimed(tmp_path))
    jobs.forget(tmp_path, ["a", "b"])
    assert jobs.find(tmp_path, "a") is None
    assert jobs.find(tmp_path, "b") is not None
    jobs.fail(tmp_path, claimed(tmp_path), "x")
    jobs.forget(tmp_path, [], before=time.time() - 60)
    assert jobs.find(tmp_path, "b") is not None
    jobs.forget(tmp_path, [], before=time.time() + 60)
    assert jobs.find(tmp_path, "b") is None


def _rush(folder: Path, taken: Path) -> None:
    for number in range(12):
        jobs.ask(folder, f"job{number:02}", WISH, most=100)
    while (job := jobs.claim(folder, os.getpid())) is not None:
        with (taken / job.id).open("a") as file:
            file.write(f"{os.getpid()}\n")
        jobs.finish(folder, job)


def test_many_processes_ask_for_the_same_and_each_job_is_done_once(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_rush, args=(tmp_path, taken)) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0] * 3
    assert len(list(taken.iterdir())) == 12
    assert all(len(file.read_text().splitlines()) == 1 for file in taken.iterdir())


def test_a_workspace_that_may_not_be_written_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> sqlite3.Connection:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    state.set_current(tmp_path, "e" * 16)
    monkeypatch.setattr(sqlite3, "connect", refused)
    with pytest.raises(JobError, match="工作区") as caught:
        jobs.ask(tmp_path, "a", WISH, most=8)
    assert caught.value.http_status == 503
    assert str(tmp_path) not in str(caught.value), "where it lies is nobody's business"


def test_a_broken_record_is_said_to_be_broken(tmp_path: Path) -> None:
    (tmp_path / state.FILE).write_bytes(b"no database at all, and long enough to be read" * 100)
    with pytest.raises(JobError):
        jobs.find(tmp_path, "a")
    with pytest.raises(JobError):
        jobs.ask(tmp_path, "a", WISH, most=8)

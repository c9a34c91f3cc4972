"""A server that is killed at any moment: what was acknowledged is there, nothing is there by half.

SIGKILL ends a process between any two instructions; what the kernel was already given survives
it. A power cut also loses what was not synced: `test_store` holds the settings against that.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
import sqlalchemy as sa

from geodata.ledger import Ledger, tables
from geodata.ledger.verify import verify

ROOT = Path(__file__).resolve().parents[3]
FULL = 1000
CHECK_EVERY = 100
LONGEST = 0.05
"""Seconds that a writer lives, at most: a dozen decisions."""


@contextmanager
def victim(url: str) -> Iterator[tuple[IO[str], IO[str]]]:
    """What one tells the victim, and what it tells."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.geodata.ledger.victim", url],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        try:
            yield process.stdin, process.stdout
        except BaseException:
            # The writer may wait for somebody to read what it tells: nobody will.
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            process.stdin.close()
            process.wait()


def killed(tell: IO[str], hear: IO[str], after: float, *, at_work: bool) -> list[str]:
    """Let a writer live that long, from its start or its first decision; what it acknowledged."""
    tell.write("go\n")
    tell.flush()
    pid = int(hear.readline().removeprefix("pid "))
    acknowledged = [hear.readline().strip()] if at_work else []
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    for line in hear:
        if line == "dead\n":
            return acknowledged
        acknowledged.append(line.strip())
    raise AssertionError("the victim is gone altogether")


def check(ledger: Ledger, acknowledged: set[str]) -> set[str]:
    """What must hold after any number of kills; returns the villages that were picked."""
    with ledger.reading() as connection:
        picks = {row.village: row.id for row in connection.execute(sa.select(tables.pick))}
        events = [
            (row.subject, row.kind)
            for row in connection.execute(sa.select(tables.event).order_by(tables.event.c.seq))
        ]
        states = set(connection.execute(sa.select(tables.pick.c.state).distinct()).scalars())
        keys = set(connection.execute(sa.select(tables.request.c.key)).scalars())
    assert acknowledged <= set(picks), "what was acknowledged is there"
    expected = [
        (f"pick:{identifier}", kind)
        for identifier in picks.values()
        for kind in ("pick.picked", "pick.confirmed")
    ]
    assert sorted(events) == sorted(expected), "no pick without its events, nor the other way"
    assert states <= {"confirmed"}, "no decision by half"
    assert keys == set(picks), "nor a key without what it was for"
    report = verify(ledger)
    assert report.whole, report.faults
    return set(picks)


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(FULL // 20, id="a twentieth"),
        pytest.param(FULL, id="full", marks=pytest.mark.soak),
    ],
)
def test_what_was_acknowledged_survives_every_kill(ledger: Ledger, kills: int) -> None:
    chance = random.Random(4)
    acknowledged: set[str] = set()
    before_any = 0
    with victim(ledger.url.render_as_string(hide_password=False)) as (tell, hear):
        for number in range(1, kills + 1):
            # A tenth dies while it opens the ledger.
            at_work = chance.random() < 0.9
            told = killed(tell, hear, chance.uniform(0, LONGEST), at_work=at_work)
            before_any += not told
            acknowledged.update(told)
            if number % CHECK_EVERY == 0:
                check(ledger, acknowledged)
    picked = check(ledger, acknowledged)
    unheard = len(picked) - len(acknowledged)
    told_all = f"{before_any} before a first decision, {len(acknowledged)} told, {unheard} not told"
    assert len(acknowledged) > kills, told_all
    assert 0 < before_any < kills, told_all

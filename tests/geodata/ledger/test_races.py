"""Twenty writers at one place: one wins, each time, on both databases."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from geodata.ledger import Ledger, tables
from geodata.ledger.verify import verify

ROOT = Path(__file__).resolve().parents[3]
FULL = 10_000
PROCESSES, THREADS = 2, 10


@pytest.mark.parametrize(
    "races",
    [
        pytest.param(FULL // 20, id="a twentieth"),
        pytest.param(FULL, id="full", marks=pytest.mark.soak),
    ],
)
def test_exactly_one_wins_every_race(ledger: Ledger, races: int) -> None:
    url = ledger.url.render_as_string(hide_password=False)
    won: dict[str, list[str]] = {}
    with ExitStack() as stack:
        racers = [
            stack.enter_context(
                subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "tests.geodata.ledger.racer",
                        url,
                        str(number * THREADS),
                        str(THREADS),
                    ],
                    cwd=ROOT,
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            for number in range(PROCESSES)
        ]
        for race in range(races):
            kind = "quota" if race % 2 else "place"
            for racer in racers:
                assert racer.stdin is not None
                racer.stdin.write(f"{kind} {race}\n")
                racer.stdin.flush()
            told: list[str] = []
            for racer in racers:
                assert racer.stdout is not None
                told += racer.stdout.readline().split()
            won[str(race)] = told
    assert {race: told for race, told in won.items() if len(told) != 1} == {}
    rows = ledger.rows(sa.select(tables.pick))
    winners = {
        row["village"].split("-")[0]: row["member"].removeprefix("m")
        if row["round"] == "place"
        else row["village"].split("-")[1]
        for row in rows
    }
    assert len(rows) == races
    assert winners == {race: told[0] for race, told in won.items()}, "who was told so is there"
    assert len({told[0] for told in won.values()}) > PROCESSES * THREADS // 2, (
        "a race that the same few always win is none"
    )
    report = verify(ledger)
    assert report.whole and report.events == races

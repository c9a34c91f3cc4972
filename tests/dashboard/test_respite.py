"""A slow ledger is left alone for a while, a quick one never; one class says so for all."""

from __future__ import annotations

import pytest

from dashboard.respite import PAUSE, SLOW, Respite
from geodata.ledger.troubles import LedgerError


def fail(respite: Respite, now: list[float], seconds: float, error: type[Exception]) -> None:
    with pytest.raises(error), respite.asking():
        now[0] += seconds
        raise error("away")


def test_a_slow_failure_begins_a_pause_that_ends() -> None:
    now = [100.0]
    respite = Respite(clock=lambda: now[0])
    assert not respite.lasts
    fail(respite, now, SLOW, LedgerError)
    assert respite.lasts
    now[0] += PAUSE - 0.001
    assert respite.lasts
    now[0] += 0.001
    assert not respite.lasts


@pytest.mark.parametrize(("seconds", "error"), [(SLOW - 0.001, LedgerError), (SLOW, ValueError)])
def test_a_quick_failure_and_another_kind_of_error_begin_none(
    seconds: float, error: type[Exception]
) -> None:
    now = [100.0]
    respite = Respite(clock=lambda: now[0])
    fail(respite, now, seconds, error)
    assert not respite.lasts


def test_an_answer_that_takes_long_is_an_answer() -> None:
    now = [100.0]
    respite = Respite(clock=lambda: now[0])
    with respite.asking():
        now[0] += 10 * SLOW
    assert not respite.lasts


def test_how_long_it_is_left_alone_is_said() -> None:
    now = [0.0]
    respite = Respite(2.0, clock=lambda: now[0])
    fail(respite, now, SLOW, LedgerError)
    now[0] += 2.0
    assert not respite.lasts

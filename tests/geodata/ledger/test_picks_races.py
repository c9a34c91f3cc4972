"""Who is first gets it: twenty at once for one village, and one member on many devices.

`make soak` runs 5,000 races of each kind on each database, the ordinary run a fiftieth: the ledger
under them is raced in `test_races.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from geodata.edition import Edition
from geodata.ledger import Actor, Ledger, Refused
from geodata.ledger import picks as act
from geodata.ledger.verify import verify
from tests.pickers import OFFICE, join, small, village

WRITERS = 20
FULL = 5_000
"""Of each kind, for a village and for a place: 10,000 in all on each database."""
RACES = [
    pytest.param(FULL // 50, id="some"),
    pytest.param(FULL, id="full", marks=pytest.mark.soak),
]

Try = Callable[[], dict[str, Any]]


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(WRITERS) as found:
        yield found


def race(pool: ThreadPoolExecutor, tries: list[Try]) -> tuple[list[Any], list[Refused]]:
    """Let all try at the same moment: what came back, and what was refused."""
    gate = threading.Barrier(len(tries))

    def go(one: Try) -> Any:
        gate.wait()
        try:
            return one()
        except Refused as error:
            return error

    found = list(pool.map(go, tries))
    lost = [one for one in found if isinstance(one, Refused)]
    return [one for one in found if not isinstance(one, Refused)], lost


def clear(ledger: Ledger, edition: Edition) -> None:
    for one in act.standing(ledger, edition).picks:
        act.release(ledger, edition, OFFICE, one.id, reason="下一轮再来")


@pytest.mark.parametrize("races", RACES)
def test_one_of_twenty_gets_the_village_and_the_others_are_told_who(
    ledger: Ledger, pool: ThreadPoolExecutor, races: int
) -> None:
    world = small()
    members = join(ledger, *(f"成员{n}" for n in range(WRITERS)))

    def trying(member: Actor, code: str) -> Try:
        return lambda: act.pick(ledger, world, member, code)

    for number in range(races):
        code = village(4 * (number % 9))
        won, lost = race(pool, [trying(one, code) for one in members])
        assert len(won) == 1
        winner = won[0]["pick"]["member"]
        assert {type(one) for one in lost} == {act.Taken}
        assert {one.by["id"] for one in lost if isinstance(one, act.Taken)} == {winner}
        assert all(winner in one.message for one in lost)
        (one,) = act.standing(ledger, world).picks
        assert (one.village, one.member) == (code, winner)
        clear(ledger, world)
    assert verify(ledger).whole


@pytest.mark.parametrize("races", RACES)
def test_the_last_place_of_a_member_is_given_once_however_many_devices_ask(
    ledger: Ledger, pool: ThreadPoolExecutor, races: int
) -> None:
    world = small(only_targets=False, every_district=False)
    (me,) = join(ledger, "王一")

    def trying(code: str) -> Try:
        return lambda: act.pick(ledger, world, me, code)

    for _ in range(races):
        kept = [act.pick(ledger, world, me, village(n))["pick"]["id"] for n in (30, 31)]
        won, lost = race(pool, [trying(village(n)) for n in range(WRITERS)])
        assert len(won) == 1
        assert len(lost) == WRITERS - 1
        assert {row["rule"] for one in lost for row in one.breaches} == {"quota"}
        now = act.standing(ledger, world)
        assert now.used(me.id) == 3
        assert {*kept, won[0]["pick"]["id"]} == {one.id for one in now.picks}
        clear(ledger, world)
    assert verify(ledger).whole


def test_a_device_that_asks_twice_at_once_picks_once(
    ledger: Ledger, pool: ThreadPoolExecutor
) -> None:
    world = small()
    (me,) = join(ledger, "王一")
    won, lost = race(
        pool, [lambda: act.pick(ledger, world, me, village(0), key="the same")] * WRITERS
    )
    assert not lost
    assert len({one["pick"]["id"] for one in won}) == 1
    assert len(act.standing(ledger, world).picks) == 1


def test_an_exchange_and_a_release_at_once_leave_no_half(
    ledger: Ledger, pool: ThreadPoolExecutor
) -> None:
    world = small(per_member=1)
    me, other = join(ledger, "王一", "李二")
    for _ in range(20):
        one = act.pick(ledger, world, me, village(0))["pick"]["id"]
        two = act.pick(ledger, world, other, village(12))["pick"]["id"]
        tries: list[Try] = [
            lambda one=one, two=two: act.swap(ledger, world, OFFICE, one, two),  # type: ignore[misc]
            lambda one=one: act.release(ledger, world, OFFICE, one, reason="另有安排"),  # type: ignore[misc]
        ]
        race(pool, tries)
        left = {row.id: row.member for row in act.standing(ledger, world).picks}
        # Either the exchange came first and then the release, or it found one of them gone.
        assert left in ({two: me.id}, {two: other.id})
        clear(ledger, world)
    assert verify(ledger).whole

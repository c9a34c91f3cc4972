"""Which phone steers which wall: agreed on by all processes, for as long as it should be."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from geodata import state, steering
from geodata.errors import BadRequest, UnknownName
from geodata.steering import (
    CODE_LIFE,
    FORGOTTEN,
    FRESH,
    KEPT,
    MOST_COMMANDS,
    MOST_PAIRINGS,
    MOST_WALLS,
    PAIRING_LIFE,
    POINTER_LIFE,
    TRIES_AN_ADDRESS,
    TRIES_IN_ALL,
    WINDOW,
    NotPaired,
    Steering,
    SteeringError,
    TooManyTries,
    TooManyWalls,
    WrongCode,
)


class Clock:
    """A clock that stands until somebody moves it."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def steer(tmp_path: Path, clock: Clock) -> Steering:
    return Steering(tmp_path, clock=clock)


def pressed(steer: Steering, wall: str, secret: str, after: int = 0) -> list[Any]:
    """What the wall would do: `do` of each command."""
    return [one["do"] for one in steer.commands(steer.wall(wall, secret), after)]


def wrong(code: str) -> str:
    """Another six digits."""
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_phone_that_typed_the_code_steers_the_wall(steer: Steering) -> None:
    wall, secret = steer.register(briefing="nianzhong")
    assert wall.name.startswith("大屏 ")
    assert len(wall.code) == 6 and wall.code.isdigit()
    phone = steer.pair(wall.code, "10.0.0.7")
    assert (phone.wall, phone.name) == (wall.id, wall.name)
    assert steer.command(phone.token, "press-0001", {"do": "next"}) == 1
    assert steer.command(phone.token, "press-0002", {"do": "hold", "on": True}) == 2
    seen = steer.wall(wall.id, secret)
    assert (seen.seq, seen.paired, seen.briefing) == (2, 1, "nianzhong")
    assert steer.commands(seen, 0) == [
        {"seq": 1, "do": "next"},
        {"seq": 2, "do": "hold", "on": True},
    ]
    assert pressed(steer, wall.id, secret, after=1) == ["hold"]
    assert pressed(steer, wall.id, secret, after=2) == []
    assert pressed(steer, wall.id, secret, after=99) == []


def test_what_the_wall_shows_reaches_its_phones_and_whether_it_answers(
    steer: Steering, clock: Clock
) -> None:
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    assert steer.steered(token)[0].showing is None
    steer.show(wall.id, secret, {"scene": "quanshi", "title": "全市"})
    seen, expires = steer.steered(token)
    assert seen.showing == {"scene": "quanshi", "title": "全市"}
    assert seen.alive
    assert expires == clock.now + PAIRING_LIFE
    clock.wait(30)
    assert not steer.steered(token)[0].alive
    steer.wall(wall.id, secret)
    assert steer.steered(token)[0].alive


def test_a_restart_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    before = Steering(tmp_path, clock=clock)
    wall, secret = before.register()
    token = before.pair(wall.code, "10.0.0.7").token
    before.command(token, "press-0001", {"do": "next"})
    after = Steering(tmp_path, clock=clock)
    assert pressed(after, wall.id, secret) == ["next"]
    assert after.command(token, "press-0001", {"do": "next"}) == 1
    again, same = after.register(wall.id, secret)
    assert (again.id, same, again.name, again.paired) == (wall.id, secret, wall.name, 1)
    assert after.steered(token)[0].id == wall.id


def test_a_wall_with_a_wrong_secret_is_a_new_one(steer: Steering) -> None:
    wall, secret = steer.register()
    other, _ = steer.register(wall.id, "guessed")
    assert other.id != wall.id and other.name != wall.name and other.code != wall.code
    for pair in ((wall.id, "guessed"), ("nobody", secret), (wall.id, "")):
        with pytest.raises(UnknownName, match="没有登记"):
            steer.wall(*pair)
        with pytest.raises(UnknownName):
            steer.show(*pair, {})


def test_walls_do_not_mix(steer: Steering) -> None:
    (first, one), (second, two) = steer.register(), steer.register()
    phone, other = steer.pair(first.code, "10.0.0.7"), steer.pair(second.code, "10.0.0.7")
    steer.command(phone.token, "press-0001", {"do": "next"})
    # The same id at another wall is another press.
    steer.command(other.token, "press-0001", {"do": "previous"})
    steer.point(phone.token, (117.2, 39.1))
    steer.show(first.id, one, {"title": "甲"})
    assert pressed(steer, first.id, one) == ["next"]
    assert pressed(steer, second.id, two) == ["previous"]
    assert steer.wall(second.id, two).pointer is None
    assert steer.steered(other.token)[0].showing is None
    with pytest.raises(UnknownName):
        steer.wall(first.id, two)


# ---- codes and pairings ---------------------------------------------------------------------


def test_a_code_is_used_once(steer: Steering) -> None:
    wall, secret = steer.register()
    steer.pair(wall.code, "10.0.0.7")
    assert steer.wall(wall.id, secret).code != wall.code
    with pytest.raises(WrongCode):
        steer.pair(wall.code, "10.0.0.8")


def test_a_code_lives_ten_minutes_and_then_the_wall_shows_another(
    steer: Steering, clock: Clock
) -> None:
    wall, secret = steer.register()
    assert wall.code_expires == clock.now + CODE_LIFE
    clock.wait(CODE_LIFE - 1)
    assert steer.wall(wall.id, secret).code == wall.code
    clock.wait(1)
    with pytest.raises(WrongCode):
        steer.pair(wall.code, "10.0.0.7")
    fresh = steer.wall(wall.id, secret)
    assert fresh.code != wall.code
    assert steer.pair(fresh.code, "10.0.0.7").wall == wall.id


def test_a_code_from_before_the_clock_was_set_back_does_not_live_longer(
    steer: Steering, clock: Clock
) -> None:
    wall, secret = steer.register()
    clock.wait(-3600)
    with pytest.raises(WrongCode):
        steer.pair(wall.code, "10.0.0.7")
    assert steer.wall(wall.id, secret).code_expires == clock.now + CODE_LIFE


def test_a_pairing_ends_after_twelve_hours(steer: Steering, clock: Clock) -> None:
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    clock.wait(PAIRING_LIFE - 1)
    steer.command(token, "press-0001", {"do": "next"})
    clock.wait(1)
    for ask in (
        lambda: steer.steered(token),
        lambda: steer.command(token, "press-0002", {"do": "next"}),
        lambda: steer.point(token, None),
        lambda: steer.leave(token),
    ):
        with pytest.raises(NotPaired, match="重新配对"):
            ask()
    assert steer.wall(wall.id, secret).paired == 0


def test_a_phone_that_leaves_takes_its_pointer_along(steer: Steering) -> None:
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    steer.point(token, (117.0, 39.0))
    steer.leave(token)
    assert steer.wall(wall.id, secret).pointer is None
    with pytest.raises(NotPaired):
        steer.leave(token)


def test_the_ninth_phone_takes_the_place_of_the_first(steer: Steering, clock: Clock) -> None:
    wall, secret = steer.register()
    tokens = []
    for _ in range(MOST_PAIRINGS + 1):
        tokens.append(steer.pair(steer.wall(wall.id, secret).code, "10.0.0.7").token)
        clock.wait(1)
    with pytest.raises(NotPaired):
        steer.steered(tokens[0])
    assert [steer.steered(one)[0].id for one in tokens[1:]] == [wall.id] * MOST_PAIRINGS
    assert steer.wall(wall.id, secret).paired == MOST_PAIRINGS


def test_neither_tokens_nor_secrets_stand_in_the_file(steer: Steering, tmp_path: Path) -> None:
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    kept = b"".join(path.read_bytes() for path in tmp_path.glob(f"{state.FILE}*"))
    assert wall.id.encode() in kept
    assert token.encode() not in kept
    assert secret.encode() not in kept


# ---- guessing -------------------------------------------------------------------------------


def test_guessing_is_stopped_at_an_address_and_the_right_code_with_it(
    steer: Steering, clock: Clock
) -> None:
    wall, _ = steer.register()
    for _ in range(TRIES_AN_ADDRESS):
        with pytest.raises(WrongCode):
            steer.pair(wrong(wall.code), "10.0.0.7")
        clock.wait(10)
    with pytest.raises(TooManyTries, match="分钟") as caught:
        steer.pair(wall.code, "10.0.0.7")
    assert caught.value.wait == WINDOW - 10 * TRIES_AN_ADDRESS
    # Others are not locked out by it, and asking while locked does not make it longer.
    assert steer.pair(wall.code, "10.0.0.8").wall == wall.id
    clock.wait(caught.value.wait)
    with pytest.raises(WrongCode):
        steer.pair("x", "10.0.0.7")


def test_guessing_from_many_addresses_is_stopped_too(steer: Steering, clock: Clock) -> None:
    wall, secret = steer.register()
    for number in range(TRIES_IN_ALL):
        with pytest.raises(WrongCode):
            steer.pair(wrong(wall.code), f"10.0.0.{number}")
    with pytest.raises(TooManyTries):
        steer.pair(wall.code, "10.0.1.1")
    clock.wait(WINDOW)
    assert steer.pair(steer.wall(wall.id, secret).code, "10.0.1.1").wall == wall.id


def test_a_right_code_does_not_wipe_out_wrong_ones(steer: Steering) -> None:
    mine, secret = steer.register()
    for _ in range(TRIES_AN_ADDRESS - 1):
        with pytest.raises(WrongCode):
            steer.pair(wrong(mine.code), "10.0.0.7")
    steer.pair(mine.code, "10.0.0.7")
    now = steer.wall(mine.id, secret).code
    with pytest.raises(WrongCode):
        steer.pair(wrong(now), "10.0.0.7")
    with pytest.raises(TooManyTries):
        steer.pair(now, "10.0.0.7")


def test_an_ipv6_host_cannot_go_through_its_addresses(steer: Steering) -> None:
    wall, _ = steer.register()
    for number in range(TRIES_AN_ADDRESS):
        with pytest.raises(WrongCode):
            steer.pair(wrong(wall.code), f"fd00:1:2:3::{number:x}")
    with pytest.raises(TooManyTries):
        steer.pair(wall.code, "fd00:1:2:3:ffff::9%eth0")
    assert steer.pair(wall.code, "::ffff:10.0.0.7").wall == wall.id


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "      ", "１２３４５６", "\ud800", "x" * 99]
)
def test_what_is_no_code_is_a_wrong_one(steer: Steering, code: str) -> None:
    steer.register()
    with pytest.raises(WrongCode):
        steer.pair(code, "nowhere at all")


# ---- commands and the pointer ---------------------------------------------------------------


def test_a_command_sent_twice_is_done_once(steer: Steering, clock: Clock) -> None:
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    first = steer.command(token, "press-0001", {"do": "next"})
    clock.wait(KEPT - 1)
    assert steer.command(token, "press-0001", {"do": "next"}) == first
    assert steer.wall(wall.id, secret).seq == first


def test_a_wall_that_comes_back_does_not_leap_through_what_was_pressed_in_vain(
    steer: Steering, clock: Clock
) -> None:
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    for number in range(5):
        steer.command(token, f"press-{number:04}", {"do": "next"})
    clock.wait(FRESH)
    steer.command(token, "press-0009", {"do": "first"})
    assert pressed(steer, wall.id, secret) == ["first"]


def test_commands_do_not_pile_up(steer: Steering, clock: Clock, tmp_path: Path) -> None:
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    for number in range(MOST_COMMANDS + 20):
        steer.command(token, f"press-{number:04}", {"do": "next"})
    assert len(pressed(steer, wall.id, secret)) == MOST_COMMANDS
    clock.wait(KEPT)
    steer.command(token, "press-last", {"do": "next"})
    with sqlite3.connect(tmp_path / state.FILE) as base:
        assert base.execute("SELECT count(*) FROM steer_command").fetchone() == (1,)
    base.close()


def test_the_last_place_of_the_pointer_counts_and_it_goes_out_by_itself(
    steer: Steering, clock: Clock
) -> None:
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    steer.point(token, (117.0, 39.0))
    assert steer.point(token, (117.5, 39.5)) == 0
    spot = steer.wall(wall.id, secret).pointer
    assert spot is not None and (spot.lon, spot.lat) == (117.5, 39.5)
    clock.wait(POINTER_LIFE)
    assert steer.wall(wall.id, secret).pointer is None
    steer.point(token, (117.0, 39.0))
    steer.point(token, None)
    assert steer.wall(wall.id, secret).pointer is None


def test_nobody_fills_the_disk(steer: Steering) -> None:
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    with pytest.raises(BadRequest, match="太长"):
        steer.show(wall.id, secret, {"title": "长" * 4000})
    with pytest.raises(BadRequest, match="太长"):
        steer.command(token, "press-0001", {"do": "x" * 5000})


# ---- many walls, many processes ---------------------------------------------------------------


def test_a_wall_not_seen_for_a_day_leaves_with_all_it_had(
    steer: Steering, clock: Clock, tmp_path: Path
) -> None:
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    steer.command(token, "press-0001", {"do": "next"})
    clock.wait(FORGOTTEN)
    steer.register()
    with pytest.raises(UnknownName):
        steer.wall(wall.id, secret)
    with pytest.raises(NotPaired):
        steer.steered(token)
    base = sqlite3.connect(tmp_path / state.FILE)
    try:
        for table in ("pairing", "command"):
            assert base.execute(f"SELECT count(*) FROM steer_{table}").fetchone() == (0,)
    finally:
        base.close()


def test_a_silent_wall_makes_room_for_another_but_not_one_that_is_on(
    steer: Steering, clock: Clock
) -> None:
    made = [steer.register() for _ in range(MOST_WALLS)]
    assert len({wall.name for wall, _ in made}) == MOST_WALLS
    assert len({wall.code for wall, _ in made}) == MOST_WALLS
    with pytest.raises(TooManyWalls, match="太多"):
        steer.register()
    clock.wait(120)
    for wall, secret in made[1:]:
        steer.wall(wall.id, secret)
    steer.register()
    with pytest.raises(UnknownName):
        steer.wall(made[0][0].id, made[0][1])


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def test_of_two_phones_with_the_same_code_at_once_one_is_paired(tmp_path: Path) -> None:
    steerings = [Steering(tmp_path) for _ in range(4)]
    for _ in range(15):
        wall, _ = steerings[0].register()

        def join(number: int, code: str = wall.code) -> bool:
            try:
                steerings[number].pair(code, f"10.0.{number}.{time.monotonic_ns() % 250}")
            except WrongCode:
                return False
            return True

        assert sum(together(4, join)) == 1
        base = sqlite3.connect(tmp_path / state.FILE)
        base.execute("DELETE FROM steer_try")
        base.commit()
        base.close()


def test_of_eight_threads_with_the_same_press_one_is_heard(tmp_path: Path) -> None:
    steer = Steering(tmp_path)
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    for number in range(10):
        numbers = together(
            8, lambda _, n=number: steer.command(token, f"press-{n:04}", {"do": "next"})
        )
        assert set(numbers) == {number + 1}
    assert len(pressed(steer, wall.id, secret)) == 10


def test_guesses_at_once_are_all_counted(tmp_path: Path) -> None:
    steer = Steering(tmp_path)
    steer.register()

    def guess(number: int) -> type[Exception]:
        with pytest.raises((WrongCode, TooManyTries)) as caught:
            steer.pair("no code", "10.0.0.7")
        return caught.type

    kinds = together(16, guess)
    assert kinds.count(WrongCode) == TRIES_AN_ADDRESS


def _press(folder: Path, token: str, name: str) -> None:
    steer = Steering(folder)
    for number in range(25):
        steer.command(token, f"{name}-{number:04}", {"do": "next"})
        steer.point(token, (100 + number, 30))
        steer.steered(token)


def test_several_processes_steer_at_once(tmp_path: Path) -> None:
    steer = Steering(tmp_path)
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_press, args=(tmp_path, token, f"phone{n}")) for n in range(4)]
    for other in others:
        other.start()
    while any(other.is_alive() for other in others):
        steer.wall(wall.id, secret)
        time.sleep(0.005)
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0] * 4
    seen = steer.wall(wall.id, secret)
    assert seen.seq == 100
    assert [one["seq"] for one in steer.commands(seen, 0)] == list(range(1, 101))


def _press_until_killed(folder: Path, token: str) -> None:
    steer = Steering(folder)
    for number in range(1_000_000):
        steer.command(token, f"press-{number:07}", {"do": "next"})


def test_a_process_killed_while_it_writes_leaves_all_that_it_answered(tmp_path: Path) -> None:
    steer = Steering(tmp_path)
    wall, secret = steer.register()
    token = steer.pair(wall.code, "10.0.0.7").token
    victim = multiprocessing.get_context("spawn").Process(
        target=_press_until_killed, args=(tmp_path, token)
    )
    victim.start()
    deadline = time.monotonic() + 60
    while steer.wall(wall.id, secret).seq < 20 and time.monotonic() < deadline:
        time.sleep(0.01)
    victim.kill()
    victim.join()
    last = steer.wall(wall.id, secret).seq
    assert last >= 20
    assert Steering(tmp_path).command(token, "afterwards", {"do": "first"}) == last + 1
    assert steer.steered(token)[0].id == wall.id


# ---- a file that cannot be used ---------------------------------------------------------------


def test_asking_before_there_is_a_file_leaves_none(steer: Steering, tmp_path: Path) -> None:
    with pytest.raises(UnknownName):
        steer.wall("0" * 16, "secret")
    with pytest.raises(NotPaired):
        steer.steered("token")
    with pytest.raises(WrongCode):
        steer.pair("123456", "10.0.0.7")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SteeringError):
        Steering(tmp_path / "nowhere").register()


def test_it_shares_the_file_with_the_pointer_to_the_edition(
    steer: Steering, tmp_path: Path
) -> None:
    state.set_current(tmp_path, "a" * 16)
    steer.register()
    state.set_current(tmp_path, "b" * 16)
    found = state.current(tmp_path)
    assert found is not None and found[0] == "b" * 16


def test_a_file_made_anew_is_taken_as_it_is(steer: Steering, tmp_path: Path) -> None:
    wall, secret = steer.register()
    for path in tmp_path.glob(f"{state.FILE}*"):
        path.unlink()
    with pytest.raises(UnknownName):
        steer.wall(wall.id, secret)
    state.set_current(tmp_path, "a" * 16)
    with pytest.raises(UnknownName):
        steer.wall(wall.id, secret)
    other, key = steer.register(wall.id, secret)
    assert steer.wall(other.id, key).seq == 0


def test_a_broken_file_is_said_to_be_unusable_without_its_place(
    steer: Steering, tmp_path: Path
) -> None:
    (tmp_path / state.FILE).write_bytes(b"no database at all, and long enough to be read" * 100)
    for ask in (steer.register, lambda: steer.pair("123456", "x"), lambda: steer.steered("x")):
        with pytest.raises(SteeringError, match="大屏自己会接着播") as caught:
            ask()
        assert str(tmp_path) not in str(caught.value)
        assert caught.value.http_status == 503


def test_a_locked_file_is_not_waited_for_long(
    steer: Steering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steering, "_PATIENCE", 0.2)
    wall, secret = steer.register()
    other = sqlite3.connect(tmp_path / state.FILE, isolation_level=None)
    slow = Steering(tmp_path, clock=steer._clock)
    try:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(SteeringError):
            slow.pair(wall.code, "10.0.0.7")
        assert time.monotonic() - began < 5
        # A poll only reads.
        assert slow.wall(wall.id, secret).id == wall.id
    finally:
        other.close()
    assert slow.pair(wall.code, "10.0.0.7").wall == wall.id


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_workspace_that_may_only_be_read_says_so(steer: Steering, tmp_path: Path) -> None:
    wall, _ = steer.register()
    for path in tmp_path.glob(f"{state.FILE}*"):
        path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(SteeringError):
            Steering(tmp_path).pair(wall.code, "10.0.0.7")
    finally:
        tmp_path.chmod(0o700)

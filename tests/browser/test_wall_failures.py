"""A running wall, and everything that can happen to it: it keeps its picture and mends itself.

The server is gunicorn in processes of its own, the wire to it a relay that can be cut, the
graphics context is really lost. Pictures are compared before, during and after.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.pictures import Picture, difference, read
from tests.browser.real_server import RealServer, Wire, real_server

pytestmark = [pytest.mark.browser, pytest.mark.server]

RECOVERY_SECONDS = 10
"""Promised: from the end of the cause to a wall without a mark."""

SAME = 0.002
"""Share of pixels that may differ between two screenshots of the same still scene."""

MARKED = 0.02
"""As much as the quiet mark and the clockwork of the corner may change."""

SHOWN = """() => window.bangfu && bangfu.wall && bangfu.wall.state().shown
  && bangfu.wall.state().settled"""
MARK = "() => Boolean(bangfu.wall.mark)"
CLEAR = "() => !bangfu.wall.mark"


@pytest.fixture(scope="module")
def server(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A server over a workspace of this file's own."""
    folder = tmp_path_factory.mktemp("wall") / "own"
    shutil.copytree(small_folder, folder)
    with real_server(folder) as running:
        yield running


@pytest.fixture
def wire(server: RealServer) -> Iterator[Wire]:
    made = Wire(server.port)
    yield made
    made.cut()


@pytest.fixture
def wall(visit: Callable[..., Watched], server: RealServer) -> Callable[[str], Watched]:
    """Opens a wall that is held on its first scene, everything loaded."""

    def open_wall(address: str) -> Watched:
        watched = visit(f"{address}/wall", width=960, height=540)
        watched.page.wait_for_function(SHOWN, timeout=PATIENCE_MS)
        watched.page.evaluate("() => bangfu.wall.hold(true)")
        everything = "() => bangfu.wall.state().loaded === bangfu.wall.scenes.length"
        watched.page.wait_for_function(everything, timeout=PATIENCE_MS)
        watched.page.evaluate("() => bangfu.wall.pairing(false)")
        watched.page.wait_for_timeout(1500)
        return watched

    return open_wall


def look(watched: Watched) -> Picture:
    return read(watched.page.screenshot())


def alike(one: Picture, other: Picture, most: float) -> None:
    found = difference(one, other)
    assert found <= most, f"{found:.2%} of the pixels differ"


def until(watched: Watched, condition: str, seconds: float) -> float:
    """Wait for a condition in the page; how long it took."""
    started = time.monotonic()
    watched.page.wait_for_function(condition, timeout=seconds * 1000)
    return time.monotonic() - started


def quiet(watched: Watched) -> None:
    """What a browser says in its console about a server that is gone is no fault of the page."""
    known = ("Failed to load resource", "ERR_", "WebGL", "CONTEXT_LOST", "context lost")
    watched.said[:] = [line for line in watched.said if not any(word in line for word in known)]


def scene(watched: Watched) -> str:
    return str(watched.page.evaluate("() => bangfu.wall.state().scene"))


def on(watched: Watched) -> None:
    """To the next scene, drawn."""
    first = scene(watched)
    watched.page.evaluate("() => bangfu.wall.next()")
    watched.page.wait_for_function(
        "first => bangfu.wall.state().scene !== first && bangfu.wall.state().settled",
        arg=first,
        timeout=PATIENCE_MS,
    )


def test_a_killed_server_leaves_the_picture_and_a_quiet_mark(
    wall: Callable[[str], Watched], server: RealServer
) -> None:
    watched = wall(server.address)
    before = look(watched)
    server.kill()
    until(watched, MARK, 15)
    watched.page.wait_for_timeout(1000)
    alike(before, look(watched), MARKED)
    # The briefing goes on from what is in memory.
    first = scene(watched)
    on(watched)
    watched.page.evaluate("() => bangfu.wall.go(0)")
    watched.page.wait_for_function(
        "first => bangfu.wall.state().scene === first && bangfu.wall.state().settled",
        arg=first,
        timeout=PATIENCE_MS,
    )
    watched.page.wait_for_timeout(1500)
    alike(before, look(watched), MARKED)
    server.start()
    until(watched, CLEAR, RECOVERY_SECONDS)
    watched.page.wait_for_timeout(1000)
    alike(before, look(watched), SAME)
    quiet(watched)


def test_a_hung_server_never_piles_up_polls(
    wall: Callable[[str], Watched], server: RealServer
) -> None:
    watched = wall(server.address)
    before = look(watched)
    server.hang()
    try:
        until(watched, MARK, 20)
        watched.page.wait_for_timeout(5000)
        assert watched.page.evaluate("() => bangfu.wall.stats.mostInFlight") == 1
        alike(before, look(watched), MARKED)
    finally:
        server.go_on()
    until(watched, CLEAR, RECOVERY_SECONDS)
    watched.page.wait_for_timeout(1000)
    alike(before, look(watched), SAME)
    quiet(watched)


def test_a_cut_wire_mends(wall: Callable[[str], Watched], wire: Wire) -> None:
    watched = wall(wire.address)
    before = look(watched)
    wire.drop()
    watched.page.wait_for_timeout(3000)
    alike(before, look(watched), MARKED)
    until(watched, CLEAR, RECOVERY_SECONDS)
    wire.cut()
    until(watched, MARK, 15)
    alike(before, look(watched), MARKED)
    wire.mend()
    until(watched, CLEAR, RECOVERY_SECONDS)
    watched.page.wait_for_timeout(1000)
    alike(before, look(watched), SAME)
    quiet(watched)


@pytest.mark.parametrize("comes_back", [True, False], ids=["restored", "never restored"])
def test_a_lost_graphics_context(
    wall: Callable[[str], Watched], server: RealServer, comes_back: bool
) -> None:
    watched = wall(server.address)
    before = look(watched)
    watched.page.evaluate(
        """() => {
          const gl = bangfu.map.painter.context.gl;
          window.lost = gl.getExtension("WEBGL_lose_context");
          window.lost.loseContext();
        }"""
    )
    watched.page.wait_for_timeout(700)
    alike(before, look(watched), MARKED)
    if comes_back:
        watched.page.evaluate("() => window.lost.restoreContext()")
    # The map itself is back, not only its last picture.
    alive = """() => bangfu.map && !bangfu.map.painter.context.gl.isContextLost()
      && bangfu.map.loaded() && !bangfu.wall.mark"""
    until(watched, alive, RECOVERY_SECONDS)
    watched.page.wait_for_timeout(1000)
    alike(before, look(watched), SAME)
    on(watched)
    quiet(watched)


def test_a_suspended_tab_goes_on(wall: Callable[[str], Watched], server: RealServer) -> None:
    watched = wall(server.address)
    before = look(watched)
    session: Any = watched.page.context.new_cdp_session(watched.page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    time.sleep(8)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    until(watched, CLEAR, RECOVERY_SECONDS)
    watched.page.wait_for_timeout(1000)
    alike(before, look(watched), SAME)
    polls = watched.page.evaluate("() => bangfu.wall.stats.polls")
    watched.page.wait_for_timeout(3000)
    assert watched.page.evaluate("() => bangfu.wall.stats.polls") > polls
    quiet(watched)


def test_one_scene_without_data_is_passed_over_and_comes_back(
    visit: Callable[..., Watched], server: RealServer
) -> None:
    watched = visit("about:blank", width=960, height=540)
    broken = {"on": True}

    def answer(route: Any) -> None:
        if broken["on"]:
            route.abort()
        else:
            route.continue_()

    watched.page.route("**/scene/progress.json", answer)
    watched.page.goto(f"{server.address}/wall?pace=10")
    watched.page.wait_for_function(SHOWN, timeout=PATIENCE_MS)
    order = watched.page.evaluate("() => bangfu.wall.scenes.map(one => one.id)")
    after = order[(order.index("progress") + 1) % len(order)]
    seen = "id => bangfu.wall.state().scene === id"
    watched.page.wait_for_function(seen, arg=after, timeout=60_000)
    assert watched.page.evaluate("() => Boolean(bangfu.wall.mark)")
    broken["on"] = False
    until(watched, CLEAR, RECOVERY_SECONDS)
    watched.page.evaluate("() => bangfu.wall.go('progress')")
    watched.page.wait_for_function(seen, arg="progress", timeout=PATIENCE_MS)
    quiet(watched)

"""The wall's shell: what is shown when, who may steer it, and that nothing ever breaks it.

The server is `wall_fixture.Stage`: the real map's files, and answers that each test can spoil.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dashboard.app import create_app
from dashboard.settings import Settings
from geodata.edition import Edition
from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.wall_fixture import BRIEFING, Json, Loopback, Stage, contents

pytestmark = pytest.mark.browser

RECOVERY_MS = 10_000
SHOWN = "() => window.bangfu && bangfu.wall && bangfu.wall.state().shown"
SETTLED = "() => window.bangfu && bangfu.wall && bangfu.wall.state().settled"
LOADED = "() => bangfu.wall.state().loaded === bangfu.wall.scenes.length"
Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def app(small_folder: Any) -> Any:
    """The real app behind the stage."""
    return create_app(Settings(workspace=small_folder, access="open")).server


@pytest.fixture(scope="module")
def said(small_edition: Edition) -> list[Json]:
    """What the scenes of the small world show."""
    return contents(small_edition)


@pytest.fixture
def stage(app: Any, small_edition: Edition, said: list[Json]) -> Stage:
    return Stage(small_edition, app, copy.deepcopy(said))


@pytest.fixture
def server(stage: Stage) -> Iterator[Loopback]:
    running = Loopback(stage)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def wall(visit: Callable[..., Watched], server: Loopback) -> Open:
    """Opens a wall: `wall(query="?pace=10", loaded=True, **context)`."""

    def open_wall(query: str = "", *, loaded: bool = True, **context: Any) -> Watched:
        seen = visit(f"{server.address}/wall{query}", width=960, height=540, **context)
        seen.page.wait_for_function(SHOWN)
        if loaded:
            seen.page.wait_for_function(LOADED)
            seen.page.wait_for_function(SETTLED)
        return seen

    return open_wall


def state(seen: Watched) -> Json:
    return dict(seen.page.evaluate("() => bangfu.wall.state()"))


def until(seen: Watched, condition: str, wait: float = PATIENCE_MS, arg: Any = None) -> None:
    """Wait for something about `s`, the state."""
    seen.page.wait_for_function(
        f"arg => {{ const s = bangfu.wall.state(); return {condition}; }}", arg=arg, timeout=wait
    )


def mark(seen: Watched, on: bool, wait: float = RECOVERY_MS) -> None:
    seen.page.wait_for_function("on => Boolean(bangfu.wall.mark) === on", arg=on, timeout=wait)


def forgive(seen: Watched, *words: str) -> None:
    """What the browser says by itself about answers that this test spoiled."""
    seen.said[:] = [line for line in seen.said if not any(word in line for word in words)]


FETCH = ("Failed to load resource", "net::")
AWAY = (*FETCH, "Callback failed: the server did not respond")
"""Dash says the latter when the server goes while a callback is on its way."""


# ---- the page -------------------------------------------------------------------------------


def test_a_screen_gets_the_layout_of_its_shape(wall: Open) -> None:
    seen = wall(loaded=False)
    root = """() => ['data-screen', 'data-look', 'data-layout']
        .map(name => document.documentElement.getAttribute(name))"""
    assert seen.page.evaluate(root) == ["wall", "dark", "hd"]
    for width, height, name in ((3840, 2160, "uhd"), (2560, 480, "strip"), (1920, 1080, "hd")):
        seen.page.set_viewport_size({"width": width, "height": height})
        seen.page.wait_for_function(
            "name => document.documentElement.getAttribute('data-layout') === name", arg=name
        )
        fits = """() => document.scrollingElement.scrollWidth <= innerWidth
            && document.scrollingElement.scrollHeight <= innerHeight"""
        assert seen.page.evaluate(fits)


def test_one_map_lives_as_long_as_the_page(wall: Open) -> None:
    seen = wall()
    seen.page.evaluate("() => { window.first = document.querySelector('.atlas-map canvas'); }")
    for _ in range(4):
        seen.page.keyboard.press("ArrowRight")
    until(seen, "s.index === 4 && s.settled")
    assert seen.page.evaluate("() => document.querySelector('.atlas-map canvas') === window.first")
    assert seen.page.locator(".wall-scene").count() == 1


# ---- what is shown when ---------------------------------------------------------------------


def test_scenes_follow_each_other_when_their_dwell_is_over_and_begin_anew(
    wall: Open, said: list[Json]
) -> None:
    seen = wall("?pace=25")
    order = [one["id"] for one in said]
    met: list[str] = []
    for name in (*order[1:], *order[:2]):
        seen.page.wait_for_function("id => bangfu.wall.state().scene === id", arg=name)
        met.append(name)
    assert met == [*order[1:], *order[:2]]


def test_a_scene_stays_as_long_as_it_says(stage: Stage, wall: Open) -> None:
    stage.scenes[0]["dwell"] = 5.0
    seen = wall(loaded=False)
    until(seen, "s.elapsed > 4")
    assert state(seen)["index"] == 0
    until(seen, "s.index === 1", 3000)


@pytest.mark.parametrize("motion", ["no-preference"])
def test_a_progress_scene_plays_its_months_and_stays_at_the_last(stage: Stage, wall: Open) -> None:
    seen = wall()
    seen.page.evaluate("""() => {
        window.frames_ = []; window.months = new Set();
        const before = bangfuWall.onPeriod;
        bangfuWall.onPeriod = at => { window.frames_.push(at); if (before) before(at); };
        bangfu.wall.go('progress');
    }""")
    until(seen, "(window.months.add(s.period), s.playing)")
    until(seen, "(window.months.add(s.period), s.period === 5 && !s.playing && s.settled)")
    frames = seen.page.evaluate("() => window.frames_")
    assert frames[0] == 0 and frames[-1] == 5
    assert frames == sorted(frames)
    assert any(at != int(at) for at in frames), "colours fade between months"
    assert seen.page.evaluate("() => window.months.size") >= 4
    # It is not left before its end was seen, and then goes on by itself.
    until(seen, "s.scene !== 'progress'", 40_000)


def test_hold_stops_the_clock_and_the_months(wall: Open) -> None:
    seen = wall("?pace=2")
    seen.page.evaluate("() => bangfu.wall.go('progress')")
    until(seen, "s.playing && s.period > 0")
    seen.page.keyboard.press(" ")
    held = state(seen)
    assert held["hold"] and not held["playing"]
    seen.page.wait_for_timeout(1500)
    after = state(seen)
    assert (after["elapsed"], after["period"]) == (held["elapsed"], held["period"])
    seen.page.keyboard.press(" ")
    until(seen, "!s.hold && s.period === 5")


def test_who_wants_less_motion_gets_cuts(wall: Open) -> None:
    seen = wall(reduced_motion="reduce")
    seen.page.evaluate("""() => {
        window.moves = 0; window.frames_ = [];
        bangfu.map.on('move', () => { window.moves += 1; });
        bangfuWall.onPeriod = at => window.frames_.push(at);
    }""")
    seen.page.evaluate("() => bangfu.wall.go(4)")
    until(seen, "s.index === 4 && s.settled")
    assert seen.page.evaluate("() => window.moves") <= 2, "a cut, no flight"
    seen.page.evaluate("() => bangfu.wall.go('progress')")
    until(seen, "s.scene === 'progress' && s.settled")
    assert seen.page.evaluate("() => window.frames_.every(at => at === Math.round(at))")


# ---- steering -------------------------------------------------------------------------------


def test_keys_of_a_keyboard_and_a_clicker(wall: Open, said: list[Json]) -> None:
    seen = wall()
    last = len(said) - 1
    for key, index in (
        ("ArrowRight", 1),
        ("PageDown", 2),
        ("ArrowDown", 3),
        ("ArrowLeft", 2),
        ("PageUp", 1),
        ("ArrowUp", 0),
        ("ArrowUp", last),
        ("Home", 0),
        ("End", last),
        ("F5", 0),
        ("3", 2),
    ):
        seen.page.keyboard.press(key)
        until(seen, "s.index === arg", 3000, index)
    for key in ("b", "."):
        seen.page.keyboard.press(key)
        assert state(seen)["blank"]
        seen.page.keyboard.press(key)
        assert not state(seen)["blank"]
    seen.page.keyboard.press("b")
    seen.page.keyboard.press("PageDown")
    after = state(seen)
    assert (after["blank"], after["index"]) == (False, 3), "no clicker is caught in the dark"


def test_two_digits_are_one_number(stage: Stage, wall: Open) -> None:
    for number in range(6):
        more = copy.deepcopy(stage.scenes[-1])
        more["id"] = f"more-{number}"
        stage.scenes.append(more)
    seen = wall()
    seen.page.keyboard.type("12")
    until(seen, "s.index === 11", 2000)
    seen.page.keyboard.press("1")
    until(seen, "s.index === 0", 3000)
    # A number that is no scene's is said so, and changes nothing.
    seen.page.keyboard.type("19")
    seen.page.wait_for_selector(".shell-toast:not([hidden])")
    assert state(seen)["index"] == 0


def test_an_input_method_does_not_take_the_keys(wall: Open) -> None:
    seen = wall(loaded=False)
    press = """code => window.dispatchEvent(
        new KeyboardEvent('keydown', {key: 'Process', code, bubbles: true, cancelable: true}))"""
    seen.page.evaluate(press, "KeyB")
    assert state(seen)["blank"]
    seen.page.evaluate(press, "KeyB")
    assert not state(seen)["blank"]


def test_fingers(visit: Callable[..., Watched], server: Loopback) -> None:
    seen = visit(f"{server.address}/wall", width=1280, height=720, has_touch=True)
    seen.page.wait_for_function(SHOWN)
    seen.page.wait_for_function(LOADED)
    swipe = """([from, to]) => {
        const at = (type, x) => document.querySelector('.wall').dispatchEvent(new PointerEvent(type,
          {pointerType: 'touch', isPrimary: true, clientX: x, clientY: 300, bubbles: true}));
        at('pointerdown', from); at('pointermove', to); at('pointerup', to);
    }"""
    seen.page.evaluate(swipe, [900, 500])
    until(seen, "s.index === 1", 2000)
    seen.page.evaluate(swipe, [500, 900])
    until(seen, "s.index === 0", 2000)
    seen.page.touchscreen.tap(640, 400)
    strip = seen.page.locator(".shell-strip")
    strip.wait_for()
    strip.get_by_role("button", name="下一幕").click()
    until(seen, "s.index === 1", 2000)
    strip.wait_for(state="detached", timeout=8000)


def test_the_pairing_card_is_there_until_somebody_pairs(stage: Stage, wall: Open) -> None:
    seen = wall()
    card = seen.page.locator(".shell-card")
    card.wait_for()
    assert "482913" in card.inner_text()
    assert "/remote" in card.inner_text()
    stage.paired = 1
    card.wait_for(state="detached", timeout=4000)
    seen.page.keyboard.press("p")
    card.wait_for()
    seen.page.keyboard.press("p")
    card.wait_for(state="detached")


def test_help_says_what_the_keys_do(wall: Open) -> None:
    seen = wall(loaded=False)
    seen.page.keyboard.press("?")
    help_ = seen.page.locator(".shell-help")
    help_.wait_for()
    assert "黑屏" in help_.inner_text()
    seen.page.keyboard.press("Escape")
    help_.wait_for(state="detached")


def test_a_phone_steers_within_half_a_second(stage: Stage, wall: Open) -> None:
    stage.paired = 1
    stage.order("last")  # given before the wall was opened: not for this one
    seen = wall()
    assert state(seen)["index"] == 0
    seen.page.wait_for_timeout(1500)  # by now it polls as often as a paired one does
    late = []
    for what, more, condition in (
        ("next", {}, "s.index === 1"),
        ("go", {"scene": "standings"}, "s.scene === 'standings'"),
        ("previous", {}, "s.index === s.total - 2"),
        ("first", {}, "s.index === 0"),
        ("hold", {"on": True}, "s.hold"),
        ("hold", {"on": False}, "!s.hold"),
        ("blank", {"on": True}, "s.blank"),
        ("blank", {"on": False}, "!s.blank"),
    ):
        ordered = time.time()
        stage.order(what, **more)
        # Looked at by the page's own clock, not between the frames of a software renderer.
        done = seen.page.evaluate(
            f"""() => new Promise(resolve => {{
                const timer = setInterval(() => {{
                  const s = bangfu.wall.state();
                  if ({condition}) {{ clearInterval(timer); resolve(Date.now() / 1000); }}
                }}, 10);
            }})"""
        )
        late.append(done - ordered)
    assert statistics.median(late) < 0.5, late
    seen.page.wait_for_timeout(1000)
    told = stage.showing[-1]
    assert (told["scene"], told["hold"], told["blank"]) == ("overview", False, False)
    assert told["edition"] == stage.edition.id


def test_a_phone_shows_a_place_and_comes_back(stage: Stage, wall: Open) -> None:
    seen = wall()
    village = str(stage.edition.regions("village").iloc[7]["code"])
    stage.order("go", scene="coverage")
    until(seen, "s.scene === 'coverage'")
    stage.order("region", code=village)
    until(seen, "s.region === arg && s.settled", arg=village)
    seen.page.wait_for_timeout(1000)
    assert stage.showing[-1]["region"] == village
    stage.order("return")
    until(seen, "s.region === null && s.scene === 'coverage' && s.content === 'coverage'")
    # A place that there is not: a word, and nothing else changes.
    stage.order("region", code="000000000000")
    seen.page.wait_for_selector(".shell-toast:not([hidden])")
    assert state(seen)["scene"] == "coverage"
    forgive(seen, *FETCH)


def test_the_phones_pointer_stands_on_the_map_and_fades(stage: Stage, wall: Open) -> None:
    seen = wall()
    row = stage.edition.regions("village").iloc[7]
    stage.pointer = {"lon": float(row["lon"]), "lat": float(row["lat"]), "age_ms": 0}
    seen.page.wait_for_selector(".shell-dot.is-on", state="attached")
    off = seen.page.evaluate(
        """([lon, lat]) => {
            const dot = document.querySelector('.shell-dot').getBoundingClientRect();
            const map = bangfu.map.getCanvas().getBoundingClientRect();
            const at = bangfu.map.project([lon, lat]);
            return Math.hypot(dot.x + dot.width / 2 - map.x - at.x,
              dot.y + dot.height / 2 - map.y - at.y);
        }""",
        [float(row["lon"]), float(row["lat"])],
    )
    assert off < 3
    # Nobody says anything new: after two seconds it is gone.
    seen.page.wait_for_function(
        "() => !document.querySelector('.shell-dot').classList.contains('is-on')", timeout=4000
    )


def test_a_wall_introduces_itself_as_the_same_one(stage: Stage, wall: Open) -> None:
    seen = wall(loaded=False)
    known = """() => Object.values(localStorage).some(text => text.includes('"w1"'))"""
    seen.page.wait_for_function(known)
    with seen.page.expect_response(lambda answer: "/steer/walls" in answer.url):
        seen.page.reload()
    seen.page.wait_for_function(SHOWN)
    assert stage.walls[0] == {"briefing": BRIEFING}
    assert stage.walls[1] == {"wall": "w1", "secret": "s1", "briefing": BRIEFING}


def test_without_steering_it_runs_by_itself(stage: Stage, wall: Open) -> None:
    stage.steering = False
    seen = wall("?pace=20")
    until(seen, "s.index >= 2")
    assert seen.page.evaluate("() => bangfu.wall.mark") is None
    forgive(seen, *FETCH)


# ---- new data -------------------------------------------------------------------------------


def test_new_data_come_between_scenes_and_keep_the_place(stage: Stage, wall: Open) -> None:
    seen = wall("?pace=2")
    seen.page.keyboard.press("3")
    until(seen, "s.index === 2")
    fresh = copy.deepcopy(stage.scenes)
    fresh.insert(0, {**copy.deepcopy(fresh[0]), "id": "new"})
    for one in fresh:
        one["sentence"] = "新数据：" + one["sentence"]
    stage.scenes, stage.fingerprint = fresh, "ba9876543210"
    assert state(seen)["fingerprint"] != stage.fingerprint
    until(seen, "s.fingerprint === 'ba9876543210'")
    # The one after the scene that was shown, wherever that is now.
    assert state(seen)["scene"] == fresh[4]["id"]
    assert state(seen)["loaded"] == len(fresh)
    seen.page.wait_for_selector("text=新数据")


def test_new_data_that_do_not_come_change_nothing(stage: Stage, wall: Open) -> None:
    seen = wall("?pace=10")
    stage.broken.add("/scene/standings.json")
    stage.fingerprint = "ba9876543210"
    changes = seen.page.evaluate("() => bangfu.wall.stats.changes")
    seen.page.wait_for_function("n => bangfu.wall.stats.changes > n + 3", arg=changes)
    assert state(seen)["fingerprint"] != stage.fingerprint
    stage.broken.clear()
    until(seen, "s.fingerprint === arg", arg=stage.fingerprint)
    forgive(seen, *FETCH)


# ---- never broken ---------------------------------------------------------------------------


def test_the_server_may_go_and_come_back(wall: Open, server: Loopback) -> None:
    seen = wall("?pace=40")
    scenes = len(seen.page.evaluate("() => bangfu.wall.scenes"))
    sentence = seen.page.locator(".wall-enter .wall-sentence")
    server.stop()
    mark(seen, True)
    changes = seen.page.evaluate("() => bangfu.wall.stats.changes")
    # All of it is in memory: the briefing goes on.
    seen.page.wait_for_function(
        "n => bangfu.wall.stats.changes > n", arg=changes + scenes, timeout=60_000
    )
    assert sentence.inner_text().strip()
    assert "连接中断" in seen.page.locator(".wall-mark").inner_text()
    assert seen.page.evaluate("() => bangfu.wall.stats.reloads") == 0
    server.start()
    mark(seen, False)
    forgive(seen, *AWAY)


def test_the_server_may_go_before_the_first_scene(
    visit: Callable[..., Watched], stage: Stage, server: Loopback
) -> None:
    stage.broken.add("/api/v1/briefings")
    seen = visit(f"{server.address}/wall", width=1280, height=720)
    waiting = seen.page.locator("#wall-waiting")
    waiting.wait_for()
    seen.page.wait_for_function("() => Boolean(bangfu.wall)")
    server.stop()
    seen.page.wait_for_timeout(2500)
    assert waiting.is_visible()
    assert "正在等待数据" in waiting.inner_text()
    stage.broken.clear()
    server.start()
    seen.page.wait_for_function(SHOWN, timeout=RECOVERY_MS)
    waiting.wait_for(state="hidden")
    forgive(seen, *AWAY)


def test_the_layout_may_fail_to_come(
    visit: Callable[..., Watched], stage: Stage, server: Loopback
) -> None:
    stage.broken.add("/_dash-layout")
    seen = visit(f"{server.address}/wall", width=1280, height=720)
    seen.page.wait_for_selector("._dash-error", state="attached")
    assert "Error" not in seen.page.locator("body").inner_text()
    stage.broken.clear()
    seen.page.wait_for_function(SHOWN, timeout=30_000)
    seen.said.clear()


def test_a_scene_that_cannot_be_drawn_leaves_the_one_before_it(wall: Open) -> None:
    seen = wall()
    seen.page.evaluate("""() => {
        const draw = bangfuWall.SceneView;
        window.bad = 'coverage';
        bangfuWall.SceneView = function (props) {
          if (props.content.id === window.bad) throw new Error('no such thing');
          return draw(props);
        };
    }""")
    # Another component than before: let the page take it up.
    seen.page.evaluate("() => bangfu.wall.go('gaps')")
    until(seen, "s.scene === 'gaps' && s.settled")
    before = seen.page.locator(".wall-enter .wall-sentence").inner_text()
    seen.page.evaluate("() => bangfu.wall.go('coverage')")
    mark(seen, True)
    until(seen, "s.content === 'gaps' && s.settled")
    assert seen.page.locator(".wall-enter .wall-sentence").inner_text() == before
    # The rotation goes on behind it.
    seen.page.evaluate("() => bangfu.wall.next()")
    until(seen, "s.content !== 'gaps' && s.content !== 'coverage'")
    assert seen.page.evaluate("() => bangfu.wall.stats.errors") >= 1
    forgive(seen, "no such thing")


def test_uncaught_errors_are_counted_and_marked(wall: Open) -> None:
    seen = wall()
    seen.page.evaluate("""() => {
        setTimeout(() => { throw new Error('on purpose'); }, 0);
        Promise.reject(new Error('on purpose, too'));
    }""")
    mark(seen, True)
    assert seen.page.evaluate("() => bangfu.wall.stats.errors") == 2
    assert seen.page.locator(".wall-enter .wall-sentence").inner_text().strip()
    forgive(seen, "on purpose")


def test_the_watchdog_rebuilds_a_map_that_does_not_paint(wall: Open) -> None:
    seen = wall()
    seen.page.evaluate("""() => {
        // A map that never comes to rest, as after a fault of its driver.
        window.stuck = bangfu.map;
        bangfu.map.fire = () => bangfu.map;
        bangfu.wall.next();
    }""")
    seen.page.wait_for_function("() => bangfu.wall.stats.rebuilds === 1", timeout=30_000)
    until(seen, "s.settled")
    assert seen.page.evaluate("() => bangfu.map !== window.stuck")
    assert seen.page.evaluate("() => bangfu.wall.stats.reloads") == 0


def test_a_reload_keeps_scene_hold_and_darkness(wall: Open) -> None:
    seen = wall()
    seen.page.evaluate("() => { bangfu.wall.go('gaps'); bangfu.wall.hold(true); }")
    seen.page.reload()
    seen.page.wait_for_function(SHOWN)
    after = state(seen)
    assert (after["scene"], after["hold"], after["blank"]) == ("gaps", True, False)

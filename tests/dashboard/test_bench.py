"""What the benchmarks make of what they measured."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("playwright.sync_api")

from dashboard.bench import animation, blocking, deciding


def test_frames_are_compared_with_an_empty_map_and_with_feature_state() -> None:
    rows = animation.compared(
        [
            {"map": "empty", "layers": "none", "frame_ms": 20.0},
            {"map": "mesh", "layers": "fills", "frame_ms": 30.0},
            {"map": "feature-state", "layers": "fills", "frame_ms": 90.0},
            {"map": "plotly", "layers": "fills", "frame_ms": None},
        ]
    )
    assert [row["against_empty"] for row in rows] == [1.0, 1.5, 4.5, None]
    assert [row["sooner"] for row in rows] == [None, 3.0, None, None]


def test_waiting_times_are_told_by_kind_and_whoever_was_second_is_no_error() -> None:
    tally = deciding.Tally(counting=True)
    for kind, status in (
        ("pick", 200),
        ("pick", 409),
        ("state", 304),
        ("state", 500),
        ("state", 0),
    ):
        tally.note(kind, time.perf_counter(), status)
    pick, state, everything = deciding._rows(tally, seconds=2.0)
    assert (pick["request"], pick["count"], pick["refused"], pick["errors"]) == ("pick", 1, 1, 0)
    assert (state["request"], state["count"], state["refused"], state["errors"]) == (
        "state", 1, 0, 2,
    )  # fmt: skip
    assert (everything["request"], everything["per_second"], everything["errors"]) == ("all", 1, 2)


def test_blocking_is_what_long_tasks_take_beyond_50_ms_on_the_readers_machine() -> None:
    tasks = [(0.0, 90.0), (100.0, 20.0), (200.0, 60.0), (300.0, 400.0)]
    assert blocking.blocked(tasks, 1, 50.0, 300.0) == 10.0
    assert blocking.blocked(tasks, 4, 50.0, 300.0) == 30.0 + 190.0
    assert blocking.blocked(tasks, 1, 0.0, float("inf")) == 40.0 + 10.0 + 350.0


def test_only_the_main_thread_of_the_page_with_the_map_is_counted() -> None:
    def event(name: str, pid: int, tid: int, ts: int, **more: object) -> dict[str, object]:
        return {"name": name, "pid": pid, "tid": tid, "ts": ts, **more}

    def task(pid: int, tid: int, ts: int, tdur: int) -> dict[str, object]:
        return event(blocking.TASK, pid, tid, ts, tdur=tdur)

    main = {"name": "CrRendererMain"}
    tasks, content, painted = blocking.tasks_of(
        [
            event("thread_name", 1, 1, 0, args=main),
            event("thread_name", 2, 5, 0, args=main),
            event("thread_name", 2, 6, 0, args={"name": "Compositor"}),
            task(1, 1, 10, 900_000), task(2, 5, 2_000, 70_000), task(2, 6, 3_000, 80_000),
            event(blocking.CONTENT, 1, 1, 5_000), event(blocking.CONTENT, 2, 5, 7_000),
            event(blocking.FIRST_MAP, 2, 5, 90_000),
        ]
    )  # fmt: skip
    assert tasks == [(2.0, 70.0)]
    assert (content, painted) == (7.0, 90.0)

"""What the benchmarks make of what they measured."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("playwright.sync_api")

from dashboard.bench import animation, deciding


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

"""What the benchmarks make of what they measured."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.sync_api")

from dashboard.bench import animation


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

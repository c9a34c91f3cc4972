"""The camera: web mercator, a region fitted with room around it, never past the world's edge."""

from __future__ import annotations

import math

import numpy as np
import pytest

from layers.poster import frame
from layers.view import View

SIZE = {"width": 800, "height": 500}


def test_a_region_fills_the_frame_but_for_its_padding(small):
    for code in (None, "990002000000", "990002901000"):
        camera = frame(small, View(region=code), **SIZE)
        west, south, east, north = (small.region(code) if code else small.root).bounds
        (left, bottom), (right, top) = camera.project([(west, south), (east, north)])
        edge = math.floor(500 * 0.045 + 0.5) + 4
        room = min(left, top, 800 - right, 500 - bottom)
        assert room == pytest.approx(edge, abs=0.5)
        assert left + right == pytest.approx(800, abs=0.5)
        assert top + bottom == pytest.approx(500, abs=0.5)


def test_what_is_covered_is_kept_free(small):
    west, south, east, north = small.root.bounds
    camera = frame(small, View(), padding={"left": 300, "bottom": 40}, **SIZE)
    (left, bottom), (right, top) = camera.project([(west, south), (east, north)])
    assert left >= 300
    assert bottom <= 460
    assert right <= 800
    assert top >= 0


def test_a_leaf_is_seen_among_its_neighbours(small):
    leaf = small.region("990002901001")
    camera = frame(small, View(region=leaf.code), **SIZE)
    (left, _), (right, _) = camera.project([(leaf.bounds[0], 39.2), (leaf.bounds[2], 39.2)])
    assert right - left < 800 / 3.1


def test_the_views_own_camera_wins(small):
    camera = frame(small, View(camera=(11.5, 39.2, 117.3)), **SIZE)
    assert camera.zoom == 11.5
    np.testing.assert_allclose(camera.project([(117.3, 39.2)]), [(400, 250)], atol=1e-6)


def test_bounds_and_scale_belong_to_the_frame(small):
    camera = frame(small, View(), **SIZE)
    west, south, east, north = camera.bounds
    np.testing.assert_allclose(
        camera.project([(west, north), (east, south)]), [(0, 0), (800, 500)], atol=1e-6
    )
    across = (east - west) * 111_320 * math.cos(math.radians((south + north) / 2))
    assert across / 800 == pytest.approx(camera.metres, rel=1e-3)


@pytest.mark.parametrize("camera", [(0, 80, 170), (0, -80, -170), (24, 39.2, 117.2)])
def test_it_never_looks_past_the_edge_of_the_world(small, camera):
    found = frame(small, View(camera=camera), **SIZE)
    west, south, east, north = found.bounds
    assert -180 - 1e-6 <= west < east <= 180 + 1e-6
    assert -85.06 <= south < north <= 85.06

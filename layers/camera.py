"""Where the map's camera stands: web mercator, fitted to a region as the browser fits it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geodata.edition import Edition
from geodata.errors import BadRequest
from geodata.words import say

Json = Mapping[str, Any]
Box = tuple[float, float, float, float]

LEAST, MOST = 64, 8192
"""Pixels of a side."""

_TILE = 512
_NEAREST = 14.5  # a fitted region is not looked at from nearer
_BEYOND = 4  # zooms past the last tiles


@dataclass(frozen=True)
class Frame:
    """What a camera sees: web mercator with tiles of 512 pixels, north up."""

    zoom: float
    x: float
    """Middle, as a share of the world from the west."""
    y: float
    """Middle, as a share of the world from the north."""
    width: float
    height: float
    """Pixels."""

    @property
    def world(self) -> float:
        """Pixels around the earth."""
        return float(_TILE * 2**self.zoom)

    @property
    def metres(self) -> float:
        """Metres on the ground a pixel, in the middle of the picture: what a scale bar needs."""
        return 40_075_016.686 * math.cos(math.radians(_latitude(self.y))) / self.world

    @property
    def bounds(self) -> Box:
        """West, south, east, north in degrees."""
        across, down = self.width / self.world / 2, self.height / self.world / 2
        return (
            (self.x - across) * 360 - 180,
            _latitude(self.y + down),
            (self.x + across) * 360 - 180,
            _latitude(self.y - down),
        )

    def project(self, points: ArrayLike) -> NDArray[np.float64]:
        """Degrees [n, 2] to pixels from the upper left."""
        given = np.asarray(points, dtype=np.float64)
        x = given[:, 0] / 360 + 0.5
        y = 0.5 - np.arcsinh(np.tan(np.radians(given[:, 1]))) / (2 * math.pi)
        return np.column_stack(
            (
                (x - self.x) * self.world + self.width / 2,
                (y - self.y) * self.world + self.height / 2,
            )
        )


def fit(
    edition: Edition,
    shown: Json,
    width: int,
    height: int,
    padding: Mapping[str, float] | None = None,
) -> Frame:
    """The frame of a picture (see `layers.picture`): its own camera, else its region fitted.

    Raises
    ------
    BadRequest : a size that nobody needs.
    """
    if not (LEAST <= width <= MOST and LEAST <= height <= MOST):
        raise BadRequest(say("poster.size", least=LEAST, most=MOST), value=f"{width}x{height}")
    nearest = max(edition.zooms(level.id).max for level in edition.levels) + _BEYOND
    if shown["camera"]:
        zoom, latitude, longitude = shown["camera"]
        return _held(min(zoom, nearest), longitude / 360 + 0.5, _down(latitude), width, height)
    west, south, east, north = shown["region"]["bounds"]
    if shown["region"]["leaf"]:
        # A leaf is seen among its neighbours.
        across, along = 1.1 * (east - west), 1.1 * (north - south)
        west, east, south, north = west - across, east + across, south - along, north + along
    cover = padding or {}
    edge = math.floor(min(width, height) * 0.045 + 0.5) + 4
    top, right, bottom, left = (
        edge + cover.get(side, 0) for side in ("top", "right", "bottom", "left")
    )
    x, y = (west + east) / 720 + 0.5, (_down(south) + _down(north)) / 2
    # Pixels around the earth at which the region fills what is free of the frame.
    fits = min(
        max(width - left - right, 1) / max((east - west) / 360, 1e-9),
        max(height - top - bottom, 1) / max(_down(south) - _down(north), 1e-9),
    )
    zoom = min(math.log2(fits / _TILE), _NEAREST, nearest)
    world = _TILE * 2**zoom
    return _held(
        zoom, x + (right - left) / 2 / world, y + (bottom - top) / 2 / world, width, height
    )


def _held(zoom: float, x: float, y: float, width: int, height: int) -> Frame:
    """A frame that does not look past the edge of the world."""
    zoom = max(zoom, math.log2(max(width, height) / _TILE))
    across, down = width / (_TILE * 2**zoom) / 2, height / (_TILE * 2**zoom) / 2
    x, y = min(max(x, across), 1 - across), min(max(y, down), 1 - down)
    return Frame(zoom, x, y, width, height)


def _down(latitude: float) -> float:
    """Share of the world from the north; mercator ends at 85 degrees."""
    bounded = math.radians(min(max(latitude, -85.051129), 85.051129))
    return 0.5 - math.asinh(math.tan(bounded)) / (2 * math.pi)


def _latitude(down: float) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * down))))

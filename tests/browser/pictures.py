"""Screenshots as arrays: how alike two are, and the approved ones that a layout is held against.

Approved pictures lie in `tests/browser/approved/`. They are changed on purpose only: run the test
with `APPROVE=1`, look at what changed in the diff of the pictures, and commit them.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

APPROVED = Path(__file__).parent / "approved"
FAILED = Path(__file__).parents[2] / "test-results" / "pictures"

SHARP = 24
"""A pixel differs when one of its channels does by more than this (of 255): antialiasing of
letters and borders is below it in most places, another colour class is above."""

TOLERANCE = 0.02
"""Share of pixels that may differ from the approved picture. Fonts and software GL of another
release draw edges a little differently; a panel that moved or a text that changed is above."""

SHRINK = 2
"""Approved pictures are kept at half the size: a quarter of the bytes, every word still there."""

Picture = NDArray[np.uint8]


def read(png: bytes) -> Picture:
    """A PNG as [height, width, 3]."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def difference(one: Picture, other: Picture, sharp: int = SHARP) -> float:
    """Share of pixels that differ; 1 for pictures of another size."""
    if one.shape != other.shape:
        return 1.0
    apart = np.abs(one.astype(np.int16) - other.astype(np.int16)).max(axis=2)
    return float((apart > sharp).mean())


def approve(name: str, png: bytes) -> None:
    """Hold a screenshot against the approved picture `name`, or make it the approved one."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image = image.resize((image.width // SHRINK, image.height // SHRINK), Image.Resampling.BOX)
    path = APPROVED / f"{name}.png"
    if os.environ.get("APPROVE"):
        path.parent.mkdir(parents=True, exist_ok=True)
        # A palette keeps the files small; 256 colours are more than a map has classes.
        image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        return
    if not path.is_file():
        pytest.fail(f"no approved picture {path.name}: run with APPROVE=1, look at it, commit it")
    with Image.open(path) as stored:
        wanted = np.asarray(stored.convert("RGB"))
    found = difference(np.asarray(image), wanted)
    if found > TOLERANCE:
        FAILED.mkdir(parents=True, exist_ok=True)
        image.save(FAILED / f"{name}.png")
        pytest.fail(
            f"{name}: {found:.1%} of the pixels differ from the approved picture "
            f"(allowed {TOLERANCE:.0%}); the new one is in test-results/pictures"
        )

"""A folder that comes whole or not at all: written aside, then put into its place."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DAY = 86_400
"""Seconds: no writing takes so long."""


@contextmanager
def replacing(place: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `place` at the end.

    What was there stays when anything fails before, and comes back when the move itself fails; of
    a process that is ended at once, the next call or `restore` makes good what it left.

    Raises
    ------
    OSError : when there is no room or no right to write.
    """
    restore(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=_aside(place), dir=place.parent))
    try:
        yield aside
        aside.chmod(0o755)
        _swap(aside, place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def restore(place: Path) -> None:
    """Make good what an ended process left: the old folder aside, between the two steps of a
    move, or a half one under a name of its own.
    """
    old = _old(place)
    if old.is_dir() and not place.exists():
        old.rename(place)
    if place.parent.is_dir():
        for left in place.parent.iterdir():
            if left.name.startswith(_aside(place)) and time.time() - left.stat().st_mtime > _DAY:
                shutil.rmtree(left, ignore_errors=True)


def _swap(aside: Path, place: Path) -> None:
    old = _old(place)
    if place.exists():
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
    try:
        aside.rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _old(place: Path) -> Path:
    return place.with_name(f".{place.name}.old")


def _aside(place: Path) -> str:
    return f".{place.name}.new-"

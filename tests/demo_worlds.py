"""The demo worlds that tests look at: told and written once a test run, then only read."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from geodata import build, check, demo
from geodata.demo.counts import PUBLISHED, scaled
from geodata.demo.geography import Geography, invent
from geodata.demo.story import Story, tell
from geodata.world import World

SEED = 2021
SMALL = 120


@cache
def geography(villages: int = PUBLISHED.villages) -> Geography:
    """The demo's geography. Nobody may change it."""
    return invent(villages, SEED)


@cache
def story(villages: int = PUBLISHED.villages) -> Story:
    """The demo's story. Nobody may change it."""
    return tell(geography(villages), scaled(villages), SEED)


@cache
def workspace(villages: int = PUBLISHED.villages) -> Path:
    """A written demo workspace. Nobody may change what is in it; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="bangfu-demo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return demo.write(folder / "demo", villages, SEED)


@cache
def world(villages: int = PUBLISHED.villages) -> World:
    """The same workspace, read and checked."""
    return check.read(workspace(villages))


@cache
def edition_folder(villages: int = PUBLISHED.villages) -> Path:
    """The same workspace with its edition built."""
    folder = workspace(villages)
    build.write(world(villages), folder)
    return folder

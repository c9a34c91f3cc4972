"""The editions that the tests of this room look at: built once, only read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from geodata.build import write
from geodata.check import read
from geodata.edition import Edition
from geodata.publish.derive import derive
from geodata.publish.gate import examine
from tests import published_worlds
from tests.tiny import write_tiny
from tests.worlds import build_small, small_world


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """Four levels, three rounds, every rule."""
    return build_small(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """Two levels, letters for codes, measures of another programme."""
    folder = write_tiny(tmp_path_factory.mktemp("tiny"))
    return Edition.open(folder, write(read(folder), folder))


@pytest.fixture(scope="session")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Edition]:
    """Makes the small world with another name for its first village, as a file might hold it."""

    def make(name: str) -> Edition:
        world = small_world()
        villages = world.regions["village"]
        names = [name, *villages["name"].tolist()[1:]]
        regions = {**world.regions, "village": villages.assign(name=names)}
        folder: Path = tmp_path_factory.mktemp("renamed")
        return Edition.open(folder, write(replace(world, regions=regions), folder))

    return make


@pytest.fixture(scope="session")
def open_world(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """The tiny world's public edition: wells and mean harvests are told for the land alone, and
    the smallest harvests are kept back.
    """
    home = tmp_path_factory.mktemp("open")
    text = published_worlds.atlas(
        public=("chosen_share", "well_share", "harvest_total", "harvest_mean"),
        counts={"harvest_total": "people"},
        levels={"well_share": ["land"], "harvest_mean": ["land"]},
        publication=published_worlds.PUBLICATION + "small_number = 25\n",
    )
    inside = published_worlds.edition(home / "world", text)
    gate = examine(inside, None, protect=published_worlds.protect)
    return Edition.of_folder(home / "edition", derive(inside, gate, home / "edition"))

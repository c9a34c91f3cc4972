"""Tiles out of an archive, from many threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from pmtiles.reader import MmapSource, all_tiles

from dashboard.tiles import Archive, Archives
from geodata.edition import Edition
from geodata.errors import UnknownName


def test_threads_read_the_same_tiles(edition: Edition) -> None:
    path = edition.tiles_path("village")
    with path.open("rb") as file:
        tiles = dict(all_tiles(MmapSource(file)))
    archive = Archive(path)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda place: archive.tile(*place), [*tiles] * 5))
    assert found == [*tiles.values()] * 5


def test_an_unknown_zoom_is_told_which_there_are(edition: Edition) -> None:
    archive = Archive(edition.tiles_path("village"))
    with pytest.raises(UnknownName, match=f"{archive.min_zoom} 到 {archive.max_zoom}"):
        archive.tile(archive.max_zoom + 1, 0, 0)


def test_a_few_archives_are_kept_open(edition: Edition) -> None:
    archives = Archives(keep=1)
    first = archives.at(edition.tiles_path("village"))
    assert archives.at(edition.tiles_path("village")) is first
    archives.at(edition.tiles_path("town"))
    assert archives.at(edition.tiles_path("village")) is not first
    assert first.tile(first.max_zoom, 0, 0) is None, "whoever still holds it can read on"

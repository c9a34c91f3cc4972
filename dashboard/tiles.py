"""Vector tiles out of a PMTiles archive, safe to read from many threads."""

from __future__ import annotations

import gzip
import mmap
import threading
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import Any

from pmtiles.tile import (
    Compression,
    deserialize_directory,
    deserialize_header,
    find_tile,
    zxy_to_tileid,
)

from geodata.errors import UnknownName
from geodata.words import say

_HEADER = 127
_DEEPEST = 4


class Archive:
    """One PMTiles file, mapped into memory; its directories are read once.

    `pmtiles.reader.Reader` unpacks the directories again for every tile, which takes longer than
    all the rest of a request.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.header = deserialize_header(self._bytes[:_HEADER])
        self.min_zoom: int = self.header["min_zoom"]
        self.max_zoom: int = self.header["max_zoom"]
        self._directory = lru_cache(maxsize=256)(self._read_directory)

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """The tile, gzipped; None where the archive holds nothing.

        Raises
        ------
        UnknownName : when the zoom is not in the archive or the position not in the world.
        """
        if not self.min_zoom <= z <= self.max_zoom or not (0 <= x < 1 << z and 0 <= y < 1 << z):
            raise UnknownName(
                say("error.unknown", what=say("error.what.tile")),
                value=f"{z}/{x}/{y}"[:80],
                cure=say("api.zooms", low=self.min_zoom, high=self.max_zoom),
            )
        number = zxy_to_tileid(z, x, y)
        offset, length = self.header["root_offset"], self.header["root_length"]
        for _ in range(_DEEPEST):
            entry = find_tile(self._directory(offset, length), number)
            if entry is None:
                return None
            if entry.run_length:
                start = self.header["tile_data_offset"] + entry.offset
                data = self._bytes[start : start + entry.length]
                packed = self.header["tile_compression"] is Compression.GZIP
                return data if packed else gzip.compress(data, mtime=0)
            offset = self.header["leaf_directory_offset"] + entry.offset
            length = entry.length
        return None

    def _read_directory(self, offset: int, length: int) -> Any:
        return deserialize_directory(self._bytes[offset : offset + length])


class Archives:
    """Open archives by path, the last few dozen; the rest are closed when nobody reads them."""

    def __init__(self, keep: int = 32) -> None:
        self._keep = keep
        self._open: OrderedDict[Path, Archive] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, path: Path) -> Archive:
        """The archive in a file."""
        with self._lock:
            archive = self._open.get(path)
            if archive is None:
                archive = self._open[path] = Archive(path)
            self._open.move_to_end(path)
            while len(self._open) > self._keep:
                self._open.popitem(last=False)
            return archive

"""Folders as one zip that is sent while it is read: never whole in memory, never on the disk."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

CHUNK = 262_144
"""Bytes that are read at a time."""
BEGIN = (1980, 1, 1, 0, 0, 0)
"""The time of every file: the same folder makes the same zip."""


class _Pipe:
    """A file that holds what was written until it is taken; it cannot be sought."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._held.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def taken(self) -> bytes:
        """What was written since; then it is gone."""
        found = b"".join(self._held)
        self._held.clear()
        return found


def streamed(parts: Iterable[tuple[Path, str]]) -> Iterator[bytes]:
    """A zip of the files of folders, each below a name, in chunks.

    Files are stored as they are: a site holds its own compressed twins.

    Raises
    ------
    OSError : a file is gone; what was sent so far is no zip, and its reader can tell.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(cast(IO[bytes], pipe), "w", zipfile.ZIP_STORED) as archive:
        for folder, name in parts:
            for path in sorted(folder.rglob("*")):
                if not path.is_file() or path.is_symlink():
                    continue
                told = zipfile.ZipInfo(f"{name}/{path.relative_to(folder).as_posix()}", BEGIN)
                told.file_size = path.stat().st_size
                told.external_attr = 0o644 << 16
                with path.open("rb") as source, archive.open(told, "w") as sink:
                    while chunk := source.read(CHUNK):
                        sink.write(chunk)
                        yield pipe.taken()
    yield pipe.taken()

"""What a bundle holds: its files with their sizes, written as `bundle.json` when all are there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geodata.errors import EditionError
from geodata.words import say

FORMAT = 1
FILE = "bundle.json"
KIND = "bangfu-bundle"
"""How a folder says that it is a bundle of ours, which may be replaced by another."""

_DIGEST = 12


def digest(data: bytes) -> str:
    """What names a file by its content."""
    return hashlib.sha256(data).hexdigest()[:_DIGEST]


@dataclass(frozen=True)
class File:
    """One file of a bundle."""

    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """All files of a bundle but `bundle.json` itself."""

    edition: str
    files: Mapping[str, File]
    """By path, relative to the bundle's folder, with slashes; in order of the paths."""
    first: tuple[str, ...] = ()
    """What a browser loads until the first map stands on a screen of 1280 x 800."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(one.size for one in self.files.values())

    def as_bytes(self) -> bytes:
        """The text of `bundle.json`; the same files give the same bytes."""
        told = {
            "kind": KIND,
            "format": FORMAT,
            "edition": self.edition,
            "first": list(self.first),
            "files": {
                path: {"size": one.size, "sha256": one.sha256} for path, one in self.files.items()
            },
        }
        return (json.dumps(told, ensure_ascii=False, indent=0) + "\n").encode()


def read(folder: Path) -> Manifest:
    """The manifest of a bundle in a folder.

    Raises
    ------
    EditionError : when the folder holds no bundle that was written to its end.
    """
    try:
        told: Any = json.loads((Path(folder) / FILE).read_text("utf-8"))
        if told["kind"] != KIND or told["format"] != FORMAT:
            raise ValueError(told["kind"])
        files = {path: File(one["size"], one["sha256"]) for path, one in told["files"].items()}
        return Manifest(told["edition"], files, tuple(told["first"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EditionError(
            say("bundle.none"), file=str(folder), cure=say("bundle.none_cure")
        ) from error


@dataclass
class Site:
    """A bundle while it is being written: puts files down and remembers them."""

    folder: Path
    files: dict[str, File] = field(default_factory=dict)

    def put(self, path: str, data: bytes) -> str:
        """Write a file under a fixed name; returns its path, which is its relative URL."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        self.note(path, data)
        return path

    def hashed(self, stem: str, suffix: str, data: bytes) -> str:
        """Write a file named by its content, so that it may be kept for ever."""
        return self.put(f"{stem}.{digest(data)}{suffix}", data)

    def json(self, stem: str, told: object) -> str:
        """Write JSON, as short as it can be said, named by its content."""
        return self.hashed(stem, ".json", compact(told))

    def note(self, path: str, data: bytes) -> None:
        """Remember a file that was written already."""
        self.files[path] = File(len(data), hashlib.sha256(data).hexdigest())

    def manifest(self, edition: str, first: tuple[str, ...]) -> Manifest:
        """What was written."""
        return Manifest(edition, dict(sorted(self.files.items())), first)


def compact(told: object) -> bytes:
    """JSON without blanks. No NaN: no browser reads it."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()

"""Bundles of the small worlds, written once a test run, and what tests ask of them."""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from dashboard import bundle
from dashboard.bundle.manifest import Manifest
from geodata import build, check
from geodata.edition import Edition
from tests.tiny import write_tiny
from tests.worlds import build_small, small_world

MARKUP = '<script>alert("1")</script>&\u2028\u2029\'村'
ODD = "😀 ﾊﾝ．A/../B%2f村"
_HOMES = ExitStack()

_URL = re.compile(r"^(?:a|d|r)/\S+\.[a-z]+$")


@dataclass(frozen=True)
class Made:
    """A bundle and the edition that it was made of."""

    edition: Edition
    out: Path
    manifest: Manifest

    @property
    def atlas(self) -> dict[str, Any]:
        (path,) = (self.out / "d").glob("atlas.*.json")
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found

    def read(self, url: str) -> bytes:
        """A data file as a browser has it in the end."""
        data = (self.out / url).read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data

    def json(self, url: str) -> Any:
        return json.loads(self.read(url))


def _home() -> Path:
    return Path(_HOMES.enter_context(tempfile.TemporaryDirectory(prefix="bangfu-bundle-")))


def _made(edition: Edition, home: Path) -> Made:
    out = home / "site"
    return Made(edition, out, bundle.write(edition, out))


@cache
def small() -> Made:
    """Four levels, three rounds."""
    home = _home()
    return _made(build_small(home), home)


@cache
def tiny() -> Made:
    """Two levels, letters for codes."""
    home = _home()
    folder = write_tiny(home / "tiny")
    build.write(check.read(folder), folder)
    return _made(Edition.open(folder), home)


@cache
def odd() -> Made:
    """The small world with names that nobody expects."""
    home = _home()
    world = small_world()
    regions = {level: frame.copy() for level, frame in world.regions.items()}
    regions["village"].loc[0, "name"] = MARKUP
    regions["village"].loc[1, "name"] = ODD
    regions["district"].loc[0, "name"] = MARKUP
    atlas = world.space.atlas.model_copy(update={"title": MARKUP, "source": MARKUP})
    changed = replace(world, regions=regions, space=world.space.model_copy(update={"atlas": atlas}))
    return _made(Edition.open(home, build.write(changed, home)), home)


def texts(node: object) -> Iterator[str]:
    """Every text in a JSON document, keys aside."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for one in node.values():
            yield from texts(one)
    elif isinstance(node, list):
        for one in node:
            yield from texts(one)


def urls(node: object) -> Iterator[str]:
    """Those of them that name a file of the bundle."""
    return (text for text in texts(node) if _URL.match(text) and "{" not in text)

"""What the first map costs a reader, and how large a bundle may be."""

from __future__ import annotations

from dashboard.bundle.manifest import Manifest
from geodata.errors import EditionError
from geodata.words import say

FIRST_MAP = 400_000
"""Bytes, gzipped, of all that is loaded until the first map stands."""
LARGEST = 1_000_000
"""Bytes of any file that a screen loads, as it travels to the reader who takes no compression."""
SHAPES, LEAF_NUMBERS = "d/s/", "d/nl/"
"""Folders of what only downloads load."""
_TWINS = (".gz", ".br")
WHOLE = 40_000_000
"""Bytes of a bundle of 3520 villages, twins included."""


def first_map(manifest: Manifest) -> list[tuple[str, int]]:
    """What travels to a reader whose server offers gzip, file by file: (path, bytes)."""
    return [(path, _travels(manifest, path)) for path in manifest.first]


def _travels(manifest: Manifest, path: str) -> int:
    packed = manifest.files.get(path + ".gz")
    return (packed or manifest.files[path]).size


def too_large(manifest: Manifest) -> list[tuple[str, int]]:
    """Files over `LARGEST` that a screen loads."""
    return [
        (path, one.size)
        for path, one in manifest.files.items()
        if one.size > LARGEST
        and not path.startswith((SHAPES, LEAF_NUMBERS))
        and not path.endswith(_TWINS)
    ]


def check(manifest: Manifest) -> None:
    """Pass a bundle whose screens load no file over `LARGEST`.

    Raises
    ------
    EditionError : names the largest file and what to do.
    """
    found = sorted(too_large(manifest), key=lambda one: -one[1])
    if found:
        path, size = found[0]
        raise EditionError(
            say("bundle.too_large", size=f"{size / 1e6:.1f}", most=f"{LARGEST / 1e6:.0f}"),
            value=path,
            cure=say("bundle.too_large_cure"),
        )

"""Gzip and brotli beside every file that profits, so that a server need not compress itself.

Imports little: it also runs in processes of its own, because brotli at its best takes a while.
"""

from __future__ import annotations

import gzip
import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

import brotli
import zopfli.gzip as zopfli

SUFFIXES = frozenset({".html", ".js", ".css", ".json", ".svg", ".xml", ".txt"})
"""What is text. `.bin` files are packed already."""
SMALLEST = 1000
"""Bytes: below, a response's headers weigh more than what could be saved."""
_LARGE = 30_000
"""Bytes from which on gzip's last three hundredths are worth a second of work: scripts and the
catalogue, which everybody loads. Pages are thousands."""
_WORTH = 512
"""Bytes that brotli must save beside gzip: of thousands of pages of 3 kB it saves a tenth, less
than a file takes on most disks."""
_TRIES = 5
_ALONE = 400
"""So few files are done before other processes have started."""
_BATCH = 64


def write(
    folder: Path,
    paths: Iterable[str],
    advance: Callable[[int], None] = lambda units: None,
) -> list[tuple[str, bytes]]:
    """Write `.gz` and `.br` beside the files of `folder` that profit.

    Returns
    -------
    Path and bytes of each twin. The same file gives the same twins. A twin that would not be
    smaller is not written, nor a `.br` that is hardly smaller than the `.gz`.
    """
    wanted = [path for path in paths if profits(folder / path)]
    batches = [wanted[at : at + _BATCH] for at in range(0, len(wanted), _BATCH)]
    found: list[tuple[str, bytes]] = []
    cores = os.cpu_count() or 1
    if len(wanted) <= _ALONE or cores == 1:
        for batch in batches:
            found += _batch(folder, batch)
            advance(len(batch))
        return found
    # Not forked: a process that draws or serves has threads, which a fork would tear.
    with ProcessPoolExecutor(
        min(cores, 8), mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        for batch, twins in zip(
            batches, pool.map(_batch, [folder] * len(batches), batches), strict=True
        ):
            found += twins
            advance(len(batch))
    return found


def profits(path: Path) -> bool:
    """Whether a file is worth twins."""
    return path.suffix in SUFFIXES and path.stat().st_size >= SMALLEST


def twins(data: bytes) -> dict[str, bytes]:
    """By suffix, what of `data` is smaller when packed."""
    return _of_large(data) if len(data) >= _LARGE else _packed(data)


@lru_cache(maxsize=16)
def _of_large(data: bytes) -> dict[str, bytes]:
    """Kept while the process lives: third parties' scripts are the same in every bundle."""
    return _packed(data)


def _packed(data: bytes) -> dict[str, bytes]:
    large = len(data) >= _LARGE
    packed = {
        ".gz": zopfli.compress(data, numiterations=_TRIES)
        if large
        else gzip.compress(data, compresslevel=9, mtime=0),
        # A window just large enough: the default one takes twice the time for pages of 3 kB.
        ".br": brotli.compress(data, quality=11, lgwin=min(22, max(16, len(data).bit_length()))),
    }
    if len(packed[".br"]) + _WORTH > len(packed[".gz"]):
        del packed[".br"]
    return {suffix: body for suffix, body in packed.items() if len(body) < len(data)}


def _batch(folder: Path, paths: Sequence[str]) -> list[tuple[str, bytes]]:
    found = []
    for path in paths:
        for suffix, body in twins((folder / path).read_bytes()).items():
            (folder / (path + suffix)).write_bytes(body)
            found.append((path + suffix, body))
    return found

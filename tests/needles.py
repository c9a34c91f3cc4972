"""Very many words looked for in very many bytes at once: a filter of grams, then hashes.

A word is where its first bytes are, in a table of bits; of those places a rolling hash of as many
bytes as a class of lengths holds says which remain; they are then compared byte by byte, so that
nothing is told that is not there and nothing is missed that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

SHORTEST = 5
"""Bytes; shorter words cannot be looked for."""
CLASSES = (5, 6, 7, 8, 10, 12, 16, 24, 32)
"""A needle is hashed over the longest of these that fits into it."""
CHUNK = 4 << 20
"""Bytes that are looked at at once."""

_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
_BITS = 23
_MIX = np.uint32(0x9E3779B1)

Words = NDArray[np.uint64]


class Needles:
    """Byte strings, each with the word that it stands for."""

    def __init__(self, needles: Mapping[bytes, str]) -> None:
        short = [needle for needle in needles if len(needle) < SHORTEST]
        if short:
            raise ValueError(f"shorter than {SHORTEST} bytes: {short[0]!r}")
        self.count = len(needles)
        self._longest = max(map(len, needles), default=SHORTEST)
        self._bits = np.zeros((2, 1 << _BITS), np.bool_)
        self._powers, self._inverses = (
            _powers(base, CHUNK + self._longest + 1) for base in (_BASE, _INVERSE)
        )
        kept: dict[int, dict[bytes, list[tuple[bytes, str]]]] = {}
        for needle, word in needles.items():
            size = max(one for one in CLASSES if one <= len(needle))
            kept.setdefault(size, {}).setdefault(needle[:size], []).append((needle, word))
        self._kept = kept
        self._hashes: dict[int, Words] = {}
        for size, heads in kept.items():
            flat = np.frombuffer(b"".join(heads), np.uint8).reshape(-1, size)
            rolled = (flat * self._powers[:size]).sum(1, dtype=np.uint64)
            self._hashes[size] = np.unique(rolled)
            for bits, first in zip(self._bits, (0, 1), strict=True):
                grams = np.ascontiguousarray(flat[:, first : first + 4]).view("<u4")[:, 0]
                bits[_slots(grams)] = True

    def found(self, data: bytes) -> set[str]:
        """The words of the needles that stand in `data`."""
        told: set[str] = set()
        for start in range(0, len(data), CHUNK):
            told |= self._in(data[start : start + CHUNK + self._longest])
        return told

    def _in(self, data: bytes) -> set[str]:
        if len(data) < SHORTEST:
            return set()
        places = self._places(data)
        if not len(places):
            return set()
        bytes_ = np.frombuffer(data, np.uint8).astype(np.uint64)
        sums = np.zeros(len(bytes_) + 1, np.uint64)
        np.cumsum(bytes_ * self._powers[: len(bytes_)], out=sums[1:])
        told = set()
        for size, hashes in self._hashes.items():
            at = places[places + size <= len(bytes_)]
            rolled = (sums[at + size] - sums[at]) * self._inverses[at]
            near = np.minimum(np.searchsorted(hashes, rolled), len(hashes) - 1)
            at = at[hashes[near] == rolled]
            heads = {data[place : place + size]: None for place in at.tolist()}
            for head in heads:
                for needle, word in self._kept[size].get(head, ()):
                    if word not in told and needle in data:
                        told.add(word)
        return told

    def _places(self, data: bytes) -> NDArray[np.int64]:
        """Where the first five bytes may be a needle's: two overlapping grams of four."""
        found = []
        for first in range(min(4, len(data) - SHORTEST + 1)):
            grams = np.frombuffer(data, "<u4", (len(data) - first) // 4, first)
            near = np.flatnonzero(self._bits[0][_slots(grams)]) * 4 + first
            found.append(near[near + SHORTEST <= len(data)])
        near = np.concatenate(found)
        bytes_ = np.frombuffer(data, np.uint8).astype(np.uint32)
        after = sum(bytes_[near + 1 + byte] << np.uint32(8 * byte) for byte in range(4))
        return near[self._bits[1][_slots(np.asarray(after, np.uint32))]]


def needles(words: Iterable[str]) -> Needles:
    """Of words as they are."""
    return Needles({word.encode(): word for word in words if len(word.encode()) >= SHORTEST})


def _powers(base: int, count: int) -> Words:
    found = np.full(count, base, np.uint64)
    found[0] = 1
    return np.cumprod(found, dtype=np.uint64)


def _slots(grams: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Where grams of four bytes stand in a table of bits."""
    return (grams * _MIX) >> np.uint32(32 - _BITS)

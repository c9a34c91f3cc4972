"""Finding a region by name, pinyin, initials or the beginning of its code."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pypinyin import Style, lazy_pinyin

_END = "\uffff"
"""Sorts after everything that a key may hold."""


def normal(text: str) -> str:
    """As keys are compared: full width made half, small letters, no blanks or apostrophes."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("ü", "v")
    return "".join(char for char in folded if not char.isspace() and char not in "'’·-")


def spell(name: str) -> tuple[str, str]:
    """Full pinyin and initials of a name: 青禾镇 -> (`qinghezhen`, `qhz`).

    Names in other scripts spell themselves; their initials are those of their words:
    `North Ford` -> (`northford`, `nf`).
    """
    full = normal("".join(lazy_pinyin(name, style=Style.NORMAL)))
    initials = []
    for part in lazy_pinyin(name, style=Style.FIRST_LETTER):
        # Chinese comes out as one letter each; other text as it stands, several words at once.
        initials += [word[0] for word in part.split()]
    return full, normal("".join(initials))


@dataclass(frozen=True)
class Entry:
    """One region as it can be searched; the order of entries is the order of equal answers."""

    name: str
    pinyin: str
    initials: str
    code: str
    """Without padding."""


class Index:
    """Answers in a few milliseconds over tens of thousands of regions.

    Best first: the whole key, then the beginning of a key, then the middle of a name or of its
    pinyin; within each, in the order of `entries` (upper levels first).
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        keys = []
        for number, entry in enumerate(entries):
            own = {normal(entry.name), entry.pinyin, entry.initials, normal(entry.code)} - {""}
            keys += [(key, number) for key in own]
        keys.sort()
        self._keys = [key for key, _ in keys]
        self._owners = np.array([number for _, number in keys], np.int64)
        # One long text in which a single scan finds every middle; it is kept in entry order.
        self._starts: list[int] = []
        parts: list[str] = []
        length = 0
        for entry in entries:
            part = f"{normal(entry.name)}\n{entry.pinyin}\n"
            self._starts.append(length)
            parts.append(part)
            length += len(part)
        self._text = "".join(parts)

    def find(self, text: str, limit: int = 10) -> list[int]:
        """Positions in `entries` of the best `limit` answers; none for an empty text."""
        wanted = normal(text)
        if not wanted or limit < 1:
            return []
        low = bisect_left(self._keys, wanted)
        exact_end = bisect_right(self._keys, wanted, lo=low)
        high = bisect_left(self._keys, wanted + _END, lo=exact_end)
        found: dict[int, None] = {}
        for first, last in ((low, exact_end), (exact_end, high)):
            # Ascending, so that upper levels come first; insertion keeps the better tier in front.
            for number in np.unique(self._owners[first:last]).tolist():
                if len(found) == limit:
                    return list(found)
                found[number] = None
        at = self._text.find(wanted)
        while at >= 0 and len(found) < limit:
            number = bisect_left(self._starts, at + 1) - 1
            found[number] = None
            # On to the next entry: one answer an entry is enough.
            following = self._starts[number + 1] if number + 1 < len(self._starts) else -1
            at = self._text.find(wanted, following) if following >= 0 else -1
        return list(found)

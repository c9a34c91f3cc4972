"""Count every row of every file: used, or reported by a finding; nothing in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from geodata.errors import AtlasError
from geodata.findings import Finding
from geodata.sources import Raw
from geodata.vocabulary import Severity, SourceKind
from geodata.words import say
from geodata.workspace import Source
from geodata.world import Input

Array = np.ndarray[Any, Any]

SHOWN = 30
"""Rows of one file with the same defect that get a finding of their own; the others share one
that lists their numbers."""

_RANGES = 60


@dataclass
class _Book:
    """One file's rows: which were reported, which came to use."""

    source: Source
    file: str
    sha256: str
    size: int
    index: Array
    reported: Array
    used: Array = field(init=False)

    def __post_init__(self) -> None:
        self.used = np.zeros(len(self.index), dtype=bool)


class Tally:
    """Gathers findings and keeps account of rows.

    A row is *reported* once a finding says that it, or part of it, was not used; else it must
    turn up in what was made of the file.
    """

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._books: list[_Book] = []

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings: errors first, then by file, as found."""
        order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
        return tuple(sorted(self._findings, key=lambda found: order[found.severity]))

    def open(self, raw: Raw) -> int:
        """Enter a file; its number is what `rows` and `use` are called with."""
        ragged = [row for row, _ in raw.ragged]
        index = np.sort(np.concatenate([raw.frame.index.to_numpy(dtype=np.int64), ragged]))
        nothing = np.zeros(len(index), dtype=bool)
        # Not the file's content: that is let go as soon as it has been made use of.
        self._books.append(_Book(raw.source, raw.file, raw.sha256, raw.size, index, nothing))
        number = len(self._books) - 1
        for remark, value in raw.remarks:
            self.add(
                Severity.WARNING,
                remark,
                file=raw.file,
                value=value,
                message=say(f"source.{remark}"),
                cure=say(f"source.{remark}_cure"),
            )
        if ragged:
            self.rows(number, "too_many_cells", ragged, [text for _, text in raw.ragged])
        return number

    def file(self, number: int) -> str:
        """The path of a file that was entered."""
        return self._books[number].file

    def add(
        self,
        severity: Severity,
        code: str,
        /,
        *,
        file: str = "",
        place: str = "",
        value: object = "",
        message: str = "",
        cure: str = "",
        rows: int = 0,
        words: Mapping[str, object] | None = None,
    ) -> None:
        """Add one finding; its sentences are `check.<code>` and `check.<code>_cure`."""
        words = words or {}
        self._findings.append(
            Finding(
                severity,
                code,
                file,
                place,
                str(value),
                message or say(f"check.{code}", **words),
                cure or say(f"check.{code}_cure", **words),
                rows,
            )
        )

    def error(self, error: AtlasError, code: str) -> None:
        """Take up something raised, so that all files are looked at before the build stops."""
        self._findings.append(
            Finding(
                Severity.ERROR, code, error.file, error.place, error.value, error.message,
                error.cure, 0,
            )
        )  # fmt: skip

    def rows(
        self,
        number: int,
        code: str,
        rows: Any,
        values: Any,
        *,
        severity: Severity = Severity.WARNING,
        lost: bool = True,
        place: str = "",
        together: bool = False,
        words: Mapping[str, Any] | None = None,
    ) -> None:
        """Add findings about rows of a file, one each up to `SHOWN`, the rest in one.

        Parameters
        ----------
        number : the file, from `open`.
        rows : row numbers as in the file's index; values : what stands there, as long as `rows`.
        lost : whether the row, or part of it, goes unused because of this.
        place : what to say after the row: a column.
        together : one finding for all rows, however few.
        words : words for the sentences; an array gives each row its own.
        """
        rows = np.asarray(rows, dtype=np.int64)
        if not len(rows):
            return
        book = self._books[number]
        fresh = np.zeros(len(rows), dtype=bool)
        if lost:
            at = np.searchsorted(book.index, rows)
            first = np.zeros(len(rows), dtype=bool)
            first[np.unique(at, return_index=True)[1]] = True
            fresh = first & ~book.reported[at]
            book.reported[at] = True
        words = words or {}

        def fill(n: int) -> dict[str, object]:
            return {
                key: text[n] if isinstance(text, list | np.ndarray) else text
                for key, text in words.items()
            }

        shown = len(rows) if len(rows) <= SHOWN + 1 else SHOWN
        shown = 0 if together else shown
        for n in range(shown):
            self.add(
                severity,
                code,
                file=book.file,
                place=self._place(book, str(rows[n])) + place,
                value=values[n],
                rows=int(fresh[n]),
                words=fill(n),
            )
        if shown < len(rows):
            self.add(
                severity,
                code,
                file=book.file,
                place=self._place(book, ranges(rows[shown:])) + place,
                message=(say("check.more", count=len(rows) - shown) if shown else "")
                + say(f"check.{code}", **fill(shown)),
                value=say("check.such_as", value=values[shown]),
                cure=say(f"check.{code}_cure", **fill(shown)),
                rows=int(fresh[shown:].sum()),
            )

    @staticmethod
    def _place(book: _Book, rows: str) -> str:
        shapes = book.source.kind is SourceKind.BOUNDARIES
        return say("check.feature" if shapes else "check.row", row=rows)

    def reported(self, number: int) -> Array:
        """Row numbers of a file that findings account for."""
        book = self._books[number]
        return book.index[book.reported]

    def use(self, number: int, rows: Any) -> None:
        """Say which rows of a file came to use."""
        book = self._books[number]
        rows = np.unique(np.asarray(rows, dtype=np.int64))
        book.used[np.searchsorted(book.index, rows)] = True

    def close(self) -> tuple[Input, ...]:
        """What became of every file; a note for each.

        Every row must have been used or reported: this is asserted, as a row that is neither
        would have been dropped in silence.
        """
        inputs = []
        for book in self._books:
            total, reported = len(book.index), int(book.reported.sum())
            used = int((book.used & ~book.reported).sum())
            assert total == used + reported, (
                f"{book.file}: {total} rows, {used} used, {reported} reported; neither: "
                f"{ranges(book.index[~book.used & ~book.reported])}"
            )
            self.add(
                Severity.NOTE,
                "file_rows",
                file=book.file,
                value=total,
                words={"total": total, "used": used, "reported": reported},
            )
            inputs.append(
                Input(
                    book.source.id, book.file, book.sha256, book.size,
                    total, used, reported,
                )
            )  # fmt: skip
        return tuple(inputs)


def ranges(rows: Any) -> str:
    """Row numbers for people: `5-9、12`; at most sixty stretches."""
    rows = np.unique(np.asarray(rows, dtype=np.int64))
    if not len(rows):
        return ""
    breaks = np.flatnonzero(np.diff(rows) > 1)
    starts = rows[np.concatenate([[0], breaks + 1])]
    ends = rows[np.concatenate([breaks, [len(rows) - 1]])]
    parts = [
        str(start) if start == end else f"{start}-{end}"
        for start, end in zip(starts[:_RANGES], ends[:_RANGES], strict=True)
    ]
    return "、".join(parts) + (say("check.and_so_on") if len(starts) > _RANGES else "")

"""What a workbook's own XML tells and its reader does not: error cells, and how far cells reach.

The reader (calamine) hands out an error such as `#REF!`, and a formula that nobody has computed,
as an empty cell, which would pass for a village that did not report. And it lays a sheet out in
full, from the first cell to the farthest: one stray cell in the last row and column takes 500 GB.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path, PurePosixPath

MOST_CELLS = 40_000_000
"""Cells a sheet may span: three gigabytes, a hundred times the largest sheet that was ever sent."""

# Looked through by patterns, not parsed: nothing in the file can make a pattern fetch or expand.
_RELATION = re.compile(r"<(?:\w+:)?Relationship\s([^>]*)>")
_SHEET = re.compile(r"<(?:\w+:)?sheet\s([^>]*)>")
_ATTRIBUTE = re.compile(r"""(?:\w+:)?(\w+)\s*=\s*("[^"]*"|'[^']*')""")
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_VALUE = re.compile(rb"<(?:\w+:)?v>(.*?)</(?:\w+:)?v>", re.DOTALL)
_FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?f>)", re.DOTALL)
_ODD = re.compile(rb't="e"|<(?:\w+:)?f\b')


@dataclass(frozen=True)
class Sheet:
    """One worksheet of an .xlsx, as its XML has it."""

    rows: int
    columns: int
    """How far its cells reach, from A1."""
    odd: dict[tuple[int, int], str]
    """(row, column), both from 0, of cells that hold an error or a formula without a result;
    what stands there."""

    @property
    def too_far(self) -> bool:
        """Whether the sheet spans more cells than any sheet of data."""
        return self.rows * self.columns > MOST_CELLS


def sheets(path: Path) -> dict[str, Sheet] | None:
    """The worksheets of an .xlsx by name; None when it is no .xlsx that can be understood.

    The reader says what is wrong with such a file, if anything is.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: _sheet(archive.read(part)) for name, part in _parts(archive)}
    # zlib.error has no common base with what zipfile raises for passwords and methods.
    except Exception:
        return None


def _parts(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Name and archive member of each worksheet."""
    relations = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    targets = {
        found.get("Id", ""): found.get("Target", "")
        for found in map(_attributes, _RELATION.findall(relations))
    }
    book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
    for sheet in map(_attributes, _SHEET.findall(book)):
        target = targets.get(sheet.get("id", ""), "")
        part = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
        if target and part in archive.namelist():
            yield sheet.get("name", ""), part


def _attributes(text: str) -> dict[str, str]:
    """Attributes of an XML tag, their names without the namespace's prefix."""
    return {name: unescape(value[1:-1]) for name, value in _ATTRIBUTE.findall(text)}


def _sheet(data: bytes) -> Sheet:
    rows, letters = 0, set()
    for place in _PLACE.finditer(data):
        rows = max(rows, int(place[2]))
        letters.add(place[1])
    columns = max((_column(text) for text in letters), default=-1) + 1
    odd: dict[tuple[int, int], str] = {}
    if _ODD.search(data):
        for cell in _CELL.finditer(data):
            found = _PLACE.search(cell[1])
            text = _odd(cell[1], cell[2] or b"")
            if found and text:
                odd[int(found[2]) - 1, _column(found[1])] = text
    return Sheet(rows, columns, odd)


def _odd(attributes: bytes, inside: bytes) -> str:
    """What stands in a cell that its reader would call empty; "" for all others."""
    value = _VALUE.search(inside)
    if b't="e"' in attributes:
        return unescape(value[1].decode("utf-8", "replace")) if value else "#ERROR!"
    # An empty <v> is how some writers say that nobody has computed the formula; for a text
    # (t="str") it is the result.
    without = value is None or (not value[1] and b't="str"' not in attributes)
    if without and b't="inlineStr"' not in attributes:
        formula = _FORMULA.search(inside)
        if formula is not None:
            return "=" + unescape((formula[1] or b"").decode("utf-8", "replace"))
    return ""


def _column(letters: bytes) -> int:
    """Number of a column from 0: A is 0, XFD is 16383."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1

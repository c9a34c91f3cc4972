"""Find and read the files a workspace names: every cell as text, with file, sheet and row."""

from __future__ import annotations

import codecs
import csv
import datetime
import difflib
import hashlib
import io
import re
import tempfile
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import python_calamine as calamine
import shapely

from geodata import cells, workbook
from geodata.errors import SourceError
from geodata.vocabulary import SourceKind
from geodata.words import say
from geodata.workspace import Source

Array = np.ndarray[Any, Any]

MAX_UNPACKED = 4 * 2**30
"""Bytes that an archive may unpack to: far above any real file, far below a full disk."""

_HEADER_ROWS = 40
"""Rows among which the headings are looked for: titles and notes above them are shorter."""

_TABLES = (".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".xls")
_VISIBLE = (calamine.SheetVisibleEnum.Visible,)
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_CODEPAGES = {"936": "gb18030", "oem936": "gb18030", "65001": "utf-8", "utf8": "utf-8"}


@dataclass(frozen=True)
class Raw:
    """One file as it was read, before anything is believed."""

    source: Source
    file: str
    """Path inside the workspace, with `#sheet` where a workbook has several."""
    sha256: str
    size: int
    frame: pd.DataFrame
    """A text column for each declared heading, spelt as declared. The index is the row as the
    spreadsheet numbers it (a feature of a boundary file: from 1)."""
    numeric: dict[str, Array]
    """Heading -> which cells were stored as numbers, where the file tells."""
    ragged: tuple[tuple[int, str], ...] = ()
    """Rows with more cells than headings, with what stands there: not in the frame."""
    remarks: tuple[tuple[str, str], ...] = ()
    """What was odd about the file as a whole: a key under `source.` and the value."""
    geometry: Array | None = None
    crs: str = ""
    """CRS that the file states (WKT or authority code); "" when it states none."""

    @property
    def rows(self) -> int:
        """Rows of data in the file."""
        return len(self.frame) + len(self.ragged)


def headings(source: Source) -> list[str]:
    """Every heading that a source declares, without repetition, in the order declared."""
    columns = source.columns
    found = [columns.code, columns.name, columns.parent, columns.level, columns.period]
    found += [columns.status, columns.batch, *columns.ancestors.values()]
    found += [value.column for value in source.values]
    found += list(source.attributes.values())
    for link in source.links:
        found += [*link.columns, link.since]
    return list(dict.fromkeys(heading for heading in found if heading))


def find(folder: Path, source: Source) -> list[Path]:
    """The files of a source, in order of their path.

    Raises
    ------
    SourceError : when a pattern leads out of the workspace or finds nothing.
    """
    folder = folder.resolve()
    found: dict[Path, None] = {}
    for pattern in source.files:
        pure = PurePosixPath(pattern.replace("\\", "/"))
        if pure.is_absolute() or not pure.parts or ".." in pure.parts or ":" in pure.parts[0]:
            raise SourceError(
                say("source.outside"),
                file="atlas.toml",
                place=f"sources.{source.id}.files",
                value=pattern,
                cure=say("source.outside_cure"),
            )
        try:
            matches = sorted(
                path
                for path in folder.glob(str(pure))
                if path.is_file() and not path.name.startswith(("~$", "."))
            )
        except ValueError as error:
            raise SourceError(
                say("source.pattern"),
                file="atlas.toml",
                place=f"sources.{source.id}.files",
                value=pattern,
                cure=say("source.pattern_cure"),
            ) from error
        for path in matches:
            if not path.resolve().is_relative_to(folder):
                raise SourceError(
                    say("source.outside"), file=str(pure), cure=say("source.outside_cure")
                )
        if not matches:
            raise SourceError(
                say("source.absent", source=source.label or source.id),
                file=pattern,
                place=f"sources.{source.id}.files",
                cure=say("source.absent_cure") + _nearest_files(folder, pure),
            )
        found.update(dict.fromkeys(matches))
    return list(found)


def _nearest_files(folder: Path, pattern: PurePosixPath) -> str:
    names = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.glob("*"))[:200] + sorted(folder.glob("*/*"))[:2000]
        if path.is_file() and path.name != "atlas.toml"
    ]
    near = difflib.get_close_matches(str(pattern), names, 3, 0.5)
    return say("source.near_files", names="、".join(near)) if near else ""


def read(folder: Path, source: Source, path: Path) -> Raw:
    """Read one file of a source: text, provenance, and shapes if it holds boundaries.

    Raises
    ------
    SourceError : the file is corrupt, of another kind, in another encoding, or lacks a column.
    """
    file = path.relative_to(folder.resolve()).as_posix()
    if path.stat().st_size == 0:
        raise SourceError(say("source.empty"), file=file, cure=say("source.empty_cure"))
    if source.kind is SourceKind.BOUNDARIES:
        return _boundaries(source, path, file)
    return _table(source, path, file)


def digest(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file; a bare shapefile's companions count as part of it."""
    parts = [path]
    if path.suffix.lower() == ".shp":
        parts = sorted(
            part
            for part in path.parent.iterdir()
            if part.stem == path.stem and part.suffix.lower() in _PARTS
        )
    total, size = hashlib.sha256(), 0
    for part in parts:
        with part.open("rb") as stream:
            while block := stream.read(1 << 20):
                total.update(block)
                size += len(block)
    return total.hexdigest(), size


# ---------------------------------------------------------------------------- tables


def _table(source: Source, path: Path, file: str) -> Raw:
    with path.open("rb") as stream:
        start = stream.read(4096)
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _workbook(source, path, file)
    if start.startswith(b"PK"):
        raise _unreadable(file, "source.zip")
    suffix = path.suffix.lower()
    if start.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<" and suffix in (".xls", ".xlsx"):
        raise SourceError(say("source.html"), file=file, cure=say("source.html_cure"))
    if suffix in (".xlsx", ".xlsm", ".xls"):
        raise _unreadable(file, "source.workbook")
    if suffix not in _TABLES:
        raise SourceError(
            say("source.kind"), file=file, value=path.suffix, cure=say("source.kind_cure")
        )
    return _delimited(source, path, file)


def decode(data: bytes, encoding: str, file: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Text of a file and remarks about its encoding.

    `auto` tries UTF-8 (with or without BOM), then GB18030. Bytes that are valid UTF-8 and not
    plain ASCII are UTF-8 whatever was declared: by chance that never happens.

    Raises
    ------
    SourceError : naming the line at which the text stops making sense.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strict(data, "utf-16", file), ()
    declared = _codec(encoding, file)
    if declared.startswith(("utf-16", "utf-32")):
        return _strict(data, declared, file), ()
    if b"\x00" in data:
        raise _with_zeros(data, file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if declared:
            return _strict(data, declared, file), ()
        if _meant_as_utf8(data[: error.start]):
            raise _undecodable(data, error.start, "UTF-8", file) from error
        try:
            return data.decode("gb18030"), ()
        except UnicodeDecodeError as other:
            # Neither fits; the one that made sense for longer is what the file was meant to be.
            far = error if error.start > other.start else other
            raise _undecodable(data, far.start, say("source.either"), file) from error
    if declared not in ("", "utf-8", "utf-8-sig", "ascii") and not text.isascii():
        return text, (("encoding_differs", encoding),)
    return text, ()


def _codec(encoding: str, file: str) -> str:
    """Python's name of an encoding; "" for `auto`."""
    if encoding.lower() == "auto":
        return ""
    try:
        codec = codecs.lookup(encoding)
        # `hex`, `rot13` and their like are codecs, too, and none of text.
        codec.decode(b"")
        if isinstance("".encode(codec.name), bytes):
            return codec.name
    except (LookupError, ValueError, TypeError, AttributeError):
        pass
    raise SourceError(say("source.codec"), file=file, value=encoding, cure=say("source.codec_cure"))


def _strict(data: bytes, encoding: str, file: str) -> str:
    _codec(encoding, file)
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        raise _undecodable(data, start, encoding, file) from error


def _meant_as_utf8(start: bytes) -> bool:
    """Whether the good start of a text that is no UTF-8 is Chinese in UTF-8: cut off, or damaged.

    As GB18030 the rest would often decode, into characters that nobody wrote.
    """
    beyond = [character for character in start.decode("utf-8-sig") if character > "\x7f"]
    # Text in GB18030 begins with a few two-byte sequences by chance, never with three-byte ones.
    return len(beyond) >= 4 and all(character > "\u07ff" for character in beyond)


def _undecodable(data: bytes, start: int, encoding: str, file: str) -> SourceError:
    """Which line of a file is no text in an encoding."""
    return SourceError(
        say("source.encoding", encoding=encoding),
        file=file,
        place=say("source.line", row=data.count(b"\n", 0, start) + 1),
        value=data[start : start + 4].hex(" "),
        cure=say("source.encoding_cure"),
    )


def _with_zeros(data: bytes, file: str) -> SourceError:
    """Why a file holds zero bytes: it is UTF-16 that does not say so, or no text at all."""
    head = data[:4096]
    halves = (head[::2].count(0), head[1::2].count(0))
    # In UTF-16 every digit, comma and line break has a zero byte, always on the same side.
    if max(halves) > 8 * min(halves) and max(halves) * 20 > len(head):
        return SourceError(say("source.utf16"), file=file, cure=say("source.utf16_cure"))
    row = data.count(b"\n", 0, data.index(0)) + 1
    return SourceError(
        say("source.binary"),
        file=file,
        place=say("source.line", row=row),
        cure=say("source.kind_cure"),
    )


def _delimited(source: Source, path: Path, file: str) -> Raw:
    sha256, size = digest(path)
    text, remarks = decode(path.read_bytes(), source.encoding, file)
    if "\r" in text:
        # Old Macs end lines so, and files put together from several mix the ways.
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    wanted = headings(source)
    best: tuple[int, int, str, list[list[str]]] = (-1, 0, ",", [])
    for sep in (",", "\t", ";", "|"):
        preview = _preview(text, sep)
        hits = max((_matches(row, wanted) for row in preview), default=0)
        width = max((len(row) for row in preview), default=0)
        if (hits, width) > best[:2]:
            best = (hits, width, sep, preview)
    _, _, sep, preview = best
    header, places = _header(preview, source, file)
    width = max(line.count(sep) for line in io.StringIO(text)) + 1
    width = min(max(width, len(preview[header])), len(preview[header]) + 200)
    try:
        grid = pd.read_csv(
            io.StringIO(text),
            sep=sep,
            header=None,
            names=range(width),
            index_col=False,
            dtype=str,
            na_filter=False,
            skip_blank_lines=False,
            encoding_errors="strict",
        )
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        unclosed = re.search(r"EOF inside string starting at row (\d+)", str(error))
        raise SourceError(
            say("source.quotes" if unclosed else "source.csv"),
            file=file,
            place=say("source.line", row=int(unclosed[1]) + 1) if unclosed else "",
            cure=say("source.csv_cure"),
        ) from error
    del text
    _no_row_swallowed(grid, sep, len(places), file)
    grid = grid.iloc[header + 1 :].fillna("")
    grid.index = pd.RangeIndex(header + 2, header + 2 + len(grid))
    filled = np.zeros(len(grid), dtype=bool)
    beyond = np.zeros(len(grid), dtype=bool)
    for column in range(width):
        cell = (grid[column].str.strip() != "").to_numpy(dtype=bool)
        filled |= cell
        if column >= len(preview[header]):
            beyond |= cell
    ragged = _ragged(grid, beyond, len(preview[header]))
    grid = grid.loc[filled & ~beyond, list(places.values())]
    grid.columns = pd.Index(list(places), dtype=str)
    return Raw(source, file, sha256, size, grid, {}, ragged, remarks)


def _no_row_swallowed(grid: pd.DataFrame, sep: str, width: int, file: str) -> None:
    """Raise if a cell holds whole rows: between two quotes that are no pair."""
    for column in grid.columns:
        texts = grid[column]
        several = np.flatnonzero(texts.str.contains("\n", regex=False, na=False))
        for at in several:
            lines = str(texts.iloc[at]).split("\n")
            if any(line.count(sep) >= max(2, width - 1) for line in lines[1:]):
                raise SourceError(
                    say("source.quotes"),
                    file=file,
                    place=say("source.line", row=at + 1),
                    value=lines[0].strip()[:40],
                    cure=say("source.csv_cure"),
                )


def _preview(text: str, sep: str) -> list[list[str]]:
    """The first rows, as the csv module cuts them."""
    end = 0
    for _ in range(_HEADER_ROWS * 2):
        end = text.find("\n", end) + 1
        if not end:
            break
    try:
        reader = csv.reader(io.StringIO(text[:end] if end else text), delimiter=sep)
        return [row for row, _ in zip(reader, range(_HEADER_ROWS), strict=False)]
    except csv.Error:
        lines = (text[:end] if end else text).splitlines()
        return [line.split(sep) for line in lines[:_HEADER_ROWS]]


def _ragged(grid: pd.DataFrame, beyond: Array, width: int) -> tuple[tuple[int, str], ...]:
    rows = grid.loc[beyond, list(range(width, grid.shape[1]))]
    return tuple(
        (int(row), "、".join(text for text in values if text.strip()))
        for row, values in zip(rows.index, rows.to_numpy(dtype=object), strict=True)
    )


def _workbook(source: Source, path: Path, file: str) -> Raw:
    sha256, size = digest(path)
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                unpacked = sum(info.file_size for info in archive.infolist())
        except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
            raise _unreadable(file, "source.workbook") from error
        if unpacked > MAX_UNPACKED:
            raise _unreadable(file, "source.too_large")
    seen = workbook.sheets(path) or {}
    with _reading(file):
        book = calamine.CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        shown = [one.name for one in book.sheets_metadata if one.visible in _VISIBLE]
    if source.sheet and source.sheet not in names:
        raise SourceError(
            say("source.sheet"),
            file=file,
            value=source.sheet,
            cure=say("source.sheet_cure", names="、".join(names)),
        )
    if not names:
        raise _unreadable(file, "source.workbook")

    def cells_of(name: str) -> list[list[Any]]:
        sheet = seen.get(name)
        if sheet is not None and sheet.too_far:
            raise SourceError(
                say("source.far_cell"), file=f"{file}#{name}",
                value=f"{sheet.rows} × {sheet.columns}", cure=say("source.far_cell_cure"),
            )  # fmt: skip
        with _reading(file):
            return list(book.get_sheet_by_name(name).to_python(skip_empty_area=False))

    name, grid, unread = source.sheet or (shown or names)[0], [], []
    if source.sheet or len(names) == 1:
        grid = cells_of(name)
    else:
        # A sheet of notes may stand before the data; last year's may be hidden behind them.
        wanted = set(map(cells.heading, headings(source)))
        held = {one: cells_of(one) for one in names}
        fit = [
            one for one in [*shown, *(one for one in names if one not in shown)]
            if any(
                wanted <= {cells.heading(_text(cell)) for cell in row}
                for row in held[one][:_HEADER_ROWS]
            )
        ]  # fmt: skip
        name = next((one for one in fit if one in shown), name)
        grid, unread = held[name], [one for one in fit if one != name]
    for (down, across), text in seen[name].odd.items() if name in seen else ():
        if down < len(grid) and across < len(grid[down]):
            grid[down][across] = text
    remarks = (("sheets_unread", "、".join(unread)),) if unread else ()
    place = f"{file}#{name}" if len(names) > 1 or source.sheet else file
    preview = [[_text(cell) for cell in row] for row in grid[:_HEADER_ROWS]]
    header, places = _header(preview, source, place)
    width = 0
    for at, cell in enumerate(preview[header]):
        width = at + 1 if cell.strip() else width
    body = grid[header + 1 :]
    kept, ragged = [], []
    for row, values in enumerate(body, start=header + 2):
        if any(cell != "" and str(cell).strip() for cell in values[width:]):
            beyond = "、".join(_text(cell) for cell in values[width:] if cell != "")
            ragged.append((row, beyond))
        elif any(cell != "" and str(cell).strip() for cell in values[:width]):
            kept.append(row)
    index = pd.Index(kept, dtype="int64")
    columns: dict[str, Any] = {}
    numeric: dict[str, Array] = {}
    for heading, at in places.items():
        column = [grid[row - 1][at] for row in kept]
        numeric[heading] = np.fromiter(
            (isinstance(cell, int | float) and not isinstance(cell, bool) for cell in column),
            dtype=bool,
            count=len(column),
        )
        columns[heading] = pd.Series([_text(cell) for cell in column], index=index, dtype="str")
    frame = pd.DataFrame(columns, index=index)
    return Raw(source, place, sha256, size, frame, numeric, tuple(ragged), remarks)


@contextmanager
def _reading(file: str) -> Iterator[None]:
    """What the reader of workbooks raises, as a sentence."""
    try:
        yield
    except calamine.PasswordError as error:
        raise SourceError(
            say("source.password"), file=file, cure=say("source.password_cure")
        ) from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise _unreadable(file, "source.workbook") from error
    except BaseException as error:
        # The reader is written in Rust, and its panics are no `Exception`.
        if type(error).__name__ != "PanicException":
            raise
        raise _unreadable(file, "source.workbook") from error


def _text(cell: object) -> str:
    """A workbook's cell as text: 120119901001.0 is 120119901001, a date is 2021-07-01."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) < 2**63:
            return str(int(cell))
        # Spreadsheets compute with 15 digits: 0.30000000000000004 was shown as 0.3.
        return format(cell, ".15g")
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ")
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    return str(cell)


def _matches(row: Iterable[str], wanted: Iterable[str]) -> int:
    """How many of the wanted headings a row holds."""
    held = {cells.heading(cell) for cell in row}
    return len({cells.heading(text) for text in wanted} & held)


def _header(preview: list[list[str]], source: Source, file: str) -> tuple[int, dict[str, int]]:
    """Where the headings stand (from 0), and the column of each declared one.

    Raises
    ------
    SourceError : a declared heading is not there, or stands there twice.
    """
    wanted = headings(source)
    if not preview:
        raise SourceError(say("source.empty"), file=file, cure=say("source.empty_cure"))
    if source.header_row:
        header = source.header_row - 1
        if header >= len(preview):
            raise SourceError(
                say("source.header_row"),
                file=file,
                value=source.header_row,
                cure=say("source.header_row_cure", rows=len(preview)),
            )
    else:
        hits = [_matches(row, wanted) for row in preview]
        header = int(np.argmax(hits))
        if not hits[header]:
            # No heading is known: the widest row is the likeliest to hold some.
            header = int(np.argmax([sum(bool(c.strip()) for c in row) for row in preview]))
    row = [cells.heading(cell) for cell in preview[header]]
    places: dict[str, int] = {}
    missing = []
    for text in wanted:
        key = cells.heading(text)
        if key not in row:
            missing.append(text)
        elif row.count(key) > 1:
            raise SourceError(
                say("source.heading_twice"),
                file=file,
                place=say("source.line", row=header + 1),
                value=text,
                cure=say("source.heading_twice_cure"),
            )
        else:
            places[text] = row.index(key)
    if missing:
        raise _unknown_columns(
            missing, preview[header], source, file, say("source.line", row=header + 1)
        )
    return header, places


def _unknown_columns(
    missing: list[str], held: Iterable[str], source: Source, file: str, place: str
) -> SourceError:
    """Name the missing headings, and for each the heading that looks most like it."""
    there = [cells.plain(text) for text in held if text.strip()]
    hints = []
    for text in missing:
        near = difflib.get_close_matches(text, there, 1, 0.4)
        if near:
            hints.append(say("source.near_heading", name=text, near=near[0]))
    return SourceError(
        say("source.columns"),
        file=file,
        place=place,
        value="、".join(missing),
        cure="；".join(
            [
                *hints,
                say(
                    "source.columns_cure",
                    source=source.id,
                    names="、".join(there[:20]) or say("source.none"),
                ),
            ]
        ),
    )


def _unreadable(file: str, key: str) -> SourceError:
    return SourceError(say(key), file=file, cure=say(key + "_cure"))


# ------------------------------------------------------------------------ boundaries


def _boundaries(source: Source, path: Path, file: str) -> Raw:
    sha256, size = digest(path)
    with path.open("rb") as stream:
        start = stream.read(4096)
    if start.startswith(b"PK"):
        with _unpacked(path, source, file) as inner:
            return _shapes(source, inner, f"{file}", sha256, size)
    return _shapes(source, path, file, sha256, size)


def _shapes(source: Source, path: Path, file: str, sha256: str, size: int) -> Raw:
    """Read boundaries with the driver that the content and the extension agree on."""
    with path.open("rb") as stream:
        start = stream.read(4096)
    suffix = path.suffix.lower()
    # GDAL chooses a driver by content: an OGR VRT named .geojson would read any file of the
    # server. So the content must be what the extension says before GDAL sees the file.
    if suffix == ".shp" and start[:4] == b"\x00\x00\x27\x0a":
        return _shapefile(source, path, file, sha256, size)
    if suffix == ".gpkg" and start.startswith(b"SQLite format 3\x00"):
        return _ogr(source, path, file, sha256, size, driver="GPKG")
    if suffix in (".geojson", ".json") and start.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"{":
        return _ogr(source, path, file, sha256, size, driver="GeoJSON")
    if suffix in (".parquet", ".geoparquet") and start.startswith(b"PAR1"):
        return _parquet(source, path, file, sha256, size)
    known = (".shp", ".gpkg", ".geojson", ".json", ".parquet", ".geoparquet", ".zip")
    if suffix in known:
        raise _unreadable(file, "source.zip" if suffix == ".zip" else "source.content")
    raise SourceError(
        say("source.shape_kind"), file=file, value=suffix, cure=say("source.shape_kind_cure")
    )


@contextmanager
def _unpacked(path: Path, source: Source, file: str) -> Iterator[Path]:
    """A zipped boundary file in a temporary folder.

    Members are written under names of our own, so that no name in the archive can lead outside.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise _unreadable(file, "source.zip") from error
    with archive, tempfile.TemporaryDirectory(prefix="bangfu-") as folder:
        members = [info for info in archive.infolist() if not info.is_dir()]
        wanted = [
            info
            for info in members
            if PurePosixPath(info.filename).suffix.lower()
            in (".shp", ".gpkg", ".geojson", ".parquet", ".geoparquet")
            and "__MACOSX" not in info.filename
        ]
        stems = {info.filename: PurePosixPath(info.filename).stem for info in wanted}
        if source.layer and len(wanted) > 1:
            wanted = [info for info in wanted if stems[info.filename] == source.layer]
        if len(wanted) != 1:
            key = "source.zip_many" if wanted else "source.zip_none"
            raise SourceError(
                say(key),
                file=file,
                value="、".join(info.filename for info in (wanted or members)[:12]),
                cure=say(key + "_cure"),
            )
        main = PurePosixPath(wanted[0].filename)
        parts = {main.suffix.lower(): wanted[0]}
        if main.suffix.lower() == ".shp":
            base = wanted[0].filename[: -len(main.suffix)].lower()
            for info in members:
                suffix = PurePosixPath(info.filename).suffix
                if info.filename[: -len(suffix) or None].lower() == base:
                    parts[suffix.lower()] = info
            parts = {suffix: info for suffix, info in parts.items() if suffix in _PARTS}
        left = MAX_UNPACKED
        for suffix, info in sorted(parts.items()):
            try:
                with (
                    archive.open(info) as stream,
                    (Path(folder) / f"layer{suffix}").open("wb") as out,
                ):
                    while block := stream.read(1 << 20):
                        left -= len(block)
                        if left < 0:
                            raise _unreadable(file, "source.too_large")
                        out.write(block)
            except SourceError:
                raise
            # zlib.error has no common base with what zipfile raises for passwords and methods.
            except Exception as error:
                raise _unreadable(file, "source.zip") from error
        yield Path(folder) / f"layer{main.suffix.lower()}"


def _shapefile(source: Source, path: Path, file: str, sha256: str, size: int) -> Raw:
    parts = {part.suffix.lower(): part for part in path.parent.iterdir() if part.stem == path.stem}
    for suffix in (".dbf", ".shx"):
        if suffix not in parts:
            raise SourceError(
                say("source.part", part=suffix), file=file, cure=say("source.part_cure")
            )
    texts = _dbf_texts(parts[".dbf"], file)
    encoding, remarks = _dbf_encoding(texts, source.encoding, parts.get(".cpg"), file)
    return _ogr(
        source, path, file, sha256, size, "ESRI Shapefile", encoding=encoding, remarks=remarks
    )


def _dbf_texts(path: Path, file: str) -> list[bytes]:
    """The distinct texts of a .dbf and its field names, undecoded."""
    data = path.read_bytes()
    try:
        count = int.from_bytes(data[4:8], "little")
        header = int.from_bytes(data[8:10], "little")
        width = int.from_bytes(data[10:12], "little")
        found: list[bytes] = []
        offset, at = 1, 32
        records = np.frombuffer(data, dtype=np.uint8, count=count * width, offset=header)
        table = records.reshape(count, width)
        while at + 32 <= header and data[at] != 0x0D:
            field = data[at : at + 32]
            found.append(field[:11].partition(b"\x00")[0])
            length = field[16]
            if field[11:12] == b"C" and length and count:
                cell = np.ascontiguousarray(table[:, offset : offset + length])
                distinct = np.unique(cell.view(f"S{length}").ravel())
                found += [text.rstrip(b" \x00") for text in distinct.tolist()]
            offset += length
            at += 32
    except (ValueError, IndexError) as error:
        raise _unreadable(file, "source.dbf") from error
    return [text for text in found if not text.isascii()]


def _dbf_encoding(
    texts: list[bytes], declared: str, cpg: Path | None, file: str
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The encoding of a .dbf: declared, else what the .cpg says, else what its bytes are."""

    def fails(encoding: str) -> bytes | None:
        for text in texts:
            try:
                text.decode(encoding)
            except UnicodeDecodeError as error:
                # A text cut off at the field's width may end inside a character.
                if error.reason in ("unexpected end of data", "incomplete multibyte sequence"):
                    continue
                return text
        return None

    if not texts:
        return "utf-8", ()
    utf8 = fails("utf-8") is None
    if _codec(declared, file):
        if utf8 and _codec(declared, file) != "utf-8":
            return "utf-8", (("encoding_differs", declared),)
        wrong = fails(declared)
        if wrong is not None:
            raise SourceError(
                say("source.encoding", encoding=declared),
                file=file,
                place=".dbf",
                value=wrong[:12].hex(" "),
                cure=say("source.encoding_cure"),
            )
        return declared, ()
    if utf8:
        return "utf-8", ()
    said = cpg.read_bytes()[:64].decode("ascii", "replace").strip().lower() if cpg else ""
    said = re.sub(r"^(ansi|cp|oem)[ _]?(?=\d)", "", said)
    for encoding in (_CODEPAGES.get(said, said), "gb18030"):
        try:
            if encoding and fails(encoding) is None:
                return encoding, ()
        except LookupError:
            continue
    raise SourceError(
        say("source.encoding", encoding="UTF-8, GB18030"),
        file=file,
        place=".dbf",
        cure=say("source.encoding_cure"),
    )


def _ogr(
    source: Source,
    path: Path,
    file: str,
    sha256: str,
    size: int,
    driver: str,
    *,
    encoding: str | None = None,
    remarks: tuple[tuple[str, str], ...] = (),
) -> Raw:
    """Read boundaries with GDAL, whose choice of driver must be the expected one."""
    # GDAL remarks in English about headers and rings; what matters is found by the checks.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", UserWarning)
        try:
            layer = _layer(source, path, file) if driver == "GPKG" else None
            info = pyogrio.read_info(path, layer=layer, encoding=encoding)
            if info["driver"] != driver:
                raise _unreadable(file, "source.content")
            places = _fields(list(info["fields"]), source, file)
            # A ring that is none (a coordinate that is no number) becomes a feature without shape.
            frame = pyogrio.read_dataframe(
                path, layer=layer, encoding=encoding, columns=list(places.values()), force_2d=True,
                on_invalid="ignore",
            )  # fmt: skip
        except SourceError:
            raise
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
            pyogrio.errors.GeometryError,
            pyogrio.errors.FeatureError,
            pyogrio.errors.CRSError,
            pyproj.exceptions.CRSError,
            shapely.errors.ShapelyError,
            UnicodeDecodeError,
            ValueError,
        ) as error:
            raise _unreadable(file, "source.content") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise SourceError(say("source.no_shapes"), file=file, cure=say("source.no_shapes_cure"))
    crs = frame.crs.to_wkt() if frame.crs is not None else ""
    if driver == "GeoJSON" and not _names_crs(path):
        # Without the old `crs` member GeoJSON is WGS 84 by its standard, yet files in local
        # metres are common: then the declaration decides.
        crs = "" if source.crs else crs
    return _raw_shapes(source, file, sha256, size, frame, places, crs, remarks)


def _names_crs(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(65536)
        stream.seek(max(0, path.stat().st_size - 4096))
        tail = stream.read()
    return re.search(rb'"crs"\s*:\s*\{', head + b" " + tail) is not None


def _layer(source: Source, path: Path, file: str) -> str:
    layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    if source.layer:
        if source.layer in layers:
            return source.layer
        raise SourceError(
            say("source.layer"),
            file=file,
            value=source.layer,
            cure=say("source.layer_cure", names="、".join(layers)),
        )
    if len(layers) != 1:
        raise SourceError(
            say("source.layers"),
            file=file,
            value=len(layers),
            cure=say("source.layer_cure", names="、".join(layers)),
        )
    return layers[0]


def _fields(held: list[str], source: Source, file: str) -> dict[str, str]:
    """Field of each declared heading."""
    by_key: dict[str, list[str]] = {}
    for field in held:
        by_key.setdefault(cells.heading(field), []).append(field)
    places, missing = {}, []
    for text in headings(source):
        same = by_key.get(cells.heading(text), [])
        exact = [field for field in same if field == text]
        if exact or len(same) == 1:
            places[text] = (exact or same)[0]
        elif same:
            raise SourceError(
                say("source.heading_twice"),
                file=file,
                value=text,
                cure=say("source.heading_twice_cure"),
            )
        else:
            missing.append(text)
    if missing:
        raise _unknown_columns(missing, held, source, file, say("source.fields"))
    return places


def _parquet(source: Source, path: Path, file: str, sha256: str, size: int) -> Raw:
    try:
        schema = pq.read_schema(path)
        if b"geo" not in (schema.metadata or {}):
            raise SourceError(say("source.no_shapes"), file=file, cure=say("source.no_shapes_cure"))
        whole = gpd.read_parquet(path)
    except (
        pa.ArrowException,
        pyproj.exceptions.CRSError,
        shapely.errors.ShapelyError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
    ) as error:
        raise _unreadable(file, "source.content") from error
    named = [name for name in whole.columns if name != whole.geometry.name]
    places = _fields(named, source, file)
    crs = whole.crs.to_wkt() if whole.crs is not None else ""
    return _raw_shapes(source, file, sha256, size, whole, places, crs, ())


def _raw_shapes(
    source: Source,
    file: str,
    sha256: str,
    size: int,
    shapes: gpd.GeoDataFrame,
    places: dict[str, str],
    crs: str,
    remarks: tuple[tuple[str, str], ...],
) -> Raw:
    index = pd.RangeIndex(1, len(shapes) + 1)
    columns: dict[str, Any] = {}
    numeric: dict[str, Array] = {}
    for heading, field in places.items():
        column = shapes[field]
        held = column.to_numpy(dtype=object)
        numeric[heading] = np.full(len(held), pd.api.types.is_numeric_dtype(column.dtype))
        columns[heading] = pd.Series(
            ["" if pd.isna(cell) else _text(cell) for cell in held],
            index=index,
            dtype="str",
        )
    frame = pd.DataFrame(columns, index=index)
    geometry = np.asarray(shapes.geometry.array)
    return Raw(source, file, sha256, size, frame, numeric, (), remarks, geometry=geometry, crs=crs)

"""Write workbooks, GBK tables and zipped shapefiles whose bytes depend on nothing but content."""

from __future__ import annotations

import io
import re
import tempfile
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

WRITTEN = datetime(2025, 1, 15, 9, 0, 0, tzinfo=UTC)
"""The moment that all files claim to be written at: the clock must not show in them."""

_STAMP = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</)")
_LANGUAGE_DRIVER = 29
"""Byte of a .dbf that names its code page; old survey software leaves it empty."""


def workbook(
    path: Path, title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """An .xlsx with one sheet: a merged title row if there is a title, headings, rows."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31] or "Sheet1")
    for number, heading in enumerate(headings, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = max(10, 2 * len(heading) + 2)
    bold = Font(bold=True)
    if title:
        cell = WriteOnlyCell(sheet, title)
        cell.font = Font(bold=True, size=14)
        cell.alignment = Alignment(horizontal="center")
        sheet.append([cell])
        sheet.merged_cells.ranges.add(f"A1:{get_column_letter(len(headings))}1")
    marked = []
    for heading in headings:
        cell = WriteOnlyCell(sheet, heading)
        cell.font = bold
        marked.append(cell)
    sheet.append(marked)
    for row in rows:
        sheet.append(row)
    # openpyxl knows no zones; what it writes is replaced below anyway.
    book.properties.created = WRITTEN.replace(tzinfo=None)
    book.properties.creator = ""
    buffer = io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        parts = {
            name: _STAMP.sub(
                rb"\g<1>" + WRITTEN.strftime("%Y-%m-%dT%H:%M:%SZ").encode() + rb"\g<2>",
                archive.read(name),
            )
            if name == "docProps/core.xml"
            else archive.read(name)
            for name in archive.namelist()
        }
    pack(path, parts)


def gbk(path: Path, frame: pd.DataFrame) -> None:
    """A comma-separated table as old systems export it: GBK, CRLF, no byte order mark."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(frame.to_csv(index=False, lineterminator="\r\n").encode("gbk"))


def shapefile(path: Path, stem: str, frame: gpd.GeoDataFrame) -> None:
    """A zip with stem.shp, .shx, .dbf and .prj: GBK attributes, and nothing that says so."""
    with tempfile.TemporaryDirectory(prefix="bangfu-") as folder:
        main = Path(folder) / "layer.shp"
        with warnings.catch_warnings():
            # GDAL widens the .dbf's fields as it needs; nothing is lost.
            warnings.filterwarnings("ignore", category=RuntimeWarning, module="pyogrio")
            pyogrio.write_dataframe(
                frame,
                main,
                driver="ESRI Shapefile",
                encoding="GBK",
                DBF_DATE_LAST_UPDATE=WRITTEN.strftime("%Y-%m-%d"),
            )
        parts = {
            f"{stem}{suffix}": main.with_suffix(suffix).read_bytes()
            for suffix in (".shp", ".shx", ".dbf", ".prj")
        }
    table = bytearray(parts[f"{stem}.dbf"])
    table[_LANGUAGE_DRIVER] = 0
    parts[f"{stem}.dbf"] = bytes(table)
    pack(path, parts)


def pack(path: Path, parts: dict[str, bytes]) -> None:
    """A zip of ``parts`` in their order, every entry dated `WRITTEN`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            info = zipfile.ZipInfo(name, WRITTEN.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)

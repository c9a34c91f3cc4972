"""The whole ledger as a workbook or as JSON, for people and other programs: no way back.

Secrets stay out, and photographs: they are counted. (`copies` writes what can be restored.)
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from sqlalchemy.engine import Connection

from geodata.errors import AtlasError, reason
from geodata.ledger import tables
from geodata.ledger.store import Ledger, now
from geodata.progress import SILENT, Progress
from geodata.words import catalogue, say

_AT_ONCE = 500
_LONGEST = 32_000
"""Characters of a cell; a workbook takes 32,767."""
_MOST_ROWS = 1_000_000
"""Rows of a sheet; a workbook takes 1,048,576."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TABLES = (*tables.DECIDED, tables.event)


def as_json(ledger: Ledger, file: Path, progress: Progress = SILENT) -> int:
    """Write the ledger as JSON, whole or not at all; returns the number of events.

    Keys are the tables' and columns' own; `summary` has the last hash and what is left out.

    Raises
    ------
    AtlasError : when it cannot be written there, or the ledger not be read.
    """
    with ledger.reading() as connection, _whole(Path(file)) as beside:
        summary = _summary(connection)
        with beside.open("w", encoding="utf-8") as stream:
            stream.write('{"summary":' + _json(summary))
            with progress.step(say("audit.step_export"), _total(summary)) as advance:
                for table in _TABLES:
                    stream.write(f',\n"{table.name}":[')
                    _json_rows(stream, connection, table, advance)
                    stream.write("]")
            stream.write("}\n")
            stream.flush()
            os.fsync(stream.fileno())
    return int(summary["rows"]["event"])


def as_xlsx(ledger: Ledger, file: Path, progress: Progress = SILENT) -> int:
    """Write the ledger as a workbook, a sheet a table; returns the number of events.

    Text stays text, whatever it begins with.

    Raises
    ------
    AtlasError : when it cannot be written there, or the ledger not be read.
    """
    with ledger.reading() as connection, _whole(Path(file)) as beside:
        summary = _summary(connection)
        with (
            _book() as book,
            progress.step(say("audit.step_export"), _total(summary)) as advance,
        ):
            _summary_sheet(book, summary)
            for table in _TABLES:
                _sheets(book, connection, table, advance)
            book.save(beside)
    return int(summary["rows"]["event"])


@contextmanager
def _book() -> Iterator[Workbook]:
    """A workbook that keeps its rows in temporary files; none is left open or behind."""
    book = Workbook(write_only=True)
    try:
        yield book
    except BaseException:
        for sheet in book.worksheets:
            with suppress(Exception):
                sheet.close()
                sheet._writer.cleanup()
        raise


def _columns(table: sa.Table) -> list[sa.Column[Any]]:
    return [column for column in table.c if f"{table.name}.{column.name}" not in tables.SECRET]


def _rows(connection: Connection, table: sa.Table) -> Iterator[sa.RowMapping]:
    order = table.c.seq if "seq" in table.c else table.c.created_at
    query = sa.select(*_columns(table)).order_by(order, *table.primary_key)
    with connection.execute(query, execution_options={"yield_per": _AT_ONCE}) as found:
        yield from found.mappings()


def _summary(connection: Connection) -> dict[str, Any]:
    counts = {
        table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in _TABLES
    }
    end = connection.execute(sa.select(tables.head.c.hash)).first()
    return {
        "exported_at": now(),
        "hash": end[0] if end else "",
        "rows": counts,
        "left_out": {"photos": counts["photo"], "columns": sorted(tables.SECRET)},
    }


def _total(summary: dict[str, Any]) -> int:
    return sum(summary["rows"].values())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json_rows(
    stream: IO[str], connection: Connection, table: sa.Table, advance: Callable[[int], None]
) -> None:
    for number, row in enumerate(_rows(connection, table)):
        stream.write(("," if number else "") + "\n" + _json({**row}))
        advance(1)


def _heading(table: sa.Table, column: str) -> str:
    if table is tables.event:
        return say(f"audit.event_column.{column}")
    own = f"audit.special.{table.name}_{column}"
    return say(own if own in catalogue() else f"audit.column.{column}")


def _summary_sheet(book: Workbook, summary: dict[str, Any]) -> None:
    sheet = book.create_sheet(say("audit.special.summary"))
    sheet.column_dimensions["A"].width = 28
    sheet.column_dimensions["B"].width = 70
    lines: list[tuple[str, Any]] = [
        (say("audit.special.exported_at"), summary["exported_at"]),
        (say("audit.special.events"), summary["rows"]["event"]),
        (say("audit.special.hash"), summary["hash"]),
        (say("audit.special.photos"), summary["left_out"]["photos"]),
    ]
    lines += [
        (f"{say(f'audit.table.{table.name}')} · {say('audit.special.rows')}",
         summary["rows"][table.name])
        for table in _TABLES
    ]  # fmt: skip
    for line in lines:
        sheet.append([_cell(sheet, value) for value in line])


def _sheets(
    book: Workbook, connection: Connection, table: sa.Table, advance: Callable[[int], None]
) -> None:
    """A sheet for a table, or several when one cannot hold it."""
    columns = [column.name for column in _columns(table)]
    sheet = _sheet(book, table, columns, 1)
    for number, row in enumerate(_rows(connection, table), start=1):
        if number > 1 and number % _MOST_ROWS == 1:
            sheet = _sheet(book, table, columns, number // _MOST_ROWS + 1)
        sheet.append([_cell(sheet, row[name]) for name in columns])
        advance(1)


def _sheet(book: Workbook, table: sa.Table, columns: Sequence[str], part: int) -> Any:
    title = say(f"audit.table.{table.name}")
    sheet = book.create_sheet(title if part == 1 else f"{title} {part}")
    sheet.freeze_panes = "A2"
    headings = [_cell(sheet, _heading(table, name)) for name in columns]
    for number, cell in enumerate(headings):
        cell.font = Font(bold=True)
        sheet.column_dimensions[_letters(number)].width = 20
    sheet.append(headings)
    return sheet


def _letters(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else "A" + chr(ord("A") + number - 26)


def _cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, bool):
        value = say("audit.special.yes" if value else "audit.special.no")
    if not isinstance(value, str):
        return WriteOnlyCell(sheet, value)
    text = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + say("audit.special.cut")
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # what begins with = would be a formula
    if text[:1] in ("=", "+", "-", "@", "\t", "\r"):
        cell.quotePrefix = True  # and stays a text when it is edited or copied elsewhere
    return cell


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """A name to write to, renamed when all went well."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.touch(0o600)
        try:
            yield beside
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise AtlasError(reason(error), file=str(error.filename or file)) from error

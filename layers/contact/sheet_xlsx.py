"""The sheets of `layers.contact.sheet` as workbooks that print as they look: A4, one page wide.

Whatever was typed stays text: a note that begins with `=` is no formula, in any spreadsheet.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from geodata.ledger import written
from geodata.words import say

Json = Mapping[str, Any]

_A4 = 9
_RISKY = ("=", "+", "-", "@")
_LONGEST = 32_000
"""Characters: a cell holds 32,767."""
_THIN = Side(style="thin", color="8896A4")
_WRAP = Alignment(wrap_text=True, vertical="top")
_LINES = 8
"""Rows to write on."""


def village(content: Json) -> bytes:
    """The page of a village (what `sheet.village` gathered) as .xlsx, fitted to one A4 sheet."""
    sheet, book = _book(say("sheet.village_heading"), (6, 18, 34, 20, 22, 12))
    page = _Writer(sheet, 6)
    page.title(content["name"])
    page.text(" · ".join(part for part in (content["path"], content["target_text"]) if part))
    page.text(
        " · ".join(
            part for part in (say("sheet.code", code=content["code"]), content["demo"]) if part
        )
    )
    income = content["income"]
    if income:
        page.heading(income["label"])
        parts = (income["text"], income["sentence"], income["goal_text"])
        page.text(" · ".join(part for part in parts if part))
        for one in income["sentences"]:
            page.text(one)
    page.heading(say("sheet.helpers"))
    page.pair(say("sheet.holder"), content["holders"])
    for one in content["helpers"]:
        page.pair(one["label"], one["names"])
    if content["items"]:
        page.heading(say("sheet.items"))
        page.text(content["items"]["sentence"])
        for one in content["items"]["lines"]:
            page.row(["", one["label"], one["seen"], one["state_label"]])
    if content["against"]:
        page.heading(say("sheet.observations"))
        for one in content["against"]:
            page.text(one)
    page.heading(say("sheet.visits"))
    if content["visits"]:
        page.head(["", say("sheet.day"), say("sheet.what"), say("sheet.who")])
        for one in content["visits"]:
            page.row(["", one["day"], one["seen"], one["who"]])
        if content["visits_more"]:
            page.text(say("sheet.visit_more", count=content["visits_more"]))
    else:
        page.text(say("sheet.no_visits"))
    page.heading(say("sheet.problems"))
    if content["problems"]:
        names = ("number", "category", "said", "owner", "deadline", "state")
        page.head([say(f"sheet.{name}") for name in names])
        for number, one in enumerate(content["problems"], start=1):
            page.row([number, *_problem(one)])
        if content["problems_more"]:
            page.text(say("sheet.problem_more", count=content["problems_more"]))
    else:
        page.text(say("sheet.no_problems"))
    page.heading(say("sheet.notes"))
    page.lines(_LINES)
    _finish(sheet, content, last=page.at - 1, columns=6, tall=1)
    return _bytes(book)


def member(content: Json) -> bytes:
    """The list of a member (what `sheet.member` gathered) as .xlsx, as many pages as it needs."""
    sheet, book = _book(say("sheet.member_heading"), (18, 20, 14, 12, 14, 30, 24, 10, 10))
    page = _Writer(sheet, 9)
    page.title(content["title"])
    page.text(" · ".join(part for part in (content["sentence"], content["demo"]) if part))
    heads = page.at
    names = ("village", "place", "since", "state", "income", "lacking", "last", "open", "overdue")
    page.head([say(f"sheet.{name}") for name in names])
    for one in content["villages"]:
        texts = [one[name] for name in ("name", "path", "since", "state", "income", "lacking")]
        page.row([*texts, one["last"], one["open"], one["overdue"]])
    if any(one["problems"] for one in content["villages"]):
        page.heading(say("sheet.problems"))
        below = ("village", "category", "owner", "state", "deadline", "said")
        page.head([say(f"sheet.{name}") for name in below])
        for one in content["villages"]:
            for wrong in one["problems"]:
                category, said, owner, deadline, state = _problem(wrong)
                page.row([one["name"], category, owner, state, deadline, said])
    _finish(sheet, content, last=page.at - 1, columns=9, tall=0, landscape=True)
    sheet.print_title_rows = f"{heads}:{heads}"
    return _bytes(book)


class _Writer:
    """Writes a sheet downwards."""

    def __init__(self, sheet: Worksheet, columns: int) -> None:
        self.sheet, self.columns, self.at = sheet, columns, 1

    def title(self, text: str) -> None:
        self._across(text, Font(size=18, bold=True), 28)

    def heading(self, text: str) -> None:
        self._across(text, Font(bold=True), 20)

    def text(self, text: str) -> None:
        # A merged cell does not grow with its text: wide characters, about two a unit of width.
        width = sum(
            self.sheet.column_dimensions[get_column_letter(n + 1)].width
            for n in range(self.columns)
        )
        self._across(text, Font(), 16 * max(1, -(-len(text) * 2 // int(width))))

    def pair(self, label: str, text: str) -> None:
        row = self.at
        put(self.sheet, row, 2, label)
        self.sheet.merge_cells(start_row=row, start_column=3, end_row=row, end_column=self.columns)
        put(self.sheet, row, 3, text).alignment = _WRAP
        self.at += 1

    def head(self, texts: Sequence[str]) -> None:
        for n, text in enumerate(texts, start=1):
            cell = put(self.sheet, self.at, n, text)
            cell.font, cell.alignment = Font(bold=True), _WRAP
            cell.border = Border(bottom=Side(style="medium", color="6B7883"))
        self.at += 1

    def row(self, values: Sequence[object]) -> None:
        for n, value in enumerate(values, start=1):
            cell = put(self.sheet, self.at, n, value)
            cell.alignment, cell.border = _WRAP, Border(bottom=_THIN)
        self.at += 1

    def lines(self, count: int) -> None:
        for _ in range(count):
            for n in range(1, self.columns + 1):
                self.sheet.cell(self.at, n).border = Border(bottom=_THIN)
            self.sheet.row_dimensions[self.at].height = 24
            self.at += 1

    def _across(self, text: str, font: Font, height: float) -> None:
        row = self.at
        self.sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=self.columns)
        cell = put(self.sheet, row, 1, text)
        cell.font, cell.alignment = font, _WRAP
        self.sheet.row_dimensions[row].height = height
        self.at += 1


def put(sheet: Worksheet, row: int, column: int, value: object) -> Any:
    """A cell that holds a number as a number and anything else as text; returns it."""
    cell = sheet.cell(row, column)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        cell.value = value
        return cell
    text = written.cleaned(str(value))[:_LONGEST]
    if text:
        cell.value = text
        # openpyxl takes what begins with `=` for a formula; and the quote keeps it from becoming
        # one when somebody edits the cell.
        cell.data_type = "s"
        cell.quotePrefix = text.lstrip().startswith(_RISKY)
    return cell


def _problem(one: Json) -> list[str]:
    due = "\n".join(part for part in (one["deadline"], one["when"]) if part)
    return [one["category"], one["said"], one["owner"], due, one["state"]]


def _book(name: str, widths: Sequence[float]) -> tuple[Worksheet, Workbook]:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = name
    for n, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(n)].width = width
    return sheet, book


def _finish(
    sheet: Worksheet, content: Json, *, last: int, columns: int, tall: int, landscape: bool = False
) -> None:
    """Paper, print area, header and footer; `tall` sheets high, 0 for as many as it takes."""
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.paperSize = _A4
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = tall
    sheet.print_area = f"A1:{get_column_letter(columns)}{last}"
    sheet.page_margins.left = sheet.page_margins.right = 0.5
    sheet.page_margins.top = sheet.page_margins.bottom = 0.7
    sheet.oddHeader.left.text = _plain(content["heading"])
    sheet.oddHeader.right.text = _plain(content["demo"])
    sheet.oddFooter.left.text = _plain(" · ".join(content["notices"]))
    sheet.oddFooter.right.text = f"{_plain(content['printed'])}  {say('sheet.page')}"


def _plain(text: str) -> str:
    """A text in a header or footer, where `&` begins a command; 255 characters hold all of it."""
    return written.shortened(written.cleaned(text), 90).replace("&", "&&")


def _bytes(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()

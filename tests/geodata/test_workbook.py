"""What a workbook's XML tells and its reader does not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from geodata import sources, workbook
from geodata.errors import SourceError
from geodata.workspace import Source

TABLE = {"id": "t", "kind": "table", "columns": {"code": "代码"}}
VALUES = [{"column": "收成", "indicator": "harvest"}]


def source(**more: object) -> Source:
    return Source.model_validate(TABLE | {"files": ["a.xlsx"], "values": VALUES} | more)


def filled(sheet: Worksheet, name: str = "") -> None:
    for row in (["代码", "收成"], ["NA", 1], ["NB", 2]):
        sheet.append(row)
    if name:
        sheet.title = name


def saved(book: Workbook, folder: Path) -> Path:
    path = folder.resolve() / "a.xlsx"
    book.save(path)
    return path


def test_errors_and_formulas_without_a_result_are_no_empty_cells(tmp_path: Path) -> None:
    book = Workbook()
    filled(book.active)
    book.active["B2"], book.active["B3"] = "#REF!", "=1+1"
    path = saved(book, tmp_path)
    seen = workbook.sheets(path)
    assert seen is not None
    assert seen["Sheet"].odd == {(1, 1): "#REF!", (2, 1): "=1+1"}
    assert (seen["Sheet"].rows, seen["Sheet"].columns) == (3, 2)
    assert sources.read(tmp_path, source(), path).frame["收成"].tolist() == ["#REF!", "=1+1"]


def test_a_stray_cell_far_away_is_told_before_it_takes_all_memory(tmp_path: Path) -> None:
    book = Workbook()
    filled(book.active)
    book.active.cell(1_048_576, 16_384).value = "x"
    path = saved(book, tmp_path)
    with pytest.raises(SourceError, match=r"一格离其他数据太远「1048576 × 16384」.*再保存"):
        sources.read(tmp_path, source(), path)


def test_the_visible_sheet_with_the_headings_is_read(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "填表说明"
    book.active["A1"] = "请逐村填写"
    filled(book.create_sheet(), "去年")
    book["去年"].sheet_state = "hidden"
    filled(book.create_sheet(), "今年")
    raw = sources.read(tmp_path, source(), saved(book, tmp_path))
    assert raw.file == "a.xlsx#今年"
    assert raw.remarks == (("sheets_unread", "去年"),)
    assert len(raw.frame) == 2


def test_a_second_sheet_with_the_same_headings_is_not_passed_over_in_silence(
    tmp_path: Path,
) -> None:
    book = Workbook()
    filled(book.active, "东片")
    filled(book.create_sheet(), "西片")
    path = saved(book, tmp_path)
    assert sources.read(tmp_path, source(), path).remarks == (("sheets_unread", "西片"),)
    named = sources.read(tmp_path, source(sheet="西片"), path)
    assert (named.file, named.remarks) == ("a.xlsx#西片", ())


def test_what_is_no_workbook_is_left_to_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04 nothing")
    assert workbook.sheets(path) is None


def test_a_workbook_with_any_byte_spoiled_is_read_or_refused_in_words(tmp_path: Path) -> None:
    book = Workbook()
    filled(book.active)
    path = saved(book, tmp_path)
    good, chance = path.read_bytes(), random.Random(4)
    refused = 0
    for _ in range(120):
        spoiled = bytearray(good)
        for _ in range(chance.randint(1, 20)):
            spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        path.write_bytes(bytes(spoiled))
        try:
            sources.read(tmp_path, source(), path)
        except SourceError as error:
            refused += 1
            assert error.cure
    assert refused > 20


def test_writers_differ_in_how_they_leave_a_result_out() -> None:
    for value in (b"", b"<v/>", b"<v></v>"):
        assert workbook._odd(b'r="A1"', b"<f>1+1</f>" + value) == "=1+1"
    assert workbook._odd(b'r="A1" t="str"', b"<f>IF(1,&quot;&quot;)</f><v></v>") == ""
    assert workbook._odd(b'r="A1"', b"<f>1+1</f><v>2</v>") == ""

"""Findings can be read on a terminal, in a browser, by a program and in a spreadsheet."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest

from geodata import check, reports
from geodata.errors import AtlasError
from geodata.findings import Finding
from geodata.vocabulary import Severity
from tests import tiny

SCRIPT = "<script>alert(1)</script>"
NASTY = '=HYPERLINK("http://evil","x")'
FINDINGS = (
    Finding(Severity.ERROR, "orphan", "a.csv", "第 1 行", NASTY, "坏", "改"),
    Finding(Severity.WARNING, "falls", "<b>.csv", "第 2 行", SCRIPT, "疑", "核"),
    Finding(Severity.NOTE, "rows", "c.csv", "", "+1\x07\x1b[31m", "说", "无"),
    Finding(Severity.NOTE, "rows", "d.csv", "", "@SUM(A1)", "说", "无"),
    Finding(Severity.NOTE, "rows", "e.csv", "", "-2", "说", "无"),
)  # fmt: skip


def test_the_terminal_shows_what_to_look_at_and_counts_the_rest() -> None:
    text = reports.as_text(FINDINGS)
    assert "错误 1 条，警告 1 条，说明 3 条" in text
    assert "a.csv" in text
    assert "c.csv" not in text
    assert "c.csv" in reports.as_text(FINDINGS, notes=True)
    assert "\x1b" not in reports.as_text(FINDINGS, notes=True)


def test_nothing_found_is_one_sentence() -> None:
    assert reports.as_text(()).strip() == "错误 0 条，警告 0 条，说明 0 条。"


def test_brackets_of_a_file_name_are_no_markup() -> None:
    found = Finding(Severity.WARNING, "x", "[red]a[/red].csv", "", "[bold]", "", "")
    assert "[red]a[/red].csv" in reports.as_text([found])


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_html_is_escaped_and_needs_nothing_else(tmp_path: Path) -> None:
    world = check.read(tiny.write_tiny(tmp_path / "w"))
    for subject in (FINDINGS, world):
        page = reports.write_report(tmp_path / "r.html", subject).read_text("utf-8")
        parser = _Tags()
        parser.feed(page)
        assert "script" not in parser.tags
        assert "b" not in parser.tags
        assert parser.links == []
        assert 'lang="zh-CN"' in page
    assert "census.csv" in page


def test_json_holds_everything(tmp_path: Path) -> None:
    world = check.read(tiny.write_tiny(tmp_path / "w"))
    content = json.loads(reports.write_report(tmp_path / "r.json", world).read_text("utf-8"))
    assert content["counts"]["error"] == 0
    assert len(content["findings"]) == len(world.findings)
    assert content["inputs"][0]["rows"] == 9
    content = json.loads(reports.as_json(FINDINGS))
    assert content["findings"][0]["value"] == NASTY


def test_no_cell_of_a_workbook_is_a_formula(tmp_path: Path) -> None:
    path = reports.write_report(tmp_path / "deep" / "r.xlsx", FINDINGS)
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    rows = [list(row) for row in sheet.iter_rows(min_row=2)]
    assert [row[3].value for row in rows][:2] == [NASTY, SCRIPT]
    assert {cell.data_type for row in rows for cell in row if cell.value} == {"s"}
    assert rows[0][3].quotePrefix
    assert rows[2][3].value == "+1\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[31m"


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match=r"「.pdf」.*\.html、\.json"):
        reports.write_report(tmp_path / "r.pdf", FINDINGS)


def test_a_report_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(AtlasError, match="写不进去"):
        reports.write_report(tmp_path / "file" / "r.json", FINDINGS)

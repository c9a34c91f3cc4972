"""Exports: all that was decided, readable, without secrets; text stays text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from geodata.errors import AtlasError
from geodata.ledger import Decision, Ledger, tables
from geodata.ledger.export import as_json, as_xlsx
from geodata.words import catalogue
from tests.ledgers import OFFICE, counts, fill, invented, picking

SECRETS = ("$argon2id$v=19$secret", "JBSWY3DPEHPK3PXP", "5f70bf18a086007016e948b04aed3b82")
ODD = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")')


def tell_secrets(decision: Decision) -> dict[str, Any]:
    password, totp, digest = SECRETS
    decision.add(tables.account, "account.created",
                 **invented(tables.account, 50) | {"password": password, "totp": totp})  # fmt: skip
    decision.add(tables.screen, "screen.added", **invented(tables.screen, 50) | {"digest": digest})
    return {}


def test_json_holds_every_row_and_event(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    assert as_json(ledger, tmp_path / "ledger.json") == ledger.seq()
    held = json.loads((tmp_path / "ledger.json").read_text("utf-8"))
    number = counts(ledger)
    for table in (*tables.DECIDED, tables.event):
        assert len(held[table.name]) == number[table.name]
    (head,) = ledger.rows(sa.select(tables.head))
    assert held["summary"]["hash"] == head["hash"] == held["event"][-1]["hash"]
    assert held["summary"]["left_out"]["photos"] == number["photo"]
    rows = {row["id"]: {**row} for row in ledger.rows(sa.select(tables.visit))}
    assert {row["id"]: row for row in held["visit"]} == rows


def test_a_workbook_holds_a_sheet_a_table_with_chinese_headings(
    ledger: Ledger, tmp_path: Path
) -> None:
    fill(ledger)
    assert as_xlsx(ledger, tmp_path / "ledger.xlsx") == ledger.seq()
    book = load_workbook(tmp_path / "ledger.xlsx", read_only=True)
    assert book.sheetnames == [
        "说明", "账号", "大屏", "联系点", "走访", "照片", "所见", "问题", "公布",
        "撤回的指标", "记录"
    ]  # fmt: skip
    number = counts(ledger)
    for sheet, table in zip(book.worksheets[1:], (*tables.DECIDED, tables.event), strict=True):
        rows = [*sheet.iter_rows(values_only=True)]
        assert len(rows) == number[table.name] + 1
        assert all(heading and not str(heading).isascii() for heading in rows[0]), rows[0]
    summary = {row[0]: row[1] for row in book["说明"].iter_rows(values_only=True)}
    assert summary["照片张数（图片不在导出里）"] == number["photo"]
    book.close()


def test_every_column_has_a_heading() -> None:
    words = catalogue()
    for table in (*tables.DECIDED, tables.event):
        assert f"audit.table.{table.name}" in words
        for column in table.c:
            if f"{table.name}.{column.name}" not in tables.SECRET:
                section = "event_column" if table is tables.event else "column"
                assert f"audit.{section}.{column.name}" in words, column


@pytest.mark.parametrize("write", [as_json, as_xlsx])
def test_no_secret_and_no_photo_leaves(ledger: Ledger, tmp_path: Path, write: Any) -> None:
    fill(ledger)
    ledger.decide(OFFICE, tell_secrets)
    file = tmp_path / ("ledger.json" if write is as_json else "ledger.xlsx")
    write(ledger, file)
    if write is as_json:
        text = file.read_text("utf-8")
    else:
        book = load_workbook(file, read_only=True)
        text = str([[*sheet.iter_rows(values_only=True)] for sheet in book.worksheets])
        book.close()
    for secret in SECRETS:
        assert secret not in text
    assert "image" not in json.loads(file.read_text())["photo"][0] if write is as_json else True


def test_text_stays_text_whatever_it_begins_with(ledger: Ledger, tmp_path: Path) -> None:
    for text in ODD:
        ledger.decide(OFFICE, lambda decision, text=text: picking(decision, member=text))
    as_xlsx(ledger, tmp_path / "ledger.xlsx")
    book = load_workbook(tmp_path / "ledger.xlsx")
    cells = [cell for row in book["联系点"].iter_rows(min_row=2) for cell in row]
    found = {cell.value: cell for cell in cells if cell.value in ODD}
    assert set(found) == set(ODD)
    for cell in found.values():
        assert cell.data_type == "s"
        assert cell.quotePrefix
    for sheet in book.worksheets:
        assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


def test_what_a_workbook_cannot_hold_is_made_fit(ledger: Ledger, tmp_path: Path) -> None:
    long = "很" * 40_000
    ledger.decide(OFFICE, lambda decision: picking(decision, member=f"a\x07b{long}"))
    as_xlsx(ledger, tmp_path / "ledger.xlsx")
    book = load_workbook(tmp_path / "ledger.xlsx")
    held = str(book["联系点"].cell(2, 4).value)
    assert held.startswith("a\N{REPLACEMENT CHARACTER}b很") and held.endswith("（截断）")
    as_json(ledger, tmp_path / "ledger.json")
    assert json.loads((tmp_path / "ledger.json").read_text())["pick"][0]["member"].endswith(long)


def test_a_table_that_is_longer_than_a_sheet_goes_on_in_another(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geodata.ledger.export._MOST_ROWS", 4)
    for number in range(9):
        ledger.decide(OFFICE, lambda decision, n=number: picking(decision, village=str(n)))
    as_xlsx(ledger, tmp_path / "ledger.xlsx")
    book = load_workbook(tmp_path / "ledger.xlsx")
    names = [name for name in book.sheetnames if name.startswith("联系点")]
    assert names == ["联系点", "联系点 2", "联系点 3"]
    assert [book[name].max_row for name in names] == [5, 5, 2]


@pytest.mark.parametrize("write", [as_json, as_xlsx])
def test_an_export_is_there_whole_or_not_at_all(
    ledger: Ledger, tmp_path: Path, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ledger)
    file = tmp_path / "export" / "ledger"
    write(ledger, file)
    content = file.read_bytes()
    monkeypatch.setattr("geodata.ledger.export._rows", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(ledger, file)
    assert [path.name for path in file.parent.iterdir()] == ["ledger"]
    assert file.read_bytes() == content
    with pytest.raises(AtlasError):
        write(ledger, file / "under a file")

"""The page of a village is one sheet of A4 whatever is on it, with room to write and its source."""

from __future__ import annotations

import io
import unicodedata
from typing import Any

import pytest
from pypdf import PageObject, PdfReader

from layers.contact import sheet
from tests.geodata.ledger.visiting import (
    MEMBER,
    VIEWER,
    bring,
    hold,
    office,
    small,
    village,
    visit,
)

__all__ = ["office", "small"]

pytestmark = pytest.mark.browser

MM = 96 / 25.4
AGAINST = (
    "现场核查 2021年12月18日，集体经营性收入：3 万元，与上报不一致（2021年12月上报：22.83 万元）。"
    "现在的上报（2022年1月）：23 万元。"
)
LONG = "特别长的名字" * 30


def full(content: dict[str, Any]) -> dict[str, Any]:
    """A page on which there is as much as there can be, in the longest words."""
    line = {"label": "垃圾处理无害化", "state": "lacks", "state_label": "缺", "against": True,
            "seen": "现场核查 2021年12月18日：没有"}  # fmt: skip
    return content | {
        "name": LONG[:40],
        "path": LONG[:50],
        "items": {"sentence": "二十项都缺", "lines": [line] * sheet.ITEMS},
        "against": [AGAINST] * sheet.AGAINST,
        "helpers": [{"label": "帮扶单位", "names": "、".join(["某某委员会机关服务中心"] * 4)}] * 3,
        "visits": [{"day": "2021年12月18日", "who": "好" * 22, "seen": "好" * 90}] * sheet.VISITS,
        "visits_more": 9,
        "problems": [
            {"category": "道路硬化", "said": "好" * 60, "owner": "好" * 14,
             "deadline": "2021年12月21日",
             "when": "超期 3 天", "state": "整改中", "overdue": True}
        ] * sheet.PROBLEMS,
        "problems_more": 9,
        "notices": ["来源：" + LONG, "数据截至 2021年12月", "审图号：津S(2024)001"],
    }  # fmt: skip


def read(page: PageObject) -> str:
    """The text of a page; a PDF spells some characters as the radicals that look like them."""
    return unicodedata.normalize("NFKC", page.extract_text())


@pytest.fixture
def page(chromium):
    with chromium.new_context(java_script_enabled=True) as context:
        yield context.new_page()


@pytest.mark.parametrize("much", [False, True], ids=["ordinary", "full"])
@pytest.mark.parametrize("office", ["sqlite"], indirect=True)
def test_one_sheet_with_room_to_write(page, office, small, much):
    here = village(small, 16)
    hold(office, MEMBER, here)
    visit(office, small, village=here)
    bring(office, small, "assigned", n=16)
    content = sheet.village(office, small, VIEWER, here)
    page.set_content(sheet.village_html(full(content) if much else content))
    paper = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    assert len(paper.pages) == 1
    width, height = (float(one) for one in paper.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (595, 842)
    text = read(paper.pages[0])
    assert "整改中" in text
    assert much or "数据截至" in text
    page.emulate_media(media="print")
    bottom, foot, lines = page.evaluate(
        """() => ["main", "footer", ".notes"].map(
            (one) => document.querySelector(one).getBoundingClientRect()
        ).map((box, n) => n < 2 ? box.bottom : box.height)"""
    )
    assert foot <= bottom + 1, "the source is on the page"
    assert lines >= 23 * MM, "there is room to write"


@pytest.mark.parametrize("office", ["sqlite"], indirect=True)
def test_a_long_list_goes_on_with_its_headings(page, office, small):
    for n in range(0, 36, 4):
        hold(office, MEMBER, village(small, n))
        for _ in range(5):
            bring(office, small, "found", n=n)
    page.set_content(sheet.member_html(sheet.member(office, small, VIEWER, MEMBER.id)))
    paper = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    assert len(paper.pages) > 1
    assert all("上次走访" in read(one) for one in paper.pages)

"""A sheet on paper says why a village matters, what was seen, what is open, whose data it is."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from openpyxl import load_workbook

from geodata.build import write
from geodata.edition import Edition
from geodata.errors import BadRequest, UnknownName
from geodata.ledger import observations, problems
from geodata.workspace import ContactPoints
from layers.contact import sheet, sheet_xlsx
from layers.contact.observed import beside
from layers.profile import profile
from layers.view import View
from tests.geodata.ledger.visiting import (
    MEMBER,
    OFFICE,
    VIEWER,
    bring,
    hold,
    office,
    turn,
    village,
    visit,
)
from tests.worlds import small_space, small_world

__all__ = ["office"]

HOSTILE = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://x","y")'


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Edition:
    """The small world with an income that cards speak of."""
    rules = ContactPoints(income="collective_income", gap="gap_items")
    space = small_space().model_copy(update={"contact_points": rules})
    folder = tmp_path_factory.mktemp("sheet")
    return Edition.open(folder, write(replace(small_world(), space=space), folder))


@pytest.fixture
def busy(office, small):
    """Village 16: a contact point that was visited four times and has nine problems."""
    here = village(small, 16)
    hold(office, MEMBER, here)
    for day in ("2021-10-01", "2021-11-11", "2021-12-05", "2021-12-18"):
        visit(office, small, village=here, day=day, people="村支书赵某", seen=f"{day}的见闻",
              observations=[{"indicator": "income", "value": 3}])  # fmt: skip
    for n in range(9):
        state = ("found", "assigned", "fixed")[n % 3]
        bring(office, small, state, n=16, deadline=f"2021-12-2{n}")
    turn(office, "2021-12-24T03:00")
    return office


def texts(html: str) -> str:
    """What a reader sees of a page."""

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.said, self.silent = [], 0

        def handle_starttag(self, tag, attrs):
            self.silent += tag in ("style", "title")
            assert tag != "script"
            assert not [name for name, _ in attrs if name.startswith("on")]

        def handle_endtag(self, tag):
            self.silent -= tag in ("style", "title")

        def handle_data(self, data):
            if not self.silent:
                self.said.append(data)

    reader = Reader()
    reader.feed(html)
    return " ".join(" ".join(reader.said).split())


def cells(data: bytes):
    book = load_workbook(io.BytesIO(data))
    return book.active, [
        cell for row in book.active.iter_rows() for cell in row if cell.value is not None
    ]


def test_the_page_of_a_village_says_what_a_visitor_needs(busy, small):
    content = sheet.village(busy, small, VIEWER, village(small, 16))
    said = texts(sheet.village_html(content))
    for wanted in (
        "孙新村", "中洲区 柳湾镇", "第三轮：在名单里", "村代码 990002901005", "集体收入",
        "22.83 万元", "目标 20 万元", "联系领导", "王成员", "第5工作队", "戊单位",
        "道路硬化", "饮水安全",
        "核查与上报不一致", "集体经营性收入：3 万元", "2021年12月18日", "村支书赵某",
        "此前还有 1 次走访", "村口一段还是土路", "超期 3 天", "另有 3 个",
        "走访记录（请填写）", "来源：演示数据",
        "数据截至 2021年12月", "打印日期 2021年12月24日", "演示数据",
    ):  # fmt: skip
        assert wanted in said, wanted
    assert "2021-10-01的见闻" not in said
    assert "审图号" not in said


def test_the_workbook_of_a_village_says_the_same_and_fits_one_page(busy, small):
    content = sheet.village(busy, small, VIEWER, village(small, 16))
    page, found = cells(sheet_xlsx.village(content))
    said = " ".join(str(cell.value) for cell in found)
    for wanted in ("孙新村", "22.83 万元", "王成员", "村口一段还是土路", "超期 3 天", "另有 3 个"):
        assert wanted in said, wanted
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert (page.page_setup.fitToWidth, page.page_setup.fitToHeight) == (1, 1)
    assert (int(page.page_setup.paperSize), page.page_setup.orientation) == (9, "portrait")
    assert page.print_area.endswith(f"$F${page.max_row}")
    assert page.oddHeader.right.text == "演示数据"
    assert "数据截至 2021年12月" in page.oddFooter.left.text
    assert page.column_dimensions["C"].width > 20


def test_the_list_of_a_member(busy, small):
    hold(busy, MEMBER, village(small, 0), "picked")
    hold(busy, MEMBER, village(small, 4), "released")
    content = sheet.member(busy, small, VIEWER, MEMBER.id)
    assert [one["name"] for one in content["villages"]] == ["赵家村", "孙新村"]
    assert content["sentence"] == "共 2 个联系点，未销号问题 9 个，其中超期 1 个。"
    said = texts(sheet.member_html(content))
    for wanted in ("王成员 的联系点", "2021年12月18日（6 天前）", "还没有走访", "待确认", "超期 1",
                   "1 项：道路硬化", "22.83 万元", "另有 3 个", "演示数据"):  # fmt: skip
        assert wanted in said, wanted
    page, found = cells(sheet_xlsx.member(content))
    values = [cell.value for cell in found]
    assert 9 in values, "a number is a number"
    assert "王成员 的联系点" in values
    assert page.print_title_rows == "$3:$3"
    assert page.page_setup.orientation == "landscape"
    assert page.page_setup.fitToHeight == 0


def test_a_village_of_which_nothing_is_known(office, small):
    content = sheet.village(office, small, VIEWER, village(small, 1))
    said = texts(sheet.village_html(content))
    for wanted in ("不在名单里", "还不是谁的联系点", "还没有走访记录", "没有未销号的问题",
                   "名册里没有工作队和帮扶单位"):  # fmt: skip
        assert wanted in said, wanted
    assert sheet_xlsx.village(content)
    content = sheet.member(office, small, VIEWER, OFFICE.id)
    assert "还没有联系点" in texts(sheet.member_html(content))
    assert sheet_xlsx.member(content)


def test_a_world_of_two_levels_and_other_words_has_its_sheets(office, tiny):
    content = sheet.village(office, tiny, VIEWER, "NA")
    said = texts(sheet.village_html(content))
    assert "甲村" in said
    assert "水井" in said
    hold(office, MEMBER, "NA")
    assert sheet_xlsx.village(content)
    assert sheet.member_html(sheet.member(office, tiny, VIEWER, MEMBER.id))


def test_what_was_typed_stays_text_on_paper(office, small):
    here = village(small, 16)
    visit(office, small, village=here, people=HOSTILE, seen=FORMULA)
    for said in (HOSTILE, FORMULA, "@SUM(A1)", "+1", "-1", "{{ 7 * 7 }}", "{% raw %}", "\u202e反"):
        problems.find(office, small, MEMBER, {"village": here, "category": "team", "said": said})
    content = sheet.village(office, small, VIEWER, here)
    html = sheet.village_html(content)
    assert "<script" not in html
    said = texts(html)
    # The page holds some of them, in an order that does not matter here.
    assert HOSTILE in said or content["problems_more"]
    assert "{{ 7 * 7 }}" in said or content["problems_more"]
    _, found = cells(sheet_xlsx.village(content))
    assert all(cell.data_type in ("s", "n") for cell in found)
    typed = [cell for cell in found if str(cell.value).startswith(("=", "+", "-", "@"))]
    assert typed
    assert all(cell.quotePrefix for cell in typed)


def test_hostile_names_in_files_stay_names(office, renamed):
    name = '"><img src=x onerror=alert(1)>{{7*7}}'
    edition = renamed(name)
    hold(office, MEMBER, village(edition))
    html = sheet.village_html(sheet.village(office, edition, VIEWER, village(edition)))
    assert "<img" not in html
    assert name in texts(html)
    html = sheet.member_html(sheet.member(office, edition, VIEWER, MEMBER.id))
    assert "<img" not in html
    assert name in texts(html)


def test_a_title_with_an_ampersand_is_no_command_in_a_header(office, small):
    content = sheet.village(office, small, VIEWER, village(small)) | {"heading": "甲&乙&D"}
    page, _ = cells(sheet_xlsx.village(content))
    assert page.oddHeader.left.text == "甲&&乙&&D"


def test_it_asks_for_nothing_and_runs_nothing(busy, small):
    html = sheet.village_html(sheet.village(busy, small, VIEWER, village(small, 16)))
    assert "<script" not in html
    assert not re.search(r"(?:src|href|url)\s*[=(]", html)


def test_the_map_review_number_is_printed_when_it_is_set(office, small):
    content = sheet.village(office, small, VIEWER, village(small))
    said = texts(sheet.village_html(content | {"notices": ["审图号：津S(2024)001"]}))
    assert "审图号：津S(2024)001" in said


def test_when_there_is_too_much_the_older_goes_first_and_is_counted(busy, small):
    content = sheet.village(busy, small, VIEWER, village(small, 16))
    assert sheet.fitted(content) == content, "what fits is left alone"
    line = content["items"]["lines"][0] | {"seen": "现场核查：已有", "against": False}
    crowded = content | {"items": content["items"] | {"lines": [line] * sheet.ITEMS}}
    crowded["visits"] = [one | {"seen": "好" * 90} for one in content["visits"]]
    found = sheet.fitted(crowded)
    assert found["visits"] == crowded["visits"][:1]
    assert found["visits_more"] == content["visits_more"] + 2
    gone = len(crowded["problems"]) - len(found["problems"])
    assert found["problems_more"] == content["problems_more"] + gone
    assert found["problems"] == crowded["problems"][: len(found["problems"])]
    assert len(crowded["visits"]) == 3, "what was given is not changed"


@pytest.mark.parametrize("wrong", ["990001", "none", "\x00", ""])
def test_a_sheet_of_what_is_not_there(office, small, wrong):
    with pytest.raises((UnknownName, BadRequest)):
        sheet.village(office, small, VIEWER, wrong)
    with pytest.raises(UnknownName):
        sheet.member(office, small, VIEWER, wrong)


def test_a_contact_point_that_the_edition_no_longer_knows_is_listed_by_code(office, small):
    hold(office, MEMBER, "990009909009")
    (row,) = sheet.member(office, small, VIEWER, MEMBER.id)["villages"]
    assert row["name"] == "990009909009"


@pytest.mark.parametrize(
    ("values", "path"),
    [([], None), ([1.0], None), ([None, 1.0], None), ([float("nan"), 1.0], None)],
)
def test_no_curve_of_fewer_than_two_values(values, path):
    assert sheet.spark(values, 5) is path


def test_a_curve_has_gaps_where_nothing_was_reported():
    drawn = sheet.spark([0, 10, None, 10, 20], 20)
    assert re.findall("[ML]", drawn["path"]) == ["M", "L", "M", "L"]
    assert drawn["goal"] == drawn["y"] == "3.0"
    assert sheet.spark([0, 0], None)["y"] == "37.0"


# ---- beside the figures in the portal ----


def test_an_observation_stands_beside_its_figure(office, small):
    here = village(small, 16)
    lacks = [{"indicator": "paved", "value": False}, {"indicator": "income", "value": 3}]
    visit(office, small, village=here, observations=lacks)
    rows = observations.of(office, small, here, people=False)
    plain = profile(small, View(region=here))
    before = repr(plain)
    found = beside(plain, rows)
    assert repr(plain) == before, "a profile that others share is not changed"
    last = {line["id"]: line["seen"] for line in found["items"][-1]["items"]}
    assert last["paved"]["seen_text"] == "没有"
    assert last["paved"]["status_label"] == "现场核查"
    assert last["water"] is None
    curve = next(one for one in found["curves"] if one["indicator"] == "income")
    assert curve["seen"]["stands"] is True
    marked = {(one["round"], one["indicator"]) for one in found["provenance"] if one["seen"]}
    assert ("r3", "income") in marked
    assert ("r2", "income") not in marked
    assert found["contradictions"] == sum(one["stands"] for one in rows)
    assert MEMBER.label not in repr(found)


def test_a_region_without_items_or_observations_stays_as_it_was(small):
    plain = profile(small, View())
    found = beside(plain, [])
    assert {key: found[key] for key in plain} == plain
    assert (found["observations"], found["contradictions"]) == ([], 0)

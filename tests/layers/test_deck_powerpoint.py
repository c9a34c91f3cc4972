"""Slides: native charts with the scene's numbers, sharp maps, notes, links, and no English."""

from __future__ import annotations

import io
import re
import zipfile
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from lxml import etree
from PIL import Image
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE

from geodata.edition import Edition
from layers import deck, poster
from layers.deck.drawing import LEAST_PIXELS
from tests.layers import deck_contents

NOTES = {"progress": "先说结论。\n再说 #原因 <b>。"}


def link(query: str) -> str:
    return f"http://atlas.example/?{query}"


@pytest.fixture(scope="module")
def contents(small):
    return deck_contents.everything(small)


@pytest.fixture(scope="module")
def written(small, contents):
    return deck.pptx(small, contents, link=link, notes=NOTES)


@pytest.fixture(scope="module")
def slides(written):
    return list(Presentation(io.BytesIO(written)).slides)


def charts(slide):
    return [shape.chart for shape in slide.shapes if shape.has_chart]


def words(slide):
    """All text on a slide."""
    found = [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
    for shape in slide.shapes:
        if shape.has_table:
            found += [cell.text for row in shape.table.rows for cell in row.cells]
    return "\n".join(found)


def series(chart):
    return {one.name: list(one.values) for one in chart.plots[0].series}


def test_one_wide_slide_a_scene(written, contents):
    presentation = Presentation(io.BytesIO(written))
    assert len(presentation.slides) == len(contents)
    assert presentation.slide_width.inches == pytest.approx(13.333, abs=0.001)
    assert presentation.slide_height.inches == pytest.approx(7.5)


def test_the_sentence_is_there_and_nothing_is_written_larger(slides, contents):
    for slide, content in zip(slides, contents, strict=True):
        assert slide.shapes.title.text_frame.text == content["title"]
        sizes = {}
        for shape in slide.shapes:
            if shape.has_text_frame:
                for paragraph in shape.text_frame.paragraphs:
                    for run in paragraph.runs:
                        sizes[run.text] = run.font.size
        assert sizes[content["sentence"]] == max(sizes.values())


def test_no_placeholder_is_empty(slides):
    for slide in slides:
        assert all(shape.text_frame.text for shape in slide.placeholders)
        assert [shape.element.ph.get("type") for shape in slide.placeholders].count("sldNum") == 1


def test_a_ranking_is_a_native_chart_with_the_same_numbers(slides, contents):
    chart = charts(slides[0])[1]
    found = series(chart)
    assert found["实际"] == [66.7, 33.3, None]
    assert found["年底目标"] == [80.0, 80.0, 80.0]
    names = list(chart.plots[0].categories)
    assert [name.split(" ")[0] for name in names] == ["1", "2", "3"]
    assert names[2].endswith("（未上报）")


def test_a_series_keeps_its_gap_and_its_plan_stands_in_its_own_time(slides):
    chart = charts(slides[0])[0]
    found = series(chart)
    months = len(found["实际"])
    assert months == 9  # 2021-07 to the promise for 2022-03
    assert found["实际"][:6] == [11.1, 22.2, None, 33.3, 44.4, 55.6]
    assert found["实际"][6:] == [None] * 3
    assert found["计划"] == [None] * 8 + [80.0]
    assert found["部分上报"][3] == 33.3
    assert found["计划进度"][0] == 11.1
    assert chart._chartSpace.xpath(".//c:dispBlanksAs/@val") == ["gap"]
    # Excel counts days: the axis knows how far apart the months are.
    days = [float(one.label) for one in chart.plots[0].categories]
    assert date(1899, 12, 30) + timedelta(days=days[0]) == date(2021, 7, 1)
    assert date(1899, 12, 30) + timedelta(days=days[-1]) == date(2022, 3, 1)


def test_the_workbook_behind_a_chart_holds_the_numbers(slides):
    import openpyxl

    blob = charts(slides[0])[0].part.chart_workbook.xlsx_part.blob
    sheet = openpyxl.load_workbook(io.BytesIO(blob)).active
    columns = {column[0].value: [cell.value for cell in column[1:]] for column in sheet.columns}
    assert columns["实际"][:6] == [11.1, 22.2, None, 33.3, 44.4, 55.6]
    assert columns["计划"][8] == 80.0


def test_gaps_are_bars_and_no_data_has_none(slides):
    assert series(charts(slides[1])[0])["实际"] == [33.3, None, 0.0]


def test_standings_are_a_native_table(slides, contents):
    table = next(shape.table for shape in slides[3].shapes if shape.has_table)
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    given = contents[3]["table"]
    assert rows == [[one["label"] for one in given["columns"]], *given["rows"]]


def test_maps_are_sharp_and_described(slides):
    for slide in slides:
        [picture] = [s for s in slide.shapes if s.shape_type == MSO_SHAPE_TYPE.PICTURE]
        with Image.open(io.BytesIO(picture.image.blob)) as image:
            assert image.width >= LEAST_PIXELS
            assert image.width / image.height == pytest.approx(
                picture.width / picture.height, rel=0.01
            )
        described = picture._element.nvPicPr.cNvPr.get("descr")
        assert "分级地图" in described
        assert "个" in described


def test_every_slide_says_where_it_comes_from(slides, small):
    for slide in slides:
        text = words(slide)
        assert "来源：" in text
        assert f"数据截至 {small.cutoff}" in text
        assert "演示数据" in text
        assert "公里" in text
        assert "未上报" in text


def test_the_approval_number_is_shown_when_there_is_one(small, contents, monkeypatch):
    said = {**small.notices(), "approval_number": "津S（2024）001", "demo": False}
    monkeypatch.setattr(Edition, "notices", lambda self: said)
    written = deck.pptx(small, contents[:1], link=link, notes={})
    [slide] = Presentation(io.BytesIO(written)).slides
    assert "审图号：津S（2024）001" in words(slide)
    assert "演示数据，非真实统计" not in words(slide)


def test_the_legend_counts_like_the_edition(slides, small):
    # Three districts, of which one did not report.
    text = words(slides[0])
    assert "1 个区" in text
    hatched = slides[0].shapes._spTree.xpath(".//a:pattFill")
    assert len(hatched) == 1


def test_links_open_the_same_view(slides, contents):
    for slide, content in zip(slides, contents, strict=True):
        targets = [
            run.hyperlink.address
            for shape in slide.shapes
            if shape.has_text_frame
            for paragraph in shape.text_frame.paragraphs
            for run in paragraph.runs
            if run.hyperlink.address
        ]
        assert targets == [link(content["query"])]


def test_rehearsal_notes_go_into_the_notes(slides):
    assert slides[0].notes_slide.notes_text_frame.text == NOTES["progress"]
    assert not slides[1].has_notes_slide


def test_text_is_chinese_and_set_in_a_chinese_font(written):
    english = re.compile(r"[A-Za-z]{4,}")
    allowed = {"Microsoft", "YaHei"}
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        for name in archive.namelist():
            if not name.endswith(".xml") or not name.startswith("ppt/"):
                continue
            root = etree.fromstring(archive.read(name))
            for element in root.iter(etree.Element):
                kind = etree.QName(element).localname
                assert element.get("lang") in (None, "zh-CN"), name
                if kind == "t" and element.text:
                    assert not set(english.findall(element.text)) - allowed, (name, element.text)
                if kind == "cNvPr":
                    assert not english.search(element.get("name")), (name, element.get("name"))
                if kind in ("cSld", "theme", "clrScheme", "fontScheme"):
                    assert not english.search(element.get("name") or ""), name
                if kind == "ea":
                    face = element.get("typeface")
                    assert face in ("Microsoft YaHei", "+mj-ea", "+mn-ea"), (name, face)


def test_charts_have_no_title_of_their_own(slides):
    for slide in slides:
        for chart in charts(slide):
            assert not chart.has_title
            assert chart._chartSpace.xpath(".//c:autoTitleDeleted/@val") == ["1"]


def test_no_author_is_invented(written, small):
    core = Presentation(io.BytesIO(written)).core_properties
    title = small.notices()["title"]
    assert (core.title, core.author, core.last_modified_by) == (title, title, title)
    assert core.comments == ""


def test_the_same_scenes_make_the_same_file(written, small, contents):
    again = deck.pptx(small, contents, link=link, notes=NOTES)
    assert again == written


def test_names_are_shown_as_they_are(small):
    nasty = '#eval("1") *x* <b>&amp;"q"</b> {{7}} \x00\x0b'
    shown = nasty.replace("\x00", "").replace("\x0b", "")
    content = deck_contents.of_region(small, nasty)
    content["ranking"]["unit"] = '<&"户'
    written = deck.pptx(small, [content], link=link, notes={content["id"]: nasty})
    [slide] = Presentation(io.BytesIO(written)).slides
    assert slide.shapes.title.text_frame.text == shown
    assert shown in next(iter(charts(slide)[0].plots[0].categories))
    assert slide.notes_slide.notes_text_frame.text == shown.strip()


def test_a_round_without_measures_has_a_slide(small):
    content = {
        **deck_contents.standings(small),
        "query": "round=r1",
        "table": None,
        "ranking": None,
    }
    written = deck.pptx(small, [content], link=link, notes={})
    [slide] = Presentation(io.BytesIO(written)).slides
    assert "公里" in words(slide)


def test_progress_is_told_slide_by_slide(small, contents):
    steps = []

    class Listener:
        @contextmanager
        def step(self, label, total=None):
            steps.append([label, total, 0])

            def advance(units=1):
                steps[-1][2] += units

            yield advance

    deck.pptx(small, contents[:2], link=link, notes={}, progress=Listener())
    assert [(total, done) for _, total, done in steps] == [(2, 2), (1, 1)]


def test_without_a_chinese_font_no_work_is_begun(small, contents, monkeypatch):
    def missing():
        raise poster.FontMissing("没有中文字体", cure="安装 fonts-noto-cjk")

    monkeypatch.setattr(poster, "chinese_font", missing)
    for make in (deck.pptx, deck.pdf):
        with pytest.raises(poster.FontMissing, match="fonts-noto-cjk"):
            make(small, contents, link=link, notes={})
    with pytest.raises(poster.FontMissing, match="fonts-noto-cjk"):
        deck.png(small, contents[0], width=1920, height=1080, link=link)


def test_times_are_those_of_the_edition(written, small):
    core = Presentation(io.BytesIO(written)).core_properties
    assert core.created.isoformat()[:10] == small.built_at[:10]


def test_two_levels_make_slides_too(tiny):
    root = deck_contents.region(tiny)
    content = {
        "id": "map",
        "kind": "map",
        "title": "一览",
        "sentence": "一句话",
        "detail": [],
        "query": "",
        "region": root,
        "marked": [],
        "figures": [],
    }
    written = deck.pptx(tiny, [content], link=link, notes={})
    assert len(Presentation(io.BytesIO(written)).slides) == 1

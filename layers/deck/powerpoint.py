"""Slides that an office can go on working with: native charts and tables, notes, links."""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping, Sequence
from functools import singledispatchmethod
from typing import Any

from lxml import etree
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LABEL_POSITION,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
    XL_TICK_MARK,
)
from pptx.enum.dml import MSO_LINE, MSO_PATTERN
from pptx.enum.shapes import MSO_CONNECTOR, MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Emu, Pt

from geodata.edition import Edition
from geodata.progress import SILENT, Progress
from geodata.words import say
from layers import poster
from layers.deck import drawing
from layers.deck.compose import (
    LABEL_ROOM,
    Box,
    Grid,
    Page,
    Picture,
    Plate,
    Plot,
    Stroke,
    Swatch,
    Text,
    compose,
)
from layers.deck.graph_svg import bar_text, decimals, skip
from layers.deck.graphs import Bars, Lines
from layers.deck.slide import Link, slide
from layers.deck.template import (
    LOOK,
    SENTENCE,
    bare,
    empty,
    emu,
    emus,
    face,
    place,
    rgb,
    written_steadily,
)

Json = Mapping[str, Any]

_ALIGN = {"left": PP_ALIGN.LEFT, "center": PP_ALIGN.CENTER, "right": PP_ALIGN.RIGHT}
_ANCHOR = {"top": MSO_ANCHOR.TOP, "middle": MSO_ANCHOR.MIDDLE, "bottom": MSO_ANCHOR.BOTTOM}
_HELD = {"title", "sentence"}

_PLAIN_TABLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
"""PowerPoint's own style without bands and lines."""


def pptx(
    edition: Edition,
    contents: Sequence[Json],
    *,
    link: Link,
    notes: Mapping[str, str] | None = None,
    progress: Progress = SILENT,
) -> bytes:
    """A presentation with one slide a scene.

    The same edition and contents give the same bytes: times in it are those of the edition.

    Parameters
    ----------
    contents : content dicts of scenes (`layers.briefing.content`).
    link : makes the full address of a query string.
    notes : what the presenter wants to say, by scene id.

    Raises
    ------
    FontMissing : before any work; and as `slide`.
    """
    poster.chinese_font()
    spoken = notes or {}
    deck = empty(edition)
    with progress.step(say("deck.progress.slides"), len(contents)) as advance:
        for number, content in enumerate(contents, start=1):
            said = slide(
                edition,
                content,
                link=link,
                look=LOOK,
                number=number,
                notes=spoken.get(str(content["id"]), ""),
            )
            page = compose(said, look=LOOK)
            drawing.measure(edition, page)
            _Sheet(deck, page, drawing.bitmap(edition, page)).draw()
            advance(1)
    with progress.step(say("deck.progress.file"), 1) as advance:
        written = written_steadily(deck)
        advance(1)
    return written


class _Sheet:
    """One slide under way."""

    def __init__(self, deck: Any, page: Page, picture: bytes) -> None:
        self.deck, self.page, self.picture = deck, page, picture
        self.ink = page.ink
        self.slide = deck.slides.add_slide(deck.slide_layouts[0])
        self.shapes = self.slide.shapes

    def draw(self) -> None:
        """Put everything on it."""
        holders = {
            "title": self.shapes.title,
            "sentence": self.slide.placeholders[SENTENCE],
        }
        for item in self.page.items:
            if isinstance(item, Text) and item.role in holders:
                shape = holders[item.role]
                place(shape, item.box)
                self._write(shape, item)
                shape.name = say(f"deck.role.{item.role}")
        for item in self.page.items:
            if not (isinstance(item, Text) and item.role in _HELD):
                self.put(item)
        self._notes()

    @singledispatchmethod
    def put(self, item: Any) -> None:
        """Draw one item."""
        raise TypeError(item)

    @put.register
    def _text(self, item: Text) -> None:
        if item.role == "number":
            self._number(item)
            return
        box = self.shapes.add_textbox(*emus(item.box))
        box.name = item.text[:40] or say("deck.layout")
        self._write(box, item)

    @put.register
    def _map(self, item: Picture) -> None:
        shape = self.shapes.add_picture(io.BytesIO(self.picture), *emus(item.box))
        shape.name = say("deck.drawing")
        shape._element.nvPicPr.cNvPr.set("descr", item.words)

    @put.register
    def _swatch(self, item: Swatch) -> None:
        shape = self._rectangle(item.box, item.line)
        if item.off:
            shape.fill.background()
        elif item.colour:
            shape.fill.solid()
            shape.fill.fore_color.rgb = rgb(item.colour)
        else:
            shape.fill.patterned()
            shape.fill.pattern = MSO_PATTERN.WIDE_UPWARD_DIAGONAL
            shape.fill.fore_color.rgb = rgb(self.ink.hatch)
            shape.fill.back_color.rgb = rgb(self.ink.ground)

    @put.register
    def _plate(self, item: Plate) -> None:
        shape = self._rectangle(item.box, item.line)
        if item.fill:
            shape.fill.solid()
            shape.fill.fore_color.rgb = rgb(item.fill)
        else:
            shape.fill.background()

    def _rectangle(self, box: Box, line: str) -> Any:
        shape = self.shapes.add_shape(MSO_SHAPE.RECTANGLE, *emus(box))
        shape.name = say("deck.legend")
        shape.line.color.rgb = rgb(line)
        shape.line.width = Pt(0.75)
        _decorative(shape)
        return shape

    @put.register
    def _stroke(self, item: Stroke) -> None:
        ends = (emu(part) for part in (item.x, item.y, item.to_x, item.to_y))
        shape = self.shapes.add_connector(MSO_CONNECTOR.STRAIGHT, *(Emu(end) for end in ends))
        shape.name = say("deck.line")
        shape.line.color.rgb = rgb(item.colour)
        shape.line.width = Pt(item.width)
        _decorative(shape)

    @put.register
    def _plot(self, item: Plot) -> None:
        if isinstance(item.graph, Bars):
            chart = self._bars(item.box, item.graph)
        else:
            chart = self._lines(item.box, item.graph)
        chart.has_title = False
        chart.font.size = Pt(10)
        chart.font.color.rgb = rgb(self.ink.ink_2)
        # Without this PowerPoint writes the only series' name over the graph.
        deleted = chart._chartSpace.chart.find(qn("c:autoTitleDeleted"))
        if deleted is not None:
            deleted.set("val", "1")

    def _chart(self, kind: XL_CHART_TYPE, box: Box, data: CategoryChartData, title: str) -> Any:
        frame = self.shapes.add_chart(kind, *emus(box), data)
        frame.name = say("deck.graph", title=title)
        frame._element.nvGraphicFramePr.cNvPr.set("descr", frame.name)
        return frame.chart

    def _bars(self, box: Box, graph: Bars) -> Any:
        data = CategoryChartData(number_format=_format(graph.digits))
        data.categories = graph.labels
        if graph.target is not None:
            data.add_series(
                graph.target_label or say("deck.target"), [graph.target] * len(graph.labels)
            )
        data.add_series(say("deck.actual"), graph.values)
        chart = self._chart(XL_CHART_TYPE.BAR_CLUSTERED, box, data, graph.title)
        key = 24.0 if graph.target is not None else 0.0
        size = bar_text((box.h - key) / len(graph.labels))
        plot = chart.plots[0]
        plot.gap_width = 45
        # The target lies behind the bar: what is missing stays to be seen.
        plot.overlap = 100
        plot.vary_by_categories = False
        behind = graph.target is not None
        if behind:
            self._filled(plot.series[0], self.ink.behind)
        actual = plot.series[-1]
        self._filled(actual, self.ink.bar)
        labels = actual.data_labels
        labels.show_value = True
        labels.number_format = _format(graph.digits, graph.unit)
        labels.number_format_is_linked = False
        labels.position = XL_LABEL_POSITION.OUTSIDE_END
        _unbroken(labels)
        labels.font.size = Pt(size)
        labels.font.color.rgb = rgb(self.ink.ink)
        chart.has_legend = behind
        if behind:
            self._key(chart)
        names = chart.category_axis
        names.reverse_order = True
        # Every bar has its name, however close they stand.
        _every(names._element, 1)
        names.major_tick_mark = XL_TICK_MARK.NONE
        names.tick_labels.font.size = Pt(size)
        names.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        names.format.line.color.rgb = rgb(self.ink.line)
        amounts = chart.value_axis
        amounts.visible = False
        amounts.has_major_gridlines = False
        low = min((value for value in graph.values if value is not None), default=0.0)
        if low >= 0:
            amounts.minimum_scale = 0
        amounts.maximum_scale = graph.highest * LABEL_ROOM
        return chart

    def _filled(self, series: Any, colour: str) -> None:
        series.format.fill.solid()
        series.format.fill.fore_color.rgb = rgb(colour)
        series.format.line.fill.background()
        series.invert_if_negative = False

    def _lines(self, box: Box, graph: Lines) -> Any:
        data = CategoryChartData(number_format=_format(graph.digits))
        data.categories = graph.dates or graph.labels
        if graph.dates:
            data.categories.number_format = "yyyy-mm"
        # Under the curve, which would vanish under its own marks.
        partial = any(value is not None for value in graph.partial)
        if partial:
            data.add_series(say("deck.partial"), graph.partial)
        data.add_series(say("deck.actual"), graph.value)
        expected = any(value is not None for value in graph.plan_line)
        if expected:
            data.add_series(say("deck.plan_line"), graph.plan_line)
        if graph.has_plan:
            data.add_series(say("deck.plan"), graph.plan)
        chart = self._chart(XL_CHART_TYPE.LINE_MARKERS, box, data, graph.title)
        series = list(chart.plots[0].series)
        if partial:
            one = series.pop(0)
            self._curve(one, None, 0)
            self._marker(one, XL_MARKER_STYLE.CIRCLE, 6, self.ink.pale)
        self._curve(series.pop(0), self.ink.bar, 2.25)
        if expected:
            one = series.pop(0)
            self._curve(one, self.ink.plan, 1.25)
            one.format.line.dash_style = MSO_LINE.DASH
        if graph.has_plan:
            one = series.pop(0)
            self._curve(one, None, 0)
            self._marker(one, XL_MARKER_STYLE.DIAMOND, 9, self.ink.plan)
            labels = one.data_labels
            labels.show_value = True
            labels.number_format = _format(graph.digits, graph.unit, trim=True)
            labels.number_format_is_linked = False
            labels.position = XL_LABEL_POSITION.ABOVE
            _unbroken(labels)
            labels.font.size = Pt(10)
            labels.font.color.rgb = rgb(self.ink.plan)
        chart.has_legend = partial or expected or graph.has_plan
        if chart.has_legend:
            self._key(chart)
        self._axes(chart, graph, box.w)
        return chart

    def _axes(self, chart: Any, graph: Lines, width: float) -> None:
        low, high, step = graph.axis
        amounts = chart.value_axis
        amounts.minimum_scale, amounts.maximum_scale, amounts.major_unit = low, high, step
        amounts.major_gridlines.format.line.color.rgb = rgb(self.ink.line)
        amounts.major_gridlines.format.line.width = Pt(0.5)
        amounts.format.line.fill.background()
        amounts.major_tick_mark = XL_TICK_MARK.NONE
        amounts.tick_labels.number_format = _format(decimals(step), graph.unit)
        amounts.tick_labels.number_format_is_linked = False
        names = chart.category_axis
        names.format.line.color.rgb = rgb(self.ink.line)
        names.major_tick_mark = XL_TICK_MARK.NONE
        names.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        every = skip(len(graph.labels), width)
        if graph.dates:
            # Real dates: every program thins them out without turning them.
            names.tick_labels.number_format = _dates(graph)
            names.tick_labels.number_format_is_linked = False
            _units(names._element, every, "months" if graph.step == "month" else "years")
        else:
            _every(names._element, every)

    def _curve(self, series: Any, colour: str | None, width: float) -> None:
        series.smooth = False
        series.marker.style = XL_MARKER_STYLE.NONE
        if colour is None:
            series.format.line.fill.background()
        else:
            series.format.line.color.rgb = rgb(colour)
            series.format.line.width = Pt(width)

    def _marker(self, series: Any, style: Any, size: int, colour: str) -> None:
        series.marker.style = style
        series.marker.size = size
        series.marker.format.fill.solid()
        series.marker.format.fill.fore_color.rgb = rgb(colour)
        series.marker.format.line.fill.background()

    def _key(self, chart: Any) -> None:
        chart.legend.position = XL_LEGEND_POSITION.BOTTOM
        chart.legend.include_in_layout = False
        chart.legend.font.size = Pt(10)

    @put.register
    def _grid(self, item: Grid) -> None:
        table = item.table
        shape = self.shapes.add_table(len(table.rows) + 1, len(table.columns), *emus(item.box))
        shape.name = say("deck.grid", title=table.caption)
        shape._element.nvGraphicFramePr.cNvPr.set("descr", shape.name)
        grid = shape.table
        # The banded blue of the default style is nobody's look.
        grid.horz_banding = False
        style = shape._element.graphic.graphicData.tbl.tblPr.find(qn("a:tableStyleId"))
        if style is not None:
            style.text = _PLAIN_TABLE
        for column, width in zip(grid.columns, item.widths, strict=True):
            column.width = Emu(emu(width))
        for row in grid.rows:
            row.height = Emu(int(emu(item.box.h) / (len(table.rows) + 1)))
        for at, cells in enumerate((table.columns, *table.rows)):
            for column, text in enumerate(cells):
                cell = grid.cell(at, column)
                self._cell(cell, text, item.size, right=table.right[column], head=at == 0)

    def _cell(self, cell: Any, text: str, size: float, *, right: bool, head: bool) -> None:
        cell.margin_left = cell.margin_right = Pt(4)
        cell.margin_top = cell.margin_bottom = Pt(1)
        cell.vertical_anchor = MSO_ANCHOR.MIDDLE
        frame = cell.text_frame
        frame.word_wrap = True
        self._run(
            frame,
            Text(
                Box(0, 0, 0, 0),
                text,
                size,
                self.ink.ink_3 if head else self.ink.ink,
                bold=head,
                align="right" if right else "left",
            ),
        )
        _underline(cell, self.ink.hatch if head else self.ink.line)

    def _write(self, shape: Any, item: Text) -> None:
        frame = shape.text_frame
        bare(frame)
        frame.word_wrap = item.lines > 1
        frame.vertical_anchor = _ANCHOR[item.anchor]
        self._run(frame, item)

    def _run(self, frame: Any, item: Text) -> None:
        paragraph = frame.paragraphs[0]
        paragraph.alignment = _ALIGN[item.align]
        run = paragraph.add_run()
        run.text = item.text
        run.font.size = Pt(item.size)
        run.font.bold = item.bold
        run.font.color.rgb = rgb(item.colour)
        face(run)
        if item.link:
            run.hyperlink.address = item.link

    def _number(self, item: Text) -> None:
        """The page's number as PowerPoint's own field, in its own placeholder."""
        layout = self.slide.slide_layout
        pattern = next(one for one in layout.placeholders if one.element.ph.get("type") == "sldNum")
        element = copy.deepcopy(pattern.element)
        ids = [
            int(one.get("id")) for one in self.shapes._spTree.iter() if one.tag.endswith("cNvPr")
        ]
        element.nvSpPr.cNvPr.set("id", str(max(ids) + 1))
        element.nvSpPr.cNvPr.set("name", say("deck.role.number"))
        element.find(f".//{qn('a:fld')}/{qn('a:t')}").text = item.text
        self.shapes._spTree.append(element)

    def _notes(self) -> None:
        said = self.page.slide.notes.strip()
        if not said:
            return
        notes = self.slide.notes_slide
        for shape in list(notes.placeholders):
            if shape.element.ph.get("type") == "sldNum":
                shape.element.getparent().remove(shape.element)
            shape.name = say("deck.role.notes")
        frame = notes.notes_text_frame
        frame.text = said
        for paragraph in frame.paragraphs:
            for run in paragraph.runs:
                face(run)


def _dates(graph: Lines) -> str:
    """The Excel format of a time axis: 2024年12月, or 2024年."""
    words = {"year": "yyyy", "month": "m"}
    return (
        say("period.month", **words).replace("年", '"年"').replace("月", '"月"')
        if graph.step == "month"
        else say("period.year", **words).replace("年", '"年"')
    )


def _every(axis: Any, count: int) -> None:
    """Write every so many-th label of a category axis."""
    before = axis.find(qn("c:noMultiLvlLbl"))
    for tag in ("c:tickLblSkip", "c:tickMarkSkip"):
        before.addprevious(axis.makeelement(qn(tag), {"val": str(count)}))


def _units(axis: Any, count: int, unit: str) -> None:
    """Write the label of every so many-th month or year of a date axis."""
    for tag in ("c:baseTimeUnit", "c:majorUnit", "c:majorTimeUnit"):
        for old in axis.findall(qn(tag)):
            axis.remove(old)
    for tag, value in (
        ("c:baseTimeUnit", unit),
        ("c:majorUnit", str(count)),
        ("c:majorTimeUnit", unit),
    ):
        axis.append(axis.makeelement(qn(tag), {"val": value}))


def _format(digits: int, unit: str = "", *, trim: bool = False) -> str:
    """An Excel number format, with the unit in it.

    python-pptx writes the format of a chart's data into XML as it stands: only without a unit.
    """
    places = "" if not digits else "." + ("#" if trim else "0") * digits
    if trim:
        places = ""
    quoted = unit.replace('"', "")
    gap = "" if unit in ("", "%", "‰", "°") else " "
    return f"#,##0{places}" + (f'"{gap}{quoted}"' if quoted else "")


def _decorative(shape: Any) -> None:
    """Without the theme's shadow, and passed over by screen readers: the map's words say it."""
    for style in shape._element.findall(qn("p:style")):
        shape._element.remove(style)
    properties = shape._element.xpath(".//p:cNvPr")[0]
    extension = etree.fromstring(
        '<a:extLst xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        '<a:ext uri="{C183D7F6-B498-43B3-948B-1728B52AA6E4}">'
        '<adec:decorative xmlns:adec="http://schemas.microsoft.com/office/drawing/2017/decorative"'
        ' val="1"/></a:ext></a:extLst>'
    )
    properties.append(extension)


def _unbroken(labels: Any) -> None:
    """A number and its unit stay on one line."""
    body = labels.font._rPr.getparent().getparent().getparent().find(qn("a:bodyPr"))
    body.set("wrap", "none")


def _underline(cell: Any, colour: str) -> None:
    properties = cell._tc.get_or_add_tcPr()
    line = properties.makeelement(qn("a:lnB"), {"w": "9525"})
    fill = etree.SubElement(line, qn("a:solidFill"))
    etree.SubElement(fill, qn("a:srgbClr"), val=colour.lstrip("#").upper())
    # Lines come first among a cell's properties.
    properties.insert(0, line)

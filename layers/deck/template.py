"""The empty presentation: our size, fonts and colours, one layout, and no English anywhere."""

from __future__ import annotations

import copy
import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

from lxml import etree
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.oxml.ns import _nsmap, qn
from pptx.util import Emu

from geodata.edition import Edition
from geodata.words import say
from layers.deck.compose import HEIGHT, INKS, MARGIN, WIDE, Box

FONT = "Microsoft YaHei"
"""On every Windows with Chinese; other systems put their own Chinese font in its place."""

LOOK = "light"
"""Slides are printed, and shown by projectors in lit rooms."""

SENTENCE = 13
"""Number of the sentence's placeholder on every slide."""

_LANGUAGE = "zh-CN"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_BEFORE_EVERYTHING = datetime(2000, 1, 1, tzinfo=UTC)
_INK = INKS[LOOK]


def empty(edition: Edition) -> Any:
    """A presentation without slides."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Emu(emu(WIDE)), Emu(emu(HEIGHT))
    deck.element.find(qn("p:sldSz")).attrib.pop("type", None)
    layouts = list(deck.slide_layouts)
    kept = next(one for one in layouts if one.name == "Title Only")
    for layout in layouts:
        if layout is not kept:
            deck.slide_layouts.remove(layout)
    _furnish(deck.slide_master, kept)
    _theme(deck.slide_master.part)
    _notes(deck)
    # Whoever made python-pptx's template: his thumbnail and his printer are not ours.
    for owner, kinds in (
        (deck.part.package, (RT.EXTENDED_PROPERTIES, RT.THUMBNAIL)),
        (deck.part, (RT.PRINTER_SETTINGS,)),
    ):
        rels = owner._rels
        for key in [key for key, rel in rels.items() if rel.reltype in kinds]:
            rels.pop(key)
    said = edition.notices()
    core = deck.core_properties
    core.title = core.author = core.last_modified_by = str(said["title"])
    core.subject = str(said["programme"])
    core.comments = core.keywords = core.category = ""
    core.language = _LANGUAGE
    core.created = core.modified = built(edition).replace(tzinfo=None)
    return deck


def built(edition: Edition) -> datetime:
    """When the edition was built: what is made of it again is the same again."""
    try:
        found = datetime.fromisoformat(edition.built_at)
    except ValueError:
        return _BEFORE_EVERYTHING
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _furnish(master: Any, layout: Any) -> None:
    """Placeholders where our titles and sentences stand; none for dates and footers."""
    layout.name = say("deck.layout")
    for owner in (master, layout):
        _drop(owner, "dt", "ftr")
    wide = WIDE - 2 * MARGIN
    boxes = {
        "title": Box(MARGIN, 21, wide / 2, 22),
        "body": Box(MARGIN, 48, wide, 82),
        "sldNum": Box(WIDE - MARGIN - 34, HEIGHT - 30, 34, 16),
    }
    for shape in master.placeholders:
        kind = shape.element.ph.get("type")
        place(shape, boxes[kind])
        bare(shape.text_frame)
        if kind == "sldNum":
            _run_style(shape.element.find(f".//{qn('a:lvl1pPr')}"), _INK.ink_3, 11)
        else:
            _prompt(shape)
    title = next(one for one in layout.placeholders if one.element.ph.get("type") == "title")
    _prompt(title)
    # The sentence has a placeholder of its own: an outline shows it under the title.
    body = copy.deepcopy(title.element)
    body.nvSpPr.cNvPr.set("id", "9")
    holder = body.find(f".//{qn('p:ph')}")
    for key, value in (("type", "body"), ("sz", "quarter"), ("idx", str(SENTENCE))):
        holder.set(key, value)
    title.element.addnext(body)
    for number, owner in enumerate((master, layout)):
        for shape in owner.shapes:
            shape.name = f"{say('deck.layout')} {number}.{shape.shape_id}"
    styles = master.element.find(qn("p:txStyles"))
    for part, colour, size in (("titleStyle", _INK.ink_2, 15), ("bodyStyle", _INK.ink, 26)):
        level = styles.find(f"{qn(f'p:{part}')}/{qn('a:lvl1pPr')}")
        level.set("algn", "l")
        for key in ("marL", "indent"):
            level.attrib.pop(key, None)
        for tag in ("a:buFont", "a:buChar", "a:buNone"):
            for bullet in level.findall(qn(tag)):
                level.remove(bullet)
        run = _run_style(level, colour, size)
        run.set("b", "1")
        run.addprevious(level.makeelement(qn("a:buNone")))


def _run_style(level: Any, colour: str, size: float) -> Any:
    run = level.find(qn("a:defRPr"))
    run.set("sz", str(round(size * 100)))
    fill = run.find(qn("a:solidFill"))
    fill.clear()
    etree.SubElement(fill, qn("a:srgbClr"), val=str(rgb(colour)))
    return run


def _prompt(shape: Any) -> None:
    """One line of Chinese in place of five of English."""
    first, *others = shape.text_frame.paragraphs
    for one in others:
        one._p.getparent().remove(one._p)
    first.runs[0].text = say("deck.prompt")


def _drop(owner: Any, *kinds: str) -> None:
    for shape in list(owner.placeholders):
        if shape.element.ph.get("type") in kinds:
            shape.element.getparent().remove(shape.element)


def _notes(deck: Any) -> None:
    """The page that notes are printed on, and its entry, which python-pptx leaves out."""
    master = deck.notes_master
    entry = etree.fromstring(
        f'<p:notesMasterIdLst xmlns:p="{_nsmap["p"]}" xmlns:r="{_nsmap["r"]}">'
        f'<p:notesMasterId r:id="{deck.part.relate_to(master.part, RT.NOTES_MASTER)}"/>'
        "</p:notesMasterIdLst>"
    )
    deck.element.find(qn("p:sldMasterIdLst")).addnext(entry)
    _drop(master, "hdr", "dt", "ftr", "sldNum")
    for shape in master.placeholders:
        shape.name = f"{say('deck.role.notes')} {shape.shape_id}"
        if shape.element.ph.get("type") == "body":
            _prompt(shape)
    _theme(master.part)


def _theme(part: Any) -> None:
    """Our fonts and colours in a theme; python-pptx keeps some of these parts as bytes."""
    theme = part.part_related_by(RT.THEME)
    root = etree.fromstring(theme.blob)
    name = say("deck.master")
    root.set("name", name)
    for tag in ("a:clrScheme", "a:fontScheme", "a:fmtScheme"):
        for scheme in root.iter(qn(tag)):
            scheme.set("name", name)
    for kind in ("a:majorFont", "a:minorFont"):
        fonts = next(root.iter(qn(kind)))
        for child in fonts:
            if child.tag in (qn("a:latin"), qn("a:ea")) or child.get("script") == "Hans":
                child.set("typeface", FONT)
    colours = {
        "dk2": _INK.ink_2,
        "lt2": _INK.behind,
        "accent1": _INK.bar,
        "accent2": _INK.plan,
        "accent3": _INK.accent,
        "hlink": _INK.accent,
        "folHlink": _INK.accent,
    }
    for tag, colour in colours.items():
        holder = next(root.iter(qn(f"a:{tag}")))
        holder.clear()
        etree.SubElement(holder, qn("a:srgbClr"), val=str(rgb(colour)))
    blob = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    if hasattr(theme, "_element"):
        theme._element = root
    else:
        theme._blob = blob


# ------------------------------------------------------------------------------------ writing


def written_steadily(deck: Any) -> bytes:
    """The file's bytes, the same for the same slides: without the hour at which it was written."""
    for part in deck.part.package.iter_parts():
        root = getattr(part, "_element", None)
        if root is None:
            continue
        for element in root.iter(etree.Element):
            if element.get("lang") == "en-US":
                element.set("lang", _LANGUAGE)
    when = deck.core_properties.created.strftime("%Y-%m-%dT%H:%M:%SZ")
    saved = io.BytesIO()
    deck.save(saved)
    return _steady(saved.getvalue(), when)


def _steady(archive: bytes, when: str) -> bytes:
    found = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as given,
        zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as kept,
    ):
        for name in given.namelist():
            data = given.read(name)
            if name.endswith(".xlsx"):
                # The workbook behind a chart.
                data = _steady(data, when)
            elif name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:\w+[^>]*>)[^<]*", rb"\g<1>" + when.encode(), data)
            packed = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.compress_type = packed
            kept.writestr(entry, data)
    return found.getvalue()


# ------------------------------------------------------------------------------------- shapes


def bare(frame: Any) -> None:
    """Text exactly where its box says, at the size that was computed for it."""
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    body = frame._txBody.bodyPr
    for child in list(body):
        body.remove(child)


def face(run: Any) -> None:
    """Chinese text needs its font and language named, not only the Latin one."""
    properties = run._r.get_or_add_rPr()
    properties.set("lang", _LANGUAGE)
    run.font.name = FONT
    latin = properties.find(qn("a:latin"))
    east = properties.find(qn("a:ea"))
    if east is None:
        east = latin.makeelement(qn("a:ea"))
        latin.addnext(east)
    east.set("typeface", FONT)


def place(shape: Any, box: Box) -> None:
    """Move a shape into a box."""
    shape.left, shape.top, shape.width, shape.height = emus(box)


def emus(box: Box) -> tuple[Emu, Emu, Emu, Emu]:
    """A box in PowerPoint's units."""
    x, y, w, h = (Emu(emu(part)) for part in box)
    return x, y, w, h


def emu(points: float) -> int:
    """Points in PowerPoint's units."""
    return round(points * 12_700)


def rgb(colour: str) -> RGBColor:
    """`#rrggbb` for python-pptx."""
    return RGBColor.from_string(colour.lstrip("#").upper())

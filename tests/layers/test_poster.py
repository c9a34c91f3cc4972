"""A map without a browser: the browser's colours and rules, well-formed, the same every time."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import typst
from PIL import Image

from geodata.errors import BadRequest, UnknownName
from layers import poster
from layers.classify import MISSING, assign, classes
from layers.view import View

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
SIZE = {"width": 640, "height": 480}


def fills(svg):
    """The colours that regions are painted in."""
    return {use.get("fill") for use in ET.fromstring(svg).iter(f"{SVG}use")} - {None}


def texts(svg):
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


# ------------------------------------------------------------------ the same as the browser


@pytest.mark.parametrize("look", ["light", "dark"])
def test_its_colours_are_those_of_the_screen(look):
    css = (ROOT / "assets" / "atlas.css").read_text("utf-8")
    rule = {"light": r"\.atlas-map \{", "dark": r"\.atlas-map\.atlas-dark \{"}[look]
    block = re.search(rule + r"(.*?)\}", css, re.DOTALL).group(1)
    found = dict(re.findall(r"--atlas-([a-z-]+): (#[0-9a-f]{6});", block))
    ink = poster.INKS[look]
    assert found == {
        "ground": ink.ground,
        "land": ink.land,
        "missing": ink.missing,
        "suppressed": ink.suppressed,
        "hatch": ink.hatch,
        "border-leaf": ink.leaf,
        "border": ink.border,
        "halo": ink.halo,
        "ink": ink.ink,
        "accent": ink.accent,
    }
    label = {
        "light": r"var\(--atlas-label, (#[0-9a-f]{6})\)",
        "dark": r"\.atlas-dark \.atlas-label \{\s*--atlas-label: (#[0-9a-f]{6})",
    }[look]
    assert re.search(label, css).group(1) == ink.label


def test_it_fades_as_the_screen_fades():
    script = (ROOT / "assets" / "20-atlas-map.js").read_text("utf-8")
    for name in ("OFF", "OUTSIDE", "HATCH", "HATCH_FADED"):
        assert f"const {name} = {getattr(poster, name)};" in script


# ---------------------------------------------------------------------------- what is drawn


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("level", ["city", "district", "town", "village", "zoom"])
def test_every_level_is_drawn_in_its_classes(small, level, look):
    for measure in ("collective_income", "gap_items"):
        view = View(round="r3", measure=measure, level=level)
        svg = poster.map_svg(small, view, look=look, **SIZE)
        names = ["city", "district", "town", "village"] if level == "zoom" else [level]
        known = {
            getattr(one, look) for name in names for one in classes(small, measure, "r3", name)
        }
        ink = poster.INKS[look]
        assert fills(svg) <= known | {ink.land, ink.missing}
        assert fills(svg) - {ink.missing}


def test_a_region_of_every_level_is_shown_among_its_faded_neighbours(small):
    view = View(round="r3", measure="collective_income", level="village")
    whole = fills(poster.map_svg(small, view, **SIZE))
    for code in ("990001000000", "990001901000", "990001901001"):
        part = fills(poster.map_svg(small, replace(view, region=code), **SIZE))
        assert part - whole, "what lies outside goes towards the ground"


def test_another_world_is_drawn(tiny):
    for measure in tiny.measures:
        for region in (None, "NA"):
            view = View(round="second", measure=measure.id, region=region)
            svg = poster.map_svg(tiny, view, **SIZE)
            assert fills(svg)
    assert "甲村" in texts(svg)


def test_a_round_known_by_its_totals_shows_the_land(small):
    svg = poster.map_svg(small, View(round="r1"), **SIZE)
    assert fills(svg) == {poster.INKS["dark"].land}


def test_a_class_filtered_out_is_faded(small):
    view = View(round="r3", measure="collective_income", level="village")
    known = classes(small, "collective_income", "r3", "village")
    values = small.values("collective_income", "r3", "village")
    there = sorted(set(assign(values.value[-1], known, values.status[-1])) - {MISSING, 254})
    first = int(there[0])
    ground = poster.INKS["dark"].ground
    svg = poster.map_svg(small, replace(view, off=frozenset({first})), **SIZE)
    assert known[first].dark not in fills(svg)
    assert poster.mix(known[first].dark, ground, poster.OFF) in fills(svg)
    assert all(known[int(code)].dark in fills(svg) for code in there[1:])


def test_missing_is_hatched_and_a_faded_hatch_is_fainter(small):
    view = View(round="r3", measure="collective_income", level="village")

    def opacities(given):
        found = ET.fromstring(poster.map_svg(small, given, **SIZE)).iter(f"{SVG}path")
        return {path.get("stroke-opacity") for path in found if path.get("clip-path")}

    assert opacities(view) == {str(poster.HATCH)}
    assert opacities(replace(view, off=frozenset({MISSING}))) == {str(poster.HATCH_FADED)}
    assert opacities(replace(view, region="990001000000")) == {
        str(poster.HATCH),
        str(poster.HATCH_FADED),
    }
    assert opacities(View(round="r3", measure="target_share", level="village")) == set()


def test_a_period_is_the_views_unless_another_is_asked_for(small):
    view = View(round="r3", measure="collective_income", level="village")
    first = poster.map_svg(small, replace(view, period="2021-07"), **SIZE)
    assert poster.map_svg(small, view, period="2021-07", **SIZE) == first
    assert poster.map_svg(small, view, **SIZE) != first


def test_hidden_layers_are_not_drawn(small):
    view = View(round="r3", measure="gap_items", level="village")
    plain = poster.map_svg(small, view, **SIZE)
    hidden = frozenset({"labels", "line-village", "line-town", "line-district", "line-city"})
    bare = poster.map_svg(small, replace(view, hide=hidden), **SIZE)
    border = poster.INKS["dark"].border
    assert f'stroke="{border}"' in plain
    assert f'stroke="{border}"' not in bare
    assert texts(plain)
    assert not texts(bare)


def test_only_what_is_in_sight_is_written(small):
    view = View(round="r3", measure="gap_items", level="village")
    near = poster.map_svg(small, replace(view, camera=(14, 39.25, 117.24)), **SIZE)
    assert len(near) < len(poster.map_svg(small, view, **SIZE))
    starts = np.array(re.findall(r"M(-?\d+),(-?\d+)l", near), dtype=int) / 10
    assert (starts >= -13).all()
    assert (starts <= (640 + 13, 480 + 13)).all()
    sea = poster.map_svg(small, replace(view, camera=(14, 10, 10)), **SIZE)
    assert not fills(sea)
    ET.fromstring(sea)


def test_it_is_the_same_every_time(small):
    said = (
        "import hashlib, sys; from pathlib import Path; from geodata.edition import Edition;"
        "from layers.poster import map_svg; from layers.view import View;"
        "edition = Edition.open(Path(sys.argv[1]));"
        "svg = map_svg(edition, View(round='r3', level='village'), width=640, height=480);"
        "print(hashlib.sha256(svg.encode()).hexdigest())"
    )
    svg = poster.map_svg(small, View(round="r3", level="village"), **SIZE)
    done = subprocess.run(
        [sys.executable, "-c", said, str(small.folder.parents[1])],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == hashlib.sha256(svg.encode()).hexdigest()


@pytest.mark.parametrize("width", [0, 40, 9000])
def test_sizes_that_nobody_needs_are_refused(small, width):
    with pytest.raises(BadRequest, match="64 到 8192"):
        poster.map_svg(small, View(), width=width, height=480)


def test_unknown_names_are_refused(small):
    with pytest.raises(UnknownName):
        poster.map_svg(small, View(region="880000000000"), **SIZE)


# ------------------------------------------------------------------------------------ names


def test_names_are_those_of_the_picture_and_do_not_collide(small):
    view = View(round="r3", measure="gap_items")
    svg = poster.map_svg(small, view, text=15, **SIZE)
    assert set(texts(svg)) >= {"东岭区", "中洲区", "西川区"}
    crowded = texts(poster.map_svg(small, view, text=80, **SIZE))
    assert len(crowded) < len(texts(svg))
    assert not texts(poster.map_svg(small, view, labels=False, **SIZE))


@pytest.mark.parametrize("name", ["<b>&\"'村", "甲\x0b乙村", "</svg><script>"])
def test_a_name_is_text_and_nothing_else(renamed, name):
    edition = renamed(name)
    view = View(round="r3", region="990001901001")
    svg = poster.map_svg(edition, view, **SIZE)
    assert name.replace("\x0b", "") in texts(svg)
    mark = {"name": name, "lon": 117.24, "lat": 39.24, "rank": 1, "code": "x"}
    ET.fromstring(poster.map_svg(edition, view, marked=[mark], **SIZE))
    assert poster.map_png(edition, view, marked=[mark], **SIZE)


def test_marked_regions_are_numbered_and_named_beside_their_numbers(small):
    towns = [small.region(code) for code in ("990001901000", "990001902000", "990002901000")]
    marked = [
        {"code": one.code, "name": one.name, "lon": one.lon, "lat": one.lat, "rank": rank}
        for rank, one in enumerate(towns, 1)
    ]
    view = View(round="r3", measure="gap_items", level="town")
    svg = poster.map_svg(small, view, marked=marked, text=14, width=1280, height=960)
    found = texts(svg)
    assert found[-3:] == ["1", "2", "3"]
    assert all(found.count(one.name) == 1 for one in towns)
    # Numbers of one place stand beside each other, not on each other.
    same = [{**marked[0], "rank": rank} for rank in range(1, 10)]
    svg = poster.map_svg(small, view, marked=same, text=14, **SIZE)
    places = {(c.get("cx"), c.get("cy")) for c in ET.fromstring(svg).iter(f"{SVG}circle")}
    assert len(places) == 9


# ---------------------------------------------------------------------------------- picture


@pytest.mark.parametrize("scale", [1, 1.5, 2])
def test_a_picture_has_the_size_that_was_asked_for(small, scale):
    image = pixels(poster.map_png(small, View(round="r3"), scale=scale, **SIZE))
    assert image.shape[:2] == (480 * scale, 640 * scale)


def test_a_picture_without_ground_is_transparent(small):
    drawn = pixels(poster.map_png(small, View(round="r3"), background=False, **SIZE))
    assert drawn[0, 0, 3] == 0
    assert drawn[240, 320, 3] == 255
    solid = pixels(poster.map_png(small, View(round="r3"), **SIZE))
    assert (solid[..., 3] == 255).all()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_each_village_has_its_class_at_its_inner_point(small, look):
    view = View(round="r3", measure="collective_income", level="village")
    image = pixels(poster.map_png(small, view, look=look, labels=False, **SIZE))
    known = classes(small, "collective_income", "r3", "village")
    values = small.values("collective_income", "r3", "village")
    place = assign(values.value[-1], known, values.status[-1])
    points = poster.frame(small, view, **SIZE).project(small.regions("village")[["lon", "lat"]])
    compared = 0
    for code, (x, y) in zip(place.tolist(), points.tolist(), strict=True):
        if code == MISSING:
            continue
        wanted = getattr(known[code], look) if code < len(known) else poster.INKS[look].land
        assert "#" + bytes(image[int(y), int(x), :3]).hex() == wanted
        compared += 1
    assert compared > 20


def test_without_a_chinese_font_the_package_is_named(small, monkeypatch):
    none = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
    looked = []

    def fonts():
        looked.append(1)
        return none

    fonts.cache_clear = lambda: None
    monkeypatch.setattr(poster, "_fonts", fonts)
    with pytest.raises(poster.FontMissing, match="fonts-noto-cjk"):
        poster.map_png(small, View(round="r3"), **SIZE)
    assert looked
    # What has no names needs no font.
    assert poster.map_png(small, View(round="r3"), labels=False, **SIZE)


def test_a_level_that_is_not_public_is_drawn_as_land(open_world):
    view = View(measure="well_share", level="parish")
    ink = poster.INKS["light"]
    assert fills(poster.map_svg(open_world, view, look="light", **SIZE)) == {ink.land}
    shown = View(measure="chosen_share", level="parish")
    assert ink.land not in fills(poster.map_svg(open_world, shown, look="light", **SIZE))

"""The bundle's scripts and styles: the portal's own, in order, smaller, and still themselves."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

from dashboard.app import assets_folder
from dashboard.bundle import assets
from dashboard.bundle.manifest import Site
from tests.dashboard.bundles import small

HOME = assets_folder()
SHIPPED = [
    *(HOME / name for name in (*assets.FIRST, *assets.LATER)),
    *sorted((HOME / assets.PUBLIC).glob("*.js")),
]
_TEMPLATE = re.compile(r"`(?:[^`\\]|\\.)*`", re.DOTALL)


def code(path: Path) -> str:
    """A script without its comments."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"(?m)(^|\s)//.*$", "", text)


def solid(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_minified_scripts_lose_blanks_and_comments_only(path: Path) -> None:
    small_one = assets.minify(path.read_text("utf-8"))
    assert solid(small_one) == solid(code(path))
    for template in _TEMPLATE.findall(code(path)):
        assert template in small_one, "a template's blanks are its own"


def test_the_portal_and_the_bundle_run_the_same_scripts() -> None:
    for name in (*assets.FIRST, *assets.LATER, *assets.STYLES, assets.TOKENS):
        assert (HOME / name).is_file()
    built = assets.write(Site(small().out.parent / "assets"), HOME)
    first = (small().out.parent / "assets" / built.scripts[-1]).read_text("utf-8")
    places = [first.index(assets.minify((HOME / name).read_text("utf-8"))) for name in assets.FIRST]
    assert places == sorted(places), "in the order of their numbers"


def test_public_scripts_are_split_by_their_number(tmp_path: Path) -> None:
    home = tmp_path / "assets"
    (home / "public").mkdir(parents=True)
    for name in (*assets.FIRST, *assets.LATER, *assets.STYLES, assets.TOKENS, "favicon.ico"):
        (home / name).write_bytes((HOME / name).read_bytes())
    for name in ("70-a.js", "79-b.js", "80-c.js", "90-d.js", "public.css", "pages.css"):
        (home / "public" / name).write_text(f'.x{{content:"{name}"}}', "utf-8")
    site = tmp_path / "site"
    built = assets.write(Site(site), home)
    first, later = ((site / url).read_text("utf-8") for url in (built.scripts[-1], built.later))
    names = ("70-a", "79-b", "80-c", "90-d")
    assert [name in first for name in names] == [True, True, False, False]
    assert [name in later for name in names] == [False, False, True, True]
    text, drawn = ((site / url).read_text("utf-8") for url in (built.text_style, built.map_style))
    assert "public.css" in drawn and "public.css" not in text
    assert "pages.css" in text and "pages.css" not in drawn


def test_no_script_points_to_a_map_that_is_not_there() -> None:
    for path in (*small().out.glob("a/*.js"), *small().out.glob("a/*.css")):
        assert "sourceMappingURL" not in path.read_text("utf-8"), path.name


def test_react_is_the_newest_that_dash_carries() -> None:
    react, dom = assets.react()
    assert react.name.replace("react@", "react-dom@") == dom.name
    version = re.search(r"@([\d.]+)\.min", react.name)
    assert version and int(version[1].split(".")[0]) >= 18


def test_licences_go_with_the_scripts() -> None:
    told = (small().out / "LICENSES.txt").read_text("utf-8")
    for name in ("@license React", "MapLibre GL JS", "3-Clause BSD", "MIT", "WITHOUT WARRANTY"):
        assert name in told
    for package in ("dash", "maplibre"):
        assert f"{package} {metadata.version(package)}" in told
    for path in small().out.glob("a/*.js"):
        if path.name.startswith(("react", "maplibre")):
            assert "@license" in path.read_text("utf-8"), "a script keeps its own, too"


def test_our_maps_are_made_of_nothing_whose_style_is_left_out() -> None:
    used = set()
    for path in SHIPPED:
        used |= set(re.findall(r"maplibregl\.([A-Z]\w+)", path.read_text("utf-8")))
    assert used and used <= assets.PARTS
    for path in SHIPPED:
        text = path.read_text("utf-8")
        assert "attributionControl: true" not in text and "maplibreLogo: true" not in text


def test_the_trimmed_style_keeps_what_our_maps_use() -> None:
    style = assets.maplibre("css").read_text("utf-8")
    trimmed = assets.trimmed(style)
    assert len(trimmed) < len(style) / 4
    for name in ("map", "canvas", "marker", "ctrl-zoom-in", "ctrl-zoom-out", "ctrl-scale"):
        assert f".maplibregl-{name}" in trimmed
    assert trimmed.count("{") == trimmed.count("}")
    assert assets.trimmed("@media print{.maplibregl-popup{a:b}.x{c:d}}") == "@media print{.x{c:d}}"


def test_styles_and_scripts_ask_for_nothing_outside() -> None:
    for path in small().out.glob("a/*.css"):
        for url in re.findall(r"url\(([^)]*)\)", path.read_text("utf-8")):
            assert url.strip("'\"").startswith("data:"), url[:60]
        assert "@import" not in path.read_text("utf-8")

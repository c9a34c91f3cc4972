"""The bundle's pages: one a region, whose links and files are there; sitemap and robots.txt."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

import pytest

from dashboard import bundle
from dashboard.bundle import pages
from layers.public.facts import Facts
from tests.dashboard.bundles import Made, odd, small, tiny

Make = Callable[[], Made]
WORLDS = pytest.mark.parametrize("make", [small, tiny, odd], ids=["small", "tiny", "odd"])
_NAMED = re.compile(r"""(?:href|src)=(?:"([^"]*)"|([^\s">]+))""")


@WORLDS
def test_each_region_has_a_page(make: Make) -> None:
    made = make()
    codes = {
        str(code)
        for level in made.edition.levels
        for code in made.edition.regions(level.id)["code"]
    }
    assert {path.stem for path in (made.out / "r").glob("*.html")} == codes


@WORLDS
def test_every_link_and_file_of_a_page_is_there_and_relative(make: Make) -> None:
    made = make()
    for path in made.out.rglob("*.html"):
        here = path.relative_to(made.out).as_posix()
        for quoted, bare in _NAMED.findall(path.read_text("utf-8")):
            url = urlsplit(unescape(quoted or bare))
            assert not url.scheme and not url.netloc, (here, url)
            assert not url.path.startswith("/"), (here, url)
            if url.path:
                assert (made.out / unquote(urljoin(here, url.path))).is_file(), (here, url)


def test_no_sitemap_without_an_address() -> None:
    assert not (small().out / "sitemap.xml").exists()
    assert "Sitemap" not in (small().out / "robots.txt").read_text("utf-8")


def test_the_sitemap_names_every_page_that_is_there(tmp_path: Path) -> None:
    site = "https://example.gov/map"
    bundle.write(tiny().edition, tmp_path / "site", facts=Facts(site_url=site), twins=False)
    tree = ElementTree.parse(tmp_path / "site" / "sitemap.xml")
    found = {str(one.text) for one in tree.iter() if one.tag.endswith("loc")}
    made = {
        path.relative_to(tmp_path / "site").as_posix()
        for path in (tmp_path / "site").rglob("*.html")
    } - {"embed.html", "index.html"}
    assert found == {f"{site}/", *(f"{site}/{path}" for path in made)}
    robots = (tmp_path / "site" / "robots.txt").read_text("utf-8")
    assert f"Sitemap: {site}/sitemap.xml" in robots


def test_a_long_sitemap_is_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST", 2)
    found = dict(pages.found_by("https://x", ["index.html", "a.html", "b&.html"]))
    assert set(found) == {"sitemap.xml", "sitemap-1.xml", "sitemap-2.xml", "robots.txt"}
    assert "https://x/sitemap-2.xml" in found["sitemap.xml"]
    assert "https://x/b%26.html" in found["sitemap-2.xml"]
    for text in found.values():
        if text.startswith("<?xml"):
            ElementTree.fromstring(text)

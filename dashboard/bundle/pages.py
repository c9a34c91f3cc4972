"""The bundle's HTML: what `layers.public` writes, with the addresses of this bundle's files, and
what search engines ask for: a list of all pages where the site's address is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from urllib.parse import quote

from dashboard.bundle.assets import Built
from geodata.edition import Edition
from layers.public.facts import Facts
from layers.public.pages import Assets, Pages, paths

MOST = 50_000
"""Addresses that one sitemap may hold."""
_SCHEMA = "http://www.sitemaps.org/schemas/sitemap/0.9"
_UNLISTED = frozenset({"embed.html"})
"""Shown inside others' pages, not found by itself."""


def written(
    edition: Edition, facts: Facts, built: Built, atlas: str, hant: str
) -> Iterator[tuple[str, str]]:
    """Every page as (path, text), the map's first, then sitemap and robots.txt.

    Parameters
    ----------
    atlas : URL of the catalogue.
    hant : URL of the table of traditional characters.
    """
    given = Assets(
        styles=(built.text_style,),
        script=built.text_script,
        icon=built.icon,
        map_styles=(built.map_style,),
        scripts=built.scripts,
        # The catalogue is asked for by a script that comes late: so it is on its way before.
        preload=(("fetch", atlas),),
        atlas=atlas,
        later=built.later,
        hant=hant,
    )
    yield from Pages(edition, facts, given).all()
    yield from found_by(facts.site_url, list(paths(edition)))


def count(edition: Edition) -> int:
    """How many files `written` gives, but for further sitemaps."""
    return sum(1 for _ in paths(edition)) + 1


def found_by(site_url: str, pages: Sequence[str]) -> Iterator[tuple[str, str]]:
    """robots.txt and the sitemap: absolute addresses, and so only where the site's is known."""
    robots = "User-agent: *\nAllow: /\n"
    if site_url:
        site_url = site_url.rstrip("/")
        listed = [
            f"{site_url}/{'' if page == 'index.html' else quote(page)}"
            for page in pages
            if page not in _UNLISTED
        ]
        parts = [listed[at : at + MOST] for at in range(0, len(listed), MOST)]
        names = ["sitemap.xml"]
        if len(parts) > 1:
            names = [f"sitemap-{number}.xml" for number in range(1, len(parts) + 1)]
            yield (
                "sitemap.xml",
                _list("sitemapindex", "sitemap", [f"{site_url}/{n}" for n in names]),
            )
        for name, part in zip(names, parts, strict=True):
            yield name, _list("urlset", "url", part)
        robots += f"Sitemap: {site_url}/sitemap.xml\n"
    yield "robots.txt", robots


def _list(whole: str, one: str, addresses: Sequence[str]) -> str:
    rows = "".join(f"<{one}><loc>{escape(address)}</loc></{one}>\n" for address in addresses)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{whole} xmlns="{_SCHEMA}">\n{rows}</{whole}>\n'
    )

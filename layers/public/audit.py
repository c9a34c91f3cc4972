"""Accessibility of a page as text: what can be said without a browser, checked on every page.

After WCAG 2.2 AA (and GB/T 37668, which follows it): language, title, headings, landmarks, names
of links, pictures and controls, tables, ids, contrast of the colours; and that a page asks no
other host for anything and no link of it leads nowhere. What only a browser sees (reflow, focus,
states of the script) is checked there.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

from lxml import html as parser

from geodata.words import say

_DOCTYPE = re.compile(r"\s*<!doctype html>", re.IGNORECASE)
_REFERS = ("aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "for")
_CONTROLS = ("input", "select", "textarea", "button")
_FETCHES = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "link": "href",
    "source": "src",
    "video": "src",
    "audio": "src",
    "image": "href",
    "use": "href",
}
_VAGUE = re.compile(
    r"(点击|按|点)?(这里|此处|更多|详情|链接)|click here|here|more|link", re.IGNORECASE
)
_HEADING = re.compile(r"h[1-6]")
_WIDE_TEXT = 4.5
_WIDE_PART = 3.0
_MOST = 20
"""So many pages with the same problem are named; the others are counted."""

PAIRS: tuple[tuple[str, str, float], ...] = (
    *(
        (front, back, _WIDE_TEXT)
        for front in ("ink", "ink-2", "ink-3", "accent", "warn", "good")
        for back in ("ground", "surface", "surface-2")
    ),
    *((front, "surface-3", _WIDE_TEXT) for front in ("ink", "ink-2")),
    ("accent-ink", "accent", _WIDE_TEXT),
    # What surrounds something to be pressed, and what marks the focus.
    ("accent", "surface-3", _WIDE_PART),
)
"""Colour, what it stands on, and the contrast it must have."""


def check(html: str, path: str = "") -> list[str]:
    """What is wrong with a page, in words; nothing for a good one.

    Parameters
    ----------
    path : where the page lies in the publication; only named in the words, may be left out.
    """
    found: list[str] = [] if _DOCTYPE.match(html) else [say("pages.audit.doctype")]
    tree = parser.document_fromstring(html)
    everything = [one for one in tree.iter() if isinstance(one.tag, str)]
    for one in (_head, _headings, _landmarks, _ids, _links, _named, _tables, _lists, _rest):
        found.extend(one(tree, everything))
    return [say("pages.audit.page", path=path, problem=one) for one in found] if path else found


def site(pages: Mapping[str, str], css: str = "", others: Iterable[str] = ()) -> list[str]:
    """What is wrong with a publication: its pages, the links between them, its colours.

    Parameters
    ----------
    pages : path and text.
    css : the style sheet that holds the tokens; without one colours are not checked.
    others : paths of further files that pages may name.
    """
    known = {*pages, *others}
    anchors = {path: _anchors(text) for path, text in pages.items()}
    found: dict[str, list[str]] = {}
    for path, text in pages.items():
        for problem in (*check(text), *_dangling(path, text, known, anchors)):
            found.setdefault(problem, []).append(path)
    said: list[str] = []
    for problem, where in found.items():
        said.extend(say("pages.audit.page", path=path, problem=problem) for path in where[:_MOST])
        if len(where) > _MOST:
            said.append(say("pages.audit.more", count=len(where) - _MOST, problem=problem))
    return said + (contrast(css) if css else [])


def contrast(css: str) -> list[str]:
    """Pairs of tokens that are too much alike, in the light and in the dark look."""
    found = []
    for look, tokens in _looks(css).items():
        for front, back, wanted in PAIRS:
            if front not in tokens or back not in tokens:
                name = front if front not in tokens else back
                found.append(say("pages.audit.token", look=look, name=name))
                continue
            ratio = ratio_of(tokens[front], tokens[back])
            if ratio < wanted:
                found.append(
                    say(
                        "pages.audit.contrast",
                        look=look,
                        front=front,
                        back=back,
                        ratio=f"{ratio:.2f}",
                        wanted=wanted,
                    )
                )
    return list(dict.fromkeys(found))


def ratio_of(front: str, back: str) -> float:
    """Contrast of two colours `#rrggbb`, 1 to 21 (WCAG 2.2)."""
    one, other = sorted((_luminance(front), _luminance(back)), reverse=True)
    return (one + 0.05) / (other + 0.05)


def links(html: str) -> list[str]:
    """Every address that a page names: links, and what it fetches."""
    tree = parser.document_fromstring(html)
    return [
        value
        for one in tree.iter()
        if isinstance(one.tag, str)
        for name in ("href", "src", "data", "poster")
        if (value := one.get(name)) is not None
    ]


# --- one page ---------------------------------------------------------------------------------


def _head(tree: parser.HtmlElement, everything: list[parser.HtmlElement]) -> Iterator[str]:
    if not (tree.get("lang") or "").strip():
        yield say("pages.audit.lang")
    metas = [one for one in everything if one.tag == "meta"]
    if not any((one.get("charset") or "").lower() == "utf-8" for one in metas):
        yield say("pages.audit.charset")
    if not any(_text(one) for one in tree.findall(".//head/title")):
        yield say("pages.audit.title")
    views = [one.get("content") or "" for one in metas if one.get("name") == "viewport"]
    if not any("width=device-width" in one for one in views):
        yield say("pages.audit.viewport")
    if any(
        re.search(r"user-scalable\s*=\s*(no|0)|maximum-scale\s*=\s*[01]\b", one) for one in views
    ):
        yield say("pages.audit.zoom")
    if any((one.get("http-equiv") or "").lower() == "refresh" for one in metas):
        yield say("pages.audit.refresh")


def _headings(tree: parser.HtmlElement, everything: list[parser.HtmlElement]) -> Iterator[str]:
    heads = [one for one in everything if _HEADING.fullmatch(one.tag)]
    ones = sum(one.tag == "h1" for one in heads)
    if ones != 1:
        yield say("pages.audit.h1", count=ones)
    before = 0
    for one in heads:
        level, text = int(one.tag[1]), _text(one)
        if level > before + 1:
            yield say("pages.audit.heading_order", before=before, level=level, text=text)
        if not text:
            yield say("pages.audit.heading_empty", level=level)
        before = level


def _landmarks(tree: parser.HtmlElement, everything: list[parser.HtmlElement]) -> Iterator[str]:
    tags = Counter(one.tag for one in everything)
    if tags["main"] != 1:
        yield say("pages.audit.main", count=tags["main"])
    for name in ("header", "footer"):
        if not tags[name]:
            yield say("pages.audit.landmark", name=name)
    navs = [one for one in everything if one.tag == "nav"]
    if len(navs) > 1:
        names = [one.get("aria-label") or one.get("aria-labelledby") or "" for one in navs]
        if not all(names) or len(set(names)) < len(names):
            yield say("pages.audit.nav_label")


def _ids(tree: parser.HtmlElement, everything: list[parser.HtmlElement]) -> Iterator[str]:
    ids = Counter(value for one in everything if (value := one.get("id")) is not None)
    for name, count in ids.items():
        if count > 1:
            yield say("pages.audit.ids", id=name)
    for one in everything:
        for attribute in _REFERS:
            for name in (one.get(attribute) or "").split():
                if name not in ids:
                    yield say("pages.audit.refers", attribute=attribute, id=name)


def _links(tree: parser.HtmlElement, everything: list[parser.HtmlElement]) -> Iterator[str]:
    anchors = [one for one in everything if one.tag == "a"]
    main = next((one.get("id") for one in everything if one.tag == "main"), None)
    first = anchors[0].get("href") if anchors else None
    if main is None or first != f"#{main}":
        yield say("pages.audit.skip")
    for one in anchors:
        name = _name(one)
        if not one.get("href"):
            yield say("pages.audit.link_href", text=name)
        elif not name:
            yield say("pages.audit.link_empty", href=one.get("href"))
        elif _VAGUE.fullmatch(name):
            yield say("pages.audit.link_vague", text=name)


def _named(tree: parser.HtmlElement, everything: list[parser.HtmlElement]) -> Iterator[str]:
    """Pictures, frames and controls have names."""
    labels = {one.get("for") for one in everything if one.tag == "label" and _text(one)}
    for one in everything:
        if one.tag == "img" and one.get("alt") is None:
            yield say("pages.audit.alt", what=one.get("src") or "img")
        elif one.tag == "iframe" and not (one.get("title") or "").strip():
            yield say("pages.audit.frame")
        elif one.tag == "svg" and not _hidden(one):
            titled = any(_text(child) for child in one if child.tag == "title")
            named = titled or one.get("aria-label") or one.get("aria-labelledby")
            if one.get("role") != "img" or not named:
                yield say("pages.audit.svg")
        elif one.tag in _CONTROLS and one.get("type") != "hidden":
            wrapped = any(above.tag == "label" and _text(above) for above in one.iterancestors())
            told = _name(one) if one.tag == "button" else one.get("aria-label")
            if not (told or wrapped or one.get("id") in labels or one.get("aria-labelledby")):
                yield say("pages.audit.label", what=one.get("id") or one.tag)


def _tables(tree: parser.HtmlElement, everything: list[parser.HtmlElement]) -> Iterator[str]:
    for one in everything:
        if one.tag == "th" and one.get("scope") not in ("row", "col", "rowgroup", "colgroup"):
            yield say("pages.audit.th", text=_text(one))
        elif one.tag == "table":
            if not any(_text(child) for child in one if child.tag == "caption"):
                yield say("pages.audit.table")
            if one.find(".//th") is None:
                yield say("pages.audit.no_th")


def _lists(tree: parser.HtmlElement, everything: list[parser.HtmlElement]) -> Iterator[str]:
    for one in everything:
        if one.tag in ("ul", "ol"):
            for child in one:
                if isinstance(child.tag, str) and child.tag not in ("li", "script", "template"):
                    yield say("pages.audit.list", tag=child.tag)
        elif one.tag == "li":
            above = one.getparent()
            if above is None or above.tag not in ("ul", "ol", "menu"):
                yield say("pages.audit.item")


def _rest(tree: parser.HtmlElement, everything: list[parser.HtmlElement]) -> Iterator[str]:
    for one in everything:
        if (one.get("tabindex") or "0").lstrip("-").isdigit() and int(one.get("tabindex") or 0) > 0:
            yield say("pages.audit.tabindex")
        if one.tag in ("video", "audio") and one.get("autoplay") is not None:
            yield say("pages.audit.autoplay")
        kind = one.get("type") or ""
        if one.tag == "script" and one.get("src") is None and "json" not in kind:
            yield say("pages.audit.inline", what="script")
        if one.tag == "style" or one.get("style") is not None:
            yield say("pages.audit.inline", what="style")
        for name in one.attrib:
            if name.startswith("on"):
                yield say("pages.audit.inline", what=name)
        address = one.get(_FETCHES.get(one.tag, "src")) or ""
        # A canonical link is told, not fetched.
        if one.get("rel") != "canonical" and re.match(r"(https?:)?//", address.strip()):
            yield say("pages.audit.outside", url=address)


# --- many pages -------------------------------------------------------------------------------


def _anchors(text: str) -> set[str]:
    return set(re.findall(r'\sid="?([^"\s>]+)', text))


def _dangling(
    path: str, text: str, known: set[str], anchors: Mapping[str, set[str]]
) -> Iterator[str]:
    for href in dict.fromkeys(links(text)):
        parts = urlsplit(href)
        if parts.scheme or parts.netloc:
            continue
        goal = path
        if parts.path:
            goal = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path)))
        if goal not in known:
            yield say("pages.audit.dangling", href=href)
        elif parts.fragment and goal in anchors and unquote(parts.fragment) not in anchors[goal]:
            yield say("pages.audit.anchor", href=href)


# --- colours ----------------------------------------------------------------------------------


def _looks(css: str) -> dict[str, dict[str, str]]:
    """Tokens of each look: blocks that set `color-scheme`."""
    found: dict[str, dict[str, str]] = {}
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    # What is printed has a look of its own.
    css = re.sub(r"@media print\s*\{(?:[^{}]*\{[^{}]*\})*\s*\}", "", css)
    for block in re.findall(r"\{([^{}]*)\}", css):
        look = re.search(r"color-scheme:\s*(light|dark)", block)
        if look:
            tokens = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-fA-F]{6})\b", block))
            found.setdefault(look[1], {}).update(tokens)
    return found


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# --- words ------------------------------------------------------------------------------------


def _text(one: parser.HtmlElement) -> str:
    return " ".join(str(one.text_content()).split())


def _name(one: parser.HtmlElement) -> str:
    """What a screen reader calls it, near enough: a label, text, or the alt of a picture."""
    told = one.get("aria-label") or one.get("aria-labelledby") or _text(one)
    return told or " ".join(picture.get("alt") or "" for picture in one.iter("img")).strip()


def _hidden(one: parser.HtmlElement) -> bool:
    return one.get("aria-hidden") == "true" or any(
        above.get("aria-hidden") == "true" or above.tag == "svg" for above in one.iterancestors()
    )

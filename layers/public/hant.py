"""From simplified to traditional characters: a table for exactly the texts that are published.

OpenCC (Apache-2.0, BYVoid) knows both languages; the browser gets only what these texts need:
characters, and the phrases in which a character becomes another one than it does alone. `convert`
is the browser's rule, written here so that a test can hold the table against the library.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import opencc

from geodata.edition import Edition
from geodata.words import catalogue

Table = dict[str, dict[str, str]]

_CONFIG = "s2tw"
"""The shapes that most readers know (群, 麵, 說); no exchange of words (網路, 資訊)."""

_PLACES = {"里": "里", "淀": "淀", "后": "後", "于": "于", "范": "范"}
"""In names of places: 里 is the unit and the lane, not the inside; 淀 is a shallow lake; 于
and 范 are families; 后 is behind, unless it stands after one of `_QUEENS`."""

_QUEENS = "皇太王天"

_SURNAMES = {"余": "余", "钟": "鍾", "岳": "岳", "姜": "姜", "曲": "曲"}
"""First characters of villages' names that are their families'; elsewhere they are other words."""

_HOUSES = "家庄各店屯营堡台村口桥坟铺房院寨圈窑沟洼道码辛新集"
"""What follows a family's name in a place's name."""

SECTIONS = ("layers", "map", "pages", "period", "portal", "public")
"""Of the catalogue: what the public sees."""

_LONGEST = 12
"""Longer contexts than this are taken whole."""

_WESTERN = re.compile(r"[\x00-\xff]+")


def table(texts: Iterable[str], places: Iterable[str] = ()) -> Table:
    """What a browser needs to write these texts in traditional characters.

    Parameters
    ----------
    texts : sentences, labels, words.
    places : names of regions, which convert by their own rules.

    Returns
    -------
    `chars` {simplified: traditional}, `phrases` {simplified: traditional}; a character or phrase
    that does not change is not in it unless it must be kept from changing.
    """
    wanted: dict[str, str] = {}
    for name in sorted(set(places)):
        wanted[name] = place(name)
    for text in sorted(set(texts)):
        for part in _WESTERN.split(text):
            if part:
                wanted.setdefault(part, _known(part))
    found: Table = {"chars": _usual(wanted), "phrases": {}}
    _add_contexts(found, wanted)
    # A phrase of one text may stand in another one by chance: what comes out wrong goes in whole.
    for _ in range(3):
        wrong = {text: right for text, right in wanted.items() if convert(found, text) != right}
        if not wrong:
            break
        found["phrases"].update(wrong)
    found["phrases"] = dict(sorted(found["phrases"].items()))
    return found


def of(edition: Edition, texts: Iterable[str] = ()) -> Table:
    """The table of an edition: its words, its regions' names, the catalogue, and `texts`."""
    names = [str(name) for level in edition.levels for name in edition.regions(level.id)["name"]]
    words = [text for key, text in catalogue().items() if key.partition(".")[0] in SECTIONS]
    return table((*declared(edition), *words, *texts), names)


def declared(edition: Edition) -> list[str]:
    """Every text that a workspace declares and an edition shows."""
    found: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, str):
            found.append(node)
        elif isinstance(node, Mapping):
            for one in node.values():
                walk(one)
        elif isinstance(node, Sequence):
            for one in node:
                walk(one)

    space = edition.space
    shown = [space.atlas, *space.levels, *space.rounds, *space.measures, space.publication]
    for one in shown:
        walk(json.loads(one.model_dump_json()))
    walk(edition.manifest.get("withdrawn"))
    walk(edition.manifest.get("batches"))
    return found


def convert(table: Table, text: str) -> str:
    """Write a text by the table: at each place the longest phrase that fits, else the character."""
    phrases, chars = table["phrases"], table["chars"]
    starts: dict[str, list[str]] = {}
    for phrase in phrases:
        starts.setdefault(phrase[0], []).append(phrase)
    for many in starts.values():
        many.sort(key=len, reverse=True)
    out, at = [], 0
    while at < len(text):
        here = next((one for one in starts.get(text[at], ()) if text.startswith(one, at)), None)
        out.append(phrases[here] if here else chars.get(text[at], text[at]))
        at += len(here) if here else 1
    return "".join(out)


@cache
def place(name: str) -> str:
    """A place's name in traditional characters."""
    told = list(_known(name))
    if len(told) != len(name):
        return "".join(told)
    for at, character in enumerate(name):
        if character in _PLACES:
            if not (character == "后" and at and name[at - 1] in _QUEENS):
                told[at] = _PLACES[character]
        elif told[at] in "檯颱":
            told[at] = "臺"
        elif character in _SURNAMES:
            family = at == 0 or name[at - 1] in "大小前后东西南北新老"
            if family and at + 1 < len(name) and name[at + 1] in _HOUSES:
                told[at] = _SURNAMES[character]
    return "".join(told)


def _usual(wanted: Mapping[str, str]) -> dict[str, str]:
    """What each character becomes most often; only those that change."""
    seen: dict[str, Counter[str]] = {}
    for text, right in wanted.items():
        if len(text) == len(right):
            for one, other in zip(text, right, strict=True):
                seen.setdefault(one, Counter())[other] += 1
    # Of equals the first by code point, so that the same texts give the same table.
    usual = {one: min(many, key=lambda to: (-many[to], to)) for one, many in seen.items()}
    return {one: other for one, other in sorted(usual.items()) if one != other}


def _add_contexts(found: Table, wanted: Mapping[str, str]) -> None:
    """The shortest surroundings in which a character becomes what it is in the whole text."""
    phrases = found["phrases"]
    for text, right in wanted.items():
        if len(text) != len(right):
            phrases[text] = right
            continue
        plain = [found["chars"].get(one, one) for one in text]
        is_place = _known(text) != right
        for at in range(len(text)):
            if plain[at] == right[at]:
                continue
            # A place's own rules are not the library's: its name goes in whole.
            part, told = (text, right) if is_place else _context(text, right, at)
            phrases.setdefault(part, told)


def _context(text: str, right: str, at: int) -> tuple[str, str]:
    for length in range(2, min(_LONGEST, len(text)) + 1):
        for start in range(max(0, at - length + 1), min(at, len(text) - length) + 1):
            part, told = text[start : start + length], right[start : start + length]
            if _known(part) == told:
                return part, told
    return (text, right) if len(text) <= _LONGEST else _window(text, right, at)


def _window(text: str, right: str, at: int) -> tuple[str, str]:
    start = max(0, at - _LONGEST // 2)
    return text[start : start + _LONGEST], right[start : start + _LONGEST]


@cache
def _known(text: str) -> str:
    return str(_library().convert(text))


@cache
def _library() -> opencc.OpenCC:
    return opencc.OpenCC(_CONFIG)

"""A deny list out of a private workspace, and a scan of every byte that the public can get.

The list is made from files, the ledger and declarations, never by the code under test. What is
compressed is looked at inside, too; what holds text in columns is read as columns.
"""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import html
import io
import json
import re
import socket
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import brotli
import opencc
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa
from pmtiles.reader import MmapSource, Reader, all_tiles

from geodata.edition import Edition
from geodata.ledger import Ledger, tables
from geodata.periods import label
from geodata.sources import find, headings
from tests.needles import SHORTEST, Needles, needles

VOCABULARY = frozenset(
    {
        # Words of the format itself, which a workspace may have taken for its own names.
        *("people", "households", "targets", "target", "boundaries", "regions", "villages"),
        *("labels", "names", "borders", "teams", "units", "reports", "count", "kind", "road"),
        *("label", "value", "village", "district", "viewer", "public", "edition", "measures"),
        *("safe", "water", "power", "member", "problem", "visit", "false", "green", "round"),
        "atlas",
    }
)

TEXT = {".html", ".js", ".css", ".json", ".svg", ".xml", ".txt", ".csv", ".geojson", ".webmanifest"}


def deny(
    folder: Path,
    edition: Edition,
    ledger: Ledger,
    published: Iterable[str],
    batches: Iterable[str] = (),
) -> set[str]:
    """What the public may not find: names of files, headings, teams, units, people, batches that
    were not published, ids and labels of what is not published, everything in the ledger.

    Parameters
    ----------
    published : ids of the measures that are; they, what they name, and what they are called are
        taken out at the end, wherever a private name is the same or a part of it.
    batches : those that may be named.
    """
    space, left = edition.space, set(published)
    words: set[str] = set()
    for path in folder.rglob("*"):
        if path.is_file() and not {"editions", "public"} & set(path.relative_to(folder).parts):
            words |= {path.name, path.stem, path.relative_to(folder).as_posix()}
    for source in space.sources:
        words |= {source.id, source.label, *headings(source)}
    for kind in ("entities", "links", "facts"):
        table = pq.read_table(edition.folder / f"{kind}.parquet").to_pandas()
        for name in {"id", "name", "batch", "file", "via"} & set(table.columns):
            words |= set(table[name].astype(str).unique())
        for text in table.get("attributes", ()):
            words |= {str(one) for one in json.loads(text).values()}
    for one in (*space.measures, *space.indicators, *space.references):
        words |= {one.id, one.label}
        if one.id not in left:
            words |= {text for text in _texts(one.model_dump(mode="json")) if _chinese(text) > 3}
    for item in space.rounds:
        words |= {one.label for one in item.figures if not one.public}
        words |= {one.note for one in item.figures if not one.public}
    words |= {*_cells(folder, edition), *_machine(folder)}
    for table in EVERY:
        for row in ledger.rows(sa.select(table)):
            for value in row.values():
                if isinstance(value, str):
                    words.add(value)
                    words |= _inside(value)
    words = {one for one in words if _telling(one)} - VOCABULARY
    allowed = "\n".join((*_allowed(edition, left), *batches))
    return words - needles(words).found(allowed.encode())


EVERY = (*tables.LASTING, tables.session, tables.guard, tables.request)
"""Accounts with their secrets, screens, all that is decided, the audit, who is signed in."""


def pictures(ledger: Ledger) -> set[bytes]:
    """A piece out of the middle of each photograph."""
    found = (row["image"] for row in ledger.rows(sa.select(tables.photo.c.image)))
    return {image[len(image) // 2 :][:32] for image in found if len(image) >= 64}


def _cells(folder: Path, edition: Edition) -> Iterator[str]:
    """Every text in every file that the workspace reads, also in columns that nobody declared."""
    for source in edition.space.sources:
        for path in find(folder, source):
            if path.suffix in {".xlsx", ".xls"}:
                sheets = pd.read_excel(path, None, header=None, dtype=str, engine="calamine")
                for sheet, frame in sheets.items():
                    yield str(sheet)
                    yield from {one for one in frame.to_numpy().flat if isinstance(one, str)}
            elif path.suffix == ".csv":
                data = path.read_bytes()
                text = data.decode("utf-8-sig" if _is_utf8(data) else "gb18030")
                yield from {cell for row in csv.reader(text.splitlines()) for cell in row}


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _machine(folder: Path) -> Iterator[str]:
    """Where things lie on this machine."""
    root = Path(__file__).resolve().parents[1]
    yield from map(str, (folder, folder.resolve(), root, Path(sys.prefix)))
    yield from (socket.gethostname(), "site-packages", "Traceback (most")


def _inside(text: str) -> set[str]:
    try:
        told = json.loads(text)
    except ValueError:
        return set()
    return {*_texts(told)} if isinstance(told, dict | list) else set()


def _telling(word: str) -> bool:
    """Long enough not to stand somewhere by chance."""
    digits = word.translate(str.maketrans("", "", ".-: /%"))
    return _chinese(word) >= 2 or (len(word) >= 5 and not digits.isdigit())


def _chinese(word: str) -> int:
    return sum("\u4e00" <= one <= "\u9fff" for one in word)


def _allowed(edition: Edition, published: set[str]) -> Iterator[str]:
    """Everything that a workspace says of what it publishes, and the names of regions."""
    space = edition.space
    yield from (space.atlas.title, space.atlas.programme, space.atlas.source, space.atlas.licence)
    yield from (str(one) for one in space.publication.model_dump().values())
    named: set[str | None] = set()
    for one in space.measures:
        if one.id in published:
            yield from _texts(one.model_dump(mode="json"))
            named |= {one.value, one.weight, one.where and one.where.indicator}
    for item in space.rounds:
        yield from (item.id, item.label, item.years, item.note, *item.periods)
        yield from (label(one) for one in item.periods)
        named.add(item.target)
        for figure in item.figures:
            if figure.public:
                yield from (figure.label, figure.unit, figure.note)
    for indicator in space.indicators:
        if indicator.id in named:
            yield from (indicator.id, indicator.label, indicator.unit)
    for level in space.levels:
        yield from _texts(level.model_dump(mode="json"))
        frame = edition.regions(level.id)
        for name in ("code", "name", "parent", "pinyin", "initials"):
            yield from frame[name].astype(str)


def _texts(told: Any) -> Iterator[str]:
    if isinstance(told, str):
        yield told
    elif isinstance(told, Mapping):
        for one in told.values():
            yield from _texts(one)
    elif isinstance(told, list | tuple):
        for one in told:
            yield from _texts(one)


def scan(folder: Path, words: Iterable[str | bytes]) -> list[tuple[str, str]]:
    """Each file and word of the list that stands in it, in any encoding that text may have."""
    return Scanner(words).folder(folder)


class Scanner:
    """Words of a list, looked for in files and answers; what was seen once is not read again."""

    def __init__(self, words: Iterable[str | bytes]) -> None:
        self.words = frozenset(words)
        self.needles = Needles(dict(_needles(self.words)))
        self.bytes = 0
        """Looked at, packed and unpacked; the same content once."""
        self.files = 0
        self._seen: dict[bytes, frozenset[str]] = {}

    def folder(self, folder: Path) -> list[tuple[str, str]]:
        """Name of the file, word."""
        found = []
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.files += 1
                name = path.relative_to(folder).as_posix()
                found += [(name, word) for word in sorted(self.found(name.encode(), *layers(path)))]
        return found

    def found(self, *parts: bytes) -> set[str]:
        """The words that stand in any of the parts."""
        told: set[str] = set()
        for part in parts:
            digest = hashlib.blake2b(part, digest_size=16).digest()
            if digest not in self._seen:
                self.bytes += len(part)
                self._seen[digest] = frozenset(self.needles.found(part))
            told |= self._seen[digest]
        return told


def _needles(words: Iterable[str | bytes]) -> Iterator[tuple[bytes, str]]:
    for word in words:
        if isinstance(word, bytes):
            yield word, f"bytes {word[:8].hex()}"
        else:
            yield from ((form, word) for form in _forms(word))


@cache
def _traditional(config: str) -> opencc.OpenCC:
    return opencc.OpenCC(config)


def _forms(word: str) -> set[bytes]:
    """A word in every encoding and every way of escaping that pages, scripts and files know, and
    in traditional characters.

    Two characters of GB18030 or UTF-16 are four bytes, which compressed data holds by chance: they
    are looked for in UTF-8, and `plain_text` says that text is in no other encoding.
    """
    found = set()
    for text in {word, _traditional("s2t").convert(word), _traditional("s2tw").convert(word)}:
        escaped = json.dumps(text)[1:-1]
        upper = re.sub(r"\\u[0-9a-f]{4}", lambda one: "\\u" + one[0][2:].upper(), escaped)
        references = "".join(one if one.isascii() else f"&#{ord(one)};" for one in text)
        hexed = "".join(one if one.isascii() else f"&#x{ord(one):x};" for one in text)
        for form in (text, escaped, upper, html.escape(text), references, hexed, quote(text)):
            found.add(form.encode())
        for encoding in ("utf-16-le", "utf-16-be", "gb18030"):
            form = text.encode(encoding, "surrogatepass" if encoding[0] == "u" else "strict")
            if len(form) > 5:
                found.add(form)
    return {form for form in found if len(form) >= SHORTEST}


def layers(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and of everything that is packed in it."""
    data = path.read_bytes()
    yield data
    if path.suffix == ".pmtiles":
        with path.open("rb") as stream:
            source = MmapSource(stream)
            yield json.dumps(Reader(source).metadata(), ensure_ascii=False).encode()
            yield from (part for _, tile in all_tiles(source) for part in unpacked(tile))
    elif path.suffix == ".br":
        inner = brotli.decompress(data)
        yield inner
        yield from unpacked(inner)
    else:
        yield from unpacked(data)


def unpacked(data: bytes) -> Iterator[bytes]:
    """Everything that is packed in some bytes, by what they begin with; in text, `data:` URLs."""
    if data[:2] == b"\x1f\x8b":
        yield from _with(gzip.decompress(data))
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from _with(archive.read(name))
    elif data[:4] == b"PAR1":
        yield from _parquet(data)
    else:
        for one in _DATA_URL.finditer(data):
            yield from _with(base64.b64decode(one[1] + b"=="))


_DATA_URL = re.compile(rb"base64,([A-Za-z0-9+/]{16,})")


def _with(inner: bytes) -> Iterator[bytes]:
    yield inner
    yield from unpacked(inner)


def _parquet(data: bytes) -> Iterator[bytes]:
    table = pq.read_table(pa.BufferReader(data))
    parts = [str(table.schema).encode(), str(table.schema.metadata).encode()]
    for name in table.column_names:
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        values = pc.unique(column) if _flat(column.type) else column
        parts += [
            one if isinstance(one, bytes) else str(one).encode() for one in values.to_pylist()
        ]
    yield b"\0".join(parts)


def _flat(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_primitive(kind)


def plain_text(folder: Path) -> list[str]:
    """Files of text that are not UTF-8."""
    found = []
    for path in folder.rglob("*"):
        if path.suffix in TEXT and path.is_file():
            try:
                path.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                found.append(path.relative_to(folder).as_posix())
    return found

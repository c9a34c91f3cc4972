"""What routes answer with: JSON with a tag, bytes that never change, a file with a Chinese name."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Response, request

FOREVER = "public, max-age=31536000, immutable"
"""For what the address names once and for all: it never changes."""
ASK = "no-cache"
"""May be kept, and must be asked about each time."""
NEVER = "no-store"
"""For what is true this second only."""
LONGEST_NAME = 80
"""Characters of a file's name: file systems take 255 bytes, a Chinese character is three."""


def as_json(value: Any, cache: str = ASK, status: int = 200) -> Response:
    """An answer of `value` as JSON; raises on NaN, which no browser reads."""
    text = compact(value)
    return tagged(Response(text, mimetype="application/json", status=status), text, cache)


def compact(value: Any) -> bytes:
    """`value` as JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def tagged(response: Response, content: bytes, cache: str) -> Response:
    """With a weak ETag, that survives compression, and 304 for who has it already."""
    response.headers["Cache-Control"] = cache
    if cache != NEVER and response.status_code == 200:
        response.set_etag(hashlib.sha256(content).hexdigest()[:20], weak=True)
        response.make_conditional(request)
    return response


def tag_of(*parts: Any) -> str:
    """A tag for what depends on these parts alone: it is told before the answer is made."""
    return hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:20]


def holds(tag: str) -> bool:
    """Whether who asks has the answer of a tag already."""
    return request.if_none_match.contains_weak(tag)


def known_already(mimetype: str) -> Response | None:
    """304 for who holds what this address names for good: nothing has to be made for them.

    The tag is that of the address, as `forever` writes it.
    """
    response = _addressed(Response(mimetype=mimetype))
    response.make_conditional(request)
    return response if response.status_code == 304 else None


def forever(content: bytes, mimetype: str) -> Response:
    """What this address names for good."""
    return _addressed(Response(content, mimetype=mimetype))


def file_name(*parts: str | None, suffix: str) -> str:
    """A name that every file system takes and that ends no header: `a-b.suffix`."""
    text = "-".join(part for part in parts if part)
    safe = "".join("_" if c in '\\/:*?"<>|' or not c.isprintable() else c for c in text)
    return f"{safe[:LONGEST_NAME].strip('. ') or '_'}.{suffix}"


def _addressed(response: Response) -> Response:
    response.headers["Cache-Control"] = FOREVER
    response.headers["Vary"] = "Accept-Encoding"
    response.set_etag(hashlib.sha256(request.path.encode()).hexdigest()[:20], weak=True)
    return response

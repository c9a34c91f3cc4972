"""What a name to sign in with, a person's label and other short texts may look like."""

from __future__ import annotations

import re
import unicodedata

from geodata.errors import BadRequest
from geodata.words import say

NAME = (2, 40)
LABEL = 40
UNIT = 80
REASON = 200
CLAIM = 400
"""Longest texts, in characters."""

# Chinese characters are what `\w` knows as letters beyond ASCII and what this range holds; other
# scripts have letters that look like Latin ones, and two names must not look the same.
_NAME = re.compile(r"[0-9a-z._\-\u3400-\u9fff\U00020000-\U000323af]+")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that are not seen: controls, marks of direction, halves of pairs."""


def folded(name: str) -> str:
    """A name as it is kept and compared: half width, small letters, no blanks around."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def name(text: str) -> str:
    """A name to sign in with, folded.

    Raises
    ------
    BadRequest : when it is too short, too long, or holds other than letters, digits, `.`, `_`,
        `-` and Chinese characters.
    """
    found = folded(text[: 4 * NAME[1]])
    if not NAME[0] <= len(found) <= NAME[1] or not _NAME.fullmatch(found):
        raise BadRequest(
            say("account.name_form"),
            value=visible(text),
            cure=say("account.name_form_cure", least=NAME[0], most=NAME[1]),
        )
    return found


def is_name(text: str) -> bool:
    """Whether a text can be somebody's name, so that looking for it makes sense."""
    return len(text) <= 4 * NAME[1] and bool(_NAME.fullmatch(folded(text)))


def is_claim(text: str) -> bool:
    """Whether a text can be what an OpenID Connect provider calls itself or a person."""
    return 0 < len(text) <= CLAIM and _seen(text)


def line(text: str, what: str, *, most: int, empty: bool = True) -> str:
    """A text of one line, blanks made single; `what` is a key under `account.what`.

    Raises
    ------
    BadRequest : when it is too long, empty where it may not be, or holds what is not seen.
    """
    found = " ".join(unicodedata.normalize("NFC", text[: 4 * most]).split())
    if len(found) > most or (not found and not empty) or not _seen(found):
        raise BadRequest(
            say("account.line_form", what=say(f"account.what.{what}")),
            value=visible(text),
            cure=say("account.line_form_cure", most=most),
        )
    return found


def visible(text: str) -> str:
    """A text as it can be shown and stored whatever it holds: what is not seen is left out."""
    return "".join(char for char in text if unicodedata.category(char) not in _UNSEEN)


def _seen(text: str) -> bool:
    return visible(text) == text

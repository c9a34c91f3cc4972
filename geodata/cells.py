"""What a cell's text means: codes, names, numbers, flags, periods and the marks for nothing.

Everything works on the distinct texts of a column, because a column of a million cells seldom
holds more than a few thousand of them.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from geodata import periods

NOTHING = frozenset(
    {"-", "--", "—", "——", "/", "\\", "…", "……", "...", "n/a", "na", "null", "none"}
    | {"无数据", "缺", "缺失", "暂无", "未报"}
)
"""What people write into a cell that has no value; compared in lower case, after NFKC."""

_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u00ad]")
_SPACES = re.compile(r"\s+")
_SCIENTIFIC = re.compile(r"[+]?\d+(?:\.(?P<digits>\d*))?[eE][+]?(?P<exponent>\d+)")
_TRAILING_ZEROS = re.compile(r"(\d+)\.0+")
_QUOTES = "'`‘’′＇\""


def each(texts: pd.Series, read: Callable[[str], Any]) -> np.ndarray[Any, Any]:
    """`read` applied to every distinct text once; an object array in the texts' order."""
    places, distinct = texts.factorize(use_na_sentinel=False)
    values = np.empty(len(distinct), dtype=object)
    for n, text in enumerate(distinct):
        values[n] = read(text if isinstance(text, str) else "")
    return values[places] if len(values) else np.empty(0, dtype=object)


def plain(text: str) -> str:
    """Full-width to half-width, invisible characters out, the ends trimmed."""
    if text.isascii():
        return text.strip()
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip()


def heading(text: str) -> str:
    """A heading as it is compared: no spaces or line breaks, brackets of one width, any case."""
    return _SPACES.sub("", plain(text)).casefold()


def name(text: str) -> str:
    """A region's name as it is compared: without spaces."""
    return _SPACES.sub("", plain(text))


def code(text: str) -> str:
    """A code as it should have been written.

    Takes away spaces, apostrophes, full-width forms, `.0` of a number and an exponent that loses
    no digit (`1.20119901001E11`). An exponent that lost digits is left, so that it fails.
    """
    clean = _SPACES.sub("", plain(text)).strip(_QUOTES)
    if not clean or (clean.isalnum() and "e" not in clean.lower()):
        return clean
    found = _SCIENTIFIC.fullmatch(clean)
    # 12E5 is a perfectly good code of letters and digits; only a point makes it a number.
    if found and "." in clean and int(found["exponent"]) <= 30:
        # Zeros at the end are never written in this form, so fewer digits than the exponent may
        # be a round code or lost digits: only up to two missing ones are taken for zeros.
        if len(found["digits"] or "") >= int(found["exponent"]) - 2:
            whole = Decimal(clean)
            if whole == whole.to_integral_value():
                return format(whole, "f").partition(".")[0]
        return clean
    zeros = _TRAILING_ZEROS.fullmatch(clean)
    return zeros[1] if zeros else clean


def is_nothing(text: str) -> bool:
    """Whether a cell is empty or holds a mark for no value."""
    clean = plain(text)
    return not clean or clean.casefold() in NOTHING


def numbers(
    texts: pd.Series, *, percent: bool = True
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Values of number cells (float64, NaN where none) and where a text could not be read.

    Thousands separators and full-width digits are understood. A unit behind the number is not,
    because it may contradict the declared one; `%` only where `percent` says that this is it.
    """
    return _through(texts, _number if percent else lambda text: _number(text, percent=False))


def flags(
    texts: pd.Series, true: Iterable[str], false: Iterable[str]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Values of flag cells (1.0, 0.0, NaN where none) and where a text could not be read."""
    words = {plain(word).casefold(): 1.0 for word in true}
    words |= {plain(word).casefold(): 0.0 for word in false}

    def read(text: str) -> float | None:
        clean = plain(text).casefold()
        if clean in words:
            return words[clean]
        return float("nan") if is_nothing(text) else None

    return _through(texts, read)


def _through(
    texts: pd.Series, read: Callable[[str], float | None]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    places, distinct = texts.factorize(use_na_sentinel=False)
    values = np.full(len(distinct), np.nan)
    wrong = np.zeros(len(distinct), dtype=bool)
    for n, text in enumerate(distinct):
        value = read(text if isinstance(text, str) else "")
        if value is None:
            wrong[n] = True
        else:
            values[n] = value
    if not len(distinct):
        return np.empty(0), np.empty(0, dtype=bool)
    return values[places], wrong[places]


_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?%?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:(?:,\d{3})+|(?: \d{3})+)(?:\.\d*)?%?")


def _number(text: str, *, percent: bool = True) -> float | None:
    """One number, NaN for nothing, None for what is no number."""
    clean = _SPACES.sub(" ", plain(text)).strip(_QUOTES + " ")
    if not clean or clean.casefold() in NOTHING:
        return float("nan")
    clean = clean.replace("−", "-").replace(" %", "%")
    if clean.endswith("%") and not percent:
        return None
    # Elsewhere than between thousands a space may part two numbers: 1 2 is not 12.
    if _THOUSANDS.fullmatch(clean):
        clean = clean.replace(",", "").replace(" ", "")
    if not _NUMBER.fullmatch(clean):
        return None
    value = float(clean.rstrip("%"))
    return value if np.isfinite(value) else None


_YEAR = re.compile(r"(\d{4})年?(?:度)?(?:全年)?")
_QUARTER = re.compile(r"(\d{4})(?:年|[-./_])?(?:[Qq]([1-4])|第?([1-4一二三四])季度?)")
_MONTH = re.compile(r"(\d{4})(?:年|[-./_])(\d{1,2})(?:月份?)?")
_MONTH_SHORT = re.compile(r"(\d{4})(\d{2})")
_LOST_ZERO = re.compile(r"\d{4}\.1")
"""2021.10 typed as a number becomes 2021.1: October or January, nobody can tell."""
_DAY = re.compile(r"(\d{4})(?:年|[-./])(\d{1,2})(?:月|[-./])(\d{1,2})日?(?:[T ].*)?")


def period(text: str, step: str | None = None) -> str | None:
    """The id of the period that a cell names, or None: 2021-07, 2021年7月, 202107, 2021-07-31,
    2021Q3, 2021年三季度, 2021年, `all`.

    A day stands for its month, or for its quarter or year when `step` says so.
    """
    clean = plain(text)
    if clean == periods.ALWAYS:
        return clean
    if _LOST_ZERO.fullmatch(clean):
        return None
    if found := _DAY.fullmatch(clean):
        return _day(found[1], int(found[2]), int(found[3]), step)
    clean = _SPACES.sub("", clean)
    if found := _QUARTER.fullmatch(clean):
        number = found[2] or {"一": "1", "二": "2", "三": "3", "四": "4"}.get(found[3], found[3])
        return f"{found[1]}-Q{number}"
    if found := _YEAR.fullmatch(clean):
        return found[1]
    found = _MONTH.fullmatch(clean) or _MONTH_SHORT.fullmatch(clean)
    if found and 1 <= int(found[2]) <= 12:
        return f"{found[1]}-{int(found[2]):02d}"
    return None


def _day(year: str, month: int, day: int, step: str | None) -> str | None:
    try:
        datetime.date(int(year), month, day)
    except ValueError:
        return None
    if step == "year":
        return year
    if step == "quarter":
        return f"{year}-Q{(month + 2) // 3}"
    return f"{year}-{month:02d}"

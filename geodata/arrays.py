"""The value array (BFA1): one measure at one level with all its periods, as the browser reads it.

Beside it, the file of numbers (BFN1): what those values are made of (`encode_numbers`).

Layout, little endian: `BFA1` | uint32 header length H | H bytes of JSON, padded with spaces so
that 8 + H divides by 8 | values, period-major [P][R] | padding to 8 | flags uint8 [P][R]. Offsets
in the header count from the start of the file, so that a browser maps typed arrays onto the bytes.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geodata.errors import EditionError
from geodata.measures import Values
from geodata.words import say

MAGIC = b"BFA1"
NUMBERS_MAGIC = b"BFN1"
PARTS = ("numerator", "denominator", "reported", "expected", "verified")
"""What `encode_numbers` writes, in this order; fields of `measures.Values`."""
_TYPES = (np.int8, np.int16, np.int32)
_HEAD = len(MAGIC) + 4


@dataclass(frozen=True)
class Decoded:
    """What a value array says."""

    measure: str
    round: str
    level: str
    periods: tuple[str, ...]
    digits: int
    value: NDArray[np.float64]
    """[P, R]; NaN where there is none."""
    status: NDArray[np.uint8]
    """[P, R], `vocabulary.Status`."""


def encode(values: Values, digits: int) -> bytes:
    """The bytes of a value array.

    Parameters
    ----------
    values : rounded to `digits` already.
    digits : values are held as whole numbers of 10**-digits, in the smallest type that fits; the
        type's minimum says that there is none.

    Raises
    ------
    EditionError : when a value does not fit into 32 bits.
    """
    known = ~np.isnan(values.value)
    whole = np.where(known, np.rint(values.value * 10.0**digits), 0.0)
    low, high = (whole.min(), whole.max()) if whole.size else (0.0, 0.0)
    for kind in _TYPES:
        span = np.iinfo(kind)
        if span.min < low and high <= span.max:
            break
    else:
        raise EditionError(
            say("edition.too_large", measure=values.measure),
            value=values.value[known][np.abs(values.value[known]).argmax()],
            cure=say("edition.too_large_cure"),
        )
    body = np.where(known, whole, span.min).astype(np.dtype(kind).newbyteorder("<")).tobytes()
    header = {
        "measure": values.measure,
        "round": values.round,
        "level": values.level,
        "periods": list(values.periods),
        "count": values.value.shape[1],
        "digits": digits,
        "dtype": np.dtype(kind).name,
        "missing": int(span.min),
        "values_offset": 0,
        "flags_offset": 0,
    }
    # The header holds offsets that depend on its own length: give it room, then fill it in.
    room = _up(_HEAD + len(_json(header)) + 24)
    header["values_offset"] = room
    header["flags_offset"] = _up(room + len(body))
    text = _json(header).ljust(room - _HEAD, b" ")
    head = MAGIC + len(text).to_bytes(4, "little") + text
    padded = body.ljust(_up(len(body)), b"\0")
    return head + padded + np.ascontiguousarray(values.status, np.uint8).tobytes()


def decode(data: bytes) -> Decoded:
    """Read a value array.

    Raises
    ------
    EditionError : when the bytes are no value array.
    """
    try:
        if data[:4] != MAGIC:
            raise ValueError(data[:4])
        header = json.loads(data[_HEAD : _HEAD + int.from_bytes(data[4:8], "little")])
        periods, count = tuple(header["periods"]), int(header["count"])
        shape = (len(periods), count)
        size = len(periods) * count
        kind = np.dtype(header["dtype"]).newbyteorder("<")
        raw = np.frombuffer(data, kind, size, header["values_offset"]).reshape(shape)
        flags = np.frombuffer(data, np.uint8, size, header["flags_offset"]).reshape(shape)
        value = np.where(raw == header["missing"], np.nan, raw / 10.0 ** header["digits"])
    except (ValueError, KeyError, TypeError) as error:
        raise EditionError(say("edition.array_broken"), cure=say("edition.rebuild")) from error
    return Decoded(
        header["measure"],
        header["round"],
        header["level"],
        periods,
        header["digits"],
        value,
        flags,
    )


@dataclass(frozen=True)
class Numbers:
    """What a file of numbers (BFN1) says: what the values of a measure at a level are made of."""

    measure: str
    round: str
    level: str
    periods: tuple[str, ...]
    parts: dict[str, NDArray[np.float64]]
    """`numerator`, `denominator`, `reported`, `expected`, `verified`: [P, R], NaN for none."""


def encode_numbers(values: Values) -> bytes:
    """The bytes of a measure's numbers at a level, for panels and downloads.

    Layout, little endian: `BFN1` | uint32 header length | JSON header, padded as in a value array
    | one array [P][R] a part, each at a multiple of 8. A part has the smallest type that holds
    all its numbers exactly; the type's minimum, or NaN in float64, says that there is none.
    Sums are rounded to six digits, so that they carry no noise of adding.
    """
    arrays = []
    for name in PARTS:
        whole = getattr(values, name)
        kind, body = _pack(np.asarray(whole, np.float64))
        arrays.append((name, kind, body))
    header: dict[str, object] = {
        "measure": values.measure,
        "round": values.round,
        "level": values.level,
        "periods": list(values.periods),
        "count": values.value.shape[1],
        "parts": [{"name": name, "dtype": kind, "offset": 0} for name, kind, _ in arrays],
    }
    # As above: room for the offsets, then the offsets.
    room = _up(_HEAD + len(_json(header)) + 12 * len(arrays))
    offset, parts = room, []
    for name, kind, body in arrays:
        parts.append({"name": name, "dtype": kind, "offset": offset})
        offset = _up(offset + len(body))
    header["parts"] = parts
    text = _json(header).ljust(room - _HEAD, b" ")
    head = NUMBERS_MAGIC + len(text).to_bytes(4, "little") + text
    return head + b"".join(body.ljust(_up(len(body)), b"\0") for _, _, body in arrays)


def decode_numbers(data: bytes) -> Numbers:
    """Read a file of numbers.

    Raises
    ------
    EditionError : when the bytes are none.
    """
    try:
        if data[:4] != NUMBERS_MAGIC:
            raise ValueError(data[:4])
        header = json.loads(data[_HEAD : _HEAD + int.from_bytes(data[4:8], "little")])
        periods, count = tuple(header["periods"]), int(header["count"])
        parts = {}
        for part in header["parts"]:
            kind = np.dtype(part["dtype"]).newbyteorder("<")
            raw = np.frombuffer(data, kind, len(periods) * count, part["offset"])
            found = raw.reshape(len(periods), count).astype(np.float64)
            if kind.kind == "i":
                found[found == np.iinfo(kind).min] = np.nan
            parts[str(part["name"])] = found
        return Numbers(header["measure"], header["round"], header["level"], periods, parts)
    except (ValueError, KeyError, TypeError) as error:
        raise EditionError(say("edition.array_broken"), cure=say("edition.rebuild")) from error


def _pack(numbers: NDArray[np.float64]) -> tuple[str, bytes]:
    """Name of the smallest type that holds all numbers exactly, and their bytes."""
    known = ~np.isnan(numbers)
    tidy = np.where(known, np.round(numbers, 6), 0.0)
    if (tidy == np.rint(tidy)).all():
        low, high = (tidy.min(), tidy.max()) if tidy.size else (0.0, 0.0)
        for kind in _TYPES:
            span = np.iinfo(kind)
            if span.min < low and high <= span.max:
                whole = np.where(known, tidy, span.min)
                return np.dtype(kind).name, whole.astype(np.dtype(kind).newbyteorder("<")).tobytes()
    # One pattern of bits for every NaN: equal numbers give equal bytes.
    return "float64", np.where(known, tidy, np.nan).astype("<f8").tobytes()


def compress(data: bytes) -> bytes:
    """Gzip without a time, so that the same bytes always give the same bytes.

    Level 6: level 9 took fifteen times as long for a twentieth less.
    """
    return gzip.compress(data, compresslevel=6, mtime=0)


def _json(header: dict[str, object]) -> bytes:
    return json.dumps(header, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _up(number: int) -> int:
    """The next multiple of 8."""
    return (number + 7) // 8 * 8

"""The value array: what a browser reads is what was meant."""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.arrays import (
    PARTS,
    compress,
    decode,
    decode_numbers,
    encode,
    encode_numbers,
)
from geodata.errors import EditionError
from geodata.measures import Values


def values(table: list[list[float]], status: int = 2) -> Values:
    value = np.array(table, np.float64)
    whole = np.zeros(value.shape, np.int32)
    return Values(
        "收入",
        "r",
        "村",
        tuple(f"2021-{n + 1:02d}" for n in range(len(table))),
        value,
        value,
        value,
        whole,
        whole,
        whole,
        np.full(value.shape, status, np.uint8),
    )


def header(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data[8 : 8 + int.from_bytes(data[4:8], "little")])
    return found


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[float]], int]:
    digits = draw(st.integers(0, 4))
    regions = draw(st.integers(1, 9))
    most = draw(st.sampled_from([9, 127, 128, 32_767, 32_768, 2**31 - 1]))
    one = st.one_of(st.just(np.nan), st.integers(-most, most).map(lambda n: n / 10.0**digits))
    rows = draw(st.lists(st.lists(one, min_size=regions, max_size=regions), min_size=1, max_size=5))
    return rows, digits


@given(tables())
def test_what_goes_in_comes_out(given: tuple[list[list[float]], int]) -> None:
    table, digits = given
    data = encode(values(table, 3), digits)
    found = decode(data)
    np.testing.assert_array_equal(found.value, np.array(table))
    assert (found.status == 3).all()
    assert (found.measure, found.round, found.level) == ("收入", "r", "村")
    assert len(found.periods) == len(table) and found.digits == digits
    told = header(data)
    # A browser lays typed arrays onto the bytes: they must start at a multiple of their size.
    assert data[:4] == b"BFA1"
    assert told["values_offset"] % 8 == 0 and told["flags_offset"] % 8 == 0
    assert told["values_offset"] == 8 + int.from_bytes(data[4:8], "little")
    assert len(data) == told["flags_offset"] + np.size(table)


@pytest.mark.parametrize(
    ("largest", "dtype"),
    [(127, "int8"), (-127, "int8"), (-128, "int16"), (128, "int16"), (40_000, "int32")],
)
def test_the_smallest_type_that_fits_is_taken(largest: float, dtype: str) -> None:
    told = header(encode(values([[largest, np.nan]]), 0))
    assert told["dtype"] == dtype
    assert told["missing"] == np.iinfo(dtype).min


def test_a_value_that_does_not_fit_is_named() -> None:
    with pytest.raises(EditionError, match="太大"):
        encode(values([[3e9]]), 0)


@pytest.mark.parametrize("data", [b"", b"BFA1", b"nothing", b"BFA1\x02\0\0\0{}"])
def test_broken_bytes_are_said_to_be_broken(data: bytes) -> None:
    with pytest.raises(EditionError, match="数值文件损坏"):
        decode(data)


def test_compressing_twice_gives_the_same_bytes() -> None:
    data = encode(values([[1.5, 2.5]]), 1)
    assert compress(data) == compress(data)
    assert gzip.decompress(compress(data)) == data
    assert compress(data)[4:8] == b"\0\0\0\0", "no time inside"


def numbers(**parts: list[list[float]]) -> Values:
    shape = np.array(next(iter(parts.values()))).shape
    whole = np.zeros(shape, np.int32)
    given = {
        name: np.array(parts[name], np.float64) if name in parts else whole
        for name in ("numerator", "denominator", "reported", "expected", "verified")
    }
    return Values(
        "收入",
        "r",
        "村",
        tuple(f"2021-{n + 1:02d}" for n in range(shape[0])),
        np.zeros(shape),
        status=np.full(shape, 2, np.uint8),
        **given,  # type: ignore[arg-type]
    )


@given(tables(), tables())
def test_numbers_come_out_as_they_went_in(
    first: tuple[list[list[float]], int], second: tuple[list[list[float]], int]
) -> None:
    table = first[0]
    # Of one shape with the first: what a row lacks, there is none of.
    other = [(second[0][0] * len(row))[: len(row)] for row in table]
    data = encode_numbers(numbers(numerator=table, denominator=other))
    found = decode_numbers(data)
    np.testing.assert_array_equal(found.parts["numerator"], np.array(table))
    np.testing.assert_array_equal(found.parts["denominator"], np.array(other))
    assert (found.measure, found.round, found.level) == ("收入", "r", "村")
    assert found.periods == tuple(f"2021-{n + 1:02d}" for n in range(len(table)))
    told = header(data)
    assert data[:4] == b"BFN1"
    assert [part["name"] for part in told["parts"]] == list(PARTS)
    # A browser lays typed arrays onto the bytes.
    assert all(part["offset"] % 8 == 0 for part in told["parts"])
    assert told["parts"][0]["offset"] == 8 + int.from_bytes(data[4:8], "little")


@pytest.mark.parametrize(
    ("number", "dtype"),
    [(127, "int8"), (-128, "int16"), (40_000, "int32"), (3e9, "float64"), (0.5, "float64")],
)
def test_numbers_take_the_smallest_type_that_is_exact(number: float, dtype: str) -> None:
    told = header(encode_numbers(numbers(numerator=[[number, np.nan]])))
    assert [part["dtype"] for part in told["parts"]] == [dtype, "int8", "int8", "int8", "int8"]


def test_sums_carry_no_noise_of_adding() -> None:
    noisy = encode_numbers(numbers(numerator=[[0.1 + 0.2, 3.0 + 1e-12]]))
    assert noisy == encode_numbers(numbers(numerator=[[0.3, 3.0]]))
    whole = encode_numbers(numbers(numerator=[[3.0 + 1e-12]]))
    assert header(whole)["parts"][0]["dtype"] == "int8"


@pytest.mark.parametrize("data", [b"", b"BFA1", b"BFN1\x02\0\0\0{}", b"BFN1\x09\0\0\0[]"])
def test_broken_numbers_are_said_to_be_broken(data: bytes) -> None:
    with pytest.raises(EditionError, match="数值文件损坏"):
        decode_numbers(data)

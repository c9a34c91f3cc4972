"""Many words found at once: nothing is missed, nothing is told that is not there."""

from __future__ import annotations

import random

import pytest

from tests import needles


@pytest.mark.parametrize("chunk", [50, 1000])
def test_what_is_found_is_what_is_there(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needles, "CHUNK", chunk)
    dice = random.Random(chunk)
    for _ in range(20):
        data = bytes(dice.choices(b"abc", k=dice.randrange(400)))
        words = {bytes(dice.choices(b"abc", k=dice.randrange(5, 40))) for _ in range(40)}
        words |= {data[at : at + dice.randrange(5, 60)] for at in range(0, len(data) - 60, 37)}
        found = needles.Needles({word: word.decode() for word in words}).found(data)
        assert found == {word.decode() for word in words if word in data}


def test_a_word_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than 5"):
        needles.Needles({b"abcd": "abcd"})

"""Search: a region is found by however people write it, the best answer first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.search import Entry, Index, normal, spell

NAMES = (
    ("云泽市", "99"),
    ("东岭区", "990001"),
    ("青禾镇", "990001901"),
    ("东岭镇", "990001902"),
    ("大东岭村", "990001901001"),
    ("东岭村", "990001901002"),
    ("吕家村", "990001901003"),
    ("North Ford", "990001901004"),
    ("Übach", "990001901005"),
)


@pytest.fixture(scope="module")
def index() -> Index:
    return Index([Entry(name, *spell(name), code) for name, code in NAMES])


def names(index: Index, text: str, limit: int = 10) -> list[str]:
    return [NAMES[number][0] for number in index.find(text, limit)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("青禾镇", "青禾镇"),
        ("青禾", "青禾镇"),
        ("qinghezhen", "青禾镇"),
        ("Qing He", "青禾镇"),
        ("qhz", "青禾镇"),
        ("QHZ", "青禾镇"),
        ("禾", "青禾镇"),
        ("lvjia", "吕家村"),
        ("lüjia", "吕家村"),
        ("north", "North Ford"),
        ("northford", "North Ford"),
        ("nf", "North Ford"),
        ("ford", "North Ford"),
        ("übach", "Übach"),
        ("９９０００１", "东岭区"),
        ("990001901003", "吕家村"),
        ("99", "云泽市"),
    ],
)
def test_however_it_is_written(index: Index, text: str, first: str) -> None:
    assert names(index, text)[0] == first


def test_whole_before_beginning_before_middle_and_upper_levels_first(index: Index) -> None:
    assert names(index, "东岭") == ["东岭区", "东岭镇", "东岭村", "大东岭村"]
    assert names(index, "东岭村") == ["东岭村", "大东岭村"]
    assert names(index, "dongling") == ["东岭区", "东岭镇", "东岭村", "大东岭村"]
    assert names(index, "990001") == [name for name, _ in NAMES[1:]]


def test_no_more_answers_than_asked_for(index: Index) -> None:
    assert names(index, "东岭", 2) == ["东岭区", "东岭镇"]
    assert names(index, "9", 3) == [name for name, _ in NAMES[:3]]
    assert names(index, "东岭", 0) == []


@pytest.mark.parametrize("text", ["", "  ", "\n", "'", "没有这样的地方", "qhzz", "\uffff"])
def test_what_is_not_there_is_not_found(index: Index, text: str) -> None:
    assert names(index, text) == []


@given(st.lists(st.text(max_size=6), min_size=1, max_size=12), st.text(max_size=4))
def test_every_answer_holds_what_was_asked_for_and_none_is_missing(
    given: list[str], text: str
) -> None:
    entries = [Entry(name, *spell(name), f"{n:04d}") for n, name in enumerate(given)]
    found = Index(entries).find(text, 100)
    wanted = normal(text)

    def tier(entry: Entry) -> int:
        keys = (normal(entry.name), entry.pinyin, entry.initials, entry.code)
        if not wanted:
            return 3
        if wanted in keys:
            return 0
        if any(key.startswith(wanted) for key in keys):
            return 1
        return 2 if any(wanted in key for key in keys[:2]) else 3

    best = sorted((tier(entry), n) for n, entry in enumerate(entries) if tier(entry) < 3)
    assert found == [n for _, n in best]


def test_a_name_spells_itself() -> None:
    assert spell("青禾镇") == ("qinghezhen", "qhz")
    assert spell("North Ford") == ("northford", "nf")
    assert spell("Am Stein 一村") == ("amsteinyicun", "asyc")

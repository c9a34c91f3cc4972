"""Every published text comes out as the library writes it; places by the rules of places."""

from __future__ import annotations

import json

import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.edition import Edition
from geodata.words import catalogue
from layers.public import hant
from tests import demo_worlds

KNOWN = opencc.OpenCC("s2tw")


@pytest.fixture(scope="module")
def demo() -> Edition:
    return Edition.open(demo_worlds.edition_folder(demo_worlds.SMALL))


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("天津市", "天津市"),
        ("蓟州区", "薊州區"),
        ("里庄村", "里莊村"),
        ("二里店", "二里店"),
        ("后沟村", "後溝村"),
        ("皇后店村", "皇后店村"),
        ("范家庄村", "范家莊村"),
        ("大范庄", "大范莊"),
        ("于家堡", "于家堡"),
        ("余家铺", "余家鋪"),
        ("钟家台村", "鍾家臺村"),
        ("钟楼村", "鐘樓村"),
        ("台头镇", "臺頭鎮"),
        ("白洋淀", "白洋淀"),
        ("丰淀镇", "豐淀鎮"),
        ("沈家庄", "沈家莊"),
        ("北仓镇", "北倉鎮"),
        ("发", "發"),
    ],
)
def test_names_of_places(name: str, right: str) -> None:
    assert hant.place(name) == right
    assert hant.convert(hant.table([], [name]), name) == right


def test_sentences_keep_what_a_character_means_in_them() -> None:
    texts = [
        "头发和发展",
        "面条里面",
        "干部干活干净",
        "位于后台",
        "皇后以后",
        "联系点汇总，回复与恢复",
    ]
    table = hant.table(texts, ["里庄村"])
    for text in texts:
        assert hant.convert(table, text) == KNOWN.convert(text)
    assert hant.convert(table, "里庄村") == "里莊村"


def test_every_text_of_an_edition_converts_and_the_table_is_small(demo: Edition) -> None:
    table = hant.of(demo, ["附加的一句话"])
    for level in demo.levels:
        for name in demo.regions(level.id)["name"]:
            assert hant.convert(table, str(name)) == hant.place(str(name))
    for measure in demo.measures:
        for text in (measure.label, measure.definition):
            assert hant.convert(table, text) == KNOWN.convert(text)
    for key, text in catalogue().items():
        if key.partition(".")[0] in hant.SECTIONS:
            assert hant.convert(table, text) == KNOWN.convert(text), key
    assert len(json.dumps(table, ensure_ascii=False).encode()) < 16_000


def test_the_table_holds_only_what_changes_and_what_occurs(demo: Edition) -> None:
    table = hant.of(demo)
    assert all(one != other for one, other in table["chars"].items())
    assert all(len(one) == 1 for one in table["chars"])
    small = hant.table(["中"])
    assert small == {"chars": {}, "phrases": {}}
    assert set(hant.table(["乡镇"])["chars"]) == {"乡", "镇"}


def test_the_same_texts_give_the_same_table() -> None:
    texts = ["头发", "发展", "公布", "布匹"]
    assert json.dumps(hant.table(texts)) == json.dumps(hant.table(reversed(texts)))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(st.sampled_from("发头展里面后台于范干余汇联系复布一丰谷A1，"), max_size=9),
        max_size=6,
    )
)
def test_any_texts_come_out_as_the_library_writes_them(texts: list[str]) -> None:
    table = hant.table(texts)
    for text in texts:
        parts = [part for part in hant._WESTERN.split(text) if part]
        assert hant.convert(table, text).replace("A", "").replace("1", "") == "".join(
            KNOWN.convert(part) for part in parts
        )

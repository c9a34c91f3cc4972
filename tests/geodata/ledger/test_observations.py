"""What a visitor saw stands beside what was reported, with the day, and tells where they differ."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from geodata.errors import BadRequest, UnknownName
from geodata.ledger import Forbidden, Refused, observations, tables
from geodata.vocabulary import IndicatorType
from geodata.workspace import Indicator
from tests.geodata.ledger.visiting import (
    MEMBER,
    OFFICE,
    OTHER,
    VIEWER,
    office,
    small,
    village,
    visit,
)

__all__ = ["office", "small"]

NOTE = "村东头 <i>二百米</i>"


def seen(office, small, indicator, value, n=16, **asked):
    """One observation during a visit of the n-th village."""
    row = {"indicator": indicator, "value": value, "note": NOTE}
    return visit(office, small, village=village(small, n), observations=[row], **asked)


def of(office, small, n=16, people=True):
    return observations.of(office, small, village(small, n), people=people)


def reported(small, indicator, n=16):
    """What the edition's own table says last of a village in the round."""
    facts = small.facts(village(small, n))
    mine = facts[(facts["round"] == "r3") & (facts["indicator"] == indicator)]
    last = mine.sort_values("period").iloc[-1]
    return str(last["period"]), float(last["value"])


def test_what_can_be_observed_are_the_items_and_what_measures_count(small):
    found = observations.choices(small)
    assert [(one["indicator"], one["item"]) for one in found] == [
        ("paved", True),
        ("water", True),
        ("income", False),
        ("projects", False),
    ]
    assert {one["kind"] for one in found} == {"flag", "number", "count"}


def test_a_form_shows_what_is_reported_of_the_village(small):
    found = {one["indicator"]: one for one in observations.choices(small, village(small, 16))}
    _, value = reported(small, "paved")
    assert found["paved"]["reported_text"] == ("已有" if value else "没有")
    assert found["paved"]["period_label"] == "2021年12月"
    early = {
        one["indicator"]: one
        for one in observations.choices(small, village(small, 16), "2021-08-15")
    }
    assert early["income"]["period_label"] == "2021年8月"
    silent = {one["indicator"]: one for one in observations.choices(small, village(small, 12))}
    assert silent["income"]["reported_text"] == ""


def test_what_contradicts_a_report_says_so(office, small):
    _, value = reported(small, "paved")
    made = seen(office, small, "paved", not value)
    assert made["contradictions"] == 1
    assert "1 项和上报的不一致" in made["sentence"]
    (found,) = of(office, small)
    assert found["contradicts"] is True
    assert found["period_label"] == "2021年12月"
    assert {found["reported_text"], found["seen_text"]} == {"已有", "没有"}
    assert "与上报不一致（2021年12月上报：" in found["sentence"]
    assert "核查人：王成员" in found["sentence"]
    assert found["now"] is None


def test_what_agrees_says_so(office, small):
    _, value = reported(small, "paved")
    made = seen(office, small, "paved", bool(value))
    assert made["contradictions"] == 0
    (found,) = of(office, small)
    assert found["contradicts"] is False
    assert "与上报一致（2021年12月）" in found["sentence"]


def test_what_nobody_reported_contradicts_nothing(office, small):
    made = seen(office, small, "paved", False, n=12)
    assert made["contradictions"] == 0
    (found,) = of(office, small, n=12)
    assert (found["reported_text"], found["period"]) == ("", "")
    assert "此前没有上报" in found["sentence"]


def test_a_visit_stands_beside_what_was_reported_by_then_not_beside_what_came_later(office, small):
    made = seen(office, small, "income", 0, day="2021-08-10")
    assert made["observations"][0]["period"] == "2021-08"
    (found,) = of(office, small)
    period, value = reported(small, "income")
    assert found["now"]["period"] == period == "2021-12"
    assert found["now"]["text"] == f"{value:g} 万元"
    assert "现在的上报（2021年12月）" in found["sentence"]


def test_without_people_neither_name_nor_words_are_told(office, small):
    seen(office, small, "paved", False)
    (found,) = of(office, small, people=False)
    text = json.dumps(found, ensure_ascii=False)
    assert found["day_text"] == "2021年12月18日"
    assert found["sentence"].startswith("现场核查 2021年12月18日")
    for secret in (MEMBER.label, MEMBER.id, "村东头"):
        assert secret not in text
    (found,) = of(office, small)
    assert (found["author_label"], found["note"]) == (MEMBER.label, NOTE)


def test_the_newest_of_an_indicator_is_marked(office, small):
    seen(office, small, "paved", False, day="2021-12-01")
    seen(office, small, "paved", True, day="2021-12-10")
    seen(office, small, "water", True, day="2021-11-01")
    found = [(one["indicator"], one["day"], one["latest"]) for one in of(office, small)]
    assert found == [
        ("paved", "2021-12-10", True),
        ("paved", "2021-12-01", False),
        ("water", "2021-11-01", True),
    ]


@pytest.mark.parametrize(
    ("indicator", "value"),
    [
        ("paved", 1),
        ("paved", "true"),
        ("paved", None),
        ("income", True),
        ("income", "12"),
        ("income", None),
        ("projects", [1]),
    ],
)
def test_a_value_of_another_kind(office, small, indicator, value):
    with pytest.raises(BadRequest):
        seen(office, small, indicator, value)


@pytest.mark.parametrize(
    ("indicator", "value"),
    [
        ("income", float("nan")),
        ("income", float("inf")),
        ("income", 10**400),
        ("income", -(10**400)),
        ("income", 1e300),
        ("projects", -1),
        ("projects", 1.5),
    ],
)
def test_a_value_that_cannot_be(office, small, indicator, value):
    with pytest.raises(Refused):
        seen(office, small, indicator, value)


@pytest.mark.parametrize("name", ["target", "gaps", "lights", "nothing", None, ["paved"], {}])
def test_what_files_do_not_report_of_the_round_is_not_observed(office, small, name):
    with pytest.raises(UnknownName):
        seen(office, small, name, True)


def test_an_indicator_is_observed_once_a_visit(office, small):
    row = {"indicator": "paved", "value": True}
    with pytest.raises(Refused, match="填了两次"):
        visit(office, small, observations=[row, row])
    for wrong in ("paved", [1], {"indicator": "paved"}):
        with pytest.raises(BadRequest):
            visit(office, small, observations=wrong)
    with pytest.raises(Refused, match="最多填 40 条"):
        visit(office, small, observations=[row] * 41)


def test_one_observation_is_taken_back_by_its_author_or_the_office(office, small):
    ids = [
        one["id"]
        for one in visit(
            office,
            small,
            village=village(small, 16),
            observations=[
                {"indicator": "paved", "value": True},
                {"indicator": "water", "value": True},
            ],
        )["observations"]
    ]
    for actor in (OTHER, VIEWER):
        with pytest.raises(Forbidden):
            observations.withdraw(office, actor, ids[0], "理由")
    with pytest.raises(Refused):
        observations.withdraw(office, MEMBER, ids[0], "")
    observations.withdraw(office, MEMBER, ids[0], "看错了村")
    observations.withdraw(office, OFFICE, ids[1], "核对后更正")
    assert of(office, small) == []
    with pytest.raises(UnknownName):
        observations.withdraw(office, OFFICE, "\x00", "理由")


def test_what_a_later_edition_no_longer_declares_is_still_told(office, small):
    seen(office, small, "paved", False)
    seen(office, small, "income", 3.5)
    with office.noting() as connection:
        changed = {"indicator": "gone_since", "round": "r0"}
        connection.execute(sa.update(tables.observation).values(**changed))
    texts = [one["seen_text"] for one in of(office, small)]
    assert sorted(texts) == ["3.5", "否"]
    with office.noting() as connection:
        connection.execute(sa.update(tables.observation).values(village="990009909009"))
    assert len(observations.of(office, small, "990009909009", people=True)) == 2


def number(kind: IndicatorType = IndicatorType.NUMBER) -> Indicator:
    return Indicator(id="x", label="x", type=kind, unit="万元")


@given(st.floats(-1e6, 1e6, allow_nan=False), st.integers(0, 4))
def test_a_number_is_compared_as_exactly_as_it_was_written(report, digits):
    assert not observations.contradicts(number(), round(report, digits), report)


@given(st.integers(-1000, 1000), st.floats(0.51, 50))
def test_a_number_farther_off_than_its_last_digit_contradicts(seen_, off):
    assert observations.contradicts(number(), float(seen_), seen_ + off)
    assert observations.contradicts(number(), float(seen_), seen_ - off)


def test_counts_are_compared_exactly_and_nothing_contradicts_silence():
    count = number(IndicatorType.COUNT)
    assert observations.contradicts(count, 3.0, 4.0)
    assert not observations.contradicts(count, 3.0, 3.0)
    assert not observations.contradicts(count, 3.0, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567.5, "1,234,567.5 万元"), (-2.0, "\N{MINUS SIGN}2 万元"), (0.0, "0 万元"),
     (-1e-9, "0 万元")],
)  # fmt: skip
def test_a_number_in_words(value, text):
    assert observations.text(number(), value) == text

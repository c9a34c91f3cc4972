"""The scene of contact points: its sentence is right for any ledger, and a slide shows it whole."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation

from geodata.edition import Edition
from geodata.ledger import Ledger, board
from geodata.ledger.live import read
from geodata.live_edition import LiveEdition, Snapshot
from layers import briefing, deck
from layers.briefing import BriefingError, Kind
from layers.briefing.declare import Briefing
from tests.live_worlds import TODAY, Hand

Json = dict[str, Any]


@pytest.fixture
def hand(small: Edition, tmp_path: Path) -> Iterator[Hand]:
    book = Ledger.of(tmp_path)
    yield Hand(book, small)
    book.dispose()


def live(hand: Hand) -> LiveEdition:
    """The edition with the ledger as it is."""
    found = Snapshot(read(hand.ledger), hand.day)
    return LiveEdition(hand.edition, found, board.totals(hand.ledger, hand.edition))


def scene(hand: Hand) -> Json:
    """What the built-in briefing's last scene shows."""
    book = live(hand)
    last = briefing.scenes(book, briefing.default())[-1]
    assert last.kind is Kind.CONTACT
    return briefing.content(book, last)


def nothing_but_a_problem(hand: Hand) -> None:
    hand.problem(hand.targets[0])


def a_pick(hand: Hand) -> None:
    hand.pick(hand.targets[0])


def picks_and_visits(hand: Hand) -> None:
    for village in hand.targets[:4]:
        hand.pick(village)
    for village in hand.targets[:3]:
        hand.visit(village)


def everything(hand: Hand) -> None:
    for village in hand.targets:
        hand.pick(village)
        hand.visit(village)
    for number in range(3):
        problem = hand.problem(hand.targets[number])
        hand.step(problem, "fixed", "fixed")


def no_target(hand: Hand) -> None:
    codes = [str(code) for code in hand.edition.nesting.codes[-1]]
    hand.pick(next(code for code in codes if code not in hand.targets))


def some_put_right(hand: Hand) -> None:
    hand.pick(hand.targets[0])
    problems = [hand.problem(hand.targets[0]) for _ in range(4)]
    for problem in problems[:3]:
        hand.step(problem, "fixed", "fixed")
    hand.step(problems[0], "rechecked", "rechecked")
    hand.step(problems[0], "struck_off", "struck_off")
    hand.step(problems[3], "assigned", "assigned", deadline="2024-06-01")


@pytest.mark.parametrize(
    ("decide", "sentence"),
    [
        (nothing_but_a_problem, "9 个薄弱村还没有人联系；问题 1 个，还没有整改"),
        (a_pick, "9 个薄弱村中 1 个有人联系，本月还没有走访；没有发现问题"),
        (picks_and_visits, "9 个薄弱村中 4 个有人联系，本月走访 3 个；没有发现问题"),
        (everything, "9 个薄弱村都有人联系，本月都走访过；问题 3 个，全部整改"),
        (
            no_target,
            "9 个薄弱村还没有人联系，联系点 1 个，本月还没有走访；没有发现问题",
        ),
        (
            some_put_right,
            "9 个薄弱村中 1 个有人联系，本月还没有走访；问题 4 个，整改 3 个",
        ),
    ],
)
def test_the_sentence_is_right_for_any_ledger(
    hand: Hand, decide: Callable[[Hand], None], sentence: str
) -> None:
    decide(hand)
    assert scene(hand)["sentence"] == sentence


def test_details_say_how_long_ago_and_what_became_of_problems(hand: Hand) -> None:
    some_put_right(hand)
    hand.visit(hand.targets[0])
    hand.pick(hand.targets[1])
    first, second = scene(hand)["detail"]
    assert first.startswith("联系点平均 0 天没有走访，1 个从未走访")
    assert second == "已销号 1 个，还有 3 个没有销号，1 个超期"


def test_figures_and_months_are_the_boards(hand: Hand) -> None:
    hand.months(points=4, months=5)
    content, totals = scene(hand), board.totals(hand.ledger, hand.edition)
    figures = {one["label"]: one["value"] for one in content["figures"]}
    assert figures["发现问题"] == totals["found"] > 0
    assert figures["已整改"] == totals["put_right"]
    assert figures["已销号"] == totals["struck_off"]
    assert content["headline"]["value"] == 4
    assert sum(one["found"] for one in content["problems"]) == totals["found"]
    assert len(content["table"]["rows"]) <= 6


def test_months_long_past_are_shown_where_nothing_followed(hand: Hand) -> None:
    hand.problem(hand.targets[0])
    hand.on(date(2026, 2, 1))
    hand.visit(hand.targets[0])
    assert [one["id"] for one in scene(hand)["problems"]] == ["2024-06"]


def test_every_district_has_a_bar(hand: Hand) -> None:
    hand.pick(hand.targets[0])
    rows = scene(hand)["ranking"]["rows"]
    assert [row["name"] for row in rows] == ["东岭区", "中洲区", "西川区"]
    assert rows[0]["text"] == "1 个，33.3%" and rows[0]["share"] == 1.0
    assert rows[-1]["share"] == 0.0


def test_there_is_no_scene_without_picks_and_problems(hand: Hand, small: Edition) -> None:
    kinds = [one.kind for one in briefing.scenes(live(hand), briefing.default())]
    assert Kind.CONTACT not in kinds
    assert Kind.CONTACT not in [one.kind for one in briefing.scenes(small, briefing.default())]
    hand.visit(hand.targets[0])  # a visit alone is neither
    assert live(hand).contact is None


def test_a_declared_scene_waits_and_one_alone_says_so(small: Edition) -> None:
    waits = Briefing.model_validate(
        {"title": "联系点", "scenes": [{"kind": "overview"}, {"kind": "contact"}]}
    )
    assert [one.kind for one in briefing.scenes(small, waits)] == [Kind.OVERVIEW]
    alone = Briefing.model_validate({"title": "联系点", "scenes": [{"kind": "contact"}]})
    with pytest.raises(BriefingError, match="没有可以显示的场景"):
        briefing.scenes(small, alone)


def test_the_scene_chooses_nothing_of_its_own() -> None:
    with pytest.raises(ValueError, match="measure"):
        Briefing.model_validate(
            {"title": "联系点", "scenes": [{"kind": "contact", "measure": "income_met"}]}
        )


def test_a_slide_has_the_chart_and_the_table_as_powerpoints_own(hand: Hand) -> None:
    hand.months(points=4, months=5)
    book, content = live(hand), scene(hand)
    made = deck.pptx(book, [content], link=lambda query: f"http://here/?{query}", notes={})
    (slide,) = Presentation(io.BytesIO(made)).slides
    shapes = list(slide.shapes)
    assert sum(one.has_chart for one in shapes) == 1
    (table,) = [one.table for one in shapes if one.has_table]
    assert [cell.text for cell in table.rows[0].cells] == ["月份", "发现问题", "已整改", "已销号"]
    assert content["sentence"] in [one.text_frame.text for one in shapes if one.has_text_frame]


def test_today_is_the_ledgers_day(hand: Hand) -> None:
    hand.pick(hand.targets[0])
    assert hand.day == TODAY
    assert scene(hand)["period"]["id"] == "2024-06"

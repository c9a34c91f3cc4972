"""What the portal's callbacks promise, asked of their pure functions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dash import dcc, html
from dash.development.base_component import Component

from callbacks import portal
from callbacks.services import Services
from dashboard.app import create_app
from dashboard.cache import Store
from dashboard.library import Library
from dashboard.services import Drawn, assemble
from dashboard.settings import Settings
from layers.contact.observed import beside
from tests.worlds import build_small

VILLAGE = "990002901001"
CHECKED = "990001901001"
"""A target whose paved road was reported."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("portal")
    build_small(made)
    return made


@pytest.fixture(scope="module")
def services(folder: Path) -> Services:
    from flask import Flask

    settings = Settings(workspace=folder, access="open")
    library = Library(folder)
    store = Store(Flask("test"), settings.cache, audience=settings.audience)
    return assemble(settings, library, Drawn(store, None))


def parts(tree: Any, kind: type) -> list[Any]:
    """All components of a kind in a tree, in order."""
    found = []
    for one in tree if isinstance(tree, list) else [tree]:
        if isinstance(one, Component):
            if isinstance(one, kind):
                found.append(one)
            found.extend(parts(getattr(one, "children", None), kind))
    return found


def texts(tree: Any) -> list[str]:
    if isinstance(tree, str):
        return [tree]
    if isinstance(tree, list | tuple):
        return [text for one in tree for text in texts(one)]
    return texts(getattr(tree, "children", None)) if isinstance(tree, Component) else []


def test_an_address_becomes_a_picture(services: Services) -> None:
    answer = portal.render(services, f"?region={VILLAGE}&period=2021-09")
    assert answer.problem is None
    assert answer.picture is not None
    assert answer.picture["region"]["code"] == VILLAGE
    assert answer.picture["periods"][answer.picture["period"]]["id"] == "2021-09"


@pytest.mark.parametrize("search", [None, "", 7, {"a": 1}, []])
def test_whatever_is_no_query_shows_the_whole(services: Services, search: object) -> None:
    answer = portal.render(services, search)
    assert answer.picture is not None
    assert answer.picture["region"]["code"] == "990000000000"


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("?region=nowhere", "没有这个地区「nowhere」"),
        ("?measure=nothing", "没有这个指标「nothing」"),
        ("?level=street", "没有这个层级「street」"),
        ("?round=r9", "没有这个轮次「r9」"),
        ("?period=yesterday", "yesterday"),
        ("?off=x", "off"),
    ],
)
def test_a_bad_address_keeps_the_picture_and_says_why(
    services: Services, search: str, words: str
) -> None:
    answer = portal.render(services, search)
    assert answer.picture is None
    assert answer.problem is not None
    assert words in answer.problem["message"]


def test_a_long_value_does_not_fill_the_screen(services: Services) -> None:
    answer = portal.render(services, "?region=" + "x" * 79)
    assert answer.problem is not None
    assert len(answer.problem["message"]) < 120


@pytest.mark.parametrize("asked", [None, "", 3, [], {"n": 1}])
def test_only_our_own_question_has_a_query(asked: object) -> None:
    assert portal.asked_search(asked) is None


def test_details_of_a_leaf_name_every_source(services: Services) -> None:
    made = portal.details(services, f"?region={VILLAGE}")
    rows = parts(made, html.Table)[0].children[2].children
    profile = services.profile(_view(f"region={VILLAGE}"))
    assert len(rows) == len(profile["provenance"]) > 0
    said = texts(made)
    for line in profile["provenance"]:
        assert line["file"] in said


def test_items_say_their_state_in_words(services: Services) -> None:
    made = portal.details(services, f"?region={VILLAGE}")
    states = set(texts(made))
    profile = services.profile(_view(f"region={VILLAGE}"))
    for found in profile["items"]:
        for line in found["items"]:
            assert line["state_label"] in states
            assert portal.MARKS[line["state"]] in states


def test_details_of_a_bad_address_are_empty(services: Services) -> None:
    assert portal.details(services, "?region=nowhere") == []


def test_charts_are_lettered_for_the_screen(services: Services) -> None:
    def size(text: int) -> float:
        graph = parts(portal.details(services, "", text), dcc.Graph)[0]
        return float(graph.figure["layout"]["font"]["size"])

    assert size(32) == 2 * size(16)


@pytest.mark.parametrize("text", [None, "16", 3.5, {}])
def test_a_text_size_that_is_none_counts_as_usual(text: object) -> None:
    assert portal.asked_text({"text": text}) == 16


def test_a_text_size_is_held_to_what_a_screen_has() -> None:
    assert portal.asked_text({"text": 10**9}) == 40
    assert portal.asked_text({"text": -5}) == 12


def test_the_cached_profile_is_not_changed(services: Services) -> None:
    before = repr(services.charts(_view(""), "light"))
    portal.details(services, "", 30)
    assert repr(services.charts(_view(""), "light")) == before


def test_going_down_asks_the_server_once(folder: Path) -> None:
    app = create_app(Settings(workspace=folder, access="open"))
    on_server = [
        name for name, one in app.callback_map.items() if "callback" in one and "address." in name
    ]
    assert on_server == ["..address.picture...address.problem.."]


def _view(query: str) -> Any:
    from layers.view import View

    return View.from_query(query)


# ---- what visitors saw ----


def seen(indicator: str, **told: Any) -> dict[str, Any]:
    """An observation as the ledger tells it."""
    plain = {
        "id": indicator,
        "round": "r3",
        "indicator": indicator,
        "label": "道路硬化",
        "reported_text": "已有",
        "seen_text": "没有",
        "contradicts": True,
        "stands": True,
        "latest": True,
        "day_text": "2021年12月18日",
        "sentence": "现场核查 2021年12月18日，道路硬化：没有，与上报不一致。",
        "now": None,
    }
    return plain | told


def observed(services: Services, *rows: dict[str, Any], **more: Any) -> Services:
    """Services whose ledger says so."""

    def told(profile: dict[str, Any]) -> dict[str, Any]:
        if profile["kind"] != "leaf":
            return profile
        return beside(profile, rows) | {"problems": None} | more

    return replace(services, observed=told)


def classes(tree: Any, kind: type, name: str) -> list[Any]:
    return [
        one for one in parts(tree, kind) if name in (getattr(one, "className", "") or "").split()
    ]


def test_what_was_seen_stands_beside_item_and_source(services: Services) -> None:
    made = portal.details(observed(services, seen("paved")), f"?region={CHECKED}")
    (item,) = classes(made, html.Li, "checked")
    assert "道路硬化" in texts(item)
    (line,) = classes(item, html.Span, "seen")
    assert "".join(texts(line)) == "现场核查 2021年12月18日：没有≠与上报不符"
    assert line.title == seen("paved")["sentence"]
    table = parts(made, html.Table)[0]
    heads = texts(table.children[1])
    assert heads[1:3] == ["数值", "现场核查"]
    rows = table.children[2].children
    assert all(len(row.children) == len(heads) for row in rows)
    told = [row for row in rows if classes(row, html.Span, "seen")]
    assert told and all("道路硬化" in texts(row) for row in told)


def test_a_contradiction_is_said_at_the_head(services: Services) -> None:
    rows = [
        seen("paved", sentence="一"),
        seen("paved", sentence="旧", latest=False),
        seen("water", stands=False, contradicts=False, sentence="三"),
    ]
    made = portal.details(observed(services, *rows), f"?region={CHECKED}")
    (head,) = classes(made, html.Section, "against")
    assert "走访发现 1 项与上报不符" in texts(head)
    (against, everything) = parts(head, html.Ul)
    assert texts(against) == ["一"]
    assert texts(everything) == ["一", "旧", "三"]


def test_nothing_seen_says_nothing_and_agreement_is_no_alarm(services: Services) -> None:
    plain = portal.details(services, f"?region={CHECKED}")
    assert not classes(plain, html.Section, "checked")
    assert "现场核查" not in "".join(texts(plain))
    rows = [seen("paved", stands=False, seen_text="已有")]
    made = portal.details(observed(services, *rows), f"?region={CHECKED}")
    assert not classes(made, html.Section, "against")
    assert "走访核查过 1 项，没有发现与上报不符" in texts(made)


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({}, "与上报不符"),
        ({"stands": False}, "与上报一致"),
        ({"stands": False, "reported_text": ""}, "此前没有上报"),
        ({"stands": False, "reported_text": "", "now": {"contradicts": False}}, "与上报一致"),
        ({"stands": True, "reported_text": "", "now": {"contradicts": True}}, "与上报不符"),
    ],
)
def test_sign_and_word_say_how_seen_and_reported_agree(told: dict[str, Any], word: str) -> None:
    said = texts(portal.seen_line(seen("paved", **told)))
    assert said[-1] == word
    assert said[-2] in portal.SEEN.values()


def test_what_was_seen_of_a_curve_stands_above_it(services: Services) -> None:
    services = observed(services, seen("income", seen_text="3 万元"))
    profile = services.observed(services.profile(_view(f"region={CHECKED}")))
    names = {one["indicator"] for one in profile["curves"] if one["seen"]}
    assert names == {"income"}
    made = portal.details(services, f"?region={CHECKED}")
    charts = [
        one for one in classes(made, html.Section, "chart") if classes(one, html.Span, "seen")
    ]
    assert len(charts) == 1
    assert "现场核查 2021年12月18日：3 万元" in texts(charts[0])


@pytest.mark.parametrize(
    ("count", "overdue", "sentence"),
    [
        (0, 0, "没有未销号的问题"),
        (3, 0, "3 个问题未销号"),
        (3, 1, "3 个问题未销号，其中 1 个超过期限"),
    ],
)
def test_open_problems_are_counted_with_the_way_to_them(
    services: Services, count: int, overdue: int, sentence: str
) -> None:
    href = f"/contact-points?village={CHECKED}"
    found = {"open": count, "overdue": overdue, "href": href}
    made = portal.details(observed(services, problems=found), f"?region={CHECKED}")
    (section,) = classes(made, html.Section, "open-problems")
    assert sentence in texts(section)
    assert [link.href for link in parts(section, html.A)] == [href]


def test_who_may_not_read_the_ledger_sees_no_problems(services: Services) -> None:
    made = portal.details(observed(services, seen("paved")), f"?region={CHECKED}")
    assert not classes(made, html.Section, "open-problems")

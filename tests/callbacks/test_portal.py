"""What the portal's callbacks promise, asked of their pure functions."""

from __future__ import annotations

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
from tests.worlds import build_small

VILLAGE = "990002901001"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("portal")
    build_small(made)
    return made


@pytest.fixture(scope="module")
def services(folder: Path) -> Services:
    from flask import Flask

    settings = Settings(workspace=folder)
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
    app = create_app(Settings(workspace=folder))
    on_server = [
        name for name, one in app.callback_map.items() if "callback" in one and "address." in name
    ]
    assert on_server == ["..address.picture...address.problem.."]


def _view(query: str) -> Any:
    from layers.view import View

    return View.from_query(query)

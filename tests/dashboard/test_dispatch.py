"""Callback bodies are held against what was declared."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from dash import Input, Output, State
from flask.testing import FlaskClient

from dashboard.app import Atlas, create_app
from dashboard.dispatch import check, find, kinds_of
from dashboard.settings import Settings
from geodata.errors import BadRequest
from geodata.ledger.roles import Right

DECLARED = {
    "out.children": {
        "inputs": [{"id": "in", "property": "value"}],
        "state": [{"id": '{"n":["ALL"]}', "property": "data"}],
        "callback": print,
    },
    "silent": {"inputs": [], "state": [], "callback": print, "no_output": True},
    "..a.x...b.y..": {"inputs": [], "state": [], "callback": print},
    "browser.children": {"inputs": [], "state": []},
}
GOOD = {
    "output": "out.children",
    "outputs": {"id": "out", "property": "children"},
    "inputs": [{"id": "in", "property": "value", "value": 1}],
    "state": [[{"id": {"n": 1}, "property": "data", "value": 2}]],
    "changedPropIds": ["in.value"],
}


def hold(body: Any) -> None:
    check(body, find(body, DECLARED))


def test_what_our_pages_send_passes() -> None:
    hold(GOOD)
    hold(
        {
            "output": "..a.x...b.y..",
            "outputs": [{"id": "a", "property": "x"}, {"id": "b", "property": "y"}],
        }
    )
    hold({"output": "silent"})


@pytest.mark.parametrize(
    "change",
    [
        {"output": "nobody.children"},
        {"output": "browser.children"},
        {"output": None},
        {"outputs": None},
        {"outputs": {"id": "other", "property": "children"}},
        {"outputs": {"id": "out"}},
        {"outputs": [{"id": "out", "property": "children"}]},
        {"outputs": {"id": {"n": 1}, "property": "children"}},
        {"inputs": []},
        {"inputs": {"id": "in"}},
        {"inputs": [None]},
        {"inputs": [{"id": "in", "property": "other"}]},
        {"inputs": [{"id": "other", "property": "value"}]},
        {"inputs": [[{"id": "in", "property": "value"}]]},
        {"state": []},
        {"state": [[{"id": "n", "property": "data"}]]},
        {"state": [[{"id": {"n": []}, "property": "data"}]]},
        {"changedPropIds": "in.value"},
        {"changedPropIds": [1]},
    ],
)
def test_anything_else_is_a_bad_request(change: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="刷新"):
        hold(GOOD | change)


@pytest.mark.parametrize("body", [None, [], "x", 1, {}])
def test_a_body_that_is_no_callback(body: Any) -> None:
    with pytest.raises(BadRequest):
        hold(body)


def test_values_of_another_kind_are_refused_before_the_callback_runs() -> None:
    def takes(asked: dict[str, Any] | None, many: list[int], name: str) -> None: ...

    one = {"id": "in", "property": "value"}
    callback = {
        "inputs": [one, {"id": '{"n":["ALL"]}', "property": "n"}],
        "state": [one],
        "kinds": kinds_of(takes),
    }

    def body(asked: Any, many: list[Any], name: Any) -> dict[str, Any]:
        return GOOD | {
            "inputs": [
                one | {"value": asked},
                [{"id": {"n": at}, "property": "n", "value": v} for at, v in enumerate(many)],
            ],
            "state": [one | {"value": name}],
        }

    check(body({"any": ["thing"]}, [1, 2], "x"), callback)
    check(body(None, [], ""), callback)
    for wrong in (
        body([], [], ""),
        body("text", [], ""),
        body({}, [1, "2"], ""),
        body({}, [True], ""),
        body({}, [], 1),
        body({}, [], None),
    ):
        with pytest.raises(BadRequest):
            check(wrong, callback)


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", '"\\ud800"', '{"\\udfff": 1}'])
def test_what_is_no_json_for_others_is_none_for_us(
    mine: tuple[Atlas, FlaskClient], value: str
) -> None:
    app, client = mine
    ran = []

    @app.callback(Output("mine", "children"), Input("in", "value"), access=Right.READ)
    def any_kind(value: object) -> object:
        ran.append(value)
        return value

    body = json.dumps(asked("mine.children", "HERE")).replace('"HERE"', value)
    answer = client.post("/_dash-update-component", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert not ran


def test_a_callback_says_of_what_kind_its_values_are() -> None:
    def bare(asked) -> None: ...  # type: ignore[no-untyped-def]

    def starred(*asked: str) -> None: ...

    for function in (bare, starred):
        with pytest.raises(TypeError, match="annotated"):
            kinds_of(function)


@pytest.fixture
def mine(folder: Path) -> tuple[Atlas, FlaskClient]:
    """An app of our own, open, to register callbacks with."""
    app = create_app(Settings(workspace=folder, access="open"))
    assert isinstance(app, Atlas)
    return app, app.server.test_client()


def asked(output: str, value: Any) -> dict[str, Any]:
    name, _, attribute = output.rpartition(".")
    return {
        "output": output,
        "outputs": {"id": name, "property": attribute},
        "inputs": [{"id": "in", "property": "value", "value": value}],
        "state": [],
        "changedPropIds": ["in.value"],
    }


def test_a_callback_that_declares_no_right_is_refused(
    mine: tuple[Atlas, FlaskClient], caplog: pytest.LogCaptureFixture
) -> None:
    app, client = mine
    ran = []

    @app.callback(Output("mine", "children"), Input("in", "value"))
    def undeclared(value: object) -> object:
        ran.append(value)
        return value

    answer = client.post("/_dash-update-component", json=asked("mine.children", 1))
    assert answer.status_code == 403
    assert answer.json is not None and "谁都不能用" in answer.json["error"]
    assert not ran
    assert "mine.children declares no right" in caplog.text


def test_what_a_callback_cannot_use_is_400_and_one_line_in_the_log(
    mine: tuple[Atlas, FlaskClient], caplog: pytest.LogCaptureFixture
) -> None:
    app, client = mine

    @app.callback(Output("mine", "children"), Input("in", "value"), access=Right.READ)
    def choosy(value: object) -> object:
        return {"known": 1}[str(value)]

    answer = client.post("/_dash-update-component", json=asked("mine.children", "known"))
    assert answer.status_code == 200
    with caplog.at_level(logging.INFO):
        answer = client.post("/_dash-update-component", json=asked("mine.children", "other"))
    assert answer.status_code == 400
    (line,) = [record for record in caplog.records if record.name == "dashboard.dispatch"]
    assert line.levelno == logging.WARNING
    assert line.exc_info is None
    assert "KeyError" in line.getMessage()
    assert "other" not in line.getMessage()


def test_a_clientside_callback_needs_no_right(mine: tuple[Atlas, FlaskClient]) -> None:
    app, client = mine
    app.clientside_callback(
        "function(value) { return value; }",
        Output("mine", "children"),
        Input("in", "value"),
        State("in", "id"),
        access=Right.READ,
    )
    answer = client.post("/_dash-update-component", json=asked("mine.children", 1))
    assert answer.status_code == 400, "it does not run here"

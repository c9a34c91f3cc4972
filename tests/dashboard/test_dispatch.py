"""Callback bodies are held against what was declared."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.dispatch import check
from geodata.errors import BadRequest

DECLARED = {
    "out.children": {
        "inputs": [{"id": "in", "property": "value"}],
        "state": [{"id": '{"n":["ALL"]}', "property": "data"}],
        "callback": print,
    },
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


def test_what_our_pages_send_passes() -> None:
    check(GOOD, DECLARED)
    check(
        {
            "output": "..a.x...b.y..",
            "outputs": [{"id": "a", "property": "x"}, {"id": "b", "property": "y"}],
        },
        DECLARED,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"output": "nobody.children"},
        {"output": "browser.children"},
        {"output": None},
        {"outputs": None},
        {"outputs": {"id": "other", "property": "children"}},
        {"outputs": {"id": "out"}},
        {"inputs": []},
        {"inputs": {"id": "in"}},
        {"inputs": [None]},
        {"inputs": [{"id": "in", "property": "other"}]},
        {"inputs": [{"id": "other", "property": "value"}]},
        {"inputs": [[{"id": "in", "property": "value"}]]},
        {"state": []},
        {"state": [[{"id": "n", "property": "data"}]]},
        {"changedPropIds": "in.value"},
        {"changedPropIds": [1]},
    ],
)
def test_anything_else_is_a_bad_request(change: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="刷新"):
        check(GOOD | change, DECLARED)


@pytest.mark.parametrize("body", [None, [], "x", 1, {}])
def test_a_body_that_is_no_callback(body: Any) -> None:
    with pytest.raises(BadRequest):
        check(body, DECLARED)

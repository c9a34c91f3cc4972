"""What the layouts promise: every id placed once, words from the catalogue, no chart at first."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from dash import Dash, dcc
from dash.development.base_component import Component
from flask.testing import FlaskClient

from callbacks import ids
from dashboard import portal_components
from geodata import words

ASSETS = Path(__file__).parents[2] / "assets"
SCRIPTS = ("50-address.js", "51-toolbar.js", "52-panel.js", "53-gallery.js")
CHINESE = re.compile("[\u3400-\u9fff]")


def layout(app: Dash, client: FlaskClient, path: str) -> dict[str, Any]:
    answer = client.get("/_dash-layout", headers={"Referer": f"http://localhost{path}"})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def walk(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [one for part in node for one in walk(part)]
    if not isinstance(node, dict) or "props" not in node:
        return []
    return [node, *walk(node["props"].get("children"))]


def placed(app: Dash, client: FlaskClient, path: str) -> list[str]:
    nodes = walk(layout(app, client, path))
    return [node["props"]["id"] for node in nodes if "id" in node["props"]]


@pytest.mark.parametrize("path", ["/", "/maps"])
def test_no_id_is_placed_twice(app: Dash, client: FlaskClient, path: str) -> None:
    found = placed(app, client, path)
    assert len(found) == len(set(found))


def test_every_id_is_placed_on_some_page(app: Dash, client: FlaskClient) -> None:
    declared = {
        value
        for name, value in inspect.getmembers(ids)
        if name.isupper() and isinstance(value, str)
    }
    assert declared <= {*placed(app, client, "/"), *placed(app, client, "/maps")}


@pytest.mark.parametrize("path", ["/", "/maps"])
def test_no_chart_is_in_the_first_layout(app: Dash, client: FlaskClient, path: str) -> None:
    assert dcc.Graph()._type not in {node["type"] for node in walk(layout(app, client, path))}


@pytest.mark.parametrize("path", ["/", "/maps"])
def test_all_words_are_from_the_catalogue(app: Dash, client: FlaskClient, path: str) -> None:
    known = set(words.catalogue().values())
    for node in walk(layout(app, client, path)):
        props = node["props"]
        said = [props.get("children"), props.get("aria-label"), props.get("title")]
        for text in said:
            # A title of the workspace comes with it; everything else is ours.
            if isinstance(text, str) and CHINESE.search(text) and node["type"] != "AtlasBrand":
                assert text in known, text


def test_scripts_hold_no_words_of_their_own() -> None:
    for name in SCRIPTS:
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", (ASSETS / name).read_text("utf-8"), flags=re.S)
        assert not CHINESE.search(code), name


def components() -> list[type[Component]]:
    return [
        one
        for _, one in inspect.getmembers(portal_components, inspect.isclass)
        if issubclass(one, Component) and one.__name__.startswith("Atlas")
    ]


def test_every_component_has_its_script() -> None:
    code = "".join((ASSETS / name).read_text("utf-8") for name in SCRIPTS)
    for one in components():
        assert f"function {one.__name__}(" in code


def test_every_word_that_a_script_says_is_given_to_it() -> None:
    code = "".join((ASSETS / name).read_text("utf-8") for name in SCRIPTS)
    used = set(re.findall(r"\bwords\.(\w+)", code))
    given = {key for one in components() for key in one().words}
    given |= set(portal_components.part("about"))
    assert used - given == set()


def test_parts_of_one_component_do_not_hide_each_other() -> None:
    section = words.section("portal")
    for one in components():
        keys = [key.rpartition(".")[2] for key in section if key.rpartition(".")[0] in one._tables]
        assert len(keys) == len(set(keys)), one.__name__


def test_gallery_page_says_that_data_are_invented(app: Dash, client: FlaskClient) -> None:
    brand = next(n for n in walk(layout(app, client, "/maps")) if n["type"] == "AtlasBrand")
    assert brand["props"]["demo"] is True
    assert brand["props"]["title"]


def test_portal_words_are_in_the_catalogue() -> None:
    """What `say` would not find is found here, not by a reader."""
    section = words.section("portal")
    rooms = [Path(__file__).parents[2] / room for room in ("callbacks", "dashboard")]
    code = "".join(f.read_text("utf-8") for room in rooms for f in sorted(room.rglob("*.py")))
    asked = re.findall(r"""say\(\s*"portal\.([\w.]+)\"""", code)
    assert asked
    assert [key for key in asked if key not in section] == []

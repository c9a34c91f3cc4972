"""The wall's page: what it brings, what other pages do not, and what it says without data."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.app import create_app, tags_of
from dashboard.settings import Settings
from geodata import words
from tests.worlds import build_small


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wall")
    build_small(path)
    return path


def test_only_the_wall_loads_the_walls_scripts_and_styles(folder: Path) -> None:
    client = create_app(Settings(workspace=folder, access="open")).server.test_client()
    pages = {path: client.get(path).get_data(as_text=True) for path in ("/", "/maps", "/wall")}
    for path in ("/", "/maps"):
        assert "/assets/wall/" not in pages[path]
        assert "/assets/20-atlas-map.js" in pages[path]
    for name in ("57-director.js", "60-wall.js", "shell.css"):
        assert f"/assets/wall/{name}" in pages["/wall"]
    assert "/assets/20-atlas-map.js" in pages["/wall"]


def test_tags_are_dropped_a_line_at_a_time() -> None:
    written = "\n".join(
        f'<script src="/assets/{name}"></script>' for name in ("a.js", "wall/b.js", "remote/c.js")
    )
    assert "b.js" not in tags_of(written, "/")
    assert "b.js" in tags_of(written, "/wall")
    assert "c.js" not in tags_of(written, "/wall")
    assert "a.js" in tags_of(written, "/wall")


def test_the_wall_waits_calmly_before_its_scripts_are_there(folder: Path) -> None:
    client = create_app(Settings(workspace=folder, access="open")).server.test_client()
    page = client.get("/wall").get_data(as_text=True)
    assert '<html lang="zh-CN" data-look="dark" data-screen="wall">' in page
    assert words.say("wall.waiting") in page
    assert words.say("wall.waiting") not in client.get("/").get_data(as_text=True)


def test_without_an_edition_the_wall_waits_and_asks_again(tmp_path: Path) -> None:
    client = create_app(Settings(workspace=tmp_path, access="open")).server.test_client()
    answer = client.get("/wall", headers={"Accept": "text/html"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 503
    assert words.say("wall.waiting") in page
    assert 'http-equiv="refresh"' in page
    assert answer.headers["Cache-Control"] == "no-store"


def test_every_word_of_the_wall_is_used() -> None:
    scripts = Path(__file__).parents[2] / "assets" / "wall"
    text = "".join(path.read_text("utf-8") for path in scripts.glob("5*.js")) + (
        scripts / "60-wall.js"
    ).read_text("utf-8")
    made = ("mark.", "strip.", "help.")
    for key in words.section("wall"):
        if not key.startswith(made) and key not in {"title", "waiting"}:
            assert f'"{key}"' in text or f".{key}" in text, key

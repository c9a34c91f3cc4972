"""Which briefings there are, what is served of them; mending a file never darkens a wall."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import briefings as module
from dashboard import errors
from dashboard.briefings import DEFAULT, Briefings, Shelf, register, survey
from dashboard.cache import Store
from dashboard.library import Library
from geodata.edition import Edition
from layers import briefing

YEAR = """
title = "年终汇报"
dwell = 12
[[scenes]]
kind = "overview"
notes = "先说总数"
[[scenes]]
kind = "region"
regions = ["990002000000"]
[scenes.notes_by_region]
"990002000000" = "讲中洲区"
"""
BROKEN = YEAR.replace('kind = "region"', 'kind = "regoin"')
ELSEWHERE = YEAR.replace("990002000000", "110101000000")


def put(folder: Path, name: str, text: str, age: float = 60) -> Path:
    """A briefing file that nobody has touched for a while."""
    path = folder / module.FOLDER / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    then = time.time() - age
    os.utime(path, (then, then))
    return path


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """The small world, to be written in."""
    return Path(shutil.copytree(folder, tmp_path / "own"))


@pytest.fixture
def server() -> Flask:
    server = Flask("briefings")
    errors.register(server)
    return server


@pytest.fixture
def told(own: Path, server: Flask) -> Briefings:
    """The briefings, looked for at every question."""
    library = Library(own, recheck=0)
    found = Briefings(library, Store(server), recheck=0)
    register(server, library, found)
    return found


@pytest.fixture
def asked(server: Flask, told: Briefings) -> Iterator[FlaskClient]:
    with server.test_client() as client:
        yield client


def listed(asked: FlaskClient) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in asked.get("/api/v1/briefings").get_json()["briefings"]}


def scenes(asked: FlaskClient, name: str = DEFAULT) -> Any:
    edition = asked.get("/api/v1/briefings").get_json()["edition"]
    fingerprint = listed(asked)[name]["fingerprint"]
    return asked.get(f"/briefings/{edition}/{name}/{fingerprint}/scenes.json")


def test_without_a_folder_there_is_the_built_in_one(asked: FlaskClient, edition: Edition) -> None:
    said = asked.get("/api/v1/briefings").get_json()
    assert said["edition"] == edition.id
    (one,) = said["briefings"]
    assert one["id"] == "default"
    assert one["problem"] is None
    assert one["scenes"] > 3


def test_files_are_listed_by_name_and_the_built_in_last(asked: FlaskClient, own: Path) -> None:
    for name in ("year-2", "abc", "zz"):
        put(own, f"{name}.toml", YEAR)
    put(own, "notes.txt", "no briefing")
    put(own, ".year.toml", "an editor's own")
    assert list(listed(asked)) == ["abc", "year-2", "zz", "default"]
    assert listed(asked)["abc"]["title"] == "年终汇报"
    assert listed(asked)["abc"]["scenes"] == 2


def test_a_file_called_default_takes_the_place_of_the_built_in(
    asked: FlaskClient, own: Path
) -> None:
    built_in = listed(asked)["default"]["fingerprint"]
    path = put(own, "default.toml", YEAR)
    assert listed(asked)["default"]["title"] == "年终汇报"
    path.unlink()
    assert listed(asked)["default"]["fingerprint"] == built_in


def test_every_scene_of_the_list_can_be_fetched_and_is_kept_for_good(
    asked: FlaskClient, edition: Edition
) -> None:
    answer = scenes(asked)
    said = answer.get_json()
    assert answer.headers["Cache-Control"].endswith("immutable")
    assert answer.headers["ETag"]
    assert said["notices"]["source"] == edition.notices()["source"]
    assert len({scene["id"] for scene in said["scenes"]}) == len(said["scenes"]) > 3
    for scene in said["scenes"]:
        content = asked.get(scene["url"])
        assert content.headers["Cache-Control"].endswith("immutable")
        body = content.get_json()
        assert body["sentence"] == scene["sentence"] != ""
        assert body["region"]["code"] == scene["region"]["code"]
        picture = asked.get(scene["thumbnail"]["url"])
        assert picture.mimetype == "image/svg+xml"
        west, south, east, north = scene["thumbnail"]["bounds"]
        assert west < body["region"]["bounds"][0] and east > body["region"]["bounds"][2]
        assert south < body["region"]["bounds"][1] and north > body["region"]["bounds"][3]
        for one in (content, picture):
            again = asked.get(one.request.path, headers={"If-None-Match": one.headers["ETag"]})
            assert (again.status_code, again.data) == (304, b"")


def test_notes_are_the_presenters_alone(asked: FlaskClient, own: Path, told: Briefings) -> None:
    put(own, "year.toml", YEAR)
    answer = scenes(asked, "year")
    assert "先说总数" not in answer.get_data(as_text=True)
    for scene in answer.get_json()["scenes"]:
        assert "讲中洲区" not in asked.get(scene["url"]).get_data(as_text=True)
    notes = told.notes("year")
    assert sorted(notes.values()) == ["先说总数", "讲中洲区"]
    assert set(notes) <= {scene["id"] for scene in told.scenes("year")["scenes"]}


def test_what_steering_is_told_leads_to_the_scenes(
    asked: FlaskClient, own: Path, told: Briefings
) -> None:
    put(own, "year.toml", YEAR)
    edition, name, fingerprint = told.fingerprint("year")
    said = asked.get(f"/briefings/{edition}/{name}/{fingerprint}/scenes.json").get_json()
    assert said == told.scenes("year")
    assert told.fingerprint("gone")[1] == "default"


def test_a_file_that_was_broken_from_the_start_is_told_and_the_built_in_shown(
    asked: FlaskClient, own: Path, told: Briefings
) -> None:
    put(own, "year.toml", BROKEN)
    problem = listed(asked)["year"]["problem"]
    for word in ("briefings/year.toml", "scenes[2]", "regoin", "region"):
        assert word in problem
    assert str(own) not in problem, "where the workspace lies is nobody's business"
    assert told.fingerprint("year") == told.fingerprint("default")


def test_a_file_that_breaks_leaves_its_last_good_version_on_the_wall(
    asked: FlaskClient, own: Path, told: Briefings
) -> None:
    put(own, "year.toml", YEAR)
    before = told.fingerprint("year")
    for text, word in ((BROKEN, "regoin"), (ELSEWHERE, "110101000000"), ("title = ", "year.toml")):
        put(own, "year.toml", text, age=50)
        assert word in listed(asked)["year"]["problem"]
        assert told.fingerprint("year") == before
        assert scenes(asked, "year").get_json()["title"] == "年终汇报"
    put(own, "year.toml", YEAR.replace("年终", "年中"), age=40)
    assert listed(asked)["year"]["problem"] is None
    assert told.fingerprint("year") != before


def test_a_file_that_is_being_written_is_no_problem(
    asked: FlaskClient, own: Path, told: Briefings
) -> None:
    path = put(own, "year.toml", YEAR)
    before = told.fingerprint("year")
    put(own, "year.toml", YEAR[:40], age=0)
    assert listed(asked)["year"]["problem"] is None
    assert told.fingerprint("year") == before
    put(own, "year.toml", YEAR.replace("年终", "年中"), age=0)
    assert listed(asked)["year"]["title"] == "年中汇报"
    path.unlink()
    assert "year" not in listed(asked)
    assert told.fingerprint("year")[1] == "default"


def test_a_wall_ends_what_it_began_after_a_file_changed(asked: FlaskClient, own: Path) -> None:
    put(own, "year.toml", YEAR)
    old = scenes(asked, "year").get_json()
    put(own, "year.toml", YEAR.replace("年终", "年中"), age=50)
    new = scenes(asked, "year").get_json()
    assert new["fingerprint"] != old["fingerprint"]
    assert asked.get(old["scenes"][1]["url"]).status_code == 200


def test_the_fingerprint_is_of_what_is_said_not_of_the_file(own: Path, told: Briefings) -> None:
    put(own, "year.toml", YEAR)
    before = told.fingerprint("year")
    put(own, "year.toml", "# 说明\n" + YEAR, age=5)
    assert told.fingerprint("year") == before
    put(own, "year.toml", YEAR.replace("先说", "后说"), age=5)
    assert told.fingerprint("year") != before


def test_a_new_edition_is_told(
    own: Path, told: Briefings, another: Callable[[Path, str], str]
) -> None:
    edition, name, fingerprint = told.fingerprint("default")
    fresh = another(own, "换了名字")
    assert told.fingerprint("default") == (fresh, name, fingerprint)
    assert fresh != edition


@pytest.mark.parametrize(
    ("name", "fingerprint", "rest"),
    [
        ("default", "000000000000", "scenes.json"),
        ("nobody", None, "scenes.json"),
        ("default", None, "scene/nothing.json"),
        ("default", None, "scene/nothing.svg"),
        ("default", None, "scene/..%2f..%2fatlas.toml.json"),
        ("..%2f..", None, "scenes.json"),
        ("DEFAULT", None, "scenes.json"),
        ("default", "..", "scenes.json"),
    ],
)
def test_what_is_not_there_is_404_and_a_sentence(
    asked: FlaskClient, told: Briefings, name: str, fingerprint: str | None, rest: str
) -> None:
    edition, _, real = told.fingerprint("default")
    answer = asked.get(f"/briefings/{edition}/{name}/{fingerprint or real}/{rest}")
    assert answer.status_code == 404
    assert len(answer.get_json()["error"]) > 5
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_edition_that_is_not_there_is_404(asked: FlaskClient, told: Briefings) -> None:
    _, name, fingerprint = told.fingerprint("default")
    for edition in ("0" * 16, "..", "current"):
        answer = asked.get(f"/briefings/{edition}/{name}/{fingerprint}/scenes.json")
        assert answer.status_code == 404
        assert asked.get(f"/briefings/{edition}/region/990002000000.json").status_code == 404


def test_any_region_has_a_scene(asked: FlaskClient, edition: Edition) -> None:
    for code, name in (("990002000000", "中洲区"), ("990002901001", "孙家村")):
        said = asked.get(f"/briefings/{edition.id}/region/{code}.json").get_json()
        assert said["kind"] == "region"
        assert said["region"]["name"] == name
        assert name in said["sentence"]
    assert asked.get(f"/briefings/{edition.id}/region/nowhere.json").status_code == 404


def test_a_scene_that_cannot_be_made_is_left_out_and_logged(
    asked: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = briefing.content

    def failing(edition: Edition, scene: Any) -> Any:
        if scene.id == "overview":
            raise ZeroDivisionError
        return real(edition, scene)

    monkeypatch.setattr(briefing, "content", failing)
    answer = scenes(asked)
    names = [scene["id"] for scene in answer.get_json()["scenes"]]
    assert "overview" not in names and len(names) > 2
    assert "overview" in caplog.text
    assert "immutable" not in answer.headers["Cache-Control"]
    monkeypatch.setattr(briefing, "content", real)
    assert "overview" in [scene["id"] for scene in scenes(asked).get_json()["scenes"]]


def test_walls_that_open_at_once_draw_each_scene_once(
    server: Flask, told: Briefings, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    real = briefing.content

    def counted(edition: Edition, scene: Any) -> Any:
        drawn.append(scene.id)
        return real(edition, scene)

    monkeypatch.setattr(briefing, "content", counted)
    edition, name, fingerprint = told.fingerprint("default")
    place = f"/briefings/{edition}/{name}/{fingerprint}/scenes.json"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.test_client().get(place).status_code, range(16)))
    assert answers == [200] * 16
    assert len(drawn) == len(set(drawn))


def test_the_folder_is_looked_at_once_a_second(own: Path) -> None:
    now = [0.0]
    shelf = Shelf(own, clock=lambda: now[0])
    assert shelf.look() == {}
    put(own, "year.toml", YEAR)
    assert shelf.look() == {}
    now[0] = 1.0
    assert list(shelf.look()) == ["year"]


def test_a_version_that_another_worker_saw_first_is_looked_for(own: Path, server: Flask) -> None:
    one, two = (Briefings(Library(own), Store(Flask(name))) for name in "ab")
    two.listed()
    put(own, "year.toml", YEAR)
    one._shelf.look(now=True)
    _, name, fingerprint = one.fingerprint("year")
    assert two.version(name, fingerprint).briefing.title == "年终汇报"


def test_a_worker_that_starts_while_a_file_is_broken_shows_what_the_others_show(
    own: Path, server: Flask, told: Briefings
) -> None:
    put(own, "year.toml", YEAR)
    before = told.fingerprint("year")
    put(own, "year.toml", BROKEN, age=50)
    fresh = Briefings(Library(own), Store(Flask("fresh")), recheck=0)
    assert fresh.fingerprint("year") == told.fingerprint("year") == before
    assert fresh.scenes("year") == told.scenes("year")
    assert fresh.notes("year") == told.notes("year")


@pytest.mark.parametrize("name", ["坏名字.toml", "UPPER.toml", "a" * 80 + ".toml"])
def test_a_name_that_cannot_be_an_address_is_a_problem(
    asked: FlaskClient, own: Path, name: str
) -> None:
    put(own, name, YEAR)
    (problem,) = [one["problem"] for one in listed(asked).values() if one["id"] != "default"]
    assert name in problem


def test_the_command_line_reads_files_without_an_edition(own: Path, edition: Edition) -> None:
    put(own, "broken.toml", BROKEN)
    put(own, "elsewhere.toml", ELSEWHERE)
    alone = {row.id: row for row in survey(own)}
    assert alone["broken"].problem is not None
    assert alone["elsewhere"].problem is None
    there = {row.id: row for row in survey(own, edition)}
    assert "110101000000" in str(there["elsewhere"].problem)
    assert list(there) == ["broken", "elsewhere", "default"]
    assert there["default"].scenes

"""Steering over HTTP: what a wall and a phone are answered, and what nobody else is."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
import segno
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard import errors, steer
from dashboard.settings import SettingsError, read
from geodata import state
from geodata.steering import TRIES_AN_ADDRESS, WINDOW, Steering

calm = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Told:
    """Briefings of an edition that a test can change."""

    def __init__(self) -> None:
        self.edition, self.print = "a" * 16, "f" * 12

    def fingerprint(self, briefing: str) -> tuple[str, str, str]:
        known = briefing if briefing in {"default", "nianzhong"} else "default"
        return self.edition, known, self.print

    def scenes(self, briefing: str) -> dict[str, Any]:
        return {
            "edition": self.edition,
            "briefing": briefing,
            "fingerprint": self.print,
            "title": "年中汇报",
            "notices": {},
            "scenes": [
                {"id": "overview", "kind": "overview", "title": "全市", "sentence": "一句话"},
                {"id": "gaps", "kind": "gaps", "title": "短板", "sentence": "另一句话"},
            ],
        }

    def notes(self, briefing: str) -> dict[str, str]:
        return {"gaps": "先讲道路"}


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def client(tmp_path: Path, told: Told) -> Iterator[FlaskClient]:
    server = Flask("steer")
    server.config["MAX_CONTENT_LENGTH"] = 1_000_000
    errors.register(server)
    steer.register(server, Steering(tmp_path), told)
    with server.test_client() as client:
        yield client


class Wall:
    """What a wall does."""

    def __init__(self, client: FlaskClient, **given: str) -> None:
        self.client = client
        answer = client.post("/steer/walls", json=given)
        assert answer.status_code == 200, answer.text
        self.said = answer.json
        self.path = f"/steer/walls/{self.said['wall']}"
        self.secret = {"X-Wall-Secret": self.said["secret"]}

    def poll(self, after: object = 0, tag: str = "") -> Any:
        headers = self.secret | ({"If-None-Match": tag} if tag else {})
        return self.client.get(f"{self.path}?after={after}", headers=headers)

    def show(self, **showing: object) -> Any:
        return self.client.put(f"{self.path}/showing", json=showing, headers=self.secret)


class Phone:
    """What a phone does."""

    def __init__(self, client: FlaskClient, wall: Wall) -> None:
        self.client = client
        answer = client.post("/steer/pair", json={"code": wall.poll().json["code"]})
        assert answer.status_code == 200, answer.text
        self.said = answer.json
        self.token = {"Authorization": f"Bearer {self.said['token']}"}
        self.pressed = 0

    def look(self, tag: str = "") -> Any:
        headers = self.token | ({"If-None-Match": tag} if tag else {})
        return self.client.get("/steer/remote", headers=headers)

    def press(self, do: object, **arguments: object) -> Any:
        self.pressed += 1
        body = {"id": f"press-{self.pressed:04}", "do": do, **arguments}
        return self.client.post("/steer/remote/commands", json=body, headers=self.token)


def test_a_wall_is_given_a_name_a_code_and_a_picture_to_scan(client: FlaskClient) -> None:
    said = Wall(client, briefing="nianzhong").said
    assert said["name"].startswith("大屏 ")
    assert said["remote_url"] == f"http://localhost/remote#{said['code']}"
    assert 590 < said["code_expires"] - time.time() <= 600
    kind, _, drawn = said["qr"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    picture = ElementTree.fromstring(base64.b64decode(drawn))
    light, dark = list(picture)
    assert light.attrib["fill"] == "#fff"
    assert dark.attrib["stroke"] == "#000"


def test_what_is_scanned_is_the_address_of_the_remote() -> None:
    url = "http://10.1.2.3:8050/remote#482913"
    rows = [list(row) for row in segno.make(url, error="m", micro=False).matrix]
    picture = ElementTree.fromstring(base64.b64decode(steer.qr(url).partition(",")[2]))
    side = len(rows) + 8
    assert picture.attrib["viewBox"] == f"0 0 {side} {side}"
    # Strokes of one unit, from the quiet zone on: drawn out, they are the code's modules.
    drawn = [[0] * side for _ in range(side)]
    x, y = 0.0, 0.0
    for kind, numbers in re.findall(r"([Mmh])([-\d. ]+)", list(picture)[1].attrib["d"]):
        given = [float(one) for one in numbers.split()]
        if kind == "h":
            for step in range(int(given[0])):
                drawn[int(y)][int(x) + step] = 1
            x += given[0]
        else:
            x, y = (given[0], given[1]) if kind == "M" else (x + given[0], y + given[1])
    assert [row[4:-4] for row in drawn[4:-4]] == rows
    assert sum(map(sum, drawn)) == sum(map(sum, rows))
    assert steer.qr("x" * 5000) == ""


def test_phones_are_sent_to_the_public_address(tmp_path: Path, told: Told) -> None:
    server = Flask("steer")
    steer.register(server, Steering(tmp_path), told, public_url="http://10.1.2.3:8050")
    said = Wall(server.test_client()).said
    assert said["remote_url"] == f"http://10.1.2.3:8050/remote#{said['code']}"


@pytest.mark.parametrize(
    "address", ["10.1.2.3:8050", "ftp://10.1.2.3", "http://a/wall", "http://a b"]
)
def test_a_public_address_that_is_none_is_told_before_the_start(address: str) -> None:
    with pytest.raises(SettingsError, match="BANGFU_PUBLIC_URL") as caught:
        read(public_url=address)
    assert "http://10.1.2.3:8050" in str(caught.value)


def test_a_public_address_may_end_in_a_slash() -> None:
    assert read(public_url="https://atlas.example:8443/").public_url == "https://atlas.example:8443"
    assert read(public_url="http://[fd00::1]:8050").public_url == "http://[fd00::1]:8050"


def test_the_same_wall_again_keeps_its_phones(client: FlaskClient) -> None:
    wall = Wall(client)
    phone = Phone(client, wall)
    phone.press("next")
    again = Wall(client, wall=wall.said["wall"], secret=wall.said["secret"])
    for name in ("wall", "secret", "name"):
        assert again.said[name] == wall.said[name]
    assert again.said["seq"] == 1
    assert phone.look().status_code == 200
    other = Wall(client, wall=wall.said["wall"], secret="guessed")
    assert other.said["wall"] != wall.said["wall"]


def test_a_press_reaches_the_wall_and_nothing_new_is_304(client: FlaskClient) -> None:
    wall = Wall(client)
    phone = Phone(client, wall)
    first = wall.poll()
    assert first.json["commands"] == [] and first.json["paired"] == 1
    tag = first.headers["ETag"]
    assert (wall.poll(0, tag).status_code, wall.poll(0, tag).data) == (304, b"")
    assert phone.press("go", scene="gaps").json == {"seq": 1}
    news = wall.poll(0, tag)
    assert news.json["commands"] == [{"seq": 1, "do": "go", "scene": "gaps"}]
    assert news.json["seq"] == 1
    assert wall.poll(1, news.headers["ETag"]).status_code == 304
    # A wall whose script failed over the answer asks for the same again and gets it.
    assert wall.poll(0, news.headers["ETag"]).json["commands"] == news.json["commands"]
    # One that does not say where it stands wants nothing from before.
    fresh = client.get(wall.path, headers=wall.secret)
    assert (fresh.json["seq"], fresh.json["commands"]) == (1, [])


@pytest.mark.parametrize(
    ("do", "arguments"),
    [
        ("next", {}),
        ("previous", {}),
        ("first", {}),
        ("return", {}),
        ("go", {"scene": "region-120119"}),
        ("hold", {"on": True}),
        ("play", {"on": False}),
        ("blank", {"on": True}),
        ("region", {"code": "120119"}),
    ],
)
def test_every_command_arrives_as_it_was_sent(
    client: FlaskClient, do: str, arguments: dict[str, Any]
) -> None:
    wall = Wall(client)
    assert Phone(client, wall).press(do, **arguments).status_code == 200
    assert wall.poll().json["commands"] == [{"seq": 1, "do": do, **arguments}]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"do": "next"},
        {"id": "short", "do": "next"},
        {"id": "x" * 65, "do": "next"},
        {"id": ["press-0001"], "do": "next"},
        {"id": "press-0001"},
        {"id": "press-0001", "do": None},
        {"id": "press-0001", "do": ["next"]},
        {"id": "press-0001", "do": "reboot"},
        {"id": "press-0001", "do": "next", "on": True},
        {"id": "press-0001", "do": "next", "more": 1},
        {"id": "press-0001", "do": "go"},
        {"id": "press-0001", "do": "go", "scene": 3},
        {"id": "press-0001", "do": "go", "scene": "x" * 129},
        {"id": "press-0001", "do": "go", "scene": "\x00\x1b"},
        {"id": "press-0001", "do": "hold"},
        {"id": "press-0001", "do": "hold", "on": 1},
        {"id": "press-0001", "do": "region", "code": ""},
        {"id": "press-0001", "do": "pointer", "lon": 117},
        {"id": "press-0001", "do": "pointer", "lon": 181, "lat": 39},
        {"id": "press-0001", "do": "pointer", "lon": True, "lat": 39},
        {"id": "press-0001", "do": "pointer", "lon": "117", "lat": 39},
        {"id": "press-0001", "do": "pointer", "lon": 10**400, "lat": 39},
    ],
)
def test_a_wrong_command_is_explained_and_not_sent(
    client: FlaskClient, body: dict[str, Any]
) -> None:
    wall = Wall(client)
    phone = Phone(client, wall)
    answer = client.post("/steer/remote/commands", json=body, headers=phone.token)
    assert answer.status_code == 400
    assert answer.json["error"]
    assert wall.poll().json["commands"] == []


def test_the_same_press_twice_is_one(client: FlaskClient) -> None:
    wall = Wall(client)
    phone = Phone(client, wall)
    body = {"id": "0b1f6a3e-9d6c-4b77-8f6e-1d2c3b4a5f60", "do": "next"}
    for _ in range(3):
        answer = client.post("/steer/remote/commands", json=body, headers=phone.token)
        assert answer.json == {"seq": 1}
    assert len(wall.poll().json["commands"]) == 1


def test_the_pointer_is_the_last_place_and_no_command(client: FlaskClient) -> None:
    wall = Wall(client)
    phone = Phone(client, wall)
    tag = wall.poll().headers["ETag"]
    phone.press("pointer", lon=117.0, lat=39.0)
    phone.press("pointer", lon=117.25, lat=39.5)
    seen = wall.poll(0, tag).json
    assert seen["commands"] == [] and seen["seq"] == 0
    assert seen["pointer"].pop("age_ms") < 2000
    assert seen["pointer"] == {"lon": 117.25, "lat": 39.5}
    phone.press("pointer")
    assert wall.poll().json["pointer"] is None


def test_the_phone_sees_what_the_wall_shows(client: FlaskClient, told: Told) -> None:
    wall = Wall(client, briefing="nianzhong")
    phone = Phone(client, wall)
    before = phone.look()
    assert before.json["showing"] is None and before.json["alive"] is True
    assert before.json["name"] == wall.said["name"] == phone.said["name"]
    assert before.json["briefing"] == "nianzhong"
    assert phone.look(before.headers["ETag"]).status_code == 304
    shown = {
        "scene": "gaps",
        "index": 1,
        "total": 2,
        "title": "短板",
        "hold": True,
        "blank": False,
        "playing": False,
        "period_label": "2024年12月",
        "edition": "a" * 16,
        "fingerprint": "f" * 12,
        "region": None,
    }
    assert wall.show(**shown).status_code == 204
    after = phone.look(before.headers["ETag"])
    assert after.json["showing"] == shown
    told.edition = "b" * 16
    renewed = phone.look(after.headers["ETag"]).json
    assert renewed["edition"] == "b" * 16


def test_a_new_edition_is_told_at_the_walls_next_poll(client: FlaskClient, told: Told) -> None:
    wall = Wall(client, briefing="verschwunden")
    tag = wall.poll().headers["ETag"]
    told.edition, told.print = "b" * 16, "0" * 12
    seen = wall.poll(0, tag)
    assert seen.status_code == 200
    assert (seen.json["edition"], seen.json["briefing"]) == ("b" * 16, "default")
    assert seen.json["fingerprint"] == "0" * 12


def test_notes_are_for_the_phone(client: FlaskClient) -> None:
    phone = Phone(client, Wall(client))
    told = client.get("/steer/remote/scenes", headers=phone.token)
    assert [one["notes"] for one in told.json["scenes"]] == ["", "先讲道路"]
    assert told.json["title"] == "年中汇报"
    assert client.get("/steer/remote/scenes").status_code == 401


def test_who_is_not_paired_steers_nothing(client: FlaskClient) -> None:
    wall = Wall(client)
    phone = Phone(client, wall)
    assert client.delete("/steer/remote", headers=phone.token).status_code == 204
    body = {"id": "press-0001", "do": "next"}
    for headers in ({}, phone.token, {"Authorization": f"Basic {phone.said['token']}"}):
        for answer in (
            client.get("/steer/remote", headers=headers),
            client.get("/steer/remote/scenes", headers=headers),
            client.post("/steer/remote/commands", json=body, headers=headers),
            client.delete("/steer/remote", headers=headers),
        ):
            assert answer.status_code == 401
            assert "重新配对" in answer.json["error"]
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert wall.poll().json["paired"] == 0


def test_a_wall_is_its_owners(client: FlaskClient) -> None:
    wall, other = Wall(client), Wall(client)
    for headers in ({}, other.secret, {"X-Wall-Secret": "x" * 9999}):
        assert client.get(wall.path, headers=headers).status_code == 404
        answer = client.put(f"{wall.path}/showing", json={}, headers=headers)
        assert answer.status_code == 404


def test_guessing_ends_in_a_pause_that_is_told(client: FlaskClient) -> None:
    wall = Wall(client)
    code = wall.said["code"]
    for number in range(TRIES_AN_ADDRESS):
        guess = f"{(int(code) + 1 + number) % 1_000_000:06}"
        answer = client.post("/steer/pair", json={"code": guess})
        assert answer.status_code == 403
        assert "六位数" in answer.json["error"]
    for guess in ("000000", code):
        answer = client.post("/steer/pair", json={"code": guess})
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= WINDOW
        assert "分钟" in answer.json["error"]
    elsewhere = client.post(
        "/steer/pair",
        json={"code": f"{code[:3]} {code[3:]}"},
        environ_base={"REMOTE_ADDR": "10.0.0.9"},
    )
    assert elsewhere.status_code == 200


def test_nothing_of_it_is_kept_by_a_cache(client: FlaskClient) -> None:
    wall = Wall(client)
    phone = Phone(client, wall)
    for answer in (wall.poll(), phone.look(), wall.show(title="x"), phone.press("next")):
        assert answer.headers["Cache-Control"] == "no-store"


def test_only_json_of_a_moderate_size_is_read(client: FlaskClient) -> None:
    wall = Wall(client)
    form = client.post("/steer/pair", data={"code": "123456"})
    assert form.status_code == 415
    large = client.put(f"{wall.path}/showing", json={"title": "x" * 9000}, headers=wall.secret)
    assert large.status_code == 413
    for body in (b"", b"[]", b"1", b"{", b"[" * 4000, b"\xff\xfe", b'{"code": NaN'):
        answer = client.post("/steer/pair", data=body, content_type="application/json")
        assert answer.status_code == 400, body
        assert answer.json["error"]


@pytest.mark.parametrize(
    "showing",
    [
        {"index": -1},
        {"index": "1"},
        {"total": True},
        {"total": 10**400},
        {"hold": "yes"},
        {"title": "x" * 201},
        {"title": {"deep": 1}},
        {"notes": "x"},
    ],
)
def test_a_wall_that_shows_nonsense_is_told(client: FlaskClient, showing: dict[str, Any]) -> None:
    answer = Wall(client).show(**showing)
    assert answer.status_code == 400
    assert answer.json["error"]


def test_what_no_screen_shows_is_left_out(client: FlaskClient) -> None:
    wall = Wall(client)
    phone = Phone(client, wall)
    body = json.dumps({"title": "短\x00板\ud800\u202e"})
    sent = client.put(
        f"{wall.path}/showing", data=body, content_type="application/json", headers=wall.secret
    )
    assert sent.status_code == 204
    assert phone.look().json["showing"]["title"] == "短板"


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "9" * 40, ""])
def test_a_wrong_place_to_begin_is_400(client: FlaskClient, after: str) -> None:
    assert Wall(client).poll(after).status_code == 400


def test_a_state_that_cannot_be_used_is_503_with_a_sentence(
    client: FlaskClient, tmp_path: Path
) -> None:
    wall = Wall(client)
    phone = Phone(client, wall)
    for path in tmp_path.glob(f"{state.FILE}*"):
        path.unlink()
    (tmp_path / state.FILE).write_bytes(b"no database at all, and long enough to be read" * 100)
    for answer in (wall.poll(), phone.look(), phone.press("next"), wall.show(title="x")):
        assert answer.status_code == 503
        assert "大屏自己会接着播" in answer.json["error"]
        assert str(tmp_path) not in answer.text
        assert answer.headers["Retry-After"]


def test_a_locked_state_holds_up_no_poll(client: FlaskClient, tmp_path: Path) -> None:
    wall = Wall(client)
    phone = Phone(client, wall)
    wall.poll()
    other = sqlite3.connect(tmp_path / state.FILE, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert wall.poll().status_code == 200
        assert phone.look().status_code == 200
        assert time.monotonic() - began < 1
    finally:
        other.close()


text = st.text(max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    [
        "id",
        "do",
        "scene",
        "on",
        "code",
        "lon",
        "lat",
        "wall",
        "secret",
        "briefing",
        "title",
        "index",
    ]
)
words = st.sampled_from(["next", "go", "hold", "pointer", "region", "press-0001", "gaps"])


@calm
@given(body=st.dictionaries(names, words | values, max_size=5) | values, raw=st.binary(max_size=60))
def test_whatever_is_sent_the_answer_is_a_sentence(
    client: FlaskClient, body: Any, raw: bytes
) -> None:
    if not hasattr(client, "pair"):
        wall = Wall(client)
        client.pair = wall, Phone(client, wall)  # type: ignore[attr-defined]
    wall, phone = client.pair  # type: ignore[attr-defined]
    headers = wall.secret | phone.token
    for data in (json.dumps(body).encode(), raw):
        for method, path in (
            ("POST", "/steer/walls"),
            ("POST", "/steer/remote/commands"),
            ("PUT", f"{wall.path}/showing"),
            ("PUT", f"/steer/walls/{quote(str(body)[:20], safe='')}/showing"),
        ):
            answer = client.open(
                path, method=method, data=data, content_type="application/json", headers=headers
            )
            assert answer.status_code < 500, answer.text
            if answer.status_code >= 400:
                assert answer.json["error"]

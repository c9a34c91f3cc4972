"""One's own account: the password, one-time codes, and where one is signed in."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import pyotp
import pytest
from flask.testing import FlaskClient

from dashboard.agents import spoken
from geodata.ledger import accounts, sessions
from geodata.ledger.roles import TERMINAL
from tests.dashboard import guarded
from tests.dashboard.guarded import HTML, OURS, PASSWORD, World

NEW = "huoche-8-tiantang-lu"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0"


@pytest.fixture
def world(folder: Path, tmp_path: Path) -> World:
    return guarded.make(Path(shutil.copytree(folder, tmp_path / "workspace")), tmp_path)


def once(page: str) -> str:
    """The key of the first form of a page that has one."""
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def text_of(client: FlaskClient, path: str = "/account") -> str:
    return html.unescape(client.get(path, headers=HTML).text)


def test_who_one_is_is_said(world: World) -> None:
    with world.client("district") as client:
        page = text_of(client)
    for text in (
        "甲district",
        "test-district",
        "区级人员",
        "990001",
        'autocomplete="new-password"',
    ):
        assert text in page, text


def test_a_password_is_changed_and_other_places_are_out(world: World) -> None:
    here, there = world.browser("viewer"), world.browser("viewer")
    fields = {"old": PASSWORD, "new": NEW, "again": NEW, "once": once(text_of(here))}
    for _ in range(2):  # the button pressed twice
        answer = here.post("/account", data=fields, headers=OURS)
        assert (answer.status_code, answer.location) == (303, "/account")
    assert "密码改好了" in text_of(here)
    assert "密码改好了" not in text_of(here), "said once"
    assert there.get("/account").status_code == 401
    found = accounts.sign_in(world.ledger, "test-viewer", NEW)
    assert isinstance(found, accounts.SignedIn)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"old": "wrong", "new": NEW, "again": NEW}, "password-old", "原密码不对"),
        ({"old": PASSWORD, "new": NEW, "again": "x"}, "password-again", "两遍新密码不一样"),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "password-new", "至少 10 个字"),
        ({"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}, "password-new", "和原来的一样"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    world: World, fields: dict[str, str], field: str, said: str
) -> None:
    with world.client("viewer") as client:
        answer = client.post("/account", data=fields, headers=OURS)
        assert answer.status_code == 422
        assert f'href="#{field}"' in answer.text
        assert said in answer.text
        assert NEW not in answer.text and PASSWORD not in answer.text


def test_a_first_password_shows_nothing_but_its_change(world: World) -> None:
    with world.client("first") as client:
        page = text_of(client)
        assert "首次登录的密码" in page
        assert "登录着的地方" not in page and 'href="/maps"' not in page
        fields = {"old": PASSWORD, "new": NEW, "again": NEW, "once": once(page)}
        for _ in range(2):
            assert client.post("/account", data=fields, headers=OURS).status_code == 303
        assert client.get("/", headers=HTML).status_code == 200


# ---- one-time codes ----


def test_codes_are_set_up_by_a_picture_or_by_hand_and_turned_off(world: World) -> None:
    with world.client("viewer") as client:
        page = text_of(client, "/account/codes")
        assert 'src="data:image/svg+xml' in page
        found = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)
        assert found is not None
        secret = found.group(1)
        assert " ".join(re.findall("....", secret)) in page
        totp = pyotp.TOTP(secret)
        fields = {"secret": secret, "password": PASSWORD, "code": "000000", "once": once(page)}
        wrong = client.post("/account/codes", data=fields, headers=OURS)
        assert wrong.status_code == 422 and 'href="#codes-code"' in wrong.text
        assert secret in wrong.text, "the picture stays the one that was scanned"
        wrong = client.post(
            "/account/codes", data=fields | {"password": "x", "code": totp.now()}, headers=OURS
        )
        assert wrong.status_code == 422 and 'href="#codes-password"' in wrong.text
        for _ in range(2):
            answer = client.post("/account/codes", data=fields | {"code": totp.now()}, headers=OURS)
            assert answer.location == "/account"
        assert "动态码启用了" in text_of(client)
        assert client.get("/account/codes").location == "/account", "once is enough"
        off = {"password": "wrong"}
        wrong = client.post("/account/codes/off", data=off, headers=OURS)
        assert wrong.status_code == 422 and 'href="#codes-password"' in wrong.text
        off = {"password": PASSWORD}
        assert client.post("/account/codes/off", data=off, headers=OURS).status_code == 303
    found_account = accounts.named(world.ledger, "test-viewer")
    assert found_account is not None and not found_account.has_totp


@pytest.mark.parametrize("secret", ["", "short", "a" * 32, "A" * 400])
def test_a_secret_that_is_none_is_refused(world: World, secret: str) -> None:
    with world.client("viewer") as client:
        fields = {"secret": secret, "password": PASSWORD, "code": "123456"}
        assert client.post("/account/codes", data=fields, headers=OURS).status_code == 400


# ---- where one is signed in ----


def test_one_leaves_one_place_the_others_or_all(world: World) -> None:
    me = world.accounts["viewer"].id
    tokens = [sessions.begin(world.ledger, me, address="10.1.2.3", agent=EDGE) for _ in range(3)]
    with world.client("viewer") as client:
        page = text_of(client)
        assert page.count("Edge 120 · Windows</strong>") == 3 and "10.1.2.3" in page
        assert "就是这里" in page

        def leave(place: str) -> str | None:
            answer = client.post("/account/places", data={"place": place}, headers=OURS)
            assert answer.status_code == 303
            return answer.location

        assert leave(sessions.identifier(tokens[0])) == "/account"
        assert len(sessions.places(world.ledger, me)) == 3
        assert leave("x" * 300) == "/account", "gone already"
        assert leave("others") == "/account"
        assert "其他 2 处已退出登录" in text_of(client)
        assert len(sessions.places(world.ledger, me)) == 1
        sessions.begin(world.ledger, me)
        assert leave("all") == "/signin"
        assert sessions.places(world.ledger, me) == []
        assert client.get("/account").status_code == 401


def test_nobody_leaves_the_places_of_others(world: World) -> None:
    other = sessions.begin(world.ledger, world.accounts["office"].id)
    with world.client("viewer") as client:
        place = {"place": sessions.identifier(other)}
        client.post("/account/places", data=place, headers=OURS)
    assert len(sessions.places(world.ledger, world.accounts["office"].id)) == 1


def test_leaving_here_is_signing_out(world: World) -> None:
    with world.client("viewer") as client:
        page = text_of(client)
        (here,) = re.findall(r'name="place" value="([0-9a-f]{16})"', page)
        answer = client.post("/account/places", data={"place": here}, headers=OURS)
        assert answer.location == "/signin"
        assert client.get("/account").status_code == 401


def test_a_name_that_is_a_script_is_a_name(world: World) -> None:
    evil = "<img src=x onerror=alert(1)>\"'{{7*7}}"
    accounts.change(world.ledger, TERMINAL, world.accounts["viewer"].id, label=evil, unit=evil)
    sessions.begin(world.ledger, world.accounts["viewer"].id, agent="<script>alert(1)</script>")
    with world.client("viewer") as client:
        page = client.get("/account").text
    assert "<img src=x" not in page and "<script>alert" not in page
    assert "&lt;img src=x" in page


@pytest.mark.parametrize("path", ["/account", "/account/codes", "/account/codes/off"])
def test_a_form_that_is_none_of_ours_is_refused(world: World, path: str) -> None:
    with world.client("viewer") as client:
        for body in (
            {"old": "x" * 500, "password": "x" * 500},
            {"once": "odd", "new": "", "again": ""},
        ):
            assert client.post(path, data=body, headers=OURS).status_code in (400, 413), body
        assert client.post(path, json={}, headers=OURS).status_code == 415
        assert client.post(path, data={}, headers={"Origin": "http://evil"}).status_code == 403


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (EDGE, "Edge 120 · Windows"),
        ("Mozilla/5.0 (X11; UOS) Chrome/80.0 Safari/537.36", "Chrome 80 · 统信 UOS"),
        ("Mozilla/5.0 (iPhone) Version/17.2 Mobile Safari/604.1", "Safari 17 · iPhone"),
        ("Mozilla/5.0 (Linux; Android 12) MicroMessenger/8.0.1", "微信 8 · Android"),
        ("curl/8", "浏览器"),
        ("", "浏览器"),
    ],
)
def test_a_browser_is_named_as_people_know_it(agent: str, said: str) -> None:
    assert spoken(agent) == said

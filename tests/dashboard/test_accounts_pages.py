"""Managing accounts and screens: done once, told once, written down, and for nobody else."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from geodata.ledger import accounts, screens, sessions, tables
from geodata.ledger.roles import TERMINAL, Role
from geodata.ledger.verify import verify
from tests.dashboard import guarded
from tests.dashboard.guarded import HTML, OURS, World

EVIL = '<img src=x onerror=alert(1)>"'


@pytest.fixture(scope="module")
def world(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    own = tmp_path_factory.mktemp("managing")
    return guarded.make(
        Path(shutil.copytree(folder, own / "workspace")), own, write_limit="10000 per minute"
    )


@pytest.fixture
def desk(world: World) -> FlaskClient:
    """An administrator's browser."""
    return world.browser("administrator")


def seen(client: FlaskClient, path: str) -> str:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def sent(client: FlaskClient, path: str, page: str = "", **fields: str) -> TestResponse:
    """Post a form of a page, with that page's key."""
    found = re.search(r'name="once" value="([^"]+)"', client.get(page or path).text)
    assert found is not None
    return client.post(path, data={"once": found.group(1), **fields}, headers=OURS)


def made(world: World, name: str, **more: str) -> accounts.Account:
    values = {"label": f"{name}的人", "role": "viewer", **more}
    return accounts.create(world.ledger, TERMINAL, name=name, **values)[0]  # type: ignore[arg-type]


def secret_of(page: str) -> str:
    found = re.search(r'<code class="secret">([^<]+)</code>', page)
    return found.group(1) if found else ""


# ---- the list ----


def test_the_list_is_searched_and_filtered(world: World, desk: FlaskClient) -> None:
    made(world, "liming", label="李明", unit="市农业农村委员会")
    assert "李明" in seen(desk, "/accounts")
    assert "李明" in seen(desk, "/accounts?q=农业 李")
    assert "李明" in seen(desk, "/accounts?role=viewer&state=first")
    assert "李明" not in seen(desk, "/accounts?role=office")
    assert "没有符合的账户" in seen(desk, "/accounts?q=no-such-thing")
    evil = desk.get("/accounts", query_string={"q": f"{EVIL}\ud7ff\x00", "role": "x", "state": "y"})
    assert evil.status_code == 200 and "<img src=x" not in evil.text


@pytest.mark.parametrize(
    "asker", ["nobody", "screen", "phone", "first", "viewer", "member", "office"]
)
def test_nobody_else_manages(world: World, asker: str) -> None:
    one = made(world, f"kept-from-{asker}")
    before = world.ledger.seq()
    for path in ("/accounts", "/accounts/new", "/accounts/screens", f"/accounts/{one.id}"):
        assert world.ask(asker, path).status_code in (401, 403), path
    for what in ("change", "disable", "enable", "reset", "unlock", "sign-out", "elsewhere"):
        answer = world.ask(asker, f"/accounts/{one.id}/{what}", "POST", data={"once": "x" * 32})
        assert answer.status_code in (401, 403), what
    assert world.ledger.seq() == before


# ---- a new account ----


def test_a_new_account_and_its_password_once(world: World, desk: FlaskClient) -> None:
    district = re.search(r'<option value="(\d+)">', seen(desk, "/accounts/new"))
    assert district is not None
    fields = {"name": "ZhaoLiu", "label": "赵六", "role": "district", "unit": "区农委"}
    fields |= {"district": district.group(1), "once": "k" * 32}
    first = desk.post("/accounts/new", data=fields, headers=OURS)
    assert first.status_code == 303
    before = world.ledger.seq()
    again = desk.post("/accounts/new", data=fields, headers=OURS)  # the button pressed twice
    assert again.location == first.location
    assert world.ledger.seq() == before, "nothing is done twice"
    page = seen(desk, first.location)
    password = secret_of(page)
    assert "只显示这一次" in page and "赵六" in page
    assert secret_of(seen(desk, first.location)) == "", "shown once"
    found = accounts.sign_in(world.ledger, "zhaoliu", password)
    assert isinstance(found, accounts.SignedIn) and found.account.must_change
    assert found.account.district == district.group(1)
    with world.ledger.reading() as connection:
        kept = connection.exec_driver_sql("SELECT key, answer FROM request").all()
        events = connection.exec_driver_sql("SELECT after FROM event").all()
    for row in (*kept, *events):
        assert password not in str(row) and "argon2" not in str(row) and "k" * 32 not in str(row)


def test_a_password_is_shown_to_who_asked_for_it(world: World, desk: FlaskClient) -> None:
    answer = sent(desk, "/accounts/new", name="shown-to", label="甲", role="viewer")
    cookie = desk.get_cookie("bangfu_said")
    assert cookie is not None and cookie.http_only and cookie.max_age == 180
    other = world.browser("viewer")
    other.set_cookie("bangfu_said", cookie.value)
    assert secret_of(other.get("/account").text) == ""
    assert secret_of(seen(desk, answer.location))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "x"}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": EVIL}, "name"),
        ({"name": "test-viewer"}, "name"),
        ({"label": ""}, "label"),
        ({"label": "长" * 41}, "label"),
        ({"label": "a\u202eb"}, "label"),
        ({"role": ""}, "role"),
        ({"role": "king"}, "role"),
        ({"role": "district"}, "district"),
        ({"unit": "长" * 81}, "unit"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    desk: FlaskClient, fields: dict[str, str], field: str
) -> None:
    good = {"name": "new-one", "label": "新来的人", "role": "viewer", "unit": "某单位"}
    answer = sent(desk, "/accounts/new", **{**good, **fields})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}-wrong"' in answer.text
    assert "<img src=x" not in answer.text
    if "label" not in fields:
        assert "新来的人" in answer.text


@pytest.mark.parametrize("key", ["", "short", "x" * 33, "?" * 32])
def test_a_form_without_its_key_is_none_of_ours(desk: FlaskClient, key: str) -> None:
    fields = {"name": "no-key", "label": "甲", "role": "viewer", "once": key}
    assert desk.post("/accounts/new", data=fields, headers=OURS).status_code == 400


def test_a_key_used_for_something_else_is_said(desk: FlaskClient) -> None:
    fields = {"name": "key-one", "label": "甲", "role": "viewer", "once": "s" * 32}
    assert desk.post("/accounts/new", data=fields, headers=OURS).status_code == 303
    answer = desk.post("/accounts/new", data=fields | {"label": "乙"}, headers=OURS)
    assert answer.status_code == 422


# ---- one account ----


def test_a_person_is_changed_and_the_history_tells(world: World, desk: FlaskClient) -> None:
    one = made(world, "wangwu")
    place = f"/accounts/{one.id}"
    answer = sent(
        desk,
        f"{place}/change",
        place,
        label="王五",
        role="office",
        # Chosen for another role and forgotten: means nothing.
        district="990001",
        unit="办公室",
        reason="调来",
    )
    assert answer.location == place, answer.text
    page = seen(desk, place)
    assert "王五" in page and "角色：浏览人员 → 办公室" in page and "原因：调来" in page
    assert "甲administrator" in page and "建立账户" in page
    found = accounts.account(world.ledger, one.id)
    assert found is not None and (found.role, found.district) == (Role.OFFICE, "")
    wrong = sent(desk, f"{place}/change", place, label="", role="office")
    assert wrong.status_code == 422 and 'href="#change-label"' in wrong.text


def test_shut_out_let_in_reset_and_signed_out(world: World, desk: FlaskClient) -> None:
    one = made(world, "sunqi")
    place = f"/accounts/{one.id}"
    sessions.begin(world.ledger, one.id, agent="Chrome/120 Windows")
    assert "Chrome 120 · Windows" in seen(desk, place)
    assert sent(desk, f"{place}/sign-out", place).status_code == 303
    assert "已在 1 处退出登录" in seen(desk, place)
    assert sent(desk, f"{place}/disable", place, reason="调离").status_code == 303
    assert "恢复这个账户" in seen(desk, place)
    assert sent(desk, f"{place}/enable", place).status_code == 303
    for _ in range(5):
        accounts.sign_in(world.ledger, "sunqi", "wrong")
    assert "锁到" in seen(desk, place) and "锁定" in seen(desk, "/accounts?state=locked")
    assert sent(desk, f"{place}/unlock", place).status_code == 303
    assert "锁到" not in seen(desk, place)
    key = {"once": "r" * 32, "reason": "忘了"}
    for _ in range(2):
        assert desk.post(f"{place}/reset", data=key, headers=OURS).status_code == 303
    first = secret_of(seen(desk, place))
    assert isinstance(accounts.sign_in(world.ledger, "sunqi", first), accounts.SignedIn)
    kinds = [
        row["kind"]
        for row in world.ledger.rows(
            tables.event.select().where(tables.event.c.subject == f"account:{one.id}")
        )
    ]
    assert kinds.count("account.reset") == 1
    assert {"account.disabled", "account.enabled"} <= set(kinds)


def test_nobody_shuts_out_oneself_or_the_last_administrator(
    world: World, desk: FlaskClient
) -> None:
    me = world.accounts["administrator"].id
    for what in ("disable", "reset", "sign-out", "unlock"):
        answer = sent(desk, f"/accounts/{me}/{what}", f"/accounts/{me}")
        assert answer.status_code == 422 and "您自己的账户" in answer.text
    answer = sent(desk, f"/accounts/{me}/change", f"/accounts/{me}", label="甲", role="viewer")
    assert answer.status_code == 422 and "最后一个" in answer.text
    assert seen(desk, "/accounts")


def test_a_long_reason_is_said_at_its_field(world: World, desk: FlaskClient) -> None:
    one = made(world, "long-reason")
    place = f"/accounts/{one.id}"
    answer = sent(desk, f"{place}/disable", place, reason="长" * 201)
    assert answer.status_code == 422 and 'href="#disable-reason"' in answer.text
    found = accounts.account(world.ledger, one.id)
    assert found is not None and not found.disabled


@pytest.mark.parametrize(
    "identifier", ["x", "0123456789abcdef", "a" * 300, "%00", "..", "%ed%a0%80"]
)
def test_an_account_that_is_none(desk: FlaskClient, identifier: str) -> None:
    assert desk.get(f"/accounts/{identifier}", headers=HTML).status_code in (400, 404)
    fields = {"once": "x" * 32}
    answer = desk.post(f"/accounts/{identifier}/disable", data=fields, headers=OURS)
    assert answer.status_code in (400, 404)


def test_names_that_are_scripts_are_names_everywhere(world: World, desk: FlaskClient) -> None:
    one = made(world, "hostile", label=EVIL, unit="</option>" + EVIL)
    accounts.change(world.ledger, TERMINAL, one.id, label=EVIL + "2", reason=EVIL)
    screens.enrol(world.ledger, TERMINAL, EVIL)
    for path in ("/accounts", f"/accounts/{one.id}", "/accounts/screens", f"/accounts?q={EVIL}"):
        page = desk.get(path).text
        assert "<img src=x" not in page and "&lt;img src=x" in page, path
    accounts.disable(world.ledger, TERMINAL, one.id, EVIL)


# ---- screens ----


def test_a_screen_is_added_shown_once_and_revoked(world: World, desk: FlaskClient) -> None:
    key = {"label": "三楼东厅", "once": "w" * 32}
    for _ in range(2):
        answer = desk.post("/accounts/screens", data=key, headers=OURS)
        assert answer.location == "/accounts/screens"
    page = seen(desk, "/accounts/screens")
    address = secret_of(page)
    assert address.startswith("http://localhost/wall?screen=")
    assert secret_of(seen(desk, "/accounts/screens")) == ""
    (found,) = [one for one in screens.all_screens(world.ledger) if one.label == "三楼东厅"]
    wall = world.app.server.test_client()
    wall.get(address.removeprefix("http://localhost"), headers=HTML)
    assert wall.get("/wall", headers=HTML).status_code == 200
    answer = sent(desk, f"/accounts/screens/{found.id}/revoke", "/accounts/screens", reason="坏")
    assert answer.status_code == 303
    assert wall.get("/wall", headers=HTML).status_code == 303, "out"
    assert "已取消" in seen(desk, "/accounts/screens")
    wrong = sent(desk, "/accounts/screens", label="")
    assert wrong.status_code == 422 and 'href="#label"' in wrong.text
    missing = sent(desk, "/accounts/screens/none/revoke", "/accounts/screens")
    assert missing.status_code == 404


def test_all_that_was_done_here_is_in_the_chain(world: World) -> None:
    assert not verify(world.ledger).faults


# ---- without an edition, and the menu ----


def test_accounts_are_managed_before_there_is_an_edition(
    folder: Path, tmp_path: Path, world: World
) -> None:
    other = guarded.make(Path(shutil.copytree(folder, tmp_path / "workspace")), tmp_path)
    for path in (other.workspace / "editions").glob("*"):
        shutil.rmtree(path)
    (other.workspace / "atlas.sqlite").unlink(missing_ok=True)
    with other.client("administrator") as client:
        for path in ("/accounts", "/accounts/new", f"/accounts/{other.accounts['district'].id}"):
            assert client.get(path, headers=HTML).status_code == 200, path
        fields = {"name": "early", "label": "早来的", "role": "district", "district": "990001"}
        assert sent(client, "/accounts/new", **fields).status_code == 303


@pytest.mark.parametrize(
    ("asker", "shown"),
    [
        ("nobody", {"/signin"}),
        ("viewer", {"/account", "/contact-points"}),
        ("administrator", {"/account", "/contact-points", "/accounts"}),
    ],
)
def test_the_map_leads_to_the_pages_that_one_may_open(
    folder: Path, tmp_path: Path, asker: str, shown: set[str]
) -> None:
    other = guarded.make(
        Path(shutil.copytree(folder, tmp_path / "workspace")), tmp_path, access="open"
    )
    layout = other.ask(asker, "/_dash-layout", headers={"Referer": "http://localhost/"}).text
    layout = layout.replace("\\u002f", "/")
    pages = {"/signin", "/account", "/contact-points", "/accounts"}
    assert {one for one in pages if f'"href":"{one}"' in layout} == shown
    assert ('"/signout"' in layout) == (asker != "nobody")

"""Everything is refused but what is declared, for each kind of asker, by direct requests."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Response

from dashboard import access
from dashboard.access import needs, own_place
from dashboard.app import create_app
from dashboard.respite import Respite
from dashboard.settings import Settings
from geodata.ledger import LedgerError, Right, accounts, screens, sessions
from geodata.ledger.moments import later
from geodata.ledger.roles import TERMINAL
from geodata.ledger.store import now
from geodata.ledger.tables import session as session_table
from geodata.steering import Steering
from tests.dashboard import guarded
from tests.dashboard.guarded import HTML, OURS, World, is_refused

ASKERS = (
    "nobody",
    "screen",
    "phone",
    "first",
    "viewer",
    "member",
    "district",
    "office",
    "administrator",
)

FOR_ANYONE = {
    "healthz",
    "signin",
    "signin_form",
    "signout",
    # On the way in; each of them holds a ticket of ours, or is led back to the form.
    "signin_code",
    "signin_code_form",
    # A phone before it is paired; what it may then is guarded by code and token.
    "pair",
    "look",
    "scenes",
    "press",
    "leave",
    # Scripts, styles and the list of callbacks: the same for all, and in every browser's cache.
    "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>",
    "_dash_assets.static",
    "/_favicon.ico",
    "/_dash-dependencies",
    # Each callback declares its own.
    "/_dash-update-component",
}
"""All endpoints that need no right, by hand: a new one has to be thought about here, too."""

NEVER_FOR_NOBODY = [
    "/",
    "/maps",
    "/wall",
    "/wall?briefing=default",
    "/account",
    "/nowhere",
    "/save",
    "/save?measure=collective_income",
    "/api/v1/edition",
    "/api/v1/regions",
    "/api/v1/regions/9900",
    "/api/v1/values/collective_income",
    "/api/v1/search?q=a",
    "/api/v1/briefings",
    "/api/v1/exports/0123456789abcdef",
    "/api/v1/exports/0123456789abcdef/file",
    "/data/EDITION/r3/collective_income/village.bin",
    "/data/EDITION/mesh.bin",
    "/tiles/EDITION/village/9/420/193.pbf",
    "/pictures/EDITION/r3/collective_income.svg",
    "/briefings/EDITION/region/9900.json",
    "/_dash-layout",
    "/_reload-hash",
]
"""By hand, beside what is computed: were a declaration wrong, both would agree."""


@pytest.fixture(scope="module")
def world(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    own = tmp_path_factory.mktemp("guarded")
    workspace = Path(shutil.copytree(folder, own / "workspace"))
    return guarded.make(workspace, own)


@pytest.fixture(scope="module")
def hall(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Another world: in the first one too many wrong codes are tried on the way to pair."""
    own = tmp_path_factory.mktemp("hall")
    return guarded.make(Path(shutil.copytree(folder, own / "workspace")), own)


def calls(world: World) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and an address of every rule."""
    names = {"edition": world.edition, "round": "r3", "measure": "collective_income"}
    names |= {"level": "village", "code": "9900", "name": "default", "fingerprint": "0" * 12}
    for rule in world.app.server.url_map.iter_rules():
        given: dict[str, Any] = {}
        for name, converter in rule._converters.items():
            whole = type(converter).__name__ == "IntegerConverter"
            given[name] = 0 if whole else names.get(name, "x")
        if rule.endpoint == "/<path:path>":
            continue
        built = rule.build(given, append_unknown=False)
        assert built is not None
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, built[1]


@pytest.mark.parametrize("asker", ASKERS)
def test_every_rule_is_open_to_whom_it_declares_and_to_nobody_else(
    world: World, asker: str
) -> None:
    guard: access.Guard = world.app.server.extensions["bangfu-access"]
    rights = world.askers[asker].rights
    for endpoint, method, path in calls(world):
        declared = guard.declared(endpoint)
        body = {"json": {}} if method != "GET" else {}
        answer = world.ask(asker, path, method, **body)
        if declared is None:
            assert answer.status_code == 403, path
            assert is_refused(answer), path
            continue
        with world.app.server.test_request_context(path, method=method, **body):
            right = declared.asked()
        allowed = right in rights and (declared.phones or asker != "phone")
        assert is_refused(answer) != allowed, (method, path, answer.status_code, answer.text[:200])
        assert answer.status_code < 500, (method, path)


@pytest.mark.parametrize("asker", ASKERS)
def test_every_page_is_open_to_whom_it_declares(world: World, asker: str) -> None:
    for path, page in world.app.pages.items():
        allowed = page.right in world.askers[asker].rights
        for answer in (
            world.ask(asker, path, headers=HTML),
            world.ask(asker, "/_dash-layout", headers={"Referer": f"http://localhost{path}"}),
            world.ask(asker, "/_dash-update-component", "POST", json=turn(path)),
        ):
            assert is_refused(answer) != allowed, (path, answer.status_code, answer.text[:200])
            if allowed:
                assert answer.status_code == 200, path


def turn(path: str) -> dict[str, Any]:
    """The body by which a browser asks for another page's layout."""
    return {
        "output": "..page.children...page-shown.data..",
        "outputs": [
            {"id": "page", "property": "children"},
            {"id": "page-shown", "property": "data"},
        ],
        "inputs": [{"id": "page-address", "property": "pathname", "value": path}],
        "state": [{"id": "page-shown", "property": "data", "value": "none"}],
    }


def body_of(output: str, entry: dict[str, Any]) -> dict[str, Any]:
    several = output.startswith("..")
    names = output[2:-2].split("...") if several else [output]
    outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
    return {
        "output": output,
        "outputs": outputs if several else outputs[0],
        "inputs": [{**one, "value": None} for one in entry["inputs"]],
        "state": [{**one, "value": None} for one in entry["state"]],
        "changedPropIds": [],
    }


@pytest.mark.parametrize("asker", ASKERS)
def test_every_callback_is_open_to_whom_it_declares(world: World, asker: str) -> None:
    rights = world.askers[asker].rights
    world.ask(asker, "/healthz")
    called = 0
    for output, entry in world.app.callback_map.items():
        if "callback" not in entry or output == turn("")["output"]:
            continue
        called += 1
        answer = world.ask(asker, "/_dash-update-component", "POST", json=body_of(output, entry))
        allowed = entry["access"] in rights
        assert is_refused(answer) != allowed, (output, answer.status_code, answer.text[:200])
        assert answer.status_code in ({200, 204} if allowed else {401, 403}), output
    assert called >= 3


def test_every_callback_of_the_server_declares_a_right(world: World) -> None:
    for output, entry in world.app.callback_map.items():
        if "callback" in entry:
            assert isinstance(entry.get("access"), Right), output


def test_what_needs_no_right_is_what_was_thought_about(world: World) -> None:
    guard: access.Guard = world.app.server.extensions["bangfu-access"]
    found = {
        rule.endpoint
        for rule in world.app.server.url_map.iter_rules()
        if (declared := guard.declared(rule.endpoint)) and declared.right is Right.ANYONE
    }
    assert found == FOR_ANYONE
    open_pages = {path for path, page in world.app.pages.items() if page.right is Right.ANYONE}
    assert open_pages == {"/remote"}
    calls_for_anyone = {
        output
        for output, entry in world.app.callback_map.items()
        if entry.get("access") is Right.ANYONE
    }
    assert calls_for_anyone == {turn("")["output"]}, "whose layouts ask for each page's right"


@pytest.mark.parametrize("path", NEVER_FOR_NOBODY)
def test_nobody_in_particular_gets_nothing(world: World, path: str) -> None:
    path = path.replace("EDITION", world.edition)
    for headers in ({}, HTML, {"Authorization": "Bearer x"}, {"X-Forwarded-For": "127.0.0.1"}):
        answer = world.ask("nobody", path, headers=headers)
        assert is_refused(answer), (path, answer.status_code)
        assert len(answer.data) < 1200, path
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert world.ask("nobody", path, method).status_code in (401, 403, 405)


@pytest.mark.parametrize("asker", ["screen", "phone", "viewer", "member"])
def test_who_only_reads_manages_nobody(world: World, asker: str) -> None:
    rights = world.askers[asker].rights
    assert not rights & {Right.ACCOUNTS, Right.DIRECT, Right.ANSWER}


# ---- what declares nothing ----


def test_a_route_that_declares_nothing_is_refused_for_everybody(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = guarded.make(Path(shutil.copytree(folder, tmp_path / "workspace")), tmp_path)
    ran = []

    @other.app.server.route("/forgotten", methods=["GET", "POST"])
    def forgotten() -> str:
        ran.append(1)
        return "secret"

    @other.app.server.get("/pretended")
    def pretended() -> str:
        ran.append(1)
        return "secret"

    pretended.access = Right.ANYONE  # type: ignore[attr-defined]  # not as `needs` declares it

    for asker in ASKERS:
        for path in ("/forgotten", "/pretended"):
            answer = other.ask(asker, path)
            assert answer.status_code == 403, asker
        assert other.ask(asker, "/forgotten", "POST").status_code == 403
    assert not ran
    assert "forgotten declares no right" in caplog.text


def test_open_means_reading_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(folder, tmp_path / "workspace"))
    other = guarded.make(workspace, tmp_path, access="open")
    for path in ("/", "/maps", "/wall", "/api/v1/edition", "/api/v1/briefings"):
        assert other.ask("nobody", path).status_code == 200, path
    assert other.ask("nobody", "/account").status_code == 401
    assert other.ask("viewer", "/account").status_code == 200
    answer = other.ask("nobody", "/account", headers=HTML)
    assert answer.location == "/signin?next=%2Faccount"


# ---- signing in, and out ----


def form(world: World, path: str, **fields: str) -> Any:
    return world.app.server.test_client().post(path, data=fields, headers=OURS)


def test_a_reader_is_led_to_the_form_and_back(world: World) -> None:
    place = "/?measure=collective_income&region=9900"
    answer = world.ask("nobody", place, headers=HTML)
    assert answer.status_code == 303
    assert answer.headers["Cache-Control"] == "no-store"
    with world.client("nobody") as client:
        page = client.get(answer.location, headers=HTML)
        assert page.status_code == 200
        assert 'value="/?measure=collective_income&amp;region=9900"' in page.text
        fields = {"name": "test-viewer", "password": guarded.PASSWORD, "next": place}
        answer = client.post("/signin", data=fields, headers=OURS)
        assert (answer.status_code, answer.location) == (303, place)
        assert client.get(place, headers=HTML).status_code == 200
        assert client.post("/signout", headers=OURS).location == "/signin"
        assert client.get("/api/v1/edition").status_code == 401


def test_signing_out_ends_the_session_and_not_only_the_cookie(world: World) -> None:
    name, token = world.askers["viewer"].cookie() or ("", "")
    with world.app.server.test_client() as client:
        client.set_cookie(name, token)
        client.post("/signout", headers=OURS)
        client.set_cookie(name, token)
        assert client.get("/api/v1/edition").status_code == 401


def test_a_wrong_password_is_told_and_lets_nobody_in(world: World) -> None:
    answer = form(world, "/signin", name="nobody-here", password="x" * 12, next="/")
    assert answer.status_code == 422
    assert "账户名或密码不对" in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: x=1",
        "/" + "a" * 3000,
    ],
)
def test_nobody_is_led_to_another_site(world: World, place: str) -> None:
    assert own_place(place) == "/"
    answer = form(world, "/signin", name="x", password="x" * 12, next=place[:1999])
    assert "evil" not in answer.text


def test_a_first_password_is_good_for_changing_it_alone(folder: Path, tmp_path: Path) -> None:
    other = guarded.make(Path(shutil.copytree(folder, tmp_path / "workspace")), tmp_path)
    answer = form(other, "/signin", name="test-first", password=guarded.PASSWORD, next="/")
    assert answer.location == "/account"
    with other.client("first") as client:
        assert client.get("/", headers=HTML).location == "/account"
        assert client.get("/api/v1/edition").status_code == 403
        assert "首次登录" in client.get("/account").text
        fields = {"old": guarded.PASSWORD, "new": "huoche-8-tiantang-lu", "again": "other"}
        assert client.post("/account", data=fields, headers=OURS).status_code == 422
        fields["again"] = fields["new"]
        assert client.post("/account", data=fields, headers=OURS).location == "/"
        assert client.get("/", headers=HTML).status_code == 200


# ---- limits of a session ----


def aged(world: World, token: str, *, idle: float = 0, age: float = 0) -> None:
    """Make a session look as if it had begun and been used longer ago (in minutes)."""
    with world.ledger.noting() as connection:
        connection.execute(
            session_table.update()
            .where(session_table.c.digest == sessions.digest(token))
            .values(active_at=later(now(), minutes=-idle), created_at=later(now(), minutes=-age))
        )


def active_at(world: World, token: str) -> str:
    rows = world.ledger.rows(
        session_table.select().where(session_table.c.digest == sessions.digest(token))
    )
    return str(rows[0]["active_at"])


@pytest.mark.parametrize(
    ("path", "headers", "extends"),
    [
        ("/api/v1/edition", {}, True),
        ("/", {}, True),
        ("/wall", {}, True),
        ("/api/v1/edition", {"X-Background": "1"}, False),
        ("/api/v1/edition", {"Referer": "http://localhost/wall"}, False),
        ("/api/v1/edition", {"Referer": "http://localhost/wall/?briefing=x"}, False),
        ("/api/v1/edition", {"Referer": "http://[broken"}, True),
        ("/healthz", {}, False),
        ("/steer/walls/x", {}, False),
    ],
)
def test_only_what_a_person_does_extends_a_session(
    world: World, path: str, headers: dict[str, str], extends: bool
) -> None:
    name, token = world.askers["viewer"].cookie() or ("", "")
    aged(world, token, idle=20, age=20)
    before = active_at(world, token)
    with world.app.server.test_client() as client:
        client.set_cookie(name, token)
        client.get(path, headers=headers)
    assert (active_at(world, token) > before) == extends


@pytest.mark.parametrize(("idle", "age"), [(31, 31), (1, 12 * 60 + 1)])
def test_a_session_ends_by_itself(world: World, idle: float, age: float) -> None:
    name, token = world.askers["viewer"].cookie() or ("", "")
    aged(world, token, idle=idle, age=age)
    with world.app.server.test_client() as client:
        client.set_cookie(name, token)
        assert client.get("/api/v1/edition").status_code == 401


def test_a_disabled_account_is_out_at_once(folder: Path, tmp_path: Path) -> None:
    other = guarded.make(Path(shutil.copytree(folder, tmp_path / "workspace")), tmp_path)
    with other.client("member") as client:
        assert client.get("/api/v1/edition").status_code == 200
        accounts.disable(other.ledger, TERMINAL, other.accounts["member"].id, "left")
        assert client.get("/api/v1/edition").status_code == 401


# ---- a wall screen, a phone ----


def test_a_screen_is_enrolled_by_its_address_and_the_token_leaves_it(world: World) -> None:
    token = screens.enrol(world.ledger, TERMINAL, "大厅")
    with world.app.server.test_client() as client:
        answer = client.get(f"/wall?briefing=default&screen={token}&x=1", headers=HTML)
        assert answer.status_code == 303
        assert answer.location == "/wall?briefing=default&x=1"
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith(f"bangfu_screen={token};")
        assert "Max-Age=34560000" in cookie
        page = client.get(answer.location, headers=HTML)
        assert page.status_code == 200
        assert "bangfu_screen" in page.headers["Set-Cookie"], "another 400 days"


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "%00", "\ud7ff"])
def test_a_token_that_is_none_is_taken_out_of_the_address_all_the_same(
    world: World, token: str
) -> None:
    answer = world.ask("nobody", "/wall", query_string={"screen": token}, headers=HTML)
    assert (answer.status_code, answer.location) == (303, "/wall")
    assert "Set-Cookie" not in answer.headers


def test_a_screen_does_all_that_a_wall_does(world: World) -> None:
    with world.client("screen") as client:
        walls = {"Referer": "http://localhost/wall", **OURS}
        assert client.get("/wall").status_code == 200
        assert client.get("/_dash-layout", headers=walls).status_code == 200
        assert client.get("/healthz").status_code == 200
        assert client.get("/api/v1/edition").status_code == 200
        listed = client.get("/api/v1/briefings").json
        assert listed is not None
        one = listed["briefings"][0]
        scenes = client.get(
            f"/briefings/{world.edition}/{one['id']}/{one['fingerprint']}/scenes.json"
        )
        assert scenes.status_code == 200
        assert scenes.json is not None
        assert scenes.headers["Cache-Control"].startswith("private")
        for scene in scenes.json["scenes"]:
            assert client.get(scene["url"]).status_code == 200
        for kind in ("village", "district"):
            path = f"/data/{world.edition}/r3/collective_income/{kind}.bin"
            assert client.get(path).status_code == 200, path
        assert client.get(f"/data/{world.edition}/mesh.bin").status_code == 200
        assert client.get(f"/tiles/{world.edition}/village/9/0/0.pbf").status_code == 204
        wall = client.post("/steer/walls", json={}, headers=walls).json
        assert wall is not None
        secret = {"X-Wall-Secret": wall["secret"], **walls}
        place = f"/steer/walls/{wall['wall']}"
        assert client.get(place, headers=secret).status_code == 200
        put = client.put(f"{place}/showing", json={"title": "x"}, headers=secret)
        assert put.status_code == 204


def test_a_revoked_screen_is_out(world: World) -> None:
    token = screens.enrol(world.ledger, TERMINAL, "旧屏")
    (found,) = [one for one in screens.all_screens(world.ledger) if one.label == "旧屏"]
    with world.app.server.test_client() as client:
        client.set_cookie(access.SCREEN, token)
        assert client.get("/api/v1/edition").status_code == 200
        screens.revoke(world.ledger, TERMINAL, found.id, "gone")
        assert client.get("/api/v1/edition").status_code == 401
        assert client.post("/steer/walls", json={}, headers=OURS).status_code == 401


def paired(hall: World) -> tuple[Any, Any]:
    """A phone's browser that has just paired with a screen's wall, and what it was told."""
    with hall.client("screen") as client:
        wall = client.post("/steer/walls", json={}, headers=OURS).json
    assert wall is not None
    phone = hall.app.server.test_client()
    assert phone.get("/remote", headers=HTML).status_code == 200
    layout = phone.get("/_dash-layout", headers={"Referer": "http://localhost/remote"})
    assert layout.status_code == 200
    answer = phone.post("/steer/pair", json={"code": wall["code"]}, headers=OURS)
    assert answer.status_code == 200
    return phone, answer


def test_a_paired_phone_sees_what_its_wall_shows(hall: World) -> None:
    phone, answer = paired(hall)
    assert f"bangfu_phone={answer.json['token']};" in answer.headers["Set-Cookie"]
    token = {"Authorization": f"Bearer {answer.json['token']}", **OURS}
    scenes = phone.get("/steer/remote/scenes", headers=token).json["scenes"]
    assert scenes
    for scene in scenes:
        assert phone.get(scene["thumbnail"]["url"]).status_code == 200, scene
    assert phone.delete("/steer/remote", headers=token).status_code == 204
    assert phone.get(scenes[0]["thumbnail"]["url"]).status_code == 401


def test_a_phone_that_paired_before_gets_its_cookie_by_asking(hall: World) -> None:
    phone, answer = paired(hall)
    phone.delete_cookie(access.PHONE)
    assert phone.get("/api/v1/edition").status_code == 401
    token = {"Authorization": f"Bearer {answer.json['token']}"}
    first = phone.get("/steer/remote", headers=token)
    assert "bangfu_phone" in first.headers["Set-Cookie"]
    assert phone.get("/api/v1/edition").status_code == 200
    again = phone.get("/steer/remote", headers=token)
    assert "Set-Cookie" not in again.headers


def test_a_phone_lets_no_other_phone_in(hall: World) -> None:
    phone, _ = paired(hall)
    answer = phone.post("/steer/walls", json={}, headers=OURS)
    assert answer.status_code == 401, "it would read the code of its own wall, and pair again"


# ---- without the ledger ----


@pytest.fixture
def away(folder: Path, tmp_path: Path) -> Path:
    """A ledger that is none: nothing can be read of it."""
    broken = tmp_path / "ledger.sqlite"
    broken.write_bytes(b"this is no database at all, and long enough to be looked at" * 100)
    return broken


def test_an_app_opens_without_touching_its_ledger(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    for mode in ("open", "accounts"):
        app = create_app(Settings(workspace=folder, ledger=url, access=mode))
        app.server.test_client().get("/healthz")
        app.server.test_client().get("/")
    assert not list(tmp_path.iterdir())


def test_the_open_portal_goes_on_without_the_ledger(folder: Path, away: Path) -> None:
    app = create_app(Settings(workspace=folder, ledger=f"sqlite:///{away}", access="open"))
    client = app.server.test_client()
    for cookie in ("", "a-session-of-before"):
        if cookie:
            client.set_cookie(access.SESSION, cookie)
        for path in ("/", "/wall", "/api/v1/edition"):
            assert client.get(path).status_code == 200, path
    answer = client.get("/account")
    assert answer.status_code == 503
    assert answer.json is not None and "账户信息暂时读不到" in answer.json["error"]


def test_where_accounts_are_needed_a_missing_ledger_is_said(folder: Path, away: Path) -> None:
    app = create_app(Settings(workspace=folder, ledger=f"sqlite:///{away}"))
    client = app.server.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/signin", headers=HTML).status_code == 503
    client.set_cookie(access.SESSION, "a-session-of-before")
    for path in ("/", "/api/v1/edition", "/account"):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert answer.headers["Retry-After"]
        assert "Traceback" not in answer.text
        assert answer.json is not None and answer.json["error"].startswith("账户信息暂时读不到")
    client.set_cookie(access.SCREEN, "a-screen")
    for path in ("/wall", "/wall?screen=abc"):
        answer = client.get(path, headers=HTML)
        assert answer.status_code == 503
        assert 'http-equiv="refresh"' in answer.text, "it asks again by itself"


def test_a_ledger_that_comes_back_is_asked_again(folder: Path, tmp_path: Path) -> None:
    other = guarded.make(Path(shutil.copytree(folder, tmp_path / "workspace")), tmp_path)
    file, aside = tmp_path / "ledger.sqlite", tmp_path / "aside.sqlite"
    with other.client("viewer") as client:
        assert client.get("/api/v1/edition").status_code == 200
        file.rename(aside)
        assert client.get("/api/v1/edition").status_code == 503
        aside.rename(file)
        assert client.get("/api/v1/edition").status_code == 200


def test_a_ledger_out_of_reach_holds_up_one_request_and_not_all(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    clock = [0.0]

    def slow(*_: object, **__: object) -> None:
        asked.append(1)
        clock[0] += 5
        raise LedgerError("gone")

    monkeypatch.setattr(sessions, "find", slow)
    monkeypatch.setattr(access, "Respite", partial(Respite, clock=lambda: clock[0]))
    app = create_app(Settings(workspace=folder, ledger=f"sqlite:///{tmp_path}/x.sqlite"))
    client = app.server.test_client()
    client.set_cookie(access.SESSION, "x")
    for _ in range(3):
        assert client.get("/api/v1/edition").status_code == 503
    assert len(asked) == 1
    clock[0] += 3
    client.get("/api/v1/edition")
    assert len(asked) == 2


# ---- what is kept by whom ----


def test_what_only_some_may_read_is_kept_by_no_proxy(world: World, client: Any) -> None:
    path = f"/data/{world.edition}/mesh.bin"
    assert world.ask("viewer", path).headers["Cache-Control"].startswith("private, max-age")
    assert client.get(path).headers["Cache-Control"].startswith("public, max-age"), "open"
    assets = world.ask("nobody", "/assets/tokens.css?m=1")
    assert assets.headers["Cache-Control"].startswith("public")


def test_needs_declares_and_changes_nothing_else() -> None:
    def view() -> Response:
        raise AssertionError

    assert needs(Right.PICK, write=True)(view) is view
    declared: access.Access = view.access  # type: ignore[attr-defined]
    assert (declared.right, declared.write, declared.limit) == (Right.PICK, True, "write")
    assert not declared.background


def test_the_clock_of_a_phone_is_that_of_its_pairing(hall: World) -> None:
    steering = Steering(hall.workspace)
    wall, _ = steering.register()
    phone = hall.app.server.test_client()
    answer = phone.post("/steer/pair", json={"code": wall.code}, headers=OURS)
    assert answer.json is not None
    age = int(answer.headers["Set-Cookie"].split("Max-Age=")[1].split(";")[0])
    assert 0 <= answer.json["expires"] - time.time() - age < 60

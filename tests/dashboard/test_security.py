"""Who may write from where, how cookies are set, what every answer carries, how often one may."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard import access, limits
from dashboard.access import needs
from dashboard.app import create_app
from dashboard.settings import Settings
from dashboard.wsgi import configuration
from geodata.ledger import LedgerError, Right, sessions
from tests.dashboard import guarded
from tests.dashboard.guarded import HTML, OURS, PASSWORD, World


@pytest.fixture(scope="module")
def world(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    own = tmp_path_factory.mktemp("secure")
    return guarded.make(Path(shutil.copytree(folder, own / "workspace")), own)


# ---- where a write comes from ----

WRITE = "/signout"
PLAIN = "/_dash-update-component"
"""Asked by POST, but changes nothing."""


@pytest.mark.parametrize(
    ("headers", "write", "with_cookie", "plain"),
    [
        # Browsers say where a request comes from; ours is `http://localhost`.
        ({"Origin": "http://localhost"}, True, True, True),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, True, True, True),
        ({"Sec-Fetch-Site": "same-origin"}, True, True, True),
        ({"Origin": "https://localhost"}, True, True, True),  # TLS that ends before us
        # From elsewhere, however little.
        ({"Origin": "http://elsewhere.example"}, False, False, False),
        ({"Origin": "http://localhost:8051"}, False, False, False),
        ({"Origin": "http://localhost.evil.example"}, False, False, False),
        ({"Origin": "http://localhost@evil.example"}, False, False, False),
        ({"Origin": "null"}, False, False, False),
        ({"Origin": ""}, False, False, False),
        ({"Origin": "http://[broken"}, False, False, False),
        ({"Sec-Fetch-Site": "cross-site"}, False, False, False),
        ({"Sec-Fetch-Site": "same-site"}, False, False, False),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"}, False, False, False),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "same-site"}, False, False, False),
        # A program says nothing: it may ask for what needs neither cookie nor right.
        ({}, False, False, True),
        ({"Sec-Fetch-Site": "none"}, False, False, True),
        ({"Referer": "http://localhost/"}, False, False, True),
    ],
)
def test_only_our_own_pages_write(
    world: World, headers: dict[str, str], write: bool, with_cookie: bool, plain: bool
) -> None:
    def passes(asker: str, path: str) -> bool:
        with world.client(asker) as client:
            answer = client.post(path, headers=headers, json={})
        return not (answer.status_code == 403 and "别的网站" in answer.text)

    assert passes("nobody", WRITE) == write
    assert passes("nobody", PLAIN) == plain
    for asker in ("viewer", "screen", "phone"):
        assert passes(asker, PLAIN) == with_cookie, asker


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_method_that_writes_is_looked_at(world: World, method: str) -> None:
    foreign = {"Origin": "http://elsewhere.example"}
    for path in ("/", "/account", "/steer/remote", "/nowhere"):
        answer = world.ask("viewer", path, method, headers=foreign)
        assert answer.status_code == 403
        assert "别的网站" in answer.text


def test_reading_from_a_link_elsewhere_works(world: World) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "http://elsewhere.example"}
    assert world.ask("viewer", "/", headers={**HTML, **foreign}).status_code == 200


def test_the_name_that_was_asked_for_is_the_one_that_counts(world: World) -> None:
    with world.client("viewer") as client:
        for host, origin, status in (
            ("10.1.2.3:8050", "http://10.1.2.3:8050", 303),
            ("10.1.2.3:8050", "http://localhost", 403),
            ("[::1]:8050", "http://[::1]:8050", 303),
        ):
            answer = client.post("/signout", headers={"Host": host, "Origin": origin})
            assert answer.status_code == status, host


@pytest.mark.parametrize("host", ["", "a b", "a/b", "<script>", "x" * 5000, "[::1", "a:b:c"])
def test_an_odd_host_is_no_500(world: World, host: str) -> None:
    for path in ("/", "/signin", "/steer/remote"):
        answer = world.ask("nobody", path, headers={"Host": host, **HTML})
        assert answer.status_code < 500, path
        answer = world.ask("nobody", path, "POST", headers={"Host": host})
        assert answer.status_code < 500, path


# ---- cookies ----


def sign_in(client: FlaskClient, **options: Any) -> TestResponse:
    fields = {"name": "test-viewer", "password": PASSWORD, "next": "/"}
    options["headers"] = {**OURS, **options.get("headers", {})}
    return client.post("/signin", data=fields, **options)


def flags(cookie: str) -> set[str]:
    return {part.strip() for part in cookie.split(";")[1:]}


def test_a_session_is_kept_from_scripts_and_other_sites(world: World) -> None:
    cookie = sign_in(world.app.server.test_client()).headers["Set-Cookie"]
    assert cookie.startswith("bangfu_session=")
    assert flags(cookie) == {"HttpOnly", "Path=/", "SameSite=Lax"}


def test_over_tls_a_session_is_tied_to_tls_and_host(world: World) -> None:
    client = world.app.server.test_client()
    secure = {"base_url": "https://localhost", "headers": {"Origin": "https://localhost"}}
    cookie = sign_in(client, **secure).headers["Set-Cookie"]
    assert cookie.startswith("__Host-bangfu_session=")
    assert flags(cookie) == {"HttpOnly", "Path=/", "SameSite=Lax", "Secure"}
    assert client.get("/", base_url="https://localhost").status_code == 200
    answer = client.post("/signout", **secure)
    assert answer.headers["Set-Cookie"].startswith("__Host-bangfu_session=;")
    assert {"Secure", "Path=/"} <= flags(answer.headers["Set-Cookie"])


def test_over_tls_only_what_was_set_over_tls_counts(world: World) -> None:
    _, token = world.askers["viewer"].cookie() or ("", "")
    client = world.app.server.test_client(use_cookies=False)
    cookie = {"Cookie": f"bangfu_session={token}"}
    assert client.get("/api/v1/edition", headers=cookie).status_code == 200
    over = client.get("/api/v1/edition", headers=cookie, base_url="https://localhost")
    assert over.status_code == 401


def test_over_tls_a_page_without_it_writes_nothing(world: World) -> None:
    answer = world.ask("nobody", "/signout", "POST", base_url="https://localhost")
    assert answer.status_code == 403
    ours = {"Origin": "https://localhost"}
    answer = world.ask("nobody", "/signout", "POST", base_url="https://localhost", headers=ours)
    assert answer.status_code == 303


FORWARDED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "10.9.8.7",
    "X-Forwarded-Host": "map.example.cn",
    "Origin": "https://map.example.cn",
}


def test_a_proxy_in_front_is_believed_when_it_is_declared(folder: Path, tmp_path: Path) -> None:
    other = guarded.make(Path(shutil.copytree(folder, tmp_path / "workspace")), tmp_path, proxies=1)
    answer = sign_in(other.app.server.test_client(), headers=FORWARDED)
    assert answer.status_code == 303
    assert answer.headers["Set-Cookie"].startswith("__Host-bangfu_session=")
    assert "Secure" in flags(answer.headers["Set-Cookie"])
    (place,) = sessions.places(other.ledger, other.accounts["viewer"].id)
    assert place.address == "10.9.8.7"


def test_without_one_nobody_is_believed(world: World) -> None:
    answer = sign_in(world.app.server.test_client(), headers=FORWARDED)
    assert answer.status_code == 403, "another origin than the host that was asked"
    alone = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.9.8.7"}
    answer = sign_in(world.app.server.test_client(), headers=alone)
    assert answer.headers["Set-Cookie"].startswith("bangfu_session=")
    latest = sessions.places(world.ledger, world.accounts["viewer"].id)[0]
    assert latest.address == "127.0.0.1"
    assert configuration(Settings())["forwarded_allow_ips"] == "", "nor does gunicorn believe it"


def test_only_as_many_proxies_are_believed_as_there_are(folder: Path, tmp_path: Path) -> None:
    other = guarded.make(Path(shutil.copytree(folder, tmp_path / "workspace")), tmp_path, proxies=1)
    claimed = {"X-Forwarded-For": "1.1.1.1, 10.9.8.7"}
    sign_in(other.app.server.test_client(), headers=claimed)
    (place,) = sessions.places(other.ledger, other.accounts["viewer"].id)
    assert place.address == "10.9.8.7", "the rest is what the asker wrote"


# ---- headers ----


def test_every_kind_of_answer_carries_the_headers(folder: Path, tmp_path: Path) -> None:
    other = guarded.make(Path(shutil.copytree(folder, tmp_path / "workspace")), tmp_path)

    @other.app.server.get("/broken")
    @needs(Right.ANYONE)
    def broken() -> str:
        raise RuntimeError("nobody foresaw this")

    @other.app.server.get("/gone")
    @needs(Right.ANYONE)
    def gone() -> str:
        raise LedgerError("gone")

    tag = other.ask("viewer", "/api/v1/edition").headers["ETag"]
    answers = [
        (200, other.ask("viewer", "/")),
        (200, other.ask("viewer", "/api/v1/edition")),
        (200, other.ask("nobody", "/assets/tokens.css")),
        (200, other.ask("nobody", "/signin")),
        (204, other.ask("viewer", f"/tiles/{other.edition}/village/9/0/0.pbf")),
        (303, other.ask("nobody", "/", headers=HTML)),
        (304, other.ask("viewer", "/api/v1/edition", headers={"If-None-Match": tag})),
        (308, other.ask("viewer", "/maps/")),
        (400, other.ask("viewer", "/api/v1/edition?x=1")),
        (401, other.ask("nobody", "/api/v1/edition")),
        (403, other.ask("first", "/api/v1/edition")),
        (403, other.ask("viewer", "/", "POST", headers={"Origin": "null"})),
        (404, other.ask("viewer", "/nowhere")),
        (405, other.ask("viewer", "/healthz", "POST")),
        (415, other.ask("viewer", PLAIN, "POST", data="x")),
        (413, other.ask("viewer", PLAIN, "POST", json="x" * 2_000_000)),
        (422, other.ask("nobody", "/signin", "POST", data={"name": "x", "password": "y"})),
        (500, other.ask("nobody", "/broken")),
        (503, other.ask("nobody", "/gone")),
    ]
    for status, answer in answers:
        assert answer.status_code == status, answer.text[:200]
        headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe-eval" not in policy
        assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
        for part in ("frame-ancestors 'none'", "default-src 'self'", "object-src 'none'"):
            assert part in policy
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Traceback" not in answer.text
        assert "nobody foresaw" not in answer.text


# ---- how often ----


def test_signing_in_is_limited_by_address(folder: Path, tmp_path: Path) -> None:
    other = guarded.make(
        Path(shutil.copytree(folder, tmp_path / "workspace")),
        tmp_path,
        sign_in_limit="3 per hour",
        proxies=1,
    )

    def attempt(address: str) -> TestResponse:
        fields = {"name": "nobody-here", "password": "x" * 12}
        headers = {**OURS, "X-Forwarded-For": address}
        client = other.app.server.test_client()
        answer = client.post("/signin", data=fields, headers=headers)
        assert client.get("/signin").status_code == 200, "looking at the form is not trying"
        return answer

    assert [attempt("10.0.0.1").status_code for _ in range(4)] == [422, 422, 422, 429]
    told = attempt("10.0.0.1")
    assert 1 <= int(told.headers["Retry-After"]) <= 3600
    assert told.json is not None
    assert "秒再试" in told.json["error"]
    assert attempt("10.0.0.2").status_code == 422, "others may"


def test_writing_is_limited_by_account(folder: Path, tmp_path: Path) -> None:
    other = guarded.make(
        Path(shutil.copytree(folder, tmp_path / "workspace")), tmp_path, write_limit="2 per hour"
    )

    def change(asker: str) -> TestResponse:
        return other.ask(asker, "/account", "POST", data={"new": "a", "again": "b"})

    assert [change("viewer").status_code for _ in range(3)] == [422, 422, 429]
    assert int(change("viewer").headers["Retry-After"]) >= 1
    page = other.ask("viewer", "/account", "POST", data={}, headers=HTML)
    assert page.status_code == 429
    assert page.mimetype == "text/html"
    assert change("member").status_code == 422, "another account at the same address"
    assert other.ask("viewer", "/account").status_code == 200, "reading is not writing"
    assert other.ask("nobody", "/account", "POST", data={}).status_code == 401, "not counted"


def test_where_counts_are_kept(folder: Path) -> None:
    assert limits.storage("memory") == "memory://"
    assert limits.storage("redis://host:1/2") == "redis://host:1/2"
    assert limits.storage("unix:///run/redis.sock") == "redis+unix:///run/redis.sock"


def test_a_redis_that_does_not_answer_stops_nobody(folder: Path, tmp_path: Path) -> None:
    other = guarded.make(
        Path(shutil.copytree(folder, tmp_path / "workspace")),
        tmp_path,
        cache="redis://127.0.0.1:1/0",
        write_limit="2 per hour",
    )

    def change() -> int:
        return other.ask("viewer", "/account", "POST", data={"new": "a"}).status_code

    assert [change() for _ in range(3)] == [422, 422, 429]


def test_our_cookies_are_known_however_they_are_spelt() -> None:
    app = create_app(Settings(access="open"))
    for name in (access.SESSION, access.SCREEN, access.PHONE):
        for prefix in ("", access.SECURE):
            cookie = {"Cookie": f"{prefix}{name}=x"}
            with app.server.test_request_context("/", headers=cookie):
                assert access.carries_ours()
    with app.server.test_request_context("/", headers={"Cookie": "other=x"}):
        assert not access.carries_ours()

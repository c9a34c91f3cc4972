"""Signing in by an OpenID Connect provider: the good way, and everything that must not be."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from werkzeug.test import TestResponse

from dashboard import access
from dashboard.settings import SettingsError, read
from geodata.ledger import accounts
from geodata.ledger.roles import TERMINAL, Role
from tests.dashboard import guarded, oidc_provider
from tests.dashboard.guarded import HTML, OURS, World
from tests.dashboard.oidc_provider import CLIENT, SECRET, FakeProvider

OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one"})
REFUSED, SEEN, AWAY = 403, 303, 503


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with oidc_provider.running() as found:
        yield found


@pytest.fixture(scope="module")
def shared(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, FakeProvider]]:
    """For tests that leave both as they were."""
    with oidc_provider.running() as found:
        yield made(folder, tmp_path_factory.mktemp("oidc"), found), found


@pytest.fixture
def world(folder: Path, tmp_path: Path, provider: FakeProvider) -> World:
    return made(folder, tmp_path, provider)


def made(folder: Path, place: Path, provider: FakeProvider, **more: Any) -> World:
    workspace = Path(shutil.copytree(folder, place / "workspace"))
    other = guarded.make(
        workspace,
        place,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_label="市统一认证",
        **{"sign_in_limit": "1000 per minute", **more},
    )
    accounts.create(
        other.ledger, TERMINAL, name="zhangsan", label="张三", role=Role.MEMBER, elsewhere=True
    )
    return other


def went(client: FlaskClient, place: str = "/") -> str:
    """Where the provider is asked, once somebody has pressed the button."""
    answer = client.get("/signin/oidc", query_string={"next": place}, headers=HTML)
    assert answer.status_code == SEEN, answer.text
    return str(answer.location)


def came(client: FlaskClient, provider: FakeProvider, place: str = "/") -> TestResponse:
    """The answer to who went there and came back."""
    return client.get(provider.back_from(went(client, place)), headers=HTML)


def is_in(client: FlaskClient) -> bool:
    return client.get("/api/v1/edition").status_code == 200


def test_the_first_time_binds_and_every_time_lets_in(world: World, provider: FakeProvider) -> None:
    for name in ("zhangsan", "someone-else"):  # what it is called later is of no account
        provider.name = name
        with world.app.server.test_client() as client:
            answer = came(client, provider, "/?measure=collective_income")
            assert (answer.status_code, answer.location) == (SEEN, "/?measure=collective_income")
            assert is_in(client)
            assert client.get_cookie("bangfu_way") is None
            page = client.get("/account").text
            assert "张三" in page
            assert "原密码" not in page
    found = accounts.named(world.ledger, "zhangsan")
    assert found is not None and found.issuer == provider.issuer
    assert provider.asked.count("/keys") == 1, "its documents are kept"


def test_what_is_sent_along_is_new_each_time_and_says_nothing_of_us(
    world: World, provider: FakeProvider
) -> None:
    with world.app.server.test_client() as client:
        first, second = went(client), went(client)
    assert SECRET not in first
    for name in ("state", "nonce", "code_challenge"):
        values = {one.split(f"{name}=")[1].split("&")[0] for one in (first, second)}
        assert len(values) == 2


def altered(**claims: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def alter(found: dict[str, Any]) -> dict[str, Any]:
        found = found | claims
        return {name: value for name, value in found.items() if value is not None}

    return alter


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"aud": [CLIENT, "another"]},
        {"aud": None},
        {"iss": "https://id.example.cn"},
        {"iss": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"iat": None},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": 4711},
        {"exp": "tomorrow"},
        {"at_hash": "wrong"},
    ],
    ids="-".join,
)
def test_a_token_that_is_not_for_this_sign_in_lets_nobody_in(
    shared: tuple[World, FakeProvider], claims: dict[str, Any]
) -> None:
    world, provider = shared
    provider.alter = altered(**claims)
    with world.app.server.test_client() as client:
        answer = came(client, provider)
        assert answer.status_code == REFUSED
        assert "答复不可信" in answer.text
        assert not is_in(client)
        # And the same browser may try again.
        provider.alter = altered()
        assert came(client, provider).status_code == SEEN
        assert is_in(client)


def unsigned(claims: dict[str, Any], alg: str = "none") -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': alg})}.{part(claims)}."


@pytest.mark.parametrize("how", ["another key", "unsigned", "by a shared secret", "nonsense"])
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    shared: tuple[World, FakeProvider], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    world, provider = shared
    with world.app.server.test_client() as client:
        address = went(client)
        nonce = address.split("nonce=")[1].split("&")[0]
        now = int(time.time())
        claims = {"iss": provider.issuer, "sub": "4711", "aud": CLIENT, "nonce": nonce}
        claims |= {"exp": now + 60, "iat": now, "preferred_username": "zhangsan"}
        if how == "another key":
            monkeypatch.setattr(provider, "signs", OTHER_KEY)
        elif how == "unsigned":
            monkeypatch.setattr(provider, "text", unsigned(claims))
        elif how == "by a shared secret":
            signed = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET * 2))
            monkeypatch.setattr(provider, "text", signed)
        else:
            monkeypatch.setattr(provider, "text", "a.b.c")
        answer = client.get(provider.back_from(address), headers=HTML)
        assert answer.status_code == REFUSED
        assert not is_in(client)


def test_a_new_key_of_the_provider_is_learnt(
    world: World, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dashboard import oidc

    monkeypatch.setattr(oidc, "PAUSE_SECONDS", 0.0)
    with world.app.server.test_client() as client:
        assert came(client, provider).status_code == SEEN
        provider.key = RSAKey.generate_key(2048, {"kid": "two"})
        provider.header = {"alg": "RS256", "kid": "two"}
        assert came(client, provider).status_code == SEEN


def test_a_code_is_good_once_and_for_the_browser_that_asked(
    world: World, provider: FakeProvider
) -> None:
    client, other = world.app.server.test_client(), world.app.server.test_client()
    back = provider.back_from(went(client))
    ticket = client.get_cookie("bangfu_way")
    assert ticket is not None and ticket.http_only and ticket.same_site == "Lax"
    assert other.get(back, headers=HTML).status_code == REFUSED, "somebody else's way"
    assert client.get(back, headers=HTML).status_code == SEEN
    client.post("/signout", headers=OURS)
    assert client.get(back, headers=HTML).status_code == REFUSED, "again"
    client.set_cookie("bangfu_way", ticket.value)
    assert client.get(back, headers=HTML).status_code == REFUSED, "the provider takes it once"
    assert not is_in(client)
    # A ticket of another kind, or one that was altered, is none.
    client.set_cookie("bangfu_way", ticket.value[:-3] + "abc")
    assert client.get(back, headers=HTML).status_code == REFUSED


@pytest.mark.parametrize("query", ["", "?state=x", "?code=x", "?code=x&state=x", "?error=x"])
def test_who_comes_back_without_having_gone_is_told_so(
    shared: tuple[World, FakeProvider], query: str
) -> None:
    world, _ = shared
    answer = world.ask("nobody", f"/signin/oidc/back{query}", headers=HTML)
    assert answer.status_code == REFUSED
    assert "不是从这里开始的" in answer.text


def test_a_provider_that_says_no_is_believed(world: World, provider: FakeProvider) -> None:
    provider.refuses = True
    with world.app.server.test_client() as client:
        answer = came(client, provider)
        assert answer.status_code == REFUSED
        assert "没有放行" in answer.text


def test_who_has_no_account_gets_none_made(world: World, provider: FakeProvider) -> None:
    before = accounts.all_accounts(world.ledger)
    for name in ("lisi", "", "test-office", "test-first", 'x"><script>alert(1)</script>'):
        provider.name, provider.subject = name, f"subject-{name}"
        with world.app.server.test_client() as client:
            answer = came(client, provider)
            assert answer.status_code == REFUSED, name
            assert "没有等着与它对应的账户" in answer.text
            assert "<script>alert" not in answer.text
            assert not is_in(client)
    assert accounts.all_accounts(world.ledger) == before, "nor is an account with a password taken"


def test_a_disabled_account_stays_out(world: World, provider: FakeProvider) -> None:
    with world.app.server.test_client() as client:
        assert came(client, provider).status_code == SEEN
        found = accounts.named(world.ledger, "zhangsan")
        assert found is not None
        accounts.disable(world.ledger, TERMINAL, found.id)
        assert not is_in(client)
        answer = came(client, provider)
        assert answer.status_code == REFUSED
        assert "没有对应的可用账户" in answer.text


def test_a_provider_that_is_down_is_said_and_passwords_work(
    world: World, provider: FakeProvider
) -> None:
    provider.broken = True
    with world.app.server.test_client() as client:
        answer = client.get("/signin/oidc?next=/maps", headers=HTML)
        assert answer.status_code == AWAY
        assert "统一身份认证现在连不上" in answer.text
        assert 'name="password"' in answer.text
        fields = {"name": "test-viewer", "password": guarded.PASSWORD, "next": "/maps"}
        assert client.post("/signin", data=fields, headers=OURS).location == "/maps"


def test_a_provider_that_goes_down_on_the_way_is_said(world: World, provider: FakeProvider) -> None:
    with world.app.server.test_client() as client:
        back = provider.back_from(went(client))
        provider.broken = True
        answer = client.get(back, headers=HTML)
        assert answer.status_code in (AWAY, REFUSED)
        assert not is_in(client)


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://id.example.cn"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": 7},
    ],
    ids=str,
)
def test_a_document_that_is_not_the_providers_own_is_not_followed(
    world: World, provider: FakeProvider, about: dict[str, Any]
) -> None:
    provider.extra = about
    answer = world.ask("nobody", "/signin/oidc", headers=HTML)
    assert answer.status_code == AWAY


def test_the_button_says_what_the_office_calls_it(world: World) -> None:
    page = world.ask("nobody", "/signin?next=/maps", headers=HTML).text
    assert "用市统一认证登录" in page
    assert "/signin/oidc?next=%2Fmaps" in page


def test_nobody_is_led_to_another_site(world: World, provider: FakeProvider) -> None:
    with world.app.server.test_client() as client:
        assert came(client, provider, "//evil.example/").location == "/"


def test_passwords_can_be_switched_off(
    folder: Path, tmp_path: Path, provider: FakeProvider
) -> None:
    other = made(folder, tmp_path, provider, oidc_only=True)
    with other.app.server.test_client() as client:
        page = client.get("/signin", headers=HTML).text
        assert 'name="password"' not in page and "用市统一认证登录" in page
        fields = {"name": "test-viewer", "password": guarded.PASSWORD, "next": "/"}
        answer = client.post("/signin", data=fields, headers=OURS)
        assert answer.status_code == 422
        assert "现在只能用市统一认证登录" in answer.text
        assert not is_in(client)
        assert came(client, provider).status_code == SEEN
        assert is_in(client)


def test_coming_back_is_counted_like_a_password(
    folder: Path, tmp_path: Path, provider: FakeProvider
) -> None:
    other = made(folder, tmp_path, provider, sign_in_limit="2 per minute")
    with other.app.server.test_client() as client:
        for expected in (REFUSED, REFUSED, 429):
            answer = client.get("/signin/oidc/back?code=x&state=y", headers=HTML)
            assert answer.status_code == expected


def test_only_the_provider_needs_a_provider() -> None:
    with pytest.raises(SettingsError, match="BANGFU_OIDC_ONLY"):
        read(oidc_only=True)


def test_without_a_provider_there_is_no_such_way(folder: Path, tmp_path: Path) -> None:
    other = guarded.make(Path(shutil.copytree(folder, tmp_path / "workspace")), tmp_path)
    with other.client("viewer") as client:
        assert client.get("/signin/oidc", headers=HTML).status_code == 404
    guard: access.Guard = other.app.server.extensions["bangfu-access"]
    assert guard.declared("signin_provider") is None

"""Signing in: what is asked, what is told, what is kept where, and where it leads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard import access, signin
from dashboard.tickets import Tickets
from geodata.ledger import accounts, codes
from geodata.ledger.roles import TERMINAL
from geodata.ledger.store import Ledger
from tests.dashboard import guarded
from tests.dashboard.guarded import HTML, OURS, PASSWORD, World
from tests.ledgers import ledger

__all__ = ["ledger"]


@pytest.fixture(scope="module")
def world(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    own = tmp_path_factory.mktemp("signin")
    # Many are tried from one address here.
    return guarded.make(
        Path(shutil.copytree(folder, own / "workspace")), own, sign_in_limit="1000 per minute"
    )


@pytest.fixture
def client(world: World) -> FlaskClient:
    return world.app.server.test_client()


@pytest.fixture
def coded(world: World) -> Iterator[pyotp.TOTP]:
    """The viewer uses one-time codes; and no failure of before stands against the name."""
    one = world.accounts["viewer"]
    secret = codes.secret()
    totp = pyotp.TOTP(secret)
    accounts.unlock(world.ledger, TERMINAL, one.name)
    # A step of long ago: those of now are for the test.
    with world.ledger.noting() as connection:
        connection.exec_driver_sql("DELETE FROM guard")
    world.ledger.decide(
        TERMINAL,
        lambda decision: (
            decision.change(  # type: ignore[func-returns-value]
                _table(), one.id, "account.codes_on", totp=secret
            )
            or {}
        ),
    )
    yield totp
    world.ledger.decide(
        TERMINAL,
        lambda decision: (
            decision.change(  # type: ignore[func-returns-value]
                _table(), one.id, "account.codes_off", totp=""
            )
            or {}
        ),
    )


def _table() -> Any:
    from geodata.ledger import tables

    return tables.account


def enter(client: FlaskClient, name: str = "test-viewer", **more: str) -> TestResponse:
    fields = {"name": name, "password": PASSWORD, "next": "/maps", **more}
    return client.post("/signin", data=fields, headers=OURS)


def is_in(client: FlaskClient) -> bool:
    return client.get("/api/v1/edition").status_code == 200


def test_the_form_is_one_that_browsers_and_readers_aloud_know(client: FlaskClient) -> None:
    page = client.get("/signin", headers=HTML)
    for text in (
        'lang="zh-CN"',
        '<label for="name">',
        'autocomplete="username"',
        '<label for="password">',
        'autocomplete="current-password"',
    ):
        assert text in page.text, text
    assert page.headers["Cache-Control"] == "no-store"
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"].split("style-src")[0]
    assert "<script>" not in page.text


def test_unknown_wrong_and_disabled_are_told_the_same(world: World, client: FlaskClient) -> None:
    made, first = accounts.create(world.ledger, TERMINAL, name="gone", label="走了", role="viewer")
    accounts.disable(world.ledger, TERMINAL, made.id)
    told = []
    for name, password in (("nobody-here", PASSWORD), ("test-member", "no"), ("gone", first)):
        answer = enter(client, name, password=password)
        assert answer.status_code == 422
        assert "Set-Cookie" not in answer.headers
        told.append(answer.text.replace(name, "NAME"))
    assert len(set(told)) == 1
    assert 'href="#name"' in told[0], "the summary leads to the field"
    assert 'aria-invalid="true"' in told[0]


def test_a_lock_says_until_when_and_holds_for_names_that_nobody_has(client: FlaskClient) -> None:
    for name in ("test-district", "never-heard-of"):
        for _ in range(5):
            answer = enter(client, name, password="wrong")
        assert "已锁定" in answer.text
        assert "（到 " in answer.text
        assert "已锁定" in enter(client, name).text, "even with the right one"


def test_a_password_never_comes_back(client: FlaskClient) -> None:
    answer = enter(client, "test-office", password="secret-of-mine-9")
    assert "secret-of-mine-9" not in answer.text
    assert 'value="test-office"' in answer.text


def test_who_is_signed_in_goes_on(world: World) -> None:
    with world.client("viewer") as client:
        assert client.get("/signin?next=/maps", headers=HTML).location == "/maps"
        assert client.get("/signin?next=//evil.example", headers=HTML).location == "/"


def test_a_link_leads_back_to_where_it_stood(client: FlaskClient) -> None:
    here = {"Referer": "http://localhost/?measure=collective_income", **HTML}
    assert 'value="/?measure=collective_income"' in client.get("/signin", headers=here).text
    for referrer in ("http://evil.example/maps", "http://[broken", "http://localhost/signin/code"):
        page = client.get("/signin", headers={"Referer": referrer, **HTML}).text
        assert 'name="next" value="/"' in page, referrer


# ---- one-time codes ----


def test_the_code_is_asked_for_after_the_password(client: FlaskClient, coded: pyotp.TOTP) -> None:
    answer = enter(client)
    assert (answer.status_code, answer.location) == (303, "/signin/code")
    assert not is_in(client)
    half = client.get_cookie(signin.HALF)
    assert half is not None and half.http_only and half.max_age == 300
    page = client.get("/signin/code", headers=HTML).text
    assert PASSWORD not in page and "test-viewer" not in page, "neither is in the page"
    assert PASSWORD not in half.value and "test-viewer" not in half.value
    assert 'autocomplete="one-time-code"' in page and 'inputmode="numeric"' in page
    wrong = client.post("/signin/code", data={"code": "000000"}, headers=OURS)
    assert wrong.status_code == 422 and "动态码不对" in wrong.text
    answer = client.post("/signin/code", data={"code": coded.now()}, headers=OURS)
    assert (answer.status_code, answer.location) == (303, "/maps")
    assert is_in(client)
    assert client.get_cookie(signin.HALF) is None


def test_a_code_is_used_once_whoever_has_the_ticket(
    world: World, client: FlaskClient, coded: pyotp.TOTP
) -> None:
    enter(client)
    half = client.get_cookie(signin.HALF)
    assert half is not None
    code = coded.now()
    client.post("/signin/code", data={"code": code}, headers=OURS)
    other = world.app.server.test_client()
    other.set_cookie(signin.HALF, half.value)
    answer = other.post("/signin/code", data={"code": code}, headers=OURS)
    assert answer.status_code == 422
    assert not is_in(other)


def test_wrong_codes_lock_the_name(client: FlaskClient, coded: pyotp.TOTP) -> None:
    enter(client)
    for _ in range(5):
        answer = client.post("/signin/code", data={"code": "000000"}, headers=OURS)
    assert "已锁定" in answer.text
    answer = client.post("/signin/code", data={"code": coded.now()}, headers=OURS)
    assert not is_in(client)
    assert "已锁定" in enter(client).text


@pytest.mark.parametrize("ticket", ["", "x", "x" * 4000, "e30.aaaa.bbbb"])
def test_without_a_ticket_of_ours_there_is_no_second_step(client: FlaskClient, ticket: str) -> None:
    if ticket:
        client.set_cookie(signin.HALF, ticket)
    assert client.get("/signin/code", headers=HTML).location == "/signin"
    answer = client.post("/signin/code", data={"code": "123456"}, headers=OURS)
    assert answer.status_code == 422 and "重新输入" in answer.text
    assert not is_in(client)


def test_a_ticket_is_void_once_the_password_is_another(
    world: World, client: FlaskClient, coded: pyotp.TOTP
) -> None:
    enter(client)
    old, new = PASSWORD, "huoche-8-tiantang-lu"
    accounts.change_password(world.ledger, world.accounts["viewer"].id, old, new)
    answer = client.post("/signin/code", data={"code": coded.now()}, headers=OURS)
    assert answer.status_code == 422
    assert not is_in(client)
    accounts.change_password(world.ledger, world.accounts["viewer"].id, new, old)


# ---- tickets ----


def test_a_ticket_opens_in_every_worker_for_its_kind_and_its_time(ledger: Ledger) -> None:
    one, other = Tickets(ledger), Tickets(Ledger(ledger.url.render_as_string(False)))
    ticket = one.seal("half", {"a": "村"})
    assert other.opened("half", ticket, 60) == {"a": "村"}
    assert other.opened("way", ticket, 60) is None
    assert other.opened("half", ticket, -1) is None
    assert other.opened("half", ticket[:-2] + "xx", 60) is None


# ---- what is due ----


def test_what_is_due_is_said_on_the_way(
    world: World, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [
        {"village": "990001", "problem": "p1", "sentence": "甲村：<script>alert(1)</script>"},
        {"village": "990001", "problem": "", "sentence": "乙村：很久没去"},
    ]
    group = {"kind": "visit", "count": 5, "sentence": "5 件", "pressing": True, "items": items}
    monkeypatch.setattr(signin.reminders, "due", lambda *_: [group])
    answer = enter(client, "test-member")
    assert answer.location == "/due?next=%2Fmaps"
    page = client.get(answer.location, headers=HTML).text
    assert "有 5 件事要办" in page and "还有 3 件" in page
    assert 'href="/maps"' in page and 'href="/contact-points"' in page
    assert "village=990001&amp;problem=p1" in page
    assert "<script>alert" not in page
    assert enter(client, "test-member", next="/contact-points?x=1").location.endswith("?x=1")
    # And when nothing is due any more, one just goes on.
    monkeypatch.setattr(signin.reminders, "due", lambda *_: [])
    assert client.get("/due?next=/maps", headers=HTML).location == "/maps"


def test_reminders_that_cannot_be_told_keep_nobody_out(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> list[object]:
        raise access.LedgerError("gone")

    monkeypatch.setattr(signin.reminders, "due", away)
    assert enter(client, "test-member").location == "/maps"


def test_a_foreign_page_signs_nobody_in(client: FlaskClient) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        fields = {"name": "test-viewer", "password": PASSWORD}
        for path in ("/signin", "/signin/code", "/signout"):
            assert client.post(path, data=fields, headers=headers).status_code == 403

"""Wall screens: a token in an address, told once, good until it is revoked."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from geodata.errors import BadRequest, UnknownName
from geodata.ledger import Actor, Forbidden, Ledger, Role, screens, tables
from geodata.ledger.roles import TERMINAL


def test_a_screen_is_found_by_its_token_until_it_is_revoked(ledger: Ledger) -> None:
    token = screens.enrol(ledger, TERMINAL, " 三楼  会议室 ")
    found = screens.find(ledger, token)
    assert found is not None
    assert found.label == "三楼 会议室"
    other = screens.enrol(ledger, TERMINAL, "一楼大厅")
    gone = screens.revoke(ledger, TERMINAL, found.id, "大屏拆了")
    assert gone.revoked
    assert screens.find(ledger, token) is None
    assert screens.find(ledger, other) is not None
    assert [(one.label, one.revoked) for one in screens.all_screens(ledger)] == [
        ("三楼 会议室", True),
        ("一楼大厅", False),
    ]


def test_any_other_token_is_no_screen(ledger: Ledger) -> None:
    screens.enrol(ledger, TERMINAL, "一楼大厅")
    for token in ("", "x", "\x00", "\ud800", "长" * 10_000):
        assert screens.find(ledger, token) is None


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_an_administrator_enrols_and_revokes(ledger: Ledger, role: Role) -> None:
    screens.enrol(ledger, TERMINAL, "一楼大厅")
    (screen,) = screens.all_screens(ledger)
    with pytest.raises(Forbidden):
        screens.enrol(ledger, Actor("1", "某", role), "三楼")
    with pytest.raises(Forbidden):
        screens.revoke(ledger, Actor("1", "某", role), screen.id)


def test_a_label_can_be_read(ledger: Ledger) -> None:
    for label in ("", "  ", "x" * 41, "三\x00楼", "三\u202e楼"):
        with pytest.raises(BadRequest, match="大屏的名称"):
            screens.enrol(ledger, TERMINAL, label)


def test_an_unknown_screen_is_said(ledger: Ledger) -> None:
    for identifier in ("x", "", "\x00", "\ud800"):
        with pytest.raises(UnknownName, match="没有这块大屏"):
            screens.revoke(ledger, TERMINAL, identifier)


def test_the_audit_tells_of_screens_and_never_a_token(ledger: Ledger) -> None:
    token = screens.enrol(ledger, TERMINAL, "一楼大厅")
    screens.revoke(ledger, TERMINAL, screens.all_screens(ledger)[0].id, "换新的")
    events = [dict(row) for row in ledger.rows(sa.select(tables.event))]
    assert [row["kind"] for row in events] == ["screen.added", "screen.revoked"]
    assert token not in str(events)
    held = ledger.rows(sa.select(tables.screen.c.digest))[0]["digest"]
    assert held not in str(events)

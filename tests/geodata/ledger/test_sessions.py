"""Sessions: idle and absolute limits, which a page that asks by itself does not move."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from geodata.ledger import Ledger, Role, accounts, sessions, tables
from geodata.ledger.roles import TERMINAL
from geodata.ledger.sessions import Limits
from geodata.ledger.troubles import LedgerError
from tests.geodata.ledger.clocks import Clock

LIMITS = Limits(idle_minutes=30, absolute_hours=12)


@pytest.fixture
def clock(ledger: Ledger) -> Clock:
    ledger.clock = Clock()
    return ledger.clock


@pytest.fixture
def person(ledger: Ledger, clock: Clock) -> accounts.Account:
    return accounts.create(
        ledger, TERMINAL, name="wangwei", label="王伟", role=Role.MEMBER, elsewhere=True
    )[0]


def held(ledger: Ledger) -> int:
    return len(ledger.rows(sa.select(tables.session)))


def test_a_token_finds_its_account_and_only_its_digest_is_kept(
    ledger: Ledger, person: accounts.Account
) -> None:
    token = sessions.begin(ledger, person.id, address="10.1.2.3", agent="Chromium")
    found = sessions.find(ledger, token, limits=LIMITS, active=True)
    assert found is not None
    assert found[0] == person
    assert (found[1].address, found[1].agent) == ("10.1.2.3", "Chromium")
    for row in ledger.rows(sa.select(tables.session)):
        assert token not in str(dict(row))


def test_any_other_token_finds_nobody(ledger: Ledger, person: accounts.Account) -> None:
    sessions.begin(ledger, person.id)
    for token in ("", "x", "\x00", "\ud800", "长" * 10_000):
        assert sessions.find(ledger, token, limits=LIMITS, active=True) is None
    assert held(ledger) == 1


def test_half_an_hour_of_nothing_ends_it(
    ledger: Ledger, person: accounts.Account, clock: Clock
) -> None:
    token = sessions.begin(ledger, person.id)
    clock.on(minutes=29)
    assert sessions.find(ledger, token, limits=LIMITS, active=True)
    clock.on(minutes=29)
    assert sessions.find(ledger, token, limits=LIMITS, active=True)
    clock.on(minutes=30)
    assert sessions.find(ledger, token, limits=LIMITS, active=True) is None
    assert held(ledger) == 0


def test_polling_does_not_keep_it_alive(
    ledger: Ledger, person: accounts.Account, clock: Clock
) -> None:
    token = sessions.begin(ledger, person.id)
    for _ in range(29):
        clock.on(minutes=1)
        assert sessions.find(ledger, token, limits=LIMITS, active=False)
    clock.on(minutes=1)
    assert sessions.find(ledger, token, limits=LIMITS, active=False) is None


def test_half_a_day_ends_it_whatever_was_done(
    ledger: Ledger, person: accounts.Account, clock: Clock
) -> None:
    token = sessions.begin(ledger, person.id)
    for _ in range(12 * 6 - 1):
        clock.on(minutes=10)
        assert sessions.find(ledger, token, limits=LIMITS, active=True)
    clock.on(minutes=10)
    assert sessions.find(ledger, token, limits=LIMITS, active=True) is None
    assert held(ledger) == 0


def test_being_there_is_written_down_once_a_minute(
    ledger: Ledger, person: accounts.Account, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = sessions.begin(ledger, person.id)
    writes = []
    noting = ledger.noting
    monkeypatch.setattr(ledger, "noting", lambda: (writes.append(clock.at), noting())[1])
    for _ in range(18):
        clock.on(seconds=10)
        assert sessions.find(ledger, token, limits=LIMITS, active=True)
    assert len(writes) == 3


def test_a_ledger_that_can_only_be_read_lets_in_and_out_all_the_same(
    ledger: Ledger, person: accounts.Account, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = sessions.begin(ledger, person.id)

    def full() -> Iterator[None]:
        raise LedgerError("disk full")

    monkeypatch.setattr(ledger, "noting", full)
    clock.on(minutes=10)
    assert sessions.find(ledger, token, limits=LIMITS, active=True)
    clock.on(hours=1)
    assert sessions.find(ledger, token, limits=LIMITS, active=True) is None


def test_signing_out_here_there_and_everywhere(
    ledger: Ledger, person: accounts.Account, clock: Clock
) -> None:
    other = accounts.create(
        ledger, TERMINAL, name="lihua", label="李华", role=Role.VIEWER, elsewhere=True
    )[0]
    tokens = []
    for agent in ("手机", "平板", "桌面", "借的电脑"):
        clock.on(minutes=1)
        tokens.append(sessions.begin(ledger, person.id, agent=agent))
    theirs = sessions.begin(ledger, other.id)
    assert [one.agent for one in sessions.places(ledger, person.id)] == [
        "借的电脑", "桌面", "平板", "手机",
    ]  # fmt: skip

    sessions.end(ledger, tokens[0])
    assert sessions.find(ledger, tokens[0], limits=LIMITS, active=True) is None
    borrowed = sessions.places(ledger, person.id)[0].id
    assert not sessions.end_place(ledger, other.id, borrowed), "somebody else's"
    assert sessions.end_place(ledger, person.id, borrowed)
    assert [one.agent for one in sessions.places(ledger, person.id)] == ["桌面", "平板"]

    assert sessions.end_all(ledger, person.id, but=tokens[1]) == 1
    assert sessions.find(ledger, tokens[1], limits=LIMITS, active=True)
    assert sessions.end_all(ledger, person.id) == 1
    assert sessions.find(ledger, theirs, limits=LIMITS, active=True), "others stay"


def test_places_leave_out_what_ran_out(
    ledger: Ledger, person: accounts.Account, clock: Clock
) -> None:
    sessions.begin(ledger, person.id, agent="早上")
    clock.on(hours=2)
    sessions.begin(ledger, person.id, agent="现在")
    assert [one.agent for one in sessions.places(ledger, person.id, limits=LIMITS)] == ["现在"]


def test_what_a_browser_calls_itself_can_be_anything(
    ledger: Ledger, person: accounts.Account
) -> None:
    sessions.begin(ledger, person.id, agent="<script>\x00\ud800" + "长" * 10_000, address="\x00")
    (place,) = sessions.places(ledger, person.id)
    assert place.agent.startswith("<script>长")
    assert len(place.agent) <= 200


def test_sessions_that_nobody_ended_do_not_pile_up(
    ledger: Ledger, person: accounts.Account, clock: Clock
) -> None:
    for _ in range(5):
        sessions.begin(ledger, person.id)
        clock.on(days=32)
    sessions.begin(ledger, person.id)
    assert held(ledger) == 1


def test_coming_and_going_is_no_decision(ledger: Ledger, person: accounts.Account) -> None:
    before = ledger.seq()
    sessions.end(ledger, sessions.begin(ledger, person.id))
    assert ledger.seq() == before

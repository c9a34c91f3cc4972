"""Accounts: who is let in, who manages whom, and what nobody can learn or get around."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from geodata.errors import AtlasError, BadRequest, UnknownName
from geodata.ledger import (
    Actor,
    Conflict,
    Forbidden,
    Ledger,
    Refused,
    Role,
    accounts,
    codes,
    guards,
    moments,
    passwords,
    sessions,
    tables,
)
from geodata.ledger.accounts import Account, Refusal, SignedIn
from geodata.ledger.roles import TERMINAL
from geodata.ledger.verify import verify
from tests.geodata.ledger.clocks import Clock

GOOD = "correct horse battery"
NEW = "stapler under seven clouds"
LIMITS = sessions.Limits()


@pytest.fixture
def clock(ledger: Ledger) -> Clock:
    ledger.clock = Clock()
    return ledger.clock


@pytest.fixture
def person(ledger: Ledger, clock: Clock) -> Account:
    return made(ledger, "wangwei", label="王伟", unit="市级党务单位1")


def made(ledger: Ledger, name: str, **given: Any) -> Account:
    """An account that has chosen its password already: GOOD."""
    given = {"label": name, "role": Role.MEMBER, "must_change": False, "password": GOOD, **given}
    return accounts.create(ledger, TERMINAL, name=name, **given)[0]


def code(secret: str, clock: Clock) -> str:
    return pyotp.TOTP(secret).at(int(moments.seconds(clock.at)))


def with_codes(ledger: Ledger, person: Account, clock: Clock) -> str:
    """One-time codes, used by a person from half a minute ago on."""
    secret = codes.secret()
    accounts.use_codes(ledger, person.id, GOOD, secret, code(secret, clock))
    clock.on(minutes=1)
    return secret


# ---- making and changing ----


def test_a_new_account_has_a_first_password_that_must_be_changed(ledger: Ledger) -> None:
    account, first = accounts.create(
        ledger, TERMINAL, name="WangWei", label=" 王　伟 ", role="member", unit="市级党务单位1"
    )
    assert account.name == "wangwei"
    assert account.label == "王 伟"
    assert account.must_change
    assert account.actor == Actor(account.id, "王 伟", Role.MEMBER, "", "市级党务单位1")
    found = accounts.sign_in(ledger, "wangwei", first)
    assert isinstance(found, SignedIn)
    assert found.account.must_change


def test_a_name_is_the_same_however_it_is_typed(ledger: Ledger, person: Account) -> None:
    for typed in ("wangwei", "WANGWEI", "ＷａｎｇＷｅｉ", " wangwei "):
        assert accounts.named(ledger, typed) == person
        assert isinstance(accounts.sign_in(ledger, typed, GOOD), SignedIn)
        with pytest.raises(Conflict, match="已经有人用"):
            made(ledger, typed, elsewhere=True)


def test_a_name_that_could_mislead_is_refused(ledger: Ledger) -> None:
    cyrillic = "w\u0430ngwei"
    for name in (
        *("", "a", "x" * 41, "wang wei", "wang\x00wei", "wang/wei", "<b>", cyrillic),
        *("王\u200b伟", "\ud800x"),
    ):
        with pytest.raises(BadRequest, match="账户名不合要求"):
            made(ledger, name)
        assert accounts.named(ledger, name) is None


def test_names_may_be_chinese(ledger: Ledger) -> None:
    for name in ("王伟", "w.wei_2-a", "ab", "x" * 40, "㐀𠮷"):
        assert made(ledger, name, elsewhere=True).name == name


def test_a_label_can_be_read(ledger: Ledger) -> None:
    for label in ("", "   ", "x" * 41, "王\x00伟", "王\u202e伟", "王\ud800伟"):
        with pytest.raises(BadRequest, match="姓名"):
            made(ledger, "wangwei", label=label)


def test_a_label_may_hold_anything_that_is_seen(ledger: Ledger) -> None:
    label = "<img src=x onerror=alert(1)>·迪丽·𠮷"
    assert made(ledger, "wangwei", label=label).label == label


def test_a_district_officer_has_a_district_and_nobody_else(ledger: Ledger) -> None:
    with pytest.raises(BadRequest, match="哪个区"):
        made(ledger, "one", role=Role.DISTRICT)
    with pytest.raises(BadRequest, match="只有区级人员"):
        made(ledger, "one", role=Role.MEMBER, district="120113000000")
    officer = made(ledger, "one", role=Role.DISTRICT, district="120113000000")
    assert officer.actor.district == "120113000000"
    with pytest.raises(BadRequest, match="哪个区"):
        accounts.change(ledger, TERMINAL, officer.id, district="")
    assert accounts.change(ledger, TERMINAL, officer.id, role="office").district == ""


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"role": "king"}, "没有这种角色"),
        ({"password": "x"}, "没有这一项可改"),
        ({"totp": ""}, "没有这一项可改"),
        ({"disabled": False}, "没有这一项可改"),
        ({"name": "x"}, "没有这一项可改"),
        ({"unit": "x" * 81}, "单位"),
    ],
)
def test_only_what_may_be_changed_is(
    ledger: Ledger, person: Account, columns: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadRequest, match=words):
        accounts.change(ledger, TERMINAL, person.id, **columns)
    assert accounts.account(ledger, person.id) == person


def test_a_weak_first_password_is_refused(ledger: Ledger) -> None:
    for weak in ("", "short", "wangwei2021"):
        with pytest.raises(Refused):
            made(ledger, "wangwei", password=weak)
    assert accounts.all_accounts(ledger) == ()


def test_two_of_one_name_at_the_same_moment_make_one(ledger: Ledger) -> None:
    def attempt(_: int) -> str:
        try:
            return made(ledger, "wangwei", elsewhere=True).id
        except Conflict:
            return ""

    with ThreadPoolExecutor(8) as pool:
        found = [one for one in pool.map(attempt, range(8)) if one]
    assert [one.id for one in accounts.all_accounts(ledger)] == found


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_an_administrator_manages(ledger: Ledger, person: Account, role: Role) -> None:
    actor = Actor("1", "某", role, "120113000000" if role is Role.DISTRICT else "")
    before = ledger.seq()
    for attempt in (
        lambda: accounts.create(ledger, actor, name="other", label="x", role=Role.VIEWER),
        lambda: accounts.change(ledger, actor, person.id, role="administrator"),
        lambda: accounts.disable(ledger, actor, person.id),
        lambda: accounts.enable(ledger, actor, person.id),
        lambda: accounts.reset_password(ledger, actor, person.id),
        lambda: accounts.sign_in_elsewhere(ledger, actor, person.id),
        lambda: accounts.unlock(ledger, actor, person.name),
        lambda: accounts.sign_out(ledger, actor, person.id),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert ledger.seq() == before


def test_an_unknown_account_is_said(ledger: Ledger) -> None:
    for identifier in ("x", "", "\x00", "\ud800", "长" * 1000):
        assert accounts.account(ledger, identifier) is None
        with pytest.raises(UnknownName, match="没有这个账户"):
            accounts.disable(ledger, TERMINAL, identifier)
        with pytest.raises(UnknownName, match="没有这个账户"):
            accounts.change_password(ledger, identifier, GOOD, NEW)


def test_the_last_administrator_stays(ledger: Ledger) -> None:
    first = made(ledger, "first", role=Role.ADMINISTRATOR)
    for attempt in (
        lambda: accounts.disable(ledger, TERMINAL, first.id),
        lambda: accounts.change(ledger, TERMINAL, first.id, role="viewer"),
    ):
        with pytest.raises(Refused, match="最后一个"):
            attempt()
    second = made(ledger, "second", role=Role.ADMINISTRATOR)
    accounts.disable(ledger, second.actor, first.id)
    # A disabled one is none.
    with pytest.raises(Refused, match="最后一个"):
        accounts.disable(ledger, second.actor, second.id)
    accounts.enable(ledger, second.actor, first.id)
    assert accounts.change(ledger, first.actor, second.id, role="office").role is Role.OFFICE


def test_two_administrators_cannot_shut_out_each_other_at_once(ledger: Ledger) -> None:
    pair = [made(ledger, name, role=Role.ADMINISTRATOR, elsewhere=True) for name in ("aa", "bb")]
    gate = threading.Barrier(2)

    def attempt(k: int) -> bool:
        gate.wait()
        try:
            accounts.disable(ledger, pair[k].actor, pair[1 - k].id)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, range(2))) == [False, True]
    assert [one.disabled for one in accounts.all_accounts(ledger)].count(False) == 1


@pytest.mark.parametrize(
    ("what", "ends"),
    [
        (lambda book, one: accounts.disable(book, TERMINAL, one.id, "调走"), True),
        (lambda book, one: accounts.change(book, TERMINAL, one.id, role="viewer"), True),
        (lambda book, one: accounts.reset_password(book, TERMINAL, one.id), True),
        (lambda book, one: accounts.sign_in_elsewhere(book, TERMINAL, one.id), True),
        (lambda book, one: accounts.sign_out(book, TERMINAL, one.id), True),
        (lambda book, one: accounts.change(book, TERMINAL, one.id, label="王小伟"), False),
        (lambda book, one: accounts.unlock(book, TERMINAL, one.name), False),
    ],
    ids=["disable", "role", "reset", "elsewhere", "sign_out", "label", "unlock"],
)
def test_what_ends_somebodys_sessions_ends_them_at_once(
    ledger: Ledger, person: Account, what: Any, ends: bool
) -> None:
    tokens = [sessions.begin(ledger, person.id) for _ in range(2)]
    theirs = sessions.begin(ledger, made(ledger, "other").id)
    what(ledger, person)
    for token in tokens:
        assert (sessions.find(ledger, token, limits=LIMITS, active=True) is None) == ends
    assert sessions.find(ledger, theirs, limits=LIMITS, active=True)


def test_a_new_role_holds_from_the_next_request_on(ledger: Ledger, person: Account) -> None:
    token = sessions.begin(ledger, person.id)
    with ledger.noting() as connection:
        connection.execute(sa.update(tables.account).values(role="viewer"))
    found = sessions.find(ledger, token, limits=LIMITS, active=True)
    assert found is not None
    assert found[0].actor.role is Role.VIEWER


# ---- signing in ----


def test_no_answer_tells_whether_there_is_an_account(
    ledger: Ledger, person: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does the work: each attempt verifies one argon2 hash and writes once."""
    gone = made(ledger, "gone")
    accounts.disable(ledger, TERMINAL, gone.id)
    made(ledger, "outside", elsewhere=True)
    verified: list[str] = []
    real = PasswordHasher.verify

    def counted(self: PasswordHasher, held: str, typed: bytes) -> bool:
        verified.append(held)
        return real(self, held, typed)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    writes: list[int] = []
    noting = ledger.noting
    monkeypatch.setattr(ledger, "noting", lambda: (writes.append(1), noting())[1])
    answers = []
    for name, typed in (
        ("wangwei", "wrong horse battery"),
        ("nobody", GOOD),
        ("gone", GOOD),
        ("gone", "wrong horse battery"),
        ("outside", ""),
        ("no such \x00 name", GOOD),
        ("", ""),
        ("\ud800", "\ud800"),
        ("长" * 10_000, "长" * 10_000),
    ):
        verified.clear()
        writes.clear()
        answers.append(accounts.sign_in(ledger, name, typed))
        assert (len(verified), len(writes)) == (1, 1), name
        assert verified[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert set(answers) == {Refusal("wrong", "账户名或密码不对")}


@pytest.mark.parametrize("name", ["wangwei", "nobody"])
def test_five_failures_lock_a_name_whether_it_is_somebodys_or_not(
    ledger: Ledger, person: Account, clock: Clock, name: str
) -> None:
    for _ in range(4):
        found = accounts.sign_in(ledger, name, "wrong horse battery")
        assert isinstance(found, Refusal)
        assert found.why == "wrong"
    fifth = accounts.sign_in(ledger, name.upper(), "wrong horse battery")
    clock.on(minutes=5)
    later = accounts.sign_in(ledger, name, GOOD)
    assert isinstance(fifth, Refusal)
    assert isinstance(later, Refusal)
    assert (fifth.why, fifth.seconds) == ("locked", 900)
    assert (later.why, later.seconds) == ("locked", 600)
    assert "15 分钟" in fifth.sentence
    assert "10 分钟" in later.sentence
    clock.on(minutes=10)
    found = accounts.sign_in(ledger, name, GOOD)
    assert isinstance(found, SignedIn) == (name == "wangwei")


def test_trying_while_locked_does_not_lengthen_the_lock(
    ledger: Ledger, person: Account, clock: Clock
) -> None:
    for _ in range(5):
        accounts.sign_in(ledger, "wangwei", "wrong")
    for _ in range(14):
        clock.on(minutes=1)
        accounts.sign_in(ledger, "wangwei", "wrong")
    clock.on(minutes=1)
    assert isinstance(accounts.sign_in(ledger, "wangwei", GOOD), SignedIn)


def test_a_success_forgets_the_failures(ledger: Ledger, person: Account) -> None:
    for _ in range(3):
        for _ in range(4):
            accounts.sign_in(ledger, "wangwei", "wrong")
        assert isinstance(accounts.sign_in(ledger, "wangwei", GOOD), SignedIn)


def test_the_count_is_of_one_name(ledger: Ledger, person: Account) -> None:
    for name in ("lihua", "zhangsan"):
        for _ in range(6):
            accounts.sign_in(ledger, name, "wrong")
    assert isinstance(accounts.sign_in(ledger, "wangwei", GOOD), SignedIn)


def test_attempts_that_arrive_together_are_counted_one_after_the_other(
    ledger: Ledger, person: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All eight are verified before the first is counted; three of them know the password."""
    gate = threading.Barrier(8)
    real = passwords.verify

    def together(held: str, typed: str) -> bool:
        found = real(held, typed)
        gate.wait(60)
        return found

    monkeypatch.setattr(passwords, "verify", together)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: accounts.sign_in(ledger, "wangwei", "wrong"), range(8)))
    assert Counter(one.why for one in found if isinstance(one, Refusal)) == {
        "wrong": 4,  # the fifth failure says already that the name is locked
        "locked": 4,
    }
    monkeypatch.setattr(passwords, "verify", real)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: accounts.sign_in(ledger, "wangwei", GOOD), range(8)))
    assert {one.why for one in found if isinstance(one, Refusal)} == {"locked"}
    assert len(found) == 8


def test_a_right_password_that_comes_after_five_wrong_ones_is_too_late(
    ledger: Ledger, person: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was being verified while the others were counted."""
    real = passwords.verify

    def slowly(held: str, typed: str) -> bool:
        found = real(held, typed)
        if typed == GOOD:
            for _ in range(5):
                accounts.sign_in(ledger, "wangwei", "wrong")
        return found

    monkeypatch.setattr(passwords, "verify", slowly)
    found = accounts.sign_in(ledger, "wangwei", GOOD)
    assert isinstance(found, Refusal)
    assert found.why == "locked"


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda book, one: accounts.disable(book, TERMINAL, one.id),
        lambda book, one: accounts.reset_password(book, TERMINAL, one.id),
    ],
    ids=["disabled", "reset"],
)
def test_who_is_shut_out_while_signing_in_stays_out(
    ledger: Ledger, person: Account, monkeypatch: pytest.MonkeyPatch, meanwhile: Any
) -> None:
    real = passwords.verify

    def slowly(held: str, typed: str) -> bool:
        found = real(held, typed)
        meanwhile(ledger, person)
        return found

    monkeypatch.setattr(passwords, "verify", slowly)
    assert isinstance(accounts.sign_in(ledger, "wangwei", GOOD), Refusal)
    assert sessions.places(ledger, person.id) == []


def test_hashing_is_done_while_others_can_write(
    ledger: Ledger, person: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy: list[bool] = []
    inside = threading.local()
    noting, decide = ledger.noting, ledger.decide

    class Watched:
        def __init__(self) -> None:
            self.held = noting()

        def __enter__(self) -> Any:
            inside.writes = True
            return self.held.__enter__()

        def __exit__(self, *error: Any) -> Any:
            inside.writes = False
            return self.held.__exit__(*error)

    def deciding(actor: Any, work: Any, **given: Any) -> Any:
        inside.writes = True
        try:
            return decide(actor, work, **given)
        finally:
            inside.writes = False

    for name in ("hash", "verify"):
        real = getattr(PasswordHasher, name)

        def watched(*given: Any, _real: Any = real, **more: Any) -> Any:
            busy.append(getattr(inside, "writes", False))
            return _real(*given, **more)

        monkeypatch.setattr(PasswordHasher, name, watched)
    monkeypatch.setattr(ledger, "noting", Watched)
    monkeypatch.setattr(ledger, "decide", deciding)
    made(ledger, "lihua")
    accounts.sign_in(ledger, "wangwei", GOOD)
    accounts.sign_in(ledger, "wangwei", "wrong")
    accounts.change_password(ledger, person.id, GOOD, NEW)
    accounts.reset_password(ledger, TERMINAL, person.id)
    assert len(busy) >= 6
    assert not any(busy)


def test_failures_of_names_that_nobody_tries_again_do_not_pile_up(
    ledger: Ledger, clock: Clock
) -> None:
    for k in range(20):
        accounts.sign_in(ledger, f"nobody{k}", "x")
    clock.on(hours=25)
    accounts.sign_in(ledger, "someone", "x")
    rows = ledger.rows(sa.select(tables.guard))
    assert len(rows) == 1
    assert "someone" not in str([dict(row) for row in rows]), "people type passwords as names"


def test_failures_of_yesterday_are_not_counted_with_todays(
    ledger: Ledger, person: Account, clock: Clock
) -> None:
    for _ in range(4):
        accounts.sign_in(ledger, "wangwei", "wrong")
    clock.on(hours=25)
    found = accounts.sign_in(ledger, "wangwei", "wrong")
    assert isinstance(found, Refusal)
    assert found.why == "wrong"


def test_an_administrator_lifts_a_lock(ledger: Ledger, person: Account) -> None:
    for _ in range(5):
        accounts.sign_in(ledger, "wangwei", "wrong")
    assert accounts.unlock(ledger, TERMINAL, "WangWei")
    assert not accounts.unlock(ledger, TERMINAL, "wangwei")
    assert isinstance(accounts.sign_in(ledger, "wangwei", GOOD), SignedIn)


def test_a_hash_of_older_parameters_is_renewed_at_the_next_sign_in(
    ledger: Ledger, person: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", older)
    old = made(ledger, "lihua")
    monkeypatch.undo()
    assert isinstance(accounts.sign_in(ledger, "lihua", GOOD), SignedIn)
    query = sa.select(tables.account.c.password).where(tables.account.c.id == old.id)
    held = ledger.rows(query)[0]["password"]
    assert not passwords.outdated(held)
    assert isinstance(accounts.sign_in(ledger, "lihua", GOOD), SignedIn)


def test_signing_in_tells_the_session_where(ledger: Ledger, person: Account) -> None:
    found = accounts.sign_in(ledger, "wangwei", GOOD, address="10.1.2.3", agent="Chromium")
    assert isinstance(found, SignedIn)
    assert sessions.find(ledger, found.token, limits=LIMITS, active=True)
    (place,) = sessions.places(ledger, person.id)
    assert (place.address, place.agent) == ("10.1.2.3", "Chromium")


# ---- one's own password ----


def test_changing_the_password_signs_out_everywhere_else(ledger: Ledger) -> None:
    account, first = accounts.create(
        ledger, TERMINAL, name="wangwei", label="王伟", role=Role.MEMBER
    )
    here, there = (sessions.begin(ledger, account.id) for _ in range(2))
    after = accounts.change_password(ledger, account.id, first, NEW, keep=here)
    assert not after.must_change
    assert sessions.find(ledger, here, limits=LIMITS, active=True)
    assert sessions.find(ledger, there, limits=LIMITS, active=True) is None
    assert isinstance(accounts.sign_in(ledger, "wangwei", first), Refusal)
    assert isinstance(accounts.sign_in(ledger, "wangwei", NEW), SignedIn)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("wrong horse battery", NEW, "old"),
        (GOOD, GOOD, "same"),
        (GOOD, "wangwei2024", "own"),
        (GOOD, "short", "short"),
    ],
)
def test_a_change_that_makes_nothing_better_is_refused(
    ledger: Ledger, person: Account, old: str, new: str, rule: str
) -> None:
    with pytest.raises(Refused) as refused:
        accounts.change_password(ledger, person.id, old, new)
    assert rule in [row["rule"] for row in refused.value.breaches]
    assert isinstance(accounts.sign_in(ledger, "wangwei", GOOD), SignedIn)


def test_guessing_the_old_password_from_a_borrowed_session_locks_the_name(
    ledger: Ledger, person: Account
) -> None:
    for _ in range(5):
        with pytest.raises(Refused):
            accounts.change_password(ledger, person.id, "wrong", NEW)
    with pytest.raises(Refused, match="已锁定"):
        accounts.change_password(ledger, person.id, GOOD, NEW)


def test_a_reset_password_must_be_changed_and_lifts_the_lock(
    ledger: Ledger, person: Account, clock: Clock
) -> None:
    secret = with_codes(ledger, person, clock)
    for _ in range(5):
        accounts.sign_in(ledger, "wangwei", "wrong")
    first = accounts.reset_password(ledger, TERMINAL, person.id, reason="忘了")
    found = accounts.sign_in(ledger, "wangwei", first, code(secret, clock))
    assert isinstance(found, SignedIn), "one-time codes stay"
    assert found.account.must_change
    first = accounts.reset_password(ledger, TERMINAL, person.id, without_codes=True)
    assert isinstance(accounts.sign_in(ledger, "wangwei", first), SignedIn)


# ---- one-time codes ----


def test_a_code_is_asked_for_after_the_right_password_alone(
    ledger: Ledger, person: Account, clock: Clock
) -> None:
    secret = with_codes(ledger, person, clock)
    wrong = accounts.sign_in(ledger, "wangwei", "wrong", code(secret, clock))
    assert isinstance(wrong, Refusal)
    assert wrong.why == "wrong"
    asked = accounts.sign_in(ledger, "wangwei", GOOD)
    assert isinstance(asked, Refusal)
    assert asked.why == "code"
    assert isinstance(accounts.sign_in(ledger, "wangwei", GOOD, code(secret, clock)), SignedIn)


def test_a_code_is_good_once(ledger: Ledger, person: Account, clock: Clock) -> None:
    secret = with_codes(ledger, person, clock)
    now = code(secret, clock)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: accounts.sign_in(ledger, "wangwei", GOOD, now), range(4)))
    assert Counter(type(one) for one in found) == {SignedIn: 1, Refusal: 3}
    assert {one.why for one in found if isinstance(one, Refusal)} == {"wrong_code"}
    earlier = pyotp.TOTP(secret).at(int(moments.seconds(clock.at)) - 30)
    again = accounts.sign_in(ledger, "wangwei", GOOD, earlier)
    assert isinstance(again, Refusal), "nor is an older one"


def test_the_code_that_proved_the_phone_is_used(
    ledger: Ledger, person: Account, clock: Clock
) -> None:
    secret = codes.secret()
    now = code(secret, clock)
    assert accounts.use_codes(ledger, person.id, GOOD, secret, now).has_totp
    found = accounts.sign_in(ledger, "wangwei", GOOD, now)
    assert isinstance(found, Refusal)
    assert found.why == "wrong_code"


def test_wrong_codes_are_failures_and_asking_resets_nothing(
    ledger: Ledger, person: Account, clock: Clock
) -> None:
    with_codes(ledger, person, clock)
    for k in range(5):
        accounts.sign_in(ledger, "wangwei", GOOD)
        found = accounts.sign_in(ledger, "wangwei", GOOD, "000000")
        assert isinstance(found, Refusal)
        assert found.why == ("wrong_code" if k < 4 else "locked")
    found = accounts.sign_in(ledger, "wangwei", GOOD)
    assert isinstance(found, Refusal)
    assert found.why == "locked"


def test_codes_need_the_password_and_a_first_code(
    ledger: Ledger, person: Account, clock: Clock
) -> None:
    secret = codes.secret()
    with pytest.raises(Refused, match="原密码"):
        accounts.use_codes(ledger, person.id, "wrong", secret, code(secret, clock))
    with pytest.raises(Refused, match="动态码不对"):
        accounts.use_codes(ledger, person.id, GOOD, secret, "000000")
    with pytest.raises(BadRequest, match="密钥"):
        accounts.use_codes(ledger, person.id, GOOD, "x", "000000")
    assert isinstance(accounts.sign_in(ledger, "wangwei", GOOD), SignedIn)
    with_codes(ledger, person, clock)
    with pytest.raises(Refused, match="原密码"):
        accounts.drop_codes(ledger, person.id, "wrong")
    assert not accounts.drop_codes(ledger, person.id, GOOD).has_totp
    assert isinstance(accounts.sign_in(ledger, "wangwei", GOOD), SignedIn)


# ---- OpenID Connect ----

ISSUER = "https://id.example.cn"


def test_who_a_provider_vouches_for_is_let_in(ledger: Ledger) -> None:
    account, first = accounts.create(
        ledger, TERMINAL, name="lihua", label="李华", role="viewer", issuer=ISSUER, subject="42"
    )
    assert (first, account.has_password, account.must_change) == ("", False, False)
    assert accounts.vouched(ledger, ISSUER, "42") == account
    found = accounts.enter(ledger, ISSUER, "42", address="10.1.2.3")
    assert isinstance(found, SignedIn)
    assert sessions.find(ledger, found.token, limits=LIMITS, active=True)
    for issuer, subject in ((ISSUER, "43"), ("https://other", "42"), (ISSUER, ""), ("\x00", "42")):
        assert accounts.vouched(ledger, issuer, subject) is None
        refused = accounts.enter(ledger, issuer, subject)
        assert isinstance(refused, Refusal)
        assert refused.why == "nobody"
    with pytest.raises(Conflict):
        made(ledger, "other", issuer=ISSUER, subject="42")
    accounts.disable(ledger, TERMINAL, account.id)
    assert isinstance(accounts.enter(ledger, ISSUER, "42"), Refusal)


def test_the_first_sign_in_binds_an_account_that_waits_for_it(ledger: Ledger) -> None:
    waiting = made(ledger, "lihua", elsewhere=True)
    bound = accounts.bind(ledger, ISSUER, "42", "LiHua")
    assert (bound.id, bound.issuer) == (waiting.id, ISSUER)
    assert isinstance(accounts.enter(ledger, ISSUER, "42"), SignedIn)


def test_nothing_else_is_ever_bound(ledger: Ledger, person: Account) -> None:
    made(ledger, "bound", issuer=ISSUER, subject="1")
    gone = made(ledger, "gone", elsewhere=True)
    accounts.disable(ledger, TERMINAL, gone.id)
    made(ledger, "waiting", elsewhere=True)
    before = ledger.seq()
    for subject, name in (
        ("42", "wangwei"),  # has a password: whoever names an account wangwei would be wangwei
        ("42", "bound"),  # is another's
        ("42", "gone"),
        ("42", "nobody"),
        ("42", ""),
        ("", "waiting"),
        ("42\x00", "waiting"),
        ("1", "waiting"),  # is somebody already
    ):
        with pytest.raises(Refused):
            accounts.bind(ledger, ISSUER, subject, name)
    assert ledger.seq() == before


def test_two_people_who_claim_one_name_at_once_bind_it_once(ledger: Ledger) -> None:
    made(ledger, "waiting", elsewhere=True)

    def attempt(k: int) -> str:
        try:
            accounts.bind(ledger, ISSUER, str(k), "waiting")
        except Refused:
            return ""
        return str(k)

    with ThreadPoolExecutor(6) as pool:
        (winner,) = [one for one in pool.map(attempt, range(6)) if one]
    assert accounts.vouched(ledger, ISSUER, winner)


def test_an_account_moves_to_a_provider_and_back(
    ledger: Ledger, person: Account, clock: Clock
) -> None:
    with_codes(ledger, person, clock)
    moved = accounts.sign_in_elsewhere(ledger, TERMINAL, person.id)
    assert (moved.has_password, moved.has_totp) == (False, False)
    assert isinstance(accounts.sign_in(ledger, "wangwei", GOOD), Refusal)
    with pytest.raises(Refused, match="没有密码"):
        accounts.change_password(ledger, person.id, GOOD, NEW)
    accounts.bind(ledger, ISSUER, "42", "wangwei")
    first = accounts.reset_password(ledger, TERMINAL, person.id)
    assert isinstance(accounts.enter(ledger, ISSUER, "42"), Refusal)
    assert isinstance(accounts.sign_in(ledger, "wangwei", first), SignedIn)


# ---- the audit ----


def test_the_audit_tells_everything_but_secrets(
    ledger: Ledger, person: Account, clock: Clock
) -> None:
    secret = with_codes(ledger, person, clock)
    typed = [GOOD, NEW, secret]
    token = sessions.begin(ledger, person.id)
    accounts.change_password(ledger, person.id, GOOD, NEW, keep=token)
    typed.append(accounts.reset_password(ledger, TERMINAL, person.id))
    account, first = accounts.create(
        ledger, TERMINAL, name="lihua", label="李华", role=Role.DISTRICT, district="120113000000"
    )
    typed.append(first)
    accounts.change(ledger, TERMINAL, account.id, label="李小华", reason="改名")
    accounts.disable(ledger, TERMINAL, account.id, "调走")
    accounts.enable(ledger, TERMINAL, account.id, "回来")
    accounts.sign_in_elsewhere(ledger, TERMINAL, account.id)
    accounts.bind(ledger, ISSUER, "42", "lihua")
    held = ledger.rows(sa.select(tables.account.c.password, tables.account.c.totp))
    typed += [value for row in held for value in row.values() if value]
    typed += [token, sessions.digest(token)]

    events = [dict(row) for row in ledger.rows(sa.select(tables.event))]
    text = "\n".join(str(value) for row in events for value in row.values())
    assert "$argon2" not in text
    for one in typed:
        assert one not in text
    assert Counter(row["kind"] for row in events) == {
        "account.created": 2,
        "account.codes_on": 1,
        "account.password": 1,
        "account.reset": 1,
        "account.changed": 1,
        "account.disabled": 1,
        "account.enabled": 1,
        "account.elsewhere": 1,
        "account.bound": 1,
    }
    assert verify(ledger).whole
    assert {row["reason"] for row in events} == {"", "改名", "调走", "回来"}
    own = {
        row["actor"] for row in events if row["kind"] in ("account.password", "account.codes_on")
    }
    assert own == {person.id}


def test_no_error_repeats_what_was_typed_as_a_password(ledger: Ledger, person: Account) -> None:
    typed = "qk7-wangwei-typed-this"
    for attempt in (
        lambda: accounts.change_password(ledger, person.id, typed, NEW),
        lambda: accounts.change_password(ledger, person.id, GOOD, "wangwei2021"),
        lambda: made(ledger, "other", password="password123"),
        lambda: accounts.use_codes(ledger, person.id, typed, codes.secret(), "123456"),
    ):
        with pytest.raises(AtlasError) as error:
            attempt()
        for word in (typed, "wangwei2021", "password123", "123456"):
            assert word not in str(error.value)


def test_the_rules_are_those_that_are_promised() -> None:
    assert (guards.FAILURES, guards.LOCK_MINUTES) == (5, 15)
    assert (passwords.SHORTEST, passwords.LONGEST) == (10, 200)

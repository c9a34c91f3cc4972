"""Passwords: kept as argon2id, refused when they would be guessed, with reasons in Chinese."""

from __future__ import annotations

import re
import threading

import pytest
from argon2 import PasswordHasher

from geodata.ledger import passwords
from geodata.ledger.troubles import Refused

PERSON = ("wangwei", "王伟", "市级党务单位1")


def test_a_password_is_kept_as_argon2id_with_the_parameters_of_owasp() -> None:
    held = passwords.hashed("correct horse battery")
    assert held.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.hashed("correct horse battery") != held
    assert passwords.verify(held, "correct horse battery")
    assert not passwords.verify(held, "correct horse batterz")


def test_nothing_is_the_password_of_who_has_none() -> None:
    for typed in ("", "x", "correct horse battery"):
        assert not passwords.verify("", typed)
    assert not passwords.verify("not a hash", "x")


def test_digits_of_a_chinese_keyboard_are_the_same_digits() -> None:
    assert passwords.verify(passwords.hashed("kmwp７４９２ rzqn"), "kmwp7492 rzqn")


@pytest.mark.parametrize("typed", ["\ud800", "a\x00b", "", "长" * 100_000])
def test_odd_bytes_are_a_wrong_password_and_no_accident(typed: str) -> None:
    assert not passwords.verify(passwords.hashed("correct horse battery"), typed)


def test_a_hash_of_older_parameters_is_outdated() -> None:
    older = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x")
    assert passwords.outdated(older)
    assert not passwords.outdated(passwords.hashed("x"))


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("kx7-wq9", "short"),
        ("x" * 201, "long"),
        ("kmwp-7h4t\x00-rzqn", "unseen"),
        ("kmwp-7h4t\ud800-rzqn", "unseen"),
        ("password123", "common"),
        ("1234567890", "sequence"),
        ("aaaaaaaaaaaa", "repeat"),
        ("qwertyuiop", "common"),
        ("wangwei2021", "own"),
        ("weiwang!88", "own"),
        ("王伟的联系点2024", "own"),
        ("Wangwei@2024#", "own"),
        ("lianxidian2024", "own"),
        ("ｂａｎｇｆｕ２０２４", "own"),
        ("Admin@123456", "common"),
        ("2021年7月15日", "date"),
        ("a" * 200, "repeat"),
    ],
)
def test_what_is_soon_guessed_is_refused_and_the_reason_said(password: str, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        passwords.check(password, *PERSON)
    assert rule in [row["rule"] for row in refused.value.breaches]
    for row in refused.value.breaches:
        assert re.search(r"[\u4e00-\u9fff]", row["sentence"])
    assert not re.search(r"[A-Za-z]{3}", str(refused.value)), "zxcvbn's English, or the password"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "我家后院里有三棵老枣树",
        "3hwj-cdn3-t2rb-xd8k",
        "tr9vq-wangwei-lm4zd",
    ],
)
def test_what_is_hard_to_guess_passes(password: str) -> None:
    passwords.check(password, *PERSON)


def test_the_words_about_one_person_are_not_held_against_another() -> None:
    """zxcvbn keeps the words in a table of its module: calls must not mix them up."""
    wrong: list[str] = []

    def judge(own: str, other: str) -> None:
        for _ in range(30):
            try:
                passwords.check(f"{own}mxkqv", own)
            except Refused:
                pass
            else:
                wrong.append(own)
            try:
                passwords.check(f"{other}mxkqvz7w", own)
            except Refused:
                wrong.append(other)

    first, second = "qzvxkjtw", "hgwpzrnd"
    threads = [
        threading.Thread(target=judge, args=pair) for pair in ((first, second), (second, first))
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not wrong


def test_a_long_password_of_odd_characters_is_judged_by_its_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[int] = []
    real = passwords.zxcvbn

    def counted(text: str, **options: object) -> object:
        judged.append(len(text))
        return real(text, **options)

    monkeypatch.setattr(passwords, "zxcvbn", counted)
    passwords.check("@4$5310!|7z(<{" * 14)
    passwords.check("ﷺ" * 20 + "kmwp")  # each becomes eighteen characters
    assert max(judged) <= 40


def test_first_passwords_are_readable_differ_and_pass() -> None:
    made = {passwords.first() for _ in range(200)}
    assert len(made) == 200
    for one in made:
        assert re.fullmatch(r"(?:[a-z2-9]{4}-){3}[a-z2-9]{4}", one)
        assert not set(one) & set("il01o")
        passwords.check(one, *PERSON)

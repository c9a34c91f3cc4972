"""Passwords: hashed with argon2id, refused when they would soon be guessed, and made up."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from pypinyin import lazy_pinyin
from zxcvbn import zxcvbn

from geodata.ledger.troubles import Refused
from geodata.words import say

SHORTEST, LONGEST = 10, 200
SAFE = 3
"""Least score of zxcvbn (0 to 4): not guessed by whoever may try without being slowed down."""

HASHER = PasswordHasher(
    time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
)
"""OWASP's parameters for argon2id (19 MiB, two rounds, one lane). When they change, a hash follows
at its owner's next sign-in."""

PROGRAMME = (
    "bangfu", "atlas", "lianxidian", "fuchicun", "lingdaoxiaozu", "bangongshi", "xiangcun",
    "zhenxing", "tianjin", "zhongguo", "帮扶", "联系点", "扶持村", "领导小组", "办公室", "乡村",
    "振兴", "天津", "中国", "一张图",
)  # fmt: skip
"""Words that whoever guesses passwords of this programme tries first."""
COMMON = ("password", "woaini", "administrator", "admin", "guanliyuan", "mima", "密码", "管理员")
"""Words that are tried first everywhere."""

_JUDGED = 32
"""Characters that are judged: zxcvbn takes ever longer, and these are enough to be safe."""
_UNKNOWN = 6
"""Least characters that are left when known words, dates and runs of digits are taken out. zxcvbn
is generous to several short pieces: 姓名@2024# is four of them, and in every guesser's list."""
_DATE = re.compile(r"(?:19|20)\d\d|\d{1,4}(?=[年月日号])|[年月日号]")
_RUN = re.compile(r"0?1234567890?|(?:0?1)?23456(?:78?9?)?|0?12345?|1314|520|521|(\d)\1+")

_LETTERS = "abcdefghjkmnpqrstuvwxyz"
_DIGITS = "23456789"
"""Without those that are mistaken for others on paper."""

_ONE_AT_A_TIME = threading.Lock()
"""zxcvbn keeps the words it is given in a table of the module."""


def normal(password: str) -> str:
    """A password as it is hashed: full-width characters of a Chinese keyboard made half width."""
    return unicodedata.normalize("NFKC", password)


def hashed(password: str) -> str:
    """The argon2id hash to keep."""
    return HASHER.hash(_bytes(password))


def verify(held: str, password: str) -> bool:
    """Whether a password is the one behind a hash.

    Without a hash ("") a made-up one is verified, and the answer is no: that there is none must
    not be seen by the time it takes.
    """
    nobody = _nobody()
    try:
        HASHER.verify(held or nobody, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False
    return bool(held) and len(password) <= LONGEST


def outdated(held: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(held)


def check(password: str, *about: str) -> None:
    """Pass a password that is long enough and not easily guessed by who knows `about` the person.

    Raises
    ------
    Refused : with every reason, in words.
    """
    reasons = []
    if len(password) > LONGEST:
        reasons.append(("long", say("account.password.long", most=LONGEST)))
    elif len(normal(password)) < SHORTEST:
        reasons.append(("short", say("account.password.short", least=SHORTEST)))
    elif not _storable(password):
        reasons.append(("unseen", say("account.password.unseen")))
    else:
        reasons += [
            (rule, say(f"account.password.{rule}")) for rule in _weaknesses(password, about)
        ]
    if reasons:
        raise Refused(
            "；".join(sentence for _, sentence in reasons),
            breaches=[
                {"rule": rule, "sentence": sentence, "can_override": False}
                for rule, sentence in reasons
            ],
            cure=say("account.password.cure"),
        )


def first(seed: str = "") -> str:
    """A first password, to be read out or typed off paper: `kmwp-7h4t-rzqn-b3xe`.

    Parameters
    ----------
    seed : secret and used once. The same seed gives the same password: what was sent twice can be
        answered twice, and nowhere is the password kept.
    """
    chance = hashlib.shake_256((seed or secrets.token_urlsafe(32)).encode()).digest(40)
    numbers = iter(int.from_bytes(chance[at : at + 2]) for at in range(0, len(chance), 2))
    groups = []
    for _ in range(4):
        group = [_LETTERS[next(numbers) % len(_LETTERS)] for _ in range(3)]
        group.insert(next(numbers) % 4, _DIGITS[next(numbers) % len(_DIGITS)])
        groups.append("".join(group))
    return "-".join(groups)


def _weaknesses(password: str, about: tuple[str, ...]) -> list[str]:
    """Keys of the reasons why a password is soon guessed; empty when it is not."""
    text = normal(password)[:_JUDGED]
    words = _words(about)
    with _ONE_AT_A_TIME:
        found = zxcvbn(text, user_inputs=words)
    reasons = _pieces(text, words)
    if found["score"] < SAFE:
        for match in found["sequence"]:
            pattern = match["pattern"]
            if pattern == "dictionary":
                own = match["dictionary_name"] == "user_inputs"
                pattern = "own" if own else "common"
            if pattern != "bruteforce":
                reasons.append("date" if pattern == "regex" else pattern)
        reasons = reasons or ["guessable"]
    return list(dict.fromkeys(reasons))


def _pieces(text: str, words: list[str]) -> list[str]:
    """Of what a password is made, when next to nothing else is in it."""
    left, reasons = text.casefold(), []
    for word in sorted([*words, *COMMON], key=len, reverse=True):
        # Short syllables are in everything.
        if (len(word) > 2 or not word.isascii()) and word in left:
            left = left.replace(word, "")
            reasons.append("common" if word in COMMON else "own")
    for pattern, reason in ((_DATE, "date"), (_RUN, "sequence")):
        without = pattern.sub("", left)
        if without != left:
            left = without
            reasons.append(reason)
    return reasons if len(left) < _UNKNOWN else []


def _words(about: tuple[str, ...]) -> list[str]:
    """What is known of a person and the programme: whole, in parts, and spelt as pinyin."""
    found: dict[str, None] = {}
    for text in about:
        whole = normal(text).casefold()[:_JUDGED]
        syllables = lazy_pinyin(whole)
        initials = "".join(one[:1] for one in syllables)
        for word in (whole, "".join(syllables), initials, *whole.split(), *syllables):
            if len(word) > 1:
                found[word] = None
    return [*found, *PROGRAMME]


def _bytes(password: str) -> bytes:
    # No browser sends half a pair of UTF-16, but a form can; it is nobody's password then.
    return normal(password[:LONGEST]).encode("utf-8", "backslashreplace")


def _storable(password: str) -> bool:
    return not any(unicodedata.category(char) in ("Cc", "Cs") for char in normal(password))


@cache
def _nobody() -> str:
    """The hash of a password that nobody has."""
    return hashed(secrets.token_urlsafe())

"""Who may do what: roles, rights and the one table between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is in the programme; each account has one."""

    VIEWER = "viewer"
    MEMBER = "member"
    DISTRICT = "district"
    OFFICE = "office"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """What can be allowed. Each page, route and callback names the one that it needs."""

    ANYONE = "anyone"
    """No account is needed: signing in, health, scripts and styles."""
    READ = "read"
    """The portal, the wall and the read API: aggregates and profiles, no ledger, no people."""
    SELF = "self"
    """One's own account: password, one-time codes, signing out."""
    LEDGER = "ledger"
    """Contact points, visits and problems, with the names of people."""
    PICK = "pick"
    """Picking villages for oneself, and asking for proposals."""
    VISIT = "visit"
    """Writing down visits, observations and problems."""
    ANSWER = "answer"
    """Saying that a problem is put right; a district's officer for the own district only."""
    CHECK = "check"
    """Re-checking a problem that is said to be put right: confirming it or sending it back."""
    DIRECT = "direct"
    """The office's: confirm, swap, release, propose for all, assign owners, strike off."""
    PUBLISH = "publish"
    """Publishing, and taking back what was published."""
    ACCOUNTS = "accounts"
    """Managing accounts."""


_EVERYBODY = frozenset({Right.ANYONE, Right.READ, Right.SELF, Right.LEDGER})

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: _EVERYBODY,
    Role.MEMBER: _EVERYBODY | {Right.PICK, Right.VISIT, Right.CHECK},
    Role.DISTRICT: _EVERYBODY | {Right.ANSWER},
    Role.OFFICE: _EVERYBODY | {Right.VISIT, Right.ANSWER, Right.CHECK, Right.DIRECT, Right.PUBLISH},
    Role.ADMINISTRATOR: _EVERYBODY | {Right.ACCOUNTS, Right.PUBLISH},
}
"""Who manages accounts decides nothing about villages, and the other way round. Either may publish:
who keeps the server must be able to take back a wrong figure at night.
"""


@dataclass(frozen=True)
class Actor:
    """Who decides."""

    id: str
    """Of the account; `terminal` for the command line."""
    label: str
    """The name that people read."""
    role: Role
    district: str = ""
    """Code of the district that a district's officer answers for; "" for all others."""
    unit: str = ""
    """Name of the unit that the person works in, as the unit files spell it; may be ""."""

    @property
    def rights(self) -> frozenset[Right]:
        """What the role allows."""
        return RIGHTS[self.role]

    def may(self, right: Right) -> bool:
        """Whether the role has a right."""
        return right in self.rights


TERMINAL = Actor("terminal", "bangfu", Role.ADMINISTRATOR)
"""Who types a command on the server itself may manage accounts, and publish."""

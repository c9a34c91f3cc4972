"""Accounts of the demo: one a role, invented, with passwords that nobody has seen before."""

from __future__ import annotations

from pathlib import Path

from geodata import tree, workspace
from geodata.ledger import accounts, passwords
from geodata.ledger.moments import later
from geodata.ledger.roles import TERMINAL, Role
from geodata.ledger.store import Ledger
from geodata.words import say

NAMES = {
    Role.VIEWER: "viewer",
    Role.MEMBER: "member",
    Role.DISTRICT: "district",
    Role.OFFICE: "office",
    Role.ADMINISTRATOR: "admin",
}
DAYS = 364
"""How long ago the accounts of the demo were made, so that they can have decided things since."""
DISTRICT = "120119"
"""Whose villages the demo's district officer answers for."""


def enrol(folder: Path, ledger: Ledger | None = None) -> list[tuple[Role, str, str]]:
    """Make an account a role in a ledger that has none: role, name and password of each.

    Passwords are in no file, and not fixed by the demo's seed: a demo on a network would be open
    to whoever has read this. Nothing happens when there are accounts already.

    Parameters
    ----------
    folder : of the demo workspace.
    ledger : which; the workspace's own when none is given.
    """
    ledger = ledger or Ledger.of(folder)
    if accounts.all_accounts(ledger):
        return []
    space = workspace.load(folder)
    made = []
    # Together: who is stopped halfway begins anew, and none is left without a known password.
    with ledger.together() as whole:
        long_ago = later(ledger.clock(), days=-DAYS - 7)
        whole.clock = lambda: long_ago
        for role, name in NAMES.items():
            password = passwords.first()
            accounts.create(
                whole,
                TERMINAL,
                name=name,
                label=say("account.demo.label", role=say(f"account.role.{role}")),
                role=role,
                district=tree.canonical(DISTRICT, space.levels[1], space.leaf, space.codes)
                if role is Role.DISTRICT
                else "",
                unit=_unit() if role is Role.MEMBER else "",
                password=password,
                must_change=False,
            )
            made.append((role, name, password))
    return made


def _unit() -> str:
    """A unit of the demo's rosters: what it supports, its people may not pick."""
    field = say("demo.field.party")
    return say("demo.unit.municipal", district="", field=field, number=1)

"""A small world whose villages are picked, and the people who pick them.

云泽市 (`tests.worlds`): three districts of twelve villages; of each, three are targets of `r3`
(`TARGETS`, by position 0, 4, 8, ... 32). 甲单位 supports the villages 0 and 24 through 第1工作队.
"""

from __future__ import annotations

import atexit
import copy
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from geodata.build import write
from geodata.check import read
from geodata.edition import Edition
from geodata.ledger import Actor, Decision, Ledger, Role, tables
from geodata.workspace import ContactPoints
from tests.tiny import write_tiny
from tests.worlds import TARGETS as CHOSEN
from tests.worlds import build_small

TARGETS = CHOSEN["r3"]
OFFICE = Actor("office-1", "办公室 甲", Role.OFFICE)
VIEWER = Actor("viewer-1", "旁观者", Role.VIEWER)


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="bangfu-pickers-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _small() -> Edition:
    return build_small(_folder())


@cache
def _tiny() -> Edition:
    folder = write_tiny(_folder())
    return Edition.open(folder, write(read(folder), folder))


def ruled(edition: Edition, **rules: Any) -> Edition:
    """The same edition, with other rules of picking."""
    other = copy.copy(edition)
    found = ContactPoints.model_validate(rules)
    other.space = edition.space.model_copy(update={"contact_points": found})
    return other


def small(**rules: Any) -> Edition:
    """The small world; income and gap are named unless said otherwise."""
    return ruled(_small(), **{"income": "collective_income", "gap": "gap_items", **rules})


def tiny(**rules: Any) -> Edition:
    """Two levels: a land and nine parishes; targets NA, NB, NC; crews and firms."""
    return ruled(_tiny(), **rules)


def village(n: int) -> str:
    """Code of the n-th village of the small world."""
    return str(_small().nesting.codes[-1][n])


def name(n: int) -> str:
    """Name of the n-th village of the small world."""
    return _small().region(village(n)).name


def join(
    ledger: Ledger, *labels: str, role: Role = Role.MEMBER, unit: str = "", disabled: bool = False
) -> list[Actor]:
    """Accounts with these labels; their ids are the labels, too."""

    def work(decision: Decision) -> dict[str, Any]:
        for label in labels:
            decision.add(
                tables.account, "account.created",
                id=label, name=label, label=label, role=role.value, district="", unit=unit,
                password="", must_change=False, totp="", issuer="", subject="",
                disabled=disabled,
            )  # fmt: skip
        return {}

    ledger.decide(OFFICE, work)
    return [Actor(label, label, role, unit=unit) for label in labels]


def disable(ledger: Ledger, actor: Actor) -> None:
    """Disable an account."""

    def work(decision: Decision) -> dict[str, Any]:
        decision.change(tables.account, actor.id, "account.disabled", disabled=True)
        return {}

    ledger.decide(OFFICE, work)

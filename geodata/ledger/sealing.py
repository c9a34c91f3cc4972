"""The key that short-lived tickets are signed with: one for all who open the same ledger."""

from __future__ import annotations

import secrets

from geodata.ledger.roles import TERMINAL
from geodata.ledger.store import Ledger

_NAME = "sealing"


def key(ledger: Ledger) -> str:
    """The key; whoever asks first makes it up, all others are told the same.

    It is an answer that the ledger remembers: no decision, in no backup and in no export. When it
    is lost another one is made, and tickets of a few minutes are no longer good.

    Raises
    ------
    LedgerError : when there is none yet, and none can be written.
    """
    told = ledger.decide(TERMINAL, lambda _: {"key": secrets.token_urlsafe(32)}, key=_NAME)
    return str(told["key"])

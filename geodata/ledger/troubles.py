"""What can go wrong with a decision, for people and with a status for the edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from geodata.errors import AtlasError


class LedgerError(AtlasError):
    """The ledger cannot be read or written just now: disk full, read-only, locked, gone.

    Nothing was half written: the transaction was rolled back.
    """

    http_status = 503


class NoLedger(LedgerError):
    """There is no ledger yet, or it is not one."""


class NewerLedger(NoLedger):
    """A newer program wrote it; this one leaves it alone."""


class Refused(AtlasError):
    """A rule stands against a decision.

    Parameters
    ----------
    breaches : JSON-able rows, one a rule: `rule`, `sentence`, `can_override`.
    """

    http_status = 422

    def __init__(
        self, message: str, *, breaches: Sequence[dict[str, Any]] = (), **where: Any
    ) -> None:
        self.breaches = list(breaches)
        super().__init__(message, **where)


class Conflict(Refused):
    """Somebody else was first, or the thing has changed since it was read.

    `breaches` may carry what helps: who was first, what is near.
    """

    http_status = 409


class Forbidden(AtlasError):
    """The person's role does not allow it."""

    http_status = 403

"""Short-lived signed tickets: what a browser carries from one step to the next and cannot alter."""

from __future__ import annotations

from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from geodata.ledger import sealing
from geodata.ledger.store import Ledger

Json = dict[str, Any]

LONGEST = 3500
"""Characters; browsers keep cookies of 4 KB."""


class Tickets:
    """Seals tickets and opens them again, in whichever worker: the key is the ledger's.

    They are signed and not encrypted: whoever carries one may read it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._key = ""

    def seal(self, kind: str, said: Json) -> str:
        """A ticket of a kind.

        Raises
        ------
        LedgerError : when there is no key, since the ledger cannot be asked.
        """
        return str(self._serializer(kind).dumps(said))

    def opened(self, kind: str, ticket: str, seconds: int) -> Json | None:
        """What a ticket says; None when it is not ours, of another kind, or too old."""
        if not ticket or len(ticket) > LONGEST:
            return None
        try:
            said = self._serializer(kind).loads(ticket, max_age=seconds)
        except BadData:
            return None
        return said if isinstance(said, dict) else None

    def _serializer(self, kind: str) -> URLSafeTimedSerializer:
        # Asked for once in a worker's life, and not before somebody needs a ticket.
        self._key = self._key or sealing.key(self._ledger)
        return URLSafeTimedSerializer(self._key, salt=f"bangfu.{kind}")

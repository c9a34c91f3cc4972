"""The ledger: what people decide (contact points, visits, problems), and who they are.

Every decision is a row of an append-only, hash-chained audit, written in the same transaction as
what it changes. `Ledger` is the only door: other modules of this room hold the rules of one kind
of decision each, as functions that are given a `Decision`.
"""

from geodata.ledger.roles import Actor, Right, Role
from geodata.ledger.store import Decision, Ledger
from geodata.ledger.troubles import Conflict, Forbidden, LedgerError, NoLedger, Refused

__all__ = [
    "Actor",
    "Conflict",
    "Decision",
    "Forbidden",
    "Ledger",
    "LedgerError",
    "NoLedger",
    "Refused",
    "Right",
    "Role",
]

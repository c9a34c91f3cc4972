"""A ledger on each database."""

from __future__ import annotations

from tests.ledgers import ledger

__all__ = ["ledger"]

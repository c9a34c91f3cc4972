"""Writes a ledger until it is killed: imports once, then forks a writer for each `go`.

Told on stdin: `go`. Tells on stdout: `pid N`, then a line for each pick AFTER its decision
returned, then `dead` when the writer is gone.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from geodata.ledger import Decision, Ledger, tables
from tests.ledgers import OFFICE


def write(url: str, name: str) -> NoReturn:
    """Pick, change, acknowledge; for ever."""
    ledger = Ledger(url)
    number = 0
    while True:
        number += 1
        village = f"{name}-{number}"

        def work(decision: Decision, village: str = village) -> dict[str, str]:
            identifier = decision.add(
                tables.pick, "pick.picked", round="r3", village=village, member="m",
                state="picked", override="", by=OFFICE.id,
            )  # fmt: skip
            decision.change(tables.pick, identifier, "pick.confirmed", state="confirmed")
            return {"id": identifier}

        ledger.decide(OFFICE, work, key=village)
        # One write of a short line: it arrives whole or not at all.
        os.write(1, f"{village}\n".encode())


def main(url: str) -> None:
    """Fork a writer each time one is asked for."""
    # So that a writer lives to write and not to import.
    warm = Ledger(url)
    warm.seq()
    warm.dispose()
    for number, _ in enumerate(sys.stdin):
        child = os.fork()
        if child == 0:
            try:
                # Told by itself, so that no decision is told before it.
                os.write(1, f"pid {os.getpid()}\n".encode())
                write(url, str(number))
            finally:
                os._exit(1)
        os.waitpid(child, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main(sys.argv[1])

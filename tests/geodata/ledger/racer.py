"""Writers of one process in races: told who is to run, tells who won.

Told on stdin, a race a line: `place N` (all want one village) or `quota N` (one member's last
place, each writer wants another village). Tells on stdout, a race a line: the winners' numbers,
then `!` and what else went wrong.
"""

from __future__ import annotations

import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import sqlalchemy as sa

from geodata.ledger import Conflict, Decision, Ledger, tables
from tests.ledgers import OFFICE


def take(ledger: Ledger, kind: str, race: str, writer: int) -> None:
    """Take what only one can have; any rule that counts inside its decision is of this form."""
    village = f"{race}" if kind == "place" else f"{race}-{writer}"
    member = f"m{writer}" if kind == "place" else f"m-{race}"
    scarce = tables.pick.c.village == village if kind == "place" else tables.pick.c.member == member

    def work(decision: Decision) -> dict[str, Any]:
        taken = decision.rows(
            sa.select(sa.func.count().label("n")).select_from(tables.pick).where(scarce)
        )
        if taken[0]["n"]:
            raise Conflict("taken")
        decision.add(
            tables.pick, "pick.picked", round=kind, village=village, member=member,
            state="picked", override="", by=OFFICE.id,
        )  # fmt: skip
        return {}

    ledger.decide(OFFICE, work)


def main(url: str, first: int, count: int) -> None:
    """Run `count` writers, numbered from `first`."""
    ledger = Ledger(url, patience=60)
    ledger.prepare()
    ready, chance = Barrier(count), random.Random(first)

    def run(kind: str, race: str, writer: int) -> str:
        ready.wait()
        # The last to arrive at a barrier is the first to leave it: without this, always the same
        # thread of a process would win, and the others never meet anybody.
        time.sleep(chance.uniform(0, 0.002))
        try:
            take(ledger, kind, race, writer)
        except Conflict:
            return ""
        except Exception as error:
            return f"!{error!r}"
        return str(writer)

    with ThreadPoolExecutor(count) as pool:
        for line in sys.stdin:
            kind, race = line.split()
            told = pool.map(lambda w, k=kind, r=race: run(k, r, w), range(first, first + count))
            sys.stdout.write(" ".join(one for one in told if one) + "\n")
            sys.stdout.flush()
    ledger.dispose()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

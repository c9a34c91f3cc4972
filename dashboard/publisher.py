"""The process that checks and publishes: told a workspace, it does what waits there, and leaves."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dashboard import publications, publish_report, publishing
from dashboard.errands import Taken, write
from dashboard.errors import explain
from dashboard.publications import What
from dashboard.publishing import Outcome, Wished
from geodata import jobs
from geodata.edition import Edition, published_id
from geodata.errors import AtlasError, reason
from geodata.jobs import Job, Standing
from geodata.ledger import accounts
from geodata.ledger.roles import Actor
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import Conflict, Forbidden
from geodata.publish import record
from geodata.publish.gate import Gate, Published, redefined
from geodata.publish.protect import protector
from geodata.words import say

log = logging.getLogger(__name__)

Json = dict[str, Any]

LONGEST = 3 * 3600
"""Seconds for one publication; what takes longer hangs, and would keep all others waiting."""

WHOLE = 1000
"""Parts into which the work is divided for who waits."""

BETWEEN = 0.25
"""Seconds between two reports."""

CHECK_STEPS = {"publish.step.protect": 8, "publish.step.examine": 1}
STEPS = {
    **{name: 2 * weight for name, weight in CHECK_STEPS.items()},
    "publish.step.copy": 1,
    "publish.step.values": 8,
    "publish.step.seal": 8,
    "bundle.step_assets": 2,
    "bundle.step_data": 25,
    "bundle.step_pages": 30,
    "bundle.step_compress": 45,
    "publish.step.audit": 15,
    "publish.step.pages": 10,
}
"""Steps of the work, and how long they take beside each other."""

NEEDS_WORD = "definition_changed"
"""Refusal that a reason overcomes: see `gate.redefined`."""


class Teller:
    """A `Progress` that tells one share of the whole: steps by their weight."""

    def __init__(self, tell: Callable[[int, int, str], None], steps: Mapping[str, int]) -> None:
        self._tell = tell
        self._weights = {say(name): weight for name, weight in steps.items()}
        self._whole = sum(steps.values())
        self._before = 0.0
        self._last = float("-inf")

    @contextmanager
    def step(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """A step of the work; one that nobody weighed is named and counts nothing."""
        weight = self._weights.pop(label, 0)
        done, units = 0, total or 1

        def told(now: bool = False) -> None:
            if not now and time.monotonic() - self._last < BETWEEN:
                return
            self._last = time.monotonic()
            share = (self._before + weight * min(1.0, done / units)) / self._whole
            # Without a count: who listens to a page hears of each step once.
            self._tell(int(share * WHOLE), WHOLE, label)

        def advance(count: int = 1) -> None:
            nonlocal done
            done = min(units, done + count)
            told()

        told(now=True)
        yield advance
        self._before += weight


def work(folder: Path, ledger_url: str) -> None:
    """Do all that waits, one after the other.

    Whoever calls this holds the workspace's lock: a job that still counts as worked on was lost.
    It is not begun again: what was decided may stand in the ledger already, and people look first.
    """
    home = folder / publications.FOLDER
    for left in jobs.unfinished(home):
        if left.status is Standing.WORKING:
            jobs.fail(home, left, lost(folder, left))
    while (job := jobs.claim(home, os.getpid())) is not None:
        signal.alarm(LONGEST)
        try:
            _do(folder, home, job, ledger_url)
        finally:
            signal.alarm(0)


def lost(folder: Path, job: Job) -> str:
    """What is said of a job whose process is gone."""
    if job.request["what"] == What.CHECK:
        return say("publishing.died_check")
    same = published_id(folder) == job.request["before"]
    return say("publishing.died" if same else "publishing.died_after")


def _do(folder: Path, home: Path, job: Job, ledger_url: str) -> None:
    def tell(done: int, total: int, label: str) -> None:
        if not jobs.report(home, job, done, total, label):
            raise Taken

    try:
        result = result_of(folder, job.request, ledger_url, tell)
        content = json.dumps(result, ensure_ascii=False).encode()
        write(publications.result_path(folder, job.id), content)
    except Taken:
        return
    except Exception as error:
        if not isinstance(error, AtlasError):
            log.exception("publication %s", job.id)
        jobs.fail(home, job, sentence(folder, error))
    else:
        jobs.finish(home, job)


def sentence(folder: Path, error: Exception) -> str:
    """An error for the office: files are named as they lie in the workspace."""
    if isinstance(error, AtlasError | FileNotFoundError):
        return explain(error)[1].replace(f"{folder}{os.sep}", "")
    if isinstance(error, OSError):
        return say("publishing.system", reason=reason(error))
    return say("publishing.failed")


def result_of(
    folder: Path, request: Json, ledger_url: str, tell: Callable[[int, int, str], None]
) -> Json:
    """Do what a job asks for; what came of it, see `told`.

    Raises
    ------
    Conflict : edition, publication or withdrawals are not those that the person decided on.
    Forbidden : the person may not publish (any more).
    AtlasError : see `publishing.publish`.
    """
    what = What(request["what"])
    progress = Teller(tell, CHECK_STEPS if what is What.CHECK else STEPS)
    ledger = Ledger(ledger_url)
    try:
        with progress.step(say("publishing.begins")):
            ledger.prepare(create=False)
            actor = _actor(ledger, str(request["by"]))
            if publications.basis(folder, ledger) != request["based"]:
                raise Conflict(say("publishing.moved"), cure=say("publishing.moved_cure"))
            last = record.published(ledger)
        outcome = publishing.publish(
            folder,
            ledger,
            actor,
            _wished(what, request),
            protect=protector(progress),
            progress=progress,
        )
    finally:
        ledger.dispose()
    return told(Edition.open(folder, outcome.edition), outcome, last)


def told(edition: Edition, outcome: Outcome, last: Published | None) -> Json:
    """What the page says of a check or a publication; JSON-able, in words but for ids.

    `refusals` are those that only other data or declarations cure; `changed` are measures that
    need a reason to be published, in `stopped` those that stopped this one for want of it.
    """
    gate = outcome.gate
    return {
        "edition": outcome.edition,
        "public": outcome.public,
        "allowed": gate.allowed,
        "demo": gate.demo,
        "refusals": [asdict(one) for one in gate.refusals if one.code != NEEDS_WORD],
        "stopped": [one.value for one in gate.refusals if one.code == NEEDS_WORD],
        "changed": _changed(gate, last),
        "measures": [publish_report.row(edition, one) for one in gate.measures],
        "held": [one.sentence for one in gate.held],
        "withdrawn": [one.sentence for one in gate.withdrawn],
        "changes": list(gate.changes),
        "losses": publish_report.losses(gate),
    }


def _changed(gate: Gate, last: Published | None) -> list[Json]:
    known = last.known if last else {}
    return [
        {"id": one.id, "label": one.label, "before": known[one.id].label}
        for one in gate.measures
        if redefined(one, last)
    ]


def _wished(what: What, request: Json) -> Wished:
    measure = str(request.get("measure", ""))
    return Wished(
        accept_demo=bool(request.get("accept_demo")),
        accepted=request.get("accepted") or {},
        withdraw=measure if what is What.WITHDRAW else "",
        lift=measure if what is What.LIFT else "",
        why=str(request.get("why", "")),
        pages=tuple(request.get("pages") or ()),
        dry=what is What.CHECK,
        edition=str(request["based"]["edition"]),
    )


def _actor(ledger: Ledger, identifier: str) -> Actor:
    """Who asked, as they stand now: rights may have been taken away meanwhile."""
    found = accounts.account(ledger, identifier)
    if found is None or found.disabled:
        raise Forbidden(say("publish.record.forbidden"), cure=say("publish.record.forbidden_cure"))
    return found.actor


def main() -> None:
    """Do what waits in the workspace that stdin names."""
    os.nice(5)  # readers and screens come first
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    given = json.load(sys.stdin)
    work(Path(given["workspace"]), given["ledger"])


if __name__ == "__main__":
    main()

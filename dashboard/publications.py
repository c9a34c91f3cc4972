"""Checking and publishing off the request thread: asked for, waited for, the same for all who may.

There is one publication at a time in a workspace. Whoever looks sees what goes on, who began it
and what came of the last one; whoever publishes, publishes what a check has shown: see `basis`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from dashboard import errands
from geodata import jobs, state
from geodata.edition import PUBLIC, Edition, published_id
from geodata.errors import AtlasError, EditionError, reason
from geodata.jobs import Job, Standing
from geodata.ledger.roles import Actor
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import Conflict, NoLedger
from geodata.publish import record
from geodata.words import say

FOLDER = "publications"
LOCK = "lock"
KEPT = 40
"""Jobs whose outcome is kept."""

Json = dict[str, Any]


class What(StrEnum):
    """What a job does."""

    CHECK = "check"
    PUBLISH = "publish"
    WITHDRAW = "withdraw"
    LIFT = "lift"


class PublicationError(AtlasError):
    """The workspace cannot keep what a publication needs."""

    http_status = 503


@dataclass(frozen=True)
class Told:
    """A job and what came of it."""

    job: Job
    result: Json | None
    """As `publisher.told` writes it; None until the job is done."""

    @property
    def what(self) -> What:
        """What it does."""
        return What(self.job.request["what"])

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.job.status in (Standing.WAITING, Standing.WORKING)

    @property
    def published(self) -> str:
        """Id of what it published; "" for nothing."""
        return str(self.result["public"]) if self.result else ""


@dataclass(frozen=True)
class Desk:
    """What there is to see of a workspace's publications."""

    running: Told | None
    check: Told | None
    """The last check that ended."""
    ended: Told | None
    """The last publication that ended, however."""


class Publications:
    """The publications of one workspace. Safe for threads and workers.

    Parameters
    ----------
    ledger_url : of the same ledger, for the process that does the work.
    """

    def __init__(
        self,
        folder: Path,
        ledger: Ledger,
        ledger_url: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = Path(folder)
        self._ledger = ledger
        self._home = self.folder / FOLDER
        self._tender = errands.Tender(
            self._home / LOCK, lambda held: start(self.folder, ledger_url, held), clock
        )

    def begin(self, actor: Actor, what: What, key: str, based: Json, **wish: Any) -> Job:
        """Have something done; asked again with the same key, it is the same job.

        Parameters
        ----------
        key : of the form that asked.
        based : the `basis` on which the person decided: on another one the job is refused.
        wish : what else `publisher` is to know of it.

        Raises
        ------
        Conflict : another one is not done yet.
        PublicationError : the workspace cannot be written.
        """
        self._check_folder()
        name = _name(actor, key)
        if jobs.find(self._home, name) is None and (going := jobs.unfinished(self._home)):
            raise busy(going[0])
        request = {
            "what": what.value,
            "by": actor.id,
            "who": actor.label,
            "based": based,
            "before": published_id(self.folder),
            **wish,
        }
        job = jobs.ask(self._home, name, request, most=1)
        if job is None:
            raise busy(None)
        self._prune()
        self._tender.tend(job, new=True)
        return job

    def was_asked(self, actor: Actor, key: str) -> bool:
        """Whether a form was sent before: it is done once, and changed what it was based on."""
        return jobs.find(self._home, _name(actor, key)) is not None

    def running(self) -> Told | None:
        """What goes on; who looks also sees to it that it does."""
        going = jobs.unfinished(self._home)
        if not going:
            return None
        self._tender.tend(going[0])
        return Told(going[0], None)

    def desk(self) -> Desk:
        """What goes on and what was last."""
        running = self.running()
        recent = jobs.latest(self._home, KEPT)
        return Desk(running, self._last(recent, check=True), self._last(recent, check=False))

    def _last(self, recent: list[Job], *, check: bool) -> Told | None:
        for job in recent:
            if (job.request["what"] == What.CHECK) is not check:
                continue
            if job.status is Standing.FAILED:
                return Told(job, None)
            if job.status is Standing.DONE:
                with contextlib.suppress(OSError, ValueError):
                    return Told(job, json.loads(result_path(self.folder, job.id).read_bytes()))
        return None

    def _check_folder(self) -> None:
        try:
            self._home.mkdir(exist_ok=True, mode=0o700)
            if not os.access(self._home, os.W_OK):
                raise PermissionError
        except OSError as error:
            why = reason(error) if error.errno else say("error.system.denied")
            raise PublicationError(
                say("publishing.read_only"), value=why, cure=say("publishing.read_only_cure")
            ) from error

    def _prune(self) -> None:
        """Forget what is too old to be shown."""
        old = [job.id for job in jobs.latest(self._home, 10 * KEPT)[KEPT:]]
        for name in old:
            result_path(self.folder, name).unlink(missing_ok=True)
        if old:
            jobs.forget(self._home, old)


def _name(actor: Actor, key: str) -> str:
    return hashlib.sha256(f"{actor.id} {key}".encode()).hexdigest()[:20]


def basis(folder: Path, ledger: Ledger) -> Json:
    """What a publication follows from: the current edition, the last publication, and what is
    taken back. As long as it is the same, what a check has shown holds.

    Raises
    ------
    EditionError : when nothing was built yet.
    LedgerError : when the ledger cannot be read.
    """
    found = state.current(folder)
    if found is None:
        raise EditionError(say("api.no_edition"), cure=say("api.no_edition_cure"))
    try:
        last, taken = record.published(ledger), record.withdrawals(ledger)
    except NoLedger:
        last, taken = None, {}
    return {
        "edition": found[0],
        "last": last.id if last else "",
        "taken": sorted([one.measure, one.day, one.why] for one in taken.values()),
    }


def tag(based: Json) -> str:
    """A basis as a form carries it."""
    return hashlib.sha256(json.dumps(based, sort_keys=True).encode()).hexdigest()[:20]


def busy(job: Job | None) -> Conflict:
    """Somebody else is at it."""
    if job is None:
        return Conflict(say("publishing.busy_terminal"), cure=say("publishing.busy_cure"))
    return Conflict(
        say("publishing.busy", who=job.request["who"], what=word(What(job.request["what"]))),
        cure=say("publishing.busy_cure"),
    )


def word(what: What) -> str:
    """What a job does, in a word."""
    return say(f"publishing.what.{what.value}")


def result_path(folder: Path, identifier: str) -> Path:
    """Where what came of a job is kept."""
    return Path(folder) / FOLDER / f"{identifier}.json"


def start(folder: Path, ledger_url: str, lock: int) -> subprocess.Popen[bytes]:
    """Begin the process that does what waits; it inherits the lock, and so holds it."""
    told = {"workspace": str(folder.resolve()), "ledger": ledger_url}
    return errands.begin("dashboard.publisher", told, lock)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else publishes from a workspace meanwhile: what the command asks for.

    Raises
    ------
    Conflict : somebody does already.
    PublicationError : the workspace cannot be written.
    """
    home = Path(folder) / FOLDER
    try:
        home.mkdir(exist_ok=True, mode=0o700)
        held = errands.take(home / LOCK)
    except OSError as error:
        raise PublicationError(
            say("publishing.read_only"), value=reason(error), cure=say("publishing.read_only_cure")
        ) from error
    if held is None:
        raise busy(next(iter(jobs.unfinished(home)), None))
    try:
        yield
    finally:
        os.close(held)


# ---- what was published, as files ----


def site_of(folder: Path, public: str) -> Path | None:
    """The folder of a publication, if that is the one that holds now."""
    place = Path(folder) / PUBLIC / public
    return place if public and public == published_id(folder) and place.is_dir() else None


def size_of(folder: Path) -> tuple[int, int]:
    """How many files a folder holds, and their bytes."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def public_edition(folder: Path) -> Edition | None:
    """What readers see; None when nothing was published, or it cannot be opened."""
    try:
        return Edition.open_public(folder)
    except (EditionError, OSError):
        return None

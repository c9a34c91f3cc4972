"""Proposals off the request thread: asked for, waited for, kept, accepted; no routes.

A job belongs to whoever asked for it: others are told that there is none. The queue is one of its
own, so that a slide deck never keeps a member waiting.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from dashboard import errands
from dashboard.cache import code_fingerprint
from dashboard.library import Library
from dashboard.proposer import as_bytes, problem_path, result_path, solution_of
from dashboard.routes import Busy
from geodata import jobs
from geodata.edition import Edition
from geodata.errors import AtlasError, BadRequest, UnknownName, reason
from geodata.jobs import Job, Standing
from geodata.ledger import suggest
from geodata.ledger.roles import Actor
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import Refused
from geodata.proposals import Wish
from geodata.words import say

FOLDER = "proposals"
MOST_WAITING = 50
MOST_KEPT = 400
FORGOTTEN = 7 * 86_400.0
"""Seconds after which what became of a proposal is no longer told."""

_ID = re.compile(r"[0-9a-f]{20}")

Json = dict[str, Any]


class ProposalError(AtlasError):
    """A proposal cannot be kept."""

    http_status = 503


class Proposals:
    """The proposals of one workspace. Safe for threads and workers."""

    def __init__(
        self,
        library: Library,
        ledger: Ledger,
        *,
        lock: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._ledger = ledger
        self._folder = library.folder / FOLDER
        self._tender = errands.Tender(
            lock or errands.machine_lock(FOLDER), lambda held: start(self._folder, held), clock
        )

    def start(
        self,
        actor: Actor,
        who: str,
        *,
        pins: Sequence[Any] = (),
        forbidden: Sequence[Any] = (),
        today: date | None = None,
    ) -> Json:
        """Ask for a proposal; the same question to the same ledger is the same job.

        What this person asked before and is not done is ended: nobody waits for it any more.

        Parameters
        ----------
        who : `me` or `all`.
        pins, forbidden : codes, or objects with `village` and (for all) `member`.

        Raises
        ------
        BadRequest, Forbidden, UnknownName, Refused : see `geodata.ledger.suggest.problem`.
        Busy : too many wait.
        ProposalError : the workspace cannot be written.
        """
        edition = self._library.current().edition
        problem = suggest.problem(
            self._ledger,
            edition,
            actor,
            who,
            pins=wishes(pins),
            forbidden=wishes(forbidden),
            today=today,
        )
        content = as_bytes(problem)
        request = {
            "by": actor.id,
            "who": who,
            "what": "solve",
            "edition": edition.id,
            "pins": [[one.village, one.member] for one in wishes(pins)],
            "forbidden": [[one.village, one.member] for one in wishes(forbidden)],
        }
        name = _identify(request, content)
        self._check_folder()
        errands.write(problem_path(self._folder, name), content)
        self._end_older(actor, name)
        return self._ask(name, request)

    def start_next(self, actor: Actor, identifier: str, village: str, member: str = "") -> Json:
        """Ask what the next best would cost: the best without a village (at one member).

        Raises
        ------
        UnknownName : no such job of this person, or its proposal does not hold the village.
        """
        job = self._done(actor, identifier)
        chosen = solution_of(self._result(job)["solution"]).choices
        fits = [
            one
            for one in chosen
            if one.village == village and one.member in (member or one.member,)
        ]
        if not fits:
            raise UnknownName(say("propose.job.no_village"), value=str(village)[:40])
        request = {
            "by": actor.id,
            "who": job.request["who"],
            "what": "next",
            "of": job.id,
            "village": village,
            "member": member,
        }
        return self._ask(_identify(request, b""), request)

    def status(self, actor: Actor, identifier: str) -> Json:
        """How far a job is: `id`, `status`, `done`, `total`, `label`; `result` or `error` at last.

        Raises
        ------
        UnknownName : there is none, it is somebody else's, or it was cleared away.
        """
        job = self._job(actor, identifier)
        self._tender.tend(job)
        return self._said(job)

    def stop(self, actor: Actor, identifier: str) -> None:
        """Let go of a job that is not done; the process that works on it ends soon.

        Raises
        ------
        UnknownName : no such job of this person.
        """
        job = self._job(actor, identifier)
        jobs.withdraw(self._folder, [job.id])

    def is_stale(self, actor: Actor, identifier: str) -> bool:
        """Whether ledger or edition would put another problem now: then solve again first.

        Raises
        ------
        UnknownName : no such job of this person.
        """
        job = self._job(actor, identifier)
        told = job.request
        if told["what"] != "solve":
            return False
        try:
            problem = suggest.problem(
                self._ledger,
                self._library.current().edition,
                actor,
                str(told["who"]),
                pins=tuple(Wish(*one) for one in told["pins"]),
                forbidden=tuple(Wish(*one) for one in told["forbidden"]),
            )
        except (Refused, UnknownName):
            return True
        return as_bytes(problem) != problem_path(self._folder, job.id).read_bytes()

    def accept(
        self,
        actor: Actor,
        identifier: str,
        *,
        only: Collection[str] | None = None,
        key: str = "",
    ) -> Json:
        """Turn a proposal into contact points; see `geodata.ledger.suggest.accept`.

        Raises
        ------
        UnknownName : there is none, or it is not done.
        """
        job = self._done(actor, identifier)
        if job.request["what"] != "solve":
            raise UnknownName(say("propose.job.unknown"), cure=say("propose.job.unknown_cure"))
        edition: Edition = self._library.current().edition
        return suggest.accept(
            self._ledger,
            edition,
            actor,
            str(job.request["who"]),
            solution_of(self._result(job)["solution"]),
            only=only,
            key=key,
        )

    def _ask(self, name: str, request: Json) -> Json:
        job = jobs.find(self._folder, name)
        if job is not None and job.status is Standing.DONE and not self._there(job):
            jobs.forget(self._folder, [name])
        job = jobs.ask(self._folder, name, request, most=MOST_WAITING)
        if job is None:
            raise Busy(say("propose.job.busy"), cure=say("propose.job.busy_cure"))
        prune(self._folder)
        self._tender.tend(job, new=True)
        return self._said(job)

    def _end_older(self, actor: Actor, name: str) -> None:
        """End what somebody asked for and did not get yet, but for what belongs to a new job."""
        older = [
            job.id
            for job in jobs.unfinished(self._folder)
            if job.request.get("by") == actor.id and name not in (job.id, job.request.get("of"))
        ]
        if older:
            jobs.withdraw(self._folder, older)

    def _job(self, actor: Actor, identifier: str) -> Job:
        job = None
        if _ID.fullmatch(identifier) and self._folder.is_dir():
            job = jobs.find(self._folder, identifier)
        if job is None or job.request.get("by") != actor.id or not self._there(job):
            raise UnknownName(say("propose.job.unknown"), cure=say("propose.job.unknown_cure"))
        return job

    def _done(self, actor: Actor, identifier: str) -> Job:
        job = self._job(actor, identifier)
        if job.status is not Standing.DONE:
            raise UnknownName(say("propose.job.not_done"), cure=say("propose.job.not_done_cure"))
        return job

    def _there(self, job: Job) -> bool:
        of = str(job.request.get("of") or job.id)
        done = job.status is not Standing.DONE or result_path(self._folder, job.id).is_file()
        return done and problem_path(self._folder, of).is_file()

    def _result(self, job: Job) -> Json:
        found: Json = json.loads(result_path(self._folder, job.id).read_bytes())
        return found

    def _said(self, job: Job) -> Json:
        label = job.label or say("propose.job.soon")
        if job.status is Standing.WAITING:
            waiting = [one.id for one in jobs.unfinished(self._folder)]
            ahead = waiting.index(job.id) if job.id in waiting else 0
            label = say("propose.job.ahead", count=ahead) if ahead else label
        elif job.status is Standing.DONE:
            label = say("propose.job.done")
        said: Json = {
            "id": job.id,
            "who": job.request["who"],
            "what": job.request["what"],
            "status": job.status.value,
            "done": job.done,
            "total": job.total,
            "label": label,
            "pins": job.request.get("pins", []),
            "forbidden": job.request.get("forbidden", []),
        }
        if job.status is Standing.DONE:
            said["result"] = self._result(job)["told"]
        if job.status is Standing.FAILED:
            said["error"] = job.error
        return said

    def _check_folder(self) -> None:
        try:
            self._folder.mkdir(exist_ok=True, mode=0o700)
            if not os.access(self._folder, os.W_OK):
                raise PermissionError
        except OSError as error:
            why = reason(error) if error.errno else say("error.system.denied")
            raise ProposalError(
                say("propose.job.read_only"), value=why, cure=say("propose.job.read_only_cure")
            ) from error


def wishes(items: Sequence[Any]) -> tuple[Wish, ...]:
    """Pins or forbidden villages, as a request spells them.

    Raises
    ------
    BadRequest : when they are of another form.
    """
    if not isinstance(items, list | tuple):
        raise BadRequest(say("propose.job.body"))
    found = []
    for item in items:
        told = {"village": item} if isinstance(item, str) else item
        if isinstance(item, Wish):
            told = {"village": item.village, "member": item.member}
        if not isinstance(told, dict) or not set(told) <= {"village", "member"}:
            raise BadRequest(say("propose.job.body"), value=str(item)[:40])
        village, member = told.get("village"), told.get("member", "")
        if not isinstance(village, str) or not isinstance(member, str):
            raise BadRequest(say("propose.job.body"), value=str(item)[:40])
        found.append(Wish(village, member))
    return tuple(found)


def start(folder: Path, lock: int) -> subprocess.Popen[bytes]:
    """Begin the process that does what waits; it inherits the lock, and so holds it."""
    return errands.begin("dashboard.proposer", {"folder": str(folder.resolve())}, lock)


def prune(folder: Path, *, most: int = MOST_KEPT) -> None:
    """Clear away what was asked for the longest ago."""
    busy = {job.id for job in jobs.unfinished(folder)}
    busy |= {str(job.request.get("of")) for job in jobs.unfinished(folder)}
    files = sorted(folder.glob("*.json"), key=lambda path: -path.stat().st_mtime)
    gone = []
    for path in files[most:]:
        name = path.name.partition(".")[0]
        if _ID.fullmatch(name) and name not in busy:
            path.unlink(missing_ok=True)
            gone.append(name)
    if gone:
        jobs.forget(folder, gone, before=time.time() - FORGOTTEN)


def _identify(request: Json, content: bytes) -> str:
    """Twenty hex digits: the same for the same question of the same person to the same ledger."""
    said = json.dumps([code_fingerprint(), request], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(said.encode() + content).hexdigest()[:20]

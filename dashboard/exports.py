"""Files to take away, made off the request thread: a process of its own tells how far it is."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request, send_file

from dashboard import answers, errands
from dashboard.access import needs
from dashboard.asked import arguments
from dashboard.briefings import Briefings, Version, cast
from dashboard.cache import code_fingerprint
from dashboard.errands import Taken, Tender, write
from dashboard.errors import explain
from dashboard.library import Library
from dashboard.live import with_ledger
from dashboard.routes import Busy
from geodata import jobs, periods
from geodata.edition import Edition
from geodata.errors import AtlasError, BadRequest, UnknownName, reason
from geodata.jobs import Job, Standing
from geodata.ledger.roles import Right
from geodata.progress import SILENT, Progress
from geodata.words import say
from layers import briefing, deck
from layers.view import View, resolve

log = logging.getLogger(__name__)

FOLDER = "exports"
FORMAT = 1
"""Of what is made; part of each job's id, so that a file of an older version is not handed out."""
MOST_WAITING = 8
MOST_FILES = 40
MOST_BYTES = 2**30
"""What the folder may hold; the longest unasked go first."""
SIZES = (320, 7680)
"""Pixels of a picture's side: a phone's, and an eight-fold wall's."""
SCREEN = (1920, 1080)
LONGEST = 600
"""Seconds for one file; what takes longer hangs, and would keep all others waiting."""
FORGOTTEN = 7 * 86_400.0
"""Seconds after which what became of a job is no longer told."""
TYPES = {
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "pdf": "application/pdf",
    "png": "image/png",
    "zip": "application/zip",
}
FORMATS = ("pptx", "pdf", "png")
KEYS = {"briefing": {"briefing"}, "view": {"query"}}
"""What can be taken away, and the key that says which."""

_ID = re.compile(r"[0-9a-f]{20}")
_HOST = re.compile(r"[0-9A-Za-z._\[\]:-]{1,255}")
_BETWEEN = 0.25
"""Seconds between two notes of how far the work is."""

Json = dict[str, Any]


class ExportError(AtlasError):
    """A file cannot be made."""

    http_status = 503


# --- what is wished for ----------------------------------------------------------------------


def wish(body: Any, edition: Edition, briefings: Briefings, link: str) -> Json:
    """A checked request, spelled out so that another process can do it with nothing else.

    JSON-able: `edition`, `what`, `format`, `width`, `height`, `link`, `name` (of the file), and
    `query`, or `briefing` and `declared` (None: the built-in). Where the ledger is shown also
    `revision`: of a newer ledger it is another file.

    Raises
    ------
    BadRequest : a key or value that is none.
    UnknownName : a briefing, or a name in the view, that is not there.
    """
    if not isinstance(body, dict):
        raise BadRequest(say("export.body"), cure=say("export.body_cure"))
    what = _one_of("what", body.get("what"), tuple(KEYS))
    known = {"what", "format", "width", "height", *KEYS[what]}
    for key in body:
        if key not in known:
            names = "、".join(sorted(known))
            cure = say("api.argument_unknown_cure", names=names)
            raise BadRequest(say("api.argument_unknown"), value=str(key)[:80], cure=cure)
    kind = _one_of("format", body.get("format"), FORMATS)
    width, height = (
        _side(name, body.get(name), usual)
        for name, usual in zip(("width", "height"), SCREEN, strict=True)
    )
    (key,) = KEYS[what]
    named = body.get(key)
    if not isinstance(named, str):
        raise BadRequest(say("export.text", name=key), cure=say("export.body_cure"))
    found: Json = {"edition": edition.id, "what": what, "format": kind, "link": link}
    if kind == "png":
        # The pages of the other formats have one size: asking for another is the same wish.
        found |= {"width": width, "height": height}
    if what == "view":
        return found | of_view(edition, named, kind)
    if not briefings.knows(named):
        raise UnknownName(say("export.unknown_briefing"), value=named[:80])
    _, shown = briefings.current(named)
    if briefings.follows(edition, shown):
        found["revision"] = edition.revision(*(one.id for one in edition.measures))
    return found | of_briefing(edition, shown, kind)


def of_view(edition: Edition, query: str, kind: str) -> Json:
    """The part of a wish that names a view; its names are checked."""
    view = View.from_query(query)
    look = resolve(view, edition)
    parts = [edition.notices()["title"], look.region.name]
    if look.measure is not None:
        parts.append(look.measure.label)
    if look.period_id not in (None, periods.ALWAYS):
        parts.append(periods.label(str(look.period_id)))
        # The file stays what it is when a newer edition has a later period.
        view = replace(view, period=look.period_id)
    found: Json = {"query": view.to_query(), "name": answers.file_name(*parts, suffix=kind)}
    if look.measure is not None and edition.live(look.measure.id):
        found["revision"] = edition.revision(look.measure.id)
    return found


def of_briefing(edition: Edition, shown: Version, kind: str) -> Json:
    """The part of a wish that names a briefing, with all that it says."""
    declared = shown.briefing.model_dump(mode="json") if shown.briefing.strict else None
    parts = (shown.briefing.title, edition.notices()["cutoff"])
    suffix = "zip" if kind == "png" else kind
    return {
        "briefing": shown.id,
        "declared": declared,
        "name": answers.file_name(*parts, suffix=suffix),
    }


def identify(wished: Json) -> str:
    """The id of a wish: the same for everybody who wishes the same of the same edition."""
    said = json.dumps([FORMAT, code_fingerprint(), wished], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:20]


def suffix_of(wished: Json) -> str:
    """The file's ending."""
    return str(wished["name"]).rpartition(".")[2]


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in allowed:
        shown = "" if value is None else str(value)[:80]
        cure = say("error.allowed", names="、".join(allowed))
        raise BadRequest(say("export.choice", name=name), value=shown, cure=cure)
    return value


def _side(name: str, value: object, usual: int) -> int:
    low, high = SIZES
    if value is None:
        return usual
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        cure = say("export.side_cure", low=low, high=high)
        raise BadRequest(say("export.side", name=name), value=str(value)[:80], cure=cure)
    return value


# --- making it -------------------------------------------------------------------------------


def make(edition: Edition, wished: Json, progress: Progress = SILENT) -> bytes:
    """The bytes of the file that is wished for.

    Raises
    ------
    AtlasError : when it cannot be made of this edition.
    """

    def link(query: str) -> str:
        return f"{wished['link']}/?{query}" if query else f"{wished['link']}/"

    notes: dict[str, str] = {}
    if wished["what"] == "view":
        contents = [briefing.of_view(edition, View.from_query(wished["query"]))]
    else:
        contents, notes = _contents(edition, wished, progress)
    if wished["format"] == "pptx":
        return deck.pptx(edition, contents, link=link, notes=notes, progress=progress)
    if wished["format"] == "pdf":
        return deck.pdf(edition, contents, link=link, notes=notes, progress=progress)
    pictures = []
    size = {"width": wished["width"], "height": wished["height"]}
    with progress.step(say("export.pictures"), len(contents)) as advance:
        for content in contents:
            pictures.append(deck.png(edition, content, **size, link=link))
            advance(1)
    return pictures[0] if wished["what"] == "view" else _packed(contents, pictures)


def _contents(
    edition: Edition, wished: Json, progress: Progress
) -> tuple[list[Json], dict[str, str]]:
    """What the scenes of a briefing show, and their notes; a scene that fails is left out."""
    said = wished["declared"]
    declared = briefing.default() if said is None else briefing.Briefing.model_validate(said)
    scenes = cast(edition, Version(wished["briefing"], "", declared))
    if isinstance(scenes, AtlasError):
        raise scenes
    contents = []
    with progress.step(say("export.contents"), len(scenes)) as advance:
        for scene in scenes:
            try:
                contents.append(briefing.content(edition, scene))
            except Exception:
                log.exception("export: no scene %s of edition %s", scene.id, edition.id)
            advance(1)
    if not contents:
        raise ExportError(say("export.empty"), value=declared.title)
    return contents, {scene.id: scene.notes for scene in scenes if scene.notes}


def _packed(contents: list[Json], pictures: list[bytes]) -> bytes:
    """One PNG a scene, numbered in their order, in a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        pairs = zip(contents, pictures, strict=True)
        for number, (content, picture) in enumerate(pairs, start=1):
            name = answers.file_name(f"{number:02}", str(content["title"]), suffix="png")
            archive.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), picture)
    return packed.getvalue()


# --- as the server sees it -------------------------------------------------------------------


class Exports:
    """The files of one workspace: asked for, waited for, fetched. Safe for threads and workers.

    Work is begun by whoever asks or looks: a process that holds the machine's lock does what
    waits and ends. When it was killed, the lock is free, and the next look begins again.
    """

    def __init__(
        self,
        library: Library,
        briefings: Briefings,
        *,
        ledger: str = "",
        lock: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._briefings = briefings
        self._folder = library.folder
        self._ledger = ledger
        self._tender = Tender(
            lock or machine_lock(), lambda held: start(self._folder, held, self._ledger), clock
        )

    def ask(self, body: Any, link: str) -> Json:
        """What has become of a request; begun, if it is a new one.

        Raises
        ------
        BadRequest, UnknownName : see `wish`.
        Busy : too many wait.
        ExportError : the workspace cannot be written.
        """
        wished = wish(body, self._library.current().edition, self._briefings, link)
        name = identify(wished)
        self._check_folder()
        job = jobs.find(self._folder, name)
        if job is not None and job.status is Standing.DONE:
            try:
                os.utime(self._path(job))  # asked for again: among the last to be cleared away
            except OSError:
                jobs.forget(self._folder, [name])
        job = jobs.ask(self._folder, name, wished, most=MOST_WAITING)
        if job is None:
            raise Busy(say("export.busy"), cure=say("export.busy_cure"))
        self._tender.tend(job, new=True)
        return self._said(job)

    def status(self, identifier: str) -> Json:
        """How far a job is.

        Raises
        ------
        UnknownName : there is none, or its file was cleared away.
        """
        job = self._job(identifier)
        self._tender.tend(job)
        return self._said(job)

    def file(self, identifier: str) -> tuple[Path, str, str]:
        """Path, name and media type of a file that is done.

        Raises
        ------
        UnknownName : it is not there (yet, or any more).
        """
        job = self._job(identifier)
        if job.status is not Standing.DONE:
            raise UnknownName(say("export.not_done"), cure=say("export.not_done_cure"))
        return self._path(job), str(job.request["name"]), TYPES[suffix_of(job.request)]

    def _job(self, identifier: str) -> Job:
        job = jobs.find(self._folder, identifier) if _ID.fullmatch(identifier) else None
        if job is None or (job.status is Standing.DONE and not self._path(job).is_file()):
            raise UnknownName(say("export.unknown"), cure=say("export.unknown_cure"))
        return job

    def _path(self, job: Job) -> Path:
        return self._folder / FOLDER / f"{job.id}.{suffix_of(job.request)}"

    def _said(self, job: Job) -> Json:
        label = job.label or say("export.soon")
        if job.status is Standing.WAITING:
            waiting = [one.id for one in jobs.unfinished(self._folder)]
            ahead = waiting.index(job.id) if job.id in waiting else 0
            label = say("export.ahead", count=ahead) if ahead else label
        elif job.status is Standing.DONE:
            label = say("export.done")
        said = {
            "id": job.id,
            "status": job.status.value,
            "done": job.done,
            "total": job.total,
            "label": label,
        }
        if job.status is Standing.DONE:
            said["url"] = f"/api/v1/exports/{job.id}/file"
        if job.status is Standing.FAILED:
            said["error"] = job.error
        return said

    def _check_folder(self) -> None:
        folder = self._folder / FOLDER
        try:
            folder.mkdir(exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise PermissionError
        except OSError as error:
            why = reason(error) if error.errno else say("error.system.denied")
            raise ExportError(
                say("export.read_only"), value=why, cure=say("export.read_only_cure")
            ) from error


def machine_lock() -> Path:
    """The file whose lock says that this user's machine is making a file."""
    return errands.machine_lock(FOLDER)


def start(folder: Path, lock: int, ledger: str = "") -> subprocess.Popen[bytes]:
    """Begin a process that does what waits in a workspace; it inherits the lock, and so holds it.

    `ledger` is the URL of the ledger; "" for none.
    """
    told = {"workspace": str(folder.resolve()), "ledger": ledger}
    return errands.begin("dashboard.exports", told, lock)


def register(server: Flask, exports: Exports, *, public_url: str = "") -> None:
    """Add the routes to `server`. `public_url`: base of the links; empty: as the reader came."""

    def base() -> str:
        if public_url:
            return public_url.rstrip("/")
        if not _HOST.fullmatch(request.host):
            raise BadRequest(say("export.host"))
        return request.host_url.rstrip("/")

    @server.post("/api/v1/exports")
    @needs(Right.READ)
    def ask_export() -> Response:
        arguments()
        try:
            body = request.get_json()
        except RecursionError as error:
            raise BadRequest(say("export.body"), cure=say("export.body_cure")) from error
        return answers.as_json(exports.ask(body, base()), answers.NEVER, status=202)

    @server.get("/api/v1/exports/<identifier>")
    @needs(Right.READ)
    def export_status(identifier: str) -> Response:
        arguments()
        return answers.as_json(exports.status(identifier), answers.NEVER)

    @server.get("/api/v1/exports/<identifier>/file")
    @needs(Right.READ)
    def export_file(identifier: str) -> Response:
        arguments()
        path, name, kind = exports.file(identifier)
        response = send_file(path, kind, as_attachment=True, download_name=name)
        response.headers["Cache-Control"] = "private, no-cache"
        return response


# --- the process that does the work ----------------------------------------------------------


class Teller:
    """A `geodata.progress.Progress` that tells one number: slides done of all.

    Steps before the last are told in words, so that what is counted never goes back.
    """

    def __init__(self, tell: Callable[[int, int, str], None], slides: int) -> None:
        self._tell = tell
        self._slides = slides
        self._done = 0
        self._last = float("-inf")

    @contextmanager
    def step(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """A step; one whose total is that of the slides, and is not about contents, counts."""
        counted = label != say("export.contents")
        done = 0

        def told(now: bool = False) -> None:
            if not now and time.monotonic() - self._last < _BETWEEN:
                return
            self._last = time.monotonic()
            said = {"label": label, "done": done, "total": total}
            text = say("export.step", **said) if total and total > 1 else label
            self._tell(self._done, self._slides, text)

        def advance(units: int = 1) -> None:
            nonlocal done
            done += units
            if counted:
                self._done = min(self._slides, self._done + units)
            told(done == total)

        if total is not None and not counted:
            self._slides = total
        told(now=True)
        yield advance


def work(folder: Path, ledger: str = "") -> None:
    """Do all that waits in a workspace, one after the other, and leave.

    Whoever calls this holds the machine's lock: a job that still counts as worked on was lost.
    """
    jobs.recover(folder, lambda job: True)
    while (job := jobs.claim(folder, os.getpid())) is not None:
        signal.alarm(LONGEST)
        try:
            _do(folder, job, ledger)
        finally:
            signal.alarm(0)


def _do(folder: Path, job: Job, ledger: str) -> None:
    def tell(done: int, total: int, label: str) -> None:
        if not jobs.report(folder, job, done, total, label):
            raise Taken

    place = folder / FOLDER
    try:
        edition = Edition.open(folder, str(job.request["edition"]))
        if "revision" in job.request:
            edition = with_ledger(edition, ledger)
        progress = Teller(tell, 1)
        with progress.step(say("export.begins")):
            content = make(edition, job.request, progress)
        write(place / f"{job.id}.{suffix_of(job.request)}", content)
        prune(folder, keep=job.id)
    except Taken:
        return
    except Exception as error:
        status, sentence = explain(error)
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            sentence = say("export.system", reason=reason(error))
        elif status >= 500 and not isinstance(error, AtlasError | FileNotFoundError):
            sentence = say("export.failed")
        if not isinstance(error, AtlasError):
            log.exception("export %s", job.id)
        jobs.fail(folder, job, sentence)
    else:
        jobs.finish(folder, job)


def prune(folder: Path, keep: str, *, most: int = MOST_FILES, most_bytes: int = MOST_BYTES) -> None:
    """Clear away the files that nobody asked for the longest, and what became of old jobs."""
    files = []
    for path in (folder / FOLDER).iterdir():
        state = path.stat()
        if path.name.startswith("."):
            # Of a process that was killed while it wrote; only one writes at a time.
            path.unlink(missing_ok=True)
        elif _ID.fullmatch(path.stem) and path.suffix.removeprefix(".") in TYPES:
            files.append((path.stem != keep, -state.st_mtime, state.st_size, path))
    gone, held = [], 0
    for number, (_, _, size, path) in enumerate(sorted(files), start=1):
        held += size
        if number > 1 and (number > most or held > most_bytes):
            path.unlink(missing_ok=True)
            gone.append(path.stem)
    jobs.forget(folder, gone, before=time.time() - FORGOTTEN)


def check_link(text: str) -> str:
    """An address that links can begin with, without its last slash.

    Raises
    ------
    BadRequest : when it is none.
    """
    parts = urlsplit(text)
    usable = parts.scheme in {"http", "https"} and _HOST.fullmatch(parts.netloc)
    if not usable or parts.query or parts.fragment or not text.isprintable() or " " in text:
        raise BadRequest(say("export.link"), value=text, cure=say("export.link_cure"))
    return text.rstrip("/")


def main() -> None:
    """Do what waits in the workspace that stdin names."""
    os.nice(10)  # screens come first
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    told = json.load(sys.stdin)
    work(Path(told["workspace"]), told["ledger"])


if __name__ == "__main__":
    main()

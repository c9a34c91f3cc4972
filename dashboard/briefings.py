"""Which briefings a workspace has, what their scenes show, and the routes that tell it."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, Response

from dashboard import answers
from dashboard.access import needs
from dashboard.asked import arguments
from dashboard.cache import Store, code_fingerprint
from dashboard.library import Library
from geodata import kept
from geodata.edition import Edition
from geodata.errors import AtlasError, UnknownName
from geodata.ledger.roles import Right
from geodata.progress import SILENT, Progress
from geodata.words import say
from layers import briefing, thumbnail
from layers.briefing import Briefing, BriefingError, Scene

log = logging.getLogger(__name__)

FOLDER = "briefings"
DEFAULT = "default"
"""The built-in briefing; a file of this name takes its place."""
FORMAT = 1
"""Of what is served; part of each fingerprint."""
LONGEST_NAME = 64
NAME = re.compile(r"[a-z0-9-]{1,64}")
FINGERPRINT = re.compile(r"([0-9a-f]{12})(?:-[0-9]{1,12}-[0-9]{8}-[0-9a-f]{8})?")
"""What a fingerprint looks like; with the name the only things that an address may hold. The
second part is there where a scene follows the ledger: the revision that it shows, or a later."""
CALM = 10.0
"""Seconds between two changes of a fingerprint by the ledger: a wall fetches each, and while
fifty people pick it would otherwise never have one whole."""
KIND = "briefing"
"""Under which the last good version of a file is remembered for other processes."""
KEPT = 64
"""Versions of briefings that one process remembers, so that a wall ends what it began."""
WRITTEN = 2.0
"""Seconds during which a file that cannot be read may still be being written."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """What a briefing said at one time."""

    id: str
    fingerprint: str
    """Changes with what it says and with the code that shows it."""
    briefing: Briefing


@dataclass(frozen=True)
class Found:
    """A file of the folder as it was last read."""

    id: str
    stamp: tuple[int, ...] | None
    """None: to be read again at the next look."""
    version: Version | None
    fault: AtlasError | None


def version(identifier: str, declared: Briefing) -> Version:
    """A briefing with its fingerprint."""
    said = json.dumps(declared.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
    text = f"{FORMAT}:{code_fingerprint()}:{declared.strict}:{said}"
    return Version(identifier, hashlib.sha256(text.encode()).hexdigest()[:12], declared)


def cast(edition: Edition, shown: Version) -> tuple[Scene, ...] | AtlasError:
    """The scenes of a briefing in an edition, or why it has none there."""
    try:
        return tuple(briefing.scenes(edition, shown.briefing))
    except AtlasError as error:
        return _at_home(error, shown.briefing.file)
    except Exception:
        log.exception("briefing %s of edition %s", shown.id, edition.id)
        return BriefingError(say("export.broken"), value=shown.id)


class Shelf:
    """The briefing files of a workspace, read again when they change; safe for many threads."""

    def __init__(
        self,
        folder: Path,
        *,
        recheck: float = 1.0,
        patience: float = WRITTEN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = Path(folder) / FOLDER
        self._recheck = recheck
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._found: dict[str, Found] = {}

    def look(self, *, now: bool = False) -> dict[str, Found]:
        """The files by id, in the order of their names; looked for at most once in `recheck`."""
        with self._lock:
            if now or self._clock() - self._looked >= self._recheck:
                self._looked = self._clock()
                self._found = dict(self._files())
            return self._found

    def _files(self) -> Iterator[tuple[str, Found]]:
        try:
            paths = sorted(path for path in self._folder.iterdir() if path.suffix == ".toml")
        except OSError:
            return  # most workspaces have no such folder
        for path in paths:
            if path.name.startswith("."):
                continue  # an editor's own
            try:
                state = path.stat()
            except OSError:
                continue  # gone since
            stamp = (state.st_mtime_ns, state.st_size, state.st_ino)
            held = self._found.get(path.stem)
            if held is None or held.stamp != stamp:
                held = self._read(path, stamp, held)
            yield path.stem, held

    def _read(self, path: Path, stamp: tuple[int, ...], held: Found | None) -> Found:
        try:
            return Found(path.stem, stamp, version(path.stem, _read(path)), None)
        except AtlasError as error:
            fresh = time.time() - stamp[0] / 1e9 < self._patience
            if fresh and held is not None and held.version is not None and held.fault is None:
                # Most likely half written: what it said before holds until it is read again.
                return Found(path.stem, None, held.version, None)
            return Found(path.stem, stamp, None, error)


def _read(path: Path) -> Briefing:
    """What a file says.

    Raises
    ------
    AtlasError : with file (in the workspace), place, value and cure.
    """
    if len(path.stem) > LONGEST_NAME:
        raise _at_home(BriefingError(say("export.name"), cure=say("export.name_cure")), path)
    try:
        return briefing.read(path)
    except AtlasError as error:
        raise _at_home(error, path) from error


def _at_home(error: AtlasError, path: Path | str) -> AtlasError:
    """The error with its file as the workspace calls it: where that lies is nobody's business."""
    error.file = f"{FOLDER}/{Path(path).name}" if path else ""
    return error


@dataclass(frozen=True)
class Surveyed:
    """A briefing of a workspace, for the command line."""

    id: str
    version: Version | None
    """None when it cannot be read."""
    scenes: tuple[Scene, ...]
    problem: AtlasError | None


def survey(folder: Path, edition: Edition | None = None) -> list[Surveyed]:
    """All briefings of a workspace, the built-in last; files alone without an edition."""
    rows = []
    files = Shelf(folder, patience=0).look()
    for name in [*(name for name in files if name != DEFAULT), DEFAULT]:
        found = files.get(name)
        shown = found.version if found else version(DEFAULT, briefing.default())
        problem = found.fault if found else None
        scenes: tuple[Scene, ...] = ()
        if shown is not None and edition is not None:
            given = cast(edition, shown)
            if isinstance(given, AtlasError):
                problem = given
            else:
                scenes = given
        rows.append(Surveyed(name, shown, scenes, problem))
    return rows


def described(edition: Edition, rows: list[Surveyed], progress: Progress = SILENT) -> list[str]:
    """Lines that say what there is: each briefing, its scenes with their sentences, problems."""
    lines = []
    for row in rows:
        title = row.version.briefing.title if row.version else say("export.unreadable")
        lines.append(say("export.line", id=row.id, title=title, count=len(row.scenes)))
        if row.problem is not None:
            lines.append(say("export.problem", problem=row.problem))
        with progress.step(title, len(row.scenes)) as advance:
            for number, scene in enumerate(row.scenes, start=1):
                sentence = briefing.content(edition, scene)["sentence"]
                text = say("export.scene", title=scene.title, sentence=sentence, id=scene.id)
                lines.append(f"  {number:>2}  {text}")
                advance(1)
    return lines


class Briefings:
    """The briefings of a workspace as a running server knows them; safe to use from many threads.

    A file that is broken, or names what the edition does not have, is told as a problem, and the
    last version of it that could be shown stays; without one the built-in briefing is shown in
    its place: a wall never goes dark because somebody is mending a file.
    """

    def __init__(
        self,
        library: Library,
        store: Store,
        *,
        recheck: float = 1.0,
        calm: float = CALM,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._calm = calm
        self._clock = clock
        self._revisions: dict[str, tuple[str, float]] = {}
        self._shelf = Shelf(library.folder, recheck=recheck, clock=clock)
        self._lock = threading.Lock()
        self._versions: OrderedDict[tuple[str, str], Version] = OrderedDict()
        self._good: dict[str, Version | None] = {}
        self._complaints: dict[str, str] = {}
        self._pens: OrderedDict[object, threading.Lock] = OrderedDict()
        self._builtin = version(DEFAULT, briefing.default())
        self._cast: OrderedDict[tuple[str, ...], tuple[Scene, ...] | AtlasError] = OrderedDict()
        self._content: Callable[..., Json] = store.memoise("scene", self._draw)
        self._line: Callable[..., Json] = store.memoise("scene line", self._describe)
        self._thumbnail: Callable[..., str] = store.memoise("scene thumbnail", self._sketch)
        self._jump: Callable[..., Json] = store.memoise("region scene", region_content)

    def listed(self) -> Json:
        """Every briefing with its title, fingerprint, number of scenes, and problem or None."""
        edition = self._library.current().edition
        rows = []
        for name in self._names():
            shown, problem = self._choose(edition, name)
            rows.append(
                {
                    "id": name,
                    "title": shown.briefing.title,
                    "fingerprint": self._print(edition, shown),
                    "scenes": len(self._scenes(edition, shown)),
                    "problem": str(problem) if problem else None,
                }
            )
        return {"edition": edition.id, "briefings": rows}

    def current(self, identifier: str) -> tuple[Edition, Version]:
        """The current edition, and the version of a briefing that is shown of it.

        A briefing that is not there (any more) is the built-in one: the version says which.
        """
        edition = self._library.current().edition
        return edition, self._choose(edition, identifier)[0]

    def knows(self, identifier: str) -> bool:
        """Whether there is a briefing of this name, broken or not."""
        return identifier in self._names()

    def fingerprint(self, identifier: str) -> tuple[str, str, str]:
        """Edition, briefing and fingerprint of what a wall with this briefing shows now.

        The briefing is another one than asked for when that is not there or cannot be shown.
        """
        edition, shown = self.current(identifier)
        return edition.id, shown.id, self._print(edition, shown)

    def scenes(self, identifier: str) -> Json:
        """`scenes.json` of what a wall with this briefing shows now."""
        return self.told(*self.current(identifier))[0]

    def notes(self, identifier: str) -> dict[str, str]:
        """The rehearsal notes by scene; scenes without any are left out."""
        return {
            scene.id: scene.notes
            for scene in self._scenes(*self.current(identifier))
            if scene.notes
        }

    def version(self, identifier: str, fingerprint: str) -> Version:
        """A version that this process showed or could show.

        Raises
        ------
        UnknownName : for any other.
        """
        match = FINGERPRINT.fullmatch(fingerprint)
        if not (NAME.fullmatch(identifier) and match):
            raise UnknownName(say("export.unknown_briefing"), value=identifier[:80])
        fingerprint = match[1]
        for now in (False, True):
            # Another process may have read a file sooner than this one.
            for found in [self._builtin, *(f.version for f in self._shelf.look(now=now).values())]:
                if found is not None and (found.id, found.fingerprint) == (identifier, fingerprint):
                    return self._keep(found)
            with self._lock:
                held = self._versions.get((identifier, fingerprint))
            if held is not None:
                return held
        raise UnknownName(
            say("export.old_briefing"), value=identifier, cure=say("export.old_briefing_cure")
        )

    def told(self, edition: Edition, shown: Version) -> tuple[Json, bool]:
        """`scenes.json`, and whether all scenes are in it.

        One that cannot be made is left out and logged: the others go on.
        """
        lines = []
        declared = self._scenes(edition, shown)
        for scene in declared:
            # What does not follow the ledger keeps its address: a wall has it already.
            fingerprint = self._print(edition, shown, scene)
            key = (shown.id, fingerprint, scene.id)
            try:
                with self._alone("line", edition.id, *key):
                    line = self._line(edition, *key)
            except Exception:
                log.exception("briefing %s: no scene %s of edition %s", *key[::2], edition.id)
                continue
            place = f"/briefings/{edition.id}/{shown.id}/{fingerprint}/scene/{scene.id}"
            bounds = line.pop("bounds")
            sketch = {"url": f"{place}.svg", "bounds": bounds} if bounds else None
            lines.append(line | {"url": f"{place}.json", "thumbnail": sketch})
        said = {
            "edition": edition.id,
            "briefing": shown.id,
            "fingerprint": self._print(edition, shown),
            "title": shown.briefing.title,
            "notices": edition.notices(),
            "scenes": lines,
        }
        return said, len(lines) == len(declared)

    def content(self, edition: Edition, shown: Version, scene: str) -> Json:
        """What a scene shows.

        Raises
        ------
        UnknownName : when the briefing has no such scene.
        """
        found = self.scene(edition, shown, scene)
        key = (shown.id, self._print(edition, shown, found), scene)
        with self._alone("content", edition.id, *key):
            return self._content(edition, *key)

    def thumbnail(self, edition: Edition, shown: Version, scene: str) -> str:
        """SVG text of a scene's map.

        Raises
        ------
        UnknownName : when the briefing has no such scene.
        """
        found = self.scene(edition, shown, scene)
        key = (shown.id, self._print(edition, shown, found), scene)
        with self._alone("thumbnail", edition.id, *key):
            return self._thumbnail(edition, *key)

    def region(self, edition: Edition, code: str) -> Json:
        """A region's scene, whether a briefing has one or not.

        Raises
        ------
        UnknownName : when there is no such region.
        """
        known = edition.region(code).code
        with self._alone("region", edition.id, known):
            return self._jump(edition, known)

    def scene(self, edition: Edition, shown: Version, identifier: str) -> Scene:
        """One scene of a briefing.

        Raises
        ------
        UnknownName : when there is none of that name.
        """
        for scene in self._scenes(edition, shown):
            if scene.id == identifier:
                return scene
        raise UnknownName(say("export.unknown_scene"), value=identifier[:80])

    def follows(self, edition: Edition, shown: Version, scene: str | None = None) -> bool:
        """Whether a scene of a briefing, or any of them, follows the ledger."""
        own = self._scenes(edition, shown) if scene is None else [self.scene(edition, shown, scene)]
        return any(edition.revision(*one.names) != edition.revision() for one in own)

    def _print(self, edition: Edition, shown: Version, scene: Scene | None = None) -> str:
        """The fingerprint of a briefing, or of one of its scenes, in an edition as it is now."""
        if not self.follows(edition, shown, scene.id if scene else None):
            return shown.fingerprint
        revision, now = _revision(edition), self._clock()
        with self._lock:
            told, since = self._revisions.get(edition.id, ("", float("-inf")))
            if told != revision and now - since >= self._calm:
                told = revision
                self._revisions = {edition.id: (told, now)}
        return f"{shown.fingerprint}-{told}"

    def _names(self) -> list[str]:
        files = self._shelf.look()
        return [name for name in files if name != DEFAULT] + [DEFAULT]

    def _choose(self, edition: Edition, identifier: str) -> tuple[Version, AtlasError | None]:
        """The version that is shown under a name, and what is wrong with its file."""
        found = self._shelf.look().get(identifier)
        if found is None:
            return self._keep(self._builtin), None
        problem = found.fault
        if found.version is not None:
            problem = self._misfit(edition, found.version)
        self._complain(identifier, problem)
        if found.version is not None and problem is None:
            self._remember(found.version)
            return self._keep(found.version), None
        last = self._recall(identifier)
        if last is not None and self._misfit(edition, last) is None:
            return self._keep(last), problem
        return self._keep(self._builtin), problem

    def _remember(self, shown: Version) -> None:
        """Note the last good version, also for workers that start while its file is broken."""
        held = self._good.get(shown.id)
        if held is not None and held.fingerprint == shown.fingerprint:
            return
        self._good[shown.id] = shown
        try:
            kept.keep(self._library.folder, KIND, shown.id, shown.briefing.model_dump_json())
        except AtlasError as error:
            log.info("briefing %s is remembered by this process alone: %s", shown.id, error)

    def _recall(self, identifier: str) -> Version | None:
        """The last good version that this process or another one showed."""
        if identifier not in self._good:
            self._good[identifier] = None
            try:
                said = kept.recalled(self._library.folder, KIND, identifier)
                if said is not None:
                    declared = Briefing.model_validate_json(said)
                    self._good[identifier] = version(identifier, declared)
            except (AtlasError, ValueError) as error:
                # An older program may have allowed what this one does not.
                log.info("briefing %s: nothing to fall back on: %s", identifier, error)
        return self._good[identifier]

    def _complain(self, identifier: str, problem: AtlasError | None) -> None:
        """Log a problem once, when it comes up."""
        text = str(problem) if problem else ""
        if text and self._complaints.get(identifier) != text:
            log.warning("briefing %s: %s", identifier, text)
        self._complaints[identifier] = text

    def _keep(self, shown: Version) -> Version:
        """Remember what may be asked for by its fingerprint when the file says something else."""
        with self._lock:
            self._versions[shown.id, shown.fingerprint] = shown
            self._versions.move_to_end((shown.id, shown.fingerprint))
            while len(self._versions) > KEPT:
                self._versions.popitem(last=False)
        return shown

    def _misfit(self, edition: Edition, shown: Version) -> AtlasError | None:
        """Why a briefing cannot be shown of an edition."""
        found = self._cut(edition, shown)
        return found if isinstance(found, AtlasError) else None

    def _scenes(self, edition: Edition, shown: Version) -> tuple[Scene, ...]:
        found = self._cut(edition, shown)
        if isinstance(found, AtlasError):
            raise found
        return found

    def _cut(self, edition: Edition, shown: Version) -> tuple[Scene, ...] | AtlasError:
        """The scenes of a briefing in an edition, or why there are none; remembered."""
        key = (edition.id, _revision(edition), shown.id, shown.fingerprint)
        with self._lock:
            if key in self._cast:
                self._cast.move_to_end(key)
                return self._cast[key]
        found = cast(edition, shown)
        with self._lock:
            self._cast[key] = found
            while len(self._cast) > KEPT:
                self._cast.popitem(last=False)
        return found

    def _draw(self, edition: Edition, identifier: str, fingerprint: str, scene: str) -> Json:
        shown = self.version(identifier, fingerprint)
        return briefing.content(edition, self.scene(edition, shown, scene))

    def _describe(self, edition: Edition, identifier: str, fingerprint: str, name: str) -> Json:
        """A scene's line in `scenes.json`, but for its addresses."""
        shown = self.version(identifier, fingerprint)
        scene = self.scene(edition, shown, name)
        said = self.content(edition, shown, name)
        region = said["region"]
        return {
            "id": scene.id,
            "kind": str(scene.kind),
            "title": scene.title,
            "dwell": scene.dwell,
            "sentence": said["sentence"],
            "region": {"code": region["code"], "name": region["name"]},
            "bounds": thumbnail.bounds(edition, scene.view.region),
        }

    def _sketch(self, edition: Edition, identifier: str, fingerprint: str, name: str) -> str:
        view = self.scene(edition, self.version(identifier, fingerprint), name).view
        return thumbnail.thumbnail(
            edition, view.measure, view.round, "dark", view.period, region=view.region
        )

    @contextmanager
    def _alone(self, *key: object) -> Iterator[None]:
        """One thread at a time for a key: ten walls that open at once draw each scene once."""
        with self._lock:
            pen = self._pens.pop(key, None) or threading.Lock()
            self._pens[key] = pen
            while len(self._pens) > 1000:
                self._pens.popitem(last=False)
        with pen:
            yield


def _revision(edition: Edition) -> str:
    """What of the ledger an edition shows; "" for nothing."""
    return edition.revision(*(one.id for one in edition.measures))


def region_content(edition: Edition, code: str) -> Json:
    """What a region's scene shows, of no briefing in particular."""
    return briefing.content(edition, briefing.region_scene(edition, code))


def register(server: Flask, library: Library, briefings: Briefings) -> None:
    """Add the routes to `server`."""

    @server.get("/api/v1/briefings")
    @needs(Right.READ)
    def briefing_list() -> Response:
        arguments()
        return answers.as_json(briefings.listed())

    @server.get("/briefings/<edition>/<name>/<fingerprint>/scenes.json")
    @needs(Right.READ)
    def briefing_scenes(edition: str, name: str, fingerprint: str) -> Response:
        arguments()
        book, shown = library.edition(edition), briefings.version(name, fingerprint)
        said, whole = briefings.told(book, shown)
        # A scene that lacks today may be there when the server has been mended.
        for_good = whole and not briefings.follows(book, shown)
        return answers.as_json(said, answers.FOREVER if for_good else answers.ASK)

    @server.get("/briefings/<edition>/<name>/<fingerprint>/scene/<scene>.json")
    @needs(Right.READ)
    def briefing_scene(edition: str, name: str, fingerprint: str, scene: str) -> Response:
        arguments()
        book, shown = library.edition(edition), briefings.version(name, fingerprint)
        briefings.scene(book, shown, scene)
        if briefings.follows(book, shown, scene):
            return answers.as_json(briefings.content(book, shown, scene))
        kind = "application/json"
        return answers.known_already(kind) or answers.forever(
            answers.compact(briefings.content(book, shown, scene)), kind
        )

    @server.get("/briefings/<edition>/<name>/<fingerprint>/scene/<scene>.svg")
    @needs(Right.READ)
    def briefing_thumbnail(edition: str, name: str, fingerprint: str, scene: str) -> Response:
        arguments()
        book, shown = library.edition(edition), briefings.version(name, fingerprint)
        briefings.scene(book, shown, scene)
        kind = "image/svg+xml"
        if briefings.follows(book, shown, scene):
            image = briefings.thumbnail(book, shown, scene).encode()
            return answers.tagged(Response(image, mimetype=kind), image, answers.ASK)
        return answers.known_already(kind) or answers.forever(
            briefings.thumbnail(book, shown, scene).encode(), kind
        )

    @server.get("/briefings/<edition>/region/<code>.json")
    @needs(Right.READ)
    def briefing_region(edition: str, code: str) -> Response:
        arguments()
        return answers.as_json(briefings.region(library.edition(edition), code))

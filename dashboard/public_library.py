"""What is published in a folder: its current public edition and site, followed while served.

Opens `DIR/public/current` and `DIR/public/ID/{edition,site}` and nothing else: DIR may be a copy
that holds no more than that.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from flask import Request, Response

from dashboard.public_api import withdrawn
from dashboard.public_files import INDEX, Site, is_immutable
from geodata.edition import CURRENT, MANIFEST, PUBLIC, PUBLIC_EDITION, Edition
from geodata.errors import AtlasError, EditionError
from geodata.words import say

log = logging.getLogger(__name__)

GRACE = 300.0
"""Seconds for which what the last site's pages name is still answered: as long as a cache may
show those pages (`public_files.FEW_MINUTES`); not when something was withdrawn."""
REST = 5.0
"""Seconds between two attempts to open what is broken: each may walk thousands of files."""
_ID = re.compile(r"[0-9a-f]{16}")
_ORIGIN = re.compile(r"https?://(?:\*\.)?[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Publication:
    """One publication, open."""

    edition: Edition
    site: Site
    embed: tuple[str, ...]
    """Origins whose pages may show `embed.html` in a frame."""
    withdrawn: frozenset[str] = frozenset()
    """Measures that were published once and are no more."""
    read: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Held while an answer is made of the edition, so that one request makes it and not ten."""


def find(folder: Path) -> tuple[str, int] | None:
    """Id and time (ns) of what `public/current` points at; None when nothing was published.

    The time is part of it: the same edition may have been given a new site.

    Raises
    ------
    EditionError : the file holds something else than an id, or cannot be read.
    """
    pointer = Path(folder) / PUBLIC / CURRENT
    try:
        with pointer.open("rb") as stream:
            text = stream.read(64).decode("ascii", "replace").strip()
        changed = pointer.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _broken(pointer) from error
    if not _ID.fullmatch(text):
        raise _broken(pointer, "pointer")
    return text, changed


def open_edition(folder: Path, identifier: str) -> Edition:
    """The public edition of an id.

    Raises
    ------
    EditionError : it cannot be read, or is not one that was made for the public.
    """
    home = Path(folder) / PUBLIC / identifier / PUBLIC_EDITION
    try:
        built = datetime.fromtimestamp((home / MANIFEST).stat().st_mtime, UTC)
        book = Edition(home, identifier, built.isoformat(timespec="seconds"))
    except (OSError, EditionError) as error:
        raise _broken(home) from error
    if not book.public:
        # Somebody has copied an edition here by hand: all that districts reported is in it.
        raise _broken(home, "not_public")
    return book


def check(folder: Path) -> str:
    """The id of what would be served; quick, so that a start fails with a sentence.

    Raises
    ------
    EditionError : nothing was published, or it is broken.
    """
    found = find(folder)
    if found is None:
        raise nothing(folder)
    open_edition(folder, found[0])
    home = Path(folder) / PUBLIC / found[0] / "site"
    if not (home / INDEX[1:]).is_file():
        raise _broken(home)
    return found[0]


def nothing(folder: Path) -> EditionError:
    """What is said where nothing was published."""
    return EditionError(say("public_server.none"), file=str(folder), cure=say("public_server.cure"))


class PublicLibrary:
    """The publication that is served; safe to use from many threads.

    The pointer is read at most once in `recheck` seconds. A new publication is opened aside,
    while the one before is still served; one that is broken is logged, and the last good one
    stays.
    """

    def __init__(
        self,
        folder: Path,
        *,
        recheck: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = Path(folder)
        self._recheck = recheck
        self._clock = clock
        self._lock = threading.Lock()
        self._mark: tuple[str, int] | None = None
        self._held: Publication | None = None
        self._before: tuple[Publication, float] | None = None
        self._next = float("-inf")
        self._complaint: EditionError | None = None

    def current(self) -> Publication:
        """The current publication.

        Raises
        ------
        EditionError : when there is none and never was one, or it is broken; says the cure.
        """
        if self._held is None:
            with self._lock:
                if self._held is None and self._clock() >= self._next:
                    self._look()
        elif self._clock() >= self._next and self._lock.acquire(blocking=False):
            # Opening walks thousands of files: nobody's answer waits for that.
            self._next = self._clock() + self._recheck
            aside = threading.Thread(target=self._look_aside, name="publication", daemon=True)
            try:
                aside.start()
            except RuntimeError:  # no thread to be had just now; the next one asks again
                self._lock.release()
        held = self._held
        if held is None:
            raise self._complaint or nothing(self.folder)
        return held

    def file(self, url: str, request: Request) -> Response | None:
        """The answer of a file of the site; None when there is no such address.

        Also from the site before, for `GRACE` seconds, what its pages name by content: they may
        still stand in a cache.

        Raises
        ------
        EditionError : when nothing can be served.
        """
        now, before = self.current(), self._before
        try:
            answer = now.site.answer(url, request)
        except OSError as error:
            raise _broken(self.folder) from error
        if answer is None and before is not None and is_immutable(url):
            if self._clock() < before[1]:
                try:
                    return before[0].site.answer(url, request)
                except OSError:
                    return None  # it was removed meanwhile, as it may be
            self._before = None
        return answer

    def _look_aside(self) -> None:
        try:
            self._look()
        finally:
            self._lock.release()

    def _look(self) -> None:
        """Read the pointer, and open what it names if that is another than what is held."""
        rest = self._recheck
        try:
            found = find(self.folder)
            if found is None:
                raise nothing(self.folder)
            if found != self._mark:
                rest = max(rest, REST)
                opened = self._open(found[0])
                last = self._held
                # What was withdrawn is gone at once, whatever old pages ask for.
                kept = last is not None and opened.withdrawn <= last.withdrawn
                self._before = (last, self._clock() + GRACE) if last and kept else None
                self._held, self._mark = opened, found
                log.info("publication %s", found[0])
            self._complaint, rest = None, self._recheck
        except Exception as error:
            # Whatever is wrong with the folder, what was served a second ago still can be.
            told = error if isinstance(error, EditionError) else _broken(self.folder)
            if str(told) != str(self._complaint or ""):
                log.warning("cannot be served: %s", told, exc_info=told is not error)
            self._complaint = told
        self._next = self._clock() + rest

    def _open(self, identifier: str) -> Publication:
        book = open_edition(self.folder, identifier)
        home = self.folder / PUBLIC / identifier / "site"
        try:
            site = Site(home) if home.is_dir() else None
        except (OSError, AtlasError) as error:
            raise _broken(home) from error
        if site is None or INDEX not in site.files:
            raise _broken(home)
        gone = frozenset(str(one.get("id")) for one in withdrawn(book))
        return Publication(book, site, _origins(book), gone)


def _origins(book: Edition) -> tuple[str, ...]:
    """Who may embed: `[publication] embed` of the workspace that was published, and
    `publication.embed` of the manifest; what is no origin would end up in a header.
    """
    declared = book.manifest.get("publication")
    listed = declared.get("embed") if isinstance(declared, dict) else None
    given = [*book.space.publication.embed, *(listed if isinstance(listed, list) else ())]
    sites = dict.fromkeys(str(one).rstrip("/") for one in given)
    for one in sites:
        if not _ORIGIN.fullmatch(one):
            log.warning("may not embed, since it is no origin: %r", one[:200])
    return tuple(one for one in sites if _ORIGIN.fullmatch(one))


def _broken(place: Path, key: str = "broken") -> EditionError:
    return EditionError(
        say(f"public_server.{key}"), file=str(place), cure=say("public_server.cure")
    )

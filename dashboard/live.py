"""Editions that know the ledger, and the routes by which open maps follow it."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from dashboard import answers
from dashboard.access import needs
from dashboard.asked import arguments
from dashboard.library import Current, Library
from dashboard.respite import Respite
from dashboard.services import Drawn
from geodata.arrays import compress
from geodata.edition import Edition
from geodata.errors import UnknownName
from geodata.ledger import Ledger, LedgerError, NoLedger, Right, board, written
from geodata.ledger.live import Record, read
from geodata.live_edition import NO_PROBLEMS, LiveEdition, Snapshot
from geodata.words import say
from layers.view import View

log = logging.getLogger(__name__)

Json = dict[str, Any]

SOONEST = 0.1
"""Seconds between two looks, whatever revisions browsers name."""
_BINARY = "application/octet-stream"


class Watch:
    """The newest snapshot of a ledger; safe to use from many threads.

    The ledger is asked at most once in `recheck` seconds, by whoever wants to know, and read only
    where it went on. When it is away the last snapshot stays; while there never was one, or no
    ledger, there is none. Watching makes no ledger: that is for whoever decides something.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        recheck: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ledger = ledger
        self._recheck = recheck
        self._clock = clock
        self._lock = threading.Lock()
        self._respite = Respite(clock=clock)
        self._due = self._looked = float("-inf")
        self._there = False
        self._snapshot: Snapshot | None = None
        self._complaint = ""

    def look(self, revision: str = "") -> Snapshot | None:
        """The snapshot, at most `recheck` seconds old while the ledger answers.

        Parameters
        ----------
        revision : that a browser was told of, perhaps by another process: if it is another one,
            this one looks sooner.
        """
        held = self._snapshot
        if revision and held is not None and held.revision != revision:
            self._due = min(self._due, self._looked + SOONEST)
        # Whoever finds it stale looks, all others go on with what there is; but the first wait.
        if self._clock() >= self._due and not self._respite.lasts:
            first = self._due == float("-inf")
            if self._lock.acquire(blocking=first):
                try:
                    self._refresh()
                finally:
                    self._lock.release()
        return self._snapshot

    def _refresh(self) -> None:
        began = self._clock()
        if began < self._due or self._respite.lasts:
            return  # somebody else has just looked
        self._looked = began
        try:
            held = self._snapshot
            with self._respite.asking():
                if not self._there:
                    self.ledger.prepare(create=False)
                    self._there = True
                found = take(self.ledger, held.record if held else None)
            if held is None or held != found:
                self._snapshot = found
            self._complaint = ""
        except NoLedger:
            pass  # nothing was decided yet
        except LedgerError as error:
            if str(error) != self._complaint:
                log.warning("the last contact points stay: %s", error)
            self._complaint = str(error)
        self._due = self._clock() + self._recheck


def take(ledger: Ledger, known: Record | None = None) -> Snapshot:
    """A ledger's snapshot now.

    Raises
    ------
    LedgerError : when it cannot be read.
    """
    today = date.fromisoformat(written.day_of(ledger.clock()))
    return Snapshot(read(ledger, known), today)


class LiveLibrary(Library):
    """A library whose editions are told what the ledger says (`geodata.live_edition`).

    An edition is made anew only when its snapshot is another one; where there is no ledger it is
    the plain edition.
    """

    def __init__(
        self,
        folder: Path,
        watch: Watch,
        *,
        recheck: float = 1.0,
        keep: int = 4,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(folder, recheck=recheck, keep=keep, clock=clock)
        self.watch = watch
        self._live_keep = keep
        self._live: OrderedDict[str, tuple[Edition, LiveEdition]] = OrderedDict()
        self._live_lock = threading.Lock()

    def current(self) -> Current:
        """See `Library.current`."""
        found = super().current()
        return Current(self._with_ledger(found.edition), found.built_at)

    def edition(self, identifier: str) -> Edition:
        """See `Library.edition`."""
        return self._with_ledger(super().edition(identifier))

    def _with_ledger(self, edition: Edition) -> Edition:
        snapshot = self.watch.look()
        if snapshot is None:
            return edition
        with self._live_lock:
            held = self._live.get(edition.id)
            same = held is not None and held[0] is edition
            if held is not None and same and held[1].snapshot.revision == snapshot.revision:
                return held[1]
            made = LiveEdition(edition, snapshot, self._problems(edition, held))
            self._live[edition.id] = (edition, made)
            self._live.move_to_end(edition.id)
            while len(self._live) > self._live_keep:
                self._live.popitem(last=False)
            return made

    def _problems(self, edition: Edition, held: tuple[Edition, LiveEdition] | None) -> Json:
        try:
            return board.totals(self.watch.ledger, edition)
        except LedgerError as error:  # it was there a moment ago
            log.warning("the last numbers of problems stay: %s", error)
            return held[1].problems if held else NO_PROBLEMS


def register(server: Flask, library: LiveLibrary, drawn: Drawn) -> None:
    """Add the routes to `server`. All are asked in the background: they keep nobody signed in."""
    poll = needs(Right.READ, background=True)

    @server.get("/live/seq")
    @poll
    def live_seq() -> Response:
        arguments()
        snapshot = library.watch.look()
        return answers.as_json(
            {
                "seq": snapshot.record.changed if snapshot else None,
                "revision": snapshot.revision if snapshot else None,
            }
        )

    @server.get("/live/<edition>/<round>/<measure>/<level>.bin")
    @poll
    def live_array(edition: str, round: str, measure: str, level: str) -> Response:
        # Which revision the picture named: to a browser another one is another file.
        library.watch.look(arguments("at").get("at", ""))
        book = library.edition(edition)
        if not isinstance(book, LiveEdition) or not book.live(measure):
            book.space.measure(measure)  # says which there are
            raise UnknownName(say("live.not_live"), value=measure[:80])
        packed = request.accept_encodings.quality("gzip") > 0
        response = Response(mimetype=_BINARY)
        response.headers["Cache-Control"] = answers.ASK
        response.headers["Vary"] = "Accept-Encoding"
        tag = f"{edition}/{measure}/{level}/{book.snapshot.revision}"
        data = book.array(measure, round, level)
        response.set_etag(hashlib.sha256(tag.encode()).hexdigest()[:20], weak=True)
        response.make_conditional(request)
        if response.status_code != 304:
            response.set_data(compress(data) if packed else data)
            if packed:
                response.headers["Content-Encoding"] = "gzip"
        return response

    @server.get("/live/picture")
    @poll
    def live_picture() -> Response:
        view = View.from_query(request.query_string.decode("ascii", "replace"))
        library.watch.look(request.args.get("at", ""))
        return answers.as_json(drawn.picture(library.current().edition, view))


def with_ledger(edition: Edition, url: str) -> Edition:
    """An edition with the ledger behind a URL, for a process that draws one file and ends; the
    plain edition where there is no ledger, or none that answers.
    """
    if not url:
        return edition
    ledger = Ledger(url)
    try:
        ledger.prepare(create=False)
        return LiveEdition(edition, take(ledger), board.totals(ledger, edition))
    except LedgerError as error:
        log.warning("without contact points: %s", error)
        return edition
    finally:
        ledger.dispose()

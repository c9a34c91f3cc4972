"""The editions of a workspace, as a running server holds them: current, and a few older ones."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from geodata import state
from geodata.edition import Edition
from geodata.errors import AtlasError, EditionError, UnknownName
from geodata.words import say

log = logging.getLogger(__name__)

ID = re.compile(r"[0-9a-f]{16}")
"""What an edition's id looks like; anything else never reaches the disk."""


@dataclass(frozen=True)
class Current:
    """The edition that is served and when it was built (ISO UTC)."""

    edition: Edition
    built_at: str


class Library:
    """Opens editions of one workspace; safe to use from many threads.

    The pointer is read at most once in `recheck` seconds. A pointer that is missing, damaged or
    leads to an edition that cannot be opened is logged, and the last good edition stays: a wall
    screen never goes dark because somebody is mending a folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        recheck: float = 1.0,
        keep: int = 4,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = Path(folder)
        self._recheck = recheck
        self._keep = keep
        self._clock = clock
        self._lock = threading.RLock()
        self._current: Current | None = None
        self._checked = float("-inf")
        self._complaint = ""
        self._open: OrderedDict[str, Edition] = OrderedDict()

    def current(self) -> Current:
        """The current edition.

        Raises
        ------
        EditionError : when there is none and never was one; says how to build it.
        """
        # Whoever finds the pointer stale looks; all others go on with what is there.
        held = self._current
        if held is None:
            with self._lock:
                self._look()
        elif self._stale() and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        held = self._current
        if held is None:
            raise EditionError(
                say("api.no_edition"),
                file=str(self.folder),
                cure=self._complaint or say("api.no_edition_cure"),
            )
        return held

    def edition(self, identifier: str) -> Edition:
        """The edition called `identifier`: of an address that a browser holds since before.

        Raises
        ------
        UnknownName : when there is no such edition.
        """
        if not ID.fullmatch(identifier):
            raise UnknownName.among("edition", identifier[:80])
        held = self._current
        if held is not None and held.edition.id == identifier:
            return held.edition
        with self._lock:
            return self._take(identifier)

    def _stale(self) -> bool:
        return self._clock() - self._checked >= self._recheck

    def _look(self) -> None:
        """Read the pointer if it is time to, and open what it names."""
        if not self._stale():
            return
        self._checked = self._clock()
        try:
            found = state.current(self.folder)
            if found is None:
                if self._current is not None:
                    raise EditionError(say("api.no_edition"))
                self._complaint = ""
                return
            identifier, built_at = found
            held = self._current
            if held is None or (held.edition.id, held.built_at) != (identifier, built_at):
                self._current = Current(self._take(identifier), built_at)
                log.info("edition %s, built %s", identifier, built_at)
            self._complaint = ""
        except Exception as error:
            # Whatever is wrong with the folder, what was served a second ago still can be.
            complaint = str(error)
            if complaint != self._complaint and self._current is not None:
                log.warning("the last edition stays: %s", complaint)
            self._complaint = complaint if isinstance(error, AtlasError) else ""

    def _take(self, identifier: str) -> Edition:
        """The edition from the shelf or the disk; the longest unused one leaves the shelf."""
        edition = self._open.get(identifier)
        if edition is None:
            edition = Edition.open(self.folder, identifier)
            self._open[identifier] = edition
        self._open.move_to_end(identifier)
        while len(self._open) > self._keep:
            self._open.popitem(last=False)
        return edition

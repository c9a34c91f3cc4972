"""An edition together with the ledger as it was at one event: measures of both, under one roof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from geodata.arrays import encode
from geodata.edition import Contact, Edition, Values
from geodata.errors import UnknownName
from geodata.ledger.live import Contacts, Record, contacts, values
from geodata.ledger.written import day_words
from geodata.live_measures import live_measures
from geodata.words import say
from geodata.workspace import Plan

NO_PROBLEMS: dict[str, Any] = {
    "found": 0,
    "put_right": 0,
    "struck_off": 0,
    "open": 0,
    "overdue": 0,
    "sent_back": 0,
    "districts": [],
    "months": [],
}
"""What `geodata.ledger.board.totals` says of a ledger without problems, as far as it is shown."""


@dataclass(frozen=True)
class Snapshot:
    """The ledger at one event, on one day: days since a visit change at midnight."""

    record: Record
    today: date

    @property
    def revision(self) -> str:
        """Names what live measures show: `number-day-sign` of the last decision that they speak
        about. A ledger that was put back may have another history under the same numbers.
        """
        return f"{self.record.changed}-{self.today:%Y%m%d}-{self.record.sign[:8]}"


class LiveEdition(Edition):
    """An edition that knows a snapshot of the ledger, too.

    It shares everything with the edition that it is made of: making one costs nothing, and
    ordinary measures are read, kept and handed out exactly as before.
    """

    def __init__(
        self, edition: Edition, snapshot: Snapshot, problems: dict[str, Any] = NO_PROBLEMS
    ) -> None:
        self.__dict__.update(vars(edition))
        own = live_measures(edition.space)
        self.snapshot = snapshot
        self.problems = problems
        self._own = {one.id: one for one in own}
        self._round = edition.space.contact_round.id
        # A map that names no measure shows a live one only where there is no other.
        self._alone = not any(edition.has(one.id, self._round) for one in edition.measures)
        self.space = edition.space.model_copy(update={"measures": (*edition.measures, *own)})
        self._values: dict[str, dict[str, Values]] = {}
        self._arrays: dict[tuple[str, str], bytes] = {}

    def revision(self, *names: object) -> str:
        """See `Edition.revision`: of ordinary measures only which months there are matters."""
        if any(name in self._own for name in names) or (self._alone and None in names):
            return self.snapshot.revision
        return f"{self._contacts.periods[0]}/{self._contacts.periods[-1]}"

    def live(self, measure: str) -> bool:
        """Whether a measure follows the ledger."""
        return measure in self._own

    def cutoff_of(self, measure: str | None) -> str:
        """See `Edition.cutoff_of`: the ledger's is the day on which it was read."""
        if measure not in self._own:
            return super().cutoff_of(measure)
        return day_words(self.snapshot.today.isoformat())

    @property
    def contact(self) -> Contact | None:
        """See `Edition.contact`."""
        if not self.snapshot.record.picks and not self.problems["found"]:
            return None
        return Contact(self._round, self.problems)

    def has(self, measure: str, round: str) -> bool:
        """See `Edition.has`; a live measure has values in its round from the start."""
        return round == self._round if measure in self._own else super().has(measure, round)

    def periods(self, measure: str, round: str) -> tuple[str, ...]:
        """See `Edition.periods`."""
        if measure not in self._own:
            return super().periods(measure, round)
        return self._contacts.periods if self.space.round(round).id == self._round else ()

    def values(self, measure: str, round: str, level: str) -> Values:
        """See `Edition.values`."""
        if measure not in self._own:
            return super().values(measure, round, level)
        self._check(measure, round)
        return self._all(measure)[self.space.level(level).id]

    def plan(self, measure: str, round: str) -> tuple[Plan, ...]:
        """See `Edition.plan`: nobody promised anything about contact points."""
        return () if measure in self._own else super().plan(measure, round)

    def array(self, measure: str, round: str, level: str) -> bytes:
        """A live measure's value array for the browser. Raises `UnknownName`."""
        if measure not in self._own:
            raise UnknownName.among("measure", measure, self._own)
        self._check(measure, round)
        key = (measure, self.space.level(level).id)
        if key not in self._arrays:
            self._arrays[key] = encode(self._all(measure)[key[1]], self._own[measure].digits)
        return self._arrays[key]

    def array_path(self, measure: str, round: str, level: str) -> Path:
        """See `Edition.array_path`: a live measure has no file."""
        if measure in self._own:
            raise UnknownName(say("live.no_file"), value=measure)
        return super().array_path(measure, round, level)

    @cached_property
    def _contacts(self) -> Contacts:
        return contacts(self.snapshot.record, self, self.snapshot.today)

    def _check(self, measure: str, round: str) -> None:
        if not self.has(measure, self.space.round(round).id):
            known = (one.id for one in self.measures if self.has(one.id, round))
            raise UnknownName.among("measure", measure, known)

    def _all(self, measure: str) -> dict[str, Values]:
        # Two threads may compute the same once; neither waits.
        if measure not in self._values:
            found = values(self._own[measure], self._contacts, self)
            for one in found.values():
                for part in vars(one).values():
                    if isinstance(part, np.ndarray):
                        part.setflags(write=False)
            self._values[measure] = found
        return self._values[measure]

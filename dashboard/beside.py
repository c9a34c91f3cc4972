"""What the ledger knows of a village, put beside its profile: what visitors saw, open problems."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from dashboard import access
from dashboard.library import Library
from dashboard.pages import contact_points
from dashboard.respite import Respite
from geodata.errors import AtlasError
from geodata.ledger import Ledger, LedgerError, NoLedger, Right, observations, problems
from geodata.ledger.roles import Actor
from layers.contact.observed import beside

log = logging.getLogger(__name__)

Json = dict[str, Any]


def without_ledger(profile: Json) -> Json:
    """A profile that nobody's ledger adds anything to."""
    if profile["kind"] != "leaf":
        return profile
    return beside(profile, ()) | {"problems": None}


class Beside:
    """Adds to the profile of a leaf of the current edition what the ledger says, to whoever asks.

    Parts: those of `layers.contact.observed.beside`, and `problems`: how many are `open` and how
    many of these `overdue`, and the `href` of the village among the contact points; None for who
    may not read the ledger. Names and notes of visitors are for those alone, too.

    Nobody is kept from a profile: while the ledger cannot be read, or there is none, nothing is
    added. Reading makes no ledger.
    """

    def __init__(
        self,
        library: Library,
        ledger: Ledger,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._ledger = ledger
        self._respite = Respite(clock=clock)
        self._there = False

    def __call__(self, profile: Json) -> Json:
        """The profile with what the ledger says; the one that is given is not changed."""
        if profile["kind"] != "leaf" or self._respite.lasts:
            return without_ledger(profile)
        asker = access.principal()
        reader = asker.actor if asker.may(Right.LEDGER) else None
        try:
            with self._respite.asking():
                return self._with_ledger(profile, reader)
        except NoLedger:
            pass  # nothing was decided yet
        except LedgerError as error:
            log.warning("a profile without what visitors saw: %s", error)
        except AtlasError as error:  # a new edition came in between, and knows the village no more
            log.info("a profile without what visitors saw: %s", error)
        return without_ledger(profile)

    def _with_ledger(self, profile: Json, reader: Actor | None) -> Json:
        if not self._there:
            self._ledger.prepare(create=False)
            self._there = True
        edition, code = self._library.current().edition, profile["code"]
        rows = observations.of(self._ledger, edition, code, people=reader is not None)
        told = beside(profile, rows) | {"problems": None}
        if reader is not None:
            found = problems.of(self._ledger, edition, reader, code, open_only=True)
            told["problems"] = {
                "open": len(found),
                "overdue": sum(one["overdue"] for one in found),
                "href": f"{contact_points.PATH}?{urlencode({'village': code})}",
            }
        return told

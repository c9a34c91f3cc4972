"""What the ledger says of contact points and visits, as a measure's values at every level.

The audit is read, not the tables: an event says when a village became somebody's contact point and
when it ceased to be, so that a past month shows what was true at its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from geodata import live_measures, periods
from geodata.edition import Edition
from geodata.ledger import tables, written
from geodata.ledger.store import Ledger
from geodata.live_measures import LiveMeasure
from geodata.measures import Bools, Leaves, Values, roll_up
from geodata.periods import ALWAYS, Period
from geodata.workspace import Round

Row = Mapping[str, Any]
Days = NDArray[np.int64]

ACTIVE = frozenset({"picked", "confirmed"})
"""States in which a pick makes a village somebody's contact point."""

_OPEN = np.iinfo(np.int64).max
_NEVER = -1


@dataclass(frozen=True)
class Stay:
    """A village was a member's contact point."""

    round: str
    village: str
    since: int
    """Day (`date.toordinal`) on which it began."""
    until: int
    """Day on which it ended."""


@dataclass(frozen=True)
class Record:
    """What the audit says up to an event; grows by the events that follow."""

    seq: int = 0
    """Number of the last event that was read, whatever it was about."""
    hash: str = ""
    """Of that event: a restored ledger may have another history under the same numbers."""
    changed: int = 0
    """Number of the last event about a contact point, a visit or a problem."""
    sign: str = "0" * 64
    """The hash of that event."""
    picks: Mapping[str, Row] = field(default_factory=dict)
    """Picks by id, as they are now; those that are active with their day `since`."""
    stays: tuple[Stay, ...] = ()
    """What has ended."""
    visits: Mapping[str, Row] = field(default_factory=dict)
    """Visits by id: `round`, `village`, `day` (ordinal), `withdrawn`."""
    began: Mapping[str, int] = field(default_factory=dict)
    """Round -> day of its first contact point."""

    def after(self, events: Iterable[Row], seq: int, last: str) -> Record:
        """The record with some more events, in their order, the ledger ending at `seq`."""
        picks, visits, began = dict(self.picks), dict(self.visits), dict(self.began)
        stays, changed, sign = list(self.stays), self.changed, self.sign
        for event in events:
            changed, sign = int(event["seq"]), str(event["hash"])
            table, _, identifier = str(event["subject"]).partition(":")
            told = json.loads(event["after"])
            if table == tables.pick.name:
                before = picks.get(identifier, {})
                row = {**before, **told}
                day = date.fromisoformat(written.day_of(str(event["at"]))).toordinal()
                if _place(before) != _place(row):
                    if _place(before):
                        since = int(before["since"])
                        stays.append(Stay(before["round"], before["village"], since, day))
                    row["since"] = day
                    if _place(row):
                        began.setdefault(row["round"], day)
                picks[identifier] = row
            elif table == tables.visit.name:
                if "day" in told:
                    told["day"] = date.fromisoformat(told["day"]).toordinal()
                visits[identifier] = {**visits.get(identifier, {}), **told}
        return replace(
            self,
            seq=seq,
            hash=last,
            changed=changed,
            sign=sign,
            picks=picks,
            stays=tuple(stays),
            visits=visits,
            began=began,
        )


def read(ledger: Ledger, known: Record | None = None) -> Record:
    """The record as it is now; only what followed `known` is read, and `known` itself comes back
    when nothing did.

    Raises
    ------
    LedgerError : when the ledger cannot be read.
    """
    known = known or Record()
    event = tables.event.c
    with ledger.reading() as connection:
        head = connection.execute(sa.select(tables.head.c.seq, tables.head.c.hash)).one_or_none()
        seq, last = (int(head.seq), str(head.hash)) if head is not None else (0, "")
        if (seq, last) == (known.seq, known.hash):
            return known
        if known.seq:
            query = sa.select(event.hash).where(event.seq == known.seq)
            if connection.execute(query).scalar_one_or_none() != known.hash:
                known = Record()
        about = sa.or_(*(event.subject.startswith(f"{one.name}:") for one in _ABOUT))
        query = (
            sa.select(event.seq, event.at, event.subject, event.after, event.hash)
            .where(event.seq > known.seq, event.seq <= seq, about)
            .order_by(event.seq)
        )
        events = [{**row} for row in connection.execute(query).mappings()]
        return known.after(events, seq, last)


_ABOUT = (tables.pick, tables.visit, tables.problem)


def chosen_periods(item: Round, began: int | None, today: date) -> tuple[str, ...]:
    """Periods of a round's live measures: from the first contact point to the present one.

    Before there was any nothing is known, and what is to come is not: neither is a zero. A round
    whose last period is past goes on, as long as contact points are kept in it.
    """
    if item.step is None:
        return (ALWAYS,)
    now = _period_of(today, item.step)
    first = now if began is None else _period_of(date.fromordinal(began), item.step)
    if item.start is not None:
        opening = _period_of(_bounds(periods.parse(item.start))[0], item.step)
        first = min(now, max(first, opening))
    return tuple(one.id for one in periods.span(first.id, now.id, item.step))


@dataclass(frozen=True)
class Contacts:
    """Contact points and visits at the leaves of an edition, by period."""

    periods: tuple[str, ...]
    points: Bools
    """[P, N]: somebody's contact point at the end of the period; in the last one, now."""
    first: Days
    """[P]: first day of each period."""
    last: Days
    """[P]: its last day, or today."""
    visited: Days
    """[P, N]: day of the last visit up to then; -1 for none."""


def contacts(record: Record, edition: Edition, today: date) -> Contacts:
    """What the record says of the villages of an edition; others are left out."""
    item = edition.space.contact_round
    codes = edition.nesting.codes[-1]
    index = pd.Index(codes)
    chosen = chosen_periods(item, record.began.get(item.id), today)
    spans = [_bounds(periods.parse(one)) if one != ALWAYS else None for one in chosen]
    now = today.toordinal()
    first = np.array([one[0].toordinal() if one else 0 for one in spans], np.int64)
    last = np.array([min(one[1].toordinal(), now) if one else now for one in spans], np.int64)

    held = [one for one in record.picks.values() if _place(one)]
    rows = [
        *((one["village"], one["since"], _OPEN) for one in held if one["round"] == item.id),
        *((one.village, one.since, one.until) for one in record.stays if one.round == item.id),
    ]
    leaf, since, until = _columns(index, rows, 2)
    points = np.zeros((len(chosen), len(codes)), np.bool_)
    for number, end in enumerate(last):
        # Of the present period what holds now, even if a clock elsewhere is ahead of ours.
        here = until == _OPEN if number == len(chosen) - 1 else (since <= end) & (until > end)
        points[number, leaf[here]] = True

    visits = [
        (one["village"], one["day"])
        for one in record.visits.values()
        if one["round"] == item.id and not one["withdrawn"]
    ]
    leaf, day = _columns(index, visits, 1)
    order = np.argsort(day, kind="stable")
    leaf, day = leaf[order], day[order]
    visited = np.full(points.shape, _NEVER, np.int64)
    for number, end in enumerate(last):
        # Days ascend: of several visits to a village the last one stays.
        until_then = int(np.searchsorted(day, end, side="right"))
        visited[number, leaf[:until_then]] = day[:until_then]
    return Contacts(chosen, points, first, last, visited)


def values(measure: LiveMeasure, found: Contacts, edition: Edition) -> dict[str, Values]:
    """A live measure at every level of an edition: level id -> values."""
    item = edition.space.contact_round
    known = found.visited != _NEVER
    if measure.id == live_measures.CONTACT_POINT_SHARE:
        base = np.broadcast_to(edition.targets(item.id), found.points.shape)
        counted, reported = found.points & base, base
    elif measure.id == live_measures.CONTACT_VISITED_SHARE:
        base = reported = found.points
        counted = found.points & (found.visited >= found.first[:, None])
    else:
        base, reported = found.points, found.points & known
        counted = np.where(reported, found.last[:, None] - found.visited, 0)
    leaves = Leaves(
        found.periods,
        counted.astype(np.float64),
        reported.astype(np.float64),
        reported,
        # A decision is its own evidence, and a visit is a check on the spot.
        reported,
        base,
    )
    return roll_up(measure, item.id, leaves, edition.nesting)


def _columns(index: pd.Index, rows: Sequence[tuple[Any, ...]], numbers: int) -> list[Days]:
    """Positions of the codes that rows begin with, and their numbers; unknown codes left out."""
    columns = list(zip(*rows, strict=True)) or [()] * (numbers + 1)
    leaf = index.get_indexer(pd.Index(columns[0], dtype=object)).astype(np.int64)
    found = [leaf, *(np.array(column, np.int64) for column in columns[1:])]
    return [column[leaf >= 0] for column in found]


def _place(row: Row) -> tuple[str, str] | None:
    """Round and village of a pick that counts; None of any other."""
    return (row["round"], row["village"]) if row.get("state") in ACTIVE else None


def _period_of(day: date, step: str) -> Period:
    if step == "year":
        return periods.parse(f"{day.year:04d}")
    if step == "quarter":
        return periods.parse(f"{day.year:04d}-Q{(day.month + 2) // 3}")
    return periods.parse(f"{day.year:04d}-{day.month:02d}")


def _bounds(period: Period) -> tuple[date, date]:
    """First and last day."""
    months = {"year": 12, "quarter": 3, "month": 1}[period.step]
    return (
        _first_of(period.end - months + 1),
        date.fromordinal(_first_of(period.end + 1).toordinal() - 1),
    )


def _first_of(month: int) -> date:
    """First day of a month, counted from year 0 as `Period.end` is."""
    return date(month // 12, month % 12 + 1, 1)

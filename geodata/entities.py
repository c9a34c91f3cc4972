"""Teams and units: what they are, where they work, and through whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from geodata import cells, join
from geodata.facts import COMMON, Locator
from geodata.sources import Raw
from geodata.tally import Tally
from geodata.vocabulary import Severity
from geodata.words import say
from geodata.workspace import Link, Workspace

Array = np.ndarray[Any, Any]

ENTITY_COLUMNS = ("kind", "round", "id", "name", "attributes", "file", "row")
LINK_COLUMNS = ("kind", "round", "id", "code", "since", "via")


@dataclass
class _Joins:
    """What one entity table says: this id is linked to that leaf or entity."""

    kind: str
    round: str
    to: str
    number: int
    rows: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    since: list[str] = field(default_factory=list)


class Entities:
    """Gathers entity tables; `finish` follows the links down to leaves."""

    def __init__(self, space: Workspace, locator: Locator, tally: Tally) -> None:
        self._space, self._locator, self._tally = space, locator, tally
        self._rows: list[tuple[Any, ...]] = []
        self._seen: dict[tuple[str, str, str], tuple[Any, ...]] = {}
        self._joins: list[_Joins] = []
        self.mentioned = np.zeros(len(locator.leaves), dtype=bool)

    def read(self, raw: Raw, number: int) -> None:
        """Take up one entity table."""
        source, frame = raw.source, raw.frame
        kind, scope = source.entity or "", source.round or COMMON
        if not len(frame):
            self._tally.add(Severity.WARNING, "empty_table", file=raw.file)
            return
        numbers = frame.index.to_numpy(dtype=np.int64)
        ids = (
            cells.each(frame[source.columns.code], cells.code)
            if source.columns.code
            else np.array([str(row) for row in numbers], dtype=object)
        )
        nothing = pd.Series([""] * len(frame))
        names = cells.each(frame[source.columns.name] if source.columns.name else nothing,
                           cells.plain)  # fmt: skip
        attributes = {
            name: cells.each(frame[heading], cells.plain)
            for name, heading in source.attributes.items()
        }
        unnamed = ids == ""
        self._tally.rows(number, "no_id", numbers[unnamed], names[unnamed])
        kept = []
        again: list[int] = []
        clash: list[int] = []
        whole = frame.to_numpy(dtype=object)
        for n in np.flatnonzero(~unnamed):
            key, text = (kind, scope, str(ids[n])), tuple(whole[n])
            if key in self._seen:
                (again if self._seen[key] == text else clash).append(int(n))
                continue
            self._seen[key] = text
            kept.append(int(n))
            held = {name: str(texts[n]) for name, texts in attributes.items() if texts[n]}
            name = str(names[n]) or str(ids[n])
            self._rows.append((kind, scope, str(ids[n]), name, held, raw.file, int(numbers[n])))
        self._tally.rows(number, "duplicate_entity", numbers[again], ids[again])
        self._tally.rows(number, "conflicting_entity", numbers[clash], ids[clash])
        self._tally.use(number, numbers[kept])
        for link in source.links:
            self._link(raw, number, link, ids, np.array(kept, dtype=np.int64))

    def _link(self, raw: Raw, number: int, link: Link, ids: Array, kept: Array) -> None:
        source, frame = raw.source, raw.frame
        numbers = frame.index.to_numpy(dtype=np.int64)
        joins = _Joins(source.entity or "", source.round or COMMON, link.to, number)
        since = np.full(len(frame), "", dtype=object)
        if link.since:
            texts = frame[link.since]
            step = self._space.round(source.round).step if source.round else None
            found = cells.each(
                texts,
                lambda text: "" if cells.is_nothing(text) else (cells.period(text, step) or "?"),
            )
            wrong = np.flatnonzero(found == "?")
            wrong = wrong[np.isin(wrong, kept)]
            self._tally.rows(
                number, "bad_since", numbers[wrong], texts.to_numpy(dtype=object)[wrong],
                place=say("check.column", name=link.since),
            )  # fmt: skip
            since = np.where(found == "?", "", found)
        for heading in link.columns:
            texts = frame[heading]
            filled = kept[[bool(cells.plain(text)) for text in texts.iloc[kept]]]
            if link.to == "region":
                codes, position = self._locator.codes(raw, number, heading, filled)
                filled, codes, position = _without_dashes(filled, codes, position)
                self._unknown(number, heading, numbers[filled], codes, position)
                good = position != join.NOBODY
                self.mentioned[position[good]] = True
                leaves = self._locator.leaves["code"].to_numpy(dtype=object)
                targets, at = leaves[position[good]], filled[good]
            else:
                targets, at = cells.each(texts.iloc[filled], cells.code), filled
            joins.rows += numbers[at].tolist()
            joins.ids += [str(text) for text in ids[at]]
            joins.targets += [str(text) for text in targets]
            joins.since += [str(text) for text in since[at]]
        self._joins.append(joins)

    def _unknown(
        self, number: int, heading: str, rows: Array, codes: pd.Series, position: Array
    ) -> None:
        texts = codes.to_numpy(dtype=object)
        lost = np.flatnonzero(position == join.NOBODY)
        self._tally.rows(
            number, "link_to_nowhere", rows[lost], texts[lost],
            place=say("check.column", name=heading),
        )  # fmt: skip

    def finish(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """`World.entities` and `World.links`; a link to an unknown entity is reported."""
        direct: dict[tuple[str, str, str], list[tuple[str, str, str]]] = {}
        pending = []
        for joins in self._joins:
            if joins.to != "region":
                pending.append(joins)
                continue
            for one, code, since in zip(joins.ids, joins.targets, joins.since, strict=True):
                direct.setdefault((joins.kind, joins.round, one), []).append((code, since, ""))
        known = {row[:3] for row in self._rows}
        # A unit may join a team that joins another: as many turns as there are kinds suffice.
        reached = {key: list(found) for key, found in direct.items()}
        added: set[tuple[Any, ...]] = set()
        for _ in range(len({joins.kind for joins in self._joins}) + 1):
            for joins in pending:
                self._follow(joins, reached, known, added)
        for joins in pending:
            lost = [
                n
                for n, target in enumerate(joins.targets)
                if not cells.is_nothing(target)
                and not any((joins.to, scope, target) in known for scope in (joins.round, COMMON))
            ]
            self._tally.rows(
                joins.number, "unknown_entity", [joins.rows[n] for n in lost],
                [joins.targets[n] for n in lost], words={"kind": joins.to},
            )  # fmt: skip
        entities = pd.DataFrame(self._rows, columns=list(ENTITY_COLUMNS))
        rows = [
            (*key, code, since, via) for key, found in reached.items() for code, since, via in found
        ]
        links = pd.DataFrame(rows, columns=list(LINK_COLUMNS)).drop_duplicates()
        texts = dict.fromkeys(("kind", "round", "id", "name", "file"), "str")
        return (
            entities.sort_values(["kind", "round", "id"], ignore_index=True).astype(
                {**texts, "row": "int32"}
            ),
            links.sort_values(list(LINK_COLUMNS), ignore_index=True).astype("str"),
        )

    @staticmethod
    def _follow(
        joins: _Joins,
        reached: dict[tuple[str, str, str], list[tuple[str, str, str]]],
        known: set[tuple[Any, ...]],
        added: set[tuple[Any, ...]],
    ) -> None:
        """What an entity reaches through the entities it is linked to."""
        for one, target, since in zip(joins.ids, joins.targets, joins.since, strict=True):
            scope = next((s for s in (joins.round, COMMON) if (joins.to, s, target) in known), None)
            if scope is None:
                continue
            own = (joins.kind, joins.round, one)
            for code, start, _ in list(reached.get((joins.to, scope, target), [])):
                # Nobody works in a village before both they and their go-between are there.
                link = (code, max(since, start), target)
                if (own, link) not in added:
                    added.add((own, link))
                    reached.setdefault(own, []).append(link)


def _without_dashes(
    rows: Array, codes: pd.Series, position: Array
) -> tuple[Array, pd.Series, Array]:
    """Only cells that hold a code: dashes came back empty."""
    there = (codes != "").to_numpy(dtype=bool)
    return rows[there], codes[there], position[there]

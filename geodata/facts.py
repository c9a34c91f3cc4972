"""Rows of tables become facts: located, dated, typed, and one of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from geodata import cells, join, periods, tree
from geodata.sources import Raw
from geodata.tally import Tally
from geodata.vocabulary import IndicatorType, Severity, Status
from geodata.words import say
from geodata.workspace import Indicator, Source, Value, Workspace

Array = np.ndarray[Any, Any]

COMMON = ""
"""The round of what holds for all rounds."""

_STATUS = {
    "verified": Status.VERIFIED,
    "self_reported": Status.SELF_REPORTED,
    "已核实": Status.VERIFIED,
    "核实": Status.VERIFIED,
    "自报": Status.SELF_REPORTED,
    "未核实": Status.SELF_REPORTED,
}

_COLUMNS = ("pos", "round", "indicator", "period", "value", "status", "batch", "input", "row")
_TYPES = ("int32", "int16", "int16", "int32", "float64", "int8", "int32", "int32", "int32")


def leaf_frame(grown: tree.Tree, space: Workspace) -> pd.DataFrame:
    """Leaves with `code`, `name` and the ancestors' names under their level's id."""
    leaves = grown.frames[space.leaf.id]
    found = {"code": leaves["code"], "name": leaves["name"]}
    for level in space.levels[:-1]:
        names = grown.frames[level.id]["name"].to_numpy(dtype=object)
        found[level.id] = pd.Series(names[grown.ancestors(level.id)], dtype="str")
    return pd.DataFrame(found)


class Locator:
    """Finds the leaf that a code, or failing it a name, means."""

    def __init__(self, space: Workspace, grown: tree.Tree, tally: Tally) -> None:
        self._space, self._tally = space, tally
        self.leaves = leaf_frame(grown, space)
        self._index = pd.Index(self.leaves["code"])
        self._upper = {
            code for level in space.levels[:-1] for code in grown.frames[level.id]["code"].tolist()
        }
        self._pattern = re.compile(space.codes.pattern)

    def codes(self, raw: Raw, number: int, heading: str, rows: Array) -> tuple[pd.Series, Array]:
        """Clean codes of a column and their leaves' positions; what was cleaned is reported.

        `rows` are positions in the frame whose cells are looked at.
        """
        texts = raw.frame[heading].iloc[rows]
        numbers = raw.frame.index.to_numpy(dtype=np.int64)[rows]
        before = texts.to_numpy(dtype=object)
        clean = cells.each(texts, cells.code)
        position, swapped = self._look_up(clean)
        stored = raw.numeric.get(heading)
        as_number = stored[rows] if stored is not None else np.zeros(len(rows), dtype=bool)
        short = (position == join.NOBODY) & np.array(
            [text.isdecimal() and len(text) < self._space.leaf.code_length for text in clean],
            dtype=bool,
        )
        if short.any():
            # A number has no leading zeros: 010203 arrives as 10203.
            filled = clean.copy()
            width = self._space.leaf.code_length
            filled[short] = [text.zfill(width) for text in clean[short]]
            again, _ = self._look_up(filled)
            found = short & (again != join.NOBODY)
            clean, position = np.where(found, filled, clean), np.where(found, again, position)
        # A dash stands for no code, but NA may well be a code.
        blank = (position == join.NOBODY) & cells.each(texts, cells.is_nothing).astype(bool)
        clean = np.where(blank, "", clean)
        full = clean != ""
        # What no village has is reported by whoever asked, and was not used.
        used = full & (position != join.NOBODY)
        as_number = as_number & used
        heading_place = say("check.column", name=heading)
        self._tally.rows(
            number, "code_as_number", numbers[as_number], before[as_number],
            lost=False, place=heading_place, words={"code": clean[as_number]},
            together=bool(len(rows) > 1 and as_number[used].all()),
        )  # fmt: skip
        cleaned = used & ~as_number & (clean != before)
        self._tally.rows(
            number, "code_cleaned", numbers[cleaned], before[cleaned],
            lost=False, place=heading_place, words={"code": clean[cleaned]},
        )  # fmt: skip
        self._tally.rows(
            number, "code_replaced", numbers[swapped], clean[swapped], lost=False,
            severity=Severity.NOTE, place=heading_place, together=True,
        )  # fmt: skip
        return pd.Series(clean, dtype="str"), position

    def _look_up(self, codes: Array) -> tuple[Array, Array]:
        position = np.asarray(self._index.get_indexer(pd.Index(codes, dtype="str")))
        swapped = np.zeros(len(codes), dtype=bool)
        if self._space.codes.changed:
            for n in np.flatnonzero((position == join.NOBODY) & (codes != "")):
                new = tree.replaced(codes[n], self._space.codes)
                if new != codes[n]:
                    position[n] = self._index.get_indexer([new])[0]
                    swapped[n] = position[n] != join.NOBODY
        return position, swapped

    def why_unknown(self, code: str) -> str:
        """Which finding a code that no leaf has deserves."""
        if any(
            tree.canonical(code, level, self._space.leaf, self._space.codes) in self._upper
            for level in self._space.levels[:-1]
        ):
            return "upper_row"
        return "unmatched_code" if self._pattern.fullmatch(code) else "code_shape"

    def locate(self, raw: Raw, number: int) -> Array:
        """The leaf of every row of a table ([n] positions, or `join.NOBODY`), with findings."""
        columns, frame = raw.source.columns, raw.frame
        every = np.arange(len(frame))
        numbers = frame.index.to_numpy(dtype=np.int64)
        nothing = pd.Series([""] * len(frame), dtype="str")
        codes, known = (
            self.codes(raw, number, columns.code, every)
            if columns.code
            else (nothing, np.full(len(frame), join.NOBODY))
        )
        keys = {"code": codes, "name": nothing}
        if columns.name:
            keys["name"] = frame[columns.name].reset_index(drop=True)
        for level, heading in columns.ancestors.items():
            if level in self.leaves:
                keys[level] = frame[heading].reset_index(drop=True)
        rows = pd.DataFrame(keys)
        # Codes that were replaced or padded are known by position already.
        rows["code"] = rows["code"].where(known == join.NOBODY, self._code_at(known))
        found = join.match(rows, self.leaves)
        names = rows["name"].to_numpy(dtype=object)
        texts = rows["code"].to_numpy(dtype=object)
        tell = self._tally.rows
        if not (found.position != join.NOBODY).any():
            values = np.where(texts != "", texts, names)
            tell(
                number, "no_row_matches", numbers, values, severity=Severity.ERROR, together=True,
                words={"total": len(frame), "pattern": self._space.codes.pattern},
            )  # fmt: skip
            return found.position
        again = _header_again(frame, [columns.code, columns.name])
        tell(number, "header_again", numbers[again], np.where(texts != "", texts, names)[again])
        reasons = np.array(
            [
                self.why_unknown(text) if lost else ""
                for text, lost in zip(texts, found.unknown & ~again, strict=True)
            ],
            dtype=object,
        )
        for reason in ("upper_row", "code_shape", "unmatched_code"):
            at = reasons == reason
            tell(
                number, reason, numbers[at], texts[at],
                words={"name": names[at], "pattern": self._space.codes.pattern},
            )  # fmt: skip
        tell(number, "ambiguous_name", numbers[found.ambiguous], names[found.ambiguous])
        unnamed = found.nameless & (rows["name"].str.strip() == "").to_numpy(dtype=bool)
        tell(number, "no_key", numbers[unnamed], [""] * int(unnamed.sum()))
        stranger = found.nameless & ~unnamed & ~again
        tell(number, "unmatched_name", numbers[stranger], names[stranger])
        by_name = self.leaves["code"].to_numpy(dtype=object)[found.position[found.by_name]]
        tell(
            number, "matched_by_name", numbers[found.by_name], names[found.by_name],
            lost=False, words={"code": by_name},
        )  # fmt: skip
        if columns.name and columns.code:
            self._names_agree(number, numbers, rows, found)
        return found.position

    def _code_at(self, position: Array) -> Array:
        codes = self.leaves["code"].to_numpy(dtype=object)
        return codes[np.maximum(position, 0)]

    def _names_agree(
        self, number: int, numbers: Array, rows: pd.DataFrame, found: join.Match
    ) -> None:
        """Rows whose code means one village and whose name means another."""
        own = cells.each(self.leaves["name"], cells.name)[np.maximum(found.position, 0)]
        said = cells.each(rows["name"], cells.name)
        at = np.flatnonzero(
            (found.position != join.NOBODY) & ~found.by_name & (said != own) & (said != "")
        )
        if not len(at):
            return
        other = join.match(rows.iloc[at].assign(code="").reset_index(drop=True), self.leaves)
        names = self.leaves["name"].to_numpy(dtype=object)
        for code, some, severity in (
            ("code_name_disagree", at[other.by_name], Severity.WARNING),
            ("name_differs", at[~other.by_name], Severity.NOTE),
        ):
            self._tally.rows(
                number, code, numbers[some], rows["name"].to_numpy(dtype=object)[some],
                severity=severity, lost=False,
                words={"name": names[found.position[some]],
                       "code": rows["code"].to_numpy(dtype=object)[some]},
            )  # fmt: skip


def _header_again(frame: pd.DataFrame, headings: list[str]) -> Array:
    """Rows that hold the headings once more ([n] bool): of tables put under one another."""
    again = np.ones(len(frame), dtype=bool)
    for heading in filter(None, headings):
        again &= cells.each(frame[heading], cells.heading) == cells.heading(heading)
    return again


@dataclass
class _Names:
    """Numbers for words, given out in the order they are met."""

    words: dict[str, int]

    def number(self, word: str) -> int:
        return self.words.setdefault(word, len(self.words))

    def category(self, codes: Array) -> pd.Categorical:
        """The words of some numbers as a categorical whose categories are sorted."""
        words = list(self.words)
        order = sorted(range(len(words)), key=words.__getitem__)
        rank = np.empty(len(words), dtype=np.int32)
        rank[order] = np.arange(len(words))
        categories = pd.Index([words[n] for n in order], dtype="str")
        return pd.Categorical.from_codes(rank[codes], categories=categories)


class Facts:
    """Gathers the facts of all tables; `finish` makes one frame of them."""

    def __init__(self, space: Workspace, locator: Locator, tally: Tally) -> None:
        self._space, self._locator, self._tally = space, locator, tally
        self._pieces: list[dict[str, Any]] = []
        self._rounds = _Names({COMMON: 0})
        self._periods = _Names({})
        self._batches = _Names({})
        self._indicators = [indicator.id for indicator in space.indicators]
        self._listed: dict[str, tuple[Source, int, list[Array]]] = {}
        self.mentioned = np.zeros(len(locator.leaves), dtype=bool)

    def read(self, raw: Raw, number: int) -> None:
        """Take up one table."""
        source = raw.source
        if not len(raw.frame):
            self._tally.add(Severity.WARNING, "empty_table", file=raw.file)
            if source.presence:
                self._listed.setdefault(source.id, (source, number, []))
            return
        position = self._locator.locate(raw, number)
        rows = np.flatnonzero(position != join.NOBODY)
        self.mentioned[position[rows]] = True
        rows = self._once(raw, number, position, rows)
        period, rows = self._dates(raw, number, rows)
        status = self._statuses(raw, number, rows)
        batch = self._batch(raw, rows)
        shared = {
            "pos": position[rows],
            "round": self._rounds.number(source.round or COMMON),
            "batch": batch,
            "status": status,
            "input": number,
            "row": raw.frame.index.to_numpy()[rows],
        }
        told = np.zeros(len(rows), dtype=bool)
        for value in source.values:
            told |= self._value(raw, number, rows, value, period, shared)
        numbers = raw.frame.index.to_numpy(dtype=np.int64)[rows]
        if source.presence:
            _, _, lists = self._listed.setdefault(source.id, (source, number, []))
            lists.append(position[rows])
            self._add(source.presence, shared, period, np.ones(len(rows)), slice(None))
            told[:] = True
        if source.values:
            silent = ~told & ~np.isin(numbers, self._tally.reported(number))
            self._tally.rows(
                number, "no_values", numbers[silent], [""] * int(silent.sum()),
                severity=Severity.NOTE, together=True,
            )  # fmt: skip
        else:
            # A list that says nothing but that these villages are there has been used by that.
            told[:] = True
        self._tally.use(number, numbers[told])

    def _once(self, raw: Raw, number: int, position: Array, rows: Array) -> Array:
        """Rows without those that repeat an earlier one word for word."""
        texts = raw.frame.iloc[rows]
        key = (
            texts.assign(**{raw.source.columns.code: position[rows]})
            if (raw.source.columns.code)
            else texts
        )
        again = key.duplicated().to_numpy(dtype=bool)
        if again.any():
            first = key.drop_duplicates().reset_index(names="_row")
            earlier = key[again].merge(first, on=list(key.columns), how="left")["_row"]
            codes = self._locator.leaves["code"].to_numpy(dtype=object)
            self._tally.rows(
                number, "duplicate_row", texts.index.to_numpy()[again],
                codes[position[rows[again]]],
                words={"first": earlier.to_numpy(dtype=object)},
            )  # fmt: skip
        return rows[~again]

    def _dates(self, raw: Raw, number: int, rows: Array) -> tuple[Array, Array]:
        """Period ids of rows (object array) and the rows whose period can be used."""
        source = raw.source
        default = source.period or periods.ALWAYS
        if not source.columns.period:
            return np.full(len(rows), default, dtype=object), rows
        step = self._space.round(source.round).step if source.round else None
        texts = raw.frame[source.columns.period].iloc[rows]
        numbers = raw.frame.index.to_numpy(dtype=np.int64)[rows]
        empty = (texts.str.strip() == "").to_numpy(dtype=bool)
        found = cells.each(texts, lambda text: cells.period(text, step) or "")
        if source.period:
            found[empty] = source.period
        place = say("check.column", name=source.columns.period)
        values = texts.to_numpy(dtype=object)
        unread = found == ""
        self._tally.rows(
            number, "no_period", numbers[unread & empty], values[unread & empty], place=place
        )
        wrong = unread & ~empty
        self._tally.rows(number, "bad_period", numbers[wrong], values[wrong], place=place)
        known = {text: self._allowed(text, source) for text in set(found) if text}
        outside = np.array([not known.get(text, True) for text in found], dtype=bool)
        self._tally.rows(
            number, "period_outside", numbers[outside], values[outside], place=place,
            words={"round": self._space.round(source.round).label if source.round else ""},
        )  # fmt: skip
        good = ~unread & ~outside
        return found[good], rows[good]

    def _allowed(self, period: str, source: Source) -> bool:
        """Whether a row of this source may be about this period."""
        if period == periods.ALWAYS:
            return True
        end = periods.parse(period).end
        rounds = [r for r in self._space.rounds if r.stop and r.stop != periods.ALWAYS]
        if any(r.selection and period in r.selection.periods for r in self._space.rounds):
            return True
        if source.round is None:
            # What holds for all rounds may reach back before the first (histories), not ahead.
            return not rounds or end <= max(periods.parse(r.stop).end for r in rounds if r.stop)
        item = self._space.round(source.round)
        if not item.periods or item.start is None or item.stop is None:
            return True
        first = periods.parse(item.start)
        begin = first.end - {"year": 11, "quarter": 2, "month": 0}[first.step]
        return begin <= end <= periods.parse(item.stop).end

    def _statuses(self, raw: Raw, number: int, rows: Array) -> Array:
        source = raw.source
        default = Status[source.status.upper()]
        if not source.columns.status:
            return np.full(len(rows), int(default), dtype=np.int8)
        words = dict(_STATUS)
        words |= {
            cells.plain(word).casefold(): Status[status.upper()]
            for word, status in source.status_words.items()
        }
        texts = raw.frame[source.columns.status].iloc[rows]

        def read(text: str) -> int:
            clean = cells.plain(text).casefold()
            return int(words.get(clean, -1)) if clean else int(default)

        found = cells.each(texts, read)
        wrong = found == -1
        self._tally.rows(
            number, "bad_status", texts.index.to_numpy()[wrong],
            texts.to_numpy(dtype=object)[wrong], lost=False,
            place=say("check.column", name=source.columns.status),
            words={"words": "、".join(source.status_words or _STATUS)},
        )  # fmt: skip
        # A word that nobody explained is not taken for a verification.
        return np.where(wrong, int(Status.SELF_REPORTED), found).astype(np.int8)

    def _batch(self, raw: Raw, rows: Array) -> Array:
        source = raw.source
        stem = PurePosixPath(raw.file.partition("#")[0]).stem
        default = source.batch or stem
        if not source.columns.batch:
            return np.full(len(rows), self._batches.number(default), dtype=np.int32)
        texts = raw.frame[source.columns.batch].iloc[rows]
        found = cells.each(texts, lambda text: self._batches.number(cells.plain(text) or default))
        return found.astype(np.int32)

    def _value(
        self,
        raw: Raw,
        number: int,
        rows: Array,
        value: Value,
        period: Array,
        shared: dict[str, Any],
    ) -> Array:
        """Facts of one column; returns which rows gave one."""
        indicator = self._space.indicator(value.indicator)
        texts = raw.frame[value.column].iloc[rows]
        found, wrong = _typed(texts, indicator, value)
        place = say("check.column", name=value.column)
        numbers = raw.frame.index.to_numpy(dtype=np.int64)[rows]
        shown = texts.to_numpy(dtype=object)
        self._tally.rows(
            number, f"bad_{indicator.type.value}", numbers[wrong], shown[wrong], place=place,
            words={"label": indicator.label, "true": value.true[0], "false": value.false[0]},
        )  # fmt: skip
        low = -np.inf if indicator.min is None else indicator.min
        high = np.inf if indicator.max is None else indicator.max
        with np.errstate(invalid="ignore"):
            beyond = (found < low) | (found > high)
        self._tally.rows(
            number, "out_of_range", numbers[beyond], shown[beyond], place=place,
            words={
                "label": indicator.label,
                "low": "—" if indicator.min is None else f"{low:g}",
                "high": "—" if indicator.max is None else f"{high:g}",
                "unit": indicator.unit,
            },
        )  # fmt: skip
        good = np.isfinite(found) & ~beyond
        if value.period:
            period = np.full(len(rows), value.period, dtype=object)
        self._add(value.indicator, shared, period[good], found[good], good)
        return good

    def _add(
        self, indicator: str, shared: dict[str, Any], period: Array, values: Array, some: Any
    ) -> None:
        places, distinct = pd.factorize(period)
        numbers = np.array([self._periods.number(text) for text in distinct], dtype=np.int32)
        piece = {
            "indicator": self._indicators.index(indicator),
            "period": numbers[places] if len(distinct) else np.empty(0, np.int32),
            "value": values,
            **{
                key: held[some] if isinstance(held, np.ndarray) else held
                for key, held in shared.items()
            },
        }
        self._pieces.append(piece)

    def finish(self) -> pd.DataFrame:
        """All facts as `World.facts`, one for each code, round, indicator and period.

        The text columns are categoricals with sorted categories: millions of rows stay small.
        """
        self._absences()
        held: dict[str, Array] = {}
        for column, kind in zip(_COLUMNS, _TYPES, strict=True):
            parts = [
                np.broadcast_to(np.asarray(piece[column]), piece["value"].shape).astype(kind)
                for piece in self._pieces
            ]
            held[column] = np.concatenate([np.empty(0, kind), *parts])
        self._pieces.clear()
        codes = self._locator.leaves["code"]
        rounds = self._rounds.category(held.pop("round"))
        times = self._periods.category(held.pop("period"))
        indicators = _Names({name: n for n, name in enumerate(self._indicators)}).category(
            held.pop("indicator")
        )
        key = held["pos"].astype(np.int64)
        for category in (rounds, indicators, times):
            key = key * max(1, len(category.categories)) + category.codes
        order = np.argsort(key, kind="stable")
        key = key[order]
        order = self._unique(order, key, held, indicators, times)
        frame = pd.DataFrame(
            {
                "code": pd.Categorical.from_codes(
                    held["pos"][order], categories=pd.Index(codes, dtype="str")
                ),
                "round": rounds[order],
                "indicator": indicators[order],
                "period": times[order],
                "value": held["value"][order],
                "status": held["status"][order],
                "batch": self._batches.category(held["batch"][order]),
                "file": self._files(held["input"][order]),
                "row": held["row"][order],
            }
        )
        self._falls(frame, held["input"][order])
        return frame

    def _absences(self) -> None:
        """Listed is true; all other leaves are false by that list, in no row of it."""
        for source, number, lists in self._listed.values():
            assert source.presence is not None
            there = np.zeros(len(self._locator.leaves), dtype=bool)
            for positions in lists:
                there[positions] = True
            away = np.flatnonzero(~there)
            stem = PurePosixPath(self._tally.file(number).partition("#")[0]).stem
            shared = {
                "pos": away,
                "round": self._rounds.number(source.round or COMMON),
                "batch": self._batches.number(source.batch or stem),
                "status": int(Status[source.status.upper()]),
                "input": number,
                "row": 0,
            }
            period = np.full(len(away), source.period or periods.ALWAYS, dtype=object)
            self._add(source.presence, shared, period, np.zeros(len(away)), slice(None))

    def _files(self, numbers: Array) -> pd.Categorical:
        used = np.unique(numbers)
        names = _Names({})
        translate = np.zeros(int(used.max()) + 1 if len(used) else 1, dtype=np.int32)
        for number in used:
            translate[number] = names.number(self._tally.file(int(number)))
        return names.category(translate[numbers])

    def _unique(
        self,
        order: Array,
        key: Array,
        held: dict[str, Array],
        indicators: pd.Categorical,
        times: pd.Categorical,
    ) -> Array:
        """The order without facts that another one overrules; each that is overruled reported.

        Verified overrules self-reported; else the later file, and in it the later row.
        """
        same = np.zeros(len(key), dtype=bool)
        same[1:] = key[1:] == key[:-1]
        if not same.any():
            return order
        involved = same.copy()
        involved[:-1] |= same[1:]
        at = np.flatnonzero(involved)
        facts = order[at]
        rank = np.lexsort(
            (
                -held["row"][facts],
                -held["input"][facts],
                -held["status"][facts],
                held["row"][facts] == 0,
                key[at],
            )
        )
        at_sorted, facts = at, facts[rank]
        group = key[at_sorted][rank]
        first = np.ones(len(group), dtype=bool)
        first[1:] = group[1:] != group[:-1]
        winner = facts[np.flatnonzero(first)][np.cumsum(first) - 1]
        losers, winners = facts[~first], winner[~first]
        keep = np.ones(len(held["row"]), dtype=bool)
        keep[losers] = False
        self._overruled(losers, winners, held, indicators, times)
        return order[keep[order]]

    def _overruled(
        self,
        losers: Array,
        winners: Array,
        held: dict[str, Array],
        indicators: pd.Categorical,
        times: pd.Categorical,
    ) -> None:
        real = held["row"][losers] > 0
        losers, winners = losers[real], winners[real]
        better = held["status"][winners] > held["status"][losers]
        equal = held["value"][winners] == held["value"][losers]
        kind = np.where(better, 0, np.where(equal, 1, 2))
        table = pd.DataFrame(
            {
                "input": held["input"][losers],
                "row": held["row"][losers],
                "kind": kind,
                "loser": losers,
                "winner": winners,
            }
        )
        # A row is told of once, by the worst that befell it.
        table = table.sort_values("kind", kind="stable", ascending=False)
        many = table.groupby(["input", "row"])["loser"].transform("size")
        table = table.assign(many=many).drop_duplicates(["input", "row"])
        names = np.array(
            [self._space.indicator(name).label for name in indicators.categories], dtype=object
        )
        codes = self._locator.leaves["code"].to_numpy(dtype=object)
        for (number, which), rows in table.sort_values(["input", "kind", "row"]).groupby(
            ["input", "kind"]
        ):
            lost, won = rows["loser"].to_numpy(), rows["winner"].to_numpy()
            self._tally.rows(
                int(number),
                ("superseded", "repeated_value", "conflict")[int(which)],
                rows["row"].to_numpy(),
                np.array([f"{value:g}" for value in held["value"][lost]], dtype=object),
                severity=Severity.WARNING if which else Severity.NOTE,
                together=not which,
                words={
                    "code": codes[held["pos"][lost]],
                    "label": names[indicators.codes[lost]],
                    "others": np.array(
                        [say("check.others", count=n) if n > 1 else "" for n in rows["many"]],
                        dtype=object,
                    ),
                    "period": np.asarray(times.categories, dtype=object)[times.codes[lost]],
                    "winner": np.array([f"{v:g}" for v in held["value"][won]], dtype=object),
                    "file": np.array(
                        [self._tally.file(int(n)) for n in held["input"][won]], dtype=object
                    ),
                    "row": held["row"][won].astype(object),
                },
            )

    def _falls(self, frame: pd.DataFrame, inputs: Array) -> None:
        """Cumulative indicators that fall from one period to the next."""
        for indicator in self._space.indicators:
            if not indicator.cumulative:
                continue
            at = np.flatnonzero((frame["indicator"] == indicator.id).to_numpy(dtype=bool))
            some = frame.iloc[at]
            times = some["period"].cat
            ends = np.array(
                [-1 if text == periods.ALWAYS else periods.parse(text).end
                 for text in times.categories] or [0]
            )  # fmt: skip
            leaf, when = some["code"].cat.codes.to_numpy(), ends[times.codes.to_numpy()]
            scope = some["round"].cat.codes.to_numpy()
            order = np.lexsort((when, scope, leaf))
            value = some["value"].to_numpy()[order]
            leaf, scope, when = leaf[order], scope[order], when[order]
            fell = np.zeros(len(order), dtype=bool)
            fell[1:] = (
                (leaf[1:] == leaf[:-1])
                & (scope[1:] == scope[:-1])
                & (when[:-1] >= 0)
                & (value[1:] < value[:-1])
            )
            worst = np.flatnonzero(fell)
            rows = at[order[worst]]
            for number in np.unique(inputs[rows]):
                own = inputs[rows] == number
                before = np.array([f"{v:g}" for v in value[worst - 1][own]], dtype=object)
                self._tally.rows(
                    int(number), "falls", frame["row"].to_numpy()[rows[own]],
                    np.array([f"{v:g}" for v in value[worst][own]], dtype=object), lost=False,
                    words={
                        "label": indicator.label,
                        "code": np.asarray(frame["code"].iloc[rows[own]], dtype=object),
                        "period": np.asarray(frame["period"].iloc[rows[own]], dtype=object),
                        "before": before,
                    },
                )  # fmt: skip


def _typed(texts: pd.Series, indicator: Indicator, value: Value) -> tuple[Array, Array]:
    """Values in the indicator's unit (NaN where none), and which texts could not be read.

    Factors are applied to nine digits after the point, so that 123456 元 are 12.3456 万元.
    """
    if indicator.type is IndicatorType.FLAG:
        return cells.flags(texts, value.true, value.false)
    found, wrong = cells.numbers(texts, percent="%" in indicator.unit)
    if value.factor != 1.0:
        found = np.round(found * value.factor, 9)
    if indicator.type is IndicatorType.COUNT:
        with np.errstate(invalid="ignore"):
            odd = np.isfinite(found) & ((found < 0) | (found != np.floor(found)))
        found, wrong = np.where(odd, np.nan, found), wrong | odd
    return found, wrong

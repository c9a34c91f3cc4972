"""What readers have from earlier publications: which cells were shown, which kept back.

Whoever kept yesterday's maps still knows what stood in them. So a cell that was shown and has the
same figures cannot be hidden any more, and what was hidden must not come out of both publications
together. `DIR/published.parquet` holds, of every cell of people or households that was ever
public, a checksum of the figures that were shown (none of what was never shown), and whether it was
kept back the last time. It holds no figures, and no reader of the public gets it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from geodata.edition import Edition, Values
from geodata.errors import EditionError
from geodata.publish.gate import Gate, Place
from geodata.words import say
from geodata.workspace import Measure

FILE = "published.parquet"

Bools = NDArray[np.bool_]
Words = NDArray[np.uint64]

_KEYS = ["measure", "round", "level", "period", "code"]
_SCHEMA = pa.schema(
    [
        *((name, pa.dictionary(pa.int32(), pa.string())) for name in _KEYS),
        ("sum", pa.uint64()),
        ("hidden", pa.bool_()),
    ]
)
_DIGITS = 6
"""Of figures: beyond these two builds may differ."""


@dataclass(frozen=True)
class Seen:
    """All cells that were ever public."""

    cells: pd.DataFrame
    """`measure`, `round`, `level`, `period`, `code`; `sum`: of the figures that were shown last, 0
    for none; `hidden`: whether it was kept back the last time."""

    @classmethod
    def nothing(cls) -> Seen:
        """Before the first publication."""
        empty = {name: pd.Series(dtype=str) for name in _KEYS}
        sums, hidden = pd.Series(dtype=np.uint64), pd.Series(dtype=np.bool_)
        return cls(pd.DataFrame({**empty, "sum": sums, "hidden": hidden}))

    def places(self) -> tuple[Place, ...]:
        """Measure, round and level of all that was ever public."""
        found = self.cells[["measure", "round", "level"]].drop_duplicates()
        return tuple((str(m), str(r), str(n)) for m, r, n in found.itertuples(index=False))

    def known(self, edition: Edition, place: Place) -> Bools:
        """[P, R]: cells that were shown with the figures that they have now."""
        values = edition.values(*place)
        sums, _ = self._grids(edition, place, values)
        return (sums != 0) & (sums == checksums(edition.space.measure(place[0]), values))

    def hidden(self, edition: Edition, place: Place) -> Bools:
        """[P, R]: cells that were kept back the last time."""
        _, hidden = self._grids(edition, place, edition.values(*place))
        return hidden

    def _grids(self, edition: Edition, place: Place, values: Values) -> tuple[Words, Bools]:
        rows = self.cells
        for name, wanted in zip(("measure", "round", "level"), place, strict=True):
            rows = rows[rows[name] == wanted]
        codes = pd.Index(edition.regions(place[2])["code"].astype(str))
        period = pd.Index(values.periods).get_indexer(rows["period"].astype(str))
        region = codes.get_indexer(rows["code"].astype(str))
        some = (period >= 0) & (region >= 0)
        sums = np.zeros((len(values.periods), len(codes)), np.uint64)
        hidden = np.zeros(sums.shape, np.bool_)
        at = period[some], region[some]
        sums[at] = rows["sum"].to_numpy(np.uint64)[some]
        hidden[at] = rows["hidden"].to_numpy(np.bool_)[some]
        return sums, hidden


def place_of(edition: Edition) -> Path:
    """The file of the workspace that an edition was built in."""
    return edition.folder.parents[1] / FILE


def read(path: Path) -> Seen:
    """What was written; nothing when there was no publication.

    Raises
    ------
    EditionError : when it cannot be read: publishing without it could give hidden numbers away.
    """
    if not path.exists():
        return Seen.nothing()
    try:
        table = pq.read_table(path)
        if not set(_SCHEMA.names) <= set(table.column_names):
            raise ValueError(table.column_names)
        frame = table.select(_SCHEMA.names).to_pandas()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise EditionError(
            say("publish.seen_broken"), file=str(path), cure=say("publish.seen_broken_cure")
        ) from error
    return Seen(frame.astype(dict.fromkeys(_KEYS, str)))


def write(seen: Seen, path: Path) -> None:
    """Put it in place of the old one, in one step.

    Raises
    ------
    OSError : when it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{FILE}-{secrets.token_hex(4)}")
    try:
        table = pa.Table.from_pandas(seen.cells, preserve_index=False)
        pq.write_table(table.cast(_SCHEMA), beside, compression="zstd")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def after(edition: Edition, gate: Gate, before: Seen) -> Seen:
    """What readers have when what the gate let through is published, too."""
    parts = [
        _cells(edition, (one.id, round_id, level), gate.hidden)
        for one in gate.measures
        if edition.space.measure(one.id).counts
        for round_id in one.rounds
        for level in one.levels
    ]
    if not parts:
        return before
    now = pd.concat(parts, ignore_index=True)
    old = before.cells
    both = now.merge(old[[*_KEYS, "sum"]], on=_KEYS, how="left", suffixes=("", "_old"))
    # What was shown once stays known, whatever becomes of the cell.
    kept = both["sum_old"].fillna(0).astype(np.uint64)
    now["sum"] = np.where(now["hidden"], kept, now["sum"]).astype(np.uint64)
    left = old.merge(now[_KEYS], on=_KEYS, how="left", indicator=True)
    left = left[left["_merge"] == "left_only"].drop(columns="_merge")
    whole = pd.concat([left, now], ignore_index=True)
    whole["hidden"] = whole["hidden"].astype(np.bool_)
    return Seen(whole.sort_values(_KEYS, ignore_index=True))


def _cells(edition: Edition, place: Place, hidden: Mapping[Place, Bools]) -> pd.DataFrame:
    values = edition.values(*place)
    mask = hidden.get(place, np.zeros(values.value.shape, np.bool_))
    period, region = np.nonzero(values.reported > 0)
    codes = edition.regions(place[2])["code"].astype(str).to_numpy()
    sums = checksums(edition.space.measure(place[0]), values)
    away = mask[period, region]
    return pd.DataFrame(
        {
            "measure": place[0],
            "round": place[1],
            "level": place[2],
            "period": np.array(values.periods, dtype=object)[period],
            "code": codes[region],
            "sum": np.where(away, np.uint64(0), sums[period, region]),
            "hidden": away,
        }
    )


def checksums(measure: Measure, values: Values) -> Words:
    """[P, R]: of numerator, denominator, how many reported, and what is counted; never 0."""
    made = f"{measure.value} {measure.weight} {measure.rule.value} {measure.leaves.value}"
    found = np.frombuffer(hashlib.sha256(made.encode()).digest()[:8], np.uint64)[0]
    mixed: Words = np.full(values.value.shape, found)
    for part in (values.numerator, values.denominator, values.reported):
        rounded = np.round(np.nan_to_num(np.asarray(part, np.float64), nan=-1.0), _DIGITS) + 0.0
        bits: Words = np.ascontiguousarray(rounded).view(np.uint64)
        mixed = _mix(np.bitwise_xor(mixed, bits))
    return np.where(mixed == 0, np.uint64(1), mixed)


def _mix(x: Words) -> Words:
    """splitmix64."""
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))

"""An edition, read: everything that was built from one set of inputs, immutable and lazily loaded.

Opening one reads a single JSON file. All methods may be called from several threads; frames that
are handed out are the caller's own (copy on write), arrays are read-only.
"""

from __future__ import annotations

import json
import re
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from geodata import periods as calendar
from geodata import state
from geodata.errors import BadRequest, EditionError, UnknownName
from geodata.figures import FigureValue, Staff, evaluate, unpack
from geodata.findings import Finding
from geodata.measures import Values, finish
from geodata.nesting import Nesting
from geodata.periods import ALWAYS
from geodata.search import Entry, Index
from geodata.tiles import Zooms, simplify
from geodata.vocabulary import Severity
from geodata.words import say
from geodata.workspace import Level, Measure, Plan, Round, Workspace
from geodata.world import Input

__all__ = ["FORMAT", "Edition", "FigureValue", "Region", "Values"]

FORMAT = 1
"""Of everything inside the folder; a reader refuses others."""

EDITIONS = "editions"
MANIFEST = "manifest.json"
PUBLIC = "public"
"""Beside the workspace: what was published, a folder each time, and `current`, the id of one."""
PUBLIC_EDITION = "edition"
CURRENT = "current"
CRS = "EPSG:4326"

_SHELF_BYTES = 256 * 2**20
_FACTS_BYTES = 32 * 2**20
"""What is kept of the facts' file: all of it for a city of 3,500 leaves, else what was read last.
Whoever looks at a village looks at its neighbours next, and they lie in the same group of rows."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Contact:
    """What the ledger adds up to in the round of contact points: numbers, no people."""

    round: str
    problems: dict[str, Any]
    """As `geodata.ledger.board.totals` says."""


_ONE_HEADER = threading.Lock()
"""numpy parses an array's header as Python, and CPython 3.11's parser fails now and then (a
SystemError on its recursion depth) when two threads of a process parse at once."""


@dataclass(frozen=True)
class Region:
    """One region."""

    code: str
    """Canonical: padded where the workspace pads."""
    name: str
    level: str
    parent: str
    """Code of the region above; "" for the root."""
    position: int
    """Row in its level: the index in value arrays and the `i` of tile features."""
    lon: float
    lat: float
    """A point inside it, where a label may stand (degrees)."""
    bounds: tuple[float, float, float, float]
    """West, south, east, north in degrees."""
    leaves: int
    """How many leaves it has; 1 for a leaf."""
    area_km2: float


class _Shelf(Generic[_T]):
    """What was used most recently, up to a number of bytes."""

    def __init__(self, budget: int, size: Callable[[_T], int]) -> None:
        self._budget, self._size, self._used = budget, size, 0
        self._items: OrderedDict[object, _T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object) -> _T | None:
        with self._lock:
            found = self._items.get(key)
            if found is not None:
                self._items.move_to_end(key)
            return found

    def put(self, key: object, item: _T) -> None:
        with self._lock:
            if key in self._items:
                return
            self._items[key] = item
            self._used += self._size(item)
            while self._used > self._budget and len(self._items) > 1:
                self._used -= self._size(self._items.popitem(last=False)[1])


def _size(values: Values) -> int:
    return sum(
        part.nbytes
        for field in fields(values)
        if isinstance(part := getattr(values, field.name), np.ndarray)
    )


class Edition:
    """One edition; make it with `open`."""

    def __init__(self, folder: Path, edition_id: str, built_at: str) -> None:
        self.id = edition_id
        self.folder = folder
        """The edition's own folder."""
        self.built_at = built_at
        """ISO, UTC; empty when the workspace's record does not know."""
        try:
            self.manifest: dict[str, Any] = json.loads(
                (folder / MANIFEST).read_text(encoding="utf-8")
            )
            found = self.manifest.get("format")
            if found != FORMAT:
                raise EditionError(
                    say("edition.format", found=found, known=FORMAT),
                    file=str(folder),
                    cure=say("edition.rebuild"),
                )
            self.space: Workspace = Workspace.model_validate(self.manifest["workspace"])
            self._zooms = {
                one["id"]: Zooms(one["min_zoom"], one["max_zoom"])
                for one in self.manifest["levels"]
            }
            self._counts = {one["id"]: int(one["count"]) for one in self.manifest["levels"]}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EditionError(
                say("edition.gone"), file=str(folder), cure=say("edition.rebuild")
            ) from error
        self._shelf: _Shelf[Values] = _Shelf(_SHELF_BYTES, _size)
        self._fact_shelf: _Shelf[pa.Table] = _Shelf(_FACTS_BYTES, lambda table: int(table.nbytes))
        # A cache an instance: it goes when the edition goes.
        self._frame = lru_cache(maxsize=None)(self._read_frame)
        self._nesting = lru_cache(maxsize=1)(self._read_nesting)
        self._where = lru_cache(maxsize=1)(self._read_where)
        self._region = lru_cache(maxsize=4096)(self._make_region)
        self._shapes = lru_cache(maxsize=8)(self._read_shapes)
        self._staff = lru_cache(maxsize=64)(self._read_staff)
        self._tables = lru_cache(maxsize=1)(self._read_tables)
        self._fact_groups = lru_cache(maxsize=1)(self._read_fact_groups)
        self._index = lru_cache(maxsize=1)(self._make_index)
        self._findings = lru_cache(maxsize=1)(self._read_findings)

    @classmethod
    def open(cls, folder: Path, edition_id: str | None = None) -> Edition:
        """Open an edition of the workspace in `folder`; the current one by default.

        Raises
        ------
        EditionError : when nothing was built yet, or the edition cannot be read.
        UnknownName : when there is no edition of that id.
        """
        folder = Path(folder)
        if edition_id is None:
            now = state.current(folder)
            if now is None:
                raise EditionError(
                    say("edition.none"), file=str(folder), cure=say("edition.none_cure")
                )
            edition_id, built_at = now
        else:
            # The id may come from a URL: it must be a plain name among those that are there.
            known = edition_ids(folder)
            if edition_id not in known:
                raise UnknownName.among("edition", edition_id, known)
            built_at = state.built_at(folder, edition_id)
        return cls(folder / EDITIONS / edition_id, edition_id, built_at)

    @classmethod
    def of_folder(cls, folder: Path, edition_id: str = "") -> Edition:
        """The edition whose files lie in `folder` itself; of its id and time nothing is known but
        what is given.

        Raises
        ------
        EditionError : when it cannot be read.
        """
        return cls(Path(folder), edition_id, "")

    @classmethod
    def open_public(cls, folder: Path) -> Edition:
        """What was published last from the workspace in `folder`; nothing but `folder`/public is
        looked at.

        Raises
        ------
        EditionError : when nothing was published yet, or it cannot be read.
        """
        home = Path(folder) / PUBLIC
        found = published_id(folder)
        if not found:
            raise EditionError(
                say("edition.unpublished"), file=str(home), cure=say("edition.unpublished_cure")
            )
        return cls.of_folder(home / found / PUBLIC_EDITION, found)

    # --- what is declared -------------------------------------------------------------------

    @property
    def levels(self) -> tuple[Level, ...]:
        """Levels, root first."""
        return self.space.levels

    @property
    def rounds(self) -> tuple[Round, ...]:
        """Rounds, in order."""
        return self.space.rounds

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Measures, in order."""
        return self.space.measures

    @property
    def public(self) -> bool:
        """Whether it holds only what was published."""
        return self.manifest.get("audience") == "public"

    def shows(self, measure: str, level: str) -> bool:
        """Whether values of a measure can be read at a level: in a public edition, whether they
        were published there. Raises `UnknownName`.
        """
        declared, name = self.space.measure(measure), self.space.level(level).id
        return not self.public or name in declared.public_levels

    def revision(self, *names: object) -> str:
        """What results that name these measures are of, beside the edition: part of every key
        under which a result is kept. "" for an edition alone, which never changes.
        """
        return ""

    def live(self, measure: str) -> bool:
        """Whether a measure follows the ledger instead of the edition's files."""
        return False

    def cutoff_of(self, measure: str | None) -> str:
        """Cut-off date in words of what a map of a measure shows."""
        return str(self.manifest.get("cutoffs", {}).get(measure, self.cutoff))

    @property
    def contact(self) -> Contact | None:
        """What the ledger adds up to; None while it holds neither a contact point nor a problem,
        and for an edition alone.
        """
        return None

    @property
    def cutoff(self) -> str:
        """Cut-off date in words: declared, else the latest period that has data."""
        return str(self.manifest["cutoff"])

    def notices(self) -> dict[str, Any]:
        """What every screen must say."""
        atlas = self.space.atlas
        return {
            "title": atlas.title,
            "programme": atlas.programme,
            "demo": atlas.demo,
            "source": atlas.source,
            "cutoff": self.cutoff,
            "approval_number": atlas.approval_number,
            "licence": atlas.licence,
        }

    def inputs(self) -> tuple[Input, ...]:
        """The files that the edition was made of."""
        return tuple(Input(**one) for one in self.manifest["inputs"])

    def findings(self) -> tuple[Finding, ...]:
        """Warnings and notes of check and build."""
        return self._findings()

    # --- regions ----------------------------------------------------------------------------

    def count(self, level: str) -> int:
        """Number of regions of a level; raises `UnknownName`."""
        return self._counts[self.space.level(level).id]

    def zooms(self, level: str) -> Zooms:
        """First and last zoom of the level's tiles; raises `UnknownName`."""
        return self._zooms[self.space.level(level).id]

    @property
    def nesting(self) -> Nesting:
        """Who lies in whom, as positions."""
        return self._nesting()

    def regions(self, level: str) -> pd.DataFrame:
        """The regions of a level in position order, without geometry.

        Columns: code, name, parent, pinyin, initials, lon, lat, west, south, east, north
        (degrees), area_km2, leaves. Raises `UnknownName`.
        """
        return self._frame(self.space.level(level).id).copy(deep=False)

    def region(self, code: str) -> Region:
        """The region with a code, canonical or bare prefix; raises `UnknownName`."""
        place = self._where().get(code)
        if place is None:
            raise UnknownName.among("region", code)
        return self._region(*place)

    @property
    def root(self) -> Region:
        """The region that holds all others."""
        return self._region(self.space.root.id, 0)

    def at(self, level: str, position: int) -> Region:
        """The region at a position of a level; raises `UnknownName`."""
        if not 0 <= position < self.count(level):
            raise UnknownName.among("region", position)
        return self._region(level, int(position))

    def ancestors(self, code: str) -> tuple[Region, ...]:
        """All regions above, root first, without itself; raises `UnknownName`."""
        region = self.region(code)
        depth = self.nesting.depth(region.level)
        return tuple(
            self._region(upper, int(self.nesting.above(region.level, upper)[region.position]))
            for upper in self.nesting.levels[:depth]
        )

    def children(self, code: str) -> tuple[Region, ...]:
        """The regions one level below, in code order; none for a leaf. Raises `UnknownName`."""
        region = self.region(code)
        depth = self.nesting.depth(region.level) + 1
        if depth == len(self.nesting.levels):
            return ()
        own = np.flatnonzero(self.nesting.parents[depth] == region.position)
        return tuple(self._region(self.nesting.levels[depth], int(position)) for position in own)

    def descendants(self, code: str, level: str) -> NDArray[np.int32]:
        """Positions at `level` of what lies in the region, ascending; its own at its own level.

        Empty for a level above the region's. Raises `UnknownName`.
        """
        region, lower = self.region(code), self.space.level(level).id
        if self.nesting.depth(lower) < self.nesting.depth(region.level):
            return np.zeros(0, np.int32)
        return self.nesting.below(region.level, region.position, lower)

    def geometry(self, level: str, tolerance_m: float | None = None) -> gpd.GeoDataFrame:
        """Shapes of a level (EPSG:4326), position order, with `code` and `name`.

        Parameters
        ----------
        tolerance_m : simplify as a coverage, so that neighbours stay neighbours; metres.
        """
        return self._shapes(self.space.level(level).id, tolerance_m or 0.0).copy(deep=False)

    def search(self, text: str, limit: int = 10) -> tuple[Region, ...]:
        """Regions whose name, pinyin, initials or code match, best first."""
        index, places = self._index()
        return tuple(self._region(*places[number]) for number in index.find(text, limit))

    # --- measures ---------------------------------------------------------------------------

    def has(self, measure: str, round: str) -> bool:
        """Whether the measure has any value in the round; False for unknown names too."""
        return measure in self.manifest["measures"].get(round, {})

    def periods(self, measure: str, round: str) -> tuple[str, ...]:
        """The measure's periods in the round, in order; none when it has no value there.

        Raises `UnknownName` for a measure or round that is not declared.
        """
        self.space.measure(measure)
        known = self.manifest["measures"].get(self.space.round(round).id, {})
        return tuple(known.get(measure, ()))

    def values(self, measure: str, round: str, level: str) -> Values:
        """A measure at all regions of a level and all periods.

        Raises
        ------
        UnknownName : for unknown names, a measure without any value in the round, and a level
            at which it was not published.
        """
        key = (measure, round, level)
        found = self._shelf.get(key)
        if found is None:
            found = self._read_values(*key)
            self._shelf.put(key, found)
        return found

    def plan(self, measure: str, round: str) -> tuple[Plan, ...]:
        """The plan points of a measure in a round; raises `UnknownName`."""
        name = self.space.round(round).id
        return tuple(point for point in self.space.measure(measure).plan if point.round == name)

    def figures(self, round: str, code: str, period: str | None = None) -> tuple[FigureValue, ...]:
        """The round's headline figures at a region.

        Parameters
        ----------
        period : for figures that are measures; the latest value not later than this.
        """
        item, region = self.space.round(round), self.region(code)
        leaf = self.space.leaf.id
        inside = np.zeros(self.count(leaf), np.bool_)
        inside[self.descendants(region.code, leaf)] = True

        def value(measure: str, part: str) -> tuple[float | None, int]:
            digits = self.space.measure(measure).digits
            if not self.has(measure, round):
                return None, digits
            found = self.values(measure, round, region.level)
            number = snap(found.periods, period)
            if number is None:
                return None, digits
            at = float(found.value[number, region.position])
            if np.isnan(at):
                return None, digits
            if part == "numerator":
                at = float(found.numerator[number, region.position])
                return at, 0 if at.is_integer() else digits
            return at, digits

        known = (
            evaluate(
                figure,
                root=region.level == self.space.root.id,
                inside=inside,
                targets=self.targets(round),
                staff=lambda kind: self._staff(kind, item.id),
                measure=value,
            )
            for figure in item.figures
        )
        return tuple(one for one in known if one is not None)

    def targets(self, round: str) -> NDArray[np.bool_]:
        """Mask over the leaves: the round's targets; all leaves when it declares none."""
        item = self.space.round(round)
        mask = np.ones(self.count(self.space.leaf.id), np.bool_)
        if item.target is not None:
            mask[:] = False
            mask[self.manifest["targets"].get(item.id, [])] = True
        return mask

    # --- where things come from -------------------------------------------------------------

    def facts(self, code: str, *indicators: str) -> pd.DataFrame:
        """All that was reported for a leaf, with batch, file and row.

        Columns as `world.World.facts`, in the order of round, indicator, period.

        Parameters
        ----------
        indicators : only what was reported of these; all by default.

        Raises
        ------
        UnknownName : no such region.
        BadRequest : the region is not a leaf.
        """
        region = self.region(code)
        if region.level != self.space.leaf.id:
            raise BadRequest(say("edition.not_leaf"), value=code, cure=say("edition.not_leaf_cure"))
        metadata, first, last = self._fact_groups()
        schema = metadata.schema.to_arrow_schema()
        groups = np.flatnonzero((first <= region.code) & (last >= region.code)).tolist()
        found = [_of(self._fact_group(group), region.code).cast(schema) for group in groups]
        own = pa.concat_tables(found) if found else schema.empty_table()
        if indicators:
            own = own.filter(pc.is_in(own["indicator"], pa.array(indicators, pa.string())))
        return own.to_pandas(ignore_metadata=True)

    def entities(self, kind: str, round: str, code: str) -> pd.DataFrame:
        """The entities of a kind at work in a leaf or anywhere within a region.

        Returns
        -------
        One entity a row: `id`, `name`, `attributes` (dict of str), `file`, `row`, `since` (the
        earliest, "" from the start), `via` (ids in between, tuple), `codes` (the leaves within
        the region, tuple).
        """
        staff = self._staff(kind, self.space.round(round).id)
        leaf = self.space.leaf.id
        inside = np.zeros(self.count(leaf), np.bool_)
        inside[self.descendants(code, leaf)] = True
        here = np.flatnonzero(inside[staff.leaf])
        codes = self.nesting.codes[-1]
        rows = np.unique(staff.entity[here])
        links: dict[int, list[int]] = {int(row): [] for row in rows}
        for link in here:
            links[int(staff.entity[link])].append(int(link))
        table = staff.table.iloc[rows].reset_index(drop=True)
        return table.assign(
            since=pd.Series(
                [min((str(staff.since[n]) for n in own), key=_since) for own in links.values()],
                dtype=object,
            ),
            via=pd.Series(
                [
                    tuple(sorted({str(staff.via[n]) for n in own if staff.via[n]}))
                    for own in links.values()
                ],
                dtype=object,
            ),
            codes=pd.Series(
                [tuple(sorted({str(codes[staff.leaf[n]]) for n in own})) for own in links.values()],
                dtype=object,
            ),
        )

    # --- files ------------------------------------------------------------------------------

    def array_path(self, measure: str, round: str, level: str) -> Path:
        """The value array for the browser; `.gz` beside it. Raises `UnknownName`."""
        return self._values_path(measure, round, level).with_suffix(".bin")

    @property
    def mesh_zoom(self) -> int | None:
        """The finest zoom whose shapes the mesh has; None for an edition built before it."""
        found = self.manifest.get("mesh")
        return int(found["zoom"]) if found else None

    def mesh_path(self) -> Path:
        """The leaves as triangles (`geodata.mesh`); `.gz` beside it.

        Raises
        ------
        UnknownName : when the edition was built before there were any.
        """
        if self.mesh_zoom is None:
            raise UnknownName(say("edition.no_mesh"), cure=say("edition.rebuild"))
        return self.folder / "mesh.bin"

    def tiles_path(self, level: str) -> Path:
        """The PMTiles archive of a level; raises `UnknownName`."""
        return self.folder / "tiles" / f"{self.space.level(level).id}.pmtiles"

    def _values_path(self, measure: str, round: str, level: str) -> Path:
        if not self.periods(measure, round):
            known = (one.id for one in self.measures if self.has(one.id, round))
            raise UnknownName.among("measure", measure, known)
        name = self.space.level(level).id
        if not self.shows(measure, name):
            declared = self.space.measure(measure)
            raise UnknownName(
                say("edition.level_unpublished", measure=declared.label),
                value=name,
                cure=say("error.allowed", names="、".join(declared.public_levels)),
            )
        return self.folder / "values" / round / measure / f"{name}.npz"

    def _read_values(self, measure: str, round: str, level: str) -> Values:
        path = self._values_path(measure, round, level)
        with (
            _ONE_HEADER,
            self._reading(path),
            path.open("rb") as stream,  # numpy would leave a broken file open
            np.load(stream, allow_pickle=False) as stored,
        ):
            found = finish(
                self.space.measure(measure),
                round,
                level,
                self.periods(measure, round),
                stored["numerator"].astype(np.float64),
                stored["denominator"].astype(np.float64),
                stored["reported"].astype(np.int32),
                stored["expected"].astype(np.int32),
                stored["verified"].astype(np.int32),
            )
        for field in fields(found):
            part = getattr(found, field.name)
            if isinstance(part, np.ndarray):
                part.setflags(write=False)
        return found

    def _read_frame(self, level: str) -> pd.DataFrame:
        path = self.folder / f"regions-{level}.parquet"
        names = [
            "code",
            "name",
            "parent",
            "pinyin",
            "initials",
            "lon",
            "lat",
            "west",
            "south",
            "east",
            "north",
            "area_km2",
            "leaves",
        ]
        with self._reading(path):
            return pq.read_table(path, columns=names).to_pandas(ignore_metadata=True)

    def _read_nesting(self) -> Nesting:
        return Nesting.of({level.id: self._frame(level.id) for level in self.levels})

    def _read_where(self) -> dict[str, tuple[str, int]]:
        places: dict[str, tuple[str, int]] = {}
        # Leaves first, so that of equal names (a bare prefix) the upper level wins.
        for level in reversed(self.levels):
            for position, code in enumerate(self._frame(level.id)["code"]):
                places[bare(self.space, level, code)] = (level.id, position)
        for level in reversed(self.levels):
            for position, code in enumerate(self._frame(level.id)["code"]):
                places[code] = (level.id, position)
        return places

    def _make_region(self, level: str, position: int) -> Region:
        row = self._frame(level).iloc[position]
        return Region(
            str(row["code"]),
            str(row["name"]),
            level,
            str(row["parent"]),
            position,
            float(row["lon"]),
            float(row["lat"]),
            (float(row["west"]), float(row["south"]), float(row["east"]), float(row["north"])),
            int(row["leaves"]),
            float(row["area_km2"]),
        )

    def _make_index(self) -> tuple[Index, list[tuple[str, int]]]:
        entries, places = [], []
        for level in self.levels:
            frame = self._frame(level.id)
            columns = (frame[name] for name in ("name", "pinyin", "initials", "code"))
            for position, row in enumerate(zip(*columns, strict=True)):
                name, pinyin, initials, code = row
                entries.append(Entry(name, pinyin, initials, bare(self.space, level, code)))
                places.append((level.id, position))
        return Index(entries), places

    def _read_shapes(self, level: str, tolerance_m: float) -> gpd.GeoDataFrame:
        if tolerance_m > 0:
            whole = self._shapes(level, 0.0)
            work = whole.geometry.to_crs(self.space.geometry.work_crs)
            simple = simplify(np.asarray(work.array, dtype=object), tolerance_m)
            back = gpd.GeoSeries(simple, crs=work.crs).to_crs(CRS)
            return whole.set_geometry(back)
        path = self.folder / f"regions-{level}.parquet"
        with self._reading(path):
            table = pq.read_table(path, columns=["code", "name", "geometry"])
        frame = table.select(["code", "name"]).to_pandas(ignore_metadata=True)
        shapes = shapely.from_wkb(table["geometry"].to_numpy())
        return gpd.GeoDataFrame(frame, geometry=shapes, crs=CRS)

    def _read_tables(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        with self._reading(self.folder):
            entities = pq.read_table(self.folder / "entities.parquet").to_pandas(
                ignore_metadata=True
            )
            links = pq.read_table(self.folder / "links.parquet").to_pandas(ignore_metadata=True)
        attributes = pd.Series(unpack(entities["attributes"]), dtype=object)
        return entities.assign(attributes=attributes), links

    def _read_staff(self, kind: str, round_id: str) -> Staff:
        known = sorted({source.entity for source in self.space.sources if source.entity})
        if kind not in known:
            raise UnknownName.among("entity", kind, known)
        return Staff.of(kind, round_id, *self._tables(), self.nesting.codes[-1])

    def _read_fact_groups(self) -> tuple[pq.FileMetaData, Any, Any]:
        path = self.folder / "facts.parquet"
        with self._reading(path):
            metadata = pq.read_metadata(path)
        at = metadata.schema.names.index("code")
        spans = [
            metadata.row_group(n).column(at).statistics for n in range(metadata.num_row_groups)
        ]
        first = np.array([span.min for span in spans], dtype=object)
        last = np.array([span.max for span in spans], dtype=object)
        return metadata, first, last

    def _fact_group(self, group: int) -> pa.Table:
        """A group of rows of the facts' file, texts as numbers into lists; one chunk a column."""
        found = self._fact_shelf.get(group)
        if found is None:
            path = self.folder / "facts.parquet"
            metadata = self._fact_groups()[0]
            texts = [
                one.name for one in metadata.schema.to_arrow_schema() if one.type == pa.string()
            ]
            with (
                self._reading(path),
                pq.ParquetFile(path, metadata=metadata, read_dictionary=texts) as file,
            ):
                found = file.read_row_group(group, use_threads=False).combine_chunks()
            self._fact_shelf.put(group, found)
        return found

    def _read_findings(self) -> tuple[Finding, ...]:
        path = self.folder / "findings.json"
        with self._reading(path):
            stored = json.loads(path.read_text(encoding="utf-8"))
        return tuple(Finding(**{**one, "severity": Severity(one["severity"])}) for one in stored)

    def _reading(self, path: Path) -> _Reading:
        return _Reading(path)


class _Reading:
    """Says which file of an edition cannot be read, instead of a library's own words."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (OSError, ValueError, KeyError, zipfile.BadZipFile)):
            raise EditionError(
                say("edition.gone"), file=str(self._path), cure=say("edition.rebuild")
            ) from error


def _of(group: pa.Table, code: str) -> pa.Table:
    """The rows of a leaf: numbers are compared, and no text is made of the others."""
    codes = group["code"].chunk(0)
    return group.filter(pc.equal(codes.indices, codes.dictionary.index(code)))


def edition_ids(folder: Path) -> tuple[str, ...]:
    """Ids of all complete editions of a workspace, sorted."""
    home = Path(folder) / EDITIONS
    if not home.is_dir():
        return ()
    return tuple(sorted(one.name for one in home.iterdir() if not one.name.startswith(".")))


def published_id(folder: Path) -> str:
    """Id of what was published last; "" when nothing was."""
    try:
        found = (Path(folder) / PUBLIC / CURRENT).read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
    return found if re.fullmatch(r"[0-9a-f]{16}", found) else ""


def bare(space: Workspace, level: Level, code: str) -> str:
    """A code without its padding."""
    if space.codes.pad and level.code_length and space.codes.parents == "prefix":
        return code[: level.code_length]
    return code


def snap(known: tuple[str, ...], wanted: str | None) -> int | None:
    """Number of the latest period not later than `wanted`; None when all of them are later.

    `wanted` None is the latest of all. A measure that holds for the whole round has just one
    period, which serves every wish.
    """
    if not known:
        return None
    if wanted is None or known == (ALWAYS,):
        return len(known) - 1
    if wanted == ALWAYS:
        return len(known) - 1
    end = calendar.parse(wanted).end
    earlier = [
        number
        for number, name in enumerate(known)
        if name != ALWAYS and calendar.parse(name).end <= end
    ]
    return earlier[-1] if earlier else None


def _since(text: str) -> int:
    return calendar.parse(text).end if text else -1

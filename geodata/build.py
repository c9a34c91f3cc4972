"""From a world to an edition: written aside, named by its content, put in place in one step."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from geodata import arrays, check, measures, mesh, periods, state, tiles
from geodata.edition import CRS, EDITIONS, FORMAT, MANIFEST, snap
from geodata.errors import AtlasError, EditionError, reason
from geodata.figures import Staff, evaluate, pack
from geodata.findings import Finding
from geodata.measures import Reported, Values
from geodata.nesting import Nesting
from geodata.periods import ALWAYS
from geodata.progress import SILENT, Progress
from geodata.search import spell
from geodata.vocabulary import Severity
from geodata.words import say
from geodata.workspace import FILE
from geodata.world import World

_ASIDE = ".building-"
_SHOWN = 10
_GROUP = 32_768
"""Rows a row group: small enough that one region's facts are read in milliseconds."""

_SLICE = 8 * _GROUP
"""Rows that are turned into text at once."""

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""Date of every zip entry: the earliest that the format knows."""


def build(folder: Path, progress: Progress = SILENT) -> str:
    """Read, check and build the workspace in `folder`; returns the edition's id.

    Raises
    ------
    AtlasError : when check finds errors (how many, and the first of them) or cannot go on. The
        current edition stays as it was.
    """
    return write(check.read(folder, progress), folder, progress)


def write(world: World, folder: Path, progress: Progress = SILENT) -> str:
    """Write the world's edition into `folder` and make it the current one; returns its id.

    The edition is written beside the others under a name of its own and renamed when every byte
    is on the disk: whoever kills it midway leaves the current edition as it was. An edition that
    is already there is only pointed to.

    Raises
    ------
    AtlasError : when the world has errors.
    EditionError : when the folder cannot be written.
    """
    if world.errors:
        raise AtlasError(
            say("build.errors", count=len(world.errors), shown=_first(world.errors)),
            cure=say("build.errors_cure"),
        )
    home = Path(folder) / EDITIONS
    try:
        home.mkdir(parents=True, exist_ok=True)
        sweep(home)
        with _aside(home) as aside:
            _fill(world, aside, progress)
            with progress.step(say("build.step.seal")) as advance:
                edition_id = seal(aside)
                _settle(aside, home / edition_id)
                advance(1)
    except OSError as error:
        raise EditionError(
            say("build.busy", reason=reason(error)),
            file=str(home),
            cure=say("build.busy_cure"),
        ) from error
    state.set_current(folder, edition_id)
    return edition_id


def sweep(home: Path) -> None:
    """Remove what killed builds left in the editions' folder; running builds keep theirs."""
    for left in home.glob(f"{_ASIDE}*"):
        try:
            handle = os.open(left, os.O_RDONLY)
        except OSError:
            continue  # its owner has just finished
        try:
            # The system lets go of a lock when its owner dies, however it dies.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            if not _alive(left.name):
                shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(handle)


def _settle(aside: Path, place: Path) -> None:
    """Rename the finished edition, unless the same one is there already."""
    try:
        aside.rename(place)
    except OSError:
        # A folder that is not empty refuses: someone built the same edition before or just now.
        if not (place / MANIFEST).is_file():
            raise
    _sync(place.parent)


def seal(folder: Path) -> str:
    """Force every file to the disk and return the id: a hash over all paths and contents."""
    digest = hashlib.sha256()
    for path in sorted(
        (path for path in folder.rglob("*") if path.is_file()),
        key=lambda path: path.relative_to(folder).as_posix(),
    ):
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
            os.fsync(stream.fileno())
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    for path in folder.rglob("*"):
        if path.is_dir():
            _sync(path)
    _sync(folder)
    return digest.hexdigest()[:16]


def _first(errors: tuple[Finding, ...]) -> str:
    lines = [
        f"  {'：'.join(part for part in (f'{one.file} {one.place}'.strip(), one.message) if part)}"
        + (f"「{one.value}」" if one.value else "")
        for one in errors[:_SHOWN]
    ]
    if len(errors) > _SHOWN:
        lines.append("  " + say("build.errors_more", count=len(errors) - _SHOWN))
    return "\n".join(lines)


@contextmanager
def _aside(home: Path) -> Iterator[Path]:
    path = home / f"{_ASIDE}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    path.mkdir()
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield path
    finally:
        os.close(handle)
        shutil.rmtree(path, ignore_errors=True)


def _alive(name: str) -> bool:
    """Whether the builder of a folder still runs; its own process is not building yet.

    Asked besides the lock for the moment between making a folder and locking it.
    """
    try:
        builder = int(name.removeprefix(_ASIDE).partition("-")[0])
        os.kill(builder, 0)
    except PermissionError:
        return True
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    return builder != os.getpid()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fill(world: World, aside: Path, progress: Progress) -> None:
    space = world.space
    frames = {level.id: world.regions[level.id] for level in space.levels}
    for level, frame in frames.items():
        if not len(frame):
            raise AtlasError(say("build.level_empty", level=level), file=FILE)
    nesting = Nesting.of(frames)
    with progress.step(say("build.step.regions"), len(frames)) as advance:
        for level, frame in frames.items():
            _write_regions(aside / f"regions-{level}.parquet", frame, nesting, level)
            advance(1)
    (aside / "tiles").mkdir()
    outlines: dict[int, tiles.Shapes] = {}
    spans = tiles.write_tiles(
        space,
        frames,
        nesting,
        aside / "tiles",
        progress,
        outlines.__setitem__,
    )
    with progress.step(say("build.step.mesh")) as advance:
        data = mesh.encode(mesh.triangulate(outlines, nesting))
        (aside / "mesh.bin").write_bytes(data)
        (aside / "mesh.bin.gz").write_bytes(arrays.compress(data))
        advance(1)
    reported = Reported(space, nesting.codes[-1], world.facts, world.links)
    roots = _write_values(world, nesting, reported, aside, progress)
    with progress.step(say("build.step.facts")) as advance:
        _write_tables(world, aside)
        advance(1)
    found = (*world.findings, *_differences(world, nesting, reported, roots))
    write_json(aside / "findings.json", [asdict(one) for one in found])
    latest = _latest(world)
    write_json(
        aside / MANIFEST,
        {
            "format": FORMAT,
            "workspace": space.model_dump(mode="json", by_alias=True),
            "levels": [
                {
                    "id": level,
                    "count": len(frame),
                    "min_zoom": spans[level].min,
                    "max_zoom": spans[level].max,
                }
                for level, frame in frames.items()
            ],
            "mesh": {"zoom": max(outlines)},
            "measures": {
                item.id: {
                    name: list(values.periods)
                    for (round_id, name), values in roots.items()
                    if round_id == item.id
                }
                for item in space.rounds
            },
            "targets": {
                item.id: np.flatnonzero(reported.targets(item.id)).tolist()
                for item in space.rounds
                if item.target is not None
            },
            "inputs": [asdict(one) for one in world.inputs],
            "cutoff": space.atlas.cutoff or (periods.label(latest) if latest else ""),
            "cutoff_period": latest,
        },
    )


def _write_regions(path: Path, frame: gpd.GeoDataFrame, nesting: Nesting, level: str) -> None:
    """GeoParquet in EPSG:4326 with what a region is known by."""
    degrees = frame.geometry.to_crs(CRS)
    bounds = degrees.bounds
    points = gpd.GeoSeries(label_points(frame.geometry.to_numpy()), crs=frame.crs).to_crs(CRS)
    spelled = [spell(name) for name in frame["name"]]
    below = nesting.above(nesting.levels[-1], level)
    table = gpd.GeoDataFrame(
        {
            "code": frame["code"].astype(str).to_numpy(),
            "name": frame["name"].astype(str).to_numpy(),
            "parent": frame["parent"].astype(str).to_numpy(),
            "pinyin": [one[0] for one in spelled],
            "initials": [one[1] for one in spelled],
            "lon": points.x.to_numpy(),
            "lat": points.y.to_numpy(),
            "west": bounds["minx"].to_numpy(),
            "south": bounds["miny"].to_numpy(),
            "east": bounds["maxx"].to_numpy(),
            "north": bounds["maxy"].to_numpy(),
            "area_km2": (shapely.area(frame.geometry.to_numpy()) / 1e6).round(6),
            "leaves": np.bincount(below, minlength=len(frame)).astype(np.int32),
        },
        geometry=degrees.to_numpy(),
        crs=CRS,
    )
    table.to_parquet(path, index=False, compression="zstd", row_group_size=_GROUP)


def label_points(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """A point well inside each shape: the middle of the widest circle in its largest part."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    order = np.lexsort((np.arange(len(parts)), -shapely.area(parts), owner))
    _, first = np.unique(owner[order], return_index=True)
    largest = parts[order[first]]
    if len(largest) > 1000:
        # For thousands of small shapes the cheap point does; it is inside as well.
        return np.asarray(shapely.point_on_surface(largest), dtype=object)
    # A label need not stand exactly: on a coarser outline the circle is found many times faster.
    size = np.sqrt(shapely.area(largest))
    coarse = shapely.simplify(largest, size / 100)
    circles = shapely.maximum_inscribed_circle(coarse, size / 50)
    middle = shapely.get_point(circles, 0)
    inside = shapely.covers(largest, middle)
    found: NDArray[np.object_] = np.where(inside, middle, shapely.point_on_surface(largest))
    return found


def _write_values(
    world: World, nesting: Nesting, reported: Reported, aside: Path, progress: Progress
) -> dict[tuple[str, str], Values]:
    """Every measure of every round at every level; returns those of the root."""
    wanted = [
        (item, measure)
        for item in world.space.rounds
        for measure in world.space.measures
        if item.id in measure.rounds
    ]
    roots: dict[tuple[str, str], Values] = {}
    with progress.step(say("build.step.measures"), len(wanted)) as advance:
        for item, measure in wanted:
            leaves = reported.leaves(measure, item.id)
            if leaves is not None:
                home = aside / "values" / item.id / measure.id
                home.mkdir(parents=True)
                rolled = measures.roll_up(measure, item.id, leaves, nesting)
                for values in rolled.values():
                    write_values(home, values, measure.digits)
                roots[item.id, measure.id] = rolled[nesting.levels[0]]
            advance(1)
    return roots


def write_values(home: Path, values: Values, digits: int, *, compresslevel: int = 1) -> None:
    """Write a measure at a level into `home`: the array that browsers read, packed beside it, and
    the sums behind it.

    Parameters
    ----------
    compresslevel : of the sums; what is served to many is worth a higher one.
    """
    data = arrays.encode(values, digits)
    (home / f"{values.level}.bin").write_bytes(data)
    (home / f"{values.level}.bin.gz").write_bytes(arrays.compress(data))
    (home / f"{values.level}.npz").write_bytes(_npz(values, compresslevel))


def _npz(values: Values, compresslevel: int) -> bytes:
    """Sums and counts as numpy's zip, in the smallest exact types, without times."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("numerator", "denominator", "reported", "expected", "verified"):
            part = io.BytesIO()
            array = getattr(values, name)
            if name == "expected":
                array = array[:1]  # the same in all periods; numpy spreads it again
            np.lib.format.write_array(part, exact(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, part.getvalue(), compresslevel=compresslevel)
    return stream.getvalue()


def exact(array: NDArray[Any]) -> NDArray[Any]:
    """The array in the smallest type that holds every number exactly."""
    for kind in (np.int8, np.int16, np.int32, np.float32):
        with np.errstate(invalid="ignore", over="ignore"):
            small = array.astype(kind)
        if np.array_equal(small, array):
            return small
    return array


def _write_tables(world: World, aside: Path) -> None:
    order = ["code", "round", "indicator", "period"]
    facts = world.facts[[*order, "value", "status", "batch", "file", "row"]]
    _parquet(aside / "facts.parquet", facts.sort_values(order, kind="stable"))
    entities = world.entities[["kind", "round", "id", "name", "attributes", "file", "row"]]
    _parquet(
        aside / "entities.parquet",
        entities.assign(attributes=pack(entities["attributes"])).sort_values(
            ["kind", "round", "id", "file", "row"], kind="stable"
        ),
    )
    links = world.links[["kind", "round", "id", "code", "since", "via"]]
    _parquet(aside / "links.parquet", links.sort_values(list(links.columns), kind="stable"))


def _parquet(path: Path, frame: pd.DataFrame) -> None:
    # Without pandas' own notes, which name its version: the same data give the same bytes.
    kinds = {"value": pa.float64(), "status": pa.int8(), "row": pa.int32()}
    schema = pa.schema([(name, kinds.get(str(name), pa.string())) for name in frame.columns])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        # A slice at a time: words spelled out for millions of rows would take gigabytes.
        for start in range(0, max(len(frame), 1), _SLICE):
            rows = frame.iloc[start : start + _SLICE]
            table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
            writer.write_table(table.replace_schema_metadata(None), row_group_size=_GROUP)


def write_json(path: Path, content: object) -> None:
    """Write JSON that is the same for the same content."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _latest(world: World) -> str:
    """Id of the latest period that something was reported for; empty when nothing is dated."""
    known = [periods.parse(one) for one in world.facts["period"].unique() if one != ALWAYS]
    return max(known).id if known else ""


def _differences(
    world: World, nesting: Nesting, reported: Reported, roots: dict[tuple[str, str], Values]
) -> Iterator[Finding]:
    """Warnings where the built edition says something else than what was published."""
    everywhere = np.ones(len(nesting.codes[-1]), np.bool_)
    for item in world.space.rounds:

        def value(measure: str, part: str, round_id: str = item.id) -> tuple[float | None, int]:
            digits = world.space.measure(measure).digits
            values = roots.get((round_id, measure))
            number = snap(values.periods, None) if values else None
            if values is None or number is None or np.isnan(values.value[number, 0]):
                return None, digits
            if part == "numerator":
                return float(values.numerator[number, 0]), 0
            return float(values.value[number, 0]), digits

        def staff(kind: str, round_id: str = item.id) -> Staff:
            return Staff.of(kind, round_id, world.entities, world.links, nesting.codes[-1])

        for number, figure in enumerate(item.figures):
            found = evaluate(
                figure,
                root=True,
                inside=everywhere,
                targets=reported.targets(item.id),
                staff=staff,
                measure=value,
            )
            if found is None or found.published is None or found.published == found.value:
                continue
            yield Finding(
                Severity.WARNING,
                "figure_differs",
                FILE,
                f"rounds.{item.id}.figures[{number + 1}]",
                "" if found.value is None else f"{found.value:g}",
                say(
                    "build.figure_differs.message",
                    round=item.label,
                    label=found.label,
                    published=f"{found.published:g}",
                    computed="—" if found.value is None else f"{found.value:g}",
                ),
                say("build.figure_differs.cure"),
                rows=0,
            )

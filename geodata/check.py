"""Read a workspace, check everything, and leave one consistent world with all findings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from geodata import cells, measures, shapes, sources, tree, workspace
from geodata.entities import Entities
from geodata.errors import AtlasError, ShapeError, SourceError
from geodata.facts import Facts, Locator
from geodata.progress import SILENT, Progress
from geodata.sources import Raw
from geodata.tally import SHOWN, Tally
from geodata.vocabulary import Severity, SourceKind
from geodata.words import say
from geodata.workspace import Level, Workspace
from geodata.world import World

Array = np.ndarray[Any, Any]


def read(folder: Path, progress: Progress = SILENT) -> World:
    """Read all files that `folder`/atlas.toml names, check and join them.

    Parameters
    ----------
    folder : the workspace.
    progress : told about each long step.

    Returns
    -------
    The world; when its `errors` are not empty, it must not be built.

    Raises
    ------
    AtlasError : nothing can go on: atlas.toml is missing or wrong, or no leaf has a usable shape.
    """
    folder = Path(folder)
    space = workspace.load(folder)
    work = shapes.work_crs(space.geometry.work_crs)
    tally = Tally()
    drawn = _Drawn(space, work, tally)
    for raw in _files(folder, space, SourceKind.BOUNDARIES, tally, progress):
        drawn.read(raw)
    leaves = drawn.frame(space.leaf)
    if leaves is None:
        raise _first_error(tally)
    named = _Named(space, tally)
    for raw in _files(folder, space, SourceKind.REGIONS, tally, progress):
        named.read(raw)
    with progress.step(say("check.step.shapes")):
        leaves = _fit(space, leaves, tally)
    with progress.step(say("check.step.tree")):
        grown = _tree(space, leaves, named, drawn, tally)
        if not len(grown.frames[space.leaf.id]):
            raise _first_error(tally)
        regions = _regions(space, grown, leaves, drawn, tally)
    locator = Locator(space, grown, tally)
    facts = Facts(space, locator, tally)
    for raw in _files(folder, space, SourceKind.TABLE, tally, progress):
        if raw.source.level not in (None, space.leaf.id):
            number = tally.open(raw)
            rows = raw.frame.index.to_numpy()
            tally.rows(
                number, "table_level", rows, [""] * len(rows), severity=Severity.ERROR,
                together=True, words={"level": raw.source.level, "leaf": space.leaf.id},
            )  # fmt: skip
        else:
            facts.read(raw, tally.open(raw))
    entities = Entities(space, locator, tally)
    for raw in _files(folder, space, SourceKind.ENTITIES, tally, progress):
        entities.read(raw, tally.open(raw))
    with progress.step(say("check.step.facts")):
        table = facts.finish()
        staff, links = entities.finish()
        _unmentioned(space, locator, facts.mentioned | entities.mentioned, drawn, tally)
        _selection(space, table, locator, tally)
    tally.add(Severity.NOTE, "fact_rows", value=len(table), words={"count": len(table)})
    inputs = tally.close()
    return World(space, regions, table, staff, links, tally.findings, inputs)


def _files(
    folder: Path, space: Workspace, kind: SourceKind, tally: Tally, progress: Progress
) -> Any:
    """Every file of every source of a kind; one that cannot be read becomes an error finding."""
    for source in space.sources:
        if source.kind is not kind:
            continue
        try:
            paths = sources.find(folder, source)
        except SourceError as error:
            tally.error(error, "missing_file")
            continue
        label = say("check.step.read", source=source.label or source.id)
        with progress.step(label, len(paths)) as advance:
            for path in paths:
                try:
                    raw = sources.read(folder, source, path)
                except SourceError as error:
                    tally.error(error, "unreadable_file")
                else:
                    yield raw
                advance(1)


def _first_error(tally: Tally) -> AtlasError:
    """The errors so far, as something to raise."""
    errors = [found for found in tally.findings if found.severity is Severity.ERROR]
    first = errors[0]
    if len(errors) == 1:
        return SourceError(
            first.message, file=first.file, place=first.place, value=first.value, cure=first.cure
        )
    told = [
        SourceError(one.message, file=one.file, place=one.place, value=one.value, cure=one.cure)
        for one in errors[:10]
    ]
    return SourceError("\n".join(str(one) for one in told))


# ------------------------------------------------------------------------ boundaries


@dataclass(frozen=True)
class _Part:
    """The usable features of one boundary file, in the work CRS."""

    number: int
    level: str
    frame: pd.DataFrame
    """`code`, `name`, `parent`, `row`, and ancestors' names under their level's id."""
    geometry: Array


class _Drawn:
    """Gathers boundary files, level by level."""

    def __init__(self, space: Workspace, work: pyproj.CRS, tally: Tally) -> None:
        self._space, self._work, self._tally = space, work, tally
        self._parts: list[_Part] = []

    def read(self, raw: Raw) -> None:
        """Take up one boundary file; features that cannot be used are errors."""
        space, tally = self._space, self._tally
        number = tally.open(raw)
        assert raw.geometry is not None
        rows = raw.frame.index.to_numpy(dtype=np.int64)
        if not len(rows):
            tally.add(Severity.ERROR, "empty_boundaries", file=raw.file)
            return
        crs = self._crs(raw)
        if crs is None:
            tally.rows(
                number, "crs_absent", rows, [""] * len(rows), severity=Severity.ERROR,
                together=True,
            )  # fmt: skip
            return
        geometry, good = self._polygons(raw, number, rows)
        geometry, good = self._placed(geometry, good, crs, raw, number, rows)
        level = space.level(raw.source.level or space.leaf.id)
        codes, good = self._codes(raw, number, rows, level, good)
        columns = raw.source.columns

        def texts(heading: str) -> Array:
            if not heading:
                return np.full(len(rows), "", dtype=object)
            return cells.each(raw.frame[heading], cells.plain)

        frame = pd.DataFrame(
            {
                "code": codes,
                "name": texts(columns.name),
                "parent": cells.each(raw.frame[columns.parent], cells.code)
                if columns.parent
                else "",
                "row": rows,
                **{level: texts(heading) for level, heading in columns.ancestors.items()},
            }
        )
        self._parts.append(
            _Part(number, level.id, frame[good].reset_index(drop=True), geometry[good])
        )

    def _crs(self, raw: Raw) -> pyproj.CRS | None:
        """What the file states and atlas.toml declares must be the same system."""
        stated = pyproj.CRS.from_user_input(raw.crs) if raw.crs else None
        declared = (
            shapes.crs_of(raw.source.crs, f"sources.{raw.source.id}.crs")
            if raw.source.crs
            else None
        )
        if stated is None or declared is None:
            return declared or stated
        there = raw.geometry[~shapely.is_missing(raw.geometry)]  # type: ignore[index]
        there = there[~shapely.is_empty(there)]
        if len(there) and not shapes.same_place(declared, stated, there):
            self._tally.add(
                Severity.ERROR, "crs_differs", file=raw.file, value=stated.name,
                place=f"sources.{raw.source.id}.crs",
                words={"declared": declared.name, "stated": stated.name},
            )  # fmt: skip
        return declared

    def _polygons(self, raw: Raw, number: int, rows: Array) -> tuple[Array, Array]:
        geometry = raw.geometry
        assert geometry is not None
        missing = shapely.is_missing(geometry) | shapely.is_empty(geometry)
        kinds = shapely.get_type_id(geometry)
        other = ~missing & (kinds != 3) & (kinds != 6)
        self._tally.rows(
            number, "no_geometry", rows[missing], [""] * int(missing.sum()),
            severity=Severity.ERROR,
        )  # fmt: skip
        self._tally.rows(
            number, "not_polygon", rows[other],
            np.array([shape.geom_type for shape in geometry[other]], dtype=object),
            severity=Severity.ERROR,
        )  # fmt: skip
        return geometry, ~missing & ~other

    def _placed(
        self, geometry: Array, good: Array, crs: pyproj.CRS, raw: Raw, number: int, rows: Array
    ) -> tuple[Array, Array]:
        """Shapes in the work CRS; improbable places are errors, impossible ones unusable."""
        bounds = self._space.geometry.expected_bounds
        away, centre = shapes.outside(geometry, crs, bounds)
        away &= good
        place = np.array([f"{x:.4f}, {y:.4f}" for x, y in centre], dtype=object)
        if away.sum() * 2 > good.sum():
            first = int(np.argmax(away))
            west, south = shapely.bounds(geometry[first])[:2]
            self._tally.add(
                Severity.ERROR, "crs_improbable", file=raw.file, value=f"{west:.6g}, {south:.6g}",
                place=f"sources.{raw.source.id}.crs",
                words={"crs": crs.name, "count": int(away.sum()), "total": len(rows)},
            )  # fmt: skip
        else:
            self._tally.rows(
                number, "shape_outside", rows[away], place[away], severity=Severity.ERROR,
                lost=False,
            )  # fmt: skip
        result = geometry.copy()
        with np.errstate(invalid="ignore"):
            result[good] = shapes.reproject(geometry[good], crs, self._work)
            box = shapely.bounds(result)
        lost = good & ~np.isfinite(box).all(axis=1)
        self._tally.rows(
            number, "shape_outside", rows[lost], place[lost], severity=Severity.ERROR,
            together=True,
        )  # fmt: skip
        return result, good & ~lost

    def _codes(
        self, raw: Raw, number: int, rows: Array, level: Level, good: Array
    ) -> tuple[Array, Array]:
        space, heading = self._space, raw.source.columns.code
        if not heading:
            raise SourceError(
                say("check.boundary_column"), file=workspace.FILE,
                place=f"sources.{raw.source.id}.columns.code",
                cure=say("check.boundary_column_cure"),
            )  # fmt: skip
        texts = raw.frame[heading]
        clean = cells.each(texts, cells.code)
        before = texts.to_numpy(dtype=object)
        place = say("check.column", name=heading)
        as_number = raw.numeric[heading] & (clean != "") & good
        self._tally.rows(
            number, "code_as_number", rows[as_number], before[as_number], lost=False,
            place=place, together=bool(raw.numeric[heading].all()),
            words={"code": clean[as_number]},
        )  # fmt: skip
        changed = (clean != before) & (clean != "") & good & ~as_number
        self._tally.rows(
            number, "code_cleaned", rows[changed], before[changed], lost=False, place=place,
            words={"code": clean[changed]},
        )  # fmt: skip
        new = np.array([tree.replaced(text, space.codes) for text in clean], dtype=object)
        swapped = (new != clean) & good
        self._tally.rows(
            number, "code_replaced", rows[swapped], clean[swapped], lost=False, place=place,
            severity=Severity.NOTE, together=True,
        )  # fmt: skip
        if level.id == space.leaf.id:
            pattern = re.compile(space.codes.pattern)
            length = space.leaf.code_length
            prefix = space.codes.parents == "prefix"
            fits = np.array(
                [
                    bool(pattern.fullmatch(text)) and (not prefix or len(text) == length)
                    for text in new
                ],
                dtype=bool,
            )
        else:
            new = np.array(
                [tree.canonical(text, level, space.leaf, space.codes) for text in new],
                dtype=object,
            )
            fits = new != ""
        empty = (clean == "") & good
        self._tally.rows(
            number, "boundary_no_code", rows[empty], [""] * int(empty.sum()),
            severity=Severity.ERROR,
        )  # fmt: skip
        wrong = good & ~empty & ~fits
        self._tally.rows(
            number, "boundary_code_shape", rows[wrong], before[wrong], severity=Severity.ERROR,
            words={"pattern": space.codes.pattern, "level": level.label},
        )  # fmt: skip
        return new, good & ~empty & ~wrong

    def frame(self, level: Level) -> gpd.GeoDataFrame | None:
        """Features of a level by code, one each: `code`, `name`, `parent`, `input`, `row`, ...

        A code that comes twice with the same shape is a warning, with another shape an error.
        """
        parts = [part for part in self._parts if part.level == level.id and len(part.frame)]
        if not parts:
            return None
        frame = pd.concat(
            [part.frame.assign(input=part.number) for part in parts], ignore_index=True
        ).fillna("")
        geometry = np.concatenate([part.geometry for part in parts])
        order = frame["code"].argsort(kind="stable").to_numpy()
        frame, geometry = frame.iloc[order].reset_index(drop=True), geometry[order]
        again = frame["code"].duplicated().to_numpy(dtype=bool)
        if again.any():
            first = frame["code"].drop_duplicates().index.to_numpy()
            leader = first[np.cumsum(~again) - 1]
            same = again & shapely.equals(geometry, geometry[leader])
            for code, some, severity in (
                ("boundary_repeated", same, Severity.WARNING),
                ("boundary_conflict", again & ~same, Severity.ERROR),
            ):
                for number, rows in frame[some].groupby("input"):
                    self._tally.rows(
                        int(number), code, rows["row"], rows["code"].to_numpy(dtype=object),
                        severity=severity,
                    )  # fmt: skip
            frame, geometry = frame[~again].reset_index(drop=True), geometry[~again]
        for part in parts:
            here = frame.loc[frame["input"] == part.number, "row"]
            self._tally.use(part.number, here)
        return gpd.GeoDataFrame(frame, geometry=geometry, crs=self._work)

    def tell_rows(self, level: Level) -> dict[str, tuple[int, int]]:
        """Code -> file number and feature, of a level."""
        return {
            code: (part.number, int(row))
            for part in reversed(self._parts)
            if part.level == level.id
            for code, row in zip(part.frame["code"], part.frame["row"], strict=True)
        }


def _fit(space: Workspace, frame: gpd.GeoDataFrame, tally: Tally) -> gpd.GeoDataFrame:
    """The frame with valid shapes that form a coverage; each repair is a finding."""
    tolerance = space.geometry.repair_tolerance
    geometry, broken = shapes.repair(np.asarray(frame.geometry.array), tolerance)
    number, rows = frame["input"].to_numpy(), frame["row"].to_numpy()
    codes = frame["code"].to_numpy(dtype=object)
    for defect in broken:
        at = defect.rows[0]
        tally.rows(
            int(number[at]),
            "geometry_repaired" if defect.mended else "geometry_invalid",
            [rows[at]],
            [codes[at]],
            severity=Severity.WARNING if defect.mended else Severity.ERROR,
            lost=False,
            words={"reason": defect.reason, "width": _metres(defect.width)},
        )
    usable = shapely.is_valid(geometry) & ~shapely.is_empty(geometry)
    defects: tuple[shapes.Defect, ...] = ()
    if usable.all():
        try:
            geometry, defects = shapes.mend(geometry, tolerance)
        except ShapeError as error:
            tally.error(error, "no_coverage")
    for defect in defects:
        _tell(space, defect, frame, tally)
    return frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs))


def _tell(space: Workspace, defect: shapes.Defect, frame: gpd.GeoDataFrame, tally: Tally) -> None:
    """The finding about one defect of the coverage."""
    at = list(defect.rows)
    names = [f"{frame['code'].iloc[n]} {frame['name'].iloc[n]}".strip() for n in at[:SHOWN]]
    where = say("check.and").join(names) + (say("check.and_so_on") if len(at) > SHOWN else "")
    keep = defect.kind == "gap" and space.geometry.holes == "keep"
    code = defect.kind
    if code in ("overlap", "gap") and not defect.mended:
        code = "hole" if keep else f"{code}_wide"
    severity = {
        "overlap": Severity.WARNING,
        "gap": Severity.WARNING,
        "overlap_wide": Severity.ERROR,
        "gap_wide": Severity.ERROR,
    }.get(code, Severity.NOTE)
    tally.add(
        severity,
        code,
        file=tally.file(int(frame["input"].iloc[at[0]])) if at else "",
        place=where,
        value=_metres(defect.width),
        words={
            "width": _metres(defect.width),
            "area": f"{defect.area:.0f}",
            "count": len(at),
            "tolerance": f"{space.geometry.repair_tolerance:g}",
            "first": names[0] if names else "",
        },
    )


def _metres(width: float) -> str:
    return say("check.metres", width=f"{width:.2f}") if np.isfinite(width) else "—"


# ------------------------------------------------------------------------------ tree


class _Named:
    """Gathers what `regions` sources say: level, code, name, parent."""

    def __init__(self, space: Workspace, tally: Tally) -> None:
        self._space, self._tally = space, tally
        self._parts: list[pd.DataFrame] = []

    def read(self, raw: Raw) -> None:
        """Take up one table of regions."""
        space, tally, columns = self._space, self._tally, raw.source.columns
        number = tally.open(raw)
        rows = raw.frame.index.to_numpy(dtype=np.int64)
        if not len(rows):
            tally.add(Severity.WARNING, "empty_table", file=raw.file)
            return
        nothing = pd.Series([""] * len(rows))

        def texts(heading: str, read: Any) -> Array:
            return cells.each(raw.frame[heading] if heading else nothing, read)

        codes = texts(columns.code, cells.code)
        names, parents = texts(columns.name, cells.plain), texts(columns.parent, cells.code)
        said = texts(columns.level, cells.plain)
        words = {level.id.casefold(): level.id for level in space.levels}
        words |= {level.label.casefold(): level.id for level in space.levels}
        default = raw.source.level or ""
        levels = np.array(
            [words.get(text.casefold(), "?") if text else default for text in said], dtype=object
        )
        empty = codes == ""
        tally.rows(number, "no_key", rows[empty], names[empty])
        wrong = (levels == "?") & ~empty
        tally.rows(
            number, "bad_level", rows[wrong], said[wrong],
            words={"levels": "、".join(level.id for level in space.levels)},
        )  # fmt: skip
        good = ~empty & ~wrong
        if space.codes.parents == "prefix":
            placed = [
                self._place(str(code), str(level)) if fine else ("", "")
                for code, level, fine in zip(codes, levels, good, strict=True)
            ]
            levels = np.array([level for level, _ in placed], dtype=object)
            shaped = np.array([code for _, code in placed], dtype=object)
            wrong = good & (shaped == "")
            tally.rows(
                number, "code_shape", rows[wrong], codes[wrong],
                words={"name": names[wrong], "pattern": space.codes.pattern},
            )  # fmt: skip
            good, codes = good & ~wrong, shaped
        frame = pd.DataFrame(
            {"level": levels, "code": codes, "name": names, "parent": parents, "row": rows}
        )[good].assign(input=number)
        self._parts.append(frame)

    def _place(self, code: str, level: str) -> tuple[str, str]:
        """The level of a code and its canonical form; ("", "") when it is of none."""
        space = self._space
        for each in space.levels:
            if level in ("", each.id):
                full = tree.canonical(code, each, space.leaf, space.codes)
                if each.id == space.leaf.id and len(code) != each.code_length:
                    full = ""
                if full:
                    return each.id, full
        return "", ""

    def frame(self) -> pd.DataFrame:
        """All regions named, each once: `level`, `code`, `name`, `parent`, `row`, `input`."""
        columns = ["level", "code", "name", "parent", "row", "input"]
        if not self._parts:
            return pd.DataFrame({column: pd.Series(dtype="str") for column in columns})
        frame = pd.concat(self._parts, ignore_index=True)
        again = frame.duplicated(["level", "code"]).to_numpy(dtype=bool)
        same = frame.duplicated(["level", "code", "name", "parent"]).to_numpy(dtype=bool)
        for code, some in (("duplicate_region", again & same), ("conflict_region", again & ~same)):
            for number, rows in frame[some].groupby("input"):
                self._tally.rows(
                    int(number), code, rows["row"], rows["code"].to_numpy(dtype=object)
                )
        kept = frame[~again].reset_index(drop=True)
        for number, rows in kept.groupby("input"):
            self._tally.use(int(number), rows["row"])
        return kept


_HARMLESS = ("childless", "parent_differs")


def _tree(
    space: Workspace, leaves: gpd.GeoDataFrame, named: _Named, drawn: _Drawn, tally: Tally
) -> tree.Tree:
    """The tree of regions, with findings about what doesn't fit into it."""
    known = named.frame()
    listed = [known]
    for level in space.levels[:-1]:
        frame = drawn.frame(level)
        if frame is not None:
            listed.append(pd.DataFrame(frame.drop(columns="geometry")).assign(level=level.id))
    listed.append(_from_leaves(space, leaves, pd.concat(listed, ignore_index=True)))
    whole = pd.concat(listed, ignore_index=True)
    # A file that only draws regions leaves their names to the one that lists them.
    whole = pd.concat([whole[whole["name"] != ""], whole[whole["name"] == ""]])
    own = pd.DataFrame(leaves[["code", "name", "parent"]])
    spelt = whole[whole["level"].isin(["", space.leaf.id])].drop_duplicates("code")
    spelt_names = spelt.set_index("code")["name"].reindex(own["code"]).fillna("")
    name = own["name"].where(own["name"] != "", spelt_names.to_numpy())
    own = own.assign(name=name.where(name != "", own["code"]).astype("str"))
    grown, troubles = tree.grow(own, whole, space)
    listed_at = {
        code: (int(number), int(row))
        for code, number, row in zip(known["code"], known["input"], known["row"], strict=True)
    }
    drawn_at: dict[str, tuple[int, int]] = {}
    for level in reversed(space.levels):
        drawn_at |= drawn.tell_rows(level)
    # Who names the parents is who must mend them: the list, or the codes of the borders.
    by_column = space.codes.parents == "column"
    places = drawn_at | listed_at if by_column else listed_at | drawn_at
    for trouble in troubles:
        number, row = places.get(trouble.code, (None, 0))
        kind = "parentless" if (trouble.kind, trouble.value) == ("orphan", "") else trouble.kind
        severity = Severity.WARNING if trouble.kind in _HARMLESS else Severity.ERROR
        words = {"code": trouble.code, "value": trouble.value, "count": trouble.count}
        if number is None:
            tally.add(severity, kind, place=trouble.code, value=trouble.value, words=words)
        else:
            tally.rows(
                number, kind, [row], [trouble.value or trouble.code], severity=severity,
                lost=trouble.kind != "parent_differs",
                place=say("check.region", code=trouble.code), words=words,
            )  # fmt: skip
    for level in space.levels:
        count = len(grown.frames[level.id])
        tally.add(Severity.NOTE, "region_rows", value=count,
                  words={"level": level.label, "count": count})  # fmt: skip
    return grown


def _from_leaves(space: Workspace, leaves: gpd.GeoDataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Names of upper regions that only columns of the leaves give (`columns.ancestors`)."""
    found = []
    for level in space.levels[:-1]:
        if level.id not in leaves or space.codes.parents == "column":
            continue
        if (known["level"] == level.id).any():
            continue
        pad = space.codes.pad * (space.leaf.code_length - level.code_length)
        code = leaves["code"].str[: level.code_length] + pad
        frame = pd.DataFrame({"code": code, "name": leaves[level.id]})
        frame = frame[frame["name"] != ""].drop_duplicates("code")
        found.append(frame.assign(level=level.id, parent="", row=0, input=-1))
    return pd.concat(found) if found else known.iloc[:0]


def _regions(
    space: Workspace,
    grown: tree.Tree,
    leaves: gpd.GeoDataFrame,
    drawn: _Drawn,
    tally: Tally,
) -> dict[str, gpd.GeoDataFrame]:
    """Shapes of all levels: the leaves', then given ones or unions, up to the root."""
    at = pd.Index(leaves["code"]).get_indexer(pd.Index(grown.frames[space.leaf.id]["code"]))
    geometry = np.asarray(leaves.geometry.array)[at]
    found = {space.leaf.id: geometry}
    below = space.leaf
    for level in reversed(space.levels[:-1]):
        frame = grown.frames[level.id]
        parents = grown.parents(below.id)
        geometry, clean = shapes.dissolve(found[below.id], parents, len(frame))
        if not clean and not any(f.severity is Severity.ERROR for f in tally.findings):
            tally.add(Severity.NOTE, "plain_union", value=level.label,
                      words={"level": level.label})  # fmt: skip
        given = drawn.frame(level)
        if given is not None:
            geometry = _given(space, grown, level, geometry, given, found[space.leaf.id], tally)
        found[level.id] = geometry
        below = level
    return {
        level.id: gpd.GeoDataFrame(
            grown.frames[level.id].copy(), geometry=found[level.id], crs=leaves.crs
        )
        for level in space.levels
    }


def _given(
    space: Workspace,
    grown: tree.Tree,
    level: Level,
    union: Array,
    given: gpd.GeoDataFrame,
    leaves: Array,
    tally: Tally,
) -> Array:
    """The shapes that a file gives for an upper level; unions where it has none."""
    frame = grown.frames[level.id]
    fitted = _fit(space, given, tally)
    at = pd.Index(fitted["code"]).get_indexer(pd.Index(frame["code"]))
    there = at >= 0
    result = union.copy()
    result[there] = np.asarray(fitted.geometry.array)[at[there]]
    owner = grown.ancestors(level.id)
    shapely.prepare(result)
    outside = ~shapely.intersects(result[owner], shapely.point_on_surface(leaves))
    codes = grown.frames[space.leaf.id]["code"].to_numpy(dtype=object)
    for n in np.flatnonzero(outside)[:SHOWN]:
        parent = frame["code"].iloc[owner[n]]
        tally.add(
            Severity.WARNING, "leaf_outside", file=tally.file(int(fitted["input"].iloc[0])),
            place=say("check.region", code=codes[n]), value=parent,
            words={"parent": parent, "code": codes[n]},
        )  # fmt: skip
    if int(outside.sum()) > SHOWN:
        tally.add(
            Severity.WARNING, "leaves_outside", value=int(outside.sum()),
            words={"count": int(outside.sum()), "level": level.label},
        )  # fmt: skip
    return result


# --------------------------------------------------------------------- cross checks


def _unmentioned(
    space: Workspace, locator: Locator, mentioned: Array, drawn: _Drawn, tally: Tally
) -> None:
    """Leaves that no table says anything about."""
    if not any(s.kind in (SourceKind.TABLE, SourceKind.ENTITIES) for s in space.sources):
        return
    silent = locator.leaves[~mentioned]
    if not len(silent):
        return
    places = drawn.tell_rows(space.leaf)
    codes, names = silent["code"].tolist(), silent["name"].to_numpy(dtype=object)
    numbers = np.array([places[code][0] for code in codes])
    rows = np.array([places[code][1] for code in codes])
    for number in np.unique(numbers):
        own = numbers == number
        order = np.argsort(rows[own], kind="stable")
        tally.rows(
            int(number), "unmentioned", rows[own][order], names[own][order], lost=False,
            words={"code": np.array(codes, dtype=object)[own][order], "level": space.leaf.label},
        )  # fmt: skip


def _selection(space: Workspace, facts: pd.DataFrame, locator: Locator, tally: Tally) -> None:
    """The ranking from the bottom, done again, against the list of targets."""
    for item in space.rounds:
        if item.selection is None or item.target is None:
            continue
        chosen = item.selection
        own = facts[facts["round"].isin([item.id, ""])]
        means = measures.mean_over(own, chosen.indicator, chosen.periods)
        if not len(means):
            continue
        lowest = {str(code) for code in measures.rank_lowest(means, chosen.lowest)}
        marked = own[(own["indicator"] == item.target) & (own["value"] == 1)]
        listed = {str(code) for code in marked["code"]}
        if not listed or lowest == listed:
            continue
        names = locator.leaves.set_index("code")["name"]
        for code, away in (
            ("selection_extra", sorted(listed - lowest)),
            ("selection_lacking", sorted(lowest - listed)),
        ):
            if away:
                tally.add(
                    Severity.WARNING, code, file=workspace.FILE,
                    place=f"rounds.{item.id}.selection",
                    value="、".join(f"{one} {names[one]}" for one in away[:SHOWN])
                    + (say("check.and_so_on") if len(away) > SHOWN else ""),
                    words={"round": item.label, "count": len(away), "lowest": chosen.lowest},
                )  # fmt: skip

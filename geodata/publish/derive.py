"""The public edition: an edition that physically holds what was published, and nothing else.

It has the format of every edition and is read by the same reader. What it lacks is not hidden in
it: sources, files, batches of other measures, indicators that no published measure names, teams,
units, facts, findings, and values of levels that are not public are never written.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from geodata import measures, periods
from geodata.build import seal, write_json, write_values
from geodata.edition import FORMAT, MANIFEST, Edition, Values
from geodata.periods import ALWAYS
from geodata.progress import SILENT, Progress
from geodata.publish.gate import Chosen, Gate
from geodata.vocabulary import Base, Status
from geodata.words import say
from geodata.workspace import ContactPoints, Figure, Indicator, Measure, Round, Workspace

Json = dict[str, Any]


def derive(edition: Edition, gate: Gate, folder: Path, progress: Progress = SILENT) -> str:
    """Write the public edition of what the gate let through into an empty `folder`; returns its id.

    The same edition and gate give the same bytes and id.

    Parameters
    ----------
    edition : the one that the gate examined.
    folder : made if it is not there; whoever calls renames it when all is well.

    Raises
    ------
    OSError : when it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    space = public_workspace(edition, gate)
    with progress.step(say("publish.step.copy"), 2 * len(edition.levels) + 1) as advance:
        (folder / "tiles").mkdir()
        for level in edition.levels:
            name = f"regions-{level.id}.parquet"
            shutil.copyfile(edition.folder / name, folder / name)
            advance(1)
            shutil.copyfile(edition.tiles_path(level.id), folder / "tiles" / f"{level.id}.pmtiles")
            advance(1)
        for name in ("mesh.bin", "mesh.bin.gz") if edition.mesh_zoom is not None else ():
            shutil.copyfile(edition.folder / name, folder / name)
        advance(1)
    with progress.step(say("publish.step.values"), len(gate.measures)) as advance:
        for one in gate.measures:
            for round_id in one.rounds:
                home = folder / "values" / round_id / one.id
                home.mkdir(parents=True)
                for level_id in one.levels:
                    values = masked(edition, gate, one.id, round_id, level_id)
                    # Small, since the server of the public reads them on demand.
                    write_values(home, values, space.measure(one.id).digits, compresslevel=6)
            advance(1)
    for name in ("facts", "entities", "links"):
        schema = pq.read_schema(edition.folder / f"{name}.parquet").remove_metadata()
        pq.ParquetWriter(folder / f"{name}.parquet", schema).close()
    write_json(folder / "findings.json", [])
    write_json(folder / MANIFEST, _manifest(edition, gate, space))
    with progress.step(say("publish.step.seal")) as advance:
        found = seal(folder)
        advance(1)
    return found


def masked(edition: Edition, gate: Gate, measure: str, round_id: str, level: str) -> Values:
    """A measure at a level as it is published: what is kept back has no numbers.

    How many leaves reported and were verified stays: that counts villages, not people.
    """
    values = edition.values(measure, round_id, level)
    mask = gate.hidden.get((measure, round_id, level))
    if mask is None or not mask.any():
        return values
    return measures.finish(
        edition.space.measure(measure),
        round_id,
        level,
        values.periods,
        np.where(mask, np.nan, values.numerator),
        np.where(mask, np.nan, values.denominator),
        values.reported,
        values.expected,
        values.verified,
    )


# ---- the workspace ----


def public_workspace(edition: Edition, gate: Gate) -> Workspace:
    """What the public may know of `atlas.toml`."""
    space = edition.space
    chosen = {one.id: one for one in gate.measures}
    figures = {one.id: tuple(_figures(edition, gate, one)) for one in space.rounds}
    shown = {round_id for one in gate.measures for round_id in one.rounds}
    rounds = [one for one in space.rounds if one.id in shown or figures[one.id]]
    own = [_measure(one, chosen[one.id]) for one in space.measures if one.id in chosen]
    targets = {one.id for one in rounds if _tells_targets(edition, gate, one)}
    named = {one.target for one in rounds if one.id in targets}
    for measure in own:
        named |= {measure.value, measure.weight}
        named |= {measure.where.indicator} if measure.where else set()
    default = space.default_measure
    found = space.model_copy(
        update={
            "rounds": tuple(
                one.model_copy(
                    update={
                        "target": one.target if one.id in targets else None,
                        "items": (),
                        "selection": None,
                        "figures": figures[one.id],
                    }
                )
                for one in rounds
            ),
            "references": (),
            "indicators": tuple(_indicator(one) for one in space.indicators if one.id in named),
            "measures": tuple(own),
            "sources": (),
            "contact_points": ContactPoints(),
            "publication": space.publication.model_copy(
                update={"boundaries": (), "crs": (), "verified_bar": 0.0}
            ),
            "default_measure": default if default in chosen else None,
        }
    )
    # Everything that is named must be there: checked as if a person had written it.
    return Workspace.model_validate(found.model_dump(mode="json", by_alias=True))


def _measure(measure: Measure, chosen: Chosen) -> Measure:
    return measure.model_copy(
        update={
            "rounds": chosen.rounds,
            "public_levels": chosen.levels,
            "plan": tuple(one for one in measure.plan if one.round in chosen.rounds),
        }
    )


def _indicator(indicator: Indicator) -> Indicator:
    """What it is called and counted in; how files are checked stays inside."""
    return Indicator(
        id=indicator.id, label=indicator.label, type=indicator.type, unit=indicator.unit
    )


def _tells_targets(edition: Edition, gate: Gate, item: Round) -> bool:
    """Whether what is published says which leaves the round's targets are."""
    if item.target is None:
        return False
    leaf = edition.levels[-1].id
    for one in gate.measures:
        measure = edition.space.measure(one.id)
        if item.id in one.rounds and leaf in one.levels:
            named = measure.where.indicator if measure.where else measure.value
            if measure.leaves is Base.TARGETS or named == item.target:
                return True
    return False


def _figures(edition: Edition, gate: Gate, item: Round) -> Iterator[Figure]:
    """The round's public headline figures of the root, as bare numbers."""
    chosen = {one.id: one for one in gate.measures}
    root = edition.levels[0].id
    told = edition.figures(item.id, edition.root.code)
    for figure, found in zip(item.figures, told, strict=True):
        if not figure.public or found.value is None:
            continue
        if figure.measure is not None:
            one = chosen.get(figure.measure)
            if one is None or item.id not in one.rounds or root not in one.levels:
                continue
            last = masked(edition, gate, one.id, item.id, root).status[-1, 0]
            if last == Status.SUPPRESSED:
                continue
        yield Figure(
            label=found.label,
            unit=found.unit,
            value=round(found.value, found.digits),
            published=found.published,
            note=found.note,
            public=True,
        )


# ---- the manifest ----


def _manifest(edition: Edition, gate: Gate, space: Workspace) -> Json:
    told = edition.manifest
    periods_of = {
        one.id: {
            measure.id: list(edition.periods(measure.id, one.id))
            for measure in gate.measures
            if one.id in measure.rounds
        }
        for one in space.rounds
    }
    latest = {one.id: _latest(names for name in one.rounds for names in (periods_of[name][one.id],))
              for one in gate.measures}  # fmt: skip
    newest = _latest(latest.values())
    declared = space.atlas.cutoff
    losses = gate.losses
    return {
        "format": FORMAT,
        "audience": "public",
        "workspace": space.model_dump(mode="json", by_alias=True),
        "levels": told["levels"],
        "mesh": told.get("mesh"),
        "measures": periods_of,
        "targets": {
            one.id: told["targets"].get(one.id, [])
            for one in space.rounds
            if one.target is not None
        },
        "inputs": [],
        "cutoff": declared or (periods.label(newest) if newest else ""),
        "cutoff_period": newest,
        "cutoffs": {
            name: periods.label(one) for name, one in latest.items() if one and not declared
        },
        "batches": batches(edition, gate),
        "verified": {
            one.id: round(one.verified, 4) for one in gate.measures if one.verified is not None
        },
        "withdrawn": [
            {
                "id": one.measure,
                "label": one.label,
                "reason": one.why,
                "at": one.day,
            }
            for one in gate.withdrawn
        ],
        "suppression": {
            "threshold": losses.threshold,
            "cells": losses.cells,
            "suppressed": losses.suppressed,
            "share": losses.share,
        }
        if losses
        else None,
        "watermark": say("publish.watermark") if gate.demo else "",
    }


def _latest(names: Iterable[Iterable[str] | str]) -> str:
    """The latest of dated periods; "" when none is dated."""
    flat = {name for part in names for name in ((part,) if isinstance(part, str) else part) if name}
    dated = [periods.parse(name) for name in flat if name != ALWAYS]
    return max(dated).id if dated else ""


def batches(edition: Edition, gate: Gate) -> dict[str, list[Json]]:
    """By measure: the batches that what is published was made of, in the sources' own words.

    `status` is verified, self_reported or partial (some of it verified). A batch that goes by its
    file's name, since nobody named it, goes by its source's label instead.
    """
    space = edition.space
    source = {one.file: one.source for one in edition.inputs()}
    known = {one.id: one for one in space.sources}
    wanted = {one.id: _reported(space, one.id) for one in gate.measures}
    every = sorted({name for names in wanted.values() for name in names})
    table = pq.read_table(
        edition.folder / "facts.parquet",
        columns=["round", "indicator", "period", "batch", "file", "status"],
        filters=[("indicator", "in", every)] if every else None,
    ).to_pandas()
    keys = ["round", "indicator", "period", "batch", "file"]
    table["sure"] = table["status"] == Status.VERIFIED
    groups = table.groupby(keys, observed=True, sort=True)["sure"].agg(["sum", "count"])
    rows = groups.reset_index().to_dict("records")
    found: dict[str, list[Json]] = {}
    for one in gate.measures:
        counted: dict[str, list[int]] = {}
        # What was reported for all rounds, or before a round began, may be in none that is shown.
        shown = {
            (name, period)
            for item in one.rounds
            for period in (ALWAYS, *edition.periods(one.id, item))
            for name in ("", item)
        }
        for row in rows:
            if row["indicator"] not in wanted[one.id] or (row["round"], row["period"]) not in shown:
                continue
            name = str(row["batch"])
            stem = PurePosixPath(str(row["file"]).partition("#")[0]).stem
            if name == stem:
                origin = known.get(source.get(str(row["file"]), ""))
                name = (origin.batch or origin.label) if origin else ""
            if name:
                sums = counted.setdefault(name, [0, 0])
                sums[0] += int(row["sum"])
                sums[1] += int(row["count"])
        found[one.id] = [
            {"name": name, "status": _word(sure, count)}
            for name, (sure, count) in sorted(counted.items())
        ]
    return found


def _word(sure: int, count: int) -> str:
    if sure == count:
        return Status.VERIFIED.word
    return Status.SELF_REPORTED.word if sure == 0 else Status.PARTIAL.word


def _reported(space: Workspace, measure: str) -> frozenset[str]:
    """The indicators that files report and a measure is made of."""
    declared = space.measure(measure)
    above = {one.id: one for one in space.indicators}
    named = {declared.value, declared.weight, declared.where and declared.where.indicator}
    found: set[str] = set()
    ahead = [name for name in named if name]
    while ahead:
        name = ahead.pop()
        rule = above[name].derive
        if rule is None:
            found.add(name)
        elif rule.kind == "missing_items":
            ahead += [
                item for one in space.rounds if one.id in declared.rounds for item in one.items
            ]
        elif rule.kind != "linked" and rule.of:
            ahead.append(rule.of)
    return frozenset(found)

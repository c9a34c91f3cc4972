"""Write the story as the files that an office receives, with the headings that atlas.toml declares.

Headings come from the declared sources, so that the template of `atlas.toml` is the only place
where they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.demo import writers
from geodata.demo.defects import Defects, overlap
from geodata.demo.geography import Geography
from geodata.demo.rosters import Roster
from geodata.demo.story import (
    AVERAGE,
    CENT,
    END2,
    END3,
    ITEMS2,
    ITEMS3,
    START2,
    START3,
    YEARS,
    Assisted,
    Story,
    month,
)
from geodata.progress import Progress
from geodata.words import say
from geodata.workspace import Source, Workspace

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Column = Sequence[object] | NDArray[Any]

_YUAN = 100
"""Yuan in one unit of `Story.monthly`."""


def source(space: Workspace, name: str) -> Source:
    """The declared source called ``name``."""
    return next(item for item in space.sources if item.id == name)


def borders(folder: Path, space: Workspace, geography: Geography, defects: Defects) -> None:
    """Village borders as an old survey delivers them: a zipped shapefile."""
    declared = source(space, "borders")
    villages = geography.villages
    shapes = overlap(villages.geometry, defects)
    frame = gpd.GeoDataFrame(
        {
            declared.columns.code: villages["code"].to_numpy(),
            declared.columns.name: villages["name"].to_numpy(),
            "XZMC": villages["town"].map(_names(geography.towns)).to_numpy(),
            "DCMJ": np.round(shapes.area.to_numpy(), 2),
        },
        geometry=shapes.to_numpy(),
        crs=villages.crs,
    )
    stem = Path(declared.files[0]).stem
    writers.shapefile(folder / declared.files[0], stem, frame)


def names(folder: Path, space: Workspace, geography: Geography) -> None:
    """The code table: names of city, districts and towns. Villages name themselves elsewhere."""
    declared = source(space, "names")
    columns = declared.columns
    root = geography.districts["code"].iloc[0][:2].ljust(12, "0")
    rows: list[tuple[str, str, str]] = [(root, say("demo.city"), space.levels[0].label)]
    for frame, level in ((geography.districts, 1), (geography.towns, 2)):
        label = space.levels[level].label
        rows += [(code, name, label) for code, name in _names(frame).items()]
    headings = [columns.code, columns.name, columns.level]
    writers.workbook(folder / declared.files[0], declared.label, headings, rows)


def lists(
    folder: Path, space: Workspace, story: Story, geography: Geography, defects: Defects
) -> None:
    """The target lists of rounds 2 and 3."""
    where = _Names(story, geography)
    for name, rows in (("list2", story.round2.rows), ("list3", story.round3.rows)):
        declared = source(space, name)
        columns = declared.columns
        table: dict[str, Column] = {
            columns.ancestors["district"]: where.district[rows],
            columns.ancestors["town"]: where.town[rows],
            columns.name: where.village[rows],
            columns.code: [
                int(code) if row == defects.numeric and name == "list3" else code
                for row, code in zip(rows, where.code[rows], strict=True)
            ],
        }
        told = _starts(story) if name == "list2" else {}
        for value in declared.values:
            table[value.column] = told[value.indicator]
        _book(folder / declared.files[0], declared.label, table)


def _starts(story: Story) -> dict[str, Column]:
    """What round 2's list says about each village at the start."""
    rows = story.round2.rows
    income = story.annual(YEARS[0])[rows]
    return {
        "start_income": (income * _YUAN).tolist(),
        "reason_branch": _flags(story.branch),
        "reason_economy": _flags(income < 20 / CENT),
        "reason_income": _flags(story.disposable[rows, 0] < AVERAGE[YEARS[0]]),
        "reason_infrastructure": _flags(story.infrastructure),
        "reason_conflict": _flags(story.conflict),
    }


def roster(folder: Path, space: Workspace, number: str, people: Roster) -> None:
    """Teams and units of one round."""
    declared = source(space, f"teams{number}")
    link = declared.links[0]
    teams = people.teams
    _book(
        folder / declared.files[0],
        declared.label,
        {
            declared.columns.code: teams["id"].tolist(),
            declared.columns.name: teams["name"].tolist(),
            declared.attributes["people"]: teams["people"].tolist(),
            declared.attributes["villages"]: [len(codes) for codes in teams["villages"]],
            link.columns[0]: [codes[0] for codes in teams["villages"]],
            link.columns[1]: [codes[1] if len(codes) > 1 else None for codes in teams["villages"]],
            link.since: [_month_words(text) for text in teams["since"]],
        },
    )
    declared = source(space, f"units{number}")
    link = declared.links[0]
    units = people.units
    _book(
        folder / declared.files[0],
        declared.label,
        {
            declared.columns.code: units["id"].tolist(),
            declared.columns.name: units["name"].tolist(),
            declared.attributes["kind"]: units["kind"].tolist(),
            declared.attributes["field"]: units["field"].tolist(),
            link.columns[0]: [ids[0] for ids in units["teams"]],
            link.columns[1]: [ids[1] if len(ids) > 1 else None for ids in units["teams"]],
        },
    )


def annual(
    folder: Path,
    space: Workspace,
    story: Story,
    geography: Geography,
    defects: Defects,
    progress: Progress,
) -> None:
    """One workbook a district: a column a year of income, disposable income and people."""
    declared = source(space, "annual")
    columns = declared.columns
    where = _Names(story, geography)
    code = where.code.copy()
    code[defects.without_code] = None
    series: dict[tuple[str, str], Ints] = {}
    for k, year in enumerate(YEARS):
        series["annual_income", str(year)] = story.annual(year) * _YUAN
        series["disposable_income", str(year)] = story.disposable[:, k]
        series["population", str(year)] = story.people[:, k]
    district = story.villages["district"].to_numpy()
    mentioned = np.arange(len(code)) != defects.unmentioned
    place = Path(declared.files[0]).parent
    with progress.step(say("demo.step.annual"), len(geography.districts)) as advance:
        for own, name in zip(geography.districts["code"], geography.districts["name"], strict=True):
            rows = np.flatnonzero((district == own) & mentioned)
            table: dict[str, Column] = {
                columns.ancestors["town"]: where.town[rows],
                columns.name: where.village[rows],
                columns.code: code[rows],
            }
            for value in declared.values:
                assert value.period is not None, "the template declares a column a year"
                table[value.column] = series[value.indicator, value.period][rows].tolist()
            title = say("demo.annual", district=name, first=YEARS[0], last=YEARS[-1])
            _book(folder / place / f"{name}.xlsx", title, table)
            advance(1)


# --- Progress reports ------------------------------------------------------------------------


def quarterly(
    folder: Path,
    space: Workspace,
    story: Story,
    geography: Geography,
    rng: np.random.Generator,
    progress: Progress,
) -> None:
    """Round 2's progress, one file a quarter."""
    declared = source(space, "progress2")
    place = folder / Path(declared.files[0]).parent
    quarters = range(START2 + 2, END2 + 1, 3)
    where = _Names(story, geography)
    arrived = rng.random((len(story.round2.rows), len(quarters))) >= 0.008
    with progress.step(say("demo.step.quarterly"), len(quarters)) as advance:
        for k, at in enumerate(quarters):
            year, quarter = YEARS[0] + at // 12, at % 12 // 3 + 1
            verified = _sample(len(arrived), 0.12, rng) if quarter in (2, 4) else None
            frame = _reports(
                declared,
                story,
                where,
                story.round2,
                ITEMS2,
                at,
                say("demo.quarter", year=year, quarter=quarter),
                say("demo.batch.quarter", year=year, quarter=quarter),
                verified,
                rng,
            )
            frame = frame[arrived[:, k]]
            writers.gbk(place / say("demo.file.quarter", year=year, quarter=quarter), frame)
            advance(1)


def monthly(
    folder: Path,
    space: Workspace,
    story: Story,
    geography: Geography,
    defects: Defects,
    rng: np.random.Generator,
    progress: Progress,
) -> str:
    """Round 3's progress, one file a half-year; the code of the town that is silent for a quarter.

    Some reports are missing, some come late: those of a half-year's last month with the next
    half-year's file, and those of the very last month not at all yet.
    """
    declared = source(space, "progress3")
    place = folder / Path(declared.files[0]).parent
    rows = story.round3.rows
    where = _Names(story, geography)
    count = END3 - START3 + 1
    arrived = rng.random((len(rows), count)) >= 0.012
    arrived[:, -1] &= rng.random(len(rows)) >= 0.06
    arrived[rows == defects.repeated, 0] = True
    silent = _silent_town(story)
    quiet = story.villages["town"].to_numpy()[rows] == silent
    first = month(2023, 4) - START3
    arrived[quiet, first : first + 3] = False
    late: list[pd.DataFrame] = []
    held: list[pd.DataFrame] = []
    with progress.step(say("demo.step.monthly"), count) as advance:
        for k in range(count):
            at = START3 + k
            year, number = YEARS[0] + at // 12, at % 12 + 1
            closing = number in (6, 12)
            frame = _reports(
                declared,
                story,
                where,
                story.round3,
                ITEMS3,
                at,
                say("demo.month", year=year, month=number),
                say("demo.batch.month", year=year, month=number),
                _sample(len(rows), 0.15, rng) if closing else None,
                rng,
            )
            behind = (rng.random(len(rows)) < 0.03) & closing & (k < count - 1)
            held.append(frame[arrived[:, k] & ~behind])
            if k == 0:
                times = np.where(rows[held[0].index] == defects.repeated, 2, 1)
                held[0] = held[0].loc[np.repeat(held[0].index, times)]
            if closing:
                name = say("demo.file.half", year=year, half=say(f"demo.half.{number // 6}"))
                writers.gbk(place / name, pd.concat([*late, *held]))
                held = []
                late = [
                    frame[arrived[:, k] & behind].assign(
                        **{declared.columns.batch: say("demo.batch.late", year=year, month=number)}
                    )
                ]
            advance(1)
    return silent


def _silent_town(story: Story) -> str:
    """The town with the median number of round 3's targets: neither the worst nor the least."""
    towns = story.villages["town"].iloc[story.round3.rows].value_counts()
    ordered = sorted(towns.items(), key=lambda item: (item[1], item[0]))
    return str(ordered[len(ordered) // 2][0])


def _sample(size: int, share: float, rng: np.random.Generator) -> Bools:
    """The villages that a check visited."""
    chosen: Bools = rng.random(size) < share
    return chosen


def _reports(
    declared: Source,
    story: Story,
    where: _Names,
    assisted: Assisted,
    items: tuple[str, ...],
    at: int,
    period: str,
    batch: str,
    verified: Bools | None,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What all villages of a round would report for the period that ends with month ``at``."""
    rows = assisted.rows
    columns = declared.columns
    checked = verified if verified is not None else np.zeros(len(rows), dtype=bool)
    houses = assisted.unsafe(at).astype(object)
    # A few forgot the cell, which is not the same as none.
    houses[(rng.random(len(rows)) < 0.004)] = ""
    told: dict[str, Column] = {
        "collective_income": [f"{value * CENT:.2f}" for value in story.trailing(at)[rows]],
        "unsafe_houses": houses,
        "project_started": _flags(assisted.started <= at),
        "project_done": _flags(assisted.done <= at),
        "civilised": _flags(story.civilised[rows] <= at),
        "safe": _flags(story.safe[rows] <= at),
    }
    for k, item in enumerate(items):
        told[item] = _flags(assisted.built[:, k] <= at)
    self_reported, by_check = declared.status_words
    table: dict[str, Column] = {
        columns.code: where.code[rows],
        columns.ancestors["town"]: where.town[rows],
        columns.name: where.village[rows],
        columns.period: [period] * len(rows),
        columns.status: np.where(checked, by_check, self_reported),
        columns.batch: np.where(
            checked, say("demo.batch.check", year=YEARS[0] + at // 12,
                         half=say(f"demo.half.{1 if at % 12 < 6 else 2}")), batch
        ),
    }  # fmt: skip
    for value in declared.values:
        table[value.column] = told[value.indicator]
    return pd.DataFrame(table)


# --- Small things ----------------------------------------------------------------------------


class _Names:
    """Code and names of every village and of what lies above it, as arrays by position."""

    def __init__(self, story: Story, geography: Geography) -> None:
        villages = story.villages
        self.code = villages["code"].to_numpy(dtype=object)
        self.village = villages["name"].to_numpy(dtype=object)
        self.town = villages["town"].map(_names(geography.towns)).to_numpy(dtype=object)
        self.district = villages["district"].map(_names(geography.districts)).to_numpy(dtype=object)


def _names(frame: gpd.GeoDataFrame) -> dict[str, str]:
    return dict(zip(frame["code"], frame["name"], strict=True))


def _flags(values: Bools) -> NDArray[np.object_]:
    return np.where(values, say("demo.yes"), say("demo.no")).astype(object)


def _month_words(text: str) -> str:
    """2017-08 as people write it."""
    return say("demo.month", year=text[:4], month=int(text[5:]))


def _book(path: Path, title: str, table: dict[str, Column]) -> None:
    writers.workbook(path, title, list(table), zip(*table.values(), strict=True))

"""What reading and checking leave for the build: one consistent world in memory."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from geodata.findings import Finding
from geodata.vocabulary import Severity
from geodata.workspace import Workspace


@dataclass(frozen=True)
class Input:
    """One file that was read, for provenance; `rows == used + reported` always holds."""

    source: str
    file: str
    """Path inside the workspace, `/` between folders."""
    sha256: str
    size: int
    rows: int
    used: int
    reported: int


@dataclass(frozen=True)
class World:
    """Everything that an edition is made of. No frame in it is ever changed in place."""

    space: Workspace
    regions: dict[str, gpd.GeoDataFrame]
    """Level id -> frame in code order: `code` (canonical, padded), `name`, `parent` (code, "" for
    the root), `geometry` (valid polygons in `space.geometry.work_crs`, a coverage). The row's
    position is the region's position in every array and tile."""
    facts: pd.DataFrame
    """One reported value a row: `code` (leaf), `round` (id, "" for all rounds), `indicator`,
    `period` (id or `all`), `value` (float64; flags 0/1), `status` (int8, `Status`), `batch`,
    `file`, `row` (int32, as the spreadsheet numbers it). Unique by code, round, indicator,
    period; sorted so."""
    entities: pd.DataFrame
    """Teams and units: `kind`, `round`, `id`, `name`, `attributes` (dict of str), `file`, `row`."""
    links: pd.DataFrame
    """What entities work where: `kind`, `round`, `id`, `code` (leaf), `since` (period id or "")
    and `via` (id of the entity in between: a unit reaches a village through a team; or "")."""
    findings: tuple[Finding, ...]
    inputs: tuple[Input, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a build."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

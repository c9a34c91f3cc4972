"""What a check finds: one finding names file, place, value and cure."""

from __future__ import annotations

from dataclasses import dataclass

from geodata.vocabulary import Severity


@dataclass(frozen=True, order=True)
class Finding:
    """One defect, or one thing that was mended, in words for the clerk who sent the file."""

    severity: Severity
    code: str
    """Which check found it (`duplicate_row`); a key under `check.` in the catalogue."""
    file: str
    """File inside the workspace, with `#sheet` for a workbook."""
    place: str
    """第 7 行, a column, a feature, a region code."""
    value: str
    """What was found there, as the file writes it."""
    message: str
    cure: str
    rows: int = 1
    """Rows of the input that this finding accounts for (rows in = rows used + rows reported)."""

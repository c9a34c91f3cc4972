"""The public map as a folder of files that any plain web server can host, from any path.

`write(edition, out)` makes it. Its parts: `data.py` (the edition's numbers, names, tiles and shapes
as the browser reads them), `assets.py` (scripts and styles), `pages.py` (HTML), `compress.py` (gzip
and brotli beside what profits), `writer.py` (the folder, whole or not at all), `manifest.py` (what
a bundle holds), `budget.py` (what the first map costs a reader).

This module is light on purpose: processes that only compress import it, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geodata.progress import SILENT, Progress

if TYPE_CHECKING:
    from dashboard.bundle.manifest import Manifest
    from geodata.edition import Edition
    from layers.public.facts import Facts


def write(
    edition: Edition,
    out: Path,
    *,
    progress: Progress = SILENT,
    facts: Facts | None = None,
    twins: bool = True,
) -> Manifest:
    """Write the bundle of an edition into `out`; see `dashboard.bundle.writer.write`."""
    from dashboard.bundle import writer

    return writer.write(edition, out, progress=progress, facts=facts, twins=twins)

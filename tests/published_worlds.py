"""The tiny world made ready for publication, and what may be seen of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geodata import build
from geodata.edition import Edition
from geodata.publish.gate import Pattern
from tests import tiny

PUBLICATION = """
[publication]
boundaries = ["borders"]
boundary_label = "手工绘制的九村，绘图人自己批准"
crs = ["EPSG:32633"]
contact = "绘图人"
site_url = "https://tiny.example/map"
embed = ["https://tiny.example"]
"""

OPEN = ("chosen_share", "well_share", "harvest_total")
"""What the tiny world publishes, unless a test says otherwise."""
COUNTED = "harvest_total"


def atlas(
    *,
    public: tuple[str, ...] = OPEN,
    counts: Mapping[str, str] | None = None,
    levels: Mapping[str, list[str]] | None = None,
    publication: str = PUBLICATION,
    approval: str = "手绘（2021）1号",
    licence: str = "随便用",
) -> str:
    """The tiny world's atlas.toml with what publication asks for."""
    text = tiny.ATLAS.replace(
        'source = "手工绘制"\n\n[codes]',
        f'source = "手工绘制"\nlicence = "{licence}"\napproval_number = "{approval}"\n\n[codes]',
    )
    for name in public:
        more = "public = true\n"
        if counts and name in counts:
            more += f'counts = "{counts[name]}"\n'
        if levels and name in levels:
            more += f"public_levels = {levels[name]}\n".replace("'", '"')
        text = text.replace(
            f'[[measures]]\nid = "{name}"\n', f'[[measures]]\nid = "{name}"\n{more}'
        )
    # The second round's first figure is public, and the second is not.
    text = text.replace(
        'leaves = "targets"\npublished = 3', 'leaves = "targets"\npublished = 3\npublic = true'
    )
    return text.replace("\n[[levels]]", publication + "\n[[levels]]", 1)


def world(folder: Path, text: str | None = None) -> Path:
    """The tiny workspace with another atlas.toml, built."""
    if not (folder / "atlas.toml").is_file():
        tiny.write_tiny(folder)
    (folder / "atlas.toml").write_text(text if text is not None else atlas(), "utf-8")
    build.build(folder)
    return folder


def edition(folder: Path, text: str | None = None) -> Edition:
    """The same, opened."""
    return Edition.open(world(folder, text))


@dataclass(frozen=True)
class Mask:
    """A pattern by hand."""

    suppressed: Mapping[tuple[str, str, str], NDArray[np.bool_]]
    primary: Mapping[tuple[str, str, str], NDArray[np.bool_]]


def protect(
    edition: Edition, measures: Mapping[str, tuple[str, ...]], threshold: int, protection: float
) -> Pattern:
    """Keeps back what is small and no more: enough to see what becomes of it."""
    found = {}
    for name, levels in measures.items():
        measure = edition.space.measure(name)
        if not measure.counts:
            continue
        for item in edition.rounds:
            for level in levels if edition.has(name, item.id) else ():
                values = edition.values(name, item.id, level)
                small = (values.numerator > 0) & (values.numerator < threshold)
                found[name, item.id, level] = small
    return Mask(found, found)

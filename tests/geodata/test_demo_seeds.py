"""Whatever the seed, the demo keeps its promises; one seed in CI, twenty in `make soak`."""

from __future__ import annotations

from pathlib import Path

import pytest

from geodata import build, check, demo
from geodata.edition import Edition
from geodata.vocabulary import Severity

SEEDS = [
    pytest.param(seed, marks=[pytest.mark.soak] if turn else [])
    for turn, seed in enumerate(range(7, 27))
]


@pytest.mark.parametrize("seed", SEEDS)
def test_any_seed_has_the_published_figures_and_exactly_five_warnings(
    seed: int, tmp_path: Path
) -> None:
    folder = demo.write(tmp_path / "demo", seed=seed)
    world = check.read(folder)
    serious = [f for f in world.findings if f.severity is not Severity.NOTE]
    assert {f.severity for f in serious} == {Severity.WARNING}
    assert len({f.code for f in serious}) == len(serious) == 5
    # The build adds a warning for each published figure that the edition does not hit.
    edition = Edition.open(folder, build.write(world, folder))
    assert len([f for f in edition.findings() if f.severity is Severity.WARNING]) == 5
    figures = [f for r in edition.rounds for f in edition.figures(r.id, edition.root.code)]
    published = [f for f in figures if f.published is not None]
    assert len(published) >= 20
    assert all(f.value == f.published for f in published)

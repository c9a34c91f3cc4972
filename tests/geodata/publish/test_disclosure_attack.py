"""Nothing can be worked out: random worlds, the whole demo, and attackers that must succeed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.edition import Edition
from geodata.errors import BadRequest
from geodata.publish.disclosure import Pattern, audit, from_edition, kinds, suppress
from geodata.publish.disclosure.tables import Tables, kind
from geodata.vocabulary import Rule
from tests.demo_worlds import SMALL, edition_folder
from tests.geodata.publish.disclosure_worlds import (
    Attacker,
    World,
    counted,
    hidden_cells,
    random_world,
    recovered,
    tree,
)

FULL = 1000
Place = tuple[tuple[str, str, str], int, int]
COUNTED = {"unsafe_houses": "sum", "income_growth": "weighted"}


@pytest.mark.parametrize(
    "worlds",
    [
        pytest.param(FULL // 20, id="a twentieth"),
        pytest.param(FULL, id="full", marks=pytest.mark.soak),
    ],
)
def test_no_hidden_number_can_be_recovered(worlds: int) -> None:
    attacked = 0
    for seed in range(worlds):
        world = random_world(seed)
        tables = world.tables()
        pattern = suppress(tables)
        assert recovered(world, pattern) == [], f"seed {seed}"
        found = audit(tables, pattern)
        assert found.passed, f"seed {seed}"
        attacked += found.hidden
    assert attacked > 10 * worlds, "worlds in which nothing is hidden prove nothing"


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(10_000, 2**31), share=st.floats(0.05, 0.9))
def test_the_audit_says_what_a_slow_attacker_says(seed: int, share: float) -> None:
    """Of any pattern, safe or not: the same bounds, number by number."""
    world = random_world(seed, most=6)
    tables = world.tables()
    safe = suppress(tables)
    rng = np.random.default_rng(seed)
    some = {key: cells & (rng.random(cells.shape) < share) for key, cells in safe.cells.items()}
    pattern = replace(safe, suppressed=some)
    found = audit(tables, pattern)
    for told in Attacker(world, hidden_cells(world, pattern)).all():
        number, period, level, region = told.cell
        column = world.columns[number]
        key = (column.measure, column.round, level, told.part)
        for own, other in (
            (found.low[key][period, region], told.low),
            (found.high[key][period, region], told.high),
        ):
            assert np.clip(own, -1e5, 1e5) == pytest.approx(np.clip(other, -1e5, 1e5), abs=1e-4)


def test_an_audit_of_a_careless_pattern_fails() -> None:
    nesting = tree([0, 0, 0])
    world = World(nesting, (counted(nesting, [[3, 50, 60]]),))
    tables = world.tables()
    safe = suppress(tables)
    careless = replace(safe, suppressed=safe.primary)
    found = audit(tables, careless)
    assert not found.passed
    (one,) = found.exposed
    assert (one.level, one.region, one.low, one.high) == ("l1", 0, 3.0, 3.0)
    assert recovered(world, careless) != []


def test_less_than_what_is_hidden_is_never_safe() -> None:
    """Each complementary cell is there for a reason: published again, something is told."""
    for seed in range(15):
        world = random_world(seed, most=8)
        tables = world.tables()
        pattern = suppress(tables)
        groups = _together(tables, pattern)
        for cells in groups[:6]:
            bare = {key: rows.copy() for key, rows in pattern.suppressed.items()}
            for key, row, region in cells:
                bare[key][row, region] = False
            assert not audit(tables, replace(pattern, suppressed=bare)).passed, f"seed {seed}"


def _together(tables: Tables, pattern: Pattern) -> list[list[Place]]:
    """Complementary cells by the variables that they show."""
    found: dict[bytes, list[Place]] = {}
    for sheet in tables.sheets:
        for level in sheet.levels:
            key = (sheet.measure, sheet.round, level)
            extra = pattern.suppressed[key] & ~pattern.primary[key]
            for row, region in np.argwhere(extra).tolist():
                names = sheet.base.variable[row][tables.above(level) == region]
                found.setdefault(np.sort(names[names >= 0]).tobytes(), []).append(
                    (key, row, region)
                )
    return list(found.values())


def demo_tables(villages: int, levels: tuple[str, ...] | None = None) -> Tables:
    edition = Edition.open(edition_folder(villages))
    every = levels or tuple(level.id for level in edition.levels)
    shown = {one.id: every for one in edition.measures if one.public or one.id in COUNTED}
    return from_edition(edition, COUNTED, shown)


def test_nothing_of_the_small_demo_can_be_recovered() -> None:
    tables = demo_tables(SMALL)
    assert [len(sheet.periods) > 1 for sheet in tables.sheets]
    pattern = suppress(tables)
    found = audit(tables, pattern)
    assert found.passed and found.hidden > 100
    assert pattern.gap == 0


@pytest.mark.soak
def test_nothing_of_the_whole_demo_can_be_recovered() -> None:
    tables = demo_tables(3520)
    pattern = suppress(tables)
    found = audit(tables, pattern)
    assert found.passed and found.hidden > 10_000
    assert pattern.gap == 0


def test_an_edition_s_cells_are_sums_of_its_facts() -> None:
    edition = Edition.open(edition_folder(SMALL))
    tables = demo_tables(SMALL)
    for sheet in tables.sheets:
        for level in sheet.levels:
            found = edition.values(sheet.measure, sheet.round, level)
            part = sheet.base
            truth = np.where(part.variable >= 0, tables.truth[part.variable], 0.0)
            own = np.stack(
                [np.bincount(tables.above(level), row, tables.count(level)) for row in truth]
            )
            shown = found.denominator if sheet.product is not None else found.numerator
            assert own == pytest.approx(shown)
    # A census serves several years: fewer variables than cells.
    growth = [sheet for sheet in tables.sheets if sheet.product is not None]
    cells = sum(int(sheet.known.sum()) for sheet in growth)
    used = np.unique(np.concatenate([s.base.variable[s.known] for s in growth]))
    assert len(used) < cells


def test_a_share_counts_villages_and_is_refused() -> None:
    edition = Edition.open(edition_folder(SMALL))
    share = next(one for one in edition.measures if one.rule is Rule.SHARE_OF_TARGETS)
    with pytest.raises(BadRequest, match=share.id):
        kind(share)
    assert set(kinds(edition.space)) <= {one.id for one in edition.measures}

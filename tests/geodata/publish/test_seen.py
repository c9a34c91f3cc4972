"""Successive publications: whoever kept the first one learns nothing from the second."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geodata.edition import Edition
from geodata.errors import EditionError
from geodata.publish import seen
from geodata.publish.disclosure import Before, Pattern, audit, suppress
from geodata.publish.gate import Gate, examine
from geodata.publish.protect import protector
from tests import published_worlds as worlds
from tests.geodata.publish.disclosure_worlds import (
    FLAT,
    Attacker,
    Cell,
    Told,
    World,
    counted,
    random_world,
    second_world,
)
from tests.published_worlds import COUNTED, PUBLICATION

FULL = 1000
PARISH = (COUNTED, "second", "parish")


# ---- what an attacker has who keeps both ----


def told_by_both(first: World, one: Pattern, second: World, other: Pattern) -> list[Told]:
    """Hidden numbers that both publications together tell, and the first alone does not."""
    known, kept = second_world.known(first, one, second)
    gone, truth = second.before.gone, second.truth()
    hidden: set[Cell] = set()
    asked: set[Cell] = set()
    for cell in second.cells():
        number, period, level, region = cell
        column = second.columns[number]
        key = (column.measure, column.round, level)
        if cell in known:
            continue
        if key in gone:
            hidden.add(cell)
            # What another measure or level may show of it now is somebody's decision, unless it
            # is small.
            total = sum(truth[name] for name in second.base(*cell))
            asked |= {cell} & kept if 0 < total < second.small else set()
        elif other.suppressed[key][period, region]:
            hidden.add(cell)
            asked.add(cell)
    found = [told for told in Attacker(second, hidden).all() if told.cell in asked]
    alone = Attacker(second, {cell for cell in second.cells() if cell not in known})
    old = {(told.cell, told.part): told.high - told.low for told in alone.all() if not told.safe}
    return [
        told
        for told in found
        if not told.safe
        and told.high - told.low < old.get((told.cell, told.part), np.inf) * 0.999 - 1e-3
    ]


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param(FULL // 50, id="a fiftieth"),
        pytest.param(FULL, id="full", marks=pytest.mark.soak),
    ],
)
def test_two_publications_together_tell_no_more_than_each(pairs: int) -> None:
    """Some levels come, some go, some numbers are corrected in between."""
    careless = 0
    for seed in range(pairs):
        first = second_world.first(seed)
        one = suppress(first.tables())
        second = second_world.after(seed, first, one)
        tables = second.tables()
        other = suppress(tables)
        assert told_by_both(first, one, second, other) == [], f"seed {seed}"
        assert audit(tables, other).passed, f"seed {seed}"
        for key, small in other.primary.items():
            assert (other.suppressed[key] | ~small).all()
        forgetful = suppress(replace(second, before=Before(gone=second.before.gone)).tables())
        careless += bool(told_by_both(first, one, second, forgetful))
    assert careless, "pairs in which memory is of no use prove nothing"


def test_the_same_figures_are_hidden_the_same_way() -> None:
    for seed in range(10):
        world = random_world(seed, most=8)
        one = suppress(world.tables())
        known = {key: cells & ~one.suppressed[key] for key, cells in one.cells.items()}
        again = suppress(replace(world, before=Before(known, one.suppressed)).tables())
        assert again.told == 0
        for key, hidden in one.suppressed.items():
            assert np.array_equal(hidden, again.suppressed[key]), f"seed {seed}"


def test_what_was_shown_cannot_be_hidden_and_something_else_goes() -> None:
    # The first time 3 was not there yet: all others were shown, and the sum of them. Now the new
    # total less these is 3, so that the total goes, too.
    world = World(FLAT, (counted(FLAT, [[3, 50, 60, 70]]),))
    shown = np.array([[False, True, True, True]])
    before = Before({("houses", "r", "l1"): shown})
    tables = replace(world, before=before).tables()
    pattern = suppress(tables)
    assert pattern.suppressed["houses", "r", "l1"].tolist() == [[True, False, False, False]]
    assert pattern.suppressed["houses", "r", "l0"].all()
    assert audit(tables, pattern).passed
    careless = suppress(world.tables())
    assert not audit(tables, careless).passed


def test_what_readers_can_tell_already_is_counted_and_stops_nothing() -> None:
    world = World(FLAT, (counted(FLAT, [[3, 50, 60, 70]]),))
    everything = {("houses", "r", "l0"): np.ones((1, 1), np.bool_),
                  ("houses", "r", "l1"): np.array([[False, True, True, True]])}  # fmt: skip
    tables = replace(world, before=Before(everything)).tables()
    pattern = suppress(tables)
    assert pattern.told == 1
    assert audit(tables, pattern).passed


# ---- what is written down ----


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """The tiny world with harvests as if they were people. Nobody may change it."""
    text = worlds.atlas(counts={COUNTED: "people"}, publication=PUBLICATION + "small_number = 25\n")
    return worlds.edition(tmp_path_factory.mktemp("seen") / "world", text)


def published(edition: Edition) -> Gate:
    return examine(edition, None, protect=protector())


def test_it_holds_checksums_of_what_was_shown_and_nothing_of_what_was_not(
    inside: Edition, tmp_path: Path
) -> None:
    gate = published(inside)
    path = tmp_path / seen.FILE
    seen.write(seen.after(inside, gate, seen.Seen.nothing()), path)
    back = seen.read(path)
    assert back.places() == ((COUNTED, "second", "land"), PARISH)
    hidden = gate.hidden[PARISH]
    assert hidden.any()
    assert np.array_equal(back.hidden(inside, PARISH), hidden)
    reported = inside.values(*PARISH).reported > 0
    assert np.array_equal(back.known(inside, PARISH), reported & ~hidden)
    away = back.cells[back.cells["hidden"]]
    assert (away["sum"] == 0).all() and len(away) == hidden.sum()
    assert set(back.cells.columns) == {*seen._KEYS, "sum", "hidden"}, "no figure"


def test_what_was_shown_once_stays_known_until_its_figure_changes(inside: Edition) -> None:
    gate = published(inside)
    first = seen.after(inside, gate, seen.Seen.nothing())
    everything = {place: np.ones_like(mask) for place, mask in gate.hidden.items()}
    second = seen.after(inside, replace(gate, hidden=everything), first)
    assert np.array_equal(second.known(inside, PARISH), first.known(inside, PARISH))
    assert second.hidden(inside, PARISH).sum() > first.hidden(inside, PARISH).sum()
    third = seen.after(inside, replace(gate, measures=gate.measures[:1]), second)
    assert third.cells.equals(second.cells), "what is not published any more is not forgotten"
    moved = seen.Seen(second.cells.assign(sum=second.cells["sum"] + np.uint64(2)))
    assert not moved.known(inside, PARISH).any()


def test_a_record_that_cannot_be_read_stops_the_publication(tmp_path: Path) -> None:
    path = tmp_path / seen.FILE
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(EditionError, match="以前公布过哪些数的记录读不出来"):
        seen.read(path)


def test_a_higher_threshold_does_not_unsay_what_was_said(tmp_path: Path) -> None:
    text = worlds.atlas(counts={COUNTED: "people"}, publication=PUBLICATION + "small_number = 25\n")
    edition = worlds.edition(tmp_path / "world", text)
    gate = published(edition)
    seen.write(seen.after(edition, gate, seen.Seen.nothing()), seen.place_of(edition))
    again = published(edition)
    assert {place: mask.tolist() for place, mask in again.hidden.items()} == {
        place: mask.tolist() for place, mask in gate.hidden.items()
    }
    stricter = worlds.edition(tmp_path / "world", re.sub("= 25", "= 35", text))
    found = published(stricter)
    assert found.allowed, "readers know some already; that is no reason to publish nothing"
    assert found.hidden[PARISH][:, 2].all(), "and it is not said again"

"""The legend counts what the map shows."""

from __future__ import annotations

import numpy as np

from geodata.vocabulary import Status
from layers.classify import MISSING, OUT_OF_SCOPE, assign, classes
from layers.legend import counts, legend


def test_every_region_is_counted_once(small):
    for declared in small.measures:
        for item in small.rounds:
            for level in small.levels:
                if not small.has(declared.id, item.id):
                    continue
                values = small.values(declared.id, item.id, level.id)
                known = classes(small, declared.id, item.id, level.id)
                for period in range(len(values.periods)):
                    found = counts(values.value[period], known, values.status[period])
                    assert found.total == small.count(level.id)
                    status = values.status[period]
                    assert found.missing == (status == Status.MISSING).sum()
                    assert found.out_of_scope == (status == Status.OUT_OF_SCOPE).sum()


def test_villages_of_the_last_month_by_hand(small):
    values = small.values("collective_income", "r3", "village")
    lines = legend(small, "collective_income", "r3", "village", 5)
    row = values.value[5]
    assert {line.label: line.count for line in lines} == {
        "0": int((row == 0).sum()),
        "0–5": int(((row > 0) & (row < 5)).sum()),
        "5–10": int(((row >= 5) & (row < 10)).sum()),
        "10–20": int(((row >= 10) & (row < 20)).sum()),
        "≥ 20 万元": int((row >= 20).sum()),
        "未上报": 4,
        "不在统计范围": 27,
    }
    assert lines[-1].index == OUT_OF_SCOPE


def test_no_data_has_a_line_even_when_there_is_none(small):
    lines = legend(small, "target_share", "r3", "village", 0)
    assert [line.index for line in lines][-1] == MISSING
    assert lines[-1].count == 0


def test_a_part_of_the_map_can_be_counted(small):
    places = tuple(range(6))
    lines = legend(small, "collective_income", "r3", "village", 5, within=places)
    assert sum(line.count for line in lines) == 6


def test_assign_agrees_with_the_legend_of_a_partial_level(small):
    values = small.values("gap_items", "r3", "district")
    known = classes(small, "gap_items", "r3", "district")
    place = assign(values.value[-1], known, values.status[-1])
    lines = legend(small, "gap_items", "r3", "district", len(values.periods) - 1)
    for line in lines:
        assert line.count == int(np.count_nonzero(place == line.index))

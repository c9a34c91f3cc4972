"""Roll-ups, derivations and rankings: what a number on the map is made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.measures import Reported, Values, condition, mean_over, rank_lowest, roll_up
from geodata.nesting import Nesting
from geodata.vocabulary import Rule, Status
from geodata.workspace import Condition, Workspace
from tests.worlds import small_world

MONTHS = ("2021-01", "2021-02", "2021-03")
FACTS = ["code", "round", "indicator", "period", "value", "status", "batch", "file", "row"]
LINKS = ["kind", "round", "id", "code", "since", "via"]


def space(**measure: Any) -> Workspace:
    """A three-level workspace with one measure and all indicators that tests use."""
    made = {
        "id": "m",
        "theme": "progress",
        "label": "m",
        "rounds": ["r"],
        "rule": "mean",
        "value": "x",
    } | measure
    if str(made["rule"]).startswith("share"):
        made.pop("value")
    return Workspace.model_validate(
        {
            "atlas": {"title": "t"},
            "codes": {"pattern": ".+", "parents": "column"},
            "geometry": {"work_crs": "EPSG:32633"},
            "levels": [{"id": name, "label": name} for name in ("land", "shire", "farm")],
            "references": [
                {"id": "line", "label": "l", "values": {"2019": 100, "2020": 110, "2021": 110}}
            ],
            "rounds": [
                {
                    "id": "r",
                    "label": "r",
                    "step": "month",
                    "from": "2021-01",
                    "to": "2021-03",
                    "target": "chosen",
                    "items": ["a", "b"],
                },
                {"id": "old", "label": "o", "step": "year", "from": "2020", "to": "2021"},
                {"id": "totals", "label": "z"},
            ],
            "indicators": [
                {"id": name, "label": name, "type": "number"}
                for name in ("x", "w", "a", "b", "chosen", "year")
            ]
            + [
                {"id": "lacks", "label": "", "type": "count", "derive": {"kind": "missing_items"}},
                {
                    "id": "grown",
                    "label": "",
                    "type": "number",
                    "derive": {"kind": "growth", "of": "year", "reference": "line"},
                },
                {
                    "id": "poor",
                    "label": "",
                    "type": "flag",
                    "derive": {"kind": "below", "of": "year", "reference": "line"},
                },
                {
                    "id": "crews",
                    "label": "",
                    "type": "count",
                    "derive": {"kind": "linked", "of": "crew"},
                },
            ],
            "measures": [made],
            "sources": [
                {"id": "b", "kind": "boundaries", "files": ["b"]},
                {"id": "c", "kind": "entities", "files": ["c"], "entity": "crew"},
                {
                    "id": "l",
                    "kind": "table",
                    "files": ["l"],
                    "round": "totals",
                    "presence": "chosen",
                },
            ],
        }
    )


def facts(rows: list[tuple[str, str, str, str, float, Status]]) -> pd.DataFrame:
    """Facts as a world holds them, from (code, round, indicator, period, value, status)."""
    full = [(*row[:4], float(row[4]), int(row[5]), "", "f.csv", n) for n, row in enumerate(rows)]
    return pd.DataFrame(full, columns=FACTS)


def links(rows: list[tuple[str, str, str, str]] | None = None) -> pd.DataFrame:
    """Links of crews, from (round, id, code, since)."""
    full = [("crew", row[0], row[1], row[2], row[3], "") for row in rows or []]
    return pd.DataFrame(full, columns=LINKS)


def codes(count: int) -> np.ndarray[Any, np.dtype[np.object_]]:
    return np.array([f"F{n:02d}" for n in range(count)], dtype=object)


SELF = Status.SELF_REPORTED
CHECKED = Status.VERIFIED

RULES: dict[Rule, dict[str, Any]] = {
    Rule.SUM: {"base": "targets"},
    Rule.MEAN: {},
    Rule.WEIGHTED_MEAN: {"weight": "w"},
    Rule.SHARE_OF_VILLAGES: {"where": {"indicator": "x", "at_least": 3}},
    Rule.SHARE_OF_TARGETS: {"where": {"indicator": "x", "at_least": -2, "below": 4}},
}


@st.composite
def reports(draw: st.DrawFn) -> tuple[Nesting, pd.DataFrame]:
    """A tree in any order of parents, and what its leaves reported."""
    shires = draw(st.integers(1, 4))
    farms = draw(st.integers(1, 10))
    owner = draw(st.lists(st.integers(0, shires - 1), min_size=farms, max_size=farms))
    nesting = Nesting(
        ("land", "shire", "farm"),
        (codes(1), codes(shires), codes(farms)),
        (np.zeros(1, np.int32), np.zeros(shires, np.int32), np.array(owner, np.int32)),
    )
    number = st.one_of(
        st.integers(-5, 9).map(float), st.floats(-1e6, 1e6, allow_nan=False, width=32)
    )
    status = st.sampled_from([SELF, CHECKED])
    rows = []
    for code in codes(farms):
        if draw(st.booleans()):
            rows.append((code, "r", "chosen", "all", draw(st.sampled_from([0.0, 1.0])), SELF))
        if draw(st.integers(0, 4)):
            weight = draw(st.floats(0, 1000, allow_nan=False, width=32))
            rows.append((code, "", "w", draw(st.sampled_from(["all", "2020"])), weight, SELF))
        rows += [
            (code, "r", "x", month, draw(number), draw(status))
            for month in MONTHS
            if draw(st.integers(0, 3))
        ]
    return nesting, facts(draw(st.permutations(rows)))


def rolled(rule: Rule, nesting: Nesting, table: pd.DataFrame) -> dict[str, Values]:
    declared = space(rule=rule.value, **RULES[rule])
    reported = Reported(declared, nesting.codes[-1], table, links())
    leaves = reported.leaves(declared.measure("m"), "r")
    return {} if leaves is None else roll_up(declared.measure("m"), "r", leaves, nesting)


SUMMED = ("numerator", "denominator", "reported", "expected", "verified")


@pytest.mark.parametrize("rule", list(Rule))
@settings(max_examples=40)
@given(reports())
def test_a_parent_equals_its_children(rule: Rule, given: tuple[Nesting, pd.DataFrame]) -> None:
    nesting, table = given
    found = rolled(rule, nesting, table)
    for depth in range(1, len(nesting.levels) if found else 0):
        parent, child = found[nesting.levels[depth - 1]], found[nesting.levels[depth]]
        for name in SUMMED:
            upper, lower = getattr(parent, name), getattr(child, name)
            for position in range(upper.shape[1]):
                own = nesting.parents[depth] == position
                # Relative to what was added up: summing in another order cancels differently.
                scale = np.abs(lower[:, own]).sum(axis=1).max(initial=1.0)
                np.testing.assert_allclose(
                    upper[:, position], lower[:, own].sum(axis=1), rtol=0, atol=1e-12 * scale
                )


@pytest.mark.parametrize("rule", list(Rule))
@settings(max_examples=40)
@given(reports())
def test_a_value_follows_from_the_reports_of_its_leaves(
    rule: Rule, given: tuple[Nesting, pd.DataFrame]
) -> None:
    nesting, table = given
    found = rolled(rule, nesting, table)
    told = {(row.code, row.indicator, row.period): row.value for row in table.itertuples()}
    checked = {
        (row.code, row.period): row.status == CHECKED
        for row in table.itertuples()
        if row.indicator == "x"
    }
    over_targets = rule in (Rule.SUM, Rule.SHARE_OF_TARGETS)
    assert bool(found) == any(name == "x" for _, name, _ in told)
    for level, values in found.items():
        owners = nesting.above("farm", level)
        for number, month in enumerate(values.periods):
            for position in range(len(nesting.codes[nesting.depth(level)])):
                base = [
                    code
                    for code, owner in zip(nesting.codes[-1], owners, strict=True)
                    if owner == position
                    and (not over_targets or told.get((code, "chosen", "all")) == 1)
                ]
                weight = {
                    code: told.get((code, "w", "all"), told.get((code, "w", "2020"), 0.0))
                    if rule is Rule.WEIGHTED_MEAN
                    else 1.0
                    for code in base
                }
                known = [c for c in base if (c, "x", month) in told and weight[c] > 0]
                number_of = [told[code, "x", month] for code in known]
                total = math.fsum(weight[code] for code in known)
                if rule is Rule.SHARE_OF_VILLAGES:
                    wanted = 100 * sum(x >= 3 for x in number_of) / (total or 1)
                elif rule is Rule.SHARE_OF_TARGETS:
                    wanted = 100 * sum(-2 <= x < 4 for x in number_of) / (total or 1)
                elif rule is Rule.SUM:
                    wanted = math.fsum(number_of)
                else:
                    products = (weight[c] * told[c, "x", month] for c in known)
                    wanted = math.fsum(products) / (total or 1)
                at = values.value[number, position]
                assert values.expected[number, position] == len(base)
                assert values.reported[number, position] == len(known)
                status = Status(int(values.status[number, position]))
                if not base:
                    assert status is Status.OUT_OF_SCOPE and np.isnan(at)
                elif not known:
                    assert status is Status.MISSING and np.isnan(at)
                else:
                    # One digit is kept; 0.05 more for a half that sums differently.
                    assert at == pytest.approx(wanted, rel=1e-9, abs=0.1001)
                    if rule.is_share:
                        assert 0 <= at <= 100
                    if len(known) < len(base):
                        assert status is Status.PARTIAL
                    else:
                        sure = all(checked[code, month] for code in known)
                        assert status is (CHECKED if sure else SELF)


@pytest.mark.parametrize("rule", list(Rule))
@settings(max_examples=40)
@given(reports(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    rule: Rule, given: tuple[Nesting, pd.DataFrame], random: Any
) -> None:
    nesting, table = given
    order = list(range(len(table)))
    random.shuffle(order)
    first, second = rolled(rule, nesting, table), rolled(rule, nesting, table.iloc[order])
    assert first.keys() == second.keys()
    for level, values in first.items():
        assert values.periods == second[level].periods
        for name in ("value", "status", *SUMMED):
            np.testing.assert_array_equal(getattr(values, name), getattr(second[level], name))


def test_a_value_is_rounded_once_to_the_digits_of_its_measure() -> None:
    declared = space(rule="share_of_villages", where={"indicator": "x", "at_least": 1}, digits=1)
    nesting = Nesting(
        ("land", "shire", "farm"),
        (codes(1), codes(1), codes(3)),
        (np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(3, np.int32)),
    )
    table = facts([(code, "r", "x", "2021-01", n, SELF) for n, code in enumerate(codes(3))])
    leaves = Reported(declared, nesting.codes[-1], table, links()).leaves(
        declared.measure("m"), "r"
    )
    assert leaves is not None
    found = roll_up(declared.measure("m"), "r", leaves, nesting)
    assert found["land"].value.tolist() == [[66.7]]
    assert found["farm"].value.tolist() == [[0.0, 100.0, 100.0]]
    assert (found["land"].numerator.item(), found["land"].denominator.item()) == (2.0, 3.0)


def test_facts_outside_the_round_are_not_its_own() -> None:
    declared = space()
    rows = [
        ("F00", "r", "x", "2020-12", 1, SELF),
        ("F00", "other", "x", "2021-01", 2, SELF),
        ("F00", "", "x", "2021-02", 3, SELF),
        ("F00", "", "x", "2021-03", 4, SELF),
        ("F00", "r", "x", "2021-03", 5, CHECKED),
    ]
    grid = Reported(declared, codes(1), facts(rows), links()).grid("x", "r")
    assert grid is not None
    assert grid.periods == ("2021-02", "2021-03")
    # The round's own word beats the common one.
    assert grid.value[:, 0].tolist() == [3.0, 5.0]
    assert grid.verified[:, 0].tolist() == [False, True]


def test_what_holds_for_the_whole_round_stands_where_a_month_says_nothing() -> None:
    rows = [
        ("F00", "r", "x", "all", 7, SELF),
        ("F01", "r", "x", "2021-02", 1, SELF),
    ]
    grid = Reported(space(), codes(2), facts(rows), links()).grid("x", "r")
    assert grid is not None
    assert grid.value[0, 0] == 7 and grid.value[0, 1] == 1


def test_who_is_not_on_a_list_is_known_not_to_be_on_it() -> None:
    table = facts([("F01", "totals", "chosen", "all", 1, SELF)])
    reported = Reported(space(), codes(3), table, links())
    grid = reported.grid("chosen", "totals")
    assert grid is not None
    assert grid.value.tolist() == [[0.0, 1.0, 0.0]]
    assert reported.targets("totals").all(), "the round declares no target: all leaves are"


def test_a_round_without_any_report_has_no_measure() -> None:
    reported = Reported(space(), codes(2), facts([]), links())
    assert reported.leaves(space().measure("m"), "r") is None
    assert not reported.targets("r").any()


def test_missing_items_are_counted_and_unknown_while_one_is_unknown() -> None:
    rows = [
        ("F00", "r", "a", "2021-01", 0, CHECKED),
        ("F00", "r", "b", "2021-01", 0, SELF),
        ("F01", "r", "a", "2021-01", 1, CHECKED),
        ("F01", "r", "b", "2021-01", 0, CHECKED),
        ("F02", "r", "a", "2021-01", 1, CHECKED),
    ]
    grid = Reported(space(), codes(3), facts(rows), links()).grid("lacks", "r")
    assert grid is not None
    assert grid.value[0, :2].tolist() == [2.0, 1.0]
    assert np.isnan(grid.value[0, 2])
    assert grid.verified[0, :2].tolist() == [False, True]


def test_growth_is_against_the_year_before_less_the_reference() -> None:
    rows = [
        # The base year lies before the round.
        ("F00", "", "year", "2019", 100, SELF),
        ("F00", "", "year", "2020", 120, SELF),
        ("F00", "", "year", "2021", 120, SELF),
        ("F01", "", "year", "2019", 0, SELF),
        ("F01", "", "year", "2020", 50, SELF),
    ]
    grid = Reported(space(), codes(2), facts(rows), links()).grid("grown", "old")
    assert grid is not None
    assert grid.periods == ("2020", "2021")
    assert grid.value[:, 0].tolist() == pytest.approx([10.0, 0.0])
    assert np.isnan(grid.value[:, 1]).all(), "nothing grows out of nothing"


def test_below_compares_with_the_reference_of_the_same_period() -> None:
    rows = [
        ("F00", "", "year", "2020", 109, SELF),
        ("F01", "", "year", "2020", 110, SELF),
    ]
    grid = Reported(space(), codes(3), facts(rows), links()).grid("poor", "old")
    assert grid is not None
    assert grid.value[0, :2].tolist() == [1.0, 0.0]
    assert np.isnan(grid.value[0, 2])


def test_a_crew_counts_from_the_period_in_which_it_came_and_only_once() -> None:
    table = facts([("F00", "r", "x", "2021-03", 1, SELF)])
    came = links(
        [
            ("r", "c1", "F00", "2021-02"),
            ("r", "c1", "F00", "2021-03"),
            ("r", "c2", "F00", ""),
            ("other", "c3", "F01", ""),
        ]
    )
    grid = Reported(space(), codes(2), table, came).grid("crews", "r")
    assert grid is not None
    assert grid.periods == MONTHS
    assert grid.value.tolist() == [[1.0, 0.0], [2.0, 0.0], [2.0, 0.0]]


def test_nothing_is_said_about_crews_after_the_last_report() -> None:
    table = facts([("F00", "r", "x", "2021-02", 1, SELF)])
    grid = Reported(space(), codes(1), table, links([("r", "c", "F00", "")])).grid("crews", "r")
    assert grid is not None
    assert grid.periods == MONTHS[:2]


def test_a_condition_passes_only_where_every_test_does() -> None:
    value = np.array([np.nan, 0.0, 5.0, 10.0])
    test = Condition(indicator="x", at_least=5, below=10)
    assert condition(test, value).tolist() == [False, False, True, False]
    assert condition(Condition(indicator="x", equals=False), value).tolist() == [
        False,
        True,
        False,
        False,
    ]


@given(
    st.dictionaries(
        st.text("0123456789", min_size=3, max_size=3),
        st.one_of(st.none(), st.integers(0, 4).map(float)),
        max_size=20,
    ),
    st.integers(0, 10),
    st.randoms(use_true_random=False),
)
def test_ranking_from_the_bottom_is_stable(
    told: dict[str, float | None], count: int, random: Any
) -> None:
    series = pd.Series(told, dtype=float)
    chosen = rank_lowest(series, count).tolist()
    known = sorted((value, code) for code, value in told.items() if value is not None)
    assert chosen == [code for _, code in known[:count]]
    mixed = list(told)
    random.shuffle(mixed)
    assert rank_lowest(series.reindex(mixed), count).tolist() == chosen


def test_a_mean_needs_every_period_that_is_ranked() -> None:
    rows = [
        ("F00", "", "year", "2019", 1, SELF),
        ("F00", "old", "year", "2020", 2, SELF),
        ("F01", "", "year", "2019", 1, SELF),
    ]
    assert mean_over(facts(rows), "year", ("2019", "2020")).to_dict() == {"F00": 1.5}


def test_every_rule_and_derivation_is_in_the_small_world() -> None:
    declared = small_world().space
    assert {measure.rule for measure in declared.measures} == set(Rule)
    assert {item.derive.kind for item in declared.indicators if item.derive} == {
        "missing_items",
        "growth",
        "below",
        "linked",
    }

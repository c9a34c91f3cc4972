"""Measures that nobody builds: what the ledger says of contact points and visits, rolled up now."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from geodata.vocabulary import Base, Direction, Rule, Theme
from geodata.words import say
from geodata.workspace import Measure, Workspace

CONTACT_POINT_SHARE = "contact_point_share"
CONTACT_VISITED_SHARE = "contact_visited_share"
CONTACT_VISIT_DAYS = "contact_visit_days"


class LiveMeasure(Measure):
    """A measure of the ledger: no file reports it, so it names no indicator."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        return self


def live_measures(space: Workspace) -> tuple[LiveMeasure, ...]:
    """The three measures of the round whose villages members pick, in the order of screens.

    One that the workspace declares itself, under the same id, is the workspace's.
    """
    taken = {one.id for one in space.measures}
    return tuple(one for one in _declared(space) if one.id not in taken)


def _declared(space: Workspace) -> tuple[LiveMeasure, ...]:
    leaf = space.leaf.label
    rounds = (space.contact_round.id,)
    source = say("live.source")
    due = space.contact_points.visit_days
    return (
        LiveMeasure(
            id=CONTACT_POINT_SHARE,
            theme=Theme.COVERAGE,
            label=say("live.contact_point_share"),
            definition=say("live.contact_point_share_definition", leaf=leaf),
            unit="%",
            digits=1,
            direction=Direction.MORE,
            rule=Rule.SHARE_OF_TARGETS,
            rounds=rounds,
            numerator_label=say("live.contact_point"),
            denominator_label=_targets(space),
            breaks=(0.0, 10.0, 20.0, 30.0, 50.0),
            zero_class=True,
            palette="purple",
            source=source,
        ),
        LiveMeasure(
            id=CONTACT_VISITED_SHARE,
            theme=Theme.COVERAGE,
            label=say("live.contact_visited_share"),
            definition=say("live.contact_visited_share_definition"),
            unit="%",
            digits=1,
            direction=Direction.MORE,
            rule=Rule.SHARE_OF_VILLAGES,
            rounds=rounds,
            numerator_label=say("live.visited", leaf=leaf),
            denominator_label=say("live.contact_point"),
            breaks=(0.0, 25.0, 50.0, 75.0, 100.0),
            palette="green",
            source=source,
        ),
        LiveMeasure(
            id=CONTACT_VISIT_DAYS,
            theme=Theme.COVERAGE,
            label=say("live.contact_visit_days"),
            definition=say("live.contact_visit_days_definition"),
            unit=say("live.day"),
            digits=0,
            direction=Direction.LESS,
            rule=Rule.MEAN,
            base=Base.VILLAGES,
            rounds=rounds,
            denominator_label=say("live.contact_point"),
            breaks=tuple(float(one) for one in sorted({0, due // 3, 2 * due // 3, due, 2 * due})),
            palette="orange",
            source=source,
        ),
    )


def _targets(space: Workspace) -> str:
    """What the round's targets are called, as its headline figure counts them."""
    figures = space.contact_round.figures
    return next((one.label for one in figures if one.leaves == "targets"), space.leaf.label)

"""The gallery of ready maps: one card a measure, each leading to its map."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from geodata import periods
from geodata.edition import Edition
from layers import picture
from layers.view import View, default_measure

Json = dict[str, Any]


def cards(edition: Edition, round_id: str | None = None) -> list[Json]:
    """One card a measure of a round, in the order of the workspace; JSON-able.

    Each is what `layers.picture.describe` says plus `round`, `period_label`, `query` (of the
    portal) and `image` (address of its picture). None is the last round that has a measure.

    Raises
    ------
    UnknownName : for a round that does not exist.
    """
    if round_id is None:
        having = [one for one in edition.space.rounds if default_measure(edition, one.id)]
        chosen = (having or list(edition.space.rounds))[-1]
    else:
        chosen = edition.space.round(round_id)
    found = []
    for measure in edition.space.measures:
        if not edition.has(measure.id, chosen.id):
            continue
        there = edition.periods(measure.id, chosen.id)
        found.append(
            {
                **picture.describe(edition, measure),
                "round": {"id": chosen.id, "label": chosen.label},
                "period_label": periods.label(there[-1]) if there else "",
                "query": View(round=chosen.id, measure=measure.id).to_query(),
                "image": f"/pictures/{edition.id}/{quote(chosen.id)}/{quote(measure.id)}.svg",
            }
        )
    return found

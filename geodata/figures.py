"""Headline figures of a round at a region: counts and sums of entities, leaves, measures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.workspace import Figure

MeasureValue = Callable[[str, str], tuple[float | None, int]]
"""A measure's `value` or `numerator` (the second argument) at the region, and its digits."""


@dataclass(frozen=True)
class FigureValue:
    """One headline figure, ready to be read."""

    label: str
    value: float | None
    """None: not known at this region."""
    unit: str
    digits: int
    """Digits after the point that mean something."""
    published: float | None
    """The figure as published, at the root only."""
    note: str


@dataclass(frozen=True)
class Staff:
    """The entities of one kind in one round, and where they work."""

    table: pd.DataFrame
    """`id`, `name`, `attributes` (dict of str), `file`, `row`; one entity a row."""
    entity: NDArray[np.int64]
    """Row in `table` of each link."""
    leaf: NDArray[np.int64]
    """Leaf position of each link."""
    since: NDArray[np.object_]
    via: NDArray[np.object_]

    @classmethod
    def of(
        cls,
        kind: str,
        round_id: str,
        entities: pd.DataFrame,
        links: pd.DataFrame,
        codes: NDArray[np.object_],
    ) -> Staff:
        """Pick one kind and round out of a world's or an edition's tables ("" serves all)."""
        chosen = entities[(entities["kind"] == kind) & entities["round"].isin([round_id, ""])]
        table = chosen[["id", "name", "attributes", "file", "row"]].reset_index(drop=True)
        rows = links[(links["kind"] == kind) & links["round"].isin([round_id, ""])]
        entity = pd.Index(table["id"].drop_duplicates()).get_indexer(rows["id"])
        # An entity listed in two rows of a file is one entity: the first row stands for it.
        first = np.flatnonzero(~table["id"].duplicated().to_numpy())
        leaf = pd.Index(codes).get_indexer(rows["code"])
        keep = (entity >= 0) & (leaf >= 0)
        return cls(
            table.iloc[first].reset_index(drop=True),
            entity[keep],
            leaf[keep],
            rows["since"].to_numpy(dtype=object)[keep],
            rows["via"].to_numpy(dtype=object)[keep],
        )

    def within(self, inside: NDArray[np.bool_] | None) -> pd.DataFrame:
        """Distinct entities with a link to one of the leaves in the mask; None: all there are."""
        if inside is None:
            return self.table
        return self.table.iloc[np.unique(self.entity[inside[self.leaf]])]


def evaluate(
    figure: Figure,
    *,
    root: bool,
    inside: NDArray[np.bool_],
    targets: NDArray[np.bool_],
    staff: Callable[[str], Staff],
    measure: MeasureValue,
) -> FigureValue | None:
    """One figure at one region; None where it makes no sense (a root's total at a district).

    Parameters
    ----------
    inside, targets : masks over the leaves: in the region; among the round's targets.
    staff : gives the entities of a kind.
    measure : gives a measure's value or numerator at the region.
    """
    digits = 0
    value: float | None
    if figure.measure is not None:
        value, digits = measure(figure.measure, figure.part)
    elif figure.leaves is not None:
        value = float((inside & targets if figure.leaves == "targets" else inside).sum())
    elif figure.value is not None:
        if not root:
            return None
        value, digits = figure.value, _digits(figure.value)
    else:
        kind, _, attribute = (figure.count or figure.sum or "").partition(".")
        # At the root every entity counts, even one that is linked to no leaf.
        rows = staff(kind).within(None if root else inside)
        for name, wanted in figure.where.items():
            rows = rows[[one.get(name) == wanted for one in rows["attributes"]]]
        if attribute:
            value = float(sum(number(one.get(attribute)) for one in rows["attributes"]))
            digits = _digits(value)
        else:
            value = float(len(rows))
    return FigureValue(
        figure.label,
        value,
        figure.unit,
        digits,
        figure.published if root else None,
        figure.note,
    )


def number(text: str | None) -> float:
    """An attribute as a number; 0 where it is none (`check` reports those)."""
    try:
        found = float((text or "").replace(",", ""))
    except ValueError:
        return 0.0
    return found if np.isfinite(found) else 0.0


def pack(attributes: pd.Series) -> list[str]:
    """Attributes as JSON texts for a file, keys sorted."""
    return [json.dumps(one, ensure_ascii=False, sort_keys=True) for one in attributes]


def unpack(attributes: pd.Series) -> list[dict[str, str]]:
    """What `pack` wrote."""
    return [json.loads(one) for one in attributes]


def _digits(value: float) -> int:
    return next((digits for digits in (0, 1) if round(value, digits) == value), 2)

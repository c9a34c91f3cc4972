"""What visitors saw, put beside the figures of a village's profile as a verified observation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from geodata.words import say

Json = dict[str, Any]


def beside(profile: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Json:
    """A profile (`layers.profile`) with observations (`geodata.ledger.observations.of`) in it.

    The profile is cached and shared: it is not changed, what is returned shares its other parts.
    Every item, curve and row of the provenance gets `seen`: the newest observation of its
    indicator in its round (in any round where the figure names none), or None: a row as it was
    given (`day_text`, `seen_text`, `stands`, `sentence`) with a `status_label`. All rows are in
    `observations`, the newest first; `contradictions` counts the newest that stand.
    """
    newest: dict[tuple[str, str], Json] = {}
    for row in rows:
        if row["latest"]:
            told = {**row, "status_label": say("visit.seen.verified")}
            newest[row["round"], row["indicator"]] = told
            newest.setdefault(("", row["indicator"]), told)

    def looked(line: Mapping[str, Any], indicator: str, round_id: str) -> Json:
        return {**line, "seen": newest.get((round_id, indicator))}

    return {
        **profile,
        "items": [
            {
                **one,
                "items": [looked(line, line["id"], one["round"]["id"]) for line in one["items"]],
            }
            for one in profile.get("items", [])
        ],
        "curves": [looked(one, one["indicator"], "") for one in profile.get("curves", [])],
        "provenance": [
            looked(one, one["indicator"], one["round"]) for one in profile.get("provenance", [])
        ],
        "observations": [dict(row) for row in rows],
        "contradictions": sum(one["stands"] for (round_id, _), one in newest.items() if round_id),
    }

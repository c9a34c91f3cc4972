"""A proposal in words and numbers: why each village, what its parts bring, what rules cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from geodata.proposals import Choice, NextBest, Part, Problem, Reach, Solution, Stage, Village
from geodata.words import say

Json = dict[str, Any]


def explain(problem: Problem, solution: Solution) -> Json:
    """The whole proposal, JSON-able.

    Returns
    -------
    `status`, `sentence`, `notes` (sentences: what was not reached, what rules cost), `obstacles`
    (`rule`, `sentence`, `cure`), `stages` (`name`, `sentence`, numbers), `members` (`id`, `label`,
    `sentence`, numbers, `villages`: code, name, position-free numbers, `parts`, `sentences`),
    `districts`.
    """
    villages = {one.code: one for one in problem.villages}
    labels = {one.id: one.label for one in problem.members}
    names = dict(problem.districts)
    reached = {one.district: one for one in solution.reached}
    words = {"leaf": problem.leaf_label, "level": problem.level_label}
    own: dict[str, list[Choice]] = {}
    for choice in solution.choices:
        own.setdefault(choice.member, []).append(choice)
    return {
        "status": solution.status,
        "sentence": _headline(solution, own, words),
        "notes": _notes(solution, words),
        "obstacles": [
            {"rule": one.rule, "sentence": one.sentence, "cure": one.cure}
            for one in solution.obstacles
        ],
        "stages": [_stage(one) for one in solution.stages],
        "members": [
            {
                "id": lot.member,
                "label": labels.get(lot.member, lot.member),
                "need": round(lot.need, 3),
                "km": round(lot.km, 1),
                "farthest": round(lot.farthest, 1),
                "sentence": say(
                    "propose.text.lot",
                    member=labels.get(lot.member, lot.member),
                    villages=lot.villages,
                    need=points(lot.need),
                    km=f"{lot.km:.0f}",
                ),
                "villages": [
                    _choice(one, villages[one.village], problem, names, reached)
                    for one in own.get(lot.member, [])
                ],
            }
            for lot in solution.lots
        ],
        "districts": [
            {
                "code": one.district,
                "name": names.get(one.district, one.district),
                "held": one.held,
                "chosen": one.chosen,
                "fair": round(one.fair, 1),
                "low": one.low,
                "high": one.high,
            }
            for one in solution.reached
        ],
    }


def cost_of_next(problem: Problem, other: NextBest) -> Json:
    """What it costs to do without a village: `sentence` and numbers, JSON-able."""
    names = {one.code: one.name for one in problem.villages}
    village = names.get(other.village, other.village)
    if not other.solution.solved:
        return {
            "status": "infeasible",
            "village": other.village,
            "member": other.member,
            "sentence": say("propose.next.none", village=village),
        }
    key = "cost" if abs(other.need) >= 0.0005 else "same"
    instead = "、".join(names.get(code, code) for code in other.instead)
    return {
        "status": "solved",
        "village": other.village,
        "member": other.member,
        "need": round(other.need, 4),
        "least": round(other.least, 4),
        "km": round(other.km, 1),
        "instead": list(other.instead),
        "dropped": list(other.dropped),
        "sentence": say(
            f"propose.next.{key}",
            village=village,
            need=points(other.need, 1),
            km=f"{other.km:+.1f}".replace("-", "−"),
            instead=instead or say("propose.next.nothing"),
        ),
    }


def points(need: float, digits: int = 0) -> str:
    """A need of 0 to 1, or a sum of such, as people read it: of 100 points."""
    return f"{100 * need:.{digits}f}"


def _headline(solution: Solution, own: Mapping[str, list[Choice]], words: Mapping[str, str]) -> str:
    if not solution.solved:
        return say("propose.text.infeasible")
    return say(
        f"propose.text.{'solved' if len(own) > 1 else 'solved_one'}",
        members=len(own),
        count=len(solution.choices),
        need=points(solution.need),
        least=points(solution.least),
        km=f"{solution.km:.0f}",
        **words,
    )


def _notes(solution: Solution, words: Mapping[str, str]) -> list[str]:
    notes = []
    empty = solution.places - len(solution.choices)
    if solution.solved and empty:
        notes.append(say("propose.text.unfilled", count=empty))
    if solution.off:
        notes.append(say("propose.text.off", count=f"{solution.off:g}", **words))
    for shadow in solution.shadows:
        notes.append(say(f"propose.shadow.{shadow.rule}", need=points(shadow.need, 1), **words))
    return notes


def _stage(stage: Stage) -> Json:
    known = math.isfinite(stage.gap)
    shown = f"{stage.gap:.2%}" if known else say("propose.stage.unknown")
    return {
        "name": stage.name,
        "objective": round(stage.objective, 4),
        "gap": round(stage.gap, 6) if known else None,
        "seconds": round(stage.seconds, 2),
        "status": stage.status,
        "sentence": say(
            "propose.stage.line",
            name=say(f"propose.stage.{stage.name}"),
            status=say(f"propose.stage.{stage.status}"),
            gap=shown,
            seconds=f"{stage.seconds:.1f}",
        ),
    }


def _choice(
    choice: Choice,
    village: Village,
    problem: Problem,
    names: Mapping[str, str],
    reached: Mapping[str, Reach],
) -> Json:
    here = reached.get(village.district)
    alone = choice.km == 0
    return {
        "code": village.code,
        "name": village.name,
        "lon": village.lon,
        "lat": village.lat,
        "district": village.district,
        "need": round(choice.need, 4),
        "rank": choice.rank,
        "km": round(choice.km, 1),
        "reason": choice.reason,
        "parts": [
            {
                "name": part.name,
                "label": say(f"propose.part.{part.name}"),
                "value": round(part.value, 4),
                "weight": round(part.weight, 4),
                "share": round(part.value * part.weight, 4),
                "estimated": part.estimated,
                "raw": part.raw,
            }
            for part in village.parts
        ],
        "sentences": [
            say(
                f"propose.reason.{choice.reason}",
                count=len(problem.villages),
                rank=choice.rank,
                leaf=problem.leaf_label,
                district=names.get(village.district, village.district),
                fair=f"{here.fair:.1f}" if here else "0",
            ),
            say(
                "propose.text.parts",
                need=points(choice.need),
                parts="，".join(_part(part, problem.level_label) for part in village.parts),
            ),
            say("propose.text.alone") if alone else say("propose.text.far", km=f"{choice.km:.1f}"),
        ],
    }


def _part(part: Part, level: str) -> str:
    if part.estimated:
        raw = say("propose.raw.estimated", level=level)
    elif part.raw is None:
        raw = say("propose.raw.never")
    else:
        raw = say(f"propose.raw.{part.name}", value=f"{part.raw:g}", unit=part.unit).rstrip()
    return say(
        "propose.text.part",
        label=say(f"propose.part.{part.name}"),
        value=points(part.value),
        weight=points(part.weight),
        share=points(part.value * part.weight, 1),
        raw=raw,
    )

"""What the publish gate says, in sentences: for the command and for the office's page."""

from __future__ import annotations

from collections.abc import Iterator

from geodata.edition import Edition
from geodata.publish.gate import Chosen, Gate
from geodata.words import say

Section = tuple[str, tuple[str, ...]]
"""A heading, and lines."""
Row = dict[str, str]
"""A measure's parts in words, see `row`."""


def sections(edition: Edition, gate: Gate) -> Iterator[Section]:
    """What the gate says, as headings with lines."""
    if gate.refusals:
        yield _section("refused", (str(one) for one in gate.refusals))
    yield _section("measures", (_measure(edition, one) for one in gate.measures))
    yield _section("held", (one.sentence for one in gate.held))
    if gate.withdrawn:
        yield _section("withdrawn", (one.sentence for one in gate.withdrawn))
    yield _section("changes", gate.changes)
    yield say("publish.cli.heading_losses"), (losses(gate),)


def losses(gate: Gate) -> str:
    """What protecting small numbers costs, a sentence."""
    lost = gate.losses
    if lost is None:
        return say("publish.cli.no_losses")
    return say(
        "publish.cli.losses",
        cells=f"{lost.cells:,}",
        suppressed=f"{lost.suppressed:,}",
        share=f"{lost.share:.1%}",
        primary=f"{lost.primary:,}",
        complementary=f"{lost.complementary:,}",
        threshold=lost.threshold,
    )


def row(edition: Edition, one: Chosen) -> Row:
    """A measure that is published, part by part: `rounds`, `levels`, `periods`, `latest`, and, ""
    where there is nothing to say, `verified` (a share) and `cells`, `suppressed`, `share` of what
    is lost to small numbers.
    """
    counted = bool(one.cells)
    return {
        "id": one.id,
        "label": one.label,
        "rounds": "、".join(edition.space.round(name).label for name in one.rounds),
        "levels": "、".join(edition.space.level(name).label for name in one.levels),
        "periods": f"{one.periods}",
        "latest": one.latest,
        "verified": "" if one.verified is None else f"{one.verified:.1%}",
        "cells": f"{one.cells:,}" if counted else "",
        "suppressed": f"{one.suppressed:,}" if counted else "",
        "share": f"{one.suppressed / one.cells:.1%}" if counted else "",
    }


def _section(key: str, lines: Iterator[str] | tuple[str, ...]) -> Section:
    found = tuple(lines)
    return heading(key, len(found)), found or (say("publish.cli.none"),)


def heading(key: str, count: int) -> str:
    """A section's heading with how many there are."""
    return say("publish.cli.numbered", heading=say(f"publish.cli.heading_{key}"), count=count)


def _measure(edition: Edition, one: Chosen) -> str:
    told = row(edition, one)
    lost = say("publish.cli.lost", **told) if told["cells"] else ""
    verified = say("publish.cli.verified", share=told["verified"]) if told["verified"] else ""
    return say("publish.cli.measure", **{**told, "verified": verified, "lost": lost})

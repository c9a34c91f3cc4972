"""What pages say beyond the figures: what was withdrawn or protected, whom to ask, the notices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from geodata.edition import Edition
from geodata.words import say
from layers.view import View, resolve


@dataclass(frozen=True)
class Withdrawn:
    """A measure that was public and is not any more."""

    id: str
    label: str
    reason: str
    at: str
    """Day, ISO; empty when nobody wrote it down."""

    @property
    def sentence(self) -> str:
        """What stands where the measure stood."""
        key = "pages.withdrawn.dated" if self.at else "pages.withdrawn.undated"
        reason = self.reason.strip().rstrip("。．.") or say("pages.withdrawn.no_reason")
        return say(key, label=self.label, at=self.at, reason=reason)

    def as_dict(self) -> dict[str, str]:
        """For the catalogue of a bundle."""
        return {"id": self.id, "label": self.label, "sentence": self.sentence}


@dataclass(frozen=True)
class Suppression:
    """How small numbers were protected, in figures."""

    threshold: float
    """Counts and bases from 1 to less than this are not published."""
    cells: int
    """Figures of measures that count people or households."""
    suppressed: int
    share: float
    """Of those figures, 0 to 1."""

    def as_dict(self) -> dict[str, float]:
        """For the catalogue of a bundle."""
        return {
            "threshold": self.threshold,
            "cells": self.cells,
            "suppressed": self.suppressed,
            "share": self.share,
        }


@dataclass(frozen=True)
class Facts:
    """What a publication knows beyond its edition."""

    withdrawn: tuple[Withdrawn, ...] = ()
    suppression: Suppression | None = None
    contact: str = ""
    """Whom to tell of a wrong figure."""
    site_url: str = ""
    """Absolute address of the folder of index.html, without a slash at its end."""
    embed: tuple[str, ...] = ()
    """Sites that may embed the map."""
    watermark: str = ""
    """Words over every map of a demo."""
    audience: str = "internal"
    boundary_label: str = ""
    """Who approved the boundaries."""
    batches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Measure: batches that its published figures come from, in words."""
    verified: Mapping[str, float] = field(default_factory=dict)
    """Measure: share of its reported leaves that are verified, where the manifest says."""

    @classmethod
    def of(cls, edition: Edition) -> Self:
        """From a public edition's manifest; what it does not hold has its default."""
        manifest = edition.manifest
        declared = edition.space.publication
        return cls(
            withdrawn=tuple(_withdrawn(one) for one in manifest.get("withdrawn") or ()),
            suppression=_suppression(manifest.get("suppression")),
            contact=declared.contact,
            site_url=declared.site_url.rstrip("/"),
            embed=declared.embed,
            watermark=str(manifest.get("watermark") or "")
            or (say("pages.watermark") if edition.notices()["demo"] else ""),
            audience=str(manifest.get("audience") or "internal"),
            boundary_label=declared.boundary_label,
            batches={
                str(measure): tuple(dict.fromkeys(_batch(one) for one in named))
                for measure, named in (manifest.get("batches") or {}).items()
            },
            verified={
                str(measure): float(share)
                for measure, share in (manifest.get("verified") or {}).items()
            },
        )


def approval(edition: Edition) -> str:
    """What the lower left corner of every map says of the review of its boundaries.

    The number is never invented: a demo says plainly that it has none.
    """
    notices = edition.notices()
    if notices["approval_number"]:
        return say("pages.notice.approval", number=notices["approval_number"])
    return say("pages.notice.demo_approval") if notices["demo"] else ""


def verified_share(edition: Edition, measure: str, round: str | None = None) -> float | None:
    """Share (0 to 1) of the reported leaves that are verified in a measure's latest period.

    Of the uppermost level that is published; None where nothing was reported or published.
    `round` None is the last round that has the measure.
    """
    rounds = [one.id for one in reversed(edition.rounds)] if round is None else [round]
    for name in rounds:
        if not edition.has(measure, name):
            continue
        for level in edition.levels:
            if published(edition, measure, name, level.id):
                values = edition.values(measure, name, level.id)
                reported = int(values.reported[-1].sum())
                return float(values.verified[-1].sum()) / reported if reported else None
    return None


def published(edition: Edition, measure: str, round: str, level: str) -> bool:
    """Whether the edition holds a measure of a round at a level.

    A public edition has no file for a level at which a measure is not published.
    """
    return edition.has(measure, round) and edition.shows(measure, level)


def first_measure(edition: Edition) -> tuple[str, str] | None:
    """Round and measure of the first map; None where no round has a measure."""
    look = resolve(View(), edition)
    return (look.round.id, look.measure.id) if look.measure else None


def _withdrawn(one: Mapping[str, Any]) -> Withdrawn:
    return Withdrawn(
        str(one.get("id", "")),
        str(one.get("label") or one.get("id", "")),
        str(one.get("reason", "")),
        str(one.get("at") or "")[:10],
    )


def _suppression(told: Mapping[str, Any] | None) -> Suppression | None:
    if not told:
        return None
    cells, hidden = int(told.get("cells", 0)), int(told.get("suppressed", 0))
    share = told.get("share")
    if share is None or not math.isfinite(float(share)):
        share = hidden / cells if cells else 0.0
    return Suppression(float(told.get("threshold", 0)), cells, hidden, float(share))


def _batch(one: object) -> str:
    """A batch in words: a name, or a name with how much of it was verified."""
    if not isinstance(one, Mapping):
        return str(one)
    named, status = str(one.get("name") or ""), str(one.get("status") or "")
    if status not in ("self_reported", "verified", "partial"):
        return named
    return say("pages.batch.named", name=named, status=say(f"pages.batch.{status}"))

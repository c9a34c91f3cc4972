"""The publish gate: what may leave the house, what is held back and why, what changed since.

`examine` looks at an edition, never at files or the clock, and changes nothing. Every refusal says
what was found and what to do about it. What is merely not meant for the public is not spoken of.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import pyproj
from numpy.typing import NDArray

from geodata import periods
from geodata.edition import Edition
from geodata.errors import AtlasError
from geodata.ledger.written import day_words
from geodata.progress import SILENT, Progress
from geodata.publish.losses import Losses, count
from geodata.vocabulary import SourceKind
from geodata.words import say
from geodata.workspace import Measure

Json = dict[str, Any]
Place = tuple[str, str, str]
"""Measure, round, level."""


class Pattern(Protocol):
    """What statistical disclosure control keeps back."""

    @property
    def suppressed(self) -> Mapping[Place, NDArray[np.bool_]]:
        """[P, R] by measure, round, level: true where the value is not published."""
        ...

    @property
    def primary(self) -> Mapping[Place, NDArray[np.bool_]]:
        """The same, of those that are small themselves."""
        ...


Protect = Callable[[Edition, Mapping[str, tuple[str, ...]], int, float], Pattern]
"""`protect(edition, measures, threshold, protection)`: what must be kept back, so that no reader
can bring a number of 1 to `threshold` - 1 within bounds narrower than `protection`.

`measures` has the levels at which each is to be published, also those that count nobody: a reader
knows all of these and nothing of others. Raises `Unsafe` when it cannot vouch for what it answers.
"""


class Unsafe(AtlasError):
    """Small numbers could be worked out of what would be published."""


class Overtime(Unsafe):
    """No safe choice was found in time; its message names the measures."""


@dataclass(frozen=True)
class Mark:
    """What a publication remembers of a measure."""

    label: str
    definition: str
    """Fingerprint of what the measure says: see `fingerprint`."""
    values: str
    """Fingerprint of all published values."""
    periods: Mapping[str, str]
    """Round -> last period."""


@dataclass(frozen=True)
class Published:
    """The last publication, as the ledger tells it."""

    id: str
    public: str
    """Id of the public edition."""
    edition: str
    """Id of the edition that it was derived from."""
    at: str
    by: str
    demo: bool
    measures: Mapping[str, Mark]
    known: Mapping[str, Mark]
    """Marks of every measure that was ever published, each from its last time."""
    losses: Mapping[str, Any]


@dataclass(frozen=True)
class Withdrawal:
    """A measure that was taken back from the public."""

    measure: str
    label: str
    why: str
    """In words that the public reads."""
    day: str
    """ISO, in China's time."""

    @property
    def sentence(self) -> str:
        """What stands in its place."""
        why = self.why.rstrip("。．.")
        return say("publish.withdrawn", label=self.label, day=day_words(self.day), why=why)


@dataclass(frozen=True)
class Refusal:
    """A reason to publish nothing at all."""

    code: str
    message: str
    value: str
    """What was found; "" for nothing."""
    cure: str

    def __str__(self) -> str:
        found = f"「{self.value}」" if self.value else ""
        return f"{self.message}{found}。{self.cure}"


@dataclass(frozen=True)
class Held:
    """A measure that is meant for the public and stays inside."""

    measure: str
    code: str
    sentence: str


@dataclass(frozen=True)
class Chosen:
    """A measure that is published."""

    id: str
    label: str
    rounds: tuple[str, ...]
    """Those in which it has values."""
    levels: tuple[str, ...]
    """Root first."""
    periods: int
    """How many, in all rounds."""
    latest: str
    """The last one, in words."""
    verified: float | None
    """Share of the leaves that reported in it whose value is verified; None when none reported."""
    lost: Losses
    """No cells for a measure that counts neither people nor households."""
    mark: Mark

    @property
    def cells(self) -> int:
        """Values that there are of people or households."""
        return self.lost.cells

    @property
    def suppressed(self) -> int:
        """Of these, not published."""
        return self.lost.suppressed


@dataclass(frozen=True)
class Gate:
    """What the gate says."""

    refusals: tuple[Refusal, ...]
    measures: tuple[Chosen, ...]
    held: tuple[Held, ...]
    withdrawn: tuple[Withdrawal, ...]
    changes: tuple[str, ...]
    losses: Losses | None
    """None when nothing that is published counts people or households."""
    demo: bool
    """Invented data, published with a mark that says so."""
    accepted: Mapping[str, str]
    """Measure -> why its changed definition is meant; those that did change."""
    hidden: Mapping[Place, NDArray[np.bool_]] = field(default_factory=dict, repr=False)
    """What is not published: [P, R] by measure, round, level."""

    @property
    def allowed(self) -> bool:
        """Whether it may be published."""
        return not self.refusals

    def refused(self, *more: Refusal) -> Gate:
        """The same with further refusals: what is only found out while writing."""
        return replace(self, refusals=(*self.refusals, *more))

    def as_dict(self) -> Json:
        """For JSON."""
        return {
            "allowed": self.allowed,
            "demo": self.demo,
            "refusals": [asdict(one) for one in self.refusals],
            "measures": [
                {
                    key: getattr(one, key)
                    for key in (
                        *("id", "label", "rounds", "levels", "periods", "latest"),
                        *("verified", "cells", "suppressed"),
                    )
                }
                for one in self.measures
            ],
            "held": [asdict(one) for one in self.held],
            "withdrawn": [{**asdict(one), "sentence": one.sentence} for one in self.withdrawn],
            "changes": list(self.changes),
            "losses": self.losses.as_dict() if self.losses else None,
            "accepted": dict(self.accepted),
        }


def examine(
    edition: Edition,
    last: Published | None,
    *,
    accept_demo: bool = False,
    accepted: Mapping[str, str] | None = None,
    withdrawn: Mapping[str, Withdrawal] | None = None,
    protect: Protect | None = None,
    progress: Progress = SILENT,
) -> Gate:
    """Hold an edition against the rules of publication.

    Parameters
    ----------
    edition : a workspace's own, never a public one.
    last : the last publication; None when there was none.
    accept_demo : invented data may be published, with a mark that says so.
    accepted : measure -> why its changed definition is meant.
    withdrawn : what was taken back and not put back, by measure.
    protect : statistical disclosure control. Without one, what counts people is held back.
    """
    accepted, withdrawn = accepted or {}, withdrawn or {}
    rules = edition.space.publication
    wanted = [one for one in edition.measures if one.public]
    held: list[Held] = []
    open_: list[Measure] = []
    for one in wanted:
        reason: Held | None
        if one.id in withdrawn:
            reason = _held(one, "withdrawn", why=withdrawn[one.id].why)
        else:
            reason = _unfit(edition, one, rules.verified_bar)
            if reason is None and one.counts and protect is None:
                reason = _held(one, "unprotected")
        if reason is None:
            open_.append(one)
        else:
            held.append(reason)

    pattern: Pattern | None = None
    unsafe: list[Refusal] = []
    if protect is not None and any(one.counts for one in open_):
        shown = {one.id: levels(edition, one) for one in open_}
        try:
            pattern = protect(edition, shown, rules.small_number, rules.width)
        except Overtime as error:
            unsafe.append(_refusal("disclosure_slow", str(error)))
        except Unsafe as error:
            unsafe.append(_refusal("disclosure", str(error)))
    hidden = pattern.suppressed if pattern else {}

    chosen: list[Chosen] = []
    with progress.step(say("publish.step.examine"), len(open_)) as advance:
        for one in open_:
            found = _chosen(edition, one, pattern, rules.small_number)
            if found.cells and found.cells == found.suppressed:
                held.append(_held(one, "small_numbers", threshold=rules.small_number))
            else:
                chosen.append(found)
            advance(1)

    kept = {one.id for one in chosen}
    hidden = {place: mask for place, mask in hidden.items() if place[0] in kept}
    told = tuple(
        one
        for one in withdrawn.values()
        if one.measure in {w.id for w in wanted} or (last and one.measure in last.known)
    )
    changed = [one for one in chosen if redefined(one, last)]
    meant = {one.id: accepted[one.id].strip() for one in changed if one.id in accepted}
    refusals = [
        *_about_workspace(edition, accept_demo),
        *_about_boundaries(edition),
        *unsafe,
        *(
            _refusal("definition_changed", one.label, id=one.id)
            for one in changed
            if not meant.get(one.id)
        ),
    ]
    if not chosen:
        refusals.append(_refusal("nothing", "", held=len(held)))
    return Gate(
        tuple(refusals),
        tuple(chosen),
        tuple(held),
        told,
        tuple(_changes(chosen, held, last, meant)),
        # Everything that is published counts, and nothing that is held back after all.
        sum((one.lost for one in chosen), Losses(threshold=rules.small_number))
        if pattern
        else None,
        edition.space.atlas.demo,
        {name: why for name, why in meant.items() if why},
        hidden,
    )


def levels(edition: Edition, measure: Measure) -> tuple[str, ...]:
    """The levels at which a measure may be published, root first."""
    every = tuple(level.id for level in edition.levels)
    return tuple(one for one in every if one in (measure.public_levels or every))


def rounds(edition: Edition, measure: Measure) -> tuple[str, ...]:
    """The rounds in which a measure has values, in order."""
    return tuple(one.id for one in edition.rounds if edition.has(measure.id, one.id))


def fingerprint(measure: Measure) -> str:
    """Names what a measure says: its label, definition, rule, condition, indicator, weight, base,
    unit and digits. How it looks is no part of it.
    """
    told = {
        "label": measure.label,
        "definition": measure.definition,
        "rule": measure.rule.value,
        "where": measure.where.model_dump(mode="json") if measure.where else None,
        "value": measure.value,
        "weight": measure.weight,
        "base": measure.leaves.value,
        "unit": measure.unit,
        "digits": measure.digits,
    }
    text = json.dumps(told, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# ---- the workspace as a whole ----


def _about_workspace(edition: Edition, accept_demo: bool) -> Iterator[Refusal]:
    atlas = edition.space.atlas
    if atlas.demo and not accept_demo:
        yield _refusal("demo")
    if not atlas.licence.strip():
        yield _refusal("licence")
    if not atlas.source.strip():
        yield _refusal("source")
    if not atlas.approval_number.strip() and not (atlas.demo and accept_demo):
        yield _refusal("approval_number")


def _about_boundaries(edition: Edition) -> Iterator[Refusal]:
    space, rules = edition.space, edition.space.publication
    if not rules.boundaries:
        yield _refusal("boundaries_undeclared")
        return
    if not rules.boundary_label.strip():
        yield _refusal("boundary_label")
    approved = {_crs(one) for one in rules.crs}
    for source in space.sources:
        if source.kind is not SourceKind.BOUNDARIES:
            continue
        if source.id not in rules.boundaries:
            allowed = "、".join(rules.boundaries)
            yield _refusal("boundaries", source.label or source.id, id=source.id, allowed=allowed)
        if not source.crs:
            yield _refusal("crs_undeclared", source.label or source.id, id=source.id)
        elif _crs(source.crs) not in approved:
            yield _refusal("crs", source.crs, id=source.id, allowed="、".join(rules.crs))


def _crs(text: str) -> str:
    """A coordinate system by its authority's code, so that two spellings of one are one."""
    try:
        found = pyproj.CRS.from_user_input(text).to_authority()
    except pyproj.exceptions.CRSError:
        found = None
    return ":".join(found) if found else text.strip().upper()


def _refusal(code: str, value: str = "", **words: object) -> Refusal:
    """A refusal in the catalogue's words; details of one rule share its code."""
    name = {
        "boundaries_undeclared": "boundaries",
        "boundary_label": "boundaries",
        "crs_undeclared": "crs",
        "disclosure_slow": "disclosure",
    }.get(code, code)
    message = say(f"publish.refused.{code}.message", **words)
    return Refusal(name, message, value, say(f"publish.refused.{code}.cure", **words))


# ---- one measure ----


def _held(measure: Measure, code: str, **words: object) -> Held:
    return Held(measure.id, code, say(f"publish.held.{code}", label=measure.label, **words))


def _unfit(edition: Edition, measure: Measure, bar: float) -> Held | None:
    """Why a measure's own figures are not ready; None when they are."""
    if not rounds(edition, measure):
        return _held(measure, "no_values")
    share = _verified(edition, measure)
    if share is not None and share < bar:
        return _held(measure, "verified_bar", share=f"{share:.1%}", bar=f"{bar:.1%}")
    return None


def _verified(edition: Edition, measure: Measure) -> float | None:
    """Share of the reported leaves that are verified in the latest period of the last round."""
    root = edition.values(measure.id, rounds(edition, measure)[-1], edition.levels[0].id)
    reported = int(root.reported[-1, 0])
    return int(root.verified[-1, 0]) / reported if reported else None


def _chosen(edition: Edition, measure: Measure, pattern: Pattern | None, small: int) -> Chosen:
    there, shown = rounds(edition, measure), levels(edition, measure)
    digest = hashlib.sha256()
    lost = Losses()
    for round_id in there:
        for level in shown:
            values = edition.values(measure.id, round_id, level)
            place = (measure.id, round_id, level)
            mask = pattern.suppressed.get(place) if pattern else None
            digest.update(f"{round_id} {level} {' '.join(values.periods)}\n".encode())
            for part in (values.value, values.reported, values.expected, values.verified):
                kept = np.where(mask, np.nan, part) if mask is not None else part
                digest.update(np.ascontiguousarray(kept).tobytes())
            if measure.counts:
                known = ~np.isnan(values.value)
                lost += count(known, pattern.primary.get(place) if pattern else None, mask, small)
    found = {one: edition.periods(measure.id, one) for one in there}
    return Chosen(
        measure.id,
        measure.label,
        there,
        shown,
        sum(len(names) for names in found.values()),
        periods.label(found[there[-1]][-1]),
        _verified(edition, measure),
        lost,
        Mark(
            measure.label,
            fingerprint(measure),
            digest.hexdigest()[:16],
            {one: names[-1] for one, names in found.items()},
        ),
    )


# ---- since last time ----


def redefined(one: Chosen, last: Published | None) -> bool:
    """Whether a measure says something else than when it was published last."""
    before = last.known.get(one.id) if last else None
    return before is not None and before.definition != one.mark.definition


def _changes(
    chosen: list[Chosen], held: list[Held], last: Published | None, meant: Mapping[str, str]
) -> Iterator[str]:
    """What a reader of the last publication will find changed, a sentence each."""
    if last is None:
        if chosen:
            yield say("publish.changed.first", count=len(chosen))
        return
    same = True
    for one in chosen:
        before = last.measures.get(one.id)
        if before is None:
            key = "back" if one.id in last.known else "new"
            yield say(f"publish.changed.{key}", label=one.label)
            same = False
            continue
        if before.definition != one.mark.definition:
            why = meant.get(one.id) or "—"
            yield say("publish.changed.definition", label=one.label, before=before.label, why=why)
            same = False
        elif before.values != one.mark.values:
            newer = before.periods != one.mark.periods
            key = "periods" if newer else "values"
            yield say(f"publish.changed.{key}", label=one.label, latest=one.latest)
            same = False
    left = {one.id for one in chosen}
    known = {one.measure for one in held}
    for name, mark in last.measures.items():
        if name not in left:
            key = "held" if name in known else "gone"
            yield say(f"publish.changed.{key}", label=mark.label)
            same = False
    if same:
        yield say("publish.changed.nothing")

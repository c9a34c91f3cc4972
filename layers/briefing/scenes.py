"""From a briefing's declaration to its scenes: selectors expanded, every name checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from geodata import declared, periods
from geodata.edition import Edition, Region
from geodata.errors import AtlasError, UnknownName
from geodata.live_measures import CONTACT_POINT_SHARE
from geodata.vocabulary import Direction, Status, Theme
from geodata.words import say
from geodata.workspace import Measure, Round
from layers.briefing.declare import CHILDREN, THEME, Briefing, BriefingError, Item, Kind
from layers.picture import name_of
from layers.view import View, default_measure, resolve

MOST_REGIONS = 40
"""Region scenes that the built-in briefing has: the largest, in the order of codes."""

_T = TypeVar("_T")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class Scene:
    """One scene of an edition: all names in it exist."""

    id: str
    kind: Kind
    title: str
    view: View
    """What the portal shows of the same; its measure is None only in a round without any."""
    dwell: float
    """Seconds that it stays."""
    notes: str
    """Rehearsal notes: for the presenter, never on the wall."""
    rows: int
    """Most rows in a list."""
    measures: tuple[str, ...] = ()
    """Small multiples of a gaps scene."""

    @property
    def names(self) -> tuple[str | None, ...]:
        """The measures that it names: what a kept result is of (`layers.remember`)."""
        return (*self.view.names, *self.measures)


class _Absent(Exception):
    """The edition has nothing for a scene; the message says what it has."""


class _Problems:
    """What is wrong with a briefing, gathered so that all of it can be said at once."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def add(self, key: str, value: object, reason: str) -> None:
        self.said.append(
            say("workspace.invalid", key=key, value=declared.short(value), reason=reason)
            if value not in ("", None)
            else say("briefing.problem", key=key, reason=reason)
        )


def scenes(edition: Edition, briefing: Briefing) -> tuple[Scene, ...]:
    """The scenes of a briefing at an edition, in order; at least one.

    A scene of contact points is left out while the ledger holds none, in every briefing: they
    come by themselves, and are nobody's mistake.

    Raises
    ------
    BriefingError : a declared scene names what the edition does not have; lists all problems,
        each with place (`scenes[3].measure`), value and what there is.
    """
    problems = _Problems()
    taken = {item.id for item in briefing.scenes if item.id}
    found: list[Scene] = []
    for number, item in enumerate(briefing.scenes, start=1):
        place = f"scenes[{number}{f' {item.id}' if item.id else ''}]"
        for scene in _expand(edition, briefing, item, place, problems):
            name = _free(scene.id, taken) if scene.id != item.id else scene.id
            taken.add(name)
            found.append(replace(scene, id=name))
    if problems.said:
        raise BriefingError("\n".join(problems.said), file=briefing.file)
    if not found:
        raise BriefingError(say("briefing.no_scene"), file=briefing.file)
    return tuple(found)


def region_scene(edition: Edition, code: str, dwell: float = 20.0) -> Scene:
    """A scene of any region, made on request: the phone's jump to a district or village.

    Raises
    ------
    UnknownName : no such region.
    """
    region = edition.region(code)
    last = resolve(View(), edition).round
    measure = _default(edition, Kind.REGION, last)
    view = View(
        round=last.id,
        measure=measure.id if measure else None,
        region=None if region.code == edition.root.code else region.code,
    )
    return Scene(
        id=_name(Kind.REGION, region, always=True),
        kind=Kind.REGION,
        title=name_of(edition, region),
        view=view,
        dwell=dwell,
        notes="",
        rows=8,
    )


def notes(edition: Edition, briefing: Briefing) -> dict[str, str]:
    """Rehearsal notes by scene id; scenes without any are left out. Raises as `scenes`."""
    return {scene.id: scene.notes for scene in scenes(edition, briefing) if scene.notes}


def item_measures(edition: Edition, round: Round) -> tuple[str, ...]:
    """For each of the round's items the measure that counts who lacks it, in item order.

    That is `lacks_<item>`, or else the first share of leaves where the item's flag is false;
    items without one, or without data, are left out.
    """
    found = []
    for item in round.items:
        named = [one for one in edition.measures if one.id == f"lacks_{item}"]
        counted = [
            one
            for one in edition.measures
            if one.where is not None
            and one.where.indicator == item
            and one.where.equals is not None
            and not one.where.equals
        ]
        there = [one.id for one in (*named, *counted) if edition.has(one.id, round.id)]
        found.extend(there[:1])
    return tuple(found)


# --- one declared scene ----------------------------------------------------------------------


def _expand(
    edition: Edition, briefing: Briefing, item: Item, place: str, problems: _Problems
) -> Iterator[Scene]:
    """The scenes of one `[[scenes]]`: one, or one a region; problems are noted."""
    if item.kind is Kind.CONTACT:
        yield from _contact(edition, briefing, item)
        return
    before = len(problems.said)
    round = _round(edition, item, place, problems)
    level = _known(edition.space.level, item.level, f"{place}.level", problems)
    regions = _regions(edition, item, place, problems)
    if round is None or len(problems.said) > before:
        return
    try:
        measure = _measure(edition, item, round, place, problems)
        multiples = _multiples(edition, item, round, place, problems)
    except _Absent as error:
        if briefing.strict:
            problems.add(place, "", str(error))
        return
    if len(problems.said) > before:
        return
    _check_period(edition, item, round, measure, place, problems)
    own = item.regions is not None or item.kind is Kind.REGION
    codes = {region.code for region, _ in regions}
    for code in item.notes_by_region:
        known = _known(edition.region, code, f"{place}.notes_by_region", problems)
        if known is not None and known.code not in codes:
            problems.add(f"{place}.notes_by_region", code, say("briefing.not_shown"))
    told = {_canonical(edition, code): text for code, text in item.notes_by_region.items()}
    picked = [
        one
        for one in regions
        if item.kind is Kind.OVERVIEW or _in_scope(edition, round, measure, one[0])
    ]
    silent = [region for region, named in regions if named and (region, named) not in picked]
    if briefing.strict:
        for region in silent:
            problems.add(
                f"{place}.regions",
                region.code,
                say("briefing.out_of_scope", measure=measure.label if measure else ""),
            )
    elif len(picked) > MOST_REGIONS:
        largest = sorted(picked, key=lambda one: (-one[0].leaves, one[0].code))[:MOST_REGIONS]
        picked = [one for one in picked if one in largest]
    for region, _ in picked:
        root = region.code == edition.root.code
        coloured = level.id if level else _level(edition) if root else None
        if item.kind in (Kind.STANDINGS, Kind.REGION) and level is None:
            coloured = None
        view = View(
            round=round.id,
            measure=measure.id if measure else None,
            period=item.period,
            region=None if root else region.code,
            level=None if coloured == _child_level(edition, region) else coloured,
        )
        several = own and len(picked) > 1
        name = name_of(edition, region)
        computed = _title(item.kind, name, measure, edition)
        yield Scene(
            id=item.id if item.id and not several else _name(item.id or item.kind, region, own),
            kind=item.kind,
            title=computed
            if item.title is None
            else say("briefing.title.of", title=item.title, name=name)
            if several
            else item.title,
            view=view,
            dwell=item.dwell if item.dwell is not None else briefing.dwell,
            notes=told.get(region.code, item.notes).strip(),
            rows=item.rows,
            measures=multiples,
        )


def _contact(edition: Edition, briefing: Briefing, item: Item) -> Iterator[Scene]:
    """The scene of contact points, if there are any: every village, as it is now."""
    contact = edition.contact
    if contact is None or not edition.has(CONTACT_POINT_SHARE, contact.round):
        return
    yield Scene(
        id=item.id or str(item.kind),
        kind=item.kind,
        title=item.title or say("briefing.title.contact", name=name_of(edition, edition.root)),
        view=View(round=contact.round, measure=CONTACT_POINT_SHARE, level=edition.levels[-1].id),
        dwell=item.dwell if item.dwell is not None else briefing.dwell,
        notes=item.notes.strip(),
        rows=item.rows,
    )


def _title(kind: Kind, name: str, measure: Measure | None, edition: Edition) -> str:
    if kind is Kind.REGION:
        return name
    return say(f"briefing.title.{kind.value}", name=name, measure=measure.label if measure else "")


def _round(edition: Edition, item: Item, place: str, problems: _Problems) -> Round | None:
    if item.round is not None:
        return _known(edition.space.round, item.round, f"{place}.round", problems)
    wanted = item.measure
    if wanted is not None and not wanted.startswith(THEME):
        try:
            # The last round that has this very measure.
            return resolve(View(measure=wanted), edition).round
        except AtlasError:
            pass  # Said below, with the names that there are.
    return resolve(View(), edition).round


def _measure(
    edition: Edition, item: Item, round: Round, place: str, problems: _Problems
) -> Measure | None:
    """The scene's measure; None only for an overview of a round without any."""
    wanted = item.measure
    if wanted is None:
        chosen = _default(edition, item.kind, round)
    elif wanted.startswith(THEME):
        chosen = of_theme(edition, Theme(wanted.removeprefix(THEME)), round)
    else:
        chosen = _known(edition.space.measure, wanted, f"{place}.measure", problems)
        if chosen is None:
            return None
        if not edition.has(chosen.id, round.id):
            problems.add(f"{place}.measure", wanted, _none(edition, round))
            return None
    if chosen is None and item.kind is not Kind.OVERVIEW:
        raise _Absent(_none(edition, round))
    if item.kind is Kind.STANDINGS and chosen is not None and chosen.direction is Direction.NONE:
        if wanted is None:
            raise _Absent(say("briefing.no_direction"))
        problems.add(f"{place}.measure", wanted, say("briefing.no_direction"))
    return chosen


def _multiples(
    edition: Edition, item: Item, round: Round, place: str, problems: _Problems
) -> tuple[str, ...]:
    if item.kind is not Kind.GAPS:
        return ()
    if item.measures is None:
        return item_measures(edition, round)
    for number, name in enumerate(item.measures, start=1):
        key = f"{place}.measures[{number}]"
        found = _known(edition.space.measure, name, key, problems)
        if found is not None and not edition.has(found.id, round.id):
            problems.add(key, name, _none(edition, round))
    return item.measures


def _regions(
    edition: Edition, item: Item, place: str, problems: _Problems
) -> list[tuple[Region, bool]]:
    """The regions, each with whether it was named itself."""
    chosen = item.regions
    if chosen is None:
        chosen = (CHILDREN,) if item.kind is Kind.REGION else (edition.root.code,)
    found: list[tuple[Region, bool]] = []
    for number, code in enumerate(chosen, start=1):
        if code == CHILDREN:
            found.extend((child, False) for child in edition.children(edition.root.code))
            continue
        region = _known(edition.region, code, f"{place}.regions[{number}]", problems)
        if region is not None:
            found.append((region, True))
    seen: set[str] = set()
    once = []
    for region, named in found:
        if region.code not in seen:
            seen.add(region.code)
            once.append((region, named and item.regions is not None))
    return once


def _check_period(
    edition: Edition,
    item: Item,
    round: Round,
    measure: Measure | None,
    place: str,
    problems: _Problems,
) -> None:
    """A view shows the nearest not later period; asking for one before all of them is a slip."""
    if item.period is None or item.period == periods.ALWAYS or measure is None:
        return
    there = edition.periods(measure.id, round.id)
    if not there or there == (periods.ALWAYS,):
        return
    if periods.parse(item.period).end < periods.parse(there[0]).end:
        problems.add(
            f"{place}.period",
            item.period,
            say("briefing.period", first=there[0], last=there[-1]),
        )


# --- choices ---------------------------------------------------------------------------------


def of_theme(edition: Edition, theme: Theme, round: Round) -> Measure | None:
    """The theme's first measure with data in the round; of progress, one with a plan first."""
    there = [
        one for one in edition.measures if one.theme is theme and edition.has(one.id, round.id)
    ]
    if theme is Theme.PROGRESS:
        planned = [one for one in there if edition.plan(one.id, round.id)]
        judged = [one for one in there if one.direction is not Direction.NONE]
        there = [*planned, *judged, *there]
    return there[0] if there else None


def _default(edition: Edition, kind: Kind, round: Round) -> Measure | None:
    """The measure of a scene that names none."""
    if kind is Kind.GAPS:
        return of_theme(edition, Theme.GAPS, round)
    if kind is Kind.MAP:
        return default_measure(edition, round.id)
    found = of_theme(edition, Theme.PROGRESS, round)
    if kind in (Kind.PROGRESS, Kind.STANDINGS):
        return found
    return found or default_measure(edition, round.id)


def _level(edition: Edition) -> str:
    """Level of a map of the whole: two below the root, never the leaves while one is between."""
    order = [level.id for level in edition.levels]
    return order[max(1, min(2, len(order) - 2))]


def _child_level(edition: Edition, region: Region) -> str | None:
    order = [level.id for level in edition.levels]
    depth = order.index(region.level)
    return order[depth + 1] if depth + 1 < len(order) else None


def _in_scope(edition: Edition, round: Round, measure: Measure | None, region: Region) -> bool:
    """Whether the measure speaks about the region at any period."""
    if measure is None:
        return True
    values = edition.values(measure.id, round.id, region.level)
    return bool(np.any(values.status[:, region.position] != Status.OUT_OF_SCOPE))


# --- names -----------------------------------------------------------------------------------


def _known(find: Callable[[str], _T], name: str | None, key: str, problems: _Problems) -> _T | None:
    """What a name stands for; an unknown one is noted with what there is."""
    if name is None:
        return None
    try:
        return find(name)
    except UnknownName as error:
        problems.add(key, name, "；".join(part for part in (error.message, error.cure) if part))
        return None


def _canonical(edition: Edition, code: str) -> str:
    try:
        return edition.region(code).code
    except UnknownName:
        return code


def _none(edition: Edition, round: Round) -> str:
    names = [one.id for one in edition.measures if edition.has(one.id, round.id)]
    if not names:
        return say("briefing.no_measure", round=round.label)
    return say("briefing.not_in_round", round=round.label, names="、".join(names[:24]))


def _name(stem: str, region: Region, always: bool) -> str:
    """Kind, with the region's code where there may be several."""
    return f"{stem}-{_UNSAFE.sub('-', region.code)}" if always else str(stem)


def _free(name: str, taken: set[str]) -> str:
    """The name, or with the first number from 2 that makes it one of its own."""
    if name not in taken:
        return name
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"

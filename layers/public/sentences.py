"""What a region's figures come to, in plain words, theme by theme; computed, never typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from geodata.edition import Region
from geodata.periods import ALWAYS, label
from geodata.vocabulary import Direction, Theme
from geodata.words import say
from layers.numbers import figure
from layers.public.reading import Column, Reading


def themes(
    reading: Reading, region: Region, columns: Sequence[Column]
) -> list[tuple[Theme, list[str]]]:
    """The sentences of each theme of one round.

    Parameters
    ----------
    columns : the round's columns at the region's level; those that do not speak of the region
        are passed over.
    """
    found = []
    for theme in Theme:
        own = [
            one
            for one in columns
            if one.measure.theme is theme and one.state(region.position) != "out_of_scope"
        ]
        if not own:
            continue
        said = _of_leaf(reading, region, own) if own[0].leaf else _of_region(reading, region, own)
        if said:
            found.append((theme, said))
    return found


def _of_leaf(reading: Reading, region: Region, columns: Sequence[Column]) -> list[str]:
    """One sentence: amounts, then what the leaf belongs to (the names of numerators), then how
    many of the rest it does not. Of the period that most of the theme's figures have, and what
    holds for the whole round; the table has all. Nothing where the table is one row.
    """
    if len(columns) < 2:
        return []
    at = region.position
    timed = Counter(one.there[-1] for one in columns if one.there[-1] != ALWAYS)
    usual = max(timed, key=lambda name: timed[name]) if timed else ALWAYS
    columns = [one for one in columns if one.there[-1] in (usual, ALWAYS)]
    period = label(usual) if usual != ALWAYS else ""
    parts = []
    for one in columns:
        if one.state(at) == "suppressed":
            parts.append(say("pages.sentence.hidden", measure=one.measure.label))
        elif one.known(at) and not one.flag:
            parts.append(say("pages.sentence.one", measure=one.measure.label, value=one.text(at)))
    flags = [one for one in columns if one.flag and one.known(at)]
    trues = [one.measure.numerator_label or one.measure.label for one in flags if one.yes(at)]
    if trues:
        listed = say(
            "pages.sentence.trues", listed=say("pages.sentence.listed").join(dict.fromkeys(trues))
        )
        rest = len(flags) - len(trues)
        parts.append(
            say("pages.sentence.both", trues=listed, count=figure(rest)) if rest else listed
        )
    elif flags:
        parts.append(say("pages.sentence.none", count=figure(len(flags))))
    if not parts:
        parts = [say("pages.sentence.silent", measure=columns[0].measure.label)]
    return [
        say(
            "pages.sentence.amounts",
            name=region.name,
            period=period,
            listed=say("pages.sentence.join").join(parts),
        )
    ]


def _of_region(reading: Reading, region: Region, columns: Sequence[Column]) -> list[str]:
    """The theme's leading measure: value, coverage of reports, best and worst child, plan."""
    at = region.position
    lead = _lead(reading, columns, at)
    if lead.state(at) == "suppressed":
        return [
            say(
                "pages.sentence.suppressed",
                name=reading.name(region),
                period="" if lead.there[-1] == ALWAYS else lead.period,
                measure=lead.measure.label,
            )
        ]
    said = [
        say(
            "layers.profile.now",
            name=reading.name(region),
            period="" if lead.there[-1] == ALWAYS else lead.period,
            measure=lead.measure.label,
            value=lead.text(at),
        )
    ]
    if 0 < lead.reported[at] < lead.expected[at]:
        said.append(
            say(
                "layers.profile.partial",
                reported=figure(lead.reported[at]),
                expected=figure(lead.expected[at]),
                leaf=lead.leaf_label,
            )
        )
    said.extend(_of_children(reading, region, lead))
    root = region.code == reading.edition.root.code
    said.extend(
        point.sentence(lead.measure.unit, lead.measure.digits) for point in lead.plan(at, root)
    )
    return said


def _of_children(reading: Reading, region: Region, lead: Column) -> list[str]:
    level, places = reading.children(region)
    below = reading.column(lead.measure.id, lead.round.id, level) if level else None
    if below is None or level is None:
        return []
    said = []
    known = [place for place in places if below.known(place)]
    if len(known) > 1 and not below.flag and lead.measure.direction is not Direction.NONE:
        less = lead.measure.direction is Direction.LESS
        # Of equals the first by code; positions are in that order.
        best = min(known, key=lambda place: below.value[place] * (1 if less else -1))
        worst = max(known, key=lambda place: below.value[place] * (1 if less else -1))
        # `max` gives the first of equals, and the ranked list ends with the last.
        worst = [place for place in known if below.value[place] == below.value[worst]][-1]
        if below.value[best] != below.value[worst]:
            names = reading.names(level)
            said.append(
                say(
                    "layers.profile.spread",
                    best=names[best],
                    best_value=below.text(best),
                    worst=names[worst],
                    worst_value=below.text(worst),
                )
            )
    silent = sum(below.state(place) == "missing" for place in places)
    if silent:
        said.append(
            say(
                "layers.profile.silent",
                count=figure(silent),
                level=reading.edition.space.level(level).label,
            )
        )
    return said


def _lead(reading: Reading, columns: Sequence[Column], at: int) -> Column:
    """The measure that a theme is summed up with: the first map's, else the first that stands by
    itself and has a value, else the first.
    """
    default = reading.first[1] if reading.first else None
    for one in columns:
        if one.measure.id == default:
            return one
    alone = [one for one in columns if not one.measure.family] or list(columns)
    return next((one for one in alone if one.known(at)), alone[0])

"""Sentences that say what a scene comes to: built from readings, correct for any edition."""

from __future__ import annotations

import re
from collections.abc import Sequence

from geodata import periods
from geodata.edition import Edition
from geodata.vocabulary import Direction, Rule, Status
from geodata.words import say
from geodata.workspace import Measure
from layers.briefing.pace import Course, Pace
from layers.briefing.reading import Reading, joined, noun
from layers.numbers import amount, difference_unit, figure, with_unit

# 达到20万元 -> 达到 20 万元; years and dates stay closed: 2024年.
_AMOUNT = re.compile(r"(?<=[\u4e00-\u9fff])(\d[\d,.]*)(?=[\u4e00-\u9fff])(?![年月日季])")


def value(edition: Edition, found: Reading) -> str:
    """How much, or how many of how many: a clause without full stop."""
    measure = found.measure
    if found.value is None:
        key = "out_of_scope" if found.status is Status.OUT_OF_SCOPE else "silent"
        return say(f"briefing.value.{key}", name=found.name, label=measure.label)
    if found.leaf or not (measure.rule.is_share or measure.rule is Rule.MEAN):
        return _as_of(found) + _alone(found)
    if measure.rule.is_share:
        return _as_of(found) + _share(edition, found)
    average = "" if "均" in measure.label else say("briefing.value.average")
    return _as_of(found) + say(
        "briefing.value.mean",
        base=_base(edition, found),
        label=measure.label,
        average=average,
        value=found.text(found.value),
    )


def pace(found: Reading) -> str:
    """Against the plan: a half-sentence; empty without one."""
    if found.pace is not None:
        return _pace(found.measure, found.pace)
    if found.value is None or found.at is None:
        return ""
    return _planned(found)


def headline(edition: Edition, found: Reading) -> str:
    """How much and whether that is on plan."""
    return _together(value(edition, found), pace(found))


def progress(edition: Edition, found: Reading) -> str:
    """From where to where, and whether that is on plan."""
    if found.change is None or found.yes_or_no or found.first is None or found.at is None:
        return headline(edition, found)
    measure = found.measure
    counted = (
        measure.rule.is_share
        and bool(measure.numerator_label)
        # Where fewer reported, the count may fall while the share rises: say the share alone.
        and (found.numerator - found.start_numerator) * found.change >= 0
    )
    start, now = found.text(found.start), found.text(found.value)
    if counted:
        start = say("briefing.progress.counted", count=_whole(found.start_numerator), value=start)
        now = say("briefing.progress.counted", count=_whole(found.numerator), value=now)
    moved = "up" if found.change > 0 else "down" if found.change < 0 else "same"
    told = say(
        f"briefing.progress.{moved}",
        name=found.name,
        label=spaced(measure.numerator_label if counted else measure.label),
        since=found.label(found.first),
        start=free(start),
        now=now,
    )
    return _together(_as_of(found) + told, pace(found))


def extremes(children: Sequence[Reading], level: str) -> str:
    """Which child has most and which least; empty where that says nothing."""
    known = [one for one in children if one.current is not None]
    if len(known) < 2 or known[0].yes_or_no:
        return ""
    values = [one.current for one in known if one.current is not None]
    high, low = max(values), min(values)
    if high == low:
        return say("briefing.extremes.equal", level=level, value=known[0].text(high))
    tops = [one.name for one in known if one.current == high]
    bottoms = [one.name for one in known if one.current == low]
    return say(
        "briefing.extremes.spread",
        high=joined(tops, 2, level),
        high_value=known[0].text(high),
        low=joined(bottoms, 2, level),
        low_value=known[0].text(low),
    )


def gaps(
    edition: Edition,
    found: Reading,
    multiples: Sequence[tuple[str, Reading, bool]],
    worst: Sequence[Reading],
    level: str,
) -> str:
    """Which item is lacking most, and where most is lacking.

    Parameters
    ----------
    multiples : label, reading and whether it counts who lacks an item, one each.
    worst : regions of the map's level, the worst first; empty where none is worse than others.
    """
    known = [one for one in multiples if one[1].value is not None]
    place = _worst(found, worst, level)
    if not known:
        return _together(value(edition, found), place, mark="；")
    most = max(one[1].value or 0.0 for one in known)
    if most <= 0:
        return say("briefing.gaps.none", base=_base(edition, known[0][1]))
    top = [one for one in known if one[1].value == most]
    reading = top[0][1]
    lacking = all(one[2] for one in top)
    names = [one[0] if lacking else say("briefing.quoted", text=one[0]) for one in top]
    counts = reading.measure.rule.is_share and not reading.leaf
    base = _base(edition, reading)
    key = "lack" if lacking else "top"
    if counts:
        told = say(
            f"briefing.gaps.{key}_{'each' if len(top) > 1 else 'one'}",
            items=joined(names, 2, say("briefing.gaps.items")),
            base=base,
            count=_whole(reading.numerator),
        )
    else:
        told = say(
            f"briefing.gaps.{key}",
            items=joined(names, 2, say("briefing.gaps.items")),
            name=found.name,
            value=reading.text(most),
        )
    return _together(told, place, mark="；")


def partial(edition: Edition, found: Reading) -> str:
    """How many of its leaves reported, where not all did."""
    if not found.partial:
        return ""
    return say(
        "briefing.partial",
        expected=figure(found.expected),
        noun=noun(edition, found.measure, found.round),
        reported=figure(found.reported),
    )


def silent(count: int, level: str) -> str:
    """How many children have no value yet; empty for none."""
    return say("briefing.silent_children", count=figure(count), level=level) if count else ""


def method(found: Reading) -> str:
    """How months ahead or behind are counted; empty where none are."""
    return say("briefing.pace.method") if found.pace is not None else ""


def spaced(label: str) -> str:
    """A label inside a sentence: amounts stand free, as all figures do."""
    return _AMOUNT.sub(r" \1 ", label)


def free(text: str) -> str:
    """A value before a word: a figure stands free of it, a Chinese unit or bracket does not."""
    return f"{text} " if text[-1:].isascii() else text


def _share(edition: Edition, found: Reading) -> str:
    measure = found.measure
    base, label = _base(edition, found), measure.numerator_label
    count = _whole(found.numerator)
    if not label:
        return say(
            "briefing.share.plain",
            name=found.name,
            label=measure.label,
            value=found.text(found.value),
            base=_base(edition, found, named=False),
            count=count,
        )
    # 达到20万元的村 says of a village what it does: 201 个达到 20 万元.
    ending = say("briefing.share.ending", leaf=edition.levels[-1].label)
    does = label.endswith(ending) and label != ending
    what = spaced(label.removesuffix(ending) if does else label)
    form = "does" if does else "is"
    if found.numerator <= 0:
        key = "none_yet" if measure.direction is Direction.MORE else "none"
        return say(f"briefing.share.{key}", base=base, label=spaced(label))
    if found.numerator >= found.denominator:
        return say(f"briefing.share.all_{form}", base=base, what=what)
    return say(f"briefing.share.{form}", base=base, count=count, what=what)


def _alone(found: Reading) -> str:
    """A value that counts no leaves."""
    measure = found.measure
    key = "leaf" if found.yes_or_no else "sum" if measure.rule is Rule.SUM else "plain"
    if key == "sum" and found.leaf:
        key = "plain"
    return say(
        f"briefing.value.{key}",
        name=found.name,
        label=measure.label,
        value=found.text(found.value),
    )


def _base(edition: Edition, found: Reading, *, named: bool = True) -> str:
    """全市已报的 736 个扶持村."""
    count = found.denominator if found.measure.rule.is_share else found.reported
    return say(
        f"briefing.base.{'partial' if found.partial else 'whole'}",
        name=found.name if named else "",
        count=_whole(count),
        noun=noun(edition, found.measure, found.round),
    ).strip()


def _as_of(found: Reading) -> str:
    if not found.late or found.at is None:
        return ""
    return say("briefing.value.as_of", period=found.label(found.at))


def _planned(found: Reading) -> str:
    """What the next plan point asks for; empty where none is to come."""
    assert found.at is not None, "asked only of a region that reported"
    now = found.there[found.at]
    coming = [
        point
        for point in found.plan
        if periods.ALWAYS not in (now, point.period)
        and periods.parse(point.period).end > periods.parse(now).end
    ]
    if not coming:
        return ""
    point = min(coming, key=lambda one: periods.parse(one.period).end)
    measure = found.measure
    return say(
        "briefing.pace.planned",
        period=periods.label(point.period),
        target=with_unit(figure(point.value, measure.digits, trim=True), measure.unit),
    )


def _pace(measure: Measure, found: Pace) -> str:
    whole = abs(found.whole)
    if found.course is Course.REACHED:
        return say("briefing.pace.early" if found.left > 0 else "briefing.pace.reached")
    if whole:
        key = "ahead" if found.months > 0 else "behind"
        return say(f"briefing.pace.{key}", months=figure(whole))
    if found.left <= 0:
        gap = abs(found.target - found.value)
        unit = difference_unit(measure.unit)
        return say("briefing.pace.short", gap=with_unit(figure(gap, measure.digits), unit))
    return say("briefing.pace.on")


def _worst(found: Reading, worst: Sequence[Reading], level: str) -> str:
    """Where most is missing; empty where nobody lacks anything, or all lack the same."""
    if not worst or worst[0].yes_or_no:
        return ""
    names = [one.name for one in worst if one.current == worst[0].current]
    return say(
        "briefing.gaps.worst",
        names=joined(names, 2, level),
        label=found.measure.label,
        value=amount(worst[0].current, found.measure.digits, found.measure.unit),
    )


def _together(first: str, second: str, mark: str = "，") -> str:
    return f"{first}{mark}{second}" if second else first


def _whole(count: float) -> str:
    return figure(round(count))

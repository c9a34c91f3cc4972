"""Small numbers protected, and the protection attacked: what the gate asks disclosure control."""

from __future__ import annotations

from collections.abc import Mapping

from geodata.edition import Edition
from geodata.progress import SILENT, Progress
from geodata.publish import disclosure, seen
from geodata.publish.gate import Overtime, Place, Protect, Unsafe
from geodata.words import say


def protector(progress: Progress = SILENT, *, seconds: float | None = None) -> Protect:
    """`protect` of the gate, telling how far it is.

    It reads what earlier publications of the workspace showed (`seen`).

    Parameters
    ----------
    seconds : the last guard; by default that of `disclosure.suppress`.
    """
    guard = {} if seconds is None else {"seconds": seconds}

    def protect(
        edition: Edition,
        measures: Mapping[str, tuple[str, ...]],
        threshold: int,
        protection: float,
    ) -> disclosure.Pattern:
        with progress.step(say("publish.step.protect"), 3) as advance:
            kinds = disclosure.kinds(edition.space)
            shown = places(edition, measures, kinds)
            before = before_of(edition, shown, kinds)
            once = {name for name, _, _ in (*before.known, *before.gone)}
            counted = {name: kind for name, kind in kinds.items() if name in {*measures, *once}}
            tables = disclosure.from_edition(
                edition,
                counted,
                measures,
                small_number=threshold,
                protection=protection,
                before=before,
            )
            advance(1)
            try:
                pattern = disclosure.suppress(tables, **guard)
            except disclosure.Overtime as error:
                names = "、".join(edition.space.measure(name).label for name in error.measures)
                raise Overtime(names) from error
            advance(1)
            # By other means than it was chosen: nothing is published on the word of one program.
            exposed = disclosure.audit(tables, pattern).exposed
            advance(1)
        if exposed:
            one = exposed[0]
            raise Unsafe(
                say("publish.unsafe", count=len(exposed)),
                value=f"{edition.space.measure(one.measure).label} {one.level} {one.period}",
            )
        return pattern

    return protect


def places(
    edition: Edition, measures: Mapping[str, tuple[str, ...]], kinds: Mapping[str, str]
) -> frozenset[Place]:
    """Where cells of people or households would be published."""
    return frozenset(
        (name, item.id, level)
        for name, own in measures.items()
        if name in kinds
        for item in edition.rounds
        if edition.has(name, item.id)
        for level in own
    )


def before_of(
    edition: Edition, shown: frozenset[Place], kinds: Mapping[str, str]
) -> disclosure.Before:
    """What readers have of an edition's cells from earlier publications.

    What is not in the edition any more (a measure, a round or a level that was taken out of
    `atlas.toml`) cannot be compared, and is left out.
    """
    past = seen.read(seen.place_of(edition))
    levels = {level.id for level in edition.levels}
    rounds = {item.id for item in edition.rounds}
    there = [
        place
        for place in past.places()
        if place[0] in kinds
        and place[1] in rounds
        and place[2] in levels
        and edition.has(place[0], place[1])
    ]
    return disclosure.Before(
        {place: past.known(edition, place) for place in there},
        {place: past.hidden(edition, place) for place in there},
        frozenset(there) - shown,
    )

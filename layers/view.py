"""What somebody looks at: one frozen View, spelled in full by the query string of a URL."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote

import numpy as np
from numpy.typing import NDArray

from geodata import periods
from geodata.edition import Edition, Region
from geodata.errors import BadRequest, UnknownName
from geodata.words import say
from geodata.workspace import Measure, Round

ZOOM = "zoom"
"""The level that follows the zoom."""

LOOKS = ("", "light", "dark")

# No address that a person pastes is longer; a longer one is an attempt at something.
LONGEST_QUERY = 8000
_LONGEST_NAME = 80
_NAME = re.compile(r"[^\x00-\x20\x7f\ud800-\udfff]+")
_LAYER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_MOST_LAYERS = 40
_CLASS = re.compile(r"\d{1,3}")
_NUMBER = re.compile(r"-?\d{1,4}(\.\d{1,12})?")


@dataclass(frozen=True)
class View:
    """One look at the atlas; None leaves the choice to the edition.

    Raises
    ------
    BadRequest : when a part is not of the form it must have; names are checked by `resolve`.
    """

    round: str | None = None
    measure: str | None = None
    period: str | None = None
    """Period id; None is the latest."""
    region: str | None = None
    """Region code; None is the root."""
    level: str | None = None
    """Level that is coloured; None is the one below the region, `zoom` follows the zoom."""
    off: frozenset[int] = frozenset()
    """Classes that the legend filters out; 255 is no data, 254 out of scope."""
    hide: frozenset[str] = frozenset()
    """Layers that are switched off."""
    camera: tuple[float, float, float] | None = None
    """Zoom, latitude, longitude (degrees); None fits the region."""
    look: str = ""
    """`light`, `dark`, or what the reader's system prefers."""

    def __post_init__(self) -> None:
        for key in ("round", "measure", "region", "level"):
            value = getattr(self, key)
            if value is not None and not (len(value) <= _LONGEST_NAME and _NAME.fullmatch(value)):
                raise _malformed(key, value, "name")
        if self.period is not None and self.period != periods.ALWAYS:
            periods.parse(self.period)
        for number in self.off:
            if not 0 <= number <= 255:
                raise _malformed("off", number, "classes")
        for name in self.hide:
            if not _LAYER.fullmatch(name) or len(self.hide) > _MOST_LAYERS:
                raise _malformed("hide", name, "layers")
        if self.look not in LOOKS:
            raise _malformed("look", self.look, "look")
        if self.camera is not None:
            object.__setattr__(self, "camera", _camera(self.camera))

    @property
    def names(self) -> tuple[str | None]:
        """The measure that it names, or None: what a kept result is of (`layers.remember`)."""
        return (self.measure,)

    @classmethod
    def from_query(cls, query: str) -> View:
        """Read a query string, with or without `?`.

        Keys that are not ours are left alone: portals and messengers append their own.

        Raises
        ------
        BadRequest : naming the key, its value and the form it should have.
        """
        text = query.removeprefix("?")
        if len(text) > LONGEST_QUERY:
            raise BadRequest(say("layers.view.long"), cure=say("layers.view.long_cure"))
        try:
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=60)
        except ValueError as error:
            raise BadRequest(
                say("layers.view.encoding"), cure=say("layers.view.encoding_cure")
            ) from error
        given: dict[str, str] = {}
        for key, value in pairs:
            if key in _KEYS:
                if key in given:
                    raise _malformed(key, value, "once")
                given[key] = value
        # An empty value is the same as none, so that a form can be sent as it stands.
        read: dict[str, Any] = {key: _KEYS[key](value) for key, value in given.items() if value}
        return cls(**read)

    def to_query(self) -> str:
        """The query string, without `?`; keys in a fixed order, defaults left out."""
        parts = {
            "round": self.round,
            "measure": self.measure,
            "period": self.period,
            "region": self.region,
            "level": self.level,
            "off": ",".join(str(number) for number in sorted(self.off)),
            "hide": ",".join(sorted(self.hide)),
            "camera": "/".join(_short(part) for part in self.camera) if self.camera else "",
            "look": self.look,
        }
        return "&".join(
            f"{key}={quote(value, safe=',/.-')}" for key, value in parts.items() if value
        )


def _malformed(key: str, value: object, form: str) -> BadRequest:
    return BadRequest(
        say("layers.view.malformed", key=key), value=value, cure=say(f"layers.view.form.{form}")
    )


def _short(number: float) -> str:
    # Never 1e-05; rounded to five digits before, so that it reads back as the same float.
    return f"{number:.5f}".rstrip("0").removesuffix(".")


def _camera(parts: tuple[float, float, float]) -> tuple[float, float, float]:
    """Checked and rounded: about a metre on the ground."""
    limits = ((0.0, 24.0), (-90.0, 90.0), (-180.0, 180.0))
    if len(parts) != 3 or not all(
        math.isfinite(part) and low <= part <= high
        for part, (low, high) in zip(parts, limits, strict=True)
    ):
        raise _malformed("camera", "/".join(map(str, parts)), "camera")
    zoom, latitude, longitude = parts
    return (
        round(float(zoom), 2) + 0.0,
        round(float(latitude), 5) + 0.0,
        round(float(longitude), 5) + 0.0,
    )


def _read_classes(text: str) -> frozenset[int]:
    parts = text.split(",")
    if not all(part.isascii() and _CLASS.fullmatch(part) for part in parts):
        raise _malformed("off", text, "classes")
    return frozenset(int(part) for part in parts)


def _read_camera(text: str) -> tuple[float, float, float]:
    parts = text.split("/")
    if len(parts) != 3 or not all(part.isascii() and _NUMBER.fullmatch(part) for part in parts):
        raise _malformed("camera", text, "camera")
    zoom, latitude, longitude = (float(part) for part in parts)
    return zoom, latitude, longitude


_KEYS: dict[str, Callable[[str], object]] = {
    "round": str,
    "measure": str,
    "period": str,
    "region": str,
    "level": str,
    "off": _read_classes,
    "hide": lambda text: frozenset(text.split(",")),
    "camera": _read_camera,
    "look": str,
}


@dataclass(frozen=True)
class Resolved:
    """A View whose names exist in an edition, with every default filled in."""

    view: View
    """Canonical: round, measure and padded region code are spelled out; the root is None."""
    round: Round
    measure: Measure | None
    """None only in a round that is known by its totals and has no measure at all."""
    region: Region
    level: str
    """Level that is coloured (at first, if it follows the zoom)."""
    follow: bool
    child_level: str | None
    """Level of the region's children; None for a leaf."""
    periods: tuple[str, ...]
    """Periods of the measure in the round; empty without a measure."""
    period: int
    """Index into `periods`; 0 when there are none."""

    @property
    def leaf(self) -> bool:
        """Whether the region has no children."""
        return self.child_level is None

    @property
    def period_id(self) -> str | None:
        """Id of the period shown."""
        return self.periods[self.period] if self.periods else None


def resolve(view: View, edition: Edition) -> Resolved:
    """Check all names of a view against an edition and fill what it leaves open.

    A period that the measure does not have becomes the nearest not later one (or the first).

    Raises
    ------
    UnknownName : a round, measure, region or level that does not exist, or a measure that the
        named round does not have; says which there are.
    """
    space = edition.space
    asked = space.measure(view.measure) if view.measure is not None else None
    if view.round is not None:
        found = space.round(view.round)
        if asked is not None and not edition.has(asked.id, found.id):
            raise UnknownName(
                say("layers.view.not_in_round", round=found.label),
                value=asked.id,
                cure=_those_there(edition, found.id),
            )
    else:
        found = _last_round(edition, asked)
    measure = asked or default_measure(edition, found.id)
    region = edition.region(view.region) if view.region is not None else edition.root
    order = [level.id for level in space.levels]
    depth = order.index(region.level)
    child_level = order[depth + 1] if depth + 1 < len(order) else None
    follow = view.level == ZOOM
    if view.level is None or follow:
        level = child_level or region.level
    else:
        level = space.level(view.level).id
    there = edition.periods(measure.id, found.id) if measure else ()
    index = snap(there, view.period)
    return Resolved(
        view=replace(
            view,
            round=found.id,
            measure=measure.id if measure else None,
            period=there[index] if there and view.period is not None else None,
            region=region.code if region.code != edition.root.code else None,
        ),
        round=found,
        measure=measure,
        region=region,
        level=level,
        follow=follow,
        child_level=child_level,
        periods=there,
        period=index,
    )


def snap(there: tuple[str, ...], period: str | None) -> int:
    """Index of the nearest period not later than `period`; the last for None, else the first."""
    if not there:
        return 0
    if period is None or period == periods.ALWAYS:
        return len(there) - 1
    if period in there:
        return there.index(period)
    end = periods.parse(period).end
    earlier = [
        index
        for index, name in enumerate(there)
        if name != periods.ALWAYS and periods.parse(name).end <= end
    ]
    return earlier[-1] if earlier else 0


def default_measure(edition: Edition, round_id: str) -> Measure | None:
    """The workspace's default measure if the round has it, else the round's first, else None."""
    chosen = edition.space.default_measure
    if chosen is not None and edition.has(chosen, round_id):
        return edition.space.measure(chosen)
    return next((m for m in edition.space.measures if edition.has(m.id, round_id)), None)


def _last_round(edition: Edition, measure: Measure | None) -> Round:
    """The last round that has periods and the measure (or any measure)."""
    rounds = edition.space.rounds
    for one in reversed(rounds):
        wanted = measure or default_measure(edition, one.id)
        if one.periods and wanted is not None and edition.has(wanted.id, one.id):
            return one
    for one in reversed(rounds):
        if measure is not None and edition.has(measure.id, one.id):
            return one
    if measure is not None:
        raise UnknownName(say("layers.view.no_data"), value=measure.id)
    return rounds[-1]


def _those_there(edition: Edition, round_id: str) -> str:
    names = [m.id for m in edition.space.measures if edition.has(m.id, round_id)]
    if not names:
        return say("layers.view.none_there")
    shown = "、".join(names[:12]) + (say("error.more") if len(names) > 12 else "")
    return say("error.allowed", names=shown)


def with_round(view: View, round_id: str, edition: Edition) -> View:
    """The same look at another round: keeps the measure where that round has it."""
    known = edition.space.round(round_id).id
    keeps = view.measure is not None and edition.has(view.measure, known)
    return replace(
        view,
        round=known,
        measure=view.measure if keeps else None,
        period=None,
        off=view.off if keeps else frozenset(),
    )


def with_measure(view: View, measure_id: str, edition: Edition) -> View:
    """The same look through another measure: keeps the round where it has that measure.

    The filtered classes belonged to the old legend and are let go; the period stays.
    """
    measure = edition.space.measure(measure_id)
    stays = view.round is not None and edition.has(measure.id, view.round)
    return replace(view, measure=measure.id, round=view.round if stays else None, off=frozenset())


def with_region(view: View, code: str | None) -> View:
    """The same look somewhere else: the level follows the region, the camera is fitted anew."""
    level = view.level if view.level == ZOOM else None
    return replace(view, region=code, level=level, camera=None)


def inside(edition: Edition, look: Resolved) -> NDArray[np.intp]:
    """Positions of the active level that belong to the region, ascending.

    All of the level when it lies above the region; a leaf is seen among its neighbours.
    """
    order = [level.id for level in edition.levels]
    region = look.region
    if look.leaf and look.level == region.level:
        region = edition.ancestors(region.code)[-1]
    if order.index(look.level) < order.index(region.level):
        return np.arange(edition.count(look.level), dtype=np.intp)
    return np.asarray(edition.descendants(region.code, look.level), dtype=np.intp)

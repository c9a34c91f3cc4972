"""Colour ramps computed in OKLab: perceptually even, print-proof, safe with colour blindness."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

Looks = tuple[str, str]
"""A colour on a light and on a dark background, as `#rrggbb`."""

_HUES: dict[str, tuple[float, float]] = {
    "blue": (230.0, 262.0),
    "green": (135.0, 165.0),
    "orange": (85.0, 45.0),
    "purple": (320.0, 298.0),
    "red": (60.0, 22.0),
}
"""Hue in degrees at the pale and at the strong end; turning a little keeps steps apart."""

SEQUENTIAL = tuple(_HUES)

# Below the midpoint orange, above it blue: the one pair that every kind of colour blindness keeps.
_BELOW, _ABOVE = "orange", "blue"


@dataclass(frozen=True)
class Ground:
    """What every map of a look has under and between its classes."""

    background: str
    out_of_scope: str
    """Quiet gray of regions that the measure does not speak about."""
    missing: str
    """Fill under the hatch of regions that should have reported and did not."""
    hatch: str
    """Lines of that hatch."""
    outline: str
    text: str
    muted: str
    accent: str


GROUNDS: dict[str, Ground] = {
    "light": Ground(
        background="#ffffff",
        out_of_scope="#e9ebed",
        missing="#ffffff",
        hatch="#767e87",
        outline="#8a9199",
        text="#1c2329",
        muted="#5b6670",
        accent="#c2185b",
    ),
    "dark": Ground(
        background="#10151b",
        out_of_scope="#1c232b",
        missing="#10151b",
        hatch="#8b96a1",
        outline="#4a5661",
        text="#e8edf2",
        muted="#9aa7b3",
        accent="#ff6fa3",
    ),
}


@cache
def ramp(name: str, count: int) -> tuple[Looks, ...]:
    """`count` classes from little to much: pale to dark on light, dark to bright on dark.

    Raises
    ------
    ValueError : for an unknown ramp or no class.
    """
    if count < 1:
        raise ValueError(count)
    if name not in _HUES:
        raise ValueError(name)
    return tuple((_light(name, t), _dark(name, t)) for t in _positions(count))


@cache
def diverging(below: int, neutral: bool, above: int) -> tuple[Looks, ...]:
    """Classes below, around (if any straddles it) and above a meaningful middle.

    Both arms are stepped by the longer one, so that equally many classes away from the middle
    look equally far.
    """
    longest = max(below, above, 1)

    def arm(name: str, step: int) -> Looks:
        t = 0.16 + 0.84 * step / longest
        return _light(name, t), _dark(name, t)

    colours = [arm(_BELOW, step) for step in range(below, 0, -1)]
    if neutral:
        colours.append(("#f1f1ef", "#2b3138"))
    colours.extend(arm(_ABOVE, step) for step in range(1, above + 1))
    return tuple(colours)


def _positions(count: int) -> list[float]:
    """Where classes stand on the ramp: few classes keep away from its ends."""
    if count == 1:
        return [0.6]
    if count == 2:
        return [0.12, 0.78]
    return [step / (count - 1) for step in range(count)]


def _light(name: str, t: float) -> str:
    return _colour(name, t, 0.950 - 0.605 * t, 0.030 + 0.130 * math.sin(math.pi * 0.62 * t))


def _dark(name: str, t: float) -> str:
    return _colour(name, t, 0.355 + 0.575 * t, 0.060 + 0.085 * math.sin(math.pi * 0.80 * t))


def _colour(name: str, t: float, lightness: float, chroma: float) -> str:
    start, end = _HUES[name]
    return from_oklch(lightness, chroma, start + (end - start) * t)


def from_oklch(lightness: float, chroma: float, hue: float) -> str:
    """The colour as `#rrggbb`; chroma gives way where sRGB has no such colour, lightness never."""
    low, high = 0.0, chroma
    if not _inside(_linear(lightness, chroma, hue)):
        for _ in range(24):
            middle = (low + high) / 2
            if _inside(_linear(lightness, middle, hue)):
                low = middle
            else:
                high = middle
        chroma = low
    return "#" + "".join(f"{_byte(part):02x}" for part in _linear(lightness, chroma, hue))


def _linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """OKLCH to linear sRGB (matrices by Björn Ottosson, public domain)."""
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def _inside(colour: tuple[float, float, float]) -> bool:
    return all(-1e-6 <= part <= 1 + 1e-6 for part in colour)


def _byte(part: float) -> int:
    part = min(1.0, max(0.0, part))
    encoded = 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055
    return int(encoded * 255 + 0.5)

"""Graphs of a page as SVG: the same numbers as PowerPoint's charts, in the same colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

from geodata.words import say
from layers.deck.compose import LABEL_ROOM, Ink, ems
from layers.deck.graphs import Bars, Graph, Lines
from layers.numbers import figure, with_unit

_KEY = 18.0
_TIME_LABEL = 72.0
_TIME_STEPS = (1, 2, 3, 4, 6, 12, 24, 36, 60, 120)


def graph_svg(graph: Graph, width: float, height: float, ink: Ink, font: str) -> str:
    """The graph as SVG text of `width` x `height` points."""
    drawn = _bars if isinstance(graph, Bars) else _lines
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" font-family="{escape(font, quote=True)}">'
        + "".join(drawn(graph, width, height, ink))  # type: ignore[arg-type]
        + "</svg>"
    )


def _bars(graph: Bars, width: float, height: float, ink: Ink) -> Iterator[str]:
    keyed = graph.target is not None
    tall = (height - (_KEY if keyed else 0)) / max(len(graph.labels), 1)
    size = bar_text(tall)
    names = min(max(ems(label) for label in graph.labels) * size + 8, width * 0.42)
    numbers = max(ems(text) for text in graph.texts) * size + 8
    room = width - names
    # A long number needs more than the usual room behind the longest bar.
    longest = min(room / LABEL_ROOM, room - numbers)
    low = min(0.0, *(value for value in graph.values if value is not None), 0.0)
    scale = longest / (graph.highest - low)
    zero = names - low * scale
    for at, (label, value, text) in enumerate(
        zip(graph.labels, graph.values, graph.texts, strict=True)
    ):
        middle = tall * (at + 0.5)
        thick = tall * 0.66
        fitted = min(size, (names - 8) / max(ems(label), 1))
        yield _words(names - 8, middle, label, fitted, ink.ink_2, "end")
        if graph.target is not None:
            goal = graph.target * scale
            yield _rect(zero, middle - thick / 2, goal, thick, ink.behind)
        end = zero
        if value is not None:
            end = zero + value * scale
            yield _rect(min(zero, end), middle - thick / 2, abs(end - zero), thick, ink.bar)
        yield _words(max(end, zero) + 4, middle, text, size, ink.ink, "start")
    yield _line(zero, 0, zero, tall * len(graph.labels), ink.line, 0.75)
    if keyed:
        y = height - _KEY / 2
        yield from _keys(
            width,
            y,
            ink,
            (
                (say("deck.actual"), _rect(0, -4, 16, 8, ink.bar)),
                (
                    graph.target_label or say("deck.target"),
                    _rect(0, -4, 16, 8, ink.behind),
                ),
            ),
        )


def bar_text(pitch: float) -> float:
    """Size of the words beside bars that are `pitch` points apart."""
    return max(7.0, min(11.0, pitch * 0.62))


def _lines(graph: Lines, width: float, height: float, ink: Ink) -> Iterator[str]:
    size = 10.0
    low, high, step = graph.axis
    count = round((high - low) / step)
    ticks = [low + step * number for number in range(count + 1)]
    texts = [with_unit(figure(tick, decimals(step)), graph.unit) for tick in ticks]
    left = max(ems(text) for text in texts) * size + 8
    keys = list(_line_keys(graph, ink))
    bottom = height - size - 8 - (_KEY if keys else 0)
    # A plan point at the top of the axis has its number above it.
    top = 20.0 if graph.has_plan else 8.0
    right = width - 12

    def x(at: float) -> float:
        return left + (right - left) * (at + 0.5) / max(len(graph.labels), 1)

    def y(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / (high - low)

    for tick, text in zip(ticks, texts, strict=True):
        yield _line(left, y(tick), right, y(tick), ink.line, 0.5)
        yield _words(left - 6, y(tick), text, size, ink.ink_3, "end")
    every = skip(len(graph.labels), width)
    for at in range(0, len(graph.labels), every):
        label = graph.labels[at]
        half = ems(label) * size / 2
        middle = min(max(x(at), half), width - half)
        yield _words(middle, bottom + size / 2 + 6, label, size, ink.ink_3, "middle")
    # Under the curve, which would vanish under its own marks.
    for at, value in enumerate(graph.partial):
        if value is not None:
            yield _dot(x(at), y(value), 3.2, ink.pale)
    yield _path(graph.plan_line, x, y, ink.plan, 1.25, dash="4 3")
    yield _path(graph.value, x, y, ink.bar, 2.25)
    for at, value in enumerate(graph.value):
        alone = value is not None and all(
            not 0 <= near < len(graph.value) or graph.value[near] is None
            for near in (at - 1, at + 1)
        )
        if alone and value is not None:
            yield _dot(x(at), y(value), 2.2, ink.bar)
    for at, value in enumerate(graph.plan):
        if value is None:
            continue
        yield _diamond(x(at), y(value), ink.plan)
        text = with_unit(figure(value, graph.digits, trim=True), graph.unit)
        half = ems(text) * size / 2
        middle = min(max(x(at), half), width - half)
        yield _words(middle, y(value) - 10, text, size, ink.plan, "middle")
    if keys:
        yield from _keys(width, height - _KEY / 2, ink, keys)


def _line_keys(graph: Lines, ink: Ink) -> Iterator[tuple[str, str]]:
    others = []
    if any(value is not None for value in graph.partial):
        others.append((say("deck.partial"), _dot(8, 0, 3.2, ink.pale)))
    if any(value is not None for value in graph.plan_line):
        others.append((say("deck.plan_line"), _line(0, 0, 16, 0, ink.plan, 1.25, "4 3")))
    if graph.has_plan:
        others.append((say("deck.plan"), _diamond(8, 0, ink.plan)))
    if others:
        yield say("deck.actual"), _line(0, 0, 16, 0, ink.bar, 2.25)
        yield from others


def _keys(width: float, y: float, ink: Ink, keys: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A legend in one centred row."""
    size = 10.0
    wide = [20 + ems(label) * size + 14 for label, _ in keys]
    x = max((width - sum(wide)) / 2, 0.0)
    for (label, mark), own in zip(keys, wide, strict=True):
        yield f'<g transform="translate({_n(x)} {_n(y)})">{mark}</g>'
        yield _words(x + 20, y, label, size, ink.ink_2, "start")
        x += own


def skip(count: int, width: float) -> int:
    """Every how many-th label of a time axis is written on so many points without crowding.

    Steps that people count in: months to a year, and years.
    """
    most = max(2, int(width // _TIME_LABEL))
    return next((step for step in _TIME_STEPS if count <= step * most), _TIME_STEPS[-1])


def decimals(step: float) -> int:
    """Digits after the point that multiples of a step need."""
    text = f"{step:.6f}".rstrip("0")
    return len(text.split(".")[1])


def _path(
    values: Sequence[float | None],
    x: Callable[[float], float],
    y: Callable[[float], float],
    colour: str,
    width: float,
    dash: str = "",
) -> str:
    """A curve that is broken where there is no value."""
    data: list[str] = []
    drawing = False
    for at, value in enumerate(values):
        if value is None:
            drawing = False
            continue
        data.append(f"{'L' if drawing else 'M'}{_n(x(at))} {_n(y(value))}")
        drawing = True
    if not data:
        return ""
    steps = "".join(data)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path d="{steps}" fill="none" stroke="{colour}" '
        f'stroke-width="{_n(width)}" stroke-linejoin="round"{dashed}/>'
    )


def _line(
    x: float, y: float, to_x: float, to_y: float, colour: str, width: float, dash: str = ""
) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path d="M{_n(x)} {_n(y)}L{_n(to_x)} {_n(to_y)}" stroke="{colour}" '
        f'stroke-width="{_n(width)}"{dashed}/>'
    )


def _rect(x: float, y: float, w: float, h: float, fill: str) -> str:
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(max(w, 0))}" height="{_n(h)}" fill="{fill}"/>'


def _dot(x: float, y: float, radius: float, fill: str) -> str:
    return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{fill}"/>'


def _diamond(x: float, y: float, fill: str) -> str:
    return f'<path d="M{_n(x)} {_n(y - 5)}l5 5l-5 5l-5 -5z" fill="{fill}"/>'


def _words(x: float, y: float, text: str, size: float, colour: str, anchor: str) -> str:
    """Text whose middle is at `y`: half of a Chinese letter lies under it."""
    written = escape(text, quote=True)
    return (
        f'<text x="{_n(x)}" y="{_n(y + 0.37 * size)}" font-size="{_n(size)}" '
        f'fill="{colour}" text-anchor="{anchor}">{written}</text>'
    )


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".") if math.isfinite(number) else "0"

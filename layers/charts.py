"""Plotly figures as plain dicts: small, without a template, in the look of the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from geodata import periods
from geodata.edition import Edition
from geodata.vocabulary import Status
from geodata.words import say
from geodata.workspace import Measure
from layers.classify import classes
from layers.legend import counts
from layers.numbers import amount, figure, with_unit
from layers.palette import GROUNDS, Ground
from layers.profile import unpublished
from layers.view import Resolved, inside

Figure = dict[str, Any]
Json = Mapping[str, Any]

FONTS = (
    '"Noto Sans SC", "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", '
    '"Microsoft YaHei", "WenQuanYi Micro Hei", sans-serif'
)
"""Fonts that a government desktop, a Mac, a phone or a bare Linux has; none is fetched."""

CONFIG: dict[str, Any] = {
    "displayModeBar": False,
    "displaylogo": False,
    "responsive": True,
    "scrollZoom": False,
    "doubleClick": False,
    "showTips": False,
}
"""No mode bar: nothing on it speaks Chinese, and its logo links to the internet."""

_LINE = {"light": "#1769aa", "dark": "#63afff"}
_PLAN = {"light": "#8a5a00", "dark": "#ffb68a"}


def series(edition: Edition, look: Resolved, theme: str) -> Figure:
    """The measure over time at the region, held against its plan points.

    Periods that only part of the leaves reported are open markers on a dashed line; a period
    without a value is a gap, never zero.
    """
    measure = look.measure
    if measure is None or not look.periods:
        return _empty(theme)
    if not edition.shows(measure.id, look.region.level):
        return _empty(theme, unpublished(edition, measure, look.region.level))
    values = edition.values(measure.id, look.round.id, look.region.level)
    at = look.region.position
    value, status = values.value[:, at], values.status[:, at]
    if np.isnan(value).all():
        hidden = (status == Status.SUPPRESSED).any()
        return _empty(theme, say("layers.class.suppressed") if hidden else "")
    names = list(values.periods)
    ticks = [periods.label(name) for name in names]
    partial = status == Status.PARTIAL
    hover = [
        _hover(
            measure, ticks[n], value[n], partial[n], values.reported[n, at], values.expected[n, at]
        )
        for n in range(len(names))
    ]
    line = _LINE[theme]
    traces: list[Figure] = []
    whole = [None if np.isnan(v) else round(float(v), 6) for v in value]
    # A step is as firm as the weaker of its two ends.
    firm = [whole[n] if not partial[n] else None for n in range(len(names))]
    if partial.any():
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": ticks,
                "y": whole,
                "line": {"color": line, "width": 1.5, "dash": "dot"},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
    traces.append(
        {
            "type": "scatter",
            "mode": "lines",
            "x": ticks,
            "y": firm,
            "line": {"color": line, "width": 2.5},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    )
    for chosen, name in ((~partial, "value"), (partial, "partial")):
        there = [n for n in range(len(names)) if chosen[n] and whole[n] is not None]
        if there:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": say(f"layers.chart.{name}"),
                    "x": [ticks[n] for n in there],
                    "y": [whole[n] for n in there],
                    "text": [hover[n] for n in there],
                    "hovertemplate": "%{text}<extra></extra>",
                    "marker": {
                        "color": line,
                        "size": 6 if len(names) > 12 else 8,
                        "symbol": "circle" if name == "value" else "circle-open",
                        "line": {"color": line, "width": 1.5},
                    },
                }
            )
    layout = _layout(theme, measure.unit)
    category = list(names)
    plan = sorted(edition.plan(measure.id, look.round.id), key=lambda p: _order(p.period))
    leaf_share = look.leaf and measure.rule.is_share
    root = look.region.code == edition.root.code
    if plan and not leaf_share and (root or measure.rule.value != "sum"):
        # A promise may be due in a period that has no report yet, or in a year among months.
        where = [_place(point.period, names) for point in plan]
        category = _with_future(names, [p.period for p in plan])
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": say("layers.chart.plan"),
                "x": [periods.label(name) for name in where],
                "y": [point.value for point in plan],
                "text": [
                    say(
                        "layers.chart.plan_point",
                        label=point.label
                        or with_unit(figure(point.value, measure.digits, trim=True), measure.unit),
                    )
                    for point in plan
                ],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {
                    "color": _PLAN[theme],
                    "size": 11,
                    "symbol": "diamond",
                    "line": {"color": GROUNDS[theme].background, "width": 1.5},
                },
            }
        )
    layout["xaxis"] |= {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": [periods.label(name) for name in category],
        "tickangle": 0,
        **_years(category),
    }
    layout["showlegend"] = len([t for t in traces if t.get("showlegend", True)]) > 1
    if leaf_share:
        known = classes(edition, measure.id, look.round.id, look.region.level)
        layout["yaxis"] |= {
            "tickvals": [0, 100],
            "ticktext": [one.label for one in known],
            "range": [-10, 110],
        }
    return {"data": traces, "layout": layout, "config": CONFIG}


def history(curve: Json, entities: Sequence[Json], theme: str) -> Figure:
    """A leaf's history over all rounds with policy thresholds and the arrival of its helpers.

    Parameters
    ----------
    curve, entities : as `profile.curves` and `profile.entities` give them.
    """
    ground = GROUNDS[theme]
    points = curve["points"]
    if not points:
        return _empty(theme)
    unit, digits = curve["unit"], curve["digits"]
    line = _LINE[theme]
    xs = [_date(point["period"]) for point in points]
    traces: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": xs,
            "y": [point["value"] for point in points],
            "line": {"color": line, "width": 2},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]
    for status, symbol in (("verified", "circle"), ("self_reported", "circle-open")):
        there = [n for n, point in enumerate(points) if point["status"] == status]
        if there:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": say(f"layers.chart.{status}"),
                    "x": [xs[n] for n in there],
                    "y": [points[n]["value"] for n in there],
                    "text": [
                        say(
                            "layers.chart.hover",
                            period=points[n]["period_label"],
                            value=amount(points[n]["value"], digits, unit),
                        )
                        for n in there
                    ],
                    "hovertemplate": "%{text}<extra></extra>",
                    "marker": {
                        "color": line,
                        "size": 6,
                        "symbol": symbol,
                        "line": {"color": line, "width": 1.5},
                    },
                }
            )
    layout = _layout(theme, unit)
    top = max(point["value"] for point in points)
    shapes: list[Figure] = []
    notes: list[Figure] = []
    # A threshold far above the curve would flatten it: only the next one is drawn.
    shown = [b for b in curve["thresholds"] if b <= top]
    shown += [b for b in curve["thresholds"] if b > top][:1]
    for bound in shown:
        shapes.append(
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": bound,
                "y1": bound,
                "line": {"color": _PLAN[theme], "width": 1, "dash": "dash"},
            }
        )
        notes.append(
            _note(with_unit(figure(bound, digits, trim=True), unit), theme, _PLAN[theme])
            | {"xref": "paper", "x": 1, "xanchor": "right", "y": bound, "yanchor": "bottom"}
        )
    first, last = _date(points[0]["period"], start=True), xs[-1]
    middle = (_days(last) - _days(first)) / 2
    arrivals: dict[str, str] = {}
    for kind in entities:
        for one in kind["items"]:
            # A helper that came through another did not arrive by itself.
            if one["since"] and one["since"] != periods.ALWAYS and not one["via"]:
                arrivals.setdefault(_date(one["since"], start=True), one["name"])
    for when, name in sorted(arrivals.items()):
        if not first <= when <= last:
            continue
        shapes.append(
            {
                "type": "line",
                "yref": "paper",
                "x0": when,
                "x1": when,
                "y0": 0,
                "y1": 1,
                "line": {"color": ground.accent, "width": 1.5, "dash": "dot"},
            }
        )
        notes.append(
            _note(say("layers.chart.since", name=_plain(name)), theme, ground.accent)
            | {
                "yref": "paper",
                "y": 1,
                "yanchor": "top",
                "x": when,
                # Beside its line, on the side that has more room; the legend stands above.
                "xanchor": "left" if _days(when) - _days(first) <= middle else "right",
            }
        )
    years = sorted({when[:4] for when in xs})
    layout["xaxis"] |= {
        "type": "date",
        "tickvals": [f"{year}-12-31" for year in years],
        "ticktext": [periods.label(year) for year in years]
        if len(years) <= 5
        else [year if n % 2 == 0 else "" for n, year in enumerate(years)],
    }
    layout |= {"shapes": shapes, "annotations": notes}
    layout["yaxis"]["rangemode"] = "tozero"
    layout["showlegend"] = len(traces) > 2
    return {"data": traces, "layout": layout, "config": CONFIG}


def distribution(edition: Edition, look: Resolved, theme: str) -> Figure:
    """How many regions of the active level, inside the region, are in each class."""
    measure = look.measure
    if measure is None or not look.periods:
        return _empty(theme)
    if not edition.shows(measure.id, look.level):
        return _empty(theme, unpublished(edition, measure, look.level))
    known = classes(edition, measure.id, look.round.id, look.level)
    values = edition.values(measure.id, look.round.id, look.level)
    places = inside(edition, look)
    found = counts(values.value[look.period][places], known, values.status[look.period][places])
    ground = GROUNDS[theme]
    labels = [one.label for one in known]
    heights = list(found.classes)
    colours = [one.light if theme == "light" else one.dark for one in known]
    if found.missing:
        labels.append(say("layers.class.missing"))
        heights.append(found.missing)
        colours.append(ground.missing)
    if found.suppressed:
        labels.append(say("layers.class.suppressed"))
        heights.append(found.suppressed)
        colours.append(ground.missing)
    patterns = ["/" if n >= len(known) else "" for n in range(len(labels))]
    label = edition.space.level(look.level).label
    layout = _layout(theme, say("layers.chart.count_axis", level=label))
    layout["xaxis"] |= {"type": "category", "tickangle": 0}
    # Every bar says its number; an axis would say it again.
    layout["yaxis"] |= {"visible": False, "range": [0, 1.15 * max([*heights, 1])]}
    layout["margin"] = {"l": 8, "r": 8, "t": 30, "b": 30}
    layout["bargap"] = 0.12
    layout["showlegend"] = False
    return {
        "data": [
            {
                "type": "bar",
                "x": labels,
                "y": heights,
                "text": [figure(height) for height in heights],
                "textposition": "outside",
                "cliponaxis": False,
                "hovertemplate": "%{x}: %{y}<extra></extra>",
                "marker": {
                    "color": colours,
                    "line": {"color": ground.outline, "width": 1},
                    "pattern": {
                        "shape": patterns,
                        "fgcolor": ground.hatch,
                        "size": 6,
                        "solidity": 0.25,
                    },
                },
            }
        ],
        "layout": layout,
        "config": CONFIG,
    }


def items(found: Json, theme: str) -> Figure:
    """One round's items of a leaf as a row of cells: has, lacks, not reported (hatched).

    Parameters
    ----------
    found : an entry of `profile.items`.
    """
    ground = GROUNDS[theme]
    fill = {"has": _LINE[theme], "lacks": _PLAN[theme], "unknown": ground.missing}
    traces: list[Figure] = []
    names = [line["label"] for line in found["items"]]
    for state in ("has", "lacks", "unknown"):
        there = [line for line in found["items"] if line["state"] == state]
        if not there:
            continue
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": say(f"layers.chart.{state}"),
                "y": [line["label"] for line in there],
                "x": [1] * len(there),
                "text": [line["state_label"] for line in there],
                "textposition": "inside",
                "insidetextanchor": "middle",
                "textangle": 0,
                "hovertemplate": "%{y}: %{text}<extra></extra>",
                "marker": {
                    "color": fill[state],
                    "line": {"color": ground.outline, "width": 1},
                    "pattern": {
                        "shape": "/" if state == "unknown" else "",
                        "fgcolor": ground.hatch,
                        "size": 6,
                        "solidity": 0.25,
                    },
                },
            }
        )
    layout = _layout(theme, "")
    layout["barmode"] = "stack"
    layout["xaxis"] |= {"visible": False, "range": [0, 1]}
    layout["yaxis"] |= {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": names[::-1],
        "showgrid": False,
    }
    layout["margin"] |= {"l": 16 + 13 * max(map(len, names), default=0), "t": 8}
    layout["height"] = 60 + 26 * len(names)
    return {"data": traces, "layout": layout, "config": CONFIG}


def _hover(
    measure: Measure, period: str, value: float, partial: bool, reported: int, expected: int
) -> str:
    shown = amount(float(value), measure.digits, measure.unit)
    if not partial:
        return say("layers.chart.hover", period=period, value=shown)
    return say(
        "layers.chart.hover_partial",
        period=period,
        value=shown,
        reported=figure(int(reported)),
        expected=figure(int(expected)),
    )


def _layout(theme: str, unit: str) -> Figure:
    ground = GROUNDS[theme]
    axis: Figure = {
        "color": ground.muted,
        "gridcolor": _grid(ground, theme),
        "zeroline": False,
        "fixedrange": True,
        # Plotly's own margins can swing to and fro in a narrow panel; ours stand still.
        "automargin": False,
    }
    return {
        "font": {"family": FONTS, "size": 13, "color": ground.text},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        # Thousands and point are fixed here, so that a browser's language changes nothing.
        "separators": ".,",
        "margin": {"l": 46, "r": 12, "t": 34, "b": 30},
        "title": {
            "text": unit,
            "font": {"size": 12, "color": ground.muted},
            "x": 0,
            "xanchor": "left",
            "xref": "container",
            "y": 1,
            "yanchor": "top",
            "yref": "container",
            "pad": {"t": 4, "l": 4},
        },
        "xaxis": {**axis, "showgrid": False},
        "yaxis": {
            **axis,
            "tickformat": ",",
            "exponentformat": "none",
        },
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": ground.background,
            "bordercolor": ground.outline,
            "font": {"family": FONTS, "color": ground.text},
        },
        "legend": {"orientation": "h", "x": 1, "y": 1.02, "xanchor": "right", "yanchor": "bottom"},
        "showlegend": True,
        "dragmode": False,
        "modebar": {"remove": ["toImage"]},
    }


def _grid(ground: Ground, theme: str) -> str:
    return "#e3e6e8" if theme == "light" else "#2a323a"


def _empty(theme: str, why: str = "") -> Figure:
    layout = _layout(theme, "")
    layout["xaxis"]["visible"] = layout["yaxis"]["visible"] = False
    layout["annotations"] = [
        _note(why or say("layers.chart.empty"), theme, GROUNDS[theme].muted)
        | {"xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5}
    ]
    return {"data": [], "layout": layout, "config": CONFIG}


def _note(text: str, theme: str, colour: str) -> Figure:
    return {"text": text, "showarrow": False, "font": {"size": 12, "color": colour}}


def _plain(text: str) -> str:
    """Names from files, for text in which Plotly would read tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _order(period: str) -> tuple[int, str]:
    return (-1 if period == periods.ALWAYS else periods.parse(period).end, period)


def _place(period: str, names: Sequence[str]) -> str:
    """The period of the series with the same end as a plan point's, else the point's own."""
    end = _order(period)[0]
    return next((name for name in names if _order(name)[0] == end), period)


def _with_future(names: Sequence[str], promised: Sequence[str]) -> list[str]:
    """All periods in time, the promised ones among them."""
    every = {*names, *(_place(one, names) for one in promised)}
    return sorted(every, key=_order)


def _years(names: Sequence[str]) -> Figure:
    """One tick at the first period of each year: months have no room to stand side by side."""
    first: dict[str, str] = {}
    for name in names:
        if name != periods.ALWAYS:
            first.setdefault(name[:4], name)
    if not first:
        return {}
    every = -(-len(first) // 6)
    shown = [year for place, year in enumerate(first) if place % every == 0]
    return {
        "tickvals": [periods.label(first[year]) for year in shown],
        # A round may begin late in its first year: bare numbers leave room for the next one.
        "ticktext": shown,
    }


def _date(period: str, *, start: bool = False) -> str:
    """Last (or first) day of a period, so that years and months share one axis."""
    parsed = periods.parse(period)
    year, month = divmod(parsed.end, 12)
    if start:
        month -= {"year": 11, "quarter": 2, "month": 0}[parsed.step]
        return f"{year:04d}-{month + 1:02d}-01"
    days = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return f"{year:04d}-{month + 1:02d}-{days[month]:02d}"


def _days(when: str) -> int:
    """A date as a number of days."""
    return date.fromisoformat(when).toordinal()

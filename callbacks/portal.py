"""The portal's wiring: one callback draws the picture of an address, one fills what is slow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from callbacks import ids
from callbacks.aria import aria
from callbacks.services import Services
from geodata.errors import AtlasError
from geodata.ledger.roles import Right
from geodata.words import say
from layers.view import View

Json = Mapping[str, Any]

PICTURED = (
    ids.MAP,
    ids.LEGEND,
    ids.TIME,
    ids.CRUMBS,
    ids.TOOLBAR,
    ids.ACTIONS,
    ids.SEARCH,
    ids.BRAND,
    ids.FIGURES,
    ids.RANKING,
    ids.TABLE,
)
"""Who is given the picture."""
TIMED = (ids.MAP, ids.LEGEND, ids.FIGURES, ids.RANKING, ids.TABLE)
"""Who follows the time bar."""
MOST_UNITS = 8
"""Units that are named before the rest is counted."""
MOST_CHARTS = 4


@dataclass(frozen=True)
class Answer:
    """What the server says to an address: a picture, or what is wrong with it."""

    picture: Json | None
    """None: the screen keeps the last one."""
    problem: Json | None
    """`message` and `cure`, sentences; None takes an earlier problem off the screen."""


def render(services: Services, search: object) -> Answer:
    """The picture of an address; never an exception for what a reader may have typed.

    `search` is the query string; anything that is no string counts as an empty one, since anyone
    who reaches the server can call this.
    """
    try:
        view = View.from_query(search if isinstance(search, str) else "")
        return Answer(services.picture(view), None)
    except AtlasError as error:
        return Answer(None, problem(error))


def problem(error: AtlasError) -> Json:
    """An error as the two sentences of the page that names it."""
    value = f"「{error.value[:80]}」" if error.value else ""
    return {"message": f"{error.message}{value}。", "cure": error.cure[:400]}


def asked_search(asked: object) -> object:
    """The query string in what the browser sent, if it is what our script sends."""
    return asked.get("search") if isinstance(asked, dict) else None


def asked_text(asked: object) -> int:
    """Size of the screen's text in pixels, held to what a screen can have; 16 if it says none."""
    found = asked.get("text") if isinstance(asked, dict) else None
    return min(40, max(12, found)) if isinstance(found, int) else 16


def details(services: Services, search: object, text: int = 16) -> list[Component]:
    """The slow part of the panel: charts, and for a leaf its profile; empty for a bad address.

    `text` is the size of the screen's text in pixels; charts are lettered in proportion.
    """
    try:
        view = View.from_query(search if isinstance(search, str) else "")
        profile = services.observed(services.profile(view))
        charts = services.charts(view, "dark" if view.look == "dark" else "light")
    except AtlasError:
        return []
    if profile["kind"] == "leaf":
        return [
            *leaf_head(profile),
            *checked(profile["observations"], profile["contradictions"]),
            *open_problems(profile["problems"]),
            *[item_grid(one) for one in profile["items"]],
            *chart_list(charts, text, seen_of_charts(profile["curves"])),
            *helpers(profile["entities"], bool(profile["target"].get(profile["round"]["id"]))),
            *gaps(profile["missing"]),
            *provenance(profile["provenance"]),
        ]
    return [*sentences(profile["sentences"]), *chart_list(charts, text)]


# ---- parts of the profile ----


def sentences(said: Sequence[str]) -> list[Component]:
    """What the figures come to; the first repeats the headline, so it is left out."""
    rest = said[1:]
    if not rest:
        return []
    return [html.Ul([html.Li(line) for line in rest], className="sentences")]


def leaf_head(profile: Json) -> list[Component]:
    """Code, and where it stands among its neighbours."""
    chips: list[Component] = []
    target = profile["target"].get(profile["round"]["id"])
    if target is not None:
        word = "target" if target else "not_target"
        chips.append(
            html.Span(say(f"portal.details.{word}"), className=f"chip{' on' if target else ''}")
        )
    chips.append(html.Span(say("portal.details.code", code=profile["code"]), className="code"))
    found: list[Component] = [html.P(chips, className="leaf-head")]
    if profile["neighbours"]:
        found.append(
            html.Ul(
                [html.Li(one["sentence"]) for one in profile["neighbours"]],
                className="sentences",
            )
        )
    return found


def checked(rows: Sequence[Json], contradictions: int) -> list[Component]:
    """What visitors saw, at the head: what speaks against a report first, the rest folded."""
    if not rows:
        return []
    latest = [one for one in rows if one["latest"]]
    against = [one for one in latest if one["stands"]]
    found: list[Component] = []
    if contradictions:
        mark = html.Span(SEEN["against"], className="seen-mark", **aria(hidden="true"))
        said = html.Strong(say("portal.details.seen_against", count=contradictions))
        found += [
            html.P([mark, said], className="seen-head"),
            html.Ul([html.Li(one["sentence"]) for one in against], className="sentences"),
        ]
    else:
        found.append(html.P(say("portal.details.seen_none", count=len(latest)), className="note"))
    if len(rows) > len(against):
        found.append(
            html.Details(
                [
                    html.Summary(say("portal.details.seen_all", count=len(rows))),
                    html.Ul([html.Li(one["sentence"]) for one in rows], className="sentences"),
                ]
            )
        )
    name = "checked against" if contradictions else "checked"
    return [html.Section([html.H3(say("portal.details.seen")), *found], className=name)]


def open_problems(found: Json | None) -> list[Component]:
    """How many problems wait to be struck off, and the way to them; for who may read the ledger."""
    if found is None:
        return []
    how = "late" if found["overdue"] else "open" if found["open"] else "none"
    said = say(f"portal.details.problems_{how}", count=found["open"], overdue=found["overdue"])
    return [
        html.Section(
            className="open-problems",
            children=[
                html.H3(say("portal.details.problems")),
                html.P(
                    [
                        html.Span(said),
                        html.A(say("portal.details.problems_link"), href=found["href"]),
                    ],
                    className=f"open-problems-line {how}",
                ),
            ],
        )
    ]


SEEN = {"against": "≠", "agrees": "=", "alone": "+"}
"""Signs of what was seen on the spot beside what is reported; a word stands by each."""


def seen_line(seen: Json, name: str = "seen_line") -> Component:
    """What a visitor saw, in one line beside the figure: day, value, how the two agree.

    `name` is the sentence that says it.
    """
    how = "against" if seen["stands"] else "agrees"
    if not seen["reported_text"] and seen["now"] is None:
        how = "alone"
    return html.Span(
        className=f"seen {how}",
        title=seen["sentence"],
        children=[
            html.Span(
                say(f"portal.details.{name}", day=seen["day_text"], seen=seen["seen_text"]),
                className="seen-what",
            ),
            html.Span(
                [
                    html.Span(SEEN[how], className="seen-mark", **aria(hidden="true")),
                    say(f"portal.details.seen_is_{how}"),
                ],
                className="seen-how",
            ),
        ],
    )


def seen_of_charts(curves: Sequence[Json]) -> dict[str, Json]:
    """What was seen of what a chart shows, by the chart's name."""
    return {f"history-{one['indicator']}": one["seen"] for one in curves if one["seen"]}


MARKS = {"has": "✓", "lacks": "✕", "unknown": "?"}
"""Shape and word say it; colour only repeats it."""


def item_grid(found: Json) -> Component:
    """A round's items: has, lacks, not reported, each with sign and word."""
    return html.Section(
        className="items",
        children=[
            html.H3(f"{found['round']['label']}{say('portal.details.items')}"),
            html.P(found["sentence"], className="note"),
            html.Ul(
                [
                    html.Li(
                        className=f"item {line['state']}{' checked' if line['seen'] else ''}",
                        title=source_line(line),
                        children=[
                            html.Span(
                                MARKS[line["state"]], className="mark", **aria(hidden="true")
                            ),
                            html.Span(line["label"], className="item-name"),
                            html.Span(line["state_label"], className="item-state"),
                            *([seen_line(line["seen"])] if line["seen"] else []),
                        ],
                    )
                    for line in found["items"]
                ]
            ),
        ],
    )


def source_line(line: Json) -> str:
    """Where a value comes from, for a tooltip; empty when nothing was reported."""
    parts = (line.get("period_label"), line.get("status_label"), line.get("batch"))
    return " · ".join(part for part in parts if part)


def lettered(layout: Json, text: int) -> dict[str, Any]:
    """A chart's layout with its letters in proportion to the screen's `text` (pixels)."""
    scale = text / 16

    def sized(part: Json) -> dict[str, Any]:
        font = part.get("font") or {}
        size = font.get("size")
        grown = {"size": round(size * scale, 1)} if size else {}
        return {**part, **({"font": {**font, **grown}} if font else {})}

    notes = [sized(note) for note in layout.get("annotations", ())]
    return {**sized(layout), **({"annotations": notes} if notes else {})}


def chart_list(
    charts: Json, text: int = 16, seen: Mapping[str, Json] | None = None
) -> list[Component]:
    """Each chart under its title; the Graph component loads plotly.js now, not earlier.

    `seen` is what a visitor saw of a chart's indicator, by the chart's name.
    """
    found: list[Component] = []
    for name, figure in list(charts.items())[:MOST_CHARTS]:
        if not figure or not figure.get("data"):
            continue
        found.append(
            html.Section(
                className="chart",
                children=[
                    html.H3(figure.get("title") or say("portal.details.charts")),
                    *([html.P(seen_line(seen[name]))] if seen and name in seen else []),
                    dcc.Graph(
                        id={"chart": name},
                        figure={
                            "data": figure["data"],
                            "layout": lettered(figure["layout"], text),
                        },
                        config=figure.get("config", {}),
                        className="graph",
                    ),
                ],
            )
        )
    return found


def helpers(kinds: Sequence[Json], target: bool) -> list[Component]:
    """Teams and units at work in the leaf, in the words of the files."""
    if not kinds:
        return [html.P(say("portal.details.no_team"), className="note")] if target else []
    found: list[Component] = []
    for kind in kinds:
        rows = kind["items"]
        shown = [html.Li(helper(one)) for one in rows[:MOST_UNITS]]
        if len(rows) > MOST_UNITS:
            shown.append(
                html.Li(
                    say("portal.details.units_more", count=len(rows) - MOST_UNITS),
                    className="note",
                )
            )
        found.append(
            html.Section(className="helpers", children=[html.H3(kind["label"]), html.Ul(shown)])
        )
    return found


def helper(one: Json) -> list[Component]:
    """A team or unit: name, attributes, since when."""
    facts = [f"{a['label']} {a['value']}" for a in one["attributes"]]
    if one["since_label"]:
        facts.append(say("portal.details.since", period=one["since_label"]))
    return [html.Strong(one["name"]), html.Span(" · ".join(facts), className="helper-facts")]


def gaps(missing: Sequence[Json]) -> list[Component]:
    """Reports that did not come."""
    if not missing:
        return []
    return [
        html.Details(
            className="gaps",
            children=[
                html.Summary(say("portal.details.gaps", count=len(missing))),
                html.Ul([html.Li(one["sentence"]) for one in missing], className="sentences"),
            ],
        )
    ]


def seen_in_cell(seen: Json | None) -> Component | str:
    """What was seen, under a heading that says so already."""
    return seen_line(seen, "seen_cell") if seen else ""


PROVENANCE = ("indicator", "value", "period", "status", "batch", "file", "row")


def provenance(rows: Sequence[Json]) -> list[Component]:
    """Where each number comes from, as a real table that is folded at first.

    What was seen on the spot has a column of its own beside the value, once anything was.
    """
    if not rows:
        return []
    checked = any(row["seen"] for row in rows)

    def cells(row: Json) -> list[Component]:
        about = f"{row['round_label']} " if row["round_label"] else ""
        return [
            html.Th([html.Span(about, className="round-of"), row["label"]], scope="row"),
            html.Td(row["text"], className="number"),
            *([html.Td(seen_in_cell(row["seen"]))] if checked else []),
            html.Td(row["period_label"]),
            html.Td(row["status_label"], className=f"status {row['status']}"),
            html.Td(row["batch"]),
            html.Td(row["file"], className="file"),
            html.Td(row["row"] or "", className="number"),
        ]

    names = [f"provenance_{name}" for name in PROVENANCE]
    if checked:
        names.insert(PROVENANCE.index("value") + 1, "seen")
    heads = [html.Th(say(f"portal.details.{name}"), scope="col") for name in names]
    return [
        html.Details(
            className="provenance",
            children=[
                html.Summary(say("portal.details.provenance")),
                html.Div(
                    className="scroll",
                    tabIndex=0,
                    role="region",
                    **aria(label=say("portal.details.provenance")),
                    children=html.Table(
                        [
                            html.Caption(say("portal.details.provenance"), className="unseen"),
                            html.Thead(html.Tr(heads)),
                            html.Tbody([html.Tr(cells(row)) for row in rows]),
                        ]
                    ),
                ),
            ],
        )
    ]


# ---- wiring ----


def register(app: Dash, services: Services) -> None:
    """Wire the portal: two callbacks on the server, the rest in the browser."""

    @app.callback(
        Output(ids.ADDRESS, "picture"),
        Output(ids.ADDRESS, "problem"),
        Input(ids.ADDRESS, "asked"),
        prevent_initial_call=True,
        access=Right.READ,
    )
    def draw(asked: dict[str, object] | None) -> tuple[object, object]:
        answer = render(services, asked_search(asked))
        return keep_if_none(answer.picture), answer.problem

    @app.callback(
        Output(ids.DETAILS, "children"),
        Input(ids.ADDRESS, "details"),
        prevent_initial_call=True,
        access=Right.READ,
    )
    def fill(asked: dict[str, object] | None) -> list[Component]:
        return details(services, asked_search(asked), asked_text(asked))

    _clientside(app)


def keep_if_none(value: object) -> object:
    """`no_update` for None: what cannot be drawn leaves the last picture standing."""
    return no_update if value is None else value


def _clientside(app: Dash) -> None:
    """What never asks the server; the functions are in assets/50-address.js."""

    def wire(function: str, outputs: list[Output] | Output, *inputs: Input | State) -> None:
        app.clientside_callback(
            ClientsideFunction("portal", function), outputs, *inputs, prevent_initial_call=True
        )

    picture = State(ids.ADDRESS, "picture")
    wire(
        "share",
        [
            *[Output(name, "picture") for name in PICTURED],
            *[Output(name, "period") for name in (*TIMED, ids.TIME)],
            *[Output(name, "off") for name in (ids.MAP, ids.LEGEND)],
            Output(ids.MAP, "hide"),
            Output(ids.MAP, "highlight"),
        ],
        Input(ids.ADDRESS, "picture"),
    )
    wire(
        "period",
        [Output(name, "period", allow_duplicate=True) for name in TIMED],
        Input(ids.TIME, "period"),
        picture,
    )
    wire("off", Output(ids.MAP, "off", allow_duplicate=True), Input(ids.LEGEND, "off"), picture)
    wire(
        "pass",
        Output(ids.MAP, "highlight", allow_duplicate=True),
        Input(ids.LEGEND, "highlight"),
    )
    wire("pass", Output(ids.MAP, "pointed"), Input(ids.RANKING, "pointed"))
    wire("pass", Output(ids.MAP, "playing"), Input(ids.TIME, "playing"))
    wire("hide", Output(ids.STAGE, "data-hide"), Input(ids.MAP, "hide"), picture)
    wire("clicked", Output(ids.STAGE, "data-clicked"), Input(ids.MAP, "clicked"), picture)
    wire("camera", Output(ids.STAGE, "data-camera"), Input(ids.MAP, "camera"))
    wire(
        "painted",
        Output(ids.ADDRESS, "details"),
        Input(ids.MAP, "painted"),
        State(ids.ADDRESS, "details"),
        picture,
    )
    wire("table", Output(ids.TABLE, "shown"), Input(ids.ACTIONS, "table"))

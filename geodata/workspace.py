"""`atlas.toml`: what a workspace declares, read and checked before anything else happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Protocol, Self, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from geodata import declared, periods
from geodata.declared import Identifier, PeriodId, Table
from geodata.errors import UnknownName, WorkspaceError
from geodata.vocabulary import (
    Base,
    Direction,
    IndicatorType,
    Rule,
    SourceKind,
    Theme,
)
from geodata.words import say

FILE = "atlas.toml"


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        at = getattr(error, "pos", None)
        where = say("workspace.regex_at", place=at + 1) if at is not None else ""
        raise ValueError(say("workspace.regex", where=where)) from error
    return text


Regex = Annotated[str, AfterValidator(_regex)]


class Atlas(Table):
    """`[atlas]`: what the programme is called and what every screen must say."""

    title: str = Field(description="Title of every screen.")
    programme: str = Field("", description="Name of the programme, shown under the title.")
    demo: bool = Field(False, description="Invented data: every screen then says 演示数据.")
    source: str = Field("", description="Where the data come from, in words; on every map.")
    cutoff: str = Field(
        "", description="Cut-off date in words; by default the latest period that has data."
    )
    approval_number: str = Field("", description="审图号 of the base map; shown when it is set.")
    licence: str = Field("", description="Licence of the data, for publication.")


class Codes(Table):
    """`[codes]`: what a region code looks like and how it names its parents."""

    pattern: Regex = Field(description="Regular expression that a whole leaf code must match.")
    pad: str = Field(
        "",
        max_length=1,
        description="Character that fills the codes of upper levels to the leaf's length; "
        "empty keeps them as bare prefixes.",
    )
    parents: Literal["prefix", "column"] = Field(
        "prefix",
        description="`prefix`: a parent's code is the first `code_length` characters; "
        "`column`: a `regions` source names each region's parent.",
    )
    changed: dict[str, str] = Field(
        default_factory=dict,
        description="Codes (or prefixes) that were replaced: old = new, as 510922 = 510981.",
    )


class Level(Table):
    """`[[levels]]`: one level of the tree, root first, leaf last; at least two."""

    id: Identifier = Field(description="Name of the level in URLs: `city`, `village`.")
    label: str = Field(description="What people call one: 区, 镇, 村.")
    code_length: int = Field(0, ge=0, description="Length of its codes before padding (`prefix`).")
    all_label: str = Field("", description="What the root is called in a breadcrumb: 全市.")
    min_zoom: int | None = Field(
        None, ge=0, le=14, description="Smallest zoom with tiles; by default from its size."
    )
    max_zoom: int | None = Field(None, ge=0, le=14, description="Largest zoom with tiles.")


class Geometry(Table):
    """`[geometry]`: how shapes are measured, repaired and simplified."""

    work_crs: str = Field(description="Projected CRS in metres for areas, repair, tolerances.")
    repair_tolerance: float = Field(
        5.0,
        ge=0,
        description="Metres: overlaps and gaps up to this width are repaired and listed; "
        "wider ones are errors.",
    )
    holes: Literal["error", "keep"] = Field(
        "error",
        description="Enclosed areas wider than that without a region: an `error`, or `keep` where "
        "they are meant (a lake, a town outside of the programme).",
    )
    expected_bounds: tuple[float, float, float, float] | None = Field(
        None, description="West, south, east, north in degrees; shapes outside are improbable."
    )
    simplification_tolerance: float = Field(
        8.0,
        ge=0,
        description="Metres at the largest tile zoom; doubles with each zoom further out.",
    )

    @field_validator("expected_bounds")
    @classmethod
    def _bounds_in_order(
        cls, bounds: tuple[float, float, float, float] | None
    ) -> tuple[float, float, float, float] | None:
        if bounds is not None:
            west, south, east, north = bounds
            if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
                raise ValueError(say("workspace.bounds"))
        return bounds


class Plan(Table):
    """`[[measures.plan]]`: a point that the programme promised to reach."""

    round: Identifier = Field(description="Round of the plan.")
    period: PeriodId = Field(description="By the end of this period.")
    value: float = Field(description="The promised value for the root, in the measure's unit.")
    label: str = Field("", description="The promise in words.")


class Selection(Table):
    """`[rounds.selection]`: targets ranked from the bottom (倒排), recomputed by the build."""

    indicator: Identifier = Field(description="Indicator that is ranked.")
    periods: tuple[PeriodId, ...] = Field(description="Periods whose mean is ranked.")
    lowest: int = Field(gt=0, description="How many of the lowest are chosen.")


class Figure(Table):
    """`[[rounds.figures]]`: a headline figure; exactly one of the five ways to get it."""

    label: str = Field(description="What it counts: 工作队.")
    unit: str = Field("", description="Unit: 支, 人, 个.")
    measure: Identifier | None = Field(None, description="A measure's value at the region.")
    part: Literal["value", "numerator"] = Field(
        "value",
        description="Of a `measure`: its value, or its numerator (how many villages, not %).",
    )
    count: Identifier | None = Field(None, description="Number of entities of this kind.")
    sum: str | None = Field(None, description="Sum of an entity attribute: `team.people`.")
    where: dict[str, str] = Field(
        default_factory=dict, description="Entities that count: attribute = value."
    )
    leaves: Literal["villages", "targets"] | None = Field(
        None, description="Number of leaves, or of the round's targets."
    )
    value: float | None = Field(
        None, description="A published figure that no file holds (root only)."
    )
    published: float | None = Field(
        None, description="The published figure; `check` warns when the computed one differs."
    )
    note: str = Field("", description="Where it comes from, or what to beware of.")
    public: bool = Field(
        False, description="May be published, for the root; that of a `measure` with it only."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.measure, self.count, self.sum, self.leaves, self.value)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(say("workspace.figure_ways"))
        return self


class Round(Table):
    """`[[rounds]]`: a round (轮次) of the programme."""

    id: Identifier = Field(description="Name of the round in URLs: `r3`.")
    label: str = Field(description="What people call it.")
    years: str = Field("", description="Its years in words.")
    step: Literal["year", "quarter", "month"] | None = Field(
        None, description="Step of its periods; none for a round known by totals only."
    )
    start: PeriodId | None = Field(None, description="First period (`from`).", alias="from")
    stop: PeriodId | None = Field(None, description="Last period (`to`).", alias="to")
    target: Identifier | None = Field(
        None, description="Flag indicator of the round's targets; none: every leaf is one."
    )
    items: tuple[Identifier, ...] = Field(
        (), description="Flag indicators that `gap_items` counts: 六化六有."
    )
    selection: Selection | None = Field(None, description="How targets were ranked.")
    figures: tuple[Figure, ...] = Field((), description="Headline figures.")
    note: str = Field("", description="What a reader must know about the round.")

    @property
    def periods(self) -> tuple[str, ...]:
        """Ids of all its periods, in order; empty for a round known by totals only."""
        if self.step is None or self.start is None or self.stop is None:
            return ()
        return tuple(p.id for p in periods.span(self.start, self.stop, self.step))


class Reference(Table):
    """`[[references]]`: a published series to compare with, as the municipal average income."""

    id: Identifier = Field(description="Name of the series.")
    label: str = Field(description="What it is.")
    unit: str = Field("", description="Unit.")
    source: str = Field("", description="Who published it.")
    values: dict[str, float] = Field(description="Period = value.")


class Derive(Table):
    """`[indicators.derive]`: an indicator computed from others; exactly one kind."""

    kind: Literal["missing_items", "growth", "below", "linked"] = Field(
        description="`missing_items`: how many of the round's items a leaf lacks; "
        "`growth`: percent change of `of` on the year before, less that of `reference`; "
        "`below`: flag, `of` is lower than `reference`; "
        "`linked`: how many entities of kind `of` are at work in the leaf."
    )
    of: Identifier | None = Field(None, description="Indicator, or kind of entity for `linked`.")
    reference: Identifier | None = Field(None, description="Series of `[[references]]`.")


class Indicator(Table):
    """`[[indicators]]`: something that files report for a leaf and a period."""

    id: Identifier = Field(description="Name of the indicator.")
    label: str = Field(description="What people call it.")
    type: IndicatorType = Field(description="`number`, `count` (whole, not negative) or `flag`.")
    unit: str = Field("", description="Unit in which the edition holds it.")
    min: float | None = Field(None, description="Smallest plausible value.")
    max: float | None = Field(None, description="Largest plausible value.")
    cumulative: bool = Field(
        False, description="Once true stays true, never falls; a fall is a finding."
    )
    derive: Derive | None = Field(None, description="How it is computed, if no file holds it.")


class Condition(Table):
    """`[measures.where]`: the leaves that a share counts, or that make a flag."""

    indicator: Identifier = Field(description="Indicator that is tested.")
    at_least: float | None = Field(None, description="True at this value and above.")
    below: float | None = Field(None, description="True under this value.")
    equals: float | bool | None = Field(None, description="True at exactly this value.")

    @model_validator(mode="after")
    def _some_test(self) -> Self:
        if self.at_least is None and self.below is None and self.equals is None:
            raise ValueError(say("workspace.condition_empty"))
        return self


class Measure(Table):
    """`[[measures]]`: what a map shows: an indicator rolled up the tree by a stated rule."""

    id: Identifier = Field(description="Name of the measure in URLs: `target_share`.")
    theme: Theme = Field(description="`coverage`, `gaps` or `progress`.")
    label: str = Field(description="What people call it, short.")
    definition: str = Field("", description="What exactly it says, a sentence.")
    unit: str = Field("", description="Unit: %, 万元, 项.")
    digits: int = Field(
        1, ge=0, le=4, description="Digits after the point that are kept and shown."
    )
    direction: Direction = Field(Direction.NONE, description="`more`, `less` (better) or `none`.")
    rule: Rule = Field(
        description="`sum`, `mean`, `weighted_mean`, `share_of_villages`, `share_of_targets`."
    )
    base: Base | None = Field(
        None,
        description="Leaves that count: `villages` or `targets`; by default what the rule says, "
        "else `villages`.",
    )
    value: Identifier | None = Field(None, description="Indicator of sum, mean, weighted mean.")
    where: Condition | None = Field(None, description="Condition of a share.")
    weight: Identifier | None = Field(None, description="Indicator that weighs a weighted mean.")
    rounds: tuple[Identifier, ...] = Field(description="Rounds that have it.")
    numerator_label: str = Field("", description="What the numerator counts.")
    denominator_label: str = Field("", description="What the denominator counts.")
    breaks: tuple[float, ...] = Field(
        (), description="Policy thresholds, ascending: lower bounds of the classes."
    )
    zero_class: bool = Field(False, description="Exactly zero is a class of its own.")
    classes: int = Field(5, ge=2, le=9, description="Number of statistical classes.")
    midpoint: float | None = Field(
        None, description="Meaningful middle of a diverging ramp, as 0 for growth against average."
    )
    palette: Literal["blue", "green", "orange", "purple", "red", "diverging"] = Field(
        "blue", description="Colour ramp."
    )
    plan: tuple[Plan, ...] = Field((), description="Plan points.")
    source: str = Field("", description="Source in words; by default the atlas's.")
    public: bool = Field(False, description="May be published.")
    public_levels: tuple[Identifier, ...] = Field(
        (), description="Levels at which it may be published; by default all of them."
    )
    counts: Literal["", "people", "households"] = Field(
        "",
        description="`people` or `households` where it counts them: small numbers are then kept "
        "back from publication. Empty for facts about a village as such.",
    )
    family: str = Field("", description="Measures of one family are listed under this word.")

    @property
    def leaves(self) -> Base:
        """The base: what the rule implies, or what is declared."""
        if self.rule is Rule.SHARE_OF_TARGETS:
            return Base.TARGETS
        if self.rule is Rule.SHARE_OF_VILLAGES:
            return Base.VILLAGES
        return self.base or Base.VILLAGES

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.rule.is_share and self.where is None:
            raise ValueError(say("workspace.share_needs_where"))
        if not self.rule.is_share and self.value is None:
            raise ValueError(say("workspace.mean_needs_value"))
        if self.rule is Rule.WEIGHTED_MEAN and self.weight is None:
            raise ValueError(say("workspace.weighted_needs_weight"))
        if list(self.breaks) != sorted(set(self.breaks)):
            raise ValueError(say("workspace.breaks_ascending"))
        if self.counts and self.rule.is_share:
            raise ValueError(say("workspace.share_counts"))
        return self


class Columns(Table):
    """`[sources.columns]`: headings, as the file writes them."""

    code: str = Field("", description="Region code (or the entity's own id).")
    name: str = Field("", description="Region name.")
    parent: str = Field("", description='Parent\'s code (`regions` with `parents = "column"`).')
    level: str = Field("", description="Level id or label (`regions`).")
    ancestors: dict[str, str] = Field(
        default_factory=dict,
        description="Level = heading with an ancestor's name, to match rows without a code.",
    )
    period: str = Field("", description="Period of the row.")
    status: str = Field("", description="Self-reported or verified.")
    batch: str = Field("", description="Batch of the row.")


class Value(Table):
    """`[[sources.values]]`: a column that holds an indicator."""

    column: str = Field(description="Heading.")
    indicator: Identifier = Field(description="Indicator.")
    factor: float = Field(
        1.0, gt=0, description="File value x factor = indicator's unit (元 to 万元: 0.0001)."
    )
    period: PeriodId | None = Field(
        None, description="Period of this column, for a table with a column a year."
    )
    true: tuple[str, ...] = Field(
        ("是", "有", "√", "1", "Y", "y", "达标", "true"),
        min_length=1,
        description="Words for a true flag.",
    )
    false: tuple[str, ...] = Field(
        ("否", "无", "×", "0", "N", "n", "未达标", "false"),
        min_length=1,
        description="Words for a false flag.",
    )

    @model_validator(mode="after")
    def _words_apart(self) -> Self:
        both = sorted(set(self.true) & set(self.false))
        if both:
            raise ValueError(say("workspace.both_words", words="、".join(both)))
        return self


class Link(Table):
    """`[[sources.links]]`: columns of an entity table that name regions or other entities."""

    columns: tuple[str, ...] = Field(description="Headings; each holds one code or id, or none.")
    to: str = Field("region", description="`region`, or a kind of entity: units join teams.")
    since: str = Field("", description="Heading of the first period at work.")


class Source(Table):
    """`[[sources]]`: files of one shape and how to read them."""

    id: Identifier = Field(description="Name of the source.")
    label: str = Field("", description="What people call it.")
    kind: SourceKind = Field(description="`boundaries`, `regions`, `table` or `entities`.")
    files: tuple[str, ...] = Field(
        min_length=1, description="Paths or patterns (`raw/*.csv`) inside the workspace."
    )
    level: Identifier | None = Field(None, description="Level of the rows; the leaf by default.")
    encoding: str = Field(
        "auto", description="`auto` tries UTF-8 (with or without BOM), then GB18030."
    )
    crs: str = Field("", description="CRS of boundaries; must agree with what the file says.")
    layer: str = Field("", description="Layer of a GeoPackage.")
    sheet: str = Field("", description="Sheet of a workbook; the first by default.")
    header_row: int = Field(
        0, ge=0, description="Row of the headings, from 1; 0 finds the row that has them."
    )
    round: Identifier | None = Field(None, description="Round of the rows.")
    period: PeriodId | None = Field(None, description="Period of all rows; `all` for the round.")
    status: Literal["self_reported", "verified"] = Field(
        "self_reported", description="Status of rows that don't say."
    )
    status_words: dict[str, Literal["self_reported", "verified"]] = Field(
        default_factory=dict, description="What the status column's words mean."
    )
    batch: str = Field("", description="Batch; by default the file's name.")
    columns: Columns = Field(Columns(), description="Headings of keys.")
    values: tuple[Value, ...] = Field((), description="Headings of indicators (`table`).")
    presence: Identifier | None = Field(
        None, description="Flag that is true for listed leaves, false for all others (a list)."
    )
    entity: Identifier | None = Field(None, description="Kind of entity: `team`, `unit`.")
    attributes: dict[str, str] = Field(
        default_factory=dict, description="Attribute = heading, for entities (`people`)."
    )
    links: tuple[Link, ...] = Field((), description="What an entity is linked to.")


class Weights(Table):
    """`[contact_points.need]`: what counts how much in a village's need of a contact point."""

    gap: float = Field(1.0, ge=0, description="Weight of what is missing (the measure `gap`).")
    income: float = Field(
        1.0, ge=0, description="Weight of what the income falls short of the plan or the best."
    )
    stagnation: float = Field(
        1.0, ge=0, description="Weight of the time that the income has not grown."
    )
    visit: float = Field(0.5, ge=0, description="Weight of the time since the last visit.")

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if not (self.gap or self.income or self.stagnation or self.visit):
            raise ValueError(say("workspace.no_weight"))
        return self


PickRule = Literal["quota", "target", "taken", "every_district", "spread", "own_unit"]
"""Rules of picking that a workspace may allow to be set aside."""


class ContactPoints(Table):
    """`[contact_points]`: the rules by which members pick villages."""

    round: Identifier | None = Field(
        None, description="Round whose villages are picked; by default the last with targets."
    )
    per_member: int = Field(3, ge=1, le=100, description="Contact points that a member may have.")
    only_targets: bool = Field(True, description="Whether only the round's targets may be picked.")
    members_per_village: int = Field(
        1, ge=1, le=100, description="Members who may share a village; 1: it belongs to one alone."
    )
    every_district: bool = Field(
        True,
        description="At least one contact point in each region of the second level: the last "
        "places are kept for those that have none.",
    )
    per_district: int = Field(
        0, ge=0, description="Most contact points of one member in one district; 0: no limit."
    )
    own_unit: bool = Field(
        False, description="Whether a member may pick a village that the member's unit supports."
    )
    unit: Identifier | None = Field(
        None,
        description="Kind of entity that is a support unit; by default `unit`, where a source "
        "declares that kind.",
    )
    override: tuple[PickRule, ...] = Field(
        ("spread", "own_unit"),
        description="Rules that may be set aside with a reason: `quota`, `target`, `taken`, "
        "`every_district`, `spread`, `own_unit`.",
    )
    visit_days: int = Field(
        90, ge=1, description="A contact point that was not visited for so many days is due."
    )
    need: Weights = Field(Weights(), description="Weights of proposals.")
    income: Identifier | None = Field(
        None, description="Measure that is the income; without one, no card speaks of income."
    )
    gap: Identifier | None = Field(None, description="Measure that counts what is missing.")
    travel_km: float = Field(
        0.0,
        ge=0,
        description="Proposals: largest distance between two villages of one member; 0: no limit.",
    )


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?", text):
        raise ValueError(say("workspace.origin"))
    return text


def _address(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/?#\"'<>]+(/[^\s?#\"'<>]*)?", text):
        raise ValueError(say("workspace.address"))
    return text


class Publication(Table):
    """`[publication]`: what may leave the house, and under which conditions."""

    boundaries: tuple[Identifier, ...] = Field(
        (),
        description="Sources of boundaries that are approved for publication; publishing is "
        "refused while the workspace has others.",
    )
    boundary_label: str = Field(
        "", description="What these boundaries are, in words: who published or approved them."
    )
    crs: tuple[str, ...] = Field(
        ("EPSG:4490",),
        description="Coordinate systems in which approved boundaries may come, as their sources "
        "declare them.",
    )
    small_number: int = Field(
        10,
        ge=2,
        description="Counts of people or households, and bases of their shares, from 1 to below "
        "this are not published.",
    )
    protection: float | None = Field(
        None,
        gt=0,
        description="How far apart the bounds stay that a reader can compute for a number that is "
        "kept back; by default `small_number`.",
    )
    verified_bar: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the reported leaves, 0 to 1, that must be verified in a measure's "
        "latest period; a measure below it is held back.",
    )
    contact: str = Field("", description="Whom to tell of a wrong figure; on every public page.")
    site_url: Annotated[str, AfterValidator(_address)] = Field(
        "",
        description="Address at which the public pages will lie, for search engines; may be empty.",
    )
    embed: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field(
        (), description="Sites that may show the public map inside their own: `https://host`."
    )

    @property
    def width(self) -> float:
        """The protection: declared, else the threshold."""
        return float(self.small_number) if self.protection is None else self.protection


class Workspace(Table):
    """All of `atlas.toml`, checked within itself; reads no other file."""

    atlas: Atlas = Field(description="Title, source, notices.")
    codes: Codes = Field(description="Code scheme.")
    geometry: Geometry = Field(description="Shapes.")
    levels: tuple[Level, ...] = Field(min_length=2, description="Tree, root first.")
    rounds: tuple[Round, ...] = Field(min_length=1, description="Rounds, in order.")
    references: tuple[Reference, ...] = Field((), description="Series to compare with.")
    indicators: tuple[Indicator, ...] = Field((), description="What files report.")
    measures: tuple[Measure, ...] = Field(min_length=1, description="What maps show.")
    sources: tuple[Source, ...] = Field(
        (), description="Files, at least one; what is published knows none."
    )
    contact_points: ContactPoints = Field(
        ContactPoints(), description="Rules of picking contact points."
    )
    publication: Publication = Field(Publication(), description="Conditions of publication.")
    default_measure: Identifier | None = Field(None, description="Measure of the first map.")

    @property
    def root(self) -> Level:
        """The level with one region."""
        return self.levels[0]

    @property
    def leaf(self) -> Level:
        """The level that files report on."""
        return self.levels[-1]

    @property
    def district(self) -> Level:
        """The level that contact points are spread over: the second, unless that is the leaf."""
        return self.levels[1] if len(self.levels) > 2 else self.levels[0]

    @property
    def contact_round(self) -> Round:
        """The round whose villages members pick: declared, else the last with targets."""
        if self.contact_points.round is not None:
            return self.round(self.contact_points.round)
        return next((one for one in reversed(self.rounds) if one.target), self.rounds[-1])

    @property
    def unit_kind(self) -> str | None:
        """The kind of entity that is a support unit; None when no file holds any."""
        kinds = {source.entity for source in self.sources}
        return self.contact_points.unit or ("unit" if "unit" in kinds else None)

    def level(self, name: str) -> Level:
        """The level called `name`; raises `UnknownName`."""
        return _named("level", self.levels, name)

    def round(self, name: str) -> Round:
        """The round called `name`; raises `UnknownName`."""
        return _named("round", self.rounds, name)

    def measure(self, name: str) -> Measure:
        """The measure called `name`; raises `UnknownName`."""
        return _named("measure", self.measures, name)

    def indicator(self, name: str) -> Indicator:
        """The indicator called `name`; raises `UnknownName`."""
        return _named("indicator", self.indicators, name)

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        for problem in _disagreements(self):
            raise ValueError(problem)
        return self


class _File(Workspace):
    """What a person wrote: it names files. A published workspace does not."""

    sources: tuple[Source, ...] = Field(min_length=1, description="Files.")


class _Named(Protocol):
    @property
    def id(self) -> str: ...


_T = TypeVar("_T", bound=_Named)


def _named(what: str, items: tuple[_T, ...], name: str) -> _T:
    for item in items:
        if item.id == name:
            return item
    raise UnknownName.among(what, name, (item.id for item in items))


def _disagreements(space: Workspace) -> Iterator[str]:
    """Names that are used and not declared, declared twice, or used where they cannot be."""
    known = {
        "levels": [item.id for item in space.levels],
        "rounds": [item.id for item in space.rounds],
        "references": [item.id for item in space.references],
        "indicators": [item.id for item in space.indicators],
        "measures": [item.id for item in space.measures],
        "sources": [item.id for item in space.sources],
    }
    for table, names in known.items():
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield say("workspace.twice", table=table, name=name)

    known["entities"] = sorted({s.entity for s in space.sources if s.entity})
    for table, name, place in _uses(space):
        if name not in known[table]:
            yield say(
                "workspace.undeclared",
                place=place,
                name=name,
                table=table,
                hint=declared.near(name, known[table]),
            )

    for item in space.rounds:
        if item.step and not item.periods:
            yield say("workspace.no_periods", place=f"rounds.{item.id}")
    for source in space.sources:
        if (source.kind is SourceKind.ENTITIES) != (source.entity is not None):
            yield say("workspace.entity_kind", place=f"sources.{source.id}")
    yield from _circles(space)
    yield from _unfit_for_contact_points(space)
    kinds = {source.id: source.kind for source in space.sources}
    if kinds and SourceKind.BOUNDARIES not in kinds.values():
        yield say("workspace.no_boundaries")
    for name in space.publication.boundaries:
        if kinds.get(name, SourceKind.BOUNDARIES) is not SourceKind.BOUNDARIES:
            yield say("workspace.not_boundaries", place="publication.boundaries", name=name)
    if space.codes.parents == "prefix":
        lengths = [level.code_length for level in space.levels]
        if lengths != sorted(set(lengths)) or lengths[0] < 1:
            yield say("workspace.code_lengths", lengths=lengths)


def _circles(space: Workspace) -> Iterator[str]:
    """Indicators that are derived from themselves, by whatever detour."""
    above = {one.id: one.derive.of for one in space.indicators if one.derive}
    for start in above:
        path = [start]
        while (following := above.get(path[-1])) and following not in path:
            path.append(following)
        if following == start:
            yield say("workspace.circle", name=start, path=" → ".join([*path, start]))
            return


def _unfit_for_contact_points(space: Workspace) -> Iterator[str]:
    """Measures that are declared, and still say nothing about a village to be picked."""
    known = {one.id: one for one in space.measures}
    rules = space.contact_points
    if rules.round is not None and rules.round not in {one.id for one in space.rounds}:
        return  # said already
    for key in ("income", "gap"):
        measure = known.get(getattr(rules, key) or "")
        if measure is None:
            continue
        place, round_id = f"contact_points.{key}", space.contact_round.id
        if round_id not in measure.rounds:
            yield say("workspace.not_in_round", place=place, name=measure.id, round=round_id)
        if measure.rule.is_share:
            yield say("workspace.share_of_one", place=place, name=measure.id)


def _uses(space: Workspace) -> Iterator[tuple[str, str, str]]:
    """Every name that is used: the table that must declare it, the name, and where."""
    for uses in (_used_by_rounds, _used_by_measures, _used_by_sources):
        for table, name, place in uses(space):
            if name is not None:
                yield table, name, place
    rules = space.contact_points
    for table, name, key in (
        ("rounds", rules.round, "round"),
        ("entities", rules.unit, "unit"),
        ("measures", rules.income, "income"),
        ("measures", rules.gap, "gap"),
    ):
        if name is not None:
            yield table, name, f"contact_points.{key}"
    for name in space.publication.boundaries:
        yield "sources", name, "publication.boundaries"
    if space.default_measure is not None:
        yield "measures", space.default_measure, "default_measure"


_Use = tuple[str, str | None, str]


def _used_by_rounds(space: Workspace) -> Iterator[_Use]:
    for item in space.rounds:
        place = f"rounds.{item.id}"
        yield "indicators", item.target, f"{place}.target"
        for name in item.items:
            yield "indicators", name, f"{place}.items"
        if item.selection:
            yield "indicators", item.selection.indicator, f"{place}.selection"
        for figure in item.figures:
            yield "measures", figure.measure, f"{place}.figures"
            kind = figure.count or (figure.sum or "").partition(".")[0]
            yield "entities", kind or None, f"{place}.figures"


def _used_by_measures(space: Workspace) -> Iterator[_Use]:
    for indicator in space.indicators:
        if indicator.derive:
            table = "entities" if indicator.derive.kind == "linked" else "indicators"
            place = f"indicators.{indicator.id}.derive"
            yield table, indicator.derive.of, place
            yield "references", indicator.derive.reference, place
    for measure in space.measures:
        place = f"measures.{measure.id}"
        yield "indicators", measure.value, f"{place}.value"
        yield "indicators", measure.weight, f"{place}.weight"
        if measure.where:
            yield "indicators", measure.where.indicator, f"{place}.where"
        for name in measure.rounds:
            yield "rounds", name, f"{place}.rounds"
        for point in measure.plan:
            yield "rounds", point.round, f"{place}.plan"
        for name in measure.public_levels:
            yield "levels", name, f"{place}.public_levels"


def _used_by_sources(space: Workspace) -> Iterator[_Use]:
    for source in space.sources:
        place = f"sources.{source.id}"
        yield "rounds", source.round, f"{place}.round"
        yield "levels", source.level, f"{place}.level"
        yield "indicators", source.presence, f"{place}.presence"
        for value in source.values:
            yield "indicators", value.indicator, f"{place}.values"
        for link in source.links:
            if link.to != "region":
                yield "entities", link.to, f"{place}.links"


def load(folder: Path) -> Workspace:
    """Read `folder`/atlas.toml.

    Raises
    ------
    WorkspaceError : naming the key, its value and the cure; all problems at once.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        raise WorkspaceError(
            say("workspace.absent"), file=str(path), cure=say("workspace.absent_cure")
        )
    raw = declared.parse(path.read_bytes(), FILE, WorkspaceError)
    declared.check(_File, raw, FILE, WorkspaceError)
    return Workspace.model_validate(raw)


def keys() -> dict[str, str]:
    """Every key of `atlas.toml` with its description, as `measures.plan.value`.

    The README's table is held against this by a test.
    """
    return declared.keys(Workspace)

"""Full HTML documents of a publication: a page a region, the list, the explanation, the map's.

They read well without a script and without a style sheet. `Pages` writes all of them from figures
that are read once; the functions at the end write one.

What the map's script relies on (index.html and embed.html): `#bangfu-app` holds all that is
visible but the skip link, and the script takes its content away when the first map is painted;
what it draws has a `main` with the id `main` again, where the skip link leads. `#bangfu-atlas`
and `#bangfu-words` hold JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from geodata import periods
from geodata.edition import Edition, Region
from geodata.vocabulary import Direction, Theme
from geodata.words import say, section
from geodata.workspace import Measure, Round
from layers import picture as pictures
from layers.classify import MISSING, OUT_OF_SCOPE, SUPPRESSED
from layers.numbers import figure, with_unit
from layers.palette import GROUNDS
from layers.public import first_map
from layers.public.facts import Facts, approval, published, verified_share
from layers.public.reading import Column, Reading, groups
from layers.public.sentences import themes

Json = dict[str, Any]

# Apostrophes need no escape between double quotes.
_CSP = Markup("default-src 'self';object-src 'none';base-uri 'none';form-action 'none'")
_CSP_MAP = Markup(
    "default-src 'self';img-src 'self' data: blob:;worker-src blob:;child-src blob:;"
    "connect-src 'self' data: blob:;object-src 'none';base-uri 'none';form-action 'none'"
)

FEW_BATCHES = 4
"""So many batches stand with their measure."""

WORDS = ("public", "map", "portal")
"""Sections of the catalogue that the map's script is given."""


@dataclass(frozen=True)
class Assets:
    """Files that pages name: addresses relative to the folder of index.html."""

    styles: tuple[str, ...] = ("tokens.css", "pages.css")
    """Of text pages: tokens first."""
    script: str = ""
    """Of text pages, if any: applies the reader's look, large type and characters."""
    hant: str = ""
    """The table of traditional characters (`layers.public.hant`), for that script."""
    icon: str = ""
    map_styles: tuple[str, ...] = ()
    """Of the map's page, besides `styles`."""
    scripts: tuple[str, ...] = ()
    """Of the map's page, in order."""
    preload: tuple[tuple[str, str], ...] = ()
    """Kind (`fetch`, `script`, `style`) and address of what the map's page needs at once."""
    atlas: str = ""
    """The catalogue."""
    later: str = ""
    """The scripts that may come later."""
    boot: Mapping[str, Any] = field(default_factory=dict)
    """More for the start of the map's script."""


def path_of(code: str) -> str:
    """Path of a region's page from the folder of index.html; a writer refuses unfit codes."""
    return f"r/{code}.html"


def paths(edition: Edition) -> Iterator[str]:
    """Paths of all pages, the map's first."""
    yield from ("index.html", "embed.html", "list.html", "about.html")
    for level in edition.levels:
        for code in edition.regions(level.id)["code"]:
            yield path_of(str(code))


class Pages:
    """Writes the pages of one edition; figures are read once, at the first page of a level."""

    def __init__(
        self, edition: Edition, facts: Facts | None = None, assets: Assets | None = None
    ) -> None:
        self.edition = edition
        self.facts = facts or Facts.of(edition)
        self.assets = assets or Assets()
        self.reading = Reading(edition)
        self._levels = [level.id for level in edition.levels]
        self._labels = {level.id: level.label for level in edition.levels}
        self._leaf = edition.levels[-1]
        self._site = edition.space.atlas.title
        self._lines: dict[str, list[str]] = {}

    def all(self) -> Iterator[tuple[str, str]]:
        """Every page as (path, text); paths as `paths`."""
        yield "index.html", self.index()
        yield "embed.html", self.embed()
        yield "list.html", self.contents()
        yield "about.html", self.about()
        for level in self.edition.levels:
            for code in self.reading.codes(level.id):
                yield path_of(code), self.region(code)

    # --- pages ------------------------------------------------------------------------------

    def region(self, code: str) -> str:
        """The page of a region; raises `UnknownName`."""
        region = self.edition.region(code)
        above = self.edition.ancestors(region.code)
        name = self.reading.name(region)
        path = "".join(one.name for one in above[1:])
        told = self._rounds(region)
        first = next((line for one in told for line in one["sentences"]), "")
        key = "description" if path else "description_root"
        page = self._page(
            path_of(region.code),
            title=say(
                "pages.region.title",
                name=name,
                within=say("pages.region.within", path=path) if path else "",
                site=self._site,
            ),
            description=say(
                f"pages.region.{key}",
                name=name,
                path=path,
                cutoff=self.edition.cutoff,
                sentence=first,
            ),
            crumbs=[{"name": self.reading.name(one), "code": one.code} for one in above],
        )
        page["ld"] = self._ld([*above, region])
        return _template("region.html").render(
            page=page,
            region={
                "name": name,
                "code": region.code,
                "what": say(
                    "pages.region.what", level=self._labels[region.level], code=region.code
                ),
                "within": say("pages.region.lies", path=self.edition.root.name + path)
                if above
                else "",
                "leaves": ""
                if region.level == self._leaf.id
                else say(
                    "pages.region.leaves",
                    count=figure(region.leaves),
                    leaf=self._leaf.label,
                ),
                "map": say("pages.map_link", name=name),
            },
            leaf=region.level == self._leaf.id,
            rounds=told,
            nothing=say("pages.region.nothing", name=name),
            children=self._children(region, ""),
            beside=self._beside(region),
            comma="，",
            w=_words(),
        )

    def index(self) -> str:
        """The map's page: the first view drawn, its text and table, and what starts the script."""
        return self._map_page("index.html", embedded=False)

    def embed(self) -> str:
        """The map's page for other sites: the first view drawn, and what starts the script."""
        return self._map_page("embed.html", embedded=True)

    def contents(self) -> str:
        """Links to all regions above the leaves; in a tree of two levels to the leaves."""
        page = self._page(
            "list.html",
            title=say("pages.list.title", site=self._site),
            description=say(
                "pages.list.description",
                site=self._site,
                levels=say("pages.list.between").join(
                    self._labels[one] for one in self._listed_levels
                ),
                cutoff=self.edition.cutoff,
            ),
            crumbs=[{"name": self.reading.name(self.edition.root), "code": self.edition.root.code}],
        )
        tree = self._branches(self.edition.root)
        intro = [
            say("pages.list.intro", count=figure(self.edition.count(one)), level=self._labels[one])
            for one in self._listed_levels[-1:]
        ]
        if self._listed_levels[-1] != self._leaf.id:
            intro.append(
                say(
                    "pages.list.intro_leaves",
                    level=self._labels[self._listed_levels[-1]],
                    leaf=self._leaf.label,
                )
            )
        return _template("list.html").render(
            page=page,
            intro="".join(intro),
            root=self._link(self.edition.root, ""),
            tree=tree,
            flat=[one for one in tree if not one["below"]],
            w=_words(),
        )

    def about(self) -> str:
        """What the figures mean, where they come from, and how small numbers are protected."""
        page = self._page(
            "about.html",
            title=say("pages.about.title", site=self._site),
            description=say("pages.about.description", site=self._site),
            crumbs=[{"name": self.reading.name(self.edition.root), "code": self.edition.root.code}],
        )
        facts = self.facts
        return _template("about.html").render(
            page=page,
            general=self._general(),
            numbers=self._protected(),
            withdrawn=[one.sentence for one in facts.withdrawn],
            wrong=say("pages.about.wrong_text", contact=facts.contact)
            if facts.contact
            else say("pages.about.wrong_none"),
            themes=[
                {
                    "label": say(f"portal.theme.{theme.value}"),
                    "measures": [
                        {"id": one.id, "label": one.label, "terms": self._terms(one)}
                        for one in self.edition.measures
                        if one.theme is theme and self._rounds_of(one)
                    ],
                }
                for theme in Theme
                if any(one.theme is theme and self._rounds_of(one) for one in self.edition.measures)
            ],
            batches=[
                {
                    "number": number,
                    "title": say("pages.about.batches_list", number=number),
                    "names": one,
                }
                for number, one in enumerate(self._long_batches, 1)
            ],
            w=_words(),
        )

    # --- parts ------------------------------------------------------------------------------

    def _map_page(self, path: str, *, embedded: bool) -> str:
        edition, root = self.edition, self.edition.root
        look, lines = first_map.key(edition)
        measure = look.measure.label if look.measure else ""
        region = self.reading.name(root)
        kind = "" if measure else "_plain"
        title = say(f"pages.index.title{kind}", site=self._site, measure=measure)
        page = self._page(
            path,
            title=say("pages.embed.title", site=self._site) if embedded else title,
            description=say(
                f"pages.index.description{kind}",
                programme=edition.space.atlas.programme or self._site,
                region=region,
                measure=measure,
                leaf=self._leaf.label,
                cutoff=edition.cutoff,
            ),
            crumbs=[],
        )
        assets = self.assets
        page |= {
            "csp": _CSP_MAP,
            "body": "embed" if embedded else "",
            "styles": [*assets.styles, *assets.map_styles],
            "scripts": list(assets.scripts),
            "preload": [{"kind": one, "href": href} for one, href in assets.preload],
        }
        boot = {
            "base": "",
            "atlas": assets.atlas,
            "later": assets.later,
            "region": "",
            "embed": embedded,
            **assets.boot,
        }
        level = self._labels[look.level]
        return _template("index.html").render(
            page=page,
            embedded=embedded,
            heading=title,
            boot=_json(boot),
            words=_json({name: section(name) for name in WORDS}),
            svg=Markup(first_map.svg(edition, self.facts)),  # noqa: S704  it escapes its texts
            key_title=say("pages.index.legend", level=level),
            key=[
                {
                    "svg": _swatch(one.index, one.light, one.dark),
                    "text": say(
                        "pages.index.legend_line",
                        label=one.label,
                        count=figure(one.count),
                        level=level,
                    ),
                }
                for one in lines
            ],
            root=self._link(root, ""),
            children=None if embedded else self._children(root, "", from_index=True),
            rounds=[] if embedded else self._rounds(root),
            nothing="" if embedded else say("pages.region.nothing", name=region),
            leaf=False,
            withdrawn=[one.sentence for one in self.facts.withdrawn],
            comma="，",
            w=_words(),
        )

    def _page(self, path: str, *, title: str, description: str, crumbs: Sequence[Json]) -> Json:
        """What every page's head, header and footer say."""
        base = "../" if path.startswith("r/") else ""
        near = "" if base else "r/"
        assets, facts = self.assets, self.facts
        address = "" if path == "index.html" else "/".join(quote(one) for one in path.split("/"))
        return {
            "lang": say("pages.language"),
            "base": base,
            "title": title,
            "description": description,
            "csp": _CSP,
            "ld": "",
            "body": "p",
            "canonical": f"{facts.site_url}/{address}" if facts.site_url else "",
            "styles": [base + one for one in assets.styles],
            "script": base + assets.script if assets.script else "",
            "hant": base + assets.hant if assets.hant else "",
            "icon": base + assets.icon if assets.icon else "",
            "site": self._site,
            "watermark": facts.watermark,
            "notices": self._notices,
            "crumbs": [
                {"name": one["name"], "href": f"{near}{quote(one['code'])}.html"} for one in crumbs
            ],
        }

    @cached_property
    def _notices(self) -> list[str]:
        notices = self.edition.notices()
        # A demo's corner says 演示数据 already: a sentence more would be said 3,520 times.
        said = [say("pages.notice.cutoff", cutoff=notices["cutoff"])]
        if notices["source"]:
            said.insert(0, say("pages.notice.source", source=notices["source"]))
        if corner := approval(self.edition):
            said.append(corner)
        if self.facts.contact:
            said.append(say("pages.notice.contact", contact=self.facts.contact))
        return said

    def _ld(self, regions: Sequence[Region]) -> Markup | str:
        """Where the page lies, for search engines; they want absolute addresses."""
        if not self.facts.site_url:
            return ""
        return _json(
            {
                "@context": "https://schema.org",
                "@type": "BreadcrumbList",
                "itemListElement": [
                    {
                        "@type": "ListItem",
                        "position": number,
                        "name": self.reading.name(one),
                        "item": f"{self.facts.site_url}/r/{quote(one.code)}.html",
                    }
                    for number, one in enumerate(regions, 1)
                ],
            }
        )

    def _link(self, region: Region, base: str) -> Json:
        return {
            "name": self.reading.name(region),
            "href": f"{base}r/{quote(region.code)}.html",
        }

    def _rounds(self, region: Region) -> list[Json]:
        """What each round says of a region, the last round first; those that say nothing are
        left out.
        """
        by_round = dict(groups(self.reading.columns(region.level), lambda one: one.round.id))
        root = region.code == self.edition.root.code
        found = []
        for round in reversed(self.edition.rounds):
            columns = by_round.get(round.id, [])
            figures = self._figures(round) if root else []
            if not columns and not figures:
                continue
            found.append(self._round(region, round, columns, figures))
        return found

    def _round(
        self, region: Region, round: Round, columns: Sequence[Column], figures: Sequence[Json]
    ) -> Json:
        at, name = region.position, self.reading.name(region)
        shown = [one for one in columns if one.state(at) != "out_of_scope"]
        aside = len(columns) - len(shown)
        key = "pages.region.aside" if shown else "pages.region.round_aside"
        leaf = region.level == self._leaf.id
        root = region.code == self.edition.root.code
        held = self._leaf_groups(shown, at) if leaf else self._region_groups(shown, region, root)
        parts = [part for part in (round.years, round.note) if part] if root else [round.years]
        return {
            "label": round.label,
            "note": "。".join(part.rstrip("。") for part in parts) + "。" if any(parts) else "",
            "sentences": ["".join(lines) for _, lines in themes(self.reading, region, shown)],
            "figures": figures,
            "figures_title": say("pages.region.figures", round=round.label),
            "caption": say("pages.region.measures", name=name, round=round.label),
            "groups": held,
            "plan": say("pages.sentence.plan_root", root=self.reading.name(self.edition.root))
            if not root and any(row.get("promised") for one in held for row in one["rows"])
            else "",
            "aside": say(key, count=figure(aside), name=name) if aside else "",
        }

    def _leaf_groups(self, columns: Sequence[Column], at: int) -> list[Json]:
        """Rows under what they share: theme, period and status are said once."""
        found = []
        for (theme, period, state), many in groups(
            columns, lambda one: (one.measure.theme, one.period, one.state(at))
        ):
            # Where there is no value, the value's place says why already.
            key = "group_status" if many[0].known(at) else "group"
            found.append(
                {
                    "title": say(
                        f"pages.region.{key}",
                        theme=say(f"portal.theme.{theme.value}"),
                        period=period,
                        status=say(f"pages.status.{state}"),
                    ),
                    "rows": [{"label": one.measure.label, "value": one.text(at)} for one in many],
                }
            )
        return found

    def _region_groups(self, columns: Sequence[Column], region: Region, root: bool) -> list[Json]:
        at = region.position
        return [
            {
                "title": say(
                    "pages.region.group",
                    theme=say(f"portal.theme.{theme.value}"),
                    period=period,
                ),
                "rows": [
                    {
                        "id": one.measure.id,
                        "label": one.measure.label,
                        "value": one.text(at),
                        "basis": one.basis(at),
                        "status": one.state_text(at) if one.known(at) else "",
                        "plan": self._standing(one, region, root),
                        "promised": bool(one.plan(at, root)),
                    }
                    for one in many
                ],
            }
            for (theme, period), many in groups(
                columns, lambda one: (one.measure.theme, one.period)
            )
        ]

    def _standing(self, one: Column, region: Region, root: bool) -> str:
        """Where a region stands: held against the plan, and among its siblings."""
        at = region.position
        said = [
            point.sentence(one.measure.unit, one.measure.digits) for point in one.plan(at, root)
        ]
        if one.rank[at] and one.ranked[at] > 1:
            parent = self.edition.region(region.parent)
            said.append(
                say(
                    "pages.rank.of_shared" if one.shared[at] else "pages.rank.of",
                    parent=self.reading.name(parent),
                    count=figure(one.ranked[at]),
                    level=self._labels[region.level],
                    rank=figure(one.rank[at]),
                )
                + "。"
            )
        return "".join(said)

    def _figures(self, round: Round) -> list[Json]:
        root = self.edition.root.code
        found = []
        for one in pictures.figures(self.edition, round.id, root, None):
            if one["value"] is None:
                continue
            text = with_unit(figure(one["value"], one["digits"]), one["unit"])
            if one["published"] is not None and one["published"] != one["value"]:
                text += say("pages.region.published", value=figure(one["published"], one["digits"]))
            if one["note"]:
                text += f"（{one['note']}）"
            found.append({"label": one["label"], "text": text})
        return found

    def _children(self, region: Region, base: str, *, from_index: bool = False) -> Json | None:
        """The regions below with the first map's measure, in the order of codes."""
        level, places = self.reading.children(region)
        if level is None or not places:
            return None
        first = self.reading.first
        column = self.reading.column(first[1], first[0], level) if first else None
        names, codes = self.reading.names(level), self.reading.codes(level)
        near = "r/" if from_index else ""
        name, label = self.reading.name(region), self._labels[level]
        title = say("pages.region.children", name=name, level=label)
        return {
            "title": title,
            "caption": say(
                "pages.region.children_caption",
                name=name,
                level=label,
                measure=column.measure.label,
                period=column.period,
            )
            if column
            else title,
            "measured": column.measure.label if column else "",
            "rows": [
                {
                    "name": names[at],
                    "href": f"{near}{quote(codes[at])}.html",
                    "value": column.text(at) if column else "",
                    "status": column.state_text(at) if column and column.known(at) else "",
                }
                for at in places
            ],
        }

    def _beside(self, region: Region) -> list[Json]:
        """The siblings before and after, by code."""
        if not region.parent:
            return []
        level, places = self.reading.children(self.edition.region(region.parent))
        assert level is not None, "a parent has a level below"
        here = places.index(region.position)
        names, codes = self.reading.names(level), self.reading.codes(level)
        found = []
        for step, rel, key in ((-1, "prev", "previous"), (1, "next", "next")):
            if 0 <= here + step < len(places):
                at = places[here + step]
                found.append(
                    {
                        "href": f"{quote(codes[at])}.html",
                        "rel": rel,
                        "text": say(f"pages.nav.{key}", name=names[at]),
                    }
                )
        return found

    @cached_property
    def _listed_levels(self) -> list[str]:
        """Levels of the list: below the root and above the leaves, in a flat tree the leaves."""
        return self._levels[1:-1] or self._levels[1:]

    def _branches(self, region: Region) -> list[Json]:
        level, places = self.reading.children(region)
        if level not in self._listed_levels:
            return []
        return [
            {**self._link(one, ""), "below": self._branches(one)}
            for one in (self.edition.at(str(level), at) for at in places)
        ]

    # --- the explanation ---------------------------------------------------------------------

    def _general(self) -> list[tuple[str, str]]:
        notices = self.edition.notices()
        number = notices["approval_number"] or approval(self.edition)
        rows = (
            ("programme", notices["programme"]),
            ("source", notices["source"]),
            ("cutoff", notices["cutoff"]),
            ("approval", number or say("pages.about.no_approval")),
            ("boundaries", self.facts.boundary_label),
            ("licence", notices["licence"]),
            ("edition", self.edition.id),
        )
        return [(say(f"pages.about.{name}"), str(text)) for name, text in rows if text]

    def _protected(self) -> list[str]:
        told = self.facts.suppression
        if told is None:
            counted = any(one.counts and self._rounds_of(one) for one in self.edition.measures)
            return [say(f"pages.about.numbers_{'open' if counted else 'none'}")]
        last = max(int(told.threshold) - 1, 1)
        return [
            say("pages.about.numbers_text", last=figure(last)),
            say(
                "pages.about.numbers_count",
                cells=figure(told.cells),
                suppressed=figure(told.suppressed),
                share=_percent(told.share),
            ),
        ]

    def _rounds_of(self, measure: Measure) -> list[Round]:
        """Rounds in which anything of a measure is published."""
        return [
            one
            for one in self.edition.rounds
            if any(published(self.edition, measure.id, one.id, level) for level in self._levels)
        ]

    def _terms(self, measure: Measure) -> list[tuple[str, str]]:
        leaf, between = self._leaf.label, say("pages.about.between")
        rounds = self._rounds_of(measure)
        parts = ""
        if measure.numerator_label and measure.denominator_label:
            parts = say(
                "pages.about.parts",
                numerator=measure.numerator_label,
                denominator=measure.denominator_label,
            )
        levels = [
            level
            for level in self._levels
            if any(published(self.edition, measure.id, one.id, level) for one in rounds)
        ]
        verified = self.facts.verified.get(measure.id)
        if verified is None:
            verified = verified_share(self.edition, measure.id, rounds[-1].id)
        cutoff = self.edition.cutoff_of(measure.id)
        meant = {Direction.MORE: "more", Direction.LESS: "less"}.get(measure.direction)
        rows = (
            ("definition", measure.definition),
            ("unit", measure.unit),
            ("rule", say(f"portal.about.{measure.rule.value}", leaf=leaf)),
            ("parts", parts),
            ("direction", say(f"pages.about.{meant}") if meant else ""),
            ("rounds", between.join(self._span(measure, one) for one in rounds)),
            ("levels", say("pages.list.between").join(self._labels[one] for one in levels)),
            (
                "plan",
                between.join(
                    say(
                        "pages.about.plan_point",
                        round=self.edition.space.round(point.round).label,
                        period=say("portal.figures.plan_point", period=periods.label(point.period)),
                        target=" "
                        + with_unit(figure(point.value, measure.digits, trim=True), measure.unit),
                    )
                    + (say("pages.about.plan_label", label=point.label) if point.label else "")
                    for point in measure.plan
                    if any(one.id == point.round for one in rounds)
                ),
            ),
            (
                "counts",
                say("pages.about.counts_text", what=say(f"pages.about.counts_{measure.counts}"))
                if measure.counts and self.facts.suppression
                else "",
            ),
            ("source", measure.source or self.edition.notices()["source"]),
            ("cutoff", "" if cutoff == self.edition.cutoff else cutoff),
            ("batches", self._batch_text(measure)),
            (
                "verified",
                ""
                if verified is None
                else say("pages.about.verified_text", leaf=leaf, share=_percent(verified)),
            ),
        )
        return [(say(f"pages.about.term_{name}"), text) for name, text in rows if text]

    @cached_property
    def _long_batches(self) -> list[tuple[str, ...]]:
        """Lists of batches too long to stand with a measure: most measures share a few of them,
        which stand below and are told by number.
        """
        shown = (one.id for one in self.edition.measures if self._rounds_of(one))
        lists = (tuple(self.facts.batches.get(name, ())) for name in shown)
        return list(dict.fromkeys(one for one in lists if len(one) > FEW_BATCHES))

    def _batch_text(self, measure: Measure) -> str | Markup:
        """The measure's batches, or a link to their list."""
        own = tuple(self.facts.batches.get(measure.id, ()))
        if len(own) <= FEW_BATCHES:
            return say("pages.about.between").join(own)
        number = self._long_batches.index(own) + 1
        text = say("pages.about.batches_link", number=number, count=figure(len(own)))
        return Markup('<a href="#b-{}">{}</a>').format(number, text)

    def _span(self, measure: Measure, round: Round) -> str:
        there = self.edition.periods(measure.id, round.id)
        key = "round_span" if len(there) > 1 else "round_one"
        return say(
            f"pages.about.{key}",
            round=round.label,
            first=periods.label(there[0]),
            last=periods.label(there[-1]),
            only=periods.label(there[0]),
        )


def region_page(
    edition: Edition, code: str, facts: Facts | None = None, assets: Assets | None = None
) -> str:
    """The page of one region; raises `UnknownName`. For all of them use `Pages`."""
    return Pages(edition, facts, assets).region(code)


def index_page(edition: Edition, facts: Facts | None = None, assets: Assets | None = None) -> str:
    """The map's page."""
    return Pages(edition, facts, assets).index()


def embed_page(edition: Edition, facts: Facts | None = None, assets: Assets | None = None) -> str:
    """The map's page for other sites."""
    return Pages(edition, facts, assets).embed()


def list_page(edition: Edition, facts: Facts | None = None, assets: Assets | None = None) -> str:
    """Links to all regions above the leaves."""
    return Pages(edition, facts, assets).contents()


def about_page(edition: Edition, facts: Facts | None = None, assets: Assets | None = None) -> str:
    """What the figures mean."""
    return Pages(edition, facts, assets).about()


def _swatch(index: int, light: str, dark: str) -> Markup:
    """A legend's colour, or the hatch, whose pattern is in the map above it."""
    if index in (MISSING, SUPPRESSED):
        light, dark = "url(#hl)", "url(#hd)"
    elif index == OUT_OF_SCOPE:
        light, dark = GROUNDS["light"].out_of_scope, GROUNDS["dark"].out_of_scope
    return Markup(
        '<svg viewBox="0 0 20 14" aria-hidden="true"><path class="dk" fill="{}" d="M0 0h20v14H0z"/>'
        '<path class="lt" fill="{}" d="M0 0h20v14H0z"/></svg>'
    ).format(dark, light)


def _percent(share: float) -> str:
    return with_unit(figure(share * 100, 1, trim=True), "%")


def _json(told: object) -> Markup:
    """JSON inside a script element: nothing in it can end the element or open a comment."""
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  what could be markup was replaced


@cache
def _words() -> dict[str, str]:
    return section("pages")


@cache
def _template(name: str) -> jinja2.Template:
    return _templates().get_template(name)


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("layers.public", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

"""The public's pages say what the edition says, and lead nowhere that is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lxml import html as parser

from geodata.edition import Edition
from geodata.periods import ALWAYS
from geodata.vocabulary import Status
from geodata.workspace import Workspace
from layers.numbers import MINUS
from layers.profile import profile
from layers.public import audit
from layers.public.facts import Facts, Suppression, Withdrawn, published
from layers.public.pages import (
    Assets,
    Pages,
    about_page,
    embed_page,
    index_page,
    list_page,
    path_of,
    paths,
    region_page,
)
from layers.public.reading import Reading
from layers.public.sentences import themes
from layers.ranking import ranks
from layers.view import View
from tests import demo_worlds

ASSETS = Path(__file__).parents[2] / "assets"
CSS = (ASSETS / "tokens.css").read_text("utf-8")
FILES = ("a/t.css", "a/p.css", "a/i.ico", "a/m.css", "a/1.js", "d/atlas.json")
SHOWN = Assets(
    styles=("a/t.css", "a/p.css"),
    icon="a/i.ico",
    map_styles=("a/m.css",),
    scripts=("a/1.js",),
    preload=(("fetch", "d/atlas.json"),),
    atlas="d/atlas.json",
    later="a/2.js",
)
HOSTILE = "</script><img src=x onerror=alert(1)>\"'&{{7*7}}{% raw %}<!--"


def other(edition: Edition, **changes: Any) -> Edition:
    """Another object of the same edition, that tests may change."""
    found = Edition(edition.folder, f"{edition.id}-{len(changes)}-{id(changes)}", "")
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def tree_of(text: str) -> Any:
    return parser.document_fromstring(text)


def words(node: Any) -> str:
    return " ".join(node.text_content().split())


def rows(text: str) -> dict[tuple[str, str], list[str]]:
    """(caption, measure): cells of every table row that is no rowgroup's head."""
    found = {}
    for table in tree_of(text).iter("table"):
        caption = words(table.find("caption"))
        for row in table.iterfind(".//tbody/tr"):
            cells = [words(cell) for cell in row]
            if len(cells) > 1:
                found[caption, cells[0]] = cells[1:]
    return found


@pytest.fixture(scope="module", params=["small", "tiny"])
def edition(request: pytest.FixtureRequest) -> Edition:
    found: Edition = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def demo() -> Edition:
    return Edition.open(demo_worlds.edition_folder(demo_worlds.SMALL))


def test_every_page_passes_the_audit_and_every_link_has_a_goal(edition: Edition) -> None:
    pages = dict(Pages(edition, assets=SHOWN).all())
    assert list(pages) == list(paths(edition))
    assert audit.site(pages, CSS, FILES) == []


def test_the_demos_pages_pass_are_small_and_ask_no_other_host(demo: Edition) -> None:
    pages = dict(Pages(demo, assets=SHOWN).all())
    assert audit.site(pages, CSS, FILES) == []
    leaf = [pages[path_of(code)] for code in demo.regions(demo.levels[-1].id)["code"]]
    sizes = [len(text.encode()) for text in leaf]
    assert np.mean(sizes) < 5_500, "a quarter of this city's villages are in both rounds"
    assert max(sizes) < 8_000
    for text in pages.values():
        fetched = [one for one in audit.links(text) if re.match(r"\w+:|//", one)]
        assert fetched == []


def test_the_functions_write_what_pages_writes(tiny: Edition) -> None:
    pages = Pages(tiny, assets=SHOWN)
    code = tiny.root.code
    assert region_page(tiny, code, assets=SHOWN) == pages.region(code)
    assert index_page(tiny, assets=SHOWN) == pages.index()
    assert embed_page(tiny, assets=SHOWN) == pages.embed()
    assert list_page(tiny, assets=SHOWN) == pages.contents()
    assert about_page(tiny, assets=SHOWN) == pages.about()


def test_the_same_edition_gives_the_same_bytes(small: Edition) -> None:
    one, two = (dict(Pages(other(small, id="same")).all()) for _ in range(2))
    assert one == two


# --- numbers ----------------------------------------------------------------------------------


def told(value: float, digits: int, unit: str) -> str:
    """A value in words, written apart from the code under test."""
    number = f"{abs(value):,.{digits}f}"
    sign = MINUS if value < 0 and float(number.replace(",", "")) else ""
    return f"{sign}{number}{'' if unit in ('', '%') else ' '}{unit}"


def test_every_number_is_the_editions(edition: Edition) -> None:
    leaf = edition.levels[-1].id
    pages = Pages(edition)
    seen = 0
    for level in edition.levels:
        for code in edition.regions(level.id)["code"]:
            at = edition.region(code).position
            text = pages.region(code)
            found = rows(text)
            name = words(tree_of(text).find(".//h1"))
            for one in edition.rounds:
                for measure in edition.measures:
                    if not edition.has(measure.id, one.id):
                        continue
                    values = edition.values(measure.id, one.id, level.id)
                    key = (f"{name}{one.label}各项指标", measure.label)
                    state = Status(int(values.status[-1, at]))
                    if state is Status.OUT_OF_SCOPE:
                        assert key not in found
                        continue
                    cells, value = found[key], float(values.value[-1, at])
                    seen += 1
                    if np.isnan(value):
                        assert cells[0] == "未上报"
                    elif level.id == leaf and measure.rule.is_share:
                        assert cells[0] in (("否", "未达到") if value == 0 else ("是", "达到"))
                    else:
                        assert cells[0] == told(value, measure.digits, measure.unit)
                    if level.id != leaf and not np.isnan(value) and measure.rule.is_share:
                        parts = (values.numerator[-1, at], values.denominator[-1, at])
                        assert cells[1].startswith(f"{parts[0]:,.0f} / {parts[1]:,.0f} 个")
                    if level.id != leaf and state is Status.PARTIAL:
                        reported, expected = values.reported[-1, at], values.expected[-1, at]
                        assert f"（{reported:,} / {expected:,} 个" in cells[2]
    assert seen > 50


def test_a_region_lists_its_children_with_the_first_maps_value(small: Edition) -> None:
    reading = Reading(small)
    assert reading.first is not None
    round_id, measure_id = reading.first
    measure = small.space.measure(measure_id)
    root = small.root
    table = {
        name: cells
        for (caption, name), cells in rows(Pages(small).region(root.code)).items()
        if caption.startswith("全市各区的")
    }
    assert list(table) == [one.name for one in small.children(root.code)]
    values = small.values(measure_id, round_id, "district")
    for child in small.children(root.code):
        value = float(values.value[-1, child.position])
        said = "未上报" if np.isnan(value) else told(value, measure.digits, measure.unit)
        assert table[child.name][0] == said


def test_ranks_are_those_among_siblings(edition: Edition) -> None:
    reading = Reading(edition)
    seen = 0
    for upper, level in zip(edition.levels, edition.levels[1:], strict=False):
        for column in reading.columns(level.id):
            for code in edition.regions(upper.id)["code"]:
                own = [one.position for one in edition.children(code)]
                meant = column.measure.direction.value != "none" and not column.flag
                row = np.array(column.value)[own]
                wanted = ranks(row, column.measure.direction) if meant else np.zeros(len(own))
                assert [column.rank[at] for at in own] == wanted.tolist()
                seen += int(wanted.any())
                for at, rank in zip(own, wanted.tolist(), strict=True):
                    assert column.shared[at] == (rank > 0 and wanted.tolist().count(rank) > 1)
                    assert column.ranked[at] == (0 if not rank else int((wanted > 0).sum()))
    assert seen


def test_a_regions_sentences_are_those_of_the_portals_profile(demo: Edition) -> None:
    reading = Reading(demo)
    seen = 0
    for one in demo.rounds:
        for region in demo.children(demo.root.code):
            columns = [c for c in reading.columns(region.level) if c.round.id == one.id]
            for theme, said in themes(reading, region, columns):
                own = [c for c in columns if c.measure.theme is theme]
                lead = next(c for c in own if c.measure.label in said[0])
                if lead.there[-1] == ALWAYS:
                    continue
                view = View(measure=lead.measure.id, round=one.id, region=region.code)
                assert said == profile(demo, view)["sentences"]
                seen += 1
    assert seen > 20


def test_a_leafs_sentence_names_what_it_belongs_to(small: Edition) -> None:
    reading = Reading(small)
    region = small.at("village", 0)
    columns = [c for c in reading.columns("village") if c.round.id == "r2"]
    for theme, said in themes(reading, region, columns):
        for column in (c for c in columns if c.measure.theme is theme and c.flag):
            label = column.measure.numerator_label or column.measure.label
            if column.known(0) and not column.yes(0):
                assert label not in said[0].split("其余")[0].split("属于")[-1].split("、")


# --- what is kept back ------------------------------------------------------------------------


def hidden(edition: Edition, measure: str, round: str, level: str, at: int) -> Edition:
    """An edition that keeps one cell back, as a public edition does."""
    found = other(edition)
    real = found.values

    def values(name: str, of: str, where: str) -> Any:
        known = real(name, of, where)
        if (name, of, where) != (measure, round, level):
            return known
        value, status = known.value.copy(), known.status.copy()
        numerator, denominator = known.numerator.copy(), known.denominator.copy()
        for part in (value, numerator, denominator):
            part[-1, at] = np.nan
        status[-1, at] = Status.SUPPRESSED
        return replace(
            known, value=value, status=status, numerator=numerator, denominator=denominator
        )

    found.values = values  # type: ignore[method-assign]
    return found


def test_a_suppressed_value_says_so_and_gives_nothing_away(small: Edition) -> None:
    for level in ("district", "village"):
        column = next(
            one
            for one in Reading(small).columns(level)
            if one.known(0) and not one.flag and one.measure.rule.value in ("sum", "mean")
        )
        kept = hidden(small, column.measure.id, column.round.id, level, 0)
        region = kept.at(level, 0)
        text = Pages(kept).region(region.code)
        key = (f"{region.name}{column.round.label}各项指标", column.measure.label)
        cells = rows(text)[key]
        assert cells[0] == "人数过少，不公布"
        assert not any(re.search(r"\d", cell) for cell in cells[:3])
        assert rows(Pages(small).region(region.code))[key][0] == column.text(0)
        assert audit.check(text) == []


def test_a_suppressed_child_is_neither_ranked_nor_best_nor_worst(small: Edition) -> None:
    columns = Reading(small).columns("district")
    column = next(one for one in columns if all(one.rank) and len(set(one.value)) == 3)
    worst = column.rank.index(max(column.rank))
    kept = hidden(small, column.measure.id, column.round.id, "district", worst)
    again = Reading(kept).column(column.measure.id, column.round.id, "district")
    assert again is not None
    assert again.rank[worst] == 0
    assert set(again.ranked) == {0, 2}


def test_a_level_that_is_not_published_is_left_out(small: Edition) -> None:
    first = Reading(small).first
    assert first is not None
    told = small.space.model_dump(by_alias=True)
    for measure in told["measures"]:
        all_levels = [level.id for level in small.levels]
        measure["public_levels"] = all_levels[:2] if measure["id"] == first[1] else all_levels
    public = other(
        small,
        space=Workspace.model_validate(told),
        manifest={**small.manifest, "audience": "public"},
    )
    label = small.space.measure(first[1]).label
    assert not published(public, first[1], first[0], "village")
    pages = Pages(public)
    for level, there in (("district", True), ("town", False), ("village", False)):
        region = public.at(level, 0)
        assert any(name == label for _, name in rows(pages.region(region.code))) == there
    # The first map's measure is not shown of villages, and they are linked all the same.
    town = tree_of(pages.region(public.at("town", 0).code))
    children = town.findall(".//table")[-1]
    assert [words(one) for one in children.iterfind("thead//th")] == ["名称"]
    assert children.find(".//a") is not None
    terms = tree_of(pages.about()).find(f".//h4[@id='m-{first[1]}']").getnext()
    told_terms = dict(zip(map(words, terms.iter("dt")), map(words, terms.iter("dd")), strict=True))
    assert told_terms["公布到"] == "市、区"


def test_what_was_never_reported_says_so(tiny: Edition) -> None:
    region = tiny.region("NI")
    said = [cells[0] for cells in rows(Pages(tiny).region(region.code)).values()]
    assert "未上报" in said


def test_measures_that_do_not_speak_of_a_place_are_counted(small: Edition) -> None:
    outside = small.at("village", 1)
    text = Pages(small).region(outside.code)
    aside = re.findall(r"(\d+) 项指标不涉及", text)
    shown = len(rows(text))
    whole = len(Reading(small).columns("village"))
    assert shown + sum(int(one) for one in aside) == whole
    assert aside


def test_the_explanation_tells_withdrawals_suppression_and_whom_to_tell(small: Edition) -> None:
    facts = Facts(
        withdrawn=(Withdrawn("x", "旧指标", "口径有误", "2024-05-06"),),
        suppression=Suppression(10, 1200, 30, 0.025),
        contact="办公室 022-00000000",
        batches={small.measures[0].id: ("二季度上报（自报）",)},
    )
    text = words(tree_of(Pages(small, facts).about()))
    assert "“旧指标”已于 2024-05-06 撤回：口径有误。" in text
    assert "从 1 到 9 的不公布" in text
    assert "共 1,200 个数值，没有公布的有 30 个，占 2.5%" in text
    assert "请告知：办公室 022-00000000" in text
    assert "二季度上报（自报）" in text
    assert "数字有误请告知：办公室 022-00000000" in words(
        tree_of(Pages(small, facts).region(small.root.code))
    )
    assert "已于 2024-05-06 撤回" in words(tree_of(Pages(small, facts).index()))


def test_batches_that_measures_share_are_listed_once(small: Edition) -> None:
    shown = [one.id for one in small.measures if small.has(one.id, "r3")]
    many = tuple(f"{month}月月报<i>（自报）" for month in range(1, 9))
    facts = Facts(batches={shown[0]: many, shown[1]: many, shown[2]: ("清查（已核实）",)})
    text = Pages(small, facts, SHOWN).about()
    assert audit.check(text) == []
    tree = tree_of(text)
    assert [words(one) for one in tree.get_element_by_id("b-1").getnext()] == list(many)
    assert len(tree.findall(".//dd/a[@href='#b-1']")) == 2
    assert words(tree).count(many[0]) == 1
    assert words(tree).count("清查（已核实）") == 1


def test_the_explanation_defines_every_measure_that_is_published(edition: Edition) -> None:
    tree = tree_of(Pages(edition).about())
    heads = {one.get("id") for one in tree.iter("h4")}
    there = {
        f"m-{one.id}"
        for one in edition.measures
        if any(edition.has(one.id, round.id) for round in edition.rounds)
    }
    assert heads == there
    text = words(tree)
    for measure in edition.measures:
        assert measure.definition.rstrip("。") in text


def test_facts_come_from_a_public_editions_manifest(small: Edition) -> None:
    manifest = {
        **small.manifest,
        "audience": "public",
        "withdrawn": [{"id": "a", "label": "甲", "reason": "", "at": "2024-01-02T03:04:05"}],
        "suppression": {"threshold": 10, "cells": 40, "suppressed": 10},
        "batches": {"m": ["一", {"name": "二", "status": "partial"}, "一"]},
        "verified": {"m": 0.5},
    }
    space = small.space.model_copy(
        update={
            "publication": small.space.publication.model_copy(
                update={
                    "contact": "甲",
                    "site_url": "https://example.gov.cn/map/",
                    "embed": ("https://a.cn",),
                }
            )
        }
    )
    facts = Facts.of(other(small, manifest=manifest, space=space))
    assert facts.audience == "public"
    assert facts.withdrawn[0].sentence == "“甲”已于 2024-01-02 撤回：发布单位没有写明原因。"
    assert facts.suppression == Suppression(10, 40, 10, 0.25)
    assert facts.site_url == "https://example.gov.cn/map"
    assert facts.embed == ("https://a.cn",)
    assert facts.batches == {"m": ("一", "二（部分已核实）")}
    assert facts.watermark == "演示数据 DEMO"
    plain = Facts.of(small)
    assert (plain.audience, plain.withdrawn, plain.suppression) == ("internal", (), None)


# --- notices ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("demo", "number", "said"),
    [
        (True, "", "演示数据，无审图号"),
        (True, "GS（2024）1号", "审图号：GS（2024）1号"),
        (False, "GS（2024）1号", "审图号：GS（2024）1号"),
        (False, "", None),
    ],
)
def test_the_review_number_or_its_absence_in_a_demo_is_on_every_page(
    small: Edition, demo: bool, number: str, said: str | None
) -> None:
    atlas = small.space.atlas.model_copy(update={"demo": demo, "approval_number": number})
    edition = other(small, space=small.space.model_copy(update={"atlas": atlas}))
    pages = dict(Pages(edition).all())
    for path, text in pages.items():
        shown = words(tree_of(text).find(".//footer"))
        assert (said in shown) if said else ("审图号" not in shown), path
        assert ("演示数据 DEMO" in text) == demo
    svg = tree_of(pages["index.html"]).find(".//svg")
    assert (said in svg.text_content()) if said else ("审图号" not in svg.text_content())


def test_canonical_addresses_only_where_the_site_is_known(small: Edition) -> None:
    code = small.at("village", 0).code
    for site in ("", "https://example.gov.cn/map"):
        pages = Pages(small, Facts(site_url=site))
        for path, text in (("index.html", pages.index()), (path_of(code), pages.region(code))):
            tree = tree_of(text)
            links = [one.get("href") for one in tree.findall(".//link[@rel='canonical']")]
            wanted = f"{site}/{'' if path == 'index.html' else path}"
            assert links == ([wanted] if site else [])
        told = tree_of(pages.region(code)).findall(".//script[@type='application/ld+json']")
        assert len(told) == bool(site)
    steps = json.loads(told[0].text)["itemListElement"]
    assert [one["item"] for one in steps][-1] == f"https://example.gov.cn/map/{path_of(code)}"
    assert [one["position"] for one in steps] == [1, 2, 3, 4]


# --- the map's page ---------------------------------------------------------------------------


def test_the_maps_page_starts_its_script_and_is_a_page_without_it(small: Edition) -> None:
    facts = Facts.of(small)
    for text, embedded in (
        (index_page(small, facts, SHOWN), False),
        (embed_page(small, facts, SHOWN), True),
    ):
        tree = tree_of(text)
        boot = json.loads(tree.get_element_by_id("bangfu-atlas").text)
        assert boot == {
            "base": "",
            "atlas": "d/atlas.json",
            "later": "a/2.js",
            "region": "",
            "embed": embedded,
        }
        told = json.loads(tree.get_element_by_id("bangfu-words").text)
        assert set(told) == {"public", "map", "portal"}
        assert told["map"]["legend.title"] == "图例"
        scripts = [one for one in tree.iter("script") if one.get("type") is None]
        assert [one.get("src") for one in scripts] == ["a/1.js"]
        assert all(one.get("defer") is not None for one in scripts)
        csp = tree.find(".//meta[@http-equiv]").get("content")
        assert "unsafe" not in csp
        assert "worker-src blob:" in csp
        # All that is visible but the skip link lies in what the script takes over.
        body = tree.find("body")
        assert [one.tag for one in body] == ["a", "div"]
        assert tree.find(".//div[@id='bangfu-first']/svg") is not None
    links = [one for one in audit.links(index_page(small)) if one.startswith("r/")]
    assert {path_of(one.code) for one in small.children(small.root.code)} <= set(links)


def test_a_tree_of_two_levels_lists_its_leaves(tiny: Edition) -> None:
    links = set(audit.links(list_page(tiny)))
    assert {path_of(code) for code in tiny.regions("parish")["code"]} <= links
    assert "境" not in words(tree_of(list_page(tiny)).find(".//h1"))


def test_the_list_leads_to_everything_above_the_leaves(small: Edition) -> None:
    links = set(audit.links(list_page(small)))
    for level in ("city", "district", "town"):
        assert {path_of(code) for code in small.regions(level)["code"]} <= links
    # And from a town's page to each of its villages and to the map of it.
    for town in small.regions("town")["code"]:
        links = set(audit.links(region_page(small, town)))
        assert {f"{one.code}.html" for one in small.children(town)} <= links
        assert f"../index.html?region={town}" in links


# --- hostile texts ----------------------------------------------------------------------------


def inert(text: str) -> None:
    """Nothing in a page runs but the scripts that we name."""
    tree = tree_of(text)
    for one in tree.iter():
        if not isinstance(one.tag, str):
            continue
        assert one.tag not in ("img", "iframe", "object", "style"), one.tag
        assert not [name for name in one.attrib if name.startswith("on")]
        if one.tag == "script" and one.get("src") is None:
            assert "json" in one.get("type")
            json.loads(one.text)
    assert "{{7*7}}" in text or "{{7*7}}" in tree.text_content() or "49" not in text


def test_hostile_names_are_only_text(renamed: Callable[[str], Edition]) -> None:
    edition = renamed(HOSTILE)
    region = edition.at("village", 0)
    assert region.name == HOSTILE
    facts = Facts(
        site_url="https://example.gov.cn",
        contact=HOSTILE,
        watermark=HOSTILE,
        withdrawn=(Withdrawn("x", HOSTILE, HOSTILE, ""),),
    )
    pages = Pages(edition, facts)
    for text in (
        pages.region(region.code),
        pages.region(edition.at("village", 1).code),
        pages.region(region.parent),
        pages.index(),
        pages.embed(),
        pages.about(),
        pages.contents(),
    ):
        inert(text)
        assert "<img src=x" not in text
    page = tree_of(pages.region(region.code))
    assert page.find(".//h1").text_content() == HOSTILE
    assert HOSTILE in page.find(".//title").text_content()
    assert HOSTILE in page.find(".//meta[@name='description']").get("content")


def test_hostile_declarations_are_only_text(small: Edition) -> None:
    def spoil(node: Any) -> Any:
        if isinstance(node, dict):
            keys = (
                "label",
                "definition",
                "title",
                "programme",
                "note",
                "years",
                "unit",
                "all_label",
                "numerator_label",
                "denominator_label",
                "family",
                "licence",
                "approval_number",
            )
            return {
                key: value + HOSTILE if key in keys and isinstance(value, str) else spoil(value)
                for key, value in node.items()
            }
        return [spoil(one) for one in node] if isinstance(node, list | tuple) else node

    told = spoil(small.space.model_dump(by_alias=True))
    edition = other(small, space=Workspace.model_validate(told))
    pages = Pages(edition)
    for text in (
        pages.region(edition.root.code),
        pages.region(edition.at("village", 0).code),
        pages.index(),
        pages.embed(),
        pages.about(),
        pages.contents(),
    ):
        inert(text)


# --- style ------------------------------------------------------------------------------------


def test_the_style_sheet_is_understood_by_chromium_80() -> None:
    css = re.sub(r"/\*.*?\*/", "", (ASSETS / "public" / "pages.css").read_text("utf-8"), flags=re.S)
    for word in (
        "inset:",
        "aspect-ratio",
        ":is(",
        ":where(",
        ":has(",
        "gap:",
        "dvh",
        "@layer",
        "oklch",
    ):
        assert word not in css, word
    for word in ("url(", "@import"):
        assert word not in css, word
    assert "@media print" in css

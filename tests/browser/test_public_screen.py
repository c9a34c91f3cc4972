"""The static map as people use it: go down and back, filter, play, search, read, take along, share.

The bundle lies below a path of a server that knows nothing but files. Every page must stay silent
in its console, and ask for nothing outside its own folder.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from PIL import Image

from geodata.edition import Edition
from geodata.vocabulary import Status
from geodata.words import say
from tests.browser.public_fixture import (
    CONTACT,
    FIRST,
    GONE,
    PLACE,
    hosting,
    outside,
    paths,
    suppress,
    withhold,
    write,
)

Visit = Callable[..., Any]

CITY, DISTRICT = "990000000000", "990002000000"
"""The root, and 中洲区."""
HIDDEN = 1
"""Position of the district whose values were suppressed in `protected`."""
INCOME = "collective_income"
SIZES = [(1920, 1080), (1024, 768), (360, 740), (320, 640)]


@dataclass(frozen=True)
class Hosted:
    """A bundle on its server."""

    address: str
    folder: Path


@pytest.fixture(scope="module")
def root(small_edition: Edition, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("public")
    write(small_edition, found)
    return found


@pytest.fixture(scope="module")
def hosted(root: Path) -> Iterator[Hosted]:
    with hosting(root) as address:
        yield Hosted(address, root / PLACE)


@pytest.fixture(scope="module")
def protected(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """The same with a district's income suppressed, and income not published for towns."""
    own = tmp_path_factory.mktemp("protected") / "site"
    shutil.copytree(root, own)
    suppress(own / PLACE, "r3", INCOME, "district", HIDDEN)
    withhold(own / PLACE, INCOME, "town")
    with hosting(own) as address:
        yield Hosted(address, own / PLACE)


@pytest.fixture
def open_at(hosted: Hosted, visit: Visit) -> Iterator[Callable[..., Any]]:
    """Opens a view, waits until it is whole; afterwards nothing was asked for elsewhere."""
    opened = []

    def open_view(query: str = "", page: str = "", **options: Any) -> Any:
        seen = visit(hosted.address + page + query, **options)
        seen.ready(FIRST)
        opened.append(seen)
        return seen

    yield open_view
    for seen in opened:
        assert outside(seen.requests, hosted.address) == []


def name_of(edition: Edition, code: str) -> str:
    return edition.region(code).name


# ---- the first map ----


def test_the_first_map_needs_no_search_no_chunk_and_no_mesh(open_at: Visit, hosted: Hosted) -> None:
    seen = open_at()
    seen.page.wait_for_timeout(800)
    asked = paths(seen.requests, hosted.address)
    assert not [path for path in asked if path.startswith(("d/search", "d/r/", "d/mesh", "d/s/"))]
    assert [path for path in asked if path.startswith("d/v/")]
    later = [path for path in asked if path.startswith("a/later")]
    assert len(later) == 1


def test_the_page_says_where_it_is_and_what_it_shows(
    open_at: Visit, small_edition: Edition
) -> None:
    seen = open_at()
    assert seen.page.title().startswith(f"全市 · 集体收入 · {small_edition.space.atlas.title}")
    live = seen.page.locator(".notices [role=status]").first
    assert live.text_content().startswith("已显示全市，集体收入，2021年12月：")
    assert seen.page.locator("[role=main]").count() == 1
    assert seen.page.locator("h1").count() == 1


# ---- going down and back ----


def test_down_by_the_table_and_up_by_breadcrumb_back_and_escape(
    open_at: Visit, small_edition: Edition
) -> None:
    seen = open_at()
    page = seen.page
    page.locator("#ranking").get_by_role("link", name="中洲区", exact=True).click()
    seen.painted(region=DISTRICT, level="town")
    assert page.locator("#crumbs li").all_inner_texts() == ["全市", "中洲区"]
    town = small_edition.children(DISTRICT)[0]
    page.locator("#ranking").get_by_role("link", name=town.name, exact=True).click()
    seen.painted(region=town.code, level="village")
    page.keyboard.press("Escape")
    seen.painted(region=DISTRICT)
    page.locator("#crumbs").get_by_role("link", name="全市").click()
    seen.painted(region=CITY)
    page.go_back()
    seen.painted(region=DISTRICT)
    assert f"region={DISTRICT}" in page.url


def test_a_click_on_the_map_goes_down_to_a_village(open_at: Visit, small_edition: Edition) -> None:
    seen = open_at()
    for level, below in (("district", "town"), ("town", "village"), ("village", "village")):
        place = seen.page.evaluate(
            """level => {
              const { atlas } = window.bangfu.public;
              const inside = Array.from(atlas.known.values()).filter(
                (one) => one.level === level && window.bangfu.public.here(one));
              const map = window.bangfu.map, box = map.getCanvas().getBoundingClientRect();
              const { x, y } = map.project([inside[0].lon, inside[0].lat]);
              return { x: box.left + x, y: box.top + y, code: inside[0].code };
            }""".replace(
                "window.bangfu.public.here(one)",
                "one.parent === window.bangfu.painted.region",
            ),
            level,
        )
        seen.page.wait_for_timeout(900)  # the camera rests
        seen.page.mouse.click(place["x"], place["y"])
        seen.painted(region=place["code"], level=below)


def test_a_link_shows_elsewhere_what_it_showed_here(open_at: Visit) -> None:
    query = f"?round=r3&measure={INCOME}&period=2021-09&region={DISTRICT}&level=village&off=255"
    seen = open_at(query)
    shown = seen.painted(region=DISTRICT, level="village", measure=INCOME)
    assert shown["period"] == 2
    assert seen.page.locator(".atlas-time-now").inner_text() == "2021年9月"
    assert seen.page.locator("#legend [data-class='255']").get_attribute("aria-pressed") == "false"


def test_what_a_link_gets_wrong_is_said_and_led_out_of(
    open_at: Visit, visit: Visit, hosted: Hosted
) -> None:
    seen = visit(hosted.address + "?region=123456")
    problem = seen.page.locator(".problem")
    problem.wait_for()
    assert say("public.problem.region", value="123456") in problem.inner_text()
    problem.get_by_role("link").click()
    seen.painted(region=CITY)


# ---- what is shown ----


def test_the_legend_filters_and_the_address_remembers(open_at: Visit) -> None:
    seen = open_at()
    seen.page.locator("#legend [data-class='255']").click()
    seen.page.wait_for_function("() => location.search.includes('off=255')")
    seen.page.locator("#legend .atlas-link").click()
    seen.page.wait_for_function("() => !location.search.includes('off=')")


def test_measure_round_and_level_are_chosen_from_the_bars(open_at: Visit) -> None:
    seen = open_at()
    page = seen.page
    page.locator(".measure-now").click()
    page.locator(".popover.measures").get_by_role("link", name="收入达标").click()
    seen.painted(measure="income_met")
    page.locator(".segments").get_by_role("link", name="村", exact=True).click()
    seen.painted(level="village")
    page.locator(".round select").select_option("r2")
    seen.painted(round="r2")


def test_playing_fetches_the_mesh_then_and_not_before(open_at: Visit, hosted: Hosted) -> None:
    seen = open_at()

    def meshes() -> list[str]:
        return [path for path in paths(seen.requests, hosted.address) if path.startswith("d/mesh")]

    assert meshes() == []
    seen.page.locator(".atlas-play").click()
    seen.painted(period=1)
    assert len(meshes()) == 1
    seen.page.locator(".atlas-play").click()
    seen.page.wait_for_function("() => location.search.includes('period=')")


@pytest.mark.parametrize("text", ["石桥镇", "shiqiao", "sqz", "{code}"])
def test_the_search_finds_by_name_pinyin_initials_and_code(
    open_at: Visit, small_edition: Edition, text: str
) -> None:
    town = next(one for one in small_edition.search("石桥镇") if one.name == "石桥镇")
    seen = open_at()
    seen.page.keyboard.press("/")
    seen.page.keyboard.type(text.format(code=town.code[:9]))
    seen.page.locator("#search-list [role=option]", has_text="石桥镇").first.wait_for()
    seen.page.keyboard.press("Enter")
    seen.painted(region=town.code)


def test_the_table_stands_for_the_map_and_has_the_editions_values(
    open_at: Visit, small_edition: Edition
) -> None:
    seen = open_at("?level=district")
    page = seen.page
    page.get_by_role("button", name=say("portal.actions.table_title")).click()
    rows = page.locator("#table tbody tr")
    rows.first.wait_for()
    values = small_edition.values(INCOME, "r3", "district").value[-1]
    shown = {
        row.locator("th").inner_text(): row.locator(".number").inner_text()
        for row in rows.all()
        if row.locator(".number").count()
    }
    right = {
        one.name: f"{values[one.position]:.2f}"
        for one in small_edition.children(CITY)
        if not np.isnan(values[one.position])
    }
    assert shown == right
    assert "table=1" in page.url
    page.reload()
    page.locator("#table tbody tr").first.wait_for()


def test_the_chart_has_its_numbers_beside_it(open_at: Visit, small_edition: Edition) -> None:
    seen = open_at()
    series = seen.page.locator(".series")
    assert "2021年7月" in series.locator("svg").get_attribute("aria-label")
    series.locator("summary").click()
    values = small_edition.values(INCOME, "r3", "city").value[:, 0]
    told = [row.locator("td").first.inner_text() for row in series.locator("tbody tr").all()]
    assert told == [f"{value:.2f}" for value in values]


# ---- small numbers, levels, withdrawals ----


def test_a_suppressed_value_is_neither_a_number_nor_a_gap(
    protected: Hosted, visit: Visit, small_edition: Edition
) -> None:
    seen = visit(protected.address + "?level=district")
    seen.ready(FIRST)
    page = seen.page
    word = say("map.status.suppressed")
    row = page.locator("#legend [data-class='252']")
    row.wait_for()
    assert word in row.inner_text() and row.locator(".atlas-class-count").inner_text() == "1"
    name = small_edition.at("district", HIDDEN).name
    ranked = page.locator("#ranking tbody tr", has_text=name)
    assert ranked.locator(".absent").inner_text() == word
    assert (
        page.evaluate("() => window.bangfu.map.getLayoutProperty('cross-district', 'visibility')")
        == "visible"
    )
    code = small_edition.at("district", HIDDEN).code
    page.goto(f"{protected.address}?region={code}")
    seen.ready(FIRST)
    assert page.locator(".hero.nothing").inner_text() == word


def test_a_level_that_is_not_published_is_named_and_not_hatched(
    protected: Hosted, visit: Visit
) -> None:
    seen = visit(f"{protected.address}?region={DISTRICT}")
    seen.ready(FIRST)
    text = say("public.panel.not_at_level", measure="集体收入", level="镇")
    assert text in seen.page.locator("#panel").inner_text()
    assert text in seen.page.locator(".legend-dock").inner_text()
    assert "未上报" not in seen.page.locator("#ranking").inner_text()
    assert seen.page.locator("#ranking a").count() == 2


def test_a_withdrawn_measure_leaves_its_sentence(
    open_at: Visit, visit: Visit, hosted: Hosted
) -> None:
    seen = open_at()
    seen.page.locator(".measure-now").click()
    gone = seen.page.locator(".popover.measures .withdrawn")
    assert GONE.label in gone.inner_text() and GONE.sentence in gone.inner_text()
    seen = visit(hosted.address + f"?measure={GONE.id}")
    seen.page.locator(".problem").wait_for()
    assert GONE.sentence in seen.page.locator(".problem").inner_text()


def test_the_panel_says_where_the_figures_come_from_and_whom_to_tell(open_at: Visit) -> None:
    text = open_at().page.locator(".notes").inner_text()
    for part in ("演示数据", "2021年12月", CONTACT, say("public.notes.no_approval")):
        assert part in text


# ---- downloads ----


def take(seen: Any, name: str) -> tuple[str, bytes]:
    """Take a file by the dialog; its name and bytes."""
    page = seen.page
    if not page.locator("#take[open]").count():
        page.get_by_role("button", name=say("public.screen.take_title")).click()
    with page.expect_download() as waiting:
        page.locator("#take").get_by_role("button", name=say(f"public.take.{name}")).click()
    found = waiting.value
    return found.suggested_filename, Path(found.path()).read_bytes()


VIEWS = [("", CITY, "district"), (f"?region={DISTRICT}&level=village", DISTRICT, "village")]


@pytest.mark.parametrize(("query", "code", "level"), VIEWS)
def test_the_csv_holds_the_editions_values_and_says_what_they_are(
    open_at: Visit, small_edition: Edition, query: str, code: str, level: str
) -> None:
    name, data = take(open_at(query), "csv")
    assert name.endswith(".csv") and data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    notes = {row[0]: row[1] for row in rows if row and row[0].startswith("# ")}
    assert notes["# 来源"] and notes["# 数据截至"] == small_edition.cutoff
    assert notes["# 数据版本"] == small_edition.id
    start = next(n for n, row in enumerate(rows) if row and row[0] == "代码")
    head, body = rows[start], rows[start + 1 :]
    assert head[5] == "数值（万元）"
    values = small_edition.values(INCOME, "r3", level)
    places = small_edition.descendants(code, level)
    assert len(body) == len(places) * len(values.periods)
    for row in body:
        at = small_edition.region(row[0]).position
        period = values.periods.index(row[3])
        right = values.value[period, at]
        assert row[5] == ("" if np.isnan(right) else f"{right:g}")
        assert row[-1] == say("portal.status." + Status(values.status[period, at]).word)
        assert row[8:11] == [
            str(int(part[period, at]))
            for part in (values.reported, values.expected, values.verified)
        ]
    assert {row[0] for row in body} == {small_edition.at(level, int(at)).code for at in places}


def test_the_workbook_opens_and_holds_the_same(open_at: Visit, small_edition: Edition) -> None:
    name, data = take(open_at("?level=town"), "xlsx")
    assert name.endswith(".xlsx")
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames[:2] == ["数值", "状态"] and book.sheetnames[-1] == "说明"
    values = small_edition.values(INCOME, "r3", "town")
    rows = list(book["数值"].iter_rows(values_only=True))
    assert rows[0][3:] == tuple(f"2021年{month}月" for month in range(7, 13))
    for row in rows[1:]:
        at = small_edition.region(str(row[0])).position
        for period, told in enumerate(row[3:]):
            right = values.value[period, at]
            word = say("portal.status." + Status(values.status[period, at]).word)
            assert told == (word if np.isnan(right) else pytest.approx(right))
    notes = dict(row[:2] for row in book["说明"].iter_rows(values_only=True))
    assert notes["数据截至"] == small_edition.cutoff and notes["发现数字有误"] == CONTACT


@pytest.mark.parametrize(("query", "code", "level"), VIEWS)
def test_the_geojson_has_every_regions_shape_and_values(
    open_at: Visit, small_edition: Edition, query: str, code: str, level: str
) -> None:
    name, data = take(open_at(query), "geojson")
    assert name.endswith(".geojson")
    told = json.loads(data)
    values = small_edition.values(INCOME, "r3", level)
    assert {one["properties"]["code"] for one in told["features"]} == {
        small_edition.at(level, int(at)).code for at in small_edition.descendants(code, level)
    }
    for one in told["features"]:
        assert one["geometry"]["type"] in ("Polygon", "MultiPolygon")
        right = values.value[-1, small_edition.region(one["properties"]["code"]).position]
        assert one["properties"]["2021-12"] == (None if np.isnan(right) else pytest.approx(right))
    assert told["notes"]["数据截至"] == small_edition.cutoff


def test_suppressed_values_are_in_no_file(
    protected: Hosted, visit: Visit, small_edition: Edition
) -> None:
    seen = visit(protected.address)
    seen.ready(FIRST)
    _, data = take(seen, "csv")
    code = small_edition.at("district", HIDDEN).code
    rows = [row for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))) if row[:1] == [code]]
    assert rows and all(row[5] == "" and row[-1] == say("map.status.suppressed") for row in rows)


def test_the_picture_carries_all_that_a_map_must(open_at: Visit, small_edition: Edition) -> None:
    seen = open_at()
    name, data = take(seen, "png")
    assert name.endswith(".png")
    with Image.open(io.BytesIO(data)) as image:
        assert image.width > 500 and image.height > 500
        colours = image.convert("RGB").getcolors(1 << 24)
    assert len(colours) > 100  # it is a drawing, not an empty canvas
    told = seen.page.evaluate(
        """async () => {
          const { atlas, picture, comfort, part, take } = window.bangfu.public;
          const words = comfort.words().public;
          const made = await take.compose(
            atlas, await picture(atlas, ""), null, part(words, "take"), part(words, "notes"));
          return made.told;
        }"""
    )
    text = " ".join(told)
    for part in (
        "全市 · 集体收入", "2021年12月", "来源", say("public.notes.no_approval"), "DEMO",
        "10–20", say("map.legend.missing"), "中洲区", "数据截至",
    ):  # fmt: skip
        assert part in text


# ---- sharing and embedding ----


def test_the_share_dialog_gives_a_link_and_a_locked_snippet(open_at: Visit, hosted: Hosted) -> None:
    seen = open_at(f"?region={DISTRICT}")
    page = seen.page
    page.get_by_role("button", name=say("public.screen.share_title")).click()
    assert page.locator("#share-link").input_value() == f"{hosted.address}?region={DISTRICT}"
    snippet = page.locator("#share-embed").input_value()
    assert f'src="{hosted.address}embed.html?' in snippet and "lock=region,measure" in snippet
    page.locator("#share").get_by_role("checkbox").first.uncheck()
    assert "lock=measure" in page.locator("#share-embed").input_value()
    page.keyboard.press("Escape")
    page.locator("#share").wait_for(state="detached")
    held = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert held == say("public.screen.share_title")  # the focus is where it was


def test_an_embedded_map_stays_what_it_is_locked_to(open_at: Visit) -> None:
    query = f"?measure={INCOME}&region={DISTRICT}&lock=region,measure"
    seen = open_at(query, "embed.html", width=700, height=480)
    page = seen.page
    seen.painted(region=DISTRICT)
    for absent in (".search", "#ranking", "#crumbs", ".measure-now", ".tool", "#panel"):
        assert page.locator(absent).count() == 0
    assert "集体收入" in page.locator("h1").inner_text()
    box = page.locator("#map canvas").first.bounding_box()
    # The map takes what head, time bar and foot leave.
    assert box["height"] > 240
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.keyboard.press("Escape")
    page.wait_for_timeout(700)
    assert page.evaluate("() => window.bangfu.painted.region") == DISTRICT
    assert f"region={DISTRICT}" in page.url
    link = page.locator(".embed-foot a")
    assert link.get_attribute("href").endswith(f"index.html?measure={INCOME}&region={DISTRICT}")
    assert link.get_attribute("target") == "_blank"


def test_an_embedded_map_that_is_not_locked_goes_down(open_at: Visit) -> None:
    seen = open_at(page="embed.html", width=700, height=480)
    assert seen.page.locator(".measure-now").count() == 1
    place = seen.page.locator("#map canvas").first.bounding_box()
    seen.page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    seen.painted(level="town")


# ---- for everyone ----


def test_everything_by_keyboard(open_at: Visit) -> None:
    seen = open_at()
    page = seen.page

    def reach(condition: str, most: int = 60) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate(f"() => {{ const e = document.activeElement; return {condition}; }}"):
                return
        pytest.fail(f"not reached by Tab: {condition}")

    reach("e.classList.contains('measure-now')")
    page.keyboard.press("Enter")
    reach("e.textContent.includes('收入达标')")
    page.keyboard.press("Enter")
    seen.painted(measure="income_met")
    reach("e.closest('#ranking tbody') !== null", 80)
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    seen.painted(level="town")
    page.keyboard.press("Escape")
    seen.painted(region=CITY)
    page.locator("#time input").focus()
    page.keyboard.press("ArrowLeft")
    seen.painted(period=4)


def test_large_type_and_fewer_things_stay_with_the_reader(open_at: Visit) -> None:
    seen = open_at()
    page = seen.page
    size = "() => parseFloat(getComputedStyle(document.documentElement).fontSize)"
    before = page.evaluate(size)
    tools = page.locator(".tool:visible").count()
    page.get_by_role("button", name=say("public.screen.elder_on")).click()
    page.wait_for_function(f"before => ({size})() >= 1.25 * before", arg=before)
    assert page.evaluate(size) / before <= 1.5
    assert page.locator(".tool:visible").count() < tools
    page.wait_for_function("() => location.search.includes('elder=1')")
    page.goto(page.url.split("?")[0])
    seen.ready(FIRST)
    page.wait_for_function(f"before => ({size})() >= 1.25 * before", arg=before)
    page.get_by_role("button", name=say("public.screen.elder_off")).click()
    page.wait_for_function(f"before => ({size})() === before", arg=before)


def test_traditional_characters_everywhere_and_back(open_at: Visit) -> None:
    seen = open_at()
    page = seen.page
    before = page.locator("body").inner_text()
    page.get_by_role("button", name=say("public.screen.traditional")).click()
    page.wait_for_function("() => document.documentElement.lang === 'zh-Hant'")
    page.wait_for_function("() => document.body.innerText.includes('中洲區')")
    text = page.locator("body").inner_text()
    for part in ("雲澤市幫扶一張圖", "集體收入", "萬元", "沒有數據", "長者模式", "數據截至"):
        assert part in text
    left = set("云泽帮张图体万没数据长缩选发现") & set(text)
    assert left == set()
    assert "script=hant" in page.url
    page.locator("#search-input").fill("西川區")
    page.locator("#search-list [role=option]", has_text="西川區").wait_for()
    page.locator("#search-input").fill("")
    page.get_by_role("button").filter(has_text="简").click()
    page.wait_for_function("() => document.documentElement.lang === 'zh-CN'")
    page.wait_for_function("() => document.body.innerText.includes('中洲区')")
    assert page.locator("body").inner_text() == before


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("look", ["light", "dark"])
def test_number_of_review_and_watermark_are_seen_at_every_size(
    open_at: Visit, size: tuple[int, int], look: str
) -> None:
    seen = open_at(f"?look={look}", width=size[0], height=size[1])
    page = seen.page
    notice = page.locator(".atlas-approval")
    assert notice.inner_text() == say("public.notes.no_approval")
    box, pane = notice.bounding_box(), page.locator("#map").bounding_box()
    assert box["x"] >= pane["x"] and box["x"] + box["width"] <= pane["x"] + pane["width"] + 1
    assert box["y"] + box["height"] <= pane["y"] + pane["height"] + 1
    top = page.evaluate(
        "b => document.elementsFromPoint(b.x + 4, b.y + b.height / 2).some("
        "(e) => e.classList.contains('atlas-map') || e.closest('.atlas-map') !== null)",
        box,
    )
    assert top
    assert page.locator(".watermark").is_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_the_reader_without_webgl_has_the_figures(hosted: Hosted, visit: Visit) -> None:
    seen = visit("about:blank")
    seen.page.add_init_script(
        "HTMLCanvasElement.prototype.getContext = new Proxy("
        "HTMLCanvasElement.prototype.getContext, { apply: (f, self, args) =>"
        " /webgl/.test(args[0]) ? null : Reflect.apply(f, self, args) });"
    )
    seen.page.goto(hosted.address)
    seen.page.locator("#ranking tbody tr").first.wait_for()
    assert seen.page.locator(".atlas-message").inner_text() == say("map.no_webgl")
    seen.said.clear()  # MapLibre says what it lacks


def test_no_script_or_style_is_newer_than_chromium_80() -> None:
    home = Path(__file__).parents[2] / "assets"
    scripts = [*home.glob("[1-5]*.js"), *home.glob("public/*.js")]
    for path in scripts:
        text = path.read_text("utf-8")
        for word in ("??=", "||=", "&&=", ".replaceAll(", ".at(-", "static {", "structuredClone"):
            assert word not in text, (path.name, word)
        assert " this.#" not in text, path.name
    for path in home.glob("public/public.css"):
        text = path.read_text("utf-8")
        for word in (":is(", ":where(", "inset:", "aspect-ratio", "@layer", ":has("):
            assert word not in text, (path.name, word)

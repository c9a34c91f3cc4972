"""What a reader of the portal sees: going down and back, one address one picture, by key alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from geodata.edition import Edition

Visit = Callable[..., Any]

ROOT = "990000000000"
DISTRICT, TOWN, VILLAGE = "990002000000", "990002901000", "990002901001"
PATH = (("中洲区", DISTRICT), ("柳湾镇", TOWN), ("孙家村", VILLAGE))


def place(seen: Any) -> str:
    """The region that the panel speaks about."""
    return str(seen.page.locator(".region-name").inner_text())


def down(seen: Any, name: str, code: str) -> None:
    seen.page.locator("#ranking").get_by_role("link", name=name, exact=True).click()
    seen.painted(region=code)


def asked(seen: Any) -> list[str]:
    """Everything but the poll for a new edition and the page's icon."""
    return [u for u in seen.requests if "/healthz" not in u and "favicon" not in u]


def query(seen: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(seen.page.url).query)


def wait_for(seen: Any, condition: str) -> None:
    seen.page.wait_for_function(f"() => {condition}")


def test_list_leads_to_a_village_and_back_leads_home(served: str, visit: Visit) -> None:
    seen = visit(served)
    seen.painted(region=ROOT)
    for name, code in PATH:
        down(seen, name, code)
        assert place(seen) == name
        assert query(seen)["region"] == [code]
    crumbs = seen.page.locator("#crumbs li").all_inner_texts()
    assert crumbs == ["全市", *[name for name, _ in PATH]]
    for name, code in (PATH[1], PATH[0]):
        seen.page.go_back()
        seen.painted(region=code)
        assert place(seen) == name
    seen.page.go_back()
    seen.painted(region=ROOT)
    assert place(seen) == "全市"


def test_click_on_the_map_goes_down(served: str, visit: Visit) -> None:
    seen = visit(served)
    seen.painted(region=ROOT)
    point = seen.page.evaluate(
        """() => {
          const map = window.bangfu.map;
          const at = map.project(map.getCenter());
          const box = map.getCanvas().getBoundingClientRect();
          return [box.left + at.x, box.top + at.y - 8];
        }"""
    )
    seen.page.mouse.click(*point)
    wait_for(seen, "window.location.search.includes('region=')")
    assert query(seen)["region"][0].startswith("99000")


def test_going_down_is_one_round_trip(served: str, visit: Visit) -> None:
    seen = visit(served)
    seen.painted(region=ROOT)
    wait_for(seen, "document.querySelector('#details .graph')")
    seen.requests.clear()
    down(seen, *PATH[0])
    before_paint = [u for u in asked(seen) if "_dash-update-component" in u]
    # The second, for charts and sentences, is sent once the map is painted.
    assert len(before_paint) <= 2


def test_plotly_comes_after_the_map(served: str, visit: Visit) -> None:
    seen = visit(served)
    seen.painted(region=ROOT)
    wait_for(seen, "document.querySelector('#details .js-plotly-plot')")
    names = [urlsplit(u).path for u in seen.requests]
    values = next(n for n, path in enumerate(names) if path.startswith("/data/"))
    plotly = next(n for n, path in enumerate(names) if "plotly" in path)
    assert values < plotly


def test_escape_goes_up(served: str, visit: Visit) -> None:
    seen = visit(f"{served}/?region={TOWN}")
    seen.painted(region=TOWN)
    seen.page.keyboard.press("Escape")
    seen.painted(region=DISTRICT)
    assert place(seen) == "中洲区"


def test_breadcrumb_goes_up(served: str, visit: Visit) -> None:
    seen = visit(f"{served}/?region={VILLAGE}")
    seen.painted(region=VILLAGE)
    seen.page.locator("#crumbs").get_by_role("link", name="中洲区").click()
    seen.painted(region=DISTRICT)


def test_pasted_address_shows_the_same_view(served: str, visit: Visit) -> None:
    one = visit(f"{served}/?region={DISTRICT}")
    one.painted(region=DISTRICT)
    one.settle()
    slider = one.page.locator("#time input")
    slider.focus()
    slider.press("ArrowLeft")
    wait_for(one, "/period=2021-11/.test(window.location.search)")
    one.page.locator("#legend .atlas-class").first.click()
    wait_for(one, "/period=2021-11.*off=0/.test(window.location.search)")

    def told(seen: Any) -> list[object]:
        return [
            place(seen),
            seen.page.locator(".headline-label").inner_text(),
            seen.page.locator(".hero").inner_text(),
            seen.page.locator("#legend .atlas-class").all_inner_texts(),
            seen.page.locator("#ranking tbody tr").all_inner_texts(),
            [b.get_attribute("aria-pressed") for b in seen.page.locator(".atlas-class").all()],
        ]

    two = visit(one.page.url)
    two.painted(region=DISTRICT, period=4)
    # Legend and ranking come when their values have arrived, which the map doesn't wait for.
    for _ in range(40):
        if told(two) == told(one):
            break
        two.page.wait_for_timeout(250)
    assert told(two) == told(one)


def test_back_restores_the_period(served: str, visit: Visit) -> None:
    seen = visit(f"{served}/?period=2021-09")
    seen.painted(region=ROOT, period=2)
    down(seen, *PATH[0])
    seen.painted(region=DISTRICT, period=2)
    slider = seen.page.locator("#time input")
    slider.focus()
    slider.press("ArrowRight")
    seen.painted(region=DISTRICT, period=3)
    wait_for(seen, "window.location.search.includes('2021-10')")
    seen.page.go_back()
    seen.painted(region=ROOT, period=2)
    assert seen.page.locator(".headline-label .period").inner_text() == "2021年9月"


def test_play_fetches_the_mesh_and_nothing_else(served: str, visit: Visit) -> None:
    seen = visit(f"{served}/?period=2021-07")
    seen.painted(period=0)
    wait_for(seen, "document.querySelector('#details .js-plotly-plot')")
    seen.requests.clear()
    seen.page.locator(".atlas-play").click()
    seen.painted(period=5)
    wait_for(seen, "!window.location.search.includes('period=')")
    assert [url for url in asked(seen) if not url.endswith("/mesh.bin")] == []
    assert len(asked(seen)) == 1


def test_nothing_leaves_the_host(served: str, visit: Visit) -> None:
    seen = visit(served)
    seen.painted(region=ROOT)
    down(seen, *PATH[0])
    wait_for(seen, "document.querySelector('#details .js-plotly-plot')")
    host = urlsplit(served).netloc
    outside = [u for u in seen.requests if urlsplit(u).netloc != host]
    assert [u for u in outside if not u.startswith(("blob:", "data:"))] == []


@pytest.mark.parametrize("path", ["/", f"/?region={VILLAGE}", "/maps", "/?region=nowhere"])
def test_phone_scrolls_down_only(served: str, visit: Visit, path: str) -> None:
    seen = visit(served + path, width=360, height=740)
    if path.startswith("/maps"):
        seen.page.locator(".card").first.wait_for()
    elif "nowhere" in path:
        seen.page.locator(".problem").wait_for()
    else:
        seen.painted()
    assert seen.page.evaluate("() => document.documentElement.scrollWidth") <= 360


def test_keyboard_alone_reaches_a_village(served: str, visit: Visit) -> None:
    seen = visit(served)
    seen.painted(region=ROOT)
    for name, code in PATH:
        link = seen.page.locator("#ranking").get_by_role("link", name=name, exact=True)
        link.wait_for()
        for _ in range(60):
            seen.page.keyboard.press("Tab")
            if seen.page.evaluate("() => document.activeElement.innerText") == name:
                break
        assert link.evaluate("node => node === document.activeElement")
        seen.page.keyboard.press("Enter")
        seen.painted(region=code)
        # Reading goes on where the new region begins.
        assert seen.page.evaluate("() => document.activeElement.innerText") == name


def test_skip_link_comes_first(served: str, visit: Visit) -> None:
    seen = visit(served)
    seen.painted(region=ROOT)
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("() => document.activeElement.className") == "skip"
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate("() => document.activeElement.id") == "panel"


@pytest.mark.parametrize("text", ["sjc", "sunjia", "孙家", VILLAGE])
def test_search_finds_by_initials_pinyin_name_and_code(
    served: str, visit: Visit, text: str
) -> None:
    seen = visit(served)
    seen.painted(region=ROOT)
    seen.page.keyboard.press("/")
    seen.page.keyboard.type(text)
    option = seen.page.get_by_role("option").first
    option.wait_for()
    assert "孙家村" in option.inner_text()
    assert "柳湾镇" in option.inner_text()
    seen.page.keyboard.press("Enter")
    seen.painted(region=VILLAGE)


def test_legend_counts_equal_the_api(served: str, visit: Visit) -> None:
    seen = visit(served)
    seen.painted(region=ROOT)
    seen.page.locator("#ranking .number").first.wait_for()
    rows = seen.page.evaluate(
        """async () => (await (await fetch(
          '/api/v1/values/collective_income?level=district&round=r3')).json()).rows"""
    )
    values = [row["value"] for row in rows]
    bounds = [0, 0.01, 5, 10, 20, float("inf")]
    expected = [
        sum(v is not None and low <= v < high for v in values) for low, high in pairwise(bounds)
    ]
    expected.append(sum(v is None for v in values))
    shown = [int(t) for t in seen.page.locator("#legend .atlas-class-count").all_inner_texts()]
    assert shown == expected


def test_ranking_says_how_many_reported(served: str, visit: Visit, small_edition: Edition) -> None:
    seen = visit(served)
    seen.painted(region=ROOT)
    values = small_edition.values("collective_income", "r3", "district")
    notes = [
        f"{values.reported[-1][n]}/{values.expected[-1][n]} 上报"
        for n in range(3)
        if 0 < values.reported[-1][n] < values.expected[-1][n]
    ]
    seen.page.locator("#ranking .number").first.wait_for()
    assert notes and sorted(seen.page.locator(".row-note").all_inner_texts()) == sorted(notes)


def test_measure_is_chosen_from_its_theme(served: str, visit: Visit) -> None:
    seen = visit(served)
    seen.painted(measure="collective_income")
    seen.page.get_by_role("button", name="覆盖", exact=True).click()
    seen.page.locator("#toolbar-measures").get_by_role("link", name="扶持村占比").click()
    seen.painted(measure="target_share")
    assert query(seen)["measure"] == ["target_share"]
    assert "25" in seen.page.locator(".hero").inner_text()


def test_round_known_by_totals_shows_them(served: str, visit: Visit) -> None:
    seen = visit(f"{served}/?round=r1")
    seen.page.locator(".round-figures").wait_for()
    assert "困难村" in seen.page.locator(".round-figures").inner_text()
    assert not seen.page.locator("#time").is_visible()


def test_demo_data_are_called_so(served: str, visit: Visit) -> None:
    seen = visit(served)
    seen.painted(region=ROOT)
    assert seen.page.locator(".badge.demo").inner_text() == "演示数据"


def test_bad_address_is_a_sentence_and_a_way_home(served: str, visit: Visit) -> None:
    seen = visit(f"{served}/?region=nowhere")
    problem = seen.page.locator(".problem")
    problem.wait_for()
    assert "没有这个地区「nowhere」" in problem.inner_text()
    problem.get_by_role("link").click()
    seen.painted(region=ROOT)


def test_table_stands_for_the_map(served: str, visit: Visit) -> None:
    seen = visit(served)
    seen.painted(region=ROOT)
    seen.page.get_by_role("button", name="用表格看这张图").click()
    table = seen.page.locator("#table").get_by_role("table", name="全市各区的集体收入")
    table.wait_for()
    assert table.get_by_role("row").count() == 4
    table.get_by_role("link", name="中洲区").click()
    seen.painted(region=DISTRICT)


def test_village_profile_says_where_each_number_comes_from(served: str, visit: Visit) -> None:
    seen = visit(f"{served}/?region={VILLAGE}")
    seen.painted(region=VILLAGE)
    summary = seen.page.locator(".provenance summary")
    summary.wait_for()
    summary.click()
    assert seen.page.locator(".provenance tbody tr").count() > 0
    assert seen.page.locator(".items .item").count() > 0


def test_look_goes_round_and_stays(served: str, visit: Visit) -> None:
    seen = visit(served, color_scheme="light")
    seen.painted(region=ROOT)
    look = "() => document.documentElement.getAttribute('data-look')"
    button = seen.page.locator("#look")
    assert seen.page.evaluate(look) == "light"
    button.click()
    button.click()
    assert seen.page.evaluate(look) == "dark"
    seen.page.reload()
    seen.ready()
    assert seen.page.evaluate(look) == "dark"


def test_paper_has_the_map_in_light_colours(served: str, visit: Visit) -> None:
    seen = visit(f"{served}?look=dark")
    seen.painted(region=ROOT)
    wait_for(seen, "document.querySelector('.atlas-dark')")
    # A browser prints a WebGL drawing as nothing; at its sign to print a copy stands there.
    printed = seen.page.evaluate(
        """() => {
          const swatch = () => document.querySelector("#legend .atlas-swatch").style.background;
          const found = { before: swatch() };
          window.dispatchEvent(new Event("beforeprint"));
          const copy = document.querySelector(".printed-map");
          found.corner = copy.getContext("2d").getImageData(0, 0, 1, 1).data[0];
          found.printed = swatch();
          window.dispatchEvent(new Event("afterprint"));
          found.after = swatch();
          return found;
        }"""
    )
    assert printed["corner"] > 200
    assert printed["printed"] != printed["before"] == printed["after"]
    assert seen.page.pdf().startswith(b"%PDF")
    seen.page.emulate_media(media="print")
    assert seen.page.locator("#legend").is_visible()
    assert seen.page.locator("#ranking table").is_visible()
    assert not seen.page.locator(".search").is_visible()


def test_gallery_leads_to_the_map(served: str, visit: Visit) -> None:
    seen = visit(f"{served}/maps")
    card = seen.page.locator(".card", has_text="扶持村占比").first
    card.wait_for()
    wait_for(seen, "document.querySelector('.card img').naturalWidth > 0")
    assert "扶持村占比" in (card.locator("img").get_attribute("alt") or "")
    seen.page.get_by_role("link", name="缺口", exact=True).click()
    assert query(seen) == {"theme": ["gaps"]}
    assert seen.page.locator(".card", has_text="扶持村占比").count() == 0
    seen.page.go_back()
    card.get_by_role("link").click()
    seen.painted(measure="target_share")


def test_open_screen_follows_a_new_edition(
    tmp_path: Any, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from dashboard.app import create_app
    from dashboard.settings import Settings
    from geodata.build import write
    from tests.browser.conftest import serving
    from tests.worlds import small_world

    world = small_world()
    first = write(world, tmp_path)
    app = create_app(Settings(workspace=tmp_path, access="open", poll_seconds=1))
    with serving(app.server) as address:
        seen = visit(f"{address}/?region={DISTRICT}")
        seen.painted(edition=first, region=DISTRICT)
        atlas = world.space.atlas.model_copy(update={"title": "新的标题"})
        space = world.space.model_copy(update={"atlas": atlas})
        second = write(replace(world, space=space), tmp_path)
        seen.painted(edition=second, region=DISTRICT)
        assert seen.page.locator("h1").inner_text() == "新的标题"
        assert "数据已更新" in seen.page.locator(".toasts").inner_text()

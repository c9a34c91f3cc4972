"""What the outside can rely on: every path, its answer, its headers, its errors."""

from __future__ import annotations

import gzip
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from flask.testing import FlaskClient
from pmtiles.reader import MmapSource, all_tiles
from pmtiles.tile import deserialize_header

from dashboard.app import create_app
from dashboard.routes import PENS
from dashboard.settings import Settings
from geodata.edition import Edition
from layers import page
from tests.worlds import build_small

GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def empty(tmp_path: Path) -> FlaskClient:
    """A server whose workspace has no edition yet."""
    return create_app(Settings(workspace=tmp_path, access="open")).server.test_client()


# ---- health and API ----


def test_healthz_names_the_edition(client: FlaskClient, edition: Edition) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json == {"status": "ok", "edition": edition.id, "built_at": edition.built_at}
    assert answer.headers["Cache-Control"] == "no-store"


def test_without_an_edition_every_answer_says_how_to_build_one(empty: FlaskClient) -> None:
    for path in ("/healthz", "/api/v1/edition", "/api/v1/regions", "/", "/maps"):
        answer = empty.get(path)
        assert answer.status_code == 503, path
        assert "bangfu build" in answer.text, path


def test_the_edition_lists_levels_rounds_periods_and_all_a_measure_carries(
    client: FlaskClient, edition: Edition
) -> None:
    said = client.get("/api/v1/edition").json
    assert said["id"] == edition.id
    assert [level["count"] for level in said["levels"]] == [1, 3, 6, 36]
    assert {one["id"] for one in said["rounds"]} == {one.id for one in edition.rounds}
    measures = {one["id"]: one for one in said["measures"]}
    assert list(measures) == [one.id for one in edition.measures]
    income = measures["collective_income"]
    for key in (
        "label",
        "unit",
        "direction",
        "rule",
        "base",
        "breaks",
        "source",
        "cutoff",
        "numerator_label",
        "denominator_label",
        "definition",
        "theme",
        "digits",
    ):
        assert key in income, key
    assert income["rounds"][0]["periods"] == list(
        edition.periods("collective_income", income["rounds"][0]["round"])
    )


def test_the_tree_begins_at_the_root_and_goes_down_to_the_leaves(client: FlaskClient) -> None:
    found = client.get("/api/v1/regions").json["regions"]
    names = []
    while found:
        names.append(found[0]["level"])
        found = client.get("/api/v1/regions", query_string={"parent": found[0]["code"]}).json[
            "regions"
        ]
    assert names == ["city", "district", "town", "village"]


def test_a_region_has_a_profile(client: FlaskClient, edition: Edition) -> None:
    code = edition.children(edition.root.code)[1].code
    said = client.get(f"/api/v1/regions/{code}").json
    assert said["code"] == code
    assert said["kind"] == "region"
    assert said["path"][0]["code"] == edition.root.code
    village = str(edition.regions("village")["code"].iloc[3])
    assert client.get(f"/api/v1/regions/{village}").json["kind"] == "leaf"


def test_values_are_the_editions_own(client: FlaskClient, edition: Edition) -> None:
    answer = client.get("/api/v1/values/collective_income?level=village&period=2021-12&round=r3")
    said = answer.json
    table = edition.values("collective_income", "r3", "village")
    row = table.periods.index("2021-12")
    assert [one["code"] for one in said["rows"]] == edition.regions("village")["code"].tolist()
    for position, one in enumerate(said["rows"]):
        value = table.value[row, position]
        assert one["value"] == (None if np.isnan(value) else pytest.approx(value))
        assert one["status"] in {"out_of_scope", "missing", "self_reported", "verified", "partial"}


def test_values_default_to_below_the_root_in_the_latest_period(
    client: FlaskClient, edition: Edition
) -> None:
    said = client.get("/api/v1/values/collective_income").json
    assert (said["level"], said["round"]) == ("district", "r3")
    assert said["period"] == edition.periods("collective_income", "r3")[-1]


def test_search_finds_by_name_pinyin_initials_and_code(client: FlaskClient) -> None:
    for text in ("青禾", "qinghe", "qhz", "990001901"):
        found = client.get("/api/v1/search", query_string={"q": text}).json["results"]
        assert "青禾镇" in [one["name"] for one in found], text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/v1/values/nope", 404, "nope"),
        ("/api/v1/values/collective_income?level=street", 404, "street"),
        ("/api/v1/values/collective_income?period=2031-01", 404, "2031-01"),
        ("/api/v1/values/collective_income?period=yesterday", 400, "yesterday"),
        ("/api/v1/values/collective_income?round=r9", 404, "r9"),
        ("/api/v1/values/collective_income?peroid=2021-12", 400, "peroid"),
        ("/api/v1/values/collective_income?period=2021-12&period=2021-11", 400, "period"),
        ("/api/v1/regions/000", 404, "000"),
        ("/api/v1/regions?parent=nowhere", 404, "nowhere"),
        ("/api/v1/regions/99?period=2031-01", 404, "2031-01"),
        ("/api/v1/search", 400, "q"),
        ("/api/v1/search?q=" + "x" * 100, 400, "64"),
        ("/api/v1/edition?x=1", 400, "x"),
        ("/api/v2/edition", 404, "地址"),
        ("/save?round=nope", 404, "nope"),
        ("/save?camera=here", 400, "here"),
        ("/data/0000000000000000/r3/collective_income/village.bin", 404, "0000000000000000"),
        ("/data/..%2f..%2fetc/r3/collective_income/village.bin", 404, ""),
        ("/tiles/0000000000000000/village/8/1/1.pbf", 404, "0000000000000000"),
        ("/pictures/0000000000000000/r3/collective_income.svg", 404, "0000000000000000"),
    ],
)
def test_errors_are_json_with_a_sentence(
    client: FlaskClient, path: str, status: int, words: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert list(answer.json) == ["error"]
    assert re.search("[一-鿿]", answer.json["error"])
    assert words in answer.json["error"]


def test_a_method_that_is_not_offered_is_405_and_says_which_is(client: FlaskClient) -> None:
    answer = client.post("/api/v1/edition", json={})
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.json["error"]


# ---- immutable files ----


def test_arrays_are_served_packed_and_plain_and_immutable(
    client: FlaskClient, edition: Edition
) -> None:
    path = f"/data/{edition.id}/r3/collective_income/village.bin"
    packed = client.get(path, headers=GZIP)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "immutable" in packed.headers["Cache-Control"]
    assert "Accept-Encoding" in packed.headers["Vary"]
    plain = client.get(path)
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.data) == plain.data
    assert plain.data[:4] == b"BFA1"


def test_the_mesh_is_served_like_an_array_and_its_absence_is_said(
    client: FlaskClient, edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/data/{edition.id}/mesh.bin"
    packed, plain = client.get(path, headers=GZIP), client.get(path)
    assert "immutable" in packed.headers["Cache-Control"]
    assert gzip.decompress(packed.data) == plain.data
    assert plain.data[:4] == b"BFM1"
    monkeypatch.setattr(Edition, "mesh_zoom", None)
    older = client.get(path)
    assert older.status_code == 404
    assert "网格" in older.json["error"]


def test_who_has_it_already_gets_304(client: FlaskClient, edition: Edition) -> None:
    for path in (
        f"/data/{edition.id}/r3/collective_income/village.bin",
        f"/pictures/{edition.id}/r3/collective_income.svg",
        "/api/v1/edition",
    ):
        first = client.get(path, headers=GZIP)
        again = client.get(path, headers=GZIP | {"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304, path
        assert again.data == b"", path


@pytest.mark.parametrize(
    "tail", ["r3/nope/village", "r9/collective_income/village", "r3/collective_income/street"]
)
def test_arrays_of_unknown_names_are_404(client: FlaskClient, edition: Edition, tail: str) -> None:
    assert client.get(f"/data/{edition.id}/{tail}.bin").status_code == 404


def test_every_tile_of_the_archive_comes_as_it_is(client: FlaskClient, edition: Edition) -> None:
    with edition.tiles_path("village").open("rb") as file:
        tiles = list(all_tiles(MmapSource(file)))
    assert tiles
    for (z, x, y), data in tiles:
        answer = client.get(f"/tiles/{edition.id}/village/{z}/{x}/{y}.pbf", headers=GZIP)
        assert answer.data == data
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "immutable" in answer.headers["Cache-Control"]
    plain = client.get(f"/tiles/{edition.id}/village/{z}/{x}/{y}.pbf")
    assert plain.data == gzip.decompress(data)


def _top(edition: Edition) -> int:
    with edition.tiles_path("village").open("rb") as file:
        return int(deserialize_header(file.read(127))["max_zoom"])


def test_no_tile_where_nothing_is_and_no_zoom_beyond(client: FlaskClient, edition: Edition) -> None:
    top = _top(edition)
    assert client.get(f"/tiles/{edition.id}/village/{top}/0/0.pbf").status_code == 204
    for place in (
        "31/0/0",
        f"{top}/{1 << top}/0",
        f"{top}/0/{1 << top}",
        "99999999999/1/1",
        "x/1/1",
        "-1/0/0",
        "1.5/0/0",
        "9" * 5000 + "/0/0",
    ):
        assert client.get(f"/tiles/{edition.id}/village/{place}.pbf").status_code == 404, place
    assert client.get(f"/tiles/{edition.id}/street/{top}/0/0.pbf").status_code == 404


# ---- pictures and saved maps ----


def test_a_picture_is_an_svg_in_light_and_dark(client: FlaskClient, edition: Edition) -> None:
    light = client.get(f"/pictures/{edition.id}/r3/collective_income.svg")
    assert light.mimetype == "image/svg+xml"
    assert light.text.startswith("<svg")
    dark = client.get(f"/pictures/{edition.id}/r3/collective_income.svg?look=dark")
    assert dark.text != light.text
    assert client.get(f"/pictures/{edition.id}/r3/collective_income.svg?look=x").status_code == 400
    place = f"/pictures/{edition.id}/r3/collective_income.svg"
    region = edition.regions("district")["code"].iloc[0]
    others = [client.get(f"{place}?{query}") for query in ("period=2021-07", f"region={region}")]
    assert len({light.data, *(one.data for one in others)}) == 3
    assert client.get(f"{place}?period=x").status_code == 400
    assert client.get(f"{place}?region=x").status_code == 404


def test_a_saved_map_is_an_attachment_with_a_chinese_name(client: FlaskClient) -> None:
    answer = client.get("/save?measure=collective_income&round=r3&period=2021-12")
    assert answer.status_code == 200
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    name = unquote(disposition.split("UTF-8''")[1])
    assert name.endswith(".html")
    assert "2021年12月" in name
    assert not set('\\/:*?"<>|') & set(name)


# ---- every response ----


def test_every_answer_carries_the_security_headers(client: FlaskClient, edition: Edition) -> None:
    for path in ("/", "/api/v1/edition", "/nope", f"/tiles/{edition.id}/village/99/0/0.pbf"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe-eval" not in policy
        assert "worker-src blob:" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy, "nobody outside this host"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_tianditu_is_let_in_only_when_its_key_is_set(folder: Path) -> None:
    app = create_app(Settings(workspace=folder, access="open", tianditu_key="abc123"))
    policy = app.server.test_client().get("/").headers["Content-Security-Policy"]
    assert policy.count("tianditu.gov.cn") == 2


def test_text_is_compressed_and_what_is_packed_is_not_packed_again(client: FlaskClient) -> None:
    answer = client.get("/api/v1/edition", headers=GZIP)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(answer.data))["id"]


def test_a_post_from_a_foreign_page_is_refused(client: FlaskClient) -> None:
    foreign = {"Origin": "http://elsewhere.example"}
    answer = client.post("/_dash-update-component", json={}, headers=foreign)
    assert answer.status_code == 403
    own = client.post("/_dash-update-component", json={}, headers={"Origin": "http://localhost"})
    assert own.status_code == 400


def test_a_reader_gets_a_page_and_a_program_json(client: FlaskClient) -> None:
    page = client.get("/nope", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.status_code == 404
    assert page.mimetype == "text/html"
    assert '<html lang="zh-CN">' in page.text
    api = client.get("/api/v1/nope", headers={"Accept": "text/html"})
    assert api.is_json


def test_a_tile_of_nothing_is_not_compressed(client: FlaskClient, edition: Edition) -> None:
    level = edition.levels[-1].id
    answer = client.get(
        f"/tiles/{edition.id}/{level}/8/0/0.pbf", headers={"Accept-Encoding": "br, gzip"}
    )
    assert answer.status_code == 204
    assert "Content-Encoding" not in answer.headers


def test_maps_are_saved_a_few_at_a_time_and_the_rest_are_asked_to_wait(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Semaphore(0), threading.Event()

    def slow(*_: object) -> str:
        begun.release()
        go.wait(20)
        return "<p>"

    monkeypatch.setattr(page, "save", slow)
    server = create_app(Settings(workspace=folder, access="open")).server
    with ThreadPoolExecutor(PENS) as pool:
        saving = [
            pool.submit(server.test_client().get, f"/save?camera={n}/39/117")
            for n in range(5, 5 + PENS)
        ]
        for _ in saving:
            assert begun.acquire(timeout=20)
        refused = server.test_client().get("/save?camera=9/39/117")
        go.set()
        assert refused.status_code == 503
        assert "再按一次" in refused.json["error"]
        assert refused.headers["Retry-After"]
        assert [one.result().status_code for one in saving] == [200] * PENS
    assert server.test_client().get("/save?camera=9/39/117").status_code == 200


def test_an_edition_that_lost_files_is_said_without_telling_where_it_lies(tmp_path: Path) -> None:
    edition = build_small(tmp_path)
    measure = next(m.id for m in edition.measures if edition.has(m.id, edition.rounds[-1].id))
    round_ = edition.rounds[-1].id
    level = edition.levels[1].id
    for lost in (tmp_path / "editions" / edition.id / "values" / round_ / measure).iterdir():
        lost.unlink()
    client = create_app(Settings(workspace=tmp_path, access="open")).server.test_client()
    for path in (
        f"/data/{edition.id}/{round_}/{measure}/{level}.bin",
        f"/api/v1/values/{measure}?round={round_}&level={level}",
    ):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert "bangfu build" in answer.json["error"]
        assert str(tmp_path) not in answer.get_data(as_text=True)

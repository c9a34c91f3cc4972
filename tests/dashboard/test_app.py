"""The app as a browser first meets it: pages, scripts, layout."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dash import Dash
from flask.testing import FlaskClient

from callbacks import navigation
from dashboard.app import CompressedScripts, assets_folder, create_app
from dashboard.settings import Settings
from geodata import words
from geodata.edition import Edition


def test_the_page_is_chinese_and_titled_by_the_edition(
    client: FlaskClient, edition: Edition
) -> None:
    page = client.get("/").text
    assert '<html lang="zh-CN">' in page
    assert f"<title>{edition.space.atlas.title}</title>" in page
    assert 'name="viewport"' in page


def test_no_script_style_or_picture_comes_from_elsewhere(client: FlaskClient) -> None:
    for path in ("/", "/maps"):
        page = client.get(path).text
        assert not re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', page)


def test_every_script_and_style_of_the_page_is_there_compressed_and_kept(
    client: FlaskClient,
) -> None:
    page = client.get("/").text
    addresses = re.findall(r'<script src="([^"]+)"', page)
    addresses += re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    assert any("maplibre-gl" in one for one in addresses)
    assert any("/assets/" in one for one in addresses)
    for one in addresses:
        answer = client.get(one.replace("&amp;", "&"), headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200, one
        assert "max-age=31536000" in answer.headers["Cache-Control"], one
        if len(answer.data) > 1000:
            assert answer.headers.get("Content-Encoding") == "gzip", one


def test_no_inline_script_but_the_ones_whose_hash_the_policy_has(client: FlaskClient) -> None:
    answer = client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "'unsafe-inline'" not in policy.split("style-src")[0]
    scripts = re.findall(r"<script(?![^>]*src=)([^>]*)>", answer.text)
    runs = [one for one in scripts if 'type="application/json"' not in one]
    assert len(runs) <= policy.count("'sha256-")


def test_the_catalogue_is_in_the_page_as_data(client: FlaskClient) -> None:
    page = client.get("/").text
    found = re.search(r'<script id="bangfu-words" type="application/json">(.*?)</script>', page)
    assert found
    assert json.loads(found[1]) == words.section("portal")


def test_the_layout_is_of_the_page_that_asks(client: FlaskClient) -> None:
    def shown(referrer: str | None) -> str:
        headers = {"Referer": referrer} if referrer else {}
        parts = client.get("/_dash-layout", headers=headers).json["props"]["children"]
        (name,) = [p["props"]["data"] for p in parts if p["props"]["id"] == navigation.SHOWN]
        return str(name)

    assert shown("http://localhost/?round=r3") == "/"
    assert shown("http://localhost/maps") == "/maps"
    assert shown(None) == "/"


def test_a_page_without_a_referrer_is_turned_by_its_path(client: FlaskClient) -> None:
    def turn(path: str, shown: str) -> int:
        output = f"..{navigation.PAGE}.children...{navigation.SHOWN}.data.."
        answer = client.post(
            "/_dash-update-component",
            json={
                "output": output,
                "outputs": [
                    {"id": navigation.PAGE, "property": "children"},
                    {"id": navigation.SHOWN, "property": "data"},
                ],
                "inputs": [{"id": navigation.ADDRESS, "property": "pathname", "value": path}],
                "state": [{"id": navigation.SHOWN, "property": "data", "value": shown}],
                "changedPropIds": [f"{navigation.ADDRESS}.pathname"],
            },
        )
        return int(answer.status_code)

    assert turn("/maps", "/") == 200
    assert turn("/maps", "/maps") == 204
    assert turn("/", "/") == 204


def test_a_page_with_a_slash_too_many_is_led_to_the_right_one(client: FlaskClient) -> None:
    answer = client.get("/maps/?round=r3")
    assert answer.status_code == 308
    assert answer.headers["Location"] == "/maps?round=r3"


def test_two_apps_share_nothing(folder: Path, tmp_path: Path) -> None:
    first, second = (
        create_app(Settings(workspace=one, access="open")) for one in (folder, tmp_path)
    )
    assert first.server.test_client().get("/healthz").status_code == 200
    assert second.server.test_client().get("/healthz").status_code == 503
    assert set(first.callback_map) == set(second.callback_map)


def test_a_worker_that_has_just_started_knows_its_scripts(app: Dash, folder: Path) -> None:
    page = app.server.test_client().get("/").text
    addresses = re.findall(r'<script src="([^"]+)"', page)
    fresh = create_app(Settings(workspace=folder, access="open")).server
    with ThreadPoolExecutor(len(addresses)) as pool:
        answers = list(pool.map(lambda one: fresh.test_client().get(one).status_code, addresses))
    assert answers == [200] * len(addresses)


def test_an_app_made_before_the_first_build_serves_it_afterwards(tmp_path: Path) -> None:
    from tests.worlds import build_small

    client = create_app(Settings(workspace=tmp_path, access="open")).server.test_client()
    assert client.get("/").status_code == 503
    build_small(tmp_path)
    for _ in range(30):
        if client.get("/healthz").status_code == 200:
            break
        import time

        time.sleep(0.1)
    page = client.get("/")
    assert page.status_code == 200
    assert "/assets/" in page.text
    assert client.get("/_dash-layout").status_code == 200


def test_assets_are_found(app: Dash) -> None:
    assert (assets_folder() / "tokens.css").is_file()
    assert app.config.assets_folder == str(assets_folder())


def test_only_scripts_are_remembered_compressed() -> None:
    kept = CompressedScripts(most=2)
    kept.set("gzip;/api/v1/search?q=/assets/x", b"1")
    kept.set("gzip;/assets/a.js?m=1", b"2")
    kept.set("gzip;/assets/b.js?m=1", b"3")
    kept.set("gzip;/_dash-component-suites/dash/c.js?", b"4")
    assert kept.get("gzip;/api/v1/search?q=/assets/x") is None
    assert kept.get("gzip;/assets/a.js?m=1") is None
    assert kept.get("gzip;/assets/b.js?m=1") == b"3"

"""The public server: what it serves, how, to whom, and what it never serves."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
from flask import request
from flask.testing import FlaskClient

from dashboard import public_files, public_library, public_limits, settings
from dashboard.public_answers import Bodies
from dashboard.public_files import is_immutable
from dashboard.public_library import PublicLibrary
from geodata.edition import Edition
from geodata.errors import EditionError
from tests.dashboard import published
from tests.dashboard.published import ATLAS, DATA, PORTAL, SCRIPT

ROOT = Path(__file__).resolve().parents[2]
HTML = {"Accept": "text/html"}
FEW_MINUTES = "public, max-age=300, must-revalidate"
FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def home(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds `public/` and nothing else; nobody changes it."""
    made = tmp_path_factory.mktemp("published")
    withdrawn = [{"id": "gone", "label": "旧指标", "reason": "口径有误", "at": "2024-01-02"}]
    published.publish(made, Edition.open(folder).folder, withdrawn=withdrawn)
    return made


@pytest.fixture(scope="module")
def client(home: Path) -> FlaskClient:
    return published.app(home).test_client()


@pytest.fixture
def own(tmp_path: Path, edition: Edition) -> Path:
    """A published folder of the test's own."""
    published.publish(tmp_path, edition.folder)
    return tmp_path


def settled(done: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.05)


# ---- what it is made of ----


def test_in_a_process_of_its_own_it_never_knows_dash_a_database_or_a_private_route(
    home: Path,
) -> None:
    asked = """
import sys
from dashboard import cli, settings, wsgi
from dashboard.public_app import create_public_app
app = create_public_app(settings.read(workspace=sys.argv[1], audience="public"))
client = app.test_client()
for path in ("/", "/healthz", "/api/v1/edition", "/api/v1/regions", "/api/v1/regions/99",
             "/api/v1/values/collective_income", "/api/v1/search?q=x", "/nowhere"):
    assert client.get(path).status_code in (200, 404), path
for name in ("dash", "sqlalchemy", "alembic", "plotly", "callbacks", "geodata.ledger",
             "dashboard.app", "dashboard.ledger_api", "dashboard.access", "dashboard.routes"):
    assert name not in sys.modules, name
"""
    done = subprocess.run(
        [sys.executable, "-c", asked, str(home)],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_route_only_reads(home: Path) -> None:
    rules = list(published.app(home).url_map.iter_rules())
    assert len(rules) == 8
    for rule in rules:
        assert rule.methods == {"GET", "HEAD"}, rule


@pytest.mark.parametrize("path", ["/", "/api/v1/edition", "/healthz", "/nowhere", f"/{SCRIPT}"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_written(client: FlaskClient, path: str, method: str) -> None:
    answer = client.open(path, method=method, data=b"x")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_it_opens_nothing_but_what_was_published(own: Path) -> None:
    client = published.app(own).test_client()
    for path in ("/", "/healthz", "/api/v1/edition", "/api/v1/values/collective_income"):
        assert client.get(path).status_code == 200
    assert {one.name for one in own.iterdir()} == {"public"}, "no ledger and no state was made"


# ---- files ----


@pytest.mark.parametrize("path", ["/", "/index.html", "/list.html", "/r/9900.html", "/robots.txt"])
def test_what_keeps_its_name_is_kept_for_minutes_and_asked_about(
    client: FlaskClient, path: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == FEW_MINUTES
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == answer.headers["ETag"]
    assert again.headers["Cache-Control"] == FEW_MINUTES
    several = {"If-None-Match": f'"other", {answer.headers["ETag"]}'}
    assert client.get(path, headers=several).status_code == 304
    dated = {"If-Modified-Since": answer.headers["Last-Modified"]}
    assert client.get(path, headers=dated).status_code == 304
    assert client.get(path, headers={"If-None-Match": '"other"', **dated}).status_code == 200


def test_the_address_without_a_name_is_the_index(client: FlaskClient) -> None:
    whole = published.site()["index.html"]
    assert client.get("/").data == client.get("/index.html?region=9900").data == whole
    assert client.get("/").mimetype == "text/html"
    assert client.get("/r/").status_code == client.get("/r").status_code == 404


@pytest.mark.parametrize("path", [SCRIPT, ATLAS, DATA, f"d/t/{published.HASH}/village/9/1/2.bin"])
def test_what_names_its_content_never_changes(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/{path}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == FOREVER
    tagged = {"If-None-Match": answer.headers["ETag"]}
    assert client.get(f"/{path}", headers=tagged).status_code == 304


def test_which_names_hold_a_hash() -> None:
    assert is_immutable("/a/app.0123abcd.js")
    assert is_immutable("/a/deep/app.0123abcd4567.css")
    assert is_immutable("/d/anything")
    for url in ("/a/plain.js", "/a/app.min.js", "/index.html", "/r/0123abcd4567.html", "/d/"):
        assert not is_immutable(url), url


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, br", "br"),
        ("br;q=0.5, gzip", "br"),
        ("gzip", "gzip"),
        ("gzip, br;q=0", "gzip"),
        ("", None),
        ("identity", None),
        ("gzip;q=0", None),
    ],
)
def test_twins_are_sent_to_who_takes_them(
    client: FlaskClient, accepted: str, encoding: str | None
) -> None:
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[encoding]
    for path, whole in ((SCRIPT, published.site()[SCRIPT]), ("", published.site()["index.html"])):
        answer = client.get(f"/{path}", headers={"Accept-Encoding": accepted})
        assert answer.headers.get("Content-Encoding") == encoding
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert unpack(answer.data) == whole
        assert int(answer.headers["Content-Length"]) == len(answer.data)


def test_arrays_are_sent_as_they_lie(client: FlaskClient) -> None:
    answer = client.get(f"/{DATA}", headers={"Accept-Encoding": "gzip, br", "Range": "bytes=0-1"})
    assert answer.status_code == 200
    assert answer.mimetype == "application/octet-stream"
    assert "Content-Encoding" not in answer.headers, "the page inflates it"
    assert answer.data == published.site()[DATA]


def test_twins_have_no_address_of_their_own(client: FlaskClient) -> None:
    for path in ("index.html.gz", "index.html.br", f"{SCRIPT}.gz"):
        assert client.get(f"/{path}").status_code == 404


@pytest.mark.parametrize("path", ["/", f"/{SCRIPT}", "/api/v1/edition", "/healthz", "/nowhere"])
def test_head_says_what_get_would(client: FlaskClient, path: str) -> None:
    told, whole = client.head(path), client.get(path)
    assert told.data == b""
    for name in ("Content-Length", "Content-Type", "Cache-Control", "ETag"):
        assert told.headers.get(name) == whole.headers.get(name)


def test_a_tag_is_of_the_content_and_the_same_on_another_machine(
    own: Path, edition: Edition, tmp_path: Path
) -> None:
    first = published.app(own).test_client().get("/list.html").headers["ETag"]
    other = Path(shutil.copytree(own, tmp_path / "copied", ignore=shutil.ignore_patterns("copied")))
    for path in other.rglob("*"):
        path.touch()
    assert published.app(other).test_client().get("/list.html").headers["ETag"] == first
    published.publish(other, edition.folder, title="第二版")
    assert published.app(other).test_client().get("/list.html").headers["ETag"] != first


def test_what_is_not_there_is_a_page_in_chinese(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert '<html lang="zh-CN">' in answer.text
    assert "没有这个地址" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    told = client.get("/api/v2/nothing", headers=HTML)
    assert told.status_code == 404
    assert "没有这个地址" in told.json["error"]


# ---- the API ----


@pytest.mark.parametrize(
    "path",
    ["edition", "regions", "regions?parent=99", "regions/99", "values/collective_income"],
)
def test_the_api_may_be_read_by_every_page_and_kept_by_a_cdn(
    client: FlaskClient, path: str
) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    tagged = {"If-None-Match": answer.headers["ETag"]}
    assert client.get(f"/api/v1/{path}", headers=tagged).status_code == 304


def test_long_answers_are_compressed(client: FlaskClient) -> None:
    path = "/api/v1/values/collective_income?level=village"
    plain = client.get(path, headers={"Accept-Encoding": ""})
    assert "Content-Encoding" not in plain.headers
    for name, unpack in (("gzip", gzip.decompress), ("br", brotli.decompress)):
        answer = client.get(path, headers={"Accept-Encoding": name})
        assert answer.headers["Content-Encoding"] == name
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert unpack(answer.data) == plain.data
        assert len(answer.data) < len(plain.data) / 2


def test_values_carry_source_cutoff_and_licence(client: FlaskClient, edition: Edition) -> None:
    told = client.get("/api/v1/values/collective_income").json
    assert (told["level"], told["round"], told["period"]) == ("district", "r3", "2021-12")
    assert told["source"] == "演示数据"
    assert told["licence"] == "CC BY 4.0"
    assert told["cutoff"] == edition.cutoff
    assert len(told["rows"]) == 3
    whole = client.get("/api/v1/values/collective_income?level=city&period=2021-07&round=r3").json
    assert (whole["period"], len(whole["rows"])) == ("2021-07", 1)


def test_a_region_has_its_series_and_nothing_of_the_private_profile(
    client: FlaskClient, edition: Edition
) -> None:
    told = client.get("/api/v1/regions/990001901001").json
    assert (told["name"], told["level"]) == ("赵家村", "village")
    assert [one["level"] for one in told["path"]] == ["city", "district", "town"]
    assert {"source", "cutoff", "licence"} <= set(told)
    assert not {"teams", "units", "entities", "facts", "findings", "profile"} & set(told)
    (income,) = (
        one
        for one in told["measures"]
        if (one["measure"], one["round"]) == ("collective_income", "r3")
    )
    found = edition.values("collective_income", "r3", "village")
    assert income["periods"] == list(found.periods)
    assert len(income["value"]) == len(income["status"]) == len(found.periods)
    only = client.get("/api/v1/regions/99?measure=collective_income&round=r3").json["measures"]
    assert [(one["measure"], one["round"]) for one in only] == [("collective_income", "r3")]


def test_the_edition_tells_levels_and_what_was_withdrawn(client: FlaskClient) -> None:
    told = client.get("/api/v1/edition").json
    assert told["title"] == "第一版"
    assert told["measures"][0]["levels"] == ["city", "district", "town", "village"]
    assert told["withdrawn"][0]["reason"] == "口径有误"


def test_a_withdrawn_measure_says_why(client: FlaskClient) -> None:
    for path in ("/api/v1/values/gone", "/api/v1/regions/99?measure=gone"):
        answer = client.get(path)
        assert answer.status_code == 410
        assert "口径有误" in answer.json["error"]


def test_a_level_that_was_not_published_is_not_there(own: Path) -> None:
    book = own / "public" / (own / "public" / "current").read_text().strip() / "edition"
    manifest = json.loads((book / "manifest.json").read_text("utf-8"))
    for measure in manifest["workspace"]["measures"]:
        if measure["id"] == "collective_income":
            measure["public_levels"] = ["city", "town"]
    (book / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    for level in ("district", "village"):
        for path in (book / "values" / "r3" / "collective_income").glob(f"{level}.*"):
            path.unlink()
    client = published.app(own).test_client()
    answer = client.get("/api/v1/values/collective_income?level=village")
    assert answer.status_code == 404
    assert "没有公布到这一级" in answer.json["error"]
    assert "city、town" in answer.json["error"]
    assert client.get("/api/v1/values/collective_income").json["level"] == "town"
    told = client.get("/api/v1/regions/990001901001").json["measures"]
    assert {one["measure"] for one in told} > {"target_share"}
    assert "collective_income" not in {one["measure"] for one in told}
    measures = client.get("/api/v1/edition").json["measures"]
    assert {one["id"]: one["levels"] for one in measures}["collective_income"] == ["city", "town"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("regions/123", 404),
        ("regions?parent=123", 404),
        ("values/none", 404),
        ("values/collective_income?level=none", 404),
        ("values/collective_income?round=none", 404),
        ("values/collective_income?round=r1", 404),
        ("values/collective_income?period=2011-01", 404),
        ("values/collective_income?period=soon", 400),
        ("values/collective_income?x=1", 400),
        ("values/collective_income?level=town&level=city", 400),
        ("edition?x=1", 400),
        ("regions/99?measure=none", 404),
        ("regions/99?period=2021-12", 400),
        ("search", 400),
        (f"search?q={'x' * 65}", 400),
    ],
)
def test_wrong_questions_are_told_in_json(client: FlaskClient, path: str, status: int) -> None:
    answer = client.get(f"/api/v1/{path}", headers=HTML)
    assert answer.status_code == status
    assert answer.json["error"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"


def test_search_finds_by_pinyin(client: FlaskClient) -> None:
    assert client.get("/api/v1/search?q=zjc").json["results"][0]["name"] == "赵家村"


def test_answers_that_are_kept_are_bounded() -> None:
    import threading

    bodies, lock, made = Bodies(most=10_000), threading.Lock(), []

    def ask(number: int) -> None:
        bodies.get((number,), lock, lambda: made.append(number) or {"x": "y" * 900})

    for number in (1, 1, 1):
        ask(number)
    assert made == [1]
    for number in range(20):
        ask(number)
    assert 0 < bodies._size <= 10_000
    ask(1)
    assert made.count(1) == 2, "made anew: it was the longest unused"


# ---- headers ----


@pytest.mark.parametrize(
    "path", ["/", "/r/9900.html", f"/{DATA}", "/api/v1/edition", "/healthz", "/nowhere"]
)
def test_every_answer_says_what_a_page_may_do_and_sets_no_cookie(
    client: FlaskClient, path: str
) -> None:
    headers = client.get(path).headers
    csp = headers["Content-Security-Policy"]
    assert csp.startswith("default-src ")
    assert "unsafe" not in csp
    assert "frame-ancestors 'none'" in csp
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Set-Cookie" not in headers


def test_the_pages_and_their_server_say_the_same_of_what_they_may_do(client: FlaskClient) -> None:
    from layers.public import pages

    csp = client.get("/").headers["Content-Security-Policy"]
    assert csp == f"{pages._CSP_MAP};frame-ancestors 'none'"


def test_only_listed_sites_embed_and_only_the_page_for_it(
    client: FlaskClient, tmp_path: Path, edition: Edition
) -> None:
    headers = client.get("/embed.html?region=9900").headers
    assert headers["Content-Security-Policy"].endswith(f"frame-ancestors {PORTAL}")
    assert "X-Frame-Options" not in headers
    wild = [
        f"{PORTAL}/",
        "https://*.example.cn:8443",
        "x; script-src *",
        "javascript:",
        7,
        "'self'",
    ]
    published.publish(tmp_path, edition.folder, publication={"embed": wild})
    headers = published.app(tmp_path).test_client().get("/embed.html").headers
    assert headers["Content-Security-Policy"].endswith(
        f"frame-ancestors {PORTAL} https://*.example.cn:8443"
    )
    manifest = json.loads((edition.folder / "manifest.json").read_text("utf-8"))
    space = manifest["workspace"] | {"publication": {"embed": [PORTAL]}}
    published.publish(tmp_path / "declared", edition.folder, publication={}, workspace=space)
    headers = published.app(tmp_path / "declared").test_client().get("/embed.html").headers
    assert headers["Content-Security-Policy"].endswith(f"frame-ancestors {PORTAL}")
    for number, odd in enumerate(({}, None, [], {"embed": "all"}, {"embed": []})):
        folder = tmp_path / str(number)
        published.publish(folder, edition.folder, publication=odd)
        headers = published.app(folder).test_client().get("/embed.html").headers
        assert headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
        assert headers["X-Frame-Options"] == "DENY"


def test_pages_of_others_get_no_files_of_the_site(client: FlaskClient) -> None:
    assert "Access-Control-Allow-Origin" not in client.get("/", headers={"Origin": PORTAL}).headers


# ---- how much ----


def test_a_flood_is_told_to_wait_and_others_go_on(home: Path) -> None:
    client = published.app(home, public_limit="5 per minute").test_client()
    paths = ["/", "/api/v1/edition", f"/{SCRIPT}", "/nowhere", "/api/v1/search?q=x"]
    assert [client.get(path).status_code for path in paths] == [200, 200, 200, 404, 200]
    page, told = client.get("/"), client.get("/api/v1/edition", headers=HTML)
    assert page.status_code == told.status_code == 429
    assert page.mimetype == "text/html"
    assert '<html lang="zh-CN">' in page.text
    assert told.json["error"]
    for answer in (page, told):
        assert 1 <= int(answer.headers["Retry-After"]) <= 61
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Content-Security-Policy" in answer.headers
    assert client.get("/healthz").status_code == 200, "whoever watches the server goes on"
    other = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get("/", environ_base=other).status_code == 200


def test_what_finds_no_route_is_counted_too(home: Path) -> None:
    client = published.app(home, public_limit="3 per minute").test_client()
    answers = [client.post("/").status_code, client.get("/").status_code]
    answers += [client.delete("/x").status_code, client.put("/").status_code]
    assert answers == [405, 200, 405, 429]


def test_a_network_of_ipv6_is_one_asker(home: Path) -> None:
    app = published.app(home)
    found = {}
    for told in (
        "2001:db8::1",
        "2001:db8::ffff:2",
        "2001:db8:0:1::1",
        "::ffff:192.0.2.1",
        "x" * 500,
    ):
        with app.test_request_context("/", environ_base={"REMOTE_ADDR": told}):
            found[told] = public_limits.address()
    assert found["2001:db8::1"] == found["2001:db8::ffff:2"] != found["2001:db8:0:1::1"]
    assert found["::ffff:192.0.2.1"] == "192.0.2.1"
    assert len(found["x" * 500]) == 100


def test_behind_proxies_the_reader_is_counted_and_not_the_proxy(home: Path) -> None:
    direct = published.app(home, public_limit="1 per minute").test_client()
    first, second = ({"X-Forwarded-For": f"198.51.100.{n}"} for n in (1, 2))
    assert direct.get("/", headers=first).status_code == 200
    assert direct.get("/", headers=second).status_code == 429, "nobody's word is taken"
    behind = published.app(home, public_limit="1 per minute", proxies=1).test_client()
    assert [behind.get("/", headers=one).status_code for one in (first, second, first)] == [
        200, 200, 429,
    ]  # fmt: skip


def test_workers_count_together_in_a_redis_and_apart_when_it_is_down(home: Path) -> None:
    import os
    import secrets

    import redis

    address = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
    try:
        redis.Redis.from_url(address).ping()
    except redis.RedisError:
        pytest.skip("no Redis here")
    asker = {"REMOTE_ADDR": f"192.0.2.{secrets.randbelow(256)}"}
    workers = [
        published.app(home, public_limit="2 per day", cache=address).test_client() for _ in "ab"
    ]
    codes = [worker.get("/", environ_base=asker).status_code for worker in (*workers, *workers)]
    for key in redis.Redis.from_url(address).scan_iter("*bangfu-public*"):
        redis.Redis.from_url(address).delete(key)
    assert codes == [200, 200, 429, 429]
    down = published.app(home, public_limit="1 per minute", cache="redis://127.0.0.1:1/0")
    assert [down.test_client().get("/").status_code for _ in "ab"] == [200, 429]


def test_a_limit_that_is_none_is_told_before_a_worker_starts() -> None:
    with pytest.raises(settings.SettingsError, match="BANGFU_PUBLIC_LIMIT"):
        settings.read(public_limit="often")
    assert settings.read().public_limit == "600 per minute"


# ---- which publication ----


def test_without_a_publication_every_address_says_the_cure(tmp_path: Path) -> None:
    client = published.app(tmp_path).test_client()
    for path in ("/", "/index.html", "/embed.html"):
        page = client.get(path)
        assert page.status_code == 503
        assert page.mimetype == "text/html"
        assert "bangfu publish" in page.text
        assert "Retry-After" in page.headers
    for path in ("/api/v1/edition", "/api/v1/values/x", "/healthz"):
        told = client.get(path, headers=HTML)
        assert told.status_code == 503
        assert "bangfu publish" in told.json["error"]
        assert str(tmp_path) not in told.text


@pytest.mark.parametrize(
    "damage", ["pointer", "gone", "manifest", "not_public", "no_index", "no_site", "folder"]
)
def test_a_broken_publication_says_the_cure_and_not_where_it_lies(
    own: Path, edition: Edition, damage: str
) -> None:
    home = own / "public" / (own / "public" / "current").read_text().strip()
    if damage == "pointer":
        published.point(own, "../../etc/passwd")
    elif damage == "gone":
        shutil.rmtree(home)
    elif damage == "manifest":
        (home / "edition" / "manifest.json").write_text("{")
    elif damage == "not_public":
        shutil.copy(edition.folder / "manifest.json", home / "edition" / "manifest.json")
    elif damage == "no_index":
        (home / "site" / "index.html").unlink()
    elif damage == "no_site":
        shutil.rmtree(home / "site")
    else:
        (own / "public" / "current").unlink()
        (own / "public" / "current").mkdir()
    client = published.app(own).test_client()
    for path in ("/", "/api/v1/edition", "/healthz"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert "bangfu publish" in answer.text
        assert str(own) not in answer.text
    with pytest.raises(EditionError, match="bangfu publish"):
        public_library.check(own)


def test_values_that_are_gone_are_503_and_say_no_path(own: Path) -> None:
    client = published.app(own).test_client()
    client.get("/")
    home = own / "public" / (own / "public" / "current").read_text().strip()
    (home / "site" / "list.html").unlink()
    (home / "edition" / "regions-village.parquet").unlink()
    for path in ("/list.html", "/api/v1/search?q=x"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert str(own) not in answer.text


def test_a_new_publication_is_taken_up_while_the_old_one_answers(
    own: Path, edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = PublicLibrary(own, recheck=0.05)
    first = library.current().edition.id
    slow = Edition.__init__

    def opening(*args: object) -> None:
        time.sleep(0.5)
        slow(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(Edition, "__init__", opening)
    second = published.publish(own, edition.folder, title="第二版")
    time.sleep(0.1)
    began = time.perf_counter()
    while library.current().edition.id == first:
        assert time.perf_counter() - began < 5
        asked = time.perf_counter()
        library.current()
        assert time.perf_counter() - asked < 0.3, "nobody waits while it is opened"
        time.sleep(0.02)
    assert library.current().edition.id == second
    assert time.perf_counter() - began > 0.2, "it was opened meanwhile"


def test_the_same_publication_with_a_new_site_is_taken_up(own: Path) -> None:
    library = PublicLibrary(own, recheck=0.01)
    identifier = library.current().edition.id
    published.put(own / "public" / identifier / "site" / "new.html", b"new")
    published.point(own, identifier)
    settled(lambda: "/new.html" in library.current().site.files)


def test_a_broken_one_never_takes_the_place_of_a_good_one(own: Path) -> None:
    library = PublicLibrary(own, recheck=0.01)
    good = library.current().edition.id
    for text in ("0" * 16, "nonsense", ""):
        published.point(own, text)
        time.sleep(0.1)
        assert library.current().edition.id == good
    (own / "public" / "current").unlink()
    time.sleep(0.1)
    assert library.current().edition.id == good


def test_it_is_found_as_soon_as_there_is_one(tmp_path: Path, edition: Edition) -> None:
    client = published.app(tmp_path).test_client()
    assert client.get("/healthz").status_code == 503
    identifier = published.publish(tmp_path, edition.folder)
    settled(lambda: client.get("/healthz").status_code == 200)
    assert client.get("/healthz").json["edition"] == identifier


def test_what_old_pages_name_is_answered_for_as_long_as_caches_show_them(
    own: Path, edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    old = own / "public" / (own / "public" / "current").read_text().strip() / "site"
    for name in ("d/old.0123abcd.json", "old.html"):
        published.put(old / name, b"{}")
    library = PublicLibrary(own, clock=lambda: now[0])
    monkeypatch.setattr("dashboard.public_app.PublicLibrary", lambda *_: library, raising=True)
    client = published.app(own).test_client()
    assert client.get("/old.html").status_code == 200
    second = published.publish(own, edition.folder, title="第二版")
    now[0] = 2.0
    settled(lambda: library.current().edition.id == second)
    assert client.get("/old.html").status_code == 404
    assert client.get("/d/old.0123abcd.json").status_code == 200
    now[0] = 2.0 + public_library.GRACE + 1
    assert client.get("/d/old.0123abcd.json").status_code == 404
    assert f"max-age={public_library.GRACE:.0f}," in public_files.FEW_MINUTES


def test_what_was_withdrawn_is_gone_at_once(own: Path, edition: Edition) -> None:
    library = PublicLibrary(own, recheck=0.01)
    app = published.app(own)
    old = own / "public" / library.current().edition.id / "site" / "d" / "old.0123abcd.json"
    published.put(old, b"{}")
    published.point(own, library.current().edition.id)
    settled(lambda: "/d/old.0123abcd.json" in library.current().site.files)
    second = published.publish(own, edition.folder, withdrawn=[{"id": "gone"}])
    settled(lambda: library.current().edition.id == second)
    with app.test_request_context("/d/old.0123abcd.json"):
        assert library.file("/d/old.0123abcd.json", request) is None


def test_health_names_what_is_served(client: FlaskClient, home: Path) -> None:
    told = client.get("/healthz")
    assert told.json["status"] == "ok"
    assert told.json["edition"] == (home / "public" / "current").read_text().strip()
    assert told.json["built_at"].endswith("+00:00")
    assert told.headers["Cache-Control"] == "no-store"


def test_what_nobody_foresaw_is_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("in /srv/private")

    monkeypatch.setattr("dashboard.public_api.edition", fail)
    answer = published.app(home).test_client().get("/api/v1/edition")
    assert answer.status_code == 500
    assert "private" not in answer.text
    assert json.loads(answer.text)["error"]
    assert "in /srv/private" in caplog.text

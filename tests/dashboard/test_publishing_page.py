"""The office's page of publishing: what is checked is published, once, and in whose name."""

from __future__ import annotations

import html
import io
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard import packing, publications, publisher, publishing
from dashboard.publications import FOLDER, Publications, What, alone, basis
from geodata import jobs
from geodata.edition import Edition, published_id
from geodata.errors import AtlasError
from geodata.jobs import Standing
from geodata.ledger import accounts, tables
from geodata.ledger.roles import TERMINAL
from geodata.ledger.troubles import Conflict
from geodata.ledger.verify import verify
from geodata.progress import Progress
from geodata.publish import record
from tests import published_worlds as worlds
from tests.dashboard import guarded
from tests.dashboard.guarded import HTML, OURS, World
from tests.published_worlds import COUNTED, PUBLICATION

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

PATIENCE = 180.0
"""Seconds for a publication in a process of its own, on a busy machine."""
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny world, built. Nobody may change it."""
    return worlds.world(
        tmp_path_factory.mktemp("publishing") / "world",
        worlds.atlas(counts={COUNTED: "people"}, publication=PUBLICATION + "small_number = 40\n"),
    )


@pytest.fixture(scope="module")
def first(built: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An app over a copy of it that every test finds as it was built: see `world`."""
    own = tmp_path_factory.mktemp("first")
    folder = Path(shutil.copytree(built, own / "world"))
    return guarded.make(folder, own, write_limit="10000 per minute")


@pytest.fixture
def world(first: World, built: Path) -> Iterator[World]:
    """That app, with nothing published, and the people who may ask it."""
    yield first
    first.ledger.dispose()
    shutil.rmtree(first.workspace)
    shutil.copytree(built, first.workspace)
    with first.ledger.noting() as connection:
        for table in (tables.publication, tables.withdrawal):
            connection.execute(table.delete())


def inline(folder: Path, url: str, _: int) -> None:
    publisher.work(folder, url)


def one_page(_: Edition, site: Path, __: Progress) -> list[str]:
    site.mkdir()
    (site / "index.html").write_text("<!doctype html>", "utf-8")
    return []


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is done before the answer, in no other process; its pages are one."""
    monkeypatch.setattr(publications, "start", inline)
    monkeypatch.setattr(publishing, "_write_site", one_page)


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process comes up."""
    monkeypatch.setattr(publications, "start", lambda folder, url, lock: None)


@pytest.fixture
def office(world: World) -> FlaskClient:
    return world.browser("office")


def seen(client: FlaskClient, path: str = "/publishing") -> str:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None, name
    return found.group(1)


def sent(client: FlaskClient, path: str, **fields: object) -> TestResponse:
    """Post a form of the page, with the page's key and its last check."""
    page = client.get("/publishing").text
    given = {"once": "k" * 20 + f"{time.monotonic_ns():012d}"[-12:], **fields}
    if path == "publish" and "check" not in given:
        given["check"] = hidden(page, "check")
    return client.post(f"/publishing/{path}", data=given, headers=OURS)


def checked(client: FlaskClient) -> str:
    """The page after a check."""
    assert sent(client, "check").location == "/publishing"
    return seen(client)


def published(client: FlaskClient, **fields: object) -> str:
    """The page after a check and a publication of it."""
    checked(client)
    assert sent(client, "publish", **fields).location == "/publishing"
    return seen(client)


def rebuilt(world: World, **changes: str) -> str:
    """The workspace with another atlas.toml, built; the edition's id."""
    text = (world.workspace / "atlas.toml").read_text("utf-8")
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    worlds.world(world.workspace, text)
    return Edition.open(world.workspace).id


def wait(look: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < until
        time.sleep(0.1)


# ---- from beginning to end ----


def test_from_a_check_to_the_download_in_a_process_of_its_own(
    world: World, office: FlaskClient
) -> None:
    assert "还没有公布过" in seen(office)
    assert sent(office, "check").location == "/publishing"
    page = seen(office)
    assert "正在检查" in page and 'role="status"' in page and "甲office" in page
    assert '<noscript><meta http-equiv="refresh" content="3;url=/publishing/job">' in page
    assert "正在检查" in seen(world.browser("administrator")), "the same for all who may"
    wait(lambda: office.get("/publishing/job.json").json == {"job": None})
    page = seen(office)
    assert "可以公布" in page and "第一次公布，共 3 个指标" in page
    assert "统计人或户的指标共 39 个数" in page and "境、村" in page and "100.0%" in page
    assert published_id(world.workspace) == "", "a check writes nothing that readers see"
    assert sent(office, "publish", page=[COUNTED, "nothing"]).location == "/publishing"
    shares = [0]

    def ended() -> bool:
        told = office.get("/publishing/job.json").json
        assert told is not None
        if told["job"]:
            assert told["job"]["what"] == "publish" and told["job"]["who"] == "甲office"
            shares.append(told["job"]["percent"])
        return told["job"] is None

    wait(ended)
    assert shares == sorted(shares) and len(set(shares)) > 2, "it tells how far it is"
    public = published_id(world.workspace)
    page = seen(office)
    assert "已经公布" in page and "公布了 3 个指标" in page and public in page
    assert "手绘（2021）1号" in page and "https://tiny.example/map" in page
    last = record.published(world.ledger)
    assert last is not None and last.public == public
    assert last.by == world.accounts["office"].id, "who pressed the button"
    assert verify(world.ledger).whole
    answer = office.get(f"/publishing/{public}/site.zip")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="bangfu-{public}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        found = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    home = world.workspace / "public" / public
    single = f"pages/{COUNTED}.html"
    assert found.pop(single) == (home / single).read_bytes()
    site = home / "site"
    files = {p.relative_to(site).as_posix(): p.read_bytes() for p in site.rglob("*") if p.is_file()}
    assert found == files
    alone_ = office.get(f"/publishing/{public}/{single}")
    assert alone_.headers["Content-Disposition"].startswith("attachment;")
    assert alone_.data == (home / single).read_bytes()
    for gone in ("0" * 16 + "/site.zip", f"{public}/pages/well_share.html", "../site.zip"):
        assert office.get(f"/publishing/{gone}").status_code == 404, gone


# ---- the gate ----


@pytest.mark.usefixtures("at_once")
def test_refusals_come_first_with_their_cures_and_nothing_can_be_published(
    world: World, office: FlaskClient
) -> None:
    worlds.world(world.workspace, worlds.atlas(approval="", licence=""))
    page = checked(office)
    assert "不能公布（2）" in page
    assert page.index("没有审图号") < page.index("与上次公布相比")
    assert "再重新 build；程序不会代编" in page
    assert 'action="/publishing/publish"' not in page
    check = Publications(world.workspace, world.ledger, "").desk().check
    assert check is not None
    answer = sent(office, "publish", check=check.job.id)
    assert answer.status_code == 422 and "检查没有通过" in answer.text
    assert published_id(world.workspace) == ""


@pytest.mark.usefixtures("at_once")
def test_a_changed_definition_is_published_with_its_reason_only(
    world: World, office: FlaskClient
) -> None:
    published(office)
    before = published_id(world.workspace)
    rebuilt(world, **{'label = "有水井的村"': 'label = "有水井的帮扶村"'})
    page = checked(office)
    assert "写明 1 个口径变化的理由后可以公布" in page
    assert "“有水井的帮扶村”（上次叫“有水井的村”）的口径为什么变了" in page
    for why in ("", "x", "长" * 301, "a\u202eb"):
        answer = sent(office, "publish", **{"why-well_share": why})
        assert answer.status_code == 422 and 'id="why-well_share-wrong"' in answer.text, why
    assert published_id(world.workspace) == before
    answer = sent(office, "publish", **{"why-well_share": f"说清楚是哪些村{EVIL}"})
    assert answer.location == "/publishing"
    answer = office.get("/publishing")
    assert "说清楚是哪些村" in answer.text and EVIL not in answer.text
    assert published_id(world.workspace) != before


@pytest.mark.usefixtures("at_once")
def test_a_demo_is_published_when_its_mark_is_accepted(world: World, office: FlaskClient) -> None:
    text = worlds.atlas(approval="").replace("[atlas]", "[atlas]\ndemo = true")
    worlds.world(world.workspace, text)
    page = checked(office)
    assert "可以公布" in page and "--demo" not in page and "同意带“演示数据 DEMO”字样公布" in page
    answer = sent(office, "publish")
    assert answer.status_code == 422 and "要勾选同意" in answer.text
    assert sent(office, "publish", accept_demo="1").location == "/publishing"
    page = seen(office)
    assert '<span class="badge">演示数据 DEMO</span>' in page
    assert Edition.open_public(world.workspace).manifest["watermark"] == "演示数据 DEMO"


@pytest.mark.usefixtures("at_once")
def test_what_was_not_checked_is_not_published(world: World, office: FlaskClient) -> None:
    checked(office)
    check = hidden(office.get("/publishing").text, "check")
    rebuilt(world, 手工绘制="手工绘制（改）")
    page = seen(office)
    assert "那次的结果已经过时，请再检查一次" in page
    assert 'action="/publishing/publish"' not in page
    answer = sent(office, "publish", check=check)
    assert answer.status_code == 422 and "请再检查一次" in answer.text
    for other in ("", "0" * 20):
        answer = sent(office, "publish", check=other)
        assert answer.status_code == 422 and "不是最近一次检查" in answer.text
    assert published_id(world.workspace) == ""
    # The same in the process: between the form and the work something may happen, too.
    request = {
        "what": "publish",
        "by": world.accounts["office"].id,
        "based": {"edition": "0" * 16, "last": "", "taken": []},
    }
    url = f"sqlite:///{world.workspace.parent / 'ledger.sqlite'}"
    with pytest.raises(Conflict, match="请再检查一次"):
        publisher.result_of(world.workspace, request, url, lambda *_: None)
    with pytest.raises(Conflict, match="当前版本已经换了"):
        publishing.publish(
            world.workspace, world.ledger, TERMINAL, publishing.Wished(edition="0" * 16)
        )
    assert published_id(world.workspace) == ""


# ---- taking back ----


@pytest.mark.usefixtures("at_once")
def test_a_measure_is_taken_back_with_a_reason_and_put_back(
    world: World, office: FlaskClient
) -> None:
    published(office)
    before = published_id(world.workspace)
    page = seen(office, "/publishing/withdraw?measure=well_share")
    assert "撤回“有水井的村”" in page and "公众会读到它" in page
    for why in ("", "x"):
        answer = sent(office, "withdraw", measure="well_share", why=why)
        assert answer.status_code == 422 and "2 到 300 个字" in answer.text
    fields = {"measure": "well_share", "why": "数错了一口井"}
    answer = sent(office, "withdraw", **fields)
    assert answer.status_code == 200, "first it says what readers will see"
    assert "“有水井的村”已于" in html.unescape(answer.text) and "撤回：数错了一口井" in answer.text
    assert published_id(world.workspace) == before and not record.withdrawals(world.ledger)
    based = hidden(answer.text, "based")
    stale = sent(office, "withdraw", **fields, confirmed="1", based="0" * 20)
    assert stale.status_code == 422 and "再确认一次" in stale.text
    assert sent(office, "withdraw", **fields, confirmed="1", based=based).location == "/publishing"
    page = seen(office)
    assert "“有水井的村”已经撤回，其余照常公布" in page and "2 个，另有 1 个已撤回" in page
    assert not Edition.open_public(world.workspace).has("well_share", "second")
    assert not (world.workspace / "public" / before).exists()
    again = sent(office, "withdraw", **fields, confirmed="1", based=based)
    assert again.status_code == 422 and "已经撤回了" in again.text
    page = seen(office, "/publishing/lift?measure=well_share")
    based = hidden(page, "based")
    answer = sent(office, "lift", measure="well_share", confirmed="1", based=based)
    assert answer.location == "/publishing"
    assert "“有水井的村”已经恢复公布" in seen(office)
    assert published_id(world.workspace) == before and not record.withdrawals(world.ledger)
    assert sent(office, "lift", measure="well_share").status_code == 422
    assert office.get("/publishing/withdraw?measure=below_share").status_code == 404
    assert office.get("/publishing/withdraw", headers=HTML).status_code == 404


@pytest.mark.usefixtures("at_once")
def test_the_mark_of_a_demo_is_asked_for_by_the_edition_of_this_moment(
    world: World, office: FlaskClient
) -> None:
    published(office)
    text = worlds.atlas(approval="").replace("[atlas]", "[atlas]\ndemo = true")
    worlds.world(world.workspace, text)
    fields = {"measure": "well_share", "why": "数错了一口井"}
    based = hidden(sent(office, "withdraw", **fields).text, "based")
    # Within the second in which the server still shows the edition before.
    answer = sent(office, "withdraw", **fields, confirmed="1", based=based)
    assert answer.status_code == 422 and "要勾选同意" in answer.text
    assert not record.withdrawals(world.ledger)


@pytest.mark.usefixtures("at_once")
def test_a_withdrawal_that_the_gate_stops_says_that_readers_still_see_it(
    world: World, office: FlaskClient
) -> None:
    published(office)
    text = worlds.atlas(counts={COUNTED: "people"}, approval="")
    worlds.world(world.workspace, text)
    page = office.get("/publishing/withdraw?measure=well_share").text
    assert "这次会连同其他指标一起按现在的版本重新公布" in page
    fields = {"measure": "well_share", "why": f"数错了{EVIL}", "confirmed": "1"}
    based = hidden(sent(office, "withdraw", **{**fields, "confirmed": ""}).text, "based")
    assert sent(office, "withdraw", **fields, based=based).location == "/publishing"
    page = office.get("/publishing").text
    assert "撤回没有做成：有 1 条原因" in page and "没有审图号" in page
    assert "撤回已经记入台账，但公开的页面还是原来的" in page
    assert "公开的页面还没有重新写，读者仍能看到它" in page
    assert EVIL not in page


# ---- one at a time, by whoever asked ----


@pytest.mark.usefixtures("at_once")
def test_a_form_sent_twice_is_one_publication(world: World, office: FlaskClient) -> None:
    page = checked(office)
    fields = {"check": hidden(page, "check"), "once": "o" * 32}
    for _ in range(2):
        assert sent(office, "publish", **fields).location == "/publishing"
    assert len(world.ledger.rows(tables.publication.select())) == 1
    assert sent(office, "publish", check="x", once="").status_code == 400


@pytest.mark.usefixtures("never")
def test_one_at_a_time_also_beside_the_command(world: World, office: FlaskClient) -> None:
    assert sent(office, "check").location == "/publishing"
    other = world.browser("administrator")
    page = seen(other)
    assert "正在检查" in page and 'action="/publishing/check"' not in page
    answer = sent(other, "check")
    assert answer.status_code == 422 and "甲office正在检查，同一时间只能有一个" in answer.text
    with (
        alone(world.workspace),
        pytest.raises(Conflict, match="同一时间只能有一个"),
        alone(world.workspace),
    ):
        raise AssertionError
    assert not published_id(world.workspace)


def test_a_process_that_was_killed_is_said_to_have_ended(
    world: World, office: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, actor = world.workspace / FOLDER, world.accounts["office"].actor
    monkeypatch.setattr(publications, "start", lambda *_: None)
    works = Publications(world.workspace, world.ledger, "", clock=lambda: time.monotonic() + 60)
    based = basis(world.workspace, world.ledger)
    for what, said in ((What.CHECK, "检查没有做完就停了"), (What.PUBLISH, "读者看到的没有变")):
        works.begin(actor, what, f"key {what}", based)
        assert jobs.claim(home, 999_999) is not None, "and then it was killed"
        monkeypatch.setattr(publications, "start", inline)
        works = Publications(world.workspace, world.ledger, "")
        works.desk()
        assert works.desk().running is None
        assert said in seen(office)
        monkeypatch.setattr(publications, "start", lambda *_: None)
        works = Publications(world.workspace, world.ledger, "")
    assert published_id(world.workspace) == "" and record.published(world.ledger) is None


def test_who_may_no_more_by_the_time_publishes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publications, "start", lambda *_: None)
    url = f"sqlite:///{world.workspace.parent / 'ledger.sqlite'}"
    works = Publications(world.workspace, world.ledger, url)
    one, _ = accounts.create(
        world.ledger, TERMINAL, name="short-stay", label="短", role="office", password="mulan-42-x9"
    )
    job = works.begin(one.actor, What.PUBLISH, "key", basis(world.workspace, world.ledger))
    accounts.disable(world.ledger, TERMINAL, one.id, "left")
    publisher.work(world.workspace, url)
    found = jobs.find(world.workspace / FOLDER, job.id)
    assert found is not None and found.status is Standing.FAILED
    assert "你的身份不能公布" in found.error and published_id(world.workspace) == ""


@pytest.mark.parametrize(
    "asker", ["nobody", "screen", "phone", "first", "viewer", "member", "district"]
)
def test_nobody_else_comes_near(world: World, asker: str) -> None:
    for path in ("", "/job", "/job.json", "/withdraw", "/lift", "/x/site.zip", "/x/pages/y.html"):
        assert guarded.is_refused(world.ask(asker, f"/publishing{path}")), path
    for path in ("check", "publish", "withdraw", "lift"):
        answer = world.ask(asker, f"/publishing/{path}", "POST", data={"once": "o" * 32})
        assert guarded.is_refused(answer), path
    assert not (world.workspace / FOLDER).exists()


def test_watching_keeps_nobody_signed_in_and_ends_at_the_page(
    world: World, office: FlaskClient
) -> None:
    guard = world.app.server.extensions["bangfu-access"]
    for name in ("publishing_job", "publishing_job_json"):
        declared = guard.declared(name)
        assert declared is not None and declared.background
    assert office.get("/publishing/job").location == "/publishing"
    for foreign in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = office.post("/publishing/check", data={"once": "o" * 32}, headers=foreign)
        assert answer.status_code == 403


# ---- pieces ----


def test_a_zip_is_sent_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "site" / "d").mkdir(parents=True)
    large = bytes(range(256)) * 8192
    (tmp_path / "site" / "d" / "large.bin").write_bytes(large)
    (tmp_path / "site" / "名.html").write_text("页", "utf-8")
    (tmp_path / "site" / "empty").touch()
    (tmp_path / "site" / "link").symlink_to("/etc/hostname")
    chunks = list(packing.streamed([(tmp_path / "site", "a")]))
    assert max(map(len, chunks)) < 2 * packing.CHUNK
    with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as archive:
        assert archive.testzip() is None
        assert {*archive.namelist()} == {"a/d/large.bin", "a/名.html", "a/empty"}
        assert archive.read("a/d/large.bin") == large


def test_errors_name_a_file_as_it_lies_in_the_workspace(tmp_path: Path) -> None:
    error = AtlasError("写不下", file=str(tmp_path / "public" / "x"), value="7", cure="清理磁盘")
    assert publisher.sentence(tmp_path, error) == "public/x：写不下「7」。清理磁盘"
    assert "磁盘" in publisher.sentence(tmp_path, OSError(28, "full"))
    assert "日志" in publisher.sentence(tmp_path, RuntimeError(str(tmp_path)))

"""Files to take away: one job for one wish, progress that only grows, no silent failure."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient
from pptx import Presentation

from dashboard import errands, exports
from dashboard.app import create_app
from dashboard.exports import Teller
from dashboard.settings import Settings
from geodata import jobs
from geodata.edition import Edition
from geodata.errors import BadRequest
from geodata.jobs import Standing
from layers import deck

VIEW = {"what": "view", "query": "measure=collective_income&round=r3", "format": "pptx"}
WHOLE = {"what": "briefing", "briefing": "default", "format": "pptx"}
PLACE = "/api/v1/exports"
PATIENCE = 90.0
"""Seconds for a file on a busy machine."""


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """The small world, to be written in."""
    return Path(shutil.copytree(folder, tmp_path / "own"))


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of our own, as far as its lock goes."""
    path = tmp_path / "machine.lock"
    monkeypatch.setattr(exports, "machine_lock", lambda: path)
    return path


@pytest.fixture
def asked(own: Path, lock: Path) -> Iterator[FlaskClient]:
    """The app of a workspace of our own."""
    with create_app(Settings(workspace=own, access="open")).server.test_client() as client:
        yield client


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """No process is started; where one would have been."""
    started: list[Path] = []
    monkeypatch.setattr(exports, "start", lambda folder, *_: started.append(folder))
    return started


@pytest.fixture
def quick(idle: list[Path], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Files are a few bytes; what was wished for."""
    made: list[dict[str, Any]] = []

    def make(edition: Edition, wished: dict[str, Any], progress: Any) -> bytes:
        made.append(wished)
        return b"file of " + edition.id.encode()

    monkeypatch.setattr(exports, "make", make)
    return made


def ask(client: FlaskClient, **wish: Any) -> Any:
    return client.post(PLACE, json=VIEW | wish)


def fetched(client: FlaskClient, place: str) -> Any:
    """The file behind an address; read to its end, as a browser does."""
    answer = client.get(place, buffered=True)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer


def ended(client: FlaskClient, name: str) -> list[dict[str, Any]]:
    """All that was told until a job ended."""
    told = []
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        told.append(client.get(f"{PLACE}/{name}").get_json())
        if told[-1]["status"] in {"done", "failed"}:
            return told
        time.sleep(0.05)
    raise AssertionError(told[-1])


# --- what is asked for -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ([], 400, "JSON 对象"),
        ({}, 400, "briefing、view"),
        ({"what": "world"}, 400, "world"),
        (VIEW | {"format": "exe"}, 400, "pptx"),
        (VIEW | {"format": ["pptx"]}, 400, "pptx"),
        (VIEW | {"format": None}, 400, "pptx"),
        (VIEW | {"colour": "red"}, 400, "colour"),
        (VIEW | {"briefing": "default"}, 400, "briefing"),
        (VIEW | {"query": 5}, 400, "query"),
        (VIEW | {"query": "measure=none_such"}, 404, "none_such"),
        (VIEW | {"query": "region=nowhere"}, 404, "nowhere"),
        (VIEW | {"query": "camera=here"}, 400, "here"),
        (VIEW | {"query": "x" * 9000}, 400, "长"),
        (VIEW | {"width": 100}, 400, "7680"),
        (VIEW | {"height": 100_000}, 400, "7680"),
        (VIEW | {"width": "1920"}, 400, "width"),
        (VIEW | {"width": True}, 400, "width"),
        (VIEW | {"width": 1920.5}, 400, "width"),
        ({"what": "briefing", "format": "pdf"}, 400, "briefing"),
        (WHOLE | {"briefing": "nobody"}, 404, "nobody"),
        (WHOLE | {"briefing": "../../atlas"}, 404, "没有这个汇报"),
        (WHOLE | {"briefing": "坏\n名字"}, 404, "没有这个汇报"),
        (WHOLE | {"query": ""}, 400, "query"),
    ],
)
def test_a_bad_wish_is_a_sentence(
    asked: FlaskClient, idle: list[Path], own: Path, body: Any, status: int, words: str
) -> None:
    answer = asked.post(PLACE, json=body)
    assert answer.status_code == status
    assert words in answer.get_json()["error"]
    assert not idle
    assert jobs.unfinished(own) == []


def test_a_body_that_is_no_json_is_a_sentence(asked: FlaskClient, idle: list[Path]) -> None:
    for data, kind, status in (
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"what=view", "application/x-www-form-urlencoded", 415),
    ):
        answer = asked.post(PLACE, data=data, content_type=kind)
        assert answer.status_code == status
        assert answer.get_json()["error"]
    assert asked.post(f"{PLACE}?x=1", json=VIEW).status_code == 400


@pytest.mark.parametrize("name", ["0" * 20, "nobody", "..%2fatlas.toml", "0" * 19 + "/", "A" * 20])
def test_a_job_that_is_not_there_is_404(asked: FlaskClient, name: str) -> None:
    for place in (f"{PLACE}/{name}", f"{PLACE}/{name}/file"):
        answer = asked.get(place)
        assert answer.status_code == 404
        assert answer.get_json()["error"]


def test_the_same_wish_is_the_same_job(asked: FlaskClient, idle: list[Path], own: Path) -> None:
    first = ask(asked)
    assert first.status_code == 202
    said = first.get_json()
    assert (said["status"], said["done"], said["total"]) == ("waiting", 0, 0)
    assert said["label"]
    assert ask(asked).get_json()["id"] == said["id"]
    # A page has one size, whatever screen asks; and keys of other sites change nothing.
    assert ask(asked, width=640, height=480).get_json()["id"] == said["id"]
    assert ask(asked, query=VIEW["query"] + "&utm=x").get_json()["id"] == said["id"]
    others = [
        ask(asked, format="pdf"),
        ask(asked, format="png"),
        ask(asked, format="png", width=640, height=480),
        ask(asked, query="measure=collective_income&round=r3&region=990002000000"),
        asked.post(PLACE, json=VIEW, headers={"Host": "10.1.2.3:8050"}),
    ]
    names = {other.get_json()["id"] for other in others}
    assert len(names | {said["id"]}) == 6
    assert len(jobs.unfinished(own)) == 6


def test_another_edition_is_another_file(
    asked: FlaskClient, idle: list[Path], own: Path, another: Callable[[Path, str], str]
) -> None:
    first = ask(asked).get_json()["id"]
    another(own, "换了名字")
    time.sleep(1.1)
    assert ask(asked).get_json()["id"] != first


def test_links_lead_where_the_reader_came_from_or_the_office_says(
    own: Path, lock: Path, idle: list[Path]
) -> None:
    for url, link in (("", "http://atlas.local:81"), ("http://10.9.8.7", "http://10.9.8.7")):
        app = create_app(Settings(workspace=own, access="open", public_url=url))
        client = app.server.test_client()
        client.post(PLACE, json=VIEW, headers={"Host": "atlas.local:81"})
        assert jobs.unfinished(own)[-1].request["link"] == link


def test_no_more_than_eight_wait(asked: FlaskClient, idle: list[Path]) -> None:
    for width in range(8):
        assert ask(asked, format="png", width=400 + width).status_code == 202
    full = ask(asked, format="png", width=500)
    assert full.status_code == 503
    assert full.headers["Retry-After"]
    assert "太多" in full.get_json()["error"]
    assert ask(asked, format="png", width=400).status_code == 202, "it is in the queue already"
    assert "前面还有 7" in ask(asked, format="png", width=407).get_json()["label"]


@pytest.mark.parametrize(
    "title", ['a/b\\c:"d"', "换行\r\nX-Header: 1", "../../etc/passwd", "长" * 300, "\u202e反", "…"]
)
def test_a_title_cannot_spoil_the_name_or_the_header(
    asked: FlaskClient, own: Path, quick: list[dict[str, Any]], title: str
) -> None:
    folder = own / "briefings"
    folder.mkdir()
    text = "title = '''" + title.replace("\r", "") + "'''\n[[scenes]]\nkind = \"overview\"\n"
    (folder / "mine.toml").write_text(text, "utf-8")
    name = asked.post(PLACE, json=WHOLE | {"briefing": "mine"}).get_json()["id"]
    exports.work(own)
    answer = fetched(asked, f"{PLACE}/{name}/file")
    held = unquote(answer.headers["Content-Disposition"].rpartition("''")[2])
    assert held.endswith(".pptx")
    assert not set(held) & set('/\\:"\r\n\u202e')
    assert len(held.encode()) < 256
    assert "X-Header" not in answer.headers
    assert [path.name for path in (own / "exports").iterdir()] == [f"{name}.pptx"]


# --- what becomes of it ----------------------------------------------------------------------


def test_a_finished_file_has_its_name_and_type_and_is_used_again(
    asked: FlaskClient, own: Path, quick: list[dict[str, Any]], edition: Edition
) -> None:
    name = ask(asked, format="pdf").get_json()["id"]
    assert asked.get(f"{PLACE}/{name}/file").status_code == 404
    exports.work(own)
    said = asked.get(f"{PLACE}/{name}").get_json()
    assert said["status"] == "done"
    answer = fetched(asked, said["url"])
    assert answer.data == b"file of " + edition.id.encode()
    assert answer.mimetype == "application/pdf"
    assert "attachment" in answer.headers["Content-Disposition"]
    held = unquote(answer.headers["Content-Disposition"].rpartition("''")[2])
    assert held == "云泽市帮扶一张图-云泽市-集体收入-2021年12月.pdf"
    assert ask(asked, format="pdf").get_json()["status"] == "done"
    exports.work(own)
    assert len(quick) == 1


def test_a_file_that_was_cleared_away_is_made_again(
    asked: FlaskClient, own: Path, quick: list[dict[str, Any]]
) -> None:
    name = ask(asked).get_json()["id"]
    exports.work(own)
    (own / "exports" / f"{name}.pptx").unlink()
    assert asked.get(f"{PLACE}/{name}").status_code == 404
    assert asked.get(f"{PLACE}/{name}/file").status_code == 404
    assert ask(asked).get_json()["status"] == "waiting"
    exports.work(own)
    assert fetched(asked, f"{PLACE}/{name}/file").data


def test_what_cannot_be_made_says_why_and_may_be_tried_again(
    asked: FlaskClient, own: Path, idle: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> bytes:
        raise BadRequest("这张图没有数据")

    def break_down(*_: Any) -> bytes:
        raise ZeroDivisionError("secret path /srv/atlas")

    def full(*_: Any) -> bytes:
        raise OSError(28, "No space left on device")

    for failing, word in ((refuse, "没有数据"), (break_down, "已记入日志"), (full, "不够")):
        monkeypatch.setattr(exports, "make", failing)
        name = ask(asked).get_json()["id"]
        exports.work(own)
        said = asked.get(f"{PLACE}/{name}").get_json()
        assert said["status"] == "failed"
        assert word in said["error"]
        assert "srv" not in said["error"] and "No space" not in said["error"]
        assert list((own / "exports").iterdir()) == []


def test_a_workspace_that_may_only_be_read_says_so(
    asked: FlaskClient, own: Path, idle: list[Path]
) -> None:
    (own / "exports").write_text("in the way")
    answer = ask(asked)
    assert answer.status_code == 503
    assert "存不了文件" in answer.get_json()["error"]
    assert str(own) not in answer.get_json()["error"]


def test_the_oldest_files_are_cleared_away(own: Path) -> None:
    folder = own / "exports"
    folder.mkdir()
    for age in range(6):
        path = folder / f"{age:020x}.pdf"
        path.write_bytes(b"x" * 10)
        os.utime(path, (1000 - age, 1000 - age))
    (folder / "mine.txt").write_text("somebody's own")
    (folder / ".half.pdf.1").write_text("of a process that was killed")
    exports.prune(own, keep=f"{5:020x}", most=4)
    assert sorted(path.name for path in folder.iterdir()) == [
        *(f"{age:020x}.pdf" for age in (0, 1, 2, 5)),
        "mine.txt",
    ]
    exports.prune(own, keep=f"{5:020x}", most_bytes=25)
    assert {path.stem for path in folder.glob("*.pdf")} == {f"{0:020x}", f"{5:020x}"}


# --- the process -----------------------------------------------------------------------------


def test_one_process_is_started_and_only_while_none_works(
    asked: FlaskClient, lock: Path, idle: list[Path]
) -> None:
    held = errands.take(lock)
    assert held is not None
    assert errands.take(lock) is None
    name = ask(asked).get_json()["id"]
    asked.get(f"{PLACE}/{name}")
    assert idle == []
    os.close(held)
    asked.get(f"{PLACE}/{name}")
    assert len(idle) == 1


def test_a_wish_from_beginning_to_end(asked: FlaskClient, own: Path, edition: Edition) -> None:
    name = ask(asked, query=VIEW["query"] + "&region=990002000000").get_json()["id"]
    told = ended(asked, name)
    assert told[-1]["status"] == "done", told[-1]
    slides = Presentation(io.BytesIO(fetched(asked, told[-1]["url"]).data)).slides
    assert len(slides) == 1
    linked = [
        rel.target_ref for rel in slides[0].part.rels.values() if rel.reltype.endswith("hyperlink")
    ]
    assert any("http://localhost/?" in link and "990002000000" in link for link in linked)


def test_twelve_slides_tell_how_far_they_are(asked: FlaskClient, own: Path) -> None:
    folder = own / "briefings"
    folder.mkdir()
    scene = '[[scenes]]\nkind = "map"\nmeasure = "collective_income"\nnotes = "讲稿"\n'
    (folder / "twelve.toml").write_text('title = "十二页"\n' + scene * 12, "utf-8")
    name = asked.post(PLACE, json=WHOLE | {"briefing": "twelve"}).get_json()["id"]
    told = ended(asked, name)
    assert told[-1]["status"] == "done", told[-1]
    assert (told[-1]["done"], told[-1]["total"]) == (12, 12)
    steps = [one["done"] for one in told]
    assert all(before <= after for before, after in pairwise(steps))
    assert any(0 < one["done"] < 12 and one["total"] == 12 and one["label"] for one in told)
    slides = Presentation(io.BytesIO(fetched(asked, told[-1]["url"]).data)).slides
    assert len(slides) == 12
    assert "讲稿" in slides[0].notes_slide.notes_text_frame.text


def test_pictures_of_a_briefing_come_in_a_zip(
    asked: FlaskClient, own: Path, idle: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def png(edition: Edition, content: Any, **given: Any) -> bytes:
        sizes.append((given["width"], given["height"]))
        return b"\x89PNG" + content["id"].encode()

    monkeypatch.setattr(deck, "png", png)
    name = asked.post(PLACE, json=WHOLE | {"format": "png", "width": 800, "height": 600})
    exports.work(own)
    answer = fetched(asked, f"{PLACE}/{name.get_json()['id']}/file")
    assert answer.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert len(names) == len(sizes) > 3
    assert names[0].startswith("01-") and names[0].endswith(".png")
    assert names == sorted(names)
    assert set(sizes) == {(800, 600)}


def test_workers_that_are_asked_at_once_make_one_file(own: Path, lock: Path) -> None:
    settings = Settings(workspace=own, access="open")
    clients = [create_app(settings).server.test_client() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(lambda client: client.post(PLACE, json=VIEW).get_json(), clients))
    assert len({one["id"] for one in said}) == 1
    for client in clients:
        assert ended(client, said[0]["id"])[-1]["status"] == "done"
    job = jobs.find(own, said[0]["id"])
    assert job is not None and job.tries == 1
    assert len(list((own / "exports").iterdir())) == 1


def begun(client: FlaskClient, own: Path, name: str) -> int:
    """The process that works on a job, once there is one."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        client.get(f"{PLACE}/{name}")
        job = jobs.find(own, name)
        assert job is not None
        assert job.status is not Standing.DONE, "it was too quick to be killed"
        if job.status is Standing.WORKING and job.label:
            return job.pid
        time.sleep(0.01)
    raise AssertionError("nobody began")


def test_a_killed_process_is_replaced(asked: FlaskClient, own: Path) -> None:
    name = asked.post(PLACE, json=WHOLE).get_json()["id"]
    os.kill(begun(asked, own, name), signal.SIGKILL)
    assert ended(asked, name)[-1]["status"] == "done"
    job = jobs.find(own, name)
    assert job is not None and job.tries == 2


def test_a_job_that_kills_two_processes_is_given_up(
    asked: FlaskClient, own: Path, idle: list[Path]
) -> None:
    name = ask(asked).get_json()["id"]
    for _ in range(2):
        assert jobs.claim(own, 1) is not None
        assert jobs.recover(own, lambda job: True) == 1
    said = asked.get(f"{PLACE}/{name}").get_json()
    assert said["status"] == "failed"
    assert "两次" in said["error"]


def test_a_process_outlives_the_server_that_began_it(own: Path, lock: Path) -> None:
    story = (
        "import sys\n"
        "from pathlib import Path\n"
        "from dashboard import exports\n"
        "from dashboard.app import create_app\n"
        "from dashboard.settings import Settings\n"
        "exports.machine_lock = lambda: Path(sys.argv[2])\n"
        "app = create_app(Settings(workspace=sys.argv[1], access='open'))\n"
        f"print(app.server.test_client().post({PLACE!r}, json={VIEW!r}).get_json()['id'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", story, str(own), str(lock)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    name = done.stdout.strip()
    client = create_app(Settings(workspace=own, access="open")).server.test_client()
    assert ended(client, name)[-1]["status"] == "done"
    job = jobs.find(own, name)
    assert job is not None and job.tries == 1


def test_progress_counts_slides_and_speaks_of_the_rest() -> None:
    told: list[tuple[int, int, str]] = []
    teller = Teller(lambda *said: told.append(said), 1)
    for label, total in (("正在整理内容", 3), ("排版", 3), ("写出", 1)):
        with teller.step(label, total) as advance:
            for _ in range(total):
                advance(1)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1][:2] == (3, 3)
    assert told[0] == (0, 3, "正在整理内容 0/3")


@pytest.mark.parametrize(
    "text", ["", "atlas", "ftp://a", "javascript:alert(1)", "http://", "http://a b", "http://a?x=1"]
)
def test_a_link_must_be_an_address(text: str) -> None:
    with pytest.raises(BadRequest, match="http://"):
        exports.check_link(text)
    assert exports.check_link("https://atlas.local:8050/map/") == "https://atlas.local:8050/map"

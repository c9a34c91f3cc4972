"""`bangfu publish`: exit codes, Chinese sentences, what it leaves behind, and what it does not."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from geodata.edition import Edition, published_id
from geodata.errors import EditionError
from geodata.ledger import Decision, Ledger, LedgerError, tables
from geodata.ledger.verify import verify
from geodata.publish import record, seen
from geodata.words import catalogue
from tests import published_worlds as worlds
from tests.dashboard.typed import run
from tests.ledgers import OFFICE, invented
from tests.public_bytes import deny, scan
from tests.published_worlds import COUNTED, OPEN, PUBLICATION

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny world, built. Nobody may change it."""
    return worlds.world(
        tmp_path_factory.mktemp("publish") / "world",
        worlds.atlas(
            counts={COUNTED: "people"},
            publication=PUBLICATION + "small_number = 40\n",
        ),
    )


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A copy of it to work in."""
    return Path(shutil.copytree(built, tmp_path / "world"))


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, but the log of the state's file."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def book(folder: Path) -> Ledger:
    ledger = Ledger.of(folder)
    assert verify(ledger).whole
    return ledger


def test_a_dry_run_says_everything_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(folder)
    code, out, err = run("publish", folder, "--dry-run", "--out", folder / "out", capsys=capsys)
    assert code == 0, err
    assert files(folder) == before, "not even a ledger"
    assert "公布的指标（3）" in out and "暂不公布（0）" in out
    assert "帮扶村占比：第二轮；境、村；1 期，最近 整轮；已核实 100.0%" in out
    assert "第一次公布，共 3 个指标" in out
    assert "统计人或户的指标共 39 个数" in out and "个小于 40" in out
    assert "这是试运行" in err


def test_publishing(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "site"
    code, out, err = run("publish", folder, "--out", place, capsys=capsys)
    assert code == 0, err
    public = out.splitlines()[-1]
    assert published_id(folder) == public and len(public) == 16
    edition = Edition.open_public(folder)
    assert edition.public and [one.id for one in edition.measures] == list(OPEN)
    assert "公布好了" in err and "上传到网站的栏目里" in err
    assert (place / "index.html").is_file()
    assert files(place) == files(folder / "public" / public / "site")
    ledger = book(folder)
    last = record.published(ledger)
    ledger.dispose()
    assert last is not None and (last.public, last.by) == (public, "terminal")
    assert {one.name for one in (folder / "public").iterdir()} == {public, "current"}
    assert seen.read(folder / seen.FILE).places(), "the next publication knows what readers have"
    # Again: the same id, and nothing changed.
    code, out, err = run("publish", folder, "--out", place, capsys=capsys)
    assert code == 0 and out.splitlines()[-1] == public and "与上次公布的数完全一样" in out


def test_a_public_folder_alone_is_enough(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("publish", folder, capsys=capsys)[0] == 0
    shutil.move(folder / "public", tmp_path / "elsewhere" / "public")
    shutil.rmtree(folder)
    edition = Edition.open_public(tmp_path / "elsewhere")
    assert edition.values("chosen_share", "second", "parish").value.shape == (1, 9)


def test_nothing_published_yet(folder: Path) -> None:
    with pytest.raises(EditionError, match="还没有公布过"):
        Edition.open_public(folder)
    (folder / "public").mkdir()
    (folder / "public" / "current").write_text("../../etc\n")
    with pytest.raises(EditionError, match="还没有公布过"):
        Edition.open_public(folder)


def test_a_refusal_is_1_and_changes_nothing_that_readers_see(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "site"
    assert run("publish", folder, "--out", place, capsys=capsys)[0] == 0
    before, site = files(folder / "public"), files(place)
    worlds.world(folder, worlds.atlas(approval="", licence=""))
    code, out, err = run("publish", folder, "--out", place, capsys=capsys)
    assert code == 1
    assert "不能公布（2）" in out and "没有审图号" in out and "没有写明数据的使用许可" in out
    assert "没有公布：有 2 条原因" in err and "公布好了" not in err
    assert (files(folder / "public"), files(place)) == (before, site)
    ledger = book(folder)
    assert ledger.seq() == 1
    ledger.dispose()


def test_a_demo_needs_its_flag_and_carries_its_mark(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = worlds.atlas(approval="").replace("[atlas]", "[atlas]\ndemo = true")
    worlds.world(folder, text)
    code, out, _ = run("publish", folder, capsys=capsys)
    assert code == 1 and "确实要公布演示数据时加上 --demo" in out
    code, _, err = run("publish", folder, "--demo", capsys=capsys)
    assert code == 0, err
    edition = Edition.open_public(folder)
    assert edition.manifest["watermark"] == "演示数据 DEMO" and edition.notices()["demo"]
    assert edition.notices()["approval_number"] == "", "never invented"


def test_withdrawing_publishes_anew_without_it_and_lifting_brings_it_back(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "site"
    assert run("publish", folder, "--out", place, capsys=capsys)[0] == 0
    first = published_id(folder)
    code, out, err = run(
        "publish", folder, "--out", place, "--withdraw", "well_share", "--reason", "数错了一口井",
        capsys=capsys,
    )  # fmt: skip
    assert code == 0, err
    assert "撤回的指标（1）" in out and "“有水井的村”已于" in out and "数错了一口井" in out
    edition = Edition.open_public(folder)
    assert edition.id != first and not edition.has("well_share", "second")
    (told,) = edition.manifest["withdrawn"]
    assert (told["id"], told["reason"]) == ("well_share", "数错了一口井")
    assert not (folder / "public" / first).exists(), "what was taken back lies nowhere"
    texts = "".join(path.read_text("utf-8") for path in place.rglob("*.html"))
    assert "数错了一口井" in texts and not [*place.rglob("*/well_share/*")]
    code, out, err = run(
        "publish", folder, "--withdraw", "well_share", "--reason", "再说", capsys=capsys
    )
    assert code == 1 and "已经撤回了" in err
    code, out, err = run("publish", folder, "--lift", "well_share", capsys=capsys)
    assert code == 0 and "“有水井的村”恢复公布" in out
    assert published_id(folder) == first
    ledger = book(folder)
    assert ledger.seq() == 5
    ledger.dispose()


def test_a_dry_withdrawal_is_not_recorded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("publish", folder, capsys=capsys)[0] == 0
    before = files(folder / "public")
    asked = ("publish", folder, "--dry-run", "--withdraw")
    code, out, _ = run(*asked, "well_share", "--reason", "数错了", capsys=capsys)
    assert code == 0 and "“有水井的村”已撤回：数错了" in out
    assert run(*asked, "below_share", "--reason", "数错了", capsys=capsys)[0] == 1
    assert files(folder / "public") == before
    ledger = book(folder)
    assert ledger.seq() == 1 and record.withdrawals(ledger) == {}
    ledger.dispose()


def test_a_withdrawal_stays_recorded_when_the_gate_refuses(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("publish", folder, capsys=capsys)[0] == 0
    worlds.world(folder, worlds.atlas(approval=""))
    code, _, err = run(
        "publish", folder, "--withdraw", "well_share", "--reason", "数错了", capsys=capsys
    )
    assert code == 1 and "撤回已经记入台账，但网上还是原来的" in err


def test_a_changed_definition_is_accepted_with_a_reason(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("publish", folder, capsys=capsys)[0] == 0
    text = (folder / "atlas.toml").read_text("utf-8")
    worlds.world(folder, text.replace('label = "有水井的村"', 'label = "有水井的帮扶村"'))
    code, out, _ = run("publish", folder, capsys=capsys)
    assert code == 1 and "--accept well_share=理由" in out
    code, out, err = run("publish", folder, "--accept", "well_share=说清楚是哪些村", capsys=capsys)
    assert code == 0, err
    assert "口径变了（上次叫“有水井的村”）：说清楚是哪些村" in out
    code, _, err = run("publish", folder, "--accept", "nothing=x", capsys=capsys)
    assert code == 1 and "nothing" in err


def test_pages_that_are_not_accessible_are_not_published(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("publish", folder, capsys=capsys)[0] == 0
    before, worse = files(folder / "public"), "图没有文字说明"
    monkeypatch.setattr("layers.public.audit.check", lambda html, path: [f"{path}：{worse}"])
    code, out, _ = run("publish", folder, capsys=capsys)
    assert code == 1 and "没有通过无障碍检查" in out and f"index.html：{worse}" in out
    assert files(folder / "public") == before
    ledger = book(folder)
    assert ledger.seq() == 1
    ledger.dispose()


def test_what_could_not_be_recorded_is_not_published(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise LedgerError("台账写不了")

    monkeypatch.setattr("geodata.publish.record.record", fail)
    code, _, err = run("publish", folder, "--out", tmp_path / "site", capsys=capsys)
    assert code == 1 and "台账写不了" in err
    assert [*(folder / "public").iterdir()] == [] and not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--accept", "well_share"), 2, "--accept.*指标=理由"),
        (("--accept", "=x"), 2, "--accept.*指标=理由"),
        (("--nonsense",), 2, "--nonsense"),
        (("--withdraw", "well_share"), 1, "撤回要写明原因。加上 --reason"),
        (("--withdraw", "a", "--lift", "b", "--reason", "cc"), 1, "不能同时写"),
        (("--withdraw", "well_share", "--reason", "数错了"), 1, "还没有公布过任何指标"),
        (("--lift", "well_share"), 1, "没有撤回"),
        (("--report", "x.pdf"), 1, "写不了这种报告「x.pdf」"),
    ],
)
def test_wrong_usage(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    found, _, err = run("publish", folder, *arguments, capsys=capsys)
    assert found == code and re.search(words, err), err
    assert not [*(folder / "public").glob("*/edition")]


def test_other_things_are_not_overwritten(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("x")
    for place in (tmp_path / "mine", tmp_path / "mine" / "letter.txt", folder, folder / "public"):
        code, _, err = run("publish", folder, "--out", place, capsys=capsys)
        assert code in (1, 2), place
        assert code == 2 or "那里已经有别的东西，不覆盖" in err
    assert [*(tmp_path / "mine").iterdir()] == [tmp_path / "mine" / "letter.txt"]
    assert published_id(folder) == ""


def test_a_folder_without_an_edition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run("publish", tmp_path, capsys=capsys)
    assert code == 1 and "还没有版本" in err
    assert [*tmp_path.iterdir()] == []


def test_a_page_of_its_own_for_a_measure(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "site"
    code, _, err = run("publish", folder, "--out", place, "--page", COUNTED, capsys=capsys)
    assert code == 0 and f"单页地图：{place / 'pages' / COUNTED}.html" in err
    page = (place / "pages" / f"{COUNTED}.html").read_text("utf-8")
    assert "审图号：手绘（2021）1号" in page and '"corner": "' in page.replace('":"', '": "')
    assert "2021年第1季度" in page and "人数过少，不公布" in page and "L.control" in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    code, _, err = run("publish", folder, "--page", "below_share", capsys=capsys)
    assert code == 1 and "below_share" in err


def test_reports(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(
        "publish", folder, "--dry-run", "--report", tmp_path / "r.json", capsys=capsys
    )
    assert code == 0 and "r.json" in err
    told = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert told["allowed"] and [one["id"] for one in told["measures"]] == list(OPEN)
    assert told["losses"]["cells"] == 39 and told["public"] == ""
    run("publish", folder, "--dry-run", "--report", tmp_path / "r.html", capsys=capsys)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "<h1>公布核对报告</h1>" in page and "可以公布（试运行）" in page


def confide(decision: Decision) -> dict[str, Any]:
    """Something in every table of the ledger that is no publication."""
    for table in tables.DECIDED:
        if table not in (tables.publication, tables.withdrawal):
            decision.add(table, f"{table.name}.made", "不能说的理由", **invented(table, 7))
    return {}


def test_no_private_byte_in_anything_that_is_published(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger.of(folder)
    ledger.prepare()
    ledger.decide(OFFICE, confide)
    edition = Edition.open(folder)
    words = deny(folder, edition, ledger, OPEN, ("帮扶村名单", "季报"))
    ledger.dispose()
    code, _, err = run("publish", folder, "--out", tmp_path / "site", capsys=capsys)
    assert code == 0, err
    # The interface has words of its own, and scripts names: those are nobody's secret.
    spoken = "\n".join(catalogue().values())
    words = {one for one in words if one not in spoken}
    words = {one for one in words if not one.isascii() or "_" in one or "." in one}
    assert {
        "不能说的理由",
        "said 7 村",
        "第一队",
        "crews.csv",
        "crew_share",
        "人口加权收成",
    } <= words
    words -= {"owner_kind", "built_at", "changed_at"}
    assert scan(tmp_path / "site", words) == []
    assert scan(folder / "public", words) == []

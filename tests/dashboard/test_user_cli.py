"""`bangfu user`: accounts and wall screens from a terminal, end to end."""

from __future__ import annotations

import io
import re
import shutil
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard import cli
from geodata.ledger import Ledger, Role, accounts, screens, sessions, tables
from geodata.ledger.accounts import Refusal, SignedIn

NEW = "stapler under seven clouds"


@pytest.fixture
def workspace(folder: Path, tmp_path: Path) -> Path:
    """A workspace with an edition, and no ledger yet."""
    made = tmp_path / "workspace"
    shutil.copytree(folder, made)
    (made / "atlas.toml").touch()
    for path in made.glob("ledger.sqlite*"):
        path.unlink()
    return made


def run(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    code: object = 0
    try:
        cli.main(["user", *map(str, arguments)])
    except SystemExit as left:
        code = left.code
    out, err = capsys.readouterr()
    return int(code or 0), out, err  # type: ignore[call-overload]


def added(
    workspace: Path, name: str, role: str, *more: str, capsys: pytest.CaptureFixture[str]
) -> str:
    """The first password of a new account."""
    code, out, err = run("add", workspace, name, "--role", role, *more, capsys=capsys)
    assert code == 0, err
    return out.strip()


def test_the_first_administrator_comes_from_the_terminal(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run("list", workspace, capsys=capsys)
    assert (code, out) == (1, "")
    assert "bangfu user add" in err
    assert not (workspace / "ledger.sqlite").exists()
    code, out, err = run("add", workspace, "Admin", "--role", "administrator", capsys=capsys)
    assert code == 0
    assert "账户建好了：admin（管理员）" in err
    assert len(out.splitlines()) == 1
    found = accounts.sign_in(Ledger.of(workspace), "admin", out.strip())
    assert isinstance(found, SignedIn)
    assert found.account.must_change
    assert out.strip() not in err


def test_the_list_says_who_there_is(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    added(workspace, "wangwei", "member", "--label", "王伟[bold]", "--unit", "甲", capsys=capsys)
    added(workspace, "lihua", "viewer", "--openid", capsys=capsys)
    code, out, _ = run("list", workspace, capsys=capsys)
    assert code == 0
    for word in ("wangwei", "王伟[bold]", "领导小组成员", "甲", "待改密码", "lihua", "待首次登录"):
        assert word in out
    assert "…" not in out
    assert "argon2" not in out


def test_a_district_is_given_by_name_or_code(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from geodata.edition import Edition

    edition = Edition.open(workspace)
    first, second = edition.children(edition.root.code)[:2]
    added(workspace, "one", "district", "--district", first.name, capsys=capsys)
    added(workspace, "two", "district", "--district", second.code, capsys=capsys)
    book = Ledger.of(workspace)
    assert {one.name: one.district for one in accounts.all_accounts(book)} == {
        "one": first.code,
        "two": second.code,
    }
    code, out, _ = run("list", workspace, capsys=capsys)
    assert first.name in out
    for wrong in ("没有这样的区", edition.root.code, edition.children(first.code)[0].code, "\x00"):
        code, _, err = run(
            "add", workspace, "three", "--role", "district", "--district", wrong, capsys=capsys
        )
        assert code == 1
        assert "没有这个区" in err
        assert first.name in err, "the allowed ones are named"
    code, _, err = run("add", workspace, "three", "--role", "district", capsys=capsys)
    assert (code, "--district" in err) == (1, True)


def test_before_the_first_build_a_district_is_given_by_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from geodata.demo import catalogue

    (tmp_path / "atlas.toml").write_text(catalogue(), "utf-8")
    added(tmp_path, "one", "district", "--district", "120119", capsys=capsys)
    code, _, err = run(
        "add", tmp_path, "two", "--role", "district", "--district", "蓟州区", capsys=capsys
    )
    assert code == 1
    assert "bangfu build" in err
    (one,) = accounts.all_accounts(Ledger.of(tmp_path))
    assert one.district == "120119000000"


def test_a_password_from_standard_input(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def typed(text: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text), "utf-8"))

    wanted = ("add", workspace, "wangwei", "--role", "member", "--password-stdin")
    for wrong, words in ((b"", "没有密码"), (b"\xff\xfe", "没有密码"), (b"short\n", "至少 10")):
        typed(wrong)
        code, out, err = run(*wanted, capsys=capsys)
        assert (code, out) == (1, "")
        assert words in err
    typed(NEW.encode() + b"\r\n")
    code, out, err = run(*wanted, capsys=capsys)
    assert (code, out) == (0, "")
    assert NEW not in err
    assert isinstance(accounts.sign_in(Ledger.of(workspace), "wangwei", NEW), SignedIn)
    code, _, err = run(*wanted, "--openid", capsys=capsys)
    assert code == 1


def test_a_person_comes_changes_is_locked_and_goes(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = Ledger.of(workspace)
    added(workspace, "admin", "administrator", capsys=capsys)
    first = added(workspace, "wangwei", "member", capsys=capsys)

    for _ in range(5):
        accounts.sign_in(book, "wangwei", "wrong")
    assert isinstance(accounts.sign_in(book, "wangwei", first), Refusal)
    code, _, err = run("unlock", workspace, "WangWei", capsys=capsys)
    assert (code, "已解除锁定" in err) == (0, True)
    code, _, err = run("unlock", workspace, "wangwei", capsys=capsys)
    assert (code, "没有登录失败" in err) == (0, True)
    found = accounts.sign_in(book, "wangwei", first, address="10.1.2.3", agent="Chromium 80")
    assert isinstance(found, SignedIn)

    code, out, _ = run("sessions", workspace, "wangwei", capsys=capsys)
    assert "10.1.2.3" in out
    assert "Chromium 80" in out
    code, _, err = run("sign-out", workspace, "wangwei", capsys=capsys)
    assert (code, "1 处" in err) == (0, True)
    code, out, err = run("sessions", workspace, "wangwei", capsys=capsys)
    assert (code, out) == (0, "")

    code, out, err = run("reset", workspace, "wangwei", "--reason", "忘了", capsys=capsys)
    assert code == 0
    assert isinstance(accounts.sign_in(book, "wangwei", first), Refusal)
    assert isinstance(accounts.sign_in(book, "wangwei", out.strip()), SignedIn)

    code, _, err = run(
        "change", workspace, "wangwei", "--role", "office", "--label", "王伟", capsys=capsys
    )
    assert (code, "wangwei（办公室）" in err) == (0, True)
    assert sessions.places(book, found.account.id) == []
    code, _, err = run("disable", workspace, "wangwei", "--reason", "调走", capsys=capsys)
    assert (code, "已停用" in err) == (0, True)
    assert isinstance(accounts.sign_in(book, "wangwei", out.strip()), Refusal)
    code, _, err = run("enable", workspace, "wangwei", capsys=capsys)
    assert (code, "已恢复" in err) == (0, True)
    code, _, err = run("change", workspace, "wangwei", "--openid", capsys=capsys)
    assert code == 0
    account = accounts.named(book, "wangwei")
    assert account is not None
    assert not account.has_password

    events = book.rows(sa.select(tables.event))
    assert {row["actor_label"] for row in events} == {"bangfu"}
    assert {row["reason"] for row in events} == {"", "忘了", "调走"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("disable", "admin"), "最后一个"),
        (("change", "admin", "--role", "viewer"), "最后一个"),
        (("change", "admin"), "没有要改的"),
        (("change", "nobody", "--label", "x"), "没有这个账户"),
        (("reset", "nobody"), "没有这个账户"),
        (("unlock", "nobody"), "没有这个账户"),
        (("add", "ADMIN", "--role", "viewer"), "已经有人用"),
        (("add", "a b", "--role", "viewer"), "账户名不合要求"),
        (("add", "wangwei", "--role", "member", "--label", "王\u202e伟"), "姓名不合要求"),
        (("screen revoke", "nowhere"), "没有这块大屏"),
        (("screen add", " "), "大屏的名称"),
    ],
)
def test_what_cannot_be_is_1_and_a_sentence(
    workspace: Path,
    arguments: tuple[str, ...],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    added(workspace, "admin", "administrator", capsys=capsys)
    command, *rest = arguments
    code, out, err = run(*command.split(), workspace, *rest, capsys=capsys)
    assert (code, out) == (1, "")
    assert words in err
    assert "Traceback" not in err


def test_a_folder_that_is_no_workspace_gets_no_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run("add", tmp_path, "admin", "--role", "administrator", capsys=capsys)
    assert code == 1
    assert "atlas.toml" in err
    assert list(tmp_path.iterdir()) == []


def test_the_ledger_is_the_one_that_the_settings_name(
    workspace: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    monkeypatch.setenv("BANGFU_LEDGER", other)
    added(workspace, "admin", "administrator", capsys=capsys)
    assert not (workspace / "ledger.sqlite").exists()
    assert [one.name for one in accounts.all_accounts(Ledger(other))] == ["admin"]


def test_a_wall_screen_is_enrolled_and_revoked(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANGFU_PUBLIC_URL", "http://10.1.2.3:8050/")
    code, out, err = run("screen", "add", workspace, "三楼会议室", capsys=capsys)
    assert code == 0
    match = re.fullmatch(r"http://10\.1\.2\.3:8050/wall\?screen=([\w-]{43})\n", out)
    assert match
    assert match[1] not in err
    book = Ledger.of(workspace)
    assert screens.find(book, match[1])
    code, out, _ = run("screen", "list", workspace, capsys=capsys)
    assert "三楼会议室" in out
    assert match[1] not in out

    run("screen", "add", workspace, "三楼会议室", capsys=capsys)
    code, _, err = run("screen", "revoke", workspace, "三楼会议室", capsys=capsys)
    assert code == 1
    ids = [one.id for one in screens.all_screens(book)]
    assert all(one in err for one in ids)
    code, _, err = run("screen", "revoke", workspace, ids[0], capsys=capsys)
    assert (code, "已取消：三楼会议室" in err) == (0, True)
    assert screens.find(book, match[1]) is None
    code, _, err = run("screen", "revoke", workspace, "三楼会议室", capsys=capsys)
    assert code == 0
    assert all(one.revoked for one in screens.all_screens(book))


@pytest.mark.parametrize(
    "command",
    [
        [], ["add"], ["list"], ["change"], ["disable"], ["enable"], ["reset"], ["unlock"],
        ["sessions"], ["sign-out"], ["screen"], ["screen", "add"], ["screen", "list"],
        ["screen", "revoke"],
    ],
)  # fmt: skip
def test_help_is_chinese(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(*command, "--help", capsys=capsys)
    assert code == 0
    assert out.startswith("用法：bangfu user")
    for english in ("Usage", "Options", "Commands", "Show this", "OPTIONS", "COMMAND", "required"):
        assert english not in out


@pytest.mark.parametrize("command", [[], ["screen"]])
def test_alone_it_says_what_there_is(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(*command, capsys=capsys)
    assert (code, out) == (2, "")
    assert "list" in err


def test_a_wrong_role_is_2_and_names_those_there_are(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run("add", workspace, "x1", "--role", "king", capsys=capsys)
    assert code == 2
    for role in Role:
        assert role.value in err


# ---- the demo's ----


def test_the_demo_has_an_account_a_role_shown_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "demo"
    cli.main(["demo", str(folder), "--villages", "100"])
    out, err = capsys.readouterr()
    assert out == ""
    assert "只显示这一次" in err
    assert f"bangfu user reset {folder}" in err
    rows = re.findall(r"│ (\w+) +│ (\w+) +│ ([a-z2-9-]{19}) │", err)
    assert {name for _, name, _ in rows} == {"viewer", "member", "district", "office", "admin"}
    book = Ledger.of(folder)
    for _, name, password in rows:
        found = accounts.sign_in(book, name, password)
        assert isinstance(found, SignedIn)
        assert found.account.label.startswith("演示")
        assert not found.account.must_change
    assert {one.role for one in accounts.all_accounts(book)} == set(Role)
    held = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for _, _, password in rows:
        assert password.encode() not in held
    assert len({password for _, _, password in rows}) == 5


def test_the_demo_makes_no_account_where_there_are_some(tmp_path: Path) -> None:
    from geodata.demo import catalogue, people

    (tmp_path / "atlas.toml").write_text(catalogue(), "utf-8")
    assert len(people.enrol(tmp_path)) == 5
    assert people.enrol(tmp_path) == []


def test_a_wrong_setting_is_said_before_the_demo_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANGFU_LEDGER", "mysql://x/y")
    with pytest.raises(SystemExit):
        cli.main(["demo", str(tmp_path / "demo"), "--villages", "100"])
    assert not (tmp_path / "demo").exists()

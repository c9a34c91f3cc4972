"""The command line: exit codes, sentences, no traceback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pptx import Presentation

from dashboard import cli


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    code: object = 0
    try:
        cli.main(list(arguments))
    except SystemExit as left:
        code = left.code
    out, err = capsys.readouterr()
    return int(code or 0), out, err  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fly"], "没有 fly 这个命令"),
        (["build"], "缺少 文件夹"),
        (["build", "a", "b"], "参数的个数"),
        (["build", "x", "--fast"], "没有 --fast 这个选项"),
        (["demo", "x", "--villages", "many"], "--villages"),
        (["demo", "x", "--villages", "5"], "100 到"),
        (["serve", "x", "--port", "0"], "1 到 65535"),
        (["serve", "x", "--audience", "all"], "internal、public"),
    ],
)
def test_a_wrong_command_line_is_2_and_a_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(*arguments, capsys=capsys)
    assert code == 2
    assert out == ""
    assert words in err
    assert "--help" in err


def test_alone_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys=capsys)
    assert code == 2
    for command in ("demo", "check", "build", "serve", "briefing", "bench"):
        assert command in err


@pytest.mark.parametrize("command", [[], ["demo"], ["check"], ["build"], ["serve"], ["briefing"]])
def test_help_is_chinese(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(*command, "--help", capsys=capsys)
    assert code == 0
    assert out.startswith("用法：bangfu")
    for english in ("Usage", "Options", "Commands", "Show this", "OPTIONS", "COMMAND"):
        assert english not in out


@pytest.mark.parametrize("command", ["check", "build", "serve", "briefing"])
def test_a_folder_without_atlas_toml_is_1_and_says_what_to_do(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(command, str(tmp_path), capsys=capsys)
    assert code == 1
    assert "bangfu" in err
    assert "Traceback" not in err


def test_demo_never_writes_into_a_folder_that_holds_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    code, _, err = run("demo", str(tmp_path), capsys=capsys)
    assert code == 1
    assert "已经有东西" in err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_wrong_variable_is_1_and_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BANGFU_CACHE", "disk")
    code, _, err = run("serve", str(folder), capsys=capsys)
    assert code == 1
    assert "BANGFU_CACHE" in err


def test_the_public_audience_comes_with_publishing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run("serve", str(folder), "--audience", "public", capsys=capsys)
    assert code == 1
    assert "发布" in err


def test_a_port_that_is_taken_is_1_and_names_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        code, _, err = run("serve", str(folder), "--port", port, capsys=capsys)
    assert code == 1
    assert f"127.0.0.1:{port}" in err


def test_build_prints_the_id_alone_on_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from geodata.edition import Edition
    from tests.tiny import write_tiny

    code, out, err = run("build", str(write_tiny(tmp_path / "tiny")), capsys=capsys)
    assert code == 0, err
    assert out.strip() == Edition.open(tmp_path / "tiny").id


def test_check_is_0_without_errors_and_writes_its_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.tiny import write_tiny

    folder = str(write_tiny(tmp_path / "tiny"))
    for suffix in (".html", ".json", ".xlsx"):
        report = tmp_path / f"report{suffix}"
        code, _, err = run("check", folder, "--report", str(report), capsys=capsys)
        assert code == 0, err
        assert report.stat().st_size > 0
    code, _, err = run("check", folder, "--report", "report.pdf", capsys=capsys)
    assert code == 1
    assert ".xlsx" in err


def test_a_reader_who_stops_reading_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m dashboard.cli --help | head -c 1",
        shell=True,
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert b"Traceback" not in done.stderr


def test_without_an_edition_it_is_said_once_and_in_chinese(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    code, _, err = run("serve", str(tmp_path), capsys=capsys)
    assert code == 1
    assert err.count("还没有可用的版本") == 1
    assert "bangfu build" in err
    assert not caplog.records


def test_what_the_system_refuses_is_said_in_chinese(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    code, _, err = run("demo", str(tmp_path / "file" / "inside"), capsys=capsys)
    assert code == 1
    assert "不是文件夹" in err
    assert "Not a directory" not in err


SHORT = 'title = "年终汇报"\n[[scenes]]\nkind = "overview"\nnotes = "讲稿"\n'


@pytest.fixture
def office(folder: Path, tmp_path: Path) -> Path:
    """A workspace with an edition and two briefings of its own, one of them broken."""
    own = Path(shutil.copytree(folder, tmp_path / "own"))
    (own / "briefings").mkdir()
    (own / "briefings" / "year.toml").write_text(SHORT, "utf-8")
    (own / "briefings" / "zbad.toml").write_text(SHORT.replace("overview", "overveiw"), "utf-8")
    return own


def test_briefings_are_listed_with_the_sentence_of_each_scene(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run("briefing", str(office), "--name", "year", capsys=capsys)
    assert code == 0, err
    head, scene = out.splitlines()
    assert "year" in head and "年终汇报" in head and "1 幕" in head
    assert "全市" in scene and "讲稿" not in scene
    code, out, _ = run("briefing", str(office), capsys=capsys)
    assert code == 1
    assert [line.split("：")[0] for line in out.splitlines() if not line.startswith(" ")] == [
        "year",
        "zbad",
        "default",
    ]
    assert "briefings/zbad.toml" in out and "overveiw" in out


@pytest.mark.parametrize("suffix", ["pptx", "pdf", "zip"])
def test_a_briefing_is_written_as_a_file(
    office: Path, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / f"汇报.{suffix}"
    given = ("--name", "year", "--out", str(out), "--link", "http://10.1.2.3:8050/")
    code, _, err = run("briefing", str(office), *given, capsys=capsys)
    assert code == 0, err
    assert str(out) in err
    if suffix == "pptx":
        (slide,) = Presentation(str(out)).slides
        assert slide.notes_slide.notes_text_frame.text == "讲稿"
        links = [rel.target_ref for rel in slide.part.rels.values() if rel.is_external]
        assert any(link.startswith("http://10.1.2.3:8050/?") for link in links)
    elif suffix == "pdf":
        assert out.read_bytes().startswith(b"%PDF-")
    else:
        with zipfile.ZipFile(out) as archive:
            assert archive.read(archive.namelist()[0]).startswith(b"\x89PNG")
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--name", "nobody"], "nobody"),
        (["--name", "../atlas"], "没有这个汇报"),
        (["--name", "zbad", "--out", "x.pdf"], "overveiw"),
        (["--out", "x.docx"], ".pptx"),
        (["--out", "x.pdf", "--link", "javascript:x"], "http://"),
        (["--out", "{office}/atlas.sqlite/x.pdf"], "atlas.sqlite"),
    ],
)
def test_a_briefing_that_cannot_be_had_is_1_and_a_sentence(
    office: Path, given: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [word.format(office=office) for word in given]
    code, out, err = run("briefing", str(office), *filled, capsys=capsys)
    assert code == 1
    assert out == ""
    assert words in err
    assert "Traceback" not in err


def test_check_and_build_say_what_is_wrong_with_briefings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from geodata.edition import Edition
    from tests.tiny import write_tiny

    folder = write_tiny(tmp_path / "tiny")
    (folder / "briefings").mkdir()
    file = folder / "briefings" / "year.toml"
    file.write_text(SHORT.replace("kind", "kidn"), "utf-8")
    code, out, _ = run("check", str(folder), capsys=capsys)
    assert code == 1
    assert "briefings/year.toml" in out and "kidn" in out
    code, out, err = run("build", str(folder), capsys=capsys)
    assert code == 0, err
    assert "briefings/year.toml" in err
    assert out.strip() == Edition.open(folder).id
    # What only an edition can tell is told once there is one.
    file.write_text(SHORT + 'measure = "none_such"\n', "utf-8")
    assert run("check", str(folder), capsys=capsys)[0] == 0
    code, _, err = run("build", str(folder), capsys=capsys)
    assert code == 0
    assert "none_such" in err

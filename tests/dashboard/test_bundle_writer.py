"""The bundle's folder: whole or not at all, the same bytes each time, packed twins beside."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest

from dashboard import bundle, folders
from dashboard.bundle import __main__ as command
from dashboard.bundle import budget, compress, manifest
from geodata.edition import Edition
from geodata.errors import EditionError
from tests.dashboard.bundles import Made, odd, small, tiny

WORLDS = pytest.mark.parametrize("make", [small, tiny, odd], ids=["small", "tiny", "odd"])
Make = Callable[[], Made]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with the small world's bundle."""
    place = tmp_path / "site"
    shutil.copytree(small().out, place)
    return place


@pytest.mark.parametrize("make", [small, tiny], ids=["small", "tiny"])
def test_the_same_edition_gives_the_same_bytes(make: Make, tmp_path: Path) -> None:
    made = make()
    bundle.write(Edition.open(made.edition.folder.parents[1]), tmp_path / "again")
    assert contents(tmp_path / "again") == contents(made.out)


@WORLDS
def test_the_manifest_is_the_folder(make: Make) -> None:
    made = make()
    found = contents(made.out)
    del found[manifest.FILE]
    told = manifest.read(made.out)
    assert told == made.manifest
    assert {path: (one.size, one.sha256) for path, one in told.files.items()} == {
        path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in found.items()
    }
    assert told.edition == made.edition.id
    assert told.size == sum(map(len, found.values()))


@WORLDS
def test_twins_are_the_same_file(make: Make) -> None:
    files = contents(make().out)
    packed = {path for path in files if path.endswith((".gz", ".br"))}
    for path in packed:
        unpack = gzip.decompress if path.endswith(".gz") else brotli.decompress
        assert unpack(files[path]) == files[path[:-3]], path
        assert len(files[path]) < len(files[path[:-3]])
    for path, data in files.items():
        wanted = Path(path).suffix in compress.SUFFIXES and len(data) >= compress.SMALLEST
        if wanted and path != manifest.FILE:
            assert path + ".gz" in packed, path
            best = len(brotli.compress(data, quality=11))
            if len(files[path + ".gz"]) - best >= 600:
                assert path + ".br" in packed, path
    assert not any(path.endswith((".bin.gz", ".bin.br")) for path in packed)
    # No time, no name: else the same text would not give the same bytes.
    assert all(files[path][4:8] == b"\0\0\0\0" for path in packed if path.endswith(".gz"))


@WORLDS
def test_no_file_is_larger_than_a_screen_may_load(make: Make) -> None:
    assert budget.too_large(make().manifest) == []


@WORLDS
def test_hashed_names_are_of_their_content(make: Make) -> None:
    for path, data in contents(make().out).items():
        if path.endswith((".gz", ".br")) or path.startswith("d/t/"):
            continue
        if path.startswith(("a/", "d/")):
            assert path.rsplit(".", 2)[1] == manifest.digest(data), path


def test_files_in_processes_come_out_as_in_this_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    names = [f"{n}.html" for n in range(compress._ALONE + 40)]
    for n, name in enumerate(names):
        for folder in (tmp_path, tmp_path / "a"):
            (folder / name).write_text(f"<p>{n}</p>" * 300, "utf-8")
    steps: list[int] = []
    many = compress.write(tmp_path, names, steps.append)
    few = []
    for at in range(0, len(names), 100):
        few += compress.write(tmp_path / "a", names[at : at + 100])
    assert many == few and sum(steps) == len(names)
    assert contents(tmp_path / "a") == {
        path: data for path, data in contents(tmp_path).items() if "/" not in path
    }


class Broken(Exception):
    """The disk, the power, a person."""


@pytest.mark.parametrize("error", [Broken, KeyboardInterrupt, OSError])
@pytest.mark.parametrize("step", ["data.write", "pages.written", "compress.write", "budget.check"])
def test_an_interrupted_writing_leaves_the_old_bundle(
    out: Path, step: str, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(out)

    def fail(*_: object, **__: object) -> None:
        raise error("now")

    monkeypatch.setattr(f"dashboard.bundle.writer.{step}", fail)
    with pytest.raises(EditionError if error is OSError else error):
        bundle.write(tiny().edition, out, twins=False)
    assert contents(out) == before
    assert [path.name for path in out.parent.iterdir()] == ["site"], "nothing is left beside it"


def test_a_move_that_fails_brings_the_old_bundle_back(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(out)
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise OSError("no")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(EditionError, match="写不进"):
        bundle.write(tiny().edition, out, twins=False)
    assert contents(out) == before


def test_a_process_that_ended_between_two_moves_is_made_good(out: Path) -> None:
    before = contents(out)
    out.rename(out.with_name(".site.old"))
    folders.restore(out)
    assert contents(out) == before
    assert not out.with_name(".site.old").exists()


def test_what_an_ended_process_left_is_swept_after_a_day(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in (".site.new-a", ".site.new-b", ".sites.new"))
    for folder in (old, young, other):
        folder.mkdir()
        (folder / "half").write_text("x", "utf-8")
    for folder in (old, other):
        os.utime(folder, (0, 0))
    bundle.write(tiny().edition, tmp_path / "site", twins=False)
    assert not old.exists() and young.exists() and other.exists()


def test_another_bundle_takes_the_place_whole(out: Path) -> None:
    bundle.write(tiny().edition, out)
    assert contents(out) == contents(tiny().out)
    assert [path.name for path in out.parent.iterdir()] == ["site"]
    assert out.stat().st_mode & 0o777 == 0o755, "a web server may read it"


@pytest.mark.parametrize("name", ["notes.txt", "bundle.json"])
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, name: str) -> None:
    place = tmp_path / "site"
    place.mkdir()
    (place / name).write_text("[]", "utf-8")
    with pytest.raises(EditionError, match="别的文件"):
        bundle.write(tiny().edition, place, twins=False)
    assert contents(place) == {name: b"[]"}


def test_a_half_bundle_is_none(out: Path) -> None:
    (out / manifest.FILE).unlink()
    with pytest.raises(EditionError, match="没有写完"):
        manifest.read(out)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("x", "utf-8")
    with pytest.raises(EditionError, match="不是文件夹"):
        bundle.write(tiny().edition, tmp_path / "site", twins=False)


def test_an_empty_folder_and_missing_ones_above_are_fine(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", tmp_path / "far" / "below"):
        bundle.write(tiny().edition, place)
        assert contents(place) == contents(tiny().out)


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = tiny().edition.folder.parents[1]
    assert command.main([str(workspace), str(tmp_path / "site")]) == 0
    assert "首屏" in capsys.readouterr().err
    assert command.main([str(tmp_path / "nowhere"), str(tmp_path / "x")]) == 1
    assert command.main([]) == 2


def test_the_manifest_is_plain_json_in_order(tmp_path: Path) -> None:
    told = json.loads((small().out / manifest.FILE).read_text("utf-8"))
    assert list(told["files"]) == sorted(told["files"])
    assert told["kind"] == manifest.KIND and told["first"][0] == "index.html"

"""The library: takes up new editions by itself and never loses the last good one."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.library import Library
from geodata import state
from geodata.errors import EditionError, UnknownName
from tests.worlds import build_small

Another = Callable[[Path, str], str]


@pytest.fixture
def own(tmp_path: Path, folder: Path) -> Path:
    """A copy of the small workspace that a test may spoil."""
    return Path(shutil.copytree(folder, tmp_path / "own"))


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_new_edition_is_taken_up_after_a_second_not_before(own: Path, another: Another) -> None:
    clock = Clock()
    library = Library(own, clock=clock)
    first = library.current()
    second = another(own, "第二版")
    assert library.current() is first
    clock.now += 1.0
    assert library.current().edition.id == second
    assert library.current().edition.space.atlas.title == "第二版"


def test_older_editions_stay_open_for_the_addresses_that_name_them(
    own: Path, another: Another
) -> None:
    clock = Clock()
    library = Library(own, clock=clock)
    first = library.current().edition
    another(own, "第二版")
    clock.now += 1.0
    assert library.current().edition.id != first.id
    assert library.edition(first.id) is first


def test_only_a_few_older_editions_are_held(own: Path, another: Another) -> None:
    clock = Clock()
    library = Library(own, clock=clock, keep=2)
    first = library.current().edition
    for title in ("二", "三"):
        another(own, title)
        clock.now += 1.0
        library.current()
    again = library.edition(first.id)
    assert again is not first, "it left the shelf and was opened anew"
    assert again.id == first.id


@pytest.mark.parametrize("damage", ["gone", "garbage", "folder"])
def test_a_spoiled_pointer_or_folder_leaves_the_last_edition_serving(
    own: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    library = Library(own, clock=clock)
    held = library.current()
    pointer = own / state.FILE
    if damage == "gone":
        for file in own.glob(state.FILE + "*"):
            file.unlink()
    elif damage == "garbage":
        pointer.write_bytes(b"not a database" * 1000)
    else:
        state.set_current(own, "0" * 16)
    for _ in range(3):
        clock.now += 1.0
        assert library.current() is held
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1, "said once"


def test_it_comes_back_when_the_pointer_is_mended(own: Path, another: Another) -> None:
    clock = Clock()
    library = Library(own, clock=clock)
    library.current()
    state.set_current(own, "0" * 16)
    clock.now += 1.0
    library.current()
    second = another(own, "第二版")
    clock.now += 1.0
    assert library.current().edition.id == second


def test_without_any_edition_it_says_how_to_make_one(tmp_path: Path) -> None:
    clock = Clock()
    library = Library(tmp_path, clock=clock)
    with pytest.raises(EditionError, match="bangfu build"):
        library.current()
    with pytest.raises(EditionError, match="bangfu build"):
        library.current()
    built = build_small(tmp_path)
    clock.now += 1.0
    assert library.current().edition.id == built.id


@pytest.mark.parametrize("name", ["../../etc", "0" * 16, "", "A" * 16, "0" * 15, "．" * 16])
def test_what_is_no_edition_is_unknown_and_never_a_path(own: Path, name: str) -> None:
    with pytest.raises(UnknownName):
        Library(own).edition(name)


def test_many_threads_get_the_same_edition(own: Path) -> None:
    library = Library(own, recheck=0.0)
    found: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: found.extend(library.current().edition.id for _ in range(50))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 400
    assert len(set(found)) == 1

"""What a first map costs: under the budget, and the sum is of what a browser asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard import bundle
from dashboard.bundle import budget, data
from dashboard.bundle.manifest import File, Manifest
from geodata.edition import Edition
from geodata.errors import EditionError
from tests import demo_worlds
from tests.dashboard.bundles import Made, small, tiny

Make = Callable[[], Made]
WORLDS = pytest.mark.parametrize("make", [small, tiny], ids=["small", "tiny"])


@WORLDS
def test_the_first_map_is_under_its_budget(make: Make) -> None:
    cost = budget.first_map(make().manifest)
    told = "\n".join(f"{size:>9} {path}" for path, size in cost)
    assert sum(size for _, size in cost) < budget.FIRST_MAP, told


@WORLDS
def test_the_first_map_is_made_of_all_that_it_needs(make: Make) -> None:
    made = make()
    names = [path for path, _ in budget.first_map(made.manifest)]
    assert len(names) == len(set(names))
    for start in (
        "index.html",
        "a/react.",
        "a/maplibre.",
        "a/first.",
        "a/map.",
        "a/text.",
        "d/atlas.",
    ):
        assert sum(name.startswith(start) for name in names) >= 1, start
    level = made.edition.levels[1].id
    default = made.atlas["default"]
    assert any(
        name.startswith(f"d/v/{default['round']}/{default['measure']}/{level}.") for name in names
    )
    assert any(f"/{level}/" in name and name.startswith("d/t/") for name in names)
    assert not any("/later." in name or "mesh" in name for name in names)


def test_what_travels_is_what_is_packed() -> None:
    files = {"a.js": File(900_000, ""), "a.js.gz": File(300_000, ""), "b.bin": File(200_000, "")}
    made = Manifest("x", files, ("a.js", "b.bin"))
    assert budget.first_map(made) == [("a.js", 300_000), ("b.bin", 200_000)]
    assert sum(size for _, size in budget.first_map(made)) > budget.FIRST_MAP


def test_too_large_a_file_is_named() -> None:
    made = Manifest("x", {"a": File(budget.LARGEST + 1, ""), "b": File(budget.LARGEST, "")})
    assert budget.too_large(made) == [("a", budget.LARGEST + 1)]
    with pytest.raises(EditionError, match=r"1\.0 MB，超过网页可以加载的 1 MB「a」"):
        budget.check(made)


def test_downloads_and_packed_twins_may_be_larger() -> None:
    names = ("d/s/990000.bin", "d/nl/r/m/village.bin", "a/x.js.gz", "a/x.js.br")
    made = Manifest("x", {name: File(budget.LARGEST + 1, "") for name in names})
    assert budget.too_large(made) == []
    budget.check(made)


def test_a_larger_screen_asks_for_no_less() -> None:
    made = small()
    few, many = (
        len(data.first_files(made.edition, made.atlas, size)) for size in ((640, 400), (3840, 2160))
    )
    assert few <= many


@pytest.mark.soak
def test_the_whole_demo_is_under_its_budgets(tmp_path: Path) -> None:
    """Everything that the demo has: what may be published of it is less."""
    edition = Edition.open(demo_worlds.edition_folder())
    made = bundle.write(edition, tmp_path / "site")
    assert made.size < budget.WHOLE
    assert budget.too_large(made) == []
    assert sum(size for _, size in budget.first_map(made)) < budget.FIRST_MAP

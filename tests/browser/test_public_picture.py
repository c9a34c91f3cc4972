"""The picture that a static page makes of an address is the one that the server would make."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from geodata import build
from geodata.edition import Edition
from geodata.errors import AtlasError
from layers.picture import picture
from layers.view import View
from tests.browser.public_fixture import FIRST, hosting, write
from tests.tiny import write_tiny

Json = dict[str, Any]
Visit = Callable[..., Any]

MADE = """async queries => {
  const { atlas, picture } = window.bangfu.public;
  const made = [];
  for (const query of queries) {
    try {
      made.push(await picture(atlas, query));
    } catch (error) {
      made.push({ refused: error.kind || String(error) });
    }
  }
  return made;
}"""

ADDRESSES = ("tiles", "values", "url")
"""Where the parts lie, which differs between a server and a folder."""

SEARCHED = """async texts => {
  const { atlas, find } = window.bangfu.public;
  const found = [];
  for (const text of texts) found.push((await find(atlas, text)).map((row) => row.code));
  return found;
}"""


@pytest.fixture(scope="module")
def small(small_edition: Edition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("small")
    write(small_edition, root)
    with hosting(root) as address:
        yield address


@pytest.fixture(scope="module")
def tiny_edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    folder = write_tiny(tmp_path_factory.mktemp("tiny"))
    build.build(folder)
    return Edition.open(folder)


@pytest.fixture(scope="module")
def tiny(tiny_edition: Edition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("tiny-site")
    write(tiny_edition, root)
    with hosting(root) as address:
        yield address


def views(edition: Edition, count: int) -> list[View]:
    """Views of every kind: each round, measure and level, and a draw of all else."""
    chosen = random.Random(5)
    space = edition.space
    codes = [
        code for level in edition.levels for code in edition.regions(level.id)["code"].tolist()
    ]
    levels = [None, "zoom", *(level.id for level in edition.levels)]
    asked = [
        (one.id, measure.id)
        for one, measure in itertools.product(space.rounds, space.measures)
        if edition.has(measure.id, one.id)
    ]
    found = [View(), View(off=frozenset({0, 255}), hide=frozenset({"labels"}), look="dark")]
    found += [View(round=one.id) for one in space.rounds]
    found += [View(measure=measure) for _, measure in asked]
    found += [View(region=edition.regions(level.id)["code"].iloc[-1]) for level in edition.levels]
    while len(found) < count:
        round_id, measure = chosen.choice(asked)
        period = chosen.choice(
            [None, "2019", "2018-Q4", "2021-09", *edition.periods(measure, round_id)]
        )
        camera = chosen.choice([None, (9.25, 39.123456, 117.5)])
        found.append(
            View(
                round=round_id,
                measure=measure,
                period=period,
                region=chosen.choice([None, *codes]),
                level=chosen.choice(levels),
                camera=camera,
            )
        )
    return found


def without_addresses(told: Any) -> Any:
    """A picture without the URLs in it."""
    if isinstance(told, dict):
        return {
            key: bool(part) if key in ADDRESSES else without_addresses(part)
            for key, part in told.items()
        }
    return [without_addresses(part) for part in told] if isinstance(told, list) else told


def differences(made: Json, right: Json) -> list[str]:
    """Keys in which two pictures differ; the page's may hold more than the server's."""
    whole, latest = len(right["path"]) == 1, right["period"] == max(0, len(right["periods"]) - 1)
    found = []
    # Published for the whole only, and as they stand now.
    told = right if whole and latest else {**right, "figures": []}
    for key, wanted in told.items():
        if without_addresses(made.get(key)) != without_addresses(wanted):
            found.append(f"{key}: {made.get(key)!r} is not {wanted!r}"[:400])
    return found


def compare(edition: Edition, visit: Visit, address: str, count: int) -> None:
    seen = visit(address)
    seen.ready(FIRST)
    looked = views(edition, count)
    made = seen.page.evaluate(MADE, [view.to_query() for view in looked])
    wrong = {}
    for view, one in zip(looked, made, strict=True):
        found = differences(one, picture(edition, view))
        if found:
            wrong[view.to_query()] = found
    assert wrong == {}


def test_four_levels_make_the_pictures_that_a_server_makes(
    small: str, small_edition: Edition, visit: Visit
) -> None:
    compare(small_edition, visit, small, 90)


def test_two_levels_and_letters_for_codes_do_too(
    tiny: str, tiny_edition: Edition, visit: Visit
) -> None:
    compare(tiny_edition, visit, tiny, 40)


def test_what_a_server_refuses_is_refused(small: str, small_edition: Edition, visit: Visit) -> None:
    queries = [
        "region=nowhere", "measure=none", "round=r9", "level=planet", "period=2021-13",
        "off=1,x", "off=999", "camera=1/2", "camera=99/0/0", "hide=%20", "look=blue",
        "round=r2&round=r3", "region=a%20b", "measure=projects_started&round=r1",
    ]  # fmt: skip
    seen = visit(small)
    seen.ready(FIRST)
    made = seen.page.evaluate(MADE, queries)
    for query, one in zip(queries, made, strict=True):
        with pytest.raises(AtlasError):
            picture(small_edition, View.from_query(query))
        assert "refused" in one and "Error" not in one["refused"], query


def test_the_search_gives_the_answers_of_the_server(
    small: str, small_edition: Edition, visit: Visit
) -> None:
    names = [
        name for level in small_edition.levels for name in small_edition.regions(level.id)["name"]
    ]
    texts = ["区", "镇", "qh", "qing he", "Qing'He", "zhao", "z", "99", "9901", "東", "无此地", " "]
    texts += [name[:2] for name in names[:20]]
    texts += small_edition.regions("village")["code"].tolist()[:3]
    seen = visit(small)
    seen.ready(FIRST)
    found = seen.page.evaluate(SEARCHED, texts)
    right = [[one.code for one in small_edition.search(text)] for text in texts]
    assert dict(zip(texts, found, strict=True)) == dict(zip(texts, right, strict=True))

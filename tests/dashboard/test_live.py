"""The ledger over HTTP: seen at once where it shows, and nowhere else does anything change."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

import dashboard.cache
from dashboard import live
from dashboard.app import create_app
from dashboard.briefings import Briefings
from dashboard.cache import Store
from dashboard.live import LiveLibrary, Watch
from dashboard.respite import PAUSE, SLOW
from dashboard.services import Drawn
from dashboard.settings import Settings
from geodata.arrays import decode
from geodata.edition import Edition
from geodata.ledger import Ledger, LedgerError
from geodata.live_edition import LiveEdition
from geodata.live_measures import CONTACT_POINT_SHARE
from layers.view import View
from tests.live_worlds import Hand

Json = dict[str, Any]
NO_LEDGER = "no ledger is made by looking"


@pytest.fixture
def place(folder: Path, tmp_path: Path) -> Path:
    """A copy of the small workspace, with no ledger yet."""
    return Path(shutil.copytree(folder, tmp_path / "workspace"))


@pytest.fixture
def hand(place: Path, edition: Edition) -> Iterator[Hand]:
    """Decides in the workspace's own ledger."""
    book = Ledger.of(place)
    yield Hand(book, edition)
    book.dispose()


@pytest.fixture
def reader(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """Reads the workspace; looks at the ledger at every question."""
    whole = Watch.__init__

    def eager(self: Watch, ledger: Ledger, **options: Any) -> None:
        whole(self, ledger, **{**options, "recheck": 0.0})

    monkeypatch.setattr(Watch, "__init__", eager)
    app = create_app(Settings(workspace=place, access="open"))
    with app.server.test_client() as client:
        yield client


def share(reader: FlaskClient) -> float:
    """Percent of the targets that are contact points, as the API says now."""
    rows = reader.get(f"/api/v1/values/{CONTACT_POINT_SHARE}?level=city").get_json()["rows"]
    return float(rows[0]["value"])


def test_without_a_ledger_there_are_no_live_measures(reader: FlaskClient, place: Path) -> None:
    assert reader.get("/live/seq").get_json() == {"seq": None, "revision": None}
    told = reader.get("/api/v1/edition").get_json()
    assert CONTACT_POINT_SHARE not in [one["id"] for one in told["measures"]]
    assert reader.get(f"/api/v1/values/{CONTACT_POINT_SHARE}").status_code == 404
    scenes = briefing_scenes(reader)
    assert "contact" not in [one["kind"] for one in scenes["scenes"]]
    assert not (place / "ledger.sqlite").exists(), NO_LEDGER


def test_a_pick_is_seen_at_once_with_no_new_edition(reader: FlaskClient, hand: Hand) -> None:
    before = reader.get("/live/seq")
    edition = reader.get("/healthz").get_json()["edition"]
    assert share(reader) == 0.0
    assert (
        reader.get("/live/seq", headers={"If-None-Match": before.headers["ETag"]}).status_code
        == 304
    )

    hand.pick(hand.targets[0])
    after = reader.get("/live/seq", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200 and after.get_json()["seq"] == 1
    assert after.headers["Cache-Control"] == "no-cache"
    assert share(reader) == 11.1
    assert reader.get("/healthz").get_json()["edition"] == edition


def test_live_measures_are_among_the_measures(reader: FlaskClient, hand: Hand) -> None:
    hand.pick(hand.targets[0])
    told = reader.get("/api/v1/edition").get_json()
    (one,) = [one for one in told["measures"] if one["id"] == CONTACT_POINT_SHARE]
    assert one["theme"] == "coverage" and one["unit"] == "%" and one["definition"]
    assert CONTACT_POINT_SHARE in told["rounds"][-1]["measures"]
    code = hand.targets[0]
    profile = reader.get(f"/api/v1/regions/{code}?measure={CONTACT_POINT_SHARE}").get_json()
    assert profile["now"]["text"] == "是"
    for address in (
        f"/pictures/{told['id']}/r3/{CONTACT_POINT_SHARE}.svg",
        f"/save?measure={CONTACT_POINT_SHARE}",
        f"/api/v1/regions/{code}?measure=contact_visit_days",
    ):
        assert reader.get(address).status_code == 200, address


def test_the_picture_leads_to_an_array_of_its_revision(reader: FlaskClient, hand: Hand) -> None:
    hand.pick(hand.targets[0])
    picture = reader.get(f"/live/picture?measure={CONTACT_POINT_SHARE}").get_json()
    assert picture["live"] == reader.get("/live/seq").get_json()["revision"]
    assert "20" in picture["notices"]["cutoff"] and picture["notices"]["cutoff"].endswith("日")
    district = next(one for one in picture["levels"] if one["id"] == "district")
    assert district["values"].endswith(f"/district.bin?at={picture['live']}")
    answer = reader.get(district["values"])
    assert answer.headers["Cache-Control"] == "no-cache"
    assert decode(answer.data).value.max() > 0
    again = {"If-None-Match": answer.headers["ETag"]}
    assert reader.get(district["values"], headers=again).status_code == 304
    packed = reader.get(district["values"], headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"

    hand.pick(hand.targets[1])
    # A map that still asks by the old revision is given what holds now.
    assert reader.get(district["values"], headers=again).status_code == 200
    fresh = reader.get(f"/live/picture?measure={CONTACT_POINT_SHARE}").get_json()
    assert fresh["live"] != picture["live"] and fresh["query"] == picture["query"]


def test_an_ordinary_picture_has_ordinary_addresses(reader: FlaskClient, hand: Hand) -> None:
    hand.pick(hand.targets[0])
    picture = reader.get("/live/picture?measure=income_met").get_json()
    assert picture["live"] is None and picture["notices"]["cutoff"] == "2021年12月"
    assert all(one["values"].startswith("/data/") for one in picture["levels"])


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/live/{edition}/r3/income_met/city.bin", 404),
        ("/live/{edition}/r2/contact_point_share/city.bin", 404),
        ("/live/{edition}/r3/contact_point_share/street.bin", 404),
        ("/live/{edition}/r3/nothing/city.bin", 404),
        ("/live/0000000000000000/r3/contact_point_share/city.bin", 404),
        ("/live/{edition}/r3/contact_point_share/city.bin?what=1", 400),
        ("/data/{edition}/r3/contact_point_share/city.bin", 404),
        ("/live/picture?measure=nothing", 404),
        ("/live/seq?x=1", 400),
    ],
)
def test_what_there_is_not(
    reader: FlaskClient, hand: Hand, edition: Edition, address: str, status: int
) -> None:
    hand.pick(hand.targets[0])
    answer = reader.get(address.format(edition=edition.id))
    assert answer.status_code == status
    assert answer.get_json()["error"]


def test_a_pick_draws_nothing_anew_but_what_follows_the_ledger(
    place: Path, hand: Hand, edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str | None] = []
    whole = dashboard.services.picture.picture

    def counted(book: Edition, view: View, *rest: Any) -> Json:
        drawn.append(view.measure)
        return whole(book, view, *rest)

    monkeypatch.setattr("dashboard.services.picture.picture", counted)
    hand.pick(hand.targets[0])
    library = LiveLibrary(place, Watch(hand.ledger, recheck=0.0))
    functions = Drawn(Store(Flask("test")))
    views = [View(measure=name) for name in ("income_met", None, CONTACT_POINT_SHARE)]
    for _ in range(2):
        for view in views:
            functions.picture(library.current().edition, view)
    assert drawn == ["income_met", None, CONTACT_POINT_SHARE]
    hand.pick(hand.targets[1])
    for view in views:
        functions.picture(library.current().edition, view)
    assert drawn[3:] == [CONTACT_POINT_SHARE]


def test_the_last_snapshot_stays_while_the_ledger_is_away(
    reader: FlaskClient, hand: Hand, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hand.pick(hand.targets[0])
    assert share(reader) == 11.1
    file = place / "ledger.sqlite"
    hand.ledger.dispose()
    away = place / "away"
    away.mkdir()
    moved = list(place.glob("ledger.sqlite*"))
    with caplog.at_level(logging.WARNING, "dashboard.live"):
        for path in moved:
            path.rename(away / path.name)
        assert share(reader) == 11.1
        assert reader.get("/live/seq").get_json()["seq"] == 1
        assert reader.get(f"/live/picture?measure={CONTACT_POINT_SHARE}").status_code == 200
    assert [r.name for r in caplog.records].count("dashboard.live") == 1  # said once
    assert not file.exists(), NO_LEDGER
    for path in moved:
        (away / path.name).rename(path)
    hand.pick(hand.targets[1])
    assert share(reader) == 22.2


def test_a_file_that_is_no_ledger_takes_nothing_away(reader: FlaskClient, place: Path) -> None:
    (place / "ledger.sqlite").write_bytes(b"no database at all" * 100)
    assert reader.get("/live/seq").get_json()["revision"] is None
    assert reader.get("/api/v1/edition").status_code == 200
    assert reader.get("/live/picture?measure=income_met").status_code == 200


def test_the_ledger_is_asked_at_most_once_in_a_while(hand: Hand) -> None:
    time = [0.0]
    asked: list[float] = []
    watch = Watch(hand.ledger, recheck=1.0, clock=lambda: time[0])
    whole = live.take

    def counted(*given: Any) -> Any:
        asked.append(time[0])
        return whole(*given)

    live.take = counted
    try:
        for at in (0.0, 0.2, 0.9, 1.0, 1.5, 2.1):
            time[0] = at
            watch.look()
        assert asked == [0.0, 1.0, 2.1]
        # A browser that was told of a later one by another process need not wait a second.
        time[0] = 2.15
        watch.look("9-20240620-0a1b2c3d")
        assert asked == [0.0, 1.0, 2.1]
        time[0] = 2.25
        watch.look("9-20240620-0a1b2c3d")
        assert asked == [0.0, 1.0, 2.1, 2.25]
    finally:
        live.take = whole


def test_a_ledger_that_fails_slowly_is_left_alone(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    time, asked = [0.0], []
    watch = Watch(hand.ledger, recheck=1.0, clock=lambda: time[0])
    first = watch.look()
    assert first is not None

    def away(*_: Any) -> Any:
        asked.append(time[0])
        time[0] += SLOW
        raise LedgerError("away")

    with monkeypatch.context() as patch:
        patch.setattr(live, "take", away)
        for at in (1.0, 4.0, 12.9):
            time[0] = max(at, time[0])
            assert watch.look("9-20240620-0a1b2c3d") is first, "the last snapshot stays"
        assert asked == [1.0]
    time[0] = 1.0 + SLOW + PAUSE
    hand.pick(hand.targets[0])
    assert watch.look() is not first


def test_an_edition_is_made_anew_only_for_another_revision(place: Path, hand: Hand) -> None:
    library = LiveLibrary(place, Watch(hand.ledger, recheck=0.0))
    first = library.current().edition
    assert isinstance(first, LiveEdition)
    assert library.current().edition is first is library.edition(first.id)
    hand.pick(hand.targets[0])
    second = library.current().edition
    assert second is not first and second.id == first.id
    assert second.nesting is first.nesting  # nothing is read again


def test_days_go_by_without_a_decision(place: Path, hand: Hand) -> None:
    hand.pick(hand.targets[0])
    hand.visit(hand.targets[0])
    library = LiveLibrary(place, Watch(hand.ledger, recheck=0.0))
    days = library.current().edition.values("contact_visit_days", "r3", "city").value[-1, 0]
    hand.on(date(2024, 6, 24))
    later = library.current().edition.values("contact_visit_days", "r3", "city").value[-1, 0]
    assert (days, later) == (0, 4)


# ---- the wall's scene ----


def briefing_scenes(reader: FlaskClient) -> Json:
    """`scenes.json` of the built-in briefing."""
    told = reader.get("/api/v1/briefings").get_json()
    one = next(one for one in told["briefings"] if one["id"] == "default")
    place = f"/briefings/{told['edition']}/default/{one['fingerprint']}/scenes.json"
    found: Json = reader.get(place).get_json()
    return found


def test_the_scene_comes_with_the_first_pick_and_follows_the_ledger(
    reader: FlaskClient, hand: Hand
) -> None:
    before = briefing_scenes(reader)
    assert "contact" not in [one["kind"] for one in before["scenes"]]

    hand.pick(hand.targets[0])
    first = briefing_scenes(reader)
    contact = first["scenes"][-1]
    assert contact["kind"] == "contact"
    assert contact["sentence"].startswith("9 个薄弱村中 1 个有人联系，本月还没有走访")
    assert first["fingerprint"] != before["fingerprint"]
    answer = reader.get(contact["url"])
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.get_json()["headline"]["value"] == 1
    assert reader.get(contact["thumbnail"]["url"]).status_code == 200

    # A wall has all other scenes already: their addresses do not change.
    places = [one["url"] for one in before["scenes"]]
    assert [one["url"] for one in first["scenes"][:-1]] == places
    assert "immutable" in reader.get(places[0]).headers["Cache-Control"]


def test_a_wall_is_told_of_the_ledger_now_and_then(place: Path, hand: Hand, folder: Path) -> None:
    time = [100.0]
    library = LiveLibrary(place, Watch(hand.ledger, recheck=0.0))
    told = Briefings(library, Store(Flask("test")), calm=10.0, clock=lambda: time[0])
    plain = told.fingerprint("default")[2]
    hand.pick(hand.targets[0])
    first = told.fingerprint("default")[2]
    assert first.startswith(f"{plain}-1-20240620-")
    for number in range(1, 4):
        time[0] += 3.0
        hand.pick(hand.targets[number])
        assert told.fingerprint("default")[2] == first
    time[0] += 1.0
    assert told.fingerprint("default")[2].startswith(f"{plain}-4-20240620-")
    # Whoever still asks for an earlier one is given the same briefing.
    assert told.version("default", first).fingerprint == plain


def test_a_briefing_file_may_have_the_scene_and_waits_for_the_ledger(
    reader: FlaskClient, hand: Hand, place: Path
) -> None:
    (place / "briefings").mkdir()
    (place / "briefings" / "points.toml").write_text(
        'title = "联系点"\n[[scenes]]\nkind = "overview"\n'
        '[[scenes]]\nkind = "contact"\nnotes = "先讲超期的"\n',
        "utf-8",
    )

    def listed() -> Json:
        rows = reader.get("/api/v1/briefings").get_json()["briefings"]
        return next(one for one in rows if one["id"] == "points")

    assert listed()["scenes"] == 1 and listed()["problem"] is None
    hand.pick(hand.targets[0])
    assert listed()["scenes"] == 2 and listed()["problem"] is None


def test_a_briefing_of_nothing_else_says_that_there_is_nothing_yet(
    reader: FlaskClient, hand: Hand, place: Path
) -> None:
    (place / "briefings").mkdir()
    text = 'title = "联系点"\n[[scenes]]\nkind = "contact"\n'
    (place / "briefings" / "points.toml").write_text(text, "utf-8")
    rows = reader.get("/api/v1/briefings").get_json()["briefings"]
    assert "没有可以显示的场景" in next(one for one in rows if one["id"] == "points")["problem"]


def test_names_of_people_are_nowhere(reader: FlaskClient, hand: Hand) -> None:
    hand.months(points=4, months=3)
    hand.on(hand.today)
    contact = briefing_scenes(reader)["scenes"][-1]
    for address in (contact["url"], f"/live/picture?measure={CONTACT_POINT_SHARE}"):
        text = json.dumps(reader.get(address).get_json(), ensure_ascii=False)
        assert "成员甲" not in text and '"m1"' not in text


def test_a_damaged_ledger_costs_its_measures_and_nothing_else(
    reader: FlaskClient, hand: Hand, place: Path
) -> None:
    hand.pick(hand.targets[0])
    assert share(reader) == 11.1
    hand.ledger.dispose()
    with sqlite3.connect(place / "ledger.sqlite") as raw:
        raw.execute("DROP TABLE event")
        raw.execute("UPDATE head SET seq = 9")
    assert share(reader) == 11.1  # the last snapshot
    assert reader.get("/api/v1/edition").status_code == 200

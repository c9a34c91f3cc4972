"""A village's profile tells everybody as much of the ledger as they may read, and never fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.app import create_app
from dashboard.beside import Beside, without_ledger
from dashboard.library import Library
from dashboard.respite import PAUSE, SLOW
from dashboard.settings import Settings
from geodata.edition import Edition
from geodata.ledger import Ledger, LedgerError, Role, problems, visits
from layers.profile import profile
from layers.view import View
from tests.dashboard import guarded
from tests.dashboard.guarded import World
from tests.worlds import build_small

NAME, NOTE = "甲member", "村口一段全是泥"
PICTURED = {
    "output": "details.children",
    "outputs": {"id": "details", "property": "children"},
    "changedPropIds": ["address.details"],
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Edition, str]]:
    """A guarded world in whose first village a visitor saw mud, and a problem was found."""
    folder = tmp_path_factory.mktemp("beside")
    build_small(folder / "workspace")
    world = guarded.make(folder / "workspace", folder)
    edition = Edition.open(world.workspace)
    code = paved(edition)
    member = world.accounts[Role.MEMBER].actor
    asked = {
        "village": code,
        "day": "2021-12-18",
        "seen": "路面",
        "observations": [{"indicator": "paved", "value": False, "note": NOTE}],
        "problems": [{"category": "item.paved", "said": "土路"}],
    }
    visits.write(world.ledger, edition, member, asked)
    yield world, edition, code
    world.ledger.dispose()


def paved(edition: Edition) -> str:
    """A village of which it is reported that its road is paved."""
    for code in edition.regions("village")["code"]:
        found = profile(edition, View(region=str(code), round="r3"))
        for one in found["items"]:
            if any(line["id"] == "paved" and line["state"] == "has" for line in one["items"]):
                return str(code)
    raise AssertionError("no village has a paved road")


def details(world: World, asker: str, code: str) -> Any:
    """What the callback answers for a village."""
    value = {"search": f"?region={code}", "key": "k", "text": 16}
    body = {**PICTURED, "inputs": [{"id": "address", "property": "details", "value": value}]}
    return world.ask(asker, "/_dash-update-component", "POST", json=body)


@pytest.mark.parametrize("asker", ["screen", "phone", *Role])
def test_everybody_learns_that_a_report_was_contradicted(
    small: tuple[World, Edition, str], asker: str
) -> None:
    world, _, code = small
    said = json.dumps(details(world, asker, code).get_json(), ensure_ascii=False)
    assert "走访发现 1 项与上报不符" in said
    assert "现场核查 2021年12月18日：没有" in said
    people = asker in set(Role)
    assert (NAME in said) == (NOTE in said) == people
    assert ("1 个问题未销号" in said) == (f"/contact-points?village={code}" in said) == people


def test_nobody_is_told_anything(small: tuple[World, Edition, str]) -> None:
    world, _, code = small
    assert details(world, "nobody", code).status_code == 401


def test_struck_off_problems_are_not_counted(
    small: tuple[World, Edition, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, edition, code = small
    library = Library(world.workspace)
    told = Beside(library, world.ledger)
    office = world.accounts[Role.OFFICE].actor
    principal = type("Someone", (), {"actor": office, "may": lambda self, right: True})()
    monkeypatch.setattr("dashboard.access.principal", lambda: principal)
    plain = profile(edition, View(region=code))
    before = repr(plain)
    assert told(plain)["problems"] == {
        "open": 1,
        "overdue": 0,
        "href": f"/contact-points?village={code}",
    }
    other = next(str(one) for one in edition.regions("village")["code"] if one != code)
    assert told(profile(edition, View(region=other)))["problems"]["open"] == 0
    assert repr(plain) == before, "the profile is shared"
    found = problems.of(world.ledger, edition, office, code)
    assert [one["state"] for one in found] == ["found"]
    region = profile(edition, View())
    assert told(region) is region


def test_without_a_ledger_the_profile_is_there_and_no_ledger_is_made(tmp_path: Path) -> None:
    build_small(tmp_path)
    app = create_app(Settings(workspace=tmp_path, access="open"))
    edition = Edition.open(tmp_path)
    value = {"search": f"?region={paved(edition)}"}
    body = {**PICTURED, "inputs": [{"id": "address", "property": "details", "value": value}]}
    with app.server.test_client() as client:
        answer = client.post("/_dash-update-component", json=body, headers=guarded.OURS)
    assert answer.status_code == 200
    assert "provenance" in answer.text
    assert not list(tmp_path.glob("ledger.sqlite*"))


def test_a_ledger_that_is_away_takes_nothing_from_the_profile(
    small: tuple[World, Edition, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, edition, code = small
    book = Ledger(f"sqlite:///{world.ledger.embedded}")
    now, asked = [0.0], []

    def away(*_: Any, **__: Any) -> Any:
        asked.append(now[0])
        now[0] += SLOW
        raise LedgerError("away")

    nobody = type("Nobody", (), {"actor": None, "may": lambda self, right: False})()
    monkeypatch.setattr("dashboard.access.principal", lambda: nobody)
    told = Beside(Library(world.workspace), book, clock=lambda: now[0])
    plain = profile(edition, View(region=code))
    assert told(plain)["contradictions"] == 1
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "rows", away)
        for _ in range(3):
            assert told(plain) == without_ledger(plain)
        assert len(asked) == 1, "a ledger that fails slowly is not asked by every reader"
    now[0] += PAUSE
    assert told(plain)["contradictions"] == 1
    book.dispose()


def test_a_damaged_ledger_takes_nothing_from_the_profile(
    small: tuple[World, Edition, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, edition, code = small
    (tmp_path / "ledger.sqlite").write_bytes(b"no database, but long enough to look like one" * 40)
    nobody = type("Nobody", (), {"actor": None, "may": lambda self, right: False})()
    monkeypatch.setattr("dashboard.access.principal", lambda: nobody)
    plain = profile(edition, View(region=code))
    told = Beside(Library(world.workspace), Ledger.of(tmp_path))(plain)
    assert told == without_ledger(plain)
    assert told["observations"] == []

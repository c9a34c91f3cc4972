"""A day in December 2021 in 云泽市: who is there, what is written down, and a clock to turn."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from geodata.edition import Edition
from geodata.ledger import Actor, Ledger, Role, problems, tables, visits
from tests.ledgers import BACKENDS, ledger_url
from tests.worlds import build_small

EAST, MIDDLE = "990001000000", "990002000000"

VIEWER = Actor("viewer-1", "读者", Role.VIEWER)
MEMBER = Actor("member-1", "王成员", Role.MEMBER)
OTHER = Actor("member-2", "李成员", Role.MEMBER, unit="丁单位")
OFFICER = Actor("district-1", "东岭区专员", Role.DISTRICT, district=EAST)
STRANGER = Actor("district-2", "中洲区专员", Role.DISTRICT, district=MIDDLE)
OFFICE = Actor("office-1", "办公室甲", Role.OFFICE)
COLLEAGUE = Actor("office-2", "办公室乙", Role.OFFICE)
ADMINISTRATOR = Actor("administrator-1", "管理员", Role.ADMINISTRATOR)
PEOPLE = (VIEWER, MEMBER, OTHER, OFFICER, STRANGER, OFFICE, COLLEAGUE, ADMINISTRATOR)


class Clock:
    """A clock that stands until it is turned; shows UTC."""

    def __init__(self, moment: str = "2021-12-20T04:00:00.000000Z") -> None:
        self.moment = moment

    def __call__(self) -> str:
        return self.moment


def enrol(ledger: Ledger, *people: Actor) -> None:
    """Accounts of people under the ids that they have here."""

    def work(decision: Any) -> dict[str, Any]:
        for one in people:
            decision.add(
                tables.account,
                "account.created",
                id=one.id,
                name=one.id,
                label=one.label,
                role=one.role.value,
                district=one.district,
                unit=one.unit,
                password="",
                must_change=False,
                totp="",
                issuer="",
                subject="",
                disabled=False,
            )
        return {}

    ledger.decide(ADMINISTRATOR, work)


def hold(ledger: Ledger, member: Actor, village: str, state: str = "confirmed") -> str:
    """Make a village somebody's contact point, whatever the rules say."""
    made = ""

    def work(decision: Any) -> dict[str, Any]:
        nonlocal made
        made = decision.add(
            tables.pick,
            "pick.picked",
            round="r3",
            village=village,
            member=member.id,
            state=state,
            override="",
            by=member.id,
        )
        return {}

    ledger.decide(member, work)
    return made


def kinds(ledger: Ledger) -> list[str]:
    """Kinds of all events but those of accounts, in order."""
    event = tables.event.c
    rows = ledger.rows(sa.select(event.kind).order_by(event.seq))
    return [row["kind"] for row in rows if not row["kind"].startswith("account.")]


def village(edition: Edition, n: int = 0) -> str:
    """Code of the n-th village: 0, 4, 8, ... are the round's targets."""
    return str(edition.regions("village")["code"].iloc[n])


def visit(ledger: Ledger, edition: Edition, actor: Actor = MEMBER, **asked: Any) -> dict[str, Any]:
    """An ordinary visit, unless something else is asked."""
    plain = {"village": village(edition), "day": "2021-12-18", "seen": "路修好了，灯还不亮"}
    return visits.write(ledger, edition, actor, plain | asked)


def problem(ledger: Ledger, edition: Edition, actor: Actor = MEMBER, n: int = 0) -> str:
    """An ordinary problem; returns its id."""
    asked = {"village": village(edition, n), "category": "item.paved", "said": "村口一段还是土路"}
    return str(problems.find(ledger, edition, actor, asked)["id"])


def bring(ledger: Ledger, edition: Edition, to: str, n: int = 0, deadline: str = "") -> str:
    """A problem brought to a state by those who may; returns its id."""
    made = problem(ledger, edition, n=n)
    district = OFFICER if n < 12 else STRANGER
    asked = {
        "owner_kind": "district",
        "owner": district.district,
        "deadline": deadline or "2022-01-10",
    }
    if to == "found":
        return made
    problems.assign(ledger, edition, OFFICE, made, asked)
    if to == "assigned":
        return made
    problems.fix(ledger, edition, district, made, "已铺混凝土")
    if to == "fixed":
        return made
    problems.recheck(ledger, edition, OTHER, made)
    if to == "rechecked":
        return made
    problems.strike_off(ledger, edition, OFFICE, made)
    return made


def photograph(width: int = 400, height: int = 300, form: str = "JPEG", **options: Any) -> bytes:
    """A picture, red on the left and blue on the right."""
    picture = Image.new("RGB", (width, height), "blue")
    picture.paste((255, 0, 0), (0, 0, width // 2, height))
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """Four levels; round r3 from July to December 2021, items 道路硬化 and 饮水安全."""
    return build_small(tmp_path_factory.mktemp("small"))


@pytest.fixture(params=BACKENDS)
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with everybody's account, at noon of 20 December 2021 in China."""
    with ledger_url(request.param, tmp_path) as url:
        found = Ledger(url, clock=Clock())
        found.prepare()
        enrol(found, *PEOPLE)
        yield found
        found.dispose()


def turn(ledger: Ledger, moment: str) -> None:
    """Set the ledger's clock (UTC, `2021-12-20T04:00`)."""
    clock = ledger.clock
    assert isinstance(clock, Clock)
    clock.moment = f"{moment}:00.000000Z"

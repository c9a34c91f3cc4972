"""The demo's invented year: by the rules, whole, the same each time, and in proportion."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from geodata.demo import decisions, people
from geodata.edition import Edition
from geodata.ledger import accounts, board, picks, reminders, rules, tables, verify
from geodata.ledger.people import all_accounts
from geodata.ledger.places import places
from geodata.ledger.roles import TERMINAL, Role
from geodata.ledger.rules import Person, Pick, Standing
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import Refused
from geodata.ledger.written import after, day_of, days_between
from tests import demo_worlds

NOW = "2026-04-15T06:00:00.000000Z"
TODAY = "2026-04-15"
VILLAGES = 600
"""Enough for 17 members; the whole demo is planned, but not decided, below."""


@cache
def edition(villages: int = VILLAGES) -> Edition:
    return Edition.open(demo_worlds.edition_folder(villages))


def opened(path: Path, moment: str = NOW) -> Ledger:
    found = Ledger(f"sqlite:///{path}")
    found.clock = lambda: moment
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in which the year was told. Nobody changes it."""
    path = tmp_path_factory.mktemp("year") / "ledger.sqlite"
    ledger = opened(path)
    people.enrol(demo_worlds.workspace(VILLAGES), ledger)
    assert decisions.fill(ledger, edition())
    ledger.dispose()
    return path


@pytest.fixture
def ledger(written: Path, tmp_path: Path) -> Iterator[Ledger]:
    """The told ledger, for one test to go on with."""
    path = tmp_path / "ledger.sqlite"
    shutil.copyfile(written, path)
    log = written.with_name(written.name + "-wal")
    if log.exists():
        shutil.copyfile(log, path.with_name(path.name + "-wal"))
    found = opened(path)
    yield found
    found.dispose()


def events(ledger: Ledger) -> list[dict[str, Any]]:
    return [{**row} for row in ledger.rows(sa.select(tables.event).order_by(tables.event.c.seq))]


def test_the_chain_is_whole_and_its_moments_ascend_to_the_day_before(ledger: Ledger) -> None:
    assert verify.verify(ledger).whole
    moments = [row["at"] for row in events(ledger)]
    assert moments == sorted(moments)
    assert day_of(moments[-1]) == after(TODAY, -1)
    assert days_between(day_of(moments[0]), TODAY) > 360


def test_every_state_of_the_history_keeps_the_rules(ledger: Ledger) -> None:
    known, space = places(edition()), edition().space
    people_ = {
        one.id: Person(one.id, one.label, one.unit, one.role is Role.MEMBER)
        for one in all_accounts(ledger)
    }
    now = Standing((), people_)
    rows: dict[str, dict[str, Any]] = {}
    for event in events(ledger):
        if not event["kind"].startswith("pick."):
            continue
        row = rows.setdefault(event["subject"], {})
        was = row.get("state") in rules.ACTIVE
        row.update(json.loads(event["after"]))
        is_active = row["state"] in rules.ACTIVE
        if is_active and not was:
            held = rules.breaches(
                row["village"], row["member"], now, space.contact_points, edition()
            )
            assert held == ()
            now = now.having(Pick(row["id"], row["village"], row["member"], row["state"]))
        elif was and not is_active:
            now = now.without(row["id"])
    assert {one.village for one in now.picks} <= {
        code for code, target in zip(known.codes, known.target, strict=True) if target
    }
    assert rules.unreached(now, known) == ()
    assert len(now.picks) > 30


def test_the_proportions_are_those_of_suining(ledger: Ledger) -> None:
    told = board.totals(ledger, edition())
    assert told["visits"] > 100
    assert told["found"] / told["visits"] == pytest.approx(1632 / 808, rel=0.02)
    assert told["put_right"] / told["found"] == pytest.approx(1607 / 1632, abs=0.005)
    assert told["struck_off"] < told["put_right"]
    assert told["overdue"] >= 1
    assert told["sent_back"] >= 1
    assert all(count > 0 for count in told["states"].values())
    # Month by month up to now, so that nothing on the screens stands still.
    assert [one["month"] for one in told["months"]][-1] == TODAY[:7]
    assert all(one["visits"] and one["fixed"] for one in told["months"][1:])


def test_problems_lie_in_every_district_that_has_contact_points(ledger: Ledger) -> None:
    shown = {one["code"]: one["all"] for one in board.totals(ledger, edition())["districts"]}
    known = places(edition())
    wanted = {known.districts[n][0] for n in known.wanted_districts()}
    assert {code for code, count in shown.items() if count} == wanted


def test_a_few_observations_contradict_the_report(ledger: Ledger) -> None:
    rows = ledger.rows(sa.select(tables.observation))
    against = [row for row in rows if row["value"] != row["reported"]]
    assert 0 < len(against) < len(rows)
    assert all(row["reported"] == "true" for row in against)


def test_everybody_has_something_to_do(ledger: Ledger) -> None:
    def kinds(name: str) -> Counter[str]:
        account = accounts.named(ledger, name)
        assert account is not None
        found = reminders.due(ledger, edition(), account.actor)
        return Counter({one["kind"]: one["count"] for one in found})

    office = kinds("office")
    assert office["visit"] and office["overdue"] and office["strike_off"] and office["recheck"]
    waiting = ledger.rows(sa.select(tables.pick).where(tables.pick.c.state == "picked"))
    assert waiting, "the office has something to confirm"


def test_the_demos_member_has_one_contact_point_and_can_pick_another(ledger: Ledger) -> None:
    account = accounts.named(ledger, "member")
    assert account is not None
    now = picks.standing(ledger, edition())
    assert now.used(account.id) == 1
    waiting = [one for one in now.proposed if one.member == account.id]
    assert len(waiting) == 2
    picks.accept(ledger, edition(), account.actor, waiting[0].id)
    now, known = picks.standing(ledger, edition()), places(edition())
    free = [
        code
        for code, target in zip(known.codes, known.target, strict=True)
        if target and not rules.breaches(code, account.id, now, known.rules, edition())
    ]
    picks.pick(ledger, edition(), account.actor, free[-1])
    assert picks.standing(ledger, edition()).used(account.id) == 3


def test_invented_members_are_enabled_and_nobody_can_sign_in_as_one(ledger: Ledger) -> None:
    invented = [one for one in all_accounts(ledger) if one.name.startswith("yanshi-")]
    members = [one for one in invented if one.role is Role.MEMBER]
    targets = int(places(edition()).target.sum())
    assert len(members) == targets // decisions.TARGETS_A_MEMBER
    assert all("演示" in one.label for one in invented)
    assert not any(one.disabled or one.has_password for one in invented)
    assert {one.issuer for one in invented} == {"https://demo.invalid"}
    with pytest.raises(Refused):
        accounts.bind(ledger, "https://id.example.cn", "somebody", members[0].name)
    units = {str(name) for name in edition().entities("unit", "r3", edition().root.code)["name"]}
    assert {one.unit for one in members} <= units


def test_the_same_seed_and_day_tell_the_same(written: Path, tmp_path: Path) -> None:
    other = opened(tmp_path / "other.sqlite")
    people.enrol(demo_worlds.workspace(VILLAGES), other)
    decisions.fill(other, edition())
    first = opened(written)
    assert shown(first) == shown(other)
    first.dispose()
    other.dispose()


def shown(ledger: Ledger) -> dict[str, list[Any]]:
    """All rows but the random: ids are told by where they first appear, passwords are left out."""
    names: dict[str, str] = {}
    found: dict[str, list[Any]] = {}
    with ledger.reading() as connection:
        for row in connection.execute(sa.select(tables.event).order_by(tables.event.c.seq)):
            names.setdefault(row.subject.partition(":")[2], f"#{row.seq}")
        for table in (
            tables.account,
            tables.pick,
            tables.visit,
            tables.observation,
            tables.problem,
        ):
            rows = []
            for row in connection.execute(sa.select(table)).mappings():
                values = {name: row[name] for name in row if name not in ("password",)}
                text = json.dumps(values, ensure_ascii=False, sort_keys=True, default=str)
                for identifier, short in names.items():
                    if identifier in text:
                        text = text.replace(identifier, short)
                rows.append(text)
            found[table.name] = sorted(rows)
    return found


def test_another_seed_tells_another_year() -> None:
    one, other = (decisions.plan(edition(), TODAY, seed) for seed in (1, 2))
    assert one != other
    assert decisions.plan(edition(), TODAY, 1) == one


def test_the_year_of_the_whole_demo_has_forty_members_with_about_three_each() -> None:
    told = decisions.plan(edition(3520), TODAY)
    assert len(told.members) == 40
    per_member = Counter(one.member for one in told.points if one.released is None)
    assert set(per_member.values()) <= {1, 2, 3}
    assert 105 <= sum(per_member.values()) <= 121
    assert per_member[40] == 1, "the demo's own member keeps two places free"


@pytest.mark.parametrize("moment", ["2026-02-28T20:00:00.000000Z", "2027-01-03T04:00:00.000000Z"])
def test_whatever_the_day_nothing_happens_out_of_order(moment: str) -> None:
    today = day_of(moment)
    told = decisions.plan(edition(), today)
    end = decisions._moment(today)
    for visit in told.visits:
        point = told.points[visit.point]
        assert point.confirmed is not None
        assert point.picked < point.confirmed < visit.at < (point.released or end)
        for trouble in visit.troubles:
            moments = [visit.at, *(at for _, at, _ in trouble.steps), end]
            assert moments == sorted(moments)


def test_it_is_told_once(ledger: Ledger) -> None:
    seq = ledger.seq()
    assert not decisions.fill(ledger, edition())
    assert ledger.seq() == seq


def test_a_ledger_without_the_demos_accounts_is_left_alone(tmp_path: Path) -> None:
    found = opened(tmp_path / "ledger.sqlite")
    found.prepare()
    assert not decisions.fill(found, edition())
    assert found.seq() == 0
    found.dispose()


def test_a_ledger_in_which_somebody_decided_is_left_alone(tmp_path: Path) -> None:
    found = opened(tmp_path / "ledger.sqlite")
    people.enrol(demo_worlds.workspace(VILLAGES), found)
    account = accounts.named(found, "member")
    assert account is not None
    known = places(edition())
    picks.pick(found, edition(), account.actor, known.codes[int(known.target.argmax())])
    seq = found.seq()
    assert not decisions.fill(found, edition())
    assert found.seq() == seq
    found.dispose()


def test_all_of_it_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = opened(tmp_path / "ledger.sqlite")
    people.enrol(demo_worlds.workspace(VILLAGES), found)
    seq, whole = found.seq(), decisions._Teller._visit
    count = iter(range(20))

    def stop(self: Any, visit: Any) -> None:
        if next(count, None) is None:
            raise KeyboardInterrupt
        whole(self, visit)

    monkeypatch.setattr(decisions._Teller, "_visit", stop)
    with pytest.raises(KeyboardInterrupt):
        decisions.fill(found, edition())
    assert found.seq() == seq
    assert found.rows(sa.select(tables.pick)) == []
    monkeypatch.undo()
    assert decisions.fill(found, edition())
    found.dispose()


def test_a_small_demo_gets_its_year_too(tmp_path: Path) -> None:
    found = opened(tmp_path / "ledger.sqlite")
    people.enrol(demo_worlds.workspace(demo_worlds.SMALL), found)
    assert decisions.fill(found, edition(demo_worlds.SMALL))
    assert verify.verify(found).whole
    assert board.totals(found, edition(demo_worlds.SMALL))["found"]
    found.dispose()


def test_together_is_one_transaction_that_reads_its_own_decisions(tmp_path: Path) -> None:
    found = opened(tmp_path / "ledger.sqlite")
    found.prepare()
    with found.together() as whole:
        for name in ("eins", "zwei"):
            accounts.create(
                whole, TERMINAL, name=name, label=name, role=Role.VIEWER, elsewhere=True
            )
        assert accounts.named(whole, "zwei") is not None
        assert found.seq() == 0, "nobody else sees it yet"
    assert found.seq() == 2
    with pytest.raises(ZeroDivisionError), found.together() as whole:
        accounts.create(whole, TERMINAL, name="drei", label="3", role=Role.VIEWER, elsewhere=True)
        raise ZeroDivisionError
    assert found.seq() == 2
    assert verify.verify(found).whole
    found.dispose()

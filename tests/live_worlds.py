"""A ledger with some months of contact points, visits and problems over any edition."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from geodata.edition import Edition
from geodata.ledger import Actor, Decision, Ledger, Role, tables

MEMBER = Actor("m1", "成员甲", Role.MEMBER)
TODAY = date(2024, 6, 20)


class Hand:
    """Writes decisions down at days of its own choosing; rules are not its business."""

    def __init__(self, ledger: Ledger, edition: Edition, today: date = TODAY) -> None:
        self.ledger, self.edition = ledger, edition
        self.round = edition.space.contact_round.id
        self.today = today
        ledger.clock = lambda: self._moment
        self.on(today)
        ledger.prepare()

    def on(self, day: date) -> None:
        """What is decided from now on is decided on this day, at noon in China."""
        at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
        self._moment = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        self.day = day

    @property
    def targets(self) -> list[str]:
        """Codes of the round's targets."""
        codes = self.edition.nesting.codes[-1]
        return [str(codes[n]) for n in np.flatnonzero(self.edition.targets(self.round))]

    def pick(self, village: str, member: str = "m1", state: str = "picked") -> str:
        """Make a village a contact point; the pick's id."""
        return self._add(
            tables.pick,
            f"pick.{state}",
            village=village,
            member=member,
            state=state,
            override="",
            by=member,
        )

    def release(self, pick: str) -> None:
        """End a contact point."""
        self._change(tables.pick, pick, "pick.released", state="released")

    def visit(self, village: str, on: date | None = None) -> str:
        """Write a visit down; its id."""
        return self._add(
            tables.visit,
            "visit.written",
            village=village,
            day=(on or self.day).isoformat(),
            author="m1",
            members='["m1"]',
            people="",
            seen="路面平整",
            withdrawn=False,
        )

    def problem(self, village: str) -> str:
        """Find a problem; its id."""
        level = self.edition.space.district.id
        above = [*self.edition.ancestors(village)]
        district = next(one.code for one in above if one.level == level)
        return self._add(
            tables.problem,
            "problem.found",
            village=village,
            district=district,
            visit="",
            category="other",
            said="路灯不亮",
            owner_kind="",
            owner="",
            deadline="",
            state="found",
            sent_back=0,
            found_by="m1",
            found_on=self.day.isoformat(),
            fixed_by="",
            rechecked_by="",
        )

    def step(self, problem: str, kind: str, state: str, **values: Any) -> None:
        """Move a problem on."""
        self._change(tables.problem, problem, f"problem.{kind}", state=state, **values)

    def months(self, *, points: int, months: int = 6) -> None:
        """Some months of work: `points` contact points, visits to half, problems of every state."""
        targets = self.targets
        spread = [targets[n * len(targets) // points] for n in range(points)]
        start = self.today - timedelta(30 * months)
        problems: list[str] = []
        for number, village in enumerate(dict.fromkeys(spread)):
            self.on(start + timedelta(number % 40))
            self.pick(village, f"m{number // 3}", "confirmed" if number % 2 else "picked")
        for turn in range(months):
            for number, village in enumerate(dict.fromkeys(spread)):
                if (number + turn) % 2:
                    continue
                self.on(min(self.today, start + timedelta(30 * turn + 15 + number % 14)))
                self.visit(village)
                if number % 3 == 0:
                    problems.append(self.problem(village))
        for number, problem in enumerate(problems):
            self.on(min(self.today, start + timedelta(40 + number * 30 * months // len(problems))))
            self.step(
                problem,
                "assigned",
                "assigned",
                owner_kind="district",
                deadline=(self.today + timedelta(number % 20 - 10)).isoformat(),
            )
            if number % 10 < 8:
                self.step(problem, "fixed", "fixed", fixed_by="d1")
            if number % 10 < 6:
                self.step(problem, "rechecked", "rechecked", rechecked_by="m1")
                self.step(problem, "struck_off", "struck_off")
        self.on(self.today)

    def _add(self, table: Any, kind: str, **values: Any) -> str:
        def work(decision: Decision) -> dict[str, Any]:
            return {"id": decision.add(table, kind, round=self.round, **values)}

        return str(self.ledger.decide(MEMBER, work)["id"])

    def _change(self, table: Any, identifier: str, kind: str, **values: Any) -> None:
        def work(decision: Decision) -> dict[str, Any]:
            decision.change(table, identifier, kind, **values)
            return {}

        self.ledger.decide(MEMBER, work)

"""The real app with a real ledger over the small world, and people who are signed in to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from geodata.edition import Edition
from geodata.ledger import accounts, sessions, tables, verify
from geodata.ledger.accounts import Account
from geodata.ledger.places import places
from geodata.ledger.roles import TERMINAL, Role
from geodata.ledger.store import Ledger, now
from tests.browser.conftest import serving

Json = dict[str, Any]

COOKIE = "bangfu_session"
RULES: Json = {
    "income": "collective_income",
    "gap": "gap_items",
    "per_district": 1,
    "override": ["spread"],
}
"""`[contact_points]` of the world: a second village in a district needs a reason; nothing else may
be set aside, not even for one."""
PEOPLE = {
    "zhao": ("赵敏", Role.MEMBER),
    "qian": ("钱进", Role.MEMBER),
    "sun": ("孙立", Role.OFFICE),
    "li": ("李区", Role.DISTRICT),
}


@dataclass
class Real:
    """A running server and what it writes to."""

    address: str
    ledger: Ledger
    edition: Edition
    people: dict[str, Account] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def targets(self) -> list[str]:
        """Villages that may be picked, from north to south."""
        known = places(self.edition)
        return [code for code, target in zip(known.codes, known.target, strict=True) if target]

    def name(self, code: str) -> str:
        """A village as people call it."""
        return self.edition.region(code).name

    def district(self, code: str) -> str:
        """Code of the district that a village is in."""
        return self.edition.ancestors(code)[1].code

    def cookie(self, name: str) -> Json:
        """What makes a browser somebody's."""
        return {"name": COOKIE, "value": self.tokens[name], "url": self.address}

    def rows(self, table: str, **wanted: str) -> list[Json]:
        """What the ledger holds now, oldest first."""
        held = tables.metadata.tables[table]
        query = sa.select(held).where(*(held.c[name] == value for name, value in wanted.items()))
        found = [{**row} for row in self.ledger.rows(query)]
        return sorted(found, key=lambda row: row.get("created_at", ""))

    def holders(self, code: str) -> list[str]:
        """Who has a village: their names to sign in with."""
        by_id = {one.id: name for name, one in self.people.items()}
        rows = self.rows("pick", village=code)
        return [by_id[row["member"]] for row in rows if row["state"] in ("picked", "confirmed")]

    def earlier(self, days: int) -> Ledger:
        """The same ledger, written to so many days ago."""

        def clock() -> str:
            at = datetime.fromisoformat(now().replace("Z", "+00:00")) - timedelta(days=days)
            return at.astimezone(UTC).isoformat().replace("+00:00", "Z")

        return Ledger(self.ledger.url.render_as_string(hide_password=False), clock=clock)


@contextmanager
def real_server(folder: Path, place: Path) -> Iterator[Real]:
    """Serve a copy of a workspace, with a ledger of its own in `place`."""
    from dashboard.app import create_app
    from dashboard.settings import Settings

    workspace = Path(shutil.copytree(folder, place / "workspace"))
    url = f"sqlite:///{place / 'ledger.sqlite'}"
    ledger = Ledger(url)
    ledger.prepare()
    # A test presses more often in a minute than a person.
    app = create_app(Settings(workspace=workspace, ledger=url, write_limit="10000 per minute"))
    edition = Edition.open(workspace)
    with serving(app.server) as address:
        real = Real(address, ledger, edition)
        for name, (label, role) in PEOPLE.items():
            district = str(edition.regions("district")["code"].iloc[0])
            real.people[name], _ = accounts.create(
                ledger,
                TERMINAL,
                name=name,
                label=label,
                role=role,
                district=district if role is Role.DISTRICT else "",
                must_change=False,
            )
            real.tokens[name] = sessions.begin(ledger, real.people[name].id)
        yield real
    assert verify.verify(ledger).whole

"""Fifty members who pick and let go while five hundred people read, against the real server."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import sqlalchemy as sa

from dashboard import settings
from dashboard.access import SESSION
from dashboard.bench import serving
from geodata.edition import Edition
from geodata.ledger import Ledger, accounts, sessions, verify
from geodata.ledger.places import places
from geodata.ledger.roles import TERMINAL, Role
from geodata.vocabulary import Base

MEMBERS, READERS = 50, 500
SECONDS = 30.0
WARM_UP = 5.0
"""Seconds before anything counts: sessions begin, workers fill what they keep."""
THINKS = (2.0, 6.0)
"""Seconds between two decisions of one member: still many times faster than people."""
STATE_SECONDS, LIVE_SECONDS = 3.0, 5.0
"""How often a contact-points screen and an open map ask whether something changed."""
SCREENS = 0.1
"""Share of readers who have the contact-points screen open; all others look at maps."""
TURNS = 6
"""Of so many turns a reader of maps opens something in one, and polls in all others."""
PATIENCE = 30.0

Json = dict[str, Any]


@dataclass
class Tally:
    """What was asked, and how it was answered."""

    times: dict[str, list[float]] = field(default_factory=dict)
    """Milliseconds of each answer, by kind."""
    refused: dict[str, int] = field(default_factory=dict)
    """Answers that said no as they should: somebody else was first."""
    errors: dict[str, int] = field(default_factory=dict)
    """All other answers that were no success, and none at all."""
    counting: bool = False

    def note(self, kind: str, began: float, status: int) -> None:
        """One answer; 0 when there was none."""
        if status in (200, 304):
            if self.counting:
                taken = (time.perf_counter() - began) * 1000
                self.times.setdefault(kind, []).append(taken)
        elif status == 409:
            self.refused[kind] = self.refused.get(kind, 0) + 1
        else:
            self.errors[kind] = self.errors.get(kind, 0) + 1


class Browser:
    """One connection that is kept, and the cookie of whoever sits there."""

    def __init__(self, port: int, token: str, tally: Tally) -> None:
        self._port = port
        self._tally = tally
        self._cookie = f"Cookie: {SESSION}={token}\r\n"
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._tags: dict[str, str] = {}

    async def get(self, kind: str, path: str, *, poll: bool = False) -> int:
        """Read something, as a browser that still holds what it was answered last."""
        extra = "X-Background: 1\r\n" if poll else ""
        if path in self._tags:
            extra += f"If-None-Match: {self._tags[path]}\r\n"
        status, headers, _ = await self._timed(kind, "GET", path, extra, b"")
        if "etag" in headers:
            self._tags[path] = headers["etag"]
        return status

    async def post(self, kind: str, path: str, asked: Json) -> tuple[int, Json]:
        """Decide something, once."""
        body = json.dumps(asked).encode()
        extra = (
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"Idempotency-Key: {secrets.token_hex(16)}\r\n"
            f"Origin: http://127.0.0.1:{self._port}\r\n"
        )
        status, _, answer = await self._timed(kind, "POST", path, extra, body)
        return status, json.loads(answer) if status == 200 else {}

    def close(self) -> None:
        """Hang up."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    async def _timed(
        self, kind: str, method: str, path: str, extra: str, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        began = time.perf_counter()
        found: tuple[int, dict[str, str], bytes] = (0, {}, b"")
        # Once more on a new connection, as browsers do: the server closes idle ones.
        for _ in range(2):
            try:
                found = await asyncio.wait_for(self._ask(method, path, extra, body), PATIENCE)
                break
            except (OSError, EOFError, TimeoutError):
                self.close()
        self._tally.note(kind, began, found[0])
        return found

    async def _ask(
        self, method: str, path: str, extra: str, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if self._open is None or self._open[0].at_eof():
            self.close()
            self._open = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._open
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n{self._cookie}"
            f"Accept-Encoding: gzip\r\n{extra}\r\n"
        )
        writer.write(head.encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        pairs = (line.partition(":") for line in lines[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        length = 0 if status == 304 else int(headers.get("content-length", 0))
        answer = await reader.readexactly(length)
        if headers.get("content-encoding") == "gzip":
            answer = gzip.decompress(answer)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return status, headers, answer


def measure(
    folder: Path, edition: Edition, *, seconds: float = SECONDS, members: int = MEMBERS,
    readers: int = READERS,
) -> list[Json]:  # fmt: skip
    """Waiting times of members and readers who are there at once, on each kind of ledger.

    On SQLite, and on PostgreSQL where `BANGFU_LEDGER` names a server: in a database of its own
    there, which is dropped afterwards. Bounded: `seconds` after the warm-up; only to 127.0.0.1.

    Returns
    -------
    Rows `ledger`, `request`, `count`, `per_second`, `waited_p50_ms`, `waited_p95_ms`,
    `waited_p99_ms`, `refused`, `errors`; of each ledger the last one is of all requests.
    """
    rows: list[Json] = []
    with tempfile.TemporaryDirectory(prefix="bangfu-deciding-") as scratch:
        for name, place in _ledgers(Path(scratch)):
            with place as url:
                rows += [{"ledger": name, **row} for row in _on(
                    url, folder, edition, seconds, members, readers
                )]  # fmt: skip
    return rows


def _ledgers(scratch: Path) -> Iterator[tuple[str, contextlib.AbstractContextManager[str]]]:
    yield "SQLite", contextlib.nullcontext(f"sqlite:///{scratch / 'ledger.sqlite'}")
    own = settings.read().ledger
    if own and sa.make_url(own).get_backend_name() == "postgresql":
        yield "PostgreSQL", _database(own)


@contextmanager
def _database(url: str) -> Iterator[str]:
    """A new database on the server of a URL, dropped afterwards."""
    home, name = sa.make_url(url), f"bangfu_bench_{secrets.token_hex(6)}"
    engine = sa.create_engine(home, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    try:
        yield home.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        engine.dispose()


def _on(
    url: str, folder: Path, edition: Edition, seconds: float, members: int, readers: int
) -> list[Json]:
    ledger = Ledger(url)
    ledger.prepare()
    tokens = _people(ledger, members, readers)
    tally = Tally()
    # One machine stands for fifty: what may be written in a minute is raised for it.
    with serving.served(
        folder, BANGFU_ACCESS="accounts", BANGFU_LEDGER=url, BANGFU_WRITE_LIMIT="100000 per minute"
    ) as port:
        asyncio.run(_everybody(port, edition, tokens, members, seconds, tally))
    report = verify.verify(ledger)
    ledger.dispose()
    if not report.whole:
        raise RuntimeError(f"the ledger is not whole: {report.faults[0]}")
    return _rows(tally, seconds)


def _people(ledger: Ledger, members: int, readers: int) -> list[str]:
    """Accounts, and a session of each: members first. All in one transaction."""
    with ledger.together() as whole:
        tokens = []
        for number in range(members + readers):
            member = number < members
            name = f"{'member' if member else 'reader'}-{number}"
            made, _ = accounts.create(
                whole, TERMINAL, name=name, label=name,
                role=Role.MEMBER if member else Role.VIEWER, elsewhere=True,
            )  # fmt: skip
            tokens.append(sessions.begin(whole, made.id))
    return tokens


async def _everybody(
    port: int, edition: Edition, tokens: list[str], members: int, seconds: float, tally: Tally
) -> None:
    browsers = [Browser(port, token, tally) for token in tokens]
    known = places(edition)
    free = [code for code, target in zip(known.codes, known.target, strict=True) if target]
    opened = _opened(edition)
    stop = time.monotonic() + WARM_UP + seconds
    jobs: list[Awaitable[None]] = []
    for number, browser in enumerate(browsers):
        rng = Random(number)
        if number < members:
            jobs += [_member(browser, rng, free, stop), _screen(_beside(browser), rng, stop)]
        elif rng.random() < SCREENS:
            jobs.append(_screen(browser, rng, stop))
        else:
            jobs.append(_reader(browser, rng, opened, stop))

    async def count() -> None:
        await asyncio.sleep(WARM_UP)
        tally.counting = True

    try:
        await asyncio.gather(count(), *jobs)
    finally:
        for browser in browsers:
            browser.close()


def _beside(browser: Browser) -> Browser:
    """The same person's second connection: a screen polls while it decides."""
    other = Browser.__new__(Browser)
    other.__dict__.update({**browser.__dict__, "_open": None, "_tags": {}})
    return other


def _opened(edition: Edition) -> list[tuple[str, str]]:
    """What readers open: the page, and a measure's values."""
    leaf, round_id = edition.levels[-1].id, edition.space.contact_round.id
    measures = [
        one.id
        for one in edition.measures
        if one.leaves is Base.TARGETS and edition.has(one.id, round_id)
    ]
    return [("page", "/"), *(
        ("values", f"/data/{edition.id}/{round_id}/{one}/{leaf}.bin") for one in measures[:4]
    )]  # fmt: skip


async def _member(browser: Browser, rng: Random, free: list[str], stop: float) -> None:
    """Read about a village, pick it, think, let it go."""
    await asyncio.sleep(rng.uniform(0, THINKS[1]))
    while time.monotonic() < stop:
        village = rng.choice(free)
        await browser.get("why", f"/ledger/villages/{village}")
        _, told = await browser.post("pick", "/ledger/picks", {"village": village, "override": ""})
        await asyncio.sleep(rng.uniform(*THINKS))
        if told:
            path = f"/ledger/picks/{told['pick']['id']}/release"
            await browser.post("release", path, {"reason": ""})
            await asyncio.sleep(rng.uniform(*THINKS))


async def _screen(browser: Browser, rng: Random, stop: float) -> None:
    """An open contact-points screen."""
    await asyncio.sleep(rng.uniform(0, STATE_SECONDS))
    while time.monotonic() < stop:
        await browser.get("state", "/ledger/state", poll=True)
        await asyncio.sleep(STATE_SECONDS)


async def _reader(
    browser: Browser, rng: Random, opened: list[tuple[str, str]], stop: float
) -> None:
    """An open map: it follows the ledger, and now and then something else is looked at."""
    await asyncio.sleep(rng.uniform(0, LIVE_SECONDS))
    while time.monotonic() < stop:
        if rng.randrange(TURNS) == 0:
            await browser.get(*rng.choice(opened))
        else:
            await browser.get("live", "/live/seq", poll=True)
        await asyncio.sleep(LIVE_SECONDS)


def _rows(tally: Tally, seconds: float) -> list[Json]:
    kinds: list[tuple[str, Callable[[str], bool]]] = [
        (kind, kind.__eq__) for kind in sorted({*tally.times, *tally.errors})
    ]
    kinds.append(("all", lambda _: True))
    rows = []
    for name, belongs in kinds:
        times = [one for kind, some in tally.times.items() if belongs(kind) for one in some]
        p50, p95, p99 = np.percentile(times, (50, 95, 99)) if times else (np.nan,) * 3
        rows.append(
            {
                "request": name,
                "count": len(times),
                "per_second": round(len(times) / seconds, 1),
                "waited_p50_ms": round(float(p50), 1),
                "waited_p95_ms": round(float(p95), 1),
                "waited_p99_ms": round(float(p99), 1),
                "refused": sum(n for kind, n in tally.refused.items() if belongs(kind)),
                "errors": sum(n for kind, n in tally.errors.items() if belongs(kind)),
            }
        )
    return rows

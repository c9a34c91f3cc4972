"""Five hundred people read the public map, alone and beside a flood, against the real server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

from dashboard.bench import deciding, serving
from geodata.edition import CURRENT, PUBLIC, PUBLIC_EDITION, Edition

READERS = 500
SECONDS = 20.0
"""Of each of the two runs."""
WARM_UP = 4.0
THINKS = (1.0, 4.0)
"""Seconds between two looks of one reader: many times faster than people."""
AT_ONCE = 4
"""Requests that a look makes, of the kinds below; a first look asks for the page and its assets."""
FLOODERS, FLOOD_PER_SECOND = 8, 400
"""Connections of the one address that asks for too much, and what all of them ask together."""
PATIENCE = 30.0
_COMMON = (("values", 4), ("tile", 3), ("page", 2), ("api values", 2), ("api region", 1))
"""What a look asks for, and how often."""

Json = dict[str, Any]


class Flood(deciding.Tally):
    """What one address was told that asks for too much: 429 is what it should be told."""

    def note(self, kind: str, began: float, status: int) -> None:
        """One answer; 0 when there was none."""
        if status == 429:
            self.refused[kind] = self.refused.get(kind, 0) + 1
        else:
            super().note(kind, began, status)


class Reader:
    """One browser: an address of its own, a connection that is kept, the tags of what it holds."""

    def __init__(self, port: int, address: str, tally: deciding.Tally) -> None:
        self._port, self._address, self._tally = port, address, tally
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._tags: dict[str, str] = {}

    async def get(self, kind: str, path: str) -> int:
        """Read something; what is immutable is asked for once, as browsers do."""
        if self._tags.get(path) == "immutable":
            return 200
        began, status = time.perf_counter(), 0
        # Once more on a new connection, as browsers do: the server closes idle ones.
        for _ in range(2):
            try:
                status = await asyncio.wait_for(self._ask(path), PATIENCE)
                break
            except (OSError, EOFError, TimeoutError):
                self.close()
        self._tally.note(kind, began, status)
        return status

    def close(self) -> None:
        """Hang up."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    async def _ask(self, path: str) -> int:
        if self._open is None or self._open[0].at_eof():
            self.close()
            self._open = await asyncio.open_connection(
                "127.0.0.1", self._port, local_addr=(self._address, 0)
            )
        reader, writer = self._open
        tag = self._tags.get(path)
        held = f"If-None-Match: {tag}\r\n" if tag else ""
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            f"Accept-Encoding: gzip, br\r\n{held}\r\n".encode()
        )
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        pairs = (line.partition(":") for line in lines[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        await reader.readexactly(0 if status == 304 else int(headers.get("content-length", 0)))
        if status == 200:
            forever = "immutable" in headers.get("cache-control", "")
            self._tags[path] = "immutable" if forever else headers.get("etag", "")
        if headers.get("connection", "").lower() == "close":
            self.close()
        return status


def measure(folder: Path, *, seconds: float = SECONDS, readers: int = READERS) -> list[Json]:
    """Waiting times of readers of the public server, alone and while one address floods it.

    What was published in `folder` is read; if nothing was, it is published first, as a demo.
    Every reader has an address of its own in 127.0.0.0/8. Bounded: `seconds` after a warm-up,
    twice; only to this machine.

    Returns
    -------
    Rows `while`, `request`, `count`, `per_second`, `waited_p50_ms`, `waited_p95_ms`,
    `waited_p99_ms`, `refused`, `errors`; of each run also one of all requests and, in the second,
    one of the flood.
    """
    publish_once(folder)
    asked = what_there_is(folder)
    rows: list[Json] = []
    for name, flooded in (("readers", False), ("readers and a flood", True)):
        tally, flood = deciding.Tally(), Flood()
        with serving.served(folder, BANGFU_AUDIENCE="public") as port:
            job = _everybody(port, asked, readers, seconds, tally, flood if flooded else None)
            # In a thread of its own: the caller may have a loop that runs.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(asyncio.run, job).result()
        found = deciding._rows(tally, seconds)
        if flooded:
            found += [{**row, "request": "flood"} for row in deciding._rows(flood, seconds)[-1:]]
        rows += [{"while": name, **row} for row in found]
    return rows


def publish_once(folder: Path) -> None:
    """Publish a demo workspace, unless something of it is published already."""
    if not (folder / PUBLIC / CURRENT).is_file():
        command = [sys.executable, "-m", "dashboard.cli", "publish", str(folder), "--demo"]
        subprocess.run(command, check=True, capture_output=True)


def what_there_is(folder: Path, most: int = 400) -> dict[str, list[str]]:
    """Addresses by kind, of what was published in a folder; of each kind up to `most`."""
    home = folder / PUBLIC / (folder / PUBLIC / CURRENT).read_text("ascii").strip()
    site, book = home / "site", Edition(home / PUBLIC_EDITION, home.name, "")
    dice = Random(0)

    def files(pattern: str) -> list[str]:
        found = sorted(
            path.relative_to(site).as_posix()
            for path in site.glob(pattern)
            if path.is_file() and path.suffix not in {".gz", ".br"}
        )
        return [f"/{quote(name)}" for name in dice.sample(found, min(most, len(found)))]

    levels = [level.id for level in book.levels[1:]]
    values = [
        f"/api/v1/values/{one.id}?round={name}&level={level}"
        for one in book.measures
        for name in one.rounds
        for level in levels
        if book.has(one.id, name) and book.shows(one.id, level)
    ]
    codes = dice.sample(book.regions(book.space.leaf.id)["code"].tolist()[:5000], 20)
    return {
        "index": ["/"],
        "asset": [*files("a/*"), *files("d/*")],
        "values": files("d/v/**/*"),
        "tile": files("d/t/**/*"),
        "page": files("r/*"),
        "api values": values[:most],
        "api region": [
            f"/api/v1/regions/{code}" for code in dice.sample(codes, min(50, len(codes)))
        ],
        "api edition": ["/api/v1/edition"],
    }


async def _everybody(
    port: int,
    asked: dict[str, list[str]],
    readers: int,
    seconds: float,
    tally: deciding.Tally,
    flood: Flood | None,
) -> None:
    people = [
        Reader(port, f"127.1.{number // 250}.{number % 250 + 1}", tally)
        for number in range(readers)
    ]
    crowd = [Reader(port, "127.9.9.9", flood) for _ in range(FLOODERS)] if flood else []
    stop = time.monotonic() + WARM_UP + seconds

    async def count() -> None:
        await asyncio.sleep(WARM_UP)
        tally.counting = True
        if flood:
            flood.counting = True

    jobs = [_reader(one, Random(number), asked, stop) for number, one in enumerate(people)]
    try:
        await asyncio.gather(count(), *jobs, *(_flooder(one, asked, stop) for one in crowd))
    finally:
        for one in (*people, *crowd):
            one.close()


async def _reader(one: Reader, dice: Random, asked: dict[str, list[str]], stop: float) -> None:
    """Open the map, then look around."""
    await asyncio.sleep(dice.uniform(0, WARM_UP + THINKS[1]))
    kinds = [kind for kind, often in _COMMON for _ in range(often) if asked[kind]]
    first = True
    while time.monotonic() < stop:
        await one.get("index", asked["index"][0])
        if first:
            for path in asked["asset"]:
                await one.get("asset", path)
            await one.get("api edition", asked["api edition"][0])
            first = False
        for kind in dice.choices(kinds, k=AT_ONCE):
            await one.get(kind, dice.choice(asked[kind]))
        await asyncio.sleep(dice.uniform(*THINKS))


async def _flooder(one: Reader, asked: dict[str, list[str]], stop: float) -> None:
    """Ask for the dearest answers, faster than anybody may."""
    turn = 0
    while time.monotonic() < stop:
        began = time.monotonic()
        await one.get("flood", asked["api values"][turn % len(asked["api values"])])
        turn += 1
        await asyncio.sleep(max(0.0, FLOODERS / FLOOD_PER_SECOND - (time.monotonic() - began)))


def main() -> None:
    """`python -m dashboard.bench.public DIR [SECONDS]`: this benchmark alone, as JSON lines."""
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    for row in measure(Path(sys.argv[1]), seconds=seconds):
        print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()

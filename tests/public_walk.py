"""Every address of the public server, asked: each file, each answer of the API, each error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from flask import Flask

from geodata.edition import Edition

ODD = (
    "/nowhere",
    "/api/v1/nothing",
    "/api/v1/search",
    "/api/v1/edition?x=1",
    "/api/v1/regions?parent=none",
    "/../atlas.toml",
    "/..%2fledger.sqlite",
    "/" + "a" * 9000,
)
"""Errors of every kind that a reader can bring about."""


@dataclass(frozen=True)
class Told:
    """One answer."""

    path: str
    status: int
    whole: bytes
    """Headers and body, not packed."""


def every(app: Flask, site: Path, private: Edition, *, series: bool = True) -> Iterator[Told]:
    """All that a public server gives to who asks for everything that there is, and for all that
    there is inside, by its id: unpublished measures, levels, rounds and periods, too.

    Parameters
    ----------
    series : every period of a measure and every tile; otherwise a measure's first and last period,
        and some tiles.
    """
    client = app.test_client()
    for path in _addresses(site, private, series):
        answer = client.get(path, headers={"Accept-Encoding": "identity"})
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers)
        yield Told(path, answer.status_code, headers.encode() + b"\n" + answer.data)
        answer.close()
    for method in ("HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
        answer = client.open("/api/v1/edition", method=method)
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers)
        yield Told(f"{method} /api/v1/edition", answer.status_code, headers.encode() + answer.data)


def _addresses(site: Path, private: Edition, series: bool) -> Iterator[str]:
    yield from ("/", "/healthz", "/api/v1/edition", "/api/v1/regions", *ODD)
    files = sorted(one for one in site.rglob("*") if one.is_file())
    tiles = [one for one in files if one.is_relative_to(site / "d" / "t")]
    left_out = set() if series else {*tiles} - {*tiles[:: max(1, len(tiles) // 100)]}
    for file in files:
        if file not in left_out:
            yield "/" + quote(file.relative_to(site).as_posix())
    for level in private.levels:
        for code in private.regions(level.id)["code"].astype(str):
            yield f"/api/v1/regions/{quote(code)}"
            if level is not private.levels[-1]:
                yield f"/api/v1/regions?{urlencode({'parent': code})}"
    yield from (f"/api/v1/search?{urlencode({'q': one})}" for one in _asked(private))
    for measure in private.measures:
        yield f"/api/v1/values/{measure.id}"
        yield f"/api/v1/regions/{private.root.code}?measure={measure.id}"
        for round_id in measure.rounds:
            if not private.has(measure.id, round_id):
                continue
            periods = private.periods(measure.id, round_id)
            for level in private.levels:
                for period in periods if series else {periods[0], periods[-1]}:
                    asked = {"level": level.id, "round": round_id, "period": period}
                    yield f"/api/v1/values/{measure.id}?{urlencode(asked)}"


def _asked(private: Edition) -> Iterator[str]:
    """What people type: names and beginnings of the regions above the last level, and of each."""
    for level in private.levels:
        frame = private.regions(level.id)
        for name in ("name", "initials"):
            yield from dict.fromkeys(frame[name].astype(str))

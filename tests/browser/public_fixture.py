"""Bundles of small worlds as a portal would host them: below a path, by a server that knows nothing
but files: no ranges, no compression, no address of its own that answers anything.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from dashboard import bundle
from geodata import arrays
from geodata.edition import Edition
from geodata.vocabulary import Status
from layers.public.facts import Facts, Suppression, Withdrawn

PLACE = "portal/column-7/map"
"""Path of the folder below the server's root."""

GONE = Withdrawn("old_count", "旧口径户数", "口径与民政不一致", "2022-03-01")
CONTACT = "云泽市帮扶办 000-0000"

FIRST = "() => window.bangfu && window.bangfu.painted && window.bangfu.public.take"
"""The map is painted, and the scripts that it did without are there."""


class _Plain(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing to say."""

    def list_directory(self, *_: Any) -> None:
        self.send_error(404)


@contextmanager
def hosting(root: Path) -> Iterator[str]:
    """Serve the files below `root` on a free loopback port; yields the address of `PLACE`."""
    handler = functools.partial(_Plain, directory=str(root))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{PLACE}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write(edition: Edition, root: Path) -> Path:
    """Write an edition's bundle below `root`, with a measure taken back; returns its folder."""
    out = root / PLACE
    out.parent.mkdir(parents=True)
    facts = replace(
        Facts.of(edition),
        withdrawn=(GONE,),
        contact=CONTACT,
        suppression=Suppression(10, 40, 3, 0.075),
    )
    bundle.write(edition, out, facts=facts, twins=False)
    return out


def catalogue(site: Path) -> tuple[Path, dict[str, Any]]:
    """The catalogue's file and what it says."""
    path = next((site / "d").glob("atlas.*.json"))
    return path, json.loads(path.read_text("utf-8"))


def measure_of(atlas: dict[str, Any], name: str) -> dict[str, Any]:
    """What the catalogue says of a measure."""
    found: dict[str, Any] = next(one for one in atlas["measures"] if one["id"] == name)
    return found


def suppress(site: Path, round: str, measure: str, level: str, position: int) -> None:
    """Take the values of one region out of a written bundle, as the gate does: all its periods."""
    _, atlas = catalogue(site)
    path = site / measure_of(atlas, measure)["rounds"][round]["levels"][level]["values"]
    data = bytearray(gzip.decompress(path.read_bytes()))
    header = json.loads(data[8 : 8 + int.from_bytes(data[4:8], "little")])
    shape = (len(header["periods"]), header["count"])
    size = shape[0] * shape[1]
    kind = np.dtype(header["dtype"])
    values = np.frombuffer(data, kind, size, header["values_offset"]).reshape(shape)
    flags = np.frombuffer(data, np.uint8, size, header["flags_offset"]).reshape(shape)
    values[:, position] = header["missing"]
    flags[:, position] = Status.SUPPRESSED
    path.write_bytes(arrays.compress(bytes(data)))


def withhold(site: Path, measure: str, level: str) -> None:
    """Make a written bundle one in which a measure is not published at a level."""
    path, atlas = catalogue(site)
    for one in measure_of(atlas, measure)["rounds"].values():
        one["levels"].pop(level, None)
    path.write_text(json.dumps(atlas, ensure_ascii=False), "utf-8")


def outside(requests: list[str], address: str) -> list[str]:
    """What was asked for beyond the bundle's own folder."""
    return [
        url
        for url in requests
        if not re.match(r"(data|blob):", url) and not url.startswith(address)
    ]


def paths(requests: list[str], address: str) -> list[str]:
    """What was asked for in the bundle, as paths in it."""
    home = urlsplit(address).path
    return [urlsplit(url).path[len(home) :] for url in requests if url.startswith(address)]

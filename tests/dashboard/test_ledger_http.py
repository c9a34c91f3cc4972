"""The ledger's writes as a browser sends them: large photographs, and whose act it is."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from werkzeug.serving import make_server

from geodata.edition import Edition
from geodata.ledger import tables, visits
from geodata.ledger.places import places
from geodata.ledger.written import day_of
from tests.dashboard import guarded
from tests.dashboard.guarded import World


@pytest.fixture
def world(folder: Path, tmp_path: Path) -> World:
    workspace = Path(shutil.copytree(folder, tmp_path / "workspace"))
    return guarded.make(workspace, tmp_path)


@pytest.fixture
def port(world: World) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, world.app.server, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield int(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


def written(world: World) -> str:
    """A visit that the member wrote down; its id."""
    edition = Edition.open(world.workspace)
    asked = {
        "village": places(edition).codes[0],
        "day": day_of(world.ledger.clock()),
        "seen": "看了道路",
    }
    actor = world.accounts["member"].actor
    return str(visits.write(world.ledger, edition, actor, asked)["id"])


def sent(world: World, port: int, visit: str, data: bytes) -> tuple[int, dict[str, str]]:
    """Send a photograph over a socket, whole, and only then look for the answer."""
    head = b'--xx\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
    cookie = world.askers["member"].cookie()
    assert cookie is not None
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {
        "Cookie": f"{cookie[0]}={cookie[1]}",
        "Origin": f"http://127.0.0.1:{port}",
        "Idempotency-Key": secrets.token_hex(16),
        "Content-Type": "multipart/form-data; boundary=xx",
    }
    wire.request("POST", f"/ledger/visits/{visit}/photos", head + data + b"\r\n--xx--\r\n", headers)
    answer = wire.getresponse()
    told = json.loads(answer.read())
    wire.close()
    return answer.status, told


def test_a_large_photograph_gets_through_and_one_too_large_is_told_so(
    world: World, port: int
) -> None:
    visit = written(world)
    # It comes in as a whole: what is said of it is that it is no picture.
    status, told = sent(world, port, visit, os.urandom(5 * 2**20))
    assert status == 422, told
    for size in (13, 30):
        status, told = sent(world, port, visit, b"\xff" * (size * 2**20))
        assert status == 413
        assert told["error"]


def test_a_write_meant_for_another_account_is_not_done(world: World) -> None:
    village = places(Edition.open(world.workspace)).codes[0]
    own, other = world.accounts["member"].id, world.accounts["office"].id

    def pick(asker: str, meant: str) -> int:
        headers = {"Idempotency-Key": secrets.token_hex(16), "X-Account": meant}
        asked = {"village": village, "override": ""}
        answer = world.ask(asker, "/ledger/picks", "POST", json=asked, headers=headers)
        return answer.status_code

    assert pick("member", other) == 401
    # Nor is it refused for good where the account signed in now lacks the right.
    assert pick("office", own) == 401
    assert pick("viewer", own) == 401
    assert world.ledger.rows(tables.pick.select()) == []
    assert pick("member", own) in (200, 422)

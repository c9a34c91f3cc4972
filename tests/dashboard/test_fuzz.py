"""Bodies that no page of ours sends: never a 5xx, never a traceback, nothing shouted in the log.

`make soak` sends 10,000 callback bodies and 1000 to each route that takes a body, the ordinary run
500 to the callbacks and 500 to all routes. They are those that there are: one that comes later is
fuzzed, too.
"""

from __future__ import annotations

import json
import logging
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard import access, errands
from geodata import jobs
from tests.dashboard import guarded
from tests.dashboard.guarded import OURS, World

SHARE, FULL = 500, 10_000
SEED = 20_260_801
DASH = "/_dash-update-component"

TEXTS = (
    "",
    "x",
    "/",
    "?measure=collective_income",
    "?region=9900&round=r3&level=village",
    "village",
    "990001901004",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "{{7*7}}",
    "__proto__",
    "\x00",
    "\ud800",
    "\u202e",
    "１２",
    "村" * 50,
    "a" * 5000,
    "=1+1",
    "%00%ff",
    "\r\nSet-Cookie: a=b",
)
NUMBERS = (0, 1, -1, 2**31, 2**63, -(10**400), 10**400, 0.5, 1e308, -0.0, 1e-320)
RAW = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"NaN",
    b"1e999",
    b'"x"',
    b"\xff\xfe",
    b"\x00" * 20,
    b"[" * 50_000,
    b'{"a":' * 20_000,
    b"1" * 10_000,
    b'{"output":' + b'"x"' + b"}",
    b'{"a":1,"a":2}',
)


@pytest.fixture(scope="module")
def world(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    own = tmp_path_factory.mktemp("fuzzed")
    workspace = Path(shutil.copytree(folder, own / "workspace"))
    often = "1000000 per second"
    return guarded.make(workspace, own, write_limit=often, sign_in_limit=often)


class Fuzz:
    """Makes up values; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def value(self, depth: int = 0) -> Any:
        kind = self.dice.randrange(6 if depth < 4 else 4)
        if kind == 0:
            return self.dice.choice((None, True, False, float("nan"), float("inf")))
        if kind == 1:
            return self.dice.choice(NUMBERS)
        if kind in (2, 3):
            return self.dice.choice(TEXTS)
        several = range(self.dice.randrange(4))
        if kind == 4:
            return [self.value(depth + 1) for _ in several]
        return {self.dice.choice(TEXTS): self.value(depth + 1) for _ in several}

    def bent(self, value: Any) -> Any:
        """A value with one part, somewhere, put in the place of another, left out or doubled."""
        if isinstance(value, dict) and value and self.dice.random() < 0.8:
            name = self.dice.choice(sorted(value))
            act = self.dice.randrange(8)
            if act == 0:
                return {key: one for key, one in value.items() if key != name}
            if act == 1:
                return {**value, self.dice.choice(TEXTS): self.value()}
            return {**value, name: self.bent(value[name])}
        if isinstance(value, list) and value and self.dice.random() < 0.8:
            at = self.dice.randrange(len(value))
            act = self.dice.randrange(8)
            if act == 0:
                return value[:at] + value[at + 1 :]
            if act == 1:
                return [*value, value[at]]
            return [*value[:at], self.bent(value[at]), *value[at + 1 :]]
        return self.value()


def callback_bodies(world: World) -> list[dict[str, Any]]:
    """What our pages could send, a body a callback; also those of callbacks in the browser."""
    found = []
    for output, entry in world.app.callback_map.items():
        several = output.startswith("..")
        names = output[2:-2].split("...") if several else [output]
        outputs = [dict(zip(("id", "property"), one.rsplit(".", 1), strict=True)) for one in names]
        found.append(
            {
                "output": output,
                "outputs": outputs if several else outputs[0],
                "inputs": [{**one, "value": {"search": "", "n": 1}} for one in entry["inputs"]],
                "state": [{**one, "value": None} for one in entry["state"]],
                "changedPropIds": [f"{one['id']}.{one['property']}" for one in entry["inputs"]],
            }
        )
    return found


def written(fuzz: Fuzz, body: Any) -> bytes:
    if fuzz.dice.random() < 0.05:
        return fuzz.dice.choice(RAW)
    text = json.dumps(body, ensure_ascii=fuzz.dice.random() < 0.9).encode("utf-8", "surrogatepass")
    if fuzz.dice.random() < 0.03:
        at = fuzz.dice.randrange(len(text) + 1)
        return text[:at] + bytes([fuzz.dice.randrange(256)]) + text[at:]
    return text


def sound(answer: Any, what: str) -> None:
    assert answer.status_code < 500, what
    for word in ("Traceback", 'File "', "site-packages", ".py"):
        assert word not in answer.text, what
    if answer.status_code >= 400 and answer.is_json:
        assert answer.json["error"], what


def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Strangers' nonsense is no error of ours."""
    loud = [one for one in caplog.records if one.levelno >= logging.ERROR or one.exc_info]
    assert not loud, [(one.getMessage(), one.exc_info) for one in loud[:3]]


def count() -> list[Any]:
    return [
        pytest.param(SHARE, id="share"),
        pytest.param(FULL, id="full", marks=pytest.mark.soak),
    ]


@pytest.mark.parametrize("bodies", count())
@pytest.mark.parametrize("asker", ["nobody", "office"])
def test_callback_bodies(
    world: World, bodies: int, asker: str, caplog: pytest.LogCaptureFixture
) -> None:
    fuzz = Fuzz(SEED)
    world.ask("nobody", "/healthz")  # Dash prepares itself
    good = callback_bodies(world)
    done: dict[int, int] = {}
    with world.client(asker) as client:
        for number in range(bodies):
            body: Any = fuzz.dice.choice(good)
            for _ in range(fuzz.dice.randrange(3)):
                body = fuzz.bent(body)
            if isinstance(body, dict) and fuzz.dice.random() < 0.5:
                inputs = body.get("inputs")
                if isinstance(inputs, list) and inputs and isinstance(inputs[0], dict):
                    body = {**body, "inputs": [{**inputs[0], "value": fuzz.value()}, *inputs[1:]]}
            data = written(fuzz, body)
            answer = client.post(DASH, data=data, content_type="application/json", headers=OURS)
            sound(answer, f"body {number}: {data[:300]!r}")
            done[answer.status_code] = done.get(answer.status_code, 0) + 1
    quiet(caplog)
    assert done[400] > bodies / 3
    if asker == "nobody":
        assert done[401] > bodies / 100
    else:
        assert done[200] > bodies / 100, "some are good: not all was refused at the door"


def routes(world: World) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and address of all that takes a body."""
    for rule in world.app.server.url_map.iter_rules():
        for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}):
            given = {
                name: 1 if type(converter).__name__ == "IntegerConverter" else "x"
                for name, converter in rule._converters.items()
            }
            built = rule.build(given, append_unknown=False)
            assert built is not None
            yield rule.endpoint, method, built[1]


GOOD: dict[str, list[Any]] = {
    "enrol": [{"wall": "", "secret": "", "briefing": "default"}],
    "show": [{"scene": "overview", "index": 1, "total": 4, "hold": False, "title": "x"}],
    "pair": [{"code": "123456"}],
    "press": [
        {"id": "press-0001", "do": "next"},
        {"id": "press-0002", "do": "pointer", "lon": 117.0, "lat": 39.0},
    ],
    "ask_export": [{"what": "view", "format": "png", "query": "", "width": 800, "height": 600}],
    "signin_form": [{"name": "x", "password": "y", "code": "", "next": "/"}],
    "own_account_form": [{"old": "x", "new": "y", "again": "y"}],
    "ledger_pick": [
        {"village": "990001901004", "override": ""},
        {"village": "990001901004", "member": "x"},
    ],
    "ledger_swap": [{"a": "x", "b": "y", "reason": "z"}],
    "ledger_visit": [
        {
            "village": "990001901004",
            "day": "2024-06-01",
            "members": [],
            "people": "x",
            "seen": "y",
            "observations": [{"indicator": "road", "value": True, "note": ""}],
            "problems": [],
        }
    ],
    "ledger_problem_found": [{"village": "990001901004", "category": "x", "said": "y"}],
    "ledger_problem_assign": [
        {"owner_kind": "town", "owner": "990001901", "deadline": "2030-01-01", "state": "found"}
    ],
}
"""What may be sent; whatever is not here is sent made up values alone."""
SLOW_HASH = {"signin_form", "own_account_form"}
"""Endpoints that hash a password for each body that is whole."""


@pytest.mark.parametrize("bodies", count())
def test_bodies_for_every_route_that_takes_one(
    world: World, bodies: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Good wishes are taken down here, and nobody makes the files.
    monkeypatch.setattr(errands.Tender, "tend", lambda *_, **__: None)
    ask = jobs.ask
    endless = 100 * FULL
    monkeypatch.setattr(jobs, "ask", lambda *args, **kw: ask(*args, **{**kw, "most": endless}))
    found = [one for one in routes(world) if one[0] != DASH]
    assert len(found) >= 9
    each = FULL // 10 if bodies == FULL else -(-bodies // len(found))
    fuzz = Fuzz(SEED + 1)
    for endpoint, method, path in found:
        few = each if endpoint not in SLOW_HASH else min(each, 200)
        for number in range(few):
            if number % 20 == 0:  # signed in anew: one of the routes signs out
                client = world.app.server.test_client()
                cookie = world.askers[fuzz.dice.choice(("office", "member", "district"))].cookie()
                assert cookie is not None
                client.set_cookie(*cookie)
            body: Any = fuzz.dice.choice(GOOD.get(endpoint, [{}]))
            for _ in range(fuzz.dice.randrange(3)):
                body = fuzz.bent(body)
            form = endpoint in SLOW_HASH or fuzz.dice.random() < 0.1
            kind = "application/x-www-form-urlencoded" if form else "application/json"
            if fuzz.dice.random() < 0.05:
                kind = fuzz.dice.choice(
                    ("text/plain", "multipart/form-data", "x", "a/b; charset=x")
                )
            if form and isinstance(body, dict):
                clean = {str(k): str(v) for k, v in body.items()}
                data = "&".join(f"{k}={v}" for k, v in clean.items()).encode(
                    "utf-8", "surrogatepass"
                )
            else:
                data = written(fuzz, body)
            headers = {
                **OURS,
                "Authorization": f"Bearer {fuzz.dice.choice(('x', 'x' * 500, ''))}",
                "X-Wall-Secret": "x",
                "Idempotency-Key": f"{fuzz.dice.getrandbits(128):032x}"
                if fuzz.dice.random() < 0.9
                else fuzz.dice.choice(("", "k", "k" * 5000)),
            }
            answer = client.open(path, method=method, data=data, content_type=kind, headers=headers)
            sound(answer, f"{method} {path}, body {number}: {kind} {data[:300]!r}")
    quiet(caplog)


@pytest.mark.parametrize("bodies", count())
def test_odd_headers_and_cookies(
    world: World, bodies: int, caplog: pytest.LogCaptureFixture
) -> None:
    fuzz = Fuzz(SEED + 2)
    odd = [text for text in TEXTS if text.isascii() and text.isprintable() and len(text) < 1000]
    odd += ["http://[", "http://]x", "http://a:b", "//", "\x80\xff", "a=b; c", "%", '"', "[::1]"]
    names = ("Referer", "Origin", "Host", "Sec-Fetch-Site", "X-Background", "Accept", "Range")
    names += ("If-None-Match", "X-Forwarded-Proto", "Accept-Encoding", "Authorization", "Cookie")
    paths = ("/", "/wall", "/wall?screen=%00", "/_dash-layout", "/signin?next=%2F%5C", "/healthz")
    paths += ("/api/v1/edition", "/steer/remote", "/account", "/steer/walls/x?after=-1")
    cookies = (access.SESSION, access.SCREEN, access.PHONE)
    client = world.app.server.test_client(use_cookies=False)
    for number in range(bodies):
        headers = {
            name: fuzz.dice.choice(odd)
            for name in fuzz.dice.sample(names, fuzz.dice.randrange(1, 5))
        }
        if fuzz.dice.random() < 0.5:
            headers["Cookie"] = f"{fuzz.dice.choice(cookies)}={fuzz.dice.choice(odd)}"
        path = fuzz.dice.choice(paths)
        answer = client.open(path, method=fuzz.dice.choice(("GET", "GET", "POST")), headers=headers)
        sound_header = f"{number}: {path} {headers}"
        assert answer.status_code < 500, sound_header
        assert "Traceback" not in answer.text, sound_header
    quiet(caplog)

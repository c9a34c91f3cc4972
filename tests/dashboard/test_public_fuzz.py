"""Addresses and headers that no page of ours asks for: never a 5xx, never a file from outside.

`make soak` asks 10,000 of them, the ordinary run 500.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

from geodata.edition import Edition
from tests.dashboard import published
from tests.dashboard.published import SCRIPT, SECRET

SHARE, FULL = 500, 10_000
SEED = 20_261_123

HOSTILE = (
    b"/../atlas.toml",
    b"/../../atlas.toml",
    b"/../../../ledger.sqlite",
    b"/..",
    b"/../..",
    b"/./index.html",
    b"//index.html",
    b"//etc/passwd",
    b"///",
    b"/r/../../edition/manifest.json",
    b"/r/..%2f..%2fedition/manifest.json",
    b"/..%2f..%2fatlas.toml",
    b"/%2e%2e/%2e%2e/atlas.toml",
    b"/..%252f..%252fatlas.toml",
    b"/..\\..\\atlas.toml",
    b"/..\xc0\xaf..\xc0\xafatlas.toml",
    b"/\xe0\x80\xae\xe0\x80\xae/atlas.toml",
    b"/\xff\xfe",
    b"/\xed\xa0\x80",
    b"/index.html\x00",
    b"/index.html\x00.png",
    b"/\x00",
    b"/index.html/",
    b"/index.html/x",
    b"/index.html.gz",
    b"/.hidden",
    b"/.git/config",
    b"/link.txt",
    b"/linked/secret.txt",
    b"/linked/",
    b"/dangling",
    b"/a",
    b"/a/",
    b"/d/",
    b"/d/../../edition/manifest.json",
    b"/public/secret.txt",
    b"/../../secret.txt",
    b"/edition/manifest.json",
    b"/C:\\windows\\win.ini",
    b"/file:///etc/passwd",
    b"/http://127.0.0.1/",
    b"/index.html?x\r\nSet-Cookie: a=b",
    b"/a\r\nSet-Cookie: a=b",
    b"/" + b"a" * 300,
    b"/" + b"a" * 7_000,
    b"/" + b"a/" * 3_000,
    b"/" + b"../" * 2_000 + b"etc/passwd",
    b"/" + b"a" * 100_000,
    b"/" + "村".encode() * 100,
    b"",
    b"*",
    b"index.html",
    b"/api/v1/regions/..%2f..%2fatlas.toml",
    b"/api/v1/regions/../../../atlas.toml",
    b"/api/v1/regions/\x00",
    b"/api/v1/regions/\xff",
    b"/api/v1/values/../../manifest",
    b"/api/v1/values/\x00",
    b"/api/v1/values/" + b"a" * 5000,
    b"/api/v1/",
    b"/api/",
    b"/api",
    b"/healthz/",
    b"/HEALTHZ",
)
KNOWN = (b"", b"index.html", b"a", SCRIPT.encode(), b"d", b"r", b"9900.html", b"api", b"v1")
KNOWN += (b"values", b"regions", b"edition", b"site", b"public", b"current", b"collective_income")
ODD = (b"..", b".", b"%2e%2e", b"\x00", b"\xff", b"\\", b"~", b"%", b"\xe6\x9d", b"a" * 400, b" ")
ODD += (b"\r\n", b"\t", b"\xef\xbc\x8e\xef\xbc\x8e", b"linked", b".git", b"{{7*7}}", b"' OR 1=1")
VALUES = ("", "x", "9900", "village", "2021-12", "2021-13", "r3", "\x00", "\ud800", "村" * 40)
VALUES += ("all", "../..", "1e999", "-1", "a" * 5000, "<script>", "%00", "\u202e", "１２")
NAMES = ("level", "period", "round", "parent", "q", "measure", "x", "", "\x00")
HEADERS = ("Accept-Encoding", "If-None-Match", "If-Modified-Since", "Range", "Accept", "Host")
HEADERS += ("X-Forwarded-For", "Cookie", "Origin", "Content-Length", "If-Range", "Referer")
SAID = (
    "",
    "*",
    "gzip;q=x",
    "br;q=0, *;q=1",
    '"',
    'W/"',
    "W/*",
    '"a", "b"',
    "bytes=0-",
    "bytes=9-1",
)
SAID += ("bytes=--5", f"bytes={'9' * 5000}-", "Mon, 99 Foo 0000", "Thu, 01 Jan 1970 00:00:00 GMT")
SAID += (
    "\x80\xff",
    "a=b; c",
    "[::1]",
    "http://[",
    "-1",
    "1e9",
    "x" * 4000,
    "Sat, 31 Dec 9999 9:9 Z",
)


@pytest.fixture(scope="module")
def app(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    home = tmp_path_factory.mktemp("trapped")
    published.publish(home, Edition.open(folder).folder, traps=True)
    return published.app(home, proxies=1)


def ask(app: Flask, path: bytes, query: str = "", headers: Any = ()) -> tuple[int, Any, bytes]:
    """The answer to a path of any bytes, as a server hands them over."""
    environ = create_environ("/", query_string=query)
    environ["PATH_INFO"] = path.decode("latin-1")
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_LENGTH" else f"HTTP_{key}"] = value
    body, status, given = run_wsgi_app(app, environ, buffered=True)
    return int(status.split()[0]), given, b"".join(body)


def sound(found: tuple[int, Any, bytes], what: object) -> None:
    status, headers, body = found
    assert status in {200, 304, 400, 404, 405, 414}, (status, what)
    assert SECRET.encode() not in body, what
    assert b"root:" not in body, what
    for word in (b"Traceback", b"site-packages", b'.py"'):
        assert word not in body, what
    assert "Set-Cookie" not in headers, what
    assert "Content-Security-Policy" in headers, what


def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Strangers' nonsense is no error of ours."""
    loud = [one for one in caplog.records if one.levelno >= logging.WARNING or one.exc_info]
    assert not loud, [(one.getMessage(), one.exc_info) for one in loud[:3]]


def of_the_site() -> Iterable[bytes]:
    return set(published.site().values())


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: repr(path[:40]))
def test_hostile_paths(app: Flask, path: bytes, caplog: pytest.LogCaptureFixture) -> None:
    found = ask(app, path)
    sound(found, path)
    if path.lstrip(b"/") in {b"", b"index.html"}:  # werkzeug takes leading slashes for one
        assert found[2] == published.site()["index.html"]
    else:
        assert found[0] in {400, 404, 414}, path
    again = ask(app, quote(path).encode())
    sound(again, path)
    quiet(caplog)


def test_whoever_asks_for_more_than_an_address_holds_is_told(app: Flask) -> None:
    assert ask(app, b"/" + b"a" * 7_000)[0] == 404
    assert ask(app, b"/" + b"a" * 9_000)[0] == 414
    assert ask(app, b"/api/v1/search", query="q=" + "a" * 9_000)[0] == 414


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(SHARE, id="share"),
        pytest.param(FULL, id="full", marks=pytest.mark.soak),
    ],
)
def test_any_path_query_and_headers(
    app: Flask, asked: int, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(SEED)
    whole = of_the_site()
    done: dict[int, int] = {}
    for number in range(asked):
        kind = dice.randrange(4)
        if kind == 0:
            path = bytes(dice.randrange(256) for _ in range(dice.randrange(1, 60)))
        elif kind == 1:
            path = dice.choice(HOSTILE)
            at = dice.randrange(len(path) + 1)
            path = path[:at] + dice.choice(ODD) + path[at:]
        else:
            parts = [dice.choice(KNOWN if dice.random() < 0.6 else ODD) for _ in range(4)]
            path = b"/" + b"/".join(parts[: dice.randrange(1, 5)])
        if dice.random() < 0.3:
            base = (b"values/collective_income", b"regions", b"regions/99", b"search", b"edition")
            path = b"/api/v1/" + dice.choice(base)
        pairs = [(dice.choice(NAMES), dice.choice(VALUES)) for _ in range(dice.randrange(3))]
        query = "&".join(
            f"{quote(name)}={quote(value.encode('utf-8', 'surrogatepass'))}"
            for name, value in pairs
        )
        headers = [(name, dice.choice(SAID)) for name in dice.sample(HEADERS, dice.randrange(0, 4))]
        found = ask(app, path, query, headers)
        sound(found, (number, path, query, headers))
        status, given, body = found
        done[status] = done.get(status, 0) + 1
        is_file = status == 200 and "Access-Control-Allow-Origin" not in given
        if is_file and "Content-Encoding" not in given and not path.startswith(b"/healthz"):
            assert body in whole, path
    quiet(caplog)
    assert done[200] > asked / 50, "some were good"
    assert done[404] > asked / 10
    assert done[400] > asked / 50

"""The public server as it really runs: `bangfu serve --audience public`, gunicorn, bare sockets."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from dashboard.cli import main
from geodata.edition import Edition
from tests.dashboard import published
from tests.dashboard.published import SCRIPT, SECRET


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[int]:
    """`bangfu serve` of a folder for the public; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    arguments = ("--port", str(port), "--audience", "public")
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.cli", "serve", str(folder), *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("BANGFU_")}, **variables},
    )
    try:
        for _ in range(300):
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            try:
                health(port)
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def health(port: int) -> dict[str, str]:
    with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        return dict(json.load(answer))


def raw(port: int, sent: bytes) -> bytes:
    """What comes back for these bytes, until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(sent)
        got = b""
        while more := line.recv(65536):
            got += more
    return got


@pytest.mark.server
def test_it_serves_follows_a_new_publication_and_withstands_bare_sockets(
    tmp_path: Path, edition: Edition
) -> None:
    first = published.publish(tmp_path, edition.folder, traps=True)
    end = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    with serving(tmp_path) as port:
        assert health(port)["edition"] == first
        whole = raw(port, f"GET /{SCRIPT}".encode() + end + b"Accept-Encoding: br\r\n\r\n")
        head, _, body = whole.partition(b"\r\n\r\n")
        assert b"Content-Encoding: br" in head
        assert body == Path(tmp_path / "public" / first / "site" / f"{SCRIPT}.br").read_bytes()
        head = raw(port, b"HEAD /" + end + b"\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert head.endswith(b"\r\n\r\n")
        for target in (
            b"/../../atlas.toml", b"/..%2f..%2fatlas.toml", b"/%2e%2e/%2e%2e/atlas.toml",
            b"/index.html%00", b"/%ff%fe", b"/linked/secret.txt", b"/.git/config", b"//etc/passwd",
            b"/" + b"a" * 20_000, b"*", b"/\x00", b"/\xff", b"/a b", b"/" + b"../" * 500,
        ):  # fmt: skip
            told = raw(port, b"GET " + target + end + b"\r\n")
            assert told.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 414")), target
            assert SECRET.encode() not in told
            assert b"root:" not in told
        for line in (b"POST /" + end + b"Content-Length: 3\r\n\r\nabc", b"BREW /" + end + b"\r\n"):
            assert raw(port, line).startswith(b"HTTP/1.1 405")
        second = published.publish(tmp_path, edition.folder, title="第二版")
        until = time.monotonic() + 10
        while {health(port)["edition"] for _ in range(8)} != {second}:
            assert time.monotonic() < until, "every worker within ten seconds"
            time.sleep(0.2)
        with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            assert "第二版" in answer.read().decode()
    names = {one.name for one in tmp_path.iterdir()}
    assert names == {"public", "outside", "atlas.toml", "ledger.sqlite"}, "it wrote nothing"


@pytest.mark.parametrize("state", ["nothing", "broken"])
def test_without_a_publication_the_start_says_so(
    tmp_path: Path, edition: Edition, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if state == "broken":
        published.publish(tmp_path, edition.folder)
        published.point(tmp_path, "0" * 16)
    with pytest.raises(SystemExit) as left:
        main(["serve", str(tmp_path), "--audience", "public"])
    assert left.value.code == 1
    said = capsys.readouterr().err
    assert "bangfu publish" in said
    assert "Traceback" not in said


def test_an_address_that_is_taken_is_told_for_the_public_too(
    tmp_path: Path, edition: Edition, capsys: pytest.CaptureFixture[str]
) -> None:
    published.publish(tmp_path, edition.folder)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        with pytest.raises(SystemExit) as left:
            main(["serve", str(tmp_path), "--audience", "public", "--port", port])
    assert left.value.code == 1
    assert f"127.0.0.1:{port}" in capsys.readouterr().err

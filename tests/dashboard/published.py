"""A small folder as `bangfu publish` leaves it, made by hand: an edition and a handful of files.

Around and inside it lie things that nobody may get: a private workspace's files beside `public/`,
links in the site that lead out of it, and a hidden file.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import brotli
from flask import Flask
from flask.testing import FlaskClient

from dashboard.public_app import create_public_app
from dashboard.settings import Settings

SECRET = "SECRET-7f3a-of-the-private-workspace"
HASH = "0123abcd4567"
SCRIPT, DATA = f"a/app.{HASH}.js", f"d/v/r3/target_share/village.{HASH}.bin"
ATLAS = f"d/atlas.{HASH}.json"
PORTAL = "https://portal.example.cn"


def site(title: str = "第一版") -> dict[str, bytes]:
    """The files of a site: path and content."""
    page = f"<!doctype html><html lang=zh-CN><title>{title}</title><p>{'村' * 900}</p></html>"
    return {
        "index.html": page.encode(),
        "embed.html": page.encode(),
        "list.html": f"<!doctype html><title>{title}</title>".encode(),
        "r/9900.html": page.encode(),
        "robots.txt": b"User-agent: *\n",
        SCRIPT: b"'use strict';" * 200,
        "a/plain.js": b"'use strict';",
        ATLAS: json.dumps({"title": title, "pad": "x" * 2000}).encode(),
        DATA: gzip.compress(b"BFA1" + bytes(100), mtime=0),
        f"d/t/{HASH}/village/9/1/2.bin": gzip.compress(b"tile", mtime=0),
    }


def publish(
    folder: Path, edition: Path, *, title: str = "第一版", traps: bool = False, **more: Any
) -> str:
    """Write `public/ID` into `folder` and point `current` at it; returns the id.

    `edition` is an edition's folder that is copied; `more` goes into its manifest.
    """
    identifier = hashlib.sha256(f"{title}{more}".encode()).hexdigest()[:16]
    home = folder / "public" / identifier
    if not home.exists():
        shutil.copytree(edition, home / "edition")
        path = home / "edition" / "manifest.json"
        manifest = json.loads(path.read_text("utf-8"))
        manifest["workspace"]["atlas"] |= {"title": title, "licence": "CC BY 4.0"}
        levels = [level["id"] for level in manifest["workspace"]["levels"]]
        for measure in manifest["workspace"]["measures"]:
            measure["public_levels"] = levels
        manifest |= {"audience": "public", "publication": {"embed": [PORTAL]}, **more}
        path.write_text(json.dumps(manifest, ensure_ascii=False), "utf-8")
        for name, content in site(title).items():
            put(home / "site" / name, content)
    if traps:
        _lay_traps(folder, home / "site")
    point(folder, identifier)
    return identifier


def put(path: Path, content: bytes) -> None:
    """A file of a site, with its twins as the writer makes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if path.suffix != ".bin" and len(content) > 1000:
        Path(f"{path}.gz").write_bytes(gzip.compress(content, mtime=0))
        Path(f"{path}.br").write_bytes(brotli.compress(content))


def point(folder: Path, text: str) -> None:
    """Write `public/current`, in one step as the writer does."""
    aside = folder / "public" / ".current"
    aside.write_text(text + "\n", "utf-8")
    aside.rename(folder / "public" / "current")


def app(folder: Path, **settings: Any) -> Flask:
    """The public server of a folder; nobody is told to wait unless the test is about that."""
    settings.setdefault("public_limit", "1000000 per second")
    made = create_public_app(Settings(workspace=folder, audience="public", **settings))
    made.test_client_class = Reader
    return made


class Reader(FlaskClient):
    """Reads each answer to its end, as browsers do: files are closed."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return super().open(*args, **{"buffered": True, **kwargs})


def _lay_traps(folder: Path, site: Path) -> None:
    for name in ("atlas.toml", "ledger.sqlite", "public/secret.txt", "public/current.html"):
        (folder / name).write_text(SECRET, "utf-8")
    (folder / "outside").mkdir()
    (folder / "outside" / "secret.txt").write_text(SECRET, "utf-8")
    (site / ".hidden").write_text(SECRET, "utf-8")
    (site / ".git").mkdir()
    (site / ".git" / "config").write_text(SECRET, "utf-8")
    (site / "link.txt").symlink_to(folder / "outside" / "secret.txt")
    (site / "linked").symlink_to(folder / "outside")
    (site / "dangling").symlink_to(folder / "nowhere")

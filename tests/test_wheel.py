"""A wheel built from the project works by itself: words, scripts and styles are in it."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ASK = """
import sys, pathlib
import dashboard.app, geodata.words
home = pathlib.Path(dashboard.app.__file__)
assert sys.prefix in str(home), home
from dashboard.settings import Settings
app = dashboard.app.create_app(Settings(workspace=sys.argv[1], access="open"))
client = app.server.test_client()
assert client.get("/healthz").json["status"] == "ok", client.get("/healthz").text
page = client.get("/").text
import re
scripts = re.findall(r'src="(/assets/[^"?]+)', page) + re.findall(r'href="(/assets/[^"?]+)', page)
assert scripts, page
for one in scripts:
    assert client.get(one).status_code == 200, one
print(len(scripts), "assets")
"""


@pytest.mark.wheel
def test_a_wheel_in_an_empty_environment_serves_the_portal(tmp_path: Path) -> None:
    from tests.worlds import build_small

    # Built from a copy, so that no build folder is left in the checkout.
    source = tmp_path / "source"
    for one in ("geodata", "layers", "callbacks", "dashboard", "assets"):
        _copy(ROOT / one, source / one)
    for one in ("pyproject.toml", "README.md", "LICENSE"):
        (source / one).write_bytes((ROOT / one).read_bytes())
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    _run(
        *pip,
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        str(tmp_path),
        str(source),
        cwd=tmp_path,
    )
    (wheel,) = tmp_path.glob("bangfu_atlas-*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    for path in (ROOT / "assets").rglob("*"):
        if path.is_file():
            assert f"dashboard/assets/{path.relative_to(ROOT / 'assets').as_posix()}" in inside
    assert not [one for one in inside if one.startswith("tests/")]

    # The wheel is installed into an environment of its own; what it depends on is borrowed from
    # ours by a path file, so that nothing is downloaded.
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    _run(
        *pip,
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-index",
        str(wheel),
        cwd=tmp_path,
    )
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (home / "lib" / version / "site-packages" / "borrowed.pth").write_text("\n".join(ours) + "\n")
    folder = tmp_path / "workspace"
    build_small(folder)
    said = _run(str(python), "-c", ASK, str(folder), cwd=tmp_path)
    assert "assets" in said
    helped = _run(str(home / "bin" / "bangfu"), "--help", cwd=tmp_path)
    assert helped.startswith("用法：bangfu")


def _copy(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())


def _run(*command: str, cwd: Path) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={
            k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("BANGFU_")
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

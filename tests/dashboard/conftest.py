"""One small edition a session, and apps that serve it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from dash import Dash
from flask.testing import FlaskClient

from dashboard.app import create_app
from dashboard.settings import PREFIX, Settings
from geodata.build import write
from geodata.edition import Edition
from tests.worlds import build_small, small_world


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer has exported is not what a test is about."""
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one edition; nobody changes it."""
    made = tmp_path_factory.mktemp("small")
    build_small(made)
    return made


@pytest.fixture(scope="session")
def edition(folder: Path) -> Edition:
    return Edition.open(folder)


@pytest.fixture(scope="session")
def app(folder: Path) -> Dash:
    return create_app(Settings(workspace=folder, access="open"))


@pytest.fixture
def client(app: Dash) -> Iterator[FlaskClient]:
    with app.server.test_client() as client:
        yield client


@pytest.fixture(scope="session")
def another() -> Callable[[Path, str], str]:
    """Write one more edition, the same but for its title, and point the workspace at it."""

    def make(folder: Path, title: str) -> str:
        world = small_world()
        atlas = world.space.atlas.model_copy(update={"title": title})
        space = world.space.model_copy(update={"atlas": atlas})
        return write(replace(world, space=space), folder)

    return make

"""An app that needs accounts, and everybody who may ask it something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard import access
from dashboard.app import Atlas, create_app
from dashboard.settings import Settings
from geodata.edition import Edition
from geodata.ledger import Right, Role, accounts, screens, sessions
from geodata.ledger.roles import RIGHTS, TERMINAL
from geodata.ledger.store import Ledger
from geodata.steering import Steering
from geodata.words import say

OURS = {"Origin": "http://localhost"}
"""What a browser says of a request that one of our own pages makes."""
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
READER = frozenset({Right.ANYONE, Right.READ})
PASSWORD = "mulan-zhuozi-42-qingwa"

REFUSALS = tuple(
    say(f"access.{key}") for key in ("sign_in", "forbidden", "must_change", "undeclared")
)


@dataclass(frozen=True)
class Asker:
    """Somebody who asks."""

    name: str
    rights: frozenset[Right]
    cookie: Callable[[], tuple[str, str] | None]
    """A cookie that is good now: signing out must not shut out who asks after."""


@dataclass(frozen=True)
class World:
    """The app, its ledger, and who there is."""

    workspace: Path
    edition: str
    app: Atlas
    ledger: Ledger
    askers: dict[str, Asker]
    accounts: dict[str, accounts.Account]

    @contextmanager
    def client(self, asker: str) -> Iterator[FlaskClient]:
        """A browser that holds an asker's cookie."""
        with self.app.server.test_client() as client:
            cookie = self.askers[asker].cookie()
            if cookie is not None:
                client.set_cookie(*cookie)
            yield client

    def browser(self, asker: str) -> FlaskClient:
        """The same without a block around it: Flask mixes up those of blocks inside blocks."""
        client = self.app.server.test_client()
        cookie = self.askers[asker].cookie()
        if cookie is not None:
            client.set_cookie(*cookie)
        return client

    def ask(self, asker: str, path: str, method: str = "GET", **options: Any) -> TestResponse:
        """What an asker is answered."""
        with self.client(asker) as client:
            options["headers"] = {**OURS, **options.get("headers", {})}
            return client.open(path, method=method, **options)


def make(workspace: Path, folder: Path, **settings: Any) -> World:
    """A world whose app serves `workspace`, with a ledger of its own in `folder`."""
    url = f"sqlite:///{folder / 'ledger.sqlite'}"
    app = create_app(Settings(workspace=workspace, ledger=url, **settings))
    assert isinstance(app, Atlas)
    ledger = Ledger(url)
    people = {}
    for role in Role:
        people[role.value], _ = accounts.create(
            ledger,
            TERMINAL,
            name=f"test-{role}",
            label=f"甲{role}",
            role=role,
            district="990001" if role is Role.DISTRICT else "",
            password=PASSWORD,
            must_change=False,
        )
    people["first"], _ = accounts.create(
        ledger, TERMINAL, name="test-first", label="新人", role=Role.OFFICE, password=PASSWORD
    )
    screen = screens.enrol(ledger, TERMINAL, "三楼会议室")

    def signed_in(name: str) -> Callable[[], tuple[str, str]]:
        return lambda: (access.SESSION, sessions.begin(ledger, people[name].id))

    steering = Steering(workspace)

    def paired() -> tuple[str, str]:
        wall, _ = steering.register()
        return (access.PHONE, steering.pair(wall.code, "10.0.0.1").token)

    phone = paired()
    askers = [
        Asker("nobody", frozenset({Right.ANYONE}), lambda: None),
        Asker("screen", READER, lambda: (access.SCREEN, screen)),
        Asker("phone", READER, lambda: phone),
        Asker("first", frozenset({Right.ANYONE, Right.SELF}), signed_in("first")),
        *(Asker(role.value, RIGHTS[role], signed_in(role.value)) for role in Role),
    ]
    edition = Edition.open(workspace).id
    return World(workspace, edition, app, ledger, {one.name: one for one in askers}, people)


def is_refused(answer: TestResponse) -> bool:
    """Whether it was the guard that said no, and not what it guards."""
    if answer.status_code == 303:
        return answer.location.startswith((f"{access.SIGN_IN}?next=", access.ACCOUNT))
    if answer.status_code not in (401, 403):
        return False
    return any(sentence in answer.text for sentence in REFUSALS)

"""axe finds nothing on any page behind the sign-in, light and dark (public ones: see
`test_public_axe.py`; the office's: `test_publishing_page.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from geodata.ledger import accounts, picks, problems, sessions
from geodata.ledger.roles import TERMINAL, Role
from tests.browser.accessibility import bring, faults
from tests.browser.conftest import READY
from tests.browser.contact_pages import SHOWN
from tests.browser.contact_real import COOKIE, Real

pytestmark = pytest.mark.browser

LOOKS = {1280: ("light", "dark"), 390: ("light",), 1920: ("dark",)}
"""By width: what depends on a small screen is the same in the dark."""
WALL = "() => window.bangfu && bangfu.wall && bangfu.wall.state().settled"
DETAILS = (
    "() => window.bangfu && bangfu.painted && document.querySelector('#details .js-plotly-plot')"
)


class Audit:
    """Somebody's browser, and what axe said on each page."""

    def __init__(self, seen: Any, real: Real, token: str, looks: tuple[str, ...]) -> None:
        self.seen, self.page, self.address = seen, seen.page, real.address
        self.looks = looks
        self.found: list[str] = []
        if token:
            cookie = {"name": COOKIE, "value": token, "url": real.address}
            self.page.context.add_cookies([cookie])

    def look(self, path: str, ready: str = "") -> None:
        """Let axe look at a page in both looks: `ready` says when it is there."""
        for look in self.looks:
            self.page.emulate_media(color_scheme=look)
            self.page.goto(self.address + path)
            if ready:
                self.seen.ready(ready)
            bring(self.page)
            self.found += faults(self.page, f"{path}, {look}")

    def done(self) -> None:
        """Tell what axe said."""
        assert not self.found, "\n".join(self.found)


@pytest.fixture
def audit(real: Real, visit: Callable[..., Any]) -> Callable[..., Audit]:
    """Opens somebody's browser."""

    def open_as(token: str = "", width: int = 1280, height: int = 800) -> Audit:
        return Audit(visit("about:blank", width, height), real, token, LOOKS[width])

    return open_as


@pytest.fixture
def busy(real: Real) -> str:
    """A village with a member and problems."""
    village = real.targets[0]
    zhao = real.people["zhao"].actor
    picks.pick(real.ledger, real.edition, zhao, village)
    for said in ("水管漏了", "没有人来"):
        asked = {"village": village, "category": "team", "said": said}
        problems.find(real.ledger, real.edition, zhao, asked)
    return village


@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_what_readers_see(real: Real, audit: Callable[..., Audit], width: int) -> None:
    one = audit(real.tokens["zhao"], width)
    one.look("/", DETAILS)
    one.look(f"/?region={real.targets[0]}&table=1", READY)
    one.look("/maps")
    one.look("/account")
    one.look("/due")
    one.look("/remote")
    one.done()
    one.look("/publishing")  # which she may not see
    one.look("/nowhere")
    one.done()
    # The console tells of each refusal, now or a moment later.
    for _ in range(40):
        if len(one.seen.said) == 2 * len(one.looks):
            break
        one.page.wait_for_timeout(100)
    one.seen.said.clear()


@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_contact_points(real: Real, busy: str, audit: Callable[..., Audit], width: int) -> None:
    one = audit(real.tokens["zhao"], width)
    one.look("/contact-points", SHOWN)
    one.look(f"/contact-points?village={busy}", SHOWN)
    for tab in ("mine", "problems", "propose"):
        one.look(f"/contact-points?tab={tab}", SHOWN)
    one.done()


def test_what_the_office_and_administrators_see(
    real: Real, busy: str, audit: Callable[..., Audit]
) -> None:
    one = audit(real.tokens["sun"])
    for tab in ("mine", "problems", "propose"):
        one.look(f"/contact-points?tab={tab}", SHOWN)
    one.done()
    wang, _ = accounts.create(
        real.ledger, TERMINAL, name="wang", label="王管", role=Role.ADMINISTRATOR, must_change=False
    )
    other = audit(sessions.begin(real.ledger, wang.id))
    for path in ("/accounts", "/accounts/new", f"/accounts/{wang.id}", "/account/codes"):
        other.look(path)
    other.done()


def test_the_wall_and_the_way_in(real: Real, audit: Callable[..., Audit]) -> None:
    one = audit(real.tokens["sun"], 1920, 1080)
    one.look("/wall", WALL)
    one.done()
    nobody = audit()
    nobody.look("/signin")
    nobody.done()

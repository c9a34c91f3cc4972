"""Opening the contact-points screen as somebody, and finding villages on its map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.browser.contact_real import Real

Visit = Callable[..., Any]
TABLET = {"width": 1024, "height": 768, "has_touch": True}
UPRIGHT = {"width": 768, "height": 1024, "has_touch": True}
PHONE = {"width": 360, "height": 740, "has_touch": True}
SHOWN = """() => window.bangfu && window.bangfu.painted && window.bangfu.contact
  && window.bangfu.contact.shown && window.bangfu.contact.shown.length
  && window.bangfu.map && window.bangfu.map.getLayer("contact-marks")
  && window.bangfu.map.areTilesLoaded() && !window.bangfu.map.isMoving()"""


def opened(visit: Visit, real: Real, name: str, query: str = "", **screen: Any) -> Any:
    """The screen as somebody sees it, with its marks on the map."""
    state = {"cookies": [real.cookie(name) | {"sameSite": "Lax"}], "origins": []}
    state["cookies"][0] |= {"domain": "127.0.0.1", "path": "/"}
    del state["cookies"][0]["url"]
    seen = visit(
        f"{real.address}/contact-points{query}",
        **{**TABLET, "locale": "zh-CN", **screen},
        storage_state=state,
    )
    seen.ready(SHOWN)
    return seen


def lose_answer(page: Any, place: str, status: int = 0) -> list[int]:
    """Lose the first answer from `place`: what was asked for is done, and the page is not told.

    It hears of a connection that broke, or a `status` of something on the way. Returns a list
    that comes to hold the status of the answer that was lost.
    """
    lost: list[int] = []

    def lose(route: Any) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        if status:
            route.fulfill(status=status, json={"error": "答复丢了"})
        else:
            route.abort()

    page.route(place, lose)
    return lost


def spot(page: Any, code: str) -> tuple[float, float]:
    """Where a village's mark stands, in pixels of the page."""
    x, y = page.evaluate(
        """code => {
          const { map, contact } = window.bangfu;
          const row = contact.shown.find((one) => one.code === code);
          const at = map.project([row.lon, row.lat]);
          const box = map.getCanvas().getBoundingClientRect();
          return [box.left + at.x, box.top + at.y];
        }""",
        code,
    )
    return x, y


def tap(page: Any, code: str) -> None:
    """A finger on a village."""
    page.wait_for_function(SHOWN)
    page.touchscreen.tap(*spot(page, code))


def kind(page: Any, code: str) -> str:
    """What a village's mark says."""
    return str(
        page.evaluate(
            "code => window.bangfu.contact.shown.find((one) => one.code === code).kind", code
        )
    )


def wait_kind(page: Any, code: str, wanted: str, within: int | None = None) -> None:
    """Wait until a village's mark says something, at most `within` milliseconds if that is said."""
    page.wait_for_function(
        """([code, wanted]) => window.bangfu.contact.shown.some(
          (one) => one.code === code && one.kind === wanted)""",
        arg=[code, wanted],
        timeout=within,
    )

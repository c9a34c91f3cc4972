"""The gallery's pictures are of the page's look."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from layers.palette import GROUNDS
from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_pictures_match_the_look(visit: Callable[..., Watched], served: str, look: str) -> None:
    seen = visit(f"{served}/maps", color_scheme=look)
    image = seen.page.locator(".card img").first
    image.wait_for()
    assert (image.get_attribute("src") or "").endswith("?look=dark") is (look == "dark")
    seen.page.wait_for_function("() => document.querySelector('.card img').naturalWidth > 0")
    ground = GROUNDS[look].background.lstrip("#")
    wanted = ", ".join(str(int(ground[at : at + 2], 16)) for at in (0, 2, 4))
    assert image.evaluate("one => getComputedStyle(one).backgroundColor") == f"rgb({wanted})"

"""The functions behind the screens, memoised and bound to the current edition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from callbacks.services import Services
from dashboard import api
from dashboard.beside import Beside, without_ledger
from dashboard.cache import Store
from dashboard.library import Library
from dashboard.settings import Settings
from geodata import words
from geodata.edition import Edition
from geodata.ledger.store import Ledger
from layers import charts, gallery, page, picture, profile, thumbnail
from layers.contact import why
from layers.view import View, resolve

Json = dict[str, Any]
P = ParamSpec("P")
T = TypeVar("T")


class Drawn:
    """Functions of an edition, memoised: what routes ask for by an edition's id."""

    def __init__(self, store: Store, underlay: Json | None = None) -> None:
        self.underlay = underlay
        self.edition: Callable[[Edition], Json] = store.memoise("edition", api.edition)
        self.profile: Callable[[Edition, View], Json] = store.memoise("profile", profile.profile)
        self.charts: Callable[..., Json] = store.memoise("charts", figures)
        self.gallery: Callable[[Edition, str | None], list[Json]] = store.memoise(
            "gallery", gallery.cards
        )
        self.thumbnail: Callable[..., str] = store.memoise("thumbnail", thumbnail.thumbnail)
        self.page: Callable[[Edition, View], str] = store.memoise("page", page.save)
        self.reported: Callable[[Edition, str], Json] = store.memoise("reported", why.reported)
        self._picture: Callable[[Edition, View], Json] = store.memoise("picture", picture.picture)

    def picture(self, edition: Edition, view: View) -> Json:
        """The picture, with the underlay: a setting, and so kept out of the cache."""
        return self._picture(edition, view) | {"underlay": self.underlay}


def figures(edition: Edition, view: View, theme: str = "light") -> Json:
    """The charts of a view by name, each a Plotly figure with a `title`; none that is empty."""
    look = resolve(view, edition)
    found: Json = {}
    if look.measure is not None:
        if len(look.periods) > 1:
            found["series"] = charts.series(edition, look, theme) | {"title": look.measure.label}
        if not look.leaf:
            level = edition.space.level(look.level).label
            found["distribution"] = charts.distribution(edition, look, theme) | {
                "title": words.say("api.chart_distribution", level=level)
            }
    story = profile.of(edition, look) if look.leaf else {}
    for curve in story.get("curves", []):
        found[f"history-{curve['indicator']}"] = charts.history(curve, story["entities"], theme) | {
            "title": curve["label"]
        }
    return {name: figure for name, figure in found.items() if figure["data"]}


def assemble(
    settings: Settings, library: Library, drawn: Drawn, ledger: Ledger | None = None
) -> Services:
    """What callbacks are handed: the same functions, of whatever edition is current."""

    def now(function: Callable[Concatenate[Edition, P], T]) -> Callable[P, T]:
        def of_current(*args: P.args, **kwargs: P.kwargs) -> T:
            return function(library.current().edition, *args, **kwargs)

        return of_current

    return Services(
        edition=lambda: library.current().edition,
        picture=now(drawn.picture),
        profile=now(drawn.profile),
        observed=Beside(library, ledger) if ledger is not None else without_ledger,
        charts=now(drawn.charts),
        gallery=now(drawn.gallery),
        search=now(api.search),
        words=words.section("portal"),
        audience=settings.audience,
        poll_seconds=settings.poll_seconds,
    )


def underlay(settings: Settings) -> Json | None:
    """天地图 as raster tiles with Chinese labels, when its key is set; else no outside address."""
    if not settings.tianditu_key:
        return None

    def tiles(layer: str) -> list[str]:
        return [
            f"https://t{server}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile"
            f"&VERSION=1.0.0&LAYER={layer}&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
            f"&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={settings.tianditu_key}"
            for server in range(8)
        ]

    return {
        "id": "tianditu",
        "label": words.say("api.tianditu"),
        "attribution": words.say("api.tianditu_source"),
        "tile_size": 256,
        "max_zoom": 18,
        "tiles": tiles("vec"),
        "labels": tiles("cva"),
    }

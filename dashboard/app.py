"""The app factory: one Flask server with the routes, and Dash with its pages on top."""

from __future__ import annotations

import contextlib
import html
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from dash import Dash, dcc
from dash import html as tags
from dash.development.base_component import Component
from flask import Flask, Response, has_request_context, redirect, request
from flask_compress import Compress
from werkzeug.exceptions import NotFound
from werkzeug.middleware.proxy_fix import ProxyFix

from callbacks import gallery as gallery_callbacks
from callbacks import navigation
from callbacks import portal as portal_callbacks
from dashboard import (
    access,
    briefings,
    dispatch,
    errors,
    exports,
    ledger_api,
    limits,
    live,
    managing,
    own_account,
    publications,
    publishing_page,
    routes,
    security,
    signin,
    signin_oidc,
    steer,
)
from dashboard.access import Access, Guard, Page
from dashboard.belonging import Districts
from dashboard.cache import Store
from dashboard.library import Library
from dashboard.live import LiveLibrary, Watch
from dashboard.oidc import Provider
from dashboard.pages import contact_points, gallery, portal, remote, wall
from dashboard.plain import Plain
from dashboard.services import Drawn, assemble, underlay
from dashboard.settings import Settings
from dashboard.tickets import Tickets
from geodata import words
from geodata.errors import AtlasError, EditionError
from geodata.ledger.roles import Right
from geodata.ledger.sessions import Limits
from geodata.ledger.store import Ledger, default_url
from geodata.steering import Steering

LARGEST_REQUEST = 1_000_000
"""Bytes: a callback's body holds an address and a few names."""
YEAR = "public, max-age=31536000, immutable"
OWN_ASSETS = {
    "/wall": "/assets/wall/",
    "/remote": "/assets/remote/",
    "/contact-points": "/assets/contact/",
    access.ACCOUNT: "/assets/account/",
}
"""Pages with scripts and styles that no other page loads, and the folder those lie in."""


class Atlas(Dash):
    """Dash with a page of our own, and with callbacks that declare who may call them.

    The page is Chinese, titled by the edition, with the catalogue in it.
    """

    def __init__(self, library: Library, **options: Any) -> None:
        self._library = library
        self._first = Lock()
        self._is_set_up = False
        self.pages: dict[str, Page] = {}
        super().__init__(**options)

    def _setup_server(self) -> None:
        # Dash prepares itself in its first request and waves all others through meanwhile: on a
        # worker that has just started they would be told that its scripts do not exist.
        if not self._is_set_up:
            with self._first:
                super()._setup_server()
                self._is_set_up = True

    def callback(
        self, *args: Any, access: Right | None = None, **options: Any
    ) -> Callable[..., Any]:
        """Register a callback that needs the right `access`; without one it is refused.

        Its parameters are annotated: what a browser sends must be of these kinds.
        """
        declare = super().callback(*args, **options)
        entry = self.callback_map[self._callback_list[-1]["output"]]

        def keep(function: Callable[..., Any]) -> Any:
            entry[dispatch.ACCESS] = access
            entry[dispatch.KINDS] = dispatch.kinds_of(function)
            return declare(function)

        return keep

    def clientside_callback(self, *args: Any, access: Right | None = None, **options: Any) -> Any:
        """Register what runs in the browser: nothing is asked of the server, so no right."""
        return super().clientside_callback(*args, **options)

    def interpolate_index(self, *_: Any, **parts: Any) -> str:
        """The page around the app. What scripts need is data in it, so that no script is inline."""
        said = json.dumps(words.section("portal"), ensure_ascii=False).replace("<", "\\u003c")
        name = self._library.current().edition.space.atlas.title
        title = html.escape(name)
        page = navigation.page_of(request.path, OWN_ASSETS) if has_request_context() else "/"
        for part in ("css", "scripts"):
            parts[part] = tags_of(parts[part], page)
        # The wall is dark before its style sheet is there, and says so before its scripts are.
        wide = page == wall.PATH
        look = ' data-look="dark" data-screen="wall"' if wide else ""
        return (
            "<!DOCTYPE html>\n"
            f'<html lang="zh-CN"{look}>\n<head>\n'
            f"{parts['metas']}\n<title>{title}</title>\n{parts['favicon']}\n{parts['css']}\n"
            "</head>\n<body>\n"
            f"{wall.waiting(name) if wide else ''}"
            f"{parts['app_entry']}\n"
            f"<noscript>{html.escape(words.say('api.noscript'))}</noscript>\n"
            f'<script id="bangfu-words" type="application/json">{said}</script>\n'
            f"<footer>\n{parts['config']}\n{parts['scripts']}\n{parts['renderer']}\n</footer>\n"
            "</body>\n</html>\n"
        )


def tags_of(written: str, page: str) -> str:
    """Dash's tags, one a line, without those of assets that only another page loads."""
    others = [folder for path, folder in OWN_ASSETS.items() if path != page]
    return "\n".join(
        line for line in written.split("\n") if not any(folder in line for folder in others)
    )


def create_app(settings: Settings) -> Dash:
    """A new app for a workspace; nothing is shared with another one, no global is touched.

    It needs no edition yet: every page says so until there is one. Nor does it need the ledger:
    what everybody may read is served without.
    """
    server = Flask("bangfu", static_folder=None)
    server.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    server.json.ensure_ascii = False  # type: ignore[attr-defined]  # of Flask's default provider
    if settings.proxies:
        trusted = settings.proxies
        server.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            server.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted
        )
    _compress(server)
    ledger_url = settings.ledger or default_url(settings.workspace)
    ledger = Ledger(ledger_url)
    library = LiveLibrary(settings.workspace, Watch(ledger))
    store = Store(server, settings.cache, audience=settings.audience)
    drawn = Drawn(store, underlay(settings))
    services = assemble(settings, library, drawn, ledger)
    steering = Steering(settings.workspace)

    routes.register(server, library, drawn)
    live.register(server, library, drawn)
    told = briefings.Briefings(library, store)
    briefings.register(server, library, told)
    steer.register(server, steering, told, public_url=settings.public_url)
    files = exports.Exports(library, told, ledger=ledger_url)
    exports.register(server, files, public_url=settings.public_url)
    plain = Plain(library, Tickets(ledger))
    works = publications.Publications(settings.workspace, ledger, ledger_url)
    publishing_page.register(server, library, ledger, plain, works)
    _accounts(server, settings, library, ledger)
    ledger_api.register(server, library, ledger, drawn)
    app = Atlas(
        library,
        name="bangfu",
        server=server,
        assets_folder=str(assets_folder()),
        assets_path_ignore=["^public$"],  # of the public map, which is no Dash
        serve_locally=True,
        suppress_callback_exceptions=True,  # a page's components come and go with it
        update_title="",
        add_log_handler=False,
        use_pages=False,
        pages_folder="",
        enable_mcp=False,
    )
    errors.register(server)  # after Dash, whose own handlers it replaces
    pages = {
        "/": Page(lambda: portal.layout(services), Right.READ),
        "/maps": Page(lambda: gallery.layout(services), Right.READ),
        wall.PATH: Page(lambda: wall.layout(services), Right.READ),
        remote.PATH: Page(lambda: remote.layout(services), Right.ANYONE),
        contact_points.PATH: Page(lambda: contact_points.layout(services), Right.LEDGER),
    }
    app.pages = pages
    layouts = {path: _guarded(page) for path, page in pages.items()}
    app.layout = _layout(layouts)
    portal_callbacks.register(app, services)
    gallery_callbacks.register(app, services)
    navigation.register(app, layouts)
    _serve_pages(app, library, set(pages))
    dispatch.register(app)
    guard = Guard(
        server,
        ledger,
        steering,
        is_open=settings.access == "open",
        limits=_session_limits(settings),
        own=_page_rights(pages),
        wall=wall.PATH,
        waiting=wall.without_answer,
    )
    security.register(app, guard, underlay=bool(settings.tianditu_key))
    guard.register()
    limits.register(server, guard, settings)
    return app


def _accounts(server: Flask, settings: Settings, library: Library, ledger: Ledger) -> None:
    """The pages by which people sign in, and on which accounts are managed."""
    tickets, districts, limits = Tickets(ledger), Districts(library), _session_limits(settings)
    plain, entrance = Plain(library, tickets), signin.Entrance(library, ledger)
    label = settings.oidc_label if settings.oidc_issuer else ""
    door = signin.register(
        server,
        ledger,
        plain,
        tickets,
        entrance,
        provider=label,
        only_provider=settings.oidc_only,
    )
    own_account.register(server, ledger, plain, districts, entrance, limits)
    managing.register(
        server, ledger, plain, districts, limits, provider=label, public_url=settings.public_url
    )
    if settings.oidc_issuer:
        secret = settings.oidc_client_secret.get_secret_value()
        signin_oidc.register(
            server,
            ledger,
            tickets,
            entrance,
            Provider(settings.oidc_issuer, settings.oidc_client_id, secret),
            door,
            public_url=settings.public_url,
        )


def _session_limits(settings: Settings) -> Limits:
    return Limits(settings.session_idle_minutes, settings.session_hours)


def assets_folder() -> Path:
    """Where scripts and styles lie: inside the package (wheel) or beside it (checkout)."""
    package = Path(__file__).resolve().parent
    inside = package / "assets"
    return inside if inside.is_dir() else package.parent / "assets"


def _guarded(page: Page) -> Callable[[], Component]:
    """A page's layout, for whoever may see the page."""

    def layout() -> Component:
        access.demand(page.right)
        return page.layout()

    return layout


def _page_rights(pages: Mapping[str, Page]) -> dict[str, Access]:
    """What Dash's endpoints need that serve our pages: what the page does that is asked for.

    A path that has no page may be asked for by whoever may read: nobody else learns which there
    are.
    """

    def right_of(path: str) -> Right:
        name = navigation.page_of(path, pages, default="")
        return pages[name].right if name else Right.READ

    by_path = Access(lambda: right_of(request.path))
    return {
        "/": by_path,
        "/<path:path>": by_path,
        # The layout is fetched apart from the page: see `_layout`.
        "/_dash-layout": Access(lambda: right_of(access.came_from())),
    }


def _layout(pages: Mapping[str, Callable[[], Component]]) -> Callable[[], Component]:
    """The layout for whoever asks: of the page that the request came from.

    Dash fetches the layout apart from the page and without its path. The Referer names it; where
    a proxy took that away, `callbacks.navigation` turns the page afterwards.
    """

    def layout() -> Component:
        path = access.came_from() if has_request_context() else "/"
        page = navigation.page_of(path, pages)
        try:
            children: Any = pages[page]()
        except AtlasError as error:
            # Dash draws the layout once before its first answer, and never again if that fails.
            page, children = "", tags.Main(tags.P(str(error)))
        return tags.Div(
            [
                dcc.Location(id=navigation.ADDRESS, refresh=False),
                dcc.Store(id=navigation.SHOWN, data=page),
                tags.Div(children, id=navigation.PAGE),
            ]
        )

    return layout


def _serve_pages(app: Dash, library: Library, paths: set[str]) -> None:
    """Dash answers every path with the app; ours answers its own pages, and 404 for the rest."""

    def page(path: str = "") -> Any:
        try:
            library.current()
        except EditionError:
            if f"/{path}" != wall.PATH:
                raise  # without an edition there is nothing to show: 503, and why
            # Nobody is at the wall to load it again: it waits, and asks by itself.
            page = wall.without_answer()
            never = {"Cache-Control": "no-store"}
            return Response(page, status=503, mimetype="text/html", headers=never)
        if f"/{path}" in paths:
            response = Response(app.index(), mimetype="text/html")
            response.headers["Cache-Control"] = "no-cache"
            return response
        if path.endswith("/") and f"/{path.rstrip('/')}" in paths:
            query = request.query_string.decode("latin-1")
            return redirect(f"/{path.rstrip('/')}" + (f"?{query}" if query else ""), 308)
        raise NotFound

    app.server.view_functions["/"] = page
    app.server.view_functions["/<path:path>"] = page


class CompressedScripts:
    """Remembers Dash's and our scripts compressed; everything else is compressed as it comes.

    Their addresses change with their content, and a megabyte takes longer to compress than to
    send.
    """

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> bytes | None:
        """The compressed bytes of an address, if they are kept."""
        with self._lock:
            return self._kept.get(key)

    def set(self, key: str, value: bytes) -> None:
        """Keep the bytes if the address is a script's."""
        path = key.partition(";")[2]
        if not path.startswith(("/_dash-component-suites/", "/assets/")):
            return
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def _compress(server: Flask) -> None:
    server.config.update(
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=5,
        COMPRESS_CACHE_BACKEND=CompressedScripts,
        COMPRESS_CACHE_KEY=lambda asked: asked.full_path,
        COMPRESS_STREAMS=False,
    )
    Compress(server)

    @server.after_request
    def whole_scripts(response: Response) -> Response:
        # Flask streams files, and a stream is compressed anew for each reader. Dash writes the
        # time of change into the address (`?m=`), so such an answer may be kept for good.
        if request.path.startswith("/assets/") and response.status_code == 200:
            with contextlib.closing(response.response) as file:  # type: ignore[type-var]
                content = b"".join(file)  # type: ignore[arg-type]  # a file's chunks
            response.direct_passthrough = False
            response.set_data(content)
            if "m" in request.args:
                response.headers["Cache-Control"] = YEAR
        return response

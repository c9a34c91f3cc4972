"""The public server: the published site and its read API, and nothing that is not published.

An app of its own. It knows neither Dash nor the ledger nor any private route, and opens only what
`bangfu publish` wrote into `DIR/public`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound, RequestURITooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from dashboard import answers, api, public_answers, public_api, public_limits
from dashboard.asked import arguments
from dashboard.public_library import PublicLibrary
from geodata.edition import Edition
from geodata.errors import BadRequest, EditionError
from geodata.words import say

if TYPE_CHECKING:
    from dashboard.settings import Settings

LONGEST_ADDRESS = 8000
"""Characters of path and query: the longest permalink is as long (`layers.view`)."""


class PublicServer(Flask):
    """Flask without redirects to whatever host a request names."""

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The app: an address without a path is `/`, where werkzeug would redirect."""
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"
        return super().wsgi_app(environ, start_response)


def create_public_app(settings: Settings) -> Flask:
    """A new app for what is published in `settings.workspace`; nothing global is touched.

    It needs no publication yet: every address answers 503 and the cure until there is one.
    """
    server = PublicServer("bangfu-public", static_folder=None)
    server.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # An address is a file's or it is none: no spelling is sent on to another.
    server.url_map.merge_slashes = False
    server.url_map.strict_slashes = True
    if settings.proxies:
        trusted = settings.proxies
        server.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            server.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted
        )
    library = PublicLibrary(settings.workspace)
    public_answers.register_errors(server)
    public_answers.register_headers(server, lambda: _embedders(library))
    public_limits.register(server, settings)

    @server.before_request
    def _short_enough() -> None:
        if len(request.path) + len(request.query_string) > LONGEST_ADDRESS:
            raise RequestURITooLarge

    _api(server, library)
    _site(server, library)
    return server


def _embedders(library: PublicLibrary) -> tuple[str, ...]:
    try:
        return library.current().embed
    except EditionError:
        return ()


def _api(server: Flask, library: PublicLibrary) -> None:
    bodies = public_answers.Bodies()

    def told(make: Callable[[Edition], Any], *key: object) -> Response:
        """The answer of what was published, made once for the edition and what was asked."""
        now = library.current()
        kept = (now.edition.id, now.edition.built_at, request.endpoint, *key)
        return bodies.get(kept, now.read, lambda: make(now.edition)).answer()

    @server.get(public_answers.HEALTH)
    def healthz() -> Response:
        try:
            book = library.current().edition
        except EditionError as error:
            status, sentence = public_answers.explain(error)
            told = {"status": "no edition", "error": sentence}
            return answers.as_json(told, answers.NEVER, status)
        told = {"status": "ok", "edition": book.id, "built_at": book.built_at}
        return answers.as_json(told, answers.NEVER)

    @server.get("/api/v1/edition")
    def edition() -> Response:
        arguments()
        return told(public_api.edition)

    @server.get("/api/v1/regions")
    def regions() -> Response:
        parent = arguments("parent").get("parent")
        return told(lambda book: public_api.regions(book, parent), parent)

    @server.get("/api/v1/regions/<code>")
    def region(code: str) -> Response:
        asked = arguments("measure", "round")
        wanted = (code, asked.get("measure"), asked.get("round"))
        return told(lambda book: public_api.region(book, *wanted), *wanted)

    @server.get("/api/v1/values/<measure>")
    def values(measure: str) -> Response:
        asked = arguments("level", "period", "round")
        wanted = (measure, asked.get("level"), asked.get("period"), asked.get("round"))
        return told(lambda book: public_api.values(book, *wanted), *wanted)

    @server.get("/api/v1/search")
    def search() -> Response:
        asked = arguments("q")
        if "q" not in asked:
            raise BadRequest(
                say("api.argument_missing", name="q"), cure=say("api.search_missing_cure")
            )
        # Made anew each time: what people type is of no end.
        found = api.search(library.current().edition, asked["q"])
        return public_answers.Body.of({"results": found}).answer()


def _site(server: Flask, library: PublicLibrary) -> None:
    @server.get("/")
    @server.get("/<path:path>")
    def file(path: str = "") -> Response:
        found = library.file(f"/{path}", request)
        if found is None:
            raise NotFound
        return found

"""Who asks and what they may: each endpoint, page and callback declares a right or is refused."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit

from dash.development.base_component import Component
from flask import Flask, Response, current_app, g, make_response, redirect, request

from dashboard.errors import is_reader, respond
from dashboard.respite import Respite
from geodata.errors import AtlasError, BadRequest
from geodata.ledger import screens, sessions
from geodata.ledger.roles import Actor, Right
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import Forbidden, LedgerError
from geodata.steering import NotPaired, Steering, SteeringError
from geodata.words import say

log = logging.getLogger(__name__)

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

SESSION, SCREEN, PHONE = "bangfu_session", "bangfu_screen", "bangfu_phone"
"""Our cookies; behind TLS their names begin with `SECURE`, which ties them to this host."""
SECURE = "__Host-"
SIGN_IN, ACCOUNT = "/signin", "/account"
BACKGROUND = "X-Background"
"""Header of what a page asks for by itself: it keeps nobody signed in."""
LONGEST_TOKEN = 200
"""Characters of a cookie that are looked at."""
SCREEN_DAYS = 400
"""As long as browsers keep a cookie; a wall's begins anew whenever the wall is loaded."""
PAUSE = 2.0
"""Seconds for which a ledger that failed slowly is not asked who somebody is: short, since all
whom it knows stand before a closed door meanwhile."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_EXTENSION = "bangfu-access"


class NotSignedIn(AtlasError):
    """Nobody is signed in, and this needs somebody."""

    http_status = 401


@dataclass(frozen=True)
class Principal:
    """Who asks."""

    kind: Literal["nobody", "account", "screen", "phone"]
    rights: frozenset[Right]
    actor: Actor | None = None
    """Of an account; nobody else decides anything."""
    must_change: bool = False
    """The password is a first one: nothing but changing it is allowed."""
    session: str = field(default="", repr=False)
    """Token of an account's session."""
    since: str = ""
    """When that session began."""
    trouble: LedgerError | None = None
    """Why it could not be found out who asks: then it is nobody, for now."""

    def may(self, right: Right) -> bool:
        """Whether the right is there."""
        return right in self.rights


@dataclass(frozen=True)
class Access:
    """What an endpoint declares."""

    right: Right | Callable[[], Right]
    """Or how it follows from the request."""
    write: bool = False
    """Changes something that lasts: must come from a page of ours, and is counted."""
    background: bool = False
    """Is polled, and keeps nobody signed in."""
    phones: bool = True
    """Whether a phone's right to read is enough."""
    limit: Literal["", "write", "sign_in"] = ""
    """How often it may be asked: by which setting."""

    def asked(self) -> Right:
        """The right that the request in hand needs."""
        return self.right if isinstance(self.right, Right) else self.right()


class Page(NamedTuple):
    """A page of the app."""

    layout: Callable[[], Component]
    right: Right


ANYONE = Access(Right.ANYONE)

DASH: dict[str, Access] = {
    "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>": ANYONE,
    "_dash_assets.static": ANYONE,
    "/_favicon.ico": ANYONE,
    # Which callbacks there are is in our scripts, too; each of them declares its own right.
    "/_dash-dependencies": ANYONE,
    "/_dash-update-component": ANYONE,
}
"""Dash's own endpoints, whose functions we cannot decorate. What is not here is refused."""


def needs(
    right: Right | Callable[[], Right],
    *,
    write: bool = False,
    background: bool = False,
    phones: bool = True,
    limit: Literal["", "write", "sign_in"] | None = None,
) -> Callable[[F], F]:
    """Declare what a view function needs; see `Access`. A write counts as one unless said."""
    counted: Literal["", "write", "sign_in"] = "write" if write else ""
    declared = Access(right, write, background, phones, counted if limit is None else limit)

    def declare(view: F) -> F:
        view.access = declared  # type: ignore[attr-defined]
        return view

    return declare


def principal() -> Principal:
    """Who asks, in the request in hand."""
    guard: Guard = current_app.extensions[_EXTENSION]
    return guard.principal()


def actor() -> Actor:
    """Who decides, behind a guard that lets accounts alone in.

    Raises
    ------
    NotSignedIn : for all others.
    """
    found = principal().actor
    if found is None:
        raise NotSignedIn(say("access.sign_in"), cure=say("access.sign_in_cure"))
    return found


def demand(right: Right) -> None:
    """Pass only who has the right; for what an endpoint serves beside its own.

    Raises
    ------
    LedgerError : when it could not be found out who asks.
    NotSignedIn, Forbidden : when the right is not there.
    """
    if right is Right.ANYONE:
        return
    asker = principal()
    if asker.may(right):
        return
    if asker.trouble is not None:
        raise asker.trouble
    if asker.kind != "account":
        raise NotSignedIn(say("access.sign_in"), cure=say("access.sign_in_cure"))
    if asker.must_change:
        raise Forbidden(say("access.must_change"), cure=say("access.must_change_cure"))
    raise Forbidden(say("access.forbidden"), cure=say("access.forbidden_cure"))


class Guard:
    """Looks at each request of a server before its view does.

    Parameters
    ----------
    is_open : whether nobody in particular may read.
    own : what endpoints declare whose functions carry no declaration.
    wall : path of the page that screens show.
    waiting : that page while it cannot be told who asks: nobody is there to load it again.
    """

    def __init__(
        self,
        server: Flask,
        ledger: Ledger,
        steering: Steering,
        *,
        is_open: bool,
        limits: sessions.Limits,
        own: Mapping[str, Access],
        wall: str,
        waiting: Callable[[], str],
    ) -> None:
        self._server = server
        self._ledger = ledger
        self._steering = steering
        self._open = is_open
        self._limits = limits
        self._own = {**DASH, **own}
        self._wall = wall
        self._waiting = waiting
        self._respite = Respite(PAUSE)
        self._nobody = frozenset({Right.ANYONE, Right.READ} if is_open else {Right.ANYONE})

    def register(self) -> None:
        """Put the guard in front of all that the server answers."""
        self._server.extensions[_EXTENSION] = self
        self._server.before_request(self._check)
        self._server.after_request(self._after)

    def declared(self, endpoint: str | None) -> Access | None:
        """What an endpoint declares; None when it declares nothing."""
        if endpoint is None:
            return None
        found = self._own.get(endpoint)
        if found is None:
            found = getattr(self._server.view_functions.get(endpoint), "access", None)
        return found if isinstance(found, Access) else None

    def principal(self) -> Principal:
        """Who asks; found out once a request, and only when somebody wants to know."""
        if "principal" not in g:
            g.principal = self._resolve()
        found: Principal = g.principal
        return found

    # ---- before and after ----

    def _check(self) -> Response | None:
        if request.endpoint is None or request.routing_exception is not None:
            return None  # no view will run
        if request.path == self._wall and "screen" in request.args:
            return self._seat_screen()
        access = self.declared(request.endpoint)
        if access is None:
            log.warning("%s declares no right and is refused", request.endpoint)
            return respond(403, say("access.undeclared"))
        try:
            right = access.asked()
        except (ValueError, RecursionError) as error:
            # It may follow from the body, which is not looked at by anybody else before this.
            raise BadRequest(say("api.status_400")) from error
        if right is Right.ANYONE:
            return None
        asker = self.principal()
        if asker.may(right) and (access.phones or asker.kind != "phone"):
            return None
        return self._refuse(asker, right)

    def _refuse(self, asker: Principal, right: Right) -> Response:
        person = request.method in SAFE and is_reader()
        if asker.trouble is not None and request.path == self._wall:
            return self._wait()
        if person and asker.trouble is None:
            if asker.must_change and request.path != ACCOUNT:
                return see(ACCOUNT)
            if asker.kind != "account":
                here = request.full_path.rstrip("?") if request.query_string else request.path
                return see(f"{SIGN_IN}?{urlencode({'next': here})}")
        if asker.may(right):  # a phone where phones may not
            raise NotSignedIn(say("access.sign_in"), cure=say("access.sign_in_cure"))
        demand(right)
        raise AssertionError  # demand() does not pass whom `may` did not

    def _after(self, response: Response) -> Response:
        access = self.declared(request.endpoint)
        if not self._open and (access is None or access.right is not Right.ANYONE):
            # What only some may read must not be kept by a proxy for all.
            kept = response.headers.get("Cache-Control", "")
            if "public" in kept:
                response.headers["Cache-Control"] = kept.replace("public", "private")
        known: Principal | None = g.get("principal")
        if known is not None and known.kind == "screen" and request.path == self._wall:
            keep(response, SCREEN, held(SCREEN), SCREEN_DAYS * 86_400)
        return response

    # ---- who asks ----

    def _resolve(self) -> Principal:
        trouble = None
        try:
            found = self._account() or self._screen()
            if found is not None:
                return found
        except LedgerError as error:
            trouble = error
        return self._phone() or Principal("nobody", self._nobody, trouble=trouble)

    def _account(self) -> Principal | None:
        token = held(SESSION)
        if not token:
            return None
        active = self._is_active()
        found = self._asking(
            lambda: sessions.find(self._ledger, token, limits=self._limits, active=active)
        )
        if found is None:
            return None
        account, session = found
        actor = account.actor
        rights = frozenset({Right.ANYONE, Right.SELF}) if account.must_change else actor.rights
        return Principal(
            "account", rights, actor, account.must_change, session=token, since=session.created_at
        )

    def _screen(self) -> Principal | None:
        token = held(SCREEN)
        if not token or self._asking(lambda: screens.find(self._ledger, token)) is None:
            return None
        return Principal("screen", frozenset({Right.ANYONE, Right.READ}))

    def _phone(self) -> Principal | None:
        token = held(PHONE)
        if not token:
            return None
        try:
            self._steering.steered(token)
        except (NotPaired, SteeringError):
            return None
        return Principal("phone", frozenset({Right.ANYONE, Right.READ}))

    def _is_active(self) -> bool:
        """Whether a person did something: nobody sits at a wall, and a poll is no person."""
        access = self.declared(request.endpoint)
        if (access is not None and access.background) or request.headers.get(BACKGROUND) == "1":
            return False
        return came_from().rstrip("/") != self._wall

    def _asking(self, question: Callable[[], T]) -> T:
        """Ask the ledger, unless it failed slowly a moment ago."""
        if self._respite.lasts:
            raise LedgerError(say("access.away"), cure=say("access.away_cure"))
        try:
            with self._respite.asking():
                return question()
        except LedgerError as error:
            # The ledger's own sentence is about writing, and here nothing was to be written.
            raise LedgerError(say("access.away"), cure=say("access.away_cure")) from error

    # ---- a wall screen ----

    def _seat_screen(self) -> Response:
        """Keep the token of a screen's address as a cookie, and take it out of the address."""
        token = request.args["screen"][:LONGEST_TOKEN]
        rest = [pair for pair in request.args.items(multi=True) if pair[0] != "screen"]
        response = see(self._wall + (f"?{urlencode(rest)}" if rest else ""))
        try:
            if self._asking(lambda: screens.find(self._ledger, token)) is not None:
                keep(response, SCREEN, token, SCREEN_DAYS * 86_400)
        except LedgerError:
            if not self._open:
                return self._wait()
        return response

    def _wait(self) -> Response:
        response = Response(self._waiting(), status=503, mimetype="text/html")
        response.headers["Cache-Control"] = "no-store"
        response.headers["Retry-After"] = "10"
        return response


# ---- cookies ------------------------------------------------------------------------------------


def begin_session(response: Response, token: str) -> None:
    """Let the browser hold a session's token: until it is closed, whatever the session's limits."""
    keep(response, SESSION, token, None)


def end_session(response: Response) -> None:
    """Let the browser forget its session."""
    drop(response, SESSION)


def keep(response: Response, name: str, value: str, seconds: int | None) -> None:
    """Set one of our cookies: for this host, no script, no other site, and over TLS for TLS."""
    response.set_cookie(
        spelt(name),
        value,
        max_age=seconds,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def drop(response: Response, name: str) -> None:
    """Take one of our cookies back."""
    response.delete_cookie(
        spelt(name), path="/", secure=request.is_secure, httponly=True, samesite="Lax"
    )


def held(name: str, longest: int = LONGEST_TOKEN) -> str:
    """One of our cookies, "" when it was not sent. Over TLS only one that was set over TLS."""
    token = request.cookies.get(spelt(name), "")
    return token if len(token) <= longest else ""


def carries_ours() -> bool:
    """Whether the request carries any of our cookies, however spelt."""
    return any(
        prefix + name in request.cookies
        for name in (SESSION, SCREEN, PHONE)
        for prefix in ("", SECURE)
    )


def came_from() -> str:
    """Path of the page that a request came from, as far as the Referer tells; else ""."""
    try:
        return urlsplit(request.referrer or "").path
    except ValueError:  # strangers send any text
        return ""


def own_place(text: str, default: str = "/") -> str:
    """A place of this site to go on to; the default for any other address."""
    if not text.startswith("/") or text[1:2] in ("/", "\\") or "\\" in text:
        return default
    return text if text.isprintable() and len(text) <= 2000 else default


def spelt(name: str) -> str:
    """A cookie's name as it is now: over TLS it says so."""
    return SECURE + name if request.is_secure else name


def see(place: str) -> Response:
    """Send the browser on to a place, with a request that only reads."""
    response = make_response(redirect(place, 303))
    response.set_data(b"")  # English, and read by nobody
    response.headers["Cache-Control"] = "no-store"
    return response

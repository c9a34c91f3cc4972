"""Signing in and out: name and password, then the one-time code; and what is due afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, request

from dashboard import access
from dashboard.access import ACCOUNT, SIGN_IN, needs, own_place, see
from dashboard.account_menu import CONTACT, SIGN_OUT
from dashboard.library import Library
from dashboard.plain import Plain, Problems, form, local
from dashboard.tickets import LONGEST as LONGEST_TICKET
from dashboard.tickets import Tickets
from geodata.errors import AtlasError
from geodata.ledger import accounts, moments, reminders, sessions
from geodata.ledger.entrance import Refusal, SignedIn
from geodata.ledger.roles import Actor, Right
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import LedgerError
from geodata.words import say

CODE, DUE, PROVIDER = "/signin/code", "/due", "/signin/oidc"
HALF, HALF_SECONDS = "bangfu_half", 300
"""Cookie of who knew the password and has not typed the one-time code yet, and how long it holds.

The other way would be to ask for all three again: a password typed twice, each time. The ticket
holds neither name nor password, is good for this browser, account and password alone, and lets
nobody in without the code; wrong codes count as failures whichever way they come.
"""


class Entrance:
    """What ends every way of signing in."""

    def __init__(self, library: Library, ledger: Ledger) -> None:
        self._library = library
        self._ledger = ledger

    def let_in(self, found: SignedIn, place: str) -> Response:
        """Hold the session, and lead on: to what has to be done first, is due, or was wanted."""
        self.forget()
        if found.account.must_change:
            response = see(ACCOUNT)
        elif not place.startswith(CONTACT) and self.due(found.account.actor):
            response = see(f"{DUE}?{urlencode({'next': place})}")
        else:
            response = see(place)
        access.begin_session(response, found.token)
        return response

    def due(self, actor: Actor) -> list[dict[str, Any]]:
        """What is due for somebody; nothing while it cannot be told: it keeps nobody out."""
        try:
            return reminders.due(self._ledger, self._library.current().edition, actor)
        except AtlasError:
            return []

    def forget(self) -> None:
        """End the session that the browser held until now; if that fails it ends by itself."""
        before = access.held(access.SESSION)
        if before:
            with contextlib.suppress(LedgerError):
                sessions.end(self._ledger, before)


def register(
    server: Flask,
    ledger: Ledger,
    plain: Plain,
    tickets: Tickets,
    entrance: Entrance,
    *,
    provider: str = "",
    only_provider: bool = False,
) -> Callable[[str, str], Response]:
    """Add the pages to `server`; returns what draws the form with a place and a problem.

    Parameters
    ----------
    provider : what the OpenID Connect provider's button is called; "" without one.
    only_provider : whether it alone signs in.
    """

    def sign_in_page(place: str, problems: Problems, name: str = "") -> Response:
        way = f"{PROVIDER}?{urlencode({'next': place})}" if provider else ""
        return plain.page(
            "signin",
            problems=problems,
            name=name,
            next=place,
            provider=provider,
            provider_place=way,
            passwords=not only_provider,
        )

    def asks() -> dict[str, str]:
        return {
            "address": request.remote_addr or "",
            "agent": request.headers.get("User-Agent", ""),
        }

    def refusal(found: Refusal) -> str:
        if found.why != "locked":
            return found.sentence
        until = local(moments.later(ledger.clock(), seconds=found.seconds))
        return f"{found.sentence}{say('signin.locked_until', at=until[-5:])}"

    @server.get(SIGN_IN)
    @needs(Right.ANYONE)
    def signin() -> Response:
        ledger.seq()  # away: 503 now, and not after everything is typed
        place = own_place(request.args.get("next", "") or _came_from())
        asker = access.principal()
        if asker.kind == "account" and not asker.must_change:
            return see(place)
        return sign_in_page(place, {})

    @server.post(SIGN_IN)
    @needs(Right.ANYONE, write=True, limit="sign_in")
    def signin_form() -> Response:
        given = form("name", "password", "code", "next")
        place = own_place(given["next"])
        if only_provider:
            return sign_in_page(place, {"": say("signin.only_provider", label=provider)})
        found = accounts.sign_in(ledger, given["name"], given["password"], given["code"], **asks())
        if isinstance(found, SignedIn):
            return entrance.let_in(found, place)
        if found.why == "code":
            response = see(CODE)
            half = tickets.seal("half", {"proof": found.proof, "next": place})
            access.keep(response, HALF, half, HALF_SECONDS)
            return response
        field = "code" if found.why == "wrong_code" else "name"
        return sign_in_page(place, {field: refusal(found)}, given["name"])

    def half() -> dict[str, Any] | None:
        return tickets.opened("half", access.held(HALF, LONGEST_TICKET), HALF_SECONDS)

    @server.get(CODE)
    @needs(Right.ANYONE)
    def signin_code() -> Response:
        return plain.page("code") if half() is not None else see(SIGN_IN)

    @server.post(CODE)
    @needs(Right.ANYONE, write=True, limit="sign_in")
    def signin_code_form() -> Response:
        given, begun = form("code"), half()
        if begun is None:
            return sign_in_page("/", {"": say("account.sign_in.late")})
        found = accounts.go_on(ledger, begun["proof"], given["code"], **asks())
        if isinstance(found, SignedIn):
            response = entrance.let_in(found, own_place(begun["next"]))
        elif found.why in ("code", "wrong_code"):
            return plain.page("code", problems={"code": refusal(found)})
        else:
            response = sign_in_page(own_place(begun["next"]), {"": refusal(found)})
        access.drop(response, HALF)
        return response

    @server.post(SIGN_OUT)
    @needs(Right.ANYONE, write=True)
    def signout() -> Response:
        entrance.forget()
        response = see(SIGN_IN)
        access.end_session(response)
        return response

    @server.get(DUE)
    @needs(Right.LEDGER)
    def due() -> Response:
        asker, place = access.principal(), own_place(request.args.get("next", ""))
        groups = entrance.due(asker.actor) if asker.actor is not None else []
        return plain.page("due", groups=groups, next=place) if groups else see(place)

    return lambda place, problem: sign_in_page(place, {"": problem})


def _came_from() -> str:
    """Address of the page of ours whose link led here; else ""."""
    try:
        parts = urlsplit(request.referrer or "")
    except ValueError:  # strangers send any text
        return ""
    if parts.netloc != request.host or parts.path.startswith(SIGN_IN):
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")

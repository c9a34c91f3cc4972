"""Signing in by an OpenID Connect provider: there, and back with whom it vouches for."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import asdict

from flask import Flask, Response, request

from dashboard import access
from dashboard.access import needs, own_place, see
from dashboard.oidc import NotVouched, Person, Provider, ProviderAway, Way
from dashboard.plain import sentence
from dashboard.signin import PROVIDER, Entrance
from dashboard.tickets import LONGEST, Tickets
from geodata.errors import AtlasError
from geodata.ledger import accounts
from geodata.ledger.entrance import Refusal, SignedIn
from geodata.ledger.roles import Right
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import Refused
from geodata.words import say

BACK = f"{PROVIDER}/back"
ON_THE_WAY, SECONDS = "bangfu_way", 600
"""Cookie of who has gone to the provider, and how long that may take."""
LONGEST_CODE = 2000


def register(
    server: Flask,
    ledger: Ledger,
    tickets: Tickets,
    entrance: Entrance,
    provider: Provider,
    page: Callable[[str, str], Response],
    *,
    public_url: str = "",
) -> None:
    """Add the pages to `server`.

    What a browser takes along is signed by the key that all workers share: whichever of them it
    comes back to can tell. The verifier in it is worth nothing without the code, and the code
    nothing without our secret.

    Parameters
    ----------
    page : draws the form to sign in with a place to go on to and a sentence.
    public_url : address under which the provider sends people back; empty: as the browser calls
        it.
    """

    def back() -> str:
        return f"{public_url or request.host_url.rstrip('/')}{BACK}"

    def refused(place: str, error: AtlasError) -> Response:
        response = page(place, sentence(error))
        response.status_code = error.http_status
        return response

    @server.get(PROVIDER)
    @needs(Right.ANYONE)
    def signin_provider() -> Response:
        place, way = own_place(request.args.get("next", "")), Way.new()
        try:
            response = see(provider.start(way, back()))
        except ProviderAway as error:
            return refused(place, error)
        ticket = tickets.seal("way", {**asdict(way), "next": place})
        access.keep(response, ON_THE_WAY, ticket, SECONDS)
        return response

    @server.get(BACK)
    @needs(Right.ANYONE, limit="sign_in")
    def signin_provider_back() -> Response:
        told = tickets.opened("way", access.held(ON_THE_WAY, LONGEST), SECONDS)
        place = own_place(told["next"]) if told else "/"
        try:
            response = entrance.let_in(_come(told), place)
        except (NotVouched, ProviderAway) as error:
            response = refused(place, error)
        except Refused as error:
            response = refused(place, NotVouched(error.message, cure=error.cure))
        access.drop(response, ON_THE_WAY)  # gone once
        return response

    def _come(told: dict[str, str] | None) -> SignedIn:
        given = request.args
        if told is None or not hmac.compare_digest(
            told["state"].encode(), given.get("state", "").encode("utf-8", "replace")
        ):
            raise NotVouched(say("signin.oidc.late"), cure=say("signin.oidc.late_cure"))
        if given.get("error"):
            raise NotVouched(say("signin.oidc.refused"), cure=say("signin.oidc.refused_cure"))
        code = given.get("code", "")
        # RFC 9207: an answer that says from whom it comes must come from there.
        elsewhere = given.get("iss", provider.issuer) != provider.issuer
        if not code or len(code) > LONGEST_CODE or elsewhere:
            raise NotVouched(say("signin.oidc.doubted"), cure=say("signin.oidc.doubted_cure"))
        way = Way(told["state"], told["nonce"], told["verifier"])
        person = provider.finish(way, code, back())
        found = _enter(person)
        if (
            isinstance(found, Refusal)
            and accounts.vouched(ledger, person.issuer, person.subject) is None
        ):
            # Raises for all but an account that waits for this very name.
            accounts.bind(ledger, person.issuer, person.subject, person.name)
            found = _enter(person)
        if isinstance(found, Refusal):
            raise NotVouched(found.sentence)
        return found

    def _enter(person: Person) -> SignedIn | Refusal:
        return accounts.enter(
            ledger,
            person.issuer,
            person.subject,
            address=request.remote_addr or "",
            agent=request.headers.get("User-Agent", ""),
        )

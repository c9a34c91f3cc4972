"""One's own account: who one is, password, one-time codes, and where one is signed in."""

from __future__ import annotations

from collections.abc import Callable

import segno
from flask import Flask, Response

from dashboard import access
from dashboard.access import ACCOUNT, SIGN_IN, needs, see
from dashboard.belonging import Districts
from dashboard.plain import ONCE, Plain, Problems, broken, form, once, sentence
from dashboard.signin import Entrance
from geodata.ledger import accounts, codes, sessions
from geodata.ledger.people import Account
from geodata.ledger.roles import Right
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import Refused
from geodata.words import say

CODES, CODES_OFF, PLACES = f"{ACCOUNT}/codes", f"{ACCOUNT}/codes/off", f"{ACCOUNT}/places"
WHOLE, OTHERS = "all", "others"
"""What is posted to sign out everywhere, or everywhere else."""
RULE_FIELDS = {"old": "old", "locked": "old", "elsewhere": "old", "code": "code"}
"""Field of a form that a refused rule is about; what is not here is about the new password."""


def register(
    server: Flask,
    ledger: Ledger,
    plain: Plain,
    districts: Districts,
    entrance: Entrance,
    limits: sessions.Limits,
) -> None:
    """Add the pages to `server`."""

    def page(problems: Problems | None = None, *, section: str = "") -> Response:
        asker, me = access.principal(), own()
        return plain.page(
            "account",
            problems=problems,
            section=section,
            me=me,
            district=districts.name(me.district),
            must_change=asker.must_change,
            places=[] if asker.must_change else sessions.places(ledger, me.id, limits=limits),
            this=sessions.identifier(asker.session),
        )

    def own() -> Account:
        found = accounts.account(ledger, access.actor().id)
        if found is None:
            raise access.NotSignedIn(say("access.sign_in"), cure=say("access.sign_in_cure"))
        return found

    def done_once(me: Account, given: dict[str, str], work: Callable[[str], object]) -> None:
        """Do what a form asks for; sent twice, the second time all is well, too.

        The password that it was confirmed by may be another one by then.
        """
        key, _ = once(given) if given[ONCE] else ("", "")
        if ledger.was_asked(me.id, key):
            return
        try:
            work(key)
        except Refused:
            if not ledger.was_asked(me.id, key):
                raise

    @server.get(ACCOUNT)
    @needs(Right.SELF)
    def own_account() -> Response:
        return page()

    @server.post(ACCOUNT)
    @needs(Right.SELF, write=True)
    def own_account_form() -> Response:
        given = form("old", "new", "again", ONCE)
        asker, me = access.principal(), own()
        if given["new"] != given["again"]:
            return page({"again": say("access.unlike")}, section="password")
        try:
            done_once(
                me,
                given,
                lambda key: accounts.change_password(
                    ledger, me.id, given["old"], given["new"], keep=asker.session, key=key
                ),
            )
        except Refused as error:
            field = RULE_FIELDS.get(broken(error), "new")
            return page({field: sentence(error)}, section="password")
        if asker.must_change:
            return see("/")
        return plain.see(ACCOUNT, "password")

    # ---- one-time codes ----

    def codes_page(me: Account, secret: str, problems: Problems | None = None) -> Response:
        address = codes.uri(secret, me.name, say("portal.product"))
        return plain.page(
            "codes",
            problems=problems,
            name=me.name,
            secret=secret,
            spelt=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            picture=picture(address),
            address=address,
        )

    @server.get(CODES)
    @needs(Right.SELF)
    def own_codes() -> Response:
        me = own()
        if me.has_totp or not me.has_password:
            return see(ACCOUNT)
        return codes_page(me, codes.secret())

    @server.post(CODES)
    @needs(Right.SELF, write=True)
    def own_codes_form() -> Response:
        given, me = form("password", "code", "secret", ONCE), own()
        try:
            done_once(
                me,
                given,
                lambda key: accounts.use_codes(
                    ledger, me.id, given["password"], given["secret"], given["code"], key=key
                ),
            )
        except Refused as error:
            field = {"code": "code"}.get(broken(error), "password")
            return codes_page(me, given["secret"], {field: sentence(error)})
        return plain.see(ACCOUNT, "codes_on")

    @server.post(CODES_OFF)
    @needs(Right.SELF, write=True)
    def own_codes_off() -> Response:
        given, me = form("password", ONCE), own()
        try:
            done_once(
                me,
                given,
                lambda key: accounts.drop_codes(ledger, me.id, given["password"], key=key),
            )
        except Refused as error:
            return page({"password": sentence(error)}, section="codes")
        return plain.see(ACCOUNT, "codes_off")

    # ---- where one is signed in ----

    @server.post(PLACES)
    @needs(Right.SELF, write=True)
    def own_places() -> Response:
        given, asker, me = form("place"), access.principal(), own()
        this = sessions.identifier(asker.session)
        if given["place"] == OTHERS:
            count = sessions.end_all(ledger, me.id, but=asker.session)
            return plain.see(ACCOUNT, "others_out", count=str(count))
        if given["place"] == WHOLE:
            sessions.end_all(ledger, me.id)
        elif given["place"] == this:
            entrance.forget()
        else:
            sessions.end_place(ledger, me.id, given["place"])
            return plain.see(ACCOUNT, "place_out")
        response = see(SIGN_IN)
        access.end_session(response)
        return response


def picture(text: str) -> str:
    """A QR code as an address of its own, for an `img`: black on white whatever the look."""
    code = segno.make(text, error="m", micro=False)
    return str(code.svg_data_uri(scale=1, border=4, light="#fff", dark="#000", nl=False))

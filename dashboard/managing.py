"""Managing accounts and wall screens, for administrators: lists, forms, and what became of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from dashboard import access
from dashboard.access import needs
from dashboard.account_menu import ACCOUNTS
from dashboard.belonging import Districts
from dashboard.plain import ONCE, Plain, Problems, form, once, sentence, tried
from geodata.errors import AtlasError, BadRequest, UnknownName
from geodata.ledger import account_history, accounts, guards, naming, passwords, screens, sessions
from geodata.ledger.people import Account
from geodata.ledger.roles import Right, Role
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import Refused
from geodata.words import catalogue, say

NEW, SCREENS = f"{ACCOUNTS}/new", f"{ACCOUNTS}/screens"
FIELDS = ("label", "role", "district", "unit")
STATES = ("active", "first", "waiting", "elsewhere", "locked", "disabled")
LONGEST_SEARCH = 80
WRONG = (BadRequest, Refused)
"""What a form can be wrong about; all else is explained by a page of its own."""

Given = dict[str, str]
"""The fields of a form."""
Said = tuple[str, dict[str, str]]
"""Key of `signin.said`, and what the sentence speaks of."""
Work = Callable[[Account, Given, str, str], Said]
"""Does what a form asks for: the account, the form, its key for the ledger, and its secret."""


def register(
    server: Flask,
    ledger: Ledger,
    plain: Plain,
    districts: Districts,
    limits: sessions.Limits,
    *,
    provider: str = "",
    public_url: str = "",
) -> None:
    """Add the pages to `server`; `provider` is what the OpenID Connect provider is called."""
    desk = _Desk(ledger, plain, districts, limits, provider)
    _listing(server, desk)
    _changing(server, desk)
    _screens(server, desk, public_url)


class _Desk:
    """What the pages share: reading accounts, drawing forms, answering writes."""

    def __init__(
        self,
        ledger: Ledger,
        plain: Plain,
        districts: Districts,
        limits: sessions.Limits,
        provider: str,
    ) -> None:
        self.ledger, self.plain, self.districts = ledger, plain, districts
        self.limits, self.provider = limits, provider

    def known(self, identifier: str) -> Account:
        """The account that an address names."""
        found = accounts.account(self.ledger, identifier)
        if found is None:
            raise UnknownName(say("account.unknown"), cure=say("signin.manage.unknown_cure"))
        return found

    def locked(self, names: list[str]) -> dict[str, str]:
        """Until when names are locked."""
        with self.ledger.reading() as connection:
            return guards.locked(connection, names, self.ledger.clock())

    def state(self, one: Account, locked: dict[str, str]) -> str:
        """What is most to be known of an account; a key of `signin.state`."""
        if one.disabled:
            return "disabled"
        if one.name in locked:
            return "locked"
        if not one.has_password:
            return "elsewhere" if one.issuer else "waiting"
        return "first" if one.must_change else "active"

    def new_page(self, given: dict[str, str], problems: Problems | None = None) -> Response:
        """The form of a new account."""
        return self.plain.page(
            "account_new", problems=problems, given=given, provider=self.provider, **self._choices()
        )

    def one_page(
        self,
        one: Account,
        given: dict[str, str] | None = None,
        problems: Problems | None = None,
        *,
        section: str = "",
    ) -> Response:
        """All about an account."""
        locked = self.locked([one.name])
        names = self.districts.all()
        return self.plain.page(
            "account_one",
            problems=problems,
            section=section,
            one=one,
            mine=one.id == access.actor().id,
            given=given or {name: str(getattr(one, name)) for name in FIELDS},
            state=self.state(one, locked),
            locked=locked.get(one.name, ""),
            places=sessions.places(self.ledger, one.id, limits=self.limits),
            history=[_told(entry, names) for entry in account_history.of(self.ledger, one.id)],
            provider=self.provider,
            **self._choices(one.district),
        )

    def _choices(self, district: str = "") -> dict[str, Any]:
        names = self.districts.all()
        if district and district not in names:
            names[district] = district  # of an older edition: kept until another is chosen
        return {"roles": list(Role), "districts": names, "units": self.districts.units()}


def _listing(server: Flask, desk: _Desk) -> None:
    @server.get(ACCOUNTS)
    @needs(Right.ACCOUNTS)
    def accounts_list() -> Response:
        asked = {name: request.args.get(name, "") for name in ("q", "role", "state")}
        asked["q"] = naming.visible(asked["q"][:LONGEST_SEARCH]).strip()
        everybody = accounts.all_accounts(desk.ledger)
        locked = desk.locked([one.name for one in everybody])
        names = desk.districts.all()
        rows = [
            {
                "one": one,
                "state": desk.state(one, locked),
                "district": names.get(one.district, one.district),
            }
            for one in everybody
        ]
        shown = [row for row in rows if _fits(row, asked)]
        return desk.plain.page(
            "accounts", rows=shown, total=len(rows), asked=asked, roles=list(Role), states=STATES
        )

    @server.get(NEW)
    @needs(Right.ACCOUNTS)
    def accounts_new() -> Response:
        return desk.new_page(dict.fromkeys(("name", *FIELDS, "elsewhere"), ""))

    @server.post(NEW)
    @needs(Right.ACCOUNTS, write=True)
    def accounts_new_form() -> Response:
        given = form("name", *FIELDS, "elsewhere", ONCE)
        key, secret = once(given)
        elsewhere = bool(given["elsewhere"] and desk.provider)
        problems = _wrong(given)
        tried(problems, "name", lambda: naming.name(given["name"]))
        if problems:
            return desk.new_page(given, problems)
        try:
            made, first = accounts.create(
                desk.ledger,
                access.actor(),
                name=given["name"],
                **_columns(given),
                password=None if elsewhere else passwords.first(secret),
                elsewhere=elsewhere,
                key=key,
            )
        except WRONG as error:
            return desk.new_page(given, {_field(error): sentence(error)})
        place = f"{ACCOUNTS}/{made.id}"
        if elsewhere:
            return desk.plain.see(place, "created_elsewhere", name=made.name)
        return desk.plain.see(place, "created", name=made.name, secret=first)

    @server.get(f"{ACCOUNTS}/<identifier>")
    @needs(Right.ACCOUNTS)
    def accounts_one(identifier: str) -> Response:
        return desk.one_page(desk.known(identifier))


def _changing(server: Flask, desk: _Desk) -> None:
    """The forms on an account's page: each posts to the account's address and a name after it."""
    ledger = desk.ledger

    def takes(name: str, section: str) -> Callable[[Work], Work]:
        """Do what the form `name` asks for and say so; what is wrong is said in a section."""

        def added(work: Work) -> Work:
            @needs(Right.ACCOUNTS, write=True)
            def posted(identifier: str) -> Response:
                return answer(identifier, section, work)

            endpoint = f"accounts_{name.replace('-', '_')}"
            place = f"{ACCOUNTS}/<identifier>/{name}"
            server.add_url_rule(place, endpoint, posted, methods=["POST"])
            return work

        return added

    def answer(identifier: str, section: str, work: Work) -> Response:
        one = desk.known(identifier)
        given = form(*FIELDS, "reason", "without_codes", ONCE)
        key, secret = once(given)
        if one.id == access.actor().id and section != "change":
            # Whoever shuts themselves out by one wrong tap cannot take it back.
            return desk.one_page(one, problems={"": say("signin.manage.not_yourself")})
        problems = _wrong(given) if section == "change" else {}
        tried(
            problems, "reason", lambda: naming.line(given["reason"], "reason", most=naming.REASON)
        )
        try:
            if not problems:
                said, values = work(one, given, key, secret)
                return desk.plain.see(f"{ACCOUNTS}/{one.id}", said, name=one.name, **values)
        except WRONG as error:
            problems = {_field(error): sentence(error)}
        kept = given if section == "change" else None
        return desk.one_page(one, kept, problems, section=section)

    @takes("change", "change")
    def change(one: Account, given: Given, key: str, _: str) -> Said:
        wanted = _columns(given)
        accounts.change(ledger, access.actor(), one.id, reason=given["reason"], key=key, **wanted)
        return "changed", {}

    @takes("disable", "disable")
    def disable(one: Account, given: Given, key: str, _: str) -> Said:
        accounts.disable(ledger, access.actor(), one.id, given["reason"], key=key)
        return "disabled", {}

    @takes("enable", "disable")
    def enable(one: Account, given: Given, key: str, _: str) -> Said:
        accounts.enable(ledger, access.actor(), one.id, given["reason"], key=key)
        return "enabled", {}

    @takes("reset", "reset")
    def reset(one: Account, given: Given, key: str, secret: str) -> Said:
        first = accounts.reset_password(
            ledger,
            access.actor(),
            one.id,
            reason=given["reason"],
            without_codes=bool(given["without_codes"]),
            key=key,
            seed=secret,
        )
        return "reset", {"secret": first}

    @takes("elsewhere", "reset")
    def elsewhere(one: Account, given: Given, key: str, _: str) -> Said:
        if not desk.provider:
            raise Refused(say("signin.manage.no_provider"))
        accounts.sign_in_elsewhere(ledger, access.actor(), one.id, given["reason"], key=key)
        return "elsewhere", {}

    @takes("unlock", "state")
    def unlock(one: Account, _given: Given, _key: str, _: str) -> Said:
        accounts.unlock(ledger, access.actor(), one.name)
        return "unlocked", {}

    @takes("sign-out", "places")
    def sign_out(one: Account, _given: Given, _key: str, _: str) -> Said:
        count = accounts.sign_out(ledger, access.actor(), one.id)
        return "signed_out", {"count": str(count)}


def _screens(server: Flask, desk: _Desk, public_url: str) -> None:
    def page(given: str = "", problems: Problems | None = None) -> Response:
        found = sorted(screens.all_screens(desk.ledger), key=lambda one: one.revoked)
        return desk.plain.page("screens", problems=problems, rows=found, label=given)

    @server.get(SCREENS)
    @needs(Right.ACCOUNTS)
    def accounts_screens() -> Response:
        return page()

    @server.post(SCREENS)
    @needs(Right.ACCOUNTS, write=True)
    def accounts_screens_form() -> Response:
        given = form("label", ONCE)
        key, secret = once(given)
        token = hashlib.sha256(f"screen {secret}".encode()).hexdigest()
        try:
            screens.enrol(desk.ledger, access.actor(), given["label"], token=token, key=key)
        except WRONG as error:
            return page(given["label"], {"label": sentence(error)})
        address = f"{public_url or request.host_url.rstrip('/')}/wall?screen={token}"
        label = naming.visible(given["label"]).strip()
        return desk.plain.see(SCREENS, "screen_added", label=label, secret=address)

    @server.post(f"{SCREENS}/<identifier>/revoke")
    @needs(Right.ACCOUNTS, write=True)
    def accounts_screens_revoke(identifier: str) -> Response:
        given = form("reason", ONCE)
        key, _ = once(given)
        try:
            gone = screens.revoke(desk.ledger, access.actor(), identifier, given["reason"], key=key)
        except WRONG as error:
            return page("", {"": sentence(error)})
        return desk.plain.see(SCREENS, "screen_revoked", label=gone.label)


def _columns(given: dict[str, str]) -> dict[str, Any]:
    """What a form says of a person. A district chosen before the role was means nothing."""
    wanted = {name: given[name] for name in FIELDS}
    if wanted["role"] != Role.DISTRICT:
        wanted["district"] = ""
    return wanted


def _wrong(given: dict[str, str]) -> Problems:
    """What is wrong with a form by itself, all of it at once."""
    problems: Problems = {}
    tried(
        problems,
        "label",
        lambda: naming.line(given["label"], "label", most=naming.LABEL, empty=False),
    )
    if given["role"] not in list(Role):
        problems["role"] = say("signin.manage.choose_role")
    if given["role"] == Role.DISTRICT and not given["district"]:
        problems["district"] = say("signin.manage.choose_district")
    tried(problems, "unit", lambda: naming.line(given["unit"], "unit", most=naming.UNIT))
    return problems


def _field(error: AtlasError) -> str:
    """The field that an error of the ledger is about."""
    about = {
        say("account.taken"): "name",
        say("account.last"): "role",
        say("account.needs_district"): "district",
    }
    return about.get(error.message, "")


def _fits(row: dict[str, Any], asked: dict[str, str]) -> bool:
    one: Account = row["one"]
    if asked["role"] and one.role != asked["role"]:
        return False
    if asked["state"] and row["state"] != asked["state"]:
        return False
    text = " ".join((one.name, one.label, one.unit, row["district"])).casefold()
    return all(word in text for word in naming.folded(asked["q"]).split())


def _event(kind: str) -> str:
    key = f"signin.event.{kind.partition('.')[2]}"
    return say(key) if key in catalogue() else kind  # of a newer program


def _told(entry: account_history.Entry, names: dict[str, str]) -> dict[str, Any]:
    """An entry of the history in words."""

    def word(column: str, value: str) -> str:
        if column == "role" and value in list(Role):
            return say(f"account.role.{value}")
        return (names.get(value, value) if column == "district" else value) or say("signin.none")

    return {
        "at": entry.at,
        "who": entry.who,
        "what": _event(entry.kind),
        "changes": [
            {
                "column": say(f"account.column.{column}"),
                "before": word(column, before),
                "after": word(column, after),
            }
            for column, before, after in entry.changes
        ],
        "reason": entry.reason,
    }

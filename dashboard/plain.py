"""Pages that the server draws whole: forms that work without scripts, and what is said once."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Response, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from werkzeug.exceptions import UnsupportedMediaType

from dashboard import access
from dashboard.account_menu import entries
from dashboard.agents import spoken
from dashboard.library import Library
from dashboard.tickets import LONGEST as LONGEST_TICKET
from dashboard.tickets import Tickets
from geodata.errors import AtlasError, BadRequest
from geodata.ledger.troubles import Refused
from geodata.words import say

Problems = dict[str, str]
"""What is wrong with a form: sentence by field; "" for what no field is at fault for."""

LARGEST = 16_384
"""Bytes of a form."""
LONGEST = 400
"""Characters of one field."""
LONGEST_PLACE = 2000
"""Characters of an address to go on to."""
SAID, SAID_SECONDS = "bangfu_said", 180
"""Cookie with what the next page says, this once; and how long it waits for that page."""
ONCE = "once"
"""Hidden field: a form's own key. Sent twice, it is done once."""

_ONCE = re.compile(r"[0-9A-Za-z_-]{32}")


class _Fields(Problems):
    """Problems as templates ask for them: "" for a field that has none."""

    def __missing__(self, _: str) -> str:
        return ""


class Plain:
    """Draws pages for one server."""

    def __init__(self, library: Library, tickets: Tickets) -> None:
        self._library = library
        self._tickets = tickets
        self._pages = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.globals |= {"say": say, "local": local, "spoken": spoken}

    def page(
        self, template: str, *, problems: Mapping[str, str] | None = None, **values: Any
    ) -> Response:
        """A page; 422 when it says what is wrong with a form. Kept by no cache."""
        asker = access.principal()
        said = self._said(asker)
        title, demo = self._title()
        text = self._pages.get_template(f"{template}.html").render(
            product=title,
            demo=demo,
            menu=entries(asker),
            here=request.path,
            said=said,
            problems=_Fields(problems or {}),
            nothing=_Fields(),
            once=lambda: secrets.token_urlsafe(24),
            **values,
        )
        response = Response(text, 422 if problems else 200, mimetype="text/html")
        response.headers["Cache-Control"] = "no-store"
        if request.cookies.get(access.spelt(SAID)) is not None:
            access.drop(response, SAID)
        return response

    def see(self, place: str, key: str = "", **said: str) -> Response:
        """On to a place, whose page says the sentence `signin.said.KEY` at its top, once.

        `secret` among the values is shown apart, to be copied: a first password, an address.
        """
        response = access.see(place)
        if key:
            asker = access.principal()
            ticket = self._tickets.seal(
                "said", {"key": key, "to": asker.actor.id if asker.actor else "", "with": said}
            )
            access.keep(response, SAID, ticket, SAID_SECONDS)
        return response

    def _said(self, asker: access.Principal) -> dict[str, str] | None:
        ticket = access.held(SAID, LONGEST_TICKET)
        if not ticket:
            return None
        told = self._tickets.opened("said", ticket, SAID_SECONDS)
        # On a computer that several people use, one's password is not for the next to read.
        if told is None or told["to"] != (asker.actor.id if asker.actor else ""):
            return None
        return {
            "sentence": say(f"signin.said.{told['key']}", **told["with"]),
            "secret": told["with"].get("secret", ""),
        }

    def _title(self) -> tuple[str, bool]:
        try:
            notices = self._library.current().edition.notices()
        except AtlasError:
            return say("portal.product"), False
        return str(notices["title"]), bool(notices["demo"])


def form(*names: str, largest: int = LARGEST) -> dict[str, str]:
    """The fields of a form of at most `largest` bytes, "" for one that was not sent.

    Raises
    ------
    BadRequest : when a field is longer than anything that can be typed there.
    """
    if request.mimetype != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType
    request.max_content_length = largest
    given = {name: request.form.get(name, "") for name in names}
    if any(
        len(text) > (LONGEST_PLACE if name == "next" else LONGEST) for name, text in given.items()
    ):
        raise malformed()
    return given


def once(given: Mapping[str, str]) -> tuple[str, str]:
    """Of a form's own key: a key for the ledger, and a secret for what is made up with it.

    The ledger remembers no more than the first, from which the second does not follow.

    Raises
    ------
    BadRequest : when the form has none.
    """
    text = given.get(ONCE, "")
    if not _ONCE.fullmatch(text):
        raise malformed()
    return (hashlib.sha256(f"key {text}".encode()).hexdigest()[:32], f"secret {text}")


def malformed() -> BadRequest:
    """A form that none of our pages sends."""
    return BadRequest(say("access.form"), cure=say("access.form_cure"))


def tried(problems: Problems, field: str, check: Callable[[], Any]) -> None:
    """Note under a field what a check finds wrong with it."""
    try:
        check()
    except AtlasError as error:
        problems.setdefault(field, sentence(error))


def sentence(error: AtlasError) -> str:
    """An error as a form says it: what was typed stands beside it."""
    return f"{error.message}。{error.cure}" if error.cure else error.message


def broken(error: Refused) -> str:
    """Name of the first rule that stands against something; "" when none is named."""
    return str(error.breaches[0].get("rule", "")) if error.breaches else ""


def local(at: str) -> str:
    """A moment as the clock on the wall tells it."""
    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M")

"""Who one is and where that leads: the links beside the pages' own, on every page with a bar."""

from __future__ import annotations

from typing import Any, NamedTuple

from dash import html
from dash.development.base_component import Component

from callbacks.aria import aria
from dashboard.access import ACCOUNT, SIGN_IN, Principal
from geodata.ledger.roles import Right
from geodata.words import say

CONTACT, PUBLISHING, ACCOUNTS = "/contact-points", "/publishing", "/accounts"
SIGN_OUT = "/signout"


class Entry(NamedTuple):
    """A link."""

    href: str
    label: str


def entries(asker: Principal) -> dict[str, Any]:
    """What a bar shows: `pages`, links that not everybody has; `me`, the link to oneself.

    `signed_in` tells whether there is somebody to sign out, `first` whether the password has to
    be changed before any page can be opened.
    """
    pages = []
    if asker.may(Right.LEDGER):
        pages.append(Entry(CONTACT, say("contact.title")))
    if asker.may(Right.PUBLISH):
        pages.append(Entry(PUBLISHING, say("publishing.menu")))
    if asker.may(Right.ACCOUNTS):
        pages.append(Entry(ACCOUNTS, say("signin.menu.accounts")))
    if asker.actor is None:
        me = Entry(SIGN_IN, say("access.enter"))
    else:
        me = Entry(ACCOUNT, asker.actor.label)
    return {
        "pages": pages,
        "me": me,
        "signed_in": asker.actor is not None,
        "first": asker.must_change,
    }


def account_pages(asker: Principal) -> list[Component]:
    """Links to pages that not everybody has, to stand beside those to the others."""
    return [html.A(one.label, href=one.href, className="extra") for one in entries(asker)["pages"]]


def account_menu(asker: Principal) -> Component:
    """A link to sign in; or a menu of one's own pages, ending in a form: a link changes nothing."""
    told = entries(asker)
    me: Entry = told["me"]
    if not told["signed_in"]:
        return html.A(me.label, href=me.href, className="account-enter")
    return html.Details(
        className="account-menu",
        children=[
            html.Summary(
                [
                    html.Span(me.label[:1], className="account-face", **aria(hidden="true")),
                    html.Span(me.label, className="account-name"),
                ],
                title=me.label,
            ),
            html.Div(
                className="account-list",
                children=[
                    html.A(say("signin.menu.me"), href=me.href),
                    *(html.A(one.label, href=one.href) for one in told["pages"]),
                    html.Form(html.Button(say("access.leave")), action=SIGN_OUT, method="post"),
                ],
            ),
        ],
    )

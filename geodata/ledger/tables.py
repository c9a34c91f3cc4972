"""The ledger's tables, declared once; `migrations` brings a database to them.

Times are ISO 8601 in UTC with microseconds and `Z`, as text: they sort, hash and print the same
on SQLite and PostgreSQL. Days are `YYYY-MM-DD`. Codes are canonical region codes.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, **options: object) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)  # type: ignore[arg-type]


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _id() -> sa.Column[str]:
    return _text("id", primary_key=True)


# ---- what is decided: each change is an event, and `verify` folds the events into these rows ----

account = sa.Table(
    "account",
    metadata,
    _id(),
    _text("name", unique=True),  # what is typed to sign in; lower case
    _text("label"),  # the person's name
    _text("role"),
    _text("district"),  # code, for a district's officer; else ""
    _text("unit"),  # where the person works, as in the unit files; may be ""
    _text("password"),  # argon2id, or "" for whoever signs in elsewhere
    _flag("must_change"),  # the password is a first one
    _text("totp"),  # secret of the one-time codes, base32; "" when not used
    _text("issuer"),  # OpenID Connect: who vouches, and under which name; "" for passwords
    _text("subject"),
    _flag("disabled"),
    _text("created_at"),
)

screen = sa.Table(
    "screen",
    metadata,
    _id(),
    _text("label"),  # which wall: 三楼会议室
    _text("digest", unique=True),  # SHA-256 of the token in its address
    _flag("revoked"),
    _text("created_at"),
)
"""A wall screen that nobody sits at: it may read what a viewer may, and stays signed in."""

pick = sa.Table(
    "pick",
    metadata,
    _id(),
    _text("round"),
    _text("village"),
    _text("member", index=True),  # id of the account
    _text("state", index=True),  # proposed, picked, confirmed, released, declined
    _text("override"),  # why a rule was set aside; "" when none was
    _text("by"),  # id of the account that decided last
    _text("created_at"),
    _text("changed_at"),
    sa.Index(None, "round", "village"),
)

visit = sa.Table(
    "visit",
    metadata,
    _id(),
    _text("round"),
    _text("village", index=True),
    _text("day", index=True),
    _text("author"),  # id of the account that wrote it down
    _text("members"),  # JSON list: ids of members who were there
    _text("people"),  # who else, as written
    _text("seen"),  # what was seen, short
    _flag("withdrawn"),
    _text("created_at"),
)

photo = sa.Table(
    "photo",
    metadata,
    _id(),
    _text("visit", index=True),
    _text("problem", index=True),  # "" unless it shows a problem
    _text("caption"),
    _whole("width"),
    _whole("height"),
    sa.Column("image", sa.LargeBinary, nullable=False),  # JPEG, re-encoded here
    _flag("withdrawn"),
    _text("created_at"),
)

observation = sa.Table(
    "observation",
    metadata,
    _id(),
    _text("visit", index=True),
    _text("round"),
    _text("village", index=True),
    _text("indicator"),
    _text("period"),  # of the figure that it stands beside
    _text("value"),  # JSON: true, false or a number, in the indicator's unit
    _text("reported"),  # JSON: what the edition said then; null for nothing
    _text("note"),
    _text("author"),
    _flag("withdrawn"),
    _text("day"),
    _text("created_at"),
)

problem = sa.Table(
    "problem",
    metadata,
    _id(),
    _text("round"),
    _text("village", index=True),
    _text("district", index=True),
    _text("visit"),  # during which it was found; may be ""
    _text("category"),
    _text("said"),  # what is wrong
    _text("owner_kind"),  # unit, town, district; "" until assigned
    _text("owner"),  # code of the town or district, or name of the unit
    _text("deadline"),  # day; "" until assigned
    _text("state", index=True),  # found, assigned, fixed, rechecked, struck_off
    _whole("sent_back"),  # how often
    _text("found_by"),
    _text("found_on"),  # day
    _text("fixed_by"),
    _text("rechecked_by"),
    _text("changed_at"),
    _text("created_at"),
)

publication = sa.Table(
    "publication",
    metadata,
    _id(),
    _text("public"),  # id of the public edition
    _text("edition"),  # id of the edition that it was derived from
    _flag("demo"),  # invented data, published with its mark
    _text("measures"),  # JSON: id -> {label, definition, values, periods}
    _text("losses"),  # JSON: cells of people and households, how many were kept back
    _text("accepted"),  # JSON: measure -> why its changed definition is meant
    _text("by"),  # id of the account
    _text("created_at"),
)
"""What was published: one row each time."""

withdrawal = sa.Table(
    "withdrawal",
    metadata,
    _id(),
    _text("measure", index=True),
    _text("label"),  # as it read then
    _text("why"),  # in words that the public reads
    _text("by"),
    _text("lifted_at"),  # "" while it stands
    _text("created_at"),
)
"""A measure that was taken back from the public."""

# ---- the audit ----

event = sa.Table(
    "event",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True,
              autoincrement=False),
    _text("at"),
    _text("actor"),  # id of the account
    _text("actor_label"),  # as it read then
    _text("kind", index=True),  # pick.picked, problem.struck_off, account.created, ...
    _text("subject", index=True),  # table:id
    _text("village", index=True),  # code, where the subject has one; else ""
    _text("before"),  # canonical JSON of what changed; "{}" for a new row
    _text("after"),
    _text("reason"),
    _text("previous"),  # hash of the event before
    _text("hash"),  # SHA-256 of all of the above
)  # fmt: skip

head = sa.Table(
    "head",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
    _text("hash"),
)
"""One row: the last event, so that cutting off the end of the chain is noticed, too."""

# ---- what is no decision: these may be lost without losing one ----

session = sa.Table(
    "session",
    metadata,
    _text("digest", primary_key=True),  # SHA-256 of the cookie's token
    _text("account", index=True),
    _text("created_at"),
    _text("active_at"),
    _text("agent"),  # browser, for the list of places where one is signed in
    _text("address"),
)

guard = sa.Table(
    "guard",
    metadata,
    _text("name", primary_key=True),  # as typed, lower case, hashed: there may be no such account
    _whole("failures"),
    _text("locked_until"),
    _whole("totp_step"),  # last one-time code that was used, so that none is used twice
    _text("at", index=True),  # when it was last tried: rows of long ago go
)

request = sa.Table(
    "request",
    metadata,
    _text("account", primary_key=True),
    _text("key", primary_key=True),  # made by the browser, once for what the person did
    _text("digest"),  # of what was asked
    _text("answer"),  # JSON
    _text("at", index=True),
)
"""Answers to writes, so that asking again does nothing twice."""

DECIDED = (account, screen, pick, visit, photo, observation, problem, publication, withdrawal)
"""Rows that change by events alone."""
LASTING = (*DECIDED, event, head)
"""What a backup holds. Sessions must not come back to life from one."""
SECRET = frozenset({"account.password", "account.totp", "screen.digest", "photo.image"})
"""Columns that the audit names by a digest: not to be read there, or too large for it."""

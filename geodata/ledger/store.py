"""The ledger's database: opened by URL, read freely, written by one decision at a time.

SQLite is the embedded default: write-ahead logging, and `synchronous = FULL`, so that what was
acknowledged survives a power cut. PostgreSQL serves several machines. On both, writers queue for
one lock from the beginning of their transaction: the chain needs one order, and a rule that was
checked inside a decision still holds when it commits.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from geodata.errors import BadRequest
from geodata.ledger import chain, moments, tables
from geodata.ledger.database import TROUBLES, Database, make_file
from geodata.ledger.roles import Actor
from geodata.ledger.troubles import Conflict, LedgerError, NewerLedger, NoLedger
from geodata.words import say

Json = dict[str, Any]

FILE = "ledger.sqlite"
"""The embedded default, beside `atlas.toml`."""
ANSWERS_KEPT_DAYS = 31
"""How long a write that is sent again is known."""
PATIENCE = 5.0
"""Seconds that a decision waits for others before it says that the ledger is busy."""

_LOCK = 0x62616E67
"""PostgreSQL's advisory lock that writers of a ledger hold."""
_QUEUE = sa.text("SELECT pg_advisory_xact_lock(:lock)")
_PROMISES = sa.text(
    "SELECT set_config('lock_timeout', :wait, true), set_config('synchronous_commit', "
    "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' "
    "ELSE current_setting('synchronous_commit') END, true)"
)
"""For one transaction: waits no longer than that, and is on disk when it is acknowledged."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What PostgreSQL does not take, or no text in UTF-8 can hold: then it is none on SQLite either."""


def default_url(folder: Path) -> str:
    """The URL of a workspace's own ledger."""
    return f"sqlite:///{Path(folder).resolve() / FILE}"


def now() -> str:
    """The present moment, as the tables spell it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Decision:
    """One transaction that decides something; made by `Ledger.decide`, valid inside it alone.

    Reads through `rows` and `row` see what was decided so far, here and before; nobody else can
    decide meanwhile.
    """

    def __init__(self, connection: Connection, actor: Actor, at: str) -> None:
        self.connection = connection
        self.actor = actor
        self.at = at
        """When; the same for everything that is decided here."""
        last = connection.execute(sa.select(tables.head.c.seq, tables.head.c.hash)).one_or_none()
        self._seq: int = last.seq if last else 0
        self._hash: str = last.hash if last else chain.GENESIS
        self._began = self._seq

    @property
    def seq(self) -> int:
        """Number of the last event."""
        return self._seq

    def rows(self, query: sa.Select[Any]) -> list[RowMapping]:
        """What a query finds."""
        return list(self.connection.execute(query).mappings())

    def row(self, table: sa.Table, identifier: str) -> Json | None:
        """The row of an id, or None; no row has an id that cannot be kept."""
        if _UNSTORABLE.search(identifier):
            return None
        found = self.connection.execute(_by_id(table), {"of": identifier}).mappings().one_or_none()
        return {**found} if found is not None else None

    def add(self, table: sa.Table, kind: str, reason: str = "", **values: Any) -> str:
        """A new row of one of `tables.DECIDED`, and its event; returns its id.

        `values` are all columns but `id`, and `created_at` and `changed_at` where there are such.
        """
        values = {"id": secrets.token_hex(8), **values}
        for name in ("created_at", "changed_at"):
            if name in table.c:
                values.setdefault(name, self.at)
        _check_text((*values.values(), reason))
        self.connection.execute(sa.insert(table), values)
        self._record(table, kind, None, values, reason)
        return str(values["id"])

    def change(
        self, table: sa.Table, identifier: str, kind: str, reason: str = "", **values: Any
    ) -> None:
        """Change columns of a row, and record it; nothing is recorded when nothing differs.

        Raises
        ------
        Conflict : when there is no such row.
        """
        _check_text((*values.values(), reason))
        before = self.row(table, identifier)
        if before is None:
            raise Conflict(say("ledger.no_row"), value=identifier)
        after = {**before, **values}
        if after == before:
            return
        if "changed_at" in table.c:
            after["changed_at"] = values["changed_at"] = self.at
        self.connection.execute(_change_by_id(table), {"of": identifier, **values})
        self._record(table, kind, before, after, reason)

    def _record(
        self,
        table: sa.Table,
        kind: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any],
        reason: str,
    ) -> None:
        was, become = chain.difference(
            chain.shown(table, before) if before is not None else None, chain.shown(table, after)
        )
        found: Json = {
            "seq": self._seq + 1,
            "at": self.at,
            "actor": self.actor.id,
            "actor_label": self.actor.label,
            "kind": kind,
            "subject": f"{table.name}:{after['id']}",
            "village": after.get("village", ""),
            "before": chain.canonical(was),
            "after": chain.canonical(become),
            "reason": reason,
            "previous": self._hash,
        }
        found["hash"] = chain.hash_of(found)
        self.connection.execute(sa.insert(tables.event), found)
        self._seq, self._hash = found["seq"], found["hash"]

    def close(self) -> None:
        """Write down where the chain ends; `Ledger` calls it before it commits."""
        if self._seq == self._began:
            return
        end = {"seq": self._seq, "hash": self._hash}
        if self._began == 0 and not self.connection.execute(sa.select(tables.head.c.one)).first():
            self.connection.execute(sa.insert(tables.head).values(one=1, **end))
        else:
            self.connection.execute(sa.update(tables.head).values(**end))


# Made once a table: putting a statement together costs more than running it.


@cache
def _by_id(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).where(table.c.id == sa.bindparam("of"))


@cache
def _change_by_id(table: sa.Table) -> sa.Update:
    return sa.update(table).where(table.c.id == sa.bindparam("of"))


def _check_text(values: Iterable[Any]) -> None:
    for value in values:
        if isinstance(value, str) and _UNSTORABLE.search(value):
            shown = _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
            raise BadRequest(
                say("ledger.characters"), value=shown, cure=say("ledger.characters_cure")
            )


class Ledger:
    """The ledger behind a URL; may be used by many threads. Opening it touches nothing.

    Parameters
    ----------
    clock : tells the moment of a decision; another one is for tests and for the demo's history.
    patience : seconds that a decision waits for others before it says that the ledger is busy.
    """

    def __init__(
        self, url: str, *, clock: Callable[[], str] = now, patience: float = PATIENCE
    ) -> None:
        self.url = sa.make_url(url)
        self.clock = clock
        self.patience = patience
        self._database = Database(self.url, patience)
        self._ready = False
        self._preparing = threading.Lock()
        self._turn = threading.Lock()
        self._joined: Connection | None = None

    @classmethod
    def of(cls, folder: Path) -> Ledger:
        """The embedded ledger of a workspace."""
        return cls(default_url(folder))

    @property
    def embedded(self) -> Path | None:
        """The file, when it is SQLite."""
        if self.url.get_backend_name() != "sqlite" or not self.url.database:
            return None
        return Path(self.url.database)

    def prepare(self, *, create: bool = True) -> None:
        """Make the tables, or bring older ones up to date; quick when all is well.

        Raises
        ------
        NoLedger : when there is none and none is to be made.
        LedgerError : when the database cannot be reached or written.
        """
        from geodata.ledger.migrations import known, newest, standing, upgrade

        with self._preparing, self._troubles(TROUBLES):
            path = self.embedded
            if path is not None and not (path.is_file() and path.stat().st_size):
                if not create:
                    raise NoLedger(say("ledger.none"), file=path.name, cure=say("ledger.none_cure"))
                make_file(path, self.patience)
            # Reading first: a ledger that can only be read just now can still be read.
            with self._database.engine.connect() as connection:
                step = standing(connection)
            if step != newest():
                if not known(step):
                    raise NewerLedger(
                        say("ledger.newer"), value=step, cure=say("ledger.newer_cure")
                    )
                if not step and not create:
                    raise NoLedger(say("ledger.none"), cure=say("ledger.none_cure"))
                with self._writing() as connection:
                    upgrade(connection)
            self._ready = True

    def dispose(self) -> None:
        """Close what is open; the ledger can still be used afterwards."""
        self._database.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state throughout, and changes nothing.

        Raises
        ------
        LedgerError : when the database cannot be reached.
        """
        if self._joined is not None:
            yield self._joined
            return
        self._once()
        with self._troubles(), self._database.engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    def rows(self, query: sa.Select[Any]) -> list[RowMapping]:
        """What a query finds, in a transaction of its own."""
        with self.reading() as connection:
            return list(connection.execute(query).mappings())

    def seq(self) -> int:
        """Number of the last event; what is polled for. 0 while nothing was decided."""
        found = self.rows(sa.select(tables.head.c.seq))
        return int(found[0]["seq"]) if found else 0

    def decide(
        self,
        actor: Actor,
        work: Callable[[Decision], Json],
        *,
        key: str = "",
        asked: Any = None,
    ) -> Json:
        """Run `work` in one transaction and return what it returned, once it is on disk.

        Parameters
        ----------
        work : decides by `Decision.add` and `change`; whatever it raises undoes everything.
        key : made by the browser for what the person did; asked again with the same key, the
            answer of the first time comes back and nothing is done. Empty: no such protection.
        asked : JSON-able; what was asked, to tell a repetition from a key used twice. May hold any
            text: only what `work` keeps of it must be fit to keep.

        Raises
        ------
        BadRequest : a key, or an answer, with characters that cannot be kept.
        Conflict : when the key was used for something else.
        LedgerError : when it could not be written; then nothing was, unless it says that the
            last step is in doubt. Asking again with the same key settles that.
        """
        self._once()
        _check_text((key,))
        # Half a character is spelled out. No other text is spelled so: JSON doubles a backslash.
        question = chain.canonical(asked).encode("utf-8", "backslashreplace")
        digest = hashlib.sha256(question).hexdigest()
        with self._writing() as connection:
            if key:
                known = tables.request.c
                query = sa.select(known.digest, known.answer).where(
                    known.account == actor.id, known.key == key
                )
                before = connection.execute(query).one_or_none()
                if before is not None:
                    if before.digest != digest:
                        raise Conflict(say("ledger.key_used"), cure=say("ledger.key_used_cure"))
                    return dict(json.loads(before.answer))
            decision = Decision(connection, actor, self.clock())
            answer = work(decision)
            decision.close()
            if key:
                told = chain.canonical(answer)
                _check_text((told,))
                connection.execute(
                    sa.insert(tables.request).values(
                        account=actor.id,
                        key=key,
                        digest=digest,
                        answer=told,
                        at=decision.at,
                    )
                )
                # Nobody sends anything again after so long: a draft is given up sooner.
                past = moments.later(decision.at, days=-ANSWERS_KEPT_DAYS)
                connection.execute(sa.delete(tables.request).where(tables.request.c.at < past))
        return answer

    def was_asked(self, account: str, key: str) -> bool:
        """Whether an account's decision under a key is done."""
        known = tables.request.c
        query = sa.select(known.key).where(known.account == account, known.key == key)
        return bool(key and self.rows(query))

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        """Write what is no decision: sessions, failed sign-ins. Commits at the end.

        Raises
        ------
        LedgerError : when it could not be written.
        """
        self._once()
        with self._writing() as connection:
            yield connection

    @contextmanager
    def together(self) -> Iterator[Ledger]:
        """A door to the ledger, for one thread, through which all is one transaction.

        On disk when it is left, all of it; nothing when anything raises. Others wait: it is for
        what nobody waits beside, as filling a new ledger with thousands of decisions.
        """
        self._once()
        with self._writing() as connection:
            whole = copy.copy(self)
            whole._joined = connection
            yield whole

    @contextmanager
    def replacing(self) -> Iterator[Connection]:
        """Write rows past the events: for `copies` alone, which brings the events along."""
        self._once()
        with self._writing() as connection:
            yield connection

    def _once(self) -> None:
        if not self._ready:
            self.prepare()

    @contextmanager
    def _troubles(self, kinds: tuple[type[Exception], ...] = (SQLAlchemyError,)) -> Iterator[None]:
        try:
            yield
        except kinds as error:
            raise self._database.explained(error) from error

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction that nobody else can write beside; commits at the end."""
        if self._joined is not None:
            yield self._joined
            return
        # Threads of this process queue here: cheaper and fairer than asking the file in turns.
        if not self._turn.acquire(timeout=self.patience):
            raise LedgerError(say("ledger.locked"), cure=say("ledger.locked_cure"))
        worked = False
        try:
            with self._database.engine.connect() as connection:
                connection.execution_options(writes=True)
                with connection.begin():
                    if connection.dialect.name == "postgresql":
                        wait = f"{int(self.patience * 1000)}ms"
                        connection.execute(_PROMISES, {"wait": wait})
                        connection.execute(_QUEUE, {"lock": _LOCK})
                    yield connection
                    worked = True
        except SQLAlchemyError as error:
            raise self._database.explained(error, unsure=worked) from error
        finally:
            self._turn.release()

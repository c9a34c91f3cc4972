"""Which phone steers which wall: pairings, commands and what is shown, in the workspace's SQLite.

All worker processes read and write the same small tables in `atlas.sqlite`, so that it does not
matter which of them a wall or a phone happens to ask, and so that a pairing outlives a restart.
Nothing here knows the web. Secrets and tokens are kept as hashes: who reads the file steers
nothing. All is bounded, for the addresses behind it may be called by anybody on the network.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import math
import secrets
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from geodata.errors import AtlasError, BadRequest, UnknownName
from geodata.state import FILE, connect
from geodata.words import say

CODE_LIFE = 600.0
"""Seconds that a code can be used to pair; then the wall shows another one."""
PAIRING_LIFE = 12 * 3600.0
"""Seconds from pairing until a phone has to pair again: a working day."""
WINDOW = 300.0
"""Seconds that a wrong code is remembered."""
TRIES_AN_ADDRESS = 5
TRIES_IN_ALL = 60
"""Wrong codes in `WINDOW`: with a million codes and a handful of walls, guessing takes weeks."""
FORGOTTEN = 24 * 3600.0
"""Seconds after which a wall that nobody saw leaves, with all that it had."""
ALIVE = 6.0
"""Seconds since its last poll during which a wall counts as answering."""
POINTER_LIFE = 3.0
"""Seconds that a pointer stays without news: a phone whose battery dies leaves no dot behind."""
FRESH = 15.0
"""Seconds that a command waits for its wall. One that comes back later must not leap through all
that was pressed in vain."""
KEPT = 60.0
"""Seconds that a command's id is remembered, so that one sent twice is done once."""

MOST_WALLS = 64
MOST_PAIRINGS = 8
"""Of one wall; the ninth phone takes the place of the one that paired first."""
MOST_COMMANDS = 200
LONGEST = 4000
"""Characters of what a wall says it shows, and of a command, as JSON in plain letters."""

_PATIENCE = 2.0
"""Seconds to wait for another process that writes: a poll that waits longer holds up a thread."""
_NOTE_SEEN = 2.0
"""Seconds between two notes that a wall was seen: a poll is a read, but for every eighth or so."""
_MOST_IDLE = 8
"""Connections that one process keeps open. Opening one costs fifty times what a poll's query does;
and the last one that closes folds the log into the file, which waits for the disk."""
_MARKS = ("23456789", "ABCDEFGHJKLMNPRSTUVWXY")
"""A wall's name ends in one of each: told apart across a room, none looks like another."""

_TABLES = """
CREATE TABLE IF NOT EXISTS steer_wall (
    id TEXT PRIMARY KEY, secret TEXT NOT NULL, mark TEXT NOT NULL, briefing TEXT NOT NULL,
    code TEXT NOT NULL, code_expires REAL NOT NULL, seen REAL NOT NULL,
    seq INTEGER NOT NULL DEFAULT 0, showing TEXT,
    lon REAL, lat REAL, pointed REAL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS steer_pairing (
    token TEXT PRIMARY KEY, wall TEXT NOT NULL, expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS steer_pairing_wall ON steer_pairing (wall, expires);
CREATE TABLE IF NOT EXISTS steer_command (
    wall TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, at REAL NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (wall, seq), UNIQUE (wall, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS steer_try (at REAL NOT NULL, address TEXT NOT NULL);
"""


class SteeringError(AtlasError):
    """The file of the state cannot be read or written now; walls go on by themselves."""

    http_status = 503


class TooManyWalls(AtlasError):
    """As many walls poll as there may be."""

    http_status = 429


class WrongCode(AtlasError):
    """A code that no wall shows now: mistyped, used or expired; which of them is not told."""

    http_status = 403


class NotPaired(AtlasError):
    """A token that steers no wall, or no longer."""

    http_status = 401


class TooManyTries(AtlasError):
    """Too many wrong codes; `wait` are the seconds until the next one is looked at."""

    http_status = 429

    def __init__(self, wait: float) -> None:
        self.wait = max(1, math.ceil(wait))
        minutes = math.ceil(self.wait / 60)
        super().__init__(say("steer.tries"), cure=say("steer.tries_cure", minutes=minutes))


@dataclass(frozen=True)
class Pointer:
    """A spot of light on a wall's map, in degrees."""

    lon: float
    lat: float
    at: float
    """When it was put there, epoch seconds."""


@dataclass(frozen=True)
class Wall:
    """A wall at one moment. Times are epoch seconds."""

    id: str
    name: str
    briefing: str
    code: str
    code_expires: float
    seq: int
    """Number of its last command."""
    paired: int
    """How many phones may steer it."""
    alive: bool
    """Whether it polled lately."""
    showing: Mapping[str, Any] | None
    """What it last said it shows."""
    pointer: Pointer | None


@dataclass(frozen=True)
class Pairing:
    """A phone's right to steer a wall; `token` is told once and kept only as a hash."""

    token: str
    wall: str
    name: str
    expires: float


class Steering:
    """The state of one workspace; safe to use from many threads, with many processes at once.

    Every method raises `SteeringError` when the file cannot be used now.

    Parameters
    ----------
    folder : the workspace.
    clock : epoch seconds. Not the monotonic clock: times are shared by processes and restarts.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = Path(folder) / FILE
        self._clock = clock
        self._lock = Lock()
        self._idle: list[tuple[tuple[int, int], sqlite3.Connection]] = []
        weakref.finalize(self, _close, self._idle)

    # ---- the wall -------------------------------------------------------------------------------

    def register(
        self, wall: str = "", secret: str = "", briefing: str = "default"
    ) -> tuple[Wall, str]:
        """The wall and its secret: the same again for an id with its secret, else a new one.

        Raises
        ------
        TooManyWalls : `MOST_WALLS` are polling; a silent one would give up its place.
        """
        with self._opened(writing=True, create=True) as base:
            now = self._clock()
            _tidy(base, now)
            if not _owns(base, wall, secret):
                _make_room(base, now)
                wall, secret = secrets.token_hex(8), secrets.token_urlsafe(24)
                base.execute(
                    "INSERT INTO steer_wall (id, secret, mark, briefing, code, code_expires, seen)"
                    " VALUES (?, ?, ?, ?, '', 0, ?)",
                    (wall, _hash(secret), _mark(base), briefing, now),
                )
            base.execute(
                "UPDATE steer_wall SET briefing = ?, seen = ? WHERE id = ?", (briefing, now, wall)
            )
            _renew(base, wall, now)
            return _wall(base, wall, now), secret

    def wall(self, wall: str, secret: str) -> Wall:
        """The wall as it stands, for its own poll; notes that it was seen.

        Raises
        ------
        UnknownName : no such wall, or not its secret.
        """
        with self._opened() as base:
            now = self._clock()
            if not _owns(base, wall, secret):
                raise UnknownName(say("steer.no_wall"), cure=say("steer.no_wall_cure"))
            seen, expires = base.execute(
                "SELECT seen, code_expires FROM steer_wall WHERE id = ?", (wall,)
            ).fetchone()
            found = _wall(base, wall, now)
        if 0 <= now - seen < _NOTE_SEEN and _is_live(expires, now):
            return found
        # A write of its own: what began as a read may not turn into one while others write.
        with self._opened(writing=True) as base:
            now = self._clock()
            base.execute("UPDATE steer_wall SET seen = ? WHERE id = ?", (now, wall))
            _renew(base, wall, now)
            return _wall(base, wall, now) if _has(base, wall) else found

    def commands(self, wall: Wall, after: int) -> list[dict[str, Any]]:
        """The wall's fresh commands with a number above `after`, oldest first: `seq`, `do`, ..."""
        if after >= wall.seq:
            return []
        with self._opened() as base:
            rows = base.execute(
                "SELECT seq, body FROM steer_command"
                " WHERE wall = ? AND seq > ? AND seq <= ? AND at > ? ORDER BY seq",
                (wall.id, after, wall.seq, self._clock() - FRESH),
            ).fetchall()
        return [{"seq": seq, **json.loads(body)} for seq, body in rows]

    def show(self, wall: str, secret: str, showing: Mapping[str, Any]) -> None:
        """Note what the wall shows now, for its phones.

        Raises
        ------
        UnknownName : no such wall, or not its secret.
        BadRequest : more than `LONGEST` characters.
        """
        text = _text(showing)
        with self._opened(writing=True) as base:
            if not _owns(base, wall, secret):
                raise UnknownName(say("steer.no_wall"), cure=say("steer.no_wall_cure"))
            base.execute(
                "UPDATE steer_wall SET showing = ?, seen = ? WHERE id = ?",
                (text, self._clock(), wall),
            )

    # ---- pairing --------------------------------------------------------------------------------

    def pair(self, code: str, address: str) -> Pairing:
        """Pair whoever typed `code` at the network address `address`; the code is used up by it.

        Raises
        ------
        WrongCode : no wall shows this code now.
        TooManyTries : too many wrong ones, from this address or in all; the right code, too, is
            refused then, or else guessing could go on.
        """
        place = _network(address)
        with self._opened(writing=True) as base:
            # The clock is read inside the lock, so that times in the file never go backwards.
            now = self._clock()
            _tidy(base, now)
            wait = _locked(base, place, now)
            if wait <= 0:
                found = _showing_code(base, code, now)
                if found is not None:
                    return _join(base, found, now)
                # A right code later does not wipe this out: whoever has a wall of his own could
                # otherwise guess four times, pair with that, and go on.
                base.execute("INSERT INTO steer_try VALUES (?, ?)", (now, place))
        if wait > 0:
            raise TooManyTries(wait)
        raise WrongCode(say("steer.wrong_code"), cure=say("steer.wrong_code_cure"))

    # ---- the phone ------------------------------------------------------------------------------

    def steered(self, token: str) -> tuple[Wall, float]:
        """The wall that the token steers, and when the pairing ends.

        Raises
        ------
        NotPaired : the token is unknown or expired.
        """
        with self._opened() as base:
            now = self._clock()
            wall, expires = _paired(base, token, now)
            return _wall(base, wall, now), expires

    def command(self, token: str, identifier: str, body: Mapping[str, Any]) -> int:
        """Queue a command for the token's wall; its number. The same id again is done once.

        Raises
        ------
        NotPaired : the token is unknown or expired.
        BadRequest : more than `LONGEST` characters.
        """
        text = _text(body)
        with self._opened(writing=True) as base:
            now = self._clock()
            wall, _ = _paired(base, token, now)
            done = base.execute(
                "SELECT seq FROM steer_command WHERE wall = ? AND id = ?", (wall, identifier)
            ).fetchone()
            if done is not None:
                return int(done[0])
            (last,) = base.execute("SELECT seq FROM steer_wall WHERE id = ?", (wall,)).fetchone()
            seq = int(last) + 1
            base.execute("UPDATE steer_wall SET seq = ? WHERE id = ?", (seq, wall))
            base.execute(
                "INSERT INTO steer_command VALUES (?, ?, ?, ?, ?)",
                (wall, seq, identifier, now, text),
            )
            base.execute(
                "DELETE FROM steer_command WHERE wall = ? AND (at <= ? OR seq <= ?)",
                (wall, now - KEPT, seq - MOST_COMMANDS),
            )
            return seq

    def point(self, token: str, spot: tuple[float, float] | None) -> int:
        """Put the pointer at `(lon, lat)` in degrees, or take it away; the last one counts.

        Returns the number of the wall's last command: a pointer is none.

        Raises
        ------
        NotPaired : the token is unknown or expired.
        """
        with self._opened(writing=True) as base:
            now = self._clock()
            wall, _ = _paired(base, token, now)
            lon, lat = spot or (None, None)
            base.execute(
                "UPDATE steer_wall SET lon = ?, lat = ?, pointed = ? WHERE id = ?",
                (lon, lat, now if spot else None, wall),
            )
            (seq,) = base.execute("SELECT seq FROM steer_wall WHERE id = ?", (wall,)).fetchone()
            return int(seq)

    def leave(self, token: str) -> None:
        """End a pairing, and its pointer.

        Raises
        ------
        NotPaired : there was none.
        """
        with self._opened(writing=True) as base:
            wall, _ = _paired(base, token, self._clock())
            base.execute("DELETE FROM steer_pairing WHERE token = ?", (_hash(token),))
            base.execute("UPDATE steer_wall SET pointed = NULL WHERE id = ?", (wall,))

    # ---- the file -------------------------------------------------------------------------------

    @contextmanager
    def _opened(
        self, *, writing: bool = False, create: bool = False
    ) -> Iterator[sqlite3.Connection]:
        """A transaction: kept when the block ends, undone when it raises."""
        try:
            identity, base = self._take(create)
        except (OSError, sqlite3.Error) as error:
            raise _unusable() from error
        try:
            base.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            try:
                yield base
            except BaseException:
                base.execute("ROLLBACK")
                raise
            base.execute("COMMIT")
        except sqlite3.Error as error:
            base.close()
            raise _unusable() from error
        except BaseException:
            self._give_back(identity, base)
            raise
        self._give_back(identity, base)

    def _take(self, create: bool) -> tuple[tuple[int, int], sqlite3.Connection]:
        try:
            identity = _identity(self._path)
        except FileNotFoundError:
            if not create:
                # Nothing was ever steered here: an empty state answers, and leaves no file behind.
                base = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
                base.executescript(_TABLES)
                return (0, 0), base
            identity = (0, 0)
        while identity != (0, 0):
            with self._lock:
                if not self._idle:
                    break
                known, base = self._idle.pop()
            if known == identity:
                return identity, base
            base.close()  # The file was put aside and another one made.
        base = connect(self._path.parent, patience=_PATIENCE, shared=True)
        try:
            # A commit outlives the process at once; only a power cut may take the last ones.
            base.execute("PRAGMA synchronous = NORMAL")
            if _lacks_tables(base):
                base.executescript(_TABLES)
        except sqlite3.Error:
            base.close()
            raise
        return _identity(self._path), base

    def _give_back(self, identity: tuple[int, int], base: sqlite3.Connection) -> None:
        with self._lock:
            if identity != (0, 0) and len(self._idle) < _MOST_IDLE:
                self._idle.append((identity, base))
                return
        base.close()


# ---- the file -----------------------------------------------------------------------------------


def _lacks_tables(base: sqlite3.Connection) -> bool:
    # Asked first, since making tables that are there wants the right to write.
    row = base.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE 'steer\\_%' ESCAPE '\\'")
    return int(row.fetchone()[0]) < 5


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _close(idle: list[tuple[tuple[int, int], sqlite3.Connection]]) -> None:
    for _, base in idle:
        base.close()


def _unusable() -> SteeringError:
    # What is wrong with which file stands in the server's log, by the error it came from.
    return SteeringError(say("steer.state"), cure=say("steer.state_cure"))


# ---- pieces of a transaction ------------------------------------------------------------------


def _tidy(base: sqlite3.Connection, now: float) -> None:
    """Take away what has expired; on the rare ways in, so that it costs the polls nothing."""
    gone = base.execute("SELECT id FROM steer_wall WHERE seen <= ?", (now - FORGOTTEN,))
    _remove(base, [row[0] for row in gone.fetchall()])
    base.execute("DELETE FROM steer_pairing WHERE expires <= ?", (now,))
    base.execute("DELETE FROM steer_command WHERE at <= ?", (now - KEPT,))
    # Tries of the future: the clock was set back, and must not lock anybody out until then.
    base.execute("DELETE FROM steer_try WHERE at <= ? OR at > ?", (now - WINDOW, now + 1))


def _remove(base: sqlite3.Connection, walls: Iterable[str]) -> None:
    for wall in walls:
        base.execute("DELETE FROM steer_pairing WHERE wall = ?", (wall,))
        base.execute("DELETE FROM steer_command WHERE wall = ?", (wall,))
        base.execute("DELETE FROM steer_wall WHERE id = ?", (wall,))


def _make_room(base: sqlite3.Connection, now: float) -> None:
    (count,) = base.execute("SELECT count(*) FROM steer_wall").fetchone()
    if count < MOST_WALLS:
        return
    silent = base.execute(
        "SELECT id FROM steer_wall WHERE seen <= ? ORDER BY seen LIMIT 1", (now - 10 * ALIVE,)
    ).fetchone()
    if silent is None:
        raise TooManyWalls(say("steer.many_walls", most=MOST_WALLS), cure=say("steer.many_cure"))
    _remove(base, silent)


def _mark(base: sqlite3.Connection) -> str:
    taken = {row[0] for row in base.execute("SELECT mark FROM steer_wall")}
    free = [one for one in (a + b for a in _MARKS[0] for b in _MARKS[1]) if one not in taken]
    return secrets.choice(free)


def _is_live(expires: float, now: float) -> bool:
    # One that would live too long was made before the clock was set back.
    return now < expires <= now + CODE_LIFE


def _renew(base: sqlite3.Connection, wall: str, now: float, *, used: bool = False) -> None:
    """Give the wall another code where its own has expired or was used."""
    row = base.execute("SELECT code_expires FROM steer_wall WHERE id = ?", (wall,)).fetchone()
    if row is None or (_is_live(row[0], now) and not used):
        return
    taken = {row[0] for row in base.execute("SELECT code FROM steer_wall")}
    code = ""
    while not code or code in taken:
        code = f"{secrets.randbelow(1_000_000):06}"
    base.execute(
        "UPDATE steer_wall SET code = ?, code_expires = ? WHERE id = ?",
        (code, now + CODE_LIFE, wall),
    )


def _locked(base: sqlite3.Connection, place: str, now: float) -> float:
    """Seconds until this place may try again; not above 0 when it may now."""
    tries = base.execute("SELECT at, address FROM steer_try ORDER BY at DESC").fetchall()
    own = [at for at, address in tries if address == place]
    waits = [
        times[most - 1] + WINDOW - now
        for times, most in ((own, TRIES_AN_ADDRESS), ([at for at, _ in tries], TRIES_IN_ALL))
        if len(times) >= most
    ]
    return max(waits, default=0.0)


def _showing_code(base: sqlite3.Connection, code: str, now: float) -> str | None:
    """The wall that shows the code. All are compared, each in constant time."""
    given, found = code.encode("utf-8", "replace"), None
    rows = base.execute("SELECT id, code, code_expires FROM steer_wall").fetchall()
    for wall, shown, expires in rows:
        same = hmac.compare_digest(shown.encode(), given)
        if same and _is_live(expires, now):
            found = str(wall)
    return found


def _join(base: sqlite3.Connection, wall: str, now: float) -> Pairing:
    token, expires = secrets.token_urlsafe(32), now + PAIRING_LIFE
    base.execute("INSERT INTO steer_pairing VALUES (?, ?, ?)", (_hash(token), wall, expires))
    base.execute(
        "DELETE FROM steer_pairing WHERE wall = ? AND token NOT IN"
        " (SELECT token FROM steer_pairing WHERE wall = ? ORDER BY expires DESC, token = ? DESC"
        " LIMIT ?)",
        (wall, wall, _hash(token), MOST_PAIRINGS),
    )
    _renew(base, wall, now, used=True)
    return Pairing(token, wall, _wall(base, wall, now).name, expires)


def _paired(base: sqlite3.Connection, token: str, now: float) -> tuple[str, float]:
    row = base.execute(
        "SELECT wall, expires FROM steer_pairing WHERE token = ? AND expires > ? AND expires <= ?",
        (_hash(token), now, now + PAIRING_LIFE),
    ).fetchone()
    if row is None or not _has(base, row[0]):
        raise NotPaired(say("steer.not_paired"), cure=say("steer.not_paired_cure"))
    return str(row[0]), float(row[1])


def _owns(base: sqlite3.Connection, wall: str, secret: str) -> bool:
    row = base.execute("SELECT secret FROM steer_wall WHERE id = ?", (wall,)).fetchone()
    return row is not None and hmac.compare_digest(str(row[0]), _hash(secret))


def _has(base: sqlite3.Connection, wall: str) -> bool:
    return base.execute("SELECT 1 FROM steer_wall WHERE id = ?", (wall,)).fetchone() is not None


def _wall(base: sqlite3.Connection, wall: str, now: float) -> Wall:
    row = base.execute(
        "SELECT mark, briefing, code, code_expires, seq, seen, showing, lon, lat, pointed,"
        " (SELECT count(*) FROM steer_pairing WHERE wall = id AND expires > ?)"
        " FROM steer_wall WHERE id = ?",
        (now, wall),
    ).fetchone()
    mark, briefing, code, expires, seq, seen, showing, lon, lat, pointed, paired = row
    lit = pointed is not None and -1 <= now - pointed < POINTER_LIFE
    return Wall(
        id=wall,
        name=say("steer.name", mark=mark),
        briefing=briefing,
        code=code,
        code_expires=expires,
        seq=seq,
        paired=paired,
        alive=abs(now - seen) < ALIVE,
        showing=json.loads(showing) if showing else None,
        pointer=Pointer(lon, lat, pointed) if lit else None,
    )


# ---- small things -------------------------------------------------------------------------------


def _hash(secret: str) -> str:
    # No salt and no slow hash: these are 24 random bytes and more, not words that people choose.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _network(address: str) -> str:
    """The address that tries are counted under: an IPv6 host has a whole /64 to itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _text(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    if len(text) > LONGEST:
        raise BadRequest(say("steer.long", most=LONGEST))
    return text

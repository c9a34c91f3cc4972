"""What is costly and shared is computed once: flask-caching behind plain functions."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

from cachelib.serializers import BaseSerializer
from flask import Flask
from flask_caching import Cache
from flask_caching.backends.base import BaseCache
from redis.exceptions import RedisError

import geodata
import layers
from layers.remember import names

log = logging.getLogger(__name__)

MEMORY = "memory"
DAY = 86_400
MOST_BYTES = 128 * 2**20
"""What the memory of one worker may hold; the pictures of a day's work are a tenth of it."""
PAUSE = 10.0
"""Seconds for which a store that failed is left alone."""


class _Edition(Protocol):
    @property
    def id(self) -> str: ...

    def revision(self, *names: object) -> str: ...


E = TypeVar("E", bound=_Edition)
P = ParamSpec("P")
T = TypeVar("T")


class JsonText(BaseSerializer):
    """Keeps JSON text: whoever can write into a shared store must not get to run code here."""

    def dumps(self, value: Any, protocol: int = 0) -> bytes:
        """UTF-8 JSON; raises on NaN, which no browser reads."""
        return json.dumps(
            value, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()

    def loads(self, bvalue: bytes | None) -> Any:
        """The value, or None when there is none or it is not ours."""
        if bvalue is None:
            return None
        try:
            return json.loads(bvalue)
        except (ValueError, RecursionError):
            return None


class Memory(BaseCache):
    """flask-caching's memory, bounded by what it holds: the longest unused goes first.

    Its own bounds the number of values only, and a thousand saved maps are gigabytes: whoever
    asks for a thousand views could stop the server.
    """

    def __init__(self, most: int = MOST_BYTES, default_timeout: int = DAY) -> None:
        super().__init__(default_timeout=default_timeout)
        self._most = most
        self._held: OrderedDict[str, str] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> Memory:
        """As flask-caching makes a backend that is named by its path."""
        return cls(default_timeout=config["CACHE_DEFAULT_TIMEOUT"])

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._size

    def get(self, key: str) -> str | None:
        """The text under a key. It never grows old: an edition's values do not change."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key]

    def set(self, key: str, value: str, timeout: int | timedelta | None = None) -> bool:
        """Keep a text, unless it alone would take an eighth of the room."""
        need = sys.getsizeof(value)
        if need * 8 > self._most:
            return False
        with self._lock:
            before = self._held.pop(key, None)
            self._size += need - (0 if before is None else sys.getsizeof(before))
            self._held[key] = value
            while self._size > self._most:
                _, gone = self._held.popitem(last=False)
                self._size -= sys.getsizeof(gone)
        return True


class Store:
    """Memoised values, in this process or in a Redis that all workers share.

    Every key holds the edition, its revision for the measures that the arguments name, the
    audience and a fingerprint of the code that draws, so that nothing has to be thrown away: what
    is out of date is never asked for again.
    """

    def __init__(
        self,
        server: Flask,
        address: str = MEMORY,
        *,
        audience: str = "internal",
        prefix: str = "bangfu:",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = Cache()
        self._cache.init_app(server, _configuration(address, prefix))
        # Taken once: `Cache.cache` looks for an app context that a plain function has not.
        self._backend = server.extensions["cache"][self._cache]
        self._shared = address != MEMORY
        self._scope = f"{code_fingerprint()}:{audience}"
        self._clock = clock
        self._silent_until = float("-inf")

    def memoise(
        self, name: str, function: Callable[Concatenate[E, P], T]
    ) -> Callable[Concatenate[E, P], T]:
        """`function(edition, *args)`, computed once an edition and arguments.

        Arguments are JSON-able or have `to_query()`; the value is JSON-able. Both the first and
        every later caller get a value that has been through JSON (a tuple is a list), and a copy
        of their own.
        """

        def remembered(edition: E, /, *args: P.args, **kwargs: P.kwargs) -> T:
            revision = edition.revision(*names((*args, *kwargs.values())))
            key = self._key(name, f"{edition.id}:{revision}", args, kwargs)
            text = self._get(key)
            if text is None:
                value = function(edition, *args, **kwargs)
                text = json.dumps(value, ensure_ascii=False, allow_nan=False)
                self._set(key, text)
            copy: T = json.loads(text)
            return copy

        return remembered

    def _key(self, name: str, edition: str, args: Any, kwargs: Any) -> str:
        said = json.dumps([args, kwargs], default=_canonical, sort_keys=True, ensure_ascii=False)
        return f"{self._scope}:{edition}:{name}:{hashlib.sha256(said.encode()).hexdigest()}"

    def _get(self, key: str) -> str | None:
        found = self._ask(lambda: self._backend.get(key))
        return found if isinstance(found, str) else None

    def _set(self, key: str, text: str) -> None:
        self._ask(lambda: self._backend.set(key, text, timeout=DAY))

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Ask the store, or go on without it: a cache that is down costs time, never an answer."""
        if not self._shared:
            return question()
        if self._clock() < self._silent_until:
            return None
        try:
            return question()
        except (RedisError, OSError) as error:
            self._silent_until = self._clock() + PAUSE
            log.warning("cache does not answer, computing without it for %d s: %s", PAUSE, error)
            return None


@cache
def code_fingerprint() -> str:
    """Ten hex digits that change with any file of the code that computes or draws.

    A Redis outlives an upgrade; what an older version drew must not be taken for today's. Read
    once a process: what runs is what was there when it started.
    """
    digest = hashlib.sha256()
    for package in (geodata, layers):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*")):
            if path.suffix in {".py", ".toml", ".js", ".css", ".html"}:
                digest.update(f"{package.__name__}/{path.relative_to(root).as_posix()}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


def _configuration(address: str, prefix: str) -> dict[str, Any]:
    shared: dict[str, Any] = {"CACHE_DEFAULT_TIMEOUT": DAY, "CACHE_KEY_PREFIX": prefix}
    if address == MEMORY:
        return shared | {"CACHE_TYPE": "dashboard.cache.Memory"}
    return shared | {
        "CACHE_TYPE": "RedisCache",
        "CACHE_REDIS_URL": _impatient(address),
        "CACHE_SERIALIZER": JsonText,
    }


def _impatient(address: str) -> str:
    """The Redis URL with short timeouts, unless it says its own: a page does not wait for it."""
    parts = urlsplit(address)
    given = [part for part in parts.query.split("&") if part]
    names = {part.partition("=")[0] for part in given}
    given += [
        f"{name}=0.5" for name in ("socket_timeout", "socket_connect_timeout") if name not in names
    ]
    return urlunsplit(parts._replace(query="&".join(given)))


def _canonical(value: Any) -> Any:
    if hasattr(value, "to_query"):
        return value.to_query()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"no key can be made of {type(value).__name__}")

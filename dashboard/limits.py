"""How often one may write or try to sign in: flask-limiter, asked about what endpoints declare."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from flask import Flask, Response, request
from flask_limiter import ApplicationLimit, Limiter, RequestLimit

from dashboard import access
from dashboard.cache import MEMORY
from dashboard.errors import respond
from dashboard.settings import Settings, storage
from geodata.words import say

LONGEST_WAIT = 3600


def register(server: Flask, guard: access.Guard, settings: Settings) -> None:
    """Count what endpoints of `server` declare to be counted; to be called after the guard.

    Counted in the Redis that workers share, if one is set, and by each worker for itself
    otherwise; also while the Redis does not answer.
    """
    Limiter(
        _asker,
        app=server,
        application_limits=[
            _limit(guard, "write", settings.write_limit, _asker),
            # By address: before anybody is signed in, a name is whatever a stranger types.
            _limit(guard, "sign_in", settings.sign_in_limit, _address),
        ],
        strategy="fixed-window",
        storage_uri=storage(settings.cache),
        storage_options={} if settings.cache == MEMORY else {"socket_timeout": 1, **_CONNECT},
        in_memory_fallback_enabled=settings.cache != MEMORY,
        key_prefix="bangfu",
    )


_CONNECT = {"socket_connect_timeout": 1}


def _limit(
    guard: access.Guard, name: str, allowed: str, key: Callable[[], str]
) -> ApplicationLimit:
    def elsewhere() -> bool:
        declared = guard.declared(request.endpoint)
        if declared is None or declared.limit != name:
            return True
        # Signing in by a provider is a way of GETs; a write's address may also be read.
        return name == "write" and request.method in access.SAFE

    return ApplicationLimit(
        limit_provider=allowed,
        key_function=key,
        scope=name,
        exempt_when=elsewhere,
        on_breach=_too_many,
    )


def _too_many(limit: RequestLimit) -> Response:
    wait = min(LONGEST_WAIT, max(1, math.ceil(limit.reset_at - time.time())))
    response = respond(429, say("access.too_many", seconds=wait))
    response.headers["Retry-After"] = str(wait)
    return response


def _asker() -> str:
    """The account, wherever it is signed in; else the address."""
    found = access.principal()
    return f"account:{found.actor.id}" if found.actor is not None else _address()


def _address() -> str:
    return f"address:{request.remote_addr or '-'}"

"""How much one address may ask of the public server: flask-limiter, before anything is read."""

from __future__ import annotations

import ipaddress
import math
import time

from flask import Flask, Response, request
from flask_limiter import ApplicationLimit, Limiter, RequestLimit

from dashboard.public_answers import HEALTH, respond
from dashboard.settings import MEMORY, Settings, storage
from geodata.words import say

LONGEST_WAIT = 3600
_PATIENCE = {"socket_timeout": 1, "socket_connect_timeout": 1}
_HOST = 64
"""Bits of an IPv6 address that name a network: whoever has one has all addresses in it."""


def register(server: Flask, settings: Settings) -> None:
    """Count every request to `server` but those for its health.

    Counted in the Redis that workers share, if one is set, and by each worker for itself
    otherwise; also while the Redis does not answer.
    """
    memory = settings.cache == MEMORY
    Limiter(
        address,
        app=server,
        application_limits=[
            ApplicationLimit(
                limit_provider=settings.public_limit,
                scope="public",
                exempt_when=lambda: request.path == HEALTH,
                on_breach=_too_many,
            )
        ],
        # Without a name nothing is counted, and what matches no route has none.
        request_identifier=lambda: request.endpoint or "elsewhere",
        strategy="fixed-window",
        storage_uri=storage(settings.cache),
        storage_options={} if memory else dict(_PATIENCE),
        in_memory_fallback_enabled=not memory,
        key_prefix="bangfu-public",
    )


def address() -> str:
    """Who asks: the address, of IPv6 the network."""
    told = request.remote_addr or "-"
    try:
        found = ipaddress.ip_address(told.partition("%")[0])
    except ValueError:
        return told[:100]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, _HOST), strict=False))
    return str(found)


def _too_many(limit: RequestLimit) -> Response:
    wait = min(LONGEST_WAIT, max(1, math.ceil(limit.reset_at - time.time())))
    response = respond(429, say("access.too_many", seconds=wait))
    response.headers["Retry-After"] = str(wait)
    return response

"""gunicorn as a library: several workers that each make an app of their own."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from dashboard import public_library
from dashboard.library import Library
from dashboard.settings import Settings
from geodata.errors import AtlasError
from geodata.words import say


class ServeError(AtlasError):
    """The server cannot start as it was asked to."""


class Server(BaseApplication):
    """gunicorn with our settings, and nothing from its own files or variables."""

    def __init__(self, settings: Settings, ready: Callable[[], None] = lambda: None) -> None:
        self._settings = settings
        self._ready = ready
        super().__init__()

    def load_config(self) -> None:
        """Hand our settings over."""
        for name, value in configuration(self._settings).items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)
        self.cfg.set("when_ready", lambda _arbiter: self._ready())

    def load(self) -> Any:
        """The WSGI app, made in each worker after the fork: no lock or connection is shared."""
        logging.basicConfig(
            level=self._settings.log_level.upper(),
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        )
        if self._settings.audience == "public":
            from dashboard.public_app import create_public_app

            return create_public_app(self._settings)
        from dashboard.app import create_app

        # It tells of each of its own plugins; what it does to the ledger is told by the ledger.
        logging.getLogger("alembic").setLevel(logging.WARNING)
        return create_app(self._settings).server


def configuration(settings: Settings) -> dict[str, Any]:
    """Gunicorn's configuration: threads in each worker, so that a slow reader blocks nobody."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "workers": settings.workers,
        "worker_class": "gthread",
        "threads": settings.threads,
        "timeout": settings.timeout,
        "graceful_timeout": 20,
        "keepalive": 15,
        "preload_app": False,
        "loglevel": settings.log_level,
        "accesslog": "-" if settings.access_log else None,
        "proc_name": "bangfu",
        # A worker tells that it lives by touching a file: on a disk that can take seconds.
        "worker_tmp_dir": _memory_folder(),
        "limit_request_line": 8190,
        # Newer gunicorns open a socket for orders; nobody here gives any.
        "control_socket_disable": True,
        # Nobody's word is taken for the scheme or the address: `BANGFU_PROXIES` says how many.
        "forwarded_allow_ips": "",
    }


def serve(settings: Settings, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until stopped; `ready` is called once the address is listened on.

    Raises
    ------
    ServeError : when the address is taken or not ours.
    EditionError : when the workspace has no edition yet; for the public: when nothing was
        published, or it is broken.
    """
    if settings.audience == "public":
        public_library.check(settings.workspace)
    else:
        Library(settings.workspace).current()
    _check_address(settings.host, settings.port)
    Server(settings, ready).run()


def _check_address(host: str, port: int) -> None:
    """Fail with a sentence before gunicorn tries five times and gives up in English."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        denied = error.errno == errno.EACCES
        key = "taken" if taken else "denied" if denied else "unreachable"
        raise ServeError(
            say(f"cli.address_{key}"), value=f"{host}:{port}", cure=say("cli.address_cure")
        ) from error


def _memory_folder() -> str | None:
    shm = Path("/dev/shm")  # noqa: S108 - a directory for gunicorn's own temporary file
    return str(shm) if shm.is_dir() else None

"""Long work in a process of its own, one at a time on a machine: what exports and proposals share.

Whoever asks or looks begins it. The process inherits the lock and so holds it until it ends; when
it was killed, the lock is free, and the next look begins again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from geodata.jobs import Job, Standing

log = logging.getLogger(__name__)

PAUSE = 2.0
"""Seconds after which a process that did not come up is started again."""


class Taken(Exception):
    """Somebody else does the job now."""


class Tender:
    """Sees to it that a process is at work while a job is not ended. Safe for threads.

    Parameters
    ----------
    begin : starts the process; given the lock, which it inherits.
    """

    def __init__(
        self,
        lock: Path,
        begin: Callable[[int], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock_file = lock
        self._begin = begin
        self._clock = clock
        self._starting = Lock()
        self._started = float("-inf")

    def tend(self, job: Job, *, new: bool = False) -> None:
        """Begin a process, if one is needed and none is at work."""
        if job.status not in (Standing.WAITING, Standing.WORKING):
            return
        with self._starting:
            if not new and self._clock() - self._started < PAUSE:
                return
            try:
                held = take(self._lock_file)
                if held is None:
                    return  # one is at work
                self._started = self._clock()
                try:
                    self._begin(held)
                finally:
                    os.close(held)
            except OSError as error:
                log.error("no process for jobs: %s", error)  # the next look tries again


def machine_lock(kind: str) -> Path:
    """The file whose lock says that this user's machine is at work of a kind."""
    return Path(tempfile.gettempdir()) / f"bangfu-{kind}-{os.getuid()}.lock"


def take(path: Path) -> int | None:
    """The lock as an open file, or None when somebody has it; whoever inherits it has it, too."""
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        return None
    return held


def begin(module: str, told: dict[str, Any], lock: int) -> subprocess.Popen[bytes]:
    """Run a module in a process that is told a JSON object on its stdin and holds the lock.

    It has a session of its own: a server that is stopped or replaces a worker does not stop it.
    What it is told does not go by arguments, which every user of the machine may read.
    """
    process = subprocess.Popen(  # noqa: S603 - a module of ours, named by the code
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=(lock,),
        start_new_session=True,
    )
    assert process.stdin is not None, "it was asked for"
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(json.dumps(told).encode())

    def wait() -> None:
        # Nobody else would: what ended stays in the system's table until it is asked about.
        if process.wait() != 0:
            log.error("%s ended with %d", module, process.returncode)

    Thread(target=wait, daemon=True).start()
    return process


def write(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)

"""A server that runs, and waiting for one: telling how it goes, and losing patience in the end."""

import math
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from parking.postgres import configuration, postmaster
from parking.postgres.cluster import DataDirectory

Progress = Callable[[str], None]
"""Told what is being waited for, in one line."""

POLL_SECONDS = 0.02
_TELL_EVERY_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class RunningServer:
    """A server that takes connections."""

    data_dir: Path
    pid: int
    port: int
    password: str
    adopted: bool
    """It ran already: somebody else started it."""

    def url(self, dbname: str = "postgres") -> str:
        """Answer the address of one of its databases, password included: never log it."""
        return f"postgresql://{configuration.ROLE}:{self.password}@127.0.0.1:{self.port}/{dbname}"

    def __repr__(self) -> str:
        """Show all but the password."""
        return f"RunningServer(data_dir={str(self.data_dir)!r}, pid={self.pid}, port={self.port})"


def find_ready(data: DataDirectory) -> RunningServer | None:
    """Answer the server of the directory if there is one and it takes connections."""
    found = postmaster.find(data.cluster)
    if found is None or found.status != "ready" or found.port is None:
        return None
    if not postmaster.answers(found.port):
        return None
    return RunningServer(
        data_dir=data.path,
        pid=found.pid,
        port=found.port,
        password=data.password(),
        adopted=True,
    )


class Telling:
    """Passes progress on, but not more often than a person reads."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._next = time.monotonic() + _TELL_EVERY_SECONDS

    def __call__(self, text: str) -> None:
        """Tell, unless something was told a moment ago."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _TELL_EVERY_SECONDS
            self._progress(text)


class Patience:
    """Makes a server that is stuck on its way down go at once.

    PostgreSQL 18, told to stop while it recovers from the crash of one of its own processes, waits
    for ever for others that nobody has told: so one that recovers is not waited for at all, any
    other for some time. Going at once loses nothing: the next start recovers from the write-ahead
    log, as a server that recovers must in any case.
    """

    def __init__(self, data: DataDirectory, seconds: float) -> None:
        self._data = data
        self._until = time.monotonic() + seconds

    def lose_with(self, server: postmaster.PidFile) -> None:
        """Tell the server to go at once, when there is no sense in waiting."""
        if time.monotonic() >= self._until or self._data.recovers_from_crash():
            self._until = math.inf
            with suppress(ProcessLookupError):
                os.kill(server.pid, signal.SIGQUIT)

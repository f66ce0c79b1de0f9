"""Starting, adopting and stopping the server of a data directory.

There is no time limit anywhere: a server that recovers gigabytes of write-ahead log is waited for
as long as its process lives, and what it says about its progress is passed on.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from parking.postgres import configuration, postmaster
from parking.postgres.account import Account
from parking.postgres.binaries import Binaries
from parking.postgres.cluster import DataDirectory, prepare
from parking.postgres.errors import DiskFullError, PortTakenError, PostgresError, ServerEndedError

Progress = Callable[[str], None]
"""Told what is being waited for, in one line."""

_POLL_SECONDS = 0.02
_TELL_EVERY_SECONDS = 1.0
_OLD_SERVER_LINGERS = "pre-existing shared memory block"
_PORT_IN_USE = "Address already in use"
_NO_SPACE = "No space left on device"


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


def ensure_running(
    data_dir: Path,
    *,
    port: int | None = None,
    binaries: Binaries | None = None,
    account: Account | None = None,
    overrides: Mapping[str, str] | None = None,
    progress: Progress = lambda _: None,
) -> RunningServer:
    """Start the server of a data directory, or adopt the one that runs there.

    `port` insists on a port; without it the port of last time is taken if it is free, else any
    free one. `overrides` are lines for postgresql.conf. The server goes on when we end.
    Raises a PostgresError, whose message is one line that says what to do.
    """
    data = DataDirectory(path=data_dir.resolve())
    with data.locked():
        adopted = _adopt(data, progress)
        if adopted is not None:
            return adopted
        data.check_room()
        chosen_account = account or Account.choose()
        chosen_binaries = binaries or Binaries.embedded()
        prepare(data, chosen_binaries, chosen_account)
        start = _Start(
            data=data,
            binaries=chosen_binaries,
            account=chosen_account,
            port=port,
            overrides=overrides or {},
            progress=progress,
        )
        return start.until_ready()


def find_running(data_dir: Path) -> RunningServer | None:
    """Find the server of a data directory, if it runs and is ready; never starts one."""
    data = DataDirectory(path=data_dir.resolve())
    return _ready(data)


def stop(data_dir: Path, *, progress: Progress = lambda _: None) -> bool:
    """Stop the server of a data directory; say whether there was one.

    Clients are turned out, what they had committed is kept. Waits until its process is gone.
    """
    data = DataDirectory(path=data_dir.resolve())
    if not data.path.exists():
        return False
    with data.locked():
        found = postmaster.find(data.cluster)
        if found is None:
            return False
        os.kill(found.pid, signal.SIGINT)
        tell = _Telling(progress)
        while postmaster.serves(found.pid, data.cluster):
            tell("waiting for PostgreSQL to stop")
            time.sleep(_POLL_SECONDS)
        return True


def _adopt(data: DataDirectory, progress: Progress) -> RunningServer | None:
    """Take over the server that runs already, once it is ready; or wait until all of it is gone.

    After a kill -9 of the server its children take a moment to go down, and nobody may start
    another one over their heads.
    """
    tell = _Telling(progress)
    while (ready := _ready(data)) is None:
        left = postmaster.processes_of(data.cluster)
        if not left and postmaster.find(data.cluster) is None:
            return None
        tell("waiting for the PostgreSQL that runs already to be ready, or gone")
        time.sleep(_POLL_SECONDS)
    return ready


def _ready(data: DataDirectory) -> RunningServer | None:
    """Answer the server of the directory if there is one and it takes connections."""
    found = postmaster.find(data.cluster)
    if found is None or not found.ready or found.port is None:
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


class _Telling:
    """Passes progress on, but not more often than a person reads."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._next = time.monotonic() + _TELL_EVERY_SECONDS

    def __call__(self, text: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _TELL_EVERY_SECONDS
            self._progress(text)


@dataclass(frozen=True, kw_only=True)
class _Start:
    """One way to a ready server: spawn, wait, and try again where that can help."""

    data: DataDirectory
    binaries: Binaries
    account: Account
    port: int | None
    overrides: Mapping[str, str]
    progress: Progress

    def until_ready(self) -> RunningServer:
        """Start until it is ready, or until it ends for a reason that trying again cannot mend."""
        preferred = self.port or configuration.last_port(self.data.cluster)
        tell = _Telling(self.progress)
        while True:
            postmaster.remove_stale_pid_file(self.data.cluster)
            pid, log_from = self._spawn(self._free_port(preferred))
            ready = self._wait(pid, log_from, tell)
            if ready is not None:
                return replace(ready, adopted=False)
            said = self._said_since(log_from)
            preferred = self._judge(said, preferred)
            time.sleep(10 * _POLL_SECONDS)

    def _free_port(self, preferred: int | None) -> int:
        if preferred is not None and _is_free(preferred):
            return preferred
        if self.port is not None:
            raise PortTakenError(self.port)
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            port: int = listening.getsockname()[1]
            return port

    def _spawn(self, port: int) -> tuple[int, int]:
        """Start the server as nobody's child, so that it outlives us and leaves us no zombie."""
        cluster = self.data.cluster
        conf = configuration.render(port=port, overrides=self.overrides)
        (cluster / configuration.CONF_FILE).write_text(conf)
        (cluster / "pg_hba.conf").write_text(configuration.HBA)
        self.data.rotate_log()
        with self.data.log.open("a") as log:
            log_from = log.tell()
            # The shell starts the server in the background, tells its pid and ends.
            shell = ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh"]
            server = [self.binaries.program("postgres"), "-D", str(cluster)]
            started = self.account.run(
                [*shell, *server],
                cwd=cluster,
                stdout=subprocess.PIPE,
                stderr=log.fileno(),
                environment={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
            )
        return int(started.stdout), log_from

    def _wait(self, pid: int, log_from: int, tell: _Telling) -> RunningServer | None:
        """Wait until the server is ready, or answer None when it has ended."""
        while True:
            ready = _ready(self.data)
            if ready is not None:
                return ready
            if not postmaster.serves(pid, self.data.cluster):
                return None
            said = self._said_since(log_from)
            tell(f"PostgreSQL is starting: {_text(said[-1]) if said else 'no word yet'}")
            time.sleep(_POLL_SECONDS)

    def _said_since(self, offset: int) -> list[str]:
        with self.data.log.open(errors="replace") as log:
            log.seek(offset)
            return log.read().splitlines()

    def _judge(self, said: list[str], port: int | None) -> int | None:
        """Raise for what cannot be mended; otherwise answer the port to prefer next time."""
        everything = "\n".join(said)
        if _PORT_IN_USE in everything:
            if self.port is not None:
                raise PortTakenError(self.port)
            return None
        if _OLD_SERVER_LINGERS in everything:
            self.progress("waiting for the killed PostgreSQL's processes to end")
            return port
        raise self._failure(said)

    def _failure(self, said: list[str]) -> PostgresError:
        if any(_NO_SPACE in line for line in said):
            free = os.statvfs(self.data.path)
            return DiskFullError(self.data.path, free.f_bavail * free.f_frsize)
        reasons = [line for line in said if "FATAL" in line or "PANIC" in line or "error" in line]
        return ServerEndedError(self.data.log, _text((reasons or said or ["it said nothing"])[0]))


def _text(line: str) -> str:
    """Leave out the time and pid before a log line."""
    return line.partition("] ")[2] or line


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

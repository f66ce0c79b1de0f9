"""One way to a ready server: spawn, wait as long as it lives, try again where that can help."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from parking.postgres import configuration, postmaster
from parking.postgres.account import Account
from parking.postgres.binaries import Binaries
from parking.postgres.cluster import DataDirectory
from parking.postgres.errors import DiskFullError, PortTakenError, PostgresError, ServerEndedError
from parking.postgres.server import POLL_SECONDS, RunningServer, Telling, find_ready

_OLD_SERVER_LINGERS = "pre-existing shared memory block"
_PORT_IN_USE = "Address already in use"
_NO_SPACE = "No space left on device"


@dataclass(frozen=True, kw_only=True)
class Start:
    """Everything that a start needs to know."""

    data: DataDirectory
    binaries: Binaries
    account: Account
    port: int | None
    overrides: Mapping[str, str]
    tell: Telling

    def untilfind_ready(self) -> RunningServer:
        """Start until it is ready, or until it ends for a reason that trying again cannot mend."""
        preferred = self.port or configuration.last_port(self.data.cluster)
        while True:
            postmaster.remove_stale_pid_file(self.data.cluster)
            pid, log_from = self._spawn(self._free_port(preferred))
            ready = self._wait(pid, log_from)
            if ready is not None:
                return replace(ready, adopted=False)
            said = self._said_since(log_from)
            preferred = self._judge(said, preferred)
            time.sleep(10 * POLL_SECONDS)

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
                environment=_environment(),
            )
        return int(started.stdout), log_from

    def _wait(self, pid: int, log_from: int) -> RunningServer | None:
        """Wait until the server is ready, or answer None when it has ended."""
        while True:
            ready = find_ready(self.data)
            if ready is not None:
                return ready
            if not postmaster.serves(pid, self.data.cluster):
                return None
            said = self._said_since(log_from)
            self.tell(f"PostgreSQL is starting: {_text(said[-1]) if said else 'no word yet'}")
            time.sleep(POLL_SECONDS)

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
            self.tell("waiting for the killed PostgreSQL's processes to end")
            return port
        raise self._failure(said)

    def _failure(self, said: list[str]) -> PostgresError:
        if any(_NO_SPACE in line for line in said):
            free = os.statvfs(self.data.path)
            return DiskFullError(self.data.path, free.f_bavail * free.f_frsize)
        reasons = [line for line in said if "FATAL" in line or "PANIC" in line or "error" in line]
        return ServerEndedError(self.data.log, _text((reasons or said or ["it said nothing"])[0]))


def _environment() -> dict[str, str]:
    """What the server may know of ours: where programs and libraries are, and no secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


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

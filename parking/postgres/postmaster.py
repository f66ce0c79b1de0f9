"""Who serves a cluster: PostgreSQL's own pid file, held against what the kernel says."""

import os
import re
import socket
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

PID_FILE = "postmaster.pid"
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""PostgreSQL's protocol, message flow, SSLRequest."""
_ANSWER_SECONDS = 2.0
_HAS_PROC = Path("/proc/self/cwd").exists()
_LINE_PID, _LINE_PORT, _LINE_STATUS = 0, 3, 7


@dataclass(frozen=True, kw_only=True)
class PidFile:
    """What a cluster's pid file says. It may be stale, half written, or of a process long gone."""

    pid: int
    port: int | None
    status: str
    """`starting`, `ready`, `stopping` or `standby`; empty before the first."""

    @classmethod
    def read(cls, cluster: Path) -> "PidFile | None":
        """Read it, if there is one."""
        try:
            lines = (cluster / PID_FILE).read_text().splitlines()
        except FileNotFoundError:
            return None
        pid = _number(lines, _LINE_PID)
        if pid is None:
            return None
        return cls(
            pid=abs(pid),  # negative while in single-user mode
            port=_number(lines, _LINE_PORT),
            status=lines[_LINE_STATUS].strip() if len(lines) > _LINE_STATUS else "",
        )


def _number(lines: list[str], index: int) -> int | None:
    text = lines[index].strip() if index < len(lines) else ""
    return int(text) if re.fullmatch(r"-?\d+", text) else None


def serves(pid: int, cluster: Path) -> bool:
    """Say whether this process is alive and a server of this very cluster.

    A process id alone proves nothing: after a crash or a reboot another program may have it. A
    PostgreSQL process works inside its data directory, and the kernel tells us that.
    """
    if _HAS_PROC:
        return not _is_zombie(pid) and _works_in(pid, cluster)
    shown = subprocess.run(
        ["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return not shown.startswith("Z") and "postgres" in shown and str(cluster) in shown


def _works_in(pid: int, cluster: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").samefile(cluster)
    except OSError:  # gone, or another user's
        return False


def _is_zombie(pid: int) -> bool:
    """Say whether it has ended and nobody has asked (in a container without a real init)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state == "Z"


def find(cluster: Path) -> PidFile | None:
    """Find the live server of a cluster."""
    written = PidFile.read(cluster)
    return written if written is not None and serves(written.pid, cluster) else None


def processes_of(cluster: Path) -> tuple[int, ...]:
    """List the processes of a cluster, those that a killed server left behind included.

    Empty where the kernel has no /proc; PostgreSQL then notices them by their shared memory.
    """
    return tuple(
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if serves(int(entry.name), cluster)
    )


def remove_stale_pid_file(cluster: Path) -> None:
    """Remove a pid file that PostgreSQL would stumble over.

    It removes the file of a process that is gone itself, but refuses to start when the number
    belongs to a stranger by now, or when a full disk left the file empty. Only call this when no
    process of the cluster is left: the file is what guards them.
    """
    written = PidFile.read(cluster)
    if written is None or _exists(written.pid):
        (cluster / PID_FILE).unlink(missing_ok=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def answers(port: int) -> bool:
    """Say whether a PostgreSQL takes connections on a port of this machine.

    Asks for encryption, which any server answers with one letter before it asks who we are.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_SECONDS) as asking:
            asking.sendall(_SSL_REQUEST)
            return asking.recv(1) in {b"N", b"S"}
    except OSError:
        return False

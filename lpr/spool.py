"""The gate box's memory: events waiting to be sent, and how far each lane has been looked at.

One SQLite file, in WAL mode with a disk flush at every commit. An event is written, with its id,
in the same transaction as its lane's progress: killed at any moment, the agent neither loses a
car nor makes a second event of it. Events leave only when the server has answered for them.
"""

import fcntl
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO
from uuid import UUID

import msgspec

from lpr.errors import SpoolFullError, SpoolTakenError, SpoolUnusableError

SCHEMA_VERSION = 1
_PAGE_BYTES = 4096
_BUSY_TIMEOUT_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE event (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  body BLOB NOT NULL,
  spooled_at REAL NOT NULL
) STRICT;
CREATE TABLE rejected (
  event_id TEXT PRIMARY KEY,
  body BLOB NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('conflict', 'refused')),
  reason TEXT NOT NULL,
  rejected_at REAL NOT NULL
) STRICT;
CREATE TABLE lane (
  lane_id TEXT PRIMARY KEY,
  cursor TEXT NOT NULL,
  state BLOB NOT NULL
) STRICT;
"""


class SpooledEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way to the server."""

    event_id: UUID
    body: bytes
    """The JSON that is sent, always the same bytes."""


class RejectedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that the server would not have; kept aside for a person."""

    event_id: UUID
    status: str
    """`conflict` or `refused`."""
    reason: str
    body: bytes


class LaneProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a lane's frames have been taken into account."""

    cursor: str
    """The last frame, as its camera names it; empty before the first."""
    state: bytes
    """The cars in mind after that frame, as JSON."""


class SpoolCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in the spool."""

    pending: int
    oldest_spooled_at: datetime | None
    rejected: int


class Spool:
    """The spool file. Its methods may be called from any thread."""

    def __init__(self, path: Path, *, bytes_max: int) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._claim: TextIO | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path,
                isolation_level=None,
                check_same_thread=False,
                timeout=_BUSY_TIMEOUT_SECONDS,
            )
            self._prepare(bytes_max)
        except (OSError, sqlite3.Error) as error:
            raise SpoolUnusableError(path, str(error)) from error

    def claim(self) -> None:
        """Make this process the only agent on the spool, for as long as it lives.

        Raises SpoolTakenError. The claim is a lock of the operating system on a file beside the
        spool, so no crash leaves it behind.
        """
        claim = self._path.with_name(f"{self._path.name}.lock").open("w")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            claim.close()
            raise SpoolTakenError(self._path) from error
        self._claim = claim

    def close(self) -> None:
        """Close the file; everything committed is on disk already."""
        with self._lock:
            self._db.close()
            if self._claim is not None:
                self._claim.close()

    def progress(self, lane_id: str) -> LaneProgress | None:
        """Answer how far a lane is; None for a lane never seen."""
        with self._lock:
            row = self._db.execute(
                "SELECT cursor, state FROM lane WHERE lane_id = ?", (lane_id,)
            ).fetchone()
        return None if row is None else LaneProgress(cursor=row[0], state=row[1])

    def advance(
        self,
        lane_id: str,
        progress: LaneProgress,
        *,
        events: Sequence[SpooledEvent] = (),
        now: datetime,
    ) -> None:
        """Move a lane on and spool the events that this made, all or nothing.

        Raises SpoolFullError when there is no room; then nothing has happened and the same call
        may be made again.
        """
        with self._transaction():
            self._db.executemany(
                "INSERT INTO event (event_id, body, spooled_at) VALUES (?, ?, ?)",
                [(str(event.event_id), event.body, now.timestamp()) for event in events],
            )
            self._db.execute(
                "INSERT INTO lane (lane_id, cursor, state) VALUES (?, ?, ?) ON CONFLICT (lane_id)"
                " DO UPDATE SET cursor = excluded.cursor, state = excluded.state",
                (lane_id, progress.cursor, progress.state),
            )

    def pending(self, limit: int) -> list[SpooledEvent]:
        """Answer the oldest events that the server has not answered for."""
        with self._lock:
            rows = self._db.execute(
                "SELECT event_id, body FROM event ORDER BY sequence LIMIT ?", (limit,)
            ).fetchall()
        return [SpooledEvent(event_id=UUID(row[0]), body=row[1]) for row in rows]

    def settle(
        self,
        *,
        delivered: Sequence[UUID],
        rejected: Sequence[RejectedEvent] = (),
        now: datetime,
    ) -> None:
        """Let go of what the server has, and put aside what it would not have."""
        with self._transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO rejected (event_id, body, status, reason, rejected_at)"
                " VALUES (?, ?, ?, ?, ?)",
                [
                    (str(item.event_id), item.body, item.status, item.reason, now.timestamp())
                    for item in rejected
                ],
            )
            gone = [*delivered, *(item.event_id for item in rejected)]
            self._db.executemany(
                "DELETE FROM event WHERE event_id = ?", [(str(event_id),) for event_id in gone]
            )

    def rejected(self) -> list[RejectedEvent]:
        """Answer what has been put aside, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT event_id, status, reason, body FROM rejected ORDER BY rejected_at, event_id"
            ).fetchall()
        return [
            RejectedEvent(event_id=UUID(row[0]), status=row[1], reason=row[2], body=row[3])
            for row in rows
        ]

    def retry_rejected(self, *, now: datetime) -> int:
        """Send what was put aside once more, for example after a lane has been registered."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO event (event_id, body, spooled_at)"
                " SELECT event_id, body, ? FROM rejected ORDER BY rejected_at, event_id",
                (now.timestamp(),),
            )
            return self._db.execute("DELETE FROM rejected").rowcount

    def counts(self) -> SpoolCounts:
        """Count what lies here."""
        with self._lock:
            pending, oldest = self._db.execute(
                "SELECT count(*), min(spooled_at) FROM event"
            ).fetchone()
            (rejected,) = self._db.execute("SELECT count(*) FROM rejected").fetchone()
        return SpoolCounts(
            pending=pending,
            oldest_spooled_at=None if oldest is None else datetime.fromtimestamp(oldest, tz=UTC),
            rejected=rejected,
        )

    def _prepare(self, bytes_max: int) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(f"PRAGMA max_page_count = {max(bytes_max // _PAGE_BYTES, 1)}")
        with self._transaction():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == SCHEMA_VERSION:
                return
            if version != 0:
                msg = f"it was written by a later version (schema {version})"
                raise SpoolUnusableError(self._path, msg)
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise self._named(error) from error
                raise

    def _named(self, error: sqlite3.Error) -> SpoolFullError | SpoolUnusableError:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            return SpoolFullError(self._path)
        return SpoolUnusableError(self._path, str(error))

"""All state: what is kept, found by id, by its merchant's number, or by what it belongs to."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway_sim.state_file import StateFile
from gateway_sim.wechatpay.shapes import Kept

K = TypeVar("K", bound=Kept)
SCHEMA_VERSION = 1
_SCHEMA = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")


class Store(StateFile):
    """Kept things as JSON, found by id, by their merchant's number, or by what they belong to."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the state; None keeps it in memory.

        Raises StateFileError when the file cannot be opened or is something else.
        """
        super().__init__(path, schema=_SCHEMA, version=SCHEMA_VERSION)

    def count_up(self, name: str) -> int:
        """The next number of a counter, from 1."""
        (value,) = self.database.execute(
            "INSERT INTO counter (name, value) VALUES (?, 1)"
            " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (name,),
        ).fetchone()
        return int(value)

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

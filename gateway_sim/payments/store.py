"""All state: Stripe's objects, found by kind, id and a few columns."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway_sim.payments.shapes.base import Shape
from gateway_sim.state_file import StateFile
from gateway_sim.wire import JsonObject

S = TypeVar("S", bound=Shape)
SCHEMA_VERSION = 2
PLATFORM = ""
"""The account of the platform itself, as against its connected accounts."""
_SCHEMA = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")
_COLUMNS = frozenset(
    {
        "charge",
        "currency",
        "customer",
        "destination",
        "email",
        "of_account",
        "payment_intent",
        "payment_method",
        "payout",
        "reported",
        "setup_intent",
        "source",
        "source_transaction",
        "status",
        "transfer",
        "transfer_group",
        "type",
    }
)
_RANGES = frozenset({"arrival_date", "created"})


class Store(StateFile):
    """Stripe objects as JSON with a few columns to look them up by.

    Everything is kept and found within one account at a time: the platform's own, or that of a
    connected account (`within`).
    """

    def __init__(self, path: Path | None = None) -> None:
        """Open the state; None keeps it in memory.

        Raises StateFileError when the file cannot be opened or is something else.
        """
        super().__init__(path, schema=_SCHEMA, version=SCHEMA_VERSION)
        self.account = PLATFORM
        self._counters: dict[str, int] = {}
        self._counted: set[str] = set()
        """Counters that the file does not know of yet."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Within a transaction: undo what happens inside when an error leaves the block.

        An error that keeps its changes (a decline leaves a failed charge) undoes nothing.
        """
        self.database.execute("SAVEPOINT operation")
        try:
            yield
        except BaseException as error:
            if not getattr(error, "keeps_changes", False):
                self.database.execute("ROLLBACK TO operation")
            raise
        finally:
            self.database.execute("RELEASE operation")

    @contextmanager
    def within(self, account: str) -> Iterator[None]:
        """Keep and find what is inside the block in another account."""
        before, self.account = self.account, account
        try:
            yield
        finally:
            self.account = before

    def count_up(self, name: str) -> int:
        """The next number of a counter, from 1; kept when the next transaction commits."""
        if name not in self._counters:
            row = self.database.execute(
                "SELECT value FROM counter WHERE name = ?", (name,)
            ).fetchone()
            self._counters[name] = row[0] if row else 0
        self._counters[name] += 1
        self._counted.add(name)
        return self._counters[name]

    def before_commit(self) -> None:
        """Keep the counters, once for all that was counted."""
        self.database.executemany(
            "INSERT OR REPLACE INTO counter (name, value) VALUES (?, ?)",
            [(name, self._counters[name]) for name in self._counted],
        )
        self._counted.clear()

    def put(self, shape: Shape) -> None:
        """Keep an object, new or changed."""
        body = msgspec.json.encode(shape).decode()
        self.database.execute(
            "INSERT INTO object (id, kind, account, created, body) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (shape.id, shape.kind(), self.account, shape.created, body),
        )

    def replace(self, shape: Shape) -> None:
        """Keep an object in place of one of another kind with the same id."""
        self.put(shape)
        self.database.execute("UPDATE object SET kind = ? WHERE id = ?", (shape.kind(), shape.id))

    def remove(self, object_id: str) -> None:
        """Forget an object."""
        self.database.execute("DELETE FROM object WHERE id = ?", (object_id,))

    def get(self, shape: type[S], object_id: str) -> S | None:
        """Look an object up by kind and id."""
        row = self.database.execute(
            "SELECT body FROM object WHERE id = ? AND kind = ? AND account = ?",
            (object_id, shape.kind(), self.account),
        ).fetchone()
        return msgspec.json.decode(row[0], type=shape) if row else None

    def account_of(self, object_id: str) -> str | None:
        """The account that an object is kept in; None when there is no such object."""
        row = self.database.execute(
            "SELECT account FROM object WHERE id = ?", (object_id,)
        ).fetchone()
        return str(row[0]) if row else None

    def get_any(self, object_id: str) -> JsonObject | None:
        """Look an object up by id alone, as JSON."""
        row = self.database.execute(
            "SELECT body FROM object WHERE id = ? AND account = ?", (object_id, self.account)
        ).fetchone()
        return msgspec.json.decode(row[0], type=JsonObject) if row else None

    def find(
        self,
        shape: type[S],
        *,
        where: Mapping[str, str | None] | None = None,
        ranges: Mapping[str, Mapping[str, int]] | None = None,
        limit: int = -1,
        after: str | None = None,
        before: str | None = None,
    ) -> Sequence[S]:
        """Objects of a kind, newest first; `None` in `where` leaves that column open.

        `ranges` compares columns by `gt`, `gte`, `lt`, `lte`. `after` and `before` are ids in that
        order; with `before` the objects nearest to it are taken.
        """
        clauses, values = _conditions(where or {}, ranges or {})
        if after is not None:
            clauses.append("seq < (SELECT seq FROM object WHERE id = ?)")
            values.append(after)
        if before is not None:
            clauses.append("seq > (SELECT seq FROM object WHERE id = ?)")
            values.append(before)
        order = "ASC" if before is not None else "DESC"
        # Only column names from a fixed set and operators from this module reach the text.
        rows = self.database.execute(
            # Kinds stand in the text, not as parameters, so that partial indexes are used.
            f"SELECT body FROM object WHERE account = ? AND kind = '{shape.kind()}'"  # noqa: S608
            f"{''.join(' AND ' + c for c in clauses)} ORDER BY seq {order} LIMIT ?",
            (self.account, *values, limit),
        ).fetchall()
        found = [msgspec.json.decode(row[0], type=shape) for row in rows]
        return found if before is None else found[::-1]

    def balance(self, currency: str, *, until: int) -> int:
        """What was available in a currency at a time, in minor units."""
        (total,) = self.database.execute(
            "SELECT coalesce(sum(net), 0) FROM object WHERE kind = 'balance_transaction'"
            " AND account = ? AND currency = ? AND available_on <= ?",
            (self.account, currency, until),
        ).fetchone()
        return int(total)

    def balances(self, *, until: int) -> dict[str, tuple[int, int]]:
        """Available and still pending at a time, in minor units, by currency."""
        rows = self.database.execute(
            "SELECT currency, sum(net * (available_on <= ?)), sum(net * (available_on > ?))"
            " FROM object WHERE kind = 'balance_transaction' AND account = ? GROUP BY currency",
            (until, until, self.account),
        )
        return {currency: (available, pending) for currency, available, pending in rows}

    def not_paid_out(self, *, until: int) -> dict[str, int]:
        """What was available at a time and in no automatic payout yet, by currency."""
        rows = self.database.execute(
            "SELECT currency, sum(net) FROM object WHERE kind = 'balance_transaction'"
            " AND account = ? AND payout IS NULL AND available_on <= ? GROUP BY currency",
            (self.account, until),
        )
        return dict(rows.fetchall())

    def put_in_payout(self, payout: str, *, currency: str, until: int) -> None:
        """Note which moves an automatic payout is made of."""
        self.database.execute(
            "UPDATE object SET body = json_set(body, '$.payout', ?)"
            " WHERE kind = 'balance_transaction' AND account = ? AND payout IS NULL"
            " AND currency = ? AND available_on <= ?",
            (payout, self.account, currency, until),
        )


_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _conditions(
    where: Mapping[str, str | None], ranges: Mapping[str, Mapping[str, int]]
) -> tuple[list[str], list[str | int]]:
    given = {column: value for column, value in where.items() if value is not None}
    if unknown := (given.keys() - _COLUMNS) | (ranges.keys() - _RANGES):
        msg = f"objects cannot be looked up by {sorted(unknown)}"
        raise ValueError(msg)
    clauses = [f"{column} = ?" for column in given]
    values: list[str | int] = list(given.values())
    for column, bounds in ranges.items():
        clauses += [f"{column} {_COMPARISONS[comparison]} ?" for comparison in bounds]
        values += bounds.values()
    return clauses, values

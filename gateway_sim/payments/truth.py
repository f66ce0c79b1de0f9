"""The truth log: every charge and refund that really happened, whatever anyone was told."""

import msgspec

from gateway_sim.payments.store import Store
from gateway_sim.payments.wire import JsonObject


class TrueCharge(msgspec.Struct, frozen=True, kw_only=True):
    """Money taken from a card."""

    charge: str
    payment_intent: str
    balance_transaction: str
    customer: str | None
    payment_method: str
    amount: int
    fee: int
    currency: str
    idempotency_key: str | None
    metadata: dict[str, str]
    created: int


class TrueRefund(msgspec.Struct, frozen=True, kw_only=True):
    """Money given back to a card."""

    refund: str
    charge: str
    payment_intent: str
    balance_transaction: str
    customer: str | None
    amount: int
    currency: str
    idempotency_key: str | None
    metadata: dict[str, str]
    created: int


class TruthLog:
    """Append-only, in the same transaction as the object it tells of."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def charged(self, charge: TrueCharge) -> None:
        """Record a charge."""
        self._add("charge", charge)

    def refunded(self, refund: TrueRefund) -> None:
        """Record a refund."""
        self._add("refund", refund)

    def _add(self, kind: str, what: msgspec.Struct) -> None:
        body = msgspec.json.encode(what).decode()
        self._store.database.execute("INSERT INTO truth (kind, body) VALUES (?, ?)", (kind, body))

    def read(self) -> JsonObject:
        """Everything so far, in the order in which it happened."""
        rows = self._store.database.execute("SELECT kind, body FROM truth ORDER BY seq")
        truth: JsonObject = {"charges": [], "refunds": []}
        for kind, body in rows:
            truth[f"{kind}s"].append(msgspec.json.decode(body))
        return truth

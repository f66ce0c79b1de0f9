"""The truth log: all money that really moved, whatever anyone was told."""

from typing import Literal

import msgspec

from gateway_sim.payments.store import Store
from gateway_sim.wire import JsonObject

KINDS = ("charge", "refund", "dispute", "transfer", "reversal", "payout", "discrepancy")
_PLURALS = {"discrepancy": "discrepancies"}

PayoutStep = Literal["payout", "payout_canceled", "payout_failed"]


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
    payment_intent: str | None
    balance_transaction: str
    customer: str | None
    amount: int
    currency: str
    idempotency_key: str | None
    metadata: dict[str, str]
    created: int


class TrueDispute(msgspec.Struct, frozen=True, kw_only=True):
    """Money that the bank took back, or returned."""

    what: Literal["withdrawn", "reinstated"]
    dispute: str
    charge: str
    payment_intent: str | None
    balance_transaction: str
    amount: int
    fee: int
    currency: str
    created: int


class TrueTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """Money passed on to a connected account."""

    transfer: str
    balance_transaction: str
    destination: str
    source_transaction: str | None
    transfer_group: str | None
    amount: int
    currency: str
    idempotency_key: str | None
    metadata: dict[str, str]
    created: int


class TrueReversal(msgspec.Struct, frozen=True, kw_only=True):
    """Money of a transfer taken back."""

    reversal: str
    transfer: str
    balance_transaction: str
    destination: str
    amount: int
    currency: str
    idempotency_key: str | None
    metadata: dict[str, str]
    created: int


class TruePayout(msgspec.Struct, frozen=True, kw_only=True):
    """Money that left for a bank (`payout`), or stayed or came back after all."""

    what: PayoutStep
    payout: str
    account: str | None
    """The connected account; null: the platform."""
    balance_transaction: str
    amount: int
    currency: str
    automatic: bool
    failure_code: str | None
    idempotency_key: str | None
    metadata: dict[str, str]
    created: int


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """Where the report of balance transactions was made to lie (an injected fault)."""

    kind: Literal["wrong_fee", "missing_charge", "surplus_charge"]
    balance_transaction: str
    charge: str
    amount: int
    """In minor units: the fee too much, or the gross amount that is missing or surplus."""
    currency: str
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

    def disputed(self, dispute: TrueDispute) -> None:
        """Record what a dispute did to money."""
        self._add("dispute", dispute)

    def transferred(self, transfer: TrueTransfer) -> None:
        """Record a transfer."""
        self._add("transfer", transfer)

    def reversed(self, reversal: TrueReversal) -> None:
        """Record a reversal of a transfer."""
        self._add("reversal", reversal)

    def paid_out(self, payout: TruePayout) -> None:
        """Record a payout, or that it came back."""
        self._add("payout", payout)

    def lied(self, discrepancy: Discrepancy) -> None:
        """Record that the report does not tell the truth."""
        self._add("discrepancy", discrepancy)

    def _add(self, kind: str, what: msgspec.Struct) -> None:
        body = msgspec.json.encode(what).decode()
        self._store.database.execute("INSERT INTO truth (kind, body) VALUES (?, ?)", (kind, body))

    def read(self) -> JsonObject:
        """Everything so far, in the order in which it happened."""
        rows = self._store.database.execute("SELECT kind, body FROM truth ORDER BY seq")
        truth: JsonObject = {_PLURALS.get(kind, f"{kind}s"): [] for kind in KINDS}
        for kind, body in rows:
            truth[_PLURALS.get(kind, f"{kind}s")].append(msgspec.json.decode(body))
        return truth

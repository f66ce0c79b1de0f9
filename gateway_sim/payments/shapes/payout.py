"""A payout: money on its way from a balance to a bank."""

from typing import ClassVar, Literal

import msgspec

from gateway_sim.payments.shapes.base import Shape
from gateway_sim.wire import JsonObject


class Payout(Shape, kw_only=True):
    """Money that leaves, and may come back when the bank refuses it."""

    KIND: ClassVar[str] = "payout"

    object: Literal["payout"] = "payout"
    livemode: bool = False
    amount: int
    application_fee: None = None
    application_fee_amount: None = None
    arrival_date: int
    automatic: bool = False
    balance_transaction: str
    currency: str
    description: str | None = None
    destination: str | None = None
    failure_balance_transaction: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    fails_as: str | None = None
    """The failure code with which it will fail. Never answered."""
    metadata: dict[str, str] = {}
    method: str = "standard"
    original_payout: None = None
    payout_method: None = None
    reconciliation_status: str = "not_applicable"
    reversed_by: None = None
    source_type: str = "card"
    statement_descriptor: str | None = None
    status: Literal["pending", "in_transit", "paid", "failed", "canceled"] = "pending"
    trace_id: JsonObject = msgspec.field(
        default_factory=lambda: {"status": "pending", "value": None}
    )
    type: str = "bank_account"

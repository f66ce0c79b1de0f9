"""A refund: money given back, all of a charge or part of it."""

from typing import ClassVar, Literal

import msgspec

from gateway_sim.payments.shapes.base import Shape
from gateway_sim.wire import JsonObject


def _to_card() -> JsonObject:
    return {"card": {"type": "refund"}, "type": "card"}


class Refund(Shape, kw_only=True):
    """Money that went back to the card."""

    KIND: ClassVar[str] = "refund"

    object: Literal["refund"] = "refund"
    amount: int
    balance_transaction: str
    charge: str
    currency: str
    customer: str | None = None
    customer_account: None = None
    destination_details: JsonObject = msgspec.field(default_factory=_to_card)
    metadata: dict[str, str] = {}
    payment_intent: str | None = None
    payment_method: str | None = None
    reason: str | None = None
    receipt_number: None = None
    source_transfer_reversal: str | None = None
    status: str = "succeeded"
    transfer_reversal: str | None = None

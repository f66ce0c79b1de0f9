"""A charge: one attempt to take money from a card, succeeded or failed."""

from typing import ClassVar, Literal

import msgspec

from gateway_sim.payments.shapes.base import Shape
from gateway_sim.payments.shapes.payment_method import BillingDetails
from gateway_sim.wire import JsonObject


class Charge(Shape, kw_only=True):
    """An attempt; `paid` says whether money moved."""

    KIND: ClassVar[str] = "charge"

    object: Literal["charge"] = "charge"
    livemode: bool = False
    amount: int
    amount_captured: int
    amount_refunded: int = 0
    application: None = None
    application_fee: None = None
    application_fee_amount: None = None
    balance_transaction: str | None = None
    billing_details: BillingDetails
    calculated_statement_descriptor: str | None = None
    captured: bool
    currency: str
    customer: str | None = None
    description: str | None = None
    disputed: bool = False
    failure_balance_transaction: None = None
    failure_code: str | None = None
    failure_message: str | None = None
    fraud_details: JsonObject = msgspec.field(default_factory=dict)
    metadata: dict[str, str] = {}
    on_behalf_of: str | None = None
    outcome: JsonObject | None
    paid: bool
    payment_intent: str | None = None
    payment_method: str | None = None
    payment_method_details: JsonObject
    receipt_email: str | None = None
    receipt_number: None = None
    receipt_url: str | None = None
    refunded: bool = False
    refunds: None = None
    """Null since 2022-11-15: list refunds by charge instead."""
    review: None = None
    shipping: None = None
    source: None = None
    source_transfer: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    status: Literal["succeeded", "failed"]
    transfer: str | None = None
    """To `transfer_data`'s destination; only told when there is one."""
    transfer_data: JsonObject | None = None
    transfer_group: str | None = None
    withdrawn: int = 0
    """What its disputes took back and did not return. Never answered."""

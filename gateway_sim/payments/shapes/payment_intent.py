"""A payment intent: the one payment that many attempts may be made for."""

from typing import ClassVar, Literal

import msgspec

from gateway_sim.payments.shapes.base import Shape, card_only
from gateway_sim.wire import JsonObject


class PaymentIntent(Shape, kw_only=True):
    """A sum to be paid by card, at most once."""

    KIND: ClassVar[str] = "payment_intent"

    object: Literal["payment_intent"] = "payment_intent"
    livemode: bool = False
    amount: int
    amount_capturable: int = 0
    amount_details: JsonObject = msgspec.field(default_factory=lambda: {"tip": {}})
    amount_received: int = 0
    application: None = None
    application_fee_amount: None = None
    automatic_payment_methods: JsonObject | None = None
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    capture_method: str = "automatic"
    client_secret: str
    confirmation_method: str = "automatic"
    currency: str
    customer: str | None = None
    customer_account: None = None
    description: str | None = None
    excluded_payment_method_types: None = None
    last_payment_error: JsonObject | None = None
    latest_charge: str | None = None
    managed_payments: None = None
    metadata: dict[str, str] = {}
    next_action: JsonObject | None = None
    on_behalf_of: str | None = None
    payment_method: str | None = None
    payment_method_configuration_details: None = None
    payment_method_options: JsonObject | None = None
    payment_method_types: list[str] = msgspec.field(default_factory=card_only)
    processing: None = None
    receipt_email: str | None = None
    review: None = None
    setup_future_usage: str | None = None
    shipping: None = None
    source: None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    status: str = "requires_payment_method"
    transfer_data: JsonObject | None = None
    transfer_group: str | None = None

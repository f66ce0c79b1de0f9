"""A setup intent: saving a card for later charges without its owner."""

from typing import ClassVar, Literal

import msgspec

from gateway_sim.payments.shapes.base import Shape, card_only
from gateway_sim.wire import JsonObject


class SetupIntent(Shape, kw_only=True):
    """An attempt to save a card."""

    KIND: ClassVar[str] = "setup_intent"

    object: Literal["setup_intent"] = "setup_intent"
    livemode: bool = False
    application: None = None
    automatic_payment_methods: JsonObject | None = None
    cancellation_reason: str | None = None
    client_secret: str
    customer: str | None = None
    description: str | None = None
    excluded_payment_method_types: None = None
    flow_directions: None = None
    last_setup_error: JsonObject | None = None
    latest_attempt: None = None
    mandate: None = None
    metadata: dict[str, str] = {}
    next_action: JsonObject | None = None
    on_behalf_of: None = None
    payment_method: str | None = None
    payment_method_configuration_details: None = None
    payment_method_options: JsonObject | None = None
    payment_method_types: list[str] = msgspec.field(default_factory=card_only)
    single_use_mandate: None = None
    status: str = "requires_payment_method"
    usage: str = "off_session"

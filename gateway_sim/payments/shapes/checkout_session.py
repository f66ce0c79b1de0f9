"""A Checkout session: a hosted page on which a person pays or leaves a card."""

from typing import ClassVar, Literal

import msgspec

from gateway_sim.payments.shapes.base import Shape, card_only
from gateway_sim.wire import JsonObject


def _no_automatic_tax() -> JsonObject:
    return {"enabled": False, "liability": None, "provider": None, "status": None}


def _no_custom_text() -> JsonObject:
    names = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
    return dict.fromkeys(names)


class CheckoutSession(Shape, kw_only=True):
    """One visit to the hosted page."""

    KIND: ClassVar[str] = "checkout.session"

    object: Literal["checkout.session"] = "checkout.session"
    livemode: bool = False
    adaptive_pricing: None = None
    after_expiration: None = None
    allow_promotion_codes: None = None
    amount_subtotal: int | None = None
    amount_total: int | None = None
    automatic_tax: JsonObject = msgspec.field(default_factory=_no_automatic_tax)
    billing_address_collection: None = None
    cancel_url: str | None = None
    client_reference_id: str | None = None
    client_secret: None = None
    collected_information: None = None
    consent: None = None
    consent_collection: None = None
    currency: str | None = None
    currency_conversion: None = None
    custom_fields: list[JsonObject] = []
    custom_text: JsonObject = msgspec.field(default_factory=_no_custom_text)
    customer: str | None = None
    customer_account: None = None
    customer_creation: str | None = None
    customer_details: JsonObject | None = None
    customer_email: str | None = None
    discounts: None = None
    expires_at: int
    integration_identifier: None = None
    invoice: None = None
    invoice_creation: None = None
    locale: str | None = None
    managed_payments: None = None
    metadata: dict[str, str] = {}
    mode: Literal["payment", "setup"]
    origin_context: None = None
    payment_intent: str | None = None
    payment_link: None = None
    payment_method_collection: str | None = None
    payment_method_configuration_details: None = None
    payment_method_options: JsonObject = msgspec.field(default_factory=dict)
    payment_method_types: list[str] = msgspec.field(default_factory=card_only)
    payment_status: str = "unpaid"
    permissions: None = None
    phone_number_collection: JsonObject = msgspec.field(default_factory=lambda: {"enabled": False})
    recovered_from: None = None
    saved_payment_method_options: None = None
    setup_intent: str | None = None
    shipping_address_collection: None = None
    shipping_cost: None = None
    shipping_options: list[JsonObject] = []
    status: str = "open"
    submit_type: str | None = None
    subscription: None = None
    success_url: str
    total_details: JsonObject | None = None
    ui_mode: None = None
    """Its words changed with the versions (`hosted`, `hosted_page`); null is in all of them."""
    url: str | None = None
    wallet_options: None = None

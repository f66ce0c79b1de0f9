"""A payment method: a card on file. The number itself is never kept."""

from typing import ClassVar, Literal

import msgspec

from gateway_sim.payments.shapes.base import Shape
from gateway_sim.wire import JsonObject


class Address(msgspec.Struct, kw_only=True):
    """A postal address."""

    city: str | None = None
    country: str | None = None
    line1: str | None = None
    line2: str | None = None
    postal_code: str | None = None
    state: str | None = None


class BillingDetails(msgspec.Struct, kw_only=True):
    """Whom the card belongs to."""

    address: Address = msgspec.field(default_factory=Address)
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    tax_id: str | None = None


class Card(msgspec.Struct, kw_only=True):
    """A card as it may be shown."""

    brand: str
    checks: JsonObject
    country: str | None = "US"
    display_brand: str
    exp_month: int
    exp_year: int
    fingerprint: str
    """The same for the same number, and all that is kept of it."""
    funding: str = "credit"
    generated_from: None = None
    last4: str
    networks: JsonObject
    three_d_secure_usage: JsonObject
    wallet: None = None
    regulated_status: str = "unregulated"


class PaymentMethod(Shape, kw_only=True):
    """A card that can be charged, once or, attached to a customer, many times."""

    KIND: ClassVar[str] = "payment_method"

    object: Literal["payment_method"] = "payment_method"
    livemode: bool = False
    allow_redisplay: str = "unspecified"
    billing_details: BillingDetails = msgspec.field(default_factory=BillingDetails)
    card: Card
    customer: str | None = None
    customer_account: None = None
    metadata: dict[str, str] = {}
    type: Literal["card"] = "card"

"""A customer: whom payment methods belong to."""

from typing import ClassVar, Literal

import msgspec

from gateway_sim.payments.shapes.base import Shape
from gateway_sim.wire import JsonObject


class InvoiceSettings(msgspec.Struct, kw_only=True):
    """Only the default payment method is of use here."""

    custom_fields: None = None
    default_payment_method: str | None = None
    footer: None = None
    rendering_options: None = None


class Customer(Shape, kw_only=True):
    """A payer."""

    KIND: ClassVar[str] = "customer"

    object: Literal["customer"] = "customer"
    livemode: bool = False
    address: JsonObject | None = None
    balance: int = 0
    currency: str | None = None
    default_source: None = None
    delinquent: bool = False
    description: str | None = None
    discount: None = None
    email: str | None = None
    invoice_prefix: str
    invoice_settings: InvoiceSettings = msgspec.field(default_factory=InvoiceSettings)
    metadata: dict[str, str] = {}
    name: str | None = None
    next_invoice_sequence: int = 1
    phone: str | None = None
    preferred_locales: list[str] = []
    shipping: None = None
    tax_exempt: str = "none"
    test_clock: None = None


class DeletedCustomer(Shape, kw_only=True):
    """What is left of a customer that was deleted."""

    KIND: ClassVar[str] = "deleted_customer"

    object: Literal["customer"] = "customer"
    deleted: bool = True

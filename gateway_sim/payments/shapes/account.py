"""A connected account, and the bank accounts that it is paid out to."""

from typing import ClassVar, Literal

import msgspec

from gateway_sim.payments.shapes.base import Shape
from gateway_sim.wire import JsonObject


def no_requirements() -> JsonObject:
    """Nothing is asked for."""
    lists = ("alternatives", "currently_due", "errors", "eventually_due", "past_due")
    return {
        **{name: [] for name in (*lists, "pending_verification")},
        "current_deadline": None,
        "disabled_reason": None,
    }


def _no_profile() -> JsonObject:
    return {
        "annual_revenue": None,
        "estimated_worker_count": None,
        "mcc": None,
        "minority_owned_business_designation": None,
        "name": None,
        "product_description": None,
        "support_address": None,
        "support_email": None,
        "support_phone": None,
        "support_url": None,
        "url": None,
    }


def _usual_settings() -> JsonObject:
    return {
        "bacs_debit_payments": {"display_name": None, "service_user_number": None},
        "branding": dict.fromkeys(("icon", "logo", "primary_color", "secondary_color")),
        "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
        "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": None},
        "payments": {
            "statement_descriptor": None,
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": 2, "interval": "daily"},
            "statement_descriptor": None,
        },
        "sepa_debit_payments": {},
    }


class Account(Shape, kw_only=True):
    """Somebody whom the platform transfers money to."""

    KIND: ClassVar[str] = "account"

    object: Literal["account"] = "account"
    business_profile: JsonObject = msgspec.field(default_factory=_no_profile)
    business_type: str | None = None
    capabilities: dict[str, str] = {}
    charges_enabled: bool = False
    controller: JsonObject
    country: str
    default_currency: str
    details_submitted: bool = False
    email: str | None = None
    future_requirements: JsonObject = msgspec.field(default_factory=no_requirements)
    metadata: dict[str, str] = {}
    payouts_enabled: bool = False
    requirements: JsonObject = msgspec.field(default_factory=no_requirements)
    restricted: str | None = None
    """Why it may do nothing, if so. Never answered."""
    settings: JsonObject = msgspec.field(default_factory=_usual_settings)
    tos_acceptance: JsonObject = msgspec.field(
        default_factory=lambda: {"date": None, "ip": None, "user_agent": None}
    )
    type: str


class BankAccount(Shape, kw_only=True):
    """Where payouts go."""

    KIND: ClassVar[str] = "bank_account"

    object: Literal["bank_account"] = "bank_account"
    account: str
    account_holder_name: str | None = None
    account_holder_type: str | None = None
    account_type: None = None
    available_payout_methods: list[str] = msgspec.field(default_factory=lambda: ["standard"])
    bank_name: str = "STRIPE TEST BANK"
    country: str
    currency: str
    customer: None = None
    default_for_currency: bool = False
    fails_as: str | None = None
    """The failure code of every payout to it. Never answered."""
    fingerprint: str
    future_requirements: JsonObject = msgspec.field(default_factory=no_requirements)
    last4: str
    metadata: dict[str, str] = {}
    requirements: JsonObject = msgspec.field(default_factory=no_requirements)
    routing_number: str | None = None
    status: str = "new"


class Capability(Shape, kw_only=True):
    """Something that an account may do, or not yet. Made up when asked: `id` is its name."""

    KIND: ClassVar[str] = "capability"

    object: Literal["capability"] = "capability"
    account: str
    future_requirements: JsonObject = msgspec.field(default_factory=no_requirements)
    requested: bool
    requested_at: int | None
    requirements: JsonObject
    status: str

"""A balance transaction: one thing that happened to a balance."""

from typing import ClassVar, Literal

import msgspec

from gateway_sim.payments.shapes.base import Shape


class FeeDetail(msgspec.Struct, kw_only=True):
    """One part of the fee."""

    amount: int
    application: None = None
    currency: str
    description: str | None = "Stripe processing fees"
    type: str = "stripe_fee"


class BalanceTransaction(Shape, kw_only=True):
    """A move on the merchant's balance: `net` is `amount` less `fee`."""

    KIND: ClassVar[str] = "balance_transaction"

    object: Literal["balance_transaction"] = "balance_transaction"
    amount: int
    available_on: int
    balance_type: str = "payments"
    currency: str
    description: str | None = None
    exchange_rate: None = None
    fee: int
    fee_details: list[FeeDetail]
    net: int
    payout: str | None = None
    """The automatic payout that it was part of. Never answered, but looked for."""
    reporting_category: str
    source: str
    status: str = "pending"
    """Kept as `pending`; it is `available` from `available_on` on, by the clock when asked."""
    type: str
    unreported: bool = False
    """It happened, but the report leaves it out (an injected fault). Never answered."""

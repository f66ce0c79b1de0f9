"""Moves on a balance: each thing that happens to money leaves exactly one."""

from typing import TYPE_CHECKING

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.shapes.balance_transaction import BalanceTransaction, FeeDetail

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

DAY_S = 86_400
KINDS = {
    "dispute": ("adjustment", "dispute"),
    "dispute_reversal": ("adjustment", "dispute_reversal"),
    "payment": ("payment", "charge"),
    "payment_refund": ("payment_refund", "refund"),
    "payout_cancel": ("payout_cancel", "payout_reversal"),
    "payout_failure": ("payout_failure", "payout_reversal"),
    "transfer_refund": ("transfer_refund", "transfer_reversal"),
}
"""Stripe's type and reporting category; of all other kinds both are called as the kind is."""
_FEES = {"dispute": "Dispute fee"}


def book(
    world: "World",
    *,
    kind: str,
    amount: int,
    currency: str,
    source: str,
    description: str | None,
    fee: int = 0,
    available_on: int | None = None,
) -> BalanceTransaction:
    """Move money on the balance of the account that is acted for; at once, if not said when."""
    now = world.clock.created()
    fee_name = _FEES.get(kind, "Stripe processing fees")
    details = [FeeDetail(amount=fee, currency=currency, description=fee_name)] if fee else []
    told_type, category = KINDS.get(kind, (kind, kind))
    move = BalanceTransaction(
        id=world.ids.make("txn"),
        created=now,
        amount=amount,
        available_on=now if available_on is None else available_on,
        currency=currency,
        description=description,
        fee=fee,
        fee_details=details,
        net=amount - fee,
        reporting_category=category,
        source=source,
        type=told_type,
    )
    world.save(move)
    return move


def refuse_beyond_available(world: "World", *, amount: int, currency: str) -> None:
    """Raise InvalidRequestError when the available balance is smaller than an amount."""
    if amount <= world.store.balance(currency, until=world.clock.created()):
        return
    msg = (
        "You have insufficient available funds in your Stripe account. Try adding funds directly "
        "to your available balance by creating Charges using the 4000000000000077 test card."
    )
    raise InvalidRequestError(msg, code="balance_insufficient")

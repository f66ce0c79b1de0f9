"""The records that an attempt to charge leaves: the charge itself and its balance transaction."""

from typing import TYPE_CHECKING

from gateway_sim.payments.operations import moves
from gateway_sim.payments.shapes.balance_transaction import BalanceTransaction
from gateway_sim.payments.shapes.charge import Charge

if TYPE_CHECKING:
    from gateway_sim.payments.errors import CardError
    from gateway_sim.payments.shapes.payment_intent import PaymentIntent
    from gateway_sim.payments.shapes.payment_method import PaymentMethod
    from gateway_sim.payments.world import World
    from gateway_sim.wire import JsonObject

_BASIS = 10_000
"""Basis points in the whole."""


def fee_minor(amount_minor: int, basis_points: int) -> int:
    """The gateway's share of a charge, in minor units, halves rounded up."""
    return (amount_minor * basis_points + _BASIS // 2) // _BASIS


def book_charge(
    world: "World", charge: Charge, *, available_at_once: bool = False
) -> BalanceTransaction:
    """Put a successful charge on the merchant's balance, less the fee."""
    wait_s = 0 if available_at_once else world.terms.settlement_days * moves.DAY_S
    return moves.book(
        world,
        kind="charge",
        amount=charge.amount,
        currency=charge.currency,
        source=charge.id,
        description=charge.description,
        fee=fee_minor(charge.amount, world.terms.fee_basis_points),
        available_on=charge.created + wait_s,
    )


def new_charge(
    world: "World",
    intent: "PaymentIntent",
    method: "PaymentMethod",
    *,
    error: "CardError | None",
) -> Charge:
    """The record of an attempt: failed when there is an error, else succeeded."""
    charge_id = world.ids.make("ch")
    return Charge(
        id=charge_id,
        created=world.clock.created(),
        amount=intent.amount,
        amount_captured=0 if error else intent.amount,
        billing_details=method.billing_details,
        calculated_statement_descriptor="LEAVE FIRST",
        captured=error is None,
        currency=intent.currency,
        customer=intent.customer,
        description=intent.description,
        failure_code=error.code if error else None,
        failure_message=str(error) if error else None,
        metadata=dict(intent.metadata),
        on_behalf_of=intent.on_behalf_of,
        outcome=_outcome(error),
        paid=error is None,
        payment_intent=intent.id,
        payment_method=method.id,
        payment_method_details=_card_details(method),
        receipt_email=intent.receipt_email,
        receipt_url=None if error else f"{world.cause.origin}/receipts/{charge_id}",
        statement_descriptor=intent.statement_descriptor,
        statement_descriptor_suffix=intent.statement_descriptor_suffix,
        status="failed" if error else "succeeded",
        transfer_data=intent.transfer_data,
        transfer_group=intent.transfer_group,
    )


def _outcome(error: "CardError | None") -> "JsonObject":
    outcome: JsonObject = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "seller_message": "Payment complete.",
        "type": "authorized",
    }
    if error is not None:
        outcome["network_status"] = "declined_by_network"
        outcome["reason"] = error.decline_code
        outcome["seller_message"] = "The bank did not approve the payment."
        outcome["type"] = "issuer_declined"
    return outcome


def _card_details(method: "PaymentMethod") -> "JsonObject":
    card = method.card
    details: JsonObject = dict.fromkeys(
        (
            "amount_authorized",
            "authorization_code",
            "installments",
            "mandate",
            "network_transaction_id",
            "three_d_secure",
            "transaction_link_id",
            "wallet",
        )
    )
    details |= {
        "brand": card.brand,
        "checks": card.checks,
        "country": card.country,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "incremental_authorization": {"status": "unavailable"},
        "last4": card.last4,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "overcapture": {"maximum_amount_capturable": 0, "status": "unavailable"},
        "regulated_status": card.regulated_status,
    }
    return {"card": details, "type": "card"}

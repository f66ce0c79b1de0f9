"""What happens between a payment intent and a card: authentication, decline, or money moved."""

from typing import TYPE_CHECKING

from gateway_sim.payments import cards
from gateway_sim.payments.card_scripts import next_decline
from gateway_sim.payments.operations import payment_methods
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.balance_transaction import BalanceTransaction, FeeDetail
from gateway_sim.payments.shapes.charge import Charge
from gateway_sim.payments.shapes.payment_intent import PaymentIntent
from gateway_sim.payments.shapes.setup_intent import SetupIntent
from gateway_sim.payments.truth import TrueCharge

if TYPE_CHECKING:
    from gateway_sim.payments.shapes.payment_method import PaymentMethod
    from gateway_sim.payments.wire import JsonObject
    from gateway_sim.payments.world import World

SETTLEMENT_DAYS = 2
_DAY_S = 86_400
_BASIS = 10_000
"""Basis points in the whole."""


def fee_minor(amount_minor: int, basis_points: int) -> int:
    """The gateway's share of a charge, in minor units, halves rounded up."""
    return (amount_minor * basis_points + _BASIS // 2) // _BASIS


def confirm(
    world: "World",
    intent: PaymentIntent,
    method: "PaymentMethod",
    *,
    off_session: bool,
    authenticated: bool = False,
) -> PaymentIntent:
    """Try to take the money.

    Leaves the intent succeeded, or waiting for its payer's authentication. Raises CardError,
    after recording the failed attempt, when the card is refused.
    """
    payment_methods.refuse_foreign(world, method, intent.customer)
    card = cards.card_of_fingerprint(method.card.fingerprint)
    if not authenticated and _must_authenticate(world, card, method, off_session=off_session):
        if off_session:
            raise _refuse(world, intent, method, "authentication_required")
        return ask_authentication(world, intent, method)
    decline_code = next_decline(world.store, method) or card.declines_as
    if decline_code:
        raise _refuse(world, intent, method, decline_code)
    return _take(world, intent, method)


def _must_authenticate(
    world: "World", card: cards.TestCard, method: "PaymentMethod", *, off_session: bool
) -> bool:
    if card.authentication is not cards.Authentication.UNTIL_SET_UP:
        return card.authentication is cards.Authentication.ALWAYS
    set_up = world.store.find(
        SetupIntent, where={"payment_method": method.id, "status": "succeeded"}, limit=1
    )
    paid = [
        one
        for one in world.store.find(
            PaymentIntent, where={"payment_method": method.id, "status": "succeeded"}
        )
        if one.setup_future_usage == "off_session"
    ]
    return not (off_session and (set_up or paid))


def ask_authentication(
    world: "World", intent: PaymentIntent, method: "PaymentMethod"
) -> PaymentIntent:
    """Send the payer to the bank."""
    intent.payment_method = method.id
    intent.status = "requires_action"
    intent.next_action = authentication_step(world, intent.id)
    world.save(intent)
    world.emit("payment_intent.requires_action", intent)
    return intent


def authentication_step(world: "World", intent_id: str) -> "JsonObject":
    """The `next_action` that leads to the bank's page, and from there to `return_url`."""
    return {
        "type": "redirect_to_url",
        "redirect_to_url": {
            "url": f"{world.cause.origin}/authenticate/{intent_id}",
            "return_url": world.store.note(f"return_url:{intent_id}") or None,
        },
    }


def _refuse(
    world: "World", intent: PaymentIntent, method: "PaymentMethod", decline_code: str
) -> cards.CardError:
    error = cards.declined(decline_code)
    charge = _charge(world, intent, method, error=error)
    world.save(charge)
    world.emit("charge.failed", charge)
    return refuse_intent(world, intent, method, error=error, charge=charge)


def refuse_intent(
    world: "World",
    intent: PaymentIntent,
    method: "PaymentMethod",
    *,
    error: cards.CardError,
    charge: Charge | None = None,
) -> cards.CardError:
    """Note a failed attempt on its intent; the error, with all that Stripe tells in it."""
    intent.status = "requires_payment_method"
    intent.payment_method = None
    intent.next_action = None
    if charge is not None:
        intent.latest_charge = charge.id
        error.more["charge"] = charge.id
    error.more["payment_method"] = present(world, method)
    intent.last_payment_error = error.as_error()
    world.save(intent)
    world.emit("payment_intent.payment_failed", intent)
    error.more["payment_intent"] = present(world, intent)
    return error


def _take(world: "World", intent: PaymentIntent, method: "PaymentMethod") -> PaymentIntent:
    charge = _charge(world, intent, method, error=None)
    move = _book(world, charge)
    charge.balance_transaction = move.id
    world.save(charge)
    intent.status = "succeeded"
    intent.payment_method = method.id
    intent.amount_received = intent.amount
    intent.latest_charge = charge.id
    intent.last_payment_error = None
    intent.next_action = None
    world.save(intent)
    _keep_card(world, intent, method)
    _witness(world, intent, charge, move)
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)
    return intent


def _keep_card(world: "World", intent: PaymentIntent, method: "PaymentMethod") -> None:
    if method.customer is not None:
        return
    if intent.customer and intent.setup_future_usage:
        payment_methods.attach_to(world, method, intent.customer)
    else:
        payment_methods.spend(world, method)


def _witness(
    world: "World", intent: PaymentIntent, charge: Charge, move: BalanceTransaction
) -> None:
    world.truth.charged(
        TrueCharge(
            charge=charge.id,
            payment_intent=intent.id,
            balance_transaction=move.id,
            customer=intent.customer,
            payment_method=charge.payment_method,
            amount=charge.amount,
            fee=move.fee,
            currency=charge.currency,
            idempotency_key=world.cause.idempotency_key,
            metadata=intent.metadata,
            created=charge.created,
        )
    )


def _book(world: "World", charge: Charge) -> BalanceTransaction:
    fee = fee_minor(charge.amount, world.fee_basis_points)
    move = BalanceTransaction(
        id=world.ids.make("txn"),
        created=charge.created,
        amount=charge.amount,
        available_on=charge.created + SETTLEMENT_DAYS * _DAY_S,
        currency=charge.currency,
        description=charge.description,
        fee=fee,
        fee_details=[FeeDetail(amount=fee, currency=charge.currency)] if fee else [],
        net=charge.amount - fee,
        reporting_category="charge",
        source=charge.id,
        type="charge",
    )
    world.save(move)
    return move


def _charge(
    world: "World",
    intent: PaymentIntent,
    method: "PaymentMethod",
    *,
    error: cards.CardError | None,
) -> Charge:
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
    )


def _outcome(error: cards.CardError | None) -> "JsonObject":
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

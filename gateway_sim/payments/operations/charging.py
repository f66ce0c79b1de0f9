"""What happens between a payment intent and a card: authentication, decline, or money moved."""

from typing import TYPE_CHECKING

from gateway_sim.payments import cards
from gateway_sim.payments.card_scripts import next_decline
from gateway_sim.payments.faults import CARD_MISHAPS, Mishap, subject_of
from gateway_sim.payments.operations import aftermath, payment_methods
from gateway_sim.payments.operations.charge_records import book_charge, new_charge
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.balance_transaction import BalanceTransaction
from gateway_sim.payments.shapes.charge import Charge
from gateway_sim.payments.shapes.payment_intent import PaymentIntent
from gateway_sim.payments.shapes.setup_intent import SetupIntent
from gateway_sim.payments.truth import TrueCharge

if TYPE_CHECKING:
    from gateway_sim.payments.errors import CardError
    from gateway_sim.payments.shapes.payment_method import PaymentMethod
    from gateway_sim.payments.world import World
    from gateway_sim.wire import JsonObject

_FATES = {Mishap.CARD_LOST, Mishap.CARD_EXPIRED}
"""What befalls a card for good."""


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
    decline_code = _decline_code(world, intent, method, card)
    if decline_code:
        raise _refuse(world, intent, method, decline_code)
    return _take(world, intent, method, card)


def _decline_code(
    world: "World", intent: PaymentIntent, method: "PaymentMethod", card: cards.TestCard
) -> str | None:
    """As what the bank declines: by script, by what befell the card, or as the card always does."""
    if scripted := next_decline(world.store, method):
        return scripted
    if fate := world.store.note(f"fate:{method.id}"):
        return fate
    for mishap, decline_code in CARD_MISHAPS.items():
        if world.faults.happens(mishap, subject_of(intent.metadata)):
            if mishap in _FATES:
                world.store.set_note(f"fate:{method.id}", decline_code)
            return decline_code
    return card.declines_as


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
) -> "CardError":
    error = cards.declined(decline_code)
    charge = new_charge(world, intent, method, error=error)
    world.save(charge)
    world.emit("charge.failed", charge)
    return refuse_intent(world, intent, method, error=error, charge=charge)


def refuse_intent(
    world: "World",
    intent: PaymentIntent,
    method: "PaymentMethod",
    *,
    error: "CardError",
    charge: Charge | None = None,
) -> "CardError":
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


def _take(
    world: "World", intent: PaymentIntent, method: "PaymentMethod", card: cards.TestCard
) -> PaymentIntent:
    charge = new_charge(world, intent, method, error=None)
    move = book_charge(world, charge, available_at_once=card.available_at_once)
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
    aftermath.pass_on(world, charge)
    aftermath.misreport(world, charge, move)
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)
    aftermath.arrange_mishaps(world, charge, card)
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
            payment_method=str(charge.payment_method),
            amount=charge.amount,
            fee=move.fee,
            currency=charge.currency,
            idempotency_key=world.cause.idempotency_key,
            metadata=intent.metadata,
            created=charge.created,
        )
    )

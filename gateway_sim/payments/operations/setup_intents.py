"""Setup intents: a card is saved, with its owner present, for charges without."""

from typing import TYPE_CHECKING

import msgspec

from gateway_sim.payments import cards
from gateway_sim.payments.operations import charging, intents, payment_methods
from gateway_sim.payments.operations.intents import AutomaticParams, IntentChanges
from gateway_sim.payments.operations.params import Params
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.setup_intent import SetupIntent

if TYPE_CHECKING:
    from gateway_sim.payments.errors import CardError
    from gateway_sim.payments.shapes.payment_method import PaymentMethod
    from gateway_sim.payments.world import World


class CreateParams(IntentChanges, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For creation, with or without an attempt at once."""

    automatic_payment_methods: AutomaticParams | None = None
    confirm: bool = False
    return_url: str | None = None
    usage: str = "off_session"


class UpdateParams(IntentChanges, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For an update."""


class ConfirmParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For an attempt."""

    payment_method: str | None = None
    return_url: str | None = None


def create(world: "World", params: CreateParams) -> SetupIntent:
    """Begin to save a card."""
    intent_id = world.ids.make("seti")
    intent = SetupIntent(
        id=intent_id,
        created=world.clock.created(),
        client_secret=f"{intent_id}_secret_{world.ids.token(intent_id, 31)}",
        usage=params.usage,
    )
    if params.automatic_payment_methods is not None:
        intent.automatic_payment_methods = msgspec.to_builtins(params.automatic_payment_methods)
    intents.apply(world, intent, params)
    world.save(intent)
    world.emit("setup_intent.created", intent)
    if not params.confirm:
        return intent
    return confirm(world, ConfirmParams(return_url=params.return_url), intent_id)


def update(world: "World", params: UpdateParams, intent_id: str) -> SetupIntent:
    """Change what is given."""
    intent = world.load(SetupIntent, intent_id)
    if params.payment_method or params.customer:
        intents.refuse_unless_open(world, intent, "update")
    intents.apply(world, intent, params)
    world.save(intent)
    return intent


def confirm(world: "World", params: ConfirmParams, intent_id: str) -> SetupIntent:
    """Try to save the card.

    Raises CardError when its bank refuses.
    """
    intent = world.load(SetupIntent, intent_id)
    intents.refuse_unless_open(world, intent, "confirm")
    if params.return_url:
        world.store.set_note(f"return_url:{intent_id}", params.return_url)
    return attempt(world, intent, intents.method_to_try(world, intent, params.payment_method))


def attempt(
    world: "World", intent: SetupIntent, method: "PaymentMethod", *, authenticated: bool = False
) -> SetupIntent:
    """Save a card, or send its owner to the bank first.

    Raises CardError, after noting it on the intent, when the bank refuses.
    """
    payment_methods.refuse_foreign(world, method, intent.customer)
    card = cards.card_of_fingerprint(method.card.fingerprint)
    if card.declines_as and not card.saves:
        raise refuse(world, intent, method, cards.declined(card.declines_as))
    if card.authentication is not cards.Authentication.NEVER and not authenticated:
        return _ask_authentication(world, intent, method)
    intent.payment_method = method.id
    intent.status = "succeeded"
    intent.last_setup_error = None
    intent.next_action = None
    world.save(intent)
    if intent.customer:
        payment_methods.attach_to(world, method, intent.customer)
    world.emit("setup_intent.succeeded", intent)
    return intent


def _ask_authentication(
    world: "World", intent: SetupIntent, method: "PaymentMethod"
) -> SetupIntent:
    intent.payment_method = method.id
    intent.status = "requires_action"
    intent.next_action = charging.authentication_step(world, intent.id)
    world.save(intent)
    world.emit("setup_intent.requires_action", intent)
    return intent


def refuse(
    world: "World", intent: SetupIntent, method: "PaymentMethod", error: "CardError"
) -> "CardError":
    """Note a failed attempt on its intent; the error, with all that Stripe tells in it."""
    intent.status = "requires_payment_method"
    intent.payment_method = None
    intent.next_action = None
    error.more["payment_method"] = present(world, method)
    intent.last_setup_error = error.as_error()
    world.save(intent)
    world.emit("setup_intent.setup_failed", intent)
    error.more["setup_intent"] = present(world, intent)
    return error


def cancel(world: "World", params: intents.CancelParams, intent_id: str) -> SetupIntent:
    """Give up."""
    return intents.give_up(world, world.load(SetupIntent, intent_id), params)

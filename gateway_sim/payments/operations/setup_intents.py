"""Setup intents: a card is saved, with its owner present, for charges without."""

from typing import TYPE_CHECKING

import msgspec

from gateway_sim.payments import cards
from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.operations import charging, payment_methods
from gateway_sim.payments.operations.params import (
    ListParams,
    Metadata,
    Page,
    Params,
    list_page,
    merge_metadata,
)
from gateway_sim.payments.operations.payment_intents import AutomaticParams, CancelParams
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.customer import Customer
from gateway_sim.payments.shapes.setup_intent import SetupIntent

if TYPE_CHECKING:
    from gateway_sim.payments.errors import CardError
    from gateway_sim.payments.shapes.payment_method import PaymentMethod
    from gateway_sim.payments.world import World

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


class _Changes(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    customer: str | None = None
    description: str | None = None
    metadata: Metadata | None = None
    payment_method: str | None = None
    payment_method_types: list[str] | None = None


class CreateParams(_Changes, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For creation, with or without an attempt at once."""

    automatic_payment_methods: AutomaticParams | None = None
    confirm: bool = False
    return_url: str | None = None
    usage: str = "off_session"


class UpdateParams(_Changes, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For an update."""


class ConfirmParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For an attempt."""

    payment_method: str | None = None
    return_url: str | None = None


class IntentListParams(ListParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose."""

    customer: str | None = None
    payment_method: str | None = None


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
    _apply(world, intent, params)
    world.save(intent)
    world.emit("setup_intent.created", intent)
    if not params.confirm:
        return intent
    return confirm(world, ConfirmParams(return_url=params.return_url), intent_id)


def retrieve(world: "World", _params: Params, intent_id: str) -> SetupIntent:
    """A setup intent."""
    return world.load(SetupIntent, intent_id)


def update(world: "World", params: UpdateParams, intent_id: str) -> SetupIntent:
    """Change what is given."""
    intent = world.load(SetupIntent, intent_id)
    if params.payment_method or params.customer:
        _refuse_unless_open(world, intent, "update")
    _apply(world, intent, params)
    world.save(intent)
    return intent


def confirm(world: "World", params: ConfirmParams, intent_id: str) -> SetupIntent:
    """Try to save the card.

    Raises CardError when its bank refuses.
    """
    intent = world.load(SetupIntent, intent_id)
    _refuse_unless_open(world, intent, "confirm")
    given = params.payment_method or intent.payment_method
    if given is None:
        msg = "You cannot confirm this SetupIntent because it's missing a payment method."
        raise InvalidRequestError(msg, code="setup_intent_unexpected_state")
    if params.return_url:
        world.store.set_note(f"return_url:{intent_id}", params.return_url)
    return attempt(world, intent, payment_methods.find(world, given))


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


def cancel(world: "World", params: CancelParams, intent_id: str) -> SetupIntent:
    """Give up."""
    intent = world.load(SetupIntent, intent_id)
    _refuse_unless_open(world, intent, "cancel")
    intent.status = "canceled"
    intent.cancellation_reason = params.cancellation_reason
    intent.next_action = None
    world.save(intent)
    world.emit("setup_intent.canceled", intent)
    return intent


def list_all(world: "World", params: IntentListParams) -> Page:
    """Setup intents, newest first."""
    return list_page(
        world,
        SetupIntent,
        params,
        url="/v1/setup_intents",
        customer=params.customer,
        payment_method=params.payment_method,
    )


def _apply(world: "World", intent: SetupIntent, params: _Changes) -> None:
    if params.customer:
        world.load(Customer, params.customer, param="customer")
        intent.customer = params.customer
    if params.description is not None:
        intent.description = params.description or None
    if params.payment_method_types not in (None, ["card"]):
        msg = "Only the payment method type 'card' is simulated."
        raise InvalidRequestError(msg, param="payment_method_types")
    if params.payment_method:
        method = payment_methods.find(world, params.payment_method)
        payment_methods.refuse_foreign(world, method, intent.customer)
        intent.payment_method = method.id
        intent.status = "requires_confirmation"
    intent.metadata = merge_metadata(intent.metadata, params.metadata)


def _refuse_unless_open(world: "World", intent: SetupIntent, verb: str) -> None:
    if intent.status in _OPEN:
        return
    msg = f"You cannot {verb} this SetupIntent because it has a status of {intent.status}."
    error = InvalidRequestError(msg, code="setup_intent_unexpected_state")
    error.more["setup_intent"] = present(world, intent)
    raise error

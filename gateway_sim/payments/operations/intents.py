"""What payment intents and setup intents have in common: whose card, how far, and giving up."""

from typing import TYPE_CHECKING, TypeVar

import msgspec

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.operations import payment_methods
from gateway_sim.payments.operations.params import Metadata, Params, merge_metadata
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.customer import Customer
from gateway_sim.payments.shapes.payment_intent import PaymentIntent
from gateway_sim.payments.shapes.payment_method import PaymentMethod
from gateway_sim.payments.shapes.setup_intent import SetupIntent

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

I = TypeVar("I", PaymentIntent, SetupIntent)  # noqa: E741 - an intent
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_NAMES = {"payment_intent": "PaymentIntent", "setup_intent": "SetupIntent"}


class AutomaticParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let Stripe choose the kinds of payment methods; here it is always a card."""

    enabled: bool
    allow_redirects: str | None = None


class IntentChanges(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be given on creation and changed until the end."""

    customer: str | None = None
    description: str | None = None
    metadata: Metadata | None = None
    payment_method: str | None = None
    payment_method_types: list[str] | None = None


class CancelParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    cancellation_reason: str | None = None


def apply(world: "World", intent: PaymentIntent | SetupIntent, params: IntentChanges) -> None:
    """Put what is given on an intent."""
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


def method_to_try(
    world: "World", intent: PaymentIntent | SetupIntent, given: str | None
) -> PaymentMethod:
    """The card of an attempt.

    Raises InvalidRequestError when there is none.
    """
    named = given or intent.payment_method
    if named is None:
        name = _NAMES[intent.object]
        msg = (
            f"You cannot confirm this {name} because it's missing a payment method. You can either "
            f"update the {name} with a payment method and then confirm it again, or confirm it "
            "again directly with a payment method or ConfirmationToken."
        )
        raise InvalidRequestError(msg, code=f"{intent.object}_unexpected_state")
    return payment_methods.find(world, named)


def refuse_unless_open(world: "World", intent: PaymentIntent | SetupIntent, verb: str) -> None:
    """Raise InvalidRequestError when an intent has come to its end."""
    if intent.status in OPEN:
        return
    name = _NAMES[intent.object]
    msg = (
        f"You cannot {verb} this {name} because it has a status of {intent.status}. Only a {name} "
        f"with one of the following statuses may be changed so: {', '.join(OPEN)}."
    )
    error = InvalidRequestError(msg, code=f"{intent.object}_unexpected_state")
    error.more[intent.object] = present(world, intent)
    raise error


def give_up(world: "World", intent: I, params: CancelParams) -> I:
    """Cancel an intent; nothing will be done with it any more."""
    refuse_unless_open(world, intent, "cancel")
    intent.status = "canceled"
    intent.cancellation_reason = params.cancellation_reason
    intent.next_action = None
    if isinstance(intent, PaymentIntent):
        intent.canceled_at = world.clock.created()
    world.save(intent)
    world.emit(f"{intent.object}.canceled", intent)
    return intent

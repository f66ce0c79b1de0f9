"""Payment intents."""

import re
from typing import TYPE_CHECKING

import msgspec

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
from gateway_sim.payments.operations.search import SearchPage, SearchParams, search_page
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.customer import Customer
from gateway_sim.payments.shapes.payment_intent import PaymentIntent

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

AMOUNT_MAX = 99_999_999
_CURRENCY = re.compile(r"[A-Za-z]{3}")
"""ISO 4217."""
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_TEXTS = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
)


class AutomaticParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let Stripe choose the kinds of payment methods; here it is always a card."""

    enabled: bool
    allow_redirects: str | None = None


class _Changes(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    customer: str | None = None
    description: str | None = None
    metadata: Metadata | None = None
    payment_method: str | None = None
    payment_method_types: list[str] | None = None
    receipt_email: str | None = None
    setup_future_usage: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None


class CreateParams(_Changes, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For creation, with or without an attempt at once."""

    amount: int
    currency: str
    automatic_payment_methods: AutomaticParams | None = None
    capture_method: str = "automatic"
    confirm: bool = False
    error_on_requires_action: bool = False
    off_session: bool = False
    return_url: str | None = None


class UpdateParams(_Changes, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For an update."""

    amount: int | None = None
    currency: str | None = None


class ConfirmParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For an attempt."""

    error_on_requires_action: bool = False
    off_session: bool = False
    payment_method: str | None = None
    receipt_email: str | None = None
    return_url: str | None = None
    setup_future_usage: str | None = None


class CancelParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    cancellation_reason: str | None = None


class IntentListParams(ListParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose."""

    customer: str | None = None


def create(world: "World", params: CreateParams) -> PaymentIntent:
    """Ask for a sum; with `confirm`, try to take it at once.

    Raises CardError when the card refuses; the intent stays, to be tried again.
    """
    if params.capture_method not in {"automatic", "automatic_async"}:
        msg = "Manual capture is not simulated."
        raise InvalidRequestError(msg, param="capture_method")
    if params.off_session and not params.confirm:
        msg = "You cannot set `off_session` without `confirm`."
        raise InvalidRequestError(msg, param="off_session")
    intent_id = world.ids.make("pi")
    intent = PaymentIntent(
        id=intent_id,
        created=world.clock.created(),
        amount=_checked_amount(params.amount),
        capture_method=params.capture_method,
        client_secret=f"{intent_id}_secret_{world.ids.token(intent_id, 25)}",
        currency=_checked_currency(params.currency),
    )
    if params.automatic_payment_methods is not None:
        intent.automatic_payment_methods = msgspec.to_builtins(params.automatic_payment_methods)
    _apply(world, intent, params)
    world.save(intent)
    world.emit("payment_intent.created", intent)
    if not params.confirm:
        return intent
    how = ConfirmParams(
        off_session=params.off_session,
        error_on_requires_action=params.error_on_requires_action,
        return_url=params.return_url,
    )
    return confirm(world, how, intent_id)


def retrieve(world: "World", _params: Params, intent_id: str) -> PaymentIntent:
    """A payment intent."""
    return world.load(PaymentIntent, intent_id)


def update(world: "World", params: UpdateParams, intent_id: str) -> PaymentIntent:
    """Change what is given, while nothing is paid; afterwards only words."""
    intent = world.load(PaymentIntent, intent_id)
    money = (params.amount, params.currency, params.payment_method, params.customer)
    if any(part is not None for part in money):
        _refuse_unless_open(world, intent, "update")
    if params.amount is not None:
        intent.amount = _checked_amount(params.amount)
    if params.currency is not None:
        intent.currency = _checked_currency(params.currency)
    _apply(world, intent, params)
    world.save(intent)
    return intent


def confirm(world: "World", params: ConfirmParams, intent_id: str) -> PaymentIntent:
    """Try to take the money.

    Raises CardError when the card refuses, InvalidRequestError when there is nothing to try.
    """
    intent = world.load(PaymentIntent, intent_id)
    _refuse_unless_open(world, intent, "confirm")
    for name in ("receipt_email", "setup_future_usage"):
        if getattr(params, name) is not None:
            setattr(intent, name, getattr(params, name) or None)
    given = params.payment_method or intent.payment_method
    if given is None:
        msg = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken."
        )
        raise InvalidRequestError(msg, code="payment_intent_unexpected_state")
    if params.return_url:
        world.store.set_note(f"return_url:{intent_id}", params.return_url)
    method = payment_methods.find(world, given)
    # `error_on_requires_action` fails a payment exactly where an absent payer would.
    alone = params.off_session or params.error_on_requires_action
    return charging.confirm(world, intent, method, off_session=alone)


def cancel(world: "World", params: CancelParams, intent_id: str) -> PaymentIntent:
    """Give up; nothing will be taken any more."""
    intent = world.load(PaymentIntent, intent_id)
    _refuse_unless_open(world, intent, "cancel")
    intent.status = "canceled"
    intent.canceled_at = world.clock.created()
    intent.cancellation_reason = params.cancellation_reason
    intent.next_action = None
    world.save(intent)
    world.emit("payment_intent.canceled", intent)
    return intent


def list_all(world: "World", params: IntentListParams) -> Page:
    """Payment intents, newest first."""
    url = "/v1/payment_intents"
    return list_page(world, PaymentIntent, params, url=url, customer=params.customer)


def search(world: "World", params: SearchParams) -> SearchPage:
    """Payment intents by metadata, status, customer, currency, amount or time."""
    return search_page(world, PaymentIntent, params, url="/v1/payment_intents/search")


def _apply(world: "World", intent: PaymentIntent, params: _Changes) -> None:
    if params.customer:
        world.load(Customer, params.customer, param="customer")
        intent.customer = params.customer
    for name in _TEXTS:
        given = getattr(params, name)
        if given is not None:
            setattr(intent, name, given or None)
    if params.payment_method_types not in (None, ["card"]):
        msg = "Only the payment method type 'card' is simulated."
        raise InvalidRequestError(msg, param="payment_method_types")
    if params.payment_method:
        method = payment_methods.find(world, params.payment_method)
        payment_methods.refuse_foreign(world, method, intent.customer)
        intent.payment_method = method.id
        intent.status = "requires_confirmation"
    intent.metadata = merge_metadata(intent.metadata, params.metadata)


def _refuse_unless_open(world: "World", intent: PaymentIntent, verb: str) -> None:
    if intent.status in _OPEN:
        return
    msg = (
        f"You cannot {verb} this PaymentIntent because it has a status of {intent.status}. Only a "
        f"PaymentIntent with one of the following statuses may be changed so: {', '.join(_OPEN)}."
    )
    error = InvalidRequestError(msg, code="payment_intent_unexpected_state")
    error.more["payment_intent"] = present(world, intent)
    raise error


def _checked_amount(amount: int) -> int:
    if amount < 1:
        msg = "This value must be greater than or equal to 1."
        raise InvalidRequestError(msg, code="parameter_invalid_integer", param="amount")
    if amount > AMOUNT_MAX:
        msg = f"Amount must be no more than {AMOUNT_MAX}"
        raise InvalidRequestError(msg, code="amount_too_large", param="amount")
    return amount


def _checked_currency(currency: str) -> str:
    if not _CURRENCY.fullmatch(currency):
        msg = f"Invalid currency: {currency[:20]}. It must be a three-letter ISO code."
        raise InvalidRequestError(msg, param="currency")
    return currency.lower()

"""Payment intents."""

import re
from typing import TYPE_CHECKING

import msgspec

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.operations import charging, intents, transfers
from gateway_sim.payments.operations.intents import AutomaticParams, IntentChanges
from gateway_sim.payments.operations.params import Params
from gateway_sim.payments.operations.search import SearchPage, SearchParams, search_page
from gateway_sim.payments.shapes.payment_intent import PaymentIntent

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

AMOUNT_MAX = 99_999_999
_CURRENCY = re.compile(r"[A-Za-z]{3}")
"""ISO 4217."""
_TEXTS = (
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)


class TransferDataParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the money, or part of it, is passed on to at once."""

    destination: str
    amount: int | None = None


class _Changes(IntentChanges, frozen=True, kw_only=True, forbid_unknown_fields=True):
    receipt_email: str | None = None
    setup_future_usage: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    transfer_group: str | None = None


class CreateParams(_Changes, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For creation, with or without an attempt at once."""

    amount: int
    currency: str
    automatic_payment_methods: AutomaticParams | None = None
    capture_method: str = "automatic"
    confirm: bool = False
    error_on_requires_action: bool = False
    off_session: bool = False
    on_behalf_of: str | None = None
    return_url: str | None = None
    transfer_data: TransferDataParams | None = None


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
    _pass_on(world, intent, params)
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


def update(world: "World", params: UpdateParams, intent_id: str) -> PaymentIntent:
    """Change what is given, while nothing is paid; afterwards only words."""
    intent = world.load(PaymentIntent, intent_id)
    money = (params.amount, params.currency, params.payment_method, params.customer)
    if any(part is not None for part in money):
        intents.refuse_unless_open(world, intent, "update")
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
    intents.refuse_unless_open(world, intent, "confirm")
    for name in ("receipt_email", "setup_future_usage"):
        if getattr(params, name) is not None:
            setattr(intent, name, getattr(params, name) or None)
    if params.return_url:
        world.store.set_note(f"return_url:{intent_id}", params.return_url)
    method = intents.method_to_try(world, intent, params.payment_method)
    # `error_on_requires_action` fails a payment exactly where an absent payer would.
    alone = params.off_session or params.error_on_requires_action
    return charging.confirm(world, intent, method, off_session=alone)


def cancel(world: "World", params: intents.CancelParams, intent_id: str) -> PaymentIntent:
    """Give up; nothing will be taken any more."""
    return intents.give_up(world, world.load(PaymentIntent, intent_id), params)


def search(world: "World", params: SearchParams) -> SearchPage:
    """Payment intents by metadata, status, customer, currency, amount or time."""
    return search_page(world, PaymentIntent, params, url="/v1/payment_intents/search")


def _apply(world: "World", intent: PaymentIntent, params: _Changes) -> None:
    for name in _TEXTS:
        given = getattr(params, name)
        if given is not None:
            setattr(intent, name, given or None)
    intents.apply(world, intent, params)


def _pass_on(world: "World", intent: PaymentIntent, params: CreateParams) -> None:
    """Note for whom the money is, once it is there."""
    for given, param in (
        (params.on_behalf_of, "on_behalf_of"),
        (params.transfer_data and params.transfer_data.destination, "transfer_data[destination]"),
    ):
        if given:
            transfers.refuse_unable(world, given, param=param)
    intent.on_behalf_of = params.on_behalf_of
    if params.transfer_data is not None:
        part = params.transfer_data.amount
        if part is not None and not 1 <= part <= intent.amount:
            msg = "The transfer amount must be at least 1 and at most the amount of the payment."
            raise InvalidRequestError(msg, param="transfer_data[amount]")
        intent.transfer_data = {"destination": params.transfer_data.destination}
        intent.transfer_data |= {} if part is None else {"amount": part}


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

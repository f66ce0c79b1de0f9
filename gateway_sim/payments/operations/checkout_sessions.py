"""Checkout sessions: created by the merchant, ended by a person on the hosted page or by time."""

from typing import TYPE_CHECKING, Literal

import msgspec

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.operations import payment_intents, setup_intents
from gateway_sim.payments.operations.intents import CancelParams
from gateway_sim.payments.operations.params import (
    Instant,
    Metadata,
    Params,
    checked_url,
    merge_metadata,
)
from gateway_sim.payments.shapes.checkout_session import CheckoutSession
from gateway_sim.payments.shapes.customer import Customer
from gateway_sim.payments.shapes.payment_intent import PaymentIntent

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

LIFETIME_S = 24 * 3600
LIFETIME_MIN_S = 30 * 60
HOSTED = {None, "hosted", "hosted_page"}


class _Nested(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class ProductParams(_Nested, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is paid for."""

    name: str
    description: str | None = None


class PriceParams(_Nested, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price made up on the spot; kept prices are not simulated."""

    currency: str
    product_data: ProductParams
    unit_amount: int


class LineItemParams(_Nested, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the page."""

    price_data: PriceParams
    quantity: int = 1


class IntentDataParams(_Nested, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the payment or setup intent gets."""

    description: str | None = None
    metadata: dict[str, str] = {}
    receipt_email: str | None = None
    setup_future_usage: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None


class SetupDataParams(_Nested, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the setup intent gets."""

    description: str | None = None
    metadata: dict[str, str] = {}


class CreateParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For creation."""

    mode: Literal["payment", "setup"]
    success_url: str
    cancel_url: str | None = None
    client_reference_id: str | None = None
    currency: str | None = None
    customer: str | None = None
    customer_creation: str | None = None
    customer_email: str | None = None
    expires_at: Instant | None = None
    line_items: tuple[LineItemParams, ...] = ()
    locale: str | None = None
    metadata: Metadata | None = None
    payment_intent_data: IntentDataParams = IntentDataParams()
    payment_method_types: list[str] | None = None
    setup_intent_data: SetupDataParams = SetupDataParams()
    submit_type: str | None = None
    ui_mode: str | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the page needs to know and the session does not tell."""

    line_items: tuple[LineItemParams, ...]
    payment_intent_data: IntentDataParams


def create(world: "World", params: CreateParams) -> CheckoutSession:
    """Open a hosted page."""
    _refuse_unsimulated(params)
    if params.customer:
        world.load(Customer, params.customer, param="customer")
    session_id = world.ids.make("cs_test")
    session = CheckoutSession(
        id=session_id,
        created=world.clock.created(),
        cancel_url=checked_url(params.cancel_url, param="cancel_url")
        if params.cancel_url
        else None,
        client_reference_id=params.client_reference_id,
        currency=params.currency.lower() if params.currency else None,
        customer=params.customer,
        customer_creation=params.customer_creation,
        customer_email=params.customer_email,
        expires_at=_checked_expiry(world, params.expires_at),
        locale=params.locale,
        metadata=merge_metadata({}, params.metadata),
        mode=params.mode,
        submit_type=params.submit_type,
        success_url=checked_url(params.success_url, param="success_url"),
        url=f"{world.cause.origin}/pay/{session_id}",
    )
    if params.mode == "setup":
        _prepare_setup(world, session, params)
    else:
        _prepare_payment(session, params)
    plan = Plan(line_items=params.line_items, payment_intent_data=params.payment_intent_data)
    world.store.set_note(f"plan:{session_id}", msgspec.json.encode(plan).decode())
    world.save(session)
    world.agenda.add("page_closes", at=session.expires_at, body={"session": session_id})
    return session


def _refuse_unsimulated(params: CreateParams) -> None:
    if params.ui_mode not in HOSTED:
        msg = "Only the hosted page is simulated."
        raise InvalidRequestError(msg, param="ui_mode")
    if params.payment_method_types not in (None, ["card"]):
        msg = "Only the payment method type 'card' is simulated."
        raise InvalidRequestError(msg, param="payment_method_types")


def _checked_expiry(world: "World", asked: int | None) -> int:
    now = world.clock.created()
    if asked is not None and not LIFETIME_MIN_S <= asked - now <= LIFETIME_S:
        msg = "The `expires_at` timestamp must be between 30 minutes and 24 hours from now."
        raise InvalidRequestError(msg, param="expires_at")
    return asked or now + LIFETIME_S


def _prepare_setup(world: "World", session: CheckoutSession, params: CreateParams) -> None:
    if params.line_items:
        msg = "You can not pass `line_items` in `setup` mode."
        raise InvalidRequestError(msg, param="line_items")
    wanted = setup_intents.CreateParams(
        customer=params.customer,
        description=params.setup_intent_data.description,
        metadata=params.setup_intent_data.metadata,
    )
    session.setup_intent = setup_intents.create(world, wanted).id
    session.payment_status = "no_payment_required"
    session.payment_method_collection = "always"


def _prepare_payment(session: CheckoutSession, params: CreateParams) -> None:
    items = params.line_items
    if not items:
        msg = "You must provide `line_items` in `payment` mode."
        raise InvalidRequestError(msg, code="parameter_missing", param="line_items")
    currencies = {item.price_data.currency.lower() for item in items}
    if len(currencies) > 1:
        msg = "All line items must have the same currency."
        raise InvalidRequestError(msg, param="line_items")
    if any(item.quantity < 1 or item.price_data.unit_amount < 0 for item in items):
        msg = "Line items need a quantity of at least 1 and a price that is not negative."
        raise InvalidRequestError(msg, param="line_items")
    total = sum(item.price_data.unit_amount * item.quantity for item in items)
    if not 1 <= total <= payment_intents.AMOUNT_MAX:
        msg = f"The total must be between 1 and {payment_intents.AMOUNT_MAX}."
        raise InvalidRequestError(msg, param="line_items")
    session.currency = currencies.pop()
    session.amount_subtotal = session.amount_total = total
    session.customer_creation = session.customer_creation or "if_required"
    session.payment_method_collection = "if_required"
    session.total_details = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}


def plan_of(world: "World", session: CheckoutSession) -> Plan:
    """What the page shows and charges."""
    return msgspec.json.decode(world.store.note(f"plan:{session.id}"), type=Plan)


def expire(world: "World", _params: Params, session_id: str) -> CheckoutSession:
    """Close a page that nobody has used.

    Raises InvalidRequestError when it is closed already.
    """
    session = world.load(CheckoutSession, session_id)
    if session.status != "open":
        msg = (
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of {session.status}."
        )
        raise InvalidRequestError(msg)
    return _close(world, session)


def time_is_up(world: "World", session_id: str) -> None:
    """Close a page that nobody has used in time."""
    session = world.load(CheckoutSession, session_id)
    if session.status == "open":
        _close(world, session)


def _close(world: "World", session: CheckoutSession) -> CheckoutSession:
    session.status = "expired"
    session.url = None
    world.save(session)
    _cancel_intents(world, session)
    world.emit("checkout.session.expired", session)
    return session


def _cancel_intents(world: "World", session: CheckoutSession) -> None:
    """A closed page must not leave an intent that could still take money."""
    if session.payment_intent is not None:
        intent = world.load(PaymentIntent, session.payment_intent)
        if intent.status not in {"succeeded", "canceled"}:
            reason = CancelParams(cancellation_reason="abandoned")
            payment_intents.cancel(world, reason, intent.id)
    if session.setup_intent is not None:
        reason = CancelParams(cancellation_reason="abandoned")
        setup_intents.cancel(world, reason, session.setup_intent)

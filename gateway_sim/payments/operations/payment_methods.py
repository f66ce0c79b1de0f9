"""Payment methods: cards made from test numbers or tokens, attached to customers."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from gateway_sim.payments import cards
from gateway_sim.payments.errors import (
    CardError,
    InvalidRequestError,
    NestedResourceMissingError,
    ResourceMissingError,
)
from gateway_sim.payments.operations.params import (
    ListParams,
    Metadata,
    Page,
    Params,
    list_page,
    merge_metadata,
)
from gateway_sim.payments.shapes.customer import Customer
from gateway_sim.payments.shapes.payment_method import (
    Address,
    BillingDetails,
    Card,
    PaymentMethod,
)

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

_YEARS_AHEAD = 8
_YEARS_MAX = 50
_MONTHS = 12
_CARD = "card"
_STAND_IN = "token"
"""Stripe's word for a card that was handed over elsewhere."""


class CardParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A card: its number, or a token such as `tok_visa`."""

    number: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    cvc: str | None = None
    token: str | None = None


class AddressParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A postal address."""

    city: str | None = None
    country: str | None = None
    line1: str | None = None
    line2: str | None = None
    postal_code: str | None = None
    state: str | None = None


class BillingDetailsParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the card belongs to."""

    address: AddressParams = AddressParams()
    email: str | None = None
    name: str | None = None
    phone: str | None = None


class CreateParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For creation."""

    type: str
    card: CardParams | None = None
    billing_details: BillingDetailsParams = BillingDetailsParams()
    metadata: Metadata | None = None


class AttachParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To whom."""

    customer: str


class MethodListParams(ListParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which kind."""

    type: str | None = None


def create(world: "World", params: CreateParams) -> PaymentMethod:
    """Make a payment method from a card.

    Raises CardError for a number that is no test card's.
    """
    if params.type != _CARD or params.card is None:
        msg = "Only payment methods of type 'card' with card details are simulated."
        raise InvalidRequestError(msg, param="type")
    _refuse_expired(world, params.card)
    method = make(
        world, _card_given(params.card), month=params.card.exp_month, year=params.card.exp_year
    )
    details = params.billing_details
    method.billing_details = BillingDetails(
        address=Address(**msgspec.structs.asdict(details.address)),
        email=details.email,
        name=details.name,
        phone=details.phone,
    )
    method.metadata = merge_metadata({}, params.metadata)
    world.save(method)
    return method


def _refuse_expired(world: "World", given: CardParams) -> None:
    """Raise CardError for a date that cannot be on a card, or has passed."""
    if given.exp_month is not None and not 1 <= given.exp_month <= _MONTHS:
        msg = "Your card's expiration month is invalid."
        raise CardError(msg, code="invalid_expiry_month")
    this_year = _year(world)
    if given.exp_year is not None and not 0 <= given.exp_year - this_year <= _YEARS_MAX:
        msg = "Your card's expiration year is invalid."
        raise CardError(msg, code="invalid_expiry_year")


def _year(world: "World") -> int:
    return datetime.fromtimestamp(world.clock.now(), UTC).year


def _card_given(given: CardParams) -> cards.TestCard:
    if given.token:
        known = cards.card_of_token(given.token)
        if known is None:
            raise NestedResourceMissingError(_STAND_IN, given.token, param="card[token]")
        return known
    if not given.number:
        msg = "Missing required param: card[number]."
        raise InvalidRequestError(msg, code="parameter_missing", param="card[number]")
    return cards.card_of_number(given.number)


def make(
    world: "World", card: cards.TestCard, *, month: int | None = None, year: int | None = None
) -> PaymentMethod:
    """A new payment method of a test card, not attached to anyone."""
    now = world.clock.created()
    return PaymentMethod(
        id=world.ids.make("pm"),
        created=now,
        card=Card(
            brand=card.brand,
            checks={
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            display_brand=card.brand,
            exp_month=month or 12,
            exp_year=year or _year(world) + _YEARS_AHEAD,
            fingerprint=cards.fingerprint(card.number),
            last4=card.number[-4:],
            networks={"available": [card.brand], "preferred": None},
            three_d_secure_usage={"supported": True},
        ),
    )


def find(world: "World", given: str, *, param: str = "payment_method") -> PaymentMethod:
    """The payment method that a parameter names; a test token makes a new one.

    Raises NestedResourceMissingError.
    """
    card = cards.card_of_token(given)
    if card is None:
        return world.load(PaymentMethod, given, param=param)
    method = make(world, card)
    world.save(method)
    return method


def retrieve_of_customer(
    world: "World", _params: Params, customer_id: str, method_id: str
) -> PaymentMethod:
    """A payment method, if it is that customer's."""
    world.load(Customer, customer_id)
    method = world.load(PaymentMethod, method_id)
    if method.customer != customer_id:
        raise ResourceMissingError(PaymentMethod.KIND, method_id)
    return method


def attach(world: "World", params: AttachParams, method_id: str) -> PaymentMethod:
    """Save a card with a customer.

    Raises CardError when the bank refuses, InvalidRequestError when it is another's or spent.
    """
    world.load(Customer, params.customer, param="customer")
    method = find(world, method_id)
    refuse_foreign(world, method, params.customer)
    card = cards.card_of_fingerprint(method.card.fingerprint)
    if card.declines_as and not card.saves:
        raise cards.declined(card.declines_as)
    return attach_to(world, method, params.customer)


def attach_to(world: "World", method: PaymentMethod, customer: str) -> PaymentMethod:
    """Save a card whose bank has agreed already."""
    if method.customer != customer:
        method.customer = customer
        world.save(method)
        world.emit("payment_method.attached", method)
    return method


def detach(world: "World", _params: Params, method_id: str) -> PaymentMethod:
    """Take a card from its customer; it can never be used again."""
    method = world.load(PaymentMethod, method_id)
    if method.customer is None:
        msg = (
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
        raise InvalidRequestError(msg, code="payment_method_unexpected_state")
    method.customer = None
    spend(world, method)
    world.save(method)
    world.emit("payment_method.detached", method)
    return method


def spend(world: "World", method: PaymentMethod) -> None:
    """Remember that an unattached card was used, or detached: it works no second time."""
    world.store.set_note(f"spent:{method.id}", "spent")


def refuse_foreign(world: "World", method: PaymentMethod, customer: str | None) -> None:
    """Raise InvalidRequestError when a card is another customer's, or spent."""
    if method.customer is not None and method.customer != customer:
        msg = (
            f"The provided PaymentMethod ({method.id}) belongs to another customer; "
            "name that customer, or use another PaymentMethod."
        )
        raise InvalidRequestError(msg, param="payment_method")
    if method.customer is None and world.store.note(f"spent:{method.id}"):
        msg = (
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer "
            "attachment, or was detached from a Customer. It may not be used again. To use a "
            "PaymentMethod multiple times, you must attach it to a Customer first."
        )
        raise InvalidRequestError(msg, param="payment_method")


def list_of_customer(world: "World", params: MethodListParams, customer_id: str) -> Page:
    """A customer's cards, newest first."""
    world.load(Customer, customer_id)
    url = f"/v1/customers/{customer_id}/payment_methods"
    return list_page(world, PaymentMethod, params, url=url, customer=customer_id, type=params.type)

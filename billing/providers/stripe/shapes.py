"""What of Stripe's objects billing reads, and Stripe's decline codes sorted into classes.

Unknown fields are ignored: Stripe's objects grow. A field may hold an object or only its id.
"""

from typing import Protocol, TypeVar

import msgspec

from billing.core.attempt import DeclineClass

_C = DeclineClass
_CODES: dict[DeclineClass, tuple[str, ...]] = {
    _C.INSUFFICIENT_FUNDS: (
        "insufficient_funds",
        "card_velocity_exceeded",
        "withdrawal_count_limit_exceeded",
    ),
    _C.TRY_AGAIN: (
        "processing_error",
        "issuer_not_available",
        "reenter_transaction",
        "try_again_later",
        "approve_with_id",
        "lock_timeout",
    ),
    _C.CARD_UNUSABLE: (
        "card_not_supported",
        "currency_not_supported",
        "expired_card",
        "incorrect_cvc",
        "incorrect_number",
        "incorrect_zip",
        "invalid_account",
        "invalid_cvc",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "invalid_number",
        "lost_card",
        "merchant_blacklist",
        "new_account_information_available",
        "pickup_card",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "stop_payment_order",
        "testmode_decline",
        "payment_method_unactivated",
    ),
    _C.AUTHENTICATION_REQUIRED: (
        "authentication_required",
        "authentication_not_handled",
        "offline_pin_required",
        "online_or_offline_pin_required",
    ),
}
_CLASSES = {code: decline_class for decline_class, codes in _CODES.items() for code in codes}


def decline_class_of(code: str) -> DeclineClass:
    """Sort a decline code; one that we do not know counts as a plain no."""
    return _CLASSES.get(code, DeclineClass.DO_NOT_HONOUR)


class ChargeShape(msgspec.Struct, frozen=True):
    """A charge."""

    id: str
    created: int


class IntentShape(msgspec.Struct, frozen=True):
    """A payment intent."""

    id: str
    status: str
    currency: str
    created: int
    amount_received: int = 0
    latest_charge: ChargeShape | str | None = None
    last_payment_error: "ErrorShape | None" = None
    metadata: dict[str, str] = {}

    @property
    def charge_ref(self) -> str | None:
        """The name of its newest charge."""
        charge = self.latest_charge
        return charge.id if isinstance(charge, ChargeShape) else charge

    @property
    def charged_at(self) -> int:
        """When that charge was made, in Unix seconds; where only its id is here, the intent's."""
        charge = self.latest_charge
        return charge.created if isinstance(charge, ChargeShape) else self.created


class ErrorShape(msgspec.Struct, frozen=True):
    """What Stripe says went wrong."""

    type: str | None = None
    code: str | None = None
    decline_code: str | None = None
    param: str | None = None
    payment_intent: IntentShape | None = None

    @property
    def payment_ref(self) -> str | None:
        """The name of the payment intent that it happened to."""
        return None if self.payment_intent is None else self.payment_intent.id


class SessionShape(msgspec.Struct, frozen=True):
    """A Checkout page."""

    id: str
    status: str
    url: str | None = None
    payment_intent: str | None = None
    metadata: dict[str, str] = {}


class CardShape(msgspec.Struct, frozen=True):
    """What may be shown of a card."""

    brand: str
    last4: str


class MethodShape(msgspec.Struct, frozen=True):
    """A payment method."""

    id: str
    card: CardShape


class SetupIntentShape(msgspec.Struct, frozen=True):
    """A card being left for later."""

    id: str
    payment_method: MethodShape | None = None


class SetupSessionShape(msgspec.Struct, frozen=True):
    """A Checkout page on which a card is left."""

    id: str
    status: str
    setup_intent: SetupIntentShape | None = None


class RefundShape(msgspec.Struct, frozen=True):
    """A refund."""

    id: str
    status: str
    created: int
    failure_reason: str | None = None
    metadata: dict[str, str] | None = None


class TransferShape(msgspec.Struct, frozen=True):
    """A transfer, or the reversal of one."""

    id: str
    created: int
    metadata: dict[str, str] | None = None


class DisputeMoveShape(msgspec.Struct, frozen=True):
    """A line of the report that a dispute caused."""

    id: str
    amount: int
    fee: int
    created: int


class EvidenceDetailsShape(msgspec.Struct, frozen=True):
    """How far the evidence is."""

    due_by: int | None = None
    submission_count: int = 0


class DisputeShape(msgspec.Struct, frozen=True):
    """A dispute, with its payment intent expanded."""

    id: str
    status: str
    reason: str
    amount: int
    currency: str
    charge: str
    created: int
    evidence_details: EvidenceDetailsShape
    balance_transactions: tuple[DisputeMoveShape, ...] = ()
    payment_intent: IntentShape | None = None


class ConnectedAccountShape(msgspec.Struct, frozen=True):
    """An operator's account."""

    capabilities: dict[str, str] = {}


class BalanceTransactionShape(msgspec.Struct, frozen=True):
    """A line of Stripe's report."""

    id: str
    type: str
    amount: int
    fee: int
    net: int
    currency: str
    created: int
    source: str | None = None
    reporting_category: str = ""

    @property
    def kind(self) -> str:
        """What moved it; where its type says only "adjustment", its category does."""
        return self.reporting_category if self.type == "adjustment" else self.type


class AboutShape(msgspec.Struct, frozen=True):
    """What an event is about, as far as finding it again needs."""

    object: str
    id: str = ""
    metadata: dict[str, str] | None = None
    payment_intent: str | None = None


class EventDataShape(msgspec.Struct, frozen=True):
    """An event's content."""

    object: AboutShape


class BankPayoutShape(msgspec.Struct, frozen=True):
    """Money on its way from an account at Stripe to its owner's bank."""

    id: str
    amount: int
    currency: str
    status: str
    failure_code: str | None = None
    failure_message: str | None = None


class EventShape(msgspec.Struct, frozen=True):
    """A webhook's body."""

    id: str
    type: str
    data: EventDataShape
    account: str | None = None
    """The connected account that it happened to."""


class _Answer(Protocol):
    def to_dict(self) -> dict[str, object]: ...


Shape = TypeVar("Shape", bound=msgspec.Struct)


def read(answer: _Answer, shape: type[Shape]) -> Shape:
    """Read one of the SDK's objects into what billing needs of it."""
    return msgspec.convert(answer.to_dict(), shape)

"""What billing asks of a payment gateway, and the answers it understands.

Whatever moves money is a `GatewayRequest`: built first, stored with its key, then sent; so a
repeat, by another process or another version of this code, sends exactly what was sent before.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Protocol, TypeAlias
from uuid import UUID

import msgspec

from billing.capabilities import Capabilities
from billing.core.attempt import Declined, Outcome, Pending, Succeeded, Unknown
from billing.dispute_gateway import DisputeGateway
from billing.gateway_request import GatewayRequest
from billing.registering import EntryRegistrar, RegisteredStay
from parking.core.errors import DomainError
from parking.core.ids import AccountId, PaymentId


class GatewayUnavailableError(DomainError):
    """The gateway cannot be reached, or did not answer in time; nothing is lost by trying again."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the payment gateway did not answer ({reason}); try again in a moment")


class GatewayRefusedError(DomainError):
    """The gateway refused a request as wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the payment gateway refused the request: {reason}")


class ForgedWebhookError(DomainError):
    """The webhook's signature is missing, wrong or stale."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this webhook is not accepted: {reason}")


class ChargeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Charge a driver by what was agreed once, while they are away."""

    payment_id: PaymentId
    attempt: int
    """The how manieth of this payment it is, from 1."""
    amount_minor: int
    currency: str
    customer_ref: str
    trace_id: str
    method_ref: str | None = None
    """The bound card, where there is one."""
    stay: RegisteredStay | None = None
    """What is paid for, where the provider is asked for each stay."""
    payment_ref: str | None = None
    """The gateway's payment of an earlier, declined attempt: it can succeed once only."""


class CheckoutOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Let a driver pay by hand on the gateway's own page."""

    payment_id: PaymentId
    amount_minor: int
    currency: str
    title: str
    return_url: str
    expires_at: datetime
    trace_id: str


class SetupOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Let a driver leave a card on the gateway's own page."""

    setup_id: UUID
    account_id: AccountId
    customer_ref: str
    return_url: str


class RefundOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Give part or all of a payment back."""

    gateway: str
    """Who took the payment."""
    refund_id: UUID
    payment_id: PaymentId
    payment_ref: str
    charge_ref: str
    charged_minor: int
    """All that the payment came to."""
    amount_minor: int
    currency: str
    trace_id: str


class TransferOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Pass a settlement on to an operator's account at the gateway."""

    payout_id: UUID
    settlement_id: UUID
    account_ref: str
    amount_minor: int
    currency: str


class ReversalOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Take part or all of a transfer back."""

    payout_id: UUID
    transfer_ref: str
    amount_minor: int


class CheckoutOpened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The page is there; `expires_at` is when the gateway closes it."""

    checkout_ref: str
    url: str


class PageOpen(msgspec.Struct, frozen=True, tag=True):
    """The driver has not finished yet."""


class PageExpired(msgspec.Struct, frozen=True, tag=True):
    """The page is closed for good and nothing came of it."""


class CardSetUp(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The driver left a card."""

    method_ref: str
    brand: str
    last4: str


class CalledOff(msgspec.Struct, frozen=True, tag=True):
    """The gateway will not take this payment any more."""


class Refunded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The money is on its way back."""

    refund_ref: str
    refunded_at: datetime


class RefundPending(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The gateway is at it."""

    refund_ref: str
    stuck: bool = False
    """It goes on only once a person has seen to it on the gateway's own pages."""


class RefundDelayed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Not made for now, as where our account holds too little: the same may be sent later."""

    reason: str


class RefundReturned(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Its money came back to us: the driver has none of it, and it can be made anew."""

    reason: str


class RefundBlocked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Refused while a bank disputes the payment: how that ends decides about it."""

    reason: str


class RefundFailed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Definitely not given back; a person must look."""

    reason: str


class Transferred(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The transfer, or the reversal of one, is made."""

    transfer_ref: str
    transferred_at: datetime


class TransferRefused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Definitely not made; another day, or a person, may help."""

    reason: str


CheckoutAnswer: TypeAlias = CheckoutOpened | Declined | Unknown
CheckoutProgress: TypeAlias = PageOpen | PageExpired | Succeeded | Pending | Unknown
SetupProgress: TypeAlias = PageOpen | PageExpired | CardSetUp
CallOffAnswer: TypeAlias = CalledOff | Succeeded | Pending | Unknown
RefundAnswer: TypeAlias = (
    Refunded
    | RefundPending
    | RefundDelayed
    | RefundReturned
    | RefundBlocked
    | RefundFailed
    | Unknown
)
TransferAnswer: TypeAlias = Transferred | TransferRefused | Unknown


class GatewayTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the gateway's own report. Sums in minor units; a refund is negative."""

    transaction_ref: str
    kind: str
    source_ref: str
    gross_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    created_at: datetime


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A verified webhook: a hint that something may have changed, and what to look at."""

    event_ref: str
    kind: str
    object_ref: str
    payment_id: PaymentId | None = None
    """Ours, where the object carries it."""
    setup_id: UUID | None = None
    refund_id: UUID | None = None
    registration_id: UUID | None = None
    dispute_ref: str | None = None
    """The gateway's name of a bank's dispute, where it is about one."""
    payment_ref: str | None = None
    """The gateway's name of the payment, where the object carries one."""
    account_ref: str | None = None
    """The connected account that it happened to, where it was not the platform's own."""


class BankPayout(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway's payout of an operator's own account to the operator's bank."""

    state: str
    """In the gateway's own word."""
    amount_minor: int
    currency: str
    failure: str
    """Why the bank sent it back; empty: it did not."""


class RefundWording(Protocol):
    """Words refunds: of one provider, or each in the words of whoever took the payment."""

    def refund_request(self, order: RefundOrder) -> GatewayRequest:
        """Word a refund."""
        ...


class PaymentProvider(Protocol):
    """What every payment provider can do. Requests are pure; what is async goes over the network.

    What only some can do is a protocol of its own, and `capabilities` says which of them hold.
    """

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, and how it wants to be asked."""
        ...

    @property
    def pages(self) -> "PaymentGateway | None":
        """Its own pages, where it has some."""
        ...

    @property
    def disputes(self) -> DisputeGateway | None:
        """Where it hears of banks that take money back, if they can."""
        ...

    @property
    def registrar(self) -> EntryRegistrar | None:
        """Where it wants to hear of stays before they are charged."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...

    def charge_request(self, order: ChargeOrder) -> GatewayRequest:
        """Word a charge."""
        ...

    def refund_request(self, order: RefundOrder) -> GatewayRequest:
        """Word a refund."""
        ...

    async def charge(self, request: GatewayRequest, *, idempotency_key: str) -> Outcome:
        """Send a charge, or send it again."""
        ...

    async def look_up(self, payment_ref: str, *, payment_id: PaymentId) -> Outcome:
        """Ask what became of a payment whose name there is known."""
        ...

    async def find(
        self, request: GatewayRequest, *, payment_id: PaymentId, since: datetime
    ) -> Outcome:
        """Ask what became of a charge whose answer was lost; NotExecuted if it is not there."""
        ...

    async def call_off(self, payment_ref: str, *, payment_id: PaymentId) -> CallOffAnswer:
        """End a payment that has not succeeded."""
        ...

    async def refund(self, request: GatewayRequest, *, idempotency_key: str) -> RefundAnswer:
        """Send a refund, or send it again."""
        ...

    async def find_refund(self, *, payment_ref: str, refund_id: UUID) -> RefundAnswer | None:
        """Look for a refund whose answer was lost; None if it is not there."""
        ...

    def transactions(
        self, *, since: datetime, until: datetime
    ) -> AsyncIterator[GatewayTransaction]:
        """Read the provider's own report of what moved, as far as it is drawn up."""
        ...

    def read_webhook(self, body: bytes, *, headers: Mapping[str, str], now: datetime) -> Notice:
        """Verify a webhook and say what it is about; ForgedWebhookError otherwise.

        The names of `headers` are in lower case.
        """
        ...


class PaymentGateway(PaymentProvider, Protocol):
    """A provider with pages of its own, for cards and paying by hand, that also pays operators."""

    def checkout_request(self, order: CheckoutOrder) -> GatewayRequest:
        """Word a payment page."""
        ...

    def setup_request(self, order: SetupOrder) -> GatewayRequest:
        """Word a page on which a card is left."""
        ...

    async def create_customer(self, account_id: AccountId) -> str:
        """Make, or find again, the gateway's record of a driver; answers its name there."""
        ...

    async def open_checkout(
        self, request: GatewayRequest, *, idempotency_key: str
    ) -> CheckoutAnswer:
        """Make a payment page, or the page made before under this key."""
        ...

    async def look_up_checkout(
        self, checkout_ref: str, *, payment_id: PaymentId
    ) -> CheckoutProgress:
        """Ask what became of a payment page."""
        ...

    async def expire_checkout(
        self, checkout_ref: str, *, payment_id: PaymentId
    ) -> CheckoutProgress:
        """Close a payment page; answers Succeeded if the driver was quicker."""
        ...

    async def open_setup(self, request: GatewayRequest, *, idempotency_key: str) -> CheckoutOpened:
        """Make a page on which a card is left."""
        ...

    async def look_up_setup(self, checkout_ref: str) -> SetupProgress:
        """Ask what became of it."""
        ...

    async def detach_method(self, method_ref: str) -> None:
        """Have the gateway forget a card; one that it does not have is forgotten already."""
        ...

    def transfer_request(self, order: TransferOrder) -> GatewayRequest:
        """Word a transfer to an operator's account."""
        ...

    def reversal_request(self, order: ReversalOrder) -> GatewayRequest:
        """Word the reversal of a transfer."""
        ...

    async def may_receive(self, account_ref: str) -> bool | None:
        """Whether transfers to an account are possible now; None: there is no such account."""
        ...

    async def bank_payout(self, payout_ref: str, *, account_ref: str) -> BankPayout | None:
        """How a payout to an operator's bank stands; None: there is no such one.

        Raises GatewayUnavailableError.
        """
        ...

    async def transfer(self, request: GatewayRequest, *, idempotency_key: str) -> TransferAnswer:
        """Send a transfer or a reversal, or send it again."""
        ...

    async def find_transfer(
        self, request: GatewayRequest, *, payout_id: UUID
    ) -> TransferAnswer | None:
        """Look for a transfer or reversal whose answer was lost; None if it is not there."""
        ...

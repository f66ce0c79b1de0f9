"""The entry that each business fact makes in the ledger. Pure; docs/ledger.md shows examples."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from billing.core import accounts
from billing.core.ledger import EntryKind, JournalEntry, gathered
from billing.core.obligation import Capture, Reassessment
from parking.core.ids import OperatorId, PaymentId
from parking.core.money import Money


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """When a fact happened, on which day it is booked, and which car it follows."""

    booked_on: date
    occurred_at: datetime
    trace_id: str = ""


class FeeShare(msgspec.Struct, frozen=True):
    """An operator's part of a payment, by which its processor fee is handed out."""

    operator_id: OperatorId
    amount_minor: int


def assessed(reassessment: Reassessment, *, currency: str, booking: Booking) -> JournalEntry | None:
    """Record that a fee was raised or changed; None where no sum moved."""
    obligation = reassessment.obligation
    operator_id = obligation.operator_id
    credit, commission = reassessment.credit_minor, reassessment.commission_returned_minor
    postings = gathered(
        (
            (accounts.driver_receivable(operator_id), reassessment.receivable_minor),
            (accounts.operator_accrued(operator_id), -reassessment.receivable_minor),
            (accounts.operator_payable(operator_id), credit - commission),
            (accounts.PLATFORM_COMMISSION, commission),
            (accounts.DRIVER_CREDIT, -credit),
        ),
        currency=currency,
    )
    if not postings:
        return None
    suffix = ":taken_back" if reassessment.whole else ""
    return JournalEntry(
        kind=EntryKind.OBLIGATION_ASSESSED,
        source=f"{obligation.obligation_id}:{obligation.revision}{suffix}",
        booked_on=booking.booked_on,
        occurred_at=booking.occurred_at,
        postings=postings,
        trace_id=booking.trace_id,
    )


def captured(
    captures: Sequence[Capture],
    *,
    payment_id: PaymentId,
    gateway: str,
    currency: str,
    booking: Booking,
) -> JournalEntry:
    """Record that a gateway took a payment: what was accrued becomes payable."""
    legs: list[tuple[accounts.LedgerAccount, int]] = []
    for part in captures:
        operator_id = part.obligation.operator_id
        legs += [
            (accounts.processor_clearing(gateway), part.applied_minor + part.excess_minor),
            (accounts.driver_receivable(operator_id), -part.applied_minor),
            (accounts.operator_accrued(operator_id), part.applied_minor),
            (accounts.operator_payable(operator_id), part.commission_minor - part.applied_minor),
            (accounts.PLATFORM_COMMISSION, -part.commission_minor),
            (accounts.DRIVER_CREDIT, -part.excess_minor),
        ]
    return JournalEntry(
        kind=EntryKind.PAYMENT_CAPTURED,
        source=str(payment_id),
        booked_on=booking.booked_on,
        occurred_at=booking.occurred_at,
        postings=gathered(legs, currency=currency),
        trace_id=booking.trace_id,
    )


def fee_known(
    shares: Sequence[FeeShare],
    *,
    fee: Money,
    payment_id: PaymentId,
    gateway: str,
    booking: Booking,
) -> JournalEntry | None:
    """Pass the gateway's fee on to the operators by their parts; None for no fee."""
    if not fee:
        return None
    parts = fee.allocate([share.amount_minor for share in shares])
    legs = [(accounts.processor_clearing(gateway), -fee.amount_minor)]
    legs += [
        (accounts.operator_payable(share.operator_id), part.amount_minor)
        for share, part in zip(shares, parts, strict=True)
    ]
    return JournalEntry(
        kind=EntryKind.PROCESSOR_FEE,
        source=str(payment_id),
        booked_on=booking.booked_on,
        occurred_at=booking.occurred_at,
        postings=gathered(legs, currency=fee.currency),
        trace_id=booking.trace_id,
    )


def refund_fee_known(
    operator_id: OperatorId, fee: Money, *, refund_id: str, gateway: str, booking: Booking
) -> JournalEntry | None:
    """Pass on what the gateway gave back of its fee with a refund: `fee` is negative then."""
    if not fee:
        return None
    legs = (
        (accounts.processor_clearing(gateway), -fee.amount_minor),
        (accounts.operator_payable(operator_id), fee.amount_minor),
    )
    return JournalEntry(
        kind=EntryKind.PROCESSOR_FEE,
        source=refund_id,
        booked_on=booking.booked_on,
        occurred_at=booking.occurred_at,
        postings=gathered(legs, currency=fee.currency),
        trace_id=booking.trace_id,
    )


def refunded(amount: Money, *, refund_id: str, gateway: str, booking: Booking) -> JournalEntry:
    """Record that the gateway gave a driver's credit back."""
    return JournalEntry(
        kind=EntryKind.REFUND_ISSUED,
        source=refund_id,
        booked_on=booking.booked_on,
        occurred_at=booking.occurred_at,
        postings=gathered(
            (
                (accounts.DRIVER_CREDIT, amount.amount_minor),
                (accounts.processor_clearing(gateway), -amount.amount_minor),
            ),
            currency=amount.currency,
        ),
        trace_id=booking.trace_id,
    )


def refunded_by_hand(amount: Money, *, refund_id: str, booking: Booking) -> JournalEntry:
    """Record that a driver's credit was given back from the platform's own account."""
    return JournalEntry(
        kind=EntryKind.REFUND_BY_HAND,
        source=refund_id,
        booked_on=booking.booked_on,
        occurred_at=booking.occurred_at,
        postings=gathered(
            (
                (accounts.DRIVER_CREDIT, amount.amount_minor),
                (accounts.OWN_BANK, -amount.amount_minor),
            ),
            currency=amount.currency,
        ),
        trace_id=booking.trace_id,
    )


def written_off(
    operator_id: OperatorId,
    amount: Money,
    *,
    kind: EntryKind,
    write_off_id: str,
    booking: Booking,
) -> JournalEntry:
    """Record that a sum is given up, or collected after all: the operator never had it."""
    sign = -1 if kind is EntryKind.WRITTEN_OFF else 1
    minor = sign * amount.amount_minor
    return JournalEntry(
        kind=kind,
        source=write_off_id,
        booked_on=booking.booked_on,
        occurred_at=booking.occurred_at,
        postings=gathered(
            (
                (accounts.driver_receivable(operator_id), minor),
                (accounts.operator_accrued(operator_id), -minor),
            ),
            currency=amount.currency,
        ),
        trace_id=booking.trace_id,
    )


def settled(
    operator_id: OperatorId,
    *,
    settlement_id: str,
    fees: Money,
    amount: Money,
    booking: Booking,
) -> list[JournalEntry]:
    """Record a settlement: the contract's own fees, and what is to be paid out; none of nothing."""
    payable = accounts.operator_payable(operator_id)
    moves = (
        (EntryKind.CONTRACT_FEES, fees, accounts.PLATFORM_COMMISSION),
        (EntryKind.SETTLED, amount, accounts.operator_settled(operator_id)),
    )
    return [
        JournalEntry(
            kind=kind,
            source=settlement_id,
            booked_on=booking.booked_on,
            occurred_at=booking.occurred_at,
            postings=gathered(
                ((payable, money.amount_minor), (other, -money.amount_minor)),
                currency=money.currency,
            ),
            trace_id=booking.trace_id,
        )
        for kind, money, other in moves
        if money
    ]


def paid_out(
    operator_id: OperatorId, amount: Money, *, payout_id: str, gateway: str, booking: Booking
) -> JournalEntry:
    """Record that the gateway passed on what was settled."""
    legs = (
        (accounts.operator_settled(operator_id), amount.amount_minor),
        (accounts.processor_clearing(gateway), -amount.amount_minor),
    )
    return JournalEntry(
        kind=EntryKind.PAID_OUT,
        source=payout_id,
        booked_on=booking.booked_on,
        occurred_at=booking.occurred_at,
        postings=gathered(legs, currency=amount.currency),
        trace_id=booking.trace_id,
    )


def payout_reversed(
    operator_id: OperatorId, amount: Money, *, payout_id: str, gateway: str, booking: Booking
) -> JournalEntry:
    """Record that money came back from an operator: the next settlement reckons with it."""
    legs = (
        (accounts.operator_payable(operator_id), -amount.amount_minor),
        (accounts.processor_clearing(gateway), amount.amount_minor),
    )
    return JournalEntry(
        kind=EntryKind.PAYOUT_REVERSED,
        source=payout_id,
        booked_on=booking.booked_on,
        occurred_at=booking.occurred_at,
        postings=gathered(legs, currency=amount.currency),
        trace_id=booking.trace_id,
    )

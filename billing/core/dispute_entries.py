"""The entries that a bank's dispute makes in the ledger. Pure; docs/disputes.md shows examples."""

from collections.abc import Sequence

from billing.core import accounts
from billing.core.accounts import LedgerAccount
from billing.core.disputes import FeePart, Loss, LostPart, Movement, MovementKind
from billing.core.entries import Booking
from billing.core.ledger import EntryKind, JournalEntry, gathered
from billing.core.settlement import DisputeBearer
from parking.core.ids import OperatorId
from parking.core.money import Money


def moved(movement: Movement, *, gateway: str, currency: str, booking: Booking) -> JournalEntry:
    """Record that a bank took money, or gave it back; nothing is decided by that."""
    withdrawn = movement.kind is MovementKind.WITHDRAWN
    minor = movement.amount_minor if withdrawn else -movement.amount_minor
    return _entry(
        EntryKind.DISPUTE_WITHDRAWN if withdrawn else EntryKind.DISPUTE_REINSTATED,
        movement.ref,
        [
            (accounts.dispute_claims(gateway), minor),
            (accounts.processor_clearing(gateway), -minor),
        ],
        currency=currency,
        booking=booking,
    )


def fee_kept(
    fee: Money, parts: Sequence[FeePart], *, movement_ref: str, gateway: str, booking: Booking
) -> JournalEntry:
    """Record what the gateway keeps for a dispute, by who bears it."""
    legs = [(accounts.processor_clearing(gateway), -fee.amount_minor)]
    legs += [(_bearer(part.operator_id, part.bearer), part.amount_minor) for part in parts]
    return _entry(EntryKind.DISPUTE_FEE, movement_ref, legs, currency=fee.currency, booking=booking)


def lost(
    loss: Loss, *, dispute_id: str, gateway: str, currency: str, booking: Booking
) -> list[JournalEntry]:
    """Record where a lost dispute's money comes from: one entry an operator, one for the rest.

    What an operator bears is unpaid again: owed by the driver, and owed to the operator only once
    it is paid.
    """
    claims = accounts.dispute_claims(gateway)
    by_operator: dict[OperatorId, list[tuple[LedgerAccount, int]]] = {}
    for part in loss.parts:
        if part.bearer is DisputeBearer.OPERATOR:
            operator_id = part.obligation.operator_id
            by_operator.setdefault(operator_id, []).extend(_unpaid_again(part, claims))
    entries = [
        _entry(
            EntryKind.DISPUTE_LOST,
            f"{dispute_id}:{operator_id}",
            legs,
            currency=currency,
            booking=booking,
        )
        for operator_id, legs in sorted(by_operator.items())
    ]
    rest = [
        (accounts.DRIVER_CREDIT, loss.covered_minor),
        (accounts.DISPUTE_COSTS, loss.platform_minor),
        (claims, -loss.covered_minor - loss.platform_minor),
    ]
    if loss.covered_minor or loss.platform_minor:
        entries.append(
            _entry(EntryKind.DISPUTE_LOST, dispute_id, rest, currency=currency, booking=booking)
        )
    return entries


def recovered(amount: Money, *, source: str, booking: Booking) -> JournalEntry:
    """Record that the driver has a credit already, by a dispute that the platform paid for."""
    legs = [
        (accounts.DRIVER_CREDIT, amount.amount_minor),
        (accounts.DISPUTE_COSTS, -amount.amount_minor),
    ]
    return _entry(
        EntryKind.DISPUTE_RECOVERED, source, legs, currency=amount.currency, booking=booking
    )


def _unpaid_again(part: LostPart, claims: LedgerAccount) -> list[tuple[LedgerAccount, int]]:
    operator_id, commission = part.obligation.operator_id, part.commission_returned_minor
    return [
        (claims, -part.lost_minor),
        (accounts.operator_payable(operator_id), part.lost_minor - commission),
        (accounts.PLATFORM_COMMISSION, commission),
        (accounts.driver_receivable(operator_id), part.lost_minor),
        (accounts.operator_accrued(operator_id), -part.lost_minor),
    ]


def _bearer(operator_id: OperatorId, bearer: DisputeBearer) -> LedgerAccount:
    if bearer is DisputeBearer.PLATFORM:
        return accounts.DISPUTE_COSTS
    return accounts.operator_payable(operator_id)


def _entry(
    kind: EntryKind,
    source: str,
    legs: Sequence[tuple[LedgerAccount, int]],
    *,
    currency: str,
    booking: Booking,
) -> JournalEntry:
    return JournalEntry(
        kind=kind,
        source=source,
        booked_on=booking.booked_on,
        occurred_at=booking.occurred_at,
        postings=gathered(legs, currency=currency),
        trace_id=booking.trace_id,
    )

"""A bank's dispute of a payment: its states, our answer, and who bears what is lost. Pure.

The bank takes the money at once (an inquiry only asks), hears both sides, and gives it back or
keeps it. What it keeps is first what we owed the driver anyway, then the loss of whoever the
operator's contract names; docs/disputes.md has the table.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from uuid import UUID

import msgspec

from billing.core.obligation import Obligation, check_arrow
from billing.core.settlement import DisputeBearer
from parking.core.errors import DomainError
from parking.core.ids import OperatorId
from parking.core.money import Money


class DisputeState(Enum):
    """Where a dispute stands."""

    HEARD = "heard"
    """Only its name is known. Due: ask the gateway."""
    INQUIRY = "inquiry"
    """The bank asks, and has taken nothing yet."""
    OPEN = "open"
    """The bank has taken the money and waits for our evidence."""
    UNDER_REVIEW = "under_review"
    """It has our evidence, or does not want any more."""
    WON = "won"
    """The money came back."""
    LOST = "lost"
    """The money stays with the payer; the loss is booked."""
    CLOSED = "closed"
    """An inquiry that ended without any money."""
    FOREIGN = "foreign"
    """Of a payment that is not ours: reconciliation shows its money as surplus."""


_S = DisputeState
FINAL = frozenset({_S.WON, _S.LOST, _S.CLOSED, _S.FOREIGN})
ANSWERABLE = frozenset({_S.INQUIRY, _S.OPEN})
"""States in which evidence is wanted."""
ARROWS: dict[DisputeState, frozenset[DisputeState]] = {
    _S.HEARD: frozenset(_S) - {_S.HEARD},
    _S.INQUIRY: frozenset({_S.OPEN, _S.UNDER_REVIEW, _S.WON, _S.LOST, _S.CLOSED}),
    # Back to OPEN: evidence was staged or the bank wants more.
    _S.OPEN: frozenset({_S.UNDER_REVIEW, _S.WON, _S.LOST}),
    _S.UNDER_REVIEW: frozenset({_S.OPEN, _S.WON, _S.LOST, _S.CLOSED}),
    _S.WON: frozenset(),
    _S.LOST: frozenset(),
    _S.CLOSED: frozenset(),
    _S.FOREIGN: frozenset(),
}
"""Every way from one state to another; news may come in any order and skip some."""


class DisputeArrowError(DomainError):
    """A dispute cannot go from the one state to the other: a person must look."""

    def __init__(self, *, before: DisputeState, after: DisputeState) -> None:
        super().__init__(f"a dispute cannot go from {before.value} to {after.value}")


class MovementKind(Enum):
    """What a bank did with the money."""

    WITHDRAWN = "withdrawn"
    REINSTATED = "reinstated"


class Stance(Enum):
    """How we answer."""

    CONTEST = "contest"
    """With evidence."""
    CONCEDE = "concede"
    """We owed the driver all of it anyway: the bank has given it back for us."""


class DisputedPart(msgspec.Struct, frozen=True, kw_only=True):
    """What the disputed payment brought for one obligation. Sums in minor units."""

    obligation: Obligation
    bearer: DisputeBearer
    captured_minor: int
    kept_minor: int
    """Of that, neither given back nor lost before."""


class OwedBack(msgspec.Struct, frozen=True, kw_only=True):
    """A refund that was never made, and what of it is still owed in minor units."""

    refund_id: UUID
    amount_minor: int


class LostPart(msgspec.Struct, frozen=True, kw_only=True):
    """What a lost dispute takes of one obligation. Sums in minor units."""

    obligation: Obligation
    """As it is afterwards."""
    bearer: DisputeBearer
    lost_minor: int
    commission_returned_minor: int = 0
    """The platform's part; only what an operator bears makes it return any."""


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Where the money of a lost dispute comes from. Sums in minor units."""

    covered: tuple[OwedBack, ...]
    """Refunds that the bank has made for us, all or in part."""
    parts: tuple[LostPart, ...]
    excess_minor: int
    """More than there was, for example of a payment refunded before: the platform's cost."""

    @property
    def covered_minor(self) -> int:
        """What of it the driver was owed anyway."""
        return sum(each.amount_minor for each in self.covered)

    @property
    def platform_minor(self) -> int:
        """What of it the platform bears."""
        borne = (p.lost_minor for p in self.parts if p.bearer is DisputeBearer.PLATFORM)
        return self.excess_minor + sum(borne)


class FeePart(msgspec.Struct, frozen=True, kw_only=True):
    """Who bears which part of a dispute's fee."""

    operator_id: OperatorId
    bearer: DisputeBearer
    amount_minor: int


def check_dispute_arrow(before: DisputeState, after: DisputeState) -> None:
    """Refuse a move that the table of arrows does not have."""
    if after is not before and after not in ARROWS[before]:
        raise DisputeArrowError(before=before, after=after)


def stance(*, amount_minor: int, owed_back: Sequence[OwedBack]) -> Stance:
    """Give in only where everything disputed is owed to the driver anyway."""
    owed = sum(each.amount_minor for each in owed_back)
    return Stance.CONCEDE if owed >= amount_minor else Stance.CONTEST


def share_fee(fee: Money, parts: Sequence[DisputedPart]) -> tuple[FeePart, ...]:
    """Hand a dispute's fee out by what each obligation brought, largest remainders first."""
    shares = fee.allocate([part.captured_minor for part in parts])
    return tuple(
        FeePart(
            operator_id=part.obligation.operator_id,
            bearer=part.bearer,
            amount_minor=share.amount_minor,
        )
        for part, share in zip(parts, shares, strict=True)
    )


def share_loss(
    amount: Money, *, parts: Sequence[DisputedPart], owed_back: Sequence[OwedBack]
) -> Loss:
    """Say where the money of a lost dispute comes from: what was owed back, then what was kept."""
    left = amount.amount_minor
    covered: list[OwedBack] = []
    for refund in owed_back:
        part = min(left, refund.amount_minor)
        if part:
            covered.append(OwedBack(refund_id=refund.refund_id, amount_minor=part))
            left -= part
    kept = [part for part in parts if part.kept_minor]
    taken = min(left, sum(part.kept_minor for part in kept))
    shares = (
        Money(taken, amount.currency).allocate([part.kept_minor for part in kept]) if kept else ()
    )
    lost = tuple(
        _lose(part, share.amount_minor)
        for part, share in zip(kept, shares, strict=True)
        if share.amount_minor
    )
    return Loss(covered=tuple(covered), parts=lost, excess_minor=left - taken)


def _lose(part: DisputedPart, lost_minor: int) -> LostPart:
    """Where the operator bears it the stay is unpaid again; the platform's loss is its own."""
    before = part.obligation
    if part.bearer is DisputeBearer.PLATFORM:
        return LostPart(obligation=before, bearer=part.bearer, lost_minor=lost_minor)
    after = msgspec.structs.replace(before, returned_minor=before.returned_minor + lost_minor)
    check_arrow(before.state, after.state)
    return LostPart(
        obligation=after,
        bearer=part.bearer,
        lost_minor=lost_minor,
        commission_returned_minor=before.commission_minor - after.commission_minor,
    )


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """Money that a bank took or gave back, as the gateway's report has it. Sums in minor units."""

    ref: str
    """The gateway's name of the movement."""
    kind: MovementKind
    amount_minor: int
    fee_minor: int
    moved_at: datetime

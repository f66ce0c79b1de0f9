"""Settlement: what an operator is owed at a cut-off, by its contract. Pure.

A period's figures are the ledger's own, so a settlement explains every fen between two cut-offs.
"""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from enum import Enum

import msgspec

from parking.core.errors import DomainError
from parking.core.ids import OperatorId

_SUNDAY = 6


class Period(Enum):
    """How often an operator is settled."""

    DAILY = "daily"
    WEEKLY = "weekly"
    """Weeks end on Sunday."""
    MONTHLY = "monthly"


class DisputeBearer(Enum):
    """Who bears what a lost dispute of a bank takes, and each dispute's fee."""

    OPERATOR = "operator"
    """Its share goes back, and so does the platform's commission."""
    PLATFORM = "platform"
    """A cost of the platform's; the operator keeps its share."""


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform takes, from a day on. Sums in minor units, for each period."""

    effective_from: date
    commission_bp: int
    """Of what drivers pay, in basis points; sealed into an obligation when it is made."""
    fixed_minor: int = 0
    """A period's fixed fee, however much is collected."""
    minimum_minor: int = 0
    """Commission comes to this much a period at least, after what corrections gave back."""
    period: Period = Period.MONTHLY
    disputes_borne_by: DisputeBearer = DisputeBearer.OPERATOR
    """Of payments that were booked while the contract held."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger says of an operator's money between two cut-offs, in minor units."""

    opening_minor: int
    """Carried forward by the settlement before; negative: the operator owes us."""
    collected_minor: int
    commission_minor: int
    processor_fees_minor: int
    corrected_minor: int
    """Everything else: corrections of what was paid; negative takes away."""
    commission_returned_minor: int = 0
    """What of the platform's commission went back with those corrections; it is in them."""


class SettlementDoesNotAddUpError(DomainError):
    """What is settled and carried forward must be what there was, less what the platform takes."""

    def __init__(self, operator_id: OperatorId, *, have_minor: int, given_minor: int) -> None:
        super().__init__(
            f"a settlement of {operator_id} has {have_minor} and hands out {given_minor}"
        )


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """One operator's settlement at one cut-off. Sums in minor units."""

    operator_id: OperatorId
    begin_date: date
    cut_off_date: date
    """The last ledger day that is in it."""
    currency: str
    commission_bp: int
    opening_minor: int
    collected_minor: int
    commission_minor: int
    processor_fees_minor: int
    corrected_minor: int
    fixed_minor: int
    top_up_minor: int
    """What the commission fell short of the contract's minimum."""
    settled_minor: int
    """To be paid out."""
    carried_minor: int
    """Left for the next settlement: too small to be paid out, or negative."""
    commission_returned_minor: int = 0
    """Of the corrections: commission that went back, and so does not count for the minimum."""

    def __post_init__(self) -> None:
        """Hold the parts to the whole."""
        have = (
            self.opening_minor
            + self.collected_minor
            - self.commission_minor
            - self.processor_fees_minor
            + self.corrected_minor
            - self.fixed_minor
            - self.top_up_minor
        )
        given = self.settled_minor + self.carried_minor
        if have != given or self.settled_minor < 0:
            raise SettlementDoesNotAddUpError(self.operator_id, have_minor=have, given_minor=given)


def contract_on(contracts: Iterable[Contract], day: date, *, default: Contract) -> Contract:
    """Name the contract that is in force on a day."""
    begun = [each for each in contracts if each.effective_from <= day]
    return max(begun, key=lambda each: each.effective_from, default=default)


def cut_off_of(day: date, period: Period) -> date:
    """Name the last day of the period that a day lies in."""
    match period:
        case Period.DAILY:
            return day
        case Period.WEEKLY:
            return day + timedelta(days=_SUNDAY - day.weekday())
        case Period.MONTHLY:
            return day.replace(day=monthrange(day.year, day.month)[1])


def settle(
    *,
    operator_id: OperatorId,
    begin_date: date,
    cut_off_date: date,
    currency: str,
    contract: Contract,
    figures: Figures,
    payout_minimum_minor: int,
) -> Settlement:
    """Settle a period: what is left after the contract's fees is paid out, if it is enough.

    For the minimum counts what the platform keeps of the period: commission less what corrections
    of the period gave back, whenever it was earned. The top-up is never more than the minimum.
    """
    earned = max(0, figures.commission_minor - figures.commission_returned_minor)
    top_up = max(0, contract.minimum_minor - earned)
    left = (
        figures.opening_minor
        + figures.collected_minor
        - figures.commission_minor
        - figures.processor_fees_minor
        + figures.corrected_minor
        - contract.fixed_minor
        - top_up
    )
    settled = left if left >= max(1, payout_minimum_minor) else 0
    return Settlement(
        operator_id=operator_id,
        begin_date=begin_date,
        cut_off_date=cut_off_date,
        currency=currency,
        commission_bp=contract.commission_bp,
        opening_minor=figures.opening_minor,
        collected_minor=figures.collected_minor,
        commission_minor=figures.commission_minor,
        processor_fees_minor=figures.processor_fees_minor,
        corrected_minor=figures.corrected_minor,
        fixed_minor=contract.fixed_minor,
        top_up_minor=top_up,
        settled_minor=settled,
        carried_minor=left - settled,
        commission_returned_minor=figures.commission_returned_minor,
    )

"""An obligation: what is owed for one stay, its states, and what each fact changes about it.

Four sums say everything: what was charged, what was captured by payments, what of that was given
back, and what was written off. The state follows from them and from whether a payment holds the
obligation.
"""

from enum import Enum

import msgspec

from parking.core.errors import DomainError
from parking.core.ids import ObligationId, OperatorId


class ObligationState(Enum):
    """Where an obligation stands."""

    VOID = "void"
    """Nothing is owed: the stay was free, or what was charged has been credited."""
    DUE = "due"
    """Something is owed and no payment holds it."""
    COLLECTING = "collecting"
    """A payment holds it; no other payment may."""
    PAID = "paid"
    """Everything charged was captured."""
    WRITTEN_OFF = "written_off"
    """What is outstanding is no longer collected. It is still owed, and paying revives it."""


ARROWS: dict[ObligationState, frozenset[ObligationState]] = {
    ObligationState.VOID: frozenset({ObligationState.DUE}),
    ObligationState.DUE: frozenset(
        {
            ObligationState.COLLECTING,
            ObligationState.PAID,
            ObligationState.VOID,
            ObligationState.WRITTEN_OFF,
        }
    ),
    ObligationState.COLLECTING: frozenset(
        {ObligationState.PAID, ObligationState.DUE, ObligationState.VOID}
    ),
    ObligationState.PAID: frozenset({ObligationState.DUE, ObligationState.VOID}),
    # Nothing else happens to what is written off: it is reinstated first.
    ObligationState.WRITTEN_OFF: frozenset({ObligationState.DUE}),
}
"""Every way from one state to another. A new obligation starts void and is then charged."""


class ObligationArrowError(DomainError):
    """An obligation cannot go from the one state to the other."""

    def __init__(self, *, before: ObligationState, after: ObligationState) -> None:
        super().__init__(f"an obligation cannot go from {before.value} to {after.value}")
        self.before = before
        self.after = after


class ObligationSumsError(DomainError):
    """The sums of an obligation contradict each other."""

    def __init__(self, *, charged_minor: int, captured_minor: int, returned_minor: int) -> None:
        super().__init__(
            f"an obligation cannot have {charged_minor} charged, {captured_minor} captured "
            f"and {returned_minor} returned"
        )


class Obligation(msgspec.Struct, frozen=True, kw_only=True):
    """The money side of an obligation. Sums in minor units of its currency."""

    obligation_id: ObligationId
    operator_id: OperatorId
    revision: int = 0
    """Of the newest fee heard of; 0 before the first."""
    charged_minor: int = 0
    captured_minor: int = 0
    returned_minor: int = 0
    """Of what was captured: no longer owed, refunded or to be refunded."""
    commission_bp: int
    """The platform's share in basis points, sealed when the obligation was made."""
    written_off_minor: int = 0
    """Given up: all that was outstanding, or nothing."""
    held: bool = False
    """A payment is trying to collect it."""

    def __post_init__(self) -> None:
        """Refuse sums that contradict each other."""
        kept = self.captured_minor - self.returned_minor
        owed = self.charged_minor - kept
        if not (self.returned_minor >= 0 <= kept <= self.charged_minor) or (
            self.written_off_minor not in (0, owed) or (self.written_off_minor and self.held)
        ):
            raise ObligationSumsError(
                charged_minor=self.charged_minor,
                captured_minor=self.captured_minor,
                returned_minor=self.returned_minor,
            )

    @property
    def kept_minor(self) -> int:
        """What was captured and not given back."""
        return self.captured_minor - self.returned_minor

    @property
    def outstanding_minor(self) -> int:
        """What is still to be collected."""
        return self.charged_minor - self.kept_minor - self.written_off_minor

    @property
    def state(self) -> ObligationState:
        """Where it stands; follows from the sums."""
        if self.held:
            return ObligationState.COLLECTING
        if self.outstanding_minor:
            return ObligationState.DUE
        if self.written_off_minor:
            return ObligationState.WRITTEN_OFF
        return ObligationState.PAID if self.charged_minor else ObligationState.VOID

    @property
    def commission_minor(self) -> int:
        """The platform's share of what was kept."""
        return commission(amount_minor=self.kept_minor, commission_bp=self.commission_bp)


class Reassessment(msgspec.Struct, frozen=True, kw_only=True):
    """What a new fee changes."""

    obligation: Obligation
    """As it is afterwards."""
    receivable_minor: int
    """By how much more (or, negative, less) the driver owes."""
    credit_minor: int
    """What the driver had paid and no longer owed; to be refunded."""
    commission_returned_minor: int
    """The platform's part of that credit."""
    whole: bool = False
    """Everything was taken back under the revision before, to be charged anew to someone else."""


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """What a captured payment changes about one obligation."""

    obligation: Obligation
    """As it is afterwards, no longer held."""
    applied_minor: int
    """What of the payment settled something owed."""
    excess_minor: int
    """What of it was not owed any more; to be refunded."""
    commission_minor: int
    """The platform's share of what was applied."""


def commission(*, amount_minor: int, commission_bp: int) -> int:
    """Work out the platform's share of a sum, in minor units, halves rounded up."""
    return (amount_minor * commission_bp + 5_000) // 10_000


def check_arrow(before: ObligationState, after: ObligationState) -> None:
    """Refuse a move that the table of arrows does not have."""
    if after is not before and after not in ARROWS[before]:
        raise ObligationArrowError(before=before, after=after)


def reassess(obligation: Obligation, *, charged_minor: int, revision: int) -> Reassessment | None:
    """Take in the whole fee of a revision; None where this or a newer one was heard before."""
    if revision <= obligation.revision:
        return None
    _not_written_off(obligation)
    credit = max(0, obligation.kept_minor - charged_minor)
    after = msgspec.structs.replace(
        obligation,
        revision=revision,
        charged_minor=charged_minor,
        returned_minor=obligation.returned_minor + credit,
    )
    check_arrow(obligation.state, after.state)
    return Reassessment(
        obligation=after,
        receivable_minor=after.outstanding_minor - obligation.outstanding_minor,
        credit_minor=credit,
        commission_returned_minor=obligation.commission_minor - after.commission_minor,
    )


def take_back(obligation: Obligation) -> Reassessment:
    """Owe nothing and return everything, because someone else's car was charged."""
    _not_written_off(obligation)
    after = msgspec.structs.replace(
        obligation, charged_minor=0, returned_minor=obligation.captured_minor
    )
    check_arrow(obligation.state, after.state)
    return Reassessment(
        obligation=after,
        receivable_minor=after.outstanding_minor - obligation.outstanding_minor,
        credit_minor=obligation.kept_minor,
        commission_returned_minor=obligation.commission_minor,
        whole=True,
    )


def write_off(obligation: Obligation) -> Obligation:
    """Give up all that is outstanding; only what is due can be given up."""
    after = msgspec.structs.replace(obligation, written_off_minor=obligation.outstanding_minor)
    if obligation.state is not ObligationState.DUE:
        raise ObligationArrowError(before=obligation.state, after=ObligationState.WRITTEN_OFF)
    return after


def reinstate(obligation: Obligation) -> Obligation:
    """Collect again what was written off: its driver wants to pay, or its fee changes."""
    if obligation.state is not ObligationState.WRITTEN_OFF:
        raise ObligationArrowError(before=obligation.state, after=ObligationState.DUE)
    return msgspec.structs.replace(obligation, written_off_minor=0)


def hold(obligation: Obligation) -> Obligation:
    """Let a payment hold the obligation; only one that is due can be held."""
    if obligation.state is not ObligationState.DUE:
        raise ObligationArrowError(before=obligation.state, after=ObligationState.COLLECTING)
    return msgspec.structs.replace(obligation, held=True)


def release(obligation: Obligation) -> Obligation:
    """End a payment's hold without money."""
    after = msgspec.structs.replace(obligation, held=False)
    check_arrow(obligation.state, after.state)
    return after


def capture(obligation: Obligation, *, amount_minor: int) -> Capture:
    """Take in captured money and end the hold. What is no longer owed becomes a credit."""
    return _capture(
        obligation, applied=min(amount_minor, obligation.outstanding_minor), amount=amount_minor
    )


def capture_in_error(obligation: Obligation, *, amount_minor: int) -> Capture:
    """Take in money of someone who did not owe it: all of it goes back."""
    return _capture(obligation, applied=0, amount=amount_minor)


def _capture(obligation: Obligation, *, applied: int, amount: int) -> Capture:
    _not_written_off(obligation)
    excess = amount - applied
    after = msgspec.structs.replace(
        obligation,
        captured_minor=obligation.captured_minor + amount,
        returned_minor=obligation.returned_minor + excess,
        held=False,
    )
    check_arrow(obligation.state, after.state)
    return Capture(
        obligation=after,
        applied_minor=applied,
        excess_minor=excess,
        commission_minor=after.commission_minor - obligation.commission_minor,
    )


def _not_written_off(obligation: Obligation) -> None:
    if obligation.written_off_minor:
        raise ObligationArrowError(before=ObligationState.WRITTEN_OFF, after=ObligationState.VOID)

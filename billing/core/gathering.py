"""Gathering: which of an account's due obligations go into one payment, and when.

A card processor's fixed costs would eat a five-yuan stay, so small sums wait for company; but not
for ever.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from parking.core.ids import ObligationId


class GatherRule(msgspec.Struct, frozen=True, kw_only=True):
    """When what is owed becomes a payment."""

    threshold_minor: int
    """Owe this much and it is collected at once."""
    wait: timedelta
    """Or once the oldest has waited this long."""
    minimum_minor: int
    """Less than this the gateway does not take."""
    obligations_max: int = 100
    """How many go into one payment at most."""


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver opened at a provider that takes each stay by itself."""

    gateway: str
    customer_ref: str
    answered: bool
    """The provider has heard of the stay and will have it; until then it waits."""


class DueObligation(msgspec.Struct, frozen=True, kw_only=True):
    """Something owed that no payment holds."""

    obligation_id: ObligationId
    outstanding_minor: int
    chargeable_from: datetime
    trace_id: str = ""


class Gathered(msgspec.Struct, frozen=True):
    """These go into one payment now."""

    obligations: tuple[DueObligation, ...]

    @property
    def amount_minor(self) -> int:
        """What the payment comes to."""
        return sum(obligation.outstanding_minor for obligation in self.obligations)


class WaitUntil(msgspec.Struct, frozen=True):
    """Nothing to do before this instant."""

    at: datetime


class NothingToWaitFor(msgspec.Struct, frozen=True):
    """Only a further obligation, a binding or a card changes anything."""


def gather(
    due: Sequence[DueObligation], *, rule: GatherRule, now: datetime
) -> Gathered | WaitUntil | NothingToWaitFor:
    """Decide about one account. The oldest go first."""
    ordered = sorted(due, key=lambda each: (each.chargeable_from, each.obligation_id))
    chargeable = [each for each in ordered if each.chargeable_from <= now]
    chosen = tuple(chargeable[: rule.obligations_max])
    instants = [each.chargeable_from for each in ordered[len(chargeable) :]]
    total = sum(each.outstanding_minor for each in chosen)
    if chosen and total >= rule.minimum_minor:
        waited_enough_at = chosen[0].chargeable_from + rule.wait
        if total >= rule.threshold_minor or waited_enough_at <= now:
            return Gathered(chosen)
        instants.append(waited_enough_at)
    return WaitUntil(min(instants)) if instants else NothingToWaitFor()

"""Rights: what a driver holds that makes a stay cheaper, from a monthly pass to a shop's stamp.

A tariff names the rights it honours and what each is worth (`RightOffer`); a `Right` is one that
somebody was granted: for how long, and how often it may still be used.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Annotated, NewType, TypeAlias

import msgspec
from msgspec import Meta

from parking.core.errors import DomainError
from parking.core.ids import SLUG_PATTERN
from parking.core.tariff_rates import LocalTime, Minutes, PriceMinor
from parking.core.tariff_schedule import DayWord, Name

RightId = NewType("RightId", str)


class RightKind(Enum):
    """Who holds a right, for statistics and pages; what it is worth its benefit says."""

    PASS = "pass"  # noqa: S105 - a monthly pass
    RESIDENT = "resident"
    STAFF = "staff"
    VALIDATION = "validation"
    """Given by a shop to its customers."""
    NEW_ENERGY = "new_energy"
    PAYMENT = "payment"
    """For paying in a certain way, such as by citizen card."""


class CoveredTime(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="time",
    rename={"from_time": "from", "until_time": "until"},
):
    """Time that is paid for already: all of it, or certain hours of certain days."""

    from_time: LocalTime = "00:00"
    until_time: LocalTime = "24:00"
    on: tuple[DayWord, ...] = ()
    """Kinds of days on which those hours begin; empty for every day."""


class FreeMinutes(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="minutes"
):
    """The first minutes are not charged."""

    minutes: Minutes
    forfeited_when_exceeded: bool = False
    """A longer stay is charged from its first minute, as if there were no right."""


class AmountOff(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="amount"
):
    """A sum off the fee, never more than the fee."""

    amount_minor: PriceMinor


class ShareOff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="share"):
    """A share of the fee off, rounded half up to the minor unit."""

    percent: Annotated[int, Meta(ge=1, le=100)]
    most_minor: PriceMinor | None = None


Benefit: TypeAlias = CoveredTime | FreeMinutes | AmountOff | ShareOff


class RightOffer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A right that a tariff honours."""

    right_id: Annotated[RightId, Meta(pattern=SLUG_PATTERN)]
    kind: RightKind
    name_zh: Name
    name_en: Name
    benefit: Benefit
    month_minor: PriceMinor | None = None
    """What a pass costs in a calendar month; part of a month costs its days' share."""
    stacks: bool = False
    """Held twice it is worth twice: two shops' stamps. Else a stay has it once."""


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """A right as granted to somebody: valid in `[valid_from, valid_until)`, None for no end."""

    offer: RightOffer
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    uses_left: int | None = None
    """How many more stays it may be used for; None for as many as there are."""

    def is_usable(self, *, entered_at: datetime, left_at: datetime) -> bool:
        """Say whether the right is valid at some moment of a stay, and not used up."""
        return (
            (self.uses_left is None or self.uses_left > 0)
            and (self.valid_from is None or self.valid_from <= left_at)
            and (self.valid_until is None or entered_at < self.valid_until)
        )

    def used(self) -> "Right":
        """Answer the right after one more use."""
        if self.uses_left is None:
            return self
        if self.uses_left <= 0:
            raise RightUsedUpError(self.offer.right_id)
        return msgspec.structs.replace(self, uses_left=self.uses_left - 1)


class RightUsedUpError(DomainError):
    """A right may not be used once more."""

    def __init__(self, right_id: RightId) -> None:
        super().__init__(f"the right {right_id} is used up")
        self.right_id = right_id


class RightNotOfferedError(DomainError):
    """The tariff honours no right of this name."""

    def __init__(self, right_id: str, *, offered: Iterable[str]) -> None:
        there_are = ", ".join(offered) or "none"
        super().__init__(f"the tariff has no right {right_id!r}; it has: {there_are}")
        self.right_id = right_id


class NoMonthlyPriceError(DomainError):
    """The right is not sold by the month."""

    def __init__(self, right_id: RightId) -> None:
        super().__init__(f"the right {right_id} has no month_minor: it is not sold by the month")
        self.right_id = right_id


class PassEndsBeforeItBeginsError(DomainError):
    """The last day of a pass is before its first."""

    def __init__(self, *, first_day: date, last_day: date) -> None:
        super().__init__(f"the pass would end on {last_day}, before it begins on {first_day}")
        self.first_day = first_day
        self.last_day = last_day


def offer_named(offers: Iterable[RightOffer], right_id: str) -> RightOffer:
    """Find a tariff's offer. Raises RightNotOfferedError."""
    by_id: Mapping[str, RightOffer] = {offer.right_id: offer for offer in offers}
    try:
        return by_id[right_id]
    except KeyError:
        raise RightNotOfferedError(right_id, offered=by_id) from None

"""What a provider may keep of a charge, as agreed with it: from a day on, until the next rate."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from parking.core.errors import DomainError

AGREED_FEES_PATTERN: Final = (
    r"^(\d{4}-\d{2}-\d{2}:\d{1,4}(\+\d{1,6})?(,\d{4}-\d{2}-\d{2}:\d{1,4}(\+\d{1,6})?)*)?$"
)
"""`2026-01-01:60+0,2027-01-01:55`: days, basis points, and what is fixed in minor units."""
_ONE: Final = re.compile(r"(?P<day>[\d-]+):(?P<rate>\d+)(\+(?P<fixed>\d+))?")
_WHOLE_BP: Final = 10_000


class AgreedFeesError(DomainError, ValueError):
    """What is said about agreed fees cannot be meant so."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"agreed fees {text!r}: {reason}")


class AgreedFee(msgspec.Struct, frozen=True, kw_only=True):
    """One rate, and the ledger day from which it holds."""

    from_on: date
    rate_bp: int
    """Basis points of what is charged."""
    fixed_minor: int = 0

    def of(self, gross_minor: int) -> int:
        """The fee of one charge, in minor units: half of one is rounded up."""
        return (gross_minor * self.rate_bp + _WHOLE_BP // 2) // _WHOLE_BP + self.fixed_minor


def read_agreed_fees(text: str) -> tuple[AgreedFee, ...]:
    """Read what the settings say, in the order of its days. Raises AgreedFeesError."""
    if re.match(AGREED_FEES_PATTERN, text) is None:
        raise AgreedFeesError(text, "DAY:BASIS_POINTS+FIXED expected, several with commas")
    try:
        agreed = [
            AgreedFee(
                from_on=date.fromisoformat(each["day"]),
                rate_bp=int(each["rate"]),
                fixed_minor=int(each["fixed"] or 0),
            )
            for each in _ONE.finditer(text)
        ]
    except ValueError as error:
        raise AgreedFeesError(text, str(error)) from None
    if len({each.from_on for each in agreed}) < len(agreed):
        raise AgreedFeesError(text, "a day has one rate")
    return tuple(sorted(agreed, key=lambda each: each.from_on))


def agreed_on(agreed: Sequence[AgreedFee], day: date) -> AgreedFee | None:
    """The rate that holds on a day; None before the first."""
    return max(
        (each for each in agreed if each.from_on <= day), key=lambda it: it.from_on, default=None
    )

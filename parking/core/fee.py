"""A fee: lines that add up to the total and explain themselves in Chinese and English."""

from datetime import datetime

import msgspec

from parking.core.errors import DomainError
from parking.core.ids import TariffId
from parking.core.money import Money


class FeeLinesDoNotAddUpError(DomainError):
    """The lines of a fee must sum to its total."""

    def __init__(self, total: Money, lines: Money) -> None:
        super().__init__(f"fee lines sum to {lines}, the total says {total}")
        self.total = total
        self.lines = lines


class FeeLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One reason for one sum."""

    code: str
    """Which rule made the line: `rate`, `free_period`, `cap`, …"""
    amount_minor: int
    """In the fee's currency; negative for a reduction such as a cap."""
    text_zh: str
    text_en: str
    from_at: datetime | None = None
    until_at: datetime | None = None
    units: int | None = None
    unit_minutes: int | None = None
    unit_price_minor: int | None = None


class Fee(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a stay costs under one version of a tariff."""

    total: Money
    lines: tuple[FeeLine, ...]
    tariff_id: TariffId
    tariff_version: int

    def __post_init__(self) -> None:
        """Hold the lines to the total."""
        amount_minor = sum([line.amount_minor for line in self.lines])
        if amount_minor != self.total.amount_minor:
            raise FeeLinesDoNotAddUpError(self.total, Money(amount_minor, self.total.currency))

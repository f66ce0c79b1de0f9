"""Money: whole minor units and a currency, never a float."""

from collections.abc import Sequence

import msgspec

from parking.core.currency import decimal_sum
from parking.core.errors import DomainError

_CODE_LENGTH = 3
"""ISO 4217."""


class CurrencyMismatchError(DomainError):
    """Two sums in different currencies cannot be added or compared."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"cannot combine {left} with {right}")
        self.left = left
        self.right = right


class MoneyAllocationError(DomainError):
    """A sum cannot be handed out by weights that are negative or all zero."""


class Money(msgspec.Struct, frozen=True, order=False, gc=False):
    """A sum of money.

    `amount_minor` counts the currency's smallest unit (fen for CNY); it may be negative.
    """

    amount_minor: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        """Refuse what msgspec does not check on construction: floats and odd currencies."""
        if type(self.amount_minor) is not int:
            msg = f"amount_minor must be an int, not {type(self.amount_minor).__name__}"
            raise TypeError(msg)
        if len(self.currency) != _CODE_LENGTH or not self.currency.isupper():
            msg = f"currency must be an ISO 4217 code such as CNY, not {self.currency!r}"
            raise ValueError(msg)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatchError(self.currency, other.currency)

    def __add__(self, other: "Money") -> "Money":
        """Add two sums of one currency."""
        self._same(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Subtract a sum of the same currency."""
        self._same(other)
        return Money(self.amount_minor - other.amount_minor, self.currency)

    def __neg__(self) -> "Money":
        """Turn a debit into a credit."""
        return Money(-self.amount_minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        """Compare two sums of one currency."""
        self._same(other)
        return self.amount_minor < other.amount_minor

    def __le__(self, other: "Money") -> bool:
        """Compare two sums of one currency."""
        self._same(other)
        return self.amount_minor <= other.amount_minor

    def __bool__(self) -> bool:
        """Say whether there is anything to pay."""
        return self.amount_minor != 0

    def times(self, count: int) -> "Money":
        """Multiply by a whole number of units."""
        return Money(self.amount_minor * count, self.currency)

    def allocate(self, weights: Sequence[int]) -> tuple["Money", ...]:
        """Hand the sum out by weight without losing or making a minor unit.

        The remainder goes one unit at a time to the largest fractions, the earlier first
        (the largest-remainder method).
        """
        total = sum(weights)
        if total <= 0 or any(weight < 0 for weight in weights):
            msg = f"weights must be non-negative and not all zero, not {list(weights)}"
            raise MoneyAllocationError(msg)
        shares = [self.amount_minor * weight // total for weight in weights]
        fractions = [self.amount_minor * weight % total for weight in weights]
        remainder = self.amount_minor - sum(shares)
        by_fraction = sorted(range(len(weights)), key=lambda i: (-fractions[i], i))
        for index in by_fraction[:remainder]:
            shares[index] += 1
        return tuple(Money(share, self.currency) for share in shares)

    def __str__(self) -> str:
        """Show as a person reads it: `12.30 CNY`."""
        return f"{decimal_sum(self.amount_minor, self.currency)} {self.currency}"


def zero(currency: str = "CNY") -> Money:
    """Nothing, in a currency."""
    return Money(0, currency)

"""The ledger: journal entries of postings that sum to zero. Appended, never edited.

A wrong entry is mended by its reverse. The database holds the same rules again.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import Enum

import msgspec

from billing.core.accounts import LedgerAccount
from parking.core.errors import DomainError
from parking.core.money import Money

_LINES_MIN = 2
_LINES_MAX = 32_767


class EntryKind(Enum):
    """Which business fact an entry records."""

    OBLIGATION_ASSESSED = "obligation_assessed"
    """A fee was raised, or a later revision of it changed what is owed."""
    PAYMENT_CAPTURED = "payment_captured"
    """A gateway took a driver's money."""
    PROCESSOR_FEE = "processor_fee"
    """What the gateway kept of a payment became known."""
    REFUND_ISSUED = "refund_issued"
    """A gateway gave money back to a driver."""
    REFUND_BY_HAND = "refund_by_hand"
    """The platform gave money back to a driver outside any gateway."""
    WRITTEN_OFF = "written_off"
    """What a driver owes is no longer expected."""
    REINSTATED = "reinstated"
    """What was written off is collected after all."""
    CONTRACT_FEES = "contract_fees"
    """What an operator's contract takes at a settlement besides the commission."""
    SETTLED = "settled"
    """What an operator is owed at a cut-off is to be paid out."""
    PAID_OUT = "paid_out"
    """What was settled went to the operator's account."""
    PAYOUT_REVERSED = "payout_reversed"
    """What was paid out came back, and is owed again until the next settlement."""
    DISPUTE_WITHDRAWN = "dispute_withdrawn"
    """A bank took a disputed payment back until it decides."""
    DISPUTE_FEE = "dispute_fee"
    """What the gateway kept for a dispute, however it ends."""
    DISPUTE_REINSTATED = "dispute_reinstated"
    """A bank gave disputed money back."""
    DISPUTE_LOST = "dispute_lost"
    """What a bank took stays with the payer, and somebody bears it."""
    DISPUTE_RECOVERED = "dispute_recovered"
    """A credit is settled by what a bank gave the driver before, at the platform's cost."""
    REVERSAL = "reversal"
    """An earlier entry is taken back."""


class UnbalancedEntryError(DomainError):
    """The postings of an entry must sum to zero in each currency."""

    def __init__(self, source: str, sums: Mapping[str, int]) -> None:
        super().__init__(f"entry {source} does not balance: {dict(sums)}")
        self.sums = sums


class EntryShapeError(DomainError):
    """An entry needs two postings or more, and no posting of nothing."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"entry {source} {problem}")


class Posting(msgspec.Struct, frozen=True):
    """One leg of an entry; debit positive."""

    account: LedgerAccount
    money: Money


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A balanced record of one business fact."""

    kind: EntryKind
    source: str
    """Names the fact; the ledger takes each (kind, source) once, so a repeat changes nothing."""
    booked_on: date
    """The ledger's day: the one on which we heard of the fact, so that past days stay closed."""
    occurred_at: datetime
    postings: tuple[Posting, ...]
    trace_id: str = ""

    def __post_init__(self) -> None:
        """Refuse an entry that does not balance."""
        if not _LINES_MIN <= len(self.postings) <= _LINES_MAX:
            raise EntryShapeError(self.source, f"has {len(self.postings)} postings")
        if not all(posting.money for posting in self.postings):
            raise EntryShapeError(self.source, "has a posting of nothing")
        sums: dict[str, int] = {}
        for posting in self.postings:
            currency = posting.money.currency
            sums[currency] = sums.get(currency, 0) + posting.money.amount_minor
        if any(sums.values()):
            raise UnbalancedEntryError(self.source, sums)

    def reverse(self, *, booked_on: date, occurred_at: datetime) -> "JournalEntry":
        """Make the entry that takes this one back."""
        return JournalEntry(
            kind=EntryKind.REVERSAL,
            source=f"{self.kind.value}:{self.source}",
            booked_on=booked_on,
            occurred_at=occurred_at,
            postings=tuple(Posting(posting.account, -posting.money) for posting in self.postings),
            trace_id=self.trace_id,
        )


def gathered(
    postings: Iterable[tuple[LedgerAccount, int]], *, currency: str
) -> tuple[Posting, ...]:
    """Make postings: one an account, in the accounts' order, and none of nothing."""
    sums: dict[LedgerAccount, int] = {}
    for account, amount_minor in postings:
        sums[account] = sums.get(account, 0) + amount_minor
    return tuple(
        Posting(account, Money(amount_minor, currency))
        for account, amount_minor in sorted(sums.items())
        if amount_minor
    )


def balances(entries: Iterable[JournalEntry]) -> dict[tuple[LedgerAccount, str], int]:
    """Replay entries into the balance of each account and currency, in minor units."""
    result: dict[tuple[LedgerAccount, str], int] = {}
    for entry in entries:
        for posting in entry.postings:
            key = (posting.account, posting.money.currency)
            result[key] = result.get(key, 0) + posting.money.amount_minor
    return result

"""What a payment provider can do, as data; docs/settlement.md has the table.

Whoever decides by a provider asks here, never by its name.
"""

from datetime import timedelta

import msgspec


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What one provider can do, and how it wants to be asked."""

    per_stay: bool
    """It takes each stay by itself; otherwise small sums are gathered into one payment."""
    registers_entries: bool
    """It wants to hear of a car when it drives in, and says whether its driver may pay later."""
    accepts_asynchronously: bool
    """`Pending` is its usual answer to a charge: what came of it is told later."""
    minimum_minor: int
    """Less than this it does not take, in minor units."""
    advances: bool
    """It may pay for a driver who has no money, and has that driver pay it back by itself."""
    bank_disputes: bool
    """A driver's bank may take money back."""
    pays_out: bool
    """It passes money on to operators' accounts."""
    pages: bool
    """It has pages on which a driver leaves a card or pays by hand."""
    report_every: timedelta
    """How often its report of what moved is worth reading."""
    report_in_order: bool = False
    """Its report comes the oldest first: what was read of it before it broke off is kept."""

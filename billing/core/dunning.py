"""After a decline: when to charge again, whom to tell and when, and who pays later no more.

A table, as data; docs/dunning.md shows it. Which class a bank's answer is, the gateway's own file
decides.
"""

from datetime import datetime, timedelta
from enum import Enum

import msgspec

from billing.core.attempt import DeclineClass

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class Tell(Enum):
    """What the driver is told."""

    DECLINED = "payment_declined"
    """It did not work and is tried again by itself; there is nothing to do but to have money."""
    STOPPED = "payment_stopped"
    """It is not tried again: leave another card, or pay by hand."""


class Restore(Enum):
    """What ends a suspension."""

    NEW_CARD = "new_card"
    """Another card is left. It is charged at once, and may be declined again."""
    ALL_PAID = "all_paid"
    """Everything that is owed was paid by hand: the card itself may be good."""


class DunningRow(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from one class of declines."""

    charges_after: tuple[timedelta, ...] = ()
    """How long to wait after the first, second, … decline in a row before the next attempt."""
    tell_first: bool = False
    """The driver hears of the first decline, though it is tried again."""
    tell_stop: bool = True
    """The driver is asked to act when there is no further attempt."""
    suspend: bool = True
    """Pay-later is suspended for the account's plates when there is no further attempt."""
    restored_by: frozenset[Restore] = frozenset(Restore)


TABLE: dict[DeclineClass, DunningRow] = {
    # Pay days and top-ups: spread over ten days, away from the hour of the failure.
    DeclineClass.INSUFFICIENT_FUNDS: DunningRow(
        charges_after=(_DAY, 3 * _DAY, 6 * _DAY), tell_first=True
    ),
    # The bank's trouble, not the driver's: nothing to tell before it is over.
    DeclineClass.TRY_AGAIN: DunningRow(charges_after=(10 * _MINUTE, _HOUR, 6 * _HOUR, _DAY)),
    DeclineClass.DO_NOT_HONOUR: DunningRow(charges_after=(_DAY, 4 * _DAY), tell_first=True),
    # Asking such a card again earns fines from the card schemes and nothing else.
    DeclineClass.CARD_UNUSABLE: DunningRow(restored_by=frozenset({Restore.NEW_CARD})),
    # Only the driver can show themselves to the bank: by paying by hand, or leaving a card anew.
    DeclineClass.AUTHENTICATION_REQUIRED: DunningRow(),
    # The gateway refused our request: our mistake, and a person's to mend. No driver suffers it.
    DeclineClass.REFUSED: DunningRow(tell_stop=False, suspend=False),
}

REMINDERS: tuple[timedelta, ...] = (3 * _DAY, 10 * _DAY, 30 * _DAY)
"""After the message that it stopped, as long as it is not paid: by the same channel."""


class Dunning(msgspec.Struct, frozen=True, kw_only=True):
    """What one decline leads to."""

    retry_at: datetime | None
    """None: stop until the driver acts."""
    tell: Tell | None
    reminders_at: tuple[datetime, ...]
    suspend: bool


def dun(
    *, decline_class: DeclineClass, declines: int, now: datetime, time_scale: int = 1
) -> Dunning:
    """Look a decline up in the table.

    `declines` counts the declines in a row, this one included. `time_scale` divides every delay:
    1 in earnest, more in a demonstration that cannot wait for pay day.
    """
    row = TABLE[decline_class]
    if declines <= len(row.charges_after):
        return Dunning(
            retry_at=now + row.charges_after[declines - 1] / time_scale,
            tell=Tell.DECLINED if row.tell_first and declines == 1 else None,
            reminders_at=(),
            suspend=False,
        )
    asked = row.tell_stop
    return Dunning(
        retry_at=None,
        tell=Tell.STOPPED if asked else None,
        reminders_at=tuple(now + delay / time_scale for delay in REMINDERS) if asked else (),
        suspend=row.suspend,
    )


def restores(suspended_for: DeclineClass | None, *, by: Restore) -> bool:
    """Whether this ends a suspension that such a decline caused."""
    return suspended_for is None or by in TABLE[suspended_for].restored_by

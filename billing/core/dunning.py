"""Asking again after a decline: which class, how many times, how long apart. A table, as data."""

from datetime import datetime, timedelta

from billing.core.attempt import DeclineClass

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

RETRIES: dict[DeclineClass, tuple[timedelta, ...]] = {
    # Pay days and top-ups: spread over ten days, away from the hour of the failure.
    DeclineClass.INSUFFICIENT_FUNDS: (_DAY, 3 * _DAY, 6 * _DAY),
    DeclineClass.TRY_AGAIN: (10 * _MINUTE, _HOUR, 6 * _HOUR, _DAY),
    DeclineClass.DO_NOT_HONOUR: (_DAY, 4 * _DAY),
    # Asking such a card again earns fines from the card schemes and nothing else.
    DeclineClass.CARD_UNUSABLE: (),
    DeclineClass.AUTHENTICATION_REQUIRED: (),
    DeclineClass.REFUSED: (),
}
"""How long to wait after the first, second, … decline in a row before the next attempt."""


def next_attempt_at(
    *, decline_class: DeclineClass, declines: int, now: datetime, time_scale: int = 1
) -> datetime | None:
    """When to try again; None to stop until the driver acts.

    `declines` counts the declines in a row, this one included. `time_scale` divides every delay:
    1 in earnest, more in a demonstration that cannot wait for pay day.
    """
    delays = RETRIES[decline_class]
    if declines > len(delays):
        return None
    return now + delays[declines - 1] / time_scale

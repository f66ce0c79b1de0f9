"""What is still due of a stay that was paid for, or begun, before: grace after paying, re-entry."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from parking.core.events import PlateColour
from parking.core.fee import Fee, FeeLine
from parking.core.money import Money
from parking.core.plan import CompiledTariff
from parking.core.pricing import assess
from parking.core.pricing_plan import compile_tariff
from parking.core.right import Right
from parking.core.stretches import Span
from parking.core.tariff import Tariff
from parking.core.vehicle import VehicleKind

_MINUTE: Final = timedelta(minutes=1)


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """A payment for a stay."""

    paid_at: datetime
    amount_minor: int


def assess_after_paying(
    *,
    entered_at: datetime,
    left_at: datetime,
    tariff: Tariff | CompiledTariff,
    colour: PlateColour,
    paid: Sequence[Paid],
    vehicle: VehicleKind | None = None,
    rights: Sequence[Right] = (),
) -> Fee:
    """Price what is due on leaving: the whole stay, less what was paid, never below nothing.

    Who leaves within the tariff's grace of the last payment is priced as of that payment; who
    leaves later is priced anew. Raises what `assess` raises.
    """
    ready = tariff if isinstance(tariff, CompiledTariff) else compile_tariff(tariff)
    priced_until = left_at
    if paid:
        last = max(payment.paid_at for payment in paid)
        # As elsewhere seconds are dropped: the last minute of grace lasts to its end.
        if last <= left_at < last + (ready.grace_after_paying_minutes + 1) * _MINUTE:
            priced_until = last
    fee = assess(
        entered_at=entered_at,
        left_at=priced_until,
        tariff=ready,
        colour=colour,
        vehicle=vehicle,
        rights=rights,
    )
    off = min(sum(payment.amount_minor for payment in paid), fee.total.amount_minor)
    if not off:
        return fee
    line = FeeLine(code="paid", amount_minor=-off, text_zh="已支付", text_en="Paid before")
    return msgspec.structs.replace(
        fee, total=fee.total - Money(off, fee.total.currency), lines=(*fee.lines, line)
    )


def counts_from(*, visits: Sequence[Span], reentry_minutes: int) -> datetime:
    """Find the entry from which the last of some visits, in order of time, is priced.

    A car that is back within the minutes goes on with the stay that it left, as often as it does
    so. Price from here to the last exit, and take off what was charged before as `Paid`.
    """
    *earlier, last = visits
    from_at = last.from_at
    for visit in reversed(earlier):
        # Seconds are dropped: the last minute in which to come back lasts to its end.
        if from_at - visit.until_at >= (reentry_minutes + 1) * _MINUTE or not reentry_minutes:
            break
        from_at = visit.from_at
    return from_at.astimezone(UTC)

"""The price on the gate's display: what it is now, when it steps next, and what to warn of."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.money import Money, zero
from parking.core.plan import NO_LIMIT, ClassPlan, CompiledTariff, UnitPlan
from parking.core.pricing import assess
from parking.core.pricing_plan import compile_tariff
from parking.core.right import Right
from parking.core.tariff import Tariff
from parking.core.vehicle import VehicleKind

LOOK_AHEAD: Final = timedelta(days=2)
_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)


class PriceStep(msgspec.Struct, frozen=True, kw_only=True):
    """A fee so far, and when it changes."""

    fee: Fee
    """For leaving now."""
    steps_at: datetime | None
    """The first second at which leaving costs something else; None: not within the time looked."""
    then: Money | None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver should know on the way in."""

    code: str
    """`event_price` or `no_cap`."""
    text_zh: str
    text_en: str


def next_price_step(
    *,
    entered_at: datetime,
    now: datetime,
    tariff: Tariff | CompiledTariff,
    colour: PlateColour,
    vehicle: VehicleKind | None = None,
    rights: Sequence[Right] = (),
    look_ahead: timedelta = LOOK_AHEAD,
) -> PriceStep:
    """Price a stay so far and find when its price steps next.

    A longer stay never costs less, so the step is found by halving the time looked ahead. Raises
    what `assess` raises.
    """
    ready = tariff if isinstance(tariff, CompiledTariff) else compile_tariff(tariff)

    def leaving(left_at: datetime) -> Fee:
        return assess(
            entered_at=entered_at,
            left_at=left_at,
            tariff=ready,
            colour=colour,
            vehicle=vehicle,
            rights=rights,
        )

    return step_of(leaving, now=now, look_ahead=look_ahead)


def step_of(
    leaving: Callable[[datetime], Fee], *, now: datetime, look_ahead: timedelta = LOOK_AHEAD
) -> PriceStep:
    """Find when the price of leaving steps next. Raises what `leaving` raises."""
    fee = leaving(now)
    same, other = 0, look_ahead // _SECOND
    then = leaving(now + other * _SECOND).total
    if then == fee.total:
        return PriceStep(fee=fee, steps_at=None, then=None)
    while other - same > 1:
        middle = (same + other) // 2
        total = leaving(now + middle * _SECOND).total
        if total == fee.total:
            same = middle
        else:
            other, then = middle, total
    return PriceStep(fee=fee, steps_at=(now + other * _SECOND).astimezone(UTC), then=then)


def first_step(
    leaving: Callable[[datetime], Fee],
    *,
    entered_at: datetime,
    tariff: CompiledTariff,
    plan: ClassPlan,
) -> PriceStep:
    """Find the first step of a stay that begins now, as a gate asks for it with every car.

    Nothing is charged before the first minute that is not free is over: where that one costs
    something the step is known at once. Raises what `leaving` raises.
    """
    steps_at = entered_at + (plan.free_minutes + 1) * _MINUTE
    then = leaving(steps_at)
    if not then.total.amount_minor:
        return step_of(leaving, now=entered_at)
    nothing = Fee(
        total=zero(tariff.currency),
        lines=(),
        tariff_id=tariff.tariff_id,
        tariff_version=tariff.version,
    )
    return PriceStep(fee=nothing, steps_at=steps_at.astimezone(UTC), then=then.total)


def entry_notices(
    *,
    entered_at: datetime,
    tariff: Tariff | CompiledTariff,
    colour: PlateColour,
    vehicle: VehicleKind | None = None,
) -> tuple[Notice, ...]:
    """Tell what a car that comes in should be warned of: an event's price, a price without end."""
    ready = tariff if isinstance(tariff, CompiledTariff) else compile_tariff(tariff)
    plan = ready.plan_for(colour, vehicle)
    day = entered_at.astimezone(ready.zone).date()
    schedule = plan.timelines.of_entry(entered_at).schedule_on(day)
    notices: list[Notice] = []
    if schedule is not None and schedule.event:
        zh, en = f"今日执行{schedule.name_zh}收费", f"Today's price: {schedule.name_en}"
        notices.append(Notice(code="event_price", text_zh=zh, text_en=en))
    table = plan.base if schedule is None else schedule.table
    if any(_grows_for_ever(plan, window) for window in table.windows):
        zh, en = "本停车场不设最高收费", "There is no highest price here"
        notices.append(Notice(code="no_cap", text_zh=zh, text_en=en))
    return tuple(notices)


def _grows_for_ever(plan: ClassPlan, window: int) -> bool:
    """Say whether a window's price grows as long as the car stays in it, under no cap."""
    rate = plan.rates[window]
    return (
        isinstance(rate, UnitPlan)
        and rate.steps[-1].code == "rate"
        and rate.steps[-1].price_minor > 0
        and plan.window_caps[window] is None
        and plan.cap_minor_min == NO_LIMIT
    )

"""Checks of prices: steps and tiers in order, nothing absurd, caps that units fit under."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from parking.core.tariff import Caps, RoundTotal, Tariff, Way, WholeUnit
from parking.core.tariff_errors import (
    AbsurdPriceError,
    CapBelowUnitError,
    LastStepEndsError,
    LastTierEndsError,
    MinimumOverCapError,
    NoStepsError,
    NoTiersError,
    RoundingBreaksCapError,
    SharedCapMissingError,
    StepNeverEndsError,
    StepNotWholeUnitsError,
    TariffError,
    TierNeverEndsError,
    TiersNotAscendingError,
    TierTotalFallsError,
)
from parking.core.tariff_rates import FlatRate, TierRate, UnitRate, Window
from parking.core.tariff_schedule import Schedule

ABSURD_HOUR_MINOR: Final = 100_000
"""More than 1,000.00 an hour."""
ABSURD_SUM_MINOR: Final = 1_000_000
"""More than 10,000.00 at once."""
WHOLE_MINOR: Final = {WholeUnit.FEN: 1, WholeUnit.JIAO: 10, WholeUnit.YUAN: 100}
_MEND_PRICE: Final = "prices are in minor units (fen): 5.00 is 500"


def rate_mistakes(window: Window, key: str) -> Iterator[TariffError]:
    """Yield what is wrong with one window's prices."""
    rate = window.rate
    if isinstance(rate, UnitRate):
        yield from _step_mistakes(rate, f"{key}.rate.steps")
    elif isinstance(rate, TierRate):
        yield from _tier_mistakes(rate, f"{key}.rate.tiers")
    elif isinstance(rate, FlatRate):
        yield from _sum_mistakes(rate.price_minor, f"{key}.rate.price_minor")
    dearest = _dearest(window)
    if window.cap_minor is not None and window.cap_minor < dearest:
        yield _cap_below(window.cap_minor, dearest, f"{key}.cap_minor")


def cap_mistakes(tariff: Tariff) -> Iterator[TariffError]:
    """Yield what is wrong with a tariff's and its classes' caps."""
    yield from _caps_mistakes(
        tariff.caps, tariff.windows, tariff.schedules, 100, "caps", tariff.round_total
    )
    own_caps = [own.caps for own in tariff.classes if own.caps is not None]
    for index, own in enumerate(tariff.classes):
        windows = own.windows or tariff.windows
        schedules = own.schedules or (tariff.schedules if own.windows is None else ())
        key, percent = f"classes[{index}].caps", own.percent
        caps = own.caps
        if caps is None:
            caps, key = tariff.caps, f"classes[{index}]"
        yield from _caps_mistakes(caps, windows, schedules, percent, key, tariff.round_total)
    # A class scales its minimum as it does its caps, so they compare as they are written.
    named = [pair for caps in (tariff.caps, *own_caps) for pair in _named(caps)]
    most = [each for _, each in named if each is not None]
    if most and tariff.minimum_minor > min(most):
        reason = f"{tariff.minimum_minor} is over the cap of {min(most)}; lower it to the cap"
        yield MinimumOverCapError(key="minimum_minor", reason=reason)


def _named(caps: Caps) -> Sequence[tuple[str, int | None]]:
    return (
        ("calendar_day_minor", caps.calendar_day_minor),
        ("rolling_24h_minor", caps.rolling_24h_minor),
        ("stay_minor", caps.stay_minor),
    )


def _caps_mistakes(
    caps: Caps,
    windows: Iterable[Window],
    schedules: Iterable[Schedule],
    percent: int,
    key: str,
    rounding: RoundTotal | None,
) -> Iterator[TariffError]:
    dearest = max([_dearest(window) for window in windows], default=0)
    for schedule in schedules:
        own = schedule.windows
        if own is not None:
            dearest = max(
                [dearest, *(_dearest(window) * schedule.percent // 100 for window in own)]
            )
    if caps.calendar_day_shared and caps.calendar_day_minor is None:
        reason = "there is no cap of the day to share; write the cap: calendar_day_minor"
        yield SharedCapMissingError(key=f"{key}.calendar_day_shared", reason=reason)
    for name, cap in _named(caps):
        if cap is None:
            continue
        where = f"{key}.{name}" if key.endswith("caps") else key
        if cap < dearest:
            yield _cap_below(cap, dearest, where)
        scaled = (cap * percent + 50) // 100
        if rounding is not None and rounding.way is not Way.DOWN:
            whole = WHOLE_MINOR[rounding.to]
            if scaled % whole:
                reason = (
                    f"totals are rounded to whole {rounding.to.value}, and {scaled} is none:"
                    f" write {scaled // whole * whole}, or round down"
                )
                yield RoundingBreaksCapError(key=where, reason=reason)


def _cap_below(cap: int, dearest: int, key: str) -> CapBelowUnitError:
    reason = f"{cap} is less than the {dearest} of one unit; write at least that"
    return CapBelowUnitError(key=key, reason=reason)


def _dearest(window: Window) -> int:
    """The highest price that a window charges at once."""
    rate = window.rate
    if isinstance(rate, UnitRate):
        return max([step.price_minor for step in rate.steps], default=0)
    if isinstance(rate, TierRate):
        return rate.tiers[0].total_minor if rate.tiers else 0
    return rate.price_minor if isinstance(rate, FlatRate) else 0


def _sum_mistakes(amount_minor: int, key: str) -> Iterator[TariffError]:
    if amount_minor > ABSURD_SUM_MINOR:
        reason = f"{amount_minor:,} minor units at once is absurd; {_MEND_PRICE}"
        yield AbsurdPriceError(key=key, reason=reason)


def _step_mistakes(rate: UnitRate, key: str) -> Iterator[TariffError]:
    if not rate.steps:
        yield NoStepsError(key=key, reason="at least one step is needed; write its price and unit")
        return
    *earlier, last = rate.steps
    if last.lasts_minutes is not None:
        reason = "the last step holds to the end; leave lasts_minutes out"
        yield LastStepEndsError(key=f"{key}[{len(earlier)}].lasts_minutes", reason=reason)
    for index, step in enumerate(earlier):
        where = f"{key}[{index}].lasts_minutes"
        if step.lasts_minutes is None:
            reason = "say how long the step lasts before the next begins"
            yield StepNeverEndsError(key=where, reason=reason)
        elif step.lasts_minutes % step.unit_minutes:
            reason = (
                f"{step.lasts_minutes} is no whole number of {step.unit_minutes} min units;"
                " write a multiple"
            )
            yield StepNotWholeUnitsError(key=where, reason=reason)
    for index, step in enumerate(rate.steps):
        where = f"{key}[{index}].price_minor"
        yield from _sum_mistakes(step.price_minor, where)
        hour = step.price_minor * 60 // max(step.unit_minutes, 1)
        if step.price_minor <= ABSURD_SUM_MINOR and hour > ABSURD_HOUR_MINOR:
            reason = f"{hour:,} minor units an hour is absurd; {_MEND_PRICE}"
            yield AbsurdPriceError(key=where, reason=reason)


def _tier_mistakes(rate: TierRate, key: str) -> Iterator[TariffError]:
    if not rate.tiers:
        yield NoTiersError(key=key, reason="at least one tier is needed; write its total")
        return
    *earlier, last = rate.tiers
    if last.up_to_minutes is not None:
        reason = "the last tier holds however long the time; leave up_to_minutes out"
        yield LastTierEndsError(key=f"{key}[{len(earlier)}].up_to_minutes", reason=reason)
    ends, total = 0, 0
    for index, tier in enumerate(rate.tiers):
        where = f"{key}[{index}]"
        yield from _sum_mistakes(tier.total_minor, f"{where}.total_minor")
        if tier.total_minor < total:
            reason = f"{tier.total_minor} is less than the {total} of a shorter time; raise it"
            yield TierTotalFallsError(key=f"{where}.total_minor", reason=reason)
        total = tier.total_minor
        if tier is last:
            continue
        if tier.up_to_minutes is None:
            reason = "say up to how many minutes the tier holds before the next begins"
            yield TierNeverEndsError(key=f"{where}.up_to_minutes", reason=reason)
        elif tier.up_to_minutes <= ends:
            reason = f"{tier.up_to_minutes} is not after {ends}; put the shorter tiers first"
            yield TiersNotAscendingError(key=f"{where}.up_to_minutes", reason=reason)
        ends = tier.up_to_minutes or ends

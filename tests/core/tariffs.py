"""Tariffs for tests: the gallery, short builders, and a strategy over the whole language."""

from datetime import date, timedelta
from pathlib import Path

import msgspec
from hypothesis import strategies as st

from parking.core.events import PlateColour
from parking.core.ids import TariffId
from parking.core.right import (
    AmountOff,
    CoveredTime,
    FreeMinutes,
    Right,
    RightId,
    RightKind,
    RightOffer,
    ShareOff,
)
from parking.core.tariff import (
    Caps,
    Dates,
    Edges,
    EntryTimes,
    FlatRate,
    FreeKind,
    FreePer,
    FreePeriod,
    NoCharge,
    Per,
    Rate,
    RateStep,
    Rounding,
    RoundTotal,
    Schedule,
    Season,
    Tariff,
    Tier,
    TierRate,
    UnitRate,
    VehicleClass,
    Way,
    WholeUnit,
    Window,
)
from parking.core.tariff_document import read_tariff_toml

GALLERY = Path(__file__).parents[2] / "tariffs"
ZONES = ("Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "America/Havana", "UTC")


def gallery(name: str) -> Tariff:
    return read_tariff_toml((GALLERY / f"{name}.toml").read_text(encoding="utf-8"))


def units(*steps: tuple[int, int] | tuple[int, int, int], rounding: Rounding = Rounding.UP) -> Rate:
    """Steps as (price_minor, unit_minutes[, lasts_minutes])."""
    return UnitRate(
        steps=tuple(
            RateStep(
                price_minor=step[0],
                unit_minutes=step[1],
                lasts_minutes=step[2] if len(step) == 3 else None,
            )
            for step in steps
        ),
        rounding=rounding,
    )


def window(from_time: str, until_time: str, rate: Rate) -> Window:
    return Window(from_time=from_time, until_time=until_time, rate=rate)


def all_day(rate: Rate) -> tuple[Window, ...]:
    return (window("00:00", "24:00", rate),)


def tariff(
    *windows: Window,
    zone: str = "Asia/Shanghai",
    currency: str = "CNY",
    free: FreePeriod | None = None,
    caps: Caps = Caps(),  # noqa: B008 - frozen
) -> Tariff:
    return Tariff(
        tariff_id=TariffId("test"),
        version=1,
        name_zh="测试",
        name_en="Test",
        zone=zone,
        currency=currency,
        windows=windows,
        free=free,
        caps=caps,
    )


PRICE_MAX = 1000
_prices = st.integers(0, PRICE_MAX)
_unit_minutes = st.sampled_from([1, 7, 15, 30, 60, 90])


@st.composite
def unit_rates(draw: st.DrawFn) -> Rate:
    steps: list[tuple[int, int] | tuple[int, int, int]] = []
    for _ in range(draw(st.integers(0, 2))):
        unit = draw(_unit_minutes)
        steps.append((draw(_prices), unit, unit * draw(st.integers(1, 3))))
    steps.append((draw(_prices), draw(_unit_minutes)))
    return units(*steps, rounding=draw(st.sampled_from(Rounding)))


_rates = st.one_of(
    unit_rates(),
    unit_rates(),
    st.builds(FlatRate, price_minor=_prices, per=st.sampled_from([Per.VISIT, Per.WINDOW])),
    st.just(NoCharge()),
)


@st.composite
def window_sets(draw: st.DrawFn) -> tuple[Window, ...]:
    """Windows that cover the day, their edges often where clocks change."""
    edge = st.one_of(st.sampled_from([0, 30, 60, 90, 120, 135, 150, 180]), st.integers(0, 1439))
    edges = sorted(draw(st.sets(edge, min_size=1, max_size=4)))
    if len(edges) == 1:
        return all_day(draw(_rates))
    clock = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in edges]
    following = [*clock[1:], clock[0]]
    return tuple(
        window(start, end, draw(_rates)) for start, end in zip(clock, following, strict=True)
    )


# No cap may be below the price of one unit.
_caps = st.one_of(st.none(), st.integers(PRICE_MAX, 4000))
_free = st.one_of(
    st.none(),
    st.builds(FreePeriod, minutes=st.sampled_from([1, 15, 120]), kind=st.sampled_from(FreeKind)),
)


@st.composite
def tariff_documents(draw: st.DrawFn) -> Tariff:
    """Any tariff without vehicle classes."""
    return tariff(
        *draw(window_sets()),
        zone=draw(st.sampled_from(ZONES)),
        free=draw(_free),
        caps=Caps(calendar_day_minor=draw(_caps), rolling_24h_minor=draw(_caps)),
    )


# --- the whole language ------------------------------------------------------------------------

_clock = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))


@st.composite
def _tiers(draw: st.DrawFn) -> Rate:
    ends = sorted(draw(st.sets(st.integers(1, 600), max_size=3)))
    totals = sorted(draw(st.lists(_prices, min_size=len(ends) + 1, max_size=len(ends) + 1)))
    tiers = [
        Tier(total_minor=total, up_to_minutes=end)
        for total, end in zip(totals, [*ends, None], strict=True)
    ]
    return TierRate(tiers=tuple(tiers), per=draw(st.sampled_from(Per)))


@st.composite
def any_rates(draw: st.DrawFn) -> Rate:
    """A rate of any kind and period."""
    rate = draw(st.one_of(_rates, _tiers()))
    if isinstance(rate, NoCharge):
        return rate
    return msgspec.structs.replace(rate, per=draw(st.sampled_from(Per)))


@st.composite
def rich_windows(draw: st.DrawFn, *, capped: bool = True) -> tuple[Window, ...]:
    """Windows with any rate, period and cap."""
    return tuple(
        msgspec.structs.replace(
            each,
            rate=draw(any_rates()),
            cap_minor=draw(_caps) if capped else None,
            cap_per=draw(st.sampled_from(Per)),
        )
        for each in draw(window_sets())
    )


_season = st.builds(
    Season,
    from_day=st.sampled_from(["03-08", "06-01", "11-01", "12-31"]),
    until_day=st.sampled_from(["01-01", "03-08", "11-01"]),
)
_dates = st.builds(
    lambda first, days: Dates(from_date=first, until_date=first + timedelta(days=days)),
    st.sampled_from([date(2026, 3, 8), date(2026, 4, 5), date(2026, 6, 1), date(2026, 11, 1)]),
    st.integers(0, 2),
)
_words = st.lists(
    st.sampled_from(["mon", "sat", "sun", "workday", "rest_day", "holiday", "spring_festival"]),
    max_size=2,
).map(tuple)


@st.composite
def _schedules(draw: st.DrawFn, *, entered: bool, capped: bool) -> Schedule:
    times = st.builds(EntryTimes, from_time=_clock, until_time=_clock).filter(
        lambda each: each.from_time != each.until_time
    )
    schedule = Schedule(
        name_zh="特殊",
        name_en="Special",
        on=draw(_words),
        season=draw(st.none() | _season),
        dates=draw(st.none() | _dates),
        entered=draw(st.none() | times) if entered else None,
        windows=draw(rich_windows(capped=capped)),
    )
    conditions = (schedule.on, schedule.season, schedule.dates, schedule.entered)
    return schedule if any(conditions) else msgspec.structs.replace(schedule, on=("sun",))


@st.composite
def scheduled_tariffs(draw: st.DrawFn, *, capped: bool = False) -> Tariff:
    """Tariffs whose days differ, with rates of all kinds and periods."""
    base = draw(tariff_documents())
    return msgspec.structs.replace(
        base,
        windows=draw(rich_windows(capped=capped)),
        schedules=tuple(draw(st.lists(_schedules(entered=capped, capped=capped), max_size=2))),
        calendar="china",
    )


@st.composite
def rich_tariffs(draw: st.DrawFn) -> Tariff:
    """Any tariff at all."""
    base = draw(scheduled_tariffs(capped=True))
    free = base.free
    if free is not None:
        free = msgspec.structs.replace(free, per=draw(st.sampled_from(FreePer)))
    rounding = draw(
        st.none() | st.builds(RoundTotal, to=st.sampled_from(WholeUnit), way=st.just(Way.DOWN))
    )
    stay_cap = draw(_caps)
    return msgspec.structs.replace(
        base,
        free=free,
        caps=msgspec.structs.replace(base.caps, stay_minor=stay_cap),
        edges=draw(st.sampled_from(Edges)),
        minimum_minor=draw(st.integers(0, PRICE_MAX)),
        round_total=rounding,
        classes=(
            VehicleClass(
                colours=(PlateColour.GREEN,),
                name_zh="新能源",
                name_en="new-energy",
                percent=draw(st.sampled_from([0, 33, 50, 200])),
            ),
        ),
    )


_benefits = st.one_of(
    st.builds(CoveredTime, from_time=_clock, until_time=_clock, on=_words).filter(
        lambda each: each.from_time != each.until_time
    ),
    st.builds(FreeMinutes, minutes=st.integers(1, 300), forfeited_when_exceeded=st.booleans()),
    st.builds(AmountOff, amount_minor=_prices),
    st.builds(ShareOff, percent=st.integers(1, 100), most_minor=st.none() | _prices),
)
rights_held = st.lists(
    st.builds(
        lambda benefit: Right(
            offer=RightOffer(
                right_id=RightId("held"),
                kind=RightKind.VALIDATION,
                name_zh="权益",
                name_en="Held",
                benefit=benefit,
            )
        ),
        _benefits,
    ),
    max_size=3,
).map(tuple)

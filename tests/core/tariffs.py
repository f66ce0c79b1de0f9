"""Tariffs for tests: the gallery, short builders, and a strategy over the whole language."""

from pathlib import Path

from hypothesis import strategies as st

from parking.core.ids import TariffId
from parking.core.tariff import (
    Caps,
    FlatRate,
    FreeKind,
    FreePeriod,
    NoCharge,
    Per,
    Rate,
    RateStep,
    Rounding,
    Tariff,
    UnitRate,
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
    st.builds(FlatRate, price_minor=_prices, per=st.sampled_from(Per)),
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

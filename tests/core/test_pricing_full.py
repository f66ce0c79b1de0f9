"""All that a tariff may say: held to the reference, to the short way, and to its promises."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parking.core.events import PlateColour
from parking.core.plan import CompiledTariff
from parking.core.pricing import assess
from parking.core.pricing_plan import compile_tariff
from parking.core.right import Right
from parking.core.tariff import NoCharge, Per, Schedule, Tariff
from tests.core.pricing_reference import reference_total
from tests.core.tariffs import (
    any_rates,
    rich_tariffs,
    rights_held,
    scheduled_tariffs,
    tariff,
    tariff_documents,
    units,
    window,
)

BLUE, GREEN = PlateColour.BLUE, PlateColour.GREEN

# Around the days of 2026 on which clocks change, a holiday, a make-up day, and the year's end.
_days = st.sampled_from([(2, 14), (3, 7), (4, 4), (6, 1), (10, 3), (10, 31), (12, 29)])
entries = st.builds(
    lambda day, minute: datetime(2026, day[0], day[1], tzinfo=UTC) + timedelta(minutes=minute),
    _days,
    st.integers(0, 2 * 1440),
)
lengths = st.one_of(st.integers(0, 300), st.integers(0, 3 * 1440))


def fee(
    entered_at: datetime,
    minutes: float,
    rates: Tariff | CompiledTariff,
    *,
    colour: PlateColour = BLUE,
    rights: tuple[Right, ...] = (),
) -> int:
    left_at = entered_at + timedelta(minutes=minutes)
    priced = assess(
        entered_at=entered_at, left_at=left_at, tariff=rates, colour=colour, rights=rights
    )
    assert sum(line.amount_minor for line in priced.lines) == priced.total.amount_minor
    assert all(line.text_zh and line.text_en for line in priced.lines)
    return priced.total.amount_minor


def _the_long_way(rates: Tariff) -> CompiledTariff:
    ready = compile_tariff(rates)
    classes = {
        colour: replace(plan, plain=False, alone=False) for colour, plan in ready.classes.items()
    }
    return replace(ready, classes=classes)


@given(st.one_of(tariff_documents(), rich_tariffs()), entries, lengths, rights_held)
def test_the_short_and_the_long_way_write_the_same_lines(
    rates: Tariff, entered_at: datetime, minutes: int, rights: tuple[Right, ...]
) -> None:
    left_at = entered_at + timedelta(minutes=minutes)
    for held in ((), rights):
        long, short = (
            assess(entered_at=entered_at, left_at=left_at, tariff=each, colour=BLUE, rights=held)
            for each in (_the_long_way(rates), rates)
        )
        assert long == short


def test_a_window_that_the_clock_jumps_over_does_not_end_the_one_before() -> None:
    hour, quarter = units((100, 60)), units((50, 60))
    rates = tariff(
        window("02:15", "02:00", hour), window("02:00", "02:15", quarter), zone="America/New_York"
    )
    came = datetime(2026, 3, 8, 6, 30, tzinfo=UTC)  # 01:30; at 02:00 it is 03:00
    left = came + timedelta(hours=1)
    assert fee(came, 60, rates) == reference_total(came, left, rates) == 100


@given(scheduled_tariffs(), entries, lengths)
def test_days_tiers_and_periods_come_to_what_the_reference_says(
    rates: Tariff, entered_at: datetime, minutes: int
) -> None:
    left_at = entered_at + timedelta(minutes=minutes)
    assert fee(entered_at, minutes, rates) == reference_total(entered_at, left_at, rates)


@given(rich_tariffs(), entries, lengths, st.integers(0, 86_400), rights_held, st.booleans())
def test_a_longer_stay_never_costs_less(
    rates: Tariff,
    entered_at: datetime,
    minutes: int,
    more_seconds: int,
    rights: tuple[Right, ...],
    green: bool,  # noqa: FBT001
) -> None:
    colour = GREEN if green else BLUE
    shorter = fee(entered_at, minutes, rates, colour=colour, rights=rights)
    longer = fee(entered_at, minutes + more_seconds / 60, rates, colour=colour, rights=rights)
    assert 0 <= shorter <= longer


@given(rich_tariffs(), entries, lengths, rights_held)
def test_a_right_never_makes_a_stay_dearer(
    rates: Tariff, entered_at: datetime, minutes: int, rights: tuple[Right, ...]
) -> None:
    assert fee(entered_at, minutes, rates, rights=rights) <= fee(entered_at, minutes, rates)


@given(rich_tariffs(), entries, lengths)
def test_every_cap_holds(rates: Tariff, entered_at: datetime, minutes: int) -> None:
    total = fee(entered_at, minutes, rates)
    periods = max(-(-minutes // 1440), 1)
    if rates.caps.stay_minor is not None:
        assert total <= rates.caps.stay_minor
    if rates.caps.rolling_24h_minor is not None:
        assert total <= periods * rates.caps.rolling_24h_minor


@given(rich_tariffs(), entries, lengths)
def test_no_line_is_negative_but_caps_rounding_and_what_is_paid(
    rates: Tariff, entered_at: datetime, minutes: int
) -> None:
    left_at = entered_at + timedelta(minutes=minutes)
    priced = assess(entered_at=entered_at, left_at=left_at, tariff=rates, colour=BLUE)
    for line in priced.lines:
        assert line.amount_minor >= 0 or line.code.startswith("cap_") or line.code == "rounding"


@given(scheduled_tariffs(), entries, lengths)
def test_midnight_changes_nothing_that_the_tariff_does_not_say(
    rates: Tariff, entered_at: datetime, minutes: int
) -> None:
    """The usual windows repeated for Sundays are still the usual windows."""
    sundays = Schedule(name_zh="周日", name_en="Sunday", on=("sun",), event=True)
    plain = replace(rates, schedules=())
    said_twice = replace(rates, schedules=(sundays,))
    assert fee(entered_at, minutes, said_twice) == fee(entered_at, minutes, plain)


@given(st.data(), lengths, lengths)
def test_windows_that_remember_nothing_are_independent_at_their_edges(
    data: st.DataObject, before: int, after: int
) -> None:
    first, second = data.draw(any_rates()), data.draw(any_rates())
    windows = tuple(
        window(start, end, rate if isinstance(rate, NoCharge) else replace(rate, per=Per.WINDOW))
        for start, end, rate in (("08:00", "20:00", first), ("20:00", "08:00", second))
    )
    rates = tariff(*windows)
    edge = datetime(2026, 6, 3, data.draw(st.sampled_from([0, 12])), tzinfo=UTC)  # 08:00, 20:00
    entered_at = edge - timedelta(minutes=before)
    whole = fee(entered_at, before + after, rates)
    assert whole == fee(entered_at, before, rates) + fee(edge, after, rates)


def test_the_long_way_knows_of_an_edge_that_the_clock_shows_for_the_second_time() -> None:
    dear, cheap = units((1000, 60)), units((1, 60))
    rates = tariff(
        window("01:30", "12:00", dear), window("12:00", "01:30", cheap), zone="America/New_York"
    )
    came = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)  # 01:10 for the second time
    assert fee(came, 60, rates) == fee(came, 60, _the_long_way(rates)) == 1000

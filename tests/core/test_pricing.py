"""Pricing: promises by property against a slow reference, and the days on which clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.pricing import (
    LeftBeforeEnteredError,
    NaiveInstantError,
    StayTooLongError,
    assess,
)
from parking.core.pricing_plan import compile_tariff
from parking.core.tariff import (
    Caps,
    FlatRate,
    FreeKind,
    FreePeriod,
    NoCharge,
    Per,
    Rounding,
    Tariff,
    VehicleClass,
)
from tests.core.pricing_reference import reference_total
from tests.core.tariffs import (
    PRICE_MAX,
    all_day,
    gallery,
    tariff,
    tariff_documents,
    units,
    window,
)

BLUE, GREEN = PlateColour.BLUE, PlateColour.GREEN
NEW_YORK = ZoneInfo("America/New_York")

# Around the days of 2026 on which clocks change, north and south, and an ordinary one.
_days = st.sampled_from([(3, 7), (4, 4), (6, 1), (10, 3), (10, 31), (12, 31)])
_entries = st.builds(
    lambda day, minute: datetime(2026, day[0], day[1], tzinfo=UTC) + timedelta(minutes=minute),
    _days,
    st.integers(0, 2 * 1440),
)
_minutes = st.one_of(st.integers(0, 300), st.integers(0, 3 * 1440))


def fee(entered_at: datetime, left_at: datetime, rates: Tariff, colour: PlateColour = BLUE) -> int:
    priced = assess(entered_at=entered_at, left_at=left_at, tariff=rates, colour=colour)
    return priced.total.amount_minor


@given(tariff_documents(), _entries, _minutes)
def test_the_total_is_that_of_the_minute_by_minute_reference(
    rates: Tariff, entered_at: datetime, minutes: int
) -> None:
    left_at = entered_at + timedelta(minutes=minutes)
    assert fee(entered_at, left_at, rates) == reference_total(entered_at, left_at, rates)


@given(tariff_documents(), _entries, _minutes, st.integers(0, 86_400))
def test_a_longer_stay_never_costs_less_and_none_is_negative(
    rates: Tariff, entered_at: datetime, minutes: int, more_seconds: int
) -> None:
    left_at = entered_at + timedelta(minutes=minutes)
    shorter = fee(entered_at, left_at, rates)
    longer = fee(entered_at, left_at + timedelta(seconds=more_seconds), rates)
    assert 0 <= shorter <= longer


@given(tariff_documents(), _entries, _minutes)
def test_lines_explain_the_fee_in_both_languages(
    rates: Tariff, entered_at: datetime, minutes: int
) -> None:
    left_at = entered_at + timedelta(minutes=minutes)
    priced = assess(entered_at=entered_at, left_at=left_at, tariff=rates, colour=BLUE)
    assert priced.lines
    for line in priced.lines:
        assert line.text_zh
        assert line.text_en
        if line.code == "rate":
            assert line.units is not None
            assert line.unit_price_minor is not None
            assert line.amount_minor == line.units * line.unit_price_minor
            assert line.from_at is not None
            assert line.until_at is not None
            assert entered_at <= line.from_at < line.until_at <= left_at
        assert (line.amount_minor < 0) <= line.code.startswith("cap_")


@given(tariff_documents(), _entries, _minutes, st.integers(PRICE_MAX, 3000))
def test_caps_hold(rates: Tariff, entered_at: datetime, minutes: int, cap: int) -> None:
    left_at = entered_at + timedelta(minutes=minutes)
    periods = -(-minutes // 1440)
    rolling = tariff(*rates.windows, zone=rates.zone, caps=Caps(rolling_24h_minor=cap))
    assert fee(entered_at, left_at, rolling) <= periods * cap
    first = entered_at.astimezone(ZoneInfo(rates.zone)).date()
    last = left_at.astimezone(ZoneInfo(rates.zone)).date()
    daily = tariff(*rates.windows, zone=rates.zone, caps=Caps(calendar_day_minor=cap))
    assert fee(entered_at, left_at, daily) <= ((last - first).days + 1) * cap


def test_a_free_threshold_counts_whole_minutes_and_then_the_whole_stay() -> None:
    rates = tariff(*all_day(units((100, 15))), free=FreePeriod(minutes=15))
    came = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
    assert fee(came, came + timedelta(minutes=15, seconds=59), rates) == 0
    assert fee(came, came + timedelta(minutes=16), rates) == 200


def test_a_free_deduction_starts_the_units_later() -> None:
    free = FreePeriod(minutes=15, kind=FreeKind.DEDUCTION)
    rates = tariff(*all_day(units((100, 15))), free=free)
    came = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
    assert fee(came, came + timedelta(minutes=30), rates) == 100
    assert fee(came, came + timedelta(minutes=31), rates) == 200


def test_a_unit_that_is_not_completed_is_free_when_rounding_down() -> None:
    rates = tariff(*all_day(units((250, 15), rounding=Rounding.DOWN)))
    came = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
    priced = assess(
        entered_at=came, left_at=came + timedelta(minutes=14), tariff=rates, colour=BLUE
    )
    assert [line.code for line in priced.lines] == ["under_one_unit"]
    assert fee(came, came + timedelta(minutes=44), rates) == 500


def test_a_night_is_charged_once_a_visit_or_each_night() -> None:
    came = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)  # 20:00 in Shanghai
    for per, expected in ((Per.VISIT, 400), (Per.WINDOW, 800)):
        night = window("20:00", "08:00", FlatRate(price_minor=400, per=per))
        rates = tariff(night, window("08:00", "20:00", NoCharge()))
        assert fee(came, came + timedelta(hours=36), rates) == expected


def test_the_night_that_loses_an_hour_has_three_of_four() -> None:
    rates = tariff(*all_day(units((100, 60))), zone="America/New_York")
    came = datetime(2026, 3, 8, 0, 0, tzinfo=NEW_YORK)
    assert fee(came, datetime(2026, 3, 8, 4, 0, tzinfo=NEW_YORK), rates) == 300
    came = datetime(2026, 11, 1, 0, 0, tzinfo=NEW_YORK)
    assert fee(came, datetime(2026, 11, 1, 4, 0, tzinfo=NEW_YORK), rates) == 500


def test_a_window_that_the_clock_jumps_over_begins_at_the_jump() -> None:
    dear, cheap = units((1000, 60)), units((1, 60))
    rates = tariff(
        window("02:30", "12:00", dear), window("12:00", "02:30", cheap), zone="America/New_York"
    )
    came = datetime(2026, 3, 8, 1, 0, tzinfo=NEW_YORK)
    assert fee(came, datetime(2026, 3, 8, 4, 0, tzinfo=NEW_YORK), rates) == 1 + 1000


def test_a_window_that_the_clock_shows_twice_begins_at_its_first_showing() -> None:
    dear, cheap = units((1000, 60)), units((1, 60))
    rates = tariff(
        window("01:30", "12:00", dear), window("12:00", "01:30", cheap), zone="America/New_York"
    )
    came = datetime(2026, 11, 1, 1, 10, fold=1, tzinfo=NEW_YORK)
    assert fee(came, datetime(2026, 11, 1, 2, 10, tzinfo=NEW_YORK), rates) == 1000


def test_a_clock_set_back_over_midnight_begins_no_day_twice() -> None:
    zone = ZoneInfo("America/St_Johns")  # until 2011 from 00:01 to 23:01 of the day before
    rates = tariff(
        *all_day(units((100, 30))), zone="America/St_Johns", caps=Caps(calendar_day_minor=100)
    )
    left = datetime(2010, 11, 7, 3, 0, tzinfo=zone)
    for fold, expected in ((0, 200), (1, 100)):
        came = datetime(2010, 11, 6, 23, 30, fold=fold, tzinfo=zone)
        assert fee(came, left, rates) == expected
        assert fee(came, left, rates) == reference_total(came, left, rates)


def test_one_line_of_each_cap_for_each_of_its_periods() -> None:
    rates = tariff(*all_day(units((100, 60))), caps=Caps(calendar_day_minor=500))
    came = datetime(2026, 5, 31, 16, 0, tzinfo=UTC)  # midnight in Shanghai
    priced = assess(entered_at=came, left_at=came + timedelta(hours=30), tariff=rates, colour=BLUE)
    assert [(line.code, line.amount_minor) for line in priced.lines] == [
        ("rate", 3000),
        ("cap_calendar_day", -1900),
        ("cap_calendar_day", -100),
    ]
    assert priced.lines[1].text_zh == "当日最高 5.00 元"
    assert priced.lines[1].text_en == "At most ¥5.00 in one calendar day"


def test_of_two_caps_the_day_s_comes_first_and_the_other_cuts_what_is_left() -> None:
    rates = tariff(
        *all_day(units((100, 60))), caps=Caps(calendar_day_minor=500, rolling_24h_minor=800)
    )
    came = datetime(2026, 5, 31, 4, 0, tzinfo=UTC)  # noon in Shanghai
    priced = assess(entered_at=came, left_at=came + timedelta(hours=24), tariff=rates, colour=BLUE)
    assert [(line.code, line.amount_minor) for line in priced.lines] == [
        ("rate", 2400),
        ("cap_calendar_day", -700),
        ("cap_calendar_day", -700),
        ("cap_rolling_24h", -200),
    ]


@pytest.mark.parametrize(("percent", "expected"), [(50, 250), (200, 1000), (0, 0), (100, 500)])
def test_a_class_pays_its_share_of_prices_and_caps(percent: int, expected: int) -> None:
    green = VehicleClass(colours=(GREEN,), name_zh="新能源", name_en="new-energy", percent=percent)
    base = tariff(*all_day(units((300, 60))), caps=Caps(rolling_24h_minor=500))
    rates = _with_classes(base, green)
    came = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
    assert fee(came, came + timedelta(hours=9), rates, GREEN) == expected
    assert fee(came, came + timedelta(hours=9), rates, BLUE) == 500


def test_half_of_an_odd_price_is_rounded_up_to_the_fen() -> None:
    green = VehicleClass(colours=(GREEN,), name_zh="新能源", name_en="new-energy", percent=50)
    rates = _with_classes(tariff(*all_day(units((5, 60)))), green)
    came = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
    assert fee(came, came + timedelta(hours=2), rates, GREEN) == 2 * 3


def test_a_class_may_have_windows_free_time_and_caps_of_its_own() -> None:
    own = VehicleClass(
        colours=(GREEN,),
        name_zh="新能源",
        name_en="new-energy",
        windows=all_day(units((100, 60))),
        free=FreePeriod(minutes=120),
        caps=Caps(rolling_24h_minor=400),
    )
    rates = _with_classes(tariff(*all_day(units((300, 60)))), own)
    came = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
    assert [fee(came, came + timedelta(hours=hours), rates, GREEN) for hours in (2, 3, 9)] == [
        0,
        300,
        400,
    ]
    priced = assess(entered_at=came, left_at=came + timedelta(hours=3), tariff=rates, colour=GREEN)
    assert "新能源" in priced.lines[0].text_zh
    assert "new-energy" in priced.lines[0].text_en


def test_a_compiled_tariff_prices_the_same() -> None:
    rates = tariff(*all_day(units((300, 60))), currency="USD", zone="America/New_York")
    came = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
    left = came + timedelta(hours=2)
    ready = compile_tariff(rates)
    once = assess(entered_at=came, left_at=left, tariff=ready, colour=BLUE)
    assert once == assess(entered_at=came, left_at=left, tariff=rates, colour=BLUE)
    assert once.total.currency == "USD"
    assert once.lines[0].text_zh == "全天：每 60 分钟 3.00 USD × 2"
    assert once.lines[0].text_en == "All day: USD 3.00 per 60 min × 2"


def test_instants_that_make_no_stay_are_refused() -> None:
    rates = tariff(*all_day(units((300, 60))))
    came = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
    with pytest.raises(LeftBeforeEnteredError):
        fee(came, came - timedelta(seconds=1), rates)
    with pytest.raises(StayTooLongError):
        fee(came, came + timedelta(days=367), rates)
    with pytest.raises(NaiveInstantError):
        fee(came.replace(tzinfo=None), came, rates)


def _with_classes(base: Tariff, *classes: VehicleClass) -> Tariff:
    return Tariff(
        tariff_id=base.tariff_id,
        version=base.version,
        name_zh=base.name_zh,
        name_en=base.name_en,
        zone=base.zone,
        windows=base.windows,
        caps=base.caps,
        classes=classes,
    )


def test_what_is_remembered_is_bounded_and_stays_right() -> None:
    """More days and lengths of stays than a compiled tariff remembers."""
    ready = compile_tariff(gallery("shenzhen-workdays"))
    first = datetime(2014, 12, 31, 20, 0, tzinfo=UTC)

    def some_fee(number: int) -> Fee:
        came = first + number * timedelta(days=1)
        left = came + timedelta(minutes=30 + number)
        return assess(entered_at=came, left_at=left, tariff=ready, colour=BLUE)

    before = some_fee(1)
    for number in range(4200):
        some_fee(number)
    assert some_fee(1) == before

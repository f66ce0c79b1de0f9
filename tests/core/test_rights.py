"""Rights on a stay, vehicles, free minutes that days share, and the gallery's less common rules."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from parking.core.calendar import CHINA, WEEK, UnknownCalendarError, calendar_named, day_words
from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.next_step import entry_notices, next_price_step
from parking.core.pass_price import pass_price
from parking.core.pricing import assess
from parking.core.pricing_full import EarlierToday
from parking.core.pricing_plan import compile_tariff
from parking.core.right import (
    NoMonthlyPriceError,
    PassEndsBeforeItBeginsError,
    Right,
    RightNotOfferedError,
    RightUsedUpError,
    offer_named,
)
from parking.core.vehicle import VehicleKind
from tests.core.tariffs import gallery

SHANGHAI = ZoneInfo("Asia/Shanghai")
BLUE, GREEN = PlateColour.BLUE, PlateColour.GREEN


def at(text: str) -> datetime:
    """A time of Monday 2 March 2026 in Shanghai, or a date and time."""
    shown = text if " " in text else f"2026-03-02 {text}"
    return datetime.fromisoformat(shown).replace(tzinfo=SHANGHAI)


def granted(name: str, right_id: str) -> Right:
    return Right(offer=offer_named(gallery(name).rights, right_id))


def quote(
    name: str,
    entered: str,
    left: str,
    *,
    colour: PlateColour = BLUE,
    vehicle: VehicleKind | None = None,
    rights: tuple[Right, ...] = (),
    earlier: EarlierToday = EarlierToday(),  # noqa: B008 - frozen
) -> Fee:
    return assess(
        entered_at=at(entered),
        left_at=at(left),
        tariff=gallery(name),
        colour=colour,
        vehicle=vehicle,
        rights=rights,
        earlier=earlier,
    )


@pytest.mark.parametrize(
    ("name", "entered", "left", "total"),
    [
        # Beijing charges no part of a quarter-hour: 59 min are three quarters.
        ("beijing-roadside", "09:00", "09:14", 0),
        ("beijing-roadside", "09:00", "09:59", 750),
        ("beijing-roadside", "09:00", "10:16", 1375),
        # A half-hour begun before 19:30 runs on; the night follows it.
        ("shanghai-inner-ring", "18:10", "19:40", 2500),
        ("shanghai-inner-ring", "18:10", "19:41", 3500),
        # A working Saturday after Spring Festival, an idle Sunday, a holiday.
        ("shenzhen-workdays", "2026-02-28 10:00", "2026-02-28 11:00", 1500),
        ("shenzhen-workdays", "2026-03-01 10:00", "2026-03-01 11:00", 500),
        ("shenzhen-workdays", "2026-10-01 10:00", "2026-10-01 11:00", 0),
        # Each day's first half-hour is cheap again.
        ("shenzhen-workdays", "20:30", "2026-03-03 08:00", 1000),
        ("mall", "09:00", "10:30", 700),
        ("mall", "09:00", "09:16", 300),
        ("mall", "2026-03-01 09:00", "2026-03-01 10:30", 1100),
        ("mall", "2026-03-01 09:00", "2026-03-01 23:30", 6000),
        # Six to twelve hours bill as six, longer as a day, and the next day begins anew.
        ("airport", "08:00", "14:00", 6000),
        ("airport", "08:00", "20:00", 6000),
        ("airport", "08:00", "20:01", 8000),
        ("airport", "08:00", "2026-03-03 08:00", 8000),
        ("airport", "08:00", "2026-03-03 08:01", 8500),
        ("railway-drop-off", "09:00", "09:10", 0),
        ("railway-drop-off", "09:00", "09:46", 5500),
        ("stadium", "2026-12-05 16:00", "2026-12-05 22:00", 5000),
        ("stadium", "2026-12-05 13:00", "2026-12-05 22:00", 2700),
        ("scenic-area", "09:00", "2026-03-03 09:00", 2000),
        ("scenic-area", "2026-05-05 09:00", "2026-05-06 09:00", 3000 + 2000),
        ("community", "09:00", "11:00", 0),
        ("community", "09:00", "11:01", 100),
        ("community", "22:00", "2026-03-03 03:00", 100),
        ("office", "08:00", "19:00", 8000),
        ("office", "18:00", "2026-03-03 09:00", 1000 + 2000 + 1000),
        ("hospital", "08:00", "2026-03-08 08:00", 10000),
        ("charging-hub", "09:00", "09:41", 570),
        ("library", "09:00", "10:00", 0),
    ],
)
def test_the_gallery_charges_as_its_heads_say(
    name: str, entered: str, left: str, total: int
) -> None:
    assert quote(name, entered, left).total.amount_minor == total


def test_a_kind_of_vehicle_counts_before_the_colour() -> None:
    times = ("2026-03-02 09:00", "2026-03-02 12:00")
    assert quote("scenic-area", *times).total.amount_minor == 1000
    coach = quote("scenic-area", *times, colour=PlateColour.YELLOW)
    assert coach.total.amount_minor == 2500
    motorcycle = VehicleKind.MOTORCYCLE
    small = quote("scenic-area", *times, colour=PlateColour.YELLOW, vehicle=motorcycle)
    assert small.total.amount_minor == 500
    unnamed = quote("scenic-area", *times, colour=PlateColour.YELLOW, vehicle=VehicleKind.SMALL)
    assert unnamed.total.amount_minor == 2500


def test_a_pass_that_covers_part_of_a_stay() -> None:
    staff = (granted("office", "staff"),)
    fee = quote("office", "07:00", "21:00", rights=staff)
    # 07:00 to 07:30 and 20:00 to 21:00 are evening hours; the rest is covered.
    assert fee.total.amount_minor == 1000
    assert fee.lines[0].code == "right:staff"
    assert "750" in fee.lines[0].text_en
    # On a Sunday the pass covers nothing.
    sunday = ("2026-03-01 09:00", "2026-03-01 10:00")
    assert quote("office", *sunday, rights=staff).total.amount_minor == 1000


def test_a_pass_over_midnight_and_within_its_validity() -> None:
    nights = granted("community", "nights")
    stay = ("2026-03-02 16:00", "2026-03-03 10:00")
    whole = quote("community", *stay, rights=(nights,))
    # 16 to 18 and 08 to 10 are left, two hours of each day, and they are free.
    assert whole.total.amount_minor == 0
    late = msgspec.structs.replace(nights, valid_from=at("2026-03-03 00:00"))
    assert quote("community", *stay, rights=(late,)).total.amount_minor == 600
    over = msgspec.structs.replace(nights, valid_until=at("2026-03-02 16:00"))
    assert quote("community", *stay, rights=(over,)) == quote("community", *stay)
    until_ten = msgspec.structs.replace(nights, valid_until=at("2026-03-02 22:00"))
    assert quote("community", *stay, rights=(until_ten,)).total.amount_minor == 1000


def test_shops_stamp_minutes_a_sum_or_a_share() -> None:
    stay = ("09:00", "13:00")
    rights = {name: granted("mall", name) for name in ("two-hours", "ten-yuan", "half")}
    assert quote("mall", *stay).total.amount_minor == 2000
    for name, total in (("two-hours", 1000), ("ten-yuan", 1000), ("half", 1000)):
        assert quote("mall", *stay, rights=(rights[name],)).total.amount_minor == total
    all_three = quote("mall", *stay, rights=tuple(rights.values()))
    assert all_three.total.amount_minor == 0
    assert [line.code for line in all_three.lines if line.code.startswith("right")] == [
        "right:two-hours",
        "right:half",
        "right:ten-yuan",
    ]
    long = quote("mall", "09:00", "22:00", rights=(rights["half"],))
    assert long.total.amount_minor == 6000 - 2000


def test_an_entitlement_is_forfeited_when_exceeded() -> None:
    charging = (granted("charging-hub", "charging"),)
    free = quote("charging-hub", "09:00", "11:00", colour=GREEN, rights=charging)
    assert free.total.amount_minor == 0
    over = quote("charging-hub", "09:00", "11:01", colour=GREEN, rights=charging)
    assert over.total.amount_minor == 850


def test_a_right_is_used_as_often_as_it_may() -> None:
    once = msgspec.structs.replace(granted("mall", "ten-yuan"), uses_left=1)
    assert quote("mall", "09:00", "13:00", rights=(once,)).total.amount_minor == 1000
    none_left = once.used()
    assert quote("mall", "09:00", "13:00", rights=(none_left,)).total.amount_minor == 2000
    with pytest.raises(RightUsedUpError):
        none_left.used()
    unlimited = granted("mall", "ten-yuan")
    assert unlimited.used() == unlimited


def test_free_minutes_that_a_day_shares() -> None:
    used = EarlierToday(visits=1, free_minutes=90)
    assert quote("community", "15:00", "15:30", earlier=used).total.amount_minor == 0
    assert quote("community", "15:00", "15:31", earlier=used).total.amount_minor == 100
    spent = EarlierToday(visits=2, free_minutes=120)
    assert quote("community", "15:00", "15:01", earlier=spent).total.amount_minor == 100
    again = EarlierToday(visits=1)
    assert quote("library", "09:00", "10:00", earlier=again).total.amount_minor == 400


def test_years_whose_holidays_are_unknown_are_told() -> None:
    fee = quote("shenzhen-workdays", "2031-10-01 10:00", "2031-10-01 11:00")
    assert fee.total.amount_minor == 1500
    assert fee.lines[-1].code == "calendar_unknown"
    assert "2031" in fee.lines[-1].text_en


def test_days_have_all_their_words() -> None:
    assert day_words(CHINA, date(2023, 1, 22)) == {"sun", "holiday", "rest_day", "spring_festival"}
    assert day_words(CHINA, date(2023, 1, 28)) == {"sat", "workday", "makeup_day"}
    assert day_words(WEEK, date(2023, 1, 22)) == {"sun", "rest_day"}
    assert not CHINA.knows(date(2031, 1, 1))
    assert WEEK.knows(date(2031, 1, 1))
    fair = WEEK.with_holidays([date(2026, 3, 2)])
    assert day_words(fair, date(2026, 3, 2)) == {"mon", "holiday", "rest_day"}
    open_day = CHINA.with_holidays([date(2026, 2, 28)])
    assert day_words(open_day, date(2026, 2, 28)) == {"sat", "holiday", "rest_day"}
    with pytest.raises(UnknownCalendarError):
        calendar_named("mars")


def test_a_calendar_may_be_handed_in() -> None:
    rates = gallery("shenzhen-workdays")
    ready = compile_tariff(rates, calendar=WEEK)
    came = at("2026-10-01 10:00")
    fee = assess(entered_at=came, left_at=came + timedelta(hours=1), tariff=ready, colour=BLUE)
    assert fee.total.amount_minor == 1500


def test_passes_and_rights_that_there_are_not() -> None:
    with pytest.raises(RightNotOfferedError, match="two-hours"):
        granted("mall", "gold")
    day = date(2026, 3, 1)
    with pytest.raises(NoMonthlyPriceError):
        pass_price(offer=granted("mall", "half").offer, first_day=day, last_day=day)
    monthly = granted("community", "monthly").offer
    with pytest.raises(PassEndsBeforeItBeginsError):
        pass_price(offer=monthly, first_day=day, last_day=day - timedelta(days=1))


def test_the_next_step_of_a_price_is_the_second_at_which_it_changes() -> None:
    rates = gallery("hangzhou-core")
    step = next_price_step(entered_at=at("09:00"), now=at("09:10"), tariff=rates, colour=BLUE)
    assert step.fee.total.amount_minor == 500
    assert step.steps_at == at("09:31")
    assert step.then is not None
    assert step.then.amount_minor == 1000
    night = next_price_step(
        entered_at=at("09:00"), now=at("19:59"), tariff=compile_tariff(rates), colour=BLUE
    )
    assert night.steps_at == at("2026-03-03 08:01")
    flat = gallery("stadium")
    came = at("2026-12-05 16:00")
    assert next_price_step(entered_at=came, now=came, tariff=flat, colour=BLUE).steps_at == (
        came + timedelta(minutes=1)
    )
    later = came + timedelta(hours=1)
    paid_for = next_price_step(entered_at=came, now=later, tariff=flat, colour=BLUE)
    assert paid_for.steps_at is None
    assert paid_for.then is None


@pytest.mark.parametrize(
    ("name", "entered", "codes"),
    [
        ("stadium", "2026-12-05 16:00", ["event_price"]),
        ("stadium", "2026-12-05 09:00", []),
        ("hangzhou-core", "2026-03-02 09:00", ["no_cap"]),
        ("hangzhou-core", "2026-02-17 09:00", []),
        ("office", "2026-03-02 09:00", []),
        ("new-york-core-passenger", "2026-03-02 09:00", ["no_cap"]),
        ("stoke", "2026-03-02 09:00", []),
    ],
)
def test_drivers_are_warned_at_the_entry(name: str, entered: str, codes: list[str]) -> None:
    rates = gallery(name)
    for ready in (rates, compile_tariff(rates)):
        notices = entry_notices(entered_at=at(entered), tariff=ready, colour=BLUE)
        assert [notice.code for notice in notices] == codes


def test_a_right_that_would_split_a_unit_is_not_used() -> None:
    came = at("2026-03-02 17:50")
    left = came + timedelta(minutes=60)
    nights = granted("community", "nights")
    short = msgspec.structs.replace(
        nights, valid_from=at("2026-03-02 18:10"), valid_until=at("2026-03-02 18:15")
    )
    rates = msgspec.structs.replace(gallery("community"), free=None)
    with_right, without = (
        assess(entered_at=came, left_at=left, tariff=rates, colour=BLUE, rights=rights)
        for rights in ((short,), ())
    )
    assert with_right == without
    assert without.total.amount_minor == 100

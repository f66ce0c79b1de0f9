"""The demo's story agrees with itself: its fees are right by two other ways of working them out."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from parking.core.events import PlateColour
from parking.core.lookalike import is_lookalike
from parking.core.plate import normalise_plate
from parking.core.pricing import assess
from parking.core.tariff_document import tariff_from_data
from portal.demo.city import LOTS, expected_fee_minor
from portal.demo.story import STORY_CARS, Fate, demo_day, write

DAY = date(2026, 11, 22)


def test_each_fee_is_what_the_tariff_gives() -> None:
    for told in write(day=DAY, cars=STORY_CARS, seed=1):
        if told.fee_minor is None:
            continue
        fee = assess(
            entered_at=told.entered_at,
            left_at=told.left_at,
            tariff=tariff_from_data(told.lot.tariff),
            colour=PlateColour(told.colour),
        )
        assert fee.total.amount_minor == told.fee_minor, told


@given(lot=st.sampled_from(LOTS), minutes=st.integers(0, 12 * 60 - 1))
def test_the_rule_in_plain_words_is_the_tariff(lot: object, minutes: int) -> None:
    entered_at = datetime(2026, 11, 22, tzinfo=UTC)  # 08:00 on the lots' clock
    left_at = datetime.fromtimestamp(entered_at.timestamp() + 60 * minutes, tz=UTC)
    fee = assess(
        entered_at=entered_at,
        left_at=left_at,
        tariff=tariff_from_data(lot.tariff),  # type: ignore[attr-defined]
        colour=PlateColour.BLUE,
    )
    assert fee.total.amount_minor == expected_fee_minor(lot, minutes)  # type: ignore[arg-type]


@given(cars=st.integers(5, 60), seed=st.integers(0, 5))
def test_every_story_has_the_unhappy_ones_and_no_car_twice_at_once(cars: int, seed: int) -> None:
    story = write(day=DAY, cars=cars, seed=seed)
    fates = {told.fate for told in story}
    assert fates >= {
        Fate.UNBOUND,
        Fate.RECOVERED,
        Fate.CONFIRMED,
        Fate.MISSED_EXIT,
        Fate.BY_HAND,
    }
    for told in story:
        assert normalise_plate(told.plate) == told.plate
        assert told.entered_at < told.left_at
        assert told.entered_at.date() == told.left_at.date() == DAY
        inside = [each for each in story if each.plate == told.plate and each is not told]
        assert all(
            each.left_at <= told.entered_at or each.entered_at >= told.left_at for each in inside
        )


def test_the_dirty_plate_is_one_lookalike_off() -> None:
    (told,) = (each for each in write(day=DAY, cars=5, seed=1) if each.entry_shows)
    assert is_lookalike(told.plate, told.entry_shows or "")


def test_the_demo_day_is_over_on_the_lots_clock() -> None:
    assert demo_day(datetime(2026, 11, 23, 15, 59, tzinfo=UTC)) == date(2026, 11, 22)
    assert demo_day(datetime(2026, 11, 23, 16, 0, tzinfo=UTC)) == date(2026, 11, 23)

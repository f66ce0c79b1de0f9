"""The worked cases that published rules come with, priced from the gallery's documents.

S: the total is the source's own. R: the rule is sourced, the total was worked out by hand.
"""

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from parking.core.events import PlateColour
from parking.core.pass_price import pass_price
from parking.core.pricing import assess
from parking.core.right import Right, offer_named
from parking.core.stay_fee import PlateAccount, stay_fee
from parking.core.tariff_document import decode_toml, tariffs_from_data
from parking.core.tariff_versions import versions_of
from parking.core.vehicle import VehicleKind
from tests.core.fee_facts import known, paid_before_leaving
from tests.core.tariffs import GALLERY, gallery

SMALL, LARGE, MOTORCYCLE = VehicleKind.SMALL, VehicleKind.LARGE, VehicleKind.MOTORCYCLE
MONDAY, TUESDAY = "2026-03-02", "2026-03-03"

# Mark and rule, tariff, vehicle, entered, left, total in minor units.
CASES = [
    ("S New York passenger 2 h", "new-york-core-passenger", SMALL, "10:00", "12:00", 1450),
    ("S New York commercial 3 h", "new-york-core-commercial", SMALL, "10:00", "13:00", 2100),
    ("S Singapore coupon", "singapore-coupon", SMALL, "19:35", "20:35", 120),
    ("S Singapore whole day", "singapore-outside", SMALL, "07:00", "22:30", 1200),
    ("S Stoke 3 h 30", "stoke", SMALL, "10:00", "13:30", 440),
    ("S Stoke 1 h", "stoke", SMALL, "10:00", "11:00", 140),
    ("S Stoke 2 h", "stoke", SMALL, "10:00", "12:00", 280),
    ("S Stoke 3 h", "stoke", SMALL, "10:00", "13:00", 420),
    ("S Stoke from 16:00", "stoke", SMALL, "16:00", "23:00", 450),
    ("S Stoke from 17:00", "stoke", SMALL, "17:59", "23:00", 400),
    ("S Stoke from 18:00", "stoke", SMALL, "18:00", "23:00", 350),
    ("S Stoke from 19:00", "stoke", SMALL, "19:10", "23:00", 300),
    (
        "S Hangzhou, Spring Festival",
        "hangzhou-core",
        SMALL,
        "2023-01-22 09:00",
        "2023-01-22 18:00",
        0,
    ),
    ("R Hangzhou core 25 min", "hangzhou-core", SMALL, "09:00", "09:25", 500),
    ("R Hangzhou core 60 min", "hangzhou-core", SMALL, "09:00", "10:00", 1000),
    ("R Hangzhou core 100 min", "hangzhou-core", SMALL, "09:00", "10:40", 2200),
    ("R Hangzhou class 2", "hangzhou-class-2", SMALL, "09:00", "11:00", 1000),
    ("R Hangzhou class 1 large", "hangzhou-class-1", LARGE, "09:00", "10:30", 2000),
    ("R Hangzhou class 1 small", "hangzhou-class-1", SMALL, "09:00", "10:30", 1000),
    ("R Hangzhou old 20 min", "hangzhou-class-1-before-2020", SMALL, "09:00", "09:20", 600),
    ("R Hangzhou old 70 min", "hangzhou-class-1-before-2020", SMALL, "09:00", "10:10", 900),
    ("R Hangzhou old 150 min", "hangzhou-class-1-before-2020", SMALL, "09:00", "11:30", 1500),
    (
        "R Hangzhou old night",
        "hangzhou-class-1-before-2020",
        SMALL,
        f"{MONDAY} 20:00",
        f"{TUESDAY} 08:00",
        400,
    ),
    (
        "R Hangzhou old motorcycle 150 min",
        "hangzhou-class-1-before-2020",
        MOTORCYCLE,
        "09:00",
        "11:30",
        750,
    ),
    ("R Singapore central, Monday", "singapore-central", SMALL, "16:00", "17:45", 360),
    ("R Guangzhou 6 h", "guangzhou", SMALL, "09:00", "15:00", 1500),
    ("R Guangzhou 25 h", "guangzhou", SMALL, f"{MONDAY} 09:00", f"{TUESDAY} 10:00", 1800),
    ("R Chengdu 2 h 30", "chengdu", SMALL, "09:00", "11:30", 400),
]


def at(text: str, zone: str = "Asia/Shanghai") -> datetime:
    """A time of that Monday, or a date and time."""
    shown = text if " " in text else f"{MONDAY} {text}"
    return datetime.fromisoformat(shown).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("name", "vehicle", "entered", "left", "expected"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
def test_published_cases(
    name: str, vehicle: VehicleKind, entered: str, left: str, expected: int
) -> None:
    rates = gallery(name)
    fee = assess(
        entered_at=at(entered, rates.zone),
        left_at=at(left, rates.zone),
        tariff=rates,
        colour=PlateColour.UNKNOWN,
        vehicle=vehicle,
    )
    assert fee.total.amount_minor == expected
    assert sum(line.amount_minor for line in fee.lines) == expected


def test_a_yellow_plate_tells_a_large_vehicle_where_no_kind_is_known() -> None:
    rates = gallery("hangzhou-class-1")
    fee = assess(
        entered_at=at("09:00"), left_at=at("10:30"), tariff=rates, colour=PlateColour.YELLOW
    )
    assert fee.total.amount_minor == 2000


def test_r_hangzhou_core_with_a_citizen_card() -> None:
    rates = gallery("hangzhou-core")
    fee = assess(
        entered_at=at("09:00"),
        left_at=at("10:00"),
        tariff=rates,
        colour=PlateColour.BLUE,
        rights=(Right(offer=offer_named(rates.rights, "citizen-card")),),
    )
    assert fee.total.amount_minor == 800
    assert [(line.code, line.amount_minor) for line in fee.lines] == [
        ("rate", 1000),
        ("right:citizen-card", -200),
    ]


@pytest.mark.parametrize(
    ("first_day", "last_day", "expected"),
    [
        pytest.param(date(2021, 10, 1), date(2021, 10, 15), 14516, id="S half of October"),
        pytest.param(date(2021, 10, 15), date(2021, 11, 15), 31452, id="S over two months"),
        pytest.param(date(2024, 2, 1), date(2024, 2, 29), 30000, id="R a whole month"),
    ],
)
def test_a_monthly_pass_pro_rata(first_day: date, last_day: date, expected: int) -> None:
    offer = offer_named(gallery("community").rights, "monthly")
    months = pass_price(offer=offer, first_day=first_day, last_day=last_day)
    assert sum(month.amount_minor for month in months) == expected
    assert months[0].first_day == first_day
    assert months[-1].last_day == last_day


@pytest.mark.parametrize(
    ("left", "due"),
    [
        pytest.param("11:33", 0, id="R paid at t, leaves t+9"),
        pytest.param("11:34", 0, id="R paid at t, leaves t+10"),
        pytest.param("11:35", 200, id="R paid at t, leaves t+11"),
    ],
)
def test_grace_after_paying(left: str, due: int) -> None:
    rates = versions_of([gallery("mall")])
    stay = known(at("09:25"), at(left))
    paid = paid_before_leaving(stay, at("11:24"), 1000)
    fee = stay_fee(stay, versions_of=lambda _: rates, account=PlateAccount(facts=[paid]))
    assert fee.total.amount_minor == due


@pytest.mark.parametrize("path", sorted(GALLERY.glob("*.toml")), ids=lambda path: path.stem)
def test_the_gallery_is_in_order(path: Path) -> None:
    for version in tariffs_from_data(decode_toml(path.read_text(encoding="utf-8"))):
        assert version.tariff_id == path.stem

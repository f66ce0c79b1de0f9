"""The worked cases that published rules come with, priced from documents.

S: the total is the source's own. R: the rule is sourced, the total was worked out by hand.
"""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from parking.core.events import PlateColour
from parking.core.pricing import assess
from parking.core.tariff import Caps, FlatRate, NoCharge, Rate, Tariff
from parking.core.tariff_document import read_tariff_toml
from tests.core.tariffs import GALLERY, all_day, gallery, tariff, units, window

BLUE, YELLOW = PlateColour.BLUE, PlateColour.YELLOW


def charged_8_to_20(rate: Rate, night: Rate | None = None) -> Tariff:
    return tariff(window("08:00", "20:00", rate), window("20:00", "08:00", night or NoCharge()))


NEW_YORK_PASSENGER = tariff(
    *all_day(units((550, 60, 60), (900, 60))), zone="America/New_York", currency="USD"
)
NEW_YORK_COMMERCIAL = tariff(
    *all_day(units((600, 60, 60), (700, 60, 60), (800, 60))),
    zone="America/New_York",
    currency="USD",
)
SINGAPORE_COUPON = tariff(*all_day(units((60, 30))), zone="Asia/Singapore", currency="SGD")
SINGAPORE_DAY = tariff(
    window("07:00", "22:30", units((60, 30))),
    window("22:30", "07:00", NoCharge()),
    zone="Asia/Singapore",
    currency="SGD",
    caps=Caps(calendar_day_minor=1200),
)
SINGAPORE_CENTRAL = tariff(
    window("07:00", "17:00", units((120, 30))),
    window("17:00", "07:00", units((60, 30))),
    zone="Asia/Singapore",
    currency="SGD",
)
STOKE_DAYTIME = tariff(
    *all_day(units((140, 60, 60), (140, 60, 60), (140, 60, 60), (20, 60, 60), (0, 60))),
    zone="Europe/London",
    currency="GBP",
)
HANGZHOU_CLASS_2 = charged_8_to_20(units((200, 30, 60), (300, 30)))
HANGZHOU_BEFORE_2020 = charged_8_to_20(units((600, 60, 60), (300, 30)), FlatRate(price_minor=400))
HANGZHOU_CORE = gallery("hangzhou-core")
HANGZHOU_CLASS_1 = gallery("hangzhou-class-1")
GUANGZHOU = gallery("guangzhou")
CHENGDU = gallery("chengdu")


@pytest.mark.parametrize(
    ("rates", "colour", "from_time", "until_time", "expected"),
    [
        pytest.param(NEW_YORK_PASSENGER, BLUE, "02 10:00", "02 12:00", 1450, id="S New York 2 h"),
        pytest.param(
            NEW_YORK_COMMERCIAL, BLUE, "02 10:00", "02 13:00", 2100, id="S New York commercial 3 h"
        ),
        pytest.param(SINGAPORE_COUPON, BLUE, "02 19:35", "02 20:35", 120, id="S Singapore coupon"),
        pytest.param(
            SINGAPORE_DAY, BLUE, "02 07:00", "02 22:30", 1200, id="S Singapore whole day capped"
        ),
        pytest.param(STOKE_DAYTIME, BLUE, "02 10:00", "02 13:30", 440, id="S Stoke 3 h 30"),
        pytest.param(HANGZHOU_CORE, BLUE, "02 09:00", "02 09:25", 500, id="R Hangzhou core 25"),
        pytest.param(HANGZHOU_CORE, BLUE, "02 09:00", "02 10:00", 1000, id="R Hangzhou core 60"),
        pytest.param(HANGZHOU_CORE, BLUE, "02 09:00", "02 10:40", 2200, id="R Hangzhou core 100"),
        pytest.param(HANGZHOU_CLASS_2, BLUE, "02 09:00", "02 11:00", 1000, id="R Hangzhou class 2"),
        pytest.param(
            HANGZHOU_CLASS_1, YELLOW, "02 09:00", "02 10:30", 2000, id="R Hangzhou class 1 large"
        ),
        pytest.param(
            HANGZHOU_CLASS_1, BLUE, "02 09:00", "02 10:30", 1000, id="R Hangzhou class 1 small"
        ),
        pytest.param(
            HANGZHOU_BEFORE_2020, BLUE, "02 09:00", "02 09:20", 600, id="R Hangzhou old 20"
        ),
        pytest.param(
            HANGZHOU_BEFORE_2020, BLUE, "02 09:00", "02 10:10", 900, id="R Hangzhou old 70"
        ),
        pytest.param(
            HANGZHOU_BEFORE_2020, BLUE, "02 09:00", "02 11:30", 1500, id="R Hangzhou old 150"
        ),
        pytest.param(
            HANGZHOU_BEFORE_2020, BLUE, "02 20:00", "03 08:00", 400, id="R Hangzhou old night"
        ),
        pytest.param(
            SINGAPORE_CENTRAL, BLUE, "02 16:00", "02 17:45", 360, id="R Singapore central"
        ),
        pytest.param(GUANGZHOU, BLUE, "02 09:00", "02 15:00", 1500, id="R Guangzhou 6 h"),
        pytest.param(GUANGZHOU, BLUE, "02 09:00", "03 10:00", 1800, id="R Guangzhou 25 h"),
        pytest.param(CHENGDU, BLUE, "02 09:00", "02 11:30", 400, id="R Chengdu 2 h 30"),
    ],
)
def test_published_cases(
    rates: Tariff, colour: PlateColour, from_time: str, until_time: str, expected: int
) -> None:
    zone = ZoneInfo(rates.zone)
    entered_at, left_at = (
        datetime.strptime(f"2026-03-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=zone)
        for text in (from_time, until_time)
    )
    fee = assess(entered_at=entered_at, left_at=left_at, tariff=rates, colour=colour)
    assert fee.total.amount_minor == expected
    assert sum(line.amount_minor for line in fee.lines) == expected


@pytest.mark.parametrize("path", sorted(GALLERY.glob("*.toml")), ids=lambda path: path.stem)
def test_the_gallery_is_in_order(path: Path) -> None:
    assert read_tariff_toml(path.read_text(encoding="utf-8")).tariff_id == path.stem

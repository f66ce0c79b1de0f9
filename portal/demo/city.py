"""The demo's small city: two operators, three lots with a way in and a way out, three tariffs.

The tariffs are of kinds that Chinese cities publish. `expected_fee_minor` states each lot's rule a
second time, in the plainest words that daytime stays need, so that the demo checks the product's
pricing by something that is not the product.
"""

from dataclasses import dataclass, field
from typing import Any, Final

ZONE: Final = "Asia/Shanghai"
IN_LANE: Final = "in"
OUT_LANE: Final = "out"
_FREE_MINUTES: Final = 15
DEVICE: Final = "gate-box"


@dataclass(frozen=True, kw_only=True)
class DemoOperator:
    """Who runs lots."""

    operator_id: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, kw_only=True)
class DemoLot:
    """A lot with its price list."""

    lot_id: str
    operator_id: str
    name_zh: str
    name_en: str
    spaces: int
    tariff: dict[str, Any] = field(repr=False)


def _units(*steps: tuple[int, int, int | None]) -> dict[str, Any]:
    """A rate by units: price in fen, minutes of a unit, minutes that the step lasts."""
    return {
        "type": "units",
        "steps": [
            {"price_minor": price, "unit_minutes": unit}
            | ({} if lasts is None else {"lasts_minutes": lasts})
            for price, unit, lasts in steps
        ],
    }


def _window(from_time: str, until_time: str, rate: dict[str, Any]) -> dict[str, Any]:
    return {"from": from_time, "until": until_time, "rate": rate}


OPERATORS: Final = (
    DemoOperator(operator_id="west-lake", name_zh="西湖停车", name_en="West Lake Parking"),
    DemoOperator(operator_id="qiantang", name_zh="钱塘泊车", name_en="Qiantang Parking"),
)

WULIN: Final = DemoLot(
    lot_id="wulin-square",
    operator_id="west-lake",
    name_zh="武林广场",
    name_en="Wulin Square",
    spaces=12,
    tariff={
        "tariff_id": "core-half-hours",
        "version": 1,
        "name_zh": "核心区半小时计费",
        "name_en": "Core area by the half-hour",
        "zone": ZONE,
        "windows": [
            _window("08:00", "20:00", _units((500, 30, 60), (600, 30, None))),
            _window("20:00", "08:00", {"type": "flat", "price_minor": 400, "per": "window"}),
        ],
        "source": "Hangzhou, core area, small cars: 5 a half-hour in the first hour, then 6",
    },
)
LONGXIANG: Final = DemoLot(
    lot_id="longxiang-bridge",
    operator_id="west-lake",
    name_zh="龙翔桥",
    name_en="Longxiang Bridge",
    spaces=8,
    tariff={
        "tariff_id": "three-an-hour",
        "version": 1,
        "name_zh": "每小时三元，封顶十五元",
        "name_en": "3 an hour, at most 15 in 24 hours",
        "zone": ZONE,
        "windows": [_window("00:00", "24:00", _units((300, 60, None)))],
        "caps": {"rolling_24h_minor": 1500},
        "source": "Guangzhou: 3 per hour, at most 15 in 24 h",
    },
)
STATION: Final = DemoLot(
    lot_id="city-station",
    operator_id="qiantang",
    name_zh="城站",
    name_en="City Station",
    spaces=10,
    tariff={
        "tariff_id": "first-hour-two",
        "version": 1,
        "name_zh": "首小时两元，一刻钟内免费",
        "name_en": "First hour 2, then 1 an hour; 15 minutes free",
        "zone": ZONE,
        "windows": [_window("00:00", "24:00", _units((200, 60, 60), (100, 60, None)))],
        "free": {"minutes": 15, "kind": "threshold"},
        "source": "Chengdu: first hour 2, 15 min free, then 1 per hour",
    },
)
LOTS: Final = (WULIN, LONGXIANG, STATION)


def expected_fee_minor(lot: DemoLot, minutes: int) -> int:
    """The fee in fen of a stay between 08:00 and 20:00, by the lot's rule in plain words."""
    halves, hours = -(-minutes // 30), -(-minutes // 60)
    if lot is WULIN:
        return 500 * min(halves, 2) + 600 * max(halves - 2, 0)
    if lot is LONGXIANG:
        return min(300 * hours, 1500)
    return 0 if minutes <= _FREE_MINUTES else 200 + 100 * max(hours - 1, 0)

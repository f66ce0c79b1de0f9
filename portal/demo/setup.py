"""Setting the demo's city up over the HTTP API: operators, tariffs, lots, lanes, devices, keys."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.demo.city import DEVICE, IN_LANE, LOTS, OPERATORS, OUT_LANE, ZONE, DemoLot
from portal.demo.http import Api

_TARIFF_DAYS_BEFORE = 30


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys that were handed out, each shown once."""

    devices: dict[str, str]
    """By lot."""
    operators: dict[str, str]


async def set_up(admin: Api, *, day: date) -> Keys:
    """Register the whole city and hand out a key for each gate box and each operator."""
    for operator in OPERATORS:
        await admin.put(
            f"/v1/operators/{operator.operator_id}",
            {"name_zh": operator.name_zh, "name_en": operator.name_en},
        )
    from_day = day - timedelta(days=_TARIFF_DAYS_BEFORE)
    effective_from = datetime.combine(from_day, time(), tzinfo=ZoneInfo(ZONE))
    for lot in LOTS:
        await _set_up_lot(admin, lot, effective_from=effective_from)
    return Keys(
        devices={lot.lot_id: await _device_key(admin, lot) for lot in LOTS},
        operators={
            each.operator_id: await _operator_key(admin, each.operator_id) for each in OPERATORS
        },
    )


async def _set_up_lot(admin: Api, lot: DemoLot, *, effective_from: datetime) -> None:
    tariff = lot.tariff
    await admin.put(
        f"/v1/tariffs/{tariff['tariff_id']}/versions/{tariff['version']}",
        {"effective_from": effective_from.isoformat(), "tariff": tariff},
    )
    await admin.put(
        f"/v1/lots/{lot.lot_id}",
        {
            "operator_id": lot.operator_id,
            "name_zh": lot.name_zh,
            "name_en": lot.name_en,
            "zone": ZONE,
            "spaces": lot.spaces,
            "tariff_id": tariff["tariff_id"],
        },
    )
    lanes = ((IN_LANE, "entry", "入口"), (OUT_LANE, "exit", "出口"))
    for lane_id, direction, name in lanes:
        await admin.put(
            f"/v1/lots/{lot.lot_id}/lanes/{lane_id}", {"direction": direction, "name": name}
        )
    await admin.put(f"/v1/lots/{lot.lot_id}/devices/{DEVICE}", {"name": "岗亭工控机"})


async def _device_key(admin: Api, lot: DemoLot) -> str:
    made = await admin.post(f"/v1/lots/{lot.lot_id}/devices/{DEVICE}/keys", {})
    return str(made["key"])


async def _operator_key(admin: Api, operator_id: str) -> str:
    made = await admin.post(f"/v1/operators/{operator_id}/keys", {})
    return str(made["key"])

"""Operators, lots, lanes, devices and tariffs in the database."""

from collections.abc import Collection
from datetime import datetime

import asyncpg
import msgspec

from parking.core.ids import LotId, OperatorId, TariffId
from parking.core.place import Device, Lane, LaneDirection, Lot, Operator, Position, StayRules
from parking.core.vehicle import VehicleKind
from parking.db.pool import Connection

_LOT = """
select l.*,
  (select coalesce(jsonb_object_agg(lane_id, direction), '{}')
     from parking.lane where lot_id = l.lot_id)::text as lanes,
  array(select device_id from parking.device where lot_id = l.lot_id) as devices
from parking.lot l where lot_id = $1
"""
_TARIFFS = """
select tariff_id, version, effective_from, document::text as document
from parking.tariff_version where tariff_id = any($1::text[])
order by tariff_id, effective_from, version
"""
_PUT_OPERATOR = """
insert into parking.operator (operator_id, name_zh, name_en) values ($1, $2, $3)
on conflict (operator_id) do update set name_zh = $2, name_en = $3
returning (xmax = 0)
"""
_PUT_LOT = """
insert into parking.lot
  (lot_id, operator_id, name_zh, name_en, zone, spaces, tariff_id, rules, class_spaces, latitude,
   longitude)
values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb, $10, $11)
on conflict (lot_id) do update set
  name_zh = $3, name_en = $4, zone = $5, spaces = $6, tariff_id = $7, rules = $8::jsonb,
  class_spaces = $9::jsonb, latitude = $10, longitude = $11
returning (xmax = 0)
"""
_PUT_LANE = """
insert into parking.lane (lot_id, lane_id, direction, name) values ($1, $2, $3, $4)
on conflict (lot_id, lane_id) do update set direction = $3, name = $4
returning (xmax = 0)
"""
_PUT_DEVICE = """
insert into parking.device (lot_id, device_id, name) values ($1, $2, $3)
on conflict (lot_id, device_id) do update set name = $3
returning (xmax = 0)
"""
_LANES_DECODER = msgspec.json.Decoder(dict[str, LaneDirection])
_RULES_DECODER = msgspec.json.Decoder(StayRules)
_SPACES_DECODER = msgspec.json.Decoder(dict[VehicleKind, int])


class LotRow(msgspec.Struct, frozen=True, kw_only=True):
    """A lot with what belongs to it."""

    lot: Lot
    lanes: dict[str, LaneDirection]
    devices: frozenset[str]


class TariffRow(msgspec.Struct, frozen=True, kw_only=True):
    """One stored version of a tariff; `document` is its JSON."""

    tariff_id: TariffId
    version: int
    effective_from: datetime
    document: str


async def lot_row(connection: Connection, lot_id: LotId) -> LotRow | None:
    """One lot with its lanes and devices."""
    row = await connection.fetchrow(_LOT, lot_id)
    if row is None:
        return None
    return LotRow(
        lot=lot_of(row),
        lanes=_LANES_DECODER.decode(row["lanes"]),
        devices=frozenset(row["devices"]),
    )


def lot_of(row: asyncpg.Record) -> Lot:
    """A lot out of a row of `parking.lot`."""
    return Lot(
        lot_id=row["lot_id"],
        operator_id=row["operator_id"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        zone=row["zone"],
        spaces=row["spaces"],
        tariff_id=row["tariff_id"],
        rules=_RULES_DECODER.decode(row["rules"]),
        class_spaces=_SPACES_DECODER.decode(row["class_spaces"]),
        position=_position_of(row),
    )


def _position_of(row: asyncpg.Record) -> Position | None:
    if row["latitude"] is None or row["longitude"] is None:
        return None
    return Position(latitude=row["latitude"], longitude=row["longitude"])


async def tariff_rows(
    connection: Connection, tariff_ids: Collection[TariffId]
) -> tuple[TariffRow, ...]:
    """All versions of some tariffs, the earliest first."""
    rows = await connection.fetch(_TARIFFS, list(tariff_ids))
    return tuple(TariffRow(**row) for row in rows)


async def put_operator(connection: Connection, operator: Operator) -> bool:
    """Create or rename an operator; True when it is new."""
    return bool(
        await connection.fetchval(
            _PUT_OPERATOR, operator.operator_id, operator.name_zh, operator.name_en
        )
    )


async def put_lot(connection: Connection, lot: Lot) -> bool:
    """Create or change a lot (its operator stays); True when it is new."""
    return bool(
        await connection.fetchval(
            _PUT_LOT,
            lot.lot_id,
            lot.operator_id,
            lot.name_zh,
            lot.name_en,
            lot.zone,
            lot.spaces,
            lot.tariff_id,
            msgspec.json.encode(lot.rules).decode(),
            msgspec.json.encode(lot.class_spaces).decode(),
            None if lot.position is None else lot.position.latitude,
            None if lot.position is None else lot.position.longitude,
        )
    )


async def put_lane(connection: Connection, lane: Lane) -> bool:
    """Create or change a lane; True when it is new."""
    return bool(
        await connection.fetchval(
            _PUT_LANE, lane.lot_id, lane.lane_id, lane.direction.value, lane.name
        )
    )


async def put_device(connection: Connection, device: Device) -> bool:
    """Create or rename a device; True when it is new."""
    return bool(
        await connection.fetchval(_PUT_DEVICE, device.lot_id, device.device_id, device.name)
    )


async def insert_tariff_version(connection: Connection, row: TariffRow) -> bool:
    """Store a version; False when there is one of this number already."""
    await connection.execute(
        "insert into parking.tariff (tariff_id) values ($1) on conflict do nothing", row.tariff_id
    )
    stored = await connection.fetchval(
        """
        insert into parking.tariff_version (tariff_id, version, effective_from, document)
        values ($1, $2, $3, $4::jsonb) on conflict do nothing returning version
        """,
        row.tariff_id,
        row.version,
        row.effective_from,
        row.document,
    )
    return stored is not None


async def exists(connection: Connection, table: str, **keys: str) -> bool:
    """Say whether a row of `parking.<table>` with these keys is there."""
    where = " and ".join(f"{name} = ${place}" for place, name in enumerate(keys, start=1))
    sql = f"select exists (select from parking.{table} where {where})"  # noqa: S608 - our own names
    return bool(await connection.fetchval(sql, *keys.values()))


async def operator_of_lot(connection: Connection, lot_id: LotId) -> OperatorId | None:
    """Who runs the lot."""
    found: OperatorId | None = await connection.fetchval(
        "select operator_id from parking.lot where lot_id = $1", lot_id
    )
    return found

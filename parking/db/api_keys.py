"""API keys in the database: never the key, only its SHA-256."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import msgspec

from parking.core.ids import DeviceId, LotId, OperatorId
from parking.db.pool import Connection

_FIND = """
select key_id, role, operator_id, lot_id, device_id from parking.api_key
where key_sha256 = $1 and revoked_at is null
"""
_INSERT = """
insert into parking.api_key (key_id, role, operator_id, lot_id, device_id, key_sha256, created_at)
values ($1, $2, $3, $4, $5, $6, $7) on conflict (key_sha256) do nothing
"""
_GET = "select key_id, role, operator_id, lot_id, device_id from parking.api_key where key_id = $1"
_REVOKE = """
update parking.api_key set revoked_at = coalesce(revoked_at, $2) where key_id = $1
returning key_id, role, operator_id, lot_id, device_id
"""


class Role(Enum):
    """What a key may do."""

    ADMIN = "admin"
    """Everything, for all operators."""
    OPERATOR = "operator"
    """See and decide what belongs to one operator's lots."""
    DEVICE = "device"
    """Post events of one lot."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key it is."""

    key_id: UUID
    role: Role
    operator_id: OperatorId | None = None
    lot_id: LotId | None = None
    device_id: DeviceId | None = None


async def find(connection: Connection, key_sha256: bytes) -> Principal | None:
    """The holder of a live key."""
    row = await connection.fetchrow(_FIND, key_sha256)
    return None if row is None else msgspec.convert(dict(row), Principal)


async def get(connection: Connection, key_id: UUID) -> Principal | None:
    """The holder of a key, revoked or not."""
    row = await connection.fetchrow(_GET, key_id)
    return None if row is None else msgspec.convert(dict(row), Principal)


async def insert(
    connection: Connection, principal: Principal, *, key_sha256: bytes, now: datetime
) -> None:
    """Store a key's hash; the same key again changes nothing."""
    await connection.execute(
        _INSERT,
        principal.key_id,
        principal.role.value,
        principal.operator_id,
        principal.lot_id,
        principal.device_id,
        key_sha256,
        now,
    )


async def revoke(connection: Connection, key_id: UUID, *, now: datetime) -> Principal | None:
    """End a key's life; None when there is no such key."""
    row = await connection.fetchrow(_REVOKE, key_id, now)
    return None if row is None else msgspec.convert(dict(row), Principal)

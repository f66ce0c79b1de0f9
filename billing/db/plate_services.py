"""Services that drivers have opened for plates at a provider, as rows.

A service counts while its driver has the plate bound: nothing has to end it when a plate goes.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from billing.db.connection import Connection, Row
from billing.registering import ServiceState
from parking.core.events import PlateColour
from parking.core.ids import AccountId
from parking.core.plate import Plate

_COLUMNS = """
s.service_id, s.account_id, s.gateway, s.plate, s.colour, s.customer_ref, s.state, s.block_reason
"""

_LIVE = """
FROM billing.plate_service AS s JOIN billing.plate_binding AS b
    ON b.plate = s.plate AND b.account_id = s.account_id AND b.ended_at IS NULL
WHERE s.ended_at IS NULL
"""

_OF_PLATES = f"SELECT {_COLUMNS} {_LIVE} AND s.plate = ANY($1::text[])"

_OF_ACCOUNT = f"SELECT {_COLUMNS} {_LIVE} AND s.account_id = $1 ORDER BY s.bound_at"

_END = """
UPDATE billing.plate_service SET ended_at = greatest($3, bound_at)
WHERE plate = $1 AND gateway = $2 AND ended_at IS NULL
"""

_INSERT = """
INSERT INTO billing.plate_service (service_id, account_id, gateway, plate, colour, customer_ref,
    state, bound_at, checked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
"""

_FOLLOW = """
UPDATE billing.plate_service SET state = $2, block_reason = $3, checked_at = $4
WHERE service_id = $1 AND ended_at IS NULL
"""

_LET_GO = """
UPDATE billing.plate_service SET ended_at = greatest($4, bound_at)
WHERE plate = $1 AND gateway = $2 AND account_id = $3 AND ended_at IS NULL RETURNING service_id
"""


class ServiceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A service that an account has for one of its plates."""

    service_id: UUID
    account_id: AccountId
    gateway: str
    plate: Plate
    colour: PlateColour
    customer_ref: str
    state: ServiceState
    block_reason: str | None
    """Why the provider let its driver not pay later at the last entry, in its own word."""

    @property
    def pays_later(self) -> bool:
        """Whether stays go to it, as far as the provider has said."""
        return self.state is ServiceState.NORMAL and self.block_reason is None


def _read(row: Row) -> ServiceRow:
    return ServiceRow(
        service_id=row["service_id"],
        account_id=AccountId(row["account_id"]),
        gateway=row["gateway"],
        plate=Plate(row["plate"]),
        colour=PlateColour(row["colour"]),
        customer_ref=row["customer_ref"],
        state=ServiceState(row["state"]),
        block_reason=row["block_reason"],
    )


async def of_plates(db: Connection, plates: Collection[Plate]) -> dict[Plate, list[ServiceRow]]:
    """Find the services of plates."""
    result: dict[Plate, list[ServiceRow]] = {}
    for row in map(_read, await db.fetch(_OF_PLATES, list(plates))):
        result.setdefault(row.plate, []).append(row)
    return result


async def of_account(db: Connection, account_id: AccountId) -> list[ServiceRow]:
    """List an account's services."""
    return list(map(_read, await db.fetch(_OF_ACCOUNT, account_id)))


async def replace(db: Connection, service: ServiceRow, *, now: datetime) -> None:
    """Store a service; whatever there was for this plate at this provider is over."""
    await db.execute(_END, service.plate, service.gateway, now)
    await db.execute(
        _INSERT,
        service.service_id,
        service.account_id,
        service.gateway,
        service.plate,
        service.colour.value,
        service.customer_ref,
        service.state.value,
        now,
    )


async def follow(
    db: Connection,
    service_id: UUID,
    *,
    state: ServiceState,
    block_reason: str | None,
    now: datetime,
) -> None:
    """Store where the provider says that a service stands."""
    await db.execute(_FOLLOW, service_id, state.value, block_reason, now)


async def let_go(
    db: Connection, account_id: AccountId, plate: Plate, *, gateway: str, now: datetime
) -> bool:
    """End an account's service for a plate; False where there is none."""
    return await db.fetchval(_LET_GO, plate, gateway, account_id, now) is not None

"""Stays as they are registered with a provider, each stored exactly as it is sent."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from billing.core.gathering import Service
from billing.db.connection import Connection
from billing.gateway_request import GatewayRequest
from billing.registering import RegisteredStay
from parking.core.events import PlateColour
from parking.core.ids import AccountId, ObligationId, PaymentId, StayId
from parking.core.plate import Plate

_INSERT = """
INSERT INTO billing.stay_registration (registration_id, stay_id, gateway, service_id, lot_id,
    lot_name, entered_at, state, operation, parameters, due_at, created_at)
SELECT $1, $2, $3, $4, $5, $6, $7, 'prepared', $8, $9::text::json, $10, $10
-- A plate has one entry at a time: telling of an earlier one late would end the newer.
WHERE NOT EXISTS (SELECT FROM billing.stay_registration AS r
                  WHERE r.service_id = $4 AND r.entered_at > $7)
ON CONFLICT (stay_id, gateway) DO NOTHING
"""

_CLAIM = """
UPDATE billing.stay_registration AS r SET due_at = $4, sends = sends + 1, state = 'unknown'
WHERE registration_id IN (
    SELECT registration_id FROM billing.stay_registration
    WHERE gateway = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING registration_id, stay_id, service_id, operation, parameters::text AS parameters, sends,
    created_at
"""

_ANSWERED = """
UPDATE billing.stay_registration
SET state = $2, registration_ref = coalesce($3, registration_ref), detail = $4, due_at = NULL,
    answered_at = $5
WHERE registration_id = $1 AND state = 'unknown'
"""

_POSTPONE = """
UPDATE billing.stay_registration SET due_at = $2, detail = $3
WHERE registration_id = $1 AND state = 'unknown'
"""

# Asked again, the provider says where the entry stands now.
_POKE = """
UPDATE billing.stay_registration SET state = 'unknown', due_at = $2
WHERE registration_id = ANY($1::uuid[]) AND state IN ('unknown', 'registered', 'blocked')
"""

_SERVICES = """
SELECT o.obligation_id, r.gateway, s.customer_ref, r.state = 'registered' AS answered
FROM billing.obligation AS o
JOIN billing.stay_registration AS r ON r.stay_id = o.stay_id
JOIN billing.plate_service AS s
    ON s.service_id = r.service_id AND s.account_id = o.account_id AND s.plate = o.plate
WHERE o.obligation_id = ANY($1::uuid[]) AND r.state IN ('prepared', 'unknown', 'registered')
    AND r.gateway = ANY($2::text[])
"""

_CHARGED = """
SELECT r.registration_ref, s.plate, s.colour, r.lot_id, r.lot_name, r.entered_at, o.left_at
FROM billing.payment_allocation AS a
JOIN billing.obligation AS o USING (obligation_id)
JOIN billing.stay_registration AS r ON r.stay_id = o.stay_id AND r.gateway = $2
JOIN billing.plate_service AS s
    ON s.service_id = r.service_id AND s.account_id = o.account_id AND s.plate = o.plate
WHERE a.payment_id = $1 AND a.state = 'held' AND r.state = 'registered'
"""

_REFUSE = """
UPDATE billing.stay_registration SET state = 'refused', detail = $3
WHERE gateway = $2 AND state = 'registered' AND stay_id IN (
    SELECT o.stay_id FROM billing.payment_allocation AS a
    JOIN billing.obligation AS o USING (obligation_id) WHERE a.payment_id = $1)
"""

_ACCOUNT = """
SELECT account_id FROM billing.obligation WHERE stay_id = $1 AND account_id IS NOT NULL
"""


class NewRegistration(msgspec.Struct, frozen=True, kw_only=True):
    """A registration to be stored, as it will be sent."""

    registration_id: UUID
    stay_id: StayId
    gateway: str
    service_id: UUID
    lot_id: str
    lot_name: str
    entered_at: datetime
    request: GatewayRequest


class RegistrationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A registration that a worker has in hand."""

    registration_id: UUID
    stay_id: StayId
    service_id: UUID
    request: GatewayRequest
    sends: int
    created_at: datetime


async def insert(
    db: Connection, registrations: Sequence[NewRegistration], *, now: datetime
) -> None:
    """Store registrations; one that the stay has already stays as it is.

    A stay that began before one that is registered already is left out.
    """
    await db.executemany(
        _INSERT,
        [
            (
                each.registration_id,
                each.stay_id,
                each.gateway,
                each.service_id,
                each.lot_id,
                each.lot_name,
                each.entered_at,
                each.request.operation,
                each.request.parameters_json,
                now,
            )
            for each in sorted(registrations, key=lambda each: each.entered_at)
        ],
    )


async def claim_due(
    db: Connection, *, gateway: str, limit: int, lease_until: datetime, now: datetime
) -> list[RegistrationRow]:
    """Take registrations that are to be sent, under a lease."""
    return [
        RegistrationRow(
            registration_id=row["registration_id"],
            stay_id=StayId(row["stay_id"]),
            service_id=row["service_id"],
            request=GatewayRequest.stored(row["operation"], row["parameters"]),
            sends=row["sends"],
            created_at=row["created_at"],
        )
        for row in await db.fetch(_CLAIM, gateway, now, limit, lease_until)
    ]


async def answered(
    db: Connection,
    registration_id: UUID,
    *,
    state: str,
    registration_ref: str | None,
    detail: str,
    now: datetime,
) -> None:
    """Store what the provider said."""
    await db.execute(_ANSWERED, registration_id, state, registration_ref, detail, now)


async def postpone(db: Connection, registration_id: UUID, *, due_at: datetime, detail: str) -> None:
    """Have one sent again later: its answer was lost."""
    await db.execute(_POSTPONE, registration_id, due_at, detail)


async def poke(db: Connection, registration_ids: Sequence[UUID], *, now: datetime) -> None:
    """Have answered registrations asked about now."""
    await db.execute(_POKE, list(registration_ids), now)


async def services_of(
    db: Connection, obligation_ids: Collection[ObligationId], *, gateways: Collection[str]
) -> dict[ObligationId, Service]:
    """Say which obligations go to a service that their driver opened."""
    return {
        ObligationId(row["obligation_id"]): Service(
            gateway=row["gateway"], customer_ref=row["customer_ref"], answered=row["answered"]
        )
        for row in await db.fetch(_SERVICES, list(obligation_ids), list(gateways))
    }


async def charged(db: Connection, payment_id: PaymentId, *, gateway: str) -> RegisteredStay | None:
    """Read the registered stay that a payment is for; None where there is none any more."""
    row = await db.fetchrow(_CHARGED, payment_id, gateway)
    if row is None:
        return None
    return RegisteredStay(
        registration_ref=row["registration_ref"],
        plate=Plate(row["plate"]),
        colour=PlateColour(row["colour"]),
        lot_id=row["lot_id"],
        lot_name=row["lot_name"],
        entered_at=row["entered_at"],
        left_at=row["left_at"],
    )


async def refuse(db: Connection, payment_id: PaymentId, *, gateway: str, detail: str) -> None:
    """Charge a payment's stay in another way from now on."""
    await db.execute(_REFUSE, payment_id, gateway, detail)


async def account_of(db: Connection, stay_id: StayId) -> AccountId | None:
    """Say who owes for a stay, if it is known yet."""
    account_id: AccountId | None = await db.fetchval(_ACCOUNT, stay_id)
    return account_id

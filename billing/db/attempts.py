"""Attempts of payments: each stored exactly as it will be sent, before it is.

Whoever moves one holds its payment's row lock.
"""

from datetime import datetime

import msgspec

from billing.core.attempt import DeclineClass
from billing.db.connection import Connection
from billing.db.payments import PaymentRow
from billing.gateway_request import GatewayRequest
from parking.core.ids import PaymentId

_START_ATTEMPT = """
INSERT INTO billing.payment_attempt (payment_id, number, operation, parameters, idempotency_key,
    started_at, outcome)
VALUES ($1, $2, $3, $4::text::json, $5, $6, 'in_flight')
"""

_COUNT_ATTEMPT = """
UPDATE billing.payment SET state = 'in_flight', attempts = $2, due_at = $3, updated_at = $4
WHERE payment_id = $1
"""

_ATTEMPT = """
SELECT number, operation, parameters::text AS parameters, idempotency_key, started_at, sends,
       outcome
FROM billing.payment_attempt WHERE payment_id = $1 ORDER BY number DESC LIMIT 1
"""

_SENT_AGAIN = """
UPDATE billing.payment_attempt SET sends = sends + 1 WHERE payment_id = $1 AND number = $2
"""

_FINISH_ATTEMPT = """
UPDATE billing.payment_attempt
SET outcome = $3, decline_class = $4, decline_code = $5, detail = $6, finished_at = $7
WHERE payment_id = $1 AND number = $2
"""

_UNDECIDED = "in_flight", "unknown", "pending", "opened"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try with one key."""

    number: int
    request: GatewayRequest
    idempotency_key: str
    started_at: datetime
    sends: int
    undecided: bool
    """No definite outcome is known yet."""


async def start(
    db: Connection,
    payment: PaymentRow,
    request: GatewayRequest,
    *,
    idempotency_key: str,
    due_at: datetime,
    now: datetime,
) -> Attempt:
    """Store an attempt, exactly as it will be sent, before it is."""
    number = payment.attempts + 1
    await db.execute(
        _START_ATTEMPT,
        payment.payment_id,
        number,
        request.operation,
        request.parameters_json,
        idempotency_key,
        now,
    )
    await db.execute(_COUNT_ATTEMPT, payment.payment_id, number, due_at, now)
    return Attempt(
        number=number,
        request=request,
        idempotency_key=idempotency_key,
        started_at=now,
        sends=1,
        undecided=True,
    )


async def newest(db: Connection, payment_id: PaymentId) -> Attempt | None:
    """Read the newest attempt, exactly as it was sent."""
    row = await db.fetchrow(_ATTEMPT, payment_id)
    if row is None:
        return None
    return Attempt(
        number=row["number"],
        request=GatewayRequest.stored(row["operation"], row["parameters"]),
        idempotency_key=row["idempotency_key"],
        started_at=row["started_at"],
        sends=row["sends"],
        undecided=row["outcome"] in _UNDECIDED,
    )


async def count_send(db: Connection, payment_id: PaymentId, number: int) -> None:
    """Store, before sending an attempt again, that it is sent again."""
    await db.execute(_SENT_AGAIN, payment_id, number)


async def finish(
    db: Connection,
    payment_id: PaymentId,
    number: int,
    *,
    outcome: str,
    decline_class: DeclineClass | None = None,
    decline_code: str | None = None,
    detail: str = "",
    finished_at: datetime | None,
) -> None:
    """Store what came of an attempt."""
    decline = None if decline_class is None else decline_class.value
    await db.execute(
        _FINISH_ATTEMPT, payment_id, number, outcome, decline, decline_code, detail, finished_at
    )

"""What disputes keep from being collected, and how they look to an operator."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from billing.core.disputes import DisputeState
from billing.db.connection import Connection, Row
from parking.core.ids import AccountId, ObligationId, OperatorId, PaymentId, StayId

_UNCOLLECTABLE = """
SELECT DISTINCT a.obligation_id FROM billing.payment_allocation AS a
JOIN billing.dispute AS d USING (payment_id)
JOIN billing.payment AS p USING (payment_id)
JOIN billing.obligation AS o USING (obligation_id)
WHERE a.obligation_id = ANY($1::uuid[]) AND a.state = 'captured'
  AND (d.closed_at IS NULL OR (
    -- Another driver, whose stay it turned out to be, has lost nothing.
    d.state = 'lost' AND $2 AND coalesce(p.account_id = o.account_id, true)))
"""

_STAYS_OF = """
SELECT o.stay_id FROM billing.dispute AS d
JOIN billing.payment_allocation AS a USING (payment_id)
JOIN billing.obligation AS o USING (obligation_id)
WHERE d.dispute_id = $1 AND a.state = 'captured' ORDER BY o.stay_id
"""

_OF_ACCOUNT = """
SELECT EXISTS (SELECT FROM billing.dispute AS d JOIN billing.payment AS p USING (payment_id)
               WHERE p.account_id = $1 AND d.closed_at IS NULL)
"""

_STATES_OF_PAYMENT = "SELECT state FROM billing.dispute WHERE payment_id = $1"

_CALL_OFF_OF_ACCOUNT = """
UPDATE billing.payment SET state = 'abandoning', due_at = $2, updated_at = $2
WHERE account_id = $1 AND method = 'card' AND state IN ('ready', 'waiting', 'stopped')
"""

_LET_CARD_GO = """
UPDATE billing.payment_method SET ended_at = $2, detach_at = $2
WHERE account_id = $1 AND ended_at IS NULL
  AND gateway = (SELECT p.gateway FROM billing.payment AS p WHERE p.payment_id = $3)
  AND set_up_at <= (
    SELECT max(t.started_at) FROM billing.payment_attempt AS t WHERE t.payment_id = $3)
RETURNING payment_method_id
"""

_VIEWS = """
SELECT d.dispute_id, d.dispute_ref, d.state, d.reason, d.heard_at, d.answer_by, d.answered_at,
    d.closed_at, o.stay_id, o.plate, o.currency, a.amount_minor AS paid_minor,
    coalesce(l.lost_minor, 0) AS lost_minor, l.borne_by
FROM billing.dispute AS d
JOIN billing.payment_allocation AS a USING (payment_id)
JOIN billing.obligation AS o USING (obligation_id)
LEFT JOIN billing.dispute_part AS l USING (dispute_id, obligation_id)
"""

_OF_OPERATOR = f"""
{_VIEWS}
WHERE o.operator_id = $1 ORDER BY d.heard_at DESC, d.dispute_id, o.stay_id LIMIT $2
"""

_PARTS = f"""
{_VIEWS}
WHERE d.dispute_id = $1 AND ($2::text IS NULL OR o.operator_id = $2) ORDER BY o.left_at, o.stay_id
"""


class DisputeView(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute of a stay's payment, as its operator sees it. Sums in minor units."""

    dispute_id: UUID
    dispute_ref: str
    stay_id: StayId
    plate: str
    state: str
    reason: str
    currency: str
    paid_minor: int
    """What the disputed payment brought for this stay."""
    lost_minor: int
    borne_by: str | None
    """`operator` or `platform`, once something is lost."""
    heard_at: datetime
    answer_by: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None


async def live_among(db: Connection, obligation_ids: Collection[ObligationId]) -> set[ObligationId]:
    """Say of which obligations a payment is disputed now."""
    rows = await db.fetch(_UNCOLLECTABLE, list(obligation_ids), False)
    return {ObligationId(row["obligation_id"]) for row in rows}


async def uncollectable_among(
    db: Connection, obligation_ids: Collection[ObligationId]
) -> set[ObligationId]:
    """Say which obligations no card is asked for: disputed now, or lost to a dispute."""
    rows = await db.fetch(_UNCOLLECTABLE, list(obligation_ids), True)
    return {ObligationId(row["obligation_id"]) for row in rows}


async def stays_of(db: Connection, dispute_id: UUID) -> list[StayId]:
    """Name the stays that a disputed payment was for."""
    return [StayId(row["stay_id"]) for row in await db.fetch(_STAYS_OF, dispute_id)]


async def is_disputing(db: Connection, account_id: AccountId) -> bool:
    """Whether a payment by this account's card is disputed now."""
    disputing: bool = await db.fetchval(_OF_ACCOUNT, account_id)
    return disputing


async def states_of_payment(db: Connection, payment_id: PaymentId) -> set[DisputeState]:
    """Say how the disputes of a payment stand."""
    return {DisputeState(row["state"]) for row in await db.fetch(_STATES_OF_PAYMENT, payment_id)}


async def call_off_payments(db: Connection, account_id: AccountId, *, now: datetime) -> None:
    """Call off an account's resting payments by card."""
    await db.execute(_CALL_OFF_OF_ACCOUNT, account_id, now)


async def let_card_go(
    db: Connection, account_id: AccountId, *, payment_id: PaymentId, now: datetime
) -> bool:
    """Charge no more the card that a payment charged; False where it is another already."""
    return await db.fetchval(_LET_CARD_GO, account_id, now, payment_id) is not None


async def of_operator(db: Connection, operator_id: OperatorId, *, limit: int) -> list[DisputeView]:
    """List disputes of payments for an operator's stays, the newest first."""
    return [_view(row) for row in await db.fetch(_OF_OPERATOR, operator_id, limit)]


async def parts_of(
    db: Connection, dispute_id: UUID, operator_id: OperatorId | None
) -> list[DisputeView]:
    """Read a dispute, stay by stay: an operator's stays, or all."""
    return [_view(row) for row in await db.fetch(_PARTS, dispute_id, operator_id)]


def _view(row: Row) -> DisputeView:
    return DisputeView(**{name: row[name] for name in DisputeView.__struct_fields__})

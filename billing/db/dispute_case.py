"""Everything that billing knows of a disputed payment, read for its evidence."""

import msgspec

from billing.core.evidence import ConsentGiven, DisputeCase, DisputedStay, GivenBack, Told
from billing.db.connection import Connection, Row
from parking.core.fee import Fee
from parking.core.ids import AccountId, LotId, PaymentId, StayId
from parking.core.money import Money
from parking.core.plate import Plate

_TOLD_MAX = 50

_PAYMENT = """
SELECT amount_minor, currency, captured_at, method, account_id FROM billing.payment
WHERE payment_id = $1
"""

_STAYS = """
SELECT o.stay_id, o.lot_id, o.plate, o.entered_at, o.left_at, o.currency, a.amount_minor,
    o.fee::text AS fee,
    (SELECT min(b.bound_at) FROM billing.plate_binding AS b
     WHERE b.plate = o.plate AND b.account_id = $2
       AND coalesce(b.ended_at, 'infinity') > o.left_at) AS bound_at
FROM billing.payment_allocation AS a JOIN billing.obligation AS o USING (obligation_id)
WHERE a.payment_id = $1 AND a.state = 'captured' ORDER BY o.left_at, o.stay_id
"""

_CONSENT = """
SELECT c.version, t.text_en, c.given_at
FROM billing.consent AS c JOIN billing.consent_text AS t USING (version)
JOIN billing.payment_method_setup AS s USING (setup_id)
WHERE c.account_id = $1 AND s.state = 'completed' AND c.given_at <= (
    SELECT max(t.started_at) FROM billing.payment_attempt AS t WHERE t.payment_id = $2)
ORDER BY c.given_at DESC LIMIT 1
"""

_TOLD = """
SELECT kind, sent_at FROM billing.notification
WHERE account_id = $1 AND sent_at IS NOT NULL ORDER BY sent_at DESC LIMIT $2
"""

_REFUNDS = """
SELECT refund_ref, amount_minor, currency, finished_at FROM billing.refund
WHERE payment_id = $1 AND state = 'succeeded' ORDER BY finished_at, refund_id
"""

_APPEALS = """
SELECT p.ground, p.state, p.opened_at FROM billing.appeal AS p
JOIN billing.payment_allocation AS a USING (obligation_id)
WHERE a.payment_id = $1 ORDER BY p.opened_at, p.appeal_id
"""


async def read_case(db: Connection, payment_id: PaymentId, *, reason: str) -> DisputeCase:
    """Read all about a captured payment that a bank disputes for a reason."""
    payment = await db.fetchrow(_PAYMENT, payment_id)
    if payment is None:
        raise LookupError(payment_id)
    account_id = payment["account_id"]
    return DisputeCase(
        reason=reason,
        paid=Money(payment["amount_minor"], payment["currency"]),
        paid_at=payment["captured_at"],
        by_hand=payment["method"] != "card",
        stays=tuple(map(_stay, await db.fetch(_STAYS, payment_id, account_id))),
        consent=await _consent(db, account_id, payment_id),
        told=await _told(db, account_id),
        refunds=tuple(map(_refund, await db.fetch(_REFUNDS, payment_id))),
        appeals=tuple(map(_appeal, await db.fetch(_APPEALS, payment_id))),
    )


def _stay(row: Row) -> DisputedStay:
    # An obligation that was opened and never priced has an empty fee.
    fee = None if row["fee"] == "{}" else msgspec.json.decode(row["fee"], type=Fee)
    return DisputedStay(
        stay_id=StayId(row["stay_id"]),
        lot_id=LotId(row["lot_id"]),
        plate=Plate(row["plate"]),
        entered_at=row["entered_at"],
        left_at=row["left_at"],
        paid=Money(row["amount_minor"], row["currency"]),
        fee=fee,
        bound_at=row["bound_at"],
    )


async def _consent(
    db: Connection, account_id: AccountId | None, payment_id: PaymentId
) -> ConsentGiven | None:
    row = await db.fetchrow(_CONSENT, account_id, payment_id)
    if row is None:
        return None
    return ConsentGiven(version=row["version"], text_en=row["text_en"], given_at=row["given_at"])


async def _told(db: Connection, account_id: AccountId | None) -> tuple[Told, ...]:
    rows = await db.fetch(_TOLD, account_id, _TOLD_MAX)
    return tuple(Told(kind=row["kind"], sent_at=row["sent_at"]) for row in reversed(rows))


def _refund(row: Row) -> GivenBack:
    return GivenBack(
        refund_ref=row["refund_ref"],
        amount=Money(row["amount_minor"], row["currency"]),
        refunded_at=row["finished_at"],
    )


def _appeal(row: Row) -> str:
    when = row["opened_at"].date().isoformat()
    return f"The payer contested a fee with us on {when} ({row['ground']}): {row['state']}."

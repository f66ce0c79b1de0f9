"""Our answer in a dispute: evidence or a concession, stored exactly as it is sent, once for all."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from billing.core.disputes import ANSWERABLE, Stance, stance
from billing.core.evidence import StayWitness, compose
from billing.db import dispute_money, disputes
from billing.db.connection import Connection
from billing.db.dispute_case import read_case
from billing.db.disputes import DisputeFact, DisputeRow
from billing.dispute_gateway import DisputeGateway, DisputeReport
from billing.services.ids import new_id


async def prepare_answer(
    db: Connection,
    dispute_id: UUID,
    report: DisputeReport,
    *,
    gateway: DisputeGateway,
    witnesses: Sequence[StayWitness],
    zone: str,
    now: datetime,
) -> DisputeRow | None:
    """Store our answer and that it is sent; the same one for every try. None: nothing is wanted."""
    dispute = await disputes.lock(db, dispute_id)
    if dispute.state not in ANSWERABLE or dispute.payment_id is None:
        return None
    if dispute.answer is None:
        refunds = await dispute_money.lock_refunds(db, dispute.payment_id)
        if refunds.in_doubt:
            return None  # Whether we owe the driver is not known yet; the days to answer are many.
        chosen = stance(amount_minor=report.amount_minor, owed_back=refunds.owed)
        if chosen is Stance.CONCEDE:
            request = gateway.concession_request(dispute.dispute_ref)
        else:
            case = await read_case(db, dispute.payment_id, reason=report.reason)
            evidence = compose(case, witnesses, zone=zone)
            request = gateway.evidence_request(dispute.dispute_ref, evidence)
        await disputes.store_answer(
            db, dispute_id, request, idempotency_key=f"dispute-{dispute_id}"
        )
        fact = DisputeFact(kind="answer", ref=chosen.value, occurred_at=now)
        await note(db, dispute_id, fact, now=now)
    await disputes.count_send(db, dispute_id)
    return await disputes.lock(db, dispute_id)


async def note(db: Connection, dispute_id: UUID, fact: DisputeFact, *, now: datetime) -> bool:
    """Append what became known of a locked dispute; False where it was known."""
    return await disputes.append_fact(db, new_id(now), dispute_id, fact, now=now)

"""Giving up what nobody paid for too long, and reviving it when somebody does."""

from datetime import datetime, timedelta

import msgspec

from billing.core import entries, obligation
from billing.core.ledger import EntryKind
from billing.db import appeals, dispute_reads, ledger, obligations, write_offs
from billing.db.connection import Connection, Pool, transaction
from billing.db.obligations import ObligationRow
from billing.db.write_offs import WriteOff
from billing.services.days import booking
from billing.services.ids import new_id
from billing.settings import BillingSettings
from parking.core.money import Money

_RULE = "rule:write-off"


async def write_off_overdue(pool: Pool, settings: BillingSettings, *, now: datetime) -> int:
    """Give up one batch of what has been due for too long; says how many."""
    before = now - timedelta(days=settings.write_off_after_days)
    async with transaction(pool) as db:
        called_off = await write_offs.call_off_hopeless(
            db, before=before, limit=settings.worker_batch, now=now
        )
        locked = await write_offs.lock_overdue(db, before=before, limit=settings.worker_batch)
        # Looked at again under the lock: an appeal or a bank may have come in between.
        ids = [row.money.obligation_id for row in locked]
        contested = await appeals.live_among(db, ids) | await dispute_reads.live_among(db, ids)
        overdue = [row for row in locked if row.money.obligation_id not in contested]
        reason = f"unpaid for {settings.write_off_after_days} days"
        for row in overdue:
            await _record(
                db,
                row,
                obligation.write_off(row.money),
                kind=EntryKind.WRITTEN_OFF,
                settings=settings,
                said_by=_RULE,
                reason=reason,
                now=now,
            )
    return called_off + len(overdue)


async def reinstate(
    db: Connection,
    row: ObligationRow,
    *,
    settings: BillingSettings,
    said_by: str,
    reason: str,
    now: datetime,
) -> ObligationRow:
    """Revive a locked obligation that was written off; answers it as it is then."""
    after = obligation.reinstate(row.money)
    await _record(
        db,
        row,
        after,
        kind=EntryKind.REINSTATED,
        settings=settings,
        said_by=said_by,
        reason=reason,
        now=now,
    )
    return msgspec.structs.replace(row, money=after)


async def _record(
    db: Connection,
    row: ObligationRow,
    after: obligation.Obligation,
    *,
    kind: EntryKind,
    settings: BillingSettings,
    said_by: str,
    reason: str,
    now: datetime,
) -> None:
    amount_minor = abs(after.written_off_minor - row.money.written_off_minor)
    each = WriteOff(
        write_off_id=new_id(now),
        obligation_id=row.money.obligation_id,
        kind=kind.value,
        amount_minor=amount_minor,
        currency=row.currency,
        said_by=said_by,
        reason=reason,
    )
    await write_offs.insert(db, each, now=now)
    await obligations.write_sums(db, [after], now=now)
    entry = entries.written_off(
        row.money.operator_id,
        Money(amount_minor, row.currency),
        kind=kind,
        write_off_id=str(each.write_off_id),
        booking=booking(settings, now=now, occurred_at=now, trace_id=row.trace_id),
    )
    await ledger.append(db, [(new_id(now), entry)], now=now)

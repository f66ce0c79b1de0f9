"""Appeals: collection stops while one lives; granted means a corrected fact, and money by the fact.

A granted appeal is carried out by the worker: correct the fact, wait until the fee that follows
from it has been heard of, then let go. Each step may be the last before a crash.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from billing.core.appeals import Correction, Ground, Refusal, may_appeal
from billing.corrections import CorrectionRefusedError, FactCorrector
from billing.db import accounts, appeals, case_notes, obligations, payments
from billing.db.appeals import AppealRow
from billing.db.case_notes import CaseNote
from billing.db.connection import Connection, Pool, reading, transaction
from billing.services.concurrently import each_apart
from billing.services.ids import new_id
from billing.services.pay_by_hand import ObligationNotFoundError
from billing.settings import BillingSettings
from parking.core.errors import DomainError
from parking.core.ids import OperatorId, StayId

_log = structlog.get_logger(__name__)
_LISTED_MAX = 200
Clock = Callable[[], datetime]


class AppealRefusedError(DomainError):
    """This fee cannot be contested (any more, or again)."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"this fee cannot be contested: {refusal.value}")
        self.refusal = refusal


class AppealNotFoundError(DomainError):
    """There is no such appeal."""

    def __init__(self, appeal_id: UUID) -> None:
        super().__init__(f"there is no appeal {appeal_id}")


class AppealDecidedError(DomainError):
    """The appeal is decided already."""

    def __init__(self, appeal: AppealRow) -> None:
        super().__init__(f"appeal {appeal.appeal_id} is {appeal.state} already")


class AppealDesk:
    """Where fees are contested, and appeals decided."""

    def __init__(self, pool: Pool, settings: BillingSettings, clock: Clock) -> None:
        self._pool = pool
        self._settings = settings
        self._clock = clock

    async def open(
        self, stay_id: StayId, *, ground: Ground, statement: str, evidence_ref: str | None = None
    ) -> AppealRow:
        """Contest a fee; from now on it is not collected. Raises AppealRefusedError.

        What is under way at the gateway just now ends as it ends; a grant gives it back.
        """
        now = self._clock()
        appeal_id = new_id(now)
        async with transaction(self._pool) as db:
            locked = await obligations.lock_by_stay(db, [stay_id])
            if stay_id not in locked:
                raise ObligationNotFoundError(stay_id)
            row = locked[stay_id]
            earlier = await appeals.of_stay(db, stay_id)
            refusal = may_appeal(
                charged_minor=row.money.charged_minor,
                left_at=row.left_at,
                earlier=sum(each.state == "refused" for each in earlier),
                live=any(each.closed_at is None for each in earlier),
                rule=self._settings.appeal_rule,
                now=now,
            )
            if refusal is not None:
                raise AppealRefusedError(refusal)
            await appeals.insert(
                db,
                appeal_id,
                obligation_id=row.money.obligation_id,
                ground=ground,
                statement=statement,
                evidence_ref=evidence_ref,
                now=now,
            )
            await _note(db, appeal_id, said_by="driver", kind=ground.value, text=statement, now=now)
            if row.money.held:
                await payments.call_off_changed(db, [row.money.obligation_id], now=now)
            return await _get(db, appeal_id)

    async def of_stay(self, stay_id: StayId) -> list[AppealRow]:
        """List the appeals about a stay."""
        async with transaction(self._pool) as db:
            return await appeals.of_stay(db, stay_id)

    async def live(self, operator_id: OperatorId | None) -> list[AppealRow]:
        """List what waits for a decision or a correction: an operator's, or all."""
        async with transaction(self._pool) as db:
            return await appeals.live_of(db, operator_id, limit=_LISTED_MAX)

    async def operator_of(self, appeal_id: UUID) -> OperatorId:
        """Say whose lot an appeal is about. Raises AppealNotFoundError."""
        async with transaction(self._pool) as db:
            return (await _get(db, appeal_id)).operator_id

    async def show(self, appeal_id: UUID) -> tuple[AppealRow, list[CaseNote]]:
        """Read an appeal with all that was said. Raises AppealNotFoundError."""
        async with reading(self._pool) as db:
            appeal = await appeals.read(db, appeal_id)
            if appeal is None:
                raise AppealNotFoundError(appeal_id)
            return appeal, await case_notes.of_case(db, appeal_id)

    async def grant(
        self, appeal_id: UUID, *, correction: Correction, by: str, reason: str
    ) -> AppealRow:
        """Find for the driver: the worker then corrects the fact. Raises AppealDecidedError."""
        now = self._clock()
        async with transaction(self._pool) as db:
            appeal = await _get_open(db, appeal_id)
            granted = msgspec.structs.replace(
                appeal,
                state="granted",
                due_at=now,
                decided_at=now,
                decided_by=by,
                reason=reason,
                correction=correction,
            )
            await appeals.move(db, granted)
            await _note(db, appeal_id, said_by=by, kind="granted", text=reason, now=now)
            return granted

    async def refuse(self, appeal_id: UUID, *, by: str, reason: str) -> AppealRow:
        """Find against the driver: collection goes on. Raises AppealDecidedError."""
        return await self._close(appeal_id, state="refused", by=by, reason=reason)

    async def withdraw(self, appeal_id: UUID) -> AppealRow:
        """The driver takes it back."""
        return await self._close(appeal_id, state="withdrawn", by="driver", reason="")

    async def _close(self, appeal_id: UUID, *, state: str, by: str, reason: str) -> AppealRow:
        now = self._clock()
        async with transaction(self._pool) as db:
            appeal = await _get_open(db, appeal_id)
            closed = msgspec.structs.replace(
                appeal, state=state, decided_at=now, decided_by=by, reason=reason, closed_at=now
            )
            await appeals.move(db, closed)
            await _note(db, appeal_id, said_by=by, kind=state, text=reason, now=now)
            await accounts.poke_owners(db, [appeal.obligation_id])
            return closed


async def work_appeals(
    pool: Pool, corrector: FactCorrector, settings: BillingSettings, *, now: datetime
) -> int:
    """Carry out granted appeals; says how many were looked at."""
    async with transaction(pool) as db:
        due = await appeals.lock_due(db, limit=settings.worker_concurrency, now=now)
        lease_until = now + timedelta(seconds=settings.attempt_lease_seconds)
        for appeal in due:
            await appeals.move(db, msgspec.structs.replace(appeal, due_at=lease_until))
    await each_apart(
        due, lambda appeal: _carry_out(pool, corrector, settings, appeal, now=now), name="appeal"
    )
    return len(due)


async def _carry_out(
    pool: Pool,
    corrector: FactCorrector,
    settings: BillingSettings,
    appeal: AppealRow,
    *,
    now: datetime,
) -> None:
    revision = appeal.revision
    if revision is None and appeal.correction is not None:
        try:
            revision = await corrector.correct(
                appeal.stay_id,
                appeal.correction,
                by=f"appeal:{appeal.appeal_id}",
                reason=appeal.reason,
            )
        except CorrectionRefusedError as error:
            await _reopen(pool, appeal.appeal_id, why=str(error), now=now)
            return
    async with transaction(pool) as db:
        current = await _get(db, appeal.appeal_id)
        if current.state != "granted" or revision is None:
            return
        if current.heard_revision < revision:
            waiting = msgspec.structs.replace(
                current, revision=revision, due_at=now + settings.pace.poll
            )
            await appeals.move(db, waiting)
            return
        done = msgspec.structs.replace(
            current, state="corrected", revision=revision, due_at=None, closed_at=now
        )
        await appeals.move(db, done)
        await accounts.poke_owners(db, [appeal.obligation_id])
    _log.info("appeal_corrected", appeal_id=str(appeal.appeal_id))


async def _reopen(pool: Pool, appeal_id: UUID, *, why: str, now: datetime) -> None:
    """The facts do not allow what was decided: a person must decide anew."""
    async with transaction(pool) as db:
        current = await _get(db, appeal_id)
        if current.state != "granted":
            return  # Another worker has carried it out meanwhile.
        reopened = msgspec.structs.replace(
            current,
            state="open",
            due_at=None,
            decided_at=None,
            decided_by=None,
            reason="",
            correction=None,
        )
        await appeals.move(db, reopened)
        await _note(
            db, appeal_id, said_by="rule:facts", kind="correction_refused", text=why, now=now
        )
    _log.warning("appeal_reopened", appeal_id=str(appeal_id), reason=why)


async def _get(db: Connection, appeal_id: UUID) -> AppealRow:
    appeal = await appeals.get(db, appeal_id)
    if appeal is None:
        raise AppealNotFoundError(appeal_id)
    return appeal


async def _get_open(db: Connection, appeal_id: UUID) -> AppealRow:
    appeal = await _get(db, appeal_id)
    if appeal.state != "open":
        raise AppealDecidedError(appeal)
    return appeal


async def _note(
    db: Connection, case_id: UUID, *, said_by: str, kind: str, text: str, now: datetime
) -> None:
    await case_notes.insert(
        db, new_id(now), case_id=case_id, said_by=said_by, kind=kind, text=text, now=now
    )

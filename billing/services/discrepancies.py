"""Discrepancies: found a day at a time, kept until explained. Nothing is ever adjusted silently.

A day is compared once the report must have told of it, and again while something of it is open:
what the report tells late closes by itself, with the reason written down.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
import structlog

from billing.core.reconcile import Differs, Finding, Matched, Missing, Movement, Surplus, WrongFee
from billing.db import discrepancies, report
from billing.db.connection import Pool, reading, transaction
from billing.db.discrepancies import DiscrepancyRow, ReportLine
from billing.services.claims import Clock
from billing.services.days import ledger_day
from billing.services.draw_statement import reconcile_gateway
from billing.services.ids import new_id
from billing.settings import BillingSettings
from parking.core.errors import DomainError

_log = structlog.get_logger(__name__)
_EVERY: Final = timedelta(hours=1)
_TOLD_AFTER: Final = timedelta(hours=12)
"""After a day's end: WeChat Pay's bill of a day is there by ten o'clock of the next."""
_FIRST_DAYS: Final = 7
_DAYS_AT_ONCE: Final = 7
_OPEN_DAYS_MAX: Final = 14
_LISTED_MAX: Final = 500
_KINDS: Final[dict[type[Finding], str]] = {
    Missing: "missing",
    Surplus: "surplus",
    Differs: "differs",
    WrongFee: "wrong_fee",
}
_RULE: Final = "rule:reconciliation"
_DAY: Final = timedelta(days=1)


class DiscrepancyNotFoundError(DomainError):
    """There is no such discrepancy."""

    def __init__(self, discrepancy_id: UUID) -> None:
        super().__init__(f"there is no discrepancy {discrepancy_id}")


class DiscrepancyClosedError(DomainError):
    """It is closed already."""

    def __init__(self, found: DiscrepancyRow) -> None:
        super().__init__(f"discrepancy {found.discrepancy_id} was closed by {found.said_by}")


class DiscrepancyCase(msgspec.Struct, frozen=True, kw_only=True):
    """A discrepancy with what there is to explain it by."""

    found: DiscrepancyRow
    owners: list[str]
    """The operators whose stays it is about; none: the platform's own matter."""
    lines: list[ReportLine]
    """All that the gateway's report says about its source."""


class DiscrepancyDesk:
    """Where admins explain discrepancies: the account at the gateway is the platform's."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def open_ones(self) -> list[DiscrepancyRow]:
        """List what is not explained, the oldest first."""
        async with reading(self._pool) as db:
            return await discrepancies.open_ones(db, limit=_LISTED_MAX)

    async def show(self, discrepancy_id: UUID) -> DiscrepancyCase:
        """Read one with its evidence. Raises DiscrepancyNotFoundError."""
        async with reading(self._pool) as db:
            found = await discrepancies.read(db, discrepancy_id)
            if found is None:
                raise DiscrepancyNotFoundError(discrepancy_id)
            return DiscrepancyCase(
                found=found,
                owners=await discrepancies.owners(db, found),
                lines=await discrepancies.report_lines(db, found),
            )

    async def close(self, discrepancy_id: UUID, *, by: str, reason: str) -> DiscrepancyRow:
        """Write down what explains it. No money moves, here or in the ledger.

        Raises DiscrepancyNotFoundError, DiscrepancyClosedError.
        """
        async with transaction(self._pool) as db:
            found = await discrepancies.read(db, discrepancy_id)
            if found is None:
                raise DiscrepancyNotFoundError(discrepancy_id)
            closed = await discrepancies.close(
                db, discrepancy_id, by=by, reason=reason, now=self._clock()
            )
            present = await discrepancies.read(db, discrepancy_id) or found
            if not closed:
                raise DiscrepancyClosedError(present)
            return present


async def find_discrepancies(
    pool: Pool, settings: BillingSettings, *, gateway_name: str, now: datetime
) -> int:
    """Compare the days whose time has come, and those with something open; says how many."""
    cursor = f"reconciled {gateway_name}"
    newest = ledger_day(settings, now=now - _TOLD_AFTER) - _DAY
    async with transaction(pool) as db:
        through = await report.claim_cursor(
            db,
            cursor,
            next_due_at=now + _EVERY,
            begin_at=now - (_FIRST_DAYS + 1) * _DAY,
            now=now,
        )
        if through is None:
            return 0
        open_days = await discrepancies.open_days(db, gateway_name, limit=_OPEN_DAYS_MAX)
    first = ledger_day(settings, now=through) + _DAY
    days = [first + n * _DAY for n in range(min((newest - first).days + 1, _DAYS_AT_ONCE))]
    for day in sorted({*days, *open_days}):
        findings = await reconcile_gateway(pool, settings, gateway_name=gateway_name, day=day)
        await _keep(pool, findings, gateway_name=gateway_name, day=day, now=now)
    if days:
        async with transaction(pool) as db:
            await report.advance_cursor(db, cursor, through=through + len(days) * _DAY)
    return len(days)


async def _keep(
    pool: Pool, findings: Iterable[Finding], *, gateway_name: str, day: date, now: datetime
) -> None:
    found = list(_rows(findings, gateway_name=gateway_name, day=day, now=now))
    present = {each.figures for each in found}
    async with transaction(pool) as db:
        for each in found:
            await discrepancies.insert(db, each)
        for known in await discrepancies.open_of_day(db, gateway_name, day):
            if known.figures not in present:
                reason = "both sides agree by now"
                await discrepancies.close(
                    db, known.discrepancy_id, by=_RULE, reason=reason, now=now
                )
    if found:
        _log.warning("discrepancies", gateway=gateway_name, day=str(day), number=len(found))


def _rows(
    findings: Iterable[Finding], *, gateway_name: str, day: date, now: datetime
) -> Iterable[DiscrepancyRow]:
    """The findings that are none, told apart where they are alike."""
    seen: Counter[Finding] = Counter()
    for finding in findings:
        if isinstance(finding, Matched):
            continue
        ours, theirs = _sides(finding)
        one = ours or theirs
        assert one is not None  # noqa: S101 - a finding has a side
        yield DiscrepancyRow(
            discrepancy_id=new_id(now),
            gateway=gateway_name,
            kind=_KINDS[type(finding)],
            source_ref=one.source_ref,
            nth=seen[finding],
            day=day,
            ours_gross_minor=0 if ours is None else ours.gross_minor,
            ours_fee_minor=0 if ours is None else ours.fee_minor,
            theirs_gross_minor=0 if theirs is None else theirs.gross_minor,
            theirs_fee_minor=0 if theirs is None else theirs.fee_minor,
            currency=one.currency,
            found_at=now,
            said_by=None,
            reason=None,
            closed_at=None,
        )
        seen[finding] += 1


def _sides(
    finding: Missing | Surplus | Differs | WrongFee,
) -> tuple[Movement | None, Movement | None]:
    match finding:
        case Missing(ours=ours):
            return ours, None
        case Surplus(theirs=theirs):
            return None, theirs
        case Differs(ours=ours, theirs=theirs):
            return ours, theirs
        case WrongFee(movement=taken, agreed_minor=agreed_minor):
            return msgspec.structs.replace(taken, fee_minor=agreed_minor), taken

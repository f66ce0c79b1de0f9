"""An operator's statement of a day, and the reconciliation that it stands on."""

from collections.abc import Collection
from datetime import date

from billing.core.accounts import processor_clearing
from billing.core.reconcile import Finding, Matched, agrees, hold_to_agreement, reconcile
from billing.core.statement import Statement, draw_up
from billing.db import ledger, queries, report
from billing.db.connection import Connection, Pool, transaction
from billing.services.days import day_bounds, ledger_day
from billing.settings import BillingSettings
from parking.core.ids import OperatorId


async def draw_statement(
    pool: Pool,
    settings: BillingSettings,
    *,
    operator_id: OperatorId,
    business_date: date,
    gateway_names: Collection[str],
) -> Statement:
    """Draw up the statement of an operator and a ledger day, in the settings' currency."""
    async with transaction(pool) as db:
        currency = settings.currency
        opening = await ledger.balances_before(
            db, operator_id, day=business_date, currency=currency
        )
        movements = await ledger.movements_on(db, operator_id, day=business_date, currency=currency)
        findings = [
            finding
            for name in gateway_names
            for finding in await _findings(
                db, gateway_name=name, day=business_date, operator_id=operator_id
            )
        ]
        in_doubt = await queries.payments_in_doubt(db, operator_id)
        return draw_up(
            operator_id=operator_id,
            business_date=business_date,
            currency=currency,
            opening=opening,
            movements=movements,
            payments=await queries.payments_captured(db, operator_id, day=business_date),
            reconciled=agrees(findings) and not in_doubt,
        )


async def reconcile_gateway(
    pool: Pool, settings: BillingSettings, *, gateway_name: str, day: date | None = None
) -> tuple[Finding, ...]:
    """Compare the ledger with the gateway's report as copied so far: one ledger day, or all.

    Fees are held to what was agreed with the provider here, and not for an operator's statement:
    what was taken is booked, and an operator's day is not in doubt because of it.
    """
    begin_at, end_at = (None, None) if day is None else day_bounds(settings, day)
    async with transaction(pool) as db:
        known = await _findings(db, gateway_name=gateway_name, day=day, operator_id=None)
        refs = [each.movement.source_ref for each in known if isinstance(each, Matched)]
        charged = await report.charged_at(db, gateway_name, refs)
        unclaimed = await report.unclaimed_movements(
            db, gateway_name, begin_at=begin_at, end_at=end_at
        )
    held = hold_to_agreement(
        known,
        charged_on={ref: ledger_day(settings, now=at) for ref, at in charged.items()},
        agreed=settings.agreed_fees(gateway_name),
    )
    return held + reconcile(ours=(), theirs=unclaimed)


async def _findings(
    db: Connection, *, gateway_name: str, day: date | None, operator_id: OperatorId | None
) -> tuple[Finding, ...]:
    account = processor_clearing(gateway_name).name
    ours = await report.our_movements(db, account=account, day=day, operator_id=operator_id)
    theirs = await report.reported_movements(
        db, gateway_name, [movement.source_ref for movement in ours]
    )
    return reconcile(ours=ours, theirs=theirs)

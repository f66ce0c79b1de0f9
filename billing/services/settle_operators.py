"""Settling operators at their cut-offs: figures from the ledger, entries into the ledger.

A period is settled once its last day is closed, so that nothing can be booked on its days any more.
"""

from datetime import date, datetime, timedelta

import structlog

from billing.core import accounts, entries
from billing.core.accounts import AccountRole
from billing.core.ledger import EntryKind
from billing.core.settlement import (
    Contract,
    Figures,
    Settlement,
    contract_on,
    cut_off_of,
    settle,
)
from billing.db import ledger, settlements
from billing.db.connection import BooksUnavailableError, Connection, Pool, transaction
from billing.services.close_days import close_days
from billing.services.days import booking, ledger_day
from billing.services.ids import new_id
from billing.settings import BillingSettings
from parking.core.errors import DomainError
from parking.core.ids import OperatorId
from parking.core.money import Money

_log = structlog.get_logger(__name__)
_NOT_OF_A_PERIOD = {EntryKind.CONTRACT_FEES, EntryKind.SETTLED}


class ContractTooLateError(DomainError):
    """A contract begins on a day to come: what was sealed and settled stays as it was."""

    def __init__(self, effective_from: date, today: date) -> None:
        super().__init__(f"a contract begins after today ({today}), not on {effective_from}")


class ContractExistsError(DomainError):
    """Another contract begins on that day already."""

    def __init__(self, operator_id: OperatorId, effective_from: date) -> None:
        super().__init__(f"{operator_id} has another contract from {effective_from} on")


class OperatorsNotSettledError(DomainError):
    """Some operators could not be settled; all others were. The log has each one's reason."""

    def __init__(self, operator_ids: list[OperatorId], *, made: int) -> None:
        super().__init__(f"{len(operator_ids)} operators not settled: {', '.join(operator_ids)}")
        self.operator_ids = operator_ids
        self.made = made


def default_contract(settings: BillingSettings) -> Contract:
    """What holds for an operator without a contract: the settings' commission, monthly."""
    return Contract(effective_from=date.min, commission_bp=settings.commission_bp)


async def agree_contract(
    pool: Pool,
    settings: BillingSettings,
    *,
    operator_id: OperatorId,
    contract: Contract,
    by: str,
    now: datetime,
) -> None:
    """Store a contract; the same again changes nothing.

    Raises ContractTooLateError, ContractExistsError.
    """
    today = ledger_day(settings, now=now)
    if contract.effective_from <= today:
        raise ContractTooLateError(contract.effective_from, today)
    async with transaction(pool) as db:
        if await settlements.insert_contract(
            db, new_id(now), operator_id, contract, said_by=by, now=now
        ):
            return
        known = (await settlements.contracts_of(db, [operator_id])).get(operator_id, [])
        if contract not in known:
            raise ContractExistsError(operator_id, contract.effective_from)


async def settle_operators(pool: Pool, settings: BillingSettings, *, now: datetime) -> int:
    """Close the days that have ended, then settle every operator whose period has.

    Says how many settlements were made. One operator whose books cannot be settled does not keep
    the others waiting: OperatorsNotSettledError tells of it once all of them were tried.
    """
    ended = await close_days(pool, settings, now=now) + timedelta(days=1)
    async with transaction(pool) as db:
        operator_ids = await settlements.operators(db)
    made, failed = 0, []
    for operator_id in operator_ids:
        try:
            while await _settle_next(pool, settings, operator_id, before=ended, now=now):
                made += 1
        except BooksUnavailableError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it is this operator's alone
            _log.exception("operator_not_settled", operator_id=operator_id)
            failed.append(operator_id)
    if failed:
        raise OperatorsNotSettledError(failed, made=made)
    return made


async def _settle_next(
    pool: Pool, settings: BillingSettings, operator_id: OperatorId, *, before: date, now: datetime
) -> bool:
    """Settle the next period of an operator, if it ended before that day."""
    async with transaction(pool) as db:
        await settlements.lock_operator(db, operator_id)
        last = next(iter(await settlements.of_operator(db, operator_id, limit=1)), None)
        if last is not None:
            begin: date | None = last.cut_off_date + timedelta(days=1)
        else:
            begin = await settlements.first_day(db, accounts.operator_payable(operator_id).name)
        if begin is None or begin >= before:
            return False
        contracts = (await settlements.contracts_of(db, [operator_id])).get(operator_id, [])
        contract, cut_off = _period(contracts, begin, default=default_contract(settings))
        if cut_off >= before:
            return False
        opening = 0 if last is None else last.carried_minor
        figures = await _figures(
            db, operator_id, begin, cut_off, currency=settings.currency, opening_minor=opening
        )
        settlement = settle(
            operator_id=operator_id,
            begin_date=begin,
            cut_off_date=cut_off,
            currency=settings.currency,
            contract=contract,
            figures=figures,
            payout_minimum_minor=settings.payout_minimum_minor,
        )
        await _book(db, settlement, settings=settings, now=now)
    _log.info("settled", operator_id=operator_id, cut_off_date=str(cut_off))
    return True


def _period(contracts: list[Contract], begin: date, *, default: Contract) -> tuple[Contract, date]:
    """The contract of a period and its last day; another contract's first day ends it early."""
    contract = contract_on(contracts, begin, default=default)
    cut_off = cut_off_of(begin, contract.period)
    changes = [each.effective_from for each in contracts if each.effective_from > begin]
    return contract, min([cut_off, *(day - timedelta(days=1) for day in changes)])


async def _figures(
    db: Connection,
    operator_id: OperatorId,
    begin: date,
    cut_off: date,
    *,
    currency: str,
    opening_minor: int,
) -> Figures:
    movements = await ledger.movements_between(
        db, operator_id, first=begin, last=cut_off, currency=currency
    )
    payable = {
        kind: amount
        for (kind, role), amount in movements.items()
        if role is AccountRole.OPERATOR_PAYABLE and kind not in _NOT_OF_A_PERIOD
    }
    collected = -movements.get((EntryKind.PAYMENT_CAPTURED, AccountRole.DRIVER_RECEIVABLE), 0)
    commission = collected + payable.get(EntryKind.PAYMENT_CAPTURED, 0)
    fees = payable.get(EntryKind.PROCESSOR_FEE, 0)
    returned = await settlements.commission_returned(
        db, accounts.operator_payable(operator_id).name, first=begin, last=cut_off
    )
    return Figures(
        opening_minor=opening_minor,
        collected_minor=collected,
        commission_minor=commission,
        processor_fees_minor=fees,
        corrected_minor=-sum(payable.values()) - collected + commission + fees,
        commission_returned_minor=returned,
    )


async def _book(
    db: Connection, settlement: Settlement, *, settings: BillingSettings, now: datetime
) -> None:
    settlement_id = new_id(now)
    await settlements.insert(db, settlement_id, settlement, now=now)
    booked = entries.settled(
        settlement.operator_id,
        settlement_id=str(settlement_id),
        fees=Money(settlement.fixed_minor + settlement.top_up_minor, settlement.currency),
        amount=Money(settlement.settled_minor, settlement.currency),
        booking=booking(settings, now=now, occurred_at=now, trace_id=""),
    )
    await ledger.append(db, [(new_id(now), entry) for entry in booked], now=now)


async def commissions(
    db: Connection,
    operator_ids: list[OperatorId],
    *,
    settings: BillingSettings,
    now: datetime,
) -> dict[OperatorId, int]:
    """Say what share each operator's contract gives the platform today, in basis points."""
    known = await settlements.contracts_of(db, sorted(set(operator_ids)))
    today, default = ledger_day(settings, now=now), default_contract(settings)
    return {
        operator_id: contract_on(known.get(operator_id, []), today, default=default).commission_bp
        for operator_id in operator_ids
    }

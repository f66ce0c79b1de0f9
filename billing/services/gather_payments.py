"""What an account owes, gathered into a payment by the rule; one payment by card at a time."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec
import structlog

from billing.core.gathering import DueObligation, Gathered, Service, WaitUntil, gather
from billing.core.payment import PaymentMethodKind, PaymentState
from billing.db import accounts, obligations, payments, registrations
from billing.db.accounts import ToGather
from billing.db.connection import BooksUnavailableError, Connection, Pool, transaction
from billing.db.payments import NewPayment
from billing.services.ids import new_id
from billing.settings import BillingSettings
from parking.core.ids import AccountId, ObligationId, PaymentId

_log = structlog.get_logger(__name__)
_Next: TypeAlias = tuple[AccountId, datetime | None]


async def gather_payments(
    pool: Pool,
    settings: BillingSettings,
    *,
    gateway_name: str,
    per_stay: Collection[str] = (),
    now: datetime,
) -> int:
    """Look through one batch of accounts; says how many.

    Providers that take each stay `per_stay` have what was registered with them; the rest of what
    an account owes is gathered for its card. Where one of them fails, each is looked through by
    itself, and the one that fails waits. Raises BooksUnavailableError.
    """
    look = _Look(settings=settings, gateway_name=gateway_name, per_stay=per_stay, now=now)
    try:
        async with transaction(pool) as db:
            batch = await look.lock(db)
            await accounts.gather_next(db, await look.through(db, batch))
            return len(batch)
    except BooksUnavailableError:
        raise
    except Exception:  # noqa: BLE001 - one of them, and each deserves its own try
        _log.warning("accounts_gathered_one_by_one", exc_info=True)
    async with transaction(pool) as db:
        batch = await look.lock(db)
        for account in batch:
            await accounts.gather_next(db, await look.through_alone(db, account))
        return len(batch)


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look through what accounts owe."""

    settings: BillingSettings
    gateway_name: str
    per_stay: Collection[str]
    now: datetime

    async def lock(self, db: Connection) -> list[ToGather]:
        """The accounts whose time has come, as many as a batch holds."""
        return await accounts.lock_to_gather(
            db, gateway=self.gateway_name, limit=self.settings.worker_batch, now=self.now
        )

    async def through(self, db: Connection, batch: Sequence[ToGather]) -> list[_Next]:
        """Make the payments of locked accounts; says when each is to be looked through next."""
        willing = [
            each for each in batch if _can_pay(each) or (self.per_stay and not each.suspended)
        ]
        due = await obligations.due_of(
            db, [account.account_id for account in willing], currency=self.settings.currency
        )
        services = await _services(db, due, self.per_stay)
        return [
            (
                account.account_id,
                await _collect(
                    db,
                    account,
                    due.get(account.account_id, []),
                    services,
                    settings=self.settings,
                    gateway_name=self.gateway_name,
                    now=self.now,
                ),
            )
            for account in batch
        ]

    async def through_alone(self, db: Connection, account: ToGather) -> list[_Next]:
        """The same for one account, which must not stop its neighbours."""
        try:
            async with db.transaction():
                return await self.through(db, [account])
        except Exception:  # noqa: BLE001 - whatever it is, its neighbours go on
            _log.exception("account_not_gathered", account_id=str(account.account_id))
            return [(account.account_id, self.now + self.settings.pace.unknown_retry_max)]


async def _services(
    db: Connection,
    due: Mapping[AccountId, Sequence[DueObligation]],
    per_stay: Collection[str],
) -> dict[ObligationId, Service]:
    owed = [each.obligation_id for parts in due.values() for each in parts]
    if not per_stay or not owed:
        return {}
    return await registrations.services_of(db, owed, gateways=per_stay)


async def _collect(
    db: Connection,
    account: ToGather,
    due: Sequence[DueObligation],
    services: Mapping[ObligationId, Service],
    *,
    settings: BillingSettings,
    gateway_name: str,
    now: datetime,
) -> datetime | None:
    """Make an account's payments; says when to look again, None: when something happens."""
    looks = []
    for each in due:
        service = services.get(each.obligation_id)
        if service is None or not service.answered:
            continue
        if each.chargeable_from <= now:
            await payments.insert(db, _deduction(account, each, service, settings, now), now=now)
        else:
            looks.append(each.chargeable_from)
    rest = [each for each in due if each.obligation_id not in services]
    by_card = await _gather(
        db, account, rest, settings=settings, gateway_name=gateway_name, now=now
    )
    return min(filter(None, (*looks, by_card)), default=None)


def _can_pay(account: ToGather) -> bool:
    has_card = account.customer_ref is not None and account.method_ref is not None
    return has_card and not (account.suspended or account.paying or account.disputing)


async def _gather(
    db: Connection,
    account: ToGather,
    due: Sequence[DueObligation],
    *,
    settings: BillingSettings,
    gateway_name: str,
    now: datetime,
) -> datetime | None:
    if not _can_pay(account):
        # Only a new card, or the end of the payment under way, changes anything.
        return None
    if account.collect_after is not None and account.collect_after > now:
        return account.collect_after
    decision = gather(due, rule=settings.gather_rule, now=now)
    if isinstance(decision, Gathered):
        payment = _payment(account, decision, settings, gateway_name=gateway_name, now=now)
        await payments.insert(db, payment, now=now)
    return decision.at if isinstance(decision, WaitUntil) else None


def _deduction(
    account: ToGather,
    due: DueObligation,
    service: Service,
    settings: BillingSettings,
    now: datetime,
) -> NewPayment:
    return NewPayment(
        payment_id=PaymentId(new_id(now)),
        account_id=account.account_id,
        method=PaymentMethodKind.DEDUCTION,
        gateway=service.gateway,
        customer_ref=service.customer_ref,
        currency=settings.currency,
        state=PaymentState.READY,
        due_at=now,
        return_url=None,
        trace_id=due.trace_id,
        parts=((due.obligation_id, due.outstanding_minor),),
    )


def _payment(
    account: ToGather,
    decision: Gathered,
    settings: BillingSettings,
    *,
    gateway_name: str,
    now: datetime,
) -> NewPayment:
    return NewPayment(
        payment_id=PaymentId(new_id(now)),
        account_id=account.account_id,
        method=PaymentMethodKind.CARD,
        gateway=gateway_name,
        customer_ref=account.customer_ref,
        currency=settings.currency,
        state=PaymentState.READY,
        due_at=now,
        return_url=None,
        trace_id=decision.obligations[0].trace_id,
        parts=tuple((part.obligation_id, part.outstanding_minor) for part in decision.obligations),
    )

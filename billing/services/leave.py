"""Letting go: a plate, a card, the whole account. What is owed stays owed.

Bindings end from now on: stays that were made stay with whoever had the plate then.
"""

from datetime import datetime, timedelta

import structlog

from billing.db import accounts, claims, leaving, sign_in
from billing.db.connection import Pool, transaction
from billing.db.leaving import Detachment
from billing.gateway import GatewayUnavailableError, PaymentGateway
from billing.services.bind import AccountNotFoundError, PlateNotBoundError
from billing.services.concurrently import each_apart
from billing.settings import BillingSettings
from parking.core.errors import DomainError
from parking.core.ids import AccountId
from parking.core.plate import Plate

_log = structlog.get_logger(__name__)


class NoPaymentMethodError(DomainError):
    """The account has no payment method."""

    def __init__(self) -> None:
        super().__init__("this account has no payment method")


class AccountOwesError(DomainError):
    """The account cannot be closed before everything is paid."""

    def __init__(self, owed_minor: int) -> None:
        super().__init__(f"{owed_minor} (minor units) must be paid before the account is closed")
        self.owed_minor = owed_minor


async def unbind_plate(pool: Pool, account_id: AccountId, plate: Plate, *, now: datetime) -> None:
    """Let a plate go, for example because the car is sold. Raises PlateNotBoundError."""
    async with transaction(pool) as db:
        if await accounts.end_binding(db, account_id, plate, now=now) is None:
            raise PlateNotBoundError(plate)
        await claims.poke_let_go(db, account_id, now=now)


async def unbind_method(pool: Pool, account_id: AccountId, *, now: datetime) -> None:
    """Charge the card no more, from this moment. Raises NoPaymentMethodError."""
    async with transaction(pool) as db:
        if not await leaving.end_method(db, account_id, now=now):
            raise NoPaymentMethodError


async def close_account(pool: Pool, account_id: AccountId, *, now: datetime) -> None:
    """End bindings, card and tokens. Raises AccountOwesError while anything is owed."""
    async with transaction(pool) as db:
        if not await leaving.lock_account(db, account_id):
            raise AccountNotFoundError(account_id)
        owed_minor = await accounts.owed_minor(db, account_id)
        if owed_minor:
            raise AccountOwesError(owed_minor)
        await leaving.end_bindings(db, account_id, now=now)
        await claims.poke_let_go(db, account_id, now=now)
        await claims.withdraw_all(db, account_id, now=now)
        await leaving.end_method(db, account_id, now=now)
        await sign_in.revoke_all(db, account_id, now=now)
        await leaving.close(db, account_id, now=now)
    _log.info("account_closed", account_id=str(account_id))


async def work_detachments(
    pool: Pool, gateway: PaymentGateway, settings: BillingSettings, *, now: datetime
) -> int:
    """Have the gateway forget cards that are charged no more; says how many."""
    async with transaction(pool) as db:
        ended = await leaving.claim_detachments(
            db,
            gateway=gateway.name,
            limit=settings.worker_concurrency,
            lease_until=now + timedelta(seconds=settings.attempt_lease_seconds),
            now=now,
        )

    async def detach(each: Detachment) -> None:
        try:
            await gateway.detach_method(each.method_ref)
        except GatewayUnavailableError:
            return  # The lease brings it back.
        async with transaction(pool) as db:
            await leaving.mark_detached(db, each.payment_method_id)

    await each_apart(ended, detach, name="detachment")
    return len(ended)

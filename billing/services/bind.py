"""Binding once: plates, and the page on which a card is left, with the consent to charge it.

What a newly bound plate owes and nobody was asked for goes to its new account; what was asked of
another account stays there.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from billing.core.consent import check_consent
from billing.db import accounts, claims, consents, obligations, setups
from billing.db.accounts import Profile
from billing.db.connection import Connection, Pool, transaction
from billing.db.setups import Setup
from billing.gateway import (
    CardSetUp,
    GatewayUnavailableError,
    PageExpired,
    PageOpen,
    PaymentGateway,
    SetupOrder,
)
from billing.services.concurrently import each_apart
from billing.services.ids import new_id
from billing.settings import BillingSettings
from parking.core.errors import DomainError
from parking.core.ids import AccountId
from parking.core.plate import Plate, mask_plate

_log = structlog.get_logger(__name__)
_PAGE_LIFE = timedelta(hours=24)


class PlateBoundElsewhereError(DomainError):
    """Another account has bound this plate."""

    def __init__(self, plate: Plate) -> None:
        super().__init__(f"plate {mask_plate(plate)} is bound to another account")


class PlateNotBoundError(DomainError):
    """The account has not bound this plate."""

    def __init__(self, plate: Plate) -> None:
        super().__init__(f"plate {mask_plate(plate)} is not bound to this account")


class AccountNotFoundError(DomainError):
    """There is no such driver account."""

    def __init__(self, account_id: AccountId) -> None:
        super().__init__(f"there is no driver account {account_id}")


def mask_phone(phone: str) -> str:
    """Hide the middle of a phone number: `+8613812345678` becomes `+86******5678`."""
    return f"{phone[:3]}{'*' * max(0, len(phone) - 7)}{phone[-4:]}"


async def read_profile(pool: Pool, account_id: AccountId) -> Profile:
    """Read an account as its owner may see it."""
    async with transaction(pool) as db:
        profile = await accounts.profile(db, account_id)
    if profile is None:
        raise AccountNotFoundError(account_id)
    return profile


async def bind_plate(
    pool: Pool, settings: BillingSettings, account_id: AccountId, plate: Plate, *, now: datetime
) -> int:
    """Bind a plate; answers how many unpaid stays came with it. Binding it again changes nothing.

    Raises PlateBoundElsewhereError, AccountNotFoundError.
    """
    async with transaction(pool) as db:
        if not await accounts.keep_open(db, account_id):
            raise AccountNotFoundError(account_id)
        bound = await accounts.bind(db, account_id, plate, binding_id=new_id(now), now=now)
        if not bound and await accounts.bound_to(db, plate) != account_id:
            raise PlateBoundElsewhereError(plate)
        return await attach_arrears(db, settings, account_id, plate, now=now)


async def replace_plate(
    pool: Pool,
    settings: BillingSettings,
    account_id: AccountId,
    *,
    old: Plate,
    new: Plate,
    now: datetime,
) -> int:
    """Change a plate for the one that came after it, for example a temporary for its permanent.

    Answers how many unpaid stays came with the new one. Raises PlateNotBoundError,
    PlateBoundElsewhereError.
    """
    async with transaction(pool) as db:
        ended = await accounts.end_binding(db, account_id, old, now=now)
        if ended is None:
            raise PlateNotBoundError(old)
        await claims.poke_let_go(db, account_id, now=now)
        bound = await accounts.bind(
            db, account_id, new, binding_id=new_id(now), replaces_id=ended, now=now
        )
        if not bound and await accounts.bound_to(db, new) != account_id:
            raise PlateBoundElsewhereError(new)
        return await attach_arrears(db, settings, account_id, new, now=now)


async def attach_arrears(
    db: Connection,
    settings: BillingSettings,
    account_id: AccountId,
    plate: Plate,
    *,
    now: datetime,
) -> int:
    """Give an account its new plate's unpaid stays of late, after a hold to contest them."""
    chargeable_from = now + timedelta(seconds=settings.inherit_hold_seconds)
    attached = await obligations.attach(
        db,
        account_id,
        plate,
        left_since=now - settings.inherit,
        chargeable_from=chargeable_from,
        now=now,
    )
    if attached:
        await accounts.wake(db, account_id, now=chargeable_from)
    return attached


async def start_setup(
    pool: Pool,
    gateway: PaymentGateway,
    settings: BillingSettings,
    *,
    account_id: AccountId,
    return_url: str,
    consent_version: str,
    now: datetime,
) -> str:
    """Give the address of the gateway's page on which the driver leaves a card.

    Raises ConsentOutdatedError unless the driver agreed to the text in force.
    """
    agreed = check_consent(consent_version)
    customer_ref = await _customer(pool, gateway, account_id, now=now)
    setup_id = new_id(now)
    key = f"setup-{setup_id}"
    request = gateway.setup_request(
        SetupOrder(
            setup_id=setup_id,
            account_id=account_id,
            customer_ref=customer_ref,
            return_url=return_url,
        )
    )
    # Longer than the gateway may take: who finds it still without an address knows its maker died.
    lease_until = now + timedelta(seconds=settings.attempt_lease_seconds)
    async with transaction(pool) as db:
        await setups.insert(
            db,
            request,
            setup_id=setup_id,
            account_id=account_id,
            gateway=gateway.name,
            idempotency_key=key,
            due_at=lease_until,
            now=now,
        )
        await consents.record(db, agreed, setup_id=setup_id, account_id=account_id, now=now)
    page = await gateway.open_setup(request, idempotency_key=key)
    async with transaction(pool) as db:
        opened = await setups.mark_opened(
            db,
            setup_id,
            checkout_ref=page.checkout_ref,
            url=page.url,
            due_at=now + settings.pace.poll,
        )
    if not opened:
        reason = "the page came too late"
        raise GatewayUnavailableError(reason)
    return page.url


async def _customer(
    pool: Pool, gateway: PaymentGateway, account_id: AccountId, *, now: datetime
) -> str:
    async with transaction(pool) as db:
        known = await accounts.customer_ref(db, account_id, gateway=gateway.name)
    if known is not None:
        return known
    made = await gateway.create_customer(account_id)
    async with transaction(pool) as db:
        await accounts.store_customer(
            db, account_id, gateway=gateway.name, customer_ref=made, now=now
        )
        stored = await accounts.customer_ref(db, account_id, gateway=gateway.name)
    return stored or made


async def work_setups(
    pool: Pool, gateway: PaymentGateway, settings: BillingSettings, *, now: datetime
) -> int:
    """Ask about the pages that are due; says how many."""
    async with transaction(pool) as db:
        due = await setups.claim_due(
            db,
            gateway=gateway.name,
            limit=settings.worker_concurrency,
            lease_until=now + timedelta(seconds=settings.attempt_lease_seconds),
            now=now,
        )
    await each_apart(due, lambda setup: _ask(pool, gateway, settings, setup, now=now), name="setup")
    return len(due)


async def _ask(
    pool: Pool, gateway: PaymentGateway, settings: BillingSettings, setup: Setup, *, now: datetime
) -> None:
    if setup.checkout_ref is None:
        # Its maker died before the driver was given the address: no one can use the page.
        await _finish(pool, setup.setup_id, state="expired")
        return
    try:
        progress = await gateway.look_up_setup(setup.checkout_ref)
    except GatewayUnavailableError:
        progress = PageOpen()
    match progress:
        case PageOpen() if now < setup.created_at + _PAGE_LIFE:
            async with transaction(pool) as db:
                await setups.postpone(db, setup.setup_id, due_at=now + settings.pace.poll)
        case PageOpen() | PageExpired():
            await _finish(pool, setup.setup_id, state="expired")
        case CardSetUp():
            await _complete(pool, setup, progress, now=now)


async def _finish(pool: Pool, setup_id: UUID, *, state: str) -> None:
    async with transaction(pool) as db:
        if await setups.lock_unfinished(db, setup_id):
            await setups.finish(db, setup_id, state=state)


async def _complete(pool: Pool, setup: Setup, card: CardSetUp, *, now: datetime) -> None:
    async with transaction(pool) as db:
        if not await setups.lock_unfinished(db, setup.setup_id):
            return
        await setups.finish(db, setup.setup_id, state="completed")
        # A page can outlive its account: such a card is never charged, and forgotten at once.
        is_open = await accounts.keep_open(db, setup.account_id)
        store = accounts.replace_method if is_open else accounts.store_ended_method
        await store(
            db,
            setup.account_id,
            method_id=new_id(now),
            gateway=setup.gateway,
            method_ref=card.method_ref,
            brand=card.brand,
            last4=card.last4,
            now=now,
        )
    _log.info("payment_method_set_up", account_id=str(setup.account_id))

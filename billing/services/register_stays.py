"""Telling a provider of a stay before it is charged, and hearing whether its driver pays later.

What the gate does never waits for it: an entry is a message in the outbox, and a stay whose entry
nobody told is registered when its fee is heard of.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from billing.core.attempt import Unknown
from billing.core.payment import backoff
from billing.db import accounts, plate_services, registrations
from billing.db.connection import Connection, Pool, transaction
from billing.db.plate_services import ServiceRow
from billing.db.registrations import NewRegistration, RegistrationRow
from billing.gateway import PaymentProvider
from billing.gateways import Providers
from billing.registering import (
    EntryRegistrar,
    Registered,
    RegistrationAnswer,
    RegistrationOrder,
    RegistrationRefused,
)
from billing.services.concurrently import each_apart
from billing.services.ids import new_id
from billing.settings import BillingSettings
from parking.core.ids import StayId
from parking.core.plate import Plate
from parking.messages import StayEntered, StayPriced

_log = structlog.get_logger(__name__)


class StayToRegister(msgspec.Struct, frozen=True, kw_only=True):
    """A stay as a provider is told of it."""

    stay_id: StayId
    plate: Plate
    lot_id: str
    lot_name: str
    entered_at: datetime


def stays_in(entered: Iterable[StayEntered], priced: Iterable[StayPriced]) -> list[StayToRegister]:
    """Say which stays are worth registering: of those that cost nothing only the entry is."""
    told = {
        stay.stay_id: StayToRegister(
            stay_id=stay.stay_id,
            plate=stay.plate,
            lot_id=stay.lot_id,
            lot_name=stay.lot_name,
            entered_at=stay.entered_at,
        )
        for stay in entered
    }
    for stay in priced:
        if stay.fee.total and not stay.dissolved and stay.hold is None:
            told.setdefault(
                stay.stay_id,
                StayToRegister(
                    stay_id=stay.stay_id,
                    plate=stay.plate,
                    lot_id=stay.lot_id,
                    lot_name=stay.lot_id,
                    entered_at=stay.entered_at,
                ),
            )
    return list(told.values())


async def note_stays(
    db: Connection, providers: Providers, stays: Sequence[StayToRegister], *, now: datetime
) -> None:
    """Store the registrations of stays whose drivers have a service for their plate."""
    registrars = {each.name: each.registrar for each in providers if each.registrar is not None}
    if not registrars or not stays:
        return
    services = await plate_services.of_plates(db, {stay.plate for stay in stays})
    if services:
        new = [
            _worded(registrar, service, stay, now=now)
            for stay in stays
            for service in services.get(stay.plate, ())
            if (registrar := registrars.get(service.gateway)) is not None
        ]
        await registrations.insert(db, new, now=now)


def _worded(
    registrar: EntryRegistrar, service: ServiceRow, stay: StayToRegister, *, now: datetime
) -> NewRegistration:
    registration_id = new_id(now)
    return NewRegistration(
        registration_id=registration_id,
        stay_id=stay.stay_id,
        gateway=service.gateway,
        service_id=service.service_id,
        lot_id=stay.lot_id,
        lot_name=stay.lot_name,
        entered_at=stay.entered_at,
        request=registrar.registration_request(
            RegistrationOrder(
                registration_id=registration_id,
                plate=service.plate,
                colour=service.colour,
                lot_name=stay.lot_name,
                entered_at=stay.entered_at,
            )
        ),
    )


async def work_registrations(
    pool: Pool, provider: PaymentProvider, settings: BillingSettings, *, now: datetime
) -> int:
    """Send the registrations that are due, or send them again; says how many."""
    registrar = provider.registrar
    if registrar is None:
        return 0
    async with transaction(pool) as db:
        due = await registrations.claim_due(
            db,
            gateway=provider.name,
            limit=settings.worker_concurrency,
            lease_until=now + timedelta(seconds=settings.attempt_lease_seconds),
            now=now,
        )

    async def send(each: RegistrationRow) -> None:
        answer = await registrar.register(each.request)
        async with transaction(pool) as db:
            await _store(db, settings, each, answer, now=now)

    await each_apart(due, send, name="registration")
    return len(due)


async def _store(
    db: Connection,
    settings: BillingSettings,
    row: RegistrationRow,
    answer: RegistrationAnswer,
    *,
    now: datetime,
) -> None:
    lifetime = timedelta(seconds=settings.key_lifetime_seconds)
    if isinstance(answer, Unknown) and now - row.created_at < lifetime:
        due_at = now + backoff(sends=row.sends, pace=settings.pace)
        await registrations.postpone(db, row.registration_id, due_at=due_at, detail=answer.reason)
        return
    state, ref, detail = _state_of(answer)
    await registrations.answered(
        db, row.registration_id, state=state, registration_ref=ref, detail=detail, now=now
    )
    if isinstance(answer, Registered):
        await plate_services.follow(
            db,
            row.service_id,
            state=answer.service,
            block_reason=answer.block_reason,
            now=now,
        )
    _log.info("stay_registered", stay_id=str(row.stay_id), state=state, detail=detail)
    owner = await registrations.account_of(db, row.stay_id)
    if owner is not None:
        await accounts.wake(db, owner, now=now)


def _state_of(answer: RegistrationAnswer) -> tuple[str, str | None, str]:
    if isinstance(answer, RegistrationRefused | Unknown):
        return "refused", None, answer.reason
    if answer.block_reason is not None:
        return "blocked", answer.registration_ref, answer.block_reason
    return "registered", answer.registration_ref, ""

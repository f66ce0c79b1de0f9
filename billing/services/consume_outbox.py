"""A priced stay becomes an obligation; a later revision changes it by the difference.

One transaction takes a batch of messages, changes the obligations, books the entries and removes
the messages. A message heard twice, or after a newer one, changes nothing. One that cannot be taken
in waits, longer each time, and stops none of its neighbours: each is then taken in alone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from billing.core import entries, obligation
from billing.core.ledger import JournalEntry
from billing.core.obligation import Reassessment
from billing.db import accounts, ledger, obligations, outbox, payments
from billing.db.connection import (
    BooksUnavailableError,
    Connection,
    Pool,
    reading,
    transaction,
)
from billing.db.obligations import Adjustment, ObligationRow
from billing.gateway import PaymentGateway, RefundWording
from billing.gateways import Providers, together
from billing.services.days import booking
from billing.services.ids import new_id
from billing.services.refund import return_credit
from billing.services.register_stays import note_stays, stays_in
from billing.services.settle_operators import commissions
from billing.services.write_off import reinstate
from billing.settings import BillingSettings
from parking.core.cloning import StayHold
from parking.core.ids import StayId
from parking.messages import Message, StayEntered, StayPriced

_log = structlog.get_logger(__name__)
_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_PUT_OFF_AT_MOST: Final = timedelta(hours=6)


class _Change(msgspec.Struct, kw_only=True):
    """What a batch does to one obligation."""

    before: ObligationRow
    after: obligation.Obligation
    newest: StayPriced | None = None
    steps: list[Reassessment] = []
    adjustments: list[Adjustment] = []
    booked: list[JournalEntry] = []


async def consume_outbox(
    pool: Pool, gateway: PaymentGateway | Providers, settings: BillingSettings, *, now: datetime
) -> int:
    """Take one batch of messages; says how many. Raises BooksUnavailableError."""
    providers = together(gateway)
    try:
        async with transaction(pool) as db:
            letters = await outbox.take(db, limit=settings.worker_batch, now=now)
            await _deliver(db, letters, providers=providers, settings=settings, now=now)
            return len(letters)
    except BooksUnavailableError:
        raise
    except Exception:  # noqa: BLE001 - one of them, and each deserves its own try
        _log.warning("messages_taken_one_by_one", exc_info=True)
    async with reading(pool) as db:
        due = await outbox.due(db, limit=settings.worker_batch, now=now)
    done = 0
    for sequence in due:
        done += await _take_alone(pool, sequence, providers=providers, settings=settings, now=now)
    return done


async def _take_alone(
    pool: Pool, sequence: int, *, providers: Providers, settings: BillingSettings, now: datetime
) -> int:
    """Take one message, or put it off; says how many were taken in or put off."""
    try:
        async with transaction(pool) as db:
            letters = await outbox.take_one(db, sequence, now=now)
            await _deliver(db, letters, providers=providers, settings=settings, now=now)
            return len(letters)
    except BooksUnavailableError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, its neighbours go on
        _log.exception("message_put_off", sequence=sequence)
    async with transaction(pool) as db:
        await outbox.put_off(db, sequence, at_most=_PUT_OFF_AT_MOST, now=now)
    return 1


async def _deliver(
    db: Connection,
    letters: Sequence[outbox.Letter],
    *,
    providers: Providers,
    settings: BillingSettings,
    now: datetime,
) -> None:
    """Do what messages say; together they are one write."""
    if not letters:
        return
    messages = await _read(db, letters, now=now)
    entered = [each for each in messages if isinstance(each, StayEntered)]
    stays = [each for each in messages if isinstance(each, StayPriced)]
    await take_in(db, stays, gateway=providers, settings=settings, now=now)
    await note_stays(db, providers, stays_in(entered, stays), now=now)


async def take_in(
    db: Connection,
    stays: Sequence[StayPriced],
    *,
    gateway: RefundWording,
    settings: BillingSettings,
    now: datetime,
) -> None:
    """Change obligations and ledger by what these messages say."""
    if not stays:
        return
    settled_at = now + timedelta(seconds=settings.settle_seconds)
    stays = [
        msgspec.structs.replace(stay, chargeable_from=max(stay.chargeable_from, settled_at))
        for stay in stays
    ]
    first = {stay.stay_id: stay for stay in reversed(stays)}
    await accounts.keep_bound(db, {stay.plate for stay in stays})
    await obligations.open_for(
        db,
        [(new_id(now), first[stay_id]) for stay_id in sorted(first)],
        commission_bp=await commissions(
            db, [stay.operator_id for stay in stays], settings=settings, now=now
        ),
        inherit=settings.inherit,
        inherit_hold=timedelta(seconds=settings.inherit_hold_seconds),
        now=now,
    )
    rows = await _revived(db, await obligations.lock_by_stay(db, list(first)), stays, settings, now)
    changes = {stay_id: _Change(before=row, after=row.money) for stay_id, row in rows.items()}
    for stay in stays:
        _apply(changes[stay.stay_id], stay, settings=settings, now=now)
    await _store(db, changes, gateway=gateway, settings=settings, now=now)


async def _revived(
    db: Connection,
    rows: dict[StayId, ObligationRow],
    stays: Sequence[StayPriced],
    settings: BillingSettings,
    now: datetime,
) -> dict[StayId, ObligationRow]:
    """A changed fee ends a write-off: what is left of it may then be given up again."""
    for stay in stays:
        row = rows[stay.stay_id]
        if row.money.written_off_minor and stay.revision > row.money.revision:
            rows[stay.stay_id] = await reinstate(
                db,
                row,
                settings=settings,
                said_by="rule:revision",
                reason=f"revision {stay.revision} of the fee",
                now=now,
            )
    return rows


async def _read(
    db: Connection, letters: Sequence[outbox.Letter], *, now: datetime
) -> list[Message]:
    messages: list[Message] = []
    for letter in letters:
        try:
            messages.append(_DECODER.decode(letter.payload))
        except msgspec.MsgspecError as error:
            _log.exception("message_refused", message_id=str(letter.message_id))
            await outbox.refuse(db, letter, problem=str(error), now=now)
    return messages


def _apply(change: _Change, stay: StayPriced, *, settings: BillingSettings, now: datetime) -> None:
    if stay.revision <= change.after.revision:
        return
    fee_json = msgspec.json.encode(stay.fee).decode()
    before_minor = change.after.charged_minor
    known = change.newest.plate if change.newest is not None else change.before.plate
    others = stay.hold is StayHold.OTHER_CAR and change.after.kept_minor
    if others or (stay.plate != known and change.after.captured_minor):
        # Another car's driver paid: all of it goes back before the right one is asked.
        _step(change, obligation.take_back(change.after), stay, settings=settings, now=now)
    step = obligation.reassess(
        change.after, charged_minor=stay.fee.total.amount_minor, revision=stay.revision
    )
    if step is None:
        return
    _step(change, step, stay, settings=settings, now=now)
    change.newest = stay
    change.adjustments.append(
        Adjustment(
            obligation_id=change.after.obligation_id,
            revision=stay.revision,
            from_minor=before_minor,
            to_minor=change.after.charged_minor,
            dissolved=stay.dissolved,
            fee_json=fee_json,
            recorded_at=now,
        )
    )


def _step(
    change: _Change,
    step: Reassessment,
    stay: StayPriced,
    *,
    settings: BillingSettings,
    now: datetime,
) -> None:
    change.after = step.obligation
    change.steps.append(step)
    entry = entries.assessed(
        step,
        currency=stay.fee.total.currency,
        booking=booking(settings, now=now, occurred_at=stay.left_at, trace_id=stay.trace_id),
    )
    if entry is not None:
        change.booked.append(entry)


async def _store(
    db: Connection,
    changes: dict[StayId, _Change],
    *,
    gateway: RefundWording,
    settings: BillingSettings,
    now: datetime,
) -> None:
    changed = [change for change in changes.values() if change.newest is not None]
    if not changed:
        return
    await obligations.write_sums(db, [change.after for change in changed], now=now)
    await obligations.write_facts(
        db,
        [
            (change.newest, change.adjustments[-1].fee_json)
            for change in changed
            if change.newest is not None
        ],
        inherit=settings.inherit,
        inherit_hold=timedelta(seconds=settings.inherit_hold_seconds),
    )
    held = [
        change.newest
        for change in changed
        if change.newest is not None and (change.newest.hold or change.before.hold)
    ]
    if held:
        await obligations.write_holds(db, held)
    await obligations.record_adjustments(
        db, [each for change in changed for each in change.adjustments]
    )
    await ledger.append(
        db, [(new_id(now), entry) for change in changed for entry in change.booked], now=now
    )
    for change in changed:
        await _refund_credits(db, change, gateway=gateway, settings=settings, now=now)
    paying = [change.after.obligation_id for change in changed if change.before.money.held]
    if paying:
        await payments.call_off_changed(db, paying, now=now)
    await accounts.poke_owners(db, [change.after.obligation_id for change in changed])


async def _refund_credits(
    db: Connection,
    change: _Change,
    *,
    gateway: RefundWording,
    settings: BillingSettings,
    now: datetime,
) -> None:
    credit_minor = sum(step.credit_minor for step in change.steps)
    if credit_minor:
        await return_credit(
            db,
            change.after.obligation_id,
            amount_minor=credit_minor,
            gateway=gateway,
            settings=settings,
            now=now,
        )

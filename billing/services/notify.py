"""Messages to drivers: stored with what caused them, sent by the worker until somebody has them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from billing.core.messages import text_of
from billing.db import notices
from billing.db.connection import Connection, Pool, transaction
from billing.db.notices import Waiting
from billing.notifications import Notification, NotificationKind, Notifier, NotSentError
from billing.services.concurrently import each_apart
from billing.services.ids import new_id
from billing.settings import BillingSettings
from parking.core.ids import AccountId

_log = structlog.get_logger(__name__)
_TRIES_MAX = 12


async def tell(
    db: Connection,
    kind: NotificationKind,
    *,
    account_id: AccountId,
    about: UUID,
    parameters: Mapping[str, str],
    now: datetime,
    due_at: datetime | None = None,
) -> None:
    """Have a driver told if the transaction commits; the newest of a kind about a thing counts."""
    await notices.insert(
        db,
        new_id(now),
        account_id=account_id,
        kind=kind.value,
        about=about,
        parameters=parameters,
        due_at=due_at or now,
        now=now,
    )


async def work_notifications(
    pool: Pool, notifier: Notifier, settings: BillingSettings, *, now: datetime
) -> int:
    """Send the messages that are due; says how many were tried."""
    async with transaction(pool) as db:
        waiting = await notices.claim_due(
            db,
            limit=settings.worker_concurrency,
            lease_until=now + timedelta(seconds=settings.attempt_lease_seconds),
            now=now,
        )
    await each_apart(waiting, lambda each: _send(pool, notifier, each, now=now), name="message")
    return len(waiting)


async def _send(pool: Pool, notifier: Notifier, each: Waiting, *, now: datetime) -> None:
    sent_at = None
    if not each.closed and each.tries <= _TRIES_MAX:
        text = text_of(each.kind, each.parameters)
        try:
            await notifier.send(
                Notification(
                    notification_id=each.notification_id,
                    kind=NotificationKind(each.kind),
                    phone=each.phone,
                    text_zh=text.zh,
                    text_en=text.en,
                )
            )
        except NotSentError as error:
            _log.warning("message_not_sent", kind=each.kind, reason=str(error))
            return  # The lease brings it back.
        sent_at = now
    async with transaction(pool) as db:
        await notices.finish(db, each.notification_id, sent_at=sent_at)

"""Driver accounts, their plates, cards and gateway names as rows."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from billing.core.attempt import DeclineClass
from billing.db.connection import Connection, rows_changed
from parking.core.ids import AccountId, ObligationId
from parking.core.plate import Plate

_INSERT = """
INSERT INTO billing.driver_account (account_id, phone, created_at) VALUES ($1, $2, $3)
ON CONFLICT (phone) WHERE closed_at IS NULL DO NOTHING
"""

_BIND = """
INSERT INTO billing.plate_binding (binding_id, account_id, plate, bound_at, replaces_id)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (plate) WHERE ended_at IS NULL DO NOTHING
"""

_LOCK_PLATE = "SELECT pg_advisory_xact_lock(hashtextextended('plate ' || $1, 0))"

_KEEP_BOUND = """
SELECT count(pg_advisory_xact_lock_shared(key)::text)
FROM (SELECT DISTINCT hashtextextended('plate ' || plate, 0) AS key
      FROM unnest($1::text[]) AS plate ORDER BY key) AS k
"""

_KEEP_OPEN = """
SELECT account_id FROM billing.driver_account
WHERE account_id = $1 AND closed_at IS NULL FOR KEY SHARE
"""

_END_BINDING = """
UPDATE billing.plate_binding SET ended_at = greatest($3, bound_at)
WHERE account_id = $1 AND plate = $2 AND ended_at IS NULL RETURNING binding_id
"""

_BOUND_TO = """
SELECT account_id FROM billing.plate_binding WHERE plate = $1 AND ended_at IS NULL
"""

_PROFILE = """
SELECT a.account_id, a.phone, a.declines, a.collect_after, a.suspended_at,
    coalesce((SELECT array_agg(b.plate ORDER BY b.bound_at) FROM billing.plate_binding AS b
              WHERE b.account_id = a.account_id AND b.ended_at IS NULL), '{}') AS plates,
    m.brand, m.last4
FROM billing.driver_account AS a
LEFT JOIN billing.payment_method AS m ON m.account_id = a.account_id AND m.ended_at IS NULL
WHERE a.account_id = $1
"""

_CUSTOMER = """
SELECT customer_ref FROM billing.gateway_customer WHERE account_id = $1 AND gateway = $2
"""

_INSERT_CUSTOMER = """
INSERT INTO billing.gateway_customer (account_id, gateway, customer_ref, created_at)
VALUES ($1, $2, $3, $4) ON CONFLICT (account_id, gateway) DO NOTHING
"""

_END_METHOD = """
UPDATE billing.payment_method SET ended_at = $2, detach_at = $2
WHERE account_id = $1 AND ended_at IS NULL AND method_ref <> $3
"""

_INSERT_METHOD = """
INSERT INTO billing.payment_method
    (payment_method_id, account_id, gateway, method_ref, brand, last4, set_up_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (gateway, method_ref) DO NOTHING
"""

_INSERT_ENDED_METHOD = """
INSERT INTO billing.payment_method
    (payment_method_id, account_id, gateway, method_ref, brand, last4, set_up_at, ended_at,
     detach_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $7) ON CONFLICT (gateway, method_ref) DO NOTHING
"""

_METHOD = """
SELECT m.method_ref FROM billing.payment_method AS m
WHERE m.account_id = $1 AND m.gateway = $2 AND m.ended_at IS NULL
"""

_NEWER_METHOD = """
SELECT EXISTS (
    SELECT FROM billing.payment_method AS m
    WHERE m.account_id = $1 AND m.gateway = $2 AND m.ended_at IS NULL AND m.set_up_at > $3)
"""

_RESTORE = """
UPDATE billing.driver_account
SET declines = 0, collect_after = NULL, suspended_at = NULL, suspended_for = NULL,
    gather_at = $2
WHERE account_id = $1
"""

_LOCK_SUSPENSION = """
SELECT suspended_for FROM billing.driver_account
WHERE account_id = $1 AND suspended_at IS NOT NULL FOR NO KEY UPDATE
"""

_OWED = """
SELECT coalesce(sum(charged_minor - captured_minor + returned_minor), 0)::bigint
FROM billing.obligation WHERE account_id = $1 AND state IN ('due', 'collecting', 'written_off')
"""

_TRY_AGAIN = """
UPDATE billing.payment SET state = 'waiting', due_at = $2, updated_at = $2
WHERE account_id = $1 AND method <> 'checkout' AND state IN ('waiting', 'stopped')
"""

_DECLINED = """
UPDATE billing.driver_account
SET declines = declines + 1, collect_after = $2,
    suspended_at = CASE WHEN $4::text IS NOT NULL THEN coalesce(suspended_at, $3) END,
    suspended_for = $4
WHERE account_id = $1
"""

_WAKE = "UPDATE billing.driver_account SET gather_at = least(gather_at, $2) WHERE account_id = $1"

_DECLINES = "SELECT declines FROM billing.driver_account WHERE account_id = $1"

_POKE_OWNERS = """
UPDATE billing.driver_account AS a SET gather_at = least(a.gather_at, n.at)
FROM (SELECT account_id, min(chargeable_from) AS at FROM billing.obligation
      WHERE obligation_id = ANY($1::uuid[]) AND state = 'due' AND account_id IS NOT NULL
      GROUP BY account_id) AS n
WHERE a.account_id = n.account_id
"""

_LOCK_TO_GATHER = """
SELECT a.account_id, a.collect_after, a.suspended_at, c.customer_ref, m.method_ref,
    EXISTS (SELECT FROM billing.payment AS p WHERE p.account_id = a.account_id
            AND p.method = 'card' AND p.state NOT IN ('succeeded', 'abandoned')) AS paying,
    EXISTS (SELECT FROM billing.payment AS p JOIN billing.dispute AS d USING (payment_id)
            WHERE p.account_id = a.account_id AND d.closed_at IS NULL) AS disputing
FROM billing.driver_account AS a
LEFT JOIN billing.gateway_customer AS c ON c.account_id = a.account_id AND c.gateway = $2
LEFT JOIN billing.payment_method AS m
    ON m.account_id = a.account_id AND m.gateway = $2 AND m.ended_at IS NULL
WHERE a.gather_at <= $1
ORDER BY a.gather_at LIMIT $3
FOR NO KEY UPDATE OF a SKIP LOCKED
"""

_GATHER_NEXT = """
UPDATE billing.driver_account AS a SET gather_at = n.at
FROM unnest($1::uuid[], $2::timestamptz[]) AS n (account_id, at)
WHERE a.account_id = n.account_id
"""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What an account's owner may see of it."""

    account_id: AccountId
    phone: str
    plates: tuple[Plate, ...]
    card_brand: str | None
    card_last4: str | None
    declines: int
    collect_after: datetime | None
    suspended_at: datetime | None


class Suspension(msgspec.Struct, frozen=True, kw_only=True):
    """Why an account pays later no more, and what it owes in minor units."""

    suspended_for: DeclineClass | None
    owed_minor: int


class ToGather(msgspec.Struct, frozen=True, kw_only=True):
    """An account whose obligations are to be looked through."""

    account_id: AccountId
    collect_after: datetime | None
    suspended: bool
    customer_ref: str | None
    method_ref: str | None
    paying: bool
    """A payment by card is under way; another waits for its end."""
    disputing: bool
    """A bank disputes a payment by this account's card: nothing more is charged meanwhile."""


async def insert(db: Connection, account_id: AccountId, *, phone: str, now: datetime) -> bool:
    """Store an account; False where the phone number has one already."""
    return rows_changed(await db.execute(_INSERT, account_id, phone, now)) == 1


async def profile(db: Connection, account_id: AccountId) -> Profile | None:
    """Read an account as its owner may see it."""
    row = await db.fetchrow(_PROFILE, account_id)
    if row is None:
        return None
    return Profile(
        account_id=AccountId(row["account_id"]),
        phone=row["phone"],
        plates=tuple(row["plates"]),
        card_brand=row["brand"],
        card_last4=row["last4"],
        declines=row["declines"],
        collect_after=row["collect_after"],
        suspended_at=row["suspended_at"],
    )


async def bind(
    db: Connection,
    account_id: AccountId,
    plate: Plate,
    *,
    binding_id: UUID,
    replaces_id: UUID | None = None,
    now: datetime,
) -> bool:
    """Bind a plate; False where it is bound already.

    Waits for whoever is opening obligations of this plate, so that they are there to be attached.
    """
    await db.execute(_LOCK_PLATE, plate)
    tag = await db.execute(_BIND, binding_id, account_id, plate, now, replaces_id)
    return rows_changed(tag) == 1


async def end_binding(
    db: Connection, account_id: AccountId, plate: Plate, *, now: datetime
) -> UUID | None:
    """End a binding and answer its id; None where the account has no such plate."""
    binding_id: UUID | None = await db.fetchval(_END_BINDING, account_id, plate, now)
    return binding_id


async def bound_to(db: Connection, plate: Plate) -> AccountId | None:
    """Say to whom a plate is bound now."""
    account_id: AccountId | None = await db.fetchval(_BOUND_TO, plate)
    return account_id


async def keep_bound(db: Connection, plates: Collection[Plate]) -> None:
    """Keep plates from being bound until the transaction ends.

    So whoever looks up their accounts and whoever binds one do not miss each other.
    """
    await db.execute(_KEEP_BOUND, list(plates))


async def keep_open(db: Connection, account_id: AccountId) -> bool:
    """Keep an account from being closed until the transaction ends; False: it is closed."""
    return await db.fetchval(_KEEP_OPEN, account_id) is not None


async def customer_ref(db: Connection, account_id: AccountId, *, gateway: str) -> str | None:
    """Say what a gateway calls this driver."""
    ref: str | None = await db.fetchval(_CUSTOMER, account_id, gateway)
    return ref


async def store_customer(
    db: Connection, account_id: AccountId, *, gateway: str, customer_ref: str, now: datetime
) -> None:
    """Store what a gateway calls this driver; the first to say so stays."""
    await db.execute(_INSERT_CUSTOMER, account_id, gateway, customer_ref, now)


async def method_ref(db: Connection, account_id: AccountId, *, gateway: str) -> str | None:
    """Name the card that is charged now."""
    ref: str | None = await db.fetchval(_METHOD, account_id, gateway)
    return ref


async def has_card_since(
    db: Connection, account_id: AccountId, *, gateway: str, since: datetime
) -> bool:
    """Whether the card that is charged now was left after an instant."""
    newer: bool = await db.fetchval(_NEWER_METHOD, account_id, gateway, since)
    return newer


async def replace_method(
    db: Connection,
    account_id: AccountId,
    *,
    method_id: UUID,
    gateway: str,
    method_ref: str,
    brand: str,
    last4: str,
    now: datetime,
) -> None:
    """Charge this card from now on; what was declined before is tried again at once."""
    await db.execute(_TRY_AGAIN, account_id, now)
    await db.execute(_END_METHOD, account_id, now, method_ref)
    await db.execute(_INSERT_METHOD, method_id, account_id, gateway, method_ref, brand, last4, now)
    await db.execute(_RESTORE, account_id, now)


async def store_ended_method(
    db: Connection,
    account_id: AccountId,
    *,
    method_id: UUID,
    gateway: str,
    method_ref: str,
    brand: str,
    last4: str,
    now: datetime,
) -> None:
    """Store a card that is never charged, so that the gateway is told to forget it."""
    await db.execute(
        _INSERT_ENDED_METHOD, method_id, account_id, gateway, method_ref, brand, last4, now
    )


async def declines(db: Connection, account_id: AccountId) -> int:
    """Count the declines in a row."""
    count: int = await db.fetchval(_DECLINES, account_id)
    return count


async def count_decline(
    db: Connection,
    account_id: AccountId,
    *,
    retry_at: datetime | None,
    suspended_for: DeclineClass | None,
    now: datetime,
) -> None:
    """Remember a decline, and where it suspends pay-later, that it does."""
    cause = None if suspended_for is None else suspended_for.value
    await db.execute(_DECLINED, account_id, retry_at, now, cause)


async def lock_suspension(db: Connection, account_id: AccountId) -> Suspension | None:
    """Lock a suspended account and say why it is, and what it owes; None where it is not."""
    row = await db.fetchrow(_LOCK_SUSPENSION, account_id)
    if row is None:
        return None
    cause = row["suspended_for"]
    return Suspension(
        suspended_for=None if cause is None else DeclineClass(cause),
        owed_minor=await owed_minor(db, account_id),
    )


async def owed_minor(db: Connection, account_id: AccountId) -> int:
    """Sum what an account owes, whether or not it is being collected.

    A statement of its own: under a lock taken before, it sees what others committed meanwhile.
    """
    owed: int = await db.fetchval(_OWED, account_id)
    return owed


async def restore(db: Connection, account_id: AccountId, *, now: datetime) -> None:
    """Let an account pay later again."""
    await db.execute(_RESTORE, account_id, now)


async def wake(db: Connection, account_id: AccountId, *, now: datetime) -> None:
    """Have an account looked through now."""
    await db.execute(_WAKE, account_id, now)


async def poke_owners(db: Connection, obligation_ids: Sequence[ObligationId]) -> None:
    """Have the accounts of due obligations looked through once these are chargeable."""
    await db.execute(_POKE_OWNERS, list(obligation_ids))


async def lock_to_gather(
    db: Connection, *, gateway: str, limit: int, now: datetime
) -> list[ToGather]:
    """Lock accounts that are to be looked through and that no other worker has."""
    return [
        ToGather(
            account_id=AccountId(row["account_id"]),
            collect_after=row["collect_after"],
            suspended=row["suspended_at"] is not None,
            customer_ref=row["customer_ref"],
            method_ref=row["method_ref"],
            paying=row["paying"],
            disputing=row["disputing"],
        )
        for row in await db.fetch(_LOCK_TO_GATHER, now, gateway, limit)
    ]


async def gather_next(db: Connection, looks: Collection[tuple[AccountId, datetime | None]]) -> None:
    """Store when locked accounts are to be looked through next; None: when something happens."""
    await db.execute(_GATHER_NEXT, [account for account, _ in looks], [at for _, at in looks])

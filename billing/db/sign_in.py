"""One-time codes and tokens as rows. Neither is stored as it is sent."""

from datetime import datetime
from uuid import UUID

import msgspec

from billing.core.sign_in import SentCode
from billing.db.connection import Connection, rows_changed
from parking.core.ids import AccountId

_LOCK_PHONE = "SELECT pg_advisory_xact_lock(hashtextextended('phone_code ' || $1, 0))"

_SENT = """
SELECT created_at FROM billing.phone_code
WHERE phone = $1 AND created_at > $2::timestamptz - interval '1 hour'
"""

_INSERT = """
INSERT INTO billing.phone_code (code_id, phone, salt, code_hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""

_NEWEST = """
SELECT code_id, salt, code_hash, tries, expires_at, used_at IS NOT NULL AS used
FROM billing.phone_code WHERE phone = $1 ORDER BY created_at DESC, code_id DESC LIMIT 1 FOR UPDATE
"""

# Ids sort by time: a few of the oldest each time, and never a row that someone is at.
_FORGET = """
DELETE FROM billing.phone_code WHERE code_id IN (
    SELECT code_id FROM billing.phone_code WHERE code_id IN (
        SELECT code_id FROM billing.phone_code ORDER BY code_id LIMIT 20)
    AND expires_at < $1::timestamptz - interval '1 day' FOR UPDATE SKIP LOCKED)
"""

_OF_PHONE = """
SELECT account_id FROM billing.driver_account WHERE phone = $1 AND closed_at IS NULL
FOR KEY SHARE
"""

_SIGN_IN = """
INSERT INTO billing.driver_token (token_sha256, token_id, account_id, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5)
"""

_TOKENS = """
SELECT token_id, created_at, expires_at FROM billing.driver_token
WHERE account_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
ORDER BY created_at
"""

_REVOKE = """
UPDATE billing.driver_token SET revoked_at = $3
WHERE account_id = $1 AND token_id = $2 AND revoked_at IS NULL
"""

_REVOKE_ALL = """
UPDATE billing.driver_token SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL
"""

_HOLDER = """
SELECT account_id, token_id FROM billing.driver_token
WHERE token_sha256 = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
"""


class StoredCode(msgspec.Struct, frozen=True, kw_only=True):
    """The newest code of a phone number."""

    code_id: UUID
    salt: bytes
    code_hash: bytes
    sent: SentCode


class TokenRow(msgspec.Struct, frozen=True, kw_only=True):
    """A token that is good, without the token."""

    token_id: UUID
    created_at: datetime
    expires_at: datetime | None


class TokenHolder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a token."""

    account_id: AccountId
    token_id: UUID


async def lock_phone(db: Connection, phone: str) -> None:
    """Let one request at a time be about this phone number."""
    await db.execute(_LOCK_PHONE, phone)


async def sent_lately(db: Connection, phone: str, *, now: datetime) -> list[datetime]:
    """Say when codes were sent to a number in the last hour."""
    return [row["created_at"] for row in await db.fetch(_SENT, phone, now)]


async def insert_code(
    db: Connection,
    code_id: UUID,
    *,
    phone: str,
    salt: bytes,
    code_hash: bytes,
    expires_at: datetime,
    now: datetime,
) -> None:
    """Store a code's hash, and forget the codes of yesterday."""
    await db.execute(_FORGET, now)
    await db.execute(_INSERT, code_id, phone, salt, code_hash, now, expires_at)


async def newest_code(db: Connection, phone: str) -> StoredCode | None:
    """Lock the newest code of a number; older ones are dead."""
    row = await db.fetchrow(_NEWEST, phone)
    if row is None:
        return None
    return StoredCode(
        code_id=row["code_id"],
        salt=row["salt"],
        code_hash=row["code_hash"],
        sent=SentCode(expires_at=row["expires_at"], tries=row["tries"], used=row["used"]),
    )


async def count_try(db: Connection, code_id: UUID) -> None:
    """Count a wrong guess."""
    await db.execute("UPDATE billing.phone_code SET tries = tries + 1 WHERE code_id = $1", code_id)


async def use_code(db: Connection, code_id: UUID, *, now: datetime) -> None:
    """A code opens once."""
    await db.execute("UPDATE billing.phone_code SET used_at = $2 WHERE code_id = $1", code_id, now)


async def account_of_phone(db: Connection, phone: str) -> AccountId | None:
    """Find the open account of a phone number; it stays open until the transaction ends."""
    account_id: AccountId | None = await db.fetchval(_OF_PHONE, phone)
    return account_id


async def insert_token(
    db: Connection,
    account_id: AccountId,
    *,
    token_id: UUID,
    token_sha256: bytes,
    expires_at: datetime,
    now: datetime,
) -> None:
    """Store a token's hash."""
    await db.execute(_SIGN_IN, token_sha256, token_id, account_id, now, expires_at)


async def holder_of(db: Connection, token_sha256: bytes, *, now: datetime) -> TokenHolder | None:
    """Say whose token this is, if it is still good."""
    row = await db.fetchrow(_HOLDER, token_sha256, now)
    if row is None:
        return None
    return TokenHolder(account_id=AccountId(row["account_id"]), token_id=row["token_id"])


async def tokens_of(db: Connection, account_id: AccountId, *, now: datetime) -> list[TokenRow]:
    """List an account's good tokens, the oldest first."""
    return [
        TokenRow(
            token_id=row["token_id"], created_at=row["created_at"], expires_at=row["expires_at"]
        )
        for row in await db.fetch(_TOKENS, account_id, now)
    ]


async def revoke(db: Connection, account_id: AccountId, token_id: UUID, *, now: datetime) -> bool:
    """End one of an account's tokens; False where it has no such token any more."""
    return rows_changed(await db.execute(_REVOKE, account_id, token_id, now)) == 1


async def revoke_all(db: Connection, account_id: AccountId, *, now: datetime) -> None:
    """End all of an account's tokens."""
    await db.execute(_REVOKE_ALL, account_id, now)

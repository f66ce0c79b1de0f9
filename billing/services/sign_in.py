"""Signing in: a phone number is proven by a code sent to it, and the proof gives a token.

The first proof opens the account. The answer to asking for a code says nothing about whether the
number has an account.
"""

import asyncio
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from billing.core.sign_in import CODE_DIGITS, CodeAnswer, judge, may_send_at
from billing.db import accounts, sign_in
from billing.db.connection import Connection, Pool, transaction
from billing.db.sign_in import TokenHolder, TokenRow
from billing.notifications import Notification, NotificationKind, Notifier
from billing.services.ids import new_id
from billing.settings import BillingSettings
from parking.core.errors import DomainError
from parking.core.ids import AccountId

_TOKEN_BYTES = 32
_SALT_BYTES = 16
# About 20 ms: all codes there are take hours to try, and a code lives minutes.
_SCRYPT_COST = 2**13


class CodeTooSoonError(DomainError):
    """Another code for this number may be sent only later."""

    def __init__(self, wait: timedelta) -> None:
        self.retry_after_seconds = max(1, round(wait.total_seconds()))
        super().__init__(f"another code can be sent in {self.retry_after_seconds} seconds")


class WrongCodeError(DomainError):
    """The code is not the one that was sent."""

    def __init__(self) -> None:
        super().__init__("this is not the code that was sent last")


class DeadCodeError(DomainError):
    """No code of this number is good any more."""

    def __init__(self) -> None:
        super().__init__("the code is too old, used, or was tried too often; ask for another")


class UnknownTokenError(DomainError):
    """The account has no such token."""

    def __init__(self, token_id: UUID) -> None:
        super().__init__(f"there is no token {token_id}, or it was revoked")


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The proof of a phone number."""

    account_id: AccountId
    token: str
    """Shown this once."""
    created: bool
    """The account was opened by this."""


def token_hash(token: str) -> bytes:
    """Hash a driver's token as it is kept at rest."""
    return hashlib.sha256(token.encode()).digest()


def code_hash(code: str, *, salt: bytes) -> bytes:
    """Hash a code as it is kept at rest; slow on purpose, since there are few codes."""
    return hashlib.scrypt(code.encode(), salt=salt, n=_SCRYPT_COST, r=8, p=1, dklen=32)


async def send_code(
    pool: Pool, notifier: Notifier, settings: BillingSettings, *, phone: str, now: datetime
) -> datetime:
    """Send a code to a number; answers until when it is good.

    Raises CodeTooSoonError, NotSentError.
    """
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    salt = secrets.token_bytes(_SALT_BYTES)
    hashed = await asyncio.to_thread(code_hash, code, salt=salt)
    rule = settings.code_rule
    code_id = new_id(now)
    async with transaction(pool) as db:
        await sign_in.lock_phone(db, phone)
        earliest = may_send_at(await sign_in.sent_lately(db, phone, now=now), rule=rule, now=now)
        if earliest > now:
            raise CodeTooSoonError(earliest - now)
        await sign_in.insert_code(
            db,
            code_id,
            phone=phone,
            salt=salt,
            code_hash=hashed,
            expires_at=now + rule.life,
            now=now,
        )
    await notifier.send(_message(code_id, phone=phone, code=code, life=rule.life))
    return now + rule.life


def _message(code_id: UUID, *, phone: str, code: str, life: timedelta) -> Notification:
    minutes = round(life.total_seconds() / 60)
    return Notification(
        notification_id=code_id,
        kind=NotificationKind.SIGN_IN_CODE,
        phone=phone,
        text_zh=f"验证码 {code}，{minutes} 分钟内有效。请勿告诉他人。",
        text_en=f"{code} is your sign-in code, good for {minutes} minutes. Tell it to no one.",
    )


async def sign_in_with_code(
    pool: Pool, settings: BillingSettings, *, phone: str, code: str, now: datetime
) -> SignedIn:
    """Give a token to whoever knows the code; opens the account if the number has none.

    Raises WrongCodeError, DeadCodeError.
    """
    async with transaction(pool) as db:
        await sign_in.lock_phone(db, phone)
        answer = await _judge(db, settings, phone=phone, code=code, now=now)
        if answer is CodeAnswer.RIGHT:
            return await _open(db, settings, phone=phone, now=now)
    # The wrong try is counted by now: the transaction has ended.
    raise WrongCodeError if answer is CodeAnswer.WRONG else DeadCodeError


async def _judge(
    db: Connection, settings: BillingSettings, *, phone: str, code: str, now: datetime
) -> CodeAnswer:
    stored = await sign_in.newest_code(db, phone)
    if stored is None:
        return CodeAnswer.DEAD
    given = await asyncio.to_thread(code_hash, code, salt=stored.salt)
    matches = hmac.compare_digest(given, stored.code_hash)
    answer = judge(stored.sent, matches=matches, rule=settings.code_rule, now=now)
    if answer is CodeAnswer.WRONG:
        await sign_in.count_try(db, stored.code_id)
    elif answer is CodeAnswer.RIGHT:
        await sign_in.use_code(db, stored.code_id, now=now)
    return answer


async def _open(
    db: Connection, settings: BillingSettings, *, phone: str, now: datetime
) -> SignedIn:
    known = await sign_in.account_of_phone(db, phone)
    account_id = known or AccountId(new_id(now))
    created = known is None
    if created:
        # Nobody else can have opened one: requests about one phone wait for each other.
        await accounts.insert(db, account_id, phone=phone, now=now)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    await sign_in.insert_token(
        db,
        account_id,
        token_id=new_id(now),
        token_sha256=token_hash(token),
        expires_at=now + timedelta(days=settings.token_days),
        now=now,
    )
    return SignedIn(account_id=account_id, token=token, created=created)


async def holder_of_token(pool: Pool, token: str, *, now: datetime) -> TokenHolder | None:
    """Say whose token this is, if it is still good."""
    async with transaction(pool) as db:
        return await sign_in.holder_of(db, token_hash(token), now=now)


async def list_tokens(pool: Pool, account_id: AccountId, *, now: datetime) -> list[TokenRow]:
    """List where an account is signed in."""
    async with transaction(pool) as db:
        return await sign_in.tokens_of(db, account_id, now=now)


async def revoke_token(pool: Pool, account_id: AccountId, token_id: UUID, *, now: datetime) -> None:
    """Sign out one token. Raises UnknownTokenError."""
    async with transaction(pool) as db:
        if not await sign_in.revoke(db, account_id, token_id, now=now):
            raise UnknownTokenError(token_id)

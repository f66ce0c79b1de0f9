"""Who is asking: keys are made, shown once, kept as hashes, looked up, revoked.

A key that was looked up is believed for a few seconds (`IngestLimits.key_cache_seconds`): other
server processes honour a revoked one that much longer, the revoking one refuses it at once.
"""

import secrets
import time
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from parking.core.errors import DomainError
from parking.core.ids import DeviceId, LotId, OperatorId
from parking.db import api_keys, places
from parking.db.api_keys import Principal, Role
from parking.db.pool import Pool, reading, transaction
from parking.services.clock import Clock, new_id
from parking.services.refusals import UnknownDeviceError
from parking.services.register_place import UnknownOperatorError
from parking.services.shared_reads import SharedReads

ADMIN_KEY_LENGTH_MIN: Final = 24
_PREFIX: Final = "lf_"
_SECRET_BYTES: Final = 32
_CACHE_SIZE_MAX: Final = 10_000


class UnauthorisedError(DomainError):
    """No key, a key that we do not know, or one that was revoked."""

    def __init__(self) -> None:
        super().__init__("a valid key is needed: Authorization: Bearer <key>")


class ForbiddenError(DomainError):
    """The key is valid, but not for this."""

    def __init__(self, needed: str) -> None:
        super().__init__(f"this key may not do that; {needed} is needed")


class UnknownKeyError(DomainError):
    """There is no key of this id."""

    def __init__(self, key_id: UUID) -> None:
        super().__init__(f"there is no key {key_id}")


class WeakAdminKeyError(DomainError):
    """The configured admin key could be guessed."""

    def __init__(self) -> None:
        super().__init__(f"the admin key needs at least {ADMIN_KEY_LENGTH_MIN} characters")


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as its owner sees it, this once."""

    key_id: UUID
    key: str


class ApiKeys:
    """Makes, checks and revokes keys."""

    def __init__(self, pool: Pool, *, clock: Clock, cache_seconds: float) -> None:
        """Look keys up through `pool`, believe what was found for `cache_seconds`."""
        self._pool = pool
        self._clock = clock
        self._cache_s = cache_seconds
        self._cache: dict[bytes, tuple[Principal | None, float]] = {}
        self._reads: SharedReads[bytes, Principal | None] = SharedReads()

    async def principal(self, key: str) -> Principal:
        """Whose key it is. Raises UnauthorisedError, DatabaseUnavailableError."""
        digest = _digest(key)
        found = self._cache.get(digest)
        now_s = time.monotonic()
        if found is None or found[1] < now_s:
            principal = await self._reads.read(digest, lambda: self._read(digest))
        else:
            principal = found[0]
        if principal is None:
            raise UnauthorisedError
        return principal

    async def _read(self, digest: bytes) -> Principal | None:
        cache, until_s = self._cache, time.monotonic() + self._cache_s
        async with reading(self._pool) as connection:
            principal = await api_keys.find(connection, digest)
        if len(cache) >= _CACHE_SIZE_MAX:
            cache.clear()
        cache[digest] = (principal, until_s)
        return principal

    async def create_for_device(self, lot_id: LotId, device_id: DeviceId) -> NewKey:
        """A key for a gate device. Raises UnknownDeviceError."""
        async with transaction(self._pool) as connection:
            if not await places.exists(connection, "device", lot_id=lot_id, device_id=device_id):
                raise UnknownDeviceError(lot_id=lot_id, device_id=device_id)
        return await self._create(Role.DEVICE, lot_id=lot_id, device_id=device_id)

    async def create_for_operator(self, operator_id: OperatorId) -> NewKey:
        """A key for an operator. Raises UnknownOperatorError."""
        async with transaction(self._pool) as connection:
            if not await places.exists(connection, "operator", operator_id=operator_id):
                raise UnknownOperatorError(operator_id)
        return await self._create(Role.OPERATOR, operator_id=operator_id)

    async def create_for_admin(self) -> NewKey:
        """A key that may do everything."""
        return await self._create(Role.ADMIN)

    async def ensure_admin_key(self, key: str) -> None:
        """Let the configured key in as an admin's. Raises WeakAdminKeyError."""
        require_strong(key)
        now = self._clock()
        principal = Principal(key_id=new_id(now), role=Role.ADMIN)
        async with transaction(self._pool) as connection:
            await api_keys.insert(connection, principal, key_sha256=_digest(key), now=now)

    async def get(self, key_id: UUID) -> Principal:
        """Whose key an id names. Raises UnknownKeyError."""
        async with reading(self._pool) as connection:
            principal = await api_keys.get(connection, key_id)
        if principal is None:
            raise UnknownKeyError(key_id)
        return principal

    async def revoke(self, key_id: UUID) -> None:
        """Refuse a key from now on. Raises UnknownKeyError."""
        async with transaction(self._pool) as connection:
            if await api_keys.revoke(connection, key_id, now=self._clock()) is None:
                raise UnknownKeyError(key_id)
        # A read that began before must leave its answer where nobody looks.
        self._cache = {}
        self._reads.forget()

    async def _create(
        self,
        role: Role,
        *,
        operator_id: OperatorId | None = None,
        lot_id: LotId | None = None,
        device_id: DeviceId | None = None,
    ) -> NewKey:
        now = self._clock()
        key = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        principal = Principal(
            key_id=new_id(now),
            role=role,
            operator_id=operator_id,
            lot_id=lot_id,
            device_id=device_id,
        )
        async with transaction(self._pool) as connection:
            await api_keys.insert(connection, principal, key_sha256=_digest(key), now=now)
        return NewKey(key_id=principal.key_id, key=key)


def require_strong(admin_key: str) -> None:
    """Raise WeakAdminKeyError for a configured key that could be guessed."""
    if len(admin_key) < ADMIN_KEY_LENGTH_MIN:
        raise WeakAdminKeyError


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()

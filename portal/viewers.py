"""Who may look at plates: holders of an operator's or the admin's key, by cookie.

The cookie holds the key itself, HttpOnly and SameSite=Strict, and is looked up on every request:
a revoked key stops showing anything at once, and there is no second secret to keep.
"""

from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import Cookie

from parking.db.api_keys import Role
from parking.services.api_keys import ApiKeys, UnauthorisedError

COOKIE: Final = "leave_first_key"
_COOKIE_SECONDS = 12 * 3600
_KEY_LENGTH_MAX = 200


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may look."""

    operator_id: str | None
    """Whose lots may be seen; None is the admin, who sees all."""

    def may_see(self, operator_id: str) -> bool:
        """Whether an operator's figures are theirs to see."""
        return self.operator_id in (None, operator_id)


async def viewer_of(keys: ApiKeys, key: str | None) -> Viewer | None:
    """Whoever holds this key; None when it is no operator's or admin's key, or it was revoked."""
    if not key or len(key) > _KEY_LENGTH_MAX:
        return None
    try:
        principal = await keys.principal(key)
    except UnauthorisedError:
        return None
    if principal.role is Role.DEVICE:
        return None
    return Viewer(operator_id=principal.operator_id)


def key_cookie(request: Request[Any, Any, Any], key: str) -> Cookie:
    """The cookie that remembers the key in this browser for a working day."""
    return _cookie(request, key, seconds=_COOKIE_SECONDS)


def forgotten_cookie(request: Request[Any, Any, Any]) -> Cookie:
    """The cookie by which this browser forgets the key."""
    return _cookie(request, "", seconds=0)


def _cookie(request: Request[Any, Any, Any], key: str, *, seconds: int) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=key,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        max_age=seconds,
        path="/",
    )

"""Who asks: a driver by a token of billing's own, an operator by a key that parking keeps.

Billing knows nothing of parking's keys but that the application keeps a book of them, under
`app.state.parking.keys`; the book raises its own errors.
"""

from typing import Any, Final, Protocol

from litestar import Request

from billing.db.sign_in import TokenHolder
from billing.services.bundle import BillingServices
from parking.core.errors import DomainError
from parking.core.ids import AccountId, OperatorId

_BEARER = "bearer "
STORABLE: Final = r"^[^\x00]*$"
"""Text that PostgreSQL can keep: anything without a NUL."""


class NotSignedInError(DomainError):
    """The request carries no driver's token that is still good."""

    def __init__(self) -> None:
        super().__init__("send a driver's token: Authorization: Bearer …")


class OtherOperatorError(DomainError):
    """The key does not open this operator's books."""

    def __init__(self) -> None:
        super().__init__("this needs a key of the operator itself, or an admin's")


class NotAdminError(DomainError):
    """The key does not open what concerns all operators."""

    def __init__(self) -> None:
        super().__init__("this needs an admin's key")


class _Role(Protocol):
    @property
    def value(self) -> str: ...


class KeyHolder(Protocol):
    """Whoever has a key of parking's."""

    @property
    def role(self) -> _Role:
        """What the key may do."""
        ...

    @property
    def operator_id(self) -> OperatorId | None:
        """Whose it is, if an operator's."""
        ...


class _KeyBook(Protocol):
    async def principal(self, key: str) -> KeyHolder: ...


def services_of(request: Request[Any, Any, Any]) -> BillingServices:
    """Find billing's services in the running application."""
    services: BillingServices = request.app.state.billing
    return services


def _bearer(request: Request[Any, Any, Any]) -> str:
    header = request.headers.get("authorization", "")
    if header[: len(_BEARER)].lower() != _BEARER:
        return ""
    return header[len(_BEARER) :].strip()


async def token_holder_of(request: Request[Any, Any, Any]) -> TokenHolder:
    """Say which driver asks, and by which token. Raises NotSignedInError."""
    token = _bearer(request)
    holder = await services_of(request).holder_of_token(token) if token else None
    if holder is None:
        raise NotSignedInError
    return holder


async def driver_of(request: Request[Any, Any, Any]) -> AccountId:
    """Say which driver asks. Raises NotSignedInError."""
    return (await token_holder_of(request)).account_id


async def require_admin(request: Request[Any, Any, Any], *, holder: KeyHolder | None = None) -> str:
    """Let admins pass; answers what to call whoever decides. Raises NotAdminError."""
    holder = holder or await operator_key(request)
    if holder.role.value != "admin":
        raise NotAdminError
    return "admin"


async def operator_key(request: Request[Any, Any, Any]) -> KeyHolder:
    """Say who holds the key that asks. Raises the book's errors."""
    keys: _KeyBook = request.app.state.parking.keys
    return await keys.principal(_bearer(request))


async def require_operator(
    request: Request[Any, Any, Any], operator_id: OperatorId, *, holder: KeyHolder | None = None
) -> str:
    """Let the operator itself and admins pass; answers what to call whoever it is.

    Raises OtherOperatorError, or the book's errors.
    """
    holder = holder or await operator_key(request)
    if holder.role.value == "admin":
        return "admin"
    if holder.role.value != "operator" or holder.operator_id != operator_id:
        raise OtherOperatorError
    return f"operator:{operator_id}"

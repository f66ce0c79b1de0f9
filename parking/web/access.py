"""Who may do what: the key's role against what a route needs."""

from typing import Any

from litestar import Request

from parking.core.ids import LotId, OperatorId
from parking.db import places
from parking.db.api_keys import Principal, Role
from parking.db.pool import reading
from parking.services.api_keys import ForbiddenError
from parking.services.bundle import ParkingServices
from parking.services.refusals import UnknownLotError
from parking.web.lane_events import bearer


def services_of(request: Request[Any, Any, Any]) -> ParkingServices:
    """The services that the application was started with."""
    services: ParkingServices = request.app.state.parking
    return services


async def principal_of(request: Request[Any, Any, Any]) -> Principal:
    """Whose key the request carries. Raises UnauthorisedError."""
    authorization = request.headers.get("authorization", "").encode("latin-1")
    return await services_of(request).keys.principal(bearer(authorization))


async def require_admin(request: Request[Any, Any, Any]) -> Principal:
    """An admin's key, or ForbiddenError."""
    principal = await principal_of(request)
    if principal.role is not Role.ADMIN:
        needed = "an admin key"
        raise ForbiddenError(needed)
    return principal


async def operator_scope(request: Request[Any, Any, Any]) -> OperatorId | None:
    """Whose lots the key may see: one operator's, or None for all (an admin)."""
    return scope_of(await principal_of(request))


def scope_of(principal: Principal) -> OperatorId | None:
    """Whose lots a key may see. Raises ForbiddenError: a device's key sees none."""
    if principal.role is Role.DEVICE:
        needed = "an operator's or admin key"
        raise ForbiddenError(needed)
    return principal.operator_id


def author_of(principal: Principal) -> str:
    """Who says something, as facts note it: `operator:<id>` or `admin:<key>`."""
    if principal.role is Role.OPERATOR:
        return f"operator:{principal.operator_id}"
    return f"admin:{principal.key_id}"


async def require_lot(request: Request[Any, Any, Any], lot_id: LotId) -> Principal:
    """A key that may see the lot: an admin's or its operator's. Raises UnknownLotError."""
    principal = await principal_of(request)
    await check_lot(services_of(request), principal, lot_id)
    return principal


async def check_lot(services: ParkingServices, principal: Principal, lot_id: LotId) -> None:
    """Let an admin's key and its operator's pass. Raises UnknownLotError, ForbiddenError."""
    scope = scope_of(principal)
    async with reading(services.pool) as connection:
        owner = await places.operator_of_lot(connection, lot_id)
    if owner is None:
        raise UnknownLotError(lot_id)
    if scope not in {None, owner}:
        needed = "a key of the lot's operator"
        raise ForbiddenError(needed)

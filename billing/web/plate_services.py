"""Routes for services that drivers open for their plates at a provider, for example WeChat Pay."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from billing.core.bindable import plate_of
from billing.db.plate_services import ServiceRow
from billing.web.access import driver_of, services_of
from parking.core.events import PlateColour
from parking.core.plate import Plate


class ServiceBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service that its driver has opened at the provider."""

    customer_ref: Annotated[str, Meta(pattern=r"^[0-9A-Za-z_\-]{1,128}$")]
    """What the provider calls the driver: at WeChat Pay the openid under our app."""
    colour: PlateColour
    """Of the plate: providers keep plates by their colour."""


class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """A service as its driver may see it."""

    plate: Plate
    colour: PlateColour
    provider: str
    state: str
    block_reason: str | None
    """Why the provider did not let the driver pay later at the last entry, in its own word."""
    pays_later: bool
    """Stays go to it, as far as the provider has said."""


def _view(row: ServiceRow) -> ServiceView:
    return ServiceView(
        plate=row.plate,
        colour=row.colour,
        provider=row.gateway,
        state=row.state.value,
        block_reason=row.block_reason,
        pays_later=row.pays_later,
    )


@put(
    "/v1/driver-accounts/me/plates/{plate:str}/services/{provider:str}",
    summary="Pay a plate's stays by its service",
)
async def put_service(
    request: Request[Any, Any, Any],
    plate: FromPath[str],
    provider: FromPath[str],
    data: JSONBody[ServiceBody],
) -> ServiceView:
    """Look the service up at the provider and charge this plate's stays to it from now on."""
    account_id = await driver_of(request)
    bound = await services_of(request).plate_services.bind(
        account_id,
        plate=plate_of(plate),
        colour=data.colour,
        provider=provider,
        customer_ref=data.customer_ref,
    )
    return _view(bound)


@get("/v1/driver-accounts/me/services", summary="List my plates' services")
async def get_services(request: Request[Any, Any, Any]) -> list[ServiceView]:
    """List the services of the plates that this account has."""
    account_id = await driver_of(request)
    return [_view(row) for row in await services_of(request).plate_services.of(account_id)]


@delete(
    "/v1/driver-accounts/me/plates/{plate:str}/services/{provider:str}",
    summary="Let a plate's service go",
)
async def delete_service(
    request: Request[Any, Any, Any], plate: FromPath[str], provider: FromPath[str]
) -> None:
    """Charge this plate's stays to the service no more; at the provider it stays open."""
    account_id = await driver_of(request)
    await services_of(request).plate_services.let_go(
        account_id, plate=plate_of(plate), provider=provider
    )


def plate_services_router() -> Router:
    """Put the routes of services together."""
    return Router(
        path="/", tags=["drivers"], route_handlers=[put_service, get_services, delete_service]
    )

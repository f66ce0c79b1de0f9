"""Routes for drivers: bind plates and a card, see what is owed, pay by hand."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from billing.core.bindable import bindable_plate, plate_of
from billing.core.consent import CURRENT, ConsentText
from billing.db.queries import ObligationView
from billing.web.access import driver_of, services_of
from billing.web.files import file_response
from parking.core.ids import StayId
from parking.core.plate import Plate

ReturnUrl = Annotated[str, Meta(pattern=r"^https?://[^\s\x00]{1,1990}$")]
LimitQuery = Annotated[int, QueryParameter(ge=1, le=500)]


class PlateBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plate to bind."""

    plate: Annotated[str, Meta(max_length=64)]
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None
    """Of a plate from elsewhere than the Chinese mainland, for example HK (ISO 3166-1)."""


class SetupBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A card to be left, and what was agreed to before."""

    return_url: ReturnUrl
    consent_version: Annotated[str, Meta(max_length=64)]
    """Of the text that the driver was shown and agreed to: `GET /v1/consent`."""


class ReturnBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the gateway's page sends the driver afterwards."""

    return_url: ReturnUrl


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the gateway's, to be opened in the driver's browser."""

    url: str


class BoundPlate(msgspec.Struct, frozen=True, kw_only=True):
    """A bound plate."""

    plate: Plate
    attached_obligations: int
    """Unpaid stays of this plate that came with it."""


@post("/v1/driver-accounts/me/plates", summary="Bind a plate")
async def post_plate(request: Request[Any, Any, Any], data: JSONBody[PlateBody]) -> BoundPlate:
    """Bind a plate; what it owes and nobody was asked for comes with it.

    422 for what has no form of the mainland's and names no country.
    """
    account_id = await driver_of(request)
    plate = bindable_plate(data.plate, country=data.country)
    attached = await services_of(request).bind_plate(account_id, plate)
    return BoundPlate(plate=plate, attached_obligations=attached)


@delete("/v1/driver-accounts/me/plates/{plate:str}", summary="Let a plate go")
async def delete_plate(request: Request[Any, Any, Any], plate: FromPath[str]) -> None:
    """End the binding from now on; stays that were made stay with this account."""
    account_id = await driver_of(request)
    await services_of(request).unbind_plate(account_id, plate_of(plate))


@post("/v1/driver-accounts/me/plates/{plate:str}/replacement", summary="Change a plate")
async def post_replacement(
    request: Request[Any, Any, Any], plate: FromPath[str], data: JSONBody[PlateBody]
) -> BoundPlate:
    """Bind the plate that comes after this one, for example the permanent after the temporary."""
    account_id = await driver_of(request)
    new = bindable_plate(data.plate, country=data.country)
    attached = await services_of(request).replace_plate(account_id, old=plate_of(plate), new=new)
    return BoundPlate(plate=new, attached_obligations=attached)


@get("/v1/consent", summary="Show what leaving a card agrees to", security=[])
async def get_consent() -> ConsentText:
    """Show the text in force, to be shown to the driver before a card is left."""
    return CURRENT


@post("/v1/driver-accounts/me/payment-method-setups", summary="Leave a card")
async def post_setup(request: Request[Any, Any, Any], data: JSONBody[SetupBody]) -> Page:
    """Keep the consent and open the gateway's page on which a card is left."""
    account_id = await driver_of(request)
    url = await services_of(request).start_setup(
        account_id, return_url=data.return_url, consent_version=data.consent_version
    )
    return Page(url=url)


@delete("/v1/driver-accounts/me/payment-method", summary="Take the card back")
async def delete_method(request: Request[Any, Any, Any]) -> None:
    """Charge the card no more, from this moment; what is owed is then paid by hand."""
    await services_of(request).unbind_method(await driver_of(request))


@get("/v1/driver-accounts/me/obligations", summary="List what I owe and paid")
async def get_obligations(
    request: Request[Any, Any, Any], limit: LimitQuery = 100
) -> list[ObligationView]:
    """List the newest obligations first, each with its fee lines."""
    account_id = await driver_of(request)
    return await services_of(request).obligations(account_id, limit=limit)


@get("/v1/stays/{stay_id:uuid}/obligation", summary="Show what a stay costs", security=[])
async def get_obligation(
    request: Request[Any, Any, Any], stay_id: FromPath[UUID]
) -> ObligationView:
    """Show the fee and its payment. Whoever knows the stay's id may see it."""
    return await services_of(request).obligation(StayId(stay_id))


@get("/v1/stays/{stay_id:uuid}/receipt", summary="Take a receipt away", security=[])
async def get_receipt(request: Request[Any, Any, Any], stay_id: FromPath[UUID]) -> Response[bytes]:
    """Make the receipt of a paid stay as PDF, with every fee line; 409 before it is paid."""
    content = await services_of(request).receipt(StayId(stay_id))
    return file_response(
        content, media_type="application/pdf", name=f"parking-receipt-{stay_id}.pdf"
    )


@post("/v1/stays/{stay_id:uuid}/checkout", summary="Pay a stay by hand", security=[])
async def post_checkout(
    request: Request[Any, Any, Any], stay_id: FromPath[UUID], data: JSONBody[ReturnBody]
) -> Page:
    """Open the gateway's page on which this stay is paid; 409 while it is being charged."""
    url = await services_of(request).open_checkout(StayId(stay_id), return_url=data.return_url)
    return Page(url=url)


def drivers_router() -> Router:
    """Put the drivers' routes together."""
    return Router(
        path="/",
        tags=["drivers"],
        route_handlers=[
            post_plate,
            delete_plate,
            post_replacement,
            get_consent,
            post_setup,
            delete_method,
            get_obligations,
            get_obligation,
            get_receipt,
            post_checkout,
        ],
    )

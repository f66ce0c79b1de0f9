"""Routes for drivers: bind once, see what is owed, pay by hand."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from billing.db.queries import ObligationView
from billing.services.bind import mask_phone
from billing.services.bundle import NewAccount
from billing.web.access import driver_of, services_of
from parking.core.errors import DomainError
from parking.core.ids import StayId
from parking.core.plate import Plate, normalise_plate

Phone = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}$")]
ReturnUrl = Annotated[str, Meta(pattern=r"^https?://[^\s\x00]{1,1990}$")]
LimitQuery = Annotated[int, QueryParameter(ge=1, le=500)]


class NoPlateError(DomainError):
    """The text says that there is no plate."""

    def __init__(self) -> None:
        super().__init__("a number plate is needed, for example 浙A8B762")


class AccountBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A driver who signs up."""

    phone: Phone
    """E.164, for example +8613812345678."""


class PlateBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plate to bind."""

    plate: Annotated[str, Meta(max_length=64)]


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


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A driver account as its owner sees it."""

    account_id: UUID
    phone: str
    """Masked."""
    plates: tuple[Plate, ...]
    card_brand: str | None
    card_last4: str | None
    suspended_at: datetime | None
    """Since when the card is not charged any more; leave a new one to go on."""


@post("/v1/driver-accounts", summary="Sign up")
async def post_account(request: Request[Any, Any, Any], data: JSONBody[AccountBody]) -> NewAccount:
    """Open an account; its token is shown this once."""
    return await services_of(request).create_account(phone=data.phone)


@get("/v1/driver-accounts/me", summary="Show my account")
async def get_account(request: Request[Any, Any, Any]) -> Account:
    """Plates, card, and whether it is charged."""
    profile = await services_of(request).profile(await driver_of(request))
    return Account(
        account_id=profile.account_id,
        phone=mask_phone(profile.phone),
        plates=profile.plates,
        card_brand=profile.card_brand,
        card_last4=profile.card_last4,
        suspended_at=profile.suspended_at,
    )


@post("/v1/driver-accounts/me/plates", summary="Bind a plate")
async def post_plate(request: Request[Any, Any, Any], data: JSONBody[PlateBody]) -> BoundPlate:
    """Bind a plate; what it owes and nobody was asked for comes with it."""
    account_id = await driver_of(request)
    plate = normalise_plate(data.plate)
    if plate is None:
        raise NoPlateError
    attached = await services_of(request).bind_plate(account_id, plate)
    return BoundPlate(plate=plate, attached_obligations=attached)


@post("/v1/driver-accounts/me/payment-method-setups", summary="Leave a card")
async def post_setup(request: Request[Any, Any, Any], data: JSONBody[ReturnBody]) -> Page:
    """Open the gateway's page on which a card is left."""
    account_id = await driver_of(request)
    url = await services_of(request).start_setup(account_id, return_url=data.return_url)
    return Page(url=url)


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
            post_account,
            get_account,
            post_plate,
            post_setup,
            get_obligations,
            get_obligation,
            post_checkout,
        ],
    )

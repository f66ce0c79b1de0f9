"""Routes for signing in and out, and for the account itself."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from billing.services.bind import mask_phone
from billing.web.access import driver_of, services_of, token_holder_of
from parking.core.plate import Plate

Phone = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}$")]
Code = Annotated[str, Meta(pattern=r"^[0-9]{6}$")]


class PhoneBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A phone number that a code is to be sent to."""

    phone: Phone
    """E.164, for example +8613812345678."""


class CodeSent(msgspec.Struct, frozen=True, kw_only=True):
    """A code is on its way."""

    expires_at: datetime


class AccountBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The proof that the phone is in the driver's hand."""

    phone: Phone
    code: Code
    """As it was sent to the phone."""


class SignedInAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A driver account and a token of it, which is shown this once."""

    account_id: UUID
    token: str


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


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A place where the account is signed in, without the token."""

    token_id: UUID
    created_at: datetime
    expires_at: datetime | None
    current: bool
    """It is the one that asks."""


@post("/v1/phone-codes", status_code=202, summary="Ask for a one-time code", security=[])
async def post_code(request: Request[Any, Any, Any], data: JSONBody[PhoneBody]) -> CodeSent:
    """Send a code to the phone; 429 while the last one is too young or the hour's are used up."""
    return CodeSent(expires_at=await services_of(request).send_code(phone=data.phone))


@post("/v1/driver-accounts", summary="Sign up or in", security=[])
async def post_account(
    request: Request[Any, Any, Any], data: JSONBody[AccountBody]
) -> Response[SignedInAccount]:
    """Give a token to whoever has the phone; 201 where this opened the account, else 200."""
    signed_in = await services_of(request).sign_in(phone=data.phone, code=data.code)
    body = SignedInAccount(account_id=signed_in.account_id, token=signed_in.token)
    return Response(body, status_code=201 if signed_in.created else 200)


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


@delete("/v1/driver-accounts/me", summary="Close my account")
async def delete_account(request: Request[Any, Any, Any]) -> None:
    """End plates, card and tokens; 409 while anything is owed."""
    await services_of(request).close_account(await driver_of(request))


@get("/v1/driver-accounts/me/tokens", summary="List where I am signed in")
async def get_tokens(request: Request[Any, Any, Any]) -> list[Token]:
    """List the tokens that are good, the oldest first."""
    holder = await token_holder_of(request)
    return [
        Token(
            token_id=each.token_id,
            created_at=each.created_at,
            expires_at=each.expires_at,
            current=each.token_id == holder.token_id,
        )
        for each in await services_of(request).tokens(holder.account_id)
    ]


@delete("/v1/driver-accounts/me/tokens/{token_id:uuid}", summary="Sign out")
async def delete_token(request: Request[Any, Any, Any], token_id: FromPath[UUID]) -> None:
    """Revoke a token at once, this one or another."""
    await services_of(request).revoke_token(await driver_of(request), token_id)


def accounts_router() -> Router:
    """Put the routes about accounts together."""
    return Router(
        path="/",
        tags=["drivers"],
        route_handlers=[
            post_code,
            post_account,
            get_account,
            delete_account,
            get_tokens,
            delete_token,
        ],
    )

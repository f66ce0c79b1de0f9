"""The addresses at which a driver claims a plate, proves it, and answers a claim."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, Router, post
from litestar.params import FromPath

from billing.core.bindable import plate_of
from billing.core.claims import HolderAnswer
from billing.db.sign_in import TokenHolder
from billing.services.bundle import BillingServices
from portal.pages.account_routes import FORM, AnyRequest, PlateForm, on_account
from portal.pages.claims import LICENCE_MAX, LICENCE_MIN, NoLicenceError


class LicenceForm(msgspec.Struct):
    """Where the vehicle licence can be looked at."""

    licence: str = ""


class AnswerForm(msgspec.Struct):
    """What the one who has the plate says."""

    answer: Literal["agrees", "contests"]


@post("/me/claims", include_in_schema=False, status_code=303)
async def open_claim(request: AnyRequest, data: Annotated[PlateForm, FORM]) -> Response[str]:
    """Claim a plate that another account has."""

    async def act(billing: BillingServices, me: TokenHolder) -> None:
        await billing.claims.open(plate_of(data.plate), claimant_id=me.account_id)

    return await on_account(request, act, at="plate", typed=data.plate)


@post("/me/claims/{claim_id:uuid}/licence", include_in_schema=False, status_code=303)
async def give_licence(
    request: AnyRequest, claim_id: FromPath[UUID], data: Annotated[LicenceForm, FORM]
) -> Response[str]:
    """Give the vehicle licence."""
    licence = data.licence.strip()

    async def act(billing: BillingServices, me: TokenHolder) -> None:
        if not LICENCE_MIN <= len(licence) <= LICENCE_MAX or "\0" in licence:
            raise NoLicenceError
        await billing.claims.give_licence(claim_id, claimant_id=me.account_id, licence_ref=licence)

    return await on_account(request, act)


@post("/me/claims/{claim_id:uuid}/answer", include_in_schema=False, status_code=303)
async def answer_claim(
    request: AnyRequest, claim_id: FromPath[UUID], data: Annotated[AnswerForm, FORM]
) -> Response[str]:
    """Agree, which moves the plate at once, or contest, which lets a person decide."""

    async def act(billing: BillingServices, me: TokenHolder) -> None:
        answer = HolderAnswer(data.answer)
        await billing.claims.answer(claim_id, holder_id=me.account_id, answer=answer)

    return await on_account(request, act)


@post("/me/claims/{claim_id:uuid}/withdraw", include_in_schema=False, status_code=303)
async def withdraw_claim(request: AnyRequest, claim_id: FromPath[UUID]) -> Response[str]:
    """Take a claim back."""

    async def act(billing: BillingServices, me: TokenHolder) -> None:
        await billing.claims.withdraw(claim_id, claimant_id=me.account_id)

    return await on_account(request, act)


CLAIM_ROUTER = Router("/", route_handlers=[open_claim, give_licence, answer_claim, withdraw_claim])

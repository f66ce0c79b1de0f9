"""Routes for where operators are paid, and for taking a payout back."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Router, get, put
from litestar.params import FromPath, JSONBody, PathParameter
from msgspec import Meta

from billing.services.payout_desk import FailedAtBank
from billing.web.access import require_admin, require_operator, services_of
from parking.core.ids import SLUG_PATTERN, OperatorId

AnyRequest = Request[Any, Any, Any]
OperatorPath = Annotated[str, PathParameter(pattern=SLUG_PATTERN)]


class PayoutAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To which account at the gateway an operator is paid; null: to none yet."""

    account_ref: Annotated[str, Meta(pattern="^acct_[A-Za-z0-9_]{1,60}$")] | None


class PayoutAccountBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The connected account."""

    account_ref: Annotated[str, Meta(pattern="^acct_[A-Za-z0-9_]{1,60}$")]


class ReversalBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much comes back, in minor units, and why."""

    amount_minor: Annotated[int, Meta(ge=1, le=10**12)]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


@put("/v1/operators/{operator_id:str}/payout-account", summary="Say where an operator is paid")
async def put_payout_account(
    request: AnyRequest, operator_id: OperatorPath, data: JSONBody[PayoutAccountBody]
) -> PayoutAccount:
    """Bind a connected account, once the gateway says that it may receive. For admins."""
    by = await require_admin(request)
    await services_of(request).payouts.bind(OperatorId(operator_id), data.account_ref, by=by)
    return PayoutAccount(account_ref=data.account_ref)


@get("/v1/operators/{operator_id:str}/payout-account", summary="Show where an operator is paid")
async def get_payout_account(request: AnyRequest, operator_id: OperatorPath) -> PayoutAccount:
    """Show the connected account that is bound now."""
    operator = OperatorId(operator_id)
    await require_operator(request, operator)
    return PayoutAccount(account_ref=await services_of(request).payouts.account(operator))


@put(
    "/v1/operators/{operator_id:str}/payouts/{payout_id:uuid}/reversals/{reversal_id:uuid}",
    summary="Take a payout back",
    status_code=202,
)
async def put_reversal(
    request: AnyRequest,
    operator_id: OperatorPath,
    payout_id: FromPath[UUID],
    reversal_id: FromPath[UUID],
    data: JSONBody[ReversalBody],
) -> None:
    """Take all or part of a payout back, under an id of the caller's own. For admins.

    The same again changes nothing; what comes back stands in the next settlement.
    """
    by = await require_admin(request)
    await services_of(request).payouts.take_back(
        OperatorId(operator_id),
        payout_id,
        reversal_id=reversal_id,
        amount_minor=data.amount_minor,
        reason=data.reason,
        by=by,
    )


@get(
    "/v1/operators/{operator_id:str}/failed-bank-payouts",
    summary="List payouts that the operator's own bank sent back",
)
async def get_failed_bank_payouts(
    request: AnyRequest, operator_id: OperatorPath
) -> list[FailedAtBank]:
    """List those of the last thirty days, newest first; the gateway is asked how each stands."""
    operator = OperatorId(operator_id)
    await require_operator(request, operator)
    return await services_of(request).payouts.failed_at_bank(operator)


def payouts_router() -> Router:
    """Put the routes about payouts together."""
    return Router(
        path="/",
        tags=["money"],
        route_handlers=[
            put_payout_account,
            get_payout_account,
            put_reversal,
            get_failed_bank_payouts,
        ],
    )

"""Routes for what only a person can see to: refused refunds, and unexplained discrepancies."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath, JSONBody, PathParameter
from msgspec import Meta

from billing.db.discrepancies import DiscrepancyRow
from billing.db.failed_refunds import RefundView
from billing.services.discrepancies import DiscrepancyCase
from billing.services.refund_desk import Means
from billing.web.access import (
    STORABLE,
    KeyHolder,
    operator_key,
    require_admin,
    require_operator,
    services_of,
)
from parking.core.ids import SLUG_PATTERN, OperatorId

AnyRequest = Request[Any, Any, Any]
OperatorPath = Annotated[str, PathParameter(pattern=SLUG_PATTERN)]
Reason = Annotated[str, Meta(min_length=3, max_length=2000, pattern=STORABLE)]


class RefundDecisionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done about a refund that the gateway refused for good."""

    decision: Literal["send_again", "settled"]
    """`settled`: the driver has the money by other means already; for admins."""
    note: Reason
    """Why it may work now; or when, to whom and under which reference the money was given."""
    means: Means | None = None
    """With `settled`, and only then."""

    def __post_init__(self) -> None:
        """Hold the two together."""
        if (self.decision == "settled") is (self.means is None):
            msg = "`means` goes with `settled`, and only with it"
            raise ValueError(msg)


class ClosingBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What explains a discrepancy."""

    reason: Reason


class RefundDecided(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a refund."""

    refund_id: UUID
    sent_again_as: UUID | None
    """The refund that took its place."""
    decided_at: datetime


@get("/v1/operators/{operator_id:str}/failed-refunds", summary="List refunds that were refused")
async def get_failed_refunds(request: AnyRequest, operator_id: OperatorPath) -> list[RefundView]:
    """List refunds for an operator's stays that a gateway refused for good, the oldest first."""
    operator = OperatorId(operator_id)
    await require_operator(request, operator)
    return await services_of(request).refunds.failed(operator)


@post(
    "/v1/refunds/{refund_id:uuid}/decision", status_code=200, summary="See to a refund that failed"
)
async def post_refund_decision(
    request: AnyRequest, refund_id: FromPath[UUID], data: JSONBody[RefundDecisionBody]
) -> RefundDecided:
    """Send it again under a new key, or record that the driver has the money by other means."""
    holder = await operator_key(request)
    return await see_to_refund(request, refund_id, data, holder=holder)


async def see_to_refund(
    request: AnyRequest, refund_id: UUID, body: RefundDecisionBody, *, holder: KeyHolder
) -> RefundDecided:
    """Do so as the holder of a key: the stay's operator, or an admin.

    Money from the platform's own account is an admin's to tell of. Raises RefundNotFoundError,
    OtherOperatorError, NotAdminError, RefundNotFailedError.
    """
    desk = services_of(request).refunds
    refund, _ = await desk.show(refund_id)
    by = await require_operator(request, refund.operator_id, holder=holder)
    new = None
    if body.means is None:
        new = await desk.send_again(refund_id, by=by, reason=body.note)
    else:
        by = await require_admin(request, holder=holder)
        await desk.settle(refund_id, means=body.means, by=by, note=body.note)
    return RefundDecided(
        refund_id=refund_id, sent_again_as=new, decided_at=services_of(request).now()
    )


@get("/v1/discrepancies", summary="List what reconciliation found and nobody has explained")
async def get_discrepancies(request: AnyRequest) -> list[DiscrepancyRow]:
    """List where ledger and gateways' reports differ, the oldest first; for admins."""
    await require_admin(request)
    return await services_of(request).discrepancies.open_ones()


@get("/v1/discrepancies/{discrepancy_id:uuid}", summary="Show a discrepancy")
async def get_discrepancy(request: AnyRequest, discrepancy_id: FromPath[UUID]) -> DiscrepancyCase:
    """Show both sides, whose stays it is about, and the report's own lines; for admins."""
    await require_admin(request)
    return await services_of(request).discrepancies.show(discrepancy_id)


@post(
    "/v1/discrepancies/{discrepancy_id:uuid}/closing",
    status_code=200,
    summary="Explain a discrepancy",
)
async def post_closing(
    request: AnyRequest, discrepancy_id: FromPath[UUID], data: JSONBody[ClosingBody]
) -> DiscrepancyRow:
    """Close it with what explains it. No money moves; for admins."""
    by = await require_admin(request)
    return await services_of(request).discrepancies.close(discrepancy_id, by=by, reason=data.reason)


def desk_router() -> Router:
    """Put these routes together."""
    return Router(
        path="/",
        tags=["money"],
        route_handlers=[
            get_failed_refunds,
            post_refund_decision,
            get_discrepancies,
            get_discrepancy,
            post_closing,
        ],
    )

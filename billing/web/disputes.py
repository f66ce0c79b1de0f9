"""Routes for banks' disputes of payments for an operator's stays."""

from typing import Annotated, Any

from litestar import Request, Router, get
from litestar.params import PathParameter, QueryParameter

from billing.db.dispute_reads import DisputeView
from billing.web.access import require_operator, services_of
from parking.core.ids import SLUG_PATTERN, OperatorId

AnyRequest = Request[Any, Any, Any]
OperatorPath = Annotated[str, PathParameter(pattern=SLUG_PATTERN)]
LimitQuery = Annotated[int, QueryParameter(ge=1, le=500)]


@get("/v1/operators/{operator_id:str}/disputes", summary="List banks' disputes")
async def get_disputes(
    request: AnyRequest, operator_id: OperatorPath, limit: LimitQuery = 100
) -> list[DisputeView]:
    """List disputes of payments for an operator's stays, the newest first: how each stands.

    Evidence is gathered and submitted by itself; docs/disputes.md says what is lost by whom.
    """
    operator = OperatorId(operator_id)
    await require_operator(request, operator)
    return await services_of(request).disputes(operator, limit=limit)


def disputes_router() -> Router:
    """Put the routes about disputes together."""
    return Router(path="/", tags=["money"], route_handlers=[get_disputes])

"""Routes that show suspected clones and take an operator's or the city's decision."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody
from msgspec import Meta

from parking.core.ids import EventId, StayId
from parking.services.decide_clone import SuspicionView
from parking.web.access import author_of, operator_scope, principal_of, services_of
from parking.web.parameters import IdPath, LimitQuery


class CloneDecisionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of the two stays are the car of whoever has bound the plate."""

    own_stay_ids: Annotated[tuple[UUID, ...], Meta(max_length=2)]
    """Those left out are another car's: charged to nobody, and given back if they were."""
    reason: Annotated[str, Meta(max_length=500, pattern="^[^\x00]*$")] = ""


@get("/v1/clone-suspicions", tags=["stays"], summary="List suspected clones")
async def get_suspicions(
    request: Request[Any, Any, Any],
    pending: FromQuery[bool | None] = None,
    before: FromQuery[UUID | None] = None,
    limit: LimitQuery = 50,
) -> list[SuspicionView]:
    """Plates that seem to be on two cars, the newest first; `before` is the last one seen."""
    scope = await operator_scope(request)
    desk = services_of(request).clones
    return await desk.latest(operator_id=scope, pending=pending, before=before, limit=limit)


@get("/v1/clone-suspicions/{suspicion_id:uuid}", tags=["stays"], summary="Show a suspected clone")
async def get_suspicion(request: Request[Any, Any, Any], suspicion_id: IdPath) -> SuspicionView:
    """Both stays, what contradicts, and what was decided."""
    scope = await operator_scope(request)
    return await services_of(request).clones.get(suspicion_id, operator_id=scope)


@post(
    "/v1/clone-suspicions/{suspicion_id:uuid}/decision",
    status_code=200,
    tags=["stays"],
    summary="Decide a suspected clone",
)
async def post_clone_decision(
    request: Request[Any, Any, Any], suspicion_id: IdPath, data: JSONBody[CloneDecisionBody]
) -> SuspicionView:
    """Say which stays are the account's car. The last word counts; lifted ones are closed."""
    scope = await operator_scope(request)
    return await services_of(request).clones.decide(
        suspicion_id,
        own_stay_ids=[StayId(EventId(each)) for each in data.own_stay_ids],
        by=author_of(await principal_of(request)),
        reason=data.reason,
        operator_id=scope,
    )


HANDLERS: Final = (get_suspicions, get_suspicion, post_clone_decision)

"""A driver's word on plates that seem to be on two cars.

Billing knows whose plate it is, parking what was seen of it; here the two meet.
"""

from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from billing.web.access import driver_of
from billing.web.access import services_of as billing_of
from parking.core.ids import EventId, StayId
from parking.core.plate import Plate
from parking.services.decide_clone import SuspicionView
from parking.web.access import services_of as parking_of
from parking.web.clones import CloneDecisionBody

AnyRequest = Request[Any, Any, Any]
LimitQuery = Annotated[int, QueryParameter(ge=1, le=500)]
_PATH: Final = "/v1/driver-accounts/me/clone-suspicions"


@get(_PATH, tags=["drivers"], summary="List suspected clones of one's plates")
async def get_own_suspicions(request: AnyRequest, limit: LimitQuery = 50) -> list[SuspicionView]:
    """Stays of the account's plates that no single car can have caused, the newest first."""
    plates = await _plates_of(request)
    return await parking_of(request).clones.latest(plates=plates, limit=limit)


@post(
    f"{_PATH}/{{suspicion_id:uuid}}/decision",
    status_code=200,
    tags=["drivers"],
    summary="Say which stays are one's own",
)
async def post_own_decision(
    request: AnyRequest, suspicion_id: FromPath[UUID], data: JSONBody[CloneDecisionBody]
) -> SuspicionView:
    """Stays named are charged, stays left out are not, and paid back if they were."""
    account_id = await driver_of(request)
    return await parking_of(request).clones.decide(
        suspicion_id,
        own_stay_ids=[StayId(EventId(each)) for each in data.own_stay_ids],
        by=f"driver:{account_id}",
        reason=data.reason,
        plates=await _plates_of(request),
    )


async def _plates_of(request: AnyRequest) -> list[Plate]:
    """What the asking driver has bound. Raises NotSignedInError."""
    profile = await billing_of(request).profile(await driver_of(request))
    return list(profile.plates)


DRIVER_CLONES_ROUTER = Router("/", route_handlers=[get_own_suspicions, post_own_decision])

"""Routes that tell how full lots are, and take recounts."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta

from parking.core.ids import SLUG_PATTERN, LotId
from parking.core.occupancy import Occupancy, Recount
from parking.core.vehicle import VehicleKind
from parking.services.occupancy import OccupancyPage
from parking.web.access import author_of, operator_scope, require_lot, services_of
from parking.web.parameters import SlugPath

_LOTS_AT_ONCE: Final = 50

Cars = Annotated[int, Meta(ge=0, le=1_000_000)]
LotsQuery = Annotated[int, QueryParameter(ge=1, le=200)]
AfterQuery = Annotated[str | None, QueryParameter(pattern=SLUG_PATTERN)]
CountsQuery = Annotated[int, QueryParameter(ge=1, le=500)]


class RecountBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A count of the cars inside."""

    counted_at: Annotated[datetime, Meta(tz=True)]
    cars: Cars
    by_class: dict[VehicleKind, Cars] | None = None
    reason: Annotated[str, Meta(max_length=500, pattern="^[^\x00]*$")] = ""
    recount_id: UUID | None = None
    """Chosen by who counted, the same again on a retry; made here where it is left out."""


@get("/v1/occupancy", tags=["stays"], summary="Show how full lots are")
async def get_city_occupancy(
    request: Request[Any, Any, Any], after: AfterQuery = None, limit: LotsQuery = _LOTS_AT_ONCE
) -> OccupancyPage:
    """All lots for an admin, an operator's own for an operator, in the order of their ids.

    The answer's `next_after` is the next page's `after`.
    """
    scope = await operator_scope(request)
    occupancy = services_of(request).occupancy
    return await occupancy.page(after=after or "", limit=limit, operator_id=scope)


@get("/v1/lots/{lot_id:str}/occupancy", tags=["stays"], summary="Show how full a lot is")
async def get_occupancy(request: Request[Any, Any, Any], lot_id: SlugPath) -> Occupancy:
    """The best estimate of the cars inside, and the free spaces, in all and by class."""
    await require_lot(request, LotId(lot_id))
    return await services_of(request).occupancy.of_lot(LotId(lot_id))


@get("/v1/lots/{lot_id:str}/recounts", tags=["stays"], summary="List recounts")
async def get_recounts(
    request: Request[Any, Any, Any], lot_id: SlugPath, limit: CountsQuery = 50
) -> list[Recount]:
    """What was counted, by whom, the newest first."""
    await require_lot(request, LotId(lot_id))
    return await services_of(request).occupancy.recounts(LotId(lot_id), limit=limit)


@post("/v1/lots/{lot_id:str}/recounts", tags=["stays"], summary="Record a recount")
async def post_recount(
    request: Request[Any, Any, Any], lot_id: SlugPath, data: JSONBody[RecountBody]
) -> Response[Recount]:
    """Say how many cars were inside at an instant. Entries and exits count from there on."""
    principal = await require_lot(request, LotId(lot_id))
    recount, new = await services_of(request).occupancy.record_recount(
        LotId(lot_id),
        counted_at=data.counted_at,
        cars=data.cars,
        by_class=data.by_class,
        by=author_of(principal),
        reason=data.reason,
        recount_id=data.recount_id,
    )
    return Response(recount, status_code=201 if new else 200)


HANDLERS: Final = (get_city_occupancy, get_occupancy, get_recounts, post_recount)

"""Routes by which people say what cameras did not see: sightings, plates, ends, taking back."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import JSONBody
from msgspec import Meta

from parking.core.events import Ending, Fact, PlateColour
from parking.core.ids import SLUG_PATTERN, EventId, LaneId, LotId, StayId
from parking.db import plate_reads, queries
from parking.db.pool import reading
from parking.db.queries import StayView
from parking.services.amend_stays import Sighting, UnknownFactError
from parking.services.outcomes import Display, Status
from parking.services.quote_stay import UnknownStayError
from parking.web.access import author_of, operator_scope, require_lot, services_of
from parking.web.parameters import IdPath, SlugPath

Plate = Annotated[str, Meta(max_length=64)]
Reason = Annotated[str, Meta(min_length=1, max_length=500, pattern="^[^\x00]*$")]


class SightingBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry or exit that a person at the lane saw."""

    event_id: UUID
    """Made by who sends it, a UUIDv7; the same again is a repetition."""
    seen: Annotated[str, Meta(pattern="^(entered|exited)$")]
    lane_id: Annotated[str, Meta(pattern=SLUG_PATTERN)]
    occurred_at: Annotated[datetime, Meta(tz=True)]
    plate: Plate
    colour: PlateColour = PlateColour.UNKNOWN
    reason: Reason


class SightingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a sighting."""

    event_id: UUID
    status: Status
    display: Display | None


class EndBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a stay ended."""

    how: Ending
    left_at: Annotated[datetime, Meta(tz=True)] | None = None
    """With `left`, and only then."""
    reason: Reason


class PlateBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose stay it really was."""

    plate: Plate
    colour: PlateColour = PlateColour.UNKNOWN
    reason: Reason


class WithdrawalBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something recorded does not count."""

    reason: Reason


class StayHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A stay with the facts at its ends and all that was said about them."""

    stay: StayView
    facts: list[Fact]
    """In the order in which we heard them."""


@post("/v1/lots/{lot_id:str}/sightings", tags=["stays"], summary="Record what a guard saw")
async def post_sighting(
    request: Request[Any, Any, Any], lot_id: SlugPath, data: JSONBody[SightingBody]
) -> Response[SightingAnswer]:
    """Record an entry or exit that no camera saw; it counts as a camera's does."""
    principal = await require_lot(request, LotId(lot_id))
    sighting = Sighting(
        event_id=data.event_id,
        lot_id=LotId(lot_id),
        lane_id=LaneId(data.lane_id),
        entered=data.seen == "entered",
        occurred_at=data.occurred_at,
        plate=data.plate,
        colour=data.colour,
        reason=data.reason,
    )
    amendments = services_of(request).amendments
    outcome = await amendments.record_sighting(sighting, by=author_of(principal))
    answer = SightingAnswer(event_id=data.event_id, status=outcome.status, display=outcome.display)
    return Response(answer, status_code=201 if outcome.status is Status.ACCEPTED else 200)


@post("/v1/stays/{stay_id:uuid}/end", status_code=200, tags=["stays"], summary="End a stay by hand")
async def post_end(
    request: Request[Any, Any, Any], stay_id: IdPath, data: JSONBody[EndBody]
) -> StayHistory:
    """Say that the car left at an instant, is gone, or never was; with the reason."""
    stay, by = await _stay_and_author(request, stay_id)
    await services_of(request).amendments.end_stay(
        stay_id=stay.stay_id, how=data.how, left_at=data.left_at, by=by, reason=data.reason
    )
    return await _history(request, stay_id)


@post(
    "/v1/stays/{stay_id:uuid}/plate",
    status_code=200,
    tags=["stays"],
    summary="Correct the plate of a stay",
)
async def post_plate(
    request: Request[Any, Any, Any], stay_id: IdPath, data: JSONBody[PlateBody]
) -> StayHistory:
    """Say whose stay it really was; both its ends move, with their repeated triggers."""
    stay, by = await _stay_and_author(request, stay_id)
    await services_of(request).amendments.correct_plate(
        stay_id=stay.stay_id, plate=data.plate, colour=data.colour, by=by, reason=data.reason
    )
    return await _history(request, stay_id)


@post(
    "/v1/lane-events/{event_id:uuid}/withdrawal",
    status_code=200,
    tags=["stays"],
    summary="Take back an event, a correction or an end",
)
async def post_withdrawal(
    request: Request[Any, Any, Any], event_id: IdPath, data: JSONBody[WithdrawalBody]
) -> list[Fact]:
    """Say that something recorded does not count; answers what there is about it."""
    await operator_scope(request)
    services = services_of(request)
    async with reading(services.pool) as connection:
        lot_id = await plate_reads.lot_of_fact(connection, event_id)
    if lot_id is None:
        raise UnknownFactError(event_id)
    by = author_of(await require_lot(request, lot_id))
    await services.amendments.withdraw(EventId(event_id), by=by, reason=data.reason)
    async with reading(services.pool) as connection:
        return await plate_reads.history_of(connection, [EventId(event_id)])


@get("/v1/stays/{stay_id:uuid}/facts", tags=["stays"], summary="Show what a stay is made of")
async def get_facts(request: Request[Any, Any, Any], stay_id: IdPath) -> StayHistory:
    """The stay, the events at its ends, and who said what about them."""
    await _stay_and_author(request, stay_id)
    return await _history(request, stay_id)


async def _stay_and_author(request: Request[Any, Any, Any], stay_id: UUID) -> tuple[StayView, str]:
    await operator_scope(request)
    async with reading(services_of(request).pool) as connection:
        stay = await queries.stay(connection, StayId(stay_id))
    if stay is None:
        raise UnknownStayError(stay_id)
    return stay, author_of(await require_lot(request, stay.lot_id))


async def _history(request: Request[Any, Any, Any], stay_id: UUID) -> StayHistory:
    async with reading(services_of(request).pool) as connection:
        stay = await queries.stay(connection, StayId(stay_id))
        if stay is None:
            raise UnknownStayError(stay_id)
        ends = [each for each in (stay.entry_event_id, stay.exit_event_id) if each is not None]
        return StayHistory(stay=stay, facts=await plate_reads.history_of(connection, ends))


HANDLERS: Final = (post_sighting, post_end, post_plate, post_withdrawal, get_facts)

"""Routes that show lots and stays, quote fees and take decisions on reviews."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta

from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.ids import SLUG_PATTERN, LotId, StayId, TariffId
from parking.core.plate import normalise_plate
from parking.core.stay import StayState
from parking.core.vehicle import VehicleKind
from parking.db import queries
from parking.db.api_keys import Principal
from parking.db.pool import reading
from parking.db.queries import LotView, StayView
from parking.db.reviews import Review, ReviewKind, ReviewState
from parking.services.bundle import ParkingServices
from parking.services.gate_prices import PricePreview
from parking.services.quote_stay import UnknownStayError
from parking.services.review_facts import Decision, Ruling
from parking.services.show_review import ReviewDetails
from parking.web.access import (
    author_of,
    check_lot,
    operator_scope,
    principal_of,
    require_lot,
    scope_of,
    services_of,
)
from parking.web.parameters import IdPath, LimitQuery, PlateQuery, SlugPath, SlugQuery


class QuoteBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either a stay, or a tariff with two instants."""

    stay_id: UUID | None = None
    tariff_id: Annotated[str, Meta(pattern=SLUG_PATTERN)] | None = None
    entered_at: Annotated[datetime, Meta(tz=True)] | None = None
    left_at: Annotated[datetime, Meta(tz=True)] | None = None
    colour: PlateColour = PlateColour.BLUE
    vehicle: VehicleKind | None = None
    rights: tuple[Annotated[str, Meta(pattern=SLUG_PATTERN)], ...] = ()
    """Rights of the tariff, by their names."""

    def __post_init__(self) -> None:
        """Hold it to one of the two."""
        times = (self.tariff_id, self.entered_at, self.left_at)
        by_stay = self.stay_id is not None and times == (None, None, None)
        if not by_stay and (self.stay_id is not None or None in times):
            msg = "give stay_id alone, or tariff_id, entered_at and left_at"
            raise ValueError(msg)


class StayDetail(StayView, frozen=True, kw_only=True):
    """A stay with its price so far."""

    price: PricePreview | None
    """While it is open: what leaving now costs, and when that changes."""


class DecisionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's answer. `match` names the stay that the exit ends, or the vehicle's plate."""

    decision: Decision
    stay_id: UUID | None = None
    plate: Annotated[str, Meta(max_length=64)] | None = None
    reason: Annotated[str, Meta(max_length=500, pattern="^[^\x00]*$")] = ""


@get("/v1/lots", tags=["stays"], summary="List lots")
async def get_lots(request: Request[Any, Any, Any]) -> list[LotView]:
    """Lots with their occupancy: all for an admin, an operator's own for an operator."""
    scope = await operator_scope(request)
    async with reading(services_of(request).pool) as connection:
        return await queries.lots(connection, operator_id=scope)


@get("/v1/lots/{lot_id:str}", tags=["stays"], summary="Show a lot")
async def get_lot(request: Request[Any, Any, Any], lot_id: SlugPath) -> LotView:
    """One lot with its occupancy."""
    await require_lot(request, LotId(lot_id))
    async with reading(services_of(request).pool) as connection:
        (view,) = await queries.lots(connection, lot_id=LotId(lot_id))
    return view


@get("/v1/stays", tags=["stays"], summary="List stays")
async def get_stays(
    request: Request[Any, Any, Any],
    lot_id: SlugQuery = None,
    plate: PlateQuery = None,
    stay_state: Annotated[StayState | None, QueryParameter(name="state")] = None,
    limit: LimitQuery = 50,
) -> list[StayView]:
    """The newest stays that fit, newest first."""
    scope = await operator_scope(request)
    async with reading(services_of(request).pool) as connection:
        return await queries.latest_stays(
            connection,
            lot_id=None if lot_id is None else LotId(lot_id),
            plate=None if plate is None else normalise_plate(plate),
            state=stay_state,
            operator_id=scope,
            limit=limit,
        )


@get("/v1/stays/{stay_id:uuid}", tags=["stays"], summary="Show a stay")
async def get_stay(request: Request[Any, Any, Any], stay_id: IdPath) -> StayDetail:
    """One stay, with its fee line by line; while it goes on, with its price by now."""
    scope = await operator_scope(request)
    async with reading(services_of(request).pool) as connection:
        view = await queries.stay(connection, StayId(stay_id))
    # Another operator's stay is answered like none: its id is its driver's secret.
    if view is None or scope not in {None, view.operator_id}:
        raise UnknownStayError(stay_id)
    price = await services_of(request).gate_prices.of_stay(view)
    return StayDetail(**{n: getattr(view, n) for n in StayView.__struct_fields__}, price=price)


@post("/v1/quotes", status_code=200, tags=["stays"], summary="Quote a fee")
async def post_quote(request: Request[Any, Any, Any], data: JSONBody[QuoteBody]) -> Fee:
    """What a stay costs by now, or what two instants would cost under a tariff."""
    scope = await operator_scope(request)
    services = services_of(request)
    if data.stay_id is not None:
        stay_id = StayId(data.stay_id)
        async with reading(services.pool) as connection:
            view = await queries.stay(connection, stay_id)
        if view is None or scope not in {None, view.operator_id}:
            raise UnknownStayError(stay_id)
        return await services.quotes.quote_stay(stay_id)
    assert data.tariff_id is not None  # noqa: S101 - QuoteBody sees to it
    assert data.entered_at is not None  # noqa: S101
    assert data.left_at is not None  # noqa: S101
    return await services.quotes.quote_times(
        tariff_id=TariffId(data.tariff_id),
        entered_at=data.entered_at,
        left_at=data.left_at,
        colour=data.colour,
        vehicle=data.vehicle,
        rights=data.rights,
    )


@get("/v1/reviews", tags=["stays"], summary="List reviews")
async def get_reviews(
    request: Request[Any, Any, Any],
    review_state: Annotated[ReviewState | None, QueryParameter(name="state")] = None,
    kind: Annotated[ReviewKind | None, QueryParameter()] = None,
    lot_id: SlugQuery = None,
    limit: LimitQuery = 100,
) -> list[Review]:
    """What waits for a person, or was decided."""
    scope = await operator_scope(request)
    async with reading(services_of(request).pool) as connection:
        return await queries.list_reviews(
            connection,
            state=review_state,
            kind=kind,
            lot_id=None if lot_id is None else LotId(lot_id),
            operator_id=scope,
            limit=limit,
        )


@get("/v1/reviews/{review_id:uuid}", tags=["stays"], summary="Show a review")
async def get_review(request: Request[Any, Any, Any], review_id: IdPath) -> ReviewDetails:
    """All that a person needs to decide it: events, candidates, stays that could be meant."""
    await operator_scope(request)
    services = services_of(request)
    review = await services.reviews.get(review_id)
    await require_lot(request, review.lot_id)
    return await services.review_desk.show(review_id)


@post(
    "/v1/reviews/{review_id:uuid}/decision",
    status_code=200,
    tags=["stays"],
    summary="Decide a review",
)
async def post_decision(
    request: Request[Any, Any, Any], review_id: IdPath, data: JSONBody[DecisionBody]
) -> Review:
    """Confirm, reject or match; a decided review cannot be decided again."""
    return await carry_out(
        services_of(request), review_id, data, principal=await principal_of(request)
    )


async def carry_out(
    services: ParkingServices, review_id: UUID, body: DecisionBody, *, principal: Principal
) -> Review:
    """Decide as the holder of a key. Raises what ReviewDecider does, ForbiddenError."""
    scope_of(principal)
    review = await services.reviews.get(review_id)
    await check_lot(services, principal, review.lot_id)
    ruling = Ruling(
        decision=body.decision,
        stay_id=body.stay_id,
        plate=None if body.plate is None else normalise_plate(body.plate),
        reason=body.reason,
    )
    return await services.reviews.decide(review_id, ruling, by=author_of(principal))


HANDLERS: Final = (
    get_lots,
    get_lot,
    get_stays,
    get_stay,
    post_quote,
    get_reviews,
    get_review,
    post_decision,
)

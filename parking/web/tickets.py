"""Routes for tickets: issued at the entry by the box, shown to who holds one, matched later."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import JSONBody, PathParameter
from msgspec import Meta

from parking.core.fee import Fee
from parking.core.ids import EventId, LotId, StayId
from parking.core.stay import StayState
from parking.core.ticket import is_ticket
from parking.db import plate_reads
from parking.db.api_keys import Role
from parking.db.pool import reading
from parking.services.issue_tickets import TicketView, UnknownLaneEventError
from parking.web.access import author_of, principal_of, require_lot, services_of

TicketPath = Annotated[str, PathParameter(max_length=64)]


class TicketBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which entry."""

    entry_event_id: UUID


class TicketMatchBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which plate the vehicle has, or by which exit it left."""

    plate: Annotated[str, Meta(max_length=64)] | None = None
    exit_event_id: UUID | None = None

    def __post_init__(self) -> None:
        """Hold it to one of the two."""
        if (self.plate is None) is (self.exit_event_id is None):
            msg = "give plate or exit_event_id, not both"
            raise ValueError(msg)


class TicketShown(msgspec.Struct, frozen=True, kw_only=True):
    """What a ticket tells its bearer. Whoever knows the ticket may know this."""

    ticket: str
    """What the QR code at the gate holds."""
    path: str
    """Where the ticket is shown."""
    lot_id: str
    stay_id: StayId | None
    """To be paid by; None where the entry was taken back."""
    state: StayState | None
    plate: str | None
    """Once it is known."""
    entered_at: datetime | None
    left_at: datetime | None
    fee: Fee | None
    """So far, or of the whole stay; None where only one end is known."""


@post("/v1/tickets", tags=["tickets"], summary="Issue a ticket")
async def post_ticket(request: Request[Any, Any, Any], data: JSONBody[TicketBody]) -> TicketShown:
    """Issue a ticket for an entry that read no plate; asked again, the same one is answered."""
    lot_id, by = await _lot_and_author(request, data.entry_event_id)
    desk = services_of(request).tickets
    return await _shown(
        request, await desk.issue(EventId(data.entry_event_id), lot_id=lot_id, by=by)
    )


@get("/v1/tickets/{ticket:str}", tags=["tickets"], summary="Show a ticket")
async def get_ticket(request: Request[Any, Any, Any], ticket: TicketPath) -> TicketShown:
    """The stay that a ticket stands for, and what it costs so far. Needs no key but the ticket."""
    return await _shown(request, await services_of(request).tickets.show(ticket))


@post("/v1/tickets/{ticket:str}/match", status_code=200, tags=["tickets"], summary="Match a ticket")
async def post_match(
    request: Request[Any, Any, Any], ticket: TicketPath, data: JSONBody[TicketMatchBody]
) -> TicketShown:
    """Say which plate the vehicle has, or by which exit it left."""
    await principal_of(request)
    desk = services_of(request).tickets
    by = await _author_in(request, (await desk.get(ticket)).lot_id)
    if data.plate is not None:
        return await _shown(request, await desk.match_plate(ticket, data.plate, by=by))
    assert data.exit_event_id is not None  # noqa: S101 - TicketMatchBody sees to it
    exit_event_id = EventId(data.exit_event_id)
    return await _shown(request, await desk.match_exit(ticket, exit_event_id, by=by))


async def _lot_and_author(request: Request[Any, Any, Any], event_id: UUID) -> tuple[LotId, str]:
    principal = await principal_of(request)
    if principal.role is Role.DEVICE and principal.lot_id is not None:
        return principal.lot_id, f"device:{principal.device_id}"
    async with reading(services_of(request).pool) as connection:
        lot_id = await plate_reads.lot_of_fact(connection, event_id)
    if lot_id is None:
        raise UnknownLaneEventError(event_id)
    return lot_id, author_of(await require_lot(request, lot_id))


async def _author_in(request: Request[Any, Any, Any], lot_id: LotId) -> str:
    """A device of the lot, or a key that may see it."""
    principal = await principal_of(request)
    if principal.role is Role.DEVICE and principal.lot_id == lot_id:
        return f"device:{principal.device_id}"
    return author_of(await require_lot(request, lot_id))


async def _shown(request: Request[Any, Any, Any], view: TicketView) -> TicketShown:
    stay = view.stay
    fee = None
    if stay is not None and stay.state in {StayState.OPEN, StayState.CLOSED}:
        fee = await services_of(request).quotes.quote_stay(stay.stay_id)
    return TicketShown(
        ticket=view.ticket,
        path=f"/v1/tickets/{view.ticket}",
        lot_id=view.lot_id,
        stay_id=None if stay is None else stay.stay_id,
        state=None if stay is None else stay.state,
        plate=None if stay is None or is_ticket(stay.plate) else stay.plate,
        entered_at=None if stay is None else stay.entered_at,
        left_at=None if stay is None else stay.left_at,
        fee=fee,
    )


HANDLERS: Final = (post_ticket, get_ticket, post_match)

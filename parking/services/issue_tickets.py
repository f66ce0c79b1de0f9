"""Tickets for vehicles whose plate nobody can read: issued at the entry, matched later.

The ticket's stay is a stay like any other, under the ticket instead of a plate. Which plate it has,
or which exit was its own, is said later by a correction; so it is priced and paid as all stays are.
"""

import secrets
from hashlib import blake2b
from uuid import UUID

import msgspec

from parking.core.corrections import effective_events
from parking.core.errors import DomainError
from parking.core.events import (
    LaneEvent,
    PlateColour,
    PlateCorrected,
    VehicleEntered,
    VehicleExited,
)
from parking.core.ids import EventId, LotId, StayId, uuid7, uuid7_unix_ms
from parking.core.plate import InvalidPlateError, Plate, normalise_plate
from parking.core.ticket import TICKET_BITS, is_ticket, ticket_of
from parking.core.triggers import REPEATS_WITHIN
from parking.db import plate_reads, queries, stays, tickets
from parking.db.pool import Connection, Pool, reading, transaction
from parking.db.queries import StayView
from parking.db.tickets import Ticket
from parking.services.amend_stays import StayAmender
from parking.services.clock import Clock
from parking.services.place_book import PlaceBook
from parking.services.record_lane_events import LaneEventRecorder
from parking.services.refusals import LaneEventRefusedError
from parking.services.sayings import Saying, record_said


class UnknownTicketError(DomainError):
    """There is no such ticket."""

    def __init__(self) -> None:
        super().__init__("there is no such ticket")


class UnknownLaneEventError(DomainError):
    """No entry or exit of this id is recorded in the lot."""

    def __init__(self, event_id: UUID) -> None:
        super().__init__(f"no entry or exit {event_id} is recorded in this lot")


class NoTicketNeededError(DomainError):
    """Tickets are for entries that nobody read a plate at."""

    def __init__(self, event_id: UUID) -> None:
        super().__init__(f"event {event_id} is no entry, or its plate is known: it needs no ticket")


class NoExitError(LaneEventRefusedError):
    """The event named as the ticket's exit is none."""

    def __init__(self, event_id: UUID) -> None:
        super().__init__(f"event {event_id} is not an exit after the ticket's entry")


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket with the stay that it stands for."""

    ticket: Plate
    lot_id: LotId
    stay: StayView | None
    """None where its entry was taken back."""


class TicketDesk:
    """Issues tickets, shows them, matches them."""

    def __init__(
        self,
        pool: Pool,
        *,
        recorder: LaneEventRecorder,
        amendments: StayAmender,
        book: PlaceBook,
        clock: Clock,
    ) -> None:
        """Write through `recorder`, but for the ticket itself."""
        self._pool = pool
        self._recorder = recorder
        self._amendments = amendments
        self._book = book
        self._clock = clock

    async def issue(self, entry_event_id: EventId, *, lot_id: LotId, by: str) -> TicketView:
        """Issue a ticket for an entry without a plate; asked again, answer the same one.

        Raises UnknownLaneEventError, NoTicketNeededError.
        """
        entry, plate = await self._event(entry_event_id, lot_id)
        if not isinstance(entry, VehicleEntered) or (plate is not None and not is_ticket(plate)):
            raise NoTicketNeededError(entry_event_id)
        asked = Ticket(
            ticket=ticket_of(secrets.randbits(TICKET_BITS)),
            lot_id=lot_id,
            entry_event_id=entry_event_id,
            issued_at=self._clock(),
            issued_by=by,
        )
        async with transaction(self._pool) as connection:
            ticket = await tickets.insert(connection, asked)
        # Recorded even when the ticket was there: whoever stored it may have died before this.
        await record_said(self._recorder, [_issuing_fact(ticket)])
        return await self.show(ticket.ticket)

    async def show(self, text: str) -> TicketView:
        """A ticket's stay, under whatever plate it is by now. Raises UnknownTicketError."""
        ticket = await self.get(text)
        async with reading(self._pool) as connection:
            stay_id = await self._stay_of(connection, ticket)
            stay = None if stay_id is None else await queries.stay(connection, stay_id)
        return TicketView(ticket=ticket.ticket, lot_id=ticket.lot_id, stay=stay)

    async def get(self, text: str) -> Ticket:
        """The ticket itself. Raises UnknownTicketError."""
        try:
            plate = normalise_plate(text)
        except InvalidPlateError:
            raise UnknownTicketError from None
        if plate is None or not is_ticket(plate):
            raise UnknownTicketError
        async with reading(self._pool) as connection:
            ticket = await tickets.get(connection, plate)
        if ticket is None:
            raise UnknownTicketError
        return ticket

    async def match_plate(
        self, text: str, plate: str, *, colour: PlateColour = PlateColour.UNKNOWN, by: str
    ) -> TicketView:
        """Say which plate the vehicle has: its stay moves there. Raises UnknownTicketError."""
        shown = await self.show(text)
        if shown.stay is None:
            raise UnknownTicketError
        await self._amendments.correct_plate(
            stay_id=shown.stay.stay_id, plate=plate, colour=colour, by=by, reason="ticket matched"
        )
        return await self.show(text)

    async def match_exit(self, text: str, exit_event_id: EventId, *, by: str) -> TicketView:
        """Say by which exit the vehicle left.

        An exit that read a plate gives it to the ticket's stay; one that read none becomes the
        ticket's. Raises UnknownTicketError, UnknownLaneEventError, NoExitError.
        """
        ticket = await self.get(text)
        exit_, plate = await self._event(exit_event_id, ticket.lot_id)
        entry, identity = await self._event(ticket.entry_event_id, ticket.lot_id)
        if not isinstance(exit_, VehicleExited) or exit_.occurred_at < entry.occurred_at:
            raise NoExitError(exit_event_id)
        if plate is not None and not is_ticket(plate):
            return await self.match_plate(text, plate, colour=exit_.read.colour, by=by)
        said = Saying(
            lot_id=ticket.lot_id,
            by=by,
            reason="ticket matched",
            now=self._clock(),
            trace_id=entry.trace_id,
        )
        fact = said.corrected(exit_event_id, identity or ticket.ticket)
        await record_said(self._recorder, [fact])
        return await self.show(text)

    async def _event(self, event_id: EventId, lot_id: LotId) -> tuple[LaneEvent, Plate | None]:
        """A lane event of the lot as it was recorded, and the plate that it counts for now."""
        rules = (await self._book.lot(lot_id)).lot.rules
        async with reading(self._pool) as connection:
            history = await plate_reads.history_of(connection, [event_id])
        event = next((fact for fact in history if fact.event_id == event_id), None)
        if not isinstance(event, VehicleEntered | VehicleExited) or event.lot_id != lot_id:
            raise UnknownLaneEventError(event_id)
        counting = effective_events(history, rules=rules)
        return event, next((each.read.plate for each in counting), None)

    async def _stay_of(self, connection: Connection, ticket: Ticket) -> StayId | None:
        entry, plate = await self._event(ticket.entry_event_id, ticket.lot_id)
        if plate is None:
            return None
        since = {plate: entry.occurred_at - REPEATS_WITHIN}
        rows = await stays.seen_after(connection, ticket.lot_id, since)
        begun = [
            (row.stay.entered_at, row.stay.stay_id)
            for row in rows.values()
            if not row.dissolved
            and row.stay.entered_at is not None
            and row.stay.entered_at <= entry.occurred_at
        ]
        return max(begun)[1] if begun else None


def _issuing_fact(ticket: Ticket) -> PlateCorrected:
    """The same fact each time: its id follows from the ticket."""
    random_bits = int.from_bytes(blake2b(ticket.ticket.encode(), digest_size=10).digest())
    unix_ms = uuid7_unix_ms(ticket.entry_event_id)
    return PlateCorrected(
        event_id=EventId(uuid7(unix_ms, random_bits)),
        lot_id=ticket.lot_id,
        occurred_at=ticket.issued_at,
        recorded_at=ticket.issued_at,
        trace_id=ticket.entry_event_id.hex,
        corrects=ticket.entry_event_id,
        plate=ticket.ticket,
        by=f"ticket:{ticket.issued_by}",
        reason="no plate was read",
    )

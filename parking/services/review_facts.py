"""What a person's answer to a review says about the events: the facts that it becomes."""

from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

import msgspec

from parking.core.corrections import effective_events
from parking.core.errors import DomainError
from parking.core.events import Fact, LaneEvent, VehicleEntered
from parking.core.ids import EventId, StayId
from parking.core.plate import Plate
from parking.core.stay import StayState
from parking.db import plate_facts, plate_reads, queries, stays
from parking.db.pool import Connection
from parking.db.queries import StayView
from parking.db.reviews import Review, ReviewKind
from parking.services.place_book import LotEntry
from parking.services.sayings import Saying


class Decision(Enum):
    """The answers."""

    CONFIRM = "confirm"
    """Near miss: it is the same car. Otherwise: the vehicle was there, nothing can be charged."""
    REJECT = "reject"
    """Near miss: two different cars. Otherwise: there was no such vehicle."""
    MATCH = "match"
    """The car is known: the one of a stay, or the one with a plate."""


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """An answer with what belongs to it."""

    decision: Decision
    stay_id: UUID | None = None
    """To match: the stay whose car left by the exit in question."""
    plate: Plate | None = None
    """To match: the plate that the vehicle really has, where neither read got it right."""
    reason: str = ""


class IncompleteMatchError(DomainError):
    """A match names a stay, or a plate; nothing else does."""

    def __init__(self) -> None:
        super().__init__("`match` names a stay_id, a plate, or both; other decisions name neither")


class MatchRefusedError(DomainError):
    """The stay named cannot be the one in question."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the stay cannot be matched: {reason}")


async def facts_of(
    connection: Connection,
    review: Review,
    ruling: Ruling,
    *,
    lot: LotEntry,
    by: str,
    now: datetime,
) -> list[Fact]:
    """What a ruling says about the events; nothing where it changes nothing about them.

    Raises IncompleteMatchError, MatchRefusedError.
    """
    matching = ruling.decision is Decision.MATCH
    if matching is (ruling.stay_id is None and ruling.plate is None):
        raise IncompleteMatchError
    corrections: dict[EventId, Plate] = {}
    reason = ruling.reason
    if matching:
        corrections = await _matched(connection, review, ruling, lot)
        reason = reason or "matched by a person"
    elif review.kind is ReviewKind.NEAR_MISS:
        if ruling.decision is Decision.CONFIRM and review.plate and review.entry_event_id:
            triggers = await _triggers(connection, lot, review.entry_event_id)
            corrections = dict.fromkeys(triggers, review.plate)
            reason = reason or "near miss confirmed"
    elif ruling.decision is Decision.REJECT:
        event_id = review.exit_event_id or review.entry_event_id
        reason = reason or f"{review.kind.value} rejected"
        said = Saying(lot_id=review.lot_id, by=by, reason=reason, now=now)
        return [] if event_id is None else [said.withdrawn(event_id)]
    said = Saying(lot_id=review.lot_id, by=by, reason=reason, now=now)
    return [said.corrected(event_id, plate) for event_id, plate in corrections.items()]


async def _matched(
    connection: Connection, review: Review, ruling: Ruling, lot: LotEntry
) -> dict[EventId, Plate]:
    """Which events become which plate's, so that both ends are one car's."""
    asked = review.exit_event_id or review.entry_event_id
    if asked is None:
        return {}
    event, known = await _event(connection, asked, lot)
    if ruling.stay_id is None:
        assert ruling.plate is not None  # noqa: S101 - one of the two is given
        return {asked: ruling.plate}
    stay = await _stay(connection, ruling.stay_id, event, lot)
    plate = ruling.plate or known or stay.plate
    corrections = {} if known == plate else {asked: plate}
    if stay.plate != plate and stay.entry_event_id is not None:
        triggers = await _triggers(connection, lot, stay.entry_event_id)
        corrections |= dict.fromkeys(triggers, plate)
    if not corrections:
        reason = "both are read as that plate already"
        raise MatchRefusedError(reason)
    return corrections


async def _event(
    connection: Connection, event_id: EventId, lot: LotEntry
) -> tuple[LaneEvent, Plate | None]:
    history = await plate_reads.history_of(connection, [event_id])
    events = await plate_reads.lane_events_of(connection, [event_id])
    counting = effective_events(history, rules=lot.lot.rules)
    return events[event_id], next((each.read.plate for each in counting), None)


async def _stay(connection: Connection, stay_id: UUID, event: LaneEvent, lot: LotEntry) -> StayView:
    """The stay that an exit may end. Raises MatchRefusedError."""
    stay = await queries.stay(connection, StayId(stay_id))
    if stay is None or stay.dissolved or stay.lot_id != lot.lot.lot_id:
        reason = f"there is no stay {stay_id} in this lot"
        raise MatchRefusedError(reason)
    if isinstance(event, VehicleEntered):
        reason = "only an exit ends a stay; give the entry its plate instead"
    elif stay.state not in {StayState.OPEN, StayState.MISSED_EXIT} or stay.entered_at is None:
        reason = f"it is {stay.state.value.replace('_', ' ')}"
    elif event.occurred_at < stay.entered_at:
        reason = f"it began at {stay.entered_at.isoformat()}, after the exit"
    elif event.occurred_at - stay.entered_at > timedelta(hours=lot.lot.rules.maximum_stay_hours):
        reason = f"it would last over {lot.lot.rules.maximum_stay_hours} h, the lot's maximum"
    else:
        return stay
    raise MatchRefusedError(reason)


async def _triggers(connection: Connection, lot: LotEntry, entry_id: EventId) -> list[EventId]:
    """The entry, then the repeats of it while the car stood there: it was one car.

    Triggers that were read like the entry follow it by themselves, also late ones. Those that only
    a correction made repeats of it, and would open a stay of their own, are corrected with it.
    """
    lot_id, rules = lot.lot.lot_id, lot.lot.rules
    plates = await plate_facts.plates_about(connection, lot_id, [entry_id])
    rows = await stays.seen_after(connection, lot_id, plates)
    for stay in (row.stay for row in rows.values() if not row.dissolved):
        if stay.entry_event_id != entry_id or stay.entered_at is None:
            continue
        facts = await plate_facts.facts_of_plate(
            connection, lot_id, stay.plate, since=stay.entered_at
        )
        repeats = [
            event.event_id
            for event in effective_events(facts, rules=rules)
            if isinstance(event, VehicleEntered)
            and event.read.plate == stay.plate
            and stay.entered_at <= event.occurred_at <= stay.last_seen_at
        ]
        return [entry_id, *(event_id for event_id in repeats if event_id != entry_id)]
    return [entry_id]

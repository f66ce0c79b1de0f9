"""What people say about vehicles, as facts: the one place where these are made and recorded.

An operator at the desk, a driver's granted appeal, an answer to a review and the match of a ticket
all say the same three things: it was another plate, it does not count, the stay ended.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from parking.core.events import Ending, EventWithdrawn, Fact, PlateColour, PlateCorrected, StayEnded
from parking.core.ids import EventId, LotId
from parking.core.plate import Plate
from parking.services.check_lane_event import submission_of
from parking.services.clock import new_id
from parking.services.outcomes import Outcome
from parking.services.record_lane_events import LaneEventRecorder


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """Who says something about a lot's facts, when, and why."""

    lot_id: LotId
    by: str
    reason: str
    now: datetime
    trace_id: str = ""
    """Of the car; empty: each fact follows the event that it is about."""

    def corrected(
        self, event_id: EventId, plate: Plate, *, colour: PlateColour = PlateColour.UNKNOWN
    ) -> PlateCorrected:
        """An event was really of this plate."""
        return PlateCorrected(
            event_id=EventId(new_id(self.now)),
            lot_id=self.lot_id,
            occurred_at=self.now,
            recorded_at=self.now,
            trace_id=self.trace_id or event_id.hex,
            corrects=event_id,
            plate=plate,
            colour=colour,
            by=self.by,
            reason=self.reason,
        )

    def withdrawn(self, fact_id: EventId) -> EventWithdrawn:
        """A fact does not count."""
        return EventWithdrawn(
            event_id=EventId(new_id(self.now)),
            lot_id=self.lot_id,
            occurred_at=self.now,
            recorded_at=self.now,
            trace_id=self.trace_id or fact_id.hex,
            withdraws=fact_id,
            by=self.by,
            reason=self.reason,
        )

    def ended(
        self, event_id: EventId, how: Ending, *, left_at: datetime | None = None
    ) -> StayEnded:
        """The stay of an event ended, `left_at` where that is known."""
        at = self.now if left_at is None else left_at
        return StayEnded(
            event_id=EventId(new_id(self.now)),
            lot_id=self.lot_id,
            occurred_at=at.astimezone(UTC),
            recorded_at=self.now,
            trace_id=self.trace_id or event_id.hex,
            ends=event_id,
            how=how,
            by=self.by,
            reason=self.reason,
        )


async def record_said(recorder: LaneEventRecorder, facts: Sequence[Fact]) -> list[Outcome]:
    """Record what was said, together; raises what the recorder answers about any of it."""
    if not facts:
        return []
    outcomes = await recorder.record([submission_of(fact) for fact in facts])
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return outcomes

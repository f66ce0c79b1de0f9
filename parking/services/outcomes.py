"""The answers to lane events: what became of each, and what the gate may show the driver."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

import msgspec

from parking.core.errors import DomainError
from parking.core.events import Fact, VehicleEntered, VehicleExited
from parking.core.ids import EventId, StayId
from parking.core.plate import Plate
from parking.core.standing import Standing
from parking.core.stay import StayState
from parking.db.stays import StayRow
from parking.services.check_lane_event import Submission
from parking.services.gate_prices import PricePreview
from parking.services.lane_event_batch import BatchResult, Tentative
from parking.services.refusals import ConflictingEventError

_SEEN = (VehicleEntered, VehicleExited)
_UNKNOWN_PLATE = Standing()


class Status(Enum):
    """What became of an event."""

    ACCEPTED = "accepted"
    """Durable, folded, priced and handed to billing."""
    DUPLICATE = "duplicate"
    """It was recorded before; all is well."""
    CONFLICT = "conflict"
    """Another content is recorded under this id and stands."""
    REFUSED = "refused"
    """Not recorded; the error says why."""


class Display(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the gate may show the driver."""

    stay_id: StayId
    state: StayState
    entered_at: datetime | None
    left_at: datetime | None
    fee_minor: int | None
    """None while the stay is open or cannot be priced."""
    currency: str | None
    bound: bool | None
    """Whether a driver bound this plate and a way to pay; None when billing did not answer."""
    arrears_minor: int | None
    tentative: bool
    """Paired by a near miss: a person may still say no."""
    suspended: bool | None = None
    """The plate is bound, but its driver may not pay later for now; see docs/dunning.md."""
    price: PricePreview | None = None
    """Of an open stay, where its event came alone: a gate that waits for the answer."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """The answer to one event."""

    status: Status
    display: Display | None = None
    error: DomainError | None = None


def plate_of(fact: Fact) -> Plate | None:
    """The plate that a fact saw; None for one that saw no plate or no vehicle."""
    return fact.read.plate if isinstance(fact, _SEEN) else None


def outcome_of(
    submission: Submission,
    result: BatchResult | DomainError,
    *,
    recorded: Submission,
    repeated: bool,
    standings: Mapping[Plate, Standing] | None,
) -> Outcome:
    """Answer one event. `recorded` stood for its id in the transaction; `repeated`: not it alone.

    `standings` is None where billing did not answer.
    """
    event_id = submission.fact.event_id
    if isinstance(result, DomainError):
        return Outcome(Status.REFUSED, error=result)
    first = event_id in result.new
    stands = recorded.content_hash if first else result.stored.get(event_id)
    if submission.content_hash != stands:
        return Outcome(Status.CONFLICT, error=ConflictingEventError(event_id))
    status = Status.ACCEPTED if first and not repeated else Status.DUPLICATE
    return Outcome(status, _display(submission.fact, event_id, result, standings))


def _display(
    fact: Fact,
    event_id: EventId,
    result: BatchResult,
    standings: Mapping[Plate, Standing] | None,
) -> Display | None:
    plate = plate_of(fact)
    if plate is None:
        return None
    standing = None if standings is None else standings.get(plate, _UNKNOWN_PLATE)
    tentative = result.tentative.get(event_id)
    if tentative is not None:
        return _tentative(tentative, standing)
    row = result.newest.get((fact.lot_id, plate))
    return None if row is None else _shown(row, standing)


def _shown(row: StayRow, standing: Standing | None) -> Display:
    stay = row.stay
    return Display(
        stay_id=stay.stay_id,
        state=stay.state,
        entered_at=stay.entered_at,
        left_at=stay.left_at,
        fee_minor=row.fee_minor,
        currency=row.currency,
        bound=None if standing is None else standing.bound,
        arrears_minor=None if standing is None else standing.arrears_minor,
        tentative=False,
        suspended=None if standing is None else standing.suspended,
    )


def _tentative(tentative: Tentative, standing: Standing | None) -> Display:
    return msgspec.structs.replace(
        _shown(tentative.row, standing),
        state=StayState.CLOSED,
        left_at=tentative.left_at,
        fee_minor=tentative.fee.total.amount_minor,
        currency=tentative.fee.total.currency,
        tentative=True,
    )

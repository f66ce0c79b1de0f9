"""From what a device sent to a fact that may be recorded, or to the reason why not. Pure."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final
from uuid import UUID

import msgspec
from asyncpg.pgproto import pgproto

from parking.core.events import (
    Candidate,
    EventWithdrawn,
    Fact,
    PlateColour,
    PlateCorrected,
    PlateRead,
    VehicleEntered,
    VehicleExited,
)
from parking.core.ids import DeviceId, EventId, LaneId, LotId
from parking.core.limits import IngestLimits
from parking.core.place import LaneDirection
from parking.core.plate import normalise_plate
from parking.services.incoming import (
    Incoming,
    IncomingCorrection,
    IncomingEntered,
    IncomingExited,
    IncomingRead,
)
from parking.services.place_book import LotEntry
from parking.services.refusals import (
    AmendsItselfError,
    EventFromTheFutureError,
    EventIdNotVersion7Error,
    EventTooOldError,
    NulCharacterError,
    OtherLotError,
    PlateMissingError,
    UnknownDeviceError,
    UnknownLaneError,
    WrongDirectionError,
)

_VERSION_7: Final = 7
_NUL: Final = "\x00"
_CANDIDATE: Final = "a candidate"
_HASH_BYTES: Final = 16
_SEEN_BY_CAMERA: Final = (IncomingEntered, IncomingExited)
_LANE_EVENTS: Final = (VehicleEntered, VehicleExited)
_ENTRY: Final = LaneDirection.ENTRY
_EXIT: Final = LaneDirection.EXIT
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


class Submission(msgspec.Struct, frozen=True, gc=False):
    """A fact ready to be recorded, with the fingerprint of what its sender said."""

    fact: Fact
    content_hash: bytes
    """16 bytes; equal for a repetition, different for another content under the same id."""


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """One moment of our clock, and how far from it an event may have occurred."""

    now: datetime
    past: timedelta
    future: timedelta
    """Negative: an age."""


def bounds_of(limits: IngestLimits) -> tuple[timedelta, timedelta]:
    """How old an event may be, and how young: less than nothing."""
    return (
        timedelta(days=limits.past_tolerance_days),
        -timedelta(seconds=limits.future_tolerance_seconds),
    )


def check_lane_event(
    event: Incoming, *, lot: LotEntry, device_id: DeviceId, bounds: Bounds
) -> Submission:
    """Turn what the device of this lot sent into a fact. Raises a LaneEventRefusedError subclass.

    InvalidPlateError comes from the plate's own rules.
    """
    if event.lot_id != lot.lot.lot_id:
        raise OtherLotError(lot_id=event.lot_id, key_lot_id=lot.lot.lot_id)
    if device_id not in lot.devices:
        raise UnknownDeviceError(lot_id=event.lot_id, device_id=device_id)
    if event.event_id.int >> 76 & 0xF != _VERSION_7:
        raise EventIdNotVersion7Error(event.event_id)
    if not bounds.future <= bounds.now - event.occurred_at <= bounds.past:
        raise _out_of_bounds(event.occurred_at, bounds)
    if isinstance(event, _SEEN_BY_CAMERA):
        return _seen(event, lot, device_id, bounds)
    return submission_of(_amending(event, device_id, bounds))


def submission_of(fact: Fact) -> Submission:
    """Take the fingerprint of a fact: everything but `recorded_at` and `trace_id`."""
    said: tuple[object, ...]
    if isinstance(fact, _LANE_EVENTS):
        said = (fact.lane_id, fact.device_id, *_read_as(fact.read))
        if fact.by:
            said = (*said, fact.by, fact.reason)
    elif isinstance(fact, PlateCorrected):
        said = (fact.corrects, fact.plate, fact.colour, fact.by, fact.reason)
    elif isinstance(fact, EventWithdrawn):
        said = (fact.withdraws, fact.by, fact.reason)
    else:
        said = (fact.ends, fact.how, fact.by, fact.reason)
    return _with_fingerprint(fact, fact.event_id, said)


def _with_fingerprint(fact: Fact, event_id: UUID, said: tuple[object, ...]) -> Submission:
    at = fact.occurred_at.timestamp()
    content = _encode((type(fact).__name__, event_id, fact.lot_id, at, said))
    return Submission(fact, blake2b(content, digest_size=_HASH_BYTES).digest())


def _read_as(read: PlateRead) -> tuple[object, ...]:
    return read.plate, read.colour, read.confidence, read.candidates


def _seen(
    event: IncomingEntered | IncomingExited, lot: LotEntry, device_id: DeviceId, bounds: Bounds
) -> Submission:
    lane_id, event_id, occurred_at = event.lane_id, event.event_id, event.occurred_at
    direction = lot.lanes.get(lane_id)
    if direction is None:
        raise UnknownLaneError(lot_id=lot.lot.lot_id, lane_id=lane_id)
    entered = isinstance(event, IncomingEntered)
    if direction is (_EXIT if entered else _ENTRY):
        said = "an entry" if entered else "an exit"
        raise WrongDirectionError(lane_id=lane_id, direction=direction, event=said)
    read = _read(event.read)
    fact = (VehicleEntered if entered else VehicleExited)(
        # The driver's own UUID: equal to Python's, and its hash and bytes are C.
        event_id=EventId(pgproto.UUID(event_id.bytes)),
        lot_id=lot.lot.lot_id,
        occurred_at=occurred_at if occurred_at.tzinfo is UTC else occurred_at.astimezone(UTC),
        recorded_at=bounds.now,
        trace_id=event.trace_id or event_id.hex,
        lane_id=LaneId(lane_id),
        device_id=device_id,
        read=read,
    )
    return _with_fingerprint(fact, event_id, (lane_id, device_id, *_read_as(read)))


def _amending(
    event: Incoming, device_id: DeviceId, bounds: Bounds
) -> PlateCorrected | EventWithdrawn:
    by = f"device:{device_id}"
    occurred_at = _in_utc(event.occurred_at)
    event_id, lot_id = EventId(event.event_id), LotId(event.lot_id)
    trace_id = event.trace_id or event.event_id.hex
    if isinstance(event, IncomingCorrection):
        _refuse_nul(event.reason, "reason")
        _refuse_itself(event_id, event.corrects)
        plate = normalise_plate(event.plate)
        if plate is None:
            raise PlateMissingError
        return PlateCorrected(
            event_id=event_id,
            lot_id=lot_id,
            occurred_at=occurred_at,
            recorded_at=bounds.now,
            trace_id=trace_id,
            corrects=EventId(event.corrects),
            plate=plate,
            colour=event.colour,
            by=by,
            reason=event.reason,
        )
    assert not isinstance(event, IncomingEntered | IncomingExited)  # noqa: S101 - for the checker
    _refuse_nul(event.reason, "reason")
    _refuse_itself(event_id, event.withdraws)
    return EventWithdrawn(
        event_id=event_id,
        lot_id=lot_id,
        occurred_at=occurred_at,
        recorded_at=bounds.now,
        trace_id=trace_id,
        withdraws=EventId(event.withdraws),
        by=by,
        reason=event.reason,
    )


def _in_utc(instant: datetime) -> datetime:
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def _read(read: IncomingRead) -> PlateRead:
    plate = None if read.plate is None else normalise_plate(read.plate)
    for each in read.candidates:
        if _NUL in each.text:
            raise NulCharacterError(_CANDIDATE)
    return PlateRead(
        plate=plate,
        colour=read.colour if plate is not None else PlateColour.UNKNOWN,
        confidence=read.confidence,
        candidates=tuple([Candidate(each.text, each.confidence) for each in read.candidates]),
    )


def _refuse_nul(text: str, field: str) -> None:
    if _NUL in text:
        raise NulCharacterError(field)


def _refuse_itself(event_id: EventId, named: object) -> None:
    if event_id == named:
        raise AmendsItselfError(event_id)


def _out_of_bounds(occurred_at: datetime, bounds: Bounds) -> Exception:
    if occurred_at > bounds.now:
        return EventFromTheFutureError(occurred_at=occurred_at, now=bounds.now)
    return EventTooOldError(occurred_at=occurred_at, days_max=bounds.past.days)

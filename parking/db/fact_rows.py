"""Facts as rows of `parking.lane_event`, there and back."""

from functools import lru_cache
from typing import Any, Final

import asyncpg
import msgspec

from parking.core.events import (
    Amendment,
    Candidate,
    Ending,
    EventWithdrawn,
    Fact,
    LaneEvent,
    PlateColour,
    PlateCorrected,
    PlateRead,
    StayEnded,
    VehicleEntered,
    VehicleExited,
    amended_by,
)
from parking.db.binary_rows import (
    NULL,
    UUID_LENGTH,
    binary,
    double,
    instant,
    jsonb,
    length,
    text,
    uuid,
    word,
)

COLUMNS: Final = (
    "event_id",
    "type",
    "lot_id",
    "lane_id",
    "device_id",
    "occurred_at",
    "recorded_at",
    "plate",
    "colour",
    "confidence",
    "candidates",
    "amends",
    "said_by",
    "reason",
    "how",
    "trace_id",
    "content_hash",
)
FACT_COLUMNS: Final = ", ".join(COLUMNS[:-1])
"""What `fact_of` needs."""
_LANE_EVENTS: Final = (VehicleEntered, VehicleExited)
_UNSAID: Final = NULL * 4
_ENCODE_CANDIDATES: Final = msgspec.json.Encoder().encode
_CANDIDATES: Final = msgspec.json.Decoder(tuple[Candidate, ...])


def fact_row(fact: Fact, content_hash: bytes) -> bytes:
    """A fact for COPY, in the order of `COLUMNS`."""
    if not isinstance(fact, _LANE_EVENTS):
        return _amendment_row(fact, content_hash)
    read, trace_id = fact.read, fact.trace_id.encode()
    # One join of parts, and few calls: this is made for every event.
    return b"".join(
        (
            UUID_LENGTH,
            fact.event_id.bytes,
            _seen_by(type(fact), fact.lot_id, fact.lane_id, fact.device_id),
            instant(fact.occurred_at),
            instant(fact.recorded_at),
            text(read.plate),
            word(read.colour.value),
            double(read.confidence),
            jsonb(_ENCODE_CANDIDATES(read.candidates)) if read.candidates else NULL,
            _said(fact) if fact.by or fact.reason else _UNSAID,
            length(len(trace_id)),
            trace_id,
            length(len(content_hash)),
            content_hash,
        )
    )


@lru_cache(maxsize=8_192)
def _seen_by(kind: type[LaneEvent], lot_id: str, lane_id: str, device_id: str | None) -> bytes:
    """Type, lot, lane and device: the same for all cars that one camera sees."""
    name = "vehicle_entered" if kind is VehicleEntered else "vehicle_exited"
    return word(name) + word(lot_id) + word(lane_id) + word(device_id)


def _said(fact: LaneEvent) -> bytes:
    """The columns from `amends` to `how`, where a person saw the vehicle."""
    return NULL + text(fact.by or None) + text(fact.reason or None) + NULL


def _amendment_row(fact: Amendment, content_hash: bytes) -> bytes:
    corrected = fact if isinstance(fact, PlateCorrected) else None
    ended = fact if isinstance(fact, StayEnded) else None
    return b"".join(
        (
            uuid(fact.event_id),
            word("plate_corrected" if corrected else "stay_ended" if ended else "event_withdrawn"),
            word(fact.lot_id),
            NULL * 2,
            instant(fact.occurred_at),
            instant(fact.recorded_at),
            word(corrected and corrected.plate),
            word(corrected and corrected.colour.value),
            NULL * 2,
            uuid(amended_by(fact)),
            text(fact.by),
            text(fact.reason),
            word(ended and ended.how.value),
            text(fact.trace_id),
            binary(content_hash),
        )
    )


def fact_of(row: asyncpg.Record) -> Fact:
    """A fact out of a row with `FACT_COLUMNS`."""
    common = {
        name: row[name] for name in ("event_id", "lot_id", "occurred_at", "recorded_at", "trace_id")
    }
    kind = row["type"]
    if kind in {"plate_corrected", "event_withdrawn", "stay_ended"}:
        return _amendment(row, kind, common | {"by": row["said_by"], "reason": row["reason"]})
    read = PlateRead(
        plate=row["plate"],
        colour=PlateColour(row["colour"]),
        confidence=row["confidence"],
        candidates=_CANDIDATES.decode(row["candidates"]) if row["candidates"] else (),
    )
    seen = VehicleEntered if kind == "vehicle_entered" else VehicleExited
    return seen(
        **common,
        lane_id=row["lane_id"],
        device_id=row["device_id"],
        read=read,
        by=row["said_by"] or "",
        reason=row["reason"] or "",
    )


def _amendment(row: asyncpg.Record, kind: str, common: dict[str, Any]) -> Fact:
    if kind == "event_withdrawn":
        return EventWithdrawn(**common, withdraws=row["amends"])
    if kind == "stay_ended":
        return StayEnded(**common, ends=row["amends"], how=Ending(row["how"]))
    colour = PlateColour(row["colour"])
    return PlateCorrected(**common, corrects=row["amends"], plate=row["plate"], colour=colour)

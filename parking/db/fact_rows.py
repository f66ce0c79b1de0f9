"""Facts as rows of `parking.lane_event`, there and back."""

from typing import Any, Final

import asyncpg
import msgspec

from parking.core.events import (
    Candidate,
    Ending,
    EventWithdrawn,
    Fact,
    PlateColour,
    PlateCorrected,
    PlateRead,
    StayEnded,
    VehicleEntered,
    VehicleExited,
    amended_by,
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
_ENCODE_CANDIDATES: Final = msgspec.json.Encoder().encode
_CANDIDATES: Final = msgspec.json.Decoder(tuple[Candidate, ...])


def fact_row(fact: Fact, content_hash: bytes) -> tuple[object, ...]:
    """A fact in the order of `COLUMNS`."""
    if isinstance(fact, VehicleEntered | VehicleExited):
        read = fact.read
        entered = isinstance(fact, VehicleEntered)
        candidates = _ENCODE_CANDIDATES(read.candidates).decode() if read.candidates else None
        return (
            fact.event_id,
            "vehicle_entered" if entered else "vehicle_exited",
            fact.lot_id,
            fact.lane_id,
            fact.device_id,
            fact.occurred_at,
            fact.recorded_at,
            read.plate,
            read.colour.value,
            read.confidence,
            candidates,
            None,
            fact.by or None,
            fact.reason or None,
            None,
            fact.trace_id,
            content_hash,
        )
    corrected = isinstance(fact, PlateCorrected)
    ended = isinstance(fact, StayEnded)
    return (
        fact.event_id,
        "plate_corrected" if corrected else "stay_ended" if ended else "event_withdrawn",
        fact.lot_id,
        None,
        None,
        fact.occurred_at,
        fact.recorded_at,
        fact.plate if isinstance(fact, PlateCorrected) else None,
        fact.colour.value if isinstance(fact, PlateCorrected) else None,
        None,
        None,
        amended_by(fact),
        fact.by,
        fact.reason,
        fact.how.value if isinstance(fact, StayEnded) else None,
        fact.trace_id,
        content_hash,
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

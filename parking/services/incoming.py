"""Lane events as a device sends them, before anything is known about them.

The shape only: types, bounds and lengths. What a shape cannot tell (whose lot, which lane, what
time it is) is parking/services/check_lane_event.py's.
"""

from datetime import datetime
from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

from parking.core.events import PlateColour

CANDIDATES_MAX = 10
REASON_LENGTH_MAX = 500

SlugText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=63)]
PlateText: TypeAlias = Annotated[str, Meta(max_length=64)]
Confidence: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
TraceId: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Reason: TypeAlias = Annotated[str, Meta(max_length=REASON_LENGTH_MAX)]


class IncomingCandidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Another text that the plate may have had."""

    text: PlateText
    confidence: Confidence


class IncomingRead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What the camera believes it saw."""

    plate: PlateText | None
    colour: PlateColour = PlateColour.UNKNOWN
    confidence: Confidence = 0.0
    candidates: Annotated[tuple[IncomingCandidate, ...], Meta(max_length=CANDIDATES_MAX)] = ()


class _Incoming(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    gc=False,
):
    event_id: UUID
    lot_id: SlugText
    occurred_at: Instant
    trace_id: TraceId | None = None


class IncomingEntered(
    _Incoming, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="vehicle_entered"
):
    """A vehicle came in."""

    lane_id: SlugText
    read: IncomingRead


class IncomingExited(
    _Incoming, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="vehicle_exited"
):
    """A vehicle went out."""

    lane_id: SlugText
    read: IncomingRead


class IncomingCorrection(
    _Incoming, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="plate_corrected"
):
    """Which plate an earlier event really saw."""

    corrects: UUID
    plate: PlateText
    colour: PlateColour = PlateColour.UNKNOWN
    reason: Reason = ""


class IncomingWithdrawal(
    _Incoming, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="event_withdrawn"
):
    """An earlier event is taken back."""

    withdraws: UUID
    reason: Reason = ""


Incoming: TypeAlias = IncomingEntered | IncomingExited | IncomingCorrection | IncomingWithdrawal

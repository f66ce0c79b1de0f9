"""When frames are one car, and when a car is an event: what a gate box may be told about it."""

from typing import Annotated

import msgspec

from parking.core.settings import setting

READINGS_KEPT_MAX = 15
"""The best frames of a car that are kept for its vote."""


class CrossingRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When frames are one car, and when a car is an event."""

    gap_seconds: Annotated[
        float, setting("A car not seen for this long has left", unit="seconds", ge=0.1, le=600)
    ] = 2.0
    same_car_seconds: Annotated[
        float,
        setting(
            "The same plate, seen again in the lane within this time after it was last seen there,"
            " is the same car",
            unit="seconds",
            ge=0,
            le=3600,
        ),
    ] = 20.0
    stable_frames: Annotated[
        int,
        setting(
            "This many frames with one text make an event while the car is still in view",
            unit="frames",
            ge=1,
            le=READINGS_KEPT_MAX,
        ),
    ] = 5
    stable_confidence: Annotated[
        float,
        setting("How sure the vote must be for such an event", unit="0.0 to 1.0", ge=0, le=1),
    ] = 0.9
    confidence_min: Annotated[
        float,
        setting(
            "A car whose vote is less sure than this is an event without a plate",
            unit="0.0 to 1.0",
            ge=0,
            le=1,
        ),
    ] = 0.2
    sure_confidence: Annotated[
        float,
        setting(
            "An event at least this sure is never corrected by a second thought, and a second"
            " thought is at least this sure",
            unit="0.0 to 1.0",
            ge=0,
            le=1,
        ),
    ] = 0.95
    second_thought_seconds: Annotated[
        float,
        setting(
            "For so long after an unsure event its car's later frames may correct its plate;"
            " 0: never",
            unit="seconds",
            ge=0,
            le=600,
        ),
    ] = 20.0
    unread_frames_min: Annotated[
        int,
        setting(
            "A car without a readable plate is an event only if this many frames showed it",
            unit="frames",
            ge=1,
            le=1000,
        ),
    ] = 3

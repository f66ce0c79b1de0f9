"""What one device may ask of the lane-event API, each bound with its unit."""

from typing import Annotated

import msgspec

from parking.core.settings import setting


class IngestLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of `POST /v1/lane-events`. The defaults suit a lot with a dozen lanes."""

    body_bytes_max: Annotated[
        int, setting("Longest request body in bytes; a longer one is refused unread", ge=1)
    ] = 1_048_576
    request_events_max: Annotated[
        int, setting("Most events in one JSON array or NDJSON body", ge=1)
    ] = 5_000
    commit_events_max: Annotated[
        int, setting("Most events in one database transaction", ge=1, le=2_000)
    ] = 512
    waiting_events_max: Annotated[
        int, setting("Most events that may wait for a transaction before 503 is answered", ge=1)
    ] = 50_000
    device_events_per_second: Annotated[
        int, setting("Sustained events per second of one device key and server process", ge=1)
    ] = 200
    device_events_burst: Annotated[
        int, setting("Events a device may send at once, after days without a network", ge=1)
    ] = 10_000
    future_tolerance_seconds: Annotated[
        int, setting("Seconds ahead of our clock from which on an event is refused", ge=0)
    ] = 300
    past_tolerance_days: Annotated[
        int, setting("Days behind our clock from which on an event is refused", ge=1, le=360)
    ] = 45
    key_cache_seconds: Annotated[
        int, setting("Seconds for which other processes may honour a revoked key", ge=1, le=60)
    ] = 2
    place_cache_seconds: Annotated[
        int, setting("Seconds for which other processes may use a lot's old rules", ge=1, le=60)
    ] = 5

"""Why a lane event is refused: one class each, its message written for who installs the gate."""

from datetime import datetime
from uuid import UUID

from parking.core.errors import DomainError
from parking.core.place import LaneDirection


class LaneEventRefusedError(DomainError):
    """A lane event that will not be recorded, now or later: sending it again does not help."""


class OtherLotError(LaneEventRefusedError):
    """The key is bound to another lot than the event names."""

    def __init__(self, *, lot_id: str, key_lot_id: str) -> None:
        super().__init__(f"this device's key is bound to lot {key_lot_id}, not {lot_id}")


class UnknownLotError(LaneEventRefusedError):
    """There is no such lot."""

    def __init__(self, lot_id: str) -> None:
        super().__init__(f"there is no lot {lot_id}")


class UnknownLaneError(LaneEventRefusedError):
    """The lot has no such lane."""

    def __init__(self, *, lot_id: str, lane_id: str) -> None:
        super().__init__(f"lot {lot_id} has no lane {lane_id}")


class UnknownDeviceError(LaneEventRefusedError):
    """The lot has no such device."""

    def __init__(self, *, lot_id: str, device_id: str) -> None:
        super().__init__(f"lot {lot_id} has no device {device_id}")


class WrongDirectionError(LaneEventRefusedError):
    """The lane does not go that way."""

    def __init__(self, *, lane_id: str, direction: LaneDirection, event: str) -> None:
        super().__init__(f"lane {lane_id} is an {direction.value} lane, it cannot see {event}")


class EventIdNotVersion7Error(LaneEventRefusedError):
    """Event ids are UUIDv7, so that they sort and are stored by time."""

    def __init__(self, event_id: UUID) -> None:
        super().__init__(f"event_id {event_id} is not a UUID of version 7")


class EventFromTheFutureError(LaneEventRefusedError):
    """The device's clock is ahead, or the instant is wrong."""

    def __init__(self, *, occurred_at: datetime, now: datetime) -> None:
        super().__init__(
            f"occurred_at {occurred_at.isoformat()} lies in the future of our clock"
            f" ({now.isoformat(timespec='seconds')}); check the device's clock"
        )


class EventTooOldError(LaneEventRefusedError):
    """Too long ago to be billed; likely a wrong clock."""

    def __init__(self, *, occurred_at: datetime, days_max: int) -> None:
        super().__init__(
            f"occurred_at {occurred_at.isoformat()} is more than {days_max} days ago;"
            " check the device's clock"
        )


class NulCharacterError(LaneEventRefusedError):
    """Text with a NUL character cannot be stored."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} contains a NUL character")


class PlateMissingError(LaneEventRefusedError):
    """A correction must name a plate."""

    def __init__(self) -> None:
        super().__init__("a correction must name a plate; withdraw an event that saw no vehicle")


class AmendsItselfError(LaneEventRefusedError):
    """A correction or withdrawal must name another event."""

    def __init__(self, event_id: UUID) -> None:
        super().__init__(f"event {event_id} names itself")


class UnstorableEventError(LaneEventRefusedError):
    """The database refused this one event for a reason that the checks did not foresee."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the event cannot be stored: {reason}")


class ConflictingEventError(DomainError):
    """An event of this id but with other content is recorded already; the first one stands."""

    def __init__(self, event_id: UUID) -> None:
        super().__init__(f"event {event_id} is recorded already, with other content")
        self.event_id = event_id

"""Where stays happen: operators, lots and their rules, lanes, devices."""

from collections.abc import Mapping
from enum import Enum

import msgspec

from parking.core.ids import DeviceId, LaneId, LotId, OperatorId, TariffId
from parking.core.vehicle import VehicleKind


class LaneDirection(Enum):
    """Which way cars go through a lane (APDS: entryOnly, exitOnly, reversibleLane)."""

    ENTRY = "entry"
    EXIT = "exit"
    BOTH = "both"


class StayRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one lot turns lane events into stays. Every value has a default that suits most lots."""

    debounce_seconds: int = 30
    """A second trigger of the same plate in the same direction within this time is the same car."""
    maximum_stay_hours: int = 24 * 14
    """An open stay older than this closes as a missed exit."""
    clock_drift_tolerance_seconds: int = 60
    """An exit at most this much before its entry is read as drift between two cameras' clocks."""
    near_miss_hold_seconds: int = 24 * 3600
    """How long a tentatively matched stay waits for a "no" before it is confirmed and charged."""
    match_score_min: float = 0.5
    """The least score, 0.0 to 1.0, at which an exit is tentatively matched to an open stay."""
    match_margin_min: float = 0.25
    """How far the best open stay's score must be ahead of the second's; else a person decides."""
    hand_tolerance_minutes: int = 15
    """An exit seen at most this long after the instant that a person gave is that very leaving."""
    reentry_minutes: int = 15
    """A stay that begins at most this long after the same car left is linked to the earlier one.
    Whether that changes its price is the tariff's matter."""
    drive_through_seconds: int = 180
    """In by one lane and out by another within this time is a drive-through; 0: there are none."""
    tell_entries: bool = False
    """Billing hears of each car that drives in: for lots whose drivers pay by a provider that wants
    to know of a stay from its beginning (WeChat Pay). Costs a message for each entry."""


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs lots and is owed their revenue (APDS: Organisation)."""

    operator_id: OperatorId
    name_zh: str
    name_en: str


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A place on Earth, in degrees (WGS 84)."""

    latitude: float
    """-90 to 90, north is positive."""
    longitude: float
    """-180 to 180, east is positive."""


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """A parking facility (APDS: Place)."""

    lot_id: LotId
    operator_id: OperatorId
    name_zh: str
    name_en: str
    zone: str
    """IANA time zone: its wall clock decides tariff windows and the business date."""
    spaces: int
    tariff_id: TariffId
    rules: StayRules = StayRules()
    class_spaces: Mapping[VehicleKind, int] = {}
    """How many of the spaces a class may take, where it may not take all."""
    position: Position | None = None
    """Needed to tell whether a car can have driven here from another lot in the time."""


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A way in or out of a lot."""

    lane_id: LaneId
    lot_id: LotId
    direction: LaneDirection
    name: str


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A gate box or camera that posts events of one lot."""

    device_id: DeviceId
    lot_id: LotId
    name: str

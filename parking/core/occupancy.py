"""How full a lot is: what its stays and its recounts say together, and how sure that is.

An open stay is a car inside only as long as its exit was not missed. How likely that is follows
from how long cars stay in this very lot and from how many of its exits are missed: see
`still_inside`. A recount is a fact like any other; from it on, entries and exits are counted anew.
docs/occupancy.md has the rules and their reasons.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import floor
from typing import Final
from uuid import UUID

import msgspec

from parking.core.events import PlateColour
from parking.core.ids import LotId
from parking.core.place import Lot
from parking.core.plate import Plate
from parking.core.stay import Stay, StayState
from parking.core.vehicle import VehicleKind, vehicle_of_plate

SHARES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Which quantiles of its stays' lengths a lot's habit holds."""
STAYS_TO_LEARN_FROM: Final = 50
"""With fewer closed stays than this a lot is taken to be like most lots."""
_MISSED_BEFORE, _EXITS_BEFORE = 1, 50
"""What is believed of exits before any was seen: one of fifty is missed."""
COHORT: Final = timedelta(minutes=15)
"""Open stays are weighed by the quarter of an hour in which they began."""
_EPOCH: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """How cars use a lot: how long they stay, and how many exits go unseen."""

    lasting_seconds: tuple[int, ...]
    """The lengths of stay that the `SHARES` of its stays do not exceed, in order."""
    missed_share: float
    """Of all cars that left, how many were not seen to leave; between 0 and 1."""


MOST_LOTS: Final = Habit(
    lasting_seconds=tuple(
        60 * minutes for minutes in (15, 30, 45, 60, 90, 120, 180, 300, 540, 720, 2880)
    ),
    missed_share=_MISSED_BEFORE / _EXITS_BEFORE,
)
"""What a lot is taken to be like until it has stays enough of its own."""


class Recount(msgspec.Struct, frozen=True, kw_only=True):
    """A fact: somebody counted the cars inside."""

    recount_id: UUID
    lot_id: LotId
    counted_at: datetime
    recorded_at: datetime
    cars: int
    by_class: Mapping[VehicleKind, int] | None = None
    """Where the classes were counted apart; adds up to `cars`."""
    by: str
    """Who says so: `operator:<id>` or `admin:<key>`."""
    reason: str = ""


class Cohort(msgspec.Struct, frozen=True, kw_only=True):
    """Open stays of one class that began in the same quarter of an hour."""

    kind: VehicleKind
    since: datetime
    cars: int


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What a lot's stays say, counted from its newest recount (or from ever, where none is)."""

    came: tuple[Cohort, ...] = ()
    """Open stays that began after the recount."""
    stood: Mapping[VehicleKind, int] = {}
    """Open stays that began before the recount: among the cars counted then."""
    left: Mapping[VehicleKind, int] = {}
    """Seen to leave after the recount, having come before it or unseen."""


class ClassOccupancy(msgspec.Struct, frozen=True, kw_only=True):
    """How full a lot is for one class of vehicles."""

    kind: VehicleKind
    capacity: int
    """Spaces that this class may take; other classes may take them too."""
    occupied: int
    free: int


class Occupancy(msgspec.Struct, frozen=True, kw_only=True):
    """How full a lot is. `free` is never below nothing nor above the capacity."""

    lot_id: LotId
    at: datetime
    capacity: int
    occupied: int
    """The best estimate of the cars inside; may exceed the capacity."""
    free: int
    classes: tuple[ClassOccupancy, ...]
    """Their `occupied` add up to the lot's."""
    open_stays: int
    """Stays without an exit, however old: what one would count without the rule of survival."""
    counted_at: datetime | None
    """Of the newest recount."""


def class_of(plate: Plate, colour: PlateColour) -> VehicleKind:
    """Which class a car is counted in: what its plate tells; small where it does not."""
    return vehicle_of_plate(plate, colour) or VehicleKind.SMALL


def habit_of(lasting: Iterable[timedelta], *, missed: int) -> Habit:
    """Learn a lot's habit from how long its closed stays lasted and how many exits were missed.

    The share of missed exits starts from one in fifty and gives way to what is seen.
    """
    seconds = sorted(int(each.total_seconds()) for each in lasting)
    known = len(seconds)
    quantiles = MOST_LOTS.lasting_seconds
    if known >= STAYS_TO_LEARN_FROM:
        quantiles = tuple(seconds[min(known - 1, floor(share * known))] for share in SHARES)
    share = (missed + _MISSED_BEFORE) / (missed + known + _EXITS_BEFORE)
    return Habit(lasting_seconds=quantiles, missed_share=share)


def still_inside(age: timedelta, *, habit: Habit, maximum: timedelta) -> float:
    """How likely a car is still inside that was last known to be, `age` ago, and not seen to leave.

    With S the share of stays that last longer than this, and m the share of exits that are
    missed, it either stays on (S) or left unseen (m of 1 - S): S / (S + m (1 - S)), by Bayes. It
    begins at 1, never rises with age, and is 0 from the lot's maximum stay on.
    """
    lasting = _lasting_longer(age.total_seconds(), habit, maximum.total_seconds())
    return lasting / (lasting + habit.missed_share * (1 - lasting))


def _lasting_longer(age_s: float, habit: Habit, maximum_s: float) -> float:
    """The share of stays that last longer: straight lines between the known quantiles."""
    if age_s <= 0:
        return 1.0
    if age_s >= maximum_s:
        return 0.0
    known = habit.lasting_seconds
    after = bisect_left(known, age_s)
    from_s, from_share = (known[after - 1], 1 - SHARES[after - 1]) if after else (0, 1.0)
    if after < len(known) and known[after] < maximum_s:
        until_s, until_share = float(known[after]), 1 - SHARES[after]
    else:
        until_s, until_share = maximum_s, 0.0
    return from_share - (from_share - until_share) * (age_s - from_s) / (until_s - from_s)


def newest_recount(recounts: Iterable[Recount], *, now: datetime) -> Recount | None:
    """The recount that counts: the last one counted by now, the higher id on a tie."""
    past = [each for each in recounts if each.counted_at <= now]
    return max(past, key=lambda each: (each.counted_at, each.recount_id), default=None)


def cohort_start(entered_at: datetime) -> datetime:
    """The beginning of the quarter of an hour in which a stay began."""
    return _EPOCH + (entered_at - _EPOCH) // COHORT * COHORT


def traffic_of(stays: Iterable[Stay], *, recount: Recount | None) -> Traffic:
    """Sum up the stays of one lot. Their order means nothing."""
    counted_at = None if recount is None else recount.counted_at
    came: Counter[tuple[VehicleKind, datetime]] = Counter()
    stood: Counter[VehicleKind] = Counter()
    left: Counter[VehicleKind] = Counter()
    for stay in stays:
        kind, entered_at = class_of(stay.plate, stay.colour), stay.entered_at
        before = entered_at is None or (counted_at is not None and entered_at <= counted_at)
        if stay.state is StayState.OPEN and entered_at is not None:
            if before:
                stood[kind] += 1
            else:
                came[kind, cohort_start(entered_at)] += 1
        elif counted_at is not None and stay.left_at is not None:
            left[kind] += before and stay.left_at > counted_at
    return Traffic(came=cohorts_of(came), stood=stood, left=left)


def cohorts_of(cars: Mapping[tuple[VehicleKind, datetime], int]) -> tuple[Cohort, ...]:
    """Cohorts by their class and beginning."""
    return tuple(
        Cohort(kind=kind, since=since, cars=count) for (kind, since), count in cars.items()
    )


def cars_inside(
    traffic: Traffic, *, recount: Recount | None, habit: Habit, maximum: timedelta, now: datetime
) -> dict[VehicleKind, float]:
    """The best estimate of the cars inside, by class: not rounded, never negative."""
    inside: dict[VehicleKind, float] = {}
    for cohort in sorted(traffic.came, key=lambda each: (each.since, each.kind.value)):
        sure = still_inside(now - cohort.since, habit=habit, maximum=maximum)
        inside[cohort.kind] = inside.get(cohort.kind, 0.0) + cohort.cars * sure
    if recount is not None:
        sure = still_inside(now - recount.counted_at, habit=habit, maximum=maximum)
        for kind, cars in _still_counted(traffic, recount).items():
            inside[kind] = inside.get(kind, 0.0) + cars * sure
    return inside


def _still_counted(traffic: Traffic, recount: Recount) -> dict[VehicleKind, int]:
    """Of the cars counted, those that were not seen to leave since."""
    counted = recount.by_class
    if counted is None:
        known = {kind: traffic.stood.get(kind, 0) + traffic.left.get(kind, 0) for kind in _KINDS}
        counted = apportion(recount.cars, known)
    remaining = max(0, recount.cars - sum(traffic.left.values()))
    return apportion(
        remaining,
        {kind: max(0, counted.get(kind, 0) - traffic.left.get(kind, 0)) for kind in _KINDS},
    )


_KINDS: Final = tuple(VehicleKind)


def apportion(whole: int, parts: Mapping[VehicleKind, float]) -> dict[VehicleKind, int]:
    """Share out a whole number in proportion to the parts, the largest remainders first.

    Where all parts are nothing the whole is small cars'.
    """
    total = sum(parts.get(kind, 0) for kind in _KINDS)
    if total <= 0:
        return {VehicleKind.SMALL: whole} if whole else {}
    exact = {kind: whole * parts.get(kind, 0) / total for kind in _KINDS}
    shares = {kind: floor(each) for kind, each in exact.items()}
    short = whole - sum(shares.values())
    order = sorted(_KINDS, key=lambda kind: (shares[kind] - exact[kind], _KINDS.index(kind)))
    for kind in order[:short]:
        shares[kind] += 1
    return {kind: cars for kind, cars in shares.items() if cars}


def occupancy(
    traffic: Traffic, *, lot: Lot, recount: Recount | None, habit: Habit, now: datetime
) -> Occupancy:
    """How full a lot is now, in whole cars."""
    maximum = timedelta(hours=lot.rules.maximum_stay_hours)
    inside = cars_inside(traffic, recount=recount, habit=habit, maximum=maximum, now=now)
    occupied = floor(sum(inside.values()) + 0.5)
    by_class = apportion(occupied, inside)
    free = _within(lot.spaces - occupied, lot.spaces)
    shown = [kind for kind in _KINDS if kind in lot.class_spaces or by_class.get(kind)]
    return Occupancy(
        lot_id=lot.lot_id,
        at=now,
        capacity=lot.spaces,
        occupied=occupied,
        free=free,
        classes=tuple(_of_class(kind, by_class.get(kind, 0), lot, free) for kind in shown),
        open_stays=sum(each.cars for each in traffic.came) + sum(traffic.stood.values()),
        counted_at=None if recount is None else recount.counted_at,
    )


def _of_class(kind: VehicleKind, occupied: int, lot: Lot, free: int) -> ClassOccupancy:
    capacity = lot.class_spaces.get(kind, lot.spaces)
    return ClassOccupancy(
        kind=kind,
        capacity=capacity,
        occupied=occupied,
        free=min(free, _within(capacity - occupied, capacity)),
    )


def _within(spaces: int, capacity: int) -> int:
    return min(max(0, spaces), capacity)

"""A seeded day of a small city: cars that come and go, and what goes wrong before the cameras.

Times are never near the edge of a quarter of an hour, so that a person can work each fee out
from the minutes alone.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from gateway_sim.gates.glyphs import PROVINCES
from gateway_sim.gates.scenario import Mishap, Pass, Scenario, Visit
from parking.core.errors import DomainError
from parking.core.events import PlateColour

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "0123456789"
_LOCAL_PROVINCE = "浙"
_LOCAL_SHARE = 0.55
_COLOURS = {PlateColour.BLUE: 14, PlateColour.GREEN: 5, PlateColour.YELLOW: 1}
_DIRT = {"8": "B", "B": "8", "0": "D", "D": "0", "5": "S", "S": "5", "2": "Z", "Z": "2"}
"""What dirt makes of a character."""
_APART_MIN = 3
"""Two plates of a day differ in at least so many characters: no accidental near miss."""
_OPENS, _CLOSES = time(7, 30), time(20, 45)
_STAY_MINUTES = {20: 3, 40: 3, 65: 4, 100: 4, 140: 3, 200: 2}
"""How long stays are, and how often: spread by up to 8 minutes, clear of quarters."""
_CLEAR_MINUTES = 3
_LANE_GAP = timedelta(minutes=2)
"""Two cars are at least so far apart in one lane."""
_AWAY_MIN = timedelta(minutes=15)
"""A car whose exit was missed stays away at least so long before it comes again."""
_DIRTY_SHARE, _MISSED_SHARE = 0.10, 0.065
_ATTEMPTS_MAX = 2_000


class NoRoomError(DomainError):
    """A day has only so many minutes for a lot's lanes."""

    def __init__(self, cars: int) -> None:
        super().__init__(
            f"{cars} cars do not fit into the day's lanes: plan more lots or fewer cars"
        )
        self.cars = cars


class LotPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lot and its lanes. Lanes are named as in scenarios: `lot/lane`."""

    lot: str
    entries: tuple[str, ...] = ("in",)
    exits: tuple[str, ...] = ("out",)


def city_day(
    *,
    seed: int,
    day: date,
    zone: str,
    lots: Sequence[LotPlan],
    cars: int,
    drive_throughs: int = 0,
) -> Scenario:
    """Make up a day of `cars` cars; a seed gives the same cars at the same hours on any day.

    About one entry in ten is dirty, and one exit in fifteen missed; such a car comes again later
    where the day still has room. `drive_throughs` more only drive through, in half a minute.
    Raises NoRoomError.
    """
    chance = random.Random(f"city day {seed}")
    diary = _Diary(chance, day, ZoneInfo(zone), lots)
    for _ in range(cars):
        diary.add_car(cars)
    for _ in range(drive_throughs):
        diary.add_drive_through(cars)
    passes = sorted(diary.passes, key=lambda item: (item.captured_at, item.lane))
    visits = sorted(diary.visits, key=lambda item: (item.entered_at, item.plate))
    return Scenario(passes=tuple(passes), visits=tuple(visits), seed=seed)


class _Diary:
    """The day as it fills up."""

    def __init__(
        self, chance: random.Random, day: date, zone: ZoneInfo, lots: Sequence[LotPlan]
    ) -> None:
        self.passes: list[Pass] = []
        self.visits: list[Visit] = []
        self._chance, self._lots = chance, lots
        self._opens = datetime.combine(day, _OPENS, tzinfo=zone)
        self._minutes = (
            datetime.combine(day, _CLOSES) - datetime.combine(day, _OPENS)
        ).seconds // 60
        self._plates: list[str] = []
        self._taken: dict[str, list[datetime]] = {}

    def add_car(self, cars: int) -> None:
        """One car with its visit; one whose exit was missed comes again if the day has room."""
        colour = self._chance.choices(list(_COLOURS), list(_COLOURS.values()))[0]
        plate = self._new_plate(colour)
        visit = self._added(plate, colour, self._mishap(plate, colour))
        if visit is None:
            raise NoRoomError(cars)
        if visit.mishap is Mishap.MISSED_EXIT:
            self._added(plate, colour, None, after=visit)

    def add_drive_through(self, cars: int) -> None:
        """One car that finds no space and leaves at once."""
        plate = self._new_plate(PlateColour.BLUE)
        passing = timedelta(seconds=self._chance.randint(8, 30))
        if self._added(plate, PlateColour.BLUE, None, passing=passing) is None:
            raise NoRoomError(cars)

    def _added(
        self,
        plate: str,
        colour: PlateColour,
        mishap: Mishap | None,
        *,
        after: Visit | None = None,
        passing: timedelta | None = None,
    ) -> Visit | None:
        """Find a time at which both lanes are free, and enter the visit; None: there is none."""
        for _ in range(_ATTEMPTS_MAX):
            visit = self._visit(plate, colour, mishap)
            if passing is not None:
                visit = msgspec.structs.replace(visit, left_at=visit.entered_at + passing)
            if after is not None:
                visit = msgspec.structs.replace(visit, lot=after.lot)
                if visit.entered_at < after.left_at + _AWAY_MIN:
                    continue
            crossings = self._crossings(visit)
            if all(self._free(item) for item in crossings):
                self._enter(visit, crossings)
                return visit
        return None

    def _enter(self, visit: Visit, crossings: Sequence[Pass]) -> None:
        self.visits.append(visit)
        self.passes.extend(crossings)
        for item in crossings:
            self._taken.setdefault(item.lane, []).append(item.captured_at)

    def _mishap(self, plate: str, colour: PlateColour) -> Mishap | None:
        drawn = self._chance.random()
        # The tail of a new-energy plate is digits: a look-alike there would break the grammar.
        may_look_alike = colour is not PlateColour.GREEN and _dirtied(plate) != plate
        if drawn < _DIRTY_SHARE and may_look_alike:
            return Mishap.DIRTY_ENTRY
        missed = _DIRTY_SHARE <= drawn < _DIRTY_SHARE + _MISSED_SHARE
        return Mishap.MISSED_EXIT if missed else None

    def _visit(self, plate: str, colour: PlateColour, mishap: Mishap | None) -> Visit:
        middle = self._chance.choices(list(_STAY_MINUTES), list(_STAY_MINUTES.values()))[0]
        minutes = middle + self._chance.randint(-2, 8)
        while min(minutes % 15, 15 - minutes % 15) < _CLEAR_MINUTES:
            minutes += 1
        begin = self._chance.randrange(max(self._minutes - minutes, 1))
        entered_at = self._opens + timedelta(minutes=begin)
        return Visit(
            lot=self._chance.choice(self._lots).lot,
            plate=plate,
            colour=colour,
            entered_at=entered_at,
            left_at=entered_at + timedelta(minutes=minutes),
            mishap=mishap,
        )

    def _crossings(self, visit: Visit) -> tuple[Pass, Pass]:
        plan = next(plan for plan in self._lots if plan.lot == visit.lot)
        shows = None
        if visit.mishap is Mishap.DIRTY_ENTRY:
            shows = _dirtied(visit.plate)
        came = Pass(
            lane=f"{plan.lot}/{self._chance.choice(plan.entries)}",
            captured_at=visit.entered_at,
            plate=visit.plate,
            colour=visit.colour,
            shows=shows,
        )
        went = Pass(
            lane=f"{plan.lot}/{self._chance.choice(plan.exits)}",
            captured_at=visit.left_at,
            plate=visit.plate,
            colour=visit.colour,
            delivered=visit.mishap is not Mishap.MISSED_EXIT,
        )
        return came, went

    def _free(self, item: Pass) -> bool:
        others = self._taken.get(item.lane, ())
        return all(abs(other - item.captured_at) >= _LANE_GAP for other in others)

    def _new_plate(self, colour: PlateColour) -> str:
        plate = next(
            plate
            for plate in _plates(self._chance, colour)
            if all(_differences(plate, other) >= _APART_MIN for other in self._plates)
        )
        self._plates.append(plate)
        return plate


def _plates(chance: random.Random, colour: PlateColour) -> Iterator[str]:
    """Plates without end: mostly local, new-energy ones with their D or F."""
    while True:
        local = chance.random() < _LOCAL_SHARE
        province = _LOCAL_PROVINCE if local else chance.choice(PROVINCES)
        city = chance.choice("ABC" if local else _LETTERS[:8])
        if colour is PlateColour.GREEN:
            tail = chance.choice("DF") + "".join(chance.choices(_DIGITS, k=5))
        else:
            figures = chance.choices(_DIGITS, k=5)
            figures[chance.randrange(5)] = chance.choice(_LETTERS)
            tail = "".join(figures)
        yield province + city + tail


def _differences(one: str, other: str) -> int:
    same_length = len(one) == len(other)
    return sum(a != b for a, b in zip(one, other, strict=False)) if same_length else _APART_MIN


def _dirtied(plate: str) -> str:
    """The plate with one character of its tail changed, if dirt can change any."""
    for index, character in enumerate(plate):
        if index > 1 and character in _DIRT:
            return plate[:index] + _DIRT[character] + plate[index + 1 :]
    return plate

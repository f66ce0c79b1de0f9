"""When other windows hold than a tariff's usual ones: weekends, holidays, seasons, by entry."""

from datetime import date
from enum import Enum
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from parking.core.tariff_rates import LocalTime, Window

DayOfYear: TypeAlias = Annotated[str, Meta(pattern="^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]
"""`MM-DD`."""
DayWord: TypeAlias = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)]
Percent: TypeAlias = Annotated[int, Meta(ge=0, le=1000)]


class Season(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"from_day": "from", "until_day": "until"},
):
    """Days of each year, both included; over the new year where `until` is the earlier."""

    from_day: DayOfYear
    until_day: DayOfYear

    def includes(self, day: date) -> bool:
        """Say whether a date is in the season."""
        shown = f"{day.month:02d}-{day.day:02d}"
        if self.from_day <= self.until_day:
            return self.from_day <= shown <= self.until_day
        return shown >= self.from_day or shown <= self.until_day


class Dates(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"from_date": "from", "until_date": "until"},
):
    """Dates of one year, both included."""

    from_date: date
    until_date: date

    def includes(self, day: date) -> bool:
        """Say whether a date is among them."""
        return self.from_date <= day <= self.until_date


class EntryTimes(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"from_time": "from", "until_time": "until"},
):
    """When the car came in, `[from, until)`; over midnight where `until` is the earlier."""

    from_time: LocalTime
    until_time: LocalTime


class Edges(Enum):
    """What happens to a unit that is not over when its window is."""

    CUT = "cut"
    """It ends with the window, rounded there, and the next window's units begin at the edge."""
    CARRY = "carry"
    """It runs to its end, and the next window's units begin after it."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Windows for some days, or for cars that came in at some time. The first that fits holds."""

    name_zh: Name
    name_en: Name
    on: tuple[DayWord, ...] = ()
    """Kinds of days, one of which must fit: `sat`, `rest_day`, `spring_festival`, …"""
    season: Season | None = None
    dates: Dates | None = None
    entered: EntryTimes | None = None
    """With it, the schedule is chosen by the entry and holds for the whole stay."""
    windows: tuple[Window, ...] | None = None
    """In place of the usual ones."""
    percent: Percent = 100
    """Of every price and window cap of these windows."""
    event: bool = False
    """The price is out of the ordinary: drivers are warned as they come in."""

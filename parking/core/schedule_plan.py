"""The shapes of compiled schedules: a day's windows, and when they hold."""

import msgspec

from parking.core.tariff_schedule import Dates, Season


class TablePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The windows of one day, from midnight on."""

    starts: tuple[int, ...]
    """Minutes of the day at which windows begin; the first is 0."""
    windows: tuple[int, ...]
    """Which of the class's windows begins at each of `starts`."""


class SchedulePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A table and when it holds."""

    on: frozenset[str]
    season: Season | None
    dates: Dates | None
    entered: tuple[int, int] | None
    """Minutes of the day, `[from, until)`."""
    table: TablePlan
    event: bool
    name_zh: str
    name_en: str

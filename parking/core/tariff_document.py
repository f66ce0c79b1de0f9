"""Reading tariff documents: decoding, and the checks that no single key can make alone.

Every error names the key to mend, as `windows[1].rate.steps[0].lasts_minutes`.
"""

import re
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from parking.core.errors import DomainError
from parking.core.tariff import Tariff, UnitRate, VehicleClass, Window

MINUTES_OF_DAY: Final = 24 * 60


class TariffError(DomainError):
    """A tariff document cannot be used."""

    def __init__(self, *, key: str, reason: str) -> None:
        super().__init__(f"tariff: {key}: {reason}" if key else f"tariff: {reason}")
        self.key = key
        self.reason = reason


class TariffSyntaxError(TariffError):
    """The text is not the TOML or JSON that it should be."""


class TariffShapeError(TariffError):
    """A key is unknown, missing, or of the wrong type or range."""


class UnknownZoneError(TariffError):
    """The zone is not in the IANA time zone database."""


class WindowTimesError(TariffError):
    """A window starts at 24:00 or has no length."""


class WindowsOverlapError(TariffError):
    """Two windows claim the same time of day."""


class WindowsLeaveGapError(TariffError):
    """A time of day is in no window."""


class NoStepsError(TariffError):
    """A unit rate has no steps."""


class StepNeverEndsError(TariffError):
    """A step that others follow does not say how long it lasts."""


class LastStepEndsError(TariffError):
    """The last step ends, and nothing says what is charged then."""


class StepNotWholeUnitsError(TariffError):
    """A step ends in the middle of a unit."""


class ClassWithoutColoursError(TariffError):
    """A vehicle class names no plate colour."""


class ColourInTwoClassesError(TariffError):
    """A plate colour belongs to two vehicle classes."""


def read_tariff_toml(text: str) -> Tariff:
    """Decode and check a tariff written as TOML. Raises a TariffError that names the key."""
    try:
        return check_tariff(msgspec.toml.decode(text, type=Tariff))
    except msgspec.ValidationError as error:
        raise _shape_error(error) from error
    except msgspec.DecodeError as error:
        raise TariffSyntaxError(key="", reason=f"not TOML: {error}") from error


def read_tariff_json(data: bytes | str) -> Tariff:
    """Decode and check a tariff written as JSON. Raises a TariffError that names the key."""
    try:
        return check_tariff(msgspec.json.decode(data, type=Tariff))
    except msgspec.ValidationError as error:
        raise _shape_error(error) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise TariffSyntaxError(key="", reason=f"not JSON: {error}") from error


def tariff_from_data(data: object) -> Tariff:
    """Build and check a tariff from decoded data (a mapping). Raises a TariffError."""
    try:
        return check_tariff(msgspec.convert(data, Tariff))
    except msgspec.ValidationError as error:
        raise _shape_error(error) from error


def check_tariff(tariff: Tariff) -> Tariff:
    """Hold a tariff to the rules that span keys; answer it. Raises a TariffError."""
    _check_zone(tariff.zone)
    _check_windows(tariff.windows, "windows")
    _check_classes(tariff.classes)
    return tariff


def minute_of_day(local_time: str) -> int:
    """Turn `HH:MM` into minutes since midnight: `24:00` is 1440."""
    hours, minutes = local_time.split(":")
    return int(hours) * 60 + int(minutes)


def _shape_error(error: msgspec.ValidationError) -> TariffShapeError:
    """Split msgspec's message `… - at `$.windows[0].from`` into reason and key."""
    reason, _, path = str(error).partition(" - at ")
    key = path.strip("`").removeprefix("$").removeprefix(".")
    missing = re.search(r"(?:required|unknown) field `(\w+)`", reason)
    if missing is not None:
        key = f"{key}.{missing[1]}" if key else missing[1]
    return TariffShapeError(key=key, reason=reason)


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise UnknownZoneError(key="zone", reason=f"{zone!r} is no IANA time zone") from error


def _check_windows(windows: Sequence[Window], key: str) -> None:
    spans: list[tuple[int, int, int]] = []
    for index, window in enumerate(windows):
        where = f"{key}[{index}]"
        spans.extend((*span, index) for span in _spans(window, where))
        if isinstance(window.rate, UnitRate):
            _check_steps(window.rate, f"{where}.rate.steps")
    covered_until = 0
    for start, end, index in sorted(spans):
        if start < covered_until:
            reason = f"overlaps another window at {_clock(start)}"
            raise WindowsOverlapError(key=f"{key}[{index}]", reason=reason)
        _check_gap(covered_until, start, key)
        covered_until = end
    _check_gap(covered_until, MINUTES_OF_DAY, key)


def _spans(window: Window, key: str) -> list[tuple[int, int]]:
    """Cut a window that runs over midnight in two."""
    start, end = minute_of_day(window.from_time), minute_of_day(window.until_time)
    if start == MINUTES_OF_DAY:
        raise WindowTimesError(
            key=f"{key}.from", reason="24:00 only ends a window; begin it at 00:00"
        )
    if start == end:
        raise WindowTimesError(
            key=f"{key}.until", reason="the window is empty; a whole day is 00:00 to 24:00"
        )
    if start < end:
        return [(start, end)]
    return [(start, MINUTES_OF_DAY)] + ([(0, end)] if end else [])


def _check_gap(covered_until: int, start: int, key: str) -> None:
    if covered_until < start:
        times = f"{_clock(covered_until)} to {_clock(start)}"
        reason = f"{times} is in no window; write a free rate if nothing is charged then"
        raise WindowsLeaveGapError(key=key, reason=reason)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _check_steps(rate: UnitRate, key: str) -> None:
    if not rate.steps:
        raise NoStepsError(key=key, reason="at least one step is needed")
    *earlier, last = rate.steps
    if last.lasts_minutes is not None:
        reason = "the last step holds to the end; leave lasts_minutes out"
        raise LastStepEndsError(key=f"{key}[{len(earlier)}].lasts_minutes", reason=reason)
    for index, step in enumerate(earlier):
        where = f"{key}[{index}].lasts_minutes"
        if step.lasts_minutes is None:
            reason = "say how long the step lasts before the next begins"
            raise StepNeverEndsError(key=where, reason=reason)
        if step.lasts_minutes % step.unit_minutes:
            reason = f"{step.lasts_minutes} is no whole number of {step.unit_minutes} min units"
            raise StepNotWholeUnitsError(key=where, reason=reason)


def _check_classes(classes: Sequence[VehicleClass]) -> None:
    taken: dict[object, int] = {}
    for index, vehicle_class in enumerate(classes):
        key = f"classes[{index}]"
        if not vehicle_class.colours:
            reason = "at least one colour is needed"
            raise ClassWithoutColoursError(key=f"{key}.colours", reason=reason)
        for colour in vehicle_class.colours:
            first = taken.setdefault(colour, index)
            if first != index:
                reason = f"{colour.value} is in classes[{first}] already"
                raise ColourInTwoClassesError(key=f"{key}.colours", reason=reason)
        if vehicle_class.windows is not None:
            _check_windows(vehicle_class.windows, f"{key}.windows")

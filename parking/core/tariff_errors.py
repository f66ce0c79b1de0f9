"""What can be wrong with a tariff document: a class for each mistake, naming the key to mend."""

from parking.core.errors import DomainError


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


class UnknownTariffCalendarError(TariffError):
    """The calendar is none of those that there are."""


class NoTiersError(TariffError):
    """A rate by elapsed time has no tiers."""


class TierNeverEndsError(TariffError):
    """A tier that others follow does not say up to which time it holds."""


class LastTierEndsError(TariffError):
    """The last tier ends, and nothing says what is charged then."""


class TiersNotAscendingError(TariffError):
    """A tier ends before the one before it."""


class TierTotalFallsError(TariffError):
    """A longer time would cost less."""


class AbsurdPriceError(TariffError):
    """Nobody charges that much; most likely the price is not in minor units."""


class CapBelowUnitError(TariffError):
    """A cap is less than one unit costs, so that no unit ever has its price."""


class MinimumOverCapError(TariffError):
    """The least that a stay costs is more than the most."""


class RoundingBreaksCapError(TariffError):
    """A total that is rounded up could go over a cap."""


class ScheduleAlwaysHoldsError(TariffError):
    """A schedule has no condition, so that the tariff's own windows never hold."""


class ScheduleChangesNothingError(TariffError):
    """A schedule has neither windows nor a percentage."""


class UnknownDayWordError(TariffError):
    """A kind of day that the calendar does not know."""


class DatesBackwardsError(TariffError):
    """The last of some dates is before the first."""


class NoSuchDayError(TariffError):
    """A day of the year that no calendar has, such as 02-30."""


class EmptyTimesError(TariffError):
    """Times that begin and end at once."""


class VehicleInTwoClassesError(TariffError):
    """A kind of vehicle belongs to two vehicle classes."""


class RightTwiceError(TariffError):
    """Two rights have one name."""


class ReentryCircularError(TariffError):
    """A car that comes every day would go on with its first stay for ever."""


class EffectiveDatesBackwardsError(TariffError):
    """A version would end before it begins."""


class VersionDatesError(TariffError):
    """A version that follows another does not say from which day on it holds."""


class VersionsOutOfOrderError(TariffError):
    """Versions do not stand in the order of their numbers and days."""


class VersionsOverlapError(TariffError):
    """Two versions hold on the same day."""


class VersionsLeaveGapError(TariffError):
    """No version holds on a day between two."""


class VersionsDifferError(TariffError):
    """Versions of one tariff have different names, zones or currencies."""


class NoVersionsError(TariffError):
    """A tariff file lists versions, and there are none."""


class SharedCapMissingError(TariffError):
    """A cap that a day's stays share is not there."""

"""Which HTTP status each of parking's errors means, as data. Nothing below the web knows HTTP."""

import re
from typing import Final

from parking.core.errors import DomainError
from parking.core.plate import InvalidPlateError
from parking.core.pricing import LeftBeforeEnteredError, NaiveInstantError, StayTooLongError
from parking.core.right import RightNotOfferedError
from parking.core.tariff_document import TariffError
from parking.db.pool import DatabaseUnavailableError
from parking.services.amend_stays import StayAlreadyEndedError, UnknownFactError
from parking.services.api_keys import ForbiddenError, UnauthorisedError, UnknownKeyError
from parking.services.decide_clone import (
    OtherStayError,
    SuspicionDecidedError,
    SuspicionLiftedError,
    UnknownSuspicionError,
)
from parking.services.decide_review import ReviewDecidedError, UnknownReviewError
from parking.services.issue_tickets import (
    NoTicketNeededError,
    UnknownLaneEventError,
    UnknownTicketError,
)
from parking.services.occupancy import (
    RecountSumError,
    RecountTakenError,
    RecountTimeError,
)
from parking.services.quote_stay import StayNotPricedError, UnknownStayError
from parking.services.rate_limit import TooManyEventsPerSecondError
from parking.services.record_fee_facts import (
    ConflictingFeeFactError,
    FeeFactRefusedError,
    UnknownGrantError,
)
from parking.services.refusals import (
    ConflictingEventError,
    LaneEventRefusedError,
    OtherLotError,
    UnknownDeviceError,
    UnknownLaneError,
    UnknownLotError,
)
from parking.services.register_place import (
    ClassSpacesError,
    LotOfOtherOperatorError,
    StayRulesError,
    TariffMismatchError,
    TariffOrderError,
    TariffVersionTakenError,
    UnknownOperatorError,
    UnknownTariffError,
    UnknownTimeZoneError,
)
from parking.services.review_facts import IncompleteMatchError, MatchRefusedError

PROBLEM_JSON: Final = "application/problem+json"
_TYPE_PREFIX: Final = "urn:leave-first:problem:"


class MalformedBodyError(DomainError):
    """The body is not what it says it is."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the body cannot be read: {reason}")


class InvalidEventError(DomainError):
    """The event is JSON, but not a lane event."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a lane event: {reason}")


class BodyTooLargeError(DomainError):
    """The body is longer than the limit."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(f"the body is longer than {bytes_max} bytes; send smaller batches")


class TooManyEventsError(DomainError):
    """More events in one request than the limit."""

    def __init__(self, events_max: int) -> None:
        super().__init__(f"more than {events_max} events in one request; send smaller batches")


STATUSES: Final[dict[type[Exception], int]] = {
    MalformedBodyError: 400,
    UnauthorisedError: 401,
    ForbiddenError: 403,
    OtherLotError: 403,
    UnknownDeviceError: 404,
    UnknownGrantError: 404,
    UnknownFactError: 404,
    UnknownKeyError: 404,
    UnknownLaneEventError: 404,
    UnknownTicketError: 404,
    UnknownLaneError: 404,
    UnknownLotError: 404,
    UnknownOperatorError: 404,
    UnknownReviewError: 404,
    UnknownStayError: 404,
    UnknownSuspicionError: 404,
    UnknownTariffError: 404,
    ConflictingEventError: 409,
    ConflictingFeeFactError: 409,
    LotOfOtherOperatorError: 409,
    RecountTakenError: 409,
    SuspicionDecidedError: 409,
    SuspicionLiftedError: 409,
    MatchRefusedError: 409,
    NoTicketNeededError: 409,
    ReviewDecidedError: 409,
    StayAlreadyEndedError: 409,
    StayNotPricedError: 409,
    TariffOrderError: 409,
    TariffVersionTakenError: 409,
    BodyTooLargeError: 413,
    TooManyEventsError: 413,
    ClassSpacesError: 422,
    FeeFactRefusedError: 422,
    InvalidEventError: 422,
    IncompleteMatchError: 422,
    InvalidPlateError: 422,
    LaneEventRefusedError: 422,
    LeftBeforeEnteredError: 422,
    NaiveInstantError: 422,
    RightNotOfferedError: 422,
    OtherStayError: 422,
    RecountSumError: 422,
    RecountTimeError: 422,
    StayRulesError: 422,
    StayTooLongError: 422,
    TariffError: 422,
    TariffMismatchError: 422,
    UnknownTimeZoneError: 422,
    TooManyEventsPerSecondError: 429,
    DatabaseUnavailableError: 503,
}
"""Looked up along the error's class and its bases, the nearest first."""


def status_of(error: type[Exception]) -> int:
    """The HTTP status of a kind of error; 500 for one that nobody foresaw."""
    return next((STATUSES[kind] for kind in error.__mro__ if kind in STATUSES), 500)


def slug_of(error: type[Exception]) -> str:
    """Name a kind of problem after its error class: UnknownLotError is `unknown-lot`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__.removesuffix("Error")).lower()


def type_of(error: type[Exception]) -> str:
    """A problem's `type`: a stable URN."""
    return _TYPE_PREFIX + slug_of(error)


def title_of(error: type[Exception]) -> str:
    """A problem's `title`: its name in words."""
    return slug_of(error).replace("-", " ").capitalize()

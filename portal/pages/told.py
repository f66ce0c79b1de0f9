"""Which error a driver is told about in which words, on every page of theirs."""

from typing import Final

from billing.core.bindable import (
    NoPlateError,
    NotMainlandPlateError,
    NotPlateOfCountryError,
    UnknownCountryError,
)
from billing.core.consent import ConsentOutdatedError
from billing.db.connection import BooksUnavailableError
from billing.gateway import GatewayRefusedError, GatewayUnavailableError
from billing.gateways import UnknownProviderError
from billing.notifications import NotSentError
from billing.services.appeals import AppealRefusedError
from billing.services.bind import (
    AccountNotFoundError,
    PlateBoundElsewhereError,
    PlateNotBoundError,
)
from billing.services.claims import (
    ClaimDecidedError,
    ClaimNotFoundError,
    ClaimTooSoonError,
    FactTriesUsedError,
    NothingToClaimError,
)
from billing.services.leave import AccountOwesError, NoPaymentMethodError
from billing.services.pay_by_hand import (
    BelowMinimumError,
    NothingOwedError,
    ObligationNotFoundError,
    PaymentInProgressError,
)
from billing.services.sign_in import (
    CodeTooSoonError,
    DeadCodeError,
    UnknownTokenError,
    WrongCodeError,
)
from billing.web.access import NotSignedInError
from billing.web.problems import STATUSES as BILLING_STATUSES
from parking.core.errors import DomainError
from parking.core.plate import InvalidPlateError
from parking.db.pool import DatabaseUnavailableError
from parking.web.problems import STATUSES as PARKING_STATUSES
from portal.pages.claims import NoLicenceError
from portal.pages.texts import Language, words

TOLD: Final[dict[type[Exception], str]] = {
    CodeTooSoonError: "me.too_soon",
    WrongCodeError: "me.wrong_code",
    DeadCodeError: "me.dead_code",
    NotSentError: "me.not_sent",
    NotSignedInError: "me.signed_out",
    UnknownTokenError: "me.signed_out",
    AccountNotFoundError: "me.signed_out",
    PlateBoundElsewhereError: "me.taken",
    PlateNotBoundError: "me.not_bound",
    NoPlateError: "me.no_plate",
    InvalidPlateError: "me.no_plate",
    NotMainlandPlateError: "me.not_mainland",
    NotPlateOfCountryError: "me.not_of_country",
    UnknownCountryError: "me.no_country",
    ConsentOutdatedError: "me.consent_first",
    NoPaymentMethodError: "me.no_card",
    AccountOwesError: "me.owes",
    ClaimNotFoundError: "claim.unknown",
    NoLicenceError: "claim.no_licence",
    ClaimDecidedError: "claim.decided",
    ClaimTooSoonError: "claim.too_soon",
    FactTriesUsedError: "claim.too_often",
    NothingToClaimError: "claim.nothing",
    AppealRefusedError: "contest.not_now",
    ObligationNotFoundError: "pay.soon",
    NothingOwedError: "pay.none",
    PaymentInProgressError: "pay.underway",
    BelowMinimumError: "pay.too_small",
    UnknownProviderError: "pay.away",
    GatewayUnavailableError: "pay.away",
    GatewayRefusedError: "pay.away",
    BooksUnavailableError: "error.away",
    DatabaseUnavailableError: "error.away",
}
"""Looked up along the error's class and its bases, the nearest first."""
_STATUSES: Final = {**PARKING_STATUSES, **BILLING_STATUSES}
_REFUSED: Final = 422


def told(error: DomainError, language: Language) -> tuple[str, int]:
    """What went wrong in the driver's words, and its HTTP status."""
    text, kinds = words(language), type(error).__mro__
    if isinstance(error, AppealRefusedError):
        said = text[f"contest.{error.refusal.name.lower()}"]
    else:
        said = text[next((TOLD[kind] for kind in kinds if kind in TOLD), "error.other")]
    return said, next((_STATUSES[kind] for kind in kinds if kind in _STATUSES), _REFUSED)

"""Which HTTP status each of billing's errors means, as data. Nothing below the web knows HTTP."""

from typing import Final

from billing.db.connection import BooksUnavailableError
from billing.gateway import ForgedWebhookError, GatewayRefusedError, GatewayUnavailableError
from billing.services.bind import AccountNotFoundError, PhoneTakenError, PlateBoundElsewhereError
from billing.services.pay_by_hand import (
    BelowMinimumError,
    NothingOwedError,
    ObligationNotFoundError,
    PaymentInProgressError,
)
from billing.web.access import NotSignedInError, OtherOperatorError
from billing.web.drivers import NoPlateError

STATUSES: Final[dict[type[Exception], int]] = {
    ForgedWebhookError: 400,
    NotSignedInError: 401,
    OtherOperatorError: 403,
    AccountNotFoundError: 404,
    ObligationNotFoundError: 404,
    BelowMinimumError: 409,
    NothingOwedError: 409,
    PaymentInProgressError: 409,
    PhoneTakenError: 409,
    PlateBoundElsewhereError: 409,
    NoPlateError: 422,
    GatewayRefusedError: 502,
    BooksUnavailableError: 503,
    GatewayUnavailableError: 503,
}
"""Looked up along the error's class and its bases, the nearest first."""

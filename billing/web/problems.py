"""Which HTTP status each of billing's errors means, as data. Nothing below the web knows HTTP."""

from typing import Final

from billing.core.bindable import (
    NoPlateError,
    NotMainlandPlateError,
    NotPlateOfCountryError,
    UnknownCountryError,
)
from billing.core.consent import ConsentOutdatedError
from billing.db.connection import BooksUnavailableError
from billing.gateway import ForgedWebhookError, GatewayRefusedError, GatewayUnavailableError
from billing.gateways import UnknownProviderError
from billing.notifications import NotSentError
from billing.registering import UnknownColourError
from billing.services.appeals import (
    AppealDecidedError,
    AppealNotFoundError,
    AppealRefusedError,
)
from billing.services.bind import (
    AccountNotFoundError,
    PlateBoundElsewhereError,
    PlateNotBoundError,
)
from billing.services.bundle import DisputeNotFoundError, NothingPaidError
from billing.services.claims import (
    ClaimDecidedError,
    ClaimNotFoundError,
    ClaimTooSoonError,
    FactTriesUsedError,
    NothingToClaimError,
)
from billing.services.discrepancies import DiscrepancyClosedError, DiscrepancyNotFoundError
from billing.services.leave import AccountOwesError, NoPaymentMethodError
from billing.services.pay_by_hand import (
    BelowMinimumError,
    NothingOwedError,
    ObligationNotFoundError,
    PaymentInProgressError,
)
from billing.services.payout_desk import (
    PayoutAccountUnusableError,
    PayoutNotFoundError,
    ReversalExistsError,
    ReversalTooLargeError,
)
from billing.services.plate_services import (
    NoServicesError,
    ServiceNotBoundError,
    ServiceNotOpenError,
)
from billing.services.refund_desk import RefundNotFailedError, RefundNotFoundError
from billing.services.settle_operators import ContractExistsError, ContractTooLateError
from billing.services.sign_in import (
    CodeTooSoonError,
    DeadCodeError,
    UnknownTokenError,
    WrongCodeError,
)
from billing.web.access import NotAdminError, NotSignedInError, OtherOperatorError
from billing.web.appeals import CorrectionNeededError

STATUSES: Final[dict[type[Exception], int]] = {
    ForgedWebhookError: 400,
    UnknownProviderError: 404,
    NotSignedInError: 401,
    NotAdminError: 403,
    OtherOperatorError: 403,
    WrongCodeError: 403,
    DeadCodeError: 403,
    AccountNotFoundError: 404,
    AppealNotFoundError: 404,
    ClaimNotFoundError: 404,
    DiscrepancyNotFoundError: 404,
    DisputeNotFoundError: 404,
    RefundNotFoundError: 404,
    NoPaymentMethodError: 404,
    NoServicesError: 404,
    ServiceNotBoundError: 404,
    ObligationNotFoundError: 404,
    PayoutNotFoundError: 404,
    PlateNotBoundError: 404,
    UnknownTokenError: 404,
    AccountOwesError: 409,
    AppealDecidedError: 409,
    AppealRefusedError: 409,
    ClaimDecidedError: 409,
    DiscrepancyClosedError: 409,
    RefundNotFailedError: 409,
    FactTriesUsedError: 409,
    NothingToClaimError: 409,
    BelowMinimumError: 409,
    ConsentOutdatedError: 409,
    ContractExistsError: 409,
    ContractTooLateError: 409,
    NothingOwedError: 409,
    NothingPaidError: 409,
    ServiceNotOpenError: 409,
    PaymentInProgressError: 409,
    PlateBoundElsewhereError: 409,
    ReversalExistsError: 409,
    ReversalTooLargeError: 409,
    CorrectionNeededError: 422,
    NoPlateError: 422,
    NotMainlandPlateError: 422,
    NotPlateOfCountryError: 422,
    PayoutAccountUnusableError: 422,
    UnknownColourError: 422,
    UnknownCountryError: 422,
    ClaimTooSoonError: 429,
    CodeTooSoonError: 429,
    GatewayRefusedError: 502,
    BooksUnavailableError: 503,
    GatewayUnavailableError: 503,
    NotSentError: 503,
}
"""Looked up along the error's class and its bases, the nearest first."""

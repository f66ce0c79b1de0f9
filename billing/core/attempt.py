"""What may come of trying to move money. `Unknown` is an outcome of its own, not a failure."""

from datetime import datetime
from enum import Enum
from typing import TypeAlias

import msgspec


class DeclineClass(Enum):
    """Why a bank said no, as far as it changes what is done next."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    """Not enough money today; another day may be better."""
    TRY_AGAIN = "try_again"
    """The bank or the network could not answer properly; soon is fine."""
    DO_NOT_HONOUR = "do_not_honour"
    """No, without a reason. Sometimes yes on another day."""
    CARD_UNUSABLE = "card_unusable"
    """Lost, stolen, expired, detached or wrong: this card will not pay again."""
    AUTHENTICATION_REQUIRED = "authentication_required"
    """The bank wants to see its customer: only the driver can go on."""
    REFUSED = "refused"
    """The gateway refused our request itself: a person must look."""


class Succeeded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The money was taken."""

    payment_ref: str
    charge_ref: str
    amount_minor: int
    currency: str
    captured_at: datetime
    advanced: bool = False
    """The provider paid in the driver's stead, who owes it to the provider from now on."""
    repaid: bool = False
    """The driver has paid such an advance back."""


class Declined(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Definitely not taken."""

    decline_class: DeclineClass
    code: str
    """The gateway's own word for it."""
    payment_ref: str | None = None
    ended: bool = False
    """The gateway's payment can never succeed any more: the next attempt makes a new one there."""


class ActionRequired(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Not taken; the driver must do something that only a driver can."""

    payment_ref: str
    code: str = "authentication_required"


class Pending(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The gateway is at it and will know later."""

    payment_ref: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """No one can say yet whether the money was taken: the answer was lost."""

    reason: str
    conclusive_later: bool = True
    """False: the same key will give the same non-answer; only looking it up can help."""


class NotExecuted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The gateway has never heard of it, and the request can no longer arrive."""

    reason: str


Outcome: TypeAlias = Succeeded | Declined | ActionRequired | Pending | Unknown | NotExecuted

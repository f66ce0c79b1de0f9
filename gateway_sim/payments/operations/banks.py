"""Bank accounts of connected accounts: test numbers and tokens, and what payouts to them do."""

from typing import TYPE_CHECKING, Any

import msgspec

from gateway_sim.payments.errors import InvalidRequestError, NestedResourceMissingError
from gateway_sim.payments.shapes.account import Account, BankAccount

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

FAILING_NUMBERS = {
    "000111111113": "account_closed",
    "000111111116": "no_account",
    "000222222227": "insufficient_funds",
    "000333333335": "debit_not_authorized",
    "000444444440": "invalid_currency",
}
"""Stripe's test numbers whose payouts fail; all others arrive."""
TOKENS = {
    "btok_us": "000123456789",
    "btok_us_accountClosed": "000111111113",
    "btok_us_debitNotAuthorized": "000333333335",
    "btok_us_insufficientFunds": "000222222227",
    "btok_us_invalidCurrency": "000444444440",
    "btok_us_noAccount": "000111111116",
    "btok_us_verified": "000123456789",
}
STAND_IN = "token"
"""Stripe's word for a bank account that was handed over elsewhere."""
_DIGITS = range(4, 35)


class BankParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bank account, written out."""

    account_number: str
    country: str
    currency: str | None = None
    account_holder_name: str | None = None
    account_holder_type: str | None = None
    object: str = "bank_account"
    routing_number: str | None = None


def replace(world: "World", account: Account, given: "dict[str, Any] | str") -> BankAccount:
    """Make a bank account the only one of its currency (`external_account` of an account)."""
    bank = add(world, account, given, default=True)
    for other in of(world, account):
        if other.currency == bank.currency and other.id != bank.id:
            world.store.remove(other.id)
    return bank


def add(
    world: "World", account: Account, given: "dict[str, Any] | str", *, default: bool
) -> BankAccount:
    """Keep a bank account; the first of a currency is its default.

    Raises InvalidRequestError, or NestedResourceMissingError for an unknown token.
    """
    details = _read(given)
    currency = (details.currency or account.default_currency).lower()
    others = [one for one in of(world, account) if one.currency == currency]
    if default:
        for other in others:
            other.default_for_currency = False
            world.save(other)
    number = details.account_number
    bank = BankAccount(
        id=world.ids.make("ba"),
        created=world.clock.created(),
        account=account.id,
        account_holder_name=details.account_holder_name,
        account_holder_type=details.account_holder_type,
        country=details.country.upper(),
        currency=currency,
        default_for_currency=default or not others,
        fails_as=FAILING_NUMBERS.get(number),
        fingerprint=world.ids.token(f"bank:{number}", 16),
        last4=number[-4:],
        routing_number=details.routing_number,
    )
    world.save(bank)
    return bank


def of(world: "World", account: Account) -> list[BankAccount]:
    """An account's bank accounts, newest first."""
    return list(world.store.find(BankAccount, where={"of_account": account.id}))


def _read(given: "dict[str, Any] | str") -> BankParams:
    if isinstance(given, str):
        number = TOKENS.get(given)
        if number is None:
            raise NestedResourceMissingError(STAND_IN, given, param="external_account")
        # Stripe's tokens are US banks; here they pay out what the account has.
        return BankParams(account_number=number, country="US", routing_number="110000000")
    try:
        details = msgspec.convert(given, BankParams)
    except msgspec.ValidationError as error:
        msg = f"Invalid external_account: {error}"
        raise InvalidRequestError(msg, param="external_account") from error
    number = details.account_number
    if details.object != "bank_account" or not (
        number.isascii() and number.isalnum() and len(number) in _DIGITS
    ):
        msg = "Only bank accounts with a number of 4 to 34 letters and digits are simulated."
        raise InvalidRequestError(msg, param="external_account")
    return details

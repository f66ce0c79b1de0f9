"""The documented test cards: which numbers and `pm_card_*` tokens behave how.

What a card does follows from its number alone; of the number only a fingerprint is kept, and the
fingerprints of the documented numbers are known.
"""

import hashlib
from enum import Enum

import msgspec

from gateway_sim.payments.errors import CardError


class Authentication(Enum):
    """When the bank wants to see its customer (3-D Secure)."""

    NEVER = "never"
    UNTIL_SET_UP = "until_set_up"
    """Off-session charges pass once the card was set up with its owner present."""
    ALWAYS = "always"


class TestCard(msgspec.Struct, frozen=True, kw_only=True):
    """How one documented card behaves."""

    __test__ = False
    """Not a test class, whatever pytest may think of the name."""

    number: str
    brand: str = "visa"
    tokens: tuple[str, ...] = ()
    declines_as: str | None = None
    """The decline code with which every charge fails."""
    saves: bool = True
    """Whether it can be saved although charges fail."""
    authentication: Authentication = Authentication.NEVER
    available_at_once: bool = False
    """Its money need not wait for the settlement days."""
    disputed_as: str | None = None
    """The reason for which every charge is disputed at once."""
    inquiry: bool = False
    """Its dispute is only an inquiry: no money is taken back yet."""


TEST_CARDS = (
    TestCard(number="4242424242424242", tokens=("pm_card_visa", "tok_visa")),
    TestCard(number="4000056655665556", tokens=("pm_card_visa_debit", "tok_visa_debit")),
    TestCard(number="5555555555554444", brand="mastercard", tokens=("pm_card_mastercard",)),
    TestCard(number="378282246310005", brand="amex", tokens=("pm_card_amex",)),
    TestCard(number="6200000000000005", brand="unionpay", tokens=("pm_card_unionpay",)),
    TestCard(number="3566002020360505", brand="jcb", tokens=("pm_card_jcb",)),
    TestCard(number="4000001560000002", tokens=("pm_card_cn",)),
    TestCard(
        number="4000000000000002",
        tokens=("pm_card_visa_chargeDeclined", "pm_card_chargeDeclined"),
        declines_as="generic_decline",
        saves=False,
    ),
    TestCard(
        number="4000000000009995",
        tokens=(
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "pm_card_chargeDeclinedInsufficientFunds",
        ),
        declines_as="insufficient_funds",
        saves=False,
    ),
    TestCard(
        number="4000000000009987",
        tokens=("pm_card_visa_chargeDeclinedLostCard", "pm_card_chargeDeclinedLostCard"),
        declines_as="lost_card",
        saves=False,
    ),
    TestCard(
        number="4000000000009979",
        tokens=("pm_card_visa_chargeDeclinedStolenCard", "pm_card_chargeDeclinedStolenCard"),
        declines_as="stolen_card",
        saves=False,
    ),
    TestCard(
        number="4000000000000069",
        tokens=("pm_card_chargeDeclinedExpiredCard",),
        declines_as="expired_card",
        saves=False,
    ),
    TestCard(
        number="4000000000000127",
        tokens=("pm_card_chargeDeclinedIncorrectCvc",),
        declines_as="incorrect_cvc",
        saves=False,
    ),
    TestCard(
        number="4000000000000119",
        tokens=("pm_card_chargeDeclinedProcessingError",),
        declines_as="processing_error",
        saves=False,
    ),
    TestCard(
        number="4100000000000019",
        tokens=("pm_card_radarBlock", "pm_card_chargeDeclinedFraudulent"),
        declines_as="fraudulent",
        saves=False,
    ),
    TestCard(
        number="4000000000006975",
        tokens=("pm_card_visa_chargeDeclinedVelocityLimitExceeded",),
        declines_as="card_velocity_exceeded",
        saves=False,
    ),
    TestCard(
        number="4000000000000341",
        tokens=("pm_card_chargeCustomerFail", "pm_card_visa_chargeCustomerFail"),
        declines_as="generic_decline",
    ),
    TestCard(
        number="4000002500003155",
        tokens=("pm_card_authenticationRequiredOnSetup",),
        authentication=Authentication.UNTIL_SET_UP,
    ),
    TestCard(
        number="4000002760003184",
        tokens=("pm_card_authenticationRequired", "pm_card_threeDSecure2Required"),
        authentication=Authentication.ALWAYS,
    ),
    TestCard(
        number="4000008260003178",
        tokens=("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",),
        declines_as="insufficient_funds",
        authentication=Authentication.UNTIL_SET_UP,
    ),
    TestCard(
        number="4000000000000077",
        tokens=("pm_card_bypassPending", "tok_bypassPending"),
        available_at_once=True,
    ),
    TestCard(
        number="4000000000000259",
        tokens=("pm_card_createDispute", "tok_createDispute"),
        disputed_as="fraudulent",
    ),
    TestCard(
        number="4000000000002685",
        tokens=("pm_card_createDisputeProductNotReceived", "tok_createDisputeProductNotReceived"),
        disputed_as="product_not_received",
    ),
    TestCard(
        number="4000000000001976",
        tokens=("pm_card_createDisputeInquiry", "tok_createDisputeInquiry"),
        disputed_as="general",
        inquiry=True,
    ),
)
NOT_A_TEST_CARD = "test_mode_live_card"
_NUMBER_DIGITS = range(12, 20)
_CODES = {"expired_card", "incorrect_cvc", "processing_error", "authentication_required"}
"""Decline codes that are error codes of their own; all others come as `card_declined`."""
_MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": (
        "An error occurred while processing your card. Try again in a little bit."
    ),
    "authentication_required": (
        "Your card was declined. This transaction requires authentication."
    ),
    "card_velocity_exceeded": (
        "Your card was declined for making repeated attempts too frequently or exceeding its "
        "amount limit."
    ),
    "card_not_supported": "Your card does not support this type of purchase.",
    NOT_A_TEST_CARD: (
        "Your card was declined. Your request was in test mode, but used a non test card. For a "
        "list of valid test cards, visit: https://stripe.com/docs/testing."
    ),
}


def fingerprint(number: str) -> str:
    """What is kept of a number: the same for the same number."""
    return hashlib.sha256(f"card:{number}".encode()).hexdigest()[:16]


_BY_FINGERPRINT = {fingerprint(card.number): card for card in TEST_CARDS}
_BY_TOKEN = {token: card for card in TEST_CARDS for token in card.tokens}


def declined(decline_code: str) -> CardError:
    """The error that a decline code is told with."""
    code = decline_code if decline_code in _CODES else "card_declined"
    message = _MESSAGES.get(decline_code, "Your card was declined.")
    return CardError(message, code=code, decline_code=decline_code)


def card_of_token(token: str) -> TestCard | None:
    """The card behind `pm_card_visa` and its like."""
    return _BY_TOKEN.get(token)


def card_of_fingerprint(text: str) -> TestCard:
    """How the card on file behaves."""
    return _BY_FINGERPRINT[text]


def card_of_number(number: str) -> TestCard:
    """The card with a number.

    Raises CardError for a number that cannot exist, and for one that is not a test card.
    """
    digits = number.replace(" ", "").replace("-", "")
    if not _luhn_holds(digits):
        msg = "Your card number is incorrect."
        raise CardError(msg, code="incorrect_number")
    known = _BY_FINGERPRINT.get(fingerprint(digits))
    if known is None:
        raise declined(NOT_A_TEST_CARD)
    return known


def _luhn_holds(digits: str) -> bool:
    if not (digits.isascii() and digits.isdecimal() and len(digits) in _NUMBER_DIGITS):
        return False
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    others = sum(int(digit) for digit in digits[::-2])
    return (others + sum(n // 10 + n % 10 for n in doubled)) % 10 == 0

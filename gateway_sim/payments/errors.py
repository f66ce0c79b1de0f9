"""Everything that Stripe refuses, each with its status, type and code.

An error that keeps its changes (a decline leaves a failed charge behind) commits what was done
before it was raised; every other one undoes it.
"""

from typing import ClassVar

from gateway_sim.wire import JsonObject, Reply, json_reply
from parking.core.errors import DomainError

DOCS = "https://docs.stripe.com/error-codes/"


class StripeError(DomainError):
    """Any error answer of the API."""

    status: ClassVar[int] = 400
    type: ClassVar[str] = "invalid_request_error"
    keeps_changes: ClassVar[bool] = False
    should_retry: ClassVar[bool | None] = None
    """What the Stripe-Should-Retry header tells the SDK; None: the header is not sent."""

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param
        self.more: JsonObject = {}

    def reply(self, request_id: str) -> Reply:
        """Tell it in Stripe's form."""
        error: JsonObject = {"message": str(self), "type": self.type, **self.more}
        if self.code:
            error |= {"code": self.code, "doc_url": DOCS + self.code.replace("_", "-")}
        if self.param:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        reply = json_reply({"error": error}, status=self.status)
        if self.should_retry is None:
            return reply
        return reply.with_headers(Stripe_Should_Retry=str(self.should_retry).lower())


class InvalidRequestError(StripeError):
    """The parameters are wrong, or the object's state forbids the request."""


class ResourceMissingError(StripeError):
    """There is no such object."""

    status = 404

    def __init__(self, kind: str, object_id: str, *, param: str = "id") -> None:
        name = kind.replace(".", "_")
        super().__init__(f"No such {name}: '{object_id}'", code="resource_missing", param=param)


class NestedResourceMissingError(ResourceMissingError):
    """A parameter names an object that is not there: the URL is right, so 400 and not 404."""

    status = 400


class UnknownRouteError(StripeError):
    """There is no such endpoint here; Stripe may have it (README: what is not simulated)."""

    status = 404

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Unrecognized request URL ({method}: {path}).")


class AuthenticationError(StripeError):
    """The API key is missing or is not a test key."""

    status = 401


class ForeignAccountError(StripeError):
    """`Stripe-Account` names an account that is not connected to this platform."""

    status = 403

    def __init__(self, account: str) -> None:
        super().__init__(
            f"The provided key does not have access to account '{account[:80]}' (or that account "
            "does not exist). Application access may have been revoked.",
            code="account_invalid",
        )


class CardError(StripeError):
    """The card was refused; what the attempt left behind stays."""

    status = 402
    type = "card_error"
    keeps_changes = True

    def __init__(self, message: str, *, code: str, decline_code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.decline_code = decline_code
        if decline_code:
            self.more["decline_code"] = decline_code

    def as_error(self) -> JsonObject:
        """The form kept in `last_payment_error` and `last_setup_error`."""
        code = {"code": self.code, "doc_url": DOCS + str(self.code).replace("_", "-")}
        return {"message": str(self), "type": self.type, "param": "", **code, **self.more}


class IdempotencyError(StripeError):
    """A key came back with another request."""

    type = "idempotency_error"


class KeyInUseError(StripeError):
    """A request with the same key is still being executed."""

    status = 409
    type = "idempotency_error"
    should_retry = True

    def __init__(self, key: str) -> None:
        super().__init__(
            "There is currently another in-progress request using this Idempotent Key (that "
            "probably means you submitted twice, and the other request is still going through): "
            f"{key}. Please try again later.",
            code="idempotency_key_in_use",
        )


class LockTimeoutError(StripeError):
    """Another request holds the object's lock (an injected fault)."""

    status = 409
    should_retry = True

    def __init__(self) -> None:
        super().__init__(
            "This object cannot be accessed right now because another API request or Stripe "
            "process is currently accessing it.",
            code="lock_timeout",
        )


class RateLimitedError(StripeError):
    """Too many requests, really or as an injected fault."""

    status = 429

    def __init__(self) -> None:
        super().__init__(
            "Request rate limit exceeded. You can learn more about rate limits here "
            "https://stripe.com/docs/rate-limits.",
            code="rate_limit",
        )

    def reply(self, request_id: str) -> Reply:
        """Tell it, and of which limit it is."""
        reason = "global-rate"
        return super().reply(request_id).with_headers(Stripe_Rate_Limited_Reason=reason)


class ObjectLockedError(LockTimeoutError):
    """The same, as Stripe tells it today: with 429 (an injected fault)."""

    status = 429


class ServerError(StripeError):
    """Stripe broke (an injected fault): nobody can tell what was done."""

    status = 500
    type = "api_error"
    should_retry = False

    def __init__(self) -> None:
        super().__init__("An unknown error occurred")

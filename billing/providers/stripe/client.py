"""The SDK's client as billing uses it, and how its errors are read.

Rules of reading: a card error is a decline; a request error is our mistake; everything else that
is not an answer (no connection, time-out, 409, 429, 5xx, HTML) is Unknown, never a failure.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx
import stripe

from billing.core.attempt import Unknown
from billing.gateway import GatewayRefusedError, GatewayUnavailableError
from billing.settings import BillingSettings

PAGE = 100
_IN_USE = 409

Answer = TypeVar("Answer")


class _HttpClient(stripe.HTTPXClient):
    """The SDK's client over httpx, which hands form bodies over in the way httpx asks for."""

    def _get_request_args_kwargs(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: Any,  # noqa: ANN401 - the SDK's own signature
    ) -> Any:  # noqa: ANN401
        arguments, options = super()._get_request_args_kwargs(method, url, headers, post_data)
        options["content"] = options.pop("data") or None
        return arguments, options


class Connection:
    """One client of the SDK with its own connections. Belongs to one event loop."""

    def __init__(self, settings: BillingSettings) -> None:
        self._http = _HttpClient(timeout=httpx.Timeout(settings.stripe_timeout_seconds))
        # The resolver repeats requests by its own rules; the SDK must not.
        self.client = stripe.StripeClient(
            settings.stripe_api_key.reveal(),
            base_addresses={"api": settings.stripe_api_url},
            http_client=self._http,
            max_network_retries=0,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call] # the SDK's own gap


class Resource:
    """Calls about one kind of Stripe's objects."""

    _connection: Connection

    @property
    def _client(self) -> stripe.StripeClient:
        return self._connection.client


def keyed(idempotency_key: str) -> Any:  # noqa: ANN401 - the SDK's options are a TypedDict of its own
    """Options of a request that may be repeated."""
    return {"idempotency_key": idempotency_key}


async def or_raise(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Have a call's answer. Raises GatewayRefusedError, GatewayUnavailableError."""
    try:
        return await call()
    except stripe.InvalidRequestError as error:
        raise GatewayRefusedError(error.user_message or "invalid request") from error
    except stripe.StripeError as error:
        raise GatewayUnavailableError(type(error).__name__) from error


def unknown(error: stripe.StripeError) -> Unknown:
    """Read what is not an answer, and whether repeating it under its key can bring one."""
    replayed = (error.headers or {}).get("idempotent-replayed") == "true"
    mismatched = isinstance(error, stripe.IdempotencyError) and error.http_status != _IN_USE
    return Unknown(
        reason=f"{type(error).__name__} {error.http_status or ''}".strip(),
        conclusive_later=not (replayed or mismatched),
    )

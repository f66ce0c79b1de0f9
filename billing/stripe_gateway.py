"""Stripe, through its own SDK. The only file that imports it.

Rules of reading: a card error is a decline; a request error is our mistake; everything else that
is not an answer (no connection, time-out, 409, 429, 5xx, HTML) is Unknown, never a failure.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import httpx
import msgspec
import stripe

from billing import stripe_requests as requests
from billing.core.attempt import (
    DeclineClass,
    Declined,
    NotExecuted,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from billing.gateway import (
    CalledOff,
    CallOffAnswer,
    CardOrder,
    CardSetUp,
    CheckoutAnswer,
    CheckoutOpened,
    CheckoutOrder,
    CheckoutProgress,
    ForgedWebhookError,
    GatewayRefusedError,
    GatewayTransaction,
    GatewayUnavailableError,
    Notice,
    PageExpired,
    PageOpen,
    RefundAnswer,
    RefundFailed,
    RefundOrder,
    ReversalOrder,
    SetupOrder,
    SetupProgress,
    TransferAnswer,
    TransferOrder,
    Transferred,
    TransferRefused,
)
from billing.gateway_request import GatewayRequest
from billing.settings import BillingSettings
from billing.stripe_answers import (
    call_off_answer,
    decline,
    notice,
    outcome_of,
    page_opened,
    refund_answer,
)
from billing.stripe_shapes import (
    BalanceTransactionShape,
    ConnectedAccountShape,
    ErrorShape,
    IntentShape,
    RefundShape,
    SessionShape,
    SetupSessionShape,
    TransferShape,
    read,
)
from parking.core.errors import DomainError
from parking.core.ids import AccountId, PaymentId

_PAGE = 100
_CLOCK_SKEW = timedelta(minutes=5)
_IN_USE = 409

Answer = TypeVar("Answer")


class ForeignPaymentError(DomainError):
    """The gateway's object belongs to another payment than the one that we asked about."""

    def __init__(self, ref: str, *, payment_id: PaymentId) -> None:
        super().__init__(f"{ref} at the gateway is not payment {payment_id}")


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


class StripeGateway:
    """A PaymentGateway over Stripe's API. Belongs to the event loop that first uses it."""

    def __init__(self, settings: BillingSettings) -> None:
        self._secrets = settings.webhook_secrets
        self._http = _HttpClient(timeout=httpx.Timeout(settings.stripe_timeout_seconds))
        # The resolver repeats requests by its own rules; the SDK must not.
        self._client = stripe.StripeClient(
            settings.stripe_api_key.reveal(),
            base_addresses={"api": settings.stripe_api_url},
            http_client=self._http,
            max_network_retries=0,
        )

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        return "stripe"

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call] # the SDK's own gap

    def charge_request(self, order: CardOrder) -> GatewayRequest:
        """Word a charge of a bound card."""
        return requests.charge(order)

    def checkout_request(self, order: CheckoutOrder) -> GatewayRequest:
        """Word a payment page."""
        return requests.checkout(order)

    def setup_request(self, order: SetupOrder) -> GatewayRequest:
        """Word a page on which a card is left."""
        return requests.setup(order)

    def refund_request(self, order: RefundOrder) -> GatewayRequest:
        """Word a refund."""
        return requests.refund(order)

    # --- payments by card -------------------------------------------------------------------

    async def charge(self, request: GatewayRequest, *, idempotency_key: str) -> Outcome:
        """Send a charge, or send it again."""
        intents = self._client.v1.payment_intents
        options = _keyed(idempotency_key)
        parameters: Any = dict(request.parameters)
        try:
            if request.operation == requests.CONFIRM_INTENT:
                intent = str(parameters.pop("intent"))
                answer = await intents.confirm_async(intent, parameters, options)
            else:
                answer = await intents.create_async(parameters, options)
        except stripe.CardError as error:
            return _declined(error)
        except stripe.InvalidRequestError as error:
            return _refused(error)
        except stripe.StripeError as error:
            return _unknown(error)
        return outcome_of(read(answer, IntentShape))

    async def look_up(self, payment_ref: str, *, payment_id: PaymentId) -> Outcome:
        """Ask what became of a payment intent."""
        try:
            answer = await self._client.v1.payment_intents.retrieve_async(
                payment_ref, {"expand": [requests.EXPAND_CHARGE]}
            )
        except stripe.StripeError as error:
            return _unknown(error)
        intent = read(answer, IntentShape)
        if intent.metadata.get("payment_id") != str(payment_id):
            raise ForeignPaymentError(payment_ref, payment_id=payment_id)
        return outcome_of(intent)

    async def find(
        self, *, payment_id: PaymentId, customer_ref: str | None, since: datetime
    ) -> Outcome:
        """Look through the customer's payment intents for ours.

        Listing, not searching: Stripe's search index lags behind by up to a minute.
        """
        created_after = int((since - _CLOCK_SKEW).timestamp())
        parameters: Any = {"created": {"gte": created_after}, "limit": _PAGE}
        if customer_ref is not None:
            parameters["customer"] = customer_ref
        try:
            page = await self._client.v1.payment_intents.list_async(parameters)
            async for answer in page.auto_paging_iter():
                intent = read(answer, IntentShape)
                if intent.metadata.get("payment_id") == str(payment_id):
                    return await self.look_up(intent.id, payment_id=payment_id)
        except stripe.StripeError as error:
            return _unknown(error)
        return NotExecuted(reason="the gateway has no such payment")

    async def call_off(self, payment_ref: str, *, payment_id: PaymentId) -> CallOffAnswer:
        """Cancel a payment intent, unless it has succeeded."""
        try:
            await self._client.v1.payment_intents.cancel_async(payment_ref)
        except stripe.InvalidRequestError:
            return call_off_answer(await self.look_up(payment_ref, payment_id=payment_id))
        except stripe.StripeError as error:
            return _unknown(error)
        return CalledOff()

    # --- the gateway's own pages ------------------------------------------------------------

    async def open_checkout(
        self, request: GatewayRequest, *, idempotency_key: str
    ) -> CheckoutAnswer:
        """Make a payment page, or the page made before under this key."""
        parameters: Any = request.parameters
        try:
            answer = await self._client.v1.checkout.sessions.create_async(
                parameters, _keyed(idempotency_key)
            )
        except stripe.InvalidRequestError as error:
            return Declined(decline_class=DeclineClass.REFUSED, code=error.code or "invalid")
        except stripe.StripeError as error:
            return _unknown(error)
        return page_opened(read(answer, SessionShape))

    async def look_up_checkout(
        self, checkout_ref: str, *, payment_id: PaymentId
    ) -> CheckoutProgress:
        """Ask what became of a payment page."""
        try:
            answer = await self._client.v1.checkout.sessions.retrieve_async(checkout_ref)
        except stripe.StripeError as error:
            return _unknown(error)
        page = read(answer, SessionShape)
        if page.metadata.get("payment_id") != str(payment_id):
            raise ForeignPaymentError(checkout_ref, payment_id=payment_id)
        if page.status == "open":
            return PageOpen()
        if page.status == "expired" or page.payment_intent is None:
            return PageExpired()
        outcome = await self.look_up(page.payment_intent, payment_id=payment_id)
        if isinstance(outcome, Succeeded | Pending | Unknown):
            return outcome
        return Unknown(reason=f"the page is complete, its payment says {outcome}")

    async def expire_checkout(
        self, checkout_ref: str, *, payment_id: PaymentId
    ) -> CheckoutProgress:
        """Close a payment page; answers Succeeded if the driver was quicker."""
        try:
            await self._client.v1.checkout.sessions.expire_async(checkout_ref)
        except stripe.InvalidRequestError:
            return await self.look_up_checkout(checkout_ref, payment_id=payment_id)
        except stripe.StripeError as error:
            return _unknown(error)
        return PageExpired()

    async def create_customer(self, account_id: AccountId) -> str:
        """Make, or find again, the gateway's record of a driver. No phone number leaves us."""
        customer = await _or_raise(
            lambda: self._client.v1.customers.create_async(
                {"metadata": {"account_id": str(account_id)}},
                _keyed(f"customer-{account_id}"),
            )
        )
        return customer.id

    async def open_setup(self, request: GatewayRequest, *, idempotency_key: str) -> CheckoutOpened:
        """Make a page on which a card is left."""
        parameters: Any = request.parameters
        answer = await _or_raise(
            lambda: self._client.v1.checkout.sessions.create_async(
                parameters, _keyed(idempotency_key)
            )
        )
        return page_opened(read(answer, SessionShape))

    async def look_up_setup(self, checkout_ref: str) -> SetupProgress:
        """Ask what became of it."""
        answer = await _or_raise(
            lambda: self._client.v1.checkout.sessions.retrieve_async(
                checkout_ref, {"expand": ["setup_intent.payment_method"]}
            )
        )
        page = read(answer, SetupSessionShape)
        if page.status == "open":
            return PageOpen()
        intent = page.setup_intent
        if page.status == "expired" or intent is None or intent.payment_method is None:
            return PageExpired()
        method = intent.payment_method
        return CardSetUp(method_ref=method.id, brand=method.card.brand, last4=method.card.last4)

    async def detach_method(self, method_ref: str) -> None:
        """Have Stripe forget a card; one that it does not have is forgotten already."""
        try:
            await self._client.v1.payment_methods.detach_async(method_ref)
        except stripe.InvalidRequestError:
            return
        except stripe.StripeError as error:
            raise GatewayUnavailableError(type(error).__name__) from error

    # --- refunds ----------------------------------------------------------------------------

    async def refund(self, request: GatewayRequest, *, idempotency_key: str) -> RefundAnswer:
        """Send a refund, or send it again."""
        parameters: Any = request.parameters
        try:
            answer = await self._client.v1.refunds.create_async(parameters, _keyed(idempotency_key))
        except stripe.InvalidRequestError as error:
            return RefundFailed(reason=error.code or error.user_message or "invalid")
        except stripe.StripeError as error:
            return _unknown(error)
        return refund_answer(read(answer, RefundShape))

    async def find_refund(self, *, payment_ref: str, refund_id: UUID) -> RefundAnswer | None:
        """Look for a refund whose answer was lost; None if it is not there."""
        try:
            page = await self._client.v1.refunds.list_async(
                {"payment_intent": payment_ref, "limit": _PAGE}
            )
            async for answer in page.auto_paging_iter():
                refund = read(answer, RefundShape)
                if (refund.metadata or {}).get("refund_id") == str(refund_id):
                    return refund_answer(refund)
        except stripe.StripeError as error:
            return _unknown(error)
        return None

    # --- payouts to operators ---------------------------------------------------------------

    def transfer_request(self, order: TransferOrder) -> GatewayRequest:
        """Word a transfer to an operator's account."""
        return requests.transfer(order)

    def reversal_request(self, order: ReversalOrder) -> GatewayRequest:
        """Word the reversal of a transfer."""
        return requests.reversal(order)

    async def may_receive(self, account_ref: str) -> bool | None:
        """Whether transfers to a connected account are possible; None: there is no such one."""
        try:
            answer = await self._client.v1.accounts.retrieve_async(account_ref)
        except (stripe.InvalidRequestError, stripe.PermissionError):
            return None
        except stripe.StripeError as error:
            raise GatewayUnavailableError(type(error).__name__) from error
        return read(answer, ConnectedAccountShape).capabilities.get("transfers") == "active"

    async def transfer(self, request: GatewayRequest, *, idempotency_key: str) -> TransferAnswer:
        """Send a transfer or a reversal, or send it again."""
        transfers = self._client.v1.transfers
        parameters: Any = dict(request.parameters)
        answer: Any
        try:
            if request.operation == requests.CREATE_REVERSAL:
                answer = await transfers.reversals.create_async(
                    str(parameters.pop("transfer")), parameters, _keyed(idempotency_key)
                )
            else:
                answer = await transfers.create_async(parameters, _keyed(idempotency_key))
        except stripe.InvalidRequestError as error:
            return TransferRefused(reason=error.code or error.user_message or "invalid")
        except stripe.StripeError as error:
            return _unknown(error)
        return _transferred(read(answer, TransferShape))

    async def find_transfer(
        self, request: GatewayRequest, *, payout_id: UUID
    ) -> TransferAnswer | None:
        """Look for a transfer or reversal whose answer was lost; None if it is not there."""
        transfers = self._client.v1.transfers
        page: Any
        try:
            if request.operation == requests.CREATE_REVERSAL:
                page = await transfers.reversals.list_async(
                    str(request.parameters["transfer"]), {"limit": _PAGE}
                )
            else:
                group = str(request.parameters["transfer_group"])
                page = await transfers.list_async({"transfer_group": group, "limit": _PAGE})
            async for answer in page.auto_paging_iter():
                found = read(answer, TransferShape)
                if (found.metadata or {}).get("payout_id") == str(payout_id):
                    return _transferred(found)
        except stripe.StripeError as error:
            return _unknown(error)
        return None

    # --- the report and the webhooks --------------------------------------------------------

    async def transactions(self, *, since: datetime) -> AsyncIterator[GatewayTransaction]:
        """Read the balance transactions made since an instant, the newest first."""
        page = await _or_raise(
            lambda: self._client.v1.balance_transactions.list_async(
                {"created": {"gte": int(since.timestamp())}, "limit": _PAGE}
            )
        )
        try:
            async for answer in page.auto_paging_iter():
                line = read(answer, BalanceTransactionShape)
                yield GatewayTransaction(
                    transaction_ref=line.id,
                    kind=line.type,
                    source_ref=line.source or line.id,
                    gross_minor=line.amount,
                    fee_minor=line.fee,
                    net_minor=line.net,
                    currency=line.currency.upper(),
                    created_at=datetime.fromtimestamp(line.created, UTC),
                )
        except stripe.StripeError as error:
            raise GatewayUnavailableError(type(error).__name__) from error

    def read_webhook(self, body: bytes, *, signature: str | None) -> Notice:
        """Verify a webhook with the SDK against each secret in force, then read it."""
        for secret in self._secrets:
            try:
                self._client.construct_event(body, signature, secret)
            except stripe.SignatureVerificationError:
                continue
            except ValueError as error:
                reason = "its body is not JSON"
                raise ForgedWebhookError(reason) from error
            return notice(body)
        reason = "its signature is missing, wrong or stale"
        raise ForgedWebhookError(reason)


def _transferred(transfer: TransferShape) -> Transferred:
    return Transferred(
        transfer_ref=transfer.id, transferred_at=datetime.fromtimestamp(transfer.created, UTC)
    )


def _keyed(idempotency_key: str) -> Any:  # noqa: ANN401 - the SDK's options are a TypedDict of its own
    return {"idempotency_key": idempotency_key}


async def _or_raise(call: Callable[[], Awaitable[Answer]]) -> Answer:
    try:
        return await call()
    except stripe.InvalidRequestError as error:
        raise GatewayRefusedError(error.user_message or "invalid request") from error
    except stripe.StripeError as error:
        raise GatewayUnavailableError(type(error).__name__) from error


def _error_of(error: stripe.StripeError) -> ErrorShape:
    body = error.json_body if isinstance(error.json_body, dict) else {}
    try:
        return msgspec.convert(body.get("error") or {}, ErrorShape, strict=False)
    except msgspec.ValidationError:
        return ErrorShape()


def _declined(error: stripe.CardError) -> Outcome:
    shape = _error_of(error)
    return decline(shape, payment_ref=shape.payment_ref)


def _refused(error: stripe.InvalidRequestError) -> Outcome:
    shape = _error_of(error)
    if shape.code == "payment_intent_unexpected_state" and shape.payment_intent is not None:
        # It has moved on without us, for example succeeded: what it is now is the answer.
        return outcome_of(shape.payment_intent)
    unusable = shape.param == "payment_method" or shape.code == "payment_method_unexpected_state"
    return Declined(
        decline_class=DeclineClass.CARD_UNUSABLE if unusable else DeclineClass.REFUSED,
        code=shape.code or "invalid_request",
        payment_ref=shape.payment_ref,
    )


def _unknown(error: stripe.StripeError) -> Unknown:
    replayed = (error.headers or {}).get("idempotent-replayed") == "true"
    mismatched = isinstance(error, stripe.IdempotencyError) and error.http_status != _IN_USE
    return Unknown(
        reason=f"{type(error).__name__} {error.http_status or ''}".strip(),
        conclusive_later=not (replayed or mismatched),
    )

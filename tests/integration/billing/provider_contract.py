"""What a provider's contract test needs of each provider: its real simulator, and a driver there.

A new provider adds one class here, with a line in `HARNESSES`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

from billing.gateway import ChargeOrder, PaymentProvider
from billing.providers.stripe import StripeGateway
from billing.providers.wechatpay import WeChatPay
from billing.registering import Registered, RegisteredStay, RegistrationOrder
from billing.services.ids import new_id
from billing.settings import BillingSettings
from gateway_sim.payments.server import Options as StripeOptions
from gateway_sim.wechatpay.server import Options as WeChatOptions
from parking.core.events import PlateColour
from parking.core.ids import PaymentId
from parking.core.plate import Plate
from parking.core.secret import Secret
from tests.gateway_sim.payments.harness import Inbox as StripeInbox
from tests.gateway_sim.payments.harness import Simulator as StripeSimulator
from tests.gateway_sim.payments.harness import running as stripe_running
from tests.gateway_sim.payments.harness import webhook_inbox
from tests.gateway_sim.wechatpay.harness import Inbox as WeChatInbox
from tests.gateway_sim.wechatpay.harness import Simulator as WeChatSimulator
from tests.gateway_sim.wechatpay.harness import notification_inbox
from tests.gateway_sim.wechatpay.harness import running as wechat_running
from tests.integration.billing.wechat_world import wechat_settings

_SECRET = "whsec_contract"
_PLATE = Plate("浙A8B762")


class Harness(Protocol):
    """A provider with its simulator, and a driver who can be charged."""

    provider: PaymentProvider
    now: datetime

    async def order(self, amount_minor: int, *, payment_id: PaymentId) -> ChargeOrder:
        """Word the first charge of a payment."""
        ...

    async def again(self, order: ChargeOrder, payment_ref: str | None) -> ChargeOrder:
        """Word the charge after a decline, of something that can pay."""
        ...

    async def declining(self, amount_minor: int, *, payment_id: PaymentId) -> ChargeOrder:
        """Word a charge that will be declined for want of money."""
        ...

    def fault(self, name: str, times: int = 1) -> None:
        """Have the next requests that move money go wrong."""
        ...

    async def pass_time(self, **delta: float) -> None:
        """Let what is asynchronous happen."""
        ...

    def taken(self) -> list[int]:
        """What was really taken, in minor units."""
        ...

    def given_back(self) -> list[int]:
        """What was really given back."""
        ...

    def webhooks(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        """What the provider has sent by itself so far, at least `count`; header names lowered."""
        ...


class StripeHarness:
    """A driver who has left a card."""

    def __init__(self, simulator: StripeSimulator, inbox: StripeInbox) -> None:
        self._simulator = simulator
        self._inbox = inbox
        self.now = datetime.now(UTC)
        self.provider: PaymentProvider = StripeGateway(
            BillingSettings(
                stripe_api_key=Secret("sk_test_contract"),
                stripe_api_url=simulator.address,
                stripe_webhook_secret=Secret(_SECRET),
                stripe_timeout_seconds=5,
            )
        )

    async def order(self, amount_minor: int, *, payment_id: PaymentId) -> ChargeOrder:
        return self._order(amount_minor, payment_id, "pm_card_visa")

    async def declining(self, amount_minor: int, *, payment_id: PaymentId) -> ChargeOrder:
        customer, good = self._simulator.customer_with_card()
        bad = self._simulator.stripe.v1.payment_methods.attach(
            "pm_card_chargeCustomerFail", {"customer": customer}
        )
        self._good = good
        return _charge(amount_minor, payment_id, customer_ref=customer, method_ref=bad.id)

    async def again(self, order: ChargeOrder, payment_ref: str | None) -> ChargeOrder:
        return ChargeOrder(
            payment_id=order.payment_id,
            attempt=order.attempt + 1,
            amount_minor=order.amount_minor,
            currency=order.currency,
            customer_ref=order.customer_ref,
            method_ref=self._good,
            trace_id=order.trace_id,
            payment_ref=payment_ref,
        )

    def _order(self, amount_minor: int, payment_id: PaymentId, card: str) -> ChargeOrder:
        customer, method = self._simulator.customer_with_card(card)
        return _charge(amount_minor, payment_id, customer_ref=customer, method_ref=method)

    def fault(self, name: str, times: int = 1) -> None:
        step = {"fault": name, "method": "POST", "path": "/v1/*", "times": times}
        self._simulator.faults(script=[step])

    async def pass_time(self, **delta: float) -> None:
        self.now += timedelta(**delta)
        self._simulator.advance(timedelta(**delta).total_seconds())

    def taken(self) -> list[int]:
        return [it["amount"] for it in self._simulator.truth()["charges"]]

    def given_back(self) -> list[int]:
        return [it["amount"] for it in self._simulator.truth()["refunds"]]

    def webhooks(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        posts = self._inbox.wait_for(count)
        return [({"stripe-signature": signature}, body) for body, signature in posts]


class WeChatHarness:
    """A driver who has opened the service for their plate, and has just driven in."""

    def __init__(self, simulator: WeChatSimulator, inbox: WeChatInbox) -> None:
        self._simulator = simulator
        self._inbox = inbox
        self.now = datetime.now(UTC)
        simulator.set_clock(self.now)
        self._wechat = WeChatPay(BillingSettings(wechat=wechat_settings(simulator, inbox.url)))
        self.provider: PaymentProvider = self._wechat

    async def order(self, amount_minor: int, *, payment_id: PaymentId) -> ChargeOrder:
        openid = self._simulator.open_service(_PLATE)
        entered_at = self.now - timedelta(hours=2)
        entry = RegistrationOrder(
            registration_id=new_id(self.now),
            plate=_PLATE,
            colour=PlateColour.BLUE,
            lot_name="西湖停车场",
            entered_at=entered_at,
        )
        registered = await self._wechat.register(self._wechat.registration_request(entry))
        assert isinstance(registered, Registered)
        stay = RegisteredStay(
            registration_ref=registered.registration_ref,
            plate=_PLATE,
            colour=PlateColour.BLUE,
            lot_id="west-lake-1",
            lot_name="西湖停车场",
            entered_at=entered_at,
            left_at=self.now,
        )
        return _charge(amount_minor, payment_id, customer_ref=openid, stay=stay)

    async def declining(self, amount_minor: int, *, payment_id: PaymentId) -> ChargeOrder:
        self._simulator.faults(mishap_script=[{"mishap": "deduction_failed"}])
        return await self.order(amount_minor, payment_id=payment_id)

    async def again(self, order: ChargeOrder, payment_ref: str | None) -> ChargeOrder:
        assert payment_ref is None
        return _charge(
            order.amount_minor,
            order.payment_id,
            customer_ref=order.customer_ref,
            stay=order.stay,
            attempt=order.attempt + 1,
        )

    def fault(self, name: str, times: int = 1) -> None:
        step = {"fault": name, "method": "POST", "path": "/v3/*", "times": times}
        self._simulator.faults(script=[step])

    async def pass_time(self, **delta: float) -> None:
        self.now += timedelta(**delta)
        self._simulator.set_clock(self.now)

    def taken(self) -> list[int]:
        return [it["amount"] for it in self._simulator.truth()["deductions"]]

    def given_back(self) -> list[int]:
        return [it["amount"] for it in self._simulator.truth()["refunds"]]

    def webhooks(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        posts = self._inbox.wait_for(count)
        return [({name.lower(): it for name, it in heads.items()}, body) for heads, body in posts]


def _charge(
    amount_minor: int,
    payment_id: PaymentId,
    *,
    customer_ref: str,
    method_ref: str | None = None,
    stay: RegisteredStay | None = None,
    attempt: int = 1,
) -> ChargeOrder:
    return ChargeOrder(
        payment_id=payment_id,
        attempt=attempt,
        amount_minor=amount_minor,
        currency="CNY",
        customer_ref=customer_ref,
        method_ref=method_ref,
        stay=stay,
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )


@contextmanager
def stripe_harness() -> Iterator[Harness]:
    with webhook_inbox() as inbox:
        options = StripeOptions(seed=7, webhook_url=inbox.url, webhook_secret=_SECRET)
        with stripe_running(options) as simulator:
            yield StripeHarness(simulator, inbox)


@contextmanager
def wechat_harness() -> Iterator[Harness]:
    with notification_inbox() as inbox, wechat_running(WeChatOptions(seed=7)) as simulator:
        yield WeChatHarness(simulator, inbox)


HARNESSES: dict[str, Callable[[], AbstractContextManager[Harness]]] = {
    "stripe": stripe_harness,
    "wechatpay": wechat_harness,
}

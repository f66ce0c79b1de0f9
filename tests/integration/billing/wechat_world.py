"""A billing world with both providers: the real simulators of Stripe and of WeChat Pay."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from billing.audit import Truth, read_truth
from billing.core.reconcile import Finding
from billing.gateway import ForgedWebhookError
from billing.gateways import Providers
from billing.providers.stripe import StripeGateway
from billing.providers.wechatpay import WeChatPay
from billing.services.draw_statement import reconcile_gateway
from billing.services.pay_by_hand import pay_by_hand
from billing.services.plate_services import bind_service
from billing.services.webhooks import receive_webhook
from billing.wechat_settings import WeChatSettings
from billing.worker import BillingWorker
from gateway_sim.payments.server import Options as StripeOptions
from gateway_sim.wechatpay.server import Options
from parking.core.events import PlateColour
from parking.core.ids import AccountId, StayId
from parking.core.plate import Plate
from parking.core.secret import Secret
from tests.gateway_sim.payments.harness import running as stripe_running
from tests.gateway_sim.wechatpay.harness import Inbox, Simulator, notification_inbox, running
from tests.integration.billing.world import RETURN_URL, BillingWorld, settings_for


def wechat_settings(simulator: Simulator, notify_url: str) -> WeChatSettings:
    """What a merchant configures."""
    own = simulator.credentials
    return WeChatSettings(
        mchid=own.mchid,
        appid=own.appid,
        sub_mchid=own.sub_mchid,
        sub_appid=own.sub_appid,
        serial_no=own.merchant_serial_no,
        private_key=Secret(own.merchant_private_key),
        apiv3_key=Secret(own.apiv3_key),
        public_key=own.platform_public_key,
        public_key_id=own.platform_public_key_id,
        api_url=simulator.address,
        notify_url=notify_url,
        timeout_seconds=5,
        bill_poll_seconds=1,
    )


class WeChatWorld(BillingWorld):
    """Drivers who pay by WeChat, beside those who pay by card."""

    wechat: Simulator
    inbox: Inbox
    handed_in = 0

    def join(self, wechat: Simulator, inbox: Inbox, **changes: object) -> None:
        """Work with WeChat Pay too."""
        self.wechat, self.inbox = wechat, inbox
        settings = msgspec.structs.replace(wechat_settings(wechat, inbox.url), **changes)
        self.settings = msgspec.structs.replace(self.settings, wechat=settings)
        self.connect()
        wechat.set_clock(self.now)

    def connect(self) -> None:
        """Have clients of both providers that have spoken with nobody yet, and a worker."""
        self.gateway, self.provider = StripeGateway(self.settings), WeChatPay(self.settings)
        self.providers = Providers(self.gateway, self.provider)
        self.worker = BillingWorker(self.pool, self.providers, self.settings, notifier=self.phones)

    async def wechat_driver(self, plate: str, *, card: str | None = None) -> AccountId:
        """A driver who has opened WeChat's service for a plate, and has bound it here."""
        account_id = await self.driver(plate, card=card)
        openid = self.wechat.open_service(plate)
        await bind_service(
            self.pool,
            self.providers,
            account_id=account_id,
            plate=Plate(plate),
            colour=PlateColour.BLUE,
            provider="wechatpay",
            customer_ref=openid,
            now=self.now,
        )
        return account_id

    async def checkout(self, stay_id: StayId) -> str:
        return await pay_by_hand(
            self.pool,
            self.providers,
            self.settings,
            stay_id=stay_id,
            return_url=RETURN_URL,
            now=self.now,
        )

    async def later(self, **delta: float) -> None:
        """Let time pass for everybody."""
        passed = timedelta(**delta)
        self.now += passed
        self.simulator.advance(passed.total_seconds())
        self.wechat.set_clock(self.now)
        await self.hand_in()
        await self.drain()

    async def hand_in(self) -> None:
        """Post the notifications that came. They are signed by everybody's clock, and judged so."""
        posts = self.inbox.posts[self.handed_in :]
        self.handed_in += len(posts)
        for headers, body in posts:
            with suppress(ForgedWebhookError):
                await receive_webhook(
                    self.pool,
                    self.provider,
                    body=body,
                    headers={name.lower(): value for name, value in headers.items()},
                    now=datetime.now(UTC),
                )

    async def reconcile_wechat(self) -> tuple[Finding, ...]:
        return await reconcile_gateway(self.pool, self.settings, gateway_name="wechatpay")

    def deductions(self) -> list[dict[str, Any]]:
        """What WeChat really took."""
        taken: list[dict[str, Any]] = self.wechat.truth()["deductions"]
        return taken

    def truth(self) -> Truth:
        """Both truth logs together."""
        wechat = self.wechat.http.get("/_sim/truth")
        return super().truth().beside(read_truth(wechat.content))


@contextmanager
def both_running(
    options: Options | None = None,
) -> Iterator[tuple[Any, Simulator, Inbox]]:
    """Both simulators, and where WeChat's notifications come in."""
    with (
        notification_inbox() as inbox,
        stripe_running(StripeOptions(seed=7)) as stripe,
        running(options or Options(seed=7)) as wechat,
    ):
        yield stripe, wechat, inbox


@asynccontextmanager
async def open_wechat_world(
    database_url: str, options: Options | None = None
) -> AsyncIterator[WeChatWorld]:
    """A world with both."""
    with both_running(options) as (stripe, wechat, inbox):
        pool = await asyncpg.create_pool(database_url, min_size=1, max_size=12)
        world = WeChatWorld(pool, stripe, settings_for(stripe.address))
        try:
            world.wait_for_noon()
            world.join(wechat, inbox)
            yield world
        finally:
            await world.providers.close()
            await pool.close()

"""The world of a simulated month: both providers, and what they send, in a seeded order."""

import random
import time as clock
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from billing.gateway import ForgedWebhookError, Notice, PaymentProvider
from billing.services import ids
from billing.services.webhooks import receive_webhook
from gateway_sim.payments.server import Options as StripeOptions
from gateway_sim.wechatpay.server import Options as WeChatOptions
from tests.gateway_sim.payments.harness import Inbox as StripeInbox
from tests.gateway_sim.payments.harness import running as stripe_running
from tests.gateway_sim.payments.harness import webhook_inbox
from tests.gateway_sim.wechatpay.harness import WAIT_S, notification_inbox
from tests.gateway_sim.wechatpay.harness import running as wechat_running
from tests.integration.billing.wechat_world import WeChatWorld
from tests.integration.billing.world import SECRET, settings_for

STRIPE_FAULTS: dict[str, Any] = {
    "rates": {
        "drop_before": 0.03,
        "drop_after": 0.05,
        "slow": 0.01,
        "rate_limited": 0.02,
        "conflict": 0.02,
        "lock_timeout": 0.01,
        "server_error": 0.02,
        "server_error_after": 0.03,
        "bad_gateway": 0.01,
        "bad_gateway_after": 0.02,
    },
    "mishaps": {
        "card_lost": 0.02,
        "card_expired": 0.02,
        "card_short_of_money": 0.08,
        "card_needs_authentication": 0.03,
        "card_detached": 0.02,
        "dispute_won": 0.03,
        "dispute_lost": 0.03,
        "payout_failed": 0.1,
        "payout_failed_after_paid": 0.1,
        "wrong_fee": 0.03,
        "missing_charge": 0.02,
        "surplus_charge": 0.02,
    },
    "webhooks": {
        "duplicated": 0.1,
        "reordered": 0.1,
        "late": 0.05,
        "missing": 0.1,
        "forged": 0.05,
        "stale": 0.05,
        "future_dated": 0.05,
        "old_secret": 0.05,
        "reorder_seconds": 3_600.0,
        "late_seconds": 259_200.0,
    },
    "slow_seconds": 0.01,
    "dispute_after_seconds": 86_400.0,
    "dispute_decided_after_seconds": 86_400.0,
}
WECHAT_FAULTS: dict[str, Any] = {
    "rates": {
        "drop_before": 0.03,
        "drop_after": 0.05,
        "slow": 0.01,
        "rate_limited": 0.02,
        "server_error": 0.02,
        "server_error_after": 0.03,
        "bad_gateway": 0.01,
        "bad_gateway_after": 0.02,
        "answer_forged": 0.02,
        "answer_probe": 0.01,
    },
    "mishaps": {
        "entry_blocked": 0.05,
        "deduction_failed": 0.15,
        "deduction_advanced": 0.1,
        "deduction_advanced_for_good": 0.05,
        "deduction_late": 0.1,
        "refund_short_of_money": 0.2,
        "refund_abnormal": 0.1,
        "refund_closed": 0.1,
        "wrong_fee": 0.05,
        "missing_in_bill": 0.05,
        "surplus_in_bill": 0.05,
        "notification_duplicated": 0.1,
        "notification_reordered": 0.1,
        "notification_late": 0.05,
        "notification_lost": 0.1,
        "notification_rotated": 0.02,
        "notification_forged": 0.05,
        "notification_stale": 0.05,
        "notification_future_dated": 0.05,
        "notification_old_certificate": 0.05,
        "notification_probe": 0.05,
    },
    "slow_seconds": 0.01,
    "deduct_late_seconds": 30_000.0,
    "repaid_after_seconds": 80_000.0,
    "reorder_seconds": 3_600.0,
    "late_seconds": 259_200.0,
}
_LEAVE_ROWS_WHERE_THEY_ARE = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT oid::regclass FROM pg_class
        WHERE relkind = 'r' AND relnamespace IN ('billing'::regnamespace, 'parking'::regnamespace)
    LOOP EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', name); END LOOP;
END $$
"""
"""Of payments that are due at the same moment PostgreSQL gives those first that it finds first.
Where they lie, and how it looks for them, changes with each vacuum; and that comes by the clock."""
_AGREED = "2025-12-01:60"
"""What both simulators keep of a charge, where they do not lie about it."""
FIRST_DAY = date(2026, 1, 1)
"""A month begins on this day or within a year of it, by its seed: not on the day it is run."""
NOON = time(12)
_FAR = 1_800
"""Of a signature's age, in seconds: true ones are younger, stale and future-dated ones older."""


class MonthWorld(WeChatWorld):
    """Both providers, with every notification and webhook that they send."""

    webhooks: StripeInbox
    webhooks_handed_in = 0
    chance: random.Random

    def begin_on(self, day: date) -> None:
        """Have it be noon of a day for everybody."""
        zone = ZoneInfo(self.settings.ledger_zone)
        self.start = self.now = datetime.combine(day, NOON, zone).astimezone(UTC)
        self.set_clocks()

    def set_clocks(self) -> None:
        """Both simulators' clocks stand exactly where ours does: what is due there is due here."""
        for each in (self.simulator, self.wechat):
            each.control("clock", now=self.now.timestamp())

    async def pass_time(self, **delta: float) -> None:
        """Let time pass for everybody, hand in what is sent until then, and work one round."""
        self.now += timedelta(**delta)
        self.set_clocks()
        await self.hand_in()
        await self.worker.step(self.now)

    async def later(self, **delta: float) -> None:
        """Let time pass for everybody, then work until nothing is due."""
        self.now += timedelta(**delta)
        self.set_clocks()
        await self.hand_in()
        await self.drain()

    async def hand_in(self) -> None:
        """Hand in what was sent, in an order that follows from the seed and not from threads."""
        _wait_until_sent(self.simulator, "delivers_next_at", now=self.now)
        _wait_until_sent(self.wechat, "notifies_next_at", now=self.now)
        posts = [
            (self.provider, {name.lower(): it for name, it in headers.items()}, body)
            for headers, body in self.inbox.posts[self.handed_in :]
        ]
        self.handed_in += len(posts)
        hooks = self.webhooks.posts[self.webhooks_handed_in :]
        self.webhooks_handed_in += len(hooks)
        both: list[tuple[PaymentProvider, dict[str, str], bytes]] = [
            *posts,
            *((self.gateway, {"stripe-signature": sign}, body) for body, sign in hooks),
        ]
        both.sort(key=_name)
        self.chance.shuffle(both)
        for provider, headers, body in both:
            with suppress(ForgedWebhookError):
                await receive_webhook(
                    self.pool,
                    cast("PaymentProvider", _ReadNow(provider)),
                    body=body,
                    headers=headers,
                    now=self.now,
                )

    def faults(self) -> None:
        """Have everything go wrong from now on."""
        self.simulator.faults(**STRIPE_FAULTS)
        self.wechat.faults(**WECHAT_FAULTS)

    def stuck_refunds(self) -> list[str]:
        """What of refunds waits at WeChat for a person, by our names."""
        ends = self.wechat.truth()["refund_ends"]
        states = {each["out_refund_no"]: each["status"] for each in ends}
        return [name for name, state in states.items() if state == "ABNORMAL"]

    def no_faults(self) -> None:
        """Nothing goes wrong from now on; what has gone wrong already takes its course."""
        for each in (self.simulator, self.wechat):
            each.http.delete("/_sim/faults").raise_for_status()


class _ReadNow:
    """A provider whose webhooks are read by the real clock, by which they are signed."""

    def __init__(self, provider: PaymentProvider) -> None:
        self._provider = provider

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def read_webhook(self, body: bytes, *, headers: Mapping[str, str], now: datetime) -> Notice:
        del now
        return self._provider.read_webhook(body, headers=headers, now=datetime.now(UTC))


def _wait_until_sent(simulator: Any, name: str, *, now: datetime) -> None:
    """Wait for its threads: the clocks of both simulators stand exactly where ours does."""
    deadline = clock.monotonic() + WAIT_S
    while True:
        next_at = simulator.http.get("/_sim/health").json()[name]
        if next_at is None or next_at > now.timestamp():
            return
        assert clock.monotonic() < deadline, "it sends for too long"
        clock.sleep(0.002)


def _name(post: tuple[PaymentProvider, dict[str, str], bytes]) -> tuple[str, str, int, bool]:
    """What tells a post from others, without what differs from run to run."""
    provider, headers, body = post
    signed = headers.get("wechatpay-timestamp") or headers.get("stripe-signature", "")[2:12]
    age = clock.time() - int(signed) if signed.isdecimal() else 0
    probe = headers.get("wechatpay-signature", "").startswith("WECHATPAY/SIGNTEST/")
    return provider.name, msgspec.json.decode(body)["id"], round(age / _FAR), probe


@contextmanager
def ids_by(chance: random.Random) -> Iterator[None]:
    """Have billing's ids follow from a seed too: they decide what is worked first."""
    seeded = SimpleNamespace(randbits=chance.getrandbits)
    with patch.object(ids, "secrets", seeded):
        yield


class Simulators:
    """Both simulators with their inboxes; those that have a folder may be restarted."""

    def __init__(self, seed: int, folder: Path | None) -> None:
        self._inboxes = ExitStack()
        self.inbox = self._inboxes.enter_context(notification_inbox())
        self.webhooks = self._inboxes.enter_context(webhook_inbox())
        self._stripe_options = StripeOptions(
            seed=seed,
            state=folder and folder / "stripe",
            webhook_url=self.webhooks.url,
            webhook_secret=SECRET,
        )
        self._wechat_options = WeChatOptions(seed=seed, state=folder and folder / "wechat")
        self._runs = {"stripe": ExitStack(), "wechat": ExitStack()}
        self.start_stripe()
        self.start_wechat(at=None)

    def start_stripe(self) -> None:
        run = self._runs["stripe"]
        self.stripe = run.enter_context(stripe_running(self._stripe_options))
        port = _port(self.stripe.address)
        self._stripe_options = msgspec.structs.replace(self._stripe_options, port=port)

    def start_wechat(self, *, at: datetime | None) -> None:
        run = self._runs["wechat"]
        self.wechat = run.enter_context(wechat_running(self._wechat_options, now=at))
        port = _port(self.wechat.address)
        self._wechat_options = msgspec.structs.replace(self._wechat_options, port=port)

    def restart(self, world: MonthWorld) -> None:
        """Restart both on their ports; what speaks to them is cut off."""
        self._stop()
        self.start_stripe()
        self.start_wechat(at=world.now)
        world.simulator, world.wechat = self.stripe, self.wechat

    def _stop(self) -> None:
        for run in self._runs.values():
            run.close()

    def close(self) -> None:
        self._stop()
        self._inboxes.close()


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


@asynccontextmanager
async def open_month(
    database_url: str, simulators: Simulators, seed: int, **changes: object
) -> AsyncIterator[MonthWorld]:
    """A world with both providers, in which everything follows from the seed."""
    with ids_by(random.Random(f"ids:{seed}")):
        pool = await asyncpg.create_pool(database_url, min_size=1, max_size=12)
        await pool.execute(_LEAVE_ROWS_WHERE_THEY_ARE)
        # One request after the other: which of them goes wrong follows from the seed.
        settings = settings_for(
            simulators.stripe.address,
            stripe_timeout_seconds=2,
            worker_concurrency=1,
            stripe_agreed_fees=_AGREED,
            **changes,
        )
        world = MonthWorld(pool, simulators.stripe, settings)
        world.chance = random.Random(f"order:{seed}")
        world.webhooks = simulators.webhooks
        try:
            world.join(
                simulators.wechat, simulators.inbox, bill_poll_seconds=3_600, agreed_fees=_AGREED
            )
            days = random.Random(f"day:{seed}").randrange(365)
            world.begin_on(FIRST_DAY + timedelta(days=days))
            yield world
        finally:
            await world.providers.close()
            await pool.close()

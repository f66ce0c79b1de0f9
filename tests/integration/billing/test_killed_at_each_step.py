"""SIGKILL between any two steps of settling, paying out, appeals, write-offs and messages.

All of it is due at once in one world. Worker after worker is killed, each one boundary later than
the last: before a transaction (what was sent has happened, and nobody knows) or after it (what will
be sent is stored, and was not). In the end a worker gets through, and all of it happened once.
"""

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import asyncpg
import msgspec
import pytest

from billing.core.appeals import Correction, Ground, NeverWas
from billing.core.reconcile import agrees
from billing.gateways import Providers
from billing.notifications import FileNotifier, NotificationKind
from billing.providers.stripe import StripeGateway
from billing.providers.wechatpay import WeChatPay
from billing.services.appeals import AppealDesk, work_appeals
from billing.services.consume_outbox import consume_outbox
from billing.services.follow_advances import follow_advances
from billing.services.gather_payments import gather_payments
from billing.services.ids import new_id
from billing.services.notify import tell, work_notifications
from billing.services.pay_out import prepare_payouts, work_payouts
from billing.services.read_report import book_fees, read_report
from billing.services.refund import work_refunds
from billing.services.register_stays import work_registrations
from billing.services.settle_operators import settle_operators
from billing.services.work_payments import PaymentWorker
from billing.services.write_off import write_off_overdue
from billing.settings import BillingSettings
from parking.core.ids import StayId
from parking.messages import StayPriced
from tests.forks import FORKS
from tests.integration.billing.test_payouts import bind
from tests.integration.billing.wechat_world import open_wechat_world
from tests.integration.billing.world import BillingWorld, fee_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BOUNDARIES_MAX = 200


class DyingPool:
    """A pool whose worker is killed at one of the boundaries of its transactions."""

    def __init__(self, pool: asyncpg.Pool, boundaries: int) -> None:
        self._pool = pool
        self._left = boundaries

    def _pass(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        self._pass()
        async with self._pool.acquire() as connection:
            yield connection
        self._pass()


class Corrector:
    """Corrects a fact as parking does: the fee's next revision tells of it, however often asked."""

    def __init__(self, pool: asyncpg.Pool, stay: StayPriced) -> None:
        self._pool = pool
        self._stay = stay

    async def correct(
        self, stay_id: StayId, correction: Correction, *, by: str, reason: str
    ) -> int:
        assert (stay_id, correction) == (self._stay.stay_id, NeverWas())
        assert by.startswith("appeal:")
        assert reason
        newer = msgspec.structs.replace(self._stay, revision=2, fee=fee_of(0), dissolved=True)
        await self._pool.execute(
            "INSERT INTO parking.outbox (message_id, payload) VALUES ($1, $2::text::jsonb)",
            new_id(self._stay.left_at),
            msgspec.json.encode(newer).decode(),
        )
        return 2


def work_until_killed(
    database_url: str, settings: BillingSettings, stay: StayPriced, now: datetime, boundary: int
) -> None:
    """The body of a worker process: two rounds of the stages under test."""

    async def work() -> None:
        pool = await asyncpg.create_pool(database_url, min_size=1, max_size=4)
        dying, gateway = DyingPool(pool, boundary), StripeGateway(settings)
        corrector = Corrector(pool, stay)
        notifier = FileNotifier(settings.notification_file)
        for _ in range(2):
            await settle_operators(dying, settings, now=now)
            await prepare_payouts(dying, gateway, settings, now=now)
            await work_payouts(dying, gateway, settings, now=now)
            await write_off_overdue(dying, settings, now=now)
            await work_appeals(dying, corrector, settings, now=now)
            await consume_outbox(dying, gateway, settings, now=now)
            await work_refunds(dying, gateway, settings, now=now)
            await work_notifications(dying, notifier, settings, now=now)
        await gateway.close()
        await pool.close()

    anyio.run(work)


async def die_at_each_step(
    world: BillingWorld, body: Callable[..., None], arguments: tuple[Any, ...]
) -> int:
    """Kill worker after worker, each one boundary later; says how many there were."""
    for boundary in range(1, BOUNDARIES_MAX):
        process = FORKS.Process(target=body, args=(*arguments, world.now, boundary))
        process.start()
        await anyio.to_thread.run_sync(process.join, 60)
        assert process.exitcode in {0, -signal.SIGKILL}
        await world.assert_sound()
        if process.exitcode == 0:
            return boundary
        world.now += timedelta(seconds=world.settings.attempt_lease_seconds + 1)
    raise AssertionError(boundary)


def work_wechat_until_killed(
    database_url: str, settings: BillingSettings, now: datetime, boundary: int
) -> None:
    """The body of a worker process: a round of what is done with WeChat Pay."""

    async def work() -> None:
        pool = await asyncpg.create_pool(database_url, min_size=1, max_size=4)
        wechat = WeChatPay(settings)
        dying, providers = DyingPool(pool, boundary), Providers(StripeGateway(settings), wechat)
        await consume_outbox(dying, providers, settings, now=now)
        await work_registrations(dying, wechat, settings, now=now)
        await gather_payments(
            dying, settings, gateway_name="stripe", per_stay=[wechat.name], now=now
        )
        await PaymentWorker(dying, wechat, settings, refunds=providers).work(now=now)
        await work_refunds(dying, wechat, settings, now=now)
        await follow_advances(dying, wechat, settings, now=now)
        await read_report(dying, wechat, settings, now=now)
        await book_fees(dying, wechat, settings, now=now)
        await providers.close()
        await pool.close()

    anyio.run(work)


async def test_killed_at_each_step_with_wechat(database_url: str, anyio_backend: str) -> None:
    """An entry and its deduction, an advance that was repaid, a refund, a day's bill."""
    async with open_wechat_world(database_url) as world:
        plates = ["浙A8B762", "浙A8B763", "浙A8B764"]
        for plate in plates:
            await world.wechat_driver(plate)
        world.wechat.faults(mishaps={"deduction_advanced": 1.0}, repaid_after_seconds=86_400)
        stays = [world.priced(plate, 1_500) for plate in plates]
        await world.publish(*stays[:2])
        await world.drain()
        await world.later(seconds=60)
        world.wechat.faults()
        world.now += timedelta(days=2)
        world.wechat.set_clock(world.now)
        cheaper = world.priced(plates[1], 500, stay_id=stays[1].stay_id, revision=2)
        await world.publish(stays[2], cheaper)
        boundary = await die_at_each_step(
            world, work_wechat_until_killed, (database_url, world.settings)
        )
        assert boundary > 15, "there are more steps than that"
        await world.later(hours=2)
        await world.later(days=2)
        truth = world.truth()
        assert [each.amount for each in truth.charges] == [1_500] * 3
        assert [each.amount for each in truth.refunds] == [1_000]
        assert [each.repaid for each in truth.advances] == [True, True]
        repaid = "SELECT count(repaid_at) FROM billing.provider_advance"
        assert await world.pool.fetchval(repaid) == 2
        assert {(await world.obligation(stay)).state for stay in stays} == {"paid"}
        assert agrees(await world.reconcile_wechat())
        await world.assert_sound()


async def everything_due(world: BillingWorld) -> tuple[StayPriced, StayPriced]:
    """A month to settle and to pay out, a granted appeal, a fee to be given up, a message."""
    driver = await world.driver("浙A8B762")
    await bind(world)
    paid, contested = world.priced("浙A8B762", 50_000), world.priced("浙A8B762", 1_500)
    given_up = world.priced("沪B12345", 900)
    await world.publish(paid, contested, given_up)
    await world.settle()
    world.simulator.advance(3 * 86_400)
    world.now += timedelta(days=36)
    appeals = AppealDesk(world.pool, world.settings, lambda: world.now)
    appeal = await appeals.open(contested.stay_id, ground=Ground.NOT_MY_CAR, statement="not mine")
    await appeals.grant(appeal.appeal_id, correction=NeverWas(), by="admin", reason="a clone")
    async with world.pool.acquire() as db, db.transaction():
        await tell(
            db,
            NotificationKind.REMINDER_1,
            account_id=driver,
            about=UUID(int=1),
            parameters={"amount": "15.00"},
            now=world.now,
        )
    return contested, given_up


async def test_killed_at_each_step(world: BillingWorld, database_url: str, tmp_path: Path) -> None:
    world.change_settings(write_off_after_days=30, notification_file=tmp_path / "messages")
    contested, given_up = await everything_due(world)
    boundary = await die_at_each_step(
        world, work_until_killed, (database_url, world.settings, contested)
    )
    assert boundary > 30, "there are more steps than that"
    await world.settle()

    truth = world.truth()
    (settled,) = [
        row["settled_minor"]
        for row in await world.pool.fetch(
            "SELECT * FROM billing.settlement WHERE settled_minor > 0"
        )
    ]
    assert [each.amount for each in truth.transfers] == [settled]
    assert [each.amount for each in truth.refunds] == [1_500]
    assert (await world.obligation(given_up)).written_off_minor == 900
    assert (await world.obligation(contested)).charged_minor == 0
    states = await world.pool.fetch("SELECT state FROM billing.appeal")
    assert [row["state"] for row in states] == ["corrected"]
    assert "15.00" in (tmp_path / "messages").read_text(encoding="utf-8")
    unsent = "SELECT count(*) FROM billing.notification WHERE due_at IS NOT NULL"
    assert await world.pool.fetchval(unsent) == 0
    await world.assert_sound()

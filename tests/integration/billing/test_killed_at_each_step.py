"""SIGKILL between any two steps of settling, paying out, appeals, write-offs and messages.

All of it is due at once in one world. Worker after worker is killed, each one boundary later than
the last: before a transaction (what was sent has happened, and nobody knows) or after it (what will
be sent is stored, and was not). In the end a worker gets through, and all of it happened once.
"""

import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
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
from billing.notifications import FileNotifier, NotificationKind
from billing.providers.stripe import StripeGateway
from billing.services.appeals import AppealDesk, work_appeals
from billing.services.consume_outbox import consume_outbox
from billing.services.ids import new_id
from billing.services.notify import tell, work_notifications
from billing.services.pay_out import prepare_payouts, work_payouts
from billing.services.refund import work_refunds
from billing.services.settle_operators import settle_operators
from billing.services.write_off import write_off_overdue
from billing.settings import BillingSettings
from parking.core.ids import StayId
from parking.messages import StayPriced
from tests.integration.billing.test_payouts import bind
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
    forkserver = multiprocessing.get_context("forkserver")
    forkserver.set_forkserver_preload([__name__])
    for boundary in range(1, BOUNDARIES_MAX):
        process = forkserver.Process(
            target=work_until_killed,
            args=(database_url, world.settings, contested, world.now, boundary),
        )
        process.start()
        await anyio.to_thread.run_sync(process.join, 60)
        assert process.exitcode in {0, -signal.SIGKILL}
        await world.assert_sound()
        if process.exitcode == 0:
            break
        world.now += timedelta(seconds=world.settings.attempt_lease_seconds + 1)
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

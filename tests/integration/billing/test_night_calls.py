"""What pages an engineer at night: leaving halfway, races, and polls that read the past."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from billing.core.attempt import Succeeded
from billing.core.consent import CURRENT
from billing.db import leaving, write_offs
from billing.db import sign_in as codes
from billing.db.connection import transaction
from billing.services import bind, leave, sign_in
from billing.services.bind import AccountNotFoundError
from billing.services.claims import ClaimDesk
from billing.services.settle_payment import settle
from parking.core.ids import AccountId
from parking.core.plate import Plate
from tests.integration.billing.test_declines import decline
from tests.integration.billing.test_worker_and_standings import api
from tests.integration.billing.world import RETURN_URL, VISA, BillingWorld

pytestmark = pytest.mark.anyio

PLATE = Plate("浙A8B762")
OTHER = Plate("浙A00001")
__all__ = ["api"]


async def closed(world: BillingWorld, account_id: AccountId) -> None:
    await leave.close_account(world.pool, account_id, now=world.now)


class TestALeftAccount:
    """Nothing that was begun before comes to an account that is closed."""

    async def test_is_given_no_card(self, world: BillingWorld) -> None:
        driver = await world.driver(PLATE, card=None)
        url = await bind.start_setup(
            world.pool,
            world.gateway,
            world.settings,
            account_id=driver,
            return_url=RETURN_URL,
            consent_version=CURRENT.version,
            now=world.now,
        )
        await closed(world, driver)
        world.visit(url, VISA)
        await world.later(seconds=2)
        await world.later(minutes=5)
        rows = await world.pool.fetch("SELECT ended_at, detach_at FROM billing.payment_method")
        assert [(row["ended_at"] is None, row["detach_at"]) for row in rows] == [(False, None)]
        await world.assert_sound()

    async def test_is_given_no_plate_by_a_claim(self, world: BillingWorld) -> None:
        holder = await world.driver(PLATE, card=None)
        claimant = await world.driver(OTHER, card=None)
        claim = await ClaimDesk(world.pool, world.settings, lambda: world.now).open(
            PLATE, claimant_id=claimant
        )
        await closed(world, claimant)
        await leave.unbind_plate(world.pool, holder, PLATE, now=world.now)
        await world.later(minutes=1)
        state = await world.pool.fetchval(
            "SELECT state FROM billing.plate_claim WHERE claim_id = $1", claim.claim_id
        )
        assert state == "withdrawn"
        await world.assert_sound()

    async def test_is_given_no_plate_by_a_late_request(self, world: BillingWorld) -> None:
        driver = await world.driver(PLATE, card=None)
        async with transaction(world.pool) as db:
            assert await leaving.lock_account(db, driver)
            late = asyncio.create_task(
                bind.bind_plate(world.pool, world.settings, driver, OTHER, now=world.now)
            )
            await asyncio.sleep(0.1)
            await leaving.end_bindings(db, driver, now=world.now)
            await codes.revoke_all(db, driver, now=world.now)
            await leaving.close(db, driver, now=world.now)
        with pytest.raises(AccountNotFoundError):
            await late
        await world.assert_sound()

    async def test_is_given_no_token_by_a_late_sign_in(self, world: BillingWorld) -> None:
        phone = "+8613912345678"
        first = await world.sign_in(phone)
        world.now += timedelta(minutes=2)
        await sign_in.send_code(
            world.pool, world.phones, world.settings, phone=phone, now=world.now
        )
        async with transaction(world.pool) as db:
            assert await leaving.lock_account(db, first.account_id)
            late = asyncio.create_task(
                sign_in.sign_in_with_code(
                    world.pool,
                    world.settings,
                    phone=phone,
                    code=world.phones.code_of(phone),
                    now=world.now,
                )
            )
            await asyncio.sleep(0.3)
            await codes.revoke_all(db, first.account_id, now=world.now)
            await leaving.close(db, first.account_id, now=world.now)
        again = await late
        assert again.created
        assert again.account_id != first.account_id
        await world.assert_sound()


class TestTheHoldOnWhatWasInherited:
    """A new holder has a day to contest what came with the plate, whatever comes in between."""

    async def test_outlasts_a_revision(self, world: BillingWorld) -> None:
        world.change_settings(inherit_hold_seconds=86_400)
        stay = world.priced(PLATE, 1_500)
        await world.publish(stay)
        await world.drain()
        driver = await world.driver(OTHER)
        await bind.bind_plate(world.pool, world.settings, driver, PLATE, now=world.now)
        await world.publish(world.priced(PLATE, 1_400, stay_id=stay.stay_id, revision=2))
        await world.later(hours=23)
        assert world.charges() == []
        await world.later(hours=2)
        assert [amount for _, amount in world.charges()] == [1_400]
        await world.settle()
        await world.assert_sound()

    async def test_is_given_to_what_is_heard_of_late(self, world: BillingWorld) -> None:
        world.change_settings(inherit_hold_seconds=86_400)
        await world.driver(PLATE)
        await world.publish(world.priced(PLATE, 1_500))
        await world.later(hours=23)
        assert world.charges() == []
        await world.later(hours=2)
        assert [amount for _, amount in world.charges()] == [1_500]
        await world.settle()
        await world.assert_sound()


async def test_two_pages_paid_at_once_end_a_suspension(world: BillingWorld) -> None:
    await world.driver(OTHER)
    await world.publish(world.priced(OTHER, 700))
    await world.settle()
    driver = await world.driver(PLATE)
    decline(world, await world.customer(driver), "authentication_required")
    stays = [world.priced(PLATE, 1_500), world.priced(PLATE, 900)]
    await world.publish(*stays)
    await world.drain()
    suspended = "SELECT suspended_at FROM billing.driver_account WHERE account_id = $1"
    assert await world.pool.fetchval(suspended, driver) is not None
    for stay in stays:
        await world.checkout(stay.stay_id)
    rows = await world.pool.fetch(
        "SELECT payment_id, amount_minor FROM billing.payment WHERE state = 'open'"
    )
    assert len(rows) == 2

    async def capture(row: Any, db: Any) -> None:
        await settle(
            db,
            row["payment_id"],
            Succeeded(
                payment_ref=f"pi_{row['payment_id']}",
                charge_ref=f"ch_{row['payment_id']}",
                amount_minor=row["amount_minor"],
                currency="CNY",
                captured_at=world.now,
            ),
            gateway=world.gateway,
            settings=world.settings,
            now=world.now,
        )

    async with world.pool.acquire() as blocker:
        begun = blocker.transaction()
        await begun.start()
        await capture(rows[0], blocker)

        async def second() -> None:
            async with transaction(world.pool) as db:
                await capture(rows[1], db)

        later = asyncio.create_task(second())
        await asyncio.sleep(0.3)
        await begun.commit()
        await later
    assert await world.pool.fetchval(suspended, driver) is None


async def test_polls_read_what_is_due_and_not_the_past(world: BillingWorld) -> None:
    async with world.pool.acquire() as db:
        begun = db.transaction()
        await begun.start()
        await db.execute("SET LOCAL session_replication_role = replica")
        await db.execute(
            """
            INSERT INTO billing.payment (payment_id, account_id, method, gateway, customer_ref,
                amount_minor, currency, state, due_at, trace_id, created_at, updated_at,
                payment_ref, charge_ref, captured_at, fee_minor)
            SELECT gen_random_uuid(), gen_random_uuid(), 'card', 'stripe', 'cus', 100, 'CNY',
                'succeeded', NULL, '', now(), now(), 'pi_' || n, 'ch_' || n, now(), 1
            FROM generate_series(1, 20000) AS n
            """
        )
        await db.execute(
            """
            INSERT INTO billing.phone_code
                (code_id, phone, salt, code_hash, created_at, expires_at)
            SELECT gen_random_uuid(), '+8613800000000', decode(repeat('00', 16), 'hex'),
                decode(repeat('00', 32), 'hex'), now(), now() + interval '5 minutes'
            FROM generate_series(1, 20000)
            """
        )
        await db.execute("ANALYZE billing.payment, billing.phone_code")
        hopeless = await db.fetch(
            "EXPLAIN " + write_offs._CALL_OFF_HOPELESS, world.now, world.now, 100
        )
        forget = await db.fetch("EXPLAIN " + codes._FORGET, world.now)
        await begun.rollback()
    texts = ["\n".join(row[0] for row in plan) for plan in (hopeless, forget)]
    assert all("Seq Scan" not in text for text in texts), texts
    assert "payment_live_key" in texts[0]


async def test_text_that_no_database_keeps_is_refused(
    world: BillingWorld, api: httpx.AsyncClient
) -> None:
    stay = world.priced(PLATE, 1_500)
    await world.publish(stay)
    await world.drain()
    body = {"ground": "other", "statement": "the barrier\x00was shut"}
    reply = await api.post(f"/v1/stays/{stay.stay_id}/appeals", json=body)
    assert reply.status_code in {400, 422}, reply.text

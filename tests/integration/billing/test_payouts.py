"""Operators are paid by one transfer a settlement, whatever happens to it on the way."""

from datetime import timedelta
from uuid import UUID

import pytest

from billing.db import settlements
from billing.db.payouts import PayoutView
from billing.db.settlements import SettlementView
from billing.services import payout_desk
from billing.services.ids import new_id
from billing.services.pay_out import prepare_payouts, take_payouts
from billing.services.payout_desk import PayoutDesk
from billing.services.settle_operators import settle_operators
from gateway_sim.payments.faults import Fault
from tests.integration.billing.world import OPERATOR, BillingWorld

pytestmark = pytest.mark.anyio

PAID = 50_000
TRANSFERS = "/v1/transfers"


def desk(world: BillingWorld) -> PayoutDesk:
    return PayoutDesk(world.pool, world.gateway, lambda: world.now)


async def bind(world: BillingWorld) -> str:
    account_ref = world.simulator.operator()
    await desk(world).bind(OPERATOR, account_ref, by="admin")
    return account_ref


async def collected(world: BillingWorld) -> None:
    """A paid stay, the money of which is at hand, and a month that has ended."""
    await world.driver("浙A8B762")
    await world.publish(world.priced("浙A8B762", PAID))
    await world.settle()
    world.simulator.advance(3 * 86_400)
    world.now += timedelta(days=35)


async def listed(world: BillingWorld) -> list[SettlementView]:
    async with world.pool.acquire() as db:
        return list(reversed(await settlements.listed(db, OPERATOR, limit=10)))


async def paid_out(world: BillingWorld) -> PayoutView:
    """The one payout that went through; everything holds against the truth log."""
    await world.drain()
    first = (await listed(world))[0]
    done = [each for each in first.payouts if each.state == "succeeded" and not each.reverses]
    assert [each.amount_minor for each in done] == [first.settled_minor]
    assert [each.amount for each in world.truth().transfers] == [first.settled_minor]
    await world.assert_sound()
    return done[0]


async def test_a_settlement_is_paid_to_the_account_that_is_bound(world: BillingWorld) -> None:
    await collected(world)
    await world.drain()
    waiting = await world.statement()
    assert waiting.to_pay_out_minor == (await listed(world))[0].settled_minor > 0
    assert world.truth().transfers == (), "to nowhere yet"
    account_ref = await bind(world)
    await world.later(minutes=1)
    paid = await paid_out(world)
    assert paid.account_ref == account_ref
    statement = await world.statement()
    assert (statement.paid_out_minor, statement.to_pay_out_minor) == (paid.amount_minor, 0)
    await world.later(minutes=10)
    assert await world.reconcile()
    assert (await world.statement()).reconciled


async def test_only_an_account_that_may_receive_is_bound(world: BillingWorld) -> None:
    bare = world.simulator.stripe.v1.accounts.create({"type": "express", "country": "CN"}).id
    for account_ref in ("acct_nowhere", bare):
        with pytest.raises(payout_desk.PayoutAccountUnusableError):
            await desk(world).bind(OPERATOR, account_ref, by="admin")
    account_ref = await bind(world)
    await desk(world).bind(OPERATOR, account_ref, by="admin")
    assert await desk(world).account(OPERATOR) == account_ref
    assert await world.pool.fetchval("SELECT count(*) FROM billing.payout_account") == 1


@pytest.mark.parametrize(
    "fault",
    [Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.SERVER_ERROR_AFTER, Fault.BAD_GATEWAY_AFTER],
    ids=lambda fault: fault.value,
)
async def test_a_lost_answer_pays_once(world: BillingWorld, fault: Fault) -> None:
    await bind(world)
    await collected(world)
    step = {"fault": fault.value, "method": "POST", "path": TRANSFERS, "times": 1}
    world.simulator.faults(script=[step])
    await world.drain()
    await world.later(minutes=11)
    assert (await paid_out(world)).state == "succeeded"


async def test_a_saved_error_pays_anew_only_once_the_key_has_ended(world: BillingWorld) -> None:
    await bind(world)
    await collected(world)
    script = [{"fault": "server_error", "method": "POST", "path": TRANSFERS, "times": 1}]
    world.simulator.faults(script=script)
    await world.drain()
    await world.later(hours=1)
    assert [each.state for each in (await listed(world))[0].payouts] == ["unknown"]
    world.simulator.advance(24 * 3600)
    await world.later(hours=24)
    await world.later(hours=7)
    assert [each.state for each in (await listed(world))[0].payouts] == ["failed", "succeeded"]
    await paid_out(world)


@pytest.mark.parametrize("hours", [1, 30], ids=["key_alive", "key_forgotten"])
@pytest.mark.parametrize("sent", [False, True], ids=["before_sending", "after_sending"])
async def test_a_worker_that_dies_is_replaced(
    world: BillingWorld, *, sent: bool, hours: int
) -> None:
    await bind(world)
    await collected(world)
    await settle_operators(world.pool, world.settings, now=world.now)
    assert await prepare_payouts(world.pool, world.gateway, world.settings, now=world.now) == 1
    assert await prepare_payouts(world.pool, world.gateway, world.settings, now=world.now) == 0
    (taken,) = await take_payouts(world.pool, world.gateway, world.settings, now=world.now)
    if sent:
        await world.gateway.transfer(taken.request, idempotency_key=taken.row.idempotency_key)
    world.simulator.advance(hours * 3600)
    await world.later(hours=hours)
    await world.later(hours=7)
    await paid_out(world)


async def test_money_that_is_not_there_yet_is_paid_later(world: BillingWorld) -> None:
    await bind(world)
    await world.driver("浙A8B762")
    await world.publish(world.priced("浙A8B762", PAID))
    await world.settle()
    await world.later(days=35)
    (refused,) = (await listed(world))[0].payouts
    assert (refused.state, refused.detail) == ("failed", "balance_insufficient")
    world.simulator.advance(3 * 86_400)
    await world.later(hours=7)
    await paid_out(world)


async def test_what_is_taken_back_is_in_the_next_settlement(world: BillingWorld) -> None:
    await bind(world)
    await collected(world)
    paid = await paid_out(world)
    reversal_id = new_id(world.now)

    async def take_back(amount_minor: int, reversal_id: UUID) -> None:
        await desk(world).take_back(
            OPERATOR,
            paid.payout_id,
            reversal_id=reversal_id,
            amount_minor=amount_minor,
            reason="a fee was wrong",
            by="admin",
        )

    with pytest.raises(payout_desk.ReversalTooLargeError):
        await take_back(paid.amount_minor + 1, reversal_id)
    script = [{"fault": "drop_after", "method": "POST", "path": f"{TRANSFERS}/*", "times": 1}]
    world.simulator.faults(script=script)
    await take_back(20_000, reversal_id)
    await take_back(20_000, reversal_id)
    with pytest.raises(payout_desk.ReversalExistsError):
        await take_back(1, reversal_id)
    with pytest.raises(payout_desk.ReversalTooLargeError):
        await take_back(paid.amount_minor - 19_999, new_id(world.now))
    await world.drain()
    await world.later(minutes=11)
    assert [each.amount for each in world.truth().reversals] == [20_000]
    lines = {line.code: line.amount_minor for line in (await world.statement()).lines}
    assert lines["payout_reversed"] == 20_000
    await world.assert_sound()
    await world.later(days=35)
    again = (await listed(world))[1]
    assert (again.corrected_minor, again.settled_minor) == (20_000, 20_000)
    assert [each.state for each in again.payouts] == ["succeeded"]
    await world.later(minutes=11)
    await world.assert_sound()
    assert (await world.statement()).reconciled

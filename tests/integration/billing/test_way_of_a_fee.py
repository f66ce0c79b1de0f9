"""From a priced stay to a statement that adds up, with everything real in between."""

from datetime import timedelta

import msgspec
import pytest

from billing.core.reconcile import Matched
from billing.gateway import RefundAnswer
from billing.gateway_request import GatewayRequest
from billing.services import bind
from billing.services.refund import work_refunds
from parking.core.plate import Plate
from tests.integration.billing.world import OPERATOR, BillingWorld, fee_of

pytestmark = pytest.mark.anyio


@pytest.mark.both_postgres
async def test_a_bound_car_is_charged_once_and_stands_in_the_statement(
    world: BillingWorld,
) -> None:
    await world.driver("浙A8B762")
    stay = world.priced("浙A8B762", 1_500)
    await world.publish(stay)
    await world.drain()
    await world.settle()

    assert [amount for _, amount in world.charges()] == [1_500]
    obligation = await world.obligation(stay)
    assert (obligation.state, obligation.outstanding_minor) == ("paid", 0)
    statement = await world.statement()
    assert statement.gross_minor == statement.collected_minor == 1_500
    assert statement.commission_minor == 75
    assert statement.processor_fees_minor == 9
    assert statement.net_minor == statement.closing_minor == 1_500 - 75 - 9
    assert (statement.outstanding_minor, statement.payments) == (0, 1)
    assert statement.reconciled
    assert [type(each) for each in await world.reconcile()] == [Matched]
    await world.assert_sound()


async def test_what_is_due_gathers_into_one_payment(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    stays = [world.priced("浙A8B762", amount) for amount in (500, 700, 900)]
    other = world.priced("浙A8B762", 1_100, operator="bus-station")
    await world.publish(*stays, other)
    await world.drain()
    await world.settle()

    assert [amount for _, amount in world.charges()] == [3_200]
    mine, theirs = await world.statement(), await world.statement("bus-station")
    assert (mine.collected_minor, theirs.collected_minor) == (2_100, 1_100)
    assert mine.processor_fees_minor + theirs.processor_fees_minor == 19
    assert mine.reconciled
    assert theirs.reconciled
    await world.assert_sound()


async def test_a_small_sum_waits_for_company(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    await world.publish(world.priced("浙A8B762", 300))
    await world.drain()
    assert world.charges() == []
    await world.publish(world.priced("浙A8B762", 300))
    await world.later(seconds=1)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [600]


async def test_a_free_stay_is_never_charged(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    stay = world.priced("浙A8B762", 0)
    await world.publish(stay)
    await world.drain()
    await world.settle()
    assert (await world.obligation(stay)).state == "void"
    assert world.charges() == []
    await world.assert_sound()


async def test_a_tentative_stay_waits_out_its_hold(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    until = world.now + timedelta(hours=24)
    await world.publish(world.priced("浙A8B762", 1_500, chargeable_from=until))
    await world.drain()
    await world.later(hours=23)
    assert world.charges() == []
    await world.later(hours=1, seconds=1)
    assert [amount for _, amount in world.charges()] == [1_500]


async def test_an_unbound_plate_owes_until_it_is_bound(world: BillingWorld) -> None:
    stay = world.priced("沪B12345", 2_000)
    await world.publish(stay)
    await world.drain()
    assert (await world.obligation(stay)).state == "due"
    assert (await world.statement()).outstanding_minor == 2_000
    await world.driver("沪B12345")
    await world.settle()
    assert [amount for _, amount in world.charges()] == [2_000]
    assert (await world.statement()).outstanding_minor == 0
    await world.assert_sound()


async def test_a_stay_stays_with_whoever_had_the_plate_then(world: BillingWorld) -> None:
    seller = await world.driver("浙A8B762")
    await world.pool.execute(
        "UPDATE billing.plate_binding SET bound_at = $1, ended_at = $2",
        world.start - timedelta(days=1),
        world.start - timedelta(minutes=30),
    )
    await world.driver("浙A8B762")
    await world.publish(world.priced("浙A8B762", 1_500))
    await world.drain()
    charged = {charge.metadata["payment_id"] for charge in world.truth().charges}
    payers = await world.pool.fetch("SELECT payment_id::text, account_id FROM billing.payment")
    assert {(row["payment_id"], row["account_id"]) for row in payers} == {
        (payment_id, seller) for payment_id in charged
    }


async def test_a_plate_has_one_account_at_a_time(world: BillingWorld) -> None:
    first = await world.driver("浙A8B762", card=None)
    second = await world.driver("浙A00001", card=None)
    assert (
        await bind.bind_plate(world.pool, world.settings, first, Plate("浙A8B762"), now=world.now)
        == 0
    )
    with pytest.raises(bind.PlateBoundElsewhereError):
        await bind.bind_plate(world.pool, world.settings, second, Plate("浙A8B762"), now=world.now)


class TestRevisions:
    async def test_repeats_and_late_comers_change_nothing(self, world: BillingWorld) -> None:
        first = world.priced("浙A8B762", 1_500)
        second = world.priced("浙A8B762", 900, stay_id=first.stay_id, revision=2)
        await world.publish(second, first, second)
        await world.drain()
        await world.publish(first)
        await world.later(seconds=1)
        view = await world.obligation(first)
        assert (view.charged_minor, view.outstanding_minor) == (900, 900)
        await world.assert_sound()

    async def test_a_further_charge_is_the_difference(self, world: BillingWorld) -> None:
        await world.driver("浙A8B762")
        stay = world.priced("浙A8B762", 1_500)
        await world.publish(stay)
        await world.drain()
        await world.publish(world.priced("浙A8B762", 2_300, stay_id=stay.stay_id, revision=2))
        await world.later(seconds=1)
        await world.settle()
        assert [amount for _, amount in world.charges()] == [1_500, 800]
        await world.assert_sound()

    async def test_what_was_paid_and_is_no_longer_owed_goes_back(self, world: BillingWorld) -> None:
        await world.driver("浙A8B762")
        stay = world.priced("浙A8B762", 1_500)
        await world.publish(stay)
        await world.drain()
        await world.publish(world.priced("浙A8B762", 1_100, stay_id=stay.stay_id, revision=2))
        await world.later(seconds=1)
        gone = world.priced(
            "浙A8B762", 0, stay_id=stay.stay_id, revision=3, dissolved=True, fee=fee_of(0)
        )
        await world.publish(gone)
        await world.settle()
        assert [refund.amount for refund in world.truth().refunds] == [400, 1_100]
        view = await world.obligation(stay)
        assert (view.state, view.captured_minor, view.returned_minor) == ("void", 1_500, 1_500)
        statement = await world.statement()
        assert statement.net_minor == -statement.processor_fees_minor == -9
        assert statement.reconciled
        await world.assert_sound()

    async def test_a_corrected_plate_pays_the_first_payer_back(self, world: BillingWorld) -> None:
        await world.driver("浙A8B762")
        await world.driver("浙A8B762".replace("8B", "88"))
        stay = world.priced("浙A8B762", 1_500)
        await world.publish(stay)
        await world.drain()
        await world.publish(world.priced("浙A88762", 1_500, stay_id=stay.stay_id, revision=2))
        await world.later(seconds=1)
        await world.settle()
        assert [amount for _, amount in world.charges()] == [1_500, 1_500]
        assert [refund.amount for refund in world.truth().refunds] == [1_500]
        payers = await world.pool.fetch("SELECT DISTINCT account_id FROM billing.payment")
        assert len(payers) == 2
        await world.assert_sound()

    async def test_all_refunds_that_are_due_go_in_one_round_and_one_that_fails_stops_none(
        self, world: BillingWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plates = ("浙A00001", "浙A00002", "浙A00003", "浙A00004")
        for plate in plates:
            await world.driver(plate)
        stays = [world.priced(plate, 1_500) for plate in plates]
        await world.publish(*stays)
        await world.drain()
        await world.settle()
        await world.publish(
            *(world.priced(stay.plate, 500, stay_id=stay.stay_id, revision=2) for stay in stays)
        )
        await world.consume()
        poison = await world.pool.fetchval("SELECT refund_id FROM billing.refund LIMIT 1")
        send = world.gateway.refund

        async def refund(request: GatewayRequest, *, idempotency_key: str) -> RefundAnswer:
            if idempotency_key == f"refund-{poison}":
                raise LookupError(idempotency_key)
            return await send(request, idempotency_key=idempotency_key)

        monkeypatch.setattr(world.gateway, "refund", refund)
        one_at_once = msgspec.structs.replace(world.settings, worker_concurrency=1)
        count = await work_refunds(world.pool, world.gateway, one_at_once, now=world.now)
        assert count == 4
        assert [each.amount for each in world.truth().refunds] == [1_000] * 3
        monkeypatch.undo()
        await world.settle()
        assert [each.amount for each in world.truth().refunds] == [1_000] * 4
        await world.assert_sound()

    async def test_a_message_that_cannot_be_read_is_kept_aside(self, world: BillingWorld) -> None:
        await world.pool.execute(
            "INSERT INTO parking.outbox (message_id, payload) VALUES (gen_random_uuid(), $1)",
            '{"type": "stay_priced", "stay_id": 7}',
        )
        stay = world.priced("浙A8B762", 1_500)
        await world.publish(stay)
        await world.drain()
        assert (await world.obligation(stay)).state == "due"
        problem = await world.pool.fetchval("SELECT problem FROM billing.refused_message")
        assert "stay_id" in problem


async def test_operators_see_their_own_money_only(world: BillingWorld) -> None:
    await world.publish(world.priced("沪B12345", 2_000, operator="bus-station"))
    await world.drain()
    assert (await world.statement(OPERATOR)).gross_minor == 0
    assert (await world.statement("bus-station")).gross_minor == 2_000

"""A stay paid by WeChat Pay parking, against the real simulator: once, whatever happens."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.core.payment import PaymentArrowError, PaymentState
from billing.core.reconcile import agrees
from billing.db.attempts import Attempt
from billing.db.connection import Connection
from billing.db.payments import PaymentRow
from billing.gateway import ForgedWebhookError
from billing.gateways import UnknownProviderError
from billing.services import work_payments
from billing.services.bind import bind_plate
from billing.services.plate_services import ServiceNotOpenError, bind_service
from billing.services.prepare_attempt import prepare_attempt
from billing.standings import BillingStandings
from billing.wechat_names import out_trade_no
from parking.core.events import PlateColour
from parking.core.plate import Plate
from parking.messages import StayEntered, StayPriced
from portal.audit import audit_database
from tests.integration.billing.wechat_world import WeChatWorld, open_wechat_world
from tests.integration.billing.world import VISA

pytestmark = pytest.mark.anyio
PLATE = "浙A8B762"


@pytest.fixture
async def world(database_url: str, anyio_backend: str) -> AsyncIterator[WeChatWorld]:
    async with open_wechat_world(database_url) as world:
        yield world


def entry_of(stay: StayPriced) -> StayEntered:
    return StayEntered(
        stay_id=stay.stay_id,
        lot_id=stay.lot_id,
        lot_name="西湖停车场",
        plate=stay.plate,
        colour=stay.colour,
        entered_at=stay.entered_at,
    )


async def leave(world: WeChatWorld, amount_minor: int = 1_500) -> StayPriced:
    """A stay is priced and its deduction asked for."""
    stay = world.priced(PLATE, amount_minor)
    await world.publish(stay)
    await world.drain()
    return stay


async def registration(world: WeChatWorld) -> tuple[str, str]:
    row = await world.pool.fetchrow("SELECT state, detail FROM billing.stay_registration")
    return row["state"], row["detail"]


async def test_a_stay_is_registered_deducted_and_reconciled(world: WeChatWorld) -> None:
    await world.wechat_driver(PLATE)
    stay = world.priced(PLATE, 1_500)
    await world.publish(entry_of(stay))
    await world.drain()
    assert await registration(world) == ("registered", "")
    await world.publish(stay)
    await world.drain()
    (payment,) = await world.payments()
    assert (payment.method, payment.state) == ("deduction", "pending")
    await world.later(seconds=60)
    view = await world.obligation(stay)
    assert (view.state, view.captured_minor) == ("paid", 1_500)
    (taken,) = world.deductions()
    assert (taken["amount"], taken["advanced"]) == (1_500, False)
    await world.later(days=2)
    (payment,) = await world.payments()
    assert payment.fee_minor == taken["fee"]
    assert agrees(await world.reconcile_wechat())
    await world.assert_sound()


async def test_small_stays_are_not_gathered_and_cards_are_left_alone(world: WeChatWorld) -> None:
    await world.wechat_driver(PLATE, card=VISA)
    for amount in (100, 200):
        await leave(world, amount)
        await world.later(seconds=60)
    assert sorted(it["amount"] for it in world.deductions()) == [100, 200]
    assert [payment.method for payment in await world.payments()] == ["deduction"] * 2
    await world.assert_sound()


async def test_the_gate_hears_whether_the_driver_may_pay_later(world: WeChatWorld) -> None:
    standings = BillingStandings(world.pool, world.settings, clock=lambda: world.now)

    async def bound() -> bool:
        return (await standings.standings([Plate(PLATE)]))[Plate(PLATE)].bound

    await world.wechat_driver(PLATE)
    assert await bound()
    world.wechat.open_service(PLATE, block_reason="OVERDUE")
    await world.publish(entry_of(world.priced(PLATE, 0)))
    await world.drain()
    assert not await bound()
    world.wechat.open_service(PLATE)
    world.inbox.wait_for(1)
    await world.later(seconds=1)
    assert await bound()


async def test_an_old_stay_that_is_told_late_does_not_end_the_entry_that_came_since(
    world: WeChatWorld,
) -> None:
    await world.wechat_driver(PLATE)
    here = world.priced(PLATE, 900)
    await world.publish(entry_of(here))
    await world.drain()
    entered_at = here.entered_at - timedelta(hours=5)
    old = world.priced(PLATE, 1_500, entered_at=entered_at, left_at=here.entered_at)
    await world.publish(old)
    await world.drain()
    assert await world.pool.fetchval("SELECT count(*) FROM billing.stay_registration") == 1
    await world.publish(here)
    await world.drain()
    await world.later(seconds=60)
    assert (await world.obligation(here)).state == "paid"
    assert (await world.obligation(old)).state == "due"


async def test_a_blocked_driver_pays_by_card(world: WeChatWorld) -> None:
    await world.wechat_driver(PLATE, card=VISA)
    world.wechat.open_service(PLATE, block_reason="OVERDUE")
    stay = await leave(world)
    assert await registration(world) == ("blocked", "OVERDUE")
    assert (await world.obligation(stay)).payment_method == "card"
    assert world.deductions() == []
    await world.assert_sound()


async def test_a_failed_deduction_is_tried_again_as_another_order(world: WeChatWorld) -> None:
    account_id = await world.wechat_driver(PLATE)
    world.wechat.faults(mishaps={"deduction_failed": 1.0})
    stay = await leave(world)
    await world.later(seconds=60)
    (payment,) = await world.payments()
    assert (payment.state, payment.decline_code) == ("waiting", "PAY_FAIL")
    world.wechat.faults()
    await world.later(days=1)
    await world.later(seconds=60)
    assert (await world.obligation(stay)).state == "paid"
    (taken,) = world.deductions()
    assert taken["out_trade_no"] == out_trade_no(payment.payment_id, 2)
    profile = await world.pool.fetchrow(
        "SELECT suspended_at, declines FROM billing.driver_account WHERE account_id = $1",
        account_id,
    )
    assert (profile["suspended_at"], profile["declines"]) == (None, 0)
    await world.assert_sound()


async def test_a_bank_that_disputes_the_cards_payment_stops_no_deduction(
    world: WeChatWorld,
) -> None:
    account_id = await world.wechat_driver(PLATE, card=VISA)
    await bind_plate(world.pool, world.settings, account_id, Plate("浙A00001"), now=world.now)
    await world.publish(world.priced("浙A00001", 2_000))
    await world.drain()
    (by_card,) = await world.payments()
    world.wechat.faults(mishaps={"deduction_failed": 1.0})
    stay = await leave(world)
    await world.later(seconds=60)
    states = {each.payment_id: each.state for each in await world.payments()}
    assert states.pop(by_card.payment_id) == "succeeded"
    assert list(states.values()) == ["waiting"]
    world.wechat.faults()
    world.simulator.control("disputes", payment_intent=by_card.payment_ref)
    for _ in range(2):
        world.simulator.advance(7_200)
        await world.later(hours=2)
    await world.later(days=1)
    await world.later(seconds=60)
    assert [each["amount"] for each in world.deductions()] == [1_500]
    assert (await world.obligation(stay)).state == "paid"
    await world.assert_sound()


async def test_a_failed_deduction_that_has_no_service_any_more_is_called_off(
    world: WeChatWorld,
) -> None:
    """WeChat has no order of it that could be called off: the next would have been a new one."""
    await world.wechat_driver(PLATE)
    world.wechat.faults(mishaps={"deduction_failed": 1.0})
    stay = await leave(world)
    await world.later(seconds=60)
    (payment,) = await world.payments()
    assert (payment.state, payment.payment_ref) == ("waiting", None)
    await world.pool.execute("UPDATE billing.stay_registration SET state = 'blocked'")
    await world.later(days=1)
    await world.later(seconds=60)
    assert [each.state for each in await world.payments()] == ["abandoned"]
    assert (await world.obligation(stay)).state == "due"
    await world.assert_sound()


async def test_one_payment_that_cannot_be_prepared_keeps_no_other_from_being_made(
    world: WeChatWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.driver("浙A00001", card=VISA)
    await world.driver("浙A00002", card=VISA)
    stays = [world.priced(plate, 2_000) for plate in ("浙A00001", "浙A00002")]
    await world.publish(*stays)
    await world.consume()
    await world.gather()
    (stuck, _) = await world.payments()

    async def prepare(db: Connection, payment: PaymentRow, **rest: Any) -> Attempt | None:
        if payment.payment_id == stuck.payment_id:
            raise PaymentArrowError(before=PaymentState.WAITING, after=PaymentState.ABANDONED)
        return await prepare_attempt(db, payment, **rest)

    monkeypatch.setattr(work_payments, "prepare_attempt", prepare)
    await world.drain()
    assert [each.state for each in await world.payments()] == ["ready", "succeeded"]
    monkeypatch.undo()
    await world.settle()
    assert [each.state for each in await world.payments()] == ["succeeded", "succeeded"]
    await world.assert_sound()


async def test_who_never_has_money_is_suspended_and_may_pay_by_hand(world: WeChatWorld) -> None:
    account_id = await world.wechat_driver(PLATE)
    world.wechat.faults(mishaps={"deduction_failed": 1.0})
    stay = await leave(world)
    for _ in range(4):
        await world.later(days=4)
        await world.later(seconds=60)
    (payment,) = await world.payments()
    assert payment.state == "stopped"
    assert await world.pool.fetchval(
        "SELECT suspended_at FROM billing.driver_account WHERE account_id = $1", account_id
    )
    world.visit(await world.checkout(stay.stay_id), VISA)
    await world.later(seconds=60)
    assert (await world.obligation(stay)).state == "paid"
    assert world.deductions() == []
    await world.assert_sound()


async def test_an_advance_pays_the_operator_and_leaves_the_debt_to_wechat(
    world: WeChatWorld,
) -> None:
    await world.wechat_driver(PLATE)
    world.wechat.faults(mishaps={"deduction_advanced": 1.0}, repaid_after_seconds=3600)
    stay = await leave(world)
    await world.later(seconds=60)
    assert (await world.obligation(stay)).state == "paid"
    repaid = "SELECT repaid_at FROM billing.provider_advance"
    assert await world.pool.fetchval(repaid) is None
    await world.later(hours=2)
    await world.later(days=1)
    assert await world.pool.fetchval(repaid) is not None
    assert len(world.deductions()) == 1
    await world.assert_sound()


async def test_the_audit_asks_each_simulator_what_it_advanced_and_gave_back(
    world: WeChatWorld, database_url: str
) -> None:
    async def found() -> set[str]:
        # Billing's half alone: this world has no stays of its own in parking's tables.
        urls = [world.simulator.address, world.wechat.address]
        named = await audit_database(database_url, now=world.now, truth_urls=urls)
        return {each.invariant for each in named} - {"no-obligation-without-a-stay"}

    await world.wechat_driver(PLATE)
    world.wechat.faults(mishaps={"deduction_advanced_for_good": 1.0, "refund_abnormal": 1.0})
    stay = await leave(world)
    await world.later(seconds=60)
    await world.publish(world.priced(PLATE, 500, stay_id=stay.stay_id, revision=2))
    await world.later(seconds=60)
    assert await found() == set()
    await world.pool.execute("UPDATE billing.provider_advance SET repaid_at = now(), due_at = NULL")
    assert await found() == {"advances-are-true"}
    await world.pool.execute("DELETE FROM billing.provider_advance")
    assert await found() == {"advances-are-true"}
    await world.pool.execute("UPDATE billing.refund SET state = 'succeeded', due_at = NULL")
    assert "refunds-are-ours-and-once" in await found()


async def test_what_is_no_longer_owed_goes_back_with_its_part_of_the_fee(
    world: WeChatWorld,
) -> None:
    await world.wechat_driver(PLATE)
    stay = await leave(world)
    await world.later(seconds=60)
    await world.publish(world.priced(PLATE, 500, stay_id=stay.stay_id, revision=2))
    await world.drain()
    await world.later(seconds=60)
    (refund,) = world.wechat.truth()["refunds"]
    assert refund["amount"] == 1_000
    await world.later(days=2)
    assert agrees(await world.reconcile_wechat())
    await world.assert_sound()


@pytest.mark.parametrize(
    ("mishap", "state"),
    [
        ("refund_short_of_money", "ready"),
        ("refund_closed", "ready"),
        ("refund_abnormal", "pending"),
    ],
)
async def test_a_refund_that_goes_wrong_reaches_its_driver_in_the_end(
    world: WeChatWorld, mishap: str, state: str
) -> None:
    await world.wechat_driver(PLATE)
    world.wechat.faults(mishap_script=[{"mishap": mishap}])
    stay = await leave(world)
    await world.later(seconds=60)
    await world.publish(world.priced(PLATE, 500, stay_id=stay.stay_id, revision=2))
    await world.later(seconds=60)
    await world.later(seconds=60)
    waits = "SELECT state FROM billing.refund WHERE state <> 'superseded'"
    assert await world.pool.fetchval(waits) == state
    await world.assert_sound()
    if state == "pending":
        (stuck,) = world.wechat.truth()["refunds"]
        world.wechat.control("refunds", out_refund_no=stuck["out_refund_no"])
    for _ in range(2):
        await world.later(hours=2)
    assert await world.pool.fetchval(waits) == "succeeded"
    await world.later(days=2)
    assert agrees(await world.reconcile_wechat())
    arrived = [it for it in world.truth().refunds if it.reached]
    assert [it.amount for it in arrived] == [1_000]
    await world.assert_sound()


async def test_bills_that_wechat_no_longer_has_are_not_asked_for(world: WeChatWorld) -> None:
    await world.wechat_driver(PLATE)
    await leave(world)
    await world.later(seconds=60)
    await world.later(days=120)
    await world.publish(world.priced(PLATE, 900, left_at=world.now, entered_at=world.start))
    await world.later(seconds=60)
    await world.later(seconds=60)
    await world.later(days=2)
    fees = [payment.fee_minor for payment in await world.payments()]
    assert fees == [None, 5], "the first day's bill is lost for good, and no other is"


@pytest.mark.parametrize(
    "faults",
    [
        {"rates": {"drop_before": 0.3, "drop_after": 0.3}, "mishaps": {"notification_lost": 1.0}},
        {"rates": {"server_error_after": 0.2, "bad_gateway_after": 0.2, "answer_forged": 0.2}},
        {
            "rates": {"drop_after": 0.2, "rate_limited": 0.2},
            "mishaps": {
                "notification_duplicated": 1.0,
                "notification_reordered": 1.0,
                "deduction_failed": 0.3,
            },
        },
    ],
    ids=lambda plan: "+".join(name for rates in plan.values() for name in rates),
)
async def test_each_stay_is_paid_once_whatever_is_lost(
    world: WeChatWorld, faults: dict[str, dict[str, float]]
) -> None:
    plates = [f"浙A8B7{number:02d}" for number in range(6)]
    for plate in plates:
        await world.wechat_driver(plate)
    world.wechat.faults(**faults)
    stays = [world.priced(plate, 1_000 + 100 * at) for at, plate in enumerate(plates)]
    await world.publish(*stays)
    await world.drain()
    for _ in range(6):
        await world.later(minutes=10)
    world.wechat.faults()
    for _ in range(4):
        await world.later(days=1)
        await world.later(seconds=60)
    views = [await world.obligation(stay) for stay in stays]
    assert {view.state for view in views} == {"paid"}
    assert sorted(it["amount"] for it in world.deductions()) == [
        1_000 + 100 * at for at in range(6)
    ]
    await world.settle()
    await world.assert_sound()


async def test_only_wechats_own_fresh_notifications_are_taken(world: WeChatWorld) -> None:
    await world.wechat_driver(PLATE)
    await leave(world)
    world.wechat.advance(5)
    ((headers, body), *_) = world.inbox.wait_for(1)
    lowered = {name.lower(): value for name, value in headers.items()}
    now = datetime.now(UTC)
    notice = world.provider.read_webhook(body, headers=lowered, now=now)
    (payment,) = await world.payments()
    assert notice.payment_id == payment.payment_id
    refused: tuple[tuple[dict[str, str], bytes, datetime], ...] = (
        ({}, body, now),
        (lowered, body.replace(b"TRANSACTION", b"TRANSACTIOM"), now),
        (lowered, body, now + timedelta(minutes=6)),
        (lowered, body, now - timedelta(minutes=6)),
        ({**lowered, "wechatpay-serial": "PUB_KEY_ID_OTHER"}, body, now),
        ({**lowered, "wechatpay-signature": "WECHATPAY/SIGNTEST/AAAA"}, body, now),
    )
    for forged_headers, forged_body, at in refused:
        with pytest.raises(ForgedWebhookError):
            world.provider.read_webhook(forged_body, headers=forged_headers, now=at)


async def test_a_service_is_bound_only_by_who_opened_it_there(world: WeChatWorld) -> None:
    account_id = await world.driver(PLATE, card=None)
    world.wechat.open_service(PLATE)

    async def bind(customer_ref: str, provider: str = "wechatpay") -> None:
        await bind_service(
            world.pool,
            world.providers,
            account_id=account_id,
            plate=Plate(PLATE),
            colour=PlateColour.BLUE,
            provider=provider,
            customer_ref=customer_ref,
            now=world.now,
        )

    with pytest.raises(ServiceNotOpenError):
        await bind("someone-else")
    with pytest.raises(UnknownProviderError):
        await bind("someone-else", "nobodypay")

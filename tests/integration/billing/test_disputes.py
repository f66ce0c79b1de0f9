"""Banks that take money back: heard of, answered, and borne by whoever the contract names."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from billing.core.evidence import Sighting, StayWitness
from billing.core.reconcile import Surplus
from billing.core.settlement import Contract, DisputeBearer
from billing.db.queries import ObligationView
from billing.services.days import ledger_day
from billing.services.settle_operators import agree_contract
from billing.services.webhooks import receive_webhook
from billing.worker import BillingWorker
from gateway_sim.payments.server import Options
from parking.core.ids import AccountId, OperatorId, StayId
from parking.core.plate import Plate
from parking.messages import StayPriced
from tests.gateway_sim.payments.harness import Inbox, running, webhook_inbox
from tests.integration.billing.world import OPERATOR, SECRET, VISA, BillingWorld, open_world

pytestmark = pytest.mark.anyio

PLATE = Plate("浙A8B762")
OTHER_OPERATOR = OperatorId("bus-station")
DAY_S = 86_400
FEE = 1_500
PAID = 10_000
SHARE = PAID - 500
"""Less 5 % commission."""


SEEN_AT = datetime(2026, 11, 23, tzinfo=UTC)


class Cameras:
    """A witness: the same cameras saw every stay."""

    async def tell(self, stay_ids: Sequence[StayId]) -> list[StayWitness]:
        def seen(lane_id: str) -> Sighting:
            return Sighting(lane_id=lane_id, seen_at=SEEN_AT, plate=PLATE, confidence=0.97)

        return [
            StayWitness(
                stay_id=stay_id, lot_name="West Lake 1", entry=seen("in-1"), exit=seen("out-2")
            )
            for stay_id in stay_ids
        ]


class Case:
    """One paid stay and its driver, at a gateway whose clock stands still between steps."""

    def __init__(self, world: BillingWorld, driver: AccountId, stays: list[StayPriced]) -> None:
        self.world = world
        self.driver = driver
        self.stays = stays

    @property
    def stay(self) -> StayPriced:
        return self.stays[0]

    async def pass_time(self, **delta: float) -> None:
        """Both clocks move on; hours apart, so that what is polled is polled."""
        self.world.simulator.advance(timedelta(**delta).total_seconds())
        await self.world.later(**delta)
        await self.world.drain()

    async def dispute(self, **script: Any) -> str:
        """A bank disputes the newest payment; answers the dispute's name once we know it."""
        payment = (await self.world.payments())[-1]
        self.world.simulator.control("disputes", payment_intent=payment.payment_ref, **script)
        await self.pass_time(hours=2)
        ref: str = await self.world.pool.fetchval("SELECT max(dispute_ref) FROM billing.dispute")
        return ref

    async def decide(self, dispute_ref: str, outcome: str) -> None:
        self.world.simulator.control("disputes/decision", dispute=dispute_ref, outcome=outcome)
        await self.pass_time(hours=2)
        await self.world.settle()
        await self.world.assert_sound()

    async def view(self) -> ObligationView:
        return await self.world.obligation(self.stay)

    async def balance(self, account: str) -> int:
        balance: int = await self.world.pool.fetchval(
            "SELECT coalesce(sum(amount_minor), 0)::bigint FROM billing.posting WHERE account = $1",
            account,
        )
        return balance

    async def lines(self, operator: str = OPERATOR) -> dict[str, int]:
        lines: dict[str, int] = {}
        day = self.world.start.date() - timedelta(days=1)
        while day <= self.world.today:
            for line in (await self.world.statement(operator, day)).lines:
                lines[line.code] = lines.get(line.code, 0) + line.amount_minor
            day += timedelta(days=1)
        return lines

    async def assert_clearing_is_the_gateways(self) -> None:
        """What the ledger says lies with the gateway is what lies there."""
        api = self.world.simulator.stripe.v1
        moves = api.balance_transactions.list({"limit": 100})
        there = sum(move.net for move in moves.auto_paging_iter())
        assert await self.balance("processor_clearing:stripe") == there
        assert await self.balance("dispute_claims:stripe") == 0


async def paid_case(world: BillingWorld, *fees: int, **changes: Any) -> Case:
    world.simulator.advance(0)
    driver = await world.driver(PLATE)
    stays = [world.priced(PLATE, fee, **changes) for fee in fees or (PAID,)]
    await world.publish(*stays)
    await world.settle()
    return Case(world, driver, stays)


async def agree(world: BillingWorld, bearer: DisputeBearer, operator: str = OPERATOR) -> None:
    tomorrow = world.today + timedelta(days=1)
    contract = Contract(effective_from=tomorrow, commission_bp=500, disputes_borne_by=bearer)
    await agree_contract(
        world.pool,
        world.settings,
        operator_id=OperatorId(operator),
        contract=contract,
        by="admin",
        now=world.now,
    )
    while world.today < tomorrow:
        world.simulator.advance(6 * 3600)
        await world.later(hours=6)


async def test_a_lost_dispute_takes_the_operators_share_back(world: BillingWorld) -> None:
    case = await paid_case(world)
    dispute = await case.dispute()
    view = await case.view()
    assert (view.state, view.dispute_state) == ("paid", "under_review")
    assert await case.balance("dispute_claims:stripe") == PAID
    await world.assert_sound()
    await case.decide(dispute, "lost")
    view = await case.view()
    assert (view.state, view.outstanding_minor, view.dispute_state) == ("due", PAID, "lost")
    assert await case.balance("platform_commission") == 0
    assert await case.balance(f"operator_payable:{OPERATOR}") == FEE + 60
    lines = await case.lines()
    assert (lines["disputes"], lines["dispute_fees"]) == (-SHARE, -FEE)
    await case.assert_clearing_is_the_gateways()

    # The card is let go, and another one is not asked for what the bank gave back; by hand it is.
    assert (
        await world.pool.fetchval(
            "SELECT count(*) FROM billing.payment_method WHERE ended_at IS NULL"
        )
    ) == 0
    assert [each.kind.value for each in world.phones.received][-1] == "dispute_lost"
    await world.leave_card(case.driver, VISA)
    await case.pass_time(days=2)
    assert len(world.charges()) == 1
    world.visit(await world.checkout(case.stay.stay_id), VISA)
    await world.settle()
    assert (await case.view()).state == "paid"
    assert await case.balance(f"operator_payable:{OPERATOR}") == FEE + 60 + 60 - SHARE
    await case.pass_time(hours=1)
    assert (await world.statement()).reconciled
    await world.assert_sound()


async def test_a_won_dispute_costs_its_fee_alone(world: BillingWorld) -> None:
    case = await paid_case(world)
    await case.decide(await case.dispute(), "won")
    view = await case.view()
    assert (view.state, view.dispute_state) == ("paid", "won")
    assert await case.balance(f"operator_payable:{OPERATOR}") == FEE + 60 - SHARE
    await case.assert_clearing_is_the_gateways()
    later = world.priced(PLATE, 700)
    await world.publish(later)
    await world.settle()
    assert (await world.obligation(later)).state == "paid", "the card is charged again"
    await world.assert_sound()


async def test_a_platform_that_bears_disputes_leaves_the_operator_its_share(
    world: BillingWorld,
) -> None:
    await agree(world, DisputeBearer.PLATFORM)
    case = await paid_case(world)
    await case.decide(await case.dispute(), "lost")
    view = await case.view()
    assert (view.state, view.dispute_state) == ("paid", "lost")
    assert await case.balance(f"operator_payable:{OPERATOR}") == 60 - SHARE
    assert await case.balance("dispute_costs") == PAID + FEE
    await case.assert_clearing_is_the_gateways()
    # The stay turns out never to have been: the driver has the money already.
    gone = msgspec.structs.replace(case.stay, revision=2, dissolved=True)
    await world.publish(world.priced(PLATE, 0, stay_id=gone.stay_id, revision=2, dissolved=True))
    await world.settle()
    assert await case.balance("dispute_costs") == FEE
    assert await case.balance("driver_credit") == 0
    assert world.truth().refunds == ()
    await world.assert_sound()


async def test_a_gathered_payment_is_borne_stay_by_stay(world: BillingWorld) -> None:
    await agree(world, DisputeBearer.PLATFORM, OTHER_OPERATOR)
    world.simulator.advance(0)
    driver = await world.driver(PLATE)
    stays = [
        world.priced(PLATE, 3_000),
        world.priced(PLATE, 1_000),
        world.priced(PLATE, 2_000, operator=OTHER_OPERATOR),
    ]
    await world.publish(*stays)
    await world.settle()
    assert len(world.charges()) == 1
    case = Case(world, driver, stays)
    await case.decide(await case.dispute(amount=3_000), "lost")
    # Half of each: 1500 and 500 of the first operator's, 1000 at the platform's cost.
    owed = [(await world.obligation(stay)).outstanding_minor for stay in stays]
    assert owed == [1_500, 500, 0]
    assert await case.balance("dispute_costs") == 1_000 + FEE // 3
    lines = await case.lines()
    assert (lines["disputes"], lines["dispute_fees"]) == (-1_900, -FEE * 2 // 3)
    assert "disputes" not in await case.lines(OTHER_OPERATOR)
    await case.assert_clearing_is_the_gateways()


async def test_what_was_to_be_refunded_is_given_back_once(world: BillingWorld) -> None:
    case = await paid_case(world)
    payment = (await world.payments())[-1]
    world.simulator.control("disputes", payment_intent=payment.payment_ref)
    world.simulator.advance(1)
    # The bank has the money already when the fee is corrected.
    await world.publish(world.priced(PLATE, 4_000, stay_id=case.stay.stay_id, revision=2))
    await world.drain()
    assert [row["state"] for row in await world.pool.fetch("SELECT state FROM billing.refund")] == [
        "blocked"
    ]
    await case.pass_time(hours=2)
    dispute = await world.pool.fetchval("SELECT dispute_ref FROM billing.dispute")
    await case.decide(dispute, "lost")
    assert await case.balance("driver_credit") == 0
    assert world.truth().refunds == ()
    assert (await case.view()).outstanding_minor == 4_000
    await case.assert_clearing_is_the_gateways()


async def test_what_was_to_be_refunded_is_refunded_once_it_is_won(world: BillingWorld) -> None:
    case = await paid_case(world)
    dispute = await case.dispute()
    await world.publish(world.priced(PLATE, 4_000, stay_id=case.stay.stay_id, revision=2))
    await world.drain()
    await case.decide(dispute, "won")
    assert [each.amount for each in world.truth().refunds] == [6_000]
    assert (await case.view()).state == "paid"
    await case.assert_clearing_is_the_gateways()


async def test_what_is_all_owed_back_is_not_contested(world: BillingWorld) -> None:
    case = await paid_case(world)
    payment = (await world.payments())[-1]
    world.simulator.control("disputes", payment_intent=payment.payment_ref)
    world.simulator.advance(1)
    await world.publish(
        world.priced(PLATE, 0, stay_id=case.stay.stay_id, revision=2, dissolved=True)
    )
    await world.drain()
    await case.pass_time(hours=2)
    await case.pass_time(hours=2)
    view = await case.view()
    assert (view.state, view.dispute_state) == ("void", "lost")
    assert await case.balance("driver_credit") == 0
    await case.assert_clearing_is_the_gateways()
    await world.assert_sound()


@pytest.mark.parametrize("outcome", ["won", "lost"])
async def test_a_payment_that_was_refunded_already_is_contested_with_its_refund(
    world: BillingWorld, outcome: str
) -> None:
    case = await paid_case(world)
    await world.publish(
        world.priced(PLATE, 0, stay_id=case.stay.stay_id, revision=2, dissolved=True)
    )
    await world.settle()
    (refund,) = world.truth().refunds
    dispute = await case.dispute(despite_refund=True)
    evidence = world.simulator.stripe.v1.disputes.retrieve(dispute).evidence
    assert refund.refund in str(evidence.refund_refusal_explanation)
    await case.decide(dispute, outcome)
    assert (await case.view()).state == "void"
    # What a bank takes twice is nobody's stay: the platform's cost.
    assert await case.balance("dispute_costs") == (PAID if outcome == "lost" else 0)
    await case.assert_clearing_is_the_gateways()


@pytest.mark.parametrize("outcome", ["won", "lost"])
async def test_a_dispute_after_the_transfer_leaves_the_operator_owing_or_not(
    world: BillingWorld, outcome: str
) -> None:
    from billing.services.payout_desk import PayoutDesk

    account_ref = world.simulator.operator()
    desk = PayoutDesk(world.pool, world.gateway, lambda: world.now)
    await desk.bind(OPERATOR, account_ref, by="admin")
    case = await paid_case(world, 50_000)
    await case.pass_time(days=4)
    await case.pass_time(days=31)
    (transfer,) = world.truth().transfers
    assert transfer.amount == 50_000 - 2_500 - 300
    await case.decide(await case.dispute(), outcome)
    payable = await case.balance(f"operator_payable:{OPERATOR}")
    assert payable == FEE + (47_500 if outcome == "lost" else 0), "the operator owes it"
    await case.pass_time(days=31)
    await world.assert_sound()
    await case.assert_clearing_is_the_gateways()


async def test_nothing_is_charged_while_a_bank_decides(world: BillingWorld) -> None:
    case = await paid_case(world)
    dispute = await case.dispute()
    more = world.priced(PLATE, 12_000, stay_id=case.stay.stay_id, revision=2)
    other = world.priced(PLATE, 900)
    await world.publish(more, other)
    await case.pass_time(hours=1)
    assert len(world.charges()) == 1
    assert (await case.view()).state == "due"
    await case.decide(dispute, "won")
    assert sorted(amount for _, amount in world.charges()) == [2_900, PAID]
    await case.assert_clearing_is_the_gateways()


async def test_an_inquiry_is_answered_and_takes_nothing(world: BillingWorld) -> None:
    case = await paid_case(world)
    dispute = await case.dispute(inquiry=True)
    assert (await case.view()).dispute_state == "inquiry"
    told = world.simulator.stripe.v1.disputes.retrieve(dispute)
    assert (told.status, told.evidence_details.submission_count) == ("warning_under_review", 1)
    await case.decide(dispute, "lost")
    view = await case.view()
    assert (view.state, view.dispute_state) == ("paid", "closed")
    await case.assert_clearing_is_the_gateways()


@pytest.mark.parametrize(
    "fault", ["drop_before", "drop_after", "server_error", "server_error_after", "rate_limited"]
)
async def test_a_lost_answer_is_found_out(world: BillingWorld, fault: str) -> None:
    case = await paid_case(world)
    step = {"fault": fault, "method": "POST", "path": "/v1/disputes/*", "times": 1}
    world.simulator.faults(script=[step])
    dispute = await case.dispute()
    world.simulator.http.delete("/_sim/faults").raise_for_status()
    for _ in range(4):
        await case.pass_time(hours=2)
    told = world.simulator.stripe.v1.disputes.retrieve(dispute)
    assert told.evidence_details.submission_count == (0 if fault == "server_error" else 1)
    await case.decide(dispute, "won")


async def test_a_bank_that_is_quicker_than_our_answer_is_waited_for(world: BillingWorld) -> None:
    world.simulator.advance(0)
    driver = await world.driver(PLATE)
    stay = world.priced(PLATE, PAID)
    await world.publish(stay)
    world.simulator.faults(script=[{"fault": "drop_after", "path": "/v1/payment_intents"}])
    await world.drain()
    assert (await world.waiting()).unknown == 1
    (charge,) = world.simulator.truth()["charges"]
    world.simulator.control("disputes", charge=charge["charge"])
    case = Case(world, driver, [stay])
    await case.pass_time(hours=2)
    await case.pass_time(hours=2)
    assert (await case.view()).dispute_state == "under_review"
    ref = await world.pool.fetchval("SELECT dispute_ref FROM billing.dispute")
    await case.decide(ref, "lost")
    await case.assert_clearing_is_the_gateways()


async def test_a_dispute_of_somebody_elses_payment_is_left_to_a_person(world: BillingWorld) -> None:
    case = await paid_case(world)
    world.simulator.pay(*world.simulator.customer_with_card("pm_card_createDispute"), amount=700)
    await case.pass_time(hours=2)
    await case.pass_time(hours=2)
    rows = await world.pool.fetch("SELECT state, due_at FROM billing.dispute")
    assert [(row["state"], row["due_at"]) for row in rows] == [("foreign", None)]
    surplus = [each for each in await world.reconcile() if isinstance(each, Surplus)]
    assert sorted(each.theirs.gross_minor for each in surplus) == [-700, 700]


async def test_evidence_says_what_we_know(world: BillingWorld) -> None:
    world.worker = BillingWorker(
        world.pool, world.gateway, world.settings, notifier=world.phones, witness=Cameras()
    )
    case = await paid_case(world)
    dispute = await case.dispute(reason="duplicate")
    evidence = world.simulator.stripe.v1.disputes.retrieve(dispute).evidence
    log = str(evidence.access_activity_log)
    assert "West Lake 1 (west-lake-1)" in log
    assert f"through lane in-1, plate read as {PLATE} with confidence 0.97" in log
    assert "version 2026-11-1" in str(evidence.refund_policy_disclosure)
    assert "Time 100.00 CNY; paid 100.00 CNY" in str(evidence.uncategorized_text)
    assert str(case.stay.stay_id) in str(evidence.duplicate_charge_explanation)
    left_on = ledger_day(world.settings, now=case.stay.left_at)
    assert str(evidence.service_date) == str(left_on)


@pytest.fixture
async def posted(database_url: str) -> AsyncIterator[tuple[BillingWorld, Inbox]]:
    """A world whose webhooks are caught, and that polls for nothing."""
    with webhook_inbox() as inbox:
        options = Options(seed=7, webhook_url=inbox.url, webhook_secret=SECRET)
        with running(options) as simulator:
            async with open_world(
                database_url, simulator, dispute_poll_seconds=10**7, report_poll_seconds=10**7
            ) as world:
                yield world, inbox


async def test_a_webhook_brings_each_news_at_once(posted: tuple[BillingWorld, Inbox]) -> None:
    world, inbox = posted
    await world.driver(PLATE)
    stay = world.priced(PLATE, PAID)
    await world.publish(stay)
    await world.drain()
    payment = (await world.payments())[-1]
    world.simulator.control("disputes", payment_intent=payment.payment_ref)

    async def news(word: str) -> None:
        def came() -> list[tuple[bytes, str]]:
            return [post for post in inbox.posts if word.encode() in post[0]]

        while not came():
            inbox.wait_for(len(inbox.posts) + 1)
        for body, signature in reversed(came() * 2):
            headers = {"stripe-signature": signature}
            await receive_webhook(
                world.pool, world.gateway, body=body, headers=headers, now=world.now
            )
        await world.drain()

    await news("charge.dispute.funds_withdrawn")
    assert (await world.obligation(stay)).dispute_state == "under_review"
    ref = await world.pool.fetchval("SELECT dispute_ref FROM billing.dispute")
    world.simulator.control("disputes/decision", dispute=ref, outcome="won")
    await news("charge.dispute.funds_reinstated")
    assert (await world.obligation(stay)).dispute_state == "won"
    await world.assert_sound()

"""A seeded month of drivers who do everything at once, at a gateway that fails in every way.

Stays, corrections, cards, declines, plates that change hands, claims, appeals, pages, settlements,
payouts and their reversals, banks that take money back; answers lost before and after the charge.
After every day every invariant holds, against the
simulator's truth log too; when the faults stop, everything drains and reconciles. A failure names
its seed: SIMULATION_SEED runs it again, SIMULATION_SEEDS=200 runs as many (`make simulate`), and
SIMULATION_DRIVERS=200 has so many drivers do in a day what four do else, each.
"""

import os
import random
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from billing.core.appeals import Correction, Ground, NeverWas, RightPlate
from billing.core.claims import HolderAnswer, StayFact
from billing.core.reconcile import agrees
from billing.core.settlement import Contract, DisputeBearer, Period
from billing.services import bind, leave
from billing.services.appeals import AppealDesk
from billing.services.claims import ClaimDesk
from billing.services.ids import new_id
from billing.services.payout_desk import PayoutDesk
from billing.services.settle_operators import agree_contract
from billing.worker import BillingWorker
from gateway_sim.payments.server import Options
from parking.core.errors import DomainError
from parking.core.ids import AccountId, OperatorId, StayId
from parking.core.plate import Plate
from parking.messages import StayPriced
from tests.gateway_sim.payments.harness import running
from tests.integration.billing.world import VISA, BillingWorld, fee_of, open_world
from tests.seeds import fresh_seed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.anyio

DAYS = int(os.environ.get("SIMULATION_DAYS", "3"))
DRIVERS = int(os.environ.get("SIMULATION_DRIVERS", "4"))
SCALE = max(1, DRIVERS // 4)
"""How much more happens between two rounds of the worker than among four drivers."""
PLATES = [Plate(f"浙A{number:05}") for number in range(DRIVERS + 3)]
OPERATORS = ("west-lake", "bus-station")
CARDS = (VISA, "5555555555554444", "4000000000000341")
DECLINES = ("insufficient_funds", "lost_card", "generic_decline", "processing_error")
FAULTS = {
    "rates": {
        "drop_before": 0.04,
        "drop_after": 0.06,
        "server_error": 0.03,
        "server_error_after": 0.03,
        "bad_gateway": 0.02,
        "rate_limited": 0.03,
    }
}


def seeds() -> list[int]:
    if "SIMULATION_SEED" in os.environ:
        return [int(os.environ["SIMULATION_SEED"])]
    fresh = fresh_seed()
    return [
        20261123,
        *(fresh + number for number in range(int(os.environ.get("SIMULATION_SEEDS", "1")))),
    ]


class Month:
    """One seeded run."""

    def __init__(self, world: BillingWorld, seed: int) -> None:
        self.world = world
        self.chance = random.Random(seed)
        self.drivers: list[AccountId] = []
        self.stays: dict[StayId, StayPriced] = {}
        self.done: Counter[str] = Counter()
        self.claims = ClaimDesk(world.pool, world.settings, lambda: world.now)
        self.appeals = AppealDesk(world.pool, world.settings, lambda: world.now)
        self.payouts = PayoutDesk(world.pool, world.gateway, lambda: world.now)
        world.worker = BillingWorker(
            world.pool, world.gateway, world.settings, notifier=world.phones, corrector=self
        )
        self.acts: dict[str, tuple[int, Callable[[], Awaitable[None]]]] = {
            "park": (30, self.park),
            "revise": (8, self.revise),
            "leave a card": (6, self.leave_card),
            "take the card back": (1, self.unbind_card),
            "declines": (4, self.decline),
            "let a plate go": (2, self.unbind_plate),
            "bind a plate": (4, self.bind_plate),
            "claim a plate": (3, self.claim),
            "answer a claim": (3, self.answer_claim),
            "contest": (5, self.contest),
            "decide": (5, self.decide),
            "pay by hand": (6, self.pay),
            "agree a contract": (1, self.agree),
            "a bank disputes": (4, self.dispute),
            "a bank decides": (3, self.decide_disputes),
            "take a payout back": (1, self.take_payout_back),
        }

    async def correct(
        self, stay_id: StayId, correction: Correction, *, by: str, reason: str
    ) -> int:
        """Correct a fact as parking does: the fee's next revision tells of it."""
        assert by.startswith("appeal:")
        assert reason
        plate = correction.plate if isinstance(correction, RightPlate) else None
        gone = isinstance(correction, NeverWas)
        return (await self.publish_again(stay_id, plate=plate, dissolved=gone)).revision

    async def publish_again(
        self,
        stay_id: StayId,
        *,
        plate: Plate | None = None,
        amount_minor: int | None = None,
        dissolved: bool = False,
    ) -> StayPriced:
        stay = self.stays[stay_id]
        amount = stay.fee.total.amount_minor if amount_minor is None else amount_minor
        newer = msgspec.structs.replace(
            stay,
            revision=stay.revision + 1,
            plate=plate or stay.plate,
            fee=fee_of(0 if dissolved else amount),
            dissolved=dissolved,
        )
        self.stays[stay_id] = newer
        await self.world.publish(*self.chance.choice(([newer], [newer, newer], [newer, stay])))
        return newer

    def some_stay(self) -> StayPriced:
        return self.stays[self.chance.choice(sorted(self.stays))]

    def some_driver(self) -> AccountId:
        return self.chance.choice(self.drivers)

    async def park(self) -> None:
        left_at = self.world.now - timedelta(minutes=self.chance.randrange(600))
        amount = self.chance.choice((0, 100, 400, 1_500, 3_000, 12_000))
        stay = self.world.priced(
            self.chance.choice(PLATES),
            amount,
            operator=self.chance.choice(OPERATORS),
            left_at=left_at,
            entered_at=left_at - timedelta(hours=1),
            chargeable_from=left_at + timedelta(minutes=self.chance.choice((0, 0, 90))),
        )
        self.stays[stay.stay_id] = stay
        await self.world.publish(stay)

    async def revise(self) -> None:
        stay = self.some_stay()
        amount = self.chance.choice((0, 400, 700, 1_500, 5_000))
        plate = self.chance.choice((None, None, self.chance.choice(PLATES)))
        await self.publish_again(stay.stay_id, plate=plate, amount_minor=amount)

    async def leave_card(self) -> None:
        await self.world.leave_card(self.some_driver(), self.chance.choice(CARDS))

    async def unbind_card(self) -> None:
        await leave.unbind_method(self.world.pool, self.some_driver(), now=self.world.now)

    async def decline(self) -> None:
        codes = self.chance.choices(DECLINES, k=self.chance.randrange(1, 4))
        body = {"customer": await self.world.customer(self.some_driver()), "declines": codes}
        self.world.simulator.http.post("/_sim/cards", json=body)

    async def unbind_plate(self) -> None:
        driver, plate = self.some_driver(), self.chance.choice(PLATES)
        await leave.unbind_plate(self.world.pool, driver, plate, now=self.world.now)

    async def bind_plate(self) -> None:
        world, plate = self.world, self.chance.choice(PLATES)
        await bind.bind_plate(world.pool, world.settings, self.some_driver(), plate, now=world.now)

    async def claim(self) -> None:
        claimant = self.some_driver()
        claim = await self.claims.open(self.chance.choice(PLATES), claimant_id=claimant)
        if self.chance.random() < 0.7:
            await self.claims.give_licence(claim.claim_id, claimant_id=claimant, licence_ref="scan")
            stay = self.some_stay()
            fact = StayFact(lot_id=stay.lot_id, entered_at=stay.entered_at)
            await self.claims.give_fact(claim.claim_id, claimant_id=claimant, fact=fact)

    async def answer_claim(self) -> None:
        for claim, _ in await self.claims.undecided():
            await self.claims.answer(
                claim.claim_id,
                holder_id=claim.holder_id,
                answer=self.chance.choice(tuple(HolderAnswer)),
            )

    async def contest(self) -> None:
        await self.appeals.open(
            self.some_stay().stay_id,
            ground=self.chance.choice(tuple(Ground)),
            statement="it is wrong",
        )

    async def decide(self) -> None:
        for appeal in await self.appeals.live(None):
            if self.chance.random() < 0.5:
                await self.appeals.refuse(appeal.appeal_id, by="admin", reason="no")
                continue
            right = RightPlate(plate=self.chance.choice(PLATES))
            correction: Correction = self.chance.choice((NeverWas(), right))
            await self.appeals.grant(
                appeal.appeal_id, correction=correction, by="admin", reason="yes"
            )

    async def pay(self) -> None:
        url = await self.world.checkout(self.some_stay().stay_id)
        if self.chance.random() < 0.7:
            self.world.simulator.http.post(url, data={"card": self.chance.choice(CARDS)})

    async def agree(self) -> None:
        world = self.world
        contract = Contract(
            effective_from=world.today + timedelta(days=self.chance.randrange(1, 4)),
            commission_bp=self.chance.randrange(0, 2_000),
            fixed_minor=self.chance.choice((0, 1_000)),
            minimum_minor=self.chance.choice((0, 2_000)),
            period=self.chance.choice(tuple(Period)),
            disputes_borne_by=self.chance.choice(tuple(DisputeBearer)),
        )
        await agree_contract(
            world.pool,
            world.settings,
            operator_id=OperatorId(self.chance.choice(OPERATORS)),
            contract=contract,
            by="admin",
            now=world.now,
        )

    async def dispute(self) -> None:
        """The bank takes back what was paid, all or in part, or only asks, today or some day."""
        paid = [each for each in await self.world.payments() if each.state == "succeeded"]
        if not paid:
            return
        payment = self.chance.choice(paid)
        self.world.simulator.control(
            "disputes",
            payment_intent=payment.payment_ref,
            reason=self.chance.choice(("fraudulent", "duplicate", "unrecognized")),
            amount=self.chance.choice((None, None, max(1, payment.amount_minor // 2))),
            inquiry=self.chance.random() < 0.1,
            despite_refund=self.chance.random() < 0.3,
            after_seconds=self.chance.choice((0, 0, 3_600, 30 * 3_600)),
        )

    async def decide_disputes(self) -> None:
        """Every bank that has money decides; one that has decided does not listen."""
        for dispute in sorted({each.dispute for each in self.world.truth().disputes}):
            body = {"dispute": dispute, "outcome": self.chance.choice(("won", "lost"))}
            self.world.simulator.http.post("/_sim/disputes/decision", json=body)

    async def take_payout_back(self) -> None:
        row = await self.world.pool.fetchrow(
            "SELECT operator_id, payout_id, amount_minor FROM billing.payout"
            " WHERE state = 'succeeded' AND reverses IS NULL ORDER BY payout_id LIMIT 1"
        )
        if row is not None:
            await self.payouts.take_back(
                OperatorId(row["operator_id"]),
                row["payout_id"],
                reversal_id=new_id(self.world.now),
                amount_minor=self.chance.randrange(1, row["amount_minor"] + 1),
                reason="a mistake",
                by="admin",
            )

    async def begin(self) -> None:
        for operator in OPERATORS:
            account_ref = self.world.simulator.operator()
            await self.payouts.bind(OperatorId(operator), account_ref, by="admin")
        for number, plate in enumerate(PLATES[:DRIVERS]):
            self.drivers.append(await self.world.driver(plate, card=CARDS[number % 2]))
        await self.park()

    async def day(self) -> None:
        names = list(self.acts)
        weights = [self.acts[name][0] for name in names]
        acts = self.chance.choices(names, weights, k=self.chance.randrange(6, 14) * SCALE)
        for number, name in enumerate(acts, start=1):
            try:
                await self.acts[name][1]()
                self.done[name] += 1
            except DomainError as error:
                # Refused, or the gateway did not answer: a driver shrugs and comes again.
                self.done[f"{name}: {type(error).__name__}"] += 1
            if number % SCALE == 0:
                await self.pass_time(hours=self.chance.choice((0.0, 0.1, 2.0, 5.0)))

    async def pass_time(self, **delta: float) -> None:
        before = self.world.now
        self.world.now += timedelta(**delta)
        self.world.simulator.advance((self.world.now - before).total_seconds())
        await self.world.worker.step(self.world.now)

    async def balance(self, account: str) -> int:
        balance: int = await self.world.pool.fetchval(
            "SELECT coalesce(sum(amount_minor), 0)::bigint FROM billing.posting WHERE account = $1",
            account,
        )
        return balance

    async def end(self) -> None:
        """No more faults: everything that was in doubt is found out, and the books agree."""
        self.world.simulator.http.delete("/_sim/faults").raise_for_status()
        await self.pass_time(hours=31)
        await self.world.drain()
        await self.decide_disputes()
        for _ in range(40):
            await self.pass_time(hours=1)
            await self.world.drain()
        waiting = await self.world.waiting()
        left = (waiting.messages, waiting.unknown, waiting.payments, waiting.refunds, waiting.fees)
        assert left == (0, 0, 0, 0, 0), waiting
        assert agrees(await self.world.reconcile())
        moves = self.world.simulator.stripe.v1.balance_transactions.list({"limit": 100})
        there = sum(move.net for move in moves.auto_paging_iter())
        assert await self.balance("processor_clearing:stripe") == there
        assert await self.balance("dispute_claims:stripe") == 0
        for stay in self.stays.values():
            assert (await self.world.obligation(stay)).charged_minor == stay.fee.total.amount_minor


@pytest.mark.parametrize("seed", seeds())
async def test_a_month_of_everything_keeps_every_invariant(database_url: str, seed: int) -> None:
    with running(Options(seed=seed)) as simulator:
        async with open_world(
            database_url, simulator, stripe_timeout_seconds=2, payout_minimum_minor=1_000
        ) as world:
            month = Month(world, seed)
            await month.begin()
            simulator.faults(**FAULTS)
            for _ in range(DAYS):
                await month.day()
                await world.assert_sound()
            await month.end()
            await world.assert_sound()
            assert month.done["park"], (seed, month.done)

"""What drivers, operators, banks and WeChat's users do in a simulated month, and its end."""

import os
import random
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from billing.core.appeals import Correction, Ground, NeverWas, RightPlate
from billing.core.claims import HolderAnswer, StayFact
from billing.core.settlement import Contract, DisputeBearer, Period
from billing.services import bind, leave
from billing.services.appeals import AppealDesk
from billing.services.claims import ClaimDesk
from billing.services.ids import new_id
from billing.services.payout_desk import PayoutDesk
from billing.services.plate_services import ServiceDesk
from billing.services.settle_operators import agree_contract
from billing.worker import BillingWorker
from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.ids import AccountId, OperatorId, StayId
from parking.core.plate import Plate
from parking.messages import StayEntered, StayPriced
from tests.integration.billing.world import VISA, fee_of
from tests.simulation.month_end import books_agree
from tests.simulation.month_world import MonthWorld

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DRIVERS = int(os.environ.get("SIMULATION_DRIVERS", "4"))
SCALE = max(1, DRIVERS // 4)
"""How much more happens between two rounds of the worker than among four drivers."""
PLATES = [Plate(f"浙A{number:05}") for number in range(DRIVERS + 3)]
OPERATORS = ("west-lake", "bus-station")
CARDS = (VISA, "5555555555554444", "4000000000000341")
DECLINES = ("insufficient_funds", "lost_card", "generic_decline", "processing_error")


class Month:
    """One seeded run."""

    def __init__(self, world: MonthWorld, seed: int) -> None:
        self.world = world
        # A worker whose calls follow from the seed makes one refund a round.
        world.rounds_max *= SCALE
        self.chance = random.Random(seed)
        self.drivers: list[AccountId] = []
        self.stays: dict[StayId, StayPriced] = {}
        self.inside: dict[StayId, StayPriced] = {}
        self.done: Counter[str] = Counter()
        self.story: list[str] = []
        """What was done, in order, and what came of it."""
        self.claims = ClaimDesk(world.pool, world.settings, lambda: world.now)
        self.appeals = AppealDesk(world.pool, world.settings, lambda: world.now)
        self.payouts = PayoutDesk(world.pool, world.gateway, lambda: world.now)
        self.services = ServiceDesk(world.pool, world.providers, lambda: world.now)
        self.hire()
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
            "drive in": (8, self.drive_in),
            "drive out": (8, self.drive_out),
            "turn to WeChat": (4, self.turn_to_wechat),
            "turn from WeChat": (1, self.turn_from_wechat),
            "change a service in WeChat": (3, self.change_service),
            "pay WeChat back": (3, self.repay),
            "see to a refund": (2, self.see_to_refund),
        }

    def hire(self) -> None:
        """Have a worker of which nobody has heard before do the work from now on."""
        world = self.world
        world.worker = BillingWorker(
            world.pool, world.providers, world.settings, notifier=world.phones, corrector=self
        )

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
        return self.stays[self.chance.choice(list(self.stays))]

    def some_driver(self) -> AccountId:
        return self.chance.choice(self.drivers)

    def some_price(self) -> StayPriced:
        left_at = self.world.now - timedelta(minutes=self.chance.randrange(600))
        amount = self.chance.choice((0, 100, 400, 1_500, 3_000, 12_000))
        return self.world.priced(
            self.chance.choice(PLATES),
            amount,
            operator=self.chance.choice(OPERATORS),
            left_at=left_at,
            entered_at=left_at - timedelta(hours=1),
            chargeable_from=left_at + timedelta(minutes=self.chance.choice((0, 0, 90))),
        )

    async def park(self) -> None:
        await self.leave_a_lot(self.some_price())

    async def leave_a_lot(self, stay: StayPriced) -> None:
        self.stays[stay.stay_id] = stay
        await self.world.publish(stay)

    async def drive_in(self) -> None:
        """A car drives in, and billing hears of it, before anybody knows what it will cost."""
        stay = self.some_price()
        self.inside[stay.stay_id] = stay
        entered = StayEntered(
            stay_id=stay.stay_id,
            lot_id=stay.lot_id,
            lot_name="西湖停车场",
            plate=stay.plate,
            colour=stay.colour,
            entered_at=stay.entered_at,
        )
        await self.world.publish(*self.chance.choice(([entered], [entered, entered])))

    async def drive_out(self) -> None:
        if self.inside:
            await self.leave_a_lot(self.inside.pop(self.chance.choice(list(self.inside))))

    async def turn_to_wechat(self) -> None:
        """Whoever has a plate opens WeChat's service for it in WeChat, and binds it here."""
        row = await self.world.pool.fetchrow(
            "SELECT account_id, plate FROM billing.plate_binding WHERE ended_at IS NULL"
            " ORDER BY plate OFFSET $1 LIMIT 1",
            self.chance.randrange(len(PLATES)),
        )
        if row is not None:
            await self.open_service(AccountId(row["account_id"]), Plate(row["plate"]))

    async def open_service(self, account_id: AccountId, plate: Plate) -> None:
        await self.services.bind(
            account_id,
            plate=plate,
            colour=PlateColour.BLUE,
            provider="wechatpay",
            customer_ref=self.world.wechat.open_service(plate),
        )

    async def turn_from_wechat(self) -> None:
        """Back to the card, in mid-month: only here, as WeChat hears nothing of it."""
        row = await self.world.pool.fetchrow(
            "SELECT account_id, plate FROM billing.plate_service WHERE ended_at IS NULL"
            " ORDER BY plate OFFSET $1 LIMIT 1",
            self.chance.randrange(len(PLATES)),
        )
        if row is not None:
            plate = Plate(row["plate"])
            await self.services.let_go(row["account_id"], plate=plate, provider="wechatpay")

    async def change_service(self) -> None:
        """In WeChat, of which it tells us only about a car that stands somewhere."""
        self.world.wechat.open_service(
            self.chance.choice(PLATES),
            state=self.chance.choice(("NORMAL", "NORMAL", "PAUSE", "OUT_SERVICE")),
            block_reason=self.chance.choice((None, None, "EVALUATION_FAILED")),
        )

    async def repay(self) -> None:
        """A user pays back what WeChat advanced."""
        true = self.world.wechat.truth()
        repaid = {each["out_trade_no"] for each in true["repayments"]}
        owed = [it["out_trade_no"] for it in true["deductions"] if it["advanced"]]
        open_ones = [name for name in owed if name not in repaid]
        if open_ones:
            self.world.wechat.control("repayments", out_trade_no=self.chance.choice(open_ones))

    async def see_to_refund(self) -> None:
        """The desk sees to refunds that are stuck at WeChat, on WeChat's own pages."""
        for name in self.world.stuck_refunds():
            self.world.wechat.control("refunds", out_refund_no=name)

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
        charged = {each["payment_intent"] for each in self.world.simulator.truth()["charges"]}
        paid = [each for each in await self.world.payments() if each.payment_ref in charged]
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
            card = None if number % 4 == 3 else CARDS[number % 2]
            self.drivers.append(await self.world.driver(plate, card=card))
            if number % 2:
                await self.open_service(self.drivers[-1], plate)
        await self.park()

    async def day(self) -> None:
        names = list(self.acts)
        weights = [self.acts[name][0] for name in names]
        acts = self.chance.choices(names, weights, k=self.chance.randrange(6, 14) * SCALE)
        for number, name in enumerate(acts, start=1):
            try:
                await self.acts[name][1]()
            except DomainError as error:
                # Refused, or the gateway did not answer: a driver shrugs and comes again.
                name = f"{name}: {type(error).__name__}"  # noqa: PLW2901 - what came of it
            self.done[name] += 1
            self.story.append(f"{self.world.now.isoformat()} {name}")
            if number % SCALE == 0:
                await self.pass_time(hours=self.chance.choice((0.0, 0.1, 2.0, 5.0)))

    async def pass_time(self, **delta: float) -> None:
        await self.world.pass_time(**delta)

    async def end(self) -> None:
        """No more faults: everything that was in doubt is found out, and the books agree."""
        world = self.world
        world.no_faults()
        await self.pass_time(hours=31)
        await world.drain()
        await self.decide_disputes()
        await self.see_to_refund()
        for _ in range(10):
            await self.pass_time(hours=8)
            await world.drain()
        # What was done after the last report was read is in the next.
        await self.pass_time(minutes=1)
        await world.drain()
        await books_agree(world)
        for stay in self.stays.values():
            assert (await world.obligation(stay)).charged_minor == stay.fee.total.amount_minor

"""A contested fee is not collected; a granted appeal corrects a fact, and the fee follows."""

from datetime import timedelta
from uuid import UUID

import pytest

from billing.core.appeals import Correction, Ground, NeverWas, Refusal, RightPlate
from billing.corrections import CorrectionRefusedError
from billing.db.appeals import AppealRow
from billing.services.appeals import (
    AppealDecidedError,
    AppealDesk,
    AppealNotFoundError,
    AppealRefusedError,
)
from billing.standings import BillingStandings
from billing.worker import BillingWorker
from parking.core.ids import StayId
from parking.core.plate import Plate
from parking.messages import StayPriced
from tests.integration.billing.test_declines import decline
from tests.integration.billing.world import VISA, BillingWorld, fee_of

pytestmark = pytest.mark.anyio

PLATE = Plate("浙A8B762")


class Facts:
    """Keeps the facts of one stay, as parking does: a correction is told by a revision."""

    def __init__(self, world: BillingWorld, stay: StayPriced) -> None:
        self.world = world
        self.stay = stay
        self.refuses = False
        self.mute = False
        self.asked = 0

    async def correct(
        self, stay_id: StayId, correction: Correction, *, by: str, reason: str
    ) -> int:
        assert (stay_id, by[:7], bool(reason)) == (self.stay.stay_id, "appeal:", True)
        self.asked += 1
        if self.refuses:
            reason = "it was seen again before that"
            raise CorrectionRefusedError(reason)
        plate = correction.plate if isinstance(correction, RightPlate) else self.stay.plate
        fee = fee_of(0) if isinstance(correction, NeverWas) else self.stay.fee
        newer = self.world.priced(
            plate,
            fee.total.amount_minor,
            stay_id=stay_id,
            revision=self.stay.revision + 1,
            dissolved=isinstance(correction, NeverWas),
        )
        if not self.mute:
            await self.world.publish(newer)
        self.stay = newer
        return newer.revision


def work_with(world: BillingWorld, facts: Facts) -> AppealDesk:
    """Have the worker correct by these facts from now on."""
    world.worker = BillingWorker(
        world.pool, world.gateway, world.settings, notifier=world.phones, corrector=facts
    )
    return AppealDesk(world.pool, world.settings, lambda: world.now)


async def contest(desk: AppealDesk, stay: StayPriced, ground: Ground = Ground.OTHER) -> AppealRow:
    return await desk.open(stay.stay_id, ground=ground, statement="the barrier did not open")


async def test_a_paid_fee_that_is_contested_with_reason_comes_back(world: BillingWorld) -> None:
    await world.driver(PLATE)
    stay = world.priced(PLATE, 1_500)
    desk = work_with(world, Facts(world, stay))
    await world.publish(stay)
    await world.settle()
    appeal = await contest(desk, stay, Ground.NOT_MY_CAR)
    await desk.grant(appeal.appeal_id, correction=NeverWas(), by="admin", reason="a ghost")
    await world.settle()
    await world.later(minutes=1)
    view = await world.obligation(stay)
    assert (view.state, view.returned_minor, view.appeal_state) == ("void", 1_500, "corrected")
    assert sum(refund.amount for refund in world.truth().refunds) == 1_500
    with pytest.raises(AppealDecidedError):
        await desk.refuse(appeal.appeal_id, by="admin", reason="again")
    await world.assert_sound()


async def test_nothing_is_collected_while_an_appeal_lives(world: BillingWorld) -> None:
    driver = await world.driver(PLATE)
    decline(world, await world.customer(driver), "insufficient_funds")
    stay, other = world.priced(PLATE, 1_500), world.priced(PLATE, 700)
    desk = work_with(world, Facts(world, stay))
    await world.publish(stay, other)
    await world.drain()
    appeal = await contest(desk, stay)
    await world.later(days=5)
    assert [amount for _, amount in world.charges()] == [700], "the other fee is collected"
    standings = BillingStandings(world.pool, world.settings, clock=lambda: world.now)
    assert (await standings.standings([PLATE]))[PLATE].arrears_minor == 0
    assert (await world.obligation(stay)).appeal_state == "open"
    await desk.refuse(appeal.appeal_id, by="operator:west-lake", reason="the video shows the car")
    await world.drain()
    assert [amount for _, amount in world.charges()] == [700, 1_500]
    await world.settle()
    await world.assert_sound()


async def test_collection_waits_for_the_corrected_fee_not_for_the_decision(
    world: BillingWorld,
) -> None:
    driver = await world.driver(PLATE, card=None)
    stay = world.priced(PLATE, 1_500)
    facts = Facts(world, stay)
    facts.mute = True
    desk = work_with(world, facts)
    await world.publish(stay)
    await world.drain()
    appeal = await contest(desk, stay, Ground.NOT_MY_CAR)
    right = RightPlate(plate=Plate("浙A8B763"))
    await desk.grant(appeal.appeal_id, correction=right, by="admin", reason="misread")
    await world.later(minutes=1)
    await world.leave_card(driver, VISA)
    await world.later(hours=1)
    assert (facts.asked, world.charges()) == (1, [])
    await world.publish(facts.stay)
    await world.later(minutes=1)
    assert (await desk.of_stay(stay.stay_id))[0].state == "corrected"
    assert (await world.obligation(stay)).plate == "浙A8B763"
    assert world.charges() == [], "the other car's driver owes it now"
    await world.assert_sound()


async def test_a_correction_that_the_facts_belie_goes_back_to_a_person(
    world: BillingWorld,
) -> None:
    stay = world.priced(PLATE, 1_500)
    facts = Facts(world, stay)
    facts.refuses = True
    desk = work_with(world, facts)
    await world.publish(stay)
    await world.drain()
    appeal = await contest(desk, stay)
    await desk.grant(appeal.appeal_id, correction=NeverWas(), by="admin", reason="a ghost")
    await world.drain()
    (waiting,) = await desk.live(None)
    assert (waiting.state, waiting.decided_by) == ("open", None)
    notes = await world.pool.fetch("SELECT kind FROM billing.case_note ORDER BY recorded_at, kind")
    assert {row["kind"] for row in notes} == {"other", "granted", "correction_refused"}


async def test_who_may_contest_what_and_how_often(world: BillingWorld) -> None:
    stay, free = world.priced(PLATE, 1_500), world.priced(PLATE, 0)
    long_ago = world.start - timedelta(days=91)
    old = world.priced(PLATE, 900, left_at=long_ago)
    desk = work_with(world, Facts(world, stay))
    await world.publish(stay, free, old)
    await world.drain()
    for wrong, refusal in ((free, Refusal.FREE), (old, Refusal.TOO_LATE)):
        with pytest.raises(AppealRefusedError, match=refusal.value):
            await contest(desk, wrong)
    for _ in range(world.settings.appeal_times_max):
        appeal = await contest(desk, stay)
        with pytest.raises(AppealRefusedError, match=Refusal.LIVE.value):
            await contest(desk, stay)
        await desk.refuse(appeal.appeal_id, by="admin", reason="no")
    with pytest.raises(AppealRefusedError, match=Refusal.TOO_OFTEN.value):
        await contest(desk, stay)
    with pytest.raises(AppealNotFoundError):
        await desk.withdraw(UUID(int=1))

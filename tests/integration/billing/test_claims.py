"""Claims to a plate that another account has, and what moves with a plate and what does not."""

from datetime import timedelta
from uuid import UUID

import pytest

from billing.core.claims import HolderAnswer, StayFact
from billing.services import bind
from billing.services.bind import PlateBoundElsewhereError
from billing.services.claims import (
    ClaimDecidedError,
    ClaimDesk,
    ClaimNotFoundError,
    ClaimTooSoonError,
    FactTriesUsedError,
    NothingToClaimError,
)
from billing.services.leave import unbind_plate
from billing.standings import BillingStandings
from parking.core.ids import AccountId, LotId
from parking.core.plate import Plate
from tests.integration.billing.world import BillingWorld

pytestmark = pytest.mark.anyio

PLATE = Plate("浙A8B762")


def desk_of(world: BillingWorld) -> ClaimDesk:
    return ClaimDesk(world.pool, world.settings, lambda: world.now)


async def holder_of(world: BillingWorld, plate: Plate = PLATE) -> AccountId:
    account_id: AccountId = await world.pool.fetchval(
        "SELECT account_id FROM billing.plate_binding WHERE plate = $1 AND ended_at IS NULL", plate
    )
    return account_id


async def opened(world: BillingWorld) -> tuple[AccountId, AccountId, UUID]:
    """A holder with a stay of yesterday, a claimant, and the claim."""
    holder = await world.driver(PLATE, card=None)
    await world.publish(world.priced(PLATE, 1_500))
    await world.later(minutes=1)
    claimant = await world.driver("浙A00001", card=None)
    claim = await desk_of(world).open(PLATE, claimant_id=claimant)
    await world.drain()
    return holder, claimant, claim.claim_id


async def test_a_proven_claim_wins_when_the_holder_is_silent(world: BillingWorld) -> None:
    holder, claimant, claim_id = await opened(world)
    assert "claims your plate" in world.phones.received[-1].text_en
    desk = desk_of(world)
    await desk.give_licence(claim_id, claimant_id=claimant, licence_ref="scan 7781")
    entered_at = world.start - timedelta(hours=3)
    wrong = StayFact(lot_id=LotId("west-lake-1"), entered_at=entered_at - timedelta(hours=1))
    right = StayFact(lot_id=LotId("west-lake-1"), entered_at=entered_at + timedelta(minutes=9))
    await desk.give_fact(claim_id, claimant_id=claimant, fact=wrong)
    await desk.give_fact(claim_id, claimant_id=claimant, fact=right)
    await world.later(days=6)
    assert await holder_of(world) == holder
    await world.later(days=1, minutes=1)
    assert await holder_of(world) == claimant
    texts = [each.text_en for each in world.phones.received[-2:]]
    assert sorted("was granted" in text for text in texts) == [False, True]
    # The stay that was made stays with whoever had the plate then; the next one does not.
    newer = world.priced(PLATE, 900, left_at=world.now, entered_at=world.now)
    await world.publish(newer)
    await world.drain()
    rows = await world.pool.fetch(
        "SELECT account_id, charged_minor FROM billing.obligation ORDER BY charged_minor"
    )
    assert [(row["account_id"], row["charged_minor"]) for row in rows] == [
        (claimant, 900),
        (holder, 1_500),
    ]
    await world.later(hours=80)
    standings = BillingStandings(world.pool, world.settings, clock=lambda: world.now)
    later = (await standings.standings([PLATE]))[PLATE]
    assert later.arrears_minor == 900, "what the earlier holder owes is no matter of the new one"
    await world.assert_sound()


async def test_only_a_person_decides_against_a_holder_who_contests(world: BillingWorld) -> None:
    holder, claimant, claim_id = await opened(world)
    desk = desk_of(world)
    with pytest.raises(ClaimNotFoundError):
        await desk.answer(claim_id, holder_id=claimant, answer=HolderAnswer.AGREES)
    await desk.answer(claim_id, holder_id=holder, answer=HolderAnswer.CONTESTS, text="mine")
    await world.later(minutes=1)
    await desk.give_licence(claim_id, claimant_id=claimant, licence_ref="scan 7781")
    await world.later(days=60)
    assert await holder_of(world) == holder
    ((waiting, notes),) = await desk.undecided()
    assert waiting.claim_id == claim_id
    assert [note.kind for note in notes] == ["contests", "licence"]
    await desk.decide(claim_id, grant=True, by="admin", reason="the licence is genuine")
    assert await holder_of(world) == claimant
    with pytest.raises(ClaimDecidedError):
        await desk.decide(claim_id, grant=False, by="admin", reason="again")


async def test_guessing_facts_ends_and_proves_nothing(world: BillingWorld) -> None:
    _, claimant, claim_id = await opened(world)
    desk = desk_of(world)
    fact = StayFact(lot_id=LotId("west-lake-1"), entered_at=world.start)
    for _ in range(world.settings.claim_fact_tries_max):
        claim = await desk.give_fact(claim_id, claimant_id=claimant, fact=fact)
        assert not claim.fact_matched
    with pytest.raises(FactTriesUsedError):
        await desk.give_fact(claim_id, claimant_id=claimant, fact=fact)
    await world.later(days=14, minutes=1)
    (claim,) = await desk.of_account(claimant)
    assert (claim.state, claim.reason) == ("refused", "no evidence was given in time")


async def test_a_holder_who_agrees_or_lets_go_ends_the_claim(world: BillingWorld) -> None:
    holder, claimant, claim_id = await opened(world)
    desk = desk_of(world)
    with pytest.raises(NothingToClaimError):
        await desk.open(PLATE, claimant_id=claimant)
    await desk.answer(claim_id, holder_id=holder, answer=HolderAnswer.AGREES)
    assert await holder_of(world) == claimant

    back = await desk.open(PLATE, claimant_id=holder)
    await world.later(minutes=1)
    await unbind_plate(world.pool, claimant, PLATE, now=world.now)
    await world.drain()
    assert await holder_of(world) == holder
    assert (await desk.of_account(holder))[0].state == "granted"
    await desk_of(world).open(PLATE, claimant_id=claimant)
    with pytest.raises(ClaimNotFoundError):
        await desk.withdraw(back.claim_id, claimant_id=claimant)


async def test_a_permanent_plate_comes_after_a_temporary(world: BillingWorld) -> None:
    driver = await world.driver("浙A0001临", card=None)
    await world.driver("浙A00002", card=None)
    await world.later(minutes=1)
    with pytest.raises(PlateBoundElsewhereError):
        await bind.replace_plate(
            world.pool,
            world.settings,
            driver,
            old=Plate("浙A0001临"),
            new=Plate("浙A00002"),
            now=world.now,
        )
    assert await holder_of(world, Plate("浙A0001临")) == driver, "a change is whole or not at all"
    await bind.replace_plate(
        world.pool, world.settings, driver, old=Plate("浙A0001临"), new=PLATE, now=world.now
    )
    assert await holder_of(world) == driver
    assert await holder_of(world, Plate("浙A0001临")) is None


async def test_arrears_of_late_come_with_a_plate_after_a_hold(world: BillingWorld) -> None:
    long_ago = world.start - timedelta(days=31)
    old = world.priced(PLATE, 5_000, left_at=long_ago, chargeable_from=long_ago)
    recent = world.priced(PLATE, 1_500)
    await world.publish(old, recent)
    await world.drain()
    settings = type(world.settings)(
        **{
            name: getattr(world.settings, name)
            for name in world.settings.__struct_fields__
            if name != "inherit_hold_seconds"
        }
    )
    driver = await world.driver("浙A00001")
    assert await bind.bind_plate(world.pool, settings, driver, PLATE, now=world.now) == 1
    await world.later(hours=23)
    assert world.charges() == []
    await world.later(hours=2)
    assert [amount for _, amount in world.charges()] == [1_500]
    assert (await world.obligation(old)).state == "due"
    await world.settle()
    await world.assert_sound()


async def test_claiming_and_withdrawing_has_an_end(world: BillingWorld) -> None:
    _, claimant, claim_id = await opened(world)
    desk = desk_of(world)
    await desk.withdraw(claim_id, claimant_id=claimant)
    with pytest.raises(ClaimTooSoonError) as caught:
        await desk.open(PLATE, claimant_id=claimant)
    assert caught.value.from_at == world.now + timedelta(days=30)
    others = [Plate(f"京B{number:05}") for number in range(5)]
    for plate in others:
        await world.driver(plate, card=None)
    for plate in others[:4]:
        await desk.open(plate, claimant_id=claimant)
    with pytest.raises(ClaimTooSoonError):
        await desk.open(others[4], claimant_id=claimant)
    world.now += timedelta(days=30)
    await desk.open(PLATE, claimant_id=claimant)

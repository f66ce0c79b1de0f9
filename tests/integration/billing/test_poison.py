"""One thing that cannot be done must not keep its neighbours from being done."""

import pytest

from tests.integration.billing.world import BillingWorld

pytestmark = pytest.mark.anyio

SICK, SOUND, SOUND_TOO = "浙A8B762", "浙A88762", "沪B12345"


async def refuse(world: BillingWorld, table: str, condition: str) -> None:
    """Have the database refuse some rows, as it would for a fault of ours that nobody foresaw."""
    await world.pool.execute(
        f"""
        CREATE FUNCTION billing.sick() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF {condition} THEN
                RAISE EXCEPTION 'sick row' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER sick BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION billing.sick()
        """
    )


async def cure(world: BillingWorld) -> None:
    await world.pool.execute("DROP FUNCTION billing.sick() CASCADE")


async def test_a_message_that_cannot_be_taken_in_waits_alone(world: BillingWorld) -> None:
    await refuse(world, "billing.obligation", f"NEW.plate = '{SICK}'")
    stays = [world.priced(plate, 1_500) for plate in (SOUND, SICK, SOUND_TOO)]
    await world.publish(*stays)
    await world.drain()
    for stay in (stays[0], stays[2]):
        assert (await world.obligation(stay)).charged_minor == 1_500
    waits: list[float] = []
    for tries in range(1, 11):
        waits.append(await _wait(world, tries=tries))
        await world.later(seconds=waits[-1] - 1)
        await _wait(world, tries=tries)
        await world.later(seconds=1)
    assert waits[:3] == [60, 120, 240]
    assert waits[-1] == 6 * 3_600
    await cure(world)
    await world.later(hours=6)
    await world.drain()
    assert (await world.obligation(stays[1])).charged_minor == 1_500
    await world.assert_sound()


async def _wait(world: BillingWorld, *, tries: int) -> float:
    """The seconds that the one message left waits from now on, after so many tries."""
    (letter,) = await world.pool.fetch("SELECT tries, due_at FROM parking.outbox")
    assert letter["tries"] == tries
    return float((letter["due_at"] - world.now).total_seconds())


async def test_an_account_that_cannot_be_gathered_waits_alone(world: BillingWorld) -> None:
    sick = await world.driver(SICK)
    await world.driver(SOUND)
    await refuse(world, "billing.payment", f"NEW.account_id = '{sick}'")
    stays = [world.priced(plate, 1_500) for plate in (SICK, SOUND)]
    await world.publish(*stays)
    await world.drain()
    assert (await world.obligation(stays[0])).state == "due"
    assert (await world.obligation(stays[1])).state == "paid"
    await cure(world)
    await world.later(seconds=world.settings.pace.unknown_retry_max.total_seconds())
    await world.settle()
    assert (await world.obligation(stays[0])).state == "paid"
    assert [amount for _, amount in world.charges()] == [1_500, 1_500]
    await world.assert_sound()

"""The audit finds what is wrong when it is put there on purpose, and nothing else."""

import pytest

from billing.audit import violations
from billing.core.appeals import Ground
from billing.services.appeals import AppealDesk
from parking.core.plate import Plate
from tests.integration.billing.test_disputes import paid_case
from tests.integration.billing.world import BillingWorld

pytestmark = pytest.mark.anyio

PLATE = Plate("浙A8B762")
CLOSED_WITH_A_PLATE = "UPDATE billing.driver_account SET closed_at = now()"
NOT_HIS_PLATE = "UPDATE billing.obligation SET plate = '京C00000' WHERE account_id IS NOT NULL"
TWO_HOLDERS = """
INSERT INTO billing.plate_binding (binding_id, account_id, plate, bound_at, ended_at)
SELECT gen_random_uuid(), account_id, plate, bound_at, now() + interval '1 day'
FROM billing.plate_binding
"""
CONTESTED = (
    "UPDATE billing.appeal SET opened_at = '2020-01-01', closed_at = NULL, state = 'open',"
    " decided_at = NULL, decided_by = NULL"
)
UNBOOKED_WRITE_OFF = """
INSERT INTO billing.write_off (write_off_id, obligation_id, kind, amount_minor, currency, said_by,
    reason, recorded_at)
SELECT gen_random_uuid(), obligation_id, 'written_off', 1, 'CNY', 'x', 'x', now()
FROM billing.obligation LIMIT 1
"""
UNBOOKED_SETTLEMENT = """
INSERT INTO billing.settlement VALUES (gen_random_uuid(), 'west-lake', '2020-01-01', '2020-01-31',
    'CNY', 0, 0, 500, 0, 0, 0, 0, 0, 500, 0, now())
"""


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (CLOSED_WITH_A_PLATE, {"closed-accounts-are-left"}),
        (NOT_HIS_PLATE, {"obligations-belong-to-who-had-the-plate"}),
        (TWO_HOLDERS, {"a-plate-has-one-holder-at-a-time"}),
        (CONTESTED, {"nothing-contested-is-charged"}),
        (
            UNBOOKED_WRITE_OFF,
            {"write-offs-are-what-was-given-up", "write-offs-are-booked-once"},
        ),
        (UNBOOKED_SETTLEMENT, {"settlements-are-booked-once"}),
    ],
)
async def test_damage_is_named(world: BillingWorld, damage: str, found: set[str]) -> None:
    await world.driver(PLATE)
    stay = world.priced(PLATE, 1_500)
    await world.publish(stay)
    await world.settle()
    desk = AppealDesk(world.pool, world.settings, lambda: world.now)
    appeal = await desk.open(stay.stay_id, ground=Ground.OTHER, statement="it is wrong")
    await desk.refuse(appeal.appeal_id, by="admin", reason="it is right")
    await world.assert_sound()
    await world.pool.execute(damage)
    async with world.pool.acquire() as db:
        named = {each.invariant async for each in violations(db)}
    assert named == found


MOVED_AND_NOT_BOOKED = """
INSERT INTO billing.dispute_fact (fact_id, dispute_id, kind, ref, amount_minor, occurred_at,
    recorded_at)
SELECT gen_random_uuid(), dispute_id, 'withdrawn', 'txn_x', 5, now(), now() FROM billing.dispute
"""
BORNE_BY_NOBODY = "UPDATE billing.dispute SET state = 'won'"
STILL_WITH_THE_BANK = "UPDATE billing.dispute SET state = 'open', closed_at = NULL, due_at = now()"
CHARGED_ALL_THE_SAME = "UPDATE billing.dispute SET known_at = '2020-01-01'"


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (
            MOVED_AND_NOT_BOOKED,
            {"dispute-movements-are-booked-once", "lost-disputes-have-somebody-who-bears-them"},
        ),
        (BORNE_BY_NOBODY, {"lost-disputes-have-somebody-who-bears-them"}),
        (
            STILL_WITH_THE_BANK,
            {
                "dispute-claims-are-what-banks-have-not-decided",
                "lost-disputes-have-somebody-who-bears-them",
            },
        ),
        (CHARGED_ALL_THE_SAME, {"nothing-disputed-is-charged"}),
    ],
)
async def test_damage_to_a_dispute_is_named(
    world: BillingWorld, damage: str, found: set[str]
) -> None:
    case = await paid_case(world)
    await case.decide(await case.dispute(), "lost")
    await world.pool.execute(damage)
    async with world.pool.acquire() as db:
        named = {each.invariant async for each in violations(db)}
    assert named == found

"""The audit names each corruption that is put in by hand, and passes a clean run."""

from datetime import UTC, datetime

import asyncpg
import pytest

from parking.db.pool import open_pool
from portal.audit import TruthUnreachableError, Violation, audit, audit_database
from portal.demo.city import LONGXIANG
from tests.portal.conftest import City
from tests.portal.test_pages import bill

pytestmark = pytest.mark.anyio
PLATE = "浙A8K632"


async def prepare(city: City, database_url: str) -> str:
    """One closed and billed stay, one car inside."""
    stay_id = await city.drive(PLATE, hours_ago=4, minutes=98, lot=LONGXIANG.lot_id)
    await city.drive("沪B5T880", hours_ago=2, minutes=None, lot=LONGXIANG.lot_id)
    await bill(database_url)
    return stay_id


async def found(database_url: str) -> list[Violation]:
    return await audit_database(database_url, now=datetime.now(UTC))


async def corrupt(database_url: str, *statements: str) -> None:
    """Change rows behind everyone's back, past the triggers that would refuse it."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("SET session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_clean_run_is_clean(city: City, database_url: str) -> None:
    await prepare(city, database_url)
    assert await found(database_url) == []


async def test_what_billing_has_not_heard_yet_is_no_violation(
    city: City, database_url: str
) -> None:
    await city.drive(PLATE, hours_ago=4, minutes=98, lot=LONGXIANG.lot_id)
    assert await found(database_url) == []


@pytest.mark.parametrize(
    ("statement", "invariant"),
    [
        (
            "UPDATE parking.stay SET left_at = left_at + interval '1 hour' WHERE state = 'closed'",
            "stays-are-the-fold",
        ),
        ("DELETE FROM parking.lane_event WHERE type = 'vehicle_exited'", "stays-are-the-fold"),
        (
            "UPDATE parking.stay SET state = 'missed_exit' WHERE state = 'open'",
            "stays-are-the-fold",
        ),
        (
            "UPDATE parking.stay SET fee_minor = fee_minor + 100 WHERE state = 'closed'",
            "fees-follow-their-tariff",
        ),
        (
            """UPDATE parking.stay SET fee = jsonb_set(fee::jsonb, '{tariff_version}', '2')
               WHERE state = 'closed'""",
            "fees-follow-their-tariff",
        ),
        ("DELETE FROM billing.obligation", "one-obligation-per-billable-stay"),
        (
            """UPDATE parking.stay SET dissolved = true, fee = null, fee_minor = null,
               currency = null, tariff_version = null, business_date = null,
               chargeable_from = null WHERE state = 'closed'""",
            "no-obligation-without-a-stay",
        ),
        ("UPDATE billing.obligation SET hold = 'cloned_plate'", "holds-reach-billing"),
        (
            """UPDATE billing.obligation SET hold = 'other_car', captured_minor = charged_minor,
               state = 'paid'""",
            "another-cars-stay-is-charged-to-nobody",
        ),
        ("UPDATE billing.posting SET amount_minor = amount_minor + 1", "debits-equal-credits"),
        (
            "UPDATE billing.obligation SET charged_minor = charged_minor + 100",
            "one-obligation-per-billable-stay",
        ),
    ],
)
async def test_a_corruption_is_named(
    city: City, database_url: str, statement: str, invariant: str
) -> None:
    stay_id = await prepare(city, database_url)
    await corrupt(database_url, statement)
    violations = await found(database_url)
    assert invariant in {each.invariant for each in violations}
    told = "\n".join(str(each) for each in violations)
    assert PLATE not in told
    assert stay_id in told or "open" in statement or "posting" in statement


async def test_an_unreachable_truth_is_an_error_and_no_pass(database_url: str) -> None:
    pool = await open_pool(database_url, size_max=2)
    with pytest.raises(TruthUnreachableError):
        await audit(pool, now=datetime.now(UTC), truth_urls=["http://127.0.0.1:9"])
    await pool.close()

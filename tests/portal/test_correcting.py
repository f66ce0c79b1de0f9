"""A granted appeal through the whole house: facts corrected, fee changed, obligation with it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from billing.core.appeals import RightExit, RightPlate
from billing.corrections import CorrectionRefusedError
from billing.providers.stripe import StripeGateway
from billing.standings import BillingStandings
from billing.worker import BillingWorker
from parking.core.ids import StayId
from parking.core.plate import Plate
from parking.db.pool import Pool, open_pool
from parking.services.bundle import ParkingServices
from parking.services.clock import system_clock
from portal.correcting import StayCorrector
from tests.portal.conftest import ADMIN_KEY, City, settings_for

pytestmark = pytest.mark.anyio

ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}


class Workshop:
    """What the worker process is made of, in this process."""

    def __init__(self, pool: Pool, database_url: str) -> None:
        settings = settings_for(database_url)
        standings = BillingStandings(pool, settings.billing, clock=system_clock)
        self.parking = ParkingServices.build(
            pool=pool, standings=standings, clock=system_clock, limits=settings.ingest
        )
        self.gateway = StripeGateway(settings.billing)
        self.corrector = StayCorrector(pool, self.parking.amendments)
        self.worker = BillingWorker(pool, self.gateway, settings.billing, corrector=self.corrector)


@pytest.fixture
async def workshop(database_url: str, anyio_backend: str) -> AsyncIterator[Workshop]:
    pool = await open_pool(database_url, size_max=4)
    workshop = Workshop(pool, database_url)
    yield workshop
    await workshop.parking.close()
    await workshop.gateway.close()
    await pool.close()


async def contested(
    city: City, worker: BillingWorker, stay_id: str, correction: dict[str, Any]
) -> dict[str, Any]:
    """Contest a stay's fee, grant it, let the worker carry it out; answers the obligation."""
    await worker.step(datetime.now(UTC))
    body = {"ground": "wrong_time", "statement": "the barrier did not open for an hour"}
    appeal = await city.client.post(f"/v1/stays/{stay_id}/appeals", json=body)
    assert appeal.status_code == 201, appeal.text
    decision = {"decision": "grant", "reason": "seen on the video", "correction": correction}
    path = f"/v1/appeals/{appeal.json()['appeal_id']}/decision"
    assert (await city.client.post(path, json=decision)).status_code == 401
    bare = {"decision": "grant", "reason": "no correction"}
    assert (await city.client.post(path, json=bare, headers=ADMIN)).status_code == 422
    decided = await city.client.post(path, json=decision, headers=ADMIN)
    assert decided.status_code == 200, decided.text
    for minutes in range(5):
        await worker.step(datetime.now(UTC) + timedelta(minutes=2 * minutes))
    reply = await city.client.get(f"/v1/stays/{stay_id}/obligation")
    found: dict[str, Any] = reply.json()
    assert found["appeal_state"] == "corrected"
    return found


async def test_each_kind_of_correction_changes_the_fee_through_the_facts(
    city: City, workshop: Workshop
) -> None:
    late = await city.drive("浙A8B762", hours_ago=5, minutes=240)
    ghost = await city.drive("浙A00001", hours_ago=5, minutes=200)
    misread = await city.drive("浙A00002", hours_ago=6, minutes=220)
    entered = datetime.fromisoformat(
        (await city.client.get(f"/v1/stays/{late}", headers=ADMIN)).json()["entered_at"]
    )
    left_at = (entered + timedelta(minutes=65)).isoformat()
    corrected = await contested(
        city, workshop.worker, late, {"kind": "left_at", "left_at": left_at}
    )
    assert corrected["charged_minor"] > 0
    assert datetime.fromisoformat(corrected["left_at"]) == datetime.fromisoformat(left_at)
    nothing = await contested(city, workshop.worker, ghost, {"kind": "never_was"})
    assert nothing["charged_minor"] == 0
    other = await contested(city, workshop.worker, misread, {"kind": "plate", "plate": "浙A·00003"})
    assert other["plate"] == "浙A00003"
    again = RightPlate(plate=Plate("浙A00003"))
    revisions = {
        await workshop.corrector.correct(
            StayId(UUID(misread)), again, by="appeal:x", reason="again"
        )
        for _ in range(2)
    }
    assert len(revisions) == 1, "the same correction again changes nothing"


@pytest.mark.parametrize("minutes", [-60, 24 * 60 * 40])
async def test_an_exit_that_cannot_be_leaves_the_stay_as_it_was(
    city: City, workshop: Workshop, minutes: int
) -> None:
    path = f"/v1/stays/{(stay_id := await city.drive('浙A8B762', hours_ago=5, minutes=240))}"
    before = (await city.client.get(path, headers=ADMIN)).json()
    impossible = datetime.fromisoformat(before["entered_at"]) + timedelta(minutes=minutes)
    with pytest.raises(CorrectionRefusedError):
        await workshop.corrector.correct(
            StayId(UUID(stay_id)), RightExit(left_at=impossible), by="appeal:x", reason="slip"
        )
    after = (await city.client.get(path, headers=ADMIN)).json()
    assert (after["state"], after["left_at"]) == ("closed", before["left_at"])

"""Operators' money over HTTP: payouts and banks' disputes, through the whole house."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from litestar.testing import AsyncTestClient

from billing.providers.stripe import StripeGateway
from billing.services.ids import new_id
from billing.worker import BillingWorker
from gateway_sim.payments.server import Options
from parking.db.pool import open_pool
from portal.app import create_app
from portal.demo.setup import set_up
from portal.witnessing import StayBook
from tests.gateway_sim.payments.harness import Simulator, running
from tests.portal.conftest import ADMIN_KEY, AdminApi, City, settings_for

pytestmark = pytest.mark.anyio

PLATE = "浙A8B762"
OPERATOR, OTHER = "west-lake", "qiantang"
ACCOUNT = f"/v1/operators/{OPERATOR}/payout-account"
ROUNDS = 40


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


class House:
    """A city whose application and worker speak to one simulated gateway."""

    def __init__(self, city: City, simulator: Simulator, worker: BillingWorker) -> None:
        self.city = city
        self.client = city.client
        self.simulator = simulator
        self.worker = worker
        self.admin = bearer(ADMIN_KEY)
        self.operator = bearer(city.keys.operators[OPERATOR])
        self.other = bearer(city.keys.operators[OTHER])

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def work(self, **later: float) -> None:
        now = datetime.now(UTC) + timedelta(**later)
        for _ in range(ROUNDS):
            if not await self.worker.step(now):
                return

    async def paid_stay(self) -> str:
        """A stay that its driver pays by hand."""
        await self.city.drive(PLATE, hours_ago=8, minutes=400)
        stays = (await self.client.get("/v1/stays", headers=self.admin)).json()
        stay_id: str = stays["items"][0]["stay_id"] if "items" in stays else stays[0]["stay_id"]
        await self.work()
        page = await self.client.post(
            f"/v1/stays/{stay_id}/checkout", json={"return_url": "https://parking.example/done"}
        )
        assert page.status_code == 201, page.text
        self.simulator.http.post(page.json()["url"], data={"card": "4242424242424242"})
        await self.work(minutes=5)
        return stay_id


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running(Options(seed=7)) as simulator:
        simulator.advance(0)
        yield simulator


@pytest.fixture
async def house(
    database_url: str, simulator: Simulator, anyio_backend: str
) -> AsyncIterator[House]:
    plain = settings_for(database_url)
    billing = msgspec.structs.replace(
        plain.billing, stripe_api_url=simulator.address, settle_seconds=0, payout_minimum_minor=1
    )
    settings = msgspec.structs.replace(plain, billing=billing)
    gateway = StripeGateway(billing)
    pool = await open_pool(database_url, size_max=4)
    worker = BillingWorker(pool, gateway, billing, witness=StayBook(pool))
    async with AsyncTestClient(create_app(settings), raise_server_exceptions=False) as client:
        admin = AdminApi(client)
        yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
        keys = await set_up(admin, day=yesterday)  # type: ignore[arg-type]
        yield House(City(client=client, admin=admin, keys=keys), simulator, worker)
    await gateway.close()
    await pool.close()


async def test_payouts_by_their_routes(house: House) -> None:
    client, account_ref = house.client, house.simulator.operator()
    body = {"account_ref": account_ref}
    for headers, status in ((house.operator, 403), ({}, 401), (house.admin, 200)):
        assert (await client.put(ACCOUNT, json=body, headers=headers)).status_code == status
    wrong = {"account_ref": "acct_nowhere"}
    assert (await client.put(ACCOUNT, json=wrong, headers=house.admin)).status_code == 422
    assert (await client.get(ACCOUNT, headers=house.operator)).json() == body
    assert (await client.get(ACCOUNT, headers=house.other)).status_code == 403

    await house.paid_stay()
    house.simulator.advance(3 * 86_400)
    await house.work(days=40)
    listed = await client.get(f"/v1/operators/{OPERATOR}/settlements", headers=house.operator)
    (settlement,) = [each for each in listed.json() if each["settled_minor"]]
    (payout,) = settlement["payouts"]
    assert (payout["state"], payout["account_ref"]) == ("succeeded", account_ref)

    reversals = f"/v1/operators/{OPERATOR}/payouts/{payout['payout_id']}/reversals"
    reversal_id = new_id(datetime.now(UTC))
    take_back = {"amount_minor": 100, "reason": "a fee was wrong"}

    async def put(path: str, headers: dict[str, str], **changes: object) -> int:
        reply = await client.put(path, json={**take_back, **changes}, headers=headers)
        return reply.status_code

    mine = f"{reversals}/{reversal_id}"
    assert await put(mine, house.operator) == 403
    assert await put(mine, house.admin, amount_minor=0) == 422
    assert await put(mine, house.admin, amount_minor=10**9) == 409
    assert await put(mine.replace(OPERATOR, OTHER), house.admin) == 404
    assert [await put(mine, house.admin) for _ in range(2)] == [202, 202]
    assert await put(mine, house.admin, amount_minor=101) == 409
    await house.work(days=40)
    again = await client.get(f"/v1/operators/{OPERATOR}/settlements", headers=house.admin)
    states = [
        (each["reverses"], each["state"], each["amount_minor"])
        for settled in again.json()
        for each in settled["payouts"]
    ]
    assert (payout["payout_id"], "succeeded", 100) in states
    assert [each["amount"] for each in house.simulator.truth()["reversals"]] == [100]


async def test_a_dispute_is_answered_with_what_the_cameras_saw(house: House) -> None:
    stay_id = await house.paid_stay()
    (charge,) = house.simulator.truth()["charges"]
    house.simulator.control("disputes", charge=charge["charge"])
    await house.work(hours=2)
    path = f"/v1/operators/{OPERATOR}/disputes"
    assert (await house.client.get(path, headers=house.other)).status_code == 403
    (dispute,) = (await house.client.get(path, headers=house.operator)).json()
    assert (dispute["stay_id"], dispute["state"]) == (stay_id, "under_review")
    assert dispute["answered_at"] is not None
    evidence = house.simulator.stripe.v1.disputes.retrieve(dispute["dispute_ref"]).evidence
    log = str(evidence.access_activity_log)
    assert f"plate read as {PLATE} with confidence 0.97" in log
    assert "through lane" in log
    page = await house.client.get(f"/p/{stay_id}", headers={"Accept-Language": "en"})
    assert "bank is looking into this payment" in page.text
    seen = (await house.client.get(f"/v1/stays/{stay_id}/obligation")).json()
    assert (seen["state"], seen["dispute_state"]) == ("paid", "under_review")

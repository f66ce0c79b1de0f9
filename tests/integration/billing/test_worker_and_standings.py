"""The worker's loop, the gate's question, and what may be asked over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
import stripe
from litestar import Litestar

from billing.db.due_work import TIMES
from billing.gateways import Providers
from billing.providers.stripe import StripeGateway
from billing.services.bundle import BillingServices
from billing.standings import BillingStandings
from billing.web.problems import STATUSES
from billing.web.routes import billing_routers
from billing.worker import BillingWorker, run_worker
from parking.core.errors import DomainError
from parking.core.ids import OperatorId
from parking.core.plate import Plate
from parking.core.standing import Standing
from tests.gateway_sim.payments.harness import Simulator
from tests.integration.billing.world import OPERATOR, RETURN_URL, SECRET, VISA, BillingWorld

pytestmark = pytest.mark.anyio


async def test_the_worker_collects_by_itself_and_stops_when_told(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    stop = asyncio.Event()
    ahead = world.ahead
    worker = asyncio.create_task(
        run_worker(
            world.pool, world.gateway, world.settings, lambda: datetime.now(UTC) + ahead, stop
        )
    )
    await world.publish(world.priced("浙A8B762", 1_500))
    async with asyncio.timeout(20):
        while not world.charges() or (await world.waiting()).fees:  # noqa: ASYNC110 - it tells no one
            await asyncio.sleep(0.05)
    stop.set()
    async with asyncio.timeout(2):
        await worker
    await world.assert_sound()


async def test_an_idle_worker_sleeps(world: BillingWorld) -> None:
    await world.drain()
    assert await world.worker.step(world.now) == 0
    idle = world.settings.worker_idle_ms / 1000
    assert 0 < world.worker.seconds_until_due(world.now) <= idle


async def test_a_worker_asks_about_every_stage_and_every_time(world: BillingWorld) -> None:
    corrector: Any = object()
    worker = BillingWorker(world.pool, world.gateway, world.settings, corrector=corrector)
    paced = {"settlements", "write_offs", "fees stripe", "refund_fees stripe"}
    assert worker.unasked == paced, "a new stage needs its question in due_work, or a pace"
    times = await world.pool.fetch(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'billing'"
        " AND column_name IN ('due_at', 'gather_at', 'detach_at')"
    )
    assert dict(map(tuple, times)) == TIMES, "a table with a time at which it is due"


async def test_the_gate_hears_who_is_bound_and_who_owes(world: BillingWorld) -> None:
    standings = BillingStandings(world.pool, world.settings, clock=lambda: world.now)
    await world.driver("浙A8B762")
    await world.driver("浙A00001", card=None)
    await world.publish(world.priced("沪B12345", 2_000))
    await world.drain()
    plates = [Plate(each) for each in ("浙A8B762", "浙A00001", "沪B12345", "京C00000")]
    found = await standings.standings(plates)
    assert found == {"浙A8B762": Standing(bound=True), "浙A00001": Standing()}
    await world.later(hours=80)
    assert (await standings.standings(plates))[Plate("沪B12345")] == Standing(arrears_minor=2_000)


class _Key(msgspec.Struct, frozen=True):
    role: Any
    operator_id: OperatorId | None


class _Role(msgspec.Struct, frozen=True):
    value: str


class _Keys:
    """A book of keys with one operator's and one admin's key in it."""

    async def principal(self, key: str) -> _Key:
        if key == "admin":
            return _Key(_Role("admin"), None)
        return _Key(_Role("operator"), OperatorId(key))


class _Parking(msgspec.Struct):
    keys: _Keys


@pytest.fixture
async def api(world: BillingWorld, simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    services = BillingServices(
        pool=world.pool,
        providers=Providers(StripeGateway(world.settings)),
        notifier=world.phones,
        settings=world.settings,
        clock=lambda: world.now,
    )

    def problem(_: object, error: DomainError) -> Any:
        from litestar import Response

        return Response({"detail": str(error)}, status_code=STATUSES[type(error)])

    app = Litestar(
        billing_routers(),
        exception_handlers={DomainError: problem},
        openapi_config=None,
        logging_config=None,
    )
    app.state.billing = services
    app.state.parking = _Parking(_Keys())
    asgi: Any = app
    transport = httpx.ASGITransport(app=asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://billing") as client:
        yield client
    await services.close()


async def test_a_driver_signs_up_binds_and_pays_over_http(
    world: BillingWorld, api: httpx.AsyncClient
) -> None:
    phone = {"phone": "+8613812345678"}
    assert (await api.post("/v1/phone-codes", json=phone)).status_code == 202
    assert (await api.post("/v1/phone-codes", json=phone)).status_code == 429
    proof = {**phone, "code": world.phones.code_of(phone["phone"])}
    made = await api.post("/v1/driver-accounts", json=proof)
    assert made.status_code == 201
    me = {"Authorization": f"Bearer {made.json()['token']}"}
    assert (await api.post("/v1/driver-accounts", json=proof)).status_code == 403, "it opens once"

    stay = world.priced("浙A8B762", 1_500)
    await world.publish(stay)
    await world.drain()
    slip = await api.post(
        "/v1/driver-accounts/me/plates", json={"plate": "hello world"}, headers=me
    )
    assert slip.status_code == 422
    assert "with its country or region" in slip.json()["detail"]
    plate = {"plate": "浙A·8B762"}
    bound = await api.post("/v1/driver-accounts/me/plates", json=plate, headers=me)
    assert (bound.status_code, bound.json()["attached_obligations"]) == (201, 1)
    page = await api.post(
        "/v1/driver-accounts/me/payment-method-setups",
        json={
            "return_url": RETURN_URL,
            "consent_version": (await api.get("/v1/consent")).json()["version"],
        },
        headers=me,
    )
    world.visit(page.json()["url"], VISA)
    await world.later(seconds=1)
    await world.settle()

    mine = (await api.get("/v1/driver-accounts/me/obligations", headers=me)).json()
    assert [(each["state"], each["charged_minor"]) for each in mine] == [("paid", 1_500)]
    assert mine[0]["fee"]["lines"][0]["text_en"] == "Time"
    account = (await api.get("/v1/driver-accounts/me", headers=me)).json()
    assert (account["phone"], account["card_last4"]) == ("+86*******5678", "4242")
    assert account["plates"] == ["浙A8B762"]
    stored = await world.pool.fetch("SELECT token_sha256 FROM billing.driver_token")
    assert made.json()["token"].encode() not in {row["token_sha256"] for row in stored}


async def test_a_statement_is_for_its_operator_and_the_admin(
    world: BillingWorld, api: httpx.AsyncClient
) -> None:
    path = f"/v1/operators/{OPERATOR}/statements/{world.today}"
    for key, status in ((OPERATOR, 200), ("admin", 200), ("bus-station", 403)):
        reply = await api.get(path, headers={"Authorization": f"Bearer {key}"})
        assert reply.status_code == status, reply.text


async def test_bad_requests_are_told_what_is_wrong(
    world: BillingWorld, api: httpx.AsyncClient
) -> None:
    me = {"Authorization": "Bearer nobody"}
    unknown = world.priced("浙A8B762", 1).stay_id
    checkout = {"return_url": RETURN_URL}
    tries: list[tuple[str, str, dict[str, Any], int]] = [
        ("POST", "/v1/phone-codes", {"json": {"phone": "138"}}, 400),
        ("POST", "/v1/driver-accounts", {"json": {"phone": "+8613812345678"}}, 400),
        ("POST", "/v1/driver-accounts", {"content": b"{"}, 400),
        ("POST", "/v1/driver-accounts", {"json": {"phone": "+8613812345678", "x": 1}}, 400),
        ("GET", "/v1/driver-accounts/me", {"headers": me}, 401),
        ("GET", "/v1/driver-accounts/me", {}, 401),
        ("DELETE", "/v1/driver-accounts/me", {}, 401),
        ("GET", "/v1/driver-accounts/me/tokens", {}, 401),
        ("GET", f"/v1/stays/{unknown}/obligation", {}, 404),
        ("POST", f"/v1/stays/{unknown}/checkout", {"json": checkout}, 404),
        ("POST", f"/v1/stays/{unknown}/checkout", {"json": {"return_url": "javascript:1"}}, 400),
        ("GET", "/v1/stays/7/obligation", {}, 404),
        ("POST", "/v1/webhooks/stripe", {"content": b"{}"}, 400),
    ]
    for method, path, more, status in tries:
        reply = await api.request(method, path, **more)
        assert reply.status_code == status, (method, path, reply.text)


async def test_a_webhook_is_stored_once_over_http(
    world: BillingWorld, api: httpx.AsyncClient
) -> None:
    body = '{"id":"evt_1","object":"event","type":"x","data":{"object":{"object":"charge"}}}'
    signature = stripe.WebhookSignature.generate_signature_header(body, SECRET)
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
    replies = [
        await api.post("/v1/webhooks/stripe", content=body, headers=headers) for _ in range(2)
    ]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert [reply.json()["duplicate"] for reply in replies] == [False, True]


async def test_a_database_that_is_away_is_said_so(
    world: BillingWorld, api: httpx.AsyncClient
) -> None:
    await world.pool.close()
    reply = await api.get(f"/v1/stays/{world.priced('浙A8B762', 1).stay_id}/obligation")
    assert reply.status_code == 503
    assert "send the same again later" in reply.json()["detail"]
    assert await world.worker.step(world.now) == 0, "the worker survives it"

"""The whole application on a real database, and a small city registered through its own API."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from billing.settings import BillingSettings
from parking.core.ids import uuid7
from parking.core.secret import Secret
from portal.app import create_app
from portal.demo.city import DEVICE, IN_LANE, OUT_LANE, WULIN
from portal.demo.setup import Keys, set_up
from portal.settings import DatabaseSettings, Settings

ADMIN_KEY = "an-admin-key-for-tests-only"


def settings_for(database_url: str) -> Settings:
    """Settings whose payment gateway nobody answers for."""
    return Settings(
        database=DatabaseSettings(url=Secret(database_url), pool_size=4),
        billing=BillingSettings(
            stripe_api_key=Secret("sk_test_x"),
            stripe_api_url="http://127.0.0.1:9",
            stripe_webhook_secret=Secret("whsec_x"),
        ),
        admin_key=Secret(ADMIN_KEY),
    )


@pytest.fixture
async def client(database_url: str, anyio_backend: str) -> AsyncIterator[AsyncTestClient[Litestar]]:
    """A client of the running application, without any key."""
    app = create_app(settings_for(database_url))
    async with AsyncTestClient(app, raise_server_exceptions=False) as running:
        yield running


class AdminApi:
    """What the demo's set-up asks of an API, spoken to the application in this process."""

    def __init__(self, client: AsyncTestClient[Litestar], key: str = ADMIN_KEY) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {key}"}

    async def put(self, path: str, body: object) -> Any:
        return self._read(await self._client.put(path, json=body, headers=self._headers))

    async def post(self, path: str, body: object) -> Any:
        return self._read(await self._client.post(path, json=body, headers=self._headers))

    async def get(self, path: str) -> Any:
        return self._read(await self._client.get(path, headers=self._headers))

    def _read(self, reply: httpx.Response) -> Any:
        assert reply.is_success, reply.text
        return reply.json()


@dataclass(frozen=True, kw_only=True)
class City:
    """The demo's city, registered."""

    client: AsyncTestClient[Litestar]
    admin: AdminApi
    keys: Keys

    async def drive(
        self, plate: str, *, hours_ago: float, minutes: int | None, lot: str = WULIN.lot_id
    ) -> str:
        """Let a car in, and out after so many minutes; answers the stay's id."""
        entered_at = datetime.now(UTC) - timedelta(hours=hours_ago)
        entry = await self.event("vehicle_entered", IN_LANE, plate, entered_at, lot)
        if minutes is not None:
            left_at = entered_at + timedelta(minutes=minutes)
            await self.event("vehicle_exited", OUT_LANE, plate, left_at, lot)
        return entry

    async def event(
        self, kind: str, lane_id: str, plate: str | None, at: datetime, lot: str = WULIN.lot_id
    ) -> str:
        """Post one lane event; answers its id."""
        event_id = str(uuid7(int(at.timestamp() * 1000), hash((plate, kind, at)) & (1 << 74) - 1))
        body = {
            "type": kind,
            "event_id": event_id,
            "lot_id": lot,
            "lane_id": lane_id,
            "occurred_at": at.isoformat(),
            "read": {"plate": plate, "colour": "blue", "confidence": 0.97, "candidates": []},
        }
        reply = await self.client.post(
            "/v1/lane-events",
            content=msgspec.json.encode(body),
            headers={
                "Authorization": f"Bearer {self.keys.devices[lot]}",
                "Content-Type": "application/json",
            },
        )
        assert reply.status_code == 201, reply.text
        return event_id


@pytest.fixture
async def city(client: AsyncTestClient[Litestar]) -> City:
    """The demo's city on the running application."""
    admin = AdminApi(client)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    keys = await set_up(admin, day=yesterday)  # type: ignore[arg-type]
    assert DEVICE
    return City(client=client, admin=admin, keys=keys)

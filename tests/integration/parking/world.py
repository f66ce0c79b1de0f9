"""A small world for tests: one operator, two lots, their lanes, devices and keys; and its app."""

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import httpx
import msgspec
from litestar import Litestar

from parking.core.ids import uuid7
from parking.core.limits import IngestLimits
from parking.core.plate import Plate
from parking.core.standing import Standing
from parking.db.pool import Pool, open_pool
from parking.services.bundle import ParkingServices
from parking.web.lane_events import FastLane
from parking.web.problems import STATUSES
from parking.web.routes import parking_routers
from portal.problems import exception_handlers

ADMIN_KEY = "the-admin-key-of-these-tests"
NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
"""Noon in Hangzhou, a Friday."""

TARIFF = {
    "tariff_id": "plain",
    "version": 1,
    "name_zh": "普通",
    "name_en": "Plain",
    "zone": "Asia/Shanghai",
    "windows": [
        {
            "from": "00:00",
            "until": "24:00",
            "rate": {"type": "units", "steps": [{"price_minor": 500, "unit_minutes": 60}]},
        }
    ],
    "free": {"minutes": 15},
}
"""5 yuan for each hour begun, 15 minutes free."""


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **parts: float) -> None:
        self.now += timedelta(**parts)


class KnownStandings:
    """Billing's answers, as a test sets them."""

    def __init__(self) -> None:
        self.known: dict[Plate, Standing] = {}
        self.error: Exception | None = None

    async def standings(self, plates: Collection[Plate]) -> Mapping[Plate, Standing]:
        if self.error is not None:
            raise self.error
        return {plate: self.known[plate] for plate in plates if plate in self.known}


class World:
    """The services, the app in front of them, and a client."""

    def __init__(
        self, pool: Pool, *, limits: IngestLimits | None = None, clock: Clock | None = None
    ) -> None:
        self.pool = pool
        self.clock = clock or Clock()
        self.standings = KnownStandings()
        self.services = ParkingServices.build(
            pool=pool,
            standings=self.standings,
            clock=self.clock,
            limits=limits or IngestLimits(),
        )
        self.app = Litestar(
            list(parking_routers()), exception_handlers=exception_handlers(STATUSES)
        )
        self.app.state.parking = self.services
        self.lane = FastLane(self.app, lambda: self.services)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(cast("Any", self.lane)), base_url="http://127.0.0.1"
        )
        self.device_key = ""
        self.other_lot_key = ""
        self._serial = 0

    async def settle(self) -> None:
        """Put the places in, through the API."""
        await self.services.keys.ensure_admin_key(ADMIN_KEY)
        await self.put("/v1/operators/city", {"name_zh": "城", "name_en": "City"})
        body = {"effective_from": "2026-01-01T00:00:00+08:00", "tariff": TARIFF}
        await self.put("/v1/tariffs/plain/versions/1", body)
        for lot_id in ("west-lake", "wulin"):
            await self.put_lot(lot_id)
            for lane_id, direction in (("in", "entry"), ("out", "exit")):
                await self.put(
                    f"/v1/lots/{lot_id}/lanes/{lane_id}", {"direction": direction, "name": lane_id}
                )
            await self.put(f"/v1/lots/{lot_id}/devices/box", {"name": "box"})
        self.device_key = await self.new_key("west-lake")
        self.other_lot_key = await self.new_key("wulin")

    async def put_lot(self, lot_id: str, **changes: Any) -> None:
        body = {
            "operator_id": "city",
            "name_zh": "西湖",
            "name_en": "West Lake",
            "zone": "Asia/Shanghai",
            "spaces": 100,
            "tariff_id": "plain",
        }
        await self.put(f"/v1/lots/{lot_id}", body | changes)

    async def new_key(self, lot_id: str) -> str:
        reply = await self.as_admin("POST", f"/v1/lots/{lot_id}/devices/box/keys")
        assert reply.status_code == 201, reply.text
        return str(reply.json()["key"])

    async def put(self, path: str, body: object) -> httpx.Response:
        reply = await self.as_admin("PUT", path, body)
        assert reply.status_code in {200, 201}, reply.text
        return reply

    async def as_admin(self, method: str, path: str, body: object = None) -> httpx.Response:
        return await self.client.request(
            method,
            path,
            content=None if body is None else msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"},
        )

    async def post(
        self, body: object, *, key: str | None = None, kind: str = "application/json"
    ) -> httpx.Response:
        """Post lane events; bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = {"Content-Type": kind}
        if key != "":
            headers["Authorization"] = f"Bearer {key or self.device_key}"
        return await self.client.post("/v1/lane-events", content=content, headers=headers)

    def event_id(self) -> UUID:
        """The next event id of this world."""
        self._serial += 1
        return uuid7(int(self.clock.now.timestamp() * 1000), self._serial)

    def entered(self, plate: str | None, **changes: Any) -> dict[str, Any]:
        return self._seen("vehicle_entered", "in", plate, changes)

    def exited(self, plate: str | None, **changes: Any) -> dict[str, Any]:
        return self._seen("vehicle_exited", "out", plate, changes)

    def corrected(self, event: Mapping[str, Any], plate: str, **changes: Any) -> dict[str, Any]:
        return self._said("plate_corrected", changes, corrects=event["event_id"], plate=plate)

    def withdrawn(self, event: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        return self._said("event_withdrawn", changes, withdraws=event["event_id"])

    def _seen(
        self, kind: str, lane_id: str, plate: str | None, changes: Mapping[str, Any]
    ) -> dict[str, Any]:
        read: dict[str, Any] = {
            "plate": plate,
            "colour": "blue",
            "confidence": 0.97,
            "candidates": [],
        }
        return self._said(kind, changes, lane_id=lane_id, read=read)

    def _said(self, kind: str, changes: Mapping[str, Any], **own: Any) -> dict[str, Any]:
        common = {
            "type": kind,
            "event_id": self.event_id(),
            "lot_id": "west-lake",
            "occurred_at": self.clock.now,
        }
        return common | own | dict(changes)

    async def outbox(self) -> list[dict[str, Any]]:
        """What billing was told, in order."""
        rows = await self.pool.fetch("select payload::text from parking.outbox order by sequence")
        return [msgspec.json.decode(row[0]) for row in rows]

    async def owed(self) -> dict[str, int]:
        """What billing would believe of each stay: the last revision's total."""
        told: dict[str, tuple[int, int]] = {}
        for message in await self.outbox():
            revision = (message["revision"], message["fee"]["total"]["amount_minor"])
            told[message["stay_id"]] = max(told.get(message["stay_id"], (0, 0)), revision)
        return {stay_id: total for stay_id, (_, total) in told.items() if total}

    async def stays(self) -> list[dict[str, Any]]:
        """All stays that there are, oldest first."""
        rows = await self.pool.fetch(
            "select * from parking.stay where not dissolved order by lot_id, plate, stay_id"
        )
        return [dict(row) for row in rows]


@contextlib.asynccontextmanager
async def open_world(
    database_url: str, *, limits: IngestLimits | None = None, clock: Clock | None = None
) -> AsyncIterator[World]:
    """A settled world on a fresh database."""
    pool = await open_pool(database_url, size_max=6)
    world = World(pool, limits=limits, clock=clock)
    try:
        await world.settle()
        yield world
    finally:
        await world.client.aclose()
        await world.services.close()
        await pool.close()

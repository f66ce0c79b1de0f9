"""What a gate, or who is none, may send. Each gets a clear answer and harms no neighbour."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from parking.core.limits import IngestLimits
from tests.integration.parking.world import World, open_world

pytestmark = pytest.mark.anyio


def problem(reply: httpx.Response) -> tuple[int, str]:
    """Status and kind of a problem, after checking its shape."""
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.json()
    assert set(body) >= {"type", "title", "status", "detail", "instance", "trace_id"}
    assert body["status"] == reply.status_code
    return reply.status_code, body["type"].removeprefix("urn:leave-first:problem:")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null" * 3,
        b'{"type": "vehicle_entered", "event_id": "0193',
        b"\xff\xfe\x00",
        b'{"read": {"plate": "\xc3\x28"}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" + b"[" * 5_000 + b"]" * 5_000 + b"]",
    ],
    ids=["empty", "brace", "junk", "cut", "binary", "utf8", "deep", "deeper", "nested"],
)
async def test_a_malformed_body_is_told_so(world: World, body: bytes) -> None:
    reply = await world.post(body)
    assert problem(reply)[0] in {400, 422} or _all_refused(reply)


def _all_refused(reply: httpx.Response) -> bool:
    return all(each["status"] == "refused" for each in reply.json()["results"])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"lot_id": "wulin"}, (403, "other-lot")),
        ({"lot_id": "nowhere"}, (403, "other-lot")),
        ({"lot_id": "x" * 10_000}, (422, "invalid-event")),
        ({"lane_id": "nowhere"}, (404, "unknown-lane")),
        ({"lane_id": "out"}, (422, "wrong-direction")),
        ({"occurred_at": "2026-11-20T12:06:00+08:00"}, (422, "event-from-the-future")),
        ({"occurred_at": "9999-12-31T23:59:59-12:00"}, (422, "event-from-the-future")),
        ({"occurred_at": "2026-10-01T12:00:00+08:00"}, (422, "event-too-old")),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, (422, "event-too-old")),
        ({"occurred_at": "2026-11-20T12:00:00"}, (422, "invalid-event")),
        ({"occurred_at": "yesterday"}, (422, "invalid-event")),
        ({"event_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"}, (422, "event-id-not-version7")),
        ({"event_id": "17"}, (422, "invalid-event")),
        ({"type": "vehicle_flew"}, (422, "invalid-event")),
        ({"trace_id": "x"}, (422, "invalid-event")),
        ({"surplus": 1}, (422, "invalid-event")),
        ({"read": None}, (422, "invalid-event")),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_wrong_event_is_refused_with_its_reason(
    world: World, change: dict[str, Any], expected: tuple[int, str]
) -> None:
    reply = await world.post(world.entered("浙A8B762") | change)
    assert problem(reply) == expected
    assert await world.pool.fetchval("select count(*) from parking.lane_event") == 0


@pytest.mark.parametrize(
    "read",
    [
        {"plate": "浙A\x008B762"},
        {"plate": "浙A🚗8B76"},
        {"plate": "浙" * 10_000},
        {"plate": "'; drop table parking.stay; --"},
        {"plate": "浙A8B762", "confidence": 1.01},
        {"plate": "浙A8B762", "confidence": -0.1},
        {"plate": "浙A8B762", "confidence": "high"},
        {"plate": "浙A8B762", "colour": "pink"},
        {"plate": "浙A8B762", "candidates": [{"text": "A", "confidence": 0.5}] * 11},
        {"plate": "浙A8B762", "candidates": [{"text": "A\x00", "confidence": 0.5}]},
        {"plate": "浙A8B762", "candidates": [{"text": "A" * 65, "confidence": 0.5}]},
        {},
    ],
    ids=lambda value: ascii(value)[:40],
)
async def test_a_wrong_read_is_refused(world: World, read: dict[str, Any]) -> None:
    reply = await world.post(world.entered("x") | {"read": read})
    assert problem(reply)[0] == 422


async def test_text_that_only_postgres_would_refuse_is_refused_before(world: World) -> None:
    entry = world.entered("浙A8B762")
    reply = await world.post(world.corrected(entry, "浙A88888", reason="a\x00b"))
    assert problem(reply) == (422, "nul-character")
    reply = await world.post(world.corrected(entry, "无牌车"))
    assert problem(reply) == (422, "plate-missing")
    wrong = world.withdrawn(entry)
    reply = await world.post(wrong | {"withdraws": wrong["event_id"]})
    assert problem(reply) == (422, "amends-itself")


async def test_one_wrong_element_is_no_matter_to_its_neighbours(world: World) -> None:
    good, late = world.entered("浙A8B762"), world.entered("京A00001")
    elements = [good, {"event_id": "17"}, 5, world.entered("🚗"), [[]], late]
    reply = await world.post(elements)
    assert reply.status_code == 200
    results = reply.json()["results"]
    statuses = [each["status"] for each in results]
    assert statuses == ["accepted", "refused", "refused", "refused", "refused", "accepted"]
    assert results[3]["problem"]["type"] == "urn:leave-first:problem:invalid-plate"
    assert results[0]["event_id"] == str(good["event_id"])


async def test_ndjson_is_read_line_by_line(world: World) -> None:
    lines = [msgspec.json.encode(world.entered("浙A8B762")), b"", b'{"cut', b"[" * 9_999]
    lines.append(msgspec.json.encode(world.entered("京A00001")))
    reply = await world.post(b"\r\n".join(lines), kind="application/x-ndjson")
    statuses = [each["status"] for each in reply.json()["results"]]
    assert statuses == ["accepted", "refused", "refused", "accepted"]


async def test_an_empty_batch_is_answered_emptily(world: World) -> None:
    reply = await world.post([])
    assert (reply.status_code, reply.json()) == (200, {"results": []})


async def test_keys_are_needed_known_live_and_of_the_right_kind(world: World) -> None:
    event = world.entered("浙A8B762")
    assert problem(await world.post(event, key="")) == (401, "unauthorised")
    assert problem(await world.post(event, key="guess")) == (401, "unauthorised")
    headers = [(b"Authorization", b"Bearer \xff\xfe")]
    reply = await world.client.post("/v1/lane-events", content=b"{}", headers=headers)
    assert problem(reply) == (401, "unauthorised")
    assert problem(await world.post(event, key="the-admin-key-of-these-tests"))[0] == 403
    assert problem(await world.post(event, key=world.other_lot_key)) == (403, "other-lot")


async def test_a_revoked_key_is_refused_at_once(world: World) -> None:
    made = await world.as_admin("POST", "/v1/lots/west-lake/devices/box/keys")
    key = made.json()
    assert (await world.post(world.entered("浙A8B762"), key=key["key"])).status_code == 201
    assert (await world.as_admin("DELETE", f"/v1/keys/{key['key_id']}")).status_code == 204
    assert problem(await world.post(world.entered("京A00001"), key=key["key"]))[0] == 401
    stored = await world.pool.fetchval(
        "select count(*) from parking.api_key where key_sha256 = $1", key["key"].encode()
    )
    assert stored == 0


async def test_a_body_over_the_limit_is_not_read_to_its_end(database_url: str) -> None:
    async with open_world(database_url, limits=IngestLimits(body_bytes_max=2_000)) as world:
        assert (await world.post(world.entered("浙A8B762"))).status_code == 201
        assert problem(await world.post(b" " * 2_001)) == (413, "body-too-large")
        headers = {"Authorization": f"Bearer {world.device_key}"}
        sender = _ChunkedSender(world)
        status = await sender.post(headers, [b" " * 500] * 100)
        assert status == 413
        assert sender.chunks_taken <= 6


class _ChunkedSender:
    """Speaks ASGI itself, since the test client gathers a body before it sends it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.chunks_taken = 0

    async def post(self, headers: dict[str, str], chunks: list[bytes]) -> int:
        status = 0

        async def receive() -> Any:
            self.chunks_taken += 1
            chunk = chunks[self.chunks_taken - 1]
            return {"type": "http.request", "body": chunk, "more_body": True}

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)

        scope: Any = {
            "type": "http",
            "method": "POST",
            "path": "/v1/lane-events",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        await self._world.lane(scope, receive, send)
        return status


async def test_too_many_events_in_one_request_are_refused(database_url: str) -> None:
    async with open_world(database_url, limits=IngestLimits(request_events_max=3)) as world:
        assert problem(await world.post([1] * 4)) == (413, "too-many-events")
        batch = [world.entered(f"浙A0000{digit}") for digit in range(4)]
        assert problem(await world.post(batch)) == (413, "too-many-events")


async def test_a_device_that_sends_too_fast_is_slowed_down(database_url: str) -> None:
    limits = IngestLimits(device_events_per_second=1, device_events_burst=3)
    async with open_world(database_url, limits=limits) as world:
        for digit in range(3):
            assert (await world.post(world.entered(f"浙A0000{digit}"))).status_code == 201
        reply = await world.post(world.entered("浙A00009"))
        assert problem(reply) == (429, "too-many-events-per-second")
        assert int(reply.headers["retry-after"]) >= 1


async def test_the_same_event_a_thousand_times_at_once_counts_once(world: World) -> None:
    event = world.entered("浙A8B762")
    other = event | {"occurred_at": world.clock.now - timedelta(seconds=1)}
    body, wrong = msgspec.json.encode(event), msgspec.json.encode(other)
    await world.post(event | {"event_id": world.event_id(), "read": {"plate": None}})
    replies = await asyncio.gather(*(world.post(body) for _ in range(1_000)), world.post(wrong))
    statuses = [reply.status_code for reply in replies]
    assert sorted(statuses) == [200] * 999 + [201, 409]
    assert len(await world.stays()) == 1
    stored = await world.pool.fetchval(
        "select count(*) from parking.lane_event where event_id = $1", event["event_id"]
    )
    assert stored == 1


async def test_other_routes_say_their_problems_too(world: World) -> None:
    nobody = UUID(int=7)
    for method, path, body, status in (
        ("PUT", "/v1/operators/Bad_Slug", {"name_zh": "x", "name_en": "x"}, 422),
        ("PUT", "/v1/operators/ok", {"name_zh": "x\x00", "name_en": "x"}, 422),
        ("PUT", "/v1/lots/new/lanes/in", {"direction": "entry", "name": "x"}, 404),
        ("PUT", "/v1/lots/west-lake/lanes/in", {"direction": "up", "name": "x"}, 422),
        ("POST", "/v1/lots/west-lake/devices/none/keys", None, 404),
        ("POST", "/v1/operators/none/keys", None, 404),
        ("DELETE", f"/v1/keys/{nobody}", None, 404),
        ("GET", "/v1/lots/none", None, 404),
        ("GET", f"/v1/stays/{nobody}", None, 404),
        ("GET", "/v1/stays?state=gone", None, 422),
        ("GET", "/v1/stays?plate=%F0%9F%9A%97", None, 422),
        ("POST", "/v1/quotes", {"stay_id": str(nobody)}, 404),
        ("POST", "/v1/quotes", {"tariff_id": "plain"}, 422),
        ("POST", f"/v1/reviews/{nobody}/decision", {"decision": "confirm"}, 404),
    ):
        reply = await world.as_admin(method, path, body)
        assert (path, problem(reply)[0]) == (path, status)

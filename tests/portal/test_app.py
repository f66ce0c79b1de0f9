"""The application as a whole: health, problems, headers, and an OpenAPI document that is true."""

from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from litestar import Litestar
from litestar.testing import AsyncTestClient
from structlog.testing import capture_logs

from portal.app import create_app
from portal.demo.city import WULIN
from tests.portal.conftest import ADMIN_KEY, City, settings_for

pytestmark = pytest.mark.anyio
Client = AsyncTestClient[Litestar]
_ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
_OPS = {"/healthz", "/readyz", "/metrics"}


def assert_problem(reply: httpx.Response, status: int) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"].startswith("application/problem+json")
    problem: dict[str, Any] = reply.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:leave-first:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == reply.request.url.path
    assert problem["trace_id"] == reply.headers["x-trace-id"]
    return problem


async def test_it_is_alive_and_ready(client: Client) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"


async def test_a_database_without_tables_is_not_ready(empty_database_url: str) -> None:
    settings = settings_for(empty_database_url)
    async with AsyncTestClient(create_app(settings), raise_server_exceptions=False) as client:
        problem = assert_problem(await client.get("/readyz"), 503)
        assert "parking migrate" in problem["detail"]
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v1/nowhere", 404),
        ("DELETE", "/healthz", 405),
        ("GET", "/v1/stays/not-a-uuid", 404),
        ("GET", "/v1/lots", 401),
        ("POST", "/v1/lane-events", 401),
        ("GET", "/live.json", 401),
    ],
)
async def test_every_refusal_is_a_problem(
    client: Client, method: str, path: str, status: int
) -> None:
    assert_problem(await client.request(method, path), status)


async def test_a_malformed_body_names_its_field(client: Client) -> None:
    reply = await client.put("/v1/operators/x", json={"name_zh": "甲"}, headers=_ADMIN)
    problem = assert_problem(reply, 422)
    assert "name_en" in reply.text
    assert problem["errors"]


async def test_an_oversized_body_is_refused(client: Client) -> None:
    big = b'{"name_zh": "' + b"x" * (5 * 1024 * 1024) + b'"}'
    headers = {**_ADMIN, "Content-Type": "application/json"}
    assert_problem(await client.put("/v1/operators/x", content=big, headers=headers), 413)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b"{"])
async def test_a_hopeless_body_is_refused(client: Client, body: bytes) -> None:
    headers = {**_ADMIN, "Content-Type": "application/json"}
    reply = await client.put("/v1/operators/x", content=body, headers=headers)
    assert reply.status_code in {400, 422}
    assert_problem(reply, reply.status_code)


async def test_the_callers_trace_is_kept(client: Client) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    assert (await client.get("/healthz", headers=headers)).headers["x-trace-id"] == trace
    odd = {"traceparent": "00-nonsense-01"}
    assert len((await client.get("/healthz", headers=odd)).headers["x-trace-id"]) == 32


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/assets/live.js", "/pay/return"])
async def test_every_answer_carries_the_security_headers(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_no_key_reaches_the_log(client: Client) -> None:
    with capture_logs() as lines:
        await client.get(f"/?key={ADMIN_KEY}")
        await client.get("/nowhere?key=hush")
    assert any(line.get("route") == "/" for line in lines)
    assert ADMIN_KEY not in str(lines)
    assert "hush" not in str(lines)


async def test_metrics_count_requests_and_what_waits(city: City) -> None:
    await city.drive("浙A8K632", hours_ago=2, minutes=None)
    text = (await city.client.get("/metrics")).text
    assert "leavefirst_open_stays 1.0" in text
    assert 'leavefirst_lane_events_total{status="accepted"}' in text


async def _document(client: Client) -> dict[str, Any]:
    reply = await client.get("/openapi.json")
    assert reply.status_code == 200
    document: dict[str, Any] = reply.json()
    return document


async def test_openapi_has_every_route_and_every_route_is_there(client: Client) -> None:
    document = await _document(client)
    assert document["openapi"].startswith("3.1")
    operations = [
        (method.upper(), path, operation)
        for path, methods in sorted(document["paths"].items())
        for method, operation in sorted(methods.items())
    ]
    assert {path for _, path, _ in operations} >= {
        "/v1/lane-events",
        "/v1/stays/{stay_id}",
        "/v1/driver-accounts",
        "/v1/operators/{operator_id}/statements/{day}",
        "/v1/webhooks/{provider}",
        *_OPS,
    }
    for method, template, operation in operations:
        path = _filled(template, operation)
        reply = await client.request(method, path)
        assert reply.status_code not in {404, 405, 500} or _may_miss(template), (method, path)


def _filled(template: str, operation: dict[str, Any]) -> str:
    """Return the path with a value of the documented type in each of its places."""
    path = template
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            value = _example(parameter["name"], parameter["schema"])
            path = path.replace(f"{{{parameter['name']}}}", value)
    assert "{" not in path, f"{template} has a place that its parameters do not name"
    return path


def _example(name: str, schema: dict[str, Any]) -> str:
    if name == "provider":
        return "stripe"
    if schema.get("type") == "integer":
        return "1"
    by_format = {"uuid": "01930000-0000-7000-8000-000000000000", "date": "2026-11-22"}
    return by_format.get(schema.get("format", ""), "x")


def _may_miss(template: str) -> bool:
    """Routes that need no key answer 404 for a stay or ticket that is not there."""
    return template.startswith("/v1/stays/{stay_id}/") or template == "/v1/tickets/{ticket}"


async def test_answers_match_their_documented_shape(city: City) -> None:
    document = await _document(city.client)
    stay_id = await city.drive("浙A8K632", hours_ago=3, minutes=23)
    for template, path in (
        ("/v1/lots", "/v1/lots"),
        ("/v1/stays", "/v1/stays?limit=5"),
        ("/v1/stays/{stay_id}", f"/v1/stays/{stay_id}"),
        ("/v1/reviews", "/v1/reviews"),
        ("/v1/occupancy", "/v1/occupancy"),
        ("/v1/lots/{lot_id}/occupancy", f"/v1/lots/{WULIN.lot_id}/occupancy"),
        ("/v1/clone-suspicions", "/v1/clone-suspicions"),
    ):
        body = await city.admin.get(path)
        responses = document["paths"][template]["get"]["responses"]
        schema = responses["200"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": document["components"]}
        Draft202012Validator(whole).validate(body)

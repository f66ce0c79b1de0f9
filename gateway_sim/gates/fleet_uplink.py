"""Posts a fleet's events to the real API, as stubbornly as gate boxes do."""

from collections import Counter
from collections.abc import Mapping, Sequence

import anyio
import httpx
import msgspec

from gateway_sim.gates.fleet import Posting
from parking.core.errors import DomainError

LANE_EVENTS = "/v1/lane-events"
_ATTEMPTS_MAX = 20
_RETRY_SECONDS = 0.2


class FleetRefusedError(DomainError):
    """The server refused a request, or an event in it, for good."""

    def __init__(self, lot_id: str, reason: str) -> None:
        super().__init__(f"the gate box of {lot_id} was refused: {reason}")
        self.lot_id = lot_id
        self.reason = reason


class FleetUnheardError(DomainError):
    """The server did not take a request, however often it was sent."""

    def __init__(self, lot_id: str, attempts: int) -> None:
        super().__init__(f"the gate box of {lot_id} was not heard in {attempts} attempts")
        self.lot_id = lot_id


class _Result(msgspec.Struct, frozen=True):
    status: str
    problem: dict[str, str] | None = None


class _Results(msgspec.Struct, frozen=True):
    results: tuple[_Result, ...]


async def post_all(
    client: httpx.AsyncClient,
    requests: Sequence[Posting],
    *,
    keys: Mapping[str, str],
    senders: int = 8,
) -> Counter[str]:
    """Post all requests, `senders` at a time; answers how many events got which status.

    `keys` holds a device key for each lot. A request that is put off (429, 503) or cut is sent
    again as it is. Raises FleetRefusedError and FleetUnheardError.
    """
    counts: Counter[str] = Counter()
    waiting = list(reversed(requests))

    async def send_on() -> None:
        while waiting:
            posting = waiting.pop()
            counts.update(await _post(client, posting, keys[posting.lot_id]))

    async with anyio.create_task_group() as group:
        for _ in range(senders):
            group.start_soon(send_on)
    return counts


async def _post(client: httpx.AsyncClient, posting: Posting, key: str) -> list[str]:
    body = msgspec.json.encode(posting.reports)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for _ in range(_ATTEMPTS_MAX):
        try:
            reply = await client.post(LANE_EVENTS, content=body, headers=headers)
        except httpx.TransportError:
            await anyio.sleep(_RETRY_SECONDS)
            continue
        if reply.status_code in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}:
            await anyio.sleep(float(reply.headers.get("Retry-After", _RETRY_SECONDS)))
            continue
        if not reply.is_success:
            raise FleetRefusedError(posting.lot_id, reply.text)
        return _statuses(posting, reply.content)
    raise FleetUnheardError(posting.lot_id, _ATTEMPTS_MAX)


def _statuses(posting: Posting, content: bytes) -> list[str]:
    results = msgspec.json.decode(content, type=_Results).results
    for result in results:
        if result.problem is not None:
            raise FleetRefusedError(posting.lot_id, str(result.problem))
    return [result.status for result in results]

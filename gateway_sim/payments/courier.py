"""Delivers events to webhook endpoints: signed, in the background, again until taken."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Sequence
from typing import TypeVar

import httpx
import msgspec
import structlog

from gateway_sim.payments.deliveries import Delivery
from gateway_sim.payments.faults import Mishap
from gateway_sim.payments.happenings import let_happen
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.base import Shape
from gateway_sim.payments.shapes.event import Event, WebhookEndpoint
from gateway_sim.payments.world import World

AT_ONCE = 8
TIMEOUT_S = 10.0
LOOK_AGAIN_S = 0.5
"""The longest wait between two looks at the clock."""
FALSE_BY_S = 3600
"""How far a stale or future-dated signature is off; receivers take five minutes."""
S = TypeVar("S", bound=Shape)
log = structlog.get_logger("gateway_sim.payments")


def signature(*, body: bytes, secrets: Sequence[str], signed_at: int) -> str:
    """The value of the Stripe-Signature header: while a secret is rotated, one part for each."""
    signed = f"{signed_at}.".encode() + body
    digests = [hmac.new(one.encode(), signed, hashlib.sha256).hexdigest() for one in secrets]
    return ",".join((f"t={signed_at}", *(f"v1={digest}" for digest in digests)))


class Courier:
    """Takes what is due from the queue and posts it."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self) -> None:
        """Deliver until cancelled."""
        # No proxy from the environment: endpoints are on loopback.
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            while True:
                self._world.deliveries.woken.clear()
                let_happen(self._world)
                if not await self.deliver_due(client):
                    await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._pause_s()):
                await self._world.deliveries.woken.wait()
        except TimeoutError:
            return

    def _pause_s(self) -> float:
        world = self._world
        due = [at for at in (world.deliveries.next_due_at(), world.agenda.next_due_at()) if at]
        if not due or world.clock.is_virtual:
            return LOOK_AGAIN_S
        return min(max(min(due) - world.clock.now(), 0.0), LOOK_AGAIN_S)

    async def deliver_due(self, client: httpx.AsyncClient) -> int:
        """Post what is due now, some at once and so in no certain order; how many there were."""
        now = self._world.clock.now()
        due = self._world.deliveries.due(now=now, limit=AT_ONCE)
        await asyncio.gather(*(self._deliver(client, delivery) for delivery in due))
        return len(due)

    async def _deliver(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        world = self._world
        endpoint = _kept(world, WebhookEndpoint, delivery.endpoint)
        event = _kept(world, Event, delivery.event)
        if endpoint is None or event is None or endpoint.status != "enabled":
            world.deliveries.lost(delivery, "the endpoint is gone or disabled")
            return
        body, signed = _sealed(world, event, endpoint, flaw=delivery.flaw)
        taken, answer = await _post(client, endpoint.url, body, signed)
        if delivery.flaw:
            world.deliveries.answered(delivery, answer, taken=taken)
        elif taken:
            world.deliveries.delivered(delivery, answer)
        else:
            world.deliveries.failed(delivery, answer, now=world.clock.now())
            log.info("webhook not taken", stripe_event=event.id, type=event.type, answer=answer)


def _kept(world: World, shape: type[S], object_id: str) -> S | None:
    """An object of whatever account."""
    account = world.store.account_of(object_id)
    if account is None:
        return None
    with world.store.within(account):
        return world.store.get(shape, object_id)


def _sealed(
    world: World, event: Event, endpoint: WebhookEndpoint, *, flaw: str
) -> tuple[bytes, str]:
    """The body of a delivery and its signature, false in the way that is asked for."""
    told = present(world, event)
    # Signed with the real time even when the simulator's clock is virtual: the receiver's
    # library checks the signature's age against its own clock.
    signed_at = int(time.time())
    secrets = [endpoint.secret]
    if endpoint.old_secret and world.clock.now() < endpoint.old_secret_until:
        secrets.append(endpoint.old_secret)
    match flaw:
        case Mishap.WEBHOOK_FORGED.value:
            told = {**told, "id": f"evt_forged{event.id.removeprefix('evt_')}"}
            secrets = ["whsec_of_a_forger"]
        case Mishap.WEBHOOK_STALE.value:
            signed_at -= FALSE_BY_S
        case Mishap.WEBHOOK_FUTURE_DATED.value:
            signed_at += FALSE_BY_S
        case Mishap.WEBHOOK_OLD_SECRET.value:
            secrets = [endpoint.old_secret or "whsec_rotated_out"]
    body = msgspec.json.encode(told)
    return body, signature(body=body, secrets=secrets, signed_at=signed_at)


async def _post(client: httpx.AsyncClient, url: str, body: bytes, signed: str) -> tuple[bool, str]:
    """Whether the endpoint took it, and what it said."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signed,
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    try:
        reply = await client.post(url, content=body, headers=headers)
    except httpx.HTTPError as error:
        return False, type(error).__name__
    return reply.is_success, str(reply.status_code)

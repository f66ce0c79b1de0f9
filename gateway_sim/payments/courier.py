"""Delivers events to webhook endpoints: signed, in the background, again until taken."""

import asyncio
import hashlib
import hmac
import time

import httpx
import msgspec
import structlog

from gateway_sim.payments.deliveries import Delivery
from gateway_sim.payments.operations.checkout_sessions import expire_overdue
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.event import Event, WebhookEndpoint
from gateway_sim.payments.world import World

AT_ONCE = 8
TIMEOUT_S = 10.0
LOOK_AGAIN_S = 0.5
"""The longest wait between two looks at the clock."""
log = structlog.get_logger("gateway_sim.payments")


def signature(*, body: bytes, secret: str, signed_at: int) -> str:
    """The value of the Stripe-Signature header."""
    signed = f"{signed_at}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={signed_at},v1={digest}"


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
                if not await self.deliver_due(client):
                    self._expire_pages()
                    await self._wait()

    def _expire_pages(self) -> None:
        with self._world.store.transaction():
            expire_overdue(self._world)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._pause_s()):
                await self._world.deliveries.woken.wait()
        except TimeoutError:
            return

    def _pause_s(self) -> float:
        due_at = self._world.deliveries.next_due_at()
        if due_at is None or self._world.clock.is_virtual:
            return LOOK_AGAIN_S
        return min(max(due_at - self._world.clock.now(), 0.0), LOOK_AGAIN_S)

    async def deliver_due(self, client: httpx.AsyncClient) -> int:
        """Post what is due now, some at once and so in no certain order; how many there were."""
        now = self._world.clock.now()
        due = self._world.deliveries.due(now=now, limit=AT_ONCE)
        await asyncio.gather(*(self._deliver(client, delivery) for delivery in due))
        return len(due)

    async def _deliver(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        world = self._world
        endpoint = world.store.get(WebhookEndpoint, delivery.endpoint)
        event = world.store.get(Event, delivery.event)
        if endpoint is None or event is None or endpoint.status != "enabled":
            world.deliveries.lost(delivery, "the endpoint is gone or disabled")
            return
        body = msgspec.json.encode(present(world, event))
        taken, answer = await _post(client, endpoint, body)
        if taken:
            world.deliveries.delivered(delivery, answer)
            return
        world.deliveries.failed(delivery, answer, now=world.clock.now())
        log.info("webhook not taken", stripe_event=event.id, type=event.type, answer=answer)


async def _post(
    client: httpx.AsyncClient, endpoint: WebhookEndpoint, body: bytes
) -> tuple[bool, str]:
    """Whether the endpoint took it, and what it said."""
    # Signed with the real time even when the simulator's clock is virtual: the receiver's
    # library checks the signature's age against its own clock.
    signed = signature(body=body, secret=endpoint.secret, signed_at=int(time.time()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signed,
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    try:
        reply = await client.post(endpoint.url, content=body, headers=headers)
    except httpx.HTTPError as error:
        return False, type(error).__name__
    return reply.is_success, str(reply.status_code)

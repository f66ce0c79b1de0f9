"""Webhooks: verified, stored once, and never needed."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import stripe

from billing.gateway import ForgedWebhookError
from billing.services.webhooks import receive_webhook
from gateway_sim.payments.server import Options
from parking.core.secret import Secret
from tests.gateway_sim.payments.harness import Inbox, running, webhook_inbox
from tests.integration.billing.world import SECRET, VISA, BillingWorld, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def posted(database_url: str) -> AsyncIterator[tuple[BillingWorld, Inbox]]:
    """A world whose webhooks are caught, to be handed in as a test likes."""
    with webhook_inbox() as inbox:
        options = Options(seed=7, webhook_url=inbox.url, webhook_secret=SECRET)
        with running(options) as simulator:
            async with open_world(database_url, simulator, poll_seconds=3600) as world:
                yield world, inbox


def _headers(signature: str | None) -> dict[str, str]:
    return {} if signature is None else {"stripe-signature": signature}


async def hand_in(world: BillingWorld, body: bytes, signature: str | None) -> bool:
    return await receive_webhook(
        world.pool, world.gateway, body=body, headers=_headers(signature), now=world.now
    )


async def page_paid(world: BillingWorld, inbox: Inbox) -> list[tuple[bytes, str]]:
    """Pay one stay by hand; answers all webhooks that tell of it."""
    stay = world.priced("沪B12345", 2_000)
    await world.publish(stay)
    await world.drain()
    world.visit(await world.checkout(stay.stay_id), VISA)
    posts = inbox.wait_for(4)
    assert (await world.waiting()).payments == 0
    return posts


async def test_a_webhook_brings_the_news_at_once(posted: tuple[BillingWorld, Inbox]) -> None:
    world, inbox = posted
    for body, signature in await page_paid(world, inbox):
        await hand_in(world, body, signature)
    await world.drain()
    assert [payment.state for payment in await world.payments()] == ["succeeded"]


async def test_repeated_and_reordered_they_change_nothing(
    posted: tuple[BillingWorld, Inbox],
) -> None:
    world, inbox = posted
    posts = await page_paid(world, inbox)
    for body, signature in reversed(posts * 3):
        await hand_in(world, body, signature)
        await world.drain()
    again = [await hand_in(world, body, signature) for body, signature in posts]
    assert not any(again)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [2_000]
    assert await world.pool.fetchval("SELECT count(*) FROM billing.webhook_inbox") == len(
        {json.loads(body)["id"] for body, _ in posts}
    )
    await world.assert_sound()


async def test_without_any_the_sweep_finds_out(posted: tuple[BillingWorld, Inbox]) -> None:
    world, inbox = posted
    await page_paid(world, inbox)
    await world.later(hours=1)
    assert [payment.state for payment in await world.payments()] == ["succeeded"]


async def test_a_lost_answer_is_cleared_up_by_its_webhook(
    posted: tuple[BillingWorld, Inbox],
) -> None:
    world, inbox = posted
    driver = await world.driver("浙A8B762")
    assert driver is not None
    await world.publish(world.priced("浙A8B762", 1_500))
    world.simulator.faults(script=[{"fault": "drop_after", "path": "/v1/payment_intents"}])
    await world.drain()
    assert (await world.waiting()).unknown == 1
    for body, signature in inbox.wait_for(6):
        await hand_in(world, body, signature)
    await world.drain()
    assert (await world.waiting()).unknown == 0
    await world.settle()
    await world.assert_sound()


class TestForgeries:
    async def test_are_refused(self, world: BillingWorld) -> None:
        body = json.dumps({"id": "evt_1", "type": "x", "data": {"object": {"id": "pi_1"}}})
        header = stripe.WebhookSignature.generate_signature_header
        good = header(body, SECRET)
        late = int((world.now - timedelta(minutes=6)).timestamp())
        forged = [
            (body.encode(), None),
            (body.encode(), ""),
            (body.encode(), "t=1,v1=00"),
            (body.encode(), header(body, "whsec_other")),
            (body.encode(), header(body, SECRET, late)),
            (body.replace("pi_1", "pi_2").encode(), good),
            (b"\xff\xfe", good),
            (b"not json", header("not json", SECRET)),
        ]
        for content, signature in forged:
            with pytest.raises(ForgedWebhookError):
                await hand_in(world, content, signature)
        assert await world.pool.fetchval("SELECT count(*) FROM billing.webhook_inbox") == 0

    async def test_an_old_secret_is_good_while_it_is_being_rotated(self, database_url: str) -> None:
        with running(Options(seed=7)) as simulator:
            secrets = Secret(f"whsec_new,{SECRET}")
            async with open_world(database_url, simulator, stripe_webhook_secret=secrets) as world:
                body = json.dumps(
                    {
                        "id": "evt_1",
                        "type": "payment_intent.succeeded",
                        "object": "event",
                        "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
                    }
                )
                for secret in ("whsec_new", SECRET):
                    signature = stripe.WebhookSignature.generate_signature_header(body, secret)
                    await hand_in(world, body.encode(), signature)
                assert await world.drain() >= 1

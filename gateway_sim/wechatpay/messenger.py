"""Sends notifications to merchants: encrypted, signed, in the background, again until taken."""

import asyncio
import ssl
import time

import httpx
import msgspec
import structlog

from gateway_sim.wechatpay.faults import Mishap
from gateway_sim.wechatpay.happenings import let_happen
from gateway_sim.wechatpay.moments import rfc3339
from gateway_sim.wechatpay.notifications import Errand, News
from gateway_sim.wechatpay.sealing import as_probe, encrypt
from gateway_sim.wechatpay.world import World

AT_ONCE = 8
TIMEOUT_S = 5.0
"""How long WeChat waits for an answer."""
LOOK_AGAIN_S = 0.5
"""The longest wait between two looks at the clock."""
FALSE_BY_S = 3600
"""How far a stale or future-dated signature is off; receivers take five minutes."""
_TAKEN = frozenset({200, 204})
log = structlog.get_logger("gateway_sim.wechatpay")


class Messenger:
    """Takes what is due from the queue and posts it."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self) -> None:
        """Send until cancelled."""
        # Receivers are on loopback: no proxy from the environment, no authorities to load.
        no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=no_tls) as client:
            while True:
                self._world.notifications.woken.clear()
                let_happen(self._world)
                if not await self._send_due(client):
                    await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._pause_s()):
                await self._world.notifications.woken.wait()
        except TimeoutError:
            return

    def _pause_s(self) -> float:
        world = self._world
        due = [at for at in (world.notifications.next_due_at(), world.agenda.next_due_at()) if at]
        if not due or world.clock.is_virtual:
            return LOOK_AGAIN_S
        return min(max(min(due) - world.clock.now(), 0.0), LOOK_AGAIN_S)

    async def _send_due(self, client: httpx.AsyncClient) -> int:
        """Post what is due now, some at once and so in no certain order; how many there were."""
        due = self._world.notifications.due(now=self._world.clock.now(), limit=AT_ONCE)
        await asyncio.gather(*(self._send(client, errand) for errand in due))
        return len(due)

    async def _send(self, client: httpx.AsyncClient, errand: Errand) -> None:
        world = self._world
        body, headers = _sealed(world, errand)
        try:
            reply = await client.post(errand.news.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            taken, answer = False, type(error).__name__
        else:
            taken, answer = reply.status_code in _TAKEN, str(reply.status_code)
        world.notifications.answered(errand, answer, taken=taken, now=world.clock.now())
        if not taken and not errand.flaw:
            log.info("notification not taken", type=errand.news.event_type, answer=answer)


def _sealed(world: World, errand: Errand) -> tuple[bytes, dict[str, str]]:
    """The body of a notification and its headers, false in the way that is asked for."""
    news, keys = errand.news, world.keys
    # Signed with the real time even when the simulator's clock is virtual: receivers judge a
    # signature's age by their own clock.
    at = int(time.time())
    match errand.flaw:
        case Mishap.NOTIFICATION_FORGED.value:
            body = _body(world, msgspec.structs.replace(news, id=f"{news.id[:-6]}forged"))
            signed = keys.forged_headers(body, signed_with=news.signed_with, at=at)
        case Mishap.NOTIFICATION_OLD_CERTIFICATE.value:
            body = _body(world, news)
            signed = keys.retired_headers(body, at=at)
        case flaw:
            body = _body(world, news)
            signed = keys.headers(body, signed_with=news.signed_with, at=at + _OFF_BY.get(flaw, 0))
            if flaw == Mishap.NOTIFICATION_PROBE.value:
                signed = as_probe(signed)
    return body, {**signed, "Content-Type": "application/json", "Request-ID": f"{news.id}-0"}


_OFF_BY = {
    Mishap.NOTIFICATION_STALE.value: -FALSE_BY_S,
    Mishap.NOTIFICATION_FUTURE_DATED.value: FALSE_BY_S,
}


def _body(world: World, news: News) -> bytes:
    plain = msgspec.json.encode(news.resource)
    return msgspec.json.encode(
        {
            "id": news.id,
            "create_time": rfc3339(news.created_at),
            "resource_type": "encrypt-resource",
            "event_type": news.event_type,
            "summary": news.summary,
            "resource": {
                "original_type": news.original_type,
                **encrypt(plain, key=world.keys.keyring.apiv3_key, about=news.original_type),
            },
        }
    )

"""A request's way through `/v3`: signature, fault, one transaction, a signed answer."""

import asyncio
import secrets
import time

from gateway_sim.application import ConnectionCutError
from gateway_sim.rate_limit import RateLimit
from gateway_sim.wechatpay.errors import RateLimitedError, SystemFailureError, WechatError
from gateway_sim.wechatpay.faults import Fault
from gateway_sim.wechatpay.happenings import let_happen
from gateway_sim.wechatpay.routes import Call, find_route
from gateway_sim.wechatpay.sealing import SignedWith, as_probe
from gateway_sim.wechatpay.world import World
from gateway_sim.wire import Reply, Request

_JSON = "application/json"
_BAD_GATEWAY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)


class Api:
    """Answers WeChat Pay's API v3."""

    def __init__(self, world: World, rate_limit: RateLimit) -> None:
        self._world = world
        self._rate_limit = rate_limit

    async def answer(self, request: Request) -> Reply:
        """Answer a request.

        Raises ConnectionCutError when a fault wants no answer at all.
        """
        try:
            # The time of a signature is real, whatever the simulator's clock says: the
            # merchant's library signs with its own.
            mchid = self._world.keys.check(request, now=int(time.time()))
            if not self._rate_limit.allows():
                raise RateLimitedError
        except WechatError as error:
            return self._signed(request, error.reply(), fault=None)
        fault = self._world.faults.for_request(request.method, request.path)
        return await self._leave(request, self._answer(request, mchid, fault), fault)

    def _answer(self, request: Request, mchid: str, fault: Fault | None) -> Reply:
        try:
            early = _before_execution(fault)
            reply = early if early is not None else self._execute(request, mchid)
        except WechatError as error:
            return error.reply()
        return SystemFailureError().reply() if fault is Fault.SERVER_ERROR_AFTER else reply

    def _execute(self, request: Request, mchid: str) -> Reply:
        world = self._world
        # What was due before the request came has happened before it.
        let_happen(world)
        operation, number = find_route(request)
        call = Call(request=request, mchid=mchid, number=number)
        with world.store.transaction():
            reply = operation(world, call)
        let_happen(world)
        world.notifications.wake()
        return reply

    async def _leave(self, request: Request, reply: Reply, fault: Fault | None) -> Reply:
        match fault:
            case Fault.SLOW:
                await asyncio.sleep(self._world.faults.plan.slow_seconds)
            case Fault.DROP_AFTER:
                msg = "cut after execution"
                raise ConnectionCutError(msg)
            case Fault.BAD_GATEWAY | Fault.BAD_GATEWAY_AFTER:
                return Reply(status=502, body=_BAD_GATEWAY, content_type="text/html")
        return self._signed(request, reply, fault=fault)

    def _signed(self, request: Request, reply: Reply, *, fault: Fault | None) -> Reply:
        """With the headers of an answer; files are fetched unsigned."""
        reply = reply.with_headers(Request_ID=secrets.token_hex(16).upper())
        if reply.content_type != _JSON:
            return reply
        wanted = request.headers.get("wechatpay-serial", "")
        signed_with: SignedWith = (
            "public_key" if wanted == self._world.keys.keyring.public_key_id else "certificate"
        )
        sign = self._world.keys.headers
        if fault is Fault.ANSWER_FORGED:
            sign = self._world.keys.forged_headers
        headers = sign(reply.body, signed_with=signed_with, at=int(time.time()))
        if fault is Fault.ANSWER_PROBE:
            headers = as_probe(headers)
        return Reply(
            status=reply.status,
            body=reply.body,
            content_type=f"{_JSON}; charset=utf-8",
            headers={**reply.headers, **headers},
        )


def _before_execution(fault: Fault | None) -> Reply | None:
    match fault:
        case Fault.DROP_BEFORE:
            msg = "cut before execution"
            raise ConnectionCutError(msg)
        case Fault.RATE_LIMITED:
            raise RateLimitedError
        case Fault.SERVER_ERROR:
            raise SystemFailureError
        case Fault.BAD_GATEWAY:
            return Reply(status=502, body=_BAD_GATEWAY, content_type="text/html")
    return None

"""The ASGI application: reads requests whole, sends them to the API or to `/_sim`."""

from gateway_sim.hosting import (
    BodyTooLargeError,
    ConnectionCutError,
    HangUp,
    Message,
    Receive,
    Send,
    read_request,
    send_reply,
    wait_for_disconnect,
)
from gateway_sim.rate_limit import RateLimit
from gateway_sim.wechatpay.api import Api
from gateway_sim.wechatpay.control import Control
from gateway_sim.wechatpay.errors import ParamError
from gateway_sim.wechatpay.world import World
from gateway_sim.wire import Reply, json_reply


class App:
    """The simulator as an ASGI application."""

    def __init__(self, world: World, *, rate_limit: RateLimit, hang_up: HangUp) -> None:
        self._api = Api(world, rate_limit)
        self._control = Control(world)
        self._hang_up = hang_up

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        try:
            reply = await self._answer(scope, receive)
        except ConnectionCutError:
            self._hang_up(tuple(scope["client"]))
            await wait_for_disconnect(receive)
            return
        await send_reply(send, reply)

    async def _answer(self, scope: Message, receive: Receive) -> Reply:
        try:
            request = await read_request(scope, receive)
        except BodyTooLargeError as error:
            return ParamError(str(error)).reply()
        if request.path.startswith("/v3/"):
            return await self._api.answer(request)
        if request.path.startswith("/_sim/"):
            return self._control.answer(request)
        return json_reply({"error": f"no {request.method} {request.path} here"}, status=404)

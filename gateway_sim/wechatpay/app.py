"""The ASGI application: sends requests to the API or to `/_sim`."""

from gateway_sim.application import Application, BodyTooLargeError, HangUp
from gateway_sim.rate_limit import RateLimit
from gateway_sim.wechatpay.api import Api
from gateway_sim.wechatpay.control import Control
from gateway_sim.wechatpay.errors import ParamError
from gateway_sim.wechatpay.world import World
from gateway_sim.wire import Reply, Request, json_reply


class App(Application):
    """The simulator as an ASGI application."""

    def __init__(self, world: World, *, rate_limit: RateLimit, hang_up: HangUp) -> None:
        super().__init__(hang_up)
        self._api = Api(world, rate_limit)
        self._control = Control(world)

    async def answer(self, request: Request) -> Reply:
        """Answer a request; 404 for what is nowhere."""
        if request.path.startswith("/v3/"):
            return await self._api.answer(request)
        if request.path.startswith("/_sim/"):
            return self._control.answer(request)
        return json_reply({"error": f"no {request.method} {request.path} here"}, status=404)

    def refuse(self, error: BodyTooLargeError) -> Reply:
        """Answer with PARAM_ERROR."""
        return ParamError(str(error)).reply()

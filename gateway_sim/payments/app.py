"""The ASGI application: sends requests to the API, the pages or `/_sim`."""

import re

from gateway_sim.application import Application, BodyTooLargeError, HangUp
from gateway_sim.payments import hosted_pages, onboarding_page
from gateway_sim.payments.api import Api
from gateway_sim.payments.control import Control
from gateway_sim.payments.errors import StripeError
from gateway_sim.payments.happenings import let_happen
from gateway_sim.payments.world import Cause, World
from gateway_sim.rate_limit import RateLimit
from gateway_sim.wire import Reply, Request, html_reply, json_reply

_PAGES = {
    ("GET", "pay"): hosted_pages.show_checkout,
    ("POST", "pay"): hosted_pages.submit_checkout,
    ("GET", "authenticate"): hosted_pages.show_authentication,
    ("POST", "authenticate"): hosted_pages.submit_authentication,
    ("GET", "onboard"): onboarding_page.show,
    ("POST", "onboard"): onboarding_page.submit,
}
_PAGE_PATH = re.compile(r"/(pay|authenticate|onboard)/([A-Za-z0-9_]+)")


class RequestTooLargeError(StripeError):
    """The body is larger than any that Stripe takes."""

    status = 413


class App(Application):
    """The simulator as an ASGI application."""

    def __init__(self, world: World, *, rate_limit: RateLimit, hang_up: HangUp) -> None:
        super().__init__(hang_up)
        self._world = world
        self._api = Api(world, rate_limit)
        self._control = Control(world)

    async def answer(self, request: Request) -> Reply:
        """Answer a request; 404 for what is nowhere."""
        if request.path.startswith("/v1/"):
            return await self._api.answer(request)
        if request.path.startswith("/_sim/"):
            return self._control.answer(request)
        return self._page(request)

    def refuse(self, error: BodyTooLargeError) -> Reply:
        """Answer with 413, before the request gets an id."""
        return RequestTooLargeError(str(error)).reply("req_none")

    def _page(self, request: Request) -> Reply:
        matched = _PAGE_PATH.fullmatch(request.path)
        page = _PAGES.get((request.method, matched[1])) if matched else None
        if matched is None or page is None:
            return json_reply({"error": f"no {request.method} {request.path} here"}, status=404)
        world = self._world
        try:
            with world.store.transaction(), world.acting_for(Cause(origin=request.origin)):
                reply = page(world, request, matched[2])
        except StripeError as error:
            return html_reply(f"<!doctype html><p>{error}</p>", status=error.status)
        let_happen(world)
        world.deliveries.wake()
        return reply

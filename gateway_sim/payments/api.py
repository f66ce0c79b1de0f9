"""A request's way through `/v1`: key, fault, parameters, idempotency, one transaction, answer."""

import asyncio
import base64
import binascii

import msgspec

from gateway_sim.application import ConnectionCutError
from gateway_sim.payments.errors import (
    AuthenticationError,
    ForeignAccountError,
    LockTimeoutError,
    ObjectLockedError,
    RateLimitedError,
    ServerError,
    StripeError,
)
from gateway_sim.payments.faults import Fault
from gateway_sim.payments.forms import FormValue, decode_form
from gateway_sim.payments.happenings import let_happen
from gateway_sim.payments.idempotency import Keyed, SavedAnswers, keyed
from gateway_sim.payments.operations.params import Params, decode_params
from gateway_sim.payments.presenting import expand, present
from gateway_sim.payments.routes import Route, find_route
from gateway_sim.payments.shapes.account import Account
from gateway_sim.payments.shapes.base import Shape
from gateway_sim.payments.store import PLATFORM
from gateway_sim.payments.world import API_VERSION, Cause, World
from gateway_sim.rate_limit import RateLimit
from gateway_sim.wire import JsonObject, Reply, Request, json_reply

KEY_PREFIXES = ("sk_test_", "rk_test_")
_BAD_GATEWAY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n"
    b"</body>\r\n</html>\r\n"
)


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    request: Request
    request_id: str
    route: Route
    ids: tuple[str, ...]
    account: str
    params: Params
    keyed: Keyed | None
    fault: Fault | None


class Api:
    """Answers Stripe's API."""

    def __init__(self, world: World, rate_limit: RateLimit) -> None:
        self._world = world
        self._saved = SavedAnswers(world.store)
        self._rate_limit = rate_limit

    async def answer(self, request: Request) -> Reply:
        """Answer a request.

        Raises ConnectionCutError when a fault wants no answer at all.
        """
        request_id = self._world.ids.make("req")
        try:
            reply = await self._answer(request, request_id)
        except StripeError as error:
            reply = error.reply(request_id)
        key = request.headers.get("idempotency-key")
        if key:
            reply = reply.with_headers(Idempotency_Key=key)
        version = request.headers.get("stripe-version", API_VERSION)
        return reply.with_headers(Request_Id=request_id, Stripe_Version=version)

    async def _answer(self, request: Request, request_id: str) -> Reply:
        _check_key(request)
        if not self._rate_limit.allows():
            raise RateLimitedError
        account = self._account_named(request)
        fault = self._world.faults.for_request(request.method, request.path)
        if (early := _before_execution(fault)) is not None:
            return early
        call = _read(request, request_id, account, fault)
        if call.keyed is None:
            return await self._execute(call)
        replayed = self._saved.replay(call.keyed, now=self._world.clock.now())
        if replayed is not None:
            return await self._leave(replayed, fault)
        self._saved.begin(call.keyed)
        try:
            return await self._execute(call)
        finally:
            self._saved.end(call.keyed)

    def _account_named(self, request: Request) -> str:
        """The connected account that the request is made on behalf of, or the platform.

        Raises ForeignAccountError.
        """
        named = request.headers.get("stripe-account", PLATFORM)
        if named and self._world.store.get(Account, named) is None:
            raise ForeignAccountError(named)
        return named

    async def _execute(self, call: _Call) -> Reply:
        world = self._world
        with world.store.transaction():
            reply = self._perform(call)
            if call.keyed is not None:
                now = world.clock.now()
                self._saved.save(call.keyed, reply, request_id=call.request_id, now=now)
        let_happen(world)
        world.deliveries.wake()
        return await self._leave(reply, call.fault)

    def _perform(self, call: _Call) -> Reply:
        if call.fault is Fault.SERVER_ERROR:
            return ServerError().reply(call.request_id)
        world = self._world
        key = call.keyed.key if call.keyed else None
        cause = Cause(
            request_id=call.request_id,
            idempotency_key=key,
            origin=call.request.origin,
            # An account is told of by its platform, whoever asks.
            account=PLATFORM if call.route.path.startswith("/v1/accounts") else call.account,
        )
        try:
            with world.store.savepoint(), world.acting_for(cause):
                result = call.route.operation(world, call.params, *call.ids)
                body = expand(world, _as_json(world, result), call.params.expand)
        except StripeError as error:
            return error.reply(call.request_id)
        if call.fault is Fault.SERVER_ERROR_AFTER:
            return ServerError().reply(call.request_id)
        return json_reply(body)

    async def _leave(self, reply: Reply, fault: Fault | None) -> Reply:
        match fault:
            case Fault.SLOW:
                await asyncio.sleep(self._world.faults.plan.slow_seconds)
            case Fault.DROP_AFTER:
                msg = "cut after execution"
                raise ConnectionCutError(msg)
            case Fault.BAD_GATEWAY_AFTER:
                return _bad_gateway()
        return reply


def _before_execution(fault: Fault | None) -> Reply | None:
    match fault:
        case Fault.DROP_BEFORE:
            msg = "cut before execution"
            raise ConnectionCutError(msg)
        case Fault.RATE_LIMITED:
            raise RateLimitedError
        case Fault.CONFLICT:
            raise LockTimeoutError
        case Fault.LOCK_TIMEOUT:
            raise ObjectLockedError
        case Fault.BAD_GATEWAY:
            return _bad_gateway()
    return None


def _bad_gateway() -> Reply:
    return Reply(status=502, body=_BAD_GATEWAY, content_type="text/html")


def _read(request: Request, request_id: str, account: str, fault: Fault | None) -> _Call:
    route, ids = find_route(request.method, request.path)
    values: dict[str, FormValue] = decode_form(_form_text(request))
    key = request.headers.get("idempotency-key")
    return _Call(
        request=request,
        request_id=request_id,
        route=route,
        ids=ids,
        account=account,
        params=decode_params(route.params, values),
        keyed=keyed(
            key=key, account=account, method=request.method, path=request.path, values=values
        )
        if key and request.method == "POST"
        else None,
        fault=fault,
    )


def _form_text(request: Request) -> str:
    if request.method != "POST":
        return request.query
    try:
        return request.body.decode()
    except UnicodeDecodeError as error:
        msg = "Invalid form encoding of the request's parameters."
        raise StripeError(msg) from error


def _as_json(world: World, result: object) -> JsonObject:
    if isinstance(result, Shape):
        return present(world, result)
    body: JsonObject = msgspec.to_builtins(result)
    return body


def _check_key(request: Request) -> None:
    key = _api_key(request.headers.get("authorization", ""))
    if not key:
        msg = (
            "You did not provide an API key. You need to provide your API key in the "
            "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
            "YOUR_SECRET_KEY')."
        )
        raise AuthenticationError(msg)
    if not key.startswith(KEY_PREFIXES) or key in KEY_PREFIXES:
        msg = f"Invalid API Key provided: {key[:8]}***. The simulator takes test keys only."
        raise AuthenticationError(msg)


def _api_key(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return decoded.partition(":")[0]

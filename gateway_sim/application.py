"""What every simulated provider's ASGI application does: whole requests in, whole answers out."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from gateway_sim.wire import Reply, Request
from parking.core.errors import DomainError

BODY_BYTES_MAX = 1_000_000
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
HangUp: TypeAlias = Callable[[tuple[str, int]], None]
"""Cuts the connection from an address."""


class BodyTooLargeError(DomainError):
    """The body is larger than any that a provider takes."""

    def __init__(self) -> None:
        super().__init__(f"Request bodies are limited to {BODY_BYTES_MAX} bytes.")


class ConnectionCutError(DomainError):
    """The connection is to be cut without an answer (an injected fault)."""


class Application(ABC):
    """A provider as an ASGI application."""

    def __init__(self, hang_up: HangUp) -> None:
        self._hang_up = hang_up

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        try:
            reply = await self._reply(scope, receive)
        except ConnectionCutError:
            self._hang_up(tuple(scope["client"]))
            await _disconnected(receive)
            return
        await _send(send, reply)

    async def _reply(self, scope: Message, receive: Receive) -> Reply:
        try:
            request = await _read(scope, receive)
        except BodyTooLargeError as error:
            return self.refuse(error)
        return await self.answer(request)

    @abstractmethod
    async def answer(self, request: Request) -> Reply:
        """Answer a request.

        Raises ConnectionCutError where there shall be no answer.
        """

    @abstractmethod
    def refuse(self, error: BodyTooLargeError) -> Reply:
        """Answer a request that is too large, in the provider's own form."""


async def _read(scope: Message, receive: Receive) -> Request:
    """Read a request whole.

    Raises BodyTooLargeError.
    """
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            raise BodyTooLargeError
        more = message.get("more_body", False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(
        method=scope["method"],
        path=scope["path"],
        raw_path=scope.get("raw_path", b"").decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=bytes(body),
        client=tuple(scope["client"]),
    )


async def _send(send: Send, reply: Reply) -> None:
    """Send an answer whole."""
    headers = {
        "Content-Type": reply.content_type,
        "Content-Length": str(len(reply.body)),
        "Cache-Control": "no-store",
        **reply.headers,
    }
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    await send({"type": "http.response.body", "body": reply.body})


async def _disconnected(receive: Receive) -> None:
    """Wait until the peer, or `Server.hang_up`, has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass

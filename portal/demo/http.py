"""The demo speaks to the API as anyone would: over HTTP, and again when it does not answer.

Processes are killed in mid-demo on purpose, so every call here may be repeated: all of them are
idempotent by the API's own rules.
"""

import asyncio
import ssl
from typing import Any, Final

import httpx

from parking.core.errors import DomainError

_TRIES = 60
_PAUSE_SECONDS = 0.5
_AGAIN = frozenset({429, 500, 502, 503, 504})


_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Everything is on this machine: no certificates, which take longer to load than a call does."""


def local_client(
    *, base_url: str = "", headers: dict[str, str] | None = None, seconds: float = 20.0
) -> httpx.AsyncClient:
    """Make a client for what runs on this machine; the machine's proxies are left out."""
    return httpx.AsyncClient(
        base_url=base_url, headers=headers, timeout=seconds, trust_env=False, verify=_NO_TLS
    )


class DemoCallRefusedError(DomainError):
    """The API said no to something that the demo needs."""

    def __init__(self, method: str, path: str, reply: httpx.Response) -> None:
        super().__init__(f"{method} {path} answered {reply.status_code}: {reply.text[:400]}")
        self.status = reply.status_code
        self.reply = reply


class Api:
    """A client of the API with one bearer key."""

    def __init__(self, base_url: str, *, key: str | None = None) -> None:
        """Speak to `base_url`."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._client = local_client(base_url=base_url, headers=headers)

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        accept: frozenset[int] = frozenset(),
    ) -> Any:  # noqa: ANN401 - JSON of any shape
        """Make a call and answer its JSON; statuses in `accept` count as success.

        Raises DemoCallRefusedError for a definite no, and httpx.HTTPError when nobody answers for
        half a minute.
        """
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            try:
                reply = await self._client.request(method, path, json=body)
            except httpx.TransportError:
                if last:
                    raise
            else:
                if reply.is_success or reply.status_code in accept:
                    return reply.json() if reply.content else None
                if last or reply.status_code not in _AGAIN:
                    raise DemoCallRefusedError(method, path, reply)
            await asyncio.sleep(_PAUSE_SECONDS)
        return None

    async def get(self, path: str) -> Any:  # noqa: ANN401
        """Read something."""
        return await self.call("GET", path)

    async def put(self, path: str, body: object) -> Any:  # noqa: ANN401
        """Set something up; the same again changes nothing."""
        return await self.call("PUT", path, body)

    async def post(self, path: str, body: object) -> Any:  # noqa: ANN401
        """Ask for something to be done."""
        return await self.call("POST", path, body)

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

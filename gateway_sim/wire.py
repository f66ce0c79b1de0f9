"""What goes over the wire: requests, replies and plain JSON."""

from typing import Any, TypeAlias

import msgspec

JsonObject: TypeAlias = dict[str, Any]
"""A decoded JSON object: providers' objects are open-ended; this is as typed as the wire gets."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP request, read whole."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    """Names in lower case; of repeated headers the last."""
    body: bytes
    client: tuple[str, int]
    """The peer's address: names the connection, should it have to be cut."""
    raw_path: str = ""
    """The path as it came over the wire, percent-encoded."""

    @property
    def origin(self) -> str:
        """The address under which the caller reached the simulator."""
        return f"http://{self.headers.get('host', '127.0.0.1')}"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = {}

    def with_headers(self, **headers: str) -> "Reply":
        """Add headers; `_` in a name stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return msgspec.structs.replace(self, headers={**self.headers, **named})


def json_reply(body: object, *, status: int = 200) -> Reply:
    """Answer with JSON."""
    return Reply(status=status, body=msgspec.json.encode(body))


def html_reply(page: str, *, status: int = 200) -> Reply:
    """Answer with a page."""
    return Reply(status=status, body=page.encode(), content_type="text/html; charset=utf-8")


def redirect(url: str) -> Reply:
    """Send a browser on after a form (303: it follows with GET)."""
    return Reply(status=303, body=b"", content_type="text/plain", headers={"Location": url})

"""A trace id for every request: taken from `traceparent` (W3C Trace Context) or made here."""

import re
import secrets
from typing import Final

from litestar.types import Scope

_STATE_KEY: Final = "trace_id"
_TRACEPARENT: Final = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$")


def trace_id_from(header: str | None) -> str:
    """The trace id of a `traceparent` header, or a new one when it has none that is well formed."""
    found = _TRACEPARENT.match(header or "")
    if found and set(found[1]) != {"0"}:
        return found[1]
    return secrets.token_hex(16)


def trace_id_of(scope: Scope) -> str:
    """The trace id that this request already has, giving it one if it has none."""
    state = scope.setdefault("state", {})
    found = state.get(_STATE_KEY)
    if not isinstance(found, str):
        headers = dict(scope["headers"])
        found = trace_id_from(headers.get(b"traceparent", b"").decode("latin-1"))
        state[_STATE_KEY] = found
    return found

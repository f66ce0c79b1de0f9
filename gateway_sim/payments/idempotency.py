"""Idempotency keys, as Stripe documents them.

Once execution begins, the answer's status and body are saved under the key, 500s included, and
every later request with the key gets them again. The key with other parameters is an error, and
so is the key while its first request is still being executed. What is refused before execution
(authentication, malformed parameters, rate limits) is not saved. Keys are forgotten after 24 h.
"""

import hashlib

import msgspec

from gateway_sim.payments.errors import IdempotencyError, InvalidRequestError, KeyInUseError
from gateway_sim.payments.forms import FormValue
from gateway_sim.payments.store import Store
from gateway_sim.wire import Reply

KEPT_S = 24 * 3600
KEY_CHARACTERS_MAX = 255


class Keyed(msgspec.Struct, frozen=True, kw_only=True):
    """A request under a key."""

    key: str
    account: str
    """Each connected account has keys of its own."""
    endpoint: str
    fingerprint: str

    @property
    def place(self) -> str:
        """Where the answer is kept."""
        return f"{self.account}:{self.key}"


def keyed(*, key: str, account: str, method: str, path: str, values: dict[str, FormValue]) -> Keyed:
    """Take the fingerprint of a request.

    Raises InvalidRequestError for a key that is too long.
    """
    if len(key) > KEY_CHARACTERS_MAX:
        msg = f"Idempotency keys are limited to {KEY_CHARACTERS_MAX} characters."
        raise InvalidRequestError(msg)
    canonical = msgspec.json.encode([method, path, values], order="deterministic")
    fingerprint = hashlib.sha256(canonical).hexdigest()
    return Keyed(key=key, account=account, endpoint=path, fingerprint=fingerprint)


class SavedAnswers:
    """The answers under keys."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._executing: set[str] = set()

    def replay(self, request: Keyed, *, now: float) -> Reply | None:
        """The saved answer; None when the request is to be executed.

        Raises IdempotencyError for another request under a used key, KeyInUseError while the
        first is being executed.
        """
        if request.place in self._executing:
            raise KeyInUseError(request.key)
        self._database.execute("DELETE FROM saved_answer WHERE saved_at <= ?", (now - KEPT_S,))
        row = self._database.execute(
            "SELECT fingerprint, endpoint, request_id, reply FROM saved_answer WHERE key = ?",
            (request.place,),
        ).fetchone()
        if row is None:
            return None
        fingerprint, endpoint, request_id, reply = row
        if fingerprint != request.fingerprint:
            raise _other_request(request, endpoint)
        saved = msgspec.msgpack.decode(reply, type=Reply)
        return saved.with_headers(Idempotent_Replayed="true", Original_Request=request_id)

    def begin(self, request: Keyed) -> None:
        """The key is in use from now on."""
        self._executing.add(request.place)

    def end(self, request: Keyed) -> None:
        """The answer has left."""
        self._executing.discard(request.place)

    def save(self, request: Keyed, reply: Reply, *, request_id: str, now: float) -> None:
        """Keep an answer, in the transaction that did what it tells."""
        self._database.execute(
            "INSERT INTO saved_answer (key, fingerprint, endpoint, request_id, saved_at, reply)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                request.place,
                request.fingerprint,
                request.endpoint,
                request_id,
                now,
                msgspec.msgpack.encode(reply),
            ),
        )


def _other_request(request: Keyed, endpoint: str) -> IdempotencyError:
    other = (
        f"for the same endpoint they were first used for ('{request.endpoint}' vs '{endpoint}')"
        if request.endpoint != endpoint
        else "with the same parameters they were first used with"
    )
    return IdempotencyError(
        f"Keys for idempotent requests can only be used {other}. Try using a key other than "
        f"'{request.key}' if you meant to execute a different request."
    )

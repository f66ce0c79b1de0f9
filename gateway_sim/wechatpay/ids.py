"""Numbers that look like WeChat Pay's and follow from the seed and the order of requests."""

import hashlib

from gateway_sim.wechatpay.store import Store

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Ids:
    """Makes numbers from the seed and counters that are kept with the state."""

    def __init__(self, seed: int, store: Store) -> None:
        self._seed = seed
        self._store = store

    def digits(self, prefix: str, length: int) -> str:
        """A new number of so many digits that begins with `prefix`."""
        drawn = int.from_bytes(self._next(prefix, 32))
        missing = length - len(prefix)
        return prefix + f"{drawn % 10**missing:0{missing}d}"

    def letters(self, purpose: str, length: int) -> str:
        """So many new digits and capitals."""
        return "".join(_LETTERS[byte % 36] for byte in self._next(purpose, length))

    def named(self, prefix: str, text: str) -> str:
        """What always stands for a text: a user's openid for a plate."""
        return prefix + hashlib.sha256(f"{self._seed}:{text}".encode()).hexdigest()[:22]

    def uuid(self) -> str:
        """A notification's id."""
        drawn = self._next("notification", 16).hex()
        return "-".join((drawn[:8], drawn[8:12], drawn[12:16], drawn[16:20], drawn[20:]))

    def _next(self, purpose: str, length: int) -> bytes:
        number = self._store.count_up(purpose)
        return hashlib.shake_256(f"{self._seed}:{purpose}:{number}".encode()).digest(length)

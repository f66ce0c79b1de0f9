"""Ids that look like Stripe's and are the same again for the same seed and order of requests."""

import hashlib

from gateway_sim.payments.store import Store

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTERS = bytes(ord(_ALPHABET[byte % len(_ALPHABET)]) for byte in range(256))
"""For each byte one of the alphabet."""
_LENGTHS = {"acct": 16, "cus": 14, "evt": 24, "req": 14, "cs_test": 58, "whsec": 32}
_LENGTH_USUAL = 24


class Identifiers:
    """Makes ids from the seed and a counter that is kept with the state."""

    def __init__(self, seed: int, store: Store) -> None:
        self._seed = seed
        self._store = store

    def make(self, prefix: str) -> str:
        """A new id, for example `pi_…`."""
        number = self._store.count_up(prefix)
        return f"{prefix}_{self.token(f'{prefix}:{number}', _LENGTHS.get(prefix, _LENGTH_USUAL))}"

    def token(self, text: str, length: int) -> str:
        """Letters and digits that follow from the seed and a text."""
        digest = hashlib.shake_256(f"{self._seed}:{text}".encode()).digest(length)
        return digest.translate(_LETTERS).decode()

"""Tickets: what stands for the plate of a vehicle that has none, or none that can be read.

A ticket is written like a plate, so that its stay is folded, priced and paid like any other until
the plate is known. The text is all that its bearer needs, so it cannot be guessed: 75 random bits.
"""

from typing import Final

from parking.core.plate import Plate

TICKET_MARK: Final = "票"
"""No plate of any kind begins with it."""
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that a person takes for a digit."""
_CHARACTERS: Final = 15
TICKET_BITS: Final = 5 * _CHARACTERS


def ticket_of(random_bits: int) -> Plate:
    """Write `TICKET_BITS` random bits as a ticket."""
    text = "".join(
        _ALPHABET[random_bits >> 5 * place & 0b11111] for place in reversed(range(_CHARACTERS))
    )
    return Plate(TICKET_MARK + text)


def is_ticket(plate: str) -> bool:
    """Say whether a plate's text is a ticket."""
    return plate.startswith(TICKET_MARK)

"""Plate texts to learn from: every class of mainland plates, far more evenly than on the road.

Rare classes and provinces must be learnt as well as common ones, so what is drawn here is no
census: about half of the plates are blue, the provinces are equally likely.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType

import numpy as np

from lpr.core.plate_format import DIGITS, LETTERS, PROVINCES

SERIAL_LETTERS = "".join(letter for letter in LETTERS if letter not in "IO")
_OFFICES = SERIAL_LETTERS
_OLD_OFFICE_SHARE = 0.02
"""Old plates of public offices carry an O after the province."""
_DIGIT_SHARE = 0.72
"""Of a serial's characters; the rest are letters, at most three in one serial."""
_LETTERS_MAX = 3


class Design(Enum):
    """A look: ground, ink and layout."""

    BLUE = "blue"
    YELLOW = "yellow"
    YELLOW_TWO_ROWS = "yellow_two_rows"
    GREEN_SMALL = "green_small"
    GREEN_LARGE = "green_large"
    POLICE = "police"
    MILITARY = "military"
    COACH = "coach"
    TRAILER = "trailer"
    BLACK = "black"
    EMERGENCY = "emergency"
    CIVIL_AVIATION = "civil_aviation"


SHARES: Mapping[Design, float] = MappingProxyType(
    {
        Design.BLUE: 0.50,
        Design.YELLOW: 0.09,
        Design.YELLOW_TWO_ROWS: 0.07,
        Design.GREEN_SMALL: 0.10,
        Design.GREEN_LARGE: 0.03,
        Design.POLICE: 0.03,
        Design.MILITARY: 0.02,
        Design.COACH: 0.03,
        Design.TRAILER: 0.03,
        Design.BLACK: 0.06,
        Design.EMERGENCY: 0.02,
        Design.CIVIL_AVIATION: 0.02,
    }
)


def draw_text(chance: np.random.Generator) -> tuple[str, Design]:
    """Draw a plate's text and the design that carries it."""
    designs = list(SHARES)
    weights = np.array([SHARES[design] for design in designs])
    design = designs[int(chance.choice(len(designs), p=weights / weights.sum()))]
    return _WRITERS[design](chance), design


def _one(chance: np.random.Generator, characters: str) -> str:
    return characters[int(chance.integers(len(characters)))]


def _digits(chance: np.random.Generator, count: int) -> str:
    return "".join(_one(chance, DIGITS) for _ in range(count))


def _serial(chance: np.random.Generator, count: int) -> str:
    """Digits with up to three letters anywhere among them."""
    wanted = np.flatnonzero(chance.random(count) > _DIGIT_SHARE)
    lettered = set(chance.permutation(wanted)[:_LETTERS_MAX].tolist())
    return "".join(_one(chance, SERIAL_LETTERS if i in lettered else DIGITS) for i in range(count))


def _start(chance: np.random.Generator) -> str:
    office = "O" if chance.random() < _OLD_OFFICE_SHARE else _one(chance, _OFFICES)
    return _one(chance, PROVINCES) + office


def _standard(chance: np.random.Generator) -> str:
    return _start(chance) + _serial(chance, 5)


def _green_small(chance: np.random.Generator) -> str:
    energy = _one(chance, "DDDDFFFABCEGHJK")
    return _start(chance) + energy + _serial(chance, 1) + _digits(chance, 4)


def _green_large(chance: np.random.Generator) -> str:
    return _start(chance) + _digits(chance, 5) + _one(chance, "DDDFFFABCEGHJK")


def _ending_with(suffix: str) -> Callable[[np.random.Generator], str]:
    def write(chance: np.random.Generator) -> str:
        return _start(chance) + _serial(chance, 4) + suffix

    return write


def _black(chance: np.random.Generator) -> str:
    suffix = _one(chance, "港港澳领领使")
    if suffix in "港澳":
        return "粤Z" + _serial(chance, 4) + suffix
    if suffix == "使":
        return "使" + _digits(chance, 6) if chance.random() < 0.5 else _digits(chance, 6) + "使"
    return _start(chance) + _serial(chance, 4) + suffix


def _military(chance: np.random.Generator) -> str:
    return _one(chance, SERIAL_LETTERS) + _one(chance, SERIAL_LETTERS) + _digits(chance, 5)


def _emergency(chance: np.random.Generator) -> str:
    return _one(chance, PROVINCES) + _one(chance, "XS") + _digits(chance, 4) + "应急"


def _civil_aviation(chance: np.random.Generator) -> str:
    return "民航" + _one(chance, SERIAL_LETTERS) + _digits(chance, 4)


_WRITERS: Mapping[Design, Callable[[np.random.Generator], str]] = MappingProxyType(
    {
        Design.BLUE: _standard,
        Design.YELLOW: _standard,
        Design.YELLOW_TWO_ROWS: _standard,
        Design.GREEN_SMALL: _green_small,
        Design.GREEN_LARGE: _green_large,
        Design.POLICE: _ending_with("警"),
        Design.MILITARY: _military,
        Design.COACH: _ending_with("学"),
        Design.TRAILER: _ending_with("挂"),
        Design.BLACK: _black,
        Design.EMERGENCY: _emergency,
        Design.CIVIL_AVIATION: _civil_aviation,
    }
)

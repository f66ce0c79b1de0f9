"""The grammar of mainland number plates (GA 36): which texts can be a plate, and of what kind.

It is used to decode the recogniser's output, not only to reject it: an `O` cannot stand among
the serial's characters and a digit cannot follow the province, so the alphabet of each place
settles many doubts before a second look is needed. Plates in two rows have the same texts;
their rows are joined when they are recognised.
"""

import re
from enum import Enum

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
SUFFIXES = "警学挂港澳领使"
RARE = "应急民航"
"""Of emergency rescue (the last two characters) and civil aviation (the first two)."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
ALPHABET = frozenset(PROVINCES + SUFFIXES + RARE + LETTERS + DIGITS)
"""Every character that a plate may show."""

PLATE_CHARACTERS_MIN = 7
PLATE_CHARACTERS_MAX = 8


class PlateKind(Enum):
    """What a plate's text says about its vehicle."""

    STANDARD = "standard"
    """Province, office letter, five more: 浙A8B762."""
    NEW_ENERGY_SMALL = "new_energy_small"
    """Eight characters, the third an energy letter (D and F above all): 浙AD12345."""
    NEW_ENERGY_LARGE = "new_energy_large"
    """Eight characters, the last an energy letter: 浙A12345D."""
    POLICE = "police"
    COACH = "coach"
    """A driving school's car: 渝B3587学."""
    TRAILER = "trailer"
    HONG_KONG = "hong_kong"
    MACAO = "macao"
    CONSULATE = "consulate"
    EMBASSY = "embassy"
    EMERGENCY = "emergency"
    """Fire and rescue: 京X0123应急."""
    CIVIL_AVIATION = "civil_aviation"
    """Airport vehicles: 民航A1234."""
    MILITARY = "military"
    """Two letters, five digits: VA12345. So short of signs that the ground must be white too."""


# The serial never holds I or O. The office letter may be an O (old official plates: 粤OA2160).
_SERIAL = "[0-9A-HJ-NP-Z]"
# At most three letters in a serial of five: keeps words on a car's boot from being plates.
_START = f"[{PROVINCES}][A-HJ-Z]"
_STANDARD = rf"{_START}(?=(?:[A-Z]*\d){{2}}){_SERIAL}{{5}}"
# GA 36-2018: D A B C E for battery cars, F G H J K for other new energies.
_ENERGY = "[A-HJK]"
_PATTERNS = (
    (PlateKind.STANDARD, _STANDARD),
    (PlateKind.NEW_ENERGY_SMALL, rf"{_START}{_ENERGY}{_SERIAL}\d{{4}}"),
    (PlateKind.NEW_ENERGY_LARGE, rf"{_START}\d{{5}}{_ENERGY}"),
    (PlateKind.POLICE, f"{_START}{_SERIAL}{{4}}警"),
    (PlateKind.COACH, f"{_START}{_SERIAL}{{4}}学"),
    (PlateKind.TRAILER, f"{_START}{_SERIAL}{{4}}挂"),
    (PlateKind.HONG_KONG, f"粤Z{_SERIAL}{{4}}港"),
    (PlateKind.MACAO, f"粤Z{_SERIAL}{{4}}澳"),
    (PlateKind.CONSULATE, f"{_START}{_SERIAL}{{4}}领"),
    (PlateKind.EMBASSY, r"使\d{6}|\d{6}使"),
    (PlateKind.EMERGENCY, rf"[{PROVINCES}][XS]\d{{4}}应急"),
    (PlateKind.CIVIL_AVIATION, r"民航[A-HJ-NP-Z]\d{4}"),
    (PlateKind.MILITARY, r"[A-HJ-NP-Z]{2}\d{5}"),
)
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)


def kind_of(text: str) -> PlateKind | None:
    """Name a normalised text's kind of plate; None when it cannot be a mainland plate."""
    for kind, pattern in _COMPILED:
        if pattern.fullmatch(text):
            return kind
    return None


def allowed_at(place: int, length: int) -> frozenset[str]:
    """Answer the characters that any plate of `length` characters can show at `place` (from 0)."""
    return _ALLOWED_OF_EIGHT[place] if length == PLATE_CHARACTERS_MAX else _ALLOWED_OF_SEVEN[place]


_PROVINCES = frozenset(PROVINCES)
_OFFICES = frozenset(LETTERS) - {"I"}
_LATIN_SERIAL = _OFFICES - {"O"} | frozenset(DIGITS)
_ALLOWED_OF_SEVEN = (
    _PROVINCES | _LATIN_SERIAL | {"使", "民"},
    _OFFICES | frozenset(DIGITS) | {"航"},
    *(_LATIN_SERIAL for _ in range(4)),
    _LATIN_SERIAL | frozenset(SUFFIXES),
)
_ALLOWED_OF_EIGHT = (
    _PROVINCES,
    _OFFICES,
    *(_LATIN_SERIAL for _ in range(4)),
    _LATIN_SERIAL | {"应"},
    _LATIN_SERIAL | {"急"},
)

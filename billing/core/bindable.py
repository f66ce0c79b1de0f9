"""Which plates a driver may bind: a slip of the finger must not bind what no car bears.

A plate of the mainland is known by its form. Any other plate says so itself: with the two letters
of its country or region (ISO 3166-1), whose form is checked where this house knows it. What a gate
read is never judged here: a camera's reading is taken in as it stands.
"""

import re
from typing import Final

from parking.core.errors import DomainError
from parking.core.plate import Plate, mask_plate, normalise_plate

MAINLAND: Final = "CN"
_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
# No I and no O among the serial; the office may be an O (old official plates: 粤OA2160).
_SERIAL: Final = "[0-9A-HJ-NP-Z]"
_OFFICE: Final = f"[{_PROVINCES}][A-HJ-Z]"
# GA 36-2018: D A B C E for battery cars, F G H J K for other new energies.
_ENERGY: Final = "[A-HJK]"
_MAINLAND: Final = re.compile(
    "|".join(
        (
            rf"{_OFFICE}(?=(?:[A-Z]*\d){{2}}){_SERIAL}{{5}}",
            rf"{_OFFICE}{_ENERGY}{_SERIAL}\d{{4}}",
            rf"{_OFFICE}\d{{5}}{_ENERGY}",
            f"{_OFFICE}{_SERIAL}{{4}}[警学挂领]",
            f"{_OFFICE}{_SERIAL}{{4,5}}[临试超]",  # of paper: new, on trial, oversize
            f"粤Z{_SERIAL}{{4}}[港澳]",
            r"使\d{6}|\d{6}使",
            rf"[{_PROVINCES}][XS]\d{{4}}应急",
            r"民航[A-HJ-NP-Z]\d{4}",
            r"[A-HJ-NP-Z]{2}\d{5}",  # the army's
            rf"WJ[{_PROVINCES}]?\d{{4}}{_SERIAL}",  # the armed police's
            rf"[{_PROVINCES}]\d{{7}}",  # tractors: the province, two digits of the place, five
        )
    )
)
_ELSEWHERE: Final = re.compile(r"[0-9A-Z]{2,10}")
_FORMS: Final = {
    # Hong Kong's personalised marks have up to eight characters, and none has I, O or Q.
    "HK": re.compile(r"[0-9A-HJ-NPR-Z]{2,8}"),
    "MO": re.compile(r"[A-Z]{1,2}\d{4}"),
    "TW": re.compile(r"(?=[A-Z]*\d)[0-9A-Z]{4,7}"),
}
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


class NotMainlandPlateError(DomainError):
    """The text has no form of the mainland's, and no country was stated."""

    def __init__(self, plate: Plate) -> None:
        super().__init__(
            f"{mask_plate(plate)} is no number plate of the Chinese mainland (such as 浙A8B762); "
            "a plate from elsewhere is bound with its country or region, for example HK"
        )


class NotPlateOfCountryError(DomainError):
    """The text is no plate of the country or region that was stated."""

    def __init__(self, plate: Plate, country: str) -> None:
        super().__init__(f"{mask_plate(plate)} is no number plate of {country}")


class UnknownCountryError(DomainError):
    """The country or region is not stated by two letters."""

    def __init__(self) -> None:
        super().__init__("a country or region is two letters (ISO 3166-1), for example HK")


class NoPlateError(DomainError):
    """The text says that there is no plate."""

    def __init__(self) -> None:
        super().__init__("a number plate is needed, for example 浙A8B762")


def plate_of(text: str) -> Plate:
    """Read a plate as a driver writes it. Raises NoPlateError, InvalidPlateError."""
    plate = normalise_plate(text)
    if plate is None:
        raise NoPlateError
    return plate


def bindable_plate(text: str, *, country: str | None) -> Plate:
    """Read a plate that a driver wants to bind; without a country it is one of the mainland.

    Raises NoPlateError, InvalidPlateError, UnknownCountryError, NotMainlandPlateError,
    NotPlateOfCountryError.
    """
    plate = plate_of(text)
    stated = MAINLAND if country is None else country.strip().upper()
    if not _COUNTRY.fullmatch(stated):
        raise UnknownCountryError
    if stated != MAINLAND:
        if not _FORMS.get(stated, _ELSEWHERE).fullmatch(plate):
            raise NotPlateOfCountryError(plate, stated)
    elif not _MAINLAND.fullmatch(plate):
        raise NotMainlandPlateError(plate)
    return plate

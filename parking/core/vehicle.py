"""Kinds of vehicles, as tariffs tell them apart, and what a plate says of them."""

from enum import Enum
from typing import Final

from parking.core.events import PlateColour
from parking.core.plate import Plate

_NEW_ENERGY_LENGTH: Final = 8


class VehicleKind(Enum):
    """What stands in the space. Somebody may state it, or the plate tells."""

    SMALL = "small"
    LARGE = "large"
    MOTORCYCLE = "motorcycle"
    NEW_ENERGY = "new_energy"


def vehicle_of_plate(plate: Plate, colour: PlateColour) -> VehicleKind | None:
    """What kind of vehicle bears a plate of mainland China; None where it does not tell.

    Blue is small and yellow large (GA 36), but for learners' cars; a new-energy plate has eight
    characters, and is a large vehicle's where the last of them is the D or F. Motorcycles bear the
    colours of cars: only a person can state them.
    """
    if len(plate) == _NEW_ENERGY_LENGTH and not plate[0].isascii():
        return VehicleKind.LARGE if plate[-1] in "DF" else VehicleKind.NEW_ENERGY
    if plate.endswith("学"):
        return VehicleKind.SMALL
    if plate.endswith("挂"):
        return VehicleKind.LARGE
    return _OF_COLOUR.get(colour)


_OF_COLOUR: Final = {
    PlateColour.BLUE: VehicleKind.SMALL,
    PlateColour.YELLOW: VehicleKind.LARGE,
    PlateColour.GREEN: VehicleKind.NEW_ENERGY,
}

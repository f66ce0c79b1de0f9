"""Kinds of vehicles, as tariffs tell them apart."""

from enum import Enum


class VehicleKind(Enum):
    """What stands in the space. A camera may know it, or the plate's colour tells."""

    SMALL = "small"
    LARGE = "large"
    MOTORCYCLE = "motorcycle"
    NEW_ENERGY = "new_energy"

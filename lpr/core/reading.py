"""What one frame says about one plate: text, corners, and how sure each character is.

Lengths are pixels of the frame as it was captured; confidences are 0.0 to 1.0.
"""

from math import prod

import msgspec

from lpr.core.plate_format import PlateKind
from parking.core.events import Candidate, PlateColour


class Point(msgspec.Struct, frozen=True, array_like=True):
    """A place in a frame, in pixels from its upper left."""

    x: float
    y: float


class Corners(msgspec.Struct, frozen=True, kw_only=True):
    """The four corners of a plate, as they lie on the plate (not on the frame)."""

    top_left: Point
    top_right: Point
    bottom_right: Point
    bottom_left: Point

    def points(self) -> tuple[Point, Point, Point, Point]:
        """Go round clockwise from the upper left."""
        return (self.top_left, self.top_right, self.bottom_right, self.bottom_left)

    def box(self) -> "BoundingBox":
        """Enclose the corners in an upright box."""
        across = [point.x for point in self.points()]
        down = [point.y for point in self.points()]
        left, top = min(across), min(down)
        return BoundingBox(left=left, top=top, width=max(across) - left, height=max(down) - top)

    def aspect(self) -> float:
        """Answer width over height along the plate's own edges."""
        return self.width() / max(self.height(), 1e-6)

    def width(self) -> float:
        """Answer how long the upper and the lower edge are, on average, in pixels."""
        upper = _distance(self.top_left, self.top_right)
        return (upper + _distance(self.bottom_left, self.bottom_right)) / 2

    def height(self) -> float:
        """Answer how long the left and the right edge are, on average, in pixels."""
        left = _distance(self.top_left, self.bottom_left)
        return (left + _distance(self.top_right, self.bottom_right)) / 2


class BoundingBox(msgspec.Struct, frozen=True, kw_only=True):
    """An upright box, in pixels."""

    left: float
    top: float
    width: float
    height: float

    def area(self) -> float:
        """Answer the box's area in square pixels."""
        return self.width * self.height

    def overlap(self, other: "BoundingBox") -> float:
        """Answer intersection over union, 0.0 (apart) to 1.0 (the same box)."""
        width = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        height = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area() + other.area() - shared)


class CharacterRead(msgspec.Struct, frozen=True, array_like=True):
    """One place in a plate: what it may be, likeliest first. The shares sum to at most 1.0."""

    alternatives: tuple[tuple[str, float], ...]

    @property
    def character(self) -> str:
        """Answer the likeliest character."""
        return self.alternatives[0][0]

    @property
    def confidence(self) -> float:
        """Answer how likely the likeliest is."""
        return self.alternatives[0][1]

    def share(self, character: str) -> float:
        """Answer how likely one character is; 0.0 for one that was not considered."""
        return dict(self.alternatives).get(character, 0.0)


class PlateReading(msgspec.Struct, frozen=True, kw_only=True):
    """One plate in one frame."""

    text: str
    kind: PlateKind | None
    """None: the text is no plate of the mainland; it is shown, but never sent as a plate."""
    colour: PlateColour
    confidence: float
    characters: tuple[CharacterRead, ...]
    """One for each character of `text`, in order."""
    candidates: tuple[Candidate, ...]
    """Other texts that it may be, likeliest first."""
    corners: Corners


def joint_confidence(characters: tuple[CharacterRead, ...], text: str) -> float:
    """Answer how likely a text is as a whole: all of its characters right at once."""
    return prod(place.share(character) for place, character in zip(characters, text, strict=True))


def _distance(one: Point, other: Point) -> float:
    return float(((one.x - other.x) ** 2 + (one.y - other.y) ** 2) ** 0.5)

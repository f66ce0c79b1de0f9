"""One car in the view of one camera: which readings are its own.

Plates that read alike are one car; so is a bad read in the place where a car was just seen.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from lpr.core.crossing_rules import READINGS_KEPT_MAX, CrossingRules
from lpr.core.plate_format import PlateKind, kind_of
from lpr.core.reading import BoundingBox, PlateReading
from lpr.core.vote import vote
from parking.core.ids import EventId

SAME_PLATE_EDITS_MAX = 2
"""Texts at most this many characters apart may be one plate, read badly once."""
SAME_PLACE_WIDTHS_MAX = 1.5
"""Between two frames a plate moves at most this many of its own widths."""
SURE_MIN = 0.6
"""0.0 to 1.0: two texts that are both surer than this and differ are two cars."""
SHRUNK_SHARE_MAX = 0.6
"""A plate that grew from frame to frame and is suddenly this small belongs to the next car."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The event of a car that was too unsure to be left alone."""

    plate: str | None
    """As it was sent; None: without a plate."""
    confidence: float
    at: datetime
    event_id: EventId | None = None
    """None until the event has its id."""


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """One car, as seen so far."""

    trace_id: str
    first_seen_at: datetime
    last_seen_at: datetime
    frames: int
    readings: tuple[PlateReading, ...]
    """The best ones."""
    text: str
    """What its frames say together so far."""
    confidence: float
    """0.0 to 1.0: how sure they are of it."""
    first_area: float
    """Square pixels of the plate's box at first."""
    last_box: BoundingBox
    crossed: bool = False
    """Its event has been made."""
    told: Told | None = None
    """Set while a second thought may come (lpr/core/second_thought.py)."""


def since(track: Track, now: datetime) -> timedelta:
    """Answer how far away in time a car was seen; a clock set back counts as time too."""
    return abs(now - track.last_seen_at)


def memory(rules: CrossingRules) -> timedelta:
    """Answer how long a car whose event has been made is remembered."""
    return timedelta(seconds=max(rules.same_car_seconds, rules.gap_seconds))


def matching(
    tracks: Sequence[Track],
    reading: PlateReading,
    *,
    seen_at: datetime,
    taken: set[int],
    rules: CrossingRules,
) -> int | None:
    """Find the car that a reading belongs to: the likest text, then the nearest place."""
    ranked = [
        (rank, index)
        for index, track in enumerate(tracks)
        if index not in taken
        and (rank := _likeness(track, reading, seen_at=seen_at, rules=rules)) is not None
    ]
    return min(ranked)[1] if ranked else None


def _likeness(
    track: Track, reading: PlateReading, *, seen_at: datetime, rules: CrossingRules
) -> tuple[int, float] | None:
    """Rank how well a reading fits a car, small is good; None: it is another car."""
    edits = edit_distance(track.text, reading.text)
    box = reading.corners.box()
    away = -track.last_box.overlap(box)
    if edits == 0:
        return (0, away)
    in_view = since(track, seen_at) <= timedelta(seconds=rules.gap_seconds)
    if not in_view or _next_car(track, box):
        return None
    if edits <= SAME_PLATE_EDITS_MAX:
        return (edits, away)
    # Two whole plates that differ this much are two cars, wherever they stand; but a doubtful
    # look at the place where a car just was is that car.
    doubtful = _doubtful(reading.kind, reading.confidence) or (
        not track.crossed and _doubtful(kind_of(track.text), track.confidence)
    )
    return (edits, away) if doubtful and _same_place(track.last_box, box) else None


def _doubtful(kind: PlateKind | None, confidence: float) -> bool:
    return kind is None or confidence < SURE_MIN


def _same_place(one: BoundingBox, other: BoundingBox) -> bool:
    across = (one.left + one.width / 2) - (other.left + other.width / 2)
    down = (one.top + one.height / 2) - (other.top + other.height / 2)
    reach = SAME_PLACE_WIDTHS_MAX * max(one.width, other.width)
    return across**2 + down**2 <= reach**2


def _next_car(track: Track, box: BoundingBox) -> bool:
    """Notice a jump in size against the car's own movement: one car behind another."""
    last = track.last_box.area()
    if last <= 0 or box.area() <= 0:
        return False
    came_nearer = last > track.first_area * 1.1
    went_away = last < track.first_area * 0.9
    return (came_nearer and box.area() < last * SHRUNK_SHARE_MAX) or (
        went_away and box.area() * SHRUNK_SHARE_MAX > last
    )


def begun(reading: PlateReading, *, seen_at: datetime, trace_id: str) -> Track:
    """Begin a car with its first reading."""
    box = reading.corners.box()
    return Track(
        trace_id=trace_id,
        first_seen_at=seen_at,
        last_seen_at=seen_at,
        frames=1,
        readings=(reading,),
        text=reading.text,
        confidence=reading.confidence,
        first_area=box.area(),
        last_box=box,
    )


def extended(track: Track, reading: PlateReading, *, seen_at: datetime) -> Track:
    """Add a reading to a car.

    Once its event has been made, its text stays, so that it is known again by what was told; its
    frames are heard on while a second thought may come.
    """
    readings = track.readings
    text, confidence = track.text, track.confidence
    if not track.crossed:
        readings = _best(*readings, reading)
        voted = vote(readings)
        if voted is not None:
            text, confidence = voted.text, voted.confidence
    elif track.told is not None and reading not in readings:
        # A still scene repeats its last reading (lpr/motion.py): one look, not many.
        readings = _best(*readings, reading)
    return msgspec.structs.replace(
        track,
        last_seen_at=max(seen_at, track.last_seen_at),
        frames=track.frames + 1,
        readings=readings,
        text=text,
        confidence=confidence,
        last_box=reading.corners.box(),
    )


def _best(*readings: PlateReading) -> tuple[PlateReading, ...]:
    best = sorted(readings, key=lambda item: (item.kind is None, -item.confidence))
    return tuple(best[:READINGS_KEPT_MAX])


def edit_distance(one: str, other: str) -> int:
    """Count the characters to change, add or drop to make one text the other."""
    row = list(range(len(other) + 1))
    for index, character in enumerate(one, start=1):
        following = [index]
        for column, another in enumerate(other, start=1):
            following.append(
                min(
                    row[column] + 1,
                    following[column - 1] + 1,
                    row[column - 1] + (character != another),
                )
            )
        row = following
    return row[-1]

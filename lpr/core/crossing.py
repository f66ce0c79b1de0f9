"""Which frames show the same car, and when that car is an event: one event a car.

A lane's frames come in one after the other. Plates that read alike are one car; so is a bad
read in the place where a car was just seen. A car becomes a crossing once enough frames agree,
or when it has left the view. After that it is remembered for a while, so that a car that stands
before the camera, or is seen again after a hiccup, is not a second event.

Pure: the state goes in and comes out, so the agent can store it beside the event and go on from
there after a crash. Times are those of the frames.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from lpr.core.plate_format import PlateKind, kind_of
from lpr.core.reading import BoundingBox, PlateReading
from lpr.core.vote import VotedPlate, vote
from parking.core.settings import setting

READINGS_KEPT_MAX = 15
"""The best frames of a car that are kept for its vote."""
SAME_PLATE_EDITS_MAX = 2
"""Texts at most this many characters apart may be one plate, read badly once."""
SAME_PLACE_WIDTHS_MAX = 1.5
"""Between two frames a plate moves at most this many of its own widths."""
SURE_MIN = 0.6
"""0.0 to 1.0: two texts that are both surer than this and differ are two cars."""
SHRUNK_SHARE_MAX = 0.6
"""A plate that grew from frame to frame and is suddenly this small belongs to the next car."""


class CrossingRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When frames are one car, and when a car is an event."""

    gap_seconds: Annotated[
        float, setting("A car not seen for this long has left", unit="seconds", ge=0.1, le=600)
    ] = 2.0
    same_car_seconds: Annotated[
        float,
        setting(
            "The same plate, seen again in the lane within this time after it was last seen there,"
            " is the same car",
            unit="seconds",
            ge=0,
            le=3600,
        ),
    ] = 20.0
    stable_frames: Annotated[
        int,
        setting(
            "This many frames with one text make an event while the car is still in view",
            unit="frames",
            ge=1,
            le=READINGS_KEPT_MAX,
        ),
    ] = 5
    stable_confidence: Annotated[
        float,
        setting("How sure the vote must be for such an event", unit="0.0 to 1.0", ge=0, le=1),
    ] = 0.9
    confidence_min: Annotated[
        float,
        setting(
            "A car whose vote is less sure than this is an event without a plate",
            unit="0.0 to 1.0",
            ge=0,
            le=1,
        ),
    ] = 0.2
    unread_frames_min: Annotated[
        int,
        setting(
            "A car without a readable plate is an event only if this many frames showed it",
            unit="frames",
            ge=1,
            le=1000,
        ),
    ] = 3


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


class LaneState(msgspec.Struct, frozen=True, kw_only=True):
    """The cars that a lane has in mind. Encodes to JSON and back without loss."""

    tracks: tuple[Track, ...] = ()

    @property
    def waiting(self) -> bool:
        """Say whether a car still waits for its event."""
        return any(not track.crossed for track in self.tracks)


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """A car went through the lane."""

    trace_id: str
    occurred_at: datetime
    """The car's last frame before the decision."""
    plate: VotedPlate
    readable: bool
    """Whether the vote is sure enough, and a plate by the grammar."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a frame, or the passing of time, led to."""

    state: LaneState
    crossings: tuple[Crossing, ...]


def observe(
    state: LaneState,
    *,
    seen_at: datetime,
    readings: Sequence[PlateReading],
    trace_ids: Sequence[str],
    rules: CrossingRules,
) -> Step:
    """Take one frame in.

    `trace_ids` holds at least one fresh id for each reading, for the cars that it begins.
    """
    left = leave(state, now=seen_at, rules=rules)
    tracks = list(left.state.tracks)
    taken: set[int] = set()
    for reading, trace_id in zip(readings, trace_ids, strict=False):
        index = _matching(tracks, reading, seen_at=seen_at, taken=taken, rules=rules)
        if index is None:
            index = len(tracks)
            tracks.append(_begun(reading, seen_at=seen_at, trace_id=trace_id))
        else:
            tracks[index] = _extended(tracks[index], reading, seen_at=seen_at)
        taken.add(index)
    settled = _settle(tracks, when=lambda track: _stable(track, rules), rules=rules)
    return Step(state=settled.state, crossings=left.crossings + settled.crossings)


def leave(state: LaneState, *, now: datetime, rules: CrossingRules) -> Step:
    """Let time pass: cars out of view become events, old ones are forgotten."""
    gap = timedelta(seconds=rules.gap_seconds)
    settled = _settle(state.tracks, when=lambda track: _since(track, now) > gap, rules=rules)
    kept = tuple(
        track
        for track in settled.state.tracks
        if not track.crossed or _since(track, now) <= _memory(rules)
    )
    return Step(state=LaneState(tracks=kept), crossings=settled.crossings)


def _since(track: Track, now: datetime) -> timedelta:
    """Answer how far away in time a car was seen; a clock set back counts as time too."""
    return abs(now - track.last_seen_at)


def _memory(rules: CrossingRules) -> timedelta:
    return timedelta(seconds=max(rules.same_car_seconds, rules.gap_seconds))


def leave_all(state: LaneState, *, rules: CrossingRules) -> Step:
    """Let every car leave: the camera has ended, or has been quiet for long."""
    return _settle(state.tracks, when=lambda _: True, rules=rules)


def _settle(
    tracks: Iterable[Track], *, when: Callable[[Track], bool], rules: CrossingRules
) -> Step:
    kept: list[Track] = []
    crossings: list[Crossing] = []
    for track in tracks:
        if track.crossed or not when(track):
            kept.append(track)
            continue
        crossing = _crossing(track, rules)
        if crossing is not None:
            crossings.append(crossing)
            # Its vote is cast: from here on only text, place and time matter.
            kept.append(msgspec.structs.replace(track, crossed=True, readings=()))
    return Step(state=LaneState(tracks=tuple(kept)), crossings=tuple(crossings))


def _crossing(track: Track, rules: CrossingRules) -> Crossing | None:
    """Make a car's event; None for a glimpse of something that no frame could read."""
    voted = vote(track.readings)
    if voted is None:
        return None
    readable = voted.kind is not None and voted.confidence >= rules.confidence_min
    if not readable and track.frames < rules.unread_frames_min:
        return None
    return Crossing(
        trace_id=track.trace_id,
        occurred_at=track.last_seen_at,
        plate=voted,
        readable=readable,
    )


def _stable(track: Track, rules: CrossingRules) -> bool:
    agreeing = sum(reading.text == track.text for reading in track.readings)
    if track.crossed or agreeing < rules.stable_frames:
        return False
    voted = vote(track.readings)
    return (
        voted is not None
        and voted.kind is not None
        and voted.text == track.text
        and voted.confidence >= rules.stable_confidence
    )


def _matching(
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
    in_view = _since(track, seen_at) <= timedelta(seconds=rules.gap_seconds)
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


def _begun(reading: PlateReading, *, seen_at: datetime, trace_id: str) -> Track:
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


def _extended(track: Track, reading: PlateReading, *, seen_at: datetime) -> Track:
    readings = track.readings
    text, confidence = track.text, track.confidence
    if not track.crossed:
        best = sorted((*readings, reading), key=lambda item: (item.kind is None, -item.confidence))
        readings = tuple(best[:READINGS_KEPT_MAX])
        voted = vote(readings)
        if voted is not None:
            text, confidence = voted.text, voted.confidence
    return msgspec.structs.replace(
        track,
        last_seen_at=max(seen_at, track.last_seen_at),
        frames=track.frames + 1,
        readings=readings,
        text=text,
        confidence=confidence,
        last_box=reading.corners.box(),
    )


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

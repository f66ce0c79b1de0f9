"""Which frames show the same car, and when that car is an event: one event a car.

A lane's frames come in one after the other. Plates that read alike are one car; so is a bad
read in the place where a car was just seen. A car becomes a crossing once enough frames agree,
or when it has left the view. After that it is remembered for a while, so that a car that stands
before the camera, or is seen again after a hiccup, is not a second event; where its event was
unsure, its later frames may correct it (lpr/core/second_thought.py).

Pure: the state goes in and comes out, so the agent can store it beside the event and go on from
there after a crash. Times are those of the frames.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from lpr.core.crossing_rules import CrossingRules
from lpr.core.reading import PlateReading
from lpr.core.second_thought import Correction, think_again, told
from lpr.core.track import Track, begun, extended, matching, memory, since
from lpr.core.vote import VotedPlate, vote


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
    corrections: tuple[Correction, ...] = ()


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
        index = matching(tracks, reading, seen_at=seen_at, taken=taken, rules=rules)
        if index is None:
            index = len(tracks)
            tracks.append(begun(reading, seen_at=seen_at, trace_id=trace_id))
        else:
            tracks[index] = extended(tracks[index], reading, seen_at=seen_at)
        taken.add(index)
    thought, corrections = think_again(tracks, now=seen_at, rules=rules)
    settled = _settle(thought, when=lambda track: _stable(track, rules), rules=rules)
    return Step(
        state=settled.state,
        crossings=left.crossings + settled.crossings,
        corrections=corrections,
    )


def leave(state: LaneState, *, now: datetime, rules: CrossingRules) -> Step:
    """Let time pass: cars out of view become events, old ones are forgotten."""
    gap = timedelta(seconds=rules.gap_seconds)
    settled = _settle(state.tracks, when=lambda track: since(track, now) > gap, rules=rules)
    kept = tuple(
        track
        for track in settled.state.tracks
        if not track.crossed or since(track, now) <= memory(rules)
    )
    return Step(state=LaneState(tracks=kept), crossings=settled.crossings)


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
            kept.append(told(track, voted=crossing.plate, readable=crossing.readable, rules=rules))
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

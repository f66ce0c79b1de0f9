"""A car whose event was unsure, and whose later frames say better which plate it had.

An event is made when enough frames agree, while the car is still in view, or when the car has been
out of view for a moment and may come back. Where that event was unsure, the frames that follow are
heard on for a while, and may correct it: once, and only by a plate that is sure. An event that was
sure stands, for then what follows may as well be the next car of a fleet.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from lpr.core.crossing_rules import CrossingRules
from lpr.core.track import Told, Track, since
from lpr.core.vote import VotedPlate, vote
from parking.core.ids import EventId


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """Which plate an event of this lane really saw."""

    trace_id: str
    corrects: EventId
    occurred_at: datetime
    """The frame that settled it."""
    plate: VotedPlate
    instead_of: Told


def told(track: Track, *, voted: VotedPlate, readable: bool, rules: CrossingRules) -> Track:
    """Note that a car's event is made; its frames are kept only if that was unsure."""
    if voted.confidence >= rules.sure_confidence or not rules.second_thought_seconds:
        return settled(track)
    said = Told(
        plate=voted.text if readable else None, confidence=voted.confidence, at=track.last_seen_at
    )
    return msgspec.structs.replace(track, crossed=True, told=said)


def settled(track: Track) -> Track:
    """Let a car's event stand: from here on only text, place and time matter."""
    return msgspec.structs.replace(track, crossed=True, readings=(), told=None)


def known_as(tracks: Sequence[Track], event_ids: Mapping[str, EventId]) -> tuple[Track, ...]:
    """Give the events that were made the ids that they are sent under, by trace id."""
    return tuple(
        msgspec.structs.replace(
            track, told=msgspec.structs.replace(track.told, event_id=event_ids[track.trace_id])
        )
        if track.told is not None and track.trace_id in event_ids
        else track
        for track in tracks
    )


def think_again(
    tracks: Sequence[Track], *, now: datetime, rules: CrossingRules
) -> tuple[tuple[Track, ...], tuple[Correction, ...]]:
    """Answer the cars, and what their later frames correct; too late, an event stands."""
    allowed = timedelta(seconds=rules.second_thought_seconds)
    kept: list[Track] = []
    corrections: list[Correction] = []
    for track in tracks:
        correction = _correction(track, rules)
        if correction is not None:
            corrections.append(correction)
            corrected = settled(track)
            kept.append(msgspec.structs.replace(corrected, text=correction.plate.text))
        elif track.told is not None and abs(now - track.told.at) > allowed:
            kept.append(settled(track))
        else:
            kept.append(track)
    return tuple(kept), tuple(corrections)


def _correction(track: Track, rules: CrossingRules) -> Correction | None:
    before = track.told
    if before is None or before.event_id is None or not _in_time(track, before, rules):
        return None
    voted = vote(track.readings)
    if voted is None or voted.kind is None or voted.text == before.plate:
        return None
    # The frames that the event was made of are among those that vote: they are outvoted.
    agree = voted.agreeing >= rules.stable_frames and 2 * voted.agreeing > voted.frames
    if not agree or voted.confidence < max(rules.sure_confidence, before.confidence):
        return None
    return Correction(
        trace_id=track.trace_id,
        corrects=before.event_id,
        occurred_at=track.last_seen_at,
        plate=voted,
        instead_of=before,
    )


def _in_time(track: Track, before: Told, rules: CrossingRules) -> bool:
    return since(track, before.at) <= timedelta(seconds=rules.second_thought_seconds)

"""Which open stay an exit is meant for, when it has none of its own plate.

At least one of the two reads, at the entry or at the exit, is wrong. What speaks for a stay: its
plate and the exit's differ in characters that recognisers confuse; the exit's camera had the
stay's plate among its candidates; the entry's camera had the exit's plate among its. A clear winner
is matched tentatively, and the driver or the operator may say no before anything is charged;
anything less is for a person.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from parking.core.events import PlateColour, PlateRead
from parking.core.folding import overstayed
from parking.core.lookalike import resemblance
from parking.core.place import StayRules
from parking.core.plate import InvalidPlateError, Plate, normalise_plate
from parking.core.stay import Stay, StayState

_OTHER_COLOUR: Final = 0.3
"""What is left of a score where both colours are known and differ: never enough for the machine."""


class Scored(msgspec.Struct, frozen=True):
    """A stay that an exit may be meant for."""

    stay: Stay
    score: float
    """0.0 to 1.0: how much speaks for it. No probability: the weights are ranks."""


def candidate_plates(read: PlateRead) -> Mapping[Plate, float]:
    """The other plates that a camera thought of, with its confidence in each."""
    found: dict[Plate, float] = {}
    for candidate in read.candidates:
        try:
            plate = normalise_plate(candidate.text)
        except InvalidPlateError:
            continue
        if plate is not None and plate != read.plate:
            found[plate] = max(candidate.confidence, found.get(plate, 0.0))
    return found


def score_of(read: PlateRead, stay: Stay, entry_read: PlateRead | None) -> float:
    """How much speaks for an exit's being the car of a stay.

    Each thing that speaks for it leaves less doubt: one less the product of what each leaves. The
    confidence of the reads themselves does not count: one of them is wrong, however sure.
    """
    if read.plate is None:
        return 0.0
    doubt = 1.0 - resemblance(stay.plate, read.plate)
    doubt *= 1.0 - candidate_plates(read).get(stay.plate, 0.0)
    if entry_read is not None:
        doubt *= 1.0 - candidate_plates(entry_read).get(read.plate, 0.0)
    agree = _colours_agree(stay.colour, read.colour)
    return (1.0 - doubt) * (1.0 if agree else _OTHER_COLOUR)


def ranked(
    *,
    read: PlateRead,
    left_at: datetime,
    open_stays: Iterable[Stay],
    entry_reads: Mapping[object, PlateRead],
    rules: StayRules,
) -> tuple[Scored, ...]:
    """The stays that something speaks for, best first.

    `entry_reads` by entry event id, as far as they are known. A stay must be open since before the
    exit, and not past the lot's maximum.
    """
    scored = [
        Scored(stay, score)
        for stay in open_stays
        if may_be_leaving(stay, left_at, rules)
        and (score := score_of(read, stay, entry_reads.get(stay.entry_event_id))) > 0.0
    ]
    return tuple(sorted(scored, key=lambda each: (-each.score, each.stay.stay_id)))


def clear_winner(candidates: Sequence[Scored], *, rules: StayRules) -> Stay | None:
    """The stay to match tentatively: good enough by the rules, and well ahead of all others."""
    if not candidates or candidates[0].score < rules.match_score_min:
        return None
    if len(candidates) > 1 and candidates[0].score - candidates[1].score < rules.match_margin_min:
        return None
    return candidates[0].stay


def may_be_leaving(stay: Stay, left_at: datetime, rules: StayRules) -> bool:
    """Say whether a car may have ended this stay by an exit at an instant."""
    return (
        stay.state is StayState.OPEN
        and stay.last_seen_at <= left_at
        and not overstayed(stay, rules=rules, now=left_at)
    )


def _colours_agree(one: PlateColour, other: PlateColour) -> bool:
    return one is other or PlateColour.UNKNOWN in (one, other)

"""Many frames of one car, one text: a vote per character, weighted by score and grammar."""

from collections import defaultdict
from collections.abc import Sequence
from math import exp, log, sqrt

import msgspec

from lpr.core.decode import decode
from lpr.core.plate_format import PlateKind
from lpr.core.reading import CharacterRead, PlateReading
from parking.core.events import Candidate, PlateColour

WEIGHT_MIN = 0.02
"""Even the worst frame counts a little, so that a car with only bad frames has a text."""
UNGRAMMATICAL_WEIGHT = 0.1
"""What a frame counts whose text is no plate, against one whose text is."""
SHARE_FLOOR = 1e-3
"""A frame never rules a character out altogether: it may have seen dirt."""


class VotedPlate(msgspec.Struct, frozen=True, kw_only=True):
    """What all frames of a car say together."""

    text: str
    kind: PlateKind | None
    colour: PlateColour
    confidence: float
    """0.0 to 1.0: the whole text right."""
    margin: float
    """0.0 to 1.0: how far the runner-up lies behind."""
    candidates: tuple[Candidate, ...]
    frames: int
    """How many frames were heard."""
    agreeing: int
    """How many of them read this very text."""


def vote(readings: Sequence[PlateReading]) -> VotedPlate | None:
    """Pool the frames of one car; None when no frame showed a character."""
    heard = [reading for reading in readings if reading.characters]
    if not heard:
        return None
    of_length = _likeliest_length(heard)
    decoded = decode(_pool(of_length))
    runner_up = decoded.candidates[0].confidence if decoded.candidates else 0.0
    return VotedPlate(
        text=decoded.text,
        kind=decoded.kind,
        colour=_colour(heard),
        confidence=decoded.confidence,
        margin=max(0.0, decoded.confidence - runner_up),
        candidates=decoded.candidates,
        frames=len(heard),
        agreeing=sum(reading.text == decoded.text for reading in heard),
    )


def weight(reading: PlateReading) -> float:
    """Say how much one frame counts: its confidence, and less when it is no plate."""
    scored = max(reading.confidence, WEIGHT_MIN)
    return scored if reading.kind is not None else scored * UNGRAMMATICAL_WEIGHT


def _likeliest_length(readings: Sequence[PlateReading]) -> list[PlateReading]:
    by_length: dict[int, list[PlateReading]] = defaultdict(list)
    for reading in readings:
        by_length[len(reading.characters)].append(reading)
    return max(by_length.values(), key=lambda group: (sum(map(weight, group)), len(group)))


def _pool(readings: Sequence[PlateReading]) -> tuple[CharacterRead, ...]:
    """Pool the frames place by place.

    Logarithms add up, as for independent looks; but frames of one car share their dirt and
    angle, so n frames count as the square root of n looks. One frame comes out as it went in.
    """
    weights = [weight(reading) for reading in readings]
    scale = sqrt(len(readings)) / sum(weights)
    exponents = [scale * item for item in weights]
    places = zip(*(reading.characters for reading in readings), strict=True)
    return tuple(_pool_place(place, exponents) for place in places)


def _pool_place(looks: Sequence[CharacterRead], exponents: Sequence[float]) -> CharacterRead:
    shares = [dict(look.alternatives) for look in looks]
    names = sorted({name for share in shares for name in share})
    others = [max(1.0 - sum(share.values()), SHARE_FLOOR) for share in shares]
    scores = {
        name: sum(
            exponent * log(max(share.get(name, SHARE_FLOOR), SHARE_FLOOR))
            for share, exponent in zip(shares, exponents, strict=True)
        )
        for name in names
    }
    other = sum(exponent * log(share) for share, exponent in zip(others, exponents, strict=True))
    total = sum(exp(score) for score in scores.values()) + exp(other)
    pooled = {name: exp(score) / total for name, score in scores.items()}
    return CharacterRead(tuple(sorted(pooled.items(), key=lambda item: (-item[1], item[0]))))


def _colour(readings: Sequence[PlateReading]) -> PlateColour:
    votes: dict[PlateColour, float] = defaultdict(float)
    for reading in readings:
        if reading.colour is not PlateColour.UNKNOWN:
            votes[reading.colour] += weight(reading)
    return max(votes, key=lambda colour: (votes[colour], colour.value), default=PlateColour.UNKNOWN)

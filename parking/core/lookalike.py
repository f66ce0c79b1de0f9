"""Plates that a recogniser confuses: one character off, and that character a look-alike.

A near miss pairs an exit with the one open stay that it almost names. The pairing is tentative:
the driver or the operator may say no before anything is charged.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from parking.core.events import PlateColour
from parking.core.folding import overstayed
from parking.core.place import StayRules
from parking.core.plate import Plate
from parking.core.stay import Stay, StayState

_PAIRS: Final = (
    # Closed round shapes; the letter O is no plate's, but recognisers write it.
    ("0O", 1.0),
    ("0D", 0.9),
    ("0Q", 0.9),
    ("DO", 0.9),
    ("OQ", 0.9),
    ("DQ", 0.7),
    ("CG", 0.6),
    ("0C", 0.3),
    ("0U", 0.3),
    # Letter and digit of one outline.
    ("8B", 0.9),
    ("2Z", 0.9),
    ("5S", 0.9),
    ("1I", 1.0),
    ("1L", 0.6),
    ("1T", 0.6),
    ("17", 0.7),
    ("IL", 0.6),
    ("IT", 0.6),
    ("7T", 0.7),
    ("LT", 0.3),
    ("7Z", 0.5),
    ("27", 0.4),
    ("4A", 0.5),
    ("6G", 0.6),
    ("68", 0.5),
    ("38", 0.5),
    ("3B", 0.4),
    ("8S", 0.4),
    ("56", 0.4),
    ("9P", 0.3),
    # Letters that differ in one stroke, often lost to dirt or a rivet.
    ("EF", 0.7),
    ("EB", 0.4),
    ("PR", 0.6),
    ("PF", 0.5),
    ("UV", 0.6),
    ("VY", 0.6),
    ("UJ", 0.4),
    ("KX", 0.5),
    ("MN", 0.5),
    ("HN", 0.4),
    ("HM", 0.4),
    ("MW", 0.3),
    ("DU", 0.3),
    # Provinces that share a component or a silhouette when dark or blurred.
    ("京晋", 0.4),
    ("京琼", 0.6),
    ("津浙", 0.6),
    ("津沪", 0.4),
    ("浙沪", 0.4),
    ("沪泸", 0.6),
    ("皖院", 0.4),
    ("鄂鲁", 0.4),
    ("鲁晋", 0.5),
    ("苏赣", 0.4),
    ("贵赣", 0.5),
    ("贵青", 0.5),
    ("青冀", 0.4),
    ("冀翼", 0.6),
    ("粤奥", 0.5),
    ("粤鲁", 0.3),
    ("辽江", 0.3),
    ("吉青", 0.3),
    ("豫黑", 0.3),
    ("陕皖", 0.4),
    ("湘渝", 0.5),
    ("渝沪", 0.3),
    ("渝津", 0.3),
    ("蒙豫", 0.4),
    ("蒙藏", 0.4),
    ("宁辽", 0.3),
    ("云宁", 0.3),
    ("云甘", 0.3),
    ("闽皖", 0.3),
    ("桂赣", 0.3),
    ("新渝", 0.3),
)

LOOKALIKES: Final[Mapping[frozenset[str], float]] = MappingProxyType(
    {frozenset(pair): weight for pair, weight in _PAIRS}
)
"""How readily a recogniser takes one character of the pair for the other: 0.0 never, 1.0 freely."""

NEAR_MISS_WEIGHT_MIN: Final = 0.5
"""Pairs below this are shown to a person as possible, but never paired by the machine."""


def lookalike_weight(one: str, other: str) -> float:
    """How readily one plate is read as the other: 0.0 unless exactly one character differs."""
    if len(one) != len(other):
        return 0.0
    differing = [frozenset(pair) for pair in zip(one, other, strict=True) if pair[0] != pair[1]]
    return LOOKALIKES.get(differing[0], 0.0) if len(differing) == 1 else 0.0


def is_lookalike(one: str, other: str) -> bool:
    """Say whether the plates differ in exactly one character, and that in a confusable pair."""
    return lookalike_weight(one, other) > 0.0


def near_miss(
    *,
    plate: Plate,
    colour: PlateColour,
    left_at: datetime,
    open_stays: Iterable[Stay],
    rules: StayRules,
) -> Stay | None:
    """Find the one open stay of the lot that an exit without a stay almost names.

    Answers None where no stay qualifies or several do; a second candidate, however weak, makes
    the first a guess, and a guess is for the operator's review. A candidate must be open since
    before the exit, within the maximum stay, and not of another known colour.
    """
    candidates = [
        stay
        for stay in open_stays
        if _may_be_leaving(stay, left_at, rules)
        and _colours_agree(stay.colour, colour)
        and is_lookalike(stay.plate, plate)
    ]
    if len(candidates) != 1:
        return None
    (candidate,) = candidates
    sure = lookalike_weight(candidate.plate, plate) >= NEAR_MISS_WEIGHT_MIN
    return candidate if sure else None


def _may_be_leaving(stay: Stay, left_at: datetime, rules: StayRules) -> bool:
    return (
        stay.state is StayState.OPEN
        and stay.last_seen_at <= left_at
        and not overstayed(stay, rules=rules, now=left_at)
    )


def _colours_agree(one: PlateColour, other: PlateColour) -> bool:
    return one is other or PlateColour.UNKNOWN in (one, other)

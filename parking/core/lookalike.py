"""Characters that recognisers take for each other, and how readily.

Where a weight is from stands above its group. None is measured on a recogniser yet: they are
ranks turned into shares, and a lot's `match_score_min` decides what they are good for. A
recogniser's own confusion counts may replace them number by number.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_PAIRS: Final = (
    # Taken for the same character outright by the "OCR equivalence" lists of number plate systems
    # (Genetec Security Center's list: 0ODQ, 1I, 2Z, 5S, 8B, 6G). I and O are no plate's letters
    # (GA 36), but recognisers write them.
    ("0O", 1.0),
    ("1I", 1.0),
    ("0D", 0.9),
    ("0Q", 0.9),
    ("DO", 0.9),
    ("OQ", 0.9),
    ("8B", 0.9),
    ("2Z", 0.9),
    ("5S", 0.9),
    ("DQ", 0.7),
    ("6G", 0.6),
    # Named by who runs gates in China, beside those above: 1/L/T/7.
    ("17", 0.7),
    ("7T", 0.7),
    ("1L", 0.6),
    ("1T", 0.6),
    ("LT", 0.3),
    # Told of in published surveys of character confusion: similar outlines under tilt, snow and
    # dirt; the weight by how much of the stroke is shared.
    ("EF", 0.7),
    ("CG", 0.6),
    ("PR", 0.6),
    ("UV", 0.6),
    ("4A", 0.5),
    ("68", 0.5),
    ("38", 0.5),
    ("KX", 0.5),
    ("PB", 0.4),
    ("VW", 0.4),
    ("XY", 0.4),
    ("35", 0.4),
    ("58", 0.4),
    ("08", 0.3),
    ("39", 0.3),
    ("49", 0.3),
    # Alike in the renderer's plate glyphs (gateway_sim/gates/fonts) when drawn 14 pixels wide and
    # blurred: correlation above 0.6, or one stroke apart by eye; never above 0.6 of weight.
    ("VY", 0.6),
    ("IL", 0.6),
    ("IT", 0.6),
    ("PF", 0.5),
    ("MN", 0.5),
    ("7Z", 0.5),
    ("27", 0.4),
    ("3B", 0.4),
    ("8S", 0.4),
    ("56", 0.4),
    ("EB", 0.4),
    ("UJ", 0.4),
    ("HN", 0.4),
    ("HM", 0.4),
    ("0C", 0.3),
    ("0U", 0.3),
    ("9P", 0.3),
    ("MW", 0.3),
    ("DU", 0.3),
    # Provinces mixed up at gates in practice, as their operators tell.
    ("津浙", 0.6),
    ("桂皖", 0.5),
    ("浙湘", 0.5),
    ("津湘", 0.5),
    # Provinces that share a component, and characters that are none but differ in a stroke.
    ("京琼", 0.6),
    ("沪泸", 0.6),
    ("冀翼", 0.6),
    ("粤奥", 0.5),
    ("湘渝", 0.5),
    ("鲁晋", 0.5),
    ("京晋", 0.4),
    ("皖院", 0.4),
    ("浙沪", 0.4),
    ("津沪", 0.4),
    ("鄂鲁", 0.4),
    ("苏赣", 0.4),
    # Provinces alike when drawn 14 pixels wide and blurred, as above: correlation 0.85 and more
    # 0.5, 0.8 and more 0.4, less than that 0.3 and by eye.
    ("贵青", 0.5),
    ("赣藏", 0.5),
    ("粤青", 0.5),
    ("贵赣", 0.5),
    ("冀藏", 0.4),
    ("冀鲁", 0.4),
    ("冀赣", 0.4),
    ("冀蒙", 0.4),
    ("冀豫", 0.4),
    ("青冀", 0.4),
    ("鲁青", 0.4),
    ("豫青", 0.4),
    ("赣青", 0.4),
    ("蒙青", 0.4),
    ("蒙藏", 0.4),
    ("蒙豫", 0.4),
    ("陕皖", 0.4),
    ("粤鲁", 0.4),
    ("渝津", 0.3),
    ("渝沪", 0.3),
    ("辽江", 0.3),
    ("吉青", 0.3),
    ("豫黑", 0.3),
    ("宁辽", 0.3),
    ("云宁", 0.3),
    ("云甘", 0.3),
    ("闽皖", 0.3),
    ("桂赣", 0.3),
    ("新渝", 0.3),
)
_SECOND_DIFFERENCE: Final = 0.5
"""Two misread characters in one plate are rarer than the product of both tells."""
_DIFFERENCES_MAX: Final = 2

LOOKALIKES: Final[Mapping[frozenset[str], float]] = MappingProxyType(
    {frozenset(pair): weight for pair, weight in _PAIRS}
)
"""How readily a recogniser takes one character of the pair for the other: 0.0 never, 1.0 freely."""


def lookalike_weight(one: str, other: str) -> float:
    """How readily one plate is read as the other: 0.0 unless exactly one character differs."""
    if len(one) != len(other):
        return 0.0
    differing = [frozenset(pair) for pair in zip(one, other, strict=True) if pair[0] != pair[1]]
    return LOOKALIKES.get(differing[0], 0.0) if len(differing) == 1 else 0.0


def is_lookalike(one: str, other: str) -> bool:
    """Say whether the plates differ in exactly one character, and that in a confusable pair."""
    return lookalike_weight(one, other) > 0.0


def resemblance(one: str, other: str) -> float:
    """How readily one plate is read as the other, with up to two confusable characters: 0.0 to 1.0.

    Only one character off is weighed as `lookalike_weight` does; two count half their product.
    """
    if len(one) != len(other):
        return 0.0
    pairs = [frozenset(pair) for pair in zip(one, other, strict=True) if pair[0] != pair[1]]
    if not 1 <= len(pairs) <= _DIFFERENCES_MAX:
        return 0.0
    weight = LOOKALIKES.get(pairs[0], 0.0)
    return (
        weight if len(pairs) == 1 else weight * LOOKALIKES.get(pairs[1], 0.0) * _SECOND_DIFFERENCE
    )


def lookalikes_of(plate: str) -> list[str]:
    """Every text that differs in one character, and that in a confusable pair."""
    return [
        plate[:place] + other + plate[place + 1 :]
        for place, character in enumerate(plate)
        for other in _CONFUSABLE.get(character, "")
    ]


def _confusable() -> Mapping[str, str]:
    others: dict[str, str] = {}
    for pair in LOOKALIKES:
        one, other = sorted(pair)
        others[one] = others.get(one, "") + other
        others[other] = others.get(other, "") + one
    return others


_CONFUSABLE: Final = _confusable()

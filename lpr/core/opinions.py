"""Several looks at one crop, one answer: how sure they are of each text together."""

from collections.abc import Sequence
from math import exp, log

import msgspec

from lpr.core.decode import CANDIDATES_MAX, Decoded
from lpr.core.reading import CharacterRead, joint_confidence
from parking.core.events import Candidate

FLOOR = 0.01
"""No look rules a text out altogether: the plate may have been cut out badly for it."""
LOOKS_POWER = 0.25
"""Chosen on the tuning share, photographed anew: at 0.5 one of 508 answers that were sure to 0.95
was wrong, and two of 153 in plates of the gates' simulator; at 0.25 none of 481 and none of 118."""
UNNAMED_SHARE = 0.5
"""What a look leaves to texts that it does not name goes in this part to the one that another look
does name."""


def pooled(looks: Sequence[Decoded]) -> Decoded:
    """Pool looks at the same plate, of which there must be at least one.

    Logarithms add up, as for independent looks, weighted by how sure each look is; but looks at one
    plate share its dirt and blur, and n looks at one picture even more than n frames
    (`lpr.core.vote`): they count as the fourth root of n. One look comes out as it went in. Looks
    whose text is no plate are not heard while another's is.
    """
    heard = [look for look in looks if look.kind is not None]
    if not heard:
        return max(looks, key=lambda look: look.confidence)
    if len(heard) == 1:
        return heard[0]
    scale = len(heard) ** LOOKS_POWER / max(sum(look.confidence for look in heard), FLOOR)
    weights = [look.confidence * scale for look in heard]
    shares = [_shares(look) for look in heard]
    left = [max(1.0 - sum(share.values()), 0.0) for share in shares]
    texts = sorted({text for share in shares for text in share})
    scores = {
        text: _together(
            [s.get(text, rest * UNNAMED_SHARE) for s, rest in zip(shares, left, strict=True)],
            weights,
        )
        for text in texts
    }
    total = sum(scores.values()) + _together([rest * UNNAMED_SHARE for rest in left], weights)
    ranked = sorted(texts, key=lambda text: (-scores[text], text))
    best = ranked[0]
    return _answer(
        best,
        confidence=scores[best] / total,
        looks=[look for look in heard if look.text == best] or heard,
        candidates=tuple(
            Candidate(text, scores[text] / total) for text in ranked[1 : 1 + CANDIDATES_MAX]
        ),
    )


def _shares(look: Decoded) -> dict[str, float]:
    return {look.text: look.confidence} | {item.text: item.confidence for item in look.candidates}


def _together(shares: Sequence[float], weights: Sequence[float]) -> float:
    pairs = zip(shares, weights, strict=True)
    return exp(sum(weight * log(max(share, FLOOR)) for share, weight in pairs))


def _answer(
    text: str,
    *,
    confidence: float,
    looks: Sequence[Decoded],
    candidates: tuple[Candidate, ...],
) -> Decoded:
    surest = max(looks, key=lambda look: look.confidence)
    if surest.text != text:  # nobody's first choice, everybody's second
        return msgspec.structs.replace(surest, confidence=min(surest.confidence, confidence))
    joint = joint_confidence(surest.characters, text)
    scale = (confidence / joint) ** (1 / len(text)) if joint > 0 else 1.0
    return msgspec.structs.replace(
        surest,
        confidence=confidence,
        characters=tuple(_scaled(place, scale) for place in surest.characters),
        candidates=candidates,
    )


def _scaled(place: CharacterRead, scale: float) -> CharacterRead:
    """Make the first alternative surer or less sure; the others share what is left as before."""
    (name, share), *others = place.alternatives
    new = min(share * scale, 1.0)
    rest = sum(item[1] for item in others)
    shrink = min(1.0, (1.0 - new) / rest) if rest > 0 else 0.0
    return CharacterRead(((name, new), *((other, value * shrink) for other, value in others)))

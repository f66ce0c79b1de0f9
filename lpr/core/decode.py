"""From characters with alternatives to the likeliest texts, under the plate grammar."""

import heapq
from collections.abc import Iterator, Sequence

import msgspec

from lpr.core.plate_format import (
    PLATE_CHARACTERS_MAX,
    PLATE_CHARACTERS_MIN,
    PlateKind,
    allowed_at,
    kind_of,
)
from lpr.core.reading import CharacterRead
from parking.core.events import Candidate

TEXTS_TRIED_MAX = 300
"""How many combinations of characters are looked at before the grammar is given up."""
CANDIDATES_MAX = 4
SHARE_MIN = 0.002
"""A character less likely than this is not used to force a text into the grammar."""


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """The likeliest text, with its runners-up."""

    text: str
    kind: PlateKind | None
    confidence: float
    """0.0 to 1.0: all characters right at once."""
    characters: tuple[CharacterRead, ...]
    """Those of `text`, one for each place."""
    candidates: tuple[Candidate, ...]


def raw_text(characters: Sequence[CharacterRead]) -> str:
    """Take the likeliest character at each place, whatever the grammar says."""
    return "".join(place.character for place in characters)


def decode(characters: Sequence[CharacterRead]) -> Decoded:
    """Find the likeliest text that is a plate; failing that, the likeliest text.

    Recognisers sometimes see a screw or the frame as a character too many at either end, so
    readings without the first or last place compete as well, at the price of its confidence.
    """
    found = [
        (share * kept, text, tuple(places))
        for kept, places in _trimmed(characters)
        for text, share in _plates(places)
    ]
    if not found:
        text = raw_text(characters)
        return Decoded(
            text=text,
            kind=None,
            confidence=_product(characters),
            characters=tuple(characters),
            candidates=(),
        )
    found.sort(key=lambda item: (-item[0], item[1]))
    share, text, places = found[0]
    others = {other: likelihood for likelihood, other, _ in reversed(found[1:]) if other != text}
    ranked = sorted(others.items(), key=lambda item: (-item[1], item[0]))[:CANDIDATES_MAX]
    return Decoded(
        text=text,
        kind=kind_of(text),
        confidence=share,
        characters=tuple(_led_by(place, char) for place, char in zip(places, text, strict=True)),
        candidates=tuple(Candidate(other, likelihood) for other, likelihood in ranked),
    )


def ranked_texts(characters: Sequence[CharacterRead]) -> Iterator[tuple[str, float]]:
    """Walk the combinations of alternatives, likeliest first, each once."""
    if not characters or any(not place.alternatives for place in characters):
        return
    start: tuple[int, ...] = (0,) * len(characters)
    heap: list[tuple[float, tuple[int, ...]]] = [(-_likelihood(characters, start), start)]
    while heap:
        likelihood, picks = heapq.heappop(heap)
        yield "".join(_picked(characters, picks)), -likelihood
        # Each combination is reached only by raising its last raised place or one after it.
        last = max((place for place, pick in enumerate(picks) if pick), default=0)
        for place in range(last, len(picks)):
            if picks[place] + 1 < len(characters[place].alternatives):
                following = (*picks[:place], picks[place] + 1, *picks[place + 1 :])
                heapq.heappush(heap, (-_likelihood(characters, following), following))


def _trimmed(
    characters: Sequence[CharacterRead],
) -> Iterator[tuple[float, Sequence[CharacterRead]]]:
    if PLATE_CHARACTERS_MIN <= len(characters) <= PLATE_CHARACTERS_MAX:
        yield 1.0, characters
    if PLATE_CHARACTERS_MIN < len(characters) <= PLATE_CHARACTERS_MAX + 1:
        yield 1.0 - characters[0].confidence, characters[1:]
        yield 1.0 - characters[-1].confidence, characters[:-1]


def _plates(places: Sequence[CharacterRead]) -> Iterator[tuple[str, float]]:
    length = len(places)
    allowed = tuple(
        CharacterRead(
            tuple(
                (character, share)
                for character, share in place.alternatives
                if share >= SHARE_MIN and character in allowed_at(index, length)
            )
        )
        for index, place in enumerate(places)
    )
    found = 0
    for tried, (text, share) in enumerate(ranked_texts(allowed)):
        if tried >= TEXTS_TRIED_MAX or found > CANDIDATES_MAX:
            return
        if kind_of(text) is not None:
            found += 1
            yield text, share


def _led_by(place: CharacterRead, character: str) -> CharacterRead:
    """Put the character that was decided on first."""
    others = tuple(item for item in place.alternatives if item[0] != character)
    return CharacterRead(((character, place.share(character)), *others))


def _picked(characters: Sequence[CharacterRead], picks: Sequence[int]) -> Iterator[str]:
    for place, pick in zip(characters, picks, strict=True):
        yield place.alternatives[pick][0]


def _likelihood(characters: Sequence[CharacterRead], picks: Sequence[int]) -> float:
    likelihood = 1.0
    for place, pick in zip(characters, picks, strict=True):
        likelihood *= place.alternatives[pick][1]
    return likelihood


def _product(characters: Sequence[CharacterRead]) -> float:
    return _likelihood(characters, (0,) * len(characters)) if characters else 0.0

"""From a CTC net's steps to characters with alternatives, and how sure the net is of a text."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lpr.core.reading import CharacterRead, joint_confidence

Floats: TypeAlias = npt.NDArray[np.float32]

ALTERNATIVES_MAX = 6
BLANK = 0


def read_whole(steps: Floats, alphabet: Sequence[str | None]) -> tuple[CharacterRead, ...]:
    """Read as `read_characters` does, but with the whole text no surer than the net is of it.

    The surest steps alone know nothing of a character that was nearly read, or nearly missed,
    between them. So all shares are scaled down until their product is the probability that the
    net gives to the text, over all the ways to spell it in these steps.
    """
    characters = read_characters(steps, alphabet)
    if not characters:
        return ()
    text = "".join(place.character for place in characters)
    surest = joint_confidence(characters, text)
    whole = text_probability(steps, [alphabet.index(character) for character in text])
    scale = min(1.0, whole / surest) ** (1 / len(text)) if surest > 0 else 1.0
    return tuple(
        CharacterRead(tuple((name, share * scale) for name, share in place.alternatives))
        for place in characters
    )


def text_probability(steps: Floats, outputs: Sequence[int]) -> float:
    """Sum the probabilities of all alignments of a text (its outputs) with the steps.

    The forward recursion of CTC (Graves and others, 2006, section 4.1).
    """
    states = np.full(2 * len(outputs) + 1, BLANK)
    states[1::2] = outputs
    emitted = np.asarray(steps, np.float64)[:, states]
    may_skip = np.zeros(len(states), bool)
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    reached = np.zeros(len(states))
    reached[:2] = emitted[0, :2]
    for shares in emitted[1:]:
        following = reached.copy()
        following[1:] += reached[:-1]
        following[2:] += np.where(may_skip[2:], reached[:-2], 0.0)
        reached = following * shares
    return float(min(reached[-2:].sum(), 1.0))


def read_characters(steps: Floats, alphabet: Sequence[str | None]) -> tuple[CharacterRead, ...]:
    """Collapse a CTC net's steps (time by output) to characters with their alternatives.

    `alphabet` says what each output means on a plate; None for what no plate shows, such as
    punctuation, which is skipped. A character's shares are those of its surest step.
    """
    best = steps.argmax(axis=1)
    starts = [0, *(np.flatnonzero(best[1:] != best[:-1]) + 1).tolist(), len(best)]
    characters = []
    for start, end in pairwise(starts):
        output = int(best[start])
        if output == BLANK:
            continue
        peak = start + int(steps[start:end, output].argmax())
        character = _character(steps[peak], alphabet)
        if character is not None:
            characters.append(character)
    return tuple(characters)


def _character(shares: Floats, alphabet: Sequence[str | None]) -> CharacterRead | None:
    if alphabet[int(shares.argmax())] is None:
        return None
    found: dict[str, float] = {}
    for output in np.argsort(shares)[::-1][: 2 * ALTERNATIVES_MAX].tolist():
        meaning = alphabet[output]
        if meaning is not None:
            found[meaning] = found.get(meaning, 0.0) + float(shares[output])
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:ALTERNATIVES_MAX]
    return CharacterRead(tuple((name, min(share, 1.0)) for name, share in ranked))

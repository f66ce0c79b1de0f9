"""Which photographs are learnt from, which are tuned on, and which only judge.

The rule, written down once: the share is decided by the SHA-256 of the plate's text (UTF-8), not
of the file, so that all pictures of one plate fall to one side. The first eight hexadecimal
digits modulo 3 are 0: test. Of the rest, the next eight modulo 8 are 0: tuning. Else: training.

| share | crops | frames | what for |
|---|---|---|---|
| training | 344 | 77 | the net's weights, and how the renderer is set |
| tuning | 37 | 9 | when to stop, temperature, thresholds |
| test | 193 | 49 | figures, and nothing else |

A test holds the counts against the photographs where they are at hand.
"""

import csv
import hashlib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import msgspec

from lpr.training.errors import PhotographsMissingError

_TEST_MODULUS = 3
_TUNING_MODULUS = 8
_DIGITS = 8
_DIGEST_STEPS = 1 << 32
"""How many values eight hexadecimal digits have."""


class Share(Enum):
    """What a photograph may be used for."""

    TRAINING = "training"
    TUNING = "tuning"
    TEST = "test"


class Photograph(msgspec.Struct, frozen=True, kw_only=True):
    """A real picture whose plate is known."""

    path: Path
    text: str
    is_frame: bool
    """A whole frame; else a plate that was cut out."""
    share: Share


def share_of(text: str) -> Share:
    """Decide what the pictures of one plate may be used for."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    if int(digest[:_DIGITS], 16) % _TEST_MODULUS == 0:
        return Share.TEST
    if int(digest[_DIGITS : 2 * _DIGITS], 16) % _TUNING_MODULUS == 0:
        return Share.TUNING
    return Share.TRAINING


def is_among(text: str, part: float) -> bool:
    """Say whether a plate belongs to a part (0.0 to 1.0) of its share; each part is in the next.

    The digest's third eight digits decide.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()
    return int(digest[2 * _DIGITS : 3 * _DIGITS], 16) / _DIGEST_STEPS < part


def photographs(folder: Path, *shares: Share) -> Iterator[Photograph]:
    """List the photographs under a folder that holds `truth.csv`, in its order.

    Only the shares asked for. Raises PhotographsMissingError.
    """
    truth = folder / "truth.csv"
    if not truth.is_file():
        raise PhotographsMissingError(folder)
    with truth.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            share = share_of(row["text"])
            if share in shares:
                yield Photograph(
                    path=folder / row["path"],
                    text=row["text"],
                    is_frame=row["path"].startswith("frames/"),
                    share=share,
                )

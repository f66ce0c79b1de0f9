"""What was read worst: a page of pictures made on demand; which characters are taken for others.

The page shows real cars: it is for the eyes of whoever runs the bench, and never committed.
"""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import cv2

from lpr.image_file import read_image_file

WORST = 20
_SIDE_PIXELS = 720
_MISSED = "–"
_HEAD = (
    '<!doctype html><meta charset="utf-8"><title>Read worst</title>'
    "<style>body{font:14px sans-serif;display:flex;flex-wrap:wrap;gap:16px}"
    "figure{margin:0;width:360px}img{width:100%}.wrong{color:#b00020}</style>"
)


class Judged(NamedTuple):
    """One photograph, and what was made of it."""

    sure: float
    right: bool
    truth: str
    read: str
    path: str


def page(judged: Sequence[Judged]) -> str:
    """Write the worst as HTML: wrong ones first, the surest of them first; then the least sure."""
    ranked = sorted(judged, key=lambda item: (item.right, item.sure if item.right else -item.sure))
    return "\n".join([_HEAD, *(_figure(item) for item in ranked[:WORST])]) + "\n"


def confusions(judged: Sequence[Judged]) -> str:
    """Write the confusion matrix as a table of the pairs that occur, most frequent first."""
    pairs = Counter(pair for item in judged for pair in _mistaken(item))
    lines = ["| true | read as | times |", "|---|---|---|"]
    lines += [f"| {true} | {read} | {count} |" for (true, read), count in pairs.most_common()]
    return "\n".join(lines)


def _mistaken(item: Judged) -> Iterator[tuple[str, str]]:
    if len(item.truth) == len(item.read):
        yield from ((a, b) for a, b in zip(item.truth, item.read, strict=True) if a != b)
    elif not item.right:
        yield item.truth, item.read or _MISSED


def _figure(item: Judged) -> str:
    picture = read_image_file(Path(item.path))
    scale = min(_SIDE_PIXELS / max(picture.shape[:2]), 4.0)
    shown = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    data = base64.b64encode(cv2.imencode(".jpg", shown)[1].tobytes()).decode()
    mark = "" if item.right else ' class="wrong"'
    said = f"{item.truth} read as {item.read or _MISSED} ({item.sure:.3f}), {item.path}"
    return (
        f'<figure><img src="data:image/jpeg;base64,{data}">'
        f"<figcaption{mark}>{escape(said)}</figcaption></figure>"
    )

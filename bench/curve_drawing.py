"""Shares over ever larger amounts, as SVG, with how far chance alone reaches."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

_SVG = "http://www.w3.org/2000/svg"
_FONT = 'font-family="sans-serif" font-size="12"'
_WIDTH, _HEIGHT, _EDGE = 640, 360, 48
_Z = 1.96
_APART = 4
"""Pixels between the lines' marks at one place, so that none hides another."""


class Line(NamedTuple):
    """One line of the picture."""

    label: str
    colour: str
    places: Sequence[int]
    """Which of the amounts, from 0."""
    shares: Sequence[float]
    bounds: Sequence[tuple[float, float]]
    """Lower and upper bound of each share; empty where none are to be drawn."""


def interval(share: float, count: int) -> tuple[float, float]:
    """Answer Wilson's two-sided interval of a share of so many, at 95 %."""
    middle = share + _Z * _Z / (2 * count)
    spread = _Z * sqrt(share * (1 - share) / count + _Z * _Z / (4 * count * count))
    whole = 1 + _Z * _Z / count
    return (middle - spread) / whole, (middle + spread) / whole


def drawn(lines: Sequence[Line], amounts: Sequence[str]) -> str:
    """Draw the lines over the amounts, which stand at equal distances."""
    last = len(amounts) - 1
    return "\n".join(
        [
            f'<svg xmlns="{_SVG}" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_FONT}>',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
            *_grid(amounts),
            *(mark for number, line in enumerate(lines) for mark in _line(line, number, last)),
            _text(_WIDTH / 2 - 90, _HEIGHT - 8, "photographs learnt from", "#333"),
            _text(8, 20, "read exactly", "#333"),
            "</svg>",
            "",
        ]
    )


def _line(line: Line, number: int, last: int) -> list[str]:
    across = [_x(place, last) + (number - 1) * _APART for place in line.places]
    where = " ".join(
        f"{x:.1f},{_y(share):.1f}" for x, share in zip(across, line.shares, strict=True)
    )
    marks = [f'<polyline points="{where}" fill="none" stroke="{line.colour}" stroke-width="2"/>']
    for x, share in zip(across, line.shares, strict=True):
        marks.append(f'<circle cx="{x:.1f}" cy="{_y(share):.1f}" r="3" fill="{line.colour}"/>')
    for x, (low, high) in zip(across, line.bounds, strict=False):
        marks.append(f'<path d="M{x:.1f} {_y(low):.1f}V{_y(high):.1f}" stroke="{line.colour}"/>')
    down = _HEIGHT - _EDGE - 12 - 16 * number
    return [*marks, _text(_WIDTH - _EDGE - 260, down, line.label, line.colour)]


def _x(place: int, last: int) -> float:
    return _EDGE + 16 + place / last * (_WIDTH - 2 * _EDGE - 32)


def _y(share: float) -> float:
    return _HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE)


def _grid(amounts: Sequence[str]) -> list[str]:
    marks = []
    for step in range(6):
        y = _y(step / 5)
        marks += [
            f'<path d="M{_EDGE} {y:.1f}H{_WIDTH - _EDGE}" stroke="#ddd"/>',
            _text(8, y + 4, f"{step / 5:.0%}", "#333"),
        ]
    for place, amount in enumerate(amounts):
        x = _x(place, len(amounts) - 1)
        marks.append(_text(x - 4 * len(amount), _HEIGHT - _EDGE + 16, amount, "#333"))
    return marks


def _text(x: float, y: float, text: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}">{text}</text>'

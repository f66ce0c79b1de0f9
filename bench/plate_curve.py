"""How far a reader's own confidence can be trusted: a line of text, and a curve as SVG."""

from collections.abc import Sequence
from math import sqrt

Reads = Sequence[tuple[float, bool]]
"""How sure the reader was, and whether it was right."""

_SVG = "http://www.w3.org/2000/svg"
_FONT = 'font-family="sans-serif" font-size="12"'
_WIDTH, _HEIGHT, _EDGE = 640, 320, 48
_FROM, _TO = 0.5, 1.0
_RIGHT_FROM = 0.9
_STEPS = 100


def calibration(reads: Reads, *, sure: float) -> str:
    """Say how many of the sure reads are right, with the lower bound that so few allow."""
    right, count = _at_least(reads, sure)
    if not count:
        return f"no read is sure to {sure:.0%}"
    return (
        f"of {len(reads)} reads {count} ({count / len(reads):.1%}) are sure to {sure:.0%} or more; "
        f"{right} of them are right ({right / count:.2%}, at least "
        f"{lower_bound(right, count):.1%} with 95 % confidence)"
    )


def lower_bound(right: int, count: int) -> float:
    """Answer Wilson's lower bound of a share, one-sided, at 95 %."""
    z = 1.645
    share = right / count
    middle = share + z * z / (2 * count)
    spread = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - spread) / (1 + z * z / count)


def drawn(reads: Reads) -> str:
    """Draw, over the threshold: the share of reads that reach it, and of these the right ones."""
    thresholds = [_FROM + (_TO - _FROM) * step / _STEPS for step in range(_STEPS + 1)]
    kept, right = [], []
    for threshold in thresholds:
        good, count = _at_least(reads, threshold)
        kept.append((threshold, count / len(reads)))
        if count:
            right.append((threshold, good / count))
    return "\n".join(
        [
            f'<svg xmlns="{_SVG}" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_FONT}>',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
            *_grid(),
            _line(right, "#0a7d38"),
            _line(kept, "#1f5fbf"),
            _text(_EDGE + 8, _HEIGHT - _EDGE - 34, "right, of those as sure", "#0a7d38"),
            _text(_EDGE + 8, _HEIGHT - _EDGE - 18, "as sure, of all reads", "#1f5fbf"),
            _text(_WIDTH / 2 - 60, _HEIGHT - 10, "confidence at least", "#333"),
            "</svg>",
            "",
        ]
    )


def _at_least(reads: Reads, threshold: float) -> tuple[int, int]:
    sure = [right for confidence, right in reads if confidence >= threshold]
    return sum(sure), len(sure)


def _x(value: float) -> float:
    return _EDGE + (value - _FROM) / (_TO - _FROM) * (_WIDTH - 2 * _EDGE)


def _y(value: float) -> float:
    share = max((value - _RIGHT_FROM) / (1 - _RIGHT_FROM), 0)
    return _HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE)


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    where = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _grid() -> list[str]:
    lines = []
    for step in range(6):
        x, y = _FROM + step * (_TO - _FROM) / 5, _RIGHT_FROM + step * (1 - _RIGHT_FROM) / 5
        lines += [
            f'<path d="M{_x(x):.1f} {_EDGE}V{_HEIGHT - _EDGE}" stroke="#ddd"/>',
            f'<path d="M{_EDGE} {_y(y):.1f}H{_WIDTH - _EDGE}" stroke="#ddd"/>',
            _text(_x(x) - 10, _HEIGHT - _EDGE + 16, f"{x:.1f}", "#333"),
            _text(8, _y(y) + 4, f"{y:.0%}", "#333"),
        ]
    return lines


def _text(x: float, y: float, text: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}">{text}</text>'

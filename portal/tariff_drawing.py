"""A price over time, drawn as text for a terminal and as SVG for a page."""

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final

from parking.core.currency import decimal_sum

_ROWS: Final = 12
_COLUMNS: Final = 72
_WIDTH, _HEIGHT, _MARGIN = 720, 320, 56
_TICKS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What leaving at each moment costs, in order of time."""

    title: str
    currency: str
    points: tuple[tuple[datetime, int], ...]

    @property
    def most_minor(self) -> int:
        """The highest price; at least one minor unit, so that there is something to draw."""
        return max([price for _, price in self.points] + [1])


def as_text(curve: Curve) -> str:
    """Draw with blocks: a column for each 20 minutes, the price at its end."""
    most = curve.most_minor
    last = len(curve.points) - 1
    prices = [curve.points[round((number + 1) * last / _COLUMNS)][1] for number in range(_COLUMNS)]
    rows = [curve.title]
    for row in range(_ROWS, 0, -1):
        level = most * row // _ROWS
        blocks = "".join("█" if price * _ROWS > most * (row - 1) else " " for price in prices)
        rows.append(f"{decimal_sum(level, curve.currency):>9} │{blocks.rstrip()}")
    rows.append(f"{curve.currency:>9} └{'─' * _COLUMNS}")
    width = _COLUMNS // _TICKS
    times = "".join(f"{_tick(curve, number):<{width}}" for number in range(_TICKS + 1))
    rows.append(f"{'':>10} {times.rstrip()}")
    return "\n".join(rows)


def as_svg(curve: Curve) -> str:
    """Draw as a stepped line with its scales."""
    most, last = curve.most_minor, len(curve.points) - 1
    right, bottom = _WIDTH - _MARGIN, _HEIGHT - _MARGIN

    def across(number: float) -> float:
        return _MARGIN + (right - _MARGIN) * number / last

    def down(price: float) -> float:
        return bottom - (bottom - _MARGIN) * price / most

    path = f"M{across(0):.1f} {down(curve.points[0][1]):.1f}"
    for number, (_, price) in enumerate(curve.points[1:], start=1):
        path += f"H{across(number):.1f}V{down(price):.1f}"
    grid = []
    for tick in range(_TICKS + 1):
        x, y = across(last * tick / _TICKS), down(most * tick / _TICKS)
        grid.append(
            f'<line x1="{_MARGIN}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#ddd"/>'
            f'<text x="{_MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">'
            f"{decimal_sum(most * tick // _TICKS, curve.currency)}</text>"
            f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{_tick(curve, tick)}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' font-family="sans-serif" font-size="12">\n<title>{escape(curve.title)}</title>\n'
        f'<text x="{_MARGIN}" y="28" font-size="15">{escape(curve.title)} ·'
        f" {escape(curve.currency)}</text>\n"
        + "\n".join(grid)
        + f'\n<path d="{path}" fill="none" stroke="#1668c7" stroke-width="2"/>\n</svg>\n'
    )


def _tick(curve: Curve, number: int) -> str:
    shown, _ = curve.points[round((len(curve.points) - 1) * number / _TICKS)]
    return f"{shown:%H:%M}"

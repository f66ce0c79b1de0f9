"""`parking tariff check`: what is wrong with a tariff file, or what its price looks like."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from parking.core.document_lines import json_lines, line_of, toml_lines
from parking.core.events import PlateColour
from parking.core.pricing import assess
from parking.core.pricing_plan import compile_tariff
from parking.core.tariff_document import (
    TariffSyntaxError,
    data_mistakes,
    decode_json,
    decode_toml,
)
from parking.core.vehicle import VehicleKind
from portal.quoting import NotAnInstantError, read_tariff
from portal.tariff_drawing import Curve, as_svg, as_text

_OPENS_AT: Final = time(8, 0)
_STEP: Final = timedelta(minutes=5)
_DRAWN: Final = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A tariff's price over 24 hours, drawn twice."""

    text: str
    svg: str


def mistakes(path: Path) -> list[str]:
    """Find what is wrong with a tariff file: `FILE:LINE: key: what, and how to mend it`."""
    text = path.read_text(encoding="utf-8")
    is_json = path.suffix.lower() == ".json"
    try:
        data = decode_json(text) if is_json else decode_toml(text)
    except TariffSyntaxError as error:
        return [f"{path}: {error.reason}"]
    lines = json_lines(text) if is_json else toml_lines(text)
    return [
        f"{path}:{line_of(lines, found.key)}: {found.key}: {found.reason}"
        for found in data_mistakes(data)
    ]


def drawing(
    path: Path, *, entered: str | None, colour: str, vehicle: str | None, today: date
) -> Drawing:
    """Draw what a stay costs that begins at `entered`, over its first 24 hours."""
    tariff = read_tariff(path)
    zone = ZoneInfo(tariff.zone)
    try:
        entered_at = (
            datetime.combine(today, _OPENS_AT)
            if entered is None
            else datetime.fromisoformat(entered)
        )
    except ValueError:
        raise NotAnInstantError(entered or "") from None
    if entered_at.tzinfo is None:
        entered_at = entered_at.replace(tzinfo=zone)
    ready = compile_tariff(tariff)
    points: list[tuple[datetime, int]] = []
    for number in range(_DRAWN // _STEP + 1):
        left_at = entered_at + number * _STEP
        fee = assess(
            entered_at=entered_at,
            left_at=left_at,
            tariff=ready,
            colour=PlateColour(colour),
            vehicle=None if vehicle is None else VehicleKind(vehicle),
        )
        points.append((left_at.astimezone(zone), fee.total.amount_minor))
    curve = Curve(
        title=f"{tariff.name_zh} {tariff.name_en} v{tariff.version}",
        currency=tariff.currency,
        points=tuple(points),
    )
    return Drawing(text=as_text(curve), svg=as_svg(curve))

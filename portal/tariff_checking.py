"""`parking tariff check`: what is wrong with a tariff file, or what its price looks like."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from parking.core.events import PlateColour
from parking.core.plate import Plate
from parking.core.pricing import assess
from parking.core.stay_fee import vehicle_of
from parking.core.tariff import Tariff
from parking.core.tariff_document import TariffSyntaxError, data_mistakes
from parking.core.vehicle import VehicleKind
from portal.tariff_drawing import Curve, as_svg, as_text
from portal.tariff_files import TariffFile, decode, pointed_at, read_tariff_file, read_text

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
    text = read_text(path)
    try:
        data = decode(path, text)
    except TariffSyntaxError as error:
        return [pointed_at(path, text, error)]
    return [pointed_at(path, text, found) for found in data_mistakes(data)]


def drawing(
    path: Path, *, entered: str | None, colour: str, vehicle: str | None, today: date
) -> Drawing:
    """Draw what a stay costs that begins at `entered`, over its first 24 hours."""
    file = read_tariff_file(path)
    zone = file.zone
    if entered is None:
        entered_at = datetime.combine(_day_in_force(file, today), _OPENS_AT, tzinfo=zone)
    else:
        entered_at = file.instant(entered)
    tariff = file.on(entered_at)
    ready = file.versions.at(entered_at)
    kind = VehicleKind(vehicle) if vehicle else None
    kind = kind or vehicle_of(ready, plate=Plate(""), colour=PlateColour(colour))
    points: list[tuple[datetime, int]] = []
    for number in range(_DRAWN // _STEP + 1):
        left_at = entered_at + number * _STEP
        fee = assess(
            entered_at=entered_at,
            left_at=left_at,
            tariff=ready,
            colour=PlateColour(colour),
            vehicle=kind,
            later=file.versions.later(entered_at=entered_at, left_at=left_at),
        )
        points.append((left_at.astimezone(zone), fee.total.amount_minor))
    curve = Curve(
        title=f"{tariff.name_zh} {tariff.name_en} v{tariff.version}",
        currency=tariff.currency,
        points=tuple(points),
    )
    return Drawing(text=f"{as_text(curve)}\n{_names(tariff)}", svg=as_svg(curve))


def _names(tariff: Tariff) -> str:
    """The classes and rights that a tariff names, as --class, --colour and --right take them."""
    lines: list[str] = []
    for each in tariff.classes:
        kinds = [f"--class {kind.value}" for kind in each.vehicles]
        kinds += [f"--colour {colour.value}" for colour in each.colours]
        lines.append(f"{', '.join(kinds)}: {each.name_zh} {each.name_en}")
    lines += [f"--right {o.right_id}: {o.name_zh} {o.name_en}" for o in tariff.rights]
    return "\n".join(lines or ["no classes, no rights"])


def _day_in_force(file: TariffFile, today: date) -> date:
    """Today, or the nearest day on which some version of the tariff holds."""
    first, last = file.documents[0].effective_from, file.documents[-1].effective_to
    if first is not None and today < first:
        return first
    return last if last is not None and today > last else today

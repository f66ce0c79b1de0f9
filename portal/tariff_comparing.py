"""`parking tariff compare`: what a change of price would have earned from stays that there were."""

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path

import msgspec

from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.plate import Plate
from parking.core.pricing import assess
from parking.core.stay_fee import vehicle_of
from parking.core.vehicle import VehicleKind
from portal.tariff_files import (
    NotAnInstantError,
    TariffFile,
    YearNotReckonedWithError,
    read_tariff_file,
    read_text,
)


class StayFileError(DomainError):
    """A line of a file of stays cannot be read."""

    def __init__(self, path: Path, *, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.line = line


class CurrenciesDifferError(DomainError):
    """Two tariffs in different currencies cannot be compared."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"the old tariff is in {old}, the new one in {new}")


@dataclass(frozen=True, kw_only=True)
class _Stay:
    entered_at: datetime
    left_at: datetime
    colour: PlateColour
    vehicle: VehicleKind | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What both tariffs come to over the same stays, in minor units."""

    currency: str
    stays: int
    old_minor: int
    new_minor: int
    dearer: int
    cheaper: int
    largest_rise_minor: int
    largest_fall_minor: int


def compare_files(old: Path, new: Path, stays: Path) -> Comparison:
    """Price each stay of a CSV with both tariffs. Raises StayFileError, and pricing's errors."""
    before, after = read_tariff_file(old), read_tariff_file(new)
    currencies = [file.documents[0].currency for file in (before, after)]
    if currencies[0] != currencies[1]:
        raise CurrenciesDifferError(*currencies)
    pairs = [(_price(stay, before), _price(stay, after)) for stay in _read_stays(stays, before)]
    changes = [price - was for was, price in pairs]
    return Comparison(
        currency=currencies[0],
        stays=len(pairs),
        old_minor=sum(was for was, _ in pairs),
        new_minor=sum(price for _, price in pairs),
        dearer=sum(change > 0 for change in changes),
        cheaper=sum(change < 0 for change in changes),
        largest_rise_minor=max([0, *changes]),
        largest_fall_minor=-min([0, *changes]),
    )


def show(found: Comparison, *, as_json: bool) -> str:
    """Write a comparison for a program or for a person."""
    if as_json:
        return msgspec.json.format(msgspec.json.encode(asdict(found))).decode()
    change = found.new_minor - found.old_minor
    share = f" ({change / found.old_minor:+.1%})" if found.old_minor else ""
    same = found.stays - found.dearer - found.cheaper
    return "\n".join(
        [
            f"stays    {found.stays}",
            f"old      {found.old_minor / 100:,.2f} {found.currency}",
            f"new      {found.new_minor / 100:,.2f} {found.currency}",
            f"change   {change / 100:+,.2f} {found.currency}{share}",
            f"dearer   {found.dearer}, by at most {found.largest_rise_minor / 100:,.2f}",
            f"cheaper  {found.cheaper}, by at most {found.largest_fall_minor / 100:,.2f}",
            f"same     {same}",
        ]
    )


def _price(stay: _Stay, file: TariffFile) -> int:
    file.on(stay.entered_at)
    ready = file.versions.at(stay.entered_at)
    fee = assess(
        entered_at=stay.entered_at,
        left_at=stay.left_at,
        tariff=ready,
        colour=stay.colour,
        vehicle=stay.vehicle or vehicle_of(ready, plate=Plate(""), colour=stay.colour),
        later=file.versions.later(entered_at=stay.entered_at, left_at=stay.left_at),
    )
    return fee.total.amount_minor


def _read_stays(path: Path, file: TariffFile) -> Iterator[_Stay]:
    rows = csv.DictReader(StringIO(read_text(path), newline=""), skipinitialspace=True)
    try:
        missing = {"entered_at", "left_at"}.difference(rows.fieldnames or ())
        if missing:
            reason = f"the first line must name the columns; missing: {', '.join(sorted(missing))}"
            raise StayFileError(path, line=1, reason=reason)
        for row in rows:
            yield _stay(row, file)
    except (NotAnInstantError, YearNotReckonedWithError, ValueError, csv.Error) as error:
        raise StayFileError(path, line=rows.line_num, reason=str(error)) from error


def _stay(row: dict[str, str], file: TariffFile) -> _Stay:
    vehicle = (row.get("class") or "").strip().lower().replace("-", "_")
    return _Stay(
        entered_at=file.instant(row["entered_at"] or ""),
        left_at=file.instant(row["left_at"] or ""),
        colour=PlateColour((row.get("colour") or "unknown").strip().lower()),
        vehicle=VehicleKind(vehicle) if vehicle else None,
    )

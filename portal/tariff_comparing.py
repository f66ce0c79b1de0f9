"""`parking tariff compare`: what a change of price would have earned from stays that there were."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TypeVar

import msgspec

from parking.core.currency import decimal_sum
from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.plate import Plate
from parking.core.pricing import assess
from parking.core.stay_fee import vehicle_of
from parking.core.vehicle import VehicleKind
from portal.tariff_files import TariffFile, read_tariff_file, read_text


class StayFileError(DomainError):
    """Lines of a file of stays cannot be read or priced; all of them are told."""

    def __init__(self, path: Path, reasons: Mapping[int, str]) -> None:
        super().__init__("\n".join(f"{path}:{line}: {why}" for line, why in reasons.items()))
        self.reasons = dict(reasons)


class NotAKindError(DomainError):
    """A column holds a word that is none of those that it may hold."""

    def __init__(self, column: str, word: str, *, may_be: Iterable[str]) -> None:
        super().__init__(f"{word!r} is no {column}; write one of {', '.join(may_be)}")


class CurrenciesDifferError(DomainError):
    """Two tariffs in different currencies cannot be compared."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"the old tariff is in {old}, the new one in {new}")


K = TypeVar("K", PlateColour, VehicleKind)


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
    pairs = _priced_twice(stays, before, after)
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
    told = partial(decimal_sum, currency=found.currency, thousands=",")
    same = found.stays - found.dearer - found.cheaper
    return "\n".join(
        [
            f"stays    {found.stays}",
            f"old      {told(found.old_minor)} {found.currency}",
            f"new      {told(found.new_minor)} {found.currency}",
            f"change   {'' if change < 0 else '+'}{told(change)} {found.currency}{share}",
            f"dearer   {found.dearer}, by at most {told(found.largest_rise_minor)}",
            f"cheaper  {found.cheaper}, by at most {told(found.largest_fall_minor)}",
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


def _priced_twice(path: Path, before: TariffFile, after: TariffFile) -> list[tuple[int, int]]:
    """What each stay costs by either tariff. Raises StayFileError that tells of all bad lines."""
    pairs: list[tuple[int, int]] = []
    wrong: dict[int, str] = {}
    for line, row in _rows(path):
        try:
            stay = _stay(row, before)
            pairs.append((_price(stay, before), _price(stay, after)))
        except DomainError as error:
            wrong[line] = str(error)
    if wrong:
        raise StayFileError(path, wrong)
    return pairs


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Each row after the first, with its line in the file."""
    rows = csv.DictReader(StringIO(read_text(path), newline=""), skipinitialspace=True)
    try:
        missing = {"entered_at", "left_at"}.difference(rows.fieldnames or ())
        if missing:
            reason = f"the first line must name the columns; missing: {', '.join(sorted(missing))}"
            raise StayFileError(path, {1: reason})
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise StayFileError(path, {rows.line_num: str(error)}) from error


def _stay(row: Mapping[str, str | None], file: TariffFile) -> _Stay:
    vehicle = (row.get("class") or "").strip().lower().replace("-", "_")
    colour = (row.get("colour") or PlateColour.UNKNOWN.value).strip().lower()
    return _Stay(
        entered_at=file.instant(row["entered_at"] or ""),
        left_at=file.instant(row["left_at"] or ""),
        colour=_kind("colour", colour, PlateColour),
        vehicle=_kind("class", vehicle, VehicleKind) if vehicle else None,
    )


def _kind(column: str, word: str, kinds: type[K]) -> K:
    try:
        return kinds(word)
    except ValueError:
        raise NotAKindError(column, word, may_be=[each.value for each in kinds]) from None

"""`parking quote`: price a stay from a tariff file, with no database at hand."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.pricing import assess
from parking.core.tariff import Tariff
from parking.core.tariff_document import read_tariff_json, read_tariff_toml


class NotAnInstantError(DomainError):
    """A time on the command line cannot be read."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a time; write 2026-11-22T09:05, with or without a zone")


def quote_file(path: Path, *, entered: str, left: str, colour: str) -> Fee:
    """Price a stay with the tariff in a file. Times without a zone are the tariff's own."""
    tariff = read_tariff(path)
    zone = ZoneInfo(tariff.zone)
    return assess(
        entered_at=_instant(entered, zone),
        left_at=_instant(left, zone),
        tariff=tariff,
        colour=PlateColour(colour),
    )


def read_tariff(path: Path) -> Tariff:
    """Read a tariff document, TOML or JSON by its name. Raises TariffError."""
    if path.suffix.lower() == ".json":
        return read_tariff_json(path.read_bytes())
    return read_tariff_toml(path.read_text(encoding="utf-8"))


def _instant(text: str, zone: ZoneInfo) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise NotAnInstantError(text) from None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=zone)


def show(fee: Fee, *, as_json: bool) -> str:
    """Write a fee for a program, or line by line for a person."""
    if as_json:
        return msgspec.json.format(msgspec.json.encode(fee)).decode()
    lines = [
        f"{_yuan(line.amount_minor):>10}  {line.text_zh}  {line.text_en}" for line in fee.lines
    ]
    by = f"{fee.tariff_id} v{fee.tariff_version}"
    total = f"{_yuan(fee.total.amount_minor):>10}  {fee.total.currency}  {by}"
    return "\n".join([*lines, "-" * 10, total])


def _yuan(minor: int) -> str:
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"

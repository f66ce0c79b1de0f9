"""`parking quote`: price a stay from a tariff file, with no database at hand."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.next_step import PriceStep, entry_notices, next_price_step
from parking.core.pass_price import pass_price
from parking.core.paying import Paid, assess_after_paying
from parking.core.pricing import assess
from parking.core.pricing_full import EarlierToday
from parking.core.right import Right, offer_named
from parking.core.tariff import Tariff
from parking.core.tariff_document import read_tariff_json, read_tariff_toml
from parking.core.vehicle import VehicleKind


class NotAnInstantError(DomainError):
    """A time on the command line cannot be read."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a time; write 2026-11-22T09:05, with or without a zone")


class NotAPaymentError(DomainError):
    """A payment on the command line cannot be read."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a payment; write 10.00@2026-11-22T11:00")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the command line asks, as it was typed."""

    tariff: Path
    entered: str
    left: str
    colour: str = "blue"
    vehicle: str | None = None
    rights: tuple[str, ...] = ()
    payments: tuple[str, ...] = ()
    visits_today: int = 0
    free_minutes_used: int = 0
    show_next: bool = False
    as_json: bool = False


def answer(question: Question) -> str:
    """Price what was asked and write it down. Raises the errors of reading and pricing."""
    tariff = read_tariff(question.tariff)
    fee = _fee(question, tariff)
    if not question.show_next:
        return show(fee, as_json=question.as_json)
    step = _next(question, tariff)
    notices = entry_notices(
        entered_at=_instant(question.entered, ZoneInfo(tariff.zone)),
        tariff=tariff,
        colour=PlateColour(question.colour),
        vehicle=_vehicle(question.vehicle),
    )
    if question.as_json:
        told = {"fee": fee, "steps_at": step.steps_at, "then": step.then, "notices": notices}
        return msgspec.json.format(msgspec.json.encode(told)).decode()
    warnings = [f"{'!':>10}  {notice.text_zh}  {notice.text_en}" for notice in notices]
    return "\n".join([show(fee, as_json=False), _shown_step(step, tariff), *warnings])


def quote_file(path: Path, *, entered: str, left: str, colour: str) -> Fee:
    """Price a stay with the tariff in a file. Times without a zone are the tariff's own."""
    return _fee(Question(tariff=path, entered=entered, left=left, colour=colour), read_tariff(path))


def quote_pass(path: Path, *, right_id: str, first_day: date, last_day: date) -> str:
    """Price a pass that a tariff file offers, month by month."""
    tariff = read_tariff(path)
    offer = offer_named(tariff.rights, right_id)
    months = pass_price(offer=offer, first_day=first_day, last_day=last_day)
    lines = [
        f"{_yuan(month.amount_minor):>10}  {month.first_day} … {month.last_day},"
        f" of a month of {month.days_of_month} days"
        for month in months
    ]
    total = sum(month.amount_minor for month in months)
    return "\n".join([*lines, "-" * 10, f"{_yuan(total):>10}  {tariff.currency}  {offer.name_en}"])


def read_tariff(path: Path) -> Tariff:
    """Read a tariff document, TOML or JSON by its name. Raises TariffError."""
    if path.suffix.lower() == ".json":
        return read_tariff_json(path.read_bytes())
    return read_tariff_toml(path.read_text(encoding="utf-8"))


def _fee(question: Question, tariff: Tariff) -> Fee:
    zone = ZoneInfo(tariff.zone)
    entered_at, left_at = _instant(question.entered, zone), _instant(question.left, zone)
    colour, vehicle = PlateColour(question.colour), _vehicle(question.vehicle)
    rights = tuple(_right(text, tariff, zone) for text in question.rights)
    if question.payments:
        return assess_after_paying(
            entered_at=entered_at,
            left_at=left_at,
            tariff=tariff,
            colour=colour,
            vehicle=vehicle,
            rights=rights,
            paid=[_paid(text, zone) for text in question.payments],
        )
    return assess(
        entered_at=entered_at,
        left_at=left_at,
        tariff=tariff,
        colour=colour,
        vehicle=vehicle,
        rights=rights,
        earlier=EarlierToday(visits=question.visits_today, free_minutes=question.free_minutes_used),
    )


def _next(question: Question, tariff: Tariff) -> PriceStep:
    zone = ZoneInfo(tariff.zone)
    return next_price_step(
        entered_at=_instant(question.entered, zone),
        now=_instant(question.left, zone),
        tariff=tariff,
        colour=PlateColour(question.colour),
        vehicle=_vehicle(question.vehicle),
        rights=tuple(_right(text, tariff, zone) for text in question.rights),
    )


def _shown_step(step: PriceStep, tariff: Tariff) -> str:
    if step.steps_at is None or step.then is None:
        return "the price does not step within two days"
    shown = step.steps_at.astimezone(ZoneInfo(tariff.zone))
    return f"{_yuan(step.then.amount_minor):>10}  from {shown:%Y-%m-%d %H:%M:%S}"


def _vehicle(text: str | None) -> VehicleKind | None:
    return None if text is None else VehicleKind(text)


def _right(text: str, tariff: Tariff, zone: ZoneInfo) -> Right:
    """Read `ID` or `ID@FROM..UNTIL`; either time may be left out."""
    right_id, _, valid = text.partition("@")
    from_text, _, until_text = valid.partition("..")
    return Right(
        offer=offer_named(tariff.rights, right_id),
        valid_from=_instant(from_text, zone) if from_text else None,
        valid_until=_instant(until_text, zone) if until_text else None,
    )


def _paid(text: str, zone: ZoneInfo) -> Paid:
    amount, _, paid_at = text.partition("@")
    whole = re.fullmatch(r"(\d{1,9})(?:\.(\d{2}))?", amount)
    if whole is None or not paid_at:
        raise NotAPaymentError(text)
    return Paid(
        paid_at=_instant(paid_at, zone), amount_minor=int(whole[1]) * 100 + int(whole[2] or 0)
    )


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

"""`parking quote`: price a stay from a tariff file, with no database at hand."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.fee_facts import (
    FeeFact,
    FeeFactId,
    PaidBeforeLeaving,
    RightGranted,
    VehicleStated,
)
from parking.core.ids import LotId, StayId
from parking.core.next_step import entry_notices, step_of
from parking.core.pass_price import pass_price
from parking.core.plate import Plate
from parking.core.pricing import LeftBeforeEnteredError, assess
from parking.core.pricing_full import EarlierToday
from parking.core.right import Right, RightId, offer_named
from parking.core.stay_fee import KnownStay, PlateAccount, in_order, stay_fee, vehicle_of
from parking.core.vehicle import VehicleKind
from portal.tariff_files import (
    YEARS,
    TariffFile,
    YearNotReckonedWithError,
    read_tariff_file,
)

_PLATE: Final = Plate("")
"""A quote is about a vehicle, not about a plate."""


class NotAPaymentError(DomainError):
    """A payment on the command line cannot be read."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a payment; write 10.00@2026-11-22T11:00")


class NotASpanError(DomainError):
    """An earlier stay on the command line cannot be read."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no stay; write 2026-11-22T09:05..2026-11-22T10:00")


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
    earlier: tuple[str, ...] = ()
    drive_through: bool = False
    visits_today: int = 0
    free_minutes_used: int = 0
    show_next: bool = False
    as_json: bool = False


def answer(question: Question) -> str:
    """Price what was asked and write it down. Raises the errors of reading and pricing."""
    file = read_tariff_file(question.tariff)
    asked = _Asked(question, file)
    fee = asked.fee(asked.stay.left_at)
    if not question.show_next:
        return show(fee, as_json=question.as_json)
    step = step_of(asked.fee, now=asked.stay.left_at)
    tariff = file.versions.at(asked.stay.entered_at)
    notices = entry_notices(
        entered_at=asked.stay.entered_at,
        tariff=tariff,
        colour=asked.stay.colour,
        vehicle=asked.vehicle,
    )
    if question.as_json:
        told = {"fee": fee, "steps_at": step.steps_at, "then": step.then, "notices": notices}
        return _json(told)
    shown = "the price does not step within two days"
    if step.steps_at is not None and step.then is not None:
        at = step.steps_at.astimezone(file.zone)
        shown = f"{_yuan(step.then.amount_minor):>10}  from {at:%Y-%m-%d %H:%M:%S}"
    warnings = [f"{'!':>10}  {notice.text_zh}  {notice.text_en}" for notice in notices]
    return "\n".join([show(fee, as_json=False), shown, *warnings])


def quote_file(path: Path, *, entered: str, left: str, colour: str) -> Fee:
    """Price a stay with the tariff in a file. Times without a zone are the tariff's own."""
    asked = _Asked(
        Question(tariff=path, entered=entered, left=left, colour=colour), read_tariff_file(path)
    )
    return asked.fee(asked.stay.left_at)


def quote_pass(path: Path, *, right_id: str, first_day: date, last_day: date) -> str:
    """Price a pass that a tariff file offers, month by month."""
    for day in (first_day, last_day):
        if day.year not in YEARS:
            raise YearNotReckonedWithError(day.isoformat())
    file = read_tariff_file(path)
    tariff = file.on(datetime.combine(first_day, time(), tzinfo=file.zone))
    offer = offer_named(tariff.rights, right_id)
    months = pass_price(offer=offer, first_day=first_day, last_day=last_day)
    lines = [
        f"{_yuan(month.amount_minor):>10}  {month.first_day} … {month.last_day},"
        f" of a month of {month.days_of_month} days"
        for month in months
    ]
    total = sum(month.amount_minor for month in months)
    return "\n".join([*lines, "-" * 10, f"{_yuan(total):>10}  {tariff.currency}  {offer.name_en}"])


class _Asked:
    """A question, understood: the stay, and all that bears on its fee."""

    def __init__(self, question: Question, file: TariffFile) -> None:
        self._question = question
        self._file = file
        entered_at, left_at = file.instant(question.entered), file.instant(question.left)
        if left_at < entered_at:
            raise LeftBeforeEnteredError(entered_at=entered_at, left_at=left_at)
        self._tariff = file.on(entered_at)
        self.stay = self._stay(len(question.earlier), entered_at, left_at)
        self._account = PlateAccount(facts=self._facts(), stays=self._earlier())
        ready = file.versions.at(entered_at)
        self.vehicle = vehicle_of(
            ready, plate=_PLATE, colour=self.stay.colour, facts=self._account.facts
        )

    def fee(self, left_at: datetime) -> Fee:
        """What leaving at an instant costs."""
        stay, question = self.stay, self._question
        if not (question.visits_today or question.free_minutes_used):
            leaving = msgspec.structs.replace(stay, left_at=left_at)
            versions = self._file.versions
            return stay_fee(leaving, versions_of=lambda _: versions, account=self._account)
        return assess(
            entered_at=stay.entered_at,
            left_at=left_at,
            tariff=self._file.versions.at(stay.entered_at),
            colour=stay.colour,
            vehicle=self.vehicle,
            rights=[
                Right(
                    offer=offer_named(self._tariff.rights, fact.right_id),
                    valid_from=fact.valid_from,
                    valid_until=fact.valid_until,
                )
                for fact in self._account.facts
                if isinstance(fact, RightGranted)
            ],
            earlier=EarlierToday(
                visits=question.visits_today, free_minutes=question.free_minutes_used
            ),
            later=self._file.versions.later(entered_at=stay.entered_at, left_at=left_at),
        )

    def _stay(self, number: int, entered_at: datetime, left_at: datetime) -> KnownStay:
        return KnownStay(
            stay_id=StayId(UUID(int=number)),
            drive_through=self._question.drive_through and number == len(self._question.earlier),
            plate=_PLATE,
            colour=PlateColour(self._question.colour),
            tariff_id=self._tariff.tariff_id,
            entered_at=entered_at,
            left_at=left_at,
        )

    def _earlier(self) -> tuple[KnownStay, ...]:
        found: list[KnownStay] = []
        for number, text in enumerate(self._question.earlier):
            entered, _, left = text.partition("..")
            if not left:
                raise NotASpanError(text)
            found.append(self._stay(number, self._file.instant(entered), self._file.instant(left)))
        return in_order(found)

    def _facts(self) -> list[FeeFact]:
        numbers = count()

        def told(*, about_stay: bool = False) -> dict[str, Any]:
            return {
                "fact_id": FeeFactId(UUID(int=next(numbers))),
                "lot_id": LotId("quote"),
                "plate": None if about_stay else _PLATE,
                "stay_id": self.stay.stay_id if about_stay else None,
                "recorded_at": self.stay.entered_at,
                "by": "command line",
            }

        facts: list[FeeFact] = [self._right(text, told()) for text in self._question.rights]
        if self._question.vehicle is not None:
            facts.append(VehicleStated(**told(), vehicle=VehicleKind(self._question.vehicle)))
        for text in self._question.payments:
            amount_minor, paid_at = self._paid(text)
            said = told(about_stay=True)
            facts.append(PaidBeforeLeaving(**said, paid_at=paid_at, amount_minor=amount_minor))
        return facts

    def _right(self, text: str, told: dict[str, Any]) -> RightGranted:
        """Read `ID` or `ID@FROM..UNTIL`; either time may be left out."""
        right_id, _, valid = text.partition("@")
        from_text, _, until_text = valid.partition("..")
        return RightGranted(
            **told,
            right_id=RightId(offer_named(self._tariff.rights, right_id.strip()).right_id),
            valid_from=self._file.instant(from_text) if from_text else None,
            valid_until=self._file.instant(until_text) if until_text else None,
        )

    def _paid(self, text: str) -> tuple[int, datetime]:
        amount, _, paid_at = text.partition("@")
        whole = re.fullmatch(r"(\d{1,9})(?:\.(\d{1,2}))?", amount)
        if whole is None or not paid_at:
            raise NotAPaymentError(text)
        minor = int((whole[2] or "0").ljust(2, "0"))
        return int(whole[1]) * 100 + minor, self._file.instant(paid_at)


def show(fee: Fee, *, as_json: bool) -> str:
    """Write a fee for a program, or line by line for a person."""
    if as_json:
        return _json(fee)
    lines = [
        f"{_yuan(line.amount_minor):>10}  {line.text_zh}  {line.text_en}" for line in fee.lines
    ]
    by = f"{fee.tariff_id} v{fee.tariff_version}"
    total = f"{_yuan(fee.total.amount_minor):>10}  {fee.total.currency}  {by}"
    return "\n".join([*lines, "-" * 10, total])


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def _yuan(minor: int) -> str:
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"

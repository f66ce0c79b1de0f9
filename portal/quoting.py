"""`parking quote`: price a stay from a tariff file, with no database at hand."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from parking.core.currency import decimal_sum, decimals
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
from parking.core.next_step import Notice, entry_notices, step_of
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


class RightEndsBeforeItBeginsError(DomainError):
    """A right on the command line would be valid at no time."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} ends before it begins; write ID@FROM..UNTIL")


class NotEarlierError(DomainError):
    """An earlier stay on the command line began after the one that is priced."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} begins after the stay that is priced; it is no earlier one")


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


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a quote says."""

    text: str
    notices: tuple[str, ...] = ()
    """What the person should know beside it; a program reads it in the text."""


def answer(question: Question) -> Answer:
    """Price what was asked and write it down. Raises the errors of reading and pricing."""
    file = read_tariff_file(question.tariff)
    asked = _Asked(question, file)
    fee = asked.fee(asked.stay.left_at)
    notices = asked.notices()
    told = () if question.as_json else tuple(f"{n.text_zh}  {n.text_en}" for n in notices)
    if not question.show_next:
        if question.as_json:
            return Answer(text=_json({**msgspec.structs.asdict(fee), "notices": notices}))
        return Answer(text=show(fee), notices=told)
    step = step_of(asked.fee, now=asked.stay.left_at)
    warnings = entry_notices(
        entered_at=asked.stay.entered_at,
        tariff=file.versions.at(asked.stay.entered_at),
        colour=asked.stay.colour,
        vehicle=asked.vehicle,
    )
    if question.as_json:
        steps = {"fee": fee, "steps_at": step.steps_at, "then": step.then}
        return Answer(text=_json({**steps, "notices": [*notices, *warnings]}))
    shown = "the price does not step within two days"
    if step.steps_at is not None and step.then is not None:
        at = step.steps_at.astimezone(file.zone)
        then = decimal_sum(step.then.amount_minor, step.then.currency)
        shown = f"{then:>10}  from {at:%Y-%m-%d %H:%M:%S}"
    lines = [f"{'!':>10}  {each.text_zh}  {each.text_en}" for each in warnings]
    return Answer(text="\n".join([show(fee), shown, *lines]), notices=told)


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
    currency = tariff.currency
    lines = [
        f"{decimal_sum(month.amount_minor, currency):>10}  {month.first_day} … {month.last_day},"
        f" of a month of {month.days_of_month} days"
        for month in months
    ]
    total = sum(month.amount_minor for month in months)
    shown = f"{decimal_sum(total, currency):>10}  {currency}  {offer.name_en}"
    return "\n".join([*lines, "-" * 10, shown])


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

    def notices(self) -> list[Notice]:
        """Tell where a kind of vehicle was stated that the tariff does not know."""
        stated, colour = self._question.vehicle, self._question.colour
        tariff = self._file.versions.at(self.stay.entered_at)
        if stated is None or VehicleKind(stated) in tariff.vehicles:
            return []
        return [
            Notice(
                code="class_not_named",
                text_zh=f"费率未列车型 {stated}，按车牌颜色 {colour} 计费",
                text_en=f"The tariff names no class {stated}: priced by the plate's {colour}",
            )
        ]

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
            entered_at, left_at = self._file.instant(entered), self._file.instant(left)
            if left_at < entered_at:
                raise LeftBeforeEnteredError(entered_at=entered_at, left_at=left_at)
            if entered_at > self.stay.entered_at:
                raise NotEarlierError(text)
            found.append(self._stay(number, entered_at, left_at))
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
        valid_from = self._file.instant(from_text) if from_text else None
        valid_until = self._file.instant(until_text) if until_text else None
        if valid_from is not None and valid_until is not None and valid_until <= valid_from:
            raise RightEndsBeforeItBeginsError(text)
        return RightGranted(
            **told,
            right_id=RightId(offer_named(self._tariff.rights, right_id.strip()).right_id),
            valid_from=valid_from,
            valid_until=valid_until,
        )

    def _paid(self, text: str) -> tuple[int, datetime]:
        amount, _, paid_at = text.partition("@")
        digits = decimals(self._tariff.currency)
        after = rf"(?:\.(\d{{1,{digits}}}))?" if digits else "()"
        whole = re.fullmatch(r"(\d{1,9})" + after, amount)
        if whole is None or not paid_at:
            raise NotAPaymentError(text)
        return int(whole[1] + (whole[2] or "").ljust(digits, "0")), self._file.instant(paid_at)


def show(fee: Fee) -> str:
    """Write a fee line by line for a person."""
    currency = fee.total.currency
    lines = [
        f"{decimal_sum(line.amount_minor, currency):>10}  {line.text_zh}  {line.text_en}"
        for line in fee.lines
    ]
    by = f"{fee.tariff_id} v{fee.tariff_version}"
    total = f"{decimal_sum(fee.total.amount_minor, currency):>10}  {currency}  {by}"
    return "\n".join([*lines, "-" * 10, total])


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()

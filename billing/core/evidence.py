"""Evidence for a disputed payment: everything that we know, in words that a bank can read. Pure.

Whoever judges reads English, has minutes, and knows nothing of pay-later parking; so each text
says one thing, with times, and in the order in which it happened.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from parking.core.fee import Fee
from parking.core.ids import LotId, StayId
from parking.core.money import Money
from parking.core.plate import Plate

_TEXT_MAX = 20_000
"""Characters of one text: gateways take 150,000 in all."""
_DUPLICATE = "duplicate"


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A camera read the plate, or somebody said when the car passed."""

    lane_id: str | None
    seen_at: datetime
    plate: Plate | None
    confidence: float | None
    """Of the reading, 0 to 1."""


class StayWitness(msgspec.Struct, frozen=True, kw_only=True):
    """What parking knows of a stay besides its fee."""

    stay_id: StayId
    lot_name: str
    entry: Sighting | None = None
    exit: Sighting | None = None


class DisputedStay(msgspec.Struct, frozen=True, kw_only=True):
    """A stay that the disputed payment was for."""

    stay_id: StayId
    lot_id: LotId
    plate: Plate
    entered_at: datetime
    left_at: datetime
    paid: Money
    fee: Fee | None
    bound_at: datetime | None
    """Since when the payer had bound this plate."""


class ConsentGiven(msgspec.Struct, frozen=True, kw_only=True):
    """What the payer agreed to when leaving the card."""

    version: str
    text_en: str
    given_at: datetime


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was sent to the payer."""

    kind: str
    sent_at: datetime


class GivenBack(msgspec.Struct, frozen=True, kw_only=True):
    """A refund of the disputed payment."""

    refund_ref: str
    amount: Money
    refunded_at: datetime


class DisputeCase(msgspec.Struct, frozen=True, kw_only=True):
    """All that billing knows of a disputed payment."""

    reason: str
    paid: Money
    paid_at: datetime
    by_hand: bool
    """On the gateway's own page; otherwise the card was charged by the consent."""
    stays: tuple[DisputedStay, ...]
    consent: ConsentGiven | None
    told: tuple[Told, ...]
    refunds: tuple[GivenBack, ...]
    appeals: tuple[str, ...]
    """What the payer contested at ours, and how that ended."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is submitted, each text for one field."""

    description: str
    service_dates: str
    access_log: str
    policy: str
    other: str
    refunds: str | None = None
    not_duplicate: str | None = None


def compose(case: DisputeCase, witnesses: Sequence[StayWitness], *, zone: str) -> Evidence:
    """Put the evidence together. Times are shown in a named zone, with their offset."""
    seen = {witness.stay_id: witness for witness in witnesses}
    clock = ZoneInfo(zone)
    days = [stay.left_at.astimezone(clock).date().isoformat() for stay in case.stays]
    log = [_access(stay, seen.get(stay.stay_id), clock) for stay in case.stays]
    return Evidence(
        description=_description(case),
        service_dates=", ".join(sorted(set(days))),
        access_log=_lines(log),
        policy=_lines(_policy(case, clock)),
        other=_lines((*map(_receipt, case.stays), *_messages(case, clock), *case.appeals)),
        refunds=_lines(_refund(refund, clock) for refund in case.refunds) or None,
        not_duplicate=_not_duplicate(case) if case.reason == _DUPLICATE else None,
    )


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(texts)[:_TEXT_MAX]


def _shown(value: datetime, clock: ZoneInfo) -> str:
    return value.astimezone(clock).isoformat(sep=" ", timespec="seconds")


def _description(case: DisputeCase) -> str:
    stays = "one stay" if len(case.stays) == 1 else f"{len(case.stays)} stays"
    return (
        f"Parking at barrier-free car parks, paid for after leaving: {case.paid} for {stays}. "
        "Cameras read the number plate at entry and exit; the fee follows the posted tariff."
    )


def _access(stay: DisputedStay, witness: StayWitness | None, clock: ZoneInfo) -> str:
    lot = stay.lot_id if witness is None else f"{witness.lot_name} ({stay.lot_id})"
    told = [f"Stay {stay.stay_id}: plate {stay.plate} at {lot}."]
    told.append(
        _passed("Entered", stay.entered_at, None if witness is None else witness.entry, clock)
    )
    told.append(_passed("Left", stay.left_at, None if witness is None else witness.exit, clock))
    if stay.bound_at is not None:
        told.append(f"The payer bound this plate to the account at {_shown(stay.bound_at, clock)}.")
    return " ".join(told)


def _passed(verb: str, at: datetime, sighting: Sighting | None, clock: ZoneInfo) -> str:
    text = f"{verb} {_shown(at, clock)}"
    if sighting is None:
        return f"{text}."
    if sighting.lane_id is not None:
        text += f" through lane {sighting.lane_id}"
    if sighting.plate is not None and sighting.confidence is not None:
        text += f", plate read as {sighting.plate} with confidence {sighting.confidence:.2f}"
    return f"{text}."


def _policy(case: DisputeCase, clock: ZoneInfo) -> list[str]:
    if case.by_hand or case.consent is None:
        return [f"Paid by hand on the hosted payment page at {_shown(case.paid_at, clock)}."]
    consent = case.consent
    shown, charged = _shown(consent.given_at, clock), _shown(case.paid_at, clock)
    asked = f"When leaving the card, the payer was shown this text, version {consent.version}"
    return [
        f"{asked}, and agreed to it at {shown}:",
        consent.text_en,
        f"The card was charged by it at {charged}, after the stay had ended.",
    ]


def _receipt(stay: DisputedStay) -> str:
    lines = () if stay.fee is None else stay.fee.lines
    fee = "; ".join(
        f"{line.text_en} {Money(line.amount_minor, stay.paid.currency)}" for line in lines
    )
    return f"Receipt of stay {stay.stay_id}: {fee or 'fee'}; paid {stay.paid}."


def _messages(case: DisputeCase, clock: ZoneInfo) -> Iterator[str]:
    for told in case.told:
        yield f"Message to the payer, {told.kind}, sent {_shown(told.sent_at, clock)}."


def _refund(refund: GivenBack, clock: ZoneInfo) -> str:
    return (
        f"{refund.amount} of this payment was given back at {_shown(refund.refunded_at, clock)} "
        f"as refund {refund.refund_ref}; it must not be given back twice."
    )


def _not_duplicate(case: DisputeCase) -> str:
    stays = ", ".join(str(stay.stay_id) for stay in case.stays)
    return f"Each stay is charged once. This payment is for {stays} and no other payment is."

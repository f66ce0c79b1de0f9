"""What a stay costs, given all that is known: versions, rights, payments, earlier stays.

A pure function: of the plate's closed stays in its lot, of the facts about their fees, and of the
tariff's versions. The order in which any of them became known does not matter. A stay looks back
no further than `LOOK_BACK`, but for the uses of a right, which count from its beginning.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

import msgspec

from parking.core.caps import calendar_day
from parking.core.events import PlateColour
from parking.core.fee import Fee, FeeLine
from parking.core.fee_facts import (
    FeeFact,
    FeeFactId,
    PaidBeforeLeaving,
    RightGranted,
    rights_held,
    vehicle_stated,
)
from parking.core.ids import StayId, TariffId
from parking.core.money import Money, zero
from parking.core.plan import CompiledTariff
from parking.core.plate import Plate
from parking.core.pricing import STAY_DAYS_MAX, assess
from parking.core.pricing_full import NOTHING_EARLIER, EarlierToday
from parking.core.right import Right
from parking.core.tariff_versions import TariffVersions
from parking.core.vehicle import VehicleKind, vehicle_of_plate

LOOK_BACK: Final = timedelta(days=31)
_MINUTE: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(days=STAY_DAYS_MAX)
VersionsOf: TypeAlias = Callable[[TariffId], TariffVersions]


class KnownStay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stay with both its ends, or with now for the end that is still to come."""

    stay_id: StayId
    plate: Plate
    colour: PlateColour
    tariff_id: TariffId
    entered_at: datetime
    left_at: datetime
    drive_through: bool = False
    """It came in by one lane and was out by another at once, by the lot's rules."""


class PlateAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What besides a stay itself bears on its fee."""

    facts: Sequence[FeeFact] = ()
    """About its plate in its lot, and about its plate's stays there."""
    stays: Sequence[KnownStay] = ()
    """Other closed stays of its plate in its lot, `in_order`; those after it do not matter."""


NOTHING_KNOWN: Final = PlateAccount()


class _Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a plate's stays up to some moment."""

    left_at: datetime | None = None
    visit_from: datetime | None = None
    """The entry from which the newest stay is priced."""
    visit_stays: tuple[StayId, ...] = ()
    visit_charged_minor: int = 0
    before_visit: EarlierToday = NOTHING_EARLIER
    day: date | None = None
    today: EarlierToday = NOTHING_EARLIER
    """What the stays of `day` have had."""
    uses: dict[FeeFactId, int] = {}
    """How many visits each counted right has made cheaper."""
    uses_before_visit: dict[FeeFactId, int] = {}


def stay_fee(
    stay: KnownStay, *, versions_of: VersionsOf, account: PlateAccount = NOTHING_KNOWN
) -> Fee:
    """Price a stay. Raises what `pricing.assess` raises."""
    facts, stays = account.facts, account.stays
    stop = bisect_left(stays, _order(stay), key=_order)
    linked_from = stop - _linked(stays, stop, stay, versions_of)
    scarce = [grant for grant in _counted(facts) if _may_be_used_up(grant, stays, stop)]
    memory = _Memory()
    counts_from = _first_that_counts(stays, linked_from, scarce, versions_of)
    for place in range(counts_from, linked_from):
        # What the newest visit used is not settled before the next one begins.
        if all(_is_used_up(grant, memory.uses_before_visit) for grant in scarce):
            memory = _Memory(uses=memory.uses_before_visit)
            break
        _, memory = _next(memory, stays[place], facts, versions_of, scarce)
    for place in range(linked_from, stop):
        _, memory = _next(memory, stays[place], facts, versions_of, scarce)
    return _next(memory, stay, facts, versions_of, last=True)[0]


def in_order(stays: Iterable[KnownStay]) -> tuple[KnownStay, ...]:
    """Put stays in order of time."""
    return tuple(sorted(stays, key=_order))


def vehicle_of(
    tariff: CompiledTariff, *, plate: Plate, colour: PlateColour, facts: Iterable[FeeFact] = ()
) -> VehicleKind | None:
    """What kind of vehicle is priced: as stated, else as a plate tells whose colour none names."""
    if not tariff.vehicles:
        return None
    stated = vehicle_stated(facts)
    if stated is not None or colour in tariff.named_colours:
        return stated
    return vehicle_of_plate(plate, colour)


def counted_since(facts: Iterable[FeeFact], *, default: datetime) -> datetime:
    """From when on stays may have used up a right; `default` where none is counted."""
    return min(
        (_EVER if each.valid_from is None else each.valid_from for each in _counted(facts)),
        default=default,
    )


_EVER: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def _order(stay: KnownStay) -> tuple[datetime, datetime, StayId]:
    return stay.entered_at, stay.left_at, stay.stay_id


def _counted(facts: Iterable[FeeFact]) -> Iterator[RightGranted]:
    return (fact for fact in facts if isinstance(fact, RightGranted) and fact.uses_max is not None)


def _may_be_used_up(grant: RightGranted, stays: Sequence[KnownStay], stop: int) -> bool:
    """Say whether there were as many stays before `stop` as a counted right may be used for.

    Where there were fewer, none of them need be priced to tell.
    """
    first = stop - (grant.uses_max or 0)
    return first >= 0 and (
        first == stop or grant.valid_from is None or stays[first].left_at >= grant.valid_from
    )


def _is_used_up(grant: RightGranted, uses: Mapping[FeeFactId, int]) -> bool:
    return uses.get(grant.fact_id, 0) >= (grant.uses_max or 0)


def _first_that_counts(
    stays: Sequence[KnownStay],
    stop: int,
    scarce: Sequence[RightGranted],
    versions_of: VersionsOf,
) -> int:
    """The place of the first stay before `stop` that bears on the uses of these rights."""
    first, since = stop, counted_since(scarce, default=_NEVER)
    while first and stays[first - 1].left_at >= since:
        first -= 1
    return first if first == stop else first - _linked(stays, first, stays[first], versions_of)


def _linked(stays: Sequence[KnownStay], stop: int, stay: KnownStay, versions_of: VersionsOf) -> int:
    """How many stays before one bear on it: through their day, or because it goes on with them."""
    count, following = 0, stay
    while count < stop:
        earlier = stays[stop - count - 1]
        tariff = versions_of(following.tariff_id).at(following.entered_at)
        if not tariff.remembers or stay.entered_at - earlier.left_at > LOOK_BACK:
            break
        back = _is_back(earlier.left_at, following.entered_at, tariff)
        day = following.entered_at.astimezone(tariff.zone).date()
        if not back and earlier.left_at.astimezone(tariff.zone).date() != day:
            break
        count, following = count + 1, earlier
        if not back and earlier.entered_at.astimezone(tariff.zone).date() != day:
            break  # what it had of that day does not depend on the days before
    return count


def _is_back(left_at: datetime, entered_at: datetime, tariff: CompiledTariff) -> bool:
    # Seconds are dropped: the last minute in which to come back lasts to its end.
    within = (tariff.reentry_minutes + 1) * _MINUTE
    return tariff.reentry_minutes > 0 and entered_at - left_at < within


def _goes_on(memory: _Memory, stay: KnownStay, tariff: CompiledTariff) -> bool:
    """Say whether a stay goes on with the visit before it; none is longer than can be priced."""
    return (
        memory.left_at is not None
        and memory.visit_from is not None
        and _is_back(memory.left_at, stay.entered_at, tariff)
        and stay.left_at - memory.visit_from <= _LONGEST
    )


def _next(
    memory: _Memory,
    stay: KnownStay,
    facts: Sequence[FeeFact],
    versions_of: VersionsOf,
    scarce: Sequence[RightGranted] = (),
    *,
    last: bool = False,
) -> tuple[Fee, _Memory]:
    """Price the next stay of a plate; answer its fee and what is remembered after it.

    Of the counted rights only the uses of those that are `scarce` are counted. After the last stay
    nothing need be remembered.
    """
    versions = versions_of(stay.tariff_id)
    tariff = versions.at(stay.entered_at)
    day = stay.entered_at.astimezone(tariff.zone).date()
    before = memory.today if memory.day == day else NOTHING_EARLIER
    visit_from, charged, uses = stay.entered_at, 0, memory.uses
    ids: tuple[StayId, ...] = (stay.stay_id,)
    if _goes_on(memory, stay, tariff) and memory.visit_from is not None:
        visit_from, before = memory.visit_from, memory.before_visit
        uses = memory.uses_before_visit
        ids, charged = (*memory.visit_stays, stay.stay_id), memory.visit_charged_minor
        tariff = versions.at(visit_from)
        day = visit_from.astimezone(tariff.zone).date()
    mine = _facts_of(facts, stay, ids) if tariff.asks_facts else []
    visit = _Visit(
        stay=stay,
        from_at=visit_from,
        tariff=tariff,
        later=versions.later(entered_at=visit_from, left_at=stay.left_at),
        vehicle=vehicle_of(tariff, plate=stay.plate, colour=stay.colour, facts=mine),
        earlier=before,
    )
    held = rights_held(mine, offers=tariff.offers, uses=uses)
    paid = [fact for fact in mine if isinstance(fact, PaidBeforeLeaving)]
    until = max(_priced_until(stay.left_at, paid, tariff), visit_from)
    whole = visit.fee(until, held)
    fee = _less(whole, charged, paid)
    if last:
        return fee, memory
    after = _Memory(
        left_at=stay.left_at,
        visit_from=visit_from,
        visit_stays=ids,
        visit_charged_minor=charged + fee.total.amount_minor,
        before_visit=before,
        uses_before_visit=uses,
        uses=_uses_after(uses, visit, until, held, scarce),
    )
    return fee, visit.remembered(after, day) if tariff.remembers else after


class _Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A stay, and the stays that it goes on with, ready to be priced to any end."""

    stay: KnownStay
    from_at: datetime
    tariff: CompiledTariff
    later: tuple[tuple[datetime, CompiledTariff], ...]
    vehicle: VehicleKind | None
    earlier: EarlierToday
    fees: dict[tuple[datetime, tuple[FeeFactId, ...]], Fee] = {}
    """Those already worked out, by the end and the grants that count."""

    def fee(self, until_at: datetime, held: Mapping[FeeFactId, Right]) -> Fee:
        """What the visit costs if it ends at an instant, with some of the rights that are held."""
        key = until_at, tuple(held)
        fee = self.fees.get(key)
        if fee is None:
            fee = self.fees[key] = self._priced(until_at, tuple(held.values()))
        return fee

    def _priced(self, until_at: datetime, rights: Sequence[Right]) -> Fee:
        if self.stay.drive_through and self.tariff.drive_through_free:
            return _drive_through(self.tariff, self.from_at, until_at)
        return assess(
            entered_at=self.from_at,
            left_at=until_at,
            tariff=self.tariff,
            colour=self.stay.colour,
            vehicle=self.vehicle,
            rights=rights,
            earlier=self.earlier,
            later=[each for each in self.later if each[0] < until_at],
        )

    def remembered(self, memory: _Memory, entry_day: date) -> _Memory:
        """Add what the day on which the stay ended has had of free minutes and of its cap."""
        zone, left_at = self.tariff.zone, self.stay.left_at
        from_at, _ = calendar_day(left_at, zone)
        day = left_at.astimezone(zone).date()
        same = day == entry_day
        fee = self.fee(left_at, {})
        # Charged before rights: what the cap of the day counts.
        charged = fee.total.amount_minor
        if not same:
            charged -= self.fee(max(self.from_at, from_at), {}).total.amount_minor
        minutes = sum(
            (min(line.until_at, left_at) - max(line.from_at, from_at)) // _MINUTE
            for line in fee.lines
            if line.code == "free_period"
            and line.from_at is not None
            and line.until_at is not None
            and min(line.until_at, left_at) > max(line.from_at, from_at)
        )
        had = self.earlier if same else NOTHING_EARLIER
        today = EarlierToday(
            visits=had.visits + same,
            free_minutes=had.free_minutes + minutes,
            charged_minor=had.charged_minor + max(charged, 0),
        )
        return msgspec.structs.replace(memory, day=day, today=today)


def _drive_through(tariff: CompiledTariff, from_at: datetime, until_at: datetime) -> Fee:
    line = FeeLine(
        code="drive_through",
        amount_minor=0,
        text_zh="穿行通过，不收费",
        text_en="Driven through: not charged",
        from_at=from_at,
        until_at=until_at,
    )
    return Fee(
        total=zero(tariff.currency),
        lines=(line,),
        tariff_id=tariff.tariff_id,
        tariff_version=tariff.version,
    )


def _facts_of(facts: Iterable[FeeFact], stay: KnownStay, ids: Sequence[StayId]) -> list[FeeFact]:
    return [
        fact
        for fact in facts
        if (fact.plate == stay.plate if fact.stay_id is None else fact.stay_id in ids)
    ]


def _priced_until(
    left_at: datetime, paid: Sequence[PaidBeforeLeaving], tariff: CompiledTariff
) -> datetime:
    """The end that is priced: the last payment, where the car left within its grace."""
    last = max((each.paid_at for each in paid), default=None)
    # As elsewhere seconds are dropped: the last minute of grace lasts to its end.
    grace = (tariff.grace_after_paying_minutes + 1) * _MINUTE
    return last if last is not None and last <= left_at < last + grace else left_at


def _less(whole: Fee, charged_minor: int, paid: Sequence[PaidBeforeLeaving]) -> Fee:
    """Take off what was charged for the stays that this one goes on with, and what was paid."""
    lines, total = list(whole.lines), whole.total.amount_minor
    for code, amount, zh, en in (
        ("charged_before", charged_minor, "此前已计费", "Charged before re-entry"),
        ("paid", sum(each.amount_minor for each in paid), "已支付", "Paid before"),
    ):
        off = min(amount, total)
        if off > 0:
            lines.append(FeeLine(code=code, amount_minor=-off, text_zh=zh, text_en=en))
            total -= off
    if total == whole.total.amount_minor:
        return whole
    return msgspec.structs.replace(
        whole, total=Money(total, whole.total.currency), lines=tuple(lines)
    )


def _uses_after(
    uses: dict[FeeFactId, int],
    visit: _Visit,
    until_at: datetime,
    held: Mapping[FeeFactId, Right],
    scarce: Collection[RightGranted],
) -> dict[FeeFactId, int]:
    """Count one more use of each scarce right that the price took.

    Counted rights without which the price is the same are laid aside one after the other, the last
    held first: of two that would each do, the first is used. All of them take part, scarce or not,
    lest which one is used depend on how many stays came later.
    """
    if not scarce:
        return uses
    needed = dict(held)
    price = visit.fee(until_at, held).total.amount_minor
    for fact_id, right in reversed(tuple(held.items())):
        if right.uses_left is None:
            continue
        others = {key: each for key, each in needed.items() if key != fact_id}
        if visit.fee(until_at, others).total.amount_minor <= price:
            needed = others
    after = dict(uses)
    for fact_id in needed.keys() & {grant.fact_id for grant in scarce}:
        after[fact_id] = after.get(fact_id, 0) + 1
    return after

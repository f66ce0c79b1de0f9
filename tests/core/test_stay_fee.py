"""Fees by all that is known: payments, re-entry, shared days, counted uses, new versions."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.fee_facts import FeeFact, vehicle_stated
from parking.core.next_step import first_step, step_of
from parking.core.pricing import assess
from parking.core.pricing_plan import compile_tariff
from parking.core.stay_fee import KnownStay, PlateAccount, in_order, stay_fee
from parking.core.tariff import (
    Caps,
    FreeKind,
    FreePer,
    FreePeriod,
    OnChange,
    Tariff,
    VehicleKind,
)
from parking.core.tariff_versions import (
    PricedFrom,
    TariffNotInForceError,
    TariffVersions,
    require_in_force,
    versions_of,
)
from parking.core.vehicle import vehicle_of_plate
from tests.core.fee_facts import (
    PLATE,
    known,
    paid_before_leaving,
    right_granted,
    right_revoked,
    vehicle_is,
)
from tests.core.tariffs import all_day, gallery, rich_tariffs, tariff, units, window

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    """A time of Monday 2 March 2026, or a date and time."""
    shown = text if " " in text else f"2026-03-02 {text}"
    return datetime.fromisoformat(shown).replace(tzinfo=zone)


def price(
    rates: Tariff | Sequence[Tariff],
    stay: KnownStay,
    *earlier: KnownStay,
    facts: Sequence[FeeFact] = (),
) -> int:
    versions = versions_of([rates] if isinstance(rates, Tariff) else rates)
    account = PlateAccount(facts=facts, stays=in_order(earlier))
    fee = stay_fee(stay, versions_of=lambda _: versions, account=account)
    assert sum(line.amount_minor for line in fee.lines) == fee.total.amount_minor >= 0
    return fee.total.amount_minor


def hourly(minor: int = 500, **changes: object) -> Tariff:
    return msgspec.structs.replace(tariff(*all_day(units((minor, 60)))), **changes)


def test_nothing_is_due_below_nothing() -> None:
    stay = known(at("09:00"), at("12:00"))
    too_much = [paid_before_leaving(stay, at("10:00"), 5000)]
    assert price(gallery("mall"), stay, facts=too_much) == 0
    assert price(gallery("mall"), stay) == 1500


def test_a_car_that_is_back_soon_goes_on_with_its_visit() -> None:
    rates = hourly(reentry_minutes=15)
    first = known(at("09:00"), at("09:30"))
    back = known(at("09:45"), at("09:55"))
    again = known(at("10:10"), at("10:50"))
    assert price(rates, back) == 500
    assert price(rates, back, first) == 0
    assert price(rates, again, first, back) == 500
    late = known(at("09:46"), at("09:55"))
    assert price(rates, late, first) == 500


def test_a_payment_from_before_the_entry_comes_off_all_the_same() -> None:
    stay = known(at("09:00"), at("09:03"))
    early = [paid_before_leaving(stay, at("08:57"), 100)]
    assert price(hourly(grace_after_paying_minutes=10), stay, facts=early) == 0
    assert price(hourly(), stay, facts=early) == 400


def test_a_visit_with_breaks_is_no_longer_than_can_be_priced() -> None:
    rates = hourly(1, reentry_minutes=15)
    first = known(at("2025-03-02 00:00"), at("2026-03-01 23:50"))
    back = known(at("00:00"), at("2026-03-10 00:00"))
    assert price(rates, back, first) == 8 * 24


def test_who_only_drives_through_pays_nothing_where_the_tariff_says_so() -> None:
    through = msgspec.structs.replace(known(at("09:00"), at("09:03")), drive_through=True)
    assert price(hourly(), through) == 500
    assert price(hourly(drive_through_free=True), through) == 0
    assert price(hourly(drive_through_free=True), known(at("09:00"), at("09:03"))) == 500


def test_a_right_is_used_once_by_a_visit_with_a_break() -> None:
    rates = msgspec.structs.replace(gallery("mall"), reentry_minutes=15)
    grant = right_granted("half", uses_max=1, valid_from=at("00:00"))
    first = known(at("09:00"), at("11:00"))
    back = known(at("11:10"), at("13:00"))
    whole = known(at("09:00"), at("13:00"))
    assert price(rates, first, facts=[grant]) + price(rates, back, first, facts=[grant]) == price(
        rates, whole, facts=[grant]
    )
    assert price(rates, known(at("15:00"), at("17:00")), first, back, facts=[grant]) == 1000


@pytest.mark.parametrize(
    ("rights", "fees"),
    [
        # Two hours at 5.00: half of it is 5.00. Two grants of one right are used one by one.
        ([("half", 1), ("half", 1)], [500, 500, 1000, 1000]),
        ([("half", 2), ("half", 1)], [500, 500, 500, 1000]),
        ([("half", 1), ("half", None)], [500, 500, 500, 500]),
        # Either would do alone: the first held is used, then the other.
        ([("ten-yuan", 1), ("two-hours", 1)], [0, 0, 1000, 1000]),
        ([("two-hours", 1), ("ten-yuan", 2)], [0, 0, 0, 1000]),
    ],
)
def test_rights_of_which_one_would_do_are_used_one_after_the_other(
    rights: list[tuple[str, int | None]], fees: list[int]
) -> None:
    facts = [right_granted(right_id, uses_max=uses) for right_id, uses in rights]
    days = [f"2026-03-0{day}" for day in (2, 3, 4, 5)]
    stays = [known(at(f"{day} 09:00"), at(f"{day} 11:00")) for day in days]
    for place, (stay, fee) in enumerate(zip(stays, fees, strict=True)):
        assert price(gallery("mall"), stay, *stays[:place], facts=facts) == fee


def test_uses_that_were_worth_nothing_are_not_counted() -> None:
    grant = right_granted("half", uses_max=1, valid_from=at("00:00"))
    free = known(at("08:00"), at("08:10"))
    assert price(gallery("mall"), known(at("10:00"), at("12:00")), free, facts=[grant]) == 500


def test_free_minutes_of_a_day_are_shared_by_its_stays() -> None:
    rates = hourly(free=FreePeriod(minutes=60, per=FreePer.DAY))
    first, second = known(at("09:00"), at("09:40")), known(at("12:00"), at("12:30"))
    assert price(rates, first) == 0
    assert price(rates, second) == 0
    assert price(rates, second, first) == 500
    assert price(rates, known(at("2026-03-03 12:00"), at("2026-03-03 12:30")), first) == 0
    first_only = hourly(free=FreePeriod(minutes=60, per=FreePer.FIRST_OF_DAY))
    assert price(first_only, second, first) == 500


def test_a_cap_of_the_day_may_hold_over_stays() -> None:
    shared = hourly(caps=Caps(calendar_day_minor=1500, calendar_day_shared=True))
    alone = hourly(caps=Caps(calendar_day_minor=1500))
    morning, noon = known(at("08:00"), at("10:00")), known(at("12:00"), at("14:00"))
    assert price(shared, noon, morning) == 500
    assert price(alone, noon, morning) == 1000
    night = known(at("2026-03-01 21:00"), at("02:00"))
    assert price(shared, night) == 1500 + 1000
    assert price(shared, noon, night) == 500
    assert price(shared, known(at("18:00"), at("20:00")), night, noon) == 0


def test_a_right_that_the_tariff_does_not_offer_is_worth_nothing() -> None:
    stay = known(at("09:00"), at("13:00"))
    assert price(gallery("mall"), stay, facts=[right_granted("gold")]) == 2000


def test_plain_tariffs_ask_for_nothing_but_the_stay() -> None:
    def asks(rates: Tariff) -> bool:
        return TariffVersions([PricedFrom(at("00:00"), compile_tariff(rates))]).asks

    assert not asks(gallery("chengdu"))
    assert asks(gallery("mall"))
    assert asks(gallery("library"))
    assert asks(hourly(caps=Caps(calendar_day_minor=1500, calendar_day_shared=True)))


def test_a_revoked_right_ends_at_the_first_revocation() -> None:
    grant = right_granted("half")
    stay = known(at("09:00"), at("13:00"))
    assert price(gallery("mall"), stay, facts=[grant]) == 1000
    said: list[FeeFact] = [right_revoked(grant, at("14:00")), right_revoked(grant, at("08:00"))]
    for facts in ([grant, *said], [*reversed(said), grant]):
        assert price(gallery("mall"), stay, facts=facts) == 2000


def test_a_right_held_twice_counts_once_unless_it_stacks() -> None:
    stay = known(at("09:00"), at("15:00"))
    twice = [right_granted("two-hours"), right_granted("two-hours")]
    assert price(gallery("mall"), stay, facts=twice) == 2000
    document = gallery("mall")
    rights = tuple(msgspec.structs.replace(each, stacks=True) for each in document.rights)
    stacking = msgspec.structs.replace(document, rights=rights)
    assert price(stacking, stay, facts=twice) == 1000


def test_the_newest_word_on_a_vehicle_stands_and_a_stays_own_before_its_plates() -> None:
    rates = gallery("hangzhou-class-1")
    stay = known(at("09:00"), at("10:30"))
    assert price(rates, stay) == 1000
    assert price(rates, stay, facts=[vehicle_is(VehicleKind.LARGE)]) == 2000
    both = [vehicle_is(VehicleKind.SMALL, stay=stay), vehicle_is(VehicleKind.LARGE)]
    assert vehicle_stated(both) is VehicleKind.SMALL
    assert vehicle_stated(reversed(both)) is VehicleKind.SMALL
    other = [vehicle_is(VehicleKind.LARGE, stay=known(at("09:00"), at("10:30")))]
    assert price(rates, stay, facts=other) == 1000


@pytest.mark.parametrize(
    ("plate", "colour", "kind"),
    [
        ("浙A8B762", PlateColour.BLUE, VehicleKind.SMALL),
        ("浙A8B762", PlateColour.YELLOW, VehicleKind.LARGE),
        ("浙A876学", PlateColour.YELLOW, VehicleKind.SMALL),
        ("浙A876挂", PlateColour.UNKNOWN, VehicleKind.LARGE),
        ("浙AD12345", PlateColour.GREEN, VehicleKind.NEW_ENERGY),
        ("浙A12345D", PlateColour.UNKNOWN, VehicleKind.LARGE),
        ("使014578", PlateColour.BLACK, None),
        ("LB12ABCD", PlateColour.WHITE, None),
    ],
)
def test_a_plate_tells_the_kind_of_vehicle(
    plate: str, colour: PlateColour, kind: VehicleKind | None
) -> None:
    assert vehicle_of_plate(type(PLATE)(plate), colour) is kind


# --- versions --------------------------------------------------------------------------------


def two_versions(on_change: OnChange, day: date = date(2026, 7, 1)) -> list[Tariff]:
    return [
        hourly(500, on_change=on_change, effective_to=day - timedelta(days=1)),
        hourly(700, version=2, effective_from=day),
    ]


@pytest.mark.parametrize(
    ("on_change", "entered", "left", "total"),
    [
        (OnChange.ENTRY, "2026-06-30 22:00", "2026-07-01 02:00", 2000),
        (OnChange.SPLIT, "2026-06-30 22:00", "2026-07-01 02:00", 1000 + 1400),
        (OnChange.SPLIT, "2026-06-30 22:00", "2026-07-01 00:00", 1000),
        (OnChange.SPLIT, "2026-06-30 22:30", "2026-07-01 00:30", 1000 + 700),
        (OnChange.SPLIT, "2026-07-01 00:00", "2026-07-01 01:00", 700),
        (OnChange.ENTRY, "2026-06-30 23:59", "2026-07-01 00:01", 500),
    ],
)
def test_a_stay_over_a_change_of_tariff(
    on_change: OnChange, entered: str, left: str, total: int
) -> None:
    assert price(two_versions(on_change), known(at(entered), at(left))) == total


@pytest.mark.parametrize(
    "day", [date(2027, 1, 1), date(2028, 2, 29), date(2028, 3, 1), date(2026, 2, 28)]
)
def test_a_change_at_years_end_on_leap_days_and_make_up_days(day: date) -> None:
    midnight = datetime.combine(day, datetime.min.time(), tzinfo=SHANGHAI)
    stay = known(midnight - 2 * HOUR, midnight + 2 * HOUR)
    assert price(two_versions(OnChange.SPLIT, day), stay) == 1000 + 1400
    fee = stay_fee(stay, versions_of=lambda _: versions_of(two_versions(OnChange.SPLIT, day)))
    (line,) = [each for each in fee.lines if each.code == "tariff_changed"]
    assert str(day) in line.text_en
    assert fee.tariff_version == 1


def test_a_change_on_the_night_in_which_clocks_go_back() -> None:
    new_york = ZoneInfo("America/New_York")
    day = date(2026, 11, 1)
    rates = [
        msgspec.structs.replace(each, zone=new_york.key)
        for each in two_versions(OnChange.SPLIT, day)
    ]
    stay = known(at("2026-10-31 23:00", new_york), at("2026-11-01 03:00", new_york))
    # 23:00 to 24:00 is an hour; 00:00 to 03:00 are four.
    assert price(rates, stay) == 500 + 4 * 700


def test_free_time_and_rights_are_given_once_over_a_change() -> None:
    first, second = (
        msgspec.structs.replace(
            gallery("mall"),
            round_total=None,
            minimum_minor=0,
            on_change=OnChange.SPLIT,
            version=version,
            effective_from=day,
        )
        for version, day in ((1, None), (2, date(2026, 3, 3)))
    )
    stay = known(at("20:00"), at("2026-03-03 04:00"))
    assert price([first, second], stay) == 4000
    for right_id, off in (("two-hours", 1000), ("ten-yuan", 1000), ("half", 2000)):
        grant = right_granted(right_id)
        assert price([first, second], stay, facts=[grant]) == 4000 - off


def test_a_day_on_which_no_version_holds_is_told() -> None:
    rates = [hourly(effective_from=date(2026, 1, 1), effective_to=date(2026, 12, 31))]
    require_in_force(rates, date(2026, 1, 1))
    require_in_force(rates, date(2026, 12, 31))
    for day in (date(2025, 12, 31), date(2027, 1, 1)):
        with pytest.raises(TariffNotInForceError, match="2026-01-01 to 2026-12-31"):
            require_in_force(rates, day)


# --- properties ------------------------------------------------------------------------------

_START = at("2026-03-06 00:00").astimezone(UTC)
_visits = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 900)), min_size=1, max_size=5)


def _stays(visits: Sequence[tuple[int, int]]) -> list[KnownStay]:
    found, now = [], _START
    for away, inside in visits:
        now += timedelta(minutes=away)
        found.append(known(now, now + timedelta(minutes=inside)))
        now += timedelta(minutes=inside)
    return found


def _fees(rates: Tariff, stays: Sequence[KnownStay], facts: Sequence[FeeFact]) -> list[int]:
    return [
        price(rates, stay, *stays[:place], *stays[place + 1 :], facts=facts)
        for place, stay in enumerate(stays)
    ]


@settings(max_examples=60)
@given(
    rates=rich_tariffs(), visits=_visits, reentry=st.sampled_from([0, 30]), seed=st.integers(0, 99)
)
def test_the_order_in_which_stays_and_facts_are_known_does_not_matter(
    rates: Tariff, visits: list[tuple[int, int]], reentry: int, seed: int
) -> None:
    rates = msgspec.structs.replace(rates, reentry_minutes=reentry, rights=gallery("mall").rights)
    stays = _stays(visits)
    facts: list[FeeFact] = [
        right_granted("half", uses_max=1, valid_from=_START),
        right_granted("two-hours", stay=stays[0]),
        right_granted("ten-yuan", valid_until=_START + 8 * HOUR),
    ]
    facts.append(right_revoked(right_granted("half"), _START))
    expected = _fees(rates, stays, facts)
    mixed = [*facts, *facts]
    Random(seed).shuffle(mixed)
    assert _fees(rates, stays, mixed) == expected
    # What comes after a stay never changes what it costs.
    assert [price(rates, stays[0], facts=facts)] == expected[:1]


@settings(max_examples=60)
@given(rates=rich_tariffs(), visits=_visits)
def test_stays_alone_cost_what_the_tariff_says(
    rates: Tariff, visits: list[tuple[int, int]]
) -> None:
    """Without memory of the day and re-entry, other stays of the plate do not matter."""
    if rates.free is not None:
        rates = msgspec.structs.replace(
            rates, free=msgspec.structs.replace(rates.free, per=FreePer.VISIT)
        )
    stays = _stays(visits)
    alone = [
        assess(
            entered_at=each.entered_at, left_at=each.left_at, tariff=rates, colour=each.colour
        ).total.amount_minor
        for each in stays
    ]
    assert _fees(rates, stays, ()) == alone


@given(visits=_visits, cap=st.sampled_from([1000, 1500, 4000]))
def test_a_shared_cap_holds_on_every_day(visits: list[tuple[int, int]], cap: int) -> None:
    """Stays within one day together never cost more than its cap."""
    rates = hourly(caps=Caps(calendar_day_minor=cap, calendar_day_shared=True))
    stays = _stays(visits)
    totals: dict[date, int] = {}
    for stay, fee in zip(stays, _fees(rates, stays, ()), strict=True):
        first, last = (each.astimezone(SHANGHAI).date() for each in (stay.entered_at, stay.left_at))
        if first == last:
            totals[first] = totals.get(first, 0) + fee
    assert all(total <= cap for total in totals.values())


@settings(max_examples=60)
@given(
    rates=rich_tariffs(),
    minutes=st.lists(st.integers(0, 3000), min_size=2, max_size=2).map(sorted),
    cut=st.integers(0, 2000),
)
def test_a_longer_stay_never_costs_less_over_a_change(
    rates: Tariff, minutes: list[int], cut: int
) -> None:
    later = msgspec.structs.replace(
        hourly(700), zone=rates.zone, version=2, effective_from=date(2026, 3, 7)
    )
    first = msgspec.structs.replace(rates, on_change=OnChange.SPLIT)
    entered = at("2026-03-06 00:00", ZoneInfo(rates.zone)) + timedelta(minutes=cut)
    short, long = (
        price([first, later], known(entered, entered + timedelta(minutes=each))) for each in minutes
    )
    assert short <= long


def test_a_window_that_forgets_may_be_cut_at_a_change() -> None:
    """Where windows remember nothing, a change at their edge splits the price in two."""
    rates = tariff(
        window("00:00", "12:00", units((300, 30))), window("12:00", "00:00", units((500, 60)))
    )
    before = msgspec.structs.replace(rates, on_change=OnChange.SPLIT)
    after = msgspec.structs.replace(rates, version=2, effective_from=date(2026, 3, 3))
    whole = known(at("20:00"), at("2026-03-03 04:00"))
    assert price([before, after], whole) == price(
        before, known(at("20:00"), at("2026-03-03 00:00"))
    ) + price(after, known(at("2026-03-03 00:00"), at("2026-03-03 04:00")))


@settings(max_examples=40)
@given(rates=rich_tariffs(), minute=st.integers(0, 2879))
def test_the_first_step_is_the_one_that_a_search_finds(rates: Tariff, minute: int) -> None:
    """What the gate is told at once is what looking at every moment of two days would find."""
    if rates.free is not None and rates.free.per is not FreePer.VISIT:
        rates = msgspec.structs.replace(rates, free=None)
    ready = compile_tariff(rates)
    entered_at = _START + timedelta(minutes=minute)
    blue = PlateColour.BLUE

    def leaving(left_at: datetime) -> Fee:
        return assess(entered_at=entered_at, left_at=left_at, tariff=ready, colour=blue)

    plan = ready.plan_for(blue, None)
    first = first_step(leaving, entered_at=entered_at, tariff=ready, plan=plan)
    found = step_of(leaving, now=entered_at)
    assert (first.steps_at, first.then) == (found.steps_at, found.then)
    assert first.fee.total == found.fee.total


def test_a_day_that_begins_during_a_stay_has_free_minutes_of_its_own() -> None:
    """Also where earlier stays have left none of the day of the entry."""
    rates = hourly(
        free=FreePeriod(minutes=60, kind=FreeKind.DEDUCTION, per=FreePer.DAY),
        reentry_minutes=0,
    )
    morning = known(at("09:00"), at("11:00"))
    night = known(at("22:00"), at("2026-03-03 03:00"))
    assert price(rates, night) == 500 + 2 * 500
    assert price(rates, night, morning) == 2 * 500 + 2 * 500


@pytest.mark.parametrize("uses_max", [0, 1, 4, 9, 30])
def test_a_counted_right_is_used_by_the_first_stays_that_it_makes_cheaper(uses_max: int) -> None:
    rates, random = gallery("mall"), Random(uses_max)
    stays: list[KnownStay] = []
    came = at("2026-02-10 07:00")
    for _ in range(14):
        left = came + random.choice([10, 100, 700]) * timedelta(minutes=1)
        stays.append(known(came, left))
        came = left + random.choice([40, 2000]) * timedelta(minutes=1)
    grant = right_granted("half", uses_max=uses_max, valid_from=stays[2].left_at)
    for_ever = right_granted("half", valid_from=stays[2].left_at)
    uses = 0
    for place, stay in enumerate(stays):
        with_it, without = price(rates, stay, facts=[for_ever]), price(rates, stay)
        expected = with_it if uses < uses_max else without
        assert price(rates, stay, *stays[:place], facts=[grant]) == expected
        uses += with_it < without


def test_a_use_is_settled_only_when_the_visit_is_over() -> None:
    """Two free hours are worth something to the night alone, nothing to it and the day after."""
    grant = right_granted("two-hours", uses_max=1, valid_from=at("2026-02-11 15:09"))
    night = known(at("2026-02-11 02:23"), at("2026-02-11 15:14"))
    day = known(at("2026-02-11 15:29"), at("2026-02-11 19:57"))
    morning = known(at("2026-02-12 05:43"), at("2026-02-12 06:47"))
    assert price(gallery("mall"), night, facts=[grant]) == 5500
    assert price(gallery("mall"), known(at("2026-02-11 02:23"), day.left_at), facts=[grant]) == 6000
    assert price(gallery("mall"), morning, night, facts=[grant]) == 700
    assert price(gallery("mall"), morning, night, day, facts=[grant]) == 0


def test_uses_count_from_the_beginning_of_a_visit_that_a_right_joins_late() -> None:
    day = known(at("2026-02-14 18:22"), at("2026-02-15 02:07"))
    back = known(at("2026-02-15 02:15"), at("2026-02-15 16:38"))
    later = known(at("2026-02-17 08:32"), at("2026-02-17 14:47"))
    grant = right_granted("two-hours", uses_max=1, valid_from=back.entered_at)
    whole = known(day.entered_at, back.left_at)
    cheaper = price(gallery("mall"), whole, facts=[grant]) < price(gallery("mall"), whole)
    expected = price(gallery("mall"), later, facts=[] if cheaper else [grant])
    assert cheaper
    assert price(gallery("mall"), later, day, back, facts=[grant]) == expected

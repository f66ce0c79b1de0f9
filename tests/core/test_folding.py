"""Stays out of facts: every arrow by example, every promise by property."""

from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parking.core.corrections import plates_touched
from parking.core.events import (
    Ending,
    Fact,
    LaneEvent,
    PlateColour,
    VehicleEntered,
    VehicleExited,
    amended_by,
)
from parking.core.folding import (
    NEEDS_REFOLD,
    NeedsRefold,
    NotOverstayedError,
    PlatelessEventError,
    SeveralLotsError,
    WrongTailError,
    advance,
    close_overstayed,
    fold,
    overstayed,
)
from parking.core.ids import EventId, LotId
from parking.core.plate import Plate
from parking.core.stay import Stay, StayState
from parking.core.stay_steps import Step
from tests.core.facts import (
    CREDENTIALS,
    LOT,
    OTHER,
    PLATE,
    RULES,
    TICKET,
    at,
    correction,
    ending,
    entry,
    fact_sets,
    lane_events,
    leave,
    withdrawal,
)

HOUR = 3600
OPEN, CLOSED = StayState.OPEN, StayState.CLOSED
LEFT, GONE, NEVER_WAS = Ending.LEFT, Ending.GONE, Ending.NEVER_WAS
MISSED_EXIT, MISSED_ENTRY = StayState.MISSED_EXIT, StayState.MISSED_ENTRY


def states_of(*facts: Fact) -> list[StayState]:
    return [stay.state for stay in fold(facts, plate=PLATE, rules=RULES)]


@pytest.mark.parametrize(
    ("events", "states"),
    [
        pytest.param([entry(0)], [OPEN], id="an entry opens a stay"),
        pytest.param([entry(0), leave(600)], [CLOSED], id="an exit closes it"),
        pytest.param([entry(0), leave(HOUR)], [CLOSED], id="as late as the maximum stay"),
        pytest.param(
            [entry(0), leave(HOUR + 1)],
            [MISSED_EXIT, MISSED_ENTRY],
            id="an exit past the maximum stay is another visit's",
        ),
        pytest.param([leave(0)], [MISSED_ENTRY], id="an exit alone missed its entry"),
        pytest.param(
            [entry(0), leave(600), leave(700)],
            [CLOSED, MISSED_ENTRY],
            id="so did a second exit",
        ),
        pytest.param([entry(0), entry(600)], [MISSED_EXIT, OPEN], id="a re-entry missed its exit"),
        pytest.param(
            [entry(0), entry(30), entry(60), leave(600)],
            [CLOSED],
            id="a car waiting at the entry is one car, trigger after trigger",
        ),
        pytest.param(
            [entry(0), leave(600), leave(630), leave(660)],
            [CLOSED],
            id="so is a car waiting at the exit",
        ),
        pytest.param([leave(0), leave(30)], [MISSED_ENTRY], id="even one whose entry was missed"),
        pytest.param(
            [entry(0), leave(10), entry(20)],
            [CLOSED, OPEN],
            id="an entry right after an exit is a new visit",
        ),
        pytest.param([leave(0), entry(60)], [CLOSED], id="an exit just before its entry is drift"),
        pytest.param([leave(0), entry(61)], [MISSED_ENTRY, OPEN], id="longer before, it is not"),
        pytest.param([leave(0), entry(60), entry(80)], [CLOSED], id="drift with repeated triggers"),
        pytest.param(
            [leave(0), entry(60), entry(600)], [CLOSED, OPEN], id="drift, then a new visit"
        ),
        pytest.param(
            [leave(0), entry(60), entry(85), entry(110), leave(600)],
            [MISSED_ENTRY, CLOSED],
            id="an exit of its own later shows that it was no drift",
        ),
        pytest.param([entry(0), leave(0)], [CLOSED], id="at one instant the entry comes first"),
        pytest.param(
            [entry(0, None), leave(600, None)], [], id="reads without a plate make no stays"
        ),
    ],
)
def test_the_table_of_arrows(events: list[Fact], states: list[StayState]) -> None:
    assert states_of(*events) == states
    assert states_of(*reversed(events), *events) == states


def test_a_closed_stay_tells_its_whole_story() -> None:
    came, went = entry(0, colour=PlateColour.UNKNOWN), leave(600, colour=PlateColour.GREEN)
    (stay,) = fold([went, came], plate=PLATE, rules=RULES)
    assert stay == Stay(
        stay_id=stay.stay_id,
        lot_id=LOT,
        plate=PLATE,
        colour=PlateColour.GREEN,
        state=CLOSED,
        last_seen_at=at(600),
        entered_at=at(0),
        left_at=at(600),
        entry_event_id=came.event_id,
        exit_event_id=went.event_id,
        entry_lane_id=came.lane_id,
        exit_lane_id=went.lane_id,
        trace_id=came.trace_id,
    )
    assert stay.stay_id == came.event_id
    assert stay.billable


def test_a_stay_paired_by_drift_lasts_no_time_and_is_named_by_its_exit() -> None:
    (stay,) = fold([entry(40), leave(0)], plate=PLATE, rules=RULES)
    assert stay.stay_id == leave(0).event_id
    assert (stay.entered_at, stay.left_at) == (at(40), at(40))


def test_a_correction_moves_an_event_to_the_other_plate() -> None:
    misread, went = entry(0, OTHER), leave(600)
    facts: list[Fact] = [misread, went, correction(misread, PLATE, number=1000)]
    assert [stay.state for stay in fold(facts, plate=PLATE, rules=RULES)] == [CLOSED]
    assert fold(facts, plate=OTHER, rules=RULES) == ()


def test_a_correction_gives_a_plate_to_a_read_without_one() -> None:
    unread = entry(0, None)
    fix = correction(unread, PLATE, number=1000, colour=PlateColour.GREEN)
    (stay,) = fold([unread, fix], plate=PLATE, rules=RULES)
    assert (stay.state, stay.colour) == (OPEN, PlateColour.GREEN)


def test_a_withdrawn_exit_leaves_the_stay_open() -> None:
    assert states_of(entry(0), leave(600), withdrawal(leave(600), number=1000)) == [OPEN]


SAID = entry(0), leave(600)


@pytest.mark.parametrize(
    ("facts", "states"),
    [
        pytest.param([ending(SAID[0], LEFT, 600, number=1000)], [CLOSED], id="it left at ten past"),
        pytest.param([ending(SAID[0], GONE, 600, number=1000)], [MISSED_EXIT], id="it is gone"),
        pytest.param([ending(SAID[0], NEVER_WAS, 0, number=1000)], [], id="it never was"),
        pytest.param(
            [ending(SAID[0], LEFT, 600, number=1000), leave(600 + 15 * 60)],
            [CLOSED],
            id="a camera's word that comes later confirms it, within the tolerance",
        ),
        pytest.param(
            [ending(SAID[0], LEFT, 600, number=1000), leave(601 + 15 * 60)],
            [CLOSED, MISSED_ENTRY],
            id="beyond the tolerance it is another leaving",
        ),
        pytest.param(
            [ending(SAID[0], LEFT, 900, number=1000), leave(600)],
            [CLOSED],
            id="the first leaving counts",
        ),
        pytest.param(
            [ending(SAID[0], GONE, 300, number=1000), leave(600)],
            [CLOSED],
            id="an exit seen after all is better than gone",
        ),
        pytest.param(
            [ending(SAID[0], LEFT, 900, number=1000), entry(600)],
            [MISSED_EXIT, OPEN],
            id="a word that the car's next entry belies charges nothing",
        ),
        pytest.param(
            [ending(SAID[0], GONE, 900, number=1000), entry(600)],
            [MISSED_EXIT, OPEN],
            id="gone is said of the stay named only",
        ),
        pytest.param(
            [ending(SAID[0], LEFT, HOUR + 1, number=1000)],
            [OPEN],
            id="nobody's word reaches past the maximum stay",
        ),
        pytest.param(
            [
                ending(SAID[0], LEFT, 600, number=1000, recorded=1),
                ending(SAID[0], GONE, 600, number=1001, recorded=2),
            ],
            [MISSED_EXIT],
            id="the last word counts",
        ),
        pytest.param(
            [
                ending(SAID[0], LEFT, 600, number=1000),
                withdrawal(ending(SAID[0], LEFT, 600, number=1000), number=1001),
            ],
            [OPEN],
            id="and may be taken back",
        ),
    ],
)
def test_a_person_ends_a_stay(facts: list[Fact], states: list[StayState]) -> None:
    assert states_of(SAID[0], *facts) == states
    assert states_of(*reversed(facts), SAID[0], *facts) == states


def test_a_stay_ended_by_hand_says_so() -> None:
    word = ending(entry(20), LEFT, 600, number=1000)
    (stay,) = fold([entry(0), entry(20), word, leave(700)], plate=PLATE, rules=RULES)
    assert (stay.left_at, stay.exit_event_id, stay.exit_lane_id) == (at(600), word.event_id, None)
    assert (stay.ended_by_hand, stay.last_seen_at) == (True, at(700))
    (seen,) = fold([entry(0), leave(700)], plate=PLATE, rules=RULES)
    assert not seen.ended_by_hand


def test_a_car_that_is_back_soon_is_linked_to_the_stay_it_left() -> None:
    came, went, late = entry(0), leave(600), 600 + 16 * 60
    for back, link in ((late - 1, came.event_id), (late, None)):
        _, again = fold([came, went, entry(back)], plate=PLATE, rules=RULES)
        assert again.reentry_of == link
    never = replace(RULES, reentry_minutes=0)
    _, again = fold([came, went, entry(700)], plate=PLATE, rules=never)
    assert again.reentry_of is None
    _, again = fold([came, entry(700)], plate=PLATE, rules=RULES)
    assert again.reentry_of is None


def test_in_and_out_by_separate_lanes_within_moments_is_a_drive_through() -> None:
    same_lane = replace(leave(100), lane_id=entry(0).lane_id)
    cases: list[tuple[LaneEvent, bool]] = [
        (leave(180), True),
        (leave(181), False),
        (same_lane, False),
    ]
    for went, through in cases:
        (stay,) = fold([entry(0), went], plate=PLATE, rules=RULES)
        assert stay.drive_through is through
    (stay,) = fold([entry(0), leave(9)], plate=PLATE, rules=replace(RULES, drive_through_seconds=0))
    assert not stay.drive_through


def test_a_person_at_the_lane_counts_as_a_camera_does() -> None:
    seen = replace(leave(600), device_id=None, by="operator:one", reason="camera dark")
    (stay,) = fold([entry(0), seen], plate=PLATE, rules=RULES)
    assert (stay.state, stay.exit_lane_id) == (CLOSED, seen.lane_id)


def test_a_ticket_stands_for_the_plate_until_it_is_known() -> None:
    unread, went = entry(0, None), leave(600)
    ticket = correction(unread, TICKET, number=1000, recorded=1)
    assert [s.state for s in fold([unread, ticket, went], plate=TICKET, rules=RULES)] == [OPEN]
    unread_exit = leave(600, None)
    scanned = correction(unread_exit, TICKET, number=1001)
    (stay,) = fold([unread, ticket, unread_exit, scanned], plate=TICKET, rules=RULES)
    assert (stay.state, stay.entry_event_id) == (CLOSED, unread.event_id)
    matched = correction(unread, PLATE, number=1002, recorded=2)
    (stay,) = fold([unread, ticket, went, matched], plate=PLATE, rules=RULES)
    assert (stay.state, stay.entry_event_id) == (CLOSED, unread.event_id)
    assert fold([unread, ticket, went, matched], plate=TICKET, rules=RULES) == ()


def test_a_sweep_gives_up_what_is_past_the_maximum_stay() -> None:
    assert [
        stay.state for stay in fold([entry(0)], plate=PLATE, rules=RULES, now=at(HOUR + 1))
    ] == [MISSED_EXIT]
    (stay,) = fold([entry(0)], plate=PLATE, rules=RULES, now=at(HOUR))
    assert stay.state is OPEN
    assert not overstayed(stay, rules=RULES, now=at(HOUR))
    with pytest.raises(NotOverstayedError):
        close_overstayed(stay, rules=RULES, now=at(HOUR))


def test_an_exit_told_late_closes_a_stay_that_was_given_up() -> None:
    (given_up,) = fold([entry(0)], plate=PLATE, rules=RULES, now=at(HOUR + 1))
    step = advance(given_up, leave(600), rules=RULES)
    assert isinstance(step, Step)
    assert step.tail is not None
    assert step.tail.state is CLOSED


def test_a_car_given_up_may_come_in_again_or_leave_too_late() -> None:
    (given_up,) = fold([entry(0)], plate=PLATE, rules=RULES, now=at(HOUR + 1))
    for event, state in ((entry(9000), OPEN), (leave(9000), MISSED_ENTRY)):
        step = advance(given_up, event, rules=RULES)
        assert isinstance(step, Step)
        assert step.changed is None
        assert step.opened is not None
        assert step.opened.state is state


def test_an_event_without_a_plate_is_refused() -> None:
    with pytest.raises(PlatelessEventError):
        advance(None, entry(0, None), rules=RULES)


def test_the_stay_of_another_plate_or_lot_is_refused() -> None:
    (stay,) = fold([entry(0)], plate=PLATE, rules=RULES)
    elsewhere = replace(leave(600), lot_id=LotId("lot-b"))
    for event in (leave(600, OTHER), elsewhere):
        with pytest.raises(WrongTailError):
            advance(stay, event, rules=RULES)
    with pytest.raises(SeveralLotsError):
        fold([entry(0), elsewhere], plate=PLATE, rules=RULES)


def _names(fact: Fact) -> EventId | None:
    return None if isinstance(fact, VehicleEntered | VehicleExited) else amended_by(fact)


class Journal:
    """A store as the services keep it: facts, and stays that only ever change by one step."""

    def __init__(self) -> None:
        self.facts: dict[EventId, Fact] = {}
        self.stays: dict[Plate, list[Stay]] = {plate: [] for plate in CREDENTIALS}
        self.refolds = 0

    def record(self, fact: Fact) -> None:
        if fact.event_id in self.facts:
            return
        touched = plates_touched(fact, known=self.facts.values(), rules=RULES)
        self.facts[fact.event_id] = fact
        if isinstance(fact, VehicleEntered | VehicleExited) and touched == {fact.read.plate}:
            self._advance(fact)
            return
        for plate in touched:
            self._refold(plate)

    def _advance(self, event: LaneEvent) -> None:
        assert event.read.plate is not None
        if any(_names(fact) == event.event_id for fact in self.facts.values()):
            self._refold(event.read.plate)
            return
        stays = self.stays[event.read.plate]
        step = advance(stays[-1] if stays else None, event, rules=RULES)
        if isinstance(step, NeedsRefold):
            self._refold(event.read.plate)
            return
        if step.changed is not None:
            stays[-1] = step.changed
        if step.opened is not None:
            stays.append(step.opened)

    def _refold(self, plate: Plate) -> None:
        self.refolds += 1
        self.stays[plate] = list(fold(self.facts.values(), plate=plate, rules=RULES))


@given(fact_sets(), st.randoms(use_true_random=False))
def test_any_order_and_repetition_gives_the_same_stays(facts: list[Fact], random: Random) -> None:
    shuffled = [*facts, *random.choices(facts, k=3)] if facts else []
    random.shuffle(shuffled)
    for plate in CREDENTIALS:
        assert fold(shuffled, plate=plate, rules=RULES) == fold(facts, plate=plate, rules=RULES)


@given(fact_sets(), st.randoms(use_true_random=False))
def test_stepping_agrees_with_folding_in_whatever_order_facts_arrive(
    facts: list[Fact], random: Random
) -> None:
    arrivals = [*facts, *random.choices(facts, k=3)] if facts else []
    random.shuffle(arrivals)
    journal = Journal()
    for count, fact in enumerate(arrivals, start=1):
        journal.record(fact)
        for plate in CREDENTIALS:
            known = fold(arrivals[:count], plate=plate, rules=RULES)
            assert tuple(journal.stays[plate]) == known


@given(lane_events())
def test_events_that_arrive_in_order_are_folded_again_only_for_ties_and_drift(
    events: list[LaneEvent],
) -> None:
    tail: Stay | None = None
    for event in events:
        step = advance(tail, event, rules=RULES)
        if step is NEEDS_REFOLD:
            assert tail is not None
            tied = event.occurred_at == tail.last_seen_at
            assert tied or tail.stay_id == tail.exit_event_id
            return
        assert isinstance(step, Step)
        tail = step.tail


@given(lane_events(), st.sampled_from([0, 600, HOUR, HOUR + 1, 40_000]))
def test_stays_keep_the_shape_that_money_relies_on(events: list[LaneEvent], later: int) -> None:
    last = max((event.occurred_at for event in events), default=at(0))
    now = last + timedelta(seconds=later)
    stays = fold(events, plate=PLATE, rules=RULES, now=now)
    assert all(stay.state is not OPEN for stay in stays[:-1])
    for stay in stays:
        assert stay.stay_id in {stay.entry_event_id, stay.exit_event_id}
        if stay.billable:
            assert stay.entered_at is not None
            assert stay.left_at is not None
            assert timedelta(0) <= stay.left_at - stay.entered_at <= timedelta(seconds=HOUR)
    for earlier, following in pairwise(stays):
        assert earlier.last_seen_at <= following.last_seen_at
    used = [name for stay in stays for name in (stay.entry_event_id, stay.exit_event_id) if name]
    assert len(used) == len(set(used))


@given(lane_events(), st.integers(0, 12))
def test_the_sweep_may_run_at_any_moment(events: list[LaneEvent], sweep_after: int) -> None:
    """Stepping over a swept stay ends in the same stays as never having swept it."""
    stays: list[Stay] = []
    for index, event in enumerate(events):
        if stays and index == sweep_after:
            now = event.occurred_at
            if overstayed(stays[-1], rules=RULES, now=now):
                stays[-1] = close_overstayed(stays[-1], rules=RULES, now=now)
        step = advance(stays[-1] if stays else None, event, rules=RULES)
        if isinstance(step, NeedsRefold):
            stays = list(fold(events[: index + 1], plate=PLATE, rules=RULES))
            continue
        stays = stays[: len(stays) - (step.changed is not None)]
        stays += [stay for stay in (step.changed, step.opened) if stay is not None]
    assert tuple(stays) == fold(events, plate=PLATE, rules=RULES)

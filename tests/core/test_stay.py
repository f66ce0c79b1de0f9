"""A stay's own rules: which arrows there are, and which instants fit which state."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parking.core.events import LaneEvent
from parking.core.folding import fold
from parking.core.stay import (
    Arrow,
    ForbiddenArrowError,
    Stay,
    StayState,
    StayTimesError,
    require_arrow,
)
from tests.core.facts import PLATE, RULES, at, entry, leave

EXAMPLES: list[list[LaneEvent]] = [
    [entry(0)],
    [entry(0), leave(9)],
    [entry(0), entry(900)],
    [leave(0)],
]
STAYS: dict[StayState, Stay] = {
    stay.state: stay for facts in EXAMPLES for stay in fold(facts, plate=PLATE, rules=RULES)[:1]
}


@pytest.mark.parametrize("arrow", Arrow)
@pytest.mark.parametrize("state", StayState)
def test_a_stay_moves_only_along_an_arrow_that_starts_at_its_state(
    state: StayState, arrow: Arrow
) -> None:
    if arrow.before is state:
        require_arrow(STAYS[state], arrow)
        return
    with pytest.raises(ForbiddenArrowError) as caught:
        require_arrow(STAYS[state], arrow)
    assert state.value in str(caught.value)
    assert arrow.after.value in str(caught.value)


def test_every_state_can_be_reached() -> None:
    assert {arrow.after for arrow in Arrow} == set(StayState) == set(STAYS)


def test_only_a_closed_stay_is_billable() -> None:
    assert [stay.state for stay in STAYS.values() if stay.billable] == [StayState.CLOSED]


_instants = st.one_of(st.none(), st.builds(at, st.integers(0, 2)))


@given(st.sampled_from(StayState), _instants, _instants)
def test_instants_that_do_not_fit_the_state_are_refused(
    state: StayState, entered_at: object, left_at: object
) -> None:
    changes = {"state": state, "entered_at": entered_at, "left_at": left_at}
    known = (entered_at is not None, left_at is not None)
    fits = (
        known
        == {
            StayState.OPEN: (True, False),
            StayState.CLOSED: (True, True),
            StayState.MISSED_EXIT: (True, False),
            StayState.MISSED_ENTRY: (False, True),
        }[state]
    )
    if fits and (state is not StayState.CLOSED or entered_at <= left_at):  # type: ignore[operator]
        assert replace(STAYS[StayState.OPEN], **changes).state is state
        return
    with pytest.raises(StayTimesError):
        replace(STAYS[StayState.OPEN], **changes)


def test_the_page_on_stays_shows_every_arrow() -> None:
    page = (Path(__file__).parents[2] / "docs" / "stays.md").read_text(encoding="utf-8")
    for arrow in Arrow:
        before = "[*]" if arrow.before is None else arrow.before.value
        assert f"{before} --> {arrow.after.value}" in page
        assert f"`{arrow.name.lower()}`" in page

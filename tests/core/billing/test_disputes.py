"""Whose loss a lost dispute is: every fen of it is somebody's, and no more than there was."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.core import dispute_entries
from billing.core.accounts import AccountRole
from billing.core.disputes import (
    ARROWS,
    FINAL,
    DisputeArrowError,
    DisputedPart,
    DisputeState,
    Movement,
    MovementKind,
    OwedBack,
    Stance,
    check_dispute_arrow,
    share_fee,
    share_loss,
    stance,
)
from billing.core.entries import Booking
from billing.core.ledger import balances
from billing.core.obligation import Obligation
from billing.core.settlement import DisputeBearer
from parking.core.ids import ObligationId, OperatorId
from parking.core.money import Money

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
BOOKING = Booking(booked_on=date(2026, 11, 23), occurred_at=NOW)
BEARERS = st.sampled_from(DisputeBearer)
OPERATORS = st.sampled_from([OperatorId("west-lake"), OperatorId("bus-station")])


@st.composite
def parts(draw: st.DrawFn) -> DisputedPart:
    """Part of a payment, of which some may have been given back or lost before."""
    captured = draw(st.integers(1, 10_000))
    kept = draw(st.integers(0, captured))
    more = draw(st.integers(0, 5_000))
    return DisputedPart(
        obligation=Obligation(
            obligation_id=ObligationId(UUID(int=draw(st.integers(1, 2**64)))),
            operator_id=draw(OPERATORS),
            revision=1,
            charged_minor=kept + more,
            captured_minor=captured,
            returned_minor=captured - kept,
            commission_bp=draw(st.integers(0, 2_000)),
        ),
        bearer=draw(BEARERS),
        captured_minor=captured,
        kept_minor=kept,
    )


PARTS = st.lists(
    parts(), min_size=1, max_size=6, unique_by=lambda part: part.obligation.obligation_id
)
OWED = st.lists(
    st.builds(OwedBack, refund_id=st.uuids(), amount_minor=st.integers(1, 5_000)), max_size=4
)


@given(PARTS, OWED, st.integers(1, 60_000))
def test_a_loss_is_shared_out_whole(
    disputed: list[DisputedPart], owed: list[OwedBack], amount: int
) -> None:
    loss = share_loss(Money(amount), parts=disputed, owed_back=owed)
    lost = {part.obligation.obligation_id: part for part in loss.parts}
    assert (
        loss.covered_minor + loss.excess_minor + sum(part.lost_minor for part in loss.parts)
        == amount
    )
    assert loss.covered_minor == min(amount, sum(each.amount_minor for each in owed))
    for part in disputed:
        found = lost.get(part.obligation.obligation_id)
        if found is None:
            continue
        assert found.lost_minor <= part.kept_minor
        kept_less = part.obligation.kept_minor - found.obligation.kept_minor
        by_operator = part.bearer is DisputeBearer.OPERATOR
        assert kept_less == (found.lost_minor if by_operator else 0)
        assert 0 <= found.commission_returned_minor <= found.lost_minor
    if loss.excess_minor:
        assert sum(part.lost_minor for part in loss.parts) == sum(p.kept_minor for p in disputed)


@given(PARTS, OWED, st.integers(1, 60_000))
def test_its_entries_clear_what_the_bank_took(
    disputed: list[DisputedPart], owed: list[OwedBack], amount: int
) -> None:
    taken = Movement(
        ref="txn_1", kind=MovementKind.WITHDRAWN, amount_minor=amount, fee_minor=1_500, moved_at=NOW
    )
    loss = share_loss(Money(amount), parts=disputed, owed_back=owed)
    fee = share_fee(Money(1_500), disputed)
    booked = [
        dispute_entries.moved(taken, gateway="stripe", currency="CNY", booking=BOOKING),
        dispute_entries.fee_kept(
            Money(1_500), fee, movement_ref="txn_1", gateway="stripe", booking=BOOKING
        ),
        *dispute_entries.lost(
            loss, dispute_id="d", gateway="stripe", currency="CNY", booking=BOOKING
        ),
    ]
    by_role: dict[AccountRole, int] = {}
    for (account, _), minor in balances(booked).items():
        by_role[account.role] = by_role.get(account.role, 0) + minor
    assert by_role.get(AccountRole.DISPUTE_CLAIMS, 0) == 0
    assert by_role[AccountRole.PROCESSOR_CLEARING] == -amount - 1_500
    assert by_role.get(AccountRole.DRIVER_RECEIVABLE, 0) == -by_role.get(
        AccountRole.OPERATOR_ACCRUED, 0
    )
    assert len({(entry.kind, entry.source) for entry in booked}) == len(booked)


@given(OWED, st.integers(1, 20_000))
def test_only_what_is_all_owed_back_is_conceded(owed: list[OwedBack], amount: int) -> None:
    total = sum(each.amount_minor for each in owed)
    conceded = stance(amount_minor=amount, owed_back=owed) is Stance.CONCEDE
    assert conceded == (total >= amount)


@given(st.sampled_from(DisputeState), st.sampled_from(DisputeState))
def test_what_is_decided_stays_decided(before: DisputeState, after: DisputeState) -> None:
    if before in FINAL and after is not before:
        assert not ARROWS[before]
        with pytest.raises(DisputeArrowError):
            check_dispute_arrow(before, after)
    assert DisputeState.HEARD not in ARROWS[before]

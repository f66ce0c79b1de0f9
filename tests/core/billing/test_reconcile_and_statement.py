"""Reconciliation names exactly what differs; a statement adds up or is refused."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.core.accounts import AccountRole
from billing.core.agreed_fees import AgreedFeesError, read_agreed_fees
from billing.core.ledger import EntryKind
from billing.core.reconcile import (
    Differs,
    Matched,
    Missing,
    Movement,
    Surplus,
    WrongFee,
    agrees,
    hold_to_agreement,
    reconcile,
)
from billing.core.statement import StatementDoesNotAddUpError, draw_up
from parking.core.ids import OperatorId

amounts = st.integers(min_value=-50_000, max_value=50_000)
movements = st.lists(
    st.builds(
        Movement,
        source_ref=st.uuids().map(str),
        gross_minor=amounts,
        fee_minor=st.integers(min_value=0, max_value=300),
        currency=st.just("CNY"),
    ),
    unique_by=lambda movement: movement.source_ref,
    max_size=12,
)


class TestReconciliation:
    @given(movements, st.randoms(use_true_random=False))
    def test_a_clean_report_matches_in_any_order(
        self, ours: list[Movement], random: st.DataObject
    ) -> None:
        theirs = list(ours)
        random.shuffle(theirs)  # type: ignore[attr-defined]
        findings = reconcile(ours=ours, theirs=theirs)
        assert agrees(findings)
        assert {finding.movement for finding in findings if isinstance(finding, Matched)} == set(
            ours
        )

    @given(movements, st.data())
    def test_each_injected_discrepancy_is_found_and_nothing_else(
        self, ours: list[Movement], data: st.DataObject
    ) -> None:
        kinds = data.draw(
            st.lists(
                st.sampled_from(["clean", "missing", "fee", "gross", "twice"]),
                min_size=len(ours),
                max_size=len(ours),
            )
        )
        theirs = []
        for kind, movement in zip(kinds, ours, strict=True):
            match kind:
                case "clean":
                    theirs.append(movement)
                case "fee":
                    theirs.append(
                        msgspec.structs.replace(movement, fee_minor=movement.fee_minor + 1)
                    )
                case "gross":
                    theirs.append(
                        msgspec.structs.replace(movement, gross_minor=movement.gross_minor - 1)
                    )
                case "twice":
                    theirs += [movement, movement]
        findings = reconcile(ours=ours, theirs=theirs)
        expected = {
            Matched: kinds.count("clean") + kinds.count("twice"),
            Missing: kinds.count("missing"),
            Differs: kinds.count("fee") + kinds.count("gross"),
            Surplus: kinds.count("twice"),
        }
        found = {kind: sum(isinstance(finding, kind) for finding in findings) for kind in expected}
        assert found == expected


class TestStatement:
    @given(
        st.dictionaries(
            st.tuples(
                st.sampled_from(EntryKind),
                st.sampled_from(
                    [
                        AccountRole.DRIVER_RECEIVABLE,
                        AccountRole.OPERATOR_ACCRUED,
                        AccountRole.OPERATOR_PAYABLE,
                    ]
                ),
            ),
            amounts,
        ),
        amounts,
        amounts,
    )
    def test_opening_and_lines_give_closing_whatever_was_booked(
        self,
        booked: dict[tuple[EntryKind, AccountRole], int],
        payable: int,
        receivable: int,
    ) -> None:
        statement = draw_up(
            operator_id=OperatorId("west-lake"),
            business_date=date(2026, 11, 23),
            currency="CNY",
            opening={
                AccountRole.OPERATOR_PAYABLE: payable,
                AccountRole.DRIVER_RECEIVABLE: receivable,
            },
            movements=booked,
            payments=0,
            reconciled=True,
        )
        lines = sum(line.amount_minor for line in statement.lines)
        assert statement.opening_minor + lines == statement.closing_minor
        moved = sum(a for (_, role), a in booked.items() if role is AccountRole.OPERATOR_PAYABLE)
        assert statement.closing_minor == -payable - moved
        owed = sum(a for (_, role), a in booked.items() if role is AccountRole.DRIVER_RECEIVABLE)
        assert statement.outstanding_minor == receivable + owed

    def test_one_that_does_not_add_up_is_refused(self) -> None:
        statement = draw_up(
            operator_id=OperatorId("west-lake"),
            business_date=date(2026, 11, 23),
            currency="CNY",
            opening={},
            movements={},
            payments=0,
            reconciled=True,
        )
        with pytest.raises(StatementDoesNotAddUpError):
            msgspec.structs.replace(statement, closing_minor=1)


class TestAgreedFees:
    def test_a_charge_is_held_to_the_rate_of_its_own_day(self) -> None:
        agreed = read_agreed_fees("2026-07-01:50+3,2026-01-01:60")
        days = {"old": date(2025, 12, 31), "first": date(2026, 6, 30), "next": date(2026, 7, 1)}
        taken = [
            Movement(source_ref=ref, gross_minor=gross, fee_minor=fee, currency="CNY")
            for ref, gross, fee in [
                ("old", 1_000, 999),  # nothing was agreed yet
                ("first", 1_075, 6),  # 6.45 is rounded down
                ("next", 1_100, 9),  # 5.5 is rounded up, and 3 are fixed
                ("refund", -1_000, 5),  # no charge
            ]
        ]
        findings = reconcile(ours=taken, theirs=taken)
        held = hold_to_agreement(findings, charged_on=days, agreed=agreed)
        assert held == findings
        dear = [msgspec.structs.replace(each, fee_minor=each.fee_minor + 1) for each in taken]
        held = hold_to_agreement(reconcile(ours=dear, theirs=dear), charged_on=days, agreed=agreed)
        assert [type(each) for each in held] == [Matched, WrongFee, WrongFee, Matched]
        assert [each.agreed_minor for each in held if isinstance(each, WrongFee)] == [6, 9]
        assert not agrees(held)

    @pytest.mark.parametrize(
        "text", ["60", "2026-13-01:60", "2026-01-01:60,2026-01-01:50", "2026-01-01:60+", ","]
    )
    def test_what_cannot_be_a_rate_is_refused(self, text: str) -> None:
        with pytest.raises(AgreedFeesError):
            read_agreed_fees(text)

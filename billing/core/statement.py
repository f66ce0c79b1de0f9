"""An operator's statement of one day: opening + lines = closing, in what we owe the operator.

Days are the ledger's: a late fact is booked on the day it is heard of, so yesterday's statement
never changes.
"""

from collections.abc import Mapping
from datetime import date

import msgspec

from billing.core.accounts import AccountRole
from billing.core.ledger import EntryKind
from parking.core.errors import DomainError
from parking.core.ids import OperatorId

Movements = Mapping[tuple[EntryKind, AccountRole], int]
"""The day's postings to an operator's accounts, summed; debit positive."""


class StatementDoesNotAddUpError(DomainError):
    """Opening and lines of a statement must give its closing."""

    def __init__(self, *, opening_minor: int, lines_minor: int, closing_minor: int) -> None:
        super().__init__(
            f"a statement opens with {opening_minor}, its lines sum to {lines_minor}, "
            f"and it closes with {closing_minor}"
        )


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why what we owe an operator changed."""

    code: str
    amount_minor: int
    text_zh: str
    text_en: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What one day did to an operator's money. All sums in minor units."""

    operator_id: OperatorId
    business_date: date
    currency: str
    opening_minor: int
    """Owed to the operator at the day's start."""
    lines: tuple[StatementLine, ...]
    closing_minor: int
    """Owed to the operator at the day's end."""
    gross_minor: int
    """Fees raised this day, less what corrections took off them before they were paid."""
    collected_minor: int
    """What drivers paid this day for this operator's stays."""
    commission_minor: int
    """The platform's share of it."""
    processor_fees_minor: int
    written_off_minor: int
    """Of what drivers owe: given up this day, less what was revived."""
    net_minor: int
    """Collected, less commission, fees, credits and what was settled: closing less opening."""
    outstanding_opening_minor: int
    outstanding_minor: int
    """What drivers still owed at the day's end."""
    paid_out_minor: int
    """Transferred to the operator this day."""
    to_pay_out_minor: int
    """Settled and not yet transferred at the day's end."""
    payments: int
    """How many payments brought the money."""
    reconciled: bool
    """The gateway's own report agrees with each of them, and nothing is in doubt."""

    def __post_init__(self) -> None:
        """Hold the lines to opening and closing."""
        lines_minor = sum(line.amount_minor for line in self.lines)
        if self.opening_minor + lines_minor != self.closing_minor or lines_minor != self.net_minor:
            raise StatementDoesNotAddUpError(
                opening_minor=self.opening_minor,
                lines_minor=lines_minor,
                closing_minor=self.closing_minor,
            )


_TEXTS: dict[str, tuple[str, str]] = {
    "collected": ("车主支付", "Paid by drivers"),
    "commission": ("平台佣金", "Platform commission"),
    "processor_fees": ("支付通道手续费", "Payment processor fees"),
    "credited": ("更正退款", "Given back after corrections"),
    "disputes": ("银行拒付损失", "Lost to bank disputes"),
    "dispute_fees": ("银行拒付手续费", "Fees of bank disputes"),
    "contract_fees": ("合同固定费用", "Fees by contract"),
    "settled": ("已结算待打款", "Settled, to be paid out"),
    "payout_reversed": ("打款退回", "Payouts taken back"),
    "other": ("其他", "Other"),
}


def draw_up(
    *,
    operator_id: OperatorId,
    business_date: date,
    currency: str,
    opening: Mapping[AccountRole, int],
    movements: Movements,
    payments: int,
    reconciled: bool,
) -> Statement:
    """Draw up the statement of a day from the balances before it and the day's postings."""
    payable = _of_role(movements, AccountRole.OPERATOR_PAYABLE)
    receivable = _of_role(movements, AccountRole.DRIVER_RECEIVABLE)
    collected = -receivable.get(EntryKind.PAYMENT_CAPTURED, 0)
    commission = collected + payable.get(EntryKind.PAYMENT_CAPTURED, 0)
    fees = payable.get(EntryKind.PROCESSOR_FEE, 0)
    credited = payable.get(EntryKind.OBLIGATION_ASSESSED, 0)
    settled = _of_role(movements, AccountRole.OPERATOR_SETTLED)
    net = -sum(payable.values())
    amounts = {
        "collected": collected,
        "commission": -commission,
        "processor_fees": -fees,
        "credited": -credited,
        "disputes": -payable.get(EntryKind.DISPUTE_LOST, 0),
        "dispute_fees": -payable.get(EntryKind.DISPUTE_FEE, 0),
        "contract_fees": -payable.get(EntryKind.CONTRACT_FEES, 0),
        "settled": -payable.get(EntryKind.SETTLED, 0),
        "payout_reversed": -payable.get(EntryKind.PAYOUT_REVERSED, 0),
    }
    amounts["other"] = net - sum(amounts.values())
    opening_minor = -opening.get(AccountRole.OPERATOR_PAYABLE, 0)
    outstanding = opening.get(AccountRole.DRIVER_RECEIVABLE, 0)
    return Statement(
        operator_id=operator_id,
        business_date=business_date,
        currency=currency,
        opening_minor=opening_minor,
        lines=tuple(_line(code, amount) for code, amount in amounts.items() if amount),
        closing_minor=opening_minor + net,
        gross_minor=receivable.get(EntryKind.OBLIGATION_ASSESSED, 0),
        collected_minor=collected,
        commission_minor=commission,
        processor_fees_minor=fees,
        written_off_minor=-sum(
            receivable.get(kind, 0) for kind in (EntryKind.WRITTEN_OFF, EntryKind.REINSTATED)
        ),
        net_minor=net,
        outstanding_opening_minor=outstanding,
        outstanding_minor=outstanding + sum(receivable.values()),
        paid_out_minor=settled.get(EntryKind.PAID_OUT, 0),
        to_pay_out_minor=-opening.get(AccountRole.OPERATOR_SETTLED, 0) - sum(settled.values()),
        payments=payments,
        reconciled=reconciled,
    )


def _of_role(movements: Movements, role: AccountRole) -> dict[EntryKind, int]:
    return {kind: amount for (kind, of), amount in movements.items() if of is role}


def _line(code: str, amount_minor: int) -> StatementLine:
    text_zh, text_en = _TEXTS[code]
    return StatementLine(code=code, amount_minor=amount_minor, text_zh=text_zh, text_en=text_en)

"""The truth log: all money that really moved, whatever anyone was told."""

from typing import Literal, TypeAlias

import msgspec

from gateway_sim.wechatpay.store import Store
from gateway_sim.wire import JsonObject

Discrepant: TypeAlias = Literal["wrong_fee", "missing_in_bill", "surplus_in_bill"]


class DeductionTruth(msgspec.Struct, frozen=True, kw_only=True):
    """The merchant got money for an order: the user's, or WeChat's own (`advanced`)."""

    transaction_id: str
    out_trade_no: str
    mchid: str
    sub_mchid: str | None
    parking_id: str
    plate_number: str
    openid: str
    amount: int
    fee: int
    bank_type: str
    advanced: bool
    attach: str | None
    at: float


class RepaymentTruth(msgspec.Struct, frozen=True, kw_only=True):
    """A user paid back what WeChat had advanced; the merchant's money does not move."""

    transaction_id: str
    out_trade_no: str
    amount: int
    at: float


class RefundTruth(msgspec.Struct, frozen=True, kw_only=True):
    """Money left the merchant's account for a refund."""

    refund_id: str
    out_refund_no: str
    transaction_id: str
    out_trade_no: str
    amount: int
    fee_returned: int
    at: float


class RefundEndTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a refund; `CLOSED`: the money is back on the merchant's account."""

    refund_id: str
    out_refund_no: str
    status: str
    amount: int
    fee_returned: int
    at: float


class WithdrawalTruth(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant took money out to a bank."""

    account: str
    amount: int
    at: float


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """Where bills were made to lie; `amount` is by how much, in fen."""

    kind: Discrepant
    transaction_id: str
    out_trade_no: str
    amount: int


_PLURALS: dict[type[msgspec.Struct], str] = {
    DeductionTruth: "deductions",
    RepaymentTruth: "repayments",
    RefundTruth: "refunds",
    RefundEndTruth: "refund_ends",
    WithdrawalTruth: "withdrawals",
    Discrepancy: "discrepancies",
}


class TruthLog:
    """Append-only; the table itself refuses anything else."""

    def __init__(self, store: Store) -> None:
        self._database = store.database

    def add(self, what: msgspec.Struct) -> None:
        """Note what happened."""
        self._database.execute(
            "INSERT INTO truth (kind, body) VALUES (?, ?)",
            (_PLURALS[type(what)], msgspec.json.encode(what).decode()),
        )

    def read(self) -> JsonObject:
        """Everything so far, in the order in which it happened."""
        truth: JsonObject = {plural: [] for plural in _PLURALS.values()}
        for kind, body in self._database.execute("SELECT kind, body FROM truth ORDER BY seq"):
            truth[kind].append(msgspec.json.decode(body))
        return truth

"""Reading a simulator's truth log: each provider writes its own, and a log shows whose it is."""

import msgspec

from billing import wechat_names as names
from billing.audit.truth import TrueAdvance, TrueCharge, TrueRefund, Truth

_REACHED = "SUCCESS"


class _Deduction(msgspec.Struct, frozen=True):
    transaction_id: str
    out_trade_no: str
    amount: int
    fee: int
    advanced: bool


class _Refund(msgspec.Struct, frozen=True):
    refund_id: str
    out_refund_no: str
    transaction_id: str
    amount: int


class _RefundEnd(msgspec.Struct, frozen=True):
    refund_id: str
    status: str


class _Repayment(msgspec.Struct, frozen=True):
    transaction_id: str


class _WeChatLog(msgspec.Struct, frozen=True):
    """What WeChat Pay's simulator says; it knows one currency and no metadata."""

    deductions: tuple[_Deduction, ...]
    refunds: tuple[_Refund, ...]
    refund_ends: tuple[_RefundEnd, ...]
    repayments: tuple[_Repayment, ...]

    @property
    def truth(self) -> Truth:
        """The same in everybody's words: our own names of orders and refunds hold their ids."""
        repaid = {each.transaction_id for each in self.repayments}
        # Ends come in the order of time: the last one holds.
        ends = {each.refund_id: each.status for each in self.refund_ends}
        return Truth(
            gateways=("wechatpay",),
            charges=tuple(
                TrueCharge(
                    charge=each.transaction_id,
                    payment_intent=each.out_trade_no,
                    amount=each.amount,
                    currency="cny",
                    metadata={"payment_id": str(names.payment_of(each.out_trade_no))},
                    fee=each.fee,
                )
                for each in self.deductions
            ),
            refunds=tuple(
                TrueRefund(
                    refund=each.refund_id,
                    charge=each.transaction_id,
                    amount=each.amount,
                    currency="cny",
                    metadata={"refund_id": str(names.refund_of(each.out_refund_no))},
                    reached=ends.get(each.refund_id) == _REACHED,
                )
                for each in self.refunds
            ),
            advances=tuple(
                TrueAdvance(charge=each.transaction_id, repaid=each.transaction_id in repaid)
                for each in self.deductions
                if each.advanced
            ),
        )


def read_truth(content: bytes) -> Truth:
    """Read a truth log of any provider's simulator.

    Raises msgspec.DecodeError (msgspec.ValidationError where it is no truth log).
    """
    if b'"charges"' in content:
        return msgspec.json.decode(content, type=Truth)
    return msgspec.json.decode(content, type=_WeChatLog).truth

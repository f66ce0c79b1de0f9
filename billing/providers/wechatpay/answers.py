"""What WeChat's objects mean to billing. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from billing.core.attempt import DeclineClass, Declined, Outcome, Pending, Succeeded, Unknown
from billing.gateway import RefundAnswer, Refunded, RefundPending, RefundReturned
from billing.providers.wechatpay.shapes import ADVANCED, RefundShape, TransactionShape
from billing.registering import ServiceState, UnknownColourError
from parking.core.events import PlateColour

BEIJING = ZoneInfo("Asia/Shanghai")
"""All of WeChat's days and times."""

_COLOURS = {
    PlateColour.BLUE: "BLUE",
    PlateColour.GREEN: "GREEN",
    PlateColour.YELLOW: "YELLOW",
    PlateColour.BLACK: "BLACK",
    PlateColour.WHITE: "WHITE",
}
_SERVICES = {
    "NORMAL": ServiceState.NORMAL,
    "PAUSE": ServiceState.PAUSED,
    "OUT_SERVICE": ServiceState.ENDED,
}
# WeChat says why a deduction failed in words for people; there is no list of them.
_WORDS = (
    (("余额不足", "零钱不足"), DeclineClass.INSUFFICIENT_FUNDS),
    (("系统繁忙", "银行系统", "稍后"), DeclineClass.TRY_AGAIN),
    (("解约", "关闭服务", "注销"), DeclineClass.CARD_UNUSABLE),
)


def colour_word(colour: PlateColour) -> str:
    """Name a plate's colour as WeChat does. Raises UnknownColourError."""
    try:
        return _COLOURS[colour]
    except KeyError:
        raise UnknownColourError from None


def moment(instant: datetime) -> str:
    """Write an instant as WeChat wants it: to the second, with Beijing's offset."""
    return instant.astimezone(BEIJING).isoformat(timespec="seconds")


def service_state(word: str) -> ServiceState:
    """Read where a plate's service stands; a word that is new does not mean that it is open."""
    return _SERVICES.get(word, ServiceState.ENDED)


def outcome_of(order: TransactionShape) -> Outcome:
    """Read what became of an order.

    A refunded order was paid. `PAY_FAIL` is final: another attempt is another order.
    """
    match order.trade_state:
        case "SUCCESS" | "REFUND" if order.transaction_id and order.success_time:
            advanced = order.bank_type == ADVANCED
            return Succeeded(
                payment_ref=order.out_trade_no,
                charge_ref=order.transaction_id,
                amount_minor=order.amount.total,
                currency=order.amount.currency,
                captured_at=order.success_time,
                advanced=advanced,
                repaid=advanced and order.user_repaid == "Y",
            )
        case "ACCEPTED":
            return Pending(payment_ref=order.out_trade_no)
        case "PAY_FAIL":
            return Declined(
                decline_class=decline_class_of(order.trade_state_description),
                code="PAY_FAIL",
                ended=True,
            )
        case _:
            return Unknown(reason=f"the order is {order.trade_state}")


def decline_class_of(description: str) -> DeclineClass:
    """Sort a failed deduction by WeChat's words; without any that tell, it is a plain no."""
    for words, decline_class in _WORDS:
        if any(word in description for word in words):
            return decline_class
    return DeclineClass.DO_NOT_HONOUR


def refund_answer(refund: RefundShape) -> RefundAnswer:
    """Read where a refund stands."""
    match refund.status:
        case "SUCCESS":
            return Refunded(
                refund_ref=refund.refund_id,
                refunded_at=refund.success_time or refund.create_time,
            )
        case "PROCESSING":
            return RefundPending(refund_ref=refund.refund_id)
        case "CLOSED":
            return RefundReturned(reason=refund.status)
        case "ABNORMAL":
            # Its user's card is gone. The money has left us and waits at WeChat, until a person
            # says on WeChat's own pages where it is to go.
            return RefundPending(refund_ref=refund.refund_id, stuck=True)
        case _:
            return Unknown(reason=f"the refund is {refund.status}")

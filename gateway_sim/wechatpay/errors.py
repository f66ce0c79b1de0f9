"""What WeChat Pay refuses, each with its status and code, told as {code, message, detail}."""

from typing import ClassVar

from gateway_sim.wire import JsonObject, Reply, json_reply
from parking.core.errors import DomainError


class WechatError(DomainError):
    """Any error answer of the API."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "INVALID_REQUEST"

    def __init__(self, message: str, *, detail: JsonObject | None = None) -> None:
        super().__init__(message)
        self.detail = detail

    def reply(self) -> Reply:
        """Tell it in WeChat's form."""
        body: JsonObject = {"code": self.code, "message": str(self)}
        if self.detail is not None:
            body["detail"] = self.detail
        return json_reply(body, status=self.status)


class ParamError(WechatError):
    """A parameter is missing, malformed or unknown."""

    code = "PARAM_ERROR"


class InvalidRequestError(WechatError):
    """The parameters are well formed, but the state of things forbids the request."""


class SignError(WechatError):
    """The Authorization header does not prove who asks."""

    status = 401
    code = "SIGN_ERROR"


class NoAuthError(WechatError):
    """The merchant may not act with that app or for that sub-merchant."""

    status = 403
    code = "NO_AUTH"

    def __init__(self) -> None:
        super().__init__("当前商户无法扣款")


class OrderPaidError(WechatError):
    """The order is paid; it is to be queried, not asked for again."""

    code = "ORDER_PAID"

    def __init__(self) -> None:
        super().__init__("订单已支付")


class OutTradeNoUsedError(WechatError):
    """The merchant's order number stands for another order already."""

    status = 403
    code = "OUT_TRADE_NO_USED"

    def __init__(self) -> None:
        super().__init__("商户订单号重复")


class TradeError(WechatError):
    """The order has failed for good; a new one needs a number of its own."""

    status = 403
    code = "TRADE_ERROR"

    def __init__(self) -> None:
        super().__init__("支付失败，请重新下单支付")


class NotEnoughError(WechatError):
    """The merchant's account does not hold what is to be refunded."""

    status = 403
    code = "NOT_ENOUGH"

    def __init__(self) -> None:
        super().__init__("基本账户余额不足，请充值后重新发起")


class ResourceNotExistsError(WechatError):
    """There is no such order, refund, file or address."""

    status = 404
    code = "RESOURCE_NOT_EXISTS"


class StatementCreatingError(WechatError):
    """The bill is not written yet: that of a day exists from ten o'clock of the next."""

    code = "STATEMENT_CREATING"

    def __init__(self) -> None:
        super().__init__("账单生成中，请稍后再试")


class NoStatementError(WechatError):
    """Nothing happened on that day, so it has no bill."""

    code = "NO_STATEMENT_EXIST"

    def __init__(self) -> None:
        super().__init__("账单文件不存在")


class RateLimitedError(WechatError):
    """Too many requests."""

    status = 429
    code = "RATE_LIMITED"

    def __init__(self) -> None:
        super().__init__("请求频率超限，请降低请求频率")


class SystemFailureError(WechatError):
    """WeChat's own fault: what became of the request is unknown to the caller."""

    status = 500
    code = "SYSTEM_ERROR"

    def __init__(self) -> None:
        super().__init__("系统异常，请用相同参数重新调用")

"""What is asked, and what is kept of it. Money is integer fen; times of requests are RFC 3339."""

from typing import Annotated, Literal, TypeAlias

import msgspec

ADVANCED = "BPA"
"""The bank type of an order that WeChat advanced."""
ServiceState: TypeAlias = Literal["NORMAL", "PAUSE", "OUT_SERVICE"]
BlockReason: TypeAlias = Literal["PAUSE", "OVERDUE", "OUT_SERVICE", "EVALUATION_FAILED"]
TradeState: TypeAlias = Literal["ACCEPTED", "SUCCESS", "PAY_FAIL", "REFUND"]
RefundStatus: TypeAlias = Literal["PROCESSING", "SUCCESS", "ABNORMAL", "CLOSED"]
PlateColor: TypeAlias = Literal["BLUE", "GREEN", "YELLOW", "BLACK", "WHITE", "LIMEGREEN"]
Text16: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
Text32: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
Text64: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Text128: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Url: TypeAlias = Annotated[str, msgspec.Meta(max_length=256, pattern=r"^https?://[^?#]+$")]
OutTradeNo: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_\-*]{1,32}$")]
OutRefundNo: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_\-|*@]{1,64}$")]
Time: TypeAlias = Annotated[
    str,
    msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$", max_length=32),
]
Seconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Fen: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=10**9)]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request's body. WeChat may forgive unknown names; here they are refused, as mistakes."""


class CreateParking(Asked, frozen=True, kw_only=True):
    """创建停车入场."""

    out_parking_no: Text64
    plate_number: Text32
    plate_color: PlateColor
    notify_url: Url
    start_time: Time
    parking_name: Text128
    free_duration: Seconds
    sub_mchid: Text32 | None = None


class Amount(Asked, frozen=True, kw_only=True):
    """What is to be paid."""

    total: Fen
    currency: Literal["CNY"] = "CNY"


class ParkingInfo(Asked, frozen=True, kw_only=True):
    """The stay that is paid for."""

    parking_id: Text32
    plate_number: Text32
    plate_color: PlateColor
    start_time: Time
    end_time: Time
    parking_name: Text128
    charging_duration: Seconds
    device_id: Text32


class CreateTransaction(Asked, frozen=True, kw_only=True):
    """扣费受理."""

    appid: Text32
    description: Text128
    out_trade_no: OutTradeNo
    trade_scene: Literal["PARKING"]
    notify_url: Url
    amount: Amount
    parking_info: ParkingInfo
    """Optional in the document, required by the one scene there is."""
    sub_appid: Text32 | None = None
    sub_mchid: Text32 | None = None
    attach: Text128 | None = None
    goods_tag: Text32 | None = None
    profit_sharing: Literal["Y", "N"] = "N"


class RefundAmount(Asked, frozen=True, kw_only=True):
    """How much of what is given back."""

    refund: Fen
    total: Fen
    currency: Literal["CNY"] = "CNY"


class CreateRefund(Asked, frozen=True, kw_only=True):
    """申请退款."""

    out_refund_no: OutRefundNo
    amount: RefundAmount
    transaction_id: Text32 | None = None
    out_trade_no: OutTradeNo | None = None
    reason: Annotated[str, msgspec.Meta(max_length=80)] | None = None
    notify_url: Url | None = None
    funds_account: Literal["AVAILABLE", "UNSETTLED"] | None = None
    sub_mchid: Text32 | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has an id, and a number under which its merchant knows it."""

    id: str
    account: str
    """The merchant whose money and numbers are concerned: the sub-merchant, where there is one."""
    number: str
    parent: str


class Service(Kept, frozen=True, kw_only=True):
    """A plate whose owner has, or had, the parking service; `id` is the plate with its colour."""

    plate_number: str
    plate_color: str
    openid: str
    state: ServiceState
    block_reason: BlockReason | None = None
    """Why entries are blocked although the service is open."""
    opened_at: float


class Parking(Kept, frozen=True, kw_only=True):
    """An entry; `number` is the merchant's out_parking_no, `parent` the plate."""

    asked: CreateParking
    mchid: str
    created_at: float
    block_reason: BlockReason | None = None
    """None: NORMAL."""


class Deduction(Kept, frozen=True, kw_only=True):
    """An order; `number` is the merchant's out_trade_no, `parent` the entry."""

    asked: CreateTransaction
    mchid: str
    openid: str
    created_at: float
    state: TradeState = "ACCEPTED"
    fee: int = 0
    paid_at: float | None = None
    bank_type: str = ""
    repaid: bool = False
    """Of an advance (`bank_type` BPA): the user has paid WeChat back."""
    refunded: int = 0
    fee_returned: int = 0
    reported_fee: int | None = None
    """What bills claim; None: the truth."""
    unreported: bool = False

    @property
    def is_advanced(self) -> bool:
        """Whether WeChat paid in the user's place."""
        return self.bank_type == ADVANCED


class Surplus(Deduction, frozen=True, kw_only=True):
    """An order that stands in the trade bill although nobody asked for it."""


class Refund(Kept, frozen=True, kw_only=True):
    """A refund; `number` is the merchant's out_refund_no, `parent` the order's transaction."""

    asked: CreateRefund
    mchid: str
    out_trade_no: str
    created_at: float
    status: RefundStatus = "PROCESSING"
    fee_returned: int
    ended_at: float | None = None


class AccountLine(Kept, frozen=True, kw_only=True):
    """One movement on a merchant's account."""

    at: float
    amount: int
    """Fen; positive: in."""
    balance: int
    business: str
    kind: str
    applicant: str
    note: str
    voucher: str
    """The merchant's number of what caused it."""
    transaction_id: str

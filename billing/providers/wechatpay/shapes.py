"""What of WeChat's answers and notifications billing reads. Unknown fields are ignored."""

from datetime import datetime

import msgspec

ADVANCED = "BPA"
"""The bank type of an order that WeChat itself paid, in its user's stead."""


class ErrorShape(msgspec.Struct, frozen=True):
    """What WeChat says went wrong."""

    code: str = "UNREADABLE"
    message: str = ""


class AmountShape(msgspec.Struct, frozen=True):
    """The sum of an order, in fen."""

    total: int
    currency: str = "CNY"


class TransactionShape(msgspec.Struct, frozen=True):
    """An order: a deduction that was asked for."""

    out_trade_no: str
    trade_state: str
    amount: AmountShape
    transaction_id: str | None = None
    trade_state_description: str = ""
    success_time: datetime | None = None
    bank_type: str = ""
    user_repaid: str = "N"


class ParkingShape(msgspec.Struct, frozen=True):
    """A registered stay."""

    id: str
    state: str
    block_reason: str | None = None


class ServiceShape(msgspec.Struct, frozen=True):
    """A user's service for a plate."""

    openid: str
    service_state: str
    service_open_time: datetime | None = None


class RefundShape(msgspec.Struct, frozen=True):
    """A refund."""

    refund_id: str
    status: str
    create_time: datetime
    success_time: datetime | None = None


class BillShape(msgspec.Struct, frozen=True):
    """Where a day's bill lies."""

    download_url: str
    hash_type: str
    hash_value: str


class AboutShape(msgspec.Struct, frozen=True):
    """What a notification is about, as far as finding it again needs."""

    out_trade_no: str | None = None
    out_refund_no: str | None = None
    out_parking_no: str | None = None


class NotificationShape(msgspec.Struct, frozen=True):
    """A notification, its content decrypted."""

    id: str
    event_type: str
    resource: AboutShape

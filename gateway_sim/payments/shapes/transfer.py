"""A transfer from the platform to a connected account, and its reversals."""

from typing import ClassVar, Literal

from gateway_sim.payments.shapes.base import Shape


class Transfer(Shape, kw_only=True):
    """Money that became a connected account's."""

    KIND: ClassVar[str] = "transfer"

    object: Literal["transfer"] = "transfer"
    livemode: bool = False
    amount: int
    amount_reversed: int = 0
    balance_transaction: str
    currency: str
    description: str | None = None
    destination: str
    destination_payment: str
    metadata: dict[str, str] = {}
    reversed: bool = False
    source_transaction: str | None = None
    source_type: str = "card"
    transfer_group: str | None = None


class TransferReversal(Shape, kw_only=True):
    """Money of a transfer that came back."""

    KIND: ClassVar[str] = "transfer_reversal"

    object: Literal["transfer_reversal"] = "transfer_reversal"
    amount: int
    balance_transaction: str
    currency: str
    destination_payment_refund: str
    metadata: dict[str, str] = {}
    source_refund: str | None = None
    transfer: str

"""WeChat's own report of what moved: the trade bill (交易账单) of each of Beijing's days.

A bill is written on the next day from ten o'clock on; a day on which nothing moved has none. It is
a file with a line for each order that was paid and each refund, its cells behind a backtick, sums
in yuan. A refund gives its part of the fee back.
"""

import csv
import gzip
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha1

from billing.core.attempt import Unknown
from billing.gateway import GatewayRefusedError, GatewayTransaction, GatewayUnavailableError
from billing.providers.wechatpay.answers import BEIJING
from billing.providers.wechatpay.client import Refusal, Resource
from billing.providers.wechatpay.shapes import BillShape

_DAY = timedelta(days=1)
_KEPT = timedelta(days=90)
"""WeChat has bills of the last three months, and refuses to be asked for older ones."""
_NOTHING = "NO_STATEMENT_EXIST"
_NOT_YET = "STATEMENT_CREATING"
_PAID = "SUCCESS"
_REFUNDED = "REFUND"
_CLOSED = "FAIL"
"""Of a refund: it was closed, and its money is back at the merchant's."""


class Bills(Resource):
    """Trade bills."""

    async def transactions(
        self, *, since: datetime, until: datetime
    ) -> AsyncIterator[GatewayTransaction]:
        """Read the bills of the days from `since` on, as far as they are written."""
        day = max(since, until - _KEPT).astimezone(BEIJING).date()
        while day < until.astimezone(BEIJING).date():
            answer = await self._connection.call(
                "trade_bill",
                {"bill_date": day.isoformat(), **self._connection.merchant},
                BillShape,
            )
            match answer:
                case BillShape():
                    for line in read_bill(await self._download(answer)):
                        yield line
                case Refusal(code=code) if code == _NOT_YET:
                    return
                case Refusal(code=code) if code != _NOTHING:
                    raise GatewayRefusedError(code)
                case Unknown():
                    raise GatewayUnavailableError(answer.reason)
            day += _DAY

    async def _download(self, bill: BillShape) -> bytes:
        content = await self._connection.send("download_bill", {"url": bill.download_url})
        if not isinstance(content, bytes):
            reason = f"the bill could not be read: {content}"
            raise GatewayUnavailableError(reason)
        content = gzip.decompress(content)
        # What WeChat names its files by; nothing is kept secret by it.
        if sha1(content).hexdigest() != bill.hash_value.lower():  # noqa: S324
            reason = "the bill is not what WeChat wrote"
            raise GatewayUnavailableError(reason)
        return content


def read_bill(content: bytes) -> Iterator[GatewayTransaction]:
    """Read the lines of a trade bill up to its totals. Columns are found by their names."""
    rows = csv.reader(content.decode("utf-8-sig").splitlines())
    names = next(rows)
    for row in rows:
        if len(row) != len(names):
            return
        cells = {name: cell.lstrip("`") for name, cell in zip(names, row, strict=True)}
        line = _line(cells)
        if line is not None:
            yield line


def _line(cells: dict[str, str]) -> GatewayTransaction | None:
    at = datetime.fromisoformat(cells["交易时间"]).replace(tzinfo=BEIJING)
    fee = _fen(cells["手续费"])
    match cells["交易状态"]:
        case state if state == _PAID:
            kind, ref, gross = "charge", cells["微信订单号"], _fen(cells["订单金额"])
        case state if state == _REFUNDED and cells["退款状态"] != _CLOSED:
            kind, ref, gross = "refund", cells["微信退款单号"], -_fen(cells["申请退款金额"])
            fee = -abs(fee)
        case _:
            return None
    return GatewayTransaction(
        transaction_ref=f"{kind}-{ref}",
        kind=kind,
        source_ref=ref,
        gross_minor=gross,
        fee_minor=fee,
        net_minor=gross - fee,
        currency=cells["货币种类"],
        created_at=at,
    )


def _fen(yuan: str) -> int:
    return int((Decimal(yuan) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))

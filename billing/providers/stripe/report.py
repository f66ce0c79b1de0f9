"""Stripe's own report of what moved: balance transactions."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import stripe

from billing.gateway import GatewayTransaction, GatewayUnavailableError
from billing.providers.stripe.client import PAGE, Resource, or_raise
from billing.providers.stripe.shapes import BalanceTransactionShape, read


class Report(Resource):
    """Balance transactions."""

    async def transactions(
        self,
        *,
        since: datetime,
        until: datetime,
    ) -> AsyncIterator[GatewayTransaction]:
        """Read the balance transactions made since an instant, the newest first."""
        page = await or_raise(
            lambda: self._client.v1.balance_transactions.list_async(
                {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
            )
        )
        try:
            async for answer in page.auto_paging_iter():
                line = read(answer, BalanceTransactionShape)
                yield GatewayTransaction(
                    transaction_ref=line.id,
                    kind=line.kind,
                    source_ref=line.source or line.id,
                    gross_minor=line.amount,
                    fee_minor=line.fee,
                    net_minor=line.net,
                    currency=line.currency.upper(),
                    created_at=datetime.fromtimestamp(line.created, UTC),
                )
        except stripe.StripeError as error:
            raise GatewayUnavailableError(type(error).__name__) from error

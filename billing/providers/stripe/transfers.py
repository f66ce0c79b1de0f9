"""Paying operators: transfers to their connected accounts, and what is taken back of them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import stripe

from billing.gateway import (
    BankPayout,
    GatewayUnavailableError,
    ReversalOrder,
    TransferAnswer,
    TransferOrder,
    Transferred,
    TransferRefused,
)
from billing.gateway_request import GatewayRequest
from billing.providers.stripe import requests
from billing.providers.stripe.client import PAGE, Resource, keyed, unknown
from billing.providers.stripe.shapes import (
    BankPayoutShape,
    ConnectedAccountShape,
    TransferShape,
    read,
)


class Transfers(Resource):
    """Transfers and their reversals."""

    def transfer_request(self, order: TransferOrder) -> GatewayRequest:
        """Word a transfer to an operator's account."""
        return requests.transfer(order)

    def reversal_request(self, order: ReversalOrder) -> GatewayRequest:
        """Word the reversal of a transfer."""
        return requests.reversal(order)

    async def may_receive(self, account_ref: str) -> bool | None:
        """Whether transfers to a connected account are possible; None: there is no such one."""
        try:
            answer = await self._client.v1.accounts.retrieve_async(account_ref)
        except (stripe.InvalidRequestError, stripe.PermissionError):
            return None
        except stripe.StripeError as error:
            raise GatewayUnavailableError(type(error).__name__) from error
        return read(answer, ConnectedAccountShape).capabilities.get("transfers") == "active"

    async def bank_payout(self, payout_ref: str, *, account_ref: str) -> BankPayout | None:
        """How a payout of a connected account to its owner's bank stands."""
        try:
            answer = await self._client.v1.payouts.retrieve_async(
                payout_ref, options={"stripe_account": account_ref}
            )
        except (stripe.InvalidRequestError, stripe.PermissionError):
            return None
        except stripe.StripeError as error:
            raise GatewayUnavailableError(type(error).__name__) from error
        payout = read(answer, BankPayoutShape)
        return BankPayout(
            state=payout.status,
            amount_minor=payout.amount,
            currency=payout.currency.upper(),
            failure=payout.failure_message or payout.failure_code or "",
        )

    async def transfer(self, request: GatewayRequest, *, idempotency_key: str) -> TransferAnswer:
        """Send a transfer or a reversal, or send it again."""
        transfers = self._client.v1.transfers
        parameters: Any = dict(request.parameters)
        answer: Any
        try:
            if request.operation == requests.CREATE_REVERSAL:
                answer = await transfers.reversals.create_async(
                    str(parameters.pop("transfer")), parameters, keyed(idempotency_key)
                )
            else:
                answer = await transfers.create_async(parameters, keyed(idempotency_key))
        except stripe.InvalidRequestError as error:
            return TransferRefused(reason=error.code or error.user_message or "invalid")
        except stripe.StripeError as error:
            return unknown(error)
        return _transferred(read(answer, TransferShape))

    async def find_transfer(
        self, request: GatewayRequest, *, payout_id: UUID
    ) -> TransferAnswer | None:
        """Look for a transfer or reversal whose answer was lost; None if it is not there."""
        transfers = self._client.v1.transfers
        page: Any
        try:
            if request.operation == requests.CREATE_REVERSAL:
                page = await transfers.reversals.list_async(
                    str(request.parameters["transfer"]), {"limit": PAGE}
                )
            else:
                group = str(request.parameters["transfer_group"])
                page = await transfers.list_async({"transfer_group": group, "limit": PAGE})
            async for answer in page.auto_paging_iter():
                found = read(answer, TransferShape)
                if (found.metadata or {}).get("payout_id") == str(payout_id):
                    return _transferred(found)
        except stripe.StripeError as error:
            return unknown(error)
        return None


def _transferred(transfer: TransferShape) -> Transferred:
    return Transferred(
        transfer_ref=transfer.id, transferred_at=datetime.fromtimestamp(transfer.created, UTC)
    )

"""What admins do about payouts: say where an operator is paid, and take a payout back."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from billing.db import inbox, payouts
from billing.db.connection import Pool, transaction
from billing.db.inbox import FailedPayoutHeard
from billing.gateway import GatewayUnavailableError, PaymentGateway, ReversalOrder
from billing.services.claims import Clock
from billing.services.ids import new_id
from parking.core.errors import DomainError
from parking.core.ids import OperatorId

_LATELY = timedelta(days=30)
_SHOWN_MAX = 10


class PayoutAccountUnusableError(DomainError):
    """The gateway has no such account, or it may not receive transfers."""

    def __init__(self, account_ref: str, *, known: bool) -> None:
        problem = "may not receive transfers yet" if known else "is not there"
        super().__init__(f"account {account_ref} {problem}, says the gateway")


class PayoutNotFoundError(DomainError):
    """The operator has no such payout that was made."""

    def __init__(self, payout_id: UUID) -> None:
        super().__init__(f"there is no payout {payout_id} to take back")


class ReversalTooLargeError(DomainError):
    """No more can be taken back than was paid and not yet taken back."""

    def __init__(self, payout_id: UUID, *, left_minor: int) -> None:
        super().__init__(f"of payout {payout_id} only {left_minor} are left to take back")


class ReversalExistsError(DomainError):
    """Another reversal has that id."""

    def __init__(self, reversal_id: UUID) -> None:
        super().__init__(f"{reversal_id} is the id of something else already")


class FailedAtBank(msgspec.Struct, frozen=True, kw_only=True):
    """A payout to an operator's own bank that the bank sent back. Sums in minor units."""

    payout_ref: str
    account_ref: str
    heard_at: datetime
    amount_minor: int | None
    """Null: the gateway cannot be asked just now."""
    currency: str | None
    failure: str


class PayoutDesk:
    """Operators' accounts at the gateway, and reversals of what was paid to them."""

    def __init__(self, pool: Pool, gateway: PaymentGateway, clock: Clock) -> None:
        self._pool = pool
        self._gateway = gateway
        self._clock = clock

    async def account(self, operator_id: OperatorId) -> str | None:
        """Name the account at the gateway to which an operator is paid."""
        async with transaction(self._pool) as db:
            return await payouts.account_of(db, operator_id, self._gateway.name)

    async def failed_at_bank(self, operator_id: OperatorId) -> list[FailedAtBank]:
        """List payouts from an operator's account to its bank that failed lately.

        The webhook says which; what became of each is the gateway's own word, asked now. The
        money lies in the operator's account at the gateway, and is the operator's: no entry.
        """
        since = self._clock() - _LATELY
        async with transaction(self._pool) as db:
            account_ref = await payouts.account_of(db, operator_id, self._gateway.name)
            if account_ref is None:
                return []
            heard = await inbox.bank_payouts_failed(
                db, self._gateway.name, account_ref, since=since, limit=_SHOWN_MAX
            )
        return [found for each in heard if (found := await self._at_bank(each, account_ref))]

    async def _at_bank(self, heard: FailedPayoutHeard, account_ref: str) -> FailedAtBank | None:
        """What the gateway says of it; None where it says that it did not fail."""
        failed = FailedAtBank(
            payout_ref=heard.payout_ref,
            account_ref=account_ref,
            heard_at=heard.heard_at,
            amount_minor=None,
            currency=None,
            failure="",
        )
        try:
            found = await self._gateway.bank_payout(heard.payout_ref, account_ref=account_ref)
        except GatewayUnavailableError:
            return failed
        if found is None or found.state != "failed":
            return None
        return msgspec.structs.replace(
            failed,
            amount_minor=found.amount_minor,
            currency=found.currency,
            failure=found.failure,
        )

    async def bind(self, operator_id: OperatorId, account_ref: str, *, by: str) -> None:
        """Pay an operator to an account from now on; the same again changes nothing.

        Raises PayoutAccountUnusableError, GatewayUnavailableError.
        """
        able = await self._gateway.may_receive(account_ref)
        if not able:
            raise PayoutAccountUnusableError(account_ref, known=able is not None)
        now = self._clock()
        async with transaction(self._pool) as db:
            if await payouts.account_of(db, operator_id, self._gateway.name) == account_ref:
                return
            await payouts.bind_account(
                db,
                new_id(now),
                operator_id,
                gateway=self._gateway.name,
                account_ref=account_ref,
                said_by=by,
                now=now,
            )

    async def take_back(
        self,
        operator_id: OperatorId,
        payout_id: UUID,
        *,
        reversal_id: UUID,
        amount_minor: int,
        reason: str,
        by: str,
    ) -> None:
        """Store that a payout is to be taken back, all or in part; the same again changes nothing.

        Raises PayoutNotFoundError, ReversalTooLargeError, ReversalExistsError.
        """
        async with transaction(self._pool) as db:
            paid = await payouts.lock(db, payout_id, operator_id)
            if paid is None or paid.reverses or paid.state != "succeeded":
                raise PayoutNotFoundError(payout_id)
            known = await payouts.lock(db, reversal_id, operator_id)
            if known is not None:
                if (known.reverses, known.amount_minor) != (payout_id, amount_minor):
                    raise ReversalExistsError(reversal_id)
                return
            left = paid.amount_minor - await payouts.reversed_minor(db, payout_id)
            if amount_minor > left:
                raise ReversalTooLargeError(payout_id, left_minor=left)
            order = ReversalOrder(
                payout_id=reversal_id,
                transfer_ref=paid.transfer_ref or "",
                amount_minor=amount_minor,
            )
            row = msgspec.structs.replace(
                paid,
                payout_id=reversal_id,
                reverses=payout_id,
                amount_minor=amount_minor,
                said_by=by,
                reason=reason,
                idempotency_key=f"payout-{reversal_id}",
                created_at=self._clock(),
            )
            if not await payouts.insert(db, row, self._gateway.reversal_request(order)):
                raise ReversalExistsError(reversal_id)

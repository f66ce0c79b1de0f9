"""What billing's part of the web application needs, wired once per process."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from billing.core.settlement import Contract
from billing.core.statement import Statement
from billing.db import dispute_reads, queries, settlements
from billing.db.accounts import Profile
from billing.db.connection import Pool, transaction
from billing.db.dispute_reads import DisputeView
from billing.db.queries import ObligationView
from billing.db.settlements import SettlementView
from billing.db.sign_in import TokenHolder, TokenRow
from billing.gateways import Providers
from billing.notifications import Notifier, notifier_of
from billing.providers import open_providers
from billing.services import bind, leave, sign_in
from billing.services.appeals import AppealDesk
from billing.services.claims import ClaimDesk, Clock
from billing.services.discrepancies import DiscrepancyDesk
from billing.services.draw_statement import draw_statement
from billing.services.pay_by_hand import ObligationNotFoundError, pay_by_hand
from billing.services.payout_desk import PayoutDesk
from billing.services.plate_services import ServiceDesk
from billing.services.refund_desk import RefundDesk
from billing.services.settle_operators import agree_contract
from billing.services.sign_in import SignedIn
from billing.services.webhooks import receive_webhook
from billing.settings import BillingSettings
from billing.statement_files import receipt_pdf
from parking.core.errors import DomainError
from parking.core.ids import AccountId, OperatorId, StayId
from parking.core.plate import Plate

_SETTLEMENTS_LISTED = 400


class NothingPaidError(DomainError):
    """There is no receipt before money was taken."""

    def __init__(self, stay_id: StayId) -> None:
        super().__init__(f"nothing was paid for stay {stay_id} yet")


class DisputeNotFoundError(DomainError):
    """There is no such dispute, or it is about none of the asker's stays."""

    def __init__(self, dispute_id: UUID) -> None:
        super().__init__(f"there is no dispute {dispute_id}")


class BillingServices:
    """Billing's use cases with their database, gateway and clock."""

    def __init__(
        self,
        *,
        pool: Pool,
        providers: Providers,
        notifier: Notifier,
        settings: BillingSettings,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._providers = providers
        self._gateway = providers.gateway
        self._notifier = notifier
        self._settings = settings
        self._clock = clock

    @classmethod
    def build(cls, *, pool: Pool, settings: BillingSettings, clock: Clock) -> "BillingServices":
        """Wire billing to the providers of the settings.

        Raises EmptyWebhookSecretError: forgeries would be accepted.
        """
        return cls(
            pool=pool,
            providers=open_providers(settings),
            notifier=notifier_of(settings),
            settings=settings,
            clock=clock,
        )

    def now(self) -> datetime:
        """What time it is, by the clock of these services."""
        return self._clock()

    async def close(self) -> None:
        """Close the connections to the providers."""
        await self._providers.close()

    async def send_code(self, *, phone: str) -> datetime:
        """Send a one-time code; answers until when it is good."""
        return await sign_in.send_code(
            self._pool, self._notifier, self._settings, phone=phone, now=self._clock()
        )

    async def sign_in(self, *, phone: str, code: str) -> SignedIn:
        """Open an account, or sign in to it, by a code. Raises WrongCodeError, DeadCodeError."""
        return await sign_in.sign_in_with_code(
            self._pool, self._settings, phone=phone, code=code, now=self._clock()
        )

    async def holder_of_token(self, token: str) -> TokenHolder | None:
        """Say whose token this is, if it is still good."""
        return await sign_in.holder_of_token(self._pool, token, now=self._clock())

    async def tokens(self, account_id: AccountId) -> list[TokenRow]:
        """List where an account is signed in."""
        return await sign_in.list_tokens(self._pool, account_id, now=self._clock())

    async def revoke_token(self, account_id: AccountId, token_id: UUID) -> None:
        """Sign out one token. Raises UnknownTokenError."""
        await sign_in.revoke_token(self._pool, account_id, token_id, now=self._clock())

    async def close_account(self, account_id: AccountId) -> None:
        """Close an account for good. Raises AccountOwesError."""
        await leave.close_account(self._pool, account_id, now=self._clock())

    async def replace_plate(self, account_id: AccountId, *, old: Plate, new: Plate) -> int:
        """Change a plate; says how many unpaid stays came with the new one."""
        return await bind.replace_plate(
            self._pool, self._settings, account_id, old=old, new=new, now=self._clock()
        )

    @property
    def claims(self) -> ClaimDesk:
        """Claims to plates that others have."""
        return ClaimDesk(self._pool, self._settings, self._clock)

    @property
    def appeals(self) -> AppealDesk:
        """Fees that drivers contest."""
        return AppealDesk(self._pool, self._settings, self._clock)

    async def unbind_plate(self, account_id: AccountId, plate: Plate) -> None:
        """Let a plate go. Raises PlateNotBoundError."""
        await leave.unbind_plate(self._pool, account_id, plate, now=self._clock())

    async def unbind_method(self, account_id: AccountId) -> None:
        """Charge the card no more. Raises NoPaymentMethodError."""
        await leave.unbind_method(self._pool, account_id, now=self._clock())

    async def profile(self, account_id: AccountId) -> Profile:
        """Read an account as its owner may see it."""
        return await bind.read_profile(self._pool, account_id)

    async def bind_plate(self, account_id: AccountId, plate: Plate) -> int:
        """Bind a plate; says how many unpaid stays came with it."""
        return await bind.bind_plate(
            self._pool, self._settings, account_id, plate, now=self._clock()
        )

    async def start_setup(
        self, account_id: AccountId, *, return_url: str, consent_version: str
    ) -> str:
        """Give the address of the page on which a card is left."""
        return await bind.start_setup(
            self._pool,
            self._gateway,
            self._settings,
            account_id=account_id,
            return_url=return_url,
            consent_version=consent_version,
            now=self._clock(),
        )

    async def obligations(self, account_id: AccountId, *, limit: int) -> list[ObligationView]:
        """List an account's obligations, the newest first."""
        async with transaction(self._pool) as db:
            return await queries.obligations_of_account(db, account_id, limit=limit)

    async def obligation(self, stay_id: StayId) -> ObligationView:
        """Look up what is owed for a stay. Raises ObligationNotFoundError."""
        async with transaction(self._pool) as db:
            found = await queries.obligations_of_stays(db, [stay_id])
        if stay_id not in found:
            raise ObligationNotFoundError(stay_id)
        return found[stay_id]

    async def receipt(self, stay_id: StayId) -> bytes:
        """Make the receipt of a paid stay. ObligationNotFoundError, NothingPaidError."""
        view = await self.obligation(stay_id)
        if not view.captured_minor:
            raise NothingPaidError(stay_id)
        return receipt_pdf(view, zone=self._settings.ledger_zone)

    async def open_checkout(self, stay_id: StayId, *, return_url: str) -> str:
        """Give the address of a page on which a stay can be paid by hand."""
        return await pay_by_hand(
            self._pool,
            self._providers,
            self._settings,
            stay_id=stay_id,
            return_url=return_url,
            now=self._clock(),
        )

    async def receive_webhook(
        self, provider: str, *, body: bytes, headers: Mapping[str, str]
    ) -> bool:
        """Store a webhook; False where it was stored before.

        Raises UnknownProviderError, ForgedWebhookError.
        """
        return await receive_webhook(
            self._pool,
            self._providers.named(provider),
            body=body,
            headers=headers,
            now=self._clock(),
        )

    async def agree_contract(self, operator_id: OperatorId, contract: Contract, *, by: str) -> None:
        """Let a contract begin on a day to come."""
        await agree_contract(
            self._pool,
            self._settings,
            operator_id=operator_id,
            contract=contract,
            by=by,
            now=self._clock(),
        )

    async def contracts(self, operator_id: OperatorId) -> list[Contract]:
        """List an operator's contracts, the first first."""
        async with transaction(self._pool) as db:
            return (await settlements.contracts_of(db, [operator_id])).get(operator_id, [])

    async def settlements(self, operator_id: OperatorId) -> list[SettlementView]:
        """List an operator's settlements with their payouts, the newest first."""
        async with transaction(self._pool) as db:
            return await settlements.listed(db, operator_id, limit=_SETTLEMENTS_LISTED)

    async def disputes(self, operator_id: OperatorId, *, limit: int) -> list[DisputeView]:
        """List banks' disputes of payments for an operator's stays, the newest first."""
        async with transaction(self._pool) as db:
            return await dispute_reads.of_operator(db, operator_id, limit=limit)

    async def dispute(
        self, dispute_id: UUID, *, operator_id: OperatorId | None
    ) -> list[DisputeView]:
        """Read a dispute stay by stay: an operator's stays, or all. Raises DisputeNotFoundError."""
        async with transaction(self._pool) as db:
            parts = await dispute_reads.parts_of(db, dispute_id, operator_id)
        if not parts:
            raise DisputeNotFoundError(dispute_id)
        return parts

    @property
    def plate_services(self) -> ServiceDesk:
        """Services that drivers have opened for their plates."""
        return ServiceDesk(self._pool, self._providers, self._clock)

    @property
    def refunds(self) -> RefundDesk:
        """Refunds that a gateway refused for good."""
        return RefundDesk(self._pool, self._providers, self._settings, self._clock)

    @property
    def discrepancies(self) -> DiscrepancyDesk:
        """What the ledger and the gateways' reports differ in."""
        return DiscrepancyDesk(self._pool, self._clock)

    @property
    def payouts(self) -> PayoutDesk:
        """Where operators are paid, and what is taken back."""
        return PayoutDesk(self._pool, self._gateway, self._clock)

    async def statement(self, operator_id: OperatorId, day: date) -> Statement:
        """Draw up an operator's statement of a ledger day."""
        return await draw_statement(
            self._pool,
            self._settings,
            operator_id=operator_id,
            business_date=day,
            gateway_names=[each.name for each in self._providers],
        )

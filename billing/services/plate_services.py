"""A driver's service for a plate at a provider: looked up there, bound here, let go."""

from datetime import datetime

from billing.db import accounts
from billing.db import plate_services as rows
from billing.db.connection import Pool, transaction
from billing.db.plate_services import ServiceRow
from billing.gateways import Providers
from billing.registering import EntryRegistrar, ServiceState
from billing.services.bind import AccountNotFoundError, PlateNotBoundError
from billing.services.claims import Clock
from billing.services.ids import new_id
from parking.core.errors import DomainError
from parking.core.events import PlateColour
from parking.core.ids import AccountId
from parking.core.plate import Plate


class NoServicesError(DomainError):
    """The provider has no services for plates."""

    def __init__(self, provider: str) -> None:
        super().__init__(f"{provider} has no services for plates")


class ServiceNotOpenError(DomainError):
    """The driver has not opened the service for this plate, or has paused it."""

    def __init__(self, provider: str, state: ServiceState) -> None:
        super().__init__(f"the plate's service at {provider} is {state.value}: open it there first")


class ServiceNotBoundError(DomainError):
    """The account has bound no service for this plate."""

    def __init__(self, provider: str) -> None:
        super().__init__(f"no service of {provider} is bound for this plate")


async def bind_service(
    pool: Pool,
    providers: Providers,
    *,
    account_id: AccountId,
    plate: Plate,
    colour: PlateColour,
    provider: str,
    customer_ref: str,
    now: datetime,
) -> ServiceRow:
    """Charge a plate's stays to the service that its driver has opened for it from now on.

    The provider is asked whether this customer has opened it for this plate. Raises
    UnknownProviderError, NoServicesError, PlateNotBoundError, ServiceNotOpenError,
    GatewayUnavailableError, GatewayRefusedError, AccountNotFoundError.
    """
    registrar = _registrar(providers, provider)
    found = await registrar.look_up_service(plate=plate, colour=colour, customer_ref=customer_ref)
    if found.state is not ServiceState.NORMAL or found.customer_ref != customer_ref:
        raise ServiceNotOpenError(provider, found.state)
    service = ServiceRow(
        service_id=new_id(now),
        account_id=account_id,
        gateway=provider,
        plate=plate,
        colour=colour,
        customer_ref=customer_ref,
        state=found.state,
        block_reason=None,
    )
    async with transaction(pool) as db:
        if not await accounts.keep_open(db, account_id):
            raise AccountNotFoundError(account_id)
        if await accounts.bound_to(db, plate) != account_id:
            raise PlateNotBoundError(plate)
        await rows.replace(db, service, now=now)
    return service


class ServiceDesk:
    """Services of plates, for drivers."""

    def __init__(self, pool: Pool, providers: Providers, clock: Clock) -> None:
        self._pool = pool
        self._providers = providers
        self._clock = clock

    async def bind(
        self,
        account_id: AccountId,
        *,
        plate: Plate,
        colour: PlateColour,
        provider: str,
        customer_ref: str,
    ) -> ServiceRow:
        """Charge a plate's stays to the service that its driver has opened for it."""
        return await bind_service(
            self._pool,
            self._providers,
            account_id=account_id,
            plate=plate,
            colour=colour,
            provider=provider,
            customer_ref=customer_ref,
            now=self._clock(),
        )

    async def of(self, account_id: AccountId) -> list[ServiceRow]:
        """List the services of an account's plates."""
        async with transaction(self._pool) as db:
            return await rows.of_account(db, account_id)

    async def let_go(self, account_id: AccountId, *, plate: Plate, provider: str) -> None:
        """Charge a plate's stays to its service no more. Raises ServiceNotBoundError."""
        async with transaction(self._pool) as db:
            if not await rows.let_go(db, account_id, plate, gateway=provider, now=self._clock()):
                raise ServiceNotBoundError(provider)


def _registrar(providers: Providers, name: str) -> EntryRegistrar:
    registrar = providers.named(name).registrar
    if registrar is None:
        raise NoServicesError(name)
    return registrar

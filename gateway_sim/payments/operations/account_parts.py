"""What hangs on a connected account: capabilities, bank accounts, links to its own pages."""

from typing import TYPE_CHECKING, Any, Literal

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.operations import accounts, banks
from gateway_sim.payments.operations.params import (
    ListParams,
    Metadata,
    Page,
    Params,
    checked_url,
    list_page,
    merge_metadata,
)
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.account import Account, BankAccount, Capability

if TYPE_CHECKING:
    from gateway_sim.payments.world import World
    from gateway_sim.wire import JsonObject

LINK_LIFETIME_S = 300


class CapabilityParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the account wants it."""

    requested: bool


class BankCreateParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For another bank account."""

    external_account: dict[str, Any] | str
    default_for_currency: bool = False
    metadata: Metadata | None = None


class BankListParams(ListParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which kind; cards to pay out to are not simulated, so there are none."""

    object: Literal["bank_account", "card"] = "bank_account"


class BankUpdateParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be changed on a bank account."""

    account_holder_name: str | None = None
    default_for_currency: bool | None = None
    metadata: Metadata | None = None


class LinkParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose page, and where it leads back to."""

    account: str
    type: Literal["account_onboarding", "account_update"]
    collect: str | None = None
    refresh_url: str = ""
    return_url: str = ""


def list_capabilities(world: "World", _params: Params, account_id: str) -> Page:
    """All that an account has asked for."""
    account = world.load(Account, account_id)
    told = [present(world, accounts.capability(account, name)) for name in account.capabilities]
    return Page(url=f"/v1/accounts/{account_id}/capabilities", data=told, has_more=False)


def retrieve_capability(world: "World", _params: Params, account_id: str, name: str) -> Capability:
    """One capability."""
    return accounts.capability(world.load(Account, account_id), name)


def update_capability(
    world: "World", params: CapabilityParams, account_id: str, name: str
) -> Capability:
    """Ask for a capability, or give it back."""
    account = world.load(Account, account_id)
    accounts.request(account, name, wanted=params.requested)
    return accounts.capability(accounts.announce(world, account), name)


def create_bank(world: "World", params: BankCreateParams, account_id: str) -> BankAccount:
    """Add a bank account."""
    account = world.load(Account, account_id)
    bank = banks.add(world, account, params.external_account, default=params.default_for_currency)
    bank.metadata = merge_metadata({}, params.metadata)
    return _changed(world, account, bank, "account.external_account.created")


def update_bank(
    world: "World", params: BankUpdateParams, account_id: str, bank_id: str
) -> BankAccount:
    """Change what is given."""
    account, bank = _of(world, account_id, bank_id)
    if params.account_holder_name is not None:
        bank.account_holder_name = params.account_holder_name or None
    if params.default_for_currency:
        for other in banks.of(world, account):
            other.default_for_currency = other.currency != bank.currency
            world.save(other)
        bank.default_for_currency = True
    bank.metadata = merge_metadata(bank.metadata, params.metadata)
    return _changed(world, account, bank, "account.external_account.updated")


def retrieve_bank(world: "World", _params: Params, account_id: str, bank_id: str) -> BankAccount:
    """A bank account."""
    return _of(world, account_id, bank_id)[1]


def delete_bank(world: "World", _params: Params, account_id: str, bank_id: str) -> "JsonObject":
    """Forget a bank account.

    Raises InvalidRequestError for the default one of its currency.
    """
    account, bank = _of(world, account_id, bank_id)
    others = [one for one in banks.of(world, account) if one.currency == bank.currency]
    if bank.default_for_currency and len(others) > 1:
        msg = "You cannot delete the default external account for your default currency."
        raise InvalidRequestError(msg)
    world.store.remove(bank_id)
    accounts.announce(world, account)
    return {"id": bank_id, "object": "bank_account", "deleted": True}


def list_banks(world: "World", params: BankListParams, account_id: str) -> Page:
    """An account's bank accounts, newest first."""
    world.load(Account, account_id)
    url = f"/v1/accounts/{account_id}/external_accounts"
    if params.object != BankAccount.KIND:
        return Page(url=url, data=[], has_more=False)
    return list_page(world, BankAccount, params, url=url, of_account=account_id)


def _of(world: "World", account_id: str, bank_id: str) -> tuple[Account, BankAccount]:
    return world.load(Account, account_id), world.load(BankAccount, bank_id)


def _changed(world: "World", account: Account, bank: BankAccount, event: str) -> BankAccount:
    world.save(bank)
    accounts.announce(world, account)
    with world.store.within(account.id):
        world.emit(event, bank)
    return bank


def create_link(world: "World", params: LinkParams) -> "JsonObject":
    """Open the page on which an account's owner says who they are; good once, for minutes."""
    account = world.load(Account, params.account, param="account")
    if account.type == "standard" and params.type == "account_update":
        msg = "Standard accounts cannot be updated by an account link."
        raise InvalidRequestError(msg, param="type")
    return_url = checked_url(params.return_url, param="return_url")
    checked_url(params.refresh_url, param="refresh_url")
    now = world.clock.created()
    token = world.ids.make("link")
    expires_at = now + LINK_LIFETIME_S
    world.store.set_note(token, f"{expires_at} {account.id} {return_url}")
    return {
        "object": "account_link",
        "created": now,
        "expires_at": expires_at,
        "url": f"{world.cause.origin}/onboard/{token}",
    }


def create_login_link(world: "World", _params: Params, account_id: str) -> "JsonObject":
    """A link to an Express account's own dashboard (which is not simulated).

    Raises InvalidRequestError for other accounts.
    """
    account = world.load(Account, account_id)
    if account.type != "express":
        msg = "Cannot create a login link for an account that is not an Express account."
        raise InvalidRequestError(msg)
    token = world.ids.make("login")
    return {
        "object": "login_link",
        "created": world.clock.created(),
        "url": f"{world.cause.origin}/express/{token}",
    }

"""Connected accounts: whom the platform passes money on to."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.operations import banks, payouts
from gateway_sim.payments.operations.params import Instant, Metadata, Params, merge_metadata
from gateway_sim.payments.shapes.account import (
    Account,
    BankAccount,
    Capability,
    no_requirements,
)

if TYPE_CHECKING:
    from gateway_sim.payments.world import World
    from gateway_sim.wire import JsonObject

Details = dict[str, Any]
"""Details that Stripe checks and the simulator only keeps or forgets."""
CURRENCIES = {"CN": "cny", "HK": "hkd", "JP": "jpy", "SG": "sgd", "GB": "gbp", "US": "usd"}
"""Of other countries: eur."""


class CapabilityParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the account wants it."""

    requested: bool


class TermsParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That the owner has agreed to the terms of service."""

    date: Instant | None = None
    ip: str | None = None
    user_agent: str | None = None


class ProfileParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the business is."""

    mcc: str | None = None
    name: str | None = None
    product_description: str | None = None
    support_email: str | None = None
    support_phone: str | None = None
    support_url: str | None = None
    url: str | None = None


class ScheduleParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the balance is paid out by itself."""

    delay_days: Annotated[int, msgspec.Meta(ge=2, le=31)] | None = None
    interval: Literal["daily", "manual", "monthly", "weekly"] | None = None
    monthly_anchor: Annotated[int, msgspec.Meta(ge=1, le=31)] | None = None
    weekly_anchor: str | None = None


class PayoutSettingsParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it is paid out."""

    debit_negative_balances: bool | None = None
    schedule: ScheduleParams = ScheduleParams()
    statement_descriptor: str | None = None


class SettingsParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of all settings, those that do something here."""

    payouts: PayoutSettingsParams = PayoutSettingsParams()


class _Changes(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    business_profile: ProfileParams | None = None
    business_type: str | None = None
    capabilities: dict[str, CapabilityParams] | None = None
    company: Details | None = None
    default_currency: str | None = None
    email: str | None = None
    external_account: Details | str | None = None
    individual: Details | None = None
    metadata: Metadata | None = None
    settings: SettingsParams | None = None
    tos_acceptance: TermsParams | None = None


class CreateParams(_Changes, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For creation."""

    controller: Details | None = None
    country: str = "CN"
    type: Literal["custom", "express", "standard"] = "standard"


class UpdateParams(_Changes, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For an update."""


class RejectParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: str


def create(world: "World", params: CreateParams) -> Account:
    """Connect somebody; what is missing is asked for on the onboarding page."""
    country = params.country.upper()
    account = Account(
        id=world.ids.make("acct"),
        created=world.clock.created(),
        controller={"is_controller": True, "type": "application"},
        country=country,
        default_currency=(params.default_currency or CURRENCIES.get(country, "eur")).lower(),
        email=params.email,
        type=params.type,
    )
    _apply(world, account, params)
    save(world, account)
    with world.store.within(account.id):
        payouts.begin_days(world)
    return account


def update(world: "World", params: UpdateParams, account_id: str) -> Account:
    """Change what is given."""
    account = world.load(Account, account_id)
    _apply(world, account, params)
    return announce(world, account)


def announce(world: "World", account: Account) -> Account:
    """Keep a changed account and tell of it."""
    before = world.load(Account, account.id).capabilities
    save(world, account)
    with world.store.within(account.id):
        world.emit("account.updated", account)
        for name, status in account.capabilities.items():
            if before.get(name) != status:
                world.emit("capability.updated", capability(account, name))
    return account


def delete(world: "World", _params: Params, account_id: str) -> "JsonObject":
    """Disconnect an account.

    Raises InvalidRequestError while it has money.
    """
    world.load(Account, account_id)
    with world.store.within(account_id):
        balances = world.store.balances(until=world.clock.created())
    if any(sum(sums) for sums in balances.values()):
        msg = "This account cannot be deleted while it has a non-zero balance."
        raise InvalidRequestError(msg)
    world.store.remove(account_id)
    return {"id": account_id, "object": "account", "deleted": True}


def reject(world: "World", params: RejectParams, account_id: str) -> Account:
    """Have nothing more to do with an account."""
    account = world.load(Account, account_id)
    known = params.reason in {"fraud", "terms_of_service"}
    account.restricted = f"rejected.{params.reason if known else 'other'}"
    return announce(world, account)


def retrieve_own(world: "World", _params: Params) -> Account:
    """The account that is acted for; the platform's is made up, since nothing hangs on it."""
    account_id = world.store.account
    if account_id:
        with world.at_platform():
            return world.load(Account, account_id)
    return Account(
        id=f"acct_{world.ids.token('platform', 16)}",
        created=0,
        charges_enabled=True,
        controller={"type": "account"},
        country="CN",
        default_currency="cny",
        details_submitted=True,
        payouts_enabled=True,
        type="standard",
    )


def _apply(world: "World", account: Account, params: _Changes) -> None:
    if params.business_type is not None:
        account.business_type = params.business_type or None
    if params.email is not None:
        account.email = params.email or None
    if params.default_currency is not None:
        account.default_currency = params.default_currency.lower()
    for name in params.capabilities or {}:
        request(account, name, wanted=(params.capabilities or {})[name].requested)
    if params.tos_acceptance is not None:
        account.tos_acceptance = msgspec.structs.asdict(params.tos_acceptance)
    if params.business_profile is not None:
        account.business_profile = _over(account.business_profile, params.business_profile)
    if params.settings is not None:
        account.settings = _over(account.settings, params.settings)
    account.metadata = merge_metadata(account.metadata, params.metadata)
    if params.external_account is not None:
        banks.replace(world, account, params.external_account)


def _over(kept: "JsonObject", given: msgspec.Struct) -> "JsonObject":
    """Details with what is given put over what is kept, level by level."""
    over = dict(kept)
    for name, value in msgspec.structs.asdict(given).items():
        if isinstance(value, msgspec.Struct):
            over[name] = _over(kept[name], value)
        elif value is not None:
            over[name] = value
    return over


def request(account: Account, name: str, *, wanted: bool) -> None:
    """Ask for a capability, or give it back."""
    if wanted:
        account.capabilities.setdefault(name, "inactive")
    else:
        account.capabilities.pop(name, None)


def save(world: "World", account: Account) -> None:
    """Keep an account, with what it may do now by what is known of it."""
    missing = _missing(world, account)
    account.details_submitted = not (missing - {"external_account"})
    able = account.details_submitted and account.restricted is None
    account.capabilities = dict.fromkeys(account.capabilities, "active" if able else "inactive")
    account.charges_enabled = able and "card_payments" in account.capabilities
    account.payouts_enabled = able and "external_account" not in missing
    account.requirements = {
        **no_requirements(),
        "currently_due": sorted(missing),
        "eventually_due": sorted(missing),
        "past_due": sorted(missing),
        "disabled_reason": account.restricted or ("requirements.past_due" if missing else None),
    }
    world.save(account)


def _missing(world: "World", account: Account) -> set[str]:
    known = world.store.find(BankAccount, where={"of_account": account.id}, limit=1)
    missing = set() if known else {"external_account"}
    if account.business_type is None:
        missing.add("business_type")
    if account.tos_acceptance["date"] is None:
        missing |= {"tos_acceptance.date", "tos_acceptance.ip"}
    return missing


def capability(account: Account, name: str) -> Capability:
    """What an account may do, told on its own; one that was never asked for is inactive."""
    wanted = name in account.capabilities
    return Capability(
        id=name,
        created=account.created,
        account=account.id,
        requested=wanted,
        requested_at=account.created if wanted else None,
        requirements=account.requirements,
        status=account.capabilities.get(name, "unrequested"),
    )

"""Payouts: asked for or by schedule; they leave, arrive, and come back when the bank refuses."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.faults import Mishap, subject_of
from gateway_sim.payments.operations import moves
from gateway_sim.payments.operations.params import (
    Instant,
    ListParams,
    Metadata,
    Page,
    Params,
    list_page,
    merge_metadata,
)
from gateway_sim.payments.shapes.account import Account, BankAccount
from gateway_sim.payments.shapes.payout import Payout
from gateway_sim.payments.store import PLATFORM
from gateway_sim.payments.truth import PayoutStep, TruePayout

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

LEAVES_AFTER_S = 3600
FAILS_LATE_S = 3 * moves.DAY_S
"""After it was told to have arrived; banks take up to five business days."""
USUAL_FAILURE = "account_closed"
FAILURES = {
    "account_closed": "The bank account has been closed.",
    "account_frozen": "The bank account has been frozen.",
    "bank_account_restricted": "The bank account has restrictions on the type of payouts.",
    "could_not_process": "The bank could not process this payout.",
    "debit_not_authorized": "Debit transactions are not approved on the bank account.",
    "declined": "The bank has declined this payout.",
    "insufficient_funds": "The account has insufficient funds to cover a negative balance.",
    "invalid_account_number": "The account number is invalid.",
    "invalid_currency": "The bank was unable to process this payout because of its currency.",
    "no_account": "The bank account could not be located.",
}


class CreateParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much, and where to."""

    amount: int
    currency: str
    description: str | None = None
    destination: str | None = None
    metadata: Metadata | None = None
    method: str = "standard"
    source_type: str | None = None
    statement_descriptor: str | None = None


class PayoutListParams(ListParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far, where to, and when they arrive."""

    arrival_date: Instant | dict[str, Instant] | None = None
    destination: str | None = None
    status: str | None = None


def create(world: "World", params: CreateParams) -> Payout:
    """Pay out part of the available balance.

    Raises InvalidRequestError when there is not as much.
    """
    if params.amount < 1:
        msg = "This value must be greater than or equal to 1."
        raise InvalidRequestError(msg, code="parameter_invalid_integer", param="amount")
    if params.method != "standard":
        msg = "Instant payouts are not simulated."
        raise InvalidRequestError(msg, param="method")
    currency = params.currency.lower()
    bank = _bank(world, currency, named=params.destination)
    moves.refuse_beyond_available(world, amount=params.amount, currency=currency)
    payout = _send(world, amount=params.amount, currency=currency, bank=bank, automatic=False)
    payout.description = params.description
    payout.statement_descriptor = params.statement_descriptor
    payout.metadata = merge_metadata({}, params.metadata)
    return _created(world, payout)


def _bank(world: "World", currency: str, *, named: str | None) -> BankAccount | None:
    """Where to; the platform's own bank need not be known.

    Raises InvalidRequestError when a connected account has none for the currency.
    """
    account_id = world.store.account
    with world.at_platform():
        if named is not None:
            return world.load(BankAccount, named, param="destination")
        banks = world.store.find(
            BankAccount, where={"of_account": account_id, "currency": currency}
        )
    usual = [one for one in banks if one.default_for_currency] or list(banks)
    if not usual and account_id != PLATFORM:
        msg = f"Sorry, you don't have any external accounts in that currency ({currency})."
        raise InvalidRequestError(msg, param="currency")
    return usual[0] if usual else None


def _send(
    world: "World", *, amount: int, currency: str, bank: BankAccount | None, automatic: bool
) -> Payout:
    payout_id = world.ids.make("po")
    now = world.clock.created()
    move = moves.book(
        world,
        kind="payout",
        amount=-amount,
        currency=currency,
        source=payout_id,
        description="STRIPE PAYOUT",
    )
    return Payout(
        id=payout_id,
        created=now,
        amount=amount,
        arrival_date=_midnight(now + world.terms.payout_days * moves.DAY_S),
        automatic=automatic,
        balance_transaction=move.id,
        currency=currency,
        description="STRIPE PAYOUT" if automatic else None,
        destination=bank.id if bank else None,
        fails_as=bank.fails_as if bank else None,
        reconciliation_status="in_progress" if automatic else "not_applicable",
    )


def _created(world: "World", payout: Payout) -> Payout:
    subject = subject_of(payout.metadata)
    if payout.fails_as is None and world.faults.happens(Mishap.PAYOUT_FAILED, subject):
        payout.fails_as = USUAL_FAILURE
    world.save(payout)
    _witness(world, payout, "payout")
    world.emit("payout.created", payout)
    if payout.fails_as is None and world.faults.happens(Mishap.PAYOUT_FAILED_AFTER_PAID, subject):
        at = payout.arrival_date + FAILS_LATE_S
        body = {"payout": payout.id, "code": USUAL_FAILURE}
        world.agenda.add("payout_fails", at=at, body=body)
    on_its_way = {"payout": payout.id}
    leaves_at = min(payout.created + LEAVES_AFTER_S, payout.arrival_date)
    world.agenda.add("payout_leaves", at=leaves_at, body=on_its_way)
    world.agenda.add("payout_arrives", at=payout.arrival_date, body=on_its_way)
    return payout


def cancel(world: "World", _params: Params, payout_id: str) -> Payout:
    """Keep a payout here that has not left yet."""
    payout = world.load(Payout, payout_id)
    if payout.status != "pending" or payout.automatic:
        msg = "Payouts can only be canceled while they are pending, and only manual ones."
        raise InvalidRequestError(msg, code="payouts_not_allowed")
    move = moves.book(
        world,
        kind="payout_cancel",
        amount=payout.amount,
        currency=payout.currency,
        source=payout.id,
        description=f"PAYOUT CANCELED ({payout.id})",
    )
    payout.status = "canceled"
    payout.failure_balance_transaction = move.id
    world.save(payout)
    _witness(world, payout, "payout_canceled")
    world.emit("payout.canceled", payout)
    return payout


def leave(world: "World", payout_id: str) -> None:
    """The payout is with the bank now."""
    payout = world.load(Payout, payout_id)
    if payout.status == "pending":
        payout.status = "in_transit"
        world.save(payout)
        world.emit("payout.updated", payout)


def arrive(world: "World", payout_id: str) -> None:
    """The payout arrives, or comes back."""
    payout = world.load(Payout, payout_id)
    if payout.status not in {"pending", "in_transit"}:
        return
    if payout.fails_as is not None:
        fail(world, payout_id, payout.fails_as)
        return
    payout.status = "paid"
    payout.trace_id = {"status": "supported", "value": world.ids.token(payout.id, 16).upper()}
    if payout.automatic:
        payout.reconciliation_status = "completed"
    world.save(payout)
    world.emit("payout.paid", payout)
    if payout.automatic:
        world.emit("payout.reconciliation_completed", payout)


def fail(world: "World", payout_id: str, code: str) -> Payout:
    """The bank sends a payout back, be it days after it was told to have arrived.

    Raises InvalidRequestError for an unknown code, or a payout that is over.
    """
    payout = world.load(Payout, payout_id)
    if code not in FAILURES:
        msg = f"No such failure code: {code[:40]}. There are: {', '.join(FAILURES)}."
        raise InvalidRequestError(msg, param="failure_code")
    if payout.status in {"failed", "canceled"}:
        msg = f"Payout {payout.id} has a status of {payout.status}."
        raise InvalidRequestError(msg)
    move = moves.book(
        world,
        kind="payout_failure",
        amount=payout.amount,
        currency=payout.currency,
        source=payout.id,
        description=f"PAYOUT FAILED ({payout.id})",
    )
    payout.status = "failed"
    payout.failure_code = code
    payout.failure_message = FAILURES[code]
    payout.failure_balance_transaction = move.id
    world.save(payout)
    _witness(world, payout, "payout_failed")
    world.emit("payout.failed", payout)
    return payout


def list_all(world: "World", params: PayoutListParams) -> Page:
    """Payouts, newest first."""
    return list_page(
        world,
        Payout,
        params,
        url="/v1/payouts",
        ranges={"arrival_date": params.arrival_date},
        destination=params.destination,
        status=params.status,
    )


def begin_days(world: "World") -> None:
    """Have the account that is acted for be looked at each midnight, from the next one on."""
    midnight = _midnight(world.clock.created()) + moves.DAY_S
    world.agenda.add("payout_day", at=midnight, body={})


def pay_out_by_schedule(world: "World") -> None:
    """Pay out all that is available, if today is the day for it."""
    begin_days(world)
    if not _is_payout_day(world):
        return
    now = world.clock.created()
    for currency, amount in world.store.not_paid_out(until=now).items():
        if amount <= 0:
            continue
        try:
            bank = _bank(world, currency, named=None)
        except InvalidRequestError:
            continue
        payout = _send(world, amount=amount, currency=currency, bank=bank, automatic=True)
        # The payout's own move, booked just now, is one of its moves, as at Stripe.
        world.store.put_in_payout(payout.id, currency=currency, until=now)
        _created(world, payout)


def _is_payout_day(world: "World") -> bool:
    interval = world.terms.payout_interval
    schedule: dict[str, object] = {}
    account_id = world.store.account
    if account_id != PLATFORM:
        with world.at_platform():
            account = world.load(Account, account_id)
        if not account.payouts_enabled:
            return False
        schedule = account.settings["payouts"]["schedule"]
        interval = str(schedule["interval"])
    today = datetime.fromtimestamp(world.clock.now(), UTC)
    match interval:
        case "daily":
            return True
        case "weekly":
            return f"{today:%A}".lower() == schedule.get("weekly_anchor", "monday")
        case "monthly":
            return today.day == int(str(schedule.get("monthly_anchor", 1)))
    return False


def _midnight(moment: int) -> int:
    return moment // moves.DAY_S * moves.DAY_S


def _witness(world: "World", payout: Payout, what: PayoutStep) -> None:
    world.truth.paid_out(
        TruePayout(
            what=what,
            payout=payout.id,
            account=world.store.account or None,
            balance_transaction=payout.failure_balance_transaction or payout.balance_transaction,
            amount=payout.amount,
            currency=payout.currency,
            automatic=payout.automatic,
            failure_code=payout.failure_code,
            idempotency_key=world.cause.idempotency_key,
            metadata=payout.metadata,
            created=world.clock.created(),
        )
    )

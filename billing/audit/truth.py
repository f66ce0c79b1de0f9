"""What a gateway simulator's truth log says really happened, held against our tables."""

from collections.abc import AsyncIterator

import msgspec

from billing.audit.violation import BillingViolation
from billing.db.connection import Connection

_PAYMENTS = """
SELECT payment_id::text AS payment_id, state, amount_minor, currency, charge_ref
FROM billing.payment WHERE gateway = ANY($1::text[])
"""
_CAPTURED = """
SELECT p.payment_id::text AS payment_id, p.charge_ref, a.payment_id IS NOT NULL AS advanced,
    a.repaid_at IS NOT NULL AS repaid
FROM billing.payment AS p LEFT JOIN billing.provider_advance AS a USING (payment_id)
WHERE p.gateway = ANY($1::text[]) AND p.state = 'succeeded'
"""
_PAYOUTS = """
SELECT payout_id::text AS payout_id, settlement_id::text AS settlement_id, reverses IS NULL AS paid,
    account_ref, amount_minor, state FROM billing.payout
"""
_DISPUTED = """
SELECT f.kind, f.ref, f.amount_minor, f.fee_minor, d.dispute_ref
FROM billing.dispute_fact AS f JOIN billing.dispute AS d USING (dispute_id)
WHERE f.kind IN ('withdrawn', 'reinstated')
"""
_REFUNDS = """
SELECT refund_id::text AS refund_id, state, amount_minor FROM billing.refund
WHERE gateway = ANY($1::text[])
"""


class TrueCharge(msgspec.Struct, frozen=True, kw_only=True):
    """A charge that really happened, from the simulator's truth log. Sums in minor units."""

    charge: str
    payment_intent: str
    amount: int
    currency: str
    metadata: dict[str, str] = {}
    fee: int = 0


class TrueRefund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund that really happened."""

    refund: str
    charge: str
    amount: int
    currency: str
    metadata: dict[str, str] = {}
    reached: bool = True
    """False: it came back, or has not arrived anywhere so far."""


class TrueAdvance(msgspec.Struct, frozen=True, kw_only=True):
    """A charge that the provider itself really paid, in the driver's stead."""

    charge: str
    repaid: bool
    """The driver has really paid the provider back."""


class TrueTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer that really happened."""

    transfer: str
    destination: str
    amount: int
    currency: str
    metadata: dict[str, str] = {}


class TrueReversal(msgspec.Struct, frozen=True, kw_only=True):
    """Part or all of a transfer that really came back."""

    reversal: str
    transfer: str
    destination: str
    amount: int
    currency: str
    metadata: dict[str, str] = {}


class TrueDispute(msgspec.Struct, frozen=True, kw_only=True):
    """Money that a bank really took back, or returned."""

    what: str
    """`withdrawn` or `reinstated`."""
    dispute: str
    balance_transaction: str
    amount: int
    fee: int
    currency: str


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """The truth log of one provider's simulator, or of several together."""

    gateways: tuple[str, ...] = ("stripe",)
    """Whose it is: nothing is said of other providers' payments."""
    charges: tuple[TrueCharge, ...] = ()
    refunds: tuple[TrueRefund, ...] = ()
    advances: tuple[TrueAdvance, ...] = ()
    transfers: tuple[TrueTransfer, ...] = ()
    reversals: tuple[TrueReversal, ...] = ()
    disputes: tuple[TrueDispute, ...] = ()

    def beside(self, other: "Truth") -> "Truth":
        """Join two logs; what neither provider says is said of neither's payments."""
        mine, others = msgspec.structs.asdict(self), msgspec.structs.asdict(other)
        return Truth(**{name: mine[name] + others[name] for name in mine})


async def against_truth(db: Connection, truth: Truth) -> AsyncIterator[BillingViolation]:
    """Check what the simulator really took, gave back and passed on."""
    for check in (
        _against_charges,
        _against_refunds,
        _against_advances,
        _against_transfers,
        _against_disputes,
    ):
        async for violation in check(db, truth):
            yield violation


async def _against_charges(db: Connection, truth: Truth) -> AsyncIterator[BillingViolation]:
    """Hold each payment to at most one true charge, of its own sum, that it knows of."""
    stored = {row["payment_id"]: row for row in await db.fetch(_PAYMENTS, truth.gateways)}
    charged: dict[str, TrueCharge] = {}
    for charge in truth.charges:
        payment_id = charge.metadata.get("payment_id", "")
        if payment_id in charged:
            yield BillingViolation(
                invariant="at-most-one-charge-a-payment",
                subject=payment_id,
                text=f"{charged[payment_id].charge} and {charge.charge}",
            )
        charged[payment_id] = charge
        row = stored.get(payment_id)
        problem = None
        if row is None:
            problem = f"{charge.charge} belongs to no payment of ours"
        elif (charge.amount, charge.currency.upper()) != (row["amount_minor"], row["currency"]):
            problem = f"{charge.charge} took {charge.amount}, the payment is {row['amount_minor']}"
        elif row["state"] in {"waiting", "stopped", "abandoned", "ready"}:
            problem = f"{charge.charge} was taken, the payment is {row['state']}"
        if problem is not None:
            yield BillingViolation(
                invariant="charges-are-payments", subject=payment_id, text=problem
            )
    for payment_id, row in stored.items():
        if row["state"] == "succeeded" and payment_id not in charged:
            yield BillingViolation(
                invariant="payments-are-charges",
                subject=payment_id,
                text=f"succeeded as {row['charge_ref']}, which never happened",
            )


async def _against_refunds(db: Connection, truth: Truth) -> AsyncIterator[BillingViolation]:
    """Hold each refund to at most one true one, of its own sum."""
    stored = {row["refund_id"]: row for row in await db.fetch(_REFUNDS, truth.gateways)}
    given: dict[str, TrueRefund] = {}
    for refund in truth.refunds:
        refund_id = refund.metadata.get("refund_id", "")
        row = stored.get(refund_id)
        if row is None or refund_id in given or row["amount_minor"] != refund.amount:
            yield BillingViolation(
                invariant="refunds-are-ours-and-once",
                subject=refund_id,
                text=f"{refund.refund} gave {refund.amount} back",
            )
        given[refund_id] = refund
    for refund_id, row in stored.items():
        true = given.get(refund_id)
        if row["state"] == "succeeded" and (true is None or not true.reached):
            yield BillingViolation(
                invariant="refunds-are-ours-and-once",
                subject=refund_id,
                text=f"succeeded, and never {'happened' if true is None else 'arrived'}",
            )


async def _against_advances(db: Connection, truth: Truth) -> AsyncIterator[BillingViolation]:
    """Hold what a provider paid in drivers' stead to what we know of it, and of its repayment."""
    stored = {row["charge_ref"]: row for row in await db.fetch(_CAPTURED, truth.gateways)}
    advanced = {each.charge: each for each in truth.advances}
    for charge_ref, row in stored.items():
        true = advanced.get(charge_ref)
        # A repayment of which we have not heard yet is no violation; one that never was is.
        if row["advanced"] != (true is not None) or (row["repaid"] and not (true and true.repaid)):
            yield BillingViolation(
                invariant="advances-are-true",
                subject=row["payment_id"],
                text=f"advanced: {row['advanced']}, repaid: {row['repaid']}; really {true}",
            )


async def _against_transfers(db: Connection, truth: Truth) -> AsyncIterator[BillingViolation]:
    """Hold each payout to at most one true transfer, and each settlement to at most one too."""
    stored = {row["payout_id"]: row for row in await db.fetch(_PAYOUTS)}
    moved: list[tuple[bool, str, TrueTransfer | TrueReversal]]
    moved = [(True, each.transfer, each) for each in truth.transfers]
    moved += [(False, each.reversal, each) for each in truth.reversals]
    seen: set[str] = set()
    settled: set[str] = set()
    for paid, ref, each in moved:
        payout_id = each.metadata.get("payout_id", "")
        row = stored.get(payout_id)
        ours = (paid, each.destination, each.amount)
        if (
            row is None
            or payout_id in seen
            or ours != (row["paid"], row["account_ref"], row["amount_minor"])
            or row["state"] in {"prepared", "failed"}
            or (paid and row["settlement_id"] in settled)
        ):
            yield BillingViolation(
                invariant="transfers-are-payouts-and-once",
                subject=payout_id,
                text=f"{ref} moved {each.amount} of {each.destination}",
            )
        seen.add(payout_id)
        if row is not None and paid:
            settled.add(row["settlement_id"])
    for payout_id, row in stored.items():
        if row["state"] == "succeeded" and payout_id not in seen:
            yield BillingViolation(
                invariant="transfers-are-payouts-and-once",
                subject=payout_id,
                text="succeeded, and never happened",
            )


async def _against_disputes(db: Connection, truth: Truth) -> AsyncIterator[BillingViolation]:
    """Hold each movement that we booked to a true one; of which we may not have heard yet."""
    true = {
        each.balance_transaction: (each.what, each.dispute, each.amount, each.fee)
        for each in truth.disputes
    }
    for row in await db.fetch(_DISPUTED):
        booked = (row["kind"], row["dispute_ref"], row["amount_minor"], row["fee_minor"])
        if true.get(row["ref"]) != booked:
            yield BillingViolation(
                invariant="disputes-are-true",
                subject=row["ref"],
                text=f"booked as {booked}, really {true.get(row['ref'])}",
            )

"""What billing can check by itself, against its own tables and a simulator's truth log.

Every check reads only and names each thing that is wrong. `portal/audit.py` puts these beside
parking's checks.
"""

from collections.abc import AsyncIterator

import msgspec

from billing.db.connection import Connection


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


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """The simulator's truth log."""

    charges: tuple[TrueCharge, ...] = ()
    refunds: tuple[TrueRefund, ...] = ()
    transfers: tuple[TrueTransfer, ...] = ()
    reversals: tuple[TrueReversal, ...] = ()


class BillingViolation(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One invariant that does not hold, for one thing."""

    invariant: str
    subject: str
    text: str


class _Check(msgspec.Struct, frozen=True):
    invariant: str
    sql: str
    """Answers `subject` and `text` for each thing that is wrong."""


_CHECKS = (
    _Check(
        "debits-equal-credits",
        """
        SELECT entry_id::text AS subject,
            format('%s of %s lines, off by %s', count(posting.line), max(entry.lines),
                   coalesce(sum(posting.amount_minor), 0)) AS text
        FROM billing.journal_entry AS entry LEFT JOIN billing.posting USING (entry_id)
        GROUP BY entry_id, posting.currency
        HAVING count(posting.line) <> max(entry.lines) OR sum(posting.amount_minor) <> 0
        """,
    ),
    _Check(
        "receivables-are-what-is-outstanding",
        """
        SELECT coalesce(o.operator_id, p.operator_id) AS subject,
            format('obligations say %s, the ledger %s', coalesce(o.owed, 0), coalesce(p.owed, 0))
                AS text
        FROM (SELECT operator_id, sum(charged_minor - captured_minor + returned_minor
                                      - written_off_minor) AS owed
              FROM billing.obligation GROUP BY operator_id) AS o
        FULL JOIN (SELECT substr(account, 19) AS operator_id, sum(amount_minor) AS owed
                   FROM billing.posting WHERE account LIKE 'driver_receivable:%'
                   GROUP BY account) AS p USING (operator_id)
        WHERE coalesce(o.owed, 0) <> coalesce(p.owed, 0)
        """,
    ),
    _Check(
        "accrued-mirrors-receivable",
        """
        SELECT substr(account, position(':' in account) + 1) AS subject,
            format('off by %s', sum(amount_minor)) AS text
        FROM billing.posting
        WHERE account LIKE 'driver_receivable:%' OR account LIKE 'operator_accrued:%'
        GROUP BY 1 HAVING sum(amount_minor) <> 0
        """,
    ),
    _Check(
        "write-offs-are-what-was-given-up",
        """
        SELECT o.stay_id::text AS subject,
            format('%s written off, its record says %s', o.written_off_minor, coalesce(w.sum, 0))
                AS text
        FROM billing.obligation AS o
        FULL JOIN (SELECT obligation_id, sum(CASE kind WHEN 'written_off' THEN amount_minor
                                             ELSE -amount_minor END) AS sum
                   FROM billing.write_off GROUP BY obligation_id) AS w USING (obligation_id)
        WHERE o.written_off_minor <> coalesce(w.sum, 0)
        """,
    ),
    _Check(
        "write-offs-are-booked-once",
        """
        SELECT w.write_off_id::text AS subject,
            format('%s of %s, booked %s', w.kind, w.amount_minor, coalesce(sum(p.amount_minor), 0))
                AS text
        FROM billing.write_off AS w
        LEFT JOIN billing.journal_entry AS e
            ON e.kind = w.kind AND e.source = w.write_off_id::text
        LEFT JOIN billing.posting AS p
            ON p.entry_id = e.entry_id AND p.account LIKE 'driver_receivable:%'
        GROUP BY w.write_off_id
        HAVING coalesce(sum(p.amount_minor), 0)
            <> CASE w.kind WHEN 'written_off' THEN -w.amount_minor ELSE w.amount_minor END
        """,
    ),
    _Check(
        "settlements-are-booked-once",
        """
        SELECT s.operator_id || ' ' || s.cut_off_date AS subject,
            format('settled %s and fees %s, booked %s and %s', s.settled_minor,
                   s.fixed_minor + s.top_up_minor, p.settled, p.fees) AS text
        FROM billing.settlement AS s
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(l.amount_minor) FILTER (WHERE e.kind = 'settled'), 0) AS settled,
                coalesce(sum(l.amount_minor) FILTER (WHERE e.kind = 'contract_fees'), 0) AS fees
            FROM billing.journal_entry AS e JOIN billing.posting AS l USING (entry_id)
            WHERE e.kind IN ('settled', 'contract_fees') AND e.source = s.settlement_id::text
              AND l.account = 'operator_payable:' || s.operator_id) AS p
        WHERE (p.settled, p.fees) <> (s.settled_minor, s.fixed_minor + s.top_up_minor)
        """,
    ),
    _Check(
        "settlements-follow-each-other",
        """
        SELECT operator_id || ' ' || cut_off_date AS subject,
            format('begins %s with %s, the one before ended %s with %s', begin_date, opening_minor,
                   last_date, last_minor) AS text
        FROM (SELECT *, lag(cut_off_date) OVER w AS last_date, lag(carried_minor) OVER w
                  AS last_minor
              FROM billing.settlement WINDOW w AS (PARTITION BY operator_id ORDER BY cut_off_date))
            AS s
        WHERE opening_minor <> coalesce(last_minor, 0) OR begin_date <> last_date + 1
        """,
    ),
    _Check(
        "what-is-settled-is-what-was-owed",
        """
        SELECT s.operator_id AS subject,
            format('carried %s at %s, the ledger then owed %s', s.carried_minor, s.cut_off_date,
                   -p.owed) AS text
        FROM (SELECT DISTINCT ON (operator_id) * FROM billing.settlement
              ORDER BY operator_id, cut_off_date DESC) AS s
        CROSS JOIN LATERAL (
            SELECT sum(l.amount_minor) AS owed
            FROM billing.posting AS l JOIN billing.journal_entry AS e USING (entry_id)
            WHERE l.account = 'operator_payable:' || s.operator_id
              AND (l.booked_on <= s.cut_off_date OR e.kind IN ('settled', 'contract_fees'))) AS p
        WHERE s.carried_minor <> -p.owed
        """,
    ),
    _Check(
        "payouts-are-their-settlements",
        """
        SELECT p.payout_id::text AS subject,
            format('%s to %s, settled were %s for %s', p.amount_minor, p.operator_id,
                   s.settled_minor, s.operator_id) AS text
        FROM billing.payout AS p JOIN billing.settlement AS s USING (settlement_id)
        WHERE p.reverses IS NULL AND (p.amount_minor, p.currency, p.operator_id)
            <> (s.settled_minor, s.currency, s.operator_id)
        """,
    ),
    _Check(
        "a-settlement-is-paid-once",
        """
        SELECT settlement_id::text AS subject, format('%s transfers', count(*)) AS text
        FROM billing.payout WHERE reverses IS NULL AND state <> 'failed'
        GROUP BY settlement_id HAVING count(*) > 1
        """,
    ),
    _Check(
        "reversals-never-exceed-payouts",
        """
        SELECT p.payout_id::text AS subject,
            format('%s taken back of %s', sum(r.amount_minor), p.amount_minor) AS text
        FROM billing.payout AS r JOIN billing.payout AS p ON p.payout_id = r.reverses
        WHERE r.state <> 'failed'
        GROUP BY p.payout_id HAVING sum(r.amount_minor) > p.amount_minor OR p.state <> 'succeeded'
        """,
    ),
    _Check(
        "payouts-are-booked-once",
        """
        SELECT p.payout_id::text AS subject,
            format('%s of %s, booked %s', p.state, p.amount_minor, coalesce(sum(l.amount_minor), 0))
                AS text
        FROM billing.payout AS p
        LEFT JOIN billing.journal_entry AS e
            ON e.kind = CASE WHEN p.reverses IS NULL THEN 'paid_out' ELSE 'payout_reversed' END
            AND e.source = p.payout_id::text
        LEFT JOIN billing.posting AS l
            ON l.entry_id = e.entry_id AND l.account = 'processor_clearing:' || p.gateway
        GROUP BY p.payout_id
        HAVING coalesce(sum(l.amount_minor), 0) <> CASE WHEN p.state <> 'succeeded' THEN 0
            WHEN p.reverses IS NULL THEN -p.amount_minor ELSE p.amount_minor END
        """,
    ),
    _Check(
        "payouts-never-exceed-net-shares",
        """
        SELECT account AS subject, format('%s more paid out than settled', sum(amount_minor))
            AS text
        FROM billing.posting WHERE account LIKE 'operator_settled:%'
        GROUP BY account HAVING sum(amount_minor) > 0
        """,
    ),
    _Check(
        "a-plate-has-one-holder-at-a-time",
        """
        SELECT a.binding_id::text AS subject, format('overlaps %s', b.binding_id) AS text
        FROM billing.plate_binding AS a JOIN billing.plate_binding AS b
            ON b.plate = a.plate AND b.binding_id > a.binding_id
        WHERE a.bound_at < coalesce(b.ended_at, 'infinity')
          AND b.bound_at < coalesce(a.ended_at, 'infinity')
        """,
    ),
    _Check(
        "obligations-belong-to-who-had-the-plate",
        """
        SELECT o.stay_id::text AS subject, 'its account never had its plate' AS text
        FROM billing.obligation AS o
        WHERE o.account_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM billing.plate_binding AS b
            WHERE b.plate = o.plate AND b.account_id = o.account_id)
        """,
    ),
    _Check(
        "closed-accounts-are-left",
        """
        SELECT a.account_id::text AS subject, 'closed with a plate, a card or a token' AS text
        FROM billing.driver_account AS a
        WHERE a.closed_at IS NOT NULL AND (
            EXISTS (SELECT FROM billing.plate_binding AS b
                    WHERE b.account_id = a.account_id AND b.ended_at IS NULL)
            OR EXISTS (SELECT FROM billing.payment_method AS m
                       WHERE m.account_id = a.account_id AND m.ended_at IS NULL)
            OR EXISTS (SELECT FROM billing.driver_token AS t
                       WHERE t.account_id = a.account_id AND t.revoked_at IS NULL))
        """,
    ),
    _Check(
        "nothing-contested-is-charged",
        """
        SELECT t.payment_id::text || '/' || t.number AS subject,
            format('began while appeal %s lived', p.appeal_id) AS text
        FROM billing.appeal AS p
        JOIN billing.payment_allocation AS a USING (obligation_id)
        JOIN billing.payment_attempt AS t USING (payment_id)
        JOIN billing.payment AS y USING (payment_id)
        WHERE y.method = 'card' AND t.started_at > p.opened_at
          AND t.started_at < coalesce(p.closed_at, 'infinity')
        """,
    ),
    _Check(
        "granted-appeals-are-corrected-before-they-close",
        """
        SELECT p.appeal_id::text AS subject,
            format('waits for revision %s, the fee is at %s', p.revision, o.revision) AS text
        FROM billing.appeal AS p JOIN billing.obligation AS o USING (obligation_id)
        WHERE p.state = 'corrected' AND (p.revision IS NULL OR o.revision < p.revision)
        """,
    ),
    _Check(
        "obligations-follow-their-adjustments",
        """
        SELECT o.stay_id::text AS subject,
            format('charged %s at revision %s, adjustments lead to %s', o.charged_minor,
                   o.revision, coalesce(sum(a.to_minor - a.from_minor), 0)) AS text
        FROM billing.obligation AS o
        LEFT JOIN billing.obligation_adjustment AS a USING (obligation_id)
        GROUP BY o.obligation_id
        HAVING o.charged_minor <> coalesce(sum(a.to_minor - a.from_minor), 0)
            OR o.revision <> coalesce(max(a.revision), 0)
        """,
    ),
    _Check(
        "obligations-are-paid-refunded-or-outstanding",
        """
        SELECT o.stay_id::text AS subject,
            format('captured %s, its payments %s; returned %s, its refunds %s', o.captured_minor,
                   coalesce(sum(a.amount_minor), 0), o.returned_minor,
                   coalesce(sum(a.refunded_minor), 0)) AS text
        FROM billing.obligation AS o
        LEFT JOIN billing.payment_allocation AS a
            ON a.obligation_id = o.obligation_id AND a.state = 'captured'
        GROUP BY o.obligation_id
        HAVING o.captured_minor <> coalesce(sum(a.amount_minor), 0)
            OR o.returned_minor <> coalesce(sum(a.refunded_minor), 0)
        """,
    ),
    _Check(
        "nothing-free-is-charged",
        """
        SELECT o.stay_id::text AS subject,
            format('%s is held or owed for a stay of %s', o.state, o.charged_minor) AS text
        FROM billing.obligation AS o
        WHERE o.charged_minor = 0 AND (o.state IN ('due', 'paid')
            OR o.captured_minor <> o.returned_minor)
        """,
    ),
    _Check(
        "payments-are-their-parts",
        """
        SELECT p.payment_id::text AS subject,
            format('%s, its parts %s', p.amount_minor, sum(a.amount_minor)) AS text
        FROM billing.payment AS p JOIN billing.payment_allocation AS a USING (payment_id)
        GROUP BY p.payment_id
        HAVING p.amount_minor <> sum(a.amount_minor)
            OR (p.state = 'succeeded') <> bool_and(a.state = 'captured')
            OR (p.state = 'abandoned') <> bool_and(a.state = 'released')
        """,
    ),
    _Check(
        "holds-and-states-agree",
        """
        SELECT o.stay_id::text AS subject, format('%s with %s holds', o.state, count(a.payment_id))
            AS text
        FROM billing.obligation AS o
        LEFT JOIN billing.payment_allocation AS a
            ON a.obligation_id = o.obligation_id AND a.state = 'held'
        GROUP BY o.obligation_id
        HAVING (o.state = 'collecting') <> (count(a.payment_id) = 1)
        """,
    ),
    _Check(
        "captured-payments-are-booked-once",
        """
        SELECT p.payment_id::text AS subject,
            format('%s entries of %s for %s', count(DISTINCT e.entry_id),
                   coalesce(sum(l.amount_minor), 0), p.amount_minor) AS text
        FROM billing.payment AS p
        LEFT JOIN billing.journal_entry AS e
            ON e.kind = 'payment_captured' AND e.source = p.payment_id::text
        LEFT JOIN billing.posting AS l
            ON l.entry_id = e.entry_id AND l.account = 'processor_clearing:' || p.gateway
        GROUP BY p.payment_id
        HAVING coalesce(sum(l.amount_minor), 0)
            <> CASE p.state WHEN 'succeeded' THEN p.amount_minor ELSE 0 END
        """,
    ),
    _Check(
        "refunds-never-exceed-captures",
        """
        SELECT p.payment_id::text AS subject,
            format('%s refunded of %s', sum(r.amount_minor), p.amount_minor) AS text
        FROM billing.refund AS r JOIN billing.payment AS p USING (payment_id)
        GROUP BY p.payment_id
        HAVING sum(r.amount_minor) > p.amount_minor OR p.state <> 'succeeded'
        """,
    ),
    _Check(
        "driver-credit-is-what-is-to-be-refunded",
        """
        SELECT 'driver_credit' AS subject, format('the ledger owes %s, refunds to come are %s',
            owed.amount, coming.amount) AS text
        FROM (SELECT coalesce(-sum(amount_minor), 0) AS amount FROM billing.posting
              WHERE account = 'driver_credit') AS owed,
             (SELECT coalesce(sum(amount_minor), 0) AS amount FROM billing.refund
              WHERE state <> 'succeeded') AS coming
        WHERE owed.amount <> coming.amount
        """,
    ),
    _Check(
        "a-new-key-only-after-a-definite-failure",
        """
        SELECT a.payment_id::text || '/' || a.number AS subject,
            format('attempt %s began while this one was %s', b.number, a.outcome) AS text
        FROM billing.payment_attempt AS a
        JOIN billing.payment_attempt AS b
            ON b.payment_id = a.payment_id AND b.number = a.number + 1
        WHERE a.outcome NOT IN ('declined', 'action_required', 'not_executed')
        """,
    ),
)

_PAYMENTS = """
SELECT payment_id::text AS payment_id, state, amount_minor, currency, charge_ref
FROM billing.payment
"""
_PAYOUTS = """
SELECT payout_id::text AS payout_id, settlement_id::text AS settlement_id, reverses IS NULL AS paid,
    account_ref, amount_minor, state FROM billing.payout
"""
_REFUNDS = "SELECT refund_id::text AS refund_id, state, amount_minor FROM billing.refund"


async def violations(
    db: Connection, *, truth: Truth | None = None
) -> AsyncIterator[BillingViolation]:
    """Check everything; with a truth log, also what the simulator really took and gave back."""
    for check in _CHECKS:
        for row in await db.fetch(check.sql):
            yield BillingViolation(
                invariant=check.invariant, subject=row["subject"], text=row["text"]
            )
    if truth is not None:
        async for violation in _against_charges(db, truth):
            yield violation
        async for violation in _against_refunds(db, truth):
            yield violation
        async for violation in _against_transfers(db, truth):
            yield violation


async def _against_charges(db: Connection, truth: Truth) -> AsyncIterator[BillingViolation]:
    """Hold each payment to at most one true charge, of its own sum, that it knows of."""
    stored = {row["payment_id"]: row for row in await db.fetch(_PAYMENTS)}
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
    stored = {row["refund_id"]: row for row in await db.fetch(_REFUNDS)}
    given: set[str] = set()
    for refund in truth.refunds:
        refund_id = refund.metadata.get("refund_id", "")
        row = stored.get(refund_id)
        if row is None or refund_id in given or row["amount_minor"] != refund.amount:
            yield BillingViolation(
                invariant="refunds-are-ours-and-once",
                subject=refund_id,
                text=f"{refund.refund} gave {refund.amount} back",
            )
        given.add(refund_id)
    for refund_id, row in stored.items():
        if row["state"] == "succeeded" and refund_id not in given:
            yield BillingViolation(
                invariant="refunds-are-ours-and-once",
                subject=refund_id,
                text="succeeded, and never happened",
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

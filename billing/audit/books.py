"""What the ledger must be, whoever posts to it."""

from billing.audit.violation import Check

CHECKS = (
    Check(
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
    Check(
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
    Check(
        "accrued-mirrors-receivable",
        """
        SELECT substr(account, position(':' in account) + 1) AS subject,
            format('off by %s', sum(amount_minor)) AS text
        FROM billing.posting
        WHERE account LIKE 'driver_receivable:%' OR account LIKE 'operator_accrued:%'
        GROUP BY 1 HAVING sum(amount_minor) <> 0
        """,
    ),
    Check(
        "roll-ups-are-their-postings",
        """
        SELECT account || ' ' || booked_on || ' ' || kind AS subject,
            format('%s in %s postings rolled up, %s in %s posted', d.moved_minor, d.postings,
                   p.moved_minor, p.postings) AS text
        FROM billing.account_day AS d
        FULL JOIN (SELECT l.account, l.currency, l.booked_on, e.kind,
                       sum(l.amount_minor) AS moved_minor, count(*) AS postings
                   FROM billing.posting AS l JOIN billing.journal_entry AS e USING (entry_id)
                   WHERE l.booked_on <= (SELECT max(closed_through) FROM billing.ledger_closing)
                   GROUP BY l.account, l.currency, l.booked_on, e.kind) AS p
            USING (account, currency, booked_on, kind)
        WHERE (d.moved_minor, d.postings) IS DISTINCT FROM (p.moved_minor, p.postings)
        """,
    ),
    Check(
        "checkpoints-are-sums-of-postings",
        """
        SELECT account || ' ' || booked_on AS subject,
            format('the checkpoint says %s, the postings %s', c.balance_minor, p.balance_minor)
                AS text
        FROM billing.balance_checkpoint AS c
        FULL JOIN (SELECT account, currency, booked_on, sum(sum(amount_minor))
                       OVER (PARTITION BY account, currency ORDER BY booked_on) AS balance_minor
                   FROM billing.posting
                   WHERE booked_on <= (SELECT max(closed_through) FROM billing.ledger_closing)
                   GROUP BY account, currency, booked_on) AS p
            USING (account, currency, booked_on)
        WHERE c.balance_minor IS DISTINCT FROM p.balance_minor
        """,
    ),
    Check(
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
    Check(
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
    Check(
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
    Check(
        "driver-credit-is-what-is-to-be-refunded",
        """
        SELECT 'driver_credit' AS subject, format('the ledger owes %s, refunds to come are %s',
            owed.amount, coming.amount) AS text
        FROM (SELECT coalesce(-sum(amount_minor), 0) AS amount FROM billing.posting
              WHERE account = 'driver_credit') AS owed,
             (SELECT coalesce(sum(amount_minor - covered_minor), 0) AS amount FROM billing.refund
              WHERE state <> 'succeeded') AS coming
        WHERE owed.amount <> coming.amount
        """,
    ),
    Check(
        "refunds-by-hand-are-booked-once",
        """
        SELECT s.refund_id::text AS subject, format('%s given, %s booked, the refund is %s',
            s.amount_minor, coalesce(-sum(p.amount_minor), 0), r.state) AS text
        FROM billing.refund_settlement AS s JOIN billing.refund AS r USING (refund_id)
        LEFT JOIN billing.journal_entry AS e
            ON e.kind = 'refund_by_hand' AND e.source = s.refund_id::text
        LEFT JOIN billing.posting AS p ON p.entry_id = e.entry_id AND p.account = 'own_bank'
        GROUP BY s.refund_id, r.state
        HAVING coalesce(-sum(p.amount_minor), 0) <> s.amount_minor OR r.state <> 'superseded'
        """,
    ),
)

"""What must hold of operators' settlements and payouts."""

from billing.audit.violation import Check

CHECKS = (
    Check(
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
    Check(
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
    Check(
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
    Check(
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
    Check(
        "a-settlement-is-paid-once",
        """
        SELECT settlement_id::text AS subject, format('%s transfers', count(*)) AS text
        FROM billing.payout WHERE reverses IS NULL AND state <> 'failed'
        GROUP BY settlement_id HAVING count(*) > 1
        """,
    ),
    Check(
        "reversals-never-exceed-payouts",
        """
        SELECT p.payout_id::text AS subject,
            format('%s taken back of %s', sum(r.amount_minor), p.amount_minor) AS text
        FROM billing.payout AS r JOIN billing.payout AS p ON p.payout_id = r.reverses
        WHERE r.state <> 'failed'
        GROUP BY p.payout_id HAVING sum(r.amount_minor) > p.amount_minor OR p.state <> 'succeeded'
        """,
    ),
    Check(
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
    Check(
        "payouts-never-exceed-net-shares",
        """
        SELECT account AS subject, format('%s more paid out than settled', sum(amount_minor))
            AS text
        FROM billing.posting WHERE account LIKE 'operator_settled:%'
        GROUP BY account HAVING sum(amount_minor) > 0
        """,
    ),
)

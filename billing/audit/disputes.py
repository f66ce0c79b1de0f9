"""What must hold of banks' disputes: what they took, whose loss it is, what stays uncollected."""

from billing.audit.violation import Check

CHECKS = (
    Check(
        "dispute-movements-are-booked-once",
        """
        SELECT f.ref AS subject,
            format('%s of %s and fee %s, booked %s and %s', f.kind, f.amount_minor, f.fee_minor,
                   b.moved, b.fee) AS text
        FROM billing.dispute_fact AS f JOIN billing.dispute AS d USING (dispute_id)
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(l.amount_minor) FILTER (WHERE e.kind <> 'dispute_fee'), 0) AS moved,
                coalesce(sum(l.amount_minor) FILTER (WHERE e.kind = 'dispute_fee'), 0) AS fee
            FROM billing.journal_entry AS e JOIN billing.posting AS l USING (entry_id)
            WHERE e.kind IN ('dispute_' || f.kind, 'dispute_fee') AND e.source = f.ref
              AND l.account = 'processor_clearing:' || d.gateway) AS b
        WHERE f.kind IN ('withdrawn', 'reinstated') AND (b.moved, b.fee) <> (
            CASE f.kind WHEN 'withdrawn' THEN -f.amount_minor ELSE f.amount_minor END, -f.fee_minor)
        """,
    ),
    Check(
        "dispute-claims-are-what-banks-have-not-decided",
        """
        SELECT coalesce(d.gateway, l.gateway) AS subject,
            format('disputes say %s, the ledger %s', coalesce(d.held, 0), coalesce(l.held, 0))
                AS text
        FROM (SELECT d.gateway, sum(CASE f.kind WHEN 'withdrawn' THEN f.amount_minor
                                    ELSE -f.amount_minor END) AS held
              FROM billing.dispute AS d JOIN billing.dispute_fact AS f USING (dispute_id)
              WHERE d.closed_at IS NULL AND f.kind IN ('withdrawn', 'reinstated')
              GROUP BY d.gateway) AS d
        FULL JOIN (SELECT substr(account, 16) AS gateway, sum(amount_minor) AS held
                   FROM billing.posting WHERE account LIKE 'dispute_claims:%'
                   GROUP BY account) AS l USING (gateway)
        WHERE coalesce(d.held, 0) <> coalesce(l.held, 0)
        """,
    ),
    Check(
        "lost-disputes-have-somebody-who-bears-them",
        """
        SELECT d.dispute_ref AS subject,
            format('%s with %s taken, borne are %s', d.state, f.taken, p.borne) AS text
        FROM billing.dispute AS d
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(CASE kind WHEN 'withdrawn' THEN amount_minor
                                ELSE -amount_minor END), 0) AS taken
            FROM billing.dispute_fact AS f
            WHERE f.dispute_id = d.dispute_id AND kind IN ('withdrawn', 'reinstated')) AS f
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(lost_minor), 0) + d.covered_minor + d.excess_minor AS borne
            FROM billing.dispute_part AS p WHERE p.dispute_id = d.dispute_id) AS p
        WHERE CASE d.state WHEN 'lost' THEN p.borne <> f.taken
            WHEN 'won' THEN (p.borne, f.taken) <> (0, 0) ELSE p.borne <> 0 END
        """,
    ),
    Check(
        "nothing-disputed-is-charged",
        """
        SELECT t.payment_id::text || '/' || t.number AS subject,
            format('began while dispute %s lived', d.dispute_ref) AS text
        FROM billing.dispute AS d
        JOIN billing.payment_allocation AS a ON a.payment_id = d.payment_id
        JOIN billing.payment_allocation AS b ON b.obligation_id = a.obligation_id
        JOIN billing.payment AS y ON y.payment_id = b.payment_id
        JOIN billing.payment AS z ON z.payment_id = d.payment_id
        JOIN billing.payment_attempt AS t ON t.payment_id = y.payment_id
        WHERE y.method = 'card' AND t.started_at > d.known_at
          AND ((d.state = 'lost' AND y.account_id = z.account_id)
               OR t.started_at < coalesce(d.closed_at, 'infinity'))
        """,
    ),
)

"""What must hold of obligations, payments, their attempts and refunds."""

from billing.audit.violation import Check

CHECKS = (
    Check(
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
    Check(
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
    Check(
        "nothing-free-is-charged",
        """
        SELECT o.stay_id::text AS subject,
            format('%s is held or owed for a stay of %s', o.state, o.charged_minor) AS text
        FROM billing.obligation AS o
        WHERE o.charged_minor = 0 AND (o.state IN ('due', 'paid')
            OR o.captured_minor <> o.returned_minor)
        """,
    ),
    Check(
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
    Check(
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
    Check(
        "refunds-never-exceed-captures",
        """
        SELECT p.payment_id::text AS subject,
            format('%s refunded of %s', sum(r.amount_minor - r.covered_minor),
                   p.amount_minor) AS text
        FROM billing.refund AS r JOIN billing.payment AS p USING (payment_id)
        GROUP BY p.payment_id
        HAVING sum(r.amount_minor - r.covered_minor) > p.amount_minor OR p.state <> 'succeeded'
        """,
    ),
    Check(
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

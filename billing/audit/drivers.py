"""What must hold of drivers: their plates, accounts and appeals."""

from billing.audit.violation import Check

CHECKS = (
    Check(
        "a-plate-has-one-holder-at-a-time",
        """
        SELECT a.binding_id::text AS subject, format('overlaps %s', b.binding_id) AS text
        FROM billing.plate_binding AS a JOIN billing.plate_binding AS b
            ON b.plate = a.plate AND b.binding_id > a.binding_id
        WHERE a.bound_at < coalesce(b.ended_at, 'infinity')
          AND b.bound_at < coalesce(a.ended_at, 'infinity')
        """,
    ),
    Check(
        "obligations-belong-to-who-had-the-plate",
        """
        SELECT o.stay_id::text AS subject, 'its account never had its plate' AS text
        FROM billing.obligation AS o
        WHERE o.account_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM billing.plate_binding AS b
            WHERE b.plate = o.plate AND b.account_id = o.account_id)
        """,
    ),
    Check(
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
    Check(
        "nothing-contested-is-charged",
        """
        SELECT t.payment_id::text || '/' || t.number AS subject,
            format('began while appeal %s lived', p.appeal_id) AS text
        FROM billing.appeal AS p
        JOIN billing.payment_allocation AS a USING (obligation_id)
        JOIN billing.payment_attempt AS t USING (payment_id)
        JOIN billing.payment AS y USING (payment_id)
        WHERE y.method <> 'checkout' AND t.started_at > p.opened_at
          AND t.started_at < coalesce(p.closed_at, 'infinity')
        """,
    ),
    Check(
        "granted-appeals-are-corrected-before-they-close",
        """
        SELECT p.appeal_id::text AS subject,
            format('waits for revision %s, the fee is at %s', p.revision, o.revision) AS text
        FROM billing.appeal AS p JOIN billing.obligation AS o USING (obligation_id)
        WHERE p.state = 'corrected' AND (p.revision IS NULL OR o.revision < p.revision)
        """,
    ),
)
